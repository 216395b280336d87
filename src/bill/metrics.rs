//! Commitment metrics as the providers' cost tools define them.
//!
//! Sources: AWS Cost Management User Guide (reservation utilization and coverage), AWS Savings Plans
//! User Guide; break-even by the rates themselves.

use super::cost::{BilledCost, EffectiveCost, ListCost};
use super::ratio::Ratio;
use crate::units::{Money, Rate};

/// What became of the hours of one commitment at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitmentUse {
    /// On demand, per hour.
    pub on_demand: Rate,
    /// Amortised, per purchased hour.
    pub effective: Rate,
    /// Instance hours paid for.
    pub purchased_hours: u64,
    /// Instance hours of them that covered an instance.
    pub used_hours: u64,
}

impl CommitmentUse {
    /// Hours used / hours purchased.
    pub fn utilization(&self) -> Option<Ratio> {
        Ratio::of(self.used_hours, self.purchased_hours)
    }

    /// What the used hours would have cost on demand.
    pub fn on_demand_equivalent(&self) -> ListCost {
        ListCost::new(self.on_demand.for_hours(self.used_hours))
    }

    /// What all purchased hours cost, used or not.
    pub fn effective_cost(&self) -> EffectiveCost {
        EffectiveCost::new(self.effective.for_hours(self.purchased_hours))
    }

    /// On-demand cost of the used hours less the effective cost of all purchased hours.
    pub fn net_savings(&self) -> Money {
        super::cost::saving(self.on_demand_equivalent(), self.effective_cost())
    }

    /// The net savings if every purchased hour were used.
    pub fn potential_savings(&self) -> Money {
        CommitmentUse { used_hours: self.purchased_hours, ..*self }.net_savings()
    }
}

/// Utilization of a spend commitment: what was used at its rates / what is committed.
pub fn spend_utilization(used: Money, committed: Money) -> Option<Ratio> {
    Ratio::of_money(used, committed)
}

/// Coverage: the on-demand equivalent of covered usage / that and the eligible rest.
pub fn coverage(covered: ListCost, on_demand: ListCost) -> Option<Ratio> {
    Ratio::of_money(covered.money(), (covered + on_demand).money())
}

/// The share of hours that a commitment must be used to pay for itself: effective / on-demand rate.
pub fn break_even_utilization(effective: Rate, on_demand: Rate) -> Option<Ratio> {
    Ratio::of(effective.nanos(), on_demand.nanos())
}

/// Months until savings pass the upfront payment: upfront / (monthly on-demand cost displaced -
/// monthly recurring cost). `None` when a month saves nothing.
pub fn break_even_months(upfront: BilledCost, displaced: Money, recurring: Money) -> Option<Ratio> {
    let monthly = displaced - recurring;
    (monthly > Money::ZERO).then(|| Ratio::of_money(upfront.money(), monthly)).flatten()
}

/// The least hourly commitment over a term that adds up to an amount, rounded up to a nano-dollar.
/// `None` for negative amounts or beyond the range of a rate.
pub fn hourly_for(amount: Money, term_hours: u64) -> Option<Rate> {
    let amount = u128::try_from(amount.nanos()).ok()?;
    u64::try_from(amount.div_ceil(u128::from(term_hours.max(1)))).ok().map(Rate::from_nanos)
}
