//! Transactional producers of the real client: all or nothing, and zombies are fenced.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::util::Timeout;

use crate::fixture::{Brokers, PATIENCE, assert_exactly, send_numbers};

/// A producer under the relay's transactional id, ready to begin.
async fn relay(brokers: &Brokers) -> FutureProducer {
    let producer =
        brokers.producer(&[("transactional.id", "relay"), ("message.timeout.ms", "50000")]);
    blocking(&producer, |producer| producer.init_transactions(PATIENCE)).await.unwrap();
    producer
}

/// Runs a call that blocks beside the runtime.
async fn blocking<T: Send + 'static>(
    producer: &FutureProducer,
    call: impl FnOnce(&FutureProducer) -> T + Send + 'static,
) -> T {
    let producer = producer.clone();
    tokio::task::spawn_blocking(move || call(&producer)).await.unwrap()
}

fn code(error: &KafkaError) -> RDKafkaErrorCode {
    error.rdkafka_error_code().unwrap()
}

#[tokio::test]
async fn readers_of_committed_records_see_all_of_a_transaction_or_nothing() {
    let brokers = Brokers::start(3).await;
    brokers.create("t", 6, &[]).await;
    let producer = relay(&brokers).await;
    producer.begin_transaction().unwrap();
    send_numbers(&producer, "t", 0..300, 20).await;
    assert!(brokers.read_all("t").await.is_empty(), "nothing is decided");
    blocking(&producer, |producer| producer.commit_transaction(PATIENCE)).await.unwrap();
    assert_exactly(&brokers.read_all("t").await, 0..300);
    producer.begin_transaction().unwrap();
    send_numbers(&producer, "t", 9_000..9_100, 20).await;
    blocking(&producer, |producer| producer.abort_transaction(PATIENCE)).await.unwrap();
    producer.begin_transaction().unwrap();
    send_numbers(&producer, "t", 300..400, 20).await;
    blocking(&producer, |producer| producer.commit_transaction(PATIENCE)).await.unwrap();
    assert_exactly(&brokers.read_all("t").await, 0..400);
    let raw = brokers.read_with("t", &[("isolation.level", "read_uncommitted")]).await;
    assert_eq!(raw.len(), 500, "the aborted records are in the log");
}

#[tokio::test]
async fn a_zombie_is_fenced_when_its_successor_starts_and_leaves_no_record_behind() {
    let brokers = Brokers::start(3).await;
    brokers.create("t", 6, &[]).await;
    let zombie = relay(&brokers).await;
    zombie.begin_transaction().unwrap();
    send_numbers(&zombie, "t", 9_000..9_050, 20).await;
    let successor = relay(&brokers).await;
    successor.begin_transaction().unwrap();
    send_numbers(&successor, "t", 0..50, 20).await;
    let record = FutureRecord::to("t").key("late").payload("9999");
    let late = zombie.send(record, Timeout::After(Duration::from_secs(20))).await;
    assert!(late.is_err(), "the zombie wrote {late:?}");
    let refused =
        blocking(&zombie, |zombie| zombie.commit_transaction(PATIENCE)).await.unwrap_err();
    assert!(matches!(code(&refused), Code::Fenced | Code::Fatal | Code::State), "{refused:?}");
    blocking(&successor, |successor| successor.commit_transaction(PATIENCE)).await.unwrap();
    assert_exactly(&brokers.read_all("t").await, 0..50);
}

#[tokio::test]
async fn a_transaction_goes_on_after_the_brokers_were_killed() {
    let mut brokers = Brokers::start(3).await;
    brokers.create("t", 6, &[]).await;
    let producer = relay(&brokers).await;
    producer.begin_transaction().unwrap();
    send_numbers(&producer, "t", 0..200, 20).await;
    brokers.kill().await;
    brokers.restart().await;
    assert!(brokers.read_all("t").await.is_empty(), "still undecided");
    send_numbers(&producer, "t", 200..400, 20).await;
    blocking(&producer, |producer| producer.commit_transaction(PATIENCE)).await.unwrap();
    brokers.kill().await;
    brokers.restart().await;
    assert_exactly(&brokers.read_all("t").await, 0..400);
}
