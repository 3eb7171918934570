//! The cost loop over a journal and a Cost Explorer that answers, refuses, and is paid for.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tempfile::TempDir;

use super::bill::{BilledDay, midnight};
use super::pass::Spending;
use crate::alert::rule::Verdict;
use crate::app::Live;
use crate::aws::sample::SampleCloud;
use crate::config::read_environments;
use crate::driver::{Clock, Pass};
use crate::fleet::samples::fleet;
use crate::journal::Journal;

/// A daemon's cost loop that can be restarted.
struct World {
    folder: TempDir,
    live: Arc<Live>,
    cloud: Arc<SampleCloud>,
    spending: Spending,
    now: Arc<Mutex<DateTime<Utc>>>,
}

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(Mutex::new(midnight(date(10))));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
        let wanted = read_environments(&[file]).unwrap().remove(0);
        let live = Arc::new(Live::new(wanted, midnight(date(10))));
        let cloud = Arc::new(SampleCloud::with_tasks(3));
        let spending = start(&folder, &live, &cloud, &now).await;
        Self { folder, live, cloud, spending, now }
    }

    async fn restart(&mut self) {
        self.spending = start(&self.folder, &self.live, &self.cloud, &self.now).await;
    }

    /// Passes once a minute for so many hours; says how many passes failed.
    async fn run(&mut self, hours: i64, tasks: u16) -> usize {
        let mut failed = 0;
        for _ in 0..hours * 60 {
            let now = self.pass_time();
            self.live.fleet.send_replace(fleet(tasks, now));
            failed += usize::from(self.spending.pass(now).await.is_err());
        }
        failed
    }

    fn pass_time(&self) -> DateTime<Utc> {
        let mut now = self.now.lock().unwrap();
        *now += TimeDelta::minutes(1);
        *now
    }

    fn asked(&self) -> usize {
        *self.cloud.bills_asked.lock().unwrap()
    }
}

async fn start(
    folder: &TempDir,
    live: &Arc<Live>,
    cloud: &Arc<SampleCloud>,
    now: &Arc<Mutex<DateTime<Utc>>>,
) -> Spending {
    let now = Arc::clone(now);
    let clock: Clock = Arc::new(move || *now.lock().unwrap());
    let journal = Journal::open(&folder.path().join("journal.db"), clock).await.unwrap();
    let shared: Arc<SampleCloud> = Arc::clone(cloud);
    Spending::recover(Arc::clone(live), shared, journal).await.unwrap()
}

fn days(last: u32) -> Vec<BilledDay> {
    let of = |n| BilledDay::of(date(n), BTreeMap::from([("RDS".to_owned(), 200_000_000)])).unwrap();
    (1..=last).map(of).collect()
}

#[tokio::test]
async fn the_bill_is_asked_for_four_times_a_day_and_not_again_after_a_restart() {
    let mut world = World::new().await;
    *world.cloud.bill.lock().unwrap() = Some(days(9));
    world.run(23, 3).await;
    assert_eq!(world.asked(), 4);
    let before = world.live.cost.borrow().month.clone().unwrap();
    for _ in 0..20 {
        world.restart().await;
        let now = world.pass_time();
        world.live.fleet.send_replace(fleet(3, now));
        world.spending.pass(now).await.unwrap();
    }
    assert_eq!(world.asked(), 4, "twenty restarts in twenty minutes");
    let after = world.live.cost.borrow().month.clone().unwrap();
    assert_eq!(after.billed_until, before.billed_until, "the journal has the bill");
    assert!(after.spent_micros > before.spent_micros);
}

#[tokio::test]
async fn a_bill_that_is_refused_is_told_keeps_its_pace_and_stops_nothing_else() {
    let mut world = World::new().await;
    assert_eq!(world.run(24, 3).await, 4, "each question fails its pass");
    assert_eq!(world.asked(), 4);
    {
        let page = world.live.cost.borrow();
        assert_eq!(page.micros_per_hour, page.at_least_micros_per_hour);
        assert!(page.micros_per_hour.is_some());
        assert_eq!(page.month.as_ref().unwrap().unknown, "Cost Explorer has not answered yet");
    }
    *world.cloud.bill.lock().unwrap() = Some(days(10));
    world.run(7, 3).await;
    let page = world.live.cost.borrow();
    assert_eq!(page.month.as_ref().unwrap().unknown, "");
    assert!(page.month.as_ref().unwrap().forecast_micros.is_some());
}

/// The alerts hear of the budget with each pass, and of a stale bill that nothing is known.
#[tokio::test]
async fn the_alerts_hear_where_the_budget_stands() {
    let mut world = World::new().await;
    *world.cloud.bill.lock().unwrap() = Some(days(9));
    let mut wanted = (*world.live.wanted()).clone();
    wanted.budget_micros_per_month = 2_000_000_000;
    world.live.want(wanted);
    world.run(1, 3).await;
    let verdict = |world: &World, name: &str| {
        world.live.findings.look(name, *world.now.lock().unwrap()).verdict
    };
    // Eight days at 200 dollars and one at the live rate are 1,815 of 2,000.
    assert_eq!(verdict(&world, "budget-80"), Verdict::Holds);
    assert_eq!(verdict(&world, "budget-50"), Verdict::Clear, "only the highest is told");
    assert_eq!(verdict(&world, "budget-forecast"), Verdict::Holds);
    *world.cloud.bill.lock().unwrap() = None;
    world.run(27, 3).await;
    assert_eq!(verdict(&world, "budget-80"), Verdict::Unknown);
    assert_eq!(verdict(&world, "budget-forecast"), Verdict::Unknown);
}

/// Tasks at their most for a night, which no decision explains.
#[tokio::test]
async fn a_forgotten_floor_is_told_after_a_restart_too() {
    let mut world = World::new().await;
    *world.cloud.bill.lock().unwrap() = Some(days(9));
    world.run(25, 3).await;
    assert!(world.live.cost.borrow().unusual.is_empty());
    world.restart().await;
    // 120 more tasks of two cents are a quarter of nine dollars and more.
    world.run(3, 123).await;
    let unusual = world.live.cost.borrow().unusual.clone();
    assert_eq!(unusual.len(), 1, "{unusual:?}");
    assert!(unusual[0].contains("tasks 123, before 3"), "{unusual:?}");
}
