//! Replays a migration with code of its own, wave by wave: every pod lies on a node that may hold it, no
//! node holds more than it offers, and no PodDisruptionBudget is broken.
//!
//! Pods of a wave are counted on both nodes until it is over: the old one is gone no sooner than the new
//! one has its place. After each step the rules between pods are checked as the workloads state them;
//! what the cluster as it is broke already may stay as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::catalog::Catalog;
use crate::formulate::standing::Standing;
use crate::observed::DisruptionBudget;
use crate::plan::{Pattern, Plan};
use crate::problem::{BinTypeId, ItemTypeId};
use crate::verify::placement::{self, Breach};
use crate::workload::{Workload, WorkloadSet};

use super::{NodeId, Step};

/// Something in a migration that is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A node is used that is not there, or is added twice.
    #[error("node {} is not there, or there twice", .0.0)]
    NotThere(NodeId),
    /// A node gets pods that it may not take: it is cordoned, or by the pods' rules.
    #[error("node {} may not take pods of kind {}", .node.0, .item.0)]
    MayNotTake {
        /// Which node.
        node: NodeId,
        /// Which kind of pods.
        item: ItemTypeId,
    },
    /// A node holds more than it offers.
    #[error("node {} holds more {dimension} than it offers", .node.0)]
    Full {
        /// Which node.
        node: NodeId,
        /// Of what.
        dimension: String,
    },
    /// Pods leave that are not there, or that nobody may move.
    #[error("pods of kind {} cannot leave node {}", .item.0, .node.0)]
    CannotLeave {
        /// Which node.
        node: NodeId,
        /// Which kind of pods.
        item: ItemTypeId,
    },
    /// More pods get a node than wait for one.
    #[error("no more pods of kind {} wait for a node", .0.0)]
    NotWaiting(ItemTypeId),
    /// More pods are away at once than a budget allows.
    #[error("the PodDisruptionBudget {0} is broken")]
    Budget(String),
    /// A node is removed with pods on it.
    #[error("node {} is removed with pods on it", .0.0)]
    NotEmpty(NodeId),
    /// A rule between pods holds no longer.
    #[error("{0}")]
    Rule(Breach),
    /// A step says that it saves something else than it does.
    #[error("a step does not save what it says")]
    Saving,
}

/// What everything is checked against.
pub struct Ground<'a> {
    /// The problem of the running cluster.
    pub standing: &'a Standing,
    /// Its workloads.
    pub set: &'a WorkloadSet,
    /// Its prices.
    pub catalog: &'a Catalog,
    /// Its budgets.
    pub budgets: &'a [DisruptionBudget],
}

impl fmt::Debug for Ground<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ground").field("nodes", &self.standing.nodes.len()).finish_non_exhaustive()
    }
}

type Pods = BTreeMap<ItemTypeId, u64>;

/// Who lies where at one time.
#[derive(Debug, Clone)]
struct State {
    nodes: BTreeMap<NodeId, (BinTypeId, Pods)>,
    /// Nodes that were cordoned before, and those that steps drain.
    cordoned: BTreeSet<NodeId>,
    draining: BTreeSet<NodeId>,
    /// Pods that lie on no node.
    waiting: Pods,
}

/// What a step may change, as it was before.
struct Before {
    nodes: BTreeMap<NodeId, Option<(BinTypeId, Pods)>>,
    waiting: Pods,
}

/// The end of a migration: what each node holds.
///
/// # Errors
/// The first thing that is not possible.
pub fn replay(ground: &Ground<'_>, added: &[BinTypeId], steps: &[Step]) -> Result<Vec<Pattern>, Flaw> {
    let rules = Rules::of(ground);
    let mut state = State::start(ground);
    for step in steps {
        state.go(ground, added, step)?;
        if ground.standing.nodes.len() <= OFTEN {
            rules.hold(ground, &state)?;
        }
    }
    rules.hold(ground, &state)?;
    Ok(state.patterns().collect())
}

/// Up to so many running nodes, rules between pods are looked at after every step; beyond, they are at the
/// end, and after every step only where the end breaks one.
const OFTEN: usize = 500;

/// Of some steps, those that are possible one after the other; and why the others are not.
pub fn accepted(ground: &Ground<'_>, added: &[BinTypeId], steps: Vec<Step>) -> (Vec<Step>, Vec<Flaw>) {
    let rules = Rules::of(ground);
    let often = rules.any && ground.standing.nodes.len() <= OFTEN;
    let (kept, refused, state) = possible(ground, added, steps.clone(), often.then_some(&rules));
    if often || rules.hold(ground, &state).is_ok() {
        return (kept, refused);
    }
    let (kept, refused, _) = possible(ground, added, steps, Some(&rules));
    (kept, refused)
}

