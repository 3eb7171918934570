//! `ListMetrics`: which metrics there are, in pages.

use super::{page, series::MetricKey, store::Store};
use crate::aws::wire::{AwsError, Input};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

/// AWS's page.
const PAGE: usize = 500;

/// The metrics that fit, in order.
pub(super) fn metrics(
    store: &Store,
    input: Input<'_>,
    now: DateTime<Utc>,
) -> Result<Value, AwsError> {
    let namespace = input.text("Namespace")?;
    let name = input.text("MetricName")?;
    let mut dimensions = Vec::new();
    for filter in input.list("Dimensions")? {
        dimensions.push((filter.required("Name")?, filter.text("Value")?));
    }
    let since = match input.text("RecentlyActive")? {
        None => i64::MIN,
        Some("PT3H") => (now - Duration::hours(3)).timestamp(),
        Some(_) => {
            let rule = "The parameter RecentlyActive must be PT3H.";
            return Err(AwsError::refused("InvalidParameterValue", rule));
        }
    };
    let fits = |key: &MetricKey| {
        namespace.is_none_or(|namespace| namespace == key.namespace)
            && name.is_none_or(|name| name == key.name)
            && dimensions.iter().all(|(name, value)| {
                key.dimensions
                    .iter()
                    .any(|(n, v)| n == name && value.is_none_or(|value| value == v))
            })
    };
    let offset = match input.text("NextToken")? {
        Some(token) => page::open(token, input.value())?,
        None => 0_usize,
    };
    let found = store.visible(now).filter(|(key, newest)| *newest >= since && fits(key));
    let mut found = found.skip(offset).map(|(key, _)| key);
    let listed: Vec<Value> = found.by_ref().take(PAGE).map(shown).collect();
    let next = found.next().map(|_| page::token(&(offset + PAGE), input.value()));
    Ok(json!({"Metrics": listed, "NextToken": next}))
}

fn shown(key: &MetricKey) -> Value {
    let dimensions = key.dimensions.iter();
    let dimensions: Vec<Value> =
        dimensions.map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    json!({"Namespace": key.namespace, "MetricName": key.name, "Dimensions": dimensions})
}
