//! Dimensions rounded down, as dimensions more.
//!
//! A sum over resources thinks that two bins of 16 cores hold three pods of 10. Divided by 10 and rounded
//! down, a pod takes one and a bin has one: what fits a bin fits it rounded down as well, because the sum
//! of numbers rounded down is never more than their sum rounded down (Chvatal 1973).

use serde::{Deserialize, Serialize};

use super::{BinType, ItemType, Problem};

/// A dimension of a problem in which every demand and every capacity is divided and rounded down.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct RoundedDimension {
    /// The dimension, as its index in the problem.
    pub dimension: u32,
    /// What its amounts are divided by, in its unit; at least 1.
    #[schemars(range(min = 1))]
    pub divisor: u64,
}

impl Problem {
    /// Whether the problem has the dimension, and the divisor divides.
    pub fn may_round(&self, rounded: &RoundedDimension) -> bool {
        (rounded.dimension as usize) < self.dimensions.len() && rounded.divisor > 0
    }

    /// The same problem with these dimensions after its own. Item and bin types keep their numbers, and
    /// the same plans are valid. `None` if a dimension does not exist or a divisor is zero.
    pub fn with_rounded(&self, rounded: &[RoundedDimension]) -> Option<Problem> {
        if !rounded.iter().all(|r| self.may_round(r)) {
            return None;
        }
        let wider = |amounts: &[u64]| {
            let more = rounded.iter().map(|r| amounts[r.dimension as usize] / r.divisor);
            amounts.iter().copied().chain(more).collect()
        };
        let name =
            |r: &RoundedDimension| format!("{} / {}", self.dimensions[r.dimension as usize], r.divisor);
        Some(Problem {
            dimensions: self.dimensions.iter().cloned().chain(rounded.iter().map(name)).collect(),
            items: self
                .items
                .iter()
                .map(|item| ItemType { demand: wider(item.demand.as_slice()), ..item.clone() })
                .collect(),
            bins: self
                .bins
                .iter()
                .map(|bin| BinType { capacity: wider(bin.capacity.as_slice()), ..bin.clone() })
                .collect(),
            conflicts: self.conflicts.clone(),
            max_bin_types: self.max_bin_types,
            bin_limits: self.bin_limits.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::BinSet;
    use crate::units::Rate;

    fn cores(demands: &[u64], capacity: u64) -> Problem {
        let item = |&demand: &u64| ItemType {
            demand: [demand].into_iter().collect(),
            copies: 3,
            max_per_bin: None,
            eligible: BinSet::all(1),
        };
        let bin =
            BinType { capacity: [capacity].into_iter().collect(), rate: Rate::from_nanos(1), stock: None };
        Problem::new(vec!["cpu".into()], demands.iter().map(item).collect(), vec![bin], [], None).unwrap()
    }

    /// By ten: 10 -> 1, 25 -> 2, 9 -> 0, and 39 -> 3.
    #[test]
    fn demands_and_capacities_are_divided_and_rounded_down() {
        let by_ten = RoundedDimension { dimension: 0, divisor: 10 };
        let wider = cores(&[10, 25, 9], 39).with_rounded(&[by_ten]).unwrap();
        let rounded: Vec<u64> = wider.items().iter().map(|item| item.demand[1]).collect();
        assert_eq!(rounded, [1, 2, 0]);
        assert_eq!(wider.bins()[0].capacity.as_slice(), [39, 3]);
        assert_eq!(wider.dimensions(), ["cpu", "cpu / 10"]);
    }

    #[test]
    fn what_does_not_exist_is_not_rounded_and_nothing_is_divided_by_zero() {
        let problem = cores(&[10], 39);
        assert!(problem.with_rounded(&[RoundedDimension { dimension: 1, divisor: 10 }]).is_none());
        assert!(problem.with_rounded(&[RoundedDimension { dimension: 0, divisor: 0 }]).is_none());
    }
}
