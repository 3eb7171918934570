//! Currencies and amounts, without a float anywhere.
//!
//! An amount comes in as decimal text and is kept as its digits, because how many decimals it may
//! have depends on the wallet's currency, and that is known only once the wallet is read.

use std::fmt;

/// A currency that wallets may be kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Currency {
    Brl,
    Usd,
    Eur,
    Gbp,
    Ars,
    Clp,
    Mxn,
    Jpy,
    Kwd,
}

/// Every currency, in the order of the enum.
const TABLE: [(Currency, &str, u8); Currency::COUNT] = [
    (Currency::Brl, "BRL", 2),
    (Currency::Usd, "USD", 2),
    (Currency::Eur, "EUR", 2),
    (Currency::Gbp, "GBP", 2),
    (Currency::Ars, "ARS", 2),
    (Currency::Clp, "CLP", 0),
    (Currency::Mxn, "MXN", 2),
    (Currency::Jpy, "JPY", 0),
    (Currency::Kwd, "KWD", 3),
];

impl Currency {
    /// How many there are.
    pub const COUNT: usize = 9;

    /// The currency with this ISO 4217 code, in capitals.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    /// The ISO 4217 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        TABLE[self.index()].1
    }

    /// How many decimals an amount has at most.
    #[must_use]
    pub fn decimals(self) -> u8 {
        TABLE[self.index()].2
    }

    /// The place in the enum, below [`Self::COUNT`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self as u8)
    }

    /// Every currency.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The most that one command may move, in whole units of the currency.
const MAJOR_MAX: i64 = 1_000_000;

/// The most decimals that any text may have. One more than any currency's, so that the answer for
/// `0.0001` is "too many decimals" and not "no number".
const DECIMALS_MAX: usize = 9;

/// Why an amount is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("the amount must be plain decimal digits, such as 10.50")]
    NotDecimal,
    #[error("the amount must be above zero")]
    NotPositive,
    #[error("the amount must be at most 1000000.00")]
    TooLarge,
    #[error("the amount has more decimals than the currency")]
    TooManyDecimals,
}

/// A positive decimal of at most [`MAJOR_MAX`], exactly as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    digits: i64,
    decimals: u8,
}

impl Amount {
    /// Reads decimal text: digits, and optionally a point and more digits. No sign, exponent,
    /// space, comma or superfluous leading zero.
    ///
    /// # Errors
    ///
    /// What is wrong with `text`.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(AmountError::NotDecimal),
            Some(parts) => parts,
            None => (text, ""),
        };
        let digits_only = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !digits_only(whole) || !digits_only(fraction) {
            return Err(AmountError::NotDecimal);
        }
        if whole.bytes().chain(fraction.bytes()).all(|b| b == b'0') {
            return Err(AmountError::NotPositive);
        }
        // Seven digits are enough for MAJOR_MAX; sixteen digits in all fit an i64.
        if whole.len() > 7 {
            return Err(AmountError::TooLarge);
        }
        if fraction.len() > DECIMALS_MAX {
            return Err(AmountError::TooManyDecimals);
        }
        let digits = whole
            .bytes()
            .chain(fraction.bytes())
            .fold(0i64, |sum, b| sum.strict_mul(10).strict_add(i64::from(b - b'0')));
        let decimals = u8::try_from(fraction.len()).expect("at most DECIMALS_MAX");
        if digits > MAJOR_MAX.strict_mul(power_of_ten(decimals)) {
            return Err(AmountError::TooLarge);
        }
        Ok(Self { digits, decimals })
    }

    /// The amount in minor units of `currency`.
    ///
    /// # Errors
    ///
    /// [`AmountError::TooManyDecimals`] when the text had more than the currency has.
    pub fn minor_in(self, currency: Currency) -> Result<i64, AmountError> {
        let missing =
            currency.decimals().checked_sub(self.decimals).ok_or(AmountError::TooManyDecimals)?;
        Ok(self.digits.strict_mul(power_of_ten(missing)))
    }

    /// The same for all spellings of one value: `10`, `10.5` and `10.50` differ only in value.
    pub(crate) fn canonical(self) -> (i64, u8) {
        let (mut digits, mut decimals) = (self.digits, self.decimals);
        while decimals > 0 && digits % 10 == 0 {
            digits /= 10;
            decimals -= 1;
        }
        (digits, decimals)
    }
}

fn power_of_ten(exponent: u8) -> i64 {
    10i64.strict_pow(u32::from(exponent))
}

