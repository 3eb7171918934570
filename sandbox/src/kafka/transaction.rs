//! The life of a transactional producer: who may write, and how its transaction ends. Pure.
//!
//! Every function takes the stored state and returns the next one; the broker journals that before
//! it acts on it. A new incarnation of a producer gets a higher epoch, which fences the one before.

use std::collections::BTreeSet;

use kafka_protocol::error::ResponseError as Code;
use serde::{Deserialize, Serialize};

use super::batch::Marker;

/// Longest transaction that is accepted, as in Kafka: 15 minutes.
const TIMEOUT_MS_MAX: i32 = 15 * 60 * 1000;
/// Partitions of one transaction.
const PARTITIONS_MAX: usize = 1_000;

/// A topic's name and a partition of it.
pub(super) type Place = (String, i32);

/// What is known of one transactional id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transaction {
    /// Id that the producer puts on its batches.
    pub(super) producer_id: i64,
    /// Its incarnation; lower ones are fenced.
    pub(super) epoch: i16,
    /// Longest time a transaction may stay open, milliseconds.
    pub(super) timeout_ms: i32,
    /// Where its current or last transaction is.
    pub(super) stage: Stage,
}

/// Where a transaction is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// None has begun in this epoch.
    Empty,
    /// Records may be written to these partitions.
    Open {
        /// Partitions that get a marker at the end.
        places: BTreeSet<Place>,
        /// When it began, milliseconds since 1970.
        since_ms: i64,
    },
    /// The outcome is decided; markers are being written. Resumed after a restart.
    Ending {
        /// Whether it commits.
        commit: bool,
        /// Partitions that get a marker.
        places: BTreeSet<Place>,
    },
    /// All markers are written.
    Ended {
        /// Whether it committed.
        commit: bool,
    },
}

impl Transaction {
    /// Starts a new incarnation of a producer; an open transaction of the old one is to be aborted
    /// with the new epoch. `claimed` is what the producer believes to be, when it says so.
    ///
    /// # Errors
    /// The timeout is out of range, the claim is outdated, or markers are being written.
    pub(super) fn begin_epoch(
        current: Option<&Self>,
        fresh_id: i64,
        claimed: Option<(i64, i16)>,
        timeout_ms: i32,
    ) -> Result<Self, Code> {
        if !(1..=TIMEOUT_MS_MAX).contains(&timeout_ms) {
            return Err(Code::InvalidTransactionTimeout);
        }
        let Some(current) = current else {
            let stage = Stage::Empty;
            return Ok(Self { producer_id: fresh_id, epoch: 0, timeout_ms, stage });
        };
        if claimed.is_some_and(|claim| claim != (current.producer_id, current.epoch)) {
            return Err(Code::ProducerFenced);
        }
        let stage = match &current.stage {
            Stage::Ending { .. } => return Err(Code::ConcurrentTransactions),
            Stage::Open { places, .. } => Stage::Ending { commit: false, places: places.clone() },
            Stage::Empty | Stage::Ended { .. } => Stage::Empty,
        };
        // The last epoch is kept for the markers of an abort; then a new id starts from zero.
        if current.epoch >= i16::MAX - 1 && stage == Stage::Empty {
            return Ok(Self { producer_id: fresh_id, epoch: 0, timeout_ms, stage });
        }
        let epoch = current.epoch.checked_add(1).ok_or(Code::InvalidProducerEpoch)?;
        Ok(Self { producer_id: current.producer_id, epoch, timeout_ms, stage })
    }

    /// Adds partitions to the open transaction, opening one if needed.
    ///
    /// # Errors
    /// The producer is fenced or unknown, or the transaction before is still ending.
    pub(super) fn add(
        &self,
        claimed: (i64, i16),
        added: &BTreeSet<Place>,
        now_ms: i64,
    ) -> Result<Self, Code> {
        self.admit(claimed)?;
        let (mut places, since_ms) = match &self.stage {
            Stage::Open { places, since_ms } => (places.clone(), *since_ms),
            Stage::Ending { .. } => return Err(Code::ConcurrentTransactions),
            Stage::Empty | Stage::Ended { .. } => (BTreeSet::new(), now_ms),
        };
        places.extend(added.iter().cloned());
        if places.len() > PARTITIONS_MAX {
            return Err(Code::PolicyViolation);
        }
        Ok(Self { stage: Stage::Open { places, since_ms }, ..self.clone() })
    }

