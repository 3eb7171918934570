//! The control plane's HTTP API. Every route is one line below, with the role it needs.
//!
//! Answers come from what the loops already know and from the journal: no request of a dashboard
//! ever becomes a call to AWS. Whoever changes something is named in the journal, and so is
//! whoever was denied. Bodies, rates and streams are bounded.

mod access;
mod alerts;
mod answers;
mod audit;
mod decisions;
mod denials;
mod drills;
mod environments;
mod error;
mod health;
pub mod identity;
mod library;
mod limit;
mod once;
mod openapi;
mod policies;
mod resources;
mod runs;
mod standing;
mod stream;
mod summaries;
mod surface;
mod tokens;

pub use access::{Caller, Proof, Trust};
pub use answers::Answers;
pub use denials::{Denials, PERIOD as DENIALS_PERIOD};
pub use stream::Streams;
pub use tokens::{Token, Tokens, tokens};

use crate::{
    alert::Alerts,
    app::App,
    journal::JournalError,
    runbook::{drive::Order, engine::Engine},
};
use axum::{Router, extract::DefaultBodyLimit};
use limit::Limits;
use once::Once;
use protocol::control::{
    AlertView, ArmRequest, AuditPage, Because, CheckRequest, CheckView, DecisionPage, DrillHistory,
    DrillView, EnvironmentCost, EnvironmentView, FloorRequest, FloorView, FreezeRequest,
    FreezeView, HealthView, HoldRequest, HoldView, IncidentView, LibraryView, PlanRequest,
    PlanView, PolicyView, ReplayRequest, ReplayView, ResourceView, RunView, RunbookView,
    SignalView, SilenceRequest, SilenceView, Snapshot, StartRequest, VerdictView,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use surface::{Surface, ask, delete, get, post, split_verb};
use tokio::sync::Semaphore;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

/// Larger than any request here: 64 KiB.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longer than any answer that is not a stream, planning included.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// What every handler can reach.
#[derive(Clone)]
pub struct Api {
    pub app: App,
    pub engine: Engine,
    /// By environment.
    pub alerts: BTreeMap<String, Arc<Alerts>>,
    pub trust: Arc<Trust>,
    pub streams: Streams,
    limits: Arc<Limits>,
    /// One replay of a policy at a time.
    replays: Arc<Semaphore>,
    once: Arc<Once>,
}

impl Api {
    /// The API over the parts, with the answers that the journal remembers.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn recover(
        app: App,
        engine: Engine,
        alerts: BTreeMap<String, Arc<Alerts>>,
        trust: Trust,
    ) -> Result<Self, JournalError> {
        let once = Once::recover(&app.journal, (app.clock)()).await?;
        let (trust, limits, once) = (Arc::new(trust), Arc::default(), Arc::new(once));
        let (streams, replays) = (Streams::default(), Arc::new(Semaphore::new(1)));
        Ok(Self { app, engine, alerts, trust, streams, limits, replays, once })
    }
}

/// Every route, one line each: what is and what was decided.
#[rustfmt::skip]
fn looks(surface: Surface) -> Surface {
    surface
        .viewer(get("/v1/environments").says::<Snapshot>(), environments::list)
        .viewer(get("/v1/environments/{name}/overview").says::<EnvironmentView>(),
            environments::overview)
        .viewer(get("/v1/resources").asks::<resources::Which>().says::<Vec<ResourceView>>(),
            resources::list)
        .viewer(get("/v1/resources/{id}").says::<ResourceView>(), resources::read)
        .viewer(get("/v1/signals").asks::<resources::WhichSignals>().says::<Vec<SignalView>>(),
            resources::signals)
        .viewer(get("/v1/policies").asks::<resources::Which>().says::<Vec<PolicyView>>(),
            policies::list)
        .operator(ask("/v1/policies/{id}/replay").takes::<ReplayRequest>().says::<ReplayView>(),
            policies::replay)
        .viewer(get("/v1/cost").asks::<resources::Which>().says::<Vec<EnvironmentCost>>(),
            resources::cost)
        .viewer(get("/v1/decisions").asks::<decisions::Page>().says::<DecisionPage>(),
            decisions::list)
        .viewer(get("/v1/alerts").says::<Vec<AlertView>>(), alerts::list)
        .operator(post("/v1/alerts/{id}:ack").takes::<Because>().says::<AlertView>(), alerts::ack)
        .operator(post("/v1/alerts/{id}:unack").takes::<Because>().says::<AlertView>(),
            alerts::unack)
        .operator(post("/v1/alerts/{id}:resolve").takes::<Because>().says::<AlertView>(),
            alerts::resolve)
        .viewer(get("/v1/incidents/{id}").says::<IncidentView>(), alerts::incident)
        .viewer(get("/v1/silences").says::<Vec<SilenceView>>(), alerts::silences)
        .operator(post("/v1/silences").takes::<SilenceRequest>().status(201).says::<SilenceView>(),
            alerts::silence)
        .operator(delete("/v1/silences/{id}").asks::<standing::Why>().status(204),
            alerts::unsilence)
}

