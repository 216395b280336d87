//! Packs every level on nodes that levels share.
//!
//! Two ways, and the cheaper one over the weighted hours counts:
//!
//! - bottom-up: from the least level on, each level has the nodes of those below for (nearly) nothing and
//!   buys what it lacks, so that the fleet only grows;
//! - top-down: the highest level is packed by itself, and each level below chooses among the nodes of the
//!   level above, buying others only where these do not suffice.
//!
//! A level runs those nodes of its fleet that hold pods; the others are off in its hours. Every level is
//! formulated with its own replicas, and its plan is verified against that problem and against the
//! workloads' own rules.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::bill::SizeRatios;
use crate::catalog::Catalog;
use crate::demand::Timeline;
use crate::formulate::{self, FormulateError, Formulation, NodeType, Pool};
use crate::plan::Plan;
use crate::policy::{PlanForm, Policy};
use crate::problem::{BinLimit, BinSet, BinType, BinTypeId, ItemType, Problem};
use crate::search;
use crate::solver::SolveError;
use crate::solver::control::Budget;
use crate::units::{Money, Rate};
use crate::verify::{self, VerifiedPlan};
use crate::workload::WorkloadSet;

use super::compress::Levels;
use super::within;

/// Nodes that cost the same and may hold the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeKind {
    /// Index into the catalog's types.
    pub catalog_type: usize,
    /// Labels and taints.
    pub pool: Pool,
    /// The zone, where zones are told apart.
    pub zone: Option<String>,
    /// What one costs an hour on demand (or spot), surcharges and other node costs included.
    pub rate: Rate,
}

impl NodeKind {
    /// Whether they are spot nodes.
    pub fn is_spot(&self) -> bool {
        self.pool.spot.is_some()
    }

    /// What one costs an hour beyond the type's on-demand (or spot) rate.
    pub fn surcharge(&self, catalog: &Catalog) -> Rate {
        let base = formulate::base_rate(&catalog.types[self.catalog_type], self.is_spot());
        Rate::from_nanos(self.rate.nanos().saturating_sub(base.nanos()))
    }

    fn key(&self) -> KindKey {
        KindKey::of(&self.pool, self.catalog_type, self.zone.as_ref())
    }
}

/// What tells kinds of nodes apart: names of pools are those of their labels and taints.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct KindKey {
    catalog_type: usize,
    pool: String,
    labels: BTreeMap<String, String>,
    zone: Option<String>,
}

impl KindKey {
    fn of(pool: &Pool, catalog_type: usize, zone: Option<&String>) -> Self {
        let (name, labels) = (pool.name.clone(), pool.labels.clone());
        KindKey { catalog_type, pool: name, labels, zone: zone.cloned() }
    }
}

/// The pool of equal nodes that a workload is led to: catalog type and name of the node pool.
pub type PoolOf = Option<(usize, String)>;

/// What levels are packed from.
pub struct Inputs<'a> {
    /// Everything that runs; replicas are those of the levels.
    pub set: &'a WorkloadSet,
    /// The prices.
    pub catalog: &'a Catalog,
    /// The settings.
    pub policy: &'a Policy,
    /// For each workload the pool that it stays in, where plans are pooled; empty where they are free.
    pub pools: &'a [PoolOf],
    /// Ratios of sizes that reservations flex over, where the catalog does not tell.
    pub ratios: &'a SizeRatios,
    /// What a node of a type counts at in a level, beside its own rate; see [`nothing_changed`].
    pub price: &'a (dyn Fn(usize, usize, Rate) -> Rate + Sync),
    /// Limits of each level's search.
    pub budget: Budget<'a>,
    /// Seed of each level's search.
    pub seed: u64,
}

/// Nodes count at their own rate in every level.
pub fn nothing_changed(_level: usize, _catalog_type: usize, rate: Rate) -> Rate {
    rate
}

/// From which end the levels were packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the least level on.
    BottomUp,
    /// From the highest level on.
    TopDown,
}

