//! Through which topics people hear of what, and who is next in line. Pure values.

use std::collections::BTreeMap;
use std::fmt;

use chrono::TimeDelta;
use protocol::control::Severity;
use serde::{Deserialize, Serialize};

/// The first in line and two more: whoever is not reached by the third is not reached by a fourth.
pub const LEVELS_MAX: u8 = 3;

/// A way to reach people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Sms,
    Email,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sms => "sms",
            Self::Email => "email",
        })
    }
}

/// Who hears of what.
#[derive(Clone, Debug, PartialEq)]
pub struct Routes {
    /// SNS topic ARNs. P4 has none: it is for the dashboard.
    pub topics: BTreeMap<Severity, BTreeMap<Channel, String>>,
    /// Levels 2 and 3, for P1 and P2.
    pub next_in_line: Vec<NextInLine>,
    /// An acknowledgement ends by itself, because people fall asleep again.
    pub ack_timeout: TimeDelta,
    /// P3 is gathered this long into one message.
    pub digest_every: TimeDelta,
    /// A symptom that stays longer than this after its cause is gone is no symptom.
    pub symptom_outlives: TimeDelta,
}

/// Who is told when the level before did not acknowledge.
#[derive(Clone, Debug, PartialEq)]
pub struct NextInLine {
    /// After the level before was told.
    pub after: TimeDelta,
    pub topics: BTreeMap<Channel, String>,
}

/// One way for one message, and the ways that are left if it fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    pub channel: Channel,
    pub topic: String,
}

impl Routes {
    /// The topics of a level; none for P4, and none beyond the last level.
    #[must_use]
    pub fn topics(&self, severity: Severity, level: u8) -> Option<&BTreeMap<Channel, String>> {
        match level {
            1 => self.topics.get(&severity),
            2.. if escalates(severity) => {
                self.next_in_line.get(usize::from(level) - 2).map(|next| &next.topics)
            }
            _ => None,
        }
    }

    /// Every topic of every level.
    pub fn every_topic(&self) -> impl Iterator<Item = &String> {
        let levels = self.next_in_line.iter().map(|next| &next.topics);
        self.topics.values().chain(levels).flat_map(BTreeMap::values)
    }

    /// The last level that somebody stands at.
    #[must_use]
    pub fn level_max(&self, severity: Severity) -> u8 {
        (1..=LEVELS_MAX).rev().find(|level| self.topics(severity, *level).is_some()).unwrap_or(0)
    }

    /// How long a level has to acknowledge before the next one is told.
    #[must_use]
    pub fn patience(&self, level: u8) -> Option<TimeDelta> {
        let last = self.next_in_line.last()?;
        // The last level is told again and again, as patiently as it was reached.
        let next = self.next_in_line.get(usize::from(level).saturating_sub(1)).unwrap_or(last);
        Some(next.after)
    }

    /// Where a message goes that `channel` does not take: the other channel of the level, or a
    /// channel of P1 for those that have but one. Louder than meant is better than lost.
    #[must_use]
    pub fn fallback(&self, severity: Severity, level: u8, channel: Channel) -> Option<Hop> {
        let same = self.topics(severity, level).into_iter().flatten();
        let loud = self.topics.get(&Severity::P1).into_iter().flatten();
        let mut others = same.chain(loud).filter(|(other, _)| **other != channel);
        others.next().map(|(channel, topic)| Hop { channel: *channel, topic: topic.clone() })
    }
}

/// P3 and P4 wait for somebody to look.
#[must_use]
pub(super) fn escalates(severity: Severity) -> bool {
    severity <= Severity::P2
}
