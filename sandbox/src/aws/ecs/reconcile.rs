//! One pass over all tasks and services: the world as seen in, changed state and effects out.
//!
//! Nothing is done here; the effects are carried out by the scheduler's loop. Tasks move first,
//! then each service plans with what its tasks have become.

use super::lifecycle::{self, Effect, Seen, Timing};
use super::plan::{Condition, Plan, ServiceSeen, StopCause, TaskSeen, plan};
use super::rollout;
use super::state::{Phase, STOPPED_MAX, Service, ServiceStatus, State, Stop, Task};
use crate::aws::machines::{TargetHealth, TargetState, TaskProcess};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// As AWS: a stopped task is shown for an hour.
const STOPPED_SHOWN: TimeDelta = TimeDelta::hours(1);
/// A RUNNING task that the balancer does not know after this was taken out by somebody.
const REGISTRATION_LIMIT: TimeDelta = TimeDelta::seconds(5);

/// What the machines say now.
pub(super) struct World<'a> {
    pub processes: &'a BTreeMap<String, TaskProcess>,
    pub targets: &'a [TargetHealth],
    pub zones: &'a [String],
    pub timing: &'a Timing,
    pub now: DateTime<Utc>,
}

impl World<'_> {
    fn seen(&self, task: &Task) -> Seen {
        let process = self.processes.get(&task.id).cloned();
        let port = match &process {
            Some(TaskProcess::Running { port, .. }) => *port,
            Some(TaskProcess::Exited(_)) | None => task.port,
        };
        let target = port.filter(|_| task.balanced).and_then(|port| {
            self.targets.iter().find(|target| target.port == port).map(|target| target.state)
        });
        Seen { process, target }
    }
}

/// Moves everything on by one step.
pub(super) fn pass(state: &mut State, world: &World<'_>) -> Vec<(String, Effect)> {
    let mut effects = Vec::new();
    let ids: Vec<String> = state.tasks.keys().cloned().collect();
    for id in ids {
        move_task(state, &id, world, &mut effects);
    }
    let keys: Vec<(String, String)> = state.services.keys().cloned().collect();
    for key in keys {
        move_service(state, &key, world);
    }
    forget_stopped(state, world.now);
    effects
}

/// One step in the life of one task.
fn move_task(state: &mut State, id: &str, world: &World<'_>, effects: &mut Vec<(String, Effect)>) {
    let now = world.now;
    let task = state.tasks.get_mut(id).expect("the id was just listed");
    let seen = world.seen(task);
    match &seen.process {
        Some(TaskProcess::Running { port, .. }) => task.port = *port,
        Some(TaskProcess::Exited(exit)) => task.exit_code = Some(exit.container_code()),
        None => {}
    }
    if let Some(stop) = lifecycle::failure(task, &seen, world.timing, now) {
        task.stopping_at = Some(now);
        task.stop = Some(stop);
    }
    let first_health = task.healthy_at.is_none() && condition(task, &seen, 0, now).is_healthy();
    if first_health {
        task.healthy_at = Some(now);
    }
    if let Some((phase, done)) = lifecycle::next(task, &seen, world.timing, now) {
        (task.phase, task.since) = (phase, now);
        match phase {
            Phase::Running => task.started_at = Some(now),
            Phase::Stopped => task.stopped_at = Some(now),
            _ => {}
        }
        effects.extend(done.into_iter().map(|effect| (id.to_owned(), effect)));
    }
    let task = task.clone();
    account(state, &task, first_health, now);
}

/// Tells the task's deployment that the task became healthy, or ended before it ever was.
fn account(state: &mut State, task: &Task, first_health: bool, now: DateTime<Utc>) {
    let failed = task.stopping_at == Some(now)
        && task.healthy_at.is_none()
        && task.stop.as_ref().is_some_and(|stop| stop.code != "UserInitiated");
    let name = task.group.strip_prefix("service:").unwrap_or_default();
    let key = (task.cluster.clone(), name.to_owned());
    let Some(service) = state.services.get_mut(&key) else { return };
    let deployment = service.deployments.iter_mut().find(|one| one.id == task.started_by);
    let Some(deployment) = deployment else { return };
    if first_health {
        deployment.failed_tasks = 0;
        deployment.last_failure_at = None;
    } else if failed {
        deployment.failed_tasks = deployment.failed_tasks.saturating_add(1);
        deployment.last_failure_at = Some(now);
    }
}

/// Plans one service, and does the plan.
fn move_service(state: &mut State, key: &(String, String), world: &World<'_>) {
    let now = world.now;
    let service = &state.services[key];
    if service.status == ServiceStatus::Inactive {
        return;
    }
    let plan = plan(&picture(state, service, world), now);
    let mut service = service.clone();
    stop_tasks(state, &mut service, &plan, now);
    start_tasks(state, &mut service, &plan, now);
    let living: Vec<&Task> =
        state.tasks_of(&service).filter(|task| task.phase != Phase::Stopped).collect();
    rollout::advance(&mut service, &living, &plan, now);
    if service.status == ServiceStatus::Draining && living.is_empty() {
        service.status = ServiceStatus::Inactive;
        service.deployments.clear();
    }
    state.services.insert(key.clone(), service);
}

