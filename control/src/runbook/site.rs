//! What a run can see and touch of one environment: the gateways behind one small door.

use super::{action::Call, event::Reply, lag::Lag, world::World};
use crate::{
    app::Live,
    aws::{CallError, Cloud, Receipt},
    fleet::Seen,
    hold::{Freezes, Hold, Holds, Stands},
    probe::{Pace, Probes},
};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use protocol::control::AlertState;
use std::{collections::BTreeMap, error::Error, sync::Arc, time::Duration};

/// A look that takes longer is given up: what was not seen is unknown.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// One environment, as a run sees it. Simulations bring their own.
pub trait Site: Send + Sync {
    /// Looks at everything that conditions may ask for. What cannot be seen is absent.
    fn look(&self, now: DateTime<Utc>) -> BoxFuture<'_, World>;
    /// Makes a call, at most once, and says what came back.
    fn perform<'a>(&'a self, call: &'a Call, now: DateTime<Utc>) -> BoxFuture<'a, Reply>;
    /// Probes more often while a run is on.
    fn watch_closely(&self, closely: bool);
}

/// The real one.
#[derive(Clone)]
pub struct RealSite {
    pub live: Arc<Live>,
    pub cloud: Arc<dyn Cloud>,
    pub holds: Holds,
    pub freezes: Freezes,
    pub probes: Probes,
    pub lag: Lag,
}

impl Site for RealSite {
    fn look(&self, now: DateTime<Utc>) -> BoxFuture<'_, World> {
        Box::pin(async move {
            let wanted = self.live.wanted();
            let database = self.cloud.database(&wanted.database);
            let service = self.cloud.service(&wanted.service.cluster, &wanted.service.name);
            let (database, service) = tokio::join!(
                tokio::time::timeout(LOOK_MAX, database),
                tokio::time::timeout(LOOK_MAX, service),
            );
            // Stamped with the instant of asking: an answer may be older than it arrives, never
            // younger.
            let database = database.ok().and_then(Result::ok);
            let service = service.ok().and_then(Result::ok);
            let signals = self.live.signals.borrow().readings.clone();
            let replica_lag_ms = match &database {
                Some(database) => self.lag.read(self.cloud.as_ref(), database, now).await,
                None => BTreeMap::new(),
            };
            let alerts = self.live.alerts.borrow();
            let firing = alerts
                .iter()
                .filter(|alert| matches!(alert.state, AlertState::Firing | AlertState::Acked));
            World {
                alerts: Some(firing.map(|alert| alert.severity).collect()),
                database: database.map(|value| Seen { value, at: now }),
                service: service.map(|value| Seen { value, at: now }),
                replica_lag_ms,
                signals,
                probe: self.probes.outcomes(),
                frozen: self.frozen(now),
            }
        })
    }

    fn perform<'a>(&'a self, call: &'a Call, now: DateTime<Utc>) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            match call {
                Call::Cloud { change } => match self.cloud.change(change).await {
                    Ok(Receipt(receipt)) => Reply::Accepted { receipt },
                    Err(error @ CallError::Unknown { .. }) => Reply::Unknown { why: chain(&error) },
                    Err(error) => Reply::Rejected { why: error.to_string() },
                },
                Call::Hold { id, direction, expires_at, reason } => {
                    let hold = Hold {
                        id: id.clone(),
                        environment: self.live.wanted().name.clone(),
                        direction: *direction,
                        reason: reason.clone(),
                        by: "control".to_owned(),
                        expires_at: *expires_at,
                    };
                    match self.holds.take(hold, now).await {
                        Ok(()) => Reply::Accepted { receipt: id.clone() },
                        Err(error) => Reply::Rejected { why: chain(&error) },
                    }
                }
                Call::Release { id } => match self.holds.release(id, "control").await {
                    Ok(stood) => {
                        let receipt = if stood { "released" } else { "nothing stood" };
                        Reply::Accepted { receipt: receipt.to_owned() }
                    }
                    Err(error) => Reply::Rejected { why: chain(&error) },
                },
            }
        })
    }

    fn watch_closely(&self, closely: bool) {
        self.probes.set_pace(if closely { Pace::Alert } else { Pace::Calm });
    }
}

impl RealSite {
    /// The freeze that lasts longest, in words.
    fn frozen(&self, now: DateTime<Utc>) -> Option<String> {
        let standing = self.freezes.of(&self.live.wanted().name, now);
        let longest = standing.into_iter().max_by_key(Stands::expires_at)?;
        let until = longest.expires_at.format("%H:%M:%S");
        Some(format!("{} froze it until {until}: {}", longest.by, longest.reason))
    }
}

/// The error with its causes, as one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
