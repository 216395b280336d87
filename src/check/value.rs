//! Item types as a checker sees them, and the value of a pattern at most, by resource prices.

use std::collections::BTreeMap;

use super::gcd;
use crate::problem::{BinTypeId, ItemTypeId, Problem};

/// The item types of a problem, those of equal demand side by side.
pub(super) struct Items<'a> {
    pub problem: &'a Problem,
    /// Dimensions that some item demands.
    demanded: Vec<usize>,
    /// What of each bin type's capacity can be in use, in the problem's dimensions.
    usable: Vec<Vec<u64>>,
    /// Item types of equal demand: together they are no more than what fits.
    alike: Vec<Vec<ItemTypeId>>,
    /// Item types that may not share a bin with this one.
    pub conflicts: BTreeMap<ItemTypeId, Vec<ItemTypeId>>,
}

impl<'a> Items<'a> {
    pub(super) fn of(problem: &'a Problem) -> Self {
        let demanded = (0..problem.dimensions().len())
            .filter(|&k| problem.items().iter().any(|item| item.demand[k] > 0))
            .collect();
        // All that lies in a bin adds up to a multiple of what every demand is a multiple of.
        let steps: Vec<u64> = (0..problem.dimensions().len())
            .map(|k| problem.items().iter().map(|item| item.demand[k]).fold(0, gcd))
            .collect();
        let usable = problem
            .bins()
            .iter()
            .map(|bin| {
                bin.capacity
                    .as_slice()
                    .iter()
                    .zip(&steps)
                    .map(|(&c, &s)| c - c.checked_rem(s).unwrap_or(0))
                    .collect()
            })
            .collect();
        let mut alike: BTreeMap<&[u64], Vec<ItemTypeId>> = BTreeMap::new();
        for (j, item) in problem.item_ids().zip(problem.items()) {
            alike.entry(item.demand.as_slice()).or_default().push(j);
        }
        let mut conflicts: BTreeMap<ItemTypeId, Vec<ItemTypeId>> = BTreeMap::new();
        for &(a, b) in problem.conflicts() {
            conflicts.entry(a).or_default().push(b);
            conflicts.entry(b).or_default().push(a);
        }
        Items { problem, demanded, usable, alike: alike.into_values().collect(), conflicts }
    }

    /// Dimensions that some item demands.
    pub(super) fn demanded(&self) -> &[usize] {
        &self.demanded
    }

    /// What of the capacity of a bin of type `t` can be in use, dimension by dimension: the largest
    /// multiple of the greatest common divisor of all demands.
    pub(super) fn usable(&self, t: BinTypeId) -> &[u64] {
        &self.usable[t.index()]
    }

    /// Item types of equal demand, side by side.
    pub(super) fn alike(&self) -> &[Vec<ItemTypeId>] {
        &self.alike
    }

    /// How many copies of `demand` fit into a bin of type `t`, whatever copies there are.
    pub(super) fn room(&self, demand: &[u64], t: BinTypeId) -> u64 {
        let capacity = self.usable(t);
        demand.iter().zip(capacity).filter(|(d, _)| **d > 0).map(|(d, c)| c / d).min().unwrap_or(u64::MAX)
    }

    /// The most copies of `item` in one bin of type `t`.
    pub(super) fn most(&self, item: ItemTypeId, t: BinTypeId) -> u64 {
        let it = self.problem.item(item);
        if !it.eligible.contains(t) {
            return 0;
        }
        let room = self.room(it.demand.as_slice(), t);
        room.min(it.copies).min(it.max_per_bin.unwrap_or(u64::MAX))
    }

    /// floor((n . W + sum over groups of equal demand of the best copies' d pi_j - n . w) / d), where
    /// a group has at most as many copies as fit; copies below zero are left out. `None` past 128 bits.
    pub(super) fn value_by_resource_prices(
        &self,
        t: BinTypeId,
        prices: &[u64],
        numerators: &[u64],
        denominator: u64,
    ) -> Option<u128> {
        let dot = |amounts: &[u64]| {
            numerators
                .iter()
                .zip(amounts)
                .try_fold(0u128, |sum, (&n, &a)| sum.checked_add(u128::from(n) * u128::from(a)))
        };
        let mut total = dot(self.usable(t))?;
        for group in &self.alike {
            let demand = self.problem.item(group[0]).demand.as_slice();
            let mut room = self.room(demand, t);
            let mut offers: Vec<(u64, u64)> = group
                .iter()
                .map(|&j| (prices[j.index()], self.most(j, t)))
                .filter(|&(price, most)| price > 0 && most > 0)
                .collect();
            if offers.is_empty() {
                continue;
            }
            offers.sort_unstable_by(|a, b| b.cmp(a));
            let used = dot(demand);
            for (price, most) in offers {
                let worth = u128::from(price) * u128::from(denominator);
                // Resources worth more than 128 bits can say are worth more than any copy.
                let Some(gain) = used.and_then(|used| worth.checked_sub(used)).filter(|gain| *gain > 0)
                else {
                    break;
                };
                let copies = most.min(room);
                total = total.checked_add(gain.checked_mul(copies.into())?)?;
                room -= copies;
            }
        }
        Some(total / u128::from(denominator))
    }
}
