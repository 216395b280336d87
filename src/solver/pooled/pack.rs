//! Packs one pool for real: the groups that lie in it, on its bin types alone.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::model::Model;
use crate::plan::{Pattern, Plan};
use crate::problem::{BinSet, BinType, BinTypeId, ItemType, ItemTypeId, Problem};
use crate::solver::enumeration;
use crate::solver::fit::fit;
use crate::solver::greedy::{Balance, Filler};
use crate::solver::guide::Guide;
use crate::solver::improve::Improver;
use crate::solver::instance::{Bin, Instance};
use crate::solver::relaxation::{self, Prices};
use crate::solver::shares;

/// One pool packed.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// In terms of the whole problem.
    pub plan: Vec<(Pattern, u64)>,
    /// Nano-dollars per hour.
    pub cost: i128,
    /// Bins.
    pub bins: u64,
    /// The same in terms of the pool's own instance, from where a further packing goes on.
    local: Vec<Bin>,
    /// Whether nothing cheaper exists.
    settled: bool,
}

impl Packed {
    /// Whether nothing cheaper exists, whatever the bounds say.
    pub(super) fn settled(&self) -> bool {
        self.settled
    }
}

/// How much trouble a packing takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Care {
    /// How many ways of filling bins are tried.
    pub ways: usize,
    /// The only one that is tried, where it is known to be best.
    pub way: Option<usize>,
    /// Rounds of local search.
    pub rounds: u64,
    /// Steps of shifting between exactly so many bins.
    pub steps: u64,
}

impl Care {
    /// To know roughly what a pool takes.
    pub(super) const QUICK: Care = Care { ways: 1, way: None, rounds: 0, steps: 0 };
    /// To start from.
    pub(super) const PLAIN: Care = Care { ways: 4, way: None, rounds: 0, steps: 0 };
    /// To buy.
    pub(super) const FULL: Care = Care { ways: 4, way: None, rounds: 20, steps: 300 };
}

/// What a sample tells of a pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampled {
    /// Bins over what the pool would take poured.
    pub beyond: f64,
    /// Which way of filling bins was best.
    pub way: usize,
}

/// Copies and bins that a sample has, if the pool has more of both.
const SAMPLED_COPIES: u64 = 20_000;
const SAMPLED_BINS: u64 = 300;

/// Bins over those that are needed at least, from which another way is tried even where little care is asked.
const FAR: f64 = 1.05;

/// How bins are filled.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// As many as are needed at least stand open, and copies are spread over them.
    Spread,
    /// One after the other.
    Fill(Balance),
}

/// Ways of filling bins, the one that is best most often first.
const WAYS: [Way; 4] =
    [Way::Spread, Way::Fill(Balance(1.0)), Way::Fill(Balance(0.5)), Way::Fill(Balance(0.0))];

/// One pool to pack: its groups on the bins of its candidate.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub model: &'a Model<'a>,
    pub candidate: usize,
    pub groups: &'a [u32],
    /// Bins that are known to be needed.
    pub at_least: u64,
}

