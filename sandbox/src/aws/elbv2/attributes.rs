//! Attributes of the load balancer and its target group: names and values, as AWS keeps them.

use super::Elbv2;
use crate::aws::wire::{AwsError, Input};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

const DELAY: &str = "deregistration_delay.timeout_seconds";

/// As AWS.
const DELAY_SECONDS_MAX: u64 = 3_600;

/// What AWS answers for a fresh load balancer, as far as anybody asks for it.
const BALANCER: &[(&str, &str)] = &[
    ("access_logs.s3.enabled", "false"),
    ("deletion_protection.enabled", "false"),
    ("idle_timeout.timeout_seconds", "60"),
    ("load_balancing.cross_zone.enabled", "true"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http2.enabled", "true"),
];

/// The same for a target group.
const GROUP: &[(&str, &str)] = &[
    ("load_balancing.algorithm.type", "round_robin"),
    ("slow_start.duration_seconds", "0"),
    ("stickiness.enabled", "false"),
];

/// Both sets; the keys are fixed, so they cannot grow.
pub(super) struct Attributes {
    balancer: BTreeMap<String, String>,
    group: BTreeMap<String, String>,
}

impl Attributes {
    pub(super) fn new(deregistration_delay: Duration) -> Attributes {
        let owned = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
        };
        let mut group = owned(GROUP);
        group.insert(DELAY.into(), deregistration_delay.as_secs().to_string());
        Attributes { balancer: owned(BALANCER), group }
    }
}

/// How long a target drains.
pub(super) fn deregistration_delay(elb: &Elbv2) -> Duration {
    let attributes = elb.attributes.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = attributes.group.get(DELAY).and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

/// `DescribeTargetGroupAttributes`.
pub(super) fn group(elb: &Elbv2, input: Input<'_>) -> Result<Value, AwsError> {
    elb.expect_group(input)?;
    Ok(shape(&elb.attributes.lock().unwrap_or_else(PoisonError::into_inner).group))
}

/// `ModifyTargetGroupAttributes`.
pub(super) fn modify_group(elb: &Elbv2, input: Input<'_>) -> Result<Value, AwsError> {
    elb.expect_group(input)?;
    modify(&mut elb.attributes.lock().unwrap_or_else(PoisonError::into_inner).group, input)
}

/// `DescribeLoadBalancerAttributes`.
pub(super) fn balancer(elb: &Elbv2, input: Input<'_>) -> Result<Value, AwsError> {
    elb.expect_balancer(input.required("LoadBalancerArn")?)?;
    Ok(shape(&elb.attributes.lock().unwrap_or_else(PoisonError::into_inner).balancer))
}

/// `ModifyLoadBalancerAttributes`.
pub(super) fn modify_balancer(elb: &Elbv2, input: Input<'_>) -> Result<Value, AwsError> {
    elb.expect_balancer(input.required("LoadBalancerArn")?)?;
    modify(&mut elb.attributes.lock().unwrap_or_else(PoisonError::into_inner).balancer, input)
}

/// Changes all or, when one is refused, none.
fn modify(known: &mut BTreeMap<String, String>, input: Input<'_>) -> Result<Value, AwsError> {
    let mut changed = known.clone();
    for pair in input.list("Attributes")? {
        let (key, value) = (pair.required("Key")?, pair.text("Value")?.unwrap_or_default());
        let delay = value.parse().is_ok_and(|seconds: u64| seconds <= DELAY_SECONDS_MAX);
        if !changed.contains_key(key) || (key == DELAY && !delay) {
            let words = format!("Load balancer attribute '{key}' cannot be '{value}'");
            return Err(AwsError::refused("ValidationError", words));
        }
        changed.insert(key.to_owned(), value.to_owned());
    }
    *known = changed;
    Ok(shape(known))
}

fn shape(attributes: &BTreeMap<String, String>) -> Value {
    let pairs: Vec<Value> =
        attributes.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    json!({ "Attributes": pairs })
}
