//! Makes accounts of charges: what is held, its months, and the charges of each.

use super::{
    AccountMonth, AccountRate, AccountSpan, Accounts, ChargeKind, ChargeRow, HeldRow, OWNED, PROPOSED, SPANS,
    day_of,
};
use crate::bill::cash::{CashFlow, prepaid_at};
use crate::bill::commitment::{Charges, Covers, Holding, HoldingUse, Origin};
use crate::bill::{BilledCost, EffectiveCost, LineState, ListCost, Ratio, UsageLine, provider_wording};
use crate::units::Money;

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
}

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
pub(in crate::report) fn covers(covers: &Covers) -> String {
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

/// `2026-08` for a month that begins so many hours after the first day, else its number.
fn name(start: Option<&str>, hour: u32, index: usize) -> String {
    match day_of(start, i64::from(hour)) {
        Some(day) => format!("{:04}-{:02}", day.year(), day.month()),
        None => (index + 1).to_string(),
    }
}
