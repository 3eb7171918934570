//! The control plane's API as dashboards and scripts read it.
//!
//! `GET /v1/stream` sends, as server-sent events: first `snapshot` ([`Snapshot`]), then
//! `environment` ([`EnvironmentView`], the newest replaces the one before) and `journal`
//! ([`JournalEvent`], whose `seq` is the SSE id, so that `Last-Event-ID` resumes without loss),
//! `heartbeat` ([`Heartbeat`]) every 5 s, and `cut` ([`Cut`]) to a client that did not read.
//! Money is in millionths of a US dollar.

mod alert;
mod cost;
mod decision;
mod health;
mod library;
mod reading;
mod record;
mod request;
mod run;
mod seen;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alert::*;
pub use cost::*;
pub use decision::*;
pub use health::*;
pub use library::*;
pub use reading::*;
pub use record::*;
pub use request::*;
pub use run::*;
pub use seen::*;

/// The first message of the stream, and `GET /v1/environments`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The newest journal event that this snapshot contains.
    pub seq: u64,
    pub at: DateTime<Utc>,
    /// The role of the token that asked.
    pub role: Role,
    pub environments: Vec<EnvironmentView>,
    /// The newest journal events, oldest first; at most 200.
    pub journal: Vec<JournalEvent>,
}

/// Sent every 5 s so that a silent stream is told from a dead one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Heartbeat {
    pub at: DateTime<Utc>,
    pub seq: u64,
}

/// The last message of a stream whose client did not read it. The client resumes by its own
/// `Last-Event-ID` as after any other end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cut {
    /// The newest journal event that was sent.
    pub seq: u64,
    pub why: String,
}

/// What a token may do; each role includes the ones before it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Operator,
    Approver,
    Admin,
}

/// What an environment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    Local,
    Staging,
    Production,
}

/// What control may do in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Reads and alerts.
    Observe,
    /// Also says what it would do.
    Advise,
    /// Does it.
    Act,
}

/// One environment on one page: everything that the overview and the detail screen show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentView {
    pub name: String,
    pub tier: Tier,
    pub mode: Mode,
    /// When this view was made.
    pub at: DateTime<Utc>,
    pub traffic: TrafficView,
    /// The last 15 minutes, oldest first, one point a period.
    pub history: Vec<TrafficPoint>,
    pub service: ServiceView,
    pub database: GroupView,
    pub cache: GroupView,
    pub broker: GroupView,
    /// Firing and recently resolved, most severe first.
    pub alerts: Vec<AlertView>,
    #[serde(default)]
    pub slos: Vec<SloView>,
    /// The newest decision about the service's capacity, "hold" included.
    pub decision: Option<DecisionView>,
    /// The same about the number of the database's readers, where control sizes them.
    #[serde(default)]
    pub readers: Option<DecisionView>,
    /// The forecast's report card, where one is configured.
    #[serde(default)]
    pub forecast: Option<ForecastView>,
    /// Runs in progress and the last finished ones, newest first.
    pub runs: Vec<RunView>,
    pub cost: CostView,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JournalEvent {
    pub seq: u64,
    pub at: DateTime<Utc>,
    /// Who: `control`, or a token's name.
    pub actor: String,
    /// What it is about: `local/service/wallet-svc`, `local/run/…`.
    pub subject: String,
    /// What happened: `decision`, `intent.logged`, `intent.confirmed`, `run.step`, `alert.firing`,
    /// …
    pub kind: String,
    /// The event in one sentence.
    pub summary: String,
}
