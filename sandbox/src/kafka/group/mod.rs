//! A consumer group of the classic protocol: who is in, who leads, who reads what. Pure.
//!
//! `Group::next` takes an event and the time, and returns the answers that became due. Joins and
//! syncs are answered later than they were asked, so each carries a ticket that the answer names.
//! Members are not journaled: after a restart of the broker they are told that they are unknown,
//! and rejoin. Static membership (`group.instance.id`) is not offered.

mod event;
mod member;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError as Code;
use tokio::time::Instant;

pub(super) use event::{Answer, Event, Join, Joined, Reply, Ticket};
use member::Member;
pub(super) use member::{Client, Description};

/// Members of one group, those included that were given an id and have not joined yet.
const MEMBERS_MAX: usize = 500;
/// How long an empty group waits for more members after the first one.
const FIRST_JOIN_WAIT: Duration = Duration::from_millis(300);
/// Shortest session that is accepted; below this, one slow heartbeat would cost a rebalance.
const SESSION_MIN: Duration = Duration::from_millis(500);
/// Longest session that is accepted, as in Kafka.
const SESSION_MAX: Duration = Duration::from_secs(30 * 60);

/// Where the group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Empty,
    Preparing { until: Instant, first: bool },
    Completing,
    Stable,
}

/// One consumer group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    phase: Phase,
    generation: i32,
    protocol_type: String,
    protocol: String,
    leader: String,
    members: BTreeMap<String, Member>,
    /// Ids given out to members that have not returned yet, until when.
    expected: BTreeMap<String, Instant>,
    joined_count: u64,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            phase: Phase::Empty,
            generation: 0,
            protocol_type: String::new(),
            protocol: String::new(),
            leader: String::new(),
            members: BTreeMap::new(),
            expected: BTreeMap::new(),
            joined_count: 0,
        }
    }
}

impl Group {
    /// Takes an event into account and returns the answers that are due now.
    pub(super) fn next(&mut self, event: Event, now: Instant) -> Vec<Reply> {
        let mut replies = Vec::new();
        match event {
            Event::Join(join) => self.join(join, now, &mut replies),
            Event::Sync { ticket, member, generation, assignments } => {
                match self.sync(ticket, &member, generation, assignments, now) {
                    Ok(due) => replies.extend(due),
                    Err(code) => replies.push(Reply { ticket, answer: Answer::Refused(code) }),
                }
            }
            Event::Leave { member } => self.remove(&[member], now, &mut replies),
            Event::Tick => self.tick(now, &mut replies),
        }
        replies
    }

    /// Takes a sign of life.
    ///
    /// # Errors
    /// The member must rejoin; the code says why.
    pub(super) fn heartbeat(
        &mut self,
        member: &str,
        generation: i32,
        now: Instant,
    ) -> Result<(), Code> {
        let phase = self.phase;
        self.current(member, generation)?.touch(now);
        if matches!(phase, Phase::Preparing { .. }) {
            return Err(Code::RebalanceInProgress);
        }
        Ok(())
    }

    /// Whether this member may commit offsets now; a commit is a sign of life too. A commit without
    /// a generation comes from a consumer that assigns itself, and needs a group without members.
    ///
    /// # Errors
    /// The member is not in this generation, or has not synced yet.
    pub(super) fn may_commit(
        &mut self,
        member: &str,
        generation: i32,
        now: Instant,
    ) -> Result<(), Code> {
        if generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        let phase = self.phase;
        self.current(member, generation)?.touch(now);
        if phase == Phase::Completing { Err(Code::RebalanceInProgress) } else { Ok(()) }
    }

