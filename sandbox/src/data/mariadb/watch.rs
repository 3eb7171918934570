//! What is seen of a cluster: who answers, how far each is, how far behind.

use super::cluster::Shared;
use super::node::Node;
use super::session::Session;
use crate::aws::machines::{Member, Role};
use crate::process::Sampler;
use futures::FutureExt;
use std::collections::VecDeque;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks. A look is four small queries per server.
const PERIOD: Duration = Duration::from_millis(500);

/// A server that says nothing for this long, twice, counts as down. Both cores may be busy.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
const SILENT_LOOKS_MAX: u32 = 2;

/// A reader that follows nobody, seen this often in a row, counts as down. Twice, because the
/// connection to a dying writer ends a moment before its process does.
const ASTRAY_LOOKS_MAX: u32 = 2;

/// The writer's positions of the last minute: 60 s / 500 ms.
const SAMPLES_MAX: usize = 120;

/// What the last looks at one server showed.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Looks without an answer since the last one with.
    silent: u32,
    position: u64,
    /// Looks that saw it follow nobody since the last that saw it follow.
    astray: u32,
    lag_ms: Option<f64>,
    connections: Option<u64>,
    cpu_percent: Option<f64>,
    sampler: Sampler,
}

/// When the writer was where: turns a replica's position into an age.
#[derive(Debug, Default)]
struct Trail(VecDeque<(Instant, u64)>);

impl Trail {
    fn push(&mut self, now: Instant, position: u64) {
        if self.0.len() == SAMPLES_MAX {
            self.0.pop_front();
        }
        self.0.push_back((now, position));
    }

    /// How long ago the writer was first seen beyond `position`, in milliseconds. Never less than
    /// the truth by more than a period.
    fn lag_ms(&self, now: Instant, position: u64) -> f64 {
        let beyond = self.0.iter().find(|(_, writer)| *writer > position);
        beyond.map_or(0.0, |(since, _)| (now - *since).as_secs_f64() * 1_000.0)
    }
}

fn reading(node: &Node) -> MutexGuard<'_, Reading> {
    node.reading.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at every server until cancelled, and keeps the reader endpoint on those that work.
pub(super) async fn run(cluster: &Shared) {
    let mut trail = Trail::default();
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        // The writer first: a replica seen later is never ahead of what it is compared with.
        let role = cluster.writer();
        let writer = cluster.node(role);
        look(writer, None).await;
        trail.push(Instant::now(), reading(writer).position);
        let readers = cluster.nodes().iter().enumerate().filter(|(index, _)| *index != role);
        let looks = readers.map(|(_, node)| look(node, Some((&trail, writer))).boxed());
        futures::future::join_all(looks).await;
        // While roles change, whoever changes them routes.
        if let Ok(_unchanging) = cluster.change.try_lock() {
            cluster.route_readers();
        }
    }
}

/// One look at one server. A replica comes with the writer and its trail: to look for a writer
/// that is dead is no fault, or its death would take every heir with it.
async fn look(node: &Node, replica: Option<(&Trail, &Node)>) {
    let seen = match tokio::time::timeout(LOOK_LIMIT, ask(node, replica.is_some())).await {
        Ok(Ok(seen)) => Some(seen),
        Ok(Err(_)) | Err(_) => None,
    };
    let pid = node.server().filter(|_| node.alive()).map(|server| server.child().pid());
    let mut reading = reading(node);
    reading.cpu_percent = pid
        .and_then(|pid| reading.sampler.sample(pid, Instant::now()))
        .map(|used| used.cpu_percent);
    let Some(seen) = seen else {
        reading.silent = reading.silent.saturating_add(1);
        reading.lag_ms = None;
        reading.connections = None;
        return;
    };
    reading.silent = 0;
    reading.position = seen.position;
    reading.connections = Some(seen.connections);
    let Some((trail, writer)) = replica else { return };
    let follows = seen.running || (seen.searching && !writer.alive());
    reading.astray = if follows { 0 } else { reading.astray.saturating_add(1) };
    reading.lag_ms = seen.running.then(|| trail.lag_ms(Instant::now(), seen.applied));
}

struct Seen {
    position: u64,
    applied: u64,
    running: bool,
    searching: bool,
    connections: u64,
}

async fn ask(node: &Node, replica: bool) -> Result<Seen, sqlx::Error> {
    // Taken out, so that a look that is given up leaves no half-read answer behind.
    let kept = node.watcher.lock().await.take();
    if let Some(mut session) = kept
        && let Ok(seen) = ask_in(&mut session, replica).await
    {
        *node.watcher.lock().await = Some(session);
        return Ok(seen);
    }
    // The first look, or the server was started again.
    let mut session = node.session().await?;
    let seen = ask_in(&mut session, replica).await?;
    *node.watcher.lock().await = Some(session);
    Ok(seen)
}

async fn ask_in(session: &mut Session, replica: bool) -> Result<Seen, sqlx::Error> {
    let connections = session
        .value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='wallet'")
        .await?
        .parse()
        .unwrap_or(0);
    let replication = if replica { session.replication().await? } else { None };
    let Some(seen) = replication else {
        let position = session.position().await?.sequence();
        return Ok(Seen {
            position,
            applied: position,
            running: false,
            searching: false,
            connections,
        });
    };
    Ok(Seen {
        position: seen.received.sequence().max(seen.applied.sequence()),
        applied: seen.applied.sequence(),
        running: seen.running,
        searching: seen.searching,
        connections,
    })
}

/// The member as the services see it.
pub(super) fn member(node: &Node, role: Role) -> Member {
    let reading = reading(node);
    let up = node.alive()
        && reading.silent < SILENT_LOOKS_MAX
        && (role == Role::Writer || reading.astray < ASTRAY_LOOKS_MAX);
    Member {
        id: node.id.clone(),
        zone: node.zone.clone(),
        role,
        up,
        port: node.port,
        lag_ms: reading.lag_ms.filter(|_| up && role == Role::Reader),
        position: reading.position,
        connections: reading.connections.filter(|_| up),
        cpu_percent: reading.cpu_percent.filter(|_| up),
    }
}

/// Whether the last look saw it follow the writer.
pub(super) fn replicates(node: &Node) -> bool {
    node.alive() && reading(node).astray == 0
}

/// Forgets the past of a server that changed its role or was started again.
pub(super) fn reset(node: &Node, follows: bool) {
    let mut reading = reading(node);
    reading.silent = 0;
    reading.astray = if follows { 0 } else { ASTRAY_LOOKS_MAX };
    reading.lag_ms = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lag_is_the_age_of_the_first_sample_beyond_the_replica() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut trail = Trail::default();
        assert_eq!(trail.lag_ms(at(0), 7), 0.0, "nothing known of the writer");
        for (second, position) in [(0, 10), (1, 20), (2, 20), (3, 30)] {
            trail.push(at(second), position);
        }
        for (position, lag_ms) in
            [(30, 0.0), (31, 0.0), (29, 0.0), (20, 0.0), (19, 2_000.0), (9, 3_000.0)]
        {
            assert_eq!(trail.lag_ms(at(3), position), lag_ms, "replica at {position}");
        }
    }
}
