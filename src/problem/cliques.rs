//! Item types of which a bin holds one copy at most, whichever it is: as a dimension of capacity one.
//!
//! Conflicts and caps per bin are rules that no sum over resources knows. Where all of a set of item
//! types refuse each other and themselves, they are the same as one more resource of which each copy
//! takes all that a bin has, and everything that works on resources then works on them.

use super::{ItemType, ItemTypeId, Problem};

impl Problem {
    /// Whether a bin holds at most one copy of these item types together: each refuses itself
    /// (`max_per_bin` is one) and every other.
    pub fn is_clique(&self, members: &[ItemTypeId]) -> bool {
        members.iter().enumerate().all(|(i, &a)| {
            a.index() < self.items.len()
                && self.item(a).max_per_bin == Some(1)
                && members[..i].iter().all(|&b| self.conflicts.contains(&(a.min(b), a.max(b))))
        })
    }

    /// The same problem, in which a further dimension stands for each clique and no conflict for what
    /// these say already. Item and bin types keep their numbers, and the same plans are valid. `None` if
    /// one of the sets is no clique.
    pub fn with_cliques(&self, cliques: &[Vec<ItemTypeId>]) -> Option<Problem> {
        if !cliques.iter().all(|members| self.is_clique(members)) {
            return None;
        }
        let mut member = vec![vec![0u64; cliques.len()]; self.items.len()];
        for (k, clique) in cliques.iter().enumerate() {
            for j in clique {
                member[j.index()][k] = 1;
            }
        }
        let together = |a: ItemTypeId, b: ItemTypeId| {
            member[a.index()].iter().zip(&member[b.index()]).any(|(a, b)| a + b == 2)
        };
        let wider = |amounts: &[u64], more: &[u64]| amounts.iter().chain(more).copied().collect();
        let one_each = vec![1; cliques.len()];
        Some(Problem {
            dimensions: self
                .dimensions
                .iter()
                .cloned()
                .chain((1..=cliques.len()).map(|k| format!("clique {k}")))
                .collect(),
            items: self
                .items
                .iter()
                .zip(&member)
                .map(|(item, more)| ItemType { demand: wider(item.demand.as_slice(), more), ..item.clone() })
                .collect(),
            bins: self
                .bins
                .iter()
                .map(|bin| super::BinType {
                    capacity: wider(bin.capacity.as_slice(), &one_each),
                    ..bin.clone()
                })
                .collect(),
            conflicts: self.conflicts.iter().copied().filter(|&(a, b)| !together(a, b)).collect(),
            max_bin_types: self.max_bin_types,
            bin_limits: self.bin_limits.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{BinSet, BinType};
    use crate::units::Rate;

    fn three() -> Problem {
        let item = |max_per_bin| ItemType {
            demand: [2].into_iter().collect(),
            copies: 5,
            max_per_bin,
            eligible: BinSet::all(1),
        };
        let bin = BinType { capacity: [9].into_iter().collect(), rate: Rate::from_nanos(1), stock: None };
        let pairs = [(0, 1), (1, 2), (0, 2)].map(|(a, b)| (ItemTypeId(a), ItemTypeId(b)));
        Problem::new(
            vec!["cpu".into()],
            vec![item(Some(1)), item(Some(1)), item(None)],
            vec![bin],
            pairs,
            None,
        )
        .unwrap()
    }

    /// Item types 0 and 1 refuse themselves and each other; 2 refuses both but stacks.
    #[test]
    fn a_clique_becomes_a_dimension_and_its_conflict_goes() {
        let problem = three();
        let pair = vec![ItemTypeId(0), ItemTypeId(1)];
        let wider = problem.with_cliques(std::slice::from_ref(&pair)).unwrap();
        assert_eq!(wider.dimensions().len(), 2);
        assert_eq!(wider.item(ItemTypeId(0)).demand.as_slice(), [2, 1]);
        assert_eq!(wider.item(ItemTypeId(2)).demand.as_slice(), [2, 0]);
        assert_eq!(wider.bins()[0].capacity.as_slice(), [9, 1]);
        assert_eq!(wider.conflicts().len(), 2);
    }

    #[test]
    fn what_stacks_or_shares_a_bin_is_no_clique() {
        let problem = three();
        assert!(problem.with_cliques(&[vec![ItemTypeId(0), ItemTypeId(2)]]).is_none());
        assert!(problem.with_cliques(&[vec![ItemTypeId(7)]]).is_none());
        let mut free = problem.clone();
        free.conflicts.clear();
        assert!(!free.is_clique(&[ItemTypeId(0), ItemTypeId(1)]));
    }
}
