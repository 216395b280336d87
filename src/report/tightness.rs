//! What the same pods cost packed more and less tightly.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{ListCost, Ratio};

/// The plan's cost against how much of every node's cpu and memory is kept free, all else as planned. Months
/// have 730 hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tightness {
    /// What the plan itself keeps free of cpu and memory; absent where that differs between them.
    pub headroom: Option<Ratio>,
    /// The most kept free first. A level takes the plan of a stricter one where that costs less.
    pub levels: Vec<TightnessRow>,
    /// Levels left out, for at them not all pods of the plan find a node.
    pub left_out: Vec<Ratio>,
}

/// A level of packing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TightnessRow {
    /// Share of allocatable cpu and memory that stays free on every node.
    pub headroom: Ratio,
    /// Nodes.
    pub nodes: u64,
    /// On demand, a month.
    pub list_month: ListCost,
    /// No plan at this level costs less, a month.
    pub lower_bound_month: ListCost,
    /// Change of the cost against the plan.
    pub change: Option<Ratio>,
    /// Whether this is the plan itself.
    pub planned: bool,
}
