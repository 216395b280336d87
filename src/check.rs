//! Rechecks the proof of a lower bound from first principles: integers only, no code of the solver.
//!
//! In a leaf of the proof, with item prices pi_j >= 0, V_t at least the value of every pattern of bin
//! type t (of several valuations a weighted sum of each: what no pattern exceeds in each it does not exceed
//! in the sum), between l_t and h_t bins of it, and any r >= 0 with r V_t <= c_t for every unlimited t, every
//! plan costs at least
//!
//! ```text
//! r sum_j q_j pi_j + sum_t l_t max(0, c_t - r V_t) - sum_t h_t max(0, r V_t - c_t)
//! ```
//!
//! because sum_j q_j pi_j <= sum_t V_t y_t for any plan with y_t bins of type t, so that its cost
//! sum_t c_t y_t is at least r sum_j q_j pi_j + sum_t (c_t - r V_t) y_t. Where no type with a value is
//! unlimited and sum_t V_t h_t < sum_j q_j pi_j, the leaf holds no plan at all. The branches of a proof
//! leave out no plan; the bound is the least over its leaves. Of a capacity only the largest multiple of
//! the greatest common divisor of all demands counts: no copies add up to more. A cost is a sum of rates, hence the
//! rounding up to a multiple of their greatest common divisor.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::plan::{BoundStep, Certificate, Dominance, Pattern, PatternValue, Valuation, ValueProof, Weight};
use crate::problem::{BinTypeId, ItemTypeId, Problem};
use crate::units::Money;

mod cases;
mod guide;
mod knapsack;
mod objection;
mod value;

pub use objection::{DominanceFlaw, Objection};

use cases::Flaw;
use knapsack::Recheck;
use value::Items;

/// Steps that the recheck of one exhaustive value may take: some ten seconds. The solver's own
/// searches are a hundred times shorter.
pub const STEP_LIMIT: u64 = 2_000_000_000;

/// What the certificate proves about the problem: no plan costs less than this for one hour.
/// Rounded up to a multiple of the greatest common divisor of the rates of all usable bin types.
///
/// # Errors
/// Every objection found, in the order of the certificate.
pub fn check_certificate(problem: &Problem, certificate: &Certificate) -> Result<Money, Vec<Objection>> {
    check_within(problem, certificate, STEP_LIMIT)
}

/// As [`check_certificate`], with a limit of one's own on the steps of each exhaustive recheck.
///
/// # Errors
/// Every objection found, in the order of the certificate.
pub fn check_within(
    problem: &Problem,
    certificate: &Certificate,
    step_limit: u64,
) -> Result<Money, Vec<Objection>> {
    let problem = &widened(problem, certificate)?;
    let items = Items::of(problem);
    let mut objections = check_dominance(problem, &items, &certificate.dominated);
    let left_out: BTreeSet<BinTypeId> = certificate.dominated.iter().map(|d| BinTypeId(d.bin_type)).collect();
    let checker = Checker::new(problem, items, left_out, step_limit);
    let mut sums = Vec::with_capacity(certificate.valuations.len());
    for valuation in &certificate.valuations {
        match checker.valuation(valuation) {
            Ok(sum) => sums.push(sum),
            Err(more) => objections.extend(more),
        }
    }
    let leaves = leaves(problem, &certificate.proof, &mut objections);
    if !objections.is_empty() {
        return Err(objections);
    }
    let mut least: Option<i128> = None;
    for leaf in leaves {
        match checker.leaf(&leaf, &sums) {
            Ok(LeafBound::AtLeast(bound)) => least = Some(least.map_or(bound, |l| l.min(bound))),
            Ok(LeafBound::NoPlan) => {}
            Err(objection) => objections.push(objection),
        }
    }
    // Without a leaf that holds a plan there is no plan, and any bound is true.
    let least = least.unwrap_or(0);
    let divisor = checker.rate_divisor;
    let rounded = least.checked_add(divisor - 1).map(|sum| sum / divisor * divisor);
    match rounded {
        Some(nanos) if objections.is_empty() => Ok(Money::from_nanos(nanos)),
        Some(_) => Err(objections),
        None => {
            objections.push(Objection::Overflow("the bound"));
            Err(objections)
        }
    }
}

