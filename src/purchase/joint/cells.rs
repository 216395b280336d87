//! The levels with what covers their nodes, and what a node counts at there.

use std::collections::BTreeMap;

use crate::bill::commitment::Holding;
use crate::bill::{NodeUsage, Scenario, SeriesRates, UsageLine};
use crate::catalog::Provider;
use crate::demand::Timeline;
use crate::formulate;
use crate::levels::{Inputs, Levels};
use crate::problem::Problem;
use crate::purchase::Options;
use crate::purchase::market::{Market, Tranches};
use crate::purchase::model::{Caps, Model, PPM, Slot};
use crate::units::PartsPerMillion;

use super::JointError;
use super::prices::Prices;

/// A level with its problem in terms of lines.
pub(super) struct LevelProblem {
    pub(super) problem: Problem,
    /// Per bin type, its line.
    pub(super) lines: Vec<usize>,
}

/// The joint problem: levels in segments of the horizon, and what covers their nodes.
pub(super) struct Cells {
    pub(super) levels: Vec<LevelProblem>,
    /// Slots are levels in segments, their hours times the scenarios' weights; costs are times parts per
    /// million. Demand is empty: it is what is decided.
    pub(super) model: Model,
    /// The level of each slot.
    pub(super) level_of: Vec<usize>,
    /// Per line, the atoms of one node.
    pub(super) made_of: Vec<Vec<(usize, u64)>>,
    /// Per line, its catalog type.
    pub(super) catalog_types: Vec<usize>,
    /// Per line, the on-demand rate.
    pub(super) on_demand: Vec<u64>,
    pub(super) unit: u64,
    pub(super) sunk: u128,
    pub(super) roundings: u128,
}

impl Cells {
    pub(super) fn new(
        inputs: &Inputs<'_>,
        levels: &Levels,
        timeline: &Timeline,
        owned: &[Holding],
        options: &Options,
    ) -> Result<Self, JointError> {
        let catalog = inputs.catalog;
        let mut lines: BTreeMap<(usize, Option<String>), usize> = BTreeMap::new();
        let mut problems = Vec::with_capacity(levels.levels.len());
        for level in &levels.levels {
            let mut set = inputs.set.clone();
            set.workloads.iter_mut().zip(&level.replicas).for_each(|(workload, &n)| workload.replicas = n);
            let formulation =
                formulate::formulate(&set, catalog, inputs.policy).map_err(JointError::Formulate)?;
            // Without what bounds do not know, where the two differ: the bound holds for both.
            let (problem, nodes) = match formulation.relaxed {
                Some(relaxed) => (relaxed.problem, relaxed.legend.nodes),
                None => (formulation.problem, formulation.legend.nodes),
            };
            let of_bin = nodes
                .iter()
                .map(|node| {
                    let next = lines.len();
                    *lines.entry((node.catalog_type, node.zone.clone())).or_insert(next)
                })
                .collect();
            problems.push(LevelProblem { problem, lines: of_bin });
        }
        let mut keys: Vec<(usize, Option<String>)> = vec![(0, None); lines.len()];
        for (key, at) in lines {
            keys[at] = key;
        }
        let series = SeriesRates::of(catalog, |machine| Some(machine.on_demand.rate));
        let usage_lines: Vec<UsageLine<'_>> = keys
            .iter()
            .map(|(catalog_type, zone)| {
                let machine = &catalog.types[*catalog_type];
                let parts = (catalog.provider == Provider::Gcp)
                    .then(|| series.split(machine, machine.on_demand.rate));
                let line = UsageLine::new(machine).with_components(parts);
                let pool = inputs.ratios.pool(&line);
                let mut line = line.in_pool(pool);
                line.zone.clone_from(zone);
                line
            })
            .collect();
        let hours = timeline.scenarios.first().map_or(0, |s| s.hours.len());
        let nobody = NodeUsage::new(usage_lines, vec![vec![0; keys.len()]], vec![0; hours])?;
        let certain = [Scenario { name: String::new(), weight: PartsPerMillion::ONE, usage: nobody }];
        let market = Market::new(catalog, &certain, owned, options, Tranches::Free);

        let mut slots = Vec::new();
        let mut level_of = Vec::new();
        for (segment, range) in market.segments.iter().enumerate() {
            let mut weights = vec![0u64; problems.len()];
            for s in &timeline.scenarios {
                for &state in &s.hours[range.start as usize..range.end as usize] {
                    weights[levels.of_state[state as usize] as usize] += u64::from(s.scenario.weight.0);
                }
            }
            for (level, &hours) in weights.iter().enumerate().filter(|(_, hours)| **hours > 0) {
                slots.push(Slot { hours, scenario: 0, segment, demand: Vec::new() });
                level_of.push(level);
            }
        }
        let mut model = Model { slots, caps: Caps::default(), tail: None, ..market.model };
        for candidate in model.groups.iter_mut().flat_map(|g| &mut g.candidates) {
            candidate.cost *= u128::from(PPM);
        }
        let kept = model.undominated();
        Ok(Cells {
            model: model.restricted(&kept),
            levels: problems,
            level_of,
            made_of: market.made_of,
            catalog_types: keys.iter().map(|(t, _)| *t).collect(),
            on_demand: keys.iter().map(|(t, _)| catalog.types[*t].on_demand.rate.nanos()).collect(),
            unit: market.unit,
            sunk: market.sunk,
            roundings: market.roundings,
        })
    }

