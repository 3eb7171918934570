//! Transactional producers: journal what is decided, then write the markers. The shell around
//! `transaction`.
//!
//! The journal lock is held from decision to last marker, so a transaction is never seen half
//! ended; if the process dies in between, the markers that are missing are written at the next
//! start.

use std::collections::BTreeSet;

use kafka_protocol::error::ResponseError as Code;
use tracing::{error, warn};

use super::batch;
use super::broker::{Broker, refused};
use super::catalogue::Fact;
use super::hold;
use super::journal::Journal;
use super::transaction::{Place, Transaction};

/// Transactional ids that are remembered; each is one program.
const TRANSACTIONS_MAX: usize = 10_000;

impl Broker {
    /// Gives out a producer id that nobody has.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn new_producer(&self) -> Result<i64, Code> {
        let mut journal = hold(&self.journal);
        let id = journal.catalogue().next_producer_id;
        journal.record(vec![Fact::ProducerIds(id + 1)]).map_err(|error| refused(&error))?;
        Ok(id)
    }

    /// Starts a new incarnation of a transactional producer: id and epoch. What the one before left
    /// open is aborted first.
    ///
    /// # Errors
    /// See `Transaction::begin_epoch`; or the disk refuses.
    pub(super) fn new_incarnation(
        &self,
        id: &str,
        claimed: Option<(i64, i16)>,
        timeout_ms: i32,
    ) -> Result<(i64, i16), Code> {
        let mut journal = hold(&self.journal);
        let catalogue = journal.catalogue();
        let fresh_id = catalogue.next_producer_id;
        let current = catalogue.transactions.get(id);
        if current.is_none() && catalogue.transactions.len() >= TRANSACTIONS_MAX {
            return Err(Code::PolicyViolation);
        }
        let next = Transaction::begin_epoch(current, fresh_id, claimed, timeout_ms)?;
        let given = (next.producer_id, next.epoch);
        let mut facts = vec![Fact::TransactionMoved { id: id.to_owned(), to: next }];
        if given.0 == fresh_id {
            facts.push(Fact::ProducerIds(fresh_id + 1));
        }
        journal.record(facts).map_err(|error| refused(&error))?;
        self.finish(&mut journal, id)?;
        Ok(given)
    }

    /// Adds partitions to the open transaction of a producer.
    ///
    /// # Errors
    /// See `Transaction::add`; or the disk refuses.
    pub(super) fn add_to_transaction(
        &self,
        id: &str,
        claimed: (i64, i16),
        places: &BTreeSet<Place>,
    ) -> Result<(), Code> {
        let mut journal = hold(&self.journal);
        let known = journal.catalogue().transactions.get(id);
        let current = known.ok_or(Code::InvalidProducerIdMapping)?;
        let to = current.add(claimed, places, (self.clock)())?;
        if to == *current {
            return Ok(());
        }
        let moved = vec![Fact::TransactionMoved { id: id.to_owned(), to }];
        journal.record(moved).map_err(|error| refused(&error))
    }

    /// Commits or aborts the open transaction of a producer.
    ///
    /// # Errors
    /// See `Transaction::end`; or the disk refuses.
    pub(super) fn end_transaction(
        &self,
        id: &str,
        claimed: (i64, i16),
        commit: bool,
    ) -> Result<(), Code> {
        let mut journal = hold(&self.journal);
        let known = journal.catalogue().transactions.get(id);
        let current = known.ok_or(Code::InvalidProducerIdMapping)?;
        let Some(to) = current.end(claimed, commit)? else {
            return Ok(());
        };
        let moved = vec![Fact::TransactionMoved { id: id.to_owned(), to }];
        journal.record(moved).map_err(|error| refused(&error))?;
        self.finish(&mut journal, id)
    }

    /// Aborts transactions that are open for too long, and finishes those whose markers failed.
    pub(super) fn expire_transactions(&self) {
        let now_ms = (self.clock)();
        let mut journal = hold(&self.journal);
        let expired = |(id, transaction): (&String, &Transaction)| {
            Some(Fact::TransactionMoved { id: id.clone(), to: transaction.expire(now_ms)? })
        };
        let facts: Vec<Fact> =
            journal.catalogue().transactions.iter().filter_map(expired).collect();
        if !facts.is_empty() {
            warn!("aborting {} transactions that are open for too long", facts.len());
            if let Err(error) = journal.record(facts) {
                refused(&error);
                return;
            }
        }
        self.finish_all(&mut journal);
    }

    /// Writes the markers that were decided on before a restart.
    pub(super) fn resume_transactions(&self) {
        self.finish_all(&mut hold(&self.journal));
    }

    fn finish_all(&self, journal: &mut Journal) {
        let due = journal.catalogue().transactions.iter();
        let due = due.filter(|(_, transaction)| transaction.due().is_some());
        let ids: Vec<String> = due.map(|(id, _)| id.clone()).collect();
        for id in ids {
            if let Err(code) = self.finish(journal, &id) {
                error!(%code, "could not end the transaction of {id}; trying again");
            }
        }
    }

    /// Writes the markers of a decided transaction; nothing to do for any other.
    fn finish(&self, journal: &mut Journal, id: &str) -> Result<(), Code> {
        let Some(transaction) = journal.catalogue().transactions.get(id).cloned() else {
            return Ok(());
        };
        let Some((marker, places)) = transaction.due() else {
            return Ok(());
        };
        let producer_id = transaction.producer_id;
        let bytes = batch::control(producer_id, transaction.epoch, marker, (self.clock)());
        for (name, partition) in places {
            let epoch = self.leader(name, *partition).epoch;
            // A topic that was deleted meanwhile needs no marker.
            let Ok(topic) = self.topic(name) else { continue };
            let written = topic.with_log(*partition, |log| {
                // Without an open transaction here, the marker was written before a restart, or the
                // partition was added and never written to.
                if log.has_open_transaction(producer_id) {
                    log.append(&bytes, epoch)
                } else {
                    Ok(0)
                }
            });
            if let Ok(Err(error)) = written {
                return Err(refused(&error));
            }
        }
        self.announce();
        let moved = Fact::TransactionMoved { id: id.to_owned(), to: transaction.ended() };
        journal.record(vec![moved]).map_err(|error| refused(&error))
    }
}
