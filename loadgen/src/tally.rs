//! Counts what came back: outcomes, latency from the due time, and how long writes were out. Pure.

use crate::mix::Operation;
use hdrhistogram::Histogram;
use std::{collections::BTreeMap, time::Duration};

/// How one request ended, as its client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Done, or answered.
    Succeeded,
    /// A refusal that the mix expects: not enough money in the wallet.
    Declined,
    /// Any other 4xx: the service and we disagree about the protocol.
    Refused,
    /// 5xx, a timeout or no connection: may be asked again with the same key.
    Unavailable,
    /// Never sent: too many requests were already waiting.
    Unsent,
}

/// What is known of one finished request, as offsets from the start of the load.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub operation: Operation,
    pub outcome: Outcome,
    pub due: Duration,
    pub done: Duration,
}

/// Latencies and outcomes of one operation.
#[derive(Debug)]
pub struct Row {
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Microseconds from due to done, of everything that was answered.
    pub latency_us: Histogram<u64>,
}

/// Everything counted in a run.
#[derive(Debug, Default)]
pub struct Tally {
    pub rows: BTreeMap<Operation, Row>,
    seconds: BTreeMap<u64, Second>,
    writes_done: Vec<Duration>,
    failed: Vec<Duration>,
    span: Duration,
}

/// One second of the run, by when requests were done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Second {
    pub succeeded: u64,
    pub failed: u64,
}

/// A span without one acknowledged write, as offsets from the start of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    pub last_before: Duration,
    pub first_after: Duration,
}

/// One minute: anything slower is counted as this.
const LATENCY_US_MAX: u64 = 60_000_000;

/// An empty latency histogram: 1 µs to one minute in three digits.
#[must_use]
pub fn latency() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are constants in order")
}

impl Tally {
    /// Counts one finished request.
    pub fn add(&mut self, sample: Sample) {
        let row = self
            .rows
            .entry(sample.operation)
            .or_insert_with(|| Row { outcomes: BTreeMap::new(), latency_us: latency() });
        *row.outcomes.entry(sample.outcome).or_default() += 1;
        let second = self.seconds.entry(sample.done.as_secs()).or_default();
        self.span = self.span.max(sample.due);
        match sample.outcome {
            Outcome::Succeeded | Outcome::Declined => {
                second.succeeded += 1;
                self.span = self.span.max(sample.done);
                let waited = sample.done.saturating_sub(sample.due).as_micros();
                let waited = u64::try_from(waited).unwrap_or(LATENCY_US_MAX);
                row.latency_us.saturating_record(waited.max(1));
                if sample.operation.writes() {
                    self.writes_done.push(sample.done);
                }
            }
            Outcome::Refused | Outcome::Unavailable | Outcome::Unsent => {
                second.failed += 1;
                self.failed.push(sample.done);
            }
        }
    }

    /// All requests with this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.rows.values().filter_map(|row| row.outcomes.get(&outcome)).sum()
    }

    /// The latencies of all operations together.
    #[must_use]
    pub fn latency_us(&self) -> Histogram<u64> {
        let mut all = latency();
        for row in self.rows.values() {
            all.add(&row.latency_us).expect("all histograms have the same bounds");
        }
        all
    }

    /// The run second by second; a second without an answer is missing.
    #[must_use]
    pub fn seconds(&self) -> &BTreeMap<u64, Second> {
        &self.seconds
    }

    /// From the start to the last answer, or to the last request that was due if that was later.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.span
    }

    /// The longest span without an acknowledged write that a failed request fell into.
    ///
    /// This is the recovery time that a client saw. A quiet moment of a slow schedule is not one,
    /// because nothing failed in it.
    #[must_use]
    pub fn longest_outage(&self) -> Option<Outage> {
        let mut done = self.writes_done.clone();
        done.sort_unstable();
        let mut failed = self.failed.clone();
        failed.sort_unstable();
        done.windows(2)
            .map(|pair| Outage { last_before: pair[0], first_after: pair[1] })
            .filter(|gap| {
                let next = failed.partition_point(|at| *at < gap.last_before);
                failed.get(next).is_some_and(|at| *at <= gap.first_after)
            })
            .max_by_key(Outage::length)
    }
}

impl Outage {
    /// How long it lasted.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.first_after.saturating_sub(self.last_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(operation: Operation, outcome: Outcome, due_ms: u64, done_ms: u64) -> Sample {
        let at = Duration::from_millis;
        Sample { operation, outcome, due: at(due_ms), done: at(done_ms) }
    }

    #[test]
    fn latency_counts_from_the_due_time_and_only_what_was_answered() {
        let mut tally = Tally::default();
        tally.add(sample(Operation::Deposit, Outcome::Succeeded, 0, 10));
        tally.add(sample(Operation::Deposit, Outcome::Declined, 0, 20));
        tally.add(sample(Operation::Deposit, Outcome::Unavailable, 0, 5_000));
        let all = tally.latency_us();
        assert_eq!(all.len(), 2);
        assert!((19_900..=20_100).contains(&all.max()), "{}", all.max());
        assert_eq!(tally.count(Outcome::Unavailable), 1);
        assert_eq!(tally.seconds()[&0].succeeded, 2);
        assert_eq!(tally.seconds()[&5].failed, 1);
    }

    #[test]
    fn the_span_ends_with_the_last_answer_or_the_last_request_due() {
        let mut tally = Tally::default();
        tally.add(sample(Operation::Deposit, Outcome::Succeeded, 1_900, 2_010));
        assert_eq!(tally.span(), Duration::from_millis(2_010));
        tally.add(sample(Operation::Deposit, Outcome::Unavailable, 3_000, 9_000));
        assert_eq!(tally.span(), Duration::from_secs(3), "nothing was answered after it");
    }

    #[test]
    fn an_outage_is_a_gap_between_writes_in_which_something_failed() {
        use Operation::{Balance, Deposit};
        use Outcome::{Succeeded, Unavailable};
        let mut tally = Tally::default();
        for (operation, outcome, done_ms) in [
            (Deposit, Succeeded, 0),
            (Deposit, Succeeded, 9_000), // Quiet: nothing failed in these nine seconds.
            (Balance, Succeeded, 9_500), // A read proves nothing about writes.
            (Deposit, Unavailable, 9_600),
            (Deposit, Succeeded, 12_000),
            (Deposit, Succeeded, 12_001),
        ] {
            tally.add(sample(operation, outcome, done_ms, done_ms));
        }
        let outage = tally.longest_outage().unwrap();
        assert_eq!(outage.length(), Duration::from_secs(3));
        assert_eq!(outage.last_before, Duration::from_secs(9));
    }

    #[test]
    fn no_failure_is_no_outage() {
        let mut tally = Tally::default();
        tally.add(sample(Operation::Deposit, Outcome::Succeeded, 0, 1));
        tally.add(sample(Operation::Deposit, Outcome::Succeeded, 0, 60_000));
        assert_eq!(tally.longest_outage(), None);
    }
}
