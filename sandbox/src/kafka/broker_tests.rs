//! The broker without a network: what a death between two writes leaves, and what time does.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use kafka_protocol::records::Compression;
use tempfile::TempDir;

use super::super::batch::tests::batch_of;
use super::super::catalogue::TopicConfig;
use super::super::transaction::{Stage, Transaction};
use super::*;

struct World {
    folder: TempDir,
    now_ms: Arc<AtomicI64>,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), now_ms: Arc::new(AtomicI64::new(1_000)) }
    }

    fn open(&self) -> Broker {
        let settings = Settings {
            folder: self.folder.path().to_owned(),
            fsync: false,
            partitions: 2,
            auto_create: true,
        };
        let now_ms = Arc::clone(&self.now_ms);
        let clock: Clock = Arc::new(move || now_ms.load(Ordering::Relaxed));
        Broker::open(settings, vec![("127.0.0.1".to_owned(), 9092)], clock).unwrap()
    }

    /// A broker with an open transaction of `relay` that has written one record.
    fn with_open_transaction(&self) -> (Broker, (i64, i16)) {
        let broker = self.open();
        broker.create_topic("t", None, TopicConfig::default(), false).unwrap();
        let claimed = broker.new_incarnation("relay", None, 60_000).unwrap();
        broker.add_to_transaction("relay", claimed, &BTreeSet::from([place()])).unwrap();
        assert_eq!(broker.append(&place(), &transactional(claimed), 1), Ok(0));
        (broker, claimed)
    }
}

fn place() -> Place {
    ("t".to_owned(), 0)
}

/// One record of this producer's transaction.
fn transactional((producer_id, epoch): (i64, i16)) -> Vec<u8> {
    let mut bytes = batch_of(&[1], 0, Compression::None);
    bytes[22] |= 0x10;
    bytes[43..51].copy_from_slice(&producer_id.to_be_bytes());
    bytes[51..53].copy_from_slice(&epoch.to_be_bytes());
    let checksum = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

/// Stable and next offset of the partition.
fn offsets(broker: &Broker) -> (i64, i64) {
    let topic = broker.topic("t").unwrap();
    topic.with_log(0, |log| (log.stable_offset(), log.next_offset())).unwrap()
}

fn state(broker: &Broker) -> Transaction {
    hold(&broker.journal).catalogue().transactions["relay"].clone()
}

#[test]
fn markers_that_a_death_left_unwritten_are_written_at_the_next_start_and_once() {
    let world = World::new();
    let (broker, _) = world.with_open_transaction();
    assert_eq!(offsets(&broker), (0, 1));
    let stage = Stage::Ending { commit: true, places: BTreeSet::from([place()]) };
    let to = Transaction { stage, ..state(&broker) };
    let decided = vec![Fact::TransactionMoved { id: "relay".into(), to }];
    hold(&broker.journal).record(decided).unwrap();
    drop(broker);
    for _ in 0..2 {
        let broker = world.open();
        assert_eq!(offsets(&broker), (2, 2), "the record and one marker");
        assert_eq!(state(&broker).stage, Stage::Ended { commit: true });
    }
}

#[test]
fn a_transaction_is_aborted_when_its_time_is_up_also_over_a_restart() {
    let world = World::new();
    let (broker, claimed) = world.with_open_transaction();
    world.now_ms.store(60_999, Ordering::Relaxed);
    broker.expire_transactions();
    assert_eq!(offsets(&broker), (0, 1), "a millisecond is left");
    drop(broker);
    let broker = world.open();
    world.now_ms.store(61_000, Ordering::Relaxed);
    broker.expire_transactions();
    assert_eq!(offsets(&broker), (2, 2));
    assert_eq!(broker.end_transaction("relay", claimed, true), Err(Code::ProducerFenced));
    let late = broker.append(&place(), &transactional(claimed), 1);
    assert_eq!(late, Err(Code::InvalidProducerEpoch));
}

#[test]
fn an_outcome_is_confirmed_again_when_the_answer_was_lost() {
    let world = World::new();
    let (broker, claimed) = world.with_open_transaction();
    assert_eq!(broker.end_transaction("relay", claimed, true), Ok(()));
    drop(broker);
    let broker = world.open();
    assert_eq!(broker.end_transaction("relay", claimed, true), Ok(()));
    assert_eq!(broker.end_transaction("relay", claimed, false), Err(Code::InvalidTxnState));
    assert_eq!(offsets(&broker), (2, 2));
}

#[test]
fn producer_ids_and_leader_epochs_only_grow_over_restarts() {
    let world = World::new();
    let (mut ids, mut epochs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let broker = world.open();
        ids.extend([broker.new_producer().unwrap(), broker.new_producer().unwrap()]);
        epochs.push(broker.leader("t", 0).epoch);
        broker.set_up(0, false).unwrap();
        assert_eq!(broker.lead(0, "t", 0, -1), Err(Code::NotLeaderOrFollower));
        broker.set_up(0, true).unwrap();
        epochs.push(broker.leader("t", 0).epoch);
    }
    assert_eq!(ids, [0, 1, 2, 3, 4, 5]);
    assert!(epochs.is_sorted_by(|before, after| before < after), "{epochs:?}");
    let broker = world.open();
    let epoch = broker.leader("t", 0).epoch;
    assert_eq!(broker.lead(0, "t", 0, epoch), Ok(epoch));
    assert_eq!(broker.lead(0, "t", 0, epoch - 1), Err(Code::FencedLeaderEpoch));
    assert_eq!(broker.lead(0, "t", 0, epoch + 1), Err(Code::UnknownLeaderEpoch));
}

#[test]
fn folders_of_topics_that_are_no_longer_are_deleted_at_start() {
    let world = World::new();
    let broker = world.open();
    broker.create_topic("t", None, TopicConfig::default(), false).unwrap();
    let orphan = world.folder.path().join("topics").join("left-behind");
    std::fs::create_dir_all(orphan.join("0")).unwrap();
    drop(broker);
    let broker = world.open();
    assert!(!orphan.exists());
    assert_eq!(broker.topic("t").unwrap().spec.partitions, 2);
}
