//! The plan as flat rows: everything that any format shows, and the JSON contract itself.
//!
//! A format is a function of a [`PlanReport`] alone, so a saved report renders to the same bytes as
//! a fresh one. Money and rates are exact decimals, resources integers in base units (millicores,
//! bytes, counts); there is no wall clock, and rows have a fixed order.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{BilledCost, CommitmentCategory, ContractedCost, EffectiveCost, ListCost, OfferKey, Ratio};
use crate::catalog::{Architecture, Payment, Provider, Term};
use crate::plan::{BoundKind, StopReason};
use crate::policy::PlanForm;
use crate::units::{Money, Rate};
use crate::workload::WorkloadKind;

pub use super::accounts::{AccountMonth, AccountSpan, Accounts, ChargeKind, ChargeRow, HeldRow};
pub use super::build::{BaselineInput, Metadata, ReportError, ReportInputs, build};
pub use super::cluster::{
    ActionRow, ClusterInput, ClusterNodeRow, ClusterPlanRow, ClusterReport, ClusterResource, FixedRow,
    MigrationRow, StepRow,
};
pub use super::over_time::{
    LevelNodesRow, LevelRow, LoadRow, OverTime, OverTimeInputs, PackedFrom, ScenarioRow,
};
pub use super::pools::{FormRow, Forms, PlannedPool, ZoneNodes};
pub use super::purchase::{
    OwnedRow, ProposalRow, PurchaseStep, Purchases, PurchasesInputs, ScenarioCostRow, SensitivityRow,
    TriedRow,
};
pub use super::replayed::{ClassRow, ExtraNodesRow, LifeRow, MeasuresRow, PendingRow, PinRow, Replayed};
pub use super::scheduling::{PoolRow, ScheduledRow, Scheduling, SpreadRow};
pub use super::showback::{IdleBy, ShowbackLine, ShowbackReport, ShowbackRow};
pub use super::spot::{SpotReport, SpotTypeRow, SpotWorkloadRow};
pub use super::survival::{FailureRow, MovedRow, Named, PodsRow, SpareRow, SurvivalRow};
pub use super::usage::{RiskRow, UsageReport, UsageRow, UsedResource, WhatIfRow};

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
    /// What the replayed scheduler makes of the plan; absent for a plan that was not replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

/// What a node's money buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CostUse {
    /// Room that pods were packed into.
    Pods,
    /// Room of DaemonSets.
    DaemonSets,
    /// Room kept free on purpose.
    Headroom,
    /// What hypervisor, kernel and system daemons keep.
    System,
    /// Room left over into which some pod would still fit.
    Idle,
    /// Room left over into which no pod of any workload fits.
    Stranded,
}

impl CostUse {
    /// All of them, in the order of rows.
    pub const ALL: [CostUse; 6] = [
        CostUse::Pods,
        CostUse::DaemonSets,
        CostUse::Headroom,
        CostUse::System,
        CostUse::Idle,
        CostUse::Stranded,
    ];
}

/// What a part of the money buys: each node's cost is split as its binding resource is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostUseRow {
    /// For what.
    pub used_for: CostUse,
    /// On demand, a month.
    pub list_month: ListCost,
    /// Under the selected purchase, amortised, a month.
    pub effective_month: EffectiveCost,
    /// That as a share of all nodes' cost.
    pub share: Option<Ratio>,
}

/// Nodes of one type that hold the same pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeGroupRow {
    /// From 1, in the order of the rows.
    pub group: u64,
    /// Which type.
    pub instance_type: String,
    /// The node pool that it belongs to, where it needs labels or taints.
    pub pool: Option<String>,
    /// Name of the plan's pool that it is part of, as in `pools`.
    #[serde(default)]
    pub planned_pool: String,
    /// The zone that it stands in, where the plan tells zones apart.
    pub zone: Option<String>,
    /// Whether these are spot nodes, which the provider takes back at short notice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spot: bool,
    /// Its family.
    pub family: String,
    /// Its processor architecture.
    pub architecture: Architecture,
    /// How many such nodes.
    pub nodes: u64,
    /// Pods on each, DaemonSets not counted.
    pub pods_per_node: u64,
    /// What one node costs an hour on demand, surplus credits included.
    pub list_rate: Rate,
    /// That at the public price list, where a negotiated discount makes it cheaper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_rate: Option<Rate>,
    /// Of that, surplus cpu credits of a burstable type.
    pub surplus_rate: Rate,
    /// What is paid for one node an hour as it is used, under the selected purchase; where a
    /// commitment covers the node, the surplus credits only.
    pub as_used_rate: Rate,
    /// The group on demand, a month.
    pub list_month: ListCost,
    /// The group under the selected purchase, amortised, a month.
    pub effective_month: EffectiveCost,
    /// Id of the commitment that covers it under the selected purchase, if one does.
    pub commitment: Option<String>,
    /// The resource with the highest fill.
    pub binding: Option<String>,
    /// Whether a pod of any workload would still fit beside the others.
    pub room_left: bool,
    /// Per resource, of one node.
    pub resources: Vec<NodeResource>,
    /// What lies on each node, by workload in input order.
    pub pods: Vec<PodsOnNode>,
}

