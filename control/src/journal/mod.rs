//! The append-only record of everything observed, decided, intended and done.
//!
//! It is the control plane's state: what restarts, what the dashboards stream, what an auditor
//! reads. Each event carries the hash of the one before, so that a changed byte shows, and the
//! epoch of the process that wrote it, so that a superseded process can no longer write. Whoever
//! cannot write here must not act. It lives in a file or database of its own and never in one that
//! control manages. It is not a log: it holds what mattered, not what happened.

mod address;
mod campaign;
mod event;
mod export;
mod fold;
#[cfg(test)]
mod fold_tests;
mod lease;
#[cfg(test)]
mod lease_tests;
mod lifeline;
mod memory;
mod mysql;
mod sqlite;
mod store;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod tests;
mod verify;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio::sync::{Mutex, broadcast, watch};
use tokio_util::sync::CancellationToken;

pub use address::{Address, Location};
pub use campaign::{Campaign, LOOK_EVERY, Look};
pub use event::{Entry, Event, Hash};
pub use export::{ExportError, export};
pub use fold::{Fold, Follower};
pub use lease::{LEASE_TTL, Lease};
use lifeline::Lifeline;
pub use memory::Memory;
use store::{Store, Tail, Written};
pub use verify::{Verdict, verify};

use crate::driver::Clock;

/// Events kept for slow subscribers; who falls behind reads the rest with [`Journal::since`].
const SUBSCRIBER_EVENTS_MAX: usize = 1024;
/// Events read at once while replaying: at 64 KiB each, 16 MiB.
const PAGE_EVENTS_MAX: u32 = 256;
/// The largest `data` of one event.
const DATA_BYTES_MAX: usize = 64 * 1024;
/// The longest summary, in characters; a sentence, not a report.
const SUMMARY_CHARS_MAX: usize = 500;

/// Who has a journal that nobody else opens.
const ALONE: &str = "alone";
/// The lease moves every two seconds at most, and a try takes milliseconds.
const SEIZE_TRIES_MAX: u32 = 8;

/// What went wrong with the journal. Any of these means: do not act.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("opening the journal {path}")]
    Open { path: String, source: sqlx::Error },
    #[error("reading the journal's password from {path}")]
    PasswordFile { path: String, source: std::io::Error },
    #[error(
        "the journal's address {url} held a password, which everybody on the machine can see: put \
         it into the file that CONTROL_JOURNAL_PASSWORD_FILE names"
    )]
    Password { url: String },
    #[error("opening the lock file {path}")]
    Lifeline { path: String, source: std::io::Error },
    #[error("writing event '{kind}' about {subject} to the journal")]
    Write { kind: String, subject: String, source: sqlx::Error },
    #[error("reading the journal")]
    Read { source: sqlx::Error },
    #[error("taking the journal over: its lease moved at each of {SEIZE_TRIES_MAX} tries")]
    Contended,
    #[error("another process (epoch {theirs}) took the journal over from this one (epoch {ours})")]
    Superseded { ours: u64, theirs: u64 },
    #[error("event '{kind}' about {subject} carries {bytes} bytes; {DATA_BYTES_MAX} at most")]
    TooLarge { kind: String, subject: String, bytes: usize },
    #[error("journal event {seq} cannot be read: {reason}")]
    Corrupt { seq: u64, reason: String },
}

/// The journal, open for this process alone. A clone is another handle on the same journal.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    epoch: u64,
    /// Our name among those who may lead.
    holder: String,
    store: Arc<dyn Store>,
    lease: Lease,
    /// Held as long as the journal is: the kernel lets go of it when the process dies.
    lifeline: OnceLock<Lifeline>,
    /// The newest event's seq and hash. `None` after a write of unknown fate: read it again.
    tail: Mutex<Option<Tail>>,
    newest: watch::Sender<u64>,
    /// Cancelled when another process turned out to have taken over.
    superseded: CancellationToken,
    events: broadcast::Sender<Arc<Event>>,
}

impl Journal {
    /// Opens or creates the journal in a file and takes it over, whoever has it: that one can no
    /// longer write. For a process that shares it with nobody; [`Campaign`] is for those that do.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or written.
    pub async fn open(path: &Path, clock: Clock) -> Result<Self, JournalError> {
        Self::seize(store::open(&path.into()).await?, clock).await
    }

    /// As [`Journal::open`], in the memory of a simulation.
    ///
    /// # Errors
    ///
    /// Never; the type is that of every journal.
    pub async fn in_memory(memory: &Memory, clock: Clock) -> Result<Self, JournalError> {
        Self::seize(Arc::new(memory.clone()), clock).await
    }

    async fn seize(store: Arc<dyn Store>, clock: Clock) -> Result<Self, JournalError> {
        let read = |source| JournalError::Read { source };
        for _ in 0..SEIZE_TRIES_MAX {
            let held = store.held().await.map_err(read)?;
            if store.take(ALONE, &held).await.map_err(read)? {
                let term = (held.epoch + 1, Lease::endless());
                return Self::lead(store, clock, ALONE, term).await;
            }
        }
        Err(JournalError::Contended)
    }

