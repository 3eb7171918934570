//! `DescribeEvents`: what happened to the replication group, in ElastiCache's own words.

use super::{ElastiCache, NODE_GROUP};
use crate::aws::failover::Happening;
use crate::aws::wire::{AwsError, Input, timestamp};
use chrono::TimeDelta;
use serde_json::{Value, json};

/// As ElastiCache, when nothing is said.
const DURATION_MINUTES: i64 = 60;
/// As ElastiCache: fourteen days.
const DURATION_MINUTES_MAX: i64 = 20_160;

/// `DescribeEvents`, newest first.
pub(super) fn describe(cache: &ElastiCache, input: Input<'_>) -> Result<Value, AwsError> {
    let now = (cache.clock)();
    let minutes = input.integer("Duration")?.unwrap_or(DURATION_MINUTES);
    let duration = TimeDelta::minutes(minutes.clamp(1, DURATION_MINUTES_MAX));
    let end = input.time("EndTime")?.unwrap_or(now);
    let start = input.time("StartTime")?.unwrap_or(now - duration);
    let kind = input.text("SourceType")?;
    let source = input.text("SourceIdentifier")?;
    let events: Vec<Value> = cache
        .supervisor
        .history(start)
        .into_iter()
        .rev()
        .filter(|(at, _)| *at <= end)
        .map(|(at, happening)| {
            let (node, message) = words(&happening);
            let kind = if node.is_some() { "cache-cluster" } else { "replication-group" };
            json!({
                "SourceIdentifier": node.unwrap_or_else(|| cache.group_id()),
                "SourceType": kind,
                "Message": message,
                "Date": timestamp(at),
            })
        })
        .filter(|event| kind.is_none_or(|kind| event["SourceType"] == kind))
        .filter(|event| source.is_none_or(|source| event["SourceIdentifier"] == source))
        .collect();
    Ok(json!({ "Events": events }))
}

/// The node (none for the group) and the words.
fn words(happening: &Happening) -> (Option<String>, String) {
    match happening {
        Happening::Requested { .. } => {
            (None, format!("Failover requested for node group {NODE_GROUP}"))
        }
        Happening::Began { from, target, .. } => {
            let from = from.as_deref().unwrap_or("unknown");
            (None, format!("Failover from primary node {from} to replica node {target} started"))
        }
        Happening::Completed { target } => {
            (None, format!("Failover to replica node {target} completed"))
        }
        Happening::GivenUp { target } => {
            (None, format!("Failover to replica node {target} not completed"))
        }
        Happening::Died { id } => (Some(id.clone()), format!("Cache node {NODE_GROUP} failed")),
        Happening::Restarting { id } => {
            (Some(id.clone()), format!("Recovering cache nodes {NODE_GROUP}"))
        }
        Happening::Restarted { id } => {
            (Some(id.clone()), format!("Finished recovery for cache nodes {NODE_GROUP}"))
        }
    }
}
