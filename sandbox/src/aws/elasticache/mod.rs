//! ElastiCache: one Redis replication group of a primary and two replicas, and its failovers.
//!
//! `TestFailover` fails the primary's machine for good reason: what follows is the same automatic
//! failover that a real failure causes. Replication is asynchronous, so acknowledged writes may
//! be lost, as on AWS. Differs from AWS: nothing is created, changed or deleted; all nodes are at
//! 127.0.0.1 on ports of their own; one node group, `0001`.

mod describe;
mod events;
mod metrics;
mod test_failover;

use super::failover::Supervisor;
use super::metric::Samples;
use super::wire::{Answer, AwsError, Handler, Input, Interface, Service, dispatch, ready};
use super::{Clock, Region};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

const HOST: &str = "127.0.0.1";
const NODE_TYPE: &str = "cache.r6g.large";
const NODE_GROUP: &str = "0001";

/// The service.
pub struct ElastiCache {
    region: Region,
    clock: Clock,
    supervisor: Arc<Supervisor>,
    created_at: DateTime<Utc>,
    /// When `TestFailover` was accepted: at most as many as a day allows.
    tested: Mutex<VecDeque<DateTime<Utc>>>,
    /// Of the minute that is not published yet.
    samples: Mutex<Samples>,
}

impl ElastiCache {
    /// The environment's replication group, with the supervised group as its nodes.
    #[must_use]
    pub fn new(region: Region, clock: Clock, supervisor: Arc<Supervisor>) -> ElastiCache {
        let created_at = clock();
        let (tested, samples) = (Mutex::default(), Mutex::default());
        ElastiCache { region, clock, supervisor, created_at, tested, samples }
    }

    /// `wallet-local`
    fn group_id(&self) -> String {
        format!("wallet-{}", self.region.environment)
    }

    /// Refuses a replication group that does not exist.
    fn expect_group(&self, name: &str) -> Result<(), AwsError> {
        match name.eq_ignore_ascii_case(&self.group_id()) {
            true => Ok(()),
            false => {
                let words = format!("ReplicationGroup {name} not found.");
                Err(AwsError::not_found("ReplicationGroupNotFoundFault", words))
            }
        }
    }
}

static INTERFACE: Interface = Interface {
    scope: "elasticache",
    namespace: "http://elasticache.amazonaws.com/doc/2015-02-02/",
    lists: &[
        ("CacheClusters", "CacheCluster"),
        ("CacheNodes", "CacheNode"),
        ("Events", "Event"),
        ("MemberClusters", "ClusterId"),
        ("NodeGroupMembers", "NodeGroupMember"),
        ("NodeGroups", "NodeGroup"),
        ("ReplicationGroups", "ReplicationGroup"),
    ],
    maps: &[],
    routes: &[],
};

static OPERATIONS: &[(&str, Handler<ElastiCache>)] = &[
    ("DescribeReplicationGroups", |cache, input| ready(describe::groups(cache, input))),
    ("DescribeCacheClusters", |cache, input| ready(describe::clusters(cache, input))),
    ("DescribeEvents", |cache, input| ready(events::describe(cache, input))),
    ("TestFailover", |cache, input| Box::pin(test_failover::test_failover(cache, input))),
];

impl Service for ElastiCache {
    fn interface(&self) -> &'static Interface {
        &INTERFACE
    }

    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a> {
        dispatch(OPERATIONS, self, operation, input)
    }
}
