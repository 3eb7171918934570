//! The control plane's API as dashboards and scripts read it.
//!
//! `GET /v1/stream` sends, as server-sent events: first `snapshot` ([`Snapshot`]), then
//! `environment`
//! ([`EnvironmentView`], the newest replaces the one before) and `journal` ([`JournalEvent`], whose
//! `seq` is the SSE id, so that `Last-Event-ID` resumes without loss), and `heartbeat`
//! ([`Heartbeat`]) every 5 s. Money is in millionths of a US dollar.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What was read for a signal, and how far it can be trusted. Never a bare number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Reading {
    /// Of a closed period, complete and young enough to act on.
    Fresh { value: f64, at: DateTime<Utc> },
    /// The newest known value is too old to act on.
    Stale { value: f64, at: DateTime<Utc> },
    /// The source answered in part; the value may be short.
    Partial { value: f64, at: DateTime<Utc> },
    /// The source answered, and holds nothing.
    Absent,
    /// The source could not be asked.
    Error,
}

impl Reading {
    /// The value if it may be acted on.
    #[must_use]
    pub fn fresh(&self) -> Option<f64> {
        match self {
            Self::Fresh { value, .. } => Some(*value),
            Self::Stale { .. } | Self::Partial { .. } | Self::Absent | Self::Error => None,
        }
    }

    /// The newest value known, with its instant, whatever its quality.
    #[must_use]
    pub fn last(&self) -> Option<(f64, DateTime<Utc>)> {
        match self {
            Self::Fresh { value, at } | Self::Stale { value, at } | Self::Partial { value, at } => {
                Some((*value, *at))
            }
            Self::Absent | Self::Error => None,
        }
    }
}

/// The first message of the stream, and `GET /v1/environments`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The newest journal event that this snapshot contains.
    pub seq: u64,
    pub at: DateTime<Utc>,
    /// The role of the token that asked.
    pub role: Role,
    pub environments: Vec<EnvironmentView>,
    /// The newest journal events, oldest first; at most 200.
    pub journal: Vec<JournalEvent>,
}

/// Sent every 5 s so that a silent stream is told from a dead one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    pub at: DateTime<Utc>,
    pub seq: u64,
}

/// What a token may do; each role includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Operator,
    Approver,
    Admin,
}

/// What an environment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    Local,
    Staging,
    Production,
}

/// What control may do in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Reads and alerts.
    Observe,
    /// Also says what it would do.
    Advise,
    /// Does it.
    Act,
}

/// One environment on one page: everything that the overview and the detail screen show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentView {
    pub name: String,
    pub tier: Tier,
    pub mode: Mode,
    /// When this view was made.
    pub at: DateTime<Utc>,
    pub traffic: TrafficView,
    /// The last 15 minutes, oldest first, one point a period.
    pub history: Vec<TrafficPoint>,
    pub service: ServiceView,
    pub database: GroupView,
    pub cache: GroupView,
    pub broker: GroupView,
    /// Firing and recently resolved, most severe first.
    pub alerts: Vec<AlertView>,
    /// The newest decision about the service's capacity, "hold" included.
    pub decision: Option<DecisionView>,
    /// Runs in progress and the last finished ones, newest first.
    pub runs: Vec<RunView>,
    pub cost: CostView,
}

/// The service's golden signals over the newest closed period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrafficView {
    /// Requests per second.
    pub tps: Reading,
    pub p50_ms: Reading,
    pub p95_ms: Reading,
    pub p99_ms: Reading,
    /// Answers with a 5xx status, in percent of all.
    pub error_percent: Reading,
    /// The service's own CPU, in percent of what its tasks reserved.
    pub cpu_percent: Reading,
    pub memory_percent: Reading,
    /// Requests per second and task.
    pub requests_per_task: Reading,
    /// Outbox markers not yet published.
    pub outbox_pending: Reading,
    /// Our own transfer, made every second through the load balancer.
    pub canary_ms: Reading,
}

/// One point of the charts; a missing value is a gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrafficPoint {
    pub at: DateTime<Utc>,
    pub tps: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub error_percent: Option<f64>,
    pub cpu_percent: Option<f64>,
}

/// The service's tasks: wanted and seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    pub name: String,
    /// `own` when control sets the desired count, `floor` when it moves the minimum capacity.
    pub scaling: String,
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    pub capacity_min: u32,
    pub capacity_max: u32,
    /// Targets that the load balancer calls healthy; `None` when it could not be asked.
    pub healthy: Option<u32>,
    pub tasks: Vec<TaskView>,
    /// When the cloud was last asked successfully; `None` before the first time.
    pub seen_at: Option<DateTime<Utc>>,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskView {
    pub id: String,
    pub zone: String,
    /// As ECS says it: `PENDING`, `RUNNING`, `STOPPING`, …
    pub status: String,
    /// As the load balancer says it: `healthy`, `initial`, `draining`, `unhealthy`, …
    pub health: String,
    pub started_at: Option<DateTime<Utc>>,
}

