//! What the journal tells of each size that control moved: what a restart begins with. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::apply::asked;
use super::past::Past;
use crate::intent::Intent;
use crate::journal::{Event, Fold};

/// What a step of a run changes is the run's, and is remembered with it.
const OF_A_RUN: &str = "/run/";

/// By the subject of the intents, which is the resource: as many as there were resources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sizes(BTreeMap<String, Moved>);

/// What is told of one size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Moved {
    pub(super) past: Past,
    /// When control last acted on it.
    pub(super) at: Option<DateTime<Utc>>,
    /// Intents whose outcome is not told yet: from what to what.
    asked: BTreeMap<u64, (u32, u32)>,
}

impl Sizes {
    /// What is told of one; nothing of one that was never moved.
    pub(super) fn of(&self, subject: &str) -> Moved {
        self.0.get(subject).cloned().unwrap_or_default()
    }
}

impl Fold for Sizes {
    const NAME: &'static str = "sizes.1";
    const KINDS: &'static [&'static str] = &["intent."];

    fn fold(&mut self, event: &Event) {
        if event.subject.contains(OF_A_RUN) {
            return;
        }
        if event.kind == "intent.logged" {
            let intent = serde_json::from_value::<Intent>(event.data.clone()).ok();
            if let Some((from, to)) = intent.and_then(|intent| asked(&intent.change)) {
                let moved = self.0.entry(event.subject.clone()).or_default();
                moved.asked.insert(event.seq, (from.unwrap_or(to), to));
                moved.at = Some(event.at);
            }
        } else if let Some(moved) = self.0.get_mut(&event.subject) {
            moved.report(event);
        }
    }
}

impl Moved {
    /// Takes in what became of an intent.
    fn report(&mut self, event: &Event) {
        let made = match event.kind.as_str() {
            // Nobody knows yet is no outcome.
            "intent.overdue" => return,
            // Careful: what may have been done counts as done.
            "intent.confirmed" | "intent.applied" | "intent.unknown" => true,
            _ => false,
        };
        self.at = Some(event.at);
        let asked = event.data["intent"].as_u64().and_then(|id| self.asked.remove(&id));
        if let Some((from, to)) = asked.filter(|_| made) {
            self.past.changed(from, to, event.at);
        }
    }
}
