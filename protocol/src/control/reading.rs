//! A signal's value with how far it can be trusted.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was read for a signal, and how far it can be trusted. Never a bare number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Reading {
    /// Of a closed period, complete and young enough to act on.
    Fresh { value: f64, at: DateTime<Utc> },
    /// The newest known value is too old to act on.
    Stale { value: f64, at: DateTime<Utc> },
    /// The source answered in part; the value may be short.
    Partial { value: f64, at: DateTime<Utc> },
    /// The source answered, and holds nothing.
    Absent,
    /// The source could not be asked.
    Error,
}

impl Reading {
    /// The value if it may be acted on.
    #[must_use]
    pub fn fresh(&self) -> Option<f64> {
        match self {
            Self::Fresh { value, .. } => Some(*value),
            Self::Stale { .. } | Self::Partial { .. } | Self::Absent | Self::Error => None,
        }
    }

    /// The newest value known, with its instant, whatever its quality.
    #[must_use]
    pub fn last(&self) -> Option<(f64, DateTime<Utc>)> {
        match self {
            Self::Fresh { value, at } | Self::Stale { value, at } | Self::Partial { value, at } => {
                Some((*value, *at))
            }
            Self::Absent | Self::Error => None,
        }
    }
}
