//! Where the search starts: pools that the relaxation buys, and each group where most of it lies there.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::estimate::Estimate;
use super::model::{Model, undominated};
use super::state::{Scratch, State};
use crate::plan::Plan;
use crate::problem::{ItemTypeId, PoolId, Pooling, Problem};
use crate::solver::instance::Instance;
use crate::solver::relaxation::Prices;

/// Pools looked at, best value for money first; fewer where there are very many groups.
const LOOKED_AT: usize = 48;
const LOOKED_AT_OF_MANY: usize = 20;
/// From so many groups on.
const MANY: usize = 2_000;

/// The relaxation in terms of pools: what a pool is worth for its price, and how much of each group it
/// holds.
pub(super) struct Relaxed {
    /// Value over rate, by pool; none for pools that others stand in for.
    ratio: Vec<Option<f64>>,
    bought: Vec<bool>,
    /// Share of each group by pool, sparse.
    share: Vec<Vec<(PoolId, f64)>>,
}

impl Relaxed {
    pub(super) fn new(problem: &Problem, pooling: &Pooling, instance: &Instance, prices: &Prices) -> Self {
        let pools = pooling.pools().len();
        let mut ratio: Vec<Option<f64>> = vec![None; pools];
        let mut bought = vec![false; pools];
        let pool_of: Vec<Option<PoolId>> = instance.kinds.iter().map(|k| pooling.pool_of(k.id)).collect();
        for (t, kind) in instance.kinds.iter().enumerate() {
            let Some(pool) = pool_of[t] else { continue };
            let worth = prices.pattern_value[t] / kind.rate.max(1) as f64;
            let best = &mut ratio[pool.index()];
            *best = Some(best.map_or(worth, |b: f64| b.max(worth)));
            bought[pool.index()] |= prices.bins[t] > 1e-6;
        }
        let mut shape_of = vec![usize::MAX; problem.items().len()];
        for (s, shape) in instance.shapes.iter().enumerate() {
            shape.members.iter().for_each(|(item, _)| shape_of[item.index()] = s);
        }
        let share = pooling
            .groups()
            .iter()
            .map(|group| {
                let mut shares: Vec<(PoolId, f64)> = Vec::new();
                for &item in group {
                    let s = shape_of[item.index()];
                    let worth = prices.pi[s] * problem.item(item).copies as f64;
                    for (t, assigned) in prices.assigned.iter().enumerate().filter(|(_, a)| !a.is_empty()) {
                        let part = assigned[s] / instance.shapes[s].copies as f64;
                        let Some(pool) = pool_of[t].filter(|_| part > 1e-6) else { continue };
                        match shares.iter_mut().find(|(p, _)| *p == pool) {
                            Some((_, sum)) => *sum += part * worth,
                            None => shares.push((pool, part * worth)),
                        }
                    }
                }
                shares
            })
            .collect();
        Relaxed { ratio, bought, share }
    }

    /// The group of which most, by what it costs, lies outside the pool where most of it lies; and the two
    /// pools where most lies.
    pub(super) fn most_split(&self) -> Option<(usize, [PoolId; 2])> {
        /// Of the cost of a group, what is no part of it but rounding.
        const DUST: f64 = 1e-4;
        let outside = |(g, shares): (usize, &Vec<(PoolId, f64)>)| {
            let mut by_share = shares.clone();
            by_share.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let [(a, most), (b, _), ..] = by_share[..] else { return None };
            let sum: f64 = shares.iter().map(|(_, share)| share).sum();
            (sum - most > DUST * sum).then_some((g, sum - most, [a, b]))
        };
        let split = self.share.iter().enumerate().filter_map(outside);
        let most = split.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        most.map(|(group, _, pools)| (group, pools))
    }

