//! Plays a scenario: ours with a judge, and its rivals beside it.

use super::Scenario;
use crate::simulate::engine::{Game, Scaler};
use crate::simulate::judge::{Judge, Judged};
use crate::simulate::oracle::oracle;
use crate::simulate::ours::Ours;
use crate::simulate::replay::target;
use crate::simulate::rivals::{Keda, TargetTracking};
use crate::simulate::tally::Tally;

/// What came of one seed.
#[derive(Clone, Debug)]
pub struct Played {
    pub seed: u64,
    pub ours: Tally,
    /// What was broken, each with its time. Empty if all is well.
    pub faults: Vec<String>,
    /// How often each alert rule told somebody.
    pub fired: Vec<(String, u32)>,
    /// On average, of everything. `None`: not all of it has a price.
    pub micros_per_hour: Option<u64>,
    /// The load's highest slice, and the tasks that ran in it.
    pub highest: (f64, u32),
}

/// Plays one seed of the scenario, and checks every tick.
#[must_use]
pub fn play(scenario: &Scenario, seed: u64, days: u32) -> Played {
    let (trace, weather) = (scenario.trace(seed, days), scenario.weather(seed, days));
    let environment = &scenario.environment;
    let policy = &environment.scaling;
    let tasks = (policy.tasks_min, policy.tasks_max);
    let game = Game::new((&trace, &scenario.service, &weather), tasks, target(policy), seed);
    let ours = Ours::new(&environment.name, policy, &environment.signals, true, seed);
    let mut judged = Judged { ours, judge: Judge::new(scenario) };
    let mut highest = (0.0, 0);
    let tally = game.play(&mut judged, |slice, _| {
        let rate = slice.served + slice.failed;
        if rate > highest.0 {
            highest = (rate, slice.running);
        }
    });
    let judge = judged.judge;
    let fired = judge.alarms.fired.iter().map(|(rule, times)| ((*rule).to_owned(), *times));
    let mut played = Played {
        seed,
        fired: fired.collect(),
        micros_per_hour: judge.micros_per_hour(tally.seconds),
        faults: judge.faults,
        ours: tally,
        highest,
    };
    let missed = scenario.expect.missed(&played.ours, days);
    played.faults.extend(missed);
    played
}

/// Plays the same load with what others would do.
#[must_use]
pub fn rivals(scenario: &Scenario, seed: u64, days: u32) -> Vec<Tally> {
    let (trace, weather) = (scenario.trace(seed, days), scenario.weather(seed, days));
    let policy = &scenario.environment.scaling;
    let (tasks, target) = ((policy.tasks_min, policy.tasks_max), target(policy));
    let game = Game::new((&trace, &scenario.service, &weather), tasks, target, seed);
    let mut others: [Box<dyn Scaler>; 3] = [
        Box::new(TargetTracking::standard(target, tasks, seed)),
        Box::new(TargetTracking::high_resolution(target, tasks, seed)),
        Box::new(Keda::new(target, tasks, seed)),
    ];
    let mut tallies: Vec<Tally> =
        others.iter_mut().map(|other| game.play(other.as_mut(), |_, _| ())).collect();
    tallies.push(oracle(&game));
    tallies
}

impl super::Expect {
    /// What was expected and did not come.
    fn missed(&self, tally: &Tally, days: u32) -> Vec<String> {
        let days = f64::from(days.max(1));
        let lost = tally.lost_minutes() / days;
        let changes = f64::from(tally.outs + tally.ins) / days;
        let availability = tally.availability_percent();
        let above = |value: f64, most: Option<f64>| most.is_some_and(|most| value > most);
        let below = |value: f64, least: Option<f64>| least.is_some_and(|least| value < least);
        let mut missed = Vec::new();
        let mut miss = |broken: bool, what: String| {
            if broken {
                missed.push(what);
            }
        };
        let most = self.lost_minutes_per_day_max;
        miss(above(lost, most), format!("{lost:.2} minutes a day lost; at most {most:?}"));
        let most = self.changes_per_day_max;
        miss(above(changes, most), format!("{changes:.1} changes a day; at most {most:?}"));
        let least = self.availability_percent_min;
        let what = format!("available for {availability:.4} %; at least {least:?}");
        miss(below(availability, least), what);
        let fewest = self.tasks_min;
        let what = format!("{} tasks at the fewest; at least {fewest:?}", tally.tasks_min);
        miss(fewest.is_some_and(|fewest| tally.tasks_min < fewest), what);
        missed
    }
}
