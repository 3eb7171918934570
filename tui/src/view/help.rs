//! The help page, made from the table of keys, so that it cannot be wrong.

use super::Scene;
use crate::keys;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

pub(super) fn draw(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    let theme = scene.theme;
    let mut lines: Vec<Line<'_>> = keys::BINDINGS
        .iter()
        .map(|binding| {
            Line::from(vec![
                Span::styled(format!(" {:<8}", binding.name), theme.title),
                Span::raw(binding.help),
            ])
        })
        .collect();
    let glyphs = &theme.glyphs;
    lines.push(Line::raw(""));
    lines.push(Line::raw(format!(
        " {} no value   12? an old or partial value   12! over its limit   err could not be read",
        glyphs.missing
    )));
    f.render_widget(Paragraph::new(lines).block(Block::bordered().title(" Keys ")), area);
}
