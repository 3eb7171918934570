//! The one place where a refusal or a fault becomes an answer: RFC 9457, with a stable code.

use crate::{
    alert::CallError,
    document::Faults,
    hold::HoldError,
    journal::JournalError,
    runbook::{refusal::Refusal, view},
    whatif::WhatIfError,
};
use axum::{
    Json,
    body::Body,
    extract::rejection::{BytesRejection, JsonRejection, QueryRejection},
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use protocol::{
    control::Role,
    problem::{FieldError, MEDIA_TYPE, Problem},
};
use std::{any::Any, time::Duration};

/// Why a request is not served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the Authorization header must hold a bearer token that this daemon knows")]
    Unauthenticated,
    #[error("{why}")]
    Token { why: String },
    #[error("{why}")]
    NoRole { why: String },
    #[error(
        "the identity provider's keys cannot be fetched, so its tokens cannot be checked; tokens \
         of the tokens file still work"
    )]
    NoKeys,
    #[error("this needs the role {}", role_name(*.need))]
    Role { need: Role },
    #[error(
        "acting in {environment} needs a second factor: sign in again with one, or use a token \
         that the tokens file calls break_glass"
    )]
    SecondFactor { environment: String },
    #[error("too many requests; try again in a moment")]
    TooMany { after: Duration },
    #[error("{message}")]
    Invalid { field: &'static str, message: String },
    #[error("{0}")]
    Body(#[from] JsonRejection),
    #[error("{0}")]
    Bytes(#[from] BytesRejection),
    #[error("{0}")]
    Query(#[from] QueryRejection),
    #[error("this Idempotency-Key named another request before; each request needs its own")]
    KeyReused,
    #[error("the request that this Idempotency-Key names is being done; ask again in a moment")]
    InProgress,
    #[error(
        "the request that this Idempotency-Key names was done, and its answer was too long to \
         keep; look at what it changed"
    )]
    DoneBefore,
    #[error("{what} is {current}, and not {expected} as expected; nothing was done")]
    Moved { what: String, expected: String, current: String },
    #[error("there is no {what} `{name}`")]
    NotFound { what: &'static str, name: String },
    #[error("there is no such route; GET /v1/environments is one")]
    NoRoute,
    #[error("this route does not take this method")]
    NoMethod,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Alert(#[from] CallError),
    #[error(transparent)]
    Hold(#[from] HoldError),
    #[error("the journal cannot be used, so nothing was done")]
    Journal(#[from] JournalError),
    #[error("the variant cannot be read; each fault is named under `errors`")]
    Variant(#[from] Faults),
    #[error("a policy is being replayed, and one is played at a time; ask again in a moment")]
    ReplayRuns,
    #[error("{0}")]
    Replay(#[from] WhatIfError),
    #[error("too many streams are open")]
    TooManyStreams,
    #[error("this takes longer than a request may; a change goes on and is done once")]
    TimedOut,
    #[error("the request failed inside the daemon")]
    Panicked,
}

impl Error {
    fn answer(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Unauthenticated => (S::UNAUTHORIZED, "UNAUTHENTICATED"),
            Self::Token { .. } => (S::UNAUTHORIZED, "INVALID_TOKEN"),
            Self::NoRole { .. } => (S::FORBIDDEN, "NO_ROLE"),
            Self::NoKeys => (S::SERVICE_UNAVAILABLE, "IDENTITY_PROVIDER_UNAVAILABLE"),
            Self::Role { .. } => (S::FORBIDDEN, "INSUFFICIENT_ROLE"),
            Self::SecondFactor { .. } => (S::FORBIDDEN, "SECOND_FACTOR_REQUIRED"),
            Self::TooMany { .. } => (S::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"),
            Self::Invalid { .. } | Self::Query(_) => (S::BAD_REQUEST, "INVALID_REQUEST"),
            Self::Body(rejection) if rejection.status() == S::PAYLOAD_TOO_LARGE => {
                (S::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE")
            }
            Self::Body(JsonRejection::MissingJsonContentType(_)) => {
                (S::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
            }
            Self::Bytes(rejection) if rejection.status() == S::PAYLOAD_TOO_LARGE => {
                (S::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE")
            }
            Self::Body(_) | Self::Bytes(_) => (S::BAD_REQUEST, "INVALID_REQUEST"),
            Self::KeyReused => (S::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEY_REUSED"),
            Self::InProgress => (S::CONFLICT, "REQUEST_IN_PROGRESS"),
            Self::DoneBefore => (S::CONFLICT, "REQUEST_DONE"),
            Self::Moved { .. } => (S::CONFLICT, "STATE_MOVED"),
            Self::NotFound { .. } => (S::NOT_FOUND, "NOT_FOUND"),
            Self::NoRoute => (S::NOT_FOUND, "ROUTE_NOT_FOUND"),
            Self::NoMethod => (S::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::Refused(refusal) => refused(refusal),
            Self::Alert(error) => alert(error),
            Self::Hold(HoldError::Journal(_)) | Self::Journal(_) => {
                (S::SERVICE_UNAVAILABLE, "JOURNAL_UNAVAILABLE")
            }
            Self::Hold(HoldError::TooMany { .. }) => (S::CONFLICT, "TOO_MANY_STAND"),
            Self::Variant(_) => (S::BAD_REQUEST, "INVALID_POLICY"),
            Self::ReplayRuns => (S::CONFLICT, "REPLAY_RUNS"),
            Self::Replay(WhatIfError::Unknown(_)) => (S::CONFLICT, "LOAD_UNKNOWN"),
            Self::Replay(WhatIfError::Late) => (S::GATEWAY_TIMEOUT, "TIMED_OUT"),
            Self::TooManyStreams => (S::SERVICE_UNAVAILABLE, "TOO_MANY_STREAMS"),
            Self::TimedOut => (S::GATEWAY_TIMEOUT, "TIMED_OUT"),
            Self::Panicked => (S::INTERNAL_SERVER_ERROR, "INTERNAL"),
        }
    }

    /// True when the same request may succeed later.
    fn retryable(&self, status: StatusCode) -> bool {
        let later = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ];
        matches!(self, Self::InProgress | Self::ReplayRuns) || later.contains(&status)
    }

    /// What the thing is now, when that is why nothing was done.
    fn current_state(&self) -> Option<String> {
        match self {
            Self::Moved { current, .. } => Some(current.clone()),
            Self::Alert(CallError::NotNow { current, .. }) => Some((*current).to_owned()),
            Self::Refused(Refusal::Illegal(illegal)) => Some(view::state(illegal.state).to_owned()),
            Self::Refused(Refusal::Ended { state, .. } | Refusal::Moved { state, .. }) => {
                Some(view::state(*state).to_owned())
            }
            _ => None,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid { field, message } => {
                vec![FieldError { field: (*field).to_owned(), message: message.clone() }]
            }
            Self::Refused(Refusal::Blocked { blockers }) => blockers
                .iter()
                .map(|blocker| FieldError { field: "plan".to_owned(), message: blocker.clone() })
                .collect(),
            Self::Variant(Faults(faults)) => faults
                .iter()
                .map(|fault| FieldError {
                    field: match fault.field.as_str() {
                        "" => format!("variant:{}", fault.line),
                        field => format!("variant:{}: {field}", fault.line),
                    },
                    message: fault.message.clone(),
                })
                .collect(),
            _ => vec![],
        }
    }
}

fn alert(error: &CallError) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match error {
        CallError::Unknown { .. } => (S::NOT_FOUND, "NOT_FOUND"),
        CallError::NotNow { .. } => (S::CONFLICT, "ALERT_STATE_CONFLICT"),
        CallError::TooManySilences { .. } => (S::CONFLICT, "TOO_MANY_SILENCES"),
        CallError::MatchesNothing | CallError::StartsElsewhen => {
            (S::BAD_REQUEST, "INVALID_REQUEST")
        }
        CallError::Journal(_) => (S::SERVICE_UNAVAILABLE, "JOURNAL_UNAVAILABLE"),
    }
}

/// The role as tokens spell it.
fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Approver => "approver",
        Role::Admin => "admin",
    }
}

fn refused(refusal: &Refusal) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match refusal {
        Refusal::Unknown { .. } => (S::NOT_FOUND, "NOT_FOUND"),
        Refusal::Blocked { .. } => (S::CONFLICT, "RUN_BLOCKED"),
        Refusal::PlanUnknown => (S::CONFLICT, "PLAN_UNKNOWN"),
        Refusal::PlanStale => (S::CONFLICT, "PLAN_STALE"),
        Refusal::Locked { .. } => (S::CONFLICT, "RESOURCE_LOCKED"),
        Refusal::KeyReused { .. } => (S::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEY_REUSED"),
        Refusal::Illegal(_) => (S::CONFLICT, "NOT_NOW"),
        Refusal::Ended { .. } => (S::CONFLICT, "RUN_ENDED"),
        Refusal::Moved { .. } => (S::CONFLICT, "STATE_MOVED"),
        Refusal::Journal => (S::SERVICE_UNAVAILABLE, "JOURNAL_UNAVAILABLE"),
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        let (status, code) = self.answer();
        if status.is_server_error() {
            tracing::error!(error = &self as &dyn std::error::Error, "a request failed");
        }
        let problem = Problem {
            kind: format!("/problems/{}", code.to_lowercase().replace('_', "-")),
            title: code.to_lowercase().replace('_', " "),
            status: status.as_u16(),
            detail: self.to_string(),
            code: code.to_owned(),
            errors: self.fields(),
            retryable: self.retryable(status),
            current_state: self.current_state(),
            request_id: None,
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        match &self {
            Self::TooMany { after } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
            }
            Self::Unauthenticated => {
                let bearer = HeaderValue::from_static("Bearer");
                headers.insert(header::WWW_AUTHENTICATE, bearer);
            }
            Self::Token { .. } => {
                let bearer = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                headers.insert(header::WWW_AUTHENTICATE, bearer);
            }
            _ => {}
        }
        response
    }
}

/// Answers a path that nothing serves.
pub(super) async fn no_route() -> Error {
    Error::NoRoute
}

/// Answers a method that a path does not take.
pub(super) async fn no_method() -> Error {
    Error::NoMethod
}

/// Answers a request whose handler panicked. The panic itself is in the log.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response<Body> {
    Error::Panicked.into_response()
}
