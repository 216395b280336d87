//! A lower bound that no purchase can beat, in integers.
//!
//! For any lambda_gs >= 0 with sum_s hours_s step_c act_cs lambda_gs <= cost_c for every candidate,
//!
//! ```text
//! pi_as = min( v_k p_a, min_g lambda_gs t_ga )
//! LB    = sum_s hours_s ( sum_a pi_as d_as - sum_g lambda_gs held_gs ) - kappa (1 - tau) T - sum mu cap,
//! ```
//!
//! by weak duality: the demand is worth at most what covers it, and no purchase is worth more than it
//! costs. v_k is scenario k's weight, tilted by the tail, plus kappa times its own weight, where a share
//! tau of the whole T has to be covered; prices mu of caps are added to the costs. Prices that a linear
//! programme suggests are rounded and scaled down until they keep the condition; between, [`ascend`]
//! makes them better for all hours (subgradients with Polyak's step).

use super::model::{Group, Model, PPM};
use super::relax::Relaxed;

/// Prices are counted in parts of this, times the weights' parts per million.
pub(super) const FINE: u64 = 1 << 14;
const SCALE: f64 = (FINE * PPM) as f64;

/// Weights of the scenarios on what they pay on demand, in parts per million: never above what the
/// objective and the price of the coverage allow.
fn weights(model: &Model, relaxed: &Relaxed) -> (Vec<u64>, u64) {
    let kappa = match model.caps.coverage {
        Some(_) => (relaxed.price_coverage.clamp(0.0, 1e6) * PPM as f64) as u64,
        None => 0,
    };
    let of = |k: usize| {
        let own = u64::from(model.weights[k]);
        let tilted = match model.tail {
            None => own,
            Some(tail) => {
                let most = (PPM - u64::from(tail.weight)) * own / PPM
                    + u64::from(tail.weight) * own / u64::from(tail.share.max(1));
                // Rounded down, so that the sum stays at most one.
                ((relaxed.tilted[k].clamp(0.0, 1.0) * PPM as f64) as u64).saturating_sub(1).min(most)
            }
        };
        tilted + kappa * own / PPM
    };
    ((0..model.weights.len()).map(of).collect(), kappa)
}

/// What a candidate costs with the prices of the caps on top, rounded down.
fn cost_with_caps(relaxed: &Relaxed, cost: u128, obligation: u128, upfront: u128) -> Option<u128> {
    cost.checked_add(priced(relaxed.price_obligation, obligation)?)?
        .checked_add(priced(relaxed.price_upfront, upfront)?)
}

const PRICE_UNIT: u128 = 1_000_000_000;

fn price_units(price: f64) -> u128 {
    (price.clamp(0.0, 1e6) * PRICE_UNIT as f64) as u128
}

fn priced(price: f64, amount: u128) -> Option<u128> {
    Some(amount.checked_mul(price_units(price))? / PRICE_UNIT)
}

/// Lowers what demand is worth in slot `s`, `pi` by atom, to what the groups' prices allow; what the units
/// held in it are worth at those prices.
pub(super) fn under_groups(model: &Model, lambda: &[Vec<u128>], s: usize, pi: &mut [u128]) -> Option<u128> {
    let segment = model.slots[s].segment;
    let mut worth = 0u128;
    for (group, prices) in model.groups.iter().zip(lambda) {
        let held = group.held[segment];
        if held == 0 && group.candidates.iter().all(|c| c.active[segment] == 0) {
            continue;
        }
        for &(atom, take) in &group.takes {
            pi[atom] = pi[atom].min(prices[s].checked_mul(u128::from(take))?);
        }
        worth = worth.checked_add(prices[s].checked_mul(u128::from(held))?)?;
    }
    Some(worth)
}

