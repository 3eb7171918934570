//! Operations on tasks.

use super::definitions::environment;
use super::services_shape::definition_arn;
use super::state::{Phase, State, Stop, Task};
use super::{Ecs, invalid, last_part};
use crate::aws::machines::TargetState;
use crate::aws::wire::{AwsError, Input, timestamp};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// As AWS: tasks in one `DescribeTasks`.
const DESCRIBED_MAX: usize = 100;
/// As AWS: tasks in one `RunTask`.
const RUN_MAX: i64 = 10;
/// Living tasks of all clusters: a machine has only so many processes.
const LIVING_MAX: usize = 100;

/// `ListTasks`, all on one page.
pub(super) fn list(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let state = ecs.state();
    let cluster = ecs.cluster(&state, input)?;
    let service = input.text("serviceName")?.map(|name| format!("service:{}", last_part(name)));
    if let Some(group) = &service {
        let name = group.trim_start_matches("service:").to_owned();
        if !state.services.contains_key(&(cluster.clone(), name)) {
            return Err(AwsError::refused("ServiceNotFoundException", "Service not found."));
        }
    }
    let family = input.text("family")?;
    let started_by = input.text("startedBy")?;
    let stopped = input.text("desiredStatus")? == Some("STOPPED");
    let tasks = state.tasks.values().filter(|task| {
        task.cluster == cluster
            && task.wanted() != stopped
            && service.as_ref().is_none_or(|group| task.group == *group)
            && started_by.is_none_or(|by| task.started_by == by)
            && family
                .is_none_or(|family| task.definition.rsplit_once(':').map(|d| d.0) == Some(family))
    });
    let arns: Vec<String> = tasks.map(|task| arn(ecs, task)).collect();
    Ok(json!({ "taskArns": arns }))
}

/// `DescribeTasks`; unknown ones are answered as failures.
pub(super) fn describe(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let state = ecs.state();
    let cluster = ecs.cluster(&state, input)?;
    let asked = input.texts("tasks")?;
    if asked.is_empty() || asked.len() > DESCRIBED_MAX {
        return Err(invalid(format!("Between 1 and {DESCRIBED_MAX} tasks can be described.")));
    }
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for name in asked {
        match find(&state, &cluster, name) {
            Some(task) => tasks.push(shape(ecs, task)),
            None => {
                let arn = ecs.arn(&format!("task/{cluster}/{}", last_part(name)));
                failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            }
        }
    }
    Ok(json!({ "tasks": tasks, "failures": failures }))
}

/// `StopTask`: the task drains and ends; a service replaces it.
pub(super) fn stop(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let now = (ecs.clock)();
    let mut state = ecs.state();
    let cluster = ecs.cluster(&state, input)?;
    let id = find(&state, &cluster, input.required("task")?).map(|task| task.id.clone());
    let missing = || invalid("The referenced task was not found.");
    let task = id.and_then(|id| state.tasks.get_mut(&id)).ok_or_else(missing)?;
    if task.stop.is_none() {
        let reason = input.text("reason")?.unwrap_or("Task stopped by user").to_owned();
        task.stop = Some(Stop { code: "UserInitiated", reason });
        task.stopping_at = Some(now);
    }
    Ok(json!({ "task": shape(ecs, task) }))
}

/// `RunTask`: tasks of their own, that nobody replaces.
pub(super) fn run(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let now = (ecs.clock)();
    let mut state = ecs.state();
    let cluster = ecs.cluster(&state, input)?;
    let name = ecs.definition(&state, input.required("taskDefinition")?);
    let definition = name.and_then(|name| state.definition(&name)).cloned();
    let definition = definition
        .ok_or_else(|| AwsError::refused("ClientException", "TaskDefinition not found."))?;
    let count = input.integer("count")?.unwrap_or(1);
    if !(1..=RUN_MAX).contains(&count) {
        return Err(invalid(format!("count must be between 1 and {RUN_MAX}.")));
    }
    let living = state.tasks.values().filter(|task| task.phase != Phase::Stopped).count();
    let count = usize::try_from(count).unwrap_or(1);
    if living + count > LIVING_MAX {
        return Ok(json!({ "tasks": [], "failures": [{ "reason": "RESOURCE:CPU" }] }));
    }
    let group = match input.text("group")? {
        Some(group) => group.to_owned(),
        None => format!("family:{}", definition.family),
    };
    let started_by = input.text("startedBy")?.unwrap_or_default().to_owned();
    let zones = ecs.region.zones();
    let mut tasks = Vec::new();
    for index in 0..count {
        let zone = &zones[(living + index) % zones.len()];
        let mut task = Task::new(&cluster, &definition, group.clone(), &started_by, zone, now);
        override_container(&mut task, input)?;
        tasks.push(task);
    }
    let shapes: Vec<Value> = tasks.iter().map(|task| shape(ecs, task)).collect();
    state.tasks.extend(tasks.into_iter().map(|task| (task.id.clone(), task)));
    Ok(json!({ "tasks": shapes, "failures": [] }))
}

