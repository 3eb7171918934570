//! Application Auto Scaling: the range in which AWS keeps a count, and its policies.

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};

use super::client::{count, failed, signed};
use super::{CallError, Receipt};
use crate::fleet;

/// Something that AWS keeps within a range.
pub(super) struct Scalable {
    namespace: ServiceNamespace,
    resource: String,
    dimension: ScalableDimension,
}

/// The tasks of an ECS service.
pub(super) fn tasks(cluster: &str, service: &str) -> Scalable {
    Scalable {
        namespace: ServiceNamespace::Ecs,
        resource: format!("service/{cluster}/{service}"),
        dimension: ScalableDimension::EcsServiceDesiredCount,
    }
}

/// The readers of an Aurora cluster.
pub(super) fn readers(cluster: &str) -> Scalable {
    Scalable {
        namespace: ServiceNamespace::Rds,
        resource: format!("cluster:{cluster}"),
        dimension: ScalableDimension::RdsClusterReadReplicaCount,
    }
}

/// The range and the policies; `None` if it is not registered.
pub(super) async fn scaling(
    client: &Client,
    scalable: Scalable,
) -> Result<Option<fleet::Scaling>, CallError> {
    let Scalable { namespace, resource, dimension } = scalable;
    let doing = || format!("reading the scalable target of {resource}");
    let answer = client
        .describe_scalable_targets()
        .service_namespace(namespace.clone())
        .resource_ids(&resource)
        .scalable_dimension(dimension.clone())
        .send()
        .await
        .map_err(failed(doing()))?;
    let Some(target) = answer.scalable_targets().first() else { return Ok(None) };
    let policies = client
        .describe_scaling_policies()
        .service_namespace(namespace)
        .resource_id(&resource)
        .scalable_dimension(dimension)
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

/// Sets the range, absolutely. AWS moves the count into it.
pub(super) async fn set_capacity(
    client: &Client,
    scalable: Scalable,
    (min, max): (u32, u32),
    doing: String,
) -> Result<Receipt, CallError> {
    client
        .register_scalable_target()
        .service_namespace(scalable.namespace)
        .resource_id(scalable.resource)
        .scalable_dimension(scalable.dimension)
        .min_capacity(signed(min))
        .max_capacity(signed(max))
        .send()
        .await
        .map_err(failed(doing))?;
    Ok(Receipt(format!("capacity is {min}..{max}")))
}