    /// Whether nobody is in it or about to be.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.expected.is_empty()
    }

    fn current(&mut self, member: &str, generation: i32) -> Result<&mut Member, Code> {
        let found = self.members.get_mut(member).ok_or(Code::UnknownMemberId)?;
        if generation == self.generation { Ok(found) } else { Err(Code::IllegalGeneration) }
    }

    fn join(&mut self, join: Join, now: Instant, replies: &mut Vec<Reply>) {
        let ticket = join.ticket;
        let mut refuse = |answer| replies.push(Reply { ticket, answer });
        if let Err(code) = self.admit(&join) {
            return refuse(Answer::Refused(code));
        }
        if join.member.is_empty() {
            if self.members.len() + self.expected.len() >= MEMBERS_MAX {
                return refuse(Answer::Refused(Code::GroupMaxSizeReached));
            }
            if join.must_return {
                self.expected.insert(join.fresh_id.clone(), now + join.session);
                return refuse(Answer::ReturnWith(join.fresh_id));
            }
            let id = join.fresh_id.clone();
            return self.enter(id, join, now, replies);
        }
        let id = join.member.clone();
        if self.expected.remove(&id).is_some() {
            return self.enter(id, join, now, replies);
        }
        let Some(known) = self.members.get_mut(&id) else {
            return refuse(Answer::Refused(Code::UnknownMemberId));
        };
        known.touch(now);
        let unchanged = known.protocols == join.protocols;
        let stays = match self.phase {
            Phase::Completing => unchanged,
            // A leader that rejoins wants a new assignment, a follower only lost an answer.
            Phase::Stable => unchanged && self.leader != id,
            Phase::Empty | Phase::Preparing { .. } => false,
        };
        if stays {
            let answer = Answer::Joined(self.generation_for(&id));
            replies.push(Reply { ticket, answer });
            return;
        }
        self.enter(id, join, now, replies);
    }

    /// Whether a member with these strategies fits into the group.
    fn admit(&self, join: &Join) -> Result<(), Code> {
        if !(SESSION_MIN..=SESSION_MAX).contains(&join.session) {
            return Err(Code::InvalidSessionTimeout);
        }
        if join.protocol_type.is_empty() || join.protocols.is_empty() {
            return Err(Code::InconsistentGroupProtocol);
        }
        let mut others = self.members.iter().filter(|(id, _)| **id != join.member).peekable();
        if others.peek().is_none() {
            return Ok(());
        }
        let others: Vec<&Member> = others.map(|(_, member)| member).collect();
        let shared = |(name, _): &(String, Bytes)| others.iter().all(|other| other.can(name));
        if join.protocol_type == self.protocol_type && join.protocols.iter().any(shared) {
            Ok(())
        } else {
            Err(Code::InconsistentGroupProtocol)
        }
    }

    /// Puts a member into the next generation, and starts a rebalance unless one is under way.
    fn enter(&mut self, id: String, join: Join, now: Instant, replies: &mut Vec<Reply>) {
        self.joined_count += 1;
        self.protocol_type.clone_from(&join.protocol_type);
        let order = self.members.get(&id).map_or(self.joined_count, |known| known.order);
        let member = Member::new(join, order, now);
        if let Some(before) = self.members.insert(id, member)
            && let Some(ticket) = before.joining
        {
            replies.push(Reply { ticket, answer: Answer::Refused(Code::RebalanceInProgress) });
        }
        self.prepare(now, replies);
    }

    fn prepare(&mut self, now: Instant, replies: &mut Vec<Reply>) {
        if !matches!(self.phase, Phase::Preparing { .. }) {
            let first = self.phase == Phase::Empty;
            let longest = self.members.values().map(|member| member.rebalance).max();
            let wait = if first { FIRST_JOIN_WAIT } else { longest.unwrap_or_default() };
            self.phase = Phase::Preparing { until: now + wait, first };
            for ticket in self.members.values_mut().filter_map(|member| member.syncing.take()) {
                replies.push(Reply { ticket, answer: Answer::Refused(Code::RebalanceInProgress) });
            }
        }
        self.complete_if_due(now, replies);
    }

    fn complete_if_due(&mut self, now: Instant, replies: &mut Vec<Reply>) {
        let Phase::Preparing { until, first } = self.phase else {
            return;
        };
        let all_here = self.expected.is_empty()
            && self.members.values().all(|member| member.joining.is_some());
        if now >= until || (all_here && !first) || self.members.is_empty() {
            self.complete(now, replies);
        }
    }

    /// Begins the next generation with those who joined in time.
    fn complete(&mut self, now: Instant, replies: &mut Vec<Reply>) {
        self.members.retain(|_, member| member.joining.is_some());
        self.generation = self.generation.wrapping_add(1).max(1);
        let Some((oldest, _)) = self.members.iter().min_by_key(|(_, member)| member.order) else {
            (self.phase, self.leader, self.protocol) = (Phase::Empty, String::new(), String::new());
            return;
        };
        if !self.members.contains_key(&self.leader) {
            self.leader.clone_from(oldest);
        }
        self.protocol = self.choose_protocol();
        self.phase = Phase::Completing;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let answer = Answer::Joined(self.generation_for(&id));
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.touch(now);
            member.assignment = Bytes::new();
            replies.extend(member.joining.take().map(|ticket| Reply { ticket, answer }));
        }
    }

    /// The strategy that most members like best among those that all can do.
    fn choose_protocol(&self) -> String {
        let Some(any) = self.members.values().next() else {
            return String::new();
        };
        let everybody_can = |name: &str| self.members.values().all(|member| member.can(name));
        let names = any.protocols.iter().map(|(name, _)| name.as_str());
        let shared: BTreeSet<&str> = names.filter(|name| everybody_can(name)).collect();
        let votes = |name: &str| {
            self.members.values().filter(|member| member.likes_best(&shared) == Some(name)).count()
        };
        let winner = shared.iter().max_by_key(|name| votes(name));
        winner.map(|name| (*name).to_owned()).unwrap_or_default()
    }

    fn generation_for(&self, id: &str) -> Joined {
        let members = if id == self.leader {
            let subscription = |member: &Member| member.subscription(&self.protocol);
            self.members.iter().map(|(id, member)| (id.clone(), subscription(member))).collect()
        } else {
            Vec::new()
        };
        Joined {
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            member: id.to_owned(),
            members,
        }
    }

    fn sync(
        &mut self,
        ticket: Ticket,
        id: &str,
        generation: i32,
        assignments: Vec<(String, Bytes)>,
        now: Instant,
    ) -> Result<Vec<Reply>, Code> {
        let phase = self.phase;
        let member = self.current(id, generation)?;
        member.touch(now);
        match phase {
            Phase::Empty => return Err(Code::UnknownMemberId),
            Phase::Preparing { .. } => return Err(Code::RebalanceInProgress),
            Phase::Stable => {
                let answer = Answer::Assigned(member.assignment.clone());
                return Ok(vec![Reply { ticket, answer }]);
            }
            Phase::Completing => {}
        }
        let mut replies = Vec::new();
        if let Some(ticket) = member.syncing.replace(ticket) {
            replies.push(Reply { ticket, answer: Answer::Refused(Code::RebalanceInProgress) });
        }
        if id != self.leader {
            return Ok(replies);
        }
        for (assigned, bytes) in assignments {
            if let Some(member) = self.members.get_mut(&assigned) {
                member.assignment = bytes;
            }
        }
        self.phase = Phase::Stable;
        for member in self.members.values_mut() {
            let answer = Answer::Assigned(member.assignment.clone());
            replies.extend(member.syncing.take().map(|ticket| Reply { ticket, answer }));
        }
        Ok(replies)
    }

    fn tick(&mut self, now: Instant, replies: &mut Vec<Reply>) {
        self.expected.retain(|_, until| *until > now);
        let silent = self.members.iter().filter(|(_, member)| member.is_silent(now));
        let silent: Vec<String> = silent.map(|(id, _)| id.clone()).collect();
        if silent.is_empty() {
            self.complete_if_due(now, replies);
        } else {
            self.remove(&silent, now, replies);
        }
    }

    fn remove(&mut self, ids: &[String], now: Instant, replies: &mut Vec<Reply>) {
        let mut gone = false;
        for id in ids {
            gone |= self.expected.remove(id).is_some();
            let Some(member) = self.members.remove(id) else { continue };
            gone = true;
            let waiting = member.joining.into_iter().chain(member.syncing);
            replies.extend(
                waiting
                    .map(|ticket| Reply { ticket, answer: Answer::Refused(Code::UnknownMemberId) }),
            );
        }
        if gone && self.phase != Phase::Empty {
            self.prepare(now, replies);
        }
    }
}

#[cfg(test)]
mod tests;