    /// Whether this producer may write to this partition now.
    ///
    /// # Errors
    /// The producer is fenced or unknown, or has not added the partition.
    pub(super) fn may_write(&self, claimed: (i64, i16), place: &Place) -> Result<(), Code> {
        self.admit(claimed).map_err(|_| Code::InvalidProducerEpoch)?;
        match &self.stage {
            Stage::Open { places, .. } if places.contains(place) => Ok(()),
            _ => Err(Code::InvalidTxnState),
        }
    }

    /// Decides the outcome. `None` when it had been decided the same way: the answer was lost.
    ///
    /// # Errors
    /// The producer is fenced or unknown, or there is no transaction that could end like this.
    pub(super) fn end(&self, claimed: (i64, i16), commit: bool) -> Result<Option<Self>, Code> {
        self.admit(claimed)?;
        match &self.stage {
            Stage::Open { places, .. } => {
                let stage = Stage::Ending { commit, places: places.clone() };
                Ok(Some(Self { stage, ..self.clone() }))
            }
            Stage::Ending { .. } => Err(Code::ConcurrentTransactions),
            Stage::Ended { commit: before } if *before == commit => Ok(None),
            Stage::Empty | Stage::Ended { .. } => Err(Code::InvalidTxnState),
        }
    }

    /// The abort of a transaction that is open for too long; its producer is fenced.
    pub(super) fn expire(&self, now_ms: i64) -> Option<Self> {
        let Stage::Open { places, since_ms } = &self.stage else {
            return None;
        };
        if now_ms.saturating_sub(*since_ms) < i64::from(self.timeout_ms) {
            return None;
        }
        let stage = Stage::Ending { commit: false, places: places.clone() };
        Some(Self { epoch: self.epoch.saturating_add(1), stage, ..self.clone() })
    }

    /// Marker and partitions that are due, when the outcome is decided.
    pub(super) fn due(&self) -> Option<(Marker, &BTreeSet<Place>)> {
        match &self.stage {
            Stage::Ending { commit: true, places } => Some((Marker::Commit, places)),
            Stage::Ending { commit: false, places } => Some((Marker::Abort, places)),
            Stage::Empty | Stage::Open { .. } | Stage::Ended { .. } => None,
        }
    }

    /// After all markers are written.
    pub(super) fn ended(&self) -> Self {
        let commit = matches!(self.stage, Stage::Ending { commit: true, .. });
        Self { stage: Stage::Ended { commit }, ..self.clone() }
    }

