//! The single servers that other crates' tests use.

use sandbox::data::{mariadb, redis};
use sqlx::{Connection, MySqlConnection};
use std::path::Path;
use std::time::Duration;

fn alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test]
async fn a_mariadb_answers_its_url_and_leaves_nothing_when_dropped() {
    let server = mariadb::Server::start(mariadb::Options::default()).await.unwrap();
    let mut db = MySqlConnection::connect(&server.url).await.unwrap();
    sqlx::raw_sql("CREATE TABLE t (n INT); INSERT INTO t VALUES (7)")
        .execute(&mut db)
        .await
        .unwrap();
    sqlx::raw_sql("CREATE DATABASE wallet_other").execute(&mut db).await.unwrap();
    let n: i32 = sqlx::query_scalar("SELECT n FROM wallet.t").fetch_one(&mut db).await.unwrap();
    assert_eq!(n, 7);
    let (pid, dir) = (server.child().pid(), server.dir().to_owned());
    assert!(alive(pid) && dir.exists() && server.socket.exists());
    drop(server);
    assert!(!alive(pid) && !dir.exists());
}

#[tokio::test]
async fn a_mariadb_keeps_its_data_and_port_over_a_restart_in_the_same_folder() {
    let dir = tempfile::tempdir().unwrap();
    let options =
        mariadb::Options { dir: Some(dir.path().into()), durable: true, ..Default::default() };
    let first = mariadb::Server::start(options.clone()).await.unwrap();
    let mut db = MySqlConnection::connect(&first.url).await.unwrap();
    sqlx::raw_sql("CREATE TABLE t (n INT); INSERT INTO t VALUES (7)")
        .execute(&mut db)
        .await
        .unwrap();
    let (port, password) = (first.port, first.password.clone());
    assert!(first.stop(Duration::from_secs(30)).await.success());
    let options = mariadb::Options { port: Some(port), password: Some(password), ..options };
    let second = mariadb::Server::start(options).await.unwrap();
    let mut db = MySqlConnection::connect(&second.url).await.unwrap();
    let n: i32 = sqlx::query_scalar("SELECT n FROM t").fetch_one(&mut db).await.unwrap();
    assert_eq!(n, 7);
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let options = mariadb::Options {
        dir: Some(dir.path().into()),
        arguments: vec!["--no-such-option".into()],
        ..Default::default()
    };
    let error = mariadb::Server::start(options).await.unwrap_err().to_string();
    assert!(error.contains("no-such-option"), "{error}");
}

#[tokio::test]
async fn a_redis_answers_and_is_gone_when_dropped() {
    let server = redis::Server::start().await.unwrap();
    let pid = server.child().pid();
    assert!(alive(pid) && server.url.ends_with(&server.port.to_string()));
    drop(server);
    assert!(!alive(pid));
}
