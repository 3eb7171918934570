//! One rule's episode: inactive → pending → firing → acked → resolved. Pure.
//!
//! Unknown changes no state; it only raises the flag that the state is the last known one. It
//! also stops the clock of a pending or clearing episode, because nobody watched meanwhile.

#![deny(clippy::arithmetic_side_effects, clippy::wildcard_enum_match_arm)]

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Severity;
use serde::{Deserialize, Serialize};

use super::Rule;
use super::rule::{Finding, Verdict};

/// One episode of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// Names it for ever: environment, rule and the second in which it began.
    pub id: String,
    pub rule: String,
    pub severity: Severity,
    pub state: State,
    /// When the condition began to hold.
    pub since: DateTime<Utc>,
    pub no_data: bool,
    pub summary: String,
    pub runbook: Option<String>,
    pub owner: Option<String>,
    /// When the acknowledgement ends by itself.
    #[serde(default)]
    pub ack_expires_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub told: Told,
    #[serde(default)]
    pub quiet: Option<Quiet>,
    /// The episode that explained this one last; kept when it ends, for the incident's story.
    #[serde(default)]
    pub cause: Option<String>,
}

/// How far the news went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// 0: nobody was told.
    pub level: u8,
    /// How often this level was told.
    pub times: u32,
    pub at: Option<DateTime<Utc>>,
}

/// Why nobody is told, or nobody more. An overlay: the episode takes its way as any other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Quiet {
    /// Another episode explains it.
    Symptom {
        cause: String,
        rule: String,
    },
    /// A step of a run does just this.
    Expected {
        run: String,
        step: String,
    },
    Silenced {
        silence: String,
        reason: String,
    },
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symptom { rule, .. } => write!(f, "symptom of {rule}"),
            Self::Expected { run, step } => write!(f, "expected in step {step} of {run}"),
            Self::Silenced { silence, reason } => write!(f, "silenced by {silence}: {reason}"),
        }
    }
}

/// Where an episode stands. No episode at all is `inactive`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// The condition has held since then, without a gap.
    Pending {
        held_since: DateTime<Utc>,
    },
    /// `clear_since`: from when on it was known not to hold.
    Firing {
        clear_since: Option<DateTime<Utc>>,
    },
    Acked {
        clear_since: Option<DateTime<Utc>>,
    },
    Resolved {
        at: DateTime<Utc>,
    },
}

impl State {
    /// As the API says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Firing { .. } => "firing",
            Self::Acked { .. } => "acked",
            Self::Resolved { .. } => "resolved",
        }
    }
}

/// What an evaluation did to an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that anybody must know.
    None,
    Fired,
    Resolved,
}

impl Episode {
    fn begin(environment: &str, rule: &Rule, finding: &Finding, now: DateTime<Utc>) -> Self {
        Self {
            id: format!("{environment}.{}.{}", rule.name, now.timestamp()),
            rule: rule.name.clone(),
            severity: rule.severity,
            state: State::Pending { held_since: now },
            since: now,
            no_data: false,
            summary: finding.text.clone(),
            runbook: rule.runbook.clone(),
            owner: None,
            ack_expires_at: None,
            told: Told::default(),
            quiet: None,
            cause: None,
        }
    }

    /// True from the first page until the condition is gone.
    #[must_use]
    pub fn active(&self) -> bool {
        match self.state {
            State::Firing { .. } | State::Acked { .. } => true,
            State::Pending { .. } | State::Resolved { .. } => false,
        }
    }

    /// Takes the episode on until `expires_at`. `None` when it is not firing: there is nothing to
    /// take on.
    #[must_use]
    pub fn ack(&self, by: &str, expires_at: DateTime<Utc>) -> Option<Self> {
        match self.state {
            State::Firing { clear_since } => Some(Self {
                state: State::Acked { clear_since },
                owner: Some(by.to_owned()),
                ack_expires_at: Some(expires_at),
                ..self.clone()
            }),
            State::Pending { .. } | State::Acked { .. } | State::Resolved { .. } => None,
        }
    }

    /// Gives the episode back. `None` when nobody has it.
    #[must_use]
    pub fn unack(&self) -> Option<Self> {
        match self.state {
            State::Acked { clear_since } => Some(Self {
                state: State::Firing { clear_since },
                owner: None,
                ack_expires_at: None,
                ..self.clone()
            }),
            State::Pending { .. } | State::Firing { .. } | State::Resolved { .. } => None,
        }
    }

