//! The cluster of a verified plan: its nodes, and its workloads with what the scheduler honours.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::{Cluster, Node, NodeLimit, Pool, Replicated, Rules, Spread};
use crate::catalog::Catalog;
use crate::formulate::{Breakdown, Formulation, Legend, Measure, node_labels, pool_name};
use crate::plan::Plan;
use crate::policy::Policy;
use crate::problem::BinTypeId;
use crate::units::ResourceName;
use crate::verify::VerifiedPlan;
use crate::workload::{HostPort, LabelExpression, LabelSelector, PodTemplate, Workload, WorkloadSet};

/// The label that a pin selects nodes by.
const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
/// Topology keys whose domains are single nodes.
const HOSTNAME: &str = "kubernetes.io/hostname";
/// Topology keys whose domains are zones.
const ZONE: [&str; 2] = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];

impl Cluster {
    /// The nodes of a plan and the pods that it places.
    ///
    /// Nodes that the plan does not bind to a zone stand in the policy's zones in turn, or in three
    /// of the region. Requests are what the scheduler sees, whatever the plan packed by; headroom is
    /// open to it, since it knows of none. DaemonSets run before any pod comes.
    pub fn of_plan(
        set: &WorkloadSet,
        catalog: &Catalog,
        policy: &Policy,
        formulation: &Formulation,
        plan: &VerifiedPlan,
    ) -> Cluster {
        Cluster::of_nodes(set, catalog, policy, formulation, plan.plan())
    }

    /// The same of nodes that need not hold all pods: those that the plan does not place are there to be
    /// placed, but planned nowhere.
    pub fn of_nodes(
        set: &WorkloadSet,
        catalog: &Catalog,
        policy: &Policy,
        formulation: &Formulation,
        plan: &Plan,
    ) -> Cluster {
        let legend = &formulation.legend;
        let groups = legend.assign(plan);
        let resources = resources(legend);
        let zones = zones(legend, catalog, policy);

        // A pool for each type and node pool that the plan uses, in the problem's order.
        let mut bins: Vec<BinTypeId> = groups.iter().map(|g| g.bin_type).collect();
        bins.sort_unstable();
        bins.dedup();
        let mut pool_of: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut pools = Vec::new();
        for &bin in &bins {
            let node = &legend.nodes[bin.index()];
            pool_of.entry((node.catalog_type, node.pool)).or_insert_with(|| {
                pools.push(pool(catalog, formulation, bin, &resources));
                pools.len() - 1
            });
        }
        let pool_of = |bin: BinTypeId| {
            let node = &legend.nodes[bin.index()];
            pool_of.get(&(node.catalog_type, node.pool)).copied()
        };

        let mut nodes = Vec::new();
        for (bin, count) in plan.bins_by_type() {
            let pool = pool_of(bin).expect("a type of the plan has a pool");
            let fixed = legend.nodes[bin.index()].zone.as_ref();
            let fixed = fixed.and_then(|zone| zones.iter().position(|z| z == zone));
            for _ in 0..count {
                nodes.push(Node { pool, zone: fixed.unwrap_or(nodes.len() % zones.len()) });
            }
        }
        let mut planned = vec![BTreeMap::<usize, u64>::new(); set.workloads.len()];
        for group in &groups {
            let pool = pool_of(group.bin_type).expect("a type of the plan has a pool");
            for &(workload, pods) in &group.pods {
                *planned[workload].entry(pool).or_default() += pods * group.nodes;
            }
        }
        let rules = rules(&set.workloads, &set.daemon_sets, &zones);
        let workloads = set.workloads.iter().zip(rules).zip(planned).enumerate();
        let workloads = workloads
            .map(|(w, ((workload, mut rules), planned))| {
                rules.pools = eligible(formulation, w, pools.len(), &pool_of);
                Replicated {
                    id: workload.id.to_string(),
                    kind: workload.id.kind,
                    pods: planned.values().sum(),
                    requests: requests(&workload.pod, policy, &resources),
                    priority: workload.pod.priority,
                    planned: planned.into_iter().collect(),
                    update: set.update_of(&workload.id),
                    rules,
                }
            })
            .collect();
        let limits = limits(formulation, &pools, &pool_of);
        Cluster { resources, zones, pools, nodes, workloads, limits }
    }
}

/// Cpu, memory, and what else the plan is packed by.
fn resources(legend: &Legend) -> Vec<ResourceName> {
    let mut names = vec![ResourceName::Cpu, ResourceName::Memory];
    for dimension in legend.dimensions.iter().filter(|d| d.measure == Measure::Demand) {
        if !names.contains(&dimension.resource) {
            names.push(dimension.resource.clone());
        }
    }
    names
}

