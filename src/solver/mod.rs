//! The packing itself: from a [`Problem`] to a plan and a lower bound.
//!
//! [`solve`] climbs a ladder: reduce, relax, build plans from the prices, improve them, certify.
//! Every rung may be the last that the budget allows.

pub mod baseline;
mod bound;
mod branching;
mod cases;
mod cliques;
mod column_generation;
pub mod control;
mod enumeration;
mod fit;
mod greedy;
mod improve;
mod instance;
mod knapsack_lp;
pub(crate) mod master;
mod pooled;
mod pricing;
mod relaxation;
mod rounding;

pub use pooled::solve_pooled;

use crate::plan::{LowerBound, Outcome, Plan, ProgressPoint, StopReason, relative_gap};
use crate::problem::{ItemTypeId, Problem};
use crate::units::Money;

use fastrand::Rng;
use rayon::prelude::*;

use branching::{Step, Tree};
use column_generation::{PatternLp, Round};
use control::{Budget, Event, Meter, Observer, Phase};
use greedy::{Balance, Filler, Guide};
use improve::Improver;
use instance::{Bin, Instance};
use knapsack_lp::Columns;
use relaxation::Prices;
use rounding::Partial;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SolveError {
    /// No bin type can hold a copy of these item types.
    #[error("{} item type(s) fit no bin type", .0.len())]
    Unplaceable(Vec<ItemTypeId>),
    /// The bins in stock, or the number of bin types allowed, did not suffice for any plan found.
    #[error("no plan was found within the stock and the number of bin types allowed")]
    NoPlanFound,
}

/// Finds a cheap plan and a lower bound within the budget.
///
/// The same problem, seed and work limit give the same outcome at any number of threads; the time
/// limit and a cancellation may stop the search elsewhere.
///
/// # Errors
/// [`SolveError`] if some item type fits nowhere or no plan was found.
pub fn solve(
    problem: &Problem,
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Outcome, SolveError> {
    let meter = Meter::start(*budget);
    observer.on(&Event::Phase(Phase::Reduce));
    let cliques = cliques::find(problem);
    let wider = problem.with_cliques(&cliques).filter(|_| !cliques.is_empty());
    let problem = wider.as_ref().unwrap_or(problem);
    let instance = Instance::reduce(problem).map_err(SolveError::Unplaceable)?;
    let columns = relaxation::all_columns(&instance);
    let mut search = Search {
        problem,
        instance: &instance,
        columns: &columns,
        meter,
        seed,
        observer,
        incumbent: None,
        lower_bound: bound::by_single_shape(problem, &instance),
        progress: Vec::new(),
    };
    search.run();
    let mut outcome = search.finish()?;
    outcome.lower_bound.certificate.cliques =
        cliques.iter().map(|members| members.iter().map(|j| j.0).collect()).collect();
    Ok(outcome)
}

struct Search<'a> {
    problem: &'a Problem,
    instance: &'a Instance,
    columns: &'a [Columns],
    meter: Meter<'a>,
    seed: u64,
    observer: &'a dyn Observer,
    incumbent: Option<(Money, Vec<Bin>)>,
    lower_bound: LowerBound,
    progress: Vec<ProgressPoint>,
}

