//! Global transaction ids: who has what. Pure.

use std::collections::BTreeMap;
use std::fmt;

/// A list of GTIDs as MariaDB prints it (`0-1-42,0-2-57`): the last sequence number for each
/// domain and origin server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gtids(BTreeMap<(u32, u32), u64>);

impl Gtids {
    /// Reads MariaDB's text. What is not a GTID is left out: the empty text is the empty list.
    #[must_use]
    pub(super) fn parse(text: &str) -> Gtids {
        let one = |gtid: &str| {
            let mut parts = gtid.trim().split('-');
            let domain = parts.next()?.parse().ok()?;
            let server = parts.next()?.parse().ok()?;
            let sequence = parts.next()?.parse().ok()?;
            Some(((domain, server), sequence))
        };
        Gtids(text.split(',').filter_map(one).collect())
    }

    /// The highest sequence number. One domain is used, so this orders positions of one history.
    #[must_use]
    pub(super) fn sequence(&self) -> u64 {
        self.0.values().copied().max().unwrap_or(0)
    }

    /// Whether a server with this binary log state has all that a server at `position` has.
    ///
    /// A server logs the transactions of each origin in order, so having a later one of the same
    /// origin means having all before it. A transaction that its origin wrote and never handed
    /// on is the one that nobody else has: the divergence this looks for.
    #[must_use]
    pub(super) fn contains(&self, position: &Gtids) -> bool {
        position
            .0
            .iter()
            .all(|(origin, sequence)| self.0.get(origin).is_some_and(|ours| ours >= sequence))
    }
}

impl fmt::Display for Gtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, ((domain, server), sequence)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{domain}-{server}-{sequence}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Gtids;

    #[test]
    fn a_history_contains_what_was_handed_on_and_not_what_was_not() {
        // (state of the new writer, position of the old one, whether the old one may follow)
        let rows = [
            ("0-1-42,0-2-57", "0-1-42", true),
            ("0-1-42,0-2-57", "0-1-41", true),
            ("0-1-42,0-2-57", "0-1-43", false),
            ("0-2-57", "0-1-42", false),
            ("0-1-42", "", true),
            ("", "0-1-1", false),
            ("0-1-42,0-3-50,0-2-57", "0-3-50", true),
        ];
        for (state, position, contained) in rows {
            let verdict = Gtids::parse(state).contains(&Gtids::parse(position));
            assert_eq!(verdict, contained, "{state} contains {position}");
        }
    }

    #[test]
    fn text_survives_parsing_and_nonsense_is_left_out() {
        assert_eq!(Gtids::parse("0-1-42,0-2-57").to_string(), "0-1-42,0-2-57");
        assert_eq!(Gtids::parse("0-1-42,oops,").to_string(), "0-1-42");
        assert_eq!(Gtids::parse("0-1-42,0-2-57").sequence(), 57);
        assert_eq!(Gtids::parse("").sequence(), 0);
    }
}
