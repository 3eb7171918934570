//! One request from a client to a target and the answer back, bodies streamed both ways.
//!
//! A request is sent once. The exception proves nothing was sent: an idle connection that the
//! target closed before the request reached it gives the request back, and a fresh one takes it.

use super::Shared;
use super::target::Target;
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// The answer's body: a target's, or a few words of our own.
pub(super) type Answer = Response<Either<Lent, Full<Bytes>>>;

/// Headers that concern one connection only (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// A connection is ready as soon as its driver saw the end of the answer before; one that is not
/// still carries a request whose answer came early, and is better closed than waited for.
const READY_LIMIT: Duration = Duration::from_millis(20);

/// Why the balancer answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    NoTarget,
    Broken,
    Late,
}

impl Failure {
    fn status(self) -> StatusCode {
        match self {
            Failure::NoTarget => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Broken => StatusCode::BAD_GATEWAY,
            Failure::Late => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// Forwards a request.
pub(super) async fn forward(
    shared: &Shared,
    client: IpAddr,
    mut request: Request<Incoming>,
) -> Answer {
    shared.meter.request();
    let Some(target) = shared.next_target() else {
        return refuse(shared, Failure::NoTarget);
    };
    adapt(shared, client, request.headers_mut());
    match tokio::time::timeout(shared.settings.answer_limit, send(shared, &target, request)).await {
        Ok(Ok((connection, answer))) => {
            let (mut head, body) = answer.into_parts();
            HOP_BY_HOP.iter().for_each(|name| drop(head.headers.remove(name)));
            let lent = Lent { body, connection: Some((connection, target)) };
            Response::from_parts(head, Either::Left(lent))
        }
        Ok(Err(failure)) => refuse(shared, failure),
        Err(_) => refuse(shared, Failure::Late),
    }
}

/// Sends the request over an idle connection, or a new one, and waits for the answer's head.
async fn send(
    shared: &Shared,
    target: &Target,
    mut request: Request<Incoming>,
) -> Result<(SendRequest<Incoming>, Response<Incoming>), Failure> {
    // Bounded by the idle connections: each is taken out, and the last resort is a new one.
    while let Some(mut connection) = target.idle() {
        if !matches!(tokio::time::timeout(READY_LIMIT, connection.ready()).await, Ok(Ok(()))) {
            continue;
        }
        let sent = Instant::now();
        match connection.try_send_request(request).await {
            Ok(answer) => {
                shared.meter.answered(answer.status().as_u16(), sent.elapsed());
                return Ok((connection, answer));
            }
            Err(mut error) => match error.take_message() {
                Some(unsent) => request = unsent,
                None => return Err(Failure::Broken),
            },
        }
    }
    let mut connection = connect(shared, target).await?;
    let sent = Instant::now();
    let answer = connection.send_request(request).await.map_err(|_| Failure::Broken)?;
    shared.meter.answered(answer.status().as_u16(), sent.elapsed());
    Ok((connection, answer))
}

async fn connect(shared: &Shared, target: &Target) -> Result<SendRequest<Incoming>, Failure> {
    let stream = TcpStream::connect(crate::port::address(target.port)).await;
    let stream = stream.map_err(|_| Failure::Broken)?;
    stream.set_nodelay(true).map_err(|_| Failure::Broken)?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (connection, driver) = handshake.map_err(|_| Failure::Broken)?;
    shared.tasks.spawn(shared.stop.clone().run_until_cancelled_owned(async move {
        // Its end is seen by whoever waits for an answer on it.
        let _ = driver.await;
    }));
    Ok(connection)
}

/// Removes what ends here and adds what the target should know.
fn adapt(shared: &Shared, client: IpAddr, headers: &mut HeaderMap) {
    HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(name)));
    let client = match headers.get(FORWARDED_FOR).and_then(|before| before.to_str().ok()) {
        Some(before) => format!("{before}, {client}"),
        None => client.to_string(),
    };
    if let Ok(client) = HeaderValue::try_from(client) {
        headers.insert(FORWARDED_FOR, client);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    if !headers.contains_key(TRACE_ID) {
        let (high, low) = (rand::random::<u32>(), rand::random::<u64>());
        let seconds = (shared.settings.clock)().timestamp();
        let id = format!("Root=1-{seconds:08x}-{high:08x}{low:016x}");
        headers.insert(TRACE_ID, HeaderValue::try_from(id).expect("is hexadecimal"));
    }
}

fn refuse(shared: &Shared, failure: Failure) -> Answer {
    shared.meter.failed();
    let status = failure.status();
    let text = Bytes::from(format!("<html><body><h1>{status}</h1></body></html>\r\n"));
    let mut answer = Response::new(Either::Right(Full::new(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::SERVER, HeaderValue::from_static("awselb/2.0"));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    answer
}

/// A target's body, which gives the connection back once it was read to its end. Dropped before
/// that, it takes the connection with it: what is left on it belongs to nobody.
pub(super) struct Lent {
    body: Incoming,
    connection: Option<(SendRequest<Incoming>, Arc<Target>)>,
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.body.is_end_stream()
            && let Some((connection, target)) = self.connection.take()
        {
            target.give_back(connection);
        }
    }
}
