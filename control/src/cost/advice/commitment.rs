//! Savings plans and reservations for what runs at every hour.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{AdviceView, Confidence};

use super::{BEYOND, Basis, Found, advise, percent, permille};
use crate::cost::{Commitment, Covers, HOURS_PER_MONTH, Price};

/// The steady floor is looked for in two weeks: a commitment lasts a year.
const WATCHED: TimeDelta = TimeDelta::days(14);
/// Less than one whole week has not seen every weekday.
const HOURS_MIN: usize = 7 * 24;

pub(super) fn advice(basis: &Basis<'_>, now: DateTime<Utc>) -> Vec<AdviceView> {
    let commitments = basis.prices.commitments.iter();
    let advised = commitments.filter_map(|commitment| {
        let (what, found) = match commitment.covers {
            Covers::Tasks => ("tasks", tasks(basis, commitment, now)),
            Covers::Database => ("database", database(basis, commitment)),
            Covers::Cache => ("cache", cache(basis, commitment)),
            Covers::SpotTasks => return None,
        };
        let action = format!("commit to the steady part of the {what} for a year");
        Some(advise(format!("commitment/{}", commitment.name), action, found))
    });
    advised.collect()
}

/// The tasks that ran in every observed hour.
fn tasks(basis: &Basis<'_>, commitment: &Commitment, now: DateTime<Utc>) -> Result<Found, String> {
    let hours = basis.hours.since(now - WATCHED).filter(|hour| hour.whole());
    let floors: Vec<u32> = hours.filter_map(|hour| hour.tasks_min).collect();
    if floors.len() < HOURS_MIN {
        let seen = floors.len();
        return Err(format!("{seen} whole hours of tasks were observed; {HOURS_MIN} are needed"));
    }
    let floor = floors.iter().min().copied().unwrap_or(0);
    let hourly = basis.task()?.checked_mul(u64::from(floor)).ok_or(BEYOND)?;
    let confidence =
        if floors.len() >= 2 * HOURS_MIN - 24 { Confidence::High } else { Confidence::Medium };
    let what = format!("{floor} tasks ran in each of {} observed hours", floors.len());
    off(basis, commitment, hourly, &what, confidence)
}

fn database(basis: &Basis<'_>, commitment: &Commitment) -> Result<Found, String> {
    let seen = basis.fleet.database.as_ref().ok_or("the database was not seen yet")?;
    let classes = seen.value.instances.iter().map(|one| one.class.as_str());
    let (hourly, what) = members(classes, &basis.prices.database)?;
    off(basis, commitment, hourly, &what, Confidence::Medium)
}

fn cache(basis: &Basis<'_>, commitment: &Commitment) -> Result<Found, String> {
    let seen = basis.fleet.cache.as_ref().ok_or("the cache was not seen yet")?;
    let types = seen.value.nodes.iter().map(|_| seen.value.node_type.as_str());
    let (hourly, what) = members(types, &basis.prices.cache)?;
    off(basis, commitment, hourly, &what, Confidence::Medium)
}

/// The members that run now, which are redundant by number and so not scaled by the hour.
fn members<'a>(
    types: impl Iterator<Item = &'a str>,
    prices: &BTreeMap<String, Price>,
) -> Result<(u64, String), String> {
    let mut hourly = 0_u64;
    let mut count = 0_usize;
    for one in types {
        let price = prices.get(one).ok_or_else(|| format!("{one} has no price"))?;
        hourly = hourly.checked_add(price.micros).ok_or(BEYOND)?;
        count += 1;
    }
    Ok((hourly, format!("the {count} members that run now stay for the year")))
}

fn off(
    basis: &Basis<'_>,
    commitment: &Commitment,
    hourly: u64,
    what: &str,
    confidence: Confidence,
) -> Result<Found, String> {
    let monthly = hourly.checked_mul(HOURS_PER_MONTH).ok_or(BEYOND)?;
    let off = commitment.off_permille;
    Ok(Found {
        micros_per_month: permille(monthly, off).ok_or(BEYOND)?,
        assumption: format!(
            "{what}; {} off ({}); pays while {} of it is used",
            percent(off),
            commitment.source,
            percent(1_000 - off),
        ),
        confidence: basis.at_most(&commitment.source, confidence),
    })
}
