//! One member of a consumer group, and the group as people see it. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError as Code;
use tokio::time::Instant;

use super::{Group, Join, Phase, Ticket};

/// Assignment strategies with the member's subscription for each, best first.
pub(in crate::kafka) type Protocols = Vec<(String, Bytes)>;

/// Who a member is, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kafka) struct Client {
    /// The client id it sends.
    pub(in crate::kafka) id: String,
    /// Its address.
    pub(in crate::kafka) host: String,
}

/// One member.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) client: Client,
    pub(super) rebalance: Duration,
    pub(super) protocols: Protocols,
    pub(super) assignment: Bytes,
    pub(super) joining: Option<Ticket>,
    pub(super) syncing: Option<Ticket>,
    /// Position in the order of first joining: the oldest leads.
    pub(super) order: u64,
    session: Duration,
    silent_at: Instant,
}

impl Member {
    pub(super) fn new(join: Join, order: u64, now: Instant) -> Self {
        Self {
            client: join.client,
            rebalance: join.rebalance,
            protocols: join.protocols,
            assignment: Bytes::new(),
            joining: Some(join.ticket),
            syncing: None,
            order,
            session: join.session,
            silent_at: now + join.session,
        }
    }

    /// Takes a sign of life.
    pub(super) fn touch(&mut self, now: Instant) {
        self.silent_at = now + self.session;
    }

    /// Whether its session has run out. Who waits for an answer is not silent.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.joining.is_none() && self.syncing.is_none() && now >= self.silent_at
    }

    pub(super) fn can(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    /// Its first choice among the strategies that everybody can do.
    pub(super) fn likes_best(&self, shared: &BTreeSet<&str>) -> Option<&str> {
        self.protocols.iter().map(|(name, _)| name.as_str()).find(|name| shared.contains(name))
    }

    pub(super) fn subscription(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, subscription)| subscription.clone()).unwrap_or_default()
    }
}

/// A group as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kafka) struct Description {
    /// Kafka's word for where the group is.
    pub(in crate::kafka) state: &'static str,
    /// `consumer`, as a rule.
    pub(in crate::kafka) protocol_type: String,
    /// The strategy in use; empty while none is.
    pub(in crate::kafka) protocol: String,
    /// Its members.
    pub(in crate::kafka) members: Vec<MemberDescription>,
}

/// A member as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kafka) struct MemberDescription {
    /// Its id.
    pub(in crate::kafka) id: String,
    /// Who it is.
    pub(in crate::kafka) client: Client,
    /// Its subscription.
    pub(in crate::kafka) subscription: Bytes,
    /// What it reads.
    pub(in crate::kafka) assignment: Bytes,
}

impl Group {
    /// What people see of it.
    pub(in crate::kafka) fn describe(&self) -> Description {
        let state = match self.phase {
            Phase::Empty => "Empty",
            Phase::Preparing { .. } => "PreparingRebalance",
            Phase::Completing => "CompletingRebalance",
            Phase::Stable => "Stable",
        };
        let members = self.members.iter().map(|(id, member)| MemberDescription {
            id: id.clone(),
            client: member.client.clone(),
            subscription: member.subscription(&self.protocol),
            assignment: member.assignment.clone(),
        });
        Description {
            state,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            members: members.collect(),
        }
    }

    /// Whether it may be deleted.
    ///
    /// # Errors
    /// Somebody is in it.
    pub(in crate::kafka) fn may_delete(&self) -> Result<(), Code> {
        if self.is_empty() { Ok(()) } else { Err(Code::NonEmptyGroup) }
    }
}
