//! One story per way in which the role moves, told as passes over what is seen.

use super::*;

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000 + milliseconds).expect("a time in range")
}

/// `W` up writer, `w` dead writer, `R` up reader, `r` dead reader; positions count upwards.
fn group(picture: &str) -> Vec<Member> {
    let members = picture.chars().enumerate().map(|(index, letter)| Member {
        id: format!("db-{}", index + 1),
        zone: String::from("sa-east-1a"),
        role: if letter.eq_ignore_ascii_case(&'w') { Role::Writer } else { Role::Reader },
        up: letter.is_uppercase(),
        port: 0,
        lag_ms: None,
        position: u64::try_from(index).expect("small"),
        connections: None,
        cpu_percent: None,
    });
    members.collect()
}

/// Feeds pictures at times and gives what was done, as words.
fn story(mut state: State, passes: &[(i64, &str)]) -> (State, Vec<String>) {
    let mut words = Vec::new();
    for (time, picture) in passes {
        let step = pass(&state, &group(picture), &Timing::default(), at(*time));
        words.extend(step.acts.iter().map(|act| format!("{time}: {act:?}")));
        state = step.state;
    }
    (state, words)
}

#[test]
fn a_healthy_group_is_left_alone() {
    let (state, acts) = story(State::default(), &[(0, "WRR"), (5_000, "WRR")]);
    assert_eq!(state, State::default());
    assert!(acts.is_empty(), "{acts:?}");
}

#[test]
fn a_requested_failover_stays_available_for_a_while_then_moves_then_settles() {
    let timing = Timing::default();
    let state = request(&State::default(), &group("WRR"), Some("db-2"), &timing, at(0)).unwrap();
    assert!(!state.failing_over());
    let (state, acts) = story(state, &[(500, "WRR")]);
    assert!(acts.is_empty() && !state.failing_over(), "the status still says available");
    let (state, acts) = story(state, &[(2_000, "WRR")]);
    assert_eq!(acts, ["2000: SwitchOver(\"db-2\")"]);
    assert!(state.failing_over());
    let (state, acts) = story(state, &[(2_500, "RWR"), (3_000, "RWR")]);
    assert!(acts.is_empty() && state.failing_over(), "the role moved, the status follows");
    let (state, _) = story(state, &[(3_500, "RWR")]);
    assert_eq!(state.phase, Phase::Available);
}

#[test]
fn a_dead_writer_is_replaced_by_the_reader_that_applied_most_and_comes_back() {
    let (state, acts) = story(
        State::default(),
        &[(0, "wRR"), (900, "wRR"), (1_000, "wRR"), (1_300, "wRW"), (3_000, "wRW")],
    );
    assert_eq!(acts, ["1000: Promote(\"db-3\")", "3000: Restart(\"db-1\")"]);
    assert!(state.repairing.contains("db-1"));
}

#[test]
fn a_writer_that_answers_again_in_time_keeps_its_role() {
    let (state, acts) = story(State::default(), &[(0, "wRR"), (900, "WRR"), (1_500, "WRR")]);
    assert!(acts.is_empty());
    assert_eq!(state, State::default());
}

#[test]
fn a_writer_that_is_rebooted_is_not_replaced_before_the_limit() {
    let repairing = BTreeSet::from([String::from("db-1")]);
    let state = State { repairing, ..State::default() };
    let (state, acts) = story(state, &[(0, "wRR"), (19_999, "wRR")]);
    assert!(acts.is_empty());
    let (_, acts) = story(state, &[(20_000, "wRR")]);
    assert_eq!(acts, ["20000: Promote(\"db-3\")"]);
}

#[test]
fn a_writer_dying_during_a_requested_failover_is_replaced_by_the_requested_target() {
    let timing = Timing::default();
    let state = request(&State::default(), &group("WRR"), Some("db-2"), &timing, at(0)).unwrap();
    let (_, acts) = story(state, &[(2_000, "WRR"), (2_250, "wRR")]);
    assert_eq!(acts, ["2000: SwitchOver(\"db-2\")", "2250: Promote(\"db-2\")"]);
}

#[test]
fn a_target_dying_during_an_unplanned_failover_is_replaced_by_another() {
    let (_, acts) = story(State::default(), &[(0, "wRR"), (1_000, "wRR"), (1_250, "wRr")]);
    assert_eq!(acts, ["1000: Promote(\"db-3\")", "1250: Promote(\"db-2\")"]);
}

#[test]
fn a_requested_failover_that_never_moves_is_given_up() {
    let timing = Timing::default();
    let state = request(&State::default(), &group("WRR"), None, &timing, at(0)).unwrap();
    let (state, _) = story(state, &[(2_000, "WRR"), (20_000, "WRR")]);
    let step = pass(&state, &group("WRR"), &timing, at(32_000));
    assert_eq!(step.happenings, [Happening::GivenUp { target: String::from("db-3") }]);
    assert_eq!(step.state.phase, Phase::Available);
}

#[test]
fn with_all_members_dead_all_are_started_again_and_the_writer_keeps_the_role() {
    let (state, acts) = story(State::default(), &[(0, "wrr"), (3_000, "wrr")]);
    assert_eq!(
        acts,
        ["3000: Restart(\"db-1\")", "3000: Restart(\"db-2\")", "3000: Restart(\"db-3\")"]
    );
    let (state, _) = story(State { repairing: BTreeSet::new(), ..state }, &[(6_000, "WRR")]);
    assert_eq!(state, State::default());
}

#[test]
fn requests_are_refused_in_this_order() {
    let timing = Timing::default();
    let moving = Phase::Settling { until: at(1) };
    let moving = State { phase: moving, ..State::default() };
    let rows = [
        (moving, "WRR", Some("db-1"), Refusal::FailingOver),
        (State::default(), "WRR", Some("db-9"), Refusal::UnknownMember("db-9".into())),
        (State::default(), "WRR", Some("db-1"), Refusal::AlreadyWriter("db-1".into())),
        (State::default(), "WrR", Some("db-2"), Refusal::NotAvailable("db-2".into())),
        (State::default(), "Wrr", None, Refusal::NoReader),
    ];
    for (state, picture, target, refusal) in rows {
        let answer = request(&state, &group(picture), target, &timing, at(0));
        assert_eq!(answer, Err(refusal), "{picture} {target:?}");
    }
}
