//! What the simulated service publishes: one point for each closed period of each signal, visible
//! some time after its period has ended.
//!
//! Our own metrics appear within three seconds, as they are pushed; those of AWS at 20 s take 20
//! to 30 s more, those of a minute one to two minutes.

use std::collections::VecDeque;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::engine::Slice;
use super::trace::SLICE_S;
use crate::readings::Signal;

/// What a signal measures here. One that nobody simulates is never published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Requests,
    Errors,
    P50,
    P95,
    P99,
    Cpu,
    Memory,
    /// Anything else: it is published, and never changes.
    Still,
}

/// A 99th and a 50th percentile of an exponential time, as parts of its 95th: ln 100 and ln 2 of
/// ln 20.
const P99_OF_P95: f64 = 1.537;
const P50_OF_P95: f64 = 0.231;
/// A task's memory does not follow its load.
const MEMORY_PERCENT: f64 = 40.0;

impl Quantity {
    fn of(name: &str) -> Option<Self> {
        match name {
            "requests" => Some(Self::Requests),
            "errors" => Some(Self::Errors),
            "p50_ms" => Some(Self::P50),
            "p95_ms" => Some(Self::P95),
            "p99_ms" => Some(Self::P99),
            "cpu_percent" => Some(Self::Cpu),
            "memory_percent" => Some(Self::Memory),
            _ => None,
        }
    }

    /// Its value over one slice. Counts are for the slice, the rest is at it.
    fn value(self, slice: &Slice) -> f64 {
        match self {
            Self::Requests => (slice.served + slice.failed) * SECONDS,
            Self::Errors => slice.failed * SECONDS,
            Self::P50 => slice.p95_ms * P50_OF_P95,
            Self::P95 => slice.p95_ms,
            Self::P99 => slice.p95_ms * P99_OF_P95,
            Self::Cpu => slice.busy * 100.0,
            Self::Memory => MEMORY_PERCENT,
            Self::Still => 1.0,
        }
    }

    /// No client waits longer for an answer than it does.
    fn most(self) -> f64 {
        match self {
            Self::P50 | Self::P95 | Self::P99 => LATENCY_MS_MAX,
            _ => f64::INFINITY,
        }
    }

    fn join(self, sum: f64, slices: u32, value: f64) -> f64 {
        match self {
            Self::Requests | Self::Errors => sum + value,
            Self::P50 | Self::P95 | Self::P99 => sum.max(value),
            Self::Cpu | Self::Memory | Self::Still => sum + (value - sum) / f64::from(slices),
        }
    }
}

/// A slice's seconds as a factor.
const SECONDS: f64 = 10.0;
/// A time-out of the clients: the largest latency that anybody measures, in milliseconds.
const LATENCY_MS_MAX: f64 = 5_000.0;

/// The shortest and the longest time after which a closed period's point can be seen.
fn lags_s(period_s: i64) -> (i64, i64) {
    match period_s {
        ..=10 => (1, 3),
        11..=30 => (20, 30),
        _ => (60, 120),
    }
}

/// The time after which the period that starts at this second can be seen: another one for each
/// period, and always the same one.
#[must_use]
pub fn lag_s(period_s: i64, start: i64) -> i64 {
    let (shortest, longest) = lags_s(period_s);
    let mixed = (start / period_s).wrapping_mul(7_919).rem_euclid(longest - shortest + 1);
    shortest + mixed
}

/// What a signal measured over the slices of a closed period. `None`: nothing was published.
pub fn measure<'s>(name: &str, slices: impl Iterator<Item = &'s Slice>) -> Option<f64> {
    let quantity = Quantity::of(name).unwrap_or(Quantity::Still);
    let (mut sum, mut taken) = (0.0, 0);
    for slice in slices {
        if !slice.published {
            return None;
        }
        taken += 1;
        sum = quantity.join(sum, taken, quantity.value(slice).min(quantity.most()));
    }
    let nothing = quantity == Quantity::Errors && sum <= 0.0;
    (taken > 0 && !nothing).then_some(sum)
}

/// Closes the periods of one signal.
#[derive(Clone, Debug)]
pub struct Meter {
    quantity: Quantity,
    period_s: i64,
    lag_s: (i64, i64),
    slices: u32,
    published: u32,
    sum: f64,
    /// Oldest first.
    waiting: VecDeque<Point>,
}

/// A point on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub visible: i64,
    /// The first second of its period.
    pub start: i64,
    pub value: f64,
}

impl Meter {
    /// A meter for this signal, if it is one that is simulated here.
    #[must_use]
    pub fn of(signal: &Signal) -> Option<Self> {
        let period_s = signal.period.num_seconds();
        let lag_s = lags_s(period_s);
        // A period that is no multiple of a slice is not simulated.
        let quantity = Quantity::of(&signal.name).filter(|_| period_s % SLICE_S == 0)?;
        let (slices, published, sum) = (0, 0, 0.0);
        Some(Self { quantity, period_s, lag_s, slices, published, sum, waiting: VecDeque::new() })
    }

    /// Takes in a slice, and closes the period that ends with it.
    pub fn take(&mut self, slice: &Slice, chance: &mut ChaCha8Rng) {
        self.slices += 1;
        if slice.published {
            self.published += 1;
            let value = self.quantity.value(slice).min(self.quantity.most());
            self.sum = self.quantity.join(self.sum, self.published, value);
        }
        let end = slice.second + SLICE_S;
        if end.rem_euclid(self.period_s) != 0 {
            return;
        }
        let silent = self.published < self.slices;
        // A counter of nothing is not published: its absence is proven zero by another.
        let nothing = self.quantity == Quantity::Errors && self.sum <= 0.0;
        if !silent && !nothing {
            let visible = end + chance.random_range(self.lag_s.0..=self.lag_s.1);
            self.waiting.push_back(Point { visible, start: end - self.period_s, value: self.sum });
        }
        (self.slices, self.published, self.sum) = (0, 0, 0.0);
    }

    /// The oldest point that can be seen now and was not fetched yet.
    pub fn fetch(&mut self, second: i64) -> Option<Point> {
        self.waiting.pop_front_if(|point| point.visible <= second)
    }
}
