//! What was acknowledged is there, once and in order, whatever dies.

use std::io::Write;
use std::time::Duration;

use sandbox::{kafka, poll};

use crate::fixture::{Brokers, PATIENCE, assert_exactly, send, send_numbers};

#[tokio::test]
async fn records_of_a_key_are_read_in_the_order_in_which_they_were_written() {
    let brokers = Brokers::start(1).await;
    brokers.create("t", 6, &[]).await;
    send_numbers(&brokers.producer(&[]), "t", 0..5_000, 40).await;
    assert_exactly(&brokers.read_all("t").await, 0..5_000);
}

#[tokio::test]
async fn compressed_records_come_back_as_they_were() {
    let brokers = Brokers::start(1).await;
    brokers.create("t", 2, &[]).await;
    for (at, codec) in (0_u32..).zip(["none", "snappy", "lz4"]) {
        let producer = brokers.producer(&[("compression.type", codec)]);
        send_numbers(&producer, "t", at * 500..(at + 1) * 500, 3).await;
    }
    assert_exactly(&brokers.read_all("t").await, 0..1_500);
}

#[tokio::test]
async fn an_idempotent_producer_rides_out_a_kill_without_loss_or_double() {
    let mut brokers = Brokers::start(3).await;
    brokers.create("t", 6, &[]).await;
    let producer = brokers.producer(&[]);
    for round in 0..3 {
        let sending = send_numbers(&producer, "t", round * 3_000..(round + 1) * 3_000, 50);
        let killing = async {
            // In the middle of it: something of this round is in the log already.
            poll::until("records arrive", PATIENCE, async || {
                let bytes: u64 = (0..6)
                    .flat_map(|partition| brokers.segments(partition))
                    .map(|path| path.metadata().unwrap().len())
                    .sum();
                (bytes > u64::from(round) * 30_000).then_some(())
            })
            .await
            .unwrap();
            brokers.kill().await;
            brokers.restart().await;
        };
        tokio::join!(sending, killing);
    }
    assert_exactly(&brokers.read_all("t").await, 0..9_000);
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_what_was_acknowledged_stays() {
    let mut brokers = Brokers::start(1).await;
    brokers.create("t", 1, &[("segment.bytes", "4096")]).await;
    let producer = brokers.producer(&[]);
    for round in 0..20 {
        send_numbers(&producer, "t", round * 10..(round + 1) * 10, 1).await;
    }
    brokers.kill().await;
    let segments = brokers.segments(0);
    assert!(segments.len() > 1, "several segments are recovered");
    // Half of a batch, as a power failure would leave it: the start of the last segment again.
    let last = segments.last().unwrap();
    let half = std::fs::read(last).unwrap()[..70].to_vec();
    std::fs::OpenOptions::new().append(true).open(last).unwrap().write_all(&half).unwrap();
    brokers.restart().await;
    assert!(brokers.log().contains("cutting a torn tail of 70 bytes"));
    send_numbers(&producer, "t", 200..300, 1).await;
    let seen = brokers.read_all("t").await;
    assert_exactly(&seen, 0..300);
    assert_eq!(seen.last().unwrap().offset, 299, "offsets have no hole");
}

#[tokio::test]
async fn the_reboot_of_one_of_three_brokers_loses_nothing_and_moves_its_leaderships() {
    let brokers = Brokers::start(3).await;
    brokers.create("t", 12, &[]).await;
    let led = |status: &kafka::Status| -> Vec<usize> {
        status.brokers.iter().map(|broker| broker.leads).collect()
    };
    assert_eq!(led(&brokers.status().await), [4, 4, 4]);
    let producer = brokers.producer(&[]);
    send_numbers(&producer, "t", 0..1_000, 50).await;
    kafka::reboot(&brokers.data(), 2, Duration::from_millis(1_500)).await.unwrap();
    let down = poll::until("broker 2 is down", PATIENCE, async || {
        let status = brokers.status().await;
        (!status.brokers[1].up).then_some(status)
    });
    let down = down.await.unwrap();
    assert_eq!((led(&down), down.offline, down.under_replicated), (vec![4, 0, 8], 0, 12));
    send_numbers(&producer, "t", 1_000..4_000, 50).await;
    poll::until("broker 2 is back", PATIENCE, async || {
        let status = brokers.status().await;
        (status.brokers[1].up && led(&status) == [4, 4, 4]).then_some(())
    })
    .await
    .unwrap();
    send_numbers(&producer, "t", 4_000..5_000, 50).await;
    assert_exactly(&brokers.read_all("t").await, 0..5_000);
    let refused = kafka::reboot(&brokers.data(), 4, Duration::from_secs(1)).await.unwrap_err();
    assert!(refused.to_string().contains("there is no broker 4"), "{refused}");
}

#[tokio::test]
async fn retention_forgets_the_oldest_records_only_when_asked_to() {
    let brokers = Brokers::start(1).await;
    brokers.create("t", 1, &[("segment.bytes", "2048"), ("retention.bytes", "2048")]).await;
    let producer = brokers.producer(&[]);
    for number in 0..100 {
        send(&producer, "t", "key", &number.to_string()).await;
    }
    poll::until("old segments are deleted", PATIENCE, async || {
        (brokers.segments(0).len() <= 3).then_some(())
    })
    .await
    .unwrap();
    let seen = brokers.read_all("t").await;
    let first = seen.first().unwrap().offset;
    assert!(first > 0, "the oldest records are gone");
    assert_exactly(&seen, u32::try_from(first).unwrap()..100);
}
