//! What is held and what it does: owned and proposed commitments, cash against accrual by month, and
//! every month's charges, which FOCUS rows are made of.

use jiff::ToSpan;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::cash::{CashFlow, prepaid_at};
use crate::bill::commitment::{Charges, Covers, Holding, HoldingUse, Origin};
use crate::bill::{
    BilledCost, CommitmentCategory, EffectiveCost, LineState, ListCost, OfferKey, Ratio, UsageLine, metrics,
    provider_wording,
};
use crate::catalog::Catalog;
use crate::units::{HOURS_PER_MONTH, Money, Rate};

use super::purchase::marked_wording;

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
    /// The accounts of some charges, from midnight UTC of `start`.
    pub fn of(charges: &Charges<'_, '_>, start: Option<&str>, currency: &str, basis: Vec<String>) -> Self {
        Accounts::of_scenario(charges, start, currency, basis, None)
    }

    /// The accounts of the nodes over time of a scenario.
    pub fn of_scenario(
        charges: &Charges<'_, '_>,
        start: Option<&str>,
        currency: &str,
        basis: Vec<String>,
        scenario: Option<String>,
    ) -> Self {
        let flow = CashFlow::of(charges);
        let total = charges.total();
        let held = charges
            .holdings()
            .iter()
            .zip(&total.holdings)
            .map(|(holding, used)| HeldRow {
                prepaid_closing: prepaid_at(holding, i64::from(charges.usage().len())),
                ..held_row(holding, used, currency)
            })
            .collect();
        let months = flow
            .months
            .iter()
            .enumerate()
            .map(|(index, month)| AccountMonth {
                month: name(start, month.hours.start, index),
                hours: u64::from(month.hours.end - month.hours.start),
                list: month.list,
                upfront: month.upfront,
                recurring: month.recurring,
                as_used: month.as_used,
                billed: month.billed(),
                effective: month.effective,
                unused: month.unused,
                prepaid_opening: month.prepaid.opening,
                prepaid_additions: month.prepaid.additions,
                prepaid_amortisation: month.prepaid.amortisation,
                prepaid_closing: month.prepaid.closing,
            })
            .collect();
        let spans = SPANS
            .into_iter()
            .filter_map(|months| Some((months, usize::try_from(months).ok()?)))
            .filter(|&(_, count)| count <= flow.months.len())
            .map(|(months, count)| AccountSpan {
                months,
                list: flow.list(count),
                billed: flow.billed(count),
                effective: flow.effective(count),
                effective_savings_rate: flow.effective_savings_rate(count),
            })
            .collect();
        let break_even_month =
            if charges.holdings().is_empty() { None } else { flow.break_even_month().map(|m| m as u64) };
        Accounts {
            basis,
            scenario,
            rates: rates(charges),
            start: start.map(str::to_owned),
            hours: u64::from(charges.usage().len()),
            held,
            months,
            spans,
            break_even_month,
            charges: (0..charges.usage().months().len()).flat_map(|m| month_charges(charges, m)).collect(),
        }
    }

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

fn held_row(holding: &Holding, used: &HoldingUse, currency: &str) -> HeldRow {
    let public = holding.public_prices();
    let recurring = holding.recurring.for_one_hour().checked_mul(i128::from(holding.quantity));
    // What all of it would cover at its present use of what it covers.
    let whole = i128::try_from(used.units_held).ok().zip(i128::try_from(used.units_used).ok());
    let break_even = whole.filter(|&(_, used)| used > 0).and_then(|(held, units)| {
        let share = Ratio::of_wide(units, held)?;
        let cost = Ratio::of_money(used.effective.money(), used.list_covered.money())?;
        // effective / (list covered x held / used)
        Ratio::of_wide(cost.nanos().checked_mul(share.nanos())?, 10i128.pow(18))
    });
    HeldRow {
        id: holding.id.clone(),
        status: match holding.origin {
            Origin::Owned => OWNED,
            Origin::Proposed => PROPOSED,
        }
        .to_owned(),
        offer: holding.key,
        commitment_type: provider_wording(holding.key.kind).to_owned(),
        category: holding.category(),
        covers: covers(&holding.covers),
        quantity: holding.quantity,
        unit: unit(&holding.covers, currency).to_owned(),
        units_per_hour: units(&holding.covers, u128::from(holding.units_per_hour())),
        start_hour: holding.start,
        end_hour: holding.end,
        upfront: holding.upfront_total(),
        recurring_hour: BilledCost::new(recurring.expect("no bill reaches 10^29")),
        public_upfront: public.map(|(upfront, _)| upfront),
        public_recurring_hour: public.map(|(_, recurring)| recurring),
        prepaid_opening: prepaid_at(holding, 0),
        prepaid_closing: Money::ZERO,
        effective: used.effective,
        unused: used.unused,
        list_covered: used.list_covered,
        utilization: used.utilization(),
        net_savings: used.net_savings(),
        break_even_utilization: break_even,
    }
}

/// What a commitment is for, in a word.
pub(super) fn covers(covers: &Covers) -> String {
    match covers {
        Covers::Zonal { instance_type, zone } => format!("{instance_type} in {zone}"),
        Covers::Type(name) => name.clone(),
        Covers::Pool(pool) => pool.name.clone(),
        Covers::Cpu { series, .. } => format!("{series} vCPU"),
        Covers::Memory { series, .. } => format!("{series} memory"),
        Covers::Spend { family, .. } => family.clone().unwrap_or_else(|| "all".to_owned()),
    }
}

