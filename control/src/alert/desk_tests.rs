//! Alerts over a real journal: one page an episode, whatever fails or restarts.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use protocol::control::{AlertState, Reading};
use tokio::sync::Notify;

use super::{AckError, Alerts, Deliver, Evaluate};
use crate::app::Live;
use crate::aws::Change;
use crate::aws::sample::{Replies, SampleCloud};
use crate::config::read_environments;
use crate::driver::Pass;
use crate::fleet::samples::{fleet, second};
use crate::journal::Journal;

struct World {
    live: Arc<Live>,
    cloud: Arc<SampleCloud>,
    journal: Journal,
    alerts: Arc<Alerts>,
}

impl World {
    async fn open(path: &Path, cloud: Arc<SampleCloud>) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
        let wanted = read_environments(&[file]).unwrap().remove(0);
        let live = Arc::new(Live::new(wanted, second(0)));
        let journal = Journal::open(path, Arc::new(|| second(0))).await.unwrap();
        let shared: Arc<SampleCloud> = Arc::clone(&cloud);
        let outbox = Arc::new(Notify::new());
        let alerts = Alerts::recover(Arc::clone(&live), journal.clone(), shared, outbox);
        Self { alerts: Arc::new(alerts.await.unwrap()), live, cloud, journal }
    }

    /// Every rule's signal is fine, but for these.
    async fn evaluate(&self, now: DateTime<Utc>, but: &[(&str, Reading)]) {
        self.live.fleet.send_replace(fleet(3, now));
        self.live.signals.send_modify(|signals| {
            for name in ["requests", "cpu_percent", "error_percent", "p95_ms", "outbox_pending"] {
                signals.readings.insert(name.to_owned(), Reading::Fresh { value: 1.0, at: now });
            }
            for (name, reading) in but {
                signals.readings.insert((*name).to_owned(), *reading);
            }
        });
        Evaluate(Arc::clone(&self.alerts)).pass(now).await.unwrap();
    }

    async fn deliver(&self, now: DateTime<Utc>) {
        Deliver(Arc::clone(&self.alerts)).pass(now).await.unwrap();
    }

    async fn slow(&self, from: i64, to: i64) {
        for at in from..=to {
            let reading = Reading::Fresh { value: 182.0, at: second(at) };
            self.evaluate(second(at), &[("p95_ms", reading)]).await;
        }
    }

    fn shown(&self) -> Vec<(String, AlertState, Vec<String>)> {
        let alerts = self.live.alerts.borrow();
        alerts.iter().map(|one| (one.rule.clone(), one.state, one.deliveries.clone())).collect()
    }

    fn published(&self) -> Vec<(String, String)> {
        let asked = self.cloud.asked.lock().unwrap();
        let published = asked.iter().map(|change| match change {
            Change::Publish { topic, subject, .. } => (topic.clone(), subject.clone()),
            other => panic!("{other:?}"),
        });
        published.collect()
    }
}

fn cloud() -> Arc<SampleCloud> {
    Arc::new(SampleCloud::with_tasks(3))
}

#[tokio::test]
async fn an_episode_is_paged_once_through_the_topic_of_its_severity_and_then_resolved() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.slow(0, 70).await;
    world.deliver(second(70)).await;
    world.deliver(second(71)).await;
    let topic = "arn:aws:sns:sa-east-1:000000000000:wallet-local-p2".to_owned();
    assert_eq!(world.published(), [(topic.clone(), "P2 firing: latency-high".to_owned())]);
    let firing =
        ("latency-high".to_owned(), AlertState::Firing, vec!["sns p2: accepted".to_owned()]);
    assert_eq!(world.shown(), [firing]);
    assert_eq!(world.live.alerts.borrow()[0].summary, "p95 182 ms > 100 ms for 60 s");

    for at in 71..=140 {
        world.evaluate(second(at), &[]).await;
    }
    world.deliver(second(141)).await;
    assert_eq!(world.shown()[0].1, AlertState::Resolved);
    assert_eq!(world.published()[1], (topic, "P2 resolved: latency-high".to_owned()));
}

#[tokio::test]
async fn a_restart_neither_forgets_an_episode_nor_pages_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.db");
    let cloud = cloud();
    let world = World::open(&path, Arc::clone(&cloud)).await;
    world.slow(0, 60).await;
    world.deliver(second(60)).await;
    let id = world.live.alerts.borrow()[0].id.clone();
    world.alerts.ack(&id, "ann", second(61)).await.unwrap();
    drop(world);

    let world = World::open(&path, cloud).await;
    world.slow(62, 140).await;
    world.deliver(second(140)).await;
    assert_eq!(world.published().len(), 1);
    let shown = world.live.alerts.borrow()[0].clone();
    assert_eq!(
        (shown.id, shown.state, shown.owner),
        (id, AlertState::Acked, Some("ann".to_owned()))
    );
}

#[tokio::test]
async fn a_page_that_the_channel_refuses_stays_in_the_outbox_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.db");
    let cloud = cloud();
    *cloud.replies.lock().unwrap() = Replies::Refused;
    let world = World::open(&path, Arc::clone(&cloud)).await;
    world.slow(0, 60).await;
    world.deliver(second(60)).await;
    assert_eq!(world.shown()[0].2, ["sns p2: queued"]);
    drop(world);

    *cloud.replies.lock().unwrap() = Replies::Accepted;
    let world = World::open(&path, cloud).await;
    world.deliver(second(90)).await;
    assert_eq!(world.published().len(), 2);
    let ids: Vec<String> = {
        let asked = world.cloud.asked.lock().unwrap();
        let id = |change: &Change| match change {
            Change::Publish { id, .. } => id.clone(),
            other => panic!("{other:?}"),
        };
        asked.iter().map(id).collect()
    };
    assert_eq!(ids[0], ids[1], "a receiver can drop the double");
    let kinds: Vec<String> =
        world.journal.since(0, 100).await.unwrap().into_iter().map(|event| event.kind).collect();
    let want = [
        "alert.firing",
        "delivery.queued",
        "delivery.sending",
        "delivery.queued",
        "delivery.sending",
        "delivery.accepted",
    ];
    assert_eq!(kinds, want);
}

/// Publishing stops: what depends on the signal keeps its state and says so, and the missing of
/// data is an alert of its own.
#[tokio::test]
async fn data_that_stops_resolves_nothing_and_is_an_alert_itself() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.slow(0, 60).await;
    for at in 61..=400 {
        let gone = [("p95_ms", Reading::Absent), ("requests", Reading::Absent)];
        world.evaluate(second(at), &gone).await;
    }
    let shown = world.shown();
    let states: Vec<_> = shown.iter().map(|(rule, state, _)| (rule.as_str(), *state)).collect();
    assert_eq!(
        states,
        [("no-traffic-data", AlertState::Firing), ("latency-high", AlertState::Firing)]
    );
    assert!(world.live.alerts.borrow()[1].no_data);
}

#[tokio::test]
async fn only_a_firing_alert_can_be_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    world.slow(0, 30).await;
    let id = world.live.alerts.borrow()[0].id.clone();
    let error = world.alerts.ack(&id, "ann", second(31)).await.unwrap_err();
    assert!(matches!(error, AckError::NotFiring { .. }), "{error}");
    assert!(world.published().is_empty(), "pending pages nobody");
}
