//! A cheaper place for old logs, and no place for backups that nobody needs.
//!
//! Amounts are of the steady state, which is reached once everything kept today has moved.

use protocol::control::{AdviceView, Confidence, Reading};

use super::{BEYOND, Basis, Found, advise};
use crate::cost::rate::micro_units;
use crate::cost::{HOURS_PER_MONTH, Item};

pub(super) fn advice(basis: &Basis<'_>) -> [AdviceView; 2] {
    let logs = "move logs to an archive by a lifecycle rule".to_owned();
    let backups = "keep backups no longer than they are needed".to_owned();
    [
        advise("storage/logs".to_owned(), logs, of_logs(basis)),
        advise("storage/backups".to_owned(), backups, of_backups(basis)),
    ]
}

/// What lies in CloudWatch Logs after the time at which it could be archived.
fn of_logs(basis: &Basis<'_>) -> Result<Found, String> {
    let logs = basis
        .declared
        .logs
        .ok_or("the environment's file does not say how long logs are kept (cost.logs)")?;
    let signal = basis.signals.iter().find(|signal| signal.name == "log_gb");
    let signal = signal.ok_or("no signal `log_gb`")?;
    let value = fresh(basis, "log_gb")?;
    let daily = value * 86_400.0 / signal.period.as_seconds_f64();
    let days = (logs.kept - logs.archive_after).as_seconds_f64() / 86_400.0;
    let gb = micro_units(daily * days).ok_or("`log_gb` is no amount")?;
    let price = |item| basis.prices.items.get(&item);
    let kept = price(Item::LogStoredGb).ok_or("kept logs have no price")?;
    let archived = price(Item::LogArchivedGb).ok_or("archived logs have no price")?;
    let less = kept.micros.saturating_sub(archived.micros);
    let micros =
        u64::try_from(u128::from(gb) * u128::from(less) / 1_000_000).map_err(|_| BEYOND)?;
    Ok(Found {
        micros_per_month: micros,
        assumption: format!(
            "{daily:.2} GB a day as written now, archived after {} days of {}",
            logs.archive_after.num_days(),
            logs.kept.num_days()
        ),
        confidence: basis.at_most(&archived.source, Confidence::Medium),
    })
}

/// What is kept beyond the days that are needed, if every day holds alike.
fn of_backups(basis: &Basis<'_>) -> Result<Found, String> {
    let backups = basis
        .declared
        .backups
        .ok_or("the environment's file does not say how long backups are needed (cost.backups)")?;
    let gb = micro_units(fresh(basis, "backup_gb")?).ok_or("`backup_gb` is no amount")?;
    let hourly = basis.prices.amount(Item::BackupGb, gb).ok_or("backups have no price")?;
    let monthly = hourly.checked_mul(HOURS_PER_MONTH).ok_or(BEYOND)?;
    let (kept, needed) = (backups.kept.num_seconds(), backups.needed.num_seconds());
    let beyond = u64::try_from(kept - needed).unwrap_or(0);
    let kept = u64::try_from(kept).unwrap_or(u64::MAX);
    let micros = u128::from(monthly) * u128::from(beyond) / u128::from(kept.max(1));
    Ok(Found {
        micros_per_month: u64::try_from(micros).map_err(|_| BEYOND)?,
        assumption: format!(
            "{} days are kept, {} are needed, and each day holds alike",
            backups.kept.num_days(),
            backups.needed.num_days()
        ),
        confidence: basis.at_most(basis.prices.source(Item::BackupGb), Confidence::Low),
    })
}

fn fresh(basis: &Basis<'_>, name: &str) -> Result<f64, String> {
    let reading = basis.readings.get(name).and_then(Reading::fresh);
    reading.ok_or_else(|| format!("`{name}` has no fresh value"))
}
