//! Whether given bins can hold everything: by their resources, with the relaxation, or patterns taken in parts,
//! with the programme over patterns; the numbers of bins are fixed in either.
//!
//! ```text
//! min  sum_j w_j s_j
//! s.t. sum_p a_jp x_p + s_j >= q_j       for each shape j    (dual pi_j >= 0)
//!      sum_{p of kind t} x_p <= y_t      for each kind t     (dual -m_t <= 0)
//! ```
//!
//! Where something stays outside, the duals are prices under which no pattern of a kind t is worth more than
//! m_t, so that the bins are worth less than what must be placed.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::bound;
use super::cases::{self, Cases};
use super::exchange::Pattern;
use super::instance::Instance;
use super::master::{Programme, Sense};
use super::relaxation::CompactPart;
use super::simplex::Simplex;

/// Patterns, kept from one question to the next.
pub(super) struct Holding<'a> {
    instance: &'a Instance,
    known: BTreeSet<Pattern>,
    pub work: u64,
}

impl<'a> Holding<'a> {
    pub(super) fn new(instance: &'a Instance) -> Self {
        Holding { instance, known: BTreeSet::new(), work: 0 }
    }

    /// Takes patterns to begin with.
    pub(super) fn learn(&mut self, patterns: impl IntoIterator<Item = Pattern>) {
        self.known.extend(patterns);
    }

    /// The patterns known so far.
    pub(super) fn known(&self) -> impl Iterator<Item = &Pattern> {
        self.known.iter()
    }

    /// Prices under which the resources of these bins are worth less than everything, if there are any. `prices`
    /// say what a copy left outside counts.
    pub(super) fn separate_by_resources(&mut self, bins: &[u64], prices: &[f64]) -> Option<Vec<f64>> {
        let instance = self.instance;
        let worth = instance.shapes.iter().zip(prices).map(|(s, p)| s.copies as f64 * p);
        let total = worth.sum::<f64>().max(1.0);
        let mut lp = Programme::default();
        let mut cover: Vec<Vec<(usize, f64)>> = vec![Vec::new(); instance.shapes.len()];
        let mut fixed = Vec::new();
        for (t, &n) in bins.iter().enumerate().filter(|(_, n)| **n > 0) {
            let part = CompactPart::add(&mut lp, instance, t, total, &mut cover);
            lp.cost[part.bins] = 0.0;
            fixed.push((part.bins, n as f64 * part.scaled_rate));
        }
        for (v, most) in fixed {
            lp.add_row(vec![(v, 1.0)], Sense::AtMost, most);
        }
        // What is left uncovered costs its price.
        let mut rows = Vec::with_capacity(cover.len());
        for ((mut terms, shape), price) in cover.into_iter().zip(&instance.shapes).zip(prices) {
            let share = (shape.copies as f64 * price / total).max(1e-9);
            let missing = lp.add_variable(share);
            terms.push((missing, 1.0));
            rows.push(lp.add_row(terms, Sense::AtLeast, 1.0));
        }
        self.work += lp.work();
        let solution = lp.solve_lp().ok()?;
        let uncovered: f64 = solution.x.iter().zip(&lp.cost).map(|(x, c)| x.max(0.0) * c).sum();
        if uncovered < 1e-7 {
            return None;
        }
        let pi = rows
            .iter()
            .zip(&instance.shapes)
            .map(|(&r, s)| (solution.dual[r] * total / s.copies as f64).max(0.0))
            .collect();
        Some(pi)
    }

    /// Prices under which these bins are worth less than everything, if there are any. `weights` say what a
    /// copy left outside counts; `steps` limit each search for a pattern, and `stop` says whether so much work
    /// is too much.
    pub(super) fn separate_by_patterns(
        &mut self,
        bins: &[u64],
        weights: &[f64],
        steps: usize,
        stop: &dyn Fn(u64) -> bool,
    ) -> Option<Vec<f64>> {
        const ROUNDS: usize = 200;
        /// Of what everything counts, what may be left outside by rounding.
        const NOTHING: f64 = 1e-7;
        let instance = self.instance;
        let shapes = instance.shapes.len();
        let used: Vec<usize> = (0..bins.len()).filter(|&t| bins[t] > 0).collect();
        let row_of = |kind: usize| used.binary_search(&kind).ok().map(|i| shapes + i);
        let counted = instance.shapes.iter().zip(weights);
        let total: f64 = counted.clone().map(|(s, &w)| s.copies as f64 * w).sum();
        // What has no price must find room as well.
        let least = total * 1e-9 / shapes as f64;
        let weights: Vec<f64> = counted.map(|(s, &w)| w.max(least / s.copies as f64)).collect();
        let cover =
            instance.shapes.iter().zip(&weights).map(|(s, w)| (Sense::AtLeast, s.copies as f64, 2.0 * w));
        let rate = |t: usize| instance.kinds[t].rate.max(1) as f64;
        let stock = used.iter().map(|&t| (Sense::AtMost, bins[t] as f64, rate(t)));
        let mut lp = Simplex::new(&cover.chain(stock).collect::<Vec<_>>());
        for (j, &w) in weights.iter().enumerate() {
            lp.add(w, w, &[(j, 1.0)]);
        }
        let column = |lp: &mut Simplex, (kind, content): &Pattern| {
            if let Some(row) = row_of(*kind) {
                let mut terms: Vec<(usize, f64)> = content.iter().map(|&(j, n)| (j, n as f64)).collect();
                terms.push((row, 1.0));
                lp.add(0.0, rate(*kind), &terms);
            }
        };
        for pattern in &self.known {
            column(&mut lp, pattern);
        }
        for _ in 0..ROUNDS {
            if stop(self.work) {
                return None;
            }
            let pivots = lp.solve(30 * shapes + 1_000);
            self.work += pivots as u64 * lp.work_per_pivot();
            let outside = lp.cost();
            if !outside.is_finite() || outside < NOTHING * total {
                return None;
            }
            let (pi, m) = lp.dual().split_at(shapes);
            let pi: Vec<f64> = pi.iter().map(|p| p.max(0.0)).collect();
            let integer = bound::round_down(&pi);
            let priced: Vec<Cases> = used
                .par_iter()
                .zip(m)
                .map(|(&t, m)| {
                    let threshold = (-m).max(0.0) * (1.0 + 1e-7);
                    cases::search(instance, t, &integer, threshold as u64, steps)
                })
                .collect();
            let mut changed = false;
            for (&t, found) in used.iter().zip(priced) {
                self.work += found.work;
                for content in found.patterns {
                    let pattern = (t, content);
                    if !self.known.contains(&pattern) {
                        column(&mut lp, &pattern);
                        self.known.insert(pattern);
                        changed = true;
                    }
                }
            }
            if !changed {
                return Some(pi);
            }
        }
        None
    }
}
