//! The learning loop over an AWS that is a value and a real journal.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::history::{HISTORY, POINT, hour_start};
use super::learn::LearnError;
use super::*;
use crate::app::{App, Live};
use crate::aws::sample::SampleCloud;
use crate::config::read_environments;
use crate::driver::{Clock, Pass};
use crate::fleet::samples::second;
use crate::journal::{Entry, Journal};

struct World {
    app: App,
    live: Arc<Live>,
    cloud: Arc<SampleCloud>,
    learn: Learn,
    now: Arc<Mutex<DateTime<Utc>>>,
    _folder: tempfile::TempDir,
}

/// A daily wave, 1,000/s at noon, as CloudWatch keeps it: a sum each five minutes.
fn sums(now: DateTime<Utc>) -> Vec<(DateTime<Utc>, f64)> {
    let start = hour_start(now) - HISTORY;
    let count = i32::try_from(HISTORY.num_minutes() / POINT.num_minutes()).unwrap();
    let load = |n: i32| 600.0 - 400.0 * (std::f64::consts::TAU * f64::from(n) / 288.0).cos();
    (0..count).map(|n| (start + POINT * n, load(n) * 300.0)).collect()
}

impl World {
    async fn open() -> Self {
        let now = Arc::new(Mutex::new(second(0)));
        let read = Arc::clone(&now);
        let clock: Clock = Arc::new(move || *read.lock().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("j.db"), clock.clone()).await.unwrap();
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
        let mut environments = read_environments(&[file]).unwrap();
        environments[0].forecast = Some(Settings {
            lead: TimeDelta::minutes(15),
            coverage: 0.95,
            per_task: 100.0,
            zone: Tz::UTC,
        });
        let cloud = Arc::new(SampleCloud::with_tasks(3));
        let shared: Arc<SampleCloud> = Arc::clone(&cloud);
        let app = App::build(clock, journal, shared, environments).await.unwrap();
        let live = Arc::clone(&app.environments["local"]);
        let learn = Learn::new(&app, &live);
        Self { app, live, cloud, learn, now, _folder: folder }
    }

    fn publish(&self, points: Vec<(DateTime<Utc>, f64)>) {
        *self.cloud.points.lock().unwrap() = Some([("Requests", points)].into());
    }

    async fn pass(&mut self, at: DateTime<Utc>) -> Result<(), LearnError> {
        *self.now.lock().unwrap() = at;
        self.learn.pass(at).await
    }

    fn questions(&self) -> usize {
        self.cloud.questions.lock().unwrap().len()
    }
}

#[tokio::test]
async fn four_weeks_are_read_once_an_hour_and_the_card_is_always_current() {
    let mut world = World::open().await;
    world.publish(sums(second(0)));
    for minute in 0..60 {
        world.pass(second(minute * 60)).await.unwrap();
        let view = world.live.forecast.borrow().clone().unwrap();
        assert_eq!(view.at, second(minute * 60));
    }
    assert_eq!(world.questions(), 1);
    let view = world.live.forecast.borrow().clone().unwrap();
    assert_ne!(view.in_use, "none", "{}", view.why);
    // A quarter of an hour before one o'clock it is already planned for it.
    assert_eq!(view.floor, Some(view.hours[1].tasks));
    world.pass(second(3600)).await.unwrap();
    assert_eq!(world.questions(), 2);
}

#[tokio::test]
async fn an_answer_that_fails_is_asked_for_again_and_the_old_plan_stands() {
    let mut world = World::open().await;
    world.publish(sums(second(0)));
    world.pass(second(0)).await.unwrap();
    let plan = world.live.plan.borrow().clone();
    *world.cloud.points.lock().unwrap() = None;
    assert!(matches!(world.pass(second(3600)).await, Err(LearnError::Read(_))));
    assert_eq!(*world.live.plan.borrow(), plan, "the hours it planned are still to come");
    world.publish(sums(second(3600)));
    world.pass(second(3660)).await.unwrap();
    assert_eq!(world.questions(), 3);
    assert_ne!(*world.live.plan.borrow(), plan);
}

#[tokio::test]
async fn drills_and_pages_of_the_journal_are_left_out() {
    let mut world = World::open().await;
    world.publish(sums(second(0)));
    let event = |at: i64, subject: &str, kind: &str, severity: &str| {
        let subject = format!("local/{subject}");
        (second(at), Entry::control(subject, kind, "", json!({ "severity": severity })))
    };
    let day = -86_400;
    for (at, entry) in [
        // A drill of two hours, three days ago.
        event(3 * day, "run/r1", "run.ordered", ""),
        event(3 * day + 7200, "run/r1", "run.finished", ""),
        // A page of an hour, two days ago; a warning of a day says nothing.
        event(2 * day, "alert/errors-high", "alert.firing", "P1"),
        event(2 * day + 3600, "alert/errors-high", "alert.resolved", "P1"),
        event(day, "alert/outbox", "alert.firing", "P3"),
        // A page that has not ended yet.
        event(-1800, "alert/latency", "alert.firing", "P2"),
    ] {
        *world.now.lock().unwrap() = at;
        world.app.journal.append(entry).await.unwrap();
    }
    world.pass(second(0)).await.unwrap();
    let view = world.live.forecast.borrow().clone().unwrap();
    // Two hours and a point of the next, one hour, and the half hour of the open page keeps six
    // of its twelve points: 2 + 1.
    assert_eq!((view.hours_masked, view.hours_known), (3, 669), "{view:?}");
}

#[tokio::test]
async fn a_reload_without_a_forecast_takes_the_plan_away() {
    let mut world = World::open().await;
    world.publish(sums(second(0)));
    world.pass(second(0)).await.unwrap();
    let mut wanted = (*world.live.wanted()).clone();
    wanted.forecast = None;
    world.live.want(wanted);
    world.pass(second(60)).await.unwrap();
    assert!(world.live.plan.borrow().is_none() && world.live.forecast.borrow().is_none());
}

#[tokio::test]
async fn where_no_forecast_is_wanted_the_load_is_read_all_the_same() {
    let mut world = World::open().await;
    let mut wanted = (*world.live.wanted()).clone();
    wanted.forecast = None;
    world.live.want(wanted);
    world.publish(sums(second(0)));
    world.pass(second(0)).await.unwrap();
    world.pass(second(60)).await.unwrap();
    assert_eq!(world.questions(), 1);
    let load = world.live.load.borrow().clone();
    assert_eq!((load.len(), load[0].0), (8_064, second(0) - HISTORY));
    assert!((load[0].1 - 200.0).abs() < 1e-6, "in requests per second: {:?}", load[0]);
    assert!(world.live.plan.borrow().is_none());
}
