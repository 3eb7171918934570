//! The queries of GetMetricData and of alarms: read, checked and computed.

use super::{
    datum,
    math::{self, Line},
    series::{MetricKey, Window},
    statistic::Statistic,
    store::Store,
};
use crate::aws::wire::{AwsError, Input};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

const QUERIES_MAX: usize = 500;
/// Most points that one call may compute: 100,800 are AWS's limit for an answer.
const POINTS_MAX: i64 = 100_800;
/// The same over all queries when expressions may fill gaps, 16 bytes and more each.
const FILLED_POINTS_MAX: i64 = 1_000_000;
const PERIOD_MAX: i64 = 31 * 86_400;

/// One query.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) id: String,
    label: Option<String>,
    /// Whether its points are part of the answer.
    pub(super) returned: bool,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Metric { key: MetricKey, unit: Option<&'static str>, statistic: Statistic, period: i64 },
    Expression(math::Expression),
}

impl Query {
    /// A query for one metric, returned.
    pub(super) fn of_metric(
        id: &str,
        key: MetricKey,
        unit: Option<&'static str>,
        statistic: Statistic,
        period: i64,
    ) -> Self {
        let body = Body::Metric { key, unit, statistic, period };
        Self { id: id.to_owned(), label: None, returned: true, body }
    }

    /// Seconds, if it asks for a metric.
    pub(super) fn period(&self) -> Option<i64> {
        match self.body {
            Body::Metric { period, .. } => Some(period),
            Body::Expression(_) => None,
        }
    }
}

/// What a query found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) points: BTreeMap<i64, f64>,
}

/// Reads a list of queries.
///
/// # Errors
/// There are none or too many, an id is wrong or used twice, or a query is wrong.
pub(super) fn read(input: Input<'_>, field: &str) -> Result<Vec<Query>, AwsError> {
    let given = input.list(field)?;
    if given.is_empty() || given.len() > QUERIES_MAX {
        return Err(wrong(format!("{field} must hold 1 to {QUERIES_MAX} queries.")));
    }
    let mut queries: Vec<Query> = Vec::with_capacity(given.len());
    for (index, query) in given.into_iter().enumerate() {
        let path = format!("{field}.member.{}", index + 1);
        let query = one(query, &path)?;
        if queries.iter().any(|known| known.id == query.id) {
            return Err(wrong(format!("The id {} is used more than once.", query.id)));
        }
        queries.push(query);
    }
    if queries.iter().any(|query| query.returned) {
        Ok(queries)
    } else {
        Err(wrong(format!("At least one element of {field} must return data.")))
    }
}

fn one(input: Input<'_>, path: &str) -> Result<Query, AwsError> {
    let id = input.required("Id")?;
    let fits = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.len() <= 255
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !fits {
        return Err(wrong(format!("The value {id} for parameter {path}.Id is invalid.")));
    }
    let body = match (input.text("Expression")?, input.part("MetricStat")?) {
        (Some(text), None) => math::parse(text)
            .map(Body::Expression)
            .map_err(|fault| wrong(format!("Error in expression '{id}': {fault}")))?,
        (None, Some(stat)) => metric_stat(stat, path)?,
        _ => {
            return Err(wrong(format!(
                "{path} must have exactly one of Expression and MetricStat."
            )));
        }
    };
    Ok(Query {
        id: id.to_owned(),
        label: input.text("Label")?.map(str::to_owned),
        returned: input.boolean("ReturnData")?.unwrap_or(true),
        body,
    })
}

fn metric_stat(stat: Input<'_>, path: &str) -> Result<Body, AwsError> {
    let metric = stat.part("Metric")?;
    let metric = metric.ok_or_else(|| AwsError::missing(&format!("{path}.MetricStat.Metric")))?;
    let period = stat.integer("Period")?;
    let period = period.ok_or_else(|| AwsError::missing(&format!("{path}.MetricStat.Period")))?;
    Ok(Body::Metric {
        key: key(metric, path)?,
        unit: unit(stat)?,
        statistic: Statistic::parse(stat.required("Stat")?)?,
        period: checked_period(period)?,
    })
}

/// Reads namespace, name and dimensions.
///
/// # Errors
/// One of them is missing or wrong.
pub(super) fn key(metric: Input<'_>, path: &str) -> Result<MetricKey, AwsError> {
    Ok(MetricKey {
        namespace: metric.required("Namespace")?.to_owned(),
        name: metric.required("MetricName")?.to_owned(),
        dimensions: datum::dimensions(metric, path)?,
    })
}

