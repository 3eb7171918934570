//! One message's way, without a journal.

use std::collections::BTreeSet;

use super::deliver::{Delivery, State, Word};
use super::routes::{Channel, Hop};
use super::state::{self, Episode};
use crate::aws::Change;
use crate::fleet::samples::second;
use protocol::control::Severity;

fn episode(summary: &str) -> Episode {
    Episode {
        id: "local.latency.1".to_owned(),
        rule: "latency".to_owned(),
        severity: Severity::P1,
        state: state::State::Firing { clear_since: None },
        since: second(0),
        no_data: false,
        summary: summary.to_owned(),
        runbook: Some("look".to_owned()),
        owner: None,
        ack_expires_at: None,
        told: state::Told::default(),
        quiet: None,
        cause: None,
    }
}

fn hop(channel: Channel) -> Hop {
    Hop { channel, topic: format!("arn:{channel}") }
}

fn page(channel: Channel, fallback: Option<Channel>) -> Delivery {
    let episode = episode("p95 182 ms > 100 ms for 60 s");
    let word = Word { what: "firing", level: 1, times: 1 };
    Delivery::page(&episode, word, hop(channel), fallback.map(hop), second(60))
}

fn message(delivery: &Delivery) -> String {
    match delivery.publish() {
        Change::Publish { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_email_says_what_since_when_and_what_helps_and_an_sms_fits_one() {
    let email = page(Channel::Email, None);
    assert_eq!(email.subject, "P1 firing: latency");
    assert_eq!(
        message(&email),
        "p95 182 ms > 100 ms for 60 s\nsince 2024-10-04 00:00:00 UTC\n\
         episode local.latency.1\nrunbook: look"
    );
    assert_eq!(email.id, "local.latency.1.firing.1.1.email");
    let sms = page(Channel::Sms, None);
    assert_eq!(message(&sms), "P1 firing: latency: p95 182 ms > 100 ms for 60 s");
    let word = Word { what: "firing", level: 1, times: 1 };
    let long = Delivery::page(&episode(&"x".repeat(900)), word, hop(Channel::Sms), None, second(0));
    assert_eq!(message(&long).chars().count(), 140);
}

#[test]
fn a_channel_that_takes_nothing_is_tried_ever_more_rarely_and_then_left_for_the_next() {
    let (mut one, mut now, mut waits) =
        (page(Channel::Sms, Some(Channel::Email)), second(60), vec![]);
    let next = loop {
        assert!(one.due(now), "{one:?}");
        let (after, next) = one.sending().refused(now);
        if let Some(next) = next {
            assert_eq!(after.state, State::Escalated);
            break next;
        }
        waits.push((after.next_at - now).num_milliseconds());
        (now, one) = (after.next_at, after);
    };
    let bounds = [1, 2, 4, 8, 16, 32, 60].map(|s| (s * 500, s * 1_000));
    assert_eq!(waits.len(), bounds.len());
    for (wait, (low, high)) in waits.iter().zip(bounds) {
        assert!((low..=high).contains(wait), "{waits:?}");
    }
    assert_eq!((next.channel, next.state, next.attempts), (Channel::Email, State::Queued, 0));
    assert!(next.due(now) && message(&next).ends_with("sms did not take this message"));
    assert_eq!(next.id, "local.latency.1.firing.1.1.sms.email");

    // The next one has no next one: two channels are what there is.
    let last = Delivery { attempts: 8, ..next };
    let (after, none) = last.refused(now);
    assert_eq!((after.state, none, after.open()), (State::Failed, None, false));
}

/// Messages that fail together must not come back together.
#[test]
fn waits_differ_between_messages_and_not_between_runs() {
    let wait = |id: usize| {
        let one = Delivery { id: format!("d{id}"), attempts: 7, ..page(Channel::Sms, None) };
        (one.refused(second(0)).0.next_at - second(0)).num_milliseconds()
    };
    let waits: BTreeSet<i64> = (0..100).map(wait).collect();
    assert!(waits.len() > 90, "{waits:?}");
    assert_eq!(wait(3), wait(3));
}

#[test]
fn an_accepted_delivery_keeps_its_proof_and_a_restart_in_mid_sending_sends_again() {
    let sending = page(Channel::Email, None).sending();
    assert!(sending.due(second(60)), "the reply may have been lost with the process");
    let accepted = sending.accepted("7b1c");
    assert_eq!((accepted.state, accepted.open()), (State::Accepted, false));
    assert_eq!(accepted.shown(), "email: accepted as 7b1c");
}

#[test]
fn a_digest_holds_so_many_lines_and_counts_the_rest() {
    let span = (second(0), second(900));
    let mut digest = Delivery::digest("local", Severity::P3, hop(Channel::Email), None, span);
    assert!(!digest.due(second(899)) && digest.due(second(900)));
    for n in 0..60 {
        let one = Episode { id: format!("local.r.{n}"), ..episode("x") };
        digest = digest.with(&one, "firing", second(n));
    }
    let text = message(&digest);
    assert_eq!(text.lines().count(), 51);
    assert!(text.ends_with("and 10 more"), "{text}");
    assert!(digest.gathers(Severity::P3, Channel::Email));
    assert!(!digest.sending().gathers(Severity::P3, Channel::Email), "what left takes nothing");
}
