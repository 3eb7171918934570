//! A world for runs: a database cluster that fails over as Aurora does, probes that feel it, and a
//! journal whose process can be killed at any point. Time is virtual; nothing here sleeps for real.

use chrono::{DateTime, TimeDelta, Utc};
use control::{
    aws::Change,
    drill,
    driver::Clock,
    fleet::{Database, DatabaseInstance, Seen, Service},
    journal::JournalError,
    probe::Outcome,
    runbook::{
        action::Call,
        book::Runbook,
        drive::{DriveError, Driver, Record, Request},
        event::{DrillOrder, Event, Order, Reply, Stamped},
        machine, parse, plan, replay,
        site::Site,
        state::{Run, State},
        world::World,
    },
};
use futures::future::BoxFuture;
use protocol::control::Reading;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// What the cloud does with the failover that it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cloudy {
    /// Applied, and the reply arrives.
    Answers,
    /// Applied, and the reply is lost.
    LosesReply,
    /// Not applied, and no reply.
    LosesRequest,
    /// Refused.
    Refuses,
}

/// Everything outside of control, and what control did to it.
#[derive(Debug)]
pub(crate) struct Outside {
    start: Instant,
    pub(crate) cloudy: Cloudy,
    /// When a failover was applied, and to whom.
    failover: Option<(Duration, String)>,
    pub(crate) failovers_applied: u32,
    pub(crate) failovers_sent: u32,
    pub(crate) holds: BTreeMap<String, DateTime<Utc>>,
    /// How far each reader is behind; `None` is not known.
    pub(crate) lag_ms: Option<f64>,
    /// From here on every probe fails.
    pub(crate) broken_from: Option<Duration>,
    pub(crate) firing: Vec<protocol::control::Severity>,
    /// True while AWS does not say anything about the database.
    hidden: bool,
    /// What AWS says of the service, from when on; oldest first.
    pub(crate) services: Vec<(Duration, Service)>,
    /// The journal, as its file holds it.
    pub(crate) journal: Vec<serde_json::Value>,
    /// The journal takes no more events than this.
    pub(crate) journal_full_at: Option<usize>,
    /// Points passed at which the process could have died.
    points: u32,
    kill_at: Option<u32>,
}

/// The world, shared between the process that is killed and the one after it.
#[derive(Clone)]
pub(crate) struct Sim {
    pub(crate) outside: Arc<Mutex<Outside>>,
    died: Arc<Notify>,
}

/// Accepted, and nothing to be seen yet: Aurora still says `available`.
const ACCEPTED: Duration = Duration::from_secs(2);
/// Then failing over, with no writer.
const FAILING: Duration = Duration::from_secs(5);
/// Then the old writer restarts as a reader.
const REJOINING: Duration = Duration::from_secs(8);
const PROBE_EVERY: Duration = Duration::from_millis(250);

pub(crate) fn epoch() -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).expect("test durations are small")
}

impl Sim {
    pub(crate) fn new(cloudy: Cloudy, kill_at: Option<u32>) -> Self {
        let outside = Outside {
            start: Instant::now(),
            cloudy,
            failover: None,
            failovers_applied: 0,
            failovers_sent: 0,
            holds: BTreeMap::new(),
            lag_ms: Some(12.0),
            broken_from: None,
            firing: vec![],
            hidden: false,
            services: vec![],
            journal: vec![],
            journal_full_at: None,
            points: 0,
            kill_at,
        };
        Self { outside: Arc::new(Mutex::new(outside)), died: Arc::default() }
    }

    pub(crate) fn clock(&self) -> Clock {
        let start = self.outside.lock().unwrap().start;
        Arc::new(move || epoch() + delta(start.elapsed()))
    }

    pub(crate) fn points(&self) -> u32 {
        self.outside.lock().unwrap().points
    }

