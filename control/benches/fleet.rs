//! Two hundred environments with forty signals each: how late a change is, and what it takes.
//!
//! `taskset -c 0 cargo bench -p control --bench fleet -- real 600` runs every loop of the daemon
//! for so many seconds, against a simulated region, on one core. Printed is the time from the
//! instant at which the newest point could be seen to the call that it caused, after the minutes
//! in which the daemon learns how late points are published.
//! `… -- hours 24` plays so many hours pass by pass and prints the memory at the end of each.
//! Not measured here: what the SDK takes to ask AWS.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use control::app::App;
use control::aws::{Change, Cloud};
use control::config::{Environment, read_environments};
use control::driver::Clock;
use control::journal::Journal;
use control::simulate::cloud::SimCloud;
use control::simulate::service::Service;
use control::simulate::site::Site;
use control::simulate::stage::{Hands, Stage};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const ENVIRONMENTS: usize = 200;
const SIGNALS: usize = 40;
/// The load of an environment: this many seconds low, and as many high.
const HALF_WAVE_S: i64 = 600;
/// So long nothing is counted.
const LEARNING: TimeDelta = TimeDelta::minutes(4);
/// Environments rise one after the other: this many seconds apart.
const APART_S: i64 = 3;

/// The shipped environment under another name, with more signals.
fn environment(shipped: &Environment, number: usize) -> Environment {
    let mut one = shipped.clone();
    one.name = format!("env-{number}");
    one.service.cluster = format!("wallet-{number}");
    one.service.target_group = format!("wallet-svc-{number}");
    one.database = format!("wallet-{number}");
    one.cache = format!("wallet-{number}");
    one.broker = format!("arn:aws:kafka:sa-east-1:000000000000:cluster/wallet-{number}/1-1");
    let more = one.signals.iter().cycle().take(SIGNALS - one.signals.len()).cloned();
    let more: Vec<_> = more.enumerate().collect();
    for (index, mut signal) in more {
        signal.name = format!("more_{index}");
        signal.absent = control::readings::Absence::Unknown;
        signal.metric = format!("More{index}");
        one.signals.push(signal);
    }
    for signal in &mut one.signals {
        signal.dimensions = vec![("Environment".to_owned(), one.name.clone())];
    }
    one
}

fn region(clock: Clock, start: DateTime<Utc>) -> (Arc<SimCloud>, Vec<Environment>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
    let shipped = read_environments(&[file]).expect("it is shipped").remove(0);
    let all: Vec<_> = (0..ENVIRONMENTS).map(|number| environment(&shipped, number)).collect();
    let site = |(environment, seed): (&Environment, u64)| {
        let shift = i64::try_from(seed).expect("a small number") * APART_S;
        let high = move |second: i64| ((second - shift) / HALF_WAVE_S) % 2 == 1;
        let load = move |second| if high(second) { 700.0 } else { 200.0 };
        let service = (Service::default(), Box::new(load) as _);
        Site::new(environment.clone(), start, service, 3, seed)
    };
    let sites = all.iter().zip(0..).map(site).collect();
    (Arc::new(SimCloud::new(clock, start, sites)), all)
}

/// A number of `/proc/self/status`, in MiB.
fn memory_mib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// The processor's seconds that this process used so far, by the kernel's hundredths.
fn processor_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|word| word.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// From when the newest point could be seen to each addition after `from`, in milliseconds, sorted.
/// A removal may be caused by the end of a cooldown, and then no point was waited for.
fn delays_ms(cloud: &SimCloud, from: DateTime<Utc>) -> Vec<i64> {
    let added =
        |change: &Change| matches!(change, Change::SetDesired { from, to, .. } if to > from);
    let made = cloud.made();
    let delay = |made: &control::simulate::cloud::Made| {
        Some((made.at - made.informed_at?).num_milliseconds())
    };
    let counted = made.iter().filter(|made| made.at >= from && added(&made.change));
    let mut delays: Vec<_> = counted.filter_map(delay).collect();
    delays.sort_unstable();
    delays
}

