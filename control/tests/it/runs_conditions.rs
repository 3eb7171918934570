//! Conditions are three-valued: what is stale, from before, or not there never satisfies.

use chrono::{DateTime, TimeDelta, Utc};
use control::{
    fleet::{Database, DatabaseInstance, Seen},
    probe::Outcome,
    runbook::{
        book::ResourceKind,
        condition::{Condition, Limits, Operator, Scene, Streaks, Test, Verdict, judge, judge_all},
        template::{Names, Template},
        world::World,
    },
};
use protocol::control::{Reading, Severity};
use std::time::Duration;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn test(operator: Operator, operand: &str) -> Test {
    Test { operator, operand: Template::parse(operand).unwrap() }
}

fn limits(max_age: u64, holds: u64) -> Limits {
    Limits { max_age: Duration::from_secs(max_age), holds: Duration::from_secs(holds) }
}

/// A cluster of two whose writer is `a`, seen at second 100.
fn world() -> World {
    let instance = |id: &str, writer| DatabaseInstance {
        id: id.to_owned(),
        zone: "z".to_owned(),
        status: "available".to_owned(),
        writer,
        promotion_tier: 0,
        class: "db.r6g.large".to_owned(),
    };
    let database = Database {
        cluster: "c".to_owned(),
        status: "available".to_owned(),
        writer_endpoint: "w".to_owned(),
        reader_endpoint: "r".to_owned(),
        port: 3306,
        instances: vec![instance("a", true), instance("b", false)],
    };
    World { database: Some(Seen { value: database, at: at(100) }), ..World::default() }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Holds(_) => "holds",
        Verdict::Fails(_) => "fails",
        Verdict::Never(_) => "never",
        Verdict::Unknown(_) => "unknown",
    }
}

fn one(condition: &Condition, world: &World, after: Option<i64>, now: i64) -> &'static str {
    let names = Names::from([("c".to_owned(), "c".to_owned()), ("w".to_owned(), "a".to_owned())]);
    let scene = Scene { world, names: &names, after: after.map(at), now: at(now) };
    word(&judge(condition, &scene, &mut Streaks::default(), "key"))
}

fn field(field: &str, operator: Operator, operand: &str) -> Condition {
    Condition::Resource {
        kind: ResourceKind::Aurora,
        name: Template::parse("${c}").unwrap(),
        field: field.to_owned(),
        test: test(operator, operand),
        limits: limits(30, 0),
    }
}

#[test]
fn a_resource_is_believed_while_it_is_fresh_and_seen_after_the_step() {
    use Operator::{AtLeast, Equal, Less, NotEqual};
    let seen = world();
    let mut torn = world();
    torn.database.as_mut().unwrap().value.instances[0].writer = false;
    let nothing = World::default();
    #[rustfmt::skip]
    let table = [
        (field("writer", Equal, "a"),             &seen,    None,      110, "holds"),
        (field("writer", Equal, "${w}"),          &seen,    None,      110, "holds"),
        (field("writer", Equal, "b"),             &seen,    None,      110, "fails"),
        (field("writer", NotEqual, "b"),          &seen,    None,      110, "holds"),
        (field("writer", Equal, "${later.name}"), &seen,    None,      110, "unknown"),
        (field("readers_available", AtLeast, "1"), &seen,   None,      110, "holds"),
        (field("readers_available", AtLeast, "2"), &seen,   None,      110, "fails"),
        (field("status", Less, "1"),              &seen,    None,      110, "unknown"),
        // Seen 31 s ago; seen before the step began.
        (field("writer", Equal, "a"),             &seen,    None,      131, "unknown"),
        (field("writer", Equal, "a"),             &seen,    Some(101), 110, "unknown"),
        (field("writer", Equal, "a"),             &seen,    Some(100), 110, "holds"),
        // No writer at all is no writer that differs.
        (field("writer", Equal, "a"),             &torn,    None,      110, "unknown"),
        (field("writer", NotEqual, "b"),          &torn,    None,      110, "unknown"),
        (field("writer", Equal, "a"),             &nothing, None,      110, "unknown"),
    ];
    for (condition, world, after, now, want) in table {
        assert_eq!(one(&condition, world, after, now), want, "{condition:?} at {now}");
    }
}

#[test]
fn only_a_fresh_reading_satisfies_or_disproves() {
    let (value, at_) = (0.4, at(100));
    #[rustfmt::skip]
    let table = [
        (Some(Reading::Fresh { value, at: at_ }),        110, "holds"),
        (Some(Reading::Fresh { value: 2.0, at: at_ }),   110, "fails"),
        (Some(Reading::Fresh { value, at: at_ }),        161, "unknown"),
        (Some(Reading::Stale { value, at: at_ }),        110, "unknown"),
        (Some(Reading::Partial { value, at: at_ }),      110, "unknown"),
        (Some(Reading::Absent),                          110, "unknown"),
        (Some(Reading::Error),                           110, "unknown"),
        (None,                                           110, "unknown"),
    ];
    let condition = Condition::Signal {
        name: "error_percent".to_owned(),
        test: test(Operator::Less, "1"),
        limits: limits(60, 0),
    };
    for (reading, now, want) in table {
        let mut world = World::default();
        if let Some(reading) = reading {
            world.signals.insert("error_percent".to_owned(), reading);
        }
        assert_eq!(one(&condition, &world, None, now), want, "{reading:?} at {now}");
    }
}

