//! ECS: the service, its deployments and its tasks.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Deployment, Task};

use super::client::{count, failed, incomplete, instant, not_found, signed};
use super::{CallError, Receipt};
use crate::fleet;

/// ECS lists and describes up to 100 tasks at once; five pages are 500 tasks.
const PAGES_MAX: usize = 5;

/// The service with its tasks.
pub(super) async fn service(
    client: &Client,
    cluster: &str,
    service: &str,
) -> Result<fleet::Service, CallError> {
    let doing = || format!("reading ECS service {cluster}/{service}");
    let answer = client
        .describe_services()
        .cluster(cluster)
        .services(service)
        .send()
        .await
        .map_err(failed(doing()))?;
    let found = answer.services().first().ok_or_else(|| not_found(doing(), service))?;
    let mut tasks = tasks(client, cluster, service).await?;
    tasks.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(fleet::Service {
        name: found.service_name().unwrap_or(service).to_owned(),
        status: found.status().unwrap_or_default().to_owned(),
        desired: count(found.desired_count()),
        running: count(found.running_count()),
        pending: count(found.pending_count()),
        deployments: found.deployments().iter().map(deployment).collect(),
        tasks,
    })
}

async fn tasks(
    client: &Client,
    cluster: &str,
    service: &str,
) -> Result<Vec<fleet::Task>, CallError> {
    let doing = || format!("reading the tasks of ECS service {cluster}/{service}");
    let mut tasks = Vec::new();
    let mut next = None;
    for _ in 0..PAGES_MAX {
        let page = client
            .list_tasks()
            .cluster(cluster)
            .service_name(service)
            .set_next_token(next)
            .send()
            .await
            .map_err(failed(doing()))?;
        let arns = page.task_arns();
        if !arns.is_empty() {
            let described = client
                .describe_tasks()
                .cluster(cluster)
                .set_tasks(Some(arns.to_vec()))
                .send()
                .await
                .map_err(failed(doing()))?;
            tasks.extend(described.tasks().iter().map(task));
        }
        next = page.next_token().map(str::to_owned);
        if next.is_none() {
            return Ok(tasks);
        }
    }
    Err(incomplete(doing(), "an end after 500 tasks"))
}

fn task(task: &Task) -> fleet::Task {
    let container = task.containers().first();
    let interface = container.and_then(|one| one.network_interfaces().first());
    let binding = container.and_then(|one| one.network_bindings().first());
    let detail = |name: &str| {
        let details = task.attachments().iter().flat_map(|attachment| attachment.details());
        details.into_iter().find(|one| one.name() == Some(name)).and_then(|one| one.value())
    };
    let address = interface
        .and_then(|one| one.private_ipv4_address())
        .or_else(|| detail("privateIPv4Address"))
        .or_else(|| binding.and_then(|one| one.bind_ip()));
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
    fleet::Task {
        id: task.task_arn().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default().to_owned(),
        zone: task.availability_zone().unwrap_or_default().to_owned(),
        status: task.last_status().unwrap_or_default().to_owned(),
        desired_status: task.desired_status().unwrap_or_default().to_owned(),
        address: address.map(str::to_owned),
        port: binding.and_then(|one| one.host_port()).and_then(|port| u16::try_from(port).ok()),
        cpu_units: number(task.cpu()),
        memory_mib: number(task.memory()),
        created_at: task.created_at().and_then(instant),
        started_at: task.started_at().and_then(instant),
    }
}

fn deployment(one: &Deployment) -> fleet::Deployment {
    fleet::Deployment {
        id: one.id().unwrap_or_default().to_owned(),
        status: one.status().unwrap_or_default().to_owned(),
        rollout: one.rollout_state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        created_at: one.created_at().and_then(instant),
    }
}

/// Sets the desired count, absolutely.
pub(super) async fn set_desired(
    client: &Client,
    cluster: &str,
    service: &str,
    tasks: u32,
    doing: String,
) -> Result<Receipt, CallError> {
    let answer = client
        .update_service()
        .cluster(cluster)
        .service(service)
        .desired_count(signed(tasks))
        .send()
        .await
        .map_err(failed(doing))?;
    let set = answer.service().map_or(0, aws_sdk_ecs::types::Service::desired_count);
    Ok(Receipt(format!("desired count is {set}")))
}

/// Stops one task; its service replaces it.
pub(super) async fn stop_task(
    client: &Client,
    cluster: &str,
    task: &str,
    reason: &str,
    doing: String,
) -> Result<Receipt, CallError> {
    client
        .stop_task()
        .cluster(cluster)
        .task(task)
        .reason(reason)
        .send()
        .await
        .map_err(failed(doing))?;
    Ok(Receipt(format!("task {task} is stopping")))
}
