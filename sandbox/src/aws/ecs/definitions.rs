//! Operations on task definitions. Revisions are kept as they were registered, never changed.

use super::state::{Container, Definition, REVISIONS_MAX};
use super::{Ecs, last_part};
use crate::aws::wire::{AwsError, Input, timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Families that may exist; nobody makes more than a handful here.
const FAMILIES_MAX: usize = 100;
/// As Fargate, when the definition does not say.
const STOP_TIMEOUT_SECONDS: u32 = 30;
/// As Fargate: nobody may take longer.
const STOP_TIMEOUT_SECONDS_MAX: u32 = 120;

/// `RegisterTaskDefinition`.
pub(super) fn register(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let family = input.required("family")?.to_owned();
    let containers = input.list("containerDefinitions")?;
    let first = containers
        .iter()
        .find(|container| container.boolean("essential").ok().flatten().unwrap_or(true));
    let Some(first) = first else {
        return Err(client("Container.essential: at least one container must be essential."));
    };
    let container = container(*first)?;
    let cpu = whole(input, "cpu")?.or(whole(*first, "cpu")?).unwrap_or(256);
    let memory_mib = whole(input, "memory")?.or(whole(*first, "memory")?).unwrap_or(512);
    let now = (ecs.clock)();
    let mut state = ecs.state();
    if state.families.len() >= FAMILIES_MAX && !state.families.contains_key(&family) {
        return Err(client("Too many task definition families."));
    }
    let revisions = state.families.entry(family.clone()).or_default();
    let revision = revisions.last().map_or(1, |last| last.revision + 1);
    let mut document = input.value().as_object().cloned().unwrap_or_else(Map::new);
    let arn = ecs.arn(&format!("task-definition/{family}:{revision}"));
    document.insert("taskDefinitionArn".into(), arn.into());
    document.insert("revision".into(), revision.into());
    document.insert("status".into(), "ACTIVE".into());
    document.insert("registeredAt".into(), timestamp(now));
    let document = Value::Object(document);
    revisions.push(Definition {
        family,
        revision,
        document: document.clone(),
        container,
        cpu,
        memory_mib,
    });
    if revisions.len() > REVISIONS_MAX {
        revisions.remove(0);
    }
    Ok(json!({ "taskDefinition": document, "tags": [] }))
}

/// `DescribeTaskDefinition`: by family (its latest revision), `family:revision` or ARN.
pub(super) fn describe(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let state = ecs.state();
    let name = ecs.definition(&state, input.required("taskDefinition")?);
    let found = name.and_then(|name| state.definition(&name));
    let found = found.ok_or_else(|| client("Unable to describe task definition."))?;
    Ok(json!({ "taskDefinition": found.document, "tags": [] }))
}

/// `ListTaskDefinitions`, all on one page.
pub(super) fn list(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let prefix = input.text("familyPrefix")?.map(last_part);
    let state = ecs.state();
    let families = state
        .families
        .iter()
        .filter(|(family, _)| prefix.is_none_or(|prefix| family.as_str() == prefix));
    let mut arns: Vec<String> = families
        .flat_map(|(_, revisions)| revisions)
        .map(|definition| ecs.arn(&format!("task-definition/{}", definition.name())))
        .collect();
    if input.text("sort")? == Some("DESC") {
        arns.reverse();
    }
    Ok(json!({ "taskDefinitionArns": arns }))
}

/// What a process needs of a container definition.
fn container(input: Input<'_>) -> Result<Container, AwsError> {
    let name = input.required("name")?.to_owned();
    let image = input.required("image")?.to_owned();
    let command = input.texts("command")?.into_iter().map(str::to_owned).collect();
    let environment = environment(input)?;
    let stop = whole(input, "stopTimeout")?.unwrap_or(STOP_TIMEOUT_SECONDS);
    let stop_timeout_seconds = stop.min(STOP_TIMEOUT_SECONDS_MAX);
    Ok(Container { name, image, command, environment, stop_timeout_seconds })
}

/// The list of names and values as a map; the last of equal names counts.
pub(super) fn environment(input: Input<'_>) -> Result<BTreeMap<String, String>, AwsError> {
    let mut all = BTreeMap::new();
    for pair in input.list("environment")? {
        let value = pair.text("value")?.unwrap_or_default();
        all.insert(pair.required("name")?.to_owned(), value.to_owned());
    }
    Ok(all)
}

/// A number that is sent as text in some places.
fn whole(input: Input<'_>, name: &str) -> Result<Option<u32>, AwsError> {
    let value = input.integer(name)?;
    value
        .map(|value| u32::try_from(value).map_err(|_| client(&format!("Invalid {name}."))))
        .transpose()
}

fn client(message: &str) -> AwsError {
    AwsError::refused("ClientException", message)
}
