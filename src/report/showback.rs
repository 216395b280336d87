//! The plan's bill by owner.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::grouped;
use super::view::{NodeGroupRow, NodeResource, PlanReport, PodsOnNode};
use crate::bill::showback::{
    BasePrices, IdleSharing, OwnerCost, Part, PartUse, ShowbackNodes, blended, showback,
};
use crate::bill::{EffectiveCost, Ratio};
use crate::units::{HOURS_PER_MONTH, Money};

/// Who causes the cost of some hours, amortised. Rows without their `shared` column sum to the bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowbackReport {
    /// The label whose values are the owners, or `workload` or `namespace`.
    pub label: String,
    /// Hours that are split: a month of 730 of nodes that stay, the whole horizon of nodes over time.
    pub hours: u64,
    /// How idle cost is offered: `cluster` or `node`.
    pub idle_shared_by: IdleBy,
    /// What is supposed, a sentence each.
    pub basis: Vec<String>,
    /// Owners by name, then what no owner asked for, then the total.
    pub rows: Vec<ShowbackRow>,
}

/// How idle cost is offered to owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdleBy {
    /// Over all owners.
    #[default]
    Cluster,
    /// Over the owners of a node's own pods.
    Node,
}

/// What a row of the showback is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShowbackLine {
    /// What the pods of an owner ask for.
    Owner,
    /// Reserved for hypervisor, kernel, system daemons and eviction.
    SystemReserved,
    /// DaemonSets.
    DaemonSets,
    /// Kept free on purpose.
    Headroom,
    /// Asked for by nobody.
    Idle,
    /// Commitments that no usage needed.
    UnusedCommitment,
    /// The cluster's fee.
    Overhead,
    /// The bill.
    Total,
}

impl ShowbackLine {
    /// What tables call a line that is no owner's.
    pub(super) fn label(self) -> Option<&'static str> {
        Some(match self {
            ShowbackLine::Owner => return None,
            ShowbackLine::SystemReserved => "(system reserved)",
            ShowbackLine::DaemonSets => "(DaemonSets)",
            ShowbackLine::Headroom => "(headroom)",
            ShowbackLine::Idle => "(idle)",
            ShowbackLine::UnusedCommitment => "(unused commitment)",
            ShowbackLine::Overhead => "(cluster fee)",
            ShowbackLine::Total => "Total",
        })
    }
}

/// One line of the showback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowbackRow {
    /// What it is.
    pub line: ShowbackLine,
    /// Whose, for owners; `__unallocated__` for pods without the label.
    pub owner: Option<String>,
    /// For cpu.
    pub cpu: Option<EffectiveCost>,
    /// For memory.
    pub memory: Option<EffectiveCost>,
    /// For accelerators.
    pub accelerator: Option<EffectiveCost>,
    /// The line's own cost; all lines but the total sum to the total.
    pub direct: EffectiveCost,
    /// Share of the idle line, which is not in `direct`.
    pub shared: Option<EffectiveCost>,
    /// direct + shared.
    pub with_shared: Option<EffectiveCost>,
    /// direct / total.
    pub share: Option<Ratio>,
}

/// Equal nodes that hold the same pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedNodes {
    /// The family of their type.
    pub family: String,
    /// How many, or for how many hours in all, among those that are split with them.
    pub count: u64,
    /// What they cost where nothing covers them.
    pub list: Money,
    /// What one has and what it is used for.
    pub resources: Vec<NodeResource>,
    /// What lies on one.
    pub pods: Vec<PodsOnNode>,
}

impl SharedNodes {
    /// The nodes of a report, for a month.
    pub fn of_plan(report: &PlanReport) -> Vec<Self> {
        let of = |group: &NodeGroupRow| SharedNodes {
            family: group.family.clone(),
            count: group.nodes,
            list: group.list_month.money(),
            resources: group.resources.clone(),
            pods: group.pods.clone(),
        };
        report.nodes.iter().map(of).collect()
    }

