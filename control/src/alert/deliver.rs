//! One message to people, on its way: queued → sending → accepted | queued again | escalated to
//! the next channel | failed. Pure.
//!
//! A page is a message about one episode. A digest gathers what is not urgent and is queued for
//! later from the start, so that it needs no state of its own.

#![deny(clippy::arithmetic_side_effects, clippy::wildcard_enum_match_arm)]

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Severity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::routes::{Channel, Hop};
use super::state::Episode;
use crate::aws::Change;

/// Tries before a channel is given up for the next one. With the waits between them and no slow
/// answer this is one to two minutes: a page must not wait longer for a channel that is down.
const ATTEMPTS_MAX: u32 = 8;
const WAIT_FIRST_MS: i64 = 1_000;
const WAIT_MAX_MS: i64 = 60_000;
/// Lines of a digest; what is beyond is counted.
const LINES_MAX: usize = 50;
const LINE_CHARS_MAX: usize = 300;
/// One SMS.
const SMS_CHARS_MAX: usize = 140;

/// One message through one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The same for every try, so that a receiver can drop a double.
    pub id: String,
    /// The episodes that it tells of; several only in a digest.
    pub about: Vec<String>,
    pub severity: Severity,
    /// Who is told: 1 first.
    pub level: u8,
    pub channel: Channel,
    pub topic: String,
    pub subject: String,
    pub lines: Vec<String>,
    /// Lines that the digest had no room for.
    pub more: u32,
    pub state: State,
    pub attempts: u32,
    pub next_at: DateTime<Utc>,
    /// Where it goes if this channel does not take it.
    pub fallback: Option<Hop>,
    /// The provider's word for having taken it.
    pub receipt: Option<String>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Queued,
    /// Handed over, the reply not yet here. After a restart it is sent again.
    Sending,
    /// The channel took it.
    Accepted,
    /// The channel did not take it; the next one was given it.
    Escalated,
    /// No channel took it.
    Failed,
}

impl State {
    /// As dashboards and journal say it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Escalated => "escalated",
            Self::Failed => "failed",
        }
    }
}

/// What a page says, and how often it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// `firing` or `resolved`.
    pub what: &'static str,
    pub level: u8,
    /// Counts the times that this level was told, from 1.
    pub times: u32,
}

impl Delivery {
    /// The page about an episode through one channel.
    #[must_use]
    pub fn page(
        episode: &Episode,
        word: Word,
        hop: Hop,
        fallback: Option<Hop>,
        now: DateTime<Utc>,
    ) -> Self {
        let Word { what, level, times } = word;
        let severity = episode.severity;
        let mut subject = format!("{severity:?} {what}: {}", episode.rule);
        if level > 1 {
            subject.push_str(&format!(" (level {level}, nobody has it)"));
        }
        let since = episode.since.format("%Y-%m-%d %H:%M:%S UTC");
        let mut lines = vec![
            clip(&episode.summary),
            format!("since {since}"),
            format!("episode {}", episode.id),
        ];
        lines.extend(episode.runbook.iter().map(|name| format!("runbook: {name}")));
        Self {
            id: format!("{}.{what}.{level}.{times}.{}", episode.id, hop.channel),
            about: vec![episode.id.clone()],
            severity,
            level,
            channel: hop.channel,
            topic: hop.topic,
            subject,
            lines,
            more: 0,
            state: State::Queued,
            attempts: 0,
            next_at: now,
            fallback,
            receipt: None,
        }
    }

