//! The answers that changes were given, as the journal tells them: what a restart begins with.
//! Pure.

use crate::journal::{Event, Fold};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A key is remembered for a day: longer than anybody retries.
pub(super) const REMEMBERED: TimeDelta = TimeDelta::hours(24);
/// At 2 KiB each, 8 MiB. People and drills make tens of changes a day.
pub(super) const KEYS_MAX: usize = 4_096;
/// The kind of the event that an answer is.
pub(super) const KIND: &str = "request.answered";

/// What was answered. `body` is absent when it was too long to keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) at: DateTime<Utc>,
    pub(super) status: u16,
    pub(super) body: Option<Value>,
}

/// What the journal keeps of an answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) key: String,
    pub(super) request: String,
    pub(super) answer: Answer,
}

/// One request that was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Answered {
    /// SHA-256 of the method, the path and the body, in hex.
    pub(super) request: String,
    pub(super) answer: Answer,
}

/// The answers of a day, by caller and key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers(pub(super) BTreeMap<String, BTreeMap<String, Answered>>);

impl Answers {
    fn forget(&mut self, at: DateTime<Utc>) {
        self.0.retain(|_, keys| {
            keys.retain(|_, one| at - one.answer.at < REMEMBERED);
            !keys.is_empty()
        });
        if self.0.values().map(BTreeMap::len).sum::<usize>() < KEYS_MAX {
            return;
        }
        let all = self.0.iter().flat_map(|(who, keys)| {
            keys.iter().map(move |(key, one)| (one.answer.at, who.clone(), key.clone()))
        });
        if let Some((_, who, key)) = all.min()
            && let Some(keys) = self.0.get_mut(&who)
        {
            keys.remove(&key);
        }
    }
}

impl Fold for Answers {
    const NAME: &'static str = "answers.1";
    const KINDS: &'static [&'static str] = &[KIND];

    fn fold(&mut self, event: &Event) {
        self.forget(event.at);
        if let Ok(Kept { key, request, answer }) = serde_json::from_value(event.data.clone()) {
            let keys = self.0.entry(event.actor.clone()).or_default();
            keys.insert(key, Answered { request, answer });
        }
    }
}
