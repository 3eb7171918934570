//! `control cost`: looks at an environment once and prints what it costs.
//!
//! Without a daemon's journal nothing is known of the hours before, and advice that rests on them
//! says so. Each question to Cost Explorer is paid for, so it can be left out.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Days, Utc};
use clap::Args;

use super::bill::Bill;
use super::page::{Past, look, page};
use super::pass::BILL_DAYS;
use super::report::text;
use crate::app::Live;
use crate::aws::{Aws, Cloud};
use crate::config::{Environment, read_environments, read_prices};
use crate::document::{Fault, Faults};
use crate::driver::{Clock, Pass};
use crate::error::chain;
use crate::fleet::observe::Observe;
use crate::metrics::Metrics;
use crate::readings::collect::Collect;

/// What `control cost` is told.
#[derive(Args, Clone, Debug)]
pub struct CostArgs {
    /// The environment file.
    #[arg(long, value_name = "FILE")]
    pub environment: PathBuf,
    /// Other prices than those that the environment names.
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Leaves Cost Explorer out, of which each question costs a cent.
    #[arg(long)]
    pub no_bill: bool,
}

/// What kept us from printing it.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    #[error("the configuration is wrong:\n{0}")]
    Configuration(#[from] Faults),
    #[error("printing the cost")]
    Print(#[source] io::Error),
}

/// Looks, asks, and prints.
///
/// # Errors
///
/// When a file is wrong. What AWS does not say is printed as not known.
pub async fn run(args: &CostArgs, clock: &Clock) -> Result<ExitCode, CostError> {
    let wanted = environment(args)?;
    let cloud: Arc<dyn Cloud> = Arc::new(Aws::connect(&wanted.region).await);
    let now = clock();
    let live = Arc::new(Live::new(wanted, now));
    let mut troubles = observe(&live, &cloud, now).await;
    let mut past = Past::default();
    if !args.no_bill {
        match bill(&live.wanted(), cloud.as_ref(), now).await {
            Ok(bill) => past.bill = Some(bill),
            Err(trouble) => troubles.push(trouble),
        }
    }
    let (page, findings) = page(&live, &look(&live, now), &past, now);
    let mut out = text(&live.wanted().name, &page);
    for finding in findings.iter().filter(|one| one.holds == Some(true)) {
        out.push_str(&format!("{:?} {}: {}\n", finding.severity, finding.name, finding.summary));
    }
    for trouble in troubles {
        out.push_str(&format!("could not: {trouble}\n"));
    }
    io::stdout().lock().write_all(out.as_bytes()).map_err(CostError::Print)?;
    let known = page.micros_per_hour.is_some();
    Ok(if known { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn environment(args: &CostArgs) -> Result<Environment, Faults> {
    let file = std::slice::from_ref(&args.environment);
    let mut wanted = read_environments(file)?.remove(0);
    if let Some(path) = &args.prices {
        let prices = read_prices(path)?;
        if prices.region != wanted.region {
            let message =
                format!("holds the prices of {}, not of {}", prices.region, wanted.region);
            let file = path.display().to_string();
            return Err(Faults(vec![Fault { file, line: 1, field: "region".to_owned(), message }]));
        }
        wanted.prices = prices;
    }
    Ok(wanted)
}

/// Each part once. What went wrong is told, and leaves its part unknown.
async fn observe(live: &Arc<Live>, cloud: &Arc<dyn Cloud>, now: DateTime<Utc>) -> Vec<String> {
    let mut observe = Observe::new(Arc::clone(live), Arc::clone(cloud));
    let metrics = Arc::new(Metrics::new());
    let mut collect = Collect::new(Arc::clone(live), Arc::clone(cloud), metrics, vec![], now);
    let (seen, read) = tokio::join!(observe.pass(now), collect.pass(now));
    [seen.err(), read.err()].into_iter().flatten().map(|error| chain(&error)).collect()
}

async fn bill(wanted: &Environment, cloud: &dyn Cloud, now: DateTime<Utc>) -> Result<Bill, String> {
    let (from, to) = (now.date_naive() - Days::new(BILL_DAYS), now.date_naive() + Days::new(1));
    let days = cloud.bill(&wanted.name, from, to).await.map_err(|error| chain(&error))?;
    Ok(Bill { as_of: now, days })
}
