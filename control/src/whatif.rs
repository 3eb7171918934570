//! What another policy would have done with an environment's own load.
//!
//! It stands beside the policy in force and AWS target tracking, all played by the functions that
//! decide in production. Pure but for the deadline. Nothing outside hears of it.

use chrono::{DateTime, Utc};
use protocol::control::{CapacityFrom, PlayedView, ReplayView};
use tokio::time::Instant;

use crate::config::{Environment, Variant};
use crate::document::Faults;
use crate::readings::Signal;
use crate::reconcile::capacity::{Metric, Policy};
use crate::simulate::engine::{Game, Reply, Scaler, Slice, View};
use crate::simulate::ours::Ours;
use crate::simulate::rivals::TargetTracking;
use crate::simulate::series::Series;
use crate::simulate::service::Service;
use crate::simulate::tally::Tally;
use crate::simulate::trace::Trace;
use crate::simulate::weather::Weather;

/// Decides start times and delays of metrics: the same for all, and each time.
const SEED: u64 = 1;
/// The target where a policy names none for the processors.
const TARGET_PERCENT: f64 = 60.0;
/// Processors that are nearly idle say little about what fills them.
const MEASURED_PERCENT_MIN: f64 = 5.0;

/// Everything that is played.
pub struct WhatIf<'a> {
    pub wanted: &'a Environment,
    pub variant: &'a Variant,
    pub load: &'a [(DateTime<Utc>, f64)],
    /// From when to when.
    pub span: (DateTime<Utc>, DateTime<Utc>),
    /// The requests per second that fill one task's processors.
    pub capacity: (f64, CapacityFrom),
    /// What a task costs an hour, if it is known.
    pub price: Option<u64>,
    /// When whoever asked has gone.
    pub deadline: Instant,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    #[error("the load of that time is not known")]
    Unknown(#[source] Faults),
    #[error("playing it takes too long: ask for less time")]
    Late,
}

/// The requests per second that fill a task, as measured now: `per_task` of them take
/// `cpu_percent` of its processors.
#[must_use]
pub fn measured(per_task: Option<f64>, cpu_percent: Option<f64>) -> Option<f64> {
    let cpu_percent = cpu_percent.filter(|percent| *percent >= MEASURED_PERCENT_MIN)?;
    let capacity = per_task? / cpu_percent * 100.0;
    (capacity.is_finite() && capacity > 0.0).then_some(capacity)
}

/// The same by a policy that names both targets.
#[must_use]
pub fn by_targets(policy: &Policy) -> Option<f64> {
    let of = |metric| policy.targets.iter().find(|one| one.metric == metric);
    let (requests, cpu) = (of(Metric::RequestsPerTask)?, of(Metric::Cpu)?);
    Some(requests.value / cpu.value * 100.0)
}

impl WhatIf<'_> {
    /// Plays all of it.
    ///
    /// # Errors
    ///
    /// When too little of the load is known, or the deadline comes first.
    pub fn play(&self) -> Result<ReplayView, WhatIfError> {
        let trace = self.trace()?;
        let policy = &self.wanted.scaling;
        let target_percent = target_percent(policy);
        let target = target_percent / 100.0;
        let (capacity_per_task, capacity_from) = self.capacity;
        let service = Service { capacity_per_task, ..Service::default() };
        let weather = Weather::default();
        let game = |tasks| Game::new((&trace, &service, &weather), tasks, target, SEED);
        let tasks = |policy: &Policy| (policy.tasks_min, policy.tasks_max);
        let signals: &[Signal] = &self.wanted.signals;
        let variant = &self.variant.scaling;
        let tallies = [
            self.one(&game(tasks(policy)), Ours::new("running", policy, signals, false, SEED))?,
            self.one(&game(tasks(variant)), Ours::new("variant", variant, signals, false, SEED))?,
            self.one(&game(tasks(policy)), TargetTracking::standard(target, tasks(policy), SEED))?,
        ];
        let known = trace.slices.iter().filter(|slice| slice.known).count();
        Ok(ReplayView {
            policy: format!("{}.scaling", self.wanted.name),
            from: trace.start,
            to: trace.at(trace.seconds()),
            known_percent: percent(known, trace.slices.len()),
            target_percent,
            capacity_per_task,
            capacity_from,
            played: tallies.iter().map(|tally| self.view(tally)).collect(),
        })
    }

    /// The load in the form in which recordings are read, so that its gaps are gaps here too.
    fn trace(&self) -> Result<Trace, WhatIfError> {
        let (from, to) = self.span;
        let within = self.load.iter().filter(|(at, _)| (from..=to).contains(at));
        let mut text = String::new();
        for (at, value) in within {
            text.push_str(&format!("{},{value}\n", at.to_rfc3339()));
        }
        let series = Series::parse("the load", &text).map_err(WhatIfError::Unknown)?;
        Ok(Trace::recorded(&series, 1.0))
    }

    fn one(&self, game: &Game<'_>, scaler: impl Scaler) -> Result<Tally, WhatIfError> {
        let mut timed = Timed { scaler, deadline: self.deadline, late: false };
        if timed.is_late() {
            return Err(WhatIfError::Late);
        }
        let tally = game.play(&mut timed, |_, _| ());
        if timed.late { Err(WhatIfError::Late) } else { Ok(tally) }
    }

    fn view(&self, tally: &Tally) -> PlayedView {
        PlayedView {
            name: tally.name.clone(),
            tasks_min: tally.tasks_min,
            tasks_mean: tally.tasks_mean(),
            tasks_max: tally.tasks_max,
            task_hours: tally.task_hours(),
            minutes_above_target: tally.minutes_above_target(),
            slo_minutes_lost: tally.lost_minutes(),
            outs: tally.outs,
            ins: tally.ins,
            cost_micros: self.price.and_then(|price| tally.cost_micros(price)),
        }
    }
}

