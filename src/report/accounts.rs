//! What is held and what it does: owned and proposed commitments, cash against accrual by month, and
//! every month's charges, which FOCUS rows are made of.

use jiff::ToSpan;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{BilledCost, CommitmentCategory, EffectiveCost, ListCost, OfferKey, Ratio, metrics};
use crate::catalog::Catalog;
use crate::units::{HOURS_PER_MONTH, Money, Rate};

use super::purchase::marked_wording;

mod made;

pub(super) use made::covers;

/// Months of the first and of the last span that totals are given for.
pub const SPANS: [u64; 2] = [12, 36];

/// A bill under everything that is held, month by month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// What is supposed, a sentence each.
    pub basis: Vec<String>,
    /// The scenario of demand over time whose nodes these are, where purchases were decided for it;
    /// none for nodes that stay as they are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scenario: Option<String>,
    /// First day, where it is known; months are calendar months then, and of 730 hours otherwise.
    pub start: Option<String>,
    /// Hours in all.
    pub hours: u64,
    /// Commitments, owned ones first.
    pub held: Vec<HeldRow>,
    /// Month by month.
    pub months: Vec<AccountMonth>,
    /// The first 12 and the first 36 months.
    pub spans: Vec<AccountSpan>,
    /// What a node of each type costs an hour where nothing covers it.
    pub rates: Vec<AccountRate>,
    /// From the end of this month on, counted from one, less has been paid than on demand.
    pub break_even_month: Option<u64>,
    /// What each month charges, by commitment and instance type.
    pub charges: Vec<ChargeRow>,
}

/// What a node costs an hour where nothing covers it, costs beside the instance left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountRate {
    /// Which type.
    pub instance_type: String,
    /// Whether it is the rate of spot nodes.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub spot: bool,
    /// After negotiated discounts.
    pub rate: Rate,
    /// By the price list, where a negotiated discount reduced it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub public_rate: Option<Rate>,
}

/// One commitment and what it does over all months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldRow {
    /// Its id.
    pub id: String,
    /// `Owned`, or `Proposed`: without legal or financial effect.
    pub status: String,
    /// Which offer.
    pub offer: OfferKey,
    /// The provider's wording.
    pub commitment_type: String,
    /// Units or money.
    pub category: CommitmentCategory,
    /// The type, family, series or zone that it is for, or `all`.
    pub covers: String,
    /// How many pieces.
    pub quantity: u64,
    /// What it is counted in.
    pub unit: String,
    /// How many of those all pieces are an hour.
    pub units_per_hour: Ratio,
    /// Its first hour, counted from the first of the plan.
    pub start_hour: i64,
    /// The hour after its last.
    pub end_hour: i64,
    /// All pieces, at the start.
    pub upfront: BilledCost,
    /// All pieces, every hour.
    pub recurring_hour: BilledCost,
    /// `upfront` by the price list, where a negotiated discount reduced it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub public_upfront: Option<ListCost>,
    /// `recurring_hour` by the price list, where a negotiated discount reduced it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub public_recurring_hour: Option<ListCost>,
    /// Prepaid before the first month.
    pub prepaid_opening: Money,
    /// Prepaid after the last month.
    pub prepaid_closing: Money,
    /// Accrual within the months.
    pub effective: EffectiveCost,
    /// The part of it that covers nothing: waste.
    pub unused: EffectiveCost,
    /// On-demand cost of what it covers.
    pub list_covered: ListCost,
    /// Used / held.
    pub utilization: Option<Ratio>,
    /// On-demand cost of what it covers less its own.
    pub net_savings: Money,
    /// The utilization below which on demand is cheaper; unknown for one that covers nothing.
    pub break_even_utilization: Option<Ratio>,
}

/// One month of cash and accrual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountMonth {
    /// `2026-08`, or its number from one.
    pub month: String,
    /// Its hours.
    pub hours: u64,
    /// On-demand equivalent.
    pub list: ListCost,
    /// Cash: upfront payments.
    pub upfront: BilledCost,
    /// Cash: recurring payments of commitments.
    pub recurring: BilledCost,
    /// Cash: what is paid as used.
    pub as_used: BilledCost,
    /// All cash.
    pub billed: BilledCost,
    /// Accrual.
    pub effective: EffectiveCost,
    /// Accrual of what nobody used.
    pub unused: EffectiveCost,
    /// Prepaid before the month.
    pub prepaid_opening: Money,
    /// Prepaid in the month.
    pub prepaid_additions: Money,
    /// Prepaid before and used up in the month.
    pub prepaid_amortisation: Money,
    /// Prepaid after the month: opening + additions - amortisation.
    pub prepaid_closing: Money,
}

