//! CloudWatch: metrics, statistics, metric math and metric alarms, in memory.
//!
//! Known differences from AWS. Seconds are kept for an hour and minutes for a day. Percentiles and
//! trimmed means follow [`statistic`]; TC, TS, PR, WM and IQM are refused. Periods begin at
//! multiples of their length since 1970, also where AWS would begin at the start time. A period
//! counts whole, also if the range ends inside it. SEARCH, anomaly detection, date functions,
//! composite alarms, tags, dashboards, streams, label variables and other accounts are missing.
//! Publication lag is one number for all metrics, and a datum that is two weeks old comes as soon
//! as a new one. Mixed units of one metric are taken together unless a unit is asked for. Quotas
//! per second are not played. Beyond 5,000 metrics or 1,000 alarms: `LimitExceeded`.

mod alarm;
mod datum;
mod get;
mod list;
mod math;
mod page;
mod query;
mod series;
mod statistic;
mod store;

pub use alarm::Notice;

use super::{
    Clock, Region,
    wire::{Answer, AwsError, Handler, Input, Interface, Service, dispatch, ready},
};
use alarm::Alarms;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use series::{Datum, MetricKey};
use statistic::Distribution;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::Store;
use tokio_util::sync::CancellationToken;

/// Takes what alarms have to say; the endpoint's SNS.
pub type Notify = Arc<dyn Fn(Notice) + Send + Sync>;

/// The service.
pub struct CloudWatch {
    region: Region,
    clock: Clock,
    notify: Notify,
    state: Mutex<State>,
}

struct State {
    store: Store,
    alarms: Alarms,
}

impl CloudWatch {
    /// A service without metrics, whose readers see a datum `lag` after it came.
    #[must_use]
    pub fn new(region: Region, lag: Duration, clock: Clock, notify: Notify) -> Self {
        // A lag beyond what chrono can say hides everything, which is what was asked for.
        let lag = chrono::Duration::from_std(lag).unwrap_or(chrono::Duration::MAX / 2);
        let state = State { store: Store::new(lag), alarms: Alarms::default() };
        Self { region, clock, notify, state: Mutex::new(state) }
    }

    /// Publishes values with their counts, as a service of AWS does; subject to the lag like any
    /// other datum. `unit` is one of CloudWatch's, such as `Percent`.
    ///
    /// # Errors
    /// The unit is unknown, or the metric would be one too many.
    pub fn put(
        &self,
        namespace: &str,
        dimensions: &[(&str, &str)],
        metric: (&str, &str),
        at: DateTime<Utc>,
        values: &[(f64, f64)],
    ) -> Result<(), AwsError> {
        let (name, unit) = metric;
        let unit = datum::unit(unit).ok_or_else(|| {
            AwsError::refused("InvalidParameterValue", format!("{unit} is no unit."))
        })?;
        let finite = values.iter().copied().filter(|(v, n)| v.is_finite() && n.is_finite());
        let Some(values) = Distribution::of_values(finite) else { return Ok(()) };
        let mut dimensions: Vec<(String, String)> =
            dimensions.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        dimensions.sort_unstable();
        let key = MetricKey { namespace: namespace.to_owned(), name: name.to_owned(), dimensions };
        let data = vec![(key, Datum { at, unit, values })];
        self.state().store.put(data, (self.clock)())
    }

    /// Puts an alarm as a client would: the parameters of `PutMetricAlarm`.
    ///
    /// # Errors
    /// A parameter is missing or wrong.
    pub fn put_alarm(&self, alarm: &Value) -> Result<(), AwsError> {
        self.state().alarms.put(Input::of(alarm), (self.clock)()).map(|_| ())
    }

    /// Evaluates the alarms that are due and sends what they have to say.
    pub fn evaluate_alarms(&self) {
        let now = (self.clock)();
        let notices = {
            let state = &mut *self.state();
            state.alarms.evaluate(&state.store, &self.region, now)
        };
        self.send(notices);
    }

    /// Evaluates alarms each second until told to stop. Describing them evaluates them too.
    pub async fn run_alarms(self: Arc<Self>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            self.evaluate_alarms();
        }
    }

    fn send(&self, notices: Vec<Notice>) {
        for notice in notices {
            (self.notify)(notice);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No operation leaves the state half changed, so a panicked one spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_metric_data(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let now = (self.clock)();
        let data = datum::read(input, now)?;
        self.state().store.put(data, now)?;
        Ok(json!({}))
    }

    fn read(
        &self,
        read: impl FnOnce(&Store, DateTime<Utc>) -> Result<Value, AwsError>,
    ) -> Result<Value, AwsError> {
        read(&self.state().store, (self.clock)())
    }

    fn set_alarm_state(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let now = (self.clock)();
        let notices = self.state().alarms.set_state(input, &self.region, now)?;
        self.send(notices);
        Ok(json!({}))
    }

    fn describe_alarms(&self, input: Input<'_>) -> Result<Value, AwsError> {
        self.evaluate_alarms();
        self.state().alarms.describe(input, &self.region)
    }
}

const OPERATIONS: &[(&str, Handler<CloudWatch>)] = &[
    ("PutMetricData", |s, i| ready(s.put_metric_data(i))),
    ("GetMetricData", |s, i| ready(s.read(|store, now| get::metric_data(store, i, now)))),
    ("GetMetricStatistics", |s, i| {
        ready(s.read(|store, now| get::metric_statistics(store, i, now)))
    }),
    ("ListMetrics", |s, i| ready(s.read(|store, now| list::metrics(store, i, now)))),
    ("PutMetricAlarm", |s, i| ready(s.state().alarms.put(i, (s.clock)()))),
    ("DescribeAlarms", |s, i| ready(s.describe_alarms(i))),
    ("DeleteAlarms", |s, i| ready(s.state().alarms.delete(i))),
    ("SetAlarmState", |s, i| ready(s.set_alarm_state(i))),
];

impl Service for CloudWatch {
    fn interface(&self) -> &'static Interface {
        &Interface {
            scope: "monitoring",
            namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
            lists: &[],
            maps: &["ExtendedStatistics"],
            routes: &[],
        }
    }

    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a> {
        dispatch(OPERATIONS, self, operation, input)
    }
}