/// The service as the planner wants it.
fn picture<'a>(state: &State, service: &Service, world: &'a World<'_>) -> ServiceSeen<'a> {
    let primary = service.primary();
    let grace = service.health_check_grace_seconds;
    let tasks = state.tasks_of(service).filter(|task| task.wanted()).map(|task| TaskSeen {
        id: task.id.clone(),
        zone: task.zone.clone(),
        primary: primary.is_some_and(|primary| primary.id == task.started_by),
        condition: condition(task, &world.seen(task), grace, world.now),
        created_at: task.created_at,
    });
    ServiceSeen {
        desired: service.desired,
        limits: service.limits,
        failed: primary.is_some_and(rollout::failed),
        failed_tasks: primary.map_or(0, |primary| primary.failed_tasks),
        last_failure_at: primary.and_then(|primary| primary.last_failure_at),
        zones: world.zones,
        tasks: tasks.collect(),
    }
}

/// What the service thinks of a task.
fn condition(task: &Task, seen: &Seen, grace_seconds: u32, now: DateTime<Utc>) -> Condition {
    let Some(started) = task.started_at.filter(|_| task.phase == Phase::Running) else {
        return Condition::Coming;
    };
    let grace = TimeDelta::seconds(i64::from(grace_seconds));
    match seen.target {
        _ if !task.balanced => Condition::Healthy,
        Some(TargetState::Healthy) => Condition::Healthy,
        Some(TargetState::Initial) => Condition::Coming,
        Some(TargetState::Unhealthy) if now - started < grace => Condition::Coming,
        None if now - started < REGISTRATION_LIMIT => Condition::Coming,
        Some(TargetState::Unhealthy | TargetState::Draining) | None => Condition::Unhealthy,
    }
}

impl Condition {
    fn is_healthy(self) -> bool {
        self == Condition::Healthy
    }
}

fn stop_tasks(state: &mut State, service: &mut Service, plan: &Plan, now: DateTime<Utc>) {
    let group = service.load_balancer.as_ref().map(|to| to.target_group_arn.clone());
    for (id, cause) in &plan.stop {
        let Some(task) = state.tasks.get_mut(id) else { continue };
        let reason = match (cause, &group) {
            (StopCause::Unhealthy, Some(group)) => {
                let port = task.port.unwrap_or_default();
                let reason = "due to (reason Health checks failed)";
                service.note(now, &format!("(port {port}) is unhealthy in {group} {reason}."));
                format!("Task failed ELB health checks in (target-group {group})")
            }
            _ => format!("Scaling activity initiated by (deployment {})", task.started_by),
        };
        task.stopping_at = Some(now);
        task.stop = Some(Stop { code: "ServiceSchedulerInitiated", reason });
        let never_healthy = task.healthy_at.is_none() && *cause == StopCause::Unhealthy;
        let deployment = service.deployments.iter_mut().find(|one| one.id == task.started_by);
        if let Some(deployment) = deployment.filter(|_| never_healthy) {
            deployment.failed_tasks = deployment.failed_tasks.saturating_add(1);
            deployment.last_failure_at = Some(now);
        }
    }
    let serving = plan.stop.iter().filter(|(id, _)| {
        state.tasks.get(id).is_some_and(|task| task.balanced && task.phase == Phase::Running)
    });
    match serving.count() {
        0 => {}
        count => service.note(now, &format!("has begun draining connections on {count} tasks.")),
    }
    if !plan.stop.is_empty() {
        let names: Vec<String> = plan.stop.iter().map(|(id, _)| format!("(task {id})")).collect();
        let (count, names) = (plan.stop.len(), names.join(" "));
        service.note(now, &format!("has stopped {count} running tasks: {names}."));
    }
}

fn start_tasks(state: &mut State, service: &mut Service, plan: &Plan, now: DateTime<Utc>) {
    let Some(deployment) = service.primary().cloned() else { return };
    let Some(definition) = state.definition(&deployment.definition).cloned() else { return };
    let mut names = Vec::new();
    for zone in &plan.start {
        let group = service.group();
        let task = Task {
            balanced: service.load_balancer.is_some(),
            ..Task::new(&service.cluster, &definition, group, &deployment.id, zone, now)
        };
        names.push(format!("(task {})", task.id));
        state.tasks.insert(task.id.clone(), task);
    }
    if !names.is_empty() {
        let (count, names) = (names.len(), names.join(" "));
        service.note(now, &format!("has started {count} tasks: {names}."));
    }
}

/// Drops stopped tasks that are too old or too many, the oldest first.
fn forget_stopped(state: &mut State, now: DateTime<Utc>) {
    let mut stopped: Vec<(DateTime<Utc>, String)> = state
        .tasks
        .values()
        .filter_map(|task| task.stopped_at.map(|at| (at, task.id.clone())))
        .collect();
    stopped.sort();
    let surplus = stopped.len().saturating_sub(STOPPED_MAX);
    for (index, (at, id)) in stopped.into_iter().enumerate() {
        if index < surplus || now - at > STOPPED_SHOWN {
            state.tasks.remove(&id);
        }
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
