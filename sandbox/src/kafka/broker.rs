//! What all listeners share: brokers, records, groups, and the journal behind them.
//!
//! Locks are taken in this order and never held over an await: journal, topics, one log.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

use kafka_protocol::error::ResponseError as Code;
use thiserror::Error;
use tokio::sync::watch;
use tracing::{error, info};
use uuid::Uuid;

use super::batch::Header;
use super::catalogue::{Committed, Fact, GroupOffsets};
use super::cluster::{Cluster, Lead};
use super::coordinator::Coordinator;
use super::journal::{Journal, JournalError};
use super::log::LogError;
use super::sequence::Refusal;
use super::topics::{self, Topic};
use super::transaction::Place;
use super::{hold, hold_to_read, hold_to_write};

/// Milliseconds since 1970.
pub(super) type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Why the broker could not start or remember something.
#[derive(Debug, Error)]
pub(super) enum BrokerError {
    /// The journal failed.
    #[error("keeping the catalogue")]
    Journal(#[from] JournalError),
    /// A log failed.
    #[error("opening partition {partition} of topic {topic}")]
    Log {
        /// Which topic.
        topic: String,
        /// Which partition.
        partition: i32,
        /// Why.
        #[source]
        source: LogError,
    },
}

/// What an operator chooses, apart from addresses.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Folder of journal and logs.
    pub(super) folder: PathBuf,
    /// Whether to wait for the disk before acknowledging.
    pub(super) fsync: bool,
    /// Partitions of topics whose creator does not say.
    pub(super) partitions: i32,
    /// Whether asking for an unknown topic creates it.
    pub(super) auto_create: bool,
}

/// Everything that the listeners of one process share.
pub(super) struct Broker {
    /// What the operator chose.
    pub(super) settings: Settings,
    /// Consumer groups.
    pub(super) groups: Coordinator,
    pub(super) clock: Clock,
    pub(super) journal: Mutex<Journal>,
    cluster: RwLock<Cluster>,
    pub(super) topics: RwLock<BTreeMap<String, Arc<Topic>>>,
    appended: watch::Sender<u64>,
}

impl Broker {
    /// Recovers journal and logs; all brokers at these addresses are up.
    ///
    /// # Errors
    /// The file system refuses, or a log is damaged before its tail.
    pub(super) fn open(
        settings: Settings,
        addresses: Vec<(String, u16)>,
        clock: Clock,
    ) -> Result<Self, BrokerError> {
        let mut journal = Journal::open(&settings.folder.join("journal"), settings.fsync)?;
        let generation = journal.catalogue().generation + 1;
        let mut facts = vec![Fact::Generation(generation)];
        if journal.catalogue().cluster_id.is_empty() {
            facts.push(Fact::Named(Uuid::new_v4().simple().to_string()));
        }
        journal.record(facts)?;
        let topics = topics::open_all(&settings, journal.catalogue())?;
        let broker = Self {
            settings,
            groups: Coordinator::default(),
            clock,
            journal: Mutex::new(journal),
            cluster: RwLock::new(Cluster::new(addresses, generation)),
            topics: RwLock::new(topics),
            appended: watch::Sender::new(0),
        };
        broker.resume_transactions();
        Ok(broker)
    }

    /// The brokers as they are now.
    pub(super) fn cluster(&self) -> Cluster {
        hold_to_read(&self.cluster).clone()
    }

    /// The cluster's id.
    pub(super) fn cluster_id(&self) -> String {
        hold(&self.journal).catalogue().cluster_id.clone()
    }

    /// Marks a broker up or down and moves leaderships.
    ///
    /// # Errors
    /// The new generation cannot be journaled: then nothing moves.
    pub(super) fn set_up(&self, node: usize, up: bool) -> Result<(), BrokerError> {
        let mut journal = hold(&self.journal);
        let generation = journal.catalogue().generation + 1;
        journal.record(vec![Fact::Generation(generation)])?;
        hold_to_write(&self.cluster).set_up(node, up, generation);
        info!(broker.id = node + 1, up, generation, "moved leaderships");
        Ok(())
    }

    /// Who leads a partition.
    pub(super) fn leader(&self, topic: &str, partition: i32) -> Lead {
        hold_to_read(&self.cluster).leader(topic, partition)
    }

    /// The leader epoch, if `node` leads the partition and the client knows no other epoch.
    ///
    /// # Errors
    /// Another broker leads, or the client's metadata is older or newer than this.
    pub(super) fn lead(
        &self,
        node: usize,
        topic: &str,
        partition: i32,
        claimed_epoch: i32,
    ) -> Result<i32, Code> {
        let lead = self.leader(topic, partition);
        if lead.node != Some(node) {
            return Err(Code::NotLeaderOrFollower);
        }
        match claimed_epoch {
            claimed if claimed < 0 || claimed == lead.epoch => Ok(lead.epoch),
            claimed if claimed < lead.epoch => Err(Code::FencedLeaderEpoch),
            _ => Err(Code::UnknownLeaderEpoch),
        }
    }

