//! What a daemon does while another one leads: it waits, says so, and touches nothing.
//!
//! It answers on its port from the start, so that whoever watches it sees a process that lives
//! (`/healthz`) and does not serve (`/readyz`, with who leads). The port stays the same when it
//! takes over; connections that arrive in between wait in the kernel's queue.

use std::io;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use protocol::control::HealthView;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::journal::{Campaign, Journal, LOOK_EVERY, Look};
use crate::listen::{self, Door};

/// A client of the standby that does not finish must not keep us from leading.
const DRAIN_MAX: Duration = Duration::from_secs(1);

/// Waits until we lead, and answers at the door meanwhile. A lease that is free is taken before
/// anything is answered.
///
/// # Errors
///
/// When the port cannot be answered on. A journal that does not answer is asked again.
pub async fn until_leading(mut campaign: Campaign, door: &Door) -> io::Result<Journal> {
    let standing = watch::Sender::new(HealthView { standby: true, ..HealthView::default() });
    if let Some(journal) = look(&mut campaign, &standing).await {
        return Ok(journal);
    }
    let leading = CancellationToken::new();
    let router = Router::new()
        .route("/healthz", get(alive))
        .fallback(unavailable)
        .with_state(standing.subscribe());
    let certificates = door.certificates.clone();
    let answering = listen::serve(door.listener()?, certificates, router, leading.clone());
    let mut answering = std::pin::pin!(answering);
    let journal = tokio::select! {
        journal = won(&mut campaign, &standing) => journal,
        () = &mut answering => return Err(io::ErrorKind::BrokenPipe.into()),
    };
    leading.cancel();
    // Whoever has not finished by then is cut off, and asks again.
    let _cut_off = timeout(DRAIN_MAX, answering).await;
    Ok(journal)
}

async fn won(campaign: &mut Campaign, standing: &watch::Sender<HealthView>) -> Journal {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if let Some(journal) = look(campaign, standing).await {
            return journal;
        }
    }
}

/// Looks once; says what changed since the look before.
async fn look(campaign: &mut Campaign, standing: &watch::Sender<HealthView>) -> Option<Journal> {
    let (leader, error) = match campaign.look().await {
        Ok(Look::Lead(journal)) => return Some(journal),
        Ok(Look::Follow { leader }) => (Some(leader), None),
        // Nothing is known of the lease: whoever led may lead still.
        Err(error) => (None, Some(chain(&error))),
    };
    let now = HealthView { standby: true, leader, error, ..HealthView::default() };
    if standing.send_if_modified(|before| std::mem::replace(before, now.clone()) != now) {
        match (now.leader, now.error) {
            (Some(leader), _) => tracing::info!(leader, "standing by: {leader} leads"),
            (None, error) => tracing::warn!(error, "standing by: the journal does not answer"),
        }
    }
    None
}

async fn alive(State(standing): State<watch::Receiver<HealthView>>) -> Json<HealthView> {
    Json(standing.borrow().clone())
}

async fn unavailable(
    State(standing): State<watch::Receiver<HealthView>>,
) -> (StatusCode, Json<HealthView>) {
    (StatusCode::SERVICE_UNAVAILABLE, Json(standing.borrow().clone()))
}
