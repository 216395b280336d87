//! What is replayed: nodes of several pools in several zones, and workloads with their rules.

use std::collections::BTreeMap;

use crate::units::{Money, Rate, ResourceName};
use crate::workload::{UpdateStrategy, WorkloadKind};

/// Place of cpu (millicores) in every list of amounts.
pub const CPU: usize = 0;
/// Place of memory (bytes) in every list of amounts.
pub const MEMORY: usize = 1;

/// Nodes as planned, and the pods that are to run on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// What amounts are of: cpu, memory, then all others that count.
    pub resources: Vec<ResourceName>,
    /// Names of the zones.
    pub zones: Vec<String>,
    /// Kinds of equal nodes.
    pub pools: Vec<Pool>,
    /// The nodes, in the order in which they join.
    pub nodes: Vec<Node>,
    /// What runs, in the order of the input.
    pub workloads: Vec<Replicated>,
    /// How many nodes there may be.
    pub limits: Vec<NodeLimit>,
}

/// A sum over all nodes, each with the weight of its pool, is at most so much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLimit {
    /// What it is about: `nodes of node pool web`.
    pub name: String,
    /// One weight per pool; zero where it does not count.
    pub weights: Vec<u64>,
    /// The most in all.
    pub most: u64,
}

/// Equal nodes, but for their zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name: the instance type, with the node pool's name where there is one.
    pub name: String,
    /// The instance type, as a nodeSelector names it.
    pub instance_type: String,
    /// What a node offers, DaemonSets not yet taken off.
    pub allocatable: Vec<u64>,
    /// What DaemonSets take of it before any pod comes.
    pub taken: Vec<u64>,
    /// What one more node costs an hour.
    pub rate: Rate,
}

/// One node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Index into the pools.
    pub pool: usize,
    /// Index into the zones.
    pub zone: usize,
}

/// A number of equal pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replicated {
    /// `namespace/Kind/name`.
    pub id: String,
    /// What it is: the scheduler spreads pods of ReplicaSets, StatefulSets and replication controllers.
    pub kind: WorkloadKind,
    /// How many there are.
    pub pods: u64,
    /// What one of them requests.
    pub requests: Vec<u64>,
    /// Value of its PriorityClass.
    pub priority: i32,
    /// Where the plan has them: index into the pools, and pods; by index ascending.
    pub planned: Vec<(usize, u64)>,
    /// How its controller replaces its pods; `None` for what its kind does unless told otherwise.
    pub update: Option<UpdateStrategy>,
    /// Where a pod may go.
    pub rules: Rules,
}

/// Where a pod may go. Other workloads are indices into [`Cluster::workloads`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// One flag per pool; `None` for all of them.
    pub pools: Option<Vec<bool>>,
    /// One flag per zone; `None` for all of them.
    pub zones: Option<Vec<bool>>,
    /// The most pods of this workload on one node.
    pub max_per_node: Option<u64>,
    /// Not on a node with one of these. The scheduler honours the rule from both sides, so both
    /// workloads name each other.
    pub apart_on_node: Vec<usize>,
    /// Not in a zone with one of these, itself included where listed.
    pub apart_in_zone: Vec<usize>,
    /// Only on a node with one of these; the first pod of a workload that lists itself goes anywhere.
    pub near_on_node: Vec<Vec<usize>>,
    /// Only in a zone with one of these, likewise.
    pub near_in_zone: Vec<Vec<usize>>,
    /// Topology spread constraints with `DoNotSchedule`.
    pub spread: Vec<Spread>,
    /// Whether the pod has topology spread constraints of its own, so that the default ones do not hold.
    pub own_spread: bool,
}

/// A topology spread constraint with `DoNotSchedule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// Over zones, else over nodes.
    pub zones: bool,
    /// The most by which a domain may exceed the emptiest one.
    pub max_skew: u64,
    /// With fewer domains than this the emptiest counts as empty.
    pub min_domains: Option<u64>,
    /// Which workloads' pods are counted; itself normally among them.
    pub counts: Vec<usize>,
}

/// What is wrong with the parts of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// A list of amounts has another length than the resources.
    #[error("{0} has another number of amounts than the cluster has resources")]
    Amounts(String),
    /// The first two resources are not cpu and memory.
    #[error("the first two resources of a cluster are cpu and memory")]
    Resources,
    /// A limit has another number of weights than there are pools.
    #[error("the limit `{0}` has another number of weights than the cluster has pools")]
    Limit(String),
    /// An index beyond its list.
    #[error("{0} names a pool, zone or workload that does not exist")]
    Index(String),
}

impl NodeLimit {
    /// Whether so many nodes of each pool are within it.
    pub(super) fn holds(&self, nodes: &[u64]) -> bool {
        let used = nodes.iter().zip(&self.weights).map(|(&n, &weight)| u128::from(n) * u128::from(weight));
        used.sum::<u128>() <= u128::from(self.most)
    }

    /// How much is left with so many nodes of each pool.
    fn free(&self, nodes: &[u64]) -> u64 {
        let used = nodes.iter().zip(&self.weights).map(|(&n, &weight)| u128::from(n) * u128::from(weight));
        u64::try_from(u128::from(self.most).saturating_sub(used.sum())).unwrap_or(0)
    }
}

