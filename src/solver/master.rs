//! Linear and mixed-integer programmes: the one place that knows good_lp.
//!
//! A programme is `min c.x` over rows `a.x >= b` or `a.x <= b` with `x >= 0`. Duals come back with
//! the sign of the textbook: `y >= 0` for `>=` rows, `y <= 0` for `<=` rows, so that
//! `c - A^T y >= 0` and `b.y` is the optimal value. Callers treat every number as a hint: what a
//! report calls certified is recomputed in integers.

use good_lp::{
    DualValues, Expression, ProblemVariables, ResolutionError, Solution, SolutionWithDual, SolverModel,
    Variable, WithTimeLimit, constraint::ConstraintReference, variable,
};

/// The sense of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sense {
    AtLeast,
    AtMost,
}

/// One row of a programme.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub terms: Vec<(usize, f64)>,
    pub sense: Sense,
    pub rhs: f64,
}

/// A minimisation over non-negative variables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Programme {
    /// Cost per variable.
    pub cost: Vec<f64>,
    pub rows: Vec<Row>,
}

/// An optimal solution of a linear programme.
#[derive(Debug, Clone)]
pub(crate) struct LpSolution {
    pub x: Vec<f64>,
    /// One per row, textbook sign.
    pub dual: Vec<f64>,
}

/// Why a programme has no solution to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LpFailure {
    Infeasible,
    /// Limits reached or numbers too bad.
    Stopped,
}

fn failure(error: ResolutionError) -> LpFailure {
    match error {
        ResolutionError::Infeasible => LpFailure::Infeasible,
        _ => LpFailure::Stopped,
    }
}

impl Programme {
    pub(crate) fn add_variable(&mut self, cost: f64) -> usize {
        self.cost.push(cost);
        self.cost.len() - 1
    }

    pub(crate) fn add_row(&mut self, terms: Vec<(usize, f64)>, sense: Sense, rhs: f64) -> usize {
        self.rows.push(Row { terms, sense, rhs });
        self.rows.len() - 1
    }

    /// About how much work a solution is, in the units of the budget.
    pub(crate) fn work(&self) -> u64 {
        let entries: usize = self.rows.iter().map(|r| r.terms.len()).sum();
        160 * (entries + self.cost.len()) as u64 + (self.rows.len() as u64).pow(2) * 16
    }

    /// Solves the linear programme: HiGHS with the feature `highs`, else Clarabel.
    pub(crate) fn solve_lp(&self) -> Result<LpSolution, LpFailure> {
        /// Below this many rows nothing is gained.
        #[cfg(not(feature = "highs"))]
        const LARGE: usize = 40;
        #[cfg(not(feature = "highs"))]
        if self.rows.len() >= LARGE
            && self.cost.len() > 2 * self.rows.len()
            && let Some(solution) = self.solve_dual()
        {
            return Ok(solution);
        }
        let (variables, x, objective) = self.variables(|_| variable().min(0.0));
        let unsolved = variables.minimise(objective);
        #[cfg(feature = "highs")]
        let model = unsolved.using(good_lp::solvers::highs::highs).set_threads(1);
        #[cfg(not(feature = "highs"))]
        let model = unsolved.using(good_lp::solvers::clarabel::clarabel);
        self.solve_with_duals(model, &x)
    }

    /// By the dual programme, a row per variable: an interior-point method has a row for every sign of a
    /// variable too, and where there are many more variables than rows the dual has half as many. `None`
    /// where it finds no solution: good_lp passes off a ray of an unbounded programme as one.
    #[cfg(not(feature = "highs"))]
    fn solve_dual(&self) -> Option<LpSolution> {
        let sign = |row: &Row| match row.sense {
            Sense::AtLeast => 1.0,
            Sense::AtMost => -1.0,
        };
        let mut variables = ProblemVariables::new();
        let y: Vec<Variable> = self.rows.iter().map(|_| variables.add(variable().min(0.0))).collect();
        let mut objective = Expression::with_capacity(y.len());
        let mut columns: Vec<Expression> = vec![Expression::default(); self.cost.len()];
        for (row, &y) in self.rows.iter().zip(&y) {
            objective.add_mul(sign(row) * row.rhs, y);
            for &(i, a) in &row.terms {
                columns[i].add_mul(sign(row) * a, y);
            }
        }
        let mut model = variables.maximise(objective).using(good_lp::solvers::clarabel::clarabel);
        let rows: Vec<ConstraintReference> = columns
            .into_iter()
            .zip(&self.cost)
            .map(|(column, &cost)| model.add_constraint(column.leq(cost)))
            .collect();
        let mut solution = model.solve().ok()?;
        let dual: Vec<f64> =
            self.rows.iter().zip(&y).map(|(row, &y)| sign(row) * solution.value(y)).collect();
        let duals = solution.compute_dual();
        let x: Vec<f64> = rows.into_iter().map(|r| duals.dual(r)).collect();
        let solution = LpSolution { x, dual };
        self.is_solved_by(&solution).then_some(solution)
    }

