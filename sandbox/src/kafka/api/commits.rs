//! `OffsetCommit` and `OffsetFetch`: how far a group has read.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError as Code;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
};

use super::super::catalogue::{Committed, GroupOffsets};
use super::{Call, number, text};

/// Longest note that a consumer may keep with an offset, as in Kafka.
const NOTE_BYTES_MAX: usize = 4_096;

/// Remembers offsets, if the member may commit; all of a request or none.
pub(super) fn commit(call: &Call, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let outcome = commit_all(call, &request);
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let known = call.broker.topic(&topic.name);
            let known = known.and_then(|topic| topic.with_log(wanted.partition_index, |_| ()));
            OffsetCommitResponsePartition::default()
                .with_partition_index(wanted.partition_index)
                .with_error_code(number(&outcome.and(known)))
        });
        let partitions = partitions.collect();
        OffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions)
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

fn commit_all(call: &Call, request: &OffsetCommitRequest) -> Result<(), Code> {
    let group: &str = &request.group_id;
    call.broker.coordinates(call.node, group)?;
    let generation = request.generation_id_or_member_epoch;
    call.broker
        .groups
        .with(group, |members, now| members.may_commit(&request.member_id, generation, now))?;
    let mut offsets = Vec::new();
    for topic in &request.topics {
        for wanted in &topic.partitions {
            let known = call.broker.topic(&topic.name);
            if known.and_then(|topic| topic.with_log(wanted.partition_index, |_| ())).is_err() {
                continue;
            }
            let note = wanted.committed_metadata.as_ref().map_or("", |note| note.as_str());
            if note.len() > NOTE_BYTES_MAX {
                return Err(Code::OffsetMetadataTooLarge);
            }
            let committed = Committed {
                offset: wanted.committed_offset,
                leader_epoch: wanted.committed_leader_epoch,
                note: note.to_owned(),
            };
            offsets.push(((topic.name.to_string(), wanted.partition_index), committed));
        }
    }
    call.broker.commit(group, offsets)
}

/// Tells how far a group has read; -1 where it has not committed.
pub(super) fn fetch(call: &Call, request: OffsetFetchRequest) -> OffsetFetchResponse {
    let outcome = call.broker.coordinates(call.node, &request.group_id);
    let code = number(&outcome);
    let offsets = outcome.map(|()| call.broker.offsets(&request.group_id)).unwrap_or_default();
    let wanted: BTreeMap<String, Vec<i32>> = match &request.topics {
        Some(topics) => {
            let named = topics.iter();
            named.map(|topic| (topic.name.to_string(), topic.partition_indexes.clone())).collect()
        }
        None => all_of(&offsets),
    };
    let topics = wanted.into_iter().map(|(name, partitions)| {
        let one = |partition| position(call, &offsets, &name, partition, code);
        let partitions = partitions.into_iter().map(one).collect();
        OffsetFetchResponseTopic::default().with_name(text(name).into()).with_partitions(partitions)
    });
    let answer = OffsetFetchResponse::default().with_topics(topics.collect());
    if call.version >= 2 { answer.with_error_code(code) } else { answer }
}

fn all_of(offsets: &GroupOffsets) -> BTreeMap<String, Vec<i32>> {
    let mut all: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in offsets.keys() {
        all.entry(topic.clone()).or_default().push(*partition);
    }
    all
}

fn position(
    call: &Call,
    offsets: &GroupOffsets,
    topic: &str,
    partition: i32,
    code: i16,
) -> OffsetFetchResponsePartition {
    let committed = offsets.get(&(topic.to_owned(), partition));
    let mut answer = OffsetFetchResponsePartition::default()
        .with_partition_index(partition)
        .with_error_code(code)
        .with_committed_offset(committed.map_or(-1, |committed| committed.offset))
        .with_metadata(Some(text(committed.map_or("", |committed| &committed.note))));
    if call.version >= 5 {
        answer.committed_leader_epoch = committed.map_or(-1, |committed| committed.leader_epoch);
    }
    answer
}
