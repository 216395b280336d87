//! A linear programme that stays solved while columns come and go: the revised simplex method with the
//! whole inverse of the basis at hand.
//!
//! ```text
//! min  sum_p c_p x_p
//! s.t. sum_p a_ip x_p >= b_i  or  <= b_i        (dual y_i >= 0, or <= 0),   x >= 0
//! ```
//!
//! Column generation solves nearly the same programme a few hundred times. From the last basis that takes
//! some tens of pivots, where a solver that begins anew takes as long as all the rest of a round. Numbers
//! here are hints: what is certified is recomputed in integers.

use super::master::Sense;

/// Pivots between two inversions of the basis from the beginning.
const FRESH: usize = 400;
/// A column pays when it saves more than this share of its scale.
const PAYS: f64 = 1e-9;
/// What stands in for a column gets dearer up to so many times its first cost.
const DEAREST: f64 = 1e4;
/// Pivots smaller than this are errors of rounding.
const LEAST_PIVOT: f64 = 1e-9;

struct Column {
    cost: f64,
    /// What savings are compared with.
    scale: f64,
    terms: Vec<(usize, f64)>,
    /// The row of the basis that it is in.
    basic: Option<usize>,
    /// What a unit costs beyond what its terms are worth.
    reduced: f64,
    /// About how far its edge leads, squared, in terms of the frame in which it was one (Devex: Harris 1973).
    weight: f64,
}

