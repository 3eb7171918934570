//! Steps, each by the key that says what it does.

use super::{DAY, ITEMS_MAX, SECOND, Scope, condition, conditions};
use crate::{
    aws::Effect,
    document::{Entry, Field, Map, Value, nearest, parse_duration},
    hold::{Direction, HOLD_MAX},
    runbook::{
        action::{ACTIONS, CHOICES, Spec},
        book::{Act, Approval, Ending, Observe, OnTimeout, ResourceKind, Step, Task, When},
        template::Template,
    },
};
use protocol::control::Tier;
use std::{collections::BTreeMap, time::Duration};

/// Keys by which a step says what it does. A step has exactly one of them.
const TASKS: [&str; 6] = ["check", "choose", "approval", "act", "wait", "measure"];
/// What a check of a resource can save.
const AURORA_OUTPUTS: &[&str] = &["status", "writer", "readers", "readers_count", "endpoint"];
const SERVICE_OUTPUTS: &[&str] = &["status", "running", "desired", "deployment"];
/// How long a step that only looks may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(60);

/// All stages. A plain step is a stage of one; `parallel` is a stage of several.
pub fn stages(field: &Field<'_>, scope: &mut Scope, steps_max: usize) -> Option<Vec<Vec<Step>>> {
    let mut endings = BTreeMap::new();
    let mut acted = false;
    let stages = field.list(steps_max, |item| {
        let items = parallel(&item)?;
        let mut steps = Vec::new();
        let mut outputs = Vec::new();
        for item in items {
            let Some(step) = step(&item, scope, &endings) else { continue };
            if matches!(step.task, Task::Approval(_)) && acted {
                item.fault::<()>("an approval must come before the first `act`");
            }
            outputs.push((step.id.clone(), saved(&step)));
            steps.push(step);
        }
        // Steps of one stage run at the same time: they cannot use one another's outputs.
        for (id, names) in outputs {
            scope.define(&id, &names);
        }
        acted |= steps.iter().any(|step| matches!(step.task, Task::Act(_)));
        endings.extend(steps.iter().map(|step| (step.id.clone(), step_endings(step))));
        (!steps.is_empty()).then_some(steps)
    })?;
    Some(stages)
}

fn parallel<'n>(item: &Field<'n>) -> Option<Vec<Field<'n>>> {
    let is_parallel = match item.value() {
        Value::Map(entries) => entries.iter().any(|Entry { key, .. }| key == "parallel"),
        _ => false,
    };
    if !is_parallel {
        return Some(vec![item.clone()]);
    }
    item.map(&["parallel"])?.required("parallel")?.list(8, Some)
}

/// What later steps may use. A step that may be skipped or time out promises nothing.
fn saved(step: &Step) -> Vec<String> {
    match &step.task {
        _ if step.when.is_some() => vec![],
        Task::Check { save, .. } | Task::Choose { save, .. } => save.clone(),
        Task::Measure { .. } => vec!["rto_ms".to_owned()],
        Task::Approval(_) | Task::Act(_) | Task::Wait { .. } => vec![],
    }
}

fn step_endings(step: &Step) -> Vec<Ending> {
    match step.task {
        Task::Wait { on_timeout: OnTimeout::Continue, .. } => vec![Ending::Done, Ending::TimedOut],
        _ => vec![Ending::Done],
    }
}

fn step(
    item: &Field<'_>,
    scope: &mut Scope,
    endings: &BTreeMap<String, Vec<Ending>>,
) -> Option<Step> {
    let map = item.map(&[
        "id",
        "when",
        "check",
        "choose",
        "approval",
        "act",
        "wait",
        "measure",
        "save",
        "from",
        "lag_max",
        "with",
        "effect",
        "expect_before",
        "observe",
        "on_unknown",
        "timeout",
        "every",
        "on_timeout",
        "undo",
    ])?;
    let id = map.required("id").and_then(|f| {
        let id = f.name()?;
        let has_undo = map.optional("undo").is_some();
        if scope.add_step(&id, has_undo) { Some(id) } else { f.fault(format!("`{id}` is taken")) }
    });
    let when = map.or("when", None, |f| when(f, scope, endings).map(Some));
    let named: Vec<&str> = TASKS.into_iter().filter(|task| map.optional(task).is_some()).collect();
    let task = match named.as_slice() {
        ["check"] => check(&map),
        ["choose"] => choose(&map, scope),
        ["approval"] => approval(&map).map(Task::Approval),
        ["act"] => act(&map, scope).map(|act| Task::Act(Box::new(act))),
        ["wait"] => wait(&map, scope),
        ["measure"] => measure(&map),
        _ => item.fault(format!("a step must have exactly one of {}", TASKS.join(", "))),
    };
    Some(Step { id: id?, line: item.line(), when: when?, task: task? })
}

