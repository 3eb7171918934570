//! Operations on scalable targets and their activities.

use super::state::{Activity, Suspended, Target};
use super::{AutoScaling, DIMENSION, NAMESPACE, expect_namespace, invalid, not_found, resource};
use crate::aws::wire::{AwsError, Input, timestamp};
use serde_json::{Value, json};

/// As ECS: tasks per service.
const CAPACITY_MAX: i64 = 5_000;

/// `RegisterScalableTarget`: what is not given stays; the current count moves into the limits now.
pub(super) fn register(scaling: &AutoScaling, input: Input<'_>) -> Result<Value, AwsError> {
    let now = (scaling.clock)();
    let resource = resource(input)?;
    let parts: Vec<&str> = resource.split('/').collect();
    let ["service", cluster, service] = parts[..] else {
        return Err(invalid("ResourceId must be of the form service/CLUSTER/SERVICE"));
    };
    let Some((desired, _)) = scaling.ecs.capacity(cluster, service) else {
        return Err(invalid(format!("ECS service doesn't exist: {resource}")));
    };
    let mut state = scaling.state();
    let known = state.targets.get(&resource);
    let (min_was, max_was) = known.map(|target| (target.min, target.max)).unzip();
    let (min, max) = (capacity(input, "MinCapacity")?, capacity(input, "MaxCapacity")?);
    let (min, max) = (min.or(min_was), max.or(max_was));
    let (Some(min), Some(max)) = (min, max) else {
        return Err(invalid("MinCapacity and MaxCapacity are required for a new target"));
    };
    if min > max {
        return Err(invalid("Minimum capacity cannot be greater than maximum capacity"));
    }
    let was = known.map(|target| target.suspended).unwrap_or_default();
    let target = Target {
        cluster: cluster.to_owned(),
        service: service.to_owned(),
        min,
        max,
        suspended: suspended(input, was)?,
        created_at: known.map_or(now, |target| target.created_at),
        last_out: known.and_then(|target| target.last_out),
        last_in: known.and_then(|target| target.last_in),
    };
    state.targets.insert(resource.clone(), target);
    let within = desired.clamp(min, max);
    if within != desired {
        scaling.ecs.set_desired(cluster, service, within);
        let limit = if within == min { "minimum" } else { "maximum" };
        let cause = format!("{limit} capacity was set to {within}");
        state.note(&resource, within, cause, now);
    }
    Ok(json!({ "ScalableTargetARN": arn(scaling, &resource) }))
}

/// `DeregisterScalableTarget`: its policies go with it.
pub(super) fn deregister(scaling: &AutoScaling, input: Input<'_>) -> Result<Value, AwsError> {
    let resource = resource(input)?;
    let mut state = scaling.state();
    let gone = state.targets.remove(&resource);
    gone.ok_or_else(|| not_found("scalable target", &resource))?;
    state.policies.retain(|(of, _), _| *of != resource);
    Ok(json!({}))
}

/// `DescribeScalableTargets`, all on one page.
pub(super) fn describe(scaling: &AutoScaling, input: Input<'_>) -> Result<Value, AwsError> {
    expect_namespace(input)?;
    let wanted = input.texts("ResourceIds")?;
    let state = scaling.state();
    let targets: Vec<Value> = state
        .targets
        .iter()
        .filter(|(resource, _)| wanted.is_empty() || wanted.contains(&resource.as_str()))
        .map(|(resource, target)| {
            json!({
                "ServiceNamespace": NAMESPACE,
                "ResourceId": resource,
                "ScalableDimension": DIMENSION,
                "ScalableTargetARN": arn(scaling, resource),
                "MinCapacity": target.min,
                "MaxCapacity": target.max,
                "RoleARN": role(scaling),
                "CreationTime": timestamp(target.created_at),
                "SuspendedState": {
                    "DynamicScalingInSuspended": target.suspended.scale_in,
                    "DynamicScalingOutSuspended": target.suspended.scale_out,
                    "ScheduledScalingSuspended": target.suspended.scheduled,
                },
            })
        })
        .collect();
    Ok(json!({ "ScalableTargets": targets }))
}

/// `DescribeScalingActivities`, newest first.
pub(super) fn activities(scaling: &AutoScaling, input: Input<'_>) -> Result<Value, AwsError> {
    expect_namespace(input)?;
    let resource = input.text("ResourceId")?;
    let state = scaling.state();
    let activities: Vec<Value> = state
        .activities
        .iter()
        .filter(|one| resource.is_none_or(|resource| one.resource == resource))
        .map(activity)
        .collect();
    Ok(json!({ "ScalingActivities": activities }))
}

fn activity(one: &Activity) -> Value {
    json!({
        "ActivityId": one.id,
        "ServiceNamespace": NAMESPACE,
        "ResourceId": one.resource,
        "ScalableDimension": DIMENSION,
        "Description": one.description,
        "Cause": one.cause,
        "StartTime": timestamp(one.at),
        "EndTime": timestamp(one.at),
        "StatusCode": "Successful",
        "StatusMessage": "Successfully set desired count. Change successfully fulfilled by ecs.",
    })
}

fn suspended(input: Input<'_>, was: Suspended) -> Result<Suspended, AwsError> {
    let Some(given) = input.part("SuspendedState")? else { return Ok(was) };
    Ok(Suspended {
        scale_in: given.boolean("DynamicScalingInSuspended")?.unwrap_or(was.scale_in),
        scale_out: given.boolean("DynamicScalingOutSuspended")?.unwrap_or(was.scale_out),
        scheduled: given.boolean("ScheduledScalingSuspended")?.unwrap_or(was.scheduled),
    })
}

fn capacity(input: Input<'_>, name: &str) -> Result<Option<u32>, AwsError> {
    match input.integer(name)? {
        None => Ok(None),
        Some(value) if (0..=CAPACITY_MAX).contains(&value) => Ok(u32::try_from(value).ok()),
        Some(_) => Err(invalid(format!("{name} must be between 0 and {CAPACITY_MAX}"))),
    }
}

/// AWS's ARN ends in an opaque id; the resource's own name is as good.
fn arn(scaling: &AutoScaling, resource: &str) -> String {
    let id = resource.replace('/', "-");
    scaling.region.arn("application-autoscaling", &format!("scalable-target/{id}"))
}

fn role(scaling: &AutoScaling) -> String {
    format!(
        "arn:aws:iam::{}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/\
         AWSServiceRoleForApplicationAutoScaling_ECSService",
        scaling.region.account
    )
}
