//! What to commit to, as rows of the report. Everything here is a proposal.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accounts::{covers, day_of};
use super::number::grouped;
use crate::bill::commitment::{Covers, Origin};
use crate::bill::{
    BilledCost, CommitmentCategory, EffectiveCost, ListCost, OfferKey, Ratio, category,
    effective_savings_rate, provider_wording,
};
use crate::catalog::{Catalog, Payment, Term};
use crate::purchase::{self, Joint};
use crate::units::{HOURS_PER_MONTH, Money, PartsPerMillion, Rate};

/// Purchases over the horizon, with what they come to. Costs are expected over the scenarios.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Purchases {
    /// Hours that everything here is about.
    pub hours: u64,
    /// Packed then priced on demand; packed first, then committed; packed and committed together.
    pub steps: Vec<PurchaseStep>,
    /// Everything on demand.
    pub list: ListCost,
    /// With what is owned, and nothing bought.
    pub without: EffectiveCost,
    /// With what is proposed, amortised.
    pub cost: EffectiveCost,
    /// No purchases for these nodes, within the limits, cost less (or less of what was minimised).
    pub bound: EffectiveCost,
    /// No packing of these levels with any purchases costs less.
    pub joint_bound: EffectiveCost,
    /// Ways of packing that were tried, each with the best purchases for it.
    pub tried: Vec<TriedRow>,
    /// The effective savings rate: 1 - amortised / on-demand equivalent.
    pub savings_rate: Option<Ratio>,
    /// The share of the on-demand equivalent that commitments cover, owned ones included.
    pub coverage: Option<Ratio>,
    /// What the proposals oblige to over their whole terms.
    pub obligation: BilledCost,
    /// What they cost at the start.
    pub upfront: BilledCost,
    /// What is paid more than without them if demand is the lowest of the scenarios.
    pub worst_case_loss: Money,
    /// The mean cost of the worst outcomes, where these were asked about (CVaR).
    pub tail_mean: Option<EffectiveCost>,
    /// What to buy.
    pub rows: Vec<ProposalRow>,
    /// Each way the future may go.
    pub scenarios: Vec<ScenarioCostRow>,
    /// The same purchases under more and less demand.
    pub sensitivity: Vec<SensitivityRow>,
    /// What is owned already.
    pub owned: Vec<OwnedRow>,
    /// What the figures rest on.
    pub assumptions: Vec<String>,
}

/// A step from packed to committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseStep {
    /// `packed`, `committed`, `together`.
    pub step: String,
    /// For people.
    pub label: String,
    /// Its nodes on demand.
    pub list: ListCost,
    /// What they cost, amortised.
    pub cost: EffectiveCost,
    /// Change against the step before.
    pub change: Money,
    /// That as a share of the step before.
    pub change_share: Option<Ratio>,
    /// Whether the report's nodes over time and its purchases are those of this step.
    pub chosen: bool,
}

/// A way of packing, with the best purchases for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriedRow {
    /// How nodes were priced while packing.
    pub packing: String,
    /// What it costs (or what was minimised) in the end.
    pub cost: EffectiveCost,
}

/// An offer to buy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalRow {
    /// Ids of its commitments, one per tranche (and per resource).
    pub commitments: Vec<String>,
    /// The provider's wording.
    pub commitment_type: String,
    /// Units or money.
    pub category: CommitmentCategory,
    /// How long.
    pub term: Term,
    /// How it is paid.
    pub payment: Payment,
    /// What it covers: a family, a type, a series' resources, or everything.
    pub covers: String,
    /// The type that it is quoted for.
    pub quoted_type: Option<String>,
    /// How much of it, in `unit`.
    pub quantity: String,
    /// `instances`, `vCPU`, `GiB`, or money an hour.
    pub unit: String,
    /// All of it an hour, amortised.
    pub rate: Rate,
    /// Paid at the start of its tranches.
    pub upfront: BilledCost,
    /// Paid every hour.
    pub recurring: Rate,
    /// The first hours of its tranches, from the start of the horizon.
    pub starts: Vec<i64>,
    /// Amortised cost within the horizon.
    pub effective: EffectiveCost,
    /// The part of it that covers nothing.
    pub unused: EffectiveCost,
    /// The on-demand equivalent of what it covers.
    pub list_covered: ListCost,
    /// That less its cost.
    pub net_savings: Money,
    /// The share of it that is used.
    pub utilization: Option<Ratio>,
    /// The share of the on-demand equivalent that it covers.
    pub coverage: Option<Ratio>,
    /// The use below which on demand is cheaper.
    pub break_even_utilization: Option<Ratio>,
    /// Months until savings pass the upfront payment.
    pub break_even_months: Option<Ratio>,
    /// What it costs more than it covers if demand is the lowest of the scenarios.
    pub worst_case_loss: Money,
    /// Whether its rate is an estimate that no price list states.
    pub estimate: bool,
    /// Always `proposed`.
    pub status: String,
}

