//! Who is told of which episode now, who is not, and why. Pure.
//!
//! Looks at every open episode, every time. An episode is told when it fires, unless something
//! keeps it quiet: another episode explains it, a step of a run does just this, or a silence
//! stands. What keeps it quiet ends by itself, and then it is told. Whoever is told and does not
//! acknowledge is passed over for the next in line, and so is a channel that takes nothing. The
//! last in line is told again until somebody has it.

use chrono::{DateTime, Utc};
use protocol::control::RunView;

use super::book::Book;
use super::deliver::{self, Word};
use super::routes::{Routes, escalates};
use super::silence::{Silence, matches};
use super::state::{Episode, Quiet, State, Told};
use super::{Expected, Rule};

/// With the patience of a quarter of an hour these are two days. Whoever looks then sees the
/// dashboard red.
const TIMES_MAX: u32 = 192;

/// What the decision rests on, beside the episodes themselves.
pub(super) struct Seen<'a> {
    pub(super) rules: &'a [Rule],
    pub(super) routes: &'a Routes,
    pub(super) runs: &'a [RunView],
    /// Those that stand, windows included.
    pub(super) silences: &'a [Silence],
    pub(super) now: DateTime<Utc>,
}

/// One episode's change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ruling {
    pub(super) episode: Episode,
    pub(super) kind: &'static str,
    /// The page that goes out.
    pub(super) tell: Option<Word>,
    pub(super) why: String,
}

/// The changes, in the order of the rules' names. Nothing is said of what stays as it is.
pub(super) fn decide(book: &Book, seen: &Seen<'_>) -> Vec<Ruling> {
    let active = book.open.values().filter(|episode| episode.active());
    active.filter_map(|episode| one(book, seen, episode)).collect()
}

fn one(book: &Book, seen: &Seen<'_>, episode: &Episode) -> Option<Ruling> {
    let rule = seen.rules.iter().find(|rule| rule.name == episode.rule)?;
    let quiet = quiet(book, seen, rule);
    let mut after = Episode { quiet: quiet.clone(), ..episode.clone() };
    if let Some(Quiet::Symptom { cause, .. }) = &quiet {
        after.cause = Some(cause.clone());
    }
    let expired = episode.ack_expires_at.is_some_and(|at| at <= seen.now);
    if expired {
        after = after.unack().unwrap_or(after);
    }
    let tell = match &quiet {
        Some(_) => None,
        None => tell(book, seen, &after, (expired, episode.quiet.as_ref())),
    };
    if let Some((word, _)) = &tell {
        after.told = Told { level: word.level, times: word.times, at: Some(seen.now) };
    }
    let (kind, why) = match (&tell, expired, &quiet) {
        (Some((word, why)), ..) if word.level > 1 => ("alert.escalated", why.clone()),
        (Some((_, why)), ..) => ("alert.told", why.clone()),
        (None, true, _) => ("alert.ack_expired", "the acknowledgement ended".to_owned()),
        (None, _, Some(quiet)) => ("alert.quieted", quiet.to_string()),
        (None, _, None) => ("alert.unquieted", "nothing keeps it quiet any more".to_owned()),
    };
    (after != *episode).then(|| Ruling { episode: after, kind, tell: tell.map(|(w, _)| w), why })
}

/// The page that is due, and why.
fn tell(
    book: &Book,
    seen: &Seen<'_>,
    episode: &Episode,
    (ack_expired, was_quiet): (bool, Option<&Quiet>),
) -> Option<(Word, String)> {
    let Told { level, times, at } = episode.told;
    let word = |level, times| Word { what: "firing", level, times };
    if level == 0 {
        seen.routes.topics(episode.severity, 1)?;
        let why =
            was_quiet.map_or_else(|| "it fires".to_owned(), |quiet| format!("no longer {quiet}"));
        return Some((word(1, 1), why));
    }
    if !matches!(episode.state, State::Firing { .. }) || !escalates(episode.severity) {
        return None;
    }
    let why = if ack_expired {
        "the acknowledgement ended and it fires still".to_owned()
    } else if nobody_reached(book, episode, level, times) {
        format!("no channel of level {level} took it")
    } else {
        let patience = seen.routes.patience(level)?;
        let due = at.is_none_or(|at| seen.now - at >= patience);
        due.then(|| format!("nobody of level {level} took it on in {} s", patience.num_seconds()))?
    };
    if level < seen.routes.level_max(episode.severity) {
        return Some((word(level + 1, 1), why));
    }
    // Told again, but not in a storm when every channel is down.
    let patience = seen.routes.patience(level)?;
    let again = times < TIMES_MAX && at.is_none_or(|at| seen.now - at >= patience);
    again.then(|| (word(level, times + 1), why))
}

/// True when every message of this level was given up.
fn nobody_reached(book: &Book, episode: &Episode, level: u8, times: u32) -> bool {
    let prefix = format!("{}.firing.{level}.{times}.", episode.id);
    let mut ours = book.deliveries.values().filter(|one| one.id.starts_with(&prefix)).peekable();
    let given_up = |one: &deliver::Delivery| {
        matches!(one.state, deliver::State::Failed | deliver::State::Escalated)
    };
    ours.peek().is_some() && ours.all(given_up)
}

/// What keeps an episode quiet, the explanation first that tells most.
fn quiet(book: &Book, seen: &Seen<'_>, rule: &Rule) -> Option<Quiet> {
    let cause = rule.symptom_of.iter().find_map(|cause| explains(book, seen, cause));
    let cause = cause.or_else(|| rule.expected_in.iter().find_map(|step| in_step(seen, step)));
    cause.or_else(|| {
        let silence = seen.silences.iter().find(|silence| matches(&silence.matchers, rule))?;
        let (silence, reason) = (silence.id.clone(), silence.reason.clone());
        Some(Quiet::Silenced { silence, reason })
    })
}

/// The episode of the rule `cause`, while it explains symptoms: from before it fires, as symptoms
/// may be seen first, until a bounded time after its end, as they may be seen longer.
fn explains(book: &Book, seen: &Seen<'_>, cause: &str) -> Option<Quiet> {
    let ended = || {
        let mut newest_first = book.resolved.iter().rev();
        newest_first.find(|one| {
            let State::Resolved { at } = one.state else { return false };
            one.rule == cause && seen.now - at <= seen.routes.symptom_outlives
        })
    };
    let episode = book.open.get(cause).or_else(ended)?;
    Some(Quiet::Symptom { cause: episode.id.clone(), rule: cause.to_owned() })
}

/// A run whose step explains an alert.
fn in_step(seen: &Seen<'_>, expected: &Expected) -> Option<Quiet> {
    seen.runs.iter().filter(|run| run.runbook == expected.runbook).find_map(|run| {
        let step = run.steps.iter().find(|step| step.id == expected.step)?;
        let age = seen.now - step.started_at?;
        let within = age >= chrono::TimeDelta::zero() && age <= expected.lasts;
        within.then(|| Quiet::Expected { run: run.id.clone(), step: step.id.clone() })
    })
}
