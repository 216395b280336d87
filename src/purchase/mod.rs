//! What to commit to: quantities of every offer at least expected effective cost over a horizon, given
//! what is owned already, with a lower bound beside it.
//!
//! [`optimise`] solves a linear programme over clusters of hours (`relax.rs`), makes its prices a bound
//! for all hours in integers (`bound.rs`), takes the threshold rule's quantities (`threshold.rs`) where one
//! pool stands alone, rounds and improves quantities with a fast estimate
//! (`finish.rs`, `simulate.rs`) and lets the billing engine decide between what is left: every cost that
//! is printed is the engine's.

mod bound;
mod finish;
mod joint;
mod market;
mod model;
mod options;
mod outcome;
mod relax;
mod simulate;
mod threshold;

pub use joint::{Joint, JointError, Step, together};
pub use options::{Options, TailRisk};
pub use outcome::{OwnedUse, PurchasePlan, PurchaseRow, ScenarioCost, Sensitivity};
pub use threshold::threshold;

use crate::bill::Scenario;
use crate::bill::commitment::{Holding, charge};
use crate::catalog::Catalog;
use crate::solver::master::LpFailure;
use crate::units::{Money, PartsPerMillion, Rate};

use rayon::prelude::*;

use finish::{Whole, Work};
use market::{Market, Tranches};
use model::{Caps, Group, Model, PPM, Quantities, Slot};
use simulate::Simulator;

/// Why no purchases can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PurchaseError {
    /// No scenario, or one without hours.
    #[error("there is no usage to buy for")]
    NoUsage,
    /// Scenarios of different lengths.
    #[error("scenario `{name}` has {hours} hours, the first one {expected}")]
    Hours {
        /// Which scenario.
        name: String,
        /// Its hours.
        hours: u32,
        /// Hours of the first.
        expected: u32,
    },
    /// Weights that are no distribution.
    #[error("the scenarios' weights sum to {0}, not to 100 %")]
    Weights(PartsPerMillion),
    /// Nothing that is offered keeps the limits.
    #[error("no purchases cover as much as is asked for within the limits")]
    Limits,
    /// The numbers are too bad for the linear programme.
    #[error("the linear programme of purchases has no usable solution")]
    Programme,
}

/// Clusters of hours in the linear programme: more make it sharper and slower.
const CELLS: usize = 6_000;
/// Elementary steps of the search for whole quantities.
const STEPS: u64 = 1_200_000_000;
/// Elementary steps of the ascent of the bound.
const ASCENT: u64 = 600_000_000;

