//! `control check-aws`: reads every part of an environment once and says what answered.
//!
//! For the first start in an account, after a change of permissions, and against an emulator: each
//! line is one part with its call, and what its answer holds or why there is none. Changes nothing
//! and leaves out Cost Explorer unless it is asked for, because that is paid for.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Days, TimeDelta, Utc};
use clap::Args;

use crate::aws::{Aws, CallError, Cloud, Completeness};
use crate::config::{Environment, read_environments};
use crate::document::Faults;
use crate::driver::Clock;
use crate::error::chain;

/// What `control check-aws` is told.
#[derive(Args, Clone, Debug)]
pub struct CheckAwsArgs {
    /// The environment file.
    #[arg(long, value_name = "FILE")]
    pub environment: PathBuf,
    /// Also asks Cost Explorer, which costs a cent.
    #[arg(long)]
    pub bill: bool,
}

/// What kept us from looking.
#[derive(Debug, thiserror::Error)]
pub enum CheckAwsError {
    #[error("the configuration is wrong:\n{0}")]
    Configuration(#[from] Faults),
    #[error("printing what answered")]
    Print(#[source] io::Error),
}

/// One part: what was asked, and what became of it.
struct Line {
    part: &'static str,
    outcome: Result<String, CallError>,
}

/// Asks for every part at once and prints a line for each.
///
/// # Errors
///
/// When the environment file is wrong. A part that does not answer makes the exit code 1.
pub async fn run(args: &CheckAwsArgs, clock: &Clock) -> Result<ExitCode, CheckAwsError> {
    let wanted = read_environments(std::slice::from_ref(&args.environment))?.remove(0);
    let cloud = Aws::connect(&wanted.region).await;
    let mut lines = look(&wanted, &cloud, clock()).await;
    if args.bill {
        lines.push(bill(&wanted, &cloud, clock()).await);
    }
    let mut out = io::stdout().lock();
    let mut whole = true;
    for Line { part, outcome } in lines {
        let (mark, words) = match outcome {
            Ok(words) => ("ok  ", words),
            Err(error) => {
                whole = false;
                ("FAIL", chain(&error))
            }
        };
        writeln!(out, "{mark} {part:<12} {words}").map_err(CheckAwsError::Print)?;
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn look(wanted: &Environment, cloud: &dyn Cloud, now: DateTime<Utc>) -> Vec<Line> {
    let names = &wanted.service;
    let (service, scaling, targets, entrance, database, cache, broker, metrics) = tokio::join!(
        cloud.service(&names.cluster, &names.name),
        cloud.scaling(&names.cluster, &names.name),
        cloud.targets(&names.target_group),
        cloud.entrance(&names.target_group),
        cloud.database(&wanted.database),
        cloud.cache(&wanted.cache),
        cloud.broker(&wanted.broker),
        metrics(wanted, cloud, now),
    );
    let line = |part, outcome| Line { part, outcome };
    vec![
        line(
            "service",
            service.map(|one| {
                format!("{} {}: {} of {} tasks run", one.name, one.status, one.running, one.desired)
            }),
        ),
        line(
            "scaling",
            scaling.map(|one| match one {
                Some(range) => {
                    format!("{}..{}, policies {:?}", range.min, range.max, range.policies)
                }
                None => "not registered".to_owned(),
            }),
        ),
        line(
            "targets",
            targets.map(|all| {
                let healthy = all.iter().filter(|one| one.health == "healthy").count();
                format!("{healthy} of {} healthy", all.len())
            }),
        ),
        line("entrance", entrance),
        line(
            "database",
            database.map(|one| {
                let members = one.instances.len();
                format!("{} {}: {members} members", one.cluster, one.status)
            }),
        ),
        line(
            "cache",
            cache.map(|one| {
                format!("{} {}: {} nodes {}", one.group, one.status, one.nodes.len(), one.node_type)
            }),
        ),
        line(
            "broker",
            broker.map(|one| {
                format!("{} {}: {} × {}", one.name, one.state, one.nodes.len(), one.instance_type)
            }),
        ),
        line("metrics", metrics),
    ]
}

/// The last quarter of an hour of every signal, and the server's clock.
async fn metrics(
    wanted: &Environment,
    cloud: &dyn Cloud,
    now: DateTime<Utc>,
) -> Result<String, CallError> {
    let signals = wanted.signals.iter().enumerate();
    let queries: Vec<_> = signals.map(|(index, one)| one.query(index)).collect();
    let answer = cloud.metrics(&queries, now - TimeDelta::minutes(15), now).await?;
    let complete = |one: &&crate::aws::Series| one.completeness == Completeness::Complete;
    let whole = answer.series.iter().filter(complete).count();
    let held = answer.series.iter().filter(|one| !one.points.is_empty()).count();
    let skew = answer.server_time.map_or_else(
        || "no clock".to_owned(),
        |server| format!("clock {} s from ours", (server - now).num_seconds()),
    );
    Ok(format!("{} asked, {whole} complete, {held} with points; {skew}", queries.len()))
}

async fn bill(wanted: &Environment, cloud: &dyn Cloud, now: DateTime<Utc>) -> Line {
    let (from, to) = (now.date_naive() - Days::new(7), now.date_naive());
    let days = cloud.bill(&wanted.name, from, to).await;
    let outcome = days.map(|days| format!("{} of 7 days are known", days.len()));
    Line { part: "bill", outcome }
}
