//! Plans to start from: without the largest nodes, and with nodes in all zones alike.

use std::collections::BTreeMap;

use super::Inputs;
use crate::formulate::Formulation;
use crate::plan::{Pattern, Plan};
use crate::problem::{BinSet, BinTypeId, ItemType, ItemTypeId, Pooling, Problem};
use crate::search::SearchError;
use crate::solver;
use crate::solver::control::{Budget, Effort, Silent};
use crate::units::Rate;
use crate::verify::{self, VerifiedPlan};

/// How often the dearest node allowed is halved.
const MOST_CAPS: u32 = 5;
/// Work for each of these plans, in the solver's units: they are one of several.
const WORK: u64 = 40_000_000;

/// Plans of nodes that cost at most half, a quarter and so on of the plan's dearest one, as long as they
/// may still save anything: losing a smaller node takes less room. Item types that fit no such node keep
/// theirs. Plans that the search does not find are left out.
pub(super) fn without_large_nodes(
    inputs: &Inputs<'_>,
    base: &VerifiedPlan,
    budget: &Budget<'_>,
    seed: u64,
) -> Vec<VerifiedPlan> {
    let problem = &inputs.formulation.problem;
    let used = base.plan().bins_by_type();
    let Some(dearest) = used.keys().map(|&bin| problem.bin(bin).rate).max() else { return Vec::new() };
    let spared = base.hourly_cost() + dearest.for_one_hour();
    let budget = Budget {
        effort: Effort::Quick,
        work_limit: Some(WORK),
        time_limit: budget.time_limit.map(|limit| limit / MOST_CAPS),
        ..*budget
    };
    let mut plans = Vec::new();
    for halvings in 1..=MOST_CAPS {
        let most = Rate::from_nanos(dearest.nanos() >> halvings);
        let Some(capped) = capped(problem, most, inputs.pooling) else { break };
        let found = match inputs.pooling {
            Some(pooling) => solver::solve_pooled(&capped, pooling, &budget, seed, &Silent),
            None => solver::solve(&capped, &budget, seed, &Silent),
        };
        let Ok(found) = found else { break };
        let Ok(plan) = verify::verify_plan(problem, found.incumbent) else { break };
        // Dearer by itself than the plan with a second one of its dearest node: smaller caps cost more.
        if plan.hourly_cost() > spared {
            break;
        }
        plans.push(plan);
    }
    plans
}

/// The problem with bins up to a rate, where they suffice for an item type and all that lie with it; `None`
/// where no bin is left.
fn capped(problem: &Problem, most: Rate, pooling: Option<&Pooling>) -> Option<Problem> {
    let allowed: Vec<bool> = problem.bins().iter().map(|bin| bin.rate <= most).collect();
    if !allowed.contains(&true) {
        return None;
    }
    let few = |id| -> Vec<bool> {
        let eligible = problem.item(id).eligible.as_slice().iter();
        eligible.zip(&allowed).map(|(&eligible, &allowed)| eligible && allowed).collect()
    };
    let fits = |id| {
        let mut bins = (0u32..).zip(few(id));
        bins.any(|(bin, few)| few && problem.copies_per_bin(id, BinTypeId(bin)) > 0)
    };
    let mut small: Vec<bool> = problem.item_ids().map(fits).collect();
    for group in pooling.into_iter().flat_map(Pooling::groups) {
        if !group.iter().all(|id| small[id.index()]) {
            group.iter().for_each(|id| small[id.index()] = false);
        }
    }
    let item = |id: ItemTypeId| {
        let item: &ItemType = problem.item(id);
        let eligible = if small[id.index()] { BinSet::new(few(id)) } else { item.eligible.clone() };
        ItemType { eligible, ..item.clone() }
    };
    let items = problem.item_ids().map(item).collect();
    let conflicts = problem.conflicts().iter().copied();
    let (names, bins) = (problem.dimensions().to_vec(), problem.bins().to_vec());
    Problem::new(names, items, bins, conflicts, problem.max_bin_types()).ok()
}

/// The same nodes, spread over the zones by cost as far as their pods may move: the search has no reason
/// to prefer any zone.
///
/// # Errors
/// A plan that the verifier refuses, which is a bug of ours.
pub(super) fn balanced(formulation: &Formulation, plan: &VerifiedPlan) -> Result<VerifiedPlan, SearchError> {
    let (problem, legend) = (&formulation.problem, &formulation.legend);
    let mut twins: BTreeMap<(usize, usize), Vec<BinTypeId>> = BTreeMap::new();
    for bin in problem.bin_ids().filter(|&bin| problem.bin(bin).stock.is_none()) {
        let node = &legend.nodes[bin.index()];
        twins.entry((node.catalog_type, node.pool)).or_default().push(bin);
    }
    let mut in_zone: BTreeMap<&str, u128> = BTreeMap::new();
    let zone = |bin: BinTypeId| legend.nodes[bin.index()].zone.as_deref().unwrap_or_default();
    let cost = |bin: BinTypeId| u128::from(problem.bin(bin).rate.nanos());
    let mut out = Plan::new();
    let mut free: Vec<(&Pattern, u64, Vec<BinTypeId>)> = Vec::new();
    for (pattern, copies) in plan.plan().bins() {
        let node = &legend.nodes[pattern.bin_type().index()];
        let mut places = twins.get(&(node.catalog_type, node.pool)).cloned().unwrap_or_default();
        let fits = |bin: &BinTypeId| {
            pattern.content().iter().all(|&(item, count)| problem.copies_per_bin(item, *bin) >= count)
                && problem.bin(*bin).capacity == problem.bin(pattern.bin_type()).capacity
        };
        places.retain(fits);
        if places.len() > 1 && problem.max_bin_types().is_none() {
            free.push((pattern, copies, places));
        } else {
            *in_zone.entry(zone(pattern.bin_type())).or_default() +=
                cost(pattern.bin_type()) * u128::from(copies);
            out.add(pattern.clone(), copies);
        }
    }
    free.sort_by_key(|(pattern, _, _)| std::cmp::Reverse(cost(pattern.bin_type())));
    for (pattern, copies, places) in free {
        for _ in 0..copies {
            let least =
                places.iter().copied().min_by_key(|&bin| in_zone.get(zone(bin)).copied().unwrap_or(0));
            let bin = least.expect("there are several places");
            *in_zone.entry(zone(bin)).or_default() += cost(bin);
            out.add(Pattern::new(bin, pattern.content().iter().copied()), 1);
        }
    }
    verify::verify_plan(problem, out).map_err(SearchError::Refused)
}
