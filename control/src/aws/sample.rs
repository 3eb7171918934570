//! An AWS that is a value, for tests of what control does with answers, refusals and silence.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    Answer, CallError, Change, Cloud, Completeness, Datum, MetricQuery, Metrics, Receipt, Series,
};
use crate::cost::bill::BilledDay;
use crate::fleet::{self, samples};

/// How the next changes are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replies {
    Accepted,
    Refused,
    /// Made, and the reply lost.
    MadeAndLost,
    /// Lost on the way there.
    Lost,
    /// A server error for whatever is published to topics with this ending; the rest is accepted.
    FailingFor(&'static str),
    /// Made, and never answered.
    Hanging,
}

/// One service and the record of every change asked for.
pub(crate) struct SampleCloud {
    pub(crate) desired: Mutex<u32>,
    pub(crate) replies: Mutex<Replies>,
    pub(crate) asked: Mutex<Vec<Change>>,
    pub(crate) scaling: Mutex<Option<fleet::Scaling>>,
    pub(crate) readers: Mutex<Option<fleet::Scaling>>,
    /// What CloudWatch holds, by metric, and its clock. `None`: it does not answer.
    pub(crate) points: Mutex<Option<Points>>,
    pub(crate) server_time: Mutex<Option<DateTime<Utc>>>,
    /// How many series each question asked for.
    pub(crate) questions: Mutex<Vec<usize>>,
    /// What was published.
    pub(crate) published: Mutex<Vec<Datum>>,
    /// The bill. `None`: Cost Explorer does not answer.
    pub(crate) bill: Mutex<Option<Vec<BilledDay>>>,
    /// How often the bill was asked for.
    pub(crate) bills_asked: Mutex<usize>,
    /// Told when a change hangs.
    pub(crate) hangs: tokio::sync::Notify,
}

/// Points by metric.
pub(crate) type Points = BTreeMap<&'static str, Vec<(DateTime<Utc>, f64)>>;

impl SampleCloud {
    pub(crate) fn with_tasks(tasks: u32) -> Self {
        Self {
            desired: Mutex::new(tasks),
            replies: Mutex::new(Replies::Accepted),
            asked: Mutex::new(vec![]),
            scaling: Mutex::new(None),
            readers: Mutex::new(None),
            points: Mutex::new(None),
            server_time: Mutex::new(None),
            questions: Mutex::new(vec![]),
            published: Mutex::new(vec![]),
            bill: Mutex::new(None),
            bills_asked: Mutex::new(0),
            hangs: tokio::sync::Notify::new(),
        }
    }

    pub(crate) fn service_now(&self, at: DateTime<Utc>) -> fleet::Service {
        let tasks = u16::try_from(*self.desired.lock().unwrap()).unwrap();
        samples::service(tasks, at)
    }

    fn make(&self, change: &Change) -> Result<Receipt, CallError> {
        self.asked.lock().unwrap().push(change.clone());
        let replies = *self.replies.lock().unwrap();
        if matches!(replies, Replies::Accepted | Replies::MadeAndLost) {
            match change {
                Change::SetDesired { to, .. } => *self.desired.lock().unwrap() = *to,
                Change::SetCapacity { min, .. } => {
                    self.scaling.lock().unwrap().as_mut().unwrap().min = *min;
                }
                Change::SetReaders { min, .. } => {
                    self.readers.lock().unwrap().as_mut().unwrap().min = *min;
                }
                _ => {}
            }
        }
        let failing = match (replies, change) {
            (Replies::FailingFor(end), Change::Publish { topic, .. }) => topic.ends_with(end),
            _ => false,
        };
        match replies {
            Replies::FailingFor(_) if failing => Err(CallError::Unknown {
                doing: change.to_string(),
                source: "500 Internal Server Error".into(),
            }),
            Replies::Accepted | Replies::FailingFor(_) | Replies::Hanging => {
                Ok(Receipt("accepted".to_owned()))
            }
            Replies::Refused => Err(CallError::Rejected {
                doing: change.to_string(),
                code: "ServiceNotActiveException".to_owned(),
                message: "no".to_owned(),
            }),
            Replies::MadeAndLost | Replies::Lost => Err(CallError::Unknown {
                doing: change.to_string(),
                source: "connection reset".into(),
            }),
        }
    }
}

fn unused<T: Send + 'static>() -> Answer<'static, T> {
    let answer = CallError::Throttled { doing: "asking".to_owned(), code: "Throttling".to_owned() };
    Box::pin(async move { Err(answer) })
}

impl Cloud for SampleCloud {
    fn service<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, fleet::Service> {
        Box::pin(async move { Ok(self.service_now(samples::second(0))) })
    }

    fn scaling<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<fleet::Scaling>> {
        Box::pin(async move { Ok(self.scaling.lock().unwrap().clone()) })
    }

    fn readers<'a>(&'a self, _: &'a str) -> Answer<'a, Option<fleet::Scaling>> {
        Box::pin(async move { Ok(self.readers.lock().unwrap().clone()) })
    }

    fn targets<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<fleet::Target>> {
        unused()
    }

    fn entrance<'a>(&'a self, _: &'a str) -> Answer<'a, String> {
        unused()
    }

    fn database<'a>(&'a self, _: &'a str) -> Answer<'a, fleet::Database> {
        unused()
    }

    fn cache<'a>(&'a self, _: &'a str) -> Answer<'a, fleet::Cache> {
        unused()
    }

    fn broker<'a>(&'a self, _: &'a str) -> Answer<'a, fleet::Broker> {
        unused()
    }

    fn metrics<'a>(
        &'a self,
        queries: &'a [MetricQuery],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Answer<'a, Metrics> {
        self.questions.lock().unwrap().push(queries.len());
        let Some(points) = self.points.lock().unwrap().clone() else { return unused() };
        let series = |query: &MetricQuery| Series {
            id: query.id.clone(),
            completeness: Completeness::Complete,
            points: points
                .get(query.metric.as_str())
                .into_iter()
                .flatten()
                .filter(|(at, _)| (from..to).contains(at))
                .copied()
                .collect(),
        };
        let series = queries.iter().map(series).collect();
        let server_time = *self.server_time.lock().unwrap();
        Box::pin(async move { Ok(Metrics { series, server_time }) })
    }

    fn publish_metrics<'a>(&'a self, _: &'a str, data: &'a [Datum]) -> Answer<'a, ()> {
        self.published.lock().unwrap().extend_from_slice(data);
        Box::pin(async { Ok(()) })
    }

    fn bill<'a>(
        &'a self,
        _: &'a str,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Answer<'a, Vec<BilledDay>> {
        *self.bills_asked.lock().unwrap() += 1;
        let Some(mut days) = self.bill.lock().unwrap().clone() else { return unused() };
        days.retain(|day| (from..to).contains(&day.date));
        Box::pin(async move { Ok(days) })
    }

    fn change<'a>(&'a self, change: &'a Change) -> Answer<'a, Receipt> {
        Box::pin(async move {
            let made = self.make(change);
            if *self.replies.lock().unwrap() == Replies::Hanging {
                self.hangs.notify_one();
                std::future::pending::<()>().await;
            }
            made
        })
    }
}
