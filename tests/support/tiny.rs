//! Tiny random problems with every feature, and their true optimum by brute force.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::HashMap;

use fastrand::Rng;
use plimsoll::problem::{BinSet, BinType, BinTypeId, ItemType, ItemTypeId, Problem};
use plimsoll::units::Rate;

/// A problem of up to eight copies and three bin types.
pub fn problem(rng: &mut Rng) -> Problem {
    let dimensions = rng.usize(1..4);
    let bin_count = rng.usize(1..4);
    let size = rng.u64(4..15);
    let bins: Vec<BinType> = (0..bin_count)
        .map(|_| {
            let capacity: Vec<u64> = (0..dimensions).map(|_| rng.u64(size / 2..2 * size)).collect();
            // Prices about in proportion to size, sometimes free, often with a common divisor.
            let fair = capacity.iter().sum::<u64>() * rng.u64(5..15);
            let rate = match rng.u8(0..12) {
                0 => 0,
                1..=5 => fair / 10 * 10,
                _ => fair,
            };
            let stock = (rng.u8(0..4) == 0).then(|| rng.u64(0..4));
            BinType { capacity: capacity.into_iter().collect(), rate: Rate::from_nanos(rate), stock }
        })
        .collect();
    let mut copies_left = rng.u64(1..9);
    let mut items: Vec<ItemType> = Vec::new();
    while copies_left > 0 {
        let copies = rng.u64(1..=copies_left);
        copies_left -= copies;
        // Now and then the shape of an earlier item, so that there is something to merge.
        let demand = match items.last() {
            Some(last) if rng.u8(0..5) == 0 => last.demand.clone(),
            _ => (0..dimensions).map(|_| if rng.u8(0..6) == 0 { 0 } else { rng.u64(1..=size) }).collect(),
        };
        let max_per_bin = (rng.u8(0..4) == 0).then(|| rng.u64(1..4));
        let eligible = if rng.u8(0..4) == 0 {
            BinSet::new((0..bin_count).map(|_| rng.u8(0..3) > 0).collect())
        } else {
            BinSet::all(bin_count)
        };
        items.push(ItemType { demand, copies, max_per_bin, eligible });
    }
    let count = items.len();
    let mut conflicts = Vec::new();
    if rng.u8(0..3) == 0 {
        for a in 0..count as u32 {
            for b in a + 1..count as u32 {
                if rng.u8(0..3) == 0 {
                    conflicts.push((ItemTypeId(a), ItemTypeId(b)));
                }
            }
        }
    }
    let max_bin_types = (rng.u8(0..5) == 0).then(|| rng.u32(1..3));
    let names = (0..dimensions).map(|k| format!("d{k}")).collect();
    Problem::new(names, items, bins, conflicts, max_bin_types).expect("the parts agree")
}

/// A tiny problem with less usual numbers: real magnitudes, idle dimensions, items that take nothing,
/// equal bins at equal prices, no bin type without stock, dense conflicts.
pub fn unusual_problem(rng: &mut Rng) -> Problem {
    let dimensions = rng.usize(0..5);
    let bin_count = rng.usize(1..4);
    // From whole units to bytes of memory; the jitter spoils common divisors.
    let unit = 1u64 << [0, 10, 30, 50][rng.usize(..4)];
    let amount = |rng: &mut Rng, most: u64| {
        let jitter = if rng.bool() { rng.u64(0..unit) / 8 } else { 0 };
        rng.u64(0..=most) * unit + jitter
    };
    let everything_stocked = rng.u8(0..4) == 0;
    let mut bins: Vec<BinType> = Vec::new();
    for _ in 0..bin_count {
        let twin = bins.last().filter(|_| rng.u8(0..4) == 0).cloned();
        let bin = twin.unwrap_or_else(|| BinType {
            capacity: (0..dimensions).map(|_| amount(rng, 12)).collect(),
            rate: Rate::from_nanos(match rng.u8(0..4) {
                0 => rng.u64(0..3),
                1 => 1_000_000_000,
                _ => rng.u64(1..40_000_000_000),
            }),
            stock: None,
        });
        let stock = (everything_stocked || rng.u8(0..4) == 0).then(|| rng.u64(0..5));
        bins.push(BinType { stock, ..bin });
    }
    let mut copies_left = rng.u64(1..9);
    let mut items: Vec<ItemType> = Vec::new();
    while copies_left > 0 {
        let copies = rng.u64(1..=copies_left);
        copies_left -= copies;
        let demand = match items.last() {
            Some(last) if rng.u8(0..4) == 0 => last.demand.clone(),
            _ if rng.u8(0..5) == 0 => vec![0; dimensions].into_iter().collect(),
            _ => (0..dimensions).map(|_| if rng.u8(0..3) == 0 { 0 } else { amount(rng, 6) }).collect(),
        };
        let eligible = BinSet::new((0..bin_count).map(|_| rng.u8(0..6) > 0).collect());
        let max_per_bin = (rng.u8(0..3) == 0).then(|| rng.u64(1..4));
        items.push(ItemType { demand, copies, max_per_bin, eligible });
    }
    let dense = rng.u8(0..3) == 0;
    let count = items.len() as u32;
    let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| (ItemTypeId(a), ItemTypeId(b))));
    let conflicts: Vec<_> = pairs.filter(|_| dense && rng.u8(0..3) > 0).collect();
    let max_bin_types = (rng.u8(0..5) == 0).then(|| rng.u32(1..3));
    let names = (0..dimensions).map(|k| format!("d{k}")).collect();
    Problem::new(names, items, bins, conflicts, max_bin_types).expect("the parts agree")
}

