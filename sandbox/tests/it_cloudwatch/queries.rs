//! GetMetricData: order, periods, math, pages, and refusals.

use crate::harness::{Harness, at, datum, expression, query};
use aws_sdk_cloudwatch::{
    Client,
    error::ProvideErrorMetadata,
    types::{MetricDataQuery, ScanBy, StatusCode},
};

/// Requests 10, 20, … 100 and errors 1, 0, 1, 0, … in the ten minutes before noon.
async fn traffic(harness: &Harness) -> Client {
    let client = harness.client().await;
    let mut put = client.put_metric_data().namespace("Wallet");
    for minute in 1..=10 {
        let start = -660 + 60 * i64::from(minute);
        let errors = f64::from(minute % 2);
        put = put
            .metric_data(datum("Requests", start + 20).value(f64::from(minute * 10)).build())
            .metric_data(datum("Errors", start + 40).value(errors).build());
    }
    put.send().await.expect("good data");
    client
}

async fn values(client: &Client, queries: &[MetricDataQuery]) -> Vec<f64> {
    let answer = client
        .get_metric_data()
        .set_metric_data_queries(Some(queries.to_vec()))
        .start_time(at(-600))
        .end_time(at(0))
        .scan_by(ScanBy::TimestampAscending)
        .send()
        .await
        .unwrap_or_else(|e| panic!("{queries:?}: {}", e.into_service_error()));
    let [result] = answer.metric_data_results() else { panic!("one result: {answer:?}") };
    assert_eq!(result.status_code(), Some(&StatusCode::Complete));
    result.values().to_vec()
}

fn hidden(query: MetricDataQuery) -> MetricDataQuery {
    MetricDataQuery::builder()
        .set_id(query.id)
        .set_metric_stat(query.metric_stat)
        .return_data(false)
        .build()
}

