//! Operations on services: they change what is wanted, and the scheduler does the rest.

use super::rollout;
use super::services_shape::shape;
use super::state::{
    Deployment, Limits, LoadBalancer, Rollout, SERVICES_MAX, Service, ServiceStatus, State,
};
use super::{Ecs, invalid, last_part};
use crate::aws::wire::{AwsError, Input};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// As AWS: tasks per service.
const DESIRED_MAX: i64 = 5_000;
/// As AWS: services in one `DescribeServices`.
const DESCRIBED_MAX: usize = 10;

/// `CreateService`.
pub(super) fn create(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let now = (ecs.clock)();
    let mut state = ecs.state();
    let cluster = ecs.cluster(&state, input)?;
    let name = input.required("serviceName")?.to_owned();
    let definition = definition(ecs, &state, input.required("taskDefinition")?)?;
    let key = (cluster.clone(), name.clone());
    match state.services.get(&key).map(|service| service.status) {
        Some(ServiceStatus::Active) => {
            return Err(invalid("Creation of service was not idempotent."));
        }
        Some(ServiceStatus::Draining) => {
            return Err(invalid("Unable to Start a service that is still Draining."));
        }
        Some(ServiceStatus::Inactive) | None => {}
    }
    if state.services.len() >= SERVICES_MAX {
        return Err(invalid("The number of services is limited."));
    }
    let limits = Limits {
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        circuit_breaker: false,
        rollback: false,
    };
    let service = Service {
        cluster,
        name,
        status: ServiceStatus::Active,
        desired: count(input, "desiredCount")?.unwrap_or(0),
        limits: limits_of(input, limits)?,
        health_check_grace_seconds: count(input, "healthCheckGracePeriodSeconds")?.unwrap_or(0),
        load_balancer: load_balancer(ecs, input)?,
        deployments: vec![rollout::begin(&definition, now)],
        events: VecDeque::new(),
        created_at: now,
        steady: false,
    };
    let answer = json!({ "service": shape(ecs, &state, &service) });
    state.services.insert(key, service);
    Ok(answer)
}

