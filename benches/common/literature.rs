//! Vector packing in the manner of the ten classes that Caprara and Toth use ("Lower bounds and
//! algorithms for the 2-dimensional vector packing problem", Discrete Applied Mathematics 111, 2001),
//! drawn anew and carried on to more dimensions. One bin type at cost 1.
//!
//! | class | capacity | first weight | further weights |
//! |---|---|---|---|
//! | 1 | 1000 | 100 to 400 | the same, independent |
//! | 2 | 1000 | 1 to 1000 | the same, independent |
//! | 3 | 1000 | 200 to 800 | the same, independent |
//! | 4 | 1000 | 50 to 200 | the same, independent |
//! | 5 | 1000 | 25 to 100 | the same, independent |
//! | 6 | 150 | 20 to 100 | the same, independent |
//! | 7 | 150 | 20 to 100 | within 10 of the first |
//! | 8 | 150 | 20 to 100 | 110 to 130 less the first; further ones in turn near and opposite |
//! | 9 | 150 | 20 to 100 | 10 to 50 (ours: dimensions of unequal load) |
//! | 10 | 1000 | triplets that fill a bin in every dimension, each weight at least 200 | |
//!
//! The ranges follow the descriptions of these classes in later papers, class 9 is our own, and none of
//! the original files is used: results compare with the literature in kind, not number by number.

use std::collections::BTreeMap;

use fastrand::Rng;
use plimsoll::problem::{BinSet, BinType, ItemType, Problem};
use plimsoll::units::Rate;

/// One instance, by its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// 1 to 10.
    pub class: u8,
    pub dimensions: usize,
    /// Rounded up to a multiple of three in class 10.
    pub items: usize,
    /// Instances of one kind are numbered.
    pub number: u64,
}

impl Spec {
    /// The optimum, where the way of making the instance tells it.
    pub fn known_optimum(self) -> Option<u64> {
        (self.class == 10).then(|| self.items.div_ceil(3) as u64)
    }

    /// The instance: equal items are one item type.
    pub fn problem(self) -> Problem {
        let mut rng = Rng::with_seed(
            u64::from(self.class) << 48
                | (self.dimensions as u64) << 40
                | (self.items as u64) << 16
                | self.number,
        );
        let mut weights: BTreeMap<Vec<u64>, u64> = BTreeMap::new();
        if self.class == 10 {
            for _ in 0..self.items.div_ceil(3) {
                for item in triplet(&mut rng, self.dimensions) {
                    *weights.entry(item).or_default() += 1;
                }
            }
        } else {
            for _ in 0..self.items {
                *weights.entry(item(&mut rng, self.class, self.dimensions)).or_default() += 1;
            }
        }
        let capacity = if (6..=9).contains(&self.class) { 150 } else { 1000 };
        let items = weights
            .into_iter()
            .map(|(demand, copies)| ItemType {
                demand: demand.into_iter().collect(),
                copies,
                max_per_bin: None,
                eligible: BinSet::all(1),
            })
            .collect();
        let bin = BinType {
            capacity: vec![capacity; self.dimensions].into_iter().collect(),
            rate: Rate::from_nanos(1_000_000_000),
            stock: None,
        };
        let names = (1..=self.dimensions).map(|k| format!("d{k}")).collect();
        Problem::new(names, items, vec![bin], [], None).expect("the parts agree")
    }
}

fn item(rng: &mut Rng, class: u8, dimensions: usize) -> Vec<u64> {
    let range = match class {
        1 => 100..=400,
        2 => 1..=1000,
        3 => 200..=800,
        4 => 50..=200,
        5 => 25..=100,
        _ => 20..=100,
    };
    let first = rng.u64(range.clone());
    let further = |k: usize, rng: &mut Rng| match class {
        7 => rng.u64(first - 10..=first + 10),
        8 if k % 2 == 1 => rng.u64(110 - first..=130 - first),
        8 => rng.u64(first - 10..=first + 10),
        9 => rng.u64(10..=50),
        _ => rng.u64(range.clone()),
    };
    std::iter::once(first).chain((1..dimensions).map(|k| further(k, rng))).collect()
}

/// Three items that fill a bin of 1000 in every dimension.
fn triplet(rng: &mut Rng, dimensions: usize) -> [Vec<u64>; 3] {
    let mut items = [const { Vec::new() }; 3];
    for _ in 0..dimensions {
        let a = rng.u64(200..=500);
        let b = rng.u64(200..=800 - a);
        let mut parts = [a, b, 1000 - a - b];
        rng.shuffle(&mut parts);
        for (item, part) in items.iter_mut().zip(parts) {
            item.push(part);
        }
    }
    items
}
