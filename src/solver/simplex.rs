//! A linear programme that stays solved while columns come and go: the revised simplex method with the
//! whole inverse of the basis at hand.
//!
//! ```text
//! min  sum_p c_p x_p
//! s.t. sum_p a_ip x_p >= b_i  or  <= b_i        (dual y_i >= 0, or <= 0),   x >= 0
//! ```
//!
//! Column generation solves nearly the same programme a few hundred times. From the last basis that takes
//! some tens of pivots, where a solver that begins anew takes as long as all the rest of a round. The
//! changes that pivots make to the inverse are kept beside it and worked in together, so that it passes
//! through memory once for all of them. Numbers here are hints: what is certified is recomputed in integers.

mod columns;
mod inversion;

use rayon::prelude::*;

use super::master::Sense;
use columns::Columns;
use inversion::{LEAST_PIVOT, invert};

/// Changes kept beside the inverse.
const BESIDE: usize = 32;
/// Columns of the inverse that are worth a task of their own.
const COLUMNS: usize = 64;
/// Rows of it that changes are worked into at a time: so much of all changes stays in the nearest cache.
const ROWS: usize = 64;
/// Pivots between two inversions of the basis from the beginning.
const FRESH: usize = 20_000;
/// The basis is inverted sooner where rows or columns are off by this share.
const OFF: f64 = 1e-7;
/// A column pays when it saves more than this share of its scale.
const PAYS: f64 = 1e-9;
/// What stands in for a column gets dearer up to so many times its first cost.
const DEAREST: f64 = 1e4;
/// Columns give way together when their uses differ by so much.
const SHORT: f64 = 1e-9;

/// The programme with its basis.
pub(super) struct Simplex {
    rhs: Vec<f64>,
    /// Those of the rows first: what is beyond or below the right-hand side, then what stands in for
    /// columns that are missing.
    columns: Columns,
    /// How many columns belong to rows.
    own: usize,
    basis: Vec<usize>,
    /// Column-major, as it was before the changes beside it.
    inverse: Vec<f64>,
    /// What pivots have changed since: the inverse is less by the product of each column and row.
    beside: Vec<(Vec<f64>, Vec<f64>)>,
    /// Per row of the basis.
    x: Vec<f64>,
    y: Vec<f64>,
    since_fresh: usize,
}

impl Simplex {
    /// A programme without columns: what covers a row in want of them costs so much a unit. Right-hand
    /// sides are not negative.
    pub(super) fn new(rows: &[(Sense, f64, f64)]) -> Self {
        let m = rows.len();
        let mut columns = Columns::default();
        for (i, &(sense, _, dear)) in rows.iter().enumerate() {
            columns.push(0.0, dear, &[(i, if sense == Sense::AtLeast { -1.0 } else { 1.0 })]);
        }
        for (i, &(_, _, dear)) in rows.iter().enumerate().filter(|(_, row)| row.0 == Sense::AtLeast) {
            columns.push(dear, dear, &[(i, 1.0)]);
        }
        let rhs: Vec<f64> = rows.iter().map(|r| r.1).collect();
        let mut simplex = Simplex {
            own: columns.len(),
            columns,
            basis: vec![0; m],
            inverse: vec![0.0; m * m],
            beside: Vec::new(),
            x: rhs.clone(),
            rhs,
            y: Vec::new(),
            since_fresh: 0,
        };
        simplex.begin();
        simplex
    }

    /// Adds a column and returns its number. Savings count in terms of `scale`.
    pub(super) fn add(&mut self, cost: f64, scale: f64, terms: &[(usize, f64)]) -> usize {
        self.columns.push(cost, scale, terms);
        let c = self.columns.len() - 1;
        self.columns.reduced[c] = cost - self.columns.worth(c, &self.y);
        c - self.own
    }

    /// Drops columns; those in the basis stay whatever `keep` says. Says which have stayed.
    pub(super) fn retain(&mut self, keep: impl Fn(usize) -> bool) -> Vec<bool> {
        let own = self.own;
        let stays: Vec<bool> = (0..self.columns.len())
            .map(|c| c < own || self.columns.basic[c].is_some() || keep(c - own))
            .collect();
        self.columns.retain(&stays);
        for (c, row) in self.columns.basic.iter().enumerate() {
            if let Some(row) = row {
                self.basis[*row as usize] = c;
            }
        }
        stays[own..].to_vec()
    }

    /// Pivots until no column pays and every row is covered by columns where they can, or so often.
    /// Returns how often.
    pub(super) fn solve(&mut self, most_pivots: usize) -> usize {
        for done in 0..most_pivots {
            let Some(entering) = self.entering() else {
                if self.raise() {
                    continue;
                }
                return done;
            };
            let direction = self.direction(entering);
            let Some(row) = self.leaving(&direction) else {
                // No limit to what it saves, or numbers gone bad.
                self.refresh();
                return done;
            };
            self.pivot(entering, row, &direction);
        }
        most_pivots
    }

