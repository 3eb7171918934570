//! Every API, one line each; one file per family.
//!
//! A refusal travels inside the answer as Kafka's error code. Nothing here fails.

mod cluster;
mod commits;
mod configs;
mod fetch;
mod groups;
mod offsets;
mod produce;
mod producers;
mod topics;

use std::sync::Arc;

use kafka_protocol::error::ResponseError as Code;
use kafka_protocol::messages::{RequestKind, ResponseKind};
use kafka_protocol::protocol::StrBytes;

use super::broker::Broker;

/// Who asks what whom.
pub(super) struct Call {
    /// What all listeners share.
    pub(super) broker: Arc<Broker>,
    /// Position of the broker that was asked.
    pub(super) node: usize,
    /// How the client calls itself.
    pub(super) client_id: String,
    /// Address of the client.
    pub(super) peer: String,
    /// Version of the request.
    pub(super) version: i16,
}

/// Answers a request; `None` when the client wants no answer.
pub(super) async fn answer(call: &Call, request: RequestKind) -> Option<ResponseKind> {
    use RequestKind as Q;
    use ResponseKind as A;
    Some(match request {
        Q::Produce(request) => return produce::produce(call, request).map(A::Produce),
        Q::Fetch(request) => A::Fetch(fetch::fetch(call, request).await),
        Q::ListOffsets(request) => A::ListOffsets(offsets::list(call, request)),
        Q::OffsetForLeaderEpoch(q) => A::OffsetForLeaderEpoch(offsets::end_of_epochs(call, q)),
        Q::Metadata(request) => A::Metadata(cluster::metadata(call, request)),
        Q::DescribeCluster(_) => A::DescribeCluster(cluster::describe(call)),
        Q::FindCoordinator(request) => A::FindCoordinator(cluster::coordinator(call, &request)),
        Q::ApiVersions(_) => A::ApiVersions(super::wire::api_versions(0)),
        Q::CreateTopics(request) => A::CreateTopics(topics::create(call, request)),
        Q::DeleteTopics(request) => A::DeleteTopics(topics::delete(call, request)),
        Q::DescribeConfigs(request) => A::DescribeConfigs(configs::describe(call, request)),
        Q::JoinGroup(request) => A::JoinGroup(groups::join(call, request).await),
        Q::SyncGroup(request) => A::SyncGroup(groups::sync(call, request).await),
        Q::Heartbeat(request) => A::Heartbeat(groups::heartbeat(call, &request)),
        Q::LeaveGroup(request) => A::LeaveGroup(groups::leave(call, &request)),
        Q::DescribeGroups(request) => A::DescribeGroups(groups::describe(call, request)),
        Q::ListGroups(request) => A::ListGroups(groups::list(call, &request)),
        Q::DeleteGroups(request) => A::DeleteGroups(groups::delete(call, request)),
        Q::OffsetCommit(request) => A::OffsetCommit(commits::commit(call, request)),
        Q::OffsetFetch(request) => A::OffsetFetch(commits::fetch(call, request)),
        Q::InitProducerId(request) => A::InitProducerId(producers::init(call, &request)),
        Q::AddPartitionsToTxn(q) => A::AddPartitionsToTxn(producers::add_partitions(call, q)),
        Q::EndTxn(request) => A::EndTxn(producers::end(call, &request)),
        // `wire::decode` lets nothing else through.
        _ => return None,
    })
}

/// Kafka's number for an outcome.
fn number<T>(outcome: &Result<T, Code>) -> i16 {
    outcome.as_ref().err().map_or(0, Code::code)
}

fn text(words: impl Into<String>) -> StrBytes {
    StrBytes::from_string(words.into())
}
