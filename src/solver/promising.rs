//! Looking at cases of how many bins there are, and packing everything into exactly so many where nothing
//! can be proven against them.

use rayon::prelude::*;

use fastrand::Rng;

use super::Search;
use super::bound;
use super::branching::{Step, Tree};
use super::column_generation::{PatternLp, Round};
use super::diving::{Depth, Diver, Dives};
use super::exchange::Pattern;
use super::fit;
use super::greedy::{Balance, Filler};
use super::guide::Guide;
use super::instance::Bin;
use super::relaxation::{self, Prices};
use crate::units::Money;

/// Steps of a first attempt to pack everything into given bins.
const FIT_STEPS: u64 = 1_500;
/// Steps of an attempt to pack the end of a dive.
const END_STEPS: u64 = 6_000;
/// So many bins are few: patterns are sooner at an end with them than anything else, and dives into given bins
/// take no longer than they are worth.
pub(super) const FEW: f64 = 120.0;
/// Looks at cases in one turn, where no limit ends it sooner.
const MOST_LOOKS: u32 = 100_000;
/// Longer attempts for each of the numbers of bins that may hold everything.
const MOST_ATTEMPTS: usize = 24;

impl Search<'_> {
    /// Whether branching on the numbers of bins may prove something in time.
    pub(super) fn branches(&self, prices: &Prices) -> bool {
        prices.bins.iter().sum::<f64>() <= 5_000.0 && self.instance.shapes.len() <= 400
    }

    /// Whether it may prove an optimum.
    pub(super) fn few_bins(&self, prices: &Prices) -> bool {
        prices.bins.iter().sum::<f64>() <= FEW
    }

    /// Branches on the numbers of bins, for the bound and, unless `bound_only`, for plans.
    pub(super) fn branch(
        &mut self,
        tree: &mut Tree<'_>,
        guide: &Guide<'_>,
        bound_only: bool,
        until: f64,
        rng: &mut Rng,
    ) {
        /// Looks between two attempts to pack what nothing can be proven against.
        const BETWEEN: u32 = 32;
        let mut attempts = 0;
        for looks in 1..=MOST_LOOKS {
            if self.done() || self.meter.share_used() >= until || bound_only && tree.is_stuck() {
                break;
            }
            let step = tree.step(self.to_beat(), &|work| self.meter.share_used_after(work) >= 1.0);
            self.meter.spend(std::mem::take(&mut tree.work));
            match step {
                Step::Promising(bins) if !bound_only => self.pack_exactly(guide, &bins, FIT_STEPS, rng),
                Step::Going | Step::Promising(_) => {}
                Step::Finished if bound_only => break,
                Step::Finished => {
                    self.offer_tree(tree);
                    if !self.pack_promising(tree, guide, &mut attempts, until, rng) {
                        break;
                    }
                }
            }
            if looks.is_power_of_two() {
                self.offer_tree(tree);
            }
            if looks.is_multiple_of(BETWEEN) && !bound_only && tree.is_stuck() {
                self.pack_promising(tree, guide, &mut attempts, until, rng);
            }
        }
        self.offer_tree(tree);
    }

    /// Tries longer to pack everything into numbers of bins that may hold it, in turn. False
    /// where there are none, or attempts enough were made.
    fn pack_promising(
        &mut self,
        tree: &Tree<'_>,
        guide: &Guide<'_>,
        attempts: &mut usize,
        until: f64,
        rng: &mut Rng,
    ) -> bool {
        let promising = tree.promising(self.to_beat());
        let rounds = attempts.checked_div(promising.len()).filter(|&rounds| rounds < MOST_ATTEMPTS);
        let Some(rounds) = rounds else { return false };
        let bins = promising[*attempts % promising.len()].to_vec();
        *attempts += 1;
        self.pack_exactly(guide, &bins, FIT_STEPS * 4u64.pow(rounds.min(2) as u32), rng);
        if self.instance.cost(&bins) < self.to_beat() && bins.iter().sum::<u64>() as f64 <= FEW {
            self.dive_into(&bins, tree.known(), rounds, until, rng);
        }
        true
    }

    /// Dives for a packing into these bins, each time slower; where a dive does not get to the end, search packs
    /// the last bins.
    fn dive_into<'p>(
        &mut self,
        bins: &[u64],
        known: impl Iterator<Item = &'p Pattern>,
        rounds: usize,
        until: f64,
        rng: &mut Rng,
    ) {
        /// Dives side by side.
        const DIVES: usize = 4;
        /// Rounds of column generation beforehand.
        const ROUNDS: u32 = 200;
        let (fixed, used) = self.instance.with_bins(bins);
        let columns = relaxation::all_columns(&fixed);
        let Ok(prices) = relaxation::solve(&fixed, &columns, &[]) else { return };
        let integer = bound::integer_prices(&fixed, &prices.pi, &prices.lambda);
        let mut lp = PatternLp::start(&fixed, &columns, &prices, integer);
        let known = known.filter_map(|(kind, content)| {
            let kind = used.binary_search(kind).ok()?;
            Some(Bin { kind, content: content.clone(), copies: 1 })
        });
        lp.add_plan(&known.collect::<Vec<_>>());
        for _ in 0..ROUNDS {
            let state = lp.round();
            self.meter.spend(std::mem::take(&mut lp.work));
            if self.done() || self.meter.share_used() >= until {
                return;
            }
            if state == Round::Closed {
                break;
            }
        }
        // What patterns in parts do not hold, no packing does.
        if lp.master_value >= self.to_beat() as f64 {
            return;
        }
        let every = vec![true; fixed.kinds.len()];
        let guide = Guide::new(&fixed, &lp.latest, &every);
        // The clock is the same for all dives; work they share.
        let share = self.meter.share_used();
        let until = match self.meter.time_limit() {
            Some(_) => until,
            None => share + (until - share) / DIVES as f64,
        };
        let top = Depth::top(&fixed, &lp);
        let pace = Dives::pace(rounds);
        // Whatever the plan, it costs less than the best so far.
        let diver = Diver { lp: &lp, guide: &guide, meter: &self.meter, pace, until, limit: f64::INFINITY };
        let seeds: Vec<Option<u64>> =
            (0..DIVES).map(|i| (rounds > 0 || i > 0).then(|| rng.u64(..))).collect();
        let dives: Vec<(Option<Vec<Bin>>, u64)> = seeds
            .into_par_iter()
            .map(|seed| {
                let mut dived = diver.dive(top.clone(), seed.map(Rng::with_seed));
                if dived.cheapest.is_none()
                    && let Some(Depth { partial, .. }) = &dived.end
                {
                    let mut rng = Rng::with_seed(seed.unwrap_or(self.seed));
                    dived.cheapest = partial.fit(END_STEPS, &mut rng, &mut dived.work);
                }
                (dived.cheapest, dived.work)
            })
            .collect();
        for (packed, work) in dives {
            self.meter.spend(work);
            if let Some(packed) = packed {
                self.offer_plan(packed.into_iter().map(|b| Bin { kind: used[b.kind], ..b }).collect());
            }
        }
    }

    fn offer_tree(&mut self, tree: &Tree<'_>) {
        let value = Money::from_nanos(tree.bound().min(self.to_beat()));
        if value > self.lower_bound.value {
            self.offer_bound(tree.certified(self.problem, value));
        }
    }

    /// Tries to pack everything into exactly these bins.
    fn pack_exactly(&mut self, guide: &Guide<'_>, bins: &[u64], steps: u64, rng: &mut Rng) {
        let instance = self.instance;
        let pool: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
        let seeds: Vec<u64> = (0..4).map(|_| rng.u64(..)).collect();
        let tries: Vec<(Option<Vec<Bin>>, u64)> = seeds
            .into_par_iter()
            .map(|seed| {
                let mut rng = Rng::with_seed(seed);
                let mut filler = Filler::default();
                let noise = 0.05 * rng.f64();
                let value: Vec<f64> =
                    guide.pi.iter().map(|p| p.max(1.0) * (1.0 + noise * (rng.f64() - 0.5))).collect();
                let balance = Balance([0.0, 0.5, 1.0][rng.usize(..3)]);
                let start = filler.fill_these(guide, bins, &value, balance);
                let packed = fit::fit(instance, &pool, bins, &start, &mut rng, steps, &mut filler.work);
                (packed, filler.work)
            })
            .collect();
        for (packed, work) in tries {
            self.meter.spend(work);
            if let Some(packed) = packed {
                self.offer_plan(packed);
            }
        }
    }
}
