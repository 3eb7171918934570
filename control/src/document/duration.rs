//! Durations as people write them: `250ms`, `90s`, `5m`, `2h`, `30d`.

use std::time::Duration;

/// Reads a whole number and one unit. `None` for anything else and on overflow.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let ms_per_unit: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(ms_per_unit).map(Duration::from_millis)
}

/// Writes a duration the way [`parse_duration`] reads it, in the largest unit that is exact.
#[must_use]
pub fn print_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    units
        .into_iter()
        .find(|(per_unit, _)| ms > 0 && ms.is_multiple_of(*per_unit))
        .map_or_else(|| format!("{ms}ms"), |(per_unit, unit)| format!("{}{unit}", ms / per_unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        #[rustfmt::skip]
        let table = [
            ("250ms", Some(250)),
            ("0s",    Some(0)),
            ("90s",   Some(90_000)),
            ("5m",    Some(300_000)),
            ("2h",    Some(7_200_000)),
            ("30d",   Some(2_592_000_000)),
            ("5",     None),
            ("s",     None),
            ("1.5s",  None),
            ("-1s",   None),
            ("5 m",   None),
            ("99999999999999999999d", None),
            ("999999999999d", None),
        ];
        for (text, ms) in table {
            assert_eq!(parse_duration(text), ms.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn a_printed_duration_reads_back() {
        for ms in [0, 1, 250, 1_000, 1_500, 90_000, 300_000, 7_200_000, 86_400_000] {
            let duration = Duration::from_millis(ms);
            assert_eq!(parse_duration(&print_duration(duration)), Some(duration));
        }
        assert_eq!(print_duration(Duration::from_secs(90)), "90s");
        assert_eq!(print_duration(Duration::from_secs(300)), "5m");
    }
}
