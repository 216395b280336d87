//! A plan of the relaxed problem as a start for the problem with every rule.
//!
//! The relaxed problem does not tell zones apart, or whatever else a restriction decides in advance: one
//! of its bin types stands for several that are equal but for what may lie on them, and so do its item
//! types. Its bins are dealt out over these one by one, each where what may lie nowhere else is most
//! wanted; what the rules then keep out is left out.

use std::collections::{BTreeMap, HashMap};

use crate::plan::{Pattern, Plan};
use crate::problem::{BinTypeId, ItemTypeId, Problem};
use crate::units::{Rate, Resources};

/// For each bin type of one problem those of the other that are equal but for what may lie on them.
pub(super) fn equal_bins(from: &Problem, to: &Problem) -> Vec<Vec<BinTypeId>> {
    let mut bins: HashMap<(&Resources, Rate), Vec<BinTypeId>> = HashMap::new();
    for id in to.bin_ids() {
        bins.entry((&to.bin(id).capacity, to.bin(id).rate)).or_default().push(id);
    }
    let equal = |id| bins.get(&(&from.bin(id).capacity, from.bin(id).rate)).cloned().unwrap_or_default();
    from.bin_ids().map(equal).collect()
}

/// As many of the plan's bins as have a counterpart, with what may lie on them. `places` names for each bin
/// type of the plan's problem those of `to` that it stands for, and `alike` does so for item types. Not
/// every item need be in the result, and what it has keeps the rules of `to`, but for its stock.
pub(super) fn lift(
    plan: &Plan,
    to: &Problem,
    places: &[Vec<BinTypeId>],
    mut alike: Vec<Vec<ItemTypeId>>,
) -> Plan {
    // What few bin types may hold comes first.
    let choices = |j: &ItemTypeId| to.item(*j).eligible.as_slice().iter().filter(|e| **e).count();
    for alike in &mut alike {
        alike.sort_by_key(|j| (choices(j), *j));
    }
    let mut left: Vec<u64> = to.items().iter().map(|item| item.copies).collect();
    let mut lifted = Plan::new();
    for (pattern, copies) in plan.bins() {
        let places = &places[pattern.bin_type().index()];
        let wanted: Vec<(&[ItemTypeId], u64)> =
            pattern.content().iter().map(|&(j, n)| (alike[j.index()].as_slice(), n)).collect();
        for _ in 0..copies {
            let best = places
                .iter()
                .map(|&place| (worth(to, &left, &wanted, place), place))
                .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            let Some((_, place)) = best else { break };
            let content = fill(to, &mut left, &wanted, place);
            if !content.is_empty() {
                lifted.add(Pattern::new(place, content), 1);
            }
        }
    }
    lifted
}

/// How much of what is wanted lies there, and how urgently: what is left of item types that few other
/// places may hold counts by how much of it there is.
fn worth(to: &Problem, left: &[u64], wanted: &[(&[ItemTypeId], u64)], place: BinTypeId) -> f64 {
    wanted
        .iter()
        .map(|&(alike, n)| {
            let all: u64 = alike.iter().map(|j| left[j.index()]).sum();
            let here: u64 =
                alike.iter().filter(|j| to.item(**j).eligible.contains(place)).map(|j| left[j.index()]).sum();
            here.min(n) as f64 + here as f64 / all.max(1) as f64
        })
        .sum()
}

/// Takes what is wanted and may lie there together.
fn fill(
    to: &Problem,
    left: &mut [u64],
    wanted: &[(&[ItemTypeId], u64)],
    place: BinTypeId,
) -> Vec<(ItemTypeId, u64)> {
    let mut present: BTreeMap<ItemTypeId, u64> = BTreeMap::new();
    // An item here may be several there, which lie together: what was wanted need not fit any more.
    let mut free: Vec<u64> = to.bin(place).capacity.as_slice().to_vec();
    for &(alike, n) in wanted {
        let mut missing = n;
        for &j in alike {
            let item = to.item(j);
            let beside = present.get(&j).copied().unwrap_or(0);
            let rule = item.max_per_bin.unwrap_or(u64::MAX).saturating_sub(beside);
            let room = item.demand.as_slice().iter().zip(&free).filter_map(|(d, f)| f.checked_div(*d)).min();
            let most = missing.min(left[j.index()]).min(rule).min(room.unwrap_or(u64::MAX));
            let refused =
                || present.keys().any(|&other| to.conflicts().contains(&(j.min(other), j.max(other))));
            if most == 0 || !item.eligible.contains(place) || refused() {
                continue;
            }
            left[j.index()] -= most;
            missing -= most;
            for (f, d) in free.iter_mut().zip(item.demand.as_slice()) {
                *f -= d * most;
            }
            *present.entry(j).or_default() += most;
        }
    }
    present.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{BinSet, BinType, ItemType};

    fn item(demand: u64, copies: u64, eligible: &[bool]) -> ItemType {
        let demand = [demand].into_iter().collect();
        ItemType { demand, copies, max_per_bin: None, eligible: BinSet::new(eligible.to_vec()) }
    }

    fn bin(capacity: u64, rate: u64) -> BinType {
        BinType { capacity: [capacity].into_iter().collect(), rate: Rate::from_nanos(rate), stock: None }
    }

    /// Two zones; of four pods of 3 one pair is tied to each. Two bins of two become one bin per zone,
    /// each with its own pair.
    #[test]
    fn bins_are_dealt_out_over_zones() {
        let relaxed =
            Problem::new(vec!["cpu".into()], vec![item(3, 4, &[true])], vec![bin(6, 7)], [], None).unwrap();
        let zones = vec![item(3, 2, &[true, false]), item(3, 2, &[false, true])];
        let full = Problem::new(vec!["cpu".into()], zones, vec![bin(6, 7), bin(6, 7)], [], None).unwrap();
        let mut plan = Plan::new();
        plan.add(Pattern::new(BinTypeId(0), [(ItemTypeId(0), 2)]), 2);
        let places = equal_bins(&relaxed, &full);
        let lifted = lift(&plan, &full, &places, vec![vec![ItemTypeId(0), ItemTypeId(1)]]);
        let want: Plan =
            [0, 1].map(|z| (Pattern::new(BinTypeId(z), [(ItemTypeId(z), 2)]), 1)).into_iter().collect();
        assert_eq!(lifted, want);
    }

    /// What conflicts in the full problem does not come together, and what has no counterpart is left out.
    #[test]
    fn rules_leave_things_out() {
        let relaxed = Problem::new(
            vec!["cpu".into()],
            vec![item(3, 1, &[true]), item(2, 1, &[true]), item(1, 1, &[true])],
            vec![bin(6, 7)],
            [],
            None,
        )
        .unwrap();
        let full = Problem::new(
            vec!["cpu".into()],
            vec![item(3, 1, &[true]), item(2, 1, &[true])],
            vec![bin(6, 7)],
            [(ItemTypeId(0), ItemTypeId(1))],
            None,
        )
        .unwrap();
        let mut plan = Plan::new();
        plan.add(Pattern::new(BinTypeId(0), [0, 1, 2].map(|j| (ItemTypeId(j), 1))), 1);
        let alike = vec![vec![ItemTypeId(0)], vec![ItemTypeId(1)], vec![]];
        let lifted = lift(&plan, &full, &equal_bins(&relaxed, &full), alike);
        let want: Plan = [(Pattern::new(BinTypeId(0), [(ItemTypeId(0), 1)]), 1)].into_iter().collect();
        assert_eq!(lifted, want);
    }
}
