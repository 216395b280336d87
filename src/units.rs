//! Quantities with their units in the type: resources, money and rates, in checked integers.
//!
//! Nothing here is a float. CPU is in millicores, memory and storage in bytes, money in
//! nano-dollars (10^-9 of the catalog's currency), rates in nano-dollars per hour.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Neg, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod resources;

pub use resources::{Bytes, MilliCpu, ResourceName, Resources};

/// Hours that finance counts as one month: 8,760 h / 12.
pub const HOURS_PER_MONTH: u64 = 730;
/// Hours of a year as the providers bill it; leap days are ignored (EC2 user guide).
pub const HOURS_PER_YEAR: u64 = 8_760;

/// The smallest unit of money held: 10^-9 of the currency.
const NANO: u64 = 1_000_000_000;
const DECIMALS: usize = 9;

/// Why a decimal could not be read as an exact amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not of the form `[-]digits[.digits]`.
    #[error("`{0}` is not a plain decimal number")]
    Syntax(String),
    /// More than nine decimals: refused, because rounding a price is not ours to do.
    #[error("`{0}` has more than nine decimals")]
    TooPrecise(String),
    /// Beyond the range held.
    #[error("`{0}` is out of range")]
    Range(String),
    /// Below zero where only zero or more makes sense.
    #[error("`{0}` is negative")]
    Negative(String),
}

/// Reads `[-]digits[.digits]` into units of 10^-9, exactly.
fn parse_nanos(text: &str) -> Result<i128, DecimalError> {
    let syntax = || DecimalError::Syntax(text.to_owned());
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
        return Err(syntax());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > DECIMALS {
        return Err(DecimalError::TooPrecise(text.to_owned()));
    }
    let range = || DecimalError::Range(text.to_owned());
    let whole: i128 = whole.parse().map_err(|_| range())?;
    let mut nanos: i128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| syntax())? };
    for _ in fraction.len()..DECIMALS {
        nanos *= 10;
    }
    let value = whole.checked_mul(i128::from(NANO)).and_then(|w| w.checked_add(nanos)).ok_or_else(range)?;
    Ok(if negative { -value } else { value })
}

/// Writes units of 10^-9 as a decimal without trailing zeros.
fn format_nanos(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let magnitude = nanos.unsigned_abs();
    let (whole, fraction) = (magnitude / u128::from(NANO), magnitude % u128::from(NANO));
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = format!("{fraction:09}");
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}

/// A price per hour: integer nano-dollars per hour, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rate(u64);

impl Rate {
    /// Free of charge.
    pub const ZERO: Rate = Rate(0);

    /// From nano-dollars per hour.
    pub const fn from_nanos(nanos: u64) -> Self {
        Rate(nanos)
    }

    /// Nano-dollars per hour.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// What `hours` at this rate cost.
    pub fn for_hours(self, hours: u64) -> Money {
        Money(i128::from(self.0) * i128::from(hours))
    }

    /// What one hour costs.
    pub fn for_one_hour(self) -> Money {
        Money(i128::from(self.0))
    }

    /// The sum, or `None` past the range.
    pub fn checked_add(self, other: Rate) -> Option<Rate> {
        self.0.checked_add(other.0).map(Rate)
    }
}

impl FromStr for Rate {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let nanos = parse_nanos(text)?;
        if nanos < 0 {
            return Err(DecimalError::Negative(text.to_owned()));
        }
        u64::try_from(nanos).map(Rate).map_err(|_| DecimalError::Range(text.to_owned()))
    }
}

impl fmt::Display for Rate {
    /// The exact decimal, in currency units per hour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format_nanos(i128::from(self.0)))
    }
}

/// An amount of money: integer nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i128);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// From nano-dollars.
    pub const fn from_nanos(nanos: i128) -> Self {
        Money(nanos)
    }

    /// Nano-dollars.
    pub const fn nanos(self) -> i128 {
        self.0
    }

    /// `self * factor`, or `None` past the range.
    pub fn checked_mul(self, factor: i128) -> Option<Money> {
        self.0.checked_mul(factor).map(Money)
    }

    /// Rounded half away from zero to whole cents, as finance prints it: `1234.50`.
    pub fn to_cents_string(self) -> String {
        const PER_CENT: u128 = 10_000_000;
        let cents = (self.0.unsigned_abs() + PER_CENT / 2) / PER_CENT;
        let sign = if self.0 < 0 && cents > 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", cents / 100, cents % 100)
    }

    /// `self / whole` as a fraction for printed percentages; `None` when `whole` is zero.
    pub fn ratio_to(self, whole: Money) -> Option<f64> {
        (whole.0 != 0).then(|| self.0 as f64 / whole.0 as f64)
    }
}

