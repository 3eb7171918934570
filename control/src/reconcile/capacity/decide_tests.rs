//! The rules of sizing as tables, and the property that a constant load never makes it flap.

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Reading;

use super::decide::{Because, Block, Floor, FloorSource, Observed, Words, decide};
use super::samples::{observed, policy};
use super::{Boost, Fallback, Policy, Rise};
use crate::calendar::Schedule;
use crate::fleet::samples::second;
use crate::readings::Sample;

fn explained(policy: &Policy, seen: &Observed, now: DateTime<Utc>) -> (Because, u32, Words) {
    let decision = decide(policy, seen, now);
    (decision.because, decision.to, decision.explain(policy, seen, now))
}

fn block(why: &str) -> Option<Block> {
    Some(Block { why: why.to_owned(), until: None })
}

const U: f64 = f64::NAN;

#[test]
fn load_decides_the_size_and_the_reason_says_why() {
    use Because::{AtFloor, AtMaximum, Disagreement, LessLoad, Load, Steady, Unknown, WouldFlap};
    type Row = (u32, &'static [f64], &'static [f64], u32, Because, &'static str);
    #[rustfmt::skip]
    let table: &[Row] = &[
        // now  cpu, newest first   requests            to  because
        (6, &[61., 61.],           &[100.; 4],           7, Load,
            "6 → 7: cpu 61.0% above target cpu 60.0% for 2 points"),
        (6, &[61., 75.],           &[100.; 4],           8, Load,
            "6 → 8: cpu 61.0% above target cpu 60.0% for 2 points"),
        (7, &[52.3; 4],            &[100.; 4],           7, Disagreement,
            "hold 7: wants 3, but cpu 52.3% of target cpu 60.0%, one less would exceed it; \
             all must agree to scale in"),
        (7, &[55.; 4],             &[280.; 4],           7, Steady,
            "hold 7: cpu 55.0% of target cpu 60.0%; \
             requests 280.0/s per task of target requests 300.0/s per task"),
        (6, &[61., 59.],           &[100.; 4],           6, Disagreement,
            "hold 6: wants 3, but cpu 61.0% of target cpu 60.0%; all must agree to scale in"),
        (6, &[30.; 4],             &[600., 610.],       12, Load,
            "6 → 12: requests 600.0/s per task above target requests 300.0/s per task for 2 \
             points, limited from 13"),
        (6, &[90., 90.],           &[330., 330.],        9, Load,
            "6 → 9: cpu 90.0% above target cpu 60.0% for 2 points"),
        (20, &[90., 90.],          &[100.; 4],          20, AtMaximum,
            "hold 20: cpu 90.0% above target cpu 60.0% for 2 points, but at the maximum; wants 30"),
        (3, &[20.; 4],             &[100.; 4],           3, AtFloor,
            "hold 3: cpu 20.0% of target cpu 60.0%, at the minimum; \
             requests 100.0/s per task of target requests 300.0/s per task, at the minimum"),
        (6, &[20.; 4],             &[100.; 4],           5, LessLoad,
            "6 → 5: cpu 20.0% below cpu 54.0% for 4 points; \
             requests 100.0/s per task below requests 270.0/s per task for 4 points"),
        (6, &[20., 20., 20., 55.], &[100.; 4],           6, Disagreement,
            "hold 6: wants 3, but cpu 20.0% of target cpu 60.0%; all must agree to scale in"),
        (6, &[20., 20., 20.],      &[100.; 4],           6, Unknown,
            "hold 6: wants 3, but cpu 20.0% of target cpu 60.0%, but cpu known for 3 of 4 points; \
             unknown never scales in"),
        (6, &[20., 20., U, 20.],   &[100.; 4],           6, Unknown,
            "hold 6: wants 3, but cpu 20.0% of target cpu 60.0%, but cpu known for 3 of 4 points; \
             unknown never scales in"),
        (6, &[U, 20., 20., 20.],   &[100.; 4],           6, Unknown,
            "hold 6: wants 3, but cpu unknown: 1 of the newest 2 points; unknown never scales in"),
        (6, &[],                   &[],                  6, Unknown,
            "hold 6: cpu unknown: 0 of the newest 2 points; \
             requests per task unknown: 0 of the newest 2 points"),
        (6, &[],                   &[400., 400.],        8, Load,
            "6 → 8: requests 400.0/s per task above target requests 300.0/s per task for 2 points"),
        (6, &[48.; 4],             &[100.; 4],           6, WouldFlap,
            "hold 6: wants 5, but one less would be close to growing again"),
    ];
    for (current, cpu, requests, to, because, reason) in table {
        let mut seen = observed(*current, cpu, requests);
        seen.past.changed_at = Some(second(-1000));
        let found = explained(&policy(), &seen, second(0));
        assert_eq!(
            (found.1, found.0, found.2.reason.as_str()),
            (*to, *because, *reason),
            "{current} {cpu:?} {requests:?}"
        );
    }
}

#[test]
fn what_forbids_a_change_is_said_in_its_order() {
    let low: &[f64] = &[20.0; 4];
    let high: &[f64] = &[90.0; 2];
    type Arrange = fn(&mut Observed);
    #[rustfmt::skip]
    let table: &[(&[f64], Arrange, Because, u32, &str)] = &[
        (low, |_| (), Because::LessLoad, 5, "6 → 5: cpu 20.0%"),
        (low, |o| o.past.changed_at = Some(second(-100)), Because::CoolingDown, 6,
            "hold 6: wants 3, but cooling down until 00:03:20"),
        (low, |o| o.deploying = true, Because::Deployment, 6,
            "hold 6: wants 3, but a deployment is running"),
        (low, |o| o.run = block("drill x is on"), Because::Run, 6,
            "hold 6: wants 3, but drill x is on"),
        (low, |o| o.locked = block("runbook x owns it"), Because::Locked, 6,
            "hold 6: runbook x owns it"),
        (low, |o| o.frozen = block("ann froze everything"), Because::Frozen, 6,
            "hold 6: ann froze everything"),
        (low, |o| o.held_in = block("ann holds it"), Because::Held, 6,
            "hold 6: wants 3, but ann holds it"),
        (low, |o| o.held_out = block("ann holds it"), Because::LessLoad, 5, "6 → 5"),
        (low, |o| o.forbidden = Some("AWS owns it".to_owned()), Because::Forbidden, 6,
            "hold 6: AWS owns it"),
        (low, |o| o.seen_at = Some(second(-31)), Because::NotSeen, 6,
            "hold 6: the service was last seen 31 s ago"),
        (low, |o| o.seen_at = Some(second(300)), Because::NotSeen, 6,
            "hold 6: the service was last seen 300 s from now: the clock was set back"),
        (low, |o| o.current = None, Because::NotSeen, 0, "hold: the service was never seen"),
        (low, |o| o.current = Some(2), Because::BelowFloor, 3, "2 → 3: below the minimum of 3"),
        (low, |o| { o.current = Some(2); o.held_out = block("ann holds it"); }, Because::Held, 2,
            "hold 2: wants 3, but ann holds it"),
        (low, |o| o.current = Some(25), Because::AboveMaximum, 20,
            "25 → 20: above the maximum of 20"),
        (low, |o| { o.current = Some(25); o.held_in = block("ann holds it"); }, Because::Held, 25,
            "hold 25: wants 20, but ann holds it"),
        (high, |o| o.past.changed_at = Some(second(-1)), Because::Load, 9, "6 → 9: cpu 90.0%"),
        (high, |o| o.deploying = true, Because::Load, 9, "6 → 9: cpu 90.0%"),
        (high, |o| o.run = block("drill x is on"), Because::Load, 9, "6 → 9: cpu 90.0%"),
        (high, |o| o.frozen = block("ann froze everything"), Because::Frozen, 6, "hold 6: ann froze"),
        (high, |o| o.locked = block("runbook x owns it"), Because::Locked, 6, "hold 6: runbook x"),
        (high, |o| o.held_out = block("ann holds it"), Because::Held, 6,
            "hold 6: wants 9, but ann holds it"),
        // Nine wanted by six that run, and nine desired already: three are starting.
        (high, |o| o.current = Some(9), Because::Starting, 9,
            "hold 9: cpu 90.0% above target cpu 60.0%, 9 tasks will do"),
    ];
    for (cpu, arrange, because, to, reason) in table {
        let mut seen = observed(6, cpu, &[100.0; 4]);
        arrange(&mut seen);
        let (found, size, words) = explained(&policy(), &seen, second(0));
        assert_eq!((found, size), (*because, *to), "{}", words.reason);
        assert!(words.reason.starts_with(reason), "{} is not {reason}", words.reason);
    }
}

#[test]
fn the_proposals_that_lost_are_told_with_their_reasons() {
    let seen = observed(6, &[90.0; 2], &[330.0; 2]);
    let decision = decide(&policy(), &seen, second(0));
    let words = decision.explain(&policy(), &seen, second(0));
    assert_eq!(
        words.losing,
        ["add to 7: requests 330.0/s per task above target requests 300.0/s per task for 2 points"]
    );
    assert_eq!(words.inputs, ["cpu 90.0% over 6 tasks", "requests 330.0/s per task over 6 tasks"]);
    assert_eq!(decision.action(), "scale_out");
}

/// What does not follow the load, from the same calm six tasks at 20 % CPU.
#[test]
fn floors_raise_and_keep_whatever_the_load() {
    type Arrange = fn(&mut Policy, &mut Observed);
    #[rustfmt::skip]
    let table: &[(&str, Arrange, Because, u32, &str)] = &[
        ("a schedule raises", |p, _| p.schedules = vec![window(Some(8), None)],
            Because::BelowFloor, 8, "6 → 8: the schedule payday asks for 8 until 06:00:00"),
        ("a schedule keeps", |p, _| p.schedules = vec![window(Some(6), None)],
            Because::AtFloor, 6, "hold 6: cpu 20.0% of target cpu 60.0%, at the floor; requests \
             100.0/s per task of target requests 300.0/s per task, at the floor; the schedule \
             payday asks for 6 until 06:00:00"),
        ("a schedule's minimum ends at the policy's maximum",
            |p, _| p.schedules = vec![window(Some(30), None)],
            Because::BelowFloor, 20, "6 → 20: the schedule payday asks for 20 until 06:00:00"),
        ("a schedule's maximum removes nothing that the load needs",
            |p, o| { p.schedules = vec![window(None, Some(4))]; *o = observed(6, &[55.0; 4], &[280.0; 4]); },
            Because::Steady, 6, "hold 6: cpu 55.0%"),
        ("a schedule's maximum stops the load",
            |p, o| { p.schedules = vec![window(None, Some(7))]; *o = observed(6, &[90.0; 4], &[280.0; 4]); },
            Because::Load, 7, "6 → 7: cpu 90.0% above target cpu 60.0% for 2 points, limited from 9"),
        ("and says so", |p, o| { p.schedules = vec![window(None, Some(6))]; *o = observed(6, &[90.0; 4], &[280.0; 4]); },
            Because::AtMaximum, 6, "hold 6: cpu 90.0% above target cpu 60.0% for 2 points, but at \
             the schedule's maximum until 06:00:00; wants 9"),
        ("a person raises at once, beyond a step and beyond a schedule's maximum",
            |p, o| { p.schedules = vec![window(None, Some(7))]; o.floors = vec![floor(FloorSource::Manual, 18)]; },
            Because::BelowFloor, 18, "6 → 18: somebody asks for 18"),
        ("the forecast does not go beyond a schedule's maximum",
            |p, o| { p.schedules = vec![window(None, Some(7))]; o.floors = vec![floor(FloorSource::Forecast, 18)]; },
            Because::BelowFloor, 7, "6 → 7: somebody asks for 18"),
        ("nobody goes beyond the policy's maximum",
            |_, o| o.floors = vec![floor(FloorSource::Manual, 99)],
            Because::BelowFloor, 20, "6 → 20: somebody asks for 99"),
        ("the load may ask for more than a floor",
            |_, o| { *o = observed(6, &[90.0; 4], &[280.0; 4]); o.floors = vec![floor(FloorSource::Manual, 8)]; },
            Because::Load, 9, "6 → 9: cpu 90.0%"),
        ("a floor that expired is nobody's", |_, o| o.floors = vec![expired()],
            Because::LessLoad, 5, "6 → 5: cpu 20.0%"),
        ("removing stops at a floor", |_, o| o.floors = vec![floor(FloorSource::Forecast, 6)],
            Because::AtFloor, 6, "hold 6: cpu 20.0% of target cpu 60.0%, at the floor"),
    ];
    for (why, arrange, because, to, reason) in table {
        let (mut policy, mut seen) = (policy(), observed(6, &[20.0; 4], &[100.0; 4]));
        arrange(&mut policy, &mut seen);
        let (found, size, words) = explained(&policy, &seen, second(0));
        assert_eq!((found, size), (*because, *to), "{why}: {}", words.reason);
        assert!(words.reason.starts_with(reason), "{why}: {} is not {reason}", words.reason);
    }
}

/// `second(0)` is a midnight; the window is open around every one.
fn window(min: Option<u32>, max: Option<u32>) -> Schedule {
    use chrono::Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    Schedule {
        name: "payday".to_owned(),
        zone: chrono_tz::UTC,
        days: vec![Mon, Tue, Wed, Thu, Fri, Sat, Sun],
        from: "22:00:00".parse().unwrap(),
        to: "06:00:00".parse().unwrap(),
        min,
        max,
    }
}

fn floor(source: FloorSource, tasks: u32) -> Floor {
    let why = format!("somebody asks for {tasks}");
    Floor { source, tasks, until: second(60), why }
}

fn expired() -> Floor {
    Floor { until: second(0), ..floor(FloorSource::Manual, 12) }
}

fn boosted() -> Policy {
    let rise = Rise { share: 0.3, periods: 2.0 };
    let boost = Boost { error_percent: Some(2.0), p95_ms: Some(200.0), add: 0.5, rise: Some(rise) };
    Policy { boost: Some(boost), ..policy() }
}

/// A boost adds to what the load asks for, keeps it while it stands, and never removes.
#[test]
fn boosts_only_ever_raise() {
    let fresh = |value| Reading::Fresh { value, at: second(0) };
    let stale = |value| Reading::Stale { value, at: second(-600) };
    type Row<'r> = (&'r str, Observed, Because, u32, &'r str);
    let near = || observed(6, &[56.0; 4], &[200.0; 4]);
    let low = || observed(6, &[20.0; 4], &[100.0; 4]);
    let with = |seen: Observed, error_percent, p95_ms| Observed { error_percent, p95_ms, ..seen };
    let none = Reading::Absent;
    #[rustfmt::skip]
    let table: Vec<Row<'_>> = vec![
        ("nothing stands", with(near(), fresh(1.0), fresh(100.0)), Because::Disagreement, 6, "hold 6"),
        // Half more than 336 CPU points over 60 is 8.4.
        ("errors", with(near(), fresh(3.0), none), Because::Boost, 9,
            "6 → 9: errors 3.0% above 2.0%, so 50% more than the load"),
        ("slow answers", with(near(), none, fresh(250.0)), Because::Boost, 9,
            "6 → 9: p95 250.0 ms above 200.0 ms, so 50% more than the load"),
        ("stale errors say nothing", with(near(), stale(9.0), stale(900.0)), Because::Disagreement, 6, "hold 6"),
        ("a boost keeps what it added", with(observed(8, &[37.0; 4], &[150.0; 4]), fresh(3.0), none),
            Because::Boost, 8, "hold 8: wants 5, but errors 3.0% above 2.0%"),
        ("it does not grow again by itself", with(observed(9, &[33.0; 4], &[150.0; 4]), fresh(3.0), none),
            Because::LessLoad, 8, "9 → 8"),
        ("errors at low load ask for little", with(low(), fresh(50.0), none), Because::LessLoad, 5, "6 → 5"),
        ("a deployment explains errors",
            Observed { deploying: true, ..with(near(), fresh(9.0), none) }, Because::Disagreement, 6, "hold 6"),
        ("so does a drill",
            Observed { run: block("drill x"), ..with(near(), fresh(9.0), none) }, Because::Disagreement, 6, "hold 6"),
        // 6 × 50 grew by a third to 6 × 67; twice that growth more is 6 × 101, over 60: 11.
        ("a steep rise", observed(6, &[67.0, 50.0, 50.0, 50.0], &[200.0; 4]), Because::Boost, 11,
            "6 → 11: cpu 67.0% and rising steeply; 11 tasks before it is there"),
        ("a gentle one", observed(6, &[59.0, 50.0, 50.0, 50.0], &[200.0; 4]), Because::Disagreement, 6, "hold 6"),
        ("a spike counts twice at most", observed(6, &[50.0; 4], &[250.0, 10.0, 10.0, 10.0]), Because::Boost, 10,
            "6 → 10: requests 250.0/s per task and rising steeply"),
    ];
    for (why, mut seen, because, to, reason) in table {
        seen.past.changed_at = Some(second(-1000));
        let (found, size, words) = explained(&boosted(), &seen, second(0));
        assert_eq!((found, size), (because, to), "{why}: {}", words.reason);
        assert!(words.reason.starts_with(reason), "{why}: {} is not {reason}", words.reason);
    }
}

