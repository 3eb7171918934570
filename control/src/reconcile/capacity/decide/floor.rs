//! What the size must not go below, whatever the load: the policy's minimum, schedules, people,
//! the forecast, and the safe size of those who see nothing. And what it must not grow beyond.

use chrono::{DateTime, Utc};

use super::decision::By;
use super::observed::{FloorSource, Observed};
use crate::reconcile::capacity::policy::Policy;

/// One floor that stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) by: By,
    /// At most the maximum that applies to it.
    pub(super) tasks: u32,
    pub(super) until: Option<DateTime<Utc>>,
}

/// The limits at one instant.
#[derive(Debug)]
pub(super) struct Limits {
    /// The policy's minimum first; at least that one.
    pub(super) floors: Vec<Standing>,
    /// Load and forecast do not grow beyond this.
    pub(super) ceiling: u32,
    pub(super) ceiling_until: Option<DateTime<Utc>>,
}

impl Limits {
    pub(super) fn at(policy: &Policy, seen: &Observed, now: DateTime<Utc>) -> Self {
        let minimum = Standing { by: By::Minimum, tasks: policy.tasks_min, until: None };
        let mut limits =
            Self { floors: Vec::with_capacity(4), ceiling: policy.tasks_max, ceiling_until: None };
        limits.floors.push(minimum);
        for (index, schedule) in policy.schedules.iter().enumerate() {
            let Some(until) = schedule.open_until(now) else { continue };
            if let Some(max) = schedule.max.filter(|max| *max < limits.ceiling) {
                limits.ceiling = max.max(policy.tasks_min);
                limits.ceiling_until = Some(until);
            }
            if let Some(min) = schedule.min {
                let tasks = min.min(policy.tasks_max);
                limits.floors.push(Standing { by: By::Schedule(index), tasks, until: Some(until) });
            }
        }
        for (index, floor) in seen.floors.iter().enumerate() {
            // A floor that was forgotten ends by itself.
            if floor.until <= now {
                continue;
            }
            let max = match floor.source {
                FloorSource::Manual => policy.tasks_max,
                FloorSource::Forecast => limits.ceiling,
            };
            let (tasks, until) = (floor.tasks.min(max), Some(floor.until));
            limits.floors.push(Standing { by: By::Floor(index), tasks, until });
        }
        limits
    }

    /// Adds the safe floor of those who have been blind for long enough.
    pub(super) fn fall_back(&mut self, policy: &Policy, seen: &Observed, now: DateTime<Utc>) {
        let Some(fallback) = &policy.fallback else { return };
        if seen.past.blind_since.is_none_or(|since| now - since < fallback.after) {
            return;
        }
        let Some(tasks) = fallback.tasks.or_else(|| seen.past.peak()) else { return };
        let tasks = tasks.clamp(policy.tasks_min, policy.tasks_max);
        self.floors.push(Standing { by: By::Fallback, tasks, until: None });
    }

    /// The highest floor; the first of equals.
    pub(super) fn highest(&self) -> Standing {
        let mut highest = self.floors[0];
        for floor in &self.floors {
            if floor.tasks > highest.tasks {
                highest = *floor;
            }
        }
        highest
    }
}
