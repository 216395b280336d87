//! The linear relaxation of one bin's knapsack, exactly and fast for few dimensions.
//!
//! ```text
//! max  sum_j pi_j x_j
//! s.t. sum_j w_jk x_j <= W_k      for each dimension k    (resource prices lambda_k >= 0)
//!      0 <= x_j <= u_j
//! ```
//!
//! A bounded-variable dual simplex over a dense D x D basis inverse: D is the number of resource
//! dimensions, a handful, while there may be thousands of shapes. Its duals lambda are what
//! [`bound`](super::bound) turns into an integer proof.

use smallvec::SmallVec;

use super::instance::Instance;

/// An optimal solution of the relaxation.
#[derive(Debug, Clone)]
pub(super) struct KnapsackLp {
    /// Value of the relaxation: no pattern of the kind is worth more (up to rounding of floats).
    pub value: f64,
    /// Price per unit of each dimension.
    pub lambda: Vec<f64>,
}

/// Demands of all shapes on one kind of bin as shares of its capacity, with what limits each.
pub(super) struct Columns {
    lp: BoxedLp,
    upper: Vec<u64>,
    least: Vec<u64>,
    /// Candidate -> shape.
    shape: Vec<usize>,
}

impl Columns {
    /// All shapes that the kind can hold.
    pub(super) fn of(instance: &Instance, kind: usize) -> Self {
        let shape: Vec<usize> = (0..instance.shapes.len()).filter(|&j| instance.fits[kind][j] > 0).collect();
        Columns {
            lp: BoxedLp::new(
                &instance.kinds[kind].capacity,
                shape.iter().map(|&j| &instance.shapes[j].demand[..]),
            ),
            upper: shape.iter().map(|&j| instance.fits[kind][j]).collect(),
            least: vec![0; shape.len()],
            shape,
        }
    }

    /// Solves the relaxation for prices `pi` per shape.
    pub(super) fn solve(&self, pi: &[f64]) -> KnapsackLp {
        let worth: Vec<f64> = self.shape.iter().map(|&j| pi[j]).collect();
        let mut basis = self.lp.slack_basis(worth.len());
        let lambda = self.lp.solve(&worth, &self.least, &self.upper, &mut basis, &mut Scratch::default());
        // The bound at these prices, which holds whatever the pivots did.
        let shares: SmallVec<[f64; 4]> = lambda.iter().zip(&self.lp.capacity).map(|(l, c)| l * c).collect();
        let mut value: f64 = shares.iter().sum();
        for (c, (&worth, &upper)) in worth.iter().zip(&self.upper).enumerate() {
            let price: f64 = shares.iter().zip(self.lp.share(c)).map(|(l, s)| l * s).sum();
            value += upper as f64 * (worth - price).max(0.0);
        }
        KnapsackLp { value, lambda: lambda.to_vec() }
    }
}

/// The variable of each row: a candidate, or `candidates + k` for the slack of dimension k. Which bound
/// the others stand at follows from their reduced costs.
pub(super) type Basis = SmallVec<[u32; 4]>;

/// A knapsack's columns, solved from any basis by the dual simplex method with the long-step ratio
/// test: one step passes as many bounds as the violated row allows.
pub(super) struct BoxedLp {
    dims: usize,
    /// Row-major: share of capacity k that one copy of candidate c takes.
    share: Vec<f64>,
    capacity: Vec<f64>,
}

/// Buffers of a run.
#[derive(Default)]
pub(super) struct Scratch {
    /// Copies of each candidate at the optimum.
    pub amounts: Vec<f64>,
    reduced: Vec<f64>,
    inverse: Vec<f64>,
    breakpoints: Vec<(f64, f64, u32)>,
    /// Work done since it was last taken.
    pub work: u64,
}

const TOLERANCE: f64 = 1e-9;

