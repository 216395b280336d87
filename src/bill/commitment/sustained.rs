//! Google Cloud's sustained use discount on what commitments leave, month by month.
//!
//! Google adds up the vCPUs and memory of a series that run at the same time over the whole month, no
//! matter in which machines ("inferred instances"): the k-th unit of a series is discounted by the
//! share of the month in which at least k units run. Money at one series' rates stands for its units
//! here, so that the layers are those of the hourly cost that is left.

use std::collections::BTreeMap;

use super::charges::HourClass;
use crate::bill::sustained::SustainedUse;
use crate::bill::usage::{LineState, NodeUsage};
use crate::units::Money;

/// What the discount takes off each line in each month.
pub(super) fn discounts(usage: &NodeUsage<'_>, classes: &[HourClass], hours: &[u32]) -> Vec<Vec<Money>> {
    let lines = usage.lines();
    let mut families: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        if line.instance_type.sustained_use.is_some() && line.state != LineState::Spot {
            families.entry(&line.instance_type.family).or_default().push(index);
        }
    }
    let mut months = vec![vec![Money::ZERO; lines.len()]; usage.months().len()];
    if families.is_empty() {
        return months;
    }
    let mut first = 0;
    for (month, &length) in months.iter_mut().zip(usage.months()) {
        let mut counts = vec![0u64; classes.len()];
        for &class in &hours[first..first + length as usize] {
            counts[class as usize] += 1;
        }
        first += length as usize;
        for members in families.values() {
            month_of(usage, classes, &counts, u64::from(length), members, month);
        }
    }
    months
}

/// Discounts the lines of one series in one month.
fn month_of(
    usage: &NodeUsage<'_>,
    classes: &[HourClass],
    counts: &[u64],
    length: u64,
    members: &[usize],
    month: &mut [Money],
) {
    let in_use = |class: &HourClass| members.iter().map(|&l| class.on_demand[l].nanos()).sum::<i128>();
    let mut levels: Vec<(i128, u64)> =
        classes.iter().zip(counts).filter(|(_, n)| **n > 0).map(|(class, &n)| (in_use(class), n)).collect();
    levels.sort_unstable();
    let tiers = tiers(usage, members);
    let whole_month = tiers.earned(length, length);
    // The layer between two levels runs in all hours at or above the upper one. What it earns, as a
    // share of what its hours would earn if it ran the whole month.
    let (mut earned, mut full, mut below) = (0u128, 0u128, 0i128);
    let mut above: u64 = levels.iter().map(|(_, n)| n).sum();
    for (level, n) in levels {
        let layer = (level - below).unsigned_abs();
        earned += layer * tiers.earned(above, length) * u128::from(length);
        full += layer * whole_month * u128::from(above);
        below = level;
        above -= n;
    }
    if full == 0 {
        return;
    }
    // Both to 60 bits: a relative error below 10^-17, and none for a whole month.
    while full >= 1 << 60 {
        (earned, full) = (earned >> 1, full >> 1);
    }
    for &line in members {
        let t = usage.lines()[line].instance_type;
        let left =
            classes.iter().zip(counts).map(|(class, &n)| class.on_demand[line].nanos() * i128::from(n));
        let list = u128::from(t.on_demand.rate.nanos()).max(1);
        let listed = t.sustained_use.as_ref().map_or(list, |s| u128::from(s.rate.nanos()));
        let most = nearest(left.sum::<i128>().unsigned_abs() * list.saturating_sub(listed), list);
        let off = nearest(most * earned, full);
        month[line] = Money::from_nanos(i128::try_from(off).expect("no bill reaches 10^29"));
    }
}

/// `a / b`, rounded half up.
fn nearest(a: u128, b: u128) -> u128 {
    (a + b / 2) / b
}

/// The tiers whose discount for a whole month is nearer to the listed one: 30 % or 20 %.
fn tiers(usage: &NodeUsage<'_>, members: &[usize]) -> SustainedUse {
    let t = usage.lines()[members[0]].instance_type;
    let list = u128::from(t.on_demand.rate.nanos());
    let listed = t.sustained_use.as_ref().map_or(list, |s| u128::from(s.rate.nanos()));
    let off = list.saturating_sub(listed);
    if off * 4 > list { SustainedUse::THIRTY_PERCENT } else { SustainedUse::TWENTY_PERCENT }
}
