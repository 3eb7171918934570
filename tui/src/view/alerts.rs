//! Alerts: the short list of what needs a person, and the whole list.

use super::{Scene, text};
use crate::model::active;
use chrono::{DateTime, Utc};
use protocol::control::{AlertState, AlertView};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

/// The active alerts and the runs that wait for somebody, most severe first.
pub(super) fn needs_a_person(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let Scene { model, now, theme } = scene;
    let width = usize::from(area.width.saturating_sub(2));
    // A symptom needs nobody of its own: its cause is on the list.
    let open = |alert: &AlertView| active(alert) && alert.told.cause.is_none();
    let alerts: Vec<_> = model.alerts().into_iter().filter(|(_, alert)| open(alert)).collect();
    let waiting = model.environments.iter().flat_map(|environment| {
        let waits = |state: &str| state == "awaiting_approval" || state == "paused";
        let view = &environment.view;
        view.runs.iter().filter(move |run| waits(&run.state)).map(|run| (&view.name, run))
    });
    let mut lines: Vec<Line<'_>> = alerts
        .iter()
        .map(|(environment, alert)| line(scene, environment, alert, now, width))
        .collect();
    lines.extend(waiting.map(|(environment, run)| {
        let words =
            format!(" GATE {environment}  {} is {}: {}", run.runbook, run.state, run.reason);
        Line::styled(text::fit(&words, width), theme.warning)
    }));
    let count = lines.len();
    if lines.is_empty() {
        lines.push(Line::styled(" nothing", theme.stale));
    }
    let title = Span::styled(format!(" Needs a person ({count}) "), theme.title);
    f.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
}

/// Every alert known, active ones first.
pub(super) fn draw(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let Scene { model, now, theme } = scene;
    let width = usize::from(area.width.saturating_sub(2));
    let alerts = model.alerts();
    let mut lines = Vec::new();
    for (environment, alert) in &alerts {
        lines.push(line(scene, environment, alert, now, width));
        let deliveries = if alert.deliveries.is_empty() {
            "no delivery".to_owned()
        } else {
            alert.deliveries.join(", ")
        };
        let runbook = alert.runbook.as_deref().unwrap_or("none");
        let words = format!("      {deliveries}; runbook {runbook}{}", told(alert));
        lines.push(Line::styled(text::fit(&words, width), theme.label));
    }
    if lines.is_empty() {
        lines.push(Line::styled(" no alert has fired", theme.stale));
    }
    let title = Span::styled(format!(" Alerts ({}) ", alerts.len()), theme.title);
    let list = Paragraph::new(lines).block(Block::bordered().title(title));
    f.render_widget(list.scroll((model.scroll.saturating_mul(2), 0)), area);
}

/// What keeps others from being told, and when the next in line are.
fn told(alert: &AlertView) -> String {
    let quiet = alert.told.quiet.as_deref().map(|why| format!("; quiet: {why}"));
    let next = alert.told.next_at.map(|at| format!("; next told {}", text::clock(at)));
    quiet.unwrap_or_default() + &next.unwrap_or_default()
}

fn line(
    scene: Scene<'_>,
    environment: &str,
    alert: &AlertView,
    now: DateTime<Utc>,
    width: usize,
) -> Line<'static> {
    let theme = scene.theme;
    let (style, glyph) = theme.severity(alert.severity);
    let state = match alert.state {
        AlertState::Pending => "pending",
        AlertState::Firing => "FIRING",
        AlertState::Acked => "acked",
        AlertState::Resolved => "resolved",
    };
    let style = if active(alert) { style } else { theme.stale };
    let no_data = if alert.no_data { " NO DATA" } else { "" };
    let owner = alert.owner.as_deref().map_or(String::new(), |owner| format!("  owner {owner}"));
    let symptoms = match alert.told.symptoms.len() {
        0 => String::new(),
        count => format!(" (+{count} symptoms)"),
    };
    let words = format!(
        " {glyph} {:?} {environment} {state}{no_data} {} {}: {}{symptoms}{owner}",
        alert.severity,
        text::age(now - alert.since),
        alert.rule,
        alert.summary
    );
    Line::styled(text::fit(&words, width), style)
}