impl Add for Money {
    type Output = Money;
    /// Panics past +-10^29 dollars, which no bill reaches.
    fn add(self, other: Money) -> Money {
        Money(self.0.checked_add(other.0).expect("sums of money stay within i128 nano-dollars"))
    }
}

impl Sub for Money {
    type Output = Money;
    /// Panics past +-10^29 dollars, which no bill reaches.
    fn sub(self, other: Money) -> Money {
        Money(self.0.checked_sub(other.0).expect("sums of money stay within i128 nano-dollars"))
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(-self.0)
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(iter: I) -> Money {
        iter.fold(Money::ZERO, Add::add)
    }
}

impl FromStr for Money {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        parse_nanos(text).map(Money)
    }
}

impl fmt::Display for Money {
    /// The exact decimal, in currency units.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format_nanos(self.0))
    }
}

/// Decimals travel as strings, so that no reader turns them into floats.
macro_rules! serde_as_decimal_string {
    ($type:ty, $pattern:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.to_string())
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                })
            }
        }
    };
}
serde_as_decimal_string!(Rate, r"^[0-9]+(\.[0-9]{1,9})?$");
serde_as_decimal_string!(Money, r"^-?[0-9]+(\.[0-9]{1,9})?$");

/// A share in parts per million, for settings such as headroom and for blends; 1_000_000 is all.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct PartsPerMillion(pub u32);

impl PartsPerMillion {
    /// Everything.
    pub const ONE: PartsPerMillion = PartsPerMillion(1_000_000);

    /// This share of `amount`, rounded down.
    pub fn floor_of(self, amount: u64) -> u64 {
        u64::try_from(u128::from(amount) * u128::from(self.0) / 1_000_000).unwrap_or(u64::MAX)
    }

    /// This share of `amount`, rounded up.
    pub fn ceil_of(self, amount: u64) -> u64 {
        u64::try_from((u128::from(amount) * u128::from(self.0)).div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for PartsPerMillion {
    /// As a percentage: `7.5 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} %", format_nanos(i128::from(self.0) * i128::from(NANO) / 10_000)))
    }
}

impl FromStr for PartsPerMillion {
    type Err = DecimalError;
    /// Reads `7.5%` as a percentage and `0.075` as a fraction.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (number, per_unit) = match text.trim().strip_suffix('%') {
            Some(percent) => (percent.trim_end(), 10_000),
            None => (text.trim(), 1_000_000),
        };
        let nanos = parse_nanos(number)?;
        if nanos < 0 {
            return Err(DecimalError::Negative(text.to_owned()));
        }
        let scaled = nanos.checked_mul(per_unit).ok_or_else(|| DecimalError::Range(text.to_owned()))?;
        if scaled % i128::from(NANO) != 0 {
            return Err(DecimalError::TooPrecise(text.to_owned()));
        }
        u32::try_from(scaled / i128::from(NANO))
            .map(PartsPerMillion)
            .map_err(|_| DecimalError::Range(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_decimals() {
        let rate: Rate = "0.0104".parse().unwrap();
        assert_eq!(rate.nanos(), 10_400_000);
        assert_eq!(rate.to_string(), "0.0104");
        assert_eq!(rate.for_hours(730).to_string(), "7.592");
        assert_eq!("0.1234567890".parse::<Rate>().unwrap().nanos(), 123_456_789);
    }

    #[test]
    fn what_is_no_exact_rate_is_refused() {
        for text in ["", ".", "1.", ".5", "+1", "1e3", "0,5", "NaN", "1 "] {
            assert_eq!(text.parse::<Rate>(), Err(DecimalError::Syntax(text.into())), "{text:?}");
        }
        assert_eq!("0.1234567891".parse::<Rate>(), Err(DecimalError::TooPrecise("0.1234567891".into())));
        assert_eq!("-1".parse::<Rate>(), Err(DecimalError::Negative("-1".into())));
        assert_eq!("18446744074".parse::<Rate>(), Err(DecimalError::Range("18446744074".into())));
    }

    #[test]
    fn cents_round_half_away_from_zero() {
        let money = |s: &str| s.parse::<Money>().unwrap().to_cents_string();
        assert_eq!(money("1.005"), "1.01");
        assert_eq!(money("-1.005"), "-1.01");
        assert_eq!(money("-0.004"), "0.00");
        assert_eq!(money("600000"), "600000.00");
    }

    #[test]
    fn shares_read_percent_and_fraction() {
        assert_eq!("7.5%".parse(), Ok(PartsPerMillion(75_000)));
        assert_eq!("0.075".parse(), Ok(PartsPerMillion(75_000)));
        assert_eq!(PartsPerMillion(75_000).to_string(), "7.5 %");
        assert_eq!(PartsPerMillion(75_000).ceil_of(100), 8);
        assert_eq!(PartsPerMillion(75_000).floor_of(100), 7);
    }
}
