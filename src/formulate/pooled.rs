//! The problem of a pooled plan: every workload whole in one pool, a pool being one instance type of one
//! node pool in any zone.
//!
//! It is the problem of the free plan with workloads told apart, and a grouping beside it. What a pooled
//! plan cannot undercut is what no plan can: its relaxed problem is that of the free plan.

use std::collections::BTreeMap;

use crate::catalog::Catalog;
use crate::policy::{DEFAULT_MAX_POOLS, Policy};
use crate::problem::{BinTypeId, ItemTypeId, PoolId, Pooling, Problem};
use crate::workload::WorkloadSet;

use super::{FormulateError, Formulation, Legend, Note, Relaxed, Restriction, RestrictionKind, made};

/// A problem with its grouping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooled {
    /// The problem, whose item types are told apart by workload.
    pub formulation: Formulation,
    /// Which item types lie together whole, and what is one pool.
    pub pooling: Pooling,
}

/// Makes the problem of the pooled plan. `free` is the formulation of the same input.
///
/// Workloads that must lie together are one group. Where no pool may hold all pods of a group, its item
/// types are groups of their own, and a note says so.
///
/// # Errors
/// As for [`super::formulate`].
pub fn pooled(
    set: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
    free: &Formulation,
) -> Result<Pooled, Vec<FormulateError>> {
    let mut formulation = made(set, catalog, policy, true)?;
    let (problem, legend) = (&formulation.problem, &formulation.legend);
    let mut pools: BTreeMap<(usize, usize), Vec<BinTypeId>> = BTreeMap::new();
    for (bin, node) in (0u32..).zip(&legend.nodes) {
        pools.entry((node.catalog_type, node.pool)).or_default().push(BinTypeId(bin));
    }
    let pools: Vec<Vec<BinTypeId>> = pools.into_values().collect();
    let whole = groups(problem, legend);
    let all = |groups: Vec<Vec<ItemTypeId>>, max_pools: u32| {
        Pooling::new(problem, groups, pools.clone(), max_pools).expect("items and bins are grouped once each")
    };
    let by_workload = all(whole.clone(), 1);
    let mut split = Vec::new();
    let mut groups: Vec<Vec<ItemTypeId>> = Vec::new();
    for group in whole {
        let somewhere = |p: u32| by_workload.may_hold(problem, PoolId(p), &group);
        if (0..pools.len() as u32).any(somewhere) {
            groups.push(group);
        } else {
            let workloads = group.iter().flat_map(|item| &legend.items[item.index()].workloads);
            split.extend(workloads.map(|&(w, _)| set.workloads[w].id.clone()));
            groups.extend(group.into_iter().map(|item| vec![item]));
        }
    }
    let most = policy.max_pools.unwrap_or_else(|| needed(problem, &groups, &pools).max(DEFAULT_MAX_POOLS));
    let pooling = all(groups, most.max(1));
    if !split.is_empty() {
        split.sort();
        split.dedup();
        formulation.notes.push(Note::InSeveralPools { workloads: split });
    }
    formulation.relaxed = Some(
        free.relaxed
            .clone()
            .unwrap_or_else(|| Relaxed { problem: free.problem.clone(), legend: free.legend.clone() }),
    );
    formulation.restrictions.push(Restriction { kind: RestrictionKind::Pooled, workloads: Vec::new() });
    Ok(Pooled { formulation, pooling })
}

/// Item types that share a workload, directly or over others.
fn groups(problem: &Problem, legend: &Legend) -> Vec<Vec<ItemTypeId>> {
    let mut leader: Vec<usize> = (0..problem.items().len()).collect();
    fn find(leader: &mut [usize], mut i: usize) -> usize {
        while leader[i] != i {
            leader[i] = leader[leader[i]];
            i = leader[i];
        }
        i
    }
    let mut first_of: BTreeMap<usize, usize> = BTreeMap::new();
    for (item, members) in legend.items.iter().enumerate() {
        for &(w, _) in &members.workloads {
            let other = *first_of.entry(w).or_insert(item);
            let (a, b) = (find(&mut leader, other), find(&mut leader, item));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut groups: BTreeMap<usize, Vec<ItemTypeId>> = BTreeMap::new();
    for id in problem.item_ids() {
        groups.entry(find(&mut leader, id.index())).or_default().push(id);
    }
    groups.into_values().collect()
}

/// Pools that a greedy cover of all groups takes.
fn needed(problem: &Problem, groups: &[Vec<ItemTypeId>], pools: &[Vec<BinTypeId>]) -> u32 {
    let may = |pool: &[BinTypeId], group: &[ItemTypeId]| {
        group.iter().all(|&item| pool.iter().any(|&bin| problem.copies_per_bin(item, bin) > 0))
    };
    let mut open: Vec<&Vec<ItemTypeId>> = groups.iter().collect();
    let mut count = 0;
    while !open.is_empty() {
        let covers = |pool: &Vec<BinTypeId>| open.iter().filter(|group| may(pool, group)).count();
        let Some(best) = pools.iter().max_by_key(|pool| covers(pool)).filter(|pool| covers(pool) > 0) else {
            break;
        };
        open.retain(|group| !may(best, group));
        count += 1;
    }
    count
}
