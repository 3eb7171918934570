//! Scenarios: an invented load, troubles, and what must come of them.
//!
//! `kind: Scenario` names an environment file, whose policy, signals, alert rules and prices are
//! played. Troubles happen at given times or so many times a day, at hours that the seed chooses.
//! A scenario with a roadmap also answers what the load needs and what that costs.

pub mod answer;
mod load;
pub mod play;
mod read;
#[cfg(test)]
mod read_tests;
pub(super) mod topology;

use std::path::Path;

use chrono::{DateTime, Utc};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use load::Shape;
pub use read::read;

use super::service::Service;
use super::trace::Trace;
use super::weather::{Spell, Trouble, Weather};
use crate::config::Environment;
use crate::fleet::{Broker, Cache, Database};

/// One day, in seconds.
pub(super) const DAY_S: i64 = 86_400;

/// A scenario, checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: String,
    pub summary: String,
    /// Whose policy is played, with the scenario's limits of tasks where it has some.
    pub environment: Environment,
    pub start: DateTime<Utc>,
    pub days: u32,
    pub service: Service,
    pub load: Shape,
    pub troubles: Vec<TroubleRule>,
    pub expect: Expect,
    pub roadmap: Option<Roadmap>,
}

/// When a trouble comes, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct TroubleRule {
    pub trouble: Trouble,
    pub when: When,
    /// Shortest and longest, in seconds.
    pub for_s: (i64, i64),
}

/// When something happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// Every day at this second.
    At(i64),
    /// This often a day, at any second.
    PerDay(f64),
}

/// What must come of it, over each seed. Nothing is demanded where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expect {
    pub lost_minutes_per_day_max: Option<f64>,
    pub availability_percent_min: Option<f64>,
    /// Tasks must not be fewer, from the start to the end.
    pub tasks_min: Option<u32>,
    pub changes_per_day_max: Option<f64>,
}

/// A step of the roadmap: what is promised to how many, and what it stands on.
#[derive(Clone, Debug)]
pub struct Roadmap {
    pub users: u32,
    pub availability_percent: f64,
    pub database: Database,
    pub cache: Cache,
    pub broker: Broker,
    pub mix: Mix,
}

/// How requests weigh on the database. Shares are of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    pub reads: f64,
    /// Reads that the cache answers.
    pub cached: f64,
    pub reads_per_reader: f64,
    pub writes_per_writer: f64,
}

impl Scenario {
    /// The load of one seed.
    #[must_use]
    pub fn trace(&self, seed: u64, days: u32) -> Trace {
        self.load.trace(self.start, days, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    /// The troubles of one seed.
    #[must_use]
    pub fn weather(&self, seed: u64, days: u32) -> Weather {
        // Another stream than the load's, so that troubles do not follow it.
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        chance.set_stream(1);
        let mut spells = Vec::new();
        for day in 0..i64::from(days) {
            for rule in &self.troubles {
                for at in rule.times(&mut chance) {
                    let from = day * DAY_S + at;
                    let to = from + chance.random_range(rule.for_s.0..=rule.for_s.1);
                    spells.push(Spell { trouble: rule.trouble, from, to });
                }
            }
        }
        Weather::new(spells)
    }
}

impl TroubleRule {
    fn times(&self, chance: &mut ChaCha8Rng) -> Vec<i64> {
        match self.when {
            When::At(second) => vec![second],
            When::PerDay(often) => times_a_day(often, 0..DAY_S, chance),
        }
    }
}

/// As many times as `often` says on average, within these hours.
pub(super) fn times_a_day(
    often: f64,
    within: std::ops::Range<i64>,
    chance: &mut ChaCha8Rng,
) -> Vec<i64> {
    let mut times = Vec::new();
    let mut left = often;
    while left > 0.0 {
        if chance.random_bool(left.min(1.0)) {
            times.push(chance.random_range(within.clone()));
        }
        left -= 1.0;
    }
    times
}

/// The files that ship with the crate.
#[must_use]
pub fn shipped(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name)
}