/// The problem with a dimension per clique and the rounded dimensions, or which of them are none.
fn widened(problem: &Problem, certificate: &Certificate) -> Result<Problem, Vec<Objection>> {
    let members = |clique: &Vec<u32>| clique.iter().copied().map(ItemTypeId).collect();
    let cliques: Vec<Vec<ItemTypeId>> = certificate.cliques.iter().map(members).collect();
    let rounded = &certificate.rounded;
    let false_cliques = cliques.iter().enumerate().filter(|(_, members)| !problem.is_clique(members));
    let false_rounding = rounded.iter().enumerate().filter(|(_, r)| !problem.may_round(r));
    let objections: Vec<Objection> = false_cliques
        .map(|(place, _)| Objection::FalseClique(place))
        .chain(false_rounding.map(|(place, _)| Objection::FalseRounding(place)))
        .collect();
    match problem.with_cliques(&cliques).and_then(|wider| wider.with_rounded(rounded)) {
        Some(wider) if objections.is_empty() => Ok(wider),
        _ => Err(objections),
    }
}

/// What is wrong with the bin types left out.
fn check_dominance(problem: &Problem, items: &Items<'_>, dominated: &[Dominance]) -> Vec<Objection> {
    let left_out: BTreeSet<u32> = dominated.iter().map(|d| d.bin_type).collect();
    let mut objections = Vec::new();
    for &Dominance { bin_type, by } in dominated {
        let (bin_type, by) = (BinTypeId(bin_type), BinTypeId(by));
        let unknown: Vec<BinTypeId> =
            [bin_type, by].into_iter().filter(|t| t.index() >= problem.bins().len()).collect();
        if !unknown.is_empty() {
            objections.extend(unknown.into_iter().map(Objection::UnknownBinType));
            continue;
        }
        let (small, large) = (problem.bin(bin_type), problem.bin(by));
        let (room, as_much) = (items.usable(by), items.usable(bin_type));
        let smaller = items.demanded().iter().find(|&&k| room[k] < as_much[k]).copied();
        let barred = problem
            .item_ids()
            .find(|&j| items.most(j, bin_type) > 0 && !problem.item(j).eligible.contains(by));
        let flaw = if left_out.contains(&by.0) {
            Some(DominanceFlaw::LeftOutItself)
        } else if large.stock.is_some() {
            Some(DominanceFlaw::Limited)
        } else if large.rate > small.rate {
            Some(DominanceFlaw::Dearer)
        } else if let Some(k) = smaller {
            Some(DominanceFlaw::Smaller(problem.dimensions()[k].clone()))
        } else {
            barred.map(DominanceFlaw::NotEligible)
        };
        objections.extend(flaw.map(|flaw| Objection::FalseDominance { bin_type, by, flaw }));
    }
    objections
}

/// What the branches above a leaf say about the number of bins.
type Range = BTreeMap<BinTypeId, (u64, Option<u64>)>;

/// Weights with what the branches above them say.
struct Leaf<'a> {
    weights: &'a [Weight],
    /// At least, and at most where there is a limit, by bin type; stock alone where it is not named.
    range: Range,
}

/// All leaves, left to right.
fn leaves<'a>(problem: &Problem, proof: &'a [BoundStep], objections: &mut Vec<Objection>) -> Vec<Leaf<'a>> {
    let mut leaves = Vec::new();
    let mut open = vec![Range::new()];
    for (place, step) in proof.iter().enumerate() {
        let Some(range) = open.pop() else {
            objections.push(Objection::StrayStep(place));
            break;
        };
        match step {
            BoundStep::Leaf { weights } => leaves.push(Leaf { weights, range }),
            BoundStep::Branch { bin_type, bins } => {
                let t = BinTypeId(*bin_type);
                let Some(bin) = problem.bins().get(t.index()) else {
                    objections.push(Objection::UnknownBinType(t));
                    break;
                };
                let &(low, high) = range.get(&t).unwrap_or(&(0, bin.stock));
                let below = (low, Some(high.map_or(*bins, |h| h.min(*bins))));
                // No plan has more than 2^64 - 1 bins of a type that it needs.
                let above = (low.max(bins.saturating_add(1)), high);
                for limits in [above, below] {
                    if let (at_least, Some(at_most)) = limits
                        && at_least > at_most
                    {
                        objections.push(Objection::ContradictoryBranch { bin_type: t, at_least, at_most });
                    }
                    let mut range = range.clone();
                    range.insert(t, limits);
                    open.push(range);
                }
            }
        }
    }
    if objections.is_empty() && !open.is_empty() {
        objections.push(Objection::UnfinishedProof(open.len()));
    }
    leaves
}

struct Checker<'a> {
    problem: &'a Problem,
    items: Items<'a>,
    /// Bin types that exist, that an item may use and that are not left out.
    needed: Vec<BinTypeId>,
    rate_divisor: i128,
    step_limit: u64,
}

