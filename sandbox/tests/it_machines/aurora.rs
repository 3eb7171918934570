//! The database cluster under a simple load with a ledger of what was acknowledged.

use sandbox::aws::machines::{Group, Member, Role};
use sandbox::data::mariadb::{Cluster, Settings};
use sandbox::poll;
use sqlx::{Connection, MySqlConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

/// Generous: the machine is shared, and nothing here asserts speed.
const LIMIT: Duration = Duration::from_secs(60);

async fn start(dir: &tempfile::TempDir) -> Cluster {
    let members = [("db-1", "a"), ("db-2", "b"), ("db-3", "c")];
    Cluster::start(Settings {
        dir: dir.path().to_owned(),
        members: members.map(|(id, zone)| (id.to_owned(), zone.to_owned())).into(),
        memory_mib: 32,
        password: "secret".into(),
    })
    .await
    .unwrap()
}

fn url(cluster: &Cluster, user: &str, port: u16) -> String {
    format!("mysql://{user}:{}@127.0.0.1:{port}/wallet", cluster.password())
}

/// Connections that insert numbers, and what they were told.
struct Load {
    acknowledged: Arc<Mutex<Vec<i64>>>,
    stop: Arc<AtomicBool>,
    tasks: TaskTracker,
}

impl Load {
    async fn start(cluster: &Cluster) -> Load {
        let writer = url(cluster, "wallet", cluster.writer_port());
        let mut db = MySqlConnection::connect(&writer).await.unwrap();
        sqlx::raw_sql("CREATE TABLE t (n BIGINT PRIMARY KEY)").execute(&mut db).await.unwrap();
        let load =
            Load { acknowledged: Arc::default(), stop: Arc::default(), tasks: TaskTracker::new() };
        let next = Arc::new(AtomicI64::new(1));
        for _ in 0..8 {
            let (acknowledged, stop) = (Arc::clone(&load.acknowledged), Arc::clone(&load.stop));
            let (writer, next) = (writer.clone(), Arc::clone(&next));
            load.tasks.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let Ok(mut db) = MySqlConnection::connect(&writer).await else {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    };
                    while !stop.load(Ordering::SeqCst) {
                        let n = next.fetch_add(1, Ordering::SeqCst);
                        let insert = sqlx::query("INSERT INTO t VALUES (?)").bind(n);
                        if insert.execute(&mut db).await.is_err() {
                            break;
                        }
                        acknowledged.lock().await.push(n);
                    }
                }
            });
        }
        load
    }

    async fn acknowledged(&self) -> usize {
        self.acknowledged.lock().await.len()
    }

    /// Waits until `more` further writes were acknowledged.
    async fn progress(&self, more: usize) {
        let now = self.acknowledged().await;
        poll::until("further writes are acknowledged", LIMIT, || async {
            (self.acknowledged().await >= now + more).then_some(())
        })
        .await
        .unwrap();
    }

    /// Stops, and gives what was acknowledged, in order.
    async fn stop(self) -> Vec<i64> {
        self.stop.store(true, Ordering::SeqCst);
        self.tasks.close();
        self.tasks.wait().await;
        let mut acknowledged = self.acknowledged.lock().await.clone();
        acknowledged.sort_unstable();
        acknowledged
    }
}

async fn rows(cluster: &Cluster, port: u16) -> Result<Vec<i64>, sqlx::Error> {
    let mut db = MySqlConnection::connect(&url(cluster, "wallet", port)).await?;
    sqlx::query_scalar("SELECT n FROM t ORDER BY n").fetch_all(&mut db).await
}

fn member(members: &[Member], role: Role) -> Member {
    members.iter().find(|member| member.role == role).unwrap().clone()
}

/// Waits until every member is up and holds the same rows, and gives them.
async fn converged(cluster: &Cluster) -> Vec<i64> {
    let equal = poll::until("all members are up and equal", LIMIT, || async {
        let members = cluster.members().await;
        if !members.iter().all(|member| member.up) {
            return None;
        }
        let mut contents = Vec::new();
        for member in &members {
            contents.push(rows(cluster, member.port).await.ok()?);
        }
        contents.iter().all(|content| *content == contents[0]).then(|| contents[0].clone())
    });
    match equal.await {
        Ok(rows) => rows,
        Err(late) => panic!("{late}: {:#?}", cluster.members().await),
    }
}

fn assert_kept(acknowledged: &[i64], rows: &[i64]) {
    let lost: Vec<_> = acknowledged.iter().filter(|n| rows.binary_search(n).is_err()).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged are lost", lost.len(), acknowledged.len());
}