/// One level's plan.
#[derive(Debug, Clone)]
pub struct LevelPlan {
    /// Its problem, in which nodes that other levels have are bin types with a stock.
    pub formulation: Formulation,
    /// Its plan.
    pub plan: VerifiedPlan,
    /// The nodes that run, by kind.
    pub nodes: Vec<u64>,
    /// The nodes that it and the levels below have, by kind: these only grow from level to level.
    pub fleet: Vec<u64>,
    /// What the nodes that run cost an hour on demand.
    pub list_hour: Money,
    /// Pods that limits of node pools leave without a node: workload and how many.
    pub pending: Vec<(usize, u64)>,
}

/// A plan for each level.
#[derive(Debug, Clone)]
pub struct Packed {
    /// From which end.
    pub direction: Direction,
    /// Kinds of nodes that any level has.
    pub kinds: Vec<NodeKind>,
    /// In the order of the levels.
    pub levels: Vec<LevelPlan>,
    /// What the nodes of all levels cost on demand over their weighted hours, in nano-dollars times the
    /// unit of the weights.
    pub list: u128,
    /// The same at the prices that nodes counted at in each level.
    pub priced: u128,
}

/// Why levels cannot be packed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// The input leaves no problem.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Formulate(Vec<FormulateError>),
    /// The search found no plan.
    #[error("level {level}: {error}")]
    Solve {
        /// From 1, the least first.
        level: usize,
        /// Why.
        error: SolveError,
    },
    /// A plan was refused, which is a bug of ours.
    #[error("level {level}: {message}, which is a bug")]
    Refused {
        /// From 1, the least first.
        level: usize,
        /// By what.
        message: String,
    },
}

/// Packs the levels both ways and returns the cheaper result.
///
/// # Errors
/// A level without any plan.
pub fn pack(inputs: &Inputs<'_>, levels: &Levels) -> Result<Packed, PackError> {
    let tried: Vec<Result<Packed, PackError>> =
        directions(inputs).par_iter().map(|&d| pack_from(inputs, levels, d)).collect();
    // Where nodes are limited, what runs below may leave no plan above, or the other way round.
    let pending = |packed: &Packed| -> u64 {
        packed.levels.iter().flat_map(|level| &level.pending).map(|&(_, pods)| pods).sum()
    };
    let key = |packed: &Packed| (pending(packed), packed.priced, packed.direction == Direction::BottomUp);
    let mut best: Option<Result<Packed, PackError>> = None;
    for found in tried {
        best = match (best, found) {
            (Some(Ok(best)), Ok(found)) if key(&best) <= key(&found) => Some(Ok(best)),
            (Some(best), Err(_)) => Some(best),
            (_, found) => Some(found),
        };
    }
    best.expect("there is a direction")
}

