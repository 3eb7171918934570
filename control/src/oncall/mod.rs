//! What the on-call engineer does from a shell: the daemon's API, one command for each thing.
//!
//! Nothing is decided here. The daemon named by `--url` or `WALLET_OPS_URL` is asked as the holder
//! of the token in `--token-file` or `WALLET_OPS_TOKEN_FILE`; what it refuses is printed with the
//! way out. `--json` prints the answer as it came. The exit code is 0 when it was done, 1 if not.

mod command;
mod remote;
pub mod run;
mod words;

use std::io::Write;

use protocol::control::{
    AlertState, AlertView, Because, FloorRequest, FloorView, FreezeRequest, FreezeView,
    HoldRequest, HoldView, RunView,
};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use command::{
    Ack, Alerts, Approve, Asked, Direction, Floor, Freeze, Hold, OnCall, Release, Runs, Standing,
    Why,
};
pub use remote::{Refusal, RemoteError};
use remote::{Remote, new_key, read};

/// Does what a command says, and prints what came of it.
///
/// # Errors
///
/// When the daemon cannot be asked or refuses.
pub async fn oncall(command: &OnCall, out: &mut impl Write) -> Result<(), RemoteError> {
    match command {
        OnCall::Alerts(alerts) => list_alerts(alerts, out).await,
        OnCall::Runs(runs) => list_runs(runs, out).await,
        OnCall::Standing(standing) => list_standing(standing, out).await,
        OnCall::Ack(ack) => take_on(ack, out).await,
        OnCall::Approve(approve) => say_yes(approve, out).await,
        OnCall::Hold(hold) => take_hold(hold, out).await,
        OnCall::Floor(floor) => set_floor(floor, out).await,
        OnCall::Freeze(freeze) => begin_freeze(freeze, out).await,
        OnCall::Release(release) => end(release, out).await,
    }
}

async fn list_alerts(
    Alerts { asked, environment, all }: &Alerts,
    out: &mut impl Write,
) -> Result<(), RemoteError> {
    let doing = "listing alerts";
    let answer = Remote::new(&asked.daemon)?.get(doing, "/v1/alerts").await?;
    let own = |one: &AlertView| {
        let here = |name: &String| one.id.split('.').next() == Some(name.as_str());
        environment.as_ref().is_none_or(here) && (*all || one.state != AlertState::Resolved)
    };
    print_all(out, asked, (doing, &answer), own, words::alert)
}

async fn list_runs(
    Runs { asked, environment, all }: &Runs,
    out: &mut impl Write,
) -> Result<(), RemoteError> {
    let doing = "listing runs";
    let answer = Remote::new(&asked.daemon)?.get(doing, "/v1/runs").await?;
    let own = |one: &RunView| {
        let here = |name: &String| one.environment == *name;
        environment.as_ref().is_none_or(here) && (*all || one.ended_at.is_none())
    };
    print_all(out, asked, (doing, &answer), own, words::run)
}

async fn list_standing(
    Standing { asked }: &Standing,
    out: &mut impl Write,
) -> Result<(), RemoteError> {
    let doing = "listing what stands";
    let api = Remote::new(&asked.daemon)?;
    let holds = api.get(doing, "/v1/holds").await?;
    let floors = api.get(doing, "/v1/floors").await?;
    let freezes = api.get(doing, "/v1/freezes").await?;
    if asked.json {
        return print_json(out, &json!({ "holds": holds, "floors": floors, "freezes": freezes }));
    }
    print_all(out, asked, (doing, &holds), |_: &HoldView| true, words::hold)?;
    print_all(out, asked, (doing, &floors), |_: &FloorView| true, words::floor)?;
    print_all(out, asked, (doing, &freezes), |_: &FreezeView| true, words::freeze)
}

async fn take_on(Ack { asked, why, alert }: &Ack, out: &mut impl Write) -> Result<(), RemoteError> {
    let because = Because { reason: why.reason.clone(), expected_state: None };
    let path = format!("/v1/alerts/{}:ack", segment(alert));
    change(out, asked, ("acknowledging the alert", &path), (&because, why), words::alert).await
}

