//! CloudWatch: many series in one call, every page, with how complete each answer was.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_cloudwatch::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_cloudwatch::error::BoxError;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricDatum, MetricStat, ScanBy,
    StandardUnit, StatusCode,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::client::{failed, incomplete, instant, signed, stamp};
use super::{CallError, Completeness, Datum, MetricQuery, Metrics, Series, Unit};

/// CloudWatch takes up to 500 queries at once.
const QUERIES_MAX: usize = 500;
/// One answer holds up to 100,800 points, and a call that could give more is split: a page more
/// costs as much, and only whole calls fail alone.
const POINTS_MAX: i64 = 100_800;
/// A call within the limits above is one page. A single series may be longer: four weeks of 10 s
/// points are three pages. More than this is an answer that never ends.
const PAGES_MAX: usize = 8;
/// CloudWatch takes up to 1,000 values at once.
const DATA_MAX: usize = 1_000;

/// Every series over `[from, to)`.
pub(super) async fn metrics(
    client: &Client,
    queries: &[MetricQuery],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Metrics, CallError> {
    let mut all = Metrics { series: Vec::new(), server_time: None };
    let mut rest = queries;
    while !rest.is_empty() {
        let (call, later) = rest.split_at(within_limits(rest, to - from));
        rest = later;
        let part = batch_metrics(client, call, from, to).await?;
        all.series.extend(part.series);
        all.server_time = part.server_time.or(all.server_time);
    }
    Ok(all)
}

/// How many of the queries one call carries: at least one.
fn within_limits(queries: &[MetricQuery], span: TimeDelta) -> usize {
    let mut points = 0_i64;
    let fits = queries.iter().take(QUERIES_MAX).take_while(|query| {
        let period = i64::from(query.period_s.max(1));
        points = points.saturating_add(span.num_seconds().max(0) / period + 1);
        points <= POINTS_MAX
    });
    fits.count().max(1)
}

async fn batch_metrics(
    client: &Client,
    queries: &[MetricQuery],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Metrics, CallError> {
    let doing = || format!("reading {} metrics", queries.len());
    let mut collected = Collected::new(queries);
    let built: Vec<_> = queries.iter().map(query).collect();
    let date = ServerDate::default();
    let mut next = None;
    for _ in 0..PAGES_MAX {
        let answer = client
            .get_metric_data()
            .set_metric_data_queries(Some(built.clone()))
            .start_time(stamp(from))
            .end_time(stamp(to))
            .scan_by(ScanBy::TimestampAscending)
            .set_next_token(next)
            .customize()
            .interceptor(date.clone())
            .send()
            .await
            .map_err(failed(doing()))?;
        collected.add(answer.metric_data_results());
        next = answer.next_token().map(str::to_owned);
        if next.is_none() {
            let server_time = date.read();
            return Ok(Metrics { series: collected.series(), server_time });
        }
    }
    Err(incomplete(doing(), "an end after eight pages"))
}

fn query(one: &MetricQuery) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace(&one.namespace)
        .metric_name(&one.metric)
        .set_dimensions(Some(dimensions(&one.dimensions)))
        .build();
    let stat =
        MetricStat::builder().metric(metric).period(signed(one.period_s)).stat(&one.statistic);
    MetricDataQuery::builder().id(&one.id).metric_stat(stat.build()).return_data(true).build()
}

/// Publishes values of our own, in as many calls as they need.
pub(super) async fn publish(
    client: &Client,
    namespace: &str,
    data: &[Datum],
) -> Result<(), CallError> {
    let doing = || format!("publishing {} values to {namespace}", data.len());
    for batch in data.chunks(DATA_MAX) {
        let request = client.put_metric_data().namespace(namespace);
        let request = request.set_metric_data(Some(batch.iter().map(datum).collect()));
        request.send().await.map_err(failed(doing()))?;
    }
    Ok(())
}

fn datum(one: &Datum) -> MetricDatum {
    let unit = match one.unit {
        Unit::Count => StandardUnit::Count,
        Unit::Milliseconds => StandardUnit::Milliseconds,
    };
    MetricDatum::builder()
        .metric_name(&one.metric)
        .set_dimensions(Some(dimensions(&one.dimensions)))
        .timestamp(stamp(one.at))
        .value(one.value)
        .unit(unit)
        .storage_resolution(1)
        .build()
}

fn dimensions(pairs: &[(String, String)]) -> Vec<Dimension> {
    let build = |(name, value): &(String, String)| Dimension::builder().name(name).value(value);
    pairs.iter().map(|pair| build(pair).build()).collect()
}

/// What the pages of one answer add up to.
struct Collected {
    by_id: BTreeMap<String, Series>,
}

impl Collected {
    /// A series of which no page speaks was not answered.
    fn new(queries: &[MetricQuery]) -> Self {
        let unanswered = |one: &MetricQuery| Series {
            id: one.id.clone(),
            completeness: Completeness::Failed,
            points: Vec::new(),
        };
        Self { by_id: queries.iter().map(|one| (one.id.clone(), unanswered(one))).collect() }
    }

    fn add(&mut self, results: &[MetricDataResult]) {
        for result in results {
            let Some(held) = result.id().and_then(|id| self.by_id.get_mut(id)) else { continue };
            // The newest page's word counts: PartialData is what a page before the last says.
            held.completeness = match result.status_code() {
                Some(StatusCode::Complete) => Completeness::Complete,
                Some(StatusCode::PartialData) => Completeness::Partial,
                _ => Completeness::Failed,
            };
            let points = result.timestamps().iter().zip(result.values());
            held.points.extend(points.filter_map(|(at, value)| Some((instant(at)?, *value))));
        }
    }

    fn series(self) -> Vec<Series> {
        let mut series: Vec<Series> = self.by_id.into_values().collect();
        for one in &mut series {
            one.points.sort_by_key(|(at, _)| *at);
            one.points.dedup_by_key(|(at, _)| *at);
        }
        series
    }
}

/// Notes the `Date` header of the answer: the server's clock.
#[derive(Clone, Debug, Default)]
struct ServerDate(Arc<OnceLock<DateTime<Utc>>>);

impl ServerDate {
    fn read(&self) -> Option<DateTime<Utc>> {
        self.0.get().copied()
    }
}

impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        if let Some(at) = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok()) {
            // Only the first page's: the later ones were asked for later.
            let _ = self.0.set(at.to_utc());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_stays_within_both_limits_and_carries_at_least_one_series() {
        #[rustfmt::skip]
        let table = [
            // queries, period, span in seconds, carried
            (1,     10, 900,       1),
            (500,   10, 900,       500),
            (501,   10, 900,       500),
            (501,   10, 2_000,     500),
            (501,   10, 2_010,     499), // 202 points each
            (99,    10, 14_400,    69),  // 1,441 points each
            (20,   300, 2_419_200, 12),  // four weeks: 8,065 points each
            (3,      1, 200_000,   1),   // longer than one answer
            (2,     60, -5,        2),
        ];
        for (queries, period_s, span, want) in table {
            let query = MetricQuery {
                id: "m".to_owned(),
                namespace: "Wallet".to_owned(),
                metric: "Requests".to_owned(),
                dimensions: vec![],
                statistic: "Sum".to_owned(),
                period_s,
            };
            let all = vec![query; queries];
            let got = within_limits(&all, TimeDelta::seconds(span));
            assert_eq!(got, want, "{queries} of {period_s} s over {span} s");
        }
    }
}
