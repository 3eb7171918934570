//! A lower floor at the hours of the day at which nobody needs it.
//!
//! Scaling takes tasks away down to its floor by itself, so a schedule saves only what the floor
//! holds above the load. The hours of the day are told apart, because payday and weekend differ
//! more in height than in shape; the highest of each over the weeks is what must be carried.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use protocol::control::{AdviceView, Confidence};

use super::{BEYOND, Basis, Found, advise};
use crate::cost::{HOURS_PER_MONTH, Item};

const WATCHED: TimeDelta = TimeDelta::days(28);
/// Less than one whole week has not seen every weekday.
const HOURS_MIN: usize = 7 * 24;
/// What must be carried beyond the highest load seen at an hour.
const HEADROOM: f64 = 1.2;
/// Two tasks in two zones: with one, a lost zone is an outage.
const TASKS_SAFE: u32 = 2;

/// What was seen at one hour of the day.
#[derive(Clone, Copy, Default)]
struct Slot {
    load_max: f64,
    tasks_milli: u64,
    hours: u64,
}

pub(super) fn advice(basis: &Basis<'_>, now: DateTime<Utc>) -> AdviceView {
    let action = "lower the floor of tasks by a schedule at quiet hours".to_owned();
    advise("scheduled_scaling".to_owned(), action, found(basis, now))
}

fn found(basis: &Basis<'_>, now: DateTime<Utc>) -> Result<Found, String> {
    let per_task = basis
        .requests_per_task
        .filter(|target| *target > 0.0)
        .ok_or("scaling has no target of requests per task")?;
    let (slots, seen) = profile(basis, now)?;
    let price = basis.task()?;
    let mut saved_milli = 0_u64;
    let mut quiet = Vec::new();
    for (hour, slot) in slots.iter().enumerate() {
        let needed = u64::from(needed(slot.load_max, per_task)) * 1_000;
        let held = (slot.tasks_milli / slot.hours).min(u64::from(basis.tasks_min) * 1_000);
        if let Some(above) = held.checked_sub(needed).filter(|above| *above > 0) {
            saved_milli += above;
            quiet.push(hour);
        }
    }
    // Thousandths of tasks at each of 24 hours, each of which a month has 730 / 24 of.
    let micros = u128::from(saved_milli) * u128::from(price) * u128::from(HOURS_PER_MONTH);
    let micros = u64::try_from(micros / 24_000).map_err(|_| BEYOND)?;
    let hours = match quiet.as_slice() {
        [] => format!("the load needs the floor of {} tasks at every hour", basis.tasks_min),
        quiet => format!(
            "the floor of {} tasks is above the load at {} hours of the day (UTC {})",
            basis.tasks_min,
            quiet.len(),
            spans(quiet)
        ),
    };
    let confidence = if seen >= 2 * HOURS_MIN { Confidence::High } else { Confidence::Medium };
    Ok(Found {
        micros_per_month: micros,
        assumption: format!(
            "{hours}; {seen} hours observed, 20 % headroom over each hour's peak, never below \
             {TASKS_SAFE} tasks"
        ),
        confidence: basis.at_most(basis.prices.source(Item::FargateVcpu), confidence),
    })
}

/// The 24 hours of the day, and how many hours were seen. Each must have been.
fn profile(basis: &Basis<'_>, now: DateTime<Utc>) -> Result<([Slot; 24], usize), String> {
    let mut slots = [Slot::default(); 24];
    let mut seen = 0;
    for hour in basis.hours.since(now - WATCHED).filter(|hour| hour.whole()) {
        let (Some(load), Some(tasks)) = (hour.load_max, hour.tasks_mean_milli) else { continue };
        let index = usize::try_from(hour.start.hour()).expect("an hour of the day is below 24");
        let slot = &mut slots[index];
        slot.load_max = slot.load_max.max(load);
        slot.tasks_milli += tasks;
        slot.hours += 1;
        seen += 1;
    }
    if seen < HOURS_MIN || slots.iter().any(|slot| slot.hours == 0) {
        return Err(format!("{seen} whole hours of load were observed; {HOURS_MIN} are needed"));
    }
    Ok((slots, seen))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is between zero and a million"
)]
fn needed(load: f64, per_task: f64) -> u32 {
    let tasks = (load * HEADROOM / per_task).ceil().clamp(0.0, 1e6);
    (tasks as u32).max(TASKS_SAFE)
}

/// Hours of the day in a row, as `0-5, 23`.
fn spans(hours: &[usize]) -> String {
    let chunks = hours.chunk_by(|a, b| b - a == 1);
    let spans = chunks.filter_map(|chunk| match chunk {
        [] => None,
        [one] => Some(one.to_string()),
        [first, .., last] => Some(format!("{first}-{last}")),
    });
    spans.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn hours_in_a_row_are_one_span() {
        assert_eq!(super::spans(&[0, 1, 2, 5, 22, 23]), "0-2, 5, 22-23");
        assert_eq!(super::spans(&[]), "");
    }
}