/// What everything is worth, and the value of a pattern of each bin type needed.
struct Worth {
    all: i128,
    values: Vec<u64>,
}

impl<'a> Checker<'a> {
    fn new(problem: &'a Problem, items: Items<'a>, left_out: BTreeSet<BinTypeId>, step_limit: u64) -> Self {
        let usable = |t: &BinTypeId| {
            problem.bin(*t).stock != Some(0) && problem.item_ids().any(|j| items.most(j, *t) > 0)
        };
        let usable: Vec<BinTypeId> = problem.bin_ids().filter(usable).collect();
        // Of all that are usable: a type left out may be part of a plan.
        let divisor = usable.iter().fold(0, |d, &t| gcd(d, problem.bin(t).rate.nanos()));
        let needed = usable.into_iter().filter(|t| !left_out.contains(t)).collect();
        Checker { problem, items, needed, rate_divisor: i128::from(divisor.max(1)), step_limit }
    }

    /// What a valuation says, if all of it is true.
    fn valuation(&self, valuation: &Valuation) -> Result<Worth, Vec<Objection>> {
        let prices = &valuation.item_prices;
        if prices.len() != self.problem.items().len() {
            let (found, expected) = (prices.len(), self.problem.items().len());
            return Err(vec![Objection::PriceCount { found, expected }]);
        }
        let mut stated: BTreeMap<BinTypeId, &PatternValue> = BTreeMap::new();
        let mut objections = Vec::new();
        for value in &valuation.pattern_values {
            let t = BinTypeId(value.bin_type);
            if t.index() >= self.problem.bins().len() {
                objections.push(Objection::UnknownBinType(t));
            } else if stated.insert(t, value).is_some() {
                objections.push(Objection::RepeatedBinType(t));
            }
        }
        let checked: Vec<Result<u64, Objection>> = self
            .needed
            .par_iter()
            .map(|&t| match stated.get(&t) {
                Some(value) => self.value(prices, value).map(|()| value.value),
                None if self
                    .problem
                    .item_ids()
                    .all(|j| prices[j.index()] == 0 || self.items.most(j, t) == 0) =>
                {
                    Ok(0)
                }
                None => Err(Objection::MissingBinType(t)),
            })
            .collect();
        let mut values = Vec::with_capacity(self.needed.len());
        for value in checked {
            match value {
                Ok(value) => values.push(value),
                Err(objection) => objections.push(objection),
            }
        }
        let all = self.problem.items().iter().zip(prices).try_fold(0i128, |sum, (item, &price)| {
            sum.checked_add(i128::from(item.copies).checked_mul(price.into())?)
        });
        match all {
            Some(all) if objections.is_empty() => Ok(Worth { all, values }),
            Some(_) => Err(objections),
            None => {
                objections.push(Objection::Overflow("the worth of all items"));
                Err(objections)
            }
        }
    }

    /// What one leaf proves.
    fn leaf(&self, leaf: &Leaf<'_>, worths: &[Worth]) -> Result<LeafBound, Objection> {
        let overflow = || Objection::Overflow("a weighted sum");
        let mut sum = Worth { all: 0, values: vec![0; self.needed.len()] };
        for &Weight { valuation, weight } in leaf.weights {
            let worth = worths.get(valuation as usize).ok_or(Objection::UnknownValuation(valuation))?;
            let all = worth.all.checked_mul(weight.into());
            sum.all = all.and_then(|all| sum.all.checked_add(all)).ok_or_else(overflow)?;
            for (sum, &value) in sum.values.iter_mut().zip(&worth.values) {
                let value = value.checked_mul(weight);
                *sum = value.and_then(|value| sum.checked_add(value)).ok_or_else(overflow)?;
            }
        }
        self.bound(&sum, &leaf.range)
    }

