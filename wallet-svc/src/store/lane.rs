//! One lane: a task with one connection, which commits whatever is queued in one transaction.
//!
//! There is no timer. An idle lane commits a batch of one at once; while it does, the next batch
//! gathers by itself. A failed batch is carried out again through the same path: keys are looked up
//! under the wallets' locks, so that what was already committed is found and not repeated.

use super::connection::{Connection, Fault};
use super::shared::Shared;
use super::sql::Sql;
use super::{Mode, RETRY_AFTER, SubmitError, transaction};
use crate::ledger::batch;
use crate::ledger::command::{Command, Outcome};
use crate::ledger::id::TransactionIds;
use crate::ledger::locked::Stripes;
use crate::ledger::money::Currency;
use crate::ledger::wallet::{Kind, Wallet};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Most commands in one transaction.
const COMMANDS_MAX: usize = 128;

/// Most wallets locked in one transaction: beyond 200 values MySQL stops looking at each value of
/// an IN list. Two for each currency are kept free for wallets of ours.
const WALLETS_MAX: usize = 200 - 2 * Currency::COUNT;

/// How often a batch meets a conflict before it is split.
const CONFLICTS_MAX: u32 = 5;

/// Between two tries. Short, because a failover ends when it ends.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(200);

/// What is to be done, and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) deadline: Instant,
    /// Set by the first of lane and caller: whose is it to say what became of the command?
    pub(super) begun: Arc<AtomicBool>,
}

/// One command, or several that are carried out together or not at all.
#[derive(Debug)]
pub(super) enum Work {
    One(Command, Reply<Outcome>),
    Together(Vec<Command>, Reply<Vec<Outcome>>),
}

/// Where the answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, SubmitError>>;

impl Work {
    pub(super) fn commands(&self) -> &[Command] {
        match self {
            Self::One(command, _) => std::slice::from_ref(command),
            Self::Together(commands, _) => commands,
        }
    }

    /// Takes its outcomes off `outcomes`. A caller that left is not an error; its key will find
    /// the outcome.
    fn answer(self, outcomes: &mut impl Iterator<Item = Outcome>) {
        const ONE_EACH: &str = "each command has an outcome";
        match self {
            Self::One(_, reply) => drop(reply.send(Ok(outcomes.next().expect(ONE_EACH)))),
            Self::Together(commands, reply) => {
                drop(reply.send(Ok(outcomes.take(commands.len()).collect())));
            }
        }
    }

