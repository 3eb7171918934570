//! Orders about wallets against a real database: races with money, events, older tasks.

use crate::ledger_world::{World, done, payment, submit, wallet_with};
use futures::future::join_all;
use protocol::wallet::EntryKind;
use sqlx::{Executor, Row};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;
use wallet_svc::ledger::command::{Actor, Command, Order, Refusal};
use wallet_svc::store::Ledger;

fn order() -> Order {
    Order { reason: "a letter".into(), by: Some("clara".into()) }
}

/// What the relay would publish, in order: wallet, kind, version.
async fn events(ledger: &Ledger) -> Vec<(Uuid, EntryKind, u64)> {
    let outbox = ledger.outbox();
    let publisher = outbox.acquire(Duration::from_secs(1)).await.expect("the writer answers");
    let mut publisher = publisher.expect("nobody else publishes");
    let page = publisher.page().await.expect("a page");
    publisher.release().await;
    page.events.iter().map(|e| (e.wallet_id, e.kind, e.version)).collect()
}

/// Two tasks: one freezes while clients of both withdraw.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_a_freeze_is_acknowledged_no_money_leaves() {
    let world = World::start().await;
    let tasks = [world.ledger("one").await, world.ledger("two").await];
    let id = wallet_with(&tasks[0], "ana", "1000").await;
    let over = AtomicBool::new(false);
    let client = |number: usize| {
        let (ledger, over) = (&tasks[number % 2], &over);
        async move {
            for turn in 0.. {
                let late = over.load(Ordering::SeqCst);
                let key = format!("{number} {turn}");
                let command = Command::withdraw(id, Actor::Admin, &key, payment("0.01"));
                match submit(ledger, command).await.expect("an answer").result {
                    Ok(_) => assert!(!late, "money left after the freeze was acknowledged"),
                    Err(refusal) => {
                        assert_eq!(refusal, Refusal::WalletFrozen);
                        break;
                    }
                }
            }
        }
    };
    let freezing = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let frozen = done(submit(&tasks[0], Command::freeze(id, "freeze", order())).await);
        over.store(true, Ordering::SeqCst);
        frozen
    };
    let (frozen, _) = tokio::join!(freezing, join_all((0..16).map(client)));
    let wallet = tasks[1].wallet(id).await.expect("a read").expect("a wallet").wallet;
    assert_eq!((wallet.version, frozen.kind), (frozen.version, EntryKind::WalletFrozen));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_order_is_an_event_without_its_reason() {
    let world = World::start().await;
    let ledger = world.ledger("one").await;
    let id = wallet_with(&ledger, "ana", "0").await;
    done(submit(&ledger, Command::freeze(id, "f", order())).await);
    done(submit(&ledger, Command::unfreeze(id, "u", order())).await);
    done(submit(&ledger, Command::close(id, Actor::Admin, "c", order())).await);
    let want = [
        (id, EntryKind::WalletCreated, 1),
        (id, EntryKind::WalletFrozen, 2),
        (id, EntryKind::WalletUnfrozen, 3),
        (id, EntryKind::WalletClosed, 4),
    ];
    assert_eq!(events(&ledger).await, want);
    world.finish().await;
}

/// Statements as the first version of the service wrote them, on the tables of this one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_task_goes_on_after_the_migration() {
    let world = World::start().await;
    let ledger = world.ledger("new").await;
    let id = wallet_with(&ledger, "ana", "0").await;
    done(submit(&ledger, Command::freeze(id, "f", order())).await);
    let before = ledger.wallet(id).await.expect("a read").expect("a wallet").wallet;
    let (wallet, hash) = (hex::encode(id.as_bytes()), "00".repeat(32));
    let at_us = before.last_at_us + 1;
    let old = format!(
        "START TRANSACTION; INSERT INTO outbox(n,min_at_us,max_at_us) VALUES(1,{at_us},{at_us}); \
         INSERT INTO entry(wallet_id,at_us,version,kind,currency,amount,available_after,held_after,\
         txn_id,counterparty,batch_id,idx,hash,description) VALUES (x'{wallet}',{at_us},3,0,'BRL',\
         0,0,0,x'{wallet}',NULL,LAST_INSERT_ID(),0,x'{hash}',NULL); \
         INSERT INTO wallet(wallet_id,user_id,currency,kind,status,available,held,floor,version,\
         last_at_us,last_hash,created_us) VALUES (x'{wallet}','ana','BRL',0,0,0,0,0,3,{at_us},\
         x'{hash}',1) ON DUPLICATE KEY UPDATE available=VALUES(available),held=VALUES(held),\
         version=VALUES(version),last_at_us=VALUES(last_at_us),last_hash=VALUES(last_hash); COMMIT"
    );
    let mut database = world.database().await;
    database.execute(sqlx::raw_sql(&old)).await.expect("the old statements still run");
    let row = sqlx::query("SELECT CAST(status AS SIGNED) FROM wallet").fetch_one(&mut database);
    assert_eq!(row.await.expect("a row").get::<i64, _>(0), 1, "and undo no freeze");
    let statement = ledger.statement(id, None, 10).await.expect("a read").expect("a wallet");
    let versions: Vec<u64> = statement.entries.iter().map(|entry| entry.version).collect();
    assert_eq!(versions, [3, 2, 1]);
    world.finish().await;
}
