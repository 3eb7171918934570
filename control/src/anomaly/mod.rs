//! Anomalies: a value that is unusual for its series at this hour, without a limit set by hand.
//!
//! For an alert rule `anomaly: SIGNAL`, and for `control anomalies`, which measures the detector
//! on recorded series whose anomalies people have labelled. It learns from what it sees and from
//! nothing else; it never says why. A signal with a known limit is better served by a rule with
//! that limit.

pub mod command;
mod detector;
#[cfg(test)]
mod detector_tests;
mod score;
#[cfg(test)]
mod score_tests;
mod series;
#[cfg(test)]
mod series_tests;
mod tail;

pub use detector::{Detector, Verdict};
pub use score::{Score, Window, score};
pub use series::{Labels, Point, read_labels, read_series};
