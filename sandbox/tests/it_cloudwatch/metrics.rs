//! Publishing: values with counts, summaries, compression, limits, lag, and what is listed.

use crate::harness::{Harness, NOON, at, datum, query, time};
use aws_sdk_cloudwatch::{
    error::ProvideErrorMetadata,
    types::{Dimension, DimensionFilter, MetricDatum, StandardUnit, Statistic, StatisticSet},
};
use std::collections::BTreeMap;

/// The newest value of one metric and statistic over the last minute before noon.
async fn minute(harness: &Harness, name: &str, stat: &str) -> Option<f64> {
    let answer = harness
        .client()
        .await
        .get_metric_data()
        .metric_data_queries(query("m1", name, stat, 60))
        .start_time(at(-60))
        .end_time(at(0))
        .send()
        .await
        .expect("a good query");
    answer.metric_data_results()[0].values().first().copied()
}

fn close(got: Option<f64>, want: f64) -> bool {
    got.is_some_and(|got| (got - want).abs() < 1e-9)
}

#[tokio::test]
async fn statistics_come_from_exact_values_and_counts() {
    let harness = Harness::start(0).await;
    let client = harness.client().await;
    // 1 to 50 in one datum with counts, 51 to 100 in another and one by one.
    let halves = (1..=50).fold(datum("LatencyMs", -30), |d, n| d.values(f64::from(n)).counts(1.0));
    let mut put = client.put_metric_data().namespace("Wallet").metric_data(halves.build());
    for n in 51..=100 {
        put = put.metric_data(datum("LatencyMs", -20).value(f64::from(n)).build());
    }
    put.send().await.expect("good data");
    for (stat, want) in [
        ("Average", 50.5),
        ("Sum", 5050.0),
        ("Minimum", 1.0),
        ("Maximum", 100.0),
        ("SampleCount", 100.0),
        ("p50", 50.5),
        ("p99", 99.01),
        ("p99.9", 99.901),
        ("tm90", 45.5),
        ("TM(10%:90%)", 50.5),
    ] {
        let got = minute(&harness, "LatencyMs", stat).await;
        assert!(close(got, want), "{stat} is {got:?}, not {want}");
    }
}

#[tokio::test]
async fn counts_weigh_their_values() {
    let harness = Harness::start(0).await;
    let weighted = datum("LatencyMs", -30)
        .values(1.0)
        .counts(98.0)
        .values(1000.0)
        .counts(2.0)
        .unit(StandardUnit::Milliseconds);
    harness
        .client()
        .await
        .put_metric_data()
        .namespace("Wallet")
        .metric_data(weighted.build())
        .send()
        .await
        .expect("good data");
    for (stat, want) in [("p50", 1.0), ("p97", 1.0), ("p99", 1000.0), ("Sum", 2098.0)] {
        let got = minute(&harness, "LatencyMs", stat).await;
        assert!(close(got, want), "{stat} is {got:?}, not {want}");
    }
}

#[tokio::test]
async fn a_summary_has_no_percentile() {
    let harness = Harness::start(0).await;
    let set = StatisticSet::builder().sample_count(4.0).sum(10.0).minimum(1.0).maximum(4.0);
    harness
        .client()
        .await
        .put_metric_data()
        .namespace("Wallet")
        .metric_data(datum("Batch", -30).statistic_values(set.build()).build())
        .send()
        .await
        .expect("good data");
    assert!(close(minute(&harness, "Batch", "Average").await, 2.5));
    assert_eq!(minute(&harness, "Batch", "p99").await, None);
}

#[tokio::test]
async fn a_large_body_arrives_compressed_and_whole() {
    let harness = Harness::start(0).await;
    let mut put = harness.client().await.put_metric_data().namespace("Wallet");
    for series in 0..200 {
        let values = (1..=100).map(f64::from).collect::<Vec<_>>();
        // Some 200 KB of CBOR in all: far above the 10 KiB from which the SDK compresses.
        put = put.metric_data(datum(&format!("Big{series}"), -30).set_values(Some(values)).build());
    }
    put.send().await.expect("gzip is understood");
    assert!(close(minute(&harness, "Big199", "p99").await, 99.01));
    let none = minute(&harness, "Big200", "Sum").await;
    assert_eq!(none, None, "an unknown metric has no values, and is no error");
}

#[tokio::test]
async fn fresh_data_are_hidden_for_the_lag() {
    let harness = Harness::start(5).await;
    let client = harness.client().await;
    client
        .put_metric_data()
        .namespace("Wallet")
        .metric_data(datum("Requests", -30).value(7.0).build())
        .send()
        .await
        .expect("good data");
    let listed =
        || async { client.list_metrics().send().await.expect("a good call").metrics().len() };
    harness.pass(4);
    assert_eq!((minute(&harness, "Requests", "Sum").await, listed().await), (None, 0));
    harness.pass(1);
    assert_eq!((minute(&harness, "Requests", "Sum").await, listed().await), (Some(7.0), 1));
}