impl Part<'_> {
    /// Calls `with` on the pool's own instance and on what guides its packing; `None` where something
    /// fits nowhere.
    fn with<T>(&self, with: impl FnOnce(&Instance, &Prices, &Guide<'_>) -> T) -> Option<T> {
        self.with_one_in(1, with)
    }

    /// The same with one copy in so many.
    fn with_one_in<T>(
        &self,
        every: u64,
        with: impl FnOnce(&Instance, &Prices, &Guide<'_>) -> T,
    ) -> Option<T> {
        let bin_types = &self.model.candidates[self.candidate].bins;
        let sub = part(self.model.problem, &self.copies(every), bin_types, every);
        let instance = Instance::reduce(&sub).ok()?;
        let columns = relaxation::all_columns(&instance);
        let prices = relaxation::solve(&instance, &columns, &[])
            .unwrap_or_else(|_| relaxation::by_the_copy(&instance));
        let guide = Guide::new(&instance, &prices, &vec![true; instance.kinds.len()]);
        Some(with(&instance, &prices, &guide))
    }

    fn items(&self) -> Vec<ItemTypeId> {
        let mut items: Vec<ItemTypeId> =
            self.groups.iter().flat_map(|&g| self.model.items(g as usize)).copied().collect();
        items.sort_unstable();
        items
    }

    /// One copy in so many of the pool's items, the same share of small ones and of large ones: the problem
    /// has them by size.
    fn copies(&self, every: u64) -> Vec<(ItemTypeId, u64)> {
        let mut before = every / 2;
        let taken = self.items().into_iter().filter_map(|id| {
            let after = before + self.model.problem.item(id).copies;
            let taken = after / every - before / every;
            before = after;
            (taken > 0).then_some((id, taken))
        });
        taken.collect()
    }

    /// Bins that the pool takes, and in which way, as far as a sample of its copies tells. Both the sample and
    /// the pool are compared with what they would take poured.
    pub(super) fn sampled(&self, work: &mut u64) -> Option<Sampled> {
        let copies: u64 = self.items().iter().map(|&id| self.model.problem.item(id).copies).sum();
        let every = (copies / SAMPLED_COPIES).min(self.at_least / SAMPLED_BINS).max(1);
        self.with_one_in(every, |instance, prices, guide| {
            let poured: f64 = prices.bins.iter().sum();
            let found = WAYS.iter().enumerate().filter_map(|(way, &how)| {
                let bins = self.packed_by(how, instance, prices, poured.ceil(), guide, work)?;
                Some((cost(instance, &bins), count(&bins), way))
            });
            let (_, bins, way) = found.min()?;
            // Half a bin of the sample was begun for nothing.
            let beyond = ((bins as f64 - 0.5) / poured.max(0.5)).max(1.0);
            Some(Sampled { beyond, way })
        })?
    }

    /// All copies packed in one way.
    fn packed_by(
        &self,
        way: Way,
        instance: &Instance,
        prices: &Prices,
        at_least: f64,
        guide: &Guide<'_>,
        work: &mut u64,
    ) -> Option<Vec<Bin>> {
        let mut filler = Filler::default();
        let found = match way {
            Way::Spread => shares::pack(guide, &whole(instance, prices, at_least), &mut filler),
            Way::Fill(balance) => {
                let mut left: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
                let (mut available, open) = (instance.stock(), guide.opening());
                filler.pack(guide, &mut left, guide.pi, balance, open, &mut available, f64::INFINITY)
            }
        };
        *work += filler.work;
        found
    }

    fn packed(&self, instance: &Instance, local: Vec<Bin>, settled: bool) -> Packed {
        let plan = instance.expand(&local);
        let plan = outward(&plan, &self.items(), &self.model.candidates[self.candidate].bins);
        Packed { plan, cost: cost(instance, &local), bins: count(&local), local, settled }
    }

    /// Packs the pool, at best from what an earlier packing found. `None` where the stock does not
    /// suffice.
    pub(super) fn pack(
        &self,
        known: Option<&Packed>,
        care: Care,
        seed: u64,
        work: &mut u64,
    ) -> Option<Packed> {
        self.with(|instance, prices, guide| {
            let mut best: Option<Vec<Bin>> = known.map(|packed| packed.local.clone());
            let ways = care.way.map_or(&WAYS[..], |way| &WAYS[way..=way]);
            for (tried, &way) in ways.iter().enumerate() {
                // One way more than asked for where the first came nowhere near.
                let far = |bins: u64| bins as f64 > FAR * self.at_least as f64 + 1.0;
                let enough = match best.as_deref().map(count) {
                    Some(bins) => bins <= self.at_least || (tried >= care.ways && !far(bins)),
                    None => false,
                };
                if enough || tried >= care.ways.max(2) {
                    break;
                }
                let found = self.packed_by(way, instance, prices, self.at_least as f64, guide, work);
                if let Some(bins) = found
                    && best.as_ref().is_none_or(|b| cost(instance, &bins) < cost(instance, b))
                {
                    best = Some(bins);
                }
            }
            let (settled, best) = few_copies(instance, prices, best, work);
            let mut best = best?;
            let at_least = if settled { count(&best) } else { self.at_least };
            let mut rng = Rng::with_seed(seed);
            if care.steps > 0 {
                best = squeezed(guide, best, at_least, care.steps, &mut rng, work);
            }
            if count(&best) > at_least && care.rounds > 0 {
                let mut improver = Improver::new(&[guide], &best, seed);
                for _ in 0..care.rounds {
                    let saved = improver.round();
                    *work += std::mem::take(&mut improver.work);
                    if saved > 0 && count(&improver.bins()) <= at_least {
                        break;
                    }
                }
                best = improver.bins();
            }
            Some(self.packed(instance, best, settled))
        })?
    }

    /// Goes on to improve a packing until it runs dry or `go_on` says no, told of the work done.
    pub(super) fn polish(
        &self,
        known: &Packed,
        patience: u64,
        seed: u64,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Option<Packed> {
        if known.settled || known.bins <= self.at_least {
            return None;
        }
        let found = self.with(|instance, _, guide| {
            let mut rng = Rng::with_seed(seed);
            let mut best = known.local.clone();
            let mut work = 0;
            for _ in 0..3 {
                best = squeezed(guide, best, self.at_least, 2_000, &mut rng, &mut work);
                if !go_on(std::mem::take(&mut work)) {
                    return self.packed(instance, best, false);
                }
            }
            let mut improver = Improver::new(&[guide], &best, seed);
            while improver.idle < patience {
                let saved = improver.round();
                let going = go_on(std::mem::take(&mut improver.work));
                if !going || (saved > 0 && count(&improver.bins()) <= self.at_least) {
                    break;
                }
            }
            self.packed(instance, improver.bins(), false)
        })?;
        (found.cost < known.cost).then_some(found)
    }
}

/// The same prices with as many bins as are known to be needed, where there is one kind.
fn whole(instance: &Instance, prices: &Prices, at_least: f64) -> Prices {
    let mut prices = prices.clone();
    if let [only] = instance.kinds.as_slice() {
        prices.bins[0] = only.stock.map_or(at_least, |stock| at_least.min(stock as f64));
    }
    prices
}

fn count(bins: &[Bin]) -> u64 {
    bins.iter().map(|b| b.copies).sum()
}

fn cost(instance: &Instance, bins: &[Bin]) -> i128 {
    bins.iter().map(|b| i128::from(instance.kinds[b.kind].rate) * i128::from(b.copies)).sum()
}

/// Where there are one kind of bin and few enough of them: one bin less, and its content shifted until
/// it fits, as often as that works out.
fn squeezed(
    guide: &Guide<'_>,
    mut best: Vec<Bin>,
    at_least: u64,
    steps: u64,
    rng: &mut Rng,
    work: &mut u64,
) -> Vec<Bin> {
    const MOST_BINS: u64 = 150;
    let instance = guide.instance;
    while instance.kinds.len() == 1 && count(&best) > at_least && count(&best) <= MOST_BINS {
        let bins = [count(&best) - 1];
        let pool: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
        let mut filler = Filler::default();
        let start = filler.fill_these(guide, &bins, guide.pi, Balance([1.0, 0.5][rng.usize(..2)]));
        let found = fit(instance, &pool, &bins, &start, rng, steps, &mut filler.work);
        *work += filler.work;
        match found {
            Some(found) => best = found,
            None => break,
        }
    }
    best
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

/// The part of a problem over so many copies of some items and one in so many of some bins.
fn part(problem: &Problem, items: &[(ItemTypeId, u64)], bins: &[BinTypeId], every: u64) -> Problem {
    let mut sets: BTreeMap<Vec<bool>, BinSet> = BTreeMap::new();
    let part_items: Vec<ItemType> = items
        .iter()
        .map(|&(id, copies)| {
            let item = problem.item(id);
            let flags: Vec<bool> = bins.iter().map(|&b| item.eligible.contains(b)).collect();
            let eligible = sets.entry(flags).or_insert_with_key(|flags| BinSet::new(flags.clone())).clone();
            ItemType { eligible, copies, ..item.clone() }
        })
        .collect();
    let part_bins: Vec<BinType> = bins
        .iter()
        .map(|&b| {
            let bin = problem.bin(b);
            BinType { stock: bin.stock.map(|stock| stock / every), ..bin.clone() }
        })
        .collect();
    let local =
        |id: ItemTypeId| items.binary_search_by_key(&id, |&(id, _)| id).ok().map(|i| ItemTypeId(i as u32));
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
