//! The cluster as it runs beside what it could be, as rows of the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{ListCost, Ratio};
use crate::formulate::standing::{SetAside, Standing};
use crate::observed::{ObservedCluster, ObservedNode};
use crate::units::{HOURS_PER_MONTH, Rate, ResourceName};
use crate::verify::VerifiedPlan;
use crate::workload::{ResourceList, WorkloadSet};

/// A running cluster, node by node, and the plans that it is set beside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterReport {
    /// Every node, in input order.
    pub nodes: Vec<ClusterNodeRow>,
    /// The cluster as it is, and what it could be. All hold the same pods, on priced nodes.
    pub plans: Vec<ClusterPlanRow>,
    /// Nodes that have no price here, or are none of ours to plan: they stay as they are, and neither
    /// they nor their pods are part of any cost.
    pub nodes_set_aside: u64,
    /// Pods on them, pods of DaemonSets and static pods not counted.
    pub pods_set_aside: u64,
    /// Pods that lie on no node yet; they are part of no plan.
    pub pods_waiting: u64,
}

/// One node as it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterNodeRow {
    /// Its name.
    pub node: String,
    /// Its type, where a label tells.
    pub instance_type: Option<String>,
    /// Its zone, where a label tells.
    pub zone: Option<String>,
    /// `on-demand` or `spot`, by its labels.
    pub capacity_type: String,
    /// What it costs an hour on demand; absent where that is not known.
    pub list_rate: Option<Rate>,
    /// The same for a month.
    pub list_month: Option<ListCost>,
    /// Why it is set aside, if it is.
    pub set_aside: Option<String>,
    /// Whether it takes no more pods.
    pub unschedulable: bool,
    /// Pods that could lie elsewhere.
    pub pods: u64,
    /// Of them, pods that nobody may move.
    pub held_pods: u64,
    /// Pods of DaemonSets and static pods.
    pub bound_pods: u64,
    /// Cpu and memory, and what else its pods request.
    pub resources: Vec<ClusterResource>,
}

/// One resource of a running node, in base units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterResource {
    /// Kubernetes name.
    pub resource: String,
    /// What pods may fill, as the node reports it.
    pub allocatable: u64,
    /// Requested by DaemonSets and static pods.
    pub bound: u64,
    /// Requested by the other pods.
    pub requests: u64,
    /// (bound + requests) / allocatable.
    pub fill: Option<Ratio>,
}

/// One state of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterPlanRow {
    /// `as-is`, `kept` or `from-scratch`.
    pub plan: String,
    /// For people.
    pub label: String,
    /// Priced nodes.
    pub nodes: u64,
    /// Of them, nodes that run today.
    pub nodes_kept: u64,
    /// Pods that lie elsewhere than today.
    pub pods_moved: u64,
    /// On demand, an hour.
    pub list_hour: ListCost,
    /// On demand, a month.
    pub list_month: ListCost,
    /// What it saves a month against the cluster as it is.
    pub saving_month: ListCost,
    /// That as a share of the cluster as it is.
    pub saving: Option<Ratio>,
}

/// What the rows are made of.
#[derive(Debug, Clone, Copy)]
pub struct ClusterInput<'a> {
    /// All workloads that were read.
    pub workloads: &'a WorkloadSet,
    /// All nodes that were read.
    pub observed: &'a ObservedCluster,
    /// Why nodes are set aside, node by node.
    pub set_aside: &'a [Option<SetAside>],
    /// The problem of those that are not.
    pub standing: &'a Standing,
    /// These as they are.
    pub as_is: &'a VerifiedPlan,
    /// The cheapest plan from scratch.
    pub from_scratch: &'a VerifiedPlan,
}

impl ClusterReport {
    /// The rows.
    pub fn of(input: &ClusterInput<'_>) -> Self {
        let ClusterInput { workloads, observed, set_aside, standing, .. } = *input;
        let mut rates = standing.nodes.iter().map(|node| standing.problem.bin(node.bin).rate);
        let nodes: Vec<ClusterNodeRow> = observed
            .nodes
            .iter()
            .zip(set_aside)
            .map(|(node, reason)| {
                let rate = if reason.is_none() { rates.next() } else { None };
                node_row(workloads, observed, node, reason.as_ref(), rate)
            })
            .collect();
        let aside = || nodes.iter().filter(|row| row.set_aside.is_some());
        ClusterReport {
            plans: plans(input),
            nodes_set_aside: aside().count() as u64,
            pods_set_aside: aside().map(|row| row.pods).sum(),
            pods_waiting: observed.waiting.iter().map(|&(_, pods)| pods).sum(),
            nodes,
        }
    }
}

fn node_row(
    workloads: &WorkloadSet,
    observed: &ObservedCluster,
    node: &ObservedNode,
    reason: Option<&SetAside>,
    rate: Option<Rate>,
) -> ClusterNodeRow {
    let moving = || node.pods.iter().map(|p| (&workloads.workloads[p.workload].pod, p.pods));
    let staying = || node.bound.iter().map(|&(b, n)| (&observed.bound[b].pod, n));
    let mut names = vec![ResourceName::Cpu, ResourceName::Memory];
    for requests in moving().chain(staying()).map(|(pod, _)| &pod.requests) {
        names.extend(requests.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
    }
    let resources = names.iter().map(|name| {
        let of = |list: &ResourceList, n: u64| list.get(name).copied().unwrap_or(0).saturating_mul(n);
        let allocatable = node.allocatable.get(name).copied().unwrap_or(0);
        let bound = staying().map(|(pod, n)| of(&pod.requests, n)).sum();
        let requests = moving().map(|(pod, n)| of(&pod.requests, n)).sum();
        let fill = Ratio::of(bound + requests, allocatable);
        ClusterResource { resource: name.to_string(), allocatable, bound, requests, fill }
    });
    ClusterNodeRow {
        node: node.name.clone(),
        instance_type: node.instance_type().map(str::to_owned),
        zone: node.zone().map(str::to_owned),
        capacity_type: node.capacity_type().as_str().to_owned(),
        list_rate: rate,
        list_month: rate.map(|rate| ListCost::new(rate.for_hours(HOURS_PER_MONTH))),
        set_aside: reason.map(ToString::to_string),
        unschedulable: node.unschedulable,
        pods: node.pods.iter().map(|p| p.pods).sum(),
        held_pods: node.pods.iter().map(|p| p.held).sum(),
        bound_pods: node.bound.iter().map(|&(_, n)| n).sum(),
        resources: resources.collect(),
    }
}

fn plans(input: &ClusterInput<'_>) -> Vec<ClusterPlanRow> {
    let today = input.as_is.hourly_cost();
    let pods: u64 = input.standing.nodes.iter().flat_map(|n| &n.content).map(|&(_, n)| n).sum();
    let row = |plan: &str, label: &str, verified: &VerifiedPlan, kept: u64, moved: u64| {
        let month = |hour: crate::units::Money| {
            ListCost::new(hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill reaches 10^29"))
        };
        let hour = verified.hourly_cost();
        ClusterPlanRow {
            plan: plan.to_owned(),
            label: label.to_owned(),
            nodes: u64::try_from(verified.plan().bin_count()).unwrap_or(u64::MAX),
            nodes_kept: kept,
            pods_moved: moved,
            list_hour: ListCost::new(hour),
            list_month: month(hour),
            saving_month: month(today - hour),
            saving: Ratio::of_money(today - hour, today),
        }
    };
    let standing = input.standing.nodes.len() as u64;
    vec![
        row("as-is", "as it is", input.as_is, standing, 0),
        row("from-scratch", "the cheapest from scratch", input.from_scratch, 0, pods),
    ]
}
