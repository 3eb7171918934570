//! What the calls that control makes cannot tell of an environment, and people say in its file.

use chrono::TimeDelta;

use super::Item;

/// Said by people, because control does not see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// How many there are of things that are paid for by their number.
    pub counts: Vec<(Item, u32)>,
    /// Work that could wait or be repeated, and so could run on spare capacity.
    pub batch: Option<Batch>,
    pub logs: Option<Logs>,
    pub backups: Option<Backups>,
}

impl Default for Declared {
    /// One load balancer and one NAT gateway: the least with which the service is reachable.
    fn default() -> Self {
        Self {
            counts: vec![(Item::LoadBalancer, 1), (Item::NatGateway, 1)],
            batch: None,
            logs: None,
            backups: None,
        }
    }
}

/// Batch work on Fargate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    pub task_hours_per_month: u32,
    pub cpu_units: u32,
    pub memory_mib: u32,
}

/// How long logs are kept, and after what time they could be archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logs {
    pub kept: TimeDelta,
    pub archive_after: TimeDelta,
}

/// How long backups are kept, and how long they are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backups {
    pub kept: TimeDelta,
    pub needed: TimeDelta,
}
