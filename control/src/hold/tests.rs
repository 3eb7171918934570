//! What stands ends by itself, ends early when asked, and survives a restart.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::*;
use crate::driver::Clock;
use crate::fleet::samples::second;
use crate::journal::Journal;

async fn journal(path: &Path) -> Journal {
    let clock: Clock = Arc::new(|| second(0));
    Journal::open(path, clock).await.unwrap()
}

fn floor(id: &str, expires_at: DateTime<Utc>) -> ManualFloor {
    ManualFloor {
        id: id.to_owned(),
        environment: "local".to_owned(),
        tasks: 12,
        reason: "black friday".to_owned(),
        by: "ann".to_owned(),
        expires_at,
    }
}

#[tokio::test]
async fn a_forgotten_floor_ends_by_itself_and_a_restart_does_not_revive_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.db");
    let floors = Floors::recover(journal(&path).await).await.unwrap();
    floors.take(floor("f1", second(3600)), second(0)).await.unwrap();
    assert_eq!(floors.of("local", second(3599)).len(), 1);
    assert_eq!(floors.of("local", second(3600)), []);
    let again = Floors::recover(journal(&path).await).await.unwrap();
    assert_eq!(again.of("local", second(3599)), [floor("f1", second(3600))]);
    assert_eq!(again.of("local", second(3600)), []);
}

#[tokio::test]
async fn a_floor_that_is_removed_is_gone_and_the_journal_says_who_did_it() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir.path().join("j.db")).await;
    let floors = Floors::recover(journal.clone()).await.unwrap();
    floors.take(floor("f1", second(3600)), second(0)).await.unwrap();
    assert!(floors.release("f1", "bob").await.unwrap());
    assert!(!floors.release("f1", "bob").await.unwrap(), "it is gone already");
    assert_eq!(floors.standing(second(1)), []);
    let events = journal.since(0, 10).await.unwrap();
    let told: Vec<_> =
        events.iter().map(|e| (e.actor.as_str(), e.kind.as_str(), e.subject.as_str())).collect();
    assert_eq!(
        told,
        [("ann", "floor.set", "local/floor/f1"), ("bob", "floor.removed", "local/floor/f1")]
    );
    assert_eq!(events[0].summary, "ann keeps at least 12 tasks: black friday until 01:00:00");
}

#[tokio::test]
async fn a_freeze_of_everything_concerns_every_environment() {
    let dir = tempfile::tempdir().unwrap();
    let freezes = Freezes::recover(journal(&dir.path().join("j.db")).await).await.unwrap();
    let freeze = |id: &str, environment: Option<&str>| Freeze {
        id: id.to_owned(),
        environment: environment.map(str::to_owned),
        reason: "audit".to_owned(),
        by: "ann".to_owned(),
        expires_at: second(60),
    };
    freezes.take(freeze("one", Some("staging")), second(0)).await.unwrap();
    assert_eq!(freezes.of("local", second(1)).len(), 0);
    freezes.take(freeze("all", None), second(0)).await.unwrap();
    assert_eq!(freezes.of("local", second(1)).len(), 1);
    assert_eq!(freezes.of("staging", second(1)).len(), 2);
}

#[tokio::test]
async fn no_more_stand_than_anybody_can_oversee_and_expired_ones_make_room() {
    let dir = tempfile::tempdir().unwrap();
    let floors = Floors::recover(journal(&dir.path().join("j.db")).await).await.unwrap();
    for n in 0..standing::STANDING_MAX {
        floors.take(floor(&format!("f{n}"), second(60)), second(0)).await.unwrap();
    }
    let refused = floors.take(floor("more", second(90)), second(0)).await.unwrap_err();
    assert_eq!(refused.to_string(), "beginning another on local: 64 stand already");
    floors.take(floor("f0", second(90)), second(0)).await.unwrap();
    floors.take(floor("more", second(90)), second(60)).await.unwrap();
    assert_eq!(floors.standing(second(61)).len(), 2);
}

#[tokio::test]
async fn of_two_holds_the_one_that_lasts_longer_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let holds = Holds::recover(journal(&dir.path().join("j.db")).await).await.unwrap();
    for (id, direction, expires_at) in
        [("h1", Direction::In, second(60)), ("h2", Direction::Both, second(90))]
    {
        let hold = Hold {
            id: id.to_owned(),
            environment: "local".to_owned(),
            direction,
            reason: "a test".to_owned(),
            by: "ann".to_owned(),
            expires_at,
        };
        holds.take(hold, second(0)).await.unwrap();
    }
    let id = |way, at| holds.held("local", way, second(at)).map(|hold| hold.id);
    assert_eq!(id(Direction::In, 1).as_deref(), Some("h2"));
    assert_eq!(id(Direction::Out, 1).as_deref(), Some("h2"));
    assert_eq!(id(Direction::In, 90), None);
}
