//! Cost Explorer: what an environment was billed, by day and service.
//!
//! Each request is paid for, retries and pages included, so it is sent by the client that does not
//! retry, and pages are bounded.

use std::collections::BTreeMap;

use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::types::{
    DateInterval, Expression, Granularity, GroupDefinition, GroupDefinitionType, MetricValue,
    ResultByTime, TagValues,
};
use chrono::NaiveDate;

use super::CallError;
use super::client::{failed, incomplete};
use crate::cost::bill::{BilledDay, parse_micros};

/// What a day cost without discounts being spread over it.
const METRIC: &str = "UnblendedCost";
/// The tag that every resource of an environment carries.
const TAG: &str = "Environment";
/// Thirty-five days of a few dozen services are one page; more is an answer that never ends.
const PAGES_MAX: usize = 4;

type ByService = BTreeMap<String, i64>;

/// The days of `[from, to)` of which AWS says anything.
pub(super) async fn bill(
    client: &Client,
    environment: &str,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<BilledDay>, CallError> {
    let doing = || format!("reading the bill of {environment} from {from} to {to}");
    let period = DateInterval::builder().start(from.to_string()).end(to.to_string()).build();
    let period = period.map_err(|error| incomplete(doing(), &error.to_string()))?;
    let tag = TagValues::builder().key(TAG).values(environment).build();
    let service =
        GroupDefinition::builder().r#type(GroupDefinitionType::Dimension).key("SERVICE").build();
    let question = client
        .get_cost_and_usage()
        .time_period(period)
        .granularity(Granularity::Daily)
        .metrics(METRIC)
        .group_by(service)
        .filter(Expression::builder().tags(tag).build());
    let mut days: BTreeMap<NaiveDate, ByService> = BTreeMap::new();
    let mut next = None;
    for _ in 0..PAGES_MAX {
        let answer = question.clone().set_next_page_token(next).send().await;
        let answer = answer.map_err(failed(doing()))?;
        for result in answer.results_by_time() {
            let (date, services) = day(result).map_err(|lacks| incomplete(doing(), lacks))?;
            // AWS says nothing of a day that it has not looked at yet.
            if !services.is_empty() {
                days.entry(date).or_default().extend(services);
            }
        }
        next = answer.next_page_token().map(str::to_owned);
        if next.is_none() {
            let days = days.into_iter().map(|(date, services)| BilledDay::of(date, services));
            let days: Option<Vec<_>> = days.collect();
            return days.ok_or_else(|| incomplete(doing(), "a sum that is money"));
        }
    }
    Err(incomplete(doing(), "an end after four pages"))
}

/// One day, or what its answer lacks.
fn day(result: &ResultByTime) -> Result<(NaiveDate, ByService), &'static str> {
    let start = result.time_period().map(DateInterval::start).ok_or("a day")?;
    let date = start.get(..10).and_then(|date| date.parse().ok()).ok_or("a day that is a date")?;
    let mut services = ByService::new();
    for group in result.groups() {
        let service = group.keys().first().ok_or("the name of a service")?;
        let value = group.metrics().and_then(|metrics| metrics.get(METRIC));
        let micros = value.and_then(dollars).ok_or("an amount in dollars")?;
        services.insert(service.clone(), micros);
    }
    Ok((date, services))
}

fn dollars(value: &MetricValue) -> Option<i64> {
    parse_micros(value.amount().filter(|_| value.unit() == Some("USD"))?)
}