/// The programme with its basis.
pub(super) struct Simplex {
    rhs: Vec<f64>,
    /// Those of the rows first: what is beyond or below the right-hand side, then what stands in for
    /// columns that are missing.
    columns: Vec<Column>,
    /// How many columns belong to rows.
    own: usize,
    basis: Vec<usize>,
    /// Row-major.
    inverse: Vec<f64>,
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
        let mut columns = Vec::with_capacity(2 * m);
        for (i, &(sense, _, dear)) in rows.iter().enumerate() {
            let sign = match sense {
                Sense::AtLeast => -1.0,
                Sense::AtMost => 1.0,
            };
            columns.push(Column {
                cost: 0.0,
                scale: dear,
                terms: vec![(i, sign)],
                basic: None,
                reduced: 0.0,
                weight: 1.0,
            });
        }
        let mut basis = Vec::with_capacity(m);
        for (i, &(sense, _, dear)) in rows.iter().enumerate() {
            if sense == Sense::AtLeast {
                columns.push(Column {
                    cost: dear,
                    scale: dear,
                    terms: vec![(i, 1.0)],
                    basic: Some(i),
                    reduced: 0.0,
                    weight: 1.0,
                });
                basis.push(columns.len() - 1);
            } else {
                columns[i].basic = Some(i);
                basis.push(i);
            }
        }
        let rhs: Vec<f64> = rows.iter().map(|r| r.1).collect();
        let y = basis.iter().map(|&c| columns[c].cost).collect();
        let mut inverse = vec![0.0; m * m];
        (0..m).for_each(|i| inverse[i * m + i] = 1.0);
        let own = columns.len();
        let mut simplex = Simplex { x: rhs.clone(), rhs, own, columns, basis, inverse, y, since_fresh: 0 };
        simplex.price();
        simplex
    }

    /// Adds a column and returns its number. Savings count in terms of `scale`.
    pub(super) fn add(&mut self, cost: f64, scale: f64, terms: Vec<(usize, f64)>) -> usize {
        let reduced = cost - worth(&self.y, &terms);
        self.columns.push(Column { cost, scale, terms, basic: None, reduced, weight: 1.0 });
        self.columns.len() - 1 - self.own
    }

    /// Drops columns; those in the basis stay whatever `keep` says. Says which have stayed.
    pub(super) fn retain(&mut self, keep: impl Fn(usize) -> bool) -> Vec<bool> {
        let own = self.own;
        let stays: Vec<bool> =
            self.columns[own..].iter().enumerate().map(|(p, c)| c.basic.is_some() || keep(p)).collect();
        let mut place = 0;
        self.columns.retain(|_| {
            place += 1;
            place <= own || stays[place - 1 - own]
        });
        for (c, column) in self.columns.iter().enumerate() {
            if let Some(row) = column.basic {
                self.basis[row] = c;
            }
        }
        stays
    }

    /// Pivots until no column pays and every row is covered by columns where they can, or so often.
    /// Returns how often.
    pub(super) fn solve(&mut self, most_pivots: usize) -> usize {
        for done in 0..most_pivots {
            if self.since_fresh >= FRESH {
                self.refresh();
            }
            let Some(entering) = self.entering() else {
                if self.raise() {
                    continue;
                }
                return done;
            };
            if !self.pivot(entering) {
                // No limit to what it saves, or numbers gone bad.
                self.refresh();
                return done;
            }
        }
        most_pivots
    }

    /// Makes what stands in for columns dearer where it does. Says whether anything has changed.
    fn raise(&mut self) -> bool {
        let mut raised = false;
        for (row, &c) in self.basis.iter().enumerate() {
            let column = &mut self.columns[c];
            let stands_in = c >= self.rhs.len() && c < self.own;
            if stands_in
                && self.x[row] > 1e-9 * self.rhs[row].max(1.0)
                && column.cost < DEAREST * column.scale
            {
                column.cost *= 4.0;
                raised = true;
            }
        }
        if raised {
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
        self.columns[self.own + p].basic.map_or(0.0, |row| self.x[row].max(0.0))
    }

    /// What the solution costs.
    pub(super) fn cost(&self) -> f64 {
        self.basis.iter().zip(&self.x).map(|(&c, x)| self.columns[c].cost * x).sum()
    }

    /// What a unit of the column costs beyond what its terms are worth, in terms of its scale.
    pub(super) fn margin(&self, p: usize) -> f64 {
        let column = &self.columns[self.own + p];
        column.reduced / column.scale
    }

    /// The column that saves most for the way that its edge leads.
    fn entering(&self) -> Option<usize> {
        let mut best = (0.0, None);
        for (c, column) in self.columns.iter().enumerate().filter(|(_, column)| column.basic.is_none()) {
            let saving = -column.reduced / column.scale;
            if saving > PAYS && saving * saving > best.0 * column.weight {
                best = (saving * saving / column.weight, Some(c));
            }
        }
        best.1
    }

    /// Brings a column into the basis. `false` where nothing stops it.
    fn pivot(&mut self, entering: usize) -> bool {
        let m = self.rhs.len();
        let column = &self.columns[entering];
        let reduced = column.reduced;
        let mut direction = vec![0.0; m];
        for (i, d) in direction.iter_mut().enumerate() {
            *d = column.terms.iter().map(|&(r, a)| self.inverse[i * m + r] * a).sum();
        }
        let mut leaving: Option<(f64, usize)> = None;
        for (i, &d) in direction.iter().enumerate() {
            if d <= LEAST_PIVOT {
                continue;
            }
            let ratio = self.x[i].max(0.0) / d;
            // Of equals the one with the largest pivot.
            if leaving.is_none_or(|(r, l)| ratio < r - 1e-12 || (ratio <= r + 1e-12 && d > direction[l])) {
                leaving = Some((ratio, i));
            }
        }
        let Some((ratio, row)) = leaving else { return false };
        for (x, d) in self.x.iter_mut().zip(&direction) {
            *x -= ratio * d;
        }
        self.x[row] = ratio;
        let pivot = direction[row];
        let pivot_row: Vec<f64> =
            self.inverse[row * m..(row + 1) * m].iter().map(|value| value / pivot).collect();
        for (i, &d) in direction.iter().enumerate() {
            if i != row && d != 0.0 {
                for (value, p) in self.inverse[i * m..(i + 1) * m].iter_mut().zip(&pivot_row) {
                    *value -= d * p;
                }
            }
        }
        for (y, p) in self.y.iter_mut().zip(&pivot_row) {
            *y += reduced * p;
        }
        self.inverse[row * m..(row + 1) * m].copy_from_slice(&pivot_row);
        let scale = self.columns[entering].scale;
        let weight = self.columns[entering].weight;
        for column in self.columns.iter_mut().filter(|column| column.basic.is_none()) {
            let along = worth(&pivot_row, &column.terms);
            column.reduced -= reduced * along;
            let along = along * scale / column.scale;
            column.weight = column.weight.max(along * along * weight);
        }
        let left = &mut self.columns[self.basis[row]];
        let along = scale / (pivot * left.scale);
        left.weight = (along * along * weight).max(1.0);
        left.reduced = -reduced / pivot;
        self.columns[entering].reduced = 0.0;
        if weight > 1e7 {
            self.columns.iter_mut().for_each(|column| column.weight = 1.0);
        }
        self.columns[self.basis[row]].basic = None;
        self.columns[entering].basic = Some(row);
        self.basis[row] = entering;
        self.since_fresh += 1;
        true
    }

    /// Inverts the basis from the beginning.
    fn refresh(&mut self) {
        let m = self.rhs.len();
        self.since_fresh = 0;
        let mut matrix = vec![0.0; m * m];
        for (b, &c) in self.basis.iter().enumerate() {
            for &(i, a) in &self.columns[c].terms {
                matrix[i * m + b] = a;
            }
        }
        let Some(inverse) = invert(matrix, m) else { return };
        self.inverse = inverse;
        for i in 0..m {
            let row = &self.inverse[i * m..(i + 1) * m];
            self.x[i] = row.iter().zip(&self.rhs).map(|(a, b)| a * b).sum();
        }
        self.price();
    }

    /// The duals of the basis.
    fn price(&mut self) {
        let m = self.rhs.len();
        self.y = vec![0.0; m];
        for (i, &c) in self.basis.iter().enumerate() {
            let cost = self.columns[c].cost;
            for (y, a) in self.y.iter_mut().zip(&self.inverse[i * m..(i + 1) * m]) {
                *y += cost * a;
            }
        }
        for column in &mut self.columns {
            column.reduced =
                if column.basic.is_some() { 0.0 } else { column.cost - worth(&self.y, &column.terms) };
        }
    }
}

