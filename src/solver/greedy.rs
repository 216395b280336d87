//! Plans from prices: fill the bin that gives most value for its money, repeat, cut down to size.
//!
//! A bin is filled shape by shape. The score of a shape is its price `pi_j` over what it takes,
//! where each resource weighs by its share of the bin's price and more the scarcer it becomes in
//! this bin, so that no resource runs out long before the others.

use super::instance::{Bin, Instance};
use super::relaxation::Prices;

/// A resource that the relaxation prices at nothing still weighs this much of the bin, or free
/// riders would fill it up.
const LEAST_WEIGHT: f64 = 0.02;

/// Builds bins for what is left to place.
pub(super) struct Packer<'a> {
    instance: &'a Instance,
    /// `weight[kind][k]`: share of the bin's price that dimension k makes up; sums to one.
    weight: Vec<Vec<f64>>,
    /// Kinds in order of rate, then index: the first that holds a content is the cheapest.
    by_rate: Vec<usize>,
    /// Work done since it was last taken.
    pub work: u64,
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    candidates: Vec<Candidate>,
}

#[derive(Clone, Copy)]
struct Candidate {
    shape: usize,
    value: f64,
    left: u64,
}

/// What one bin was filled with, and what that is worth under the prices used.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    pub content: Vec<(usize, u64)>,
    pub value: f64,
}

impl<'a> Packer<'a> {
    pub(super) fn new(instance: &'a Instance, prices: &Prices) -> Self {
        let weight = instance
            .kinds
            .iter()
            .enumerate()
            .map(|(t, kind)| {
                let raw: Vec<f64> =
                    prices.lambda[t].iter().zip(&kind.capacity).map(|(l, &c)| l * c as f64).collect();
                let total: f64 = raw.iter().sum();
                let floored: Vec<f64> = raw
                    .iter()
                    .map(|r| if total > 0.0 { (r / total).max(LEAST_WEIGHT) } else { 1.0 })
                    .collect();
                let sum: f64 = floored.iter().sum();
                floored.iter().map(|f| f / sum.max(f64::MIN_POSITIVE)).collect()
            })
            .collect();
        let mut by_rate: Vec<usize> = (0..instance.kinds.len()).collect();
        by_rate.sort_by_key(|&t| (instance.kinds[t].rate, t));
        Packer { instance, weight, by_rate, work: 0, scratch: Scratch::default() }
    }

    /// Fills one bin of `kind` from what is left, by `value` per copy of each shape.
    pub(super) fn fill(&mut self, kind: usize, left: &[u64], value: &[f64]) -> Filled {
        let instance = self.instance;
        let dims = instance.dims;
        let capacity = &instance.kinds[kind].capacity;
        let fits = &instance.fits[kind];
        let mut free: Vec<u64> = capacity.clone();
        let candidates = &mut self.scratch.candidates;
        candidates.clear();
        candidates.extend(
            (0..left.len())
                .filter(|&j| left[j] > 0 && fits[j] > 0 && value[j] > 0.0)
                .map(|shape| Candidate { shape, value: value[shape], left: left[shape].min(fits[shape]) }),
        );
        let mut content: Vec<(usize, u64)> = Vec::new();
        let mut worth = 0.0;
        let mut price = vec![0.0; dims];
        while !candidates.is_empty() {
            self.work += candidates.len() as u64;
            for k in 0..dims {
                // Weight per unit of the resource, rising as it runs out here.
                let c = capacity[k] as f64;
                price[k] = if free[k] == 0 { 0.0 } else { self.weight[kind][k] / c * (c / free[k] as f64) };
            }
            let mut best: Option<(f64, usize, u64)> = None;
            let mut i = 0;
            while i < candidates.len() {
                let c = candidates[i];
                let demand = &instance.shapes[c.shape].demand;
                let mut room = c.left;
                let mut cost = 1e-300;
                for k in 0..dims {
                    let d = demand[k];
                    if d > 0 {
                        if d > free[k] {
                            room = 0;
                            break;
                        }
                        cost += d as f64 * price[k];
                    }
                }
                if room == 0 {
                    candidates.swap_remove(i);
                    continue;
                }
                let score = c.value / cost;
                if best.is_none_or(|(s, b, _)| score > s || (score == s && c.shape < candidates[b].shape)) {
                    best = Some((score, i, room));
                }
                i += 1;
            }
            let Some((_, i, _)) = best else { break };
            let chosen = candidates[i];
            let shape = &instance.shapes[chosen.shape];
            let mut room = chosen.left;
            for k in 0..dims {
                if let Some(r) = free[k].checked_div(shape.demand[k]) {
                    room = room.min(r);
                }
            }
            // Many small copies at a time while there is plenty of room; one at a time at the end.
            let taken = (room / 8).max(1);
            for k in 0..dims {
                free[k] -= shape.demand[k] * taken;
            }
            worth += chosen.value * taken as f64;
            match content.iter_mut().find(|(j, _)| *j == chosen.shape) {
                Some((_, n)) => *n += taken,
                None => {
                    content.push((chosen.shape, taken));
                    if !shape.conflicts.is_empty() {
                        candidates.retain(|c| shape.conflicts.binary_search(&c.shape).is_err());
                    }
                }
            }
            if let Some(c) = candidates.iter_mut().find(|c| c.shape == chosen.shape) {
                c.left -= taken;
            }
            candidates.retain(|c| c.left > 0);
        }
        content.sort_unstable();
        Filled { content, value: worth }
    }

