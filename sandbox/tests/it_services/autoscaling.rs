//! Application Auto Scaling, as its SDK sees it, over the metrics that ECS publishes.

use crate::stage::{SERVICE_RESOURCE, Stage};
use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace,
    SuspendedState, TargetTrackingScalingPolicyConfiguration,
};
use chrono::TimeDelta;
use sandbox::aws::metric::{Metrics, Publisher};

const DIMENSION: ScalableDimension = ScalableDimension::EcsServiceDesiredCount;

async fn limits(scaling: &Client, min: i32, max: i32) {
    scaling
        .register_scalable_target()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(SERVICE_RESOURCE)
        .scalable_dimension(DIMENSION)
        .min_capacity(min)
        .max_capacity(max)
        .send()
        .await
        .unwrap();
}

async fn track_cpu(scaling: &Client, target: f64) {
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::from("ECSServiceAverageCPUUtilizationHighResolution"))
        .build()
        .unwrap();
    let configuration = TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(target)
        .predefined_metric_specification(metric)
        .build()
        .unwrap();
    scaling
        .put_scaling_policy()
        .policy_name("cpu")
        .policy_type(PolicyType::TargetTrackingScaling)
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(SERVICE_RESOURCE)
        .scalable_dimension(DIMENSION)
        .target_tracking_scaling_policy_configuration(configuration)
        .send()
        .await
        .unwrap();
}

async fn desired(stage: &Stage) -> i32 {
    let ecs = stage.ecs();
    let found = ecs.describe_services().cluster("wallet-local").services("wallet-svc");
    found.send().await.unwrap().services()[0].desired_count()
}

#[tokio::test]
async fn registering_limits_moves_the_count_into_them_at_once() {
    let stage = Stage::start().await;
    stage.with_service(3).await;
    let scaling = Client::new(&stage.sdk);
    limits(&scaling, 5, 9).await;
    assert_eq!(desired(&stage).await, 5);
    limits(&scaling, 2, 4).await;
    assert_eq!(desired(&stage).await, 4);
    let found = scaling.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
    let found = found.send().await.unwrap();
    let target = &found.scalable_targets()[0];
    assert_eq!((target.min_capacity(), target.max_capacity()), (2, 4));
    let activities = scaling.describe_scaling_activities().service_namespace(ServiceNamespace::Ecs);
    let activities = activities.send().await.unwrap();
    let said: Vec<&str> =
        activities.scaling_activities().iter().map(|one| one.description()).collect();
    assert_eq!(said, ["Setting desired count to 4.", "Setting desired count to 5."]);
}

#[tokio::test]
async fn what_cannot_be_scaled_is_refused() {
    let stage = Stage::start().await;
    let scaling = Client::new(&stage.sdk);
    let register = scaling
        .register_scalable_target()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(SERVICE_RESOURCE)
        .scalable_dimension(DIMENSION);
    let nobody = register.clone().min_capacity(1).max_capacity(2).send().await;
    assert!(nobody.unwrap_err().into_service_error().is_validation_exception());
    stage.with_service(1).await;
    let half = register.clone().min_capacity(1).send().await;
    assert!(half.unwrap_err().into_service_error().is_validation_exception());
    let crossed = register.clone().min_capacity(3).max_capacity(2).send().await;
    assert!(crossed.unwrap_err().into_service_error().is_validation_exception());
    let gone = scaling
        .delete_scaling_policy()
        .policy_name("cpu")
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(SERVICE_RESOURCE)
        .scalable_dimension(DIMENSION)
        .send()
        .await;
    assert!(gone.unwrap_err().into_service_error().is_object_not_found_exception());
}

/// Publishes so many points of 20 seconds with this CPU, and lets auto scaling look after each.
async fn points(stage: &Stage, count: usize, cpu_percent: f64) {
    *stage.tasks.cpu_percent.lock().unwrap() = cpu_percent;
    for _ in 0..count {
        let at = stage.now();
        stage.pass_time(TimeDelta::seconds(20));
        stage.cloudwatch.publish(stage.services.ecs.measure(at).await);
        stage.services.autoscaling.pass();
    }
}

#[tokio::test]
async fn target_tracking_grows_after_three_points_and_never_while_suspended() {
    let stage = Stage::start().await;
    stage.with_service(3).await;
    // To the start of a period of 20 seconds.
    stage.pass_time(TimeDelta::seconds(15));
    let scaling = Client::new(&stage.sdk);
    limits(&scaling, 3, 9).await;
    points(&stage, 5, 90.0).await;
    assert_eq!(desired(&stage).await, 3, "there is no policy");
    track_cpu(&scaling, 60.0).await;
    points(&stage, 3, 50.0).await;
    points(&stage, 2, 100.0).await;
    assert_eq!(desired(&stage).await, 3, "two points are not enough");
    let suspend = scaling
        .register_scalable_target()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(SERVICE_RESOURCE)
        .scalable_dimension(DIMENSION);
    let off = SuspendedState::builder().dynamic_scaling_out_suspended(true).build();
    suspend.clone().suspended_state(off).send().await.unwrap();
    points(&stage, 1, 100.0).await;
    assert_eq!(desired(&stage).await, 3, "suspended");
    let on = SuspendedState::builder().dynamic_scaling_out_suspended(false).build();
    suspend.suspended_state(on).send().await.unwrap();
    points(&stage, 1, 100.0).await;
    assert_eq!(desired(&stage).await, 5, "ceil(3 × 100 / 60)");
    let policies = scaling.describe_scaling_policies().service_namespace(ServiceNamespace::Ecs);
    let policies = policies.send().await.unwrap();
    assert_eq!(policies.scaling_policies()[0].policy_name(), "cpu");
}

#[tokio::test]
async fn the_limits_of_a_clusters_readers_are_kept_apart_from_those_of_tasks() {
    let stage = Stage::start().await;
    stage.with_service(3).await;
    let scaling = Client::new(&stage.sdk);
    limits(&scaling, 3, 9).await;
    let register = |min: i32, max: i32| {
        scaling
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Rds)
            .resource_id("cluster:wallet-local")
            .scalable_dimension(ScalableDimension::RdsClusterReadReplicaCount)
            .min_capacity(min)
            .max_capacity(max)
            .send()
    };
    register(2, 5).await.unwrap();
    register(3, 5).await.unwrap();
    let refused = register(6, 5).await.unwrap_err().into_service_error();
    assert!(refused.is_validation_exception(), "{refused:?}");
    let refused = register(1, 16).await.unwrap_err().into_service_error();
    assert!(refused.is_validation_exception(), "{refused:?}");
    for (namespace, want) in [(ServiceNamespace::Rds, (3, 5)), (ServiceNamespace::Ecs, (3, 9))] {
        let found = scaling.describe_scalable_targets().service_namespace(namespace.clone());
        let found = found.send().await.unwrap();
        let [target] = found.scalable_targets() else { panic!("{found:?}") };
        assert_eq!((target.min_capacity(), target.max_capacity()), want);
        let policies = scaling.describe_scaling_policies().service_namespace(namespace);
        assert_eq!(policies.send().await.unwrap().scaling_policies().len(), 0);
    }
}
