//! How values are written: numbers, ages, money, and what is missing. Pure text.

use crate::theme::Theme;
use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::{Reading, Tier};
use ratatui::{style::Style, text::Span};

/// An age in its largest unit: `42s`, `7m`, `3h`, `2d`.
pub(super) fn age(delta: TimeDelta) -> String {
    match delta.num_seconds().max(0) {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m{:02}", seconds / 60, seconds % 60),
        seconds @ 3_600..86_400 => format!("{}h{:02}", seconds / 3_600, seconds / 60 % 60),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// The time of day in UTC.
pub(super) fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%SZ").to_string()
}

/// A number with as many decimals as its size deserves, thousands apart.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1_000.0 {
        let digits = format!("{size:.0}");
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index) % 3 == 0 {
                text.push(' ');
            }
            text.push(digit);
        }
        return if value < 0.0 { format!("-{text}") } else { text };
    }
    match size {
        _ if size >= 100.0 => format!("{value:.0}"),
        _ if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Millionths of a dollar as dollars.
pub(super) fn dollars(micros: u64) -> String {
    let cents = (micros + 5_000) / 10_000;
    format!("${}.{:02}", cents / 100, cents % 100)
}

/// A reading as text and style: fresh as it is, an older value marked, a missing one as missing.
pub(super) fn reading(
    reading: &Reading,
    stale: bool,
    limit: Option<f64>,
    theme: &Theme,
) -> Span<'static> {
    match reading {
        _ if stale => Span::styled(theme.glyphs.missing, theme.stale),
        Reading::Fresh { value, .. } if limit.is_some_and(|limit| *value > limit) => {
            Span::styled(format!("{}!", number(*value)), theme.critical)
        }
        Reading::Fresh { value, .. } => Span::styled(number(*value), Style::new()),
        Reading::Stale { value, .. } | Reading::Partial { value, .. } => {
            Span::styled(format!("{}?", number(*value)), theme.stale)
        }
        Reading::Absent => Span::styled(theme.glyphs.missing, theme.stale),
        Reading::Error => Span::styled("err", theme.warning),
    }
}

/// An environment's name, marked four ways: by word, brackets, reverse for production, and order.
pub(super) fn environment(name: &str, tier: Tier, theme: &Theme) -> Span<'static> {
    match tier {
        Tier::Production => Span::styled(format!("[!! {name} !!]"), theme.production),
        Tier::Staging => Span::styled(format!("[stg {name}]"), theme.title),
        Tier::Local => Span::styled(format!("[{name}]"), theme.title),
    }
}

/// Millionths of a dollar as dollars, of either sign.
pub(super) fn signed_dollars(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}", dollars(micros.unsigned_abs()))
}

/// `text` with a space for each control character: what comes over the wire moves no cursor.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `text` cut to `width` columns, with a mark where it was cut. Never splits a character.
pub(super) fn fit(text: &str, width: usize) -> String {
    let clean = clean(text);
    let line = ratatui::text::Line::from(clean.as_str());
    if line.width() <= width {
        return clean;
    }
    let mut cut = String::new();
    for character in clean.chars() {
        let mut next = cut.clone();
        next.push(character);
        if ratatui::text::Line::from(next.as_str()).width() + 1 > width {
            break;
        }
        cut = next;
    }
    if width > 0 {
        cut.push('~');
    }
    cut
}

/// `text` on exactly `width` columns, from the left.
pub(super) fn pad(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let used = ratatui::text::Line::from(text.as_str()).width();
    format!("{text}{}", " ".repeat(width.saturating_sub(used)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_by_their_size() {
        for (value, want) in [
            (0.0, "0.00"),
            (0.425, "0.42"),
            (7.94, "7.94"),
            (71.26, "71.3"),
            (241.4, "241"),
            (1_842.0, "1 842"),
            (12_345_678.0, "12 345 678"),
            (-1_500.0, "-1 500"),
        ] {
            assert_eq!(number(value), want);
        }
        for (seconds, want) in
            [(-3, "0s"), (59, "59s"), (61, "1m01"), (3_700, "1h01"), (200_000, "2d")]
        {
            assert_eq!(age(TimeDelta::seconds(seconds)), want);
        }
        assert_eq!(dollars(2_554_999), "$2.55");
        assert_eq!(dollars(0), "$0.00");
        assert_eq!(signed_dollars(-2_554_999), "-$2.55");
    }

    #[test]
    fn a_text_is_cut_by_columns_and_carries_no_control() {
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab~");
        assert_eq!(fit("\u{1b}]0;x\u{7}", 9), " ]0;x ");
        assert_eq!(fit("漢字漢字", 5), "漢字~");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(pad("é", 3), "é  ");
    }
}