    fn fail(self, error: SubmitError) {
        match self {
            Self::One(_, reply) => drop(reply.send(Err(error))),
            Self::Together(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

/// Jobs that go through one transaction.
struct Batch {
    jobs: Vec<Job>,
    /// An earlier try may have been committed.
    in_doubt: bool,
}

/// The task's state.
pub(super) struct Lane {
    shared: Arc<Shared>,
    connection: Option<Connection>,
    /// Of [`Shared::writer_epoch`] when the connection was opened.
    epoch: u64,
    sql: Sql,
    stripes: Stripes,
    /// The currencies whose settlement wallets every batch locks: those that were ever needed.
    currencies: BTreeSet<Currency>,
    ids: TransactionIds,
}

impl Lane {
    /// `seed` must be random, and is what tells the ids of two lanes apart.
    pub(super) fn new(shared: Arc<Shared>, stripe: u8, seed: u64) -> Self {
        Self {
            shared,
            connection: None,
            epoch: 0,
            sql: Sql::default(),
            stripes: Stripes::new(stripe),
            currencies: BTreeSet::new(),
            ids: TransactionIds::new(seed),
        }
    }

    /// Serves the queue until `stop`, and then what is left in it.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>, stop: CancellationToken) {
        let mut waiting = VecDeque::new();
        let mut taken = Vec::with_capacity(COMMANDS_MAX);
        loop {
            if waiting.is_empty() {
                tokio::select! {
                    biased;
                    () = stop.cancelled(), if !queue.is_closed() => queue.close(),
                    n = queue.recv_many(&mut taken, COMMANDS_MAX) => if n == 0 { break },
                }
            } else {
                // What the last batch left over goes first; nobody waits for more to come.
                while taken.len() < COMMANDS_MAX - waiting.len().min(COMMANDS_MAX) {
                    match queue.try_recv() {
                        Ok(job) => taken.push(job),
                        Err(_) => break,
                    }
                }
            }
            waiting.extend(taken.drain(..));
            let jobs = next_batch(&mut waiting);
            self.serve(jobs).await;
        }
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }

    async fn serve(&mut self, jobs: Vec<Job>) {
        // Halves of halves: at most 128 commands, so at most eight deep.
        let mut stack = vec![Batch { jobs, in_doubt: false }];
        while let Some(batch) = stack.pop() {
            if let Some((first, second)) = self.carry_out(batch).await {
                self.shared.meters.bisections.fetch_add(1, Ordering::Relaxed);
                stack.push(second);
                stack.push(first);
            }
        }
    }

    /// Tries until every job has its answer, or gives back the halves of a batch that the database
    /// refuses as a whole.
    async fn carry_out(&mut self, mut batch: Batch) -> Option<(Batch, Batch)> {
        let mut conflicts = 0;
        let mut pause = PAUSE;
        loop {
            answer_expired(&mut batch);
            if batch.jobs.is_empty() {
                return None;
            }
            let (fault, in_doubt) = match self.attempt(&batch.jobs).await {
                Ok(outcomes) => {
                    let mut outcomes = outcomes.into_iter();
                    batch.jobs.into_iter().for_each(|job| job.work.answer(&mut outcomes));
                    return None;
                }
                Err(failed) => failed,
            };
            batch.in_doubt |= in_doubt;
            match fault {
                // While in doubt the one in the way may be our own earlier transaction.
                Fault::Conflict if conflicts < CONFLICTS_MAX || batch.in_doubt => {
                    conflicts += 1;
                    self.shared.meters.conflicts.fetch_add(1, Ordering::Relaxed);
                    sleep((PAUSE * conflicts).min(PAUSE_MAX)).await;
                }
                Fault::Conflict | Fault::Refused => return split(batch),
                Fault::ReadOnly => {
                    self.shared.set_mode(Mode::ReadOnly);
                    if !batch.in_doubt {
                        answer_all(batch.jobs, SubmitError::ReadOnly { retry_after: RETRY_AFTER });
                        return None;
                    }
                    sleep(PAUSE_MAX).await;
                }
                Fault::Lost => {
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// One transaction. On failure says why, and whether it may have been committed nevertheless.
    async fn attempt(&mut self, jobs: &[Job]) -> Result<Vec<Outcome>, (Fault, bool)> {
        let mut connection = self.connect().await.map_err(|fault| (fault, false))?;
        let groups: Vec<&[Command]> = jobs.iter().map(|job| job.work.commands()).collect();
        let commands_count = groups.iter().map(|group| group.len()).sum::<usize>();
        match self.transact(&mut connection, &groups).await {
            Ok(outcomes) => {
                self.connection = Some(connection);
                self.shared.meters.batches.fetch_add(1, Ordering::Relaxed);
                let count = u64::try_from(commands_count).expect("a batch is small");
                self.shared.meters.commands.fetch_add(count, Ordering::Relaxed);
                Ok(outcomes)
            }
            Err((error, committing)) => {
                let fault = Fault::of(&error);
                let in_doubt = committing && fault == Fault::Lost;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    in_doubt,
                    commands = commands_count,
                    "a batch failed: {fault:?}"
                );
                match fault {
                    Fault::Conflict | Fault::Refused => {
                        if connection.roll_back().await.is_ok() {
                            self.connection = Some(connection);
                        }
                    }
                    // Dropped with all that it had begun.
                    Fault::ReadOnly | Fault::Lost => {}
                }
                Err((fault, in_doubt))
            }
        }
    }

    async fn transact(
        &mut self,
        connection: &mut Connection,
        groups: &[&[Command]],
    ) -> Result<Vec<Outcome>, (sqlx::Error, bool)> {
        let commands: Vec<&Command> = groups.iter().copied().flatten().collect();
        let (locked, decision) = loop {
            let wallets = wallets_of(&commands, &self.stripes, &self.currencies);
            let (mut locked, now_us) =
                transaction::lock(connection, &mut self.sql, &wallets, &commands)
                    .await
                    .map_err(|error| (error, false))?;
            let (stripes, fees) = (&self.stripes, &*self.shared.fees);
            match batch::decide(&mut locked, groups, stripes, fees, now_us, &mut self.ids) {
                Ok(decision) => break (locked, decision),
                // At most once per currency in the life of a lane.
                Err(batch::StripeNotLocked(currency)) => {
                    self.currencies.insert(currency);
                    connection.roll_back().await.map_err(|error| (error, false))?;
                }
            }
        };
        transaction::commit(connection, &mut self.sql, &locked, &decision)
            .await
            .map_err(|error| (error, true))?;
        if let Some(cache) = &self.shared.cache {
            let customers = |wallet: &&Wallet| wallet.kind == Kind::Customer;
            let changed = locked.opened().chain(locked.updated()).filter(customers);
            cache.put(changed.map(|wallet| (wallet.clone(), wallet.last_at_us)).collect());
        }
        Ok(decision.outcomes)
    }

    async fn connect(&mut self) -> Result<Connection, Fault> {
        let epoch = self.shared.writer_epoch();
        if let Some(connection) = self.connection.take()
            && self.epoch == epoch
        {
            return Ok(connection);
        }
        match Connection::open_writer(&self.shared.writer).await {
            Ok(Some(connection)) => {
                self.epoch = epoch;
                self.shared.meters.connects.fetch_add(1, Ordering::Relaxed);
                Ok(connection)
            }
            Ok(None) => Err(Fault::ReadOnly),
            // Whatever the server says while connecting, a wrong password included: not now.
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a lane cannot connect to the writer"
                );
                Err(Fault::Lost)
            }
        }
    }
}

/// All wallets that a batch works on, ascending without repeats.
pub(super) fn wallets_of(
    commands: &[&Command],
    stripes: &Stripes,
    currencies: &BTreeSet<Currency>,
) -> Vec<Uuid> {
    let mut ids = Vec::with_capacity(commands.len() * 2 + currencies.len());
    for command in commands {
        ids.extend(command.wallets());
    }
    for currency in currencies {
        ids.extend([stripes.of(*currency), stripes.revenue(*currency)]);
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Takes jobs until a cap is reached. Those whose callers have given up are skipped. A job that is
/// beyond the caps alone goes alone.
fn next_batch(waiting: &mut VecDeque<Job>) -> Vec<Job> {
    let mut jobs = Vec::with_capacity(waiting.len().min(COMMANDS_MAX));
    let (mut wallets, mut commands) = (BTreeSet::new(), 0);
    while commands < COMMANDS_MAX
        && wallets.len() + 2 <= WALLETS_MAX
        && let Some(job) = waiting.pop_front()
    {
        let more = job.work.commands();
        let touched = || more.iter().flat_map(Command::wallets);
        // Counted with repeats: only what is big is looked at so closely.
        let fits = commands + more.len() <= COMMANDS_MAX
            && (more.len() == 1 && touched().nth(2).is_none()
                || wallets.len() + touched().count() <= WALLETS_MAX);
        if !jobs.is_empty() && !fits {
            waiting.push_front(job);
            break;
        }
        if job.begun.swap(true, Ordering::AcqRel) {
            continue;
        }
        commands += more.len();
        wallets.extend(touched());
        jobs.push(job);
    }
    jobs
}

/// The halves, or the answer if there is only one command to blame.
fn split(mut batch: Batch) -> Option<(Batch, Batch)> {
    if batch.jobs.len() <= 1 {
        let unknown = batch.in_doubt;
        let error = if unknown { SubmitError::OutcomeUnknown } else { SubmitError::Failed };
        answer_all(batch.jobs, error);
        return None;
    }
    let second = batch.jobs.split_off(batch.jobs.len() / 2);
    let in_doubt = batch.in_doubt;
    Some((batch, Batch { jobs: second, in_doubt }))
}

fn answer_expired(batch: &mut Batch) {
    let now = Instant::now();
    if batch.jobs.iter().all(|job| job.deadline > now) {
        return;
    }
    let (live, expired) =
        std::mem::take(&mut batch.jobs).into_iter().partition(|job| job.deadline > now);
    batch.jobs = live;
    let unknown = batch.in_doubt;
    let error = if unknown { SubmitError::OutcomeUnknown } else { SubmitError::Timeout };
    answer_all(expired, error);
}

fn answer_all(jobs: Vec<Job>, error: SubmitError) {
    jobs.into_iter().for_each(|job| job.work.fail(error));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::command::{Actor, Payment};
    use crate::ledger::money::{Amount, Currency};

    #[test]
    fn a_command_that_may_be_committed_is_never_said_to_have_failed() {
        for (in_doubt, want) in [(false, SubmitError::Failed), (true, SubmitError::OutcomeUnknown)]
        {
            let (reply, mut answer) = oneshot::channel();
            let command = Command::create_wallet("ana", "key", Currency::Brl);
            let begun = Arc::new(AtomicBool::new(true));
            let work = Work::One(command, reply);
            let jobs = vec![Job { work, deadline: Instant::now(), begun }];
            assert!(split(Batch { jobs, in_doubt }).is_none());
            assert_eq!(answer.try_recv(), Ok(Err(want)));
        }
    }

    #[test]
    fn what_is_too_big_goes_alone_and_in_its_turn() {
        let job = |commands: u128| {
            let of = |n| Command::create_wallet(&format!("user{n}"), "key", Currency::Brl);
            let (reply, _) = oneshot::channel();
            let work = Work::Together((0..commands).map(of).collect(), reply);
            Job { work, deadline: Instant::now(), begun: Arc::new(AtomicBool::new(false)) }
        };
        let mut waiting: VecDeque<Job> = [3, 1_000, 100, 28, 1].map(job).into();
        let mut batch = || {
            let batch = next_batch(&mut waiting);
            batch.iter().map(|job| job.work.commands().len()).collect::<Vec<_>>()
        };
        assert_eq!(
            [batch(), batch(), batch(), batch()],
            [vec![3], vec![1_000], vec![100, 28], vec![1]]
        );
    }

    #[test]
    fn a_batch_ends_before_its_wallets_are_too_many() {
        let amount = Amount::parse("1").expect("an amount");
        let payment = Payment { amount, currency: None, reference: None, description: None };
        let mut waiting: VecDeque<Job> = (0..200u128)
            .map(|number| {
                let (from, to) = (Uuid::from_u128(number * 2), Uuid::from_u128(number * 2 + 1));
                let command = Command::transfer(from, to, Actor::Admin, "k", payment.clone());
                // The first one's caller has given up.
                let begun = Arc::new(AtomicBool::new(number == 0));
                let (reply, _) = oneshot::channel();
                Job { work: Work::One(command, reply), deadline: Instant::now(), begun }
            })
            .collect();
        let batch = next_batch(&mut waiting);
        assert_eq!((batch.len(), waiting.len()), (91, 108), "two wallets each, of at most 182");
        assert!(batch.iter().all(|job| job.begun.load(Ordering::Acquire)));
    }
}