fn unit<'a>(covers: &Covers, currency: &'a str) -> &'a str {
    match covers {
        Covers::Zonal { .. } | Covers::Type(_) => "Hours",
        Covers::Pool(_) => "Normalized Hours",
        Covers::Cpu { .. } => "Core-Hours",
        Covers::Memory { .. } => "MiB-Hours",
        Covers::Spend { .. } => currency,
    }
}

/// The engine's units as those of [`unit`].
fn units(covers: &Covers, units: u128) -> Ratio {
    let per = match covers {
        Covers::Zonal { .. } | Covers::Type(_) | Covers::Pool(_) | Covers::Cpu { .. } => 3_600_000,
        Covers::Memory { .. } => 3_600,
        Covers::Spend { .. } => 1_000_000_000,
    };
    i128::try_from(units).ok().and_then(|units| Ratio::of_wide(units, per)).expect("the divisor is not zero")
}

/// Each type once, on demand and on spot apart, by name.
fn rates(charges: &Charges<'_, '_>) -> Vec<AccountRate> {
    let of = |line: &UsageLine<'_>| AccountRate {
        instance_type: line.instance_type.name.clone(),
        spot: line.state == LineState::Spot,
        rate: line.rate(),
        public_rate: Some(line.public_rate()).filter(|public| *public != line.rate()),
    };
    let mut rates: Vec<AccountRate> = charges.usage().lines().iter().map(of).collect();
    rates.sort_by(|a, b| (&a.instance_type, a.spot).cmp(&(&b.instance_type, b.spot)));
    rates.dedup();
    rates
}

fn month_charges(charges: &Charges<'_, '_>, month: usize) -> Vec<ChargeRow> {
    let totals = charges.month(month);
    let lines = charges.usage().lines();
    let base = ChargeRow {
        month: month as u64,
        kind: ChargeKind::OnDemand,
        commitment: None,
        instance_type: None,
        units: None,
        list: ListCost::ZERO,
        billed: BilledCost::ZERO,
        effective: EffectiveCost::ZERO,
    };
    let in_month = charges.usage().count(charges.month_hours(month));
    let mut rows = Vec::new();
    for used in &totals.holdings {
        let holding = &charges.holdings()[used.holding];
        let amount = |count: u128| Some(units(&holding.covers, count));
        let of = |kind| ChargeRow { kind, commitment: Some(holding.id.clone()), ..base.clone() };
        if used.upfront > BilledCost::ZERO {
            let term = u128::from(holding.units_per_hour()) * u128::from(holding.term_hours());
            rows.push(ChargeRow { billed: used.upfront, units: amount(term), ..of(ChargeKind::Upfront) });
        }
        if used.recurring > BilledCost::ZERO {
            let bought = amount(used.units_held);
            rows.push(ChargeRow { billed: used.recurring, units: bought, ..of(ChargeKind::Recurring) });
        }
        for line in &used.lines {
            rows.push(ChargeRow {
                instance_type: Some(lines[line.line].instance_type.name.clone()),
                units: amount(line.units),
                list: line.list,
                effective: line.effective,
                ..of(ChargeKind::Used)
            });
        }
        if used.units_used < used.units_held {
            let unused = amount(used.units_held - used.units_used);
            rows.push(ChargeRow { effective: used.unused, units: unused, ..of(ChargeKind::Unused) });
        }
    }
    for (index, line) in lines.iter().enumerate() {
        let covered: Money = totals
            .holdings
            .iter()
            .flat_map(|h| &h.lines)
            .filter(|l| l.line == index)
            .map(|l| l.list.money())
            .sum();
        let list = totals.list_by_line[index].money() - covered;
        let surcharge = totals.surcharge[index];
        let paid = totals.as_used[index].money() - surcharge;
        let mut push = |kind, list: Money, paid: Money, units: Option<Ratio>| {
            rows.push(ChargeRow {
                kind,
                units,
                instance_type: Some(line.instance_type.name.clone()),
                list: ListCost::new(list),
                billed: BilledCost::new(paid),
                effective: EffectiveCost::new(paid),
                ..base.clone()
            });
        };
        if list > Money::ZERO {
            let spot = line.state == LineState::Spot;
            push(if spot { ChargeKind::Spot } else { ChargeKind::OnDemand }, list, paid, None);
        }
        if surcharge > Money::ZERO {
            let nodes = charges.usage().slots().iter().zip(&in_month);
            let hours: u128 = nodes.map(|(slot, &hours)| u128::from(slot[index]) * u128::from(hours)).sum();
            let seconds = i128::try_from(hours * u128::from(line.seconds)).ok();
            let hours = seconds.and_then(|seconds| Ratio::of_wide(seconds, 3_600));
            push(ChargeKind::Surcharge, surcharge, surcharge, hours);
        }
    }
    rows
}

/// The day of an hour of the plan, where its first day is known.
pub(super) fn day_of(start: Option<&str>, hour: i64) -> Option<Date> {
    let first: Date = start?.parse().ok()?;
    first.checked_add((hour.div_euclid(24)).days()).ok()
}

/// `2026-08` for a month that begins so many hours after the first day, else its number.
fn name(start: Option<&str>, hour: u32, index: usize) -> String {
    match day_of(start, i64::from(hour)) {
        Some(day) => format!("{:04}-{:02}", day.year(), day.month()),
        None => (index + 1).to_string(),
    }
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
