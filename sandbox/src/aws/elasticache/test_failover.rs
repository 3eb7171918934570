//! `TestFailover`: kills the primary, so that the automatic failover can be watched.

use super::{ElastiCache, NODE_GROUP, describe};
use crate::aws::failover::{Phase, View};
use crate::aws::wire::{AwsError, Input};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::PoisonError;

/// As AWS: node groups in a rolling day.
const TESTS_MAX: usize = 15;
const WINDOW: TimeDelta = TimeDelta::hours(24);

/// Answers before the failover shows.
pub(super) async fn test_failover(
    cache: &ElastiCache,
    input: Input<'_>,
) -> Result<Value, AwsError> {
    cache.expect_group(input.required("ReplicationGroupId")?)?;
    let node_group = input.required("NodeGroupId")?;
    if node_group != NODE_GROUP {
        let words = format!("Node group {node_group} not found.");
        return Err(AwsError::not_found("NodeGroupNotFoundFault", words));
    }
    let view = cache.supervisor.view();
    let Some(primary) = ready_primary(&view) else {
        let words = format!("Replication group {} is not available.", cache.group_id());
        return Err(AwsError::refused("InvalidReplicationGroupState", words));
    };
    if !admit(&mut cache.tested.lock().unwrap_or_else(PoisonError::into_inner), (cache.clock)()) {
        let words = "The customer has exceeded the allowed rate of API calls.";
        return Err(AwsError::refused("APICallRateForCustomerExceeded", words));
    }
    let killed = cache.supervisor.group().kill(&primary).await;
    killed.map_err(|error| AwsError::internal(format!("stopping {primary}: {error:#}")))?;
    let mut shape = describe::group(cache, &view);
    shape["Status"] = "modifying".into();
    Ok(json!({ "ReplicationGroup": shape }))
}

/// The primary's id when a failover could work: everything is calm and some replica lives.
fn ready_primary(view: &View) -> Option<String> {
    let primary = view.writer().filter(|primary| primary.up)?;
    let replica = view.members.iter().any(|member| member.up && member.id != primary.id);
    let calm = view.state.phase == Phase::Available && view.state.repairing.is_empty();
    (replica && calm).then(|| primary.id.clone())
}

/// Counts one more test, unless the last day already had its share.
fn admit(tested: &mut VecDeque<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    while tested.front().is_some_and(|at| now - *at >= WINDOW) {
        tested.pop_front();
    }
    if tested.len() >= TESTS_MAX {
        return false;
    }
    tested.push_back(now);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rolling_day_has_room_for_fifteen_tests() {
        let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a time in range");
        let mut tested = VecDeque::new();
        for hour in 0..15 {
            assert!(admit(&mut tested, start + TimeDelta::hours(hour)), "test {hour}");
        }
        assert!(!admit(&mut tested, start + TimeDelta::hours(23)));
        assert!(admit(&mut tested, start + TimeDelta::hours(24)), "the first one is a day old");
        assert!(!admit(&mut tested, start + TimeDelta::hours(24)));
    }
}
