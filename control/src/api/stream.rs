//! `GET /v1/stream`: everything as it happens, resumable by event.
//!
//! First `snapshot`, whose `seq` is where the stream goes on; then `environment` (the newest
//! replaces the one before), `journal` with its seq as SSE id, and `heartbeat`. A client that comes
//! back with `Last-Event-ID` gets a snapshot up to that event and every event after it, once.
//! A client that does not read is cut off, told so when it reads on, and resumes: it can slow down
//! nobody but itself.

use super::{Api, access::Caller, environments::snapshot, error::Error};
use crate::journal;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{Sse, sse::Event as SseEvent},
};
use futures::{Stream, StreamExt, future::ready, stream};
use protocol::control::{Cut, EnvironmentView, Heartbeat};
use serde::Serialize;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval, timeout},
};

/// Streams open at once. A dashboard needs one.
const STREAMS_MAX: usize = 64;
/// Messages waiting for one client: a screenful.
const QUEUE_MAX: usize = 64;
/// A client that takes nothing for this long is cut off.
const TAKE_MAX: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A client that missed more is sent a snapshot instead: it would not read them either.
const MISSED_MAX: u64 = 10_000;
/// Events read from the journal at once.
const PAGE_MAX: u32 = 500;

/// How many streams may be open, and how long one may stand still.
#[derive(Clone, Debug)]
pub struct Streams {
    places: Arc<Semaphore>,
    take_max: Duration,
}

impl Default for Streams {
    fn default() -> Self {
        Self::patient(TAKE_MAX)
    }
}

impl Streams {
    /// Streams whose clients may take nothing for this long.
    #[must_use]
    pub fn patient(take_max: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(STREAMS_MAX)), take_max }
    }

    /// How many more can be opened.
    #[must_use]
    pub fn free(&self) -> usize {
        self.places.available_permits()
    }
}

/// Opens a stream.
pub(super) async fn open(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>, Error> {
    let places = api.streams.places.clone();
    let permit = places.try_acquire_owned().map_err(|_| Error::TooManyStreams)?;
    // First listen, then look: what happens in between comes twice and is dropped by its seq.
    let events = api.app.journal.subscribe();
    let newest = api.app.journal.newest();
    let resume = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    // An id of another journal, or of too long ago, is none.
    let from = resume.filter(|seq| *seq <= newest && newest - seq <= MISSED_MAX);
    let seq = from.unwrap_or(newest);
    let first = snapshot(&api, &caller, seq).await?;
    let first = message("snapshot", Some(seq), &first);
    let (out, queue) = mpsc::channel(QUEUE_MAX);
    let (farewell, cut) = oneshot::channel();
    let feed = Feed { api: api.clone(), caller, out, seq, events, _permit: permit };
    api.app.tracker.spawn(feed.run(first, farewell));
    let messages = stream::unfold(queue, |mut queue| async {
        let message = queue.recv().await?;
        Some((Ok(message), queue))
    });
    // Who was cut off finds out when it reads on, after everything that was still in the queue.
    let farewell = stream::once(cut).filter_map(|cut| ready(cut.ok().map(Ok)));
    Ok(Sse::new(messages.chain(farewell)))
}

/// One client's side of the stream.
struct Feed {
    api: Api,
    caller: Caller,
    out: mpsc::Sender<SseEvent>,
    /// The newest journal event that the client was sent.
    seq: u64,
    events: broadcast::Receiver<Arc<journal::Event>>,
    _permit: OwnedSemaphorePermit,
}

/// Why a feed ends.
enum Gone {
    /// The client left.
    Client,
    /// The client does not take anything.
    Slow,
    /// The journal cannot be read: the client shall ask again.
    Journal,
}

impl Feed {
    async fn run(mut self, first: SseEvent, farewell: oneshot::Sender<SseEvent>) {
        let stop = self.api.app.stop.clone();
        let result = tokio::select! {
            () = stop.cancelled() => return,
            result = self.feed(first) => result,
        };
        match result {
            Err(Gone::Slow) => {
                let why = format!("nothing was read for {:?}", self.api.streams.take_max);
                // Nobody is there to tell any more: then nobody needs to be.
                let _ = farewell.send(message("cut", None, &Cut { seq: self.seq, why }));
            }
            Err(Gone::Journal) => {
                tracing::warn!(seq = self.seq, "a stream ends: the journal cannot be read");
            }
            Err(Gone::Client) | Ok(()) => {}
        }
    }

    async fn feed(&mut self, first: SseEvent) -> Result<(), Gone> {
        self.send(first).await?;
        self.catch_up().await?;
        let mut views = self.views();
        let mut beats = interval(HEARTBEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.events.recv() => match event {
                    Ok(event) => self.event(&event).await?,
                    // It fell behind; the journal has what the channel dropped.
                    Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up().await?,
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                Some(view) = views.next() => {
                    self.send(message("environment", None, view.as_ref())).await?;
                }
                _ = beats.tick() => {
                    let beat = Heartbeat { at: (self.api.app.clock)(), seq: self.seq };
                    self.send(message("heartbeat", None, &beat)).await?;
                }
            }
        }
    }

    /// Sends what the journal has and the client has not.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        loop {
            let page = self.api.app.journal.since(self.seq, PAGE_MAX).await;
            let page = page.map_err(|_| Gone::Journal)?;
            if page.is_empty() {
                return Ok(());
            }
            for event in &page {
                self.event(event).await?;
            }
        }
    }

    async fn event(&mut self, event: &journal::Event) -> Result<(), Gone> {
        if event.seq <= self.seq {
            return Ok(());
        }
        if self.caller.sees_subject(&event.subject) {
            self.send(message("journal", Some(event.seq), &event.view())).await?;
        }
        self.seq = event.seq;
        Ok(())
    }

    async fn send(&self, message: SseEvent) -> Result<(), Gone> {
        let sent = timeout(self.api.streams.take_max, self.out.send(message)).await;
        sent.map_err(|_| Gone::Slow)?.map_err(|_| Gone::Client)
    }

    /// Every change of every environment's view. One that is not taken is replaced by the next.
    fn views(&self) -> impl Stream<Item = Arc<EnvironmentView>> + Unpin + use<> {
        let environments = self.api.app.environments.iter();
        let seen = environments.filter(|(name, _)| self.caller.sees(name));
        let receivers = seen.map(|(_, live)| live.view.subscribe());
        let changes = receivers.map(|receiver| Box::pin(stream::unfold(receiver, change)));
        stream::select_all(changes)
    }
}

async fn change(
    mut receiver: watch::Receiver<Arc<EnvironmentView>>,
) -> Option<(Arc<EnvironmentView>, watch::Receiver<Arc<EnvironmentView>>)> {
    receiver.changed().await.ok()?;
    let view = Arc::clone(&receiver.borrow_and_update());
    Some((view, receiver))
}

fn message(kind: &str, id: Option<u64>, body: &impl Serialize) -> SseEvent {
    let data = serde_json::to_string(body).expect("our own types always become JSON");
    let event = SseEvent::default().event(kind).data(data);
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}
