//! What the environment costs: the hour by its parts, the month against its budget, and what
//! would make it less.

use super::{Scene, text};
use protocol::control::{AdviceView, CostView, MonthView};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Block, Paragraph, Wrap},
};

/// Columns of a component's name, and of its amount.
const NAME_WIDTH: usize = 16;

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
    lines.extend(rate(scene, &view.cost));
    match &view.cost.month {
        Some(month) => lines.extend(spent(scene, month)),
        None => lines.push(Line::styled(" this month is not known yet", theme.stale)),
    }
    let unusual = view.cost.unusual.iter();
    lines.extend(unusual.map(|words| line(&format!(" unusual: {words}"), theme.warning)));
    lines.extend(view.cost.advice.iter().flat_map(|advice| advised(scene, advice)));
    let name = text::environment(&view.name, view.tier, theme);
    let title = Line::from(vec![Span::raw(" Cost "), name, Span::raw(" ")]);
    let page = Paragraph::new(lines).wrap(Wrap { trim: false }).scroll((model.scroll, 0));
    f.render_widget(page.block(Block::bordered().title(title)), area);
}

fn rate(scene: Scene<'_>, cost: &CostView) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let head = match (cost.micros_per_hour, cost.at_least_micros_per_hour) {
        (Some(micros), _) => format!(" {}/h", text::dollars(micros)),
        (None, Some(micros)) => format!(" at least {}/h", text::dollars(micros)),
        (None, None) => format!(" {}/h", theme.glyphs.missing),
    };
    let decision = cost.decision.as_deref();
    let decision = decision.map_or(String::new(), |words| format!("   last decision {words}"));
    let mut lines = vec![line(&format!("{head}{decision}"), theme.title)];
    lines.extend(cost.components.iter().map(|part| {
        let words = format!(
            "   {} {:>8}  {}",
            text::pad(&part.name, NAME_WIDTH),
            text::dollars(part.micros_per_hour),
            part.basis
        );
        line(&words, Style::new())
    }));
    let unknown = cost.unknown.iter();
    lines.extend(unknown.map(|why| line(&format!("   not known: {why}"), theme.warning)));
    if !cost.not_counted.is_empty() {
        let words = format!("   not counted: {}", cost.not_counted.join(", "));
        lines.push(line(&words, theme.stale));
    }
    lines.push(line(&format!("   prices {}", cost.prices), theme.label));
    lines
}

fn spent(scene: Scene<'_>, month: &MonthView) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let missing = || theme.glyphs.missing.to_owned();
    let amount = |micros: Option<i64>| micros.map_or_else(missing, text::signed_dollars);
    let share =
        |percent: Option<i64>| percent.map_or_else(missing, |percent| format!("{percent}%"));
    let head = format!(
        " {}: spent {} of {} ({}), month's end {} ({})",
        month.month.format("%Y-%m"),
        amount(month.spent_micros),
        text::dollars(month.budget_micros),
        share(month.budget_percent),
        amount(month.forecast_micros),
        share(month.forecast_percent),
    );
    let over =
        [month.budget_percent, month.forecast_percent].into_iter().flatten().any(|p| p > 100);
    let band = format!(
        "   between {} and {}: {}",
        amount(month.forecast_low_micros),
        amount(month.forecast_high_micros),
        month.band
    );
    let billed = match (month.as_of, month.billed_until) {
        (Some(as_of), Some(until)) => format!(
            "   billed {} until {until}, as of {}; drift {}",
            amount(month.billed_micros),
            as_of.format("%m-%d %H:%MZ"),
            share(month.drift_percent)
        ),
        _ => "   not billed yet".to_owned(),
    };
    let mut lines = vec![
        line(&head, if over { theme.critical } else { theme.title }),
        line(&band, Style::new()),
        line(&billed, theme.label),
    ];
    if !month.unknown.is_empty() {
        lines.push(line(&format!("   not known: {}", month.unknown), theme.warning));
    }
    lines
}

fn advised(scene: Scene<'_>, advice: &AdviceView) -> [Line<'static>; 2] {
    let theme = scene.theme;
    let saves = match advice.saves_micros_per_month {
        Some(micros) => format!("saves {}/month", text::dollars(micros)),
        None => format!("amount not known: {}", advice.unknown),
    };
    let confidence = format!("{:?}", advice.confidence).to_lowercase();
    [
        line(&format!(" advice: {}, {saves}", advice.action), theme.title),
        line(&format!("   {} ({confidence} confidence)", advice.assumption), theme.label),
    ]
}

fn line(words: &str, style: Style) -> Line<'static> {
    Line::styled(text::clean(words), style)
}