    /// Kills the process here, if this is the chosen point: the future never goes on.
    async fn point(&self) {
        let dies = {
            let mut outside = self.outside.lock().unwrap();
            outside.points += 1;
            outside.kill_at == Some(outside.points)
        };
        if dies {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Orders a run of `book` and returns it.
    pub(crate) fn order(&self, book: &Arc<Runbook>, drill: Option<&str>, approvals: u32) -> Run {
        let world = self.world();
        let params = BTreeMap::from([("cluster".to_owned(), "wallet-local".to_owned())]);
        let parsed = drill.map(|text| Arc::new(drill::parse("drill.yaml", text).unwrap()));
        let order = Order {
            environment: "local".to_owned(),
            runbook: book.name.clone(),
            revision: book.revision,
            text: book.text.clone(),
            plan_hash: plan::hash(book, parsed.as_ref(), "local", &params, &world),
            drill: parsed.as_ref().map(|drill| DrillOrder {
                name: drill.name.clone(),
                revision: drill.revision,
                text: drill.text.clone(),
            }),
            params,
            lock: "wallet-local".to_owned(),
            approvals,
            requested_by: "ana".to_owned(),
            reason: "a test".to_owned(),
            idempotency_key: None,
        };
        let event = Event::Ordered { order: Box::new(order.clone()) };
        let stamped = self.stamp("run-1", "ana", event);
        self.outside.lock().unwrap().journal.push(serde_json::to_value(&stamped).unwrap());
        replay::ordered("run-1", &order, &stamped).unwrap()
    }

    fn stamp(&self, run: &str, by: &str, event: Event) -> Stamped {
        Stamped { run: run.to_owned(), at: (self.clock())(), by: by.to_owned(), event }
    }

    /// The run as a process finds it that starts now.
    pub(crate) fn recover(&self) -> Run {
        let mut run = self.replay();
        if run.active() {
            let stamped = self.stamp(&run.id, "control", Event::Recovered { epoch: 2 });
            self.outside.lock().unwrap().journal.push(serde_json::to_value(&stamped).unwrap());
            run = machine::next(run, &stamped).unwrap().0;
        }
        run
    }

    /// The fold of the journal.
    pub(crate) fn replay(&self) -> Run {
        let mut runs = BTreeMap::new();
        for data in &self.outside.lock().unwrap().journal {
            replay::fold(&mut runs, data).unwrap();
        }
        runs.remove("run-1").expect("the run was ordered")
    }

    /// The kinds of everything that happened, in order.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let outside = self.outside.lock().unwrap();
        let stamped = outside.journal.iter().map(Stamped::deserialize_from);
        stamped.map(|stamped| stamped.event.kind().to_owned()).collect()
    }

    /// Drives the run until it ends, pauses, asks, or the process dies. Returns it as it stands.
    pub(crate) async fn drive(&self, run: Run) -> Run {
        self.drive_until(run, |_| false).await
    }

    /// As `drive`, until `enough`.
    pub(crate) async fn drive_until(&self, run: Run, enough: impl Fn(&Run) -> bool) -> Run {
        let settled =
            |run: &Run| enough(run) || matches!(run.state, State::Paused | State::AwaitingApproval);
        self.drive_on(run, settled, None).await
    }

    /// Drives until the run has ended, whatever happens in between.
    pub(crate) async fn drive_to_end(&self, run: Run) -> Run {
        self.drive_on(run, |_| false, None).await
    }

    /// Drives while whoever gets the other end of `opened` gives orders, and until they are done.
    pub(crate) async fn drive_open(
        &self,
        run: Run,
        opened: mpsc::Sender<mpsc::Sender<Request>>,
    ) -> Run {
        self.drive_on(run, |_| false, Some(opened)).await
    }

    /// Drives until it ends or cannot go on.
    pub(crate) async fn drive_or_fail(&self, run: Run) -> Result<(), DriveError> {
        let (_requests, inbox) = mpsc::channel(8);
        self.driver(watch::Sender::new(run), inbox).drive().await
    }

    fn driver(&self, run: watch::Sender<Run>, requests: mpsc::Receiver<Request>) -> Driver {
        Driver {
            clock: self.clock(),
            record: Arc::new(self.clone()),
            site: Arc::new(self.clone()),
            run,
            requests,
            stop: CancellationToken::new(),
        }
    }

    async fn drive_on(
        &self,
        run: Run,
        settled: impl Fn(&Run) -> bool,
        opened: Option<mpsc::Sender<mpsc::Sender<Request>>>,
    ) -> Run {
        let (sender, mut seen) = watch::channel(run);
        let (requests, inbox) = mpsc::channel(8);
        let talking = opened.is_some();
        let talked = match opened {
            Some(opened) => {
                opened.send(requests.clone()).await.expect("somebody wants to talk");
                Some(opened)
            }
            None => None,
        };
        let driver = self.driver(sender, inbox);
        let halted = seen.clone();
        let standing = async {
            if let Some(talked) = talked {
                // They drop their end when they have said everything.
                talked.closed().await;
                return;
            }
            seen.wait_for(|run| settled(run) || !run.active()).await.map(|_| ()).ok();
        };
        let driven = async {
            driver.drive().await.unwrap();
            if talking {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = driven => {}
            () = standing => {}
            () = self.died.notified() => {}
            () = tokio::time::sleep(Duration::from_secs(7200)) => panic!("it never settled"),
        }
        drop(requests);
        halted.borrow().clone()
    }

    /// The world as it is now.
    pub(crate) fn world(&self) -> World {
        let outside = self.outside.lock().unwrap();
        let elapsed = outside.start.elapsed();
        let now = epoch() + delta(elapsed);
        let mut world = World { alerts: Some(outside.firing.clone()), ..World::default() };
        if !outside.hidden {
            world.database = Some(Seen { value: outside.database(elapsed), at: now });
        }
        let service = outside.services.iter().rev().find(|(from, _)| *from <= elapsed);
        world.service = service.map(|(_, service)| Seen { value: service.clone(), at: now });
        for id in ["db-1", "db-2", "db-3"] {
            let reading =
                outside.lag_ms.map_or(Reading::Absent, |value| Reading::Fresh { value, at: now });
            world.replica_lag_ms.insert(id.to_owned(), reading);
        }
        world.signals.insert("error_percent".to_owned(), Reading::Fresh { value: 0.0, at: now });
        let newest = elapsed.as_millis() / PROBE_EVERY.as_millis();
        let newest = u32::try_from(newest).unwrap();
        // Enough to measure with; a wallet that stays broken needs a longer memory.
        let kept = if outside.broken_from.is_some() { 1_200 } else { 200 };
        for index in newest.saturating_sub(kept)..=newest {
            let at = PROBE_EVERY * index;
            world.probe.push(Outcome {
                at: epoch() + delta(at),
                ok: outside.probe(at),
                latency: Duration::from_millis(4),
                detail: String::new(),
            });
        }
        world
    }
}

trait FromValue: Sized {
    fn deserialize_from(value: &serde_json::Value) -> Self;
}

impl FromValue for Stamped {
    fn deserialize_from(value: &serde_json::Value) -> Self {
        serde_json::from_value(value.clone()).unwrap()
    }
}

impl Outside {
    fn database(&self, elapsed: Duration) -> Database {
        let since = self.failover.as_ref().map(|(at, _)| elapsed.saturating_sub(*at));
        let target = self.failover.as_ref().map_or("db-2", |(_, target)| target.as_str());
        let writer = match since {
            Some(since) if since >= ACCEPTED + FAILING => Some(target),
            Some(since) if since >= ACCEPTED => None,
            _ => Some("db-1"),
        };
        let failing = since.is_some_and(|s| (ACCEPTED..ACCEPTED + FAILING).contains(&s));
        let rejoining = since.is_some_and(|s| s >= ACCEPTED && s < ACCEPTED + FAILING + REJOINING);
        let instance = |id: &str, tier: u32| DatabaseInstance {
            id: id.to_owned(),
            zone: "sa-east-1a".to_owned(),
            status: if rejoining && id == "db-1" { "rebooting" } else { "available" }.to_owned(),
            writer: writer == Some(id),
            promotion_tier: tier,
            class: "db.r6g.large".to_owned(),
        };
        Database {
            cluster: "wallet-local".to_owned(),
            status: if failing { "failing-over" } else { "available" }.to_owned(),
            writer_endpoint: "writer.local".to_owned(),
            reader_endpoint: "reader.local".to_owned(),
            port: 3306,
            instances: vec![instance("db-1", 0), instance("db-2", 1), instance("db-3", 2)],
        }
    }

    fn write(&mut self, data: serde_json::Value) -> Result<(), JournalError> {
        if self.journal_full_at.is_some_and(|full| self.journal.len() >= full) {
            return Err(JournalError::Superseded { ours: 1, theirs: 2 });
        }
        self.journal.push(data);
        Ok(())
    }

    fn probe(&self, at: Duration) -> bool {
        let failing = self
            .failover
            .as_ref()
            .is_some_and(|(from, _)| (*from + ACCEPTED..*from + ACCEPTED + FAILING).contains(&at));
        !failing && self.broken_from.is_none_or(|from| at < from)
    }
}

impl Record for Sim {
    fn append<'a>(&'a self, stamped: &'a Stamped) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            self.point().await;
            let data = serde_json::to_value(stamped).unwrap();
            self.outside.lock().unwrap().write(data)?;
            self.point().await;
            Ok(())
        })
    }
}

