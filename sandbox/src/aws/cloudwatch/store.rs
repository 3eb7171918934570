//! Every metric of the region, bounded, and the delay until a datum is seen.

use super::series::{Datum, MetricKey, Series, Window};
use super::statistic::Distribution;
use crate::aws::wire::AwsError;
use chrono::{DateTime, Duration, Utc};
use std::collections::BTreeMap;

/// A region with nine tasks has about a hundred; more means a dimension without bounds.
const SERIES_MAX: usize = 5000;

/// All metrics, by namespace, name and dimensions.
#[derive(Debug)]
pub(super) struct Store {
    lag: Duration,
    series: BTreeMap<MetricKey, Series>,
}

impl Store {
    /// An empty store whose data are seen `lag` after they came.
    pub(super) fn new(lag: Duration) -> Self {
        Self { lag, series: BTreeMap::new() }
    }

    /// Takes all data, or none.
    ///
    /// # Errors
    /// They would make more metrics than a region holds here.
    pub(super) fn put(
        &mut self,
        data: Vec<(MetricKey, Datum)>,
        now: DateTime<Utc>,
    ) -> Result<(), AwsError> {
        let mut new: Vec<_> =
            data.iter().map(|(key, _)| key).filter(|key| !self.series.contains_key(key)).collect();
        new.sort_unstable();
        new.dedup();
        if self.series.len() + new.len() > SERIES_MAX {
            let message = format!("The sandbox holds at most {SERIES_MAX} metrics.");
            return Err(AwsError::refused("LimitExceeded", message));
        }
        for (key, datum) in data {
            self.series.entry(key).or_default().add(datum, now + self.lag, now);
        }
        Ok(())
    }

    /// The values of a metric by start of period; empty when there is no such metric.
    pub(super) fn periods(
        &self,
        key: &MetricKey,
        window: Window,
        unit: Option<&str>,
    ) -> BTreeMap<i64, (&'static str, Distribution)> {
        self.series.get(key).map(|series| series.periods(window, unit)).unwrap_or_default()
    }

    /// The metrics that readers may know of, in order, with the time of their newest datum.
    pub(super) fn visible(&self, now: DateTime<Utc>) -> impl Iterator<Item = (&MetricKey, i64)> {
        let visible = self.series.iter().filter(move |(_, series)| series.is_visible(now));
        visible.map(|(key, series)| (key, series.newest()))
    }
}
