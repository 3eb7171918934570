//! What would make the running environment cheaper, with amounts. Pure.
//!
//! Four ways: a commitment for what runs always, spare capacity for what can wait, a schedule for
//! what nobody needs at night, and a cheaper place for what nobody reads. Each says what its amount
//! rests on and how sure it is. An amount that cannot be worked out says what is missing, and is
//! never zero; zero means that there is nothing to save. Advice is not acted on.

mod commitment;
mod schedule;
mod spot;
mod storage;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use protocol::control::{AdviceView, Confidence, Reading};

use super::hours::Hours;
use super::{Declared, PriceBook, Trust};
use crate::fleet::Fleet;
use crate::readings::Signal;

/// Everything that advice is made of.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    pub fleet: &'a Fleet,
    pub hours: &'a Hours,
    pub readings: &'a BTreeMap<String, Reading>,
    pub signals: &'a [Signal],
    pub declared: &'a Declared,
    pub prices: &'a PriceBook,
    /// The fewest tasks that scaling keeps.
    pub tasks_min: u32,
    /// What one task is meant to carry, where scaling has such a target.
    pub requests_per_task: Option<f64>,
}

/// Every advice, the largest amount first and the unknown ones last.
#[must_use]
pub fn advice(basis: &Basis<'_>, now: DateTime<Utc>) -> Vec<AdviceView> {
    let mut all = commitment::advice(basis, now);
    all.push(spot::advice(basis));
    all.push(schedule::advice(basis, now));
    all.extend(storage::advice(basis));
    let key = |one: &AdviceView| (std::cmp::Reverse(one.saves_micros_per_month), one.name.clone());
    all.sort_by_key(key);
    all
}

/// An amount with what it rests on.
struct Found {
    micros_per_month: u64,
    assumption: String,
    confidence: Confidence,
}

/// Either an amount or what is missing.
fn advise(name: String, action: String, found: Result<Found, String>) -> AdviceView {
    match found {
        Ok(found) => AdviceView {
            name,
            action,
            saves_micros_per_month: Some(found.micros_per_month),
            assumption: found.assumption,
            confidence: found.confidence,
            unknown: String::new(),
        },
        Err(unknown) => AdviceView {
            name,
            action,
            saves_micros_per_month: None,
            assumption: String::new(),
            confidence: Confidence::Low,
            unknown,
        },
    }
}

impl Basis<'_> {
    /// No amount is surer than the price that it rests on.
    fn at_most(&self, source: &str, confidence: Confidence) -> Confidence {
        let limit = match self.prices.sources.get(source).map(|source| source.trust) {
            Some(Trust::List) => Confidence::High,
            Some(Trust::Copied) => Confidence::Medium,
            Some(Trust::Derived) | None => Confidence::Low,
        };
        confidence.min(limit)
    }

    /// The price an hour of one task as they run now.
    fn task(&self) -> Result<u64, String> {
        let service = self.fleet.service.as_ref().ok_or("the service was not seen yet")?;
        let task = service.value.tasks.first().ok_or("no task runs")?;
        self.prices.task(task).ok_or_else(|| "a task of this size has no price".to_owned())
    }
}

/// So many thousandths of an amount.
fn permille(micros: u64, permille: u32) -> Option<u64> {
    u64::try_from(u128::from(micros) * u128::from(permille) / 1_000).ok()
}

/// Tenths of a percent as percent.
fn percent(permille: u32) -> String {
    match permille % 10 {
        0 => format!("{} %", permille / 10),
        tenth => format!("{}.{tenth} %", permille / 10),
    }
}

const BEYOND: &str = "the amount is beyond all money";