    fn admit(&self, (producer_id, epoch): (i64, i16)) -> Result<(), Code> {
        if producer_id != self.producer_id {
            return Err(Code::InvalidProducerIdMapping);
        }
        if epoch == self.epoch { Ok(()) } else { Err(Code::ProducerFenced) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(partition: i32) -> Place {
        ("wallet.events".to_owned(), partition)
    }

    fn places(partitions: &[i32]) -> BTreeSet<Place> {
        partitions.iter().map(|partition| place(*partition)).collect()
    }

    fn at(stage: Stage) -> Transaction {
        Transaction { producer_id: 9, epoch: 4, timeout_ms: 1_000, stage }
    }

    fn open() -> Transaction {
        at(Stage::Open { places: places(&[1, 2]), since_ms: 50 })
    }

    fn ending(commit: bool) -> Transaction {
        at(Stage::Ending { commit, places: places(&[1, 2]) })
    }

    #[test]
    fn a_new_incarnation_fences_the_one_before_and_aborts_its_transaction() {
        let ended = at(Stage::Ended { commit: true });
        let bumped = |stage| Ok(Transaction { epoch: 5, ..at(stage) });
        let aborting = Stage::Ending { commit: false, places: places(&[1, 2]) };
        let rows = [
            ("after a commit", ended.clone(), None, bumped(Stage::Empty)),
            ("with an open transaction", open(), None, bumped(aborting)),
            ("while markers are written", ending(true), None, Err(Code::ConcurrentTransactions)),
            ("with the right claim", ended.clone(), Some((9, 4)), bumped(Stage::Empty)),
            ("with an old claim", ended.clone(), Some((9, 3)), Err(Code::ProducerFenced)),
            ("with another id", ended, Some((8, 4)), Err(Code::ProducerFenced)),
        ];
        for (name, current, claimed, expected) in rows {
            let next = Transaction::begin_epoch(Some(&current), 77, claimed, 1_000);
            assert_eq!(next, expected, "{name}");
        }
        let first = Transaction::begin_epoch(None, 77, None, 1_000).unwrap();
        assert_eq!((first.producer_id, first.epoch), (77, 0));
        let spent = Transaction { epoch: i16::MAX - 1, ..at(Stage::Empty) };
        let fresh = Transaction::begin_epoch(Some(&spent), 78, None, 1_000).unwrap();
        assert_eq!((fresh.producer_id, fresh.epoch), (78, 0), "epochs are used up");
        for timeout_ms in [0, -1, TIMEOUT_MS_MAX + 1] {
            let refused = Transaction::begin_epoch(None, 1, None, timeout_ms);
            assert_eq!(refused, Err(Code::InvalidTransactionTimeout));
        }
    }

    #[test]
    fn partitions_are_added_by_the_current_incarnation_only() {
        let added = places(&[3]);
        let opened = at(Stage::Open { places: places(&[3]), since_ms: 60 });
        let grown = at(Stage::Open { places: places(&[1, 2, 3]), since_ms: 50 });
        let rows = [
            (at(Stage::Empty), (9, 4), Ok(opened.clone())),
            (at(Stage::Ended { commit: false }), (9, 4), Ok(opened)),
            (open(), (9, 4), Ok(grown)),
            (ending(true), (9, 4), Err(Code::ConcurrentTransactions)),
            (open(), (9, 3), Err(Code::ProducerFenced)),
            (open(), (8, 4), Err(Code::InvalidProducerIdMapping)),
        ];
        for (current, claimed, expected) in rows {
            assert_eq!(current.add(claimed, &added, 60), expected, "{current:?} {claimed:?}");
        }
    }

    #[test]
    fn only_added_partitions_are_written_and_only_while_open() {
        let rows = [
            (open(), (9, 4), 1, Ok(())),
            (open(), (9, 4), 3, Err(Code::InvalidTxnState)),
            (open(), (9, 3), 1, Err(Code::InvalidProducerEpoch)),
            (at(Stage::Empty), (9, 4), 1, Err(Code::InvalidTxnState)),
            (ending(true), (9, 4), 1, Err(Code::InvalidTxnState)),
        ];
        for (current, claimed, partition, expected) in rows {
            assert_eq!(current.may_write(claimed, &place(partition)), expected);
        }
    }

    #[test]
    fn an_outcome_is_decided_once() {
        let rows = [
            (open(), true, Ok(Some(ending(true)))),
            (open(), false, Ok(Some(ending(false)))),
            (ending(true), true, Err(Code::ConcurrentTransactions)),
            (at(Stage::Ended { commit: true }), true, Ok(None)),
            (at(Stage::Ended { commit: true }), false, Err(Code::InvalidTxnState)),
            (at(Stage::Empty), true, Err(Code::InvalidTxnState)),
        ];
        for (current, commit, expected) in rows {
            assert_eq!(current.end((9, 4), commit), expected, "{current:?}");
        }
        assert_eq!(open().end((9, 3), true), Err(Code::ProducerFenced));
        assert_eq!(ending(true).ended(), at(Stage::Ended { commit: true }));
        assert_eq!(ending(false).due(), Some((Marker::Abort, &places(&[1, 2]))));
    }

    #[test]
    fn a_transaction_that_is_open_for_too_long_is_aborted_and_its_producer_fenced() {
        assert_eq!(open().expire(1_049), None);
        let expired = open().expire(1_050).unwrap();
        assert_eq!((expired.epoch, expired.due().unwrap().0), (5, Marker::Abort));
        assert_eq!(ending(true).expire(i64::MAX), None);
    }
}
