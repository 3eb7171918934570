//! Alerts: rules over readings, their episodes, and the delivery of these to people.
//!
//! One episode of one rule is one page, however often it is evaluated, restarted or retried. An
//! unknown signal neither fires nor resolves anything; that it is unknown is an alert of its own.
//! Pending episodes are not written down: a restart begins their waiting time anew.

mod book;
mod deliver;
mod desk;
#[cfg(test)]
mod desk_tests;
pub mod rule;
pub mod state;

use chrono::TimeDelta;
use protocol::control::Severity;

pub use deliver::Delivery;
pub use desk::{AckError, Alerts, Deliver, Evaluate};

/// What must not be.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Names the rule; unique in its environment.
    pub name: String,
    pub severity: Severity,
    pub condition: Condition,
    /// The condition must hold this long before anybody is told.
    pub hold_for: TimeDelta,
    /// The condition must be known not to hold this long before the episode ends.
    pub clear_for: TimeDelta,
    /// The runbook that helps.
    pub runbook: Option<String>,
}

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// A signal's fresh reading is above a limit.
    Above { signal: String, limit: f64 },
    /// A signal's fresh reading is below a limit.
    Below { signal: String, limit: f64 },
    /// A signal has no fresh reading.
    NoData { signal: String },
    /// The database has no writer that is available.
    WriterDown,
}
