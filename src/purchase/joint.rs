//! Which nodes to run and what to commit to, decided together.
//!
//! What is reserved changes which node is cheapest. A linear programme over all levels of demand, with
//! commitments as columns, says what a unit covered is worth in each of them:
//!
//! ```text
//! min  sum_c cost_c y_c + sum_l W_l ( sum_b rate_b n_bl - sum_ga p_a x_gal )
//! s.t. sum_b z_jbl >= q_jl                                  item type j in level l
//!      sum_j w_jk z_jbl <= W_bk n_bl,  z_jbl <= u_jb n_bl    bin type b, dimension k
//!      sum_g x_gal <= sum_b m_ba n_bl                        atom a: no more covered than runs
//!      sum_a t_ga x_gal <= held_gl + sum_c step_c act_cl y_c  group g                    (dual lambda_gl)
//! ```
//!
//! At those prices a node of type t in level l is worth pi_tl = min(p_t, what covering it takes), and the
//! packing problems of the levels fall apart. Their proven bounds at pi, weighted, less what is owned at
//! lambda, bound every plan with every purchase from below, for any lambda that no offer contradicts.
//! Plans come from packing at several such prices; each gets its own best purchases, and the billing
//! engine's cost decides.

use std::collections::BTreeMap;

use crate::bill::commitment::Holding;
use crate::bill::{EffectiveCost, NodeUsage, Scenario, SeriesRates, UsageError, UsageLine};
use crate::catalog::Provider;
use crate::demand::Timeline;
use crate::formulate::{self, FormulateError};
use crate::levels::{self, Direction, Inputs, Levels, PackError, Packed};
use crate::problem::{BinType, Problem};
use crate::solver;
use crate::solver::control::Silent;
use crate::solver::master::{LpFailure, Programme, Sense};
use crate::units::{Money, PartsPerMillion, Rate};

use super::market::{Market, Tranches};
use super::model::{Caps, Model, PPM, Slot};
use super::relax::Relaxed;
use super::{Options, PurchaseError, PurchasePlan, bound, optimise};

/// One way to pack, with the best purchases for it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The nodes of every level.
    pub packed: Packed,
    /// What to commit to for them; `without` of it is what they cost with nothing bought.
    pub purchases: PurchasePlan,
}

/// The three steps: packed then priced on demand, packed first and then committed, both together.
#[derive(Debug, Clone)]
pub struct Joint {
    /// Packed at on-demand rates: the first step costs `purchases.without`, the second `purchases.cost`.
    pub first: Step,
    /// Packed and committed together: the third step. Never dearer than the second.
    pub together: Step,
    /// No packing of these levels with any purchases costs less.
    pub bound: EffectiveCost,
    /// What was tried, with its cost, in the order of trying.
    pub tried: Vec<(String, EffectiveCost)>,
}

impl Joint {
    /// What deciding together saves against packing first.
    pub fn saved(&self) -> Money {
        self.first.purchases.objective.money() - self.together.purchases.objective.money()
    }
}

/// Why there is no joint plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JointError {
    /// A level cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Nothing can be bought.
    #[error(transparent)]
    Purchase(#[from] PurchaseError),
    /// Levels and hours do not fit together.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The input leaves no problem.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Formulate(Vec<FormulateError>),
}

/// Rounds of adding kinds of nodes that the levels' bounds would rather use.
const ROUNDS: usize = 2;

/// Packs the levels and chooses purchases, first one after the other and then together.
///
/// # Errors
/// A level without any plan, or limits that no purchase keeps.
pub fn together(
    inputs: &Inputs<'_>,
    levels: &Levels,
    timeline: &Timeline,
    owned: &[Holding],
    options: &Options,
) -> Result<Joint, JointError> {
    let step = |packed: Packed| -> Result<Step, JointError> {
        let scenarios = levels::usage(&packed, levels, timeline, inputs.catalog, inputs.ratios)?;
        let purchases = optimise(inputs.catalog, &scenarios, owned, options)?;
        Ok(Step { packed, purchases })
    };
    let first = step(levels::pack(&Inputs { price: &levels::nothing_changed, ..clone_of(inputs) }, levels)?)?;
    let mut tried = vec![("packed at on-demand rates".to_owned(), first.purchases.objective)];
    let mut best = first.clone();

    let cells = Cells::new(inputs, levels, timeline, owned, options)?;
    let mut consider = |name: &str, prices: &Prices| -> Result<Vec<usize>, JointError> {
        let price = |level: usize, catalog_type: usize, rate: Rate| prices.of(level, catalog_type, rate);
        let priced = Inputs { price: &price, ..clone_of(inputs) };
        let mut types = Vec::new();
        // Which end is better shows only when everything is bought.
        for &direction in levels::directions(inputs) {
            let found = step(levels::pack_from(&priced, levels, direction)?)?;
            let from = match direction {
                Direction::BottomUp => "from the least level on",
                Direction::TopDown => "from the highest level on",
            };
            tried.push((format!("{name}, {from}"), found.purchases.objective));
            types.extend(found.packed.kinds.iter().map(|kind| kind.catalog_type));
            if found.purchases.objective < best.purchases.objective {
                best = found;
            }
        }
        Ok(types)
    };
    let mut types: Vec<usize> = first.packed.kinds.iter().map(|kind| kind.catalog_type).collect();
    let steady = cells.steady_prices();
    types.extend(consider("packed at committed rates", &steady)?);
    let by_use = cells.prices_by_use();
    types.extend(consider("packed at what a node costs in its hours", &by_use)?);

    let mut bound = 0;
    for _ in 0..ROUNDS {
        types.sort_unstable();
        types.dedup();
        let known = types.len();
        let Ok(relaxed) = cells.relax(&types) else { break };
        let Some((value, prices, used)) = cells.bound(inputs, &relaxed) else { break };
        bound = bound.max(value);
        types.extend(used);
        types.sort_unstable();
        types.dedup();
        let last = types.len() == known;
        let guided = prices.mixed(&by_use);
        types.extend(consider("packed at the prices of the joint programme", &guided)?);
        if last {
            break;
        }
    }
    Ok(Joint {
        first,
        together: best,
        bound: EffectiveCost::new(Money::from_nanos(i128::try_from(bound).unwrap_or(0))),
        tried,
    })
}

