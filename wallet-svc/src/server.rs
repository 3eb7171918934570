//! Accepts connections and speaks HTTP/1.1 on them, within bounds, until told to stop.
//!
//! Our own loop and not `axum::serve`, for three things that it lacks: a bound on connections, a
//! limit on how long a client may take for a head, and tasks that the shutdown waits for.

use crate::metrics::Metrics;
use axum::Router;
use futures::FutureExt;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use prometheus_client::metrics::gauge::Gauge;
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Also how long a connection may be idle. Longer than the 60 s after which a load balancer drops
/// its idle connections: were we first, it could send a request into a closed one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Out of file descriptors, say: time for some to be closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` on `listener` until `stop`; then closes the port, and each connection after the
/// answer that it waits for. Returns when the last one is closed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(connections_max));
    let connections = TaskTracker::new();
    let open = |stream: TcpStream, place: OwnedSemaphorePermit| {
        let connection = connection(stream, router.clone(), stop.clone());
        let count = Counted::new(metrics.clone(), place);
        connections.spawn(async move {
            connection.await;
            drop(count);
        });
    };
    while let Some((accepted, place)) = next(&listener, &places, &stop).await {
        match accepted {
            Ok(stream) => open(stream, place),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // Who already waits in the backlog would see a reset; they get their answer first.
    while let Ok(place) = places.clone().try_acquire_owned() {
        let Some(Ok((stream, _))) = listener.accept().now_or_never() else { break };
        open(stream, place);
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection with its place, or `None` when it is time to stop.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(io::Result<TcpStream>, OwnedSemaphorePermit)> {
    let accept = async {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        (listener.accept().await.map(|(stream, _)| stream), place)
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        accepted = accept => Some(accepted),
    }
}

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    // An answer is one small write; holding it back for more would cost 40 ms.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut http = pin!(http);
    // An error here is a client's: it hung up, was too slow, or spoke no HTTP.
    let _ended = tokio::select! {
        ended = http.as_mut() => ended,
        () = stop.cancelled() => {
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
}

/// A place among the connections, shown in the metrics while it is taken.
struct Counted {
    gauge: Gauge,
    _place: OwnedSemaphorePermit,
}

impl Counted {
    fn new(metrics: Arc<Metrics>, place: OwnedSemaphorePermit) -> Self {
        metrics.connections.inc();
        Self { gauge: metrics.connections.clone(), _place: place }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}
