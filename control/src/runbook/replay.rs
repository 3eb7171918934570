//! Folds the journal's events back into runs. Pure; the machine is the same one that made them.

use super::{
    book::Runbook,
    event::{Event, Order, Stamped},
    machine::next,
    parse,
    state::Run,
};
use crate::drill::{self, Drill};
use std::{collections::BTreeMap, sync::Arc};

/// A run that the journal tells of and this version of control cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("run {run} cannot be recovered: {why}")]
pub struct Unreadable {
    pub run: String,
    pub why: String,
}

/// Adds one event, as the journal holds it, to the runs.
///
/// # Errors
///
/// When the event is not one of ours or cannot follow. The run is left as it was.
pub fn fold(runs: &mut BTreeMap<String, Run>, data: &serde_json::Value) -> Result<(), Unreadable> {
    let fail = |run: &str, why: String| Unreadable { run: run.to_owned(), why };
    let stamped: Stamped = serde_json::from_value(data.clone())
        .map_err(|e| fail(data["run"].as_str().unwrap_or("?"), e.to_string()))?;
    let id = stamped.run.clone();
    if let Event::Ordered { order } = &stamped.event {
        let run = ordered(&id, order, &stamped).map_err(|why| fail(&id, why))?;
        runs.insert(id, run);
        return Ok(());
    }
    let run = runs.get(&id).cloned().ok_or_else(|| fail(&id, "it was never ordered".into()))?;
    let (run, _) = next(run, &stamped).map_err(|e| fail(&id, e.to_string()))?;
    runs.insert(id, run);
    Ok(())
}

/// A run from its order alone: the texts are frozen in it.
///
/// # Errors
///
/// In words, when this version cannot read the texts any more.
pub fn ordered(id: &str, order: &Order, stamped: &Stamped) -> Result<Run, String> {
    let (book, drill) = texts(order)?;
    Ok(Run::ordered(id, order.clone(), book, drill, stamped.at))
}

/// The runbook and the drill that are frozen in an order.
///
/// # Errors
///
/// In words, when this version cannot read them any more.
pub(super) fn texts(order: &Order) -> Result<(Arc<Runbook>, Option<Arc<Drill>>), String> {
    let book = parse::runbook(&order.runbook, &order.text).map_err(|e| e.to_string())?;
    let drill = order.drill.as_ref().map(|drill| drill::parse(&drill.name, &drill.text));
    let drill = drill.transpose().map_err(|e| e.to_string())?;
    Ok((Arc::new(book), drill.map(Arc::new)))
}
