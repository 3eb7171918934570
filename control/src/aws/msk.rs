//! MSK: the Kafka cluster and its brokers.

use aws_sdk_kafka::Client;
use aws_sdk_kafka::types::NodeInfo;

use super::client::{count, failed, not_found};
use super::{CallError, Receipt};
use crate::fleet;

/// The cluster with its brokers, by id.
pub(super) async fn broker(client: &Client, arn: &str) -> Result<fleet::Broker, CallError> {
    let doing = || format!("reading MSK cluster {arn}");
    let answer =
        client.describe_cluster().cluster_arn(arn).send().await.map_err(failed(doing()))?;
    let found = answer.cluster_info().ok_or_else(|| not_found(doing(), arn))?;
    let listed = client.list_nodes().cluster_arn(arn).send().await.map_err(failed(doing()))?;
    let bootstrap =
        client.get_bootstrap_brokers().cluster_arn(arn).send().await.map_err(failed(doing()))?;
    let mut nodes: Vec<_> = listed.node_info_list().iter().filter_map(node).collect();
    nodes.sort_by(|a, b| a.id.cmp(&b.id));
    let group = found.broker_node_group_info();
    let bootstrap =
        bootstrap.bootstrap_broker_string_tls().or_else(|| bootstrap.bootstrap_broker_string());
    let volume = group.and_then(|one| one.storage_info()).and_then(|one| one.ebs_storage_info());
    Ok(fleet::Broker {
        arn: arn.to_owned(),
        name: found.cluster_name().unwrap_or_default().to_owned(),
        state: found.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        instance_type: group.and_then(|one| one.instance_type()).unwrap_or_default().to_owned(),
        volume_gb: volume.and_then(|one| one.volume_size()).map(count),
        bootstrap: bootstrap.unwrap_or_default().to_owned(),
        nodes,
    })
}

fn node(node: &NodeInfo) -> Option<fleet::BrokerNode> {
    let info = node.broker_node_info()?;
    // MSK counts brokers in floating point and says where they are by subnet.
    let id = info.broker_id().map(|id| format!("{id:.0}"))?;
    Some(fleet::BrokerNode {
        id,
        zone: info.client_subnet().unwrap_or_default().to_owned(),
        endpoint: info.endpoints().first().cloned().unwrap_or_default(),
    })
}

/// Reboots one broker. Sent once: MSK has no idempotency token for it.
pub(super) async fn reboot(
    client: &Client,
    arn: &str,
    broker: &str,
    doing: String,
) -> Result<Receipt, CallError> {
    let answer = client
        .reboot_broker()
        .cluster_arn(arn)
        .broker_ids(broker)
        .send()
        .await
        .map_err(failed(doing))?;
    Ok(Receipt(answer.cluster_operation_arn().unwrap_or("accepted").to_owned()))
}
