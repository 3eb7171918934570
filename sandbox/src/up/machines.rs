//! The real things of a region: servers, tasks and the balancer, started together.

use crate::aws::machines::{Group, Member, Role};
use crate::aws::{Clock, Region, services};
use crate::balancer::{self, Balancer};
use crate::data::kafka::Brokers;
use crate::data::{mariadb, redis};
use crate::manifest::Process;
use crate::task::Fargate;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Buffer pool of each database server: the demonstration's working set with room to spare.
const DATABASE_MEMORY_MIB: u32 = 256;

/// The secret among what the platform gives to tasks.
pub(super) const DATABASE_SECRET: &str = "WALLET_DB_PASSWORD";

/// What ECS gives a task before it kills it.
const TASK_GRACE: Duration = Duration::from_secs(30);

/// Everything that runs.
pub(super) struct Machines {
    pub(super) database: Arc<mariadb::Cluster>,
    pub(super) cache: Arc<redis::Replication>,
    pub(super) brokers: Arc<Brokers>,
    pub(super) balancer: Arc<Balancer>,
    pub(super) tasks: Arc<Fargate>,
}

impl Machines {
    /// Starts the servers and the balancer; tasks are started by the services.
    ///
    /// # Errors
    ///
    /// A server that does not start.
    pub(super) async fn start(
        region: &Region,
        dir: &Path,
        clock: &Clock,
        platform: BTreeMap<String, String>,
    ) -> anyhow::Result<Machines> {
        let data = dir.join("data");
        let name = format!("wallet-{}", region.environment);
        let numbered = |width: usize| {
            let zones = region.zones().into_iter().zip(1..);
            zones.map(|(zone, n)| (format!("{name}-{n:0width$}"), zone)).collect()
        };
        let database = mariadb::Cluster::start(mariadb::Settings {
            dir: data.join("aurora"),
            members: numbered(1),
            memory_mib: DATABASE_MEMORY_MIB,
            password: platform.get(DATABASE_SECRET).cloned().unwrap_or_default(),
        });
        let cache = redis::Replication::start(redis::Settings {
            dir: data.join("elasticache"),
            members: numbered(3),
        });
        let zones = region.zones();
        let msk = data.join("msk");
        let brokers = async { Ok(Brokers::start_in(&msk, &zones).await?) };
        let balancer = balancer::Settings::new(Arc::clone(clock));
        let balancer = async { Ok(Balancer::start(balancer).await?) };
        let (database, cache, brokers, balancer) =
            tokio::try_join!(database, cache, brokers, balancer)?;
        Ok(Machines {
            database: Arc::new(database),
            cache: Arc::new(cache),
            brokers: Arc::new(brokers),
            balancer: Arc::new(balancer),
            tasks: Arc::new(Fargate::new(dir.join("logs"), platform)),
        })
    }

    /// As the services want them.
    pub(super) fn actuators(&self) -> services::Machines {
        services::Machines {
            tasks: Arc::<Fargate>::clone(&self.tasks),
            targets: Arc::<Balancer>::clone(&self.balancer),
            database: Arc::<mariadb::Cluster>::clone(&self.database),
            cache: Arc::<redis::Replication>::clone(&self.cache),
            brokers: Arc::<Brokers>::clone(&self.brokers),
        }
    }

    /// Who lives.
    pub(super) async fn processes(&self) -> Vec<Process> {
        let process = |role: &str, id: String, pid| Process { role: role.to_owned(), id, pid };
        let mut all = vec![process("sandbox", "sandbox up".into(), std::process::id())];
        let members = |members: Vec<Member>, pids: BTreeMap<String, u32>, names: [&str; 2]| {
            let named = members.into_iter().filter_map(move |member| {
                let role = names[usize::from(member.role == Role::Reader)];
                Some(process(role, member.id.clone(), *pids.get(&member.id)?))
            });
            named.collect::<Vec<_>>()
        };
        let (database, cache) = (self.database.members().await, self.cache.members().await);
        all.extend(members(database, self.database.pids(), ["writer", "reader"]));
        all.extend(members(cache, self.cache.pids(), ["primary", "replica"]));
        all.extend(self.brokers.pid().map(|pid| process("brokers", "kafkad".into(), pid)));
        all.extend(self.tasks.pids().into_iter().map(|(id, pid)| process("task", id, pid)));
        all
    }

    /// Ends the tasks, which still need everything else, and then the servers.
    pub(super) async fn stop(&self) {
        self.tasks.stop(TASK_GRACE).await;
        tokio::join!(self.brokers.stop(), self.cache.stop(), self.database.stop());
    }
}
