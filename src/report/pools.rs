//! The pools of a plan as rows of the report, and what each form of plan costs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{ListCost, Ratio};
use crate::policy::PlanForm;
use crate::units::{Money, Rate};

/// Equal nodes: one instance type of one node pool, in one or more zones. In a pooled plan every
/// workload lies in one pool whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedPool {
    /// Its name, unique in the plan: `m5.2xlarge`, or `batch/m5.2xlarge` in the node pool `batch`.
    pub pool: String,
    /// Which type.
    pub instance_type: String,
    /// The node pool that it belongs to, where its nodes need labels or taints.
    pub node_pool: Option<String>,
    /// Labels that its nodes carry beside those that type and zone give them.
    pub labels: BTreeMap<String, String>,
    /// Taints of its nodes, as kubectl writes them: `key=value:NoSchedule`.
    pub taints: Vec<String>,
    /// Whether its nodes are spot nodes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spot: bool,
    /// How many nodes.
    pub nodes: u64,
    /// Of them in each zone, where the plan tells zones apart; else empty.
    pub zones: Vec<ZoneNodes>,
    /// Pods on all of its nodes, DaemonSets not counted.
    pub pods: u64,
    /// What one node costs an hour on demand.
    pub list_rate: Rate,
    /// All of its nodes on demand, a month.
    pub list_month: ListCost,
    /// The workloads that lie in it, in input order; in a free plan some may lie in others too.
    pub workloads: Vec<String>,
}

/// Nodes of a pool in one zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneNodes {
    /// The zone.
    pub zone: String,
    /// How many nodes.
    pub nodes: u64,
}

/// Both forms of plan, side by side under the same lower bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forms {
    /// The cheapest plan found of any pattern.
    pub free: FormRow,
    /// The cheapest pooled plan found.
    pub pooled: FormRow,
    /// What the pooled plan costs more a month, on demand.
    pub premium_month: Money,
    /// That as a share of the free plan.
    pub premium: Option<Ratio>,
}

/// One form of plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormRow {
    /// Nodes.
    pub nodes: u64,
    /// Pools: distinct instance types, told apart by node pool.
    pub pools: u64,
    /// On demand, an hour.
    pub list_hour: ListCost,
    /// On demand, a month.
    pub list_month: ListCost,
    /// (cost - bound) / cost, rounded up.
    pub gap: Option<Ratio>,
}

impl Forms {
    /// The row of a form.
    pub fn row(&self, form: PlanForm) -> &FormRow {
        match form {
            PlanForm::Free => &self.free,
            PlanForm::Pooled => &self.pooled,
        }
    }
}
