//! Writes down, once a minute, what was denied and only counted.

use super::{Api, access::write_down};
use crate::driver::Pass;
use chrono::{DateTime, Utc};
use std::{convert::Infallible, time::Duration};

/// A flood is one event a caller in this time.
pub const PERIOD: Duration = Duration::from_secs(60);

/// The loop that does.
pub struct Denials(pub Api);

impl Pass for Denials {
    type Error = Infallible;

    async fn pass(&mut self, _: DateTime<Utc>) -> Result<(), Infallible> {
        for entry in self.0.limits.uncounted() {
            write_down(&self.0, entry).await;
        }
        Ok(())
    }
}
