//! `control serve`: checks everything, opens the journal, starts the loops, answers, and ends well.
//!
//! Order: configuration (exit 64 on any fault), journal, port, lease (standing by until then),
//! loops, then answers. On SIGTERM or SIGINT: no new passes, open requests end, passes end, within
//! one deadline, and then the lease is given back. A loop that dies by itself ends the process with
//! 1, and so does another process that takes the journal over.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::identity::{Identities, Policy};
use crate::api::{self, Api, Denials, Tokens, Trust};
use crate::app::{App, BuildError};
use crate::aws::Aws;
use crate::config::{Environment, Process, read_environments};
use crate::current::Current;
use crate::document::Faults;
use crate::driver::{Clock, Schedule};
use crate::journal::{Address, Campaign, Journal, JournalError, Location};
use crate::listen::{self, Door, DoorError, ListenError, Listening};
use crate::reload::{self, Reload};
use crate::runbook;
use crate::runbook::library::Library;
use crate::signals::Signals;
use crate::standby::until_leading;

/// Passes, requests and canaries end within this after a signal.
const SHUTDOWN_MAX: Duration = Duration::from_secs(20);
/// `EX_USAGE`: what was configured is wrong, and trying again does not help.
pub const EXIT_CONFIG: u8 = 64;

/// What `control serve` is told.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    pub files: Files,
    /// The journal, created if it does not exist: a file, or `mysql://user@host/database` for a
    /// pair of daemons, with its password in the file that `CONTROL_JOURNAL_PASSWORD_FILE` names.
    #[arg(long, value_name = "FILE|URL")]
    pub journal: Address,
    #[command(flatten)]
    pub listening: Listening,
    /// Where to write our own address once we answer.
    #[arg(long, value_name = "FILE")]
    pub address_file: Option<PathBuf>,
}

