//! What callers may ask for, and what they are told.

use super::money::{Amount, Currency};
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

    /// The wallets that it may change, the asked one first.
    pub(crate) fn wallets(&self) -> (Uuid, Option<Uuid>) {
        match &self.kind {
            CommandKind::Transfer { to, .. } => (self.wallet_id, Some(*to)),
            CommandKind::CreateWallet { .. }
            | CommandKind::Deposit(_)
            | CommandKind::Withdraw(_) => (self.wallet_id, None),
        }
    }
}

/// Hashes the canonical form: lengths before texts, so that no two bodies run together.
fn request_hash(wallet_id: Uuid, kind: &CommandKind) -> u64 {
    let mut sha = Sha256::new();
    sha.update(wallet_id.as_bytes());
    let mut text = |tag: u8, text: Option<&str>| {
        sha.update([tag, u8::from(text.is_some())]);
        sha.update(text.map_or(0, str::len).to_be_bytes());
        sha.update(text.unwrap_or_default());
    };
    let (tag, to, payment) = match kind {
        CommandKind::CreateWallet { user_id, currency } => {
            text(0, Some(user_id));
            text(0, Some(currency.code()));
            (0u8, None, None)
        }
        CommandKind::Deposit(payment) => (1, None, Some(payment)),
        CommandKind::Withdraw(payment) => (2, None, Some(payment)),
        CommandKind::Transfer { to, payment } => (3, Some(to), Some(payment)),
    };
    if let Some(payment) = payment {
        text(1, payment.currency.map(Currency::code));
        text(2, payment.reference.as_deref());
        text(3, payment.description.as_deref());
        let (digits, decimals) = payment.amount.canonical();
        sha.update(digits.to_be_bytes());
        sha.update([decimals]);
    }
    sha.update([tag]);
    sha.update(to.unwrap_or(&Uuid::nil()).as_bytes());
    u64::from_be_bytes(sha.finalize()[..8].try_into().expect("a SHA-256 has 32 bytes"))
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

/// A deposit, withdrawal or transfer as seen from the wallet that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub id: Uuid,
    /// `Deposit`, `Withdrawal` or `TransferOut`.
    pub kind: EntryKind,
    pub wallet_id: Uuid,
    /// The receiver of a transfer.
    pub to: Option<Uuid>,
    pub currency: Currency,
    /// Positive, in minor units.
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
            currency: entry.currency,
            amount: entry.amount.strict_abs(),
            available_after: entry.available_after,
            version: entry.version,
            at_us: entry.at_us,
        }
    }
}

/// Why a command changed nothing, by descending precedence: of several faults the first is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Refusal {
    /// The asked wallet is not there. Not recorded under the key: it may come to exist.
    WalletNotFound = 1,
    /// The asked wallet is another user's. Not recorded: a stranger must not burn its keys.
    WalletForbidden = 2,
    /// The key stands for another body. What it stands for stays recorded.
    KeyReused = 3,
    /// From a wallet to itself.
    SameWallet = 4,
    /// The receiver is not there.
    ReceiverNotFound = 5,
    /// Not the currency of the wallet, or of the receiver.
    CurrencyMismatch = 6,
    /// More decimals than the wallet's currency has.
    TooManyDecimals = 7,
    /// One of the wallets is closed.
    WalletClosed = 8,
    /// One of the wallets is frozen.
    WalletFrozen = 9,
    /// The wallet does not hold enough.
    InsufficientFunds = 10,
    /// The receiving wallet would hold too much.
    BalanceLimit = 11,
}

impl Refusal {
    /// All, by descending precedence.
    pub const ALL: [Self; 11] = [
        Self::WalletNotFound,
        Self::WalletForbidden,
        Self::KeyReused,
        Self::SameWallet,
        Self::ReceiverNotFound,
        Self::CurrencyMismatch,
        Self::TooManyDecimals,
        Self::WalletClosed,
        Self::WalletFrozen,
        Self::InsufficientFunds,
        Self::BalanceLimit,
    ];

    /// What `idem.outcome` says for it; 0 stands for "done".
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The refusal with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.number() == number)
    }

    /// Whether the same key must get the same refusal for ever.
    pub(crate) fn is_recorded(self) -> bool {
        self > Self::KeyReused
    }
}
