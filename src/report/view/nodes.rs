//! Nodes, what lies on them, and where their capacity and money go, as rows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{EffectiveCost, ListCost, Ratio};
use crate::catalog::Architecture;
use crate::units::Rate;
use crate::workload::WorkloadKind;

/// What a node's money buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CostUse {
    /// Room that pods were packed into.
    Pods,
    /// Room of DaemonSets.
    DaemonSets,
    /// Room kept free on purpose.
    Headroom,
    /// What hypervisor, kernel and system daemons keep.
    System,
    /// Room left over into which some pod would still fit.
    Idle,
    /// Room left over into which no pod of any workload fits.
    Stranded,
}

impl CostUse {
    /// All of them, in the order of rows.
    pub const ALL: [CostUse; 6] = [
        CostUse::Pods,
        CostUse::DaemonSets,
        CostUse::Headroom,
        CostUse::System,
        CostUse::Idle,
        CostUse::Stranded,
    ];
}

/// What a part of the money buys: each node's cost is split as its binding resource is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostUseRow {
    /// For what.
    pub used_for: CostUse,
    /// On demand, a month.
    pub list_month: ListCost,
    /// Under the selected purchase, amortised, a month.
    pub effective_month: EffectiveCost,
    /// That as a share of all nodes' cost.
    pub share: Option<Ratio>,
}

/// How nodes are paid without commitments, in words.
pub(in crate::report) fn uncommitted(nodes: &[NodeGroupRow]) -> &'static str {
    match nodes.iter().filter(|row| row.spot).count() {
        0 => "on demand",
        spot if spot == nodes.len() => "on spot",
        _ => "on demand and spot",
    }
}

/// Nodes of one type that hold the same pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeGroupRow {
    /// From 1, in the order of the rows.
    pub group: u64,
    /// Which type.
    pub instance_type: String,
    /// The node pool that it belongs to, where it needs labels or taints.
    pub pool: Option<String>,
    /// Name of the plan's pool that it is part of, as in `pools`.
    #[serde(default)]
    pub planned_pool: String,
    /// The zone that it stands in, where the plan tells zones apart.
    pub zone: Option<String>,
    /// Whether these are spot nodes, which the provider takes back at short notice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spot: bool,
    /// Its family.
    pub family: String,
    /// Its processor architecture.
    pub architecture: Architecture,
    /// How many such nodes.
    pub nodes: u64,
    /// Pods on each, DaemonSets not counted.
    pub pods_per_node: u64,
    /// What one node costs an hour on demand, surplus credits included.
    pub list_rate: Rate,
    /// That at the public price list, where a negotiated discount makes it cheaper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_rate: Option<Rate>,
    /// Of that, surplus cpu credits of a burstable type.
    pub surplus_rate: Rate,
    /// Of that, what the policy says every node costs beside its instance.
    #[serde(default)]
    pub node_costs_rate: Rate,
    /// What is paid for one node an hour as it is used, under the selected purchase; where a
    /// commitment covers the node, surplus credits and costs beside the instance only.
    pub as_used_rate: Rate,
    /// The group on demand, a month.
    pub list_month: ListCost,
    /// The group under the selected purchase, amortised, a month.
    pub effective_month: EffectiveCost,
    /// Id of the commitment that covers it under the selected purchase, if one does.
    pub commitment: Option<String>,
    /// The resource with the highest fill.
    pub binding: Option<String>,
    /// Whether a pod of any workload would still fit beside the others.
    pub room_left: bool,
    /// Per resource, of one node.
    pub resources: Vec<NodeResource>,
    /// What lies on each node, by workload in input order.
    pub pods: Vec<PodsOnNode>,
}

/// Something that the plan costs beside instances: disks, agents, addresses, the cluster's fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraCostRow {
    /// As the policy names it.
    pub name: String,
    /// What it comes to a month.
    pub list_month: ListCost,
    /// Whether it is part of the nodes' rates, and so of every total; if not, it comes on top.
    pub in_node_rates: bool,
}

/// One resource of one node, in base units:
/// capacity = hypervisor + beyond_baseline + reserved + allocatable, and
/// allocatable = daemon_sets + headroom + demand + free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeResource {
    /// Kubernetes name.
    pub resource: String,
    /// As the price list states it.
    pub capacity: u64,
    /// What Kubernetes calls allocatable.
    pub allocatable: u64,
    /// Taken by DaemonSets.
    pub daemon_sets: u64,
    /// Kept free on purpose.
    pub headroom: u64,
    /// What the pods are packed by: requests unless the policy says otherwise.
    pub demand: u64,
    /// What the pods request.
    pub requests: u128,
    /// Sum of the limits that pods have.
    pub limits: u128,
    /// Left.
    pub free: u64,
    /// (demand + DaemonSets) / allocatable.
    pub fill: Option<Ratio>,
}

/// Pods of one workload on each node of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodsOnNode {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// How many on each node.
    pub pods: u64,
}

/// One workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadRow {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// Kubernetes namespace.
    pub namespace: String,
    /// What it is.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
    /// Pods.
    pub replicas: u64,
    /// Of them placed.
    pub placed: u64,
    /// On how many nodes.
    pub nodes: u64,
    /// The plan's pool that it lies in whole; absent where it lies in several, or nowhere.
    #[serde(default)]
    pub pool: Option<String>,
    /// Request per pod, in base units, by resource.
    pub requests: BTreeMap<String, u64>,
    /// Limit per pod, in base units, by resource.
    pub limits: BTreeMap<String, u64>,
    /// Owner labels.
    pub owners: BTreeMap<String, String>,
}

/// Where the capacity of one resource goes in one plan, summed over its nodes, in base units:
/// capacity = hypervisor + beyond_baseline + reserved + allocatable, and
/// allocatable = daemon_sets + headroom + demand + free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UtilizationRow {
    /// Id of the plan in `plans`.
    pub plan: String,
    /// Kubernetes name.
    pub resource: String,
    /// As the price list states it.
    pub capacity: u128,
    /// Kept by hypervisor and kernel.
    pub hypervisor: u128,
    /// Cpu of burstable types beyond the baseline that their price buys.
    pub beyond_baseline: u128,
    /// Reserved for system daemons and eviction.
    pub reserved: u128,
    /// What Kubernetes calls allocatable.
    pub allocatable: u128,
    /// Taken by DaemonSets.
    pub daemon_sets: u128,
    /// Kept free on purpose.
    pub headroom: u128,
    /// What pods are packed by.
    pub demand: u128,
    /// What pods request.
    pub requests: u128,
    /// Sum of the limits that pods have.
    pub limits: u128,
    /// Left on nodes.
    pub free: u128,
    /// Of that, on nodes where no pod of any workload fits any more.
    pub stranded: u128,
    /// requests / capacity.
    pub requests_of_capacity: Option<Ratio>,
    /// (demand + DaemonSets) / allocatable.
    pub fill: Option<Ratio>,
    /// limits / allocatable.
    pub overcommit: Option<Ratio>,
}
