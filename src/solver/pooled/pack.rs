//! Packs one pool for real: the groups that lie in it, on its bin types alone.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::model::Model;
use crate::plan::{Pattern, Plan};
use crate::problem::{BinSet, BinType, BinTypeId, ItemType, ItemTypeId, Problem};
use crate::solver::enumeration;
use crate::solver::fit::fit;
use crate::solver::greedy::{Balance, Filler, Guide};
use crate::solver::improve::Improver;
use crate::solver::instance::{Bin, Instance};
use crate::solver::relaxation::{self, Prices};

/// One pool packed.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// In terms of the whole problem.
    pub plan: Vec<(Pattern, u64)>,
    /// Nano-dollars per hour.
    pub cost: i128,
    /// Bins.
    pub bins: u64,
}

/// How much trouble a packing takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Care {
    /// Rounds of local search.
    pub rounds: u64,
    /// Steps of shifting between exactly so many bins.
    pub steps: u64,
}

/// Packs the groups on a candidate's bins; `estimated` bins are known to be needed at least. `None`
/// where the stock does not suffice.
pub(super) fn pack(
    model: &Model<'_>,
    candidate: usize,
    groups: &[u32],
    at_least: u64,
    care: Care,
    seed: u64,
    work: &mut u64,
) -> Option<Packed> {
    let bin_types = &model.candidates[candidate].bins;
    let mut items: Vec<ItemTypeId> = groups.iter().flat_map(|&g| model.items(g as usize)).copied().collect();
    items.sort_unstable();
    let sub = part(model.problem, &items, bin_types);
    let instance = Instance::reduce(&sub).ok()?;
    let columns = relaxation::all_columns(&instance);
    let prices =
        relaxation::solve(&instance, &columns).unwrap_or_else(|_| relaxation::by_the_copy(&instance));
    let guide = Guide::new(&instance, &prices, &vec![true; instance.kinds.len()]);
    let count = |bins: &[Bin]| bins.iter().map(|b| b.copies).sum::<u64>();
    let cost = |bins: &[Bin]| -> i128 {
        bins.iter().map(|b| i128::from(instance.kinds[b.kind].rate) * i128::from(b.copies)).sum()
    };
    let mut best: Option<Vec<Bin>> = None;
    for theta in [1.0, 0.5, 0.0] {
        let mut filler = Filler::default();
        let mut left: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
        let mut available = instance.stock();
        let found = filler.pack(
            &guide,
            &mut left,
            guide.pi,
            Balance(theta),
            guide.opening(),
            &mut available,
            f64::INFINITY,
        );
        *work += filler.work;
        if let Some(bins) = found
            && best.as_ref().is_none_or(|b| cost(&bins) < cost(b))
        {
            best = Some(bins);
        }
        if best.as_ref().is_some_and(|b| count(b) <= at_least) {
            break;
        }
    }
    let (settled, best) = few_copies(&instance, &prices, best, work);
    let mut best = best?;
    let at_least = if settled { count(&best) } else { at_least };
    let mut rng = Rng::with_seed(seed);
    // One kind of bin and few enough of them: one bin less, and shift until it fits.
    if instance.kinds.len() == 1 && care.steps > 0 {
        while count(&best) > at_least && count(&best) <= 150 {
            let bins = [count(&best) - 1];
            let pool: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
            let mut filler = Filler::default();
            let start = filler.fill_these(&guide, &bins, guide.pi, Balance([1.0, 0.5][rng.usize(..2)]));
            let found = fit(&instance, &pool, &bins, &start, &mut rng, care.steps, &mut filler.work);
            *work += filler.work;
            match found {
                Some(found) => best = found,
                None => break,
            }
        }
    }
    if count(&best) > at_least && care.rounds > 0 {
        let mut improver = Improver::new(&[&guide], &best, seed);
        for _ in 0..care.rounds {
            let saved = improver.round();
            *work += std::mem::take(&mut improver.work);
            if saved > 0 && count(&improver.bins()) <= at_least {
                break;
            }
        }
        best = improver.bins();
    }
    let plan = instance.expand(&best);
    Some(Packed { plan: outward(&plan, &items, bin_types), cost: cost(&best), bins: count(&best) })
}

/// Where there are few patterns in all, every choice among them; says whether that settled it.
fn few_copies(
    instance: &Instance,
    prices: &Prices,
    best: Option<Vec<Bin>>,
    work: &mut u64,
) -> (bool, Option<Vec<Bin>>) {
    const MOST_COPIES: u128 = 24;
    const MOST_PATTERNS: usize = 120;
    if instance.shapes.iter().map(|s| u128::from(s.copies)).sum::<u128>() > MOST_COPIES {
        return (false, best);
    }
    let Some(patterns) = enumeration::all_maximal_patterns(instance, MOST_PATTERNS) else {
        return (false, best);
    };
    let rate = |bin: &Bin| i128::from(instance.kinds[bin.kind].rate) * i128::from(bin.copies);
    let below = best.as_ref().map_or(i128::MAX, |bins| bins.iter().map(rate).sum());
    let found = enumeration::cheapest_choice(instance, &patterns, prices, below);
    *work += found.work;
    (found.complete, found.bins.or(best))
}

/// The part of a problem over some items and bin types.
fn part(problem: &Problem, items: &[ItemTypeId], bins: &[BinTypeId]) -> Problem {
    let mut sets: BTreeMap<Vec<bool>, BinSet> = BTreeMap::new();
    let part_items: Vec<ItemType> = items
        .iter()
        .map(|&id| {
            let item = problem.item(id);
            let flags: Vec<bool> = bins.iter().map(|&b| item.eligible.contains(b)).collect();
            let eligible = sets.entry(flags).or_insert_with_key(|flags| BinSet::new(flags.clone())).clone();
            ItemType { eligible, ..item.clone() }
        })
        .collect();
    let part_bins: Vec<BinType> = bins.iter().map(|&b| problem.bin(b).clone()).collect();
    let local = |id: ItemTypeId| items.binary_search(&id).ok().map(|i| ItemTypeId(i as u32));
    let conflicts = problem.conflicts().iter().filter_map(|&(a, b)| Some((local(a)?, local(b)?)));
    Problem::new(problem.dimensions().to_vec(), part_items, part_bins, conflicts.collect::<Vec<_>>(), None)
        .expect("a part of a valid problem is valid")
}

fn outward(plan: &Plan, items: &[ItemTypeId], bins: &[BinTypeId]) -> Vec<(Pattern, u64)> {
    plan.bins()
        .map(|(pattern, copies)| {
            let content = pattern.content().iter().map(|&(item, n)| (items[item.index()], n));
            (Pattern::new(bins[pattern.bin_type().index()], content), copies)
        })
        .collect()
}
