//! Numbers as people read them: grouped digits, percentages, money of a currency.

use crate::bill::Ratio;
use crate::units::Money;

/// `1,234,567`.
pub(super) fn grouped(number: impl Into<u128>) -> String {
    group(&number.into().to_string())
}

/// Groups the whole part of an unsigned decimal.
fn group(decimal: &str) -> String {
    let (whole, fraction) = match decimal.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (decimal, None),
    };
    let mut out = String::with_capacity(decimal.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// How amounts of a currency are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Currency<'a> {
    code: &'a str,
    /// Whether amounts are written without cents; by the amount itself where nothing is said.
    whole: Option<bool>,
}

/// From here on cents no longer matter, in nano-units.
const WHOLE: i128 = 10_000 * 1_000_000_000;

impl<'a> Currency<'a> {
    /// From its ISO 4217 code.
    pub(super) fn new(code: &'a str) -> Self {
        Currency { code, whole: None }
    }

    /// With cents: `$1,234.50`, `-EUR 3.00`.
    pub(super) fn cents(self, money: Money) -> String {
        self.with_symbol(&money.to_cents_string())
    }

    /// The same precision for all amounts of a table, so that its columns line up.
    pub(super) fn aligned(self, amounts: impl IntoIterator<Item = Money>) -> Self {
        let whole = amounts.into_iter().any(|money| money.nanos().abs() >= WHOLE);
        Currency { whole: Some(whole), ..self }
    }

    /// Whole units where cents no longer matter, from 10,000 on: `$12,345`.
    pub(super) fn short(self, money: Money) -> String {
        const UNIT: i128 = 1_000_000_000;
        if !self.whole.unwrap_or(money.nanos().abs() >= WHOLE) {
            return self.cents(money);
        }
        let units = (money.nanos().unsigned_abs() + UNIT.unsigned_abs() / 2) / UNIT.unsigned_abs();
        self.with_symbol(&format!("{}{units}", if money.nanos() < 0 && units > 0 { "-" } else { "" }))
    }

    /// A rate to four decimals, for columns: `$0.1921`.
    pub(super) fn rounded_rate(self, rate: Money) -> String {
        const TENTH_OF_A_MILLI: i128 = 100_000;
        let half = if rate.nanos() < 0 { -TENTH_OF_A_MILLI / 2 } else { TENTH_OF_A_MILLI / 2 };
        let steps = (rate.nanos() + half) / TENTH_OF_A_MILLI;
        self.rate(Money::from_nanos(steps * TENTH_OF_A_MILLI))
    }

    /// A rate with at least four decimals: `$0.1920`.
    pub(super) fn rate(self, rate: Money) -> String {
        let exact = rate.to_string();
        let decimals = exact.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let padded = match decimals {
            0 => format!("{exact}.0000"),
            1..4 => format!("{exact}{}", "0".repeat(4 - decimals)),
            _ => exact,
        };
        self.with_symbol(&padded)
    }

    fn with_symbol(self, decimal: &str) -> String {
        let (sign, magnitude) = match decimal.strip_prefix('-') {
            Some(magnitude) => ("-", magnitude),
            None => ("", decimal),
        };
        let grouped = group(magnitude);
        if self.code == "USD" {
            format!("{sign}${grouped}")
        } else {
            format!("{sign}{} {grouped}", self.code)
        }
    }
}

/// `12.3 %`.
pub(super) fn percent(ratio: Ratio) -> String {
    format!("{} %", ratio.percent(1))
}

/// A gap: as many decimals as it takes to show that it is not zero.
pub(super) fn gap_percent(ratio: Ratio) -> String {
    let nanos = ratio.nanos().unsigned_abs();
    let decimals = match nanos {
        0 => 0,
        // From 1 % down: two significant digits.
        1..10 => 7,
        10..100 => 7,
        100..1_000 => 6,
        1_000..10_000 => 5,
        10_000..100_000 => 4,
        100_000..1_000_000 => 3,
        _ => 2,
    };
    format!("{} %", ratio.percent(decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_signed() {
        let usd = Currency::new("USD");
        let money = |text: &str| text.parse::<Money>().unwrap();
        assert_eq!(usd.cents(money("1234567.891")), "$1,234,567.89");
        assert_eq!(usd.cents(money("-0.5")), "-$0.50");
        assert_eq!(Currency::new("EUR").cents(money("12")), "EUR 12.00");
        assert_eq!(usd.short(money("9999.99")), "$9,999.99");
        assert_eq!(usd.short(money("-12345.5")), "-$12,346");
        let table = usd.aligned(["3", "12345"].map(money));
        assert_eq!(table.short(money("9.5")), "$10", "as precise as the others");
        assert_eq!(usd.rate(money("0.192")), "$0.1920");
        assert_eq!(usd.rate(money("0.0000125")), "$0.0000125");
        assert_eq!(grouped(1_000u64), "1,000");
        assert_eq!(grouped(999u64), "999");
    }

    #[test]
    fn a_small_gap_still_shows() {
        let gap = |part, whole| gap_percent(Ratio::of(part, whole).unwrap());
        assert_eq!(gap(0, 1), "0 %");
        assert_eq!(gap(3, 100), "3.00 %");
        assert_eq!(gap(31, 100_000), "0.031 %");
        assert_eq!(gap(1, 1_000_000_000), "0.0000001 %");
    }
}
