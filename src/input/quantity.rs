//! Kubernetes quantities (`250m`, `1.5Gi`, `1e3`) as exact integers of a resource's base unit.
//!
//! The grammar is that of `resource.Quantity` in k8s.io/apimachinery: a decimal number, then one of
//! the suffixes `n u m k M G T P E`, `Ki Mi Gi Ti Pi Ei`, or an exponent `e3` / `E3`. `1E` is exa,
//! `1E3` is a thousand. Amounts finer than the base unit round up, as the scheduler sees them.

use crate::units::{Bytes, MilliCpu, ResourceName};

/// Why a text is no amount of a resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// No quantity at all; the advice names a likely intention.
    #[error("`{text}` is not a quantity")]
    Syntax {
        /// What was read.
        text: String,
        /// How it is probably meant.
        advice: Option<&'static str>,
    },
    /// Below zero.
    #[error("`{0}` is negative")]
    Negative(String),
    /// Beyond what 64 bits of base units, or 38 digits, hold.
    #[error("`{0}` is out of range")]
    Range(String),
    /// A fraction of something that comes in whole units only.
    #[error("`{0}` is not a whole number")]
    NotWhole(String),
}

impl QuantityError {
    /// What the writer may have meant.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            QuantityError::Syntax { advice, .. } => *advice,
            QuantityError::NotWhole(_) => Some("extended resources come in whole units"),
            _ => None,
        }
    }
}

/// CPU in millicores; finer amounts round up to the next millicore.
///
/// # Errors
/// Where the text is no quantity, is negative or does not fit.
pub fn parse_cpu(text: &str) -> Result<MilliCpu, QuantityError> {
    Exact::parse(text)?.ceil_times(1000, text).map(MilliCpu)
}

/// Memory or storage in bytes; fractions of a byte round up.
///
/// # Errors
/// Where the text is no quantity, is negative or does not fit.
pub fn parse_memory(text: &str) -> Result<Bytes, QuantityError> {
    Exact::parse(text)?.ceil_times(1, text).map(Bytes)
}

/// A number of whole units, such as GPUs.
///
/// # Errors
/// Where the text is no quantity, is negative, has a fraction or does not fit.
pub fn parse_count(text: &str) -> Result<u64, QuantityError> {
    let exact = Exact::parse(text)?;
    if !exact.is_whole() {
        return Err(QuantityError::NotWhole(text.to_owned()));
    }
    exact.ceil_times(1, text)
}

/// An amount of `resource` in its base unit.
///
/// # Errors
/// As [`parse_cpu`], [`parse_memory`] and [`parse_count`].
pub fn parse(resource: &ResourceName, text: &str) -> Result<u64, QuantityError> {
    match resource {
        ResourceName::Cpu => parse_cpu(text).map(|cpu| cpu.0),
        name if name.is_bytes() => parse_memory(text).map(|bytes| bytes.0),
        _ => parse_count(text),
    }
}

/// Why a legal amount of memory is nearly always a mistake: `512m` is half a byte, `512` are bytes.
pub fn suspicious_memory(text: &str) -> Option<&'static str> {
    if text.ends_with(['m', 'u', 'n']) {
        return Some("its suffix divides bytes; probably `Mi` is meant");
    }
    match parse_memory(text) {
        Ok(Bytes(bytes)) if bytes > 0 && bytes < 1 << 16 => Some("these are bytes; probably `Mi` is meant"),
        _ => None,
    }
}

/// `digits * 10^tens * 2^twos`, without loss.
#[derive(Debug, Clone, Copy)]
struct Exact {
    digits: u128,
    tens: i32,
    twos: u32,
}

