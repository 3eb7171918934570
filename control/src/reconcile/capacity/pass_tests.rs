//! Whole passes of the loop over a real journal: what is written before and after a change, and
//! what a refusal, a lost reply and a restart do.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{Mode, RunView};
use tokio::sync::Notify;

use super::{Capacity, ScalingMode, Tasks};
use crate::app::App;
use crate::aws::Change;
use crate::aws::sample::{Replies, SampleCloud};
use crate::config::read_environments;
use crate::driver::{Clock, Pass};
use crate::fleet::samples::{fleet, second};
use crate::fleet::{Scaling, Seen};
use crate::hold::{Freeze, ManualFloor};
use crate::journal::Journal;
use crate::readings::{Sample, Window};

struct World {
    app: App,
    cloud: Arc<SampleCloud>,
    capacity: Capacity<Tasks>,
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
    assert_eq!(decision.cost_micros_per_hour, Some(2 * 21_200));
    world.pass(54.0).await.unwrap();
    assert_eq!(world.asked(), 1, "five tasks at 54% are enough");
}

#[tokio::test]
async fn a_change_without_a_price_costs_something_unknown_and_holding_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    let mut world = World::open(&dir.path().join("j.db"), cloud, 0).await;
    let live = Arc::clone(&world.app.environments["local"]);
    let mut wanted = (*live.wanted()).clone();
    wanted.prices.items.clear();
    live.want(wanted);
    let mut costs = Vec::new();
    for cpu in [50.0, 90.0] {
        world.pass(cpu).await.unwrap();
        let decision = live.decision.borrow().clone().unwrap();
        costs.push((decision.to - decision.from, decision.cost_micros_per_hour));
    }
    assert_eq!(costs, [(0, Some(0)), (2, None)]);
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

/// AWS describes eventually: a look two seconds after a change may still show the old size.
#[tokio::test]
async fn an_old_description_neither_repeats_a_change_nor_counts_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    let mut world = World::open(&dir.path().join("j.db"), cloud, 0).await;
    world.pass(90.0).await.unwrap();
    assert_eq!(*world.cloud.desired.lock().unwrap(), 5);
    *world.cloud.desired.lock().unwrap() = 3;
    *world.now.lock().unwrap() += TimeDelta::seconds(2);
    world.see(90.0);
    let now = *world.now.lock().unwrap();
    world.capacity.pass(now).await.unwrap();
    assert_eq!(world.asked(), 1, "what was seen may be from before");
    *world.cloud.desired.lock().unwrap() = 5;
    world.pass(54.0).await.unwrap();
    assert_eq!(world.asked(), 1, "five tasks at 54% are enough");
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

/// What each mode may do, at a load that asks for more.
#[tokio::test]
async fn each_mode_does_what_it_says_and_no_more() {
    let registered = |policies: &[&str]| {
        let policies = policies.iter().map(|name| (*name).to_owned()).collect();
        Some(Scaling { min: 3, max: 9, suspended_in: false, suspended_out: false, policies })
    };
    let own = "set desired tasks of wallet-svc from 3 to 5";
    let floor = "set capacity of wallet-svc to 5..9";
    use ScalingMode::{Floor, Own};
    #[rustfmt::skip]
    let table = [
        // mode            scaling  registered with AWS     asked of AWS  decision shown
        (Mode::Observe,    Own,     None,                   None,         None),
        (Mode::Advise,     Own,     None,                   None,         Some("would: 3 → 5")),
        (Mode::Act,        Own,     None,                   Some(own),    Some("3 → 5")),
        (Mode::Act,        Own,     registered(&["cpu60"]), None,         Some("hold 3: AWS policy cpu60")),
        (Mode::Observe,    Floor,   registered(&["cpu60"]), None,         None),
        (Mode::Advise,     Floor,   registered(&["cpu60"]), None,         Some("would: 3 → 5")),
        (Mode::Act,        Floor,   registered(&["cpu60"]), Some(floor),  Some("3 → 5")),
        (Mode::Act,        Floor,   None,                   None,         Some("hold: the service was never seen")),
    ];
    for (mode, scaling, aws, asked, shown) in table {
        let dir = tempfile::tempdir().unwrap();
        let cloud = Arc::new(SampleCloud::with_tasks(3));
        let case = format!("{mode:?} {scaling:?} {aws:?}");
        *cloud.scaling.lock().unwrap() = aws;
        let mut world = World::open(&dir.path().join("j.db"), cloud, 0).await;
        let live = Arc::clone(&world.app.environments["local"]);
        let mut wanted = (*live.wanted()).clone();
        (wanted.mode, wanted.scaling.mode) = (mode, scaling);
        live.want(wanted);
        world.pass(90.0).await.unwrap();
        let sent = world.cloud.asked.lock().unwrap().first().map(ToString::to_string);
        assert_eq!(sent.as_deref(), asked, "{case}");
        let decision = live.decision.borrow().clone().map(|decision| decision.reason);
        let begins = |shown: &str| decision.as_ref().is_some_and(|one| one.starts_with(shown));
        assert!(shown.map_or_else(|| decision.is_none(), begins), "{case}: {decision:?}");
    }
}

