//! The packing itself: from a [`Problem`] to a plan and a lower bound.
//!
//! [`solve`] climbs a ladder: reduce, relax, build plans from the prices, improve them, certify.
//! Every rung may be the last that the budget allows.

#![allow(dead_code, clippy::needless_range_loop)]

mod bound;
mod column_generation;
pub mod control;
mod greedy;
mod improve;
mod instance;
mod knapsack_lp;
mod master;
mod pricing;
mod relaxation;

use crate::plan::{LowerBound, Outcome, Plan, ProgressPoint, StopReason, relative_gap};
use crate::problem::{ItemTypeId, Problem};
use crate::units::Money;

use control::{Budget, Event, Meter, Observer, Phase};
use greedy::{Balance, Filler, Guide};
use improve::Improver;
use instance::{Bin, Instance};
use rayon::prelude::*;
use relaxation::Prices;

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
    let mut search = Search::start(problem, budget, seed, observer)?;
    search.relax();
    search.build_plans();
    search.finish()
}

struct Search<'a> {
    problem: &'a Problem,
    instance: Instance,
    meter: Meter<'a>,
    seed: u64,
    observer: &'a dyn Observer,
    prices: Option<Prices>,
    incumbent: Option<(Money, Vec<Bin>)>,
    lower_bound: Option<LowerBound>,
    progress: Vec<ProgressPoint>,
}

impl<'a> Search<'a> {
    fn start(
        problem: &'a Problem,
        budget: &Budget<'a>,
        seed: u64,
        observer: &'a dyn Observer,
    ) -> Result<Self, SolveError> {
        let meter = Meter::start(*budget);
        observer.on(&Event::Phase(Phase::Reduce));
        let instance = Instance::reduce(problem).map_err(SolveError::Unplaceable)?;
        Ok(Search {
            problem,
            instance,
            meter,
            seed,
            observer,
            prices: None,
            incumbent: None,
            lower_bound: None,
            progress: Vec::new(),
        })
    }

    fn enter(&self, phase: Phase) {
        self.observer.on(&Event::Phase(phase));
    }

    fn relax(&mut self) {
        self.enter(Phase::Relaxation);
        let columns = relaxation::all_columns(&self.instance);
        if let Ok(prices) = relaxation::solve(&self.instance, &columns) {
            let integer = bound::integer_prices(&self.instance, &prices.pi, &prices.lambda);
            self.offer_bound(bound::certified(self.problem, &self.instance, &integer));
            self.prices = Some(prices);
        }
    }

    fn build_plans(&mut self) {
        self.enter(Phase::Greedy);
        let Some(prices) = self.prices.clone() else { return };
        let instance = self.instance.clone();
        let allowed = vec![true; instance.kinds.len()];
        let guide = Guide::new(&instance, &prices, &allowed);
        let open = &guide.candidates[..guide.candidates.len().min(12)];
        let tries: Vec<(Option<Vec<Bin>>, u64)> = [1.0, 0.5, 0.0]
            .into_par_iter()
            .map(|theta| {
                let mut filler = Filler::default();
                let mut left: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
                let mut available: Vec<u64> =
                    instance.kinds.iter().map(|k| k.stock.unwrap_or(u64::MAX)).collect();
                let balance = Balance(theta);
                let bins =
                    filler.pack(&guide, &mut left, &prices.pi, balance, open, &mut available, f64::INFINITY);
                (bins, filler.work)
            })
            .collect();
        for (bins, work) in tries {
            self.meter.spend(work);
            if let Some(bins) = bins {
                self.offer_plan(bins);
            }
        }
        self.enter(Phase::Improvement);
        let Some((_, bins)) = self.incumbent.clone() else { return };
        let mut improver = Improver::new(&guide, &bins, self.seed);
        // Rounds without a saving after which the search has run dry.
        let patience = 200 + 2_000_000 / (bins.len() as u64 + 1_000);
        let mut idle = 0;
        while idle < patience && !self.done() {
            let saved = improver.round();
            self.meter.spend(std::mem::take(&mut improver.work));
            idle = if saved > 0 { 0 } else { idle + 1 };
            if saved > 0 {
                self.offer_plan(improver.bins());
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
    fn offer_plan(&mut self, bins: Vec<Bin>) -> bool {
        let cost = self.cost(&bins);
        if self.incumbent.as_ref().is_some_and(|(best, _)| cost >= *best) {
            return false;
        }
        self.incumbent = Some((cost, bins));
        self.observer.on(&Event::Incumbent(cost));
        self.record();
        true
    }

    /// Takes a bound that is higher than the best so far.
    fn offer_bound(&mut self, bound: LowerBound) {
        if self.lower_bound.as_ref().is_none_or(|best| bound.value > best.value) {
            self.observer.on(&Event::Bound(bound.value));
            self.lower_bound = Some(bound);
            self.record();
        }
    }

    fn record(&mut self) {
        self.progress.push(ProgressPoint {
            work: self.meter.work(),
            millis: self.meter.millis(),
            incumbent: self.incumbent.as_ref().map(|(cost, _)| *cost),
            lower_bound: self.lower_bound.as_ref().map_or(Money::ZERO, |b| b.value),
        });
    }

    fn gap(&self) -> Option<f64> {
        let (cost, _) = self.incumbent.as_ref()?;
        Some(relative_gap(*cost, self.lower_bound.as_ref()?.value))
    }

    fn finish(self) -> Result<Outcome, SolveError> {
        let Some((cost, bins)) = self.incumbent.as_ref() else {
            return Err(SolveError::NoPlanFound);
        };
        let lower_bound = match self.lower_bound.clone() {
            Some(bound) => bound,
            None => {
                let nothing = vec![0.0; self.instance.shapes.len()];
                let free = vec![vec![0.0; self.instance.dims]; self.instance.kinds.len()];
                let prices = bound::integer_prices(&self.instance, &nothing, &free);
                bound::certified(self.problem, &self.instance, &prices)
            }
        };
        let stop = if *cost == lower_bound.value {
            StopReason::Optimal
        } else if self.gap().is_some_and(|g| g <= self.meter.gap_target()) {
            StopReason::GapReached
        } else {
            self.meter.must_stop().unwrap_or(StopReason::WorkLimit)
        };
        let incumbent: Plan = self.instance.expand(bins);
        Ok(Outcome { incumbent, lower_bound, stop, progress: self.progress })
    }
}
