//! One environment of the simulated cloud: a service that serves its load, a database that fails
//! over, and the metrics of both. Time only moves when somebody looks.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::engine::Slice;
use super::meter::{lag_s, measure};
use super::outage::{Ledger, Outage};
use super::scenario::topology;
use super::service::Service;
use super::tasks::Tasks;
use super::trace::SLICE_S;
use super::weather::{Trouble, Weather};
use crate::aws::MetricQuery;
use crate::config::Environment;
use crate::fleet::{self, Broker, Cache, Database, Deployment, Scaling, Target, Task};
use crate::readings::Signal;

/// Slices that are kept: an hour, four times what anybody asks for.
const SLICES_MAX: usize = 360;

/// Offered load, by the second.
pub type Load = Box<dyn Fn(i64) -> f64 + Send + Sync>;

/// One environment as it truly is.
pub struct Site {
    pub environment: Environment,
    start: DateTime<Utc>,
    service: Service,
    load: Load,
    pub weather: Weather,
    pub tasks: Tasks,
    pub scaling: Option<Scaling>,
    /// The same of the database's readers.
    pub readers: Option<Scaling>,
    /// The size as it was, oldest first: descriptions may be a little old.
    sizes: VecDeque<(i64, Tasks)>,
    slices: VecDeque<Slice>,
    database: Database,
    cache: Cache,
    broker: Broker,
    pub outage: Option<Outage>,
    pub clients: Ledger,
    pub chance: ChaCha8Rng,
}

