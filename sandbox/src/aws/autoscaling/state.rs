//! What Application Auto Scaling remembers. Plain data; everything that grows is bounded.

use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, VecDeque};

/// Activities kept in all; AWS keeps six weeks.
const ACTIVITIES_MAX: usize = 100;
/// As AWS, per scalable target.
pub(super) const POLICIES_MAX: usize = 50;

/// Everything.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// By resource id, dimension `ecs:service:DesiredCount`.
    pub targets: BTreeMap<String, Target>,
    /// By resource id, dimension `rds:cluster:ReadReplicaCount`.
    pub readers: BTreeMap<String, super::readers::Range>,
    /// By (resource id, name).
    pub policies: BTreeMap<(String, String), Policy>,
    /// Newest first.
    pub activities: VecDeque<Activity>,
}

/// A registered service.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub cluster: String,
    pub service: String,
    pub min: u32,
    pub max: u32,
    pub suspended: Suspended,
    pub created_at: DateTime<Utc>,
    pub last_out: Option<(DateTime<Utc>, u32)>,
    pub last_in: Option<DateTime<Utc>>,
}

/// `SuspendedState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Suspended {
    pub scale_in: bool,
    pub scale_out: bool,
    pub scheduled: bool,
}

/// A target-tracking policy.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Policy {
    pub arn: String,
    pub target_value: f64,
    pub metric: PolicyMetric,
    /// For requests: the load balancer and target group.
    pub resource_label: Option<String>,
    pub out_cooldown_seconds: u32,
    pub in_cooldown_seconds: u32,
    pub scale_in_disabled: bool,
    pub created_at: DateTime<Utc>,
}

/// The predefined metrics that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PolicyMetric {
    Cpu,
    CpuHighResolution,
    Memory,
    RequestsPerTarget,
}

impl PolicyMetric {
    const ALL: [PolicyMetric; 4] = [
        PolicyMetric::Cpu,
        PolicyMetric::CpuHighResolution,
        PolicyMetric::Memory,
        PolicyMetric::RequestsPerTarget,
    ];

    /// AWS's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            PolicyMetric::Cpu => "ECSServiceAverageCPUUtilization",
            PolicyMetric::CpuHighResolution => "ECSServiceAverageCPUUtilizationHighResolution",
            PolicyMetric::Memory => "ECSServiceAverageMemoryUtilization",
            PolicyMetric::RequestsPerTarget => "ALBRequestCountPerTarget",
        }
    }

    /// The metric of that name.
    pub(super) fn of(name: &str) -> Option<PolicyMetric> {
        PolicyMetric::ALL.into_iter().find(|metric| metric.name() == name)
    }
}

/// One change of capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Activity {
    pub id: String,
    pub resource: String,
    pub description: String,
    pub cause: String,
    pub at: DateTime<Utc>,
}

impl State {
    /// Adds an activity, dropping the oldest.
    pub(super) fn note(&mut self, resource: &str, to: u32, cause: String, at: DateTime<Utc>) {
        self.activities.truncate(ACTIVITIES_MAX - 1);
        self.activities.push_front(Activity {
            id: uuid::Uuid::new_v4().to_string(),
            resource: resource.to_owned(),
            description: format!("Setting desired count to {to}."),
            cause,
            at,
        });
    }
}
