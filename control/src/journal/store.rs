//! The journal's `SQLite` file. Knows rows and transactions; knows nothing of what they mean.

use std::path::Path;
use std::time::Duration;

use chrono::DateTime;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

use super::event::{Event, Hash};
use super::{JournalError, PAGE_EVENTS_MAX};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS lease (
    name TEXT PRIMARY KEY, epoch INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, epoch INTEGER NOT NULL,
    actor TEXT NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL, summary TEXT NOT NULL,
    data TEXT NOT NULL, hash_before BLOB NOT NULL, hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS event_never_changes BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS event_never_goes BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
";

/// The newest event's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) seq: u64,
    pub(super) hash: Hash,
}

pub(super) struct Store {
    pool: SqlitePool,
}

impl Store {
    pub(super) async fn open(path: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is on the disk before we act on it.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        // One connection: SQLite has one writer, and reads here take microseconds.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self { pool })
    }

    /// Opens an existing file to read it, leaving its lease alone.
    pub(super) async fn read_only(path: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self { pool })
    }

    /// Raises the epoch: every earlier holder is fenced off from here on.
    pub(super) async fn take_over(&self) -> Result<u64, sqlx::Error> {
        let row = sqlx::query(
            "INSERT INTO lease (name, epoch) VALUES ('leader', 1)
             ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
        )
        .fetch_one(&self.pool)
        .await?;
        unsigned(&row, "epoch")
    }

    pub(super) async fn tail(&self) -> Result<Tail, sqlx::Error> {
        let row = sqlx::query("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(Tail { seq: 0, hash: [0; 32] }) };
        Ok(Tail { seq: unsigned(&row, "seq")?, hash: hash(&row, "hash")? })
    }

    /// Writes the events in one transaction, if `epoch` still holds the lease.
    pub(super) async fn insert(&self, epoch: u64, events: &[Event]) -> Result<(), JournalError> {
        let first = &events[0];
        let fail = |source| JournalError::Write {
            kind: first.kind.clone(),
            subject: first.subject.clone(),
            source,
        };
        // IMMEDIATE takes the write lock before the lease is read, so nobody slips in between.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(fail)?;
        let row = sqlx::query("SELECT epoch FROM lease WHERE name = 'leader'")
            .fetch_one(&mut *transaction)
            .await
            .map_err(fail)?;
        let theirs = unsigned(&row, "epoch").map_err(fail)?;
        if theirs != epoch {
            return Err(JournalError::Superseded { ours: epoch, theirs });
        }
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
            .await
            .map_err(fail)?;
        }
        transaction.commit().await.map_err(fail)
    }

    pub(super) async fn since(&self, seq: u64, limit: u32) -> Result<Vec<Event>, JournalError> {
        let rows = sqlx::query("SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?")
            .bind(seq.cast_signed())
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(|source| JournalError::Read { source })?;
        rows.iter().map(event).collect()
    }

    /// As `since`, of kinds that start with `prefix`.
    pub(super) async fn since_of_kind(
        &self,
        seq: u64,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<Event>, JournalError> {
        let limit = limit.min(PAGE_EVENTS_MAX);
        let rows = sqlx::query(
            "SELECT * FROM event WHERE seq > ? AND substr(kind, 1, length(?)) = ?
             ORDER BY seq LIMIT ?",
        )
        .bind(seq.cast_signed())
        .bind(prefix)
        .bind(prefix)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(|source| JournalError::Read { source })?;
        rows.iter().map(event).collect()
    }
}

fn event(row: &SqliteRow) -> Result<Event, JournalError> {
    let read = |source| JournalError::Read { source };
    let seq = unsigned(row, "seq").map_err(read)?;
    let at_us: i64 = row.try_get("at_us").map_err(read)?;
    let data_text: String = row.try_get("data").map_err(read)?;
    let corrupt = |reason: String| JournalError::Corrupt { seq, reason };
    Ok(Event {
        seq,
        at: DateTime::from_timestamp_micros(at_us)
            .ok_or_else(|| corrupt(format!("{at_us} is no time")))?,
        epoch: unsigned(row, "epoch").map_err(read)?,
        actor: row.try_get("actor").map_err(read)?,
        subject: row.try_get("subject").map_err(read)?,
        kind: row.try_get("kind").map_err(read)?,
        summary: row.try_get("summary").map_err(read)?,
        data: serde_json::from_str(&data_text).map_err(|e| corrupt(format!("its data: {e}")))?,
        data_text,
        hash_before: hash(row, "hash_before").map_err(read)?,
        hash: hash(row, "hash").map_err(read)?,
    })
}

fn unsigned(row: &SqliteRow, column: &str) -> Result<u64, sqlx::Error> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value)
        .map_err(|e| sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(e) })
}

fn hash(row: &SqliteRow, column: &str) -> Result<Hash, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get(column)?;
    Hash::try_from(bytes.as_slice())
        .map_err(|e| sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(e) })
}
