//! A lower bound for pooled plans, which that of free plans is not always near: a group of 40 % of all
//! demand that must lie in one pool may cost more than the same items spread over several.
//!
//! The resource-price relaxation is branched on where a group lies that it splits: in one of the pools that
//! are more like the one that holds most of it, or in one of those more like the second. Either way only the
//! set of bin types of its items shrinks, so that every case is an ordinary problem, bounded in integers like
//! any other; every pooled plan keeps to one of the last cases, and the least bound of these holds for all
//! plans, however early the branching ends. How many pools there may be is left out.
//!
//! Pools are alike that offer much the same for their rate: between those a group is hardly worth splitting,
//! so that few cases say as much as one for each pool would.

use std::collections::BTreeMap;

use super::super::instance::Instance;
use super::super::{SolveError, bound, cliques, relaxation};
use super::model::undominated;
use super::start::Relaxed;
use crate::problem::{BinSet, BinType, BinTypeId, ItemType, PoolId, Pooling, Problem};
use crate::solver::relaxation::Prices;
use crate::units::Money;

/// What no pooled plan costs less than in an hour, from at most so many cases beyond the first.
///
/// # Errors
/// Item types that fit nowhere, or no pool that may hold some group.
pub fn pooled_bound(problem: &Problem, pooling: &Pooling, most_cases: usize) -> Result<Money, SolveError> {
    Instance::reduce(problem).map_err(SolveError::Unplaceable)?;
    let cliques = cliques::find(problem);
    let wider = problem.with_cliques(&cliques).filter(|_| !cliques.is_empty());
    let problem = wider.as_ref().unwrap_or(problem);
    let pools = undominated(problem, pooling);
    let may = |group: &Vec<_>| -> Vec<PoolId> {
        pools.iter().copied().filter(|&p| pooling.may_hold(problem, p, group)).collect()
    };
    let first = pooling.groups().iter().map(may).collect();
    if problem.items().is_empty() {
        return Ok(Money::ZERO);
    }
    let root = case(problem, pooling, first, Money::ZERO).ok_or(SolveError::NoPlanFound)?;
    // Cases by bound, then by age, so that the same one is taken every time.
    let mut open = BTreeMap::from([((root.bound, 0), root)]);
    let mut cases = 0;
    loop {
        let ((bound, _), case) = open.pop_first().ok_or(SolveError::NoPlanFound)?;
        let Some(split) = case.split.filter(|_| cases + 2 <= most_cases) else { return Ok(bound) };
        let within = |pools: Vec<PoolId>| {
            let mut allowed = case.allowed.clone();
            allowed[split.group] = pools;
            self::case(problem, pooling, allowed, bound)
        };
        let (here, there) = rayon::join(|| within(split.here), || within(split.there));
        for case in [here, there].into_iter().flatten() {
            cases += 1;
            open.insert((case.bound, cases), case);
        }
    }
}

/// The pools that each group may lie in, and what that says.
struct Case {
    allowed: Vec<Vec<PoolId>>,
    bound: Money,
    split: Option<Split>,
}

/// A group that the relaxation splits, and its pools in two parts.
struct Split {
    group: usize,
    here: Vec<PoolId>,
    there: Vec<PoolId>,
}

/// Bounds the plans whose groups lie in these pools; `None` where there are none. Those of a wider case cost
/// at least `least`.
fn case(problem: &Problem, pooling: &Pooling, allowed: Vec<Vec<PoolId>>, least: Money) -> Option<Case> {
    let narrower = restricted(problem, pooling, &allowed);
    let instance = Instance::reduce(&narrower).ok()?;
    let columns = relaxation::all_columns(&instance);
    let prices =
        relaxation::solve(&instance, &columns, &[]).unwrap_or_else(|_| relaxation::by_the_copy(&instance));
    let proven = bound::integer_prices(&instance, &prices.pi, &prices.lambda);
    let bound = bound::certified(&narrower, &instance, &proven).value.max(least);
    let split = Relaxed::new(&narrower, pooling, &instance, &prices).most_split().map(|(group, [a, b])| {
        let worth = worth(problem, &instance, &prices);
        let nearer = |p: &PoolId| {
            let far = |other| far(problem, pooling, &worth, *p, other);
            *p != b && (*p == a || far(a) <= far(b))
        };
        let (here, there) = allowed[group].iter().partition(|p| nearer(p));
        Split { group, here, there }
    });
    Some(Case { allowed, bound, split })
}

/// How much of what the relaxation buys is worth its price for each of the problem's dimensions.
fn worth(problem: &Problem, instance: &Instance, prices: &Prices) -> Vec<f64> {
    let mut worth = vec![0.0; problem.dimensions().len()];
    for (t, kind) in instance.kinds.iter().enumerate() {
        for (k, &dimension) in instance.dimensions.iter().enumerate() {
            worth[dimension] += prices.bins[t] * prices.lambda[t][k] * kind.capacity[k] as f64;
        }
    }
    let sum: f64 = worth.iter().sum();
    worth.iter_mut().for_each(|w| *w /= sum.max(1.0));
    worth
}

