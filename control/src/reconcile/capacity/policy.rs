//! What the operator wants of a size. Checked by `config`; plain data here.
//!
//! One policy sizes the service's tasks, another the database's readers: the rules are the same,
//! only the metrics and the word for what is counted differ.

use chrono::TimeDelta;

use crate::calendar::Schedule;

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

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Tasks,
    Readers,
}

impl Unit {
    /// Its name in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Readers => "readers",
        }
    }
}

/// What one task, or one reader, is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Percent of the CPU that the tasks reserved, averaged over them.
    Cpu,
    /// Percent of the memory that the tasks reserved, averaged over them.
    Memory,
    /// Requests per second and task.
    RequestsPerTask,
    /// Percent of CPU, averaged over the database's readers.
    ReaderCpu,
    /// Open connections, averaged over the database's readers.
    ReaderConnections,
}

impl Metric {
    /// The signal that measures it.
    #[must_use]
    pub fn signal(self) -> &'static str {
        match self {
            Self::Cpu => "cpu_percent",
            Self::Memory => "memory_percent",
            Self::RequestsPerTask => "requests_per_task",
            Self::ReaderCpu => "reader_cpu_percent",
            Self::ReaderConnections => "reader_connections",
        }
    }

    /// A value in words: `cpu 61.0%`, `requests 120.0/s per task`.
    #[must_use]
    pub fn say(self, value: f64) -> String {
        match self {
            Self::Cpu => format!("cpu {value:.1}%"),
            Self::Memory => format!("memory {value:.1}%"),
            Self::RequestsPerTask => format!("requests {value:.1}/s per task"),
            Self::ReaderCpu => format!("reader cpu {value:.1}%"),
            Self::ReaderConnections => format!("connections {value:.0} per reader"),
        }
    }

    /// Its name in a sentence.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::RequestsPerTask => "requests per task",
            Self::ReaderCpu => "reader cpu",
            Self::ReaderConnections => "connections per reader",
        }
    }

    /// True when the load of all is known exactly, however many shared it during the period. An
    /// average over tasks that came and went is not: it says little while their number changes.
    #[must_use]
    pub fn exact(self) -> bool {
        self == Self::RequestsPerTask
    }
}

/// One metric that the size follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub metric: Metric,
    /// In the metric's own unit, for each task. Above zero.
    pub value: f64,
}

/// When more is added than the load of now asks for. A boost never removes anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boost {
    /// More errors than this, in percent, are a breach.
    pub error_percent: Option<f64>,
    /// A slower p95 than this, in milliseconds, is a breach.
    pub p95_ms: Option<f64>,
    /// During a breach the load is taken to be larger by this share.
    pub add: f64,
    pub rise: Option<Rise>,
}

/// A load that grows so steeply that it is answered before it arrives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rise {
    /// Growth from one period to the next, as a share of the load before.
    pub share: f64,
    /// How many periods the growth is taken to go on; about what a task takes to start.
    pub periods: f64,
}

/// What to do when no target is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// Blind for so long, the size is raised to the safe floor.
    pub after: TimeDelta,
    /// The safe floor; `None`: the most that ran within seven days.
    pub tasks: Option<u32>,
}

/// The scaling policy of one service, or of the database's readers.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub unit: Unit,
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
    /// At most this share of what there is, or four if that is more, is added at once for load.
    pub step_out: f64,
    /// At most this share of what there is, or one if that is more, is removed at once.
    pub step_in: f64,
    /// After any change, no task is removed for this long.
    pub cooldown_in: TimeDelta,
    /// So often within an hour may tasks be added after some were removed; then none is removed.
    pub reversals_max: usize,
    pub boost: Option<Boost>,
    pub schedules: Vec<Schedule>,
    pub fallback: Option<Fallback>,
    /// How often the loop decides, at least; new readings make it decide at once.
    pub period: TimeDelta,
}
