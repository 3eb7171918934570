//! The journal on a real file: order, restart, fencing, tampering.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{Entry, Journal, JournalError, Verdict, export, verify};
use crate::driver::Clock;

fn clock() -> Clock {
    let at = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    Arc::new(move || at)
}

async fn open(path: &Path) -> Journal {
    Journal::open(path, clock()).await.expect("the journal opens")
}

fn entry(n: u32) -> Entry {
    let data = json!({ "n": n, "load": 0.1 + f64::from(n) / 3.0 });
    Entry::control("local/service/wallet-svc", "decision", format!("decision {n}"), data)
}

#[tokio::test]
async fn events_are_numbered_without_gaps_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path).await;
    let mut live = journal.subscribe();
    for n in 1..=3 {
        assert_eq!(journal.append(entry(n)).await.unwrap(), u64::from(n));
    }
    assert_eq!(live.recv().await.unwrap().seq, 1, "subscribers hear of it in order");
    let before = journal.since(0, 10).await.unwrap();
    drop(journal);

    let journal = open(&path).await;
    assert_eq!(journal.newest(), 3);
    assert_eq!(journal.since(0, 10).await.unwrap(), before, "a restart changes nothing");
    assert_eq!(journal.append(entry(4)).await.unwrap(), 4);
    let fourth = journal.since(3, 10).await.unwrap().remove(0);
    assert_eq!((fourth.epoch, fourth.hash_before), (2, before[2].hash));
    let mut replayed = vec![];
    journal.replay("deci", |event| replayed.push(event.seq)).await.unwrap();
    assert_eq!(replayed, [1, 2, 3, 4]);
    assert_eq!(journal.last(2).await.unwrap().len(), 2);
    assert!(matches!(
        verify(&path.as_path().into()).await.unwrap(),
        Verdict::Intact { events: 4, .. }
    ));
}

#[tokio::test]
async fn whoever_was_superseded_can_no_longer_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let old = open(&path).await;
    old.append(entry(1)).await.unwrap();
    let new = open(&path).await;
    new.append(entry(2)).await.unwrap();
    let error = old.append(entry(3)).await.unwrap_err();
    assert!(matches!(error, JournalError::Superseded { ours: 1, theirs: 2 }), "{error}");
    assert_eq!(new.append(entry(3)).await.unwrap(), 3);
}

#[tokio::test]
async fn events_that_belong_together_are_written_together_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path).await;
    assert_eq!(journal.append_all(vec![entry(1), entry(2)]).await.unwrap(), 2);
    let mut huge = entry(4);
    huge.data = json!("x".repeat(70_000));
    let error = journal.append_all(vec![entry(3), huge]).await.unwrap_err();
    assert!(matches!(error, JournalError::TooLarge { .. }), "{error}");
    assert_eq!(journal.since(0, 10).await.unwrap().len(), 2);
    assert_eq!(journal.append(entry(3)).await.unwrap(), 3, "a refusal leaves no gap");
}

#[tokio::test]
async fn events_can_neither_be_changed_nor_removed_by_statement() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path).await;
    journal.append(entry(1)).await.unwrap();
    for statement in ["UPDATE event SET actor = 'me'", "DELETE FROM event"] {
        let error = raw(&path, statement).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

/// A changed byte in any column, a removed event, a swapped one: each is found and named.
#[tokio::test]
async fn verification_finds_what_was_tampered_with() {
    let table = [
        ("UPDATE event SET data = replace(data, '2', '3') WHERE seq = 2", 2),
        ("UPDATE event SET actor = 'contrel' WHERE seq = 3", 3),
        ("UPDATE event SET at_us = at_us + 1 WHERE seq = 1", 1),
        ("UPDATE event SET kind = 'decisioo' WHERE seq = 4", 4),
        ("UPDATE event SET hash = zeroblob(32) WHERE seq = 4", 4),
        ("UPDATE event SET epoch = 0 WHERE seq = 2", 2),
        ("DELETE FROM event WHERE seq = 2", 3),
        ("DELETE FROM event WHERE seq = 1", 2),
        ("UPDATE event SET data = '{' WHERE seq = 2", 2),
    ];
    for (tampering, broken) in table {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let journal = open(&path).await;
        for n in 1..=4 {
            journal.append(entry(n)).await.unwrap();
        }
        drop(journal);
        for trigger in ["event_never_changes", "event_never_goes"] {
            raw(&path, &format!("DROP TRIGGER {trigger}")).await.unwrap();
        }
        raw(&path, tampering).await.unwrap();
        let verdict = verify(&path.as_path().into()).await.unwrap();
        let Verdict::Broken { seq, reason } = &verdict else { panic!("{tampering}: {verdict}") };
        assert_eq!(*seq, broken, "{tampering}: {reason}");
    }
}

/// What the export promises: who has only the lines can prove the chain. Shares no code with it.
#[tokio::test]
async fn an_export_proves_the_chain_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path).await;
    for n in 1..=600 {
        journal.append(entry(n)).await.unwrap();
    }
    let mut out = Vec::new();
    export(&path.as_path().into(), 0, &mut out).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    let mut before = "00".repeat(32);
    for (index, line) in text.lines().enumerate() {
        let event: BTreeMap<String, Box<RawValue>> = serde_json::from_str(line).unwrap();
        let text = |name: &str| serde_json::from_str::<String>(event[name].get()).unwrap();
        let number = |name: &str| event[name].get().parse::<u64>().unwrap();
        assert_eq!((number("seq"), text("hash_before")), (index as u64 + 1, before));
        let mut digest = Sha256::new();
        digest.update(hex::decode(text("hash_before")).unwrap());
        for name in ["seq", "at_us", "epoch"] {
            digest.update(number(name).to_be_bytes());
        }
        let data = event["data"].get().to_owned();
        for part in [text("actor"), text("subject"), text("kind"), text("summary"), data] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        before = text("hash");
        assert_eq!(hex::encode(digest.finalize()), before, "{line}");
    }
    assert_eq!(text.lines().count(), 600);
    let mut tail = Vec::new();
    export(&path.as_path().into(), 599, &mut tail).await.unwrap();
    assert!(text.ends_with(&String::from_utf8(tail).unwrap()), "the last line alone");
}

pub(super) async fn raw(path: &Path, statement: &str) -> Result<(), sqlx::Error> {
    use sqlx::{Connection, SqliteConnection};
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await?;
    sqlx::raw_sql(statement).execute(&mut connection).await?;
    connection.close().await
}
