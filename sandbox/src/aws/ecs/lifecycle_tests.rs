//! A table of every transition, then the story of a whole life.

use super::*;
use crate::aws::ecs::state::Container;
use crate::aws::machines::TaskExit;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time in range")
}

fn task(phase: Phase, age_milliseconds: i64) -> Task {
    Task {
        id: "0".repeat(32),
        cluster: "c".into(),
        group: "service:s".into(),
        started_by: "ecs-svc/1".into(),
        definition: "f:1".into(),
        container: Container::default(),
        cpu: 256,
        memory_mib: 512,
        zone: "sa-east-1a".into(),
        balanced: true,
        phase,
        since: now() - TimeDelta::milliseconds(age_milliseconds),
        created_at: now(),
        started_at: None,
        healthy_at: None,
        stopping_at: None,
        stopped_at: None,
        start_error: None,
        stop: None,
        exit_code: None,
        port: None,
    }
}

fn stopped(mut task: Task) -> Task {
    task.stop = Some(Stop { code: "UserInitiated", reason: "asked".into() });
    task
}

fn running(port: Option<u16>) -> Option<TaskProcess> {
    Some(TaskProcess::Running { port, pid: 1 })
}

#[test]
fn every_transition_waits_for_its_condition() {
    use Effect::{Deregister, Forget, Register, Start, Terminate};
    use Phase::{
        Activating, Deactivating, Deprovisioning, Pending, Provisioning, Running, Stopped, Stopping,
    };
    let exited = Some(TaskProcess::Exited(TaskExit::Code(1)));
    let up = running(Some(9));
    let healthy = Some(TargetState::Healthy);
    let draining = Some(TargetState::Draining);
    let t = task;
    let rows = [
        (t(Provisioning, 999), None, None, None),
        (t(Provisioning, 1_000), None, None, Some((Pending, vec![]))),
        (t(Pending, 1_499), None, None, None),
        (t(Pending, 1_500), None, None, Some((Activating, vec![Start]))),
        (t(Activating, 400), up.clone(), None, None),
        (t(Activating, 500), running(None), None, None),
        (t(Activating, 500), up.clone(), None, Some((Running, vec![Register(9)]))),
        (t(Running, 500), up.clone(), healthy, None),
        (t(Running, 0), exited.clone(), None, Some((Deprovisioning, vec![]))),
        (stopped(t(Pending, 0)), None, None, Some((Deprovisioning, vec![]))),
        (stopped(t(Running, 0)), up.clone(), healthy, Some((Deactivating, vec![Deregister(9)]))),
        (stopped(t(Running, 0)), up.clone(), None, Some((Stopping, vec![Terminate]))),
        (stopped(t(Deactivating, 9_000)), up.clone(), draining, None),
        (stopped(t(Deactivating, 9_000)), up.clone(), None, Some((Stopping, vec![Terminate]))),
        (stopped(t(Deactivating, 0)), exited.clone(), draining, Some((Deprovisioning, vec![]))),
        (stopped(t(Stopping, 0)), up, None, None),
        (stopped(t(Stopping, 0)), exited.clone(), None, Some((Deprovisioning, vec![]))),
        (stopped(t(Deprovisioning, 499)), exited.clone(), None, None),
        (stopped(t(Deprovisioning, 500)), exited, None, Some((Stopped, vec![Forget]))),
        (stopped(t(Stopped, 9_000)), None, None, None),
    ];
    for (task, process, target, want) in rows {
        let seen = Seen { process, target };
        let got = next(&task, &seen, &Timing::default(), now());
        assert_eq!(got, want, "{:?} {seen:?}", task.phase);
    }
}

#[test]
fn a_crashed_task_leaves_the_load_balancer_at_once() {
    let mut task = task(Phase::Running, 0);
    task.port = Some(9);
    let process = Some(TaskProcess::Exited(TaskExit::Signal(9)));
    let seen = Seen { process, target: Some(TargetState::Healthy) };
    let timing = Timing::default();
    let step = next(&task, &seen, &timing, now());
    assert_eq!(step, Some((Phase::Deprovisioning, vec![Effect::Deregister(9)])));
    let stop = failure(&task, &seen, &timing, now()).unwrap();
    assert_eq!(stop.code, "EssentialContainerExited");
}

#[test]
fn a_process_without_a_port_is_given_up_after_the_limit() {
    let seen = Seen { process: running(None), target: None };
    let timing = Timing::default();
    let young = task(Phase::Activating, 59_999);
    assert_eq!(failure(&young, &seen, &timing, now()), None);
    let old = task(Phase::Activating, 60_000);
    assert_eq!(failure(&old, &seen, &timing, now()).unwrap().code, "TaskFailedToStart");
    let refused = Task { start_error: Some("no such image".into()), ..young };
    assert_eq!(failure(&refused, &seen, &timing, now()).unwrap().reason, "no such image");
}
