//! Elastic Container Service: services that keep their tasks running over three zones.
//!
//! A scheduler looks at every task several times a second and does what [`lifecycle`] and [`plan`]
//! say; operations only change what is wanted. Tasks are processes behind
//! [`Tasks`] and register at the load balancer through [`Elbv2`].
//! Differs from AWS: one process to a task (the first essential container), no capacity providers,
//! task sets, daemons, exec or tags; a task definition is kept as it was registered.

mod clusters;
mod definitions;
mod lifecycle;
mod metrics;
mod plan;
mod reconcile;
mod rollout;
mod scheduler;
mod services;
mod services_shape;
mod state;
mod tasks;

use super::elbv2::Elbv2;
use super::machines::Tasks;
use super::wire::{Answer, AwsError, Handler, Input, Interface, Service, dispatch, ready};
use super::{Clock, Region};
use state::{Cluster, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use lifecycle::Timing;

/// The service; cheap to share in an [`Arc`].
pub struct Ecs {
    region: Region,
    timing: Timing,
    clock: Clock,
    processes: Arc<dyn Tasks>,
    balancer: Arc<Elbv2>,
    state: Mutex<State>,
}

impl Ecs {
    /// An empty service. Nothing starts before [`Ecs::run`].
    #[must_use]
    pub fn new(
        region: Region,
        timing: Timing,
        clock: Clock,
        processes: Arc<dyn Tasks>,
        balancer: Arc<Elbv2>,
    ) -> Ecs {
        Ecs { region, timing, clock, processes, balancer, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arn(&self, resource: &str) -> String {
        self.region.arn("ecs", resource)
    }

    /// The short name of the cluster that `cluster` (name or ARN) refers to.
    fn cluster(&self, state: &State, input: Input<'_>) -> Result<String, AwsError> {
        let name = last_part(input.text("cluster")?.unwrap_or("default"));
        match state.clusters.get(name) {
            Some(Cluster { name }) => Ok(name.clone()),
            None => Err(AwsError::refused("ClusterNotFoundException", "Cluster not found.")),
        }
    }

    /// The full name `family:revision` of what a request calls a task definition.
    fn definition(&self, state: &State, given: &str) -> Option<String> {
        let given = last_part(given);
        if given.contains(':') {
            return state.definition(given).map(state::Definition::name);
        }
        state.families.get(given)?.last().map(state::Definition::name)
    }
}

/// What follows the last slash: the name in an ARN, or the name itself.
fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::refused("InvalidParameterException", message)
}

static INTERFACE: Interface =
    Interface { scope: "ecs", namespace: "", lists: &[], maps: &[], routes: &[] };

static OPERATIONS: &[(&str, Handler<Ecs>)] = &[
    ("CreateCluster", |ecs, input| ready(clusters::create(ecs, input))),
    ("DescribeClusters", |ecs, input| ready(clusters::describe(ecs, input))),
    ("ListClusters", |ecs, _| ready(clusters::list(ecs))),
    ("RegisterTaskDefinition", |ecs, input| ready(definitions::register(ecs, input))),
    ("DescribeTaskDefinition", |ecs, input| ready(definitions::describe(ecs, input))),
    ("ListTaskDefinitions", |ecs, input| ready(definitions::list(ecs, input))),
    ("CreateService", |ecs, input| ready(services::create(ecs, input))),
    ("UpdateService", |ecs, input| ready(services::update(ecs, input))),
    ("DescribeServices", |ecs, input| ready(services::describe(ecs, input))),
    ("ListServices", |ecs, input| ready(services::list(ecs, input))),
    ("DeleteService", |ecs, input| ready(services::delete(ecs, input))),
    ("ListTasks", |ecs, input| ready(tasks::list(ecs, input))),
    ("DescribeTasks", |ecs, input| ready(tasks::describe(ecs, input))),
    ("StopTask", |ecs, input| ready(tasks::stop(ecs, input))),
    ("RunTask", |ecs, input| ready(tasks::run(ecs, input))),
];

impl Service for Ecs {
    fn interface(&self) -> &'static Interface {
        &INTERFACE
    }

    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a> {
        dispatch(OPERATIONS, self, operation, input)
    }
}
