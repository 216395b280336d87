//! The linear programme over kinds of nodes and commitments.

use std::collections::BTreeMap;

use crate::problem::BinType;
use crate::purchase::model::{Candidate, Group, PPM, Slot};
use crate::purchase::relax::Relaxed;
use crate::solver::master::{LpFailure, Programme, Sense};

use super::cells::{Cells, LevelProblem};

/// Prices of a group never need to grow by more: what is worth less than this share of on demand in an hour
/// is left that low.
const MOST_FACTOR: f64 = 1_024.0;
/// Halvings between none and that, until floats tell no difference that matters.
const HALVINGS: usize = 50;

impl Cells {
    /// The programme over kinds of nodes of some catalog types. Its duals come back as prices.
    pub(super) fn relax(&self, types: &[usize]) -> Result<Relaxed, LpFailure> {
        let model = &self.model;
        let chosen = |line: usize| types.binary_search(&self.catalog_types[line]).is_ok();
        let weight: Vec<f64> = (0..self.levels.len())
            .map(|level| {
                let own = model.slots.iter().zip(&self.level_of).filter(|(_, l)| **l == level);
                own.map(|(s, _)| s.hours as f64).sum()
            })
            .collect();
        // A rough hourly cost, by which everything is scaled.
        let total = self.rough().max(1.0);
        let money = 1.0 / (total * weight.iter().sum::<f64>().max(1.0));
        let mut lp = Programme::default();
        // What a group's rows count in.
        let unit: Vec<f64> = model
            .groups
            .iter()
            .map(|g| {
                let most = g.takes.iter().map(|&(a, t)| t as f64 / model.on_demand[a].max(1) as f64);
                (total * self.unit as f64 * most.fold(0.0, f64::max)).max(1.0)
            })
            .collect();
        let bought: Vec<Vec<usize>> = model
            .groups
            .iter()
            .zip(&unit)
            .map(|(g, unit)| {
                let cost = |c: &Candidate| c.cost as f64 / c.step as f64 * unit / self.unit as f64 * money;
                g.candidates.iter().map(|c| lp.add_variable(cost(c))).collect()
            })
            .collect();
        // Per level, what of each atom runs, as terms of node variables.
        let mut running: Vec<BTreeMap<usize, Vec<(usize, f64)>>> = Vec::with_capacity(self.levels.len());
        for (level, LevelProblem { problem, lines }) in self.levels.iter().enumerate() {
            let mut atoms: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
            let mut cover: Vec<Vec<(usize, f64)>> = vec![Vec::new(); problem.items().len()];
            for (b, bin) in problem.bin_ids().zip(problem.bins()) {
                let line = lines[b.index()];
                if !chosen(line) {
                    continue;
                }
                let rate = (bin.rate.nanos() as f64).max(total * 1e-9);
                let nodes =
                    lp.add_variable(weight[level] * self.model_rate(line, bin) / rate * total * money);
                for &(a, n) in &self.made_of[line] {
                    let share = n as f64 / self.unit as f64 * model.on_demand[a] as f64 / rate;
                    atoms.entry(a).or_default().push((nodes, share));
                }
                let mut rows: Vec<Vec<(usize, f64)>> = vec![vec![(nodes, -1.0)]; problem.dimensions().len()];
                for (j, item) in problem.item_ids().zip(problem.items()) {
                    let fits = problem.copies_per_bin(j, b);
                    if fits == 0 {
                        continue;
                    }
                    let z = lp.add_variable(0.0);
                    cover[j.index()].push((z, 1.0));
                    let all = item.copies as f64 * rate / total;
                    for (k, row) in rows.iter_mut().enumerate() {
                        if item.demand[k] > 0 {
                            row.push((z, all * item.demand[k] as f64 / bin.capacity[k].max(1) as f64));
                        }
                    }
                    if item.max_per_bin.is_some_and(|most| most <= fits) {
                        lp.add_row(vec![(z, all / fits as f64), (nodes, -1.0)], Sense::AtMost, 0.0);
                    }
                }
                for row in rows.into_iter().filter(|row| row.len() > 1) {
                    lp.add_row(row, Sense::AtMost, 0.0);
                }
            }
            for terms in cover {
                if terms.is_empty() {
                    return Err(LpFailure::Infeasible);
                }
                lp.add_row(terms, Sense::AtLeast, 1.0);
            }
            running.push(atoms);
        }
        let mut group_rows: Vec<Vec<Option<usize>>> = Vec::with_capacity(model.slots.len());
        for (slot, &level) in model.slots.iter().zip(&self.level_of) {
            let mut atom_rows: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
            let mut of_slot = vec![None; model.groups.len()];
            for (g, group) in model.groups.iter().enumerate() {
                let mut terms = Vec::new();
                for &(a, take) in group.takes.iter().filter(|(a, _)| running[level].contains_key(a)) {
                    let x = lp.add_variable(-(slot.hours as f64) * total * money);
                    atom_rows.entry(a).or_default().push((x, 1.0));
                    let one = take as f64 * total * self.unit as f64 / model.on_demand[a].max(1) as f64;
                    terms.push((x, one / unit[g]));
                }
                if terms.is_empty() {
                    continue;
                }
                for (c, &y) in group.candidates.iter().zip(&bought[g]) {
                    let active = f64::from(c.active[slot.segment]) / PPM as f64;
                    if active > 0.0 {
                        terms.push((y, -active));
                    }
                }
                let held = group.held[slot.segment] as f64 / unit[g];
                of_slot[g] = Some(lp.add_row(terms, Sense::AtMost, held));
            }
            for (a, mut row) in atom_rows {
                row.extend(running[level][&a].iter().map(|&(n, share)| (n, -share)));
                lp.add_row(row, Sense::AtMost, 0.0);
            }
            group_rows.push(of_slot);
        }
        let solution = lp.solve_lp()?;
        let mut lambda = vec![vec![0.0; model.slots.len()]; model.groups.len()];
        for (s, (slot, rows)) in model.slots.iter().zip(&group_rows).enumerate() {
            for (g, row) in rows.iter().enumerate() {
                if let Some(row) = row {
                    let dual = (-solution.dual[*row]).max(0.0);
                    lambda[g][s] = dual * self.unit as f64 / (unit[g] * money * slot.hours as f64);
                }
            }
        }
        self.spread_to_others(&group_rows, &running, &mut lambda);
        Ok(Relaxed {
            quantities: model.nothing(),
            lambda,
            price_obligation: 0.0,
            price_upfront: 0.0,
            price_coverage: 0.0,
            tilted: vec![1.0],
        })
    }

