//! Drives one run to its end: looks, asks what is due, writes it down, does what it orders.
//!
//! No event takes effect before the journal has it. Between two events the run can be killed at
//! any point: [`replay`](super::replay) folds the journal, and this continues.

use super::{
    condition::Streaks,
    due::due,
    event::{Event, Reply, Stamped},
    machine::{Command, IllegalEvent, next},
    plan,
    refusal::Refusal,
    site::Site,
    state::{Run, State, StepState},
    view,
};
use crate::{driver::Clock, journal::JournalError};
use futures::future::BoxFuture;
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// How often a run looks at the world when its step does not say.
const BEAT: Duration = Duration::from_secs(1);

/// Where events become durable. The journal, or a simulation of one that dies.
pub trait Record: Send + Sync {
    /// Appends one event; it is durable when this returns.
    fn append<'a>(&'a self, stamped: &'a Stamped) -> BoxFuture<'a, Result<(), JournalError>>;
}

/// What a person wants of a run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Says yes to what asks for an approval.
    Approve(String),
    /// Says no to it: the run ends.
    Reject(String),
    Pause(String),
    Resume(String),
    /// Begins the step again that stopped the run.
    Retry(String),
    /// Goes on without the step that stopped the run.
    Skip(String),
    Abort(String),
}

/// An order with who gave it and where the answer goes.
pub struct Request {
    pub order: Order,
    pub by: String,
    /// The state that whoever ordered it saw.
    pub expected: Option<String>,
    pub answer: oneshot::Sender<Result<(), Refusal>>,
}

/// Why a run is no longer driven although it has not ended.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    #[error("recording what happened to run {run}")]
    Journal { run: String, source: JournalError },
    #[error("driving run {run}")]
    Illegal { run: String, source: IllegalEvent },
}

/// Everything that driving needs.
pub struct Driver {
    pub clock: Clock,
    pub record: Arc<dyn Record>,
    pub site: Arc<dyn Site>,
    /// The run as it stands, for whoever looks.
    pub run: watch::Sender<Run>,
    pub requests: mpsc::Receiver<Request>,
    pub stop: CancellationToken,
}

impl Driver {
    /// Drives until the run has ended or the process shall stop.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written: then nothing more is done.
    pub async fn drive(mut self) -> Result<(), DriveError> {
        self.site.watch_closely(true);
        let result = self.until_ended().await;
        self.site.watch_closely(false);
        result
    }

