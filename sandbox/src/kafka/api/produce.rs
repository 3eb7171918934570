//! `Produce`: check a batch, append it, say where it went.

use kafka_protocol::error::ResponseError as Code;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use tracing::debug;

use super::super::batch::{BatchError, Header};
use super::{Call, number};

/// Appends what a client sends. `None` when it asked for no acknowledgement.
pub(super) fn produce(call: &Call, request: ProduceRequest) -> Option<ProduceResponse> {
    let topic = |topic: TopicProduceData| {
        let partitions = topic.partition_data.iter();
        let answers = partitions.map(|data| partition(call, &topic.name, data)).collect();
        TopicProduceResponse::default().with_name(topic.name).with_partition_responses(answers)
    };
    let acknowledged = request.acks != 0;
    let topics = request.topic_data.into_iter().map(topic).collect();
    acknowledged.then(|| ProduceResponse::default().with_responses(topics))
}

fn partition(call: &Call, topic: &str, data: &PartitionProduceData) -> PartitionProduceResponse {
    let outcome = append(call, topic, data);
    if let Err(code) = &outcome {
        debug!(%code, topic, partition = data.index, client = call.client_id, "refused a batch");
    }
    let (base_offset, log_start_offset) = outcome.unwrap_or((-1, -1));
    let mut answer = PartitionProduceResponse::default()
        .with_index(data.index)
        .with_error_code(number(&outcome))
        .with_base_offset(base_offset);
    if call.version >= 5 {
        answer.log_start_offset = log_start_offset;
    }
    answer
}

/// The offset given to the batch, and the first offset of the log.
fn append(call: &Call, name: &str, data: &PartitionProduceData) -> Result<(i64, i64), Code> {
    let topic = call.broker.topic(name)?;
    let epoch = call.broker.lead(call.node, name, data.index, -1)?;
    let records = data.records.as_deref().unwrap_or_default();
    if records.len() > topic.spec.config.message_bytes_max {
        return Err(Code::MessageTooLarge);
    }
    let header = Header::verify(records).map_err(|error| match error {
        BatchError::Format(_) => Code::UnsupportedForMessageFormat,
        BatchError::Count { .. } => Code::InvalidRecord,
        BatchError::Short { .. } | BatchError::Length(_) | BatchError::Checksum { .. } => {
            Code::CorruptMessage
        }
    })?;
    // One batch per partition and request, as Kafka demands since version 3.
    if header.bytes != records.len() || header.is_control() {
        return Err(Code::InvalidRecord);
    }
    if header.producer_id >= 0 && (header.base_sequence < 0 || header.producer_epoch < 0) {
        return Err(Code::InvalidRecord);
    }
    let place = (name.to_owned(), data.index);
    let offset = call.broker.append(&place, records, epoch)?;
    Ok((offset, topic.with_log(data.index, |log| log.start_offset())?))
}
