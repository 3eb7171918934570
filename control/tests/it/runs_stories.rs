//! Runs as people meet them: approvals, pauses, aborts, doubt, drills.

use crate::runs_sim::{Cloudy, Sim, failover_book, gameday};
use control::{
    drill::{DEVIATED, PASSED},
    runbook::{
        drive::{Order, Request},
        event::{End, Event},
        refusal::Refusal,
        state::{Run, State, StepState},
    },
};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

fn ended(run: &Run) -> (End, &str) {
    match run.state {
        State::Ended(end) => (end, run.reason.as_str()),
        state => panic!("{state:?}: {}", run.reason),
    }
}

#[tokio::test(start_paused = true)]
async fn a_failover_says_what_it_did_and_how_long_clients_went_without() {
    let sim = Sim::new(Cloudy::Answers, None);
    let run = sim.drive(sim.order(&failover_book(), None, 0)).await;
    assert_eq!(ended(&run).0, End::Succeeded);
    let rto = run.measured.as_ref().and_then(|measured| measured.rto_ms).unwrap();
    // The truth is 5 s; the probe sees it to half a second.
    assert!((5_000..=5_500).contains(&rto), "{rto}");
    assert_eq!(run.measured.unwrap().resolution_ms, 500);
    assert_eq!(
        run.steps["approve"].detail,
        "pre-authorised: environment local asks for no approval"
    );
    assert!(run.steps["pick"].detail.starts_with("db-2: promotion tier 1"));
    let kinds = sim.kinds();
    let place = |kind: &str| kinds.iter().position(|one| one == kind).unwrap();
    assert!(place("run.intent_logged") < place("run.intent_sent"), "{kinds:?}");
    assert_eq!(kinds.last().map(String::as_str), Some("run.finished"));
}

#[tokio::test(start_paused = true)]
async fn it_does_not_believe_that_the_cluster_is_available_before_the_writer_moved() {
    let sim = Sim::new(Cloudy::Answers, None);
    let run = sim.drive(sim.order(&failover_book(), None, 0)).await;
    let promoted = run.steps["promote"].ended_at.unwrap();
    let up = run.steps["writer_up"].ended_at.unwrap();
    // Two seconds of `available` with the old writer, five without one, then five good probes.
    assert!((up - promoted).num_milliseconds() >= 8_000, "{}", up - promoted);
}

async fn say(requests: &mpsc::Sender<Request>, order: Order, by: &str) -> Result<(), Refusal> {
    let (answer, answered) = oneshot::channel();
    let request = Request { order, by: by.to_owned(), expected: None, answer };
    assert!(requests.send(request).await.is_ok(), "the run is driven");
    answered.await.unwrap()
}

