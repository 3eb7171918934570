//! Alerts: rules over readings, episodes, and their delivery to people.

use std::time::Duration;

use protocol::control::Severity;

/// What must not be.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Names the rule; unique in its environment.
    pub name: String,
    pub severity: Severity,
    pub condition: Condition,
    /// The condition must hold this long before anybody is told.
    pub hold_for: Duration,
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
    /// A signal has had no fresh reading.
    NoData { signal: String },
    /// The database has no writer that is available.
    WriterDown,
}
