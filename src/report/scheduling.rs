//! What the scheduler sees of a plan, as rows of the report: enough to replay a saved plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::replay::{Cluster, ClusterError, Node, NodeLimit, Pool, Replicated, Rules, Spread};
use crate::units::{Rate, ResourceName};
use crate::workload::{UpdateStrategy, WorkloadKind};

/// Nodes and pods as the scheduler sees them. Amounts are in base units, in the order of `resources`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scheduling {
    /// Kubernetes names: cpu, memory, then all others that count.
    pub resources: Vec<String>,
    /// Where nodes stand.
    pub zones: Vec<String>,
    /// Kinds of equal nodes.
    pub pools: Vec<PoolRow>,
    /// The workloads, as in the report's `workloads`.
    pub workloads: Vec<ScheduledRow>,
    /// How many nodes there may be, where that is limited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitRow>,
}

/// A sum over all nodes, each with the weight of its pool, is at most so much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitRow {
    /// What it is about.
    pub limit: String,
    /// One weight per pool; zero where it does not count.
    pub weights: Vec<u64>,
    /// The most in all.
    pub most: u64,
}

/// Equal nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolRow {
    /// Its name.
    pub pool: String,
    /// Which type.
    pub instance_type: String,
    /// What a node offers, DaemonSets included; `null` where nothing bounds it.
    pub allocatable: Vec<Option<u64>>,
    /// What DaemonSets take of it.
    pub daemon_sets: Vec<u64>,
    /// What one node costs an hour on demand.
    pub rate: Rate,
    /// How many nodes in each zone, in the order of `zones`.
    pub nodes: Vec<u64>,
}

/// One workload. Other workloads and pools are named by their place, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduledRow {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// What it is.
    pub kind: WorkloadKind,
    /// What one pod requests.
    pub requests: Vec<u64>,
    /// Value of its PriorityClass.
    pub priority: i32,
    /// Place of a pool, and pods that the plan has there.
    pub planned: Vec<(usize, u64)>,
    /// How its controller replaces its pods, where its manifest says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateStrategy>,
    /// Places of the pools that it may use, where not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pools: Option<Vec<usize>>,
    /// Places of the zones that it may use, where not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zones: Option<Vec<usize>>,
    /// The most pods on one node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_node: Option<u64>,
    /// Workloads that it shares no node with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart_on_node: Vec<usize>,
    /// Workloads that it shares no zone with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart_in_zone: Vec<usize>,
    /// Per required affinity, the workloads of which one must be on the node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near_on_node: Vec<Vec<usize>>,
    /// Per required affinity, the workloads of which one must be in the zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near_in_zone: Vec<Vec<usize>>,
    /// Topology spread constraints with `DoNotSchedule`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spread: Vec<SpreadRow>,
    /// Whether it has spread constraints of its own, so that the default ones do not hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_spread: bool,
}

/// A topology spread constraint with `DoNotSchedule`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpreadRow {
    /// Over zones, else over nodes.
    pub zones: bool,
    /// The most by which a domain may exceed the emptiest one.
    pub max_skew: u64,
    /// With fewer domains than this the emptiest counts as empty.
    pub min_domains: Option<u64>,
    /// Workloads whose pods are counted.
    pub counts: Vec<usize>,
}

