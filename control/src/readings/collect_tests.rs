//! The reading loop over a CloudWatch that publishes, stops, and has the wrong time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Reading;

use super::collect::Collect;
use crate::app::Live;
use crate::aws::sample::SampleCloud;
use crate::config::read_environments;
use crate::driver::Pass;
use crate::fleet::samples::{fleet, second};
use crate::metrics::Metrics;

struct World {
    live: Arc<Live>,
    cloud: Arc<SampleCloud>,
    collect: Collect,
    now: DateTime<Utc>,
}

impl World {
    fn new() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
        let wanted = read_environments(&[file]).unwrap().remove(0);
        let live = Arc::new(Live::new(wanted, second(0)));
        let cloud = Arc::new(SampleCloud::with_tasks(3));
        let shared: Arc<SampleCloud> = Arc::clone(&cloud);
        let metrics = Arc::new(Metrics::new());
        let collect = Collect::new(Arc::clone(&live), shared, metrics, vec![], second(0));
        Self { live, cloud, collect, now: second(0) }
    }

    /// Runs the loop for so long. While `publishing`, every metric gets its points in time.
    async fn run(&mut self, seconds: i64, publishing: bool) {
        for _ in 0..seconds * 2 {
            self.now += TimeDelta::milliseconds(500);
            self.live.fleet.send_replace(fleet(3, self.now));
            if publishing {
                *self.cloud.points.lock().unwrap() = Some(points(self.now));
            }
            // A failed pass is the loop's business; what it leaves behind is looked at.
            let _ = self.collect.pass(self.now).await;
        }
    }

    fn reading(&self, name: &str) -> Reading {
        self.live.signals.borrow().reading(name)
    }
}

/// Fifteen minutes of points that are closed and three seconds old.
fn points(now: DateTime<Utc>) -> BTreeMap<&'static str, Vec<(DateTime<Utc>, f64)>> {
    let every = |period: i64, value: f64| {
        let newest = super::classify::period_start(
            now - TimeDelta::seconds(period + 3),
            TimeDelta::seconds(period),
        );
        (0..900 / period).map(|n| (newest - TimeDelta::seconds(n * period), value)).collect()
    };
    BTreeMap::from([
        ("Requests", every(10, 3000.0)),
        ("LatencyMs", every(10, 12.0)),
        ("CPUUtilization", every(20, 80.0)),
    ])
}

#[tokio::test]
async fn everything_that_is_due_is_asked_in_one_call() {
    let mut world = World::new();
    world.run(1, true).await;
    let all = world.live.wanted().signals.len();
    assert_eq!(world.cloud.questions.lock().unwrap()[0], all);
    world.run(120, true).await;
    assert_eq!(world.reading("tps").fresh(), Some(300.0));
    assert_eq!(world.reading("requests_per_task").fresh(), Some(100.0));
    assert_eq!(world.reading("error_percent").fresh(), Some(0.0), "proven by the requests");
    assert_eq!(world.reading("memory_percent"), Reading::Absent, "never published");
    let signals = world.live.signals.borrow();
    let known = |name: &str| signals.windows[name].slots.iter().flatten().count();
    assert!(known("cpu_percent") >= 4, "tasks were counted for two minutes");
}

/// Publishing stops for ten minutes at 80 % CPU: the readings get old, and nothing is decided
/// from them.
#[tokio::test]
async fn when_publishing_stops_readings_get_stale_and_windows_empty() {
    let mut world = World::new();
    world.run(120, true).await;
    assert_eq!(world.reading("cpu_percent").fresh(), Some(80.0));
    world.run(600, false).await;
    assert!(matches!(world.reading("cpu_percent"), Reading::Stale { value: 80.0, .. }));
    assert!(matches!(world.reading("tps"), Reading::Stale { .. }));
    let signals = world.live.signals.borrow();
    assert!(signals.windows.values().all(|window| window.slots.is_empty()));
}

#[tokio::test]
async fn when_cloudwatch_cannot_be_asked_readings_become_errors() {
    let mut world = World::new();
    world.run(60, true).await;
    *world.cloud.points.lock().unwrap() = None;
    world.run(10, false).await;
    assert!(world.reading("tps").fresh().is_some(), "one unanswered question is no loss");
    world.run(120, false).await;
    assert_eq!(world.reading("tps"), Reading::Error);
    assert_eq!(world.reading("cpu_percent"), Reading::Error);
}

#[tokio::test]
async fn a_clock_that_is_wrong_makes_everything_unknown_until_it_is_right() {
    let mut world = World::new();
    world.run(60, true).await;
    *world.cloud.server_time.lock().unwrap() = Some(world.now + TimeDelta::minutes(5));
    world.run(15, true).await;
    assert_eq!(world.reading("tps"), Reading::Error);
    assert!(world.live.signals.borrow().windows.is_empty());
    *world.cloud.server_time.lock().unwrap() = None;
    let time = world.now;
    *world.cloud.server_time.lock().unwrap() = Some(time + TimeDelta::seconds(12));
    world.run(25, true).await;
    assert!(world.reading("tps").fresh().is_some());
}
