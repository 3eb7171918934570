//! The one place where a refusal or a fault becomes an answer: RFC 9457, with a stable code.

use crate::{alert::AckError, hold::HoldError, journal::JournalError, runbook::refusal::Refusal};
use axum::{
    Json,
    body::Body,
    extract::rejection::{JsonRejection, QueryRejection},
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
    #[error("this needs the role {need:?}")]
    Forbidden { need: Role },
    #[error("too many requests; try again in a moment")]
    TooMany { after: Duration },
    #[error("{message}")]
    Invalid { field: &'static str, message: String },
    #[error("{0}")]
    Body(#[from] JsonRejection),
    #[error("{0}")]
    Query(#[from] QueryRejection),
    #[error("there is no {what} `{name}`")]
    NotFound { what: &'static str, name: String },
    #[error("there is no such route; GET /v1/environments is one")]
    NoRoute,
    #[error("this route does not take this method")]
    NoMethod,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Ack(#[from] AckError),
    #[error(transparent)]
    Hold(#[from] HoldError),
    #[error("the journal cannot be used, so nothing was done")]
    Journal(#[from] JournalError),
    #[error("too many streams are open")]
    TooManyStreams,
    #[error("the request failed inside the daemon")]
    Panicked,
}

impl Error {
    fn answer(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Unauthenticated => (S::UNAUTHORIZED, "UNAUTHENTICATED"),
            Self::Forbidden { .. } => (S::FORBIDDEN, "INSUFFICIENT_ROLE"),
            Self::TooMany { .. } => (S::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"),
            Self::Invalid { .. } | Self::Query(_) => (S::BAD_REQUEST, "INVALID_REQUEST"),
            Self::Body(rejection) if rejection.status() == S::PAYLOAD_TOO_LARGE => {
                (S::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE")
            }
            Self::Body(JsonRejection::MissingJsonContentType(_)) => {
                (S::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
            }
            Self::Body(_) => (S::BAD_REQUEST, "INVALID_REQUEST"),
            Self::NotFound { .. } => (S::NOT_FOUND, "NOT_FOUND"),
            Self::NoRoute => (S::NOT_FOUND, "ROUTE_NOT_FOUND"),
            Self::NoMethod => (S::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::Refused(refusal) => refused(refusal),
            Self::Ack(AckError::NotFiring { .. }) => (S::CONFLICT, "ALERT_NOT_FIRING"),
            Self::Ack(AckError::Journal(_))
            | Self::Hold(HoldError::Journal(_))
            | Self::Journal(_) => (S::SERVICE_UNAVAILABLE, "JOURNAL_UNAVAILABLE"),
            Self::Hold(HoldError::TooMany { .. }) => (S::CONFLICT, "TOO_MANY_HOLDS"),
            Self::TooManyStreams => (S::SERVICE_UNAVAILABLE, "TOO_MANY_STREAMS"),
            Self::Panicked => (S::INTERNAL_SERVER_ERROR, "INTERNAL"),
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
            _ => vec![],
        }
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
        Refusal::KeyReused { .. } => (S::CONFLICT, "IDEMPOTENCY_KEY_REUSED"),
        Refusal::Illegal(_) => (S::CONFLICT, "NOT_NOW"),
        Refusal::Ended { .. } => (S::CONFLICT, "RUN_ENDED"),
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
            retryable: status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::SERVICE_UNAVAILABLE,
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
