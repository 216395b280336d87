//! The plan as flat rows: everything that any format shows, and the JSON contract itself.
//!
//! A format is a function of a [`PlanReport`] alone, so a saved report renders to the same bytes as
//! a fresh one. Money and rates are exact decimals, resources integers in base units (millicores,
//! bytes, counts); there is no wall clock, and rows have a fixed order.

mod nodes;
mod paying;
mod quality;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{EffectiveCost, ListCost, Ratio};
use crate::catalog::Provider;
use crate::policy::PlanForm;
use crate::units::Money;

pub use super::accounts::{AccountMonth, AccountRate, AccountSpan, Accounts, ChargeKind, ChargeRow, HeldRow};
pub use super::build::{BaselineInput, Metadata, ReportError, ReportInputs, build};
pub use super::cluster::{
    ActionRow, ClusterInput, ClusterNodeRow, ClusterPlanRow, ClusterReport, ClusterResource, ClusterSpotRow,
    FixedRow, MigrationRow, StepRow,
};
pub use super::over_time::{
    LevelNodesRow, LevelRow, LoadRow, OverTime, OverTimeInputs, PackedFrom, ScenarioRow,
};
pub use super::pools::{FormRow, Forms, PlannedPool, ZoneNodes};
pub use super::purchase::{
    OwnedRow, ProposalRow, PurchaseStep, Purchases, PurchasesInputs, ScenarioCostRow, SensitivityRow,
    TriedRow,
};
pub use super::replayed::{
    ClassRow, ExtraNodesRow, LifeRow, MeasuresRow, PendingPodsRow, PendingRow, PinRow, ReachedRow, Replayed,
};
pub use super::scheduling::{PoolRow, ScheduledRow, Scheduling, SpreadRow};
pub use super::showback::{IdleBy, ShowbackLine, ShowbackReport, ShowbackRow};
pub use super::spot::{SpotReport, SpotTypeRow, SpotWorkloadRow};
pub use super::survival::{FailureRow, MovedRow, Named, PodsRow, SpareRow, SurvivalRow};
pub use super::tightness::{Tightness, TightnessRow};
pub use super::usage::{RiskRow, UsageReport, UsageRow, UsedResource, WhatIfRow};
pub(super) use nodes::uncommitted;
pub use nodes::{
    CostUse, CostUseRow, ExtraCostRow, NodeGroupRow, NodeResource, PodsOnNode, UtilizationRow, WorkloadRow,
};
pub use paying::{CommitmentRow, PlanRow, PurchaseRow};
pub use quality::{Notice, NoticeKind, ObstacleRow, ProgressRow, SkippedRow, SolveInfo};

/// Version of the JSON form; raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// A verified plan, priced, beside its baselines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanReport {
    /// Version of this form.
    pub schema_version: u32,
    /// What made it.
    pub tool: Tool,
    /// Which question it answers.
    pub scenario: Scenario,
    /// What was read, in reading order.
    pub inputs: Vec<InputFile>,
    /// SHA-256 over everything that decides the plan.
    pub input_hash: String,
    /// Whose prices.
    pub catalog: CatalogInfo,
    /// All settings that hold, by name.
    pub policy: Vec<Setting>,
    /// The answer in a few figures.
    pub headline: Headline,
    /// From one VM per replica to packed to reserved.
    pub savings: Vec<SavingsStep>,
    /// What the money of the nodes buys; the rows sum to their cost.
    #[serde(default)]
    pub cost_uses: Vec<CostUseRow>,
    /// What the plan costs beside instances, one row for each such cost of the policy.
    #[serde(default)]
    pub extra_costs: Vec<ExtraCostRow>,
    /// Which form the plan has.
    #[serde(default)]
    pub form: PlanForm,
    /// What each form of plan costs, where both were looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forms: Option<Forms>,
    /// The pools that the nodes make up, the dearest first.
    #[serde(default)]
    pub pools: Vec<PlannedPool>,
    /// The nodes to have; equal nodes are one row.
    pub nodes: Vec<NodeGroupRow>,
    /// The workloads, in input order.
    pub workloads: Vec<WorkloadRow>,
    /// Where capacity goes, per plan and resource.
    pub utilization: Vec<UtilizationRow>,
    /// This plan (first) and the baselines, side by side.
    pub plans: Vec<PlanRow>,
    /// Ways to pay for the nodes.
    pub purchase_options: Vec<PurchaseRow>,
    /// What each way of paying commits to.
    pub commitments: Vec<CommitmentRow>,
    /// Workloads that fit nowhere.
    pub obstacles: Vec<ObstacleRow>,
    /// Rules that the plan does not honour, assumptions, warnings.
    pub notices: Vec<Notice>,
    /// Objects that were read and do not count.
    pub skipped: Vec<SkippedRow>,
    /// What the scheduler sees of the plan; absent in reports of before it was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,
    /// What the replayed scheduler makes of the plan; null says that it was not replayed.
    #[serde(default)]
    pub replay: Option<Replayed>,
    /// The cluster as it runs beside the plan; absent where none was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterReport>,
    /// The spot nodes and what they would cost on demand; absent where no pod may lie on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<SpotReport>,
    /// Measured use beside requests; absent where none was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageReport>,
    /// What the plan survives; absent where nothing was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survival: Option<SurvivalRow>,
    /// Demand over time, packed; absent where demand does not vary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_time: Option<OverTime>,
    /// Commitments held, cash and accrual; absent where nobody asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Accounts>,
    /// The bill by owner; absent where nobody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub showback: Option<ShowbackReport>,
    /// What to commit to; absent where nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchases: Option<Purchases>,
    /// What the pods cost packed more and less tightly; absent where that was not computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tightness: Option<Tightness>,
    /// How good the plan is, and how that is known.
    pub solve: SolveInfo,
}

