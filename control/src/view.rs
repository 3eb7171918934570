//! An environment on one page, as dashboards read it. Pure: everything known goes in.

use chrono::{DateTime, Utc};
use protocol::control::{
    AlertView, CostView, DecisionView, EnvironmentView, ForecastView, GroupView, MemberView,
    Reading, RunView, ServiceView, TaskView, TrafficView,
};

use crate::app::{Live, Signals};
use crate::config::Environment;
use crate::cost;
use crate::driver::Pass;
use crate::fleet::{Fleet, Target, Task};
use crate::slo::{self, History};
use std::convert::Infallible;
use std::sync::Arc;

/// Runs shown at most.
const RUNS_MAX: usize = 10;

/// What a view is made of.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    pub wanted: &'a Environment,
    pub fleet: &'a Fleet,
    pub signals: &'a Signals,
    pub canary: Reading,
    pub canary_wallets: Vec<String>,
    pub decision: Option<DecisionView>,
    pub readers: Option<DecisionView>,
    pub forecast: Option<ForecastView>,
    pub alerts: Vec<AlertView>,
    pub history: &'a History,
    pub runs: Vec<RunView>,
    pub cost: CostView,
}

/// Puts the page together.
#[must_use]
pub fn build(parts: Parts<'_>, now: DateTime<Utc>) -> EnvironmentView {
    let Parts {
        wanted,
        fleet,
        signals,
        canary,
        canary_wallets,
        decision,
        readers,
        forecast,
        alerts,
        history,
        mut runs,
        mut cost,
    } = parts;
    cost.decision = decision.as_ref().map(|one| cost::effect(one, cost.month.as_ref(), now));
    runs.truncate(RUNS_MAX);
    EnvironmentView {
        name: wanted.name.clone(),
        tier: wanted.tier,
        mode: wanted.mode,
        at: now,
        traffic: traffic(signals, canary, canary_wallets),
        history: signals.history.clone(),
        service: service(wanted, fleet),
        database: database(wanted, fleet, signals),
        cache: cache(wanted, fleet, signals),
        broker: broker(wanted, fleet),
        alerts,
        slos: slo::views(&wanted.slos, history, now),
        decision,
        readers,
        forecast,
        runs,
        cost,
    }
}

fn traffic(signals: &Signals, canary_ms: Reading, wallets: Vec<String>) -> TrafficView {
    TrafficView {
        tps: signals.reading("tps"),
        p50_ms: signals.reading("p50_ms"),
        p95_ms: signals.reading("p95_ms"),
        p99_ms: signals.reading("p99_ms"),
        error_percent: signals.reading("error_percent"),
        cpu_percent: signals.reading("cpu_percent"),
        memory_percent: signals.reading("memory_percent"),
        requests_per_task: signals.reading("requests_per_task"),
        outbox_pending: signals.reading("outbox_pending"),
        canary_ms,
        canary_wallets: wallets,
    }
}

fn service(wanted: &Environment, fleet: &Fleet) -> ServiceView {
    let seen = fleet.service.as_ref();
    let service = seen.map(|seen| &seen.value);
    let targets = fleet.targets.as_ref().map(|seen| seen.value.as_slice());
    let registered = fleet.scaling.as_ref().and_then(|seen| seen.value.as_ref());
    let scaling = &wanted.scaling;
    let healthy = |targets: &[Target]| targets.iter().filter(|one| one.health == "healthy").count();
    ServiceView {
        name: wanted.service.name.clone(),
        scaling: scaling.mode.name().to_owned(),
        desired: service.map_or(0, |service| service.desired),
        running: service.map_or(0, |service| service.running),
        pending: service.map_or(0, |service| service.pending),
        capacity_min: registered.map_or(scaling.tasks_min, |range| range.min),
        capacity_max: registered.map_or(scaling.tasks_max, |range| range.max),
        healthy: targets.map(|targets| u32::try_from(healthy(targets)).unwrap_or(u32::MAX)),
        tasks: service.map_or_else(Vec::new, |service| {
            service.tasks.iter().map(|one| task(one, targets.unwrap_or_default())).collect()
        }),
        seen_at: seen.map(|seen| seen.at),
    }
}

