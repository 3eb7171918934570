//! Relational Database Service: one Aurora MySQL cluster of three instances, and its failovers.
//!
//! A failover is asynchronous as on AWS: the answer and the first moments after it still say
//! `available`, then `failing-over`, then `available` with another writer. A dead writer is
//! replaced without being asked. [`Supervisor`] decides and acts; this words it as RDS does.
//!
//! Differs from AWS: nothing is created, changed or deleted. All instances are at 127.0.0.1, so
//! where AWS has one port and several names there are several ports here: `Port` belongs to
//! `Endpoint`, and `ReaderEndpoint` carries its own (`127.0.0.1:PORT`). What AWS answers when the
//! target of a failover is already the writer is not documented; here it is
//! `InvalidDBInstanceState`.

mod clusters;
mod events;
mod instances;
mod metrics;

use super::failover::Supervisor;
use super::metric::Samples;
use super::wire::{Answer, AwsError, Handler, Input, Interface, Service, dispatch, ready};
use super::{Clock, Region};
use chrono::{DateTime, Utc};
use std::sync::{Arc, Mutex};

const ENGINE: &str = "aurora-mysql";
const ENGINE_VERSION: &str = "8.0.mysql_aurora.3.08.0";
const CLASS: &str = "db.r6g.large";
const HOST: &str = "127.0.0.1";

/// The service.
pub struct Rds {
    region: Region,
    clock: Clock,
    supervisor: Arc<Supervisor>,
    created_at: DateTime<Utc>,
    /// Of the minute that is not published yet.
    samples: Mutex<Samples>,
}

impl Rds {
    /// The environment's cluster, with the supervised group as its instances.
    #[must_use]
    pub fn new(region: Region, clock: Clock, supervisor: Arc<Supervisor>) -> Rds {
        let created_at = clock();
        Rds { region, clock, supervisor, created_at, samples: Mutex::default() }
    }

    /// `wallet-local`
    fn cluster_id(&self) -> String {
        format!("wallet-{}", self.region.environment)
    }

    fn instance_arn(&self, id: &str) -> String {
        self.region.arn("rds", &format!("db:{id}"))
    }

    fn cluster_arn(&self) -> String {
        self.region.arn("rds", &format!("cluster:{}", self.cluster_id()))
    }

    /// Whether this names the cluster: its identifier in any case, or its ARN.
    fn is_cluster(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.cluster_id()) || name == self.cluster_arn()
    }

    /// Refuses a cluster that does not exist.
    fn expect_cluster(&self, name: &str) -> Result<(), AwsError> {
        match self.is_cluster(name) {
            true => Ok(()),
            false => {
                let words = format!("DBCluster {name} not found.");
                Err(AwsError::not_found("DBClusterNotFoundFault", words))
            }
        }
    }
}

static INTERFACE: Interface = Interface {
    scope: "rds",
    namespace: "http://rds.amazonaws.com/doc/2014-10-31/",
    lists: &[
        ("AvailabilityZones", "AvailabilityZone"),
        ("DBClusterEndpoints", "DBClusterEndpointList"),
        ("DBClusterMembers", "DBClusterMember"),
        ("DBClusters", "DBCluster"),
        ("DBInstances", "DBInstance"),
        ("EventCategories", "EventCategory"),
        ("Events", "Event"),
    ],
    maps: &[],
    routes: &[],
};

static OPERATIONS: &[(&str, Handler<Rds>)] = &[
    ("DescribeDBClusters", |rds, input| ready(clusters::describe(rds, input))),
    ("DescribeDBClusterEndpoints", |rds, input| ready(clusters::endpoints(rds, input))),
    ("FailoverDBCluster", |rds, input| ready(clusters::failover(rds, input))),
    ("DescribeDBInstances", |rds, input| ready(instances::describe(rds, input))),
    ("RebootDBInstance", |rds, input| ready(instances::reboot(rds, input))),
    ("DescribeEvents", |rds, input| ready(events::describe(rds, input))),
];

impl Service for Rds {
    fn interface(&self) -> &'static Interface {
        &INTERFACE
    }

    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a> {
        dispatch(OPERATIONS, self, operation, input)
    }
}
