//! Parses the command line, runs, prints the report, and exits 1 when the audit found a fault.

use anyhow::Context;
use clap::Parser;
use loadgen::{
    audit,
    config::{Command, Options, Run},
    report::Report,
    run::Runner,
};
use std::{io::Write, process::ExitCode, time::Duration};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (text, clean) = match Options::parse().command {
        Command::Run(options) => {
            let report = load(&options).await?;
            if let Some(path) = &options.report {
                std::fs::write(path, serde_json::to_vec_pretty(&report)?)
                    .with_context(|| format!("writing {}", path.display()))?;
            }
            (report.to_string(), report.clean())
        }
        Command::Audit(target) => {
            let verdict = audit::audit(&target, None).await?;
            (verdict.to_string(), verdict.clean())
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes()).context("printing the report")?;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn load(options: &Run) -> anyhow::Result<Report> {
    #[expect(clippy::disallowed_methods, reason = "the one clock read of this program")]
    let runner = Runner::open(options, chrono::Utc::now()).await?;
    let settle = Duration::from_secs(options.settle_seconds);
    let mut writes = runner.fund(settle).await;
    // Read by whoever started this program, so that its clock starts with the load.
    writeln!(std::io::stderr(), "loadgen: {} wallets are open, load starts", options.wallets)?;
    let stop = CancellationToken::new();
    let (tally, open) = {
        let drive = runner.drive(options, &stop, &mut writes);
        tokio::pin!(drive);
        tokio::select! {
            counted = &mut drive => counted,
            _ = tokio::signal::ctrl_c() => {
                stop.cancel();
                drive.await
            }
        }
    };
    runner.settle(open, settle, &mut writes).await;
    let verdict = audit::audit(&options.audit, Some(&writes)).await?;
    Ok(Report::new(&tally, &writes, verdict))
}
