//! What callers may ask for, and what they are told.

use super::canonical::request_hash;
use super::money::{Amount, Currency};
use super::posting::Posting;
pub use super::refusal::Refusal;
use super::reversal::Reversal;
use super::wallet::Wallet;
use super::{entry, id};
use protocol::wallet::EntryKind;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// May act on every customer's wallet.
    Admin,
    /// May act on the wallets of this user only.
    User(Box<str>),
}

impl Actor {
    pub(crate) fn may_act_on(&self, wallet: &Wallet) -> bool {
        match self {
            Self::Admin => true,
            Self::User(user_id) => *user_id == wallet.user_id,
        }
    }
}

/// An idempotency key: the first half of the SHA-256 of what the client sent.
pub type Key = [u8; 16];

/// One thing to do, once per key.
#[derive(Clone, Debug)]
pub struct Command {
    /// The wallet that is asked; a creation's is derived from user and key.
    pub wallet_id: Uuid,
    pub actor: Actor,
    pub kind: CommandKind,
    pub(crate) key: Key,
    /// Of everything that the client said; another body under the same key is refused by it.
    pub(crate) request_hash: u64,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandKind {
    CreateWallet {
        user_id: Box<str>,
        currency: Currency,
    },
    Deposit(Payment),
    Withdraw(Payment),
    Transfer {
        to: Uuid,
        payment: Payment,
    },
    /// Stops all movement, until it is lifted.
    Freeze(Order),
    Unfreeze(Order),
    /// Ends an empty wallet for good.
    Close(Order),
    Reverse(Reversal),
    /// Reserves money.
    Authorize(Authorization),
    /// Takes reserved money.
    Capture(Capture),
    /// Gives reserved money back.
    Void {
        hold_id: Uuid,
        order: Order,
    },
    /// Gives reserved money back because its time is over.
    Expire {
        hold_id: Uuid,
    },
    /// Moves money between several wallets at once.
    Post(Posting),
    /// Sets what a wallet may pay a day and how often a minute.
    Limit(Limiting),
}

/// The limits to set; `None` lifts one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limiting {
    pub day_out: Option<Amount>,
    pub minute_count: Option<u32>,
    /// The limits and the reason in words, for the wallet's history. At most
    /// [`DESCRIPTION_BYTES_MAX`] bytes; the edge checks it.
    pub note: Box<str>,
    /// As in [`Order`].
    pub by: Option<Box<str>>,
}

/// What to reserve, for whom and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// Who gets what is captured; `None` when it leaves.
    pub to: Option<Uuid>,
    /// At most [`super::hold::LIFETIME_SECONDS_MAX`]; the edge checks it.
    pub lifetime_seconds: u32,
    pub payment: Payment,
}

/// What to take of a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    pub hold_id: Uuid,
    /// The hold's own receiver, read before, so that it can be locked.
    pub to: Option<Uuid>,
    /// All that remains when `None`.
    pub amount: Option<Amount>,
    /// Whether what remains then is released.
    pub is_final: bool,
    /// At most [`DESCRIPTION_BYTES_MAX`] bytes; the edge checks it.
    pub description: Option<Box<str>>,
    /// As in [`Order`].
    pub by: Option<Box<str>>,
}

/// Why something is ordered that moves no money by itself, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// At most [`DESCRIPTION_BYTES_MAX`] bytes; the edge checks it.
    pub reason: Box<str>,
    /// The token's subject, at most [`ACTOR_BYTES_MAX`] bytes; `None` for the wallet's user.
    pub by: Option<Box<str>>,
}

/// How much, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub amount: Amount,
    /// When given, must be the wallet's.
    pub currency: Option<Currency>,
    /// The client's own name for the payment. Part of what the key stands for, not stored.
    pub reference: Option<Box<str>>,
    /// At most [`DESCRIPTION_BYTES_MAX`] bytes; the edge checks it.
    pub description: Option<Box<str>>,
}

/// 500 characters of at most four bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 2_000;

/// As the column `entry.actor` has it.
pub const ACTOR_BYTES_MAX: usize = 100;

impl Command {
    /// Opens a wallet of `currency` for `user_id`, one per `key`. The caller has checked that the
    /// actor may.
    #[must_use]
    pub fn create_wallet(user_id: &str, key: &str, currency: Currency) -> Self {
        let kind = CommandKind::CreateWallet { user_id: user_id.into(), currency };
        Self::new(id::wallet(user_id, key), Actor::Admin, key, kind)
    }