    /// Whether no pattern is worth more than stated.
    fn value(&self, prices: &[u64], stated: &PatternValue) -> Result<(), Objection> {
        let bin_type = BinTypeId(stated.bin_type);
        match &stated.proof {
            ValueProof::ResourcePrices { numerators, denominator } => {
                if numerators.len() != self.problem.dimensions().len() || *denominator == 0 {
                    return Err(Objection::ResourcePrices(bin_type));
                }
                let proven = self
                    .items
                    .value_by_resource_prices(bin_type, prices, numerators, *denominator)
                    .ok_or(Objection::Overflow("a pattern value"))?;
                if proven > u128::from(stated.value) {
                    return Err(Objection::ValueTooSmall { bin_type, stated: stated.value, proven });
                }
                Ok(())
            }
            ValueProof::Cases { denominator, steps } => {
                let proven = cases::value(&self.items, bin_type, prices, *denominator, steps);
                let proven = proven.map_err(|flaw| match flaw {
                    Flaw::Form => Objection::Cases(bin_type),
                    Flaw::Prices => Objection::ResourcePrices(bin_type),
                    Flaw::Overflow => Objection::Overflow("a pattern value"),
                })?;
                if proven > u128::from(stated.value) {
                    return Err(Objection::ValueTooSmall { bin_type, stated: stated.value, proven });
                }
                Ok(())
            }
            ValueProof::Exhaustive => {
                let found = knapsack::recheck(&self.items, bin_type, prices, stated.value, self.step_limit);
                match found {
                    Recheck::NothingBetter => Ok(()),
                    Recheck::Better { content, worth } => {
                        let pattern = Pattern::new(bin_type, content);
                        Err(Objection::BetterPattern { pattern, stated: stated.value, worth })
                    }
                    Recheck::StepLimit => Err(Objection::NotRechecked { bin_type, steps: self.step_limit }),
                    Recheck::Overflow => Err(Objection::Overflow("a pattern value")),
                }
            }
        }
    }

    /// The formula above with the best r, exactly, then rounded up: as a function of r it is concave and
    /// has its bends where r = c_t / V_t.
    fn bound(&self, worth: &Worth, range: &Range) -> Result<LeafBound, Objection> {
        let overflow = Objection::Overflow("a leaf's bound");
        let terms = self.needed.iter().zip(&worth.values).map(|(&t, &value)| {
            let (least, most) = *range.get(&t).unwrap_or(&(0, self.problem.bin(t).stock));
            Term { rate: self.problem.bin(t).rate.nanos().into(), value: value.into(), least, most }
        });
        let terms: Vec<Term> = terms.collect();
        let worth = worth.all;
        let bends = || terms.iter().filter(|t| t.value > 0);
        let largest = bends().filter(|t| t.most.is_none()).map(Term::bend).reduce(Fraction::min);
        if largest.is_none() {
            let held = bends().try_fold(0i128, |sum, t| {
                sum.checked_add(t.value.checked_mul(t.most.map_or(0, i128::from))?)
            });
            if held.is_some_and(|held| held < worth) {
                return Ok(LeafBound::NoPlan);
            }
        }
        let allowed = bends().map(Term::bend).filter(|r| largest.is_none_or(|most| *r == r.min(most)));
        let always = [Fraction { over: 0, under: 1 }, Fraction { over: 1, under: 1 }];
        let always = always.into_iter().filter(|r| largest.is_none_or(|most| *r == r.min(most)));
        // What is out of range for one r may be within for another.
        allowed
            .chain(always)
            .filter_map(|r| bound_at(r, worth, &terms))
            .max()
            .map(LeafBound::AtLeast)
            .ok_or(overflow)
    }
}

/// What a leaf proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeafBound {
    /// No plan of the leaf costs less, in nano-dollars.
    AtLeast(i128),
    /// The bins allowed cannot be worth what must be placed: no plan belongs to the leaf.
    NoPlan,
}

/// A bin type in the formula of a leaf.
struct Term {
    rate: i128,
    value: i128,
    least: u64,
    most: Option<u64>,
}

impl Term {
    /// The r at which a bin is worth what it costs.
    fn bend(&self) -> Fraction {
        Fraction { over: self.rate, under: self.value }
    }
}

/// Not negative; numbers of 64 bits, so that products fit into 128 without a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fraction {
    over: i128,
    under: i128,
}

impl Fraction {
    /// The smaller one; `self` of equals.
    fn min(self, other: Fraction) -> Fraction {
        let product = |a: i128, b: i128| a.unsigned_abs() * b.unsigned_abs();
        if product(other.over, self.under) < product(self.over, other.under) { other } else { self }
    }
}

/// The formula for one r, rounded up, not below zero; `None` past 128 bits.
fn bound_at(r: Fraction, worth: i128, terms: &[Term]) -> Option<i128> {
    let mut scaled = worth.checked_mul(r.over)?;
    for term in terms {
        let reduced = (term.rate.checked_mul(r.under)?).checked_sub(term.value.checked_mul(r.over)?)?;
        // Unlimited types have no negative reduced cost, by the choice of r.
        let bins = if reduced >= 0 { term.least } else { term.most? };
        scaled = scaled.checked_add(reduced.checked_mul(bins.into())?)?;
    }
    Some(if scaled <= 0 { 0 } else { scaled / r.under + i128::from(scaled % r.under > 0) })
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests;
