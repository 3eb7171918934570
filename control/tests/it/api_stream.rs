//! The stream: snapshot first, every event once, and again from where a client left.

use crate::api_app::TestApp;
use control::journal::Entry;
use futures::StreamExt;
use protocol::control::{Cut, EnvironmentView, JournalEvent, Snapshot};
use reqwest::{Method, Response};
use serde_json::json;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::time::timeout;

/// One server-sent event.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    kind: String,
    id: Option<u64>,
    data: String,
}

/// A client that reads one event after the other.
struct Reader {
    response: futures::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    text: String,
    ready: VecDeque<Sent>,
}

impl Reader {
    async fn open(app: &TestApp, last_id: Option<u64>) -> Self {
        let mut request = app.request("eye", Method::GET, "/v1/stream");
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id.to_string());
        }
        let response: Response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let bytes = response.bytes_stream().map(|chunk| chunk.map(|bytes| bytes.to_vec()));
        Self { response: bytes.boxed(), text: String::new(), ready: VecDeque::new() }
    }

    async fn next(&mut self) -> Sent {
        loop {
            if let Some(sent) = self.ready.pop_front() {
                return sent;
            }
            let chunk = timeout(Duration::from_secs(20), self.response.next()).await;
            let chunk = chunk.expect("the stream goes on").expect("it is open").unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                self.ready.extend(parse(block));
                self.text = rest.to_owned();
            }
        }
    }

    async fn next_of(&mut self, kind: &str) -> Sent {
        loop {
            let sent = self.next().await;
            if sent.kind == kind {
                return sent;
            }
        }
    }

    async fn journal(&mut self, count: usize) -> Vec<u64> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            let sent = self.next_of("journal").await;
            let event: JournalEvent = serde_json::from_str(&sent.data).unwrap();
            assert_eq!(sent.id, Some(event.seq));
            seqs.push(event.seq);
        }
        seqs
    }
}

fn parse(block: &str) -> Option<Sent> {
    let field = |name: &str| {
        let mut lines =
            block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        lines.next().map(str::to_owned)
    };
    let id = field("id").and_then(|id| id.parse().ok());
    Some(Sent { kind: field("event")?, id, data: field("data")? })
}

