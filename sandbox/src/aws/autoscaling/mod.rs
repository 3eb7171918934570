//! Application Auto Scaling for the task count of ECS services, limits and target tracking, and
//! for the reader count of Aurora clusters, limits only.
//!
//! Registering a target moves the current count into its limits at once, which makes raising the
//! minimum a safe way to add capacity. Target tracking acts only where a policy exists.
//! Differs from AWS: only these two dimensions; only target tracking with predefined metrics; a
//! policy's alarms are decided in place and not shown in CloudWatch; activities that changed
//! nothing are not recorded; no reader is added or removed.

mod decide;
mod policies;
mod readers;
mod state;
mod targets;
mod track;

use super::ecs::Ecs;
use super::metric::Metrics;
use super::wire::{Answer, AwsError, Handler, Input, Interface, Service, dispatch, ready};
use super::{Clock, Region};
use serde_json::{Value, json};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const NAMESPACE: &str = "ecs";
const DIMENSION: &str = "ecs:service:DesiredCount";

/// The service.
pub struct AutoScaling {
    region: Region,
    clock: Clock,
    ecs: Arc<Ecs>,
    metrics: Arc<dyn Metrics>,
    state: Mutex<State>,
}

impl AutoScaling {
    /// Scales the services of `ecs` by what `metrics` say. Nothing is decided before
    /// [`AutoScaling::run`].
    #[must_use]
    pub fn new(
        region: Region,
        clock: Clock,
        ecs: Arc<Ecs>,
        metrics: Arc<dyn Metrics>,
    ) -> AutoScaling {
        AutoScaling { region, clock, ecs, metrics, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The resource that a request is about.
fn resource(input: Input<'_>) -> Result<String, AwsError> {
    expect_namespace(input)?;
    if input.required("ScalableDimension")? != DIMENSION {
        return Err(invalid("Unsupported service namespace, resource type or scalable dimension"));
    }
    Ok(input.required("ResourceId")?.to_owned())
}

fn expect_namespace(input: Input<'_>) -> Result<(), AwsError> {
    match input.required("ServiceNamespace")? {
        NAMESPACE => Ok(()),
        _ => Err(invalid("Unsupported service namespace, resource type or scalable dimension")),
    }
}

/// What answers a request.
type Operation = fn(&AutoScaling, Input<'_>) -> Result<Value, AwsError>;

/// The operation on tasks or the one on readers, as the request's namespace says.
fn either(input: Input<'_>, tasks: Operation, of_readers: Operation) -> Operation {
    if readers::about(input) { of_readers } else { tasks }
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::refused("ValidationException", message)
}

fn not_found(kind: &str, resource: &str) -> AwsError {
    let words = format!(
        "No {kind} found for service namespace: {NAMESPACE}, resource ID: {resource}, \
         scalable dimension: {DIMENSION}"
    );
    AwsError::refused("ObjectNotFoundException", words)
}

static INTERFACE: Interface = Interface {
    scope: "application-autoscaling",
    namespace: "",
    lists: &[],
    maps: &[],
    routes: &[],
};

static OPERATIONS: &[(&str, Handler<AutoScaling>)] = &[
    ("RegisterScalableTarget", |scaling, input| {
        let tasks_or_readers = either(input, targets::register, readers::register);
        ready(tasks_or_readers(scaling, input))
    }),
    ("DeregisterScalableTarget", |scaling, input| {
        let tasks_or_readers = either(input, targets::deregister, readers::deregister);
        ready(tasks_or_readers(scaling, input))
    }),
    ("DescribeScalableTargets", |scaling, input| {
        let tasks_or_readers = either(input, targets::describe, readers::describe);
        ready(tasks_or_readers(scaling, input))
    }),
    ("DescribeScalingActivities", |scaling, input| ready(targets::activities(scaling, input))),
    ("PutScalingPolicy", |scaling, input| ready(policies::put(scaling, input))),
    ("DeleteScalingPolicy", |scaling, input| ready(policies::delete(scaling, input))),
    ("DescribeScalingPolicies", |scaling, input| {
        let no_policies = |_: &AutoScaling, _: Input<'_>| Ok(json!({ "ScalingPolicies": [] }));
        ready(either(input, policies::describe, no_policies)(scaling, input))
    }),
];

impl Service for AutoScaling {
    fn interface(&self) -> &'static Interface {
        &INTERFACE
    }

    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a> {
        dispatch(OPERATIONS, self, operation, input)
    }
}
