//! What a usage costs under commitments: hour by hour held, month by month summed.

use std::ops::Range;

use super::holding::{Holding, Origin};
use crate::bill::cost::{BilledCost, EffectiveCost, ListCost, effective_savings_rate};
use crate::bill::ratio::Ratio;
use crate::bill::split::by_largest_remainder;
use crate::bill::usage::NodeUsage;
use crate::units::Money;

/// A holding covering some of a line, in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Index of the holding.
    pub holding: usize,
    /// Index of the line.
    pub line: usize,
    /// How much of the holding, in the units of [`Holding::units_per_hour`].
    pub units: u64,
    /// What that would have cost on demand.
    pub list: Money,
}

/// One hour among equal ones: the same state of the fleet, the same holdings active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourClass {
    /// The state of the fleet.
    pub slot: u32,
    /// Who covers what, in the order of application.
    pub uses: Vec<Use>,
    /// Per line, what it would cost on demand, surcharge left out.
    pub list: Vec<Money>,
    /// Per line, what stays on demand, before sustained use discounts.
    pub on_demand: Vec<Money>,
    /// Per line, surcharges.
    pub surcharge: Vec<Money>,
}

/// What a usage costs under some holdings.
#[derive(Debug, Clone)]
pub struct Charges<'u, 'a> {
    usage: &'u NodeUsage<'a>,
    holdings: &'u [Holding],
    classes: Vec<HourClass>,
    hours: Vec<u32>,
    /// Per month and line, what sustained use takes off.
    sustained: Vec<Vec<Money>>,
}

/// One holding over some months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldingUse {
    /// Index of the holding.
    pub holding: usize,
    /// Hours in which it is active.
    pub hours: u64,
    /// What it could cover, in its units.
    pub units_held: u128,
    /// What it covers.
    pub units_used: u128,
    /// What that would have cost on demand.
    pub list_covered: ListCost,
    /// Upfront payment that falls into these months.
    pub upfront: BilledCost,
    /// Recurring payments.
    pub recurring: BilledCost,
    /// Amortised cost of its hours, used or not.
    pub effective: EffectiveCost,
    /// The part of `effective` that nothing used.
    pub unused: EffectiveCost,
    /// What it covers, by line, ascending; the parts of `effective` with `unused` sum to it.
    pub lines: Vec<LineUse>,
}

/// What a holding covers of one line over some months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineUse {
    /// Index of the line.
    pub line: usize,
    /// In the holding's units.
    pub units: u128,
    /// What that would have cost on demand.
    pub list: ListCost,
    /// Its part of the holding's amortised cost.
    pub effective: EffectiveCost,
}

impl HoldingUse {
    /// Units used / units held; `None` for a holding that was never active.
    pub fn utilization(&self) -> Option<Ratio> {
        Ratio::of_wide(i128::try_from(self.units_used).ok()?, i128::try_from(self.units_held).ok()?)
    }

    /// The part of its cost that covers something.
    pub fn used(&self) -> EffectiveCost {
        self.effective - self.unused
    }

    /// On-demand cost of what it covers less its own, used or not.
    pub fn net_savings(&self) -> Money {
        crate::bill::saving(self.list_covered, self.effective)
    }
}

/// Some months of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Everything on demand: the on-demand equivalent, surcharges included.
    pub list: ListCost,
    /// Per line, the same without surcharges.
    pub list_by_line: Vec<ListCost>,
    /// Per line, what is paid as used: what no holding covers less sustained use discounts, and
    /// surcharges.
    pub as_used: Vec<BilledCost>,
    /// What sustained use discounts take off, inside `as_used`.
    pub sustained: Money,
    /// Per line, surcharges, inside `as_used`.
    pub surcharge: Vec<Money>,
    /// The holdings.
    pub holdings: Vec<HoldingUse>,
}

impl Totals {
    /// Cash.
    pub fn billed(&self) -> BilledCost {
        self.as_used.iter().copied().sum::<BilledCost>()
            + self.holdings.iter().map(|h| h.upfront + h.recurring).sum()
    }