/// People and runs in the way, through the journal's holds to what is decided.
#[tokio::test]
async fn floors_freezes_and_runs_reach_the_decision() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(SampleCloud::with_tasks(4));
    let mut world = World::open(&dir.path().join("j.db"), cloud, 0).await;
    let live = Arc::clone(&world.app.environments["local"]);
    let shown = || live.decision.borrow().clone().unwrap().reason;
    let floor = ManualFloor {
        id: "f1".to_owned(),
        environment: "local".to_owned(),
        tasks: 7,
        reason: "a sale".to_owned(),
        by: "ann".to_owned(),
        expires_at: second(600),
    };
    world.app.floors.take(floor, second(0)).await.unwrap();
    world.pass(20.0).await.unwrap();
    assert_eq!(shown(), "4 → 7: ann keeps 7 until 00:10:00: a sale");
    // Forgotten; and after the cooldown one task a step goes.
    *world.now.lock().unwrap() = second(700);
    world.pass(20.0).await.unwrap();
    assert!(shown().starts_with("7 → 6: cpu 20.0%"), "{}", shown());

    let freeze = Freeze {
        id: "z1".to_owned(),
        environment: None,
        reason: "an audit".to_owned(),
        by: "ann".to_owned(),
        expires_at: second(730),
    };
    world.app.freezes.take(freeze, second(705)).await.unwrap();
    world.pass(90.0).await.unwrap();
    assert_eq!(shown(), "hold 6: ann froze everything: an audit until 00:12:10");

    *world.now.lock().unwrap() = second(2000);
    let run = |lock: &str| RunView { lock: lock.to_owned(), ..run() };
    live.runs.send_replace(vec![run("wallet-local")]);
    world.pass(20.0).await.unwrap();
    assert_eq!(
        shown(),
        "hold 6: wants 3, but drill gameday is on, and what is measured says little"
    );
    live.runs.send_replace(vec![run("wallet-svc")]);
    world.pass(90.0).await.unwrap();
    assert_eq!(shown(), "hold 6: drill gameday owns it");
    live.runs.send_replace(vec![RunView { state: "succeeded".to_owned(), ..run("wallet-svc") }]);
    world.pass(90.0).await.unwrap();
    assert!(shown().starts_with("6 → 9: cpu 90.0%"), "{}", shown());
}

fn run() -> RunView {
    RunView {
        id: "r1".to_owned(),
        environment: "local".to_owned(),
        plan_hash: String::new(),
        asks: None,
        runbook: "gameday".to_owned(),
        revision: 1,
        state: "running".to_owned(),
        started_at: second(0),
        ended_at: None,
        requested_by: "ann".to_owned(),
        drill: true,
        lock: String::new(),
        steps: vec![],
        rto_ms: None,
        rto_resolution_ms: None,
        reason: String::new(),
    }
}
