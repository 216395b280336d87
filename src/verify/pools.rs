//! Whether a plan keeps to pools: each group whole in one of them, and not too many of them.

use std::collections::BTreeSet;

use super::Violation;
use crate::plan::Plan;
use crate::problem::{PoolId, Pooling};

/// Checks that a plan is pooled; that it is a plan of the problem, [`super::verify`] says.
///
/// # Errors
/// Every group that is split, in the pooling's order, and too many pools.
pub fn verify_pools(pooling: &Pooling, plan: &Plan) -> Result<(), Vec<Violation>> {
    let mut group_of = vec![None; pooling.groups().iter().map(Vec::len).sum()];
    for (group, items) in pooling.groups().iter().enumerate() {
        for item in items {
            group_of[item.index()] = Some(group);
        }
    }
    let mut lies_in: Vec<BTreeSet<Option<PoolId>>> = vec![BTreeSet::new(); pooling.groups().len()];
    let mut used: BTreeSet<PoolId> = BTreeSet::new();
    for (pattern, _) in plan.bins() {
        let pool = pooling.pool_of(pattern.bin_type());
        used.extend(pool);
        for &(item, _) in pattern.content() {
            if let Some(&Some(group)) = group_of.get(item.index()) {
                lies_in[group].insert(pool);
            }
        }
    }
    let whole = |pools: &BTreeSet<Option<PoolId>>| pools.len() <= 1 && !pools.contains(&None);
    let mut violations: Vec<Violation> = lies_in
        .into_iter()
        .enumerate()
        .filter(|(_, pools)| !whole(pools))
        .map(|(group, pools)| Violation::Split { group, pools: pools.into_iter().collect() })
        .collect();
    let limit = pooling.max_pools();
    if used.len() > limit as usize {
        violations.push(Violation::Pools { used: used.len(), limit });
    }
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Pattern;
    use crate::problem::{BinSet, BinType, BinTypeId, ItemType, ItemTypeId, Problem};
    use crate::units::Rate;

    /// Two groups, of two item types and of one; two pools, of two bin types and of one.
    fn pooling(max_pools: u32) -> Pooling {
        let item = || ItemType {
            demand: [1].into_iter().collect(),
            copies: 2,
            max_per_bin: None,
            eligible: BinSet::all(3),
        };
        let bin = || BinType { capacity: [4].into_iter().collect(), rate: Rate::from_nanos(1), stock: None };
        let problem = Problem::new(
            vec!["cpu".into()],
            vec![item(), item(), item()],
            vec![bin(), bin(), bin()],
            [],
            None,
        )
        .unwrap();
        let groups = vec![vec![ItemTypeId(0), ItemTypeId(2)], vec![ItemTypeId(1)]];
        let pools = vec![vec![BinTypeId(0), BinTypeId(1)], vec![BinTypeId(2)]];
        Pooling::new(&problem, groups, pools, max_pools).unwrap()
    }

    fn plan(bins: &[(u32, &[u32])]) -> Plan {
        bins.iter()
            .map(|&(bin, items)| (Pattern::new(BinTypeId(bin), items.iter().map(|&i| (ItemTypeId(i), 2))), 1))
            .collect()
    }

    #[test]
    fn a_group_may_lie_on_several_bin_types_of_one_pool() {
        assert_eq!(verify_pools(&pooling(2), &plan(&[(0, &[0]), (1, &[2]), (2, &[1])])), Ok(()));
    }

    #[test]
    fn a_group_in_two_pools_is_refused() {
        let found = verify_pools(&pooling(2), &plan(&[(0, &[0, 1]), (2, &[2])])).unwrap_err();
        let pools = vec![Some(PoolId(0)), Some(PoolId(1))];
        assert_eq!(found, [Violation::Split { group: 0, pools }]);
    }

    #[test]
    fn too_many_pools_are_refused() {
        let found = verify_pools(&pooling(1), &plan(&[(0, &[0, 2]), (2, &[1])])).unwrap_err();
        assert_eq!(found, [Violation::Pools { used: 2, limit: 1 }]);
    }
}
