//! The first line: where we are, who we are, whether we are live, what wants somebody.

use super::{Scene, text};
use crate::model::Connection;
use protocol::control::{Role, Severity};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

pub(super) fn draw(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let Scene { model, theme, .. } = scene;
    let mut spans = vec![Span::styled(" wallet-ops ", theme.title)];
    let mut part = |spans_of: Vec<Span<'static>>| {
        spans.push(Span::styled(format!("{} ", theme.glyphs.separator), theme.label));
        spans.extend(spans_of);
        spans.push(Span::raw(" "));
    };
    let role = model.role.map_or("?", |role| match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Approver => "approver",
        Role::Admin => "admin",
    });
    part(vec![Span::raw(role)]);
    part(vec![connection(scene)]);
    part(alerts(scene).spans);
    let at = model.heard_at.map_or_else(|| theme.glyphs.missing.to_owned(), text::clock);
    part(vec![Span::raw(at)]);
    f.render_widget(Paragraph::new(Line::from(spans)), area);
}

fn connection(scene: Scene<'_>) -> Span<'static> {
    let Scene { model, now, theme } = scene;
    let glyphs = &theme.glyphs;
    match &model.connection {
        Connection::Connecting => Span::styled(format!("{} connecting", glyphs.lost), theme.stale),
        Connection::Live => Span::styled(format!("{} live", glyphs.live), theme.healthy),
        Connection::Lost { since, attempt, retry_at, .. } => Span::styled(
            format!(
                "{} LOST {} (try {attempt} in {})",
                glyphs.lost,
                text::age(now - *since),
                text::age(*retry_at - now)
            ),
            theme.critical,
        ),
        Connection::Refused { .. } => {
            Span::styled(format!("{} REFUSED", glyphs.lost), theme.critical)
        }
    }
}

/// The number of active alerts of each severity; also all that a tiny terminal shows.
pub(super) fn alerts(scene: Scene<'_>) -> Line<'static> {
    let Scene { model, theme, .. } = scene;
    let words = [Severity::P1, Severity::P2, Severity::P3, Severity::P4];
    let counts = model.counts();
    let mut spans = Vec::new();
    for severity in words {
        let count = counts.get(&severity).copied().unwrap_or_default();
        let (style, glyph) = theme.severity(severity);
        let style = if count > 0 { style } else { theme.stale };
        spans.push(Span::styled(format!("{glyph}{severity:?} {count}"), style));
        spans.push(Span::raw(" "));
    }
    spans.pop();
    Line::from(spans)
}
