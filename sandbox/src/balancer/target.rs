//! A target: its health, decided from checks, and the idle connections to it.

use crate::aws::machines::TargetState;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// Idle connections kept to one target; more than the concurrency of a load test needs.
const IDLE_MAX: usize = 256;

/// After how many checks in a row the verdict changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub healthy: u32,
    pub unhealthy: u32,
}

/// The verdict on a target, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Health {
    pub(super) state: TargetState,
    /// Checks in a row with the same result as the last one.
    streak: u32,
    /// Why the last check failed; none when it passed.
    pub(super) failure: Option<String>,
}

impl Health {
    pub(super) fn initial() -> Health {
        Health { state: TargetState::Initial, streak: 0, failure: None }
    }

    /// The verdict after one more check. The first pass makes a new target healthy, as at AWS.
    pub(super) fn next(&self, check: Result<(), String>, thresholds: Thresholds) -> Health {
        let failure = check.err();
        let same = failure.is_some() == self.failure.is_some() && self.streak > 0;
        let streak = if same { self.streak.saturating_add(1) } else { 1 };
        let state = match (self.state, &failure) {
            (TargetState::Draining, _) => TargetState::Draining,
            (TargetState::Initial, None) => TargetState::Healthy,
            (TargetState::Unhealthy, None) if streak >= thresholds.healthy => TargetState::Healthy,
            (TargetState::Healthy | TargetState::Initial, Some(_))
                if streak >= thresholds.unhealthy =>
            {
                TargetState::Unhealthy
            }
            (state, _) => state,
        };
        Health { state, streak, failure }
    }
}

/// A registered target.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) port: u16,
    pub(super) zone: String,
    pub(super) health: Mutex<Health>,
    /// When it is forgotten; none while it is registered.
    pub(super) gone_at: Mutex<Option<Instant>>,
    idle: Mutex<Vec<SendRequest<Incoming>>>,
}

impl Target {
    pub(super) fn new(port: u16, zone: &str) -> Target {
        Target {
            port,
            zone: zone.to_owned(),
            health: Mutex::new(Health::initial()),
            gone_at: Mutex::default(),
            idle: Mutex::default(),
        }
    }

    pub(super) fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An idle connection, the most recently used first.
    pub(super) fn idle(&self) -> Option<SendRequest<Incoming>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Takes a connection back when its answer was read to the end.
    pub(super) fn give_back(&self, connection: SendRequest<Incoming>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && !connection.is_closed() {
            idle.push(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_changes_only_after_enough_checks_in_a_row() {
        use TargetState::{Draining, Healthy, Initial, Unhealthy};
        // Checks: + passed, - failed. Thresholds 2 and 3.
        let rows = [
            (Initial, "", Initial),
            (Initial, "+", Healthy),
            (Initial, "--", Initial),
            (Initial, "---", Unhealthy),
            (Healthy, "--+--", Healthy),
            (Healthy, "---", Unhealthy),
            (Unhealthy, "+-+", Unhealthy),
            (Unhealthy, "++", Healthy),
            (Draining, "+++---", Draining),
        ];
        let thresholds = Thresholds { healthy: 2, unhealthy: 3 };
        for (state, checks, expected) in rows {
            let start = Health { state, ..Health::initial() };
            let end = checks.chars().fold(start, |health, check| {
                let check = if check == '+' { Ok(()) } else { Err("503".to_owned()) };
                health.next(check, thresholds)
            });
            assert_eq!(end.state, expected, "{state:?} after {checks}");
        }
    }
}
