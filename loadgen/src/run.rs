//! Drives the load: opens the wallets, sends on schedule, settles what stayed open.
//!
//! An unanswered write is not an error to forget: it is asked again under its key until the service
//! says what became of it, so that the audit can hold the ledger to every single request.

use crate::{
    config::Run,
    mix::{Mix, Operation, Request},
    schedule::Arrivals,
    send::{Client, Owner, Receipt},
    tally::{Outcome, Sample, Tally},
    token::Signer,
};
use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// Wallet creations and settlements in flight at once.
const SETUP_CONCURRENCY: usize = 32;
/// Finished requests waiting to be counted; the sender waits when it is full.
const RESULTS_MAX: usize = 65_536;
/// Every wallet starts with 1,000.00, so that withdrawals mostly succeed.
const OPENING_MINOR: i64 = 100_000;
/// Pause between two questions about the same open write.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// A write that the service acknowledged.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    pub operation: Operation,
    pub wallet: Uuid,
    /// Only for a transfer.
    pub destination: Option<Uuid>,
    pub amount_minor: i64,
    pub receipt: Receipt,
}

/// Everything the run knows about its writes, for the auditor.
#[derive(Debug, Default)]
pub struct Writes {
    /// The wallets that this run made; nobody else writes to them.
    pub wallets: Vec<Uuid>,
    pub acknowledged: Vec<Acknowledged>,
    /// Open writes that were settled by asking again.
    pub settled_later: u64,
    /// Writes whose fate the service never told, by their keys.
    pub unsettled: Vec<String>,
    /// Acknowledged answers that could not be read; each is a fault of the service.
    pub unreadable: Vec<String>,
}

struct Done {
    request: Request,
    key: String,
    sample: Sample,
    receipt: Option<Result<Receipt, String>>,
}

/// One run of load against one service.
pub struct Runner {
    client: Client,
    owners: Arc<Vec<Owner>>,
    /// Makes the keys of this run differ from every other run's.
    name: String,
    started: DateTime<Utc>,
}

impl Runner {
    /// Signs the users' tokens and creates their wallets; `now` is the run's wall-clock start.
    ///
    /// # Errors
    ///
    /// The key cannot be used, or a wallet could not be created within the settling time.
    pub async fn open(options: &Run, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let signer = Signer::open(&options.signing_key, &options.issuer, &options.audience)?;
        let client = Client::new(&options.url)?;
        let name = Uuid::new_v4().simple().to_string()[..12].to_owned();
        let deadline = Instant::now() + Duration::from_secs(options.settle_seconds);
        let owners: Vec<Owner> = stream::iter(0..options.wallets)
            .map(|number| {
                let (client, signer, name) = (&client, &signer, &name);
                async move {
                    let user = format!("load-{name}-{number}");
                    let token = signer.token(&user, "wallet:read wallet:write", now.timestamp())?;
                    let bearer = format!("Bearer {token}").parse()?;
                    let mut owner = Owner { user, wallet: Uuid::nil(), bearer };
                    let key = format!("{name}-open-{number}");
                    owner.wallet = loop {
                        match client.create_wallet(&owner, &key).await {
                            Ok(id) => break id,
                            Err(fault) if Instant::now() > deadline => return Err(fault),
                            Err(_) => tokio::time::sleep(ASK_AGAIN).await,
                        }
                    };
                    anyhow::Ok(owner)
                }
            })
            .buffered(SETUP_CONCURRENCY)
            .try_collect()
            .await
            .context("opening the wallets")?;
        Ok(Self { client, owners: Arc::new(owners), name, started: now })
    }

    /// Gives every wallet its opening balance. Part of the audited writes, not of the measured
    /// load.
    pub async fn fund(&self, settle: Duration) -> Writes {
        let mut writes = Writes {
            wallets: self.owners.iter().map(|owner| owner.wallet).collect(),
            ..Writes::default()
        };
        let open = (0..self.owners.len())
            .map(|wallet| {
                let request = Request {
                    number: 0,
                    operation: Operation::Deposit,
                    wallet,
                    destination: wallet,
                    amount_minor: OPENING_MINOR,
                    lookback_permille: 0,
                };
                (request, format!("{}-fund-{wallet}", self.name))
            })
            .collect();
        self.settle(open, settle, &mut writes).await;
        writes.settled_later = 0;
        writes
    }

    /// Sends the schedule, returns what was counted and the writes that stayed open.
    pub async fn drive(
        &self,
        options: &Run,
        stop: &CancellationToken,
        writes: &mut Writes,
    ) -> (Tally, Vec<(Request, String)>) {
        let (results, mut finished) = mpsc::channel::<Done>(RESULTS_MAX);
        let tracker = TaskTracker::new();
        let start = Instant::now();
        let sender = self.send_on_schedule(options, stop, start, &tracker, results);
        let counter = async {
            let mut tally = Tally::default();
            let mut open = Vec::new();
            while let Some(done) = finished.recv().await {
                tally.add(done.sample);
                if done.request.operation.writes() {
                    self.file(done, writes, &mut open);
                }
            }
            (tally, open)
        };
        let ((), counted) = tokio::join!(sender, counter);
        counted
    }

