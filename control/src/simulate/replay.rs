//! `control replay`: recorded load through several ways of scaling, side by side.
//!
//! A recording says how the load moved, not how much a task carries. Unless that is given, the
//! fleet is sized once for each series, by its owner's rule and not by ours: the median asks for
//! six tasks at the target, and the peak must fit into the most tasks. What is compared is how
//! each way follows the load, not how somebody sized it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tokio::time::Instant;

use super::command::PlayError;
use super::engine::{Game, Scaler};
use super::oracle::oracle;
use super::ours::Ours;
use super::rivals::{Keda, TargetTracking};
use super::series::Series;
use super::service::Service;
use super::table::Table;
use super::tally::Tally;
use super::trace::Trace;
use super::weather::Weather;
use crate::config::{Variant, read_text, read_variant};
use crate::document::{Fault, Faults};
use crate::reconcile::capacity::{Metric, Policy};

/// The median load asks for this many tasks at the target.
const TASKS_MEDIAN: f64 = 6.0;
/// The target where a policy names none for the processors.
const TARGET_PERCENT: f64 = 60.0;

/// What `control replay` is told.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// A file of `timestamp,value` lines; may be given several times.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub series: Vec<PathBuf>,
    /// An environment or policy file, or one of aws-target-tracking, aws-target-tracking-20s,
    /// keda-hpa, oracle. The first file says the target and the limits of all. With one file
    /// alone, all the others are played beside it.
    #[arg(long, value_name = "POLICY", required = true, num_args = 1..)]
    pub policy: Vec<String>,
    /// The series' value that fills one task's processors; without it, the fleet is sized.
    #[arg(long, value_name = "VALUE")]
    pub capacity_per_task: Option<f64>,
    /// Decides start times and delays of metrics.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// A way of scaling that was asked for.
#[derive(Clone, Debug)]
enum Player {
    File(Box<Variant>),
    Rival(&'static str),
}

/// Those that are built in.
pub(super) const RIVALS: [&str; 4] =
    ["aws-target-tracking", "aws-target-tracking-20s", "keda-hpa", "oracle"];

/// Plays every series and prints a table for each, and one for all.
///
/// # Errors
///
/// Every fault of every file, before anything is played.
pub fn replay(args: &ReplayArgs) -> Result<ExitCode, PlayError> {
    let (players, series) = read(args)?;
    let first = players.iter().find_map(|player| match player {
        Player::File(variant) => Some(variant.as_ref()),
        Player::Rival(_) => None,
    });
    let Some(first) = first else {
        let message = "one of them must be a file: it says the target and the limits".to_owned();
        return Err(Faults(vec![argument("--policy", message)]).into());
    };
    let mut out = io::stdout().lock();
    let mut totals: Vec<Tally> = Vec::new();
    for (name, series) in &series {
        let began = Instant::now();
        let (service, scale) = sized(args, &first.scaling, series);
        let trace = Trace::recorded(series, scale);
        let tallies = play_all(&players, &first.scaling, &service, &trace, args.seed);
        let took = began.elapsed().as_secs_f64();
        let task = service.capacity_per_task / scale;
        writeln!(
            out,
            "\n{name}: {} days; a task is full at {task:.3}; seed {}; played in {took:.2} s",
            series.length().num_days(),
            args.seed,
        )?;
        let price = first.prices.as_ref().and_then(|prices| service.price(prices));
        write!(out, "{}", Table { tallies: &tallies, price })?;
        if totals.is_empty() {
            totals.clone_from(&tallies);
        } else {
            totals.iter_mut().zip(&tallies).for_each(|(total, tally)| total.add(tally));
        }
    }
    if series.len() > 1 {
        writeln!(out, "\nall {} series", series.len())?;
        let price = first.prices.as_ref().and_then(|prices| Service::default().price(prices));
        write!(out, "{}", Table { tallies: &totals, price })?;
    }
    Ok(ExitCode::SUCCESS)
}

type Asked = (Vec<Player>, Vec<(String, Series)>);

/// Reads every file before it gives up on any.
fn read(args: &ReplayArgs) -> Result<Asked, Faults> {
    let (mut players, mut series, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for name in &args.policy {
        if let Some(rival) = RIVALS.iter().find(|rival| *rival == name) {
            players.push(Player::Rival(rival));
            continue;
        }
        match read_variant(&PathBuf::from(name)) {
            Ok(variant) => players.push(Player::File(Box::new(variant))),
            Err(Faults(more)) => faults.extend(more),
        }
    }
    if args.policy.len() == 1 {
        players.extend(RIVALS.map(Player::Rival));
    }
    for path in &args.series {
        let file = path.display().to_string();
        match read_text(path).and_then(|text| Series::parse(&file, &text)) {
            Ok(one) => series.push((file, one)),
            Err(Faults(more)) => faults.extend(more),
        }
    }
    if args.capacity_per_task.is_some_and(|value| !value.is_finite() || value <= 0.0) {
        faults.push(argument("--capacity-per-task", "must be above zero".to_owned()));
    }
    if faults.is_empty() { Ok((players, series)) } else { Err(Faults(faults)) }
}

fn argument(field: &str, message: String) -> Fault {
    Fault { file: "the command line".to_owned(), line: 1, field: field.to_owned(), message }
}

/// The share of the processors that the policy wants busy.
pub(super) fn target(policy: &Policy) -> f64 {
    let cpu = policy.targets.iter().find(|target| target.metric == Metric::Cpu);
    cpu.map_or(TARGET_PERCENT, |target| target.value) / 100.0
}

/// The service, and what a value of the series is in its requests per second.
fn sized(args: &ReplayArgs, policy: &Policy, series: &Series) -> (Service, f64) {
    let service = Service::default();
    if let Some(capacity) = args.capacity_per_task {
        return (Service { capacity_per_task: capacity, ..service }, 1.0);
    }
    let median = series.median() / (TASKS_MEDIAN * target(policy));
    let peak = series.peak() / (f64::from(policy.tasks_max) * service.saturation);
    let fills_a_task = median.max(peak);
    let scale = if fills_a_task > 0.0 { service.capacity_per_task / fills_a_task } else { 1.0 };
    (service, scale)
}

fn play_all(
    players: &[Player],
    policy: &Policy,
    service: &Service,
    trace: &Trace,
    seed: u64,
) -> Vec<Tally> {
    let weather = Weather::default();
    let (tasks, target) = ((policy.tasks_min, policy.tasks_max), target(policy));
    let game = Game::new((trace, service, &weather), tasks, target, seed);
    players.iter().map(|player| play(player, &game)).collect()
}

fn play(player: &Player, game: &Game<'_>) -> Tally {
    let (target, tasks, seed) = (game.target, (game.tasks_min, game.tasks_max), game.seed);
    let mut scaler: Box<dyn Scaler + '_> = match player {
        Player::File(variant) => {
            let (name, signals) = (&variant.name, &variant.signals);
            Box::new(Ours::new(name, &variant.scaling, signals, false, seed))
        }
        Player::Rival("aws-target-tracking") => {
            Box::new(TargetTracking::standard(target, tasks, seed))
        }
        Player::Rival("aws-target-tracking-20s") => {
            Box::new(TargetTracking::high_resolution(target, tasks, seed))
        }
        Player::Rival("keda-hpa") => Box::new(Keda::new(target, tasks, seed)),
        Player::Rival(_) => return oracle(game),
    };
    game.play(scaler.as_mut(), |_, _| ())
}
