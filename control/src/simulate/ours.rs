//! Our way of scaling, as production does it: the same `Book`, `classify` and `decide`.
//!
//! What is not the same is only the shell: the points come from meters instead of CloudWatch, and
//! an intent of unknown outcome is settled by the next look, as the capacity loop does.

use chrono::{DateTime, TimeDelta, Utc};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::engine::{Reply, Scaler, Slice, View};
use super::meter::Meter;
use super::weather::Trouble;
use crate::app::Signals;
use crate::aws::{Completeness, Series};
use crate::readings::Signal;
use crate::readings::derive::{Book, Counted, KEPT};
use crate::reconcile::capacity::Policy;
use crate::reconcile::capacity::decide::{Block, Decision, Observed, decide};
use crate::reconcile::capacity::past::Past;

/// A steep rise is told from the newest few.
const PERIODS_MIN: usize = 6;

/// The production functions, driven by simulated metrics.
pub struct Ours<'a> {
    name: &'a str,
    policy: &'a Policy,
    meters: Vec<(String, Meter)>,
    chance: ChaCha8Rng,
    book: Book,
    memory: Memory,
    /// Are readings made too? Only who evaluates alerts needs them.
    reads: bool,
    /// What was heard, as the loops publish it.
    pub signals: Signals,
    /// What was last decided, and from what.
    pub newest: Option<(Observed, Decision)>,
}

/// What the capacity loop remembers between passes.
#[derive(Clone, Debug, Default)]
struct Memory {
    past: Past,
    /// The size and the instant at which it was last described.
    seen: Option<(u32, DateTime<Utc>)>,
    /// Up to when running tasks were counted.
    counted_s: Option<i64>,
    /// What was asked for without an answer.
    open: Option<u32>,
    intents_sent: u32,
    intents_settled: u32,
}

impl<'a> Ours<'a> {
    /// A policy with the signals that it is fed from. `reads`: readings are made too.
    #[must_use]
    pub fn new(
        name: &'a str,
        policy: &'a Policy,
        signals: &[Signal],
        reads: bool,
        seed: u64,
    ) -> Self {
        let meter = |signal: &Signal| Some((signal.name.clone(), Meter::of(signal)?));
        Self {
            name,
            policy,
            meters: signals.iter().filter_map(meter).collect(),
            chance: ChaCha8Rng::seed_from_u64(seed),
            book: Book::new(signals),
            memory: Memory::default(),
            reads,
            signals: Signals::default(),
            newest: None,
        }
    }

    /// Changes asked for whose outcome is not known.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.memory.intents_sent - self.memory.intents_settled
    }

    /// How many periods a decision looks at: those of its points, and a few for a steep rise.
    fn periods(&self) -> usize {
        self.policy.points_in.max(self.policy.points_out).max(PERIODS_MIN)
    }

    /// Fetches what was published since the last look.
    fn fetch(&mut self, view: View<'_>) {
        let throttled = view.weather.has(Trouble::Throttled, view.second);
        let partial = view.weather.has(Trouble::Partial, view.second);
        let start = view.now - TimeDelta::seconds(view.second);
        let keep_from = view.now - KEPT - TimeDelta::minutes(1);
        for (name, meter) in &mut self.meters {
            let Some(history) = self.book.histories.get_mut(name) else { continue };
            if throttled {
                history.hear_nothing();
                continue;
            }
            let mut points = Vec::new();
            while let Some(point) = meter.fetch(view.second) {
                points.push((start + TimeDelta::seconds(point.start), point.value));
            }
            if points.is_empty() && !partial {
                continue;
            }
            let completeness = if partial { Completeness::Partial } else { Completeness::Complete };
            history.hear(&Series { id: String::new(), completeness, points }, 1.0, keep_from);
        }
    }

    /// Counts the tasks that run, from when on each of them does.
    fn count(&mut self, view: View<'_>) {
        let from = self.memory.counted_s.unwrap_or(view.second - 1);
        let start = view.now - TimeDelta::seconds(view.second);
        for second in view.tasks.started(from, view.second) {
            let at = start + TimeDelta::seconds(second);
            self.book.count(at, Counted::Tasks, view.tasks.running(second));
        }
        self.book.count(view.now, Counted::Tasks, view.tasks.running(view.second));
        self.memory.counted_s = Some(view.second);
    }

    /// Looks at the service, unless it cannot be looked at: then what was seen grows older.
    fn look(&mut self, view: View<'_>) {
        if view.weather.has(Trouble::Throttled, view.second) {
            return;
        }
        let current = view.tasks.desired();
        if self.memory.open.take().is_some() {
            self.memory.intents_settled += 1;
        }
        self.memory.past.notice(Some(current), view.now);
        self.memory.seen = Some((current, view.now));
    }
}

impl Scaler for Ours<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn observe(&mut self, slice: &Slice) {
        for (_, meter) in &mut self.meters {
            meter.take(slice, &mut self.chance);
        }
    }

    fn decide(&mut self, view: View<'_>) -> Option<u32> {
        self.count(view);
        self.fetch(view);
        self.look(view);
        if self.reads {
            self.signals.readings = self.book.readings(view.now);
        }
        let has = |trouble| view.weather.has(trouble, view.second);
        let held = has(Trouble::Held).then(|| Block { why: "held".to_owned(), until: None });
        let (current, seen_at) = self.memory.seen.unzip();
        let mut seen = Observed {
            current,
            seen_at,
            windows: self.book.windows_up_to(view.now, self.periods()),
            error_percent: self.signals.reading("error_percent"),
            p95_ms: self.signals.reading("p95_ms"),
            past: std::mem::take(&mut self.memory.past),
            deploying: has(Trouble::Deployment),
            held_in: held.clone(),
            held_out: held,
            ..Observed::default()
        };
        let decision = decide(self.policy, &seen, view.now);
        self.memory.past = std::mem::take(&mut seen.past);
        self.memory.past.decided(&decision, view.now);
        let asks = decision.to != decision.from;
        let to = decision.to;
        self.newest = Some((seen, decision));
        asks.then_some(to)
    }

    fn hear(&mut self, asked: u32, reply: Reply, view: View<'_>) {
        self.memory.intents_sent += 1;
        let from = self.memory.seen.map_or(asked, |(seen, _)| seen);
        match reply {
            Reply::Accepted => {
                self.memory.past.changed(from, asked, view.now);
                self.memory.seen = Some((asked, view.now));
                self.memory.intents_settled += 1;
            }
            Reply::Refused => self.memory.intents_settled += 1,
            Reply::Lost => {
                self.memory.past.changed(from, asked, view.now);
                self.memory.open = Some(asked);
            }
        }
    }
}