    /// Whether the rows hold and both values agree, roughly.
    #[cfg(not(feature = "highs"))]
    fn is_solved_by(&self, LpSolution { x, dual }: &LpSolution) -> bool {
        const TOLERANCE: f64 = 1e-5;
        let holds = |row: &Row| {
            let left: f64 = row.terms.iter().map(|&(i, a)| a * x[i]).sum();
            let short = match row.sense {
                Sense::AtLeast => row.rhs - left,
                Sense::AtMost => left - row.rhs,
            };
            short <= TOLERANCE * (1.0 + row.rhs.abs())
        };
        let value: f64 = x.iter().zip(&self.cost).map(|(x, c)| x * c).sum();
        let bound: f64 = dual.iter().zip(&self.rows).map(|(y, row)| y * row.rhs).sum();
        self.rows.iter().all(holds) && (value - bound).abs() <= TOLERANCE * (1.0 + value.abs())
    }

    /// Solves the programme with all variables integer, within a time limit: HiGHS with the feature
    /// `highs`, else microlp. The answer is the best found, and a hint like any other.
    pub(crate) fn solve_integer(&self, most: u64, seconds: f64) -> Result<Vec<u64>, LpFailure> {
        let most = most.min(1_000_000) as f64;
        let (variables, x, objective) = self.variables(|_| variable().integer().min(0.0).max(most));
        let unsolved = variables.minimise(objective);
        #[cfg(feature = "highs")]
        let mut model = unsolved.using(good_lp::solvers::highs::highs).set_threads(1);
        #[cfg(not(feature = "highs"))]
        let mut model = unsolved.using(good_lp::solvers::microlp::microlp);
        model = model.with_time_limit(seconds);
        self.add_rows(&mut model, &x);
        let solution = model.solve().map_err(failure)?;
        Ok(x.iter().map(|&v| solution.value(v).round().max(0.0) as u64).collect())
    }

    fn variables(
        &self,
        define: impl Fn(usize) -> good_lp::VariableDefinition,
    ) -> (ProblemVariables, Vec<Variable>, Expression) {
        let mut variables = ProblemVariables::new();
        let x: Vec<Variable> = (0..self.cost.len()).map(|i| variables.add(define(i))).collect();
        let mut objective = Expression::with_capacity(x.len());
        for (&v, &c) in x.iter().zip(&self.cost) {
            if c != 0.0 {
                objective.add_mul(c, v);
            }
        }
        (variables, x, objective)
    }

    fn add_rows<M: SolverModel>(&self, model: &mut M, x: &[Variable]) -> Vec<ConstraintReference> {
        self.rows
            .iter()
            .map(|row| {
                let mut left = Expression::with_capacity(row.terms.len());
                for &(i, a) in &row.terms {
                    left.add_mul(a, x[i]);
                }
                model.add_constraint(match row.sense {
                    Sense::AtLeast => left.geq(row.rhs),
                    Sense::AtMost => left.leq(row.rhs),
                })
            })
            .collect()
    }

