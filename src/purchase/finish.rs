//! Whole quantities: rounding what the programme bought and improving it by exchanges.
//!
//! Money only falls along the way; which way is tried next depends on nothing but the model, so that the
//! same input gives the same purchases.

use super::model::{Model, Quantities};
use super::simulate::{Estimate, Simulator};

/// Whole quantities per group and candidate.
pub(super) type Whole = Vec<Vec<u64>>;

/// Rounds to the nearest whole.
pub(super) fn rounded(quantities: &Quantities) -> Whole {
    quantities.iter().map(|q| q.iter().map(|&q| q.max(0.0).round() as u64).collect()).collect()
}

fn wide(quantities: &Whole) -> Quantities {
    quantities.iter().map(|q| q.iter().map(|&q| q as f64).collect()).collect()
}

/// Steps that the search may still take.
pub(super) struct Work(pub u64);

impl Work {
    fn take(&mut self, steps: u64) -> bool {
        self.0 = self.0.saturating_sub(steps);
        self.0 > 0
    }
}

/// First keeps the limits, then costs little.
fn better(a: &Estimate, b: &Estimate) -> bool {
    let (kept_a, kept_b) = (a.violation <= 1.0, b.violation <= 1.0);
    match (kept_a, kept_b) {
        (true, true) => a.objective < b.objective - 0.5,
        (true, false) => true,
        (false, true) => false,
        (false, false) => a.violation < b.violation - 0.5,
    }
}

/// What one candidate alone is best bought: the cost is convex in its quantity.
pub(super) fn alone(
    model: &Model,
    simulator: &Simulator<'_>,
    group: usize,
    candidate: usize,
    work: &mut Work,
) -> Option<(Estimate, Whole)> {
    let mut quantities: Whole = model.groups.iter().map(|g| vec![0; g.candidates.len()]).collect();
    let most = most(model, group, candidate);
    let mut at = |q: u64, work: &mut Work| {
        quantities[group][candidate] = q;
        work.take(simulator.work()).then(|| simulator.estimate(&wide(&quantities)))
    };
    // The least q from which one more does not pay.
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low) / 2;
        let (here, next) = (at(middle, work)?, at(middle + 1, work)?);
        if better(&next, &here) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let found = at(low, work)?;
    quantities[group][candidate] = low;
    Some((found, quantities))
}

/// More than that many are never used.
fn most(model: &Model, group: usize, candidate: usize) -> u64 {
    let c = &model.groups[group].candidates[candidate];
    let active = c.active.iter().copied().max().unwrap_or(0).max(1);
    let pieces = model.peak(group) * 1_000_000 / (u128::from(c.step.max(1)) * u128::from(active)) + 1;
    u64::try_from(pieces).unwrap_or(u64::MAX / 4)
}

/// Improves quantities: more or less of one candidate, then less of one and as much more of another that
/// covers some of the same demand.
pub(super) fn improve(
    model: &Model,
    simulator: &Simulator<'_>,
    start: Whole,
    work: &mut Work,
) -> (Estimate, Whole) {
    let mut quantities = start;
    let mut best = simulator.estimate(&wide(&quantities));
    let all: Vec<(usize, usize)> = model
        .groups
        .iter()
        .enumerate()
        .flat_map(|(g, group)| (0..group.candidates.len()).map(move |c| (g, c)))
        .collect();
    let try_one =
        |quantities: &mut Whole, best: &mut Estimate, moves: &[((usize, usize), i128)], work: &mut Work| {
            let before: Vec<u64> = moves.iter().map(|&((g, c), _)| quantities[g][c]).collect();
            for &((g, c), by) in moves {
                match u64::try_from(i128::from(quantities[g][c]) + by) {
                    Ok(q) => quantities[g][c] = q,
                    Err(_) => {
                        for (&((g, c), _), &q) in moves.iter().zip(&before) {
                            quantities[g][c] = q;
                        }
                        return false;
                    }
                }
            }
            if work.take(simulator.work()) {
                let found = simulator.estimate(&wide(quantities));
                if better(&found, best) {
                    *best = found;
                    return true;
                }
            }
            for (&((g, c), _), &q) in moves.iter().zip(&before) {
                quantities[g][c] = q;
            }
            false
        };
    loop {
        let mut improved = false;
        for &x in &all {
            let now = quantities[x.0][x.1];
            let first = if now > 0 { now / 16 } else { most(model, x.0, x.1) / 16 };
            let mut by = i128::from(first.max(1).next_power_of_two());
            while by >= 1 {
                if try_one(&mut quantities, &mut best, &[(x, by)], work)
                    || try_one(&mut quantities, &mut best, &[(x, -by)], work)
                {
                    improved = true;
                } else {
                    by /= 2;
                }
            }
            if work.0 == 0 {
                return (best, quantities);
            }
        }
        for &x in &all {
            if quantities[x.0][x.1] == 0 {
                continue;
            }
            for &y in &all {
                let Some(rate) = exchange(model, x, y) else { continue };
                let mut by = quantities[x.0][x.1].next_power_of_two();
                while by >= 1 {
                    let more = ((by as f64 * rate).round() as i128).max(1);
                    if quantities[x.0][x.1] >= by
                        && try_one(&mut quantities, &mut best, &[(x, -i128::from(by)), (y, more)], work)
                    {
                        improved = true;
                    } else {
                        by /= 2;
                    }
                }
                if work.0 == 0 {
                    return (best, quantities);
                }
            }
        }
        if !improved {
            return (best, quantities);
        }
    }
}

/// How many of `y` cover what one of `x` covers, where both cover some atom.
fn exchange(model: &Model, x: (usize, usize), y: (usize, usize)) -> Option<f64> {
    if x == y {
        return None;
    }
    let (gx, gy) = (&model.groups[x.0], &model.groups[y.0]);
    let (cx, cy) = (&gx.candidates[x.1], &gy.candidates[y.1]);
    let (_, tx, ty) = gx
        .takes
        .iter()
        .find_map(|&(a, tx)| gy.takes.iter().find(|&&(b, _)| a == b).map(|&(_, ty)| (a, tx, ty)))?;
    let rate = cx.step as f64 / tx.max(1) as f64 * ty as f64 / cy.step.max(1) as f64;
    rate.is_finite().then_some(rate)
}
