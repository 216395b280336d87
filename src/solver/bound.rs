//! A lower bound in integers, from whatever prices a linear programme suggested.
//!
//! With item prices `pi_j >= 0` and a proven upper bound `V_t` on the value of every pattern of
//! kind t, any plan costs at least
//!
//! ```text
//! LB = r sum_j q_j pi_j + sum_t l_t max(0, c_t - r V_t) - sum_t h_t max(0, r V_t - c_t),
//! ```
//!
//! for any r >= 0 with r V_t <= c_t for every kind without a limit (Farley 1990 takes the largest),
//! where every plan in question has between l_t and h_t bins of kind t: none and the stock, or what
//! branching on the number of bins says. For the cost is sum_t c_t y_t, the value placed is
//! sum_j q_j r pi_j <= sum_t r V_t y_t, and c_t y_t - r V_t y_t is least at one of the limits. `V_t` comes from resource prices lambda:
//! `floor(lambda . W_t + sum_j u_jt max(0, pi_j - lambda . w_j))`. All of it in i128; where a product
//! would not fit, the precision of lambda is lowered, never the truth.

use crate::plan::{
    BoundKind, BoundStep, Certificate, Dominance, LowerBound, PatternValue, Valuation, ValueProof, ValueStep,
    Weight,
};
use crate::problem::Problem;
use crate::units::Money;

use super::instance::Instance;

/// Prices in integers with a proven pattern value for each kind.
#[derive(Debug, Clone)]
pub(super) struct IntegerPrices {
    /// Nano-dollars per copy of each shape.
    pub pi: Vec<u64>,
    /// Proven pattern value per kind.
    pub value: Vec<u64>,
    pub proof: Vec<ValueProof>,
}

/// Any non-negative prices give a true bound, so rounding may go either way; down keeps them feasible.
pub(super) fn round_down(pi: &[f64]) -> Vec<u64> {
    pi.iter().map(|&p| if p >= 1.0 { p as u64 } else { 0 }).collect()
}

/// Rounds prices down and proves a pattern value for every kind by the resource prices given.
pub(super) fn integer_prices(instance: &Instance, pi: &[f64], lambda: &[Vec<f64>]) -> IntegerPrices {
    let pi = round_down(pi);
    let (value, proof) =
        (0..instance.kinds.len()).map(|t| prove_by_prices(instance, t, &pi, &lambda[t])).unzip();
    IntegerPrices { pi, value, proof }
}

/// A pattern value of one kind with the proof by resource prices.
pub(super) fn prove_by_prices(
    instance: &Instance,
    kind: usize,
    pi: &[u64],
    lambda: &[f64],
) -> (u64, ValueProof) {
    let (value, numerators, denominator) = prove(instance, kind, pi, lambda);
    (value, ValueProof::ResourcePrices { numerators, denominator })
}

/// The best proof that the given resource prices allow, lowering their precision until every
/// product fits. Zero prices always work: a pattern is worth at most all copies that fit.
fn prove(instance: &Instance, kind: usize, pi: &[u64], lambda: &[f64]) -> (u64, Vec<u64>, u64) {
    let largest = lambda.iter().copied().fold(0.0, f64::max);
    for bits in [44u32, 36, 28, 20, 10, 0] {
        let denominator = 1u64 << bits;
        if largest * denominator as f64 >= 4e18 {
            continue;
        }
        let numerators: Vec<u64> =
            lambda.iter().map(|l| (l.max(0.0) * denominator as f64).ceil() as u64).collect();
        if let Some(value) = value_under(instance, kind, pi, &numerators, denominator) {
            return (value, numerators, denominator);
        }
    }
    let all =
        (0..pi.len()).map(|j| pi[j].saturating_mul(instance.fits[kind][j])).fold(0u64, u64::saturating_add);
    (all, vec![0; instance.dims], 1)
}

/// floor((n . W + sum_j u_j max(0, d pi_j - n . w_j)) / d), or `None` where a step overflows.
fn value_under(instance: &Instance, kind: usize, pi: &[u64], n: &[u64], d: u64) -> Option<u64> {
    let dot = |amounts: &[u64]| {
        n.iter()
            .zip(amounts)
            .try_fold(0i128, |sum, (&a, &b)| sum.checked_add(i128::from(a).checked_mul(b.into())?))
    };
    let mut total = dot(&instance.kinds[kind].capacity)?;
    for (j, shape) in instance.shapes.iter().enumerate() {
        let fit = instance.fits[kind][j];
        if fit == 0 || pi[j] == 0 {
            continue;
        }
        let excess = i128::from(pi[j]).checked_mul(d.into())? - dot(&shape.demand)?;
        if excess > 0 {
            total = total.checked_add(excess.checked_mul(fit.into())?)?;
        }
    }
    u64::try_from(total / i128::from(d)).ok()
}

