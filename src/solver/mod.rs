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
mod diving;
mod enumeration;
mod exchange;
mod fit;
mod greedy;
mod guide;
mod harvest;
mod holding;
mod improve;
mod instance;
mod knapsack_lp;
pub(crate) mod master;
mod pooled;
mod pricing;
mod promising;
mod relaxation;
mod rounding;
mod shares;
mod simplex;
mod starts;
mod top_up;
mod widening;

pub use pooled::{pooled_bound, solve_pooled, solve_pooled_from};

use crate::plan::{LowerBound, Outcome, Plan, ProgressPoint, StopReason, relative_gap};
use crate::problem::{ItemTypeId, Problem};
use crate::units::Money;

use fastrand::Rng;

use branching::Tree;
use control::{Budget, Event, Meter, Observer, Phase};
use diving::Dives;
use guide::Guide;
use harvest::Harvest;
use instance::{Bin, Instance};
use knapsack_lp::Columns;
use relaxation::Prices;
use starts::View;
use widening::Widened;

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
    climb(problem, None, Money::ZERO, budget, seed, observer)
}

/// Finds a cheap plan from one to start with: of its bins as many are taken as there are items and stock
/// for, and what it leaves out is packed. It need not be valid. Where a bound is `known`, the search stops as
/// if it were its own, and its own is that of the relaxation alone; where that is zero, it is searched for.
///
/// # Errors
/// As [`solve`].
pub fn solve_from(
    problem: &Problem,
    start: &Plan,
    known: Money,
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Outcome, SolveError> {
    climb(problem, Some(start), known, budget, seed, observer)
}

fn climb(
    problem: &Problem,
    start: Option<&Plan>,
    known: Money,
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Outcome, SolveError> {
    let meter = Meter::start(*budget);
    let dimensions = problem.dimensions().len();
    let cliques = cliques::find(problem);
    let wider = problem.with_cliques(&cliques).filter(|_| !cliques.is_empty());
    let problem = wider.as_ref().unwrap_or(problem);
    let Widened { problem, rounded, instance, columns, prices } =
        widening::relax(problem, dimensions, &meter, observer).map_err(SolveError::Unplaceable)?;
    let mut search = Search {
        problem: &problem,
        instance: &instance,
        columns: &columns,
        meter,
        seed,
        observer,
        known,
        incumbent: None,
        lower_bound: bound::by_single_shape(&problem, &instance),
        progress: Vec::new(),
        harvest: None,
        dives: Dives::default(),
    };
    search.run(prices, start);
    let mut outcome = search.finish()?;
    outcome.lower_bound.certificate.rounded = rounded;
    outcome.lower_bound.certificate.cliques =
        cliques.iter().map(|members| members.iter().map(|j| j.0).collect()).collect();
    Ok(outcome)
}

/// Where there are more shapes, the second relaxation takes longer than it is worth.
const MOST_SHAPES_WITH_LOSS: usize = 1_000;

/// A turn of the programme over patterns and of the cases of how many bins there are, in shares of the budget.
struct Turn {
    /// For the programme.
    programme: f64,
    /// After which none of its dives begins, nor, past the first, ends.
    dives: f64,
    /// For the cases.
    cases: f64,
}

/// The share of the budget at which the last turn ends: some is left for local search.
const LAST: f64 = 0.9;
/// All for the programme.
const ALONE: Turn = Turn { programme: LAST, dives: LAST, cases: 0.0 };
/// Few bins are soon proved optimal, or never.
const FEW_BINS: [Turn; 3] = [
    Turn { programme: 0.02, dives: 0.0, cases: 0.05 },
    Turn { programme: 0.15, dives: 0.15, cases: 0.35 },
    ALONE,
];

/// Where the plan is settled.
const FOR_BOUND: [Turn; 1] = [Turn { programme: 0.3, dives: 0.0, cases: LAST }];
/// Of many bins cases say what the last share of a thousandth is, once there is a good plan.
const MANY_BINS: [Turn; 2] = [Turn { programme: LAST, dives: 0.7, cases: 0.2 }, ALONE];

struct Search<'a> {
    problem: &'a Problem,
    instance: &'a Instance,
    columns: &'a [Columns],
    meter: Meter<'a>,
    seed: u64,
    observer: &'a dyn Observer,
    /// What no plan costs less than, as the caller knows.
    known: Money,
    incumbent: Option<(Money, Vec<Bin>)>,
    lower_bound: LowerBound,
    progress: Vec<ProgressPoint>,
    /// What local search finds for the programme over patterns, where there will be one.
    harvest: Option<Harvest<'a>>,
    dives: Dives,
}

impl<'a> Search<'a> {
    fn run(&mut self, prices: Option<Prices>, start: Option<&Plan>) {
        let instance = self.instance;
        if instance.shapes.is_empty() {
            self.offer_plan(Vec::new());
            return;
        }
        if let Some(prices) = &prices {
            let integer = bound::integer_prices(instance, &prices.pi, &prices.lambda);
            self.offer_bound(bound::certified(self.problem, instance, &integer));
        }
        // Where nothing takes up any resource there is nothing to relax, and rules alone ask for bins.
        let prices = prices.unwrap_or_else(|| relaxation::by_the_copy(instance));
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
        // Prices that know what large copies waste pack better; without them the others have to do.
        let lossy = if instance.shapes.len() <= MOST_SHAPES_WITH_LOSS {
            relaxation::with_loss(instance, self.columns, &packing_prices, &allowed).ok()
        } else {
            None
        };
        let plain = Guide::new(instance, &packing_prices, &may_open);
        let guide = lossy.as_ref().map_or_else(|| plain.clone(), |p| Guide::new(instance, p, &may_open));
        let views = [
            View { guide: &guide, prices: lossy.as_ref().unwrap_or(&packing_prices) },
            View { guide: &plain, prices: &packing_prices },
        ];
        self.enter(Phase::Greedy);
        let starts = self.first_plans(&views, start);
        let settled = !self.done() && self.enumerate(&prices);
        if self.done() || self.incumbent.is_none() {
            return;
        }
        // Enumeration may have settled on other kinds than those that the guide may open.
        let packs = !(settled && restricted);
        let patterns = packs && self.patterns_pay(&prices);
        if !settled {
            self.enter(Phase::Improvement);
            if patterns {
                // What comes of the programme over patterns soon is better than what local search comes to.
                self.harvest = Some(Harvest::new(instance, &packing_prices.pi));
                self.look(&views, &starts, self.first_programme());
            } else {
                self.race(&views, starts, 0.4);
            }
        }
        let known = self.known > Money::ZERO;
        let branches = !known && self.branches(&prices);
        let mut tree: Option<Tree<'_>> = None;
        let mut programme = (patterns && !self.done()).then(|| self.programme(&prices, known));
        let mut rng = Rng::with_seed(self.seed ^ 0x636f_6c75_6d6e);
        let turns = match branches {
            false => &[ALONE][..],
            true if settled => &FOR_BOUND,
            true if self.few_bins(&prices) => &FEW_BINS,
            true => &MANY_BINS,
        };
        for turn in turns {
            let until = |share: f64, length: f64| (share + length).min(LAST);
            if let Some(programme) = &mut programme
                && !self.done()
            {
                self.enter(Phase::ColumnGeneration);
                let share = self.meter.share_used();
                let until = (until(share, turn.dives), until(share, turn.programme));
                self.generate_columns(programme, &may_open, known || settled, until, &mut rng);
            }
            if turn.cases == 0.0 || self.done() {
                continue;
            }
            if tree.is_none() {
                tree = Tree::start(instance, self.columns, &prices, self.to_beat());
            }
            if let Some(tree) = &mut tree {
                self.enter(Phase::Branching);
                if let Some(programme) = &programme {
                    tree.take(&programme.best_integer);
                    tree.learn(programme.patterns().into_iter().map(|bin| (bin.kind, bin.content)));
                }
                let until = until(self.meter.share_used(), turn.cases);
                self.branch(tree, &guide, restricted || settled, until, &mut rng);
            }
        }
        if !packs {
            return;
        }
        let mut views = views.to_vec();
        let of_patterns = programme.as_ref().map(|programme| &programme.latest);
        let guide = of_patterns.map(|prices| Guide::new(instance, prices, &may_open));
        if let (Some(prices), Some(guide)) = (of_patterns, &guide) {
            views.insert(0, View { guide, prices });
        }
        if !self.done() && !settled {
            self.enter(Phase::Improvement);
            self.improve(&views, 1.0, 1);
        }
    }

    fn enter(&self, phase: Phase) {
        self.observer.on(&Event::Phase(phase));
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
        let found = enumeration::cheapest_choice(instance, &patterns, prices, self.to_beat());
        self.meter.spend(found.work);
        if let Some(bins) = found.bins {
            self.offer_plan(bins);
        }
        found.complete
    }

    /// The cost to beat, nano-dollars.
    fn to_beat(&self) -> i128 {
        self.incumbent.as_ref().map_or(i128::MAX, |(cost, _)| cost.nanos())
    }

    /// Whether nothing is left to gain or the budget is used up.
    fn done(&self) -> bool {
        self.observer.on(&Event::Used(self.meter.parts_used()));
        self.meter.must_stop().is_some() || self.gap().is_some_and(|g| g <= self.meter.gap_target())
    }

    fn cost(&self, bins: &[Bin]) -> Money {
        Money::from_nanos(self.instance.cost_of(bins))
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
        Some(relative_gap(*cost, self.lower_bound.value.max(self.known)))
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