/// Chooses purchases for `scenarios`, beside what is `owned`.
///
/// Offers are those of the lines' types and, for sizes that flex, of their families in the catalog.
/// Owned commitments apply first, as the provider's rules say; their cost is sunk.
///
/// # Errors
/// [`PurchaseError`]: usage that is no distribution over equally long futures.
pub fn optimise(
    catalog: &Catalog,
    scenarios: &[Scenario<'_>],
    owned: &[Holding],
    options: &Options,
) -> Result<PurchasePlan, PurchaseError> {
    check(scenarios)?;
    let market = Market::new(catalog, scenarios, owned, options, Tranches::Even);
    let mut found = search(&market)?;
    if options.ladder_months > 1 {
        let free = Market::new(catalog, scenarios, owned, options, Tranches::Free);
        found.bound = relax(&free)?.map_or(0, |relaxed| relaxed.bound);
    }
    let judge = Judge { scenarios, owned, market: &market };
    let mut best: Option<(Verdict, Whole)> = None;
    for quantities in found.plans {
        let verdict = judge.verdict(&quantities);
        if best.as_ref().is_none_or(|(known, _)| verdict < *known) {
            best = Some((verdict, quantities));
        }
    }
    let (verdict, quantities) = best.ok_or(PurchaseError::Programme)?;
    let (verdict, quantities) = judge.improve(verdict, quantities);
    if verdict.violation > 0 {
        return Err(PurchaseError::Limits);
    }
    Ok(outcome::describe(&market, scenarios, owned, options, &quantities, found.bound))
}

fn check(scenarios: &[Scenario<'_>]) -> Result<(), PurchaseError> {
    let expected = scenarios.first().map_or(0, |s| s.usage.len());
    if expected == 0 {
        return Err(PurchaseError::NoUsage);
    }
    if let Some(other) = scenarios.iter().find(|s| s.usage.len() != expected) {
        return Err(PurchaseError::Hours { name: other.name.clone(), hours: other.usage.len(), expected });
    }
    let sum: u64 = scenarios.iter().map(|s| u64::from(s.weight.0)).sum();
    if sum != PPM {
        return Err(PurchaseError::Weights(PartsPerMillion(u32::try_from(sum).unwrap_or(u32::MAX))));
    }
    Ok(())
}

struct Found {
    /// Whole quantities worth asking the billing engine about, none first.
    plans: Vec<Whole>,
    /// Nano-dollars that no purchase can go below.
    bound: u128,
}

/// The programme solved, with its bound.
struct Bounded {
    /// Candidates that nothing else stands in for: group and place.
    kept: Vec<(usize, usize)>,
    relaxed: relax::Relaxed,
    /// Groups that are priced exactly under the best prices, with their quantities.
    exact: Vec<(usize, f64)>,
    /// Nano-dollars that no purchase can go below.
    bound: u128,
}

/// Quantities of the candidates kept, among all.
fn spread(model: &Model, kept: &[(usize, usize)], of_kept: &Quantities) -> Quantities {
    let mut all = model.nothing();
    let mut next = vec![0; model.groups.len()];
    for &(g, c) in kept {
        all[g][c] = of_kept[g][next[g]];
        next[g] += 1;
    }
    all
}

/// Solves the programme over clusters, then makes its prices better for all hours. `None` where nothing
/// covers anything.
fn relax(market: &Market) -> Result<Option<Bounded>, PurchaseError> {
    let model = &market.model;
    if model.groups.is_empty() {
        return Ok(None);
    }
    let kept = model.undominated();
    let small = model.restricted(&kept);
    let live = small.groups.iter().filter(|g| !g.is_idle());
    let per_cluster: usize = live.map(|g| g.takes.len()).sum::<usize>().max(1);
    let clusters = relax::cluster(&small, (CELLS / per_cluster).clamp(24, 400));
    let relaxed = relax::solve(&small, &clusters).map_err(|failure| match failure {
        LpFailure::Infeasible => PurchaseError::Limits,
        LpFailure::Stopped => PurchaseError::Programme,
    })?;
    let target = Simulator::new(&small).estimate(&relaxed.quantities).objective;
    let cells = small.slots.len() * (small.on_demand.len() + per_cluster);
    let steps = (ASCENT / (cells.max(1) as u64 * 4)).clamp(4, 300) as usize;
    let (ascended, exact) = bound::ascend(&small, &relaxed, target, steps);
    let bound = [&relaxed, &ascended].into_iter().filter_map(|r| bound::certify(&small, r)).max();
    Ok(Some(Bounded { kept, relaxed, exact, bound: lowered(market, bound.unwrap_or(0)) }))
}

fn search(market: &Market) -> Result<Found, PurchaseError> {
    let model = &market.model;
    let nothing = finish::rounded(&model.nothing());
    let Some(Bounded { kept, relaxed, exact, bound }) = relax(market)? else {
        let bound = lowered(market, model.on_demand_cost() / u128::from(PPM));
        return Ok(Found { plans: vec![nothing], bound });
    };
    let simulator = Simulator::new(model);
    // Starts: the programme's quantities, and those of the groups priced exactly.
    let mut starts = vec![finish::rounded(&spread(model, &kept, &relaxed.quantities))];
    let mut other = relaxed.quantities.clone();
    for (g, quantity) in exact {
        other[g][0] = quantity;
    }
    starts.push(finish::rounded(&spread(model, &kept, &other)));
    let small = model.restricted(&kept);
    let by_rule = standing_alone(&small);
    if !by_rule.is_empty() {
        let mut ruled = relaxed.quantities.clone();
        for (g, quantity) in by_rule {
            ruled[g][0] = quantity as f64;
        }
        starts.push(finish::rounded(&spread(model, &kept, &ruled)));
    }
    starts.dedup();
    let mut plans = vec![nothing];
    let improved: Vec<Whole> = starts
        .into_par_iter()
        .map(|start| finish::improve(model, &simulator, start, &mut Work(STEPS / 2)).1)
        .collect();
    plans.extend(improved);
    // What one offer alone would do, where there is time to ask.
    let offers: u64 = model.groups.iter().map(|g| g.candidates.len() as u64).sum();
    if simulator.work() * 60 * offers < STEPS / 4 {
        let mut work = Work(STEPS / 4);
        let mut alone: Vec<(f64, Whole)> = Vec::new();
        for g in 0..model.groups.len() {
            for c in 0..model.groups[g].candidates.len() {
                if let Some((estimate, quantities)) = finish::alone(model, &simulator, g, c, &mut work)
                    && estimate.violation <= 1.0
                {
                    alone.push((estimate.objective, quantities));
                }
            }
        }
        alone.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        plans.extend(alone.into_iter().take(2).map(|(_, quantities)| quantities));
    }
    plans.dedup();
    Ok(Found { plans, bound })
}

/// Groups with one offer whose one kind of demand nothing else covers, and the pieces that the threshold rule
/// buys of it. Limits and the tail couple what would stand alone.
fn standing_alone(model: &Model) -> Vec<(usize, u64)> {
    if model.caps != Caps::default() || model.tail.is_some() {
        return Vec::new();
    }
    let mut covering = vec![0usize; model.on_demand.len()];
    for group in model.groups.iter().filter(|group| !group.is_idle()) {
        group.takes.iter().for_each(|&(a, _)| covering[a] += 1);
    }
    let weights: u64 = model.slots.iter().map(|slot| model.weight(slot)).sum();
    let hours = u128::from((weights / PPM).max(1));
    let rule = |(g, group): (usize, &Group)| {
        let ([(a, take)], [offer]) = (&group.takes[..], &group.candidates[..]) else { return None };
        let always = offer.active.iter().all(|&active| u64::from(active) == PPM);
        if covering[*a] != 1 || !always || offer.step == 0 {
            return None;
        }
        let piece = u128::from(model.on_demand[*a]) * u128::from(offer.step) / u128::from(*take);
        let on_demand = Rate::from_nanos(u64::try_from(piece).ok()?);
        let reserved = Rate::from_nanos(u64::try_from(offer.cost / hours).ok()?);
        let pieces = |slot: &Slot| {
            let units = slot.demand[*a].checked_mul(*take)?.saturating_sub(group.held[slot.segment]);
            Some((units / offer.step, model.weight(slot)))
        };
        let demand: Vec<(u64, u64)> = model.slots.iter().map(pieces).collect::<Option<_>>()?;
        Some((g, threshold(on_demand, reserved, &demand)))
    };
    model.groups.iter().enumerate().filter_map(rule).collect()
}

/// The model's bound in true money: with what is sunk, less what roundings of the bill may come to.
fn lowered(market: &Market, bound: u128) -> u128 {
    (bound / u128::from(market.unit) + market.sunk).saturating_sub(2 * market.roundings)
}

/// First whether limits are kept, then the cost: nano-dollars times parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Verdict {
    violation: i128,
    objective: i128,
}

/// Asks the billing engine.
struct Judge<'j, 'a> {
    scenarios: &'j [Scenario<'a>],
    owned: &'j [Holding],
    market: &'j Market,
}

