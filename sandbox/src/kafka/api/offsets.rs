//! `ListOffsets` and `OffsetForLeaderEpoch`: where a log begins, ends, and was at a time or epoch.

use kafka_protocol::error::ResponseError as Code;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
};

use super::super::broker::code_of;
use super::{Call, number};

/// Stands for the end of the log in a request.
const LATEST: i64 = -1;
/// Stands for the start of the log in a request.
const EARLIEST: i64 = -2;
/// The isolation level that hides aborted and undecided records.
const READ_COMMITTED: i8 = 1;

/// Finds offsets by time.
pub(super) fn list(call: &Call, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let is_committed = request.isolation_level == READ_COMMITTED;
    let topic = |topic: ListOffsetsTopic| {
        let one = |wanted| list_one(call, &topic.name, wanted, is_committed);
        let partitions = topic.partitions.iter().map(one).collect();
        ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(partitions)
    };
    ListOffsetsResponse::default().with_topics(request.topics.into_iter().map(topic).collect())
}

fn list_one(
    call: &Call,
    topic: &str,
    wanted: &ListOffsetsPartition,
    is_committed: bool,
) -> ListOffsetsPartitionResponse {
    let found = find(call, topic, wanted, is_committed);
    let (offset, timestamp, epoch) = found.unwrap_or((-1, -1, -1));
    let mut answer = ListOffsetsPartitionResponse::default()
        .with_partition_index(wanted.partition_index)
        .with_error_code(number(&found))
        .with_offset(offset)
        .with_timestamp(timestamp);
    if call.version >= 4 {
        answer.leader_epoch = epoch;
    }
    answer
}

/// Offset, timestamp and leader epoch; all -1 when nothing is that new.
fn find(
    call: &Call,
    name: &str,
    wanted: &ListOffsetsPartition,
    is_committed: bool,
) -> Result<(i64, i64, i32), Code> {
    let topic = call.broker.topic(name)?;
    let claimed = if call.version >= 4 { wanted.current_leader_epoch } else { -1 };
    let epoch = call.broker.lead(call.node, name, wanted.partition_index, claimed)?;
    let found = topic.with_log(wanted.partition_index, |log| match wanted.timestamp {
        LATEST if is_committed => Ok(Some((log.stable_offset(), -1))),
        LATEST => Ok(Some((log.next_offset(), -1))),
        EARLIEST => Ok(Some((log.start_offset(), -1))),
        timestamp => log.offset_at(timestamp),
    })?;
    let found = found.map_err(|error| code_of(&error))?;
    Ok(found.map_or((-1, -1, -1), |(offset, timestamp)| (offset, timestamp, epoch)))
}

/// Tells clients where an older leader epoch ended, so that they notice a truncated log.
pub(super) fn end_of_epochs(
    call: &Call,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let one = |wanted| end_of_one(call, &topic.topic, wanted);
        let partitions = topic.partitions.iter().map(one).collect();
        OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(partitions)
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}

fn end_of_one(call: &Call, name: &str, wanted: &OffsetForLeaderPartition) -> EpochEndOffset {
    let found = call.broker.topic(name).and_then(|topic| {
        call.broker.lead(call.node, name, wanted.partition, wanted.current_leader_epoch)?;
        topic.with_log(wanted.partition, |log| log.end_of_epoch(wanted.leader_epoch))
    });
    let (epoch, end) = found.ok().flatten().unwrap_or((-1, -1));
    EpochEndOffset::default()
        .with_partition(wanted.partition)
        .with_error_code(number(&found))
        .with_leader_epoch(epoch)
        .with_end_offset(end)
}
