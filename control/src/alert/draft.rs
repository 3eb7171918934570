//! What one look at everything, or one call of a person, changes: made up first, written down
//! second, believed third. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::RunView;

use super::Rule;
use super::book::{Book, delivery_entry, episode_entry};
use super::decide::{Seen, decide};
use super::deliver::{self, Delivery, Word};
use super::routes::{Hop, escalates};
use super::rule::{Finding, Verdict};
use super::silence::{Silence, stands};
use super::state::{Change, Episode, State, next};
use crate::config::Environment;
use crate::journal::Entry;

/// Messages that failed this often in a row are a fault of their own.
const ATTEMPTS_WORTH_TELLING: u32 = 3;
/// A message that no channel took is news for this long.
const LOST_TOLD: TimeDelta = TimeDelta::minutes(30);

/// A book as it shall be, and the events that say so.
pub(super) struct Draft<'a> {
    wanted: &'a Environment,
    now: DateTime<Utc>,
    pub(super) book: Book,
    /// Open episodes that changed, by rule: the event's kind and its reason.
    episodes: BTreeMap<String, (&'static str, String)>,
    deliveries: BTreeMap<String, Delivery>,
    /// Events that are complete: those of episodes that ended, and of people's calls.
    written: Vec<Entry>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(book: &Book, wanted: &'a Environment, now: DateTime<Utc>) -> Self {
        Self {
            wanted,
            now,
            book: book.clone(),
            episodes: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            written: Vec::new(),
        }
    }

    /// Hands the newest findings to the episodes.
    pub(super) fn take_findings(&mut self, findings: Vec<(&Rule, Finding)>) {
        for (rule, finding) in findings {
            let before = self.book.open.get(&rule.name);
            let (episode, change) = next(&self.wanted.name, rule, before, &finding, self.now);
            let Some(episode) = episode else {
                self.book.open.remove(&rule.name);
                continue;
            };
            match change {
                Change::None => self.book.take(episode),
                Change::Fired => {
                    self.episodes.insert(rule.name.clone(), ("alert.firing", String::new()));
                    self.book.take(episode);
                }
                Change::Resolved => self.end("control", "", episode),
            }
        }
    }

    /// Records an episode's end, and tells those who were told of its beginning.
    pub(super) fn end(&mut self, by: &str, why: &str, episode: Episode) {
        self.written.push(episode_entry(by, "alert.resolved", &episode, why));
        if episode.told.level > 0 {
            self.queue(&episode, Word { what: "resolved", level: 1, times: 1 });
        }
        self.book.take(episode);
    }

    /// Records an episode's state on somebody's word.
    pub(super) fn change(&mut self, by: &str, why: &str, kind: &str, episode: Episode) {
        self.written.push(episode_entry(by, kind, &episode, why));
        self.book.take(episode);
    }

    /// An episode whose rule was removed from the file can neither hold nor clear any more.
    pub(super) fn drop_rules_that_are_gone(&mut self) {
        let rules = &self.wanted.alerts;
        let gone = self.book.open.values().filter(|one| rules.iter().all(|r| r.name != one.rule));
        for mut episode in gone.cloned().collect::<Vec<_>>() {
            episode.state = State::Resolved { at: self.now };
            episode.quiet = None;
            episode.summary = "the rule was removed".to_owned();
            self.end("control", "", episode);
        }
    }

    /// Decides who is told, and queues it.
    pub(super) fn tell(&mut self, runs: &[RunView]) {
        let silences = standing(&self.book, self.wanted, self.now);
        let seen = Seen {
            rules: &self.wanted.alerts,
            routes: &self.wanted.routes,
            runs,
            silences: &silences,
            now: self.now,
        };
        for ruling in decide(&self.book, &seen) {
            let rule = ruling.episode.rule.clone();
            if let Some(word) = ruling.tell {
                self.queue(&ruling.episode, word);
            }
            // That it fires says more than that it is told.
            let kind = self.episodes.get(&rule).map_or(ruling.kind, |(kind, _)| *kind);
            self.episodes.insert(rule, (kind, ruling.why));
            self.book.take(ruling.episode);
        }
    }

    /// Queues a message through every channel of its level: at once, or into the digest.
    fn queue(&mut self, episode: &Episode, word: Word) {
        let routes = &self.wanted.routes;
        let severity = episode.severity;
        for (channel, topic) in routes.topics(severity, word.level).into_iter().flatten() {
            let hop = Hop { channel: *channel, topic: topic.clone() };
            let fallback = routes.fallback(severity, word.level, *channel);
            let delivery = if escalates(severity) {
                Delivery::page(episode, word, hop, fallback, self.now)
            } else {
                let mut open = self.book.deliveries.values();
                let open = open.find(|one| one.gathers(severity, *channel)).cloned();
                let span = (self.now, self.now + routes.digest_every);
                let name = &self.wanted.name;
                open.unwrap_or_else(|| Delivery::digest(name, severity, hop, fallback, span))
                    .with(episode, word.what, self.now)
            };
            self.book.deliveries.insert(delivery.id.clone(), delivery.clone());
            self.deliveries.insert(delivery.id.clone(), delivery);
        }
    }

    /// True when something is to be sent.
    pub(super) fn sends(&self) -> bool {
        !self.deliveries.is_empty()
    }

    /// One event for each episode and each delivery that changed, to be written together.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = self.written.clone();
        for (rule, (kind, why)) in &self.episodes {
            if let Some(episode) = self.book.open.get(rule) {
                entries.push(episode_entry("control", kind, episode, why));
            }
        }
        let name = &self.wanted.name;
        entries.extend(self.deliveries.values().map(|one| delivery_entry(name, one, "")));
        entries
    }
}

/// The silences and the windows that stand.
pub(super) fn standing(book: &Book, wanted: &Environment, now: DateTime<Utc>) -> Vec<Silence> {
    announced(book, wanted, now).into_iter().filter(|silence| stands(silence, now)).collect()
}

/// The silences and the windows that stand or are to come.
pub(super) fn announced(book: &Book, wanted: &Environment, now: DateTime<Utc>) -> Vec<Silence> {
    let windows = wanted.maintenance.iter().filter_map(|one| one.silence(&wanted.name, now));
    let all = book.silences.values().cloned().chain(windows);
    all.filter(|silence| now < silence.ends_at).collect()
}

/// Whether messages reach people: a finding like any other, told through whatever is left.
pub(super) fn reaching(book: &Book, now: DateTime<Utc>) -> Finding {
    let failing = |one: &&Delivery| {
        let stuck = one.open() && one.attempts >= ATTEMPTS_WORTH_TELLING;
        let lost = one.state == deliver::State::Failed && now - one.next_at <= LOST_TOLD;
        // Messages about this very finding would keep it up for ever.
        let own = one.subject.contains("delivery-failing");
        !own && (stuck || lost)
    };
    let mut all = book.deliveries.values().filter(failing);
    match all.next() {
        None => Finding {
            verdict: Verdict::Clear,
            text: "every message was accepted or is new".to_owned(),
        },
        Some(first) => Finding {
            verdict: Verdict::Holds,
            text: format!("{} messages not accepted, first: {}", all.count() + 1, first.subject),
        },
    }
}
