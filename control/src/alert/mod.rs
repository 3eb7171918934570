//! Alerts: rules over what is known, their episodes, and the delivery of these to people.
//!
//! One episode of one rule is one page, however often it is evaluated, restarted or retried, and
//! one incident is one page, however many rules see its symptoms. An unknown signal neither fires
//! nor resolves anything; that it is unknown is an alert of its own. Other parts hand in what they
//! find by name ([`Findings`]) and know nothing of episodes. Pending episodes are not written
//! down: a restart begins their waiting time anew.

mod book;
mod books;
#[cfg(test)]
mod books_tests;
mod calls;
mod decide;
#[cfg(test)]
mod decide_tests;
mod deliver;
#[cfg(test)]
mod deliver_tests;
mod desk;
#[cfg(test)]
mod desk_tests;
mod draft;
mod findings;
mod heartbeat;
mod outbox;
#[cfg(test)]
mod outbox_tests;
mod routes;
pub mod rule;
mod silence;
pub mod state;

use chrono::TimeDelta;
use protocol::control::Severity;

use crate::slo::BurnLimit;

pub use books::Books;
pub use calls::{Ask, CallError, Wanted};
pub use deliver::Delivery;
pub use desk::{Alerts, Evaluate};
pub(crate) use findings::built_in_rules;
pub use findings::{BUILT_IN, Findings};
pub(crate) use heartbeat::HEARTBEAT_PERIOD;
pub use heartbeat::{HEARTBEAT_METRIC, HEARTBEAT_NAMESPACE, Heartbeat};
pub use outbox::Deliver;
pub use routes::{Channel, LEVELS_MAX, NextInLine, Routes};
pub use silence::{SILENCE_MAX, Silence, Window};

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
    /// What it is about, for silences: `database`, `service`, ….
    pub resource: Option<String>,
    /// While one of these rules fires, this one is its symptom and pages nobody.
    pub symptom_of: Vec<String>,
    /// Steps of runbooks that are known to cause it.
    pub expected_in: Vec<Expected>,
}

/// A step during which an alert is what the step does, and no news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub runbook: String,
    pub step: String,
    /// From the step's start. A symptom that stays longer is paged.
    pub lasts: TimeDelta,
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
    /// An objective's error budget is spent too fast, over a long and a short window at once.
    Burn { slo: String, limit: BurnLimit },
    /// A signal is unusual for this hour.
    Anomaly { signal: String },
    /// Another part of control says so.
    Finding { name: String },
}
