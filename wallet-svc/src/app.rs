//! Builds the service from its parts, and takes it down in order.
//!
//! Up: read the keys, start the ledger, bind, serve, become ready. None of it waits for a database,
//! a cache or a broker, so that a task can start in the middle of an outage and recover with it.
//! Down: not ready, wait for the load balancer to notice, close the port, finish the requests, let
//! the lanes and the relay finish, publish the last metrics. Each step has a bound, and all of them
//! together stay below [`SHUTDOWN_MAX`].
//!
//! When a task dies: a connection takes its one request with it; without the probe readiness, and
//! without the publisher CloudWatch, no longer changes, so both take the process down.

use crate::{
    auth::{Authenticator, KeysError},
    cache::{Cache, CacheError},
    clock::Clock,
    cloudwatch::Publisher,
    config::{Config, DbConfig},
    fees::{self, FeesError},
    health::Health,
    http::{self, Edge, Reachable, access_log::AccessLog, envelope::RequestIds},
    metrics::Metrics,
    relay::{self, RelayError},
    server,
    store::{self, Ledger, Mode},
    traffic::Traffic,
    vital::or_abort,
};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{Instant, interval, sleep, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// From the signal to the end. ECS kills after 30 s by default.
pub const SHUTDOWN_MAX: Duration = Duration::from_secs(24);
/// Of that, what is kept for the lanes, the cache and the last metrics,
const LEDGER_DRAIN_MAX: Duration = Duration::from_secs(5);
/// and for the relay. What it leaves in the outbox another task publishes.
const RELAY_DRAIN_MAX: Duration = Duration::from_secs(2);
/// Commands that may wait in one lane: at 1,000 a second the last one waits 2 s.
const QUEUE_PER_LANE_MAX: usize = 2_000;
const PROBE_PERIOD: Duration = Duration::from_secs(1);
/// A task that waits for its first traffic, or to get it back, looks more often.
const PROBE_PERIOD_UNUSABLE: Duration = Duration::from_millis(100);
/// A read that takes longer is none.
const PROBE_MAX: Duration = Duration::from_secs(1);
const KEYS_REFRESH_PERIOD: Duration = Duration::from_secs(60);

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("reading the keys that tokens are verified with")]
    Keys(#[source] KeysError),
    #[error("configuring the cache")]
    Cache(#[source] CacheError),
    #[error("configuring the ledger")]
    Ledger(#[source] store::StartError),
    #[error("reading what payments cost")]
    Fees(#[source] FeesError),
    #[error("configuring the relay")]
    Relay(#[source] RelayError),
    #[error("binding {address}")]
    Bind {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
}

impl AppError {
    /// Whether other settings would help. All of these come up before a port opens.
    #[must_use]
    pub fn is_setting(&self) -> bool {
        match self {
            Self::Keys(_) | Self::Cache(_) | Self::Ledger(_) | Self::Relay(_) | Self::Fees(_) => {
                true
            }
            Self::Bind { .. } => false,
        }
    }
}

/// The shutdown took too long, and what was still running then was given up.
#[derive(Debug, thiserror::Error)]
#[error("{left} tasks were still at work after {SHUTDOWN_MAX:?}")]
pub struct DrainError {
    left: usize,
}

/// The service, bound to its port and not serving yet.
#[derive(Debug)]
pub struct App {
    listener: TcpListener,
    address: SocketAddr,
    edge: Edge,
    config: Config,
    /// Everything but connections and relay; ends when the last request is answered.
    tasks: Group,
    /// Ends after the lanes, to publish what they left.
    relay: Group,
}

/// Tasks that end together.
#[derive(Debug, Default)]
struct Group {
    tracker: TaskTracker,
    end: CancellationToken,
}

impl Group {
    /// Asks the tasks to end and waits for them. False when some had not by `deadline`.
    async fn end_by(&self, deadline: Instant) -> bool {
        self.end.cancel();
        self.tracker.close();
        timeout_at(deadline, self.tracker.wait()).await.is_ok()
    }
}

/// What the store needs of the settings.
#[must_use]
pub fn store_settings(db: &DbConfig, lanes: usize, task_id: &str) -> store::Settings {
    store::Settings {
        writer_url: db.writer_url.clone(),
        reader_url: Some(db.reader_url.clone()),
        password: db.password.expose().to_owned(),
        lanes,
        queue_per_lane_max: QUEUE_PER_LANE_MAX,
        task_id: task_id.to_owned(),
        fees: Arc::default(),
    }
}

impl App {
    /// Starts the parts and binds the port.
    ///
    /// # Errors
    ///
    /// A setting cannot be used, or the port is taken.
    pub async fn build(config: Config, clock: Clock) -> Result<Self, AppError> {
        let (tasks, relay) = (Group::default(), Group::default());
        let Group { tracker, end } = &tasks;
        let auth = Authenticator::open(&config.auth, clock.clone()).map_err(AppError::Keys)?;
        let cache = config.redis_url.as_ref();
        let cache = cache.map(|url| Cache::start(url.expose(), tracker, end.clone()));
        let cache = cache.transpose().map_err(AppError::Cache)?;
        let has_cache = cache.is_some();
        let fees = config.fees_file.as_deref().map(fees::read).transpose();
        let fees = Arc::new(fees.map_err(AppError::Fees)?.unwrap_or_default());
        let settings = store_settings(&config.db, config.lanes, &config.task_id);
        let settings = store::Settings { fees, ..settings };
        let ledger = Ledger::start(&settings, cache, tracker, end).map_err(AppError::Ledger)?;
        store::expiry::start(&ledger, tracker, end.clone());
        let (brokers, topic) = (config.kafka_brokers.clone(), config.kafka_topic.clone());
        let topic = relay::Settings { brokers, topic, login: config.kafka_login.clone() };
        relay::start(&ledger, topic, &relay.tracker, relay.end.clone()).map_err(AppError::Relay)?;

        let bound = async {
            let listener = TcpListener::bind(config.listen).await?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) =
            bound.await.map_err(|source| AppError::Bind { address: config.listen, source })?;
        let counted = ledger.clone();
        let edge = Edge::new(Reachable {
            ledger,
            auth,
            health: Arc::new(Health::default()),
            metrics: Arc::new(Metrics::new(move || counted.stats())),
            traffic: Arc::new(Traffic::default()),
            clock,
            limits: config.limits.clone(),
            task_id: config.task_id.clone(),
            has_cache,
            access_log: AccessLog::new(config.access_log.clone()),
            permits: Semaphore::new(config.limits.requests),
            request_ids: RequestIds::default(),
        });
        Ok(Self { listener, address, edge, config, tasks, relay })
    }

    /// Where the service listens; the port is known even when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then ends in order.
    ///
    /// # Errors
    ///
    /// Something did not end in time.
    pub async fn run(self, stop: CancellationToken) -> Result<(), DrainError> {
        let Self { listener, edge, config, tasks, relay, .. } = self;
        let Group { tracker, end } = &tasks;
        tracker.spawn(or_abort("ledger probe", probe(edge.clone(), end.clone())));
        tracker.spawn(or_abort("key refresh", refresh_keys(edge.clone(), end.clone())));
        tracker.spawn(or_abort("CloudWatch publisher", publisher(&edge, &config).run(end.clone())));

        let closing = CancellationToken::new();
        let router = http::router(edge.clone());
        let (places, metrics) = (config.limits.connections, edge.metrics.clone());
        let serving = server::serve(listener, router, places, metrics, closing.clone());
        let mut serving = tracker.spawn(serving);
        edge.health.start();
        stop.cancelled().await;

        let deadline = Instant::now() + SHUTDOWN_MAX;
        edge.health.drain();
        sleep(config.limits.drain).await;
        closing.cancel();
        let relay_begins = deadline - RELAY_DRAIN_MAX;
        if timeout_at(relay_begins - LEDGER_DRAIN_MAX, &mut serving).await.is_err() {
            tracing::warn!("gave up waiting for clients that do not take their answers");
            serving.abort();
        }
        let drained = tasks.end_by(relay_begins).await;
        if !relay.end_by((Instant::now() + RELAY_DRAIN_MAX).min(deadline)).await {
            tracing::info!("leaves the rest of the outbox to another task");
        }
        if drained { Ok(()) } else { Err(DrainError { left: tasks.tracker.len() }) }
    }
}

fn publisher(edge: &Edge, config: &Config) -> Publisher {
    let counted = edge.ledger.clone();
    Publisher {
        environment: config.environment.clone(),
        config: config.cloudwatch.clone(),
        traffic: edge.traffic.clone(),
        metrics: edge.metrics.clone(),
        clock: edge.clock.clone(),
        stats: Box::new(move || counted.stats()),
    }
}

/// Tells the health what the ledger can do. With the writer gone a reader is asked, for a wallet
/// that cannot be there.
async fn probe(edge: Edge, end: CancellationToken) {
    loop {
        let written = edge.ledger.mode() != Mode::Unreachable;
        let good = written || can_read(&edge.ledger).await;
        edge.health.observe(good);
        let usable = edge.health.ledger().is_usable();
        let period = if usable { PROBE_PERIOD } else { PROBE_PERIOD_UNUSABLE };
        if end.run_until_cancelled(sleep(period)).await.is_none() {
            return;
        }
    }
}

async fn can_read(ledger: &Ledger) -> bool {
    let asked = timeout(PROBE_MAX, ledger.wallet(Uuid::nil())).await;
    asked.is_ok_and(|answer| answer.is_ok())
}

async fn refresh_keys(edge: Edge, end: CancellationToken) {
    let mut ticks = interval(KEYS_REFRESH_PERIOD);
    ticks.reset();
    while end.run_until_cancelled(ticks.tick()).await.is_some() {
        edge.auth.refresh().await;
    }
}
