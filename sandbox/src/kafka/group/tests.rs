//! Stories of a group: forming, splitting, losing and replacing members.

use super::*;

struct Story {
    group: Group,
    now: Instant,
    tickets: u64,
}

impl Story {
    fn new() -> Self {
        Self { group: Group::default(), now: Instant::now(), tickets: 0 }
    }

    fn join_as(&mut self, member: &str, fresh_id: &str, protocols: &[&str]) -> Vec<Reply> {
        self.tickets += 1;
        let join = Join {
            ticket: Ticket(self.tickets),
            member: member.to_owned(),
            fresh_id: fresh_id.to_owned(),
            must_return: false,
            client: Client { id: "c".into(), host: "h".into() },
            session: Duration::from_secs(10),
            rebalance: Duration::from_secs(60),
            protocol_type: "consumer".into(),
            protocols: protocols.iter().map(|name| ((*name).into(), Bytes::from("sub"))).collect(),
        };
        self.group.next(Event::Join(join), self.now)
    }

    fn join(&mut self, member: &str) -> Vec<Reply> {
        let known = self.group.members.contains_key(member);
        self.join_as(if known { member } else { "" }, member, &["range"])
    }

    fn sync(&mut self, member: &str, assignments: &[(&str, &'static str)]) -> Vec<Reply> {
        self.tickets += 1;
        let event = Event::Sync {
            ticket: Ticket(self.tickets),
            member: member.to_owned(),
            generation: self.group.generation,
            assignments: assignments
                .iter()
                .map(|(to, what)| ((*to).into(), (*what).into()))
                .collect(),
        };
        self.group.next(event, self.now)
    }

    fn leave(&mut self, member: &str) -> Vec<Reply> {
        self.group.next(Event::Leave { member: member.to_owned() }, self.now)
    }

    fn pass(&mut self, seconds: f64) -> Vec<Reply> {
        self.now += Duration::from_secs_f64(seconds);
        self.group.next(Event::Tick, self.now)
    }

    /// A stable group of `a`, who leads, and `b`.
    fn of_two() -> Self {
        let mut story = Self::new();
        story.join("a");
        story.join("b");
        story.pass(0.3);
        story.sync("b", &[]);
        story.sync("a", &[("a", "0,1"), ("b", "2,3")]);
        assert_eq!(story.state(), ("Stable", 1));
        story
    }

    fn state(&self) -> (&'static str, i32) {
        (self.group.describe().state, self.group.generation)
    }
}

fn refused(ticket: u64, code: Code) -> Reply {
    Reply { ticket: Ticket(ticket), answer: Answer::Refused(code) }
}

fn joined(reply: &Reply) -> &Joined {
    match &reply.answer {
        Answer::Joined(joined) => joined,
        other => panic!("not joined: {other:?}"),
    }
}

#[test]
fn the_first_members_are_awaited_together_and_the_oldest_leads() {
    let mut story = Story::new();
    assert!(story.join("b").is_empty());
    assert!(story.join("a").is_empty());
    assert!(story.pass(0.2).is_empty(), "the wait is not over");
    let replies = story.pass(0.1);
    let told: Vec<_> = replies.iter().map(joined).collect();
    assert_eq!(told.iter().map(|told| told.members.len()).collect::<Vec<_>>(), [0, 2]);
    assert!(told.iter().all(|told| told.leader == "b" && told.generation == 1));
    assert_eq!(story.state(), ("CompletingRebalance", 1));
}

#[test]
fn assignments_reach_everybody_when_the_leader_brings_them() {
    let mut story = Story::new();
    story.join("a");
    story.join("b");
    story.pass(0.3);
    assert!(story.sync("b", &[]).is_empty(), "the leader has not assigned");
    let replies = story.sync("a", &[("a", "0,1"), ("b", "2,3"), ("ghost", "4")]);
    let assigned = |what: &'static str| Answer::Assigned(Bytes::from(what));
    let answers: Vec<_> = replies.into_iter().map(|reply| reply.answer).collect();
    assert_eq!(answers, [assigned("0,1"), assigned("2,3")]);
    assert_eq!(story.sync("b", &[])[0].answer, assigned("2,3"), "a lost answer is repeated");
}

#[test]
fn a_new_member_makes_the_others_rejoin() {
    let mut story = Story::of_two();
    assert!(story.join("c").is_empty());
    assert_eq!(story.group.heartbeat("a", 1, story.now), Err(Code::RebalanceInProgress));
    assert_eq!(story.sync("b", &[]), [refused(6, Code::RebalanceInProgress)]);
    assert!(story.join("a").is_empty());
    let replies = story.join("b");
    assert_eq!(replies.len(), 3);
    assert_eq!(story.state(), ("CompletingRebalance", 2));
    assert_eq!(joined(&replies[0]).members.len(), 3);
}

#[test]
fn a_silent_member_is_replaced_after_its_session() {
    let mut story = Story::of_two();
    story.pass(6.0);
    assert_eq!(story.group.heartbeat("a", 1, story.now), Ok(()));
    assert!(story.pass(4.0).is_empty());
    assert_eq!(story.state().0, "PreparingRebalance", "b was silent for ten seconds");
    let replies = story.join("a");
    assert_eq!((joined(&replies[0]).generation, joined(&replies[0]).members.len()), (2, 1));
    assert_eq!(story.group.heartbeat("b", 1, story.now), Err(Code::UnknownMemberId));
}

#[test]
fn who_does_not_rejoin_in_time_is_left_behind() {
    let mut story = Story::of_two();
    story.join("c");
    story.join("a");
    for _ in 0..12 {
        story.pass(5.0);
        let _ = story.group.heartbeat("b", 1, story.now);
    }
    assert_eq!(story.state(), ("CompletingRebalance", 2));
    assert_eq!(story.group.heartbeat("b", 1, story.now), Err(Code::UnknownMemberId));
}

#[test]
fn a_member_that_leaves_makes_room_at_once() {
    let mut story = Story::of_two();
    story.leave("a");
    assert_eq!(story.state().0, "PreparingRebalance");
    let replies = story.join("b");
    assert_eq!(joined(&replies[0]).leader, "b");
    story.leave("b");
    assert_eq!(story.state(), ("Empty", 3));
    assert!(story.group.is_empty());
}

#[test]
fn a_follower_that_lost_the_answer_gets_it_again_and_a_leader_forces_a_rebalance() {
    let mut story = Story::of_two();
    let replies = story.join("b");
    assert_eq!(joined(&replies[0]).generation, 1);
    assert!(story.join("a").is_empty());
    assert_eq!(story.state().0, "PreparingRebalance");
}

#[test]
fn an_id_given_out_must_be_brought_back_before_the_generation_begins() {
    let mut story = Story::new();
    let join = |member: &str, ticket| Join {
        ticket: Ticket(ticket),
        member: member.into(),
        fresh_id: "m-1".into(),
        must_return: true,
        client: Client { id: "c".into(), host: "h".into() },
        session: Duration::from_secs(10),
        rebalance: Duration::from_secs(60),
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), Bytes::new())],
    };
    let replies = story.group.next(Event::Join(join("", 1)), story.now);
    assert_eq!(replies[0].answer, Answer::ReturnWith("m-1".into()));
    assert!(story.group.next(Event::Join(join("m-1", 2)), story.now).is_empty());
    assert_eq!(joined(&story.pass(0.3)[0]).member, "m-1");
    let stranger = story.group.next(Event::Join(join("m-2", 3)), story.now);
    assert_eq!(stranger, [refused(3, Code::UnknownMemberId)]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut story = Story::of_two();
    let replies = story.join_as("", "c", &["sticky"]);
    assert_eq!(replies, [refused(5, Code::InconsistentGroupProtocol)]);
    assert_eq!(story.join_as("", "c", &[]), [refused(6, Code::InconsistentGroupProtocol)]);
    assert_eq!(story.group.heartbeat("a", 0, story.now), Err(Code::IllegalGeneration));
    assert_eq!(story.group.heartbeat("x", 1, story.now), Err(Code::UnknownMemberId));
    assert_eq!(story.group.may_delete(), Err(Code::NonEmptyGroup));
}

#[test]
fn the_strategy_that_most_like_best_wins() {
    let mut story = Story::new();
    story.join_as("", "a", &["range", "sticky"]);
    story.join_as("", "b", &["sticky", "range"]);
    story.join_as("", "c", &["other", "sticky", "range"]);
    let replies = story.pass(0.3);
    assert!(replies.iter().all(|reply| joined(reply).protocol == "sticky"));
}

#[test]
fn offsets_are_committed_by_members_of_the_generation_or_by_nobody_in_particular() {
    let mut story = Story::new();
    assert_eq!(story.group.may_commit("", -1, story.now), Ok(()));
    let mut story = Story::of_two();
    assert_eq!(story.group.may_commit("a", 1, story.now), Ok(()));
    assert_eq!(story.group.may_commit("a", 0, story.now), Err(Code::IllegalGeneration));
    assert_eq!(story.group.may_commit("", -1, story.now), Err(Code::UnknownMemberId));
    story.join("c");
    assert_eq!(story.group.may_commit("a", 1, story.now), Ok(()), "before it rejoins");
    story.join("a");
    story.join("b");
    let committed = story.group.may_commit("a", 2, story.now);
    assert_eq!(committed, Err(Code::RebalanceInProgress), "the assignment is not known");
}
