//! Cost Explorer's answers as they are on the wire: what is money, what is missing, and that a
//! question which is paid for is sent once.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::wire_tests::Server;
use super::{CallError, Cloud};
use crate::cost::bill::BilledDay;

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

fn answer(status: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.1\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn day(start: &str, groups: &[(&str, &str, &str)]) -> Value {
    let group = |(service, amount, unit): &(&str, &str, &str)| {
        json!({
            "Keys": [service],
            "Metrics": { "UnblendedCost": { "Amount": amount, "Unit": unit } }
        })
    };
    json!({
        "TimePeriod": { "Start": start, "End": "2026-11-03" },
        "Total": {},
        "Groups": groups.iter().map(group).collect::<Vec<_>>(),
        "Estimated": true
    })
}

async fn bill(answer: Vec<u8>) -> (Result<Vec<BilledDay>, CallError>, usize) {
    let server = Server::start(answer).await;
    let got = server.aws().await.bill("local", date(1), date(3)).await;
    (got, server.requests())
}

#[tokio::test]
async fn days_are_read_by_service_and_a_day_without_any_is_unknown() {
    let body = json!({ "ResultsByTime": [
        day("2026-11-01", &[("RDS", "12.3456789", "USD"), ("Tax", "-0.5", "USD")]),
        day("2026-11-02", &[]),
    ]});
    let (got, requests) = bill(answer("200 OK", &body)).await;
    let days = got.unwrap();
    assert_eq!((days.len(), requests), (1, 1));
    assert_eq!((days[0].date, days[0].micros), (date(1), 12_345_679 - 500_000));
    assert_eq!(days[0].by_service["Tax"], -500_000);
}

#[tokio::test]
async fn an_amount_that_is_no_dollars_makes_the_bill_unknown() {
    #[rustfmt::skip]
    let table = [
        ("another currency", day("2026-11-01", &[("RDS", "1", "BRL")]),      "an amount in dollars"),
        ("no number",        day("2026-11-01", &[("RDS", "lots", "USD")]),   "an amount in dollars"),
        ("no date",          day("yesterday!!", &[("RDS", "1", "USD")]),     "a day that is a date"),
        ("beyond all money", day("2026-11-01", &[("a", "9223372036854", "USD"), ("b", "9", "USD")]), "a sum that is money"),
    ];
    for (why, day, lacks) in table {
        let (got, _) = bill(answer("200 OK", &json!({ "ResultsByTime": [day] }))).await;
        let error = crate::error::chain(&got.unwrap_err());
        assert!(error.contains(lacks), "{why}: {error}");
    }
}

#[tokio::test]
async fn a_question_that_is_paid_for_is_sent_once() {
    let unavailable = answer("503 Service Unavailable", &json!({}));
    let throttled = answer("400 Bad Request", &json!({ "__type": "LimitExceededException" }));
    for answer in [unavailable, throttled, Vec::new()] {
        let (got, requests) = bill(answer).await;
        assert!(got.is_err());
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn pages_without_an_end_are_given_up() {
    let body = json!({ "ResultsByTime": [], "NextPageToken": "more" });
    let (got, requests) = bill(answer("200 OK", &body)).await;
    let error = crate::error::chain(&got.unwrap_err());
    assert!(error.contains("an end after four pages"), "{error}");
    assert_eq!(requests, 4);
}