fn task(task: &Task, targets: &[Target]) -> TaskView {
    TaskView {
        id: task.id.clone(),
        zone: task.zone.clone(),
        status: task.status.clone(),
        health: health(task, targets).unwrap_or_default(),
        started_at: task.started_at,
    }
}

/// A task's target has its address, and its port where both are known.
fn health(task: &Task, targets: &[Target]) -> Option<String> {
    let address = task.address.as_deref()?;
    let same = |target: &&Target| {
        let port = task.port.is_none() || target.port.is_none() || task.port == target.port;
        target.address == address && port
    };
    let mut found = targets.iter().filter(same);
    let first = found.next()?;
    // An address that several targets share and no port tells apart says nothing of this task.
    found.next().is_none().then(|| first.health.clone())
}

fn database(wanted: &Environment, fleet: &Fleet, signals: &Signals) -> GroupView {
    let Some(seen) = &fleet.database else { return unseen(&wanted.database) };
    let member = |one: &crate::fleet::DatabaseInstance| MemberView {
        id: one.id.clone(),
        zone: one.zone.clone(),
        role: if one.writer { "writer" } else { "reader" }.to_owned(),
        status: one.status.clone(),
        lag_ms: if one.writer { None } else { lag(signals, &one.id) },
    };
    GroupView {
        name: seen.value.cluster.clone(),
        status: seen.value.status.clone(),
        members: seen.value.instances.iter().map(member).collect(),
        seen_at: Some(seen.at),
    }
}

fn cache(wanted: &Environment, fleet: &Fleet, signals: &Signals) -> GroupView {
    let Some(seen) = &fleet.cache else { return unseen(&wanted.cache) };
    let member = |one: &crate::fleet::CacheNode| MemberView {
        id: one.id.clone(),
        zone: one.zone.clone(),
        role: if one.primary { "primary" } else { "replica" }.to_owned(),
        status: one.status.clone(),
        lag_ms: if one.primary { None } else { lag(signals, &one.id) },
    };
    GroupView {
        name: seen.value.group.clone(),
        status: seen.value.status.clone(),
        members: seen.value.nodes.iter().map(member).collect(),
        seen_at: Some(seen.at),
    }
}

fn broker(wanted: &Environment, fleet: &Fleet) -> GroupView {
    let Some(seen) = &fleet.broker else {
        let name = wanted.broker.split('/').nth(1).unwrap_or(&wanted.broker);
        return unseen(name);
    };
    let member = |one: &crate::fleet::BrokerNode| MemberView {
        id: one.id.clone(),
        zone: one.zone.clone(),
        role: "broker".to_owned(),
        // MSK says how the cluster is, not how each broker is.
        status: seen.value.state.clone(),
        lag_ms: None,
    };
    GroupView {
        name: seen.value.name.clone(),
        status: seen.value.state.clone(),
        members: seen.value.nodes.iter().map(member).collect(),
        seen_at: Some(seen.at),
    }
}

fn unseen(name: &str) -> GroupView {
    GroupView {
        name: name.to_owned(),
        status: "unknown".to_owned(),
        members: vec![],
        seen_at: None,
    }
}

/// How far a member is behind, where the environment names a signal `lag_ms_MEMBER` for it.
fn lag(signals: &Signals, member: &str) -> Option<u64> {
    let value = signals.reading(&format!("lag_ms_{member}")).fresh()?;
    (0.0..1e15).contains(&value).then(|| cost::whole(value))
}

/// The loop that keeps the page current.
pub struct Refresh(pub Arc<Live>);

impl Pass for Refresh {
    type Error = Infallible;

