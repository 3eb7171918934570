//! What the Kafka cluster is doing: reboots that were asked for, and dead brokers that heal. Pure.

use crate::aws::machines::BrokerNode;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Operations kept for `ListClusterOperations`, the oldest dropped first.
const OPERATIONS_MAX: usize = 50;

/// How long each stage takes.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From an accepted reboot to the broker's end.
    pub reboot_delay: TimeDelta,
    /// A broker that does not answer for so long is started again.
    pub detection: TimeDelta,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing { reboot_delay: TimeDelta::seconds(2), detection: TimeDelta::seconds(2) }
    }
}

/// A reboot, from its request to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// The last part of its ARN.
    pub id: String,
    pub broker: i32,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Pending,
    Rebooting,
    Complete,
    Failed,
}

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Oldest first; only the last one may be unfinished.
    pub operations: VecDeque<Operation>,
    pub nodes: Vec<BrokerNode>,
    down_since: BTreeMap<i32, DateTime<Utc>>,
    /// Brokers that are being started; the actor reports the end.
    starting: BTreeSet<i32>,
}

/// Why a reboot is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("The broker {0} does not exist.")]
    UnknownBroker(String),
    #[error("The cluster is in the state {0}: a broker can be rebooted in ACTIVE only.")]
    NotActive(&'static str),
}

impl State {
    /// `state` of `DescribeCluster`.
    pub(super) fn name(&self) -> &'static str {
        match self.under_way() {
            Some(_) => "REBOOTING_BROKER",
            None if !self.down_since.is_empty() => "HEALING",
            None => "ACTIVE",
        }
    }

    /// The operation that is not finished.
    pub(super) fn under_way(&self) -> Option<&Operation> {
        self.operations.back().filter(|last| last.ended_at.is_none())
    }

    /// Accepts the reboot of one broker.
    pub(super) fn reboot(
        &mut self,
        broker: &str,
        id: String,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let number: Option<i32> = broker.parse().ok();
        let known = number.filter(|number| self.nodes.iter().any(|node| node.id == *number));
        let broker = known.ok_or_else(|| Refusal::UnknownBroker(broker.to_owned()))?;
        if self.name() != "ACTIVE" {
            return Err(Refusal::NotActive(self.name()));
        }
        while self.operations.len() >= OPERATIONS_MAX {
            self.operations.pop_front();
        }
        let progress = Progress::Pending;
        let operation = Operation { id, broker, created_at: now, ended_at: None, progress };
        self.operations.push_back(operation);
        Ok(())
    }

    /// Looks at the brokers; gives those to start or restart now.
    pub(super) fn pass(
        &mut self,
        nodes: Vec<BrokerNode>,
        timing: &Timing,
        now: DateTime<Utc>,
    ) -> Vec<i32> {
        for node in &nodes {
            if node.up {
                self.down_since.remove(&node.id);
            } else {
                self.down_since.entry(node.id).or_insert(now);
            }
        }
        self.nodes = nodes;
        let mut restart = Vec::new();
        if let Some(last) = self.operations.back_mut()
            && last.progress == Progress::Pending
            && now - last.created_at >= timing.reboot_delay
            && self.starting.insert(last.broker)
        {
            last.progress = Progress::Rebooting;
            restart.push(last.broker);
        }
        for (id, since) in &self.down_since {
            if now - *since >= timing.detection && self.starting.insert(*id) {
                restart.push(*id);
            }
        }
        restart
    }

    /// A start has ended; a reboot of that broker has too.
    pub(super) fn started(&mut self, broker: i32, succeeded: bool, now: DateTime<Utc>) {
        self.starting.remove(&broker);
        if let Some(last) = self.operations.back_mut()
            && last.progress == Progress::Rebooting
            && last.broker == broker
        {
            last.progress = if succeeded { Progress::Complete } else { Progress::Failed };
            last.ended_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time in range")
    }

    fn nodes(up: [bool; 3]) -> Vec<BrokerNode> {
        let zone = String::from("sa-east-1a");
        let node = |id, up| BrokerNode { id, zone: zone.clone(), port: 9_092, up };
        vec![node(1, up[0]), node(2, up[1]), node(3, up[2])]
    }

    #[test]
    fn a_reboot_goes_through_its_states_and_then_the_cluster_is_active_again() {
        let (mut state, timing) = (State::default(), Timing::default());
        assert!(state.pass(nodes([true; 3]), &timing, at(0)).is_empty());
        state.reboot("2", "op".into(), at(0)).unwrap();
        assert_eq!(state.name(), "REBOOTING_BROKER");
        assert!(state.pass(nodes([true; 3]), &timing, at(1)).is_empty());
        assert_eq!(state.pass(nodes([true; 3]), &timing, at(2)), [2]);
        assert!(state.pass(nodes([true, false, true]), &timing, at(9)).is_empty(), "not twice");
        assert_eq!(state.under_way().unwrap().progress, Progress::Rebooting);
        state.started(2, true, at(10));
        state.pass(nodes([true; 3]), &timing, at(10));
        assert_eq!(state.name(), "ACTIVE");
        assert_eq!(state.operations[0].progress, Progress::Complete);
    }

    #[test]
    fn a_dead_broker_heals_without_being_asked() {
        let (mut state, timing) = (State::default(), Timing::default());
        assert!(state.pass(nodes([true, true, false]), &timing, at(0)).is_empty());
        assert_eq!(state.name(), "HEALING");
        assert_eq!(state.pass(nodes([true, true, false]), &timing, at(2)), [3]);
        state.started(3, false, at(3));
        assert_eq!(state.pass(nodes([true, true, false]), &timing, at(4)), [3], "again");
        state.started(3, true, at(5));
        assert!(state.pass(nodes([true; 3]), &timing, at(5)).is_empty());
        assert_eq!(state.name(), "ACTIVE");
    }

    #[test]
    fn a_reboot_needs_a_known_broker_and_an_active_cluster() {
        let (mut state, timing) = (State::default(), Timing::default());
        state.pass(nodes([true, true, false]), &timing, at(0));
        let unknown = Refusal::UnknownBroker("9".into());
        assert_eq!(state.reboot("9", "op".into(), at(0)), Err(unknown));
        let healing = Refusal::NotActive("HEALING");
        assert_eq!(state.reboot("1", "op".into(), at(0)), Err(healing));
        state.pass(nodes([true; 3]), &timing, at(1));
        state.reboot("1", "op".into(), at(1)).unwrap();
        let rebooting = Refusal::NotActive("REBOOTING_BROKER");
        assert_eq!(state.reboot("2", "op".into(), at(1)), Err(rebooting));
    }
}
