//! AWS as control knows it, simulated: for the real loops, in whatever time their clock tells.
//!
//! Metrics appear late and in gaps, descriptions are a little old, tasks and failovers take their
//! time, calls are throttled, and a change may be made with its reply lost. What was truly done is
//! in [`SimCloud::made`], for whoever wants to compare.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use rand::Rng;

use super::mortality::Mortality;
use super::outage::Outage;
use super::site::Site;
use super::weather::{Trouble, Weather};
use crate::aws::{
    Answer, CallError, Change, Cloud, Completeness, Datum, MetricQuery, Metrics, Receipt, Series,
};
use crate::cost::bill::BilledDay;
use crate::driver::Clock;
use crate::fleet;

/// Changes that are remembered.
const MADE_MAX: usize = 10_000;
/// How old a description may be, in seconds.
const DESCRIBED_LATE_S_MAX: i64 = 2;
/// What capacity is decided by.
const DECISIVE: [&str; 2] = ["requests", "cpu_percent"];

/// One change that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub at: DateTime<Utc>,
    pub change: Change,
    /// Did it happen?
    pub applied: bool,
    /// When the newest point that capacity is decided by became visible.
    pub informed_at: Option<DateTime<Utc>>,
}

/// A region with its environments.
pub struct SimCloud {
    clock: Clock,
    /// By the names of their resources.
    sites: BTreeMap<String, Arc<Mutex<Site>>>,
    /// The region's own troubles: throttling and replies that are lost.
    weather: Mutex<Weather>,
    start: DateTime<Utc>,
    made: Mutex<VecDeque<Made>>,
    /// Changes whose first reply was lost, if first replies get lost.
    first_replies: Mutex<Option<BTreeSet<String>>>,
    /// When each metric was last published to it.
    published: Mutex<BTreeMap<String, DateTime<Utc>>>,
    pub mortality: Arc<Mortality>,
}

impl SimCloud {
    /// A region with these environments, which begin at `start`.
    #[must_use]
    pub fn new(clock: Clock, start: DateTime<Utc>, sites: Vec<Site>) -> Self {
        let mut by_name = BTreeMap::new();
        for site in sites {
            let environment = site.environment.clone();
            let site = Arc::new(Mutex::new(site));
            let service = &environment.service;
            let mut names = vec![
                format!("{}/{}", service.cluster, service.name),
                service.target_group.clone(),
                environment.database.clone(),
                environment.cache.clone(),
                environment.broker.clone(),
            ];
            names.extend(environment.signals.iter().map(|signal| dimensions(&signal.dimensions)));
            names.extend(environment.routes.every_topic().cloned());
            by_name.extend(names.into_iter().map(|name| (name, Arc::clone(&site))));
        }
        Self {
            clock,
            sites: by_name,
            weather: Mutex::default(),
            start,
            made: Mutex::default(),
            first_replies: Mutex::default(),
            published: Mutex::default(),
            mortality: Arc::default(),
        }
    }

    /// The region's troubles from now on.
    pub fn set_weather(&self, weather: Weather) {
        *lock(&self.weather) = weather;
    }

    /// From now on, the reply to each change is lost when it is sent for the first time.
    pub fn lose_first_replies(&self, lose: bool) {
        *lock(&self.first_replies) = lose.then(BTreeSet::new);
    }

    fn loses_reply(&self, change: &Change) -> bool {
        let told = serde_json::to_string(change).unwrap_or_default();
        lock(&self.first_replies).as_mut().is_some_and(|told_before| told_before.insert(told))
    }

    /// The environment to which a resource of this name belongs.
    #[must_use]
    pub fn site(&self, resource: &str) -> Option<&Mutex<Site>> {
        self.sites.get(resource).map(AsRef::as_ref)
    }

    /// Every change that was asked for, the newest ones if there were very many.
    #[must_use]
    pub fn made(&self) -> Vec<Made> {
        lock(&self.made).iter().cloned().collect()
    }