#[test]
fn probes_count_in_a_row_after_the_step_and_while_they_come() {
    // One probe a second from second 100 on: `+` succeeded.
    #[rustfmt::skip]
    let table = [
        ("+++",   None,      103, "holds"),
        ("-+++",  None,      104, "holds"),
        ("++",    None,      102, "unknown"),
        ("+-++",  None,      104, "unknown"),
        ("+++-",  None,      104, "fails"),
        ("",      None,      104, "unknown"),
        // Old successes say nothing about what was just done.
        ("+++",   Some(101), 103, "unknown"),
        ("++++",  Some(101), 104, "holds"),
        // A canary that fell silent says nothing either.
        ("+++",   None,      108, "unknown"),
    ];
    for (picture, after, now, want) in table {
        let probe = picture.chars().zip(100..).map(|(mark, second)| Outcome {
            at: at(second),
            ok: mark == '+',
            latency: Duration::from_millis(3),
            detail: String::new(),
        });
        let world = World { probe: probe.collect(), ..World::default() };
        let condition = Condition::Probe { consecutive: 3 };
        assert_eq!(one(&condition, &world, after, now), want, "{picture:?} at {now}");
    }
}

#[test]
fn alerts_are_counted_from_a_severity_on_and_unknown_is_not_none() {
    let condition = Condition::Alerts { at_least: Severity::P2, test: test(Operator::Equal, "0") };
    #[rustfmt::skip]
    let table = [
        (None,                                     "unknown"),
        (Some(vec![]),                             "holds"),
        (Some(vec![Severity::P3, Severity::P4]),   "holds"),
        (Some(vec![Severity::P2]),                 "fails"),
        (Some(vec![Severity::P4, Severity::P1]),   "fails"),
    ];
    for (alerts, want) in table {
        let world = World { alerts: alerts.clone(), ..World::default() };
        assert_eq!(one(&condition, &world, None, 0), want, "{alerts:?}");
    }
}

#[test]
fn a_condition_that_must_last_begins_anew_with_each_break() {
    let condition = Condition::Signal {
        name: "tps".to_owned(),
        test: test(Operator::More, "10"),
        limits: limits(60, 20),
    };
    let names = Names::new();
    let mut streaks = Streaks::default();
    // second, value; `None` is a reading that is absent.
    #[rustfmt::skip]
    let story = [
        (0,  Some(11.0), "unknown"),
        (10, Some(12.0), "unknown"),
        (20, Some(11.0), "holds"),
        (25, Some(9.0),  "fails"),
        (30, Some(11.0), "unknown"),
        (40, None,       "unknown"),
        (49, Some(11.0), "unknown"),
        (60, Some(11.0), "unknown"),
        (70, Some(11.0), "holds"),
    ];
    for (second, value, want) in story {
        let mut world = World::default();
        let reading =
            value.map_or(Reading::Absent, |value| Reading::Fresh { value, at: at(second) });
        world.signals.insert("tps".to_owned(), reading);
        let scene = Scene { world: &world, names: &names, after: None, now: at(second) };
        let got = judge(&condition, &scene, &mut streaks, "key");
        assert_eq!(word(&got), want, "second {second}: {got:?}");
    }
}

#[test]
fn all_fail_with_one_and_any_holds_with_one() {
    let holds = || field("writer", Operator::Equal, "a");
    let fails = || field("writer", Operator::Equal, "b");
    let unknown = || Condition::Probe { consecutive: 1 };
    #[rustfmt::skip]
    let table: [(Vec<Condition>, &str, &str); 7] = [
        // conditions                        all        any
        (vec![],                             "holds",   "fails"),
        (vec![holds(), holds()],             "holds",   "holds"),
        (vec![holds(), unknown()],           "unknown", "holds"),
        (vec![holds(), fails()],             "fails",   "holds"),
        (vec![unknown(), fails()],           "fails",   "unknown"),
        (vec![unknown(), unknown()],         "unknown", "unknown"),
        (vec![fails(), fails()],             "fails",   "fails"),
    ];
    let (world, names) = (world(), Names::from([("c".to_owned(), "c".to_owned())]));
    let scene = Scene { world: &world, names: &names, after: None, now: at(110) };
    for (conditions, all, any) in table {
        let got = judge_all(&conditions, &scene, &mut Streaks::default(), "key");
        assert_eq!(word(&got), all, "all of {conditions:?}");
        let condition = Condition::Any(conditions);
        let got = judge(&condition, &scene, &mut Streaks::default(), "key");
        assert_eq!(word(&got), any, "{condition:?}");
    }
}
