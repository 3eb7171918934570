//! What is asked of the control plane: the bodies of the requests that change something.
//!
//! Each names its reason, because the journal keeps why. Who asks is the bearer of the token, and
//! the `Idempotency-Key` header names the request itself.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why somebody does something, and what they believe they are changing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// 1 to 300 characters.
    pub reason: String,
    /// The state that the caller saw. If it is another one by now, nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_state: Option<String>,
}

/// `POST /v1/drills/{name}:arm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmRequest {
    pub environment: String,
    pub reason: String,
}

/// Which way a service's size may not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldDirection {
    In,
    Out,
    Both,
}

/// `POST /v1/holds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    pub environment: String,
    pub direction: HoldDirection,
    pub reason: String,
    /// As `20m`; 4 h at most.
    pub expires: String,
}

/// A hold on scaling that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldView {
    pub id: String,
    pub environment: String,
    pub direction: HoldDirection,
    pub reason: String,
    pub by: String,
    pub expires_at: DateTime<Utc>,
}

/// `POST /v1/floors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FloorRequest {
    pub environment: String,
    /// Within what the environment's file allows.
    pub tasks: u32,
    pub reason: String,
    /// As `6h`; 7 days at most.
    pub expires: String,
}

/// A floor that stands: the service is not made smaller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FloorView {
    pub id: String,
    pub environment: String,
    pub tasks: u32,
    pub reason: String,
    pub by: String,
    pub expires_at: DateTime<Utc>,
}

/// `POST /v1/freezes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeRequest {
    /// All of them, when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    pub reason: String,
    /// As `2h`; 3 days at most.
    pub expires: String,
}

/// A freeze that stands: nothing acts by itself, and no run acts but to give back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FreezeView {
    pub id: String,
    /// `None`: every environment.
    pub environment: Option<String>,
    pub reason: String,
    pub by: String,
    pub expires_at: DateTime<Utc>,
}

/// `POST /v1/policies/{id}/replay`: what another policy would have done. Changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// Within the last four weeks, whose load is kept.
    pub from: DateTime<Utc>,
    /// From an hour to four weeks later.
    pub to: DateTime<Utc>,
    /// The other policy, as the text of a file of `kind: Policy`.
    pub variant: String,
    /// The requests per second that fill one task's processors. Left out, it is what is measured
    /// now, or else what the targets of the policy in force say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_per_task: Option<f64>,
}

/// `POST /v1/runbooks:check`: a runbook or a drill, as it would stand in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    pub text: String,
}
