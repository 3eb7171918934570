//! What must hold at every tick, whatever the weather: checked by code that made no decision.
//!
//! It knows the truth that the control plane cannot see, and judges by that: whether anything was
//! published lately, whether somebody holds, whether a deployment runs.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Reading;

use super::alarms::Alarms;
use super::engine::{Reply, Scaler, Slice, View};
use super::ours::Ours;
use super::scenario::Scenario;
use super::tasks::Tasks;
use super::trace::SLICE_S;
use super::weather::Trouble;
use crate::config::Environment;
use crate::cost;
use crate::fleet::{Fleet, Seen, Service, Task};
use crate::readings::Signal;
use crate::reconcile::capacity::decide::{Decision, Observed};

/// Faults that are told; one is enough to fail.
const FAULTS_MAX: usize = 10;

/// Watches one play.
pub struct Judge<'a> {
    scenario: &'a Scenario,
    pub alarms: Alarms<'a>,
    fleet: Fleet,
    /// What the fleet was made from: tasks desired and running, and whether the writer is down.
    looked: Option<(u32, u32, bool)>,
    /// What the fleet costs an hour.
    rate: Option<u64>,
    /// The end of the newest slice that was published.
    published_to: Option<i64>,
    /// How long a reading of what capacity is decided by may be believed.
    believed_s: i64,
    /// The first that was found, each with its second.
    pub faults: Vec<String>,
    /// What everything cost so far, in millionths of a dollar times seconds. `None`: not known.
    spent: Option<u128>,
}

impl<'a> Judge<'a> {
    /// Nothing was judged yet.
    #[must_use]
    pub fn new(scenario: &'a Scenario) -> Self {
        let environment = &scenario.environment;
        let seen = |signal: &&Signal| ["requests", "cpu_percent"].contains(&signal.name.as_str());
        let signals = environment.signals.iter().filter(seen);
        let believed = signals.map(|one| (one.max_age + one.period).num_seconds()).max();
        Self {
            scenario,
            alarms: Alarms::new(&environment.name, &environment.alerts),
            fleet: Fleet::default(),
            looked: None,
            rate: None,
            published_to: None,
            believed_s: believed.unwrap_or_default() + SLICE_S,
            faults: Vec::new(),
            spent: Some(0),
        }
    }

    /// Notes a slice before it is decided upon.
    pub fn saw(&mut self, slice: &Slice) {
        if slice.published {
            self.published_to = Some(slice.second + SLICE_S);
        }
    }

    /// Judges what was decided.
    pub fn judge(&mut self, ours: &Ours<'_>, view: View<'_>) {
        if let Some((seen, decision)) = &ours.newest {
            self.decision(seen, decision, view);
        }
        if ours.in_flight() > 1 {
            self.fault(view.second, format!("{} changes in flight", ours.in_flight()));
        }
        self.look(view.tasks, view);
        if let Some(step) = self.alarms.evaluate(&ours.signals, &self.fleet, view.now) {
            self.fault(view.second, format!("an alert took an illegal step: {step}"));
        }
        self.pay();
    }

    fn decision(&mut self, seen: &Observed, decision: &Decision, view: View<'_>) {
        let policy = &self.scenario.environment.scaling;
        let has = |trouble| view.weather.has(trouble, view.second);
        let blind = self.published_to.is_none_or(|to| view.second - to > self.believed_s);
        let less = decision.to < decision.from;
        let moves = decision.to != decision.from;
        let within = (policy.tasks_min..=policy.tasks_max).contains(&decision.to);
        let unseen = seen.seen_at.is_none_or(|at| view.now - at > TimeDelta::seconds(60));
        for (broken, rule) in [
            (moves && !within, "leaves the limits"),
            (less && blind, "removes tasks without having heard anything"),
            (less && has(Trouble::Deployment), "removes tasks in a deployment"),
            (moves && within && has(Trouble::Held), "changes a size that is held"),
            (moves && unseen, "changes a service that was not seen"),
            (seen.current.is_some_and(|now| now != decision.from) && moves, "starts elsewhere"),
        ] {
            if broken {
                let (to, because) = (decision.to, decision.because);
                let told = format!("the decision {rule}: {} to {to}, {because:?}", decision.from);
                self.fault(view.second, told);
            }
        }
    }

    /// The fleet as it would be seen: what alerts and costs are made from. Made anew only when
    /// something in it changed.
    fn look(&mut self, tasks: &Tasks, view: View<'_>) {
        if view.weather.has(Trouble::Throttled, view.second) {
            return;
        }
        let down = view.weather.has(Trouble::WriterDown, view.second);
        let looks = Some((tasks.desired(), tasks.running(view.second), down));
        if self.looked != looks {
            self.looked = looks;
            self.fleet = self.fleet(tasks, down, view);
            self.price(view.second);
        }
        let fleet = &mut self.fleet;
        fleet.service.iter_mut().for_each(|seen| seen.at = view.now);
        fleet.database.iter_mut().for_each(|seen| seen.at = view.now);
    }

