//! What quantities cost, estimated fast: the provider's billing order on atoms in floating point. It
//! guides the search; what is printed comes from the billing engine.

use super::model::{Model, PPM, Quantities};

/// From this place in the billing order on, groups are spend plans, which share one order by saving.
pub(super) const FIRST_SPEND: u32 = 10;

/// The model prepared for repeated evaluation.
pub(super) struct Simulator<'a> {
    model: &'a Model,
    /// Group, atom and units taken, in billing order.
    pairs: Vec<(usize, usize, f64)>,
    prices: Vec<f64>,
    demand: Vec<Vec<f64>>,
    /// Nano-dollars of everything on demand, expected.
    whole: f64,
}

/// What quantities cost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Estimate {
    /// Nano-dollars of the purchases over the horizon.
    pub purchases: f64,
    /// Nano-dollars on demand per scenario.
    pub on_demand: Vec<f64>,
    /// Expectation and tail, as the objective weighs them.
    pub objective: f64,
    /// How far the purchases are from keeping the limits, in nano-dollars.
    pub violation: f64,
}

impl<'a> Simulator<'a> {
    pub(super) fn new(model: &'a Model) -> Self {
        let mut pairs: Vec<(u32, f64, usize, usize, f64)> = Vec::new();
        for (g, group) in model.groups.iter().enumerate().filter(|(_, group)| !group.is_idle()) {
            for (at, &(a, t)) in group.takes.iter().enumerate() {
                let key = if group.precedence >= FIRST_SPEND {
                    t as f64 / model.on_demand[a].max(1) as f64
                } else {
                    // Groups one after another, each in its own order.
                    g as f64 * 1e6 + at as f64
                };
                pairs.push((group.precedence, key, g, a, t as f64));
            }
        }
        pairs.sort_by(|x, y| x.0.cmp(&y.0).then(x.1.total_cmp(&y.1)).then(x.2.cmp(&y.2)).then(x.3.cmp(&y.3)));
        Simulator {
            model,
            pairs: pairs.into_iter().map(|(_, _, g, a, t)| (g, a, t)).collect(),
            prices: model.on_demand.iter().map(|&p| p as f64).collect(),
            whole: model.on_demand_cost() as f64 / PPM as f64,
            demand: model.slots.iter().map(|s| s.demand.iter().map(|&d| d as f64).collect()).collect(),
        }
    }

    /// About how many steps one evaluation is.
    pub(super) fn work(&self) -> u64 {
        // Of a group that nothing is bought of, its pairs cost nothing; of an atom, two or three are used.
        (self.model.slots.len() * (self.prices.len() * 4).min(self.pairs.len() + self.prices.len())) as u64
    }

    /// What quantities cost.
    pub(super) fn estimate(&self, quantities: &Quantities) -> Estimate {
        let model = self.model;
        let segments = model.groups.first().map_or(0, |g| g.held.len());
        let capacity: Vec<Vec<f64>> = (0..segments)
            .map(|segment| {
                quantities.iter().enumerate().map(|(g, q)| model.capacity(g, segment, q)).collect()
            })
            .collect();
        let used: Vec<Vec<(usize, usize, f64)>> = capacity
            .iter()
            .map(|left| self.pairs.iter().copied().filter(|&(g, _, _)| left[g] > 0.0).collect())
            .collect();
        let mut on_demand = vec![0.0; model.weights.len()];
        let mut left = vec![0.0; model.groups.len()];
        let mut open = vec![0.0; self.prices.len()];
        for (slot, demand) in model.slots.iter().zip(&self.demand) {
            open.copy_from_slice(demand);
            if let Some(capacity) = capacity.get(slot.segment) {
                left.copy_from_slice(capacity);
                for &(g, a, take) in &used[slot.segment] {
                    if open[a] > 0.0 && left[g] > 0.0 {
                        let units = (open[a] * take).min(left[g]);
                        left[g] -= units;
                        open[a] = if take > 0.0 { (open[a] - units / take).max(0.0) } else { 0.0 };
                    }
                }
            }
            let hourly: f64 = open.iter().zip(&self.prices).map(|(o, p)| o * p).sum();
            on_demand[slot.scenario] += hourly * slot.hours as f64;
        }
        let mut purchases = 0.0;
        let mut obligation = 0.0;
        let mut upfront = 0.0;
        for (group, quantities) in model.groups.iter().zip(quantities) {
            for (c, q) in group.candidates.iter().zip(quantities) {
                purchases += c.cost as f64 * q;
                obligation += c.obligation as f64 * q;
                upfront += c.upfront as f64 * q;
            }
        }
        let over = |sum: f64, cap: Option<u128>| cap.map_or(0.0, |cap| (sum - cap as f64).max(0.0));
        let mut violation = over(obligation, model.caps.obligation) + over(upfront, model.caps.upfront);
        if let Some(share) = model.caps.coverage {
            let whole = self.whole;
            let expected: f64 =
                on_demand.iter().zip(&model.weights).map(|(c, &w)| c * f64::from(w) / PPM as f64).sum();
            violation += (whole * f64::from(share) / PPM as f64 - (whole - expected)).max(0.0);
        }
        let objective = purchases + objective(model, &on_demand);
        Estimate { purchases, on_demand, objective, violation }
    }
}

/// Expectation of costs per scenario, mixed with the mean of the tail.
pub(super) fn objective(model: &Model, costs: &[f64]) -> f64 {
    let expected: f64 = costs.iter().zip(&model.weights).map(|(c, &w)| c * f64::from(w) / PPM as f64).sum();
    match model.tail {
        Some(tail) => {
            let weight = f64::from(tail.weight) / PPM as f64;
            let all: Vec<(f64, u32)> = costs.iter().copied().zip(model.weights.iter().copied()).collect();
            (1.0 - weight) * expected + weight * tail_mean(&all, tail.share)
        }
        None => expected,
    }
}

/// The mean of the worst `share` (parts per million) of weighted costs: conditional value at risk.
pub(super) fn tail_mean(costs: &[(f64, u32)], share: u32) -> f64 {
    let mut worst: Vec<(f64, u32)> = costs.to_vec();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    let share = share.max(1);
    let mut left = share;
    let mut sum = 0.0;
    for (cost, weight) in worst {
        let part = weight.min(left);
        sum += cost * f64::from(part);
        left -= part;
    }
    sum / f64::from(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_mean_of_the_worst() {
        // Worst 30 %: all of the 20 % at 100 and 10 % of those at 50: (20 x 100 + 10 x 50) / 30.
        let costs = [(10.0, 500_000), (50.0, 300_000), (100.0, 200_000)];
        assert!((tail_mean(&costs, 300_000) - 2_500.0 / 30.0).abs() < 1e-9);
        assert!((tail_mean(&costs, 1_000_000) - 40.0).abs() < 1e-9);
    }
}
