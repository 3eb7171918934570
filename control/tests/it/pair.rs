//! Two real daemons on one journal: one leads, one stands by, whatever is done to the leader.

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse};
use control::http;
use nix::sys::signal::Signal;
use reqwest::Client;
use sandbox::{
    child::{Child, Exit, Program},
    data::mariadb::{Options, Server},
    poll,
};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// For what has no limit of its own, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);
/// A leader that dies is followed within this.
const TAKEOVER_MAX: Duration = Duration::from_secs(20);
/// A lease that is known to be free is taken at the next look, once a second.
const AT_ONCE: Duration = Duration::from_secs(5);

/// An AWS that knows nothing, takes messages if told to, and remembers every one of them.
#[derive(Clone, Default)]
struct Region {
    takes_messages: Arc<AtomicBool>,
    messages: Arc<Mutex<Vec<String>>>,
}

impl Region {
    async fn start(tracker: &TaskTracker, stop: &CancellationToken) -> (Self, String) {
        let region = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(region.clone());
        let serving = axum::serve(listener, router);
        let serving = serving.with_graceful_shutdown(stop.clone().cancelled_owned());
        tracker.spawn(serving.into_future());
        (region, url)
    }

    fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap().clone()
    }
}

async fn answer(State(region): State<Region>, body: String) -> impl IntoResponse {
    if !body.contains("Action=Publish") {
        return (StatusCode::BAD_REQUEST, "not part of this test");
    }
    region.messages.lock().unwrap().push(body);
    if region.takes_messages.load(Ordering::SeqCst) {
        let taken = "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult>\
                     </PublishResponse>";
        (StatusCode::OK, taken)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "later")
    }
}

/// A journal and the files that every daemon on it is given.
struct Stage {
    folder: TempDir,
    journal: String,
    environment: BTreeMap<String, String>,
    tracker: TaskTracker,
    stop: CancellationToken,
    http: Client,
}

/// One daemon with a region of its own, so that its calls are told from another one's.
struct Daemon {
    child: Child,
    region: Region,
    url: String,
    log: PathBuf,
}