/// How many bins of a kind there are at least and at most (`None`: no limit).
pub(super) type Limits = Vec<(u64, Option<u64>)>;

/// The limits that hold for every plan: the stock.
pub(super) fn stock_limits(instance: &Instance) -> Limits {
    instance.kinds.iter().map(|k| (0, k.stock)).collect()
}

/// The bound where no plan keeps the limits.
const NO_PLAN: i128 = 1 << 100;

/// A weighted sum of prices: what everything is worth and at most a pattern of each kind, both times `one`.
#[derive(Debug, Clone)]
pub(super) struct Worth {
    pub all: i128,
    pub values: Vec<u64>,
    pub one: u64,
}

impl Worth {
    /// The lower bound for an hour among plans within the limits, in nano-dollars, not rounded up.
    pub(super) fn bound(&self, instance: &Instance, limits: &Limits) -> i128 {
        let one = u128::from(self.one);
        // r = num / den, the smallest c_t / V_t among kinds without a limit.
        let mut smallest: Option<(u128, u128)> = None;
        for ((kind, &value), limit) in instance.kinds.iter().zip(&self.values).zip(limits) {
            let (c, v) = (u128::from(kind.rate), u128::from(value));
            if limit.1.is_none() && v > 0 && smallest.is_none_or(|(num, den)| c * den < num * v) {
                smallest = Some((c, v));
            }
        }
        if smallest.is_none() {
            let held = self.values.iter().zip(limits).try_fold(0i128, |sum, (&value, limit)| {
                sum.checked_add(i128::from(value).checked_mul(limit.1.unwrap_or(0).into())?)
            });
            if held.is_some_and(|held| held < self.all) {
                return NO_PLAN;
            }
        }
        let at = |(num, den)| self.bound_at(instance, limits, num, den).unwrap_or(0);
        let mut best = at(smallest.unwrap_or((1, one)));
        // As a function of r the bound is concave: it bends where a kind with limits is worth what it costs.
        let bends = instance.kinds.iter().zip(&self.values).zip(limits);
        let bends = bends.filter(|&((_, &value), limit)| {
            value > 0 && (limit.0 > 0 || limit.1.is_some_and(|most| most > 0))
        });
        let bends = bends.map(|((kind, &value), _)| (u128::from(kind.rate), u128::from(value)));
        let smaller = |(num, den): (u128, u128)| {
            let product = |a: u128, b: u128| a.saturating_mul(b);
            smallest.is_none_or(|(most, under)| product(num, under) < product(most, den))
        };
        for r in bends.chain([(1, one)]).filter(|&r| smaller(r)) {
            best = best.max(at(r));
        }
        best.max(0)
    }

    /// The bound with r = num / den. `None` where a sum leaves the range, as absurd amounts do.
    fn bound_at(&self, instance: &Instance, limits: &Limits, num: u128, den: u128) -> Option<i128> {
        let (num, den) = (i128::try_from(num).ok()?, i128::try_from(den).ok()?);
        let mut scaled = self.all.checked_mul(num)?;
        for ((kind, &value), &(least, most)) in instance.kinds.iter().zip(&self.values).zip(limits) {
            let worth = i128::from(value).checked_mul(num)?;
            let cost = i128::from(kind.rate).checked_mul(den)?;
            let bins = if cost >= worth { least } else { most.unwrap_or(0) };
            scaled = scaled.checked_add(cost.checked_sub(worth)?.checked_mul(bins.into())?)?;
        }
        Some(scaled.div_euclid(den))
    }
}

impl IntegerPrices {
    /// The lower bound for an hour among plans within the limits, in nano-dollars, not rounded up.
    pub(super) fn bound(&self, instance: &Instance, limits: &Limits) -> i128 {
        let worth = |all| Worth { all, values: self.value.clone(), one: 1 };
        self.worth_of_all(instance).map_or(0, |all| worth(all).bound(instance, limits))
    }

    /// What all copies are worth. `None` where that leaves the range.
    pub(super) fn worth_of_all(&self, instance: &Instance) -> Option<i128> {
        instance.shapes.iter().zip(&self.pi).try_fold(0i128, |sum, (shape, &p)| {
            sum.checked_add(i128::from(shape.copies).checked_mul(p.into())?)
        })
    }

