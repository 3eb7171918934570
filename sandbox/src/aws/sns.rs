//! SNS: topics, subscriptions, and a mailbox in place of people.
//!
//! What is published is kept, the newest thousand, and read at `GET /sandbox/mailbox` or with
//! [`Sns::mailbox`]. Known differences from AWS: nothing is sent anywhere and a subscription is
//! confirmed at once; no FIFO topics, filters, retries, batches or phone numbers.

mod publish;

use super::{
    Clock, Region,
    wire::{Answer, AwsError, Handler, Input, Interface, Service, dispatch, ready},
};
use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
pub use publish::Mail;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

const MAILS_MAX: usize = 1000;
/// By severity and channel, and those of the second and the third in line.
const ALERT_TOPICS: [&str; 9] =
    ["p1", "p1-sms", "p2", "p3", "p4", "second", "second-sms", "third", "third-sms"];
const TOPICS_MAX: usize = 1000;
const SUBSCRIPTIONS_MAX: usize = 100;
/// AWS's page of every list.
const PAGE: usize = 100;
/// What AWS can deliver to.
const PROTOCOLS: [&str; 9] =
    ["http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose"];

/// The service.
pub struct Sns {
    region: Region,
    clock: Clock,
    state: Mutex<Topics>,
}

#[derive(Default)]
struct Topics {
    /// Subscriptions by topic ARN.
    topics: BTreeMap<String, Vec<Subscription>>,
    mails: VecDeque<Mail>,
}

struct Subscription {
    arn: String,
    protocol: String,
    endpoint: String,
}

impl Sns {
    /// The topics of the environment's alerts, `wallet-ENVIRONMENT-p1` and so on.
    #[must_use]
    pub fn new(region: Region, clock: Clock) -> Self {
        let alerts = ALERT_TOPICS.iter().map(|name| {
            (region.arn("sns", &format!("wallet-{}-{name}", region.environment)), Vec::new())
        });
        let state = Topics { topics: alerts.collect(), ..Topics::default() };
        Self { clock, state: Mutex::new(state), region }
    }

    /// The messages in the mailbox, oldest first.
    #[must_use]
    pub fn mailbox(&self) -> Vec<Mail> {
        self.state().mails.iter().cloned().collect()
    }

    /// `GET /sandbox/mailbox?topic=PART`: for people and tests, unsigned. Merge it with the
    /// endpoint's router.
    pub fn routes(self: &Arc<Self>) -> Router {
        Router::new().route("/sandbox/mailbox", get(read_mailbox)).with_state(Arc::clone(self))
    }

