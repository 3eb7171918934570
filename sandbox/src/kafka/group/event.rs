//! What members ask a group, and what they are told. Pure.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError as Code;

use super::member::{Client, Protocols};

/// Names a question whose answer comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::kafka) struct Ticket(pub(in crate::kafka) u64);

/// What a member asks.
#[derive(Debug, Clone)]
pub(in crate::kafka) enum Event {
    /// It wants to be in the next generation.
    Join(Join),
    /// It wants its assignment; the leader brings everybody's.
    Sync {
        /// Names the question.
        ticket: Ticket,
        /// Who asks.
        member: String,
        /// The generation it believes in.
        generation: i32,
        /// Assignment by member, from the leader.
        assignments: Vec<(String, Bytes)>,
    },
    /// It goes, by its own will.
    Leave {
        /// Who goes.
        member: String,
    },
    /// Nothing happened, but time passed.
    Tick,
}

/// A member's wish to be in the next generation.
#[derive(Debug, Clone)]
pub(in crate::kafka) struct Join {
    /// Names the question.
    pub(in crate::kafka) ticket: Ticket,
    /// Its id; empty when it has none yet.
    pub(in crate::kafka) member: String,
    /// The id it gets when it has none.
    pub(in crate::kafka) fresh_id: String,
    /// Whether it must come back with the fresh id before it counts.
    pub(in crate::kafka) must_return: bool,
    /// Who it is, for people.
    pub(in crate::kafka) client: Client,
    /// Silence after which it is out.
    pub(in crate::kafka) session: Duration,
    /// How long others wait for it in a rebalance.
    pub(in crate::kafka) rebalance: Duration,
    /// `consumer`, as a rule.
    pub(in crate::kafka) protocol_type: String,
    /// Assignment strategies it can do, best first, each with its subscription.
    pub(in crate::kafka) protocols: Protocols,
}

/// An answer that became due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kafka) struct Reply {
    /// The question.
    pub(in crate::kafka) ticket: Ticket,
    /// The answer.
    pub(in crate::kafka) answer: Answer,
}

/// What a member is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kafka) enum Answer {
    /// It is in.
    Joined(Joined),
    /// Come back with this id.
    ReturnWith(String),
    /// Read these.
    Assigned(Bytes),
    /// No.
    Refused(Code),
}

/// A generation as one member is told about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kafka) struct Joined {
    /// Number of the generation.
    pub(in crate::kafka) generation: i32,
    /// The strategy that all members can do.
    pub(in crate::kafka) protocol: String,
    /// Who assigns.
    pub(in crate::kafka) leader: String,
    /// Who is told.
    pub(in crate::kafka) member: String,
    /// All members with their subscriptions; only the leader gets them.
    pub(in crate::kafka) members: Vec<(String, Bytes)>,
}
