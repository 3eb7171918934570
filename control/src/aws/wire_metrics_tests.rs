//! CloudWatch's answers as they are on the wire, read by the real SDK and classified by us: a part
//! is not the whole, old is not current, and a long question is several.

use chrono::{DateTime, TimeDelta, Utc};
use ciborium::{Value, cbor};
use protocol::control::Reading;

use super::wire_tests::Server;
use super::{Cloud, Completeness, MetricQuery};
use crate::fleet::samples::second;
use crate::readings::classify::{History, classify};
use crate::readings::{Absence, Signal};

fn query(index: usize) -> MetricQuery {
    MetricQuery {
        id: format!("m{index}"),
        namespace: "Wallet".to_owned(),
        metric: "Requests".to_owned(),
        dimensions: vec![],
        statistic: "Sum".to_owned(),
        period_s: 10,
    }
}

/// One series as CloudWatch answers for it: newest point so many seconds before `second(1000)`.
fn result(status: &str, ages: &[i64]) -> Value {
    let at = |age: &i64| {
        let seconds = second(1000 - age).timestamp();
        Value::Tag(1, Box::new(Value::Integer(seconds.into())))
    };
    cbor!({
        "Id" => "m0",
        "Label" => "Requests",
        "StatusCode" => status,
        "Timestamps" => Value::Array(ages.iter().map(at).collect()),
        "Values" => Value::Array(ages.iter().map(|_| Value::Float(42.0)).collect()),
    })
    .unwrap()
}

fn answer(results: Vec<Value>, next: Option<&str>, date: DateTime<Utc>) -> Vec<u8> {
    let mut body = Vec::new();
    let mut fields = vec![
        (Value::Text("MetricDataResults".to_owned()), Value::Array(results)),
        (Value::Text("Messages".to_owned()), Value::Array(vec![])),
    ];
    if let Some(next) = next {
        fields.push((Value::Text("NextToken".to_owned()), Value::Text(next.to_owned())));
    }
    ciborium::into_writer(&Value::Map(fields), &mut body).unwrap();
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\nsmithy-protocol: rpc-v2-cbor\r\n\
         content-type: application/cbor\r\ndate: {}\r\ncontent-length: {}\r\n\r\n",
        date.format("%a, %d %b %Y %H:%M:%S GMT"),
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    answer
}

async fn read(status: &str, ages: &[i64]) -> Reading {
    let now = second(1000);
    let server = Server::start(answer(vec![result(status, ages)], None, now)).await;
    let aws = server.aws().await;
    let got = aws.metrics(&[query(0)], now - TimeDelta::minutes(15), now).await.unwrap();
    assert_eq!(got.server_time, Some(now));
    let signal = Signal {
        name: "requests".to_owned(),
        namespace: "Wallet".to_owned(),
        metric: "Requests".to_owned(),
        dimensions: vec![],
        statistic: "Sum".to_owned(),
        period: TimeDelta::seconds(10),
        max_age: TimeDelta::seconds(45),
        absent: Absence::Unknown,
        scale: 1.0,
    };
    let mut history = History::default();
    history.hear(&got.series[0], 1.0, now - signal.kept());
    classify(now, &signal, &history, None)
}

#[tokio::test]
async fn only_a_complete_and_young_answer_is_fresh() {
    let value = 42.0;
    #[rustfmt::skip]
    let table: [(&str, &str, &[i64], Reading); 8] = [
        ("complete and closed",        "Complete",      &[20, 30],  Reading::Fresh { value, at: second(990) }),
        ("newest point first",         "Complete",      &[30, 20],  Reading::Fresh { value, at: second(990) }),
        ("complete, 12 minutes old",   "Complete",      &[720],     Reading::Stale { value, at: second(290) }),
        ("a part",                     "PartialData",   &[20],      Reading::Partial { value, at: second(990) }),
        ("a part, and old",            "PartialData",   &[720],     Reading::Stale { value, at: second(290) }),
        ("complete and empty",         "Complete",      &[],        Reading::Absent),
        ("a part, and empty",          "PartialData",   &[],        Reading::Absent),
        ("failed inside",              "InternalError", &[],        Reading::Error),
    ];
    for (why, status, ages, want) in table {
        assert_eq!(read(status, ages).await, want, "{why}");
    }
}

#[tokio::test]
async fn a_series_of_which_the_answer_says_nothing_was_not_answered() {
    let now = second(1000);
    let server = Server::start(answer(vec![], None, now)).await;
    let got = server.aws().await.metrics(&[query(0)], now - TimeDelta::minutes(15), now).await;
    assert_eq!(got.unwrap().series[0].completeness, Completeness::Failed);
}

#[tokio::test]
async fn more_than_five_hundred_series_are_two_questions() {
    let now = second(1000);
    for (series, requests) in [(500, 1), (501, 2)] {
        let server = Server::start(answer(vec![], None, now)).await;
        let queries: Vec<_> = (0..series).map(query).collect();
        let got = server.aws().await.metrics(&queries, now - TimeDelta::minutes(15), now).await;
        assert_eq!(got.unwrap().series.len(), series);
        assert_eq!(server.requests(), requests, "{series} series");
    }
}

#[tokio::test]
async fn pages_without_an_end_are_given_up() {
    let now = second(1000);
    let server = Server::start(answer(vec![], Some("more"), now)).await;
    let got = server.aws().await.metrics(&[query(0)], now - TimeDelta::minutes(15), now).await;
    let error = got.unwrap_err().to_string();
    assert_eq!((error.as_str(), server.requests()), ("reading 1 metrics: no usable answer", 8));
}
