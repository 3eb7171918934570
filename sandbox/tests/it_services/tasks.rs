//! ECS and the load balancer, as their SDKs see them.

use crate::stage::Stage;
use aws_sdk_ecs::types::{DesiredStatus, Service};
use aws_sdk_elasticloadbalancingv2::error::ProvideErrorMetadata;
use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetHealthStateEnum};
use sandbox::aws::machines::{TargetState, TaskExit};
use sandbox::aws::metric::Publisher;
use std::collections::BTreeSet;

async fn service(ecs: &aws_sdk_ecs::Client) -> Service {
    let described =
        ecs.describe_services().cluster("wallet-local").services("wallet-svc").send().await;
    described.unwrap().services().first().cloned().unwrap()
}

async fn tasks(ecs: &aws_sdk_ecs::Client, status: DesiredStatus) -> Vec<aws_sdk_ecs::types::Task> {
    let listed = ecs.list_tasks().cluster("wallet-local").service_name("wallet-svc");
    let arns = listed.desired_status(status).send().await.unwrap().task_arns().to_vec();
    if arns.is_empty() {
        return Vec::new();
    }
    let described = ecs.describe_tasks().cluster("wallet-local").set_tasks(Some(arns));
    described.send().await.unwrap().tasks().to_vec()
}

#[tokio::test]
async fn a_service_comes_up_over_three_zones_and_passes_the_states_of_aws() {
    let stage = Stage::start().await;
    let ecs = stage.with_service(0).await;
    let update = ecs.update_service().cluster("wallet-local").service("wallet-svc");
    update.desired_count(3).send().await.unwrap();
    let mut states = Vec::new();
    for _ in 0..20 {
        stage.run(200).await;
        let task = tasks(&ecs, DesiredStatus::Running).await.remove(0);
        let state = task.last_status().unwrap().to_owned();
        if states.last() != Some(&state) {
            states.push(state);
        }
    }
    assert_eq!(states, ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"]);
    let service = service(&ecs).await;
    assert_eq!((service.running_count(), service.pending_count()), (3, 0));
    assert_eq!(service.deployments()[0].rollout_state().unwrap().as_str(), "COMPLETED");
    let running = tasks(&ecs, DesiredStatus::Running).await;
    let zones: BTreeSet<_> = running.iter().filter_map(|task| task.availability_zone()).collect();
    assert_eq!(zones.len(), 3);
    let started = stage.tasks.started.lock().unwrap();
    assert_eq!(started[0].environment["WALLET_ENVIRONMENT"], "local");
    assert_eq!((started[0].cpu, started[0].memory_mib), (256, 512));
}

#[tokio::test]
async fn a_killed_task_is_replaced_and_shown_with_its_exit_code() {
    let stage = Stage::start().await;
    let ecs = stage.with_service(3).await;
    let victim = tasks(&ecs, DesiredStatus::Running).await.remove(0);
    let id = victim.task_arn().unwrap().rsplit('/').next().unwrap().to_owned();
    stage.tasks.crash(&id, TaskExit::Signal(9));
    stage.run(400).await;
    assert_eq!(service(&ecs).await.running_count(), 2);
    stage.run(5_000).await;
    assert_eq!(service(&ecs).await.running_count(), 3);
    let stopped = tasks(&ecs, DesiredStatus::Stopped).await.remove(0);
    assert_eq!(stopped.last_status(), Some("STOPPED"));
    assert_eq!(stopped.stopped_reason(), Some("Essential container in task exited"));
    assert_eq!(stopped.containers()[0].exit_code(), Some(137));
}

#[tokio::test]
async fn scaling_in_drains_the_target_before_the_task_stops() {
    let stage = Stage::start().await;
    let ecs = stage.with_service(3).await;
    let update = ecs.update_service().cluster("wallet-local").service("wallet-svc");
    update.desired_count(2).send().await.unwrap();
    // Two passes of the scheduler, and nobody says that draining is over.
    for _ in 0..2 {
        stage.pass_time(chrono::TimeDelta::milliseconds(200));
        stage.services.ecs.pass().await;
    }
    let leaving = tasks(&ecs, DesiredStatus::Stopped).await.remove(0);
    assert_eq!(leaving.last_status(), Some("DEACTIVATING"));
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&stage.sdk);
    let health =
        elb.describe_target_health().target_group_arn(stage.services.elbv2.target_group_arn());
    let health = health.send().await.unwrap();
    let draining = health.target_health_descriptions().iter().find_map(|one| {
        let health = one.target_health()?;
        (health.state()? == &TargetHealthStateEnum::Draining).then(|| health.reason().cloned())
    });
    let reason = draining.flatten().unwrap();
    assert_eq!(reason.as_str(), "Target.DeregistrationInProgress");
    stage.run(2_000).await;
    let left = tasks(&ecs, DesiredStatus::Stopped).await.remove(0);
    assert_eq!((left.last_status(), left.containers()[0].exit_code()), (Some("STOPPED"), Some(0)));
}

