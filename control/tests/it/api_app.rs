//! The API on a loopback port, over a real journal and an AWS that is a value.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use control::{
    alert::Alerts,
    api::{
        self, Api, Streams, Trust,
        identity::{Identities, Policy},
    },
    app::{App, Live},
    aws::{
        Answer, CallError, Change, Cloud, Completeness, Datum, MetricQuery, Metrics, Receipt,
        Series,
    },
    concern::Concerns,
    config::read_environments,
    cost::bill::BilledDay,
    current::Current,
    driver::{Clock, Driver},
    fleet,
    hold::{Floors, Freezes, Holds},
    http,
    intent::Intents,
    journal::Journal,
    listen,
    runbook::{self, library::Library},
};
use protocol::control::{PlanRequest, PlanView, RunView};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// AWS: a cluster that fails over at once, and remembers how often it was asked to.
#[derive(Default)]
pub(crate) struct Cluster {
    pub(crate) writer: Mutex<Option<String>>,
    pub(crate) failovers: Mutex<Vec<String>>,
    /// Refuses to, as AWS does when something else is going on.
    pub(crate) refuses: AtomicBool,
}

/// A daemon without its loops: journal, engine and API.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) api: Api,
    /// Of the environment `local`; nothing evaluates them but the test.
    pub(crate) alerts: Arc<Alerts>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) url: String,
    http: Client,
    /// Names each request of the test.
    requests: AtomicU64,
    stop: CancellationToken,
    setup: Setup,
}

/// `(name, role)` of the tokens; each token is its name with `-secret`.
pub(crate) const HOLDERS: [(&str, &str); 7] = [
    ("eye", "viewer"),
    ("ana", "operator"),
    ("bob", "approver"),
    ("eva", "approver"),
    ("root", "admin"),
    ("glass", "operator"),
    ("far", "admin"),
];

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a daemon is started with, and what outlives it.
#[derive(Clone)]
pub(crate) struct Setup {
    folder: Arc<TempDir>,
    cluster: Arc<Cluster>,
    /// A line of the environment file: `tier: local`.
    tier: &'static str,
    identity: Option<Policy>,
    streams: Streams,
    began: Instant,
    /// How far the clock was set forward.
    ahead_s: Arc<AtomicI64>,
}

impl Setup {
    pub(crate) fn new(tier: &'static str) -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            cluster: Arc::default(),
            tier,
            identity: None,
            streams: Streams::default(),
            began: Instant::now(),
            ahead_s: Arc::default(),
        }
    }

    /// As it is, and trusting an identity provider.
    pub(crate) fn trusting(self, policy: Policy) -> Self {
        Self { identity: Some(policy), ..self }
    }

    fn clock(&self) -> Clock {
        let (began, ahead_s) = (self.began, self.ahead_s.clone());
        Arc::new(move || {
            let elapsed = TimeDelta::from_std(began.elapsed()).unwrap();
            let ahead = TimeDelta::seconds(ahead_s.load(Ordering::Relaxed));
            DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000) + elapsed + ahead
        })
    }
}

impl TestApp {
    /// A new daemon with an empty journal, in an environment of tier local.
    pub(crate) async fn start() -> Self {
        Self::start_with(Setup::new("tier: local")).await
    }

    /// As `start`, with streams whose clients must read.
    pub(crate) async fn start_impatient(take_max: Duration) -> Self {
        let streams = Streams::patient(take_max);
        Self::start_with(Setup { streams, ..Setup::new("tier: local") }).await
    }

    /// As `start`, in an environment whose tier asks for an approval.
    pub(crate) async fn start_in_staging() -> Self {
        Self::start_with(Setup::new("tier: staging")).await
    }

    /// Ends this daemon and starts another one on the same journal and the same AWS.
    pub(crate) async fn restart(self) -> Self {
        self.stop.cancel();
        self.app.tracker.close();
        self.app.tracker.wait().await;
        Self::start_with(self.setup.clone()).await
    }