/// Drives on while somebody else says something.
async fn meanwhile(
    sim: &Sim,
    run: Run,
    says: Vec<(Order, &str)>,
) -> (Run, Vec<Result<(), String>>) {
    let (sender, mut opened) = mpsc::channel(1);
    let clone = sim.clone();
    let talk = async move {
        let requests: mpsc::Sender<Request> = opened.recv().await.unwrap();
        // Held until everything is said; dropping it ends the drive.
        let _open = opened;
        let mut answers = Vec::new();
        for (order, by) in says {
            answers.push(say(&requests, order, by).await.map_err(|refusal| match refusal {
                Refusal::Illegal(illegal) => illegal.why,
                refusal => refusal.to_string(),
            }));
        }
        answers
    };
    let drive = async move { clone.drive_open(run, sender).await };
    tokio::join!(drive, talk)
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_by_another_person_for_the_same_world() {
    let sim = Sim::new(Cloudy::Answers, None);
    let run = sim.drive(sim.order(&failover_book(), None, 1)).await;
    assert_eq!(run.state, State::AwaitingApproval);
    assert_eq!(sim.outside.lock().unwrap().failovers_sent, 0);
    let says = vec![
        (Order::Approve("yes".to_owned()), "ana"),
        (Order::Approve("yes".to_owned()), "bob"),
        (Order::Approve("yes".to_owned()), "eva"),
    ];
    let (run, answers) = meanwhile(&sim, run, says).await;
    assert_eq!(answers[0], Err("who asked for the run cannot approve it".to_owned()));
    assert_eq!(answers[1], Ok(()));
    assert!(answers[2].is_err(), "it asks no longer");
    assert_eq!(run.steps["approve"].detail, "approved by bob");
}

#[tokio::test(start_paused = true)]
async fn an_approval_dies_when_the_world_moves() {
    let sim = Sim::new(Cloudy::Answers, None);
    let run = sim.drive(sim.order(&failover_book(), None, 1)).await;
    // Somebody else failed the cluster over meanwhile.
    sim.fail_over_behind_our_back("db-3");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (run, answers) =
        meanwhile(&sim, run, vec![(Order::Approve("yes".to_owned()), "bob")]).await;
    assert_eq!(answers, [Err("the approval is for another plan".to_owned())]);
    assert_eq!(run.state, State::AwaitingApproval);
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_nobody_gives_expires_and_nothing_was_done() {
    let sim = Sim::new(Cloudy::Answers, None);
    let run = sim.drive(sim.order(&failover_book(), None, 1)).await;
    tokio::time::sleep(Duration::from_secs(299)).await;
    let run = sim.drive(run).await;
    assert_eq!(run.state, State::AwaitingApproval);
    // The deadline is in the journal, so a restart does not move it.
    let run = sim.drive_to_end(sim.recover()).await;
    assert_eq!(ended(&run), (End::Expired, "nobody approved in time"));
    let outside = sim.outside.lock().unwrap();
    assert_eq!((outside.failovers_sent, outside.holds.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_fails_right_before_the_call_stops_it() {
    let sim = Sim::new(Cloudy::Answers, None);
    sim.outside.lock().unwrap().lag_ms = None;
    let run = sim.drive(sim.order(&failover_book(), None, 0)).await;
    assert_eq!(run.steps["before"].state, StepState::Done);
    // Between the look and the call, somebody else fails the cluster over.
    sim.fail_over_behind_our_back("db-3");
    tokio::time::sleep(Duration::from_secs(30)).await;
    sim.outside.lock().unwrap().lag_ms = Some(3.0);
    let run = sim.take(run, "ana", Event::Resumed { why: "lag is back".to_owned() });
    let run = sim.drive(run).await;
    assert_eq!(run.state, State::Paused);
    assert!(run.reason.contains("not done, because"), "{}", run.reason);
    assert_eq!(sim.outside.lock().unwrap().failovers_sent, 0);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_lag_promotes_nobody() {
    let sim = Sim::new(Cloudy::Answers, None);
    sim.outside.lock().unwrap().lag_ms = None;
    let run = sim.drive(sim.order(&failover_book(), None, 0)).await;
    assert_eq!(run.state, State::Paused);
    assert!(run.reason.contains("no fresh reading of its lag"), "{}", run.reason);
    // Resumed once it is known, the step begins again and the run goes on.
    sim.outside.lock().unwrap().lag_ms = Some(3.0);
    let run = sim.take(run, "ana", Event::Resumed { why: "lag is back".to_owned() });
    assert_eq!(ended(&sim.drive(run).await).0, End::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_cannot_be_told_pauses_and_is_never_sent_again() {
    let sim = Sim::new(Cloudy::LosesRequest, None);
    // Nobody can say who writes: neither applied nor not applied.
    let sent = |run: &Run| run.steps["promote"].state == StepState::Observing;
    let run = sim.drive_until(sim.order(&failover_book(), None, 0), sent).await;
    sim.hide_database(true);
    let run = sim.drive(run).await;
    assert_eq!(run.state, State::Paused);
    assert!(run.reason.contains("cannot be told"), "{}", run.reason);
    let run = sim.take(run, "ana", Event::Resumed { why: "look again".to_owned() });
    let run = sim.drive(run).await;
    assert_eq!(run.state, State::Paused);
    assert_eq!(sim.outside.lock().unwrap().failovers_sent, 1);
    // Aborted now, it looks once more, gives back, and says what it could not tell.
    let run = sim.take(run, "ana", Event::AbortAsked { why: "enough".to_owned() });
    let run = sim.drive(run).await;
    let (end, reason) = ended(&run);
    assert_eq!(end, End::Stuck);
    assert!(reason.contains("promote: cannot be told"), "{reason}");
    assert!(sim.outside.lock().unwrap().holds.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_pauses_and_resumes_on_request_and_can_be_aborted() {
    let sim = Sim::new(Cloudy::Answers, None);
    let waits = |run: &Run| run.steps["writer_up"].state == StepState::Waiting;
    let run = sim.drive_until(sim.order(&failover_book(), None, 0), waits).await;
    let pause = Order::Pause("look".to_owned());
    let (run, answers) = meanwhile(&sim, run, vec![(pause, "bob")]).await;
    assert_eq!((run.state, run.reason.as_str()), (State::Paused, "bob: look"));
    assert_eq!(answers, [Ok(())]);
    let abort = Order::Abort("stop".to_owned());
    let (run, answers) = meanwhile(&sim, run, vec![(abort, "bob")]).await;
    assert_eq!(answers, [Ok(())]);
    assert_eq!(ended(&run), (End::Compensated, "bob: stop"));
    assert!(sim.outside.lock().unwrap().holds.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_drill_runs_the_real_runbook_and_judges_it() {
    let sim = Sim::new(Cloudy::Answers, None);
    let run = sim.drive(sim.order(&failover_book(), Some(&gameday()), 0)).await;
    let (end, reason) = ended(&run);
    assert_eq!(end, End::Succeeded);
    assert!(reason.starts_with(PASSED), "{reason}");

    let strict = gameday().replace("rto: 60s", "rto: 2s");
    let sim = Sim::new(Cloudy::Answers, None);
    let run = sim.drive(sim.order(&failover_book(), Some(&strict), 0)).await;
    let (end, reason) = ended(&run);
    assert_eq!(end, End::Succeeded);
    assert!(reason.starts_with(DEVIATED), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_drill_is_refused_while_an_alert_fires_or_the_probe_fails() {
    for broken in [false, true] {
        let sim = Sim::new(Cloudy::Answers, None);
        if broken {
            sim.outside.lock().unwrap().broken_from = Some(Duration::ZERO);
        } else {
            let severity = protocol::control::Severity::P1;
            sim.outside.lock().unwrap().firing.push(severity);
        }
        let run = sim.drive(sim.order(&failover_book(), Some(&gameday()), 0)).await;
        let (end, reason) = ended(&run);
        assert_eq!(end, End::Rejected);
        assert!(reason.contains("the drill's gate did not hold"), "{reason}");
        let outside = sim.outside.lock().unwrap();
        assert_eq!((outside.failovers_sent, outside.holds.len()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_drill_that_hurts_clients_too_long_ends_and_gives_back() {
    let sim = Sim::new(Cloudy::Answers, None);
    sim.outside.lock().unwrap().broken_from = Some(Duration::from_secs(6));
    let run = sim.drive(sim.order(&failover_book(), Some(&gameday()), 0)).await;
    let (end, reason) = ended(&run);
    assert_eq!(end, End::Compensated);
    assert!(reason.contains("clients have been without the wallet for 12"), "{reason}");
    assert!(sim.outside.lock().unwrap().holds.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_down_is_not_done() {
    let calm = Sim::new(Cloudy::Answers, None);
    calm.drive(calm.order(&failover_book(), None, 0)).await;
    let writes = calm.kinds().len();
    for broken_from in 1..writes {
        let sim = Sim::new(Cloudy::Answers, None);
        let run = sim.order(&failover_book(), None, 0);
        sim.outside.lock().unwrap().journal_full_at = Some(broken_from);
        let failed = sim.drive_or_fail(run).await;
        assert!(failed.is_err(), "write {broken_from} failed and nobody noticed");
        let sent = calm.kinds().iter().position(|kind| kind == "run.intent_sent").unwrap();
        let outside = sim.outside.lock().unwrap();
        assert!(outside.journal.len() <= broken_from, "{broken_from}");
        if broken_from <= sent {
            let touched = outside.failovers_sent > 0 || !outside.holds.is_empty();
            assert!(!touched, "write {broken_from} failed and the call was made");
        }
    }
}