    /// Accrual.
    pub fn effective(&self) -> EffectiveCost {
        self.effective_as_used() + self.holdings.iter().map(|h| h.effective).sum()
    }

    /// Paid as used; nothing is prepaid there, so cash and accrual are the same money.
    pub fn effective_as_used(&self) -> EffectiveCost {
        EffectiveCost::new(self.as_used.iter().map(|cost| cost.money()).sum())
    }

    /// What was paid for and not used.
    pub fn unused(&self) -> EffectiveCost {
        self.holdings.iter().map(|h| h.unused).sum()
    }

    /// The on-demand equivalent of what holdings cover.
    pub fn list_covered(&self) -> ListCost {
        self.holdings.iter().map(|h| h.list_covered).sum()
    }

    /// The share of the on-demand equivalent (surcharges left out) that holdings cover.
    pub fn coverage(&self) -> Option<Ratio> {
        Ratio::of_money(
            self.list_covered().money(),
            self.list_by_line.iter().copied().sum::<ListCost>().money(),
        )
    }

    /// 1 - amortised / on demand.
    pub fn effective_savings_rate(&self) -> Option<Ratio> {
        effective_savings_rate(self.list, self.effective())
    }
}

impl<'u, 'a> Charges<'u, 'a> {
    pub(super) fn new(
        usage: &'u NodeUsage<'a>,
        holdings: &'u [Holding],
        classes: Vec<HourClass>,
        hours: Vec<u32>,
        sustained: Vec<Vec<Money>>,
    ) -> Self {
        Charges { usage, holdings, classes, hours, sustained }
    }

    /// The usage that is charged.
    pub fn usage(&self) -> &'u NodeUsage<'a> {
        self.usage
    }

