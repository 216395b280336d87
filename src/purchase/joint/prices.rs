//! What nodes count at while levels are packed.

use std::collections::BTreeMap;

use crate::units::Rate;

/// What a node of each type counts at, per level: nano-dollars an hour instead of its on-demand rate.
pub(super) struct Prices {
    /// Per level and catalog type; types that no level may use are missing.
    pub(super) levels: Vec<BTreeMap<usize, u64>>,
    /// On-demand rate per catalog type.
    pub(super) on_demand: BTreeMap<usize, u64>,
}

impl Prices {
    /// A node's whole rate with its on-demand part replaced; never nothing, so that no node is wasted.
    pub(super) fn of(&self, level: usize, catalog_type: usize, rate: Rate) -> Rate {
        match (self.levels[level].get(&catalog_type), self.on_demand.get(&catalog_type)) {
            (Some(&price), Some(&on_demand)) => {
                let beside = rate.nanos().saturating_sub(on_demand);
                let price = price.min(on_demand).max(on_demand / 1_000).max(1);
                // Spot nodes, which no commitment covers, keep their rate.
                Rate::from_nanos(beside + price).min(rate)
            }
            _ => rate,
        }
    }

    /// Halfway to other prices.
    pub(super) fn mixed(&self, other: &Prices) -> Prices {
        let levels = self
            .levels
            .iter()
            .zip(&other.levels)
            .map(|(a, b)| {
                a.iter().map(|(&t, &p)| (t, u64::midpoint(p, b.get(&t).copied().unwrap_or(p)))).collect()
            })
            .collect();
        Prices { levels, on_demand: self.on_demand.clone() }
    }
}
