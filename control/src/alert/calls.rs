//! What people do about alerts: take one on, give it back, end it, and keep some quiet a while.
//!
//! Every call is idempotent: asking for the state that an alert has already is answered with it
//! and writes nothing. A state that cannot follow is refused with the one that there is.

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{AlertView, IncidentView, JournalEvent, Matchers};

use super::Alerts;
use super::book::{Book, silence_entry};
use super::draft::{Draft, announced};
use super::silence::{AHEAD_MAX, SILENCES_MAX, Silence};
use super::state::{Episode, State};
use crate::journal::{Event, JournalError};

/// Pages of the journal that are searched for an incident's story, newest first.
const PAGES_MAX: u64 = 20;
const PAGE: u32 = 1_000;
/// Events of one incident; four weeks of an alert that flaps each hour.
const TIMELINE_MAX: usize = 1_000;

/// Why a call was refused.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("no alert has the id {id}")]
    Unknown { id: String },
    /// The state that there is, in words.
    #[error("alert {id} is {state}, so it cannot be {wanted}")]
    NotNow { id: String, state: String, current: &'static str, wanted: &'static str },
    #[error("{environment} has {SILENCES_MAX} silences already")]
    TooManySilences { environment: String },
    #[error("a silence must name a rule, a resource or a severity")]
    MatchesNothing,
    #[error("a silence may begin in 30 days at the latest, and not in the past")]
    StartsElsewhen,
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What a person wants an alert to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Acked,
    Firing,
    Resolved,
}

impl Wanted {
    /// The verb of the API.
    #[must_use]
    pub fn read(verb: &str) -> Option<Self> {
        match verb {
            "ack" => Some(Self::Acked),
            "unack" => Some(Self::Firing),
            "resolve" => Some(Self::Resolved),
            _ => None,
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Acked => ("alert.acked", "acknowledged"),
            Self::Firing => ("alert.unacked", "given back"),
            Self::Resolved => ("alert.resolved", "resolved"),
        }
    }

    /// The episode as wanted; `None` when that cannot follow.
    fn of(
        self,
        one: &Episode,
        by: &str,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Episode> {
        match self {
            Self::Acked => one.ack(by, until),
            Self::Firing => one.unack(),
            Self::Resolved => one.resolve(now),
        }
    }

    /// True when it is so already.
    fn is(self, episode: &Episode, by: &str) -> bool {
        match (self, episode.state) {
            (Self::Acked, State::Acked { .. }) => episode.owner.as_deref() == Some(by),
            (Self::Firing, State::Firing { .. }) | (Self::Resolved, State::Resolved { .. }) => true,
            _ => false,
        }
    }
}

/// Who asks for a state, why, and which one they believe there is.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub by: &'a str,
    pub reason: &'a str,
    pub expected: Option<&'a str>,
}

impl Alerts {
    /// Brings an alert to a state, in somebody's name and for a reason.
    ///
    /// # Errors
    ///
    /// When there is no such alert, it is not as the caller believes, the state cannot follow, or
    /// the journal cannot be written.
    pub async fn bring(
        &self,
        id: &str,
        wanted: Wanted,
        Ask { by, reason, expected }: Ask<'_>,
        now: DateTime<Utc>,
    ) -> Result<AlertView, CallError> {
        let environment = self.live.wanted();
        let routes = &environment.routes;
        let mut book = self.book.lock().await;
        let unknown = || CallError::Unknown { id: id.to_owned() };
        let episode = book.episode(id).cloned().ok_or_else(unknown)?;
        if wanted.is(&episode, by) {
            return Ok(book.view(&episode, routes));
        }
        let (kind, word) = wanted.words();
        if expected.is_some_and(|expected| expected != episode.state.name()) {
            return Err(not_now(&episode, word));
        }
        let until = now + routes.ack_timeout;
        let after = wanted.of(&episode, by, until, now).ok_or_else(|| not_now(&episode, word))?;
        let mut draft = Draft::new(&book, &environment, now);
        if wanted == Wanted::Resolved {
            draft.end(by, reason, after.clone());
        } else {
            draft.change(by, reason, kind, after.clone());
        }
        self.commit(&mut book, draft, now).await?;
        Ok(book.view(&after, routes))
    }

