//! A region on a port of its own, with machines in memory and a clock that the test moves.

use crate::machines::{TestBrokers, TestGroup, TestTargets, TestTasks};
use aws_config::{BehaviorVersion, SdkConfig};
use chrono::{DateTime, TimeDelta, Utc};
use sandbox::aws::cloudwatch::CloudWatch;
use sandbox::aws::services::{Machines, Services, Timings};
use sandbox::aws::wire::Endpoint;
use sandbox::aws::{Clock, Region};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub(crate) const SERVICE_RESOURCE: &str = "service/wallet-local/wallet-svc";

pub(crate) struct Stage {
    pub(crate) tasks: Arc<TestTasks>,
    pub(crate) targets: Arc<TestTargets>,
    pub(crate) database: Arc<TestGroup>,
    pub(crate) cache: Arc<TestGroup>,
    pub(crate) brokers: Arc<TestBrokers>,
    pub(crate) services: Services,
    pub(crate) cloudwatch: Arc<CloudWatch>,
    /// For clients of every service.
    pub(crate) sdk: SdkConfig,
    now: Arc<Mutex<DateTime<Utc>>>,
    _stop: DropGuard,
}

impl Stage {
    /// A region in which every machine was looked at once.
    pub(crate) async fn start() -> Stage {
        let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time in range");
        let now = Arc::new(Mutex::new(start));
        let clock: Clock = {
            let now = Arc::clone(&now);
            Arc::new(move || *now.lock().expect("no holder panics"))
        };
        let region = Region::default();
        let tasks = Arc::new(TestTasks::default());
        let targets = Arc::new(TestTargets::default());
        let database =
            Arc::new(TestGroup::new(["wallet-local-1", "wallet-local-2", "wallet-local-3"]));
        let cache =
            Arc::new(TestGroup::new(["wallet-local-001", "wallet-local-002", "wallet-local-003"]));
        let brokers = Arc::new(TestBrokers::new());
        let machines = Machines {
            tasks: Arc::<TestTasks>::clone(&tasks),
            targets: Arc::<TestTargets>::clone(&targets),
            database: Arc::<TestGroup>::clone(&database),
            cache: Arc::<TestGroup>::clone(&cache),
            brokers: Arc::<TestBrokers>::clone(&brokers),
        };
        let cloudwatch =
            CloudWatch::new(region.clone(), Duration::ZERO, Arc::clone(&clock), Arc::new(|_| {}));
        let cloudwatch = Arc::new(cloudwatch);
        let metrics = Arc::clone(&cloudwatch);
        let services = Services::new(&region, &clock, &Timings::default(), machines, metrics);
        services.look().await;
        let endpoint = services.serve(Endpoint::new(region));
        let (address, stop) = serve(endpoint).await;
        let sdk = sdk(&address).await;
        let _stop = stop;
        Stage { tasks, targets, database, cache, brokers, services, cloudwatch, sdk, now, _stop }
    }

    /// Lets so much time go by, with a pass of everything in each fifth of a second.
    pub(crate) async fn run(&self, milliseconds: i64) {
        for _ in 0..milliseconds / 200 {
            self.pass_time(TimeDelta::milliseconds(200));
            self.services.ecs.pass().await;
            self.services.look().await;
            self.targets.drained();
            // Restarts are tasks of their own; they end without waiting for anything.
            tokio::task::yield_now().await;
        }
    }

    /// Moves the clock and nothing else.
    pub(crate) fn pass_time(&self, time: TimeDelta) {
        *self.now.lock().expect("no holder panics") += time;
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        *self.now.lock().expect("no holder panics")
    }

    pub(crate) fn ecs(&self) -> aws_sdk_ecs::Client {
        aws_sdk_ecs::Client::new(&self.sdk)
    }

    /// The wallet's cluster, definition and service of so many tasks, running and healthy.
    pub(crate) async fn with_service(&self, desired: i32) -> aws_sdk_ecs::Client {
        let ecs = self.ecs();
        ecs.create_cluster().cluster_name("wallet-local").send().await.unwrap();
        self.register("wallet-svc").await;
        let group = self.services.elbv2.target_group_arn();
        let balancer = aws_sdk_ecs::types::LoadBalancer::builder()
            .target_group_arn(group)
            .container_name("wallet-svc")
            .container_port(8080)
            .build();
        let breaker = aws_sdk_ecs::types::DeploymentCircuitBreaker::builder()
            .enable(true)
            .rollback(true)
            .build();
        let deployment = aws_sdk_ecs::types::DeploymentConfiguration::builder()
            .deployment_circuit_breaker(breaker)
            .build();
        ecs.create_service()
            .cluster("wallet-local")
            .service_name("wallet-svc")
            .task_definition("wallet-svc")
            .desired_count(desired)
            .load_balancers(balancer)
            .deployment_configuration(deployment)
            .send()
            .await
            .unwrap();
        self.run(5_000).await;
        ecs
    }

    /// Registers the next revision of the wallet's definition, with this image.
    pub(crate) async fn register(&self, image: &str) -> String {
        let variable =
            aws_sdk_ecs::types::KeyValuePair::builder().name("WALLET_ENVIRONMENT").value("local");
        let container = aws_sdk_ecs::types::ContainerDefinition::builder()
            .name("wallet-svc")
            .image(image)
            .essential(true)
            .environment(variable.build())
            .build();
        let registered = self
            .ecs()
            .register_task_definition()
            .family("wallet-svc")
            .cpu("256")
            .memory("512")
            .container_definitions(container)
            .send()
            .await
            .unwrap();
        let definition = registered.task_definition().unwrap();
        format!("wallet-svc:{}", definition.revision())
    }
}

async fn serve(endpoint: Endpoint) -> (String, DropGuard) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let server = axum::serve(listener, endpoint.router()).into_future();
    TaskTracker::new().spawn(stop.clone().run_until_cancelled_owned(server));
    (address, stop.drop_guard())
}

async fn sdk(address: &str) -> SdkConfig {
    let key = aws_sdk_ecs::config::Credentials::new("sandbox", "sandbox", None, None, "test");
    aws_config::defaults(BehaviorVersion::latest())
        .region(aws_config::Region::new("sa-east-1"))
        .endpoint_url(address)
        .credentials_provider(key)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await
}
