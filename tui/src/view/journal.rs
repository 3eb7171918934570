//! The journal: what happened and what was decided, newest first.

use super::{Scene, text};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

pub(super) fn draw(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let title = Span::styled(
        format!(" Journal (last {} events, newest first) ", scene.model.journal.len()),
        scene.theme.title,
    );
    let width = usize::from(area.width.saturating_sub(2));
    let list = Paragraph::new(lines(scene, width)).block(Block::bordered().title(title));
    f.render_widget(list.scroll((scene.model.scroll, 0)), area);
}

/// The newest events, one line each.
pub(super) fn lines(scene: Scene<'_>, width: usize) -> Vec<Line<'static>> {
    let Scene { model, theme, .. } = scene;
    if model.journal.is_empty() {
        return vec![Line::styled(" nothing has been journalled", theme.stale)];
    }
    let events = model.journal.iter().rev();
    events
        .map(|event| {
            let at = text::clock(event.at);
            let words = format!(" {at} {:<18} {}", event.kind, event.summary);
            Line::raw(text::fit(&words, width))
        })
        .collect()
}
