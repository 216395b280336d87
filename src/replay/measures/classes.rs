//! PriorityClasses by size: which pods go before which, and where sizes are cut.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::PriorityClass;
use crate::replay::cluster::{Cluster, Rules};
use crate::units::ResourceName;

/// Distance between the values of two classes.
const CLASS_STEP: i32 = 10;

/// How sizes are cut into classes. Neither is better everywhere, so both are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Into parts of about as much demand.
    Demand,
    /// Into steps of size of about the same height.
    Size,
}

/// Which pods go before which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// Larger ones.
    Size,
    /// Those that a rule binds to nodes, zones or other pods, then the others; larger ones of either: what
    /// few nodes suit finds these taken otherwise.
    Rules,
}

/// How pods are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ranking {
    pub lead: Lead,
    cut: Cut,
}

impl Ranking {
    pub(super) fn worth_a_try(cluster: &Cluster) -> impl Iterator<Item = Ranking> {
        let of = |lead| [Cut::Demand, Cut::Size].map(|cut| Ranking { lead, cut });
        let any = cluster.workloads.iter().any(|w| is_bound(&w.rules));
        of(Lead::Size).into_iter().chain(any.then(|| of(Lead::Rules)).into_iter().flatten())
    }
}

/// Whether fewer nodes suit a pod the more pods there are.
fn is_bound(rules: &Rules) -> bool {
    rules.max_per_node.is_some()
        || rules.zones.is_some()
        || [&rules.apart_on_node, &rules.apart_in_zone].iter().any(|list| !list.is_empty())
        || [&rules.near_on_node, &rules.near_in_zone].iter().any(|list| !list.is_empty())
        || !rules.spread.is_empty()
}

/// A workload that a class may be given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sized {
    /// Whether it comes after all that are bound by rules.
    after: bool,
    /// The largest share that one of its pods has of what all of them together request.
    size: Reverse<u128>,
    workload: usize,
}

/// Sizes are shares in units of 10^-12.
const WHOLE: u128 = 1_000_000_000_000;

/// Workloads that a class may be given to, largest first, by pool where pods are pinned to pools.
fn by_size(cluster: &Cluster, lead: Lead, split: bool) -> Vec<Vec<Sized>> {
    let mut groups: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (w, workload) in cluster.workloads.iter().enumerate() {
        if workload.priority == 0 && workload.pods > 0 {
            let pool = workload.planned.first().map(|&(pool, _)| pool);
            groups.entry(if split { pool } else { None }).or_default().push(w);
        }
    }
    let group = |members: Vec<usize>| {
        // The share of a node told sizes apart less well in the measurements.
        let mut totals = vec![0u128; cluster.resources.len()];
        for &w in &members {
            let workload = &cluster.workloads[w];
            for (total, &amount) in totals.iter_mut().zip(&workload.requests) {
                *total += u128::from(amount) * u128::from(workload.pods);
            }
        }
        let size = |w: usize| {
            let shares = cluster.workloads[w].requests.iter().zip(&totals).zip(&cluster.resources);
            let counted = shares.filter(|&((_, &total), name)| total > 0 && *name != ResourceName::Pods);
            counted.map(|((&amount, &total), _)| u128::from(amount) * WHOLE / total).max().unwrap_or(0)
        };
        let after = |w: usize| lead == Lead::Rules && !is_bound(&cluster.workloads[w].rules);
        let sized = members.into_iter().map(|workload| Sized {
            after: after(workload),
            size: Reverse(size(workload)),
            workload,
        });
        let mut sized: Vec<Sized> = sized.collect();
        sized.sort();
        sized
    };
    groups.into_values().map(group).collect()
}

/// The most classes that differ: one size of each pool stays without.
pub(super) fn distinct_sizes(cluster: &Cluster, lead: Lead, split: bool) -> usize {
    let groups = by_size(cluster, lead, split);
    groups.iter().map(|sized| sized.chunk_by(alike).count() - 1).max().unwrap_or(0)
}

fn alike(a: &Sized, b: &Sized) -> bool {
    (a.after, a.size) == (b.after, b.size)
}

/// Up to so many classes: with the pods of none they cut every group into one part more.
pub(super) fn classes(cluster: &Cluster, count: usize, by: Ranking, split: bool) -> Vec<PriorityClass> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for sized in by_size(cluster, by.lead, split) {
        let demand = |part: &[Sized]| -> u128 {
            part.iter().map(|s| s.size.0 * u128::from(cluster.workloads[s.workload].pods)).sum()
        };
        let whole = demand(&sized);
        // The smallest stay without a class, and a group of one size needs none.
        let sizes = sized.chunk_by(alike).count();
        let last = count.min(sizes.saturating_sub(1));
        let sizes_of = || sized.iter().map(|s| s.size.0);
        let (Some(largest), Some(smallest)) = (sizes_of().max(), sizes_of().min()) else { continue };
        let range = largest - smallest;
        // Those that come after have steps of their own.
        let ranges = if by.lead == Lead::Rules { 2 } else { 1 };
        let mut seen = 0;
        // Workloads of one size stay together.
        for equal in sized.chunk_by(alike) {
            let (above, of) = match by.cut {
                Cut::Demand => (seen, whole),
                Cut::Size => {
                    let before = if equal[0].after { range } else { 0 };
                    (before + largest - equal[0].size.0, ranges * range)
                }
            };
            let part = (above * (last as u128 + 1)).checked_div(of).unwrap_or(0) as usize;
            if part < last {
                members[part].extend(equal.iter().map(|s| s.workload));
            }
            seen += demand(equal);
        }
    }
    members.retain(|workloads| !workloads.is_empty());
    let count = members.len();
    let class = |(rank, mut workloads): (usize, Vec<usize>)| {
        workloads.sort_unstable();
        PriorityClass {
            name: format!("size-{:02}", rank + 1),
            value: CLASS_STEP * i32::try_from(count - rank).expect("classes are few"),
            workloads,
        }
    };
    members.into_iter().enumerate().map(class).collect()
}

pub(super) fn prioritised(cluster: &Cluster, classes: &[PriorityClass]) -> Cluster {
    let mut cluster = cluster.clone();
    for class in classes {
        class.workloads.iter().for_each(|&w| cluster.workloads[w].priority = class.value);
    }
    cluster
}
