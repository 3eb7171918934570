//! The cache's replication group: who is primary, and where the endpoint leads.

use sandbox::aws::machines::{Group, Member, Role};
use sandbox::data::redis::{Replication, Settings};
use sandbox::poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LIMIT: Duration = Duration::from_secs(60);

async fn start(dir: &tempfile::TempDir) -> Replication {
    let members = [("cache-1", "a"), ("cache-2", "b"), ("cache-3", "c")];
    Replication::start(Settings {
        dir: dir.path().to_owned(),
        members: members.map(|(id, zone)| (id.to_owned(), zone.to_owned())).into(),
    })
    .await
    .unwrap()
}

/// Sends an inline command on a connection of its own and gives the raw answer.
async fn ask(port: u16, command: &str) -> String {
    let answer = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        stream.shutdown().await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    answer.await.unwrap_or_default()
}

fn writer(members: &[Member]) -> Member {
    members.iter().find(|member| member.role == Role::Writer).unwrap().clone()
}

async fn all_up(group: &Replication) {
    let up = poll::until("every member is up", LIMIT, || async {
        group.members().await.iter().all(|member| member.up).then_some(())
    });
    up.await.unwrap();
}

#[tokio::test]
async fn a_killed_primary_is_replaced_and_comes_back_as_replica() {
    let dir = tempfile::tempdir().unwrap();
    let group = start(&dir).await;
    assert_eq!(ask(group.writer_port(), "SET k v").await, "+OK\r\n");
    let dead = writer(&group.members().await);
    group.kill(&dead.id).await.unwrap();
    let members = group.members().await;
    let up = members.iter().filter(|member| member.up).count();
    assert!(up == 2 && members.iter().any(|member| member.id == dead.id && !member.up));
    let best = members.iter().filter(|m| m.role == Role::Reader).max_by_key(|m| m.position);
    let best = best.unwrap().id.clone();
    group.promote(&best).await.unwrap();
    assert_eq!(writer(&group.members().await).id, best);
    assert_eq!(ask(group.writer_port(), "SET k w").await, "+OK\r\n");
    group.restart(&dead.id).await.unwrap();
    all_up(&group).await;
    assert_eq!(group.pids().len(), 3);
    poll::until("the old primary has the new value", LIMIT, || async {
        (ask(dead.port, "GET k").await == "$1\r\nw\r\n").then_some(())
    })
    .await
    .unwrap();
    assert!(ask(dead.port, "SET k x").await.starts_with("-READONLY"));
}

#[tokio::test]
async fn a_planned_failover_moves_the_endpoint_and_keeps_the_old_primary_as_replica() {
    let dir = tempfile::tempdir().unwrap();
    let group = start(&dir).await;
    group.switch_over("cache-3").await.unwrap();
    all_up(&group).await;
    assert_eq!(writer(&group.members().await).id, "cache-3");
    assert_eq!(ask(group.writer_port(), "SET k v").await, "+OK\r\n");
    assert!(ask(group.reader_port(), "SET k v").await.starts_with("-READONLY"));
    assert!(group.switch_over("nobody").await.is_err());
}
