//! Cost Explorer: one bill, whichever way it is cut.

use crate::harness::Harness;
use aws_sdk_costexplorer::{
    Client,
    error::ProvideErrorMetadata,
    types::{
        DateInterval, Dimension, DimensionValues, Expression, Granularity, Group, GroupDefinition,
        GroupDefinitionType, Metric, MetricValue, ResultByTime, TagValues,
    },
};

const METRIC: &str = "UnblendedCost";

fn days(start: &str, end: &str) -> DateInterval {
    DateInterval::builder().start(start).end(end).build().expect("both are there")
}

fn by(kind: GroupDefinitionType, key: &str) -> GroupDefinition {
    GroupDefinition::builder().r#type(kind).key(key).build()
}

fn dollars(result: &ResultByTime) -> f64 {
    let amount = |metric: Option<&MetricValue>| -> f64 {
        metric.and_then(|metric| metric.amount()?.parse().ok()).expect("an amount of money")
    };
    let of_group = |group: &Group| amount(group.metrics().and_then(|all| all.get(METRIC)));
    match result.groups() {
        [] => amount(result.total().and_then(|all| all.get(METRIC))),
        groups => groups.iter().map(of_group).sum(),
    }
}

async fn cost(
    client: &Client,
    interval: DateInterval,
    group: &[GroupDefinition],
    filter: Option<Expression>,
) -> Vec<ResultByTime> {
    let ask = client
        .get_cost_and_usage()
        .time_period(interval)
        .granularity(Granularity::Daily)
        .metrics("UnblendedCost")
        .set_group_by(Some(group.to_vec()))
        .set_filter(filter);
    ask.send().await.expect("a good question").results_by_time().to_vec()
}

#[tokio::test]
async fn a_day_costs_the_same_however_it_is_grouped() {
    let harness = Harness::start(0).await;
    let client = Client::new(&harness.config().await);
    let may = || days("2026-05-04", "2026-05-06");
    let whole = cost(&client, may(), &[], None).await;
    let services =
        cost(&client, may(), &[by(GroupDefinitionType::Dimension, "SERVICE")], None).await;
    let tags = cost(&client, may(), &[by(GroupDefinitionType::Tag, "Environment")], None).await;
    assert_eq!((whole.len(), services[0].groups().len(), tags[0].groups().len()), (2, 7, 2));
    assert_eq!(tags[0].groups()[1].keys(), ["Environment$local"]);
    for other in [&services, &tags] {
        assert!((dollars(&whole[0]) - dollars(&other[0])).abs() < 1e-6);
    }
    assert!(!whole[0].estimated());
}

#[tokio::test]
async fn today_costs_what_has_passed_of_it() {
    let harness = Harness::start(0).await; // At noon of 10 June.
    let client = Client::new(&harness.config().await);
    let june = cost(&client, days("2026-06-09", "2026-06-12"), &[], None).await;
    assert_eq!(june.len(), 2, "tomorrow has no cost yet");
    assert!((dollars(&june[1]) * 2.0 - dollars(&june[0])).abs() < 1e-5);
    assert!(june[1].estimated());
}

#[tokio::test]
async fn filters_choose_by_service_and_tag() {
    let harness = Harness::start(0).await;
    let client = Client::new(&harness.config().await);
    let tagged = Expression::builder()
        .tags(TagValues::builder().key("Environment").values("local").build())
        .build();
    let database = Expression::builder()
        .dimensions(
            DimensionValues::builder()
                .key(Dimension::Service)
                .values("Amazon Relational Database Service")
                .build(),
        )
        .build();
    let both = Expression::builder().and(tagged.clone()).and(database).build();
    let other = Expression::builder().not(tagged).build();
    let day = || days("2026-05-04", "2026-05-05");
    let rds = dollars(&cost(&client, day(), &[], Some(both)).await[0]);
    assert!((rds - 3.0 * 0.537 * 24.0).abs() < 1e-6, "three db.r6g.large, not {rds}");
    let untagged = dollars(&cost(&client, day(), &[], Some(other)).await[0]);
    assert!((untagged - 0.0411 * 24.0).abs() < 1e-6, "CloudWatch alone, not {untagged}");
}

#[tokio::test]
async fn the_forecast_is_the_bill_going_on() {
    let harness = Harness::start(0).await;
    let client = Client::new(&harness.config().await);
    let day = dollars(&cost(&client, days("2026-05-04", "2026-05-05"), &[], None).await[0]);
    let ask = |start| {
        client
            .get_cost_forecast()
            .time_period(days(start, "2026-07-01"))
            .granularity(Granularity::Monthly)
            .metric(Metric::UnblendedCost)
    };
    let forecast = ask("2026-06-11").send().await.expect("a good question");
    let total: f64 = forecast.total().and_then(|t| t.amount()?.parse().ok()).expect("money");
    assert!((total - day * 20.0).abs() < 1e-4, "{total} is not twenty days of {day}");
    assert_eq!(forecast.forecast_results_by_time().len(), 1);
    let past = ask("2026-06-01").send().await.expect_err("it has passed");
    assert_eq!(past.code(), Some("ValidationException"));
    let hourly = client
        .get_cost_and_usage()
        .time_period(days("2026-05-04", "2026-05-05"))
        .granularity(Granularity::Hourly)
        .metrics("UnblendedCost")
        .send()
        .await;
    assert_eq!(hourly.expect_err("hours are not enabled").code(), Some("ValidationException"));
}