    /// The prices in the caller's terms.
    pub(super) fn valuation(&self, problem: &Problem, instance: &Instance) -> Valuation {
        let dims = &instance.dimensions;
        let mut item_prices = vec![0; problem.items().len()];
        for (shape, &p) in instance.shapes.iter().zip(&self.pi) {
            for &(member, _) in &shape.members {
                item_prices[member.index()] = p;
            }
        }
        let widen = |numerators: &[u64]| {
            let mut wide = vec![0; problem.dimensions().len()];
            for (&k, &n) in dims.iter().zip(numerators) {
                wide[k] = n;
            }
            wide
        };
        let in_full = |proof: &ValueProof| match proof {
            ValueProof::ResourcePrices { numerators, denominator } => {
                ValueProof::ResourcePrices { numerators: widen(numerators), denominator: *denominator }
            }
            ValueProof::Exhaustive => ValueProof::Exhaustive,
            ValueProof::Cases { denominator, steps } => {
                let steps = steps.iter().map(|step| match step {
                    // The solver's own steps count shapes.
                    ValueStep::Split { items: shapes, copies } => {
                        let members = shapes.iter().flat_map(|&j| &instance.shapes[j as usize].members);
                        ValueStep::Split { items: members.map(|(item, _)| item.0).collect(), copies: *copies }
                    }
                    ValueStep::Prices { numerators } => ValueStep::Prices { numerators: widen(numerators) },
                });
                ValueProof::Cases { denominator: *denominator, steps: steps.collect() }
            }
        };
        let pattern_values = instance
            .kinds
            .iter()
            .zip(&self.value)
            .zip(&self.proof)
            .map(|((kind, &value), proof)| PatternValue { bin_type: kind.id.0, value, proof: in_full(proof) })
            .collect();
        Valuation { item_prices, pattern_values }
    }
}

/// The bin types that the reduction left out, for a certificate.
fn dominance(instance: &Instance) -> Vec<Dominance> {
    instance
        .dominated_by
        .iter()
        .map(|&(id, t)| Dominance { bin_type: id.0, by: instance.kinds[t].id.0 })
        .collect()
}

/// Rounds up to the next sum that rates can make.
pub(super) fn round_up(instance: &Instance, bound: i128) -> i128 {
    let divisor = i128::from(instance.rate_divisor);
    (bound + divisor - 1) / divisor * divisor
}

/// A bound with its certificate.
pub(super) fn certified(problem: &Problem, instance: &Instance, prices: &IntegerPrices) -> LowerBound {
    let value = Money::from_nanos(round_up(instance, prices.bound(instance, &stock_limits(instance))));
    let leaf = BoundStep::Leaf { weights: vec![Weight { valuation: 0, weight: 1 }] };
    proven(instance, value, vec![prices.valuation(problem, instance)], vec![leaf])
}

/// A bound with its proof.
pub(super) fn proven(
    instance: &Instance,
    value: Money,
    valuations: Vec<Valuation>,
    proof: Vec<BoundStep>,
) -> LowerBound {
    let dominated = dominance(instance);
    LowerBound {
        value,
        kind: BoundKind::Certified,
        certified: value,
        certificate: Certificate { dominated, valuations, proof, ..Certificate::default() },
    }
}

/// What one shape alone needs: q_j copies, at best on the kind that is cheapest per copy. The best
/// such bound; it also holds for items that take up no resource at all.
pub(super) fn by_single_shape(problem: &Problem, instance: &Instance) -> LowerBound {
    /// A price high enough that rounding costs nothing that matters.
    const PRICE: u64 = 1 << 40;
    let free = vec![vec![0.0; instance.dims]; instance.kinds.len()];
    let limits = stock_limits(instance);
    let none = IntegerPrices {
        pi: vec![0; instance.shapes.len()],
        value: vec![0; instance.kinds.len()],
        proof: free
            .iter()
            .map(|_| ValueProof::ResourcePrices { numerators: vec![0; instance.dims], denominator: 1 })
            .collect(),
    };
    let mut best = (none.bound(instance, &limits), none.clone());
    // Only few shapes can win: those that need most bins of every kind.
    for j in 0..instance.shapes.len() {
        let copies = instance.shapes[j].copies;
        if (0..instance.kinds.len()).any(|t| instance.fits[t][j].checked_mul(PRICE).is_none()) {
            continue;
        }
        let cheapest = (0..instance.kinds.len())
            .filter(|&t| instance.fits[t][j] > 0)
            .map(|t| {
                u128::from(instance.kinds[t].rate) * u128::from(copies) / u128::from(instance.fits[t][j])
            })
            .min()
            .unwrap_or(0);
        if i128::try_from(cheapest).unwrap_or(0) < best.0 {
            continue;
        }
        let mut prices = none.clone();
        prices.pi[j] = PRICE;
        prices.value = (0..instance.kinds.len()).map(|t| instance.fits[t][j] * PRICE).collect();
        let bound = prices.bound(instance, &limits);
        if bound > best.0 {
            best = (bound, prices);
        }
    }
    certified(problem, instance, &best.1)
}