#[tokio::test]
async fn what_the_region_publishes_itself_is_read_alike() {
    let harness = Harness::start(0).await;
    let dimensions = [("ServiceName", "wallet-svc"), ("ClusterName", "wallet-local")];
    harness
        .cloudwatch
        .put("AWS/ECS", &dimensions, ("CPUUtilization", "Percent"), time(NOON - 30), &[(42.0, 3.0)])
        .expect("a unit of CloudWatch");
    let dimension =
        |(name, value): (&str, &str)| Dimension::builder().name(name).value(value).build();
    let answer = harness
        .client()
        .await
        .get_metric_statistics()
        .namespace("AWS/ECS")
        .metric_name("CPUUtilization")
        .period(60)
        .set_dimensions(Some(dimensions.into_iter().rev().map(dimension).collect()))
        .start_time(at(-120))
        .end_time(at(0))
        .statistics(Statistic::Average)
        .statistics(Statistic::SampleCount)
        .extended_statistics("p95")
        .send()
        .await
        .expect("a good query");
    let [point] = answer.datapoints() else { panic!("one point, not {answer:?}") };
    assert_eq!((point.average(), point.sample_count()), (Some(42.0), Some(3.0)));
    assert_eq!(point.extended_statistics().and_then(|all| all.get("p95")), Some(&42.0));
    assert_eq!((point.unit(), point.timestamp()), (Some(&StandardUnit::Percent), Some(&at(-60))));
}

#[tokio::test]
async fn wrong_data_are_refused_whole_and_by_name() {
    let harness = Harness::start(0).await;
    let client = harness.client().await;
    let many = |n: u16| (0..n).map(f64::from).collect::<Vec<_>>();
    let set = StatisticSet::builder().sample_count(1.0).sum(1.0).minimum(1.0).maximum(1.0).build();
    let dimension = |value: &str| Dimension::builder().name("Operation").value(value).build();
    let good = || datum("Good", -30).value(1.0).build();
    for (bad, code, words) in [
        (datum("A", -30), "MissingParameter", "Value"),
        (datum("A", -30).value(f64::NAN), "InvalidParameterValue", "NaN"),
        (datum("A", -30).value(f64::INFINITY), "InvalidParameterValue", "inf"),
        (datum("A", -30).value(1e300), "InvalidParameterValue", "Value"),
        (
            datum("A", -30).value(1.0).statistic_values(set),
            "InvalidParameterCombination",
            "exclusive",
        ),
        (datum("A", -30).set_values(Some(many(151))), "InvalidParameterValue", "150"),
        (
            datum("A", -30).values(1.0).set_counts(Some(many(2))),
            "InvalidParameterValue",
            "same size",
        ),
        (datum("A", -30).values(1.0).counts(-1.0), "InvalidParameterValue", "negative"),
        (datum("A", -15 * 86_400).value(1.0), "InvalidParameterValue", "two weeks"),
        (datum("A", 3 * 3600).value(1.0), "InvalidParameterValue", "two hours"),
        (datum("A", -30).value(1.0).storage_resolution(7), "InvalidParameterValue", "1 or 60"),
        (datum("A", -30).value(1.0).unit("Parsec".into()), "InvalidParameterValue", "Unit"),
        (datum("A", -30).value(1.0).dimensions(dimension("")), "MissingParameter", "Value"),
        (
            datum("A", -30).value(1.0).dimensions(dimension("a")).dimensions(dimension("b")),
            "InvalidParameterValue",
            "more than once",
        ),
    ] {
        let refused = client
            .put_metric_data()
            .namespace("Wallet")
            .metric_data(good())
            .metric_data(bad.build())
            .send()
            .await
            .expect_err(words)
            .into_service_error();
        assert_eq!(refused.code(), Some(code), "{refused:?}");
        assert!(refused.message().is_some_and(|message| message.contains(words)), "{refused:?}");
    }
    let reserved = client.put_metric_data().namespace("AWS/ECS").metric_data(good()).send().await;
    let reserved = reserved.expect_err("a reserved namespace").into_service_error();
    assert!(reserved.is_invalid_parameter_value_exception(), "{reserved:?}");
    let crowd = client
        .put_metric_data()
        .namespace("Wallet")
        .set_metric_data(Some(vec![good(); 1001]))
        .send()
        .await;
    let crowd = crowd.expect_err("too many").into_service_error();
    assert!(crowd.is_invalid_parameter_value_exception(), "{crowd:?}");
    assert_eq!(minute(&harness, "Good", "Sum").await, None, "nothing of a bad request is kept");
}

#[tokio::test]
async fn metrics_are_listed_by_dimension_in_pages() {
    let harness = Harness::start(0).await;
    let client = harness.client().await;
    let named = |n: i32| -> MetricDatum {
        let dimension =
            |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        datum("Requests", -30)
            .value(1.0)
            .dimensions(dimension("Operation", &format!("op{n:04}")))
            .dimensions(dimension("Environment", "local"))
            .build()
    };
    let put = client.put_metric_data().namespace("Wallet");
    put.set_metric_data(Some((0..900).map(named).collect())).send().await.expect("good data");
    let pages = client
        .list_metrics()
        .namespace("Wallet")
        .dimensions(DimensionFilter::builder().name("Environment").value("local").build());
    let pages = pages.into_paginator().send().collect::<Result<Vec<_>, _>>().await;
    let pages = pages.expect("every page");
    let found: Vec<_> = pages.iter().flat_map(|page| page.metrics()).collect();
    let names: BTreeMap<_, _> =
        found.iter().map(|m| (format!("{:?}", m.dimensions()), ())).collect();
    assert_eq!((found.len(), names.len()), (900, 900));
    let one = client
        .list_metrics()
        .dimensions(DimensionFilter::builder().name("Operation").value("op0007").build())
        .send()
        .await
        .expect("a good call");
    assert_eq!(one.metrics().len(), 1);
    let bad = client.list_metrics().next_token("nonsense").send().await;
    assert_eq!(bad.expect_err("no token of ours").code(), Some("InvalidNextToken"));
}
