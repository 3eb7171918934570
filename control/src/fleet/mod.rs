//! Plain data: what is seen of an environment. No I/O, no judgement.
//!
//! Every part carries the instant of the last successful answer, and is `None` before the first:
//! an unanswered question is not an empty fleet.

pub mod observe;
#[cfg(test)]
pub(crate) mod samples;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A value and when the cloud last said it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen<T> {
    pub value: T,
    pub at: DateTime<Utc>,
}

/// Everything seen of one environment, newest answer of each part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleet {
    pub service: Option<Seen<Service>>,
    /// `None` inside: the service is not registered with Application Auto Scaling.
    pub scaling: Option<Seen<Option<Scaling>>>,
    /// The same for the database's readers.
    pub readers: Option<Seen<Option<Scaling>>>,
    pub targets: Option<Seen<Vec<Target>>>,
    pub database: Option<Seen<Database>>,
    pub cache: Option<Seen<Cache>>,
    pub broker: Option<Seen<Broker>>,
}

/// An ECS service and its tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub status: String,
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    pub deployments: Vec<Deployment>,
    pub tasks: Vec<Task>,
}

/// One deployment of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout: String,
    pub created_at: Option<DateTime<Utc>>,
}

/// One task of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The last part of the ARN.
    pub id: String,
    pub zone: String,
    /// `PROVISIONING`, `PENDING`, `RUNNING`, `DEPROVISIONING`, `STOPPED`, ….
    pub status: String,
    pub desired_status: String,
    /// Where the load balancer reaches it: the private address and, where one is bound, the port.
    pub address: Option<String>,
    pub port: Option<u16>,
    /// In thousandths of a vCPU as AWS counts them: 1024 is one.
    pub cpu_units: u32,
    pub memory_mib: u32,
    pub created_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
}

/// What Application Auto Scaling holds for the service, or for the database's readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaling {
    pub min: u32,
    pub max: u32,
    pub suspended_in: bool,
    pub suspended_out: bool,
    /// Names of the policies that AWS acts upon.
    pub policies: Vec<String>,
}

impl Scaling {
    /// True when an AWS policy may change the desired count behind our back.
    #[must_use]
    pub fn acts(&self) -> bool {
        let suspended = self.suspended_in && self.suspended_out;
        !self.policies.is_empty() && !suspended
    }
}

/// One target of the load balancer's target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub address: String,
    pub port: Option<u16>,
    /// `initial`, `healthy`, `unhealthy`, `draining`, `unused`, `unavailable`.
    pub health: String,
    pub reason: String,
}

/// An Aurora cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    pub cluster: String,
    /// `available`, `failing-over`, ….
    pub status: String,
    /// Host and port of the endpoint that follows the writer.
    pub writer_endpoint: String,
    pub reader_endpoint: String,
    pub port: u16,
    pub instances: Vec<DatabaseInstance>,
}

impl Database {
    /// The member that takes writes, while there is exactly one.
    #[must_use]
    pub fn writer(&self) -> Option<&DatabaseInstance> {
        let mut writers = self.instances.iter().filter(|one| one.writer);
        writers.next().filter(|_| writers.next().is_none())
    }

    /// Members that do not take writes, available ones only.
    pub fn readers_available(&self) -> impl Iterator<Item = &DatabaseInstance> {
        self.instances.iter().filter(|one| !one.writer && one.status == "available")
    }
}

/// One member of an Aurora cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseInstance {
    pub id: String,
    pub zone: String,
    pub status: String,
    pub writer: bool,
    /// The lowest is promoted first.
    pub promotion_tier: u32,
    /// `db.r6g.2xlarge`, ….
    pub class: String,
}

/// An ElastiCache replication group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    pub group: String,
    pub status: String,
    pub node_type: String,
    pub primary_endpoint: String,
    pub port: u16,
    pub nodes: Vec<CacheNode>,
}

/// One member of a replication group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheNode {
    pub id: String,
    /// The node group, `0001`.
    pub shard: String,
    pub zone: String,
    pub primary: bool,
    pub status: String,
}

/// An MSK cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broker {
    pub arn: String,
    pub name: String,
    /// `ACTIVE`, `HEALING`, `REBOOTING_BROKER`, ….
    pub state: String,
    pub instance_type: String,
    /// The size of each broker's volume; `None` when MSK does not say.
    pub volume_gb: Option<u32>,
    pub bootstrap: String,
    pub nodes: Vec<BrokerNode>,
}

/// One broker of an MSK cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerNode {
    pub id: String,
    pub zone: String,
    pub endpoint: String,
}
