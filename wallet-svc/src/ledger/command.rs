//! What callers may ask for, and what they are told.

use super::canonical::request_hash;
use super::money::{Amount, Currency};
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
    CreateWallet { user_id: Box<str>, currency: Currency },
    Deposit(Payment),
    Withdraw(Payment),
    Transfer { to: Uuid, payment: Payment },
    /// Stops all movement, until it is lifted.
    Freeze(Order),
    Unfreeze(Order),
    /// Ends an empty wallet for good.
    Close(Order),
    Reverse(Reversal),
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
        !matches!(self.kind, CommandKind::CreateWallet { .. })
    }

    /// The wallets that it may change, the asked one first.
    pub fn wallets(&self) -> impl Iterator<Item = Uuid> {
        let (other, more) = match &self.kind {
            CommandKind::Transfer { to, .. } => (Some(*to), None),
            CommandKind::Reverse(reversal) => (None, Some(reversal.wallets())),
            CommandKind::CreateWallet { .. }
            | CommandKind::Deposit(_)
            | CommandKind::Withdraw(_)
            | CommandKind::Freeze(_)
            | CommandKind::Unfreeze(_)
            | CommandKind::Close(_) => (None, None),
        };
        std::iter::once(self.wallet_id).chain(other).chain(more.into_iter().flatten())
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

/// What happened, as seen from the wallet that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub id: Uuid,
    pub kind: EntryKind,
    pub wallet_id: Uuid,
    /// The other wallet, if there is one.
    pub to: Option<Uuid>,
    /// Of a reversal: what it reverses.
    pub about: Option<Uuid>,
    pub currency: Currency,
    /// Not negative, in minor units.
    pub amount: i64,
    /// What `wallet_id` may spend after it, in minor units.
    pub available_after: i64,
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
            amount: entry.amount.strict_abs(),
            available_after: entry.available_after,
            version: entry.version,
            at_us: entry.at_us,
        }
    }
}
