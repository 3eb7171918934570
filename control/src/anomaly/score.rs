//! How well detections match what people labelled. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// Detections closer together than this are one episode: nobody wants a second page about what
/// has not been quiet for half a day.
const EPISODE_GAP: TimeDelta = TimeDelta::hours(12);

/// A span that people called anomalous, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// Counts that add up over series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    pub windows: u32,
    /// Windows with at least one detection in them.
    pub windows_found: u32,
    pub points: u32,
    /// Detections that are in some window.
    pub points_true: u32,
    pub episodes: u32,
    /// Episodes with at least one detection in some window.
    pub episodes_true: u32,
}

impl Score {
    /// Windows found of all windows; `None` without any.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        ratio(self.windows_found, self.windows)
    }

    /// True detections of all detections; `None` without any.
    #[must_use]
    pub fn precision_of_points(&self) -> Option<f64> {
        ratio(self.points_true, self.points)
    }

    /// True episodes of all episodes; `None` without any.
    #[must_use]
    pub fn precision_of_episodes(&self) -> Option<f64> {
        ratio(self.episodes_true, self.episodes)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            windows: self.windows + other.windows,
            windows_found: self.windows_found + other.windows_found,
            points: self.points + other.points,
            points_true: self.points_true + other.points_true,
            episodes: self.episodes + other.episodes,
            episodes_true: self.episodes_true + other.episodes_true,
        }
    }
}

fn ratio(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

/// Holds detections, oldest first, against windows.
#[must_use]
pub fn score(detections: &[DateTime<Utc>], windows: &[Window]) -> Score {
    let labelled = |at: &DateTime<Utc>| windows.iter().any(|w| (w.from..=w.to).contains(at));
    let found = |w: &&Window| detections.iter().any(|at| (w.from..=w.to).contains(at));
    let mut score = Score {
        windows: count(windows.len()),
        windows_found: count(windows.iter().filter(found).count()),
        points: count(detections.len()),
        points_true: count(detections.iter().filter(|at| labelled(at)).count()),
        ..Score::default()
    };
    for episode in detections.chunk_by(|a, b| *b - *a < EPISODE_GAP) {
        score.episodes += 1;
        score.episodes_true += u32::from(episode.iter().any(labelled));
    }
    score
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
