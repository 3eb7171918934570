//! How long a restart reads: everything, or the newest snapshot and what came after it.
//!
//! `cargo bench -p control --bench replay -- 1000000` writes that many events into a file, of which
//! every tenth is an intent's, and folds the open intents from them.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use control::aws::Change;
use control::driver::Clock;
use control::intent::{Intent, OpenIntents};
use control::journal::{Entry, Follower, Journal};
use serde_json::json;
use tokio::time::Instant;

/// In one transaction; what a page of them reads is not measured here.
const BATCH: usize = 500;
/// As many as may follow the newest snapshot.
const TAIL: usize = 10_000;

fn entry(number: usize) -> Entry {
    if !number.is_multiple_of(10) {
        let reason = "hold because every reading is within its band";
        let data =
            json!({ "action": "hold", "from": 6, "to": 6, "inputs": { "cpu_percent": 51.3 } });
        return Entry::control("local/service/wallet-svc", "decision", reason, data);
    }
    // A pair of events: written down, and confirmed nine events later.
    if number % 20 == 10 {
        let data = json!({ "intent": number - 10 + 1, "state": "confirmed", "detail": "done" });
        return Entry::control("local/service/wallet-svc", "intent.confirmed", "done", data);
    }
    let intent = Intent {
        actor: "control".to_owned(),
        subject: "local/service/wallet-svc".to_owned(),
        why: "cpu_percent is above its target".to_owned(),
        change: Change::SetDesired {
            cluster: "wallet-local".to_owned(),
            service: "wallet-svc".to_owned(),
            from: 6,
            to: 7,
        },
    };
    let data = serde_json::to_value(&intent).expect("an intent has only text keys");
    Entry::control("local/service/wallet-svc", "intent.logged", "set desired", data)
}

async fn write(journal: &Journal, from: usize, count: usize) {
    for first in (from..from + count).step_by(BATCH) {
        let last = (first + BATCH).min(from + count);
        let entries = (first..last).map(entry).collect();
        journal.append_all(entries).await.expect("the disk has room");
    }
}

/// What a restart does before it serves, for one fold.
async fn restart(path: &std::path::Path, clock: &Clock) -> (Follower<OpenIntents>, Duration) {
    let journal = Journal::open(path, clock.clone()).await.expect("it was just written");
    let from = Instant::now();
    let follower = journal.follow::<OpenIntents>().await.expect("it can be read");
    (follower, from.elapsed())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count = std::env::args().filter_map(|text| text.parse().ok()).next().unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("journal.db");
    let at = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let clock: Clock = Arc::new(move || at);
    let journal = Journal::open(&path, clock.clone()).await.expect("a new file");
    let from = Instant::now();
    write(&journal, 0, count).await;
    let written = from.elapsed();
    let (mut follower, everything) = restart(&path, &clock).await;
    let from = Instant::now();
    follower.keep().await.expect("the disk has room");
    let kept = from.elapsed();
    let (_, snapshot) = restart(&path, &clock).await;
    let journal = Journal::open(&path, clock.clone()).await.expect("it was just written");
    write(&journal, count, TAIL).await;
    let (_, tail) = restart(&path, &clock).await;
    let mut out = std::io::stdout().lock();
    let figures = [
        ("writing them", written),
        ("folding all of them", everything),
        ("keeping a snapshot", kept),
        ("folding from the snapshot", snapshot),
        ("folding from the snapshot and 10,000 events", tail),
    ];
    for (what, took) in figures {
        writeln!(out, "{count} events: {what}: {:.1} ms", took.as_secs_f64() * 1_000.0)
            .expect("somebody reads this");
    }
}