/// How different two pools are in what they offer for their rate.
fn far(problem: &Problem, pooling: &Pooling, worth: &[f64], a: PoolId, b: PoolId) -> f64 {
    let first = |p: PoolId| problem.bin(pooling.pools()[p.index()][0]);
    let (a, b) = (first(a), first(b));
    let per_rate = |bin: &BinType, k: usize| (bin.capacity[k] as f64 + 1.0) / (bin.rate.nanos() as f64 + 1.0);
    let apart = |k: usize| (per_rate(a, k) / per_rate(b, k)).ln().abs();
    worth.iter().enumerate().map(|(k, w)| w * apart(k)).sum()
}

/// The problem with every item type on the bin types of its group's pools alone.
fn restricted(problem: &Problem, pooling: &Pooling, allowed: &[Vec<PoolId>]) -> Problem {
    let mut items: Vec<ItemType> = problem.items().to_vec();
    let mut known: BTreeMap<(BinSet, &[PoolId]), BinSet> = BTreeMap::new();
    for (group, pools) in pooling.groups().iter().zip(allowed) {
        for item in group {
            let eligible = &mut items[item.index()].eligible;
            let narrower = known.entry((eligible.clone(), pools)).or_insert_with(|| {
                let mut flags = vec![false; problem.bins().len()];
                let bins = pools.iter().flat_map(|p| &pooling.pools()[p.index()]);
                bins.for_each(|&b: &BinTypeId| flags[b.index()] = eligible.contains(b));
                BinSet::new(flags)
            });
            *eligible = narrower.clone();
        }
    }
    let dimensions = problem.dimensions().to_vec();
    let conflicts = problem.conflicts().iter().copied();
    Problem::new(dimensions, items, problem.bins().to_vec(), conflicts, None)
        .expect("fewer bin types for items change nothing that is checked")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::problem::ItemTypeId;
    use crate::units::Rate;

    /// One group of a processor-heavy and a memory-heavy item, a hundred copies each, and a bin type for
    /// either: 10 of one dimension, 1 of the other, at 10 an hour. Free, the copies of each lie on bins of
    /// their own, ten on one. In one pool, ten copies of the wrong kind need ten bins.
    #[test]
    fn a_group_in_one_pool_costs_more_than_apart() {
        let item = |demand: [u64; 2]| ItemType {
            demand: demand.into_iter().collect(),
            copies: 100,
            max_per_bin: None,
            eligible: BinSet::all(2),
        };
        let bin = |capacity: [u64; 2]| BinType {
            capacity: capacity.into_iter().collect(),
            rate: Rate::from_nanos(10_000_000_000),
            stock: None,
        };
        let items = vec![item([1, 0]), item([0, 1])];
        let bins = vec![bin([10, 1]), bin([1, 10])];
        let problem = Problem::new(vec!["a".into(), "b".into()], items, bins, [], None).unwrap();
        let pools = vec![vec![BinTypeId(0)], vec![BinTypeId(1)]];
        let apart = vec![vec![ItemTypeId(0)], vec![ItemTypeId(1)]];
        let whole = vec![vec![ItemTypeId(0), ItemTypeId(1)]];
        let bound = |groups, cases| {
            let pooling = Pooling::new(&problem, groups, pools.clone(), 2).unwrap();
            pooled_bound(&problem, &pooling, cases).unwrap().nanos() / 1_000_000_000
        };
        // 200 copies over y + z bins with 11 of either dimension between two: 200 / 11 bins.
        assert_eq!(bound(apart.clone(), 0), 190);
        assert_eq!(bound(whole.clone(), 0), 190);
        // Whichever it is, a hundred bins of one type.
        assert_eq!(bound(whole, 2), 1_000);
        // Each item type may lie in the pool made for it: ten bins each.
        assert_eq!(bound(apart, 8), 200);
    }

    #[test]
    fn a_group_that_no_pool_holds_has_no_plan() {
        let item = |bins: [bool; 2]| ItemType {
            demand: [1].into_iter().collect(),
            copies: 1,
            max_per_bin: None,
            eligible: BinSet::new(bins.to_vec()),
        };
        let bin = BinType { capacity: [1].into_iter().collect(), rate: Rate::from_nanos(1), stock: None };
        let items = vec![item([true, false]), item([false, true])];
        let problem = Problem::new(vec!["a".into()], items, vec![bin.clone(), bin], [], None).unwrap();
        let group = vec![vec![ItemTypeId(0), ItemTypeId(1)]];
        let pools = vec![vec![BinTypeId(0)], vec![BinTypeId(1)]];
        let pooling = Pooling::new(&problem, group, pools, 2).unwrap();
        assert_eq!(pooled_bound(&problem, &pooling, 9), Err(SolveError::NoPlanFound));
    }
}
