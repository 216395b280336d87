//! Dimensions that the relaxation lacks: rounded ones that its solution does not keep to.
//!
//! The relaxation fills a bin of 16 cores with 1.9 pods of 8.3. Where large pods count, its bound is too
//! low and its mix of bins leads nowhere, because no other pods are left for the half that stays empty.
//! Rounded down by some divisor, a bin holds so many large pods at most; such a dimension is added where
//! that changes what the relaxation costs, and the relaxation solved once more.

use super::control::{Event, Meter, Observer, Phase};
use super::instance::Instance;
use super::knapsack_lp::Columns;
use super::promising::FEW;
use super::relaxation::{self, Prices};
use crate::problem::{ItemTypeId, Problem, RoundedDimension};

/// Each is a dimension more in all that follows.
const MOST: usize = 4;
/// Divisors are such that a bin holds one large copy, two, and up to so many.
const MOST_PER_BIN: u64 = 4;
/// Share of the cost that bins lack for a dimension to be added.
const LACKING: f64 = 1e-4;
/// Share of the cost that a dimension has to add to stay.
const ADDED: f64 = 1e-6;
/// No dimension is looked for after this share of the budget.
const UNTIL: f64 = 0.25;

/// A problem with the rounded dimensions that count, ready to be searched.
pub(super) struct Widened {
    pub problem: Problem,
    /// The dimensions added, after the problem's own.
    pub rounded: Vec<RoundedDimension>,
    pub instance: Instance,
    pub columns: Vec<Columns>,
    /// `None` where nothing takes up any resource: there is nothing to relax.
    pub prices: Option<Prices>,
}

/// Reduces a problem and relaxes it, with rounded dimensions where they count. Only its first `dimensions` are
/// rounded: cliques follow them.
///
/// # Errors
/// Item types that fit no bin type.
pub(super) fn relax(
    problem: &Problem,
    dimensions: usize,
    meter: &Meter<'_>,
    observer: &dyn Observer,
) -> Result<Widened, Vec<ItemTypeId>> {
    let mut now = relaxed(problem.clone(), Vec::new(), &[], observer)?;
    while now.rounded.len() < MOST
        && meter.share_used() < UNTIL
        && let Some(prices) = &now.prices
        // Of few bins patterns soon say all this and more, and without the dimension they are sooner searched.
        && prices.bins.iter().sum::<f64>() > FEW
        && let Some(next) = most_lacking(&now.problem, &now.instance, prices, dimensions)
    {
        let rounded: Vec<_> = now.rounded.iter().copied().chain([next]).collect();
        let Some(wider) = problem.with_rounded(&rounded) else { break };
        // A divisor is a demand, so that rounding keeps the order of capacities, as far as demands can use them:
        // the same kinds are dominated, and have the same numbers.
        let wider = relaxed(wider, rounded, &bought(prices), observer)?;
        debug_assert_eq!(wider.instance.kinds.len(), now.instance.kinds.len(), "the same kinds");
        let costs = cost(&now.instance, prices);
        if wider.prices.as_ref().is_none_or(|p| cost(&wider.instance, p) - costs <= ADDED * costs) {
            break;
        }
        now = wider;
    }
    Ok(now)
}

fn relaxed(
    problem: Problem,
    rounded: Vec<RoundedDimension>,
    kinds: &[usize],
    observer: &dyn Observer,
) -> Result<Widened, Vec<ItemTypeId>> {
    observer.on(&Event::Phase(Phase::Reduce));
    let instance = Instance::reduce(&problem)?;
    let columns = relaxation::all_columns(&instance);
    observer.on(&Event::Phase(Phase::Relaxation));
    let prices = match instance.shapes.is_empty() {
        true => None,
        false => relaxation::solve(&instance, &columns, kinds).ok(),
    };
    Ok(Widened { problem, rounded, instance, columns, prices })
}

fn bought(prices: &Prices) -> Vec<usize> {
    (0..prices.bins.len()).filter(|&t| prices.bins[t] > 1e-6).collect()
}