/// The files that people write.
#[derive(Args, Clone, Debug)]
pub struct Files {
    /// An environment file; may be given several times.
    #[arg(long = "environment", value_name = "FILE", required = true, num_args = 1..)]
    pub environments: Vec<PathBuf>,
    /// The folder of runbooks, with its folder `drills`.
    #[arg(long, value_name = "DIR")]
    pub runbooks: Option<PathBuf>,
    /// Who may use the API.
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// Who else may: people whom an identity provider knows.
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

/// What all files say, without a fault.
#[derive(Debug)]
pub struct Configuration {
    pub environments: Vec<Environment>,
    pub library: Library,
    pub tokens: Tokens,
    pub identity: Option<Policy>,
}

/// What kept the daemon from serving.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the configuration is wrong:\n{0}")]
    Configuration(#[from] Faults),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Listening(#[from] ListenError),
    #[error(transparent)]
    Door(#[from] DoorError),
    #[error("preparing to ask the identity provider for its keys")]
    Identity(#[source] reqwest::Error),
    #[error("answering requests")]
    Answer(#[source] io::Error),
    #[error("installing the signal handlers")]
    Signals(#[source] io::Error),
}

/// Reads every file and collects every fault of all of them.
///
/// # Errors
///
/// All faults.
pub fn configuration(files: &Files) -> Result<Configuration, Faults> {
    let mut faults = Vec::new();
    let mut note = |Faults(more)| faults.extend(more);
    let environments = read_environments(&files.environments).map_err(&mut note);
    let library = match &files.runbooks {
        Some(folder) => Library::load(folder).map_err(&mut note),
        None => Ok(Library::default()),
    };
    let tokens = match &files.tokens {
        Some(path) => crate::config::read_tokens(path).map_err(&mut note),
        None => Ok(Tokens::default()),
    };
    let identity = files.identity.as_ref().map(|path| crate::config::read_identity(path));
    let identity = identity.transpose().map_err(&mut note);
    match (environments, library, tokens, identity) {
        (Ok(environments), Ok(library), Ok(tokens), Ok(identity)) => {
            Ok(Configuration { environments, library, tokens, identity })
        }
        _ => Err(Faults(faults)),
    }
}

/// Serves until a signal, or until something that must not die did.
///
/// # Errors
///
/// What kept it from serving. The caller maps a wrong configuration to [`EXIT_CONFIG`].
pub async fn serve(
    args: ServeArgs,
    process: Process,
    clock: Clock,
) -> Result<ExitCode, ServeError> {
    let configuration = configuration(&args.files)?;
    let certificates = args.listening.check()?;
    let location = Location {
        address: args.journal.clone(),
        password_file: process.journal_password_file.clone(),
    };
    let name = name(&process);
    let campaign = Campaign::open(&location, &name, clock.clone()).await?;
    let door = Door::open(args.listening.listen, certificates, args.address_file.as_deref())?;
    let mut signals = Signals::install().map_err(ServeError::Signals)?;
    let journal = tokio::select! {
        journal = until_leading(campaign, &door) => journal.map_err(ServeError::Answer)?,
        () = signals.end() => {
            tracing::info!("control ended; it never led");
            return Ok(ExitCode::SUCCESS);
        }
    };
    tracing::info!(epoch = journal.epoch(), name, "{name} leads");

    // Outlives every loop: while anything still acts, the lease is renewed.
    let (keeper, released) = (TaskTracker::new(), CancellationToken::new());
    keeper.spawn(journal.clone().keep_lease(released.clone()));
    let ended = lead(journal, (args.files, configuration), door, (process, clock), signals).await;
    released.cancel();
    keeper.close();
    keeper.wait().await;
    tracing::info!("control ended");
    ended
}

/// Our name among those who may lead: another one for each process that ever ran.
fn name(process: &Process) -> String {
    format!("{}/{}/{}", process.host, std::process::id(), uuid::Uuid::new_v4().simple())
}

/// Everything that a leader does, from its first loop to the end of its last.
async fn lead(
    journal: Journal,
    (files, configuration): (Files, Configuration),
    door: Door,
    (process, clock): (Process, Clock),
    signals: Signals,
) -> Result<ExitCode, ServeError> {
    journal.append(reload::loaded(&configuration)).await?;
    let Configuration { environments, library, tokens, identity } = configuration;
    let identities = identity.map(Identities::new).transpose().map_err(ServeError::Identity)?;
    let region = environments[0].region.clone();
    let cloud = Arc::new(Aws::connect(&region).await);
    let app = App::build(clock, journal, cloud, environments).await?;
    app.refuse_two_owners().await?;
    let alerts = app.start_loops().await?;
    let engine = runbook::start(&app, library, process.wallet_token_file).await?;
    let library = engine.current_library().clone();
    let trust = Trust { tokens: Current::new(tokens), identities: Current::new(identities) };
    let api = Api::recover(app.clone(), engine, alerts, trust).await?;
    let trust = Arc::clone(&api.trust);
    let reload = Reload { files, app: app.clone(), library, trust };
    let answered = answer(&api, door)?;
    let ended = until_ended(&reload, answered, signals).await;
    app.stop.cancel();
    app.tracker.close();
    if tokio::time::timeout(SHUTDOWN_MAX, app.tracker.wait()).await.is_err() {
        tracing::error!("some work did not end within {SHUTDOWN_MAX:?} and is abandoned");
    }
    ended
}

/// Answers until the process shall end, and then until every open request is answered.
fn answer(api: &Api, door: Door) -> Result<impl Future<Output = ()> + use<>, ServeError> {
    let every = Schedule::every("denials", api::DENIALS_PERIOD, api::DENIALS_PERIOD);
    api.app.driver.start(every, Denials(api.clone()));
    let stop = api.app.stop.clone();
    if let Some(certificates) = door.certificates.clone() {
        api.app.tracker.spawn(async move { certificates.renew(stop).await });
    }
    let listener = door.listener().map_err(ServeError::Answer)?;
    let (router, stop) = (api::router(api), api.app.stop.clone());
    Ok(listen::serve(listener, door.certificates, router, stop))
}

/// Waits for a signal to end, for a loop that died, or for the journal to be taken over, and then
/// for the open requests. Reloads meanwhile when asked to.
async fn until_ended(
    reload: &Reload,
    answered: impl Future<Output = ()>,
    mut signals: Signals,
) -> Result<ExitCode, ServeError> {
    let app = &reload.app;
    tokio::pin!(answered);
    let code = tokio::select! {
        () = signals.end_and(async || reload.on_signal().await) => ExitCode::SUCCESS,
        () = app.journal.superseded() => {
            tracing::error!("another process took the journal over; this one ends");
            ExitCode::FAILURE
        }
        () = app.stop.cancelled() => {
            tracing::error!("a loop died; the process ends with it");
            ExitCode::FAILURE
        }
        () = &mut answered => ExitCode::FAILURE,
    };
    tracing::info!("control ends");
    app.stop.cancel();
    // A client that never finishes its request must not keep us.
    let _ = tokio::time::timeout(SHUTDOWN_MAX / 2, answered).await;
    Ok(code)
}
