//! All environments at once, and what needs a person.

use super::{Scene, alerts, chart, text};
use crate::model::Environment;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

/// Columns of one environment's line, before the trend.
const HEAD: &str = "                     TPS   p50   p95   p99   err%  TASKS    $/h  ";
const NAME_WIDTH: usize = 18;
/// What the service promises for p95, in milliseconds.
pub(super) const P95_LIMIT_MS: f64 = 100.0;
/// What the service promises for errors, in percent.
pub(super) const ERROR_LIMIT_PERCENT: f64 = 1.0;

pub(super) fn draw(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let count = u16::try_from(scene.model.environments.len()).unwrap_or(u16::MAX);
    let table = (count.saturating_mul(4)).saturating_add(3).max(4).min(area.height * 2 / 3);
    let rest = area.height.saturating_sub(table);
    let charts = if rest >= 12 { rest - 6 } else { 0 };
    let [top, middle, bottom] = Layout::vertical([
        Constraint::Length(table),
        Constraint::Length(charts),
        Constraint::Fill(1),
    ])
    .areas(area);
    draw_table(scene, f, top);
    if charts > 0 {
        draw_chart(scene, f, middle);
    }
    alerts::needs_a_person(scene, f, bottom);
}

fn draw_table(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let Scene { model, theme, .. } = scene;
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = vec![Line::styled(format!("{HEAD}TREND TPS"), theme.label)];
    if model.environments.is_empty() {
        lines.push(Line::styled(" no environment has been heard of yet", theme.stale));
    }
    for environment in &model.environments {
        lines.extend(rows(scene, environment, width));
    }
    let block = Block::bordered().title(Span::styled(" Overview ", theme.title));
    f.render_widget(Paragraph::new(lines).block(block), area);
}

/// An environment's four lines: figures, topology, decision, run.
fn rows(scene: Scene<'_>, environment: &Environment, width: usize) -> Vec<Line<'static>> {
    let Scene { model, now, theme } = scene;
    let view = &environment.view;
    let selected = model.selected.as_deref() == Some(view.name.as_str());
    let stale = environment.stale(now);
    let mark = if selected { ">" } else { " " };
    let name = text::environment(&view.name, view.tier, theme);
    let mut spans = vec![Span::raw(mark)];
    let style = if selected { name.style.patch(theme.selected) } else { name.style };
    spans.push(Span::styled(text::pad(&name.content, NAME_WIDTH), style));
    let traffic = &view.traffic;
    let figures = [
        (&traffic.tps, None, 6),
        (&traffic.p50_ms, None, 6),
        (&traffic.p95_ms, Some(P95_LIMIT_MS), 6),
        (&traffic.p99_ms, None, 6),
        (&traffic.error_percent, Some(ERROR_LIMIT_PERCENT), 7),
    ];
    for (reading, limit, columns) in figures {
        let span = text::reading(reading, stale, limit, theme);
        let padding = columns - span.width().min(columns);
        spans.push(Span::raw(" ".repeat(padding)));
        spans.push(span);
    }
    let missing = || theme.glyphs.missing.to_owned();
    let tasks = if stale {
        missing()
    } else {
        format!("{}/{}", view.service.running, view.service.desired)
    };
    let cost = view.cost.micros_per_hour.filter(|_| !stale).map_or_else(missing, text::dollars);
    spans.push(Span::raw(format!(" {tasks:>6} {cost:>7}  ")));
    let used: usize = spans.iter().map(Span::width).sum();
    let room = width.saturating_sub(used);
    let trend = chart::trend(&view.history, room, &theme.glyphs.levels, |point| point.tps);
    spans.push(Span::styled(trend, theme.series[0]));
    let mut lines = vec![Line::from(spans)];
    if stale {
        let words = format!(
            "   STALE {}: last heard {}, values hidden",
            text::age(environment.age(now)),
            text::clock(environment.heard_at)
        );
        lines.push(Line::styled(text::fit(&words, width), theme.critical));
        return lines;
    }
    lines.push(topology(scene, environment, width));
    if let Some(decision) = &view.decision {
        let words = format!("   scale: {} {}", text::clock(decision.at), decision.reason);
        lines.push(Line::raw(text::fit(&words, width)));
    }
    if let Some(run) = view.runs.first() {
        let kind = if run.drill { "drill" } else { "run" };
        let step = run.steps.iter().rfind(|step| step.started_at.is_some());
        let step = step.map_or(String::new(), |step| format!(", {} {}", step.id, step.state));
        let words = format!("   {kind}: {} {}{step}", run.runbook, run.state);
        lines.push(Line::raw(text::fit(&words, width)));
    }
    lines
}

fn topology(scene: Scene<'_>, environment: &Environment, width: usize) -> Line<'static> {
    let view = &environment.view;
    let leader = |group: &protocol::control::GroupView, role: &str| {
        let member = group.members.iter().find(|member| member.role == role);
        member.map_or_else(|| "none".to_owned(), |member| member.id.clone())
    };
    let lag = view.database.members.iter().filter_map(|member| member.lag_ms).max();
    let lag = lag.map_or(String::new(), |lag| format!(" lag {lag}ms"));
    let words = format!(
        "   db {} writer {}{lag}  cache {}  broker {}",
        view.database.status,
        leader(&view.database, "writer"),
        view.cache.status,
        view.broker.status
    );
    let healthy = view.database.status == "available" && view.cache.status == "available";
    let style = if healthy { scene.theme.label } else { scene.theme.warning };
    Line::styled(text::fit(&words, width), style)
}

fn draw_chart(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let Some(environment) = scene.model.current() else { return };
    let view = &environment.view;
    let title = Line::from(format!(" TPS {} (15 min) ", view.name));
    let series = [chart::Series { style: scene.theme.series[0], value: |point| point.tps }];
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(area);
    chart::draw(scene, f, left, title, &view.history, &series);
    let title = Line::from(format!(" p95 ms {} (15 min) ", view.name));
    let series = [chart::Series { style: scene.theme.series[1], value: |point| point.p95_ms }];
    chart::draw(scene, f, right, title, &view.history, &series);
}
