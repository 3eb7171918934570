//! A whole region: it stands, it answers, and it leaves nothing, however it ends.

use nix::sys::signal::Signal;
use sandbox::manifest::Manifest;
use sandbox::{Sandbox, poll};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LIMIT: Duration = Duration::from_secs(60);

/// Whether a process runs; one that nobody has reaped yet does not.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z")
}

async fn all_gone(manifest: &Manifest) {
    let gone = poll::until("every process is gone", LIMIT, || async {
        manifest.processes.iter().all(|process| !runs(process.pid)).then_some(())
    });
    if let Err(late) = gone.await {
        let left = manifest.processes.iter().filter(|process| runs(process.pid));
        panic!("{late}: {:#?}", left.collect::<Vec<_>>());
    }
}

async fn stand(dir: &Path) -> (Sandbox, Manifest) {
    let sandbox = Sandbox::start_with(dir, &["--tasks", "2"]).await.unwrap();
    let manifest = sandbox.look().unwrap();
    let count = |role: &str| manifest.processes.iter().filter(|p| p.role == role).count();
    let roles = ["sandbox", "writer", "reader", "primary", "replica", "brokers", "task"];
    assert_eq!(roles.map(count), [1, 1, 2, 1, 2, 1, 2], "{}", manifest.roles());
    assert!(manifest.processes.iter().all(|process| runs(process.pid)));
    (sandbox, manifest)
}

#[tokio::test]
async fn a_region_serves_and_an_orderly_end_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (sandbox, manifest) = stand(dir.path()).await;
    let address = manifest.wallet_url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    sandbox.stop().await;
    all_gone(&manifest).await;
    assert_eq!(Manifest::read(dir.path()).unwrap(), None);
}

#[tokio::test]
async fn a_region_that_is_killed_takes_every_process_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (sandbox, manifest) = stand(dir.path()).await;
    sandbox.child().signal(Signal::SIGKILL);
    all_gone(&manifest).await;
    // Its folder can be used again at once.
    drop(sandbox);
    let (again, manifest) = stand(dir.path()).await;
    drop(again);
    all_gone(&manifest).await;
}