/// The program that made the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// `plimsoll`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Which question the plan answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Stable id: the first twelve digits of the input hash unless the user names one.
    pub id: String,
    /// For people.
    pub name: String,
    /// First day of the plan (`2026-08-01`), where the user gives one.
    pub start: Option<String>,
    /// Seed of the solver's randomised parts.
    pub seed: u64,
}

/// One file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Its name as given.
    pub name: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Where prices come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogInfo {
    /// Its name.
    pub name: String,
    /// Whose prices.
    pub provider: Provider,
    /// Where they hold.
    pub region: String,
    /// ISO 4217.
    pub currency: String,
    /// When they held, as the source gives it.
    pub price_date: String,
    /// Where the figures come from.
    pub sources: Vec<String>,
    /// Under which licence the sources stand.
    pub licence_note: String,
    /// Rules by which rates of the purchase options are derived, with the reason for each.
    pub derivations: BTreeMap<String, String>,
    /// Negotiated discounts that reduce rates of the plan's types. All on-demand costs of the report are
    /// after them; what the price list has stands in `public_rate`, `public_list_month` and in the
    /// purchase options' `list_month`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<DiscountRow>,
}

/// A negotiated discount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscountRow {
    /// What the contract calls it.
    pub name: String,
    /// How much is taken off, such as `7.5 %`.
    pub percent: String,
    /// Globs of the types that it is for.
    pub types: Vec<String>,
    /// Globs of the families that it is for; for all types where nothing is named.
    pub families: Vec<String>,
    /// The provider's product numbers that it is for.
    pub skus: Vec<String>,
    /// The rates that it reduces: `on-demand`, `spot` or an instrument.
    pub on: Vec<String>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Name, as in a policy file.
    pub name: String,
    /// Value, for people.
    pub value: String,
}

/// The answer in a few figures. Months have 730 hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Headline {
    /// What "before" is: the label of the reference baseline.
    pub before_label: Option<String>,
    /// One VM per replica (or what runs today), on demand, a month.
    pub before_month: Option<ListCost>,
    /// The packed plan on demand, a month.
    pub packed_month: ListCost,
    /// The packed plan at the public price list, where a negotiated discount makes it cheaper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_list_month: Option<ListCost>,
    /// The packed plan under the selected purchase, amortised, a month.
    pub reserved_month: Option<EffectiveCost>,
    /// The selected purchase.
    pub reserved_label: Option<String>,
    /// Share of the plan's on-demand cost that the selected purchase covers.
    pub reserved_coverage: Option<Ratio>,
    /// 1 - packed / before.
    pub saving_packed: Option<Ratio>,
    /// 1 - reserved / before; as `saving_packed` where nothing is reserved.
    pub saving_total: Option<Ratio>,
    /// What that is a month.
    pub saving_total_month: Option<Money>,
    /// Nodes before.
    pub nodes_before: Option<u64>,
    /// Nodes of the plan.
    pub nodes: u64,
    /// Distinct instance types of the plan.
    pub instance_types: u64,
    /// Pods placed.
    pub pods: u64,
    /// Pods that fit nowhere.
    pub pods_left_out: u64,
    /// Pods per node of the plan, DaemonSets not counted.
    pub pods_per_node: Option<Ratio>,
    /// (cost - bound) / cost.
    pub gap: Option<Ratio>,
}

/// One step of the way to the plan's cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavingsStep {
    /// `before`, `packed`, `reserved`.
    pub step: String,
    /// For people.
    pub label: String,
    /// Nodes.
    pub nodes: u64,
    /// On-demand equivalent of a month.
    pub list_month: ListCost,
    /// Amortised cost of an hour.
    pub effective_hour: EffectiveCost,
    /// Amortised cost of a month.
    pub effective_month: EffectiveCost,
    /// Amortised cost of a year.
    pub effective_year: EffectiveCost,
    /// Change of the month against the step before.
    pub change_month: Option<Money>,
    /// That as a share of the step before.
    pub change: Option<Ratio>,
    /// The month as a share of the first step.
    pub share_of_first: Option<Ratio>,
}