/// One way the future may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioCostRow {
    /// Its name.
    pub name: String,
    /// How likely it is.
    pub weight: Ratio,
    /// Everything on demand.
    pub list: ListCost,
    /// With what is owned only.
    pub without: EffectiveCost,
    /// With the purchases.
    pub cost: EffectiveCost,
    /// Paid for and unused.
    pub unused: EffectiveCost,
}

/// The purchases when demand turns out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SensitivityRow {
    /// Hours of nodes against those expected: -0.3 to 0.3.
    pub change: Ratio,
    /// With what is owned only.
    pub without: EffectiveCost,
    /// With the purchases.
    pub cost: EffectiveCost,
    /// What the purchases save; below zero where they cost more than they save.
    pub saving: Money,
    /// Paid for and unused.
    pub unused: EffectiveCost,
}

/// A commitment that is owned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnedRow {
    /// Its id.
    pub commitment: String,
    /// The provider's wording.
    pub commitment_type: String,
    /// The hour from the start of the horizon at which it ends.
    pub end_hour: i64,
    /// The share of it that is used within the horizon.
    pub utilization: Option<Ratio>,
    /// Amortised cost within the horizon.
    pub effective: EffectiveCost,
    /// The part of it that covers nothing.
    pub waste: EffectiveCost,
}

/// What the rows are made of.
#[derive(Debug, Clone, Copy)]
pub struct PurchasesInputs<'a> {
    /// Packed first then committed, and both together.
    pub joint: &'a Joint,
    /// The prices.
    pub catalog: &'a Catalog,
}

impl PurchasesInputs<'_> {
    /// Whether the nodes packed for committed rates are the cheaper ones.
    pub fn together_is_cheaper(&self) -> bool {
        self.joint.saved() > Money::ZERO
    }
}

impl Purchases {
    /// Makes the rows, of the cheaper plan.
    pub fn of(inputs: &PurchasesInputs<'_>) -> Self {
        let together = inputs.together_is_cheaper();
        let plan = &inputs.joint.together.purchases;
        let row = |row: &purchase::PurchaseRow| proposal(row, inputs.catalog);
        Purchases {
            hours: u64::from(plan.hours),
            steps: steps(inputs, together),
            list: plan.list,
            without: plan.without,
            cost: plan.cost,
            bound: plan.bound,
            joint_bound: inputs.joint.bound,
            tried: tried(inputs.joint),
            savings_rate: effective_savings_rate(plan.list, plan.cost),
            coverage: plan.coverage,
            obligation: plan.obligation,
            upfront: plan.upfront,
            worst_case_loss: plan.worst_case_loss,
            tail_mean: plan.tail_mean,
            rows: plan.rows.iter().map(row).collect(),
            scenarios: plan.scenarios.iter().map(scenario_row).collect(),
            sensitivity: plan.sensitivity.iter().map(sensitivity_row).collect(),
            owned: plan.owned.iter().map(|row| owned_row(row, inputs.catalog)).collect(),
            assumptions: plan.assumptions.clone(),
        }
    }
}

fn tried(joint: &Joint) -> Vec<TriedRow> {
    joint.tried.iter().map(|(packing, cost)| TriedRow { packing: packing.clone(), cost: *cost }).collect()
}

fn steps(inputs: &PurchasesInputs<'_>, together: bool) -> Vec<PurchaseStep> {
    let first = &inputs.joint.first.purchases;
    let joint = &inputs.joint.together.purchases;
    let made = [
        ("packed", "packed, priced on demand", first.list, first.without, false),
        ("committed", "packed first, then committed", first.list, first.cost, !together),
        ("together", "packed and committed together", joint.list, joint.cost, together),
    ];
    let mut before: Option<EffectiveCost> = None;
    let row = |(step, label, list, cost, chosen): (&str, &str, ListCost, EffectiveCost, bool)| {
        let last = before.replace(cost).unwrap_or(cost);
        let change = cost.money() - last.money();
        PurchaseStep {
            step: step.to_owned(),
            label: label.to_owned(),
            list,
            cost,
            change,
            change_share: Ratio::of_money(change, last.money()),
            chosen,
        }
    };
    made.into_iter().map(row).collect()
}

