//! What the operator wants of the service's size. Checked by `config`; plain data here.

use chrono::TimeDelta;

/// How control changes the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalingMode {
    /// Control sets the desired count; no AWS policy may be active.
    Own,
    /// Control moves the minimum capacity; AWS target tracking stays the fast loop.
    Floor,
}

impl ScalingMode {
    /// As the environment file and the dashboards say it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Floor => "floor",
        }
    }
}

/// What a task is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Percent of the CPU that the tasks reserved, averaged over them.
    Cpu,
    /// Requests per second and task.
    RequestsPerTask,
}

impl Metric {
    /// The signal that measures it.
    #[must_use]
    pub fn signal(self) -> &'static str {
        match self {
            Self::Cpu => "cpu_percent",
            Self::RequestsPerTask => "requests_per_task",
        }
    }

    /// A value in words: `cpu 61%`, `requests 120/s per task`.
    #[must_use]
    pub fn say(self, value: f64) -> String {
        match self {
            Self::Cpu => format!("cpu {value:.1}%"),
            Self::RequestsPerTask => format!("requests {value:.1}/s per task"),
        }
    }

    /// Its name in a sentence.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::RequestsPerTask => "requests per task",
        }
    }
}

/// One metric that the size follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub metric: Metric,
    /// In the metric's own unit, for each task. Above zero.
    pub value: f64,
}

/// The scaling policy of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub mode: ScalingMode,
    /// At least 1.
    pub tasks_min: u32,
    pub tasks_max: u32,
    /// At least one.
    pub targets: Vec<Target>,
    /// The share of the target below which a metric asks for fewer tasks: 0.1 means below 90 %.
    pub band: f64,
    /// Newest closed points that must all be above the target to add tasks.
    pub points_out: usize,
    /// Closed points that must all be below the band to remove tasks.
    pub points_in: usize,
    /// After any change, no task is removed for this long.
    pub cooldown_in: TimeDelta,
    /// How often the loop decides, at least; new readings make it decide at once.
    pub period: TimeDelta,
}
