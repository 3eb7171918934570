//! The failover runbook, killed at every point where it could die: before and after each journal
//! write, before and after each call, with the reply delivered, lost, or never sent.

use crate::runs_sim::{Cloudy, Sim, failover_book};
use control::runbook::{
    event::End,
    state::{Run, State, StepState},
};

const WEATHER: [Cloudy; 4] =
    [Cloudy::Answers, Cloudy::LosesReply, Cloudy::LosesRequest, Cloudy::Refuses];

/// What must be so whatever happened.
fn check(sim: &Sim, run: &Run, what: &str) {
    let outside = sim.outside.lock().unwrap();
    assert!(outside.failovers_sent <= 1, "{what}: sent {} times", outside.failovers_sent);
    assert!(outside.failovers_applied <= 1, "{what}: failed over twice");
    let settled = !run.active() || run.state == State::Paused;
    assert!(settled, "{what}: {:?}: {}", run.state, run.reason);
    if !run.active() {
        assert!(outside.holds.is_empty(), "{what}: ended and still holds {:?}", outside.holds);
    }
    drop(outside);
    let replayed = sim.replay();
    assert_eq!(replayed, *run, "{what}: the journal tells another run");
}

/// What must have come of it.
fn check_end(sim: &Sim, run: &Run, cloudy: Cloudy, what: &str) {
    let promote = run.steps["promote"].state;
    let applied = sim.outside.lock().unwrap().failovers_applied == 1;
    match cloudy {
        Cloudy::Answers | Cloudy::LosesReply if applied => {
            assert_eq!(run.state, State::Ended(End::Succeeded), "{what}: {}", run.reason);
        }
        // Killed between writing down that it sends and sending: it never happened, and looking
        // says so after 90 s. A person decides; nothing is sent.
        Cloudy::Answers | Cloudy::LosesReply | Cloudy::LosesRequest => {
            assert_eq!(run.state, State::Paused, "{what}");
            assert_eq!(promote, StepState::Failed, "{what}");
            assert!(run.reason.contains("it did not happen"), "{what}: {}", run.reason);
        }
        Cloudy::Refuses => {
            assert_eq!((run.state, promote), (State::Paused, StepState::Failed), "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_crash_every_weather_ends_as_it_should() {
    for cloudy in WEATHER {
        let sim = Sim::new(cloudy, None);
        let run = sim.drive(sim.order(&failover_book(), None, 0)).await;
        check(&sim, &run, &format!("{cloudy:?}"));
        check_end(&sim, &run, cloudy, &format!("{cloudy:?}"));
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_point_it_is_sent_at_most_once_and_settles() {
    let mut deaths = 0;
    for cloudy in WEATHER {
        let calm = Sim::new(cloudy, None);
        calm.drive(calm.order(&failover_book(), None, 0)).await;
        for point in 1..=calm.points() {
            let what = format!("{cloudy:?}, killed at point {point}");
            let sim = Sim::new(cloudy, Some(point));
            sim.drive(sim.order(&failover_book(), None, 0)).await;
            deaths += 1;
            let run = sim.drive(sim.recover()).await;
            check(&sim, &run, &what);
            check_end(&sim, &run, cloudy, &what);
        }
    }
    assert!(deaths > 100, "only {deaths} points: the scenario shrank");
}

#[tokio::test(start_paused = true)]
async fn killed_again_while_recovering_it_still_settles() {
    for cloudy in [Cloudy::Answers, Cloudy::LosesReply] {
        let calm = Sim::new(cloudy, None);
        calm.drive(calm.order(&failover_book(), None, 0)).await;
        for point in 1..=calm.points() {
            for later in 1..=3 {
                let what = format!("{cloudy:?}, killed at points {point} and {later} later");
                let sim = Sim::new(cloudy, Some(point));
                sim.drive(sim.order(&failover_book(), None, 0)).await;
                sim.kill_at(point + later);
                sim.drive(sim.recover()).await;
                sim.kill_at(0);
                let run = sim.drive(sim.recover()).await;
                check(&sim, &run, &what);
                check_end(&sim, &run, cloudy, &what);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn aborted_and_killed_at_any_point_it_gives_everything_back() {
    let book = failover_book();
    let abort = || control::runbook::event::Event::AbortAsked { why: "a test".to_owned() };
    // As it is aborted while it waits for the writer, with the hold taken.
    let waits = |run: &Run| run.steps["writer_up"].state == StepState::Waiting;
    for point in 0..=12 {
        let sim = Sim::new(Cloudy::Answers, None);
        let run = sim.drive_until(sim.order(&book, None, 0), waits).await;
        assert!(!sim.outside.lock().unwrap().holds.is_empty());
        let run = sim.take(run, "ana", abort());
        sim.kill_at(sim.points() + point);
        sim.drive(run).await;
        sim.kill_at(0);
        let run = sim.drive(sim.recover()).await;
        check(&sim, &run, &format!("aborted, killed {point} points later"));
        assert_eq!(run.state, State::Ended(End::Compensated), "{point}: {}", run.reason);
    }
}