    /// A digest that is still empty, to be sent at `at`.
    #[must_use]
    pub fn digest(
        environment: &str,
        severity: Severity,
        hop: Hop,
        fallback: Option<Hop>,
        (now, at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Self {
        Self {
            id: format!("{environment}.digest.{}.{}", now.timestamp_millis(), hop.channel),
            about: vec![],
            severity,
            level: 1,
            channel: hop.channel,
            topic: hop.topic,
            subject: format!("{severity:?} digest of {environment}"),
            lines: vec![],
            more: 0,
            state: State::Queued,
            attempts: 0,
            next_at: at,
            fallback,
            receipt: None,
        }
    }

    /// True while lines may be added: it is a digest, and nobody tried to send it.
    #[must_use]
    pub fn gathers(&self, severity: Severity, channel: Channel) -> bool {
        self.state == State::Queued
            && self.attempts == 0
            && self.subject.contains(" digest of ")
            && (self.severity, self.channel) == (severity, channel)
    }

    /// Adds what became of an episode.
    #[must_use]
    pub fn with(&self, episode: &Episode, what: &str, now: DateTime<Utc>) -> Self {
        let mut after = self.clone();
        if !after.about.contains(&episode.id) && after.about.len() < LINES_MAX {
            after.about.push(episode.id.clone());
        }
        if after.lines.len() < LINES_MAX {
            let at = now.format("%H:%M:%S");
            let line = format!("{at} {what} {}: {}", episode.rule, episode.summary);
            after.lines.push(clip(&line));
        } else {
            after.more = after.more.saturating_add(1);
        }
        after
    }

    /// True when it is to be sent now.
    #[must_use]
    pub fn due(&self, now: DateTime<Utc>) -> bool {
        self.open() && self.next_at <= now
    }

    /// True while it is on its way.
    #[must_use]
    pub fn open(&self) -> bool {
        matches!(self.state, State::Queued | State::Sending)
    }

    /// The delivery as it is handed over.
    #[must_use]
    pub fn sending(&self) -> Self {
        let attempts = self.attempts.saturating_add(1);
        Self { state: State::Sending, attempts, ..self.clone() }
    }

    /// The delivery after the channel took it.
    #[must_use]
    pub fn accepted(&self, receipt: &str) -> Self {
        Self { state: State::Accepted, receipt: Some(receipt.to_owned()), ..self.clone() }
    }

    /// The delivery after the channel did not take it, or did not say, and the one that takes its
    /// place once this channel is given up.
    #[must_use]
    pub fn refused(&self, now: DateTime<Utc>) -> (Self, Option<Self>) {
        if self.attempts < ATTEMPTS_MAX {
            let wait = TimeDelta::milliseconds(self.wait_ms());
            let next_at = now.checked_add_signed(wait).unwrap_or(now);
            return (Self { state: State::Queued, next_at, ..self.clone() }, None);
        }
        let Some(hop) = self.fallback.clone() else {
            return (Self { state: State::Failed, ..self.clone() }, None);
        };
        let mut next = Self {
            id: format!("{}.{}", self.id, hop.channel),
            state: State::Queued,
            attempts: 0,
            next_at: now,
            fallback: None,
            ..self.clone()
        };
        next.lines.push(format!("{} did not take this message", self.channel));
        (next.channel, next.topic) = (hop.channel, hop.topic);
        (Self { state: State::Escalated, fallback: None, ..self.clone() }, Some(next))
    }

    /// Doubles from a second to a minute. Half of it is chance, so that messages that failed
    /// together do not come back together; the chance is drawn from the delivery's own name, so
    /// that a replay waits the same.
    fn wait_ms(&self) -> i64 {
        let doublings = self.attempts.saturating_sub(1).min(6);
        let full = WAIT_FIRST_MS.saturating_mul(1_i64 << doublings).min(WAIT_MAX_MS);
        let half = full.checked_div(2).unwrap_or(full);
        let mut digest = Sha256::new();
        digest.update(self.id.as_bytes());
        digest.update(self.attempts.to_be_bytes());
        let drawn: [u8; 32] = digest.finalize().into();
        let drawn = i64::from(u16::from_be_bytes([drawn[0], drawn[1]]));
        half.saturating_add(
            half.saturating_mul(drawn).checked_div(i64::from(u16::MAX)).unwrap_or(0),
        )
    }

    /// The call that hands it over.
    #[must_use]
    pub fn publish(&self) -> Change {
        Change::Publish {
            topic: self.topic.clone(),
            subject: self.subject.clone(),
            message: self.message(),
            id: self.id.clone(),
        }
    }

    fn message(&self) -> String {
        match self.channel {
            Channel::Sms => {
                let first = self.lines.first().map_or("", String::as_str);
                format!("{}: {first}", self.subject).chars().take(SMS_CHARS_MAX).collect()
            }
            Channel::Email if self.more > 0 => {
                format!("{}\nand {} more", self.lines.join("\n"), self.more)
            }
            Channel::Email => self.lines.join("\n"),
        }
    }

    /// As dashboards show it.
    #[must_use]
    pub fn shown(&self) -> String {
        let whom = if self.level > 1 { format!(" level {}", self.level) } else { String::new() };
        let proof = self.receipt.as_ref().map_or(String::new(), |id| format!(" as {id}"));
        format!("{}{whom}: {}{proof}", self.channel, self.state.name())
    }
}

fn clip(text: &str) -> String {
    text.chars().take(LINE_CHARS_MAX).collect()
}
