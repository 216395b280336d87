//! The linear relaxation of one bin's knapsack, exactly and fast for few dimensions.
//!
//! ```text
//! max  sum_j pi_j x_j
//! s.t. sum_j w_jk x_j <= W_k      for each dimension k    (resource prices lambda_k >= 0)
//!      0 <= x_j <= u_j
//! ```
//!
//! A bounded-variable primal simplex over a dense D x D basis inverse: D is the number of resource
//! dimensions, a handful, while there may be thousands of shapes. Its duals lambda are what
//! [`bound`](super::bound) turns into an integer proof.

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
    dims: usize,
    /// Row-major: share of capacity k that one copy of candidate c takes.
    share: Vec<f64>,
    upper: Vec<f64>,
    /// Candidate -> shape.
    shape: Vec<usize>,
    capacity: Vec<f64>,
}

impl Columns {
    /// All shapes that the kind can hold.
    pub(super) fn of(instance: &Instance, kind: usize) -> Self {
        let capacity: Vec<f64> = instance.kinds[kind].capacity.iter().map(|&c| c as f64).collect();
        let mut columns = Columns {
            dims: instance.dims,
            share: Vec::new(),
            upper: Vec::new(),
            shape: Vec::new(),
            capacity,
        };
        for (j, shape) in instance.shapes.iter().enumerate() {
            let fit = instance.fits[kind][j];
            if fit > 0 {
                columns.shape.push(j);
                columns.upper.push(fit as f64);
                for (&d, &c) in shape.demand.iter().zip(&columns.capacity) {
                    columns.share.push(if d == 0 { 0.0 } else { d as f64 / c });
                }
            }
        }
        columns
    }

    fn share(&self, c: usize) -> &[f64] {
        &self.share[c * self.dims..(c + 1) * self.dims]
    }

    /// Solves the relaxation for prices `pi` per shape.
    pub(super) fn solve(&self, pi: &[f64]) -> KnapsackLp {
        Simplex::new(self, pi).run()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Lower,
    Upper,
    Basic,
}

struct Simplex<'a> {
    columns: &'a Columns,
    value: Vec<f64>,
    at: Vec<At>,
    /// Variable in each basis row: a candidate, or `candidates + k` for the slack of dimension k.
    basis: Vec<usize>,
    amount: Vec<f64>,
    inverse: Vec<f64>,
    scale: f64,
}

const TOLERANCE: f64 = 1e-10;

impl<'a> Simplex<'a> {
    fn new(columns: &'a Columns, pi: &[f64]) -> Self {
        let (n, d) = (columns.shape.len(), columns.dims);
        let value: Vec<f64> = columns.shape.iter().map(|&j| pi[j]).collect();
        let scale = value.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let mut simplex = Simplex {
            columns,
            value,
            at: vec![At::Lower; n + d],
            basis: (n..n + d).collect(),
            amount: vec![1.0; d],
            inverse: (0..d * d).map(|i| if i % (d + 1) == 0 { 1.0 } else { 0.0 }).collect(),
            scale,
        };
        simplex.at[n..].fill(At::Basic);
        simplex.crash();
        simplex
    }

