//! Under a cap on bin types: which types to have.
//!
//! The solver settles on types by the linear relaxation, which knows no whole bins: where few bins are enough, it
//! prefers bins that are much too large. So sets of types are tried here, each as a problem of its own without a
//! cap: what the plan without a cap uses, the types that could hold everything alone, and one type more at a
//! time as long as that saves anything. The bound stays that of the problem without a cap.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::plan::{Outcome, Plan, ProgressPoint, StopReason};
use crate::problem::{BinSet, BinTypeId, ItemType, Problem};
use crate::solver::control::{Budget, Effort, Silent};
use crate::solver::solve;
use crate::units::Money;

/// Types that are tried alone, and beside others.
const TRIED: usize = 8;
/// Sets to try at most with many copies, so that trying takes no longer than the search itself.
const COPIES_PER_TRY: u128 = 20_000;

/// The same outcome, or one with a cheaper plan that keeps the cap.
pub(super) fn improve(problem: &Problem, mut outcome: Outcome, budget: &Budget<'_>, seed: u64) -> Outcome {
    let Some(cap) = problem.max_bin_types() else { return outcome };
    let cost = outcome.incumbent.hourly_cost(problem);
    if cost <= outcome.lower_bound.value || problem.items().is_empty() {
        return outcome;
    }
    let search = Search { problem, cap: cap as usize, groups: groups(problem), budget, seed };
    if let Some((better, plan)) = search.run()
        && better < cost
    {
        outcome.incumbent = plan;
        if better == outcome.lower_bound.value {
            outcome.stop = StopReason::Optimal;
        }
        if let Some(&last) = outcome.progress.last() {
            outcome.progress.push(ProgressPoint { incumbent: Some(better), ..last });
        }
    }
    outcome
}

struct Search<'a> {
    problem: &'a Problem,
    cap: usize,
    /// Bin types of equal capacity and rate: one instance type in several zones.
    groups: Vec<Vec<BinTypeId>>,
    budget: &'a Budget<'a>,
    seed: u64,
}

/// A set of groups, ascending.
type Set = Vec<usize>;

impl Search<'_> {
    fn run(&self) -> Option<(Money, Plan)> {
        let everything: Set = (0..self.groups.len()).collect();
        let free = self.packed(&everything);
        let mut best = None;
        let mut used: Set = Vec::new();
        if let Some((cost, plan)) = free {
            used = self.used(&plan);
            if plan.bins_by_type().len() <= self.cap {
                return Some((cost, plan));
            }
        }
        let tries = usize::try_from(COPIES_PER_TRY * TRIED as u128 / self.problem.total_copies().max(1));
        let tried = TRIED.min(tries.unwrap_or(TRIED)).max(2);
        let alone: Set = self.alone().into_iter().take(tried).collect();
        let mut sets: Vec<Set> = alone.iter().map(|&g| vec![g]).collect();
        sets.push(used.iter().copied().take(self.cap).collect());
        let (_, mut set) = self.try_all(sets, &mut best)?;
        let mut candidates: Set = used.into_iter().take(tried).collect();
        candidates.extend(alone.into_iter().filter(|g| !candidates.contains(g)).collect::<Vec<_>>());
        loop {
            let more = candidates.iter().filter(|g| !set.contains(g)).map(|&g| {
                let mut wider = set.clone();
                wider.push(g);
                wider.sort_unstable();
                wider
            });
            let before = best.as_ref().map(|(cost, _)| *cost);
            let Some((cost, wider)) = self.try_all(more.collect(), &mut best) else { break };
            if before.is_some_and(|before| cost >= before) {
                break;
            }
            set = wider;
        }
        best
    }

    /// Packs with each set that keeps the cap; the cheapest one, the first of equals, and what it costs.
    fn try_all(&self, sets: Vec<Set>, best: &mut Option<(Money, Plan)>) -> Option<(Money, Set)> {
        let keeps = |set: &Set| {
            !set.is_empty() && set.iter().map(|&g| self.groups[g].len()).sum::<usize>() <= self.cap
        };
        let found: Vec<(Money, Set, Plan)> = sets
            .into_par_iter()
            .filter(keeps)
            .filter_map(|set| self.packed(&set).map(|(cost, plan)| (cost, set, plan)))
            .collect();
        let (cost, set, plan) = found.into_iter().min_by_key(|(cost, ..)| *cost)?;
        if best.as_ref().is_none_or(|(known, _)| cost < *known) {
            *best = Some((cost, plan));
        }
        Some((cost, set))
    }

    /// The problem with these groups alone, without a cap.
    fn packed(&self, set: &Set) -> Option<(Money, Plan)> {
        let mut open = vec![false; self.problem.bins().len()];
        set.iter().flat_map(|&g| &self.groups[g]).for_each(|bin| open[bin.index()] = true);
        let only = |item: &ItemType| {
            let flags = item.eligible.as_slice().iter().zip(&open).map(|(&may, &open)| may && open).collect();
            ItemType { eligible: BinSet::new(flags), ..item.clone() }
        };
        let p = self.problem;
        let items = p.items().iter().map(only).collect();
        let conflicts = p.conflicts().iter().copied();
        let problem =
            Problem::new(p.dimensions().to_vec(), items, p.bins().to_vec(), conflicts, None).ok()?;
        // Of a time limit, what is tried beside the search has a tenth each.
        let limit = self.budget.time_limit.map(|limit| limit / 10);
        let budget = Budget { effort: Effort::Quick, work_limit: None, time_limit: limit, ..*self.budget };
        let outcome = solve(&problem, &budget, self.seed, &Silent).ok()?;
        Some((outcome.incumbent.hourly_cost(&problem), outcome.incumbent))
    }

    /// The groups of a plan, the dearest first.
    fn used(&self, plan: &Plan) -> Set {
        let mut costs: BTreeMap<usize, Money> = BTreeMap::new();
        for (bin, count) in plan.bins_by_type() {
            let group =
                self.groups.iter().position(|g| g.contains(&bin)).expect("every bin type has a group");
            let sum = costs.entry(group).or_default();
            *sum = *sum + self.problem.bin(bin).rate.for_hours(count);
        }
        let mut used: Set = costs.keys().copied().collect();
        used.sort_by_key(|group| (std::cmp::Reverse(costs[group]), *group));
        used
    }

    /// The groups that could hold everything, by what that costs at least.
    fn alone(&self) -> Set {
        let p = self.problem;
        let mut totals = vec![0u128; p.dimensions().len()];
        for item in p.items() {
            for (total, &amount) in totals.iter_mut().zip(item.demand.as_slice()) {
                *total += u128::from(amount) * u128::from(item.copies);
            }
        }
        let holds = |group: &[BinTypeId]| {
            p.item_ids().all(|item| group.iter().any(|&bin| p.copies_per_bin(item, bin) > 0))
        };
        let estimate = |group: &[BinTypeId]| {
            let bin = p.bin(group[0]);
            let capacity = bin.capacity.as_slice().iter();
            let bins = totals.iter().zip(capacity).map(|(total, &c)| total.div_ceil(u128::from(c.max(1))));
            bins.max().unwrap_or(0).saturating_mul(u128::from(bin.rate.nanos()))
        };
        let mut all: Set = (0..self.groups.len()).filter(|&g| holds(&self.groups[g])).collect();
        all.sort_by_cached_key(|&g| (estimate(&self.groups[g]), g));
        all
    }
}