fn worth(prices: &[f64], terms: &[(usize, f64)]) -> f64 {
    terms.iter().map(|&(i, a)| prices[i] * a).sum()
}

/// The inverse by elimination with the largest pivot of each column; `None` where there is none.
fn invert(mut matrix: Vec<f64>, m: usize) -> Option<Vec<f64>> {
    let mut inverse = vec![0.0; m * m];
    (0..m).for_each(|i| inverse[i * m + i] = 1.0);
    for c in 0..m {
        let largest = (c..m).max_by(|&a, &b| matrix[a * m + c].abs().total_cmp(&matrix[b * m + c].abs()))?;
        if matrix[largest * m + c].abs() <= LEAST_PIVOT {
            return None;
        }
        if largest != c {
            for k in 0..m {
                matrix.swap(largest * m + k, c * m + k);
                inverse.swap(largest * m + k, c * m + k);
            }
        }
        let pivot = matrix[c * m + c];
        for values in [&mut matrix, &mut inverse] {
            values[c * m..(c + 1) * m].iter_mut().for_each(|value| *value /= pivot);
        }
        let (matrix_row, inverse_row) =
            (matrix[c * m..(c + 1) * m].to_vec(), inverse[c * m..(c + 1) * m].to_vec());
        for i in (0..m).filter(|&i| i != c) {
            let factor = matrix[i * m + c];
            if factor == 0.0 {
                continue;
            }
            for (values, row) in [(&mut matrix, &matrix_row), (&mut inverse, &inverse_row)] {
                for (value, p) in values[i * m..(i + 1) * m].iter_mut().zip(row) {
                    *value -= factor * p;
                }
            }
        }
    }
    Some(inverse)
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
        let x = lp.add(1.0, 1.0, vec![(0, 1.0), (1, 1.0)]);
        let y = lp.add(4.0, 4.0, vec![(0, 1.0)]);
        lp.solve(100);
        assert_eq!((lp.value(x), lp.value(y), lp.cost()), (6.0, 4.0, 22.0));
        assert_eq!(lp.dual(), [4.0, -3.0]);
        assert_eq!((lp.margin(x), lp.margin(y)), (0.0, 0.0));
    }

    /// What stands in for columns is cheap at first and still gives way: both rows have a column each.
    #[test]
    fn what_stands_in_gives_way_to_dear_columns() {
        let mut lp = Simplex::new(&[(Sense::AtLeast, 3.0, 0.5), (Sense::AtLeast, 2.0, 0.5)]);
        lp.add(70.0, 70.0, vec![(0, 1.0)]);
        lp.add(30.0, 30.0, vec![(1, 2.0)]);
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
                    lp.add(cost, cost, terms.clone());
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
