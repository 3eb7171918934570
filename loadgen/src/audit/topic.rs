//! Reads the topic from its beginning. The only module that names `rdkafka`.

use super::judge::{EventRow, Judge};
use anyhow::Context;
use rdkafka::{
    ClientConfig, Message,
    consumer::{Consumer, StreamConsumer},
    topic_partition_list::{Offset, TopicPartitionList},
};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

const ASK: Duration = Duration::from_secs(10);
/// A quiet topic is looked at this often, to see whether what is missing has come.
const QUIET: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    wallet_id: Uuid,
    version: u64,
    transaction_id: Uuid,
    available_after_minor: i64,
    held_after_minor: i64,
}

/// Feeds the events of `topic` to `judge` until it has seen every entry, or `within` is over.
///
/// # Errors
///
/// The brokers cannot be asked, the topic does not exist, or a record is not an event.
pub async fn read(
    brokers: &str,
    topic: &str,
    within: Duration,
    judge: &mut Judge<'_>,
) -> anyhow::Result<()> {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "loadgen-audit")
        .set("enable.auto.commit", "false")
        .create()
        .context("making a consumer")?;
    let deadline = Instant::now() + within;
    let partitions = assign(&consumer, topic, deadline).await?;
    anyhow::ensure!(partitions > 0, "topic {topic} does not exist");
    while judge.streams_behind() > 0 && Instant::now() < deadline {
        // Counting who is behind costs a walk over all wallets, so it is done only when it is
        // quiet.
        while let Ok(message) = tokio::time::timeout(QUIET, consumer.recv()).await {
            let message = match message {
                Ok(message) => message,
                Err(fault) if Instant::now() > deadline => {
                    return Err(fault).context("reading the topic");
                }
                Err(_) => continue,
            };
            let payload = message.payload().context("an event has no payload")?;
            let event: Event = serde_json::from_slice(payload).with_context(|| {
                format!("reading event {}/{}", message.partition(), message.offset())
            })?;
            judge.event(&EventRow {
                wallet: event.wallet_id,
                version: event.version,
                available_after_minor: event.available_after_minor,
                held_after_minor: event.held_after_minor,
                transaction: event.transaction_id,
            });
            if Instant::now() > deadline {
                break;
            }
        }
    }
    Ok(())
}

/// Asks for the partitions until a broker answers, and reads all of them from the beginning.
async fn assign(
    consumer: &StreamConsumer,
    topic: &str,
    deadline: Instant,
) -> anyhow::Result<usize> {
    loop {
        let answer = tokio::task::block_in_place(|| consumer.fetch_metadata(Some(topic), ASK));
        match answer {
            Ok(metadata) => {
                let mut list = TopicPartitionList::new();
                for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
                    list.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
                }
                let count = list.count();
                consumer.assign(&list).context("assigning the partitions")?;
                return Ok(count);
            }
            Err(fault) if Instant::now() > deadline => {
                return Err(fault).context("asking for the topic's partitions");
            }
            Err(_) => tokio::time::sleep(QUIET).await,
        }
    }
}
