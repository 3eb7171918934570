//! What every store must do alike, on a file, on a real MariaDB and in memory.

use std::sync::Arc;

use sandbox::data::mariadb::{Options, Server};
use serde_json::json;
use tempfile::TempDir;

use super::event::{Entry, Event};
use super::store::{Held, Snapshot, Store, Tail, Written};
use super::{Address, JournalError, Location, Memory, Verdict, store, verify};
use crate::fleet::samples::second;

/// A store, with what keeps it alive.
struct Kept {
    store: Arc<dyn Store>,
    location: Option<Location>,
    _folder: TempDir,
    _server: Option<Server>,
}

async fn stores() -> Vec<(&'static str, Kept)> {
    let memory = Kept {
        store: Arc::new(Memory::default()),
        location: None,
        _folder: tempfile::tempdir().unwrap(),
        _server: None,
    };
    let folder = tempfile::tempdir().unwrap();
    let location = Location::from(folder.path().join("journal.db").as_path());
    let file = Kept {
        store: store::open(&location).await.unwrap(),
        location: Some(location),
        _folder: folder,
        _server: None,
    };
    let server = Server::start(Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, &server.password).unwrap();
    let url = server.url_without_password();
    let address = Address::MySql { url, had_password: false };
    let location = Location { address, password_file: Some(password) };
    let database = Kept {
        store: store::open(&location).await.unwrap(),
        location: Some(location),
        _folder: folder,
        _server: Some(server),
    };
    vec![("memory", memory), ("file", file), ("mariadb", database)]
}

/// Texts that a store may spoil: quotes, spaces at the end, four-byte characters, long data, and a
/// number that is another one when it is read and written again.
fn events(epoch: u64, after: Tail, kinds: &[&str]) -> Vec<Event> {
    let mut tail = after;
    let make = |kind: &&str| {
        let data = json!({ "text": "it's \"x\" \\ 🦀 ", "long": "y".repeat(60_000), "load": 0.1 });
        let entry = Entry::by("ann ", "local/x", *kind, "what 🦀 did\n ", data);
        let event = Event::seal(&tail, epoch, second(1), entry).unwrap();
        tail = Tail { seq: event.seq, hash: event.hash };
        event
    };
    kinds.iter().map(make).collect()
}

async fn lead(store: &dyn Store, name: &str) -> u64 {
    let held = store.held().await.unwrap();
    assert!(store.take(name, &held).await.unwrap());
    held.epoch + 1
}

#[tokio::test]
async fn every_store_keeps_events_and_fences_alike() {
    for (name, kept) in stores().await {
        let store = kept.store.as_ref();
        assert_eq!(store.tail().await.unwrap(), Tail::START, "{name}");
        let first = lead(store, "a").await;
        let written = events(first, Tail::START, &["a.x", "b.x", "a.y", "ab"]);
        assert_eq!(store.insert(first, &written).await.unwrap(), Written::Yes, "{name}");
        assert_eq!(store.since(0, &[], 10).await.unwrap(), written, "{name}: to the last byte");
        let last = written.last().unwrap();
        let tail = Tail { seq: 4, hash: last.hash };
        assert_eq!(store.tail().await.unwrap(), tail, "{name}");
        for (kinds, after, limit, want) in [
            (&["a."][..], 0, 10, &[1, 3][..]),
            (&["a.", "b."], 0, 10, &[1, 2, 3]),
            (&["a.", "b."], 1, 1, &[2]),
            (&["a_"], 0, 10, &[]),
            (&["a%"], 0, 10, &[]),
            (&[], 2, 10, &[3, 4]),
            (&["z"], 0, 10, &[]),
        ] {
            let found = store.since(after, kinds, limit).await.unwrap();
            let seqs: Vec<u64> = found.iter().map(|event| event.seq).collect();
            assert_eq!(seqs, want, "{name}: {kinds:?} after {after}");
        }

        let second = lead(store, "b").await;
        let late = events(first, tail, &["a.z"]);
        let superseded = Written::Superseded { theirs: second };
        assert_eq!(store.insert(first, &late).await.unwrap(), superseded, "{name}");
        assert_eq!(store.tail().await.unwrap(), tail, "{name}: nothing was written");
        let more = events(second, tail, &["a.z", "a.z"]);
        assert_eq!(store.insert(second, &more).await.unwrap(), Written::Yes, "{name}");
        // All of them or none: the second of these is there already.
        let doubled = [events(second, Tail { seq: 6, hash: tail.hash }, &["c"]), more].concat();
        let refused = store.insert(second, &doubled).await;
        assert!(refused.is_err() || name == "memory", "{name}");
        if let Some(location) = &kept.location {
            assert_eq!(store.tail().await.unwrap().seq, 6, "{name}");
            let verdict = verify(location).await.unwrap();
            assert!(matches!(verdict, Verdict::Intact { events: 6, .. }), "{name}: {verdict}");
        }
    }
}

