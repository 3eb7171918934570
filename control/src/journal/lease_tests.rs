//! The lease in virtual time: who may act when, whatever freezes, dies or jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tokio::time::{Instant, advance, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::{Campaign, Entry, Journal, JournalError, LEASE_TTL, LOOK_EVERY, Look, Memory};
use crate::aws::sample::SampleCloud;
use crate::aws::{CHANGE_MAX, Change, Cloud};
use crate::driver::Clock;
use crate::fence::Fenced;
use crate::fleet::samples::second;
use crate::intent::{Intent, Intents, Outcome, State};

const SECOND: Duration = Duration::from_secs(1);

fn clock() -> Clock {
    Arc::new(|| second(0))
}

fn campaign(memory: &Memory, name: &str) -> Campaign {
    Campaign::in_memory(memory, name, clock())
}

async fn lead(campaign: &mut Campaign) -> Option<Journal> {
    match campaign.look().await.unwrap() {
        Look::Lead(journal) => Some(journal),
        Look::Follow { .. } => None,
    }
}

/// Looks as a standby does, until it leads; returns how long that took.
async fn until_leading(campaign: &mut Campaign) -> (Journal, Duration) {
    let from = Instant::now();
    loop {
        if let Some(journal) = lead(campaign).await {
            return (journal, from.elapsed());
        }
        sleep(LOOK_EVERY).await;
    }
}

/// The renewing of a lease; dropping it is what freezing the process does to it.
fn keep(journal: &Journal, stop: &CancellationToken) -> AbortOnDropHandle<()> {
    let renewing = journal.clone().keep_lease(stop.clone());
    AbortOnDropHandle::new(TaskTracker::new().spawn(renewing))
}

fn entry() -> Entry {
    Entry::control("local/service/wallet-svc", "decision", "hold", json!({}))
}

fn failover() -> Intent {
    Intent {
        actor: "ann".to_owned(),
        subject: "local/run/1/promote".to_owned(),
        why: "a drill".to_owned(),
        change: Change::FailoverDatabase { cluster: "c".to_owned(), target: "c-2".to_owned() },
    }
}

/// A daemon's way to AWS, behind its lease.
fn intents(journal: &Journal, cloud: &Arc<SampleCloud>) -> Intents {
    let shared: Arc<SampleCloud> = Arc::clone(cloud);
    let fenced = Fenced::new(shared, journal.lease().clone());
    Intents::new(journal.clone(), Arc::new(fenced) as Arc<dyn Cloud>)
}