impl Exact {
    fn parse(text: &str) -> Result<Self, QuantityError> {
        let syntax = || QuantityError::Syntax { text: text.to_owned(), advice: advice(text) };
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        let (negative, unsigned) = match unsigned.strip_prefix('-') {
            Some(rest) if unsigned.len() == text.len() => (true, rest),
            Some(_) => return Err(syntax()),
            None => (false, unsigned),
        };
        let number_end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(number_end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return Err(syntax());
        }
        let (suffix_tens, twos) = suffix_exponents(suffix).ok_or_else(syntax)?;

        let fraction = fraction.trim_end_matches('0');
        let range = || QuantityError::Range(text.to_owned());
        let mut digits: u128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let digit = u128::from(digit - b'0');
            digits = digits.checked_mul(10).and_then(|d| d.checked_add(digit)).ok_or_else(range)?;
        }
        if negative && digits > 0 {
            return Err(QuantityError::Negative(text.to_owned()));
        }
        let fraction_digits = i32::try_from(fraction.len()).map_err(|_| range())?;
        Ok(Exact { digits, tens: suffix_tens - fraction_digits, twos })
    }

    /// `ceil(self * scale)`.
    fn ceil_times(self, scale: u128, text: &str) -> Result<u64, QuantityError> {
        let range = || QuantityError::Range(text.to_owned());
        if self.digits == 0 {
            return Ok(0);
        }
        let scaled = self
            .digits
            .checked_mul(scale)
            .and_then(|n| n.checked_mul(1_u128 << self.twos))
            .ok_or_else(range)?;
        let power = 10_u128.checked_pow(self.tens.unsigned_abs());
        let value = if self.tens >= 0 {
            power.and_then(|p| scaled.checked_mul(p)).ok_or_else(range)?
        } else {
            // A divisor beyond u128 leaves less than one unit, which rounds up to one.
            power.map_or(1, |p| scaled.div_ceil(p))
        };
        u64::try_from(value).map_err(|_| range())
    }

    fn is_whole(self) -> bool {
        if self.tens >= 0 || self.digits == 0 {
            return true;
        }
        // A binary suffix can make a decimal fraction whole: 0.5Ki = 512.
        let scaled = self.digits.checked_mul(1_u128 << self.twos);
        let power = 10_u128.checked_pow(self.tens.unsigned_abs());
        matches!((scaled, power), (Some(n), Some(p)) if n.is_multiple_of(p))
    }
}

/// The powers of ten and of two that a suffix stands for.
fn suffix_exponents(suffix: &str) -> Option<(i32, u32)> {
    Some(match suffix {
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "" => (0, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            // Anything past four digits is out of any range; its sign still decides which way.
            let magnitude = digits.parse().unwrap_or(9999).min(9999);
            (if exponent.starts_with('-') { -magnitude } else { magnitude }, 0)
        }
    })
}

