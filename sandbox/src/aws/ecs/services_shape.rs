//! A service as `DescribeServices` shows it.

use super::Ecs;
use super::state::{Deployment, LoadBalancer, Phase, Rollout, Service, ServiceStatus, State, Task};
use crate::aws::wire::timestamp;
use serde_json::{Value, json};

/// The document; counts are taken from the tasks as they are.
pub(super) fn shape(ecs: &Ecs, state: &State, service: &Service) -> Value {
    let tasks: Vec<&Task> = state.tasks_of(service).collect();
    let (running, pending) = counts(&tasks);
    let definition = service.primary().map(|primary| definition_arn(ecs, &primary.definition));
    let deployments: Vec<Value> = service
        .deployments
        .iter()
        .enumerate()
        .map(|(index, one)| deployment(ecs, service, one, index == 0, &tasks))
        .collect();
    let balancers: Vec<Value> = service.load_balancer.iter().map(load_balancer).collect();
    let events: Vec<Value> = service
        .events
        .iter()
        .map(|one| json!({ "id": one.id, "createdAt": timestamp(one.at), "message": one.message }))
        .collect();
    json!({
        "serviceArn": ecs.arn(&format!("service/{}/{}", service.cluster, service.name)),
        "serviceName": service.name,
        "clusterArn": ecs.arn(&format!("cluster/{}", service.cluster)),
        "status": status(service.status),
        "desiredCount": service.desired,
        "runningCount": running,
        "pendingCount": pending,
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "taskDefinition": definition,
        "loadBalancers": balancers,
        "serviceRegistries": [],
        "deploymentConfiguration": {
            "minimumHealthyPercent": service.limits.minimum_healthy_percent,
            "maximumPercent": service.limits.maximum_percent,
            "deploymentCircuitBreaker": {
                "enable": service.limits.circuit_breaker,
                "rollback": service.limits.rollback,
            },
            "strategy": "ROLLING",
        },
        "deployments": deployments,
        "events": events,
        "createdAt": timestamp(service.created_at),
        "healthCheckGracePeriodSeconds": service.health_check_grace_seconds,
        "schedulingStrategy": "REPLICA",
        "deploymentController": { "type": "ECS" },
        "enableECSManagedTags": false,
        "enableExecuteCommand": false,
        "propagateTags": "NONE",
        "placementConstraints": [],
        "placementStrategy": [],
    })
}

/// The ARN of `family:revision`.
pub(super) fn definition_arn(ecs: &Ecs, definition: &str) -> String {
    ecs.arn(&format!("task-definition/{definition}"))
}

fn deployment(
    ecs: &Ecs,
    service: &Service,
    one: &Deployment,
    primary: bool,
    tasks: &[&Task],
) -> Value {
    let own: Vec<&Task> = tasks.iter().copied().filter(|task| task.started_by == one.id).collect();
    let (running, pending) = counts(&own);
    // An older deployment wants what is left of it.
    let wanted = own.iter().filter(|task| task.wanted()).count();
    json!({
        "id": one.id,
        "status": if primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": definition_arn(ecs, &one.definition),
        "desiredCount": if primary { json!(service.desired) } else { json!(wanted) },
        "runningCount": running,
        "pendingCount": pending,
        "failedTasks": one.failed_tasks,
        "createdAt": timestamp(one.created_at),
        "updatedAt": timestamp(one.updated_at),
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "rolloutState": match one.rollout {
            Rollout::InProgress => "IN_PROGRESS",
            Rollout::Completed => "COMPLETED",
            Rollout::Failed => "FAILED",
        },
        "rolloutStateReason": one.rollout_reason,
    })
}

fn load_balancer(one: &LoadBalancer) -> Value {
    json!({
        "targetGroupArn": one.target_group_arn,
        "containerName": one.container_name,
        "containerPort": one.container_port,
    })
}

/// RUNNING, and on the way there.
fn counts(tasks: &[&Task]) -> (usize, usize) {
    let running = tasks.iter().filter(|task| task.phase == Phase::Running);
    let pending = tasks.iter().filter(|task| task.phase < Phase::Running && task.stop.is_none());
    (running.count(), pending.count())
}

fn status(status: ServiceStatus) -> &'static str {
    match status {
        ServiceStatus::Active => "ACTIVE",
        ServiceStatus::Draining => "DRAINING",
        ServiceStatus::Inactive => "INACTIVE",
    }
}
