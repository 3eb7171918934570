//! The real SDK against a server that misbehaves: how often a request is on the wire, and what its
//! failure proves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_rds::config::Credentials;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::{Aws, CallError, Change, Cloud, client};

/// Answers every request with the same bytes, or hangs up when there are none, and counts.
pub(super) struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    pub(super) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let task = TaskTracker::new().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(usize::from(one(stream, &answer).await), Ordering::SeqCst);
            }
        });
        Self { url, requests, _task: AbortOnDropHandle::new(task) }
    }

    pub(super) async fn aws(&self) -> Aws {
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let loader =
            client::loader("sa-east-1").endpoint_url(&self.url).credentials_provider(credentials);
        Aws::over(&client::settings(loader).await)
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Reads one request to the end of its body; true if there was one.
async fn one(mut stream: TcpStream, answer: &[u8]) -> bool {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            // The client may have gone; the request was counted all the same.
            let _ = stream.write_all(answer).await;
            return true;
        }
    }
    false
}

const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
    content-length: 0\r\n\r\n";
const HANG_UP: &str = "";
const NONSENSE: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\n<<<<<";
const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\
    content-type: text/xml\r\ncontent-length: 162\r\n\r\n\
    <ErrorResponse><Error><Type>Sender</Type><Code>InvalidDBClusterStateFault</Code>\
    <Message>is failing over</Message></Error><RequestId>1</RequestId></ErrorResponse>";
const THROTTLED: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\
    content-type: text/xml\r\ncontent-length: 144\r\n\r\n\
    <ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>\
    <Message>Rate exceeded</Message></Error><RequestId>1</RequestId></ErrorResponse>";

fn proves(error: &CallError) -> &'static str {
    match error {
        CallError::Rejected { .. } => "rejected",
        CallError::Throttled { .. } => "throttled",
        CallError::Fenced { .. } => "fenced",
        CallError::Unknown { .. } => "unknown",
    }
}

/// The SDK's default would send each of these up to three times.
#[tokio::test]
async fn a_change_is_on_the_wire_once_whatever_becomes_of_its_reply() {
    let table = [
        ("503", UNAVAILABLE, "unknown"),
        ("the reply is lost", HANG_UP, "unknown"),
        ("the reply cannot be read", NONSENSE, "unknown"),
        ("a refusal", REFUSED, "rejected"),
        ("throttled", THROTTLED, "throttled"),
    ];
    let changes = [
        Change::FailoverDatabase { cluster: "c".to_owned(), target: "c-2".to_owned() },
        Change::FailoverCache { group: "g".to_owned(), shard: "0001".to_owned() },
    ];
    for (why, answer, want) in table {
        for change in &changes {
            let server = Server::start(answer).await;
            let error = server.aws().await.change(change).await.unwrap_err();
            assert_eq!(proves(&error), want, "{why}: {change}: {error}");
            assert_eq!(server.requests(), 1, "{why}: {change}");
        }
    }
}

#[tokio::test]
async fn a_read_is_tried_again_and_a_bounded_number_of_times() {
    for (answer, want, requests) in [(UNAVAILABLE, "unknown", 2), (REFUSED, "rejected", 1)] {
        let server = Server::start(answer).await;
        let error = server.aws().await.database("c").await.unwrap_err();
        assert_eq!((proves(&error), server.requests()), (want, requests), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_was_asked_and_what_aws_said() {
    let server = Server::start(REFUSED).await;
    let change = Change::FailoverDatabase { cluster: "c".to_owned(), target: "c-2".to_owned() };
    let error = server.aws().await.change(&change).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "fail database c over to c-2: AWS refused: InvalidDBClusterStateFault: is failing over"
    );
}
