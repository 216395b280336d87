//! Accounts of nodes over time under the purchases that were chosen for them.
//!
//! One future is told, the scenario called `expected` or else the most likely one: cash is paid in one
//! future, not in a mean of several. Its hours cost what the purchase plan says of that scenario, to the
//! nano-dollar; the hours after the horizon repeat those within, and what is held at its end is bought
//! again whenever it ends.

use super::accounts::{self, Accounts};
use super::build::shared_nodes;
use super::number::grouped;
use super::showback::{PeriodCost, SharedNodes};
use super::steady::{AccountsError, beside, period_cost};
use super::view::PlanReport;
use crate::bill::cash::renewed_after;
use crate::bill::commitment::{Charges, charge};
use crate::bill::{EffectiveCost, NodeUsage, Scenario, charge_periods};
use crate::catalog::Catalog;
use crate::levels::Packed;
use crate::policy::Policy;
use crate::purchase::PurchasePlan;
use crate::workload::WorkloadSet;

/// What the accounts are made of.
#[derive(Clone, Copy)]
pub struct CommittedInputs<'a> {
    /// What runs.
    pub workloads: &'a WorkloadSet,
    /// The prices.
    pub catalog: &'a Catalog,
    /// The settings.
    pub policy: &'a Policy,
    /// Their nodes.
    pub packed: &'a Packed,
    /// The nodes of every hour of the horizon in each scenario.
    pub usage: &'a [Scenario<'a>],
    /// What is held: owned, then proposed.
    pub purchases: &'a PurchasePlan,
    /// Whether what is held at the end of the horizon is bought again when it ends.
    pub renew: bool,
}

/// The accounts of 36 months, or of the horizon if that is longer, and what the horizon costs by family.
///
/// # Errors
/// A first day that is too late for so many months.
pub fn committed(
    report: &PlanReport,
    inputs: &CommittedInputs<'_>,
) -> Result<(Accounts, PeriodCost), AccountsError> {
    let told = told(inputs.usage);
    let (scenario, planned) = (&inputs.usage[told], &inputs.purchases.scenarios[told]);
    let horizon = scenario.usage.len();
    let hours = accounts::horizon().max(horizon);
    let start = report.scenario.start.as_deref();
    let usage = repeated(&scenario.usage, hours, start)?;
    let held = if inputs.renew {
        renewed_after(&inputs.purchases.holdings, horizon, hours)
    } else {
        inputs.purchases.holdings.clone()
    };
    let charges = charge(&usage, &held);
    agree(&charges, horizon, planned.cost);

    let mut basis = vec![match inputs.usage.len() {
        1 => "the nodes of every hour under the purchases that are proposed".to_owned(),
        _ => format!(
            "the nodes of every hour of the scenario {} under the purchases that are proposed",
            scenario.name
        ),
    }];
    if inputs.purchases.holdings.iter().any(|h| h.origin == crate::bill::commitment::Origin::Owned) {
        basis.push("commitments that are owned apply first, until they end".to_owned());
    }
    let mut of_months = basis.clone();
    if hours > horizon {
        of_months.push(format!("after the {} hours that are planned for, these repeat", grouped(horizon)));
        of_months.push(if inputs.renew {
            "what is held then is bought again whenever it ends, at the same price".to_owned()
        } else {
            "what ends is not bought again".to_owned()
        });
    }
    of_months.extend(beside(report));
    let name = Some(scenario.name.clone());
    let made = Accounts::of_scenario(&charges, start, &report.catalog.currency, of_months, name);
    let made = made.mark_estimates(inputs.catalog);

    let within = charge(&scenario.usage, &inputs.purchases.holdings);
    let totals = within.total();
    assert_eq!(totals.effective(), planned.cost, "the scenario costs what the purchase plan says");
    basis[0] = format!("the {} hours of the plan: {}", grouped(horizon), basis[0]);
    let period = period_cost(
        report,
        scenario.usage.lines(),
        &totals,
        (u64::from(horizon), nodes(inputs, told)),
        basis,
    );
    Ok((made, period))
}

/// Which scenario is told.
fn told(scenarios: &[Scenario<'_>]) -> usize {
    let named = scenarios.iter().position(|s| s.name == "expected");
    let likeliest = || (0..scenarios.len()).max_by_key(|&k| (scenarios[k].weight, std::cmp::Reverse(k)));
    named.or_else(likeliest).unwrap_or(0)
}

/// The usage going on in the same hours for longer; in calendar months where the first day is known.
fn repeated<'a>(
    usage: &NodeUsage<'a>,
    hours: u32,
    start: Option<&str>,
) -> Result<NodeUsage<'a>, AccountsError> {
    let slots = usage.hours().iter().copied().cycle().take(hours as usize).collect();
    let longer = NodeUsage::new(usage.lines().to_vec(), usage.slots().to_vec(), slots)?;
    let Some(day) = start else { return Ok(longer) };
    let month = |hours: u64| u32::try_from(hours).expect("a month of hours");
    let months = charge_periods(day, u64::from(hours))?.iter().map(|p| month(p.hours)).collect();
    Ok(longer.with_months(months)?)
}

/// Where months end with the horizon, their accrual is what the purchase plan says.
fn agree(charges: &Charges<'_, '_>, horizon: u32, cost: EffectiveCost) {
    let months = charges.usage().months();
    let mut sum = 0;
    let count = months.iter().take_while(|&&month| {
        let whole = sum + month <= horizon;
        sum += month;
        whole
    });
    let count = count.count();
    if months[..count].iter().sum::<u32>() == horizon {
        let months = charges.months(0..count).effective();
        assert_eq!(months, cost, "the months of the horizon sum to the cost of the purchase plan");
    }
}

/// The nodes of all levels, each for the hours that it lasts in the scenario.
fn nodes(inputs: &CommittedInputs<'_>, told: usize) -> Vec<SharedNodes> {
    let usage = &inputs.usage[told].usage;
    let counts = usage.count(0..usage.len());
    let levels = inputs.packed.levels.iter().zip(counts).filter(|(_, hours)| *hours > 0);
    levels
        .flat_map(|(level, hours)| {
            let plan = (&level.formulation, &level.plan);
            shared_nodes(inputs.workloads, inputs.catalog, inputs.policy, plan, hours)
        })
        .collect()
}
