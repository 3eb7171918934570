//! RDS: the Aurora cluster and its instances.

use std::collections::BTreeMap;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbClusterMember, DbInstance, Filter};

use super::client::{count, failed, incomplete, not_found};
use super::{CallError, Receipt};
use crate::fleet;

/// The cluster with its instances, the writer first.
pub(super) async fn database(client: &Client, cluster: &str) -> Result<fleet::Database, CallError> {
    let doing = || format!("reading Aurora cluster {cluster}");
    let answer = client
        .describe_db_clusters()
        .db_cluster_identifier(cluster)
        .send()
        .await
        .map_err(failed(doing()))?;
    let found = answer.db_clusters().first().ok_or_else(|| not_found(doing(), cluster))?;
    let filter = Filter::builder().name("db-cluster-id").values(cluster).build();
    let described =
        client.describe_db_instances().filters(filter).send().await.map_err(failed(doing()))?;
    let by_id: BTreeMap<&str, &DbInstance> = described
        .db_instances()
        .iter()
        .filter_map(|one| Some((one.db_instance_identifier()?, one)))
        .collect();
    let mut instances: Vec<_> =
        found.db_cluster_members().iter().map(|member| instance(member, &by_id)).collect();
    instances.sort_by(|a, b| (!a.writer, &a.id).cmp(&(!b.writer, &b.id)));
    let port = found.port().and_then(|port| u16::try_from(port).ok());
    Ok(fleet::Database {
        cluster: cluster.to_owned(),
        status: found.status().unwrap_or_default().to_owned(),
        writer_endpoint: found.endpoint().unwrap_or_default().to_owned(),
        reader_endpoint: found.reader_endpoint().unwrap_or_default().to_owned(),
        port: port.ok_or_else(|| incomplete(doing(), "a port"))?,
        instances,
    })
}

fn instance(
    member: &DbClusterMember,
    described: &BTreeMap<&str, &DbInstance>,
) -> fleet::DatabaseInstance {
    let id = member.db_instance_identifier().unwrap_or_default();
    let instance = described.get(id);
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    fleet::DatabaseInstance {
        id: id.to_owned(),
        zone: text(instance.and_then(|one| one.availability_zone())),
        status: text(instance.and_then(|one| one.db_instance_status())),
        writer: member.is_cluster_writer().unwrap_or(false),
        promotion_tier: member.promotion_tier().map_or(u32::MAX, count),
        class: text(instance.and_then(|one| one.db_instance_class())),
    }
}

/// Makes `target` the writer. Sent once: RDS has no idempotency token for it.
pub(super) async fn failover(
    client: &Client,
    cluster: &str,
    target: &str,
    doing: String,
) -> Result<Receipt, CallError> {
    let answer = client
        .failover_db_cluster()
        .db_cluster_identifier(cluster)
        .target_db_instance_identifier(target)
        .send()
        .await
        .map_err(failed(doing))?;
    let status = answer.db_cluster().and_then(|one| one.status()).unwrap_or("accepted");
    Ok(Receipt(format!("cluster {cluster} is {status}")))
}