impl Site for Sim {
    fn look(&self, _: DateTime<Utc>) -> BoxFuture<'_, World> {
        Box::pin(async { self.world() })
    }

    fn perform<'a>(&'a self, call: &'a Call, _: DateTime<Utc>) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            self.point().await;
            let reply = self.outside.lock().unwrap().perform(call);
            self.point().await;
            match reply {
                Some(reply) => reply,
                None => std::future::pending().await,
            }
        })
    }

    fn watch_closely(&self, _: bool) {}
}

impl Outside {
    /// `None` when the reply is lost.
    fn perform(&mut self, call: &Call) -> Option<Reply> {
        let elapsed = self.start.elapsed();
        let accepted = |receipt: &str| Some(Reply::Accepted { receipt: receipt.to_owned() });
        match call {
            Call::Cloud { change: Change::FailoverDatabase { target, .. } } => {
                self.failovers_sent += 1;
                if matches!(self.cloudy, Cloudy::Answers | Cloudy::LosesReply) {
                    self.failovers_applied += 1;
                    self.failover = Some((elapsed, target.clone()));
                }
                match self.cloudy {
                    Cloudy::Answers => accepted("failing over"),
                    Cloudy::Refuses => {
                        let why = "InvalidDBClusterStateFault".to_owned();
                        Some(Reply::Rejected { why })
                    }
                    Cloudy::LosesReply | Cloudy::LosesRequest => None,
                }
            }
            Call::Hold { id, expires_at, .. } => {
                self.holds.insert(id.clone(), *expires_at);
                accepted("held")
            }
            Call::Release { id } => {
                self.holds.remove(id);
                accepted("released")
            }
            Call::Cloud { change } => panic!("a failover run never asks for: {change}"),
        }
    }
}

