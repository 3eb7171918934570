//! The ledger's tables, behind one handle. The only module that names `sqlx`.
//!
//! Writes go through lanes ([`lane`]), each a task with a connection of its own that commits
//! whatever is queued in one transaction. Reads of wallets as they stand are gathered
//! ([`balances`]), reads of the past go through a small pool ([`history`]). A probe ([`probe`])
//! knows whether the database can be written. [`outbox`] is what the relay publishes from,
//! [`expiry`] gives back what expired holds reserve.

mod answer;
mod balances;
mod connection;
pub mod expiry;
mod history;
mod holds;
mod lane;
pub mod outbox;
mod pool;
mod preview;
mod probe;
mod row;
mod shared;
mod sql;
mod transaction;

pub use answer::{
    Balance, BalanceAt, HistoryEntry, Holds, Leg, Mode, ReadError, Statement, Stats, SubmitError,
    Wallets,
};

use crate::cache::Cache;
use crate::ledger::command::{Command, Outcome};
use crate::ledger::fee::Schedules;
use crate::vital::or_abort;
use balances::Balances;
use lane::{Job, Lane, Reply, Work};
use pool::Pool;
use sha2::{Digest, Sha256};
use shared::Shared;
use sqlx::Connection as _;
use sqlx::migrate::{MigrateError, Migrator};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// When to come back after a refusal that passes: the probe looks once a second.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Connections for reads of the past, to the writer and to a replica each.
const HISTORY_CONNECTIONS: usize = 4;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

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
    /// Names this process; picks the stripes of our own wallets.
    pub task_id: String,
    /// What payments cost.
    pub fees: Arc<Schedules>,
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
    Migrate(#[source] MigrateError),
}

/// The ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    shared: Arc<Shared>,
    lanes: Arc<[mpsc::Sender<Job>]>,
    balances: Balances,
    writer_pool: Arc<Pool>,
    replica_pool: Option<Arc<Pool>>,
}