    async fn until_ended(&mut self) -> Result<(), DriveError> {
        let mut streaks = Streaks::default();
        while self.run.borrow().active() {
            if self.stop.is_cancelled() {
                return Ok(());
            }
            let asked_at = (self.clock)();
            let world = self.site.look(asked_at).await;
            let event = due(&self.run.borrow(), &world, &mut streaks, (self.clock)());
            if let Some(event) = event {
                let commands = self.take("control", event).await?;
                for command in commands {
                    self.obey(command).await?;
                }
                continue;
            }
            let beat = beat(&self.run.borrow());
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                request = self.requests.recv() => match request {
                    Some(request) => self.serve(request).await?,
                    // Nobody can ask any more: go on by the clock alone.
                    None => tokio::time::sleep(beat).await,
                },
                () = tokio::time::sleep(beat) => {}
            }
        }
        Ok(())
    }

    /// Checks that the event may follow, writes it down, and lets it take effect.
    async fn take(&self, by: &str, event: Event) -> Result<Vec<Command>, DriveError> {
        let run = self.run.borrow().clone();
        let id = run.id.clone();
        let stamped = Stamped { run: id.clone(), at: (self.clock)(), by: by.to_owned(), event };
        let (run, commands) = next(run, &stamped)
            .map_err(|source| DriveError::Illegal { run: id.clone(), source })?;
        let written = self.record.append(&stamped).await;
        written.map_err(|source| DriveError::Journal { run: id, source })?;
        self.run.send_replace(run);
        Ok(commands)
    }

    async fn obey(&self, command: Command) -> Result<(), DriveError> {
        match command {
            Command::Send { step, attempt, call, timeout } => {
                self.take("control", Event::IntentSent { step: step.clone(), attempt }).await?;
                let reply = self.perform(&call, timeout).await;
                self.take("control", Event::Replied { step, attempt, reply }).await?;
            }
            Command::Undo { step, call, timeout } => {
                let event = match self.perform(&call, timeout).await {
                    Reply::Accepted { .. } => Event::UndoDone { step },
                    Reply::Rejected { why } | Reply::Unknown { why } => {
                        Event::UndoFailed { step, why }
                    }
                };
                self.take("control", event).await?;
            }
        }
        Ok(())
    }

    async fn perform(&self, call: &super::action::Call, timeout: Duration) -> Reply {
        let reply = self.site.perform(call, (self.clock)());
        tokio::time::timeout(timeout, reply).await.unwrap_or_else(|_| Reply::Unknown {
            why: format!("no answer within {}", crate::document::print_duration(timeout)),
        })
    }

    /// Does what a person wants, if it may follow. A refusal changes nothing.
    async fn serve(&self, request: Request) -> Result<(), DriveError> {
        let Request { order, by, expected, answer } = request;
        let result = match self.event(order, &by, expected).await {
            Err(refusal) => Err(refusal),
            Ok(event) => match self.take(&by, event).await {
                Ok(_) => Ok(()),
                Err(DriveError::Illegal { source, .. }) => Err(Refusal::Illegal(source)),
                Err(error) => return Err(error),
            },
        };
        // Who asked may be gone; the order stands.
        let _ = answer.send(result);
        Ok(())
    }

    /// The event that an order asks for, if the run is as whoever ordered it believes.
    async fn event(
        &self,
        order: Order,
        by: &str,
        expected: Option<String>,
    ) -> Result<Event, Refusal> {
        let (id, state) = (self.run.borrow().id.clone(), self.run.borrow().state);
        if let Some(expected) = expected.filter(|expected| expected != view::state(state)) {
            return Err(Refusal::Moved { run: id, expected, state });
        }
        let words = |why: String| format!("{by}: {why}");
        Ok(match order {
            Order::Approve(why) => self.approval(why).await,
            Order::Reject(why) => Event::ApprovalRejected { step: self.asking(), why: words(why) },
            Order::Pause(why) => Event::Paused { why: words(why) },
            Order::Resume(why) => Event::Resumed { why: words(why) },
            Order::Retry(why) => {
                self.stopped("retry")?;
                Event::Resumed { why: words(why) }
            }
            Order::Skip(why) => Event::SkipAsked { step: self.stopped("skip")?, why: words(why) },
            Order::Abort(why) => Event::AbortAsked { why: words(why) },
        })
    }

    /// The step that asks for an approval; no name when none does, which no run takes.
    fn asking(&self) -> String {
        let run = self.run.borrow();
        run.asking.as_ref().map(|asking| asking.step.clone()).unwrap_or_default()
    }

    /// The step that stopped the run.
    fn stopped(&self, order: &str) -> Result<String, Refusal> {
        let run = self.run.borrow();
        let stopped = run.stopped().map(|step| step.id.clone());
        stopped.ok_or_else(|| {
            Refusal::Illegal(IllegalEvent {
                run: run.id.clone(),
                state: run.state,
                event: order.to_owned(),
                why: "no step stopped it".to_owned(),
            })
        })
    }

    /// An approval is for the world as it is now: when that moved, the hash moved with it.
    async fn approval(&self, why: String) -> Event {
        let world = self.site.look((self.clock)()).await;
        let step = self.asking();
        let run = self.run.borrow();
        let order = &run.order;
        let plan_hash =
            plan::hash(&run.book, run.drill.as_ref(), &order.environment, &order.params, &world);
        Event::Approved { step, plan_hash, why }
    }
}

/// How long until the next look.
fn beat(run: &Run) -> Duration {
    if run.state != State::Running {
        return BEAT;
    }
    let waits = run.stage().into_iter().flatten().filter_map(|step| match &step.task {
        super::book::Task::Wait { every, .. } if run.step(step).state == StepState::Waiting => {
            Some(*every)
        }
        _ => None,
    });
    waits.min().unwrap_or(BEAT)
}