fn possible(
    ground: &Ground<'_>,
    added: &[BinTypeId],
    steps: Vec<Step>,
    rules: Option<&Rules>,
) -> (Vec<Step>, Vec<Flaw>, State) {
    let mut state = State::start(ground);
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for step in steps {
        let before = state.part(&step);
        let went = state.go(ground, added, &step);
        let held = went.and_then(|()| rules.map_or(Ok(()), |rules| rules.hold(ground, &state)));
        match held {
            Ok(()) => kept.push(step),
            Err(flaw) => {
                state.restore(&step, before);
                refused.push(flaw);
            }
        }
    }
    (kept, refused, state)
}

/// Rules between pods, as far as there are any.
struct Rules {
    everybody: Vec<Workload>,
    /// Where DaemonSets begin among them.
    first: usize,
    /// What is broken already.
    broken: BTreeSet<Breach>,
    any: bool,
}

impl Rules {
    fn of(ground: &Ground<'_>) -> Self {
        let everybody: Vec<Workload> =
            ground.set.workloads.iter().chain(&ground.set.daemon_sets).cloned().collect();
        let between = |w: &Workload| {
            let rules = &w.pod.rules;
            !rules.pod_affinity.is_empty()
                || !rules.pod_anti_affinity.is_empty()
                || !rules.topology_spread.is_empty()
                || !rules.host_ports.is_empty()
        };
        let any = everybody.iter().any(between);
        let mut rules = Rules { everybody, first: ground.set.workloads.len(), broken: BTreeSet::new(), any };
        rules.broken = rules.breaches(ground, &State::start(ground)).into_iter().collect();
        rules
    }

    /// Whether nothing is broken that was not before.
    fn hold(&self, ground: &Ground<'_>, state: &State) -> Result<(), Flaw> {
        let breaches = self.breaches(ground, state);
        match breaches.into_iter().find(|breach| !self.broken.contains(breach)) {
            Some(breach) => Err(Flaw::Rule(breach)),
            None => Ok(()),
        }
    }

    fn breaches(&self, ground: &Ground<'_>, state: &State) -> Vec<Breach> {
        if !self.any {
            return Vec::new();
        }
        let plan: Plan = state.patterns().map(|pattern| (pattern, 1)).collect();
        let mut standing = placement::standing(&ground.standing.legend, ground.catalog, &plan);
        placement::add_daemon_sets(&self.everybody, self.first, &mut standing);
        placement::check(&self.everybody, &standing)
    }
}

impl State {
    fn start(ground: &Ground<'_>) -> Self {
        let nodes = ground.standing.nodes.iter().enumerate();
        let nodes = nodes.map(|(n, node)| (NodeId(n), (node.bin, node.content.iter().copied().collect())));
        let closed = ground.standing.nodes.iter().enumerate().filter(|(_, node)| !node.open);
        State {
            nodes: nodes.collect(),
            cordoned: closed.map(|(n, _)| NodeId(n)).collect(),
            draining: BTreeSet::new(),
            waiting: ground.standing.waiting.iter().copied().collect(),
        }
    }

