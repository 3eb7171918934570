//! A line chart over the last 15 minutes. A missing value is a gap, never a zero and never a
//! bridge.

use super::Scene;
use protocol::control::TrafficPoint;
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    symbols::Marker,
    text::Line,
    widgets::{Axis, Block, Chart, Dataset, GraphType},
};

/// One line: its style, and where its value stands in a point.
pub(super) struct Series {
    pub(super) style: Style,
    pub(super) value: fn(&TrafficPoint) -> Option<f64>,
}

const SECONDS_SHOWN: f64 = 900.0;
/// Two points further apart than this are not joined: three periods of 20 s.
const GAP_SECONDS: f64 = 60.0;

/// Draws `series` of `history` under `title`, with a dashed limit where there is one.
pub(super) fn draw(
    scene: Scene<'_>,
    f: &mut Frame<'_>,
    area: Rect,
    title: Line<'_>,
    history: &[TrafficPoint],
    series: &[Series],
) {
    let block = Block::bordered().title(title);
    let newest = history.last().map(|point| point.at);
    let runs: Vec<(Style, Vec<(f64, f64)>)> = series
        .iter()
        .flat_map(|one| runs(history, newest, one.value).into_iter().map(|run| (one.style, run)))
        .collect();
    let top = runs.iter().flat_map(|(_, run)| run.iter().map(|(_, y)| *y)).fold(0.0_f64, f64::max);
    if runs.is_empty() {
        let text = ratatui::widgets::Paragraph::new("no samples yet").block(block);
        return f.render_widget(text.style(scene.theme.stale), area);
    }
    let top = if top > 0.0 { top * 1.1 } else { 1.0 };
    let marker = if scene.theme.glyphs.braille { Marker::Braille } else { Marker::Custom('*') };
    let datasets = runs
        .iter()
        .map(|(style, run)| {
            Dataset::default().marker(marker).graph_type(GraphType::Line).style(*style).data(run)
        })
        .collect();
    let chart = Chart::new(datasets)
        .block(block)
        .x_axis(Axis::default().bounds([-SECONDS_SHOWN, 0.0]))
        .y_axis(Axis::default().bounds([0.0, top]));
    f.render_widget(chart, area);
}

/// The stretches without a gap, as seconds before `newest` and values.
fn runs(
    history: &[TrafficPoint],
    newest: Option<chrono::DateTime<chrono::Utc>>,
    value: fn(&TrafficPoint) -> Option<f64>,
) -> Vec<Vec<(f64, f64)>> {
    let Some(newest) = newest else { return Vec::new() };
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut open = false;
    for point in history {
        let x = (point.at - newest).as_seconds_f64();
        let Some(y) = value(point).filter(|y| y.is_finite() && x >= -SECONDS_SHOWN) else {
            open = false;
            continue;
        };
        match runs
            .last_mut()
            .filter(|run| open && run.last().is_some_and(|(before, _)| x - before <= GAP_SECONDS))
        {
            Some(run) => run.push((x, y)),
            None => runs.push(vec![(x, y)]),
        }
        open = true;
    }
    runs
}

/// The newest `width` values as one line of levels; a gap is a blank.
pub(super) fn trend(
    history: &[TrafficPoint],
    width: usize,
    levels: &[char; 8],
    value: fn(&TrafficPoint) -> Option<f64>,
) -> String {
    let values: Vec<_> = history.iter().rev().take(width).rev().map(value).collect();
    let top = values.iter().flatten().copied().fold(0.0_f64, f64::max);
    let level = |y: f64| {
        let share = if top > 0.0 { y / top } else { 0.0 };
        // The cut-offs are counted, so no float is cast to an index.
        (1..8).filter(|step| share * 8.0 >= f64::from(*step)).count()
    };
    values.into_iter().map(|y| y.map_or(' ', |y| levels[level(y.max(0.0))])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta, Utc};

    fn points(values: &[Option<f64>]) -> Vec<TrafficPoint> {
        let mut at = DateTime::<Utc>::UNIX_EPOCH;
        values
            .iter()
            .map(|tps| {
                at += TimeDelta::seconds(10);
                TrafficPoint {
                    at,
                    tps: *tps,
                    p50_ms: None,
                    p95_ms: None,
                    p99_ms: None,
                    error_percent: None,
                    cpu_percent: None,
                }
            })
            .collect()
    }

    #[test]
    fn a_gap_breaks_the_line() {
        let history = points(&[Some(1.0), Some(2.0), None, Some(3.0)]);
        let newest = history.last().map(|p| p.at);
        let lengths: Vec<_> = runs(&history, newest, |p| p.tps).iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 1]);
        assert!(runs(&history, newest, |p| p.p50_ms).is_empty());
        assert!(runs(&[], None, |p| p.tps).is_empty());
    }

    #[test]
    fn a_trend_shows_levels_and_blanks() {
        let levels = ['0', '1', '2', '3', '4', '5', '6', '7'];
        let history = points(&[Some(9.0), Some(0.0), None, Some(4.0), Some(8.0)]);
        assert_eq!(trend(&history, 4, &levels, |p| p.tps), "0 47");
        assert_eq!(trend(&history, 9, &levels, |p| p.p50_ms), "     ");
    }
}
