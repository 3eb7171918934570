//! The replication group and its nodes, as they are.

use super::{ElastiCache, HOST, NODE_GROUP, NODE_TYPE};
use crate::aws::failover::View;
use crate::aws::machines::Member;
use crate::aws::wire::{AwsError, Input, timestamp};
use serde_json::{Value, json};

const ENGINE_VERSION: &str = "7.1.0";

/// `DescribeReplicationGroups`, all or by id.
pub(super) fn groups(cache: &ElastiCache, input: Input<'_>) -> Result<Value, AwsError> {
    if let Some(name) = input.text("ReplicationGroupId")? {
        cache.expect_group(name)?;
    }
    Ok(json!({ "ReplicationGroups": [group(cache, &cache.supervisor.view())] }))
}

/// `DescribeCacheClusters`, all or by id; nodes only when asked for.
pub(super) fn clusters(cache: &ElastiCache, input: Input<'_>) -> Result<Value, AwsError> {
    let view = cache.supervisor.view();
    let nodes = input.boolean("ShowCacheNodeInfo")?.unwrap_or(false);
    let members: Vec<&Member> = match input.text("CacheClusterId")? {
        None => view.members.iter().collect(),
        Some(name) => {
            let missing = || {
                let words = format!("CacheCluster not found: {name}");
                AwsError::not_found("CacheClusterNotFound", words)
            };
            vec![view.member(name).ok_or_else(missing)?]
        }
    };
    let shapes: Vec<Value> =
        members.into_iter().map(|member| cluster(cache, &view, member, nodes)).collect();
    Ok(json!({ "CacheClusters": shapes }))
}

/// The group as every answer shows it.
pub(super) fn group(cache: &ElastiCache, view: &View) -> Value {
    let writer = view.writer().map(|writer| writer.id.clone());
    let members: Vec<Value> = view
        .members
        .iter()
        .map(|member| {
            let primary = Some(&member.id) == writer.as_ref();
            json!({
                "CacheClusterId": member.id,
                "CacheNodeId": NODE_GROUP,
                "ReadEndpoint": { "Address": HOST, "Port": member.port },
                "PreferredAvailabilityZone": member.zone,
                "CurrentRole": if primary { "primary" } else { "replica" },
            })
        })
        .collect();
    let ids: Vec<&String> = view.members.iter().map(|member| &member.id).collect();
    let machine = cache.supervisor.group();
    let settled = !view.state.failing_over() && view.members.iter().all(|member| member.up);
    let status = if settled { "available" } else { "modifying" };
    json!({
        "ReplicationGroupId": cache.group_id(),
        "ARN": cache.region.arn("elasticache", &format!("replicationgroup:{}", cache.group_id())),
        "Description": "balances, set if newer; may be lost at any moment",
        "Status": status,
        "MemberClusters": ids,
        "NodeGroups": [{
            "NodeGroupId": NODE_GROUP,
            "Status": status,
            "PrimaryEndpoint": { "Address": HOST, "Port": machine.writer_port() },
            "ReaderEndpoint": { "Address": HOST, "Port": machine.reader_port() },
            "NodeGroupMembers": members,
        }],
        "AutomaticFailover": "enabled",
        "MultiAZ": "enabled",
        "Engine": "redis",
        "CacheNodeType": NODE_TYPE,
        "ClusterEnabled": false,
        "AuthTokenEnabled": false,
        "TransitEncryptionEnabled": false,
        "AtRestEncryptionEnabled": false,
        "SnapshotRetentionLimit": 0,
        "ReplicationGroupCreateTime": timestamp(cache.created_at),
    })
}

fn cluster(cache: &ElastiCache, view: &View, member: &Member, nodes: bool) -> Value {
    let status = match member.up && !view.state.repairing.contains(&member.id) {
        true => "available",
        false => "rebooting cluster nodes",
    };
    let mut shape = json!({
        "CacheClusterId": member.id,
        "ARN": cache.region.arn("elasticache", &format!("cluster:{}", member.id)),
        "CacheClusterStatus": status,
        "CacheNodeType": NODE_TYPE,
        "Engine": "redis",
        "EngineVersion": ENGINE_VERSION,
        "NumCacheNodes": 1,
        "PreferredAvailabilityZone": member.zone,
        "ReplicationGroupId": cache.group_id(),
        "CacheClusterCreateTime": timestamp(cache.created_at),
    });
    if nodes {
        shape["CacheNodes"] = json!([{
            "CacheNodeId": NODE_GROUP,
            "CacheNodeStatus": status,
            "CacheNodeCreateTime": timestamp(cache.created_at),
            "Endpoint": { "Address": HOST, "Port": member.port },
            "ParameterGroupStatus": "in-sync",
            "CustomerAvailabilityZone": member.zone,
        }]);
    }
    shape
}
