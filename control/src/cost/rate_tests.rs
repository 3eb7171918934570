//! The rate of a small environment, and everything that makes it unknown.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use protocol::control::Reading;

use super::{Declared, Item, PriceBook, Rate, Sight, rate};
use crate::fleet::{Fleet, samples};
use crate::readings::{Absence, Signal};

struct Seen {
    fleet: Fleet,
    readings: BTreeMap<String, Reading>,
    signals: Vec<Signal>,
    declared: Declared,
    prices: PriceBook,
}

impl Seen {
    fn new() -> Self {
        Self {
            fleet: samples::fleet(3, samples::second(0)),
            readings: BTreeMap::new(),
            signals: vec![],
            declared: Declared::default(),
            prices: samples::prices(),
        }
    }

    fn rate(&self) -> Rate {
        rate(&Sight {
            fleet: &self.fleet,
            readings: &self.readings,
            signals: &self.signals,
            declared: &self.declared,
            prices: &self.prices,
            metrics_asked_per_month: 1_000_000,
            bills_asked_per_month: 122,
        })
    }

    fn measure(&mut self, name: &str, period: TimeDelta, reading: Reading) {
        self.signals.push(Signal {
            name: name.to_owned(),
            namespace: "AWS/RDS".to_owned(),
            metric: "M".to_owned(),
            dimensions: vec![],
            statistic: "Sum".to_owned(),
            period,
            max_age: period * 2,
            absent: Absence::Unknown,
            scale: 1.0,
        });
        self.readings.insert(name.to_owned(), reading);
    }
}

fn fresh(value: f64) -> Reading {
    Reading::Fresh { value, at: samples::second(0) }
}

#[test]
fn the_whole_is_the_sum_of_its_lines_and_each_says_what_was_counted() {
    let rate = Seen::new().rate();
    let lines: Vec<String> = rate
        .lines
        .iter()
        .map(|one| format!("{}: {} = {}", one.name, one.basis, one.micros_per_hour))
        .collect();
    assert_eq!(
        lines,
        [
            "database: 3 × db.r6g.2xlarge = 6447000",
            "cache: 3 × cache.r6g.large = 1230000",
            "broker: 3 × kafka.m5.large = 1005000",
            "nat: 1 × nat_gateway, declared = 93000",
            "broker storage: 3 × 100 GB = 78082",
            "tasks: 3 × 0.25 vCPU, 0.5 GB = 63600",
            "load balancer: 1 × load_balancer, declared = 34000",
            "polling: 1000000 metrics asked a month = 13698",
            "load balancer use: 1 × 1 capacity unit, assumed = 11000",
            "bill: 122 questions to Cost Explorer a month = 1671",
        ]
    );
    assert_eq!(rate.micros_per_hour(), Some(8_977_051));
    assert_eq!(rate.line("database").unwrap().sources.iter().next().unwrap(), "table-2021-08");
    assert!(rate.not_counted.contains(&"NAT traffic: no signal `nat_gb`".to_owned()));
}

#[test]
fn what_cannot_be_priced_makes_the_whole_unknown_and_says_why() {
    type Break = fn(&mut Seen);
    #[rustfmt::skip]
    let table: [(&str, Break); 10] = [
        ("cache: not seen yet", |s| s.fleet.cache = None),
        ("tasks: not seen yet", |s| s.fleet.service = None),
        ("database: no price for 2 × db.r6g.2xlarge, 1 × db.r9.huge", |s| s.fleet.database.as_mut().unwrap().value.instances[0].class = "db.r9.huge".to_owned()),
        ("tasks: no price for 1 × 0 vCPU, 0.5 GB; 2 × 0.25 vCPU, 0.5 GB", |s| s.fleet.service.as_mut().unwrap().value.tasks[0].cpu_units = 0),
        ("nat: no price for 1 × nat_gateway, declared", |s| drop(s.prices.items.remove(&Item::NatGateway))),
        ("alarm: no price for 4 × alarm, declared", |s| { s.declared.counts.push((Item::Alarm, 4)); s.prices.items.remove(&Item::Alarm); }),
        ("broker storage: MSK does not say how large its volumes are", |s| s.fleet.broker.as_mut().unwrap().value.volume_gb = None),
        ("NAT traffic: `nat_gb` has no fresh value", |s| s.measure("nat_gb", TimeDelta::minutes(5), Reading::Absent)),
        ("database storage: `database_gb` has no fresh value", |s| s.measure("database_gb", TimeDelta::minutes(5), Reading::Stale { value: 1.0, at: samples::second(0) })),
        ("NAT traffic: no price for 12000000000.000 GB an hour", |s| s.measure("nat_gb", TimeDelta::minutes(5), fresh(1e9))),
    ];
    for (why, spoil) in table {
        let mut seen = Seen::new();
        spoil(&mut seen);
        let rate = seen.rate();
        assert_eq!(rate.unknown, [why]);
        assert_eq!(rate.micros_per_hour(), None, "{why}");
        assert!(rate.at_least().is_some_and(|known| known > 2_000_000), "{why}");
    }
}

#[test]
fn measured_use_is_priced_by_the_hour() {
    let mut seen = Seen::new();
    let five = TimeDelta::minutes(5);
    seen.measure("database_gb", five, fresh(730.0));
    seen.measure("database_ios", five, fresh(500_000.0));
    seen.measure("nat_gb", five, fresh(0.25));
    seen.measure("log_gb", five, fresh(0.0001));
    seen.measure("load_balancer_units", five, fresh(2.5));
    let rate = seen.rate();
    let of = |name: &str| {
        let line = rate.line(name).unwrap();
        (line.basis.clone(), line.micros_per_hour)
    };
    assert_eq!(of("database storage"), ("730.000 GB".to_owned(), 190_000));
    assert_eq!(of("database I/O"), ("6000000.000 I/Os an hour".to_owned(), 6 * 380_000));
    assert_eq!(of("NAT traffic"), ("3.000 GB an hour".to_owned(), 3 * 93_000));
    assert_eq!(of("logs written"), ("0.001 GB an hour".to_owned(), 1_080));
    assert_eq!(of("load balancer use"), ("2.500 capacity units".to_owned(), 27_500));
    assert!(rate.micros_per_hour().is_some());
}

#[test]
fn a_serverless_member_costs_what_its_metric_says() {
    let mut seen = Seen::new();
    let members = &mut seen.fleet.database.as_mut().unwrap().value.instances;
    members[1].class = "db.serverless".to_owned();
    let why = "database: serverless, and `database_acus` has no fresh value";
    assert_eq!(seen.rate().unknown, [why]);
    seen.measure("database_acus", TimeDelta::minutes(1), fresh(1.5));
    let rate = seen.rate();
    let line = rate.line("database").unwrap();
    assert_eq!(line.basis, "2 × db.r6g.2xlarge, 1.5 ACU");
    assert_eq!(line.micros_per_hour, 2 * 2_149_000 + 375_000);
}

#[test]
fn a_task_that_stopped_is_not_paid_for_and_one_that_starts_is() {
    let mut seen = Seen::new();
    let tasks = &mut seen.fleet.service.as_mut().unwrap().value.tasks;
    tasks[0].status = "STOPPED".to_owned();
    tasks[1].status = "PROVISIONING".to_owned();
    assert_eq!(seen.rate().line("tasks").unwrap().micros_per_hour, 2 * 21_200);
    let task = &seen.fleet.service.as_ref().unwrap().value.tasks[1];
    assert_eq!(seen.prices.task(task), Some(21_200));
}
