//! Settings of topics by their Kafka names, and `DescribeConfigs`.

use kafka_protocol::error::ResponseError as Code;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};

use super::super::catalogue::{MESSAGE_BYTES_MAX, TopicConfig};
use super::{Call, number, text};

/// Resource type of topics.
const TOPIC: i8 = 2;
/// Resource type of brokers.
const BROKER: i8 = 4;
/// Config source: set on the topic.
const SET: i8 = 1;
/// Config source: nobody set it.
const DEFAULT: i8 = 5;
/// Bounds of `segment.bytes`: a smaller segment costs a file per batch, a larger one is read at
/// once into memory at start.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 1024..=256 * 1024 * 1024;

/// Reads the settings of a topic that is to be created.
///
/// # Errors
/// A text for people that names the setting that is unknown or out of range.
pub(super) fn parse<'a>(
    settings: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<TopicConfig, String> {
    let mut config = TopicConfig::default();
    for (name, value) in settings {
        let understood = match name {
            "retention.ms" => limit(value).map(|limit| config.retention_ms = limit),
            "retention.bytes" => limit(value).map(|limit| {
                config.retention_bytes = limit.and_then(|limit| u64::try_from(limit).ok());
            }),
            "segment.bytes" => value
                .parse()
                .ok()
                .filter(|bytes| SEGMENT_BYTES.contains(bytes))
                .map(|bytes| config.segment_bytes = bytes),
            "max.message.bytes" => value
                .parse()
                .ok()
                .filter(|bytes| (1..=MESSAGE_BYTES_MAX).contains(bytes))
                .map(|bytes| config.message_bytes_max = bytes),
            // There is one copy that every broker serves; compaction is not offered.
            "min.insync.replicas" => value.parse::<u16>().ok().filter(|count| *count > 0).map(drop),
            "cleanup.policy" => (value == "delete").then_some(()),
            _ => return Err(format!("topics have no setting {name} here")),
        };
        understood.ok_or_else(|| format!("{name} cannot be {value} here"))?;
    }
    Ok(config)
}

/// A number, or no limit for -1.
fn limit(value: &str) -> Option<Option<i64>> {
    match value.parse::<i64>().ok()? {
        -1 => Some(None),
        limit if limit >= 0 => Some(Some(limit)),
        _ => None,
    }
}

fn named(config: &TopicConfig) -> Vec<(&'static str, String)> {
    let or_none = |limit: Option<String>| limit.unwrap_or_else(|| "-1".to_owned());
    vec![
        ("cleanup.policy", "delete".to_owned()),
        ("max.message.bytes", config.message_bytes_max.to_string()),
        ("retention.bytes", or_none(config.retention_bytes.map(|limit| limit.to_string()))),
        ("retention.ms", or_none(config.retention_ms.map(|limit| limit.to_string()))),
        ("segment.bytes", config.segment_bytes.to_string()),
    ]
}

/// Shows settings of topics and brokers.
pub(super) fn describe(call: &Call, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let results = request.resources.into_iter().map(|resource| {
        let found = settings_of(call, &resource);
        let keys = resource.configuration_keys.as_ref();
        let is_wanted = |name: &str| keys.is_none_or(|keys| keys.iter().any(|key| &**key == name));
        let code = number(&found);
        let shown = found.unwrap_or_default().into_iter().filter(|(name, ..)| is_wanted(name));
        DescribeConfigsResult::default()
            .with_error_code(code)
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name)
            .with_configs(shown.map(setting).collect())
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

/// Name, value and source of each setting.
fn settings_of(
    call: &Call,
    resource: &DescribeConfigsResource,
) -> Result<Vec<(&'static str, String, i8)>, Code> {
    let name: &str = &resource.resource_name;
    match resource.resource_type {
        TOPIC => {
            let topic = call.broker.topic(name)?;
            let defaults = named(&TopicConfig::default());
            let pairs = named(&topic.spec.config).into_iter().zip(defaults);
            Ok(pairs
                .map(|((name, value), (_, default))| {
                    let source = if value == default { DEFAULT } else { SET };
                    (name, value, source)
                })
                .collect())
        }
        BROKER => {
            let is_known = |id: i32| call.broker.cluster().nodes().iter().any(|node| node.id == id);
            if !name.parse().is_ok_and(is_known) {
                return Err(Code::InvalidRequest);
            }
            let settings = &call.broker.settings;
            Ok(vec![
                ("auto.create.topics.enable", settings.auto_create.to_string(), DEFAULT),
                ("num.partitions", settings.partitions.to_string(), DEFAULT),
            ])
        }
        _ => Err(Code::InvalidRequest),
    }
}

fn setting((name, value, source): (&'static str, String, i8)) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult::default()
        .with_name(text(name))
        .with_value(Some(text(value)))
        .with_read_only(true)
        .with_config_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_understood_or_refused_by_name() {
        let config = TopicConfig::default;
        let rows: [(&str, &str, Result<TopicConfig, &str>); 10] = [
            ("retention.ms", "5", Ok(TopicConfig { retention_ms: Some(5), ..config() })),
            ("retention.ms", "-1", Ok(config())),
            ("retention.ms", "-2", Err("retention.ms cannot be -2 here")),
            ("retention.bytes", "9", Ok(TopicConfig { retention_bytes: Some(9), ..config() })),
            ("segment.bytes", "2048", Ok(TopicConfig { segment_bytes: 2048, ..config() })),
            ("segment.bytes", "1", Err("segment.bytes cannot be 1 here")),
            ("max.message.bytes", "9", Ok(TopicConfig { message_bytes_max: 9, ..config() })),
            ("cleanup.policy", "delete", Ok(config())),
            ("cleanup.policy", "compact", Err("cleanup.policy cannot be compact here")),
            ("flavour", "x", Err("topics have no setting flavour here")),
        ];
        for (name, value, expected) in rows {
            let parsed = parse([(name, value)].into_iter());
            assert_eq!(parsed, expected.map_err(str::to_owned), "{name}={value}");
        }
    }
}
