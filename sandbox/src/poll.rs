//! Waiting for a condition of a real process, with a deadline.

use std::time::Duration;
use tokio::time::Instant;

/// Between two looks. Short, because tests and failovers wait on it; a look is one cheap call.
const PERIOD: Duration = Duration::from_millis(20);

/// A condition that did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("waited {waited:?} until {condition}")]
pub struct TimedOut {
    condition: String,
    waited: Duration,
}

/// Looks until `look` gives a value.
///
/// # Errors
///
/// It gave none for `limit`; `condition` completes the sentence "waited until …".
pub async fn until<T, F: Future<Output = Option<T>>>(
    condition: &str,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> Result<T, TimedOut> {
    let deadline = Instant::now() + limit;
    loop {
        // A look that hangs must not outlive the deadline either.
        match tokio::time::timeout_at(deadline, look()).await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) if Instant::now() < deadline => tokio::time::sleep(PERIOD).await,
            Ok(None) | Err(_) => {
                return Err(TimedOut { condition: condition.to_owned(), waited: limit });
            }
        }
    }
}
