//! All episodes and deliveries of one environment, folded from the journal. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{AlertState, AlertView};
use serde_json::{Value, json};

use super::deliver::Delivery;
use super::state::{Episode, State};
use crate::journal::{Entry, Event};

/// Resolved episodes are shown this long.
const RESOLVED_SHOWN: TimeDelta = TimeDelta::minutes(30);
/// Resolved episodes that are kept to be shown, and deliveries that are done.
const DONE_MAX: usize = 50;

/// What is known of alerts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Book {
    /// Pending, firing and acknowledged episodes, by rule.
    pub(super) open: BTreeMap<String, Episode>,
    /// Oldest first.
    pub(super) resolved: Vec<Episode>,
    /// By id.
    pub(super) deliveries: BTreeMap<String, Delivery>,
}

impl Book {
    /// Takes in one event of this environment.
    pub(super) fn fold(&mut self, event: &Event) {
        match event.kind.as_str() {
            "alert.firing" | "alert.acked" | "alert.resolved" => {
                if let Ok(episode) = serde_json::from_value::<Episode>(event.data.clone()) {
                    self.take(episode);
                }
            }
            kind if kind.starts_with("delivery.") => {
                if let Ok(delivery) = serde_json::from_value::<Delivery>(event.data.clone()) {
                    self.deliveries.insert(delivery.id.clone(), delivery);
                }
            }
            _ => {}
        }
    }

    /// Takes in an episode's newest state, and forgets what is long done.
    pub(super) fn take(&mut self, episode: Episode) {
        if matches!(episode.state, State::Resolved { .. }) {
            self.open.remove(&episode.rule);
            self.resolved.push(episode);
            let extra = self.resolved.len().saturating_sub(DONE_MAX);
            self.resolved.drain(..extra);
        } else {
            self.open.insert(episode.rule.clone(), episode);
        }
        let known =
            |id: &str| self.open.values().chain(&self.resolved).any(|episode| episode.id == id);
        self.deliveries.retain(|_, delivery| delivery.open() || known(&delivery.episode));
    }

    /// Episodes that people should see, most severe and newest first.
    pub(super) fn views(&self, now: DateTime<Utc>) -> Vec<AlertView> {
        let recent = self.resolved.iter().filter(
            |one| matches!(one.state, State::Resolved { at } if now - at <= RESOLVED_SHOWN),
        );
        let mut episodes: Vec<&Episode> = self.open.values().chain(recent).collect();
        episodes.sort_by_key(|one| {
            let resolved = matches!(one.state, State::Resolved { .. });
            (resolved, one.severity, std::cmp::Reverse(one.since))
        });
        episodes.into_iter().map(|episode| self.view(episode)).collect()
    }

    fn view(&self, episode: &Episode) -> AlertView {
        let about = self.deliveries.values().filter(|one| one.episode == episode.id);
        AlertView {
            id: episode.id.clone(),
            rule: episode.rule.clone(),
            severity: episode.severity,
            state: match episode.state {
                State::Pending { .. } => AlertState::Pending,
                State::Firing { .. } => AlertState::Firing,
                State::Acked { .. } => AlertState::Acked,
                State::Resolved { .. } => AlertState::Resolved,
            },
            no_data: episode.no_data,
            since: episode.since,
            summary: episode.summary.clone(),
            deliveries: about.map(|one| format!("{}: {}", one.channel, one.state.name())).collect(),
            runbook: episode.runbook.clone(),
            owner: episode.owner.clone(),
        }
    }
}

/// The event that says an episode's new state.
pub(super) fn episode_entry(actor: &str, kind: &str, episode: &Episode) -> Entry {
    let environment = episode.id.split('.').next().unwrap_or_default();
    let subject = format!("{environment}/alert/{}", episode.rule);
    let summary = format!("{:?} {}: {}", episode.severity, episode.rule, episode.summary);
    Entry::by(actor, subject, kind, summary, data(episode))
}

/// The event that says a delivery's new state.
pub(super) fn delivery_entry(delivery: &Delivery, detail: &str) -> Entry {
    let environment = delivery.episode.split('.').next().unwrap_or_default();
    let kind = format!("delivery.{}", delivery.state.name());
    let summary = format!(
        "{} through {}, try {}{}{detail}",
        delivery.subject,
        delivery.channel,
        delivery.attempts,
        if detail.is_empty() { "" } else { ": " }
    );
    Entry::control(format!("{environment}/alert/delivery"), kind, summary, data(delivery))
}

fn data(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|_| json!({}))
}