    /// Ends the episode by a person's word. `None` when its condition is known to hold still, as
    /// the next look would begin it anew, and when there is nothing to end.
    #[must_use]
    pub fn resolve(&self, now: DateTime<Utc>) -> Option<Self> {
        match self.state {
            State::Firing { clear_since } | State::Acked { clear_since }
                if clear_since.is_some() || self.no_data =>
            {
                Some(Self { state: State::Resolved { at: now }, quiet: None, ..self.clone() })
            }
            State::Pending { .. }
            | State::Firing { .. }
            | State::Acked { .. }
            | State::Resolved { .. } => None,
        }
    }

    /// The state in words, for whoever asked for another one.
    #[must_use]
    pub fn standing(&self) -> String {
        let owner = self.owner.as_deref().unwrap_or("nobody");
        match self.state {
            State::Pending { .. } => "pending".to_owned(),
            State::Firing { clear_since: None } if !self.no_data => {
                "firing, and holding".to_owned()
            }
            State::Firing { .. } => "firing".to_owned(),
            State::Acked { .. } => format!("acknowledged by {owner}"),
            State::Resolved { .. } => "resolved".to_owned(),
        }
    }
}

/// The episode after one more evaluation; `None` is inactive.
#[must_use]
pub fn next(
    environment: &str,
    rule: &Rule,
    episode: Option<&Episode>,
    finding: &Finding,
    now: DateTime<Utc>,
) -> (Option<Episode>, Change) {
    let Some(episode) = episode else {
        return match finding.verdict {
            Verdict::Clear | Verdict::Unknown => (None, Change::None),
            Verdict::Holds => {
                fire_when_due(rule, Episode::begin(environment, rule, finding, now), now, finding)
            }
        };
    };
    let mut episode = episode.clone();
    episode.no_data = finding.verdict == Verdict::Unknown;
    match (episode.state, finding.verdict) {
        (State::Resolved { .. }, _) | (State::Pending { .. }, Verdict::Clear) => {
            (None, Change::None)
        }
        (State::Pending { .. }, Verdict::Holds) => fire_when_due(rule, episode, now, finding),
        // The waiting time begins anew when the signal is back.
        (State::Pending { .. }, Verdict::Unknown) => {
            episode.state = State::Pending { held_since: now };
            (Some(episode), Change::None)
        }
        (State::Firing { .. }, Verdict::Holds | Verdict::Unknown) => {
            episode.state = State::Firing { clear_since: None };
            (Some(described(episode, rule, finding)), Change::None)
        }
        (State::Acked { .. }, Verdict::Holds | Verdict::Unknown) => {
            episode.state = State::Acked { clear_since: None };
            (Some(described(episode, rule, finding)), Change::None)
        }
        (State::Firing { clear_since } | State::Acked { clear_since }, Verdict::Clear) => {
            clear(rule, episode, clear_since.unwrap_or(now), now, finding)
        }
    }
}

fn fire_when_due(
    rule: &Rule,
    mut episode: Episode,
    now: DateTime<Utc>,
    finding: &Finding,
) -> (Option<Episode>, Change) {
    let State::Pending { held_since } = episode.state else { return (Some(episode), Change::None) };
    if now.signed_duration_since(held_since) < rule.hold_for {
        episode.summary.clone_from(&finding.text);
        return (Some(episode), Change::None);
    }
    episode.state = State::Firing { clear_since: None };
    (Some(described(episode, rule, finding)), Change::Fired)
}

fn clear(
    rule: &Rule,
    mut episode: Episode,
    clear_since: DateTime<Utc>,
    now: DateTime<Utc>,
    finding: &Finding,
) -> (Option<Episode>, Change) {
    if now.signed_duration_since(clear_since) >= rule.clear_for {
        episode.state = State::Resolved { at: now };
        episode.quiet = None;
        episode.summary.clone_from(&finding.text);
        return (Some(episode), Change::Resolved);
    }
    episode.state = match episode.state {
        State::Acked { .. } => State::Acked { clear_since: Some(clear_since) },
        State::Pending { .. } | State::Firing { .. } | State::Resolved { .. } => {
            State::Firing { clear_since: Some(clear_since) }
        }
    };
    (Some(episode), Change::None)
}