/// Six tasks become nine in the middle of a period: the average over nine is of six.
#[test]
fn a_rise_is_not_seen_in_an_average_over_tasks_that_come_and_go() {
    let mut seen = observed(9, &[50.0, 50.0, 50.0, 50.0], &[100.0; 4]);
    let slots = &mut seen.windows.get_mut("cpu_percent").unwrap().slots;
    slots[1] = Some(Sample { value: 50.0, tasks: 6 });
    let decision = decide(&boosted(), &seen, second(0));
    assert_ne!(decision.because, Because::Boost, "{decision:?}");
}

/// Hold, then the safe floor after five minutes, then the normal rules again with a cooldown.
#[test]
fn who_sees_nothing_holds_then_raises_to_the_safe_floor_and_never_removes() {
    let fallback = |tasks| Policy {
        fallback: Some(Fallback { after: TimeDelta::minutes(5), tasks }),
        ..policy()
    };
    for (policy, want) in [(fallback(Some(8)), 8), (fallback(None), 11)] {
        let mut seen = observed(4, &[20.0; 45], &[50.0; 45]);
        // Eleven ran the day before.
        seen.past.changed(11, 4, second(-86_400));
        let mut steps = Vec::new();
        for tick in 0..60 {
            let now = second(tick * 10);
            seen.seen_at = Some(now);
            for window in seen.windows.values_mut() {
                window.slots = vec![None; 45];
            }
            let decision = decide(&policy, &seen, now);
            assert!(decision.to >= decision.from, "{decision:?}");
            if decision.to != decision.from {
                steps.push((tick, decision.to, decision.because));
                seen.past.changed(decision.from, decision.to, now);
                seen.current = Some(decision.to);
            }
            seen.past.decided(&decision, now);
            if tick == 1 {
                let words = decision.explain(&policy, &seen, now);
                assert!(
                    words.reason.ends_with("blind until 00:05:00, then the safe floor"),
                    "{}",
                    words.reason
                );
            }
        }
        assert_eq!(steps, [(30, want, Because::BelowFloor)]);
        // The data is back, and low: removing begins after the cooldown, one step at a time.
        let back = observed(want, &[20.0; 45], &[50.0; 45]);
        seen = Observed { past: seen.past, ..back };
        let at = |seconds| {
            let now = second(seconds);
            decide(&policy, &Observed { seen_at: Some(now), ..seen.clone() }, now)
        };
        assert_eq!(at(599).because, Because::CoolingDown);
        assert_eq!((at(600).because, at(600).to), (Because::LessLoad, want - 1));
    }
}

