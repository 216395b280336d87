//! First plans, and the local search from the best of them.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Search;
use super::greedy::{Balance, Filler};
use super::guide::Guide;
use super::improve::Improver;
use super::instance::Bin;
use super::relaxation::Prices;
use super::rounding::Partial;
use super::shares;
use crate::plan::Plan;
use crate::problem::ItemTypeId;

/// Work per bin of a plan between two hand-overs of it.
const HANDOVER: u64 = 800;

/// Prices, and how to pack by them.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub guide: &'a Guide<'a>,
    pub prices: &'a Prices,
}

/// How to make a first plan.
#[derive(Clone, Copy)]
enum Way {
    /// Best bin first, over all kinds, by prices (0), fullness (1) or between; so much large copies lead.
    Greedy(f64, f64),
    /// Along the relaxation.
    Shares,
}

impl Search<'_> {
    /// First plans: over all kinds at once, and along the relaxation, under each view of prices; and from
    /// the plan that the caller has. The cheapest greedy one and all others come back to start from.
    pub(super) fn first_plans(&mut self, views: &[View<'_>; 2], given: Option<&Plan>) -> Vec<Vec<Bin>> {
        /// Past this, copies are not dealt out one by one.
        const MOST_COPIES: u128 = 2_000_000;
        /// Past this, only the relaxation's way is tried, unless it leads nowhere.
        const MOST_SHAPES: usize = 1_000;
        let [lossy, plain] = *views;
        let views = if std::ptr::eq(lossy.prices, plain.prices) { vec![plain] } else { vec![plain, lossy] };
        let mut greedy = Vec::new();
        for (i, &view) in views.iter().enumerate() {
            greedy.extend([(view, Way::Greedy(0.0, 0.0)), (view, Way::Greedy(0.5, 0.02))]);
            if i == 0 {
                greedy.push((view, Way::Greedy(1.0, 0.0)));
            }
        }
        let copies: u128 = self.instance.shapes.iter().map(|s| u128::from(s.copies)).sum();
        let dealt: Vec<_> = match copies <= MOST_COPIES {
            true => views.iter().map(|&view| (view, Way::Shares)).collect(),
            false => Vec::new(),
        };
        let mut starts = Vec::new();
        // Of many shapes the greedy takes longer than it is worth.
        if self.instance.shapes.len() > MOST_SHAPES {
            starts = self.plans_by(&dealt);
        }
        if starts.is_empty() {
            let ways: Vec<_> = greedy.iter().chain(&dealt).copied().collect();
            starts = self.plans_by(&ways);
        }
        if let Some(given) = given {
            let mut filler = Filler::default();
            let bins = self.taken(plain.guide, given).finish(plain.guide, &mut filler, f64::INFINITY);
            self.meter.spend(filler.work);
            if let Some(bins) = bins {
                self.offer_plan(bins.clone());
                starts.push(bins);
            }
        }
        starts
    }

    /// The plans of some ways, the cheapest greedy one and all others.
    fn plans_by(&mut self, ways: &[(View<'_>, Way)]) -> Vec<Vec<Bin>> {
        let instance = self.instance;
        let tries: Vec<(Option<Vec<Bin>>, u64)> = ways
            .par_iter()
            .map(|&(View { guide, prices }, way)| {
                let mut filler = Filler::default();
                let bins = match way {
                    Way::Shares => shares::pack(guide, prices, &mut filler),
                    Way::Greedy(theta, lean) => {
                        filler.lean = lean;
                        let mut left: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
                        let mut available = instance.stock();
                        let open = guide.opening();
                        let give_up = f64::INFINITY;
                        filler.pack(guide, &mut left, guide.pi, Balance(theta), open, &mut available, give_up)
                    }
                };
                (bins, filler.work)
            })
            .collect();
        let mut cheapest: Option<Vec<Bin>> = None;
        let mut plans = Vec::new();
        for ((bins, work), (_, way)) in tries.into_iter().zip(ways) {
            self.meter.spend(work);
            let Some(bins) = bins else { continue };
            self.offer_plan(bins.clone());
            match way {
                Way::Shares => plans.push(bins),
                Way::Greedy(..)
                    if cheapest.as_ref().is_none_or(|best| self.cost(&bins) < self.cost(best)) =>
                {
                    cheapest = Some(bins);
                }
                Way::Greedy(..) => {}
            }
        }
        plans.extend(cheapest);
        plans
    }

    /// The bins of a plan, as far as there are items and stock for them.
    fn taken(&self, guide: &Guide<'_>, plan: &Plan) -> Partial<'_> {
        let instance = self.instance;
        let mut shape_of: BTreeMap<ItemTypeId, usize> = BTreeMap::new();
        for (j, shape) in instance.shapes.iter().enumerate() {
            shape_of.extend(shape.members.iter().map(|&(item, _)| (item, j)));
        }
        let mut partial = Partial::new(instance);
        for (pattern, copies) in plan.bins() {
            let id = pattern.bin_type();
            let stand_in = || instance.dominated_by.iter().find(|(other, _)| *other == id).map(|&(_, t)| t);
            let Some(kind) = instance.kinds.iter().position(|k| k.id == id).or_else(stand_in) else {
                continue;
            };
            if !guide.may_open(kind) {
                continue;
            }
            let mut content: BTreeMap<usize, u64> = BTreeMap::new();
            for (item, n) in pattern.content() {
                *content.entry(shape_of[item]).or_default() += n;
            }
            let bin = Bin { kind, content: content.into_iter().collect(), copies: 1 };
            if instance.holds(&bin) {
                partial.take(&bin, copies);
            }
        }
        partial
    }

    /// Local search from every start, with an equal share of so much work.
    pub(super) fn look(&mut self, views: &[View<'_>], starts: &[Vec<Bin>], work: u64) {
        /// Of the budget, for each start.
        const MOST: f64 = 0.04;
        let guides: Vec<&Guide<'_>> = views.iter().map(|view| view.guide).collect();
        for bins in starts {
            let mut improver = Improver::new(&guides, bins, self.seed);
            let end = self.meter.work().saturating_add(work / starts.len() as u64);
            self.go_on(&mut improver, self.meter.patience(), self.meter.share_used() + MOST, end);
            if let Some(harvest) = &mut self.harvest {
                harvest.extend(improver.bins());
            }
        }
    }

    /// Short local searches from every start, longer ones from those that promise most: half of them go on
    /// each time, by what they cost and what they saved lately. What is cheapest at first need not be what
    /// leads furthest. The last one goes on until it is the cheapest plan known, or `share` is used up.
    pub(super) fn race(&mut self, views: &[View<'_>], starts: Vec<Vec<Bin>>, share: f64) {
        /// Of the budget, for the first searches; twice as much for each of the next.
        const FIRST: f64 = 0.01;
        /// Of the budget, for a first look at each start, so that the best is not kept waiting; twice as much
        /// for the next.
        const WARM_UP: f64 = FIRST / 8.0;
        /// At most so many rounds without a saving, then a search is left to itself.
        const MOST_IDLE: u64 = 300;
        let idle = (self.meter.patience() / 10).min(MOST_IDLE);
        let guides: Vec<&Guide<'_>> = views.iter().map(|view| view.guide).collect();
        let mut runners: Vec<Improver<'_>> =
            starts.iter().map(|bins| Improver::new(&guides, bins, self.seed)).collect();
        let mut slice = WARM_UP;
        while runners.len() > 1 && slice < FIRST && !self.done() {
            for runner in &mut runners {
                self.go_on(runner, idle, self.meter.share_used() + slice, u64::MAX);
            }
            slice *= 2.0;
        }
        while runners.len() > 1 && !self.done() {
            let mut promise = Vec::with_capacity(runners.len());
            for (i, runner) in runners.iter_mut().enumerate() {
                let begun = self.meter.share_used();
                self.go_on(runner, idle, begun + slice / 2.0, u64::MAX);
                let half = self.cost(&runner.bins());
                self.go_on(runner, idle, begun + slice, u64::MAX);
                let now = self.cost(&runner.bins());
                // What comes is about as much again as the second half brought, and then less and less.
                promise.push((now.nanos() - 3 * (half - now).nanos(), i));
            }
            promise.sort_unstable();
            promise.truncate(runners.len().div_ceil(2));
            let mut number = 0;
            runners.retain(|_| {
                number += 1;
                promise.iter().any(|&(_, i)| i == number - 1)
            });
            slice *= 2.0;
        }
        let Some(mut last) = runners.pop() else { return };
        while last.idle < idle && !self.done() && self.meter.share_used() < share {
            if self.incumbent.as_ref().is_some_and(|(best, _)| self.cost(&last.bins()) <= *best) {
                break;
            }
            let until = self.meter.share_used() + FIRST;
            self.go_on(&mut last, idle, until, u64::MAX);
        }
    }

    /// Large-neighbourhood search from the cheapest plan until it runs dry or this share of the budget is
    /// used up.
    pub(super) fn improve(&mut self, views: &[View<'_>], share: f64, hurry: u64) {
        if let Some((_, bins)) = self.incumbent.clone() {
            self.improve_from(views, &bins, share, hurry);
        }
    }

    fn improve_from(&mut self, views: &[View<'_>], bins: &[Bin], share: f64, hurry: u64) {
        let guides: Vec<&Guide<'_>> = views.iter().map(|view| view.guide).collect();
        let mut improver = Improver::new(&guides, bins, self.seed);
        self.go_on(&mut improver, self.meter.patience() / hurry, share, u64::MAX);
    }

    /// Lets a search go on until it has been idle for so many rounds, `share` is used up or so much `work` done
    /// in all.
    fn go_on(&mut self, improver: &mut Improver<'_>, patience: u64, share: f64, work: u64) {
        // Handing over a plan sorts its bins; on a large one that is as much work as many rounds.
        let handover = HANDOVER * improver.size();
        let mut since = 0u64;
        let mut pending = false;
        improver.remembers = self.harvest.is_some();
        let goes_on =
            |search: &Self| !search.done() && search.meter.share_used() < share && search.meter.work() < work;
        while improver.idle < patience && goes_on(self) {
            let saved = improver.round();
            let work = std::mem::take(&mut improver.work);
            self.meter.spend(work);
            since += work;
            pending |= saved > 0;
            if pending && since >= handover {
                self.take_over(improver);
                pending = false;
                since = 0;
            }
        }
        if pending {
            self.take_over(improver);
        }
    }

    /// Takes the plan of a local search and the patterns that it made since.
    fn take_over(&mut self, improver: &mut Improver<'_>) {
        self.offer_plan(improver.bins());
        if let Some(harvest) = &mut self.harvest {
            harvest.extend(improver.made.drain(..));
        }
    }
}