/// The repository's own runbook.
pub(crate) fn failover_book() -> Arc<Runbook> {
    let text = read("aurora-writer-failover.yaml");
    Arc::new(parse::runbook("aurora-writer-failover.yaml", &text).unwrap())
}

/// The repository's own drill.
pub(crate) fn gameday() -> String {
    read("drills/aurora-failover-gameday.yaml")
}

fn read(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runbooks");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

impl Sim {
    /// Chooses another point to die at; 0 is none.
    pub(crate) fn kill_at(&self, point: u32) {
        self.outside.lock().unwrap().kill_at = Some(point);
    }

    /// Somebody else fails the cluster over.
    pub(crate) fn fail_over_behind_our_back(&self, target: &str) {
        let mut outside = self.outside.lock().unwrap();
        outside.failover = Some((outside.start.elapsed(), target.to_owned()));
    }

    /// AWS says nothing about the database any more, or again.
    pub(crate) fn hide_database(&self, hidden: bool) {
        self.outside.lock().unwrap().hidden = hidden;
    }

    /// Lets one event happen, as a person's order does.
    pub(crate) fn take(&self, run: Run, by: &str, event: Event) -> Run {
        let stamped = self.stamp(&run.id, by, event);
        let (run, _) = machine::next(run, &stamped).unwrap();
        self.outside.lock().unwrap().journal.push(serde_json::to_value(&stamped).unwrap());
        run
    }
}
