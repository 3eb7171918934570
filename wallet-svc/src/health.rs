//! Whether this task should get traffic: a pure state, told what was observed.
//!
//! Ready means started, not draining, and able to read or write the ledger. Redis and Kafka are
//! reported and never decide: an outage of theirs would otherwise take every task out at once. One
//! bad probe does not decide either; the database turns unusable after [`FAILURES_TO_LEAVE`] bad
//! probes in a row, and usable again after [`SUCCESSES_TO_RETURN`] good ones.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Bad probes in a row until the ledger counts as unusable.
pub const FAILURES_TO_LEAVE: u8 = 3;
/// Good probes in a row until it counts as usable again.
pub const SUCCESSES_TO_RETURN: u8 = 2;

/// One dependency seen through probes, with hysteresis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usability {
    usable: bool,
    /// Probes in a row that contradict `usable`.
    contradictions: u8,
}

impl Usability {
    /// Unusable until shown otherwise, by one good probe: a start is no recovery.
    pub const UNSEEN: Self = Self { usable: false, contradictions: SUCCESSES_TO_RETURN - 1 };

    /// The state after a probe.
    #[must_use]
    pub fn next(self, good: bool) -> Self {
        if good == self.usable {
            return Self { usable: self.usable, contradictions: 0 };
        }
        let contradictions = self.contradictions.saturating_add(1);
        let enough = if self.usable { FAILURES_TO_LEAVE } else { SUCCESSES_TO_RETURN };
        if contradictions >= enough {
            Self { usable: good, contradictions: 0 }
        } else {
            Self { usable: self.usable, contradictions }
        }
    }

    /// Whether it can be used.
    #[must_use]
    pub fn is_usable(self) -> bool {
        self.usable
    }
}

/// The task's own state, shared between the probes, the signal and the requests.
#[derive(Debug)]
pub struct Health {
    started: AtomicBool,
    draining: AtomicBool,
    usable: AtomicBool,
    contradictions: AtomicU8,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            started: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            usable: AtomicBool::new(Usability::UNSEEN.usable),
            contradictions: AtomicU8::new(Usability::UNSEEN.contradictions),
        }
    }
}

impl Health {
    /// The port is served.
    pub fn start(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    /// The task is going away.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the task is going away.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Takes in a probe of the ledger. Only one task probes.
    pub fn observe(&self, good: bool) {
        let next = self.ledger().next(good);
        self.usable.store(next.usable, Ordering::Relaxed);
        self.contradictions.store(next.contradictions, Ordering::Relaxed);
    }

    /// The ledger as the probes see it.
    pub fn ledger(&self) -> Usability {
        Usability {
            usable: self.usable.load(Ordering::Relaxed),
            contradictions: self.contradictions.load(Ordering::Relaxed),
        }
    }

    /// Why the task should get no traffic, or `None` when it should.
    pub fn unready(&self) -> Option<&'static str> {
        if !self.started.load(Ordering::Relaxed) {
            Some("starting")
        } else if self.is_draining() {
            Some("draining")
        } else if !self.ledger().is_usable() {
            Some("the ledger can neither be read nor written")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_probe_in_between_changes_nothing() {
        // Probes (+ good, - bad), and what is shown after each (U usable, . not).
        let table = [
            ("+", "U"),
            ("-", "."),
            ("+--+--", "UUUUUU"),
            ("+---", "UUU."),
            ("+---+-+", "UUU...."),
            ("+---++", "UUU..U"),
        ];
        for (probes, want) in table {
            let mut state = Usability::UNSEEN;
            let got: String = probes
                .chars()
                .map(|probe| {
                    state = state.next(probe == '+');
                    if state.is_usable() { 'U' } else { '.' }
                })
                .collect();
            assert_eq!(got, want, "{probes}");
        }
    }

    #[test]
    fn a_task_is_ready_between_its_start_and_its_draining() {
        let health = Health::default();
        assert_eq!(health.unready(), Some("starting"));
        health.start();
        assert!(health.unready().is_some());
        health.observe(true);
        assert_eq!(health.unready(), None);
        health.drain();
        assert_eq!(health.unready(), Some("draining"));
    }
}
