//! Pooled plans: every group of item types whole in one pool of equal bins, and few pools.
//!
//! ```text
//! min  sum_p c_p n_p
//! s.t. sum_p x_gp = 1                         every group in one pool
//!      n_p bins of pool p hold all groups g with x_gp = 1
//!      at most K pools with any group         x binary, n integer
//! ```
//!
//! Relaxed (x fractional, bins poured full) this is the resource-price relaxation, whose basic solutions
//! split few groups: at most one for each pool and dimension. It says which pools are worth their price
//! and where most groups belong. From there groups are moved and exchanged, and pools turned into others,
//! by simulated annealing on an estimate (`model.rs`); then every pool is packed for itself. What packing
//! takes beyond the estimate is learned pool by pool, and the annealing repeated.

mod anneal;
mod exact;
mod model;
mod pack;
mod start;
mod state;

use std::collections::BTreeMap;

use fastrand::Rng;
use rayon::prelude::*;

use super::control::{Budget, Event, Meter, Observer, Phase};
use super::instance::Instance;
use super::{SolveError, cliques, relaxation};
use crate::plan::{
    BoundKind, Certificate, LowerBound, Outcome, Pattern, Plan, ProgressPoint, StopReason, relative_gap,
};
use crate::problem::{Pooling, Problem};
use crate::units::Money;

use anneal::{Schedule, anneal};
use model::Model;
use pack::{Care, Packed, pack};
use start::Relaxed;
use state::{Estimate, State};

/// Chains of annealing side by side; fixed, so that the result is the same at any number of threads.
const CHAINS: usize = 4;
/// Rounds of the search for free plans that stand for one here: patience is counted in those.
const PATIENCE: u64 = 150;

/// Finds a cheap pooled plan within the budget. Its bound is left at zero: that of the problem holds.
///
/// The same problem, pooling, seed and work limit give the same outcome at any number of threads.
///
/// # Errors
/// Item types that fit nowhere, or no plan within pools and stock.
pub fn solve_pooled(
    problem: &Problem,
    pooling: &Pooling,
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Outcome, SolveError> {
    let meter = Meter::start(*budget);
    observer.on(&Event::Phase(Phase::Pools));
    let cliques = cliques::find(problem);
    let wider = problem.with_cliques(&cliques).filter(|_| !cliques.is_empty());
    let problem = wider.as_ref().unwrap_or(problem);
    let instance = Instance::reduce(problem).map_err(SolveError::Unplaceable)?;
    if instance.shapes.is_empty() {
        return Ok(outcome(Plan::new(), StopReason::Exhausted, Vec::new()));
    }
    let columns = relaxation::all_columns(&instance);
    let prices =
        relaxation::solve(&instance, &columns).unwrap_or_else(|_| relaxation::by_the_copy(&instance));
    let floor: f64 = prices.bins.iter().zip(&instance.kinds).map(|(n, k)| n * k.rate as f64).sum();
    let relaxed = Relaxed::new(problem, pooling, &instance, &prices);
    let pools = relaxed.promising(problem, pooling);
    let model = Model::new(problem, pooling, &pools);
    if (0..model.groups()).any(|g| !(0..model.candidates.len()).any(|c| model.may(c, g))) {
        return Err(SolveError::NoPlanFound);
    }
    let mut search = Search {
        estimate: Estimate {
            whole: 1.0,
            per_grain: 0.05,
            loss: vec![0.0; model.candidates.len()],
            model: &model,
        },
        known: BTreeMap::new(),
        best: None,
        meter,
        observer,
        progress: Vec::new(),
        floor: floor * (1.0 - 1e-9),
    };
    search.run(&relaxed, seed)?;
    search.finish()
}

/// A candidate, and the groups in it.
type Key = (usize, Vec<u32>);

struct Search<'a> {
    estimate: Estimate<'a>,
    /// What was packed before.
    known: BTreeMap<Key, Option<Packed>>,
    best: Option<Best>,
    meter: Meter<'a>,
    observer: &'a dyn Observer,
    progress: Vec<ProgressPoint>,
    /// What no plan costs less than, as far as the relaxation knows; nano-dollars.
    floor: f64,
}

