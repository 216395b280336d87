//! Accounts of the plan's nodes as they are, for 36 months: owned commitments first, then the selected
//! way of paying for every node that these leave on demand. Spot nodes are paid at the spot rate.

use std::collections::BTreeMap;

use super::accounts::{self, Accounts};
use super::showback::{self, PeriodCost, SharedNodes};
use super::view::PlanReport;
use crate::bill::cash::renewed;
use crate::bill::commitment::{Holding, Totals, charge, fill, lines};
use crate::bill::{
    CalendarError, EffectiveCost, NodeUsage, SizeRatios, UsageError, UsageLine, charge_periods, pro_rata,
};
use crate::catalog::Catalog;
use crate::units::{HOURS_PER_MONTH, Rate};

/// Why a plan has no accounts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountsError {
    /// The report names a type that the catalog lacks.
    #[error("the catalog has no instance type `{0}`")]
    UnknownType(String),
    /// The first day is no date, or too late.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// The report has spot nodes of a type for which the catalog has no spot rate.
    #[error("the catalog has no spot rate of `{0}`")]
    NoSpotRate(String),
    /// More nodes than can be billed.
    #[error(transparent)]
    Usage(#[from] UsageError),
}

/// The accounts of 36 months, and what one month of 730 hours costs by family.
///
/// # Errors
/// A report and a catalog that do not belong together.
pub fn steady(
    report: &PlanReport,
    catalog: &Catalog,
    owned: Vec<Holding>,
    ratios: &SizeRatios,
) -> Result<(Accounts, PeriodCost), AccountsError> {
    let mut nodes: BTreeMap<(&str, Option<&str>, bool, Rate), u64> = BTreeMap::new();
    for group in &report.nodes {
        let t = find(catalog, &group.instance_type)?;
        let base = match &t.spot {
            Some(spot) if group.spot => spot.rate,
            None if group.spot => return Err(AccountsError::NoSpotRate(t.name.clone())),
            _ => t.on_demand.rate,
        };
        let surcharge = group.list_rate.nanos().saturating_sub(base.nanos());
        let key = (t.name.as_str(), group.zone.as_deref(), group.spot, Rate::from_nanos(surcharge));
        *nodes.entry(key).or_default() += group.nodes;
    }
    let types = nodes.keys().map(|(name, ..)| find(catalog, name)).collect::<Result<Vec<_>, _>>()?;
    let mut of_lines: Vec<UsageLine<'_>> = lines(catalog, types, ratios);
    for (line, (name, zone, spot, surcharge)) in of_lines.iter_mut().zip(nodes.keys()) {
        if *spot {
            let missing = || AccountsError::NoSpotRate((*name).to_owned());
            *line = UsageLine::spot(line.instance_type).ok_or_else(missing)?;
        }
        line.surcharge = *surcharge;
        line.zone = zone.map(str::to_owned);
    }
    let counts: Vec<u64> = nodes.values().copied().collect();
    let hours = accounts::horizon();
    let mut usage = NodeUsage::steady(of_lines.clone(), counts.clone(), hours)?;
    let start = report.scenario.start.as_deref();
    if let Some(day) = start {
        let periods = charge_periods(day, u64::from(hours))?;
        let month = |hours: u64| u32::try_from(hours).expect("a month of hours");
        usage = usage.with_months(periods.iter().map(|p| month(p.hours)).collect())?;
    }
    let selected = report.purchase_options.iter().find(|option| option.selected);
    let offer = selected.and_then(|option| option.offer);
    let mut basis = vec!["the nodes stay as they are for 36 months".to_owned()];
    let owns = !owned.is_empty();
    if owns {
        basis.push("commitments that are owned apply first, until they end".to_owned());
    }
    let proposed = offer.map_or_else(Vec::new, |key| fill(catalog, &usage, &owned, key));
    let mut held = owned;
    held.extend(proposed);
    if let Some(option) = selected.filter(|option| option.offer.is_some()) {
        let rest =
            if owns { "every node that these leave on demand" } else { "every node that has the offer" };
        basis
            .push(format!("{rest} is paid {}, bought at the start and again whenever it ends", option.label));
    }
    if nodes.keys().any(|(_, _, spot, _)| *spot) {
        basis.push("spot nodes cost the catalog's spot rate, which moves, in every hour".to_owned());
    }
    let all = renewed(&held, hours);
    let told = basis.iter().cloned().chain(beside(report)).collect();
    let made = Accounts::of(&charge(&usage, &all), start, &report.catalog.currency, told);
    let made = made.mark_estimates(catalog);

    let month = NodeUsage::steady(of_lines, counts, showback::hours())?;
    let totals = charge(&month, &held).total();
    basis[0] = "the first month of 730 hours".to_owned();
    let hours = u64::from(showback::hours());
    Ok((made, period_cost(report, month.lines(), &totals, (hours, SharedNodes::of_plan(report)), basis)))
}

/// What a bill's hours cost, by family; the cluster's fee beside it.
pub(super) fn period_cost(
    report: &PlanReport,
    lines: &[UsageLine<'_>],
    totals: &Totals,
    (hours, nodes): (u64, Vec<SharedNodes>),
    mut basis: Vec<String>,
) -> PeriodCost {
    let mut families: BTreeMap<String, EffectiveCost> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        let covered = totals.holdings.iter().flat_map(|h| &h.lines).filter(|l| l.line == index);
        let cost = EffectiveCost::new(totals.as_used[index].money()) + covered.map(|l| l.effective).sum();
        let family = families.entry(line.instance_type.family.clone()).or_default();
        *family = *family + cost;
    }
    let fees = report.extra_costs.iter().filter(|cost| !cost.in_node_rates);
    let fees = fees.filter_map(|cost| pro_rata(cost.list_month.money(), hours, HOURS_PER_MONTH));
    let overhead = fees.map(EffectiveCost::new).sum();
    basis.push("nodes are split 9 : 1 between a vCPU and a GiB, and charged to who requests them".to_owned());
    let period = PeriodCost { hours, nodes, families, unused: totals.unused(), overhead, basis };
    assert_eq!(
        period.families.values().copied().sum::<EffectiveCost>() + period.unused,
        totals.effective(),
        "families and what is unused sum to the bill"
    );
    period
}

/// What no node causes and no account therefore has.
pub(super) fn beside(report: &PlanReport) -> Option<String> {
    let fees = || report.extra_costs.iter().filter(|cost| !cost.in_node_rates);
    fees().next()?;
    let names: Vec<String> = fees()
        .map(|cost| {
            format!("{} of {} {} a month", cost.name, cost.list_month.money(), report.catalog.currency)
        })
        .collect();
    Some(format!("the {} comes on top of cash and accrual", names.join(", ")))
}

fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a crate::catalog::InstanceType, AccountsError> {
    catalog.find(name).ok_or_else(|| AccountsError::UnknownType(name.to_owned()))
}