    /// Makes what stands in for columns dearer where it does. Says whether anything has changed.
    fn raise(&mut self) -> bool {
        let mut raised = false;
        for (row, &c) in self.basis.iter().enumerate() {
            let stands_in = c >= self.rhs.len() && c < self.own;
            if stands_in
                && self.x[row] > 1e-9 * self.rhs[row].max(1.0)
                && self.columns.cost[c] < DEAREST * self.columns.scale[c]
            {
                self.columns.cost[c] *= 4.0;
                raised = true;
            }
        }
        if raised {
            self.fold();
            self.price();
        }
        raised
    }

    /// Work of a pivot, in the units of the budget.
    pub(super) fn work_per_pivot(&self) -> u64 {
        (self.rhs.len() as u64).pow(2) / 8 + 4 * self.columns.len() as u64
    }

    /// One per row, textbook sign.
    pub(super) fn dual(&self) -> &[f64] {
        &self.y
    }

    /// How much of a column is used.
    pub(super) fn value(&self, p: usize) -> f64 {
        self.columns.basic[self.own + p].map_or(0.0, |row| self.x[row as usize].max(0.0))
    }

    /// What the solution costs.
    pub(super) fn cost(&self) -> f64 {
        self.basis.iter().zip(&self.x).map(|(&c, x)| self.columns.cost[c] * x).sum()
    }

    /// What a unit of the column costs beyond what its terms are worth, in terms of its scale.
    pub(super) fn margin(&self, p: usize) -> f64 {
        self.columns.reduced[self.own + p] / self.columns.scale[self.own + p]
    }

    /// The column that saves most for the way that its edge leads.
    fn entering(&self) -> Option<usize> {
        let columns = &self.columns;
        let mut best = (0.0, None);
        for c in 0..columns.len() {
            if columns.reduced[c] >= 0.0 {
                continue;
            }
            let saving = -columns.reduced[c] / columns.scale[c];
            if saving > PAYS && saving * saving > best.0 * columns.weight[c] && columns.basic[c].is_none() {
                best = (saving * saving / columns.weight[c], Some(c));
            }
        }
        best.1
    }

    /// What a unit of a column takes from those of the basis.
    fn direction(&self, c: usize) -> Vec<f64> {
        let m = self.rhs.len();
        let mut direction = vec![0.0; m];
        for (j, a) in self.columns.terms(c) {
            subtract(&mut direction, -a, &self.inverse[j * m..(j + 1) * m]);
        }
        for (column, row) in &self.beside {
            let along = self.columns.worth(c, row);
            if along != 0.0 {
                subtract(&mut direction, along, column);
            }
        }
        direction
    }

    /// A row of the inverse as it is now.
    fn line(&self, row: usize) -> Vec<f64> {
        let m = self.rhs.len();
        let mut line: Vec<f64> = (0..m).map(|j| self.inverse[j * m + row]).collect();
        for (column, other) in &self.beside {
            subtract(&mut line, column[row], other);
        }
        line
    }

