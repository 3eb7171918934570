//! The services that have machines behind them, built together and run together.
//!
//! CloudWatch, SNS, STS and Cost Explorer have no machines and are added to the endpoint by
//! whoever starts the region.

use super::autoscaling::AutoScaling;
use super::cloudwatch::CloudWatch;
use super::ecs::{self, Ecs};
use super::elasticache::ElastiCache;
use super::elbv2::Elbv2;
use super::failover::{self, Supervisor};
use super::machines::{Brokers, Group, Targets, Tasks};
use super::metric::{Publisher, publish};
use super::msk::{self, Msk};
use super::rds::Rds;
use super::wire::Endpoint;
use super::{Clock, Region};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything that acts.
#[derive(Clone)]
pub struct Machines {
    pub tasks: Arc<dyn Tasks>,
    pub targets: Arc<dyn Targets>,
    pub database: Arc<dyn Group>,
    pub cache: Arc<dyn Group>,
    pub brokers: Arc<dyn Brokers>,
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    pub tasks: ecs::Timing,
    pub database: failover::Timing,
    pub cache: failover::Timing,
    pub brokers: msk::Timing,
    /// How long a target drains; whole seconds.
    pub deregistration_delay: Duration,
}

impl Default for Timings {
    fn default() -> Timings {
        Timings {
            tasks: ecs::Timing::default(),
            database: failover::Timing::default(),
            cache: failover::Timing::default(),
            brokers: msk::Timing::default(),
            deregistration_delay: Duration::from_secs(5),
        }
    }
}

/// The services.
pub struct Services {
    pub ecs: Arc<Ecs>,
    pub autoscaling: Arc<AutoScaling>,
    pub elbv2: Arc<Elbv2>,
    pub rds: Arc<Rds>,
    pub elasticache: Arc<ElastiCache>,
    pub msk: Arc<Msk>,
    database: Arc<Supervisor>,
    cache: Arc<Supervisor>,
    cloudwatch: Arc<CloudWatch>,
    clock: Clock,
}

impl Services {
    /// Builds all of them. Nothing happens before [`Services::run`].
    #[must_use]
    pub fn new(
        region: &Region,
        clock: &Clock,
        timings: &Timings,
        machines: Machines,
        cloudwatch: Arc<CloudWatch>,
    ) -> Services {
        let named = || (region.clone(), Arc::clone(clock));
        let supervise = |group, timing| Arc::new(Supervisor::new(group, timing, Arc::clone(clock)));
        let drain = timings.deregistration_delay;
        let elbv2 = Arc::new(Elbv2::new(region.clone(), clock, machines.targets, drain));
        let (a, c) = named();
        let ecs = Arc::new(Ecs::new(a, timings.tasks, c, machines.tasks, Arc::clone(&elbv2)));
        let (a, c) = named();
        let metrics: Arc<CloudWatch> = Arc::clone(&cloudwatch);
        let autoscaling = Arc::new(AutoScaling::new(a, c, Arc::clone(&ecs), metrics));
        let database = supervise(machines.database, timings.database);
        let (a, c) = named();
        let rds = Arc::new(Rds::new(a, c, Arc::clone(&database)));
        let cache = supervise(machines.cache, timings.cache);
        let (a, c) = named();
        let elasticache = Arc::new(ElastiCache::new(a, c, Arc::clone(&cache)));
        let (a, c) = named();
        let msk = Arc::new(Msk::new(a, timings.brokers, c, machines.brokers));
        let clock = Arc::clone(clock);
        Services {
            ecs,
            autoscaling,
            elbv2,
            rds,
            elasticache,
            msk,
            database,
            cache,
            cloudwatch,
            clock,
        }
    }

    /// Adds all of them to the region's endpoint.
    #[must_use]
    pub fn serve(&self, endpoint: Endpoint) -> Endpoint {
        endpoint
            .with(Arc::<Ecs>::clone(&self.ecs))
            .with(Arc::<AutoScaling>::clone(&self.autoscaling))
            .with(Arc::<Elbv2>::clone(&self.elbv2))
            .with(Arc::<Rds>::clone(&self.rds))
            .with(Arc::<ElastiCache>::clone(&self.elasticache))
            .with(Arc::<Msk>::clone(&self.msk))
    }

    /// Looks once at every machine, so that the first answers already show them.
    pub async fn look(&self) {
        tokio::join!(self.database.pass(), self.cache.pass(), self.msk.pass());
    }

    /// Runs every loop on `tasks` until `stop`: schedulers, supervisors, metrics.
    pub fn run(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        tasks.spawn(Arc::clone(&self.ecs).run(stop.clone()));
        tasks.spawn(Arc::clone(&self.database).run(stop.clone()));
        tasks.spawn(Arc::clone(&self.cache).run(stop.clone()));
        tasks.spawn(Arc::clone(&self.msk).run(stop.clone()));
        let (scaling, until) = (Arc::clone(&self.autoscaling), stop.clone());
        tasks.spawn(async move { scaling.run(&until).await });
        let publishers: [Arc<dyn Publisher>; 5] = [
            Arc::<Ecs>::clone(&self.ecs),
            Arc::<Elbv2>::clone(&self.elbv2),
            Arc::<Rds>::clone(&self.rds),
            Arc::<ElastiCache>::clone(&self.elasticache),
            Arc::<Msk>::clone(&self.msk),
        ];
        for publisher in publishers {
            let (metrics, clock) = (Arc::<CloudWatch>::clone(&self.cloudwatch), &self.clock);
            tasks.spawn(publish(publisher, metrics, Arc::clone(clock), stop.clone()));
        }
    }
}