impl BoxedLp {
    pub(super) fn new<'a>(capacity: &[u64], demands: impl Iterator<Item = &'a [u64]>) -> Self {
        let capacity: Vec<f64> = capacity.iter().map(|&c| c as f64).collect();
        let share = demands
            .flat_map(|demand| {
                demand.iter().zip(&capacity).map(|(&d, c)| if d == 0 { 0.0 } else { d as f64 / c })
            })
            .collect();
        BoxedLp { dims: capacity.len(), share, capacity }
    }

    fn share(&self, c: usize) -> &[f64] {
        &self.share[c * self.dims..(c + 1) * self.dims]
    }

    /// The basis in which nothing is priced yet.
    pub(super) fn slack_basis(&self, candidates: usize) -> Basis {
        (candidates..candidates + self.dims).map(|v| v as u32).collect()
    }

    /// Prices per unit of each dimension at the optimum of worth . x between `least` and `most` copies
    /// of each candidate, from a basis that is replaced by the last one. Cut short, the prices are
    /// still such that they prove something.
    pub(super) fn solve(
        &self,
        worth: &[f64],
        least: &[u64],
        most: &[u64],
        basis: &mut Basis,
        scratch: &mut Scratch,
    ) -> SmallVec<[f64; 4]> {
        let (n, d) = (worth.len(), self.dims);
        let scale = worth.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        scratch.amounts.resize(n, 0.0);
        scratch.reduced.resize(n, 0.0);
        let mut prices: SmallVec<[f64; 4]> = SmallVec::from_elem(0.0, d);
        let mut levels: SmallVec<[f64; 4]> = SmallVec::from_elem(0.0, d);
        for _ in 0..40 + 10 * d {
            scratch.work += (n * (d + 1)) as u64 / 6;
            if !self.invert(n, basis, &mut scratch.inverse) {
                *basis = self.slack_basis(n);
                self.invert(n, basis, &mut scratch.inverse);
            }
            let inverse = &scratch.inverse;
            let value = |v: u32| worth.get(v as usize).map_or(0.0, |w| w / scale * jitter(v));
            for (k, price) in prices.iter_mut().enumerate() {
                *price = (0..d).map(|r| value(basis[r]) * inverse[r * d + k]).sum();
            }
            let mut room: SmallVec<[f64; 4]> = SmallVec::from_elem(1.0, d);
            for c in 0..n {
                let share = self.share(c);
                let used: f64 = prices.iter().zip(share).map(|(p, s)| p * s).sum();
                let reduced = value(c as u32) - used;
                scratch.reduced[c] = reduced;
                let x = if reduced > 0.0 { most[c] } else { least[c] } as f64;
                scratch.amounts[c] = x;
                if x > 0.0 {
                    for (room, s) in room.iter_mut().zip(share) {
                        *room -= s * x;
                    }
                }
            }
            for &b in basis.iter().filter(|&&b| (b as usize) < n) {
                let c = b as usize;
                for (room, s) in room.iter_mut().zip(self.share(c)) {
                    *room += s * scratch.amounts[c];
                }
                scratch.reduced[c] = 0.0;
            }
            let mut leaving: Option<(f64, usize, bool)> = None;
            for r in 0..d {
                let level: f64 = (0..d).map(|k| inverse[r * d + k] * room[k]).sum();
                levels[r] = level;
                let b = basis[r] as usize;
                let (low, high) =
                    if b < n { (least[b] as f64, most[b] as f64) } else { (0.0, f64::INFINITY) };
                let size = if b < n { self.share(b).iter().copied().fold(0.0, f64::max) } else { 1.0 };
                let short = (low - level) * size;
                let over = (level - high) * size;
                let worst = leaving.map_or(TOLERANCE, |(w, _, _)| w);
                if short > worst {
                    leaving = Some((short, r, true));
                } else if over > worst {
                    leaving = Some((over, r, false));
                }
            }
            for (r, &b) in basis.iter().enumerate() {
                if let Some(x) = scratch.amounts.get_mut(b as usize) {
                    *x = levels[r];
                }
            }
            let Some((_, row, raise)) = leaving else { break };
            let Some(entering) = self.entering(row, raise, &levels, &prices, least, most, basis, scratch)
            else {
                break;
            };
            basis[row] = entering;
        }
        prices
            .iter()
            .zip(&self.capacity)
            .map(|(p, c)| if *c > 0.0 { (p * scale).max(0.0) / c } else { 0.0 })
            .collect()
    }

    /// The breakpoint of the dual at which the violated row stops gaining.
    #[expect(clippy::too_many_arguments, reason = "the state of one simplex step")]
    fn entering(
        &self,
        row: usize,
        raise: bool,
        levels: &[f64],
        prices: &[f64],
        least: &[u64],
        most: &[u64],
        basis: &Basis,
        scratch: &mut Scratch,
    ) -> Option<u32> {
        let (n, d) = (least.len(), self.dims);
        let line: SmallVec<[f64; 4]> = SmallVec::from_slice(&scratch.inverse[row * d..(row + 1) * d]);
        let sign = if raise { -1.0 } else { 1.0 };
        let breakpoints = &mut scratch.breakpoints;
        breakpoints.clear();
        for c in 0..n {
            if most[c] == least[c] {
                continue;
            }
            let alpha: f64 = sign * line.iter().zip(self.share(c)).map(|(i, s)| i * s).sum::<f64>();
            let reduced = scratch.reduced[c];
            let eligible = if reduced > 0.0 { alpha < -1e-9 } else { alpha > 1e-9 };
            if eligible && !basis.contains(&(c as u32)) {
                let range = (most[c] - least[c]) as f64;
                breakpoints.push((reduced.abs() / alpha.abs(), alpha.abs() * range, c as u32));
            }
        }
        for (k, (&inverse, &price)) in line.iter().zip(prices).enumerate() {
            let v = (n + k) as u32;
            let alpha = sign * inverse;
            if alpha > 1e-9 && !basis.contains(&v) {
                breakpoints.push((price.max(0.0) / alpha, f64::INFINITY, v));
            }
        }
        let b = basis[row] as usize;
        let bound = match (b < n, raise) {
            (true, true) => least[b] as f64,
            (true, false) => most[b] as f64,
            (false, _) => 0.0,
        };
        let mut slope = (bound - levels[row]).abs();
        breakpoints.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        for &(_, fall, v) in breakpoints.iter() {
            slope -= fall;
            if slope <= 0.0 {
                return Some(v);
            }
        }
        breakpoints.last().map(|&(_, _, v)| v)
    }

    /// Inverts the basis by Gauss-Jordan elimination; false if it is singular.
    fn invert(&self, n: usize, basis: &Basis, inverse: &mut Vec<f64>) -> bool {
        let d = self.dims;
        let mut matrix: SmallVec<[f64; 16]> = SmallVec::from_elem(0.0, d * d);
        inverse.clear();
        inverse.resize(d * d, 0.0);
        for r in 0..d {
            inverse[r * d + r] = 1.0;
            for (column, &b) in basis.iter().enumerate() {
                let b = b as usize;
                matrix[r * d + column] =
                    if b < n { self.share(b)[r] } else { f64::from(u8::from(b - n == r)) };
            }
        }
        for column in 0..d {
            let pivot = (column..d)
                .max_by(|&a, &b| matrix[a * d + column].abs().total_cmp(&matrix[b * d + column].abs()))
                .unwrap_or(column);
            if matrix[pivot * d + column].abs() < 1e-11 {
                return false;
            }
            for k in 0..d {
                matrix.swap(pivot * d + k, column * d + k);
                inverse.swap(pivot * d + k, column * d + k);
            }
            let by = matrix[column * d + column];
            for k in 0..d {
                matrix[column * d + k] /= by;
                inverse[column * d + k] /= by;
            }
            for r in (0..d).filter(|&r| r != column) {
                let factor = matrix[r * d + column];
                if factor != 0.0 {
                    for k in 0..d {
                        matrix[r * d + k] -= factor * matrix[column * d + k];
                        inverse[r * d + k] -= factor * inverse[column * d + k];
                    }
                }
            }
        }
        true
    }

    /// Candidates by worth per summed share, the best first.
    pub(super) fn by_density(&self, worth: &[f64]) -> Vec<usize> {
        let density = |c: usize| worth[c] / self.share(c).iter().sum::<f64>().max(1e-12);
        let mut order: Vec<usize> = (0..worth.len()).collect();
        order.sort_by(|&a, &b| density(b).total_cmp(&density(a)).then(a.cmp(&b)));
        order
    }
}