/// Kills the writer's process as a person would, and promotes whoever received most.
async fn fail_over(cluster: &Cluster) -> Member {
    let before = cluster.members().await;
    let writer = member(&before, Role::Writer);
    cluster.kill(&writer.id).await.unwrap();
    let members = cluster.members().await;
    assert!(!members.iter().any(|m| m.id == writer.id && m.up), "a dead process is not up");
    let readers = members.into_iter().filter(|m| m.role == Role::Reader);
    let best = readers.max_by_key(|m| m.position).unwrap();
    cluster.promote(&best.id).await.unwrap();
    assert_eq!(member(&cluster.members().await, Role::Writer).id, best.id);
    writer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_kills_of_the_writer_in_a_row_lose_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = start(&dir).await;
    let load = Load::start(&cluster).await;
    for _ in 0..3 {
        load.progress(200).await;
        let dead = fail_over(&cluster).await;
        load.progress(50).await;
        cluster.restart(&dead.id).await.unwrap();
    }
    load.progress(50).await;
    let acknowledged = load.stop().await;
    assert_kept(&acknowledged, &converged(&cluster).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switchover_under_load_loses_nothing_and_each_endpoint_follows() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = start(&dir).await;
    let load = Load::start(&cluster).await;
    load.progress(100).await;
    for target in ["db-3", "db-2", "db-1"] {
        cluster.switch_over(target).await.unwrap();
        assert_eq!(member(&cluster.members().await, Role::Writer).id, target);
        load.progress(100).await;
    }
    let acknowledged = load.stop().await;
    let rows = converged(&cluster).await;
    assert_kept(&acknowledged, &rows);
    let reader = url(&cluster, "wallet", cluster.reader_port());
    let mut db = MySqlConnection::connect(&reader).await.unwrap();
    let read_only: i64 = sqlx::query_scalar("SELECT @@read_only").fetch_one(&mut db).await.unwrap();
    assert_eq!(read_only, 1);
    assert!(sqlx::query("INSERT INTO t VALUES (-1)").execute(&mut db).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_no_replica_received_is_neither_acknowledged_nor_kept() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = start(&dir).await;
    let members = cluster.members().await;
    let load = Load::start(&cluster).await;
    load.progress(20).await;
    let acknowledged = load.stop().await;
    converged(&cluster).await;
    for reader in members.iter().filter(|m| m.role == Role::Reader) {
        let mut db =
            MySqlConnection::connect(&url(&cluster, "sandbox", reader.port)).await.unwrap();
        sqlx::raw_sql("STOP SLAVE").execute(&mut db).await.unwrap();
    }
    let old = member(&members, Role::Writer);
    let mut db =
        MySqlConnection::connect(&url(&cluster, "wallet", cluster.writer_port())).await.unwrap();
    let insert = sqlx::query("INSERT INTO t VALUES (-1)").execute(&mut db);
    tokio::time::timeout(Duration::from_millis(500), insert).await.unwrap_err();

    // Nobody else has it, so the new writer cannot, and the old one comes back without it.
    fail_over(&cluster).await;
    let mut db =
        MySqlConnection::connect(&url(&cluster, "wallet", cluster.writer_port())).await.unwrap();
    sqlx::query("INSERT INTO t VALUES (-2)").execute(&mut db).await.unwrap();
    cluster.restart(&old.id).await.unwrap();
    let rows = converged(&cluster).await;
    assert_kept(&acknowledged, &rows);
    assert_eq!(&rows[..2], &[-2, 1], "-1 was never acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_dead_writer_stay_up_and_serve() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = start(&dir).await;
    let load = Load::start(&cluster).await;
    load.progress(20).await;
    load.stop().await;
    let before = converged(&cluster).await;
    let writer = member(&cluster.members().await, Role::Writer);
    cluster.kill(&writer.id).await.unwrap();
    // Long enough for several looks: each of them must find the heirs well.
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    for _ in 0..8 {
        tick.tick().await;
        let members = cluster.members().await;
        let up = members.iter().filter(|m| m.role == Role::Reader && m.up).count();
        assert_eq!(up, 2, "{members:#?}");
        assert_eq!(rows(&cluster, cluster.reader_port()).await.unwrap(), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_reader_holds_nobody_up_and_a_restarted_writer_keeps_its_role() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = start(&dir).await;
    let load = Load::start(&cluster).await;
    load.progress(50).await;
    let reader = member(&cluster.members().await, Role::Reader);
    cluster.kill(&reader.id).await.unwrap();
    load.progress(50).await;
    cluster.restart(&reader.id).await.unwrap();
    let writer = member(&cluster.members().await, Role::Writer);
    cluster.kill(&writer.id).await.unwrap();
    cluster.restart(&writer.id).await.unwrap();
    load.progress(50).await;
    let acknowledged = load.stop().await;
    assert_kept(&acknowledged, &converged(&cluster).await);
    assert_eq!(member(&cluster.members().await, Role::Writer).id, writer.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_with_writes_of_its_own_is_replaced_by_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = start(&dir).await;
    let load = Load::start(&cluster).await;
    load.progress(50).await;
    let astray = member(&cluster.members().await, Role::Reader);
    let mut db = MySqlConnection::connect(&url(&cluster, "sandbox", astray.port)).await.unwrap();
    sqlx::query("INSERT INTO t VALUES (-1)").execute(&mut db).await.unwrap();
    cluster.kill(&astray.id).await.unwrap();
    cluster.restart(&astray.id).await.unwrap();
    load.progress(50).await;
    // The copy can take the role in its turn.
    cluster.switch_over(&astray.id).await.unwrap();
    load.progress(50).await;
    let acknowledged = load.stop().await;
    let rows = converged(&cluster).await;
    assert_kept(&acknowledged, &rows);
    assert_eq!(rows[0], 1, "-1 was written behind the writer's back");
}
