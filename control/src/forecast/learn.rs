//! The loop that learns: once an hour it reads four weeks of load, for who asks what another
//! policy would have done, and plans two days where a forecast is wanted.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::history::{HISTORY, Hourly, Interval, POINT, hour_start};
use super::mask::AllMasks;
use super::plan::{Forecast, Settings, forecast};
use crate::app::{App, Live};
use crate::aws::{CallError, Completeness, MetricQuery};
use crate::driver::Pass;
use crate::journal::JournalError;

/// How often is looked whether another hour has begun.
pub const TICK: std::time::Duration = std::time::Duration::from_secs(60);
/// The load that is foretold.
const SIGNAL: &str = "requests";

/// Why nothing was learned this time. The next pass tries again.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    #[error("reading four weeks of load")]
    Read(#[source] CallError),
    #[error("reading four weeks of load: CloudWatch answered in part")]
    Partial,
    #[error("reading which times were not ordinary")]
    Journal(#[from] JournalError),
    #[error("the computation was given up")]
    Computation(#[source] tokio::task::JoinError),
}

/// The loop of one environment.
pub struct Learn {
    app: App,
    live: Arc<Live>,
    /// The hour in which was read last.
    read: Option<DateTime<Utc>>,
    /// The hour in which was learned last, and under what.
    learned: Option<(DateTime<Utc>, Settings)>,
}

impl Learn {
    /// A loop that has read nothing yet.
    #[must_use]
    pub fn new(app: &App, live: &Arc<Live>) -> Self {
        Self { app: app.clone(), live: Arc::clone(live), read: None, learned: None }
    }

    async fn points(&self, now: DateTime<Utc>) -> Result<Vec<(DateTime<Utc>, f64)>, LearnError> {
        let wanted = self.live.wanted();
        let signal =
            wanted.signals.iter().find(|one| one.name == SIGNAL).expect("config requires it");
        let query = MetricQuery {
            id: "load".to_owned(),
            namespace: signal.namespace.clone(),
            metric: signal.metric.clone(),
            dimensions: signal.dimensions.clone(),
            statistic: signal.statistic.clone(),
            period_s: u32::try_from(POINT.num_seconds()).expect("five minutes"),
        };
        self.app.metrics.metrics_asked.inc();
        let from = hour_start(now) - HISTORY;
        let answer = self.app.cloud.metrics(&[query], from, now).await.map_err(LearnError::Read)?;
        let Some(series) = answer.series.into_iter().next() else {
            return Err(LearnError::Partial);
        };
        if series.completeness != Completeness::Complete {
            return Err(LearnError::Partial);
        }
        let per_second = signal.scale / POINT.as_seconds_f64();
        Ok(series.points.into_iter().map(|(at, sum)| (at, sum * per_second)).collect())
    }

    async fn masks(&self, now: DateTime<Utc>) -> Result<Vec<Interval>, JournalError> {
        let all = self.app.journal.recall::<AllMasks>().await?;
        Ok(all.of(&self.live.wanted().name).intervals(now))
    }
}

impl Pass for Learn {
    type Error = LearnError;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), LearnError> {
        let hour = hour_start(now);
        if self.read != Some(hour) {
            let points = self.points(now).await?;
            self.live.load.send_replace(Arc::new(points));
            self.read = Some(hour);
        }
        let Some(settings) = self.live.wanted().forecast else {
            self.live.plan.send_replace(None);
            self.live.forecast.send_replace(None);
            self.learned = None;
            return Ok(());
        };
        if self.learned != Some((hour, settings)) {
            let points = Arc::clone(&self.live.load.borrow());
            let masks = self.masks(now).await?;
            // A fifth of a second of arithmetic is no work for a thread that others wait for.
            let computed = tokio::task::spawn_blocking(move || {
                forecast(&Hourly::of(&points, &masks, settings.zone, now), &settings)
            });
            let learned = computed.await.map_err(LearnError::Computation)?;
            tracing::info!(why = learned.why, "forecast in use: {}", learned.choice.name());
            self.live.plan.send_replace(Some(learned));
            self.learned = Some((hour, settings));
        }
        let plan = self.live.plan.borrow();
        let view = plan.as_ref().map(|plan: &Forecast| plan.view(&settings, now));
        self.live.forecast.send_replace(view);
        Ok(())
    }
}
