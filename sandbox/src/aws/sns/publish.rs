//! Publish: checks a message as AWS does and puts it into the mailbox.

use super::{MAILS_MAX, Sns, invalid, no_topic};
use crate::aws::wire::{AwsError, Input};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

const MESSAGE_BYTES_MAX: usize = 256 * 1024;
const SUBJECT_CHARS_MAX: usize = 100;

/// A message as it was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mail {
    pub message_id: Uuid,
    pub at: DateTime<Utc>,
    pub topic_arn: String,
    pub subject: Option<String>,
    pub message: String,
    /// Text attributes by name.
    pub attributes: BTreeMap<String, String>,
    /// Who would have got it, as `protocol:endpoint`.
    pub recipients: Vec<String>,
}

impl Sns {
    /// Publishes as the region itself does, for its alarms.
    ///
    /// # Errors
    /// There is no such topic.
    pub fn publish(&self, topic_arn: &str, subject: &str, message: &str) -> Result<Uuid, AwsError> {
        self.deliver(topic_arn, Some(subject), message, BTreeMap::new())
    }

    pub(super) fn answer_publish(&self, input: Input<'_>) -> Result<Value, AwsError> {
        let topic = match (input.text("TopicArn")?, input.text("TargetArn")?) {
            (Some(arn), None) | (None, Some(arn)) => arn,
            _ => return Err(invalid("exactly one of TopicArn and TargetArn is wanted")),
        };
        let message = input.text("Message")?.filter(|message| !message.is_empty());
        let message = message.ok_or_else(|| invalid("Empty message"))?;
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(invalid("Message too long"));
        }
        let subject = input.text("Subject")?;
        if !subject.is_none_or(subject_fits) {
            return Err(invalid("Subject"));
        }
        if input.has("MessageDeduplicationId") {
            let rule = "MessageDeduplicationId Reason: it is for FIFO topics only";
            return Err(invalid(rule));
        }
        let mut attributes = BTreeMap::new();
        if let Some(given) = input.part("MessageAttributes")? {
            for (name, attribute) in given.value().as_object().into_iter().flatten() {
                let attribute = Input::of(attribute);
                attribute.required("DataType")?;
                let value = attribute.text("StringValue")?.unwrap_or_default();
                attributes.insert(name.clone(), value.to_owned());
            }
        }
        let id = self.deliver(topic, subject, message, attributes)?;
        Ok(json!({"MessageId": id}))
    }

    fn deliver(
        &self,
        topic_arn: &str,
        subject: Option<&str>,
        message: &str,
        attributes: BTreeMap<String, String>,
    ) -> Result<Uuid, AwsError> {
        let mut state = self.state();
        let subscriptions = state.topics.get(topic_arn).ok_or_else(no_topic)?.iter();
        let recipients = subscriptions.map(|to| format!("{}:{}", to.protocol, to.endpoint));
        let mail = Mail {
            message_id: Uuid::new_v4(),
            at: (self.clock)(),
            topic_arn: topic_arn.to_owned(),
            subject: subject.map(str::to_owned),
            message: message.to_owned(),
            attributes,
            recipients: recipients.collect(),
        };
        let id = mail.message_id;
        if state.mails.len() >= MAILS_MAX {
            state.mails.pop_front();
        }
        state.mails.push_back(mail);
        Ok(id)
    }
}

/// AWS: ASCII without control characters, not beginning with a space, up to 100 characters.
fn subject_fits(subject: &str) -> bool {
    !subject.is_empty()
        && subject.len() <= SUBJECT_CHARS_MAX
        && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !subject.starts_with(' ')
}
