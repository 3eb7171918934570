//! Application Auto Scaling: the range in which AWS keeps the service, and its policies.

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};

use super::client::{count, failed, signed};
use super::{CallError, Receipt};
use crate::fleet;

/// The service's capacity range and policies; `None` if it is not registered.
pub(super) async fn scaling(
    client: &Client,
    cluster: &str,
    service: &str,
) -> Result<Option<fleet::Scaling>, CallError> {
    let doing = || format!("reading the scalable target of {cluster}/{service}");
    let resource = format!("service/{cluster}/{service}");
    let answer = client
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_ids(&resource)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .send()
        .await
        .map_err(failed(doing()))?;
    let Some(target) = answer.scalable_targets().first() else { return Ok(None) };
    let policies = client
        .describe_scaling_policies()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(&resource)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .send()
        .await
        .map_err(failed(doing()))?;
    let suspended = target.suspended_state();
    Ok(Some(fleet::Scaling {
        min: count(target.min_capacity()),
        max: count(target.max_capacity()),
        suspended_in: suspended.and_then(|s| s.dynamic_scaling_in_suspended()).unwrap_or(false),
        suspended_out: suspended.and_then(|s| s.dynamic_scaling_out_suspended()).unwrap_or(false),
        policies: policies
            .scaling_policies()
            .iter()
            .map(|policy| policy.policy_name().to_owned())
            .collect(),
    }))
}

/// Sets the range, absolutely. AWS moves the desired count into it.
pub(super) async fn set_capacity(
    client: &Client,
    resource: (&str, &str),
    min: u32,
    max: u32,
    doing: String,
) -> Result<Receipt, CallError> {
    let (cluster, service) = resource;
    client
        .register_scalable_target()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(format!("service/{cluster}/{service}"))
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .min_capacity(signed(min))
        .max_capacity(signed(max))
        .send()
        .await
        .map_err(failed(doing))?;
    Ok(Receipt(format!("capacity is {min}..{max}")))
}