/// The lower bound that prices prove, in nano-dollars over the horizon; `None` where a product leaves
/// the range, or nothing above zero is proved.
pub(super) fn certify(model: &Model, relaxed: &Relaxed) -> Option<u128> {
    let (v, kappa) = weights(model, relaxed);
    let lambda = feasible(model, relaxed)?;
    let mut total = 0i128;
    let mut pi: Vec<u128> = Vec::new();
    for (s, slot) in model.slots.iter().enumerate() {
        pi.clear();
        pi.extend(
            model.on_demand.iter().map(|&p| u128::from(p) * u128::from(v[slot.scenario]) * u128::from(FINE)),
        );
        let held = under_groups(model, &lambda, s, &mut pi)?;
        let mut here = -i128::try_from(held).ok()?;
        for (&pi, &d) in pi.iter().zip(&slot.demand) {
            here = here.checked_add(i128::try_from(pi.checked_mul(u128::from(d))?).ok()?)?;
        }
        total = total.checked_add(here.checked_mul(i128::from(slot.hours))?)?;
    }
    let mut bound = total.div_euclid(i128::from(FINE * PPM));
    if let Some(share) = model.caps.coverage {
        // kappa (1 - tau) T, rounded up; T has the factor PPM already.
        let open = (PPM - u64::from(share).min(PPM)) as u128;
        let whole = model.on_demand_cost().div_ceil(u128::from(PPM));
        let part = whole.checked_mul(u128::from(kappa))?.checked_mul(open)?.div_ceil(u128::from(PPM * PPM));
        bound = bound.checked_sub(i128::try_from(part).ok()?)?;
    }
    for (cap, price) in
        [(model.caps.obligation, relaxed.price_obligation), (model.caps.upfront, relaxed.price_upfront)]
    {
        if let Some(cap) = cap {
            let part = cap.checked_mul(price_units(price))?.div_ceil(PRICE_UNIT);
            bound = bound.checked_sub(i128::try_from(part).ok()?)?;
        }
    }
    u128::try_from(bound).ok()
}

/// Prices of all groups as integers that no candidate contradicts; `None` where a product leaves the range.
pub(super) fn feasible(model: &Model, relaxed: &Relaxed) -> Option<Vec<Vec<u128>>> {
    let groups = model.groups.iter().zip(&relaxed.lambda);
    groups.map(|(group, prices)| feasible_of(model, relaxed, group, prices)).collect()
}

/// Prices of one group.
fn feasible_of(model: &Model, relaxed: &Relaxed, group: &Group, prices: &[f64]) -> Option<Vec<u128>> {
    let mut rounded: Vec<u128> = prices.iter().map(|&l| (l.clamp(0.0, 1e15) * SCALE) as u128).collect();
    for candidate in &group.candidates {
        let most = cost_with_caps(relaxed, candidate.cost, candidate.obligation, candidate.upfront)?
            .checked_mul(u128::from(PPM))?
            .checked_mul(u128::from(FINE * PPM))?;
        // Two rounds at most are needed; more would mean numbers that are not.
        for _ in 0..8 {
            let mut worth = 0u128;
            for (slot, &l) in model.slots.iter().zip(&rounded) {
                let active = u128::from(candidate.active[slot.segment]) * u128::from(slot.hours);
                let one = l.checked_mul(u128::from(candidate.step))?.checked_mul(active)?;
                worth = worth.checked_add(one)?;
            }
            if worth <= most {
                break;
            }
            let shrink = most as f64 / worth as f64 * (1.0 - 1e-12);
            for l in &mut rounded {
                *l = (*l as f64 * shrink) as u128;
            }
        }
        let worth: Option<u128> = model.slots.iter().zip(&rounded).try_fold(0u128, |sum, (slot, &l)| {
            let active = u128::from(candidate.active[slot.segment]) * u128::from(slot.hours);
            sum.checked_add(l.checked_mul(u128::from(candidate.step))?.checked_mul(active)?)
        });
        if worth? > most {
            return Some(vec![0; prices.len()]);
        }
    }
    Some(rounded)
}

/// A group that is priced exactly, given the prices of all others: it has one candidate and shares no
/// atom with another such group.
struct Private {
    group: usize,
    /// Slots by falling quantity at which the group covers all of its one atom there; empty for several atoms.
    falling: Vec<(f64, usize)>,
}

