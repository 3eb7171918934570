//! A daemon that speaks the control API's stream from prepared data, or is at fault on purpose.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::{StreamExt, stream};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpListener, runtime::Runtime};

/// A snapshot as the daemon sends it.
const SNAPSHOT: &str = include_str!("snapshot.json");

pub(crate) struct Daemon {
    runtime: Option<Runtime>,
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Daemon {
    /// Streams one snapshot and then stays silent and open.
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap())
    }

    pub(crate) fn start_at(address: SocketAddr) -> Self {
        Self::serve(address, |headers| {
            if headers.get("authorization").is_none_or(|value| value != "Bearer good") {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            let data: String = SNAPSHOT.split_whitespace().collect::<Vec<_>>().join(" ");
            let first = format!("event: snapshot\nid: 41\ndata: {data}\n\n");
            let open = stream::once(async { Ok::<_, std::io::Error>(first) });
            let body = Body::from_stream(open.chain(stream::pending()));
            ([("content-type", "text/event-stream")], body).into_response()
        })
    }

    /// Accepts connections and never answers.
    pub(crate) fn hung() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.handle().spawn(async move {
            let mut open = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                open.push(socket);
            }
        });
        Self { runtime: Some(runtime), address, asked: Arc::default() }
    }

    fn serve(address: SocketAddr, answer: fn(HeaderMap) -> Response) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let route = get(move |headers: HeaderMap| async move {
            count.fetch_add(1, Ordering::SeqCst);
            answer(headers)
        });
        let router = Router::new().route("/v1/stream", route);
        runtime.handle().spawn(async move { axum::serve(listener, router).await });
        Self { runtime: Some(runtime), address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often the stream was asked for.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Dies, and says where it was.
    pub(crate) fn stop(mut self) -> SocketAddr {
        self.runtime.take().unwrap().shutdown_background();
        self.address
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
