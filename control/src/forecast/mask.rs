//! When the load was not ordinary: runs, drills and pages, as the journal tells of them. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::history::{HISTORY, Interval};
use crate::journal::{Event, Fold};

/// Severities that are incidents. A warning is part of ordinary days.
const INCIDENTS: [&str; 2] = ["P1", "P2"];
/// Intervals remembered; a page an hour for four weeks is 672.
const INTERVALS_MAX: usize = 2_000;

/// What is told of every environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AllMasks(BTreeMap<String, Masks>);

impl AllMasks {
    /// What is told of one environment.
    #[must_use]
    pub fn of(mut self, environment: &str) -> Masks {
        self.0.remove(environment).unwrap_or_default()
    }
}

impl Fold for AllMasks {
    const NAME: &'static str = "masks.1";
    const KINDS: &'static [&'static str] = &["run.", "alert."];

    fn fold(&mut self, event: &Event) {
        let Some((environment, of)) = event.subject.split_once('/') else { return };
        let own = of.starts_with("run/") || of.starts_with("alert/");
        if own {
            self.0.entry(environment.to_owned()).or_default().fold(event);
        }
    }
}

/// The intervals of one environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Masks {
    /// By run or episode: from when to when, as far as is told.
    spans: BTreeMap<String, Interval>,
    /// Episodes that have not ended.
    open: BTreeMap<String, DateTime<Utc>>,
}

impl Masks {
    fn fold(&mut self, event: &Event) {
        if event.kind.starts_with("run.") {
            self.stretch(&event.subject, event.at, event.at);
        } else if event.kind == "alert.firing" {
            let severity = event.data["severity"].as_str().unwrap_or_default();
            if INCIDENTS.contains(&severity) {
                self.open.entry(event.subject.clone()).or_insert(event.at);
            }
        } else if event.kind == "alert.resolved"
            && let Some(from) = self.open.remove(&event.subject)
        {
            self.stretch(&format!("{}@{}", event.subject, event.seq), from, event.at);
        }
    }

    fn stretch(&mut self, name: &str, from: DateTime<Utc>, to: DateTime<Utc>) {
        if !self.spans.contains_key(name) {
            self.spans.retain(|_, span| span.to > to - HISTORY);
        }
        let span = self.spans.entry(name.to_owned()).or_insert(Interval { from, to });
        span.from = span.from.min(from);
        span.to = span.to.max(to);
        if self.spans.len() > INTERVALS_MAX {
            let oldest = self.spans.iter().min_by_key(|(_, span)| span.to);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.spans.remove(&name);
            }
        }
    }

    /// Every interval that reaches into the history of `now`; what has not ended lasts until now.
    #[must_use]
    pub fn intervals(&self, now: DateTime<Utc>) -> Vec<Interval> {
        let open = self.open.values().map(|from| Interval { from: *from, to: now });
        let all = self.spans.values().copied().chain(open);
        all.filter(|one| one.to > now - HISTORY).collect()
    }
}
