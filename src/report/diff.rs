//! What changed between two saved plans: money, node types, workloads, commitments.
//!
//! Rows that did not change are left out of the lists; the sums are always there. Everything is
//! computed from the two reports alone, so two plans of other inputs, prices or policies compare as
//! well: what else differs between them is said in words.

mod commitments;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use commitments::{DiffCommitment, DiffProposal};
use commitments::{commitments, proposals};

use super::view::{PlanReport, PurchaseRow, Purchases, Tool, WorkloadRow};
use crate::bill::{BilledCost, EffectiveCost, ListCost, Ratio, pro_rata};
use crate::units::{HOURS_PER_MONTH, Money};

/// Version of the JSON form; raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Two plans, and what the second has otherwise than the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanDiff {
    /// Version of this form.
    pub schema_version: u32,
    /// What made it.
    pub tool: Tool,
    /// The first plan.
    pub before: DiffSide,
    /// The second plan.
    pub after: DiffSide,
    /// Sums of money, whether they changed or not.
    pub money: Vec<DiffMoney>,
    /// Numbers of nodes, pods, types, whether they changed or not.
    pub counts: Vec<DiffCount>,
    /// Instance types of which the plans have other numbers of nodes, or at another price.
    pub types: Vec<DiffType>,
    /// Workloads that are new, gone, or not as they were.
    pub workloads: Vec<DiffWorkload>,
    /// Workloads that are as they were.
    pub workloads_unchanged: u64,
    /// Commitments of the selected ways to pay, where they differ.
    pub commitments: Vec<DiffCommitment>,
    /// Commitments that the plans' commitment plans over time propose, where they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<DiffProposal>,
    /// What else differs: prices, settings. Part of the change may come from there.
    pub notes: Vec<String>,
}

/// One of the plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiffSide {
    /// The scenario's name.
    pub name: String,
    /// SHA-256 over everything that decides the plan.
    pub input_hash: String,
    /// Name of its catalog.
    pub catalog: String,
    /// ISO 4217.
    pub currency: String,
    /// The way to pay that its headline counts with.
    pub purchase: String,
}

/// One sum of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiffMoney {
    /// `list_month`, `effective_month`, `upfront`, `recurring_month`, `lower_bound_month`; where one of the
    /// plans is over time also `demand_month` and `committed_month`, and `proposed_upfront` and `obligation`
    /// where one has a commitment plan.
    pub measure: String,
    /// For people.
    pub label: String,
    /// In the first plan.
    pub before: Money,
    /// In the second plan.
    pub after: Money,
    /// after - before.
    pub change: Money,
    /// change / before; absent where that is nothing.
    pub ratio: Option<Ratio>,
}

impl DiffMoney {
    fn of(measure: &str, label: &str, before: Money, after: Money) -> Self {
        DiffMoney {
            measure: measure.to_owned(),
            label: label.to_owned(),
            before,
            after,
            change: after - before,
            ratio: Ratio::of_money(after - before, before),
        }
    }
}

/// One number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiffCount {
    /// `nodes`, `instance_types`, `pods`, `pods_left_out`, `workloads`.
    pub measure: String,
    /// In the first plan.
    pub before: u64,
    /// In the second plan.
    pub after: u64,
}

/// The nodes of one instance type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiffType {
    /// Which type.
    pub instance_type: String,
    /// Nodes in the first plan.
    pub nodes_before: u64,
    /// Nodes in the second plan.
    pub nodes_after: u64,
    /// On demand, a month, in the first plan.
    pub list_month_before: ListCost,
    /// On demand, a month, in the second plan.
    pub list_month_after: ListCost,
    /// On demand, a month: after - before.
    pub list_month_change: Money,
    /// Amortised under the selected purchase, a month: after - before.
    pub effective_month_change: Money,
}