#[tokio::test]
async fn a_deployment_of_an_image_that_does_not_start_is_rolled_back() {
    let stage = Stage::start().await;
    let ecs = stage.with_service(2).await;
    let bad = stage.register("missing").await;
    let update = ecs.update_service().cluster("wallet-local").service("wallet-svc");
    update.task_definition(bad).send().await.unwrap();
    stage.run(1_000).await;
    let during = service(&ecs).await;
    assert_eq!(during.deployments().len(), 2);
    assert_eq!(during.deployments()[0].status(), Some("PRIMARY"));
    assert_eq!(during.deployments()[1].status(), Some("ACTIVE"));
    stage.run(30_000).await;
    let after = service(&ecs).await;
    assert!(after.task_definition().unwrap().ends_with("wallet-svc:1"), "{after:?}");
    assert_eq!(after.running_count(), 2);
    let said =
        |words: &str| after.events().iter().any(|one| one.message().unwrap().contains(words));
    assert!(said("deployment failed: tasks failed to start") && said("rolling back"));
}

#[tokio::test]
async fn an_unhealthy_target_says_why_and_its_task_is_replaced() {
    let stage = Stage::start().await;
    let ecs = stage.with_service(1).await;
    stage.targets.set(20_000, TargetState::Unhealthy, Some("503"));
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&stage.sdk);
    let group = stage.services.elbv2.target_group_arn();
    let health = elb.describe_target_health().target_group_arn(&group).send().await.unwrap();
    let health = health.target_health_descriptions()[0].target_health().unwrap();
    assert_eq!(health.reason().unwrap().as_str(), "Target.ResponseCodeMismatch");
    assert_eq!(health.description(), Some("Health checks failed with these codes: [503]"));
    let gone = TargetDescription::builder().id("127.0.0.1").port(1).build();
    let unused = elb.describe_target_health().target_group_arn(&group).targets(gone);
    let unused = unused.send().await.unwrap();
    let unused = unused.target_health_descriptions()[0].target_health().unwrap();
    assert_eq!(unused.state(), Some(&TargetHealthStateEnum::Unused));
    stage.run(6_000).await;
    assert_eq!(service(&ecs).await.running_count(), 1);
    assert_eq!(stage.tasks.started.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_task_of_its_own_runs_with_overrides_and_is_not_replaced() {
    let stage = Stage::start().await;
    let ecs = stage.with_service(0).await;
    let change = aws_sdk_ecs::types::ContainerOverride::builder()
        .name("wallet-svc")
        .command("migrate")
        .environment(aws_sdk_ecs::types::KeyValuePair::builder().name("A").value("1").build())
        .build();
    let overrides = aws_sdk_ecs::types::TaskOverride::builder().container_overrides(change).build();
    let ran = ecs.run_task().cluster("wallet-local").task_definition("wallet-svc");
    let ran = ran.overrides(overrides).started_by("test").send().await.unwrap();
    let arn = ran.tasks()[0].task_arn().unwrap().to_owned();
    stage.run(5_000).await;
    assert_eq!(stage.tasks.started.lock().unwrap()[0].command, ["migrate"]);
    assert_eq!(stage.tasks.started.lock().unwrap()[0].environment["A"], "1");
    ecs.stop_task().cluster("wallet-local").task(&arn).reason("enough").send().await.unwrap();
    stage.run(5_000).await;
    let task = ecs.describe_tasks().cluster("wallet-local").tasks(&arn).send().await.unwrap();
    assert_eq!(task.tasks()[0].stopped_reason(), Some("enough"));
    assert_eq!(stage.tasks.started.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_does_not_exist_is_refused_with_the_codes_of_aws() {
    let stage = Stage::start().await;
    let ecs = stage.with_service(1).await;
    let missing = ecs.describe_services().cluster("wallet-local").services("nobody");
    let missing = missing.send().await.unwrap();
    assert_eq!(missing.failures()[0].reason(), Some("MISSING"));
    let cluster = ecs.describe_services().cluster("nowhere").services("s").send().await;
    assert!(cluster.unwrap_err().into_service_error().is_cluster_not_found_exception());
    let update = ecs.update_service().cluster("wallet-local").service("nobody").send().await;
    assert!(update.unwrap_err().into_service_error().is_service_not_found_exception());
    let update = ecs.update_service().cluster("wallet-local").service("wallet-svc");
    let update = update.desired_count(-1).send().await;
    assert!(update.unwrap_err().into_service_error().is_invalid_parameter_exception());
    let task = ecs.stop_task().cluster("wallet-local").task("nothing").send().await;
    assert!(task.unwrap_err().into_service_error().is_invalid_parameter_exception());
    let definition = ecs.describe_task_definition().task_definition("nothing").send().await;
    assert!(definition.unwrap_err().into_service_error().is_client_exception());
    let deleted = ecs.delete_service().cluster("wallet-local").service("wallet-svc").send().await;
    assert!(deleted.unwrap_err().into_service_error().is_invalid_parameter_exception());
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&stage.sdk);
    let group = elb.describe_target_health().target_group_arn("arn:nothing").send().await;
    assert_eq!(group.unwrap_err().into_service_error().code(), Some("TargetGroupNotFound"));
}

#[tokio::test]
async fn the_load_balancer_describes_itself_and_its_delay_can_be_changed() {
    let stage = Stage::start().await;
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&stage.sdk);
    let found = elb.describe_load_balancers().names("wallet-local").send().await.unwrap();
    let balancer = &found.load_balancers()[0];
    assert_eq!(balancer.dns_name(), Some("127.0.0.1"));
    let listeners = elb.describe_listeners();
    let listeners = listeners.load_balancer_arn(balancer.load_balancer_arn().unwrap());
    assert_eq!(listeners.send().await.unwrap().listeners()[0].port(), Some(8_080));
    let group = stage.services.elbv2.target_group_arn();
    let name = "deregistration_delay.timeout_seconds";
    let change = |value: &str| {
        let attribute = aws_sdk_elasticloadbalancingv2::types::TargetGroupAttribute::builder();
        let attribute = attribute.key(name).value(value).build();
        elb.modify_target_group_attributes().target_group_arn(&group).attributes(attribute).send()
    };
    change("17").await.unwrap();
    assert!(change("soon").await.is_err());
    let now = elb.describe_target_group_attributes().target_group_arn(&group).send().await.unwrap();
    let delay = now.attributes().iter().find(|one| one.key() == Some(name)).unwrap();
    assert_eq!(delay.value(), Some("17"));
}

#[tokio::test]
async fn the_balancer_publishes_counters_only_when_they_counted() {
    let stage = Stage::start().await;
    let _ecs = stage.with_service(2).await;
    *stage.targets.traffic.lock().unwrap() = sandbox::aws::machines::Traffic {
        requests: 100,
        target_2xx: 99,
        target_4xx: 1,
        response_seconds: vec![(0.004, 90.0), (0.2, 10.0)],
        ..Default::default()
    };
    let published = stage.services.elbv2.measure(stage.now()).await;
    let total = |name: &str| {
        let found = published.iter().find(|one| one.name == name)?;
        Some(found.values.iter().map(|(value, count)| value * count).sum::<f64>())
    };
    assert_eq!(total("RequestCount"), Some(100.0));
    assert_eq!(total("RequestCountPerTarget"), Some(50.0));
    assert_eq!(total("HealthyHostCount"), Some(2.0));
    assert_eq!(total("HTTPCode_Target_5XX_Count"), None);
    let quiet = stage.services.elbv2.measure(stage.now()).await;
    let names: Vec<&str> = quiet.iter().map(|one| one.name).collect();
    assert_eq!(names, ["HealthyHostCount", "UnHealthyHostCount"]);
}