/// Reads the unit that is asked for, if any.
///
/// # Errors
/// It is no unit.
pub(super) fn unit(input: Input<'_>) -> Result<Option<&'static str>, AwsError> {
    let Some(name) = input.text("Unit")? else { return Ok(None) };
    let unit = datum::unit(name);
    unit.map(Some).ok_or_else(|| wrong(format!("The value {name} for parameter Unit is invalid.")))
}

/// A period that CloudWatch knows.
///
/// # Errors
/// It is neither 1, 5, 10, 20 or 30 seconds nor whole minutes.
pub(super) fn checked_period(period: i64) -> Result<i64, AwsError> {
    let minutes = period % 60 == 0 && (60..=PERIOD_MAX).contains(&period);
    if minutes || [1, 5, 10, 20, 30].contains(&period) {
        Ok(period)
    } else {
        let rule = "must be 1, 5, 10, 20, 30 or a multiple of 60";
        Err(wrong(format!("The parameter Period {rule}, not {period}.")))
    }
}

/// Computes the queries that are returned, in their order. An expression may give several.
///
/// # Errors
/// The range is empty or holds too many points, or an expression is wrong.
pub(super) fn compute(
    store: &Store,
    queries: &[Query],
    range: (DateTime<Utc>, DateTime<Utc>),
    as_of: DateTime<Utc>,
) -> Result<Vec<Found>, AwsError> {
    let (start, end) = range;
    if start >= end {
        return Err(wrong("The parameter StartTime must be less than the parameter EndTime."));
    }
    let window = |period| Window::new(period, start, end, as_of);
    bounded(queries, &window)?;
    let mut scope = math::Scope {
        start: window(1).start,
        end: window(1).end.min(as_of.timestamp()),
        ..math::Scope::default()
    };
    for query in queries {
        let id = query.id.clone();
        match &query.body {
            Body::Metric { key, unit, statistic, period } => {
                let periods = store.periods(key, window(*period), *unit);
                let points = periods.into_iter().filter_map(|(at, (_, values))| {
                    values.statistic(*statistic).map(|value| (at, value))
                });
                let label = query.label.clone().unwrap_or_else(|| key.name.clone());
                let line = Line { label, period: *period, points: points.collect() };
                scope.metrics.insert(id, line);
            }
            Body::Expression(expression) => {
                scope.expressions.insert(id, expression.clone());
            }
        }
    }
    let mut found = Vec::new();
    for query in queries.iter().filter(|query| query.returned) {
        found.extend(lines_of(&scope, query)?);
    }
    Ok(found)
}

fn lines_of(scope: &math::Scope, query: &Query) -> Result<Vec<Found>, AwsError> {
    let lines = math::evaluate(scope, &query.id)
        .map_err(|fault| wrong(format!("Error in expression '{}': {fault}", query.id)))?;
    let several = lines.len() > 1;
    let found = lines.into_iter().map(|line| {
        let label = match (&query.body, &query.label) {
            (Body::Metric { .. }, _) => line.label,
            (Body::Expression(_), _) if several => line.label,
            (Body::Expression(_), Some(label)) => label.clone(),
            (Body::Expression(_), None) => query.id.clone(),
        };
        Found { id: query.id.clone(), label, points: line.points }
    });
    Ok(found.collect())
}

fn bounded(queries: &[Query], window: &dyn Fn(i64) -> Window) -> Result<(), AwsError> {
    let spans = queries.iter().map(|query| window(query.period().unwrap_or(60)).periods());
    let longest = spans.clone().max().unwrap_or_default();
    if longest > POINTS_MAX {
        return Err(wrong(format!("A query spans {longest} periods; {POINTS_MAX} is the limit.")));
    }
    let computed = spans.fold(0_i64, i64::saturating_add);
    let expressions = queries.iter().any(|query| query.period().is_none());
    // A filled expression may have the finest period of all queries.
    let filled = longest.saturating_mul(i64::try_from(queries.len()).unwrap_or(i64::MAX));
    if expressions && computed.max(filled) > FILLED_POINTS_MAX {
        return Err(wrong(format!(
            "With expressions a call may compute {FILLED_POINTS_MAX} points, not {filled}."
        )));
    }
    Ok(())
}

/// What GetMetricData calls a wrong request.
pub(super) fn wrong(message: impl Into<String>) -> AwsError {
    AwsError::refused("ValidationError", message)
}
