//! One file per screen; each is a function from model, time and theme to a frame.
//!
//! Views read nothing else and change nothing. Every panel says how old its data is when that
//! matters, a missing value is shown as missing, and no meaning rests on colour alone.

mod alerts;
mod capacity;
mod chart;
mod cost;
mod environment;
mod footer;
mod header;
mod help;
mod journal;
mod overview;
mod text;

use crate::{
    model::{Model, Screen},
    theme::Theme,
};
use chrono::{DateTime, Utc};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::Paragraph,
};

/// What every view is given.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub model: &'a Model,
    pub now: DateTime<Utc>,
    pub theme: &'a Theme,
}

/// Below this nothing useful fits.
const WIDTH_MIN: u16 = 30;
const HEIGHT_MIN: u16 = 6;

/// Draws the whole screen.
pub fn draw(scene: Scene<'_>, f: &mut Frame<'_>) {
    let area = f.area();
    if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
        // Even here the most severe alert and the way out are said.
        let text = vec![header::alerts(scene), Line::from("q quits; needs 30x6")];
        f.render_widget(Paragraph::new(text), area);
        return;
    }
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)])
            .areas(area);
    header::draw(scene, f, head);
    draw_body(scene, f, body);
    footer::draw(scene, f, foot);
}

fn draw_body(scene: Scene<'_>, f: &mut Frame<'_>, area: Rect) {
    if scene.model.help {
        return help::draw(scene, f, area);
    }
    match scene.model.screen {
        Screen::Overview => overview::draw(scene, f, area),
        Screen::Environment => environment::draw(scene, f, area),
        Screen::Alerts => alerts::draw(scene, f, area),
        Screen::Journal => journal::draw(scene, f, area),
        Screen::Capacity => capacity::draw(scene, f, area),
        Screen::Cost => cost::draw(scene, f, area),
    }
}

#[cfg(test)]
pub(crate) mod tests;
