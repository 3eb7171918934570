//! The only file that names a colour. Styles are named by what they mean.
//!
//! Without colour every style is made of bold, dim and reverse alone, and no colour at all is sent:
//! crossterm would turn an empty colour into a reset that wipes the modifiers too. Colour only
//! repeats what a word or a glyph already says.

use protocol::control::Severity;
use ratatui::style::{Color, Modifier, Style};

/// Styles by meaning, and the characters to draw with.
#[derive(Clone, Debug)]
pub struct Theme {
    pub healthy: Style,
    pub warning: Style,
    pub critical: Style,
    /// Old or missing values.
    pub stale: Style,
    pub title: Style,
    pub selected: Style,
    /// The name of a production environment.
    pub production: Style,
    pub label: Style,
    pub series: [Style; 3],
    pub glyphs: Glyphs,
}

/// Characters that differ between a modern terminal and an ASCII one.
#[derive(Clone, Copy, Debug)]
pub struct Glyphs {
    pub live: &'static str,
    pub lost: &'static str,
    pub separator: &'static str,
    /// What stands for a missing value.
    pub missing: &'static str,
    pub severity: [&'static str; 4],
    /// Levels of a trend line, lowest first.
    pub levels: [char; 8],
    pub braille: bool,
}

const UNICODE: Glyphs = Glyphs {
    live: "●",
    lost: "○",
    separator: "│",
    missing: "—",
    severity: ["■", "▲", "●", "·"],
    levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
    braille: true,
};

const ASCII: Glyphs = Glyphs {
    live: "*",
    lost: "o",
    separator: "|",
    missing: "-",
    severity: ["!!", "!", "*", "."],
    levels: ['_', '_', '.', '.', '-', '-', '=', '#'],
    braille: false,
};

impl Theme {
    /// The theme of a terminal with or without colour and Unicode.
    #[must_use]
    pub fn new(colour: bool, ascii: bool) -> Self {
        let glyphs = if ascii { ASCII } else { UNICODE };
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let dim = Style::new().add_modifier(Modifier::DIM);
        let reverse = Style::new().add_modifier(Modifier::REVERSED);
        if !colour {
            return Self {
                healthy: Style::new(),
                warning: bold,
                critical: bold.add_modifier(Modifier::REVERSED),
                stale: dim,
                title: bold,
                selected: reverse,
                production: reverse.add_modifier(Modifier::BOLD),
                label: dim,
                series: [Style::new(), bold, dim],
                glyphs,
            };
        }
        Self {
            healthy: Style::new().fg(Color::Green),
            warning: bold.fg(Color::Yellow),
            critical: bold.fg(Color::LightRed),
            stale: dim,
            title: bold,
            selected: reverse,
            production: reverse.add_modifier(Modifier::BOLD).fg(Color::LightRed),
            label: Style::new().fg(Color::Cyan),
            series: [
                Style::new().fg(Color::Cyan),
                Style::new().fg(Color::Yellow),
                Style::new().fg(Color::Magenta),
            ],
            glyphs,
        }
    }

    /// The style and glyph of a severity.
    #[must_use]
    pub fn severity(&self, severity: Severity) -> (Style, &'static str) {
        let glyphs = &self.glyphs.severity;
        match severity {
            Severity::P1 => (self.critical, glyphs[0]),
            Severity::P2 => (self.warning, glyphs[1]),
            Severity::P3 => (self.title, glyphs[2]),
            Severity::P4 => (self.label, glyphs[3]),
        }
    }
}
