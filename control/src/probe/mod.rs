//! What a client of the wallet experiences, found out by being one.
//!
//! A canary moves a cent through the load balancer every second, and four times a second while a
//! run is on. Its outcomes drive waits, the abort of drills, and the measured recovery time. It is
//! no load test and no health check: one real command through the whole path.

mod canary;
mod publish;
#[cfg(test)]
mod publish_tests;
mod rto;
mod wallet;

pub use canary::{Canary, Pace, Probes};
pub use publish::{PUBLISH_PERIOD, Publish};
pub use rto::{CONSECUTIVE_BAD, CONSECUTIVE_GOOD, Recovery, failing_for, recovery};
pub use wallet::{Wallet, WalletError};

use chrono::{DateTime, Utc};
use std::time::Duration;

/// How one probe went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// Acknowledged within the deadline.
    pub ok: bool,
    pub latency: Duration,
    /// The status or the error, in a few words; empty after a success.
    pub detail: String,
}
