//! The programs of the demonstration: a region, the daemon, the load and, in a terminal, the
//! dashboard.

use super::{Options, http::Api};
use crate::{
    Sandbox,
    child::{Child, Program},
    program, up,
};
use anyhow::Context;
use nix::sys::signal::Signal;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::Instant;

/// The daemon opens its journal and reads its files.
const CONTROL_WITHIN: Duration = Duration::from_secs(30);
/// The load opens its wallets first.
const LOAD_WITHIN: Duration = Duration::from_secs(120);
/// Settling (60 s) and auditing (60 s for the topic), and some reserve.
const REPORT_WITHIN: Duration = Duration::from_secs(180);
const DRILL_WITHIN: Duration = Duration::from_secs(300);
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// What the load says when the wallets are open.
const LOAD_STARTS: &str = "load starts";

/// Everything that runs. Dropping it kills what is left.
pub(super) struct Cast {
    load: Child,
    control: Child,
    sandbox: Sandbox,
    api: Api,
    dir: PathBuf,
    token_file: PathBuf,
    load_started: Instant,
}

impl Cast {
    /// Starts all but the dashboard, in the order in which they need each other.
    pub(super) async fn start(options: &Options) -> anyhow::Result<Self> {
        let dir = folder(options)?;
        let sandbox = Sandbox::start(&dir.join("region")).await.context("starting the region")?;
        let token = hex::encode(rand::random::<[u8; 32]>());
        let token_file = dir.join("operator.token");
        write_secret(&token_file, &token)?;
        let digest = hex::encode(Sha256::digest(token.as_bytes()));
        let tokens = format!("- name: demo\n  role: admin\n  sha256: {digest}\n");
        write_secret(&dir.join("tokens.yaml"), &tokens)?;
        let control = start_control(&dir, &sandbox, &options.project)?;
        let base = address(&control, &dir.join("control.address")).await?;
        let load = start_load(&dir, &sandbox, options)?;
        wait_for(LOAD_WITHIN, &load, || {
            fs::read_to_string(load.log()).ok()?.contains(LOAD_STARTS).then_some(())
        })
        .await
        .context("waiting for the load to start")?;
        let api = Api::new(&base, &token);
        let load_started = Instant::now();
        Ok(Self { load, control, sandbox, api, dir, token_file, load_started })
    }

    /// When the first request was due.
    pub(super) fn load_started(&self) -> Instant {
        self.load_started
    }

    /// The daemon's API.
    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    /// Where everything writes its log.
    pub(super) fn logs(&self) -> String {
        self.dir.display().to_string()
    }

    /// What a person needs to look into it by hand.
    pub(super) fn addresses(&self) -> String {
        let Self { api, dir, token_file, .. } = self;
        format!(
            "{}\ncontrol    {}  (token in {})\nlogs       {}\n",
            self.sandbox.manifest.addresses(),
            api.base,
            token_file.display(),
            dir.display()
        )
    }

    /// Returns the name of the first part that ends, though none should.
    pub(super) async fn part_died(&self) -> &'static str {
        tokio::select! {
            _ = self.control.ended() => "control",
            _ = self.load.ended() => "loadgen",
            () = self.sandbox.ended() => "sandbox",
        }
    }

    /// Runs the failover runbook as a drill through the daemon; true when it says it succeeded.
    pub(super) async fn run_drill(&self) -> anyhow::Result<bool> {
        let program = Program::new(program::ours("control")?, self.dir.join("drill.log"))
            .args(["run", "--url", &self.api.base, "--environment", "local"])
            .args(["--token-file".to_owned(), self.token_file.display().to_string()])
            .args(["--runbook", "aurora-writer-failover", "--drill", "--wait"])
            .args(["--reason", "demonstration"]);
        let drill = Child::start(&program).context("starting the drill")?;
        match tokio::time::timeout(DRILL_WITHIN, drill.wait()).await {
            Ok(exit) => Ok(exit.success()),
            Err(_) => anyhow::bail!("the drill did not end within {DRILL_WITHIN:?}"),
        }
    }

    /// Opens the dashboard in this terminal.
    pub(super) fn open_dashboard(&mut self) -> anyhow::Result<tokio::process::Child> {
        let setpriv = program::locate("setpriv", "util-linux")?;
        tokio::process::Command::new(setpriv)
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program::ours("wallet-ops")?)
            .args(["--url", &self.api.base, "--token-file"])
            .arg(&self.token_file)
            .spawn()
            .context("opening the dashboard")
    }

    /// Ends a dashboard that still runs, and lets it restore the terminal.
    pub(super) async fn close_dashboard(&self, dashboard: &mut tokio::process::Child) {
        if let Some(id) = dashboard.id() {
            let pid = nix::unistd::Pid::from_raw(id.cast_signed());
            // It may have ended meanwhile, and then there is nothing to do.
            let _ = nix::sys::signal::kill(pid, Signal::SIGTERM);
        }
        let _ = tokio::time::timeout(STOP_WITHIN, dashboard.wait()).await;
    }

    /// Ends the load and waits for its audit; `None` when a second Ctrl-C cut it short.
    pub(super) async fn finish_load(&self) -> anyhow::Result<Option<Value>> {
        self.load.signal(Signal::SIGINT);
        tokio::select! {
            exit = tokio::time::timeout(REPORT_WITHIN, self.load.wait()) => {
                exit.context("the load did not report in time")?;
            }
            _ = tokio::signal::ctrl_c() => return Ok(None),
        }
        let path = self.dir.join("load.json");
        let text = fs::read(&path).with_context(|| {
            format!("the load left no report; see {}", self.load.log().display())
        })?;
        Ok(Some(serde_json::from_slice(&text).context("reading the load's report")?))
    }

    /// Ends everything, the region last.
    pub(super) async fn stop(self) {
        self.load.stop(STOP_WITHIN).await;
        self.control.stop(STOP_WITHIN).await;
        self.sandbox.stop().await;
    }
}

