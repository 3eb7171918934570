//! What the broker must remember besides records: topics, committed offsets, producers. Pure.
//!
//! State is a fold over facts. The journal stores the facts, and on a restart the same fold runs
//! again; a snapshot is just the shortest list of facts that gives the same state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::transaction::Transaction;

/// Largest record batch, as in Kafka: 1 MiB and the header of a batch.
pub(super) const MESSAGE_BYTES_MAX: usize = 1_048_588;
/// Size at which a segment is closed, unless the topic says otherwise.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

/// Settings of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TopicConfig {
    /// Age at which a closed segment is deleted; `None` keeps it.
    pub(super) retention_ms: Option<i64>,
    /// Size of a partition above which the oldest closed segments are deleted; `None` keeps them.
    pub(super) retention_bytes: Option<u64>,
    /// Size at which a segment is closed.
    pub(super) segment_bytes: u64,
    /// Largest batch that is accepted.
    pub(super) message_bytes_max: usize,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            retention_ms: None,
            retention_bytes: None,
            segment_bytes: SEGMENT_BYTES,
            message_bytes_max: MESSAGE_BYTES_MAX,
        }
    }
}

/// A topic as it was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TopicSpec {
    /// Its name.
    pub(super) name: String,
    /// Names its folder, so that a topic created anew never sees the old one's files.
    pub(super) id: Uuid,
    /// Number of partitions.
    pub(super) partitions: i32,
    /// Its settings.
    pub(super) config: TopicConfig,
}

/// A committed offset of a consumer group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Committed {
    /// Offset of the next record to read.
    pub(super) offset: i64,
    /// Leader epoch of the record before, or -1.
    pub(super) leader_epoch: i32,
    /// The consumer's own note.
    pub(super) note: String,
}

/// Something that happened and must not be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fact {
    /// The cluster got its id.
    Named(String),
    /// Leaderships moved; clients trust the highest generation.
    Generation(i32),
    /// A topic was created.
    TopicCreated(TopicSpec),
    /// A topic was deleted, with the offsets committed for it.
    TopicDeleted(String),
    /// A group committed an offset.
    OffsetCommitted {
        /// The group.
        group: String,
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// What it committed.
        committed: Committed,
    },
    /// A group was deleted, with its offsets.
    GroupDeleted(String),
    /// Producer ids below this are taken.
    ProducerIds(i64),
    /// A transactional producer moved on.
    TransactionMoved {
        /// Its transactional id.
        id: String,
        /// Where it is now.
        to: Transaction,
    },
}

/// Offsets of one group by topic and partition.
pub(super) type GroupOffsets = BTreeMap<(String, i32), Committed>;

/// The state that the facts add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Catalogue {
    /// The cluster's id; empty before it got one.
    pub(super) cluster_id: String,
    /// Highest generation of leaderships.
    pub(super) generation: i32,
    /// Topics by name.
    pub(super) topics: BTreeMap<String, TopicSpec>,
    /// Committed offsets by group.
    pub(super) offsets: BTreeMap<String, GroupOffsets>,
    /// The next producer id to hand out.
    pub(super) next_producer_id: i64,
    /// Transactional producers by transactional id.
    pub(super) transactions: BTreeMap<String, Transaction>,
    owners: BTreeMap<i64, String>,
}

impl Catalogue {
    /// Takes one more fact into account.
    pub(super) fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Named(id) => self.cluster_id = id,
            Fact::Generation(generation) => self.generation = generation,
            Fact::TopicCreated(spec) => {
                self.topics.insert(spec.name.clone(), spec);
            }
            Fact::TopicDeleted(name) => {
                self.topics.remove(&name);
                for offsets in self.offsets.values_mut() {
                    offsets.retain(|(topic, _), _| *topic != name);
                }
                self.offsets.retain(|_, offsets| !offsets.is_empty());
            }
            Fact::OffsetCommitted { group, topic, partition, committed } => {
                self.offsets.entry(group).or_default().insert((topic, partition), committed);
            }
            Fact::GroupDeleted(group) => {
                self.offsets.remove(&group);
            }
            Fact::ProducerIds(next) => self.next_producer_id = next,
            Fact::TransactionMoved { id, to } => {
                self.owners.insert(to.producer_id, id.clone());
                self.transactions.insert(id, to);
            }
        }
    }

    /// The transactional id and state behind a producer id.
    pub(super) fn transaction_of(&self, producer_id: i64) -> Option<(&str, &Transaction)> {
        let id = self.owners.get(&producer_id)?;
        Some((id, self.transactions.get(id)?))
    }

    /// The shortest list of facts that gives this state.
    pub(super) fn snapshot(&self) -> Vec<Fact> {
        let mut facts = vec![
            Fact::Named(self.cluster_id.clone()),
            Fact::Generation(self.generation),
            Fact::ProducerIds(self.next_producer_id),
        ];
        facts.extend(self.topics.values().cloned().map(Fact::TopicCreated));
        for (group, offsets) in &self.offsets {
            facts.extend(offsets.iter().map(|((topic, partition), committed)| {
                Fact::OffsetCommitted {
                    group: group.clone(),
                    topic: topic.clone(),
                    partition: *partition,
                    committed: committed.clone(),
                }
            }));
        }
        let moved = |(id, to): (&String, &Transaction)| Fact::TransactionMoved {
            id: id.clone(),
            to: to.clone(),
        };
        facts.extend(self.transactions.iter().map(moved));
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::super::transaction::Stage;
    use super::*;

    fn committed(group: &str, topic: &str, offset: i64) -> Fact {
        let committed = Committed { offset, leader_epoch: -1, note: String::new() };
        Fact::OffsetCommitted { group: group.into(), topic: topic.into(), partition: 0, committed }
    }

    fn story() -> Catalogue {
        let topic = |name: &str| {
            let config = TopicConfig::default();
            Fact::TopicCreated(TopicSpec {
                name: name.into(),
                id: Uuid::nil(),
                partitions: 3,
                config,
            })
        };
        let to = Transaction { producer_id: 4, epoch: 1, timeout_ms: 1_000, stage: Stage::Empty };
        let facts = [
            Fact::Named("c".into()),
            Fact::Generation(1),
            topic("a"),
            topic("b"),
            committed("g", "a", 5),
            committed("g", "a", 7),
            committed("g", "b", 1),
            committed("h", "b", 2),
            Fact::ProducerIds(5),
            Fact::TransactionMoved { id: "relay".into(), to },
            Fact::Generation(2),
        ];
        let mut catalogue = Catalogue::default();
        facts.into_iter().for_each(|fact| catalogue.apply(fact));
        catalogue
    }

    #[test]
    fn a_snapshot_gives_the_same_state() {
        let mut again = Catalogue::default();
        story().snapshot().into_iter().for_each(|fact| again.apply(fact));
        assert_eq!(again, story());
        assert_eq!(again.transaction_of(4).unwrap().0, "relay");
        assert_eq!(again.offsets["g"][&("a".into(), 0)].offset, 7);
    }

    #[test]
    fn a_deleted_topic_takes_its_offsets_along() {
        let mut catalogue = story();
        catalogue.apply(Fact::TopicDeleted("b".into()));
        assert!(!catalogue.topics.contains_key("b"));
        assert_eq!(catalogue.offsets.keys().collect::<Vec<_>>(), ["g"], "h had nothing else");
        catalogue.apply(Fact::GroupDeleted("g".into()));
        assert!(catalogue.offsets.is_empty());
    }
}