/// Nano-dollars per hour.
fn cost(instance: &Instance, prices: &Prices) -> f64 {
    prices.bins.iter().zip(&instance.kinds).map(|(bins, kind)| bins * kind.rate as f64).sum()
}

/// The rounded dimension for which the relaxation's bins lack most money's worth, if they lack enough.
fn most_lacking(
    problem: &Problem,
    instance: &Instance,
    prices: &Prices,
    dimensions: usize,
) -> Option<RoundedDimension> {
    let bought = bought(prices);
    let own = instance.dimensions.iter().enumerate().filter(|(_, dimension)| **dimension < dimensions);
    let mut worst: Option<(f64, RoundedDimension)> = None;
    for (k, &dimension) in own {
        let capacity = |t: usize| problem.bin(instance.kinds[t].id).capacity[dimension];
        let mut demands: Vec<u64> = instance.shapes.iter().map(|s| s.demand[k]).collect();
        demands.sort_unstable();
        // The smallest demand of which a bin holds no more than so many stands for all divisors up to it.
        let smallest = |t: usize, most: u64| {
            let above = capacity(t) / (most + 1);
            demands.get(demands.partition_point(|&d| d <= above)).copied()
        };
        let mut divisors: Vec<u64> = bought
            .iter()
            .flat_map(|&t| (1..=MOST_PER_BIN).filter_map(move |most| smallest(t, most)))
            .filter(|&divisor| divisor > 1)
            .collect();
        divisors.sort_unstable();
        divisors.dedup();
        for divisor in divisors {
            let lacking: f64 = bought
                .iter()
                .map(|&t| {
                    let taken = instance.shapes.iter().zip(&prices.assigned[t]);
                    let taken: f64 = taken.map(|(s, copies)| (s.demand[k] / divisor) as f64 * copies).sum();
                    // Nothing that counts lies on a bin that has none.
                    let bins = taken / (capacity(t) / divisor).max(1) as f64;
                    (bins - prices.bins[t]).max(0.0) * instance.kinds[t].rate as f64
                })
                .sum();
            if worst.as_ref().is_none_or(|&(most, _)| lacking > most) {
                worst = Some((lacking, RoundedDimension { dimension: dimension as u32, divisor }));
            }
        }
    }
    worst.filter(|&(lacking, _)| lacking > LACKING * cost(instance, prices)).map(|(_, rounded)| rounded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{BinSet, BinType, ItemType};
    use crate::solver::control::{Budget, Silent};
    use crate::units::Rate;

    /// Two hundred copies each of some demands on bins of 16 at a rate of 100.
    fn widened(demands: &[u64]) -> Widened {
        let item = |&demand: &u64| ItemType {
            demand: [demand].into_iter().collect(),
            copies: 200,
            max_per_bin: None,
            eligible: BinSet::all(1),
        };
        let bin = BinType { capacity: [16].into_iter().collect(), rate: Rate::from_nanos(100), stock: None };
        let problem =
            Problem::new(vec!["cpu".into()], demands.iter().map(item).collect(), vec![bin], [], None)
                .unwrap();
        relax(&problem, 1, &Meter::start(Budget::default()), &Silent).unwrap()
    }

    /// Two hundred times 9 and 11 are 250 times 16, but each of the 400 copies needs a bin of its own.
    #[test]
    fn copies_larger_than_half_a_bin_need_a_bin_each() {
        let widened = widened(&[9, 11]);
        assert_eq!(widened.rounded, [RoundedDimension { dimension: 0, divisor: 9 }]);
        let cost = cost(&widened.instance, &widened.prices.unwrap());
        assert!((cost - 40_000.0).abs() < 1e-3, "{cost}");
    }

    #[test]
    fn nothing_is_added_where_copies_fill_bins() {
        let widened = widened(&[4, 7, 8]);
        assert!(widened.rounded.is_empty());
        assert_eq!(widened.problem.dimensions(), ["cpu"]);
    }
}
