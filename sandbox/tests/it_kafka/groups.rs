//! Consumer groups of the real client: split, takeover, and offsets that survive.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use sandbox::poll;

use crate::fixture::{Brokers, PATIENCE, send_numbers};

const GROUP: &str = "projections";

fn member(brokers: &Brokers, more: &[(&str, &str)]) -> BaseConsumer {
    let settings = [
        ("group.id", GROUP),
        ("session.timeout.ms", "2000"),
        ("heartbeat.interval.ms", "200"),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "false"),
    ];
    let consumer: BaseConsumer = brokers.config(&[&settings[..], more].concat()).create().unwrap();
    consumer.subscribe(&["t"]).unwrap();
    consumer
}

fn assigned(consumer: &BaseConsumer) -> BTreeSet<i32> {
    // Polling serves the rebalance; records are not what this is about.
    let _ = consumer.poll(Duration::ZERO);
    let list = consumer.assignment().unwrap();
    list.elements()
        .iter()
        .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
        .collect()
}

async fn until_split(consumers: &[&BaseConsumer], sizes: &[usize]) {
    poll::until("the partitions are split", PATIENCE, async || {
        let held: Vec<BTreeSet<i32>> = consumers.iter().map(|one| assigned(one)).collect();
        let all: BTreeSet<i32> = held.iter().flatten().copied().collect();
        let is_split = held.iter().map(BTreeSet::len).eq(sizes.iter().copied());
        (is_split && all.len() == sizes.iter().sum::<usize>()).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn two_members_share_the_partitions_and_one_takes_over_when_the_other_goes() {
    let brokers = Brokers::start(3).await;
    brokers.create("t", 6, &[]).await;
    let first = member(&brokers, &[]);
    until_split(&[&first], &[6]).await;
    let second = member(&brokers, &[]);
    until_split(&[&first, &second], &[3, 3]).await;
    drop(second); // Leaves by its own will.
    until_split(&[&first], &[6]).await;
}

#[tokio::test]
async fn a_cooperative_group_splits_too() {
    let brokers = Brokers::start(1).await;
    brokers.create("t", 6, &[]).await;
    let sticky = [("partition.assignment.strategy", "cooperative-sticky")];
    let (first, second) = (member(&brokers, &sticky), member(&brokers, &sticky));
    until_split(&[&first, &second], &[3, 3]).await;
}

#[tokio::test]
async fn members_rejoin_after_a_kill_and_after_their_coordinator_reboots() {
    let mut brokers = Brokers::start(3).await;
    brokers.create("t", 6, &[]).await;
    let (first, second) = (member(&brokers, &[]), member(&brokers, &[]));
    until_split(&[&first, &second], &[3, 3]).await;
    brokers.kill().await;
    brokers.restart().await;
    until_generation_serves(&[&first, &second], &brokers).await;
    for broker in 1..=3 {
        sandbox::kafka::reboot(&brokers.data(), broker, Duration::from_millis(300)).await.unwrap();
        poll::until("it is back", PATIENCE, async || {
            let status = brokers.status().await;
            status.brokers.iter().all(|broker| broker.up).then_some(())
        })
        .await
        .unwrap();
    }
    until_generation_serves(&[&first, &second], &brokers).await;
}

/// Waits until both members can commit, which only members of the current generation can.
async fn until_generation_serves(consumers: &[&BaseConsumer], brokers: &Brokers) {
    poll::until("every member commits", PATIENCE, async || {
        let commits = consumers.iter().map(|consumer| {
            let held = assigned(consumer);
            let mut offsets = TopicPartitionList::new();
            for partition in &held {
                offsets.add_partition_offset("t", *partition, Offset::Offset(0)).unwrap();
            }
            held.len() == 3 && consumer.commit(&offsets, CommitMode::Sync).is_ok()
        });
        let all = commits.collect::<Vec<_>>().into_iter().all(|committed| committed);
        all.then_some(())
    })
    .await
    .unwrap_or_else(|error| panic!("{error}\n{}", brokers.log()));
}

/// Offset of the next record that a member gets.
async fn next_offset(consumer: &BaseConsumer) -> i64 {
    poll::until("a record arrives", PATIENCE, async || {
        // Before the first record, polling serves the rebalance and may report what the kill broke.
        consumer.poll(Duration::ZERO)?.ok().map(|message| message.offset())
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn committed_offsets_survive_a_kill_and_readers_go_on_from_there() {
    let mut brokers = Brokers::start(1).await;
    brokers.create("t", 1, &[]).await;
    send_numbers(&brokers.producer(&[]), "t", 0..100, 1).await;
    let consumer = member(&brokers, &[]);
    for expected in 0..40 {
        assert_eq!(next_offset(&consumer).await, expected);
    }
    let mut position = TopicPartitionList::new();
    position.add_partition_offset("t", 0, Offset::Offset(40)).unwrap();
    consumer.commit(&position, CommitMode::Sync).unwrap();
    brokers.kill().await;
    brokers.restart().await;
    drop(consumer);
    let next = member(&brokers, &[]);
    assert_eq!(next_offset(&next).await, 40);
    let committed = next.committed(PATIENCE).unwrap();
    assert_eq!(committed.find_partition("t", 0).unwrap().offset(), Offset::Offset(40));
}

#[tokio::test]
async fn groups_are_listed_with_their_members_and_deleted_when_empty() {
    let brokers = Brokers::start(3).await;
    brokers.create("t", 6, &[]).await;
    let consumer = member(&brokers, &[("client.id", "reader")]);
    until_split(&[&consumer], &[6]).await;
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset("t", 0, Offset::Offset(0)).unwrap();
    consumer.commit(&offsets, CommitMode::Sync).unwrap();
    let admin = brokers.admin();
    let list = admin.inner().fetch_group_list(None, PATIENCE).unwrap();
    let group = list.groups().iter().find(|group| group.name() == GROUP).unwrap();
    assert_eq!((group.state(), group.protocol_type()), ("Stable", "consumer"));
    assert_eq!(group.members().iter().map(|one| one.client_id()).collect::<Vec<_>>(), ["reader"]);
    let options = rdkafka::admin::AdminOptions::new();
    let refused = admin.delete_groups(&[GROUP], &options).await.unwrap();
    assert!(refused[0].is_err(), "somebody is in it");
    drop(consumer);
    poll::until("the empty group is deleted", PATIENCE, async || {
        admin.delete_groups(&[GROUP], &options).await.unwrap()[0].is_ok().then_some(())
    })
    .await
    .unwrap();
}
