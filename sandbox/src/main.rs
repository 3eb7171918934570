//! The sandbox's command line.

use anyhow::Context;
use clap::{Parser, Subcommand};
use sandbox::kafka;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// One machine as an AWS region.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the Kafka protocol from a durable log, as MSK would.
    Kafkad(kafka::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    match arguments.command {
        Command::Kafkad(options) => {
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
    }
}