    /// Puts money into `wallet_id`.
    #[must_use]
    pub fn deposit(wallet_id: Uuid, actor: Actor, key: &str, payment: Payment) -> Self {
        Self::new(wallet_id, actor, key, CommandKind::Deposit(payment))
    }

    /// Takes money out of `wallet_id`.
    #[must_use]
    pub fn withdraw(wallet_id: Uuid, actor: Actor, key: &str, payment: Payment) -> Self {
        Self::new(wallet_id, actor, key, CommandKind::Withdraw(payment))
    }

    /// Moves money from `wallet_id` to `to`.
    #[must_use]
    pub fn transfer(wallet_id: Uuid, to: Uuid, actor: Actor, key: &str, payment: Payment) -> Self {
        Self::new(wallet_id, actor, key, CommandKind::Transfer { to, payment })
    }

    /// Stops all movement of `wallet_id`. The caller has checked that the one who orders may.
    #[must_use]
    pub fn freeze(wallet_id: Uuid, key: &str, order: Order) -> Self {
        Self::new(wallet_id, Actor::Admin, key, CommandKind::Freeze(order))
    }

    /// Lifts a freeze of `wallet_id`. The caller has checked that the one who orders may.
    #[must_use]
    pub fn unfreeze(wallet_id: Uuid, key: &str, order: Order) -> Self {
        Self::new(wallet_id, Actor::Admin, key, CommandKind::Unfreeze(order))
    }

    /// Ends `wallet_id` for good.
    #[must_use]
    pub fn close(wallet_id: Uuid, actor: Actor, key: &str, order: Order) -> Self {
        Self::new(wallet_id, actor, key, CommandKind::Close(order))
    }

    /// Undoes a transaction. It is asked of the first wallet of `reversal`, of which there must be
    /// one. The caller has checked that the one who orders may.
    #[must_use]
    pub fn reverse(key: &str, reversal: Reversal) -> Self {
        let first = reversal.undone.first().expect("a transaction has an entry");
        Self::new(first.wallet_id, Actor::Admin, key, CommandKind::Reverse(reversal))
    }

    /// Reserves money of `wallet_id`.
    #[must_use]
    pub fn authorize(wallet_id: Uuid, actor: Actor, key: &str, hold: Authorization) -> Self {
        Self::new(wallet_id, actor, key, CommandKind::Authorize(hold))
    }

    /// Takes reserved money of `wallet_id`. The caller has checked that the one who orders may.
    #[must_use]
    pub fn capture(wallet_id: Uuid, key: &str, capture: Capture) -> Self {
        Self::new(wallet_id, Actor::Admin, key, CommandKind::Capture(capture))
    }

    /// Gives reserved money of `wallet_id` back. The caller has checked that the one who orders
    /// may.
    #[must_use]
    pub fn void(wallet_id: Uuid, key: &str, hold_id: Uuid, order: Order) -> Self {
        Self::new(wallet_id, Actor::Admin, key, CommandKind::Void { hold_id, order })
    }

    /// Gives reserved money of `wallet_id` back if the hold's time is over. It has no key: the
    /// hold's state says whether it was done.
    #[must_use]
    pub fn expire(wallet_id: Uuid, hold_id: Uuid) -> Self {
        Self::new(wallet_id, Actor::Admin, "", CommandKind::Expire { hold_id })
    }

    /// Moves money between several wallets at once. It is asked of the first one that pays, of
    /// which there must be one.
    #[must_use]
    pub fn post(actor: Actor, key: &str, posting: Posting) -> Self {
        let payer = posting.legs.iter().find(|leg| leg.pays).expect("somebody pays");
        Self::new(payer.wallet_id, actor, key, CommandKind::Post(posting))
    }

    /// Sets the limits of `wallet_id`. The caller has checked that the one who orders may.
    #[must_use]
    pub fn limit(wallet_id: Uuid, key: &str, limiting: Limiting) -> Self {
        Self::new(wallet_id, Actor::Admin, key, CommandKind::Limit(limiting))
    }

    /// Binds `commands` together: each stands for all of them, so that no other batch can be taken
    /// for this one.
    #[must_use]
    pub fn atomic(mut commands: Vec<Self>) -> Vec<Self> {
        let mut whole = Sha256::new();
        for command in &commands {
            whole.update(command.wallet_id.as_bytes());
            whole.update(command.request_hash.to_be_bytes());
        }
        let whole = whole.finalize();
        for command in &mut commands {
            let own =
                Sha256::new().chain_update(whole).chain_update(command.request_hash.to_be_bytes());
            let own = own.finalize();
            let first = own[..8].try_into().expect("a SHA-256 has 32 bytes");
            command.request_hash = u64::from_be_bytes(first);
        }
        commands
    }

