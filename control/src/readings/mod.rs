//! Readings: what CloudWatch says of an environment's signals, and how far it can be trusted.

use std::time::Duration;

/// One thing to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    pub name: String,
    pub namespace: String,
    pub metric: String,
    pub dimensions: Vec<(String, String)>,
    /// `Average`, `Sum`, `p99`, ….
    pub statistic: String,
    pub period: Duration,
    /// A point that closed longer ago than this is stale.
    pub max_age: Duration,
    pub absent: Absence,
    /// Multiplies each value: 1000 turns seconds into milliseconds.
    pub scale: f64,
}

/// What it means that a period holds no point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Nothing is known.
    Unknown,
    /// Zero, provided that this other signal has a fresh point in the same period.
    ZeroIf(String),
}