    /// The same with all nodes of a type as one: where idle room is offered to all owners, this says as much
    /// of thousands of nodes in little time.
    fn by_type(report: &PlanReport) -> Vec<Self> {
        let mut types: BTreeMap<&str, (SharedNodes, BTreeMap<&str, u64>)> = BTreeMap::new();
        for group in &report.nodes {
            let empty = || SharedNodes {
                family: group.family.clone(),
                count: 1,
                list: Money::ZERO,
                resources: Vec::new(),
                pods: Vec::new(),
            };
            let (sum, pods) = types.entry(&group.instance_type).or_insert_with(|| (empty(), BTreeMap::new()));
            sum.list = sum.list + group.list_month.money();
            for row in &group.resources {
                let nodes = group.nodes;
                let all = NodeResource {
                    resource: row.resource.clone(),
                    capacity: row.capacity.saturating_mul(nodes),
                    allocatable: row.allocatable.saturating_mul(nodes),
                    daemon_sets: row.daemon_sets.saturating_mul(nodes),
                    headroom: row.headroom.saturating_mul(nodes),
                    demand: row.demand.saturating_mul(nodes),
                    requests: row.requests.saturating_mul(u128::from(nodes)),
                    limits: row.limits.saturating_mul(u128::from(nodes)),
                    free: row.free.saturating_mul(nodes),
                    fill: None,
                };
                match sum.resources.iter_mut().find(|other| other.resource == row.resource) {
                    Some(other) => {
                        other.capacity = other.capacity.saturating_add(all.capacity);
                        other.allocatable = other.allocatable.saturating_add(all.allocatable);
                        other.daemon_sets = other.daemon_sets.saturating_add(all.daemon_sets);
                        other.headroom = other.headroom.saturating_add(all.headroom);
                        other.demand = other.demand.saturating_add(all.demand);
                        other.requests = other.requests.saturating_add(all.requests);
                        other.limits = other.limits.saturating_add(all.limits);
                        other.free = other.free.saturating_add(all.free);
                    }
                    None => sum.resources.push(all),
                }
            }
            for on in &group.pods {
                *pods.entry(&on.workload).or_default() += on.pods * group.nodes;
            }
        }
        let listed = |(mut sum, pods): (SharedNodes, BTreeMap<&str, u64>)| {
            let on = |(workload, pods): (&str, u64)| PodsOnNode { workload: workload.to_owned(), pods };
            sum.pods = pods.into_iter().map(on).collect();
            sum
        };
        types.into_values().map(listed).collect()
    }
}

/// What some hours cost, family by family, and beside them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeriodCost {
    /// How many hours.
    pub hours: u64,
    /// The nodes that run in them.
    pub nodes: Vec<SharedNodes>,
    /// Amortised cost of what nodes use, by family.
    pub families: BTreeMap<String, EffectiveCost>,
    /// Commitments that no usage needed.
    pub unused: EffectiveCost,
    /// What is not the nodes'.
    pub overhead: EffectiveCost,
    /// What is supposed, a sentence each.
    pub basis: Vec<String>,
}

impl PeriodCost {
    /// The plan's nodes for a month as the headline counts them, under the selected purchase.
    pub(super) fn of_headline(report: &PlanReport) -> Self {
        let mut families: BTreeMap<String, EffectiveCost> = BTreeMap::new();
        for group in &report.nodes {
            let family = families.entry(group.family.clone()).or_default();
            *family = *family + group.effective_month;
        }
        let fees = report.extra_costs.iter().filter(|cost| !cost.in_node_rates);
        let overhead = fees.map(|cost| EffectiveCost::new(cost.list_month.money())).sum();
        PeriodCost {
            hours: HOURS_PER_MONTH,
            nodes: SharedNodes::by_type(report),
            families,
            unused: EffectiveCost::ZERO,
            overhead,
            basis: Vec::new(),
        }
    }
}

impl ShowbackReport {
    /// What the costs are of, in words: `a month of 730 h`, `8,760 h`.
    pub fn period(&self) -> String {
        match self.hours {
            HOURS_PER_MONTH => "a month of 730 h".to_owned(),
            hours => format!("{} h", grouped(hours)),
        }
    }

