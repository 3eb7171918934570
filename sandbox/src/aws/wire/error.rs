//! What a service refuses with; each protocol writes it as AWS does.

use std::fmt;

/// A refusal or failure with the code that clients match on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    kind: Kind,
    message: String,
    status: u16,
}

/// Codes that differ between protocols are decided when the reply is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Code(&'static str),
    UnknownOperation,
    Missing,
    Malformed,
    Unsigned,
    UnknownKey,
}

/// The families of error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Query,
    Json,
    Rest,
    Cbor,
}

impl AwsError {
    /// The client's fault, HTTP status 400.
    pub fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self { kind: Kind::Code(code), message: message.into(), status: 400 }
    }

    /// The client named something that does not exist, HTTP status 404. AWS's JSON services
    /// answer 400 here: use [`AwsError::refused`] for them.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self { kind: Kind::Code(code), message: message.into(), status: 404 }
    }

    /// Our fault, HTTP status 500. SDKs try again.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { kind: Kind::Code("InternalFailure"), message: message.into(), status: 500 }
    }

    /// The same with another HTTP status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The service has no such operation.
    #[must_use]
    pub fn unknown_operation(operation: &str) -> Self {
        let message = format!("Could not find operation {operation}");
        Self { kind: Kind::UnknownOperation, message, status: 400 }
    }

    /// A required parameter is absent.
    #[must_use]
    pub fn missing(parameter: &str) -> Self {
        let message = format!("The parameter {parameter} is required.");
        Self { kind: Kind::Missing, message, status: 400 }
    }

    /// The request cannot be read, or a parameter has the wrong type.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self { kind: Kind::Malformed, message: message.into(), status: 400 }
    }

    pub(super) fn unsigned() -> Self {
        let message = "Request is missing Authentication Token".to_owned();
        Self { kind: Kind::Unsigned, message, status: 403 }
    }

    pub(super) fn unknown_key() -> Self {
        let message = "The security token included in the request is invalid.".to_owned();
        Self { kind: Kind::UnknownKey, message, status: 403 }
    }

    /// The text for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn status(&self, dialect: Dialect) -> u16 {
        match self.kind {
            Kind::Unsigned | Kind::UnknownKey if dialect == Dialect::Json => 400,
            Kind::UnknownOperation if dialect == Dialect::Rest => 404,
            _ => self.status,
        }
    }

    pub(super) fn code(&self, dialect: Dialect) -> &'static str {
        use Dialect::{Json, Query, Rest};
        match (&self.kind, dialect) {
            (Kind::Code(code), _) => code,
            (Kind::UnknownOperation, Query) => "InvalidAction",
            (Kind::UnknownOperation, _) => "UnknownOperationException",
            (Kind::Missing, Json) => "ValidationException",
            (Kind::Missing | Kind::Malformed, Rest) => "BadRequestException",
            (Kind::Missing, _) => "MissingParameter",
            (Kind::Malformed, Query) => "ValidationError",
            (Kind::Malformed, _) => "SerializationException",
            (Kind::Unsigned, Query) => "MissingAuthenticationToken",
            (Kind::Unsigned, _) => "MissingAuthenticationTokenException",
            (Kind::UnknownKey, Query) => "InvalidClientTokenId",
            (Kind::UnknownKey, _) => "UnrecognizedClientException",
        }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(Dialect::Json), self.message)
    }
}

impl std::error::Error for AwsError {}
