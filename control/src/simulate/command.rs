//! `control simulate`: an invented world over many seeds, with its invariants checked each tick.
//!
//! A seed is a world: its load, its troubles, its delays. One that breaks an invariant or an
//! expectation is printed, and played again with `--seed`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clap::{Args, Subcommand};
use tokio::time::Instant;

use super::replay::{ReplayArgs, replay};
use super::scenario::answer::Answer;
use super::scenario::play::{Played, play, rivals};
use super::scenario::{Scenario, read};
use super::table::Table;
use super::tally::Tally;
use crate::document::Faults;

/// Broken seeds that are printed in full.
const BROKEN_MAX: usize = 5;
/// Rivals are played over this many seeds; they have no invariants to check.
const RIVAL_SEEDS_MAX: u64 = 20;

/// The commands that play: nothing outside of this process hears of it.
#[derive(Clone, Debug, Subcommand)]
pub enum Play {
    /// Plays recorded load through several ways of scaling, side by side.
    Replay(ReplayArgs),
    /// Plays an invented world over many seeds and checks every tick.
    Simulate(SimulateArgs),
}

/// What kept a replay or a simulation from being played to its end.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    #[error("{0}")]
    Faults(#[from] Faults),
    #[error("printing what came of it")]
    Print(#[from] io::Error),
}

impl Play {
    /// Plays and prints.
    ///
    /// # Errors
    ///
    /// Every fault of every file, before anything is played.
    pub fn play(&self) -> Result<ExitCode, PlayError> {
        match self {
            Self::Replay(args) => replay(args),
            Self::Simulate(args) => simulate(args),
        }
    }
}

/// What `control simulate` is told.
#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// A scenario file; may be given several times.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub scenario: Vec<PathBuf>,
    /// How many worlds are played.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub seeds: u64,
    /// The first world's seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many days each lasts; without it, as many as the scenario says.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub days: Option<u32>,
}

/// Plays and prints. A failure when anything was broken.
///
/// # Errors
///
/// Every fault of every file, before anything is played.
pub fn simulate(args: &SimulateArgs) -> Result<ExitCode, PlayError> {
    let (mut scenarios, mut faults) = (Vec::new(), Vec::new());
    for path in &args.scenario {
        match read(path) {
            Ok(scenario) => scenarios.push(scenario),
            Err(Faults(more)) => faults.extend(more),
        }
    }
    if !faults.is_empty() {
        return Err(Faults(faults).into());
    }
    let mut out = io::stdout().lock();
    let mut sound = true;
    for scenario in &scenarios {
        let began = Instant::now();
        let days = args.days.unwrap_or(scenario.days);
        let played = play_all(scenario, args, days);
        let took = began.elapsed().as_secs_f64();
        sound &= print(&mut out, scenario, (&played, days, took), args)?;
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All seeds, on as many threads as the machine has cores. The order of the answer is that of the
/// seeds, whoever played them.
#[must_use]
fn play_all(scenario: &Scenario, args: &SimulateArgs, days: u32) -> Vec<Played> {
    let next = AtomicU64::new(args.seed);
    let end = args.seed.saturating_add(args.seeds);
    let work = || {
        let mut played = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return played;
            }
            played.push(play(scenario, seed, days));
        }
    };
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get().min(16));
    let mut played: Vec<Played> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined.flat_map(|one| one.expect("a panic here is a bug, and is told as one")).collect()
    });
    played.sort_by_key(|one| one.seed);
    played
}

fn print(
    out: &mut impl Write,
    scenario: &Scenario,
    (played, days, took): (&[Played], u32, f64),
    args: &SimulateArgs,
) -> io::Result<bool> {
    let seeds = args.seeds;
    writeln!(out, "\n{}: {}", scenario.name, scenario.summary)?;
    writeln!(
        out,
        "  {seeds} seeds from {} × {days} days = {} days in {took:.1} s",
        args.seed,
        seeds * u64::from(days)
    )?;
    let compared = seeds.min(RIVAL_SEEDS_MAX);
    let few = usize::try_from(compared).unwrap_or(usize::MAX).min(played.len());
    let mut tallies = vec![sum(played[..few].iter().map(|one| &one.ours))];
    let others: Vec<Vec<Tally>> =
        (0..compared).map(|n| rivals(scenario, args.seed + n, days)).collect();
    for index in 0..others.first().map_or(0, Vec::len) {
        tallies.push(sum(others.iter().map(|all| &all[index])));
    }
    if compared < seeds {
        writeln!(out, "  beside others, over the first {compared} seeds:")?;
    }
    let price = scenario.service.price(&scenario.environment.prices);
    write!(out, "{}", Table { tallies: &tallies, price })?;
    if let Some(roadmap) = &scenario.roadmap {
        write!(out, "{}", Answer { scenario, roadmap, played })?;
    }
    let fired = played.iter().flat_map(|one| &one.fired);
    let mut pages = std::collections::BTreeMap::<&str, u32>::new();
    fired.for_each(|(rule, times)| *pages.entry(rule).or_default() += times);
    let pages: Vec<String> = pages.iter().map(|(rule, times)| format!("{rule} {times}")).collect();
    writeln!(
        out,
        "  alerts fired: {}",
        if pages.is_empty() { "none".to_owned() } else { pages.join(", ") }
    )?;
    let broken: Vec<&Played> = played.iter().filter(|one| !one.faults.is_empty()).collect();
    for one in broken.iter().take(BROKEN_MAX) {
        for fault in &one.faults {
            writeln!(out, "  BROKEN with --seed {}: {fault}", one.seed)?;
        }
    }
    let ticks = played.iter().map(|one| one.ours.seconds / super::trace::SLICE_S).sum::<i64>();
    writeln!(out, "  {ticks} ticks judged, {} of {seeds} seeds broken", broken.len())?;
    Ok(broken.is_empty())
}

fn sum<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Tally {
    tallies
        .fold(None::<Tally>, |sum, one| match sum {
            None => Some(one.clone()),
            Some(mut sum) => {
                sum.add(one);
                Some(sum)
            }
        })
        .unwrap_or_default()
}
