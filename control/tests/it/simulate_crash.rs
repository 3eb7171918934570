//! Scaling and alerts over a real journal, killed at every point where a process can die, and
//! restarted or taken over there, with every reply delivered or each change's first reply lost.
//!
//! Time is moved by hand and passes run one after the other, so that a point is always the same
//! point.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use control::app::App;
use control::aws::{Change, Cloud};
use control::config::{Environment, read_environments};
use control::driver::Clock;
use control::hold::{Direction, Hold};
use control::intent::{OpenIntents, Record};
use control::journal::{Fold, Journal, Verdict, verify};
use control::simulate::cloud::SimCloud;
use control::simulate::mortality::Killed;
use control::simulate::service::Service;
use control::simulate::site::Site;
use control::simulate::stage::{Hands, Stage};
use futures::FutureExt;
use tempfile::TempDir;

const LOCAL: &str = "wallet-local/wallet-svc";
/// The load rises here and falls there, in seconds.
const RISES_S: i64 = 60;
const FALLS_S: i64 = 130;
/// Long enough for tasks to leave again, and for alerts to resolve.
const ENDS_S: i64 = 330;
/// An intent of unknown outcome is settled by a look that is younger than its change by 3 s, and
/// looks come every 2 s; what was begun later than this before the end may be open still.
const SETTLED_WITHIN_S: i64 = 10;

fn start() -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// The shipped one, less patient: a life shall be short, since there are hundreds.
fn environment() -> Environment {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
    let mut environment = read_environments(&[file]).unwrap().remove(0);
    environment.scaling.points_in = 3;
    environment.scaling.cooldown_in = TimeDelta::seconds(60);
    for rule in &mut environment.alerts {
        rule.hold_for = rule.hold_for.min(TimeDelta::seconds(10));
        rule.clear_for = rule.clear_for.min(TimeDelta::seconds(20));
    }
    environment
}

/// Everything that outlives the process.
struct World {
    folder: TempDir,
    hands: Hands,
    cloud: Arc<SimCloud>,
}

/// How a life of the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Lived,
    Killed,
}

