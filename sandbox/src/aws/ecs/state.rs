//! What ECS remembers: clusters, definitions, services with their deployments, and tasks. Plain
//! data, no rules. Everything that grows is bounded here.

use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// As AWS: the last hundred.
const EVENTS_MAX: usize = 100;
/// Revisions kept per family; AWS allows a million, nobody here makes more than a few.
pub(super) const REVISIONS_MAX: usize = 100;
/// Services and clusters together stay far below AWS's own quotas.
pub(super) const SERVICES_MAX: usize = 100;
/// Stopped tasks kept for `DescribeTasks`, in all clusters together.
pub(super) const STOPPED_MAX: usize = 50;

/// Everything.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub clusters: BTreeMap<String, Cluster>,
    /// Revisions by family, the first one first.
    pub families: BTreeMap<String, Vec<Definition>>,
    /// By (cluster, service).
    pub services: BTreeMap<(String, String), Service>,
    /// By task id.
    pub tasks: BTreeMap<String, Task>,
}

/// A cluster.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub name: String,
}

/// One revision of a task definition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Definition {
    pub family: String,
    pub revision: usize,
    /// As registered, with defaults filled in: what `DescribeTaskDefinition` shows.
    pub document: Value,
    /// What of it matters for starting the process.
    pub container: Container,
    pub cpu: u32,
    pub memory_mib: u32,
}

impl Definition {
    /// `family:revision`
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.family, self.revision)
    }
}

/// The essential container. There is one process to a task, so further containers are not started.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Container {
    pub name: String,
    pub image: String,
    pub command: Vec<String>,
    pub environment: BTreeMap<String, String>,
    /// Seconds from SIGTERM to SIGKILL.
    pub stop_timeout_seconds: u32,
}

/// A service.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub cluster: String,
    pub name: String,
    pub status: ServiceStatus,
    pub desired: u32,
    pub limits: Limits,
    pub health_check_grace_seconds: u32,
    pub load_balancer: Option<LoadBalancer>,
    /// The PRIMARY first, then older ones that still have tasks.
    pub deployments: Vec<Deployment>,
    /// Newest first, as AWS answers.
    pub events: VecDeque<Event>,
    pub created_at: DateTime<Utc>,
    /// Whether "has reached a steady state" is the current truth.
    pub steady: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServiceStatus {
    Active,
    /// Deleted; its last tasks are stopping.
    Draining,
    Inactive,
}

/// `deploymentConfiguration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub minimum_healthy_percent: u32,
    pub maximum_percent: u32,
    pub circuit_breaker: bool,
    pub rollback: bool,
}

/// Where the tasks of a service register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LoadBalancer {
    pub target_group_arn: String,
    pub container_name: String,
    pub container_port: u16,
}

/// One roll-out of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deployment {
    /// `ecs-svc/` and 19 digits.
    pub id: String,
    /// `family:revision`
    pub definition: String,
    pub rollout: Rollout,
    pub rollout_reason: String,
    /// Tasks that failed since the last one that became healthy.
    pub failed_tasks: u32,
    pub last_failure_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

/// A line of the service's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub id: String,
    pub at: DateTime<Utc>,
    pub message: String,
}

/// `lastStatus` of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl Phase {
    pub(super) fn name(self) -> &'static str {
        match self {
            Phase::Provisioning => "PROVISIONING",
            Phase::Pending => "PENDING",
            Phase::Activating => "ACTIVATING",
            Phase::Running => "RUNNING",
            Phase::Deactivating => "DEACTIVATING",
            Phase::Stopping => "STOPPING",
            Phase::Deprovisioning => "DEPROVISIONING",
            Phase::Stopped => "STOPPED",
        }
    }
}

/// A task, from the decision to start it until an hour after its end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    /// 32 hex digits.
    pub id: String,
    pub cluster: String,
    /// `service:NAME` or `family:NAME`.
    pub group: String,
    /// The deployment's id, or what `RunTask` was given.
    pub started_by: String,
    /// `family:revision`
    pub definition: String,
    /// The container with the overrides of `RunTask` applied.
    pub container: Container,
    pub cpu: u32,
    pub memory_mib: u32,
    pub zone: String,
    /// Whether it registers at the load balancer.
    pub balanced: bool,
    pub phase: Phase,
    /// When it entered the phase.
    pub since: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    /// When it first passed its health checks (at once, when nobody checks).
    pub healthy_at: Option<DateTime<Utc>>,
    pub stopping_at: Option<DateTime<Utc>>,
    pub stopped_at: Option<DateTime<Utc>>,
    /// Why its process could not be started.
    pub start_error: Option<String>,
    /// Set when it is to end; `desiredStatus` is STOPPED from then on.
    pub stop: Option<Stop>,
    pub exit_code: Option<i32>,
    /// Its port, once the process has one.
    pub port: Option<u16>,
}

impl Task {
    /// It counts towards the service's size: it runs or will.
    pub(super) fn wanted(&self) -> bool {
        self.stop.is_none()
    }
}

/// Why a task ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    /// `ServiceSchedulerInitiated`, `UserInitiated`, `EssentialContainerExited` or
    /// `TaskFailedToStart`.
    pub code: &'static str,
    pub reason: String,
}

impl Service {
    /// Adds to the history, dropping the oldest line.
    pub(super) fn note(&mut self, now: DateTime<Utc>, message: &str) {
        let message = format!("(service {}) {message}", self.name);
        tracing::info!(service = self.name, "{message}");
        self.events.truncate(EVENTS_MAX - 1);
        self.events.push_front(Event { id: uuid::Uuid::new_v4().to_string(), at: now, message });
    }

    /// The deployment that is to have all tasks.
    pub(super) fn primary(&self) -> Option<&Deployment> {
        self.deployments.first()
    }

    /// `service:NAME`, as its tasks carry it.
    pub(super) fn group(&self) -> String {
        format!("service:{}", self.name)
    }
}

impl State {
    /// The definition called `family:revision`.
    pub(super) fn definition(&self, name: &str) -> Option<&Definition> {
        let (family, revision) = name.rsplit_once(':')?;
        let revision: usize = revision.parse().ok()?;
        self.families.get(family)?.iter().find(|definition| definition.revision == revision)
    }

    /// The tasks of one service, in the order of their ids.
    pub(super) fn tasks_of<'a>(
        &'a self,
        service: &Service,
    ) -> impl Iterator<Item = &'a Task> + use<'a> {
        let (cluster, group) = (service.cluster.clone(), service.group());
        self.tasks.values().filter(move |task| task.cluster == cluster && task.group == group)
    }
}

impl Task {
    /// A task that begins now, without load balancer.
    pub(super) fn new(
        cluster: &str,
        definition: &Definition,
        group: String,
        started_by: &str,
        zone: &str,
        now: DateTime<Utc>,
    ) -> Task {
        Task {
            id: uuid::Uuid::new_v4().simple().to_string(),
            cluster: cluster.to_owned(),
            group,
            started_by: started_by.to_owned(),
            definition: definition.name(),
            container: definition.container.clone(),
            cpu: definition.cpu,
            memory_mib: definition.memory_mib,
            zone: zone.to_owned(),
            balanced: false,
            phase: Phase::Provisioning,
            since: now,
            created_at: now,
            started_at: None,
            healthy_at: None,
            stopping_at: None,
            stopped_at: None,
            start_error: None,
            stop: None,
            exit_code: None,
            port: None,
        }
    }
}