/// `overrides.containerOverrides` for the task's container.
fn override_container(task: &mut Task, input: Input<'_>) -> Result<(), AwsError> {
    let Some(overrides) = input.part("overrides")? else { return Ok(()) };
    for given in overrides.list("containerOverrides")? {
        if given.text("name")?.is_some_and(|name| name != task.container.name) {
            return Err(invalid("Override for a container that is not in the definition."));
        }
        let command = given.texts("command")?;
        if !command.is_empty() {
            task.container.command = command.into_iter().map(str::to_owned).collect();
        }
        task.container.environment.extend(environment(given)?);
    }
    Ok(())
}

fn find<'a>(state: &'a State, cluster: &str, name: &str) -> Option<&'a Task> {
    state.tasks.get(last_part(name)).filter(|task| task.cluster == cluster)
}

fn arn(ecs: &Ecs, task: &Task) -> String {
    ecs.arn(&format!("task/{}/{}", task.cluster, task.id))
}

/// A task as `DescribeTasks` shows it.
fn shape(ecs: &Ecs, task: &Task) -> Value {
    let health = ecs.balancer.target_state(task.port).filter(|_| task.balanced);
    let mut shape = json!({
        "taskArn": arn(ecs, task),
        "clusterArn": ecs.arn(&format!("cluster/{}", task.cluster)),
        "taskDefinitionArn": definition_arn(ecs, &task.definition),
        "group": task.group,
        "startedBy": task.started_by,
        "lastStatus": task.phase.name(),
        "desiredStatus": if task.wanted() { "RUNNING" } else { "STOPPED" },
        "healthStatus": "UNKNOWN",
        "availabilityZone": task.zone,
        "cpu": task.cpu.to_string(),
        "memory": task.memory_mib.to_string(),
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "connectivity": if task.port.is_some() { "CONNECTED" } else { "DISCONNECTED" },
        "version": 1,
        "attachments": attachments(task),
        "containers": [container(ecs, task, health)],
        "tags": [],
        "enableExecuteCommand": false,
    });
    let fields = shape.as_object_mut().expect("was just written as an object");
    put_time(fields, "createdAt", Some(task.created_at));
    put_time(fields, "startedAt", task.started_at);
    put_time(fields, "stoppingAt", task.stopping_at);
    put_time(fields, "stoppedAt", task.stopped_at);
    if let Some(stop) = &task.stop {
        fields.insert("stopCode".into(), stop.code.into());
        fields.insert("stoppedReason".into(), stop.reason.clone().into());
    }
    shape
}

fn container(ecs: &Ecs, task: &Task, health: Option<TargetState>) -> Value {
    let last_status = match task.phase {
        Phase::Provisioning | Phase::Pending | Phase::Activating => "PENDING",
        Phase::Running | Phase::Deactivating | Phase::Stopping => "RUNNING",
        Phase::Deprovisioning | Phase::Stopped => "STOPPED",
    };
    let bindings: Vec<Value> = task
        .port
        .iter()
        .map(|port| json!({ "bindIP": "127.0.0.1", "hostPort": port, "containerPort": port }))
        .collect();
    let mut shape = json!({
        "containerArn": ecs.arn(&format!("container/{}/{}", task.cluster, task.id)),
        "taskArn": arn(ecs, task),
        "name": task.container.name,
        "image": task.container.image,
        "lastStatus": last_status,
        "runtimeId": task.id,
        "healthStatus": match health {
            Some(TargetState::Healthy) => "HEALTHY",
            Some(TargetState::Unhealthy) => "UNHEALTHY",
            _ => "UNKNOWN",
        },
        "networkBindings": bindings,
        "networkInterfaces": [{ "privateIpv4Address": "127.0.0.1" }],
    });
    if let Some(code) = task.exit_code {
        shape["exitCode"] = code.into();
    }
    shape
}

fn attachments(task: &Task) -> Value {
    json!([{
        "id": task.id,
        "type": "ElasticNetworkInterface",
        "status": if task.phase == Phase::Stopped { "DELETED" } else { "ATTACHED" },
        "details": [{ "name": "privateIPv4Address", "value": "127.0.0.1" }],
    }])
}

fn put_time(fields: &mut Map<String, Value>, name: &str, at: Option<DateTime<Utc>>) {
    if let Some(at) = at {
        fields.insert(name.to_owned(), timestamp(at));
    }
}