    /// The row of the basis whose column gives way first; of those that do so at about the same time the one
    /// with the largest pivot (Harris 1973).
    fn leaving(&self, direction: &[f64]) -> Option<usize> {
        let rows = || direction.iter().enumerate().filter(|(_, d)| **d > LEAST_PIVOT);
        let first = rows().map(|(i, d)| (self.x[i].max(0.0) + SHORT) / d).fold(f64::INFINITY, f64::min);
        let together = rows().filter(|&(i, d)| self.x[i].max(0.0) <= first * d);
        together.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0))).map(|(row, _)| row)
    }

    /// Brings a column into the basis for that of a row, unless the inverse turns out to be no longer one.
    fn pivot(&mut self, entering: usize, row: usize, direction: &[f64]) {
        let pivot = direction[row];
        let mut line = self.line(row);
        let same = self.columns.worth(entering, &line);
        if (same - pivot).abs() > OFF * (1.0 + pivot.abs()) && self.since_fresh > 0 {
            self.refresh();
            return;
        }
        let ratio = (self.x[row] / pivot).max(0.0);
        subtract(&mut self.x, ratio, direction);
        self.x[row] = ratio;
        line.iter_mut().for_each(|value| *value /= pivot);
        let columns = &mut self.columns;
        let reduced = columns.reduced[entering];
        subtract(&mut self.y, -reduced, &line);
        let (scale, weight) = (columns.scale[entering], columns.weight[entering]);
        for c in 0..columns.len() {
            if columns.basic[c].is_some() {
                continue;
            }
            let along = columns.worth(c, &line);
            columns.reduced[c] -= reduced * along;
            let along = along * scale / columns.scale[c];
            columns.weight[c] = columns.weight[c].max(along * along * weight);
        }
        let left = self.basis[row];
        let along = scale / (pivot * columns.scale[left]);
        columns.weight[left] = (along * along * weight).max(1.0);
        columns.reduced[left] = -reduced / pivot;
        columns.reduced[entering] = 0.0;
        if weight > 1e7 {
            columns.weight.fill(1.0);
        }
        columns.basic[left] = None;
        columns.basic[entering] = Some(row as u32);
        self.basis[row] = entering;
        let mut change = direction.to_vec();
        change[row] -= 1.0;
        self.beside.push((change, line));
        self.since_fresh += 1;
        if self.beside.len() >= BESIDE {
            self.fold();
            if self.since_fresh >= FRESH || self.is_off() {
                self.refresh();
            }
        }
    }

    /// Works what is beside the inverse into it.
    fn fold(&mut self) {
        let m = self.rhs.len();
        let beside = std::mem::take(&mut self.beside);
        let tasks = self.inverse.par_chunks_mut((COLUMNS * m).max(1)).enumerate();
        tasks.for_each(|(task, inverse)| {
            for begin in (0..m).step_by(ROWS) {
                let rows = begin..(begin + ROWS).min(m);
                for (j, column) in inverse.chunks_mut(m).enumerate() {
                    let j = task * COLUMNS + j;
                    let column = &mut column[rows.clone()];
                    // Some at a time, so that the column is read and written once for all of them.
                    for some in beside.chunks(4) {
                        match some {
                            [(p, a), (q, b), (r, c), (s, d)] => {
                                let (a, b, c, d) = (a[j], b[j], c[j], d[j]);
                                let [p, q, r, s] = [p, q, r, s].map(|change| &change[rows.clone()]);
                                let changes = p.iter().zip(q).zip(r.iter().zip(s));
                                for (value, ((p, q), (r, s))) in column.iter_mut().zip(changes) {
                                    *value -= (a * p + b * q) + (c * r + d * s);
                                }
                            }
                            _ => some.iter().for_each(|(change, row)| {
                                subtract(column, row[j], &change[rows.clone()]);
                            }),
                        }
                    }
                }
            }
        });
    }

    /// Whether the rows or the columns of the basis are no longer what they should be.
    fn is_off(&self) -> bool {
        let mut rest = self.rhs.clone();
        for (&c, &x) in self.basis.iter().zip(&self.x) {
            self.columns.terms(c).for_each(|(i, a)| rest[i] -= a * x);
        }
        let rows = rest.iter().zip(&self.rhs).any(|(rest, rhs)| rest.abs() > OFF * rhs.abs().max(1.0));
        rows || self.basis.iter().any(|&c| {
            let columns = &self.columns;
            (columns.cost[c] - columns.worth(c, &self.y)).abs() > OFF * columns.scale[c].max(columns.cost[c])
        })
    }

    /// Inverts the basis from the beginning.
    fn refresh(&mut self) {
        let m = self.rhs.len();
        let mut matrix = vec![0.0; m * m];
        // The inverse of what has the basis in its rows has that of the basis in its columns.
        for (b, &c) in self.basis.iter().enumerate() {
            for (i, a) in self.columns.terms(c) {
                matrix[b * m + i] = a;
            }
        }
        let Some(inverse) = invert(matrix, m) else { return self.begin() };
        self.inverse = inverse;
        self.beside.clear();
        self.since_fresh = 0;
        self.fill();
        self.price();
    }

    /// The basis of the beginning.
    fn begin(&mut self) {
        let m = self.rhs.len();
        self.columns.basic.fill(None);
        let mut stands_in = m..self.own;
        for i in 0..m {
            let limited = self.columns.amount[i] > 0.0;
            self.basis[i] = if limited { i } else { stands_in.next().expect("one for each row to cover") };
            self.columns.basic[self.basis[i]] = Some(i as u32);
        }
        self.inverse.fill(0.0);
        (0..m).for_each(|i| self.inverse[i * m + i] = 1.0);
        self.beside.clear();
        self.since_fresh = 0;
        self.fill();
        self.price();
    }

    /// The amounts of the basis.
    fn fill(&mut self) {
        self.x.fill(0.0);
        for (column, &rhs) in self.inverse.chunks(self.rhs.len().max(1)).zip(&self.rhs) {
            subtract(&mut self.x, -rhs, column);
        }
    }

    /// The duals of the basis.
    fn price(&mut self) {
        let cost: Vec<f64> = self.basis.iter().map(|&c| self.columns.cost[c]).collect();
        let columns = self.inverse.chunks(cost.len().max(1));
        self.y = columns.map(|column| column.iter().zip(&cost).map(|(a, c)| a * c).sum()).collect();
        for c in 0..self.columns.len() {
            let reduced = self.columns.cost[c] - self.columns.worth(c, &self.y);
            self.columns.reduced[c] = if self.columns.basic[c].is_some() { 0.0 } else { reduced };
        }
    }
}

