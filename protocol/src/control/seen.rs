//! What is seen of an environment: traffic, the service and its tasks, redundancy groups.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Reading;

/// The service's golden signals over the newest closed period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// The wallets that it moves a cent between, so that business figures can leave them out.
    #[serde(default)]
    pub canary_wallets: Vec<String>,
}

/// One point of the charts; a missing value is a gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupView {
    pub name: String,
    /// As AWS says it: `available`, `failing-over`, `ACTIVE`, `HEALING`, …
    pub status: String,
    pub members: Vec<MemberView>,
    /// When the cloud was last asked successfully; `None` before the first time.
    pub seen_at: Option<DateTime<Utc>>,
}

/// One member of a redundancy group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberView {
    pub id: String,
    pub zone: String,
    /// `writer`, `reader`, `primary`, `replica` or `broker`.
    pub role: String,
    pub status: String,
    /// How far behind the writer, in milliseconds, where that has a meaning and is known.
    pub lag_ms: Option<u64>,
}