struct Best {
    cost: i128,
    assignment: Vec<usize>,
    parts: Vec<Packed>,
}

impl Search<'_> {
    fn run(&mut self, relaxed: &Relaxed, seed: u64) -> Result<(), SolveError> {
        let model = self.estimate.model;
        let most = (model.pooling.max_pools() as usize).min(model.groups());
        let most_bin_types = model.problem.max_bin_types().map_or(usize::MAX, |n| n as usize);
        if exact::few(model) {
            let care = Care { rounds: 20, steps: 300 };
            self.pack_all(exact::sets(model), care, seed);
            let known = &self.known;
            let cost = |c: usize, groups: &Vec<u32>| {
                known.get(&(c, groups.clone())).and_then(|packed| Some(packed.as_ref()?.cost))
            };
            let found = exact::cheapest(model, cost, most, most_bin_types);
            self.offer(&[found.ok_or(SolveError::NoPlanFound)?], care, seed);
            return Ok(());
        }
        let open = |assignment: &[usize]| {
            let state = State::new(&self.estimate, assignment);
            start::close(&self.estimate, state, most, most_bin_types)
        };
        let first = open(&relaxed.assignment(&self.estimate)).or_else(|| open(&start::cover(model)));
        let Some(first) = first else { return Err(SolveError::NoPlanFound) };
        self.offer(&[first.assignment()], Care { rounds: 0, steps: 0 }, seed);
        let mut rng = Rng::with_seed(seed ^ 0x706f_6f6c_6564);
        let base_steps = (100 * model.groups() as u64).clamp(2_000, 100_000);
        let mut idle = 0u64;
        let mut rounds = 0u64;
        let mut ended = first.assignment();
        let patience = (self.meter.patience() / PATIENCE).max(2);
        while !self.done() && idle < patience {
            let seeds: Vec<u64> = (0..CHAINS).map(|_| rng.u64(..)).collect();
            let best = self.best.as_ref().map_or_else(|| first.assignment(), |best| best.assignment.clone());
            // Two look everywhere, with bins in fractions at first; two stay at home.
            let chains = [
                (if rounds.is_multiple_of(2) { &ended } else { &best }, true, 1.0),
                (&best, rounds == 0, 0.05),
                (&best, true, 0.1),
                (&best, rounds == 0, 0.5),
            ];
            let steps = base_steps << (idle / 2).min(3);
            let (estimate, meter) = (&self.estimate, &self.meter);
            let stop = || meter.must_stop().is_some();
            let tries: Vec<(Vec<usize>, u64)> = seeds
                .par_iter()
                .enumerate()
                .map(|(chain, &seed)| {
                    let mut rng = Rng::with_seed(seed);
                    let (start, fluid, heat) = chains[chain];
                    let mut state = State::new(estimate, start);
                    let schedule = Schedule { steps, heat, fluid, most, most_bin_types };
                    let work = anneal(estimate, &mut state, &schedule, &mut rng, &stop);
                    (state.assignment(), work)
                })
                .collect();
            let mut assignments = Vec::new();
            for (assignment, work) in tries {
                self.meter.spend(work);
                assignments.push(assignment);
            }
            let before = self.best.as_ref().map(|b| b.cost);
            ended.clone_from(&assignments[0]);
            rounds += 1;
            self.offer(&assignments, Care { rounds: 20, steps: 300 }, rng.u64(..));
            idle = if self.best.as_ref().map(|b| b.cost) == before { idle + 1 } else { 0 };
        }
        Ok(())
    }

    fn done(&self) -> bool {
        let settled = self.best.as_ref().is_some_and(|best| {
            let (cost, floor) = (Money::from_nanos(best.cost), Money::from_nanos(self.floor as i128));
            best.cost as f64 <= self.floor || relative_gap(cost, floor) <= self.meter.gap_target()
        });
        settled || self.meter.must_stop().is_some()
    }

    /// Packs assignments for real, learns from it, and keeps the cheapest.
    fn offer(&mut self, assignments: &[Vec<usize>], care: Care, seed: u64) {
        let mut wanted: Vec<Key> = Vec::new();
        let mut keys_of: Vec<Vec<Key>> = Vec::new();
        for assignment in assignments {
            let mut by_pool: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
            for (g, &c) in assignment.iter().enumerate() {
                by_pool.entry(c).or_default().push(g as u32);
            }
            let keys: Vec<Key> = by_pool.into_iter().collect();
            wanted.extend(keys.iter().cloned());
            keys_of.push(keys);
        }
        self.pack_all(wanted, care, seed);
        for (assignment, keys) in assignments.iter().zip(keys_of) {
            let parts: Option<Vec<&Packed>> = keys.iter().map(|key| self.known[key].as_ref()).collect();
            let Some(parts) = parts else { continue };
            let cost: i128 = parts.iter().map(|p| p.cost).sum();
            if self.best.as_ref().is_none_or(|best| cost < best.cost) {
                let parts = parts.into_iter().cloned().collect();
                self.best = Some(Best { cost, assignment: assignment.clone(), parts });
                let cost = Money::from_nanos(cost);
                self.observer.on(&Event::Incumbent(cost));
                self.progress.push(ProgressPoint {
                    work: self.meter.work(),
                    millis: self.meter.millis(),
                    incumbent: Some(cost),
                    lower_bound: Money::ZERO,
                });
            }
        }
    }

    /// Packs what was not packed before, side by side, and learns in order.
    fn pack_all(&mut self, mut wanted: Vec<Key>, care: Care, seed: u64) {
        let model = self.estimate.model;
        wanted.retain(|key| !self.known.contains_key(key));
        wanted.sort_unstable();
        wanted.dedup();
        let packed: Vec<(Option<Packed>, Sums, u64)> = wanted
            .par_iter()
            .enumerate()
            .map(|(i, (c, groups))| {
                let sums = Sums::of(model, *c, groups);
                let mut work = 0;
                let seed = seed.wrapping_add(i as u64);
                let at_least = (model.bins(&sums.load, &sums.need) - 1e-6).ceil().max(1.0) as u64;
                let found = pack(model, *c, groups, at_least, care, seed, &mut work);
                (found, sums, work)
            })
            .collect();
        for ((c, groups), (found, sums, work)) in wanted.into_iter().zip(packed) {
            self.meter.spend(work);
            if let Some(found) = &found {
                self.estimate.learn(c, &sums.load, &sums.need, found.bins);
            }
            self.known.insert((c, groups), found);
        }
    }

    fn finish(self) -> Result<Outcome, SolveError> {
        let stop = self.meter.must_stop().unwrap_or(StopReason::Exhausted);
        let best = self.best.ok_or(SolveError::NoPlanFound)?;
        let plan: Plan = best
            .parts
            .into_iter()
            .flat_map(|p| p.plan)
            .collect::<Vec<(Pattern, u64)>>()
            .into_iter()
            .collect();
        Ok(outcome(plan, stop, self.progress))
    }
}

/// What the estimate knows of groups in one pool.
struct Sums {
    load: Vec<f64>,
    need: Vec<f64>,
}

impl Sums {
    fn of(model: &Model<'_>, c: usize, groups: &[u32]) -> Self {
        let mut sums = Sums { load: vec![0.0; model.terms], need: vec![0.0; model.needs] };
        for &g in groups {
            state::add(&mut sums.load, model.load(c, g as usize), 1.0);
            state::raise(&mut sums.need, model.need(c, g as usize));
        }
        sums
    }
}

fn outcome(plan: Plan, stop: StopReason, progress: Vec<ProgressPoint>) -> Outcome {
    let lower_bound = LowerBound {
        value: Money::ZERO,
        kind: BoundKind::Certified,
        certified: Money::ZERO,
        certificate: Certificate::default(),
    };
    Outcome { incumbent: plan, lower_bound, stop, progress }
}