    pub(super) fn prices(&self, of: impl Fn(usize, usize) -> u64) -> Prices {
        let mut levels = vec![BTreeMap::new(); self.levels.len()];
        for (level, prices) in levels.iter_mut().enumerate() {
            for (line, &catalog_type) in self.catalog_types.iter().enumerate() {
                let price = of(level, line);
                let least = prices.entry(catalog_type).or_insert(price);
                *least = price.min(*least);
            }
        }
        let on_demand = self.catalog_types.iter().copied().zip(self.on_demand.iter().copied()).collect();
        Prices { levels, on_demand }
    }

    /// What covering a unit of each atom costs an hour if it is covered in all hours and used in a share
    /// of them; at most its on-demand rate.
    fn covered_at(&self, share: f64) -> Vec<f64> {
        let mut least: Vec<f64> = self.model.on_demand.iter().map(|&p| p as f64).collect();
        for group in &self.model.groups {
            for c in &group.candidates {
                let active: f64 = self
                    .model
                    .slots
                    .iter()
                    .map(|s| s.hours as f64 * f64::from(c.active[s.segment]) / PPM as f64)
                    .sum();
                for &(a, take) in &group.takes {
                    let rate = c.cost as f64 / (active * c.step as f64).max(1e-9) * take as f64;
                    least[a] = least[a].min(rate / share.max(1e-9));
                }
            }
        }
        least
    }

    fn node_price(&self, line: usize, atoms: &[f64]) -> u64 {
        self.made_of[line].iter().map(|&(a, n)| atoms[a] * n as f64 / self.unit as f64).sum::<f64>() as u64
    }

    /// As if everything ran all the time.
    pub(super) fn steady_prices(&self) -> Prices {
        let atoms = self.covered_at(1.0);
        self.prices(|_, line| self.node_price(line, &atoms))
    }

    /// A node that is added in a level runs in that and all higher ones.
    pub(super) fn prices_by_use(&self) -> Prices {
        let whole: u64 = self.model.slots.iter().map(|s| s.hours).sum();
        let atoms: Vec<Vec<f64>> = (0..self.levels.len())
            .map(|level| {
                let above = self.model.slots.iter().zip(&self.level_of).filter(|(_, l)| **l >= level);
                let hours: u64 = above.map(|(s, _)| s.hours).sum();
                self.covered_at(hours as f64 / whole.max(1) as f64)
            })
            .collect();
        self.prices(|level, line| self.node_price(line, &atoms[level]))
    }
}
