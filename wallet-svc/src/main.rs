//! `wallet-svc serve` and `wallet-svc migrate`.

use clap::Parser;
use std::{error::Error, io::Write, process::ExitCode};
use tokio_util::task::TaskTracker;
use wallet_svc::{
    app::{App, AppError, store_settings},
    clock::Clock,
    config::{Config, ConfigError, DbConfig, process_environment},
    log, shutdown,
    store::Ledger,
};

/// The wallet ledger service. All settings come from the environment: see `config.rs`.
#[derive(Parser)]
enum Command {
    /// Serve the wallet API until SIGTERM.
    Serve,
    /// Bring the ledger's tables up to date, and end.
    Migrate,
}

/// As `sysexits.h` calls a wrong usage or configuration.
const EXIT_USAGE: u8 = 64;

#[tokio::main]
async fn main() -> ExitCode {
    log::start(process_environment("RUST_LOG").as_deref(), Clock::real());
    let ended = match Command::try_parse() {
        Ok(Command::Serve) => serve().await,
        Ok(Command::Migrate) => migrate().await,
        Err(usage) => usage.print().map(|()| ExitCode::from(EXIT_USAGE)).map_err(Into::into),
    };
    ended.unwrap_or_else(|error| {
        let setting = error.downcast_ref::<AppError>().is_some_and(AppError::is_setting);
        let wrong = setting || error.is::<ConfigError>();
        // Without a reader there is nobody left to tell.
        let _unread = writeln!(std::io::stderr(), "wallet-svc: {error:#}");
        let error = error.as_ref() as &dyn Error;
        tracing::error!(error, "ends: {error}");
        if wrong { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
    })
}

async fn serve() -> anyhow::Result<ExitCode> {
    let config = Config::read(process_environment)?;
    let stop = shutdown::on_signal(&TaskTracker::new())?;
    let app = App::build(config, Clock::real()).await?;
    tracing::info!(address = %app.address(), "serves http://{}", app.address());
    app.run(stop).await?;
    tracing::info!("ended");
    Ok(ExitCode::SUCCESS)
}

async fn migrate() -> anyhow::Result<ExitCode> {
    let db = DbConfig::read(process_environment)?;
    Ledger::migrate(&store_settings(&db, 1, "migrate")).await?;
    tracing::info!("the ledger's tables are up to date");
    Ok(ExitCode::SUCCESS)
}
