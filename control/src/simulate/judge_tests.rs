//! The judge must see each fault that it is there to see.

use chrono::TimeDelta;

use super::judge::Judge;
use super::ours::Ours;
use super::scenario::{Scenario, read, shipped};
use super::tasks::Tasks;
use super::weather::{Spell, Trouble, Weather};
use crate::reconcile::capacity::decide::{Because, Decision, Observed};
use crate::simulate::engine::{Slice, View};

const NOW_S: i64 = 1_003;

/// What the judge says of this decision, of a service of six tasks.
fn judged(scenario: &Scenario, to: u32, trouble: Option<Trouble>, silent_s: i64) -> Vec<String> {
    let environment = &scenario.environment;
    let mut ours = Ours::new("x", &environment.scaling, &environment.signals, true, 1);
    let mut judge = Judge::new(scenario);
    judge.saw(&Slice {
        second: NOW_S - silent_s,
        served: 1.0,
        failed: 0.0,
        busy: 0.1,
        running: 6,
        p95_ms: 18.0,
        published: true,
    });
    let now = scenario.start + TimeDelta::seconds(NOW_S);
    let seen = Observed { current: Some(6), seen_at: Some(now), ..Observed::default() };
    let (because, until, blind, winner) = (Because::LessLoad, None, false, None);
    let (from, want, proposals) = (6, to, vec![]);
    let decision = Decision { because, from, to, want, until, blind, winner, proposals };
    ours.newest = Some((seen, decision));
    let spell = trouble.map(|trouble| Spell { trouble, from: 0, to: 2_000 });
    let weather = Weather::new(spell.into_iter().collect());
    let tasks = Tasks::running_from(6, (20, 60));
    judge.judge(&ours, View { second: NOW_S, now, tasks: &tasks, weather: &weather });
    judge.faults
}

#[test]
fn the_judge_sees_what_must_not_be() {
    let scenario = read(&shipped("everything.yaml")).unwrap();
    #[rustfmt::skip]
    let table = [
        (5,  None,                      10,  None),
        (7,  None,                      500, None),
        (6,  Some(Trouble::Deployment), 10,  None),
        (5,  None,                      500, Some("removes tasks without having heard anything")),
        (2,  None,                      10,  Some("leaves the limits")),
        (21, None,                      10,  Some("leaves the limits")),
        (5,  Some(Trouble::Deployment), 10,  Some("removes tasks in a deployment")),
        (7,  Some(Trouble::Held),       10,  Some("changes a size that is held")),
    ];
    for (to, trouble, silent_s, want) in table {
        let faults = judged(&scenario, to, trouble, silent_s);
        let what = format!("to {to} in {trouble:?}, {silent_s} s after the newest point");
        match want {
            None => assert_eq!(faults, [""; 0], "{what}"),
            Some(rule) => {
                assert!(faults.iter().any(|one| one.contains(rule)), "{what}: {faults:?}")
            }
        }
    }
}

#[test]
fn the_judge_sees_a_cost_that_is_made_up_or_lost() {
    let mut scenario = read(&shipped("everything.yaml")).unwrap();
    assert_eq!(judged(&scenario, 6, None, 10), [""; 0]);
    let roadmap = scenario.roadmap.as_mut().unwrap();
    roadmap.cache.node_type = "cache.unheard.of".to_owned();
    assert_eq!(judged(&scenario, 6, None, 10), [""; 0], "unknown, as it must be");
}
