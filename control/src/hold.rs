//! Holds: somebody keeps control from changing the service's size, for a while.
//!
//! A hold always expires, because a forgotten one costs money or safety. Holds are events in the
//! journal and survive a restart; the capacity loop asks [`Holds::held`] before it acts.

use crate::journal::{Entry, Journal, JournalError};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{Mutex, watch};

/// The longest that anybody may hold anything: four hours.
pub const HOLD_MAX: Duration = Duration::from_secs(4 * 3600);
/// Standing holds at once, over all environments. More than that is a fault, not a practice.
const HOLDS_MAX: usize = 64;

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

/// Why a hold was not taken.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error("taking a hold on {environment}: {HOLDS_MAX} stand already")]
    TooMany { environment: String },
    #[error("recording a hold")]
    Journal(#[from] JournalError),
}

/// The standing holds. A clone is another handle on the same ones.
#[derive(Clone)]
pub struct Holds {
    journal: Journal,
    standing: Arc<watch::Sender<BTreeMap<String, Hold>>>,
    /// Makes the order of events the order of changes.
    writing: Arc<Mutex<()>>,
}

impl Holds {
    /// The holds that the journal tells of.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn recover(journal: Journal) -> Result<Self, JournalError> {
        let mut standing = BTreeMap::new();
        journal
            .replay("hold.", |event| match event.kind.as_str() {
                "hold.taken" => {
                    if let Ok(hold) = serde_json::from_value::<Hold>(event.data.clone()) {
                        standing.insert(hold.id.clone(), hold);
                    }
                }
                _ => {
                    standing.remove(event.data["id"].as_str().unwrap_or_default());
                }
            })
            .await?;
        let standing = Arc::new(watch::Sender::new(standing));
        Ok(Self { journal, standing, writing: Arc::default() })
    }

    /// Takes a hold, or moves the standing one with its id.
    ///
    /// # Errors
    ///
    /// When there are too many, or the journal cannot be written.
    pub async fn take(&self, hold: Hold, now: DateTime<Utc>) -> Result<(), HoldError> {
        let _turn = self.writing.lock().await;
        let mut standing = self.standing.borrow().clone();
        standing.retain(|_, other| other.expires_at > now);
        if standing.len() >= HOLDS_MAX && !standing.contains_key(&hold.id) {
            return Err(HoldError::TooMany { environment: hold.environment });
        }
        let summary = format!(
            "scaling of {} held ({:?}) until {}: {}",
            hold.environment,
            hold.direction,
            hold.expires_at.format("%H:%M:%S"),
            hold.reason
        );
        let data = serde_json::to_value(&hold).expect("a hold has only text keys");
        let subject = format!("{}/hold/{}", hold.environment, hold.id);
        self.journal.append(Entry::by(&hold.by, subject, "hold.taken", summary, data)).await?;
        standing.insert(hold.id.clone(), hold);
        self.standing.send_replace(standing);
        Ok(())
    }

    /// Ends a hold before it expires. Returns false when none with this id stands.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written: then the hold stands.
    pub async fn release(&self, id: &str, by: &str) -> Result<bool, JournalError> {
        let _turn = self.writing.lock().await;
        let Some(hold) = self.standing.borrow().get(id).cloned() else { return Ok(false) };
        let summary = format!("scaling of {} released: {}", hold.environment, hold.reason);
        let subject = format!("{}/hold/{id}", hold.environment);
        let entry = Entry::by(by, subject, "hold.released", summary, json!({ "id": id }));
        self.journal.append(entry).await?;
        self.standing.send_modify(|standing| {
            standing.remove(id);
        });
        Ok(true)
    }

    /// The holds that stand at `now`, by id.
    #[must_use]
    pub fn standing(&self, now: DateTime<Utc>) -> Vec<Hold> {
        self.standing.borrow().values().filter(|hold| hold.expires_at > now).cloned().collect()
    }

    /// The hold that forbids a change in this direction at `now`, if there is one.
    #[must_use]
    pub fn held(&self, environment: &str, way: Direction, now: DateTime<Utc>) -> Option<Hold> {
        let mut standing = self.standing(now).into_iter();
        standing.find(|hold| hold.environment == environment && hold.direction.covers(way))
    }
}
