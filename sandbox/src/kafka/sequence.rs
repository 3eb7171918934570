//! What one partition knows of idempotent and transactional producers. Pure.
//!
//! A producer numbers its batches. The last few are remembered, so that a resend after a lost
//! acknowledgement is answered with the offset it already has, and a gap is refused. Rebuilt from
//! the log at start: no file of its own, therefore never at odds with the log.

use std::collections::{BTreeMap, VecDeque};

use super::batch::{Header, Marker};

/// Batches remembered per producer; clients keep at most five in flight.
const BATCHES_MAX: usize = 5;
/// Producers remembered per partition. The one that was silent longest is forgotten first.
const PRODUCERS_MAX: usize = 1_000;

/// What to do with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Write it.
    Append,
    /// It is in the log already, at this offset.
    Duplicate {
        /// Offset given to it the first time.
        base_offset: i64,
    },
}

/// Why a batch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A newer incarnation of the producer has taken over.
    FencedEpoch,
    /// Batches before this one are missing.
    OutOfOrder,
}

/// A transaction that ended by abort: its records are hidden from readers of committed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aborted {
    /// Whose it was.
    pub(super) producer_id: i64,
    /// Offset of its first record here.
    pub(super) first_offset: i64,
    /// Offset of the marker.
    pub(super) last_offset: i64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    first: i32,
    last: i32,
    base_offset: i64,
}

#[derive(Debug, Clone)]
struct Producer {
    epoch: i16,
    batches: VecDeque<Known>,
    open_since: Option<i64>,
    last_offset: i64,
}

/// All producers that one partition remembers.
#[derive(Debug, Clone, Default)]
pub(super) struct Sequences {
    producers: BTreeMap<i64, Producer>,
}

impl Sequences {
    /// Decides on a batch before it is written. Batches without a producer id always pass.
    ///
    /// # Errors
    /// The producer is fenced, or the batch leaves a gap.
    pub(super) fn check(&self, batch: &Header) -> Result<Verdict, Refusal> {
        if batch.producer_id < 0 {
            return Ok(Verdict::Append);
        }
        let Some(known) = self.producers.get(&batch.producer_id) else {
            // Forgotten or expired: any number is accepted, as Kafka does.
            return Ok(Verdict::Append);
        };
        if batch.producer_epoch < known.epoch {
            return Err(Refusal::FencedEpoch);
        }
        if batch.is_control() {
            return Ok(Verdict::Append);
        }
        if batch.producer_epoch > known.epoch {
            return in_order(None, batch.base_sequence);
        }
        let last = last_sequence(batch);
        let same = |past: &&Known| past.first == batch.base_sequence && past.last == last;
        if let Some(past) = known.batches.iter().find(same) {
            return Ok(Verdict::Duplicate { base_offset: past.base_offset });
        }
        in_order(known.batches.back().map(|newest| newest.last), batch.base_sequence)
    }

    /// Takes note of a batch that is in the log; returns the transaction that it aborted, if any.
    pub(super) fn record(&mut self, batch: &Header) -> Option<Aborted> {
        if batch.producer_id < 0 {
            return None;
        }
        if !self.producers.contains_key(&batch.producer_id) {
            self.make_room();
        }
        let producer = self.producers.entry(batch.producer_id).or_insert_with(|| Producer {
            epoch: batch.producer_epoch,
            batches: VecDeque::new(),
            open_since: None,
            last_offset: batch.base_offset,
        });
        if batch.producer_epoch != producer.epoch {
            producer.epoch = batch.producer_epoch;
            producer.batches.clear();
        }
        producer.last_offset = batch.base_offset;
        if batch.is_control() {
            let first_offset = producer.open_since.take()?;
            return (batch.marker == Some(Marker::Abort)).then_some(Aborted {
                producer_id: batch.producer_id,
                first_offset,
                last_offset: batch.base_offset,
            });
        }
        if batch.is_transactional() {
            producer.open_since.get_or_insert(batch.base_offset);
        }
        if producer.batches.len() == BATCHES_MAX {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Known {
            first: batch.base_sequence,
            last: last_sequence(batch),
            base_offset: batch.base_offset,
        });
        None
    }

    /// Offset of the oldest record whose transaction is still open.
    pub(super) fn first_unstable(&self) -> Option<i64> {
        self.producers.values().filter_map(|producer| producer.open_since).min()
    }

    /// Whether this producer has an open transaction here.
    pub(super) fn is_open(&self, producer_id: i64) -> bool {
        self.producers.get(&producer_id).is_some_and(|producer| producer.open_since.is_some())
    }

    fn make_room(&mut self) {
        if self.producers.len() < PRODUCERS_MAX {
            return;
        }
        let idle = self.producers.iter().filter(|(_, producer)| producer.open_since.is_none());
        let oldest = idle.min_by_key(|(_, producer)| producer.last_offset).map(|(id, _)| *id);
        if let Some(id) = oldest {
            self.producers.remove(&id);
        }
    }
}

/// Whether `first` follows `last`; numbers wrap from the largest to zero.
fn in_order(last: Option<i32>, first: i32) -> Result<Verdict, Refusal> {
    let expected = match last {
        None | Some(i32::MAX) => 0,
        Some(last) => last + 1,
    };
    if first == expected { Ok(Verdict::Append) } else { Err(Refusal::OutOfOrder) }
}

/// Sequence number of the last record, with the same wrap.
fn last_sequence(batch: &Header) -> i32 {
    let last = i64::from(batch.base_sequence) + i64::from(batch.last_offset_delta);
    i32::try_from(last % (i64::from(i32::MAX) + 1)).unwrap_or(i32::MAX)
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
