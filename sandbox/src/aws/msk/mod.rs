//! Managed Streaming for Kafka: one provisioned cluster of brokers, their reboots and healing.
//!
//! Differs from AWS: nothing is created, changed or deleted; clients connect in plain text without
//! authentication (`bootstrapBrokerString`); a broker's endpoint carries its port, because all
//! brokers are at 127.0.0.1; dead brokers are started again after seconds, not minutes.

mod metrics;
mod shapes;
mod state;
mod watch;

use super::machines::Brokers;
use super::wire::{Answer, AwsError, Handler, Input, Interface, Route, Service, dispatch, ready};
use super::{Clock, Region};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::task::TaskTracker;

pub use state::Timing;

/// The service.
pub struct Msk {
    region: Region,
    clock: Clock,
    timing: Timing,
    brokers: Arc<dyn Brokers>,
    state: Mutex<State>,
    restarts: TaskTracker,
    created_at: DateTime<Utc>,
}

impl Msk {
    /// The environment's cluster, with `brokers` behind it.
    #[must_use]
    pub fn new(region: Region, timing: Timing, clock: Clock, brokers: Arc<dyn Brokers>) -> Msk {
        let (state, restarts, created_at) = (Mutex::default(), TaskTracker::new(), clock());
        Msk { region, clock, timing, brokers, state, restarts, created_at }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `wallet-local`
    fn name(&self) -> String {
        format!("wallet-{}", self.region.environment)
    }

    /// What stands after `cluster/` and `cluster-operation/` in ARNs.
    fn path(&self) -> String {
        format!("{}/3f1b8a52-6d0c-4c3f-9a37-0c1d2e3f4a5b-1", self.name())
    }

    fn arn(&self) -> String {
        self.region.arn("kafka", &format!("cluster/{}", self.path()))
    }

    fn operation_arn(&self, id: &str) -> String {
        self.region.arn("kafka", &format!("cluster-operation/{}/{id}", self.path()))
    }

    /// Refuses a cluster that does not exist.
    fn expect_cluster(&self, input: Input<'_>) -> Result<(), AwsError> {
        match input.required("clusterArn")? == self.arn() {
            true => Ok(()),
            false => {
                let words = "One or more of the parameters are incorrect: clusterArn.";
                Err(AwsError::not_found("NotFoundException", words))
            }
        }
    }
}

static INTERFACE: Interface = Interface {
    scope: "kafka",
    namespace: "",
    lists: &[],
    maps: &[],
    routes: &[
        route("GET", "/api/v2/clusters", "ListClustersV2"),
        route("GET", "/api/v2/clusters/{clusterArn}", "DescribeClusterV2"),
        route("GET", "/api/v2/clusters/{clusterArn}/operations", "ListClusterOperationsV2"),
        route("GET", "/v1/clusters", "ListClusters"),
        route("GET", "/v1/clusters/{clusterArn}", "DescribeCluster"),
        route("GET", "/v1/clusters/{clusterArn}/bootstrap-brokers", "GetBootstrapBrokers"),
        route("GET", "/v1/clusters/{clusterArn}/nodes", "ListNodes"),
        route("GET", "/v1/clusters/{clusterArn}/operations", "ListClusterOperations"),
        route("PUT", "/v1/clusters/{clusterArn}/reboot-broker", "RebootBroker"),
        route("GET", "/v1/operations/{clusterOperationArn}", "DescribeClusterOperation"),
    ],
};

const fn route(method: &'static str, path: &'static str, operation: &'static str) -> Route {
    Route { method, path, operation }
}

static OPERATIONS: &[(&str, Handler<Msk>)] = &[
    ("ListClustersV2", |msk, input| ready(shapes::list_v2(msk, input))),
    ("DescribeClusterV2", |msk, input| ready(shapes::describe_v2(msk, input))),
    ("ListClusters", |msk, input| ready(shapes::list(msk, input))),
    ("DescribeCluster", |msk, input| ready(shapes::describe(msk, input))),
    ("GetBootstrapBrokers", |msk, input| ready(shapes::bootstrap(msk, input))),
    ("ListNodes", |msk, input| ready(shapes::nodes(msk, input))),
    ("ListClusterOperations", |msk, input| ready(shapes::operations(msk, input))),
    ("ListClusterOperationsV2", |msk, input| ready(shapes::operations(msk, input))),
    ("DescribeClusterOperation", |msk, input| ready(shapes::operation(msk, input))),
    ("RebootBroker", |msk, input| ready(reboot(msk, input))),
];

impl Service for Msk {
    fn interface(&self) -> &'static Interface {
        &INTERFACE
    }

    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a> {
        dispatch(OPERATIONS, self, operation, input)
    }
}

/// `RebootBroker`: exactly one broker, accepted at once and done later.
fn reboot(msk: &Msk, input: Input<'_>) -> Result<Value, AwsError> {
    msk.expect_cluster(input)?;
    let brokers = input.texts("brokerIds")?;
    let [broker] = brokers[..] else {
        let words = "Exactly one broker can be rebooted at a time.";
        return Err(AwsError::refused("BadRequestException", words));
    };
    let id = uuid::Uuid::new_v4().to_string();
    let accepted = msk.state().reboot(broker, id.clone(), (msk.clock)());
    accepted.map_err(|refusal| AwsError::refused("BadRequestException", refusal.to_string()))?;
    Ok(json!({ "clusterArn": msk.arn(), "clusterOperationArn": msk.operation_arn(&id) }))
}
