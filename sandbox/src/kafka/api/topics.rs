//! `CreateTopics` and `DeleteTopics`.

use kafka_protocol::error::ResponseError as Code;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse,
};

use super::{Call, configs, number, text};

/// Creates topics.
pub(super) fn create(call: &Call, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let outcome = create_one(call, &topic, request.validate_only);
        let (code, why) = match outcome {
            Ok(()) => (0, None),
            Err((code, why)) => (code.code(), why),
        };
        CreatableTopicResult::default()
            .with_name(topic.name)
            .with_error_code(code)
            .with_error_message(why.map(text))
    });
    CreateTopicsResponse::default().with_topics(topics.collect())
}

fn create_one(
    call: &Call,
    topic: &CreatableTopic,
    only_validate: bool,
) -> Result<(), (Code, Option<String>)> {
    if !topic.assignments.is_empty() {
        let why = "replicas are not assigned by hand here: every broker serves every partition";
        return Err((Code::InvalidReplicaAssignment, Some(why.to_owned())));
    }
    let brokers = call.broker.cluster().nodes().len();
    let copies = usize::try_from(topic.replication_factor).ok();
    let is_possible = copies.is_some_and(|copies| (1..=brokers).contains(&copies));
    if topic.replication_factor != -1 && !is_possible {
        let why = format!("there are {brokers} brokers");
        return Err((Code::InvalidReplicationFactor, Some(why)));
    }
    let settings = topic
        .configs
        .iter()
        .map(|setting| (&*setting.name, setting.value.as_ref().map_or("", |value| value.as_str())));
    let config = configs::parse(settings).map_err(|why| (Code::InvalidConfig, Some(why)))?;
    let partitions = (topic.num_partitions != -1).then_some(topic.num_partitions);
    let created = call.broker.create_topic(&topic.name, partitions, config, only_validate);
    created.map_err(|code| (code, None))
}

/// Deletes topics.
pub(super) fn delete(call: &Call, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let topics = request.topic_names.into_iter().map(|name| {
        let outcome = call.broker.delete_topic(&name);
        DeletableTopicResult::default().with_name(Some(name)).with_error_code(number(&outcome))
    });
    DeleteTopicsResponse::default().with_responses(topics.collect())
}
