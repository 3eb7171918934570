//! `POST …/transactions` and `…/batches`: several wallets at once, and several commands at once.

use super::{
    Edge,
    body::Body,
    caller::Writer,
    error::Error,
    many::{NewBatch, NewPosting},
    movements::{Moved, carry_out},
    params::{Deadline, DryRun},
    view,
};
use crate::{
    ledger::command::{Command, Done, Outcome, Refusal},
    store::SubmitError,
};
use axum::{Json, extract::State};
use futures::{StreamExt, stream};
use protocol::wallet::{BatchMode, BatchResult, BatchView, Code};
use tokio::time::Instant;

/// Independent commands of one batch that wait in lanes at once, so that a batch leaves room for
/// others.
const IN_LANES_MAX: usize = 64;

/// Changes several wallets at one instant. Those that pay must be the caller's.
///
/// # Errors
///
/// A refusal of the ledger, or why it is not known whether there is one.
pub async fn post(
    State(edge): State<Edge>,
    caller: Writer,
    Deadline(deadline): Deadline,
    dry_run: DryRun,
    Body(NewPosting { key, posting }): Body<NewPosting>,
) -> Result<Moved, Error> {
    let command = Command::post(caller.actor(), &key, posting);
    carry_out(&edge, command, deadline, dry_run).await.map_err(|error| match error {
        // The field is called otherwise here.
        error if error.code() == Code::WalletNotFound && error.blames("destinationWalletId") => {
            Error::field(Code::WalletNotFound, "legs", "name a wallet that is not there")
        }
        error => error,
    })
}

/// Carries out several commands, together or each by itself.
///
/// # Errors
///
/// Of an atomic batch: the refusal of the command that was refused. Of both: why it is not known
/// what became of them.
pub async fn create(
    State(edge): State<Edge>,
    caller: Writer,
    Deadline(deadline): Deadline,
    DryRun(dry_run): DryRun,
    Body(batch): Body<NewBatch>,
) -> Result<Json<BatchView>, Error> {
    let mode = batch.mode;
    let commands = batch.commands(&caller.actor());
    let outcomes = match mode {
        BatchMode::Atomic => together(&edge, commands, deadline, dry_run).await?,
        BatchMode::Independent => apart(&edge, commands, deadline, dry_run).await?,
    };
    let results = outcomes.into_iter().map(|outcome| result(&edge, outcome, dry_run)).collect();
    Ok(Json(BatchView { mode, results }))
}

/// What became of each, or why not.
type Outcomes = Vec<Result<Outcome, SubmitError>>;

async fn together(
    edge: &Edge,
    commands: Vec<Command>,
    deadline: Instant,
    dry_run: bool,
) -> Result<Outcomes, Error> {
    let outcomes = if dry_run {
        edge.ledger.preview(&[&commands]).await?
    } else {
        edge.ledger.submit_together(commands, deadline).await?
    };
    let blamed = outcomes.iter().enumerate().find_map(|(place, outcome)| {
        let refusal = outcome.result.as_ref().err().copied()?;
        (refusal != Refusal::BatchRefused).then_some((place, refusal))
    });
    match blamed {
        Some((place, refusal)) => Err(Error::from(refusal).within(&format!("commands[{place}]"))),
        None => Ok(outcomes.into_iter().map(Ok).collect()),
    }
}

async fn apart(
    edge: &Edge,
    commands: Vec<Command>,
    deadline: Instant,
    dry_run: bool,
) -> Result<Outcomes, Error> {
    if dry_run {
        let groups: Vec<&[Command]> = commands.iter().map(std::slice::from_ref).collect();
        return Ok(edge.ledger.preview(&groups).await?.into_iter().map(Ok).collect());
    }
    let submitting = commands.into_iter().map(|command| edge.ledger.submit(command, deadline));
    Ok(stream::iter(submitting).buffered(IN_LANES_MAX).collect().await)
}

fn result(edge: &Edge, outcome: Result<Outcome, SubmitError>, dry_run: bool) -> BatchResult {
    let problem = |error: Error| Some(error.problem(None));
    let Outcome { result, replayed } = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            return BatchResult {
                replayed: false,
                transaction: None,
                problem: problem(error.into()),
            };
        }
    };
    match result {
        Ok(Done::Transaction(done)) => {
            let transaction = if dry_run && !replayed {
                view::dry(view::transaction(&done))
            } else {
                view::transaction(&done)
            };
            if !replayed && !dry_run {
                edge.metrics.moved(&done);
            }
            BatchResult { replayed, transaction: Some(transaction), problem: None }
        }
        Ok(Done::Wallet(_)) => unreachable!("a batch opens no wallet"),
        Err(refusal) => {
            BatchResult { replayed, transaction: None, problem: problem(refusal.into()) }
        }
    }
}
