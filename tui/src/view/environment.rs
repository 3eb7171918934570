//! One environment in detail: four charts, the topology with roles, the last decision and run.

use super::{Scene, chart, journal, overview, text};
use crate::model::Environment;
use protocol::control::{EnvironmentView, GroupView, RunView};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

pub(super) fn draw(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let Some(environment) = scene.model.current() else {
        let line = Line::styled(" no environment has been heard of yet", scene.theme.stale);
        return f.render_widget(Paragraph::new(line), area);
    };
    let charts = if area.height >= 30 { area.height / 2 } else { area.height * 2 / 5 };
    let [top, bottom] =
        Layout::vertical([Constraint::Length(charts), Constraint::Fill(1)]).areas(area);
    draw_charts(scene, environment, f, top);
    if area.width >= 110 {
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)])
                .areas(bottom);
        draw_topology(scene, environment, f, left);
        draw_story(scene, environment, f, right);
    } else {
        let [upper, lower] =
            Layout::vertical([Constraint::Fill(3), Constraint::Fill(2)]).areas(bottom);
        draw_topology(scene, environment, f, upper);
        draw_story(scene, environment, f, lower);
    }
}

fn draw_charts(scene: Scene<'_>, environment: &Environment, f: &mut Frame<'_>, area: Rect) {
    let theme = scene.theme;
    let view = &environment.view;
    let stale = environment.stale(scene.now);
    let traffic = &view.traffic;
    let title = |name: &str, readings: &[(&protocol::control::Reading, Option<f64>)]| {
        let mut spans = vec![Span::styled(format!(" {name} "), theme.title)];
        for (reading, limit) in readings {
            spans.push(text::reading(reading, stale, *limit, theme));
            spans.push(Span::raw(" "));
        }
        Line::from(spans)
    };
    let [first, second, third] = theme.series;
    let halves = [Constraint::Percentage(50), Constraint::Percentage(50)];
    let [upper, lower] = Layout::vertical(halves).areas(area);
    let [traffic_area, latency_area] = Layout::horizontal(halves).areas(upper);
    let [error_area, load_area] = Layout::horizontal(halves).areas(lower);
    let line = |style, value| chart::Series { style, value };
    let history = &view.history;
    let tps = title("TPS", &[(&traffic.tps, None)]);
    chart::draw(scene, f, traffic_area, tps, history, &[line(first, |p| p.tps)]);
    let p95 = Some(overview::P95_LIMIT_MS);
    let latency = title(
        "p50 p95 p99 ms",
        &[(&traffic.p50_ms, None), (&traffic.p95_ms, p95), (&traffic.p99_ms, None)],
    );
    let lines = [line(first, |p| p.p50_ms), line(second, |p| p.p95_ms), line(third, |p| p.p99_ms)];
    chart::draw(scene, f, latency_area, latency, history, &lines);
    let limit = Some(overview::ERROR_LIMIT_PERCENT);
    let errors = title("errors %", &[(&traffic.error_percent, limit)]);
    chart::draw(scene, f, error_area, errors, history, &[line(second, |p| p.error_percent)]);
    let load = title("cpu %", &[(&traffic.cpu_percent, None)]);
    chart::draw(scene, f, load_area, load, history, &[line(first, |p| p.cpu_percent)]);
}

fn draw_topology(scene: Scene<'_>, environment: &Environment, f: &mut Frame<'_>, area: Rect) {
    let Scene { now, theme, .. } = scene;
    let view = &environment.view;
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = Vec::new();
    if environment.stale(now) {
        let age = text::age(environment.age(now));
        lines.push(Line::styled(format!(" STALE {age}: as it was"), theme.critical));
    }
    lines.push(Line::raw(text::fit(&service(view), width)));
    for zone in zones(view) {
        lines.push(Line::styled(text::fit(&zone, width), theme.label));
    }
    for (label, group) in
        [("db    ", &view.database), ("cache ", &view.cache), ("broker", &view.broker)]
    {
        lines.push(Line::raw(text::fit(&members(label, group), width)));
    }
    let traffic = &view.traffic;
    lines.push(Line::from(vec![
        Span::raw(" canary "),
        text::reading(&traffic.canary_ms, false, None, theme),
        Span::raw(" ms   outbox pending "),
        text::reading(&traffic.outbox_pending, false, None, theme),
        Span::raw("   req/s per task "),
        text::reading(&traffic.requests_per_task, false, None, theme),
    ]));
    let cost = view.cost.micros_per_hour.map_or_else(|| theme.glyphs.missing.into(), text::dollars);
    let parts: Vec<_> = view
        .cost
        .components
        .iter()
        .map(|part| format!("{} {}", part.name, text::dollars(part.micros_per_hour)))
        .collect();
    let words = format!(" cost {cost}/h: {} (prices {})", parts.join(", "), view.cost.prices);
    lines.push(Line::raw(text::fit(&words, width)));
    let name = text::environment(&view.name, view.tier, theme);
    let title = Line::from(vec![Span::raw(" Topology "), name, Span::raw(" ")]);
    f.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
}