    async fn send_on_schedule(
        &self,
        options: &Run,
        stop: &CancellationToken,
        start: Instant,
        tracker: &TaskTracker,
        results: mpsc::Sender<Done>,
    ) {
        let waiting = Arc::new(Semaphore::new(options.waiting_max as usize));
        let mix = Mix::new(self.owners.len(), options.hot_percent, options.seed);
        let end = Duration::from_secs(options.seconds);
        let arrivals = Arrivals::new(options.rates.clone(), options.seed);
        for (due, request) in arrivals.take_while(|due| *due < end).zip(mix) {
            if start.elapsed() < due {
                tokio::select! {
                    () = tokio::time::sleep_until(start + due) => {}
                    () = stop.cancelled() => break,
                }
            } else if stop.is_cancelled() {
                break;
            }
            let key = format!("{}-{}", self.name, request.number);
            let Ok(permit) = Arc::clone(&waiting).try_acquire_owned() else {
                let sample = Sample {
                    operation: request.operation,
                    outcome: Outcome::Unsent,
                    due,
                    done: start.elapsed(),
                };
                // The counter lives as long as this sender, so the send cannot fail.
                let _ = results.send(Done { request, key, sample, receipt: None }).await;
                continue;
            };
            let (client, owners) = (self.client.clone(), Arc::clone(&self.owners));
            let (results, at) = (results.clone(), self.instant(start.elapsed(), &request));
            tracker.spawn(async move {
                let done = exchange(&client, &owners, request, key, &at, (start, due)).await;
                let _ = results.send(done).await;
                drop(permit);
            });
        }
        tracker.close();
        drop(results);
        tracker.wait().await;
    }

    /// The instant that a historical request asks for, in the form of the API.
    fn instant(&self, elapsed: Duration, request: &Request) -> String {
        let back = elapsed * request.lookback_permille / 1000;
        let at = self.started + elapsed.saturating_sub(back);
        at.to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    fn file(&self, done: Done, writes: &mut Writes, open: &mut Vec<(Request, String)>) {
        match (done.sample.outcome, done.receipt) {
            (_, Some(Ok(receipt))) => {
                let of = |number: usize| self.owners[number].wallet;
                let transfer = done.request.operation == Operation::Transfer;
                writes.acknowledged.push(Acknowledged {
                    operation: done.request.operation,
                    wallet: of(done.request.wallet),
                    destination: transfer.then(|| of(done.request.destination)),
                    amount_minor: done.request.amount_minor,
                    receipt,
                });
            }
            (_, Some(Err(fault))) => writes.unreadable.push(format!("{}: {fault}", done.key)),
            (Outcome::Unavailable, None) => open.push((done.request, done.key)),
            // Declined, refused or never sent: the audit finds it if it moved money all the same.
            (_, None) => {}
        }
    }

    /// Asks again about each open write, under its key, until its fate is known or time is up.
    pub async fn settle(
        &self,
        open: Vec<(Request, String)>,
        within: Duration,
        writes: &mut Writes,
    ) {
        let start = Instant::now();
        let mut answers = stream::iter(open)
            .map(|(request, key)| async move {
                loop {
                    let done = exchange(
                        &self.client,
                        &self.owners,
                        request,
                        key.clone(),
                        "",
                        (start, start.elapsed()),
                    )
                    .await;
                    if done.sample.outcome != Outcome::Unavailable || start.elapsed() > within {
                        return done;
                    }
                    tokio::time::sleep(ASK_AGAIN).await;
                }
            })
            .buffer_unordered(SETUP_CONCURRENCY);
        let mut still_open = Vec::new();
        while let Some(done) = answers.next().await {
            writes.settled_later += 1;
            self.file(done, writes, &mut still_open);
        }
        writes.settled_later -= still_open.len() as u64;
        writes.unsettled.extend(still_open.into_iter().map(|(_, key)| key));
    }
}

/// Sends one request and notes when it was done, relative to `clock.0`; it was due at `clock.1`.
async fn exchange(
    client: &Client,
    owners: &[Owner],
    request: Request,
    key: String,
    at: &str,
    (start, due): (Instant, Duration),
) -> Done {
    let owner = &owners[request.wallet];
    let destination = owners[request.destination].wallet;
    let answer = client.request(&request, owner, destination, &key, at).await;
    let receipt = (request.operation.writes() && answer.outcome == Outcome::Succeeded)
        .then(|| serde_json::from_slice(&answer.body).map_err(|fault| fault.to_string()));
    let sample = Sample {
        operation: request.operation,
        outcome: answer.outcome,
        due,
        done: start.elapsed(),
    };
    Done { request, key, sample, receipt }
}