    /// Keeps alerts quiet from `starts_at` on, for a while. Asking twice with the same id is once.
    ///
    /// # Errors
    ///
    /// When it matches nothing, begins too late, is one too many, or cannot be written down.
    pub async fn silence(&self, silence: Silence, now: DateTime<Utc>) -> Result<(), CallError> {
        let mut book = self.book.lock().await;
        let Matchers { rule, resource, severity } = &silence.matchers;
        if rule.is_none() && resource.is_none() && severity.is_none() {
            return Err(CallError::MatchesNothing);
        }
        let ahead = silence.starts_at - now;
        if !(TimeDelta::zero()..=AHEAD_MAX).contains(&ahead) {
            return Err(CallError::StartsElsewhen);
        }
        if book.silences.contains_key(&silence.id) {
            return Ok(());
        }
        let standing = book.silences.values().filter(|one| now < one.ends_at).count();
        if standing >= SILENCES_MAX {
            let environment = silence.environment;
            return Err(CallError::TooManySilences { environment });
        }
        self.journal
            .append(silence_entry(&silence.by, "silence.made", &silence, &silence.reason))
            .await?;
        book.silences.insert(silence.id.clone(), silence);
        Ok(())
    }

    /// Ends a silence before its time. False when there is none with this id.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written: then it stands.
    pub async fn unsilence(
        &self,
        id: &str,
        (by, reason): (&str, &str),
        now: DateTime<Utc>,
    ) -> Result<bool, JournalError> {
        let mut book = self.book.lock().await;
        let Some(silence) = book.silences.get(id).filter(|one| now < one.ends_at) else {
            return Ok(false);
        };
        let ended = Silence { ends_at: now, ..silence.clone() };
        self.journal.append(silence_entry(by, "silence.ended", &ended, reason)).await?;
        book.silences.remove(id);
        Ok(true)
    }

    /// The silences that stand or are to come, and the calendar's.
    pub async fn silences(&self, now: DateTime<Utc>) -> Vec<Silence> {
        let book = self.book.lock().await;
        announced(&book, &self.live.wanted(), now)
    }

    /// An alert with all that it explains, and their story. For a symptom, its cause's.
    ///
    /// # Errors
    ///
    /// When there is no such alert, or the journal cannot be read.
    pub async fn incident(&self, id: &str) -> Result<IncidentView, CallError> {
        let environment = self.live.wanted();
        let (cause, symptoms) = {
            let book = self.book.lock().await;
            let root = root(&book, id).ok_or_else(|| CallError::Unknown { id: id.to_owned() })?;
            let view = |one: &Episode| book.view(one, &environment.routes);
            let symptoms: Vec<_> = book.symptoms(&root.id).into_iter().map(view).collect();
            (view(root), symptoms)
        };
        let first = symptoms.iter().map(|one| one.since).chain([cause.since]).min();
        let ids: Vec<&str> =
            std::iter::once(&cause).chain(&symptoms).map(|one| one.id.as_str()).collect();
        let (timeline, cut) = self.story(&ids, first.unwrap_or(cause.since)).await?;
        Ok(IncidentView { cause, symptoms, timeline, cut })
    }

    /// The events about these episodes, oldest first, and whether some may be missing.
    async fn story(
        &self,
        ids: &[&str],
        since: DateTime<Utc>,
    ) -> Result<(Vec<JournalEvent>, bool), JournalError> {
        let newest = self.journal.newest();
        let mut story = Vec::new();
        let mut cut = true;
        for page in 1..=PAGES_MAX {
            let from = newest.saturating_sub(page * u64::from(PAGE));
            let events = self.journal.since(from, PAGE).await?;
            let before = events.first().is_none_or(|event| event.at < since);
            let told = events.iter().rev().filter(|event| tells_of(event, ids));
            story.extend(told.map(Event::view));
            if before || from == 0 {
                cut = false;
                break;
            }
        }
        cut |= story.len() > TIMELINE_MAX;
        story.truncate(TIMELINE_MAX);
        story.sort_by_key(|event| event.seq);
        story.dedup_by_key(|event| event.seq);
        Ok((story, cut))
    }
}

fn not_now(episode: &Episode, wanted: &'static str) -> CallError {
    let (state, current) = (episode.standing(), episode.state.name());
    CallError::NotNow { id: episode.id.clone(), state, current, wanted }
}

/// The episode at the root of the one with this id.
fn root<'b>(book: &'b Book, id: &str) -> Option<&'b Episode> {
    let mut episode = book.episode(id)?;
    // Causes are a tree by configuration; the bound is for a journal that says otherwise.
    for _ in 0..16 {
        match episode.caused_by().and_then(|cause| book.episode(cause)) {
            Some(cause) => episode = cause,
            None => break,
        }
    }
    Some(episode)
}

fn tells_of(event: &Event, ids: &[&str]) -> bool {
    let named = |value: &serde_json::Value| value.as_str().is_some_and(|id| ids.contains(&id));
    let about = event.data["about"].as_array();
    match event.kind.split('.').next() {
        Some("alert") => named(&event.data["id"]),
        Some("delivery") => about.is_some_and(|about| about.iter().any(named)),
        _ => false,
    }
}
