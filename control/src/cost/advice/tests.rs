//! Each advice: with its amount, with nothing to save, and with something missing.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use protocol::control::{AdviceView, Confidence, Reading};

use super::{Basis, advice};
use crate::cost::bill::midnight;
use crate::cost::hours::{Hour, Hours};
use crate::cost::{Backups, Batch, Declared, Item, Logs, PriceBook};
use crate::fleet::{Fleet, samples};
use crate::readings::{Absence, Signal};

struct World {
    fleet: Fleet,
    hours: Hours,
    readings: BTreeMap<String, Reading>,
    signals: Vec<Signal>,
    declared: Declared,
    prices: PriceBook,
    tasks_min: u32,
    requests_per_task: Option<f64>,
}

fn now() -> DateTime<Utc> {
    midnight(chrono::NaiveDate::from_ymd_opt(2026, 11, 29).unwrap())
}

impl World {
    /// So many days in which a load by the hour of the day met these tasks.
    fn new(days: i32, load: impl Fn(u32) -> f64, tasks: impl Fn(u32) -> u32) -> Self {
        let mut hours = Hours::default();
        for back in (1..=days * 24).rev() {
            let start = now() - TimeDelta::hours(1) * back;
            let (load, tasks) = (load(start.hour()), tasks(start.hour()));
            hours.push(Hour {
                start,
                minutes: 60,
                micros: Some(1),
                tasks_min: Some(tasks),
                tasks_max: Some(tasks),
                tasks_mean_milli: Some(u64::from(tasks) * 1_000),
                load_max: Some(load),
            });
        }
        Self {
            fleet: samples::fleet(3, now()),
            hours,
            readings: BTreeMap::new(),
            signals: vec![],
            declared: Declared::default(),
            prices: samples::prices(),
            tasks_min: 6,
            requests_per_task: Some(100.0),
        }
    }

    fn measure(&mut self, name: &str, value: f64) {
        self.signals.push(Signal {
            name: name.to_owned(),
            namespace: "AWS/Logs".to_owned(),
            metric: "M".to_owned(),
            dimensions: vec![],
            statistic: "Sum".to_owned(),
            period: TimeDelta::hours(1),
            max_age: TimeDelta::hours(3),
            absent: Absence::Unknown,
            scale: 1.0,
        });
        self.readings.insert(name.to_owned(), Reading::Fresh { value, at: now() });
    }

    fn all(&self) -> Vec<AdviceView> {
        let basis = Basis {
            fleet: &self.fleet,
            hours: &self.hours,
            readings: &self.readings,
            signals: &self.signals,
            declared: &self.declared,
            prices: &self.prices,
            tasks_min: self.tasks_min,
            requests_per_task: self.requests_per_task,
        };
        advice(&basis, now())
    }

    fn one(&self, name: &str) -> AdviceView {
        self.all().into_iter().find(|one| one.name == name).unwrap()
    }
}

fn steady(days: i32) -> World {
    World::new(days, |_| 300.0, |hour| if hour == 3 { 4 } else { 6 })
}

#[test]
fn a_commitment_covers_the_tasks_that_ran_in_every_hour() {
    let one = steady(14).one("commitment/compute-savings-plan");
    // Four tasks of 21,200 micros for 730 hours, a fifth off.
    assert_eq!(one.saves_micros_per_month, Some(4 * 21_200 * 730 / 5));
    assert_eq!(one.confidence, Confidence::Low, "the discount is a rule of thumb");
    assert!(one.assumption.starts_with("4 tasks ran in each of 336 observed hours; 20 % off"));
    assert!(one.assumption.ends_with("pays while 80 % of it is used"), "{}", one.assumption);
}

#[test]
fn reservations_cover_the_members_that_run() {
    let world = steady(0);
    let cache = world.one("commitment/reserved-cache");
    assert_eq!(cache.saves_micros_per_month, Some(3 * 410_000 * 730 * 32 / 100));
    assert_eq!(cache.confidence, Confidence::Medium);
    let database = world.one("commitment/reserved-database");
    assert_eq!(database.saves_micros_per_month, Some(3 * 2_149_000 * 730 * 33 / 100));
}

