//! Assignments as they are found: packed with as much care as is worth it, learned from, the cheapest kept.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::model::Model;
use super::pack::{Care, Packed, Part, Sampled};
use super::{Best, Search, state};
use crate::plan::ProgressPoint;
use crate::solver::control::Event;
use crate::units::Money;

/// Of the assignments of a round that are packed quickly at first, how many are packed well.
const PACKED_WELL: usize = 2;
/// Copies times groups from which packing a pool well takes so long that only the best of several
/// assignments are.
pub(super) const HEAVY: u128 = 500_000;
/// Copies from which pools are packed by samples first.
pub(super) const SAMPLED: u128 = 50_000;

/// A candidate, and the groups in it.
pub(super) type Key = (usize, Vec<u32>);

/// A pool packed before, and in how many ways at least.
pub(super) struct Known {
    pub packed: Option<Packed>,
    ways: usize,
    rounds: u64,
}

impl Search<'_> {
    /// Packs samples of assignments, learns from it, and packs the cheapest for real if it may be the cheapest
    /// so far.
    fn offer_by_sample(&mut self, assignments: &[Vec<usize>], seed: u64) {
        /// By how much the sample must tell less to be worth a packing.
        const LESS: f64 = 1.0 - 1e-4;
        let model = self.estimate.model;
        let keys_of: Vec<Vec<Key>> = assignments.iter().map(|assignment| keys(assignment)).collect();
        let mut wanted = keys_of.concat();
        let Some(sampled) = &self.sampled else { return };
        wanted.retain(|key| !sampled.contains_key(key));
        wanted.sort_unstable();
        wanted.dedup();
        let found: Vec<(Option<Sampled>, Sums, u64)> = wanted
            .par_iter()
            .map(|(candidate, groups)| {
                let sums = Sums::of(model, *candidate, groups);
                let part = Part { model, candidate: *candidate, groups, at_least: sums.at_least(model) };
                let mut work = 0;
                (part.sampled(&mut work), sums, work)
            })
            .collect();
        for (key, (found, sums, work)) in wanted.into_iter().zip(found) {
            self.meter.spend(work);
            if let Some(told) = found {
                let took = model.bins(&sums.load, &sums.need) * told.beyond;
                self.estimate.learn(key.0, &sums.load, &sums.need, took + 0.5);
            }
            if let Some(sampled) = &mut self.sampled {
                sampled.insert(key, found);
            }
        }
        let told = |keys: &Vec<Key>| -> Option<f64> {
            let each = keys.iter().map(|key| {
                let told = (*self.sampled.as_ref()?.get(key)?)?;
                let sums = Sums::of(model, key.0, &key.1);
                let bins = (model.bins(&sums.load, &sums.need) * told.beyond).ceil();
                Some(model.candidates[key.0].rate * bins)
            });
            each.sum()
        };
        let best = self.best.as_ref().and_then(|best| told(&keys(&best.assignment)));
        let mut order: Vec<(f64, usize)> =
            keys_of.iter().enumerate().filter_map(|(i, keys)| Some((told(keys)?, i))).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let Some(&(least, i)) = order.first() else { return };
        if best.is_none_or(|best| least < best * LESS) {
            self.pack_all(keys_of[i].clone(), Care::QUICK, seed);
        }
        self.take(&keys_of, assignments);
    }

    /// Packs assignments for real, learns from it, and keeps the cheapest. Where packing takes long, all
    /// are packed quickly and the cheapest of those that are new well.
    pub(super) fn offer(&mut self, assignments: &[Vec<usize>], care: Care, seed: u64) {
        if self.sampled.is_some() {
            return self.offer_by_sample(assignments, seed);
        }
        let keys_of: Vec<Vec<Key>> = assignments.iter().map(|assignment| keys(assignment)).collect();
        let two_stages = self.heavy && care.rounds > 0;
        let first = if two_stages { Care::QUICK } else { care };
        self.pack_all(keys_of.concat(), first, seed);
        let mut order: Vec<(i128, usize)> =
            (0..keys_of.len()).filter_map(|i| Some((self.cost(&keys_of[i])?, i))).collect();
        order.sort_unstable();
        if two_stages {
            let new = |i: usize| keys_of[i].iter().any(|key| self.known[key].rounds < care.rounds);
            let well: Vec<usize> =
                order.iter().map(|&(_, i)| i).filter(|&i| new(i)).take(PACKED_WELL).collect();
            self.pack_all(well.iter().flat_map(|&i| keys_of[i].clone()).collect(), care, seed);
        }
        self.take(&keys_of, assignments);
    }

    /// Keeps the cheapest of assignments whose pools were packed.
    fn take(&mut self, keys_of: &[Vec<Key>], assignments: &[Vec<usize>]) {
        let mut order: Vec<(i128, usize)> =
            (0..keys_of.len()).filter_map(|i| Some((self.cost(&keys_of[i])?, i))).collect();
        order.sort_unstable();
        for (_, i) in order {
            let Some(cost) = self.cost(&keys_of[i]) else { continue };
            if self.best.as_ref().is_some_and(|best| cost >= best.cost) {
                continue;
            }
            let parts = keys_of[i].iter().filter_map(|key| self.known[key].packed.clone()).collect();
            self.best = Some(Best { cost, assignment: assignments[i].clone(), parts });
            let cost = Money::from_nanos(cost);
            self.observer.on(&Event::Incumbent(cost));
            self.progress.push(ProgressPoint {
                work: self.meter.work(),
                millis: self.meter.millis(),
                incumbent: Some(cost),
                lower_bound: Money::ZERO,
            });
        }
    }

    /// What pools that were packed cost together; `None` where one does not hold its groups.
    fn cost(&self, keys: &[Key]) -> Option<i128> {
        keys.iter().map(|key| Some(self.known.get(key)?.packed.as_ref()?.cost)).sum()
    }

    /// Packs what was not packed before with as much care, side by side, and learns in order.
    pub(super) fn pack_all(&mut self, mut wanted: Vec<Key>, care: Care, seed: u64) {
        let model = self.estimate.model;
        let enough = |known: &Known| known.ways >= care.ways && known.rounds >= care.rounds;
        wanted.retain(|key| !self.known.get(key).is_some_and(enough));
        wanted.sort_unstable();
        wanted.dedup();
        let (known, sampled) = (&self.known, self.sampled.as_ref());
        let packed: Vec<(Option<Packed>, Sums, u64)> = wanted
            .par_iter()
            .enumerate()
            .map(|(i, key)| {
                let (candidate, groups) = (key.0, &key.1);
                let sums = Sums::of(model, candidate, groups);
                let mut work = 0;
                let part = Part { model, candidate, groups, at_least: sums.at_least(model) };
                let told = sampled.and_then(|sampled| *sampled.get(key)?);
                let care = Care { way: told.map(|told| told.way), ..care };
                let before = known.get(key).and_then(|known| known.packed.as_ref());
                let found = part.pack(before, care, seed.wrapping_add(i as u64), &mut work);
                (found, sums, work)
            })
            .collect();
        for (key, (packed, sums, work)) in wanted.into_iter().zip(packed) {
            self.meter.spend(work);
            // A quick packing takes more bins than the pool will.
            if let Some(packed) = packed.as_ref().filter(|_| care.ways > 1) {
                self.estimate.learn(key.0, &sums.load, &sums.need, packed.bins as f64);
            }
            self.known.insert(key, Known { packed, ways: care.ways, rounds: care.rounds });
        }
    }
}

/// The pools of an assignment.
pub(super) fn keys(assignment: &[usize]) -> Vec<Key> {
    let mut by_pool: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for (g, &c) in assignment.iter().enumerate() {
        by_pool.entry(c).or_default().push(g as u32);
    }
    by_pool.into_iter().collect()
}

/// What the estimate knows of groups in one pool.
pub(super) struct Sums {
    pub load: Vec<f64>,
    pub need: Vec<f64>,
}

impl Sums {
    pub(super) fn of(model: &Model<'_>, c: usize, groups: &[u32]) -> Self {
        let mut sums = Sums { load: vec![0.0; model.terms], need: vec![0.0; model.needs] };
        for &g in groups {
            state::add(&mut sums.load, model.load(c, g as usize), 1.0);
            state::raise(&mut sums.need, model.need(c, g as usize));
        }
        sums
    }

    /// Bins that are needed whatever packing does.
    pub(super) fn at_least(&self, model: &Model<'_>) -> u64 {
        (model.bins(&self.load, &self.need) - 1e-6).ceil().max(1.0) as u64
    }
}
