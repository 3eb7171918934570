//! What the emulated services need from the machines behind them: plain data and five traits.
//!
//! The services decide (when a failover starts, which reader is promoted, which task stops) and
//! these actuators do. Everything that is seen is a *level*, asked for in each pass; there are no
//! callbacks, so a missed event cannot exist. All servers listen on loopback, so an address is a
//! port. Not here: how a process is started, routed or replicated.

use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::time::Duration;

/// What an actuator answers; the error says what it was doing.
pub type Done<'a, T = ()> = BoxFuture<'a, anyhow::Result<T>>;

/// What a task is to run, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSpec {
    /// 32 hex digits, as in the task's ARN.
    pub id: String,
    pub zone: String,
    /// Image of the container: the name of a binary beside the running executable.
    pub image: String,
    /// Arguments; empty for the image's own.
    pub command: Vec<String>,
    pub environment: BTreeMap<String, String>,
    /// CPU units, 1024 to a core.
    pub cpu: u32,
    pub memory_mib: u32,
}

/// How a task's process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskProcess {
    /// It runs and (when it serves) listens on this port, ready or not.
    Running { port: Option<u16>, pid: u32 },
    /// It ended. Kept until [`Tasks::forget`].
    Exited(TaskExit),
}

/// How a task's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskExit {
    Code(i32),
    Signal(i32),
}

impl TaskExit {
    /// The exit code as a container runtime shows it: 128 + signal for a killed process.
    #[must_use]
    pub fn container_code(self) -> i32 {
        match self {
            TaskExit::Code(code) => code,
            TaskExit::Signal(signal) => 128 + signal,
        }
    }
}

/// What a task used since the reading before, against what it reserved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskUsage {
    pub cpu_percent: f64,
    pub memory_percent: f64,
}

/// Fargate: tasks as child processes.
pub trait Tasks: Send + Sync {
    /// Starts the process. Returns when it exists, not when it serves; the port is chosen by the
    /// implementation and handed to the process in its environment.
    fn start(&self, spec: TaskSpec) -> Done<'_>;

    /// Sends SIGTERM now and SIGKILL when `grace` is over. Returns at once; the end is seen in
    /// [`Tasks::processes`]. An unknown id or an ended process is not an error.
    fn terminate(&self, id: &str, grace: Duration);

    /// Every process that was started and not forgotten, by task id.
    fn processes(&self) -> BTreeMap<String, TaskProcess>;

    /// Drops what is known of an ended process.
    fn forget(&self, id: &str);

    /// Use of each running task since the last call. The first call for a task may leave it out.
    fn usage(&self) -> BTreeMap<String, TaskUsage>;
}

/// A target's state as the load balancer names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState {
    Initial,
    Healthy,
    Unhealthy,
    Draining,
}

/// A target as the load balancer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetHealth {
    pub port: u16,
    pub zone: String,
    pub state: TargetState,
    /// Status of the last failed check, such as `503` or `timeout`; none while healthy.
    pub last_failure: Option<String>,
}

/// Traffic since the reading before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    pub requests: u64,
    pub target_2xx: u64,
    pub target_4xx: u64,
    pub target_5xx: u64,
    /// Answers that the balancer itself gave: 502, 503, 504.
    pub elb_5xx: u64,
    /// Distinct response times in seconds with their counts, at most 150.
    pub response_seconds: Vec<(f64, f64)>,
}

/// The load balancer: one listener, one target group.
pub trait Targets: Send + Sync {
    /// The listener's port.
    fn listener_port(&self) -> u16;

    /// Adds a target; it is `Initial` until its first health check. Again is no change, and takes
    /// a draining target back.
    fn register(&self, port: u16, zone: &str);

    /// Sends it no new requests; it is `Draining` for `delay`, then gone.
    fn deregister(&self, port: u16, delay: Duration);

    /// Every registered or draining target.
    fn health(&self) -> Vec<TargetHealth>;

    /// What went through since the last call.
    fn take_traffic(&self) -> Traffic;
}

/// Who may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Writer,
    Reader,
}

/// A database or cache server as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// `wallet-local-1`, `wallet-local-001`.
    pub id: String,
    pub zone: String,
    /// What it is in fact: a writer accepts writes. A dead one keeps the role it had.
    pub role: Role,
    /// The process lives and answers.
    pub up: bool,
    /// Its own port.
    pub port: u16,
    /// How far behind the writer; none when it does not replicate or is unknown.
    pub lag_ms: Option<f64>,
    /// How much it has applied: comparable between members, higher is more recent.
    pub position: u64,
    /// Open client connections; none when unknown.
    pub connections: Option<u64>,
    /// Percent of one core since the reading before; none when unknown.
    pub cpu_percent: Option<f64>,
}

/// A group of servers of which one may write: Aurora's cluster or a replication group.
///
/// The endpoints are forwarders that follow the role: `switch_over` and `promote` route them.
pub trait Group: Send + Sync {
    /// The members in the order of their ids. Never waits longer than two seconds; a server that
    /// does not answer is `up: false`.
    fn members(&self) -> BoxFuture<'_, Vec<Member>>;

    /// The stable port of whoever may write.
    fn writer_port(&self) -> u16;

    /// The stable port of the readers.
    fn reader_port(&self) -> u16;

    /// Moves the role from a living writer to `target`: stops writes, lets the target catch up,
    /// makes it the writer, routes the endpoints. The old writer follows as reader.
    fn switch_over<'a>(&'a self, target: &'a str) -> Done<'a>;

    /// Makes `target` the writer although the old one is dead, and routes the endpoints.
    fn promote<'a>(&'a self, target: &'a str) -> Done<'a>;

    /// Starts a dead member again, or restarts a living one. It comes back as reader unless it is
    /// still the writer. Returns when it answers.
    fn restart<'a>(&'a self, id: &'a str) -> Done<'a>;

    /// Kills a member's process, as a failed machine does.
    fn kill<'a>(&'a self, id: &'a str) -> Done<'a>;
}

/// A broker as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerNode {
    pub id: i32,
    pub zone: String,
    /// Where clients connect.
    pub port: u16,
    pub up: bool,
}

/// The brokers' own view of the partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionHealth {
    pub active_controllers: u64,
    pub offline: u64,
    pub under_replicated: u64,
}

/// The Kafka cluster.
pub trait Brokers: Send + Sync {
    /// The brokers in the order of their ids.
    fn nodes(&self) -> BoxFuture<'_, Vec<BrokerNode>>;

    /// None when the brokers do not answer.
    fn partitions(&self) -> BoxFuture<'_, Option<PartitionHealth>>;

    /// Stops a broker and starts it again, or starts a dead one. Returns when it answers.
    fn restart(&self, id: i32) -> Done<'_>;
}
