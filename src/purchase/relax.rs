//! The joint linear programme over clusters of hours.
//!
//! Thousands of distinct hours are merged into few by splitting, over and over, the cluster whose hours
//! differ most in money. What on demand costs is convex in the demand, so that merging hours into their
//! mean lowers the optimum: its duals give a true bound for all hours, and its quantities a start.
//!
//! With a tail of scenarios (Rockafellar and Uryasev 2000):
//!
//! ```text
//! + weight ( eta + sum_k prob_k z_k / share ),   z_k + eta >= what scenario k pays on demand
//! ```
//!
//! Whose duals q_k tilt the weights of the scenarios towards the bad ones.

use crate::solver::master::{LpFailure, Programme, Sense};

use super::model::{Model, PPM, Quantities};

/// Hours merged into one.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// Indices of slots.
    pub slots: Vec<usize>,
    /// Their hours together.
    pub hours: f64,
    pub scenario: usize,
    pub segment: usize,
    /// Mean demand per atom.
    pub demand: Vec<f64>,
}

/// Merges slots into at most `most` clusters, never across scenarios or segments.
pub(super) fn cluster(model: &Model, most: usize) -> Vec<Cluster> {
    let mut by_part: std::collections::BTreeMap<(usize, usize), Vec<usize>> = Default::default();
    for (s, slot) in model.slots.iter().enumerate() {
        by_part.entry((slot.scenario, slot.segment)).or_default().push(s);
    }
    let mut open: Vec<(f64, usize, Cluster)> =
        by_part.into_values().map(|slots| spread(model, merged(model, slots))).collect();
    while open.len() < most {
        let widest = open.iter().enumerate().max_by(|a, b| a.1.0.total_cmp(&b.1.0).then(b.0.cmp(&a.0)));
        let Some((at, &(money, atom, _))) = widest else { break };
        if money <= 0.0 {
            break;
        }
        let (_, _, wide) = open.swap_remove(at);
        let mean = wide.demand[atom];
        let (low, high) = wide.slots.iter().partition(|&&s| (model.slots[s].demand[atom] as f64) < mean);
        open.push(spread(model, merged(model, low)));
        open.push(spread(model, merged(model, high)));
    }
    open.into_iter().map(|(_, _, cluster)| cluster).collect()
}

fn merged(model: &Model, slots: Vec<usize>) -> Cluster {
    let hours: f64 = slots.iter().map(|&s| model.slots[s].hours as f64).sum();
    let mut demand = vec![0.0; model.on_demand.len()];
    for &s in &slots {
        let slot = &model.slots[s];
        for (sum, &d) in demand.iter_mut().zip(&slot.demand) {
            *sum += d as f64 * slot.hours as f64 / hours;
        }
    }
    let first = &model.slots[slots[0]];
    Cluster { hours, scenario: first.scenario, segment: first.segment, demand, slots }
}

/// How much the hours of a cluster differ in all, and the atom in which most.
fn spread(model: &Model, cluster: Cluster) -> (f64, usize, Cluster) {
    let mut square = vec![0.0; model.on_demand.len()];
    for &s in &cluster.slots {
        let slot = &model.slots[s];
        for (a, sum) in square.iter_mut().enumerate() {
            let off = (slot.demand[a] as f64 - cluster.demand[a]) * model.on_demand[a] as f64;
            *sum += off * off * model.weight(slot) as f64;
        }
    }
    let widest = square.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    match widest {
        Some((atom, &most)) if cluster.slots.len() > 1 && most > 0.0 => (square.iter().sum(), atom, cluster),
        _ => (0.0, 0, cluster),
    }
}

/// An optimal solution of the programme over clusters.
#[derive(Debug, Clone)]
pub(super) struct Relaxed {
    /// Bought per group and candidate.
    pub quantities: Quantities,
    /// Per group and slot: what a unit is worth there per hour, in nano-dollars, times the scenario's weight.
    pub lambda: Vec<Vec<f64>>,
    /// What a nano-dollar of the caps is worth.
    pub price_obligation: f64,
    pub price_upfront: f64,
    /// What a nano-dollar covered more would cost because of the coverage asked for.
    pub price_coverage: f64,
    /// The scenarios' weights in the objective, tilted by the tail; sum to one.
    pub tilted: Vec<f64>,
}

