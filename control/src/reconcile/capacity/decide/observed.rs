//! What a decision is made from. Plain data, put together by the loop, a replay or a simulation.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use protocol::control::Reading;

use crate::readings::Window;
use crate::reconcile::capacity::past::Past;

/// What was seen, and what people and other parts ask for.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The number that control moves: desired tasks in mode `own`, minimum capacity in `floor`.
    /// `None` when it was never seen.
    pub current: Option<u32>,
    pub seen_at: Option<DateTime<Utc>>,
    /// By signal.
    pub windows: BTreeMap<String, Window>,
    /// Newest readings that a boost looks at.
    pub error_percent: Reading,
    pub p95_ms: Reading,
    /// What went before.
    pub past: Past,
    /// A deployment is replacing tasks, or its rollback is.
    pub deploying: bool,
    /// Somebody keeps anything from being removed, or added.
    pub held_in: Option<Block>,
    pub held_out: Option<Block>,
    /// Nothing may act at all.
    pub frozen: Option<Block>,
    /// A run owns this very resource: it alone moves it.
    pub locked: Option<Block>,
    /// A run or drill is on elsewhere in the environment: what is measured now says little.
    pub run: Option<Block>,
    /// What people and the forecast ask for at least.
    pub floors: Vec<Floor>,
    /// Why control must not move this number at all.
    pub forbidden: Option<String>,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            current: None,
            seen_at: None,
            windows: BTreeMap::new(),
            error_percent: Reading::Absent,
            p95_ms: Reading::Absent,
            past: Past::default(),
            deploying: false,
            held_in: None,
            held_out: None,
            frozen: None,
            locked: None,
            run: None,
            floors: Vec::new(),
            forbidden: None,
        }
    }
}

/// Why something may not be done, and until when that is known to last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub why: String,
    pub until: Option<DateTime<Utc>>,
}

/// A number below which the size must not be, until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floor {
    pub source: FloorSource,
    pub tasks: u32,
    pub until: DateTime<Utc>,
    pub why: String,
}

/// Who asks for a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloorSource {
    /// A person, who may go above a schedule's maximum.
    Manual,
    /// The forecast, which may not.
    Forecast,
}
