//! Operations on clusters.

use super::state::{Cluster, Phase, ServiceStatus, State};
use super::{Ecs, invalid, last_part};
use crate::aws::wire::{AwsError, Input};
use serde_json::{Value, json};

/// More than anybody makes here by mistake.
const CLUSTERS_MAX: usize = 20;

/// `CreateCluster`: again with the same name answers the same cluster.
pub(super) fn create(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.text("clusterName")?.unwrap_or("default");
    let mut state = ecs.state();
    if !state.clusters.contains_key(name) {
        if state.clusters.len() >= CLUSTERS_MAX {
            return Err(invalid("The number of clusters is limited."));
        }
        state.clusters.insert(name.to_owned(), Cluster { name: name.to_owned() });
    }
    Ok(json!({ "cluster": shape(ecs, &state, name) }))
}

/// `DescribeClusters`; unknown ones are answered as failures.
pub(super) fn describe(ecs: &Ecs, input: Input<'_>) -> Result<Value, AwsError> {
    let state = ecs.state();
    let mut asked = input.texts("clusters")?;
    if asked.is_empty() {
        asked.push("default");
    }
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        asked.into_iter().partition(|name| state.clusters.contains_key(last_part(name)));
    let clusters: Vec<Value> =
        known.iter().map(|name| shape(ecs, &state, last_part(name))).collect();
    let failures: Vec<Value> = unknown
        .iter()
        .map(|name| {
            let arn = ecs.arn(&format!("cluster/{}", last_part(name)));
            json!({ "arn": arn, "reason": "MISSING" })
        })
        .collect();
    Ok(json!({ "clusters": clusters, "failures": failures }))
}

/// `ListClusters`, all on one page.
pub(super) fn list(ecs: &Ecs) -> Result<Value, AwsError> {
    let arns: Vec<String> =
        ecs.state().clusters.keys().map(|name| ecs.arn(&format!("cluster/{name}"))).collect();
    Ok(json!({ "clusterArns": arns }))
}

fn shape(ecs: &Ecs, state: &State, name: &str) -> Value {
    let in_cluster = |phases: &[Phase]| {
        let tasks = state.tasks.values().filter(|task| task.cluster == name);
        tasks.filter(|task| phases.contains(&task.phase)).count()
    };
    let services = state
        .services
        .values()
        .filter(|service| service.cluster == name && service.status != ServiceStatus::Inactive);
    json!({
        "clusterArn": ecs.arn(&format!("cluster/{name}")),
        "clusterName": name,
        "status": "ACTIVE",
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": in_cluster(&[Phase::Running]),
        "pendingTasksCount":
            in_cluster(&[Phase::Provisioning, Phase::Pending, Phase::Activating]),
        "activeServicesCount": services.count(),
        "statistics": [],
        "tags": [],
        "settings": [{ "name": "containerInsights", "value": "disabled" }],
        "capacityProviders": [],
        "defaultCapacityProviderStrategy": [],
    })
}