fn tell(text: &str) {
    writeln!(std::io::stdout().lock(), "{text}").expect("somebody reads this");
}

/// The one clock that nobody moves.
#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
fn wall_clock() -> Clock {
    Arc::new(Utc::now)
}

/// Every loop, in the time that the clock tells.
async fn real(seconds: u64, journal: &Path) {
    let clock = wall_clock();
    let begun = clock().duration_trunc(TimeDelta::minutes(1)).expect("minutes are whole");
    // Something is known before it begins, as of a region that has been there; and all are low.
    let start = begun - TimeDelta::seconds(HALF_WAVE_S * 7);
    let (cloud, environments) = region(clock.clone(), start);
    let journal = Journal::open(journal, clock.clone()).await.expect("a new file");
    let app =
        App::build(clock, journal.clone(), Arc::clone(&cloud) as Arc<dyn Cloud>, environments);
    let app = app.await.expect("a new journal");
    let (keeper, released) = (TaskTracker::new(), CancellationToken::new());
    keeper.spawn(journal.keep_lease(released.clone()));
    let _alerts = app.start_loops().await.expect("a new journal");
    let (from, used) = (Instant::now(), processor_s());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let share = (processor_s() - used) / from.elapsed().as_secs_f64();
    app.stop.cancel();
    app.tracker.close();
    app.tracker.wait().await;
    released.cancel();
    keeper.close();
    keeper.wait().await;
    let failures: u64 = app.driver.status().borrow().values().map(|one| one.failures).sum();
    let passes: u64 = app.driver.status().borrow().values().map(|one| one.passes).sum();
    let delays = delays_ms(&cloud, begun + LEARNING);
    let at = |share: usize| delays.get(delays.len().saturating_sub(1) * share / 100).copied();
    tell(&format!(
        "{ENVIRONMENTS} environments, {SIGNALS} signals, {seconds} s: {passes} passes, \
         {failures} failed; {:.0} % of a core; {} MiB, at most {}",
        share * 100.0,
        memory_mib("VmRSS"),
        memory_mib("VmHWM"),
    ));
    tell(&format!(
        "{} additions, from visible to called in ms: p50 {:?}, p90 {:?}, p99 {:?}, longest {:?}",
        delays.len(),
        at(50),
        at(90),
        at(99),
        at(100),
    ));
}

/// Hours, pass by pass, in no time but that of the passes.
async fn hours(count: i64, journal: &Path) {
    let start = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let hands = Hands::at(start);
    let (cloud, environments) = region(hands.clock(), start);
    let journal = Journal::open(journal, hands.clock()).await.expect("a new file");
    let app =
        App::build(hands.clock(), journal, Arc::clone(&cloud) as Arc<dyn Cloud>, environments);
    let app = app.await.expect("a new journal");
    let mut stage = Stage::set(&app, hands.clone()).await.expect("a new journal");
    for hour in 1..=count {
        let from = Instant::now();
        stage.play(start + TimeDelta::hours(hour)).await;
        tell(&format!(
            "hour {hour}: {} MiB; {} changes so far; played in {:.0} s; {} passes failed {}",
            memory_mib("VmRSS"),
            cloud.made().len(),
            from.elapsed().as_secs_f64(),
            stage.failures,
            stage.error.clone().unwrap_or_default(),
        ));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let journal: PathBuf = folder.path().join("journal.db");
    let number = words.get(1).and_then(|word| word.parse::<u32>().ok());
    match (words.first().map(String::as_str), number) {
        (None, _) => real(30, &journal).await,
        (Some("real"), Some(seconds)) => real(u64::from(seconds), &journal).await,
        (Some("hours"), Some(count)) => hours(i64::from(count), &journal).await,
        _ => tell("usage: fleet [real SECONDS | hours COUNT]"),
    }
}
