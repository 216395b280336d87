//! The nodes that run, each as a bin type with a stock of one: what it offers to pods beside what is bound to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, InstanceType};
use crate::formulate::demand::{PodDemand, pod_demand};
use crate::formulate::legend::{Breakdown, Measure, NodeType, Pool};
use crate::formulate::nodes::{self, Nodes};
use crate::formulate::places::{Candidate, Places};
use crate::observed::{ObservedCluster, ObservedNode};
use crate::policy::{BurstableCpu, Policy, PoolLimits, Taint, TaintEffect};
use crate::problem::BinType;
use crate::units::ResourceName;
use crate::workload::{ResourceList, WorkloadSet};

/// The nodes that run, in the shape in which those to buy are.
pub(super) fn nodes(
    set: &WorkloadSet,
    observed: &ObservedCluster,
    types: &[usize],
    buyable: &Nodes,
    catalog: &Catalog,
    policy: &Policy,
    demands: &[PodDemand],
) -> Nodes {
    let zones: BTreeSet<&str> = observed.nodes.iter().filter_map(ObservedNode::zone).collect();
    let zones: Vec<String> = zones.into_iter().map(str::to_owned).collect();
    let bound: Vec<PodDemand> = observed.bound.iter().map(|b| pod_demand(&b.pod, policy)).collect();
    let mut candidates = Vec::new();
    let mut pools = Vec::new();
    let (mut bins, mut node_types) = (Vec::new(), Vec::new());
    for (at, (node, &catalog_type)) in observed.nodes.iter().zip(types).enumerate() {
        let machine = &catalog.types[catalog_type];
        let zone = node.zone().and_then(|zone| zones.iter().position(|z| z == zone));
        candidates.push(Candidate { catalog_type, pool: at, zone });
        pools.push(pool(node));
        let capacity = capacities(node, machine, observed, &bound, buyable, policy);
        let taken = |of: &dyn Fn(&PodDemand) -> Option<u64>| -> u64 {
            let pods = node.bound.iter().filter_map(|&(b, n)| Some(of(&bound[b])?.saturating_mul(n)));
            pods.fold(0, u64::saturating_add)
        };
        let offered = buyable.dimensions.iter().map(|d| match d.measure {
            Measure::Demand => capacity.get(&d.resource).map_or_else(
                || sum_of(node, demands, |demand| demand.demand.get(&d.resource).copied()).max(MOST),
                |b| b.for_pods,
            ),
            Measure::Limits { ratio } => {
                let all = capacity.get(&d.resource).map_or(0, |b| b.allocatable() - b.headroom);
                ratio.floor_of(all).saturating_sub(taken(&|b| b.limits.get(&d.resource).copied()))
            }
        });
        let (rate, surplus, costs) = nodes::rate(machine, machine.on_demand.rate, policy);
        bins.push(BinType { capacity: offered.collect(), rate, stock: Some(1) });
        let zone = node.zone().map(str::to_owned);
        node_types.push(NodeType { catalog_type, pool: at, zone, capacity, surplus, costs });
    }
    let daemon_sets = set.daemon_sets.iter().map(|daemon| {
        let runs = |node: &ObservedNode| node.bound.iter().any(|&(b, _)| observed.bound[b].id == daemon.id);
        observed.nodes.iter().map(runs).collect()
    });
    let limits = vec![PoolLimits::default(); pools.len()];
    let whole = (0..pools.len()).collect();
    let places =
        Places { candidates, pools, limits, whole, zones, label_sets_restricted: false, notes: Vec::new() };
    Nodes {
        limits: Vec::new(),
        dimensions: buyable.dimensions.clone(),
        bins,
        types: node_types,
        daemon_sets: daemon_sets.collect(),
        places,
        notes: Vec::new(),
    }
}

/// What a node offers of a resource of which nobody tells how much it has.
const MOST: u64 = 1 << 50;

fn pool(node: &ObservedNode) -> Pool {
    let mut taints = node.taints.clone();
    // The controller taints a cordoned node, which a dump of between may not show yet.
    let cordoned = Taint {
        key: "node.kubernetes.io/unschedulable".to_owned(),
        value: String::new(),
        effect: TaintEffect::NoSchedule,
    };
    if node.unschedulable && !taints.contains(&cordoned) {
        taints.push(cordoned);
    }
    Pool { name: String::new(), labels: node.labels.clone(), taints, spot: None }
}

/// What the pods on a node take.
fn sum_of(node: &ObservedNode, demands: &[PodDemand], of: impl Fn(&PodDemand) -> Option<u64>) -> u64 {
    let amounts = node.pods.iter().filter_map(|p| Some(of(&demands[p.workload])?.saturating_mul(p.pods)));
    amounts.fold(0, u64::saturating_add)
}

/// Where the capacity of a running node goes: cpu, memory, and what else the plan is packed by.
fn capacities(
    node: &ObservedNode,
    machine: &InstanceType,
    observed: &ObservedCluster,
    bound: &[PodDemand],
    buyable: &Nodes,
    policy: &Policy,
) -> BTreeMap<ResourceName, Breakdown> {
    let dimensions = buyable.dimensions.iter().filter(|d| d.measure == Measure::Demand);
    let others = dimensions.map(|d| &d.resource);
    let mut found = BTreeMap::new();
    for resource in [&ResourceName::Cpu, &ResourceName::Memory].into_iter().chain(others) {
        let listed = match resource {
            ResourceName::Cpu => machine.cpu.0,
            ResourceName::Memory => machine.memory.0,
            _ => 0,
        };
        let tell = |list: &ResourceList| match resource {
            ResourceName::Extended(_) => Some(list.get(resource).copied().unwrap_or(0)),
            ResourceName::Volumes => list.get(resource).copied().or(machine.limits.volume_attachments),
            _ => list.get(resource).copied(),
        };
        let Some(allocatable) = tell(&node.allocatable) else { continue };
        let seen = tell(&node.capacity).unwrap_or(allocatable).max(allocatable);
        let raw = listed.max(seen);
        let taken = |&(b, n): &(usize, u64)| Some(bound[b].demand.get(resource)?.saturating_mul(n));
        let taken = node.bound.iter().filter_map(taken).fold(0, u64::saturating_add).min(allocatable);
        let left = allocatable - taken;
        let beyond = match (resource, policy.burstable, machine.burst) {
            (ResourceName::Cpu, BurstableCpu::Baseline, Some(burst)) => {
                machine.cpu.0 - burst.baseline.floor_of(machine.cpu.0).min(machine.cpu.0)
            }
            _ => 0,
        };
        let beyond = beyond.min(left);
        let headroom = policy.headroom.get(resource).map_or(0, |share| share.ceil_of(allocatable - beyond));
        let headroom = headroom.min(left - beyond);
        found.insert(
            resource.clone(),
            Breakdown {
                raw,
                hypervisor: raw - seen,
                beyond_baseline: beyond,
                reserved: seen - allocatable,
                daemon_sets: taken,
                headroom,
                for_pods: left - beyond - headroom,
            },
        );
    }
    debug_assert_eq!(bound.len(), observed.bound.len());
    found
}
