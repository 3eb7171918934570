//! `control anomalies`: runs the detector over recorded series and prints how well it did.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;

use super::{Detector, Point, Score, Verdict, read_labels, read_series, score};
use crate::document::Faults;
use crate::serve::EXIT_CONFIG;

/// Series of one call; each is held in memory while it is judged.
const SERIES_MAX: usize = 1_000;

/// What `control anomalies` is told.
#[derive(Args, Clone, Debug)]
pub struct AnomaliesArgs {
    /// A recorded series, `timestamp,value`; may be given several times.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub series: Vec<PathBuf>,
    /// What people labelled, by file name; without it, detections are only listed.
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Print each detection too.
    #[arg(long)]
    pub list: bool,
}

/// Judges every series in one pass each, as it would be judged live, and prints the scores.
///
/// # Errors
///
/// When nothing can be printed.
pub fn anomalies(args: &AnomaliesArgs) -> io::Result<ExitCode> {
    match report(args) {
        Ok(text) => {
            io::stdout().lock().write_all(text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(faults) => {
            writeln!(io::stderr().lock(), "{faults}")?;
            Ok(ExitCode::from(EXIT_CONFIG))
        }
    }
}

fn report(args: &AnomaliesArgs) -> Result<String, Faults> {
    let mut faults = Vec::new();
    let labels = match args.labels.as_deref().map(read_labels).transpose() {
        Ok(labels) => labels,
        Err(Faults(more)) => {
            faults.extend(more);
            None
        }
    };
    let mut lines = vec![format!(
        "{:<44} {:>9} {:>7} {:>15} {:>15}",
        "series", "windows", "recall", "episodes", "points"
    )];
    let mut total = Score::default();
    for path in args.series.iter().take(SERIES_MAX) {
        let points = match read_series(path) {
            Ok(points) => points,
            Err(Faults(more)) => {
                faults.extend(more);
                continue;
            }
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let windows = labels.as_ref().and_then(|labels| labels.get(&name));
        let found = detections(&points);
        let one = score(&found, windows.map_or(&[], Vec::as_slice));
        lines.push(line(&name, &one));
        if args.list {
            lines.extend(found.iter().map(|at| format!("  {}", at.format("%F %T"))));
        }
        total = total.plus(one);
    }
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    lines.push(line("all", &total));
    lines.push(LEGEND.to_owned());
    Ok(lines.join("\n") + "\n")
}

const LEGEND: &str = "\
windows and recall: labelled windows with at least one detection in them.\n\
episodes, points:   in a window/all, and precision. Detections less than 12 h apart are one \
episode; it is true when any of its detections is in a window.";

/// The instants at which the series was unusual.
pub(super) fn detections(points: &[Point]) -> Vec<DateTime<Utc>> {
    let step_s = step_s(points);
    let mut detector = Detector::new(step_s);
    let unusual = |point: &&Point| {
        let step = point.at.timestamp().div_euclid(step_s);
        matches!(detector.observe(step, point.value), Verdict::Unusual { .. })
    };
    points.iter().filter(unusual).map(|point| point.at).collect()
}

/// The commonest distance between two values, as a period would say it.
fn step_s(points: &[Point]) -> i64 {
    let mut gaps: Vec<i64> =
        points.windows(2).map(|pair| (pair[1].at - pair[0].at).num_seconds()).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied().unwrap_or(300).clamp(60, 3_600)
}

fn line(name: &str, score: &Score) -> String {
    let share =
        |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    let of = |part: u32, whole: u32, precision| format!("{part}/{whole} {}", share(precision));
    format!(
        "{name:<44} {:>9} {:>7} {:>15} {:>15}",
        format!("{}/{}", score.windows_found, score.windows),
        share(score.recall()),
        of(score.episodes_true, score.episodes, score.precision_of_episodes()),
        of(score.points_true, score.points, score.precision_of_points()),
    )
}
