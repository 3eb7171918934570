//! What the store answers, and why it sometimes cannot.

use super::pool::PoolError;
use crate::ledger::hold::Hold;
use crate::ledger::reversal::Undone;
use crate::ledger::wallet::Wallet;
use protocol::wallet::EntryKind;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Why a command has no outcome yet. All may be sent again with the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The lane's queue is full. Nothing was done.
    #[error("too many commands are waiting")]
    Overloaded { retry_after: Duration },
    /// The database takes no writes, as during a failover. Nothing was done.
    #[error("the ledger takes no writes at the moment")]
    ReadOnly { retry_after: Duration },
    /// The deadline passed while the command may have been committed.
    #[error("it is not known yet whether the command was carried out")]
    OutcomeUnknown,
    /// The deadline passed before the command was begun. Nothing was done.
    #[error("the command was not begun in time")]
    Timeout,
    /// The database cannot be reached. Nothing was done.
    #[error("the ledger's database cannot be reached")]
    Unavailable { retry_after: Duration },
    /// The database refuses this very command, or the service is shutting down. Nothing was done.
    #[error("the ledger could not carry out the command")]
    Failed,
}

/// Why something could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// The database cannot be reached, and the cache does not know either.
    #[error("reading {what} from the ledger")]
    Unavailable {
        what: &'static str,
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The writer cannot be asked, and nobody else has the version asked for.
    #[error("only the writer can answer, and it cannot be reached")]
    NotYet,
    /// Too many reads are waiting.
    #[error("too many reads are waiting")]
    Overloaded,
}

impl ReadError {
    pub(super) fn from_pool(what: &'static str, error: PoolError) -> Self {
        match error {
            PoolError::Busy => Self::Overloaded,
            PoolError::Database(source) => Self::Unavailable { what, source: Arc::new(source) },
        }
    }
}

/// A wallet's balance, and since when and how well it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    pub wallet: Wallet,
    /// Microseconds since 1970: the instant that the balance is known to hold for.
    pub as_of_us: i64,
    /// The writer could not be asked; from the cache or a replica.
    pub stale: bool,
}

/// A wallet's balance at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceAt {
    /// The wallet as it is now.
    pub wallet: Wallet,
    /// Minor units.
    pub available: i64,
    /// Minor units.
    pub held: i64,
    /// Of the last entry at or before the instant; 0 when there was none.
    pub version: u64,
    /// False while an entry with an earlier instant may still be committed.
    pub is_final: bool,
}

/// One line of history. Amounts in minor units, instants in microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    pub txn_id: Uuid,
    pub wallet_id: Uuid,
    pub kind: EntryKind,
    pub amount: i64,
    pub available_after: i64,
    pub held_after: i64,
    /// Positive when money was reserved.
    pub held_change: i64,
    /// Of the amount, what went to us; negative when it was given back.
    pub fee: i64,
    pub version: u64,
    pub at_us: i64,
    pub counterparty: Option<Uuid>,
    pub description: Option<String>,
    /// Who acted, when it was not the wallet's user.
    pub actor: Option<String>,
    /// Of a reversal: the transaction that it reverses. Of a hold's entry: the hold.
    pub about: Option<Uuid>,
}

/// A page of history, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub wallet: Wallet,
    pub entries: Vec<HistoryEntry>,
    /// Give it back as `before` for the next, older page.
    pub next: Option<i64>,
}

/// A wallet's holds, or a page of them, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    pub wallet: Wallet,
    pub holds: Vec<Hold>,
    /// Microseconds since 1970, by the clock that holds expire by.
    pub as_of_us: i64,
    /// Give it back as `before` for the next, older page.
    pub next: Option<Uuid>,
}

/// A page of a user's wallets, ascending by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallets {
    pub wallets: Vec<Wallet>,
    /// Give it back as `after` for the next page.
    pub next: Option<Uuid>,
}

/// One customer's side of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    pub wallet: Wallet,
    pub entry: HistoryEntry,
    /// The transaction that reversed this one.
    pub reversed_by: Option<Uuid>,
}

impl Leg {
    /// As what undoes it wants to know it.
    #[must_use]
    pub fn undone(&self) -> Undone {
        let HistoryEntry { wallet_id, kind, amount, fee, .. } = self.entry;
        Undone { wallet_id, kind, amount, fee }
    }
}

/// Whether commands can be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// The last probe wrote.
    Writable = 0,
    /// The last probe found a database that takes no writes.
    ReadOnly = 1,
    /// The last probe found no database.
    Unreachable = 2,
}

/// What the metrics show. Counters only grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    pub mode: Mode,
    /// Commands waiting in each lane.
    pub queue_depths: Vec<usize>,
    pub batches: u64,
    pub commands: u64,
    /// Markers that are not published yet, as counted from first and last; `None` until known.
    pub outbox_pending: Option<u64>,
    /// Age in microseconds of the oldest marker; 0 when there is none, `None` until known.
    pub outbox_oldest_us: Option<u64>,
    /// Batches that met a deadlock or a lock held for too long, and were tried again.
    pub conflicts: u64,
    /// Connections that lanes have opened.
    pub connects: u64,
    /// Times that callers were told [`SubmitError::OutcomeUnknown`].
    pub unknown_outcomes: u64,
    /// Batches split because the database refused them as a whole.
    pub bisections: u64,
    /// Expired holds that this process has given back.
    pub expired: u64,
    /// Entries that the broker has acknowledged to this process.
    pub published: u64,
    pub cache_hits: u64,
    pub cache_misses: u64,
    /// Puts dropped because the cache was down or slow.
    pub cache_dropped: u64,
    /// Times that the cache failed or was too slow.
    pub cache_failures: u64,
}