impl Search<'_> {
    fn run(&mut self) {
        let instance = self.instance;
        if instance.shapes.is_empty() {
            self.offer_plan(Vec::new());
            return;
        }
        self.enter(Phase::Relaxation);
        // Where nothing takes up any resource there is nothing to relax, and rules alone ask for bins.
        let prices = self.relax().unwrap_or_else(|| relaxation::by_the_copy(instance));
        let allowed = match instance.max_kinds {
            Some(most) => relaxation::choose_kinds(instance, &prices, most),
            None => Some((0..instance.kinds.len()).collect()),
        };
        let Some(allowed) = allowed else { return };
        let restricted = allowed.len() < instance.kinds.len();
        let packing_prices = if restricted {
            relaxation::solve_restricted(instance, self.columns, &allowed).unwrap_or_else(|_| prices.clone())
        } else {
            prices.clone()
        };
        let mut may_open = vec![false; instance.kinds.len()];
        for &t in &allowed {
            may_open[t] = true;
        }
        let guide = Guide::new(instance, &packing_prices, &may_open);
        self.enter(Phase::Greedy);
        self.build_plans(&guide);
        let settled = !self.done() && self.enumerate(&prices);
        if self.done() || self.incumbent.is_none() {
            return;
        }
        if !settled {
            self.enter(Phase::Improvement);
            self.improve(&guide, 0.1, 10);
        }
        if self.few_bins(&prices) && !self.done() {
            self.enter(Phase::Branching);
            self.branch(&prices, &guide, restricted || settled, 0.4);
        }
        // Enumeration may have settled on other kinds than those that the guide may open.
        if settled && restricted {
            return;
        }
        if self.patterns_pay(&prices) && !self.done() {
            self.enter(Phase::ColumnGeneration);
            self.generate_columns(&prices, &may_open);
        }
        if !self.done() && !settled {
            self.enter(Phase::Improvement);
            self.improve(&guide, 1.0, 1);
        }
    }

    fn enter(&self, phase: Phase) {
        self.observer.on(&Event::Phase(phase));
    }

    fn relax(&mut self) -> Option<Prices> {
        let prices = relaxation::solve(self.instance, self.columns).ok()?;
        let integer = bound::integer_prices(self.instance, &prices.pi, &prices.lambda);
        self.offer_bound(bound::certified(self.problem, self.instance, &integer));
        Some(prices)
    }

    /// Three first plans: by how full dimensions get, by prices, and between.
    fn build_plans(&mut self, guide: &Guide<'_>) {
        let instance = self.instance;
        let tries: Vec<(Option<Vec<Bin>>, u64)> = [1.0, 0.5, 0.0]
            .into_par_iter()
            .map(|theta| {
                let mut filler = Filler::default();
                let mut left: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
                let mut available = instance.stock();
                let bins = filler.pack(
                    guide,
                    &mut left,
                    guide.pi,
                    Balance(theta),
                    guide.opening(),
                    &mut available,
                    f64::INFINITY,
                );
                (bins, filler.work)
            })
            .collect();
        for (bins, work) in tries {
            self.meter.spend(work);
            if let Some(bins) = bins {
                self.offer_plan(bins);
            }
        }
    }

    /// Where there are few patterns in all, every choice among them that may be cheaper.
    /// Says whether that settles the plan: nothing cheaper exists, proven or not.
    fn enumerate(&mut self, prices: &Prices) -> bool {
        const MOST_COPIES: u128 = 60;
        const MOST_PATTERNS: usize = 250;
        let instance = self.instance;
        let copies: u128 = instance.shapes.iter().map(|s| u128::from(s.copies)).sum();
        if copies > MOST_COPIES {
            return false;
        }
        let Some(patterns) = enumeration::all_maximal_patterns(instance, MOST_PATTERNS) else { return false };
        let incumbent = self.incumbent.as_ref().map_or(i128::MAX, |(cost, _)| cost.nanos());
        let found = enumeration::cheapest_choice(instance, &patterns, prices, incumbent);
        self.meter.spend(found.work);
        if let Some(bins) = found.bins {
            self.offer_plan(bins);
        }
        found.complete
    }

    /// Large-neighbourhood search until it runs dry or this share of the budget is used up.
    fn improve(&mut self, guide: &Guide<'_>, share: f64, hurry: u64) {
        let Some((_, bins)) = self.incumbent.clone() else { return };
        let mut improver = Improver::new(guide, &bins, self.seed);
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

    /// Whether the numbers of bins per kind are few enough to branch on.
    fn few_bins(&self, prices: &Prices) -> bool {
        prices.bins.iter().sum::<f64>() <= 80.0 && self.instance.shapes.len() <= 400
    }

    /// Branches on the numbers of bins, for the bound and, unless `bound_only`, for plans.
    fn branch(&mut self, prices: &Prices, guide: &Guide<'_>, bound_only: bool, until: f64) {
        let instance = self.instance;
        let cost = self.incumbent.as_ref().map_or(i128::MAX, |(cost, _)| cost.nanos());
        let mut tree = Tree::start(instance, self.columns, prices, cost);
        let mut rng = Rng::with_seed(self.seed ^ 0x6272_616e_6368);
        let mut looks = 0u32;
        while looks < 4_000 && !self.done() && self.meter.share_used() < until {
            looks += 1;
            let incumbent = self.incumbent.as_ref().map_or(i128::MAX, |(cost, _)| cost.nanos());
            if bound_only && tree.is_stuck() {
                break;
            }
            match tree.step(incumbent) {
                Step::Going => {}
                Step::Finished => break,
                Step::Promising(bins) if !bound_only => {
                    self.pack_exactly(guide, &bins, &mut rng);
                }
                Step::Promising(_) => {}
            }
            self.meter.spend(std::mem::take(&mut tree.work));
            if looks.is_power_of_two() {
                self.offer_tree(&tree);
            }
        }
        self.offer_tree(&tree);
    }

    fn offer_tree(&mut self, tree: &Tree<'_>) {
        let incumbent = self.incumbent.as_ref().map_or(i128::MAX, |(cost, _)| cost.nanos());
        let value = Money::from_nanos(tree.bound().min(incumbent));
        if value > self.lower_bound.value {
            self.offer_bound(bound::from_tree(self.instance, value, tree.proof(self.problem)));
        }
    }

    /// Tries to pack everything into exactly these bins.
    fn pack_exactly(&mut self, guide: &Guide<'_>, bins: &[u64], rng: &mut Rng) {
        const STEPS: u64 = 1_500;
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
                let packed = fit::fit(instance, &pool, bins, &start, &mut rng, STEPS, &mut filler.work);
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

    fn copies_per_bin(&self, prices: &Prices) -> f64 {
        let copies: f64 = self.instance.shapes.iter().map(|s| s.copies as f64).sum();
        copies / prices.bins.iter().sum::<f64>().max(1.0)
    }

    /// Whether patterns say more than resource prices: bins hold few items, or rules that no resource
    /// price knows of tell which share a bin.
    fn patterns_pay(&self, prices: &Prices) -> bool {
        let per_bin = self.copies_per_bin(prices);
        let rules = self.instance.shapes.iter().any(|s| !s.conflicts.is_empty())
            || self.instance.kinds.iter().any(|k| k.stock.is_some());
        let shapes = self.instance.shapes.len();
        // With many shapes and long patterns the programme is not solved in time to be of use.
        (shapes <= 250 && per_bin <= 24.0) || (shapes <= 600 && (rules || per_bin <= 16.0))
    }

    fn generate_columns(&mut self, prices: &Prices, may_open: &[bool]) {
        let instance = self.instance;
        let integer = bound::integer_prices(instance, &prices.pi, &prices.lambda);
        let mut lp = PatternLp::start(instance, self.columns, prices, integer);
        let mut rng = Rng::with_seed(self.seed ^ 0x636f_6c75_6d6e);
        if let Some((_, bins)) = &self.incumbent {
            lp.add_plan(bins);
        }
        let mut rounds = 0u32;
        // Where there are many shapes and bins hold much, the neighbourhood search packs better than diving.
        let dives = instance.shapes.len() <= 100 || self.copies_per_bin(prices) <= 8.0;
        let until = 0.7;
        loop {
            let state = lp.round();
            self.meter.spend(std::mem::take(&mut lp.work));
            rounds += 1;
            if Money::from_nanos(bound::round_up(instance, lp.best_bound)) > self.lower_bound.value {
                self.offer_bound(bound::certified(self.problem, instance, &lp.best_integer));
            }
            let closed = state == Round::Closed || self.meter.share_used() > until;
            if closed || rounds.is_multiple_of(8) {
                let guide = Guide::new(instance, &lp.best, may_open);
                self.round_patterns(&lp, &guide, &mut rng, may_open);
                if closed && dives && !self.done() {
                    self.dive(&lp, &guide);
                    self.finish_by_mip(&lp, may_open);
                    self.improve(&guide, 0.9, 1);
                }
            }
            if closed || self.done() {
                break;
            }
        }
    }

    /// Fixes the whole parts of the pattern counts, or else the largest fraction, generates columns for
    /// what is left, and so on; at every depth the rest is also packed by prices.
    fn dive(&mut self, lp: &PatternLp<'_>, guide: &Guide<'_>) {
        const DEPTHS: usize = 40;
        const ROUNDS: usize = 12;
        const SHARE: f64 = 0.15;
        let until = self.meter.share_used() + SHARE;
        if self.instance.max_kinds.is_some() {
            return;
        }
        self.enter(Phase::Rounding);
        let instance = self.instance;
        let mut partial = Partial::new(instance);
        let pattern_of = |lp: &PatternLp<'_>, p: usize, names: Option<&[usize]>| {
            let (kind, content) = lp.pattern(p);
            let content = content.iter().map(|&(j, n)| (names.map_or(j, |names| names[j]), n)).collect();
            Bin { kind, content, copies: 1 }
        };
        let mut solution: Vec<(Bin, f64)> =
            lp.basic_solution().into_iter().map(|(p, count)| (pattern_of(lp, p, None), count)).collect();
        let mut pi = lp.best.pi.clone();
        let mut filler = Filler::default();
        for _ in 0..DEPTHS {
            let incumbent = self.incumbent.as_ref().map_or(f64::INFINITY, |(cost, _)| cost.nanos() as f64);
            let rest: f64 = partial.left.iter().zip(&pi).map(|(&n, p)| n as f64 * p).sum();
            if self.done() || self.meter.share_used() > until || partial.cost() + rest >= incumbent {
                return;
            }
            let whole: u64 =
                solution.iter().map(|(bin, count)| partial.take(bin, (count + 1e-6).floor() as u64)).sum();
            if whole == 0 {
                let Some((bin, _)) = solution.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else { return };
                if partial.take(bin, 1) == 0 {
                    // The pattern holds more than is left of something.
                    return;
                }
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
                ..lp.best.clone()
            };
            let integer = bound::integer_prices(&residual, &prices.pi, &prices.lambda);
            let mut below = PatternLp::start(&residual, &columns, &prices, integer);
            below.short = lp.short;
            let fitting =
                solution.iter().filter(|(bin, _)| bin.content.iter().all(|&(j, n)| partial.left[j] >= n));
            below.add_plan(
                &fitting
                    .map(|(bin, _)| {
                        let local = |&(j, n): &(usize, u64)| Some((names.binary_search(&j).ok()?, n));
                        Bin { content: bin.content.iter().filter_map(local).collect(), ..bin.clone() }
                    })
                    .collect::<Vec<_>>(),
            );
            for _ in 0..ROUNDS {
                let state = below.round();
                self.meter.spend(std::mem::take(&mut below.work));
                if state == Round::Closed || self.done() || self.meter.share_used() > until {
                    break;
                }
            }
            for (&j, &p) in names.iter().zip(&below.best.pi) {
                pi[j] = p;
            }
            solution = below
                .basic_solution()
                .into_iter()
                .map(|(p, count)| (pattern_of(&below, p, Some(&names)), count))
                .collect();
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
        for (p, _) in lp.basic_solution() {
            let (kind, content) = lp.pattern(p);
            if may_open[kind] {
                patterns.push(Bin { kind, content: content.to_vec(), copies: 1 });
            }
        }
        patterns.sort_unstable();
        patterns.dedup();
        if patterns.len() <= MOST_PATTERNS {
            let seconds = limit.as_secs_f64() * SHARE;
            if let Some(bins) = rounding::choose_patterns(self.instance, &patterns, seconds) {
                self.offer_plan(bins);
            }
        }
    }

    fn round_patterns(&mut self, lp: &PatternLp<'_>, guide: &Guide<'_>, rng: &mut Rng, may_open: &[bool]) {
        let solution: Vec<(Bin, f64)> = lp
            .basic_solution()
            .into_iter()
            .map(|(p, count)| {
                let (kind, content) = lp.pattern(p);
                (Bin { kind, content: content.to_vec(), copies: 1 }, count)
            })
            .filter(|(bin, _)| may_open[bin.kind])
            .collect();
        let limit = self.incumbent.as_ref().map_or(f64::INFINITY, |(cost, _)| cost.nanos() as f64);
        let seeds: Vec<u64> = (0..8).map(|_| rng.u64(..)).collect();
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

    /// Whether nothing is left to gain or the budget is used up.
    fn done(&self) -> bool {
        self.meter.must_stop().is_some() || self.gap().is_some_and(|g| g <= self.meter.gap_target())
    }

    fn cost(&self, bins: &[Bin]) -> Money {
        bins.iter()
            .map(|b| Money::from_nanos(i128::from(self.instance.kinds[b.kind].rate) * i128::from(b.copies)))
            .sum()
    }

    /// Takes a plan that is cheaper than the best so far.
    fn offer_plan(&mut self, bins: Vec<Bin>) {
        let cost = self.cost(&bins);
        if self.incumbent.as_ref().is_some_and(|(best, _)| cost >= *best) {
            return;
        }
        self.incumbent = Some((cost, bins));
        self.observer.on(&Event::Incumbent(cost));
        self.record();
    }

    /// Takes a bound that is higher than the best so far.
    fn offer_bound(&mut self, bound: LowerBound) {
        if bound.value > self.lower_bound.value {
            self.observer.on(&Event::Bound(bound.value));
            self.lower_bound = bound;
            self.record();
        }
    }

    fn record(&mut self) {
        self.progress.push(ProgressPoint {
            work: self.meter.work(),
            millis: self.meter.millis(),
            incumbent: self.incumbent.as_ref().map(|(cost, _)| *cost),
            lower_bound: self.lower_bound.value,
        });
    }

    fn gap(&self) -> Option<f64> {
        let (cost, _) = self.incumbent.as_ref()?;
        Some(relative_gap(*cost, self.lower_bound.value))
    }

    fn finish(self) -> Result<Outcome, SolveError> {
        let Some((cost, bins)) = self.incumbent.as_ref() else {
            return Err(SolveError::NoPlanFound);
        };
        let lower_bound = self.lower_bound.clone();
        let stop = if *cost == lower_bound.value {
            StopReason::Optimal
        } else if self.gap().is_some_and(|g| g <= self.meter.gap_target()) {
            StopReason::GapReached
        } else {
            self.meter.must_stop().unwrap_or(StopReason::Exhausted)
        };
        let incumbent: Plan = self.instance.expand(bins);
        Ok(Outcome { incumbent, lower_bound, stop, progress: self.progress })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{BinSet, BinType, ItemType};
    use crate::units::Rate;

    fn problem(items: &[([u64; 2], u64)], bins: &[([u64; 2], u64)], max_types: Option<u32>) -> Problem {
        let items = items
            .iter()
            .map(|&(demand, copies)| ItemType {
                demand: demand.into_iter().collect(),
                copies,
                max_per_bin: None,
                eligible: BinSet::all(bins.len()),
            })
            .collect();
        let bins = bins
            .iter()
            .map(|&(capacity, rate)| BinType {
                capacity: capacity.into_iter().collect(),
                rate: Rate::from_nanos(rate),
                stock: None,
            })
            .collect();
        Problem::new(vec!["cpu".into(), "memory".into()], items, bins, [], max_types).unwrap()
    }

    fn solved(problem: &Problem) -> Outcome {
        solve(problem, &Budget::default(), 1, &control::Silent).unwrap()
    }

    /// Five items of (6, 2) and five of (2, 6): one of each fills an (8, 8) bin at 10, and no bin
    /// holds two of a kind, so five bins are needed and five do.
    #[test]
    fn complementary_items_share_bins_and_the_plan_is_proven_optimal() {
        let problem = problem(&[([6, 2], 5), ([2, 6], 5)], &[([8, 8], 10), ([6, 6], 8)], None);
        let outcome = solved(&problem);
        assert_eq!(outcome.incumbent.hourly_cost(&problem), Money::from_nanos(50));
        assert_eq!(outcome.lower_bound.value, Money::from_nanos(50));
        assert_eq!(outcome.stop, StopReason::Optimal);
    }

    /// Small bins are cheapest for the small item, large ones needed for the large: with one type
    /// allowed, everything goes to large bins. 4 items of 8 fill 4 large bins; 8 of 1 fit 4 to a
    /// small bin (2 x 3) or beside nothing else in a fifth large bin (8 of 8) at 10.
    #[test]
    fn a_cap_on_bin_types_is_kept() {
        let items = [([8, 8], 4), ([1, 1], 8)];
        let bins = [([8, 8], 10), ([4, 4], 3)];
        let free = problem(&items, &bins, None);
        assert_eq!(solved(&free).incumbent.hourly_cost(&free), Money::from_nanos(46));
        let capped = problem(&items, &bins, Some(1));
        let outcome = solved(&capped);
        assert_eq!(outcome.incumbent.bins_by_type().len(), 1);
        assert_eq!(outcome.incumbent.hourly_cost(&capped), Money::from_nanos(50));
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let mut rng = fastrand::Rng::with_seed(3);
        let items: Vec<([u64; 2], u64)> =
            (0..40).map(|_| ([rng.u64(1..30), rng.u64(1..30)], rng.u64(1..20))).collect();
        let bins = [([64, 64], 100), ([32, 64], 71), ([128, 64], 160), ([16, 16], 30)];
        let problem = problem(&items, &bins, None);
        let budget = Budget { work_limit: Some(20_000_000), ..Budget::default() };
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let outcome = pool.install(|| solve(&problem, &budget, 5, &control::Silent)).unwrap();
            (outcome.incumbent, outcome.lower_bound)
        };
        assert_eq!(run(1), run(3));
    }
}