/// Everything one bin of some type may hold, as counts by item type; not the empty bin.
pub fn patterns(problem: &Problem, t: BinTypeId) -> Vec<Vec<u64>> {
    fn extend(problem: &Problem, t: BinTypeId, content: &mut Vec<u64>, all: &mut Vec<Vec<u64>>) {
        let j = content.len();
        if j == problem.items().len() {
            if content.iter().any(|&n| n > 0) {
                all.push(content.clone());
            }
            return;
        }
        for n in 0..=problem.items()[j].copies {
            content.push(n);
            if !holds(problem, t, content) {
                content.pop();
                break;
            }
            extend(problem, t, content, all);
            content.pop();
        }
    }
    let mut all = Vec::new();
    extend(problem, t, &mut Vec::new(), &mut all);
    all
}

/// Whether a bin of type `t` may hold these counts of the first item types.
pub fn holds(problem: &Problem, t: BinTypeId, content: &[u64]) -> bool {
    let present = |j: usize| content.get(j).is_some_and(|&n| n > 0);
    let capacity = &problem.bin(t).capacity;
    let fits = (0..problem.dimensions().len()).all(|k| {
        let used: u128 =
            content.iter().zip(problem.items()).map(|(&n, i)| u128::from(n) * u128::from(i.demand[k])).sum();
        used <= u128::from(capacity[k])
    });
    let allowed = content.iter().zip(problem.items()).all(|(&n, item)| {
        n == 0 || (item.eligible.contains(t) && item.max_per_bin.is_none_or(|most| n <= most))
    });
    fits && allowed && !problem.conflicts().iter().any(|(a, b)| present(a.index()) && present(b.index()))
}

/// The least cost of any plan, in nano-dollars an hour; `None` if there is none.
pub fn optimum(problem: &Problem) -> Option<u64> {
    let offers: Vec<Vec<Vec<u64>>> = problem.bin_ids().map(|t| patterns(problem, t)).collect();
    let left = problem.items().iter().map(|i| i.copies).collect();
    let stock = problem.bins().iter().map(|b| b.stock.unwrap_or(u64::MAX)).collect();
    let types = problem.max_bin_types().map_or(u32::MAX, |k| k);
    Search { problem, offers, known: HashMap::new() }.best(State { left, stock, used: 0 }, types)
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    left: Vec<u64>,
    stock: Vec<u64>,
    /// Bin types in use, as bits.
    used: u32,
}

struct Search<'a> {
    problem: &'a Problem,
    offers: Vec<Vec<Vec<u64>>>,
    known: HashMap<State, Option<u64>>,
}

impl Search<'_> {
    fn best(&mut self, state: State, types: u32) -> Option<u64> {
        let Some(first) = state.left.iter().position(|&n| n > 0) else { return Some(0) };
        if let Some(&known) = self.known.get(&state) {
            return known;
        }
        let mut best: Option<u64> = None;
        for t in 0..self.offers.len() {
            let used = state.used | 1 << t;
            if state.stock[t] == 0 || used.count_ones() > types {
                continue;
            }
            for p in 0..self.offers[t].len() {
                let pattern = &self.offers[t][p];
                // Some bin holds the first item that is left: this one.
                if pattern[first] == 0 || pattern.iter().zip(&state.left).any(|(n, left)| n > left) {
                    continue;
                }
                let mut next = state.clone();
                next.used = if types == u32::MAX { 0 } else { used };
                next.left.iter_mut().zip(pattern).for_each(|(left, n)| *left -= n);
                if next.stock[t] < u64::MAX {
                    next.stock[t] -= 1;
                }
                if let Some(rest) = self.best(next, types) {
                    let cost = rest + self.problem.bins()[t].rate.nanos();
                    best = Some(best.map_or(cost, |b| b.min(cost)));
                }
            }
        }
        self.known.insert(state, best);
        best
    }
}
