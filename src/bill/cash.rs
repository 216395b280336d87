//! Cash against accrual, month by month, with what is prepaid in between.
//!
//! Cash is what falls due in a month; accrual is what its hours cost. They differ by prepayments:
//! closing balance = opening balance + prepaid in the month - used up in the month, to the
//! nano-dollar.

use std::ops::Range;

use super::commitment::{Charges, Holding, Totals};
use super::cost::{BilledCost, EffectiveCost, ListCost, effective_savings_rate};
use super::ratio::Ratio;
use crate::units::Money;

/// What is paid for and not used up yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prepaid {
    /// Before the first hour; of commitments that began before, what is left of their payments.
    pub opening: Money,
    /// Paid at the start of commitments that begin.
    pub additions: Money,
    /// Used up by the hours of the month.
    pub amortisation: Money,
    /// After the last hour.
    pub closing: Money,
}

/// One month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CashMonth {
    /// Its hours, counted from the first hour of the usage.
    pub hours: Range<u32>,
    /// What its usage would cost on demand.
    pub list: ListCost,
    /// Paid at the start of commitments.
    pub upfront: BilledCost,
    /// Recurring payments of commitments.
    pub recurring: BilledCost,
    /// Paid as used.
    pub as_used: BilledCost,
    /// Accrual of everything.
    pub effective: EffectiveCost,
    /// Accrual of what no usage needed.
    pub unused: EffectiveCost,
    /// The balance between the two.
    pub prepaid: Prepaid,
}

impl CashMonth {
    /// All cash of the month.
    pub fn billed(&self) -> BilledCost {
        self.upfront + self.recurring + self.as_used
    }
}

/// A bill as months.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CashFlow {
    /// In order.
    pub months: Vec<CashMonth>,
}

impl CashFlow {
    /// The months of some charges.
    ///
    /// # Panics
    /// When a balance does not close, which is a bug.
    pub fn of(charges: &Charges<'_, '_>) -> Self {
        let months = charges.usage().months().len();
        let flow = CashFlow {
            months: (0..months).map(|i| month(charges, charges.month_hours(i), &charges.month(i))).collect(),
        };
        for pair in flow.months.windows(2) {
            assert_eq!(pair[0].prepaid.closing, pair[1].prepaid.opening, "a balance carries over");
        }
        flow
    }

    /// Cash of the first `months`.
    pub fn billed(&self, months: usize) -> BilledCost {
        self.months.iter().take(months).map(CashMonth::billed).sum()
    }

    /// Accrual of the first `months`.
    pub fn effective(&self, months: usize) -> EffectiveCost {
        self.months.iter().take(months).map(|m| m.effective).sum()
    }

    /// On-demand equivalent of the first `months`.
    pub fn list(&self, months: usize) -> ListCost {
        self.months.iter().take(months).map(|m| m.list).sum()
    }

    /// 1 - amortised / on demand over the first `months`.
    pub fn effective_savings_rate(&self, months: usize) -> Option<Ratio> {
        effective_savings_rate(self.list(months), self.effective(months))
    }

    /// The first month, counted from one, from whose end on less has been paid than on demand would
    /// have cost, whatever comes after. `None` when that never happens, or nothing is saved.
    pub fn break_even_month(&self) -> Option<usize> {
        let (mut paid, mut equivalent) = (Money::ZERO, Money::ZERO);
        let mut since = None;
        for (index, month) in self.months.iter().enumerate() {
            paid = paid + month.billed().money();
            equivalent = equivalent + month.list.money();
            since = if paid < equivalent { since.or(Some(index + 1)) } else { None };
        }
        since
    }
}

fn month(charges: &Charges<'_, '_>, hours: Range<u32>, totals: &Totals) -> CashMonth {
    let (from, to) = (i64::from(hours.start), i64::from(hours.end));
    let balance = |at: i64| charges.holdings().iter().map(|h| prepaid_at(h, at)).sum::<Money>();
    let upfront: BilledCost = totals.holdings.iter().map(|h| h.upfront).sum();
    let recurring: BilledCost = totals.holdings.iter().map(|h| h.recurring).sum();
    let committed: EffectiveCost = totals.holdings.iter().map(|h| h.effective).sum();
    let prepaid = Prepaid {
        opening: balance(from),
        additions: upfront.money(),
        amortisation: committed.money() - recurring.money(),
        closing: balance(to),
    };
    assert_eq!(
        prepaid.opening + prepaid.additions - prepaid.amortisation,
        prepaid.closing,
        "a prepaid balance closes"
    );
    CashMonth {
        hours,
        list: totals.list,
        upfront,
        recurring,
        as_used: totals.as_used.iter().copied().sum(),
        effective: totals.effective(),
        unused: totals.unused(),
        prepaid,
    }
}

/// What of a holding's upfront payment is paid and not used up just before an hour.
pub fn prepaid_at(holding: &Holding, hour: i64) -> Money {
    if hour <= holding.start {
        return Money::ZERO;
    }
    let since = u64::try_from(hour - holding.start).expect("after its start");
    holding.upfront_total().money() - holding.amortised_until(since)
}

/// The holdings with every proposed one bought again as often as it ends within `hours`, at the same
/// terms: what a plan of three years that buys for one year supposes.
pub fn renewed(holdings: &[Holding], hours: u32) -> Vec<Holding> {
    renewed_after(holdings, 0, hours)
}

/// The same for a plan whose purchases are decided up to hour `planned`: what was to be bought again
/// before is among the holdings, and only those that last until then are bought again whenever they end.
pub fn renewed_after(holdings: &[Holding], planned: u32, hours: u32) -> Vec<Holding> {
    let mut all = holdings.to_vec();
    let lasting =
        |h: &&Holding| h.origin == super::commitment::Origin::Proposed && h.end >= i64::from(planned);
    for held in holdings.iter().filter(lasting) {
        let term = held.end - held.start;
        let mut next = Holding { start: held.end, end: held.end + term, ..held.clone() };
        let mut times = 2;
        while term > 0 && next.start < i64::from(hours) {
            next.id = format!("{}-{times}", held.id);
            all.push(next.clone());
            next.start += term;
            next.end += term;
            times += 1;
        }
    }
    all
}