impl AccountMonth {
    /// What tables for people have of it: on demand, cash, accrual, what is unused of that, and what is prepaid
    /// before and after.
    pub(super) fn amounts(&self) -> [Money; 6] {
        [
            self.list.money(),
            self.billed.money(),
            self.effective.money(),
            self.unused.money(),
            self.prepaid_opening,
            self.prepaid_closing,
        ]
    }
}

/// The first months together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountSpan {
    /// How many months.
    pub months: u64,
    /// On-demand equivalent.
    pub list: ListCost,
    /// Cash.
    pub billed: BilledCost,
    /// Accrual.
    pub effective: EffectiveCost,
    /// 1 - accrual / on demand.
    pub effective_savings_rate: Option<Ratio>,
}

/// What a charge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChargeKind {
    /// A commitment's payment at its start.
    Upfront,
    /// A commitment's payment for the hours of a month.
    Recurring,
    /// Usage that a commitment covers.
    Used,
    /// The part of a commitment that covers nothing.
    Unused,
    /// Usage that is paid as it is used.
    OnDemand,
    /// Usage of spot nodes.
    Spot,
    /// Surcharges beside the on-demand rate (surplus credits), which no commitment covers.
    Surcharge,
}

/// One charge of one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargeRow {
    /// From zero.
    pub month: u64,
    /// What it is for.
    pub kind: ChargeKind,
    /// Id of the commitment, where one is involved.
    pub commitment: Option<String>,
    /// The instance type used, where one is.
    pub instance_type: Option<String>,
    /// Of commitments: units bought, used or unused; of surcharges: hours of nodes.
    pub units: Option<Ratio>,
    /// On-demand equivalent of usage.
    pub list: ListCost,
    /// Cash.
    pub billed: BilledCost,
    /// Accrual.
    pub effective: EffectiveCost,
}

impl Accounts {
    /// From when on less has been paid than on demand, in words; none where that is never so.
    pub fn paid_less(&self) -> Option<String> {
        let last = usize::try_from(self.break_even_month?).ok()?;
        let (mut paid, mut equivalent) = (Money::ZERO, Money::ZERO);
        let first = self.months.iter().position(|month| {
            paid = paid + month.billed.money();
            equivalent = equivalent + month.list.money();
            paid < equivalent
        })? + 1;
        let name = |number: usize| match self.months.get(number.checked_sub(1)?) {
            Some(month) if self.start.is_some() => Some(format!("{} (month {number})", month.month)),
            _ => Some(format!("month {number}")),
        };
        let (first, last) = (name(first)?, name(last)?);
        Some(if first == last {
            format!("From the end of {last} on less has been paid than on demand.")
        } else {
            format!(
                "Less has been paid than on demand from the end of {first} on; what is paid upfront again turns \
                 that round, until it is so for good from the end of {last} on."
            )
        })
    }

    /// Marks commitments whose rates are estimates, which the charges alone do not tell.
    pub(super) fn mark_estimates(mut self, catalog: &Catalog) -> Self {
        for row in &mut self.held {
            row.commitment_type = marked_wording(row.offer, catalog);
        }
        self
    }

    /// Commitments that are proposals.
    pub fn proposed(&self) -> impl Iterator<Item = &HeldRow> {
        self.held.iter().filter(|row| row.status == PROPOSED)
    }

    /// Commitments that are owned.
    pub fn owned(&self) -> impl Iterator<Item = &HeldRow> {
        self.held.iter().filter(|row| row.status == OWNED)
    }
}

/// The status of what is not bought.
pub(super) const PROPOSED: &str = "Proposed";
/// The status of what is.
pub(super) const OWNED: &str = "Owned";

/// The day of an hour of the plan, where its first day is known.
pub(super) fn day_of(start: Option<&str>, hour: i64) -> Option<Date> {
    let first: Date = start?.parse().ok()?;
    first.checked_add((hour.div_euclid(24)).days()).ok()
}

/// The least and the most hours that accounts are given for.
pub(super) fn horizon() -> u32 {
    u32::try_from(SPANS[1] * HOURS_PER_MONTH).expect("36 months")
}

/// Months until savings pass the upfront payment, for all proposals together, at the use of the first
/// month.
pub fn break_even_months(accounts: &Accounts) -> Option<Ratio> {
    let month = accounts.months.first()?;
    let recurring = month.recurring.money();
    let displaced = accounts.charges.iter().filter(|c| c.month == 0 && c.kind == ChargeKind::Used);
    metrics::break_even_months(month.upfront, displaced.map(|c| c.list.money()).sum(), recurring)
}
