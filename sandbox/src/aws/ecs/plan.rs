//! Which tasks a service starts and stops now. Pure: a picture of the service in, a plan out.
//!
//! Order: end what is unhealthy, fill up the primary deployment within `maximumPercent`, give up
//! old deployments within `minimumHealthyPercent`, shrink to `desiredCount`. Differs from AWS: an
//! unhealthy task is stopped in the same pass that starts its replacement, not after it.

use super::state::Limits;
use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row before starts are slowed down.
const FAILURES_FREE: u32 = 3;
/// AWS slows down to a quarter of an hour; a demonstration would look dead.
const BACKOFF_SECONDS_MAX: i64 = 60;
/// AWS places at most so many tasks of a service in one go.
const STARTS_MAX: usize = 10;

/// A task as the scheduler sees it; tasks that are ending are not shown to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaskSeen {
    pub id: String,
    pub zone: String,
    /// It belongs to the deployment that is to have all tasks.
    pub primary: bool,
    pub condition: Condition,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Condition {
    /// Failed its health checks after the grace period.
    Unhealthy,
    /// Not yet RUNNING, or not yet healthy.
    Coming,
    Healthy,
}

/// A service as the scheduler sees it.
#[derive(Clone, Debug)]
pub(super) struct ServiceSeen<'a> {
    pub desired: u32,
    pub limits: Limits,
    /// The circuit breaker has opened and there was nothing to roll back to.
    pub failed: bool,
    pub failed_tasks: u32,
    pub last_failure_at: Option<DateTime<Utc>>,
    pub zones: &'a [String],
    pub tasks: Vec<TaskSeen>,
}

/// What to do, and whether the service is where it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Zones in which to start one task each.
    pub start: Vec<String>,
    /// Tasks to stop, and why.
    pub stop: Vec<(String, StopCause)>,
    /// Every wanted task is healthy and none too many is left.
    pub steady: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopCause {
    Unhealthy,
    ScaleIn,
    Replaced,
}

/// Decides.
pub(super) fn plan(seen: &ServiceSeen<'_>, now: DateTime<Utc>) -> Plan {
    let mut plan = Plan::default();
    let (unhealthy, mut left): (Vec<&TaskSeen>, Vec<&TaskSeen>) =
        seen.tasks.iter().partition(|task| task.condition == Condition::Unhealthy);
    plan.stop.extend(unhealthy.iter().map(|task| (task.id.clone(), StopCause::Unhealthy)));
    let desired = usize::try_from(seen.desired).unwrap_or(usize::MAX);

    let primary = left.iter().filter(|task| task.primary).count();
    let room = upper(seen).saturating_sub(left.len());
    let missing = desired.saturating_sub(primary).min(room).min(STARTS_MAX);
    let starts = if seen.failed || slowed(seen, now) { 0 } else { missing };
    plan.start = spread(seen.zones, &left, starts);

    // What the new deployment has replaced may go, as long as enough healthy tasks remain.
    let mut spare = healthy(&left).saturating_sub(lower(seen));
    let mut old: Vec<&TaskSeen> = left.iter().copied().filter(|task| !task.primary).collect();
    old.sort_by_key(|task| (task.condition, task.created_at, task.id.clone()));
    for task in old {
        if task.condition == Condition::Healthy {
            if spare == 0 {
                break;
            }
            spare -= 1;
        }
        plan.stop.push((task.id.clone(), StopCause::Replaced));
        left.retain(|other| other.id != task.id);
    }

    let mut primaries: Vec<&TaskSeen> = left.iter().copied().filter(|task| task.primary).collect();
    while primaries.len() > desired {
        let task = least_missed(&primaries);
        plan.stop.push((task.id.clone(), StopCause::ScaleIn));
        primaries.retain(|other| other.id != task.id);
    }
    plan.steady = plan.start.is_empty()
        && plan.stop.is_empty()
        && seen.tasks.len() == desired
        && seen.tasks.iter().all(|task| task.primary && task.condition == Condition::Healthy);
    plan
}

/// Failures in a row that open the circuit breaker: half of the tasks, from 3 to 200.
pub(super) fn failures_allowed(desired: u32) -> u32 {
    desired.div_ceil(2).clamp(3, 200)
}

/// Never fewer healthy tasks than this because of a deployment.
fn lower(seen: &ServiceSeen<'_>) -> usize {
    let tasks = u64::from(seen.desired) * u64::from(seen.limits.minimum_healthy_percent);
    usize::try_from(tasks.div_ceil(100)).unwrap_or(usize::MAX)
}

/// Never more living tasks than this.
fn upper(seen: &ServiceSeen<'_>) -> usize {
    let tasks = u64::from(seen.desired) * u64::from(seen.limits.maximum_percent);
    usize::try_from(tasks / 100).unwrap_or(usize::MAX)
}

fn healthy(tasks: &[&TaskSeen]) -> usize {
    tasks.iter().filter(|task| task.condition == Condition::Healthy).count()
}

/// Whether repeated failures forbid a start now: 1, 2, 4, … seconds after the last one.
fn slowed(seen: &ServiceSeen<'_>, now: DateTime<Utc>) -> bool {
    let Some(last) = seen.last_failure_at else { return false };
    let extra = seen.failed_tasks.saturating_sub(FAILURES_FREE);
    let seconds = 1_i64.checked_shl(extra).unwrap_or(i64::MAX).clamp(1, BACKOFF_SECONDS_MAX);
    seen.failed_tasks >= FAILURES_FREE && now - last < TimeDelta::seconds(seconds)
}

/// The zones for `count` more tasks: always the one with the fewest, the first among equals.
fn spread(zones: &[String], tasks: &[&TaskSeen], count: usize) -> Vec<String> {
    let mut filled: Vec<(usize, &String)> = zones
        .iter()
        .map(|zone| (tasks.iter().filter(|task| task.zone == *zone).count(), zone))
        .collect();
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count {
        let Some(emptiest) = filled.iter_mut().min_by_key(|(tasks, _)| *tasks) else { break };
        emptiest.0 += 1;
        chosen.push(emptiest.1.clone());
    }
    chosen
}

/// Of the tasks in the fullest zone: one that does not serve yet, else the newest.
fn least_missed<'a>(tasks: &[&'a TaskSeen]) -> &'a TaskSeen {
    let in_zone = |zone: &str| tasks.iter().filter(|task| task.zone == zone).count();
    let worst = tasks.iter().copied().max_by(|a, b| {
        let by_zone = in_zone(&a.zone).cmp(&in_zone(&b.zone));
        let by_use = b.condition.cmp(&a.condition);
        by_use.then(by_zone).then(a.created_at.cmp(&b.created_at)).then(a.id.cmp(&b.id))
    });
    worst.expect("is called with more tasks than are desired")
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