    /// Sets the clock forward.
    pub(crate) fn skip(&self, seconds: i64) {
        self.setup.ahead_s.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) async fn start_with(setup: Setup) -> Self {
        let clock = setup.clock();
        let (folder, cluster) = (setup.folder.clone(), setup.cluster.clone());
        let journal = folder.path().join("journal.db");
        let journal = Journal::open(&journal, clock.clone()).await.unwrap();
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let cloud: Arc<dyn Cloud> = cluster.clone();
        let live = live(&folder, setup.tier, clock());
        let app = App {
            clock: clock.clone(),
            journal: journal.clone(),
            cloud: cloud.clone(),
            intents: Intents::new(journal.clone(), cloud),
            holds: Holds::recover(journal.clone()).await.unwrap(),
            floors: Floors::recover(journal.clone()).await.unwrap(),
            freezes: Freezes::recover(journal).await.unwrap(),
            concerns: Concerns::default(),
            driver: Driver::new(clock, tracker.clone(), stop.clone()),
            metrics: Arc::default(),
            environments: BTreeMap::from([("local".to_owned(), Arc::new(live))]),
            tracker: tracker.clone(),
            stop: stop.clone(),
        };
        let library = Library::load(&project("../runbooks")).unwrap();
        let engine = runbook::start(&app, library, None).await.unwrap();
        let tokens = api::tokens("tokens.yaml", &tokens_file()).unwrap();
        let identities = setup.identity.clone().map(|policy| Identities::new(policy).unwrap());
        let trust = Trust { tokens: Current::new(tokens), identities: Current::new(identities) };
        let local = app.environments["local"].clone();
        let alerts = Alerts::recover(local, app.journal.clone(), app.cloud.clone(), Arc::default());
        let alerts = Arc::new(alerts.await.unwrap());
        let by_name = BTreeMap::from([("local".to_owned(), alerts.clone())]);
        let recovered = Api::recover(app.clone(), engine, by_name, trust).await;
        let mut api = recovered.unwrap();
        api.streams = setup.streams.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = api::router(&api);
        tracker.spawn(listen::serve(listener, None, router, stop.clone()));
        let http = http::client(Duration::from_secs(30)).build().unwrap();
        let requests = AtomicU64::default();
        Self { app, api, alerts, cluster, url, http, requests, stop, setup }
    }

    /// A request as one of [`HOLDERS`], or as nobody.
    pub(crate) fn request(&self, who: &str, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        if who.is_empty() { request } else { request.bearer_auth(format!("{who}-secret")) }
    }