/// Writes `minor` units as decimal text with all decimals of `currency`: `-1050` as `-10.50`.
#[must_use]
pub fn format_minor(minor: i64, currency: Currency) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let magnitude = minor.unsigned_abs();
    let decimals = usize::from(currency.decimals());
    if decimals == 0 {
        return format!("{sign}{magnitude}");
    }
    let unit = power_of_ten(currency.decimals()).unsigned_abs();
    format!("{sign}{}.{:0decimals$}", magnitude / unit, magnitude % unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        use AmountError::{NotDecimal, NotPositive, TooLarge, TooManyDecimals};
        use Currency::{Brl, Jpy, Kwd};
        #[rustfmt::skip]
        let table = [
            ("0.01",                 Brl, Ok(1)),
            ("1",                    Brl, Ok(100)),
            ("1.5",                  Brl, Ok(150)),
            ("10.50",                Brl, Ok(1_050)),
            ("1000000",              Brl, Ok(100_000_000)),
            ("1000000.00",           Brl, Ok(100_000_000)),
            ("500",                  Jpy, Ok(500)),
            ("0.001",                Kwd, Ok(1)),
            ("999999.999",           Kwd, Ok(999_999_999)),
            ("0.015",                Brl, Err(TooManyDecimals)),
            ("0.010",                Brl, Err(TooManyDecimals)),
            ("1.0",                  Jpy, Err(TooManyDecimals)),
            ("0.0000000001",         Brl, Err(TooManyDecimals)),
            ("1000000.01",           Brl, Err(TooLarge)),
            ("1000001",              Brl, Err(TooLarge)),
            ("9007199254740993.01",  Brl, Err(TooLarge)),
            ("99999999999999999999", Brl, Err(TooLarge)),
            ("0",                    Brl, Err(NotPositive)),
            ("0.00",                 Brl, Err(NotPositive)),
            ("-0",                   Brl, Err(NotDecimal)),
            ("-1",                   Brl, Err(NotDecimal)),
            ("+1",                   Brl, Err(NotDecimal)),
            ("1e3",                  Brl, Err(NotDecimal)),
            ("1e-3",                 Brl, Err(NotDecimal)),
            ("1e400",                Brl, Err(NotDecimal)),
            ("1,00",                 Brl, Err(NotDecimal)),
            ("1 000",                Brl, Err(NotDecimal)),
            (" 1",                   Brl, Err(NotDecimal)),
            ("1.",                   Brl, Err(NotDecimal)),
            (".5",                   Brl, Err(NotDecimal)),
            ("1.2.3",                Brl, Err(NotDecimal)),
            ("01",                   Brl, Err(NotDecimal)),
            ("0x10",                 Brl, Err(NotDecimal)),
            ("NaN",                  Brl, Err(NotDecimal)),
            ("Infinity",             Brl, Err(NotDecimal)),
            ("",                     Brl, Err(NotDecimal)),
            ("١",                    Brl, Err(NotDecimal)),
        ];
        for (text, currency, want) in table {
            let got = Amount::parse(text).and_then(|amount| amount.minor_in(currency));
            assert_eq!(got, want, "{text} {currency}");
        }
    }

    #[test]
    fn minor_units_are_written_with_all_decimals() {
        #[rustfmt::skip]
        let table = [
            (0,        Currency::Brl, "0.00"),
            (1,        Currency::Brl, "0.01"),
            (-1_050,   Currency::Brl, "-10.50"),
            (7,        Currency::Kwd, "0.007"),
            (-7,       Currency::Jpy, "-7"),
            (i64::MAX, Currency::Brl, "92233720368547758.07"),
            (i64::MIN, Currency::Brl, "-92233720368547758.08"),
        ];
        for (minor, currency, want) in table {
            assert_eq!(format_minor(minor, currency), want);
        }
    }

    #[test]
    fn the_table_has_every_currency_in_its_place() {
        for (place, currency) in Currency::all().enumerate() {
            assert_eq!(currency.index(), place);
            assert_eq!(Currency::from_code(currency.code()), Some(currency));
        }
        assert_eq!(Currency::from_code("brl"), None);
        assert_eq!(Currency::from_code("ZZZ"), None);
    }

    #[test]
    fn a_million_deposits_sum_exactly() {
        let text = ["0.01", "0.1", "0.15", "33.33", "999999.99"];
        let minor = [1i64, 10, 15, 3_333, 99_999_999];
        let sum: i64 = (0..1_000_000)
            .map(|turn| {
                let amount = Amount::parse(text[turn % 5]).expect("an amount");
                amount.minor_in(Currency::Brl).expect("two decimals")
            })
            .sum();
        assert_eq!(sum, minor.iter().sum::<i64>() * 200_000);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(minor in 1..=100_000_000i64) {
            let text = format_minor(minor, Currency::Brl);
            let amount = Amount::parse(&text).expect("our own text");
            prop_assert_eq!(amount.minor_in(Currency::Brl), Ok(minor));
        }

        #[test]
        fn no_text_panics(text in "[0-9.eE+-]{0,24}") {
            if let Ok(amount) = Amount::parse(&text) {
                let minor = amount.minor_in(Currency::Kwd);
                let fits = minor.is_ok_and(|minor| (1..=1_000_000_000).contains(&minor));
                prop_assert!(fits || amount.decimals > 3);
            }
        }
    }
}
