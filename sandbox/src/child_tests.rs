//! Real processes: `sh` and `sleep`.

use super::*;
use std::time::Duration;

fn shell(script: &str, dir: &Path) -> Program {
    Program::new("/bin/sh", dir.join("log")).args(["-c", script])
}

fn alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test]
async fn exit_code_and_output_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let child = Child::start(&shell("echo out; echo err >&2; exit 7", dir.path())).unwrap();
    assert_eq!(child.wait().await, Exit::Code(7));
    assert_eq!(child.exited(), Some(Exit::Code(7)));
    assert_eq!(std::fs::read_to_string(child.log()).unwrap(), "out\nerr\n");
}

#[tokio::test]
async fn stop_asks_first_and_kills_a_deaf_child_after_the_grace() {
    let dir = tempfile::tempdir().unwrap();
    let polite = Child::start(&shell(
        "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done",
        dir.path(),
    ))
    .unwrap();
    until_logged(&polite, "up").await;
    assert_eq!(polite.stop(Duration::from_secs(20)).await, Exit::Code(3));

    let dir = tempfile::tempdir().unwrap();
    let deaf =
        Child::start(&shell("trap '' TERM; echo up; while :; do sleep 0.05; done", dir.path()))
            .unwrap();
    until_logged(&deaf, "up").await;
    assert_eq!(deaf.stop(Duration::from_millis(200)).await, Exit::Signal(9));
}

#[tokio::test]
async fn dropping_a_child_leaves_no_process_of_its_group() {
    let dir = tempfile::tempdir().unwrap();
    let child = Child::start(&shell("sleep 1000 & echo $!; wait", dir.path())).unwrap();
    let pid = child.pid();
    until_logged(&child, "\n").await;
    let grandchild: u32 = std::fs::read_to_string(child.log()).unwrap().trim().parse().unwrap();
    drop(child);
    assert!(!alive(pid));
    // Nobody here reaps the grandchild: it may be a zombie for a moment, but not a running one.
    crate::poll::until("the grandchild is gone", Duration::from_secs(20), || async {
        let stat = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z")).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_program_that_does_not_exist_ends_at_once_with_the_reason_in_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let child = Child::start(&Program::new("/no/such/program", dir.path().join("log"))).unwrap();
    assert_eq!(child.wait().await, Exit::Code(127));
    assert!(std::fs::read_to_string(child.log()).unwrap().contains("/no/such/program"));
}

async fn until_logged(child: &Child, text: &str) {
    crate::poll::until("the child says something", Duration::from_secs(20), || async {
        std::fs::read_to_string(child.log()).ok().filter(|log| log.contains(text))
    })
    .await
    .unwrap();
}
