//! Offered load in slices of ten seconds: what the engine plays, and what an oracle knows.

use chrono::{DateTime, TimeDelta, Utc};

use super::series::Series;
use crate::readings::classify::period_start;

/// The length of a slice, in seconds: the shortest period in which the service is measured.
pub const SLICE_S: i64 = 10;

/// One slice of offered load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offered {
    /// Requests per second.
    pub rate: f64,
    /// False within a gap of the recording: nothing was published, and nothing is judged.
    pub known: bool,
}

/// Offered load, slice after slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub start: DateTime<Utc>,
    pub slices: Vec<Offered>,
}

impl Trace {
    /// A recorded series, each value multiplied by `scale`. It begins on a whole minute, because
    /// periods are counted from the epoch and slices must not lie across their edges.
    #[must_use]
    pub fn recorded(series: &Series, scale: f64) -> Self {
        let slices = series.every(TimeDelta::seconds(SLICE_S));
        let offered = |(value, known)| Offered { rate: value * scale, known };
        let start = period_start(series.start(), TimeDelta::minutes(1));
        Self { start, slices: slices.map(offered).collect() }
    }

    /// The instant at which a slice begins, counted in seconds from the start.
    #[must_use]
    pub fn at(&self, seconds: i64) -> DateTime<Utc> {
        self.start + TimeDelta::seconds(seconds)
    }

    /// How long it is, in seconds.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        i64::try_from(self.slices.len()).unwrap_or(i64::MAX / SLICE_S) * SLICE_S
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_that_begins_in_mid_minute_is_played_from_its_start() {
        let text = "2015-02-26 21:42:53,10\n2015-02-26 21:47:53,40\n";
        let trace = Trace::recorded(&Series::parse("s.csv", text).unwrap(), 2.0);
        assert_eq!(trace.at(0).to_rfc3339(), "2015-02-26T21:42:00+00:00");
        assert_eq!(trace.slices[0], Offered { rate: 20.0, known: true });
        assert_eq!(trace.seconds(), 300);
    }
}
