//! The journal in an `SQLite` file. Two daemons on one machine may share it.
//!
//! One weakness is the file's own: a leader that is frozen in the very middle of a commit keeps
//! the file's write lock, and the standby cannot write before it wakes or dies. It is safe, and not
//! live; a pair that must survive that keeps its journal in MySQL.

use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, Sqlite, SqlitePool, Transaction, sqlite::SqliteRow};

use super::JournalError;
use super::event::Event;
use super::store::{self, Columns, Held, Reply, Snapshot, Store, Tail, Written};

/// The lease begins where the events end, so that an epoch never comes twice.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, epoch INTEGER NOT NULL,
    actor TEXT NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL, summary TEXT NOT NULL,
    data TEXT NOT NULL, hash_before BLOB NOT NULL, hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS event_never_changes BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS event_never_goes BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE IF NOT EXISTS leader_lease (
    name TEXT PRIMARY KEY, holder TEXT NOT NULL, epoch INTEGER NOT NULL, beat INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO leader_lease
    SELECT 'leader', '', COALESCE((SELECT epoch FROM event ORDER BY seq DESC LIMIT 1), 0), 0;
CREATE TABLE IF NOT EXISTS snapshot (
    fold TEXT NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, data TEXT NOT NULL,
    digest BLOB NOT NULL, PRIMARY KEY (fold, seq)
) STRICT;
";

pub(super) struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    pub(super) async fn open(path: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is on the disk before we act on it.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        // SQLite has one writer. The second is there so that reading a long stretch, as a restart
        // does, cannot keep the lease from being renewed.
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self { pool })
    }

    /// Opens an existing file to read it.
    pub(super) async fn read_only(path: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self { pool })
    }

    /// A transaction of the lease's holder; `Err` inside names the epoch that holds it instead.
    async fn fenced(
        &self,
        epoch: u64,
    ) -> Result<Result<Transaction<'_, Sqlite>, Written>, sqlx::Error> {
        // IMMEDIATE takes the write lock before the lease is read, so nobody slips in between.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let row = sqlx::query("SELECT * FROM leader_lease").fetch_one(&mut *transaction).await?;
        let theirs = store::held(&row)?.epoch;
        Ok(if theirs == epoch { Ok(transaction) } else { Err(Written::Superseded { theirs }) })
    }
}

impl Store for SqliteStore {
    fn held(&self) -> Reply<'_, Held> {
        Box::pin(async move {
            let row = sqlx::query("SELECT * FROM leader_lease").fetch_one(&self.pool).await?;
            store::held(&row)
        })
    }

    fn take<'a>(&'a self, holder: &'a str, seen: &'a Held) -> Reply<'a, bool> {
        Box::pin(async move {
            let taken = sqlx::query(
                "UPDATE leader_lease SET holder = ?, epoch = epoch + 1, beat = 0
                 WHERE holder = ? AND epoch = ? AND beat = ?",
            )
            .bind(holder)
            .bind(&seen.holder)
            .bind(seen.epoch.cast_signed())
            .bind(seen.beat.cast_signed())
            .execute(&self.pool)
            .await?;
            Ok(taken.rows_affected() == 1)
        })
    }

    fn renew(&self, epoch: u64) -> Reply<'_, bool> {
        Box::pin(async move {
            let renewed = sqlx::query("UPDATE leader_lease SET beat = beat + 1 WHERE epoch = ?")
                .bind(epoch.cast_signed())
                .execute(&self.pool)
                .await?;
            Ok(renewed.rows_affected() == 1)
        })
    }

    fn release(&self, epoch: u64) -> Reply<'_, ()> {
        Box::pin(async move {
            sqlx::query("UPDATE leader_lease SET holder = '' WHERE epoch = ?")
                .bind(epoch.cast_signed())
                .execute(&self.pool)
                .await?;
            Ok(())
        })
    }

    fn tail(&self) -> Reply<'_, Tail> {
        Box::pin(async move {
            let newest = sqlx::query("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
                .fetch_optional(&self.pool)
                .await?;
            let Some(row) = newest else { return Ok(Tail::START) };
            Ok(Tail { seq: row.unsigned("seq")?, hash: row.hash("hash")? })
        })
    }

    fn insert<'a>(&'a self, epoch: u64, events: &'a [Event]) -> Reply<'a, Written> {
        Box::pin(async move {
            let mut transaction = match self.fenced(epoch).await? {
                Ok(transaction) => transaction,
                Err(superseded) => return Ok(superseded),
            };
            for event in events {
                sqlx::query(
                    "INSERT INTO event
                     (seq, at_us, epoch, actor, subject, kind, summary, data, hash_before, hash)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                )
                .bind(event.seq.cast_signed())
                .bind(event.at.timestamp_micros())
                .bind(event.epoch.cast_signed())
                .bind(&event.actor)
                .bind(&event.subject)
                .bind(&event.kind)
                .bind(&event.summary)
                .bind(&event.data_text)
                .bind(event.hash_before.as_slice())
                .bind(event.hash.as_slice())
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
            Ok(Written::Yes)
        })
    }

    fn since<'a>(
        &'a self,
        seq: u64,
        kinds: &'a [&'a str],
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, JournalError>> {
        Box::pin(async move {
            let sql = store::since_sql(kinds, "substr(kind, 1, length(?)) = ?");
            let mut query = sqlx::query(&sql).bind(seq.cast_signed());
            for kind in kinds {
                query = query.bind(kind).bind(kind);
            }
            let rows = query.bind(limit).fetch_all(&self.pool).await;
            let rows = rows.map_err(|source| JournalError::Read { source })?;
            rows.iter().map(store::event).collect()
        })
    }

    fn snapshots<'a>(&'a self, fold: &'a str) -> Reply<'a, Vec<Snapshot>> {
        Box::pin(async move {
            let rows = sqlx::query("SELECT * FROM snapshot WHERE fold = ? ORDER BY seq DESC")
                .bind(fold)
                .fetch_all(&self.pool)
                .await?;
            rows.iter().map(store::snapshot).collect()
        })
    }

    fn keep<'a>(&'a self, epoch: u64, snapshot: &'a Snapshot, oldest: u64) -> Reply<'a, Written> {
        Box::pin(async move {
            let mut transaction = match self.fenced(epoch).await? {
                Ok(transaction) => transaction,
                Err(superseded) => return Ok(superseded),
            };
            sqlx::query(
                "INSERT OR REPLACE INTO snapshot (fold, seq, hash, data, digest)
                 VALUES (?, ?, ?, ?, ?)",
            )
            .bind(&snapshot.fold)
            .bind(snapshot.seq.cast_signed())
            .bind(snapshot.hash.as_slice())
            .bind(&snapshot.data)
            .bind(snapshot.digest.as_slice())
            .execute(&mut *transaction)
            .await?;
            sqlx::query("DELETE FROM snapshot WHERE fold = ? AND seq < ?")
                .bind(&snapshot.fold)
                .bind(oldest.cast_signed())
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(Written::Yes)
        })
    }
}

impl Columns for SqliteRow {
    fn integer(&self, column: &'static str) -> Result<i64, sqlx::Error> {
        self.try_get(column)
    }

    fn text(&self, column: &'static str) -> Result<String, sqlx::Error> {
        self.try_get(column)
    }

    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, sqlx::Error> {
        self.try_get(column)
    }
}
