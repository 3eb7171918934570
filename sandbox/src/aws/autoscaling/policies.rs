//! Operations on scaling policies.

use super::state::{POLICIES_MAX, Policy, PolicyMetric};
use super::{AutoScaling, DIMENSION, NAMESPACE, expect_namespace, invalid, not_found, resource};
use crate::aws::wire::{AwsError, Input, timestamp};
use serde_json::{Value, json};

/// As AWS for ECS, when the policy does not say.
const COOLDOWN_SECONDS: u32 = 300;
const COOLDOWN_SECONDS_MAX: i64 = 3_600;

/// `PutScalingPolicy`: makes it, or replaces the one of that name.
pub(super) fn put(scaling: &AutoScaling, input: Input<'_>) -> Result<Value, AwsError> {
    let now = (scaling.clock)();
    let name = input.required("PolicyName")?.to_owned();
    let resource = resource(input)?;
    if input.text("PolicyType")?.is_some_and(|kind| kind != "TargetTrackingScaling") {
        return Err(invalid("Only policies of type TargetTrackingScaling are supported"));
    }
    let given = input.part("TargetTrackingScalingPolicyConfiguration")?;
    let given = given.ok_or_else(|| invalid("A target tracking configuration is required"))?;
    let spec = given.part("PredefinedMetricSpecification")?;
    let spec = spec.ok_or_else(|| invalid("Only predefined metrics are supported"))?;
    let metric = PolicyMetric::of(spec.required("PredefinedMetricType")?)
        .ok_or_else(|| invalid("This predefined metric is not supported for ECS services"))?;
    let resource_label = spec.text("ResourceLabel")?.map(str::to_owned);
    if metric == PolicyMetric::RequestsPerTarget && resource_label.is_none() {
        return Err(invalid("You must provide a ResourceLabel for ALBRequestCountPerTarget"));
    }
    let target_value = given.number("TargetValue")?.filter(|value| *value > 0.0);
    let target_value = target_value.ok_or_else(|| invalid("TargetValue must be above zero"))?;
    let mut state = scaling.state();
    if !state.targets.contains_key(&resource) {
        return Err(not_found("scalable target", &resource));
    }
    let key = (resource, name);
    let of_target = state.policies.keys().filter(|(of, _)| *of == key.0).count();
    if of_target >= POLICIES_MAX && !state.policies.contains_key(&key) {
        let words = format!("At most {POLICIES_MAX} policies per scalable target");
        return Err(AwsError::refused("LimitExceededException", words));
    }
    let path = format!("scalingPolicy:resource/{NAMESPACE}/{}:policyName/{}", key.0, key.1);
    let policy = Policy {
        arn: scaling.region.arn("autoscaling", &path),
        target_value,
        metric,
        resource_label,
        out_cooldown_seconds: cooldown(given, "ScaleOutCooldown")?,
        in_cooldown_seconds: cooldown(given, "ScaleInCooldown")?,
        scale_in_disabled: given.boolean("DisableScaleIn")?.unwrap_or(false),
        created_at: now,
    };
    let answer = json!({ "PolicyARN": policy.arn, "Alarms": [] });
    state.policies.insert(key, policy);
    Ok(answer)
}

/// `DeleteScalingPolicy`.
pub(super) fn delete(scaling: &AutoScaling, input: Input<'_>) -> Result<Value, AwsError> {
    let key = (resource(input)?, input.required("PolicyName")?.to_owned());
    let gone = scaling.state().policies.remove(&key);
    gone.ok_or_else(|| not_found(&format!("scaling policy named {}", key.1), &key.0))?;
    Ok(json!({}))
}

/// `DescribeScalingPolicies`, all on one page.
pub(super) fn describe(scaling: &AutoScaling, input: Input<'_>) -> Result<Value, AwsError> {
    expect_namespace(input)?;
    let names = input.texts("PolicyNames")?;
    let resource = input.text("ResourceId")?;
    let state = scaling.state();
    let policies: Vec<Value> = state
        .policies
        .iter()
        .filter(|((of, name), _)| {
            resource.is_none_or(|resource| of == resource)
                && (names.is_empty() || names.contains(&name.as_str()))
        })
        .map(|((of, name), policy)| shape(of, name, policy))
        .collect();
    Ok(json!({ "ScalingPolicies": policies }))
}

fn shape(resource: &str, name: &str, policy: &Policy) -> Value {
    let mut metric = json!({ "PredefinedMetricType": policy.metric.name() });
    if let Some(label) = &policy.resource_label {
        metric["ResourceLabel"] = label.clone().into();
    }
    json!({
        "PolicyARN": policy.arn,
        "PolicyName": name,
        "ServiceNamespace": NAMESPACE,
        "ResourceId": resource,
        "ScalableDimension": DIMENSION,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": policy.target_value,
            "PredefinedMetricSpecification": metric,
            "ScaleOutCooldown": policy.out_cooldown_seconds,
            "ScaleInCooldown": policy.in_cooldown_seconds,
            "DisableScaleIn": policy.scale_in_disabled,
        },
        "Alarms": [],
        "CreationTime": timestamp(policy.created_at),
    })
}

fn cooldown(input: Input<'_>, name: &str) -> Result<u32, AwsError> {
    match input.integer(name)? {
        None => Ok(COOLDOWN_SECONDS),
        Some(value) if (0..=COOLDOWN_SECONDS_MAX).contains(&value) => {
            Ok(u32::try_from(value).unwrap_or(COOLDOWN_SECONDS))
        }
        Some(_) => Err(invalid(format!("{name} must be between 0 and {COOLDOWN_SECONDS_MAX}"))),
    }
}
