//! What a step finds out before it ends or acts: a look, a choice, or its guards. Pure.

use super::{
    action::Caller,
    book::{Act, Step},
    choose::failover_target,
    condition::{Scene, Streaks, Verdict, judge_all},
    event::Event,
    state::Run,
    template::Template,
    world::World,
};
use crate::aws::Effect;
use crate::fleet::Service;
use chrono::{DateTime, Utc};
use std::{collections::BTreeMap, time::Duration};

/// What a step found: an event, or why there is none yet.
pub(super) type Found = Option<Result<Event, String>>;

/// What a look at the service can save, as far as it is known now.
pub(super) fn service_outputs(service: &Service) -> Vec<(&'static str, String)> {
    let primary = service.deployments.iter().find(|one| one.status == "PRIMARY");
    let deployment = primary.map(|one| ("deployment", one.id.clone()));
    let counts = [
        ("status", service.status.clone()),
        ("running", service.running.to_string()),
        ("desired", service.desired.to_string()),
    ];
    counts.into_iter().chain(deployment).collect()
}

/// Looks at the service and saves what it saw.
pub(super) fn check_service(
    step: &Step,
    world: &World,
    save: &[String],
    after: Option<DateTime<Utc>>,
) -> Found {
    let Some(seen) = world.service.as_ref().filter(|seen| Some(seen.at) >= after) else {
        return Some(Err("the service was not seen".to_owned()));
    };
    let known = service_outputs(&seen.value);
    let mut outputs = BTreeMap::new();
    for name in save {
        let Some((_, value)) = known.iter().find(|(known, _)| known == name) else {
            return Some(Err(format!("{} has no {name} now", seen.value.name)));
        };
        outputs.insert(name.clone(), value.clone());
    }
    Some(Ok(done(step, outputs)))
}

fn done(step: &Step, outputs: BTreeMap<String, String>) -> Event {
    let said: Vec<String> = outputs.iter().map(|(name, value)| format!("{name} {value}")).collect();
    Event::StepDone { step: step.id.clone(), detail: said.join(", "), outputs }
}

/// Looks at the cluster and saves what it saw.
pub(super) fn check(
    run: &Run,
    step: &Step,
    world: &World,
    save: &[String],
    after: Option<DateTime<Utc>>,
) -> Found {
    let fresh = world.database.as_ref().filter(|seen| Some(seen.at) >= after);
    let Some(seen) = fresh.filter(|seen| seen.value.cluster == run.order.lock) else {
        return Some(Err(format!("{} was not seen", run.order.lock)));
    };
    let database = &seen.value;
    let readers: Vec<&str> = database.readers_available().map(|one| one.id.as_str()).collect();
    let mut outputs = BTreeMap::new();
    for name in save {
        let value = match name.as_str() {
            "status" => Some(database.status.clone()),
            "writer" => database.writer().map(|one| one.id.clone()),
            "readers" => Some(readers.join(" ")),
            "readers_count" => Some(readers.len().to_string()),
            _ => Some(format!("{}:{}", database.writer_endpoint, database.port)),
        };
        let Some(value) = value else {
            return Some(Err(format!("{} has no {name} now", database.cluster)));
        };
        outputs.insert(name.clone(), value);
    }
    Some(Ok(done(step, outputs)))
}

/// Picks one of several, as the world is.
pub(super) fn choose(
    run: &Run,
    step: &Step,
    world: &World,
    (given, lag_max): (&Template, Duration),
    after: DateTime<Utc>,
) -> Found {
    let given = given.resolve(&run.names).unwrap_or_default();
    let candidates: Vec<&str> = given.split_whitespace().collect();
    let picked = failover_target(world, &candidates, lag_max, after);
    Some(picked.map(|(instance, detail)| Event::StepDone {
        step: step.id.clone(),
        detail,
        outputs: BTreeMap::from([("instance".to_owned(), instance)]),
    }))
}

/// The guards, on a fresh look, right before the call.
pub(super) fn guard(
    run: &Run,
    step: &Step,
    act: &Act,
    (world, streaks): (&World, &mut Streaks),
    now: DateTime<Utc>,
) -> Found {
    let stands = run.step(step);
    if let Some(frozen) = &world.frozen {
        return Some(Err(format!("not done: {frozen}")));
    }
    let mut guards = Vec::from_iter(act.expect_before.clone());
    if act.effect == Effect::Once {
        guards.extend(run.book.require.iter().cloned());
    }
    let scene = Scene { world, names: &run.names, after: stands.counts_from, now };
    let fail = |why: String| Some(Ok(Event::StepFailed { step: step.id.clone(), why }));
    match judge_all(&guards, &scene, streaks, &format!("{}/guard", step.id)) {
        Verdict::Fails(words) | Verdict::Never(words) => {
            return fail(format!("not done, because {words}"));
        }
        Verdict::Unknown(words) => return Some(Err(format!("not done: {words}"))),
        Verdict::Holds(_) => {}
    }
    let resolve = |(name, template): (&String, &Template)| {
        template.resolve(&run.names).map(|value| (name.clone(), value))
    };
    let Some(with) = act.with.iter().map(resolve).collect::<Option<BTreeMap<_, _>>>() else {
        return fail("an argument has no value".to_owned());
    };
    let caller = Caller { run_id: &run.id, runbook: &run.book.name, now };
    match act.action.call(&with, &caller) {
        Ok(call) => Some(Ok(Event::IntentLogged {
            step: step.id.clone(),
            attempt: stands.attempt + 1,
            call,
        })),
        Err(why) => fail(why),
    }
}
