//! The service's task count as a thing that is sized. Asks nothing from AWS but one look before a
//! change: the collecting loops did, and said when.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use protocol::control::DecisionView;

use super::decide::{Decision, Floor, FloorSource, Observed};
use super::policy::{Policy, ScalingMode};
use super::resource::{Resource, Stops};
use crate::app::Live;
use crate::aws::{CallError, Change, Cloud};
use crate::fleet::{Fleet, Seen, Service};

/// One environment's service.
pub struct Tasks {
    live: Arc<Live>,
    stops: Stops,
}

impl Tasks {
    pub(super) fn new(live: Arc<Live>, stops: Stops) -> Self {
        Self { live, stops }
    }

    /// What people and the forecast ask for at least.
    fn floors(&self, now: DateTime<Utc>) -> Vec<Floor> {
        let manual = self.stops.floors.of(&self.live.wanted().name, now).into_iter().map(|one| {
            let until = one.expires_at.format("%H:%M:%S");
            Floor {
                source: FloorSource::Manual,
                tasks: one.tasks,
                until: one.expires_at,
                why: format!("{} keeps {} until {until}: {}", one.by, one.tasks, one.reason),
            }
        });
        manual.chain(self.foretold(now)).collect()
    }

    fn foretold(&self, now: DateTime<Utc>) -> Option<Floor> {
        let settings = self.live.wanted().forecast?;
        let plan = self.live.plan.borrow();
        let plan = plan.as_ref()?;
        let (tasks, until) = plan.floor(&settings, now)?;
        let why = format!("the forecast asks for {tasks} until {}", until.format("%H:%M:%S"));
        Some(Floor { source: FloorSource::Forecast, tasks, until, why })
    }
}

impl Resource for Tasks {
    fn policy(&self) -> Option<Policy> {
        Some(self.live.wanted().scaling.clone())
    }

    fn subject(&self) -> String {
        let wanted = self.live.wanted();
        format!("{}/service/{}", wanted.name, wanted.service.name)
    }

    fn observe(&self, policy: &Policy, now: DateTime<Utc>) -> Observed {
        let wanted = self.live.wanted();
        let fleet = self.live.fleet.borrow();
        let mut seen = self.stops.observe(&self.live, &wanted.service.name, now);
        seen.current = current(policy, &fleet);
        seen.seen_at = fleet.service.as_ref().map(|seen| seen.at);
        seen.deploying = fleet.service.as_ref().is_some_and(deploying);
        seen.forbidden = forbidden(policy, &fleet);
        seen.floors = self.floors(now);
        seen
    }

    fn change(&self, policy: &Policy, decision: &Decision) -> Change {
        let names = &self.live.wanted().service;
        let (cluster, service) = (names.cluster.clone(), names.name.clone());
        let (from, to) = (decision.from, decision.to);
        match policy.mode {
            ScalingMode::Own => Change::SetDesired { cluster, service, from, to },
            ScalingMode::Floor => {
                Change::SetCapacity { cluster, service, min: to, max: policy.tasks_max }
            }
        }
    }

    fn look<'a>(
        &'a self,
        policy: &'a Policy,
        cloud: &'a dyn Cloud,
    ) -> BoxFuture<'a, Result<Option<u32>, CallError>> {
        Box::pin(async move {
            let wanted = self.live.wanted();
            let (cluster, service) = (&wanted.service.cluster, &wanted.service.name);
            match policy.mode {
                ScalingMode::Own => Ok(Some(cloud.service(cluster, service).await?.desired)),
                ScalingMode::Floor => {
                    Ok(cloud.scaling(cluster, service).await?.map(|scaling| scaling.min))
                }
            }
        })
    }

    fn price(&self) -> Option<u64> {
        let fleet = self.live.fleet.borrow();
        let task = fleet.service.as_ref()?.value.tasks.first()?;
        self.live.wanted().prices.task(task)
    }

    fn show(&self, view: DecisionView) {
        self.live.decision.send_replace(Some(view));
    }
}

/// The number that control moves.
fn current(policy: &Policy, fleet: &Fleet) -> Option<u32> {
    match policy.mode {
        ScalingMode::Own => Some(fleet.service.as_ref()?.value.desired),
        ScalingMode::Floor => Some(fleet.scaling.as_ref()?.value.as_ref()?.min),
    }
}

/// A second deployment means that tasks are being replaced, forwards or back: a rollback that the
/// circuit breaker began shows the failed one beside the one that it returns to. A lone one in
/// progress does not: ECS says so too while it starts or stops tasks to reach its count.
fn deploying(service: &Seen<Service>) -> bool {
    let all = &service.value.deployments;
    let live = all.iter().filter(|one| one.status != "INACTIVE").count();
    live > 1 || all.iter().any(|one| one.status == "PRIMARY" && one.rollout == "FAILED")
}

/// Why control must not move the number: AWS moves it too, or there is nothing to move.
fn forbidden(policy: &Policy, fleet: &Fleet) -> Option<String> {
    let scaling = fleet.scaling.as_ref().map(|seen| &seen.value);
    match (policy.mode, scaling) {
        (_, None) => Some("it is not known yet whether AWS scales the service too".to_owned()),
        (ScalingMode::Own, Some(Some(scaling))) if scaling.acts() => Some(format!(
            "AWS policy {} is active on the service, and control owns it",
            scaling.policies.join(", ")
        )),
        (ScalingMode::Floor, Some(None)) => {
            Some("the service is not registered with Application Auto Scaling".to_owned())
        }
        (ScalingMode::Own | ScalingMode::Floor, Some(_)) => None,
    }
}
