//! The readers' loop over a real journal: what it changes, and when it only says so.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{DecisionView, Mode};
use tokio::sync::Notify;

use super::super::capacity::{Metric, Policy, ScalingMode, Target, Unit};
use super::*;
use crate::aws::sample::SampleCloud;
use crate::config::read_environments;
use crate::driver::{Clock, Pass};
use crate::fleet::Seen;
use crate::fleet::samples::{fleet, second};
use crate::journal::Journal;
use crate::readings::{Sample, Window};

fn policy() -> Policy {
    Policy {
        unit: Unit::Readers,
        mode: ScalingMode::Floor,
        tasks_min: 2,
        tasks_max: 5,
        targets: vec![
            Target { metric: Metric::ReaderCpu, value: 60.0 },
            Target { metric: Metric::ReaderConnections, value: 1000.0 },
        ],
        band: 0.1,
        points_out: 3,
        points_in: 10,
        step_out: 1.0,
        step_in: 0.1,
        cooldown_in: TimeDelta::minutes(10),
        reversals_max: 3,
        boost: None,
        schedules: vec![],
        fallback: None,
        period: TimeDelta::seconds(30),
    }
}

struct World {
    app: App,
    live: Arc<Live>,
    cloud: Arc<SampleCloud>,
    readers: Capacity<Readers>,
    now: Arc<Mutex<DateTime<Utc>>>,
}

impl World {
    async fn open(path: &Path, mode: Mode, registered: Option<u32>) -> Self {
        let now = Arc::new(Mutex::new(second(0)));
        let read = Arc::clone(&now);
        let clock: Clock = Arc::new(move || *read.lock().unwrap());
        let journal = Journal::open(path, clock.clone()).await.unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
        let mut environments = read_environments(&[file]).unwrap();
        environments[0].readers = Some(policy());
        environments[0].mode = mode;
        let cloud = Arc::new(SampleCloud::with_tasks(3));
        *cloud.readers.lock().unwrap() = registered.map(|min| Scaling {
            min,
            max: 8,
            suspended_in: false,
            suspended_out: false,
            policies: vec!["readers60".to_owned()],
        });
        let shared: Arc<SampleCloud> = Arc::clone(&cloud);
        let app = App::build(clock, journal, shared, environments).await.unwrap();
        let live = Arc::clone(&app.environments["local"]);
        let wake = Arc::new(Notify::new());
        let told = (app.journal.recall().await.unwrap(), app.intents.open().await.unwrap());
        let (_, readers) = with((&told.0, &told.1), &app, &live, wake);
        Self { app, live, cloud, readers, now }
    }

    /// A pass 30 s later, with two readers at this CPU and so many connections.
    async fn pass(&mut self, cpu: f64, connections: f64) -> DecisionView {
        let now = {
            let mut now = self.now.lock().unwrap();
            *now += TimeDelta::seconds(30);
            *now
        };
        self.live.fleet.send_modify(|seen| {
            let readers = Some(Seen { value: self.cloud.readers.lock().unwrap().clone(), at: now });
            *seen = crate::fleet::Fleet { readers, ..fleet(3, now) };
        });
        let window = |value| Window { slots: vec![Some(Sample { value, tasks: 2 }); 12] };
        self.live.signals.send_modify(|signals| {
            signals.windows.insert("reader_cpu_percent".to_owned(), window(cpu));
            signals.windows.insert("reader_connections".to_owned(), window(connections));
        });
        self.readers.pass(now).await.unwrap();
        self.live.readers.borrow().clone().unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.cloud.asked.lock().unwrap().iter().map(ToString::to_string).collect()
    }
}

#[tokio::test]
async fn busy_readers_raise_the_minimum_that_aws_keeps_and_calm_ones_lower_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(&dir.path().join("j.db"), Mode::Act, Some(2)).await;
    let decision = world.pass(85.0, 500.0).await;
    assert_eq!(
        decision.reason,
        "2 → 3: reader cpu 85.0% above target reader cpu 60.0% for 3 points"
    );
    assert_eq!(decision.resource, "local/readers/wallet-local");
    assert_eq!(decision.cost_micros_per_hour, Some(2_149_000), "one db.r6g.2xlarge more");
    // AWS's own maximum is higher than the policy's, and stays.
    assert_eq!(world.asked(), ["set readers of wallet-local to 3..8"]);
    world.pass(30.0, 500.0).await;
    for _ in 0..20 {
        world.pass(30.0, 500.0).await;
    }
    assert_eq!(
        world.asked(),
        ["set readers of wallet-local to 3..8", "set readers of wallet-local to 2..8"]
    );
    let events = world.app.journal.since(0, 1000).await.unwrap();
    assert!(events.iter().all(|event| event.subject == "local/readers/wallet-local"));
}

#[tokio::test]
async fn many_connections_count_as_much_as_cpu() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(&dir.path().join("j.db"), Mode::Act, Some(2)).await;
    let decision = world.pass(30.0, 1900.0).await;
    assert_eq!((decision.from, decision.to), (2, 4));
}

#[tokio::test]
async fn without_a_registration_it_only_says_what_it_would_do() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(&dir.path().join("j.db"), Mode::Act, None).await;
    let decision = world.pass(85.0, 500.0).await;
    assert!(decision.reason.starts_with("would: 2 → 3: reader cpu"), "{}", decision.reason);
    assert_eq!(world.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_cluster_that_fails_over_loses_no_reader() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(&dir.path().join("j.db"), Mode::Act, Some(4)).await;
    let now = second(30);
    world.pass(55.0, 500.0).await;
    world.live.fleet.send_modify(|seen| {
        seen.database.as_mut().unwrap().value.status = "failing-over".to_owned();
    });
    let window = Window { slots: vec![Some(Sample { value: 5.0, tasks: 2 }); 12] };
    world.live.signals.send_modify(|signals| {
        for name in ["reader_cpu_percent", "reader_connections"] {
            signals.windows.insert(name.to_owned(), window.clone());
        }
    });
    world.readers.pass(now).await.unwrap();
    let decision = world.live.readers.borrow().clone().unwrap();
    assert_eq!(decision.reason, "hold 4: wants 2, but the cluster is not available");
    assert_eq!(world.asked(), Vec::<String>::new());
}
