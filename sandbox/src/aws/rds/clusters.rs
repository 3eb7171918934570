//! Operations on the cluster.

use super::{ENGINE, ENGINE_VERSION, HOST, Rds};
use crate::aws::failover::{Refusal, View};
use crate::aws::wire::{AwsError, Input, timestamp};
use serde_json::{Value, json};

/// `DescribeDBClusters`, all or by identifier.
pub(super) fn describe(rds: &Rds, input: Input<'_>) -> Result<Value, AwsError> {
    if let Some(name) = input.text("DBClusterIdentifier")? {
        rds.expect_cluster(name)?;
    }
    let wanted = match wanted_by_filter(input, "db-cluster-id")? {
        None => true,
        Some(names) => names.iter().any(|name| rds.is_cluster(name)),
    };
    let clusters: Vec<Value> =
        wanted.then(|| shape(rds, &rds.supervisor.view())).into_iter().collect();
    Ok(json!({ "DBClusters": clusters }))
}

/// `DescribeDBClusterEndpoints`: the writer's and the readers'.
pub(super) fn endpoints(rds: &Rds, input: Input<'_>) -> Result<Value, AwsError> {
    if let Some(name) = input.text("DBClusterIdentifier")? {
        rds.expect_cluster(name)?;
    }
    let group = rds.supervisor.group();
    let endpoint = |kind: &str, port: u16| {
        json!({
            "DBClusterIdentifier": rds.cluster_id(),
            "Endpoint": format!("{HOST}:{port}"),
            "Status": "available",
            "EndpointType": kind,
        })
    };
    Ok(json!({ "DBClusterEndpoints": [
        endpoint("WRITER", group.writer_port()),
        endpoint("READER", group.reader_port()),
    ] }))
}

/// FailoverDBCluster: accepted at once, done later. Without a target the most recent reader.
pub(super) fn failover(rds: &Rds, input: Input<'_>) -> Result<Value, AwsError> {
    rds.expect_cluster(input.required("DBClusterIdentifier")?)?;
    let given = input.text("TargetDBInstanceIdentifier")?;
    let view = rds.supervisor.view();
    let target = given.map(|given| {
        // Identifiers are not case-sensitive; members are known by their own spelling.
        view.member(given).map_or(given, |member| member.id.as_str())
    });
    match rds.supervisor.request_failover(target) {
        Ok(view) => Ok(json!({ "DBCluster": shape(rds, &view) })),
        Err(refusal) => Err(refused(rds, &refusal)),
    }
}

/// The values of one filter; none when it was not given.
pub(super) fn wanted_by_filter<'a>(
    input: Input<'a>,
    name: &str,
) -> Result<Option<Vec<&'a str>>, AwsError> {
    for filter in input.list("Filters")? {
        if filter.required("Name")? == name {
            return filter.texts("Values").map(Some);
        }
    }
    Ok(None)
}

fn refused(rds: &Rds, refusal: &Refusal) -> AwsError {
    let cluster = rds.cluster_id();
    match refusal {
        Refusal::FailingOver => AwsError::refused(
            "InvalidDBClusterStateFault",
            format!("Cannot initiate failover of {cluster}: a failover is already in progress."),
        ),
        Refusal::NoReader => AwsError::refused(
            "InvalidDBClusterStateFault",
            format!("Cannot failover {cluster} because it has no available replica."),
        ),
        Refusal::UnknownMember(id) => AwsError::refused(
            "InvalidDBInstanceState",
            format!("{id} is not a member of the cluster {cluster}."),
        ),
        Refusal::AlreadyWriter(id) => AwsError::refused(
            "InvalidDBInstanceState",
            format!("{id} is already the writer of the cluster {cluster}."),
        ),
        Refusal::NotAvailable(id) => AwsError::refused(
            "InvalidDBInstanceState",
            format!("The DB instance {id} is not in the available state."),
        ),
    }
}

fn shape(rds: &Rds, view: &View) -> Value {
    let writer = view.writer().map(|writer| writer.id.clone());
    let members: Vec<Value> = view
        .members
        .iter()
        .map(|member| {
            json!({
                "DBInstanceIdentifier": member.id,
                "IsClusterWriter": Some(&member.id) == writer.as_ref(),
                "DBClusterParameterGroupStatus": "in-sync",
                "PromotionTier": 1,
            })
        })
        .collect();
    let group = rds.supervisor.group();
    json!({
        "DBClusterIdentifier": rds.cluster_id(),
        "DBClusterArn": rds.cluster_arn(),
        "DbClusterResourceId": "cluster-LOCALSANDBOXWALLETCLUSTER",
        "Status": if view.state.failing_over() { "failing-over" } else { "available" },
        "Endpoint": HOST,
        "ReaderEndpoint": format!("{HOST}:{}", group.reader_port()),
        "Port": group.writer_port(),
        "DatabaseName": "wallet",
        "MasterUsername": "wallet",
        "MultiAZ": true,
        "Engine": ENGINE,
        "EngineVersion": ENGINE_VERSION,
        "EngineMode": "provisioned",
        "AvailabilityZones": rds.region.zones(),
        "DBClusterMembers": members,
        "ClusterCreateTime": timestamp(rds.created_at),
        "AllocatedStorage": 1,
        "StorageEncrypted": false,
        "DeletionProtection": false,
        "BackupRetentionPeriod": 1,
        "HttpEndpointEnabled": false,
        "IAMDatabaseAuthenticationEnabled": false,
    })
}
