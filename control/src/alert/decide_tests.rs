//! Who is told: one row for each reason, in the order in which they are asked.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use protocol::control::{Matchers, Severity};

use super::book::Book;
use super::decide::{Seen, decide};
use super::routes::{Channel, NextInLine, Routes};
use super::silence::Silence;
use super::state::{Episode, Quiet, State, Told};
use super::{Condition, Rule};
use crate::fleet::samples::second;

fn rule(name: &str, severity: Severity, symptom_of: &[&str]) -> Rule {
    Rule {
        name: name.to_owned(),
        severity,
        condition: Condition::WriterDown,
        hold_for: TimeDelta::zero(),
        clear_for: TimeDelta::zero(),
        runbook: None,
        resource: None,
        symptom_of: symptom_of.iter().map(ToString::to_string).collect(),
        expected_in: vec![],
    }
}

fn routes() -> Routes {
    let topics = || BTreeMap::from([(Channel::Email, "arn".to_owned())]);
    let severities = [Severity::P1, Severity::P2, Severity::P3];
    let next = |minutes| NextInLine { after: TimeDelta::minutes(minutes), topics: topics() };
    Routes {
        topics: severities.map(|severity| (severity, topics())).into(),
        next_in_line: vec![next(5), next(15)],
        ack_timeout: TimeDelta::hours(1),
        digest_every: TimeDelta::minutes(15),
        symptom_outlives: TimeDelta::minutes(3),
    }
}

fn firing(name: &str, severity: Severity, told: (u8, i64)) -> Episode {
    let (level, at) = told;
    Episode {
        id: format!("local.{name}.1"),
        rule: name.to_owned(),
        severity,
        state: State::Firing { clear_since: None },
        since: second(0),
        no_data: false,
        summary: "x".to_owned(),
        runbook: None,
        owner: None,
        ack_expires_at: None,
        told: Told { level, times: u32::from(level > 0), at: (level > 0).then(|| second(at)) },
        quiet: None,
        cause: None,
    }
}

fn silence() -> Silence {
    Silence {
        id: "s".to_owned(),
        environment: "local".to_owned(),
        matchers: Matchers { rule: Some("r".to_owned()), ..Matchers::default() },
        reason: "known".to_owned(),
        by: "ann".to_owned(),
        starts_at: second(0),
        ends_at: second(2_000),
    }
}

/// The rulings at 1,000 s, as `rule kind level why`.
fn rulings(episodes: Vec<Episode>, rules: &[Rule], silences: &[Silence]) -> Vec<String> {
    let mut book = Book::default();
    episodes.into_iter().for_each(|episode| book.take(episode));
    let routes = routes();
    let seen = Seen { rules, routes: &routes, runs: &[], silences, now: second(1_000) };
    let line = |one: super::decide::Ruling| {
        let level = one.tell.map_or(0, |word| word.level);
        format!("{} {} {level} {}", one.episode.rule, one.kind, one.why)
    };
    decide(&book, &seen).into_iter().map(line).collect()
}

#[test]
fn each_reason_to_tell_and_not_to_tell() {
    use Severity::{P1, P2, P3, P4};
    let acked = |expires| Episode {
        state: State::Acked { clear_since: None },
        owner: Some("ann".to_owned()),
        ack_expires_at: Some(second(expires)),
        ..firing("r", P1, (1, 0))
    };
    let was_silenced = Episode {
        quiet: Some(Quiet::Silenced { silence: "s".to_owned(), reason: "known".to_owned() }),
        ..firing("r", P1, (0, 0))
    };
    let times = |times| {
        let told = Told { level: 3, times, at: Some(second(0)) };
        Episode { told, ..firing("r", P1, (3, 0)) }
    };
    #[rustfmt::skip]
    let table: [(&str, Episode, &[Silence], &[&str]); 15] = [
        ("just fired",            firing("r", P1, (0, 0)),     &[],          &["r alert.told 1 it fires"]),
        ("for the dashboard",     firing("r", P4, (0, 0)),     &[],          &[]),
        ("silenced",              firing("r", P1, (0, 0)),     &[silence()], &["r alert.quieted 0 silenced by s: known"]),
        ("silenced, as known",    was_silenced.clone(),        &[silence()], &[]),
        ("no longer silenced",    was_silenced,                &[],          &["r alert.told 1 no longer silenced by s: known"]),
        ("patience lasts",        firing("r", P1, (1, 701)),   &[],          &[]),
        ("patience is over",      firing("r", P1, (1, 700)),   &[],          &["r alert.escalated 2 nobody of level 1 took it on in 300 s"]),
        ("P2 escalates too",      firing("r", P2, (2, 100)),   &[],          &["r alert.escalated 3 nobody of level 2 took it on in 900 s"]),
        ("P3 does not",           firing("r", P3, (1, 0)),     &[],          &[]),
        ("silenced on its way",   firing("r", P1, (1, 0)),     &[silence()], &["r alert.quieted 0 silenced by s: known"]),
        ("somebody has it",       acked(1_001),                &[],          &[]),
        ("somebody had it",       acked(1_000),                &[],          &["r alert.escalated 2 the acknowledgement ended and it fires still"]),
        ("had it, and silenced",  acked(1_000),                &[silence()], &["r alert.ack_expired 0 the acknowledgement ended"]),
        ("the last is told again", times(1),                   &[],          &["r alert.escalated 3 nobody of level 3 took it on in 900 s"]),
        ("but not for ever",      times(192),                  &[],          &[]),
    ];
    for (why, episode, silences, want) in table {
        let rules = [rule("r", episode.severity, &[])];
        assert_eq!(rulings(vec![episode], &rules, silences), want, "{why}");
    }
}

#[test]
fn a_cause_explains_while_it_is_there_and_a_bounded_time_longer() {
    use Severity::P1;
    let rules = [rule("cause", P1, &[]), rule("r", P1, &["cause"])];
    let cause = |state| Episode { state, ..firing("cause", P1, (1, 999)) };
    #[rustfmt::skip]
    let table = [
        ("pending",          State::Pending { held_since: second(999) },  "r alert.quieted 0 symptom of cause"),
        ("firing",           State::Firing { clear_since: None },         "r alert.quieted 0 symptom of cause"),
        ("acknowledged",     State::Acked { clear_since: None },          "r alert.quieted 0 symptom of cause"),
        ("ended just now",   State::Resolved { at: second(820) },         "r alert.quieted 0 symptom of cause"),
        ("ended a while ago", State::Resolved { at: second(819) },        "r alert.told 1 it fires"),
    ];
    for (why, state, want) in table {
        let found = rulings(vec![cause(state), firing("r", P1, (0, 0))], &rules, &[]);
        assert_eq!(found, [want], "{why}");
    }
}