#[tokio::test]
async fn points_come_newest_first_unless_asked_otherwise() {
    let harness = Harness::start(0).await;
    let client = traffic(&harness).await;
    let ask = || {
        client
            .get_metric_data()
            .metric_data_queries(query("m1", "Requests", "Sum", 60))
            .start_time(at(-595))
            .end_time(at(-299))
    }; // Neither is aligned.
    let answer = ask().send().await.expect("a good query");
    let result = &answer.metric_data_results()[0];
    assert_eq!(result.values(), [60.0, 50.0, 40.0, 30.0, 20.0, 10.0]);
    assert_eq!(result.timestamps()[0], at(-300), "a point stands at the start of its period");
    assert_eq!((result.label(), result.id()), (Some("Requests"), Some("m1")));
    let answer = ask().scan_by(ScanBy::TimestampAscending).send().await.expect("a good query");
    assert_eq!(answer.metric_data_results()[0].values(), [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
}

#[tokio::test]
async fn periods_sum_up_what_lies_in_them() {
    let harness = Harness::start(0).await;
    let client = traffic(&harness).await;
    assert_eq!(values(&client, &[query("m", "Requests", "Sum", 300)]).await, [150.0, 400.0]);
    assert_eq!(values(&client, &[query("m", "Requests", "Maximum", 300)]).await, [50.0, 100.0]);
    assert_eq!(values(&client, &[query("m", "Requests", "Sum", 20)]).await.len(), 10);
}

#[tokio::test]
async fn expressions_compute_from_the_other_queries() {
    let harness = Harness::start(0).await;
    let client = traffic(&harness).await;
    for (text, want) in [
        ("m2 / m1 * 100", vec![10.0, 0.0, 100.0 / 30.0, 0.0, 2.0]),
        ("m1 + m2", vec![11.0, 20.0, 31.0, 40.0, 51.0]),
        ("SUM(METRICS())", vec![11.0, 20.0, 31.0, 40.0, 51.0]),
        ("AVG([m1, m2])", vec![5.5, 10.0, 15.5, 20.0, 25.5]),
        ("IF(m1 > 25, m1, 0)", vec![0.0, 0.0, 30.0, 40.0, 50.0]),
        ("RATE(m1)", vec![1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0]),
        ("m1 / MAX(m1)", vec![0.1, 0.2, 0.3, 0.4, 0.5]),
    ] {
        let queries = [
            hidden(query("m1", "Requests", "Sum", 60)),
            hidden(query("m2", "Errors", "Sum", 60)),
            expression("e1", text),
        ];
        let got = values(&client, &queries).await;
        let near = want.iter().zip(&got).all(|(want, got)| (want - got).abs() < 1e-9);
        assert!(near, "{text} is {got:?}, not {want:?}");
    }
}

#[tokio::test]
async fn fill_reaches_the_ends_of_the_range_but_not_beyond_now() {
    let harness = Harness::start(0).await;
    let client = traffic(&harness).await;
    let answer = client
        .get_metric_data()
        .metric_data_queries(hidden(query("m1", "Requests", "Sum", 60)))
        .metric_data_queries(expression("e1", "FILL(m1, 0)"))
        .start_time(at(-900))
        .end_time(at(900))
        .send()
        .await
        .expect("a good query");
    let got = answer.metric_data_results()[0].values();
    assert_eq!((got.len(), got[0], got[14]), (15, 100.0, 0.0), "{got:?}");
}

#[tokio::test]
async fn an_array_is_answered_line_by_line() {
    let harness = Harness::start(0).await;
    let client = traffic(&harness).await;
    let answer = client
        .get_metric_data()
        .metric_data_queries(hidden(query("m1", "Requests", "Sum", 600)))
        .metric_data_queries(hidden(query("m2", "Errors", "Sum", 600)))
        .metric_data_queries(expression("e1", "METRICS() * 2"))
        .start_time(at(-600))
        .end_time(at(0))
        .send()
        .await
        .expect("a good query");
    let got: Vec<_> = answer
        .metric_data_results()
        .iter()
        .map(|result| (result.label().unwrap_or_default(), result.values()[0]))
        .collect();
    assert_eq!(got, [("Requests", 1100.0), ("Errors", 10.0)]);
}

#[tokio::test]
async fn pages_join_to_the_whole_even_while_data_arrive() {
    let harness = Harness::start(0).await;
    let client = traffic(&harness).await;
    let (mut token, mut requests, mut errors, mut pages) = (None, vec![], vec![], 0);
    loop {
        let answer = client
            .get_metric_data()
            .metric_data_queries(query("m1", "Requests", "Sum", 60))
            .metric_data_queries(query("m2", "Errors", "Sum", 60))
            .start_time(at(-600))
            .end_time(at(60))
            .max_datapoints(7)
            .set_next_token(token)
            .send()
            .await
            .expect("a good page");
        pages += 1;
        for result in answer.metric_data_results() {
            let all = if result.id() == Some("m1") { &mut requests } else { &mut errors };
            all.extend_from_slice(result.values());
        }
        harness.pass(1);
        client
            .put_metric_data()
            .namespace("Wallet")
            .metric_data(datum("Requests", 0).value(1e6).build())
            .send()
            .await
            .expect("good data");
        token = answer.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, 3, "20 points in pages of 7");
    assert_eq!(requests, [100.0, 90.0, 80.0, 70.0, 60.0, 50.0, 40.0, 30.0, 20.0, 10.0]);
    assert_eq!(errors, [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
}

#[tokio::test]
async fn wrong_queries_are_refused_by_name() {
    let harness = Harness::start(0).await;
    let client = traffic(&harness).await;
    let good = || query("m1", "Requests", "Sum", 60);
    for (queries, words) in [
        (vec![query("M1", "Requests", "Sum", 60)], "Id"),
        (vec![good(), good()], "more than once"),
        (vec![query("m1", "Requests", "Sum", 61)], "multiple of 60"),
        (vec![hidden(good())], "return data"),
        (vec![MetricDataQuery::builder().id("m1").build()], "exactly one"),
        (vec![good(), expression("e1", "m1 +")], "too early"),
        (vec![good(), expression("e1", "nothing * 2")], "no query with the id nothing"),
        (vec![good(), expression("e1", "e2"), expression("e2", "e1")], "refers to itself"),
        (vec![good(), expression("e1", "SEARCH('x', 'Sum', 60)")], "SEARCH is not supported"),
        (vec![good(); 501], "1 to 500"),
    ] {
        let refused = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries))
            .start_time(at(-600))
            .end_time(at(0))
            .send()
            .await
            .expect_err(words);
        let refused = refused.into_service_error();
        assert_eq!(refused.code(), Some("ValidationError"), "{refused:?}");
        assert!(refused.message().is_some_and(|m| m.contains(words)), "{words}: {refused:?}");
    }
    let stat = client
        .get_metric_data()
        .metric_data_queries(query("m1", "Requests", "p101", 60))
        .start_time(at(-600))
        .end_time(at(0))
        .send()
        .await
        .expect_err("no percentile");
    assert_eq!(stat.code(), Some("InvalidParameterValue"));
    let backwards = client
        .get_metric_data()
        .metric_data_queries(good())
        .start_time(at(0))
        .end_time(at(-600))
        .send()
        .await
        .expect_err("it ends before it starts");
    assert!(backwards.message().is_some_and(|m| m.contains("StartTime")), "{backwards:?}");
    let token = client
        .get_metric_data()
        .metric_data_queries(good())
        .next_token("nonsense")
        .start_time(at(-600))
        .end_time(at(0))
        .send()
        .await
        .expect_err("no token of ours");
    assert!(token.into_service_error().is_invalid_next_token());
}
