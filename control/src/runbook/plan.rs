//! What a run would do, resolved against the world as it is. Pure: nothing happens.
//!
//! The hash covers the texts, the parameters and the facts that the run would build on: who
//! writes, who could take over, who would be chosen. When one of them moves, the hash moves, and an
//! approval or a start that was given for the old one is refused.

use super::{
    book::{Param, ParamKind, ResourceKind, Runbook, Step, Task},
    choose,
    condition::{Scene, Streaks, Verdict, judge},
    event::{DrillOrder, Order},
    look::service_outputs,
    template::{Names, Template},
    world::World,
};
use crate::{config::Environment, drill::Drill};
use chrono::{DateTime, Utc};
use protocol::control::{Mode, PlanView, StartRequest};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc};

/// A plan, kept until it is started or forgotten.
#[derive(Clone, Debug)]
pub struct Plan {
    pub hash: String,
    pub book: Arc<Runbook>,
    pub drill: Option<Arc<Drill>>,
    pub environment: String,
    pub params: BTreeMap<String, String>,
    /// The resource that the run would own.
    pub lock: String,
    pub approvals: u32,
    pub steps: Vec<String>,
    pub blockers: Vec<String>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    pub book: &'a Arc<Runbook>,
    pub drill: Option<&'a Arc<Drill>>,
    pub environment: &'a Environment,
    pub params: &'a BTreeMap<String, String>,
}

/// Plans a run.
#[must_use]
pub fn plan(wish: &Wish<'_>, world: &World, now: DateTime<Utc>) -> Plan {
    let book = wish.book;
    let mut blockers = Vec::new();
    let params = resolve(wish, &mut blockers);
    let mut names: Names = params.clone();
    names.insert("environment".to_owned(), wish.environment.name.clone());
    let lock = book.lock.show(&names);
    blockers.extend(forbidden(wish));
    blockers.extend(world.frozen.clone());
    let scene = Scene { world, names: &names, after: None, now };
    for (index, condition) in book.require.iter().enumerate() {
        match judge(condition, &scene, &mut Streaks::default(), &format!("require/{index}")) {
            Verdict::Holds(_) => {}
            verdict => blockers.push(verdict.words().to_owned()),
        }
    }
    let target = predict(book, world, &mut names);
    if let Err(why) = &target {
        blockers.push(why.clone());
    }
    let approvals = book.steps().find_map(|step| match &step.task {
        Task::Approval(approval) if approval.tiers.contains(&wish.environment.tier) => {
            Some(approval.need)
        }
        _ => None,
    });
    let approvals = approvals.unwrap_or(0);
    Plan {
        hash: hash(book, wish.drill, &wish.environment.name, &params, world),
        book: book.clone(),
        drill: wish.drill.cloned(),
        environment: wish.environment.name.clone(),
        lock,
        approvals,
        steps: book.steps().map(|step| line(step, &names, approvals)).collect(),
        params,
        blockers,
    }
}

/// The hash of what is asked for and of the facts it builds on.
#[must_use]
pub fn hash(
    book: &Runbook,
    drill: Option<&Arc<Drill>>,
    environment: &str,
    params: &BTreeMap<String, String>,
    world: &World,
) -> String {
    let mut digest = Sha256::new();
    let mut feed = |text: &str| {
        // Preceded by its length, so that no two lists of texts feed the same bytes.
        digest.update(text.len().to_be_bytes());
        digest.update(text.as_bytes());
    };
    feed(&book.text_hash);
    feed(drill.map_or("", |drill| drill.text.as_str()));
    feed(environment);
    for (name, value) in params {
        feed(name);
        feed(value);
    }
    if let Some(seen) = &world.database {
        feed(&seen.value.cluster);
        feed(&seen.value.status);
        feed(seen.value.writer().map_or("", |writer| writer.id.as_str()));
        let mut readers: Vec<&str> =
            seen.value.readers_available().map(|reader| reader.id.as_str()).collect();
        readers.sort_unstable();
        readers.into_iter().for_each(&mut feed);
    }
    feed(&predict(book, world, &mut Names::new()).unwrap_or_default());
    hex::encode(digest.finalize())
}

/// Parameters as asked for, or by default, or the environment's own resource.
fn resolve(wish: &Wish<'_>, blockers: &mut Vec<String>) -> BTreeMap<String, String> {
    for name in wish.params.keys() {
        if !wish.book.params.iter().any(|param| param.name == *name) {
            blockers.push(format!("the runbook has no parameter `{name}`"));
        }
    }
    let mut params = BTreeMap::new();
    for Param { name, kind, default } in &wish.book.params {
        let own = match kind {
            ParamKind::Resource(ResourceKind::Aurora) => Some(&wish.environment.database),
            ParamKind::Resource(ResourceKind::EcsService) => Some(&wish.environment.service.name),
            ParamKind::Text => None,
        };
        let asked = wish.params.get(name).or(default.as_ref());
        if let (Some(asked), Some(own)) = (asked, own)
            && asked != own
        {
            let environment = &wish.environment.name;
            blockers.push(format!("`{asked}` is not a resource of {environment}; `{own}` is"));
        }
        match asked.or(own) {
            Some(value) => drop(params.insert(name.clone(), value.clone())),
            None => blockers.push(format!("parameter `{name}` has no value")),
        }
    }
    params
}

