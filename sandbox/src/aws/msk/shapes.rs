//! The cluster, its brokers and its operations, as they are.

use super::Msk;
use super::state::{Operation, Progress};
use crate::aws::machines::BrokerNode;
use crate::aws::wire::{AwsError, Input, timestamp};
use serde_json::{Value, json};

const HOST: &str = "127.0.0.1";
const INSTANCE_TYPE: &str = "kafka.m5.large";
const KAFKA_VERSION: &str = "3.8.x";

/// `ListClustersV2`.
pub(super) fn list_v2(msk: &Msk, input: Input<'_>) -> Result<Value, AwsError> {
    let listed: Vec<Value> = wanted(msk, input)?.then(|| cluster_v2(msk)).into_iter().collect();
    Ok(json!({ "clusterInfoList": listed }))
}

/// `DescribeClusterV2`.
pub(super) fn describe_v2(msk: &Msk, input: Input<'_>) -> Result<Value, AwsError> {
    msk.expect_cluster(input)?;
    Ok(json!({ "clusterInfo": cluster_v2(msk) }))
}

/// `ListClusters`.
pub(super) fn list(msk: &Msk, input: Input<'_>) -> Result<Value, AwsError> {
    let listed: Vec<Value> = wanted(msk, input)?.then(|| cluster(msk)).into_iter().collect();
    Ok(json!({ "clusterInfoList": listed }))
}

/// `DescribeCluster`.
pub(super) fn describe(msk: &Msk, input: Input<'_>) -> Result<Value, AwsError> {
    msk.expect_cluster(input)?;
    Ok(json!({ "clusterInfo": cluster(msk) }))
}

/// `GetBootstrapBrokers`.
pub(super) fn bootstrap(msk: &Msk, input: Input<'_>) -> Result<Value, AwsError> {
    msk.expect_cluster(input)?;
    let brokers: Vec<String> =
        msk.state().nodes.iter().map(|node| format!("{HOST}:{}", node.port)).collect();
    Ok(json!({ "bootstrapBrokerString": brokers.join(",") }))
}

/// `ListNodes`.
pub(super) fn nodes(msk: &Msk, input: Input<'_>) -> Result<Value, AwsError> {
    msk.expect_cluster(input)?;
    let nodes: Vec<Value> = msk.state().nodes.iter().map(|node| broker(msk, node)).collect();
    Ok(json!({ "nodeInfoList": nodes }))
}

/// `ListClusterOperations` and its second version, newest first.
pub(super) fn operations(msk: &Msk, input: Input<'_>) -> Result<Value, AwsError> {
    msk.expect_cluster(input)?;
    let listed: Vec<Value> =
        msk.state().operations.iter().rev().map(|one| operation_shape(msk, one)).collect();
    Ok(json!({ "clusterOperationInfoList": listed }))
}

/// `DescribeClusterOperation`.
pub(super) fn operation(msk: &Msk, input: Input<'_>) -> Result<Value, AwsError> {
    let arn = input.required("clusterOperationArn")?;
    let state = msk.state();
    let found = state.operations.iter().find(|one| msk.operation_arn(&one.id) == arn);
    let missing = || AwsError::not_found("NotFoundException", "The operation does not exist.");
    Ok(json!({ "clusterOperationInfo": operation_shape(msk, found.ok_or_else(missing)?) }))
}

/// Whether the one cluster passes the list's filter.
fn wanted(msk: &Msk, input: Input<'_>) -> Result<bool, AwsError> {
    Ok(input.text("clusterNameFilter")?.is_none_or(|prefix| msk.name().starts_with(prefix)))
}

/// What both versions have.
fn common(msk: &Msk) -> Value {
    let state = msk.state();
    json!({
        "activeOperationArn": state.under_way().map(|one| msk.operation_arn(&one.id)),
        "clusterArn": msk.arn(),
        "clusterName": msk.name(),
        "creationTime": timestamp(msk.created_at),
        "currentVersion": "K1",
        "state": state.name(),
        "tags": {},
    })
}

fn provisioned(msk: &Msk) -> Value {
    json!({
        "brokerNodeGroupInfo": {
            "brokerAZDistribution": "DEFAULT",
            "clientSubnets": msk.region.zones().map(|zone| format!("subnet-{zone}")),
            "instanceType": INSTANCE_TYPE,
            "storageInfo": { "ebsStorageInfo": { "volumeSize": 100 } },
        },
        "currentBrokerSoftwareInfo": { "kafkaVersion": KAFKA_VERSION },
        "clientAuthentication": { "unauthenticated": { "enabled": true } },
        "encryptionInfo": {
            "encryptionInTransit": { "clientBroker": "PLAINTEXT", "inCluster": false },
        },
        "enhancedMonitoring": "DEFAULT",
        "numberOfBrokerNodes": msk.state().nodes.len(),
        "storageMode": "LOCAL",
    })
}

fn cluster_v2(msk: &Msk) -> Value {
    let mut shape = common(msk);
    shape["clusterType"] = "PROVISIONED".into();
    shape["provisioned"] = provisioned(msk);
    shape
}

fn cluster(msk: &Msk) -> Value {
    let (mut shape, more) = (common(msk), provisioned(msk));
    for (name, value) in more.as_object().into_iter().flatten() {
        shape[name.as_str()] = value.clone();
    }
    shape
}

fn broker(msk: &Msk, node: &BrokerNode) -> Value {
    json!({
        "addedToClusterTime": timestamp(msk.created_at),
        "instanceType": INSTANCE_TYPE,
        "nodeARN": msk.region.arn("kafka", &format!("broker/{}/{}", msk.path(), node.id)),
        "nodeType": "BROKER",
        "brokerNodeInfo": {
            "brokerId": f64::from(node.id),
            "clientSubnet": format!("subnet-{}", node.zone),
            "clientVpcIpAddress": HOST,
            "currentBrokerSoftwareInfo": { "kafkaVersion": KAFKA_VERSION },
            "endpoints": [format!("{HOST}:{}", node.port)],
        },
    })
}

fn operation_shape(msk: &Msk, one: &Operation) -> Value {
    let state = match one.progress {
        Progress::Pending => "PENDING",
        Progress::Rebooting => "REBOOT_IN_PROGRESS",
        Progress::Complete => "REBOOT_COMPLETE",
        Progress::Failed => "REBOOT_FAILED",
    };
    json!({
        "clusterArn": msk.arn(),
        "clusterType": "PROVISIONED",
        "creationTime": timestamp(one.created_at),
        "startTime": timestamp(one.created_at),
        "endTime": one.ended_at.map(timestamp),
        "operationArn": msk.operation_arn(&one.id),
        "operationState": state,
        "operationType": "REBOOT_NODE",
    })
}
