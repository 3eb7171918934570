//! A standing region: machines, services and the endpoint they are asked at.

use super::machines::{DATABASE_SECRET, Machines};
use super::{Options, keys, wallet};
use crate::aws::cloudwatch::{CloudWatch, Notice};
use crate::aws::costexplorer::CostExplorer;
use crate::aws::machines::{Group, TargetState, Targets};
use crate::aws::services::{Services, Timings};
use crate::aws::sns::Sns;
use crate::aws::sts::Sts;
use crate::aws::wire::Endpoint;
use crate::aws::{self, Clock};
use crate::manifest::Manifest;
use crate::{poll, port};
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Secret of the one access key. Signatures are not checked, so it keeps no secret.
const SECRET_ACCESS_KEY: &str = "sandbox";

const TOPIC: &str = "wallet.events";

/// The first tasks of a debug build, started together on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// Loops end within one of their periods, and a metric that is being sent is not worth waiting.
const LOOPS_LIMIT: Duration = Duration::from_secs(10);

/// Everything between `sandbox up` and its end. Dropping it kills every process.
pub(super) struct Region {
    machines: Machines,
    manifest: Manifest,
    loops: TaskTracker,
    loops_stop: CancellationToken,
    endpoint_stop: CancellationToken,
}

impl Region {
    /// Starts everything, and waits until the load balancer finds every task healthy.
    ///
    /// # Errors
    ///
    /// A part that does not start, named.
    pub(super) async fn start(
        options: &Options,
        dir: &Path,
        clock: Clock,
    ) -> anyhow::Result<Region> {
        let named = aws::Region { environment: options.environment.clone(), ..Default::default() };
        let keys = keys::generate(&dir.join("keys"), clock())?;
        let (endpoint_port, endpoint_listener) = port::listen()?;
        let mut manifest = Manifest {
            environment: named.environment.clone(),
            region: named.name.clone(),
            aws_endpoint: format!("http://127.0.0.1:{endpoint_port}"),
            aws_access_key_id: named.access_key.clone(),
            aws_secret_access_key: SECRET_ACCESS_KEY.to_owned(),
            wallet_url: String::new(),
            database_writer_port: 0,
            database_reader_port: 0,
            database_user: "wallet".to_owned(),
            database_password: crate::data::password(),
            redis_port: 0,
            redis_reader_port: 0,
            kafka_bootstrap: String::new(),
            kafka_topic: TOPIC.to_owned(),
            jwks_file: keys.jwks_file,
            signing_key_file: keys.signing_key_file,
            jwt_issuer: keys::ISSUER.to_owned(),
            jwt_audience: keys::AUDIENCE.to_owned(),
            operator_token_file: keys.operator_token_file,
            processes: Vec::new(),
        };
        let platform = platform(&manifest);
        let machines = Machines::start(&named, dir, &clock, platform.clone()).await?;
        manifest.wallet_url = format!("http://127.0.0.1:{}", machines.balancer.listener_port());
        manifest.database_writer_port = machines.database.writer_port();
        manifest.database_reader_port = machines.database.reader_port();
        manifest.redis_port = machines.cache.writer_port();
        manifest.redis_reader_port = machines.cache.reader_port();
        manifest.kafka_bootstrap.clone_from(&machines.brokers.bootstrap);
        let environment = wallet::environment(&manifest);
        wallet::migrate(dir, &platform, &environment).await.context("migrating the schema")?;
        let region = Region {
            machines,
            manifest,
            loops: TaskTracker::new(),
            loops_stop: CancellationToken::new(),
            endpoint_stop: CancellationToken::new(),
        };
        let services = region.serve(&named, options, &clock, endpoint_listener).await?;
        wallet::register(&services, &named, options, &environment).await?;
        services.look().await;
        services.run(&region.loops, &region.loops_stop);
        region.healthy(options.tasks, dir).await?;
        Ok(region)
    }

    /// Builds the services and answers for them on `listener`.
    async fn serve(
        &self,
        named: &aws::Region,
        options: &Options,
        clock: &Clock,
        listener: std::net::TcpListener,
    ) -> anyhow::Result<Services> {
        let given = || (named.clone(), Arc::clone(clock));
        let (a, c) = given();
        let sns = Arc::new(Sns::new(a, c));
        let (a, c) = given();
        let mailbox = Arc::clone(&sns);
        let notify = Arc::new(move |notice: Notice| {
            if let Err(refusal) = mailbox.publish(&notice.topic, &notice.subject, &notice.message) {
                tracing::warn!(topic = notice.topic, ?refusal, "an alarm could not be published");
            }
        });
        let cloudwatch = CloudWatch::new(a, options.metric_lag, c, notify);
        let cloudwatch = Arc::new(cloudwatch);
        cloudwatch
            .put_alarm(&aws::backstop::heartbeat(named))
            .map_err(|refusal| anyhow::anyhow!("putting the heartbeat's alarm: {refusal:?}"))?;
        let services = Services::new(
            named,
            clock,
            &Timings::default(),
            self.machines.actuators(),
            Arc::clone(&cloudwatch),
        );
        let (a, c) = given();
        let endpoint = services
            .serve(Endpoint::new(named.clone()))
            .with(Arc::<CloudWatch>::clone(&cloudwatch))
            .with(Arc::<Sns>::clone(&sns))
            .with(Arc::new(Sts::new(named.clone())))
            .with(Arc::new(CostExplorer::new(a, c)));
        let router = endpoint.router().merge(sns.routes());
        let listener = TcpListener::from_std(listener).context("opening the AWS endpoint")?;
        let stop = self.endpoint_stop.clone();
        let serving = async move { axum::serve(listener, router).await };
        self.loops.spawn(stop.run_until_cancelled_owned(serving));
        self.loops.spawn(cloudwatch.run_alarms(self.loops_stop.clone()));
        Ok(services)
    }

    async fn healthy(&self, tasks: u32, dir: &Path) -> anyhow::Result<()> {
        let wanted = usize::try_from(tasks).unwrap_or(usize::MAX);
        poll::until("the balancer finds every task healthy", READY_LIMIT, || async {
            let health = self.machines.balancer.health();
            let healthy = health.iter().filter(|target| target.state == TargetState::Healthy);
            (healthy.count() >= wanted).then_some(())
        })
        .await
        .with_context(|| format!("see {}", dir.join("logs").display()))
    }

    /// Where everything is, and who lives now.
    pub(super) async fn manifest(&self) -> Manifest {
        Manifest { processes: self.machines.processes().await, ..self.manifest.clone() }
    }

    /// Ends everything in order: who decides, who works, who is asked.
    pub(super) async fn stop(&mut self) {
        self.loops_stop.cancel();
        self.machines.stop().await;
        self.endpoint_stop.cancel();
        self.loops.close();
        if tokio::time::timeout(LOOPS_LIMIT, self.loops.wait()).await.is_err() {
            tracing::warn!("some loops did not end and are dropped");
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.loops_stop.cancel();
        self.endpoint_stop.cancel();
    }
}

/// What the platform adds to every task: the role's credentials and the secrets.
fn platform(manifest: &Manifest) -> BTreeMap<String, String> {
    let mut platform = manifest.aws_environment();
    platform.insert(DATABASE_SECRET.to_owned(), manifest.database_password.clone());
    platform
}