    /// Starts from a greedy filling: best value per summed share first, whole bounds only.
    fn crash(&mut self) {
        let n = self.value.len();
        let total = |c: usize| self.columns.share(c).iter().sum::<f64>();
        let mut order: Vec<(f64, usize)> = (0..n)
            .filter(|&c| self.value[c] > 0.0)
            .map(|c| (self.value[c] / total(c).max(1e-12), c))
            .collect();
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, c) in order {
            let upper = self.columns.upper[c];
            let share = self.columns.share(c);
            if share.iter().zip(&self.amount).all(|(s, free)| s * upper <= *free) {
                for (free, s) in self.amount.iter_mut().zip(share) {
                    *free -= s * upper;
                }
                self.at[c] = At::Upper;
            }
        }
    }

    fn upper(&self, variable: usize) -> f64 {
        self.columns.upper.get(variable).copied().unwrap_or(f64::INFINITY)
    }

    fn prices(&self) -> Vec<f64> {
        let d = self.columns.dims;
        let mut prices = vec![0.0; d];
        for (row, &b) in self.basis.iter().enumerate() {
            if let Some(&v) = self.value.get(b).filter(|&&v| v != 0.0) {
                for (k, p) in prices.iter_mut().enumerate() {
                    *p += v * self.inverse[row * d + k];
                }
            }
        }
        prices
    }

    fn run(mut self) -> KnapsackLp {
        let (n, d) = (self.value.len(), self.columns.dims);
        // Far more pivots than any instance needs; a cycle ends in a valid, if weaker, price vector.
        let limit = 50 * (d + 2) + 4 * n;
        let mut prices = self.prices();
        for iteration in 0..limit {
            let Some((entering, rising)) = self.entering(&prices, iteration > limit / 2) else { break };
            self.pivot(entering, rising);
            prices = self.prices();
        }
        // The bound at these prices, which holds whatever the pivots did.
        let lambda: Vec<f64> = prices.iter().map(|p| p.max(0.0)).collect();
        let mut value: f64 = lambda.iter().sum();
        for c in 0..n {
            let price: f64 = lambda.iter().zip(self.columns.share(c)).map(|(l, s)| l * s).sum();
            value += self.columns.upper[c] * (self.value[c] - price).max(0.0);
        }
        let lambda = lambda
            .iter()
            .zip(&self.columns.capacity)
            .map(|(l, c)| if *c > 0.0 { l / c } else { 0.0 })
            .collect();
        KnapsackLp { value, lambda }
    }

    /// The variable that gains most per unit, or the first that gains once cycling is suspected.
    fn entering(&self, prices: &[f64], first: bool) -> Option<(usize, bool)> {
        let n = self.value.len();
        let tolerance = TOLERANCE * self.scale;
        let mut best: Option<(f64, usize, bool)> = None;
        let mut consider = |gain: f64, variable: usize, rising: bool| {
            if gain > tolerance && best.is_none_or(|(g, _, _)| gain > g) && !(first && best.is_some()) {
                best = Some((gain, variable, rising));
            }
        };
        for c in 0..n {
            let at = self.at[c];
            if at == At::Basic {
                continue;
            }
            let price: f64 = prices.iter().zip(self.columns.share(c)).map(|(p, s)| p * s).sum();
            let reduced = self.value[c] - price;
            match at {
                At::Lower => consider(reduced, c, true),
                At::Upper => consider(-reduced, c, false),
                At::Basic => {}
            }
        }
        for (k, &price) in prices.iter().enumerate() {
            if self.at[n + k] == At::Lower {
                consider(-price, n + k, true);
            }
        }
        best.map(|(_, variable, rising)| (variable, rising))
    }

    fn pivot(&mut self, entering: usize, rising: bool) {
        let (n, d) = (self.value.len(), self.columns.dims);
        let column: Vec<f64> = if entering < n {
            let share = self.columns.share(entering);
            (0..d).map(|r| (0..d).map(|k| self.inverse[r * d + k] * share[k]).sum()).collect()
        } else {
            (0..d).map(|r| self.inverse[r * d + entering - n]).collect()
        };
        let sign = if rising { 1.0 } else { -1.0 };
        let mut step = self.upper(entering);
        let mut leaving: Option<(usize, At)> = None;
        for (r, &alpha) in column.iter().enumerate() {
            let change = -sign * alpha;
            if change < -1e-12 {
                let room = (self.amount[r] / -change).max(0.0);
                if room < step {
                    step = room;
                    leaving = Some((r, At::Lower));
                }
            } else if change > 1e-12 {
                let room = ((self.upper(self.basis[r]) - self.amount[r]) / change).max(0.0);
                if room < step {
                    step = room;
                    leaving = Some((r, At::Upper));
                }
            }
        }
        for (amount, alpha) in self.amount.iter_mut().zip(&column) {
            *amount -= sign * alpha * step;
        }
        let Some((row, side)) = leaving else {
            self.at[entering] = if rising { At::Upper } else { At::Lower };
            return;
        };
        self.at[self.basis[row]] = side;
        self.at[entering] = At::Basic;
        self.basis[row] = entering;
        self.amount[row] = if rising { step } else { self.upper(entering) - step };
        let pivot = column[row];
        for k in 0..d {
            self.inverse[row * d + k] /= pivot;
        }
        for (r, &factor) in column.iter().enumerate() {
            if r != row && factor != 0.0 {
                for k in 0..d {
                    self.inverse[r * d + k] -= factor * self.inverse[row * d + k];
                }
            }
        }
    }
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