    /// A request with any token.
    pub(crate) fn bearing(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(token)
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Response {
        self.request(who, Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, who: &str, path: &str, body: &Value) -> Response {
        let key = self.requests.fetch_add(1, Ordering::Relaxed);
        self.post_as(who, path, body, &format!("key-{key}")).await
    }

    /// As `post`, under a key of the caller's choice.
    pub(crate) async fn post_as(&self, who: &str, path: &str, body: &Value, key: &str) -> Response {
        let request = self.request(who, Method::POST, path).json(body);
        request.header("Idempotency-Key", key).send().await.unwrap()
    }

    pub(crate) async fn plan(&self) -> PlanView {
        let body = PlanRequest {
            environment: "local".to_owned(),
            runbook: "aurora-writer-failover".to_owned(),
            drill: false,
            params: BTreeMap::new(),
        };
        let body = serde_json::to_value(body).unwrap();
        let response = self.post("ana", "/v1/runs:plan", &body).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    /// Plans and starts the failover runbook as ana.
    pub(crate) async fn start_run(&self) -> RunView {
        let plan = self.plan().await;
        assert!(plan.blockers.is_empty(), "{:?}", plan.blockers);
        let body = json!({ "plan_hash": plan.hash, "reason": "a test" });
        let response = self.post("ana", "/v1/runs", &body).await;
        assert_eq!(response.status(), 201, "{:?}", response.text().await);
        response.json().await.unwrap()
    }

    pub(crate) async fn run(&self, id: &str) -> RunView {
        self.get("eye", &format!("/v1/runs/{id}")).await.json().await.unwrap()
    }

    /// Looks until the run is as wanted, at most 30 s.
    pub(crate) async fn run_until(&self, id: &str, wanted: impl Fn(&RunView) -> bool) -> RunView {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let run = self.run(id).await;
            if wanted(&run) {
                return run;
            }
            assert!(Instant::now() < deadline, "{run:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The journal's events of these kinds.
    pub(crate) async fn events(&self, prefix: &str) -> Vec<control::journal::Event> {
        let events = self.app.journal.since(0, 1_000).await.unwrap();
        events.into_iter().filter(|event| event.kind.starts_with(prefix)).collect()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn tokens_file() -> String {
    let lines = HOLDERS.iter().map(|(name, role)| {
        let hash = hex::encode(Sha256::digest(format!("{name}-secret")));
        let more = match *name {
            "glass" => ", break_glass: true",
            "far" => ", environments: [elsewhere]",
            _ => "",
        };
        format!("- {{ name: {name}, role: {role}, sha256: {hash}{more} }}\n")
    });
    lines.collect()
}

/// The repository's own environment, in another tier if asked for.
fn live(folder: &TempDir, tier: &str, now: DateTime<Utc>) -> Live {
    let prices = project("prices/sa-east-1.yaml").canonicalize().unwrap();
    let text = std::fs::read_to_string(project("environments/local.yaml")).unwrap();
    let text = text
        .replace("../prices/sa-east-1.yaml", &prices.display().to_string())
        .replace("tier: local", tier);
    let file = folder.path().join("local.yaml");
    std::fs::write(&file, text).unwrap();
    let wanted = read_environments(&[file]).unwrap().remove(0);
    Live::new(wanted, now)
}

fn refused<'a, T: Send + 'a>(doing: &str) -> Answer<'a, T> {
    let error = CallError::Rejected {
        doing: doing.to_owned(),
        code: "AccessDenied".to_owned(),
        message: "not part of this test".to_owned(),
    };
    Box::pin(async move { Err(error) })
}

impl Cloud for Cluster {
    fn database<'a>(&'a self, cluster: &'a str) -> Answer<'a, fleet::Database> {
        let writer = self.writer.lock().unwrap().clone();
        let writer = writer.unwrap_or_else(|| "wallet-local-1".to_owned());
        let instances = (0..3).map(|index| {
            let id = format!("wallet-local-{}", index + 1);
            fleet::DatabaseInstance {
                zone: "sa-east-1a".to_owned(),
                status: "available".to_owned(),
                writer: id == writer,
                promotion_tier: index,
                class: "db.r6g.large".to_owned(),
                id,
            }
        });
        let database = fleet::Database {
            cluster: cluster.to_owned(),
            status: "available".to_owned(),
            writer_endpoint: "127.0.0.1".to_owned(),
            reader_endpoint: "127.0.0.1".to_owned(),
            port: 3306,
            instances: instances.collect(),
        };
        Box::pin(async move { Ok(database) })
    }

    fn metrics<'a>(
        &'a self,
        queries: &'a [MetricQuery],
        _: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Answer<'a, Metrics> {
        let series = queries.iter().map(|query| Series {
            id: query.id.clone(),
            completeness: Completeness::Complete,
            points: vec![(to - TimeDelta::seconds(60), 3.0)],
        });
        let metrics = Metrics { series: series.collect(), server_time: Some(to) };
        Box::pin(async move { Ok(metrics) })
    }

    fn publish_metrics<'a>(&'a self, _: &'a str, _: &'a [Datum]) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn change<'a>(&'a self, change: &'a Change) -> Answer<'a, Receipt> {
        let Change::FailoverDatabase { target, .. } = change else { return refused("changing") };
        if self.refuses.load(Ordering::Relaxed) {
            return refused("failing over");
        }
        self.failovers.lock().unwrap().push(target.clone());
        *self.writer.lock().unwrap() = Some(target.clone());
        Box::pin(async { Ok(Receipt("failing over".to_owned())) })
    }

    fn service<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, fleet::Service> {
        refused("reading the service")
    }

    fn scaling<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<fleet::Scaling>> {
        refused("reading the scaling")
    }

    fn readers<'a>(&'a self, _: &'a str) -> Answer<'a, Option<fleet::Scaling>> {
        refused("reading the readers' scaling")
    }

    fn targets<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<fleet::Target>> {
        refused("reading the targets")
    }

    fn entrance<'a>(&'a self, _: &'a str) -> Answer<'a, String> {
        refused("finding the load balancer")
    }

    fn cache<'a>(&'a self, _: &'a str) -> Answer<'a, fleet::Cache> {
        refused("reading the cache")
    }

    fn broker<'a>(&'a self, _: &'a str) -> Answer<'a, fleet::Broker> {
        refused("reading the broker")
    }

    fn bill<'a>(&'a self, _: &'a str, _: NaiveDate, _: NaiveDate) -> Answer<'a, Vec<BilledDay>> {
        refused("reading the bill")
    }
}
