//! Google Cloud's sustained use discount on what commitments leave, month by month.
//!
//! Google adds up the vCPUs and memory of a series that run at the same time over the whole month, no
//! matter in which machines ("inferred instances"): the k-th unit of a series is discounted by the
//! share of the month in which at least k units run. Money at one series' rates stands for its units
//! here, so that the layers are those of the hourly cost that is left.

use std::collections::BTreeMap;

use super::charges::HourClass;
use crate::bill::sustained::SustainedUse;
use crate::bill::usage::NodeUsage;
use crate::units::Money;

/// What the discount takes off each line in each month.
pub(super) fn discounts(usage: &NodeUsage<'_>, classes: &[HourClass], hours: &[u32]) -> Vec<Vec<Money>> {
    let lines = usage.lines();
    let mut families: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        if line.instance_type.sustained_use.is_some() {
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
    // The layer between two levels runs in all hours at or above the upper one.
    let (mut earned, mut full, mut below) = (0i128, 0i128, 0i128);
    let mut above: u64 = levels.iter().map(|(_, n)| n).sum();
    for (level, n) in levels {
        let layer = (level - below) * i128::from(above);
        earned += layer / 1_000 * tiers.share_of_full(above, length);
        full += layer / 1_000 * PARTS;
        below = level;
        above -= n;
    }
    if full == 0 {
        return;
    }
    let share = earned / (full / PARTS);
    for &line in members {
        let t = usage.lines()[line].instance_type;
        let left: i128 =
            classes.iter().zip(counts).map(|(class, &n)| class.on_demand[line].nanos() * i128::from(n)).sum();
        let list = i128::from(t.on_demand.rate.nanos());
        let off = t.sustained_use.as_ref().map_or(0, |s| list - i128::from(s.rate.nanos())).max(0);
        if list > 0 {
            // left / list first: an exact number of node hours where nothing is covered in part.
            let whole = (left / list) * off + (left % list) * off / list;
            month[line] = Money::from_nanos(whole / PARTS * share + whole % PARTS * share / PARTS);
        }
    }
}

/// A share of one, in parts.
const PARTS: i128 = 1_000_000_000;

/// How the discount grows with the share of the month.
struct Tiers(SustainedUse);

impl Tiers {
    /// The discount at a share of the month as a share of that of the whole month, in [`PARTS`].
    fn share_of_full(&self, used: u64, month: u64) -> i128 {
        match (self.0.discount(used, month), self.0.discount(month, month)) {
            (Some(now), Some(full)) if full.nanos() > 0 => now.nanos() * PARTS / full.nanos(),
            _ => 0,
        }
    }
}

/// The tiers whose discount for a whole month is nearer to the listed one: 30 % or 20 %.
fn tiers(usage: &NodeUsage<'_>, members: &[usize]) -> Tiers {
    let t = usage.lines()[members[0]].instance_type;
    let list = u128::from(t.on_demand.rate.nanos());
    let listed = t.sustained_use.as_ref().map_or(list, |s| u128::from(s.rate.nanos()));
    let off = list.saturating_sub(listed);
    Tiers(if off * 4 > list { SustainedUse::THIRTY_PERCENT } else { SustainedUse::TWENTY_PERCENT })
}