/// Something that the plan costs beside instances: disks, agents, addresses, the cluster's fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraCostRow {
    /// As the policy names it.
    pub name: String,
    /// What it comes to a month.
    pub list_month: ListCost,
    /// Whether it is part of the nodes' rates, and so of every total; if not, it comes on top.
    pub in_node_rates: bool,
}

/// One resource of one node, in base units:
/// capacity = hypervisor + beyond_baseline + reserved + allocatable, and
/// allocatable = daemon_sets + headroom + demand + free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeResource {
    /// Kubernetes name.
    pub resource: String,
    /// As the price list states it.
    pub capacity: u64,
    /// What Kubernetes calls allocatable.
    pub allocatable: u64,
    /// Taken by DaemonSets.
    pub daemon_sets: u64,
    /// Kept free on purpose.
    pub headroom: u64,
    /// What the pods are packed by: requests unless the policy says otherwise.
    pub demand: u64,
    /// What the pods request.
    pub requests: u128,
    /// Sum of the limits that pods have.
    pub limits: u128,
    /// Left.
    pub free: u64,
    /// (demand + DaemonSets) / allocatable.
    pub fill: Option<Ratio>,
}

/// Pods of one workload on each node of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodsOnNode {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// How many on each node.
    pub pods: u64,
}

/// One workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadRow {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// Kubernetes namespace.
    pub namespace: String,
    /// What it is.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
    /// Pods.
    pub replicas: u64,
    /// Of them placed.
    pub placed: u64,
    /// On how many nodes.
    pub nodes: u64,
    /// The plan's pool that it lies in whole; absent where it lies in several, or nowhere.
    #[serde(default)]
    pub pool: Option<String>,
    /// Request per pod, in base units, by resource.
    pub requests: BTreeMap<String, u64>,
    /// Limit per pod, in base units, by resource.
    pub limits: BTreeMap<String, u64>,
    /// Owner labels.
    pub owners: BTreeMap<String, String>,
}

/// Where the capacity of one resource goes in one plan, summed over its nodes, in base units:
/// capacity = hypervisor + beyond_baseline + reserved + allocatable, and
/// allocatable = daemon_sets + headroom + demand + free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UtilizationRow {
    /// Id of the plan in `plans`.
    pub plan: String,
    /// Kubernetes name.
    pub resource: String,
    /// As the price list states it.
    pub capacity: u128,
    /// Kept by hypervisor and kernel.
    pub hypervisor: u128,
    /// Cpu of burstable types beyond the baseline that their price buys.
    pub beyond_baseline: u128,
    /// Reserved for system daemons and eviction.
    pub reserved: u128,
    /// What Kubernetes calls allocatable.
    pub allocatable: u128,
    /// Taken by DaemonSets.
    pub daemon_sets: u128,
    /// Kept free on purpose.
    pub headroom: u128,
    /// What pods are packed by.
    pub demand: u128,
    /// What pods request.
    pub requests: u128,
    /// Sum of the limits that pods have.
    pub limits: u128,
    /// Left on nodes.
    pub free: u128,
    /// Of that, on nodes where no pod of any workload fits any more.
    pub stranded: u128,
    /// requests / capacity.
    pub requests_of_capacity: Option<Ratio>,
    /// (demand + DaemonSets) / allocatable.
    pub fill: Option<Ratio>,
    /// limits / allocatable.
    pub overcommit: Option<Ratio>,
}

