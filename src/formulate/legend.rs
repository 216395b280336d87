//! What the numbers of a problem stand for: dimensions, node types with their breakdown, workloads.

use std::collections::{BTreeMap, VecDeque};

use crate::plan::Plan;
use crate::policy::Taint;
use crate::problem::{BinTypeId, ItemTypeId};
use crate::units::{PartsPerMillion, Rate, ResourceName};

/// Says what each dimension, bin type and item type of a problem stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Legend {
    /// One per dimension of the problem, in its order.
    pub dimensions: Vec<Dimension>,
    /// One per bin type of the problem, in its order.
    pub nodes: Vec<NodeType>,
    /// One per item type of the problem, in its order.
    pub items: Vec<ItemMembers>,
    /// The node pools that bin types belong to.
    pub pools: Vec<Pool>,
    /// What a node costs beside its instance, by name, in the order of [`NodeType::costs`].
    pub cost_names: Vec<String>,
}

/// Nodes that carry the same labels and taints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pool {
    /// Its name; empty for nodes that need no label and no taint.
    pub name: String,
    /// Labels of its nodes beside those that the type and the zone give them.
    pub labels: BTreeMap<String, String>,
    /// Taints of its nodes.
    pub taints: Vec<Taint>,
    /// For spot nodes, the group of types that they are of; `None` for nodes on demand.
    pub spot: Option<u32>,
}

/// What a dimension measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Of which resource.
    pub resource: ResourceName,
    /// Demand or limits.
    pub measure: Measure,
}

impl Dimension {
    /// Its name in the problem: the resource's name, with `limits.` before it for limits.
    pub fn name(&self) -> String {
        match self.measure {
            Measure::Demand => self.resource.to_string(),
            Measure::Limits { .. } => format!("limits.{}", self.resource),
        }
    }
}

/// Which of a pod's amounts a dimension sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// What pods are packed by: requests, limits or a blend.
    Demand,
    /// Limits, whose sum on a node may be at most `ratio` x allocatable.
    Limits {
        /// The overcommit ratio; 1,000,000 is 1:1.
        ratio: PartsPerMillion,
    },
}

/// What a bin type stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeType {
    /// Index into the catalog's types.
    pub catalog_type: usize,
    /// Index into [`Legend::pools`].
    pub pool: usize,
    /// The zone, where the problem tells zones apart.
    pub zone: Option<String>,
    /// Where a node's capacity goes, per resource; cpu and memory always, others where demanded.
    pub capacity: BTreeMap<ResourceName, Breakdown>,
    /// Surplus cpu credits per hour that the bin type's rate holds beyond the on-demand rate; zero
    /// unless a burstable type is planned at full use.
    pub surplus: Rate,
    /// What the rate holds beyond instance and surplus credits, in the order of [`Legend::cost_names`].
    pub costs: Vec<Rate>,
}

/// Where the capacity of one resource of a node goes, in base units:
/// raw = hypervisor + beyond_baseline + reserved + daemon_sets + headroom + for_pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breakdown {
    /// As the price list states it.
    pub raw: u64,
    /// Kept by hypervisor, firmware and kernel, so that the kubelet never sees it.
    pub hypervisor: u64,
    /// Cpu of a burstable type beyond the baseline that its price buys.
    pub beyond_baseline: u64,
    /// Kept for kubelet and system daemons, and the eviction threshold.
    pub reserved: u64,
    /// Taken by DaemonSets that run on this type.
    pub daemon_sets: u64,
    /// Kept free on purpose.
    pub headroom: u64,
    /// Left for the pods of the plan.
    pub for_pods: u64,
}

impl Breakdown {
    /// What Kubernetes calls allocatable: what pods may fill, DaemonSets and headroom included.
    pub fn allocatable(&self) -> u64 {
        self.daemon_sets + self.headroom + self.for_pods
    }

    /// The same before DaemonSets and headroom, with another amount of allocatable: what the system keeps
    /// gives or takes the difference, then the hypervisor; a node that has more than the price list says
    /// has it. Of a burstable type only the baseline counts all the same.
    pub fn with_allocatable(self, allocatable: u64) -> Breakdown {
        let for_pods = allocatable.saturating_sub(self.beyond_baseline);
        let rest = self.raw.saturating_sub(self.beyond_baseline).saturating_sub(for_pods);
        let hypervisor = self.hypervisor.min(rest);
        let raw = self.raw.max(self.beyond_baseline + for_pods);
        Breakdown { raw, hypervisor, reserved: rest - hypervisor, for_pods, ..self }
    }
}