fn service(view: &EnvironmentView) -> String {
    let service = &view.service;
    let healthy = service.healthy.map_or_else(|| "?".to_owned(), |count| count.to_string());
    format!(
        " tasks  {} running, {} starting, want {} ({}..{}, {}), {healthy} healthy",
        service.running,
        service.pending,
        service.desired,
        service.capacity_min,
        service.capacity_max,
        service.scaling
    )
}

/// One line a zone: its tasks with what is not simply running.
fn zones(view: &EnvironmentView) -> Vec<String> {
    let mut zones: std::collections::BTreeMap<&str, Vec<String>> =
        std::collections::BTreeMap::new();
    for task in &view.service.tasks {
        let short: String = task.id.chars().rev().take(6).collect();
        let short: String = short.chars().rev().collect();
        let state = match (task.status.as_str(), task.health.as_str()) {
            ("RUNNING", "healthy") => "ok".to_owned(),
            ("RUNNING", health) => health.to_owned(),
            (status, _) => status.to_lowercase(),
        };
        zones.entry(&task.zone).or_default().push(format!("{short} {state}"));
    }
    zones.into_iter().map(|(zone, tasks)| format!("   {zone}  {}", tasks.join("  "))).collect()
}

fn members(label: &str, group: &GroupView) -> String {
    let members: Vec<_> = group
        .members
        .iter()
        .map(|member| {
            let lag = member.lag_ms.map_or(String::new(), |lag| format!(" {lag}ms"));
            let state = if member.status.eq_ignore_ascii_case("available")
                || member.status.eq_ignore_ascii_case("active")
            {
                String::new()
            } else {
                format!(" {}", member.status)
            };
            format!("{} {}{state}{lag}", member.role, member.id)
        })
        .collect();
    format!(" {label} {}: {}", group.status, members.join(", "))
}

fn draw_story(scene: Scene<'_>, environment: &Environment, f: &mut Frame<'_>, area: Rect) {
    let theme = scene.theme;
    let view = &environment.view;
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = Vec::new();
    match &view.decision {
        Some(decision) => {
            let words = format!(
                " {} {} {} -> {}: {}",
                text::clock(decision.at),
                decision.action,
                decision.from,
                decision.to,
                decision.reason
            );
            lines.push(Line::styled(text::fit(&words, width), theme.title));
        }
        None => lines.push(Line::styled(" no decision yet", theme.stale)),
    }
    if let Some(run) = view.runs.first() {
        lines.extend(run_lines(scene, run, width));
    }
    lines.extend(journal::lines(scene, width));
    let title = Span::styled(" Last decision, run and journal ", theme.title);
    f.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
}

fn run_lines(scene: Scene<'_>, run: &RunView, width: usize) -> Vec<Line<'static>> {
    let kind = if run.drill { "drill" } else { "run" };
    let rto = match (run.rto_ms, run.rto_resolution_ms) {
        (Some(rto), Some(resolution)) => format!("  RTO {rto} ms (±{resolution})"),
        (Some(rto), None) => format!("  RTO {rto} ms"),
        (None, _) => String::new(),
    };
    let words = format!(" {kind} {} r{} {}{rto}", run.runbook, run.revision, run.state);
    let mut lines = vec![Line::styled(text::fit(&words, width), scene.theme.title)];
    let steps: Vec<_> = run
        .steps
        .iter()
        .filter(|step| step.state != "pending")
        .map(|step| format!("{} {}", step.id, step.state))
        .collect();
    lines.push(Line::raw(text::fit(&format!("   {}", steps.join(", ")), width)));
    lines
}