/// One plan among those compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRow {
    /// `plan`, or the baseline's id.
    pub plan: String,
    /// For people.
    pub label: String,
    /// How it was made.
    pub method: Vec<String>,
    /// Whether it is the "before" of the headline.
    pub reference: bool,
    /// Nodes.
    pub nodes: u64,
    /// Distinct instance types.
    pub instance_types: u64,
    /// Pods placed.
    pub pods: u64,
    /// Pods that it could not place.
    pub pods_left_out: u64,
    /// Pods per node.
    pub pods_per_node: Option<Ratio>,
    /// On demand, an hour.
    pub list_hour: ListCost,
    /// On demand, a month.
    pub list_month: ListCost,
    /// Under the selected purchase, amortised, a month.
    pub effective_month: EffectiveCost,
    /// cost / cost of this plan - 1, on demand.
    pub above_plan: Option<Ratio>,
    /// cost / lower bound - 1, on demand; only for plans of the same pods.
    pub above_bound: Option<Ratio>,
}

/// One way to pay for the nodes of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseRow {
    /// `on-demand`, `sustained-use`, or `kind/term/payment`.
    pub option: String,
    /// For people.
    pub label: String,
    /// The offer, for commitments.
    pub offer: Option<OfferKey>,
    /// Whether the headline counts with it.
    pub selected: bool,
    /// Nodes covered.
    pub nodes_covered: u64,
    /// Nodes that stay on demand: no such offer for their types.
    pub nodes_on_demand: u64,
    /// Those types.
    pub types_on_demand: Vec<String>,
    /// Share of the on-demand cost that is covered.
    pub coverage: Option<Ratio>,
    /// Names of the rules by which some of the rates are derived, see `catalog.derivations`.
    pub derived: Vec<String>,
    /// At public on-demand prices, a month.
    pub list_month: ListCost,
    /// After negotiated discounts and before commitments, a month.
    pub contracted_month: ContractedCost,
    /// Cash at the start.
    pub upfront: BilledCost,
    /// Cash every month: recurring fees and what stays on demand.
    pub recurring_month: BilledCost,
    /// Cash of the first year.
    pub billed_first_year: BilledCost,
    /// Amortised, an hour.
    pub effective_hour: EffectiveCost,
    /// Amortised, a month.
    pub effective_month: EffectiveCost,
    /// Amortised, a year.
    pub effective_year: EffectiveCost,
    /// Amortised, the whole term, for commitments.
    pub effective_term: Option<EffectiveCost>,
    /// Effective savings rate: 1 - amortised / on demand.
    pub saving: Option<Ratio>,
    /// Use below which on demand is cheaper.
    pub break_even_utilization: Option<Ratio>,
    /// Months until savings pass the upfront payment.
    pub break_even_months: Option<Ratio>,
}

/// Nodes of one type under one commitment of one option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitmentRow {
    /// Option that it belongs to, as in `purchase_options`.
    pub option: String,
    /// Id within the option.
    pub commitment: String,
    /// The provider's wording.
    pub commitment_type: String,
    /// Units or money.
    pub category: CommitmentCategory,
    /// Length.
    pub term: Term,
    /// Payment.
    pub payment: Payment,
    /// The type or family that the commitment is for, or `all`.
    pub covers: String,
    /// Type of the nodes.
    pub instance_type: String,
    /// How many are bought.
    pub quantity: u64,
    /// How many of them nodes of the plan use.
    pub used: u64,
    /// What the commitment is counted in: `Hours`, `Core-Hours`, or a currency.
    pub unit: String,
    /// How many of those one node takes an hour.
    pub units_per_hour: Ratio,
    /// Upfront payment per node.
    pub upfront_each: Money,
    /// Recurring rate per node.
    pub recurring_rate: Rate,
    /// Effective rate per node: upfront / term hours + recurring, as the catalog states it.
    pub effective_rate: Rate,
    /// On-demand rate per node that it replaces.
    pub on_demand_rate: Rate,
    /// That at the public price list, where a negotiated discount makes it cheaper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_rate: Option<Rate>,
    /// effective / on demand.
    pub break_even_utilization: Option<Ratio>,
    /// How the rate is known: `listed`, or the name of the rule that it is derived by.
    pub provenance: String,
    /// `Proposed`: without legal or financial effect.
    pub status: String,
}

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