impl Scheduling {
    /// The rows of a cluster.
    pub fn of(cluster: &Cluster) -> Self {
        let places = |flags: &Option<Vec<bool>>| {
            let set = |flags: &Vec<bool>| (0..flags.len()).filter(|&k| flags[k]).collect();
            flags.as_ref().map(set)
        };
        let pool = |(index, pool): (usize, &Pool)| {
            let mut nodes = vec![0; cluster.zones.len()];
            cluster.nodes.iter().filter(|n| n.pool == index).for_each(|n| nodes[n.zone] += 1);
            PoolRow {
                pool: pool.name.clone(),
                instance_type: pool.instance_type.clone(),
                allocatable: pool.allocatable.iter().map(|&a| (a != u64::MAX).then_some(a)).collect(),
                daemon_sets: pool.taken.clone(),
                rate: pool.rate,
                nodes,
            }
        };
        let workload = |workload: &Replicated| {
            let rules = workload.rules.clone();
            ScheduledRow {
                workload: workload.id.clone(),
                kind: workload.kind,
                requests: workload.requests.clone(),
                priority: workload.priority,
                planned: workload.planned.clone(),
                update: workload.update,
                pools: places(&rules.pools),
                zones: places(&rules.zones),
                max_per_node: rules.max_per_node,
                apart_on_node: rules.apart_on_node,
                apart_in_zone: rules.apart_in_zone,
                near_on_node: rules.near_on_node,
                near_in_zone: rules.near_in_zone,
                spread: rules.spread.into_iter().map(SpreadRow::of).collect(),
                own_spread: rules.own_spread,
            }
        };
        Scheduling {
            resources: cluster.resources.iter().map(ToString::to_string).collect(),
            zones: cluster.zones.clone(),
            pools: cluster.pools.iter().enumerate().map(pool).collect(),
            workloads: cluster.workloads.iter().map(workload).collect(),
            limits: cluster.limits.iter().map(LimitRow::of).collect(),
        }
    }

    /// The cluster of the rows: the nodes of a pool in its zones in turn.
    ///
    /// # Errors
    /// Rows that contradict each other, in a file that was changed by hand.
    pub fn cluster(&self) -> Result<Cluster, ClusterError> {
        let flags = |places: &Option<Vec<usize>>, len: usize| {
            places.as_ref().map(|places| (0..len).map(|k| places.contains(&k)).collect())
        };
        let pool = |row: &PoolRow| Pool {
            name: row.pool.clone(),
            instance_type: row.instance_type.clone(),
            allocatable: row.allocatable.iter().map(|a| a.unwrap_or(u64::MAX)).collect(),
            taken: row.daemon_sets.clone(),
            rate: row.rate,
        };
        let workload = |row: &ScheduledRow| Replicated {
            id: row.workload.clone(),
            kind: row.kind,
            pods: row.planned.iter().map(|&(_, pods)| pods).sum(),
            requests: row.requests.clone(),
            priority: row.priority,
            planned: row.planned.clone(),
            update: row.update,
            rules: Rules {
                pools: flags(&row.pools, self.pools.len()),
                zones: flags(&row.zones, self.zones.len()),
                max_per_node: row.max_per_node,
                apart_on_node: row.apart_on_node.clone(),
                apart_in_zone: row.apart_in_zone.clone(),
                near_on_node: row.near_on_node.clone(),
                near_in_zone: row.near_in_zone.clone(),
                spread: row.spread.iter().map(SpreadRow::constraint).collect(),
                own_spread: row.own_spread,
            },
        };
        let mut nodes = Vec::new();
        for (pool, row) in self.pools.iter().enumerate() {
            let mut left = row.nodes.clone();
            while left.iter().any(|&n| n > 0) {
                for (zone, left) in left.iter_mut().enumerate().filter(|(_, left)| **left > 0) {
                    nodes.push(Node { pool, zone });
                    *left -= 1;
                }
            }
        }
        let cluster = Cluster {
            resources: self.resources.iter().map(|name| ResourceName::from(name.as_str())).collect(),
            zones: self.zones.clone(),
            pools: self.pools.iter().map(pool).collect(),
            nodes,
            workloads: self.workloads.iter().map(workload).collect(),
            limits: self.limits.iter().map(LimitRow::limit).collect(),
        };
        cluster.check()?;
        Ok(cluster)
    }
}

impl LimitRow {
    fn of(limit: &NodeLimit) -> Self {
        let NodeLimit { name, weights, most } = limit.clone();
        LimitRow { limit: name, weights, most }
    }

    fn limit(&self) -> NodeLimit {
        let LimitRow { limit, weights, most } = self.clone();
        NodeLimit { name: limit, weights, most }
    }
}

impl SpreadRow {
    fn of(spread: Spread) -> Self {
        let Spread { zones, max_skew, min_domains, counts } = spread;
        SpreadRow { zones, max_skew, min_domains, counts }
    }

    fn constraint(&self) -> Spread {
        let SpreadRow { zones, max_skew, min_domains, counts } = self.clone();
        Spread { zones, max_skew, min_domains, counts }
    }
}
