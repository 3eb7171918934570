//! Stories of whole services: passes over a world in which processes and targets do as told.

use super::*;
use crate::aws::ecs::state::{Cluster, Container, Definition, Limits, LoadBalancer, Rollout};
use crate::aws::machines::TaskExit;
use serde_json::Value;
use std::collections::VecDeque;

/// A world that starts and stops processes at once, and whose targets are healthy when told.
struct Stage {
    state: State,
    now: DateTime<Utc>,
    processes: BTreeMap<String, TaskProcess>,
    targets: Vec<TargetHealth>,
    port_next: u16,
    /// What becomes of a registered target.
    health: TargetState,
    /// What becomes of a started process: it runs, or ends like this.
    dies: Option<TaskExit>,
}

const BREAKER: Limits = Limits {
    minimum_healthy_percent: 100,
    maximum_percent: 200,
    circuit_breaker: true,
    rollback: true,
};

impl Stage {
    fn new(desired: u32) -> Stage {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time in range");
        let mut state = State::default();
        state.clusters.insert("c".into(), Cluster { name: "c".into() });
        for revision in 1..=2 {
            state.families.entry("f".into()).or_default().push(Definition {
                family: "f".into(),
                revision,
                document: Value::Null,
                container: Container::default(),
                cpu: 256,
                memory_mib: 512,
            });
        }
        let service = Service {
            cluster: "c".into(),
            name: "s".into(),
            status: ServiceStatus::Active,
            desired,
            limits: BREAKER,
            health_check_grace_seconds: 0,
            load_balancer: Some(LoadBalancer {
                target_group_arn: "group".into(),
                container_name: "n".into(),
                container_port: 0,
            }),
            deployments: vec![rollout::begin("f:1", now)],
            events: VecDeque::new(),
            created_at: now,
            steady: false,
        };
        state.services.insert(("c".into(), "s".into()), service);
        let (processes, targets) = (BTreeMap::new(), Vec::new());
        let health = TargetState::Healthy;
        Stage { state, now, processes, targets, port_next: 1, health, dies: None }
    }

    fn service(&mut self) -> &mut Service {
        self.state.services.get_mut(&("c".into(), "s".into())).expect("made above")
    }

    /// Passes five times a second for so many seconds.
    fn run(&mut self, seconds: i64) {
        let zones = ["a", "b", "c"].map(String::from);
        for _ in 0..seconds * 5 {
            self.now += TimeDelta::milliseconds(200);
            let world = World {
                processes: &self.processes,
                targets: &self.targets,
                zones: &zones,
                timing: &Timing::default(),
                now: self.now,
            };
            for (id, effect) in pass(&mut self.state, &world) {
                self.act(&id, effect);
            }
        }
    }

    fn act(&mut self, id: &str, effect: Effect) {
        match effect {
            Effect::Start => {
                let port = Some(self.port_next);
                self.port_next += 1;
                let running = TaskProcess::Running { port, pid: 1 };
                let process = self.dies.map_or(running, TaskProcess::Exited);
                self.processes.insert(id.to_owned(), process);
            }
            Effect::Register(port) => self.targets.push(TargetHealth {
                port,
                zone: String::new(),
                state: self.health,
                last_failure: None,
            }),
            Effect::Deregister(port) => self.targets.retain(|target| target.port != port),
            Effect::Terminate => self.exit(id, TaskExit::Code(0)),
            Effect::Forget => {
                self.processes.remove(id);
            }
        }
    }

    fn exit(&mut self, id: &str, exit: TaskExit) {
        self.processes.insert(id.to_owned(), TaskProcess::Exited(exit));
    }

    fn running(&self) -> Vec<&Task> {
        self.state.tasks.values().filter(|task| task.phase == Phase::Running).collect()
    }

    fn heard(&mut self, words: &str) -> bool {
        self.service().events.iter().any(|event| event.message.contains(words))
    }
}

#[test]
fn a_service_spreads_its_tasks_and_reports_a_steady_state() {
    let mut stage = Stage::new(3);
    stage.run(5);
    let zones: Vec<&str> = stage.running().iter().map(|task| task.zone.as_str()).collect();
    assert_eq!(zones.iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "{zones:?}");
    assert!(stage.heard("has started 3 tasks") && stage.heard("has reached a steady state"));
    assert_eq!(stage.service().deployments[0].rollout, Rollout::Completed);
}

