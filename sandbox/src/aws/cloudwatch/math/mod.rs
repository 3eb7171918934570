//! Metric math: `100 * errors / requests`, `IF(m1 > 5, m2, 0)`, `SUM(METRICS())`.
//!
//! Pure: text to tree ([`parse`]), tree and series to series ([`evaluate`]). Not here, and refused
//! by name: SEARCH, anomaly detection, contributor insights, the date functions, SORT, SLICE.

mod apply;
mod evaluate;
mod functions;
mod parse;

pub(super) use evaluate::{Scope, evaluate};
pub(super) use parse::{Expression, parse};

use std::collections::BTreeMap;

/// What is wrong with an expression, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Fault(pub(super) String);

/// A time series: one value per period that has any.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    pub(super) label: String,
    /// Seconds.
    pub(super) period: i64,
    /// By start of period, in seconds since 1970.
    pub(super) points: BTreeMap<i64, f64>,
}

/// What an expression may be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Scalar(f64),
    Text(String),
    Line(Line),
    Lines(Vec<Line>),
}