/// Which workloads an item type stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemMembers {
    /// Index into the set's workloads, and pods in all copies, at least one; by the workloads' names.
    pub workloads: Vec<(usize, u64)>,
    /// For copies that are several pods, which must lie together: the pods of each copy, in the order
    /// of `workloads`. Empty where each copy is one pod.
    pub bundle: Vec<(usize, u64)>,
}

/// Nodes of one type that hold the same pods of the same workloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeGroup {
    /// Their type.
    pub bin_type: BinTypeId,
    /// How many such nodes there are.
    pub nodes: u64,
    /// What each of them holds: index into the set's workloads, and pods; by index ascending.
    pub pods: Vec<(usize, u64)>,
    /// The same in item types and copies, by item type ascending.
    pub content: Vec<(ItemTypeId, u64)>,
}

impl Legend {
    /// The dimension that sums demand of `resource`, if the problem has it.
    pub fn demand_dimension(&self, resource: &ResourceName) -> Option<usize> {
        self.dimensions.iter().position(|d| d.measure == Measure::Demand && d.resource == *resource)
    }

    /// A name for a bin type that no other one has, from the name of its instance type.
    pub fn bin_name(&self, bin: BinTypeId, instance_type: &str) -> String {
        let node = &self.nodes[bin.index()];
        place_name(instance_type, &self.pools[node.pool].name, node.zone.as_deref())
    }

    /// The item types that the copies of a workload belong to; empty for one that is not in the problem.
    pub fn items_of(&self, workload: usize) -> impl Iterator<Item = ItemTypeId> + '_ {
        (0u32..).zip(&self.items).filter_map(move |(id, members)| {
            members.workloads.iter().any(|&(w, _)| w == workload).then_some(ItemTypeId(id))
        })
    }

    /// Tells the workloads of a plan's bins apart: workloads in index order fill patterns in the
    /// plan's canonical order, and equal nodes are one group. The plan must place every copy of the
    /// problem exactly once (as `verify` makes sure of).
    ///
    /// # Panics
    /// When the plan places more copies of an item type than the legend has.
    pub fn assign(&self, plan: &Plan) -> Vec<NodeGroup> {
        let mut queues: Vec<VecDeque<(usize, u64)>> =
            self.items.iter().map(|members| members.workloads.iter().copied().collect()).collect();
        let mut groups: Vec<NodeGroup> = Vec::new();
        for (pattern, copies) in plan.bins() {
            let mut left = copies;
            while left > 0 {
                // As many nodes as the workloads at the head of every queue fill alike; a node in
                // which one workload ends and the next begins stands alone.
                let single = |&&(item, _): &&(ItemTypeId, u64)| self.items[item.index()].bundle.is_empty();
                let alike = pattern.content().iter().filter(single).map(|&(item, count)| {
                    let head = queues[item.index()].front().expect("a plan places no more than all copies");
                    (head.1 / count).max(1)
                });
                let nodes = alike.min().unwrap_or(left).min(left);
                let mut pods: BTreeMap<usize, u64> = BTreeMap::new();
                for &(item, count) in pattern.content() {
                    let bundle = &self.items[item.index()].bundle;
                    if bundle.is_empty() {
                        take(&mut queues[item.index()], count, nodes, &mut pods);
                    }
                    for &(workload, each) in bundle {
                        *pods.entry(workload).or_default() += each * count;
                    }
                }
                left -= nodes;
                let pods: Vec<_> = pods.into_iter().collect();
                let (bin_type, content) = (pattern.bin_type(), pattern.content().to_vec());
                match groups.last_mut() {
                    Some(last)
                        if last.bin_type == bin_type && last.pods == pods && last.content == content =>
                    {
                        last.nodes += nodes;
                    }
                    _ => groups.push(NodeGroup { bin_type, nodes, pods, content }),
                }
            }
        }
        groups
    }
}

/// The name of a pool of equal nodes: `m5.large`, or `batch/m5.large` in the node pool `batch`.
pub fn pool_name(instance_type: &str, node_pool: &str) -> String {
    if node_pool.is_empty() { instance_type.to_owned() } else { format!("{node_pool}/{instance_type}") }
}

/// `m5.large`, with the pool and the zone where there are any: `m5.large, pool batch, zone us-east-1a`.
pub fn place_name(instance_type: &str, pool: &str, zone: Option<&str>) -> String {
    let mut name = instance_type.to_owned();
    if !pool.is_empty() {
        name += &format!(", pool {pool}");
    }
    if let Some(zone) = zone {
        name += &format!(", zone {zone}");
    }
    name
}