fn zones(legend: &Legend, catalog: &Catalog, policy: &Policy) -> Vec<String> {
    let named: BTreeSet<&String> = legend.nodes.iter().filter_map(|n| n.zone.as_ref()).collect();
    if !named.is_empty() {
        named.into_iter().cloned().collect()
    } else if !policy.zones.is_empty() {
        policy.zones.clone()
    } else {
        ["a", "b", "c"].map(|letter| format!("{}{letter}", catalog.region)).to_vec()
    }
}

fn pool(catalog: &Catalog, formulation: &Formulation, bin: BinTypeId, resources: &[ResourceName]) -> Pool {
    let node = &formulation.legend.nodes[bin.index()];
    let machine = &catalog.types[node.catalog_type];
    let labels = node_labels(machine, catalog);
    let instance_type = labels.get(INSTANCE_TYPE).unwrap_or(&machine.name).clone();
    let group = formulation.legend.pools.get(node.pool).map_or("", |pool| pool.name.as_str());
    // A resource without a breakdown is one that the plan does not bound.
    let amounts = |of: fn(&Breakdown) -> u64, without: u64| {
        resources.iter().map(|r| node.capacity.get(r).map_or(without, of)).collect()
    };
    Pool {
        name: pool_name(&machine.name, group),
        instance_type,
        allocatable: amounts(Breakdown::allocatable, u64::MAX),
        taken: amounts(|b| b.daemon_sets, 0),
        rate: formulation.problem.bin(bin).rate,
    }
}

/// How many nodes of the pools there may be: what there is of each type, and what is limited over several.
fn limits(
    formulation: &Formulation,
    pools: &[Pool],
    pool_of: &impl Fn(BinTypeId) -> Option<usize>,
) -> Vec<NodeLimit> {
    let problem = &formulation.problem;
    // A pool has no stock where one of its zones has none.
    let mut stocks = vec![Some(0u64); pools.len()];
    for bin in problem.bin_ids() {
        if let Some(pool) = pool_of(bin) {
            let both = stocks[pool].zip(problem.bin(bin).stock);
            stocks[pool] = both.map(|(sum, stock)| sum.saturating_add(stock));
        }
    }
    let own = |(pool, most): (usize, Option<u64>)| {
        let weights = (0..pools.len()).map(|p| u64::from(p == pool)).collect();
        Some(NodeLimit { name: format!("nodes of {}", pools[pool].name), weights, most: most? })
    };
    let over_several = problem.bin_limits().iter().map(|limit| {
        let mut weights = vec![0; pools.len()];
        for &(bin, weight) in &limit.weights {
            if let Some(pool) = pool_of(bin) {
                weights[pool] = weight.max(weights[pool]);
            }
        }
        NodeLimit { name: limit.name.clone(), weights, most: limit.most }
    });
    stocks.into_iter().enumerate().filter_map(own).chain(over_several).collect()
}

/// What the scheduler takes a pod to ask for.
fn requests(pod: &PodTemplate, policy: &Policy, resources: &[ResourceName]) -> Vec<u64> {
    let request = |resource: &ResourceName| match resource {
        ResourceName::Pods => 1,
        ResourceName::Volumes => {
            pod.requests.get(resource).copied().unwrap_or(0).max(pod.rules.volumes.len() as u64)
        }
        _ => pod.requests.get(resource).copied().unwrap_or_else(|| {
            let limit = pod.limits.get(resource).copied().unwrap_or(u64::MAX);
            policy.default_requests.get(resource).map_or(0, |&amount| amount.min(limit))
        }),
    };
    resources.iter().map(request).collect()
}

/// The pools that labels and taints allow a workload; `None` for all of them.
fn eligible(
    formulation: &Formulation,
    workload: usize,
    pools: usize,
    pool_of: &impl Fn(BinTypeId) -> Option<usize>,
) -> Option<Vec<bool>> {
    let problem = &formulation.problem;
    let mut allowed = vec![false; pools];
    for item in formulation.legend.items_of(workload) {
        for bin in problem.bin_ids().filter(|&bin| problem.item(item).eligible.contains(bin)) {
            if let Some(pool) = pool_of(bin) {
                allowed[pool] = true;
            }
        }
    }
    allowed.contains(&false).then_some(allowed)
}

