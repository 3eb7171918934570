//! What the commands print for people: a line for each thing, its name first. Pure.

use chrono::{DateTime, Utc};
use protocol::control::{AlertState, AlertView, FloorView, FreezeView, HoldView, RunView};

/// An alert: what it is, since when, who has it, and why nobody was told.
#[must_use]
pub(super) fn alert(alert: &AlertView) -> String {
    let state = match alert.state {
        AlertState::Pending => "pending",
        AlertState::Firing => "firing",
        AlertState::Acked => "acked",
        AlertState::Resolved => "resolved",
    };
    let mut words = vec![format!(
        "{:?} {state} since {}: {}: {}",
        alert.severity,
        moment(alert.since),
        alert.rule,
        alert.summary
    )];
    words.extend(alert.no_data.then(|| "its signal cannot be read".to_owned()));
    words.extend(alert.owner.as_ref().map(|owner| format!("{owner} has it")));
    words.extend(alert.told.quiet.clone());
    words.extend(alert.runbook.as_ref().map(|name| format!("runbook {name}")));
    line(&alert.id, &words.join("; "))
}

/// A run: where it stands and why, and what it waits for people to say.
#[must_use]
pub(super) fn run(run: &RunView) -> String {
    let drill = if run.drill { "drill of " } else { "" };
    let mut words = vec![format!(
        "{} since {}: {drill}{}@{} in {}",
        run.state,
        moment(run.started_at),
        run.runbook,
        run.revision,
        run.environment
    )];
    words.extend((!run.reason.is_empty()).then(|| run.reason.clone()));
    words.extend(run.asks.as_ref().map(|asks| {
        let hash = run.plan_hash.get(..12).unwrap_or(&run.plan_hash);
        let (have, need, until) = (asks.by.len(), asks.need, moment(asks.expires_at));
        format!("step {} asks for approval of plan {hash}: {have} of {need} by {until}", asks.step)
    }));
    line(&run.id, &words.join("; "))
}

/// A hold that stands.
#[must_use]
pub(super) fn hold(hold: &HoldView) -> String {
    let HoldView { id, environment, direction, reason, by, expires_at } = hold;
    let direction = format!("{direction:?}").to_lowercase();
    let until = moment(*expires_at);
    line(id, &format!("{environment} is not sized ({direction}) until {until}: {by}: {reason}"))
}

/// A floor that stands.
#[must_use]
pub(super) fn floor(floor: &FloorView) -> String {
    let FloorView { id, environment, tasks, reason, by, expires_at } = floor;
    let until = moment(*expires_at);
    line(id, &format!("{environment} keeps {tasks} tasks until {until}: {by}: {reason}"))
}

/// A freeze that stands.
#[must_use]
pub(super) fn freeze(freeze: &FreezeView) -> String {
    let FreezeView { id, environment, reason, by, expires_at } = freeze;
    let scope = environment.as_deref().unwrap_or("everything");
    line(id, &format!("{scope} is frozen until {}: {by}: {reason}", moment(*expires_at)))
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Text of others must not steer the terminal.
fn line(name: &str, words: &str) -> String {
    let clean = |text: &str| text.replace(char::is_control, " ");
    format!("{}  {}", clean(name), clean(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples::second;
    use protocol::control::{HoldDirection, Severity, ToldView};

    #[test]
    fn an_alert_is_one_line_whatever_its_words_hold() {
        let mut one = AlertView {
            id: "local.errors-high.1".to_owned(),
            rule: "errors-high".to_owned(),
            severity: Severity::P1,
            state: AlertState::Acked,
            no_data: true,
            since: second(0),
            summary: "errors 12%\u{1b}[2J > 5%\nfor 30 s".to_owned(),
            deliveries: vec![],
            runbook: Some("aurora-writer-failover".to_owned()),
            owner: Some("ann".to_owned()),
            told: ToldView { quiet: Some("symptom of x".to_owned()), ..ToldView::default() },
        };
        assert_eq!(
            alert(&one),
            "local.errors-high.1  P1 acked since 2024-10-04 00:00:00Z: errors-high: errors 12% \
             [2J > 5% for 30 s; its signal cannot be read; ann has it; symptom of x; runbook \
             aurora-writer-failover"
        );
        (one.no_data, one.owner, one.runbook, one.told) = (false, None, None, ToldView::default());
        one.summary = "errors 12%".to_owned();
        assert_eq!(
            alert(&one),
            "local.errors-high.1  P1 acked since 2024-10-04 00:00:00Z: errors-high: errors 12%"
        );
    }

    #[test]
    fn what_stands_says_until_when_and_who_wants_it() {
        let (id, reason, by) = ("x-1".to_owned(), "a sale".to_owned(), "ann".to_owned());
        let environment = "local".to_owned();
        let expires_at = second(60);
        let one = HoldView {
            id: id.clone(),
            environment: environment.clone(),
            direction: HoldDirection::In,
            reason: reason.clone(),
            by: by.clone(),
            expires_at,
        };
        assert_eq!(
            hold(&one),
            "x-1  local is not sized (in) until 2024-10-04 00:01:00Z: ann: a sale"
        );
        let one = FloorView {
            id: id.clone(),
            environment,
            tasks: 9,
            reason: reason.clone(),
            by: by.clone(),
            expires_at,
        };
        assert_eq!(floor(&one), "x-1  local keeps 9 tasks until 2024-10-04 00:01:00Z: ann: a sale");
        let one = FreezeView { id, environment: None, reason, by, expires_at };
        assert_eq!(
            freeze(&one),
            "x-1  everything is frozen until 2024-10-04 00:01:00Z: ann: a sale"
        );
    }
}