fn clone_of<'a>(inputs: &Inputs<'a>) -> Inputs<'a> {
    Inputs {
        set: inputs.set,
        catalog: inputs.catalog,
        policy: inputs.policy,
        pools: inputs.pools,
        ratios: inputs.ratios,
        price: inputs.price,
        budget: inputs.budget,
        seed: inputs.seed,
    }
}

/// What a node of each type counts at, per level: nano-dollars an hour instead of its on-demand rate.
struct Prices {
    /// Per level and catalog type; types that no level may use are missing.
    levels: Vec<BTreeMap<usize, u64>>,
    /// On-demand rate per catalog type.
    on_demand: BTreeMap<usize, u64>,
}

impl Prices {
    /// A node's whole rate with its on-demand part replaced; never nothing, so that no node is wasted.
    fn of(&self, level: usize, catalog_type: usize, rate: Rate) -> Rate {
        match (self.levels[level].get(&catalog_type), self.on_demand.get(&catalog_type)) {
            (Some(&price), Some(&on_demand)) => {
                let beside = rate.nanos().saturating_sub(on_demand);
                let price = price.min(on_demand).max(on_demand / 1_000).max(1);
                // Spot nodes, which no commitment covers, keep their rate.
                Rate::from_nanos(beside + price).min(rate)
            }
            _ => rate,
        }
    }

    /// Halfway to other prices.
    fn mixed(&self, other: &Prices) -> Prices {
        let levels = self
            .levels
            .iter()
            .zip(&other.levels)
            .map(|(a, b)| {
                a.iter().map(|(&t, &p)| (t, u64::midpoint(p, b.get(&t).copied().unwrap_or(p)))).collect()
            })
            .collect();
        Prices { levels, on_demand: self.on_demand.clone() }
    }
}

/// A level with its problem in terms of lines.
struct LevelProblem {
    problem: Problem,
    /// Per bin type, its line.
    lines: Vec<usize>,
}

/// The joint problem: levels in segments of the horizon, and what covers their nodes.
struct Cells {
    levels: Vec<LevelProblem>,
    /// Slots are levels in segments, their hours times the scenarios' weights; costs are times parts per
    /// million. Demand is empty: it is what is decided.
    model: Model,
    /// The level of each slot.
    level_of: Vec<usize>,
    /// Per line, the atoms of one node.
    made_of: Vec<Vec<(usize, u64)>>,
    /// Per line, its catalog type.
    catalog_types: Vec<usize>,
    /// Per line, the on-demand rate.
    on_demand: Vec<u64>,
    unit: u64,
    sunk: u128,
    roundings: u128,
}

impl Cells {
    fn new(
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

    fn prices(&self, of: impl Fn(usize, usize) -> u64) -> Prices {
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
    fn steady_prices(&self) -> Prices {
        let atoms = self.covered_at(1.0);
        self.prices(|_, line| self.node_price(line, &atoms))
    }

    /// A node that is added in a level runs in that and all higher ones.
    fn prices_by_use(&self) -> Prices {
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

    /// The programme over kinds of nodes of some catalog types. Its duals come back as prices.
    fn relax(&self, types: &[usize]) -> Result<Relaxed, LpFailure> {
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
                let cost = |c: &super::model::Candidate| {
                    c.cost as f64 / c.step as f64 * unit / self.unit as f64 * money
                };
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
        Ok(Relaxed {
            quantities: model.nothing(),
            lambda,
            price_obligation: 0.0,
            price_upfront: 0.0,
            price_coverage: 0.0,
            tilted: vec![1.0],
        })
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

    /// The bound that prices prove: what nodes count at in each level, and the catalog types that the
    /// levels' packings then use. `None` where a sum leaves the range or a level has no plan.
    fn bound(&self, inputs: &Inputs<'_>, relaxed: &Relaxed) -> Option<(u128, Prices, Vec<usize>)> {
        let model = &self.model;
        let scale = u128::from(bound::FINE) * u128::from(PPM);
        let lambda: Vec<Vec<u128>> = model
            .groups
            .iter()
            .zip(&relaxed.lambda)
            .map(|(group, prices)| bound::feasible(model, relaxed, group, prices))
            .collect::<Option<_>>()?;
        let mut total = 0i128;
        let mut used = Vec::new();
        let mut weighted: Vec<Vec<u128>> = vec![vec![0; self.made_of.len()]; self.levels.len()];
        let mut weights = vec![0u128; self.levels.len()];
        for (s, (slot, &level)) in model.slots.iter().zip(&self.level_of).enumerate() {
            let mut pi: Vec<u128> = model.on_demand.iter().map(|&p| u128::from(p) * scale).collect();
            let mut held = 0u128;
            for (group, prices) in model.groups.iter().zip(&lambda) {
                let units = group.held[slot.segment];
                if units == 0 && group.candidates.iter().all(|c| c.active[slot.segment] == 0) {
                    continue;
                }
                for &(a, take) in &group.takes {
                    pi[a] = pi[a].min(prices[s].checked_mul(u128::from(take))?);
                }
                held = held.checked_add(prices[s].checked_mul(u128::from(units))?)?;
            }
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