impl Site {
    /// An environment whose tasks all run.
    #[must_use]
    pub fn new(
        environment: Environment,
        start: DateTime<Utc>,
        (service, load): (Service, Load),
        tasks: u32,
        seed: u64,
    ) -> Self {
        let named = |kind: &str, count| (kind.to_owned(), count);
        let mut database = topology::database(named("db.r6g.2xlarge", 3));
        database.cluster.clone_from(&environment.database);
        let mut cache = topology::cache(named("cache.r6g.large", 3));
        cache.group.clone_from(&environment.cache);
        let mut broker = topology::broker(named("kafka.m5.large", 3));
        broker.arn.clone_from(&environment.broker);
        Self {
            tasks: Tasks::running_from(tasks, service.start_s),
            environment,
            start,
            service,
            load,
            weather: Weather::default(),
            scaling: None,
            readers: None,
            sizes: VecDeque::new(),
            slices: VecDeque::new(),
            database,
            cache,
            broker,
            outage: None,
            clients: Ledger::default(),
            chance: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The second of an instant, counted from the start.
    #[must_use]
    pub fn second(&self, now: DateTime<Utc>) -> i64 {
        (now - self.start).num_seconds()
    }

    /// Serves everything up to now.
    pub fn advance(&mut self, now: DateTime<Utc>) {
        let second = self.second(now);
        let mut next = self.slices.back().map_or(0, |slice| slice.second + SLICE_S);
        while next + SLICE_S <= second {
            let slice = self.serve(next);
            self.slices.push_back(slice);
            if self.slices.len() > SLICES_MAX {
                self.slices.pop_front();
            }
            next += SLICE_S;
        }
    }

    fn serve(&mut self, second: i64) -> Slice {
        let middle = second + SLICE_S / 2;
        let running = self.tasks.running(middle);
        let offered = (self.load)(second);
        let at = self.start + TimeDelta::seconds(middle);
        let serves = self.outage.as_ref().is_none_or(|outage| outage.serves(at));
        if serves {
            self.clients.acknowledge(at);
        }
        let most = f64::from(running) * self.service.capacity_per_task;
        let served = if serves { offered.min(most) } else { 0.0 };
        Slice {
            second,
            served,
            failed: offered - served,
            busy: self.service.utilisation(served, running).min(1.0),
            running,
            p95_ms: self.service.p95_ms(served, running),
            published: !self.weather.has(Trouble::Silence, second),
        }
    }

    /// Asks for another size.
    pub fn resize(&mut self, desired: u32, now: DateTime<Utc>) {
        let second = self.second(now);
        self.sizes.push_back((second, self.tasks.clone()));
        if self.sizes.len() > SLICES_MAX {
            self.sizes.pop_front();
        }
        self.tasks.set(desired, second, &mut self.chance);
    }

    /// The service as it was so many seconds ago.
    #[must_use]
    pub fn service(&self, now: DateTime<Utc>, age_s: i64) -> fleet::Service {
        let second = self.second(now);
        // The size before the first change that the describer has not heard of.
        let old = self.sizes.iter().find(|(changed, _)| *changed > second - age_s);
        let tasks = old.map_or(&self.tasks, |(_, tasks)| tasks);
        let running = tasks.running(second);
        let task = |index: u32| Task {
            id: format!("task-{index}"),
            zone: "sa-east-1a".to_owned(),
            status: if index < running { "RUNNING" } else { "PENDING" }.to_owned(),
            desired_status: "RUNNING".to_owned(),
            address: Some("10.0.0.1".to_owned()),
            port: u16::try_from(8_000 + index).ok(),
            cpu_units: self.service.cpu_units,
            memory_mib: self.service.memory_mib,
            created_at: Some(self.start),
            started_at: Some(self.start),
        };
        let deploying = self.weather.has(Trouble::Deployment, second);
        let deployment = |(index, status): (usize, &&str)| Deployment {
            id: format!("deployment-{index}"),
            status: (*status).to_owned(),
            rollout: if deploying { "IN_PROGRESS" } else { "COMPLETED" }.to_owned(),
            created_at: Some(self.start),
        };
        let deployments: &[&str] = if deploying { &["PRIMARY", "ACTIVE"] } else { &["PRIMARY"] };
        fleet::Service {
            name: self.environment.service.name.clone(),
            status: "ACTIVE".to_owned(),
            desired: tasks.desired(),
            running,
            pending: tasks.desired() - running,
            deployments: deployments.iter().enumerate().map(deployment).collect(),
            tasks: (0..tasks.desired()).map(task).collect(),
        }
    }

    /// The targets behind the load balancer: the tasks that run.
    #[must_use]
    pub fn targets(&self, now: DateTime<Utc>) -> Vec<Target> {
        let target = |index: u32| Target {
            address: "10.0.0.1".to_owned(),
            port: u16::try_from(8_000 + index).ok(),
            health: "healthy".to_owned(),
            reason: String::new(),
        };
        (0..self.tasks.running(self.second(now))).map(target).collect()
    }

    /// The cluster, as far as its failover has come.
    #[must_use]
    pub fn database(&self, now: DateTime<Utc>) -> Database {
        let mut database = self.database.clone();
        let Some(outage) = self.outage.as_ref().filter(|outage| outage.from <= now) else {
            return database;
        };
        let over = outage.to <= now;
        if !over {
            "failing-over".clone_into(&mut database.status);
        }
        for one in &mut database.instances {
            let was_writer = one.writer;
            one.writer = over && one.id == outage.target;
            if was_writer && now < outage.whole {
                "rebooting".clone_into(&mut one.status);
            }
        }
        database
    }

    #[must_use]
    pub fn cache(&self) -> Cache {
        self.cache.clone()
    }

    #[must_use]
    pub fn broker(&self) -> Broker {
        self.broker.clone()
    }

    /// The signal that a query asks for, if it is one of this environment's.
    #[must_use]
    pub fn signal(&self, query: &MetricQuery) -> Option<&Signal> {
        self.environment.signals.iter().find(|signal| {
            signal.metric == query.metric
                && signal.namespace == query.namespace
                && signal.statistic == query.statistic
                && signal.dimensions == query.dimensions
        })
    }

    /// The points of a signal in `[from, to)` that can be seen now, in the unit of CloudWatch.
    #[must_use]
    pub fn points(
        &self,
        signal: &Signal,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Vec<(DateTime<Utc>, f64)> {
        let period = signal.period.num_seconds();
        let second = self.second(now);
        // Periods are counted from the epoch, and so is the start of the world: a whole minute.
        let first = self.second(from).div_euclid(period) * period;
        let oldest = self.slices.front().map_or(second, |slice| slice.second);
        let mut start = first.max(oldest.div_euclid(period) * period);
        let mut points = Vec::new();
        while start + period + lag_s(period, start) <= second && start < self.second(to) {
            let skip = usize::try_from((start - oldest).max(0) / SLICE_S).unwrap_or(usize::MAX);
            let end = start + period;
            let slices = self.slices.iter().skip(skip).take_while(|slice| slice.second < end);
            if let Some(value) = measure(&signal.name, slices) {
                points.push((self.start + TimeDelta::seconds(start), value / signal.scale));
            }
            start = end;
        }
        points
    }

    /// When the newest point of any signal that can be seen now became visible.
    #[must_use]
    pub fn newest_visible(&self, signals: &[&str], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let second = self.second(now);
        let named = |one: &&Signal| signals.contains(&one.name.as_str());
        let visible = self.environment.signals.iter().filter(named).filter_map(|signal| {
            let period = signal.period.num_seconds();
            let mut start = second.div_euclid(period) * period - period;
            while start + period + lag_s(period, start) > second {
                start -= period;
            }
            (start >= 0).then(|| start + period + lag_s(period, start))
        });
        visible.max().map(|second| self.start + TimeDelta::seconds(second))
    }
}
