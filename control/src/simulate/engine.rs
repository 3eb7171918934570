//! Plays a trace: each slice is served by the tasks that run, measured, and decided upon.
//!
//! Nothing is queued from one slice to the next: clients do not wait, so what is not served in its
//! slice is lost. Whoever scales never sees the trace, only what its metrics tell, when they do.

use chrono::{DateTime, Utc};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::service::{Limits, Service};
use super::tally::Tally;
use super::tasks::Tasks;
use super::trace::{SLICE_S, Trace};
use super::weather::{Trouble, Weather};

/// Decisions are made this long after a slice has ended: about when its point was published.
const PHASE_S: i64 = 3;

/// One slice as the service lived it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    /// Its first second.
    pub second: i64,
    /// Requests per second that were served.
    pub served: f64,
    /// Requests per second that came and were not served.
    pub failed: f64,
    /// The share of the processors that was busy; at most 1.
    pub busy: f64,
    pub running: u32,
    pub p95_ms: f64,
    /// False when nothing of it was published.
    pub published: bool,
}

/// What may be asked of the cloud when it is time to decide.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub second: i64,
    pub now: DateTime<Utc>,
    /// The tasks as they are.
    pub tasks: &'a Tasks,
    pub weather: &'a Weather,
}

/// What the cloud answers to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Accepted,
    /// Nothing happened.
    Refused,
    /// Nothing is known: it may have happened.
    Lost,
}

/// A way of scaling.
pub trait Scaler {
    /// Names it in tables.
    fn name(&self) -> &str;
    /// Takes in what was measured of a slice.
    fn observe(&mut self, slice: &Slice);
    /// The number of tasks to ask for, or `None` to leave it as it is.
    fn decide(&mut self, view: View<'_>) -> Option<u32>;
    /// Takes in the answer to what was asked for.
    fn hear(&mut self, asked: u32, reply: Reply, view: View<'_>);
}

/// Everything that is the same for all who scale.
#[derive(Clone, Debug)]
pub struct Game<'a> {
    pub trace: &'a Trace,
    pub service: &'a Service,
    pub limits: Limits,
    pub weather: &'a Weather,
    pub tasks_min: u32,
    pub tasks_max: u32,
    /// The share of the processors that shall be busy.
    pub target: f64,
    pub seed: u64,
}

impl<'a> Game<'a> {
    /// A game within these limits.
    #[must_use]
    pub fn new(
        (trace, service, weather): (&'a Trace, &'a Service, &'a Weather),
        (tasks_min, tasks_max): (u32, u32),
        target: f64,
        seed: u64,
    ) -> Self {
        let limits = service.limits(tasks_max);
        Self { trace, service, limits, weather, tasks_min, tasks_max, target, seed }
    }

    /// As many tasks as the first slice asks for at the target: everybody begins with them.
    #[must_use]
    pub fn tasks_first(&self) -> u32 {
        let first = self.trace.slices.first().map_or(0.0, |offered| offered.rate);
        let enough = |tasks: &u32| self.service.utilisation(first, *tasks) <= self.target;
        (self.tasks_min..self.tasks_max).find(enough).unwrap_or(self.tasks_max)
    }

    /// Plays the trace from its start to its end, and shows `each` slice with the tasks after it.
    pub fn play(&self, scaler: &mut dyn Scaler, mut each: impl FnMut(&Slice, &Tasks)) -> Tally {
        let mut tally = Tally::new(scaler.name());
        let mut chance = ChaCha8Rng::seed_from_u64(self.seed);
        let mut tasks = Tasks::running_from(self.tasks_first(), self.service.start_s);
        let seconds = (0_i64..).step_by(usize::try_from(SLICE_S).expect("it is ten"));
        for (second, offered) in seconds.zip(&self.trace.slices) {
            let slice = self.serve(second, *offered, &tasks);
            let broken = slice.failed > 0.0 || slice.p95_ms > self.service.p95_ms_max;
            let lost = broken || self.limits.exceeded(offered.rate, slice.running);
            tally.slice(tasks.desired(), offered.known, lost, slice.busy > self.target);
            scaler.observe(&slice);
            let second = second + SLICE_S + PHASE_S;
            let now = self.trace.at(second);
            let view = View { second, now, tasks: &tasks, weather: self.weather };
            if let Some(wanted) = scaler.decide(view) {
                let from = tasks.desired();
                let reply = self.answer(second, wanted, &mut tasks, &mut chance);
                tally.change(from, tasks.desired());
                let view = View { second, now, tasks: &tasks, weather: self.weather };
                scaler.hear(wanted, reply, view);
            }
            each(&slice, &tasks);
        }
        tally
    }

    fn serve(&self, second: i64, offered: super::trace::Offered, tasks: &Tasks) -> Slice {
        let running = tasks.running(second + SLICE_S / 2);
        let most = f64::from(running) * self.service.capacity_per_task;
        let down = self.weather.has(Trouble::WriterDown, second);
        let served = if down { 0.0 } else { offered.rate.min(most) };
        Slice {
            second,
            served,
            failed: offered.rate - served,
            busy: self.service.utilisation(served, running).min(1.0),
            running,
            p95_ms: self.service.p95_ms(served, running),
            published: offered.known && !self.weather.has(Trouble::Silence, second),
        }
    }

    /// Does to the tasks what the weather lets through.
    fn answer(
        &self,
        second: i64,
        wanted: u32,
        tasks: &mut Tasks,
        chance: &mut ChaCha8Rng,
    ) -> Reply {
        let has = |trouble| self.weather.has(trouble, second);
        if has(Trouble::Throttled) {
            return Reply::Refused;
        }
        if !has(Trouble::RequestLost) {
            tasks.set(wanted.min(self.tasks_max), second, chance);
        }
        let lost = has(Trouble::RequestLost) || has(Trouble::ReplyLost);
        if lost { Reply::Lost } else { Reply::Accepted }
    }
}
