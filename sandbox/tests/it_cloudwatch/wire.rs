//! The protocols by hand: what AWS's own clients would never send, and the older forms they did.

use crate::harness::{Harness, NOON, http};
use reqwest::{RequestBuilder, Response};

const SIGNED: &str = "AWS4-HMAC-SHA256 \
    Credential=sandbox/20260610/sa-east-1/monitoring/aws4_request, \
    SignedHeaders=host, Signature=0";

fn form(harness: &Harness, body: &str) -> RequestBuilder {
    http()
        .post(&harness.url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned())
}

fn json(harness: &Harness, operation: &str, body: &str) -> RequestBuilder {
    http()
        .post(&harness.url)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("GraniteServiceVersion20100801.{operation}"))
        .body(body.to_owned())
}

fn cbor(harness: &Harness, operation: &str, body: Vec<u8>) -> RequestBuilder {
    let path =
        format!("{}/service/GraniteServiceVersion20100801/operation/{operation}", harness.url);
    http()
        .post(path)
        .header("content-type", "application/cbor")
        .header("smithy-protocol", "rpc-v2-cbor")
        .body(body)
}

async fn send(request: RequestBuilder) -> (u16, Response) {
    let response = request.header("authorization", SIGNED).send().await.expect("an answer");
    assert!(response.headers().contains_key("x-amzn-requestid"), "{response:?}");
    (response.status().as_u16(), response)
}

#[tokio::test]
async fn requests_without_a_signature_are_refused_in_their_own_protocol() {
    let harness = Harness::start(0).await;
    for (request, status, words) in [
        (form(&harness, "Action=ListMetrics"), 403, "<Code>MissingAuthenticationToken</Code>"),
        (json(&harness, "ListMetrics", "{}"), 400, "MissingAuthenticationTokenException"),
        (cbor(&harness, "ListMetrics", vec![0xa0]), 403, "MissingAuthenticationTokenException"),
        (http().get(format!("{}/v1/clusters", harness.url)), 403, "missing Authentication"),
    ] {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{response:?}");
        let body = response.bytes().await.expect("a body");
        assert!(String::from_utf8_lossy(&body).contains(words), "no {words} in {body:?}");
    }
    let stranger = SIGNED.replace("=sandbox/", "=stranger/");
    let refused = form(&harness, "Action=ListMetrics").header("authorization", stranger);
    let body = refused.send().await.expect("an answer").text().await.expect("XML");
    assert!(body.contains("<Code>InvalidClientTokenId</Code>"), "{body}");
}

#[tokio::test]
async fn the_same_operation_is_served_as_form_and_as_json() {
    let harness = Harness::start(0).await;
    let put = format!(
        "Action=PutMetricData&Version=2010-08-01&Namespace=Wallet\
         &MetricData.member.1.MetricName=LatencyMs&MetricData.member.1.Timestamp={}\
         &MetricData.member.1.Values.member.1=1&MetricData.member.1.Values.member.2=3\
         &MetricData.member.1.Counts.member.1=1&MetricData.member.1.Counts.member.2=3\
         &MetricData.member.1.Dimensions.member.1.Name=Operation\
         &MetricData.member.1.Dimensions.member.1.Value=deposit\
         &MetricData.member.1.Unit=Milliseconds",
        "2026-06-10T11%3A59%3A30Z",
    );
    assert_eq!(send(form(&harness, &put)).await.0, 200);
    let query = format!(
        r#"{{"StartTime": {}, "EndTime": {NOON}, "MetricDataQueries": [{{"Id": "m1", "MetricStat":
        {{"Period": 60, "Stat": "Average", "Metric": {{"Namespace": "Wallet", "MetricName":
        "LatencyMs", "Dimensions": [{{"Name": "Operation", "Value": "deposit"}}]}}}}}}]}}"#,
        NOON - 60,
    );
    let (status, response) = send(json(&harness, "GetMetricData", &query)).await;
    let answer: serde_json::Value = response.json().await.expect("JSON");
    assert_eq!(
        (status, &answer["MetricDataResults"][0]["Values"][0]),
        (200, &2.5.into()),
        "{answer}"
    );
    assert_eq!(
        answer["MetricDataResults"][0]["Timestamps"][0],
        f64::from(u32::try_from(NOON - 60).expect("this century"))
    );
    let query = "Action=GetMetricStatistics&Namespace=Wallet&MetricName=LatencyMs&Period=60\
        &StartTime=2026-06-10T11:59:00Z&EndTime=2026-06-10T12:00:00Z\
        &ExtendedStatistics.member.1=p50\
        &Dimensions.member.1.Name=Operation&Dimensions.member.1.Value=deposit";
    let xml = send(form(&harness, query)).await.1.text().await.expect("XML");
    assert!(xml.contains("<entry><key>p50</key><value>3.0</value></entry>"), "{xml}");
    assert!(xml.contains("<Timestamp>2026-06-10T11:59:00.000Z</Timestamp>"), "{xml}");
}

#[tokio::test]
async fn nonsense_is_refused_and_never_breaks_anything() {
    let harness = Harness::start(0).await;
    let gzip = |body: &[u8]| {
        cbor(&harness, "PutMetricData", body.to_vec()).header("content-encoding", "gzip")
    };
    for (request, status, words) in [
        (form(&harness, "Action=Nothing"), 400, "InvalidAction"),
        (form(&harness, "Action=<script>"), 400, "InvalidAction"),
        (form(&harness, ""), 400, "MissingAction"),
        (form(&harness, "Action=GetMetricData&StartTime=yesterday"), 400, "MetricDataQueries"),
        (form(&harness, "Action=PutMetricData&Namespace=W&MetricData=x"), 400, "ValidationError"),
        (json(&harness, "Nothing", "{}"), 400, "UnknownOperationException"),
        (json(&harness, "ListMetrics", "[]"), 400, "SerializationException"),
        (json(&harness, "ListMetrics", "{\"Namespace\": 7}"), 400, "SerializationException"),
        (json(&harness, "ListMetrics", &"[".repeat(100_000)), 400, "SerializationException"),
        (cbor(&harness, "Nothing", vec![0xa0]), 400, "UnknownOperationException"),
        (cbor(&harness, "ListMetrics", vec![0xff]), 400, "SerializationException"),
        (cbor(&harness, "PutMetricData", vec![0xa0]), 400, "MissingParameter"),
        (gzip(b"no gzip at all"), 400, "inflated"),
        (cbor(&harness, "ListMetrics", vec![0; (2 << 20) + 1]), 413, "RequestEntityTooLarge"),
        (http().get(format!("{}/v1/x", harness.url)), 404, "Could not find operation"),
    ] {
        let (got, response) = send(request).await;
        let body = response.bytes().await.expect("a body");
        assert!(
            got == status && String::from_utf8_lossy(&body).contains(words),
            "{words}: {got} {body:?}"
        );
    }
    let (status, _) = send(json(&harness, "ListMetrics", "{}")).await;
    assert_eq!(status, 200, "it still serves");
}

#[tokio::test]
async fn a_bomb_is_not_inflated() {
    use std::io::Write;
    let harness = Harness::start(0).await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![0; 8 << 20]).expect("memory takes it");
    let bomb = packed.finish().expect("memory takes it");
    assert!(bomb.len() < 100_000);
    let request = cbor(&harness, "PutMetricData", bomb).header("content-encoding", "gzip");
    assert_eq!(send(request).await.0, 413);
}
