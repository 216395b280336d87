//! What a plan puts where: node groups with their resources, and sums over the plan.

use std::collections::BTreeMap;

use super::pools::PoolFacts;
use crate::bill::Ratio;
use crate::formulate::{Legend, NodeGroup};
use crate::plan::Plan;
use crate::problem::{ItemTypeId, Problem};
use crate::report::view::{NodeResource, PodsOnNode, UtilizationRow};
use crate::units::{Money, Rate, ResourceName, Resources};
use crate::workload::{Workload, WorkloadSet};

/// The facts of one plan.
pub(super) struct Placed<'a> {
    legend: &'a Legend,
    /// Node groups, largest cost first.
    pub groups: Vec<Group>,
    /// `(index into catalog.types, nodes, rate, whether spot)`, one entry for each bin type used.
    pub fleet: Vec<(usize, u64, Rate, bool)>,
    pub nodes: u64,
    pub pods: u64,
    pub instance_types: u64,
    /// What all nodes cost an hour beside instances and surplus credits, by the legend's names.
    pub extra: Vec<(String, Money)>,
    /// Pods placed and nodes used, by workload.
    pub per_workload: Vec<(u64, u64)>,
    /// By index into the catalog's types and into the legend's pools.
    pub pools: BTreeMap<(usize, usize), PoolFacts>,
    totals: BTreeMap<ResourceName, Totals>,
}

/// One node group.
pub(super) struct Group {
    pub catalog_type: usize,
    /// Index into the legend's pools.
    pub node_pool: usize,
    pub pool: Option<String>,
    pub zone: Option<String>,
    /// Whether they are spot nodes.
    pub spot: bool,
    pub nodes: u64,
    pub rate: Rate,
    pub surplus: Rate,
    /// What each costs beside its instance and surplus credits.
    pub node_costs: Rate,
    pub pods_per_node: u64,
    pub resources: Vec<NodeResource>,
    pub binding: Option<String>,
    /// Where one node's binding resource goes; zeros where nothing lies on the node.
    pub parts: Parts,
    pub room_left: bool,
    pub pods: Vec<PodsOnNode>,
}

/// Where the resource that binds a node goes, in base units. What a burstable type's price does not buy
/// is no part of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts {
    pub demand: u64,
    pub daemon_sets: u64,
    pub headroom: u64,
    pub system: u64,
    pub free: u64,
}

#[derive(Default)]
struct Totals {
    capacity: u128,
    hypervisor: u128,
    beyond_baseline: u128,
    reserved: u128,
    allocatable: u128,
    daemon_sets: u128,
    headroom: u128,
    demand: u128,
    requests: u128,
    limits: u128,
    free: u128,
    stranded: u128,
}

impl<'a> Placed<'a> {
    pub(super) fn of(workloads: &WorkloadSet, problem: &Problem, legend: &'a Legend, plan: &Plan) -> Self {
        let assigned = legend.assign(plan);
        let mut placed = Placed {
            legend,
            groups: Vec::with_capacity(assigned.len()),
            fleet: Vec::new(),
            nodes: 0,
            pods: 0,
            instance_types: 0,
            extra: legend.cost_names.iter().map(|name| (name.clone(), Money::ZERO)).collect(),
            per_workload: vec![(0, 0); workloads.workloads.len()],
            pools: BTreeMap::new(),
            totals: BTreeMap::new(),
        };
        for (bin_type, nodes) in plan.bins_by_type() {
            let node = &legend.nodes[bin_type.index()];
            let spot = legend.pools[node.pool].spot.is_some();
            placed.fleet.push((node.catalog_type, nodes, problem.bin(bin_type).rate, spot));
            for ((_, sum), cost) in placed.extra.iter_mut().zip(&node.costs) {
                *sum = *sum + cost.for_hours(nodes);
            }
            placed.nodes += nodes;
        }
        let mut types: Vec<usize> = placed.fleet.iter().map(|&(index, ..)| index).collect();
        types.sort_unstable();
        types.dedup();
        placed.instance_types = types.len() as u64;
        for group in &assigned {
            placed.add(workloads, problem, group);
        }
        // The dearest first: it is what a reader looks for. Equal groups keep the plan's order.
        placed.groups.sort_by_key(|g| std::cmp::Reverse(u128::from(g.rate.nanos()) * u128::from(g.nodes)));
        placed
    }

    /// The nodes of one pool together, the dearest pool first.
    pub(super) fn sort_by_pool(&mut self) {
        let cost = |group: &Group| {
            let facts = &self.pools[&(group.catalog_type, group.node_pool)];
            std::cmp::Reverse(facts.rate.for_hours(facts.nodes))
        };
        self.groups.sort_by_key(|group| (cost(group), group.catalog_type, group.node_pool));
    }

