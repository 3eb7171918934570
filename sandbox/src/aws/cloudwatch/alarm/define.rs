//! Reads `PutMetricAlarm`: what an alarm watches and when it is on.

use super::decide::{COMPARISONS, Missing, Rule, TREATMENTS};
use crate::aws::{
    cloudwatch::{
        query::{self, Query},
        statistic::Statistic,
    },
    wire::{AwsError, Input},
};
use serde_json::{Map, Value};

/// The fields that `DescribeAlarms` gives back as they came. Numbers stand in [`Definition`].
const ECHOED: [&str; 15] = [
    "AlarmDescription",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Unit",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
    "ThresholdMetricId",
];
/// AWS: a day at most, seven for longer periods.
const RANGE_SECONDS_MAX: i64 = 7 * 86_400;

/// An alarm as it was put.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) actions_enabled: bool,
    pub(super) rule: Rule,
    /// The one query that is returned is watched.
    pub(super) queries: Vec<Query>,
    /// Seconds.
    pub(super) period: i64,
    pub(super) echo: Map<String, Value>,
}

/// Reads an alarm.
///
/// # Errors
/// A parameter is missing, wrong or does not go with another.
pub(super) fn read(input: Input<'_>) -> Result<Definition, AwsError> {
    let name = input.required("AlarmName")?;
    let queries = queries(input)?;
    let period = queries.iter().filter_map(Query::period).max().unwrap_or(60);
    let rule = rule(input)?;
    let range = i64::try_from(rule.evaluation_periods).unwrap_or(i64::MAX).saturating_mul(period);
    if range > RANGE_SECONDS_MAX {
        return Err(query::wrong("Metrics cannot be checked across more than seven days."));
    }
    let echo = ECHOED.iter().filter_map(|field| {
        let value = input.value().get(field).filter(|value| !value.is_null())?;
        Some(((*field).to_owned(), value.clone()))
    });
    Ok(Definition {
        name: name.to_owned(),
        actions_enabled: input.boolean("ActionsEnabled")?.unwrap_or(true),
        rule,
        queries,
        period,
        echo: echo.collect(),
    })
}

fn queries(input: Input<'_>) -> Result<Vec<Query>, AwsError> {
    if input.has("Metrics") {
        let queries = query::read(input, "Metrics")?;
        let returned = queries.iter().filter(|query| query.returned).count();
        return if returned == 1 {
            Ok(queries)
        } else {
            Err(query::wrong("Exactly one element of the metrics list should return data."))
        };
    }
    let statistic = match (input.text("Statistic")?, input.text("ExtendedStatistic")?) {
        (Some(name), None) | (None, Some(name)) => Statistic::parse(name)?,
        _ => return Err(query::wrong("Exactly one of Statistic and ExtendedStatistic is wanted.")),
    };
    let period = input.integer("Period")?.ok_or_else(|| AwsError::missing("Period"))?;
    let key = query::key(input, "Alarm")?;
    let period = query::checked_period(period)?;
    Ok(vec![Query::of_metric("m1", key, query::unit(input)?, statistic, period)])
}

fn rule(input: Input<'_>) -> Result<Rule, AwsError> {
    if input.has("ThresholdMetricId") {
        return Err(query::wrong("Anomaly detection is not part of the sandbox."));
    }
    let operator = input.required("ComparisonOperator")?;
    let comparison = COMPARISONS.iter().position(|(name, ..)| *name == operator);
    let comparison = comparison.ok_or_else(|| {
        query::wrong(format!("The value {operator} for parameter ComparisonOperator is invalid."))
    })?;
    let missing = match input.text("TreatMissingData")? {
        None => Missing::Unknown,
        Some(name) => TREATMENTS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, missing)| *missing)
            .ok_or_else(|| {
                query::wrong(format!("The value {name} for parameter TreatMissingData is invalid."))
            })?,
    };
    let counted = |name| -> Result<Option<usize>, AwsError> {
        let count = input.integer(name)?.map(|count| usize::try_from(count).unwrap_or_default());
        match count {
            Some(0) => Err(query::wrong(format!("The parameter {name} must be at least 1."))),
            other => Ok(other),
        }
    };
    let evaluation_periods =
        counted("EvaluationPeriods")?.ok_or_else(|| AwsError::missing("EvaluationPeriods"))?;
    let datapoints_to_alarm = counted("DatapointsToAlarm")?.unwrap_or(evaluation_periods);
    if datapoints_to_alarm > evaluation_periods {
        return Err(query::wrong("DatapointsToAlarm must not exceed EvaluationPeriods."));
    }
    let threshold = input.number("Threshold")?.filter(|threshold| threshold.is_finite());
    let threshold = threshold.ok_or_else(|| AwsError::missing("Threshold"))?;
    Ok(Rule { threshold, comparison, evaluation_periods, datapoints_to_alarm, missing })
}
