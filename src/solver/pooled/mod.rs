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
//! and where most groups belong. From there pools are opened, closed and exchanged (`explore.rs`), and groups
//! moved by simulated annealing, both on an estimate (`model.rs`); then every pool is packed for itself. What
//! packing takes beyond the estimate is learned pool by pool, and all that repeated. Where a plan has few
//! bins, these are enumerated (`fleets.rs`) and the groups fitted into them; at the end the pools of the
//! best plan are packed with what is left of the budget.

mod anneal;
mod bound;
mod estimate;
mod exact;
mod explore;
mod fleets;
mod model;
mod offers;
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
use crate::problem::{PoolId, Pooling, Problem};
use crate::units::Money;

use anneal::{Schedule, anneal};
pub use bound::pooled_bound;
use estimate::Estimate;
use explore::explore;
use fleets::{Fleet, Within, fleets, share_out};
use model::Model;
use offers::{HEAVY, Key, Known, SAMPLED, Sums, keys};
use pack::{Care, Packed, Part, Sampled};
use start::Relaxed;
use state::State;

/// Chains of annealing side by side; fixed, so that the result is the same at any number of threads.
const CHAINS: usize = 4;
/// Rounds of the search for free plans that stand for one here: patience is counted in those.
const PATIENCE: u64 = 150;
/// Of the budget, until when annealing goes on, and until when fleets are tried; the rest is for packing
/// the best plan's pools as well as can be.
const ANNEALED: f64 = 0.7;
/// The same where packing has nothing left to gain.
const ANNEALED_ALONE: f64 = 0.95;
const FLEETS: [f64; 2] = [0.35, 0.85];
/// How far chains believe what was learned of packing, in turn: it holds on average, and what packs better
/// than that is found by those that hope.
const BELIEF: [f64; CHAINS] = [1.0, 0.0, 1.0, 0.5];
/// Chains that look for other pools by kicks first, and how many of these.
const EXPLORING: usize = 3;
/// First temperatures of annealing: after such kicks, and of chains that look everywhere, in turn.
const HOMELY: f64 = 0.05;
const HEAT: [f64; 3] = [0.1, 0.5, 1.0];
const KICKS: u64 = 300;
/// Steps of annealing for each group, in the first rounds.
const STEPS_PER_GROUP: u64 = 100;
/// Short rounds and longer ones take turns, each with twice the steps of the one before; the longest take so
/// much of the budget, or have been doubled so often.
const ROUND: f64 = 0.02;
const MOST_DOUBLINGS: u64 = 7;
/// Candidates that are tried most often.
const FAVOURED: usize = 12;
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
    solve_pooled_from(problem, pooling, &Plan::new(), budget, seed, observer)
}

/// As [`solve_pooled`], with a plan of the problem to begin with beside what the relaxation says: each group
/// in the pool where most of it lies there. That plan need not be whole, nor keep the groups together.
///
/// # Errors
/// As [`solve_pooled`].
pub fn solve_pooled_from(
    problem: &Problem,
    pooling: &Pooling,
    start: &Plan,
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
        relaxation::solve(&instance, &columns, &[]).unwrap_or_else(|_| relaxation::by_the_copy(&instance));
    let floor: f64 = prices.bins.iter().zip(&instance.kinds).map(|(n, k)| n * k.rate as f64).sum();
    let relaxed = Relaxed::new(problem, pooling, &instance, &prices);
    let given = start::given(pooling, start);
    let pools = relaxed.promising(problem, pooling, &given);
    let model = Model::new(problem, pooling, &pools);
    if (0..model.groups()).any(|g| !(0..model.candidates.len()).any(|c| model.may(c, g))) {
        return Err(SolveError::NoPlanFound);
    }
    let mut search = Search {
        estimate: Estimate::new(&model),
        known: BTreeMap::new(),
        sampled: (copies(problem) >= SAMPLED).then(BTreeMap::new),
        heavy: copies(problem).saturating_mul(model.groups() as u128) >= HEAVY,
        best: None,
        meter,
        observer,
        progress: Vec::new(),
        floor: floor * (1.0 - 1e-9),
    };
    search.run(&relaxed, &given, seed)?;
    search.finish()
}