/// Runbooks, their runs and their rehearsals.
#[rustfmt::skip]
fn runbooks(surface: Surface) -> Surface {
    surface
        .viewer(get("/v1/runbooks").says::<LibraryView>(), library::list)
        .viewer(get("/v1/runbooks/{name}").says::<RunbookView>(), library::read)
        .viewer(ask("/v1/runbooks:check").takes::<CheckRequest>().says::<CheckView>(),
            library::check)
        .viewer(get("/v1/runs").asks::<resources::Which>().says::<Vec<RunView>>(), runs::list)
        .viewer(get("/v1/runs/{id}").says::<RunView>(), runs::read)
        .operator(ask("/v1/runs:plan").takes::<PlanRequest>().says::<PlanView>(), runs::plan)
        .operator(post("/v1/runs").takes::<StartRequest>().status(201).says::<RunView>(),
            runs::start)
        .approver(post("/v1/runs/{id}:approve").takes::<Because>().says::<RunView>(),
            runs::order(Order::Approve))
        .approver(post("/v1/runs/{id}:reject").takes::<Because>().says::<RunView>(),
            runs::order(Order::Reject))
        .operator(post("/v1/runs/{id}:pause").takes::<Because>().says::<RunView>(),
            runs::order(Order::Pause))
        .operator(post("/v1/runs/{id}:resume").takes::<Because>().says::<RunView>(),
            runs::order(Order::Resume))
        .operator(post("/v1/runs/{id}:retry").takes::<Because>().says::<RunView>(),
            runs::order(Order::Retry))
        .approver(post("/v1/runs/{id}:skip").takes::<Because>().says::<RunView>(),
            runs::order(Order::Skip))
        .operator(post("/v1/runs/{id}:abort").takes::<Because>().says::<RunView>(),
            runs::order(Order::Abort))
        .viewer(get("/v1/drills").says::<Vec<DrillView>>(), drills::list)
        .operator(post("/v1/drills/{name}:arm").takes::<ArmRequest>().status(201).says::<RunView>(),
            drills::arm)
        .viewer(get("/v1/drills/{name}/history").asks::<resources::Which>().says::<DrillHistory>(),
            drills::history)
}

/// What stands in the way for a while, the journal, and what is open to all.
#[rustfmt::skip]
fn rest(surface: Surface) -> Surface {
    surface
        .viewer(get("/v1/holds").says::<Vec<HoldView>>(), standing::holds)
        .operator(post("/v1/holds").takes::<HoldRequest>().status(201).says::<HoldView>(),
            standing::hold)
        .operator(delete("/v1/holds/{id}").asks::<standing::Why>().status(204), standing::release)
        .viewer(get("/v1/floors").says::<Vec<FloorView>>(), standing::floors)
        .operator(post("/v1/floors").takes::<FloorRequest>().status(201).says::<FloorView>(),
            standing::floor)
        .operator(delete("/v1/floors/{id}").asks::<standing::Why>().status(204), standing::remove)
        .viewer(get("/v1/freezes").says::<Vec<FreezeView>>(), standing::freezes)
        .operator(post("/v1/freezes").takes::<FreezeRequest>().status(201).says::<FreezeView>(),
            standing::freeze)
        .operator(delete("/v1/freezes/{id}").asks::<standing::Why>().status(204), standing::lift)
        .viewer(get("/v1/audit").asks::<audit::Page>().says::<AuditPage>(), audit::list)
        .operator(get("/v1/audit:verify").says::<VerdictView>(), audit::verify)
        .viewer(get("/v1/stream").says_text("text/event-stream").endless(), stream::open)
        .open(get("/v1/openapi.json").says::<serde_json::Value>(), description)
        .open(get("/healthz").says::<HealthView>(), health::alive)
        .open(get("/readyz").says::<HealthView>().or::<HealthView>(503), health::ready)
        .open(get("/metrics").says_text(health::METRICS), health::metrics)
}

/// The API, ready to be served.
pub fn router(api: &Api) -> Router {
    let (router, operations) = rest(runbooks(looks(Surface::new(api)))).finish();
    let description: Description = Arc::new(openapi::document(&operations));
    let router = router
        .layer(axum::Extension(description))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(error::panicked))
        .with_state(api.clone());
    Router::new().fallback_service(router.map_request(split_verb))
}

type Description = Arc<serde_json::Value>;

/// `GET /v1/openapi.json`.
async fn description(description: axum::Extension<Description>) -> axum::Json<Description> {
    axum::Json(description.0)
}
