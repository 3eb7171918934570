//! ElastiCache: the replication group and its nodes.

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::{NodeGroup, NodeGroupMember};

use super::client::{failed, not_found};
use super::{CallError, Receipt};
use crate::fleet;

/// The replication group with its nodes, the primary first.
pub(super) async fn cache(client: &Client, group: &str) -> Result<fleet::Cache, CallError> {
    let doing = || format!("reading replication group {group}");
    let answer = client
        .describe_replication_groups()
        .replication_group_id(group)
        .send()
        .await
        .map_err(failed(doing()))?;
    let found = answer.replication_groups().first().ok_or_else(|| not_found(doing(), group))?;
    let shards = found.node_groups();
    let endpoint = found
        .configuration_endpoint()
        .or_else(|| shards.first().and_then(|shard| shard.primary_endpoint()));
    let mut nodes: Vec<_> = shards
        .iter()
        .flat_map(|shard| shard.node_group_members().iter().map(|member| node(shard, member)))
        .collect();
    nodes.sort_by(|a, b| (!a.primary, &a.id).cmp(&(!b.primary, &b.id)));
    Ok(fleet::Cache {
        group: group.to_owned(),
        status: found.status().unwrap_or_default().to_owned(),
        node_type: found.cache_node_type().unwrap_or_default().to_owned(),
        primary_endpoint: endpoint.and_then(|e| e.address()).unwrap_or_default().to_owned(),
        port: endpoint
            .and_then(|e| e.port())
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or_default(),
        nodes,
    })
}

fn node(shard: &NodeGroup, member: &NodeGroupMember) -> fleet::CacheNode {
    fleet::CacheNode {
        id: member.cache_cluster_id().unwrap_or_default().to_owned(),
        shard: shard.node_group_id().unwrap_or_default().to_owned(),
        zone: member.preferred_availability_zone().unwrap_or_default().to_owned(),
        primary: member.current_role() == Some("primary"),
        status: shard.status().unwrap_or_default().to_owned(),
    }
}

/// Fails one shard over. Documented by AWS as a test, so only drills ask for it. Sent once.
pub(super) async fn failover(
    client: &Client,
    group: &str,
    shard: &str,
    doing: String,
) -> Result<Receipt, CallError> {
    let answer = client
        .test_failover()
        .replication_group_id(group)
        .node_group_id(shard)
        .send()
        .await
        .map_err(failed(doing))?;
    let status = answer.replication_group().and_then(|one| one.status()).unwrap_or("accepted");
    Ok(Receipt(format!("group {group} is {status}")))
}
