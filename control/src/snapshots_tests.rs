//! What a restart begins with: a snapshot and what came after it make the state of everything.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::alert::{Books, Delivery, Silence, state::Episode};
use crate::api::Answers;
use crate::cost::{Spendings, bill::Bill, hours::Hour};
use crate::driver::Clock;
use crate::fleet::samples::second;
use crate::forecast::AllMasks;
use crate::intent::{Intent, OpenIntents};
use crate::journal::{Entry, Fold, Journal, Memory};
use crate::reconcile::capacity::Sizes;
use crate::snapshots::Snapshots;

/// One event: what it tells, of which thing, in which environment, and after how many minutes.
type Step = (usize, u64, usize, i64);

const TOLD: usize = 16;

/// What each kind of event carries; `which` picks one of a few things, so that they meet again.
fn entry((what, which, environment, _): Step, seq: u64, now: DateTime<Utc>) -> Entry {
    let environment = ["local", "staging", "production"][environment];
    let about = |word: &str| format!("{environment}/{word}");
    let moved = about("service/wallet");
    let (subject, kind, data) = match what {
        0 => (about("alert/r"), "alert.firing", episode(environment, which, "firing", now)),
        1 => (about("alert/r"), "alert.acked", episode(environment, which, "acked", now)),
        2 | 3 => (about("alert/r"), "alert.resolved", episode(environment, which, "resolved", now)),
        4 => (about("alert/delivery"), "delivery.queued", message(environment, which, "queued")),
        5 => {
            (about("alert/delivery"), "delivery.accepted", message(environment, which, "accepted"))
        }
        6 => (about("alert/silence"), "silence.made", silence(environment, which, now)),
        7 => (moved, "intent.logged", intent(environment, which)),
        8 => (moved, "intent.confirmed", report(seq.saturating_sub(which), "confirmed")),
        9 => (moved, "intent.unknown", report(seq.saturating_sub(which), "unknown")),
        10 => (moved, "intent.overdue", json!({ "intent": seq.saturating_sub(which) })),
        11 => (about("cost"), "cost.hour", hour(which, now)),
        12 => (about("cost"), "cost.bill", json!(Bill { as_of: now, days: vec![] })),
        13 => (about("cost"), "cost.asked", json!({})),
        14 => ("control/api".to_owned(), "request.answered", answered(which, now)),
        _ => (about(&format!("run/{which}")), "run.step", json!({})),
    };
    Entry::by(["ann", "bob"][usize::try_from(which % 2).unwrap()], subject, kind, "said", data)
}

fn episode(environment: &str, which: u64, state: &str, now: DateTime<Utc>) -> Value {
    let state = match state {
        "resolved" => json!({ "state": state, "at": now }),
        _ => json!({ "state": state, "clear_since": null }),
    };
    let one = json!({
        "id": format!("{environment}.r{which}.{}", now.timestamp() / 40_000),
        "rule": format!("r{which}"), "severity": "P2", "state": state, "since": now,
        "no_data": false, "summary": "p95 182 ms > 100 ms", "runbook": null, "owner": "ann",
    });
    json!(serde_json::from_value::<Episode>(one).unwrap())
}

fn message(environment: &str, which: u64, state: &str) -> Value {
    let one = json!({
        "id": format!("m{which}"), "about": [format!("{environment}.r{which}.43200")],
        "severity": "P2", "level": 1, "channel": "email", "topic": "arn", "subject": "P2 firing",
        "lines": ["p95 182 ms"], "more": 0, "state": state, "attempts": 1, "next_at": second(0),
        "fallback": null, "receipt": null,
    });
    json!(serde_json::from_value::<Delivery>(one).unwrap())
}

fn silence(environment: &str, which: u64, now: DateTime<Utc>) -> Value {
    let until = now + TimeDelta::hours(i64::try_from(which).unwrap());
    let one = json!({
        "id": format!("s{which}"), "environment": environment, "matchers": { "rule": "r1" },
        "reason": "known", "by": "ann", "starts_at": now, "ends_at": until,
    });
    json!(serde_json::from_value::<Silence>(one).unwrap())
}