fn copies(problem: &Problem) -> u128 {
    problem.items().iter().map(|item| u128::from(item.copies)).sum()
}

struct Search<'a> {
    estimate: Estimate<'a>,
    /// What was packed before.
    known: BTreeMap<Key, Known>,
    /// What samples of pools told, where packing takes so long that they are asked first.
    sampled: Option<BTreeMap<Key, Option<Sampled>>>,
    /// Whether packing takes long.
    heavy: bool,
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
    fn run(&mut self, relaxed: &Relaxed, given: &[Option<PoolId>], seed: u64) -> Result<(), SolveError> {
        let model = self.estimate.model;
        let most = (model.pooling.max_pools() as usize).min(model.groups());
        let most_bin_types = model.problem.max_bin_types().map_or(usize::MAX, |n| n as usize);
        if exact::few(model) {
            self.pack_all(exact::sets(model), Care::FULL, seed);
            let known = &self.known;
            let cost = |c: usize, groups: &Vec<u32>| {
                known.get(&(c, groups.clone())).and_then(|known| Some(known.packed.as_ref()?.cost))
            };
            let found = exact::cheapest(model, cost, most, most_bin_types);
            self.offer(&[found.ok_or(SolveError::NoPlanFound)?], Care::FULL, seed);
            self.polish(seed);
            return Ok(());
        }
        let open = |estimate: &Estimate<'_>, assignment: &[usize]| {
            start::close(estimate, State::new(estimate, assignment), most, most_bin_types)
        };
        let first = open(&self.estimate, &relaxed.assignment(&self.estimate, &[]))
            .or_else(|| open(&self.estimate, &start::cover(model)));
        let Some(first) = first else { return Err(SolveError::NoPlanFound) };
        let mut firsts = vec![first.assignment()];
        if given.iter().any(Option::is_some) {
            firsts.extend(
                open(&self.estimate, &relaxed.assignment(&self.estimate, given))
                    .map(|state| state.assignment()),
            );
        }
        self.offer(&firsts, Care::PLAIN, seed);
        let mut rng = Rng::with_seed(seed ^ 0x706f_6f6c_6564);
        let base_steps = (STEPS_PER_GROUP * model.groups() as u64).max(2_000);
        let mut longest = 0u64;
        let mut idle = 0u64;
        let mut rounds = 0u64;
        let mut ended = first.assignment();
        let patience = (self.meter.patience() / PATIENCE).max(2);
        let mut fleets_tried = false;
        let favoured: Vec<usize> = relaxed.favoured(model, FAVOURED);
        while !self.done() && self.meter.share_used() < self.annealed_until() {
            if !fleets_tried && (idle >= patience || self.meter.share_used() > FLEETS[0]) {
                fleets_tried = true;
                let cost = self.best.as_ref().map(|b| b.cost);
                self.try_fleets(most, most_bin_types, &mut rng);
                if self.best.as_ref().map(|b| b.cost) != cost {
                    idle = 0;
                }
            }
            if idle >= patience {
                break;
            }
            let best = self.best.as_ref().map_or_else(|| first.assignment(), |best| best.assignment.clone());
            // One goes on from where it ended, one begins anew, by turns as the relaxation says or with most in
            // one pool, and two begin with the best.
            let anew = if rounds % 2 == 1 {
                first.assignment()
            } else {
                let mostly = relaxed.mostly_in(&self.estimate, favoured[rng.usize(..favoured.len())]);
                open(&self.estimate, &mostly).map_or_else(|| best.clone(), |state| state.assignment())
            };
            let starts = [if rounds.is_multiple_of(2) { &ended } else { &best }, &best, &anew, &best];
            let length = rounds % (longest + 1);
            let schedule = Schedule {
                steps: base_steps << length,
                heat: HEAT[rounds as usize % HEAT.len()],
                fluid: true,
                most,
                most_bin_types,
                favoured: &favoured,
            };
            let begun = self.meter.share_used();
            let assignments = self.chains(starts, &schedule, rounds as usize, &mut rng);
            let before = self.best.as_ref().map(|b| b.cost);
            ended.clone_from(&assignments[0]);
            rounds += 1;
            self.offer(&assignments, Care::FULL, rng.u64(..));
            if length == longest && self.meter.share_used() - begun < ROUND {
                longest = (longest + 1).min(MOST_DOUBLINGS);
            }
            idle = if self.best.as_ref().map(|b| b.cost) == before { idle + 1 } else { 0 };
        }
        self.polish(rng.u64(..));
        Ok(())
    }

    /// Chains of annealing side by side: where each ends.
    fn chains(
        &mut self,
        starts: [&Vec<usize>; CHAINS],
        schedule: &Schedule<'_>,
        turn: usize,
        rng: &mut Rng,
    ) -> Vec<Vec<usize>> {
        let seeds: Vec<u64> = (0..CHAINS).map(|_| rng.u64(..)).collect();
        let (estimate, meter) = (&self.estimate, &self.meter);
        let stop = || meter.must_stop().is_some();
        let tries: Vec<(Vec<usize>, u64)> = seeds
            .par_iter()
            .enumerate()
            .map(|(chain, &seed)| {
                let mut rng = Rng::with_seed(seed);
                let estimate = estimate.believed(BELIEF[(chain + turn) % CHAINS]);
                let mut state = State::new(&estimate, starts[chain]);
                if chain >= EXPLORING {
                    let work = anneal(&estimate, &mut state, schedule, &mut rng, &stop);
                    return (state.assignment(), work);
                }
                let after = Schedule { fluid: false, heat: HOMELY, ..*schedule };
                let work = explore(&estimate, &mut state, &after, KICKS, &mut rng, &stop)
                    + anneal(&estimate, &mut state, &after, &mut rng, &stop);
                (state.assignment(), work)
            })
            .collect();
        let mut ends = Vec::with_capacity(CHAINS);
        for (assignment, work) in tries {
            self.meter.spend(work);
            ends.push(assignment);
        }
        ends
    }

    /// Where the best plan has few bins: fits the groups into cheaper ones.
    fn try_fleets(&mut self, most: usize, most_bin_types: usize, rng: &mut Rng) {
        const MOST_BINS: u64 = 40;
        const MOST_GROUPS: usize = 400;
        const PREFERRED: usize = 14;
        /// Steps for each fleet, from one pass to the next.
        const STEPS: [u64; 3] = [30, 200, 1_000];
        /// Room that a pool must leave once packing took more bins than the bounds said.
        const MARGIN: f64 = 0.02;
        let model = self.estimate.model;
        let Some(best) = &self.best else { return };
        let bins: u64 = best.parts.iter().map(|p| p.bins).sum();
        if bins > MOST_BINS || model.groups() > MOST_GROUPS {
            return;
        }
        let mut preferred: Vec<usize> = best.assignment.clone();
        preferred.sort_unstable();
        preferred.dedup();
        preferred.extend(start::by_worth(model).filter(|c| !best.assignment.contains(c)).take(PREFERRED));
        preferred.truncate(PREFERRED);
        preferred.sort_unstable();
        let count = usize::try_from(self.meter.patience().saturating_mul(3)).unwrap_or(usize::MAX).min(6_000);
        let within =
            Within { below: best.cost as f64 - 0.5, most, most_bin_types, count, preferred: &preferred };
        let mut fleets: Vec<(Fleet, f64)> = fleets(model, &within).into_iter().map(|f| (f, 0.0)).collect();
        for steps in STEPS {
            let mut at = 0;
            while at < fleets.len() {
                if self.done() || self.meter.share_used() > FLEETS[1] {
                    return;
                }
                let chunk = at..fleets.len().min(at + CHAINS);
                let seeds: Vec<u64> = chunk.clone().map(|_| rng.u64(..)).collect();
                let tries: Vec<(Option<Vec<usize>>, u64)> = fleets[chunk.clone()]
                    .par_iter()
                    .zip(&seeds)
                    .map(|((fleet, margin), &seed)| {
                        let mut work = 0;
                        let mut rng = Rng::with_seed(seed);
                        (share_out(model, fleet, *margin, steps, &mut rng, &mut work), work)
                    })
                    .collect();
                let before = self.best.as_ref().map_or(i128::MAX, |best| best.cost);
                let mut assignments = Vec::new();
                for (fleet, (found, work)) in fleets[chunk.clone()].iter_mut().zip(tries) {
                    self.meter.spend(work);
                    fleet.1 += if found.is_some() { MARGIN } else { 0.0 };
                    assignments.extend(found);
                }
                self.offer(&assignments, Care::FULL, rng.u64(..));
                let now = self.best.as_ref().map_or(i128::MAX, |best| best.cost);
                if now < before {
                    fleets.retain(|(fleet, _)| fleet.cost < now as f64 - 0.5);
                }
                at = chunk.end;
            }
        }
    }

    /// Packs the pools of the best plan with the rest of the budget.
    fn polish(&mut self, seed: u64) {
        let model = self.estimate.model;
        let Some(mut best) = self.best.take() else { return };
        let patience = (self.meter.patience() / 50).max(4);
        let begun = self.meter.share_used();
        let (all, mut so_far) = (best.cost.max(1) as f64, 0.0);
        let mut parts = Vec::with_capacity(best.parts.len());
        for ((candidate, groups), packed) in keys(&best.assignment).into_iter().zip(best.parts) {
            so_far += packed.cost as f64;
            let until = begun + (1.0 - begun) * so_far / all;
            let at_least = Sums::of(model, candidate, &groups).at_least(model);
            let part = Part { model, candidate, groups: &groups, at_least };
            let meter = &mut self.meter;
            let mut go_on = |work: u64| {
                meter.spend(work);
                meter.must_stop().is_none() && meter.share_used() < until
            };
            let better = if go_on(0) { part.polish(&packed, patience, seed, &mut go_on) } else { None };
            parts.push(better.unwrap_or(packed));
        }
        let cost: i128 = parts.iter().map(|p| p.cost).sum();
        if cost < best.cost {
            self.observer.on(&Event::Incumbent(Money::from_nanos(cost)));
            self.progress.push(ProgressPoint {
                work: self.meter.work(),
                millis: self.meter.millis(),
                incumbent: Some(Money::from_nanos(cost)),
                lower_bound: Money::ZERO,
            });
        }
        best = Best { cost, assignment: best.assignment, parts };
        self.best = Some(best);
    }

    /// Of the budget, until when pools are looked for.
    fn annealed_until(&self) -> f64 {
        let packed = |best: &Best| {
            keys(&best.assignment).iter().zip(&best.parts).all(|((candidate, groups), part)| {
                let at_least =
                    || Sums::of(self.estimate.model, *candidate, groups).at_least(self.estimate.model);
                part.settled() || part.bins <= at_least()
            })
        };
        if self.best.as_ref().is_some_and(packed) { ANNEALED_ALONE } else { ANNEALED }
    }

    fn done(&self) -> bool {
        let settled = self.best.as_ref().is_some_and(|best| {
            let (cost, floor) = (Money::from_nanos(best.cost), Money::from_nanos(self.floor as i128));
            best.cost as f64 <= self.floor || relative_gap(cost, floor) <= self.meter.gap_target()
        });
        self.observer.on(&Event::Used(self.meter.parts_used()));
        settled || self.meter.must_stop().is_some()
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

fn outcome(plan: Plan, stop: StopReason, progress: Vec<ProgressPoint>) -> Outcome {
    let lower_bound = LowerBound {
        value: Money::ZERO,
        kind: BoundKind::Certified,
        certified: Money::ZERO,
        certificate: Certificate::default(),
    };
    Outcome { incumbent: plan, lower_bound, stop, progress }
}