/// The rules of each workload towards zones and other workloads.
fn rules(workloads: &[Workload], daemon_sets: &[Workload], zones: &[String]) -> Vec<Rules> {
    let mut all: Vec<Rules> = workloads
        .iter()
        .map(|w| Rules {
            zones: allowed_zones(&w.pod, zones),
            own_spread: !w.pod.rules.topology_spread.is_empty(),
            ..Rules::default()
        })
        .collect();
    for (me, workload) in workloads.iter().enumerate() {
        let selects = |selector: &LabelSelector, namespaces: &[String], w: &Workload| {
            let mine = if namespaces.is_empty() {
                w.id.namespace == workload.id.namespace
            } else {
                namespaces.contains(&w.id.namespace)
            };
            mine && selector.matches(&w.pod.labels)
        };
        let selected = |selector: &LabelSelector, namespaces: &[String]| -> Vec<usize> {
            let found = workloads.iter().enumerate();
            found.filter(|(_, w)| selects(selector, namespaces, w)).map(|(w, _)| w).collect()
        };
        let pod = &workload.pod.rules;
        for term in &pod.pod_anti_affinity {
            for other in selected(&term.selector, &term.namespaces) {
                if term.topology_key == HOSTNAME {
                    separate(&mut all, me, other, |rules| &mut rules.apart_on_node);
                } else if ZONE.contains(&term.topology_key.as_str()) {
                    separate(&mut all, me, other, |rules| &mut rules.apart_in_zone);
                }
            }
        }
        for term in &pod.pod_affinity {
            // DaemonSets run before any pod comes, and pools without them are not eligible.
            if daemon_sets.iter().any(|d| selects(&term.selector, &term.namespaces, d)) {
                continue;
            }
            let group = selected(&term.selector, &term.namespaces);
            if term.topology_key == HOSTNAME {
                all[me].near_on_node.push(group);
            } else if ZONE.contains(&term.topology_key.as_str()) {
                all[me].near_in_zone.push(group);
            }
        }
        for spread in &pod.topology_spread {
            let over_zones = ZONE.contains(&spread.topology_key.as_str());
            if over_zones || spread.topology_key == HOSTNAME {
                all[me].spread.push(Spread {
                    zones: over_zones,
                    max_skew: u64::from(spread.max_skew),
                    min_domains: spread.min_domains.map(u64::from),
                    counts: selected(&spread.selector, &[]),
                });
            }
        }
    }
    host_ports(workloads, &mut all);
    for rules in &mut all {
        for list in [&mut rules.apart_on_node, &mut rules.apart_in_zone] {
            list.sort_unstable();
            list.dedup();
        }
    }
    all
}

fn separate(all: &mut [Rules], a: usize, b: usize, list: impl Fn(&mut Rules) -> &mut Vec<usize>) {
    list(&mut all[a]).push(b);
    list(&mut all[b]).push(a);
}

/// Two pods that take the same port of the same address cannot share a node.
fn host_ports(workloads: &[Workload], all: &mut [Rules]) {
    let mut takers: BTreeMap<(u16, &str), Vec<(usize, &HostPort)>> = BTreeMap::new();
    for (me, workload) in workloads.iter().enumerate() {
        for port in &workload.pod.rules.host_ports {
            takers.entry((port.port, &port.protocol)).or_default().push((me, port));
        }
    }
    let any = |port: &HostPort| matches!(port.host_ip.as_str(), "" | "0.0.0.0" | "::");
    for takers in takers.into_values() {
        for (k, &(a, port)) in takers.iter().enumerate() {
            for &(b, other) in &takers[k..] {
                if any(port) || any(other) || port.host_ip == other.host_ip {
                    separate(all, a, b, |rules| &mut rules.apart_on_node);
                }
            }
        }
    }
}

/// The zones that node selector, node affinity and volumes allow; `None` for all of them.
fn allowed_zones(pod: &PodTemplate, zones: &[String]) -> Option<Vec<bool>> {
    let rules = &pod.rules;
    let is_zone = |key: &str| ZONE.contains(&key);
    let allows = |zone: &String| {
        let holds = |expression: &LabelExpression| {
            let labels = BTreeMap::from([(expression.key.clone(), zone.clone())]);
            !is_zone(&expression.key) || expression.matches(&labels)
        };
        let selector = rules.node_selector.iter().all(|(key, value)| !is_zone(key) || value == zone);
        let affinity = rules.node_affinity.is_empty()
            || rules.node_affinity.iter().any(|term| term.expressions.iter().all(holds));
        let volumes = rules.volumes.iter().all(|volume| volume.zone.as_ref().is_none_or(|z| z == zone));
        selector && affinity && volumes
    };
    let allowed: Vec<bool> = zones.iter().map(allows).collect();
    allowed.contains(&false).then_some(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::LabelOperator;

    #[test]
    fn zones_follow_from_conditions_on_the_zone_label_alone() {
        let zones = ["a", "b", "c"].map(str::to_owned);
        let mut pod = PodTemplate::default();
        assert_eq!(allowed_zones(&pod, &zones), None);
        pod.rules.node_selector.insert("disk".to_owned(), "ssd".to_owned());
        assert_eq!(allowed_zones(&pod, &zones), None);
        let not_b = LabelExpression {
            key: ZONE[0].to_owned(),
            operator: LabelOperator::NotIn,
            values: vec!["b".to_owned()],
        };
        pod.rules.node_affinity.push(crate::workload::NodeSelectorTerm { expressions: vec![not_b] });
        assert_eq!(allowed_zones(&pod, &zones), Some(vec![true, false, true]));
        pod.rules.node_selector.insert(ZONE[1].to_owned(), "c".to_owned());
        assert_eq!(allowed_zones(&pod, &zones), Some(vec![false, false, true]));
    }
}