/// Makes prices better for all hours; `target` is the cost of a plan, which steps aim at. Returns the best
/// prices found, and the quantities of the groups priced exactly under them.
pub(super) fn ascend(
    model: &Model,
    relaxed: &Relaxed,
    target: f64,
    steps: usize,
) -> (Relaxed, Vec<(usize, f64)>) {
    let (v, _) = weights(model, relaxed);
    let v: Vec<f64> = v.into_iter().map(|v| v as f64 / PPM as f64).collect();
    let costs: Vec<Vec<f64>> = model
        .groups
        .iter()
        .map(|group| {
            let cost = |c: &super::model::Candidate| {
                cost_with_caps(relaxed, c.cost, c.obligation, c.upfront).unwrap_or(c.cost) as f64
            };
            group.candidates.iter().map(cost).collect()
        })
        .collect();
    let privates = privates(model);
    let is_private: Vec<bool> =
        (0..model.groups.len()).map(|g| privates.iter().any(|p| p.group == g)).collect();
    let shared: Vec<usize> =
        (0..model.groups.len()).filter(|&g| !is_private[g] && !model.groups[g].is_idle()).collect();

    let mut at = relaxed.clone();
    let mut best = (f64::NEG_INFINITY, relaxed.clone(), Vec::new());
    let mut factor = 1.0;
    let mut stalled = 0;
    for step in 0..=steps {
        let found = evaluate(model, &v, &costs, &privates, &shared, &mut at);
        if found.value > best.0 {
            stalled = if found.value > best.0 + 1e-6 * best.0.abs() { 0 } else { stalled + 1 };
            best = (found.value, at.clone(), found.quantities.clone());
        } else {
            stalled += 1;
        }
        if stalled >= 8 {
            factor *= 0.5;
            stalled = 0;
            at = best.1.clone();
            if factor < 0.01 {
                break;
            }
        }
        let missing = target - found.value;
        if step == steps || shared.is_empty() || missing <= 1e-7 * target.abs() {
            break;
        }
        // The part of the gradient along the condition on a group's prices is no way up.
        let mut square = 0.0;
        let mut directions = Vec::with_capacity(shared.len());
        for (&g, usage) in shared.iter().zip(&found.usage) {
            let group = &model.groups[g];
            let mut direction = usage.clone();
            if let Some(c) = group.candidates.first() {
                let (mut along, mut norm) = (0.0, 0.0);
                for (s, slot) in model.slots.iter().enumerate() {
                    let active = c.step as f64 * f64::from(c.active[slot.segment]) / PPM as f64;
                    if at.lambda[g][s] > 0.0 {
                        along += slot.hours as f64 * active * usage[s];
                        norm += slot.hours as f64 * active * active;
                    }
                }
                let quantity = (along / norm.max(1e-300)).max(0.0);
                for (s, slot) in model.slots.iter().enumerate() {
                    direction[s] -= quantity * c.step as f64 * f64::from(c.active[slot.segment]) / PPM as f64;
                    if at.lambda[g][s] <= 0.0 && direction[s] < 0.0 {
                        direction[s] = 0.0;
                    }
                }
            }
            square += model.slots.iter().zip(&direction).map(|(s, d)| s.hours as f64 * d * d).sum::<f64>();
            directions.push(direction);
        }
        if square <= 0.0 {
            break;
        }
        let length = factor * missing / square;
        for (&g, direction) in shared.iter().zip(&directions) {
            for (l, d) in at.lambda[g].iter_mut().zip(direction) {
                *l = (*l + length * d).max(0.0);
            }
            for (c, &cost) in costs[g].iter().enumerate() {
                project(model, &mut at.lambda[g], g, c, cost);
            }
        }
    }
    (best.1, best.2)
}

/// Groups priced exactly: reservations first, then those that cover fewer atoms.
fn privates(model: &Model) -> Vec<Private> {
    let mut order: Vec<usize> =
        (0..model.groups.len()).filter(|&g| model.groups[g].candidates.len() == 1).collect();
    order.sort_by_key(|&g| (model.groups[g].takes.len(), model.groups[g].precedence, g));
    let mut taken = vec![false; model.on_demand.len()];
    let mut found = Vec::new();
    for g in order {
        let group = &model.groups[g];
        // A plan for everything is what couples the rest.
        if group.takes.iter().any(|&(a, _)| taken[a]) || group.takes.len() > 8 {
            continue;
        }
        for &(a, _) in &group.takes {
            taken[a] = true;
        }
        let mut falling = Vec::new();
        if let [(a, take)] = group.takes[..] {
            let c = &group.candidates[0];
            for (s, slot) in model.slots.iter().enumerate() {
                let active = c.step as f64 * f64::from(c.active[slot.segment]) / PPM as f64;
                let open = (slot.demand[a] as f64).mul_add(take as f64, -(group.held[slot.segment] as f64));
                if active > 0.0 && open > 0.0 {
                    falling.push((open / active, s));
                }
            }
            falling.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
        }
        found.push(Private { group: g, falling });
    }
    found
}

