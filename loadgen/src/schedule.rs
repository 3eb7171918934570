//! When each request is due: Poisson arrivals at a rate that may change in steps. Pure.
//!
//! Open loop: the schedule never waits for an answer, so a slow service meets the queue that it
//! would
//! meet in the world, and the latency counted from the due time hides nothing (no coordinated
//! omission).

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{str::FromStr, time::Duration};

/// From `from` on, `rate` arrivals a second, until the next step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub from: Duration,
    /// Arrivals per second, above 0 and at most [`RATE_MAX`].
    pub rate: f64,
}

/// A bound on the rate: one generator on one machine cannot honestly offer more.
pub const RATE_MAX: f64 = 200_000.0;

impl FromStr for Step {
    type Err = String;

    /// Reads `RATE` or `RATE@SECONDS`, such as `1200@30`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (rate, from) = text.split_once('@').unwrap_or((text, "0"));
        let rate: f64 = rate.parse().map_err(|_| format!("rate {rate:?} is not a number"))?;
        let from: f64 = from.parse().map_err(|_| format!("second {from:?} is not a number"))?;
        if !(rate > 0.0 && rate <= RATE_MAX) {
            return Err(format!("rate {rate} must be above 0 and at most {RATE_MAX} a second"));
        }
        let from = Duration::try_from_secs_f64(from).map_err(|e| format!("second {from}: {e}"))?;
        Ok(Self { from, rate })
    }
}

/// The due times, as offsets from the start, in order and without end.
#[derive(Debug)]
pub struct Arrivals {
    steps: Vec<Step>,
    step: usize,
    at: f64,
    rng: ChaCha8Rng,
}

impl Arrivals {
    /// Starts the schedule of `steps`, which are brought into order; there must be one at least.
    #[must_use]
    pub fn new(mut steps: Vec<Step>, seed: u64) -> Self {
        assert!(!steps.is_empty(), "a schedule has at least one step");
        steps.sort_by_key(|step| step.from);
        let at = steps[0].from.as_secs_f64();
        Self { steps, step: 0, at, rng: ChaCha8Rng::seed_from_u64(seed) }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        loop {
            let uniform: f64 = self.rng.random();
            let due = self.at - (1.0 - uniform).ln() / self.steps[self.step].rate;
            match self.steps.get(self.step + 1) {
                // Arrivals have no memory: the draw that crosses the border is thrown away.
                Some(next) if due >= next.from.as_secs_f64() => {
                    self.at = next.from.as_secs_f64();
                    self.step += 1;
                }
                _ => {
                    self.at = due;
                    return Some(Duration::from_secs_f64(due));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_or_refused_with_its_limit() {
        let step = |from, rate| Ok(Step { from: Duration::from_secs(from), rate });
        assert_eq!("300".parse(), step(0, 300.0));
        assert_eq!("1200@30".parse(), step(30, 1200.0));
        for (text, part) in [
            ("", "not a number"),
            ("0", "above 0"),
            ("-1", "above 0"),
            ("NaN", "above 0"),
            ("1e9", "at most"),
            ("5@x", "second"),
            ("5@-1", "second"),
        ] {
            let fault = text.parse::<Step>().unwrap_err();
            assert!(fault.contains(part), "{text}: {fault}");
        }
    }

    #[test]
    fn arrivals_keep_their_rate_their_order_and_their_seed() {
        let steps = || vec!["1000@10".parse().unwrap(), "100".parse().unwrap()];
        let due = |seed| Arrivals::new(steps(), seed).take_while(|d| d.as_secs() < 20);
        let first: Vec<_> = due(7).collect();
        assert!(first.is_sorted());
        let slow = first.iter().filter(|d| d.as_secs() < 10).count();
        // Poisson: 1,000 ± 5 × 32 and 10,000 ± 5 × 100.
        assert!((840..1160).contains(&slow), "{slow}");
        assert!((9_500..10_500).contains(&(first.len() - slow)), "{}", first.len() - slow);
        assert_eq!(first, due(7).collect::<Vec<_>>());
        assert_ne!(first, due(8).collect::<Vec<_>>());
    }
}
