//! How AWS is reached: one HTTP client, two retry policies, and what a failed call proves.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::CallError;

/// Attempts of a read, the first included.
const READ_ATTEMPTS_MAX: u32 = 2;
/// One attempt of a read; with the second and its backoff a read ends within 8 s.
const READ_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
const READ_TIMEOUT: Duration = Duration::from_secs(8);
/// A change is attempted once. Longer than AWS takes to answer, shorter than anybody waits.
pub(super) const CHANGE_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Codes by which services say "later".
const THROTTLE_CODES: [&str; 7] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "TooManyRequestsException",
    "LimitExceededException",
];

/// Settings for reads and for changes.
pub(super) struct Settings {
    pub(super) reads: SdkConfig,
    pub(super) changes: SdkConfig,
}

/// The SDK's own search for credentials and endpoint, for one region.
pub(super) fn loader(region: &str) -> ConfigLoader {
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(Builder::new().tls_provider(ring).build_https())
        .retry_config(RetryConfig::standard().with_max_attempts(READ_ATTEMPTS_MAX))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(READ_ATTEMPT_TIMEOUT)
                .operation_timeout(READ_TIMEOUT)
                .build(),
        )
}

/// Loads the settings for reads, and makes those for changes from them.
pub(super) async fn settings(loader: ConfigLoader) -> Settings {
    let reads = loader.load().await;
    let changes = reads
        .to_builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_timeout(CHANGE_TIMEOUT)
                .build(),
        )
        .build();
    Settings { reads, changes }
}

/// The SDK's error, whatever the operation.
pub(super) type SdkError<E> = aws_sdk_ecs::error::SdkError<E, HttpResponse>;
type HttpResponse = aws_sdk_ecs::config::http::HttpResponse;

/// Turns an SDK error into what it proves. `doing` completes "while …": `reading service x`.
pub(super) fn failed<E>(doing: impl Into<String>) -> impl FnOnce(SdkError<E>) -> CallError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let doing = doing.into();
    move |error| {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let SdkError::<E>::ServiceError(answer) = &error else {
            if let SdkError::<E>::ConstructionFailure(_) = &error {
                let message = "the request could not be built".to_owned();
                return CallError::Rejected { doing, code: "NotSent".to_owned(), message };
            }
            return CallError::Unknown { doing, source: Box::new(error) };
        };
        let code = answer.err().code().map(str::to_owned);
        let throttled = code.as_deref().is_some_and(|code| THROTTLE_CODES.contains(&code));
        match (code, status) {
            (Some(code), _) if throttled => CallError::Throttled { doing, code },
            (code, Some(429)) => {
                CallError::Throttled { doing, code: code.unwrap_or_else(|| "429".to_owned()) }
            }
            // A refusal has a code and a 4xx. A 5xx may come from behind the point where the change
            // was made, and a reply that cannot be read says nothing at all.
            (Some(code), Some(400..500)) => {
                let message = answer.err().message().unwrap_or("no reason given").to_owned();
                CallError::Rejected { doing, code, message }
            }
            _ => CallError::Unknown { doing, source: Box::new(error) },
        }
    }
}

/// An answer that lacks what it must have, or names nothing.
pub(super) fn incomplete(doing: impl Into<String>, lacks: &str) -> CallError {
    let text = format!("the answer lacks {lacks}");
    CallError::Unknown { doing: doing.into(), source: text.into() }
}

/// Nothing with this name exists.
pub(super) fn not_found(doing: impl Into<String>, what: &str) -> CallError {
    CallError::Rejected {
        doing: doing.into(),
        code: "NotFound".to_owned(),
        message: format!("{what} does not exist"),
    }
}

/// A count as AWS sends it; a negative one is no count.
pub(super) fn count(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

/// A count as AWS takes it.
pub(super) fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// An instant as AWS sends it.
pub(super) fn instant(at: &aws_smithy_types::DateTime) -> Option<chrono::DateTime<chrono::Utc>> {
    chrono::DateTime::from_timestamp(at.secs(), at.subsec_nanos())
}

/// An instant as AWS takes it.
pub(super) fn stamp(at: chrono::DateTime<chrono::Utc>) -> aws_smithy_types::DateTime {
    aws_smithy_types::DateTime::from_millis(at.timestamp_millis())
}
