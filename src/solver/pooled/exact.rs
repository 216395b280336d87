//! Few groups and pools: every set of groups is packed in every pool, and the cheapest partition chosen.

use std::collections::BTreeMap;

use super::model::Model;

/// The most groups, and the most sets packed.
const MOST_GROUPS: usize = 8;
const MOST_SETS: usize = 1_500;

/// Whether there are few enough.
pub(super) fn few(model: &Model<'_>) -> bool {
    model.groups() <= MOST_GROUPS && model.candidates.len() << model.groups() <= MOST_SETS
}

/// Every candidate with every set of groups that it may hold.
pub(super) fn sets(model: &Model<'_>) -> Vec<(usize, Vec<u32>)> {
    let mut all = Vec::new();
    for c in 0..model.candidates.len() {
        for set in 1..1usize << model.groups() {
            let groups: Vec<u32> = members(model, set);
            if groups.iter().all(|&g| model.may(c, g as usize)) {
                all.push((c, groups));
            }
        }
    }
    all
}

fn members(model: &Model<'_>, set: usize) -> Vec<u32> {
    (0..model.groups() as u32).filter(|g| set >> g & 1 == 1).collect()
}

/// The cheapest assignment of all groups within the caps on pools and bin types, by what sets cost.
pub(super) fn cheapest(
    model: &Model<'_>,
    cost: impl Fn(usize, &Vec<u32>) -> Option<i128>,
    most: usize,
    most_bin_types: usize,
) -> Option<Vec<usize>> {
    /// Groups placed, pools and bin types used.
    type Reached = (usize, usize, usize);
    let all = (1usize << model.groups()) - 1;
    let mut best: BTreeMap<Reached, (i128, Vec<usize>)> =
        BTreeMap::from([((0, 0, 0), (0, vec![usize::MAX; model.groups()]))]);
    for c in 0..model.candidates.len() {
        let types = model.candidates[c].bins.len();
        let costs: Vec<Option<i128>> = (0..=all).map(|set| cost(c, &members(model, set))).collect();
        for ((placed, pools, used), (so_far, assignment)) in best.clone() {
            if pools == most || used + types > most_bin_types {
                continue;
            }
            let open = all & !placed;
            let mut set = open;
            while set > 0 {
                if let Some(more) = costs[set] {
                    let reached = (placed | set, pools + 1, used + types);
                    let sum = so_far + more;
                    if best.get(&reached).is_none_or(|(known, _)| sum < *known) {
                        let mut next = assignment.clone();
                        members(model, set).iter().for_each(|&g| next[g as usize] = c);
                        best.insert(reached, (sum, next));
                    }
                }
                set = (set - 1) & open;
            }
        }
    }
    let complete = best.into_iter().filter(|((placed, _, _), _)| *placed == all);
    complete.map(|(_, found)| found).min_by_key(|(cost, _)| *cost).map(|(_, assignment)| assignment)
}
