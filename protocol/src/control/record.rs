//! The journal and what is kept of an environment, as pages that can be turned.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CostView, DecisionView, MemberView, Mode, Reading};

/// A page of the journal. `next_seq` is the `from_seq` of the next page; absent at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditPage {
    pub events: Vec<AuditEvent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_seq: Option<u64>,
}

/// One event in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEvent {
    pub seq: u64,
    pub at: DateTime<Utc>,
    /// Which start of the daemon wrote it.
    pub epoch: u64,
    pub actor: String,
    pub subject: String,
    pub kind: String,
    pub summary: String,
    /// Everything that is needed to fold the event into state; its shape depends on the kind.
    pub data: serde_json::Value,
    /// SHA-256 over the event and the hash before it, in hex.
    pub hash: String,
}

/// `GET /v1/audit:verify`: whether every event is as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictView {
    pub intact: bool,
    /// Events that were read.
    pub events: u64,
    /// The hash of the newest event read, to compare with a copy kept elsewhere.
    pub last_hash: Option<String>,
    /// The first event that is not as it was written, and in what way.
    pub broken: Option<String>,
}

/// Newest first. `next_before_seq` is the `before_seq` of the next page; absent at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionPage {
    pub decisions: Vec<DecisionView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_before_seq: Option<u64>,
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    Service,
    Database,
    Cache,
    Broker,
}

/// `GET /v1/resources/{id}`: what is wanted, what is seen, and where they differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceView {
    /// `{environment}.{kind}`.
    pub id: String,
    pub environment: String,
    pub kind: ResourceKind,
    /// As AWS names it.
    pub name: String,
    pub status: String,
    /// Tasks wanted; absent for what control does not size.
    pub desired: Option<u32>,
    /// Tasks that run, or members that are seen; absent before the first look.
    pub observed: Option<u32>,
    pub members: Vec<MemberView>,
    /// Each difference between what is wanted and what is seen, in words. Empty while nothing was
    /// seen: `seen_at` tells the two apart.
    pub drift: Vec<String>,
    /// The newest decisions about it, newest first.
    pub decisions: Vec<DecisionView>,
    pub seen_at: Option<DateTime<Utc>>,
}

/// A signal: where it comes from, and its newest reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignalView {
    pub environment: String,
    pub name: String,
    /// `Wallet/Requests Sum 10s`, or `derived`.
    pub source: String,
    /// Older than this it is stale, in seconds; absent for derived ones.
    pub max_age_s: Option<i64>,
    pub reading: Reading,
    /// How old the newest known value is, in seconds; absent when none is known.
    pub age_s: Option<i64>,
    /// With `since`: what the reading was then, and each that it became later, oldest first.
    /// Fifteen minutes are kept, from the daemon's start on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<ReadingPoint>,
}

/// What a reading became, and when control noticed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadingPoint {
    pub at: DateTime<Utc>,
    pub reading: Reading,
}

/// `GET /v1/policies`: what a service's size is decided by. Changed in its file, not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyView {
    /// `{environment}.scaling`.
    pub id: String,
    pub environment: String,
    pub mode: Mode,
    /// `own` or `floor`.
    pub scaling: String,
    pub tasks_min: u32,
    pub tasks_max: u32,
    /// The file that says so.
    pub file: String,
}

/// `GET /v1/cost`: one environment's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentCost {
    pub environment: String,
    pub budget_micros_per_month: u64,
    pub cost: CostView,
}
