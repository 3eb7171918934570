//! Fargate on one machine: a task is a process of one of our own binaries.
//!
//! The image is the name of the binary beside this one. CPU is reserved in name only: a task may
//! use more than its share of the core, and its utilisation then says more than 100.

use crate::aws::machines::{Done, TaskExit, TaskProcess, TaskSpec, TaskUsage, Tasks};
use crate::child::{Child, Exit, Program};
use crate::process::Sampler;
use crate::{port, program};
use anyhow::Context;
use futures::FutureExt;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// What a container of ours runs when its definition names no command.
const COMMAND: &str = "serve";

/// Units of a whole core.
const UNITS_PER_CORE: f64 = 1_024.0;

/// A task that was started and not forgotten.
#[derive(Debug)]
struct Task {
    child: Arc<Child>,
    port: u16,
    cpu: u32,
    memory_mib: u32,
    sampler: Sampler,
}

/// Every task. Dropping it kills their processes.
#[derive(Debug)]
pub struct Fargate {
    /// Receives a log file per task.
    logs: PathBuf,
    /// What the platform adds to each task: its role's credentials, region and secrets.
    platform: BTreeMap<String, String>,
    tasks: Mutex<BTreeMap<String, Task>>,
    stops: TaskTracker,
}

impl Fargate {
    /// A platform without tasks. `logs` must exist.
    #[must_use]
    pub fn new(logs: PathBuf, platform: BTreeMap<String, String>) -> Fargate {
        Fargate { logs, platform, tasks: Mutex::default(), stops: TaskTracker::new() }
    }

    /// The process ids of running tasks, by task id.
    #[must_use]
    pub fn pids(&self) -> BTreeMap<String, u32> {
        let tasks = self.tasks();
        let running = tasks.iter().filter(|(_, task)| task.child.exited().is_none());
        running.map(|(id, task)| (id.clone(), task.child.pid())).collect()
    }

    /// Ends every task, all at once, and waits for their ends.
    pub async fn stop(&self, grace: Duration) {
        let children: Vec<_> = self.tasks().values().map(|task| Arc::clone(&task.child)).collect();
        let stops = children.iter().map(|child| child.stop(grace).boxed());
        futures::future::join_all(stops).await;
        self.stops.close();
        self.stops.wait().await;
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<String, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn launch(&self, spec: &TaskSpec) -> anyhow::Result<()> {
        let port = port::free().context("finding a port for the task")?;
        let log = self.logs.join(format!("{}-{}.log", spec.image, spec.id));
        let mut program = Program::new(program::ours(&spec.image)?, log);
        program.arguments = match spec.command.as_slice() {
            [] => vec![COMMAND.to_owned()],
            command => command.to_vec(),
        };
        program.environment.extend(self.platform.clone());
        program.environment.extend(spec.environment.clone());
        program.environment.insert("WALLET_LISTEN".into(), port::address(port).to_string());
        program.environment.insert("WALLET_TASK_ID".into(), spec.id.clone());
        let task = Task {
            child: Arc::new(Child::start(&program)?),
            port,
            cpu: spec.cpu,
            memory_mib: spec.memory_mib,
            sampler: Sampler::default(),
        };
        self.tasks().insert(spec.id.clone(), task);
        Ok(())
    }
}

impl Tasks for Fargate {
    fn start(&self, spec: TaskSpec) -> Done<'_> {
        std::future::ready(self.launch(&spec)).boxed()
    }

    fn terminate(&self, id: &str, grace: Duration) {
        let Some(child) = self.tasks().get(id).map(|task| Arc::clone(&task.child)) else { return };
        self.stops.spawn(async move { child.stop(grace).await });
    }

    fn processes(&self) -> BTreeMap<String, TaskProcess> {
        let seen = |task: &Task| match task.child.exited() {
            None => TaskProcess::Running { port: Some(task.port), pid: task.child.pid() },
            Some(Exit::Code(code)) => TaskProcess::Exited(TaskExit::Code(code)),
            Some(Exit::Signal(signal)) => TaskProcess::Exited(TaskExit::Signal(signal)),
        };
        self.tasks().iter().map(|(id, task)| (id.clone(), seen(task))).collect()
    }

    fn forget(&self, id: &str) {
        let mut tasks = self.tasks();
        if tasks.get(id).is_some_and(|task| task.child.exited().is_some()) {
            tasks.remove(id);
        }
    }

    fn usage(&self) -> BTreeMap<String, TaskUsage> {
        let now = Instant::now();
        let mut tasks = self.tasks();
        let used = tasks.iter_mut().filter_map(|(id, task)| {
            let used = task.sampler.sample(task.child.pid(), now)?;
            // Megabytes of one process: far below the 2^53 up to which a float is exact.
            let resident_mib = f64::from(u32::try_from(used.resident_bytes >> 10).ok()?) / 1_024.0;
            Some((
                id.clone(),
                TaskUsage {
                    cpu_percent: used.cpu_percent * UNITS_PER_CORE / f64::from(task.cpu.max(1)),
                    memory_percent: resident_mib / f64::from(task.memory_mib.max(1)) * 100.0,
                },
            ))
        });
        used.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fargate(dir: &tempfile::TempDir) -> Fargate {
        Fargate::new(dir.path().to_owned(), BTreeMap::new())
    }

    #[tokio::test]
    async fn a_task_whose_image_was_not_built_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let spec = TaskSpec {
            id: "0".repeat(32),
            zone: "z".into(),
            image: "no-such-image".into(),
            command: vec![],
            environment: BTreeMap::new(),
            cpu: 256,
            memory_mib: 512,
        };
        let fargate = fargate(&dir);
        let error = fargate.start(spec).await.unwrap_err().to_string();
        assert!(error.contains("no-such-image"), "{error}");
        assert!(fargate.processes().is_empty());
    }

    #[tokio::test]
    async fn use_is_measured_against_what_was_reserved_and_an_end_is_kept_until_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let fargate = fargate(&dir);
        let program =
            Program::new("/bin/sh", dir.path().join("log")).args(["-c", "while :; do :; done"]);
        let child = Arc::new(Child::start(&program).unwrap());
        let task = Task { child, port: 1, cpu: 1, memory_mib: 512, sampler: Sampler::default() };
        fargate.tasks().insert("t".into(), task);
        assert!(fargate.usage().is_empty(), "the first reading has nothing to compare with");
        crate::poll::until("the loop has used a tick", Duration::from_secs(60), || async {
            let used = fargate.usage().get("t").copied()?;
            // A thousandth of a core is reserved, so any use at all is above all of it.
            (used.cpu_percent > 100.0 && used.memory_percent > 0.0).then_some(())
        })
        .await
        .unwrap();
        fargate.forget("t");
        assert!(matches!(fargate.processes()["t"], TaskProcess::Running { .. }));
        fargate.terminate("t", Duration::from_secs(60));
        fargate.stop(Duration::from_secs(60)).await;
        assert_eq!(fargate.processes()["t"], TaskProcess::Exited(TaskExit::Signal(15)));
        fargate.forget("t");
        assert!(fargate.processes().is_empty());
    }
}