    fn add(&mut self, workloads: &WorkloadSet, problem: &Problem, group: &NodeGroup) {
        let node = &self.legend.nodes[group.bin_type.index()];
        let bin = problem.bin(group.bin_type);
        let mut used = Resources::zero(problem.dimensions().len());
        let copies: BTreeMap<ItemTypeId, u64> = group.content.iter().copied().collect();
        for (&item, &count) in &copies {
            used = used
                .checked_add_times(&problem.item(item).demand, count)
                .expect("a verified node holds no more than its capacity");
        }
        let mut pods_per_node = 0;
        let pool = self.pools.entry((node.catalog_type, node.pool)).or_default();
        pool.rate = bin.rate;
        pool.nodes += group.nodes;
        if let Some(zone) = &node.zone {
            *pool.zones.entry(zone.clone()).or_default() += group.nodes;
        }
        for &(workload, pods) in &group.pods {
            pods_per_node += pods;
            pool.pods += pods * group.nodes;
            pool.workloads.insert(workload);
            self.per_workload[workload].0 += pods * group.nodes;
            self.per_workload[workload].1 += group.nodes;
        }
        let rest = bin.capacity.checked_sub(&used).expect("a verified node holds no more than its capacity");
        let room_left = problem.item_ids().any(|id| {
            let item = problem.item(id);
            let here = copies.get(&id).copied().unwrap_or(0);
            item.eligible.contains(group.bin_type)
                && item.max_per_bin.is_none_or(|most| here < most)
                && item.demand.fits_in(&rest)
        });
        let resources: Vec<NodeResource> = node
            .capacity
            .iter()
            .map(|(resource, breakdown)| {
                let sum = |amount: fn(&Workload, &ResourceName) -> u64| -> u128 {
                    group
                        .pods
                        .iter()
                        .map(|&(w, pods)| {
                            u128::from(amount(&workloads.workloads[w], resource)) * u128::from(pods)
                        })
                        .sum()
                };
                let (requests, limits) = (sum(request), sum(limit));
                // Who takes today's machines as they are does not pack by size: there, what is asked
                // for counts as far as the machine holds it.
                let demand = match self.legend.demand_dimension(resource) {
                    Some(k) => used[k],
                    None => u64::try_from(requests).unwrap_or(u64::MAX).min(breakdown.for_pods),
                };
                let free = breakdown.for_pods.saturating_sub(demand);
                let times = |amount: u64| u128::from(amount) * u128::from(group.nodes);
                let totals = self.totals.entry(resource.clone()).or_default();
                totals.capacity += times(breakdown.raw);
                totals.hypervisor += times(breakdown.hypervisor);
                totals.beyond_baseline += times(breakdown.beyond_baseline);
                totals.reserved += times(breakdown.reserved);
                totals.allocatable += times(breakdown.allocatable());
                totals.daemon_sets += times(breakdown.daemon_sets);
                totals.headroom += times(breakdown.headroom);
                totals.demand += times(demand);
                totals.requests += requests * u128::from(group.nodes);
                totals.limits += limits * u128::from(group.nodes);
                totals.free += times(free);
                totals.stranded += if room_left { 0 } else { times(free) };
                NodeResource {
                    resource: resource.to_string(),
                    capacity: breakdown.raw,
                    allocatable: breakdown.allocatable(),
                    daemon_sets: breakdown.daemon_sets,
                    headroom: breakdown.headroom,
                    demand,
                    requests,
                    limits,
                    free,
                    fill: Ratio::of(demand + breakdown.daemon_sets, breakdown.allocatable()),
                }
            })
            .collect();
        let mut binding: Option<&NodeResource> = None;
        for resource in resources.iter().filter(|r| r.demand > 0) {
            // Of equal fills the first counts, cpu before memory.
            if binding.is_none_or(|b| resource.fill > b.fill) {
                binding = Some(resource);
            }
        }
        let parts = binding.map_or_else(Parts::default, |bound| {
            let breakdown = node.capacity.iter().find(|(name, _)| name.to_string() == bound.resource);
            Parts {
                demand: bound.demand,
                daemon_sets: bound.daemon_sets,
                headroom: bound.headroom,
                system: breakdown.map_or(0, |(_, b)| b.hypervisor + b.reserved),
                free: bound.free,
            }
        });
        self.pods += pods_per_node * group.nodes;
        self.groups.push(Group {
            catalog_type: node.catalog_type,
            node_pool: node.pool,
            pool: Some(self.legend.pools[node.pool].name.clone()).filter(|name| !name.is_empty()),
            zone: node.zone.clone(),
            spot: self.legend.pools[node.pool].spot.is_some(),
            nodes: group.nodes,
            rate: bin.rate,
            surplus: node.surplus,
            node_costs: Rate::from_nanos(node.costs.iter().map(|cost| cost.nanos()).sum()),
            pods_per_node,
            binding: binding.map(|r| r.resource.clone()),
            parts,
            resources,
            room_left,
            pods: group
                .pods
                .iter()
                .map(|&(w, pods)| PodsOnNode { workload: workloads.workloads[w].id.to_string(), pods })
                .collect(),
        });
    }

    /// One row per resource.
    pub(super) fn utilization(&self, plan: &str) -> Vec<UtilizationRow> {
        let row = |(resource, t): (&ResourceName, &Totals)| UtilizationRow {
            plan: plan.to_owned(),
            resource: resource.to_string(),
            capacity: t.capacity,
            hypervisor: t.hypervisor,
            beyond_baseline: t.beyond_baseline,
            reserved: t.reserved,
            allocatable: t.allocatable,
            daemon_sets: t.daemon_sets,
            headroom: t.headroom,
            demand: t.demand,
            requests: t.requests,
            limits: t.limits,
            free: t.free,
            stranded: t.stranded,
            requests_of_capacity: ratio(t.requests, t.capacity),
            fill: ratio(t.demand + t.daemon_sets, t.allocatable),
            overcommit: ratio(t.limits, t.allocatable),
        };
        self.totals.iter().map(row).collect()
    }
}

fn ratio(part: u128, whole: u128) -> Option<Ratio> {
    Ratio::of_wide(i128::try_from(part).ok()?, i128::try_from(whole).ok()?)
}

/// What one pod asks of a resource; pods and volumes are counted.
fn request(workload: &Workload, resource: &ResourceName) -> u64 {
    match resource {
        ResourceName::Pods => 1,
        ResourceName::Volumes => workload.pod.rules.volumes.len() as u64,
        other => workload.pod.requests.get(other).copied().unwrap_or(0),
    }
}

fn limit(workload: &Workload, resource: &ResourceName) -> u64 {
    workload.pod.limits.get(resource).copied().unwrap_or(0)
}
