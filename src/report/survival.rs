//! What a plan survives, as rows of the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{ListCost, Ratio};
use crate::catalog::Catalog;
use crate::formulate::{Legend, pool_name};
use crate::policy::FailureScope;
use crate::problem::{BinTypeId, Problem};
use crate::resilience::{Failed, Survival};
use crate::units::{HOURS_PER_MONTH, Money};
use crate::verify::VerifiedPlan;
use crate::workload::WorkloadSet;

/// The loss of any one node or zone: what it costs to survive it, and what each loss brings about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SurvivalRow {
    /// What may be lost.
    pub scope: FailureScope,
    /// The lowest priority of the pods that must find a node; `null` for all pods.
    pub priority: Option<i32>,
    /// Whether all such pods find one after every loss.
    pub holds: bool,
    /// What the plan without resilience costs a month, on demand.
    pub without_month: ListCost,
    /// What this plan costs more.
    pub premium_month: Money,
    /// That as a share of the plan without.
    pub premium: Option<Ratio>,
    /// Nodes that hold no pod until something is lost; they are among the report's nodes.
    pub spare: Vec<SpareRow>,
    /// One for each distinct loss.
    pub failures: Vec<FailureRow>,
}

/// Nodes that hold no pod until something is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpareRow {
    /// Of which pool of the plan.
    pub pool: String,
    /// Where they stand, where the plan tells zones apart.
    pub zone: Option<String>,
    /// How many.
    pub nodes: u64,
    /// What they cost a month, on demand.
    pub list_month: ListCost,
}

/// The loss of one node, or of all nodes of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureRow {
    /// The pool of the lost node; `null` for a zone.
    pub pool: Option<String>,
    /// The zone that is lost, or that the node stands in where the plan tells zones apart.
    pub zone: Option<String>,
    /// How many nodes are lost at once.
    pub nodes: u64,
    /// How many equal nodes there are, any one of which this is the loss of; 1 for a zone.
    pub alike: u64,
    /// Pods that ran there.
    pub pods: u64,
    /// Where those that must find a node are put.
    pub moved: Vec<MovedRow>,
    /// Pods of lower priority that stay without a node, having been there or having made room.
    pub waiting: Vec<PodsRow>,
    /// Pods that should find a node and do not.
    pub pending: Vec<PodsRow>,
}

/// Pods of a workload that are put into a pool after a loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MovedRow {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// Into which pool.
    pub pool: String,
    /// Into which zone, where the plan tells zones apart.
    pub zone: Option<String>,
    /// How many.
    pub pods: u64,
}

/// Pods of a workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodsRow {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// How many.
    pub pods: u64,
}

/// What the rows name.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The workloads.
    pub workloads: &'a WorkloadSet,
    /// The prices.
    pub catalog: &'a Catalog,
    /// The problem that the plan is of.
    pub problem: &'a Problem,
    /// What its numbers stand for.
    pub legend: &'a Legend,
}

impl SurvivalRow {
    /// The rows of a plan that was made to survive.
    pub fn of(survival: &Survival, plan: &VerifiedPlan, named: Named<'_>) -> Self {
        let premium = plan.hourly_cost() - survival.without;
        let spare = survival.spare.iter().map(|&(bin, nodes)| SpareRow {
            pool: named.pool(bin),
            zone: named.zone(bin),
            nodes,
            list_month: ListCost::new(month(named.problem.bin(bin).rate.for_hours(nodes))),
        });
        SurvivalRow {
            scope: survival.wanted.scope,
            priority: survival.wanted.priority,
            holds: survival.holds(),
            without_month: ListCost::new(month(survival.without)),
            premium_month: month(premium),
            premium: Ratio::of_money(premium, survival.without),
            spare: spare.collect(),
            failures: survival.failures.iter().map(|failed| named.failure(failed)).collect(),
        }
    }
}

impl Named<'_> {
    fn pool(&self, bin: BinTypeId) -> String {
        let node = &self.legend.nodes[bin.index()];
        pool_name(&self.catalog.types[node.catalog_type].name, &self.legend.pools[node.pool].name)
    }

    fn zone(&self, bin: BinTypeId) -> Option<String> {
        self.legend.nodes[bin.index()].zone.clone()
    }

    fn failure(&self, failed: &Failed) -> FailureRow {
        let workload = |w: usize| self.workloads.workloads[w].id.to_string();
        let pods = |list: &[(usize, u64)]| {
            list.iter().map(|&(w, pods)| PodsRow { workload: workload(w), pods }).collect()
        };
        let moved = failed.moved.iter().map(|&(w, bin, pods)| MovedRow {
            workload: workload(w),
            pool: self.pool(bin),
            zone: self.zone(bin),
            pods,
        });
        FailureRow {
            pool: failed.bin_type.map(|bin| self.pool(bin)),
            zone: failed.zone.clone(),
            nodes: failed.nodes,
            alike: failed.alike,
            pods: failed.pods,
            moved: moved.collect(),
            waiting: pods(&failed.waiting),
            pending: pods(&failed.pending),
        }
    }
}

fn month(hour: Money) -> Money {
    hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill comes near 10^29 dollars")
}
