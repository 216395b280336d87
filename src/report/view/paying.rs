//! Plans side by side and ways to pay for one of them, as rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{BilledCost, CommitmentCategory, ContractedCost, EffectiveCost, ListCost, OfferKey, Ratio};
use crate::catalog::{Payment, Term};
use crate::units::{Money, Rate};

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
