//! From the cluster that runs to a cheaper one, step by step: which nodes to keep, which to add and to
//! drain, and in which order pods move.
//!
//! A step adds nodes, moves pods in waves and removes the nodes that are empty then: N nodes become M.
//! Steps do not depend on each other, so that each may be left out; each saves what is asked for at
//! least. But for the first where pods wait for a node: it gives them one, and costs what that costs.
//! [`check`] replays them with code of its own: at no time a pod is nowhere, a node holds more
//! than it offers, or a PodDisruptionBudget is broken.

mod arrive;
pub mod check;
mod exchange;
mod fleet;
mod search;
mod steps;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::formulate::standing::{Remainder, Standing};
use crate::observed::DisruptionBudget;
use crate::problem::{BinTypeId, ItemTypeId};
use crate::solver::control::Effort;
use crate::units::{HOURS_PER_MONTH, Money};
use crate::verify::{VerifiedPlan, Violation, verify_plan};
use crate::workload::WorkloadSet;

use check::{Flaw, Ground};
use fleet::Fleet;

/// What a migration is searched by.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// What a step has to save a month at least; a step that saves nothing is never taken.
    pub min_saving: Money,
    /// How hard to try.
    pub effort: Effort,
    /// Seed of the randomised parts.
    pub seed: u64,
    /// When to end with what was found; pods still leave nodes for room elsewhere. `None` for no such time:
    /// then the same input and seed give the same migration.
    pub deadline: Option<Instant>,
    /// Set from outside (Ctrl-C) to end with what was found.
    pub cancel: Option<&'a AtomicBool>,
}

impl Settings<'_> {
    /// Whether the search for cheaper nodes is over.
    fn over(&self) -> bool {
        self.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// A node of a migration: those that run are numbered first, those that are added follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// The way to a cheaper cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Bin types of the nodes that are added, numbered on from those that run.
    pub added: Vec<BinTypeId>,
    /// Where it ends.
    pub end: VerifiedPlan,
    /// Pods that wait for a node even so.
    pub waiting: Vec<(ItemTypeId, u64)>,
    /// The problem that the end is a plan of: that of the cluster without those.
    pub of: Remainder,
    /// Pods that are evicted, one that moves twice counted twice.
    pub pods_moved: u64,
    /// Why steps that were found are left out.
    pub refused: Vec<Flaw>,
    /// Nodes that stay because a pod on them may not be moved.
    pub held_nodes: u64,
}

/// N nodes become M.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Nodes to add, before anything else.
    pub add: Vec<NodeId>,
    /// Nodes to cordon, then to drain by the waves, then to remove.
    pub remove: Vec<NodeId>,
    /// Pods that waited and get a node, before any move.
    pub arrivals: Vec<Arrival>,
    /// Pods that move at the same time; one wave after the other.
    pub waves: Vec<Vec<Move>>,
    /// What it saves an hour; negative where it gives nodes to pods that wait.
    pub saving: Money,
}

/// Pods of one kind that waited and get a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// Which kind.
    pub item: ItemTypeId,
    /// Which node.
    pub to: NodeId,
    /// How many.
    pub pods: u64,
}

/// Pods of one kind that go from one node to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// Which kind.
    pub item: ItemTypeId,
    /// From where.
    pub from: NodeId,
    /// To where.
    pub to: NodeId,
    /// How many.
    pub pods: u64,
}

/// Why there is no migration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    /// The end breaks a rule of the problem, which is a bug of ours.
    #[error("the end of the migration breaks a rule: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    End(Vec<Violation>),
    /// The way breaks one, which is a bug of ours.
    #[error("a step of the migration is not possible: {0}")]
    Way(Flaw),
}

/// What budgets say of kinds of pods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Limits {
    /// Kinds that share a budget, and how many of them may be away at once.
    budgets: Vec<(Vec<ItemTypeId>, u64)>,
    /// Kinds that nobody may evict: a budget allows none, or two budgets are about them, which the
    /// eviction API refuses.
    never: BTreeSet<ItemTypeId>,
}

