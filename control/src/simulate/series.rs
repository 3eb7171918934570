//! Recorded series: `timestamp,value` lines with gaps, as the Numenta Anomaly Benchmark has them.
//!
//! Lines may be out of order or doubled; the last one about an instant counts. A value that is
//! missing is a gap and never a zero. A header is allowed and not required.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::document::{Fault, Faults};

/// Five-minute points of nine years.
const ROWS_MAX: usize = 1_000_000;
/// Faults that are told; the rest is most likely the same one.
const FAULTS_MAX: usize = 20;
/// Points further apart than this many usual spacings have a gap between them.
const GAP_SPACINGS: i32 = 3;

/// What was measured, oldest first. Never fewer than two points.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    points: Vec<(DateTime<Utc>, f64)>,
    /// The usual distance between two points.
    spacing: TimeDelta,
}

impl Series {
    /// Reads a file's text. `file` is only used to name it in faults.
    ///
    /// # Errors
    ///
    /// Every faulty line, up to a bound.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let mut points = BTreeMap::new();
        let mut fault = |line: usize, field: &str, message: String| {
            let file = file.to_owned();
            faults.push(Fault { file, line: line + 1, field: field.to_owned(), message });
        };
        let rows = text.lines().enumerate().filter(|(_, row)| !row.trim().is_empty());
        for (line, row) in rows {
            if points.len() > ROWS_MAX {
                fault(line, "", format!("more than {ROWS_MAX} lines"));
                break;
            }
            let mut columns = row.split(',').map(str::trim);
            let (Some(at), Some(value), None) = (columns.next(), columns.next(), columns.next())
            else {
                fault(line, "", "must be `timestamp,value`".to_owned());
                continue;
            };
            match (instant(at), number(value)) {
                (None, _) if line == 0 => {}
                (None, _) => fault(line, "timestamp", format!("`{at}` is no time")),
                (Some(_), Err(message)) => fault(line, "value", message),
                (Some(at), Ok(Some(value))) => {
                    points.insert(at, value);
                }
                (Some(_), Ok(None)) => {}
            }
        }
        if points.len() < 2 && faults.is_empty() {
            let message = "must hold at least two points".to_owned();
            faults.push(Fault { file: file.to_owned(), line: 1, field: String::new(), message });
        }
        faults.truncate(FAULTS_MAX);
        if faults.is_empty() { Ok(Self::of(points)) } else { Err(Faults(faults)) }
    }

    fn of(points: BTreeMap<DateTime<Utc>, f64>) -> Self {
        let points: Vec<_> = points.into_iter().collect();
        let mut apart: Vec<_> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        apart.sort_unstable();
        let spacing = apart[apart.len() / 2];
        Self { points, spacing }
    }

    /// The instant of the first point.
    #[must_use]
    pub fn start(&self) -> DateTime<Utc> {
        self.points[0].0
    }

    /// From the first point to the last.
    #[must_use]
    pub fn length(&self) -> TimeDelta {
        self.points[self.points.len() - 1].0 - self.points[0].0
    }

    /// The value that half of all points do not exceed.
    #[must_use]
    pub fn median(&self) -> f64 {
        let mut values: Vec<f64> = self.points.iter().map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    /// The largest value.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.points.iter().map(|(_, value)| *value).fold(0.0, f64::max)
    }

    /// The value at each multiple of `step` from the start, on straight lines between the points;
    /// within a gap, the same line and `false`.
    pub fn every(&self, step: TimeDelta) -> impl Iterator<Item = (f64, bool)> {
        let gap = self.spacing * GAP_SPACINGS;
        let (mut at, mut next) = (self.start(), 1);
        std::iter::from_fn(move || {
            while self.points.get(next)?.0 <= at {
                next += 1;
            }
            let ((from, low), (to, high)) = (self.points[next - 1], *self.points.get(next)?);
            let share = (at - from).as_seconds_f64() / (to - from).as_seconds_f64();
            at += step;
            Some((low + (high - low) * share, to - from <= gap))
        })
    }
}

/// A time with or without a zone; without one it is UTC.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let read = |format: &&str| NaiveDateTime::parse_from_str(text, format).ok();
    formats.iter().find_map(read).map(|at| at.and_utc())
}

/// A load, or `None` for one that was not measured.
fn number(text: &str) -> Result<Option<f64>, String> {
    if text.is_empty() || text.eq_ignore_ascii_case("nan") {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(Some(value)),
        Ok(_) => Err(format!("`{text}` must be a load: finite, and not below zero")),
        Err(_) => Err(format!("`{text}` is no number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_a_gap_a_double_and_disorder_are_taken_as_they_are() {
        let text = "timestamp,value\n2014-04-10 00:10:00,30\n2014-04-10 00:00:00,10\n\
                    2014-04-10 00:05:00,\n2014-04-10 00:10:00,20\n2014-04-10T00:15:00Z,40.5\n";
        let series = Series::parse("s.csv", text).unwrap();
        let values: Vec<f64> = series.points.iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [10.0, 20.0, 40.5]);
        assert_eq!((series.median(), series.peak()), (20.0, 40.5));
        assert_eq!(series.length(), TimeDelta::minutes(15));
    }

    #[test]
    fn every_faulty_line_is_named() {
        let text = "timestamp,value\n2014-04-10 00:00:00,x\nyesterday,3\n2014-04-10 00:05:00,-1\n\
                    2014-04-10 00:10:00,1,2\n";
        let Faults(faults) = Series::parse("s.csv", text).unwrap_err();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "s.csv:2: value: `x` is no number",
                "s.csv:3: timestamp: `yesterday` is no time",
                "s.csv:4: value: `-1` must be a load: finite, and not below zero",
                "s.csv:5: must be `timestamp,value`",
            ]
        );
        let Faults(faults) = Series::parse("s.csv", "timestamp,value\n").unwrap_err();
        assert_eq!(faults[0].message, "must hold at least two points");
    }

    #[test]
    fn between_points_runs_a_straight_line_and_a_gap_is_marked() {
        let text = "2014-04-10 00:00:00,0\n2014-04-10 00:01:00,6\n2014-04-10 00:02:00,0\n\
                    2014-04-10 00:12:00,10\n";
        let series = Series::parse("s.csv", text).unwrap();
        let all: Vec<_> = series.every(TimeDelta::seconds(30)).collect();
        assert_eq!(all[..5], [(0.0, true), (3.0, true), (6.0, true), (3.0, true), (0.0, false)]);
        assert_eq!(all.len(), 24, "up to the last point, which ends the series");
    }
}
