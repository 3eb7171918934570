//! The sandbox's command line.

use clap::{Parser, Subcommand};
use sandbox::{demo, kafka, up};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// One machine as an AWS region.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a region and keep it until Ctrl-C.
    Up(up::Options),
    /// Say where the region of a folder is, and which processes it has.
    Status {
        /// The folder given to `sandbox up`.
        #[arg(long)]
        dir: PathBuf,
    },
    /// Run the whole product on this machine.
    Demo(demo::Options),
    /// Serve the Kafka protocol from a durable log, as MSK would.
    Kafkad(kafka::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(level).with_writer(std::io::stderr).init();
    match arguments.command {
        Command::Up(options) => up::run(options).await?,
        Command::Status { dir } => up::status(&dir)?,
        Command::Demo(options) => return demo::run(options).await,
        Command::Kafkad(options) => serve_kafka(options).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve_kafka(options: kafka::Options) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let served = kafka::run(options, shutdown.clone());
    tokio::pin!(served);
    tokio::select! {
        served = &mut served => return served,
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    shutdown.cancel();
    served.await
}
