//! A run that waits for a deployment: one that fails and is rolled back ends the wait at once, as
//! what it is, although the service is stable again.

use crate::runs_sim::{Cloudy, Sim};
use control::fleet::{Deployment, Service};
use control::runbook::{parse, state::State};
use std::{sync::Arc, time::Duration};

const BOOK: &str = r#"
kind: Runbook
name: wait-for-deployment
revision: 1
owner: platform
summary: Wait until the deployment that is on its way is done.
params:
  cluster: { type: resource, kind: aurora }
lock: { on: "${cluster}", mode: exclusive, else: refuse }
deadline: 30m
objective: { rto: 60s, rpo: 0 }
require:
  - { resource: "${cluster}", field: status, is: "= available" }
steps:
  - id: before
    check: ecs.describe
    save: [deployment, desired]
  - id: deployed
    wait:
      all:
        - { deployment: "${before.deployment}", is: complete }
    every: 1s
    timeout: 10m
    on_timeout: pause
on_failure: pause
"#;

fn service(deployments: &[(&str, &str, &str)]) -> Service {
    let deployment = |(id, status, rollout): &(&str, &str, &str)| Deployment {
        id: (*id).to_owned(),
        status: (*status).to_owned(),
        rollout: (*rollout).to_owned(),
        created_at: None,
    };
    Service {
        name: "wallet-svc".to_owned(),
        status: "ACTIVE".to_owned(),
        desired: 6,
        running: 6,
        pending: 0,
        deployments: deployments.iter().map(deployment).collect(),
        tasks: vec![],
    }
}

/// Runs the book while the service goes through these states, one a minute.
async fn waits(states: &[&[(&str, &str, &str)]]) -> (State, String, Duration) {
    let sim = Sim::new(Cloudy::Answers, None);
    let from = |minute| Duration::from_secs(60) * minute;
    let services = (0..).zip(states).map(|(minute, state)| (from(minute), service(state)));
    sim.outside.lock().unwrap().services = services.collect();
    let book = Arc::new(parse::runbook("book.yaml", BOOK).unwrap());
    let began = tokio::time::Instant::now();
    let run = sim.drive(sim.order(&book, None, 0)).await;
    (run.state, run.steps["deployed"].detail.clone(), began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_comes_through_ends_the_wait() {
    let (_, detail, took) = waits(&[
        &[("new", "PRIMARY", "IN_PROGRESS"), ("old", "ACTIVE", "COMPLETED")],
        &[("new", "PRIMARY", "COMPLETED")],
    ])
    .await;
    assert_eq!(detail, "deployment new is complete with 6 tasks");
    assert!(took >= Duration::from_secs(60), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_rolled_back_fails_the_wait_at_once() {
    let (state, detail, took) = waits(&[
        &[("new", "PRIMARY", "IN_PROGRESS"), ("old", "ACTIVE", "COMPLETED")],
        &[("back", "PRIMARY", "COMPLETED")],
    ])
    .await;
    assert_eq!((state, detail.as_str()), (State::Paused, "deployment replaced: new by back"));
    let minute = Duration::from_secs(60);
    assert!(took >= minute && took < minute * 2, "not after its timeout of ten: {took:?}");
}