/// from -= times * what
fn subtract(from: &mut [f64], times: f64, what: &[f64]) {
    for (value, w) in from.iter_mut().zip(what) {
        *value -= times * w;
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::solver::master::Programme;

    /// min x + 4y  s.t.  x + y >= 10,  x <= 6: x = 6, y = 4, cost 22.
    /// One more of the first row costs 4; one more of the second saves 3.
    #[test]
    fn a_hand_solved_programme_has_its_values_and_duals() {
        let mut lp = Simplex::new(&[(Sense::AtLeast, 10.0, 5.0), (Sense::AtMost, 6.0, 1.0)]);
        let x = lp.add(1.0, 1.0, &[(0, 1.0), (1, 1.0)]);
        let y = lp.add(4.0, 4.0, &[(0, 1.0)]);
        lp.solve(100);
        assert_eq!((lp.value(x), lp.value(y), lp.cost()), (6.0, 4.0, 22.0));
        assert_eq!(lp.dual(), [4.0, -3.0]);
        assert_eq!((lp.margin(x), lp.margin(y)), (0.0, 0.0));
    }

    /// What stands in for columns is cheap at first and still gives way: both rows have a column each.
    #[test]
    fn what_stands_in_gives_way_to_dear_columns() {
        let mut lp = Simplex::new(&[(Sense::AtLeast, 3.0, 0.5), (Sense::AtLeast, 2.0, 0.5)]);
        lp.add(70.0, 70.0, &[(0, 1.0)]);
        lp.add(30.0, 30.0, &[(1, 2.0)]);
        lp.solve(100);
        assert!((lp.cost() - 240.0).abs() < 1e-9, "{}", lp.cost());
    }

    /// Random covering programmes with a limited column among them: after each batch of columns, and after
    /// those that pay least are gone, the value is what another solver has for the columns at hand.
    #[test]
    fn values_are_those_of_another_solver_while_columns_come_and_go() {
        let mut rng = Rng::with_seed(7);
        for _ in 0..40 {
            let m = 2 + rng.usize(..12);
            let rows: Vec<(Sense, f64, f64)> = (0..m)
                .map(|_| (Sense::AtLeast, 1.0 + f64::from(rng.u32(..40)), 1.0))
                .chain([(Sense::AtMost, 5.0, 1.0)])
                .collect();
            let mut lp = Simplex::new(&rows);
            let mut columns: Vec<(f64, Vec<(usize, f64)>)> = Vec::new();
            for batch in 0..4 {
                for i in 0..2 * m {
                    let mut terms: Vec<(usize, f64)> =
                        (0..m).map(|r| (r, f64::from(1 + rng.u32(..6)))).collect();
                    terms.retain(|&(r, _)| (batch == 0 && r == i % m) || rng.u8(..3) == 0);
                    if batch > 0 && rng.bool() {
                        terms.push((m, 1.0));
                    }
                    let cost = f64::from(5 + rng.u32(..50));
                    lp.add(cost, cost, &terms);
                    columns.push((cost, terms));
                }
                lp.solve(10_000);
                let mut programme = Programme::default();
                let mut cover = vec![Vec::new(); m + 1];
                for (cost, terms) in &columns {
                    let v = programme.add_variable(*cost);
                    terms.iter().for_each(|&(r, a)| cover[r].push((v, a)));
                }
                for (terms, &(sense, rhs, _)) in cover.into_iter().zip(&rows) {
                    programme.add_row(terms, sense, rhs);
                }
                let other = programme.solve_lp().unwrap();
                let expected: f64 = other.x.iter().zip(&programme.cost).map(|(x, c)| x * c).sum();
                assert!((lp.cost() - expected).abs() < 1e-5 * expected, "{} {expected}", lp.cost());
                for (row, &(_, rhs, _)) in rows.iter().enumerate() {
                    let filled: f64 = columns
                        .iter()
                        .enumerate()
                        .flat_map(|(p, (_, terms))| terms.iter().map(move |t| (p, t)))
                        .filter(|(_, (r, _))| *r == row)
                        .map(|(p, (_, a))| a * lp.value(p))
                        .sum();
                    let beyond = if row == m { rhs - filled } else { filled - rhs };
                    assert!(beyond > -1e-7, "row {row}: {filled} of {rhs}");
                }
                let margin: Vec<f64> = (0..columns.len()).map(|p| lp.margin(p)).collect();
                assert!(margin.iter().all(|&m| m > -1e-7));
                let stays = lp.retain(|p| margin[p] < 0.5);
                let mut stays = stays.into_iter();
                columns.retain(|_| stays.next().unwrap());
            }
        }
    }
}
