//! From the programme over patterns to plans: rounding, diving, and the integer programme at the end.

use fastrand::Rng;
use rayon::prelude::*;

use super::column_generation::{PatternLp, Round};
use super::control::{Meter, Phase};
use super::greedy::Filler;
use super::guide::Guide;
use super::instance::{Bin, Instance};
use super::relaxation::{self, Prices};
use super::rounding::{self, Partial};
use super::starts::View;
use super::{Search, bound};
use crate::units::Money;

/// How slowly a dive goes.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// One in so many of the bins that are left is settled between two programmes.
    at_once: f64,
    /// Rounds of column generation for each programme.
    rounds: u32,
}

const PACES: [Pace; 3] = [
    Pace { at_once: 6.0, rounds: 8 },
    Pace { at_once: 12.0, rounds: 16 },
    Pace { at_once: 24.0, rounds: 32 },
];

/// A pair of dives at the next pace takes up to so much longer: twice the programmes of twice the rounds.
const SLOWER: f64 = 4.0;

/// What has been dived so far.
#[derive(Debug, Default)]
pub(super) struct Dives {
    /// Pairs of dives.
    pairs: usize,
    /// The share of the budget that the last pair took.
    took: f64,
}

impl Dives {
    /// How slowly the next pair goes after so many.
    pub(super) fn pace(pair: usize) -> Pace {
        PACES[pair.min(PACES.len() - 1)]
    }

    /// The share of the budget that the next pair may take.
    fn will_take(&self) -> f64 {
        if self.pairs < PACES.len() { SLOWER * self.took } else { self.took }
    }
}

/// After so many rounds of column generation what it has is rounded, and then each time they have doubled.
const ROUNDED_FROM: u32 = 2;

/// Of a dive, from here on its end: so many bins are left that it takes little time to try others.
const END: f64 = 16.0;

/// Where a dive is: what it has taken, and the programme over the rest.
#[derive(Clone)]
pub(super) struct Depth<'a> {
    pub partial: Partial<'a>,
    solution: Vec<(Bin, f64)>,
    pool: Vec<Bin>,
    /// Prices by which the next programme begins.
    pi: Vec<f64>,
    /// What the rest costs at least, nano-dollars.
    rest: f64,
}

impl<'a> Depth<'a> {
    /// Where nothing is taken yet.
    pub(super) fn top(instance: &'a Instance, lp: &PatternLp<'_>) -> Self {
        Depth {
            partial: Partial::new(instance),
            solution: lp.solution(),
            pool: lp.patterns(),
            pi: lp.latest.pi.clone(),
            rest: lp.master_value,
        }
    }
}

/// What a dive found.
pub(super) struct Dived<'a> {
    /// The cheapest plan below the limit.
    pub cheapest: Option<Vec<Bin>>,
    pub end: Option<Depth<'a>>,
    pub work: u64,
}

/// What dives side by side have in common.
pub(super) struct Diver<'s> {
    pub lp: &'s PatternLp<'s>,
    pub guide: &'s Guide<'s>,
    pub meter: &'s Meter<'s>,
    pub pace: Pace,
    /// The share of the budget at which they are cut short.
    pub until: f64,
    /// What a plan has to cost less than, nano-dollars.
    pub limit: f64,
}