#[test]
fn a_crashed_task_is_replaced_and_remembered_with_its_exit_code() {
    let mut stage = Stage::new(3);
    stage.run(5);
    let victim = stage.running()[0].id.clone();
    stage.exit(&victim, TaskExit::Signal(9));
    stage.run(6);
    assert_eq!(stage.running().len(), 3);
    let task = &stage.state.tasks[&victim];
    assert_eq!((task.phase, task.exit_code), (Phase::Stopped, Some(137)));
    assert_eq!(task.stop.as_ref().unwrap().code, "EssentialContainerExited");
    assert_eq!(stage.service().deployments[0].failed_tasks, 0, "it had been healthy");
}

#[test]
fn an_unhealthy_task_is_replaced() {
    let mut stage = Stage::new(2);
    stage.run(5);
    stage.targets[0].state = TargetState::Unhealthy;
    stage.run(8);
    assert_eq!(stage.running().len(), 2);
    assert!(stage.targets.iter().all(|target| target.state == TargetState::Healthy));
    assert!(stage.heard("is unhealthy in group"));
}

#[test]
fn a_deployment_never_has_fewer_than_the_desired_healthy_tasks() {
    let mut stage = Stage::new(3);
    stage.run(5);
    let now = stage.now;
    stage.service().deployments.insert(0, rollout::begin("f:2", now));
    for _ in 0..20 {
        stage.run(1);
        assert!(stage.running().len() >= 3, "{}", stage.running().len());
        assert!(stage.state.tasks.values().filter(|task| task.wanted()).count() <= 6);
    }
    assert!(stage.running().iter().all(|task| task.definition == "f:2"));
    assert_eq!(stage.service().deployments.len(), 1);
    assert!(stage.heard("deployment completed"));
}

#[test]
fn a_deployment_that_cannot_start_is_rolled_back() {
    let mut stage = Stage::new(2);
    stage.run(5);
    let (now, good) = (stage.now, stage.service().deployments[0].id.clone());
    stage.dies = Some(TaskExit::Code(64));
    stage.service().deployments.insert(0, rollout::begin("f:2", now));
    stage.run(30);
    assert_eq!(stage.service().deployments[0].id, good);
    assert_eq!(stage.service().deployments[0].rollout, Rollout::Completed);
    assert!(stage.heard("deployment failed: tasks failed to start"));
    assert!(stage.heard("rolling back to deploymentId"));
    assert_eq!(stage.running().len(), 2, "the old tasks were never touched");
    assert!(stage.running().iter().all(|task| task.definition == "f:1"));
}

#[test]
fn without_a_rollback_a_failed_deployment_stays_and_starts_nothing_more() {
    let mut stage = Stage::new(1);
    stage.service().limits.rollback = false;
    stage.dies = Some(TaskExit::Code(1));
    stage.run(30);
    assert_eq!(stage.service().deployments[0].rollout, Rollout::Failed);
    let tasks = stage.state.tasks.len();
    stage.run(30);
    assert_eq!(stage.state.tasks.len(), tasks);
}

#[test]
fn scaling_in_drains_before_the_process_ends() {
    let mut stage = Stage::new(3);
    stage.run(5);
    stage.service().desired = 1;
    stage.run(1);
    assert_eq!(stage.targets.len(), 1, "deregistered first");
    stage.run(3);
    let stopped: Vec<&Task> =
        stage.state.tasks.values().filter(|task| task.phase == Phase::Stopped).collect();
    assert_eq!(stopped.len(), 2);
    assert!(stopped.iter().all(|task| task.exit_code == Some(0)));
    assert!(stage.heard("has begun draining connections on 2 tasks"));
}

#[test]
fn a_deleted_service_ends_when_its_last_task_has() {
    let mut stage = Stage::new(2);
    stage.run(5);
    stage.service().status = ServiceStatus::Draining;
    stage.service().desired = 0;
    stage.run(5);
    assert_eq!(stage.service().status, ServiceStatus::Inactive);
}

#[test]
fn stopped_tasks_are_kept_for_an_hour_and_never_more_than_fifty() {
    let mut stage = Stage::new(1);
    for _ in 0..60 {
        stage.run(5);
        let id = stage.running()[0].id.clone();
        stage.exit(&id, TaskExit::Code(1));
    }
    stage.run(5);
    let stopped = |stage: &Stage| {
        stage.state.tasks.values().filter(|task| task.phase == Phase::Stopped).count()
    };
    assert_eq!(stopped(&stage), STOPPED_MAX);
    stage.now += TimeDelta::minutes(61);
    stage.run(1);
    assert_eq!(stopped(&stage), 0);
}