    fn patterns(&self) -> impl Iterator<Item = Pattern> + '_ {
        self.nodes.values().map(|(bin, pods)| Pattern::new(*bin, pods.iter().map(|(&item, &n)| (item, n))))
    }

    /// What a step may change.
    fn part(&self, step: &Step) -> Before {
        let moves = step.waves.iter().flatten().flat_map(|m| [m.from, m.to]);
        let arrivals = step.arrivals.iter().map(|arrival| arrival.to);
        let nodes = step.add.iter().chain(&step.remove).copied().chain(moves).chain(arrivals);
        let nodes = nodes.map(|node| (node, self.nodes.get(&node).cloned())).collect();
        Before { nodes, waiting: self.waiting.clone() }
    }

    /// Takes a step back.
    fn restore(&mut self, step: &Step, before: Before) {
        self.waiting = before.waiting;
        for (node, was) in before.nodes {
            match was {
                Some(was) => drop(self.nodes.insert(node, was)),
                None => drop(self.nodes.remove(&node)),
            }
        }
        self.draining.retain(|node| !step.remove.contains(node));
    }

    /// Goes one step, rules between pods apart.
    fn go(&mut self, ground: &Ground<'_>, added: &[BinTypeId], step: &Step) -> Result<(), Flaw> {
        let running = ground.standing.nodes.len();
        let rate = |bin: BinTypeId| i128::from(ground.standing.problem.bin(bin).rate.nanos());
        let mut saving = 0;
        for &node in &step.add {
            let bin = node.0.checked_sub(running).and_then(|n| added.get(n)).ok_or(Flaw::NotThere(node))?;
            if self.nodes.insert(node, (*bin, Pods::new())).is_some() {
                return Err(Flaw::NotThere(node));
            }
            saving -= rate(*bin);
        }
        self.draining.extend(&step.remove);
        for arrival in &step.arrivals {
            self.arrive(ground, arrival)?;
        }
        for wave in &step.waves {
            self.wave(ground, wave)?;
        }
        for &node in &step.remove {
            let (bin, pods) = self.nodes.remove(&node).ok_or(Flaw::NotThere(node))?;
            if !pods.is_empty() {
                return Err(Flaw::NotEmpty(node));
            }
            saving += rate(bin);
        }
        if saving == step.saving.nanos() { Ok(()) } else { Err(Flaw::Saving) }
    }

    fn arrive(&mut self, ground: &Ground<'_>, arrival: &super::Arrival) -> Result<(), Flaw> {
        let super::Arrival { item, to, pods } = *arrival;
        let left = self.waiting.get_mut(&item).ok_or(Flaw::NotWaiting(item))?;
        *left = left.checked_sub(pods).ok_or(Flaw::NotWaiting(item))?;
        let (_, here) = self.nodes.get_mut(&to).ok_or(Flaw::NotThere(to))?;
        if self.cordoned.contains(&to) || self.draining.contains(&to) {
            return Err(Flaw::MayNotTake { node: to, item });
        }
        *here.entry(item).or_default() += pods;
        self.holds(ground, to)
    }

    fn wave(&mut self, ground: &Ground<'_>, wave: &[super::Move]) -> Result<(), Flaw> {
        let mut away = Pods::new();
        for m in wave {
            *away.entry(m.item).or_default() += m.pods;
            let (_, pods) = self.nodes.get_mut(&m.to).ok_or(Flaw::NotThere(m.to))?;
            if self.cordoned.contains(&m.to) || self.draining.contains(&m.to) || m.from == m.to {
                return Err(Flaw::MayNotTake { node: m.to, item: m.item });
            }
            *pods.entry(m.item).or_default() += m.pods;
        }
        for m in wave {
            self.holds(ground, m.to)?;
        }
        ground.budgets.iter().try_for_each(|budget| keeps(ground, budget, &away, &self.waiting))?;
        for m in wave {
            let cannot = Flaw::CannotLeave { node: m.from, item: m.item };
            let (_, pods) = self.nodes.get_mut(&m.from).ok_or(Flaw::NotThere(m.from))?;
            let here = pods.get_mut(&m.item).ok_or(cannot.clone())?;
            let held = ground.standing.nodes.get(m.from.0).into_iter().flat_map(|node| &node.held);
            let held: u64 = held.filter(|(item, _)| *item == m.item).map(|&(_, n)| n).sum();
            *here = here.checked_sub(m.pods).filter(|&left| left >= held).ok_or(cannot)?;
            if *here == 0 {
                pods.remove(&m.item);
            }
        }
        Ok(())
    }

    /// Whether a node may hold what it holds.
    fn holds(&self, ground: &Ground<'_>, node: NodeId) -> Result<(), Flaw> {
        let problem = &ground.standing.problem;
        let (bin, pods) = &self.nodes[&node];
        let capacity = &problem.bin(*bin).capacity;
        for (k, dimension) in problem.dimensions().iter().enumerate() {
            let amounts =
                pods.iter().map(|(&item, &n)| u128::from(problem.item(item).demand[k]) * u128::from(n));
            if amounts.sum::<u128>() > u128::from(capacity[k]) {
                return Err(Flaw::Full { node, dimension: dimension.clone() });
            }
        }
        for (&item, &n) in pods {
            let it = problem.item(item);
            let apart =
                |&other: &ItemTypeId| problem.conflicts().contains(&(item.min(other), item.max(other)));
            if !it.eligible.contains(*bin)
                || it.max_per_bin.is_some_and(|most| n > most)
                || pods.keys().any(apart)
            {
                return Err(Flaw::MayNotTake { node, item });
            }
        }
        Ok(())
    }
}

/// Whether a budget allows these pods to be away.
fn keeps(ground: &Ground<'_>, budget: &DisruptionBudget, away: &Pods, waiting: &Pods) -> Result<(), Flaw> {
    let of =
        |item: ItemTypeId| &ground.set.workloads[ground.standing.legend.items[item.index()].workloads[0].0];
    let pods = away.iter().filter(|(item, _)| budget.covers(of(**item))).map(|(_, &n)| n).sum::<u64>();
    let problem = &ground.standing.problem;
    let all = problem.item_ids().filter(|&item| budget.covers(of(item)));
    let there = |item| problem.item(item).copies - waiting.get(&item).copied().unwrap_or(0);
    let all: u64 = all.map(there).sum();
    if pods > budget.disruptions(all) {
        return Err(Flaw::Budget(format!("{}/{}", budget.namespace, budget.name)));
    }
    Ok(())
}