#[tokio::test(start_paused = true)]
async fn the_first_leads_at_once_and_the_second_follows_it_for_as_long_as_it_renews() {
    let (memory, stop) = (Memory::default(), CancellationToken::new());
    let first = lead(&mut campaign(&memory, "a")).await.expect("nobody has it");
    let _renewing = keep(&first, &stop);
    let mut second = campaign(&memory, "b");
    for _ in 0..120 {
        let Look::Follow { leader } = second.look().await.unwrap() else { panic!("b leads") };
        assert_eq!(leader, "a");
        assert!(first.lease().allows());
        sleep(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_dies_is_followed_within_twenty_seconds() {
    // At every point between two renewals.
    for died_after_ms in (0..4_000).step_by(250) {
        let (memory, stop) = (Memory::default(), CancellationToken::new());
        let first = lead(&mut campaign(&memory, "a")).await.unwrap();
        first.append(entry()).await.unwrap();
        let renewing = keep(&first, &stop);
        let mut standby = campaign(&memory, "b");
        for _ in 0..3 {
            assert!(lead(&mut standby).await.is_none());
            sleep(SECOND).await;
        }
        sleep(Duration::from_millis(died_after_ms)).await;
        drop((renewing, first));
        let (second, took) = until_leading(&mut standby).await;
        assert!(took < Duration::from_secs(20), "{took:?} after {died_after_ms} ms");
        assert_eq!((second.epoch(), second.append(entry()).await.unwrap()), (2, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_given_back_is_taken_at_the_next_look() {
    let (memory, stop) = (Memory::default(), CancellationToken::new());
    let first = lead(&mut campaign(&memory, "a")).await.unwrap();
    let renewing = keep(&first, &stop);
    let mut standby = campaign(&memory, "b");
    assert!(lead(&mut standby).await.is_none());
    stop.cancel();
    renewing.await.unwrap();
    assert!(lead(&mut standby).await.is_some());
}

/// Trap 5: the leader freezes between writing an intent down and sending it.
#[tokio::test(start_paused = true)]
async fn a_leader_frozen_in_mid_step_wakes_and_can_neither_act_nor_write() {
    let (memory, stop) = (Memory::default(), CancellationToken::new());
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    let old = lead(&mut campaign(&memory, "a")).await.unwrap();
    let renewing = keep(&old, &stop);
    let acting = intents(&old, &cloud);
    let id = acting.log(&failover()).await.unwrap();
    let mut standby = campaign(&memory, "b");
    assert!(lead(&mut standby).await.is_none());
    drop(renewing); // Frozen here.
    let (new, took) = until_leading(&mut standby).await;
    assert!(took >= LEASE_TTL, "not before its lease ended: {took:?}");
    let open = intents(&new, &cloud).open().await.unwrap();
    assert_eq!((open[0].id, open[0].state), (id, State::Logged), "b knows what it was at");

    // It wakes in the middle of its step.
    let error = acting.send(id, &failover()).await.unwrap_err();
    assert!(matches!(error, JournalError::Superseded { ours: 1, theirs: 2 }), "{error}");
    assert_eq!(cloud.asked.lock().unwrap().len(), 0, "no further call");
    let error = acting.carry_out(&failover()).await.unwrap_err();
    assert!(matches!(error, JournalError::Superseded { .. }), "{error}");
    assert_eq!(cloud.asked.lock().unwrap().len(), 0, "nor another one");
    tokio::time::timeout(SECOND, old.superseded()).await.expect("it is told to end");
    assert_eq!(new.append(entry()).await.unwrap(), id + 1, "and it left nothing behind");
}

/// As above, but it has nothing to do when it wakes: the renewal alone must tell it.
#[tokio::test(start_paused = true)]
async fn a_leader_that_wakes_idle_learns_from_its_renewal_that_it_is_over() {
    let (memory, stop) = (Memory::default(), CancellationToken::new());
    let old = lead(&mut campaign(&memory, "a")).await.unwrap();
    let _new = until_leading(&mut campaign(&memory, "b")).await;
    let _renewing = keep(&old, &stop);
    tokio::time::timeout(SECOND, old.superseded()).await.expect("it is told to end");
}

#[tokio::test(start_paused = true)]
async fn a_change_is_refused_and_said_to_be_unsent_when_renewals_fail_for_too_long() {
    let memory = Memory::default();
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    let journal = lead(&mut campaign(&memory, "a")).await.unwrap();
    let acting = intents(&journal, &cloud);
    let before_end = LEASE_TTL - CHANGE_MAX - Duration::from_millis(1);
    advance(before_end).await;
    let (_, outcome) = acting.carry_out(&failover()).await.unwrap();
    assert!(matches!(outcome, Outcome::Confirmed(_)), "{outcome:?}");
    advance(Duration::from_millis(1)).await;
    let (_, outcome) = acting.carry_out(&failover()).await.unwrap();
    let Outcome::Rejected(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.ends_with("not sent, because another process may lead by now"), "{why}");
    assert_eq!(cloud.asked.lock().unwrap().len(), 1);
    let told = journal.last(1).await.unwrap().remove(0);
    assert_eq!(told.kind, "intent.rejected", "nobody needs to look whether it happened");
}

/// A call that the holder began has ended before anybody else may act, whatever froze it for
/// however long.
#[tokio::test(start_paused = true)]
async fn no_two_ever_may_act_at_once() {
    for seed in 0..200 {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let (memory, stop) = (Memory::default(), CancellationToken::new());
        let old = lead(&mut campaign(&memory, "a")).await.unwrap();
        let mut standby = campaign(&memory, "b");
        let mut renewing = Some(keep(&old, &stop));
        let mut may_act_until = Instant::now();
        let taken_at = loop {
            sleep(Duration::from_millis(chance.random_range(1..400))).await;
            if old.lease().allows() {
                may_act_until = Instant::now();
            }
            match chance.random_range(0..40) {
                0 => renewing = None,
                1 if renewing.is_none() => renewing = Some(keep(&old, &stop)),
                2..20 if lead(&mut standby).await.is_some() => break Instant::now(),
                _ => {}
            }
        };
        let between = taken_at - may_act_until;
        assert!(between >= CHANGE_MAX, "seed {seed}: only {between:?} between the two");
        assert!(!old.lease().allows(), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_neither_ends_a_lease_nor_stretches_it() {
    for jump in [TimeDelta::minutes(5), TimeDelta::minutes(-5)] {
        let shift = Arc::new(AtomicI64::new(0));
        let read = Arc::clone(&shift);
        let jumping: Clock = Arc::new(move || second(read.load(Ordering::SeqCst)));
        let (memory, stop) = (Memory::default(), CancellationToken::new());
        let mut one = Campaign::in_memory(&memory, "a", jumping.clone());
        let first = lead(&mut one).await.unwrap();
        let renewing = keep(&first, &stop);
        let mut standby = Campaign::in_memory(&memory, "b", jumping);
        assert!(lead(&mut standby).await.is_none());
        shift.store(jump.num_seconds(), Ordering::SeqCst);
        for _ in 0..30 {
            assert!(lead(&mut standby).await.is_none(), "{jump}: it lives");
            assert!(first.lease().allows(), "{jump}: it may act");
            sleep(SECOND).await;
        }
        drop(renewing);
        let (_, took) = until_leading(&mut standby).await;
        let bound = LEASE_TTL - 2 * SECOND..LEASE_TTL + 2 * SECOND;
        assert!(bound.contains(&took), "{jump}: {took:?}");
    }
}
