//! The outbox when providers fail and the process dies.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::control::Reading;

use super::desk_tests::{World, cloud};
use crate::aws::Change;
use crate::aws::sample::Replies;
use crate::fleet::samples::second;

fn ids(world: &World) -> Vec<String> {
    let asked = world.cloud.asked.lock().unwrap();
    let id = |change: &Change| match change {
        Change::Publish { id, .. } => id.clone(),
        other => panic!("{other:?}"),
    };
    asked.iter().map(id).collect()
}

/// Killed between the provider's taking a page and our writing that down.
#[tokio::test]
async fn a_kill_after_the_provider_accepted_doubles_the_page_once_at_most_under_one_id() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.db");
    let cloud = cloud();
    let world = World::open(&path, Arc::clone(&cloud)).await;
    for at in 0..=60 {
        let slow = Reading::Fresh { value: 182.0, at: second(at) };
        world.evaluate(second(at), &[("p95_ms", slow)]).await;
    }
    *cloud.replies.lock().unwrap() = Replies::Hanging;
    tokio::select! {
        () = world.deliver(second(60)) => panic!("the provider does not answer"),
        () = cloud.hangs.notified() => {} // It took the page; here the process dies.
    }
    drop(world);

    *cloud.replies.lock().unwrap() = Replies::Accepted;
    let world = World::open(&path, Arc::clone(&cloud)).await;
    for at in 61..=70 {
        world.deliver(second(at)).await;
    }
    let sent = ids(&world);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0], sent[1], "a receiver can drop the double");
    drop(world);

    let world = World::open(&path, cloud).await;
    world.deliver(second(80)).await;
    assert_eq!(ids(&world).len(), 2, "what was accepted is not sent again");
}

/// The SMS provider answers 500 for five minutes.
#[tokio::test]
async fn a_dead_channel_holds_up_neither_the_other_one_nor_the_next_in_line() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    *world.cloud.replies.lock().unwrap() = Replies::FailingFor("-sms");
    world.errors(0, 31, true, 40.0).await;
    let accepted = world.alert("errors-high").deliveries;
    assert!(accepted.contains(&"email: accepted as accepted".to_owned()), "{accepted:?}");

    world.errors(32, 60, true, 40.0).await;
    let failing = world.alert("delivery-failing");
    assert_eq!(failing.summary, "1 messages not accepted, first: P1 firing: errors-high");

    world.errors(61, 330, true, 40.0).await;
    let shown = world.alert("errors-high").deliveries;
    assert!(shown.contains(&"sms: escalated".to_owned()), "{shown:?}");
    let emails = world.pages().iter().filter(|page| *page == "p1: P1 firing: errors-high").count();
    assert_eq!(emails, 2, "the mail, and the mail that the SMS became");
    let second_level = world.pages().iter().any(|page| page.starts_with("second: P1 firing"));
    assert!(second_level, "nobody has it, so the next in line is told: {:?}", world.pages());
}

/// Every channel is down for longer than all tries: the page is told again until one takes it.
#[tokio::test]
async fn a_page_that_nothing_takes_is_never_given_up_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(&dir.path().join("j.db"), cloud()).await;
    *world.cloud.replies.lock().unwrap() = Replies::FailingFor("");
    world.errors(0, 1_500, true, 40.0).await;
    let tries: BTreeMap<String, usize> =
        ids(&world).into_iter().fold(BTreeMap::new(), |mut n, id| {
            *n.entry(id).or_default() += 1;
            n
        });
    assert!(tries.values().all(|tries| *tries <= 8), "tries are bounded: {tries:?}");
    *world.cloud.replies.lock().unwrap() = Replies::Accepted;
    let before = world.pages().len();
    world.errors(1_501, 2_500, true, 40.0).await;
    let after = world.pages()[before..].to_vec();
    assert!(after.iter().any(|page| page.contains("errors-high (level 3")), "{after:?}");
}
