//! Why the service has the size that it has: the newest decision with what it was made from and
//! what lost, the forecast's report card, and what is left of the objectives.

use super::{Scene, text};
use chrono::{DateTime, Utc};
use protocol::control::{DecisionView, ForecastView, SloView};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Block, Paragraph, Wrap},
};

pub(super) fn draw(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let Scene { model, now, theme } = scene;
    let Some(environment) = model.current() else {
        let line = Line::styled(" no environment has been heard of yet", theme.stale);
        return f.render_widget(Paragraph::new(line), area);
    };
    let view = &environment.view;
    let mut lines = Vec::new();
    if environment.stale(now) {
        let age = text::age(environment.age(now));
        lines.push(Line::styled(format!(" STALE {age}: as it was"), theme.critical));
    }
    match &view.decision {
        Some(decision) => lines.extend(decided(scene, "tasks", decision)),
        None => lines.push(Line::styled(" no decision yet", theme.stale)),
    }
    if let Some(decision) = &view.readers {
        lines.extend(decided(scene, "readers", decision));
    }
    match &view.forecast {
        Some(forecast) => lines.extend(report_card(scene, forecast)),
        None => lines.push(Line::styled(" no forecast is configured", theme.stale)),
    }
    lines.extend(view.slos.iter().map(|slo| objective(scene, slo)));
    let name = text::environment(&view.name, view.tier, theme);
    let title = Line::from(vec![Span::raw(" Capacity "), name, Span::raw(" ")]);
    let page = Paragraph::new(lines).wrap(Wrap { trim: false }).scroll((model.scroll, 0));
    f.render_widget(page.block(Block::bordered().title(title)), area);
}

fn decided(scene: Scene<'_>, what: &str, decision: &DecisionView) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let until = decision.until.map_or(String::new(), |at| format!(", until {}", moment(scene, at)));
    let cost = match decision.cost_micros_per_hour {
        None => ", at an unknown cost".to_owned(),
        Some(0) => String::new(),
        Some(more @ 1..) => format!(", +{}/h", text::dollars(more.unsigned_abs())),
        Some(less) => format!(", -{}/h", text::dollars(less.unsigned_abs())),
    };
    let head = format!(" {what}: {} at {}{until}{cost}", decision.action, text::clock(decision.at));
    let mut lines = vec![
        Line::styled(head, theme.title),
        line(format!("   {}", decision.reason), Style::new()),
    ];
    lines
        .extend(decision.inputs.iter().map(|input| line(format!("   seen  {input}"), theme.label)));
    lines.extend(decision.losing.iter().map(|lost| line(format!("   lost  {lost}"), theme.stale)));
    lines
}

/// A time of day, with the day when it is not today.
fn moment(scene: Scene<'_>, at: DateTime<Utc>) -> String {
    let today = at.date_naive() == scene.now.date_naive();
    if today { text::clock(at) } else { at.format("%m-%d %H:%M:%SZ").to_string() }
}

fn report_card(scene: Scene<'_>, forecast: &ForecastView) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let percent = |value: Option<f64>| {
        value.map_or_else(|| theme.glyphs.missing.to_owned(), |value| format!("{value:.1}%"))
    };
    let floor = forecast.floor.map_or_else(|| "none".to_owned(), |floor| format!("{floor} tasks"));
    let head = format!(
        " forecast: {} in use at {}, floor {floor}",
        forecast.in_use,
        moment(scene, forecast.at)
    );
    let card = format!(
        "   error naive {}  model {}  kept within plan {}  from {} h, {} h left out",
        percent(forecast.naive_error_percent),
        percent(forecast.model_error_percent),
        percent(forecast.coverage_percent),
        forecast.hours_known,
        forecast.hours_masked
    );
    let mut lines = vec![
        Line::styled(head, theme.title),
        line(card, theme.label),
        line(format!("   {}", forecast.why), Style::new()),
    ];
    let hours = forecast
        .hours
        .iter()
        .take(12)
        .map(|hour| format!("{}h {}", hour.at.format("%H"), hour.tasks));
    let hours: Vec<_> = hours.collect();
    if !hours.is_empty() {
        lines.push(line(format!("   tasks by hour  {}", hours.join("  ")), Style::new()));
    }
    lines
}

fn objective(scene: Scene<'_>, slo: &SloView) -> Line<'static> {
    let theme = scene.theme;
    let missing = || theme.glyphs.missing.to_owned();
    let left = slo.budget_left_percent.map_or_else(missing, |left| format!("{left:.1}%"));
    let burn = slo.burn_1h.map_or_else(missing, |burn| format!("{burn:.1}x"));
    let words = format!(
        " objective {}: {}% over {} d, budget left {left}, burning {burn} in the last hour",
        slo.name, slo.objective_percent, slo.window_days
    );
    let spent = slo.budget_left_percent.is_some_and(|left| left < 0.0);
    line(words, if spent { theme.critical } else { theme.title })
}

/// A line that carries no control characters, whatever it was made from.
fn line(words: String, style: Style) -> Line<'static> {
    Line::styled(text::clean(&words), style)
}