fn when(field: &Field<'_>, scope: &Scope, endings: &BTreeMap<String, Vec<Ending>>) -> Option<When> {
    let map = field.map(&["step", "is"])?;
    let step = map.required("step").and_then(|f| f.text());
    let ended = map
        .required("is")
        .and_then(|f| f.choice(&[("done", Ending::Done), ("timed_out", Ending::TimedOut)]));
    let (step, ended) = (step?, ended?);
    match endings.get(&step) {
        Some(possible) if possible.contains(&ended) => Some(When { step, ended }),
        Some(_) => field
            .fault(format!("can never be reached: step `{step}` pauses the run when it times out")),
        None if scope.has_step(&step) => {
            field.fault(format!("can never be reached: step `{step}` does not end before it"))
        }
        None => field.fault(format!("can never be reached: no step `{step}` stands above")),
    }
}

fn stray(map: &Map<'_>, allowed: &[&str]) {
    for (key, field) in map.fields() {
        let general = ["id", "when"].contains(&key) || TASKS.contains(&key);
        if !general && !allowed.contains(&key) && map.optional(key).is_some() {
            field.fault::<()>(format!("`{key}` has no meaning for this kind of step"));
        }
    }
}

fn check(map: &Map<'_>) -> Option<Task> {
    stray(map, &["save"]);
    let checks = [
        ("aurora.describe", (ResourceKind::Aurora, AURORA_OUTPUTS)),
        ("ecs.describe", (ResourceKind::EcsService, SERVICE_OUTPUTS)),
    ];
    let (resource, outputs) = map.required("check").and_then(|f| f.choice(&checks))?;
    let save = map.required("save").and_then(|f| save(&f, outputs));
    Some(Task::Check { resource, save: save? })
}

fn save(field: &Field<'_>, known: &[&str]) -> Option<Vec<String>> {
    field.list(ITEMS_MAX, |item| {
        let name = item.text()?;
        if known.contains(&name.as_str()) {
            return Some(name);
        }
        item.fault(format!("cannot save `{name}`; it gives {}", known.join(", ")))
    })
}

fn choose(map: &Map<'_>, scope: &Scope) -> Option<Task> {
    stray(map, &["from", "lag_max", "save"]);
    let what = map.required("choose").and_then(|f| f.choice(CHOICES));
    let given = map.required("from").and_then(|f| scope.template(&f));
    let lag_max = map.required("lag_max").and_then(|f| f.duration(Duration::ZERO..=DAY));
    let save = map.required("save").and_then(|f| save(&f, &["instance"]));
    Some(Task::Choose { what: what?, given: given?, lag_max: lag_max?, save: save? })
}

fn approval(map: &Map<'_>) -> Option<Approval> {
    stray(map, &[]);
    let map =
        map.required("approval")?.map(&["need", "role", "not", "expires", "on_expiry", "tiers"])?;
    let need = map.required("need").and_then(|f| f.count(1..=5));
    let expires = map.required("expires").and_then(|f| f.duration(SECOND..=DAY));
    // Fixed on purpose: they are written so that a reader sees them.
    let role = map.or("role", (), |f| f.choice(&[("approver", ())]));
    let not = map.or("not", (), |f| f.choice(&[("requester", ())]));
    let on_expiry = map.or("on_expiry", (), |f| f.choice(&[("abort", ())]));
    let tiers = map.required("tiers").and_then(|f| f.list(3, |item| tier(&item)));
    role?;
    not?;
    on_expiry?;
    Some(Approval { need: need?, expires: expires?, tiers: tiers? })
}

/// One tier by its name.
pub fn tier(field: &Field<'_>) -> Option<Tier> {
    field.choice(&[
        ("local", Tier::Local),
        ("staging", Tier::Staging),
        ("production", Tier::Production),
    ])
}

fn act(map: &Map<'_>, scope: &Scope) -> Option<Act> {
    stray(map, &["with", "effect", "expect_before", "observe", "on_unknown", "timeout", "undo"]);
    let field = map.required("act")?;
    let spec = action(&field);
    let with = arguments(map, scope, spec);
    let effect = map.required("effect").and_then(|f| effect(&f, spec));
    let expect_before = map.or("expect_before", None, |f| condition(f, scope).map(Some));
    let timeout = map
        .required("timeout")
        .and_then(|f| f.duration(Duration::from_millis(100)..=Duration::from_secs(120)));
    let once = spec.map_or(effect, |spec| Some(spec.effect)) == Some(Effect::Once);
    let observe = observe(map, scope, once, &field);
    let undo = map.or("undo", None, |f| {
        let undo = f.map(&["act"])?.required("act")?;
        let spec = action(&undo)?;
        if !spec.with.is_empty() || spec.effect == Effect::Once {
            return undo.fault("an undo must need no arguments and be safe to repeat");
        }
        Some(Some(spec.action))
    });
    Some(Act {
        action: spec?.action,
        with: with?,
        effect: effect?,
        expect_before: expect_before?,
        observe: observe?,
        timeout: timeout?,
        undo: undo?,
    })
}

