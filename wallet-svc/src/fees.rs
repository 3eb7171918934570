//! The fee schedule's file, in the same words as `GET /api/v1/fees` shows it.
//!
//! It is reviewed text that ships with the service. A change is a new version with an instant by
//! which every task has the file.

use crate::ledger::{
    fee::{Chargeable, Rate, Schedule, ScheduleError, Schedules},
    money::Currency,
};
use protocol::wallet::{FeeOperation, FeeRate, FeeSchedule, FeesView};
use std::{fs, io, path::Path};

/// Why the schedule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FeesError {
    #[error("reading the fee schedule")]
    Read(#[source] io::Error),
    #[error("reading the fee schedule as JSON")]
    Json(#[source] serde_json::Error),
    #[error("version {version} of the fee schedule has a rate in {currency}, which is no currency")]
    Currency { version: u32, currency: String },
    #[error("checking the fee schedule")]
    Schedule(#[source] ScheduleError),
}

/// Reads the file.
///
/// # Errors
///
/// What is wrong with it.
pub fn read(path: &Path) -> Result<Schedules, FeesError> {
    let text = fs::read(path).map_err(FeesError::Read)?;
    parse(&serde_json::from_slice(&text).map_err(FeesError::Json)?)
}

fn parse(written: &FeesView) -> Result<Schedules, FeesError> {
    let schedules = written.schedules.iter().map(|schedule| {
        let rates = schedule.rates.iter().map(|rate| {
            let currency = Currency::from_code(&rate.currency);
            let unknown = || FeesError::Currency {
                version: schedule.version,
                currency: rate.currency.clone(),
            };
            Ok(Rate {
                of: match rate.operation {
                    FeeOperation::Withdraw => Chargeable::Withdrawal,
                    FeeOperation::Transfer => Chargeable::Transfer,
                },
                currency: currency.ok_or_else(unknown)?,
                basis_points: rate.basis_points,
                fixed: rate.fixed_minor,
                max: rate.max_minor,
            })
        });
        let rates = rates.collect::<Result<_, _>>()?;
        Ok(Schedule { version: schedule.version, valid_from: schedule.valid_from, rates })
    });
    Schedules::new(schedules.collect::<Result<_, _>>()?).map_err(FeesError::Schedule)
}

/// The schedules as the wire shows them.
#[must_use]
pub fn view(schedules: &Schedules) -> FeesView {
    let rate = |rate: &Rate| FeeRate {
        operation: match rate.of {
            Chargeable::Withdrawal => FeeOperation::Withdraw,
            Chargeable::Transfer => FeeOperation::Transfer,
        },
        currency: rate.currency.code().to_owned(),
        basis_points: rate.basis_points,
        fixed_minor: rate.fixed,
        max_minor: rate.max,
    };
    let schedule = |schedule: &Schedule| FeeSchedule {
        version: schedule.version,
        valid_from: schedule.valid_from,
        rates: schedule.rates.iter().map(rate).collect(),
    };
    FeesView { schedules: schedules.all().iter().map(schedule).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_shown_in_the_same_words() {
        let text = r#"{"schedules": [
            {"version": 1, "validFrom": "2026-01-01T00:00:00Z", "rates": [
                {"operation": "withdraw", "currency": "BRL", "basisPoints": 50, "fixedMinor": 10}]},
            {"version": 2, "validFrom": "2026-07-01T00:00:00Z", "rates": [
                {"operation": "transfer", "currency": "JPY", "fixedMinor": 3, "maxMinor": 9}]}]}"#;
        let written: FeesView = serde_json::from_str(text).unwrap();
        assert_eq!(view(&parse(&written).unwrap()), written);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let unknown = r#"{"schedules": [{"version": 1, "validFrom": "2026-01-01T00:00:00Z",
            "rates": [{"operation": "withdraw", "currency": "QQQ"}]}]}"#;
        let error = parse(&serde_json::from_str(unknown).unwrap()).unwrap_err();
        assert!(matches!(error, FeesError::Currency { version: 1, .. }), "{error:?}");
        for odd in ["{}", "[]", r#"{"schedules": [{"version": 1}]}"#] {
            assert!(serde_json::from_str::<FeesView>(odd).is_err(), "{odd}");
        }
        let nowhere = read(Path::new("no-such-folder/fees.json"));
        assert!(matches!(nowhere, Err(FeesError::Read(_))));
    }
}
