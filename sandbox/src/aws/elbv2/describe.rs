//! The load balancer, its listener, its target group and the health of the targets.

use super::{Elbv2, attributes};
use crate::aws::machines::{TargetHealth, TargetState};
use crate::aws::wire::{AwsError, Input, timestamp};
use serde_json::{Value, json};

/// Where everything listens.
const HOST: &str = "127.0.0.1";

/// `DescribeLoadBalancers`, by ARN or name.
pub(super) fn load_balancers(elb: &Elbv2, input: Input<'_>) -> Result<Value, AwsError> {
    for arn in input.texts("LoadBalancerArns")? {
        elb.expect_balancer(arn)?;
    }
    let name = format!("wallet-{}", elb.region.environment);
    if let Some(unknown) = input.texts("Names")?.into_iter().find(|given| *given != name) {
        let words = format!("Load balancers '[{unknown}]' not found");
        return Err(AwsError::refused("LoadBalancerNotFound", words));
    }
    let zones =
        elb.region.zones().map(|zone| json!({ "ZoneName": zone, "LoadBalancerAddresses": [] }));
    Ok(json!({ "LoadBalancers": [{
        "LoadBalancerArn": elb.load_balancer_arn(),
        "LoadBalancerName": name,
        "DNSName": HOST,
        "CreatedTime": timestamp(elb.created_at),
        "Scheme": "internal",
        "Type": "application",
        "IpAddressType": "ipv4",
        "State": { "Code": "active" },
        "AvailabilityZones": zones,
    }] }))
}

/// `DescribeListeners` of the load balancer.
pub(super) fn listeners(elb: &Elbv2, input: Input<'_>) -> Result<Value, AwsError> {
    let listener = elb.arn(&format!("listener/{}/f2f7dc8efc522ab2", elb.load_balancer_dimension()));
    if let Some(arn) = input.text("LoadBalancerArn")? {
        elb.expect_balancer(arn)?;
    }
    if input.texts("ListenerArns")?.into_iter().any(|arn| arn != listener) {
        return Err(AwsError::refused("ListenerNotFound", "One or more listeners not found"));
    }
    Ok(json!({ "Listeners": [{
        "ListenerArn": listener,
        "LoadBalancerArn": elb.load_balancer_arn(),
        "Port": elb.targets.listener_port(),
        "Protocol": "HTTP",
        "DefaultActions": [
            { "Type": "forward", "TargetGroupArn": elb.target_group_arn(), "Order": 1 },
        ],
    }] }))
}

/// `DescribeTargetGroups`, by ARN, name or load balancer.
pub(super) fn target_groups(elb: &Elbv2, input: Input<'_>) -> Result<Value, AwsError> {
    if let Some(arn) = input.text("LoadBalancerArn")? {
        elb.expect_balancer(arn)?;
    }
    let arn = elb.target_group_arn();
    let unknown = input.texts("TargetGroupArns")?.into_iter().any(|given| given != arn)
        || input.texts("Names")?.into_iter().any(|given| given != "wallet-svc");
    if unknown {
        let words = "One or more target groups not found";
        return Err(AwsError::refused("TargetGroupNotFound", words));
    }
    Ok(json!({ "TargetGroups": [{
        "TargetGroupArn": arn,
        "TargetGroupName": "wallet-svc",
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "Port": elb.targets.listener_port(),
        "TargetType": "ip",
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": true,
        "HealthCheckPath": "/readyz",
        "Matcher": { "HttpCode": "200" },
        "LoadBalancerArns": [elb.load_balancer_arn()],
    }] }))
}

/// `DescribeTargetHealth`, of all targets or of those that are named.
pub(super) fn target_health(elb: &Elbv2, input: Input<'_>) -> Result<Value, AwsError> {
    elb.expect_group(input)?;
    let health = elb.targets.health();
    let named = input.list("Targets")?;
    let mut shapes = Vec::new();
    if named.is_empty() {
        shapes.extend(health.iter().map(shape));
    }
    for target in named {
        let port = port(elb, target)?;
        shapes.push(match health.iter().find(|one| one.port == port) {
            Some(target) => shape(target),
            None => json!({
                "Target": { "Id": target.required("Id")?, "Port": port },
                "TargetHealth": {
                    "State": "unused",
                    "Reason": "Target.NotRegistered",
                    "Description": "Target is not registered to the target group",
                },
            }),
        });
    }
    Ok(json!({ "TargetHealthDescriptions": shapes }))
}

/// `RegisterTargets`.
pub(super) fn register(elb: &Elbv2, input: Input<'_>) -> Result<Value, AwsError> {
    elb.expect_group(input)?;
    let zone = elb.region.zones()[0].clone();
    for target in input.list("Targets")? {
        let zone = target.text("AvailabilityZone")?.unwrap_or(&zone);
        elb.targets.register(port(elb, target)?, zone);
    }
    Ok(json!({}))
}

/// `DeregisterTargets`: they drain.
pub(super) fn deregister(elb: &Elbv2, input: Input<'_>) -> Result<Value, AwsError> {
    elb.expect_group(input)?;
    let delay = attributes::deregistration_delay(elb);
    for target in input.list("Targets")? {
        elb.targets.deregister(port(elb, target)?, delay);
    }
    Ok(json!({}))
}

/// The port that a request names a target by; the address is always the same.
fn port(elb: &Elbv2, target: Input<'_>) -> Result<u16, AwsError> {
    let id = target.required("Id")?;
    let given = target.integer("Port")?.unwrap_or_else(|| elb.targets.listener_port().into());
    match u16::try_from(given) {
        Ok(port) if id == HOST => Ok(port),
        _ => {
            let words = format!("The following targets are not valid: '{id}:{given}'");
            Err(AwsError::refused("InvalidTarget", words))
        }
    }
}

fn shape(target: &TargetHealth) -> Value {
    let port = target.port;
    json!({
        "Target": { "Id": HOST, "Port": port, "AvailabilityZone": target.zone },
        "HealthCheckPort": port.to_string(),
        "TargetHealth": health(target),
    })
}

/// State with AWS's reason code and words.
fn health(target: &TargetHealth) -> Value {
    let failure = target.last_failure.as_deref();
    let (state, reason, words) = match (target.state, failure) {
        (TargetState::Healthy, _) => return json!({ "State": "healthy" }),
        (TargetState::Initial, _) => (
            "initial",
            "Elb.RegistrationInProgress",
            String::from("Target registration is in progress"),
        ),
        (TargetState::Draining, _) => (
            "draining",
            "Target.DeregistrationInProgress",
            String::from("Target deregistration is in progress"),
        ),
        (TargetState::Unhealthy, Some("timeout")) => {
            ("unhealthy", "Target.Timeout", String::from("Request timed out"))
        }
        (TargetState::Unhealthy, Some(code)) if code.parse::<u16>().is_ok() => (
            "unhealthy",
            "Target.ResponseCodeMismatch",
            format!("Health checks failed with these codes: [{code}]"),
        ),
        (TargetState::Unhealthy, _) => {
            ("unhealthy", "Target.FailedHealthChecks", String::from("Health checks failed"))
        }
    };
    json!({ "State": state, "Reason": reason, "Description": words })
}
