//! The Kafka brokers as a child process: `sandbox kafkad`, three listeners on one durable store.

use super::{StartError, last_words};
use crate::aws::machines::{BrokerNode, Brokers as Machines, Done, PartitionHealth};
use crate::child::{Child, Exit, Program};
use crate::kafka::{self, Manifest, Status};
use crate::{poll, port, program};
use anyhow::Context;
use futures::FutureExt;
use futures::future::BoxFuture;
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// Reading a long log back takes seconds; this is for a broken one.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// How long a rebooted broker stays away.
const REBOOT_DOWN: Duration = Duration::from_secs(2);

const STOP_GRACE: Duration = Duration::from_secs(10);

/// Three running brokers. Dropping it kills the process, and removes the folder if it was a
/// temporary one.
#[derive(Debug)]
pub struct Brokers {
    /// `127.0.0.1:PORT,127.0.0.1:PORT,127.0.0.1:PORT`
    pub bootstrap: String,
    ports: Vec<u16>,
    zones: Vec<String>,
    dir: PathBuf,
    child: Mutex<Option<Arc<Child>>>,
    /// Held while the process or a broker of it starts: one at a time.
    change: tokio::sync::Mutex<()>,
    _temporary: Option<TempDir>,
}

impl Brokers {
    /// Starts brokers on free ports, with a temporary folder.
    ///
    /// # Errors
    ///
    /// The binary `sandbox` was not built beside this program, or it ends instead of answering.
    pub async fn start() -> Result<Brokers, StartError> {
        let temporary = tempfile::Builder::new().prefix("kafka-").tempdir();
        let temporary = temporary
            .map_err(|source| StartError::Folder { path: std::env::temp_dir(), source })?;
        let zones = ["a", "b", "c"].map(str::to_owned);
        let mut brokers = Brokers::start_in(temporary.path(), &zones).await?;
        brokers._temporary = Some(temporary);
        Ok(brokers)
    }

    /// Starts a broker in each zone, with everything in `dir`.
    ///
    /// # Errors
    ///
    /// As [`Brokers::start`].
    pub async fn start_in(dir: &Path, zones: &[String]) -> Result<Brokers, StartError> {
        let ports = zones.iter().map(|_| port::free()).collect::<Result<Vec<_>, _>>();
        let ports = ports.map_err(StartError::Port)?;
        let addresses: Vec<_> = ports.iter().map(|port| port::address(*port).to_string()).collect();
        let brokers = Brokers {
            bootstrap: addresses.join(","),
            ports,
            zones: zones.to_owned(),
            dir: dir.to_owned(),
            child: Mutex::default(),
            change: tokio::sync::Mutex::default(),
            _temporary: None,
        };
        brokers.launch().await?;
        Ok(brokers)
    }

    /// The process; none before the first start.
    #[must_use]
    pub fn child(&self) -> Option<Arc<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The process id, while it lives.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child().filter(|child| child.exited().is_none()).map(|child| child.pid())
    }

    /// Ends the process as a failed machine does.
    pub async fn kill(&self) {
        if let Some(child) = self.child() {
            child.signal(Signal::SIGKILL);
            child.wait().await;
        }
    }

    /// Ends the process in order.
    pub async fn stop(&self) -> Option<Exit> {
        match self.child() {
            Some(child) => Some(child.stop(STOP_GRACE).await),
            None => None,
        }
    }

    /// Starts the process on the same ports, with what was in its folder.
    ///
    /// # Errors
    ///
    /// As [`Brokers::start`].
    pub async fn launch(&self) -> Result<(), StartError> {
        let folder = |source| StartError::Folder { path: self.dir.clone(), source };
        std::fs::create_dir_all(&self.dir).map_err(folder)?;
        // A manifest of the process before would be believed.
        match std::fs::remove_file(Manifest::path(&self.dir)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(folder(error));
            }
            _ => {}
        }
        let program = Program::new(program::ours("sandbox")?, self.dir.join("kafkad.log"))
            .args(["kafkad", "--listen", &self.bootstrap, "--data"])
            .args([self.dir.display().to_string()]);
        let child = Arc::new(Child::start(&program)?);
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&child));
        let answered = poll::until("the brokers answer", READY_LIMIT, || async {
            match child.exited() {
                Some(exit) => Some(Err(exit)),
                None => self.status().await.map(|_| Ok(())),
            }
        });
        let late = |source| StartError::Late { server: "kafkad", source };
        answered.await.map_err(late)?.map_err(|exit| StartError::Ended {
            server: "kafkad",
            exit,
            words: last_words(child.log()),
        })
    }

    async fn status(&self) -> Option<Status> {
        self.pid()?;
        kafka::status(&self.dir).await.ok()
    }
}

impl Machines for Brokers {
    fn nodes(&self) -> BoxFuture<'_, Vec<BrokerNode>> {
        async {
            let status = self.status().await;
            let up = |id| {
                let brokers = status.iter().flat_map(|status| &status.brokers);
                brokers.into_iter().any(|broker| broker.id == id && broker.up)
            };
            let nodes = self.ports.iter().zip(&self.zones).zip(1..);
            nodes
                .map(|((port, zone), id)| BrokerNode {
                    id,
                    zone: zone.clone(),
                    port: *port,
                    up: up(id),
                })
                .collect()
        }
        .boxed()
    }

    fn partitions(&self) -> BoxFuture<'_, Option<PartitionHealth>> {
        async {
            let status = self.status().await?;
            let count = |partitions| u64::try_from(partitions).unwrap_or(u64::MAX);
            Some(PartitionHealth {
                // One process is the controller; it answered.
                active_controllers: 1,
                offline: count(status.offline),
                under_replicated: count(status.under_replicated),
            })
        }
        .boxed()
    }

    fn restart(&self, id: i32) -> Done<'_> {
        async move {
            let all_dead = self.pid().is_none();
            let _change = self.change.lock().await;
            if self.pid().is_none() {
                return self.launch().await.context("starting the brokers again");
            }
            if all_dead {
                // They died together, and whoever held the lock started them together.
                return Ok(());
            }
            kafka::reboot(&self.dir, id, REBOOT_DOWN).await?;
            let is = |up: bool| {
                poll::until("the broker has rebooted", READY_LIMIT, move || async move {
                    let brokers = self.status().await?.brokers;
                    brokers.iter().any(|broker| broker.id == id && broker.up == up).then_some(())
                })
            };
            is(false).await?;
            is(true).await?;
            Ok(())
        }
        .boxed()
    }
}
