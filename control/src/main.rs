//! The daemon's command line.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use control::anomaly::command::{AnomaliesArgs, anomalies};
use control::audit::{Audit, audit};
use control::check_aws::{self, CheckAwsArgs, CheckAwsError};
use control::config::Process;
use control::cost::command::{self, CostArgs, CostError};
use control::driver::Clock;
use control::error::chain;
use control::oncall::run::{self, RunArgs, Target};
use control::oncall::{OnCall, oncall};
use control::serve::{EXIT_CONFIG, Files, ServeArgs, ServeError, configuration, serve};
use control::simulate::command::{Play, PlayError};

/// The control plane of the wallet: reads, decides, acts, alerts, and says why.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Runs the daemon.
    Serve(ServeArgs),
    /// Checks environments, runbooks and tokens, and names every fault.
    Check(Files),
    /// Reads every part of an environment once and says what answered.
    CheckAws(CheckAwsArgs),
    /// Says what an environment costs, and what would make it less.
    Cost(CostArgs),
    /// Says what a runbook would do now.
    Plan(Target),
    /// Runs a runbook or a drill.
    Run(RunArgs),
    #[command(flatten)]
    OnCall(OnCall),
    #[command(flatten)]
    Play(Play),
    /// Says how well the anomaly detector does on recorded series.
    Anomalies(AnomaliesArgs),
    #[command(subcommand)]
    Audit(Audit),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let process = Process::read();
    let filter = process.log_filter.parse::<tracing_subscriber::EnvFilter>().context("RUST_LOG")?;
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).init();
    // Fails only when one is installed, which nobody before us did.
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "the one clock of the process")]
    let clock: Clock = Arc::new(chrono::Utc::now);
    match Command::parse() {
        Command::Serve(args) => match serve(args, process, clock).await {
            Err(ServeError::Configuration(faults)) => refuse(&faults),
            Err(ServeError::Listening(error)) => refuse(&chain(&error)),
            served => served.context("serving"),
        },
        Command::Check(files) => configuration(&files).map_or_else(|f| refuse(&f), |_| say("ok")),
        Command::CheckAws(args) => match check_aws::run(&args, &clock).await {
            Err(CheckAwsError::Configuration(faults)) => refuse(&faults),
            checked => Ok(checked?),
        },
        Command::Cost(args) => match command::run(&args, &clock).await {
            Err(CostError::Configuration(faults)) => refuse(&faults),
            printed => Ok(printed?),
        },
        Command::Plan(target) => Ok(run::plan(&target).await?),
        Command::Run(args) => Ok(run::run(&args).await?),
        Command::OnCall(command) => match oncall(&command, &mut io::stdout()).await {
            Err(error) => deny(&chain(&error)),
            Ok(()) => Ok(ExitCode::SUCCESS),
        },
        Command::Play(what) => match what.play() {
            Err(PlayError::Faults(faults)) => refuse(&faults),
            played => Ok(played?),
        },
        Command::Audit(command) => {
            Ok(audit(command, process.journal_password_file, &mut io::stdout()).await?)
        }
        Command::Anomalies(args) => Ok(anomalies(&args)?),
    }
}

fn say(text: impl std::fmt::Display) -> anyhow::Result<ExitCode> {
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}

/// What the daemon did not do is no fault of the command line.
fn deny(error: &str) -> anyhow::Result<ExitCode> {
    writeln!(io::stderr().lock(), "{error}")?;
    Ok(ExitCode::FAILURE)
}

fn refuse(faults: &dyn std::fmt::Display) -> anyhow::Result<ExitCode> {
    writeln!(io::stderr().lock(), "{faults}")?;
    Ok(ExitCode::from(EXIT_CONFIG))
}
