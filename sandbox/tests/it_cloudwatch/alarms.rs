//! Alarms: their states by what is published, and what they tell the topics.

use crate::harness::{Harness, NOON, datum, time};
use aws_sdk_cloudwatch::{
    Client,
    error::ProvideErrorMetadata,
    operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder,
    types::{ComparisonOperator, StateValue, Statistic},
};
use sandbox::aws::{Region, backstop};

const PAGE: &str = "arn:aws:sns:sa-east-1:000000000000:wallet-local-p1";

fn alarm(client: &Client, name: &str) -> PutMetricAlarmFluentBuilder {
    client
        .put_metric_alarm()
        .alarm_name(name)
        .namespace("Wallet")
        .metric_name("Errors")
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(1)
        .threshold(5.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .alarm_actions(PAGE)
}

async fn state(client: &Client, name: &str) -> StateValue {
    let answer = client.describe_alarms().alarm_names(name).send().await.expect("a good call");
    answer.metric_alarms()[0].state_value().cloned().expect("every alarm has a state")
}

async fn errors(client: &Client, from_noon: i64, count: f64) {
    client
        .put_metric_data()
        .namespace("Wallet")
        .metric_data(datum("Errors", from_noon).value(count).build())
        .send()
        .await
        .expect("good data");
}

#[tokio::test]
async fn an_alarm_goes_on_and_off_and_tells_its_topic() {
    let harness = Harness::start(0).await;
    let client = harness.client().await;
    alarm(&client, "errors").send().await.expect("a good alarm");
    assert_eq!(state(&client, "errors").await, StateValue::InsufficientData);
    errors(&client, 30, 9.0).await;
    harness.pass(60); // The minute is over.
    assert_eq!(state(&client, "errors").await, StateValue::Alarm);
    let mails = harness.sns.mailbox();
    let [mail] = &mails[..] else { panic!("one message, not {mails:?}") };
    assert_eq!(mail.topic_arn, PAGE);
    assert!(mail.message.contains("9") && mail.message.contains("greater than"), "{mail:?}");
    errors(&client, 90, 1.0).await;
    harness.pass(60);
    assert_eq!(state(&client, "errors").await, StateValue::Ok);
    assert_eq!(harness.sns.mailbox().len(), 1, "there is no action for OK");
}

#[tokio::test]
async fn silence_is_a_state_of_its_own_unless_it_is_treated_as_one() {
    let harness = Harness::start(0).await;
    let client = harness.client().await;
    for treatment in ["missing", "breaching", "notBreaching", "ignore"] {
        alarm(&client, treatment).treat_missing_data(treatment).send().await.expect("good");
    }
    harness.pass(600);
    assert_eq!(state(&client, "missing").await, StateValue::InsufficientData);
    assert_eq!(state(&client, "breaching").await, StateValue::Alarm);
    assert_eq!(state(&client, "notBreaching").await, StateValue::Ok);
    assert_eq!(state(&client, "ignore").await, StateValue::InsufficientData);
}

#[tokio::test]
async fn a_set_state_holds_until_the_next_evaluation() {
    let harness = Harness::start(0).await;
    let client = harness.client().await;
    alarm(&client, "errors").treat_missing_data("notBreaching").send().await.expect("good");
    assert_eq!(state(&client, "errors").await, StateValue::Ok);
    client
        .set_alarm_state()
        .alarm_name("errors")
        .state_value(StateValue::Alarm)
        .state_reason("a drill")
        .send()
        .await
        .expect("a good call");
    assert_eq!(state(&client, "errors").await, StateValue::Alarm);
    assert_eq!(harness.sns.mailbox().len(), 1);
    harness.pass(60);
    assert_eq!(state(&client, "errors").await, StateValue::Ok);
}

#[tokio::test]
async fn alarms_are_found_paged_and_deleted() {
    let harness = Harness::start(0).await;
    let client = harness.client().await;
    for n in 0..7 {
        alarm(&client, &format!("a{n}")).send().await.expect("a good alarm");
    }
    alarm(&client, "b").extended_statistic("p99").set_statistic(None).send().await.expect("good");
    let pages = client.describe_alarms().alarm_name_prefix("a").max_records(3);
    let found = pages.into_paginator().send().collect::<Result<Vec<_>, _>>().await.expect("pages");
    let sizes: Vec<_> = found.iter().map(|page| page.metric_alarms().len()).collect();
    assert_eq!(sizes, [3, 3, 1]);
    let unknown = client.delete_alarms().alarm_names("a0").alarm_names("z").send().await;
    let unknown = unknown.expect_err("there is no z").into_service_error();
    assert!(unknown.is_resource_not_found(), "{unknown:?}");
    client.delete_alarms().alarm_names("a0").send().await.expect("it is still there");
    let left = client.describe_alarms().send().await.expect("a good call");
    assert_eq!(left.metric_alarms().len(), 7);
    let b = left.metric_alarms().iter().find(|a| a.alarm_name() == Some("b")).expect("b");
    assert_eq!(
        (b.extended_statistic(), b.threshold(), b.period()),
        (Some("p99"), Some(5.0), Some(60))
    );
    let odd = alarm(&client, "odd").datapoints_to_alarm(2).send().await;
    assert_eq!(odd.expect_err("two of one").code(), Some("ValidationError"));
}

/// Every daemon is killed, at each second of a minute.
#[tokio::test]
async fn nobody_watching_is_a_page_within_three_minutes_and_a_lost_beat_is_none() {
    for killed_after in 300..360 {
        let harness = Harness::start(0).await;
        let alarm = backstop::heartbeat(&Region::default());
        harness.cloudwatch.put_alarm(&alarm).expect("a good alarm");
        // Pages of each second; the first of all says that nobody has begun to watch.
        let mut paged = Vec::new();
        for second in 0..killed_after + 180 {
            let beats = second % 10 == 0 && second < killed_after && second != 120;
            if beats {
                let at = time(NOON + second);
                let metric = ("Heartbeat", "Count");
                let of = [("Environment", "local")];
                let put = harness.cloudwatch.put("Wallet/Control", &of, metric, at, &[(1.0, 1.0)]);
                put.expect("good data");
            }
            harness.pass(1);
            harness.cloudwatch.evaluate_alarms();
            let mails = harness.sns.mailbox();
            let pages = mails.iter().filter(|mail| mail.topic_arn.ends_with("-p1-sms")).count();
            if pages > paged.len() {
                paged.push(second);
            }
        }
        let [_, page] = paged[..] else { panic!("killed after {killed_after}: {paged:?}") };
        assert!((killed_after..killed_after + 180).contains(&page), "{killed_after}: {paged:?}");
    }
}
