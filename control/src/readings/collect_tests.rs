//! The reading loop over a CloudWatch that publishes, stops, and has the wrong time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Reading;

use super::collect::Collect;
use crate::alert::rule::Verdict;
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
    /// The true time.
    now: DateTime<Utc>,
    /// Our clock less the true time.
    offset: TimeDelta,
}

impl World {
    fn new() -> Self {
        Self::with(|text| text)
    }

    /// A world whose environment file was changed.
    fn with(change: impl FnOnce(String) -> String) -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(project.join("environments/local.yaml")).unwrap();
        let prices = project.join("prices/sa-east-1.yaml").display().to_string();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("local.yaml");
        let text = change(text).replace("../prices/sa-east-1.yaml", &prices);
        std::fs::write(&file, text).unwrap();
        let wanted = read_environments(&[file]).unwrap_or_else(|faults| panic!("{faults}"));
        let wanted = wanted.into_iter().next().unwrap();
        let live = Arc::new(Live::new(wanted, second(0)));
        let cloud = Arc::new(SampleCloud::with_tasks(3));
        let shared: Arc<SampleCloud> = Arc::clone(&cloud);
        let metrics = Arc::new(Metrics::new());
        let collect = Collect::new(Arc::clone(&live), shared, metrics, vec![], second(0));
        Self { live, cloud, collect, now: second(0), offset: TimeDelta::zero() }
    }

    /// Runs the loop for so long. While `publishing`, every metric gets its points in time.
    async fn run(&mut self, seconds: i64, publishing: bool) {
        for _ in 0..seconds * 2 {
            self.now += TimeDelta::milliseconds(500);
            let ours = self.now + self.offset;
            *self.cloud.server_time.lock().unwrap() = Some(self.now);
            self.live.fleet.send_replace(fleet(3, ours));
            if publishing {
                *self.cloud.points.lock().unwrap() = Some(points(self.now));
            }
            // A failed pass is the loop's business; what it leaves behind is looked at.
            let _ = self.collect.pass(ours).await;
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
        (
            "VolumeBytesUsed",
            vec![(
                super::classify::period_start(now, TimeDelta::hours(1)) - TimeDelta::hours(1),
                730e9,
            )],
        ),
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

/// Our own clock jumps ahead by five minutes and later back: everything is an error at once, no
/// window is left to decide by, and it recovers within a period, and not after five minutes.
#[tokio::test]
async fn a_clock_that_jumps_makes_everything_unknown_until_it_is_right() {
    for jump in [TimeDelta::minutes(5), TimeDelta::minutes(-5), TimeDelta::hours(3)] {
        let mut world = World::new();
        world.run(120, true).await;
        assert!(world.reading("tps").fresh().is_some());
        world.offset = jump;
        world.run(25, true).await;
        let signals = world.live.signals.borrow().clone();
        for (name, reading) in &signals.readings {
            assert_eq!(*reading, Reading::Error, "{name} after a jump of {jump}");
        }
        assert!(signals.windows.is_empty(), "after a jump of {jump}");
        let told = world.live.findings.look("clock-skewed", world.now + jump);
        assert_eq!(told.verdict, Verdict::Holds, "{}", told.text);
        world.offset = TimeDelta::zero();
        world.run(25, true).await;
        assert_eq!(world.reading("tps").fresh(), Some(300.0), "back from a jump of {jump}");
    }
}

/// A second or two is what a `Date` header rounds away; half a minute is a fault.
#[tokio::test]
async fn a_small_skew_is_corrected_and_a_large_one_is_an_error() {
    for (seconds, fresh) in [(1, true), (12, true), (29, true), (32, false)] {
        let mut world = World::new();
        world.offset = TimeDelta::seconds(-seconds);
        world.run(90, true).await;
        assert_eq!(world.reading("tps").fresh().is_some(), fresh, "{seconds} s behind");
    }
}

/// What is published once an hour is believed for as long as its rule says, although charts reach
/// back a quarter of an hour only, and it is asked for apart from what is hot.
#[tokio::test]
async fn a_slow_signal_is_kept_as_long_as_it_is_of_use() {
    let mut world = World::with(|text| {
        text.replace(
            "signals:\n",
            "signals:\n  database_gb: { namespace: AWS/RDS, metric: VolumeBytesUsed, dimensions: {}, \
             statistic: Average, period: 1h, max_age: 3h, absent: unknown, scale: 1e-9 }\n",
        )
    });
    world.run(60, true).await;
    let known = world.reading("database_gb");
    assert!(known.fresh().is_some_and(|gb| (gb - 730.0).abs() < 1e-6), "{known:?}");
    assert_eq!(world.cloud.questions.lock().unwrap()[..2], [11, 1], "two calls at first");
    world.run(90 * 60, false).await;
    assert!(world.reading("database_gb").fresh().is_some(), "90 minutes later it is still young");
    world.run(130 * 60, false).await;
    assert!(matches!(world.reading("database_gb"), Reading::Stale { .. }));
}

/// A reload that adds a signal, changes one and drops one: what stays keeps its points.
#[tokio::test]
async fn after_a_reload_the_new_signals_are_read_and_the_old_ones_kept() {
    let mut world = World::new();
    world.run(60, true).await;
    let before = world.reading("tps");
    assert!(world.reading("cpu_percent").fresh().is_some() && before.fresh().is_some());
    let mut wanted = (*world.live.wanted()).clone();
    wanted.signals.retain(|signal| signal.name != "outbox_pending");
    for signal in &mut wanted.signals {
        if signal.name == "cpu_percent" {
            signal.metric = "Other".to_owned();
        }
    }
    let mut added = wanted.signals[0].clone();
    (added.name, added.period) = ("database_gb".to_owned(), TimeDelta::hours(1));
    (added.metric, added.max_age) = ("VolumeBytesUsed".to_owned(), TimeDelta::hours(3));
    wanted.signals.push(added);
    world.live.want(wanted);
    world.run(1, true).await;
    assert_eq!(world.reading("database_gb").fresh(), Some(730e9));
    assert!(world.reading("tps").fresh().is_some());
    assert_eq!(world.reading("cpu_percent").fresh(), None, "another question");
    assert!(!world.live.signals.borrow().readings.contains_key("outbox_pending"));
}

/// What is paid for: one question for each period of each signal, a few looks by one signal of each
/// group, and three more for a publisher that is silent, as that of the replication lag is here.
#[tokio::test]
async fn the_metrics_asked_for_are_counted_and_stay_near_the_plan() {
    let mut world = World::new();
    world.run(3600, true).await;
    let asked = world.live.signals.borrow().asked.unwrap();
    let counted: usize = world.cloud.questions.lock().unwrap().iter().sum();
    assert_eq!(asked.metrics, u64::try_from(counted).unwrap());
    let plan = super::schedule::asked_per_month(&world.live.wanted().signals);
    let pace = asked.per_month(world.now).unwrap();
    assert!((plan..plan * 3 / 2).contains(&pace), "planned {plan}, at a pace of {pace}");
}