    /// Splits a cost over the values of a label (`namespace` and `workload` go without one).
    pub fn of(report: &PlanReport, label: &str, by: IdleBy, period: &PeriodCost) -> Self {
        let owners: Vec<Option<String>> = report
            .workloads
            .iter()
            .map(|row| match label {
                "workload" => Some(row.workload.clone()),
                "namespace" => Some(row.namespace.clone()),
                label => row.owners.get(label).cloned(),
            })
            .collect();
        let index: BTreeMap<&str, usize> =
            report.workloads.iter().enumerate().map(|(i, row)| (row.workload.as_str(), i)).collect();
        let mut groups: Vec<(String, EffectiveCost, Money)> = period
            .nodes
            .iter()
            .map(|group| (group.family.clone(), EffectiveCost::ZERO, group.list))
            .collect();
        // All of a family's cost goes to its first group, and from there over all of them by list price.
        let mut left = period.families.clone();
        for group in &mut groups {
            group.1 = left.remove(&group.0).unwrap_or(EffectiveCost::ZERO);
        }
        let nodes: Vec<ShowbackNodes> = period
            .nodes
            .iter()
            .zip(blended(&groups))
            .map(|(group, cost)| ShowbackNodes { cost, parts: parts(report, group, &index) })
            .collect();
        let sharing = match by {
            IdleBy::Cluster => IdleSharing::Cluster,
            IdleBy::Node => IdleSharing::Node,
        };
        let bill = showback(&nodes, &owners, &BasePrices::DEFAULT, sharing, period.unused, period.overhead);
        let nodes_cost: EffectiveCost = period.families.values().copied().sum();
        assert_eq!(bill.total, nodes_cost + period.unused + period.overhead, "a showback sums to the bill");
        let share = |cost: EffectiveCost| Ratio::of_money(cost.money(), bill.total.money());
        let owner = |row: &OwnerCost| ShowbackRow {
            line: ShowbackLine::Owner,
            owner: Some(row.owner.clone()),
            cpu: Some(row.cpu),
            memory: Some(row.memory),
            accelerator: Some(row.accelerator),
            direct: row.direct(),
            shared: Some(row.shared),
            with_shared: Some(row.direct() + row.shared),
            share: share(row.direct()),
        };
        let line = |line, cost: EffectiveCost| ShowbackRow {
            line,
            owner: None,
            cpu: None,
            memory: None,
            accelerator: None,
            direct: cost,
            shared: None,
            with_shared: None,
            share: share(cost),
        };
        let mut rows: Vec<ShowbackRow> = bill.owners.iter().map(owner).collect();
        rows.extend([
            line(ShowbackLine::SystemReserved, bill.system),
            line(ShowbackLine::DaemonSets, bill.daemon_sets),
            line(ShowbackLine::Headroom, bill.headroom),
            line(ShowbackLine::Idle, bill.idle),
            line(ShowbackLine::UnusedCommitment, bill.unused_commitment),
            line(ShowbackLine::Overhead, bill.overhead),
            line(ShowbackLine::Total, bill.total),
        ]);
        ShowbackReport {
            label: label.to_owned(),
            hours: period.hours,
            idle_shared_by: by,
            basis: period.basis.clone(),
            rows,
        }
    }
}

/// What a group's nodes are used for, summed over them.
fn parts(report: &PlanReport, group: &SharedNodes, index: &BTreeMap<&str, usize>) -> BTreeMap<Part, PartUse> {
    let mut parts: BTreeMap<Part, PartUse> = BTreeMap::new();
    for row in &group.resources {
        let (part, per) = match row.resource.as_str() {
            "cpu" => (Part::Cpu, 1),
            "memory" => (Part::Memory, 1 << 20),
            // Extended resources are accelerators; slots and disks have no price of their own here.
            other if other.contains('/') => (Part::Accelerator, 1),
            _ => continue,
        };
        let nodes = u128::from(group.count);
        let units = |amount: u128| u64::try_from(amount * nodes / per).unwrap_or(u64::MAX);
        let of = |amount: u64| units(u128::from(amount));
        // The pods' part goes to their owners by what they ask for; where nobody asks, by pods.
        let asked = |workload: usize, pods: u64| {
            let each = report.workloads[workload].requests.get(&row.resource).copied().unwrap_or(0);
            u128::from(each) * u128::from(pods)
        };
        let mut weights: Vec<(usize, u128)> = group
            .pods
            .iter()
            .filter_map(|on| index.get(on.workload.as_str()).map(|&w| (w, asked(w, on.pods))))
            .collect();
        if weights.iter().all(|(_, weight)| *weight == 0) {
            let pods = |on: &PodsOnNode| index.get(on.workload.as_str()).map(|&w| (w, u128::from(on.pods)));
            weights = group.pods.iter().filter_map(pods).collect();
        }
        let demand = u128::from(row.demand);
        let sum: u128 = weights.iter().map(|(_, weight)| weight).sum();
        // What is packed can differ from what is requested (by limits, by defaults): it is shared out.
        let pods: Vec<(usize, u64)> = weights
            .iter()
            .filter(|_| sum > 0)
            .map(|&(w, weight)| (w, u64::try_from(demand * nodes * weight / (sum * per)).unwrap_or(u64::MAX)))
            .collect();
        let used = PartUse {
            capacity: of(row.capacity),
            system: of(row.capacity.saturating_sub(row.allocatable)),
            daemon_sets: of(row.daemon_sets),
            headroom: of(row.headroom),
            pods,
            idle: of(row.free),
        };
        let entry = parts.entry(part).or_default();
        // Several kinds of accelerators on one node count together.
        entry.capacity += used.capacity;
        entry.system += used.system;
        entry.daemon_sets += used.daemon_sets;
        entry.headroom += used.headroom;
        entry.idle += used.idle;
        entry.pods.extend(used.pods);
    }
    parts
}

/// Hours of the month that is split.
pub(super) fn hours() -> u32 {
    u32::try_from(HOURS_PER_MONTH).expect("730")
}
