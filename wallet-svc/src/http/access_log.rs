//! Which answers are logged: errors of ours, slow ones, and a sample. Never who asked for what.
//!
//! An outage makes every answer an error, and a line for each would cost more than the answers; so
//! each second has a budget of lines, and what goes beyond it is counted and told in the next.

use super::error::Error;
use crate::config;
use std::{
    sync::{Mutex, PoisonError, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// Lines a second at most: 20 tasks then write 400 a second in the worst case.
const LINES_PER_SECOND_MAX: u32 = 20;

/// Decides and writes.
#[derive(Debug)]
pub struct AccessLog {
    settings: config::AccessLog,
    answers: AtomicU64,
    budget: Mutex<Budget>,
}

/// The lines of one second.
#[derive(Clone, Copy, Debug)]
struct Budget {
    second: Instant,
    lines: u32,
    suppressed: u64,
}

impl Budget {
    /// Whether a line may be written at `now`, and how many were not before it.
    fn take(&mut self, now: Instant) -> Option<u64> {
        if now.duration_since(self.second) >= Duration::from_secs(1) {
            (self.second, self.lines) = (now, 0);
        }
        if self.lines >= LINES_PER_SECOND_MAX {
            self.suppressed += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}

impl AccessLog {
    /// A log that is kept by these settings.
    #[must_use]
    pub fn new(settings: config::AccessLog) -> Self {
        let budget = Budget { second: Instant::now(), lines: 0, suppressed: 0 };
        Self { settings, answers: AtomicU64::new(0), budget: Mutex::new(budget) }
    }

    /// Takes note of an answer.
    pub(super) fn note(
        &self,
        operation: &str,
        status: u16,
        latency: Duration,
        request_id: &str,
        error: Option<&Error>,
    ) {
        if !self.wants(status, latency) {
            return;
        }
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(suppressed) = budget.take(Instant::now()) else { return };
        drop(budget);
        let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        let code = error.map(Error::code_text);
        let cause = error.and_then(Error::cause);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request_id,
                    operation,
                    status,
                    latency_ms,
                    code,
                    suppressed,
                    cause,
                    "answered {operation} with {status} in {latency_ms} ms"
                )
            };
        }
        match status {
            // A human must act on a fault of ours; the other 5xx pass, or have alerts of their own.
            500 => line!(error),
            501.. => line!(warn),
            _ => line!(info),
        }
    }

    fn wants(&self, status: u16, latency: Duration) -> bool {
        let sampled = || {
            let every = self.settings.sample_every;
            let count = self.answers.fetch_add(1, Ordering::Relaxed);
            every > 0 && count.is_multiple_of(every)
        };
        status >= 500 || latency >= self.settings.slow || sampled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_a_budget_and_the_next_tells_what_was_left_out() {
        let start = Instant::now();
        let mut budget = Budget { second: start, lines: 0, suppressed: 0 };
        for _ in 0..LINES_PER_SECOND_MAX {
            assert_eq!(budget.take(start), Some(0));
        }
        assert_eq!((budget.take(start), budget.take(start)), (None, None));
        let next = start + Duration::from_secs(1);
        assert_eq!((budget.take(next), budget.take(next)), (Some(2), Some(0)));
    }

    #[test]
    fn errors_and_slow_answers_are_wanted_and_ordinary_ones_sampled() {
        let log = |sample_every| {
            AccessLog::new(config::AccessLog { slow: Duration::from_millis(100), sample_every })
        };
        let (fast, slow) = (Duration::from_millis(1), Duration::from_millis(100));
        let silent = log(0);
        assert!(silent.wants(500, fast) && silent.wants(503, fast) && silent.wants(200, slow));
        assert!(!silent.wants(200, fast) && !silent.wants(404, fast));
        let sampling = log(3);
        let wanted: Vec<_> = (0..6).map(|_| sampling.wants(200, fast)).collect();
        assert_eq!(wanted, [true, false, false, true, false, false]);
    }
}
