//! The one error shape of every HTTP interface here: RFC 9457 problem details with a stable code.
//!
//! Clients match on `code`, never on `title` or `detail`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The media type of a [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// `application/problem+json`, with the members this product adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A relative URI that names the kind of problem: `/problems/insufficient-funds`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words, the same for every occurrence.
    pub title: String,
    /// The HTTP status, repeated for readers who only keep the body.
    pub status: u16,
    /// This occurrence in a sentence: what was wrong and the way out.
    pub detail: String,
    /// The stable code: `INSUFFICIENT_FUNDS`.
    pub code: String,
    /// The faulty fields of the request, each with its limit. Empty when no field is to blame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// True when the same request, with the same idempotency key, may succeed later.
    pub retryable: bool,
    /// The state as it is now, when the request expected another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_state: Option<String>,
    /// Names this request in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// One faulty field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldError {
    /// The field as the client wrote it: `amount`, `timestamp`, `Idempotency-Key`.
    pub field: String,
    /// What is wrong, what the limit is, and what would be accepted.
    pub message: String,
}