struct Evaluated {
    value: f64,
    quantities: Vec<(usize, f64)>,
    /// Per shared group and slot: units of demand that would rather be covered by it, less what is held.
    usage: Vec<Vec<f64>>,
}

/// The bound at the prices of shared groups; sets those of private groups.
fn evaluate(
    model: &Model,
    v: &[f64],
    costs: &[Vec<f64>],
    privates: &[Private],
    shared: &[usize],
    at: &mut Relaxed,
) -> Evaluated {
    const ON_DEMAND: usize = usize::MAX;
    let atoms = model.on_demand.len();
    let slots = model.slots.len();
    // Cheapest cover of each atom but by private groups.
    let mut pi = vec![0.0; slots * atoms];
    let mut by = vec![ON_DEMAND; slots * atoms];
    for (s, slot) in model.slots.iter().enumerate() {
        for (a, &p) in model.on_demand.iter().enumerate() {
            pi[s * atoms + a] = v[slot.scenario] * p as f64;
        }
    }
    let mut value = 0.0;
    for (i, &g) in shared.iter().enumerate() {
        let group = &model.groups[g];
        for (s, slot) in model.slots.iter().enumerate() {
            let l = at.lambda[g][s];
            let held = group.held[slot.segment];
            value -= slot.hours as f64 * l * held as f64;
            if held == 0 && group.candidates.iter().all(|c| c.active[slot.segment] == 0) {
                continue;
            }
            for &(a, take) in &group.takes {
                let cell = s * atoms + a;
                if l * (take as f64) < pi[cell] {
                    pi[cell] = l * take as f64;
                    by[cell] = i;
                }
            }
        }
    }
    let mut open: Vec<f64> = model.slots.iter().flat_map(|s| s.demand.iter().map(|&d| d as f64)).collect();
    let mut quantities = Vec::with_capacity(privates.len());
    for private in privates {
        let group = &model.groups[private.group];
        let c = &group.candidates[0];
        let cost = costs[private.group][0];
        let active = |s: usize| c.step as f64 * f64::from(c.active[model.slots[s].segment]) / PPM as f64;
        let lambda = &mut at.lambda[private.group];
        lambda.fill(0.0);
        let quantity = if let [(a, take)] = group.takes[..] {
            let mut worth = 0.0;
            let mut quantity = 0.0;
            for &(breaks, s) in &private.falling {
                let unit = pi[s * atoms + a] / take as f64;
                let more = model.slots[s].hours as f64 * active(s) * unit;
                if worth + more >= cost {
                    quantity = breaks;
                    lambda[s] = unit * ((cost - worth) / more.max(1e-300)).clamp(0.0, 1.0);
                    break;
                }
                worth += more;
                lambda[s] = unit;
            }
            quantity
        } else {
            several(model, group, &pi, cost, lambda)
        };
        for (s, slot) in model.slots.iter().enumerate() {
            let capacity = group.held[slot.segment] as f64 + active(s) * quantity;
            value -= slot.hours as f64 * lambda[s] * group.held[slot.segment] as f64;
            cover(group, &pi[s * atoms..(s + 1) * atoms], &mut open[s * atoms..(s + 1) * atoms], capacity);
            for &(a, take) in &group.takes {
                let cell = s * atoms + a;
                pi[cell] = pi[cell].min(lambda[s] * take as f64);
            }
        }
        quantities.push((private.group, quantity));
    }
    for (s, slot) in model.slots.iter().enumerate() {
        let here: f64 = slot.demand.iter().zip(&pi[s * atoms..]).map(|(&d, p)| d as f64 * p).sum();
        value += here * slot.hours as f64;
    }
    let mut usage: Vec<Vec<f64>> = shared
        .iter()
        .map(|&g| model.slots.iter().map(|slot| -(model.groups[g].held[slot.segment] as f64)).collect())
        .collect();
    for (i, &g) in shared.iter().enumerate() {
        for (s, used) in usage[i].iter_mut().enumerate() {
            for &(a, take) in &model.groups[g].takes {
                if by[s * atoms + a] == i {
                    *used += open[s * atoms + a] * take as f64;
                }
            }
        }
    }
    Evaluated { value, quantities, usage }
}

