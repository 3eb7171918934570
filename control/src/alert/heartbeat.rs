//! Tells AWS that somebody watches, so that AWS can page when nobody does.
//!
//! Published while the alerts of the environment are evaluated and handed over, and only then: a
//! heart that beats while the mind is dead would be worse than none. An alarm on its absence lives
//! in AWS, with a topic of its own, and needs nothing of ours. Only the leader runs loops, so only
//! the leader beats.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::aws::{CallError, Cloud, Datum, Unit};
use crate::driver::{Pass, Status};

pub const HEARTBEAT_NAMESPACE: &str = "Wallet/Control";
pub const HEARTBEAT_METRIC: &str = "Heartbeat";
/// Three beats in each of the alarm's periods of 30 s, so that one lost call is no alarm.
pub(crate) const HEARTBEAT_PERIOD: Duration = Duration::from_secs(10);
/// A loop that did not succeed for this long is not alive. It passes each second.
const LOOP_AGE_MAX: TimeDelta = TimeDelta::seconds(60);

/// The loop that beats for one environment.
pub struct Heartbeat {
    environment: String,
    cloud: Arc<dyn Cloud>,
    loops: watch::Receiver<BTreeMap<String, Status>>,
}

/// Why there is no beat.
#[derive(Debug, thiserror::Error)]
pub enum HeartbeatError {
    #[error("the loop {name} has not succeeded since {since}, so there is no heartbeat")]
    Dead { name: String, since: String },
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Heartbeat {
    #[must_use]
    pub fn new(
        environment: &str,
        cloud: Arc<dyn Cloud>,
        loops: watch::Receiver<BTreeMap<String, Status>>,
    ) -> Self {
        Self { environment: environment.to_owned(), cloud, loops }
    }
}

/// The loop of those that must live that does not, and since when. Pure.
fn dead(
    environment: &str,
    loops: &BTreeMap<String, Status>,
    now: DateTime<Utc>,
) -> Option<(String, String)> {
    ["alerts", "deliver"].into_iter().find_map(|part| {
        let name = format!("{environment}/{part}");
        let ok_at = loops.get(&name).and_then(|status| status.ok_at);
        match ok_at {
            Some(at) if now - at <= LOOP_AGE_MAX => None,
            Some(at) => Some((name, at.format("%H:%M:%S").to_string())),
            None => Some((name, "its start".to_owned())),
        }
    })
}

impl Pass for Heartbeat {
    type Error = HeartbeatError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), HeartbeatError> {
        let dead = dead(&self.environment, &self.loops.borrow(), now);
        if let Some((name, since)) = dead {
            return Err(HeartbeatError::Dead { name, since });
        }
        let beat = Datum {
            metric: HEARTBEAT_METRIC.to_owned(),
            dimensions: vec![("Environment".to_owned(), self.environment.clone())],
            at: now,
            value: 1.0,
            unit: Unit::Count,
        };
        Ok(self.cloud.publish_metrics(HEARTBEAT_NAMESPACE, &[beat]).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::sample::SampleCloud;
    use crate::fleet::samples::second;

    fn loops(alerts: Option<i64>, deliver: Option<i64>) -> BTreeMap<String, Status> {
        let status = |at: Option<i64>| Status { ok_at: at.map(second), ..Status::default() };
        let named = |name: &str, at| (format!("local/{name}"), status(at));
        BTreeMap::from([named("alerts", alerts), named("deliver", deliver)])
    }

    #[tokio::test]
    async fn it_beats_while_both_loops_live_and_stops_with_either() {
        let table = [
            ("both live", loops(Some(95), Some(90)), 1),
            ("just young enough", loops(Some(40), Some(40)), 1),
            ("evaluating hangs", loops(Some(39), Some(99)), 0),
            ("delivering hangs", loops(Some(99), Some(39)), 0),
            ("never succeeded", loops(None, Some(99)), 0),
            ("not started", BTreeMap::new(), 0),
        ];
        for (why, loops, beats) in table {
            let cloud = Arc::new(SampleCloud::with_tasks(3));
            let shared: Arc<dyn Cloud> = Arc::<SampleCloud>::clone(&cloud);
            let mut heart = Heartbeat::new("local", shared, watch::Sender::new(loops).subscribe());
            let beat = heart.pass(second(100)).await;
            let published = cloud.published.lock().unwrap().clone();
            assert_eq!((published.len(), beat.is_ok()), (beats, beats == 1), "{why}");
            assert!(published.iter().all(|one| one.value > 0.0 && one.at == second(100)));
        }
    }
}