/// `UpdateService`. A new definition or `forceNewDeployment` begins a deployment.
pub(super) fn update(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let now = (ecs.clock)();
    let mut state = ecs.state();
    let key = find(ecs, &state, input)?;
    let mut service = state.services[&key].clone();
    if service.status != ServiceStatus::Active {
        return Err(AwsError::refused("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let named = input.text("taskDefinition")?;
    let named = named.map(|named| definition(ecs, &state, named)).transpose()?;
    if let Some(desired) = count(input, "desiredCount")? {
        service.desired = desired;
    }
    service.limits = limits_of(input, service.limits)?;
    if let Some(grace) = count(input, "healthCheckGracePeriodSeconds")? {
        service.health_check_grace_seconds = grace;
    }
    let current = service.primary().map(|primary| primary.definition.clone());
    let changed = named.is_some() && named != current;
    if changed || input.boolean("forceNewDeployment")?.unwrap_or(false) {
        let definition = named.or(current).ok_or_else(|| invalid("There is no deployment."))?;
        service.deployments.insert(0, rollout::begin(&definition, now));
    }
    let answer = json!({ "service": shape(ecs, &state, &service) });
    state.services.insert(key, service);
    Ok(answer)
}

/// `DescribeServices`; unknown ones are answered as failures.
pub(super) fn describe(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let state = ecs.state();
    let cluster = ecs.cluster(&state, input)?;
    let asked = input.texts("services")?;
    if asked.is_empty() {
        return Err(invalid("Services cannot be empty."));
    }
    if asked.len() > DESCRIBED_MAX {
        return Err(invalid(format!("At most {DESCRIBED_MAX} services can be described.")));
    }
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for name in asked {
        match state.services.get(&(cluster.clone(), last_part(name).to_owned())) {
            Some(service) => services.push(shape(ecs, &state, service)),
            None => {
                let arn = ecs.arn(&format!("service/{cluster}/{}", last_part(name)));
                failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            }
        }
    }
    Ok(json!({ "services": services, "failures": failures }))
}

/// `ListServices`, all on one page.
pub(super) fn list(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let state = ecs.state();
    let cluster = ecs.cluster(&state, input)?;
    let arns: Vec<String> = state
        .services
        .values()
        .filter(|one| one.cluster == cluster && one.status != ServiceStatus::Inactive)
        .map(|one| ecs.arn(&format!("service/{cluster}/{}", one.name)))
        .collect();
    Ok(json!({ "serviceArns": arns }))
}

/// `DeleteService`. Its tasks drain first; `force` is needed while any is desired.
pub(super) fn delete(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let mut state = ecs.state();
    let key = find(ecs, &state, input)?;
    let mut service = state.services[&key].clone();
    if service.desired > 0 && !input.boolean("force")?.unwrap_or(false) {
        return Err(invalid("The service cannot be stopped while it is scaled above 0."));
    }
    service.status = ServiceStatus::Draining;
    service.desired = 0;
    let answer = json!({ "service": shape(ecs, &state, &service) });
    state.services.insert(key, service);
    Ok(answer)
}

/// What Application Auto Scaling sees and moves.
impl Ecs {
    /// Desired tasks of a service, and whether a deployment is under way; none when there is no
    /// such active service.
    #[must_use]
    pub fn capacity(&self, cluster: &str, service: &str) -> Option<(u32, bool)> {
        let state = self.state();
        let service = state.services.get(&(cluster.to_owned(), service.to_owned()))?;
        let in_progress = |one: &Deployment| one.rollout == Rollout::InProgress;
        let deploying = service.deployments.iter().any(in_progress);
        (service.status == ServiceStatus::Active).then_some((service.desired, deploying))
    }

    /// Wants so many tasks from now on. An unknown service is left unknown.
    pub fn set_desired(&self, cluster: &str, service: &str, desired: u32) {
        let mut state = self.state();
        if let Some(service) = state.services.get_mut(&(cluster.to_owned(), service.to_owned())) {
            service.desired = desired;
        }
    }
}

fn find(ecs: &Ecs, state: &State, input: Input<'_>) -> Result<(String, String), AwsError> {
    let cluster = ecs.cluster(state, input)?;
    let key = (cluster, last_part(input.required("service")?).to_owned());
    match state.services.contains_key(&key) {
        true => Ok(key),
        false => Err(AwsError::refused("ServiceNotFoundException", "Service not found.")),
    }
}

fn definition(ecs: &Ecs, state: &State, given: &str) -> Result<String, AwsError> {
    let found = ecs.definition(state, given);
    found.ok_or_else(|| AwsError::refused("ClientException", "TaskDefinition not found."))
}

fn count(input: Input<'_>, name: &str) -> Result<Option<u32>, AwsError> {
    match input.integer(name)? {
        None => Ok(None),
        Some(value) if (0..=DESIRED_MAX).contains(&value) => Ok(u32::try_from(value).ok()),
        Some(_) => Err(invalid(format!("{name} must be between 0 and {DESIRED_MAX}."))),
    }
}

/// `deploymentConfiguration`, with what it does not say as it was.
fn limits_of(input: Input<'_>, was: Limits) -> Result<Limits, AwsError> {
    let Some(given) = input.part("deploymentConfiguration")? else { return Ok(was) };
    let breaker = given.part("deploymentCircuitBreaker")?;
    let (circuit_breaker, rollback) = match breaker {
        None => (was.circuit_breaker, was.rollback),
        Some(breaker) => (
            breaker.boolean("enable")?.unwrap_or(false),
            breaker.boolean("rollback")?.unwrap_or(false),
        ),
    };
    let limits = Limits {
        minimum_healthy_percent: count(given, "minimumHealthyPercent")?
            .unwrap_or(was.minimum_healthy_percent),
        maximum_percent: count(given, "maximumPercent")?.unwrap_or(was.maximum_percent),
        circuit_breaker,
        rollback,
    };
    if limits.minimum_healthy_percent > 100 || limits.maximum_percent < 100 {
        return Err(invalid("minimumHealthyPercent is at most 100, maximumPercent at least 100."));
    }
    if limits.minimum_healthy_percent == 100 && limits.maximum_percent == 100 {
        return Err(invalid("A deployment could neither stop nor start a task."));
    }
    Ok(limits)
}

fn load_balancer(ecs: &Ecs, input: Input<'_>) -> Result<Option<LoadBalancer>, AwsError> {
    let given = input.list("loadBalancers")?;
    let Some(given) = given.first() else { return Ok(None) };
    let target_group_arn = given.required("targetGroupArn")?.to_owned();
    if target_group_arn != ecs.balancer.target_group_arn() {
        return Err(invalid(format!("The target group {target_group_arn} does not exist.")));
    }
    let port = given.integer("containerPort")?.unwrap_or(0);
    let container_port = u16::try_from(port).map_err(|_| invalid("Invalid containerPort."))?;
    let container_name = given.text("containerName")?.unwrap_or_default().to_owned();
    Ok(Some(LoadBalancer { target_group_arn, container_name, container_port }))
}