fn action(field: &Field<'_>) -> Option<&'static Spec> {
    let name = field.text()?;
    let names = ACTIONS.iter().map(|spec| spec.name);
    ACTIONS.iter().find(|spec| spec.name == name).or_else(|| {
        let hint = match nearest(&name, names.clone()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("known: {}", names.collect::<Vec<_>>().join(", ")),
        };
        field.fault(format!("unknown action `{name}`; {hint}"))
    })
}

fn arguments(
    map: &Map<'_>,
    scope: &Scope,
    spec: Option<&Spec>,
) -> Option<BTreeMap<String, Template>> {
    let needed = spec.map_or(&[][..], |spec| spec.with);
    let Some(field) = map.optional("with") else {
        if needed.is_empty() {
            return Some(BTreeMap::new());
        }
        return map.whole().fault(format!("`with` is missing; it needs {}", needed.join(", ")));
    };
    let mut with = BTreeMap::new();
    for (name, field) in field.open_map()?.fields() {
        if spec.is_some() && !needed.contains(&name) {
            field.fault::<()>(format!("takes no `{name}`; it needs {}", needed.join(", ")));
            continue;
        }
        if let Some(template) = scope.template(&field) {
            check_literal(name, &template, &field);
            with.insert(name.to_owned(), template);
        }
    }
    for name in needed.iter().filter(|name| !with.contains_key(**name)) {
        if field.open_map()?.optional(name).is_none() {
            field.fault::<()>(format!("`{name}` is missing"));
        }
    }
    Some(with)
}

/// Arguments whose form is known now are not left to be found wrong at night.
fn check_literal(name: &str, template: &Template, field: &Field<'_>) {
    let Some(text) = template.literal() else { return };
    let sound = match name {
        "expires" => parse_duration(text).is_some_and(|lasts| lasts >= SECOND && lasts <= HOLD_MAX),
        "direction" => Direction::read(text).is_some(),
        _ => true,
    };
    if !sound {
        field.fault::<()>(format!("`{text}` is not a {name}"));
    }
}

fn effect(field: &Field<'_>, spec: Option<&Spec>) -> Option<Effect> {
    let effect = field.choice(&[
        ("convergent", Effect::Convergent),
        ("repeatable", Effect::Repeatable),
        ("once", Effect::Once),
    ])?;
    match spec {
        Some(spec) if spec.effect != effect => {
            field.fault(format!("`{}` is {:?} by nature", spec.name, spec.effect))
        }
        _ => Some(effect),
    }
}

fn observe(map: &Map<'_>, scope: &Scope, once: bool, act: &Field<'_>) -> Option<Option<Observe>> {
    let Some(field) = map.optional("observe") else {
        if once {
            return act
                .fault("a `once` step needs `observe`: how do we know when the reply is lost?");
        }
        return Some(None);
    };
    if !once {
        return field.fault("has a meaning only for a `once` step");
    }
    let inner = field.map(&["applied", "not_applied"])?;
    let applied = inner.required("applied").and_then(|f| condition(&f, scope));
    let not_applied = inner.required("not_applied").and_then(|f| condition(&f, scope));
    let limit = map.required("on_unknown").and_then(|f| {
        let map = f.map(&["observe", "then"])?;
        let then = map.or("then", (), |f| f.choice(&[("pause", ())]));
        let limit = map.required("observe").and_then(|f| f.duration(SECOND..=DAY));
        then?;
        limit
    });
    Some(Some(Observe { applied: applied?, not_applied: not_applied?, limit: limit? }))
}

fn wait(map: &Map<'_>, scope: &Scope) -> Option<Task> {
    stray(map, &["every", "timeout", "on_timeout"]);
    let all = map.required("wait").and_then(|f| {
        let inner = f.map(&["all"])?;
        conditions(&inner.required("all")?, scope, ITEMS_MAX)
    });
    let every = map.or("every", SECOND, |f| f.duration(Duration::from_millis(100)..=SECOND * 60));
    let timeout = map.required("timeout").and_then(|f| f.duration(SECOND..=DAY));
    let on_timeout = map.or("on_timeout", OnTimeout::Pause, |f| {
        f.choice(&[("pause", OnTimeout::Pause), ("continue", OnTimeout::Continue)])
    });
    Some(Task::Wait { all: all?, every: every?, timeout: timeout?, on_timeout: on_timeout? })
}

fn measure(map: &Map<'_>) -> Option<Task> {
    stray(map, &["timeout"]);
    let what = map
        .required("measure")
        .and_then(|f| f.list(4, |item| item.choice(&[("rto", ()), ("phases", ())])));
    let timeout = map.or("timeout", LOOK_TIMEOUT, |f| f.duration(SECOND..=DAY));
    what?;
    Some(Task::Measure { timeout: timeout? })
}