    fn fleet(&self, tasks: &Tasks, down: bool, view: View<'_>) -> Fleet {
        let at = view.now;
        let service = Some(Seen { value: self.service(tasks, view.second), at });
        let Some(roadmap) = &self.scenario.roadmap else {
            return Fleet { service, ..Fleet::default() };
        };
        let mut database = roadmap.database.clone();
        if down {
            database.instances.iter_mut().for_each(|one| one.writer = false);
        }
        Fleet {
            service,
            database: Some(Seen { value: database, at }),
            cache: Some(Seen { value: roadmap.cache.clone(), at }),
            broker: Some(Seen { value: roadmap.broker.clone(), at }),
            ..Fleet::default()
        }
    }

    fn service(&self, tasks: &Tasks, second: i64) -> Service {
        let running = tasks.running(second);
        let task = |index: u32| Task {
            id: index.to_string(),
            zone: String::new(),
            status: if index < running { "RUNNING" } else { "PENDING" }.to_owned(),
            desired_status: "RUNNING".to_owned(),
            address: None,
            port: None,
            cpu_units: self.scenario.service.cpu_units,
            memory_mib: self.scenario.service.memory_mib,
            created_at: None,
            started_at: None,
        };
        Service {
            name: self.scenario.environment.service.name.clone(),
            status: "ACTIVE".to_owned(),
            desired: tasks.desired(),
            running,
            pending: tasks.desired() - running,
            deployments: vec![],
            tasks: (0..tasks.desired()).map(task).collect(),
        }
    }

    /// Prices the fleet, and checks that the cost is known exactly when all parts were seen and
    /// have a price.
    fn price(&mut self, second: i64) {
        let environment = &self.scenario.environment;
        let prices = &environment.prices;
        self.rate = cost::rate(&sight(&self.fleet, environment)).micros_per_hour();
        let priced = self.scenario.roadmap.as_ref().is_some_and(|roadmap| {
            let classes = roadmap.database.instances.iter().map(|one| &one.class);
            classes.into_iter().all(|class| prices.database.contains_key(class))
                && prices.cache.contains_key(&roadmap.cache.node_type)
                && prices.broker.contains_key(&roadmap.broker.instance_type)
        });
        if self.rate.is_some() != priced {
            let word = if priced { "is priced and not known" } else { "is known and not priced" };
            self.fault(second, format!("the cost {word}"));
        }
    }

    /// Adds what a slice cost.
    fn pay(&mut self) {
        let slice = self.rate.map(|rate| u128::from(rate) * SLICE_SECONDS);
        self.spent = self.spent.zip(slice).map(|(sum, slice)| sum + slice);
    }

    /// What it cost an hour on average over so many seconds, in millionths of a dollar.
    #[must_use]
    pub fn micros_per_hour(&self, seconds: i64) -> Option<u64> {
        let seconds = u128::from(seconds.unsigned_abs().max(1));
        self.spent.and_then(|sum| u64::try_from(sum / seconds).ok())
    }

    fn fault(&mut self, second: i64, what: String) {
        if self.faults.len() < FAULTS_MAX {
            let at: DateTime<Utc> = self.scenario.start + TimeDelta::seconds(second);
            self.faults.push(format!("{}: {what}", at.format("%Y-%m-%d %H:%M:%S")));
        }
    }
}

const SLICE_SECONDS: u128 = 10;

/// The fleet with what is declared beside it. What follows use is not simulated, and so it is not
/// counted.
pub(super) fn sight<'a>(fleet: &'a Fleet, environment: &'a Environment) -> cost::Sight<'a> {
    static NOTHING: BTreeMap<String, Reading> = BTreeMap::new();
    cost::Sight {
        fleet,
        readings: &NOTHING,
        signals: &[],
        declared: &environment.declared,
        prices: &environment.prices,
        metrics_asked_per_month: 0,
        bills_asked_per_month: 0,
    }
}

/// Ours, with the judge looking on.
pub struct Judged<'a> {
    pub ours: Ours<'a>,
    pub judge: Judge<'a>,
}

impl Scaler for Judged<'_> {
    fn name(&self) -> &str {
        self.ours.name()
    }

    fn observe(&mut self, slice: &Slice) {
        self.judge.saw(slice);
        self.ours.observe(slice);
    }

    fn decide(&mut self, view: View<'_>) -> Option<u32> {
        let wanted = self.ours.decide(view);
        self.judge.judge(&self.ours, view);
        wanted
    }

    fn hear(&mut self, asked: u32, reply: Reply, view: View<'_>) {
        self.ours.hear(asked, reply, view);
    }
}
