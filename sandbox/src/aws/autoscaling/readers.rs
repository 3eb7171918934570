//! The reader count of Aurora clusters as a scalable target: its limits are kept and told, and
//! nothing follows them. AWS would add or remove instances; here there are as many readers as the
//! region was started with, so a test sees what was asked for and not what comes of it.

use super::{AutoScaling, invalid, not_found};
use crate::aws::wire::{AwsError, Input, timestamp};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

const NAMESPACE: &str = "rds";
const DIMENSION: &str = "rds:cluster:ReadReplicaCount";
/// As Aurora: readers per cluster.
const READERS_MAX: i64 = 15;

/// The limits of one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    min: u32,
    max: u32,
    created_at: DateTime<Utc>,
}

/// Is this request about readers?
pub(super) fn about(input: Input<'_>) -> bool {
    input.text("ServiceNamespace").ok().flatten() == Some(NAMESPACE)
}

/// `RegisterScalableTarget`: what is not given stays.
pub(super) fn register(scaling: &AutoScaling, input: Input<'_>) -> Result<Value, AwsError> {
    let now = (scaling.clock)();
    let resource = resource(input)?;
    if resource.strip_prefix("cluster:").is_none_or(str::is_empty) {
        return Err(invalid("ResourceId must be of the form cluster:CLUSTER"));
    }
    let mut state = scaling.state();
    let known = state.readers.get(&resource).copied();
    let min = count(input, "MinCapacity")?.or_else(|| Some(known?.min));
    let max = count(input, "MaxCapacity")?.or_else(|| Some(known?.max));
    let (Some(min), Some(max)) = (min, max) else {
        return Err(invalid("MinCapacity and MaxCapacity are required for a new target"));
    };
    if min > max {
        return Err(invalid("Minimum capacity cannot be greater than maximum capacity"));
    }
    let created_at = known.map_or(now, |range| range.created_at);
    state.readers.insert(resource.clone(), Range { min, max, created_at });
    Ok(json!({ "ScalableTargetARN": arn(scaling, &resource) }))
}

/// `DeregisterScalableTarget`.
pub(super) fn deregister(scaling: &AutoScaling, input: Input<'_>) -> Result<Value, AwsError> {
    let resource = resource(input)?;
    let gone = scaling.state().readers.remove(&resource);
    gone.ok_or_else(|| not_found("scalable target", &resource))?;
    Ok(json!({}))
}

/// `DescribeScalableTargets`, all on one page.
pub(super) fn describe(scaling: &AutoScaling, input: Input<'_>) -> Result<Value, AwsError> {
    let wanted = input.texts("ResourceIds")?;
    let state = scaling.state();
    let asked = |resource: &String| wanted.is_empty() || wanted.contains(&resource.as_str());
    let targets = state.readers.iter().filter(|(resource, _)| asked(resource));
    let targets: Vec<Value> = targets
        .map(|(resource, range)| {
            json!({
                "ServiceNamespace": NAMESPACE,
                "ResourceId": resource,
                "ScalableDimension": DIMENSION,
                "ScalableTargetARN": arn(scaling, resource),
                "MinCapacity": range.min,
                "MaxCapacity": range.max,
                "RoleARN": role(scaling),
                "CreationTime": timestamp(range.created_at),
                "SuspendedState": {
                    "DynamicScalingInSuspended": false,
                    "DynamicScalingOutSuspended": false,
                    "ScheduledScalingSuspended": false,
                },
            })
        })
        .collect();
    Ok(json!({ "ScalableTargets": targets }))
}

fn resource(input: Input<'_>) -> Result<String, AwsError> {
    if input.required("ScalableDimension")? != DIMENSION {
        return Err(invalid("Unsupported service namespace, resource type or scalable dimension"));
    }
    Ok(input.required("ResourceId")?.to_owned())
}

fn count(input: Input<'_>, name: &str) -> Result<Option<u32>, AwsError> {
    match input.integer(name)? {
        None => Ok(None),
        Some(value) if (0..=READERS_MAX).contains(&value) => Ok(u32::try_from(value).ok()),
        Some(_) => Err(invalid(format!("{name} must be between 0 and {READERS_MAX}"))),
    }
}

fn arn(scaling: &AutoScaling, resource: &str) -> String {
    let id = resource.replace(':', "-");
    scaling.region.arn("application-autoscaling", &format!("scalable-target/{id}"))
}

fn role(scaling: &AutoScaling) -> String {
    format!(
        "arn:aws:iam::{}:role/aws-service-role/rds.application-autoscaling.amazonaws.com/\
         AWSServiceRoleForApplicationAutoScaling_RDSCluster",
        scaling.region.account
    )
}