impl Diver<'_> {
    /// Fixes the whole parts of the pattern counts, or else the largest fraction, generates columns for
    /// what is left, and so on; at every depth the rest is also packed by prices.
    ///
    /// With an `rng`, fractions that are nearly as large may come first.
    pub(super) fn dive<'d>(&self, from: Depth<'d>, mut rng: Option<Rng>) -> Dived<'d> {
        let Diver { lp, guide, meter, pace, until, mut limit } = *self;
        let instance = guide.instance;
        let Depth { mut partial, mut solution, mut pool, mut pi, mut rest } = from;
        let mut filler = Filler::default();
        let mut dived = Dived { cheapest: None, end: None, work: 0 };
        loop {
            if meter.share_used_after(dived.work) > until || partial.cost() + rest >= limit {
                return dived;
            }
            let bins: f64 = solution.iter().map(|(_, count)| count).sum();
            if bins <= END && dived.end.is_none() {
                let (partial, solution, pool, pi) =
                    (partial.clone(), solution.clone(), pool.clone(), pi.clone());
                dived.end = Some(Depth { partial, solution, pool, pi, rest });
            }
            let quota = (bins / pace.at_once).ceil() as u64;
            let mut taken: u64 =
                solution.iter().map(|(bin, count)| partial.take(bin, (count + 1e-6).floor() as u64)).sum();
            // The nearest to one more first, some at a time: each programme takes its time.
            let mut order: Vec<(f64, usize)> = solution
                .iter()
                .enumerate()
                .map(|(i, (_, count))| (count.fract() * rng.as_mut().map_or(1.0, |r| 0.8 + 0.4 * r.f64()), i))
                .collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            for (_, i) in order {
                if taken >= quota {
                    break;
                }
                taken += partial.take(&solution[i].0, 1);
            }
            if taken == 0 {
                // The patterns hold more than is left of something.
                return dived;
            }
            if partial.left.iter().all(|&n| n == 0) {
                if partial.cost() < limit {
                    dived.cheapest = Some(partial.bins);
                }
                return dived;
            }
            let packed = partial.finish(guide, &mut filler, limit);
            dived.work += std::mem::take(&mut filler.work);
            if let Some(bins) = packed {
                limit = limit.min(instance.cost_of(&bins) as f64);
                dived.cheapest = Some(bins);
            }
            let (residual, names) = instance.residual(&partial.left, &partial.available);
            let columns = relaxation::all_columns(&residual);
            let prices = Prices {
                pi: names.iter().map(|&j| pi[j]).collect(),
                assigned: vec![Vec::new(); residual.kinds.len()],
                ..lp.latest.clone()
            };
            let integer = bound::integer_prices(&residual, &prices.pi, &prices.lambda);
            let mut below = PatternLp::start(&residual, &columns, &prices, integer);
            below.short = lp.short;
            // What was a pattern is one still, as far as there are copies.
            let seeds: Vec<Bin> = pool
                .iter()
                .map(|bin| {
                    let local = |&(j, n): &(usize, u64)| {
                        Some((names.binary_search(&j).ok()?, n.min(partial.left[j])))
                    };
                    Bin { content: bin.content.iter().filter_map(local).collect(), ..bin.clone() }
                })
                .collect();
            below.add_plan(&seeds);
            for _ in 0..pace.rounds {
                let state = below.round();
                dived.work += std::mem::take(&mut below.work);
                if state == Round::Closed || meter.share_used_after(dived.work) > until {
                    break;
                }
            }
            rest = below.master_value;
            for (&j, &p) in names.iter().zip(&below.latest.pi) {
                pi[j] = p;
            }
            let named = |bin: Bin| {
                let content = bin.content.iter().map(|&(j, n)| (names[j], n)).collect();
                Bin { content, ..bin }
            };
            solution = below.solution().into_iter().map(|(bin, count)| (named(bin), count)).collect();
            pool = below.patterns().into_iter().map(named).collect();
        }
    }
}

impl<'a> Search<'a> {
    pub(super) fn copies_per_bin(&self, prices: &Prices) -> f64 {
        let copies: f64 = self.instance.shapes.iter().map(|s| s.copies as f64).sum();
        copies / prices.bins.iter().sum::<f64>().max(1.0)
    }

    /// Whether patterns say more than resource prices: bins hold few items, or rules that no resource
    /// price knows of tell which share a bin.
    pub(super) fn patterns_pay(&self, prices: &Prices) -> bool {
        let per_bin = self.copies_per_bin(prices);
        let rules = self.instance.shapes.iter().any(|s| !s.conflicts.is_empty())
            || self.instance.kinds.iter().any(|k| k.stock.is_some());
        let shapes = self.instance.shapes.len();
        // With many shapes and long patterns the programme is not solved in time to be of use.
        shapes <= 600 && (rules || per_bin <= 100.0)
    }

    /// The work of the first programme over patterns, about.
    pub(super) fn first_programme(&self) -> u64 {
        /// Pivots per shape.
        const PIVOTS: u64 = 4;
        let shapes = self.instance.shapes.len() as u64;
        PIVOTS * shapes * (shapes * shapes / 8 + 4 * 2 * shapes)
    }

