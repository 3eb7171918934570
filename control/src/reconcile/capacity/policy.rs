//! What the operator wants of the service's size. Checked by `config`; plain data here.

use std::time::Duration;

/// How control changes the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalingMode {
    /// Control sets the desired count; no AWS policy may be active.
    Own,
    /// Control moves the minimum capacity; AWS target tracking stays the fast loop.
    Floor,
}

/// One metric that the size follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub metric: Metric,
    /// In the metric's own unit, for each task.
    pub value: f64,
}

/// What a task is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Percent of the CPU that the tasks reserved, averaged over them.
    Cpu,
    /// Requests per second and task.
    RequestsPerTask,
}

/// The scaling policy of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub mode: ScalingMode,
    pub tasks_min: u32,
    pub tasks_max: u32,
    pub targets: Vec<Target>,
    /// The share of the target below which a metric asks for fewer tasks: 0.1 means below 90 %.
    pub band: f64,
    /// Newest closed points that must all be above the target to add tasks.
    pub points_out: usize,
    /// Closed points that must all be below the band to remove tasks.
    pub points_in: usize,
    /// After any change, no task is removed for this long.
    pub cooldown_in: Duration,
    /// How often the loop decides.
    pub period: Duration,
}