/// The plan that was seen is the one that is approved, and in the state that it is in now.
async fn say_yes(
    Approve { asked, why, run, plan }: &Approve,
    out: &mut impl Write,
) -> Result<(), RemoteError> {
    let doing = "approving the run";
    let path = format!("/v1/runs/{}", segment(run));
    let answer = Remote::new(&asked.daemon)?.get(doing, &path).await?;
    let seen: RunView = read(doing, &answer)?;
    if !seen.plan_hash.starts_with(plan.as_str()) {
        return Err(RemoteError::OtherPlan { doing, theirs: seen.plan_hash });
    }
    let because = Because { reason: why.reason.clone(), expected_state: Some(seen.state) };
    change(out, asked, (doing, &format!("{path}:approve")), (&because, why), words::run).await
}

async fn take_hold(hold: &Hold, out: &mut impl Write) -> Result<(), RemoteError> {
    let Hold { asked, why, environment, direction, lasts } = hold;
    let body = HoldRequest {
        environment: environment.clone(),
        direction: (*direction).into(),
        reason: why.reason.clone(),
        expires: lasts.clone(),
    };
    change(out, asked, ("taking a hold", "/v1/holds"), (&body, why), words::hold).await
}

async fn set_floor(floor: &Floor, out: &mut impl Write) -> Result<(), RemoteError> {
    let Floor { asked, why, environment, tasks, lasts } = floor;
    let body = FloorRequest {
        environment: environment.clone(),
        tasks: *tasks,
        reason: why.reason.clone(),
        expires: lasts.clone(),
    };
    change(out, asked, ("setting a floor", "/v1/floors"), (&body, why), words::floor).await
}

async fn begin_freeze(freeze: &Freeze, out: &mut impl Write) -> Result<(), RemoteError> {
    let Freeze { asked, why, environment, everywhere: _, lasts } = freeze;
    let body = FreezeRequest {
        environment: environment.clone(),
        reason: why.reason.clone(),
        expires: lasts.clone(),
    };
    change(out, asked, ("freezing", "/v1/freezes"), (&body, why), words::freeze).await
}

/// What the name begins with says what it is.
async fn end(
    Release { asked, why, id }: &Release,
    out: &mut impl Write,
) -> Result<(), RemoteError> {
    let doing = "ending it";
    let kind = match id.split('-').next() {
        Some("floor") => "floors",
        Some("freeze") => "freezes",
        _ => "holds",
    };
    let path = format!("/v1/{kind}/{}?reason={}", segment(id), segment(&why.reason));
    let key = why.key.clone().unwrap_or_else(new_key);
    let api = Remote::new(&asked.daemon)?;
    let answer = api.change(doing, (Method::DELETE, &path), None::<&Value>, &key).await?;
    if asked.json {
        return print_json(out, &answer);
    }
    Ok(writeln!(out, "{id}  ended")?)
}

/// Changes something and prints what it is now.
async fn change<T: DeserializeOwned>(
    out: &mut impl Write,
    asked: &Asked,
    (doing, path): (&'static str, &str),
    (body, why): (&(impl Serialize + Sync), &Why),
    words: impl Fn(&T) -> String,
) -> Result<(), RemoteError> {
    let key = why.key.clone().unwrap_or_else(new_key);
    let api = Remote::new(&asked.daemon)?;
    let answer = api.change(doing, (Method::POST, path), Some(body), &key).await?;
    if asked.json {
        return print_json(out, &answer);
    }
    Ok(writeln!(out, "{}", words(&read(doing, &answer)?))?)
}

/// Prints those that are wanted, or their JSON.
fn print_all<T: DeserializeOwned>(
    out: &mut impl Write,
    asked: &Asked,
    (doing, answer): (&'static str, &Value),
    wanted: impl Fn(&T) -> bool,
    words: impl Fn(&T) -> String,
) -> Result<(), RemoteError> {
    let mut chosen = Vec::new();
    for one in answer.as_array().into_iter().flatten() {
        let view: T = read(doing, one)?;
        if !wanted(&view) {
            continue;
        }
        if asked.json {
            chosen.push(one);
        } else {
            writeln!(out, "{}", words(&view))?;
        }
    }
    if asked.json { print_json(out, &json!(chosen)) } else { Ok(()) }
}

fn print_json(out: &mut impl Write, answer: &Value) -> Result<(), RemoteError> {
    Ok(writeln!(out, "{answer:#}")?)
}

/// A text as a part of an address.
fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let part = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(part).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_in_an_address_stays_one_part_of_it() {
        assert_eq!(super::segment("local.a-1_x~"), "local.a-1_x~");
        assert_eq!(super::segment("a/b?c=d é:ack"), "a%2Fb%3Fc%3Dd%20%C3%A9%3Aack");
    }
}