    /// The pools worth a look: those that the relaxation buys, those of best value, and for each group
    /// the best that may hold it; and those that a given plan uses.
    pub(super) fn promising(
        &self,
        problem: &Problem,
        pooling: &Pooling,
        given: &[Option<PoolId>],
    ) -> Vec<PoolId> {
        let many = pooling.groups().len() > MANY;
        let worth = |p: PoolId| self.ratio[p.index()].unwrap_or(0.0);
        let mut ranked = undominated(problem, pooling);
        ranked.sort_by(|&a, &b| {
            let bought = |p: PoolId| Reverse(self.bought[p.index()]);
            bought(a).cmp(&bought(b)).then(worth(b).total_cmp(&worth(a))).then(a.cmp(&b))
        });
        let first = if many { LOOKED_AT_OF_MANY } else { LOOKED_AT };
        let mut chosen: Vec<PoolId> = ranked.iter().copied().take(first).collect();
        for group in pooling.groups() {
            let may = |p: &PoolId| pooling.may_hold(problem, *p, group);
            if !chosen.iter().any(may) {
                chosen.extend(ranked.iter().copied().find(may));
            }
        }
        chosen.extend(given.iter().flatten());
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    /// So many candidates of the best value, those that the relaxation buys first.
    pub(super) fn favoured(&self, model: &Model<'_>, count: usize) -> Vec<usize> {
        let mut ranked: Vec<usize> = (0..model.candidates.len()).collect();
        let id = |c: usize| model.candidates[c].id;
        let worth = |c: usize| self.ratio[id(c).index()].unwrap_or(0.0);
        ranked.sort_by(|&a, &b| {
            let bought = |c: usize| Reverse(self.bought[id(c).index()]);
            bought(a).cmp(&bought(b)).then(worth(b).total_cmp(&worth(a))).then(a.cmp(&b))
        });
        ranked.truncate(count);
        ranked
    }

    /// The candidate of each group: that of the pool given for it, else where most of it lies, else what
    /// holds it cheapest by itself.
    pub(super) fn assignment(&self, estimate: &Estimate<'_>, given: &[Option<PoolId>]) -> Vec<usize> {
        let model = estimate.model;
        let place = |pool: PoolId| model.candidates.iter().position(|c| c.id == pool);
        (0..model.groups())
            .map(|g| {
                let mut shares = self.share[g].clone();
                shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                let given = given.get(g).copied().flatten();
                let pools = given.into_iter().chain(shares.iter().map(|&(p, _)| p));
                let lies = pools.filter_map(place).find(|&c| model.may(c, g));
                lies.unwrap_or_else(|| {
                    cheapest(model, g, &|_| true).expect("some candidate may hold each group")
                })
            })
            .collect()
    }
}

impl Relaxed {
    /// The same with all groups in one candidate that may lie there.
    pub(super) fn mostly_in(&self, estimate: &Estimate<'_>, candidate: usize) -> Vec<usize> {
        let mut of = self.assignment(estimate, &[]);
        for (g, of) in of.iter_mut().enumerate() {
            if estimate.model.may(candidate, g) {
                *of = candidate;
            }
        }
        of
    }
}

/// For each group the pool where most of its copies lie in a plan; of equals the first.
pub(super) fn given(pooling: &Pooling, plan: &Plan) -> Vec<Option<PoolId>> {
    let mut copies: BTreeMap<ItemTypeId, BTreeMap<PoolId, u64>> = BTreeMap::new();
    for (pattern, bins) in plan.bins() {
        let Some(pool) = pooling.pool_of(pattern.bin_type()) else { continue };
        for &(item, n) in pattern.content() {
            *copies.entry(item).or_default().entry(pool).or_default() += n * bins;
        }
    }
    let most = |group: &Vec<ItemTypeId>| {
        let mut sums: BTreeMap<PoolId, u64> = BTreeMap::new();
        for (pool, n) in group.iter().filter_map(|item| copies.get(item)).flatten() {
            *sums.entry(*pool).or_default() += n;
        }
        sums.into_iter().max_by_key(|&(pool, n)| (n, Reverse(pool))).map(|(pool, _)| pool)
    };
    pooling.groups().iter().map(most).collect()
}

/// The candidate that holds a group at the least cost by its share of bins.
fn cheapest(model: &Model<'_>, g: usize, allowed: &dyn Fn(usize) -> bool) -> Option<usize> {
    let cost = |c: usize| model.candidates[c].rate * model.bins(model.load(c, g), model.need(c, g));
    (0..model.candidates.len())
        .filter(|&c| model.may(c, g) && allowed(c))
        .min_by(|&a, &b| cost(a).total_cmp(&cost(b)).then(a.cmp(&b)))
}

/// Candidates by what all groups that they may hold would cost in them for each unit of what they are
/// worth elsewhere, best value first.
pub(super) fn by_worth(model: &Model<'_>) -> impl Iterator<Item = usize> {
    let alone = |c: usize, g: usize| {
        model.candidates[c].rate * model.bins(model.load(c, g), model.need(c, g)).max(1e-9)
    };
    let least: Vec<f64> = (0..model.groups())
        .map(|g| cheapest(model, g, &|_| true).map_or(f64::INFINITY, |c| alone(c, g)))
        .collect();
    let worth = |c: usize| -> f64 {
        let held = (0..model.groups()).filter(|&g| model.may(c, g));
        held.map(|g| least[g] / alone(c, g)).sum()
    };
    let mut order: Vec<(f64, usize)> = (0..model.candidates.len()).map(|c| (worth(c), c)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    order.into_iter().map(|(_, c)| c)
}

/// As few candidates as a greedy cover finds that hold every group, and each group in the cheapest of
/// them.
pub(super) fn cover(model: &Model<'_>) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    let mut open: Vec<usize> = (0..model.groups()).collect();
    while !open.is_empty() {
        let covers = |c: usize| open.iter().filter(|&&g| model.may(c, g)).count();
        let cost = |c: usize| -> f64 {
            let held = open.iter().filter(|&&g| model.may(c, g));
            held.map(|&g| model.candidates[c].rate * model.bins(model.load(c, g), model.need(c, g))).sum()
        };
        let best = (0..model.candidates.len())
            .max_by(|&a, &b| covers(a).cmp(&covers(b)).then(cost(b).total_cmp(&cost(a))).then(b.cmp(&a)))
            .expect("there are candidates");
        chosen.push(best);
        open.retain(|&g| !model.may(best, g));
    }
    let of = |g| cheapest(model, g, &|c| chosen.contains(&c)).expect("the chosen cover every group");
    (0..model.groups()).map(of).collect()
}

/// Closes the slots that cost least to close until the caps hold; `None` where none can be closed.
pub(super) fn close(
    estimate: &Estimate<'_>,
    mut state: State,
    most: usize,
    most_bin_types: usize,
) -> Option<State> {
    let types = |state: &State| -> usize {
        let used = state.slots.iter().filter(|s| !s.members.is_empty());
        used.map(|s| estimate.model.candidates[s.candidate].bins.len()).sum()
    };
    let mut scratch = Scratch::default();
    while state.used() > most || types(&state) > most_bin_types {
        let open: Vec<usize> =
            (0..state.slots.len()).filter(|&s| !state.slots[s].members.is_empty()).collect();
        let tried = open.iter().filter_map(|&slot| without(estimate, &state, slot, &open, &mut scratch));
        state = tried.min_by(|a, b| a.cost().total_cmp(&b.cost()))?;
    }
    Some(state)
}

/// Every member of a slot where it costs least among the others.
pub(super) fn without(
    estimate: &Estimate<'_>,
    state: &State,
    slot: usize,
    open: &[usize],
    scratch: &mut Scratch,
) -> Option<State> {
    let mut next = state.clone();
    for g in state.slots[slot].members.iter().map(|&g| g as usize) {
        let (_, to) = next.best_move(estimate, g, open.iter().copied(), scratch)?;
        next.move_group(estimate, g, to);
    }
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Pattern;
    use crate::problem::{BinSet, BinType, BinTypeId, ItemType};
    use crate::units::Rate;

    /// Two pools, the second of two zones. The first group lies in both, mostly in the zones of the second;
    /// the second group as much here as there; the third nowhere.
    #[test]
    fn a_group_belongs_where_most_of_it_lies() {
        let item = |copies| ItemType {
            demand: [1].into_iter().collect(),
            copies,
            max_per_bin: None,
            eligible: BinSet::new(vec![true; 3]),
        };
        let bin = BinType { capacity: [9].into_iter().collect(), rate: Rate::from_nanos(7), stock: None };
        let items = vec![item(3), item(5), item(4), item(1)];
        let problem = Problem::new(vec!["cpu".into()], items, vec![bin; 3], [], None).unwrap();
        let [a, b, c, d] = [0, 1, 2, 3].map(ItemTypeId);
        let [here, there, far] = [0, 1, 2].map(BinTypeId);
        let groups = vec![vec![a, b], vec![c], vec![d]];
        let pooling = Pooling::new(&problem, groups, vec![vec![here], vec![there, far]], 2).unwrap();
        let mut plan = Plan::new();
        plan.add(Pattern::new(here, [(a, 3), (c, 2)]), 1);
        plan.add(Pattern::new(there, [(b, 1), (c, 1)]), 2);
        plan.add(Pattern::new(far, [(b, 3)]), 1);
        assert_eq!(given(&pooling, &plan), [Some(PoolId(1)), Some(PoolId(0)), None]);
        assert_eq!(given(&pooling, &Plan::new()), [None; 3]);
    }
}