impl Stage {
    fn new(journal: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let prices = project.join("prices/sa-east-1.yaml").canonicalize().unwrap();
        let text = std::fs::read_to_string(project.join("environments/local.yaml")).unwrap();
        // A region that knows nothing is paged about at once.
        let text = text
            .replace("../prices/sa-east-1.yaml", &prices.display().to_string())
            .replace("{ no_data: requests }, for: 60s", "{ no_data: requests }, for: 0s");
        std::fs::write(folder.path().join("local.yaml"), text).unwrap();
        Self {
            journal: journal(folder.path()),
            folder,
            environment: BTreeMap::new(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            http: http::client(Duration::from_secs(5)).build().unwrap(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    async fn daemon(&self, name: &str) -> Daemon {
        let (region, endpoint) = Region::start(&self.tracker, &self.stop).await;
        let log = self.folder.path().join(format!("{name}.log"));
        let mut program = Program::new(env!("CARGO_BIN_EXE_control"), &log).args([
            "serve".to_owned(),
            "--environment".to_owned(),
            self.path("local.yaml"),
            "--journal".to_owned(),
            self.journal.clone(),
            "--listen".to_owned(),
            "127.0.0.1:0".to_owned(),
            "--address-file".to_owned(),
            self.path(&format!("{name}.address")),
        ]);
        program.environment = self.environment.clone();
        for (key, value) in [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_REGION", "sa-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("HOSTNAME", name),
        ] {
            program.environment.insert(key.to_owned(), value.to_owned());
        }
        let child = Child::start(&program).unwrap();
        let address = self.path(&format!("{name}.address"));
        let url = poll::until("it has an address", PATIENCE, || async {
            assert!(child.exited().is_none(), "{}", std::fs::read_to_string(&log).unwrap());
            let text = std::fs::read_to_string(&address).ok()?;
            text.ends_with('\n').then(|| text.trim().to_owned())
        });
        let url = url.await.unwrap();
        Daemon { child, region, url, log }
    }

    async fn ready(&self, daemon: &Daemon) -> Option<Value> {
        let answer = self.http.get(format!("{}/readyz", daemon.url)).send().await.ok()?;
        answer.json().await.ok()
    }

    /// Waits until the daemon leads with this epoch; returns how long that took.
    async fn leads(&self, daemon: &Daemon, epoch: u64, limit: Duration) -> Duration {
        let from = Instant::now();
        let led = poll::until("it leads", limit, || async {
            (self.ready(daemon).await?["epoch"] == epoch).then_some(())
        });
        led.await.unwrap_or_else(|error| panic!("{error}: {}", daemon.log()));
        from.elapsed()
    }

    /// Waits until the daemon stands by, and says behind whom.
    async fn follows(&self, daemon: &Daemon) -> String {
        let follows = poll::until("it stands by", PATIENCE, || async {
            Some(self.ready(daemon).await?["leader"].as_str()?.to_owned())
        });
        follows.await.unwrap()
    }

    /// Freezes a leader, outside of a commit: one frozen within it keeps `SQLite`'s write lock.
    async fn freeze(&self, daemon: &Daemon) {
        let frozen = poll::until("it is frozen outside of a commit", PATIENCE, || async {
            daemon.child.signal(Signal::SIGSTOP);
            if self.journal.starts_with("mysql://") {
                return Some(());
            }
            let file = format!("sqlite://{}", self.journal);
            let mut connection = SqliteConnection::connect(&file).await.unwrap();
            let free = sqlx::raw_sql("PRAGMA busy_timeout = 100; BEGIN IMMEDIATE; ROLLBACK")
                .execute(&mut connection)
                .await;
            if free.is_err() {
                daemon.child.signal(Signal::SIGCONT);
            }
            free.ok().map(|_| ())
        });
        frozen.await.unwrap();
    }

    async fn audit(&self, arguments: &[&str]) -> String {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_control"));
        command.arg("audit").args(arguments).arg(&self.journal).env_clear();
        let output = command.envs(&self.environment).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Daemon {
    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Trap 5, with real processes.
async fn a_frozen_leader_is_followed_and_wakes_powerless(stage: &Stage) {
    let first = stage.daemon("first").await;
    stage.leads(&first, 1, PATIENCE).await;
    let health = stage.ready(&first).await.unwrap();
    assert!(health["lease_age_ms"].as_u64().is_some_and(|age| age < 15_000), "{health}");
    let second = stage.daemon("second").await;
    assert!(stage.follows(&second).await.starts_with("first/"), "it names who leads");
    let health = stage.ready(&second).await.unwrap();
    assert_eq!((&health["standby"], &health["epoch"]), (&Value::Bool(true), &Value::Null));
    let alive = stage.http.get(format!("{}/healthz", second.url)).send().await.unwrap();
    assert_eq!(alive.status(), 200);
    let ready = stage.http.get(format!("{}/readyz", second.url)).send().await.unwrap();
    assert_eq!(ready.status(), 503);

    // The leader is in the middle of something: its message does not get through.
    let tried = poll::until("the leader tries to page", PATIENCE, || async {
        (!first.region.messages().is_empty()).then_some(())
    });
    tried.await.unwrap();
    assert_eq!(second.region.messages(), [] as [&str; 0], "the standby touches nothing");
    stage.freeze(&first).await;
    second.region.takes_messages.store(true, Ordering::SeqCst);
    let took = stage.leads(&second, 2, TAKEOVER_MAX).await;
    assert!(took > Duration::from_secs(10), "a lease that may be held was taken: {took:?}");
    let paged = poll::until("the new leader pages", PATIENCE, || async {
        (!second.region.messages().is_empty()).then_some(())
    });
    paged.await.unwrap();

    let sent = first.region.messages().len();
    first.child.signal(Signal::SIGCONT);
    let ended = tokio::time::timeout(PATIENCE, first.child.wait()).await;
    assert_eq!(ended.expect("it ends by itself"), Exit::Code(1), "{}", first.log());
    assert!(first.log().contains("another process took the journal over"), "{}", first.log());
    assert_eq!(first.region.messages().len(), sent, "no further call: {}", first.log());

    // What was being done is finished, once.
    let mut messages = second.region.messages();
    messages.sort();
    let all = messages.len();
    messages.dedup();
    assert_eq!(messages.len(), all, "each message once");
    assert!(stage.audit(&["verify"]).await.starts_with("intact"), "and the journal has no gap");

    // A lease that was given back is taken at once, and so is one whose holder was killed here.
    assert_eq!(second.child.stop(PATIENCE).await, Exit::Code(0), "{}", second.log());
    let third = stage.daemon("third").await;
    stage.leads(&third, 3, AT_ONCE).await;
    let fourth = stage.daemon("fourth").await;
    stage.follows(&fourth).await;
    third.child.signal(Signal::SIGKILL);
    let file = !stage.journal.starts_with("mysql://");
    stage.leads(&fourth, 4, if file { AT_ONCE } else { TAKEOVER_MAX }).await;
    assert_eq!(fourth.child.stop(PATIENCE).await, Exit::Code(0), "{}", fourth.log());
    stage.stop.cancel();
}

/// Trap 12: nothing that control manages answers, and control does not need it to.
#[tokio::test]
async fn with_aurora_redis_and_kafka_gone_the_daemon_records_answers_and_pages() {
    let stage = Stage::new(|folder| folder.join("journal.db").display().to_string());
    let daemon = stage.daemon("only").await;
    daemon.region.takes_messages.store(true, Ordering::SeqCst);
    stage.leads(&daemon, 1, PATIENCE).await;
    let recorded = poll::until("the page is recorded as accepted", PATIENCE, || async {
        let lines = stage.audit(&["export"]).await;
        lines.contains("delivery.accepted").then_some(lines)
    });
    assert!(recorded.await.unwrap().contains("alert.firing"));
    assert!(!daemon.region.messages().is_empty());
    let answer = stage.http.get(format!("{}/v1/environments", daemon.url)).send().await.unwrap();
    assert_eq!(answer.status(), 401, "the API answers, and lets nobody in without a token");
    assert_eq!(daemon.child.stop(PATIENCE).await, Exit::Code(0), "{}", daemon.log());
    stage.stop.cancel();
}

#[tokio::test]
async fn a_hang_up_makes_a_daemon_read_its_files_again_and_keep_going_when_they_are_wrong() {
    let stage = Stage::new(|folder| folder.join("journal.db").display().to_string());
    let daemon = stage.daemon("only").await;
    stage.leads(&daemon, 1, PATIENCE).await;
    let good = std::fs::read_to_string(stage.path("local.yaml")).unwrap();
    for (text, kind) in [
        (good.replace("mode: act", "mode: observed"), "config.refused"),
        (good.replace("mode: act", "mode: observe"), "config.loaded"),
    ] {
        std::fs::write(stage.path("local.yaml"), text).unwrap();
        daemon.child.signal(Signal::SIGHUP);
        let told = poll::until("it says what came of it", PATIENCE, || async {
            let lines = stage.audit(&["export"]).await;
            let last = lines.lines().rfind(|line| line.contains("\"config."))?.to_owned();
            last.contains(kind).then_some(last)
        });
        let told = told.await.unwrap();
        assert_eq!(told.contains("local.yaml:5: mode"), kind == "config.refused", "{told}");
        let fired = poll::until("people are told of it", PATIENCE, || async {
            let lines = stage.audit(&["export"]).await;
            let mut fired = lines.lines().filter(|line| line.contains("\"alert.firing\""));
            fired.any(|line| line.contains("configuration-refused")).then_some(())
        });
        fired.await.unwrap();
    }
    assert_eq!(daemon.child.stop(PATIENCE).await, Exit::Code(0), "{}", daemon.log());
    stage.stop.cancel();
}

#[tokio::test]
async fn a_frozen_leader_is_followed_and_wakes_powerless_on_a_file() {
    let stage = Stage::new(|folder| folder.join("journal.db").display().to_string());
    a_frozen_leader_is_followed_and_wakes_powerless(&stage).await;
}

#[tokio::test]
async fn a_frozen_leader_is_followed_and_wakes_powerless_on_mariadb() {
    let server = Server::start(Options::default()).await.unwrap();
    let mut stage = Stage::new(|_| server.url_without_password());
    let password = stage.path("password");
    std::fs::write(&password, format!("{}\n", server.password)).unwrap();
    stage.environment.insert("CONTROL_JOURNAL_PASSWORD_FILE".to_owned(), password);
    a_frozen_leader_is_followed_and_wakes_powerless(&stage).await;
    for name in ["first", "second", "third", "fourth"] {
        let log = std::fs::read_to_string(stage.path(&format!("{name}.log"))).unwrap();
        assert!(!log.contains(&server.password), "{log}");
    }
}