    /// Prices of the groups that have no row, for none of the chosen types is theirs: without any their
    /// nodes would count for nothing, and prove nothing. They follow the hours as the programme's own do,
    /// and come to as much as the cheapest offer of the group costs.
    fn spread_to_others(
        &self,
        rows: &[Vec<Option<usize>>],
        running: &[BTreeMap<usize, Vec<(usize, f64)>>],
        lambda: &mut [Vec<f64>],
    ) {
        let model = &self.model;
        let known: Vec<bool> =
            (0..model.groups.len()).map(|g| rows.iter().any(|of_slot| of_slot[g].is_some())).collect();
        // Per slot, the mean over what runs there of what it is worth, as a share of on demand.
        let mut worth = Vec::with_capacity(model.slots.len());
        for (s, &level) in self.level_of.iter().enumerate() {
            let mut shares: BTreeMap<usize, f64> = running[level].keys().map(|&a| (a, 1.0)).collect();
            for (g, group) in model.groups.iter().enumerate().filter(|(g, _)| rows[s][*g].is_some()) {
                for &(a, take) in &group.takes {
                    if let Some(share) = shares.get_mut(&a) {
                        let price = lambda[g][s] * take as f64;
                        *share = share.min(price / model.on_demand[a].max(1) as f64);
                    }
                }
            }
            worth.push(shares.values().sum::<f64>() / shares.len().max(1) as f64);
        }
        for (g, group) in model.groups.iter().enumerate().filter(|(g, _)| !known[*g]) {
            lambda[g] = self.as_much_as_costs(group, &worth);
        }
    }

    /// Prices of a group in the proportions of `worth`, none above on demand, as high as its offers allow.
    fn as_much_as_costs(&self, group: &Group, worth: &[f64]) -> Vec<f64> {
        let model = &self.model;
        let unit = |&(a, take): &(usize, u64)| model.on_demand[a] as f64 / take.max(1) as f64;
        let whole = group.takes.iter().map(unit).fold(0.0, f64::max);
        let at = |factor: f64| -> Vec<f64> {
            worth.iter().map(|&share| whole * (share * factor).clamp(0.0, 1.0)).collect()
        };
        let allowed = |prices: &[f64]| {
            group.candidates.iter().all(|c| {
                let of = |(slot, price): (&Slot, &f64)| {
                    slot.hours as f64 * f64::from(c.active[slot.segment]) / PPM as f64 * price
                };
                model.slots.iter().zip(prices).map(of).sum::<f64>() * c.step as f64 <= c.cost as f64
            })
        };
        let (mut low, mut high) = (0.0, MOST_FACTOR);
        if allowed(&at(high)) {
            return at(high);
        }
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if allowed(&at(middle)) { low = middle } else { high = middle }
        }
        at(low)
    }

    /// A bin's rate with its on-demand part as the model counts it.
    fn model_rate(&self, line: usize, bin: &BinType) -> f64 {
        let beside = bin.rate.nanos().saturating_sub(self.on_demand[line]) as f64;
        let own: f64 = self.made_of[line]
            .iter()
            .map(|&(a, n)| self.model.on_demand[a] as f64 * n as f64 / self.unit as f64)
            .sum();
        beside + own
    }

    /// Hourly cost of all demand of the dearest level at the cheapest rate per resource: only a scale.
    fn rough(&self) -> f64 {
        let of = |LevelProblem { problem, .. }: &LevelProblem| {
            (0..problem.dimensions().len())
                .map(|k| {
                    let demand: f64 =
                        problem.items().iter().map(|i| i.demand[k] as f64 * i.copies as f64).sum();
                    let rate = problem.bins().iter().filter(|b| b.capacity[k] > 0);
                    let least = rate.map(|b| b.rate.nanos() as f64 / b.capacity[k] as f64);
                    let least = least.fold(f64::INFINITY, f64::min);
                    if least.is_finite() { demand * least } else { 0.0 }
                })
                .fold(0.0, f64::max)
        };
        self.levels.iter().map(of).fold(0.0, f64::max)
    }
}