impl Ledger {
    /// Starts lanes, readers and the probe on `tracker`, and returns at once: the database need not
    /// be there yet. Cancelling `stop` lets all finish what is queued and ends them; cancel it only
    /// after the last call has returned. A lane that finds that money would be lost cancels `stop`
    /// itself, and the process must end.
    ///
    /// # Errors
    ///
    /// When a URL is none.
    pub fn start(
        settings: &Settings,
        cache: Option<Cache>,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, StartError> {
        let options = |url: &String| {
            connection::options(url, &settings.password)
                .map_err(|source| StartError::Url { url: url.clone(), source })
        };
        let writer = options(&settings.writer_url)?;
        let reader = settings.reader_url.as_ref().map(options).transpose()?;
        let writer_pool = Arc::new(Pool::writer(writer.clone(), HISTORY_CONNECTIONS));
        let replicas = |options| Arc::new(Pool::replicas(options, HISTORY_CONNECTIONS));
        let replica_pool = reader.clone().map(replicas);
        let shared = Arc::new(Shared::new(writer, reader, cache, Arc::clone(&settings.fees)));
        // Tasks begin at different stripes, so that their lanes seldom share one.
        let first_stripe = Sha256::digest(settings.task_id.as_bytes())[0];
        let lanes = (0u8..)
            .zip(0..settings.lanes.max(1))
            .map(|(number, _)| {
                let (sender, queue) = mpsc::channel(settings.queue_per_lane_max.max(1));
                let seed = Uuid::new_v4().as_u64_pair().0;
                let stripe = first_stripe.wrapping_add(number);
                let lane = Lane::new(Arc::clone(&shared), stripe, seed);
                tracker.spawn(or_abort("lane", lane.run(queue, stop.clone())));
                sender
            })
            .collect();
        let probing = probe::run(Arc::clone(&shared), first_stripe, stop.clone());
        tracker.spawn(or_abort("probe of the writer", probing));
        let balances = Balances::start(&shared, tracker, stop);
        Ok(Self { shared, lanes, balances, writer_pool, replica_pool })
    }

    /// Applies the migrations to the writer.
    ///
    /// # Errors
    ///
    /// When it cannot be reached or a migration fails.
    pub async fn migrate(settings: &Settings) -> Result<(), StartError> {
        let url = &settings.writer_url;
        let options = connection::options(url, &settings.password)
            .map_err(|source| StartError::Url { url: url.clone(), source })?;
        let mut connection =
            sqlx::MySqlConnection::connect_with(&options).await.map_err(StartError::Connect)?;
        MIGRATIONS.run(&mut connection).await.map_err(StartError::Migrate)?;
        connection.close().await.map_err(StartError::Connect)
    }

    /// Carries out `command`, once per key, or says why that is not known by `deadline`.
    ///
    /// # Errors
    ///
    /// Why there is no outcome; the same command may be sent again.
    pub async fn submit(
        &self,
        command: Command,
        deadline: Instant,
    ) -> Result<Outcome, SubmitError> {
        let wallet_id = command.wallet_id;
        self.enqueue(wallet_id, deadline, |reply| Work::One(command, reply)).await
    }

    /// Carries out `commands` together or not at all, in one transaction: one outcome for each.
    /// They come from [`Command::atomic`].
    ///
    /// # Errors
    ///
    /// Why there are no outcomes; the same commands may be sent again.
    pub async fn submit_together(
        &self,
        commands: Vec<Command>,
        deadline: Instant,
    ) -> Result<Vec<Outcome>, SubmitError> {
        let Some(first) = commands.first() else {
            return Ok(Vec::new());
        };
        let wallet_id = first.wallet_id;
        self.enqueue(wallet_id, deadline, |reply| Work::Together(commands, reply)).await
    }

    /// Puts work into the lane of the asked wallet and waits for its answer.
    async fn enqueue<T>(
        &self,
        wallet_id: Uuid,
        deadline: Instant,
        work: impl FnOnce(Reply<T>) -> Work,
    ) -> Result<T, SubmitError> {
        match self.shared.mode() {
            Mode::Writable => {}
            Mode::ReadOnly => return Err(SubmitError::ReadOnly { retry_after: RETRY_AFTER }),
            Mode::Unreachable => return Err(SubmitError::Unavailable { retry_after: RETRY_AFTER }),
        }
        // Ids are hashes, so any byte spreads them evenly. A wallet is always in the same lane.
        let lane = usize::from(wallet_id.as_bytes()[15]) % self.lanes.len();
        let begun = Arc::new(AtomicBool::new(false));
        let (reply, outcome) = oneshot::channel();
        let job = Job { work: work(reply), deadline, begun: Arc::clone(&begun) };
        self.lanes[lane].try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                SubmitError::Overloaded { retry_after: RETRY_AFTER }
            }
            // Shutting down.
            mpsc::error::TrySendError::Closed(_) => {
                SubmitError::Unavailable { retry_after: RETRY_AFTER }
            }
        })?;
        let outcome = match timeout_at(deadline, outcome).await {
            Ok(Ok(outcome)) => outcome,
            // Too late, unless the lane had not begun: then it never will.
            Ok(Err(_)) | Err(_) if begun.swap(true, Ordering::AcqRel) => {
                Err(SubmitError::OutcomeUnknown)
            }
            Ok(Err(_)) | Err(_) => Err(SubmitError::Timeout),
        };
        if matches!(outcome, Err(SubmitError::OutcomeUnknown)) {
            self.shared.meters.unknown_outcomes.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }

    /// The wallet as it stands in the ledger; `stale` when only a replica could be asked. `None`
    /// when there is none.
    ///
    /// # Errors
    ///
    /// When nobody can be asked.
    pub async fn wallet(&self, id: Uuid) -> Result<Option<Balance>, ReadError> {
        self.balances.wallet(id).await
    }

    /// The wallet's balance, from the cache if that has at least `min_version`, else from the
    /// ledger. `None` when there is no such wallet.
    ///
    /// # Errors
    ///
    /// When nobody can be asked.
    pub async fn balance(
        &self,
        id: Uuid,
        min_version: Option<u64>,
    ) -> Result<Option<Balance>, ReadError> {
        self.balances.balance(id, min_version.unwrap_or(0)).await
    }

    /// What payments cost.
    #[must_use]
    pub fn fees(&self) -> &Schedules {
        &self.shared.fees
    }

    /// What the last probe found, at most a second or two ago.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.shared.mode()
    }

    /// Returns once the ledger can be written. Pending while it cannot.
    pub async fn writable(&self) {
        let mut mode = self.shared.watch_mode();
        // The sender lives in `self.shared`.
        let _writable = mode.wait_for(|mode| *mode == Mode::Writable).await;
    }

    /// Counters and gauges.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let meters = &self.shared.meters;
        let cache = self.shared.cache.as_ref().map(Cache::meters);
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let backlog = self.shared.backlog();
        let depth = |lane: &mpsc::Sender<Job>| lane.max_capacity() - lane.capacity();
        Stats {
            mode: self.mode(),
            queue_depths: self.lanes.iter().map(depth).collect(),
            batches: read(&meters.batches),
            commands: read(&meters.commands),
            outbox_pending: backlog.map(|backlog| backlog.pending),
            outbox_oldest_us: backlog.map(|backlog| backlog.oldest_us),
            conflicts: read(&meters.conflicts),
            connects: read(&meters.connects),
            unknown_outcomes: read(&meters.unknown_outcomes),
            bisections: read(&meters.bisections),
            expired: read(&meters.expired),
            published: read(&meters.published),
            cache_hits: cache.map_or(0, |meters| read(&meters.hits)),
            cache_misses: cache.map_or(0, |meters| read(&meters.misses)),
            cache_dropped: cache.map_or(0, |meters| read(&meters.dropped)),
            cache_failures: cache.map_or(0, |meters| read(&meters.failures)),
        }
    }
}

#[cfg(test)]
mod plans_tests;
