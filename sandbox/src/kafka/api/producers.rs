//! `InitProducerId`, `AddPartitionsToTxn`, `EndTxn`: idempotent and transactional producers.

use std::collections::BTreeSet;

use kafka_protocol::error::ResponseError as Code;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, EndTxnRequest, EndTxnResponse,
    InitProducerIdRequest, InitProducerIdResponse,
};

use super::super::transaction::Place;
use super::{Call, number};

/// Gives out a producer id, or the next epoch of a transactional one.
pub(super) fn init(call: &Call, request: &InitProducerIdRequest) -> InitProducerIdResponse {
    let given = init_one(call, request).map_err(|code| in_words_of(code, call.version >= 4));
    let (producer_id, epoch) = given.unwrap_or((-1, -1));
    InitProducerIdResponse::default()
        .with_error_code(number(&given))
        .with_producer_id(producer_id.into())
        .with_producer_epoch(epoch)
}

fn init_one(call: &Call, request: &InitProducerIdRequest) -> Result<(i64, i16), Code> {
    let Some(id) = &request.transactional_id else {
        return call.broker.new_producer().map(|producer_id| (producer_id, 0));
    };
    if id.is_empty() {
        return Err(Code::InvalidRequest);
    }
    call.broker.coordinates(call.node, id)?;
    let producer_id: i64 = request.producer_id.into();
    let claims = call.version >= 3 && producer_id >= 0;
    let claimed = claims.then_some((producer_id, request.producer_epoch));
    call.broker.new_incarnation(id, claimed, request.transaction_timeout_ms)
}

/// Adds partitions to a transaction; all of a request or none.
pub(super) fn add_partitions(
    call: &Call,
    request: AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let outcome = add_all(call, &request).map_err(|code| in_words_of(code, call.version >= 2));
    let topics = request.v3_and_below_topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(partition)
                .with_partition_error_code(number(&outcome))
        });
        let partitions = partitions.collect();
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name)
            .with_results_by_partition(partitions)
    });
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics.collect())
}

fn add_all(call: &Call, request: &AddPartitionsToTxnRequest) -> Result<(), Code> {
    let id: &str = &request.v3_and_below_transactional_id;
    call.broker.coordinates(call.node, id)?;
    let mut places: BTreeSet<Place> = BTreeSet::new();
    for topic in &request.v3_and_below_topics {
        let known = call.broker.topic(&topic.name)?;
        for partition in &topic.partitions {
            known.with_log(*partition, |_| ())?;
            places.insert((topic.name.to_string(), *partition));
        }
    }
    let claimed = (request.v3_and_below_producer_id.into(), request.v3_and_below_producer_epoch);
    call.broker.add_to_transaction(id, claimed, &places)
}

/// Commits or aborts a transaction.
pub(super) fn end(call: &Call, request: &EndTxnRequest) -> EndTxnResponse {
    let id: &str = &request.transactional_id;
    let claimed = (request.producer_id.into(), request.producer_epoch);
    let outcome = call
        .broker
        .coordinates(call.node, id)
        .and_then(|()| call.broker.end_transaction(id, claimed, request.committed))
        .map_err(|code| in_words_of(code, call.version >= 2));
    EndTxnResponse::default().with_error_code(number(&outcome))
}

/// Older versions have no word for a fenced producer other than an invalid epoch.
fn in_words_of(code: Code, knows_fenced: bool) -> Code {
    match code {
        Code::ProducerFenced if !knows_fenced => Code::InvalidProducerEpoch,
        code => code,
    }
}