/// Most calls of the billing engine per search, and hours times lines that they may look at in all.
const CALLS: u64 = 400;
const LOOKED_AT: u64 = 4_000_000;

impl Judge<'_, '_> {
    fn verdict(&self, quantities: &Whole) -> Verdict {
        let holdings = outcome::holdings(self.market, self.owned, quantities);
        let totals: Vec<_> = self.scenarios.iter().map(|s| charge(&s.usage, &holdings)).collect();
        let costs: Vec<(Money, PartsPerMillion)> =
            totals.iter().zip(self.scenarios).map(|(c, s)| (c.effective().money(), s.weight)).collect();
        let objective = outcome::objective(&costs, self.market.model.tail);
        let caps = self.market.model.caps;
        let mut violation = 0i128;
        let (mut obligation, mut upfront) = (0u128, 0u128);
        for (group, quantities) in self.market.model.groups.iter().zip(quantities) {
            for (c, &q) in group.candidates.iter().zip(quantities) {
                obligation += c.obligation * u128::from(q);
                upfront += c.upfront * u128::from(q);
            }
        }
        let mut over = |sum: u128, cap: Option<u128>| {
            if let Some(cap) = cap {
                violation += i128::try_from(sum.saturating_sub(cap)).unwrap_or(i128::MAX / 4);
            }
        };
        over(obligation, caps.obligation);
        over(upfront, caps.upfront);
        if let Some(share) = caps.coverage {
            let (mut list, mut covered) = (0i128, 0i128);
            for (charges, scenario) in totals.iter().zip(self.scenarios) {
                let total = charges.total();
                let weight = i128::from(scenario.weight.0);
                list += total.list_by_line.iter().map(|l| l.money().nanos()).sum::<i128>() * weight;
                covered += total.list_covered().money().nanos() * weight;
            }
            let wanted = list / i128::from(PPM) * i128::from(share);
            violation += (wanted - covered).max(0) / i128::from(PPM);
        }
        Verdict { violation, objective }
    }

    /// Tries a little more and a little less of everything, by the engine's own cost.
    fn improve(&self, verdict: Verdict, quantities: Whole) -> (Verdict, Whole) {
        let size: u64 = self
            .scenarios
            .iter()
            .map(|s| (s.usage.slots().len() * s.usage.lines().len()) as u64 + u64::from(s.usage.len()) / 8)
            .sum();
        let mut calls = (LOOKED_AT / size.max(1)).min(CALLS);
        let (mut best, mut quantities) = (verdict, quantities);
        loop {
            let mut improved = false;
            for g in 0..quantities.len() {
                for c in 0..quantities[g].len() {
                    for by in [1i64, -1, 8, -8] {
                        let now = quantities[g][c];
                        // What is not bought at all was left out by more than a piece.
                        let Some(next) = now.checked_add_signed(by).filter(|_| now > 0) else { continue };
                        if calls == 0 {
                            return (best, quantities);
                        }
                        calls -= 1;
                        quantities[g][c] = next;
                        let found = self.verdict(&quantities);
                        if found < best {
                            (best, improved) = (found, true);
                        } else {
                            quantities[g][c] = now;
                        }
                    }
                }
            }
            if !improved {
                return (best, quantities);
            }
        }
    }
}