    async fn pass(&mut self, now: DateTime<Utc>) -> Result<(), Infallible> {
        let live = &self.0;
        live.recent.send_modify(|recent| recent.note(&live.signals.borrow().readings, now));
        let view = build(
            Parts {
                wanted: &live.wanted(),
                fleet: &live.fleet.borrow().clone(),
                signals: &live.signals.borrow().clone(),
                canary: *live.canary.borrow(),
                canary_wallets: live.canary_wallets.borrow().clone(),
                decision: live.decision.borrow().clone(),
                readers: live.readers.borrow().clone(),
                forecast: live.forecast.borrow().clone(),
                alerts: live.alerts.borrow().clone(),
                history: &live.history.borrow(),
                runs: live.runs.borrow().clone(),
                cost: live.cost.borrow().clone(),
            },
            now,
        );
        live.view.send_replace(Arc::new(view));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples::{fleet, second};
    use std::path::Path;

    fn wanted() -> Environment {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
        crate::config::read_environments(&[file]).unwrap().remove(0)
    }

    fn page(fleet: &Fleet, signals: &Signals) -> EnvironmentView {
        let wanted = wanted();
        let rate = cost::rate(&cost::page::sight(fleet, signals, &wanted, second(100)));
        let parts = Parts {
            wanted: &wanted,
            fleet,
            signals,
            canary: Reading::Absent,
            canary_wallets: vec!["w1".to_owned(), "w2".to_owned()],
            decision: None,
            readers: None,
            forecast: None,
            alerts: vec![],
            history: &History::default(),
            runs: vec![],
            cost: cost::view(&rate, &wanted.prices),
        };
        build(parts, second(100))
    }

    #[test]
    fn what_was_never_seen_is_shown_as_unknown_and_without_a_time() {
        let page = page(&Fleet::default(), &Signals::default());
        for group in [&page.database, &page.cache, &page.broker] {
            assert_eq!((group.status.as_str(), group.seen_at), ("unknown", None));
            assert_eq!(group.name, "wallet-local");
        }
        assert_eq!((page.service.healthy, page.service.seen_at), (None, None));
        assert_eq!(page.traffic.tps, Reading::Absent);
        assert_eq!(page.cost.micros_per_hour, None);
    }

    #[tokio::test]
    async fn refreshing_keeps_what_the_readings_were() {
        let live = Arc::new(Live::new(wanted(), second(0)));
        let fresh = Reading::Fresh { value: 61.0, at: second(90) };
        live.signals.send_modify(|signals| {
            signals.readings.insert("cpu_percent".to_owned(), fresh);
        });
        Refresh(Arc::clone(&live)).pass(second(93)).await.unwrap();
        let points = live.recent.borrow().since("cpu_percent", second(0));
        assert_eq!(points.iter().map(|one| one.at).collect::<Vec<_>>(), [second(93)]);
    }

    #[test]
    fn members_carry_their_roles_and_replicas_their_lag() {
        let mut signals = Signals::default();
        for (member, value) in [("wallet-local-1", 1.0), ("wallet-local-2", 14.6)] {
            let reading = Reading::Fresh { value, at: second(90) };
            signals.readings.insert(format!("lag_ms_{member}"), reading);
        }
        let stale = Reading::Stale { value: 9.0, at: second(0) };
        signals.readings.insert("lag_ms_wallet-local-3".to_owned(), stale);
        let page = page(&fleet(3, second(99)), &signals);
        let members: Vec<_> =
            page.database.members.iter().map(|one| (one.role.as_str(), one.lag_ms)).collect();
        assert_eq!(members, [("writer", None), ("reader", Some(15)), ("reader", None)]);
        assert_eq!(page.cache.members[0].role, "primary");
        assert_eq!(page.broker.members.len(), 3);
        assert_eq!(page.database.seen_at, Some(second(99)));
    }

    #[test]
    fn a_task_has_the_health_of_its_own_target_or_none() {
        let mut fleet = fleet(3, second(0));
        fleet.targets.as_mut().unwrap().value[1].health = "draining".to_owned();
        let page_of = |fleet: &Fleet| page(fleet, &Signals::default()).service;
        let service = page_of(&fleet);
        let health: Vec<_> = service.tasks.iter().map(|task| task.health.as_str()).collect();
        assert_eq!(health, ["healthy", "draining", "healthy"]);
        assert_eq!(service.healthy, Some(2));

        fleet.service.as_mut().unwrap().value.tasks[0].port = None;
        let service = page_of(&fleet);
        assert_eq!(service.tasks[0].health, "", "three targets share its address");
    }
}
