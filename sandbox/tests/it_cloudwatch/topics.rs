//! SNS and STS.

use crate::harness::{Harness, http};
use aws_sdk_sns::{error::ProvideErrorMetadata, types::MessageAttributeValue};

#[tokio::test]
async fn a_message_lands_in_the_mailbox() {
    let harness = Harness::start(0).await;
    let sns = aws_sdk_sns::Client::new(&harness.config().await);
    let topics = sns.list_topics().send().await.expect("a good call");
    let topics: Vec<_> = topics.topics().iter().filter_map(|t| t.topic_arn()).collect();
    assert_eq!(topics.len(), 9);
    assert_eq!(topics[0], "arn:aws:sns:sa-east-1:000000000000:wallet-local-p1");
    let arn = topics[0];
    let subscribe = || sns.subscribe().topic_arn(arn).protocol("email").endpoint("ops@example.com");
    let first = subscribe().send().await.expect("a good call");
    let again = subscribe().send().await.expect("the same again");
    assert_eq!(first.subscription_arn(), again.subscription_arn());
    let subscriptions =
        sns.list_subscriptions_by_topic().topic_arn(arn).send().await.expect("a good call");
    assert_eq!(subscriptions.subscriptions()[0].endpoint(), Some("ops@example.com"));
    let attributes = sns.get_topic_attributes().topic_arn(arn).send().await.expect("a good call");
    let attributes = attributes.attributes().expect("a map");
    assert_eq!(attributes["SubscriptionsConfirmed"], "1");

    let id = MessageAttributeValue::builder().data_type("String").string_value("d-1").build();
    let sent = sns
        .publish()
        .topic_arn(arn)
        .subject("P1: writer lost")
        .message("é & <b>\n")
        .message_attributes("delivery", id.expect("typed"))
        .send()
        .await
        .expect("a good message");
    let mailbox = format!("{}/sandbox/mailbox?topic=-p1", harness.url);
    let mails: serde_json::Value =
        http().get(mailbox).send().await.expect("an answer").json().await.expect("JSON");
    let mail = &mails[0];
    assert_eq!(mail["message_id"].as_str(), sent.message_id());
    assert_eq!(
        (mail["subject"].as_str(), mail["message"].as_str()),
        (Some("P1: writer lost"), Some("é & <b>\n"))
    );
    assert_eq!(mail["attributes"]["delivery"], "d-1");
    assert_eq!(mail["recipients"][0], "email:ops@example.com");
}

#[tokio::test]
async fn wrong_messages_are_refused() {
    let harness = Harness::start(0).await;
    let sns = aws_sdk_sns::Client::new(&harness.config().await);
    let made = sns.create_topic().name("more").send().await.expect("a good name");
    let arn = made.topic_arn().expect("an ARN");
    let missing = sns.publish().topic_arn(format!("{arn}-not")).message("m").send().await;
    let missing = missing.expect_err("no such topic").into_service_error();
    assert!(missing.is_not_found_exception(), "{missing:?}");
    for (subject, message) in [("s", ""), ("two\nlines", "m"), (&"s".repeat(101), "m")] {
        let refused = sns.publish().topic_arn(arn).subject(subject).message(message).send().await;
        assert_eq!(refused.expect_err(subject).code(), Some("InvalidParameter"));
    }
    let long = sns.publish().topic_arn(arn).message("m".repeat(300_000)).send().await;
    assert_eq!(long.expect_err("too long").code(), Some("InvalidParameter"));
    assert!(harness.sns.mailbox().is_empty());
}

#[tokio::test]
async fn the_mailbox_keeps_the_newest_thousand() {
    let harness = Harness::start(0).await;
    let arn = "arn:aws:sns:sa-east-1:000000000000:wallet-local-p4";
    for n in 0..1100 {
        harness.sns.publish(arn, "s", &n.to_string()).expect("the topic is there");
    }
    let mails = harness.sns.mailbox();
    assert_eq!((mails.len(), mails[0].message.as_str()), (1000, "100"));
}

#[tokio::test]
async fn the_caller_is_the_regions_own_user() {
    let harness = Harness::start(0).await;
    let sts = aws_sdk_sts::Client::new(&harness.config().await);
    let me = sts.get_caller_identity().send().await.expect("a good call");
    assert_eq!(me.account(), Some("000000000000"));
    assert_eq!(me.arn(), Some("arn:aws:iam::000000000000:user/sandbox"));
}
