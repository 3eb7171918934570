//! State that is folded from events, and snapshots of it that bound what a restart must read.
//!
//! A snapshot is a shortcut and never the truth: it stands outside the hash chain, names the event
//! that it stands on with that event's hash, and is proven before it is believed. One that is
//! damaged, of another history or of another version is passed over; without any, everything is
//! read.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::store::{Snapshot, Tail, Written};
use super::{Event, Hash, Journal, JournalError, PAGE_EVENTS_MAX};

/// A larger state is not kept: what holds so much has forgotten to forget.
const SNAPSHOT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// State that events make. Pure: the same events make the same state.
pub trait Fold: Default + Serialize + DeserializeOwned + Send + Sync {
    /// Names it, with the version of its shape: `holds.1`. A new shape is a new name.
    const NAME: &'static str;
    /// How the kinds of the events begin that matter to it.
    const KINDS: &'static [&'static str];

    /// Takes in one event.
    fn fold(&mut self, event: &Event);
}

/// A fold's state, and how far it has read.
pub struct Follower<F> {
    journal: Journal,
    state: F,
    /// The newest event that it has read, of whatever kind.
    at: Tail,
    /// The newest snapshot of it that is believed.
    kept: u64,
}

impl Journal {
    /// A fold's state as of the newest event.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn recall<F: Fold>(&self) -> Result<F, JournalError> {
        Ok(self.follow::<F>().await?.state)
    }

    /// As [`Journal::recall`], to be kept current.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn follow<F: Fold>(&self) -> Result<Follower<F>, JournalError> {
        let read = |source| JournalError::Read { source };
        let (mut state, mut at) = (F::default(), Tail::START);
        for snapshot in self.shared.store.snapshots(F::NAME).await.map_err(read)? {
            match self.proven::<F>(&snapshot).await? {
                Ok(proven) => {
                    (state, at) = (proven, snapshot.stands_on());
                    break;
                }
                Err(why) => {
                    let (seq, name) = (snapshot.seq, F::NAME);
                    tracing::warn!(seq, why, "passed over a snapshot of {name}: {why}");
                }
            }
        }
        let mut follower = Follower { journal: self.clone(), state, kept: at.seq, at };
        follower.catch_up().await?;
        Ok(follower)
    }

    /// The state that a snapshot holds, or why it is not to be believed.
    async fn proven<F: Fold>(
        &self,
        snapshot: &Snapshot,
    ) -> Result<Result<F, String>, JournalError> {
        let at = snapshot.stands_on();
        if digest(F::NAME, &at, &snapshot.data) != snapshot.digest {
            return Ok(Err("it was changed after it was written".to_owned()));
        }
        let event = self.shared.store.since(at.seq.saturating_sub(1), &[], 1).await?;
        if event.first().map(|event| (event.seq, event.hash)) != Some((at.seq, at.hash)) {
            return Ok(Err("the event that it stands on is another one".to_owned()));
        }
        Ok(serde_json::from_str(&snapshot.data).map_err(|error| error.to_string()))
    }
}

impl<F: Fold> Follower<F> {
    /// The state as of the newest event.
    ///
    /// # Errors
    ///
    /// When the store cannot be read. What was read until then is in the state.
    pub async fn catch_up(&mut self) -> Result<&F, JournalError> {
        let store = &self.journal.shared.store;
        // First the end, then what leads to it: what is written meanwhile comes the next time.
        let end = store.tail().await.map_err(|source| JournalError::Read { source })?;
        while self.at.seq < end.seq {
            let page = store.since(self.at.seq, F::KINDS, PAGE_EVENTS_MAX).await?;
            for event in page.iter().filter(|event| event.seq <= end.seq) {
                self.state.fold(event);
                self.at = Tail { seq: event.seq, hash: event.hash };
            }
            if page.last().is_none_or(|event| event.seq > end.seq) {
                self.at = end;
            }
        }
        Ok(&self.state)
    }

    /// Keeps the state as of now, so that the next start reads only what comes after.
    ///
    /// # Errors
    ///
    /// When the store cannot be read or written.
    pub async fn keep(&mut self) -> Result<(), JournalError> {
        self.catch_up().await?;
        if self.at.seq == self.kept {
            return Ok(());
        }
        let data = serde_json::to_string(&self.state).expect("a fold's state has only text keys");
        if data.len() > SNAPSHOT_BYTES_MAX {
            let (bytes, name) = (data.len(), F::NAME);
            tracing::warn!(bytes, "the state of {name} is too large to be kept: {bytes} B");
            return Ok(());
        }
        let snapshot = Snapshot {
            fold: F::NAME.to_owned(),
            seq: self.at.seq,
            hash: self.at.hash,
            digest: digest(F::NAME, &self.at, &data),
            data,
        };
        let shared = &self.journal.shared;
        // The one before stays, for the day on which this one is damaged.
        let written = shared.store.keep(shared.epoch, &snapshot, self.kept).await;
        let written = written.map_err(|source| JournalError::Write {
            kind: "snapshot".to_owned(),
            subject: F::NAME.to_owned(),
            source,
        })?;
        if let Written::Superseded { theirs } = written {
            return Err(self.journal.supersede(theirs));
        }
        self.kept = self.at.seq;
        Ok(())
    }
}

impl Snapshot {
    fn stands_on(&self) -> Tail {
        Tail { seq: self.seq, hash: self.hash }
    }
}

/// Every text is preceded by its length, so that no two different snapshots feed the same bytes.
fn digest(fold: &str, at: &Tail, data: &str) -> Hash {
    let mut digest = Sha256::new();
    digest.update(at.seq.to_be_bytes());
    digest.update(at.hash);
    for text in [fold, data] {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    }
    digest.finalize().into()
}