/// One target that is known is an eye: nobody is blind, nothing is removed, and it may add.
#[test]
fn one_known_target_is_not_blindness() {
    let seen = observed(6, &[U; 4], &[100.0; 4]);
    let decision = decide(&policy(), &seen, second(0));
    assert_eq!((decision.blind, decision.because), (false, Because::Unknown));
    let decision = decide(&policy(), &observed(6, &[U; 4], &[U; 4]), second(0));
    assert!(decision.blind);
}

#[test]
fn a_size_that_went_up_after_down_three_times_in_an_hour_is_not_removed_again() {
    let mut seen = observed(6, &[20.0; 4], &[100.0; 4]);
    for (n, (from, to)) in (0..).zip([(6, 5), (5, 6)].repeat(3)) {
        seen.past.changed(from, to, second(-3000 + n * 400));
    }
    let (because, _, words) = explained(&policy(), &seen, second(0));
    assert_eq!(because, Because::Oscillation);
    assert_eq!(
        words.reason,
        "hold 6: wants 3, but it was removed and added again 3 times within an hour; only adding \
         until 00:10:00"
    );
    seen.seen_at = Some(second(700));
    let decision = decide(&policy(), &seen, second(700));
    assert_eq!(decision.because, Because::LessLoad, "the first of them is forgotten");
}
