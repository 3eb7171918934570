//! All episodes, silences and deliveries of one environment, folded from the journal. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{AlertState, AlertView, ToldView};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::deliver::Delivery;
use super::routes::{Routes, escalates};
use super::silence::Silence;
use super::state::{Episode, Quiet, State};
use crate::journal::{Entry, Event};

/// Resolved episodes are shown this long.
const RESOLVED_SHOWN: TimeDelta = TimeDelta::minutes(30);
/// Resolved episodes that are kept to be shown, and deliveries that are done.
const DONE_MAX: usize = 50;

/// What is known of alerts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Book {
    /// Pending, firing and acknowledged episodes, by rule.
    pub(super) open: BTreeMap<String, Episode>,
    /// Oldest first.
    pub(super) resolved: Vec<Episode>,
    /// By id.
    pub(super) deliveries: BTreeMap<String, Delivery>,
    /// By id; those of the calendar are not written down.
    pub(super) silences: BTreeMap<String, Silence>,
}

impl Book {
    /// Takes in one event of this environment.
    pub(super) fn fold(&mut self, event: &Event) {
        let data = || event.data.clone();
        match event.kind.split('.').next() {
            Some("alert") => {
                if let Ok(episode) = serde_json::from_value(data()) {
                    self.take(episode);
                }
            }
            Some("delivery") => {
                if let Ok(mut delivery) = serde_json::from_value::<Delivery>(data()) {
                    if !delivery.open() {
                        // It is not sent again, and nobody is shown its words.
                        delivery.lines.clear();
                    }
                    self.deliveries.insert(delivery.id.clone(), delivery);
                }
            }
            Some("silence") => {
                if let Ok(silence) = serde_json::from_value::<Silence>(data()) {
                    self.silences.insert(silence.id.clone(), silence);
                }
            }
            _ => {}
        }
    }

    /// Takes in an episode's newest state, and forgets what is long done.
    pub(super) fn take(&mut self, episode: Episode) {
        if matches!(episode.state, State::Resolved { .. }) {
            self.open.remove(&episode.rule);
            self.resolved.retain(|one| one.id != episode.id);
            self.resolved.push(episode);
            let extra = self.resolved.len().saturating_sub(DONE_MAX);
            self.resolved.drain(..extra);
        } else {
            self.open.insert(episode.rule.clone(), episode);
        }
    }

    /// Forgets deliveries of forgotten episodes, and silences that ended.
    pub(super) fn prune(&mut self, now: DateTime<Utc>) {
        let Self { open, resolved, deliveries, silences } = self;
        let known = |id: &String| open.values().chain(&*resolved).any(|one| one.id == *id);
        deliveries.retain(|_, delivery| delivery.open() || delivery.about.iter().any(known));
        silences.retain(|_, silence| now < silence.ends_at);
    }

    /// The episode with this id, resolved ones included.
    pub(super) fn episode(&self, id: &str) -> Option<&Episode> {
        self.open.values().chain(&self.resolved).find(|one| one.id == id)
    }

    /// The episodes that `id` explains, directly or through another one.
    pub(super) fn symptoms(&self, id: &str) -> Vec<&Episode> {
        let mut found: Vec<&Episode> = Vec::new();
        let mut causes = vec![id];
        while let Some(cause) = causes.pop() {
            for one in self.open.values().chain(&self.resolved) {
                let explained = one.caused_by() == Some(cause);
                if explained && found.iter().all(|other| other.id != one.id) {
                    found.push(one);
                    causes.push(&one.id);
                }
            }
        }
        found
    }

    /// Episodes that people should see, most severe and newest first.
    pub(super) fn views(&self, routes: &Routes, now: DateTime<Utc>) -> Vec<AlertView> {
        let recent = self.resolved.iter().filter(
            |one| matches!(one.state, State::Resolved { at } if now - at <= RESOLVED_SHOWN),
        );
        let mut episodes: Vec<&Episode> = self.open.values().chain(recent).collect();
        episodes.sort_by_key(|one| {
            let resolved = matches!(one.state, State::Resolved { .. });
            (resolved, one.severity, std::cmp::Reverse(one.since))
        });
        episodes.into_iter().map(|episode| self.view(episode, routes)).collect()
    }

    pub(super) fn view(&self, episode: &Episode, routes: &Routes) -> AlertView {
        let about = self.deliveries.values().filter(|one| one.about.contains(&episode.id));
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
            deliveries: about.map(Delivery::shown).collect(),
            runbook: episode.runbook.clone(),
            owner: episode.owner.clone(),
            told: self.told(episode, routes),
        }
    }

    fn told(&self, episode: &Episode, routes: &Routes) -> ToldView {
        let next = || {
            let patience = routes.patience(episode.told.level)?;
            episode.told.at.map(|at| at + patience)
        };
        let waits = matches!(episode.state, State::Firing { .. })
            && escalates(episode.severity)
            && episode.told.level > 0
            && episode.quiet.is_none();
        ToldView {
            level: episode.told.level,
            quiet: episode.quiet.as_ref().map(ToString::to_string),
            cause: episode.caused_by().map(str::to_owned),
            symptoms: self.symptoms(&episode.id).iter().map(|one| one.id.clone()).collect(),
            next_at: episode.ack_expires_at.or_else(|| waits.then(next)?),
        }
    }
}

impl Episode {
    /// The episode that explains this one, or did until it ended.
    pub(super) fn caused_by(&self) -> Option<&str> {
        match &self.quiet {
            Some(Quiet::Symptom { cause, .. }) => Some(cause),
            _ => self.cause.as_deref(),
        }
    }
}

/// The event that says an episode's new state, and why.
pub(super) fn episode_entry(actor: &str, kind: &str, episode: &Episode, why: &str) -> Entry {
    let environment = episode.id.split('.').next().unwrap_or_default();
    let subject = format!("{environment}/alert/{}", episode.rule);
    let because = if why.is_empty() { String::new() } else { format!(" ({why})") };
    let summary = format!("{:?} {}: {}{because}", episode.severity, episode.rule, episode.summary);
    Entry::by(actor, subject, kind, summary, data(episode))
}

/// The event that says a delivery's new state.
pub(super) fn delivery_entry(environment: &str, delivery: &Delivery, detail: &str) -> Entry {
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

/// The event that says a silence's span; one that was ended early ends in the past.
pub(super) fn silence_entry(by: &str, kind: &str, silence: &Silence, why: &str) -> Entry {
    let subject = format!("{}/alert/silence", silence.environment);
    let until = silence.ends_at.format("%Y-%m-%d %H:%M:%S");
    let summary = format!("{} until {until}: {why}", silence.id);
    Entry::by(by, subject, kind, summary, data(silence))
}

fn data(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|_| json!({}))
}
