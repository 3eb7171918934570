//! Elastic Load Balancing: what the load balancer thinks of each target.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;

use super::CallError;
use super::client::{failed, not_found};
use crate::fleet;

/// The targets of the group with this name.
pub(super) async fn targets(client: &Client, group: &str) -> Result<Vec<fleet::Target>, CallError> {
    let doing = || format!("reading the targets of {group}");
    let groups =
        client.describe_target_groups().names(group).send().await.map_err(failed(doing()))?;
    let arn = groups.target_groups().first().and_then(|one| one.target_group_arn());
    let arn = arn.ok_or_else(|| not_found(doing(), group))?;
    let health = client
        .describe_target_health()
        .target_group_arn(arn)
        .send()
        .await
        .map_err(failed(doing()))?;
    Ok(health.target_health_descriptions().iter().map(target).collect())
}

/// Where clients reach the group: the load balancer's name and its listener's port.
pub(super) async fn entrance(client: &Client, group: &str) -> Result<String, CallError> {
    let doing = || format!("finding the load balancer of {group}");
    let groups =
        client.describe_target_groups().names(group).send().await.map_err(failed(doing()))?;
    let arn = groups.target_groups().first().and_then(|one| one.load_balancer_arns().first());
    let arn = arn.ok_or_else(|| not_found(doing(), group))?;
    let balancers = client.describe_load_balancers().load_balancer_arns(arn).send();
    let balancers = balancers.await.map_err(failed(doing()))?;
    let host = balancers.load_balancers().first().and_then(|one| one.dns_name());
    let host = host.ok_or_else(|| not_found(doing(), arn))?;
    let listeners = client.describe_listeners().load_balancer_arn(arn).send();
    let listeners = listeners.await.map_err(failed(doing()))?;
    let listener = listeners.listeners().first().ok_or_else(|| not_found(doing(), arn))?;
    let port = listener.port().ok_or_else(|| not_found(doing(), arn))?;
    let secure = listener.protocol().is_some_and(|protocol| protocol.as_str() == "HTTPS");
    Ok(format!("{}://{host}:{port}", if secure { "https" } else { "http" }))
}

fn target(one: &TargetHealthDescription) -> fleet::Target {
    let target = one.target();
    let health = one.target_health();
    fleet::Target {
        address: target.and_then(|t| t.id()).unwrap_or_default().to_owned(),
        port: target.and_then(|t| t.port()).and_then(|port| u16::try_from(port).ok()),
        health: health
            .and_then(|h| h.state())
            .map_or_else(|| "unavailable".to_owned(), |state| state.as_str().to_owned()),
        reason: health
            .and_then(|h| h.reason())
            .map(|reason| reason.as_str().to_owned())
            .unwrap_or_default(),
    }
}
