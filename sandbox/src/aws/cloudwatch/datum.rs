//! Reads and checks PutMetricData: all of a request is taken, or nothing.

use super::{
    series::{Datum, MetricKey},
    statistic::Distribution,
};
use crate::aws::wire::{AwsError, Input};
use chrono::{DateTime, Duration, Utc};

const DATA_MAX: usize = 1000;
const VALUES_MAX: usize = 150;
const DIMENSIONS_MAX: usize = 30;
const NAME_CHARS_MAX: usize = 255;
const DIMENSION_CHARS_MAX: usize = 1024;
/// AWS takes values between -2^360 and 2^360.
const VALUE_MAX: f64 = 2.348_542_582_773_833_4e108;

/// AWS's `StandardUnit`.
const UNITS: &[&str] = &[
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// Reads the data of a request.
///
/// # Errors
/// Anything about it is not as AWS wants it; the message names the parameter.
pub(super) fn read(
    input: Input<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<(MetricKey, Datum)>, AwsError> {
    let namespace = input.required("Namespace")?;
    name_fits("Namespace", namespace, NAME_CHARS_MAX)?;
    if namespace.starts_with("AWS/") {
        return Err(invalid("The value AWS/ for parameter Namespace is invalid."));
    }
    let data = input.list("MetricData")?;
    if data.is_empty() {
        return Err(AwsError::missing("MetricData"));
    }
    if data.len() > DATA_MAX {
        let limit = "must not have a size greater than";
        return Err(invalid(&format!("The collection MetricData {limit} {DATA_MAX}.")));
    }
    let mut read = Vec::with_capacity(data.len());
    for (index, datum) in data.into_iter().enumerate() {
        let path = format!("MetricData.member.{}", index + 1);
        read.extend(one(datum, namespace, &path, now)?);
    }
    Ok(read)
}

/// `None` for a datum that counts nothing.
fn one(
    input: Input<'_>,
    namespace: &str,
    path: &str,
    now: DateTime<Utc>,
) -> Result<Option<(MetricKey, Datum)>, AwsError> {
    let name = input.text("MetricName")?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| AwsError::missing(&format!("{path}.MetricName")))?;
    name_fits(&format!("{path}.MetricName"), name, NAME_CHARS_MAX)?;
    let key = MetricKey {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions: dimensions(input, path)?,
    };
    let unit = unit(input.text("Unit")?.unwrap_or("None"))
        .ok_or_else(|| invalid(&format!("The parameter {path}.Unit is no unit.")))?;
    let at = time(input, path, now)?;
    Ok(values(input, path)?.map(|values| (key, Datum { at, unit, values })))
}

/// The unit by its name.
pub(super) fn unit(name: &str) -> Option<&'static str> {
    UNITS.iter().find(|unit| **unit == name).copied()
}

/// The dimensions of a metric, in the order of their names.
///
/// # Errors
/// There are too many, one is named twice, or a name or value is empty or too long.
pub(super) fn dimensions(input: Input<'_>, path: &str) -> Result<Vec<(String, String)>, AwsError> {
    let given = input.list("Dimensions")?;
    if given.len() > DIMENSIONS_MAX {
        let limit = "must not have a size greater than";
        return Err(invalid(&format!(
            "The collection {path}.Dimensions {limit} {DIMENSIONS_MAX}."
        )));
    }
    let mut dimensions = Vec::with_capacity(given.len());
    for dimension in given {
        let (name, value) = (dimension.required("Name")?, dimension.required("Value")?);
        name_fits(&format!("{path}.Dimensions.Name"), name, NAME_CHARS_MAX)?;
        name_fits(&format!("{path}.Dimensions.Value"), value, DIMENSION_CHARS_MAX)?;
        dimensions.push((name.to_owned(), value.to_owned()));
    }
    dimensions.sort_unstable();
    match dimensions.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => {
            Err(invalid(&format!("{path}.Dimensions names {} more than once.", pair[0].0)))
        }
        None => Ok(dimensions),
    }
}

