//! How a deployment ends: completed when the service is steady, failed by the circuit breaker, and
//! rolled back when the service asks for it. Pure but for the lines it adds to the history.

use super::plan::{Plan, failures_allowed};
use super::state::{Deployment, Phase, Rollout, Service, Task};
use chrono::{DateTime, Utc};

/// The roll-out has failed, so it may start nothing more.
pub(super) fn failed(deployment: &Deployment) -> bool {
    deployment.rollout == Rollout::Failed
}

/// A deployment that begins now.
pub(super) fn begin(definition: &str, now: DateTime<Utc>) -> Deployment {
    let id = deployment_id();
    Deployment {
        rollout_reason: format!("ECS deployment {id} in progress."),
        id,
        definition: definition.to_owned(),
        rollout: Rollout::InProgress,
        failed_tasks: 0,
        last_failure_at: None,
        created_at: now,
        updated_at: now,
    }
}

/// Follows the service's tasks: ends roll-outs, drops deployments without tasks, notes steadiness.
pub(super) fn advance(service: &mut Service, living: &[&Task], plan: &Plan, now: DateTime<Utc>) {
    break_circuit(service, now);
    let has_tasks = |one: &Deployment| living.iter().any(|task| task.started_by == one.id);
    let primary = service.primary().map(|primary| primary.id.clone());
    service.deployments.retain(|one| Some(&one.id) == primary.as_ref() || has_tasks(one));
    // Steady for people: also the tasks on their way out are gone.
    let leaving = living.iter().any(|task| !task.wanted() && task.phase != Phase::Stopped);
    let steady = plan.steady && !leaving;
    if let Some(primary) = service.deployments.first_mut()
        && plan.steady
        && primary.rollout == Rollout::InProgress
    {
        primary.rollout = Rollout::Completed;
        primary.rollout_reason = format!("ECS deployment {} completed.", primary.id);
        primary.updated_at = now;
        let words = format!("(deployment {}) deployment completed.", primary.id);
        service.note(now, &words);
    }
    if steady && !service.steady {
        service.note(now, "has reached a steady state.");
    }
    service.steady = steady;
}

/// Fails the primary after too many failures, and brings back the last completed deployment.
fn break_circuit(service: &mut Service, now: DateTime<Utc>) {
    let (limits, allowed) = (service.limits, failures_allowed(service.desired));
    let Some(primary) = service.deployments.first_mut() else { return };
    let in_progress = primary.rollout == Rollout::InProgress;
    if !limits.circuit_breaker || !in_progress || primary.failed_tasks < allowed {
        return;
    }
    primary.rollout = Rollout::Failed;
    primary.updated_at = now;
    primary.rollout_reason = "ECS deployment circuit breaker: tasks failed to start.".into();
    let words = format!("(deployment {}) deployment failed: tasks failed to start.", primary.id);
    let good = service.deployments.iter().position(|one| one.rollout == Rollout::Completed);
    service.note(now, &words);
    if let Some(good) = good.filter(|_| limits.rollback) {
        let mut back = service.deployments.remove(good);
        back.rollout = Rollout::InProgress;
        back.rollout_reason = format!("ECS deployment {} in progress.", back.id);
        back.updated_at = now;
        let words = format!("rolling back to deploymentId {}.", back.id);
        service.deployments[0].rollout_reason = format!("ECS deployment circuit breaker: {words}");
        service.deployments.insert(0, back);
        service.note(now, &words);
    }
}

/// `ecs-svc/` and 19 digits, as AWS names them.
fn deployment_id() -> String {
    let number = uuid::Uuid::new_v4().as_u128() % 10_u128.pow(19);
    format!("ecs-svc/{number:019}")
}
