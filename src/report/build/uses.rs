//! What the money of a plan buys: room for pods, agents, headroom, the system, and what is left over.

use super::placed::{Parts, Placed};
use crate::bill::{EffectiveCost, ListCost, Ratio, by_largest_remainder};
use crate::report::view::{CostUse, CostUseRow, NodeGroupRow};
use crate::units::Money;

/// Every node's cost as its binding resource is used; what is free on a node on which no pod of any
/// workload fits any more is stranded. The rows sum to the nodes' cost, to the nano-unit.
pub(super) fn rows(placed: &Placed<'_>, nodes: &[NodeGroupRow]) -> Vec<CostUseRow> {
    let mut sums = CostUse::ALL.map(|used_for| (used_for, Money::ZERO, Money::ZERO));
    for (group, row) in placed.groups.iter().zip(nodes) {
        let weights = weights(&group.parts, group.room_left);
        let split = |cost| by_largest_remainder(cost, &weights).expect("some weight is above zero");
        let (list, effective) = (split(row.list_month.money()), split(row.effective_month.money()));
        for (sum, (list, effective)) in sums.iter_mut().zip(list.into_iter().zip(effective)) {
            sum.1 = sum.1 + list;
            sum.2 = sum.2 + effective;
        }
    }
    let total: Money = sums.iter().map(|sum| sum.2).sum();
    let row = |(used_for, list, effective)| CostUseRow {
        used_for,
        list_month: ListCost::new(list),
        effective_month: EffectiveCost::new(effective),
        share: Ratio::of_money(effective, total),
    };
    sums.into_iter().map(row).collect()
}

/// In the order of [`CostUse::ALL`]. A node without pods is kept free on purpose.
fn weights(parts: &Parts, room_left: bool) -> [u64; 6] {
    let &Parts { demand, daemon_sets, headroom, system, free } = parts;
    let (idle, stranded) = if room_left { (free, 0) } else { (0, free) };
    let weights = [demand, daemon_sets, headroom, system, idle, stranded];
    if weights.iter().all(|&weight| weight == 0) { [0, 0, 1, 0, 0, 0] } else { weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_idle_or_stranded() {
        let parts = Parts { demand: 5, daemon_sets: 1, headroom: 2, system: 3, free: 4 };
        assert_eq!(weights(&parts, true), [5, 1, 2, 3, 4, 0]);
        assert_eq!(weights(&parts, false), [5, 1, 2, 3, 0, 4]);
        assert_eq!(weights(&Parts::default(), false), [0, 0, 1, 0, 0, 0], "a spare node");
    }
}
