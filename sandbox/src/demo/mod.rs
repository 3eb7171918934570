//! `sandbox demo`: the whole product on this machine, shown or proven.
//!
//! Starts a region, the control daemon and load; lets the load rise so that the daemon scales out;
//! rehearses the database failover; then audits and sums up. It only starts programs and reads what
//! they say: every number in the summary was measured by `loadgen` or journalled by `control`.

mod cast;
mod http;
mod script;
mod summary;

use anyhow::Context;
use cast::Cast;
use clap::Args;
use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

/// Runs wallet, control plane and dashboard on this machine.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// No dashboard: one scale-out and one failover drill under load, then a summary.
    /// Exits with 1 if any invariant broke.
    #[arg(long)]
    pub headless: bool,
    /// How long the load lasts at least, such as 120s or 5m. A drill under way is finished first.
    #[arg(long = "for", default_value = "120s", value_parser = duration)]
    pub lasts: Duration,
    /// Requests per second at first.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub rate: u32,
    /// Requests per second from the surge on, which makes the daemon scale out.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub surge: u32,
    /// When the load rises.
    #[arg(long, default_value = "20s", value_parser = duration)]
    pub surge_after: Duration,
    /// Repeats the same requests at the same times.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Wallets that the load moves money between.
    #[arg(long, default_value_t = 500)]
    pub wallets: u32,
    /// Where logs and data go; a new folder under the system's temporary one by default.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The project's folder, which has the runbooks and the environment file.
    #[arg(long, default_value = ".")]
    pub project: PathBuf,
}

/// Runs the demonstration to its end.
///
/// # Errors
///
/// A part did not start, or could not be asked. What it found wrong is in the exit code instead.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    let mut cast = tokio::select! {
        cast = Cast::start(&options) => cast.context("starting the demo")?,
        _ = tokio::signal::ctrl_c() => {
            writeln!(out, "demo: stopped while starting")?;
            return Ok(ExitCode::from(130));
        }
    };
    writeln!(out, "{}", cast.addresses())?;
    let observed = if options.headless {
        script::play(&cast, &options).await?
    } else {
        script::show(&mut cast, &options).await?
    };
    let report = cast.finish_load().await?;
    let summary = summary::Summary::new(observed, report);
    writeln!(out, "\n{summary}")?;
    cast.stop().await;
    let expected = options.headless;
    Ok(if summary.faults(expected).is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads `90s`, `2m` or `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let seconds = match unit {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(format!("unit {unit:?} is not s, m or h")),
    };
    let count: u64 = digits.parse().map_err(|_| format!("{text:?} is not like 90s, 2m or 1h"))?;
    let total = count.saturating_mul(seconds);
    if !(10..=86_400).contains(&total) {
        return Err(format!("{text} must be between 10s and 24h"));
    }
    Ok(Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn a_duration_has_a_unit_and_limits() {
        for (text, seconds) in [("120s", 120), ("5m", 300), ("1h", 3_600), ("90", 90)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "s", "1s", "25h", "5d", "-5s", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
