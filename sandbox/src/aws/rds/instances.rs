//! Operations on the instances of the cluster.

use super::clusters::wanted_by_filter;
use super::{CLASS, ENGINE, ENGINE_VERSION, HOST, Rds};
use crate::aws::failover::{Phase, Refusal, View};
use crate::aws::machines::Member;
use crate::aws::wire::{AwsError, Input, timestamp};
use serde_json::{Value, json};

/// `DescribeDBInstances`, all, by identifier or by cluster.
pub(super) fn describe(rds: &Rds, input: Input<'_>) -> Result<Value, AwsError> {
    let view = rds.supervisor.view();
    let mut members: Vec<&Member> = view.members.iter().collect();
    if let Some(name) = input.text("DBInstanceIdentifier")? {
        let member = view.member(name).ok_or_else(|| not_found(name))?;
        members = vec![member];
    }
    if let Some(clusters) = wanted_by_filter(input, "db-cluster-id")?
        && !clusters.iter().any(|name| rds.is_cluster(name))
    {
        members.clear();
    }
    let shapes: Vec<Value> = members.into_iter().map(|one| shape(rds, &view, one)).collect();
    Ok(json!({ "DBInstances": shapes }))
}

/// `RebootDBInstance`: the process restarts; a writer keeps its role.
pub(super) fn reboot(rds: &Rds, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.required("DBInstanceIdentifier")?;
    let view = rds.supervisor.view();
    let id = view.member(name).map(|member| member.id.clone()).ok_or_else(|| not_found(name))?;
    if input.boolean("ForceFailover")?.unwrap_or(false) {
        let words = "ForceFailover cannot be specified for an instance of an Aurora cluster.";
        return Err(AwsError::refused("InvalidParameterCombination", words));
    }
    if view.state.failing_over() {
        return Err(unavailable(&id));
    }
    match rds.supervisor.reboot(&id) {
        Ok(view) => {
            let member = view.member(&id).ok_or_else(|| not_found(name))?;
            Ok(json!({ "DBInstance": shape(rds, &view, member) }))
        }
        Err(Refusal::UnknownMember(id)) => Err(not_found(&id)),
        Err(_) => Err(unavailable(&id)),
    }
}

/// `DBInstanceStatus`.
pub(super) fn status(view: &View, member: &Member) -> &'static str {
    let takes_part = matches!(&view.state.phase, Phase::FailingOver { target, .. }
        if *target == member.id || view.writer().is_some_and(|writer| writer.id == member.id));
    match () {
        () if view.state.repairing.contains(&member.id) => "rebooting",
        () if !member.up => "failed",
        () if takes_part => "failing-over",
        () => "available",
    }
}

fn unavailable(id: &str) -> AwsError {
    let words = format!("The DB instance {id} is not in the available state.");
    AwsError::refused("InvalidDBInstanceState", words)
}

fn not_found(name: &str) -> AwsError {
    AwsError::not_found("DBInstanceNotFound", format!("DBInstance {name} not found."))
}

fn shape(rds: &Rds, view: &View, member: &Member) -> Value {
    json!({
        "DBInstanceIdentifier": member.id,
        "DBInstanceArn": rds.instance_arn(&member.id),
        "DbiResourceId": format!("db-{}", member.id.to_uppercase()),
        "DBInstanceClass": CLASS,
        "DBInstanceStatus": status(view, member),
        "DBClusterIdentifier": rds.cluster_id(),
        "Engine": ENGINE,
        "EngineVersion": ENGINE_VERSION,
        "Endpoint": { "Address": HOST, "Port": member.port },
        "AvailabilityZone": member.zone,
        "PromotionTier": 1,
        "MultiAZ": false,
        "DBName": "wallet",
        "MasterUsername": "wallet",
        "AllocatedStorage": 1,
        "StorageType": "aurora",
        "PubliclyAccessible": false,
        "InstanceCreateTime": timestamp(rds.created_at),
    })
}
