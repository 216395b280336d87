//! First plans, and the local search from the best of them.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Search;
use super::greedy::{Balance, Filler, Guide};
use super::improve::Improver;
use super::instance::Bin;
use super::relaxation::Prices;
use super::rounding::Partial;
use super::shares;
use crate::plan::Plan;
use crate::problem::ItemTypeId;

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
        let [lossy, plain] = *views;
        let mut ways = vec![
            (plain, Way::Greedy(0.0, 0.0)),
            (plain, Way::Greedy(0.5, 0.02)),
            (plain, Way::Greedy(1.0, 0.0)),
        ];
        if !std::ptr::eq(lossy.prices, plain.prices) {
            ways.extend([(lossy, Way::Greedy(0.0, 0.0)), (lossy, Way::Greedy(0.5, 0.02))]);
        }
        let greedy = ways.len();
        let copies: u128 = self.instance.shapes.iter().map(|s| u128::from(s.copies)).sum();
        if copies <= MOST_COPIES {
            ways.push((plain, Way::Shares));
            if !std::ptr::eq(lossy.prices, plain.prices) {
                ways.push((lossy, Way::Shares));
            }
        }
        let instance = self.instance;
        let tries: Vec<(Option<Vec<Bin>>, u64)> = ways
            .into_par_iter()
            .map(|(View { guide, prices }, way)| {
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
        let mut starts = Vec::new();
        for (i, (bins, work)) in tries.into_iter().enumerate() {
            self.meter.spend(work);
            let Some(bins) = bins else { continue };
            self.offer_plan(bins.clone());
            if i >= greedy {
                starts.push(bins);
            } else if cheapest.as_ref().is_none_or(|best| self.cost(&bins) < self.cost(best)) {
                cheapest = Some(bins);
            }
        }
        starts.extend(cheapest);
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

    /// A short local search from every start; the cheapest plan of all is the one that the search goes on
    /// with. What is cheapest at first need not be what leads furthest.
    pub(super) fn race(&mut self, views: &[View<'_>], starts: Vec<Vec<Bin>>, share: f64) {
        let begun = self.meter.share_used();
        let runners = starts.len() as f64;
        for (i, bins) in starts.into_iter().enumerate() {
            let until = begun + (share - begun).max(0.0) * (i + 1) as f64 / runners;
            self.improve_from(views, &bins, until, 10);
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
        let patience = self.meter.patience() / hurry;
        // Handing over a plan costs about as much as a round on a large one.
        let handover = 1 + bins.len() as u64 / 4_000;
        let mut rounds = 0u64;
        let mut pending = false;
        while improver.idle < patience && !self.done() && self.meter.share_used() < share {
            let saved = improver.round();
            self.meter.spend(std::mem::take(&mut improver.work));
            rounds += 1;
            pending |= saved > 0;
            if pending && rounds.is_multiple_of(handover) {
                self.offer_plan(improver.bins());
                pending = false;
            }
        }
        if pending {
            self.offer_plan(improver.bins());
        }
    }
}
