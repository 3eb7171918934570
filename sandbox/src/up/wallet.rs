//! The wallet in this region: its settings, its schema, and its registration as an ECS service.

use super::Options;
use super::keys::{AUDIENCE, ISSUER};
use crate::aws::Region;
use crate::aws::services::Services;
use crate::aws::wire::{Input, Service};
use crate::child::{Child, Program};
use crate::manifest::Manifest;
use crate::program;
use anyhow::{Context, anyhow, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const IMAGE: &str = "wallet-svc";

/// A new database gets its schema in a second; a busy machine may take longer.
const MIGRATION_LIMIT: Duration = Duration::from_secs(120);

/// The settings of a task definition: nothing secret.
pub(super) fn environment(manifest: &Manifest) -> BTreeMap<String, String> {
    [
        ("WALLET_ENVIRONMENT", manifest.environment.clone()),
        ("WALLET_DB_WRITER_URL", manifest.database_url()),
        ("WALLET_DB_READER_URL", manifest.database_reader_url()),
        ("WALLET_REDIS_URL", manifest.redis_url()),
        ("WALLET_KAFKA_BROKERS", manifest.kafka_bootstrap.clone()),
        ("WALLET_KAFKA_TOPIC", manifest.kafka_topic.clone()),
        ("WALLET_JWKS_FILE", manifest.jwks_file.display().to_string()),
        ("WALLET_JWT_ISSUER", ISSUER.to_owned()),
        ("WALLET_JWT_AUDIENCE", AUDIENCE.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Applies the migrations through the writer's endpoint.
///
/// # Errors
///
/// The binary was not built, or says that it failed.
pub(super) async fn migrate(
    dir: &Path,
    platform: &BTreeMap<String, String>,
    environment: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let log = dir.join("logs/migrate.log");
    let mut program = Program::new(program::ours(IMAGE)?, &log).args(["migrate"]);
    program.environment.extend(platform.clone());
    program.environment.extend(environment.clone());
    let child = Child::start(&program)?;
    let exit = tokio::time::timeout(MIGRATION_LIMIT, child.wait()).await;
    let exit = exit.with_context(|| format!("it takes longer than {MIGRATION_LIMIT:?}"))?;
    ensure!(exit.success(), "{exit}; {}", crate::data::last_words(&log));
    Ok(())
}

/// Registers cluster, task definition, service and scalable target, through the same operations
/// that a deployment would call.
///
/// # Errors
///
/// The service's refusal.
pub(super) async fn register(
    services: &Services,
    region: &Region,
    options: &Options,
    environment: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let cluster = format!("wallet-{}", region.environment);
    let pairs: Vec<_> =
        environment.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let secret = region.arn("secretsmanager", &format!("secret:{cluster}/database"));
    let definition = json!({
        "family": IMAGE,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": options.task_cpu.to_string(),
        "memory": "512",
        "containerDefinitions": [{
            "name": IMAGE,
            "image": IMAGE,
            "essential": true,
            "portMappings": [{ "containerPort": 8080, "protocol": "tcp" }],
            "environment": pairs,
            "secrets": [{ "name": "WALLET_DB_PASSWORD", "valueFrom": secret }],
            "stopTimeout": 30,
        }],
    });
    let service = json!({
        "cluster": cluster,
        "serviceName": IMAGE,
        "taskDefinition": IMAGE,
        "launchType": "FARGATE",
        "desiredCount": options.tasks,
        "healthCheckGracePeriodSeconds": 30,
        "loadBalancers": [{
            "targetGroupArn": services.elbv2.target_group_arn(),
            "containerName": IMAGE,
            "containerPort": 8080,
        }],
    });
    let target = json!({
        "ServiceNamespace": "ecs",
        "ResourceId": format!("service/{cluster}/{IMAGE}"),
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": options.tasks.min(options.tasks_max),
        "MaxCapacity": options.tasks_max,
    });
    let ecs = services.ecs.as_ref();
    call(ecs, "CreateCluster", &json!({ "clusterName": cluster })).await?;
    call(ecs, "RegisterTaskDefinition", &definition).await?;
    call(ecs, "CreateService", &service).await?;
    call(services.autoscaling.as_ref(), "RegisterScalableTarget", &target).await
}

async fn call(service: &dyn Service, operation: &str, input: &Value) -> anyhow::Result<()> {
    match service.call(operation, Input::of(input)).await {
        Ok(_) => Ok(()),
        Err(refusal) => Err(anyhow!("{operation}: {refusal:?}")),
    }
}