/// A redundancy group (database cluster, cache, broker): its state and its members with their
/// roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    pub name: String,
    /// As AWS says it: `available`, `failing-over`, `ACTIVE`, `HEALING`, …
    pub status: String,
    pub members: Vec<MemberView>,
    /// When the cloud was last asked successfully; `None` before the first time.
    pub seen_at: Option<DateTime<Utc>>,
}

/// One member of a redundancy group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    pub id: String,
    pub zone: String,
    /// `writer`, `reader`, `primary`, `replica` or `broker`.
    pub role: String,
    pub status: String,
    /// How far behind the writer, in milliseconds, where that has a meaning and is known.
    pub lag_ms: Option<u64>,
}

/// How urgent an alert is. P1: SMS and e-mail. P2: e-mail. P3: e-mail. P4: dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    P1,
    P2,
    P3,
    P4,
}

/// Where an alert's episode stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Pending,
    Firing,
    Acked,
    Resolved,
}

/// One episode of one alert rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertView {
    /// Names the episode for ever.
    pub id: String,
    pub rule: String,
    pub severity: Severity,
    pub state: AlertState,
    /// True while the rule's signal cannot be read: the state is then the last known one.
    pub no_data: bool,
    pub since: DateTime<Utc>,
    /// The value beside its threshold, in words: `p95 182 ms > 100 ms for 60 s`.
    pub summary: String,
    /// Deliveries as `channel: state`, oldest first.
    pub deliveries: Vec<String>,
    /// The runbook that the rule suggests.
    pub runbook: Option<String>,
    /// Who acknowledged it.
    pub owner: Option<String>,
}

/// What control decided about a resource, and why. Holding still is a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionView {
    pub seq: u64,
    pub at: DateTime<Utc>,
    pub resource: String,
    /// `scale_out`, `scale_in`, `hold`.
    pub action: String,
    pub from: u32,
    pub to: u32,
    pub reason: String,
    /// The proposals that lost, each with its reason.
    pub losing: Vec<String>,
    /// What it costs, in millionths of a dollar an hour; negative saves.
    pub cost_micros_per_hour: i64,
}

/// A runbook in execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    pub id: String,
    pub runbook: String,
    pub revision: u32,
    /// `planned`, `awaiting_approval`, `running`, `paused`, `succeeded`, `compensating`,
    /// `compensated`, `stuck`, `aborted`, `rejected`, `expired`.
    pub state: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub requested_by: String,
    /// True when the run is a rehearsal.
    pub drill: bool,
    pub steps: Vec<StepView>,
    /// Recovery time as measured by our own probe, in milliseconds, with its resolution.
    pub rto_ms: Option<u64>,
    pub rto_resolution_ms: Option<u64>,
    /// Why it stands where it stands.
    pub reason: String,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    pub id: String,
    /// `pending`, `running`, `waiting`, `observing`, `done`, `skipped`, `failed`, `timed_out`.
    pub state: String,
    pub detail: String,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// What the environment costs as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostView {
    /// Observed topology times the price book, in millionths of a dollar an hour.
    pub micros_per_hour: Option<u64>,
    /// The same by component, largest first.
    pub components: Vec<CostComponent>,
    /// The date and source of the price book.
    pub prices: String,
}

/// One component's share of the cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostComponent {
    pub name: String,
    /// What was counted: `4 × 0.25 vCPU, 0.5 GB`.
    pub basis: String,
    pub micros_per_hour: u64,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEvent {
    pub seq: u64,
    pub at: DateTime<Utc>,
    /// Who: `control`, or a token's name.
    pub actor: String,
    /// What it is about: `local/service/wallet-svc`, `local/run/…`.
    pub subject: String,
    /// What happened: `decision`, `intent.logged`, `intent.confirmed`, `run.step`, `alert.firing`,
    /// …
    pub kind: String,
    /// The event in one sentence.
    pub summary: String,
}

/// `POST /v1/runs:plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    pub environment: String,
    pub runbook: String,
    #[serde(default)]
    pub drill: bool,
    #[serde(default)]
    pub params: std::collections::BTreeMap<String, String>,
}

/// What a run would do, resolved against the world as it is. Nothing has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    /// Approval and start bind to this; it changes when the world moves.
    pub hash: String,
    pub runbook: String,
    pub revision: u32,
    /// One line a step, with its resolved arguments.
    pub steps: Vec<String>,
    /// Requirements that do not hold now. The run is refused while there are any.
    pub blockers: Vec<String>,
}

/// `POST /v1/runs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartRequest {
    pub plan_hash: String,
    pub reason: String,
}