    fn state(&self) -> MutexGuard<'_, Topics> {
        // No operation leaves the state half changed, so a panicked one spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create_topic(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let name = input.required("Name")?;
        let fits = name.len() <= 256
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !fits {
            return Err(invalid("Topic Name"));
        }
        let arn = self.region.arn("sns", name);
        let topics = &mut self.state().topics;
        if topics.len() >= TOPICS_MAX && !topics.contains_key(&arn) {
            let limit = format!("The sandbox holds at most {TOPICS_MAX} topics.");
            return Err(AwsError::refused("TopicLimitExceeded", limit).with_status(403));
        }
        topics.entry(arn.clone()).or_default();
        Ok(json!({"TopicArn": arn}))
    }

    fn delete_topic(&self, input: Input<'_>) -> Result<Value, AwsError> {
        // A topic that is gone already is no error, as in AWS.
        self.state().topics.remove(input.required("TopicArn")?);
        Ok(json!({}))
    }

    fn list_topics(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let state = self.state();
        let topics = state.topics.keys().map(|arn| json!({"TopicArn": arn}));
        page("Topics", topics.collect(), input)
    }

    fn topic_attributes(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let arn = input.required("TopicArn")?;
        let confirmed = self.state().topics.get(arn).ok_or_else(no_topic)?.len();
        Ok(json!({"Attributes": {
            "TopicArn": arn,
            "Owner": self.region.account,
            "DisplayName": "",
            "SubscriptionsConfirmed": confirmed.to_string(),
            "SubscriptionsPending": "0",
            "SubscriptionsDeleted": "0",
        }}))
    }

    fn subscribe(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let arn = input.required("TopicArn")?;
        let protocol = input.required("Protocol")?.to_owned();
        let endpoint = input.required("Endpoint")?.to_owned();
        if !PROTOCOLS.contains(&protocol.as_str()) {
            return Err(invalid(&format!("Does not support this protocol string: {protocol}")));
        }
        let mut state = self.state();
        let subscriptions = state.topics.get_mut(arn).ok_or_else(no_topic)?;
        let same = |known: &&Subscription| {
            (known.protocol.as_str(), known.endpoint.as_str()) == (&protocol, &endpoint)
        };
        if let Some(known) = subscriptions.iter().find(same) {
            return Ok(json!({"SubscriptionArn": known.arn}));
        }
        if subscriptions.len() >= SUBSCRIPTIONS_MAX {
            let limit = format!("The sandbox holds at most {SUBSCRIPTIONS_MAX} per topic.");
            return Err(AwsError::refused("SubscriptionLimitExceeded", limit).with_status(403));
        }
        let subscription =
            Subscription { arn: format!("{arn}:{}", Uuid::new_v4()), protocol, endpoint };
        let answer = json!({"SubscriptionArn": subscription.arn});
        subscriptions.push(subscription);
        Ok(answer)
    }

    fn unsubscribe(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let arn = input.required("SubscriptionArn")?;
        for subscriptions in self.state().topics.values_mut() {
            subscriptions.retain(|subscription| subscription.arn != arn);
        }
        Ok(json!({}))
    }

    fn list_subscriptions(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let state = self.state();
        let all = state.topics.iter().flat_map(|(arn, list)| self.shown(arn, list));
        page("Subscriptions", all.collect(), input)
    }

    fn list_subscriptions_by_topic(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let arn = input.required("TopicArn")?;
        let state = self.state();
        let subscriptions = state.topics.get(arn).ok_or_else(no_topic)?;
        page("Subscriptions", self.shown(arn, subscriptions), input)
    }

    fn shown(&self, topic: &str, subscriptions: &[Subscription]) -> Vec<Value> {
        let shown = subscriptions.iter().map(|subscription| {
            json!({
                "SubscriptionArn": subscription.arn,
                "Owner": self.region.account,
                "Protocol": subscription.protocol,
                "Endpoint": subscription.endpoint,
                "TopicArn": topic,
            })
        });
        shown.collect()
    }
}

/// A page of a list; the token is the place of the next one.
fn page(field: &str, items: Vec<Value>, input: Input<'_>) -> Result<Value, AwsError> {
    let start = match input.text("NextToken")? {
        Some(token) if !token.is_empty() => token.parse().map_err(|_| invalid("NextToken"))?,
        _ => 0_usize,
    };
    let more = items.len().saturating_sub(start) > PAGE;
    let items: Vec<Value> = items.into_iter().skip(start).take(PAGE).collect();
    Ok(json!({field: items, "NextToken": more.then(|| (start + PAGE).to_string())}))
}

async fn read_mailbox(
    State(sns): State<Arc<Sns>>,
    Query(filter): Query<BTreeMap<String, String>>,
) -> Json<Vec<Mail>> {
    let topic = filter.get("topic").map(String::as_str).unwrap_or_default();
    let mails = sns.mailbox().into_iter().filter(|mail| mail.topic_arn.contains(topic));
    Json(mails.collect())
}

fn no_topic() -> AwsError {
    AwsError::not_found("NotFound", "Topic does not exist")
}

fn invalid(what: &str) -> AwsError {
    AwsError::refused("InvalidParameter", format!("Invalid parameter: {what}"))
}

const OPERATIONS: &[(&str, Handler<Sns>)] = &[
    ("CreateTopic", |s, i| ready(s.create_topic(i))),
    ("DeleteTopic", |s, i| ready(s.delete_topic(i))),
    ("ListTopics", |s, i| ready(s.list_topics(i))),
    ("GetTopicAttributes", |s, i| ready(s.topic_attributes(i))),
    ("Subscribe", |s, i| ready(s.subscribe(i))),
    ("Unsubscribe", |s, i| ready(s.unsubscribe(i))),
    ("ListSubscriptions", |s, i| ready(s.list_subscriptions(i))),
    ("ListSubscriptionsByTopic", |s, i| ready(s.list_subscriptions_by_topic(i))),
    ("Publish", |s, i| ready(s.answer_publish(i))),
];

impl Service for Sns {
    fn interface(&self) -> &'static Interface {
        &Interface {
            scope: "sns",
            namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
            lists: &[],
            maps: &["Attributes"],
            routes: &[],
        }
    }

    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a> {
        dispatch(OPERATIONS, self, operation, input)
    }
}
