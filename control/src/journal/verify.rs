//! `control audit verify`: reads a journal from end to end and proves that nothing was changed,
//! removed or inserted since it was written. A cut at the end cannot be seen from inside; compare
//! the last seq and hash with a copy kept elsewhere.

use std::fmt;

use super::event::{Event, Hash};
use super::store::{self, Store};
use super::{JournalError, Location, PAGE_EVENTS_MAX};

/// What verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every event is as it was written.
    Intact { events: u64, last_hash: Hash },
    /// The first event that is not as it was written.
    Broken { seq: u64, reason: String },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intact { events, last_hash } => {
                write!(f, "intact: {events} events, last hash {}", hex::encode(last_hash))
            }
            Self::Broken { seq, reason } => write!(f, "broken at event {seq}: {reason}"),
        }
    }
}

/// Verifies a journal. It may be in use.
///
/// # Errors
///
/// When it cannot be read at all.
pub async fn verify(location: &Location) -> Result<Verdict, JournalError> {
    read(store::read_only(location).await?.as_ref()).await
}

/// Verifies everything that a store holds.
///
/// # Errors
///
/// When it cannot be read at all.
pub(super) async fn read(store: &dyn Store) -> Result<Verdict, JournalError> {
    let mut seq = 0;
    let mut hash = [0; 32];
    let mut epoch = 0;
    loop {
        let page = match store.since(seq, &[], PAGE_EVENTS_MAX).await {
            Ok(page) => page,
            Err(JournalError::Corrupt { seq, reason }) => {
                return Ok(Verdict::Broken { seq, reason });
            }
            Err(error) => return Err(error),
        };
        if page.is_empty() {
            return Ok(Verdict::Intact { events: seq, last_hash: hash });
        }
        for event in page {
            if let Some(reason) = fault(seq, &hash, epoch, &event) {
                return Ok(Verdict::Broken { seq: event.seq, reason });
            }
            (seq, hash, epoch) = (event.seq, event.hash, event.epoch);
        }
    }
}

fn fault(seq: u64, hash: &Hash, epoch: u64, event: &Event) -> Option<String> {
    if event.seq != seq + 1 {
        return Some(format!("event {} is missing", seq + 1));
    }
    if event.hash_before != *hash {
        return Some("does not continue the event before".to_owned());
    }
    if event.epoch < epoch {
        return Some(format!("was written by epoch {} after epoch {epoch}", event.epoch));
    }
    (event.compute_hash() != event.hash).then(|| "was changed after it was written".to_owned())
}
