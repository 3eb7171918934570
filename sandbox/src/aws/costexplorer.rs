//! Cost Explorer: what the region's resources would have cost, day by day.
//!
//! A bill without metering: each resource of [`PRICES`] has run every hour, so each past day costs
//! the same and today as much as has passed of it. All resources carry the tag `Environment`,
//! except CloudWatch, which has no tag, as on a real bill. Known differences from AWS: days come
//! without the usual delay of up to 24 hours, hours and usage quantities are missing, every cost
//! metric is the list price, and groups are by SERVICE, REGION and the tag Environment only.

mod request;

use super::{
    Clock, Region,
    wire::{Answer, AwsError, Handler, Input, Interface, Service, dispatch, ready},
};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use request::{Filter, Group, Period, Request};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Something that is paid for by the hour.
struct Price {
    service: &'static str,
    /// How many run.
    quantity: i64,
    /// Millionths of a dollar an hour, list price of sa-east-1 in 2026.
    micros_per_hour: i64,
    tagged: bool,
}

const fn price(service: &'static str, quantity: i64, micros_per_hour: i64) -> Price {
    Price { service, quantity, micros_per_hour, tagged: true }
}

const PRICES: [Price; 7] = [
    // A task of 0.25 vCPU at 0.0696 and 0.5 GB at 0.0076.
    price("Amazon Elastic Container Service", 3, 21_200),
    // db.r6g.large
    price("Amazon Relational Database Service", 3, 537_000),
    // cache.t4g.small
    price("Amazon ElastiCache", 3, 61_000),
    // kafka.t3.small
    price("Amazon Managed Streaming for Apache Kafka", 3, 73_700),
    // The balancer at 0.034 and one capacity unit at 0.011.
    price("Amazon Elastic Load Balancing", 1, 45_000),
    // A NAT gateway.
    price("EC2 - Other", 1, 93_000),
    // A hundred custom metrics at 0.30 a month of 730 hours.
    Price { service: "AmazonCloudWatch", quantity: 100, micros_per_hour: 411, tagged: false },
];
const SECONDS_PER_HOUR: i64 = 3600;
const SECONDS_PER_DAY: i64 = 24 * SECONDS_PER_HOUR;
/// What the forecast may be off, in percent, at a level of 80.
const FORECAST_SPREAD_PERCENT: i64 = 5;

/// The service.
pub struct CostExplorer {
    region: Region,
    clock: Clock,
}

impl CostExplorer {
    /// The bill of a region.
    #[must_use]
    pub fn new(region: Region, clock: Clock) -> Self {
        Self { region, clock }
    }

    fn cost_and_usage(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let request = Request::read(input)?;
        let now = (self.clock)();
        let results: Vec<Value> = request
            .periods()
            .into_iter()
            .filter(|period| period.start <= now.date_naive())
            .map(|period| self.result(&request, &period, now))
            .collect();
        let groups: Vec<Value> = request.groups.iter().map(Group::shown).collect();
        Ok(json!({
            "ResultsByTime": results,
            "GroupDefinitions": groups,
            "DimensionValueAttributes": [],
        }))
    }

    fn result(&self, request: &Request, period: &Period, now: DateTime<Utc>) -> Value {
        let seconds = passed(period, now);
        let metrics = |micros: i64| -> Value {
            let amounts = request.metrics.iter();
            amounts.map(|name| (name.clone(), amount(micros))).collect::<Map<_, _>>().into()
        };
        let mut total = 0;
        let mut groups: BTreeMap<Vec<String>, i64> = BTreeMap::new();
        for price in PRICES.iter().filter(|price| self.fits(price, &request.filter)) {
            let cost = price.quantity * price.micros_per_hour * seconds / SECONDS_PER_HOUR;
            total += cost;
            let keys = request.groups.iter().map(|group| self.key(price, group)).collect();
            *groups.entry(keys).or_default() += cost;
        }
        let grouped = !request.groups.is_empty();
        let groups = groups.into_iter().filter(|_| grouped);
        let groups: Vec<Value> = groups
            .map(|(keys, micros)| json!({"Keys": keys, "Metrics": metrics(micros)}))
            .collect();
        json!({
            "TimePeriod": period.shown(),
            "Total": if grouped { json!({}) } else { metrics(total) },
            "Groups": groups,
            // A month's bill is final some days into the next one.
            "Estimated": period.end + Days::new(5) > now.date_naive(),
        })
    }

    fn fits(&self, price: &Price, filter: &Filter) -> bool {
        filter.fits(&|group| self.value(price, group))
    }

    /// What the resource has in a dimension or tag; none when it has no such tag.
    fn value(&self, price: &Price, group: &Group) -> Option<String> {
        match group {
            Group::Service => Some(price.service.to_owned()),
            Group::Region => Some(self.region.name.clone()),
            Group::Account => Some(self.region.account.clone()),
            Group::Tag(tag) if tag == "Environment" && price.tagged => {
                Some(self.region.environment.clone())
            }
            Group::Tag(_) => None,
        }
    }

    /// As groups are named: a tag with its name, and with nothing where it is missing.
    fn key(&self, price: &Price, group: &Group) -> String {
        let value = self.value(price, group).unwrap_or_default();
        match group {
            Group::Tag(tag) => format!("{tag}${value}"),
            _ => value,
        }
    }

    fn cost_forecast(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let request = Request::read_forecast(input)?;
        if request.start < (self.clock)().date_naive() {
            return Err(request::invalid("Start date must not be in the past."));
        }
        let hourly: i64 = PRICES
            .iter()
            .filter(|price| self.fits(price, &request.filter))
            .map(|price| price.quantity * price.micros_per_hour)
            .sum();
        let cost = |days: i64| days * hourly * (SECONDS_PER_DAY / SECONDS_PER_HOUR);
        let results = request.periods().into_iter().map(|period| {
            let mean = cost(period.days());
            let spread = mean * FORECAST_SPREAD_PERCENT / 100;
            json!({
                "TimePeriod": period.shown(),
                "MeanValue": dollars(mean),
                "PredictionIntervalLowerBound": dollars(mean - spread),
                "PredictionIntervalUpperBound": dollars(mean + spread),
            })
        });
        let results: Vec<Value> = results.collect();
        let total = cost((request.end - request.start).num_days());
        Ok(json!({"Total": amount(total), "ForecastResultsByTime": results}))
    }
}

/// Seconds of a period that have passed.
fn passed(period: &Period, now: DateTime<Utc>) -> i64 {
    let at = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
    (now.min(at(period.end)) - at(period.start)).num_seconds().max(0)
}

fn amount(micros: i64) -> Value {
    json!({"Amount": dollars(micros), "Unit": "USD"})
}

/// Millionths of a dollar as decimal text; never negative here.
fn dollars(micros: i64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

const OPERATIONS: &[(&str, Handler<CostExplorer>)] = &[
    ("GetCostAndUsage", |s, i| ready(s.cost_and_usage(i))),
    ("GetCostForecast", |s, i| ready(s.cost_forecast(i))),
];

impl Service for CostExplorer {
    fn interface(&self) -> &'static Interface {
        &Interface { scope: "ce", namespace: "", lists: &[], maps: &[], routes: &[] }
    }

    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a> {
        dispatch(OPERATIONS, self, operation, input)
    }
}