fn folder(options: &Options) -> anyhow::Result<PathBuf> {
    let dir = match &options.dir {
        Some(dir) => dir.clone(),
        None => tempfile::Builder::new().prefix("wallet-demo-").tempdir()?.keep(),
    };
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    dir.canonicalize().with_context(|| format!("finding {}", dir.display()))
}

fn start_control(dir: &Path, sandbox: &Sandbox, project: &Path) -> anyhow::Result<Child> {
    let path = |name: &str| dir.join(name).display().to_string();
    let project = project.canonicalize().context("finding the project's folder")?;
    let of_project = |name: &str| project.join(name).display().to_string();
    let mut program = Program::new(program::ours("control")?, dir.join("control.log"))
        .args(["serve".to_owned()])
        .args(["--environment".to_owned(), of_project("control/environments/local.yaml")])
        .args(["--runbooks".to_owned(), of_project("runbooks")])
        .args(["--journal".to_owned(), path("journal.db")])
        .args(["--tokens".to_owned(), path("tokens.yaml")])
        .args(["--address-file".to_owned(), path("control.address")])
        .args(["--listen", "127.0.0.1:0"]);
    program.environment = sandbox.manifest.aws_environment();
    program.environment.insert(
        "CONTROL_WALLET_TOKEN_FILE".to_owned(),
        sandbox.manifest.operator_token_file.display().to_string(),
    );
    Child::start(&program).context("starting the control daemon")
}

fn start_load(dir: &Path, sandbox: &Sandbox, options: &Options) -> anyhow::Result<Child> {
    let manifest = &sandbox.manifest;
    let surge = format!("{}@{}", options.surge, options.surge_after.as_secs());
    let arguments: BTreeMap<&str, String> = BTreeMap::from([
        ("--url", manifest.wallet_url.clone()),
        ("--signing-key", manifest.signing_key_file.display().to_string()),
        // The demonstration ends the load itself, when the drill is over.
        ("--seconds", "86400".to_owned()),
        ("--seed", options.seed.to_string()),
        ("--wallets", options.wallets.to_string()),
        ("--audit-db", manifest.database_url()),
        ("--audit-kafka", manifest.kafka_bootstrap.clone()),
        ("--report", dir.join("load.json").display().to_string()),
    ]);
    let mut program = Program::new(program::ours("loadgen")?, dir.join("load.log"))
        .args(["run", "--rate", &options.rate.to_string(), "--rate", &surge])
        .args(arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
    let password = manifest.database_password.clone();
    program.environment.insert("LOADGEN_DB_PASSWORD".to_owned(), password);
    Child::start(&program).context("starting the load")
}

async fn address(control: &Child, file: &Path) -> anyhow::Result<String> {
    wait_for(CONTROL_WITHIN, control, || {
        let text = fs::read_to_string(file).ok()?;
        let line = text.trim();
        line.starts_with("http").then(|| line.to_owned())
    })
    .await
    .context("waiting for the control daemon")
}

/// Looks until `seen` says what it found, the part ends, or time is up.
async fn wait_for<T>(
    within: Duration,
    part: &Child,
    mut seen: impl FnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = seen() {
            return Ok(found);
        }
        let log = part.log().display();
        if let Some(exit) = part.exited() {
            anyhow::bail!("it ended with {exit}; see {log}");
        }
        anyhow::ensure!(Instant::now() < deadline, "nothing within {within:?}; see {log}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    up::secret(path, text).with_context(|| format!("writing {}", path.display()))
}