fn forbidden(wish: &Wish<'_>) -> Vec<String> {
    let Environment { name, mode, tier, .. } = wish.environment;
    let mut blockers = Vec::new();
    if *mode != Mode::Act {
        blockers.push(format!("environment {name} is in mode {mode:?}: control may not act"));
    }
    if let Some(drill) = wish.drill {
        if !drill.tiers.contains(tier) {
            blockers.push(format!("drill {} is not for tier {tier:?}", drill.name));
        }
        if drill.runbook != wish.book.name {
            blockers.push(format!("drill {} rehearses {}", drill.name, drill.runbook));
        }
    }
    blockers
}

/// Who would be chosen now. Also fills in what the steps would save, for the plan's lines.
fn predict(book: &Runbook, world: &World, names: &mut Names) -> Result<String, String> {
    let Some(seen) = &world.database else { return Err("the database was not seen".to_owned()) };
    let database = &seen.value;
    let readers: Vec<&str> = database.readers_available().map(|one| one.id.as_str()).collect();
    let mut target = Ok(String::new());
    for step in book.steps() {
        let mut save = |name: &str, value: String| {
            names.insert(format!("{}.{name}", step.id), value);
        };
        match &step.task {
            Task::Check { resource: ResourceKind::EcsService, .. } => {
                let seen = world.service.iter();
                for (name, value) in seen.flat_map(|seen| service_outputs(&seen.value)) {
                    save(name, value);
                }
            }
            Task::Check { resource: ResourceKind::Aurora, .. } => {
                save("writer", database.writer().map_or_else(String::new, |one| one.id.clone()));
                save("readers", readers.join(" "));
                save("readers_count", readers.len().to_string());
                save("status", database.status.clone());
                save("endpoint", format!("{}:{}", database.writer_endpoint, database.port));
            }
            Task::Choose { lag_max, .. } => {
                let picked = choose::failover_target(world, &readers, *lag_max, seen.at);
                if let Ok((instance, _)) = &picked {
                    save("instance", instance.clone());
                }
                target = picked.map(|(instance, _)| instance);
            }
            Task::Approval(_) | Task::Act(_) | Task::Wait { .. } | Task::Measure { .. } => {}
        }
    }
    target
}

fn line(step: &Step, names: &Names, approvals: u32) -> String {
    let id = &step.id;
    match &step.task {
        Task::Check { resource, .. } => format!("{id}: look at the {resource:?} resource"),
        Task::Choose { given, .. } => {
            let picked = names.get(&format!("{id}.instance"));
            let picked = picked.map_or("none can be promoted now", String::as_str);
            format!("{id}: choose among {}: {picked}", given.show(names))
        }
        Task::Approval(_) if approvals == 0 => format!("{id}: pre-authorised here"),
        Task::Approval(_) => format!("{id}: ask for {approvals} approval(s)"),
        Task::Act(act) => {
            let show =
                |(name, value): (&String, &Template)| format!("{name} {}", value.show(names));
            let with: Vec<String> = act.with.iter().map(show).collect();
            let effect = format!("{:?}", act.effect).to_lowercase();
            format!("{id}: {} ({effect}) with {}", act.action.spec().name, with.join(", "))
        }
        Task::Wait { all, timeout, .. } => {
            let timeout = crate::document::print_duration(*timeout);
            format!("{id}: wait for {} condition(s), at most {timeout}", all.len())
        }
        Task::Measure { .. } => format!("{id}: measure the recovery time"),
    }
}

impl Plan {
    /// The plan as the API shows it.
    #[must_use]
    pub fn view(&self) -> PlanView {
        PlanView {
            hash: self.hash.clone(),
            runbook: self.book.name.clone(),
            revision: self.book.revision,
            steps: self.steps.clone(),
            blockers: self.blockers.clone(),
        }
    }

    /// What a run of it is asked to do.
    #[must_use]
    pub fn order(&self, request: &StartRequest, by: &str, key: &str) -> Order {
        Order {
            environment: self.environment.clone(),
            runbook: self.book.name.clone(),
            revision: self.book.revision,
            text: self.book.text.clone(),
            drill: self.drill.as_ref().map(|drill| DrillOrder {
                name: drill.name.clone(),
                revision: drill.revision,
                text: drill.text.clone(),
            }),
            params: self.params.clone(),
            lock: self.lock.clone(),
            plan_hash: self.hash.clone(),
            approvals: self.approvals,
            requested_by: by.to_owned(),
            reason: request.reason.clone(),
            idempotency_key: Some(key.to_owned()),
        }
    }
}
