//! What prices of the joint programme prove.

use crate::levels::Inputs;
use crate::problem::{BinType, Problem};
use crate::purchase::bound;
use crate::purchase::model::PPM;
use crate::purchase::relax::Relaxed;
use crate::solver;
use crate::solver::control::Silent;
use crate::units::Rate;

use super::cells::{Cells, LevelProblem};
use super::prices::Prices;

impl Cells {
    /// The bound that prices prove: what nodes count at in each level, and the catalog types that the
    /// levels' packings then use. `None` where a sum leaves the range or a level has no plan.
    pub(super) fn bound(&self, inputs: &Inputs<'_>, relaxed: &Relaxed) -> Option<(u128, Prices, Vec<usize>)> {
        let model = &self.model;
        let scale = u128::from(bound::FINE) * u128::from(PPM);
        let lambda = bound::feasible(model, relaxed)?;
        let mut total = 0i128;
        let mut used = Vec::new();
        let mut weighted: Vec<Vec<u128>> = vec![vec![0; self.made_of.len()]; self.levels.len()];
        let mut weights = vec![0u128; self.levels.len()];
        for (s, (slot, &level)) in model.slots.iter().zip(&self.level_of).enumerate() {
            let mut pi: Vec<u128> = model.on_demand.iter().map(|&p| u128::from(p) * scale).collect();
            let held = bound::under_groups(model, &lambda, s, &mut pi)?;
            // Rounded down to nano-dollars: a lower price bounds from below too.
            let per_node: Vec<u64> = self
                .made_of
                .iter()
                .map(|parts| {
                    let sum = parts
                        .iter()
                        .try_fold(0u128, |sum, &(a, n)| sum.checked_add(pi[a].checked_mul(u128::from(n))?))?;
                    u64::try_from(sum / scale / u128::from(self.unit)).ok()
                })
                .collect::<Option<_>>()?;
            let LevelProblem { problem, lines } = &self.levels[level];
            let bins = problem
                .bins()
                .iter()
                .zip(lines)
                .map(|(bin, &line)| {
                    let beside = bin.rate.nanos().saturating_sub(self.on_demand[line]);
                    // Spot nodes, which no commitment covers, keep their rate.
                    let rate = Rate::from_nanos(beside + per_node[line]).min(bin.rate);
                    BinType { rate, ..bin.clone() }
                })
                .collect();
            let conflicts = problem.conflicts().iter().copied();
            let priced = Problem::new(
                problem.dimensions().to_vec(),
                problem.items().to_vec(),
                bins,
                conflicts,
                problem.max_bin_types(),
            )
            .ok()?;
            let outcome = solver::solve(&priced, &inputs.budget, inputs.seed, &Silent).ok()?;
            let here = outcome.lower_bound.certified.nanos();
            let held = i128::try_from(held.div_ceil(scale * u128::from(self.unit))).ok()?;
            total = total.checked_add(here.checked_sub(held)?.checked_mul(i128::from(slot.hours))?)?;
            used.extend(
                outcome
                    .incumbent
                    .bins()
                    .map(|(pattern, _)| self.catalog_types[lines[pattern.bin_type().index()]]),
            );
            weights[level] += u128::from(slot.hours);
            for (sum, &price) in weighted[level].iter_mut().zip(&per_node) {
                *sum += u128::from(price) * u128::from(slot.hours);
            }
        }
        let value = u128::try_from(total.div_euclid(i128::from(PPM))).unwrap_or(0);
        let value = (value + self.sunk).saturating_sub(2 * self.roundings);
        let mean = |level: usize, line: usize| {
            u64::try_from(weighted[level][line] / weights[level].max(1)).unwrap_or(u64::MAX)
        };
        Some((value, self.prices(mean), used))
    }
}
