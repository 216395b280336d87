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

/// What the cloud's controller writes on every node.
pub(super) const TYPE_LABEL: &str = "node.kubernetes.io/instance-type";
/// What tells pools of one instance type apart where their own labels do not.
pub(super) const POOL_LABEL: &str = "plimsoll.dev/pool";

impl PlannedPool {
    /// The label that its nodes need beside their own so that workloads can be led to them: none where no
    /// other pool has its instance type, or its own labels tell it from those that have.
    pub(super) fn own_label(&self, all: &[PlannedPool]) -> Option<(String, String)> {
        let alike = |other: &&PlannedPool| {
            other.pool != self.pool
                && other.instance_type == self.instance_type
                && self.labels.iter().all(|(key, value)| other.labels.get(key) == Some(value))
        };
        all.iter().find(alike).map(|_| (POOL_LABEL.to_owned(), label_value(&self.pool)))
    }

    /// What a workload selects its nodes by, and no others of the plan. `instance_type` is the value of the
    /// nodes' label.
    pub(super) fn selector(&self, all: &[PlannedPool], instance_type: &str) -> BTreeMap<String, String> {
        let mut selector = BTreeMap::from([(TYPE_LABEL.to_owned(), instance_type.to_owned())]);
        let shared =
            all.iter().any(|other| other.pool != self.pool && other.instance_type == self.instance_type);
        match self.own_label(all) {
            Some(label) => selector.extend([label]),
            None if shared => selector.extend(self.labels.clone()),
            None => {}
        }
        selector
    }
}

/// The name of a pool as the value of a label: letters, digits, and dots for what else there is.
fn label_value(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '.' };
    let value: String = name.chars().map(plain).take(63).collect();
    value.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(name: &str, labels: &[(&str, &str)]) -> PlannedPool {
        PlannedPool {
            pool: name.to_owned(),
            instance_type: name.rsplit('/').next().unwrap_or_default().to_owned(),
            node_pool: None,
            labels: labels.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect(),
            taints: Vec::new(),
            spot: false,
            nodes: 1,
            zones: Vec::new(),
            pods: 1,
            list_rate: Rate::ZERO,
            list_month: ListCost::new(Money::ZERO),
            workloads: Vec::new(),
        }
    }

    fn selector(of: usize, all: &[PlannedPool]) -> Vec<(String, String)> {
        all[of].selector(all, &all[of].instance_type).into_iter().collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn pools_of_one_type_are_told_apart_by_their_labels_or_by_one_of_ours() {
        let all = [
            pool("m5.large", &[]),
            pool("batch/m5.large", &[("tier", "batch")]),
            pool("web, fast/m5.large", &[("tier", "web"), ("disk", "ssd")]),
            pool("a/m5.xlarge", &[("tier", "batch")]),
        ];
        // Without labels of its own, a pool's selector would take the others' nodes too.
        let large = (TYPE_LABEL, "m5.large");
        assert_eq!(selector(0, &all), pairs(&[large, (POOL_LABEL, "m5.large")]));
        assert_eq!(selector(1, &all), pairs(&[large, ("tier", "batch")]));
        assert_eq!(selector(2, &all), pairs(&[("disk", "ssd"), large, ("tier", "web")]));
        assert_eq!(selector(3, &all), pairs(&[(TYPE_LABEL, "m5.xlarge")]));
        assert_eq!(label_value("web, fast/m5.large"), "web..fast.m5.large");
        // Equal labels, or those of the other and more, do not tell.
        let all =
            [pool("a/m5.large", &[("tier", "x")]), pool("b/m5.large", &[("tier", "x"), ("disk", "ssd")])];
        assert_eq!(selector(0, &all)[1], (POOL_LABEL.to_owned(), "a.m5.large".to_owned()));
        assert_eq!(selector(1, &all), pairs(&[("disk", "ssd"), large, ("tier", "x")]));
    }
}
