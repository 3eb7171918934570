//! `DescribeEvents`: what happened to the cluster, in RDS's own words. Evidence only, as on AWS:
//! whoever measures a failover measures it from outside.

use super::Rds;
use crate::aws::failover::Happening;
use crate::aws::wire::{AwsError, Input, timestamp};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// As RDS, when nothing is said.
const DURATION_MINUTES: i64 = 60;
/// As RDS: fourteen days.
const DURATION_MINUTES_MAX: i64 = 20_160;

/// An event before its source is written out.
struct Words {
    /// The instance; none for the cluster.
    instance: Option<String>,
    category: &'static str,
    message: String,
}

/// `DescribeEvents`, oldest first.
pub(super) fn describe(rds: &Rds, input: Input<'_>) -> Result<Value, AwsError> {
    let now = (rds.clock)();
    let minutes = input.integer("Duration")?.unwrap_or(DURATION_MINUTES);
    let duration = TimeDelta::minutes(minutes.clamp(1, DURATION_MINUTES_MAX));
    let end = input.time("EndTime")?.unwrap_or(now);
    let start = input.time("StartTime")?.unwrap_or(now - duration);
    let kind = input.text("SourceType")?;
    let source = input.text("SourceIdentifier")?;
    let events: Vec<Value> = rds
        .supervisor
        .history(start)
        .into_iter()
        .filter(|(at, _)| *at <= end)
        .map(|(at, happening)| shape(rds, at, words(&happening)))
        .filter(|event| kind.is_none_or(|kind| event["SourceType"] == kind))
        .filter(|event| source.is_none_or(|source| event["SourceIdentifier"] == source))
        .collect();
    Ok(json!({ "Events": events }))
}

fn words(happening: &Happening) -> Words {
    let cluster = |message: String| Words { instance: None, category: "failover", message };
    let instance = |id: &String, category: &'static str, message: &str| Words {
        instance: Some(id.clone()),
        category,
        message: message.to_owned(),
    };
    match happening {
        Happening::Requested { target } => {
            cluster(format!("A failover to DB instance {target} was requested"))
        }
        Happening::Began { target, planned: true, .. } => {
            cluster(format!("Started cross AZ failover to DB instance: {target}"))
        }
        Happening::Began { target, planned: false, .. } => {
            cluster(format!("Started RDS initiated failover to DB instance: {target}"))
        }
        Happening::Completed { target } => {
            cluster(format!("Completed failover to DB instance: {target}"))
        }
        Happening::GivenUp { target } => {
            cluster(format!("The failover to DB instance {target} was not completed"))
        }
        Happening::Died { id } => instance(id, "failure", "DB instance is not reachable"),
        Happening::Restarting { id } => instance(id, "availability", "DB instance shutdown"),
        Happening::Restarted { id } => instance(id, "availability", "DB instance restarted"),
    }
}

fn shape(rds: &Rds, at: DateTime<Utc>, words: Words) -> Value {
    let (kind, id, arn) = match words.instance {
        None => ("db-cluster", rds.cluster_id(), rds.cluster_arn()),
        Some(id) => {
            let arn = rds.instance_arn(&id);
            ("db-instance", id, arn)
        }
    };
    json!({
        "SourceType": kind,
        "SourceIdentifier": id,
        "SourceArn": arn,
        "Message": words.message,
        "EventCategories": [words.category],
        "Date": timestamp(at),
    })
}
