//! One event of the journal, and the hash that chains it to the one before. Pure.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::store::Tail;
use super::{DATA_BYTES_MAX, JournalError, SUMMARY_CHARS_MAX};

/// SHA-256 over everything in an event and the hash before it.
pub type Hash = [u8; 32];

/// What somebody wants to record.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// `control`, or a token's name.
    pub actor: String,
    /// `local/service/wallet-svc`, `local/run/…`, ….
    pub subject: String,
    /// Lower case, dotted, most general first: `intent.logged`.
    pub kind: String,
    /// The event in one sentence.
    pub summary: String,
    /// Everything that is needed to fold it into state.
    pub data: Value,
}

impl Entry {
    /// An entry by control itself.
    #[must_use]
    pub fn control(
        subject: impl Into<String>,
        kind: impl Into<String>,
        summary: impl Into<String>,
        data: Value,
    ) -> Self {
        Self::by("control", subject, kind, summary, data)
    }

    /// An entry by somebody: a token's name.
    #[must_use]
    pub fn by(
        actor: impl Into<String>,
        subject: impl Into<String>,
        kind: impl Into<String>,
        summary: impl Into<String>,
        data: Value,
    ) -> Self {
        Self {
            actor: actor.into(),
            subject: subject.into(),
            kind: kind.into(),
            summary: summary.into(),
            data,
        }
    }
}

/// One event, as recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub seq: u64,
    /// To the microsecond.
    pub at: DateTime<Utc>,
    /// The start of control that wrote it.
    pub epoch: u64,
    pub actor: String,
    pub subject: String,
    pub kind: String,
    pub summary: String,
    pub data: Value,
    /// `data` as it was written. The hash is over this text, because a number that is read and
    /// written again may come out with another last digit.
    pub(super) data_text: String,
    pub hash_before: Hash,
    pub hash: Hash,
}

impl Event {
    /// Makes the event that follows `tail`.
    pub(super) fn seal(
        tail: &Tail,
        epoch: u64,
        at: DateTime<Utc>,
        entry: Entry,
    ) -> Result<Self, JournalError> {
        let Entry { actor, subject, kind, mut summary, data } = entry;
        let data_text = data.to_string();
        if data_text.len() > DATA_BYTES_MAX {
            return Err(JournalError::TooLarge { kind, subject, bytes: data_text.len() });
        }
        if let Some((cut, _)) = summary.char_indices().nth(SUMMARY_CHARS_MAX) {
            summary.truncate(cut);
        }
        let mut event = Self {
            seq: tail.seq + 1,
            at: at.trunc_subsecs(6),
            epoch,
            actor,
            subject,
            kind,
            summary,
            data,
            data_text,
            hash_before: tail.hash,
            hash: [0; 32],
        };
        event.hash = event.compute_hash();
        Ok(event)
    }

    /// What the hash must be. Every field is preceded by its length, so that no two different
    /// events feed the same bytes.
    #[must_use]
    pub fn compute_hash(&self) -> Hash {
        let mut digest = Sha256::new();
        digest.update(self.hash_before);
        digest.update(self.seq.to_be_bytes());
        digest.update(self.at.timestamp_micros().to_be_bytes());
        digest.update(self.epoch.to_be_bytes());
        for text in [&self.actor, &self.subject, &self.kind, &self.summary, &self.data_text] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        digest.finalize().into()
    }

    /// The event as dashboards read it.
    #[must_use]
    pub fn view(&self) -> protocol::control::JournalEvent {
        protocol::control::JournalEvent {
            seq: self.seq,
            at: self.at,
            actor: self.actor.clone(),
            subject: self.subject.clone(),
            kind: self.kind.clone(),
            summary: self.summary.clone(),
        }
    }
}
