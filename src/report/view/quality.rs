//! How good a plan is and what a reader should know of it, as rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{ListCost, Ratio};
use crate::plan::{BoundKind, StopReason};
use crate::units::Money;

/// A workload that fits nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObstacleRow {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// Pods left out.
    pub pods: u64,
    /// Why.
    pub reason: String,
    /// The nearest instance type, where size is the reason.
    pub nearest_type: Option<String>,
}

/// What kind of thing a notice tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// Something that the input or the plan should be looked at for.
    Warning,
    /// Something that was taken for granted.
    Assumption,
}

/// Something that a reader should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Which kind.
    pub kind: NoticeKind,
    /// The workload that it is about, if it is about one.
    pub workload: Option<String>,
    /// In plain words.
    pub message: String,
}

/// Objects that do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkippedRow {
    /// What they are.
    pub what: String,
    /// How many.
    pub count: u64,
}

/// How good the plan is, and how that is known. Costs are for one hour, on demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SolveInfo {
    /// Of the plan.
    pub cost_hour: ListCost,
    /// What no plan can undercut.
    pub lower_bound_hour: ListCost,
    /// Whether that follows from integer arithmetic or is a solver's word.
    pub bound_kind: BoundKind,
    /// The part of the bound that is certified.
    pub certified_bound_hour: ListCost,
    /// (cost - bound) / cost, rounded up.
    pub gap: Option<Ratio>,
    /// (cost - certified bound) / cost, rounded up.
    pub certified_gap: Option<Ratio>,
    /// What the gap is at most, in money a month.
    pub gap_month: Money,
    /// Why the search ended.
    pub stop: StopReason,
    /// All of this in plain words.
    pub explanation: Vec<String>,
    /// How plan and bound came closer.
    pub progress: Vec<ProgressRow>,
}

impl SolveInfo {
    /// Work done when the plan was found, in the solver's units, if the search told.
    pub fn work_to_plan(&self) -> Option<u64> {
        self.progress.iter().find(|row| row.cost_hour == Some(self.cost_hour)).map(|row| row.work)
    }

    /// Work done when the bound was found, in the solver's units, if the search told.
    pub fn work_to_bound(&self) -> Option<u64> {
        self.progress.iter().find(|row| row.lower_bound_hour == self.lower_bound_hour).map(|row| row.work)
    }
}

/// A better plan or bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProgressRow {
    /// Work done until then, in the solver's units.
    pub work: u64,
    /// Best plan's cost for an hour.
    pub cost_hour: Option<ListCost>,
    /// Best bound for an hour.
    pub lower_bound_hour: ListCost,
}