    /// The holdings that it is charged under.
    pub fn holdings(&self) -> &'u [Holding] {
        self.holdings
    }

    /// The distinct hours.
    pub fn classes(&self) -> &[HourClass] {
        &self.classes
    }

    /// For each hour in order, which of the distinct hours it is.
    pub fn hours(&self) -> &[u32] {
        &self.hours
    }

    /// The first hour of a month and the hour after its last.
    pub fn month_hours(&self, month: usize) -> Range<u32> {
        let before: u32 = self.usage.months()[..month].iter().sum();
        before..before + self.usage.months()[month]
    }

    /// How many of each distinct hour a range has.
    fn counts(&self, hours: Range<u32>) -> Vec<u64> {
        let mut counts = vec![0; self.classes.len()];
        for &class in &self.hours[hours.start as usize..hours.end as usize] {
            counts[class as usize] += 1;
        }
        counts
    }

    /// All hours.
    pub fn total(&self) -> Totals {
        self.months(0..self.usage.months().len())
    }

    /// One month.
    pub fn month(&self, month: usize) -> Totals {
        self.months(month..month + 1)
    }

    /// Some months together.
    pub fn months(&self, months: Range<usize>) -> Totals {
        let lengths = self.usage.months();
        let first: u32 = lengths[..months.start].iter().sum();
        let last: u32 = first + lengths[months.clone()].iter().sum::<u32>();
        let counts = self.counts(first..last);
        let lines = self.usage.lines().len();
        let sum = |of: &dyn Fn(&HourClass) -> &[Money]| -> Vec<Money> {
            let mut sums = vec![Money::ZERO; lines];
            for (class, &n) in self.classes.iter().zip(&counts).filter(|(_, n)| **n > 0) {
                for (sum, &amount) in sums.iter_mut().zip(of(class)) {
                    *sum = *sum + times(amount, n);
                }
            }
            sums
        };
        let list = sum(&|class| &class.list);
        let on_demand = sum(&|class| &class.on_demand);
        let surcharge = sum(&|class| &class.surcharge);
        let off = |line: usize| self.sustained[months.clone()].iter().map(|month| month[line]).sum::<Money>();
        let as_used = (0..lines).map(|l| BilledCost::new(on_demand[l] + surcharge[l] - off(l))).collect();
        Totals {
            list: ListCost::new(list.iter().chain(&surcharge).copied().sum()),
            list_by_line: list.into_iter().map(ListCost::new).collect(),
            as_used,
            sustained: (0..lines).map(off).sum(),
            surcharge,
            holdings: self.holding_uses(i64::from(first)..i64::from(last), &counts),
        }
    }

    fn holding_uses(&self, hours: Range<i64>, counts: &[u64]) -> Vec<HoldingUse> {
        let lines = self.usage.lines().len();
        let mut units = vec![0u128; self.holdings.len() * lines];
        let mut list = vec![Money::ZERO; self.holdings.len() * lines];
        for (class, &n) in self.classes.iter().zip(counts).filter(|(_, n)| **n > 0) {
            for used in &class.uses {
                let cell = used.holding * lines + used.line;
                units[cell] += u128::from(used.units) * u128::from(n);
                list[cell] = list[cell] + times(used.list, n);
            }
        }
        let of = |(index, held): (usize, &Holding)| {
            let active = held.active(hours.clone());
            let active_hours = u64::try_from(active.end - active.start).expect("a range runs forward");
            let units_held = u128::from(held.units_per_hour()) * u128::from(active_hours);
            let row = index * lines..(index + 1) * lines;
            let units_used: u128 = units[row.clone()].iter().sum();
            let effective = held.effective(hours.clone());
            let covered: Vec<usize> = (0..lines).filter(|line| units[index * lines + line] > 0).collect();
            let mut weights: Vec<u128> = covered.iter().map(|line| units[index * lines + line]).collect();
            weights.push(units_held - units_used);
            let parts = split(effective, &weights);
            let (unused, used) = parts.split_last().expect("there is always the unused part");
            HoldingUse {
                holding: index,
                hours: active_hours,
                units_held,
                units_used,
                list_covered: ListCost::new(list[row].iter().copied().sum()),
                upfront: held.billed_upfront(hours.clone()),
                recurring: held.billed_recurring(hours.clone()),
                effective,
                unused: *unused,
                lines: covered
                    .iter()
                    .zip(used)
                    .map(|(&line, &effective)| LineUse {
                        line,
                        units: units[index * lines + line],
                        list: ListCost::new(list[index * lines + line]),
                        effective,
                    })
                    .collect(),
            }
        };
        self.holdings.iter().enumerate().map(of).collect()
    }

    /// Amortised cost of everything over all hours: what an optimiser compares.
    pub fn effective(&self) -> EffectiveCost {
        let counts = self.counts(0..self.usage.len());
        let as_used: Money = self
            .classes
            .iter()
            .zip(&counts)
            .map(|(class, &n)| times(class.on_demand.iter().chain(&class.surcharge).copied().sum(), n))
            .sum();
        let off: Money = self.sustained.iter().flatten().copied().sum();
        let hours = 0..i64::from(self.usage.len());
        EffectiveCost::new(as_used - off) + self.holdings.iter().map(|h| h.effective(hours.clone())).sum()
    }

    /// What is paid for and unused over all hours, owned and proposed apart.
    pub fn waste(&self, origin: Origin) -> EffectiveCost {
        let uses = self.total().holdings;
        uses.iter().filter(|u| self.holdings[u.holding].origin == origin).map(|u| u.unused).sum()
    }
}

/// Splits a cost by weights that may be wide; all of it goes to the last part where every weight is zero.
fn split(cost: EffectiveCost, weights: &[u128]) -> Vec<EffectiveCost> {
    let mut divisor = weights.iter().fold(0, |a, &b| gcd(a, b)).max(1);
    while weights.iter().map(|w| w / divisor).sum::<u128>() > u128::from(u64::MAX) {
        divisor *= 2;
    }
    let small: Vec<u64> =
        weights.iter().map(|w| u64::try_from(w / divisor).expect("no more than their sum")).collect();
    let parts = by_largest_remainder(cost.money(), &small).unwrap_or_else(|| {
        let mut parts = vec![Money::ZERO; weights.len()];
        if let Some(last) = parts.last_mut() {
            *last = cost.money();
        }
        parts
    });
    parts.into_iter().map(EffectiveCost::new).collect()
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn times(amount: Money, count: u64) -> Money {
    amount.checked_mul(i128::from(count)).expect("no bill reaches 10^29")
}