    fn new(wallet_id: Uuid, actor: Actor, key: &str, kind: CommandKind) -> Self {
        let digest = Sha256::digest(key.as_bytes());
        let key = digest[..16].try_into().expect("a SHA-256 has 32 bytes");
        let request_hash = request_hash(wallet_id, &kind);
        Self { wallet_id, actor, kind, key, request_hash }
    }

    /// Under what it is remembered with its wallet.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key
    }

    /// Whether it is remembered under its key. A creation's key is part of the wallet's id.
    pub(crate) fn is_keyed(&self) -> bool {
        !matches!(self.kind, CommandKind::CreateWallet { .. } | CommandKind::Expire { .. })
    }

    /// The wallets that it may change, the asked one first.
    pub fn wallets(&self) -> impl Iterator<Item = Uuid> {
        let (other, reversal, posting) = match &self.kind {
            CommandKind::Transfer { to, .. } => (Some(*to), None, None),
            CommandKind::Reverse(reversal) => (None, Some(reversal.wallets()), None),
            CommandKind::Post(posting) => (None, None, Some(&posting.legs)),
            CommandKind::Authorize(Authorization { to, .. })
            | CommandKind::Capture(Capture { to, .. }) => (*to, None, None),
            CommandKind::CreateWallet { .. }
            | CommandKind::Deposit(_)
            | CommandKind::Withdraw(_)
            | CommandKind::Freeze(_)
            | CommandKind::Unfreeze(_)
            | CommandKind::Close(_)
            | CommandKind::Limit(_)
            | CommandKind::Void { .. }
            | CommandKind::Expire { .. } => (None, None, None),
        };
        let legs = posting.into_iter().flat_map(|legs| legs.iter().map(|leg| leg.wallet_id));
        let undone = reversal.into_iter().flatten();
        std::iter::once(self.wallet_id).chain(other).chain(undone).chain(legs)
    }

    /// The hold that it is about.
    #[must_use]
    pub fn hold_id(&self) -> Option<Uuid> {
        match &self.kind {
            CommandKind::Capture(Capture { hold_id, .. })
            | CommandKind::Void { hold_id, .. }
            | CommandKind::Expire { hold_id } => Some(*hold_id),
            _ => None,
        }
    }

    /// The transaction that it wants to undo.
    #[must_use]
    pub fn reverses(&self) -> Option<Uuid> {
        match &self.kind {
            CommandKind::Reverse(reversal) => Some(reversal.transaction_id),
            _ => None,
        }
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub result: Result<Done, Refusal>,
    /// True when an earlier command with this key did it, and this one only reports it.
    pub replayed: bool,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The wallet as it was opened.
    Wallet(Wallet),
    Transaction(Transaction),
}

/// What an entry is about, without a sign and a fee: what was moved, or else reserved or released.
#[must_use]
pub fn amount_of(amount: i64, held_change: i64, fee: i64) -> i64 {
    let amount = if amount == 0 { held_change } else { amount.strict_add(fee) };
    amount.strict_abs()
}

/// What happened, as seen from the wallet that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub id: Uuid,
    pub kind: EntryKind,
    pub wallet_id: Uuid,
    /// The other wallet, if there is one.
    pub to: Option<Uuid>,
    /// Of a reversal: what it reverses. Of a hold's step: the hold.
    pub about: Option<Uuid>,
    pub currency: Currency,
    /// Not negative, in minor units: what was moved, or else reserved or released. Without a fee.
    pub amount: i64,
    /// What it cost `wallet_id` beside the amount; negative when it was given back.
    pub fee: i64,
    /// What `wallet_id` may spend after it, in minor units.
    pub available_after: i64,
    /// What `wallet_id` has reserved after it, in minor units.
    pub held_after: i64,
    /// Of `wallet_id` after it.
    pub version: u64,
    /// Microseconds since 1970.
    pub at_us: i64,
}

impl Transaction {
    pub(crate) fn of(entry: &entry::Entry<'_>) -> Self {
        Self {
            id: entry.txn_id,
            kind: entry.kind,
            wallet_id: entry.wallet_id,
            to: entry.counterparty,
            about: entry.about,
            currency: entry.currency,
            amount: amount_of(entry.amount, entry.held_change, entry.fee),
            fee: entry.fee,
            available_after: entry.available_after,
            held_after: entry.held_after,
            version: entry.version,
            at_us: entry.at_us,
        }
    }
}