/// Bin types by capacity, rate and stock, in the order of the first of each.
fn groups(problem: &Problem) -> Vec<Vec<BinTypeId>> {
    let mut groups: Vec<Vec<BinTypeId>> = Vec::new();
    for id in problem.bin_ids() {
        let alike = groups.iter_mut().find(|g| problem.bin(g[0]) == problem.bin(id));
        match alike {
            Some(group) => group.push(id),
            None => groups.push(vec![id]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::BinType;
    use crate::units::Resources;

    fn problem(bins: &[(u64, u64)], items: &[(u64, u64)], cap: u32) -> Problem {
        let one = |amount: u64| -> Resources { [amount].into_iter().collect() };
        let items = items.iter().map(|&(size, copies)| ItemType {
            demand: one(size),
            copies,
            max_per_bin: None,
            eligible: BinSet::all(bins.len()),
        });
        let bins = bins.iter().map(|&(size, cents)| BinType {
            capacity: one(size),
            rate: crate::units::Rate::from_nanos(cents * 10_000_000),
            stock: None,
        });
        Problem::new(vec!["cpu".into()], items.collect(), bins.collect(), [], Some(cap)).unwrap()
    }

    fn cost(problem: &Problem) -> Money {
        let budget = Budget { effort: Effort::Quick, ..Budget::default() };
        let outcome = solve(problem, &budget, 0, &Silent).unwrap();
        let outcome = improve(problem, outcome, &budget, 0);
        let plan = &outcome.incumbent;
        assert!(plan.bins_by_type().len() <= problem.max_bin_types().unwrap() as usize);
        plan.hourly_cost(problem)
    }

    #[test]
    fn one_type_is_not_one_that_is_much_too_large() {
        // Three items of 9. The large bin is cheapest by the unit (100 for 8.00) and holds all three for 8.00;
        // a bin of 10 costs 1.00: three of them 3.00, and one of 20 with one of 10 2.80.
        let bins = [(10, 100), (20, 180), (100, 800)];
        assert_eq!(cost(&problem(&bins, &[(9, 3)], 1)), Money::from_nanos(3_000_000_000));
        assert_eq!(cost(&problem(&bins, &[(9, 3)], 2)), Money::from_nanos(2_800_000_000));
    }
}
