//! The role of the writer moves to another server while money moves.

use crate::ledger_world::{PATIENCE, audit, payment, submit, wallet_with};
use futures::future::join_all;
use sandbox::aws::machines::{Group, Member, Role};
use sandbox::data::mariadb::{Cluster, Settings as ClusterSettings};
use sqlx::{Connection, MySqlConnection};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use wallet_svc::ledger::command::{Actor, Command};
use wallet_svc::store::{Ledger, Settings};

struct Region {
    _folder: TempDir,
    cluster: Cluster,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Region {
    async fn start() -> Self {
        // Shown when the test fails.
        let _twice = tracing_subscriber::fmt().with_test_writer().try_init();
        let folder = tempfile::tempdir().expect("a folder");
        let member = |n: usize| (format!("db-{n}"), format!("sa-east-1{n}"));
        let settings = ClusterSettings {
            dir: folder.path().to_owned(),
            members: (1..=3).map(member).collect(),
            memory_mib: 64,
            password: "secret".to_owned(),
        };
        let cluster = Cluster::start(settings).await.expect("the cluster starts");
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let region = Self { _folder: folder, cluster, tracker, stop };
        Ledger::migrate(&region.settings("migration")).await.expect("migrating");
        region
    }

    fn settings(&self, task_id: &str) -> Settings {
        let url = |port: u16| format!("mysql://wallet@127.0.0.1:{port}/wallet");
        Settings {
            writer_url: url(self.cluster.writer_port()),
            reader_url: Some(url(self.cluster.reader_port())),
            password: self.cluster.password().to_owned(),
            lanes: 4,
            queue_per_lane_max: 2_000,
            task_id: task_id.to_owned(),
            fees: std::sync::Arc::default(),
        }
    }

    async fn ledger(&self) -> Ledger {
        let ledger = Ledger::start(&self.settings("one"), None, &self.tracker, &self.stop)
            .expect("settings");
        timeout(PATIENCE, ledger.writable()).await.expect("the probe finds the writer");
        ledger
    }

    /// The one of that role that has applied most.
    async fn member(&self, role: Role) -> Member {
        let members = self.cluster.members().await.into_iter();
        let best = members.filter(|member| member.role == role).max_by_key(|m| m.position);
        best.expect("one of each role")
    }

    async fn audit(&self) -> u64 {
        let (port, password) = (self.cluster.writer_port(), self.cluster.password());
        let url = format!("mysql://wallet:{password}@127.0.0.1:{port}/wallet");
        audit(&mut MySqlConnection::connect(&url).await.expect("connecting to the writer")).await
    }
}

/// Deposits one cent after the other until `over`, each until it is acknowledged.
async fn deposit_on(
    ledger: &Ledger,
    id: Uuid,
    client: usize,
    over: &AtomicBool,
    acknowledged: &AtomicUsize,
) {
    for turn in 0.. {
        if over.load(Ordering::SeqCst) {
            return;
        }
        let key = format!("{client} {turn}");
        let command = Command::deposit(id, Actor::Admin, &key, payment("0.01"));
        let give_up = Instant::now() + PATIENCE;
        let deadline = || Instant::now() + Duration::from_secs(2);
        while let Err(error) = ledger.submit(command.clone(), deadline()).await {
            assert!(Instant::now() < give_up, "the ledger did not come back: {error}");
            sleep(Duration::from_millis(20)).await;
        }
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

async fn until_more(acknowledged: &AtomicUsize, more: usize) {
    let (before, deadline) = (acknowledged.load(Ordering::SeqCst), Instant::now() + PATIENCE);
    while acknowledged.load(Ordering::SeqCst) < before + more {
        assert!(Instant::now() < deadline, "no more deposits are acknowledged");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_deposits_survive_a_switch_over_and_a_dead_writer() {
    let region = Region::start().await;
    let ledger = region.ledger().await;
    let id = wallet_with(&ledger, "ana", "0").await;
    let (over, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));
    let clients =
        join_all((0..8).map(|client| deposit_on(&ledger, id, client, &over, &acknowledged)));
    let failing = async {
        until_more(&acknowledged, 200).await;
        let reader = region.member(Role::Reader).await;
        region.cluster.switch_over(&reader.id).await.expect("switched over");
        until_more(&acknowledged, 200).await;

        let writer = region.member(Role::Writer).await;
        region.cluster.kill(&writer.id).await.expect("killed");
        // Nobody writes, and a reader answers, as soon as the endpoint knows who still is one.
        let deadline = Instant::now() + PATIENCE;
        while !matches!(ledger.wallet(id).await, Ok(Some(read)) if read.stale) {
            assert!(Instant::now() < deadline, "no replica answers");
            sleep(Duration::from_millis(5)).await;
        }
        let reader = region.member(Role::Reader).await;
        region.cluster.promote(&reader.id).await.expect("promoted");
        until_more(&acknowledged, 200).await;
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(clients, failing);
    let acknowledged = acknowledged.into_inner();
    let wallet = ledger.wallet(id).await.expect("a read").expect("a wallet").wallet;
    assert_eq!(wallet.available, i64::try_from(acknowledged).expect("few"));
    assert_eq!(wallet.version, 1 + acknowledged as u64);
    // And a replay still finds what was committed on the first of the writers.
    let first = Command::deposit(id, Actor::Admin, "0 0", payment("0.01"));
    assert!(submit(&ledger, first).await.expect("an answer").replayed);
    region.stop.cancel();
    region.tracker.close();
    timeout(PATIENCE, region.tracker.wait()).await.expect("all tasks end");
    assert!(region.audit().await > 600);
    region.cluster.stop().await;
}