/// A tiny change of worth, different for each candidate, so that no two breakpoints coincide.
fn jitter(v: u32) -> f64 {
    1.0 + 1e-9 * f64::from(v.wrapping_mul(7_919) % 1_009) / 1_009.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{BinSet, BinType, ItemType, Problem};
    use crate::solver::master::{Programme, Sense};
    use crate::units::Rate;

    /// The same programme through the general LP solver.
    fn by_solver(instance: &Instance, pi: &[f64]) -> f64 {
        let mut lp = Programme::default();
        let mut rows = vec![Vec::new(); instance.dims];
        for (j, shape) in instance.shapes.iter().enumerate() {
            let v = lp.add_variable(-pi[j]);
            lp.add_row(vec![(v, 1.0)], Sense::AtMost, instance.fits[0][j] as f64);
            for (row, &d) in rows.iter_mut().zip(&shape.demand) {
                row.push((v, d as f64));
            }
        }
        for (row, &c) in rows.into_iter().zip(&instance.kinds[0].capacity) {
            lp.add_row(row, Sense::AtMost, c as f64);
        }
        let solution = lp.solve_lp().expect("a bounded programme over non-negative amounts");
        -solution.x.iter().zip(&lp.cost).map(|(x, c)| x * c).sum::<f64>()
    }

    #[test]
    fn agrees_with_a_general_solver() {
        let mut rng = fastrand::Rng::with_seed(11);
        for case in 0..300 {
            let dims = rng.usize(1..5);
            let items: Vec<ItemType> = (0..rng.usize(1..12))
                .map(|_| ItemType {
                    demand: (0..dims).map(|_| rng.u64(1..40)).collect(),
                    copies: rng.u64(1..9),
                    max_per_bin: rng.bool().then(|| rng.u64(1..4)),
                    eligible: BinSet::all(1),
                })
                .collect();
            let bin = BinType {
                capacity: (0..dims).map(|_| rng.u64(40..120)).collect(),
                rate: Rate::from_nanos(1),
                stock: None,
            };
            let names = (0..dims).map(|k| k.to_string()).collect();
            let problem = Problem::new(names, items, vec![bin], [], None).expect("consistent parts");
            let instance = Instance::reduce(&problem).expect("everything fits");
            let pi: Vec<f64> = instance.shapes.iter().map(|_| rng.f64() * 10.0).collect();
            let (got, want) = (Columns::of(&instance, 0).solve(&pi).value, by_solver(&instance, &pi));
            assert!((got - want).abs() <= 1e-6 * want.max(1.0), "case {case}: {got} against {want}");
        }
    }
}
