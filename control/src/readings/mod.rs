//! Readings: what CloudWatch says of an environment's signals, and how far it can be trusted.
//!
//! A reading is never a bare number. Missing is not zero unless the signal's own rule says so and
//! another signal proves it; old is not current; a part is not the whole. Decisions are made from
//! closed periods only, because the newest point of an open one still grows.

pub mod classify;
pub mod collect;
#[cfg(test)]
mod collect_tests;
pub mod derive;
pub mod schedule;

use chrono::TimeDelta;

use crate::aws::MetricQuery;

/// One thing to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    pub name: String,
    pub namespace: String,
    pub metric: String,
    pub dimensions: Vec<(String, String)>,
    /// `Average`, `Sum`, `p99`, ….
    pub statistic: String,
    pub period: TimeDelta,
    /// A point whose period closed longer ago than this is stale.
    pub max_age: TimeDelta,
    pub absent: Absence,
    /// Multiplies each value: 1000 turns seconds into milliseconds.
    pub scale: f64,
}

impl Signal {
    /// The question for it, told apart from others of the same call by a number.
    #[must_use]
    pub fn query(&self, index: usize) -> MetricQuery {
        MetricQuery {
            id: format!("m{index}"),
            namespace: self.namespace.clone(),
            metric: self.metric.clone(),
            dimensions: self.dimensions.clone(),
            statistic: self.statistic.clone(),
            period_s: u32::try_from(self.period.num_seconds()).unwrap_or(60),
        }
    }

    /// How long a point is of use: as long as charts and capacity windows reach back, and until it
    /// is stale, with the open period and one for the publisher's lag.
    #[must_use]
    pub fn kept(&self) -> TimeDelta {
        derive::KEPT.max(self.max_age + self.period) + self.period.max(TimeDelta::minutes(1))
    }
}

/// What it means that a closed period holds no point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Nothing is known.
    Unknown,
    /// Zero, provided that this other signal has a point in the same period.
    ZeroIf(String),
}

/// The newest closed periods of a signal that capacity is decided by, newest first. `None` is a
/// period of which nothing is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    pub slots: Vec<Option<Sample>>,
}

/// One closed period of a signal, and how many tasks it is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// In the signal's unit, for each task.
    pub value: f64,
    pub tasks: u32,
}
