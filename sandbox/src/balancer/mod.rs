//! The region's load balancer: forwards HTTP to healthy targets in turn, and measures as an ALB.
//!
//! One listener, one target group, no TLS, no rules. On the path of every request of a load test,
//! so nothing is logged or locked for long there.

mod check;
mod proxy;
mod target;
mod traffic;

pub use target::Thresholds;

use crate::aws::Clock;
use crate::aws::machines::{TargetHealth, TargetState, Targets, Traffic};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use target::{Health, Target};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use traffic::Meter;

/// Client connections at once; the rest wait in the listen queue.
const CONNECTIONS_MAX: usize = 4_096;

/// How the balancer behaves; the defaults are those of the region.
#[derive(Clone)]
pub struct Settings {
    /// Path of the health check; 200 passes.
    pub check_path: String,
    pub check_interval: Duration,
    pub check_limit: Duration,
    pub thresholds: Thresholds,
    /// How long a target may take to begin its answer: ALB's idle timeout.
    pub answer_limit: Duration,
    pub clock: Clock,
}

impl Settings {
    /// The region's settings.
    #[must_use]
    pub fn new(clock: Clock) -> Settings {
        Settings {
            check_path: "/readyz".into(),
            check_interval: Duration::from_secs(1),
            check_limit: Duration::from_secs(2),
            thresholds: Thresholds { healthy: 2, unhealthy: 2 },
            answer_limit: Duration::from_secs(60),
            clock,
        }
    }
}

/// A listening balancer. Dropping it closes the port and every connection.
pub struct Balancer {
    port: u16,
    shared: Arc<Shared>,
}

/// What requests, checks and the handle share.
struct Shared {
    settings: Settings,
    targets: RwLock<Vec<Arc<Target>>>,
    /// Those that take requests, worked out when a verdict changes and not per request.
    open: RwLock<Arc<[Arc<Target>]>>,
    turn: AtomicUsize,
    meter: Meter,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Balancer {
    /// Listens on a free port, without targets.
    ///
    /// # Errors
    ///
    /// No free port.
    pub async fn start(settings: Settings) -> io::Result<Balancer> {
        let (port, listener) = crate::port::listen()?;
        let listener = TcpListener::from_std(listener)?;
        let shared = Arc::new(Shared {
            settings,
            targets: RwLock::default(),
            open: RwLock::new(Arc::from([])),
            turn: AtomicUsize::new(0),
            meter: Meter::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        let (accepting, checking) = (Arc::clone(&shared), Arc::clone(&shared));
        let stopped = || shared.stop.clone();
        shared.tasks.spawn(stopped().run_until_cancelled_owned(accept(listener, accepting)));
        shared.tasks.spawn(stopped().run_until_cancelled_owned(check::run(checking)));
        Ok(Balancer { port, shared })
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl Shared {
    /// The next target in turn.
    fn next_target(&self) -> Option<Arc<Target>> {
        let open = Arc::clone(&self.open.read().unwrap_or_else(PoisonError::into_inner));
        if open.is_empty() {
            return None;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        Some(Arc::clone(&open[turn % open.len()]))
    }

    /// Forgets drained targets and works out who takes requests: the healthy ones or, when there
    /// is none, everybody, as an ALB fails open.
    fn refresh(&self, now: Instant) {
        let mut targets = self.targets.write().unwrap_or_else(PoisonError::into_inner);
        targets.retain(|target| {
            let gone_at = target.gone_at.lock().unwrap_or_else(PoisonError::into_inner);
            gone_at.is_none_or(|gone_at| gone_at > now)
        });
        let in_state = |wanted: &[TargetState]| -> Arc<[Arc<Target>]> {
            let fit = targets.iter().filter(|target| wanted.contains(&target.health().state));
            fit.cloned().collect()
        };
        let healthy = in_state(&[TargetState::Healthy]);
        let open = if healthy.is_empty() {
            in_state(&[TargetState::Initial, TargetState::Unhealthy])
        } else {
            healthy
        };
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = open;
    }

    fn target(&self, port: u16) -> Option<Arc<Target>> {
        let targets = self.targets.read().unwrap_or_else(PoisonError::into_inner);
        targets.iter().find(|target| target.port == port).cloned()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("is never closed");
        let (stream, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, or a client that left already: neither ends the listener.
                tracing::warn!(%error, "accepting a connection");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let serving = serve(stream, client.ip(), Arc::clone(&shared));
        shared.tasks.spawn(shared.stop.clone().run_until_cancelled_owned(async move {
            // A broken connection is the client's affair; its requests were counted.
            let _ = serving.await;
            drop(place);
        }));
    }
}

async fn serve(stream: TcpStream, client: IpAddr, shared: Arc<Shared>) -> hyper::Result<()> {
    // Without it answers wait 40 ms for an acknowledgement; a refusal means the client has left.
    let _ = stream.set_nodelay(true);
    let idle_limit = shared.settings.answer_limit;
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(proxy::forward(&shared, client, request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_limit)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

impl Targets for Balancer {
    fn listener_port(&self) -> u16 {
        self.port
    }

    fn register(&self, port: u16, zone: &str) {
        if let Some(known) = self.shared.target(port) {
            let mut gone_at = known.gone_at.lock().unwrap_or_else(PoisonError::into_inner);
            if gone_at.take().is_some() {
                *known.health.lock().unwrap_or_else(PoisonError::into_inner) = Health::initial();
            }
        } else {
            let target = Arc::new(Target::new(port, zone));
            let targets = &self.shared.targets;
            targets.write().unwrap_or_else(PoisonError::into_inner).push(target);
        }
        self.shared.refresh(Instant::now());
    }

    fn deregister(&self, port: u16, delay: Duration) {
        if let Some(target) = self.shared.target(port) {
            let mut gone_at = target.gone_at.lock().unwrap_or_else(PoisonError::into_inner);
            gone_at.get_or_insert(Instant::now() + delay);
            let mut health = target.health.lock().unwrap_or_else(PoisonError::into_inner);
            health.state = TargetState::Draining;
        }
        self.shared.refresh(Instant::now());
    }

    fn health(&self) -> Vec<TargetHealth> {
        self.shared.refresh(Instant::now());
        let targets = self.shared.targets.read().unwrap_or_else(PoisonError::into_inner);
        let seen = targets.iter().map(|target| {
            let health = target.health();
            TargetHealth {
                port: target.port,
                zone: target.zone.clone(),
                state: health.state,
                last_failure: health.failure,
            }
        });
        seen.collect()
    }

    fn take_traffic(&self) -> Traffic {
        self.shared.meter.take()
    }
}
