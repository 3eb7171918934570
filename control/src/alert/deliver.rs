//! One message to people, on its way: queued → sending → accepted | queued again | failed. Pure.

#![deny(clippy::arithmetic_side_effects, clippy::wildcard_enum_match_arm)]

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Severity;
use serde::{Deserialize, Serialize};

use super::state::Episode;
use crate::aws::Change;

/// Tries before a delivery is given up. With the waits between them this is about five minutes.
const ATTEMPTS_MAX: u32 = 10;
const WAIT_FIRST: TimeDelta = TimeDelta::seconds(1);
const WAIT_MAX: TimeDelta = TimeDelta::seconds(60);

/// One message about one episode through one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The same for every try, so that a receiver can drop a double.
    pub id: String,
    pub episode: String,
    /// `sns p1`, ….
    pub channel: String,
    pub topic: String,
    pub subject: String,
    pub message: String,
    pub state: State,
    pub attempts: u32,
    pub next_at: DateTime<Utc>,
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
    /// Given up.
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
            Self::Failed => "failed",
        }
    }
}

impl Delivery {
    /// The message that says what became of an episode: `word` is `firing` or `resolved`.
    #[must_use]
    pub fn about(episode: &Episode, word: &str, topic: &str, now: DateTime<Utc>) -> Self {
        let severity = severity(episode.severity);
        let runbook = match &episode.runbook {
            Some(name) => format!("\nrunbook: {name}"),
            None => String::new(),
        };
        let since = episode.since.format("%Y-%m-%d %H:%M:%S UTC");
        Self {
            id: format!("{}.{word}", episode.id),
            episode: episode.id.clone(),
            channel: format!("sns {}", severity.to_ascii_lowercase()),
            topic: topic.to_owned(),
            subject: format!("{severity} {word}: {}", episode.rule),
            message: format!("{}\nsince {since}\nepisode {}{runbook}", episode.summary, episode.id),
            state: State::Queued,
            attempts: 0,
            next_at: now,
        }
    }

    /// True when it is to be sent now.
    #[must_use]
    pub fn due(&self, now: DateTime<Utc>) -> bool {
        matches!(self.state, State::Queued | State::Sending) && self.next_at <= now
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

    /// The delivery after the channel answered, or did not.
    #[must_use]
    pub fn answered(&self, accepted: bool, now: DateTime<Utc>) -> Self {
        if accepted {
            return Self { state: State::Accepted, ..self.clone() };
        }
        if self.attempts >= ATTEMPTS_MAX {
            return Self { state: State::Failed, ..self.clone() };
        }
        let doublings = self.attempts.saturating_sub(1).min(6);
        let wait = WAIT_FIRST.checked_mul(1_i32 << doublings).unwrap_or(WAIT_MAX).min(WAIT_MAX);
        let next_at = now.checked_add_signed(wait).unwrap_or(now);
        Self { state: State::Queued, next_at, ..self.clone() }
    }

    /// The call that hands it over.
    #[must_use]
    pub fn publish(&self) -> Change {
        Change::Publish {
            topic: self.topic.clone(),
            subject: self.subject.clone(),
            message: self.message.clone(),
            id: self.id.clone(),
        }
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::P1 => "P1",
        Severity::P2 => "P2",
        Severity::P3 => "P3",
        Severity::P4 => "P4",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples::second;

    fn delivery() -> Delivery {
        let episode = Episode {
            id: "local.latency.1".to_owned(),
            rule: "latency".to_owned(),
            severity: Severity::P1,
            state: super::super::state::State::Firing { clear_since: None },
            since: second(0),
            no_data: false,
            summary: "p95 182 ms > 100 ms for 60 s".to_owned(),
            runbook: Some("look".to_owned()),
            owner: None,
        };
        Delivery::about(&episode, "firing", "arn:topic", second(60))
    }

    #[test]
    fn the_message_says_what_since_when_and_what_helps() {
        let one = delivery();
        assert_eq!(one.subject, "P1 firing: latency");
        assert_eq!(
            one.message,
            "p95 182 ms > 100 ms for 60 s\nsince 2024-10-04 00:00:00 UTC\n\
             episode local.latency.1\nrunbook: look"
        );
        assert_eq!(one.id, "local.latency.1.firing");
    }

    #[test]
    fn a_refused_delivery_waits_longer_each_time_and_is_given_up() {
        let (mut one, mut now, mut waits) = (delivery(), second(60), vec![]);
        while one.open() {
            assert!(one.due(now), "{one:?}");
            one = one.sending().answered(false, now);
            waits.push((one.next_at - now).num_seconds());
            now = one.next_at;
        }
        assert_eq!(one.state, State::Failed);
        waits.pop();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn an_accepted_delivery_is_done_and_a_restart_in_mid_sending_sends_again() {
        let sending = delivery().sending();
        assert!(sending.due(second(60)), "the reply may have been lost with the process");
        let accepted = sending.answered(true, second(61));
        assert_eq!((accepted.state, accepted.open()), (State::Accepted, false));
    }
}
