//! Spot nodes as rows of the report: what they save, and what it costs when they are taken away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{ListCost, Ratio};
use crate::catalog::InterruptionBand;
use crate::units::{Money, Rate};

/// The spot part of a plan. Spot rates are averages of a region and change by the hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpotReport {
    /// Spot nodes.
    pub nodes: u64,
    /// Distinct instance types among them.
    pub instance_types: u64,
    /// Pods on them.
    pub pods: u64,
    /// Pods that may lie on them.
    pub pods_allowed: u64,
    /// What the spot nodes cost, a month.
    pub spot_month: ListCost,
    /// What the same nodes cost on demand, a month.
    pub on_demand_month: ListCost,
    /// The difference.
    pub saving_month: Money,
    /// The whole plan where all spot capacity is taken away and every such node replaced on demand, a month.
    pub fallback_month: ListCost,
    /// Of the pods on spot nodes, the share that lies on one type at most.
    pub largest_share: Option<Ratio>,
    /// Spot nodes of types of which the catalog does not say how often they are interrupted.
    pub nodes_band_unknown: u64,
    /// Allowed types that have no spot rate, so that there are no spot nodes of them.
    pub types_without_rate: u64,
    /// The types, the dearest first.
    pub types: Vec<SpotTypeRow>,
    /// The workloads that may lie on spot nodes, by name.
    pub workloads: Vec<SpotWorkloadRow>,
}

/// Spot nodes of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpotTypeRow {
    /// Which type.
    pub instance_type: String,
    /// How many.
    pub nodes: u64,
    /// Pods on them.
    pub pods: u64,
    /// Spot, an hour.
    pub spot_rate: Rate,
    /// On demand, an hour.
    pub on_demand_rate: Rate,
    /// How often such nodes are taken back; unknown where the catalog says nothing.
    pub interruption: Option<InterruptionBand>,
}

/// What of a workload lies on spot nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpotWorkloadRow {
    /// `namespace/Kind/name`, as in the input.
    pub workload: String,
    /// Its pods.
    pub pods: u64,
    /// Of them such as may lie on spot nodes: its share, rounded down.
    pub allowed: u64,
    /// Of them on spot nodes.
    pub on_spot: u64,
    /// The most that one instance type takes with it.
    pub most_on_one_type: u64,
}
