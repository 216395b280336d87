//! Splits an amount so that its parts sum to it exactly.

use crate::units::Money;

/// Splits `total` in proportion to `weights` by largest remainder: each part is its exact share
/// rounded down or up to a nano-dollar, and the parts sum to `total`. Equal remainders go to the
/// earlier part. `None` when all weights are zero, or beyond 2^64 in all.
pub fn by_largest_remainder(total: Money, weights: &[u64]) -> Option<Vec<Money>> {
    let whole = weights.iter().try_fold(0u64, |sum, &w| sum.checked_add(w)).filter(|&sum| sum > 0)?;
    let whole = u128::from(whole);
    let magnitude = total.nanos().unsigned_abs();
    let (quotient, rest) = (magnitude / whole, magnitude % whole);
    // rest < 2^64 and a weight < 2^64, so their product fits into 128 bits.
    let mut parts: Vec<u128> = Vec::with_capacity(weights.len());
    let mut remainders: Vec<(u128, usize)> = Vec::with_capacity(weights.len());
    for (index, &weight) in weights.iter().enumerate() {
        let weight = u128::from(weight);
        parts.push(quotient * weight + rest * weight / whole);
        remainders.push((rest * weight % whole, index));
    }
    let missing = magnitude - parts.iter().sum::<u128>();
    remainders.sort_by_key(|&(remainder, index)| (std::cmp::Reverse(remainder), index));
    for &(_, index) in remainders.iter().take(usize::try_from(missing).ok()?) {
        parts[index] += 1;
    }
    let signed = |part: u128| {
        let part = i128::try_from(part).expect("a part is no larger than the whole");
        Money::from_nanos(if total.nanos() < 0 { -part } else { part })
    };
    Some(parts.into_iter().map(signed).collect())
}

/// `total * part / whole`, rounded half away from zero to a nano-dollar: a rate for display, not a
/// part of a sum. `None` when `whole` is zero.
pub fn pro_rata(total: Money, part: u64, whole: u64) -> Option<Money> {
    if whole == 0 {
        return None;
    }
    let whole_wide = u128::from(whole);
    let magnitude = total.nanos().unsigned_abs();
    let units = (magnitude / whole_wide).checked_mul(u128::from(part))?;
    let rest = (magnitude % whole_wide) * u128::from(part);
    let rounded = units.checked_add((rest + whole_wide / 2) / whole_wide)?;
    let rounded = i128::try_from(rounded).ok()?;
    Some(Money::from_nanos(if total.nanos() < 0 { -rounded } else { rounded }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_remainders_get_the_rest() {
        // 10 in shares of 1:1:1 is 3.33 each: one nano is left and goes to the first of equals.
        let parts = by_largest_remainder(Money::from_nanos(10), &[1, 1, 1]).unwrap();
        assert_eq!(parts, [4, 3, 3].map(Money::from_nanos));
        // 100 in 1:2:3 of 6 is 16.67, 33.33, 50: the first has the largest remainder.
        let parts = by_largest_remainder(Money::from_nanos(100), &[1, 2, 3]).unwrap();
        assert_eq!(parts, [17, 33, 50].map(Money::from_nanos));
        assert_eq!(by_largest_remainder(Money::from_nanos(5), &[0, 0]), None);
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole(total in -10i128.pow(24)..10i128.pow(24), weights in prop::collection::vec(0u64..1_000_000, 1..40)) {
            prop_assume!(weights.iter().any(|&w| w > 0));
            let whole: u64 = weights.iter().sum();
            let total = Money::from_nanos(total);
            let parts = by_largest_remainder(total, &weights).unwrap();
            prop_assert_eq!(parts.iter().copied().sum::<Money>(), total);
            for (part, &weight) in parts.iter().zip(&weights) {
                // No part is off its exact share by a nano or more.
                let off = part.nanos() * i128::from(whole) - total.nanos() * i128::from(weight);
                prop_assert!(off.unsigned_abs() < u128::from(whole));
            }
        }
    }
}
