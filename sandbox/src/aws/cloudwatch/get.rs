//! GetMetricData and `GetMetricStatistics`.

use super::{
    page,
    query::{self, Found, wrong},
    series::Window,
    statistic::{Distribution, Statistic},
    store::Store,
};
use crate::aws::wire::{AwsError, Input, timestamp};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// AWS's limit and default for one answer of GetMetricData.
const DATAPOINTS_MAX: i64 = 100_800;
/// AWS's limit for one answer of `GetMetricStatistics`.
const STATISTICS_POINTS_MAX: i64 = 1440;

/// Where the next page begins, and the moment that the first one was computed for: what was
/// published in between must not shift the points.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    as_of_micros: i64,
    result: usize,
    offset: usize,
}

/// GetMetricData: newest first unless asked otherwise, in pages of `MaxDatapoints`.
pub(super) fn metric_data(
    store: &Store,
    input: Input<'_>,
    now: DateTime<Utc>,
) -> Result<Value, AwsError> {
    let queries = query::read(input, "MetricDataQueries")?;
    let ascending = match input.text("ScanBy")? {
        None | Some("TimestampDescending") => false,
        Some("TimestampAscending") => true,
        Some(other) => return Err(wrong(format!("ScanBy cannot be {other}."))),
    };
    let budget = input.integer("MaxDatapoints")?.unwrap_or(DATAPOINTS_MAX);
    let budget = usize::try_from(budget)
        .ok()
        .filter(|budget| (1..=100_800).contains(budget))
        .ok_or_else(|| wrong(format!("MaxDatapoints must be 1 to {DATAPOINTS_MAX}.")))?;
    let place = match input.text("NextToken")? {
        Some(token) => page::open(token, input.value())?,
        None => Place { as_of_micros: now.timestamp_micros(), result: 0, offset: 0 },
    };
    let as_of = DateTime::from_timestamp_micros(place.as_of_micros).unwrap_or(now);
    let found = query::compute(store, &queries, range(input)?, as_of)?;
    let (results, next) = paged(&found, &place, budget, ascending);
    let next = next.map(|place| page::token(&place, input.value()));
    Ok(json!({"MetricDataResults": results, "Messages": [], "NextToken": next}))
}

fn range(input: Input<'_>) -> Result<(DateTime<Utc>, DateTime<Utc>), AwsError> {
    let at = |name| input.time(name)?.ok_or_else(|| AwsError::missing(name));
    Ok((at("StartTime")?, at("EndTime")?))
}

/// The results from `place` on that fit, and where the rest begins.
fn paged(
    found: &[Found],
    place: &Place,
    budget: usize,
    ascending: bool,
) -> (Vec<Value>, Option<Place>) {
    let mut left = budget;
    let mut results = Vec::new();
    for (index, result) in found.iter().enumerate().skip(place.result) {
        let skipped = if index == place.result { place.offset } else { 0 };
        let rest = result.points.len().saturating_sub(skipped);
        if left == 0 && rest > 0 {
            let next = Place { result: index, offset: skipped, ..*place };
            return (results, Some(next));
        }
        let taken = rest.min(left);
        let points = result.points.iter();
        let points: Vec<_> = if ascending {
            points.skip(skipped).take(taken).collect()
        } else {
            points.rev().skip(skipped).take(taken).collect()
        };
        let complete = taken == rest;
        results.push(json!({
            "Id": result.id,
            "Label": result.label,
            "Timestamps": points.iter().map(|(at, _)| at_second(**at)).collect::<Vec<_>>(),
            "Values": points.iter().map(|(_, value)| **value).collect::<Vec<f64>>(),
            "StatusCode": if complete { "Complete" } else { "PartialData" },
        }));
        left -= taken;
        if !complete {
            let next = Place { result: index, offset: skipped + taken, ..*place };
            return (results, Some(next));
        }
    }
    (results, None)
}

fn at_second(at: i64) -> Value {
    timestamp(DateTime::from_timestamp(at, 0).unwrap_or_default())
}

/// `GetMetricStatistics`: several statistics of one metric, oldest first.
pub(super) fn metric_statistics(
    store: &Store,
    input: Input<'_>,
    now: DateTime<Utc>,
) -> Result<Value, AwsError> {
    let key = query::key(input, "Metric")?;
    let period = input.integer("Period")?.ok_or_else(|| AwsError::missing("Period"))?;
    let period = query::checked_period(period).map_err(as_parameter)?;
    let unit = query::unit(input).map_err(as_parameter)?;
    let (start, end) = range(input)?;
    let window = Window::new(period, start, end, now);
    if start >= end {
        let rule = "The parameter StartTime must be less than the parameter EndTime.";
        return Err(AwsError::refused("InvalidParameterCombination", rule));
    }
    if window.periods() > STATISTICS_POINTS_MAX {
        let message = format!(
            "You have requested up to {} datapoints, which exceeds the limit of 1,440.",
            window.periods()
        );
        return Err(AwsError::refused("InvalidParameterCombination", message));
    }
    let plain = statistics(input, "Statistics")?;
    let extended = statistics(input, "ExtendedStatistics")?;
    if plain.is_empty() && extended.is_empty() {
        let rule = "Must specify either Statistics or ExtendedStatistics";
        return Err(AwsError::refused("InvalidParameterCombination", rule));
    }
    let periods = store.periods(&key, window, unit);
    let points: Vec<Value> = periods
        .into_iter()
        .map(|(at, (unit, values))| datapoint(at, unit, &values, &plain, &extended))
        .collect();
    Ok(json!({"Label": key.name, "Datapoints": points}))
}

fn statistics(input: Input<'_>, field: &str) -> Result<Vec<(String, Statistic)>, AwsError> {
    let names = input.texts(field)?.into_iter();
    names.map(|name| Ok((name.to_owned(), Statistic::parse(name)?))).collect()
}

fn datapoint(
    at: i64,
    unit: &str,
    values: &Distribution,
    plain: &[(String, Statistic)],
    extended: &[(String, Statistic)],
) -> Value {
    let of = |wanted: &[(String, Statistic)]| -> Map<String, Value> {
        let known = wanted.iter().filter_map(|(name, statistic)| {
            Some((name.clone(), json!(values.statistic(*statistic)?)))
        });
        known.collect()
    };
    let mut point = of(plain);
    if !extended.is_empty() {
        point.insert("ExtendedStatistics".into(), Value::Object(of(extended)));
    }
    point.insert("Timestamp".into(), at_second(at));
    point.insert("Unit".into(), json!(unit));
    Value::Object(point)
}

/// This older operation has its own code for a wrong parameter.
fn as_parameter(error: AwsError) -> AwsError {
    AwsError::refused("InvalidParameterValue", error.message())
}