/// What of a workload is not as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadChange {
    /// It is in the second plan only.
    Added,
    /// It is in the first plan only.
    Removed,
    /// Another number of pods.
    Replicas,
    /// Other requests.
    Requests,
    /// Other limits.
    Limits,
    /// More or fewer pods fit nowhere.
    LeftOut,
    /// Other owner labels.
    Owners,
    /// It lies on other instance types, or in other numbers on them.
    Moved,
}

/// One workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiffWorkload {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// What is not as it was.
    pub changes: Vec<WorkloadChange>,
    /// As it is in the first plan.
    pub before: Option<WorkloadState>,
    /// As it is in the second plan.
    pub after: Option<WorkloadState>,
}

/// A workload in one of the plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadState {
    /// Pods.
    pub replicas: u64,
    /// Of them placed.
    pub placed: u64,
    /// Request per pod, in base units, by resource.
    pub requests: BTreeMap<String, u64>,
    /// Limit per pod, in base units, by resource.
    pub limits: BTreeMap<String, u64>,
    /// Owner labels.
    pub owners: BTreeMap<String, String>,
    /// Pods by instance type.
    pub pods: BTreeMap<String, u64>,
}

/// Why two plans cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    /// Amounts of two currencies have no difference.
    #[error("the first plan is in {0}, the second in {1}: their amounts cannot be compared")]
    Currencies(String, String),
}

/// Sets the second plan against the first.
///
/// # Errors
/// Two currencies.
pub fn diff(before: &PlanReport, after: &PlanReport) -> Result<PlanDiff, DiffError> {
    let (a, b) = (&before.catalog.currency, &after.catalog.currency);
    if a != b {
        return Err(DiffError::Currencies(a.clone(), b.clone()));
    }
    let (workloads, unchanged) = workloads(before, after);
    Ok(PlanDiff {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "plimsoll".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        before: side(before),
        after: side(after),
        money: money(before, after),
        counts: counts(before, after),
        types: types(before, after),
        workloads,
        workloads_unchanged: unchanged,
        commitments: commitments(before, after),
        proposals: proposals(before, after),
        notes: notes(before, after),
    })
}

/// The JSON Schema of a difference.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(PlanDiff)
}

impl PlanDiff {
    /// Indented JSON with a line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings, numbers and lists are plain JSON") + "\n"
    }

    /// The sum of this name, as in [`DiffMoney::measure`].
    pub fn money_of(&self, measure: &str) -> Option<&DiffMoney> {
        self.money.iter().find(|row| row.measure == measure)
    }

    /// What is paid a month, amortised: over time where one of the plans is, and otherwise under the selected
    /// ways to pay.
    pub fn paid(&self) -> Option<&DiffMoney> {
        self.money_of("committed_month").or_else(|| self.money_of("effective_month"))
    }

    /// The number of this name, as in [`DiffCount::measure`].
    pub fn count_of(&self, measure: &str) -> Option<&DiffCount> {
        self.counts.iter().find(|row| row.measure == measure)
    }
}

fn side(report: &PlanReport) -> DiffSide {
    DiffSide {
        name: report.scenario.name.clone(),
        input_hash: report.input_hash.clone(),
        catalog: report.catalog.name.clone(),
        currency: report.catalog.currency.clone(),
        purchase: selected(report).map_or_else(|| "on demand".to_owned(), |row| row.label.clone()),
    }
}

/// The way to pay that the headline counts with.
fn selected(report: &PlanReport) -> Option<&PurchaseRow> {
    report.purchase_options.iter().find(|row| row.selected)
}

