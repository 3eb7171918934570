//! The alarms that the region keeps over its own watchman, as Terraform does on AWS.
//!
//! They need nothing of `control`: when it is gone, they are what pages.

use super::Region;
use serde_json::{Value, json};

/// Goes off when nobody has published a heartbeat for a while, as `PutMetricAlarm` takes it.
///
/// A beat comes every 10 s. One period of 30 s without any is enough, because AWS looks back three
/// more periods for late data before it calls a point missing: 30 s until the last beat's period
/// has closed, 120 s for the four that must be empty and 10 s until the next evaluation are 160 s,
/// and three minutes are promised.
#[must_use]
pub fn heartbeat(region: &Region) -> Value {
    let environment = &region.environment;
    let topic = |name: &str| region.arn("sns", &format!("wallet-{environment}-{name}"));
    json!({
        "AlarmName": format!("wallet-{environment}-control-heartbeat"),
        "AlarmDescription": "No control daemon is evaluating and delivering alerts.",
        "Namespace": "Wallet/Control",
        "MetricName": "Heartbeat",
        "Dimensions": [{"Name": "Environment", "Value": environment}],
        "Statistic": "Maximum",
        "Period": 30,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
        "AlarmActions": [topic("p1-sms"), topic("p1")],
        "OKActions": [topic("p1")],
    })
}
