//! The clock as a value, so that tests and simulations choose the time.
//!
//! Only `main` makes the real one. Durations are measured with `tokio::time::Instant`, never with
//! this clock, which may step.

use chrono::{DateTime, Utc};
use std::{fmt, sync::Arc};

/// Says what time it is.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// A clock that asks `read` each time.
    pub fn new(read: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The machine's clock. Only the edge of the process may ask for it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the real clock is read")]
    pub fn real() -> Self {
        Self::new(Utc::now)
    }

    /// The time, UTC.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
