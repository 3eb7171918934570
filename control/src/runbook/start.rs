//! Puts the engine together with the rest: a canary and a site for each environment.

use super::{
    engine::{Engine, Parts},
    lag::Lag,
    library::Library,
    site::{RealSite, Site},
};
use crate::{
    app::App,
    current::Current,
    driver::Schedule,
    journal::JournalError,
    probe::{Canary, PUBLISH_PERIOD, Probes, Publish},
};
use std::{path::PathBuf, sync::Arc};

/// Starts the canaries and the engine; runs that had not ended go on. Without a token file there
/// is no canary, and what asks for one stays unknown.
///
/// # Errors
///
/// When the journal cannot be read or written.
pub async fn start(
    app: &App,
    library: Library,
    canary_token: Option<PathBuf>,
) -> Result<Engine, JournalError> {
    let sites = app.environments.iter().map(|(name, live)| {
        let probes = Probes::default();
        if let Some(token_file) = canary_token.clone() {
            let canary = Canary {
                name: name.clone(),
                cloud: app.cloud.clone(),
                target_group: live.wanted().service.target_group.clone(),
                token_file,
                probes: probes.clone(),
                reading: live.canary.clone(),
                wallets: live.canary_wallets.clone(),
            };
            let publish = Publish::new(name, app.cloud.clone(), probes.clone(), (app.clock)());
            let part = format!("{name}/canary-metrics");
            app.driver.start(Schedule::every(part, PUBLISH_PERIOD, PUBLISH_PERIOD), publish);
            app.tracker.spawn(canary.run(app.clock.clone(), app.stop.clone()));
        }
        let site: Arc<dyn Site> = Arc::new(RealSite {
            live: live.clone(),
            cloud: app.cloud.clone(),
            holds: app.holds.clone(),
            freezes: app.freezes.clone(),
            probes,
            lag: Lag::default(),
        });
        (name.clone(), (live.clone(), site))
    });
    Engine::recover(Parts {
        clock: app.clock.clone(),
        journal: app.journal.clone(),
        library: Current::new(library),
        sites: sites.collect(),
        tracker: app.tracker.clone(),
        stop: app.stop.clone(),
    })
    .await
}