#[tokio::test]
async fn every_store_gives_the_lease_to_one_and_only_if_it_stands_as_seen() {
    for (name, kept) in stores().await {
        let store = kept.store.as_ref();
        let free = store.held().await.unwrap();
        assert_eq!(free, Held { holder: String::new(), epoch: 0, beat: 0 }, "{name}");
        assert!(store.take("a", &free).await.unwrap(), "{name}");
        assert!(!store.take("b", &free).await.unwrap(), "{name}: it was taken meanwhile");
        let seen = store.held().await.unwrap();
        assert!(store.renew(1).await.unwrap(), "{name}");
        assert!(!store.take("b", &seen).await.unwrap(), "{name}: it was renewed meanwhile");
        let seen = store.held().await.unwrap();
        assert_eq!((seen.holder.as_str(), seen.epoch, seen.beat), ("a", 1, 1), "{name}");
        assert!(store.take("b", &seen).await.unwrap(), "{name}");
        assert!(!store.renew(1).await.unwrap(), "{name}: an old epoch renews nothing");
        store.release(1).await.unwrap();
        assert_eq!(store.held().await.unwrap().holder, "b", "{name}: nor gives it back");
        store.release(2).await.unwrap();
        assert_eq!(store.held().await.unwrap().holder, "", "{name}");
    }
}

#[tokio::test]
async fn every_store_keeps_the_newest_snapshots_of_each_fold() {
    for (name, kept) in stores().await {
        let store = kept.store.as_ref();
        let epoch = lead(store, "a").await;
        let snapshot = |fold: &str, seq: u64| Snapshot {
            fold: fold.to_owned(),
            seq,
            hash: [7; 32],
            data: format!("{{\"🦀\":\"{}\"}}", "z".repeat(100_000)),
            digest: [9; 32],
        };
        for (fold, seq, oldest) in [("x.1", 3, 0), ("x.1", 5, 3), ("x.1", 8, 5), ("y.1", 4, 0)] {
            let written = store.keep(epoch, &snapshot(fold, seq), oldest).await.unwrap();
            assert_eq!(written, Written::Yes, "{name}");
        }
        let found = store.snapshots("x.1").await.unwrap();
        assert_eq!(found, [snapshot("x.1", 8), snapshot("x.1", 5)], "{name}");
        let newer = lead(store, "b").await;
        let late = store.keep(epoch, &snapshot("x.1", 9), 8).await.unwrap();
        assert_eq!(late, Written::Superseded { theirs: newer }, "{name}");
        assert_eq!(store.snapshots("x.1").await.unwrap(), found, "{name}");
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "secret-1").unwrap();
    let refuse = async |text: &str, password_file: Option<&std::path::Path>| {
        let Ok(address) = text.parse::<Address>();
        let location = Location { address, password_file: password_file.map(Into::into) };
        let error = store::open(&location).await.err().expect("nothing listens there");
        (crate::error::chain(&error), error)
    };
    let (text, error) = refuse("mysql://ctl:secret-1@127.0.0.1:1/journal", None).await;
    assert!(matches!(error, JournalError::Password { .. }) && !text.contains("secret"), "{text}");
    let (text, _) = refuse("mysql://ctl@127.0.0.1:1/journal", Some(&file)).await;
    assert!(text.starts_with("opening the journal mysql://ctl@127.0.0.1:1/journal"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    let (text, _) = refuse("mysql://ctl@127.0.0.1:1/journal", Some("/nowhere".as_ref())).await;
    assert!(text.starts_with("reading the journal's password from /nowhere"), "{text}");
}