/// Solves the programme over clusters.
pub(super) fn solve(model: &Model, clusters: &[Cluster]) -> Result<Relaxed, LpFailure> {
    let total = (model.on_demand_cost() as f64).max(1.0);
    let tail_weight = model.tail.map_or(0.0, |t| f64::from(t.weight) / PPM as f64);
    let probability = |k: usize| f64::from(model.weights[k]) / PPM as f64;
    // All money as a share of `total`, which has the factor PPM of the weights.
    let money = PPM as f64 / total;
    let mut lp = Programme::default();

    // Quantities as a share of what the highest demand takes.
    let scale: Vec<Vec<f64>> = model
        .groups
        .iter()
        .enumerate()
        .map(|(g, group)| {
            let peak = model.peak(g).max(1) as f64;
            group.candidates.iter().map(|c| peak / c.step as f64).collect()
        })
        .collect();
    let bought: Vec<Vec<usize>> = model
        .groups
        .iter()
        .zip(&scale)
        .map(|(group, scale)| {
            group
                .candidates
                .iter()
                .zip(scale)
                .map(|(c, scale)| lp.add_variable(c.cost as f64 * scale * money))
                .collect()
        })
        .collect();

    let scenarios = model.weights.len();
    let mut on_demand_rows: Vec<Vec<(usize, f64)>> = vec![Vec::new(); scenarios];
    let mut on_demand_whole = vec![0.0; scenarios];
    let mut covered: Vec<(usize, f64)> = Vec::new();
    // For each cluster and group its row, and the coefficient by which its dual becomes nano-dollars per unit.
    let mut rows: Vec<Vec<Option<(usize, f64)>>> = Vec::with_capacity(clusters.len());
    for cluster in clusters {
        let weight = cluster.hours * probability(cluster.scenario);
        let mut share_rows: Vec<Vec<(usize, f64)>> = vec![Vec::new(); model.on_demand.len()];
        let mut row_of = vec![None; model.groups.len()];
        for (a, &demand) in cluster.demand.iter().enumerate() {
            on_demand_whole[cluster.scenario] += cluster.hours * demand * model.on_demand[a] as f64 * money;
        }
        for (g, group) in model.groups.iter().enumerate() {
            let unit = group.takes.iter().map(|&(a, t)| cluster.demand[a] * t as f64).fold(0.0, f64::max);
            let can_cover = group.held[cluster.segment] > 0
                || group.candidates.iter().any(|c| c.active[cluster.segment] > 0);
            if unit <= 0.0 || !can_cover {
                continue;
            }
            let mut terms = Vec::new();
            for &(a, take) in &group.takes {
                let demand = cluster.demand[a];
                if demand <= 0.0 {
                    continue;
                }
                let value = demand * model.on_demand[a] as f64 * money;
                let x = lp.add_variable(-(1.0 - tail_weight) * weight * value);
                share_rows[a].push((x, 1.0));
                terms.push((x, demand * take as f64 / unit));
                on_demand_rows[cluster.scenario].push((x, cluster.hours * value));
                covered.push((x, weight * value));
            }
            for ((c, &y), scale) in group.candidates.iter().zip(&bought[g]).zip(&scale[g]) {
                let active = f64::from(c.active[cluster.segment]) / PPM as f64;
                if active > 0.0 {
                    terms.push((y, -(c.step as f64) * active * scale / unit));
                }
            }
            let row = lp.add_row(terms, Sense::AtMost, group.held[cluster.segment] as f64 / unit);
            row_of[g] = Some((row, 1.0 / (unit * money * cluster.hours)));
        }
        for row in share_rows {
            if !row.is_empty() {
                lp.add_row(row, Sense::AtMost, 1.0);
            }
        }
        rows.push(row_of);
    }

    let mut scenario_rows = vec![None; scenarios];
    if let Some(tail) = model.tail.filter(|t| t.weight > 0) {
        let eta = lp.add_variable(tail_weight);
        let share = f64::from(tail.share.max(1)) / PPM as f64;
        for (k, mut terms) in on_demand_rows.into_iter().enumerate() {
            let z = lp.add_variable(tail_weight * probability(k) / share);
            terms.extend([(z, 1.0), (eta, 1.0)]);
            scenario_rows[k] = Some(lp.add_row(terms, Sense::AtLeast, on_demand_whole[k]));
        }
    }
    let mut cap_row = |cap: Option<u128>, of: &dyn Fn(usize, usize) -> u128| {
        cap.map(|cap| {
            let cap = (cap as f64).max(1.0);
            let mut terms = Vec::new();
            for (g, ys) in bought.iter().enumerate() {
                for (c, &y) in ys.iter().enumerate() {
                    terms.push((y, of(g, c) as f64 * scale[g][c] / cap));
                }
            }
            (lp.add_row(terms, Sense::AtMost, 1.0), cap)
        })
    };
    let obligation = cap_row(model.caps.obligation, &|g, c| model.groups[g].candidates[c].obligation);
    let upfront = cap_row(model.caps.upfront, &|g, c| model.groups[g].candidates[c].upfront);
    let coverage =
        model.caps.coverage.map(|share| lp.add_row(covered, Sense::AtLeast, f64::from(share) / PPM as f64));

    let solution = lp.solve_lp()?;
    let quantities = bought
        .iter()
        .zip(&scale)
        .map(|(ys, scale)| ys.iter().zip(scale).map(|(&y, s)| (solution.x[y] * s).max(0.0)).collect())
        .collect();
    let mut lambda = vec![vec![0.0; model.slots.len()]; model.groups.len()];
    for (cluster, row_of) in clusters.iter().zip(&rows) {
        for (g, row) in row_of.iter().enumerate() {
            if let Some((row, factor)) = row {
                let value = (-solution.dual[*row]).max(0.0) * factor;
                for &s in &cluster.slots {
                    lambda[g][s] = value;
                }
            }
        }
    }
    let price = |row: Option<(usize, f64)>| {
        row.map_or(0.0, |(row, cap)| (-solution.dual[row]).max(0.0) / (cap * money))
    };
    let tilted: Vec<f64> = (0..scenarios)
        .map(|k| {
            let extra = scenario_rows[k].map_or(0.0, |row| solution.dual[row].max(0.0));
            (1.0 - tail_weight) * probability(k) + extra
        })
        .collect();
    let whole: f64 = tilted.iter().sum::<f64>().max(1e-12);
    Ok(Relaxed {
        quantities,
        lambda,
        price_obligation: price(obligation),
        price_upfront: price(upfront),
        price_coverage: coverage.map_or(0.0, |row| solution.dual[row].max(0.0)),
        tilted: tilted.into_iter().map(|t| t / whole).collect(),
    })
}
