//! Snapshots: a state that begins with one is the state that reading everything makes.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::tests::raw;
use super::{Entry, Event, Fold, Journal, JournalError, Memory};
use crate::driver::Clock;
use crate::fleet::samples::second;

/// Depends on the order of its events, so that one too few, too many or elsewhere shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Trace {
    seqs: Vec<u64>,
    sum: u64,
}

impl Fold for Trace {
    const NAME: &'static str = "trace.1";
    const KINDS: &'static [&'static str] = &["a.", "b."];

    fn fold(&mut self, event: &Event) {
        self.seqs.push(event.seq);
        self.sum = self.sum.wrapping_mul(31).wrapping_add(event.seq);
    }
}

fn clock() -> Clock {
    Arc::new(|| second(0))
}

fn entry(kind: &str) -> Entry {
    Entry::control("local/x", kind, "something", json!({}))
}

/// What everything read makes, without a look at any snapshot.
async fn read_all(journal: &Journal) -> Trace {
    let mut trace = Trace::default();
    let events = journal.since(0, 1_000).await.unwrap();
    let own = |event: &&Event| Trace::KINDS.iter().any(|kind| event.kind.starts_with(kind));
    events.iter().filter(own).for_each(|event| trace.fold(event));
    trace
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Snapshots at any events, restarts at any others.
    #[test]
    fn a_snapshot_with_what_came_after_is_the_state_of_everything(
        steps in prop::collection::vec((0..3_usize, 0..6_u8), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            let memory = Memory::default();
            let mut journal = Journal::in_memory(&memory, clock()).await.unwrap();
            let mut follower = journal.follow::<Trace>().await.unwrap();
            for (kind, then) in steps {
                journal.append(entry(["a.x", "b.x", "c.x"][kind])).await.unwrap();
                match then {
                    0 => follower.keep().await.unwrap(),
                    1 => {
                        journal = Journal::in_memory(&memory, clock()).await.unwrap();
                        follower = journal.follow::<Trace>().await.unwrap();
                    }
                    2 => assert_eq!(*follower.catch_up().await.unwrap(), read_all(&journal).await),
                    _ => {}
                }
                assert_eq!(journal.recall::<Trace>().await.unwrap(), read_all(&journal).await);
            }
        });
    }
}

async fn with_snapshots(path: &Path) -> Trace {
    let journal = Journal::open(path, clock()).await.unwrap();
    let mut follower = journal.follow::<Trace>().await.unwrap();
    for count in 1..=9 {
        journal.append(entry(["a.x", "b.x", "c.x"][count % 3])).await.unwrap();
        if count % 3 == 0 {
            follower.keep().await.unwrap();
        }
    }
    read_all(&journal).await
}

/// Each row harms the newest snapshot, or all: the state is the same whatever was harmed.
#[tokio::test]
async fn a_snapshot_that_is_damaged_or_of_another_history_is_passed_over() {
    let table = [
        "UPDATE snapshot SET data = replace(data, 'sum\":', 'sum\":1') WHERE seq = 9",
        "UPDATE snapshot SET data = '{' WHERE seq = 9",
        "UPDATE snapshot SET hash = zeroblob(32) WHERE seq = 9",
        "UPDATE snapshot SET digest = zeroblob(32)",
        "UPDATE snapshot SET seq = 8 WHERE seq = 9",
        "UPDATE snapshot SET seq = 99 WHERE seq = 9",
        "UPDATE snapshot SET fold = 'other.1'",
        "DELETE FROM snapshot WHERE seq = 9",
        "DELETE FROM snapshot",
    ];
    for harm in table {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let whole = with_snapshots(&path).await;
        raw(&path, harm).await.unwrap();
        let journal = Journal::open(&path, clock()).await.unwrap();
        assert_eq!(journal.recall::<Trace>().await.unwrap(), whole, "{harm}");
    }
}

/// The check above could pass without any snapshot being used: this one is, wrong as it is.
#[tokio::test]
async fn a_snapshot_that_is_proven_is_begun_with() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    with_snapshots(&path).await;
    for trigger in ["event_never_changes", "event_never_goes"] {
        raw(&path, &format!("DROP TRIGGER {trigger}")).await.unwrap();
    }
    raw(&path, "DELETE FROM event WHERE seq < 9").await.unwrap();
    let journal = Journal::open(&path, clock()).await.unwrap();
    let seqs = journal.recall::<Trace>().await.unwrap().seqs;
    assert_eq!(seqs, [1, 3, 4, 6, 7, 9], "events that nothing but the snapshot remembers");
}

#[tokio::test]
async fn two_snapshots_of_a_fold_are_kept_and_a_superseded_process_keeps_none() {
    let memory = Memory::default();
    let old = Journal::in_memory(&memory, clock()).await.unwrap();
    let mut follower = old.follow::<Trace>().await.unwrap();
    for _ in 0..5 {
        old.append(entry("a.x")).await.unwrap();
        follower.keep().await.unwrap();
    }
    let kept = old.shared.store.snapshots(Trace::NAME).await.unwrap();
    assert_eq!(kept.iter().map(|one| one.seq).collect::<Vec<_>>(), [5, 4]);
    let new = Journal::in_memory(&memory, clock()).await.unwrap();
    new.append(entry("a.x")).await.unwrap();
    let error = follower.keep().await.unwrap_err();
    assert!(matches!(error, JournalError::Superseded { ours: 1, theirs: 2 }), "{error}");
}
