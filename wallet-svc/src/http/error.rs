//! The one place where a failure becomes a status code, and the one shape that it is told in.
//!
//! Handlers and extractors return an [`Error`]; the envelope renders it with the request's id and
//! logs its cause. A cause is never shown: what a client reads are the fixed texts of this file,
//! the texts of refusals, and the client's own field names.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    problem::{FieldError, MEDIA_TYPE, Problem},
    wallet::Code,
};
use std::{borrow::Cow, sync::Arc, time::Duration};

/// Why a request gets no success.
#[derive(Clone, Debug)]
pub struct Error {
    code: Code,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    /// For `WWW-Authenticate`.
    challenge: Option<String>,
    /// For `Retry-After`, when it is known better than by the code.
    retry_after: Option<Duration>,
    /// For the log only.
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure without a field to blame. `detail` says what was wrong and the way out.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let (detail, fields) = (detail.into(), Vec::new());
        Self { code, detail, fields, challenge: None, retry_after: None, cause: None }
    }

    /// A failure of one field.
    pub fn field(code: Code, field: &str, message: impl Into<String>) -> Self {
        Self::fields(code, vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// A failure of several fields; the first one's message is the summary.
    pub fn fields(code: Code, fields: Vec<FieldError>) -> Self {
        let summary = fields.first().map(|f| format!("{}: {}", f.field, f.message));
        Self { fields, ..Self::new(code, summary.unwrap_or_default()) }
    }

    /// A fault of ours. `cause` goes to the log, and nothing of it to the client.
    pub fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(Code::Internal, INTERNAL).because(cause)
    }

    /// The same with a cause for the log.
    #[must_use]
    pub fn because(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Arc::new(cause)), ..self }
    }

    /// The same with a `WWW-Authenticate` header.
    #[must_use]
    pub fn challenged(self, challenge: String) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// The same with a better idea of when to try again than the code has.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether `field` is to blame.
    #[must_use]
    pub fn blames(&self, field: &str) -> bool {
        self.fields.iter().any(|fault| fault.field == field)
    }

    /// The stable code as the wire spells it.
    #[must_use]
    pub fn code_text(&self) -> String {
        let quoted = serde_json::to_string(&self.code).expect("an enum without fields");
        quoted.trim_matches('"').to_owned()
    }

    /// The status that the code stands for.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        status_of(self.code)
    }

    /// What caused it, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }

    /// The same, of a part of the request: `commands[3]`.
    #[must_use]
    pub fn within(mut self, part: &str) -> Self {
        self.detail = format!("{part}: {}", self.detail).into();
        for field in &mut self.fields {
            field.field = format!("{part}.{}", field.field);
        }
        self
    }

    /// The body of the answer.
    #[must_use]
    pub fn problem(&self, request_id: Option<&str>) -> Problem {
        let (status, title) = kind(self.code);
        let code = self.code_text();
        Problem {
            kind: format!("/problems/{}", code.to_lowercase().replace('_', "-")),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone().into_owned(),
            code,
            errors: self.fields.clone(),
            retryable: retry_after_s(self.code).is_some(),
            current_state: None,
            request_id: request_id.map(str::to_owned),
        }
    }

    /// The whole answer.
    #[must_use]
    pub fn render(&self, request_id: &str) -> Response {
        let (status, problem) = (self.status(), self.problem(Some(request_id)));
        let body = serde_json::to_vec(&problem).expect("a problem is texts and numbers");
        let mut response = (status, Body::from(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after_s(self.code) {
            // Whole seconds, rounded up: earlier would be in vain.
            let known = self.retry_after.map(|wait| wait.as_millis().div_ceil(1_000).max(1));
            let known = known.and_then(|seconds| u32::try_from(seconds).ok());
            headers.insert(header::RETRY_AFTER, HeaderValue::from(known.unwrap_or(seconds)));
        }
        if let Some(challenge) = self.challenge.as_deref().map(HeaderValue::from_str) {
            headers.insert(header::WWW_AUTHENTICATE, challenge.expect("our own ASCII text"));
        }
        response
    }
}

/// Until the envelope renders it, an error travels as an extension of an empty answer.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

const INTERNAL: &str = "the service failed; the request id finds the cause in its logs";

/// The status that a code is told with.
pub(super) fn status_of(code: Code) -> StatusCode {
    kind(code).0
}

/// The status of a code, and its title.
///
/// Where the service that ours replaces had a status for a refusal, that one is kept.
fn kind(code: Code) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match code {
        Code::InvalidRequest => (S::BAD_REQUEST, "The request is not valid"),
        Code::InvalidAmount => (S::BAD_REQUEST, "The amount is not valid"),
        Code::InvalidCurrency => (S::BAD_REQUEST, "The currency is not valid here"),
        Code::InvalidTimestamp => (S::BAD_REQUEST, "The timestamp is not valid"),
        Code::InvalidTransfer => (S::BAD_REQUEST, "The transfer is not valid"),
        Code::IdempotencyKeyRequired => (S::BAD_REQUEST, "An idempotency key is required"),
        Code::IdempotencyKeyReused => {
            (S::UNPROCESSABLE_ENTITY, "The idempotency key stands for another request")
        }
        Code::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "The body is too large"),
        Code::UnsupportedMediaType => (S::UNSUPPORTED_MEDIA_TYPE, "The body is not JSON"),
        Code::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "The method is not allowed here"),
        Code::RouteNotFound => (S::NOT_FOUND, "There is no such route"),
        Code::Unauthenticated => (S::UNAUTHORIZED, "The caller is not known"),
        Code::InsufficientScope => (S::FORBIDDEN, "The token does not allow this"),
        Code::WalletForbidden => (S::FORBIDDEN, "The wallet is another user's"),
        Code::WalletNotFound => (S::NOT_FOUND, "There is no such wallet"),
        Code::TransactionNotFound => (S::NOT_FOUND, "There is no such transaction"),
        Code::WalletFrozen => (S::FORBIDDEN, "The wallet is frozen"),
        Code::WalletClosed => (S::FORBIDDEN, "The wallet is closed"),
        Code::WalletNotFrozen => (S::CONFLICT, "The wallet is not frozen"),
        Code::WalletNotEmpty => (S::CONFLICT, "The wallet is not empty"),
        Code::NotReversible => (S::CONFLICT, "The transaction cannot be reversed"),
        Code::AlreadyReversed => (S::CONFLICT, "The transaction has been reversed"),
        Code::HoldNotFound => (S::NOT_FOUND, "There is no such hold"),
        Code::HoldNotOpen => (S::CONFLICT, "The hold is over"),
        Code::HoldExpired => (S::CONFLICT, "The hold has expired"),
        Code::HoldExceeded => (S::BAD_REQUEST, "The hold has less left"),
        Code::Unbalanced => (S::BAD_REQUEST, "Debits and credits differ"),
        Code::BatchRefused => (S::CONFLICT, "Another command of the batch was refused"),
        Code::VelocityLimit => (S::TOO_MANY_REQUESTS, "The wallet pays too often"),
        Code::DailyLimit => (S::FORBIDDEN, "The wallet has paid enough for today"),
        Code::InsufficientFunds => (S::BAD_REQUEST, "The wallet does not hold enough"),
        Code::BalanceLimit => (S::BAD_REQUEST, "The wallet would hold too much"),
        Code::Overloaded => (S::SERVICE_UNAVAILABLE, "The service is overloaded"),
        Code::ReadOnlyMode => (S::SERVICE_UNAVAILABLE, "The ledger can only be read now"),
        Code::Unavailable => (S::SERVICE_UNAVAILABLE, "The ledger cannot be reached now"),
        Code::OutcomeUnknown => (S::SERVICE_UNAVAILABLE, "The outcome is not known yet"),
        Code::Timeout => (S::SERVICE_UNAVAILABLE, "The answer took too long"),
        Code::Internal => (S::INTERNAL_SERVER_ERROR, "The service failed"),
    }
}

