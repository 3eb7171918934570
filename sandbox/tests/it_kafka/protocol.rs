//! The protocol's edges: admin calls, times, limits, and clients that misbehave.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rdkafka::admin::{AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::FutureRecord;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::util::Timeout;
use sandbox::poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fixture::{Brokers, PATIENCE, assert_exactly, send, send_numbers};

async fn connect(brokers: &Brokers) -> TcpStream {
    TcpStream::connect(&brokers.manifest().brokers[0]).await.unwrap()
}

#[tokio::test]
async fn topics_are_created_described_and_deleted_and_wrong_ones_refused_with_the_reason() {
    let brokers = Brokers::start(3).await;
    brokers.create("t", 4, &[("retention.ms", "600000")]).await;
    let admin = brokers.admin();
    let options = AdminOptions::new();
    let described =
        admin.describe_configs([&ResourceSpecifier::Topic("t")], &options).await.unwrap();
    let settings = described[0].as_ref().unwrap().entry_map();
    let value = |name: &str| settings[name].value.clone().unwrap();
    assert_eq!(
        (value("retention.ms"), value("cleanup.policy")),
        ("600000".into(), "delete".into())
    );
    let rows = [
        (NewTopic::new("t", 1, TopicReplication::Fixed(1)), Code::TopicAlreadyExists),
        (NewTopic::new("a b", 1, TopicReplication::Fixed(1)), Code::InvalidTopic),
        (NewTopic::new("u", 1, TopicReplication::Fixed(4)), Code::InvalidReplicationFactor),
        (NewTopic::new("u", 9_999, TopicReplication::Fixed(1)), Code::PolicyViolation),
        (
            NewTopic::new("u", 1, TopicReplication::Fixed(1)).set("cleanup.policy", "compact"),
            Code::InvalidConfig,
        ),
    ];
    for (topic, expected) in rows {
        let refused = admin.create_topics([&topic], &options).await.unwrap();
        assert_eq!(refused[0].as_ref().unwrap_err().1, expected);
    }
    admin.delete_topics(&["t"], &options).await.unwrap()[0].as_ref().unwrap();
    let gone = admin.delete_topics(&["t"], &options).await.unwrap();
    assert_eq!(gone[0].as_ref().unwrap_err().1, Code::UnknownTopicOrPartition);
}

#[tokio::test]
async fn a_topic_created_anew_begins_at_zero() {
    let brokers = Brokers::start(1).await;
    brokers.create("t", 1, &[]).await;
    send_numbers(&brokers.producer(&[]), "t", 0..10, 1).await;
    brokers.admin().delete_topics(&["t"], &AdminOptions::new()).await.unwrap();
    brokers.create("t", 1, &[]).await;
    assert_eq!(send(&brokers.producer(&[]), "t", "key", "0").await, (0, 0));
}

#[tokio::test]
async fn an_unknown_topic_is_created_with_twelve_partitions_by_whoever_writes_to_it() {
    let brokers = Brokers::start(3).await;
    send_numbers(&brokers.producer(&[]), "surprise", 0..200, 50).await;
    assert_exactly(&brokers.read_all("surprise").await, 0..200);
    assert_eq!(brokers.status().await.partitions, 12);
}

#[tokio::test]
async fn a_record_that_is_too_large_is_refused_and_the_next_one_is_not() {
    let brokers = Brokers::start(1).await;
    brokers.create("t", 1, &[("max.message.bytes", "2000")]).await;
    let producer = brokers.producer(&[]);
    let large = "x".repeat(3_000);
    let record = FutureRecord::to("t").key("key").payload(&large);
    let (refused, _) = producer.send(record, Timeout::Never).await.unwrap_err();
    assert_eq!(refused.rdkafka_error_code(), Some(Code::MessageSizeTooLarge));
    let fresh = brokers.producer(&[]);
    assert_eq!(send(&fresh, "t", "key", "0").await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_are_found_by_time() {
    let brokers = Brokers::start(1).await;
    brokers.create("t", 1, &[("segment.bytes", "1024")]).await;
    let producer = brokers.producer(&[]);
    for at in 0..50_i64 {
        let value = at.to_string();
        let record =
            FutureRecord::to("t").key("key").payload(&value).timestamp(1_000_000 + at * 10);
        producer.send(record, Timeout::Never).await.unwrap();
    }
    let consumer: BaseConsumer = brokers.config(&[("group.id", "g")]).create().unwrap();
    let find = |timestamp: i64| {
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition_offset("t", 0, Offset::Offset(timestamp)).unwrap();
        let found = consumer.offsets_for_times(wanted, PATIENCE).unwrap();
        found.find_partition("t", 0).unwrap().offset()
    };
    assert_eq!(find(0), Offset::Offset(0));
    assert_eq!(find(1_000_255), Offset::Offset(26));
    assert_eq!(find(1_000_490), Offset::Offset(49));
    assert_eq!(find(1_000_491), Offset::End);
    assert_eq!(consumer.fetch_watermarks("t", 0, PATIENCE).unwrap(), (0, 50));
}

#[tokio::test]
async fn a_malformed_request_closes_its_connection_and_no_other() {
    let brokers = Brokers::start(1).await;
    brokers.create("t", 1, &[]).await;
    let producer = brokers.producer(&[]);
    send(&producer, "t", "key", "0").await;
    let rows: [(&str, &[u8]); 5] = [
        ("GET / HTTP/1.1", b"GET / HTTP/1.1\r\n\r\n"),
        ("an empty request", &[0, 0, 0, 0]),
        ("an API nobody serves", &[0, 0, 0, 8, 3, 0xe7, 0, 0, 0, 0, 0, 1]),
        (
            "two billion topics",
            &[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff],
        ),
        ("a client id beyond the end", &[0, 0, 0, 10, 0, 3, 0, 1, 0, 0, 0, 1, 0x7f, 0xff]),
    ];
    for (name, bytes) in rows {
        let mut stream = connect(&brokers).await;
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // The broker may hang up before it has read everything: then this is a reset.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "{name} was answered");
    }
    poll::until("each is logged with its reason", PATIENCE, async || {
        (brokers.log().matches("closed a connection").count() == rows.len()).then_some(())
    })
    .await
    .unwrap();
    send(&producer, "t", "key", "1").await;
    assert_exactly(&brokers.read_all("t").await, 0..2);
}

#[tokio::test]
async fn a_client_from_the_future_is_told_which_versions_are_served() {
    let brokers = Brokers::start(1).await;
    let mut stream = connect(&brokers).await;
    stream.write_all(&[0, 0, 0, 10, 0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff]).await.unwrap();
    let length = usize::try_from(stream.read_u32().await.unwrap()).unwrap();
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer[..6], [0, 0, 0, 7, 0, 35], "the correlation id and UNSUPPORTED_VERSION");
    assert_eq!(answer.len(), 10 + 23 * 6, "23 APIs with their ranges in the oldest form");
}

#[tokio::test]
async fn metadata_does_not_create_what_a_reader_asks_for() {
    let brokers = Brokers::start(1).await;
    let consumer: BaseConsumer = brokers.config(&[("group.id", "g")]).create().unwrap();
    let poll = tokio::task::spawn_blocking(move || {
        consumer.subscribe(&["absent"]).unwrap();
        consumer.poll(PATIENCE).unwrap().map(|_| ())
    });
    let told = poll.await.unwrap();
    let expected = KafkaError::MessageConsumption(Code::UnknownTopicOrPartition);
    assert_eq!(told, Err(expected));
    assert_eq!(brokers.status().await.partitions, 0);
}