impl Cluster {
    /// Looks whether the parts fit together.
    ///
    /// # Errors
    /// The first part that contradicts another.
    pub fn check(&self) -> Result<(), ClusterError> {
        if self.resources.get(..2) != Some(&[ResourceName::Cpu, ResourceName::Memory]) {
            return Err(ClusterError::Resources);
        }
        let amounts = |what: &str, list: &[u64]| {
            (list.len() == self.resources.len())
                .then_some(())
                .ok_or_else(|| ClusterError::Amounts(what.to_owned()))
        };
        for pool in &self.pools {
            amounts(&pool.name, &pool.allocatable)?;
            amounts(&pool.name, &pool.taken)?;
        }
        if self.nodes.iter().any(|n| n.pool >= self.pools.len() || n.zone >= self.zones.len()) {
            return Err(ClusterError::Index("a node".to_owned()));
        }
        if let Some(limit) = self.limits.iter().find(|limit| limit.weights.len() != self.pools.len()) {
            return Err(ClusterError::Limit(limit.name.clone()));
        }
        for workload in &self.workloads {
            amounts(&workload.id, &workload.requests)?;
            let rules = &workload.rules;
            let flags = |list: &Option<Vec<bool>>, len| list.as_ref().is_none_or(|l| l.len() == len);
            let mut others = rules
                .apart_on_node
                .iter()
                .chain(&rules.apart_in_zone)
                .chain(rules.near_on_node.iter().flatten())
                .chain(rules.near_in_zone.iter().flatten())
                .chain(rules.spread.iter().flat_map(|s| &s.counts));
            if !flags(&rules.pools, self.pools.len())
                || !flags(&rules.zones, self.zones.len())
                || others.any(|&w| w >= self.workloads.len())
                || workload.planned.iter().any(|&(pool, _)| pool >= self.pools.len())
            {
                return Err(ClusterError::Index(workload.id.clone()));
            }
        }
        Ok(())
    }

    /// The most nodes that the limits allow beside those that there are; `u64::MAX` without any limit.
    pub fn may_add(&self, pool: usize) -> u64 {
        let nodes = self.nodes_by_pool();
        let free = |limit: &NodeLimit| limit.free(&nodes).checked_div(limit.weights[pool]);
        self.limits.iter().filter_map(free).min().unwrap_or(u64::MAX)
    }

    /// The limits that allow no further node of some pool.
    pub fn exhausted(&self) -> Vec<&NodeLimit> {
        let nodes = self.nodes_by_pool();
        let full = |limit: &&NodeLimit| limit.weights.iter().any(|&weight| weight > limit.free(&nodes));
        self.limits.iter().filter(full).collect()
    }

    /// Pods of all workloads.
    pub fn pods(&self) -> u64 {
        self.workloads.iter().map(|w| w.pods).sum()
    }

    /// What all nodes cost an hour.
    pub fn hourly_cost(&self) -> Money {
        self.nodes.iter().map(|node| self.pools[node.pool].rate.for_one_hour()).sum()
    }

    /// How many nodes each pool has, in the order of the pools.
    pub fn nodes_by_pool(&self) -> Vec<u64> {
        let mut counts = vec![0; self.pools.len()];
        self.nodes.iter().for_each(|node| counts[node.pool] += 1);
        counts
    }

    /// The pool that each workload lies in as a whole; `None` for one that the plan splits, or that
    /// it does not place.
    pub fn whole_in(&self) -> Vec<Option<usize>> {
        self.workloads
            .iter()
            .map(|w| match w.planned.as_slice() {
                [(pool, pods)] if *pods == w.pods => Some(*pool),
                _ => None,
            })
            .collect()
    }

    /// With `count` more nodes of a pool, each in the zone where the pool has fewest.
    #[must_use]
    pub fn with_more(&self, pool: usize, count: u64) -> Cluster {
        let mut cluster = self.clone();
        let mut per_zone = vec![0u64; self.zones.len()];
        self.nodes.iter().filter(|n| n.pool == pool).for_each(|n| per_zone[n.zone] += 1);
        for _ in 0..count {
            let fewest = (0..per_zone.len()).min_by_key(|&z| per_zone[z]).expect("a cluster has a zone");
            per_zone[fewest] += 1;
            cluster.nodes.push(Node { pool, zone: fewest });
        }
        cluster
    }

    /// What all pods together request of each resource.
    pub fn demand(&self) -> Vec<u128> {
        let mut sums = vec![0; self.resources.len()];
        for workload in &self.workloads {
            for (sum, &amount) in sums.iter_mut().zip(&workload.requests) {
                *sum += u128::from(amount) * u128::from(workload.pods);
            }
        }
        sums
    }

    /// Nodes in the order in which the scheduler lists them: one of each zone in turn.
    pub(super) fn listed(&self) -> Vec<usize> {
        let mut zones: BTreeMap<usize, (usize, Vec<usize>)> = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            // Zones in the order in which their first nodes joined.
            zones.entry(node.zone).or_insert_with(|| (index, Vec::new())).1.push(index);
        }
        let mut zones: Vec<(usize, Vec<usize>)> = zones.into_values().collect();
        zones.sort_by_key(|&(first, _)| first);
        let longest = zones.iter().map(|(_, nodes)| nodes.len()).max().unwrap_or(0);
        let mut order = Vec::with_capacity(self.nodes.len());
        for k in 0..longest {
            order.extend(zones.iter().filter_map(|(_, nodes)| nodes.get(k)));
        }
        order
    }
}