/// What a malformed quantity is usually meant to be.
fn advice(text: &str) -> Option<&'static str> {
    let suffix = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    match suffix {
        _ if text.is_empty() => Some("leave the key out where nothing is requested"),
        _ if text.trim() != text => Some("remove the blanks around it"),
        "K" | "KB" | "kB" | "kb" | "KiB" | "kib" | "ki" => Some("write `Ki` (1024) or `k` (1000)"),
        "MB" | "mb" | "Mb" | "MiB" | "mib" | "mi" => Some("write `Mi` (1024^2) or `M` (1000^2)"),
        "GB" | "gb" | "Gb" | "GiB" | "gib" | "gi" | "g" => Some("write `Gi` (1024^3) or `G` (1000^3)"),
        "TB" | "tb" | "Tb" | "TiB" | "tib" | "ti" | "t" => Some("write `Ti` (1024^4) or `T` (1000^4)"),
        _ if text.contains(',') => Some("write decimals with a point"),
        _ if text.contains("{{") => Some("this is a template: render it first, with `helm template` say"),
        _ => Some("write a number with a suffix, such as `250m` of cpu or `512Mi` of memory"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(text: &str) -> u64 {
        parse_cpu(text).unwrap().0
    }
    fn memory(text: &str) -> u64 {
        parse_memory(text).unwrap().0
    }

    #[test]
    fn cpu_is_in_millicores() {
        assert_eq!(cpu("1"), 1000);
        assert_eq!(cpu("250m"), 250);
        assert_eq!(cpu("0.5"), 500);
        assert_eq!(cpu(".5"), 500);
        assert_eq!(cpu("2."), 2000);
        assert_eq!(cpu("+1"), 1000);
        assert_eq!(cpu("1k"), 1_000_000);
        assert_eq!(cpu("0"), 0);
        assert_eq!(cpu("0.0"), 0);
        assert_eq!(cpu("-0"), 0);
    }

    #[test]
    fn cpu_finer_than_a_millicore_rounds_up() {
        assert_eq!(cpu("1n"), 1);
        assert_eq!(cpu("100u"), 1);
        assert_eq!(cpu("1000u"), 1);
        assert_eq!(cpu("1001u"), 2);
        assert_eq!(cpu("0.0005"), 1);
        assert_eq!(cpu("1.0001"), 1001);
    }

    #[test]
    fn memory_suffixes_are_decimal_or_binary() {
        let decimal = ["1k", "1M", "1G", "1T", "1P", "1E"];
        for (power, text) in decimal.iter().enumerate() {
            assert_eq!(memory(text), 1000_u64.pow(power as u32 + 1), "{text}");
        }
        let binary = ["1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
        for (power, text) in binary.iter().enumerate() {
            assert_eq!(memory(text), 1024_u64.pow(power as u32 + 1), "{text}");
        }
        assert_eq!(memory("512Mi"), 536_870_912);
        assert_eq!(memory("1.5Gi"), 1_610_612_736);
        assert_eq!(memory("128974848"), 128_974_848);
        assert_eq!(memory("129M"), 129_000_000);
    }

    #[test]
    fn an_exponent_is_no_exa() {
        assert_eq!(memory("1e3"), 1000);
        assert_eq!(memory("1E3"), 1000);
        assert_eq!(memory("1E"), 1_000_000_000_000_000_000);
        assert_eq!(memory("12.5e2"), 1250);
        assert_eq!(memory("1e+3"), 1000);
        assert_eq!(memory("1500e-3"), 2);
        assert_eq!(cpu("1e-3"), 1);
    }

    #[test]
    fn fractions_of_a_byte_round_up() {
        assert_eq!(memory("512m"), 1);
        assert_eq!(memory("1001m"), 2);
        assert_eq!(memory("0.1Ki"), 103); // 102.4
        assert_eq!(memory("1e-60"), 1);
    }

    #[test]
    fn memory_in_milli_is_suspicious() {
        assert!(suspicious_memory("512m").is_some());
        assert!(suspicious_memory("512").is_some());
        assert!(suspicious_memory("512Mi").is_none());
        assert!(suspicious_memory("128974848").is_none());
        assert!(suspicious_memory("0").is_none());
    }

    #[test]
    fn counts_are_whole() {
        assert_eq!(parse_count("2"), Ok(2));
        assert_eq!(parse_count("2000m"), Ok(2));
        assert_eq!(parse_count("2k"), Ok(2000));
        assert_eq!(parse_count("0.5Ki"), Ok(512));
        assert_eq!(parse_count("0.5"), Err(QuantityError::NotWhole("0.5".into())));
        assert_eq!(parse_count("1e-60"), Err(QuantityError::NotWhole("1e-60".into())));
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in [
            "", " 1", "1 ", "abc", "1Kib", "1K", "1MB", "1e", "1e3Ki", "1.2.3", ".", "-", "1,5", "--1",
            "+-1", "1_0",
        ] {
            assert!(matches!(parse_memory(text), Err(QuantityError::Syntax { .. })), "{text:?}");
        }
        assert_eq!(parse_memory("-1"), Err(QuantityError::Negative("-1".into())));
        assert_eq!(parse_memory("16Ei"), Err(QuantityError::Range("16Ei".into())));
        assert_eq!(memory("15Ei"), 15 << 60);
        assert_eq!(memory("18446744073709551615"), u64::MAX);
        for text in
            ["18446744073709551616", "1e30", "1e9999999999", "9999999999999999999999999999999999999999"]
        {
            assert!(matches!(parse_memory(text), Err(QuantityError::Range(_))), "{text:?}");
        }
    }

    #[test]
    fn advice_names_the_likely_unit() {
        let advice = |text| parse_memory(text).unwrap_err().advice().unwrap();
        assert!(advice("64MB").contains("Mi"));
        assert!(advice("64GB").contains("Gi"));
        assert!(advice("0,5").contains("point"));
    }
}
