//! An AWS that is a value, for tests of what control does with answers, refusals and silence.

use std::sync::Mutex;

use chrono::{DateTime, Utc};

use super::{Answer, CallError, Change, Cloud, MetricQuery, Metrics, Receipt};
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
}

/// One service and the record of every change asked for.
pub(crate) struct SampleCloud {
    pub(crate) desired: Mutex<u32>,
    pub(crate) replies: Mutex<Replies>,
    pub(crate) asked: Mutex<Vec<Change>>,
    pub(crate) scaling: Mutex<Option<fleet::Scaling>>,
}

impl SampleCloud {
    pub(crate) fn with_tasks(tasks: u32) -> Self {
        Self {
            desired: Mutex::new(tasks),
            replies: Mutex::new(Replies::Accepted),
            asked: Mutex::new(vec![]),
            scaling: Mutex::new(None),
        }
    }

    pub(crate) fn service_now(&self, at: DateTime<Utc>) -> fleet::Service {
        let tasks = u16::try_from(*self.desired.lock().unwrap()).unwrap();
        samples::service(tasks, at)
    }

    fn make(&self, change: &Change) -> Result<Receipt, CallError> {
        self.asked.lock().unwrap().push(change.clone());
        let replies = *self.replies.lock().unwrap();
        if matches!(replies, Replies::Accepted | Replies::MadeAndLost)
            && let Change::SetDesired { to, .. } = change
        {
            *self.desired.lock().unwrap() = *to;
        }
        match replies {
            Replies::Accepted => Ok(Receipt("accepted".to_owned())),
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
        _: &'a [MetricQuery],
        _: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Answer<'a, Metrics> {
        unused()
    }

    fn change<'a>(&'a self, change: &'a Change) -> Answer<'a, Receipt> {
        Box::pin(async move { self.make(change) })
    }
}