impl Limits {
    /// Of the pods that do not wait.
    fn of(
        standing: &Standing,
        set: &WorkloadSet,
        budgets: &[DisruptionBudget],
        waiting: &[(ItemTypeId, u64)],
    ) -> Self {
        let away: std::collections::BTreeMap<ItemTypeId, u64> = waiting.iter().copied().collect();
        let mut limits = Limits::default();
        let mut times = vec![0; standing.problem.items().len()];
        for budget in budgets {
            let covered: Vec<ItemTypeId> = (0u32..)
                .zip(&standing.legend.items)
                .filter(|(_, members)| budget.covers(&set.workloads[members.workloads[0].0]))
                .map(|(id, _)| ItemTypeId(id))
                .collect();
            let there = |item: &ItemTypeId| {
                standing.problem.item(*item).copies - away.get(item).copied().unwrap_or(0)
            };
            let pods = covered.iter().map(there).sum();
            covered.iter().for_each(|item| times[item.index()] += 1);
            match budget.disruptions(pods) {
                0 => limits.never.extend(covered),
                allowed => limits.budgets.push((covered, allowed)),
            }
        }
        limits.never.extend(standing.problem.item_ids().filter(|item| times[item.index()] > 1));
        limits
    }
}

/// Searches for a cheaper cluster that keeps nodes where that pays, and for the way there. The end
/// never costs more than the cluster as it is with nodes for the pods that wait.
///
/// # Errors
/// What [`check`] finds, which is a bug of ours.
pub fn migrate(ground: &Ground<'_>, settings: &Settings<'_>) -> Result<Migration, MigrationError> {
    let standing = ground.standing;
    let limits = |waiting: &[(ItemTypeId, u64)]| Limits::of(standing, ground.set, ground.budgets, waiting);
    let never = limits(&standing.waiting).never;
    let today = Fleet::start(standing, &never);
    let arrived = arrive::arrive(&today, ground, settings);
    let first: Vec<Step> = arrived.step.into_iter().collect();
    let start = arrived.fleet;
    let limits = limits(&arrive::waiting(&standing.waiting, &first));
    let way = |end: &Fleet<'_>| {
        let (candidates, more) = steps::steps(&start, end, &limits, least_saving(settings));
        let candidates = first.iter().cloned().chain(candidates).collect();
        let added = [arrived.added.clone(), more].concat();
        let (steps, refused) = check::accepted(ground, &added, candidates);
        (steps, refused, added)
    };
    let saved = |steps: &[Step]| steps.iter().map(|step| step.saving).sum::<Money>();
    let (mut steps, mut refused, mut added) = way(&search::search(&start, settings));
    if settings.min_saving > Money::ZERO {
        // Exchanges of a few nodes that save too little each may add up to a step that saves enough.
        let any = search::search(&start, &Settings { min_saving: Money::ZERO, ..*settings });
        let other = way(&any);
        if saved(&other.0) > saved(&steps) {
            (steps, refused, added) = other;
        }
    }
    let (steps, added) = renumbered(standing.nodes.len(), steps, &added);
    let reached = check::replay(ground, &added, &steps).map_err(MigrationError::Way)?;
    let waiting = arrive::waiting(&standing.waiting, &steps);
    let of = standing.without(&waiting);
    let end = verify_plan(&of.problem, of.plan(&arrive::as_plan(reached))).map_err(MigrationError::End)?;
    let pods_moved = steps.iter().flat_map(|s| s.waves.iter().flatten()).map(|m| m.pods).sum();
    let held_nodes = start.nodes.iter().filter(|node| !node.held.is_empty()).count() as u64;
    Ok(Migration { steps, added, end, waiting, of, pods_moved, refused, held_nodes })
}

/// What a step saves an hour at least, in nano-dollars; rounded up, and never nothing.
fn least_saving(settings: &Settings<'_>) -> i128 {
    let hours = i128::from(HOURS_PER_MONTH);
    ((settings.min_saving.nanos() + hours - 1) / hours).max(1)
}

/// Added nodes numbered in the order in which steps add them, without those of steps left out.
fn renumbered(running: usize, mut steps: Vec<Step>, added: &[BinTypeId]) -> (Vec<Step>, Vec<BinTypeId>) {
    let mut number = vec![None; added.len()];
    let mut bins = Vec::new();
    for step in &mut steps {
        for node in &mut step.add {
            let place = node.0 - running;
            number[place] = Some(NodeId(running + bins.len()));
            bins.push(added[place]);
        }
        let renamed = |node: NodeId| match node.0.checked_sub(running) {
            None => node,
            Some(place) => number[place].expect("a step uses only nodes that were added"),
        };
        step.add.iter_mut().for_each(|node| *node = renamed(*node));
        step.remove.iter_mut().for_each(|node| *node = renamed(*node));
        step.arrivals.iter_mut().for_each(|arrival| arrival.to = renamed(arrival.to));
        for step_move in step.waves.iter_mut().flatten() {
            step_move.from = renamed(step_move.from);
            step_move.to = renamed(step_move.to);
        }
    }
    (steps, bins)
}