/// Takes `count` copies for each of `nodes` equal nodes from the head of a queue.
fn take(queue: &mut VecDeque<(usize, u64)>, count: u64, nodes: u64, pods: &mut BTreeMap<usize, u64>) {
    let mut wanted = count * nodes;
    while wanted > 0 {
        let head = queue.front_mut().expect("a plan places no more than all copies");
        let taken = head.1.min(wanted);
        // Either all of it comes from one workload, or there is one node.
        *pods.entry(head.0).or_default() += taken / nodes;
        wanted -= taken;
        head.1 -= taken;
        if head.1 == 0 {
            queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Pattern;

    fn legend(members: &[&[(usize, u64)]]) -> Legend {
        let items =
            members.iter().map(|m| ItemMembers { workloads: m.to_vec(), ..ItemMembers::default() }).collect();
        Legend { items, ..Legend::default() }
    }

    #[test]
    fn merged_workloads_are_told_apart_in_order() {
        // Five copies of workload 0 and four of workload 3 share an item type; three nodes of three.
        let legend = legend(&[&[(0, 5), (3, 4)]]);
        let bin = BinTypeId(0);
        let plan = Plan::from_iter([(Pattern::new(bin, [(ItemTypeId(0), 3)]), 3)]);
        let groups = legend.assign(&plan);
        let content = vec![(ItemTypeId(0), 3)];
        let group = |pods: &[(usize, u64)]| NodeGroup {
            bin_type: bin,
            nodes: 1,
            pods: pods.to_vec(),
            content: content.clone(),
        };
        assert_eq!(groups, [group(&[(0, 3)]), group(&[(0, 2), (3, 1)]), group(&[(3, 3)])]);
    }

    #[test]
    fn equal_nodes_stay_one_group() {
        let legend = legend(&[&[(1, 1_000_000)], &[(0, 500_000), (2, 500_000)]]);
        let pattern = Pattern::new(BinTypeId(2), [(ItemTypeId(0), 2), (ItemTypeId(1), 2)]);
        let content = pattern.content().to_vec();
        let groups = legend.assign(&Plan::from_iter([(pattern, 500_000)]));
        let group =
            |w| NodeGroup { bin_type: BinTypeId(2), nodes: 250_000, pods: w, content: content.clone() };
        assert_eq!(groups, [group(vec![(0, 2), (1, 2)]), group(vec![(1, 2), (2, 2)])]);
    }

    #[test]
    fn every_copy_is_assigned_exactly_once() {
        let legend = legend(&[&[(0, 7), (1, 1), (4, 9)], &[(2, 3), (3, 2)]]);
        let (a, b) = (ItemTypeId(0), ItemTypeId(1));
        let plan = Plan::from_iter([
            (Pattern::new(BinTypeId(0), [(a, 4), (b, 1)]), 3),
            (Pattern::new(BinTypeId(1), [(a, 1), (b, 2)]), 1),
            (Pattern::new(BinTypeId(1), [(a, 2)]), 2),
        ]);
        let mut totals = BTreeMap::new();
        for group in legend.assign(&plan) {
            for (workload, pods) in group.pods {
                *totals.entry(workload).or_insert(0) += pods * group.nodes;
            }
        }
        assert_eq!(totals, BTreeMap::from([(0, 7), (1, 1), (2, 3), (3, 2), (4, 9)]));
    }

    #[test]
    fn a_copy_of_several_pods_counts_each_of_them() {
        let mut legend = legend(&[&[(0, 4), (1, 6)], &[(0, 1), (2, 1)]]);
        legend.items[0].bundle = vec![(0, 2), (1, 3)];
        let (a, b) = (ItemTypeId(0), ItemTypeId(1));
        let plan = Plan::from_iter([(Pattern::new(BinTypeId(0), [(a, 1), (b, 1)]), 2)]);
        let pods: Vec<_> = legend.assign(&plan).into_iter().map(|g| (g.nodes, g.pods)).collect();
        assert_eq!(pods, [(1, vec![(0, 3), (1, 3)]), (1, vec![(0, 2), (1, 3), (2, 1)])]);
    }

    #[test]
    fn empty_nodes_are_one_group() {
        let groups = legend(&[]).assign(&Plan::from_iter([(Pattern::new(BinTypeId(0), []), 4)]));
        assert_eq!(groups, [NodeGroup { bin_type: BinTypeId(0), nodes: 4, pods: vec![], content: vec![] }]);
    }
}
