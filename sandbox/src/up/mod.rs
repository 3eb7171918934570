//! `sandbox up`: starts a region, says where it is, and ends it in order.

mod keys;
mod machines;
mod region;
mod wallet;

use crate::manifest::Manifest;
use crate::{aws::Clock, program};
use anyhow::{Context, ensure};
use chrono::Utc;
use region::Region;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Between two looks at who lives.
const MANIFEST_PERIOD: Duration = Duration::from_secs(1);

/// All parts together: tasks have 30 s, the servers after them 15 s. What is left is killed.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// What `sandbox up` is told on its command line.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Folder of data, logs, keys and sandbox.json; a new temporary one by default. Data of a
    /// region before is removed.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Tasks at first.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub tasks: u32,
    /// The most that scaling may start.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub tasks_max: u32,
    /// CPU units that a task reserves, 1024 to a core.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    pub task_cpu: u32,
    /// How old a datum is before CloudWatch shows it, such as 5s or 500ms.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub metric_lag: Duration,
    /// Ends every name: `wallet-local`.
    #[arg(long, default_value = "local")]
    pub environment: String,
    /// End when stdin does, for callers that may die.
    #[arg(long)]
    pub until_stdin_closes: bool,
}

/// Starts a region and keeps it until SIGINT, SIGTERM or the end of stdin.
///
/// # Errors
///
/// A missing program, a folder in use, or a part that does not start.
pub async fn run(options: Options) -> anyhow::Result<()> {
    program::require_all()?;
    let dir = folder(&options)?;
    let ended = asked_to_end(options.until_stdin_closes)?;
    tokio::pin!(ended);
    let mut region = tokio::select! {
        // Dropped half-way, the region takes its processes with it.
        () = &mut ended => return Ok(()),
        region = Region::start(&options, &dir, clock()) => region.context("starting the region")?,
    };
    let mut manifest = region.manifest().await;
    manifest.write(&dir)?;
    writeln!(std::io::stdout().lock(), "{}", manifest.addresses())?;
    let watching = async {
        let mut tick = tokio::time::interval(MANIFEST_PERIOD);
        loop {
            tick.tick().await;
            let seen = region.manifest().await;
            if seen != manifest {
                manifest = seen;
                manifest.write(&dir)?;
            }
        }
    };
    let outcome: anyhow::Result<()> = tokio::select! {
        () = &mut ended => Ok(()),
        failed = watching => failed,
    };
    tracing::info!("stopping");
    let stopped = tokio::time::timeout(STOP_LIMIT, region.stop()).await;
    drop(region);
    // Only a region that stands has a manifest; its folder may have gone before it.
    if Manifest::read(&dir)?.is_some_and(|last| last.names(std::process::id())) {
        std::fs::remove_file(Manifest::path(&dir)).context("removing sandbox.json")?;
    }
    stopped.with_context(|| format!("not all parts ended in {STOP_LIMIT:?} and were killed"))?;
    outcome
}

/// Prints who lives in the region of `dir`.
///
/// # Errors
///
/// There is no region in this folder.
pub fn status(dir: &Path) -> anyhow::Result<()> {
    let manifest = Manifest::read(dir)?;
    let manifest = manifest.with_context(|| format!("no region stands in {}", dir.display()))?;
    writeln!(std::io::stdout().lock(), "{}\n{}", manifest.addresses(), manifest.roles())?;
    Ok(())
}

/// The wall clock, read here and nowhere else in the sandbox.
#[expect(clippy::disallowed_methods, reason = "the one clock at the edge; all others are given it")]
fn clock() -> Clock {
    Arc::new(Utc::now)
}

/// The region's folder, without what a region before left of data.
fn folder(options: &Options) -> anyhow::Result<PathBuf> {
    let dir = match &options.dir {
        Some(dir) => dir.clone(),
        None => tempfile::Builder::new().prefix("wallet-sandbox-").tempdir()?.keep(),
    };
    std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let dir = dir.canonicalize().with_context(|| format!("finding {}", dir.display()))?;
    if let Some(before) = Manifest::read(&dir)? {
        let owner = before.processes.iter().find(|process| process.role == "sandbox");
        let alive = owner.is_some_and(|owner| Path::new(&format!("/proc/{}", owner.pid)).exists());
        ensure!(!alive, "a region stands in {} already", dir.display());
        std::fs::remove_file(Manifest::path(&dir)).context("removing an old sandbox.json")?;
    }
    let data = dir.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data).with_context(|| format!("removing {}", data.display()))?;
    }
    for folder in [data, dir.join("logs")] {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("creating {}", folder.display()))?;
    }
    Ok(dir)
}

/// Completes when a signal or the end of stdin says so.
fn asked_to_end(until_stdin_closes: bool) -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let closed = if until_stdin_closes { Some(stdin_closes()?) } else { None };
    Ok(async move {
        let closed = async {
            match closed {
                // An error says that the reader is gone, which is an end as well.
                Some(closed) => drop(closed.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = closed => {}
        }
    })
}

/// Completes at the end of stdin. A thread of its own, because a read of a terminal cannot be
/// given up, and must not keep the runtime from ending.
fn stdin_closes() -> anyhow::Result<oneshot::Receiver<()>> {
    let (closed, closing) = oneshot::channel();
    let read = move || {
        // What it says is nobody's business; the end of an unreadable stdin has come.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = closed.send(());
    };
    std::thread::Builder::new().name("stdin".into()).spawn(read).context("watching stdin")?;
    Ok(closing)
}

/// Writes a file that only this account can read.
///
/// # Errors
///
/// The file system refuses.
pub(crate) fn secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?
        .write_all(text.as_bytes())
}

/// Reads `500ms`, `5s` or `1m`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: u32 = digits.parse().map_err(|_| format!("{text:?} is not like 500ms or 5s"))?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(count.into())),
        "s" => Ok(Duration::from_secs(count.into())),
        "m" => Ok(Duration::from_secs(u64::from(count) * 60)),
        unit => Err(format!("unit {unit:?} is not ms, s or m")),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn a_duration_names_its_unit() {
        for (text, milliseconds) in [("500ms", 500), ("5s", 5_000), ("1m", 60_000), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "5h", "99999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
