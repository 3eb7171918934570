//! Whole passes of the loop over a real journal: what is written before and after a change, and
//! what a refusal, a lost reply and a restart do.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

use super::Capacity;
use crate::app::App;
use crate::aws::Change;
use crate::aws::sample::{Replies, SampleCloud};
use crate::config::read_environments;
use crate::driver::{Clock, Pass};
use crate::fleet::samples::{fleet, second};
use crate::fleet::{Scaling, Seen};
use crate::journal::Journal;
use crate::readings::{Sample, Window};

struct World {
    app: App,
    cloud: Arc<SampleCloud>,
    capacity: Capacity,
    now: Arc<Mutex<DateTime<Utc>>>,
}

impl World {
    async fn open(path: &Path, cloud: Arc<SampleCloud>, start: i64) -> Self {
        let now = Arc::new(Mutex::new(second(start)));
        let read = Arc::clone(&now);
        let clock: Clock = Arc::new(move || *read.lock().unwrap());
        let journal = Journal::open(path, clock.clone()).await.unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
        let environments = read_environments(&[file]).unwrap();
        let shared: Arc<SampleCloud> = Arc::clone(&cloud);
        let app = App::build(clock, journal, shared, environments).await.unwrap();
        let live = Arc::clone(&app.environments["local"]);
        let capacity = Capacity::recover(&app, live, Arc::new(Notify::new())).await.unwrap();
        Self { app, cloud, capacity, now }
    }

    /// What the collecting loops would have seen by now, at this CPU.
    fn see(&self, cpu: f64) {
        let now = *self.now.lock().unwrap();
        let live = &self.app.environments["local"];
        let service = self.cloud.service_now(now);
        let tasks = service.running;
        live.fleet.send_modify(|fleet_now| {
            *fleet_now = fleet(3, now);
            fleet_now.service = Some(Seen { value: service, at: now });
            let scaling = self.cloud.scaling.lock().unwrap().clone();
            fleet_now.scaling = Some(Seen { value: scaling, at: now });
        });
        let window = |value| Window { slots: vec![Some(Sample { value, tasks }); 20] };
        live.signals.send_modify(|signals| {
            signals.windows.insert("cpu_percent".to_owned(), window(cpu));
            signals.windows.insert("requests_per_task".to_owned(), window(10.0));
        });
    }

    async fn pass(&mut self, cpu: f64) -> Result<(), String> {
        let now = {
            let mut now = self.now.lock().unwrap();
            *now += TimeDelta::seconds(10);
            *now
        };
        self.see(cpu);
        self.capacity.pass(now).await.map_err(|error| error.to_string())
    }

    async fn kinds(&self) -> Vec<String> {
        let events = self.app.journal.since(0, 1000).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }

    fn asked(&self) -> usize {
        self.cloud.asked.lock().unwrap().len()
    }
}

#[tokio::test]
async fn a_change_is_written_down_before_it_is_made_and_after() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    let mut world = World::open(&dir.path().join("j.db"), cloud, 0).await;
    world.pass(90.0).await.unwrap();
    assert_eq!(world.kinds().await, ["decision", "intent.logged", "intent.confirmed"]);
    let change = world.cloud.asked.lock().unwrap()[0].clone();
    let Change::SetDesired { from, to, .. } = change else { panic!("{change:?}") };
    assert_eq!((from, to), (3, 5));
    let decision = world.app.environments["local"].decision.borrow().clone().unwrap();
    assert_eq!(decision.action, "scale_out");
    assert_eq!(decision.cost_micros_per_hour, 2 * 21_200);
    world.pass(54.0).await.unwrap();
    assert_eq!(world.asked(), 1, "five tasks at 54% are enough");
}

#[tokio::test]
async fn holding_is_written_down_once_a_minute_and_shown_always() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    let mut world = World::open(&dir.path().join("j.db"), cloud, 0).await;
    for pass in 0..30 {
        world.pass(55.0 + f64::from(pass) / 100.0).await.unwrap();
        let shown = world.app.environments["local"].decision.borrow().clone().unwrap();
        assert_eq!(shown.at, *world.now.lock().unwrap(), "the newest is always visible");
    }
    assert_eq!(world.kinds().await, ["decision"; 5], "five minutes of the same reason");
}