    /// The programme over patterns with what local search has come by, for plans alone where the bound is known
    /// already (`bounded`).
    pub(super) fn programme(&mut self, prices: &Prices, bounded: bool) -> PatternLp<'a> {
        const KINDS_FOR_PLANS: usize = 80;
        let integer = bound::integer_prices(self.instance, &prices.pi, &prices.lambda);
        let mut lp = PatternLp::start(self.instance, self.columns, prices, integer);
        if let Some(harvest) = self.harvest.take() {
            lp.add_plan(&harvest.into_patterns());
        }
        if bounded {
            lp.for_plans(KINDS_FOR_PLANS);
        }
        lp
    }

    /// Solves the programme over patterns as far as `until`, a share of the budget, allows, for the bound, and
    /// rounds what it has on the way; dives, of which none begins after `dives`, or local search where they take
    /// too long, follow unless plans are not sought (`bounded`).
    pub(super) fn generate_columns(
        &mut self,
        lp: &mut PatternLp<'a>,
        may_open: &[bool],
        bounded: bool,
        (dives, until): (f64, f64),
        rng: &mut Rng,
    ) {
        let instance = self.instance;
        /// Of what may be used, for the programme itself.
        const SHARE: f64 = 0.55;
        if let Some((_, bins)) = &self.incumbent {
            lp.add_plan(bins);
        }
        let mut rounds = 0u32;
        let begun = self.meter.share_used();
        let solved_by = begun + SHARE * (until - begun);
        loop {
            let state = lp.round();
            self.meter.spend(std::mem::take(&mut lp.work));
            rounds += 1;
            if Money::from_nanos(bound::round_up(instance, lp.best_bound)) > self.lower_bound.value {
                self.offer_bound(bound::certified(self.problem, instance, &lp.best_integer));
            }
            let closed = state == Round::Closed;
            let ends = closed || self.meter.share_used() > solved_by;
            if ends || (rounds >= ROUNDED_FROM && rounds.is_power_of_two()) {
                let guide = Guide::new(instance, &lp.latest, may_open);
                let rounded = self.round_patterns(lp, &guide, rng, may_open);
                if ends && !bounded && instance.max_kinds.is_none() {
                    // A dive takes about as long as the programme, and leads nowhere from one that is not solved.
                    let share = self.meter.share_used();
                    if closed && share < dives && share + (share - begun) <= until {
                        self.dives(lp, &guide, (dives, until), rng);
                    } else {
                        self.enter(Phase::Improvement);
                        let best = self.incumbent.as_ref().map(|(_, bins)| bins);
                        // What was rounded may be the best.
                        let rounded = rounded.filter(|bins| best != Some(bins));
                        let starts = rounded.into_iter().chain(best.cloned()).collect();
                        self.race(&[View { guide: &guide, prices: &lp.latest }], starts, until);
                    }
                    self.finish_by_mip(lp, may_open);
                }
            }
            if ends || self.done() {
                return;
            }
        }
    }

    /// Dives two by two, each pair slower than the one before as far as they go; behind each the end of the
    /// better one is tried in other ways, and a short local search follows. None begins after `begin`, nor one
    /// after the first that would not end by then: one that is cut short finds nothing.
    fn dives(&mut self, lp: &PatternLp<'_>, guide: &Guide<'_>, (begin, most): (f64, f64), rng: &mut Rng) {
        /// Of the budget, for other ends and for the local search.
        const SHARE: f64 = 0.05;
        /// Pairs of other ends.
        const ENDS: u32 = 16;
        /// Pairs of dives, where no limit ends them sooner.
        const MOST_PAIRS: usize = 16;
        let top = Depth::top(self.instance, lp);
        while self.dives.pairs < MOST_PAIRS {
            let pace = Dives::pace(self.dives.pairs);
            let begun = self.meter.share_used();
            if self.done() || begun + self.dives.will_take() > begin {
                return;
            }
            self.enter(Phase::Rounding);
            let first = (self.dives.pairs >= PACES.len()).then(|| rng.fork());
            let dived = self.dive_twice(lp, guide, pace, most, [(&top, first), (&top, Some(rng.fork()))]);
            self.dives.pairs += 1;
            self.dives.took = self.meter.share_used() - begun;
            let better = dived.into_iter().flatten().min_by_key(|&(cost, _)| cost);
            let until = self.meter.share_used() + SHARE.max(self.dives.took / 2.0);
            for _ in 0..ENDS {
                let Some((_, end)) = &better else { break };
                if self.done() || self.meter.share_used() >= until.min(most) {
                    break;
                }
                let ends = [(end, Some(rng.fork())), (end, Some(rng.fork()))];
                self.dive_twice(lp, guide, pace, most, ends);
            }
            self.enter(Phase::Improvement);
            let until = self.meter.share_used() + SHARE;
            self.improve(&[View { guide, prices: &lp.latest }], until, 1);
        }
    }

    /// Two dives side by side. Returns of each what its plan costs and where its end began.
    fn dive_twice<'d>(
        &mut self,
        lp: &PatternLp<'_>,
        guide: &Guide<'_>,
        pace: Pace,
        until: f64,
        [one, two]: [(&Depth<'d>, Option<Rng>); 2],
    ) -> [Option<(Money, Depth<'d>)>; 2]
    where
        Self: 'd,
    {
        let limit = self.incumbent.as_ref().map_or(f64::INFINITY, |(cost, _)| cost.nanos() as f64);
        let diver = Diver { lp, guide, meter: &self.meter, pace, until, limit };
        let (one, two) =
            rayon::join(|| diver.dive(one.0.clone(), one.1), || diver.dive(two.0.clone(), two.1));
        [one, two].map(|dived| {
            self.meter.spend(dived.work);
            let bins = dived.cheapest?;
            let cost = self.cost(&bins);
            self.offer_plan(bins);
            Some((cost, dived.end?))
        })
    }

    /// The integer programme over the patterns in the master's last solution and in the plan. Its
    /// solver can only be stopped by the clock, so that it runs only where the clock limits anyway.
    fn finish_by_mip(&mut self, lp: &PatternLp<'_>, may_open: &[bool]) {
        const MOST_PATTERNS: usize = 400;
        const SHARE: f64 = 0.1;
        let (Some(limit), None) = (self.meter.time_limit(), self.instance.max_kinds) else { return };
        let Some((_, incumbent)) = &self.incumbent else { return };
        let mut patterns: Vec<Bin> = incumbent.iter().map(|b| Bin { copies: 1, ..b.clone() }).collect();
        patterns.extend(lp.solution().into_iter().map(|(bin, _)| bin).filter(|bin| may_open[bin.kind]));
        patterns.sort_unstable();
        patterns.dedup();
        if patterns.len() <= MOST_PATTERNS && !self.done() {
            let left = 1.0 - self.meter.share_used();
            let seconds = limit.as_secs_f64() * SHARE.min(left);
            if let Some(bins) = rounding::choose_patterns(self.instance, &patterns, seconds) {
                self.offer_plan(bins);
            }
        }
    }

    /// Rounds the last master's solution in several ways. The cheapest plan comes back unless it costs much
    /// more than the best known.
    fn round_patterns(
        &mut self,
        lp: &PatternLp<'_>,
        guide: &Guide<'_>,
        rng: &mut Rng,
        may_open: &[bool],
    ) -> Option<Vec<Bin>> {
        /// Times the cost of the best plan: from there local search may still lead further than from that.
        const WORTH_A_LOOK: f64 = 1.02;
        let solution: Vec<(Bin, f64)> =
            lp.solution().into_iter().filter(|(bin, _)| may_open[bin.kind]).collect();
        let limit =
            self.incumbent.as_ref().map_or(f64::INFINITY, |(cost, _)| WORTH_A_LOOK * cost.nanos() as f64);
        let seeds: Vec<u64> = (0..24).map(|_| rng.u64(..)).collect();
        let tries: Vec<(Option<Vec<Bin>>, u64)> = seeds
            .into_par_iter()
            .map(|seed| {
                let mut filler = Filler::default();
                let plan = rounding::round(guide, &mut filler, &solution, &mut Rng::with_seed(seed), limit);
                (plan, filler.work)
            })
            .collect();
        let mut cheapest: Option<Vec<Bin>> = None;
        for (plan, work) in tries {
            self.meter.spend(work);
            let Some(plan) = plan else { continue };
            if cheapest.as_ref().is_none_or(|best| self.cost(&plan) < self.cost(best)) {
                cheapest = Some(plan.clone());
            }
            self.offer_plan(plan);
        }
        cheapest
    }
}