/// From which ends levels may be packed.
pub fn directions(inputs: &Inputs<'_>) -> &'static [Direction] {
    // With few types allowed, levels below the highest choose among its types; bottom-up the types of the
    // least level would bind all others.
    match inputs.policy.max_types {
        Some(_) => &[Direction::TopDown],
        None => &[Direction::BottomUp, Direction::TopDown],
    }
}

/// Nodes of a level that the next one has.
type Stock = BTreeMap<KindKey, u64>;

/// Packs the levels from one end.
///
/// # Errors
/// A level without any plan.
pub fn pack_from(inputs: &Inputs<'_>, levels: &Levels, direction: Direction) -> Result<Packed, PackError> {
    let count = levels.levels.len();
    let order: Vec<usize> = match direction {
        Direction::BottomUp => (0..count).collect(),
        Direction::TopDown => (0..count).rev().collect(),
    };
    let mut kinds: BTreeMap<KindKey, NodeKind> = BTreeMap::new();
    let mut stock: Option<Stock> = None;
    let mut made: Vec<Option<Made>> = vec![None; count];
    for level in order {
        let replicas = &levels.levels[level].replicas;
        let solve = |replicas: &[u64]| solved(inputs, replicas, level, stock.as_ref(), direction);
        let ((formulation, plan), pending) = within::limits(&at_level(inputs, replicas)?, replicas, &solve)?;
        let nodes = count_nodes(inputs, &formulation, plan.plan(), &mut kinds);
        let mut next = nodes.clone();
        if direction == Direction::BottomUp {
            for (key, n) in stock.take().unwrap_or_default() {
                let kept = next.entry(key).or_default();
                *kept = n.max(*kept);
            }
        }
        stock = Some(next);
        made[level] = Some(Made { formulation, plan, nodes, pending });
    }
    Ok(assemble(inputs, levels, direction, &kinds, made.into_iter().flatten().collect()))
}

/// One level as it is packed.
#[derive(Clone)]
struct Made {
    formulation: Formulation,
    plan: VerifiedPlan,
    nodes: Stock,
    pending: Vec<(usize, u64)>,
}

/// A verified plan of a level.
fn solved(
    inputs: &Inputs<'_>,
    replicas: &[u64],
    level: usize,
    stock: Option<&Stock>,
    direction: Direction,
) -> Result<(Formulation, VerifiedPlan), PackError> {
    let formulation = at_level(inputs, replicas)?;
    let formulation = with_stock(inputs, formulation, level, stock, direction);
    let problem = &formulation.problem;
    let outcome = search::solve_within_limits(problem, &inputs.budget, inputs.seed)
        .map_err(|error| PackError::Solve { level: level + 1, error })?;
    let refused = |message: String| PackError::Refused { level: level + 1, message };
    let outcome = verify::verify(problem, outcome)
        .map_err(|v| refused(v.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let plan = outcome.plan().clone();
    let set = set_at(inputs, replicas);
    if let Some(breach) = search::breaches(&set, inputs.catalog, &formulation, &plan).first() {
        return Err(refused(breach.to_string()));
    }
    Ok((formulation, plan))
}

fn assemble(
    inputs: &Inputs<'_>,
    levels: &Levels,
    direction: Direction,
    kinds: &BTreeMap<KindKey, NodeKind>,
    made: Vec<Made>,
) -> Packed {
    let keys: Vec<&KindKey> = kinds.keys().collect();
    let kinds: Vec<NodeKind> = kinds.values().cloned().collect();
    let mut fleet = vec![0u64; kinds.len()];
    let (mut list, mut priced) = (0u128, 0u128);
    let of_levels = levels.levels.iter().enumerate();
    let plans = made.into_iter().zip(of_levels).map(|(made, (number, level))| {
        let Made { formulation, plan, nodes, pending } = made;
        let nodes: Vec<u64> = keys.iter().map(|key| nodes.get(key).copied().unwrap_or(0)).collect();
        fleet.iter_mut().zip(&nodes).for_each(|(fleet, &n)| *fleet = n.max(*fleet));
        let hour: Money = kinds.iter().zip(&nodes).map(|(kind, &n)| kind.rate.for_hours(n)).sum();
        list += hour.nanos().unsigned_abs() * u128::from(level.weight);
        let price = |kind: &NodeKind| (inputs.price)(number, kind.catalog_type, kind.rate);
        let at_prices: Money = kinds.iter().zip(&nodes).map(|(kind, &n)| price(kind).for_hours(n)).sum();
        priced += at_prices.nanos().unsigned_abs() * u128::from(level.weight);
        LevelPlan { formulation, plan, nodes, fleet: fleet.clone(), list_hour: hour, pending }
    });
    let levels = plans.collect();
    Packed { direction, kinds, levels, list, priced }
}

fn set_at(inputs: &Inputs<'_>, replicas: &[u64]) -> WorkloadSet {
    let mut set = inputs.set.clone();
    set.workloads.iter_mut().zip(replicas).for_each(|(workload, &n)| workload.replicas = n);
    set
}

/// The problem of a level, each workload in its pool where plans are pooled.
fn at_level(inputs: &Inputs<'_>, replicas: &[u64]) -> Result<Formulation, PackError> {
    let set = set_at(inputs, replicas);
    let Inputs { catalog, policy, .. } = inputs;
    let free = formulate::formulate(&set, catalog, policy).map_err(PackError::Formulate)?;
    if policy.form == PlanForm::Free || inputs.pools.is_empty() {
        return Ok(free);
    }
    let pooled = formulate::pooled(&set, catalog, policy, &free).map_err(PackError::Formulate)?;
    let mut formulation = pooled.formulation;
    let legend = &formulation.legend;
    let in_pool = |node: &NodeType, pool: &(usize, String)| {
        node.catalog_type == pool.0 && legend.pools[node.pool].name == pool.1
    };
    let mut items: Vec<ItemType> = formulation.problem.items().to_vec();
    for (item, members) in items.iter_mut().zip(&legend.items) {
        let Some(pool) = members.workloads.first().and_then(|&(w, _)| inputs.pools[w].as_ref()) else {
            continue;
        };
        let flags = item.eligible.as_slice().iter().zip(&legend.nodes);
        let flags: Vec<bool> = flags.map(|(&ok, node)| ok && in_pool(node, pool)).collect();
        // A pool that this level's problem does not have leaves the choice open.
        if flags.contains(&true) {
            item.eligible = BinSet::new(flags);
        }
    }
    formulation.problem =
        rebuilt(&formulation.problem, items, formulation.problem.bins().to_vec(), true, &[]);
    Ok(formulation)
}

/// How much dearer a node outside the level above counts top-down, so that nodes are not swapped.
const OUTSIDE: u64 = 4;
/// The part of its rate that a node of the levels below counts at bottom-up: so little that any is used
/// before another is bought, and enough that no more run than are needed.
const SUNK: u64 = 1_000;

/// Adds the nodes in stock as bin types of their own.
fn with_stock(
    inputs: &Inputs<'_>,
    mut formulation: Formulation,
    level: usize,
    stock: Option<&Stock>,
    direction: Direction,
) -> Formulation {
    let legend = &formulation.legend;
    let problem = &formulation.problem;
    let key = |node: &NodeType| KindKey::of(&legend.pools[node.pool], node.catalog_type, node.zone.as_ref());
    let own = |node: &NodeType, rate: Rate| (inputs.price)(level, node.catalog_type, rate);
    let times = |rate: Rate, n: u64| Rate::from_nanos(rate.nanos().saturating_mul(n));
    let mut bins: Vec<BinType> = problem.bins().to_vec();
    let mut nodes = legend.nodes.clone();
    let mut copied: Vec<usize> = Vec::new();
    for b in 0..legend.nodes.len() {
        let node = &legend.nodes[b];
        let rate = own(node, bins[b].rate);
        let Some(stock) = stock else {
            bins[b].rate = rate;
            continue;
        };
        let (inside, outside) = match direction {
            Direction::BottomUp => (Rate::from_nanos(rate.nanos().div_ceil(SUNK).max(1)), rate),
            Direction::TopDown => (rate, times(rate, OUTSIDE)),
        };
        bins[b].rate = outside;
        let have = stock.get(&key(node)).copied().unwrap_or(0);
        let have = bins[b].stock.map_or(have, |most| most.min(have));
        if have > 0 {
            bins[b].stock = bins[b].stock.map(|most| most - have);
            bins.push(BinType { rate: inside, stock: Some(have), ..bins[b].clone() });
            nodes.push(node.clone());
            copied.push(b);
        }
    }
    let capped = problem.max_bin_types().is_some() && stock.is_some();
    let items = problem.items().iter().map(|item| {
        let flags = item.eligible.as_slice();
        let own = flags.iter().enumerate().map(|(b, &ok)| ok && (!capped || copied.contains(&b)));
        let eligible = own.chain(copied.iter().map(|&b| flags[b])).collect();
        ItemType { eligible: BinSet::new(eligible), ..item.clone() }
    });
    let items = items.collect();
    formulation.problem = rebuilt(problem, items, bins, stock.is_none(), &copied);
    formulation.legend.nodes = nodes;
    formulation
}

/// The problem with other items and bins, the last of which are copies of these; with its cap on types, or
/// without. Its limits count copies as what they are copies of.
fn rebuilt(
    problem: &Problem,
    items: Vec<ItemType>,
    bins: Vec<BinType>,
    capped: bool,
    copied: &[usize],
) -> Problem {
    let cap = problem.max_bin_types().filter(|_| capped);
    let conflicts = problem.conflicts().iter().copied();
    let first = problem.bins().len() as u32;
    let limits = problem.bin_limits().iter().map(|limit| {
        let of_copies = (first..).zip(copied).filter_map(|(copy, &b)| {
            let weight = limit.weights.iter().find(|(bin, _)| bin.index() == b)?.1;
            Some((BinTypeId(copy), weight))
        });
        BinLimit { weights: limit.weights.iter().copied().chain(of_copies).collect(), ..limit.clone() }
    });
    Problem::new(problem.dimensions().to_vec(), items, bins, conflicts, cap)
        .and_then(|rebuilt| rebuilt.with_bin_limits(limits.collect()))
        .expect("items and bins of a valid problem")
}

/// The nodes of a plan that hold pods, by kind, at their own rates.
fn count_nodes(
    inputs: &Inputs<'_>,
    formulation: &Formulation,
    plan: &Plan,
    kinds: &mut BTreeMap<KindKey, NodeKind>,
) -> Stock {
    let mut counts = Stock::new();
    let legend = &formulation.legend;
    for (pattern, copies) in plan.bins().filter(|(pattern, _)| !pattern.content().is_empty()) {
        let BinTypeId(bin) = pattern.bin_type();
        let node = &legend.nodes[bin as usize];
        let machine = &inputs.catalog.types[node.catalog_type];
        let kind = NodeKind {
            catalog_type: node.catalog_type,
            pool: legend.pools[node.pool].clone(),
            zone: node.zone.clone(),
            rate: formulate::node_rate(machine, inputs.policy, legend.pools[node.pool].spot.is_some()),
        };
        *counts.entry(kind.key()).or_default() += copies;
        kinds.entry(kind.key()).or_insert(kind);
    }
    counts
}

/// What one replica of each workload is worth an hour, in nano-dollars: the least part of a node's rate
/// that its largest share of the node takes. For merging states, not for bills.
///
/// # Errors
/// An input that leaves no problem.
pub fn values(inputs: &Inputs<'_>, timeline: &Timeline) -> Result<Vec<u64>, PackError> {
    let count = inputs.set.workloads.len();
    let most = |w: usize| timeline.states.iter().map(|state| state[w]).max().unwrap_or(0);
    let peak: Vec<u64> = (0..count).map(most).collect();
    let set = set_at(inputs, &peak);
    let formulation =
        formulate::formulate(&set, inputs.catalog, inputs.policy).map_err(PackError::Formulate)?;
    let problem = &formulation.problem;
    let mut values = vec![1u64; count];
    for (item, members) in problem.items().iter().zip(&formulation.legend.items) {
        let part = |bin: &BinType| {
            let shares = item.demand.as_slice().iter().zip(bin.capacity.as_slice());
            let parts = shares.filter(|&(&demand, _)| demand > 0).map(|(&demand, &capacity)| {
                (u128::from(bin.rate.nanos()) * u128::from(demand)).div_ceil(u128::from(capacity.max(1)))
            });
            parts.max().unwrap_or(1)
        };
        let eligible = problem.bin_ids().filter(|&bin| item.eligible.contains(bin));
        let least = eligible.map(|bin| part(problem.bin(bin))).min().unwrap_or(1);
        let least = u64::try_from(least).unwrap_or(u64::MAX);
        members.workloads.iter().for_each(|&(w, _)| values[w] = least.max(values[w]));
    }
    Ok(values)
}