fn intent(environment: &str, which: u64) -> Value {
    let to = u32::try_from(which).unwrap();
    let (cluster, service) = (environment.to_owned(), "wallet".to_owned());
    json!(Intent {
        actor: "control".to_owned(),
        subject: format!("{environment}/service/wallet"),
        why: "the load".to_owned(),
        change: crate::aws::Change::SetDesired { cluster, service, from: 3, to },
    })
}

fn report(id: u64, state: &str) -> Value {
    json!({ "intent": id, "state": state, "detail": "" })
}

fn hour(which: u64, now: DateTime<Utc>) -> Value {
    json!(Hour {
        start: crate::cost::hours::hour_of(now),
        minutes: 60,
        micros: Some(which * 1_000),
        tasks_min: Some(3),
        tasks_max: None,
        tasks_mean_milli: Some(3_500),
        load_max: f64::from(u32::try_from(which).unwrap()).sqrt().into(),
    })
}

fn answered(which: u64, now: DateTime<Utc>) -> Value {
    let answer = json!({ "at": now, "status": 201, "body": { "id": which } });
    json!({ "key": format!("k{which}"), "request": "0f", "answer": answer })
}

/// Writes a history down, with snapshots of everything after `cut` events, and starts anew.
async fn written(history: &[Step], cut: Option<usize>) -> Journal {
    let now = Arc::new(Mutex::new(second(0)));
    let read = Arc::clone(&now);
    let clock: Clock = Arc::new(move || *read.lock().unwrap());
    let memory = Memory::default();
    let journal = Journal::in_memory(&memory, clock.clone()).await.unwrap();
    let snapshots = Snapshots::new(journal.clone());
    for (index, step) in history.iter().enumerate() {
        if cut == Some(index) {
            snapshots.keep().await.unwrap();
        }
        let at = {
            let mut now = now.lock().unwrap();
            *now += TimeDelta::minutes(step.3);
            *now
        };
        journal.append(entry(*step, journal.newest() + 1, at)).await.unwrap();
    }
    Journal::in_memory(&memory, clock).await.unwrap()
}

/// What everything read makes, without a look at any snapshot.
async fn read_all<F: Fold>(journal: &Journal) -> F {
    let mut state = F::default();
    let events = journal.since(0, 1_000).await.unwrap();
    let own = events.iter().filter(|one| F::KINDS.iter().any(|kind| one.kind.starts_with(kind)));
    own.for_each(|event| state.fold(event));
    state
}

async fn same<F: Fold + PartialEq + Debug>(journal: &Journal, cut: usize) {
    let (recalled, read) = (journal.recall::<F>().await.unwrap(), read_all::<F>(journal).await);
    assert_eq!(recalled, read, "{} after a snapshot of {cut} events", F::NAME);
}

async fn every_cut(history: &[Step]) {
    for cut in 0..history.len() {
        let journal = written(history, Some(cut)).await;
        same::<Books>(&journal, cut).await;
        same::<Answers>(&journal, cut).await;
        same::<Spendings>(&journal, cut).await;
        same::<AllMasks>(&journal, cut).await;
        same::<Sizes>(&journal, cut).await;
        same::<OpenIntents>(&journal, cut).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_restart_knows_the_same_wherever_its_snapshot_was_made(
        history in prop::collection::vec((0..TOLD, 0..6_u64, 0..3_usize, 0..600_i64), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(every_cut(&history));
    }
}

/// The check above could pass because nothing is understood: each event below is.
#[tokio::test]
async fn every_kind_of_event_is_part_of_what_is_kept() {
    let empty = [
        json!(Books::default()),
        json!(Answers::default()),
        json!(Spendings::default()),
        json!(AllMasks::default()),
        json!(Sizes::default()),
    ];
    for (what, of) in [(0, 0), (4, 0), (6, 0), (14, 1), (11, 2), (12, 2), (13, 2), (15, 3), (7, 4)]
    {
        let journal = written(&[(what, 1, 0, 1)], None).await;
        let states = [
            json!(journal.recall::<Books>().await.unwrap()),
            json!(journal.recall::<Answers>().await.unwrap()),
            json!(journal.recall::<Spendings>().await.unwrap()),
            json!(journal.recall::<AllMasks>().await.unwrap()),
            json!(journal.recall::<Sizes>().await.unwrap()),
        ];
        assert_ne!(states[of], empty[of], "event {what}");
    }
}