#[test]
fn a_schedule_saves_what_the_floor_holds_above_each_hour_s_load() {
    // By night 100 a second need two tasks, by day 500 need six with headroom; the floor is six.
    let night = |hour: u32| !(6..22).contains(&hour);
    let load = move |hour| if night(hour) { 100.0 } else { 500.0 };
    let one = World::new(28, load, |_| 6).one("scheduled_scaling");
    assert_eq!(one.saves_micros_per_month, Some(8 * 4 * 21_200 * 730 / 24));
    assert_eq!(one.confidence, Confidence::Medium, "no surer than the price of a vCPU");
    assert!(
        one.assumption.contains("at 8 hours of the day (UTC 0-5, 22-23)"),
        "{}",
        one.assumption
    );
    // A floor that the load needs saves nothing, which is known.
    let mut needed = World::new(28, load, |_| 6);
    needed.tasks_min = 2;
    assert_eq!(needed.one("scheduled_scaling").saves_micros_per_month, Some(0));
    // One busy night in four weeks is what must be carried.
    let mut payday = World::new(28, load, |_| 6);
    payday.hours.push(Hour {
        start: now(),
        load_max: Some(2_000.0),
        ..payday.hours.at(now() - TimeDelta::hours(1)).unwrap().clone()
    });
    let one = payday.one("scheduled_scaling");
    assert_eq!(one.saves_micros_per_month, Some(7 * 4 * 21_200 * 730 / 24));
}

#[test]
fn spot_is_for_declared_batch_work_only() {
    let mut world = steady(14);
    world.declared.batch =
        Some(Batch { task_hours_per_month: 200, cpu_units: 1024, memory_mib: 2048 });
    assert_eq!(world.one("spot").saves_micros_per_month, Some(200 * (69_600 + 15_200) * 7 / 10));
    world.declared.batch =
        Some(Batch { task_hours_per_month: 0, cpu_units: 1024, memory_mib: 2048 });
    let none = world.one("spot");
    assert_eq!((none.saves_micros_per_month, none.confidence), (Some(0), Confidence::High));
}

#[test]
fn storage_saves_what_lies_beyond_its_use() {
    let mut world = steady(0);
    world.declared.logs =
        Some(Logs { kept: TimeDelta::days(90), archive_after: TimeDelta::days(7) });
    world.declared.backups =
        Some(Backups { kept: TimeDelta::days(35), needed: TimeDelta::days(7) });
    world.measure("log_gb", 0.5);
    world.measure("backup_gb", 730.0);
    // 12 GB a day for 83 days, at 0.0408 less 0.0066.
    let logs = world.one("storage/logs");
    assert_eq!(logs.saves_micros_per_month, Some(12 * 83 * (40_800 - 6_600)));
    let backups = world.one("storage/backups");
    assert_eq!(backups.saves_micros_per_month, Some(34_000 * 730 * 28 / 35));
}

#[test]
fn what_is_missing_is_named_and_its_amount_is_never_zero() {
    type Spoil = fn(&mut World);
    #[rustfmt::skip]
    let table: [(&str, &str, Spoil); 10] = [
        ("commitment/compute-savings-plan", "144 whole hours of tasks were observed; 168 are needed", |w| w.hours = steady(6).hours),
        ("commitment/compute-savings-plan", "the service was not seen yet", |w| w.fleet.service = None),
        ("commitment/compute-savings-plan", "no task runs", |w| w.fleet.service.as_mut().unwrap().value.tasks.clear()),
        ("commitment/reserved-cache", "the cache was not seen yet", |w| w.fleet.cache = None),
        ("commitment/reserved-database", "db.serverless has no price", |w| w.fleet.database.as_mut().unwrap().value.instances[1].class = "db.serverless".to_owned()),
        ("scheduled_scaling", "144 whole hours of load were observed; 168 are needed", |w| w.hours = steady(6).hours),
        ("scheduled_scaling", "scaling has no target of requests per task", |w| w.requests_per_task = None),
        ("spot", "the environment's file names no batch work (cost.batch)", |_| ()),
        ("storage/logs", "the environment's file does not say how long logs are kept (cost.logs)", |_| ()),
        ("storage/backups", "`backup_gb` has no fresh value", |w| w.declared.backups = Some(Backups { kept: TimeDelta::days(9), needed: TimeDelta::days(7) })),
    ];
    for (name, why, spoil) in table {
        let mut world = steady(14);
        spoil(&mut world);
        let one = world.one(name);
        assert_eq!((one.unknown.as_str(), one.saves_micros_per_month), (why, None), "{name}");
    }
}

#[test]
fn the_largest_amount_comes_first_and_the_unknown_last() {
    let mut world = steady(14);
    world.prices.items.remove(&Item::FargateGb);
    let all = world.all();
    assert_eq!(all[0].name, "commitment/reserved-database");
    let first_unknown = all.iter().position(|one| one.saves_micros_per_month.is_none()).unwrap();
    assert!(all[first_unknown..].iter().all(|one| one.saves_micros_per_month.is_none()));
    let names: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
    for name in ["spot", "scheduled_scaling", "storage/logs", "storage/backups"] {
        assert!(names.contains(&name), "{name}");
    }
}
