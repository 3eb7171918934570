//! What there is in each environment: what is wanted of it, what is seen, and what it costs.

use super::{Api, access::Caller, decisions, error::Error};
use crate::{app::Live, readings::Signal};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use chrono::{DateTime, Utc};
use protocol::control::{
    EnvironmentCost, EnvironmentView, GroupView, Reading, ResourceKind, ResourceView, ServiceView,
    SignalView,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Decisions shown with a resource.
const DECISIONS_MAX: usize = 20;

/// One environment, or all of them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Which {
    pub(super) environment: Option<String>,
}

/// Which signals.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WhichSignals {
    environment: Option<String>,
    name: Option<String>,
    /// Also what the readings were from this instant on.
    since: Option<DateTime<Utc>>,
}

/// `GET /v1/resources`: without their decisions.
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<ResourceView>>, Error> {
    let Query(which) = query?;
    let environments = api.environments(&caller, which.environment.as_ref())?;
    let all = environments.into_iter().flat_map(|(_, live)| resources(&live.view.borrow()));
    Ok(Json(all.collect()))
}

/// `GET /v1/resources/{id}`.
pub(super) async fn read(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ResourceView>, Error> {
    let unknown = || Error::NotFound { what: "resource", name: id.clone() };
    let (environment, _) = id.split_once('.').ok_or_else(unknown)?;
    let live = api.environment(&caller, environment).map_err(|_| unknown())?;
    let all = resources(&live.view.borrow());
    let mut found = all.into_iter().find(|one| one.id == id).ok_or_else(unknown)?;
    let word = match found.kind {
        ResourceKind::Service => "service",
        ResourceKind::Database => "database",
        ResourceKind::Cache => "cache",
        ResourceKind::Broker => "broker",
    };
    let subject = format!("{environment}/{word}/{}", found.name);
    let page = decisions::read(&api, None, None, |event| event.subject == subject).await?;
    found.decisions = page.decisions;
    found.decisions.truncate(DECISIONS_MAX);
    Ok(Json(found))
}

/// `GET /v1/signals`.
pub(super) async fn signals(
    State(api): State<Api>,
    caller: Caller,
    query: Result<Query<WhichSignals>, QueryRejection>,
) -> Result<Json<Vec<SignalView>>, Error> {
    let Query(which) = query?;
    let now = (api.app.clock)();
    let environments = api.environments(&caller, which.environment.as_ref())?;
    let mut all = Vec::new();
    for (name, live) in environments {
        let mut views = signal_views(name, live, now);
        views.retain(|one| which.name.as_ref().is_none_or(|name| *name == one.name));
        if let Some(since) = which.since {
            let recent = live.recent.borrow();
            views.iter_mut().for_each(|one| one.points = recent.since(&one.name, since));
        }
        all.extend(views);
    }
    Ok(Json(all))
}

/// `GET /v1/cost`.
pub(super) async fn cost(
    State(api): State<Api>,
    caller: Caller,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<EnvironmentCost>>, Error> {
    let Query(which) = query?;
    let environments = api.environments(&caller, which.environment.as_ref())?;
    let cost = |(name, live): (&String, &std::sync::Arc<Live>)| EnvironmentCost {
        environment: name.clone(),
        budget_micros_per_month: live.wanted().budget_micros_per_month,
        cost: live.cost.borrow().clone(),
    };
    Ok(Json(environments.into_iter().map(cost).collect()))
}

fn resources(page: &EnvironmentView) -> Vec<ResourceView> {
    let group = |kind, word: &str, group: &GroupView| ResourceView {
        id: format!("{}.{word}", page.name),
        environment: page.name.clone(),
        kind,
        name: group.name.clone(),
        status: group.status.clone(),
        desired: None,
        observed: group.seen_at.and_then(|_| u32::try_from(group.members.len()).ok()),
        members: group.members.clone(),
        drift: group_drift(kind, group),
        decisions: vec![],
        seen_at: group.seen_at,
    };
    vec![
        service(page, &page.service),
        group(ResourceKind::Database, "database", &page.database),
        group(ResourceKind::Cache, "cache", &page.cache),
        group(ResourceKind::Broker, "broker", &page.broker),
    ]
}

fn service(page: &EnvironmentView, service: &ServiceView) -> ResourceView {
    let seen = service.seen_at.is_some();
    let drift = if seen { service_drift(service) } else { vec![] };
    ResourceView {
        id: format!("{}.service", page.name),
        environment: page.name.clone(),
        kind: ResourceKind::Service,
        name: service.name.clone(),
        status: if !seen {
            "unknown"
        } else if drift.is_empty() {
            "steady"
        } else {
            "drifting"
        }
        .to_owned(),
        desired: seen.then_some(service.desired),
        observed: seen.then_some(service.running),
        members: vec![],
        drift,
        decisions: vec![],
        seen_at: service.seen_at,
    }
}

fn service_drift(service: &ServiceView) -> Vec<String> {
    let ServiceView { desired, running, capacity_min, capacity_max, .. } = service;
    let mut drift = Vec::new();
    if running != desired {
        drift.push(format!("{desired} tasks are wanted and {running} run"));
    }
    match service.healthy {
        None => drift.push("the load balancer does not say how many are healthy".to_owned()),
        Some(healthy) if healthy < *running => {
            drift.push(format!("{running} tasks run and {healthy} are healthy"));
        }
        Some(_) => {}
    }
    if !(capacity_min..=capacity_max).contains(&desired) {
        drift.push(format!("{desired} is not within {capacity_min} to {capacity_max}"));
    }
    drift
}

fn group_drift(kind: ResourceKind, group: &GroupView) -> Vec<String> {
    if group.seen_at.is_none() {
        return vec![];
    }
    let ill = |status: &str| !["available", "ACTIVE"].contains(&status);
    let mut drift = Vec::new();
    if ill(&group.status) {
        drift.push(format!("it is {}", group.status));
    }
    let leads = |role: &str| group.members.iter().filter(|one| one.role == role).count();
    match kind {
        ResourceKind::Database if leads("writer") != 1 => {
            drift.push(format!("it has {} writers", leads("writer")));
        }
        ResourceKind::Cache if leads("primary") == 0 => drift.push("it has no primary".to_owned()),
        _ => {}
    }
    let members = group.members.iter().filter(|one| ill(&one.status) && one.status != group.status);
    drift.extend(members.map(|one| format!("{} is {}", one.id, one.status)));
    drift
}

fn signal_views(name: &str, live: &Live, now: DateTime<Utc>) -> Vec<SignalView> {
    let signals = live.signals.borrow();
    let view = |signal: &str, configured: Option<&Signal>, reading: Reading| SignalView {
        environment: name.to_owned(),
        name: signal.to_owned(),
        source: configured.map_or_else(|| "derived".to_owned(), source),
        max_age_s: configured.map(|signal| signal.max_age.num_seconds()),
        reading,
        age_s: reading.last().map(|(_, at)| (now - at).num_seconds()),
        points: vec![],
    };
    let configuration = live.wanted();
    let wanted = &configuration.signals;
    let configured =
        wanted.iter().map(|one| view(&one.name, Some(one), signals.reading(&one.name)));
    let derived =
        signals.readings.iter().filter(|(name, _)| wanted.iter().all(|w| w.name != **name));
    configured.chain(derived.map(|(name, reading)| view(name, None, *reading))).collect()
}

/// `Wallet/Requests Sum 10s`.
fn source(signal: &Signal) -> String {
    let Signal { namespace, metric, statistic, period, .. } = signal;
    format!("{namespace}/{metric} {statistic} {}s", period.num_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::control::MemberView;

    fn group(status: &str, members: &[(&str, &str)]) -> GroupView {
        let member = |(index, (role, status)): (usize, &(&str, &str))| MemberView {
            id: format!("m{index}"),
            zone: "a".to_owned(),
            role: (*role).to_owned(),
            status: (*status).to_owned(),
            lag_ms: None,
        };
        GroupView {
            name: "g".to_owned(),
            status: status.to_owned(),
            members: members.iter().enumerate().map(member).collect(),
            seen_at: Some(DateTime::UNIX_EPOCH),
        }
    }

    #[test]
    fn drift_of_a_group_names_each_difference() {
        use ResourceKind::{Broker, Cache, Database};
        let (a, r) = ("available", "rebooting");
        #[rustfmt::skip]
        let table = [
            (Database, group(a, &[("writer", a), ("reader", a)]), vec![]),
            (Database, group("failing-over", &[("reader", a)]),   vec!["it is failing-over", "it has 0 writers"]),
            (Database, group(a, &[("writer", a), ("reader", r)]), vec!["m1 is rebooting"]),
            (Cache,    group(a, &[("replica", a)]),               vec!["it has no primary"]),
            (Broker,   group("ACTIVE", &[("broker", "ACTIVE")]),  vec![]),
            (Broker,   group("HEALING", &[("broker", "HEALING")]), vec!["it is HEALING"]),
        ];
        for (kind, group, want) in table {
            assert_eq!(group_drift(kind, &group), want, "{group:?}");
        }
        let unseen = GroupView { seen_at: None, ..group("unknown", &[]) };
        assert_eq!(group_drift(Database, &unseen), [] as [String; 0], "unknown is no difference");
    }

    #[test]
    fn drift_of_a_service_compares_wanted_running_and_healthy() {
        let service = |desired, running, healthy| ServiceView {
            name: "s".to_owned(),
            scaling: "own".to_owned(),
            desired,
            running,
            pending: 0,
            capacity_min: 3,
            capacity_max: 9,
            healthy,
            tasks: vec![],
            seen_at: Some(DateTime::UNIX_EPOCH),
        };
        #[rustfmt::skip]
        let table = [
            (service(4, 4, Some(4)),   vec![]),
            (service(4, 3, Some(3)),   vec!["4 tasks are wanted and 3 run"]),
            (service(4, 4, Some(2)),   vec!["4 tasks run and 2 are healthy"]),
            (service(4, 4, None),      vec!["the load balancer does not say how many are healthy"]),
            (service(10, 10, Some(10)), vec!["10 is not within 3 to 9"]),
        ];
        for (service, want) in table {
            assert_eq!(service_drift(&service), want, "{service:?}");
        }
    }
}
