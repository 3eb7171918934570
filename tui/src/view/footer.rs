//! The last line: the keys of this screen, or what went wrong with the stream.

use super::{Scene, text};
use crate::{keys, model::Connection};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

pub(super) fn draw(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let Scene { model, theme, .. } = scene;
    let width = usize::from(area.width);
    let fault = match &model.connection {
        Connection::Lost { reason, .. } => Some(format!(" lost: {reason} (Ctrl-R tries now)")),
        Connection::Refused { reason } => Some(format!(" refused: {reason} (q quits)")),
        Connection::Connecting | Connection::Live => None,
    };
    if let Some(fault) = fault {
        let line = Line::styled(text::fit(&fault, width), theme.critical);
        return f.render_widget(Paragraph::new(line), area);
    }
    let mut spans = Vec::new();
    for binding in keys::BINDINGS.iter().filter(|binding| binding.footer) {
        spans.push(Span::styled(format!(" {}", binding.name), theme.title));
        spans.push(Span::styled(format!(" {}", binding.help), theme.label));
    }
    f.render_widget(Paragraph::new(Line::from(spans)), area);
}
