//! What the journal asks of wherever it is kept. Knows rows; knows nothing of what they mean.
//!
//! Each dialect is one file: [`sqlite`](super::sqlite) for a daemon with a disk of its own,
//! [`mysql`](super::mysql) for a pair, [`memory`](super::memory) for simulations.

use std::sync::Arc;

use chrono::DateTime;
use futures::future::BoxFuture;

use super::address::{Address, Location};
use super::event::{Event, Hash};
use super::{JournalError, mysql::MySqlStore, sqlite::SqliteStore};

/// What a store answers.
pub(super) type Reply<'a, T> = BoxFuture<'a, Result<T, sqlx::Error>>;

/// The newest event's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) seq: u64,
    pub(super) hash: Hash,
}

impl Tail {
    /// The place before the first event.
    pub(super) const START: Self = Self { seq: 0, hash: [0; 32] };
}

/// The lease as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Empty when it was given back, or never taken.
    pub(super) holder: String,
    /// Grows by one with each holder.
    pub(super) epoch: u64,
    /// Grows by one with each renewal. That it moves is the sign of life; no clock is compared
    /// with another one.
    pub(super) beat: u64,
}

/// What became of a write that only the lease's holder may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Yes,
    /// Another epoch holds the lease: nothing was written.
    Superseded {
        theirs: u64,
    },
}

/// State as it was after one event, kept so that a restart need not read everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// What was folded, with the version of its shape.
    pub(super) fold: String,
    /// The event that it stands on.
    pub(super) seq: u64,
    /// That event's hash: a snapshot of another history is none.
    pub(super) hash: Hash,
    pub(super) data: String,
    /// Over all of the above.
    pub(super) digest: Hash,
}

/// Where a journal is kept.
pub(super) trait Store: Send + Sync {
    fn held(&self) -> Reply<'_, Held>;
    /// Gives the lease to `holder` with the next epoch, if it still stands as `seen`.
    fn take<'a>(&'a self, holder: &'a str, seen: &'a Held) -> Reply<'a, bool>;
    /// Notes a sign of life. False when `epoch` does not hold the lease any more.
    fn renew(&self, epoch: u64) -> Reply<'_, bool>;
    /// Gives the lease back, if `epoch` holds it.
    fn release(&self, epoch: u64) -> Reply<'_, ()>;
    fn tail(&self) -> Reply<'_, Tail>;
    /// Writes the events in one transaction, if `epoch` holds the lease.
    fn insert<'a>(&'a self, epoch: u64, events: &'a [Event]) -> Reply<'a, Written>;
    /// Events after `seq` whose kind starts with one of `kinds`, oldest first. None of them: all.
    fn since<'a>(
        &'a self,
        seq: u64,
        kinds: &'a [&'a str],
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Event>, JournalError>>;
    /// Every snapshot of a fold, newest first.
    fn snapshots<'a>(&'a self, fold: &'a str) -> Reply<'a, Vec<Snapshot>>;
    /// Keeps a snapshot and drops those of its fold before `oldest`, if `epoch` holds the lease.
    fn keep<'a>(&'a self, epoch: u64, snapshot: &'a Snapshot, oldest: u64) -> Reply<'a, Written>;
}

/// Opens a store to write to it.
pub(super) async fn open(location: &Location) -> Result<Arc<dyn Store>, JournalError> {
    connect(location, true).await
}

/// Opens an existing store to read it, leaving its lease alone.
pub(super) async fn read_only(location: &Location) -> Result<Arc<dyn Store>, JournalError> {
    connect(location, false).await
}

async fn connect(location: &Location, writes: bool) -> Result<Arc<dyn Store>, JournalError> {
    let fail = |source| JournalError::Open { path: location.address.to_string(), source };
    match &location.address {
        Address::File(path) => {
            let store = match writes {
                true => SqliteStore::open(path).await,
                false => SqliteStore::read_only(path).await,
            };
            Ok(Arc::new(store.map_err(fail)?))
        }
        Address::MySql { url, had_password } => {
            if *had_password {
                return Err(JournalError::Password { url: url.clone() });
            }
            let password = location.password_file.as_ref().map(|path| {
                let read = std::fs::read_to_string(path);
                let path = path.display().to_string();
                read.map_err(|source| JournalError::PasswordFile { path, source })
            });
            let password = password.transpose()?.unwrap_or_default();
            let store = MySqlStore::open(url, password.trim_end(), writes);
            Ok(Arc::new(store.await.map_err(fail)?))
        }
    }
}

/// The query of [`Store::since`] in a dialect in which `starts` says that a kind starts with a
/// bound text, which is bound twice.
pub(super) fn since_sql(kinds: &[&str], starts: &str) -> String {
    let some = vec![starts; kinds.len()].join(" OR ");
    let of = if kinds.is_empty() { String::new() } else { format!(" AND ({some})") };
    format!("SELECT * FROM event WHERE seq > ?{of} ORDER BY seq LIMIT ?")
}

/// A row of either dialect.
pub(super) trait Columns {
    fn integer(&self, column: &'static str) -> Result<i64, sqlx::Error>;
    fn text(&self, column: &'static str) -> Result<String, sqlx::Error>;
    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, sqlx::Error>;

    fn unsigned(&self, column: &'static str) -> Result<u64, sqlx::Error> {
        u64::try_from(self.integer(column)?).map_err(|error| undecoded(column, error))
    }

    fn hash(&self, column: &'static str) -> Result<Hash, sqlx::Error> {
        Hash::try_from(self.bytes(column)?.as_slice()).map_err(|error| undecoded(column, error))
    }
}

fn undecoded(column: &str, error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(error) }
}

/// Reads the lease's row.
pub(super) fn held(row: &impl Columns) -> Result<Held, sqlx::Error> {
    Ok(Held {
        holder: row.text("holder")?,
        epoch: row.unsigned("epoch")?,
        beat: row.unsigned("beat")?,
    })
}

/// Reads a snapshot's row.
pub(super) fn snapshot(row: &impl Columns) -> Result<Snapshot, sqlx::Error> {
    Ok(Snapshot {
        fold: row.text("fold")?,
        seq: row.unsigned("seq")?,
        hash: row.hash("hash")?,
        data: row.text("data")?,
        digest: row.hash("digest")?,
    })
}

/// Reads an event's row.
pub(super) fn event(row: &impl Columns) -> Result<Event, JournalError> {
    let read = |source| JournalError::Read { source };
    let seq = row.unsigned("seq").map_err(read)?;
    let at_us = row.integer("at_us").map_err(read)?;
    let data_text = row.text("data").map_err(read)?;
    let corrupt = |reason: String| JournalError::Corrupt { seq, reason };
    Ok(Event {
        seq,
        at: DateTime::from_timestamp_micros(at_us)
            .ok_or_else(|| corrupt(format!("{at_us} is no time")))?,
        epoch: row.unsigned("epoch").map_err(read)?,
        actor: row.text("actor").map_err(read)?,
        subject: row.text("subject").map_err(read)?,
        kind: row.text("kind").map_err(read)?,
        summary: row.text("summary").map_err(read)?,
        data: serde_json::from_str(&data_text).map_err(|e| corrupt(format!("its data: {e}")))?,
        data_text,
        hash_before: row.hash("hash_before").map_err(read)?,
        hash: row.hash("hash").map_err(read)?,
    })
}
