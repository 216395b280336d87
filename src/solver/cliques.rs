//! Sets of item types that all refuse each other and themselves, found in the conflicts of a problem.
//!
//! Greedily: from the item type with most copies in conflicts not yet accounted for, whatever conflicts
//! with all chosen so far joins, most copies first.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{ItemTypeId, Problem};

/// Each clique is a dimension more in all that follows; past these the conflicts stay conflicts.
const MOST: usize = 8;

/// Cliques of two members and more, those with most copies first.
pub(super) fn find(problem: &Problem) -> Vec<Vec<ItemTypeId>> {
    let alone = |j: ItemTypeId| problem.item(j).max_per_bin == Some(1);
    let mut neighbours: BTreeMap<ItemTypeId, BTreeSet<ItemTypeId>> = BTreeMap::new();
    for &(a, b) in problem.conflicts().iter().filter(|&&(a, b)| alone(a) && alone(b)) {
        neighbours.entry(a).or_default().insert(b);
        neighbours.entry(b).or_default().insert(a);
    }
    let copies = |j: &ItemTypeId| problem.item(*j).copies;
    let mut uncovered = neighbours.clone();
    let mut cliques = Vec::new();
    while cliques.len() < MOST {
        let pull = |others: &BTreeSet<ItemTypeId>| others.iter().map(|j| u128::from(copies(j))).sum::<u128>();
        let Some(first) = uncovered
            .iter()
            .filter(|(_, others)| !others.is_empty())
            .max_by_key(|&(j, others)| (pull(others), std::cmp::Reverse(*j)))
            .map(|(j, _)| *j)
        else {
            break;
        };
        // What is not yet accounted for joins before what is.
        let mut may: Vec<ItemTypeId> = neighbours[&first].iter().copied().collect();
        may.sort_by_key(|j| (!uncovered[&first].contains(j), std::cmp::Reverse(copies(j)), *j));
        let mut clique = vec![first];
        for j in may {
            if clique.iter().all(|i| neighbours[i].contains(&j)) {
                clique.push(j);
            }
        }
        for &a in &clique {
            if let Some(open) = uncovered.get_mut(&a) {
                open.retain(|b| !clique.contains(b));
            }
        }
        clique.sort_unstable();
        cliques.push(clique);
    }
    cliques
}
