//! Reloads over real files: all of it or none, and what is said about it.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use crate::api::Trust;
use crate::app::App;
use crate::aws::sample::SampleCloud;
use crate::concern::CONFIGURATION_REFUSED;
use crate::current::Current;
use crate::fleet::samples::second;
use crate::journal::{Event, Journal, Memory};
use crate::reload::Reload;
use crate::serve::{Configuration, Files, configuration};
use protocol::control::Mode;

/// A running process with its files, which the test edits as people would.
struct World {
    folder: TempDir,
    reload: Reload,
}

fn project(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let prices = project("prices/sa-east-1.yaml").canonicalize().unwrap();
        let text = std::fs::read_to_string(project("environments/local.yaml")).unwrap();
        let text = text.replace("../prices/sa-east-1.yaml", &prices.display().to_string());
        std::fs::write(path("local.yaml"), text).unwrap();
        std::fs::create_dir(path("runbooks")).unwrap();
        let book = project("../runbooks/aurora-writer-failover.yaml");
        std::fs::copy(book, path("runbooks").join("failover.yaml")).unwrap();
        let hash = "ab".repeat(32);
        let tokens = format!("- {{ name: ana, role: operator, sha256: {hash} }}\n");
        std::fs::write(path("tokens.yaml"), tokens).unwrap();
        let files = Files {
            environments: vec![path("local.yaml")],
            runbooks: Some(path("runbooks")),
            tokens: Some(path("tokens.yaml")),
            identity: None,
        };
        let clock: crate::driver::Clock = Arc::new(|| second(0));
        let journal = Journal::in_memory(&Memory::default(), clock.clone()).await.unwrap();
        let cloud = Arc::new(SampleCloud::with_tasks(3));
        let Configuration { environments, library, tokens, .. } = configuration(&files).unwrap();
        let app = App::build(clock, journal, cloud, environments).await.unwrap();
        let library = Current::new(library);
        let trust = Trust { tokens: Current::new(tokens), identities: Current::default() };
        Self { folder, reload: Reload { files, app, library, trust: Arc::new(trust) } }
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Reloads; returns the event that says what came of it.
    async fn reload(&self) -> Event {
        self.reload.reload().await.unwrap();
        self.reload.app.journal.last(1).await.unwrap().remove(0)
    }

    fn mode(&self) -> Mode {
        self.reload.app.environments["local"].wanted().mode
    }

    fn refused(&self) -> bool {
        self.reload.app.concerns.standing().contains_key(CONFIGURATION_REFUSED)
    }
}

#[tokio::test]
async fn what_people_changed_is_in_force_at_once_and_told_with_its_hash() {
    let world = World::start().await;
    let before = world.reload().await;
    assert_eq!(before.kind, "config.loaded");
    world.edit("local.yaml", "mode: act", "mode: observe # for now");
    world.edit("runbooks/failover.yaml", "revision: ", "revision: 9");
    world.edit("tokens.yaml", "ana", "eva");
    let after = world.reload().await;
    assert_ne!(after.data["hash"], before.data["hash"]);
    assert_eq!(world.mode(), Mode::Observe);
    let library = world.reload.library.get();
    assert!(library.runbooks["aurora-writer-failover"].revision >= 90);
    assert!(format!("{:?}", world.reload.trust.tokens.get()).contains("eva"));
    world.edit("local.yaml", "# for now", "# for ever");
    assert_eq!(world.reload().await.data["hash"], after.data["hash"], "a comment means nothing");
}

#[tokio::test]
async fn faults_in_any_file_leave_all_of_it_as_it_was_and_are_told_until_mended() {
    let world = World::start().await;
    // Good by itself, and not to be put into force beside the others.
    world.edit("tokens.yaml", "ana", "eva");
    world.edit("local.yaml", "mode: act", "mode: observed");
    world.edit("local.yaml", "band: 10%", "band: 10%\n  bond: 11%");
    world.edit("runbooks/failover.yaml", "kind: Runbook", "kind: Runbok");
    let told = world.reload().await;
    assert_eq!((told.kind.as_str(), told.data["count"].as_u64()), ("config.refused", Some(3)));
    let faults = told.data["faults"].to_string();
    for part in ["local.yaml:5: mode: ", "scaling: unknown key `bond`", "failover.yaml:", "Runbok"]
    {
        assert!(faults.contains(part), "{part} is not in {faults}");
    }
    assert!(told.summary.contains("and 2 more"), "{}", told.summary);
    assert_eq!(world.mode(), Mode::Act);
    assert!(format!("{:?}", world.reload.trust.tokens.get()).contains("ana"));
    assert!(world.refused());

    world.edit("local.yaml", "mode: observed", "mode: observe");
    world.edit("local.yaml", "\n  bond: 11%", "");
    assert_eq!(world.reload().await.data["count"], 1);
    assert!(world.refused());
    world.edit("runbooks/failover.yaml", "kind: Runbok", "kind: Runbook");
    assert_eq!(world.reload().await.kind, "config.loaded");
    assert_eq!(world.mode(), Mode::Observe);
    assert!(!world.refused());
}

#[tokio::test]
async fn what_the_process_is_built_upon_takes_a_restart_and_says_so() {
    let table = [
        ("name: local", "name: other", "name: is new; this takes a restart"),
        ("cluster: wallet-local,", "cluster: wallet-2,", "was `wallet-local` and is `wallet-2`"),
        ("database: wallet-local", "database: wallet-2", "resources.database: was `wallet-local`"),
        ("period: 10s\n", "period: 20s\n", "scaling.period: was `10 s` and is `20 s`"),
    ];
    for (from, to, message) in table {
        let world = World::start().await;
        world.edit("local.yaml", "mode: act", "mode: observe");
        world.edit("local.yaml", from, to);
        let told = world.reload().await;
        assert_eq!(told.kind, "config.refused", "{to}");
        assert!(told.data["faults"].to_string().contains(message), "{}", told.data);
        assert_eq!(world.mode(), Mode::Act, "{to}");
    }
}
