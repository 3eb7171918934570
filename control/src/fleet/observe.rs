//! Asks AWS what there is, part by part: one part's silence makes only that part older.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Fleet, Scaling, Seen};
use crate::app::Live;
use crate::aws::{CallError, Cloud};
use crate::driver::Pass;

/// The loop that looks at one environment's resources.
pub struct Observe {
    live: Arc<Live>,
    cloud: Arc<dyn Cloud>,
}

impl Observe {
    #[must_use]
    pub fn new(live: Arc<Live>, cloud: Arc<dyn Cloud>) -> Self {
        Self { live, cloud }
    }

    /// Only where control sizes the readers; elsewhere a call would buy nothing.
    async fn readers(&self) -> Result<Option<Scaling>, CallError> {
        let wanted = self.live.wanted();
        match &wanted.readers {
            Some(_) => self.cloud.readers(&wanted.database).await,
            None => Ok(None),
        }
    }
}

impl Pass for Observe {
    type Error = CallError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), CallError> {
        let wanted = self.live.wanted();
        let names = &wanted.service;
        let (service, scaling, readers, targets, database, cache, broker) = tokio::join!(
            self.cloud.service(&names.cluster, &names.name),
            self.cloud.scaling(&names.cluster, &names.name),
            self.readers(),
            self.cloud.targets(&names.target_group),
            self.cloud.database(&wanted.database),
            self.cloud.cache(&wanted.cache),
            self.cloud.broker(&wanted.broker),
        );
        let mut first_error = None;
        self.live.fleet.send_modify(|fleet: &mut Fleet| {
            take(&mut fleet.service, service, now, &mut first_error);
            take(&mut fleet.scaling, scaling, now, &mut first_error);
            take(&mut fleet.readers, readers, now, &mut first_error);
            take(&mut fleet.targets, targets, now, &mut first_error);
            take(&mut fleet.database, database, now, &mut first_error);
            take(&mut fleet.cache, cache, now, &mut first_error);
            take(&mut fleet.broker, broker, now, &mut first_error);
        });
        first_error.map_or(Ok(()), Err)
    }
}

/// Replaces what was seen by a newer answer, or keeps it with its age.
fn take<T>(
    seen: &mut Option<Seen<T>>,
    answer: Result<T, CallError>,
    now: DateTime<Utc>,
    first_error: &mut Option<CallError>,
) {
    match answer {
        Ok(value) => *seen = Some(Seen { value, at: now }),
        Err(error) => {
            first_error.get_or_insert(error);
        }
    }
}
