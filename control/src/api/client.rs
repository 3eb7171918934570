//! The other side of the API: `control plan` and `control run`, for people and scripts.
//!
//! Prints what happens as it happens. The exit code says how it ended: 0 as hoped, 1 not, 2 a
//! person must decide.

use clap::Args;
use protocol::{
    control::{PlanRequest, PlanView, RunView, StartRequest, StepView},
    problem::Problem,
};
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use tokio::time::{Instant, sleep};

use crate::drill::DEVIATED;

/// How often the run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Planning looks at the world; longer than the daemon gives it.
const ANSWER_MAX: Duration = Duration::from_secs(40);
/// How long the daemon may be away, a restart included, before we give up on it.
const AWAY_MAX: Duration = Duration::from_secs(60);

/// Which daemon, as whom, and what for.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// The daemon's address, as `http://127.0.0.1:9100`.
    #[arg(long)]
    pub url: String,
    /// The file that holds your token.
    #[arg(long)]
    pub token_file: PathBuf,
    /// The environment, as `local`.
    #[arg(long)]
    pub environment: String,
    /// The runbook's name, or with --drill also the drill's.
    #[arg(long)]
    pub runbook: String,
    /// Rehearse it: with a gate, an expectation and an abort.
    #[arg(long)]
    pub drill: bool,
    /// A parameter, as `cluster=wallet-local`. May be given several times.
    #[arg(long = "param", value_parser = pair)]
    pub params: Vec<(String, String)>,
}

/// `control run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    pub target: Target,
    /// Why: the journal keeps it.
    #[arg(long, default_value = "asked for on the command line")]
    pub reason: String,
    /// Follow the run to its end.
    #[arg(long)]
    pub wait: bool,
}

/// What kept us from doing it.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("reading the token from {path}")]
    Token { path: String, source: io::Error },
    #[error("preparing an HTTP client")]
    Client { source: reqwest::Error },
    #[error("{doing}")]
    Call { doing: &'static str, source: reqwest::Error },
    #[error("{doing}: {code}: {detail}")]
    Refused { doing: &'static str, code: String, detail: String },
    #[error("printing")]
    Print(#[from] io::Error),
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be written as name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Prints what a run would do. Nothing happens.
///
/// # Errors
///
/// When the daemon cannot be asked or refuses.
pub async fn plan(target: &Target) -> Result<ExitCode, ClientError> {
    let api = Remote::new(target)?;
    let plan = api.plan(target).await?;
    print_plan(&plan)?;
    Ok(if plan.blockers.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Plans a run, starts it, and follows it if asked to.
///
/// # Errors
///
/// When the daemon cannot be asked or refuses.
pub async fn run(args: &RunArgs) -> Result<ExitCode, ClientError> {
    let api = Remote::new(&args.target)?;
    let plan = api.plan(&args.target).await?;
    print_plan(&plan)?;
    if !plan.blockers.is_empty() {
        return Ok(ExitCode::from(1));
    }
    let request = StartRequest { plan_hash: plan.hash, reason: args.reason.clone() };
    let started = api.start(&request).await?;
    print(&format!("run {} {}", started.id, started.state))?;
    if !args.wait {
        return Ok(ExitCode::SUCCESS);
    }
    follow(&api, started).await
}

async fn follow(api: &Remote, mut run: RunView) -> Result<ExitCode, ClientError> {
    let mut printed: BTreeMap<String, String> = BTreeMap::new();
    let mut state = run.state.clone();
    let mut heard_at = Instant::now();
    loop {
        for step in &run.steps {
            let words = step_words(step);
            if step.state != "pending" && printed.get(&step.id) != Some(&words) {
                print(&words)?;
                printed.insert(step.id.clone(), words);
            }
        }
        if run.state != state {
            print(&format!("run {} {}: {}", run.id, run.state, run.reason))?;
            state.clone_from(&run.state);
        }
        if run.ended_at.is_some() {
            return verdict(&run);
        }
        if run.state == "paused" {
            print("a person must decide: resume or abort it")?;
            return Ok(ExitCode::from(2));
        }
        sleep(LOOK_EVERY).await;
        match api.run(&run.id).await {
            Ok(newer) => {
                run = newer;
                heard_at = Instant::now();
            }
            // The run goes on in the daemon's journal, also while the daemon restarts.
            Err(ClientError::Call { .. }) if heard_at.elapsed() < AWAY_MAX => {}
            Err(error) => return Err(error),
        }
    }
}

fn verdict(run: &RunView) -> Result<ExitCode, ClientError> {
    if let (Some(rto), Some(resolution)) = (run.rto_ms, run.rto_resolution_ms) {
        print(&format!("recovery time {} to {rto} ms", rto.saturating_sub(resolution)))?;
    }
    let good = run.state == "succeeded" && !run.reason.starts_with(DEVIATED);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn step_words(step: &StepView) -> String {
    let detail = if step.detail.is_empty() { "" } else { ": " };
    format!("  {:<14} {:<9}{detail}{}", step.id, step.state, step.detail)
}

fn print_plan(plan: &PlanView) -> io::Result<()> {
    print(&format!(
        "plan of {}@{} {}",
        plan.runbook,
        plan.revision,
        plan.hash.get(..12).unwrap_or_default()
    ))?;
    for step in &plan.steps {
        print(&format!("  {step}"))?;
    }
    for blocker in &plan.blockers {
        print(&format!("blocked: {blocker}"))?;
    }
    Ok(())
}

fn print(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

/// A daemon somewhere else.
struct Remote {
    http: Client,
    url: String,
    token: String,
}

impl Remote {
    fn new(target: &Target) -> Result<Self, ClientError> {
        let path = target.token_file.display().to_string();
        let token = std::fs::read_to_string(&target.token_file)
            .map_err(|source| ClientError::Token { path, source })?;
        let http = crate::http::client(ANSWER_MAX)
            .build()
            .map_err(|source| ClientError::Client { source })?;
        let url = target.url.trim_end_matches('/').to_owned();
        Ok(Self { http, url, token: token.trim().to_owned() })
    }

    async fn plan(&self, target: &Target) -> Result<PlanView, ClientError> {
        let body = PlanRequest {
            environment: target.environment.clone(),
            runbook: target.runbook.clone(),
            drill: target.drill,
            params: target.params.iter().cloned().collect(),
        };
        let request = self.http.post(format!("{}/v1/runs:plan", self.url)).json(&body);
        self.send("planning the run", request).await
    }

    async fn start(&self, body: &StartRequest) -> Result<RunView, ClientError> {
        let key = format!("cli-{}", uuid::Uuid::now_v7());
        let request = self.http.post(format!("{}/v1/runs", self.url)).json(body);
        self.send("starting the run", request.header("Idempotency-Key", key)).await
    }

    async fn run(&self, id: &str) -> Result<RunView, ClientError> {
        let request = self.http.get(format!("{}/v1/runs/{id}", self.url));
        self.send("looking at the run", request).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let failed = |source| ClientError::Call { doing, source };
        let response = request.bearer_auth(&self.token).send().await.map_err(failed)?;
        if response.status().is_success() {
            return response.json().await.map_err(failed);
        }
        let status = response.status().to_string();
        let problem: Option<Problem> = response.json().await.ok();
        Err(match problem {
            Some(Problem { code, detail, .. }) => ClientError::Refused { doing, code, detail },
            None => ClientError::Refused { doing, code: status, detail: String::new() },
        })
    }
}
