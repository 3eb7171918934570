//! The machine's tables: every event in every state, and whether it may follow.

use crate::runs_sim::{Cloudy, Sim, epoch, failover_book};
use chrono::TimeDelta;
use control::runbook::{
    action::Call,
    event::{End, Event, Finding, Reply, Stamped},
    machine::{Command, next},
    state::{Run, State, StepState, Undo},
};
use std::collections::BTreeMap;

const STEP: &str = "promote";

/// A run that stands before `promote`, in this state, with the step in that one.
fn standing(state: State, step: StepState) -> Run {
    let mut run = Sim::new(Cloudy::Answers, None).order(&failover_book(), None, 0);
    run.state = state;
    for id in ["before", "pick", "approve", "hold_scaling"] {
        run.steps.get_mut(id).unwrap().state = StepState::Done;
    }
    let promote = run.steps.get_mut(STEP).unwrap();
    promote.state = step;
    // Written down or sent means that there was an attempt.
    promote.attempt = u32::from(!matches!(step, StepState::Pending | StepState::Guarding));
    run
}

fn stamped(by: &str, event: Event) -> Stamped {
    Stamped { run: "run-1".to_owned(), at: epoch() + TimeDelta::hours(1), by: by.to_owned(), event }
}

fn step_events() -> Vec<(&'static str, Event)> {
    let step = || STEP.to_owned();
    let why = || "why".to_owned();
    let call = Call::Release { id: "x".to_owned() };
    let reply = |reply| Event::Replied { step: step(), attempt: 1, reply };
    let observed = |finding| Event::Observed { step: step(), finding, seen: why() };
    vec![
        ("started", Event::StepStarted { step: step() }),
        ("skipped", Event::StepSkipped { step: step(), why: why() }),
        ("logged", Event::IntentLogged { step: step(), attempt: 1, call }),
        ("sent", Event::IntentSent { step: step(), attempt: 1 }),
        ("accepted", reply(Reply::Accepted { receipt: why() })),
        ("rejected", reply(Reply::Rejected { why: why() })),
        ("unknown", reply(Reply::Unknown { why: why() })),
        ("applied", observed(Finding::Applied)),
        ("not_applied", observed(Finding::NotApplied)),
        ("unresolved", observed(Finding::Unresolved)),
        ("done", Event::StepDone { step: step(), detail: why(), outputs: BTreeMap::new() }),
        ("failed", Event::StepFailed { step: step(), why: why() }),
        ("timed_out", Event::StepTimedOut { step: step(), why: why(), goes_on: false }),
    ]
}

#[test]
fn a_once_step_takes_what_its_table_says_and_nothing_else() {
    use StepState::{
        Done, Failed, Guarding, Logged, Observing, Pending, Sent, Skipped, TimedOut, Waiting,
    };
    #[rustfmt::skip]
    let table: &[(StepState, &str, StepState)] = &[
        (Pending,   "started",     Guarding),
        (Pending,   "skipped",     Skipped),
        (Guarding,  "logged",      Logged),
        (Guarding,  "done",        Done),
        (Guarding,  "failed",      Failed),
        (Guarding,  "timed_out",   TimedOut),
        (Logged,    "sent",        Sent),
        (Sent,      "accepted",    Done),
        (Sent,      "rejected",    Failed),
        (Sent,      "unknown",     Observing),
        (Observing, "applied",     Done),
        (Observing, "not_applied", Failed),
        (Observing, "unresolved",  Observing),
        (Waiting,   "done",        Done),
        (Waiting,   "failed",      Failed),
        (Waiting,   "timed_out",   TimedOut),
    ];
    let states =
        [Pending, Guarding, Logged, Sent, Waiting, Observing, Done, Skipped, Failed, TimedOut];
    for state in states {
        for (name, event) in step_events() {
            let row = table.iter().find(|(from, event, _)| *from == state && *event == name);
            let run = standing(State::Running, state);
            match (next(run, &stamped("control", event)), row) {
                (Ok((run, commands)), Some((_, _, to))) => {
                    assert_eq!(run.steps[STEP].state, *to, "{state:?} + {name}");
                    let sends = matches!(commands.as_slice(), [Command::Send { .. }]);
                    assert_eq!(sends, name == "logged", "{state:?} + {name} orders {commands:?}");
                }
                (Err(_), None) => {}
                (got, want) => panic!("{state:?} + {name}: {got:?}, not {want:?}"),
            }
        }
    }
}

