//! A desk that starts anew, from a snapshot and what came after it, knows what it had written down.

use std::sync::Arc;

use chrono::TimeDelta;
use proptest::prelude::*;
use protocol::control::Matchers;

use super::Wanted;
use super::book::Book;
use super::books::Books;
use super::calls::Ask;
use super::desk_tests::{World, cloud};
use super::silence::Silence;
use super::state::State;
use crate::aws::sample::Replies;
use crate::fleet::samples::second;

/// What must survive: pending episodes wait anew, and what is done need not keep its words.
fn kept(book: &Book) -> Book {
    let mut book = book.clone();
    book.open.retain(|_, one| !matches!(one.state, State::Pending { .. }));
    let episodes = book.open.values_mut().chain(&mut book.resolved);
    for one in episodes {
        // Worked out anew by the next look, and not written down when nothing else changed.
        one.no_data = false;
        one.summary.clear();
        if let State::Firing { clear_since } | State::Acked { clear_since } = &mut one.state {
            *clear_since = None;
        }
    }
    for one in book.deliveries.values_mut().filter(|one| !one.open()) {
        one.lines.clear();
    }
    book
}

/// One thing that happens at a desk.
async fn happens(world: &World, what: u8, at: i64) {
    match what {
        0 => world.errors(at, at + 40, true, 40.0).await,
        1 => world.errors(at, at + 20, false, 40.0).await,
        2 => world.errors(at, at + 120, true, 0.0).await,
        3 => *world.cloud.replies.lock().unwrap() = Replies::Refused,
        4 => *world.cloud.replies.lock().unwrap() = Replies::Accepted,
        5 => {
            let firing = world.live.alerts.borrow().first().map(|one| one.id.clone());
            let ask = Ask { by: "ann", reason: "mine", expected: None };
            if let Some(id) = firing {
                // One that is over cannot be taken on: that is an answer too.
                let _ = world.alerts.bring(&id, Wanted::Acked, ask, second(at)).await;
            }
        }
        _ => {
            let silence = Silence {
                id: format!("s{at}"),
                environment: "local".to_owned(),
                matchers: Matchers { rule: Some("errors*".to_owned()), ..Matchers::default() },
                reason: "known".to_owned(),
                by: "ann".to_owned(),
                starts_at: second(at),
                ends_at: second(at) + TimeDelta::seconds(60),
            };
            world.alerts.silence(silence, second(at)).await.unwrap();
        }
    }
}

async fn play(steps: Vec<(u8, bool)>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.db");
    let mut world = World::open(&path, cloud()).await;
    for (at, (what, restart)) in (0..).step_by(200).zip(steps) {
        happens(&world, what, at).await;
        if restart {
            let mut books = world.journal.follow::<Books>().await.unwrap();
            books.keep().await.unwrap();
        }
        let before = kept(&*world.alerts.book.lock().await);
        let again = World::open(&path, Arc::clone(&world.cloud)).await;
        let mut after = kept(&*again.alerts.book.lock().await);
        after.prune(second(at + 200));
        let mut pruned = before;
        pruned.prune(second(at + 200));
        assert_eq!(after, pruned, "after step {what} at {at}");
        world = again;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_desk_that_starts_anew_knows_what_was_written_down(
        steps in prop::collection::vec((0..7_u8, any::<bool>()), 1..12)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}