fn proposal(row: &purchase::PurchaseRow, catalog: &Catalog) -> ProposalRow {
    let pieces = matches!(row.covers, Covers::Zonal { .. } | Covers::Type(_) | Covers::Pool(_));
    let (quantity, unit) = match &row.covers {
        // What is committed to an hour, not how many steps of it.
        Covers::Spend { hourly, .. } => {
            let hourly = Rate::from_nanos(hourly.nanos().saturating_mul(row.quantity));
            (hourly.to_string(), format!("{}/hour", catalog.currency))
        }
        // Google's commitments are to amounts of a resource, whatever machines these are on.
        Covers::Cpu { amount, .. } => {
            (part_of(amount.0.saturating_mul(row.quantity), 1_000), "vCPU".to_owned())
        }
        Covers::Memory { amount, .. } => {
            (part_of((amount.0 >> 20).saturating_mul(row.quantity), 1_024), "GiB".to_owned())
        }
        _ => (row.quantity.to_string(), "instances".to_owned()),
    };
    let estimate = is_estimate(row.key, catalog);
    ProposalRow {
        commitments: row.ids.clone(),
        commitment_type: marked_wording(row.key, catalog),
        category: category(row.key.kind),
        term: row.key.term,
        payment: row.key.payment,
        covers: covers(&row.covers),
        quoted_type: row.quoted_type.clone().filter(|_| pieces),
        quantity,
        unit,
        rate: row.rate,
        upfront: row.upfront,
        recurring: row.recurring,
        starts: row.starts.clone(),
        effective: row.effective,
        unused: row.unused,
        list_covered: row.list_covered,
        net_savings: row.net_savings,
        utilization: row.utilization,
        coverage: row.coverage,
        break_even_utilization: row.break_even_utilization,
        break_even_months: row.break_even_months,
        worst_case_loss: row.worst_case_loss,
        estimate,
        status: match row.status {
            Origin::Owned => "owned".to_owned(),
            Origin::Proposed => "proposed".to_owned(),
        },
    }
}

/// The provider's wording, with its mark where the catalog has the rates by estimate.
pub(super) fn marked_wording(key: OfferKey, catalog: &Catalog) -> String {
    let wording = provider_wording(key.kind);
    if is_estimate(key, catalog) { format!("{wording}{ESTIMATE}") } else { wording.to_owned() }
}

/// What follows the wording of an instrument whose rates no price list states.
pub(super) const ESTIMATE: &str = " (estimate)";

/// Whether the catalog has offers of this key by estimate.
fn is_estimate(key: OfferKey, catalog: &Catalog) -> bool {
    catalog.types.iter().filter_map(|t| key.find(t)).any(|offer| offer.provenance.is_estimate())
}

/// Exactly: machines have whole millicores and MiB.
fn part_of(amount: u64, unit: u64) -> String {
    Ratio::of(amount, unit).unwrap_or_default().to_string()
}

fn weight(ppm: PartsPerMillion) -> Ratio {
    Ratio::of(u64::from(ppm.0), 1_000_000).expect("a million is not zero")
}

fn scenario_row(row: &purchase::ScenarioCost) -> ScenarioCostRow {
    let purchase::ScenarioCost { name, list, without, cost, unused, .. } = row.clone();
    ScenarioCostRow { name, weight: weight(row.weight), list, without, cost, unused }
}

fn sensitivity_row(row: &purchase::Sensitivity) -> SensitivityRow {
    let change = i128::from(row.demand.0) - 1_000_000;
    SensitivityRow {
        change: Ratio::of_wide(change, 1_000_000).expect("a million is not zero"),
        without: row.without,
        cost: row.cost,
        saving: row.without.money() - row.cost.money(),
        unused: row.unused,
    }
}

fn owned_row(row: &purchase::OwnedUse, catalog: &Catalog) -> OwnedRow {
    OwnedRow {
        commitment: row.id.clone(),
        commitment_type: marked_wording(row.key, catalog),
        end_hour: row.end,
        utilization: row.utilization,
        effective: row.effective,
        waste: row.waste,
    }
}

impl ProposalRow {
    /// When its tranches are bought: days where the first day is known, else hours of the horizon.
    pub fn begins(&self, start: Option<&str>) -> String {
        let when = |hour: i64| match day_of(start, hour) {
            Some(day) => day.to_string(),
            None if hour == 0 => "at once".to_owned(),
            None => format!("hour {}", grouped(hour.unsigned_abs())),
        };
        match self.starts.as_slice() {
            [] => String::new(),
            [only] => when(*only),
            [first, .., last] => format!("{} to {}", when(*first), when(*last)),
        }
    }
}

impl OwnedRow {
    /// When it ends: a day where the first day is known, else its hour within `horizon` hours.
    pub fn ends(&self, start: Option<&str>, horizon: u64) -> String {
        match (day_of(start, self.end_hour), u64::try_from(self.end_hour)) {
            (Some(day), _) => day.to_string(),
            (None, Ok(hour)) if hour <= horizon => format!("hour {}", grouped(hour)),
            (None, Ok(_)) => "later".to_owned(),
            (None, Err(_)) => "before".to_owned(),
        }
    }
}

impl Purchases {
    /// Whether anything is bought later than at the start: tranches, renewals.
    pub fn some_later(&self) -> bool {
        self.rows.iter().any(|row| row.starts.iter().any(|&start| start > 0))
    }

    /// An amount over the horizon, a month.
    pub fn month(&self, money: Money) -> Money {
        crate::bill::pro_rata(money, HOURS_PER_MONTH, self.hours).unwrap_or(money)
    }

    /// Instruments whose rates are estimates.
    pub fn estimates(&self) -> BTreeSet<&str> {
        self.rows.iter().filter(|row| row.estimate).map(|row| row.commitment_type.as_str()).collect()
    }
}
