//! Keeps the number of the database's readers at what their load asks for.
//!
//! Owns: the minimum of readers that Application Auto Scaling keeps in the Aurora cluster. Never
//! touches: the writer, promotion order, instances that AWS did not add itself. While the cluster
//! is not registered with Application Auto Scaling, it only says what it would do.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use protocol::control::DecisionView;
use tokio::sync::Notify;

use super::capacity::decide::{Decision, Observed};
use super::capacity::{Capacity, Policy, Resource, Sizes, Stops};
use crate::app::{App, Live};
use crate::aws::{CallError, Change, Cloud};
use crate::fleet::Scaling;
use crate::intent::Record;

/// How often is decided where no policy says so: nothing is, until a reload brings one.
const PERIOD: Duration = Duration::from_secs(30);

/// The readers of one environment's database.
pub struct Readers {
    live: Arc<Live>,
    stops: Stops,
}

/// The loop that sizes the readers with what the journal tells, and its period. Without a policy
/// it does nothing.
#[must_use]
pub fn with(
    told: (&Sizes, &[Record]),
    app: &App,
    live: &Arc<Live>,
    observe: Arc<Notify>,
) -> (Duration, Capacity<Readers>) {
    let period = live.wanted().readers.as_ref().and_then(|policy| policy.period.to_std().ok());
    let readers = Readers { live: Arc::clone(live), stops: Stops::of(app) };
    let capacity = Capacity::with(told, app, Arc::clone(live), readers, observe);
    (period.unwrap_or(PERIOD), capacity)
}

impl Readers {
    fn registered(&self) -> Option<Scaling> {
        self.live.fleet.borrow().readers.as_ref().and_then(|seen| seen.value.clone())
    }
}

impl Resource for Readers {
    fn policy(&self) -> Option<Policy> {
        self.live.wanted().readers.clone()
    }

    fn subject(&self) -> String {
        let wanted = self.live.wanted();
        format!("{}/readers/{}", wanted.name, wanted.database)
    }

    fn observe(&self, _: &Policy, now: DateTime<Utc>) -> Observed {
        let wanted = self.live.wanted();
        let registered = self.registered().map(|scaling| scaling.min);
        let fleet = self.live.fleet.borrow();
        let database = fleet.database.as_ref();
        let available = database.map(|seen| seen.value.readers_available().count());
        let mut seen = self.stops.observe(&self.live, &wanted.database, now);
        // What control would move; without a registration, what there is.
        seen.current = registered.or_else(|| u32::try_from(available?).ok());
        seen.seen_at = database.map(|seen| seen.at);
        // Aurora adds and removes readers only while the cluster is available.
        seen.deploying = database.is_some_and(|seen| seen.value.status != "available");
        if fleet.readers.is_none() {
            let why = "it is not known yet whether AWS scales the readers too";
            seen.forbidden = Some(why.to_owned());
        }
        seen
    }

    fn change(&self, policy: &Policy, decision: &Decision) -> Change {
        // The maximum is AWS's own for as long as it is the higher one.
        let max = self.registered().map_or(policy.tasks_max, |scaling| scaling.max);
        let cluster = self.live.wanted().database.clone();
        Change::SetReaders { cluster, min: decision.to, max: max.max(decision.to) }
    }

    fn look<'a>(
        &'a self,
        _: &'a Policy,
        cloud: &'a dyn Cloud,
    ) -> BoxFuture<'a, Result<Option<u32>, CallError>> {
        Box::pin(async move {
            let scaling = cloud.readers(&self.live.wanted().database).await?;
            Ok(scaling.map(|scaling| scaling.min))
        })
    }

    fn price(&self) -> Option<u64> {
        let fleet = self.live.fleet.borrow();
        let reader = fleet.database.as_ref()?.value.instances.iter().find(|one| !one.writer)?;
        self.live.wanted().prices.database.get(&reader.class).map(|price| price.micros)
    }

    fn show(&self, view: DecisionView) {
        self.live.readers.send_replace(Some(view));
    }

    fn only_advises(&self) -> bool {
        self.registered().is_none()
    }
}
