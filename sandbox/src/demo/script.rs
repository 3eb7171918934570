//! What happens when: the surge, the scale-out that it causes, the drill, the end.

use super::{Options, cast::Cast};
use anyhow::Context;
use serde_json::Value;
use std::{io::Write, time::Duration};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Without tasks running by then there was no scale-out; the drill goes on.
const SCALE_OUT_WITHIN: Duration = Duration::from_secs(75);
/// The daemon's view may be some periods old.
const TOLD_WITHIN: Duration = Duration::from_secs(30);
/// The load goes on this long after the drill, so that the recovery is under load too.
const AFTER_DRILL: Duration = Duration::from_secs(5);

/// What was seen of the control plane.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    pub(super) scale_out: Option<ScaleOut>,
    pub(super) drill: Option<Drill>,
    /// True when the whole script was played, so that everything must have been seen.
    pub(super) complete: bool,
}

/// A decision of the daemon to add tasks, and when they ran.
#[derive(Clone, Debug)]
pub(super) struct ScaleOut {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) reason: String,
    pub(super) decided_after: Duration,
    pub(super) running_after: Duration,
}

/// The failover drill as the daemon tells it.
#[derive(Clone, Debug)]
pub(super) struct Drill {
    pub(super) succeeded: bool,
    pub(super) outcome: String,
    pub(super) rto_ms: Option<u64>,
    pub(super) rto_resolution_ms: Option<u64>,
    pub(super) writer_before: String,
    pub(super) writer_after: String,
}

/// Plays the script without a terminal.
pub(super) async fn play(cast: &Cast, options: &Options) -> anyhow::Result<Observed> {
    let start = cast.load_started();
    let script = async {
        say(&format!("load at {}/s", options.rate))?;
        sleep_until(start + options.surge_after).await;
        say(&format!("load rises to {}/s", options.surge))?;
        let scale_out = watch_scale_out(cast, options).await;
        if let Some(seen) = &scale_out {
            say(&format!("scaled out: {seen}"))?;
        }
        say("database failover drill")?;
        let drill = drill(cast).await?;
        say(&format!("drill: {drill}"))?;
        let end = (start + options.lasts).max(Instant::now() + AFTER_DRILL);
        sleep_until(end).await;
        anyhow::Ok(Observed { scale_out, drill: Some(drill), complete: true })
    };
    tokio::select! {
        observed = script => observed,
        _ = tokio::signal::ctrl_c() => {
            say("stopping: no more load, then the audit")?;
            Ok(Observed::default())
        }
        part = cast.part_died() => anyhow::bail!("{part} died; its log is in {}", cast.logs()),
    }
}

/// Shows the dashboard while the same script is played behind it.
pub(super) async fn show(cast: &mut Cast, options: &Options) -> anyhow::Result<Observed> {
    let mut dashboard = cast.open_dashboard()?;
    let mut observed = Observed::default();
    let cast = &*cast;
    let script = async {
        sleep_until(cast.load_started() + options.surge_after).await;
        observed.scale_out = watch_scale_out(cast, options).await;
        observed.drill = drill(cast).await.ok();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        status = dashboard.wait() => { status.context("waiting for the dashboard")?; }
        () = script => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    // A dashboard that still runs owns the terminal; it restores it on SIGTERM.
    cast.close_dashboard(&mut dashboard).await;
    Ok(observed)
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "demo: {line}").context("writing to the terminal")
}

fn overview(environments: &Value) -> Option<&Value> {
    environments.pointer("/environments/0")
}

/// Waits for a decision to scale out and for its tasks to run; `None` when it does not come.
async fn watch_scale_out(cast: &Cast, options: &Options) -> Option<ScaleOut> {
    let rose = cast.load_started() + options.surge_after;
    let deadline = rose + SCALE_OUT_WITHIN;
    let mut decided: Option<(u64, u64, String, Duration)> = None;
    let watch = async {
        loop {
            sleep(LOOK_EVERY).await;
            let Ok(environments) = cast.api().get("/v1/environments").await else { continue };
            let Some(view) = overview(&environments) else { continue };
            let decision = &view["decision"];
            if decided.is_none() && decision["action"] == "scale_out" {
                let number = |name: &str| decision[name].as_u64().unwrap_or_default();
                let reason = decision["reason"].as_str().unwrap_or_default().to_owned();
                decided = Some((number("from"), number("to"), reason, rose.elapsed()));
            }
            if let Some((from, to, reason, decided_after)) = &decided
                && view["service"]["running"].as_u64().is_some_and(|running| running >= *to)
            {
                return ScaleOut {
                    from: *from,
                    to: *to,
                    reason: reason.clone(),
                    decided_after: *decided_after,
                    running_after: rose.elapsed(),
                };
            }
        }
    };
    timeout_at(deadline, watch).await.ok()
}

/// Waits until the daemon's view, which is made anew each second or so, tells the run's end.
async fn ended_run(cast: &Cast) -> (Value, Value) {
    loop {
        if let Ok(environments) = cast.api().get("/v1/environments").await {
            let run = overview(&environments).and_then(|view| view.pointer("/runs/0")).cloned();
            if let Some(run) = run.filter(|run| !run["ended_at"].is_null()) {
                return (environments, run);
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Runs the real runbook as a drill and reads what the daemon measured.
async fn drill(cast: &Cast) -> anyhow::Result<Drill> {
    let writer = |environments: &Value| {
        let members = overview(environments)?.pointer("/database/members")?.as_array()?;
        let writer = members.iter().find(|member| member["role"] == "writer")?;
        Some(writer["id"].as_str()?.to_owned())
    };
    let unknown = || "unknown".to_owned();
    let before = cast.api().get("/v1/environments").await.ok();
    let ended = cast.run_drill().await?;
    let (after, run) = timeout_at(Instant::now() + TOLD_WITHIN, ended_run(cast))
        .await
        .context("the daemon never told how the drill ended")?;
    let state = run["state"].as_str().unwrap_or("unknown");
    Ok(Drill {
        succeeded: ended && state == "succeeded",
        outcome: state.to_owned(),
        rto_ms: run["rto_ms"].as_u64(),
        rto_resolution_ms: run["rto_resolution_ms"].as_u64(),
        writer_before: before.as_ref().and_then(writer).unwrap_or_else(unknown),
        writer_after: writer(&after).unwrap_or_else(unknown),
    })
}
