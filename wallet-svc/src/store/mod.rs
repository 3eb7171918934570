//! The ledger's tables, behind one handle. The only module that names `sqlx`.
//!
//! Writes go through lanes ([`lane`]), each a task with a connection of its own that commits whatever
//! is queued in one transaction. Reads are coalesced or go through a small pool. The handle knows at
//! any moment whether the database can be written, from a probe once a second.

use crate::cache::Cache;
use crate::ledger::command::{Command, Outcome};
use crate::ledger::wallet::Wallet;
use protocol::wallet::EntryKind;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
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
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database cannot be reached, and the cache does not know either.
    #[error("reading {what}")]
    Unavailable {
        what: &'static str,
        #[source]
        source: sqlx::Error,
    },
    /// Too many reads are waiting.
    #[error("too many reads are waiting")]
    Overloaded,
}

/// What the store needs to know. Bounds are in the fields' names.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `mysql://user@host:port/database`; the password apart, so that the URL may be logged.
    pub writer_url: String,
    /// Used for reads while the writer cannot be reached.
    pub reader_url: Option<String>,
    pub password: String,
    /// Writer tasks with one connection each.
    pub lanes: usize,
    /// Commands that may wait in one lane.
    pub queue_per_lane_max: usize,
    /// Names this process; picks the stripes of settlement wallets.
    pub task_id: String,
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
    pub version: u64,
    pub at_us: i64,
    pub counterparty: Option<Uuid>,
    pub description: Option<String>,
}

/// A page of history, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub wallet: Wallet,
    pub entries: Vec<HistoryEntry>,
    /// Give it back as `before` for the next, older page.
    pub next: Option<i64>,
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
    pub deadlocks: u64,
    pub reconnects: u64,
    pub unknown_outcomes: u64,
    pub bisections: u64,
    pub published_events: u64,
    pub cache_hits: u64,
    pub cache_misses: u64,
    pub cache_dropped: u64,
}

/// Why the ledger could not start or migrate.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("reading the database URL {url}")]
    Url {
        url: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("connecting to the writer to migrate it")]
    Connect(#[source] sqlx::Error),
    #[error("migrating the ledger's tables")]
    Migrate(#[source] sqlx::migrate::MigrateError),
}

/// The ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    mode: std::sync::Arc<std::sync::atomic::AtomicU8>,
}

impl Ledger {
    /// Starts lanes, readers and the probe on `tracker`, and returns at once: the database need not
    /// be there yet. Cancelling `stop` lets the lanes finish what is queued and ends them; cancel it
    /// only after the last `submit` has returned.
    pub fn start(
        settings: Settings,
        cache: Option<Cache>,
        tracker: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, StartError> {
        todo!()
    }

    /// Applies the migrations to the writer.
    pub async fn migrate(settings: &Settings) -> Result<(), StartError> {
        todo!()
    }

    /// Carries out `command`, once per key, or says why that is not known by `deadline`.
    pub async fn submit(
        &self,
        command: Command,
        deadline: Instant,
    ) -> Result<Outcome, SubmitError> {
        todo!()
    }

    /// The wallet as it stands in the ledger.
    pub async fn wallet(&self, id: Uuid) -> Result<Option<Wallet>, ReadError> {
        todo!()
    }

    /// The wallet's balance, from the cache if that has at least `min_version`.
    pub async fn balance(
        &self,
        id: Uuid,
        min_version: Option<u64>,
    ) -> Result<Option<Balance>, ReadError> {
        todo!()
    }

    /// The balance right after the last entry at or before `at_us`.
    pub async fn balance_at(&self, id: Uuid, at_us: i64) -> Result<Option<BalanceAt>, ReadError> {
        todo!()
    }

    /// The `limit` newest entries older than `before`.
    pub async fn statement(
        &self,
        id: Uuid,
        before: Option<i64>,
        limit: u16,
    ) -> Result<Option<Statement>, ReadError> {
        todo!()
    }

    /// The first `limit` wallets of `user_id` after `after`.
    pub async fn wallets_of_user(
        &self,
        user_id: &str,
        after: Option<Uuid>,
        limit: u16,
    ) -> Result<Wallets, ReadError> {
        todo!()
    }

    /// Both sides of a transfer, or the one side of a deposit or withdrawal; empty when unknown. The
    /// side that was asked comes first.
    pub async fn transaction(&self, id: Uuid) -> Result<Vec<Leg>, ReadError> {
        todo!()
    }

    /// What the last probe found, at most a second or two ago.
    pub fn mode(&self) -> Mode {
        todo!()
    }

    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        todo!()
    }
}