/// When it was measured; data of the standard resolution belong to their minute.
fn time(input: Input<'_>, path: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, AwsError> {
    let at = input.time("Timestamp")?.unwrap_or(now);
    if at < now - Duration::days(14) {
        let rule = "must specify a time within the past two weeks";
        return Err(invalid(&format!("The parameter {path}.Timestamp {rule}.")));
    }
    if at > now + Duration::hours(2) {
        let rule = "must specify a time no more than two hours in the future";
        return Err(invalid(&format!("The parameter {path}.Timestamp {rule}.")));
    }
    match input.integer("StorageResolution")? {
        Some(1) => Ok(at),
        None | Some(60) => {
            let minute = at.timestamp().div_euclid(60) * 60;
            Ok(DateTime::from_timestamp(minute, 0).unwrap_or(at))
        }
        Some(other) => {
            let rule = "must be 1 or 60";
            Err(invalid(&format!("The parameter {path}.StorageResolution {rule}, not {other}.")))
        }
    }
}

fn values(input: Input<'_>, path: &str) -> Result<Option<Distribution>, AwsError> {
    let values = input.numbers("Values")?;
    let counts = input.numbers("Counts")?;
    let value = input.number("Value")?;
    let summary = input.part("StatisticValues")?;
    let given = [
        ("Value", value.is_some()),
        ("StatisticValues", summary.is_some()),
        ("Values", !values.is_empty()),
    ];
    let given: Vec<_> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    match given[..] {
        [] => return Err(AwsError::missing(&format!("{path}.Value"))),
        [_] => {}
        [first, second, ..] => {
            return Err(AwsError::refused(
                "InvalidParameterCombination",
                format!(
                    "The parameters {path}.{first} and {path}.{second} are mutually exclusive \
                     and you have specified both."
                ),
            ));
        }
    }
    if let Some(value) = value {
        return Ok(Distribution::of_values([(measured(value, path)?, 1.0)]));
    }
    if let Some(summary) = summary {
        return statistic_values(summary, path);
    }
    if values.len() > VALUES_MAX {
        let limit = "must not have a size greater than";
        return Err(invalid(&format!("The collection {path}.Values {limit} {VALUES_MAX}.")));
    }
    if !counts.is_empty() && counts.len() != values.len() {
        return Err(invalid(&format!(
            "The parameters {path}.Values and {path}.Counts must have the same size."
        )));
    }
    if counts.iter().any(|count| !count.is_finite() || *count < 0.0) {
        return Err(invalid(&format!("The parameter {path}.Counts must not be negative.")));
    }
    for value in &values {
        measured(*value, path)?;
    }
    let counts = counts.into_iter().chain(std::iter::repeat(1.0));
    Ok(Distribution::of_values(values.into_iter().zip(counts)))
}

fn statistic_values(summary: Input<'_>, path: &str) -> Result<Option<Distribution>, AwsError> {
    let [count, sum, min, max] = ["SampleCount", "Sum", "Minimum", "Maximum"].map(|field| {
        let value = summary.number(field)?;
        let value =
            value.ok_or_else(|| AwsError::missing(&format!("{path}.StatisticValues.{field}")))?;
        measured(value, path)
    });
    let (count, sum, min, max) = (count?, sum?, min?, max?);
    if count < 0.0 || min > max {
        return Err(invalid(&format!("The parameter {path}.StatisticValues is inconsistent.")));
    }
    Ok(Distribution::of_summary(count, sum, min, max))
}

fn measured(value: f64, path: &str) -> Result<f64, AwsError> {
    // Also false for NaN.
    if value.abs() <= VALUE_MAX {
        Ok(value)
    } else {
        Err(invalid(&format!("The value {value} for parameter {path}.Value is invalid.")))
    }
}

fn name_fits(parameter: &str, name: &str, chars_max: usize) -> Result<(), AwsError> {
    if name.chars().count() > chars_max || name.starts_with(':') {
        return Err(invalid(&format!("The value for parameter {parameter} is invalid.")));
    }
    Ok(())
}

fn invalid(message: &str) -> AwsError {
    AwsError::refused("InvalidParameterValue", message)
}