    /// Whether `node` coordinates this group or transactional id.
    ///
    /// # Errors
    /// Another broker does.
    pub(super) fn coordinates(&self, node: usize, key: &str) -> Result<(), Code> {
        let coordinator = hold_to_read(&self.cluster).coordinator(key);
        if coordinator == Some(node) { Ok(()) } else { Err(Code::NotCoordinator) }
    }

    /// All topics by name.
    pub(super) fn topics(&self) -> BTreeMap<String, Arc<Topic>> {
        hold_to_read(&self.topics).clone()
    }

    /// One topic.
    ///
    /// # Errors
    /// There is none of this name.
    pub(super) fn topic(&self, name: &str) -> Result<Arc<Topic>, Code> {
        hold_to_read(&self.topics).get(name).cloned().ok_or(Code::UnknownTopicOrPartition)
    }

    /// Appends a verified batch of a client and returns its first offset.
    ///
    /// # Errors
    /// The topic or partition is unknown, the producer may not write, or the disk refuses.
    pub(super) fn append(
        &self,
        place: &Place,
        batch: &[u8],
        leader_epoch: i32,
    ) -> Result<i64, Code> {
        let header = Header::parse(batch).map_err(|_| Code::CorruptMessage)?;
        // Held while writing: no outcome of the transaction can be decided in between.
        let _journal = if header.is_transactional() {
            let journal = hold(&self.journal);
            let claimed = (header.producer_id, header.producer_epoch);
            let known = journal.catalogue().transaction_of(header.producer_id);
            let (_, transaction) = known.ok_or(Code::InvalidProducerIdMapping)?;
            transaction.may_write(claimed, place)?;
            Some(journal)
        } else {
            None
        };
        let topic = self.topic(&place.0)?;
        let offset = topic.with_log(place.1, |log| log.append(batch, leader_epoch))?;
        let offset = offset.map_err(|error| code_of(&error))?;
        self.announce();
        Ok(offset)
    }

    /// Tells waiting readers that there is something new.
    pub(super) fn announce(&self) {
        self.appended.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes whenever something was appended.
    pub(super) fn appended(&self) -> watch::Receiver<u64> {
        self.appended.subscribe()
    }

    /// Offsets that a group has committed.
    pub(super) fn offsets(&self, group: &str) -> GroupOffsets {
        hold(&self.journal).catalogue().offsets.get(group).cloned().unwrap_or_default()
    }

    /// Groups that have committed offsets.
    pub(super) fn groups_with_offsets(&self) -> Vec<String> {
        hold(&self.journal).catalogue().offsets.keys().cloned().collect()
    }

    /// Remembers committed offsets.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn commit(&self, group: &str, offsets: Vec<(Place, Committed)>) -> Result<(), Code> {
        let fact = |((topic, partition), committed)| Fact::OffsetCommitted {
            group: group.to_owned(),
            topic,
            partition,
            committed,
        };
        let facts = offsets.into_iter().map(fact).collect();
        hold(&self.journal).record(facts).map_err(|error| refused(&error))
    }

    /// Forgets a group without members.
    ///
    /// # Errors
    /// It is unknown, somebody is in it, or the disk refuses.
    pub(super) fn delete_group(&self, group: &str) -> Result<(), Code> {
        self.groups.with(group, |group, _| group.may_delete())?;
        let mut journal = hold(&self.journal);
        if !journal.catalogue().offsets.contains_key(group) {
            return Err(Code::GroupIdNotFound);
        }
        let deleted = vec![Fact::GroupDeleted(group.to_owned())];
        journal.record(deleted).map_err(|error| refused(&error))
    }
}

/// Logs why the disk refused, and gives what the client is told.
pub(super) fn refused(error: &(dyn std::error::Error + 'static)) -> Code {
    error!(error, "a write was refused");
    Code::KafkaStorageError
}

/// What a client is told about a failure of a log.
pub(super) fn code_of(error: &LogError) -> Code {
    match error {
        LogError::Refused(Refusal::FencedEpoch) => Code::InvalidProducerEpoch,
        LogError::Refused(Refusal::OutOfOrder) => Code::OutOfOrderSequenceNumber,
        LogError::OutOfRange { .. } => Code::OffsetOutOfRange,
        LogError::File { .. } | LogError::Damaged { .. } => refused(error),
    }
}

#[cfg(test)]
#[path = "broker_tests.rs"]
mod tests;
