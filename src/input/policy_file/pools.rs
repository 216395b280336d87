//! Node pools, and what nodes and cluster cost beside instances.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::document::Value;
use super::super::scalars::Quantity;
use super::super::view::View;
use super::read::{read_types, read_word};
use super::{PolicyFile, TypesDocument};
use crate::policy::{CostUnit, NodeCost, NodePool, Policy, PoolLimits, Taint, TaintEffect};
use crate::units::{Bytes, HOURS_PER_MONTH, MilliCpu, Rate, ResourceName};

pub(super) const POOL_KEYS: [&str; 6] = ["name", "types", "labels", "taints", "zones", "limits"];
pub(super) const TAINT_KEYS: [&str; 3] = ["key", "value", "effect"];
pub(super) const LIMIT_KEYS: [&str; 3] = ["nodes", "cpu", "memory"];
pub(super) const COST_KEYS: [&str; 4] = ["name", "perHour", "perMonth", "per"];

/// Reads the list of pools; names are unique.
pub(super) fn read_pools(list: View<'_>) -> Vec<NodePool> {
    let mut pools: Vec<NodePool> = Vec::new();
    list.each_item(|item| {
        item.only_keys(&POOL_KEYS);
        if !matches!(item.node.value, Value::Mapping(_)) {
            return;
        }
        let Some(name) = item.required("name").and_then(|name| name.text().map(str::to_owned)) else {
            return;
        };
        if name.is_empty() || pools.iter().any(|pool| pool.name == name) {
            item.fault(format!("node pool `{name}` needs a name of its own"));
        }
        let mut pool = NodePool { name, ..NodePool::default() };
        if let Some(types) = item.get("types") {
            let mut file = PolicyFile::default();
            read_types(types, &mut file);
            // Only the filter counts here.
            pool.types = file.apply_to(Policy::default_for(crate::catalog::Provider::Other)).types;
        }
        if let Some(labels) = item.get("labels") {
            pool.labels = labels.string_map();
        }
        if let Some(taints) = item.get("taints") {
            taints.each_item(|taint| pool.taints.extend(read_taint(taint)));
        }
        if let Some(zones) = item.get("zones") {
            pool.zones = zones.strings();
        }
        if let Some(limits) = item.get("limits") {
            pool.limits = read_limits(limits);
        }
        pools.push(pool);
    });
    pools
}

/// Faults pools in zones that the policy does not have.
pub(super) fn check_zones(list: View<'_>, zones: &[String]) {
    list.each_item(|item| {
        if !matches!(item.node.value, Value::Mapping(_)) {
            return;
        }
        let Some(view) = item.get("zones") else { return };
        for zone in view.strings().iter().filter(|zone| !zones.contains(zone)) {
            view.fault(format!("zone `{zone}` is not among the policy's zones"));
        }
    });
}

fn read_taint(taint: View<'_>) -> Option<Taint> {
    taint.only_keys(&TAINT_KEYS);
    let key = taint.required("key").and_then(|key| key.text().map(str::to_owned));
    let value = taint.get("value").and_then(|value| value.string()).unwrap_or_default();
    let effect = taint.required("effect").and_then(read_word::<TaintEffect>);
    Some(Taint { key: key?, value, effect: effect? })
}

fn read_limits(limits: View<'_>) -> PoolLimits {
    limits.only_keys(&LIMIT_KEYS);
    let amount = |key: &str, resource: ResourceName| {
        limits.get(key).and_then(|value| value.quantity(&resource, &mut Vec::new()))
    };
    PoolLimits {
        nodes: limits.get("nodes").and_then(|nodes| nodes.whole()),
        cpu: amount("cpu", ResourceName::Cpu).map(MilliCpu),
        memory: amount("memory", ResourceName::Memory).map(Bytes),
    }
}

/// Reads what nodes cost beside their instances.
pub(super) fn read_costs(list: View<'_>) -> Vec<NodeCost> {
    let mut costs: Vec<NodeCost> = Vec::new();
    list.each_item(|item| {
        item.only_keys(&COST_KEYS);
        if !matches!(item.node.value, Value::Mapping(_)) {
            return;
        }
        let name = item.required("name").and_then(|name| name.text().map(str::to_owned));
        let per = match item.get("per") {
            Some(per) => read_word::<CostUnit>(per),
            None => Some(CostUnit::Node),
        };
        let hourly = item.get("perHour").and_then(read_rate);
        let monthly = item.get("perMonth").and_then(read_rate);
        let rate = match (hourly, monthly) {
            (Some(rate), None) => rate,
            (None, Some(month)) => Rate::from_nanos(month.nanos().div_ceil(HOURS_PER_MONTH)),
            _ => {
                item.fault_with_help("needs either perHour or perMonth", "such as `perHour: 0.01`");
                return;
            }
        };
        let (Some(name), Some(per)) = (name, per) else { return };
        if costs.iter().any(|cost| cost.name == name) {
            item.fault(format!("cost `{name}` stands twice"));
        }
        costs.push(NodeCost { name, rate, per });
    });
    costs
}

/// An amount of money an hour.
pub(super) fn read_rate(view: View<'_>) -> Option<Rate> {
    let text = view.quantity_text()?;
    match text.parse::<Rate>() {
        Ok(rate) => Some(rate),
        Err(error) => {
            view.fault_with_help(error.to_string(), "write a decimal, such as `0.10`");
            None
        }
    }
}

/// A node pool, as the schema describes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolDocument {
    /// Its name, unique in the file.
    pub name: String,
    /// Which of the types that the policy allows; all where none are named.
    pub types: Option<TypesDocument>,
    /// Labels of its nodes.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What its nodes keep pods off with that do not tolerate it.
    #[serde(default)]
    pub taints: Vec<TaintDocument>,
    /// The zones that it has nodes in; all where none are named.
    #[serde(default)]
    pub zones: Vec<String>,
    /// How large it may become.
    pub limits: Option<LimitsDocument>,
}

/// A taint, as the schema describes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaintDocument {
    /// Its key.
    pub key: String,
    /// Its value; none where left out.
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// Limits of a pool, as the schema describes them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitsDocument {
    /// The most nodes.
    pub nodes: Option<u64>,
    /// The most cpu of all nodes.
    pub cpu: Option<Quantity>,
    /// The most memory of all nodes.
    pub memory: Option<Quantity>,
}

/// Something that every node costs, as the schema describes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeCostDocument {
    /// For people, unique in the file.
    pub name: String,
    /// For one unit and hour, in the catalog's currency. Either this or `perMonth`.
    pub per_hour: Option<Quantity>,
    /// For one unit and month of 730 hours.
    pub per_month: Option<Quantity>,
    /// `node` (default), `vcpu`, `memory-gib` or `storage-gib`.
    pub per: Option<String>,
}