/// The newest value beside its limit. One that is unknown keeps the last words.
fn described(mut episode: Episode, rule: &Rule, finding: &Finding) -> Episode {
    if finding.verdict == Verdict::Holds {
        let held = rule.hold_for;
        episode.summary = if held > TimeDelta::zero() {
            format!("{} for {} s", finding.text, held.num_seconds())
        } else {
            finding.text.clone()
        };
    }
    episode
}

#[cfg(test)]
mod tests {
    use super::super::Condition;
    use super::*;
    use crate::fleet::samples::second;

    /// One letter a step of 10 s: `+` holds, `-` is clear, `?` is unknown, `a` is acknowledged.
    /// Returns one letter a step: `.` inactive, `p`ending, `f`iring, `a`cked, `r`esolved; upper
    /// case while there is no data.
    fn play(steps: &str) -> (String, usize) {
        let rule = Rule {
            name: "latency".to_owned(),
            severity: Severity::P2,
            condition: Condition::WriterDown,
            hold_for: TimeDelta::seconds(20),
            clear_for: TimeDelta::seconds(20),
            runbook: None,
            resource: None,
            symptom_of: vec![],
            expected_in: vec![],
        };
        let (mut episode, mut trace, mut pages) = (None::<Episode>, String::new(), vec![]);
        for (at, step) in (0..).step_by(10).zip(steps.chars()) {
            let now = second(at);
            let verdict = match step {
                '+' => Verdict::Holds,
                '-' => Verdict::Clear,
                '?' => Verdict::Unknown,
                _ => {
                    episode = episode.as_ref().and_then(|one| one.ack("ann", now));
                    trace.push('a');
                    continue;
                }
            };
            let finding = Finding { verdict, text: "p95 182 ms > 100 ms".to_owned() };
            let (after, change) = next("local", &rule, episode.as_ref(), &finding, now);
            pages.extend((change == Change::Fired).then_some(now));
            let letter = match after.as_ref().map(|one| one.state) {
                None => '.',
                Some(State::Pending { .. }) => 'p',
                Some(State::Firing { .. }) => 'f',
                Some(State::Acked { .. }) => 'a',
                Some(State::Resolved { .. }) => 'r',
            };
            let no_data = after.as_ref().is_some_and(|one| one.no_data);
            trace.push(if no_data { letter.to_ascii_uppercase() } else { letter });
            episode = after;
        }
        (trace, pages.len())
    }

    #[test]
    fn an_episode_takes_its_way_and_pages_once() {
        #[rustfmt::skip]
        let table = [
            // steps          states          pages  why
            ("---",          "...",          0, "nothing is wrong"),
            ("++-",          "pp.",          0, "too short to tell anybody"),
            ("+++",          "ppf",          1, "long enough"),
            ("++++++",       "ppffff",       1, "told once"),
            ("+++---",       "ppfffr",       1, "clear for long enough"),
            ("+++--+---",    "ppffffffr",    1, "clear too short, then again"),
            ("+++----+++",   "ppfffr.ppf",   2, "a second episode is a second page"),
            ("+++???????",   "ppfFFFFFFF",   1, "unknown never resolves"),
            ("+++--??---",   "ppfffFFffr",   1, "unknown stops the clearing clock"),
            ("+??+++",       "pPPpff",       1, "unknown stops the pending clock"),
            ("??????",       "......",       0, "unknown never begins anything"),
            ("+++a++---",    "ppfaaaaar",    1, "acknowledged, then resolved"),
            ("+++a???",      "ppfaAAA",      1, "acknowledged, then blind"),
        ];
        for (steps, states, pages, why) in table {
            assert_eq!(play(steps), (states.to_owned(), pages), "{why}: {steps}");
        }
    }

    #[test]
    fn the_words_say_the_value_the_limit_and_how_long() {
        let rule = Rule {
            name: "latency".to_owned(),
            severity: Severity::P2,
            condition: Condition::WriterDown,
            hold_for: TimeDelta::zero(),
            clear_for: TimeDelta::zero(),
            runbook: Some("look".to_owned()),
            resource: None,
            symptom_of: vec![],
            expected_in: vec![],
        };
        let finding = Finding { verdict: Verdict::Holds, text: "p95 182 ms > 100 ms".to_owned() };
        let (episode, change) = next("local", &rule, None, &finding, second(0));
        let episode = episode.unwrap();
        assert_eq!(change, Change::Fired, "a rule without waiting time fires at once");
        assert_eq!(episode.id, "local.latency.1728000000");
        assert_eq!(episode.summary, "p95 182 ms > 100 ms");
    }
}
