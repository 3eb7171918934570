//! SNS: messages to people.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;

use super::client::failed;
use super::{CallError, Receipt};

/// The longest subject that SNS takes.
const SUBJECT_CHARS_MAX: usize = 100;

/// Publishes one message. `id` travels with it, so that a receiver can drop a double.
pub(super) async fn publish(
    client: &Client,
    topic: &str,
    (subject, message): (&str, &str),
    id: &str,
    doing: String,
) -> Result<Receipt, CallError> {
    let id = MessageAttributeValue::builder().data_type("String").string_value(id).build();
    let request = client.publish().topic_arn(topic).message(message);
    let request = request.subject(subject.chars().take(SUBJECT_CHARS_MAX).collect::<String>());
    let request = match id {
        Ok(id) => request.message_attributes("delivery", id),
        Err(_) => request,
    };
    let answer = request.send().await.map_err(failed(doing))?;
    Ok(Receipt(answer.message_id().unwrap_or("accepted").to_owned()))
}
