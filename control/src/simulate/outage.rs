//! A failover as it truly was, and clients that write down what was acknowledged to them.
//!
//! What control measures from its probes can be held against this: here the instants are known,
//! not inferred.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// From the acceptance of a failover until the old writer is gone, in milliseconds: the cluster
/// still says that it is available.
const ACCEPTED_MS: (i64, i64) = (500, 8_000);
/// Without a writer: Aurora's own figure is 30 s, and some take longer.
const WITHOUT_MS: (i64, i64) = (5_000, 40_000);
/// The old writer is back as a reader after this.
const REJOIN_MS: (i64, i64) = (10_000, 60_000);
/// What a replica of a cache may be behind when it is promoted.
const BEHIND_MS: (i64, i64) = (0, 900);

/// One failover, with its instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Who takes over.
    pub target: String,
    /// Nobody serves writes in `[from, to)`.
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// The old one is a member again from here on.
    pub whole: DateTime<Utc>,
    /// Writes acknowledged since then are gone: only where replication is asynchronous.
    pub kept_to: DateTime<Utc>,
}

impl Outage {
    /// A failover that was accepted at `now`. A `synchronous` store loses nothing.
    pub fn accepted(
        target: &str,
        now: DateTime<Utc>,
        synchronous: bool,
        chance: &mut ChaCha8Rng,
    ) -> Self {
        let mut after =
            |span: (i64, i64)| TimeDelta::milliseconds(chance.random_range(span.0..=span.1));
        let from = now + after(ACCEPTED_MS);
        let to = from + after(WITHOUT_MS);
        let whole = to + after(REJOIN_MS);
        let behind = if synchronous { TimeDelta::zero() } else { after(BEHIND_MS) };
        Self { target: target.to_owned(), from, to, whole, kept_to: from - behind }
    }

    /// Is a write acknowledged that is sent now?
    #[must_use]
    pub fn serves(&self, at: DateTime<Utc>) -> bool {
        !(self.from..self.to).contains(&at)
    }
}

/// What clients were told, by the instant of the acknowledgement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    acknowledged: Vec<DateTime<Utc>>,
}

/// What a failover truly cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// From when on no write was taken until one was again.
    pub recovery: TimeDelta,
    /// Acknowledged writes that are gone, and the time that they span.
    pub writes_lost: usize,
    pub span_lost: TimeDelta,
}

impl Ledger {
    /// Notes an acknowledged write.
    pub fn acknowledge(&mut self, at: DateTime<Utc>) {
        self.acknowledged.push(at);
    }

    /// What this outage did to what was acknowledged.
    #[must_use]
    pub fn truth(&self, outage: &Outage) -> Truth {
        let gone = |at: &&DateTime<Utc>| (outage.kept_to..outage.from).contains(*at);
        let lost: Vec<_> = self.acknowledged.iter().filter(gone).collect();
        let span = match (lost.first(), lost.last()) {
            (Some(first), Some(last)) => **last - **first,
            _ => TimeDelta::zero(),
        };
        Truth { recovery: outage.to - outage.from, writes_lost: lost.len(), span_lost: span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples::second;
    use crate::probe::{Outcome, Recovery, recovery};
    use rand::SeedableRng;

    /// Two clients at random instants and the canary's four probes a second live through the same
    /// failover: what the canary measures must enclose what truly happened.
    #[test]
    fn the_measured_recovery_encloses_the_true_one_in_a_thousand_failovers() {
        for seed in 0..1_000 {
            let mut chance = ChaCha8Rng::seed_from_u64(seed);
            let injected = second(60) + TimeDelta::milliseconds(chance.random_range(0..250));
            let outage = Outage::accepted("db-2", injected, true, &mut chance);
            let mut ledger = Ledger::default();
            let mut outcomes = Vec::new();
            let mut at = second(0);
            while at < outage.to + TimeDelta::seconds(30) {
                let ok = outage.serves(at);
                let latency = std::time::Duration::ZERO;
                outcomes.push(Outcome { at, ok, latency, detail: String::new() });
                let client = at + TimeDelta::milliseconds(chance.random_range(0..250));
                if outage.serves(client) {
                    ledger.acknowledge(client);
                }
                at += TimeDelta::milliseconds(250);
            }
            let truth = ledger.truth(&outage);
            let settle = std::time::Duration::from_secs(10);
            let measured = recovery(&outcomes, injected, settle);
            let Recovery::Recovered { rto, resolution, .. } = measured else {
                panic!("seed {seed}: {measured:?}");
            };
            let truly = truth.recovery.to_std().unwrap();
            assert!(rto.checked_sub(resolution).unwrap() <= truly, "seed {seed}: {rto:?}");
            assert!(truly <= rto, "seed {seed}: measured {rto:?}, truly {truly:?}");
            assert_eq!(truth.writes_lost, 0, "seed {seed}");
        }
    }

    #[test]
    fn a_store_that_replicates_later_loses_what_it_had_acknowledged() {
        let mut lost = 0;
        for seed in 0..20 {
            let mut chance = ChaCha8Rng::seed_from_u64(seed);
            let outage = Outage::accepted("cache-2", second(10), false, &mut chance);
            let mut ledger = Ledger::default();
            for ms in (0..30_000).step_by(5) {
                let at = second(0) + TimeDelta::milliseconds(ms);
                if outage.serves(at) {
                    ledger.acknowledge(at);
                }
            }
            let truth = ledger.truth(&outage);
            let behind = (outage.from - outage.kept_to).num_milliseconds();
            assert!(truth.writes_lost.abs_diff(usize::try_from(behind / 5).unwrap()) <= 1);
            lost += truth.writes_lost;
        }
        assert!(lost > 0, "no failover lost anything: the test shows nothing");
    }
}