    async fn lead(
        store: Arc<dyn Store>,
        clock: Clock,
        holder: &str,
        (epoch, lease): (u64, Lease),
    ) -> Result<Self, JournalError> {
        let tail = store.tail().await.map_err(|source| JournalError::Read { source })?;
        let shared = Shared {
            clock,
            epoch,
            holder: holder.to_owned(),
            store,
            lease,
            lifeline: OnceLock::new(),
            newest: watch::Sender::new(tail.seq),
            superseded: CancellationToken::new(),
            tail: Mutex::new(Some(tail)),
            events: broadcast::Sender::new(SUBSCRIBER_EVENTS_MAX),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Keeps the proof that we live for as long as the journal is open.
    fn hold(&self, lifeline: Lifeline) {
        // There is one for each journal, and it was not set before.
        let _first = self.shared.lifeline.set(lifeline);
    }

    /// Appends one event and returns its seq once it is durable.
    ///
    /// # Errors
    ///
    /// Nothing was written, or (only when the disk failed in mid-commit) it is not known.
    pub async fn append(&self, entry: Entry) -> Result<u64, JournalError> {
        self.append_all(vec![entry]).await
    }

    /// Appends events that belong together: all of them or none. Returns the last one's seq.
    ///
    /// # Errors
    ///
    /// As [`Journal::append`].
    ///
    /// # Panics
    ///
    /// When there is nothing to append, which is a bug of the caller.
    pub async fn append_all(&self, entries: Vec<Entry>) -> Result<u64, JournalError> {
        assert!(!entries.is_empty(), "an append of nothing");
        let shared = &self.shared;
        // Held over the commit and the announcement, so that subscribers see events in order.
        let mut held = shared.tail.lock().await;
        let tail = match held.take() {
            Some(tail) => tail,
            None => shared.store.tail().await.map_err(|source| JournalError::Read { source })?,
        };
        let events = match self.seal(&tail, entries) {
            Ok(events) => events,
            Err(error) => {
                *held = Some(tail);
                return Err(error);
            }
        };
        let first = &events[0];
        let written = shared.store.insert(shared.epoch, &events).await;
        let written = written.map_err(|source| JournalError::Write {
            kind: first.kind.clone(),
            subject: first.subject.clone(),
            source,
        })?;
        if let Written::Superseded { theirs } = written {
            return Err(self.supersede(theirs));
        }
        let last = events.last().expect("asserted above: there is at least one");
        *held = Some(Tail { seq: last.seq, hash: last.hash });
        let seq = last.seq;
        for event in events {
            // Nobody listening is no fault: the event is in the store.
            let _ = shared.events.send(Arc::new(event));
        }
        shared.newest.send_replace(seq);
        Ok(seq)
    }

    /// Notes that another process took over: this one must end.
    fn supersede(&self, theirs: u64) -> JournalError {
        self.shared.superseded.cancel();
        JournalError::Superseded { ours: self.shared.epoch, theirs }
    }

    fn seal(&self, tail: &Tail, entries: Vec<Entry>) -> Result<Vec<Event>, JournalError> {
        let at = (self.shared.clock)();
        let mut events = Vec::with_capacity(entries.len());
        let mut tail = Tail { seq: tail.seq, hash: tail.hash };
        for entry in entries {
            let event = Event::seal(&tail, self.shared.epoch, at, entry)?;
            tail = Tail { seq: event.seq, hash: event.hash };
            events.push(event);
        }
        Ok(events)
    }

    /// Waits until a write was refused because another process took over. This one must end.
    pub async fn superseded(&self) {
        self.shared.superseded.cancelled().await;
    }

    /// Which process wrote an event: grows by one with each start.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.shared.epoch
    }

    /// Who leads while this process does: its name.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.shared.holder
    }

    /// The right to act, which goes with the right to write.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.shared.lease
    }

    /// The newest event's seq; 0 while there is none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        *self.shared.newest.borrow()
    }

    /// Every event from now on, in order. After `Lagged`, continue with [`Journal::since`].
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.shared.events.subscribe()
    }

    /// Events after `seq`, oldest first, at most `limit` (and never more than 1,000).
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn since(&self, seq: u64, limit: u32) -> Result<Vec<Event>, JournalError> {
        self.shared.store.since(seq, &[], limit.min(1_000)).await
    }

    /// The newest events, oldest first, at most `limit` (and never more than 1,000).
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn last(&self, limit: u32) -> Result<Vec<Event>, JournalError> {
        let from = self.newest().saturating_sub(u64::from(limit.min(1_000)));
        self.since(from, limit).await
    }

    /// Verifies every event from the first on.
    ///
    /// # Errors
    ///
    /// When the store cannot be read at all.
    pub async fn verify(&self) -> Result<Verdict, JournalError> {
        verify::read(self.shared.store.as_ref()).await
    }

    /// Shows `each` every event whose kind starts with `prefix`, from the first one on. An empty
    /// prefix shows all. For who looks into a journal; a restart has a [`Fold`] and reads less.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn replay(
        &self,
        prefix: &str,
        mut each: impl FnMut(&Event),
    ) -> Result<(), JournalError> {
        let mut seq = 0;
        loop {
            let page = self.shared.store.since(seq, &[prefix], PAGE_EVENTS_MAX).await?;
            let Some(last) = page.last() else { return Ok(()) };
            seq = last.seq;
            page.iter().for_each(&mut each);
        }
    }
}
