//! The load balancer before small servers that behave and misbehave.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sandbox::aws::machines::{TargetState, Targets};
use sandbox::balancer::{Balancer, Settings};
use sandbox::poll;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

const LIMIT: Duration = Duration::from_secs(60);

/// A target that says its name, and can be told to fail its health check.
struct Server {
    port: u16,
    ready: Arc<AtomicBool>,
    _stop: DropGuard,
}

async fn server(name: &'static str) -> Server {
    let ready = Arc::new(AtomicBool::new(true));
    let readyz = async |State(ready): State<Arc<AtomicBool>>| match ready.load(Ordering::SeqCst) {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let headers = async |headers: HeaderMap| format!("{headers:?}");
    let routes = Router::new()
        .route("/readyz", get(readyz))
        .route("/name", get(async move || name))
        .route("/echo", post(async |body: Bytes| body))
        .route("/headers", get(headers))
        .route("/hang", get(std::future::pending::<String>))
        .with_state(Arc::clone(&ready));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stop = CancellationToken::new();
    let serving = async move { axum::serve(listener, routes).await };
    TaskTracker::new().spawn(stop.clone().run_until_cancelled_owned(serving));
    Server { port, ready, _stop: stop.drop_guard() }
}

struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl Caller {
    fn new(balancer: &Balancer) -> Caller {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Caller { client, base: format!("http://127.0.0.1:{}", balancer.listener_port()) }
    }

    async fn send(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("x-forwarded-for", "10.9.8.7")
            .body(Full::new(Bytes::copy_from_slice(body)))
            .unwrap();
        let answer: Response<_> = self.client.request(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn get(&self, path: &str) -> (u16, String) {
        self.send("GET", path, b"").await
    }
}

async fn start(answer_limit: Duration) -> Balancer {
    let clock = Arc::new(|| chrono::DateTime::from_timestamp(0x6543_2100, 0).unwrap());
    let settings = Settings {
        check_interval: Duration::from_millis(50),
        answer_limit,
        ..Settings::new(clock)
    };
    Balancer::start(settings).await.unwrap()
}

async fn until_state(balancer: &Balancer, port: u16, state: TargetState) {
    let seen = poll::until("the target's state is seen", LIMIT, || async {
        let health = balancer.health();
        (health.iter().find(|target| target.port == port)?.state == state).then_some(())
    });
    seen.await.unwrap_or_else(|late| panic!("{late}: {state:?} of {:?}", balancer.health()));
}

#[tokio::test]
async fn requests_go_to_healthy_targets_in_turn_and_to_all_when_none_is_healthy() {
    let balancer = start(LIMIT).await;
    let caller = Caller::new(&balancer);
    assert_eq!(caller.get("/name").await.0, 503, "no target");
    let (a, b) = (server("a").await, server("b").await);
    for server in [&a, &b] {
        balancer.register(server.port, "z");
    }
    for server in [&a, &b] {
        until_state(&balancer, server.port, TargetState::Healthy).await;
    }
    let mut names = BTreeSet::new();
    for _ in 0..4 {
        names.insert(caller.get("/name").await.1);
    }
    assert_eq!(names, BTreeSet::from(["a".into(), "b".into()]));

    a.ready.store(false, Ordering::SeqCst);
    until_state(&balancer, a.port, TargetState::Unhealthy).await;
    let health = balancer.health();
    let failure = &health.iter().find(|target| target.port == a.port).unwrap().last_failure;
    assert_eq!(failure.as_deref(), Some("503"));
    for _ in 0..4 {
        assert_eq!(caller.get("/name").await, (200, "b".into()));
    }

    balancer.deregister(b.port, Duration::from_secs(600));
    until_state(&balancer, b.port, TargetState::Draining).await;
    assert_eq!(caller.get("/name").await, (200, "a".into()), "fails open");
    balancer.register(b.port, "z");
    until_state(&balancer, b.port, TargetState::Healthy).await;
    balancer.deregister(b.port, Duration::ZERO);
    assert!(balancer.health().iter().all(|target| target.port != b.port), "drained and gone");
}

#[tokio::test]
async fn bodies_pass_both_ways_and_headers_say_who_asked() {
    let balancer = start(LIMIT).await;
    let (caller, target) = (Caller::new(&balancer), server("a").await);
    balancer.register(target.port, "z");
    let megabyte = vec![b'x'; 1 << 20];
    let (status, body) = caller.send("POST", "/echo", &megabyte).await;
    assert_eq!((status, body.len()), (200, megabyte.len()));
    let (_, headers) = caller.get("/headers").await;
    for expected in
        [r#""x-forwarded-for": "10.9.8.7, 127.0.0.1""#, r#""x-amzn-trace-id": "Root=1-65432100-"#]
    {
        assert!(headers.contains(expected), "{expected} in {headers}");
    }
    assert_eq!(caller.get("/nowhere").await.0, 404);
    let traffic = balancer.take_traffic();
    let counts = (traffic.requests, traffic.target_2xx, traffic.target_4xx, traffic.elb_5xx);
    assert_eq!(counts, (3, 2, 1, 0));
    let times: f64 = traffic.response_seconds.iter().map(|(_, count)| count).sum();
    assert_eq!(times, 3.0);
    assert_eq!(balancer.take_traffic().requests, 0, "taken once");
}

#[tokio::test]
async fn a_late_target_is_504_and_a_dead_one_502() {
    let balancer = start(Duration::from_millis(300)).await;
    let (caller, target) = (Caller::new(&balancer), server("a").await);
    balancer.register(target.port, "z");
    assert_eq!(caller.get("/hang").await.0, 504);
    assert_eq!(caller.get("/name").await.0, 200);
    drop(target);
    // Whether the idle connection or the next one notices: the client is told, not hung.
    poll::until("the target's end is seen", LIMIT, || async {
        (caller.get("/name").await.0 == 502).then_some(())
    })
    .await
    .unwrap();
    assert!(balancer.take_traffic().elb_5xx >= 2);
}

#[tokio::test]
async fn a_request_whose_connection_breaks_is_sent_once_and_answered_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let posts = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&posts);
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let breaking = async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4];
            if stream.read_exact(&mut head).await.is_ok() && &head == b"POST" {
                seen.fetch_add(1, Ordering::SeqCst);
            }
        }
    };
    TaskTracker::new().spawn(stop.run_until_cancelled_owned(breaking));
    let balancer = start(LIMIT).await;
    balancer.register(port, "z");
    let caller = Caller::new(&balancer);
    assert_eq!(caller.send("POST", "/deposit", b"{}").await.0, 502);
    assert_eq!(posts.load(Ordering::SeqCst), 1);
}