impl World {
    fn new(lose_first_replies: bool) -> Self {
        let hands = Hands::at(start());
        let load = |second: i64| match second {
            RISES_S..FALLS_S => 760.0,
            _ => 150.0,
        };
        let service = (Service::default(), Box::new(load) as _);
        let site = Site::new(environment(), start(), service, 3, 1);
        let cloud = SimCloud::new(hands.clock(), start(), vec![site]);
        cloud.lose_first_replies(lose_first_replies);
        Self { folder: tempfile::tempdir().unwrap(), hands, cloud: Arc::new(cloud) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// A process as it starts now, on what the last one left.
    async fn app(&self) -> (App, Stage) {
        let (hands, mortality) = (self.hands.clone(), Arc::clone(&self.cloud.mortality));
        let clock: Clock = Arc::new(move || {
            mortality.point_in_write();
            hands.now()
        });
        let journal = Journal::open(&self.path(), clock).await.unwrap();
        let cloud = Arc::clone(&self.cloud) as Arc<dyn Cloud>;
        let app = App::build(self.hands.clock(), journal, cloud, vec![environment()]);
        let app = app.await.unwrap();
        let stage = Stage::set(&app, self.hands.clone()).await.unwrap();
        (app, stage)
    }

    /// Plays until the end, or until the process dies.
    async fn live(&self, app: &App, stage: &mut Stage) -> End {
        while self.hands.now() < start() + TimeDelta::seconds(ENDS_S) {
            let step = AssertUnwindSafe(self.step(app, stage)).catch_unwind();
            tokio::select! {
                biased;
                () = self.cloud.mortality.died() => return End::Killed,
                stepped = step => match stepped {
                    Ok(()) => {}
                    Err(killed) if killed.is::<Killed>() => return End::Killed,
                    Err(bug) => std::panic::resume_unwind(bug),
                },
            }
        }
        End::Lived
    }

    /// One step, in which somebody may take a hold.
    async fn step(&self, app: &App, stage: &mut Stage) {
        let second = (self.hands.now() - start()).num_milliseconds();
        if second == 30_000 {
            let hold = Hold {
                id: "h".to_owned(),
                environment: "local".to_owned(),
                direction: Direction::In,
                reason: "a test".to_owned(),
                by: "ana".to_owned(),
                expires_at: start() + TimeDelta::seconds(200),
            };
            // Whoever asked is answered with an error, and asks again or does not.
            let _ = app.holds.take(hold, self.hands.now()).await;
        }
        stage.step().await;
    }

    /// What must be so whatever happened. `pages`: how often one message may have been sent.
    async fn check(&self, app: &App, pages: usize, what: &str) {
        let verdict = verify(&self.path().as_path().into()).await.unwrap();
        assert!(matches!(verdict, Verdict::Intact { .. }), "{what}: {verdict}");
        let mut open = OpenIntents::default();
        let mut logged = Vec::new();
        app.journal
            .replay("intent.", |event| {
                open.fold(event);
                if event.kind == "intent.logged" {
                    logged.push(event.clone());
                }
            })
            .await
            .unwrap();
        let late = start() + TimeDelta::seconds(ENDS_S - SETTLED_WITHIN_S);
        let due = |record: &&Record| record.state.open() && record.at < late;
        let open: Vec<_> = open.0.values().filter(due).collect();
        assert!(open.is_empty(), "{what}: not settled: {open:?}");
        let (mut resized, mut published) = (Vec::new(), BTreeMap::<String, usize>::new());
        for made in self.cloud.made() {
            match made.change {
                Change::Publish { id, .. } => *published.entry(id).or_default() += 1,
                change => resized.push(change),
            }
        }
        assert!(
            resized.len() <= logged.len(),
            "{what}: {} sent, {} written down",
            resized.len(),
            logged.len()
        );
        for pair in resized.windows(2) {
            assert_ne!(pair[0], pair[1], "{what}: the same change twice in a row");
        }
        assert!(!published.is_empty(), "{what}: nobody was told anything");
        for (id, times) in &published {
            assert!(*times <= pages, "{what}: {id} was sent {times} times");
        }
        let told = |word: &str| published.keys().filter(|id| id.contains(word)).count();
        assert_eq!(told(".firing.1.1."), told(".resolved."), "{what}: {published:?}");
        let live = &app.environments["local"];
        let firing = live.alerts.borrow().iter().filter(|one| one.owner.is_some()).count();
        assert_eq!(firing, 0, "{what}");
        let site = self.cloud.site(LOCAL).unwrap().lock().unwrap();
        let desired = site.tasks.desired();
        assert!((5..=8).contains(&desired), "{what}: {desired} tasks; they were 9 at the most");
    }
}

#[tokio::test]
async fn without_a_crash_the_story_scales_and_pages() {
    for lost in [false, true] {
        let world = World::new(lost);
        let (app, mut stage) = world.app().await;
        assert_eq!(world.live(&app, &mut stage).await, End::Lived);
        let passed = world.cloud.mortality.passed();
        println!("{passed} points; {} calls", world.cloud.made().len());
        world.check(&app, if lost { 2 } else { 1 }, "no crash").await;
        assert!(passed > 50, "only {passed} points: the story shrank");
    }
}

/// Kills a process at each point of its life, and lets the next one live to the end.
async fn kill_at_each_point(lost: bool) {
    let calm = World::new(lost);
    let (app, mut stage) = calm.app().await;
    calm.live(&app, &mut stage).await;
    for point in 1..=calm.cloud.mortality.passed() {
        let world = World::new(lost);
        world.cloud.mortality.die_at(point);
        let (app, mut stage) = world.app().await;
        let what = format!("replies lost: {lost}, killed at point {point}");
        assert_eq!(world.live(&app, &mut stage).await, End::Killed, "{what}");
        drop((app, stage));
        let (app, mut stage) = world.app().await;
        assert_eq!(world.live(&app, &mut stage).await, End::Lived, "{what}");
        // Killed between the provider's answer and the record of it, a message is sent again
        // with the same id.
        world.check(&app, if lost { 3 } else { 2 }, &what).await;
    }
}

#[tokio::test]
async fn killed_at_any_point_it_restarts_and_does_everything_once() {
    kill_at_each_point(false).await;
}

#[tokio::test]
async fn killed_at_any_point_with_replies_lost_it_still_does_everything_once() {
    kill_at_each_point(true).await;
}
