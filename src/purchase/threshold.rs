//! One flexible pool alone: a unit is worth reserving if and only if it is used often enough.
//!
//! With hourly demand d_t in units, on-demand rate p and reserved rate r, paid every hour, unit k pays
//! exactly when the share of hours with d_t >= k exceeds r / p: the newsvendor's critical ratio. No other
//! commitment may cover the same demand; where one may, the linear programme decides.

use crate::units::Rate;

/// How many units to reserve at least cost: the most for which every unit is strictly worth it, so that
/// of two equally cheap answers the smaller one is given. `demand` holds units and for how many hours.
///
/// ```
/// use plimsoll::purchase::threshold;
/// use plimsoll::units::Rate;
/// // 10 hours: 6 with one node, 4 with three. Reserved at 60 % of on demand the first node pays
/// // (10 of 10 hours), the second and third do not (4 of 10).
/// let (on_demand, reserved) = (Rate::from_nanos(100), Rate::from_nanos(60));
/// assert_eq!(threshold(on_demand, reserved, &[(1, 6), (3, 4)]), 1);
/// assert_eq!(threshold(on_demand, Rate::from_nanos(30), &[(1, 6), (3, 4)]), 3);
/// ```
pub fn threshold(on_demand: Rate, reserved: Rate, demand: &[(u64, u64)]) -> u64 {
    let total: u128 = demand.iter().map(|&(_, hours)| u128::from(hours)).sum();
    let mut falling: Vec<(u64, u64)> = demand.to_vec();
    falling.sort_unstable_by(|a, b| b.cmp(a));
    let mut with_as_many = 0u128;
    for (units, hours) in falling {
        with_as_many += u128::from(hours);
        if with_as_many * u128::from(on_demand.nanos()) > total * u128::from(reserved.nanos()) {
            return units;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(p: u64, r: u64, demand: &[(u64, u64)], k: u64) -> u128 {
        let hour = |&(d, h): &(u64, u64)| {
            u128::from(h) * (u128::from(r) * u128::from(k) + u128::from(p) * u128::from(d.saturating_sub(k)))
        };
        demand.iter().map(hour).sum()
    }

    #[test]
    fn four_hundred_random_pools_equal_brute_force() {
        let mut rng = fastrand::Rng::with_seed(5);
        let mut bought = 0;
        for case in 0..400 {
            let p = rng.u64(1..200);
            let r = rng.u64(1..=p + 5);
            let demand: Vec<(u64, u64)> =
                (0..rng.usize(1..30)).map(|_| (rng.u64(0..25), rng.u64(0..5))).collect();
            let k = threshold(Rate::from_nanos(p), Rate::from_nanos(r), &demand);
            let best = (0..=26).min_by_key(|&k| (cost(p, r, &demand, k), k)).expect("some");
            assert_eq!(k, best, "case {case}: p {p} r {r} {demand:?}");
            bought += u32::from(k > 0);
        }
        assert!((100..400).contains(&bought), "both answers occur: {bought}");
    }
}
