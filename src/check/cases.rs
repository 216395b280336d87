//! What a pattern is worth at most, by cases that together leave none out.
//!
//! In each case item types have between l_j and u_j copies. With F the room that the least copies
//! leave, a pattern of the case is worth at most
//! `floor(sum l_j pi_j + lambda . F + sum (u_j - l_j) max(0, pi_j - lambda . w_j))`
//! for any resource prices lambda >= 0: the copies beyond the least fit into F.

use std::collections::BTreeMap;

use super::value::Items;
use crate::plan::ValueStep;
use crate::problem::{BinTypeId, ItemTypeId};

/// Why a list of cases proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The steps are no tree, or name item types wrongly.
    Form,
    /// Not one resource price per dimension, or a denominator of zero.
    Prices,
    /// Numbers beyond 128 bits.
    Overflow,
}

/// Item types that splits count together.
struct Group {
    demand: Vec<u64>,
    /// The dearest member's price.
    price: u64,
    most: u64,
    /// The only member, where there is one.
    alone: Option<ItemTypeId>,
}

/// Least and most copies of each group.
type Range = Vec<(u64, u64)>;

struct Cases<'a> {
    items: &'a Items<'a>,
    t: BinTypeId,
    prices: &'a [u64],
    denominator: u64,
    groups: Vec<Group>,
    group_of: BTreeMap<ItemTypeId, usize>,
}

/// The most that a pattern of bin type `t` is worth in any of the cases.
pub(super) fn value(
    items: &Items<'_>,
    t: BinTypeId,
    prices: &[u64],
    denominator: u64,
    steps: &[ValueStep],
) -> Result<u128, Flaw> {
    if denominator == 0 {
        return Err(Flaw::Prices);
    }
    let mut cases = Cases { items, t, prices, denominator, groups: Vec::new(), group_of: BTreeMap::new() };
    // Groups are the same in all splits, or have nothing in common.
    let mut split_at: Vec<usize> = Vec::new();
    for step in steps {
        if let ValueStep::Split { items, .. } = step {
            split_at.push(cases.group(items)?);
        }
    }
    let mut split_at = split_at.into_iter();
    let mut open: Vec<Range> = vec![cases.groups.iter().map(|g| (0, g.most)).collect()];
    let mut most = 0;
    for step in steps {
        let range = open.pop().ok_or(Flaw::Form)?;
        match step {
            ValueStep::Split { copies, .. } => {
                let g = split_at.next().ok_or(Flaw::Form)?;
                let (mut below, mut above) = (range.clone(), range);
                below[g].1 = below[g].1.min(*copies);
                above[g].0 = above[g].0.max(copies.checked_add(1).ok_or(Flaw::Form)?);
                open.push(above);
                open.push(below);
            }
            ValueStep::Prices { numerators } => {
                if numerators.len() != items.problem.dimensions().len() {
                    return Err(Flaw::Prices);
                }
                most = most.max(cases.bound(range, numerators).ok_or(Flaw::Overflow)?);
            }
        }
    }
    if open.is_empty() { Ok(most) } else { Err(Flaw::Form) }
}

impl Cases<'_> {
    /// The group of exactly these item types.
    fn group(&mut self, members: &[u32]) -> Result<usize, Flaw> {
        let problem = self.items.problem;
        let members: Vec<ItemTypeId> = members.iter().map(|&j| ItemTypeId(j)).collect();
        let first = *members.first().ok_or(Flaw::Form)?;
        if members.iter().any(|j| j.index() >= problem.items().len()) {
            return Err(Flaw::Form);
        }
        if let Some(&known) = self.group_of.get(&first) {
            let same = members.iter().all(|j| self.group_of.get(j) == Some(&known))
                && self.group_of.values().filter(|&&g| g == known).count() == members.len();
            let mut distinct = members.clone();
            distinct.sort_unstable();
            distinct.dedup();
            return if same && distinct.len() == members.len() { Ok(known) } else { Err(Flaw::Form) };
        }
        let demand = problem.item(first).demand.as_slice();
        let group = self.groups.len();
        let mut most = 0u64;
        let mut price = 0;
        for &j in &members {
            if problem.item(j).demand.as_slice() != demand || self.group_of.insert(j, group).is_some() {
                return Err(Flaw::Form);
            }
            most = most.saturating_add(self.items.most(j, self.t));
            price = price.max(self.prices[j.index()]);
        }
        self.groups.push(Group {
            demand: demand.to_vec(),
            price,
            most: most.min(self.items.room(demand, self.t)),
            alone: (members.len() == 1).then_some(first),
        });
        Ok(group)
    }

    /// The formula for one case; zero where no pattern belongs to it, `None` past 128 bits.
    fn bound(&self, mut range: Range, numerators: &[u64]) -> Option<u128> {
        let mut free = self.items.usable(self.t).to_vec();
        let mut barred: Vec<ItemTypeId> = Vec::new();
        for (group, &(least, _)) in self.groups.iter().zip(&range) {
            if least == 0 {
                continue;
            }
            for (free, &d) in free.iter_mut().zip(&group.demand) {
                let Some(rest) = d.checked_mul(least).and_then(|taken| free.checked_sub(taken)) else {
                    return Some(0);
                };
                *free = rest;
            }
            let others = group.alone.and_then(|j| self.items.conflicts.get(&j));
            barred.extend(others.into_iter().flatten());
        }
        for j in &barred {
            if let Some(&g) = self.group_of.get(j)
                && self.groups[g].alone.is_some()
            {
                range[g].1 = 0;
            }
        }
        if range.iter().any(|(least, most)| least > most) {
            return Some(0);
        }
        let fitting = |demand: &[u64]| {
            demand.iter().zip(&free).filter(|(d, _)| **d > 0).map(|(d, f)| f / d).min().unwrap_or(u64::MAX)
        };
        let d = u128::from(self.denominator);
        let dot = |amounts: &[u64]| {
            numerators
                .iter()
                .zip(amounts)
                .try_fold(0u128, |sum, (&n, &a)| sum.checked_add(u128::from(n) * u128::from(a)))
        };
        // What a copy adds beyond the resources that it takes; those past 128 bits outweigh any copy.
        let gain = |price: u64, demand: &[u64]| {
            dot(demand).map_or(0, |used| (u128::from(price) * d).saturating_sub(used))
        };
        let mut total = dot(&free)?;
        for (group, &(least, most)) in self.groups.iter().zip(&range) {
            let more = (most - least).min(fitting(&group.demand));
            let given = (u128::from(group.price) * d).checked_mul(least.into())?;
            total = total.checked_add(given)?;
            total = total.checked_add(gain(group.price, &group.demand).checked_mul(more.into())?)?;
        }
        for alike in self.items.alike() {
            let demand = self.items.problem.item(alike[0]).demand.as_slice();
            let mut room = fitting(demand);
            let mut offers: Vec<(u64, u64)> = alike
                .iter()
                .filter(|j| !self.group_of.contains_key(j) && !barred.contains(j))
                .map(|&j| (self.prices[j.index()], self.items.most(j, self.t)))
                .filter(|&(price, most)| price > 0 && most > 0)
                .collect();
            offers.sort_unstable_by(|a, b| b.cmp(a));
            for (price, most) in offers {
                let copies = most.min(room);
                room -= copies;
                total = total.checked_add(gain(price, demand).checked_mul(copies.into())?)?;
            }
        }
        Some(total / d)
    }
}