    /// When this metric of our own was last published.
    #[must_use]
    pub fn published(&self, metric: &str) -> Option<DateTime<Utc>> {
        lock(&self.published).get(metric).copied()
    }

    /// Looks at an environment as it is now.
    fn look<T>(
        &self,
        resource: &str,
        doing: &str,
        read: impl FnOnce(&mut Site, DateTime<Utc>) -> T,
    ) -> Result<T, CallError> {
        let now = (self.clock)();
        let has = |trouble| lock(&self.weather).has(trouble, (now - self.start).num_seconds());
        let doing = format!("{doing} {resource}");
        if has(Trouble::Throttled) {
            return Err(CallError::Throttled { doing, code: "ThrottlingException".to_owned() });
        }
        let Some(site) = self.sites.get(resource) else {
            let (code, message) = ("ResourceNotFound".to_owned(), format!("no {resource}"));
            return Err(CallError::Rejected { doing, code, message });
        };
        let mut site = lock(site);
        site.advance(now);
        Ok(read(&mut site, now))
    }

    fn ask(
        &self,
        queries: &[MetricQuery],
        (from, to): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Metrics, CallError> {
        let mut series = Vec::with_capacity(queries.len());
        for query in queries {
            let read = |site: &mut Site, now| {
                let second = site.second(now);
                let partial = site.weather.has(Trouble::Partial, second);
                let known = site.signal(query).cloned();
                Series {
                    id: query.id.clone(),
                    completeness: if partial {
                        Completeness::Partial
                    } else {
                        Completeness::Complete
                    },
                    points: known.map_or_else(Vec::new, |one| site.points(&one, (from, to), now)),
                }
            };
            series.push(self.look(&dimensions(&query.dimensions), "reading metrics of", read)?);
        }
        Ok(Metrics { series, server_time: Some((self.clock)()) })
    }

    fn make(&self, change: &Change) -> Result<Receipt, CallError> {
        let now = (self.clock)();
        let has = |trouble| lock(&self.weather).has(trouble, (now - self.start).num_seconds());
        let applied = !has(Trouble::Throttled) && !has(Trouble::RequestLost);
        let informed = self.look(&resource(change), "changing", |site, now| {
            if applied {
                apply(site, change, now);
            }
            site.newest_visible(&DECISIVE, now)
        });
        let informed_at = informed?;
        let mut made = lock(&self.made);
        made.push_back(Made { at: now, change: change.clone(), applied, informed_at });
        if made.len() > MADE_MAX {
            made.pop_front();
        }
        let lost = has(Trouble::RequestLost) || has(Trouble::ReplyLost);
        if lost || self.loses_reply(change) {
            let source = "connection reset by peer".into();
            return Err(CallError::Unknown { doing: change.to_string(), source });
        }
        Ok(Receipt(format!("receipt-{}", made.len())))
    }
}

/// The resource that a change is about.
fn resource(change: &Change) -> String {
    match change {
        Change::SetDesired { cluster, service, .. }
        | Change::SetCapacity { cluster, service, .. } => format!("{cluster}/{service}"),
        Change::StopTask { cluster, .. }
        | Change::SetReaders { cluster, .. }
        | Change::FailoverDatabase { cluster, .. } => cluster.clone(),
        Change::FailoverCache { group, .. } => group.clone(),
        Change::RebootBroker { cluster_arn, .. } => cluster_arn.clone(),
        Change::Publish { topic, .. } => topic.clone(),
    }
}

/// Does it. What is asked for twice is done once, except a failover.
fn apply(site: &mut Site, change: &Change, now: DateTime<Utc>) {
    match change {
        Change::SetDesired { to, .. } => site.resize(*to, now),
        Change::SetCapacity { min, max, .. } => {
            if let Some(scaling) = &mut site.scaling {
                (scaling.min, scaling.max) = (*min, *max);
            }
            let desired = site.tasks.desired().clamp(*min, *max);
            site.resize(desired, now);
        }
        Change::FailoverDatabase { target, .. } => {
            site.outage = Some(Outage::accepted(target, now, true, &mut site.chance));
        }
        Change::FailoverCache { shard, .. } => {
            site.outage = Some(Outage::accepted(shard, now, false, &mut site.chance));
        }
        Change::SetReaders { min, max, .. } => {
            if let Some(readers) = &mut site.readers {
                (readers.min, readers.max) = (*min, *max);
            }
        }
        // A stopped task is replaced, a broker comes back, a message is gone: nothing to see here.
        Change::StopTask { .. } | Change::RebootBroker { .. } | Change::Publish { .. } => {}
    }
}

fn dimensions(dimensions: &[(String, String)]) -> String {
    let written: Vec<String> =
        dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
    written.join(",")
}

/// A panic elsewhere must not hide behind a poisoned lock: what is in it is plain data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cloud for SimCloud {
    fn service<'a>(&'a self, cluster: &'a str, service: &'a str) -> Answer<'a, fleet::Service> {
        Box::pin(async move {
            self.look(&format!("{cluster}/{service}"), "reading service", |site, now| {
                let age = site.chance.random_range(0..=DESCRIBED_LATE_S_MAX);
                site.service(now, age)
            })
        })
    }

    fn scaling<'a>(
        &'a self,
        cluster: &'a str,
        service: &'a str,
    ) -> Answer<'a, Option<fleet::Scaling>> {
        Box::pin(async move {
            let read = |site: &mut Site, _| site.scaling.clone();
            self.look(&format!("{cluster}/{service}"), "reading scaling of", read)
        })
    }

    fn readers<'a>(&'a self, cluster: &'a str) -> Answer<'a, Option<fleet::Scaling>> {
        Box::pin(
            async move { self.look(cluster, "reading readers of", |site, _| site.readers.clone()) },
        )
    }

    fn targets<'a>(&'a self, target_group: &'a str) -> Answer<'a, Vec<fleet::Target>> {
        Box::pin(async move {
            self.look(target_group, "reading targets of", |site, now| site.targets(now))
        })
    }

    fn entrance<'a>(&'a self, target_group: &'a str) -> Answer<'a, String> {
        Box::pin(async move {
            let address = |_: &mut Site, _| "http://10.0.0.1:80".to_owned();
            self.look(target_group, "reading the entrance of", address)
        })
    }

    fn database<'a>(&'a self, cluster: &'a str) -> Answer<'a, fleet::Database> {
        Box::pin(
            async move { self.look(cluster, "reading database", |site, now| site.database(now)) },
        )
    }

    fn cache<'a>(&'a self, group: &'a str) -> Answer<'a, fleet::Cache> {
        Box::pin(async move { self.look(group, "reading cache", |site, _| site.cache()) })
    }

    fn broker<'a>(&'a self, cluster_arn: &'a str) -> Answer<'a, fleet::Broker> {
        Box::pin(async move { self.look(cluster_arn, "reading broker", |site, _| site.broker()) })
    }

    fn metrics<'a>(
        &'a self,
        queries: &'a [MetricQuery],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Answer<'a, Metrics> {
        Box::pin(async move { self.ask(queries, (from, to)) })
    }

    fn publish_metrics<'a>(&'a self, _: &'a str, data: &'a [Datum]) -> Answer<'a, ()> {
        Box::pin(async move {
            lock(&self.published).extend(data.iter().map(|one| (one.metric.clone(), one.at)));
            Ok(())
        })
    }

    fn bill<'a>(&'a self, _: &'a str, _: NaiveDate, _: NaiveDate) -> Answer<'a, Vec<BilledDay>> {
        // Nothing was billed yet: a simulated month has no last month.
        Box::pin(async { Ok(Vec::new()) })
    }

    fn change<'a>(&'a self, change: &'a Change) -> Answer<'a, Receipt> {
        Box::pin(async move {
            self.mortality.point().await;
            let reply = self.make(change);
            self.mortality.point().await;
            reply
        })
    }
}
