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
mod exact;
mod explore;
mod fleets;
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
use crate::problem::{PoolId, Pooling, Problem};
use crate::units::Money;

use anneal::{Schedule, anneal};
pub use bound::pooled_bound;
use explore::explore;
use fleets::{Fleet, Within, fleets, share_out};
use model::Model;
use pack::{Care, Packed, Part};
use start::Relaxed;
use state::{Estimate, State};

/// Chains of annealing side by side; fixed, so that the result is the same at any number of threads.
const CHAINS: usize = 4;
/// Rounds of the search for free plans that stand for one here: patience is counted in those.
const PATIENCE: u64 = 150;
/// Of the budget, until when annealing goes on, and until when fleets are tried; the rest is for packing
/// the best plan's pools as well as can be.
const ANNEALED: f64 = 0.7;
const FLEETS: [f64; 2] = [0.35, 0.85];
/// How far chains believe what was learned of packing, in turn: it holds on average, and what packs better
/// than that is found by those that hope.
const BELIEF: [f64; CHAINS] = [1.0, 0.0, 1.0, 0.5];
/// Chains that look for other pools by kicks first, and how many of these.
const EXPLORING: usize = 2;
const KICKS: u64 = 300;
/// Candidates that are tried most often.
const FAVOURED: usize = 12;
/// Of the assignments of a round that are packed quickly at first, how many are packed well.
const PACKED_WELL: usize = 2;
/// Copies times groups from which packing a pool well takes so long that only the best of several
/// assignments are.
const HEAVY: u128 = 500_000;

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
        relaxation::solve(&instance, &columns).unwrap_or_else(|_| relaxation::by_the_copy(&instance));
    let floor: f64 = prices.bins.iter().zip(&instance.kinds).map(|(n, k)| n * k.rate as f64).sum();
    let relaxed = Relaxed::new(problem, pooling, &instance, &prices);
    let given = start::given(pooling, start);
    let pools = relaxed.promising(problem, pooling, &given);
    let model = Model::new(problem, pooling, &pools);
    if (0..model.groups()).any(|g| !(0..model.candidates.len()).any(|c| model.may(c, g))) {
        return Err(SolveError::NoPlanFound);
    }
    let mut search = Search {
        estimate: Estimate {
            whole: 1.0,
            per_grain: 0.02,
            loss: vec![0.0; model.candidates.len()],
            model: &model,
        },
        known: BTreeMap::new(),
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

/// A candidate, and the groups in it.
type Key = (usize, Vec<u32>);

/// A pool packed before, and in how many ways at least.
struct Known {
    packed: Option<Packed>,
    ways: usize,
    rounds: u64,
}

struct Search<'a> {
    estimate: Estimate<'a>,
    /// What was packed before.
    known: BTreeMap<Key, Known>,
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
        let open = |assignment: &[usize]| {
            let state = State::new(&self.estimate, assignment);
            start::close(&self.estimate, state, most, most_bin_types)
        };
        let first = open(&relaxed.assignment(&self.estimate, &[])).or_else(|| open(&start::cover(model)));
        let Some(first) = first else { return Err(SolveError::NoPlanFound) };
        let mut firsts = vec![first.assignment()];
        if given.iter().any(Option::is_some) {
            firsts.extend(open(&relaxed.assignment(&self.estimate, given)).map(|state| state.assignment()));
        }
        self.offer(&firsts, Care::PLAIN, seed);
        let mut rng = Rng::with_seed(seed ^ 0x706f_6f6c_6564);
        let base_steps = (100 * model.groups() as u64).clamp(2_000, 100_000);
        let mut idle = 0u64;
        let mut rounds = 0u64;
        let mut ended = first.assignment();
        let patience = (self.meter.patience() / PATIENCE).max(2);
        let mut fleets_tried = false;
        let favoured: Vec<usize> = relaxed.favoured(model, FAVOURED);
        while !self.done() && self.meter.share_used() < ANNEALED {
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
            let seeds: Vec<u64> = (0..CHAINS).map(|_| rng.u64(..)).collect();
            let best = self.best.as_ref().map_or_else(|| first.assignment(), |best| best.assignment.clone());
            // Two look everywhere, with bins in fractions at first; two stay at home.
            let chains = [
                (if rounds.is_multiple_of(2) { &ended } else { &best }, true, 1.0),
                (&best, rounds == 0, 0.05),
                (&best, true, 0.1),
                (&best, rounds == 0, 0.5),
            ];
            let steps = base_steps << (idle / 2).min(5);
            let (estimate, meter) = (&self.estimate, &self.meter);
            let turn = rounds as usize;
            let stop = || meter.must_stop().is_some();
            let tries: Vec<(Vec<usize>, u64)> = seeds
                .par_iter()
                .enumerate()
                .map(|(chain, &seed)| {
                    let mut rng = Rng::with_seed(seed);
                    let (start, fluid, heat) = chains[chain];
                    let estimate = estimate.believed(BELIEF[(chain + turn) % CHAINS]);
                    let mut state = State::new(&estimate, start);
                    let schedule = Schedule { steps, heat, fluid, most, most_bin_types, favoured: &favoured };
                    let mut work = 0;
                    if chain < EXPLORING {
                        work += explore(&estimate, &mut state, &schedule, KICKS, &mut rng, &stop);
                        let schedule = Schedule { fluid: false, heat: 0.05, ..schedule };
                        work += anneal(&estimate, &mut state, &schedule, &mut rng, &stop);
                    } else {
                        work += anneal(&estimate, &mut state, &schedule, &mut rng, &stop);
                    }
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
            self.offer(&assignments, Care::FULL, rng.u64(..));
            idle = if self.best.as_ref().map(|b| b.cost) == before { idle + 1 } else { 0 };
        }
        self.polish(rng.u64(..));
        Ok(())
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

    fn done(&self) -> bool {
        let settled = self.best.as_ref().is_some_and(|best| {
            let (cost, floor) = (Money::from_nanos(best.cost), Money::from_nanos(self.floor as i128));
            best.cost as f64 <= self.floor || relative_gap(cost, floor) <= self.meter.gap_target()
        });
        self.observer.on(&Event::Used(self.meter.parts_used()));
        settled || self.meter.must_stop().is_some()
    }

    /// Packs assignments for real, learns from it, and keeps the cheapest. Where packing takes long, all
    /// are packed quickly and the cheapest of those that are new well.
    fn offer(&mut self, assignments: &[Vec<usize>], care: Care, seed: u64) {
        let keys_of: Vec<Vec<Key>> = assignments.iter().map(|assignment| keys(assignment)).collect();
        let two_stages = self.heavy && care.rounds > 0;
        let first = if two_stages { Care::QUICK } else { care };
        self.pack_all(keys_of.concat(), first, seed);
        let mut order: Vec<(i128, usize)> =
            (0..keys_of.len()).filter_map(|i| Some((self.cost(&keys_of[i])?, i))).collect();
        order.sort_unstable();
        if two_stages {
            let new = |i: usize| keys_of[i].iter().any(|key| self.known[key].rounds < care.rounds);
            let well: Vec<usize> =
                order.iter().map(|&(_, i)| i).filter(|&i| new(i)).take(PACKED_WELL).collect();
            self.pack_all(well.iter().flat_map(|&i| keys_of[i].clone()).collect(), care, seed);
        }
        for (_, i) in order {
            let Some(cost) = self.cost(&keys_of[i]) else { continue };
            if self.best.as_ref().is_some_and(|best| cost >= best.cost) {
                continue;
            }
            let parts = keys_of[i].iter().filter_map(|key| self.known[key].packed.clone()).collect();
            self.best = Some(Best { cost, assignment: assignments[i].clone(), parts });
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

    /// What pools that were packed cost together; `None` where one does not hold its groups.
    fn cost(&self, keys: &[Key]) -> Option<i128> {
        keys.iter().map(|key| Some(self.known.get(key)?.packed.as_ref()?.cost)).sum()
    }

    /// Packs what was not packed before with as much care, side by side, and learns in order.
    fn pack_all(&mut self, mut wanted: Vec<Key>, care: Care, seed: u64) {
        let model = self.estimate.model;
        let enough = |known: &Known| known.ways >= care.ways && known.rounds >= care.rounds;
        wanted.retain(|key| !self.known.get(key).is_some_and(enough));
        wanted.sort_unstable();
        wanted.dedup();
        let known = &self.known;
        let packed: Vec<(Option<Packed>, Sums, u64)> = wanted
            .par_iter()
            .enumerate()
            .map(|(i, key)| {
                let (candidate, groups) = (key.0, &key.1);
                let sums = Sums::of(model, candidate, groups);
                let mut work = 0;
                let part = Part { model, candidate, groups, at_least: sums.at_least(model) };
                let before = known.get(key).and_then(|known| known.packed.as_ref());
                let found = part.pack(before, care, seed.wrapping_add(i as u64), &mut work);
                (found, sums, work)
            })
            .collect();
        for (key, (packed, sums, work)) in wanted.into_iter().zip(packed) {
            self.meter.spend(work);
            // A quick packing takes more bins than the pool will.
            if let Some(packed) = packed.as_ref().filter(|_| care.ways > 1) {
                self.estimate.learn(key.0, &sums.load, &sums.need, packed.bins);
            }
            self.known.insert(key, Known { packed, ways: care.ways, rounds: care.rounds });
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

/// The pools of an assignment.
fn keys(assignment: &[usize]) -> Vec<Key> {
    let mut by_pool: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for (g, &c) in assignment.iter().enumerate() {
        by_pool.entry(c).or_default().push(g as u32);
    }
    by_pool.into_iter().collect()
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

    /// Bins that are needed whatever packing does.
    fn at_least(&self, model: &Model<'_>) -> u64 {
        (model.bins(&self.load, &self.need) - 1e-6).ceil().max(1.0) as u64
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
