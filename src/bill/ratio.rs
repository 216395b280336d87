//! Shares and gaps as exact decimals with nine digits: figures for people that are never summed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units::{DecimalError, Money};

/// A dimensionless fraction in units of 10^-9; may be negative or above one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ratio(i128);

const ONE: i128 = 1_000_000_000;

impl Ratio {
    /// None of it.
    pub const ZERO: Ratio = Ratio(0);
    /// All of it.
    pub const ONE: Ratio = Ratio(ONE);

    /// `part / whole`, rounded half away from zero; `None` when `whole` is zero.
    pub fn of(part: u64, whole: u64) -> Option<Ratio> {
        Ratio::of_wide(i128::from(part), i128::from(whole))
    }

    /// `part / whole`, rounded half away from zero; `None` when `whole` is zero.
    pub fn of_money(part: Money, whole: Money) -> Option<Ratio> {
        Ratio::of_wide(part.nanos(), whole.nanos())
    }

    /// `part / whole`, rounded half away from zero; `None` when `whole` is zero or the result out of range.
    pub fn of_wide(part: i128, whole: i128) -> Option<Ratio> {
        if whole == 0 {
            return None;
        }
        let negative = (part < 0) != (whole < 0);
        let (part, whole) = (part.unsigned_abs(), whole.unsigned_abs());
        // Whole units and the rest apart: their product with 10^9 stays in range for longer.
        let units = (part / whole).checked_mul(ONE.unsigned_abs())?;
        let rest = (part % whole).checked_mul(ONE.unsigned_abs())?;
        let magnitude = i128::try_from(units.checked_add((rest + whole / 2) / whole)?).ok()?;
        Some(Ratio(if negative { -magnitude } else { magnitude }))
    }

    /// (cost - bound) / cost, rounded up so that a gap that exists never reads as zero.
    /// Zero when both are equal.
    pub fn gap(cost: Money, bound: Money) -> Option<Ratio> {
        let distance = (cost - bound).nanos();
        if distance <= 0 || cost.nanos() <= 0 {
            return (distance == 0).then_some(Ratio::ZERO);
        }
        let (part, whole) = (distance.unsigned_abs(), cost.nanos().unsigned_abs());
        let scaled = part.checked_mul(ONE.unsigned_abs())?.div_ceil(whole);
        i128::try_from(scaled).ok().map(Ratio)
    }

    /// With the other sign: a saving as a change.
    pub const fn negated(self) -> Ratio {
        Ratio(-self.0)
    }

    /// In units of 10^-9.
    pub const fn nanos(self) -> i128 {
        self.0
    }

    /// As a percentage with `decimals` (at most 7), rounded half away from zero, without the sign: `12.3`.
    pub fn percent(self, decimals: u32) -> String {
        scaled(self.0 * 100, decimals)
    }

    /// As a plain number with `decimals` (at most 9), rounded half away from zero: `5.3`.
    pub fn fixed(self, decimals: u32) -> String {
        scaled(self.0, decimals)
    }
}

/// Writes units of 10^-9 with a fixed number of decimals.
fn scaled(nanos: i128, decimals: u32) -> String {
    let step = 10u128.pow(9 - decimals.min(9));
    let rounded = (nanos.unsigned_abs() + step / 2) / step;
    let one = 10u128.pow(decimals.min(9));
    let sign = if nanos < 0 && rounded > 0 { "-" } else { "" };
    if decimals == 0 {
        return format!("{sign}{rounded}");
    }
    format!("{sign}{}.{:0width$}", rounded / one, rounded % one, width = decimals as usize)
}

impl fmt::Display for Ratio {
    /// The exact decimal fraction, without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Money::from_nanos(self.0).fmt(f)
    }
}

impl FromStr for Ratio {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        text.parse::<Money>().map(|m| Ratio(m.nanos()))
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Ratio {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ratio".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_round_half_away_from_zero() {
        assert_eq!(Ratio::of(1, 3).unwrap().to_string(), "0.333333333");
        assert_eq!(Ratio::of(2, 3).unwrap().to_string(), "0.666666667");
        assert_eq!(Ratio::of_wide(-2, 3).unwrap().to_string(), "-0.666666667");
        assert_eq!(Ratio::of(1, 0), None);
        assert_eq!(Ratio::of(1, 8).unwrap().percent(1), "12.5");
        assert_eq!(Ratio::of_wide(-1, 100_000).unwrap().percent(1), "0.0");
        assert_eq!(Ratio::of(155, 100).unwrap().fixed(0), "2");
    }

    #[test]
    fn a_gap_never_rounds_to_zero() {
        let gap = |cost, bound| Ratio::gap(Money::from_nanos(cost), Money::from_nanos(bound));
        assert_eq!(gap(100, 100), Some(Ratio::ZERO));
        assert_eq!(gap(10i128.pow(12), 10i128.pow(12) - 1).unwrap().to_string(), "0.000000001");
        assert_eq!(gap(200, 150).unwrap().percent(0), "25");
        assert_eq!(gap(100, 101), None, "a bound above the cost is no gap");
        assert_eq!(gap(0, 0), Some(Ratio::ZERO));
    }
}
