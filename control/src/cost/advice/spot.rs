//! Spare capacity for work that can be interrupted.
//!
//! The wallet's own tasks hold requests in flight and are never meant: only work that the
//! environment's file calls batch is.

use protocol::control::{AdviceView, Confidence};

use super::{BEYOND, Basis, Found, advise, percent, permille};
use crate::cost::Covers;

pub(super) fn advice(basis: &Basis<'_>) -> AdviceView {
    advise("spot".to_owned(), "run batch work on spot capacity".to_owned(), found(basis))
}

fn found(basis: &Basis<'_>) -> Result<Found, String> {
    let batch =
        basis.declared.batch.ok_or("the environment's file names no batch work (cost.batch)")?;
    let hours = batch.task_hours_per_month;
    if hours == 0 {
        return Ok(Found {
            micros_per_month: 0,
            assumption: "no batch work runs here; the service's tasks may not be interrupted"
                .into(),
            confidence: Confidence::High,
        });
    }
    let mut commitments = basis.prices.commitments.iter();
    let spot = commitments
        .find(|one| one.covers == Covers::SpotTasks)
        .ok_or("the price book has no spot discount")?;
    let hourly = basis
        .prices
        .task_of(batch.cpu_units, batch.memory_mib)
        .ok_or("a batch task of this size has no price")?;
    let monthly = hourly.checked_mul(u64::from(hours)).ok_or(BEYOND)?;
    Ok(Found {
        micros_per_month: permille(monthly, spot.off_permille).ok_or(BEYOND)?,
        assumption: format!(
            "{hours} task hours a month, as declared; {} off ({}), which moves with demand",
            percent(spot.off_permille),
            spot.source
        ),
        confidence: basis.at_most(&spot.source, Confidence::Medium),
    })
}