    /// The cheapest kind that holds `content` and of which `available` says there is one more.
    pub(super) fn cheapest_kind(
        &self,
        content: &[(usize, u64)],
        allowed: &[bool],
        available: &[u64],
        below: u64,
    ) -> Option<usize> {
        let instance = self.instance;
        let mut need = vec![0u64; instance.dims];
        for &(j, n) in content {
            for (need, d) in need.iter_mut().zip(&instance.shapes[j].demand) {
                *need = need.saturating_add(d.saturating_mul(n));
            }
        }
        self.by_rate.iter().copied().take_while(|&t| instance.kinds[t].rate < below).find(|&t| {
            allowed[t]
                && available[t] > 0
                && need.iter().zip(&instance.kinds[t].capacity).all(|(n, c)| n <= c)
                && content.iter().all(|&(j, n)| n <= instance.fits[t][j])
        })
    }

    /// Packs everything that is left into bins of the allowed kinds. `available` counts down the
    /// stock. Returns `None` if the stock or the allowed kinds do not suffice.
    pub(super) fn pack(
        &mut self,
        left: &mut [u64],
        value: &[f64],
        candidates: &[usize],
        allowed: &[bool],
        available: &mut [u64],
    ) -> Option<Vec<Bin>> {
        let instance = self.instance;
        let mut bins: Vec<Bin> = Vec::new();
        while left.iter().any(|&l| l > 0) {
            let mut best: Option<(f64, usize, Filled)> = None;
            for &t in candidates.iter().filter(|&&t| available[t] > 0) {
                let filled = self.fill(t, left, value);
                if filled.content.is_empty() {
                    continue;
                }
                // A bin that is not full is judged by what it can be cut down to.
                let kind = self
                    .cheapest_kind(&filled.content, allowed, available, instance.kinds[t].rate)
                    .unwrap_or(t);
                let ratio = filled.value / (instance.kinds[kind].rate as f64).max(1e-3);
                if best.as_ref().is_none_or(|(r, _, _)| ratio > *r) {
                    best = Some((ratio, kind, filled));
                }
            }
            let (_, kind, filled) = match best {
                Some(found) => found,
                None => {
                    // What no candidate holds: any allowed kind, cheapest per copy.
                    let j = left.iter().position(|&l| l > 0)?;
                    let t = (0..instance.kinds.len())
                        .filter(|&t| allowed[t] && available[t] > 0 && instance.fits[t][j] > 0)
                        .min_by(|&a, &b| {
                            let per = |t: usize| {
                                instance.kinds[t].rate as f64 / instance.fits[t][j].min(left[j]) as f64
                            };
                            per(a).total_cmp(&per(b)).then(a.cmp(&b))
                        })?;
                    let mut only = vec![0.0; left.len()];
                    only[j] = 1.0;
                    let mut filled = self.fill(t, left, &only);
                    let boosted: Vec<f64> = value
                        .iter()
                        .enumerate()
                        .map(|(i, v)| if i == j { 1e18 } else { v.max(1e-9) })
                        .collect();
                    let fuller = self.fill(t, left, &boosted);
                    if fuller.content.iter().any(|&(i, _)| i == j) {
                        filled = fuller;
                    }
                    (
                        0.0,
                        self.cheapest_kind(&filled.content, allowed, available, instance.kinds[t].rate)
                            .unwrap_or(t),
                        filled,
                    )
                }
            };
            let copies =
                filled.content.iter().map(|&(j, n)| left[j] / n).min().unwrap_or(1).min(available[kind]);
            for &(j, n) in &filled.content {
                left[j] -= n * copies;
            }
            if available[kind] != u64::MAX {
                available[kind] -= copies;
            }
            bins.push(Bin { kind, content: filled.content, copies });
        }
        Some(bins)
    }
}