/// When to try again, for codes that may pass by themselves. `INTERNAL` is among the retryable
/// ones, because with the same idempotency key a repeated request cannot do harm.
fn retry_after_s(code: Code) -> Option<u32> {
    match code {
        Code::Overloaded | Code::OutcomeUnknown | Code::Timeout | Code::Internal => Some(1),
        Code::ReadOnlyMode | Code::Unavailable => Some(2),
        // The minute is over by then.
        Code::VelocityLimit => Some(60),
        Code::InvalidRequest
        | Code::InvalidAmount
        | Code::InvalidCurrency
        | Code::InvalidTimestamp
        | Code::InvalidTransfer
        | Code::IdempotencyKeyRequired
        | Code::IdempotencyKeyReused
        | Code::BodyTooLarge
        | Code::UnsupportedMediaType
        | Code::MethodNotAllowed
        | Code::RouteNotFound
        | Code::Unauthenticated
        | Code::InsufficientScope
        | Code::WalletForbidden
        | Code::WalletNotFound
        | Code::TransactionNotFound
        | Code::WalletFrozen
        | Code::WalletClosed
        | Code::WalletNotFrozen
        | Code::WalletNotEmpty
        | Code::NotReversible
        | Code::AlreadyReversed
        | Code::HoldNotFound
        | Code::HoldNotOpen
        | Code::HoldExpired
        | Code::HoldExceeded
        | Code::Unbalanced
        | Code::BatchRefused
        | Code::DailyLimit
        | Code::InsufficientFunds
        | Code::BalanceLimit => None,
    }
}
