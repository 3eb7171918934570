//! What people put in control's way, or under it: holds, floors and the freeze.
//!
//! A hold keeps the service from growing or shrinking; a floor keeps it from shrinking below a
//! number; a freeze keeps every loop from acting. Each has an author, a reason and an end, because
//! a forgotten one costs money or safety. All are events in the journal and survive a restart; the
//! loops ask for them before they act.

mod standing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use standing::{HoldError, Standing, Stands, Told};

/// The longest that anybody may hold anything: four hours.
pub const HOLD_MAX: Duration = Duration::from_secs(4 * 3600);
/// The longest that a floor may last: a sale of a week.
pub const FLOOR_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// The longest that a freeze may last: a long weekend.
pub const FREEZE_MAX: Duration = Duration::from_secs(3 * 24 * 3600);

/// Standing holds.
pub type Holds = Standing<Hold>;
/// Standing floors.
pub type Floors = Standing<ManualFloor>;
/// Standing freezes.
pub type Freezes = Standing<Freeze>;

/// Which way the size may not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    In,
    Out,
    Both,
}

impl Direction {
    /// The direction with this name.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "in" => Some(Self::In),
            "out" => Some(Self::Out),
            "both" => Some(Self::Both),
            _ => None,
        }
    }

    /// True when holding this way also holds `other`.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self == Self::Both || self == other
    }
}

/// One hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Taking a hold with the id of a standing one replaces it.
    pub id: String,
    pub environment: String,
    pub direction: Direction,
    pub reason: String,
    /// A token's name, or `control` for a run.
    pub by: String,
    pub expires_at: DateTime<Utc>,
}

/// A number of tasks below which the service must not be, because somebody knows what comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualFloor {
    /// Setting a floor with the id of a standing one replaces it.
    pub id: String,
    pub environment: String,
    pub tasks: u32,
    pub reason: String,
    /// A token's name.
    pub by: String,
    pub expires_at: DateTime<Utc>,
}

/// A stop of everything that acts by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    pub id: String,
    /// `None`: every environment.
    pub environment: Option<String>,
    pub reason: String,
    /// A token's name.
    pub by: String,
    pub expires_at: DateTime<Utc>,
}

impl Stands for Hold {
    const BEGUN: &'static str = "hold.taken";
    const ENDED: &'static str = "hold.released";
    const PREFIX: &'static str = "hold.";
    const FOLD: &'static str = "holds.1";

    fn id(&self) -> &str {
        &self.id
    }

    fn environment(&self) -> Option<&str> {
        Some(&self.environment)
    }

    fn by(&self) -> &str {
        &self.by
    }

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    fn say(&self) -> String {
        let way = match self.direction {
            Direction::In => "in",
            Direction::Out => "out",
            Direction::Both => "both ways",
        };
        format!("{} holds scaling {way}: {}", self.by, self.reason)
    }
}

impl Stands for ManualFloor {
    const BEGUN: &'static str = "floor.set";
    const ENDED: &'static str = "floor.removed";
    const PREFIX: &'static str = "floor.";
    const FOLD: &'static str = "floors.1";

    fn id(&self) -> &str {
        &self.id
    }

    fn environment(&self) -> Option<&str> {
        Some(&self.environment)
    }

    fn by(&self) -> &str {
        &self.by
    }

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    fn say(&self) -> String {
        format!("{} keeps at least {} tasks: {}", self.by, self.tasks, self.reason)
    }
}

impl Stands for Freeze {
    const BEGUN: &'static str = "freeze.set";
    const ENDED: &'static str = "freeze.lifted";
    const PREFIX: &'static str = "freeze.";
    const FOLD: &'static str = "freezes.1";

    fn id(&self) -> &str {
        &self.id
    }

    fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    fn by(&self) -> &str {
        &self.by
    }

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    fn say(&self) -> String {
        format!("{} froze everything: {}", self.by, self.reason)
    }
}

impl Standing<Hold> {
    /// The hold that forbids a change in this direction at `now` for longest, if there is one.
    #[must_use]
    pub fn held(&self, environment: &str, way: Direction, now: DateTime<Utc>) -> Option<Hold> {
        let standing = self.of(environment, now).into_iter();
        standing.filter(|hold| hold.direction.covers(way)).max_by_key(|hold| hold.expires_at)
    }
}