#[tokio::test]
async fn a_refusal_changes_nothing_and_is_decided_again() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    *cloud.replies.lock().unwrap() = Replies::Refused;
    let mut world = World::open(&dir.path().join("j.db"), cloud, 0).await;
    world.pass(90.0).await.unwrap();
    assert_eq!(world.kinds().await.last().unwrap(), "intent.rejected");
    *world.cloud.replies.lock().unwrap() = Replies::Accepted;
    world.pass(90.0).await.unwrap();
    assert_eq!((world.asked(), *world.cloud.desired.lock().unwrap()), (2, 5));
}

#[tokio::test]
async fn a_lost_reply_is_settled_by_looking_and_not_by_sending() {
    for (replies, finding, sent) in
        [(Replies::MadeAndLost, "intent.applied", 1), (Replies::Lost, "intent.not_applied", 2)]
    {
        let dir = tempfile::tempdir().unwrap();
        let cloud = Arc::new(SampleCloud::with_tasks(3));
        *cloud.replies.lock().unwrap() = replies;
        let mut world = World::open(&dir.path().join("j.db"), cloud, 0).await;
        world.pass(90.0).await.unwrap();
        assert_eq!(world.kinds().await.last().unwrap(), "intent.unknown");
        *world.cloud.replies.lock().unwrap() = Replies::Accepted;
        let cpu = if replies == Replies::Lost { 90.0 } else { 54.0 };
        world.pass(cpu).await.unwrap();
        let kinds = world.kinds().await;
        assert!(kinds.iter().any(|kind| kind == finding), "{replies:?}: {kinds:?}");
        assert_eq!(world.asked(), sent, "{replies:?}");
        assert_eq!(*world.cloud.desired.lock().unwrap(), 5);
    }
}

/// A crash after the intent was written and before its reply: the next process looks first.
#[tokio::test]
async fn a_restart_finds_the_open_intent_and_keeps_the_cooldown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.db");
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    *cloud.replies.lock().unwrap() = Replies::MadeAndLost;
    let mut world = World::open(&path, Arc::clone(&cloud), 0).await;
    world.pass(90.0).await.unwrap();
    drop(world);
    *cloud.replies.lock().unwrap() = Replies::Accepted;
    let mut world = World::open(&path, cloud, 60).await;
    world.pass(20.0).await.unwrap();
    let kinds = world.kinds().await;
    assert!(kinds.contains(&"intent.applied".to_owned()), "{kinds:?}");
    let shown = world.app.environments["local"].decision.borrow().clone().unwrap();
    assert!(shown.reason.contains("cooling down"), "{}", shown.reason);
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_done() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.db");
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    let mut world = World::open(&path, Arc::clone(&cloud), 0).await;
    // Another process takes the journal over: this one was frozen, and wakes.
    let taken = World::open(&path, Arc::clone(&cloud), 0).await;
    let error = world.pass(90.0).await.unwrap_err();
    assert!(error.contains("took the journal over"), "{error}");
    assert_eq!(world.asked(), 0, "nothing was sent");
    tokio::time::timeout(std::time::Duration::from_secs(5), world.app.journal.superseded())
        .await
        .expect("the process is told to end");
    drop(taken);
}

#[tokio::test]
async fn somebody_who_moved_the_size_meanwhile_wins() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    let mut world = World::open(&dir.path().join("j.db"), cloud, 0).await;
    *world.now.lock().unwrap() += TimeDelta::seconds(10);
    world.see(90.0);
    *world.cloud.desired.lock().unwrap() = 8;
    let now = *world.now.lock().unwrap();
    let error = world.capacity.pass(now).await.unwrap_err().to_string();
    assert_eq!(error, "the size moved from 3 to 8 since it was decided");
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn an_active_aws_policy_stops_control_from_owning_the_service() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    let acting = Scaling {
        min: 3,
        max: 9,
        suspended_in: false,
        suspended_out: false,
        policies: vec!["cpu60".to_owned()],
    };
    *cloud.scaling.lock().unwrap() = Some(acting.clone());
    let mut world = World::open(&dir.path().join("j.db"), cloud, 0).await;
    let error = world.app.refuse_two_owners().await.unwrap_err().to_string();
    assert!(error.contains("AWS policy cpu60 is active"), "{error}");
    world.pass(90.0).await.unwrap();
    assert_eq!(world.asked(), 0, "nor does the loop act, should one appear later");
    let suspended = Scaling { suspended_in: true, suspended_out: true, ..acting };
    *world.cloud.scaling.lock().unwrap() = Some(suspended);
    world.app.refuse_two_owners().await.unwrap();
    world.pass(90.0).await.unwrap();
    assert_eq!(world.asked(), 1);
}
