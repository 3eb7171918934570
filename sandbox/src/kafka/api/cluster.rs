//! `Metadata`, `DescribeCluster`, `FindCoordinator`: who is there and whom to ask.

use kafka_protocol::error::ResponseError as Code;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, DescribeClusterResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    MetadataRequest, MetadataResponse, TopicName,
};

use super::super::catalogue::TopicConfig;
use super::super::cluster::{Cluster, Node};
use super::{Call, text};

/// Describes brokers that are up, and topics; creates unknown ones when allowed.
pub(super) fn metadata(call: &Call, request: MetadataRequest) -> MetadataResponse {
    // Before version 1 an empty list meant all topics.
    let named = request.topics.filter(|topics| call.version > 0 || !topics.is_empty());
    let may_create = request.allow_auto_topic_creation && call.broker.settings.auto_create;
    let cluster = call.broker.cluster();
    let topics = match named {
        Some(named) => {
            let names = named.into_iter().filter_map(|topic| topic.name);
            names.map(|name| named_topic(call, &cluster, name, may_create)).collect()
        }
        None => {
            let all = call.broker.topics().into_keys();
            all.map(|name| named_topic(call, &cluster, text(name).into(), false)).collect()
        }
    };
    let broker = |node: &Node| {
        MetadataResponseBroker::default()
            .with_node_id(node.id.into())
            .with_host(text(node.host.clone()))
            .with_port(node.port.into())
    };
    MetadataResponse::default()
        .with_brokers(cluster.nodes().iter().filter(|node| node.up).map(broker).collect())
        .with_cluster_id(Some(text(call.broker.cluster_id())))
        .with_controller_id(cluster.controller().map_or(-1, |node| node.id).into())
        .with_topics(topics)
}

fn named_topic(
    call: &Call,
    cluster: &Cluster,
    name: TopicName,
    may_create: bool,
) -> MetadataResponseTopic {
    let found = call.broker.topic(&name).or_else(|code| {
        if !may_create {
            return Err(code);
        }
        match call.broker.create_topic(&name, None, TopicConfig::default(), false) {
            Ok(()) | Err(Code::TopicAlreadyExists) => call.broker.topic(&name),
            Err(code) => Err(code),
        }
    });
    match found {
        Err(code) => {
            MetadataResponseTopic::default().with_error_code(code.code()).with_name(Some(name))
        }
        Ok(topic) => {
            let one = |at| partition(call, cluster, &topic.spec.name, at);
            let partitions = (0..topic.spec.partitions).map(one).collect();
            MetadataResponseTopic::default().with_name(Some(name)).with_partitions(partitions)
        }
    }
}

fn partition(call: &Call, cluster: &Cluster, topic: &str, at: i32) -> MetadataResponsePartition {
    let lead = cluster.leader(topic, at);
    let ids = |only_up: bool| -> Vec<BrokerId> {
        let wanted = cluster.nodes().iter().filter(|node| node.up || !only_up);
        wanted.map(|node| node.id.into()).collect()
    };
    let leader = lead.node.map_or(-1, |node| cluster.nodes()[node].id);
    let code = if lead.node.is_some() { 0 } else { Code::LeaderNotAvailable.code() };
    let mut answer = MetadataResponsePartition::default()
        .with_error_code(code)
        .with_partition_index(at)
        .with_leader_id(leader.into())
        .with_replica_nodes(ids(false))
        .with_isr_nodes(ids(true));
    if call.version >= 7 {
        answer.leader_epoch = lead.epoch;
    }
    answer
}

/// Describes the brokers that are up.
pub(super) fn describe(call: &Call) -> DescribeClusterResponse {
    let cluster = call.broker.cluster();
    let broker = |node: &Node| {
        DescribeClusterBroker::default()
            .with_broker_id(node.id.into())
            .with_host(text(node.host.clone()))
            .with_port(node.port.into())
    };
    DescribeClusterResponse::default()
        .with_cluster_id(text(call.broker.cluster_id()))
        .with_controller_id(cluster.controller().map_or(-1, |node| node.id).into())
        .with_brokers(cluster.nodes().iter().filter(|node| node.up).map(broker).collect())
}

/// Says which broker coordinates a group or a transactional id.
pub(super) fn coordinator(
    call: &Call,
    request: &FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    let cluster = call.broker.cluster();
    match cluster.coordinator(&request.key).map(|at| &cluster.nodes()[at]) {
        Some(node) => FindCoordinatorResponse::default()
            .with_node_id(node.id.into())
            .with_host(text(node.host.clone()))
            .with_port(node.port.into()),
        None => FindCoordinatorResponse::default()
            .with_error_code(Code::CoordinatorNotAvailable.code())
            .with_node_id((-1).into())
            .with_port(-1),
    }
}