fn target_percent(policy: &Policy) -> f64 {
    let cpu = policy.targets.iter().find(|target| target.metric == Metric::Cpu);
    cpu.map_or(TARGET_PERCENT, |target| target.value)
}

#[expect(clippy::cast_precision_loss, reason = "slices of four weeks fit 53 bits")]
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// Decides nothing more once it is late, so that what nobody waits for ends soon.
struct Timed<S> {
    scaler: S,
    deadline: Instant,
    late: bool,
}

impl<S> Timed<S> {
    fn is_late(&mut self) -> bool {
        self.late = self.late || Instant::now() >= self.deadline;
        self.late
    }
}

impl<S: Scaler> Scaler for Timed<S> {
    fn name(&self) -> &str {
        self.scaler.name()
    }

    fn observe(&mut self, slice: &Slice) {
        if !self.late {
            self.scaler.observe(slice);
        }
    }

    fn decide(&mut self, view: View<'_>) -> Option<u32> {
        if self.is_late() { None } else { self.scaler.decide(view) }
    }

    fn hear(&mut self, asked: u32, reply: Reply, view: View<'_>) {
        self.scaler.hear(asked, reply, view);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;
    use crate::config::{read_environments, read_variant_text};
    use crate::fleet::samples::second;

    /// Two days that rise from 100 to 900 requests a second and fall again.
    fn load() -> Vec<(DateTime<Utc>, f64)> {
        let wave = |n: i32| 500.0 - 400.0 * (std::f64::consts::TAU * f64::from(n) / 288.0).cos();
        (0..576).map(|n| (second(0) + TimeDelta::minutes(5) * n, wave(n))).collect()
    }

    fn environment() -> Environment {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
        let mut wanted = read_environments(&[file]).unwrap().remove(0);
        wanted.scaling.tasks_max = 20;
        wanted
    }

    const VARIANT: &str = "kind: Policy\nname: lean\nscaling:\n  mode: own\n  \
        tasks: { min: 3, max: 20 }\n  targets: { cpu_percent: 80 }\n  band: 10%\n  \
        out: { points: 2 }\n  in: { points: 9, cooldown: 300s }\n  period: 10s\n";

    fn play(
        load: &[(DateTime<Utc>, f64)],
        hours: i64,
        patience: Duration,
    ) -> Result<ReplayView, WhatIfError> {
        let wanted = environment();
        let variant = read_variant_text("variant", VARIANT, &wanted.signals).unwrap();
        let what = WhatIf {
            wanted: &wanted,
            variant: &variant,
            load,
            span: (second(0), second(hours * 3600)),
            capacity: (100.0, CapacityFrom::Request),
            price: Some(200_000),
            deadline: Instant::now() + patience,
        };
        what.play()
    }

    const PATIENT: Duration = Duration::from_secs(600);

    #[test]
    fn a_leaner_policy_costs_less_and_is_busier_and_asking_again_answers_the_same() {
        let played = play(&load(), 24, PATIENT).unwrap();
        let names: Vec<&str> = played.played.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["running", "variant", "aws-target-tracking"]);
        let [running, variant, aws] = &played.played[..] else { panic!("{played:?}") };
        assert!(variant.task_hours < running.task_hours, "{variant:?} {running:?}");
        assert!(variant.minutes_above_target > running.minutes_above_target);
        assert!(running.outs > 0 && running.ins > 0 && aws.outs > 0, "{played:?}");
        for one in &played.played {
            let cost = one.cost_micros.unwrap() as f64;
            assert!((cost / (one.task_hours * 200_000.0) - 1.0).abs() < 1e-3, "{one:?}");
        }
        assert!((played.known_percent - 100.0).abs() < 1e-9);
        assert_eq!((played.from, played.to), (second(0), second(24 * 3600)));
        assert_eq!(play(&load(), 24, PATIENT).unwrap(), played);
    }

    #[test]
    fn what_is_not_known_is_not_judged_and_nothing_known_is_no_answer() {
        let mut gap = load();
        gap.retain(|(at, _)| !(second(6 * 3600)..second(12 * 3600)).contains(at));
        let known = play(&gap, 24, PATIENT).unwrap().known_percent;
        assert!((74.0..76.0).contains(&known), "{known}");
        assert!(matches!(play(&[], 24, PATIENT), Err(WhatIfError::Unknown(_))));
    }

    #[test]
    fn who_is_late_is_told_so() {
        assert!(matches!(play(&load(), 48, Duration::ZERO), Err(WhatIfError::Late)));
    }

    #[test]
    fn what_a_task_carries_is_measured_or_said_by_two_targets_and_never_guessed() {
        #[rustfmt::skip]
        let table = [
            (Some(120.0), Some(60.0), Some(200.0)),
            (Some(120.0), Some(4.0),  None),
            (Some(0.0),   Some(60.0), None),
            (None,        Some(60.0), None),
            (Some(120.0), None,       None),
        ];
        for (per_task, cpu, want) in table {
            assert_eq!(measured(per_task, cpu), want);
        }
        let mut policy = environment().scaling;
        assert!(by_targets(&policy).is_some());
        policy.targets.retain(|one| one.metric == Metric::Cpu);
        assert_eq!(by_targets(&policy), None);
    }
}
