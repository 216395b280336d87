//! Resource prices that make a recheck short: the duals of the continuous knapsack
//!
//! ```text
//! max  sum_j pi_j a_j    s.t.  sum_j w_jk a_j <= W_k  for each dimension k,   0 <= a_j <= u_j
//! ```
//!
//! by the primal simplex method with bounded variables and an explicit inverse, for there are few
//! rows. In floating point: any non-negative prices make a recheck true, good ones make it short.

/// One kind of item, its amounts as shares of the capacity.
pub(super) struct Column {
    pub price: f64,
    pub shares: Vec<f64>,
    pub most: f64,
}

struct Simplex<'a> {
    columns: &'a [Column],
    rows: usize,
    /// The basic variable of each row; from `columns.len()` on, the slack of a row.
    basis: Vec<usize>,
    inverse: Vec<Vec<f64>>,
    level: Vec<f64>,
    basic: Vec<bool>,
    at_most: Vec<bool>,
}

/// A price per row, for one whole capacity.
pub(super) fn resource_prices(columns: &[Column], rows: usize) -> Vec<f64> {
    let count = columns.len();
    let mut simplex = Simplex {
        columns,
        rows,
        basis: (count..count + rows).collect(),
        inverse: (0..rows).map(|i| (0..rows).map(|k| if i == k { 1.0 } else { 0.0 }).collect()).collect(),
        level: vec![1.0; rows],
        basic: (0..count + rows).map(|v| v >= count).collect(),
        at_most: vec![false; count + rows],
    };
    // Enough for any problem seen; an unfinished run still guides.
    for _ in 0..20 * (count + rows) {
        if !simplex.step() {
            break;
        }
    }
    simplex.duals().into_iter().map(|y| y.max(0.0)).collect()
}

impl Simplex<'_> {
    fn price(&self, variable: usize) -> f64 {
        self.columns.get(variable).map_or(0.0, |c| c.price)
    }

    fn most(&self, variable: usize) -> f64 {
        self.columns.get(variable).map_or(f64::INFINITY, |c| c.most)
    }

    fn share(&self, variable: usize, row: usize) -> f64 {
        match self.columns.get(variable) {
            Some(column) => column.shares[row],
            None => f64::from(u8::from(variable - self.columns.len() == row)),
        }
    }

    fn duals(&self) -> Vec<f64> {
        (0..self.rows)
            .map(|k| (0..self.rows).map(|i| self.price(self.basis[i]) * self.inverse[i][k]).sum())
            .collect()
    }

    /// One exchange; false when no variable wants to move.
    fn step(&mut self) -> bool {
        const TOLERANCE: f64 = 1e-10;
        let duals = self.duals();
        let scale = duals.iter().copied().fold(1.0, f64::max);
        let mut entering = None;
        let mut best = TOLERANCE * scale;
        for v in 0..self.basic.len() {
            if self.basic[v] || self.most(v) <= 0.0 {
                continue;
            }
            let used: f64 = (0..self.rows).map(|k| duals[k] * self.share(v, k)).sum();
            let gain = self.price(v) - used;
            let gain = if self.at_most[v] { -gain } else { gain };
            if gain > best {
                best = gain;
                entering = Some(v);
            }
        }
        let Some(v) = entering else { return false };
        let sign = if self.at_most[v] { -1.0 } else { 1.0 };
        let change: Vec<f64> = (0..self.rows)
            .map(|i| sign * (0..self.rows).map(|k| self.inverse[i][k] * self.share(v, k)).sum::<f64>())
            .collect();
        let mut length = self.most(v);
        let mut leaving = None;
        for (i, &d) in change.iter().enumerate() {
            let limit = if d > 1e-12 {
                self.level[i] / d
            } else if d < -1e-12 {
                (self.most(self.basis[i]) - self.level[i]) / -d
            } else {
                continue;
            };
            if limit < length {
                length = limit.max(0.0);
                leaving = Some((i, d < 0.0));
            }
        }
        if !length.is_finite() {
            return false;
        }
        for (level, d) in self.level.iter_mut().zip(&change) {
            *level -= length * d;
        }
        match leaving {
            None => self.at_most[v] = !self.at_most[v],
            Some((row, to_most)) => {
                let out = self.basis[row];
                self.basic[out] = false;
                self.at_most[out] = to_most;
                self.basic[v] = true;
                self.level[row] = if self.at_most[v] { self.most(v) - length } else { length };
                self.basis[row] = v;
                let pivot = sign * change[row];
                let pivoted: Vec<f64> = self.inverse[row].iter().map(|x| x / pivot).collect();
                for (i, d) in change.iter().enumerate() {
                    if i != row {
                        for (x, p) in self.inverse[i].iter_mut().zip(&pivoted) {
                            *x -= sign * d * p;
                        }
                    }
                }
                self.inverse[row] = pivoted;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(columns: &[Column], lambda: &[f64]) -> f64 {
        let excess = |c: &Column| {
            let used: f64 = c.shares.iter().zip(lambda).map(|(a, b)| a * b).sum();
            c.most * (c.price - used).max(0.0)
        };
        lambda.iter().sum::<f64>() + columns.iter().map(excess).sum::<f64>()
    }

    #[test]
    fn one_row_is_the_greedy_knapsack() {
        // Shares 1/4 and 1/2, prices 3 and 5, one copy of the first: 3 + 3/4 / (1/2) x 5 = 10.5; the
        // critical item makes the capacity worth 10.
        let columns = [
            Column { price: 3.0, shares: vec![0.25], most: 1.0 },
            Column { price: 5.0, shares: vec![0.5], most: 9.0 },
        ];
        let lambda = resource_prices(&columns, 1);
        assert!((lambda[0] - 10.0).abs() < 1e-9);
        assert!((value(&columns, &lambda) - 10.5).abs() < 1e-9);
    }

    #[test]
    fn two_rows_share_the_bin_between_complements() {
        // (3/4, 1/4) and (1/4, 3/4) at price 1: one of each fills both rows, each worth 1.
        let columns = [
            Column { price: 1.0, shares: vec![0.75, 0.25], most: 5.0 },
            Column { price: 1.0, shares: vec![0.25, 0.75], most: 5.0 },
        ];
        let lambda = resource_prices(&columns, 2);
        assert!(lambda.iter().all(|l| (l - 1.0).abs() < 1e-9), "{lambda:?}");
    }

    #[test]
    fn no_other_prices_prove_less() {
        let mut rng = fastrand::Rng::with_seed(11);
        for _ in 0..300 {
            let rows = rng.usize(1..5);
            let columns: Vec<Column> = (0..rng.usize(1..12))
                .map(|_| Column {
                    price: rng.f64() * 10.0,
                    shares: (0..rows).map(|_| if rng.bool() { rng.f64() } else { 0.0 }).collect(),
                    most: rng.u64(1..6) as f64,
                })
                .collect();
            let lambda = resource_prices(&columns, rows);
            let least = value(&columns, &lambda);
            for _ in 0..100 {
                let other: Vec<f64> =
                    lambda.iter().map(|l| (l + (rng.f64() - 0.5) * (l + 1.0)).max(0.0)).collect();
                assert!(value(&columns, &other) >= least - 1e-6);
            }
        }
    }
}