fn money(before: &PlanReport, after: &PlanReport) -> Vec<DiffMoney> {
    let upfront = |r: &PlanReport| selected(r).map_or(BilledCost::ZERO, |row| row.upfront).money();
    let recurring = |r: &PlanReport| {
        selected(r).map_or(r.headline.packed_month.money(), |row| row.recurring_month.money())
    };
    let bound = |r: &PlanReport| months(r.solve.lower_bound_hour.money());
    let row = |measure, label, of: &dyn Fn(&PlanReport) -> Money| {
        DiffMoney::of(measure, label, of(before), of(after))
    };
    let either = |has: &dyn Fn(&PlanReport) -> bool| has(before) || has(after);
    let mut rows = vec![
        row("list_month", "on demand, a month", &|r| r.headline.packed_month.money()),
        row("effective_month", "as paid for, amortised, a month", &effective),
        row("upfront", "upfront, once", &upfront),
        row("recurring_month", "cash, a month", &recurring),
        row("lower_bound_month", "no plan costs less, on demand, a month", &bound),
    ];
    if either(&|r| r.over_time.is_some()) {
        rows.push(row("demand_month", "over time, on demand, a month", &demand));
        rows.push(row("committed_month", "over time, amortised, a month", &committed));
    }
    if either(&|r| r.purchases.is_some()) {
        let proposed = |of: &dyn Fn(&Purchases) -> BilledCost, r: &PlanReport| {
            r.purchases.as_ref().map_or(BilledCost::ZERO, of).money()
        };
        rows.push(row("proposed_upfront", "upfront of the commitment plan", &|r| {
            proposed(&|p| p.upfront, r)
        }));
        rows.push(row("obligation", "obligation of the commitment plan", &|r| {
            proposed(&|p| p.obligation, r)
        }));
    }
    rows
}

/// As paid for under the selected way to pay, a month.
fn effective(report: &PlanReport) -> Money {
    let reserved = report.headline.reserved_month.map(EffectiveCost::money);
    reserved.unwrap_or(report.headline.packed_month.money())
}

/// On demand, a month: of the nodes over time where demand varies.
fn demand(report: &PlanReport) -> Money {
    let over = report.over_time.as_ref();
    let month = over.and_then(|over| pro_rata(over.list.money(), HOURS_PER_MONTH, over.hours));
    month.unwrap_or(report.headline.packed_month.money())
}

/// What is paid a month over time: with what the commitment plan proposes, on demand where there is none, and
/// under the selected way to pay where demand does not vary.
fn committed(report: &PlanReport) -> Money {
    match (&report.purchases, &report.over_time) {
        (Some(purchases), _) => purchases.month(purchases.cost.money()),
        (None, Some(_)) => demand(report),
        (None, None) => effective(report),
    }
}

fn months(hour: Money) -> Money {
    hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill reaches 10^29")
}

fn counts(before: &PlanReport, after: &PlanReport) -> Vec<DiffCount> {
    let row = |measure: &str, of: &dyn Fn(&PlanReport) -> u64| DiffCount {
        measure: measure.to_owned(),
        before: of(before),
        after: of(after),
    };
    vec![
        row("nodes", &|r| r.headline.nodes),
        row("instance_types", &|r| r.headline.instance_types),
        row("workloads", &|r| r.workloads.len() as u64),
        row("pods", &|r| r.headline.pods),
        row("pods_left_out", &|r| r.headline.pods_left_out),
    ]
}

/// Nodes of a type with what they cost.
#[derive(Default, PartialEq, Eq)]
struct OfType {
    nodes: u64,
    list: ListCost,
    effective: EffectiveCost,
}

fn of_types(report: &PlanReport) -> BTreeMap<&str, OfType> {
    let mut types: BTreeMap<&str, OfType> = BTreeMap::new();
    for row in &report.nodes {
        let sum = types.entry(&row.instance_type).or_default();
        sum.nodes += row.nodes;
        sum.list = sum.list + row.list_month;
        sum.effective = sum.effective + row.effective_month;
    }
    types
}

/// The types by how much money they bring in or take out, the most first.
fn types(before: &PlanReport, after: &PlanReport) -> Vec<DiffType> {
    let (a, b) = (of_types(before), of_types(after));
    let names: BTreeSet<&str> = a.keys().chain(b.keys()).copied().collect();
    let none = OfType::default();
    let mut rows: Vec<DiffType> = Vec::new();
    for name in names {
        let (a, b) = (a.get(name).unwrap_or(&none), b.get(name).unwrap_or(&none));
        if a == b {
            continue;
        }
        rows.push(DiffType {
            instance_type: name.to_owned(),
            nodes_before: a.nodes,
            nodes_after: b.nodes,
            list_month_before: a.list,
            list_month_after: b.list,
            list_month_change: b.list.money() - a.list.money(),
            effective_month_change: b.effective.money() - a.effective.money(),
        });
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.list_month_change.nanos().abs()));
    rows
}