/// Covers demand where it saves most per unit.
fn cover(group: &Group, pi: &[f64], open: &mut [f64], capacity: f64) {
    let mut left = capacity;
    for (a, take) in by_value(group, pi) {
        if left <= 0.0 || take <= 0.0 {
            break;
        }
        let units = (open[a] * take).min(left);
        open[a] = (open[a] - units / take).max(0.0);
        left -= units;
    }
}

/// Atoms of a group by falling value per unit.
fn by_value(group: &Group, pi: &[f64]) -> impl Iterator<Item = (usize, f64)> {
    let mut order: Vec<(usize, f64)> = group.takes.iter().map(|&(a, t)| (a, t as f64)).collect();
    if order.len() > 1 {
        order.sort_by(|x, y| (pi[y.0] / y.1).total_cmp(&(pi[x.0] / x.1)).then(x.0.cmp(&y.0)));
    }
    order.into_iter()
}

/// The best quantity of a group of several atoms by bisection, and its prices.
fn several(model: &Model, group: &Group, pi: &[f64], cost: f64, lambda: &mut [f64]) -> f64 {
    let atoms = model.on_demand.len();
    let c = &group.candidates[0];
    let active = |s: usize| c.step as f64 * f64::from(c.active[model.slots[s].segment]) / PPM as f64;
    // What one more unit is worth in a slot beyond some capacity.
    let marginal = |s: usize, capacity: f64| {
        let mut left = capacity;
        for (a, take) in by_value(group, &pi[s * atoms..(s + 1) * atoms]) {
            left -= model.slots[s].demand[a] as f64 * take;
            if left < 0.0 {
                return pi[s * atoms + a] / take;
            }
        }
        0.0
    };
    let worth = |quantity: f64, lambda: &mut [f64]| -> f64 {
        let mut sum = 0.0;
        for (s, slot) in model.slots.iter().enumerate() {
            lambda[s] = marginal(s, group.held[slot.segment] as f64 + active(s) * quantity);
            sum += slot.hours as f64 * active(s) * lambda[s];
        }
        sum
    };
    let (mut low, mut high) = (
        0.0,
        model.slots.iter().enumerate().fold(0.0f64, |most, (s, slot)| {
            let units: f64 = group.takes.iter().map(|&(a, t)| slot.demand[a] as f64 * t as f64).sum();
            if active(s) > 0.0 { most.max(units / active(s)) } else { most }
        }),
    );
    if worth(0.0, lambda) <= cost {
        return 0.0;
    }
    for _ in 0..30 {
        let middle = f64::midpoint(low, high);
        if worth(middle, lambda) > cost {
            low = middle;
        } else {
            high = middle;
        }
    }
    // Between the two the worth passes the cost: mix their prices so that it is met.
    let above: f64 = worth(low, lambda);
    let prices_above = lambda.to_vec();
    let below = worth(high, lambda);
    let part = if above > below { ((cost - below) / (above - below)).clamp(0.0, 1.0) } else { 0.0 };
    for (l, above) in lambda.iter_mut().zip(prices_above) {
        *l += part * (above - *l);
    }
    high
}

/// Moves prices to the nearest that keep one candidate's condition.
fn project(model: &Model, lambda: &mut [f64], group: usize, candidate: usize, cost: f64) {
    let c = &model.groups[group].candidates[candidate];
    let active: Vec<f64> =
        model.slots.iter().map(|s| c.step as f64 * f64::from(c.active[s.segment]) / PPM as f64).collect();
    let worth = |shift: f64| -> f64 {
        model
            .slots
            .iter()
            .zip(lambda.iter().zip(&active))
            .map(|(s, (l, a))| s.hours as f64 * a * (l - shift * a).max(0.0))
            .sum()
    };
    if worth(0.0) <= cost {
        return;
    }
    let most = lambda.iter().zip(&active).filter(|(_, a)| **a > 0.0).map(|(l, a)| l / a).fold(0.0, f64::max);
    let (mut low, mut high) = (0.0, most);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if worth(middle) > cost {
            low = middle;
        } else {
            high = middle;
        }
    }
    for (l, a) in lambda.iter_mut().zip(&active) {
        *l = (*l - high * a).max(0.0);
    }
}
