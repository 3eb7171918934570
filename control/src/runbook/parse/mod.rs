//! From a runbook's text to a [`Runbook`], or to every fault in it with its line.
//!
//! What can be known before the night is checked here: names that nothing defines, a `once` step
//! without a way to observe it, a wait without an end, a step that cannot be reached.

mod condition;
mod scope;
mod step;

pub use condition::{condition, conditions};
pub use scope::Scope;
pub use step::{stages, tier};

use super::{
    book::{Param, ParamKind, ResourceKind, Runbook},
    template::Template,
};
use crate::document::{Faults, Field, decode};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The text is journalled with each run, whose events hold 64 KiB.
pub const TEXT_BYTES_MAX: usize = 32 * 1024;
/// More steps than anybody reads at night.
const STEPS_MAX: usize = 40;
/// Parameters, requirements and conditions of one list.
const ITEMS_MAX: usize = 16;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Reads a runbook.
///
/// # Errors
///
/// Every fault of the file.
pub fn runbook(file: &str, text: &str) -> Result<Runbook, Faults> {
    decode(file, text, |root| book(&root, text))
}

fn book(root: &Field<'_>, text: &str) -> Option<Runbook> {
    let map = root.map(&[
        "kind",
        "name",
        "revision",
        "owner",
        "summary",
        "params",
        "lock",
        "deadline",
        "objective",
        "require",
        "steps",
        "on_failure",
        "always",
    ])?;
    if text.len() > TEXT_BYTES_MAX {
        root.fault::<()>(format!("is longer than {TEXT_BYTES_MAX} bytes"));
    }
    let kind = map.required("kind").and_then(|f| f.choice(&[("Runbook", ())]));
    let name = map.required("name").and_then(|f| f.name());
    let revision = map.required("revision").and_then(|f| f.count(1..=1_000_000));
    let owner = map.required("owner").and_then(|f| f.text());
    let summary = map.required("summary").and_then(|f| f.text());
    let params = map.or("params", vec![], params);
    let mut scope = Scope::of_params(params.as_deref().unwrap_or_default());
    let lock = map.required("lock").and_then(|f| lock(&f, &scope));
    let deadline = map.required("deadline").and_then(|f| f.duration(SECOND..=DAY));
    let objective = map.required("objective").and_then(|f| objective(&f));
    let require = map.or("require", vec![], |f| conditions(f, &scope, ITEMS_MAX));
    let stages = map.required("steps").and_then(|f| stages(&f, &mut scope, STEPS_MAX));
    // A promotion cannot be undone by anybody: pausing for a person is the only failure policy.
    let on_failure = map.or("on_failure", (), |f| f.choice(&[("pause", ())]));
    let always = map.or("always", vec![], |f| f.list(ITEMS_MAX, |item| scope.undo_of(&item)));
    let text_hash = hex::encode(Sha256::digest(text.as_bytes()));
    kind?;
    on_failure?;
    Some(Runbook {
        name: name?,
        revision: revision?,
        owner: owner?,
        summary: summary?,
        params: params?,
        lock: lock?,
        deadline: deadline?,
        objective_rto: objective?,
        require: require?,
        stages: stages?,
        always: always?,
        text_hash,
        text: text.to_owned(),
    })
}

const RESOURCE_KINDS: &[(&str, ResourceKind)] =
    &[("aurora", ResourceKind::Aurora), ("ecs_service", ResourceKind::EcsService)];

fn params(field: &Field<'_>) -> Option<Vec<Param>> {
    let mut params = Vec::new();
    for (name, field) in field.open_map()?.fields() {
        let Some(map) = field.map(&["type", "kind", "default"]) else { continue };
        let default = map.or("default", None, |f| f.text().map(Some));
        let is_resource =
            map.required("type").and_then(|f| f.choice(&[("resource", true), ("string", false)]));
        let kind = match is_resource {
            Some(true) => {
                map.required("kind").and_then(|f| f.choice(RESOURCE_KINDS)).map(ParamKind::Resource)
            }
            Some(false) => Some(ParamKind::Text),
            None => None,
        };
        if let (Some(kind), Some(default)) = (kind, default) {
            params.push(Param { name: name.to_owned(), kind, default });
        }
    }
    Some(params)
}

fn lock(field: &Field<'_>, scope: &Scope) -> Option<Template> {
    let map = field.map(&["on", "mode", "else"])?;
    let on = map.required("on").and_then(|f| {
        let template = scope.template(&f)?;
        let resource = template.only_name().and_then(|name| scope.resource(name));
        if resource.is_none() {
            return f.fault("must be one parameter of type resource, as `${cluster}`");
        }
        Some(template)
    });
    let mode = map.or("mode", (), |f| f.choice(&[("exclusive", ())]));
    let otherwise = map.or("else", (), |f| f.choice(&[("refuse", ())]));
    mode?;
    otherwise?;
    on
}

fn objective(field: &Field<'_>) -> Option<Duration> {
    let map = field.map(&["rto", "rpo"])?;
    let rto = map.required("rto").and_then(|f| f.duration(SECOND..=DAY));
    // The only promise that a synchronous commit allows: no acknowledged write is lost.
    let rpo = map.or("rpo", 0, |f| f.integer(0..=0));
    rpo?;
    rto
}