    fn solve_with_duals<M>(&self, mut model: M, x: &[Variable]) -> Result<LpSolution, LpFailure>
    where
        M: SolverModel<Error = ResolutionError>,
        M::Solution: Solution + for<'a> SolutionWithDual<'a>,
    {
        let rows = self.add_rows(&mut model, x);
        let mut solution = model.solve().map_err(failure)?;
        let values: Vec<f64> = x.iter().map(|&v| solution.value(v)).collect();
        let duals = solution.compute_dual();
        let dual: Vec<f64> = rows.into_iter().map(|r| duals.dual(r)).collect();
        if values.iter().chain(&dual).all(|v| v.is_finite()) {
            Ok(LpSolution { x: values, dual })
        } else {
            Err(LpFailure::Stopped)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// min 3x + 2y  s.t.  x + y >= 4,  x + 3y >= 6,  x <= 3.
    /// The first two rows meet at x = 3, y = 1 (cost 11); moving along the second row to x = 0
    /// needs y = 4 for the first: cost 8. There only the first row binds with y basic, so its dual
    /// is 2, the others 0, and 2 * 4 = 8.
    #[test]
    fn duals_of_a_hand_solved_programme_have_textbook_signs() {
        let mut lp = Programme::default();
        let x = lp.add_variable(3.0);
        let y = lp.add_variable(2.0);
        lp.add_row(vec![(x, 1.0), (y, 1.0)], Sense::AtLeast, 4.0);
        lp.add_row(vec![(x, 1.0), (y, 3.0)], Sense::AtLeast, 6.0);
        lp.add_row(vec![(x, 1.0)], Sense::AtMost, 3.0);
        let solution = lp.solve_lp().unwrap();
        for (got, want) in solution.x.iter().zip([0.0, 4.0]) {
            assert!((got - want).abs() < 1e-6, "{:?}", solution.x);
        }
        for (got, want) in solution.dual.iter().zip([2.0, 0.0, 0.0]) {
            assert!((got - want).abs() < 1e-6, "{:?}", solution.dual);
        }
    }

    /// min x + 4y  s.t.  x + y >= 10,  x <= 6: x = 6, y = 4, cost 22.
    /// One more of the first row costs 4; one more of the second saves 3.
    #[test]
    fn a_binding_upper_row_has_a_negative_dual() {
        let mut lp = Programme::default();
        let x = lp.add_variable(1.0);
        let y = lp.add_variable(4.0);
        lp.add_row(vec![(x, 1.0), (y, 1.0)], Sense::AtLeast, 10.0);
        lp.add_row(vec![(x, 1.0)], Sense::AtMost, 6.0);
        let solution = lp.solve_lp().unwrap();
        assert!((solution.dual[0] - 4.0).abs() < 1e-6, "{:?}", solution.dual);
        assert!((solution.dual[1] + 3.0).abs() < 1e-6, "{:?}", solution.dual);
    }

    #[test]
    fn an_impossible_programme_is_infeasible() {
        let mut lp = Programme::default();
        let x = lp.add_variable(1.0);
        lp.add_row(vec![(x, 1.0)], Sense::AtLeast, 2.0);
        lp.add_row(vec![(x, 1.0)], Sense::AtMost, 1.0);
        assert_eq!(lp.solve_lp().unwrap_err(), LpFailure::Infeasible);
    }

    /// Seven ways to cover two rows, one row that limits: what is found by the dual is what the primal has.
    /// min 3a + 3b + 4c + 9(d + e + f + g), each of a and b covers a row once, c both; c <= 2 of need 3, 5:
    /// c = 2 (cost 8), then a = 1 and b = 3: 20 in all. One less of c costs 2 more: dual -2.
    #[cfg(not(feature = "highs"))]
    #[test]
    fn many_variables_are_solved_by_the_dual() {
        let mut lp = Programme::default();
        let v: Vec<usize> = [3.0, 3.0, 4.0, 9.0, 9.0, 9.0, 9.0].map(|c| lp.add_variable(c)).into();
        let dear = || v[3..].iter().map(|&v| (v, 1.0));
        lp.add_row([(v[0], 1.0), (v[2], 1.0)].into_iter().chain(dear()).collect(), Sense::AtLeast, 3.0);
        lp.add_row([(v[1], 1.0), (v[2], 1.0)].into_iter().chain(dear()).collect(), Sense::AtLeast, 5.0);
        lp.add_row(vec![(v[2], 1.0)], Sense::AtMost, 2.0);
        let solution = lp.solve_dual().unwrap();
        for (got, want) in solution.x.iter().zip([1.0, 3.0, 2.0, 0.0, 0.0, 0.0, 0.0]) {
            assert!((got - want).abs() < 1e-6, "{:?}", solution.x);
        }
        for (got, want) in solution.dual.iter().zip([3.0, 3.0, -2.0]) {
            assert!((got - want).abs() < 1e-6, "{:?}", solution.dual);
        }
        lp.rows[0].terms.clear();
        assert!(lp.solve_dual().is_none(), "the first row cannot hold");
    }
}
