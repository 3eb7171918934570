//! Reads recorded series (`timestamp,value`) and labels (`{"FILE": [[FROM, TO], …]}`), the forms
//! in which the Numenta Anomaly Benchmark publishes them. Every fault is named with its line.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::score::Window;
use crate::document::{Fault, Faults};

/// Far more than a year of minutes.
const LINES_MAX: usize = 1_000_000;
/// A reader of ten faults knows what is wrong with the file.
const FAULTS_MAX: usize = 10;

/// One value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: DateTime<Utc>,
    /// `None`: the recorder had nothing to write.
    pub value: Option<f64>,
}

/// Windows by the name of the series' file.
pub type Labels = BTreeMap<String, Vec<Window>>;

/// Reads a series, oldest first. Of two values at one instant the later line counts.
///
/// # Errors
///
/// Every fault of the file, the first ten at most.
pub fn read_series(path: &Path) -> Result<Vec<Point>, Faults> {
    let file = path.display().to_string();
    let text = read(path)?;
    let mut faults = Vec::new();
    let mut points = BTreeMap::new();
    let mut lines = text.lines().enumerate();
    match lines.next() {
        Some((_, "timestamp,value")) => {}
        _ => faults.push(fault(&file, 1, "", "must begin with the line `timestamp,value`")),
    }
    for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        if index >= LINES_MAX {
            faults.push(fault(&file, index + 1, "", &format!("more than {LINES_MAX} lines")));
            break;
        }
        match point(line) {
            Ok(point) => {
                points.insert(point.at, point);
            }
            Err((field, message)) => faults.push(fault(&file, index + 1, field, &message)),
        }
        if faults.len() >= FAULTS_MAX {
            break;
        }
    }
    if faults.is_empty() && points.len() < 2 {
        faults.push(fault(&file, 1, "", "must hold two values at least"));
    }
    if faults.is_empty() { Ok(points.into_values().collect()) } else { Err(Faults(faults)) }
}

fn point(line: &str) -> Result<Point, (&'static str, String)> {
    let (at, value) =
        line.split_once(',').ok_or_else(|| ("", "must be `timestamp,value`".to_owned()))?;
    let at = instant(at).map_err(|message| ("timestamp", message))?;
    let value = match value.trim() {
        "" => None,
        text => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Some(value),
            _ => return Err(("value", format!("`{text}` must be a finite number, or nothing"))),
        },
    };
    Ok(Point { at, value })
}

/// Reads labels.
///
/// # Errors
///
/// Every fault of the file.
pub fn read_labels(path: &Path) -> Result<Labels, Faults> {
    let file = path.display().to_string();
    let text = read(path)?;
    let raw: BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_str(&text).map_err(|error| {
            let message = format!("must map file names to lists of [from, to]: {error}");
            Faults(vec![fault(&file, error.line().max(1), "", &message)])
        })?;
    let mut faults = Vec::new();
    let mut labels = Labels::new();
    for (name, windows) in raw {
        let mut read = Vec::new();
        for (index, (from, to)) in windows.iter().enumerate() {
            match window(from, to) {
                Ok(window) => read.push(window),
                Err(message) => {
                    let line = line_of(&text, from).or_else(|| line_of(&text, to)).unwrap_or(1);
                    faults.push(fault(&file, line, &format!("{name}[{index}]"), &message));
                }
            }
        }
        // The benchmark names files by their folder too.
        let base = name.rsplit('/').next().unwrap_or(&name).to_owned();
        labels.insert(base, read);
    }
    if faults.is_empty() { Ok(labels) } else { Err(Faults(faults)) }
}

fn window(from: &str, to: &str) -> Result<Window, String> {
    let (from, to) = (instant(from)?, instant(to)?);
    if from <= to { Ok(Window { from, to }) } else { Err(format!("ends at {to}, before {from}")) }
}

fn line_of(text: &str, part: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(part)).map(|index| index + 1)
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let read = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S%.f");
    read.map(|at| at.and_utc()).map_err(|_| format!("`{text}` must be as 2026-01-31 23:59:59"))
}

fn read(path: &Path) -> Result<String, Faults> {
    std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot be read: {error}");
        Faults(vec![fault(&path.display().to_string(), 1, "", &message)])
    })
}

fn fault(file: &str, line: usize, field: &str, message: &str) -> Fault {
    Fault { file: file.to_owned(), line, field: field.to_owned(), message: message.to_owned() }
}
