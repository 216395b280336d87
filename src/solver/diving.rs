//! From the programme over patterns to plans: rounding, diving, and the integer programme at the end.

use fastrand::Rng;
use rayon::prelude::*;

use super::column_generation::{PatternLp, Round};
use super::control::Phase;
use super::greedy::{Filler, Guide};
use super::instance::Bin;
use super::relaxation::{self, Prices};
use super::rounding::{self, Partial};
use super::starts::View;
use super::{Search, bound};
use crate::units::Money;

/// How slowly a dive goes.
#[derive(Clone, Copy)]
struct Pace {
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

/// Rounds of column generation between two attempts to round what it has.
const ROUNDED_EVERY: u32 = 32;

impl Search<'_> {
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
        shapes <= 600 && (rules || per_bin <= 24.0)
    }

    /// Solves the programme over patterns as far as the budget allows, for the bound, and rounds what it
    /// has on the way; where the bound is known already (`bounded`) more time is left to plans. The prices of the last round come back.
    pub(super) fn generate_columns(&mut self, prices: &Prices, may_open: &[bool], bounded: bool) -> Prices {
        let instance = self.instance;
        const KINDS_FOR_PLANS: usize = 80;
        let integer = bound::integer_prices(instance, &prices.pi, &prices.lambda);
        let mut lp = PatternLp::start(instance, self.columns, prices, integer);
        let mut rng = Rng::with_seed(self.seed ^ 0x636f_6c75_6d6e);
        if let Some((_, bins)) = &self.incumbent {
            lp.add_plan(bins);
        }
        if bounded {
            lp.for_plans(KINDS_FOR_PLANS);
        }
        let mut rounds = 0u32;
        let until = if bounded { 0.5 } else { 0.6 };
        loop {
            let state = lp.round();
            self.meter.spend(std::mem::take(&mut lp.work));
            rounds += 1;
            if Money::from_nanos(bound::round_up(instance, lp.best_bound)) > self.lower_bound.value {
                self.offer_bound(bound::certified(self.problem, instance, &lp.best_integer));
            }
            let closed = state == Round::Closed || self.meter.share_used() > until;
            if closed || rounds.is_multiple_of(ROUNDED_EVERY) {
                let guide = Guide::new(instance, &lp.latest, may_open);
                self.round_patterns(&lp, &guide, &mut rng, may_open);
                if closed && !bounded && instance.max_kinds.is_none() {
                    self.dives(&lp, &guide);
                    self.finish_by_mip(&lp, may_open);
                }
            }
            if closed || self.done() {
                return lp.latest;
            }
        }
    }

    /// Dives one after the other, each slower than the one before, with a short local search behind each.
    fn dives(&mut self, lp: &PatternLp<'_>, guide: &Guide<'_>) {
        /// Of the budget, for the local search.
        const SHARE: f64 = 0.05;
        const UNTIL: f64 = 0.9;
        for pace in PACES {
            if self.done() || self.meter.share_used() > UNTIL {
                return;
            }
            self.enter(Phase::Rounding);
            self.dive(lp, guide, pace, UNTIL);
            self.enter(Phase::Improvement);
            let until = self.meter.share_used() + SHARE;
            self.improve(&[View { guide, prices: &lp.latest }], until, 1);
        }
    }

    /// Fixes the whole parts of the pattern counts, or else the largest fraction, generates columns for
    /// what is left, and so on; at every depth the rest is also packed by prices.
    fn dive(&mut self, lp: &PatternLp<'_>, guide: &Guide<'_>, pace: Pace, until: f64) {
        let instance = self.instance;
        let mut partial = Partial::new(instance);
        let mut solution = lp.solution();
        let mut pool: Vec<Bin> = lp.patterns();
        let mut pi = lp.latest.pi.clone();
        let mut rest = lp.master_value;
        let mut filler = Filler::default();
        loop {
            let incumbent = self.incumbent.as_ref().map_or(f64::INFINITY, |(cost, _)| cost.nanos() as f64);
            if self.done() || self.meter.share_used() > until || partial.cost() + rest >= incumbent {
                return;
            }
            let bins: f64 = solution.iter().map(|(_, count)| count).sum();
            let quota = (bins / pace.at_once).ceil() as u64;
            let mut taken: u64 =
                solution.iter().map(|(bin, count)| partial.take(bin, (count + 1e-6).floor() as u64)).sum();
            // The nearest to one more first, some at a time: each programme takes its time.
            solution.sort_by(|a, b| b.1.fract().total_cmp(&a.1.fract()));
            for (bin, _) in &solution {
                if taken >= quota {
                    break;
                }
                taken += partial.take(bin, 1);
            }
            if taken == 0 {
                // The patterns hold more than is left of something.
                return;
            }
            if partial.left.iter().all(|&n| n == 0) {
                self.offer_plan(partial.bins);
                return;
            }
            let packed = partial.finish(guide, &mut filler, incumbent);
            self.meter.spend(std::mem::take(&mut filler.work));
            if let Some(bins) = packed {
                self.offer_plan(bins);
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
                self.meter.spend(std::mem::take(&mut below.work));
                if state == Round::Closed || self.done() || self.meter.share_used() > until {
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

    fn round_patterns(&mut self, lp: &PatternLp<'_>, guide: &Guide<'_>, rng: &mut Rng, may_open: &[bool]) {
        let solution: Vec<(Bin, f64)> =
            lp.solution().into_iter().filter(|(bin, _)| may_open[bin.kind]).collect();
        let limit = self.incumbent.as_ref().map_or(f64::INFINITY, |(cost, _)| cost.nanos() as f64);
        let seeds: Vec<u64> = (0..24).map(|_| rng.u64(..)).collect();
        let tries: Vec<(Option<Vec<Bin>>, u64)> = seeds
            .into_par_iter()
            .map(|seed| {
                let mut filler = Filler::default();
                let plan = rounding::round(guide, &mut filler, &solution, &mut Rng::with_seed(seed), limit);
                (plan, filler.work)
            })
            .collect();
        for (plan, work) in tries {
            self.meter.spend(work);
            if let Some(plan) = plan {
                self.offer_plan(plan);
            }
        }
    }
}
