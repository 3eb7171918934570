//! Machines in memory. A test sets how they are and sees what they were told.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use sandbox::aws::machines::{
    BrokerNode, Brokers, Done, Group, Member, PartitionHealth, Role, TargetHealth, TargetState,
    Targets, TaskExit, TaskProcess, TaskSpec, TaskUsage, Tasks, Traffic,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// A lock that no test poisons and goes on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder panics")
}

fn done<'a>() -> Done<'a> {
    ready(Ok(())).boxed()
}

/// Tasks that serve as soon as they are started and end as soon as they are asked.
#[derive(Default)]
pub(crate) struct TestTasks {
    pub(crate) processes: Mutex<BTreeMap<String, TaskProcess>>,
    pub(crate) started: Mutex<Vec<TaskSpec>>,
    /// CPU of every task, in percent of what it reserved.
    pub(crate) cpu_percent: Mutex<f64>,
}

impl TestTasks {
    /// Ends a process as a crash does.
    pub(crate) fn crash(&self, id: &str, exit: TaskExit) {
        lock(&self.processes).insert(id.to_owned(), TaskProcess::Exited(exit));
    }
}

impl Tasks for TestTasks {
    fn start(&self, spec: TaskSpec) -> Done<'_> {
        if spec.image == "missing" {
            return ready(Err(anyhow::anyhow!("there is no image missing"))).boxed();
        }
        let mut started = lock(&self.started);
        let port = 20_000 + u16::try_from(started.len()).expect("few tasks");
        let running = TaskProcess::Running { port: Some(port), pid: 1 };
        lock(&self.processes).insert(spec.id.clone(), running);
        started.push(spec);
        done()
    }

    fn terminate(&self, id: &str, _grace: Duration) {
        self.crash(id, TaskExit::Code(0));
    }

    fn processes(&self) -> BTreeMap<String, TaskProcess> {
        lock(&self.processes).clone()
    }

    fn forget(&self, id: &str) {
        lock(&self.processes).remove(id);
    }

    fn usage(&self) -> BTreeMap<String, TaskUsage> {
        let usage = TaskUsage { cpu_percent: *lock(&self.cpu_percent), memory_percent: 10.0 };
        lock(&self.processes).keys().map(|id| (id.clone(), usage)).collect()
    }
}

/// Targets that are healthy at once, and drain until the test says that they are empty.
#[derive(Default)]
pub(crate) struct TestTargets {
    pub(crate) known: Mutex<BTreeMap<u16, TargetHealth>>,
    pub(crate) traffic: Mutex<Traffic>,
}

impl TestTargets {
    pub(crate) fn set(&self, port: u16, state: TargetState, last_failure: Option<&str>) {
        if let Some(target) = lock(&self.known).get_mut(&port) {
            target.state = state;
            target.last_failure = last_failure.map(str::to_owned);
        }
    }

    /// Draining is over.
    pub(crate) fn drained(&self) {
        lock(&self.known).retain(|_, target| target.state != TargetState::Draining);
    }
}

impl Targets for TestTargets {
    fn listener_port(&self) -> u16 {
        8_080
    }

    fn register(&self, port: u16, zone: &str) {
        let (zone, state) = (zone.to_owned(), TargetState::Healthy);
        lock(&self.known).insert(port, TargetHealth { port, zone, state, last_failure: None });
    }

    fn deregister(&self, port: u16, _delay: Duration) {
        self.set(port, TargetState::Draining, None);
    }

    fn health(&self) -> Vec<TargetHealth> {
        lock(&self.known).values().cloned().collect()
    }

    fn take_traffic(&self) -> Traffic {
        std::mem::take(&mut *lock(&self.traffic))
    }
}

/// Three servers that take and give roles at once.
pub(crate) struct TestGroup {
    pub(crate) members: Mutex<Vec<Member>>,
}

impl TestGroup {
    /// Members `NAME-1` to `NAME-3` (or `-001` to `-003`), the first one the writer.
    pub(crate) fn new(ids: [&str; 3]) -> TestGroup {
        let members = ids.into_iter().zip(["a", "b", "c"]).zip(0_u16..);
        let members = members.map(|((id, zone), index)| Member {
            id: id.to_owned(),
            zone: format!("sa-east-1{zone}"),
            role: if index == 0 { Role::Writer } else { Role::Reader },
            up: true,
            port: 3_001 + index,
            lag_ms: (index > 0).then_some(12.0),
            position: 100,
            connections: Some(5),
            cpu_percent: Some(20.0),
        });
        TestGroup { members: Mutex::new(members.collect()) }
    }

    pub(crate) fn set_up(&self, id: &str, up: bool) {
        for member in lock(&self.members).iter_mut().filter(|member| member.id == id) {
            member.up = up;
        }
    }
}

impl Group for TestGroup {
    fn members(&self) -> BoxFuture<'_, Vec<Member>> {
        ready(lock(&self.members).clone()).boxed()
    }

    fn writer_port(&self) -> u16 {
        3_306
    }

    fn reader_port(&self) -> u16 {
        3_307
    }

    fn switch_over<'a>(&'a self, target: &'a str) -> Done<'a> {
        for member in lock(&self.members).iter_mut() {
            member.role = if member.id == target { Role::Writer } else { Role::Reader };
        }
        done()
    }

    fn promote<'a>(&'a self, target: &'a str) -> Done<'a> {
        self.switch_over(target)
    }

    fn restart<'a>(&'a self, id: &'a str) -> Done<'a> {
        self.set_up(id, true);
        done()
    }

    fn kill<'a>(&'a self, id: &'a str) -> Done<'a> {
        self.set_up(id, false);
        done()
    }
}

/// Three brokers that restart at once.
pub(crate) struct TestBrokers {
    pub(crate) nodes: Mutex<Vec<BrokerNode>>,
}

impl TestBrokers {
    pub(crate) fn new() -> TestBrokers {
        let nodes = [(1, "a"), (2, "b"), (3, "c")].map(|(id, zone)| BrokerNode {
            id,
            zone: format!("sa-east-1{zone}"),
            port: 9_090 + u16::try_from(id).expect("small"),
            up: true,
        });
        TestBrokers { nodes: Mutex::new(nodes.to_vec()) }
    }
}

impl Brokers for TestBrokers {
    fn nodes(&self) -> BoxFuture<'_, Vec<BrokerNode>> {
        ready(lock(&self.nodes).clone()).boxed()
    }

    fn partitions(&self) -> BoxFuture<'_, Option<PartitionHealth>> {
        let health = PartitionHealth { active_controllers: 1, offline: 0, under_replicated: 2 };
        ready(Some(health)).boxed()
    }

    fn restart(&self, id: i32) -> Done<'_> {
        for node in lock(&self.nodes).iter_mut().filter(|node| node.id == id) {
            node.up = true;
        }
        done()
    }
}