#[test]
fn a_run_takes_what_its_table_says_and_nothing_else() {
    use State::{AwaitingApproval, Compensating, Ended, Paused, Planned, Running};
    let why = || "why".to_owned();
    let finished = |end| Event::Finished { end, reason: why() };
    #[rustfmt::skip]
    let events = [
        ("started",   Event::Started { why: why() }),
        ("refused",   Event::Refused { why: why() }),
        ("paused",    Event::Paused { why: why() }),
        ("resumed",   Event::Resumed { why: why() }),
        ("abort",     Event::AbortAsked { why: why() }),
        ("recovered", Event::Recovered { epoch: 2 }),
        ("measured",  Event::Measured { rto_ms: None, resolution_ms: 0, words: why() }),
        ("undo",      Event::UndoStarted { step: "hold_scaling".to_owned() }),
        ("undone",    Event::UndoDone { step: "hold_scaling".to_owned() }),
        ("succeeded", finished(End::Succeeded)),
        ("aborted",   finished(End::Aborted)),
        ("stuck",     finished(End::Stuck)),
        ("rejected",  finished(End::Rejected)),
        ("expired",   finished(End::Expired)),
    ];
    #[rustfmt::skip]
    let table: &[(State, &[&str])] = &[
        (Planned,              &["started", "refused", "abort", "recovered"]),
        (AwaitingApproval,     &["abort", "recovered", "expired"]),
        (Running,              &["paused", "abort", "recovered", "measured", "stuck"]),
        (Paused,               &["resumed", "abort", "recovered"]),
        (Compensating,         &["recovered", "undo", "aborted", "stuck"]),
        (Ended(End::Succeeded), &[]),
        (Ended(End::Stuck),     &[]),
    ];
    for (state, allowed) in table {
        for (name, event) in &events {
            let run = standing(*state, StepState::Pending);
            let got = next(run, &stamped("ana", event.clone()));
            assert_eq!(got.is_ok(), allowed.contains(name), "{state:?} + {name}: {got:?}");
        }
    }
}

#[test]
fn a_step_is_begun_only_in_its_turn() {
    let run = standing(State::Running, StepState::Pending);
    let early = Event::StepStarted { step: "writer_up".to_owned() };
    let refused = next(run.clone(), &stamped("control", early)).unwrap_err();
    assert!(refused.why.contains("not writer_up's turn"), "{refused}");
    let unknown = Event::StepStarted { step: "nowhere".to_owned() };
    assert!(next(run, &stamped("control", unknown)).is_err());
}

#[test]
fn an_attempt_follows_the_one_before_and_a_reply_answers_the_newest() {
    let call = Call::Release { id: "x".to_owned() };
    let logged =
        |attempt| Event::IntentLogged { step: STEP.to_owned(), attempt, call: call.clone() };
    for attempt in [0, 2, 3] {
        let run = standing(State::Running, StepState::Guarding);
        assert!(next(run, &stamped("control", logged(attempt))).is_err(), "attempt {attempt}");
    }
    let reply = Reply::Accepted { receipt: String::new() };
    let late = Event::Replied { step: STEP.to_owned(), attempt: 2, reply };
    let run = standing(State::Running, StepState::Sent);
    assert!(next(run, &stamped("control", late)).is_err());
}

#[test]
fn a_run_does_not_end_with_a_call_in_flight_or_an_undo_under_way() {
    let end = |end| stamped("control", Event::Finished { end, reason: String::new() });
    for step in [StepState::Sent, StepState::Observing] {
        let run = standing(State::Compensating, step);
        assert!(next(run, &end(End::Aborted)).is_err(), "{step:?}");
    }
    let mut run = standing(State::Compensating, StepState::Pending);
    run.undos.insert("hold_scaling".to_owned(), Undo::Started);
    assert!(next(run, &end(End::Compensated)).is_err());
}

#[test]
fn recovery_doubts_what_was_sent_and_forgets_what_was_only_written_down() {
    #[rustfmt::skip]
    let table = [
        ("promote",      StepState::Logged, StepState::Guarding),
        ("promote",      StepState::Sent,   StepState::Observing),
        ("promote",      StepState::Done,   StepState::Done),
        ("hold_scaling", StepState::Logged, StepState::Guarding),
        // Safe to repeat, so it is repeated.
        ("hold_scaling", StepState::Sent,   StepState::Guarding),
    ];
    for (step, before, after) in table {
        let mut run = standing(State::Running, StepState::Pending);
        run.steps.get_mut(step).unwrap().state = before;
        let (run, commands) =
            next(run, &stamped("control", Event::Recovered { epoch: 2 })).unwrap();
        assert_eq!(run.steps[step].state, after, "{step} {before:?}");
        assert!(commands.is_empty(), "recovery orders nothing by itself");
    }
}
