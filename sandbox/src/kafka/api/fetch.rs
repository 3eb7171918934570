//! `Fetch`: read batches, waiting for new ones as long as the client allows.
//!
//! Sessions are not kept: every answer carries session id 0, so clients always name all partitions.

use std::time::Duration;

use kafka_protocol::error::ResponseError as Code;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, FetchableTopicResponse, PartitionData,
};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use tokio::time::{Instant, timeout_at};

use super::super::broker::code_of;
use super::super::log::{Log, Slice};
use super::Call;

/// Longest wait for new records, whatever the client says.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Largest answer, whatever the client says.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// The isolation level that hides aborted and undecided records.
const READ_COMMITTED: i8 = 1;

/// Answers as soon as there are `min_bytes`, something is wrong, or the time is up.
pub(super) async fn fetch(call: &Call, request: FetchRequest) -> FetchResponse {
    if request.session_id != 0 {
        let code = Code::FetchSessionIdNotFound.code();
        return FetchResponse::default().with_error_code(code);
    }
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let deadline = Instant::now() + wait.min(WAIT_MAX);
    let bytes_min = usize::try_from(request.min_bytes).unwrap_or(0);
    let mut appended = call.broker.appended();
    loop {
        appended.mark_unchanged();
        let read = read_all(call, &request);
        let is_due = read.bytes >= bytes_min || read.refused || Instant::now() >= deadline;
        if is_due {
            return FetchResponse::default().with_responses(read.topics);
        }
        // Whether it changed or the time is up, the next turn of the loop sees for itself.
        let _ = timeout_at(deadline, appended.changed()).await;
    }
}

#[derive(Default)]
struct Read {
    topics: Vec<FetchableTopicResponse>,
    bytes: usize,
    refused: bool,
}

fn read_all(call: &Call, request: &FetchRequest) -> Read {
    let mut read = Read::default();
    let bytes_max = usize::try_from(request.max_bytes).unwrap_or(0).min(BYTES_MAX);
    let is_committed = request.isolation_level == READ_COMMITTED;
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let room = bytes_max.saturating_sub(read.bytes);
            let outcome = read_one(call, &topic.topic, wanted, room, read.bytes == 0, is_committed);
            let data = outcome.unwrap_or_else(|code| {
                read.refused = true;
                refusal(code)
            });
            read.bytes += data.records.as_ref().map_or(0, bytes::Bytes::len);
            partitions.push(data.with_partition_index(wanted.partition));
        }
        let answer = FetchableTopicResponse::default().with_topic(topic.topic.clone());
        read.topics.push(answer.with_partitions(partitions));
    }
    read
}

fn refusal(code: Code) -> PartitionData {
    PartitionData::default()
        .with_error_code(code.code())
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
        .with_log_start_offset(-1)
        .with_records(Some(bytes::Bytes::new()))
}

fn read_one(
    call: &Call,
    name: &str,
    wanted: &FetchPartition,
    room: usize,
    is_first: bool,
    is_committed: bool,
) -> Result<PartitionData, Code> {
    let topic = call.broker.topic(name)?;
    let claimed = if call.version >= 9 { wanted.current_leader_epoch } else { -1 };
    call.broker.lead(call.node, name, wanted.partition, claimed)?;
    let partition_max = usize::try_from(wanted.partition_max_bytes).unwrap_or(0);
    topic.with_log(wanted.partition, |log| {
        let until = if is_committed { log.stable_offset() } else { log.next_offset() };
        let slice = log.read(wanted.fetch_offset, until, partition_max.min(room), is_first);
        slice.map(|slice| describe(log, slice, is_committed)).map_err(|error| code_of(&error))
    })?
}

fn describe(log: &Log, slice: Slice, is_committed: bool) -> PartitionData {
    let aborted = slice.aborted.iter().map(|aborted| {
        AbortedTransaction::default()
            .with_producer_id(aborted.producer_id.into())
            .with_first_offset(aborted.first_offset)
    });
    PartitionData::default()
        .with_high_watermark(log.next_offset())
        .with_last_stable_offset(log.stable_offset())
        .with_log_start_offset(log.start_offset())
        .with_aborted_transactions(is_committed.then(|| aborted.collect()))
        .with_records(Some(slice.records.into()))
}