/// How each workload lies: pods by instance type.
fn placements(report: &PlanReport) -> BTreeMap<&str, BTreeMap<String, u64>> {
    let mut placed: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
    for group in &report.nodes {
        for on_node in &group.pods {
            let types = placed.entry(&on_node.workload).or_default();
            *types.entry(group.instance_type.clone()).or_default() += on_node.pods * group.nodes;
        }
    }
    placed
}

fn states(report: &PlanReport) -> BTreeMap<&str, WorkloadState> {
    let placed = placements(report);
    let state = |row: &WorkloadRow| WorkloadState {
        replicas: row.replicas,
        placed: row.placed,
        requests: row.requests.clone(),
        limits: row.limits.clone(),
        owners: row.owners.clone(),
        pods: placed.get(row.workload.as_str()).cloned().unwrap_or_default(),
    };
    report.workloads.iter().map(|row| (row.workload.as_str(), state(row))).collect()
}

fn workloads(before: &PlanReport, after: &PlanReport) -> (Vec<DiffWorkload>, u64) {
    let (mut a, mut b) = (states(before), states(after));
    let names: BTreeSet<&str> = a.keys().chain(b.keys()).copied().collect();
    let mut rows = Vec::new();
    let mut unchanged = 0;
    for name in names {
        let (before, after) = (a.remove(name), b.remove(name));
        let changes = changes(before.as_ref(), after.as_ref());
        if changes.is_empty() {
            unchanged += 1;
        } else {
            rows.push(DiffWorkload { workload: name.to_owned(), changes, before, after });
        }
    }
    (rows, unchanged)
}

fn changes(before: Option<&WorkloadState>, after: Option<&WorkloadState>) -> Vec<WorkloadChange> {
    let (a, b) = match (before, after) {
        (None, _) => return vec![WorkloadChange::Added],
        (_, None) => return vec![WorkloadChange::Removed],
        (Some(a), Some(b)) => (a, b),
    };
    let left_out = |state: &WorkloadState| state.replicas - state.placed;
    let found = [
        (a.replicas != b.replicas, WorkloadChange::Replicas),
        (a.requests != b.requests, WorkloadChange::Requests),
        (a.limits != b.limits, WorkloadChange::Limits),
        (left_out(a) != left_out(b), WorkloadChange::LeftOut),
        (a.owners != b.owners, WorkloadChange::Owners),
        (a.pods != b.pods, WorkloadChange::Moved),
    ];
    found.into_iter().filter_map(|(differs, change)| differs.then_some(change)).collect()
}

/// Differences that a reader may not expect beside those of the workloads.
fn notes(before: &PlanReport, after: &PlanReport) -> Vec<String> {
    let mut notes = Vec::new();
    let mut differ = |what: &str, a: &str, b: &str| {
        if a != b {
            notes.push(format!("{what}: {a} before, {b} after"));
        }
    };
    differ("catalog", &before.catalog.name, &after.catalog.name);
    differ("price date", &before.catalog.price_date, &after.catalog.price_date);
    differ("version of plimsoll", &before.tool.version, &after.tool.version);
    differ("way to pay", &side(before).purchase, &side(after).purchase);
    let value = |report: &PlanReport, name: &str| {
        let setting = report.policy.iter().find(|setting| setting.name == name);
        setting.map_or_else(|| "not set".to_owned(), |setting| setting.value.clone())
    };
    let names: BTreeSet<&str> =
        before.policy.iter().chain(&after.policy).map(|setting| setting.name.as_str()).collect();
    for name in names {
        differ(&format!("setting {name}"), &value(before, name), &value(after, name));
    }
    notes
}
