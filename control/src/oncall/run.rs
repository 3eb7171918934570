//! `control plan` and `control run`, for people and scripts.
//!
//! Prints what happens as it happens. The exit code says how it ended: 0 as hoped, 1 not, 2 a
//! person must decide.

use clap::Args;
use protocol::control::{PlanRequest, PlanView, RunView, StartRequest, StepView};
use reqwest::Method;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};
use tokio::time::{Instant, sleep};

use super::remote::{Remote, RemoteError, new_key, read};
use crate::config::Daemon;
use crate::drill::DEVIATED;

/// How often the run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the daemon may be away, a restart included, before we give up on it.
const AWAY_MAX: Duration = Duration::from_secs(60);

/// Which daemon, as whom, and what for.
#[derive(Args, Clone, Debug)]
pub struct Target {
    #[command(flatten)]
    pub daemon: Daemon,
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

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be written as name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Prints what a run would do. Nothing happens.
///
/// # Errors
///
/// When the daemon cannot be asked or refuses.
pub async fn plan(target: &Target) -> Result<ExitCode, RemoteError> {
    let api = Remote::new(&target.daemon)?;
    let plan = ask_plan(&api, target).await?;
    print_plan(&plan)?;
    Ok(if plan.blockers.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Plans a run, starts it, and follows it if asked to.
///
/// # Errors
///
/// When the daemon cannot be asked or refuses.
pub async fn run(args: &RunArgs) -> Result<ExitCode, RemoteError> {
    let api = Remote::new(&args.target.daemon)?;
    let plan = ask_plan(&api, &args.target).await?;
    print_plan(&plan)?;
    if !plan.blockers.is_empty() {
        return Ok(ExitCode::from(1));
    }
    let request = StartRequest { plan_hash: plan.hash, reason: args.reason.clone() };
    let doing = "starting the run";
    let started = api.change(doing, (Method::POST, "/v1/runs"), Some(&request), &new_key()).await?;
    let started: RunView = read(doing, &started)?;
    print(&format!("run {} {}", started.id, started.state))?;
    if !args.wait {
        return Ok(ExitCode::SUCCESS);
    }
    follow(&api, started).await
}

async fn ask_plan(api: &Remote, target: &Target) -> Result<PlanView, RemoteError> {
    let body = PlanRequest {
        environment: target.environment.clone(),
        runbook: target.runbook.clone(),
        drill: target.drill,
        params: target.params.iter().cloned().collect(),
    };
    let doing = "planning the run";
    read(doing, &api.ask(doing, "/v1/runs:plan", &body).await?)
}

async fn look(api: &Remote, id: &str) -> Result<RunView, RemoteError> {
    let doing = "looking at the run";
    read(doing, &api.get(doing, &format!("/v1/runs/{id}")).await?)
}

async fn follow(api: &Remote, mut run: RunView) -> Result<ExitCode, RemoteError> {
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
        match look(api, &run.id).await {
            Ok(newer) => {
                run = newer;
                heard_at = Instant::now();
            }
            // The run goes on in the daemon's journal, also while the daemon restarts.
            Err(error) if error.passes() && heard_at.elapsed() < AWAY_MAX => {}
            Err(error) => return Err(error),
        }
    }
}

fn verdict(run: &RunView) -> Result<ExitCode, RemoteError> {
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