async fn append(app: &TestApp, count: u64) {
    for index in 0..count {
        let summary = format!("note {index}");
        let entry = Entry::control("local/test", "note", summary, json!({}));
        app.app.journal.append(entry).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_begins_with_a_snapshot_and_goes_on_from_it() {
    let app = TestApp::start().await;
    append(&app, 3).await;
    let mut reader = Reader::open(&app, None).await;
    let first = reader.next().await;
    assert_eq!((first.kind.as_str(), first.id), ("snapshot", Some(3)));
    let snapshot: Snapshot = serde_json::from_str(&first.data).unwrap();
    assert_eq!((snapshot.seq, snapshot.journal.len()), (3, 3));
    assert_eq!(snapshot.environments[0].name, "local");
    append(&app, 2).await;
    assert_eq!(reader.journal(2).await, [4, 5]);
    assert_eq!(reader.next_of("heartbeat").await.id, None);
}

#[tokio::test]
async fn a_changed_environment_is_sent() {
    let app = TestApp::start().await;
    let mut reader = Reader::open(&app, None).await;
    reader.next_of("heartbeat").await;
    let live = &app.app.environments["local"];
    let mut view: EnvironmentView = live.view.borrow().as_ref().clone();
    view.service.desired = 7;
    live.view.send_replace(Arc::new(view.clone()));
    let sent = reader.next_of("environment").await;
    assert_eq!(serde_json::from_str::<EnvironmentView>(&sent.data).unwrap(), view);
}

#[tokio::test]
async fn a_client_that_comes_back_gets_every_event_once() {
    let app = TestApp::start().await;
    let mut seen = Vec::new();
    let mut last = None;
    for round in 0..5 {
        append(&app, 40).await;
        let mut reader = Reader::open(&app, last).await;
        let snapshot: Snapshot = serde_json::from_str(&reader.next().await.data).unwrap();
        match last {
            None => seen.extend(snapshot.journal.iter().map(|event| event.seq)),
            // Where it left, and not further: the rest comes as events.
            Some(last) => assert_eq!(snapshot.seq, last, "round {round}"),
        }
        // Events that are written while it catches up are not lost between the two.
        let writer = append(&app, 20);
        let missed = if round == 0 { 20 } else { 60 };
        let (_, got) = tokio::join!(writer, reader.journal(missed));
        seen.extend(got);
        last = seen.last().copied();
    }
    let newest = app.app.journal.newest();
    assert_eq!(seen, (1..=newest).collect::<Vec<u64>>());
}

#[tokio::test]
async fn events_that_are_written_while_a_stream_opens_come_once() {
    let app = TestApp::start().await;
    for _ in 0..10 {
        let from = app.app.journal.newest();
        let (_, mut reader) = tokio::join!(append(&app, 60), Reader::open(&app, Some(from)));
        let upto = app.app.journal.newest();
        // One more, so that a double at the end would show before it.
        append(&app, 1).await;
        let got = reader.journal(61).await;
        assert_eq!(got, (from + 1..=upto + 1).collect::<Vec<u64>>());
    }
}

#[tokio::test]
async fn an_id_that_this_journal_never_gave_is_no_place_to_resume_from() {
    let app = TestApp::start().await;
    append(&app, 3).await;
    let mut reader = Reader::open(&app, Some(999)).await;
    let snapshot: Snapshot = serde_json::from_str(&reader.next().await.data).unwrap();
    assert_eq!(snapshot.seq, 3);
    append(&app, 1).await;
    assert_eq!(reader.journal(1).await, [4]);
}

#[tokio::test]
async fn a_client_that_fell_far_behind_gets_the_rest_from_the_journal() {
    let app = TestApp::start().await;
    let mut reader = Reader::open(&app, None).await;
    reader.next().await;
    // More than any queue between holds: the journal's channel, the stream's, the socket's.
    append(&app, 3_000).await;
    let got = reader.journal(3_000).await;
    assert_eq!(got, (1..=3_000).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_client_follows_restarts_without_a_gap_and_without_a_double() {
    let mut app = TestApp::start().await;
    let mut reader = Reader::open(&app, None).await;
    let mut seen = Vec::new();
    let first: Snapshot = serde_json::from_str(&reader.next().await.data).unwrap();
    assert_eq!(first.seq, 0);
    for _ in 0..3 {
        append(&app, 30).await;
        seen.extend(reader.journal(20).await);
        app = app.restart().await;
        append(&app, 30).await;
        reader = Reader::open(&app, seen.last().copied()).await;
        seen.extend(reader.journal(40).await);
    }
    assert_eq!(seen, (1..=app.app.journal.newest()).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_told_and_nobody_else_waits() {
    let app = TestApp::start_impatient(Duration::from_millis(200)).await;
    let mut slow = Reader::open(&app, None).await;
    let mut quick = Reader::open(&app, None).await;
    let free = app.api.streams.free();
    // More than the sockets of both ends buffer: 40 times 500 events of some 600 bytes.
    for _ in 0..40 {
        let summary = "x".repeat(500);
        let entry = Entry::control("local/test", "note", summary, json!({}));
        app.app.journal.append_all(vec![entry; 500]).await.unwrap();
        quick.journal(500).await;
    }
    let cut = slow.next_of("cut").await;
    let cut: Cut = serde_json::from_str(&cut.data).unwrap();
    assert!((1..20_000).contains(&cut.seq), "{cut:?}");
    assert_eq!(cut.why, "nothing was read for 200ms");
    append(&app, 1).await;
    assert_eq!(quick.journal(1).await, [20_001]);
    assert_eq!(app.api.streams.free(), free + 1, "its place is free again");
    let mut again = Reader::open(&app, Some(15_000)).await;
    assert_eq!(again.journal(1).await, [15_001]);
}
