//! Plans from prices: fill the bin that gives most value for its money, repeat, cut down to size.
//!
//! A bin is filled shape by shape. The score of a shape is its price `pi_j` over what it takes,
//! where each resource weighs by its share of the bin's price and more the scarcer it becomes in
//! this bin, so that no resource runs out long before the others.

use super::guide::Guide;
use super::instance::{Bin, Instance};
use super::top_up::TopUp;

/// Shapes that are scored together.
const LANES: usize = 8;
/// The score of what does not fit; what fits has a higher one.
const NO_ROOM: f64 = 0.0;
/// While there is plenty of room, this share of what still fits is added at once.
const BLOCK: u64 = 8;
/// The most shapes that one filling looks at.
const SAMPLE: usize = 400;
/// How much more a capped shape counts when every bin to come must hold as many as its cap allows.
const URGENCY: f64 = 4.0;

/// Of a shape that a rule caps, some are due in every bin: one that lags behind would need bins of its
/// own in the end. One for shapes in time, up to 1 + [`URGENCY`] for those that every bin must hold.
fn urgency(instance: &Instance, kind: usize, j: usize, left: u64, rest: f64) -> f64 {
    if !instance.shapes[j].capped {
        return 1.0;
    }
    let bins = (rest / instance.kinds[kind].rate.max(1) as f64).max(1.0);
    let due = (left as f64 / (instance.fits[kind][j] as f64 * bins)).min(1.0);
    1.0 + URGENCY * due.powi(4)
}

/// How many bins of this content may follow each other before a capped shape outside of it gets urgent.
fn before_urgent(
    instance: &Instance,
    kind: usize,
    shapes: &[usize],
    content: &[(usize, u64)],
    left: &[u64],
    rest: f64,
) -> u64 {
    let bins = rest / instance.kinds[kind].rate.max(1) as f64;
    shapes
        .iter()
        .filter(|&&j| instance.shapes[j].capped && instance.fits[kind][j] > 0)
        .filter(|&&j| content.iter().all(|&(i, _)| i != j))
        .map(|&j| (0.9 * bins - left[j] as f64 / instance.fits[kind][j] as f64).max(1.0) as u64)
        .min()
        .unwrap_or(u64::MAX)
}

/// How bins are filled: by prices alone (0), by how full the dimensions get alone (1), or between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Balance(pub f64);

/// What one bin was filled with, and what that is worth under the values used.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    pub content: Vec<(usize, u64)>,
    pub value: f64,
}

/// Fills bins; keeps its buffers between them and counts its work.
#[derive(Default)]
pub(super) struct Filler {
    shape: Vec<usize>,
    value: Vec<f64>,
    left: Vec<u64>,
    /// Demand as a share of the kind's capacity: a row per dimension, all `stride` long.
    share: Vec<f64>,
    /// A multiple of [`LANES`], so that rows are read in blocks to their ends.
    stride: usize,
    /// Scores of the last look at all shapes.
    score: Vec<f64>,
    /// Elementary steps done.
    pub work: u64,
    /// How much large copies lead: their score is multiplied by their size to this power.
    pub lean: f64,
}

impl Filler {
    fn remove(&mut self, c: usize) {
        let last = self.shape.len() - 1;
        self.shape.swap_remove(c);
        self.left.swap_remove(c);
        self.value.swap(c, last);
        // What is no longer there has no score.
        self.value[last] = 0.0;
        self.score[c] = self.score[last];
        for row in self.share.chunks_exact_mut(self.stride) {
            row[c] = row[last];
        }
    }

    /// Scores all shapes: value over what a copy takes at these prices, or [`NO_ROOM`]. Returns the highest.
    fn look(&mut self, price: &[f64], free_share: &[f64]) -> f64 {
        let mut highest = [NO_ROOM; LANES];
        for at in (0..self.shape.len()).step_by(LANES) {
            let mut cost = [1e-15; LANES];
            let rows = self.share.chunks_exact(self.stride);
            for ((row, price), free) in rows.zip(price).zip(free_share) {
                let most = free + 1e-12;
                for (cost, &share) in cost.iter_mut().zip(&row[at..at + LANES]) {
                    *cost = if share <= most { *cost + share * price } else { f64::INFINITY };
                }
            }
            let value = &self.value[at..at + LANES];
            let score = &mut self.score[at..at + LANES];
            for l in 0..LANES {
                score[l] = value[l] / cost[l];
                highest[l] = if score[l] > highest[l] { score[l] } else { highest[l] };
            }
        }
        highest.into_iter().fold(NO_ROOM, f64::max)
    }

    /// Fills one bin of `kind` from what is left, by `value` per copy of each shape. `shapes` are
    /// those with copies left, and `rest` (nano-dollars) is what all that is left costs at least.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn fill(
        &mut self,
        guide: &Guide<'_>,
        kind: usize,
        shapes: &[usize],
        left: &[u64],
        value: &[f64],
        balance: Balance,
        rest: f64,
    ) -> Filled {
        let instance = guide.instance;
        let dims = instance.dims;
        let capacity = &instance.kinds[kind].capacity;
        let fits = &instance.fits[kind];
        self.shape.clear();
        self.left.clear();
        self.stride = shapes.len().next_multiple_of(LANES).max(LANES);
        self.value.clear();
        self.value.resize(self.stride, 0.0);
        self.score.clear();
        self.score.resize(self.stride, NO_ROOM);
        self.share.clear();
        self.share.resize(self.stride * dims, 0.0);
        let Balance(theta) = balance;
        let rate = instance.kinds[kind].rate as f64;
        let weight = guide.weights(kind, theta);
        for &j in shapes {
            if left[j] > 0 && fits[j] > 0 && value[j] > 0.0 {
                let place = self.shape.len();
                self.shape.push(j);
                self.left.push(left[j].min(fits[j]));
                let mut volume = 0.0;
                for (k, (&d, &c)) in instance.shapes[j].demand.iter().zip(capacity).enumerate() {
                    let share = if d == 0 { 0.0 } else { d as f64 / c as f64 };
                    volume += share * weight[k];
                    self.share[k * self.stride + place] = share;
                }
                let urgency = urgency(instance, kind, j, left[j], rest);
                let lean = if self.lean > 0.0 { volume.powf(self.lean) } else { 1.0 };
                let value = urgency * lean * ((1.0 - theta) * value[j] + theta * rate * volume);
                self.value[place] = value.max(f64::MIN_POSITIVE);
            }
        }
        let mut free: Vec<u64> = capacity.clone();
        let mut free_share = vec![1.0f64; dims];
        let mut price = vec![0.0f64; dims];
        let mut content: Vec<(usize, u64)> = Vec::new();
        let mut worth = 0.0;
        loop {
            self.work += self.shape.len() as u64;
            for k in 0..dims {
                price[k] = weight[k] / free_share[k].max(1e-12);
            }
            let highest = self.look(&price, &free_share);
            let mut best: Option<usize> = None;
            let mut c = 0;
            while c < self.shape.len() {
                let score = self.score[c];
                if score == NO_ROOM {
                    self.remove(c);
                    continue;
                }
                if score == highest && best.is_none_or(|b| self.shape[c] < self.shape[b]) {
                    best = Some(c);
                }
                c += 1;
            }
            let Some(c) = best else { break };
            let j = self.shape[c];
            let shape = &instance.shapes[j];
            let room = free
                .iter()
                .zip(&shape.demand)
                .filter_map(|(f, d)| f.checked_div(*d))
                .fold(self.left[c], u64::min);
            if room == 0 {
                self.remove(c);
                continue;
            }
            let taken = room.div_ceil(BLOCK);
            for k in 0..dims {
                free[k] -= shape.demand[k] * taken;
                free_share[k] = if capacity[k] == 0 { 0.0 } else { free[k] as f64 / capacity[k] as f64 };
            }
            worth += value[j] * taken as f64;
            self.left[c] -= taken;
            let first = match content.iter_mut().find(|(i, _)| *i == j) {
                Some((_, n)) => {
                    *n += taken;
                    false
                }
                None => {
                    content.push((j, taken));
                    true
                }
            };
            if self.left[c] == 0 {
                self.remove(c);
            }
            if first && !shape.conflicts.is_empty() {
                let mut c = 0;
                while c < self.shape.len() {
                    if shape.conflicts.binary_search(&self.shape[c]).is_ok() {
                        self.remove(c);
                    } else {
                        c += 1;
                    }
                }
            }
        }
        content.sort_unstable();
        Filled { content, value: worth }
    }

    /// Packs everything that is left, opening the kinds in `open`. `available` counts down the
    /// stock; `give_up` is a cost (nano-dollars) at which the packing is of no more use.
    /// `None` if the stock or the kinds do not suffice or the cost is reached.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn pack(
        &mut self,
        guide: &Guide<'_>,
        left: &mut [u64],
        value: &[f64],
        balance: Balance,
        open: &[usize],
        available: &mut [u64],
        give_up: f64,
    ) -> Option<Vec<Bin>> {
        let instance = guide.instance;
        let mut bins: Vec<Bin> = Vec::new();
        let mut shapes: Vec<usize> = (0..left.len()).filter(|&j| left[j] > 0).collect();
        let mut cost = 0.0;
        // What is left costs at least its value under the prices.
        let mut rest: f64 = shapes.iter().map(|&j| left[j] as f64 * guide.pi[j]).sum();
        let (bulk, plenty) = guide.bulk_kinds();
        let mut top_up = TopUp::new(guide, &shapes);
        let mut sample: Vec<usize> = Vec::new();
        let mut turn = 0usize;
        while !shapes.is_empty() {
            if cost + rest >= give_up {
                return None;
            }
            let mut best: Option<(f64, usize, Filled)> = None;
            // Of very many shapes every bin sees another even sample: enough to fill it well.
            let stride = shapes.len().div_ceil(SAMPLE);
            sample.clear();
            sample.extend(shapes.iter().skip(turn % stride).step_by(stride));
            turn += 1;
            let kinds = if rest > plenty && bulk.iter().any(|&t| available[t] > 0) { bulk } else { open };
            for &t in kinds.iter().filter(|&&t| available[t] > 0) {
                let filled = self.fill(guide, t, &sample, left, value, balance, rest);
                if filled.content.is_empty() {
                    continue;
                }
                // A bin that is not full is judged by what it can be cut down to.
                let kind =
                    guide.cheapest_kind(&filled.content, available, instance.kinds[t].rate).unwrap_or(t);
                let ratio = filled.value / (instance.kinds[kind].rate as f64).max(1e-3);
                if best.as_ref().is_none_or(|(r, _, _)| ratio > *r) {
                    best = Some((ratio, kind, filled));
                }
            }
            let (kind, mut content) = match best {
                Some((_, kind, filled)) => (kind, filled.content),
                None => self.place_somewhere(guide, &sample, left, value, available)?,
            };
            // Of what there is plenty, many bins alike are better than one that is full to the brim.
            if content.iter().any(|&(j, n)| left[j] / n == 1) {
                content.iter().for_each(|&(j, n)| left[j] -= n);
                content = top_up.top_up(kind, content, left);
                self.work += std::mem::take(&mut top_up.work);
                content.iter().for_each(|&(j, n)| left[j] += n);
            }
            let mut copies =
                content.iter().map(|&(j, n)| left[j] / n).min().unwrap_or(1).min(available[kind]);
            if copies > 1 {
                copies = copies.min(before_urgent(instance, kind, &shapes, &content, left, rest));
            }
            for &(j, n) in &content {
                left[j] -= n * copies;
                rest -= (n * copies) as f64 * guide.pi[j];
            }
            if available[kind] != u64::MAX {
                available[kind] -= copies;
            }
            cost += instance.kinds[kind].rate as f64 * copies as f64;
            bins.push(Bin { kind, content, copies });
            shapes.retain(|&j| left[j] > 0);
        }
        Some(bins)
    }

    /// Fills these bins (number per kind), dear ones first; some copies may stay outside.
    pub(super) fn fill_these(
        &mut self,
        guide: &Guide<'_>,
        bins: &[u64],
        value: &[f64],
        balance: Balance,
    ) -> Vec<Bin> {
        let instance = guide.instance;
        let mut left: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
        let mut order: Vec<usize> = (0..bins.len()).filter(|&t| bins[t] > 0).collect();
        order.sort_by_key(|&t| (std::cmp::Reverse(instance.kinds[t].rate), t));
        let mut rest: f64 = order.iter().map(|&t| instance.kinds[t].rate as f64 * bins[t] as f64).sum();
        let mut filled = Vec::new();
        for t in order {
            for _ in 0..bins[t] {
                let shapes: Vec<usize> = (0..left.len()).filter(|&j| left[j] > 0).collect();
                let content = self.fill(guide, t, &shapes, &left, value, balance, rest).content;
                for &(j, n) in &content {
                    left[j] -= n;
                }
                rest -= instance.kinds[t].rate as f64;
                filled.push(Bin { kind: t, content, copies: 1 });
            }
        }
        filled
    }

    /// A bin for a shape that no open kind holds: the allowed kind that is cheapest per copy.
    fn place_somewhere(
        &mut self,
        guide: &Guide<'_>,
        shapes: &[usize],
        left: &[u64],
        value: &[f64],
        available: &[u64],
    ) -> Option<(usize, Vec<(usize, u64)>)> {
        let instance = guide.instance;
        let j = *shapes.first()?;
        let per_copy = |t: usize| instance.kinds[t].rate as f64 / instance.fits[t][j].min(left[j]) as f64;
        let t = guide
            .by_rate
            .iter()
            .copied()
            .filter(|&t| available[t] > 0 && instance.fits[t][j] > 0)
            .min_by(|&a, &b| per_copy(a).total_cmp(&per_copy(b)).then(a.cmp(&b)))?;
        // This shape first, then whatever fits beside it.
        let largest = value.iter().copied().fold(1.0, f64::max);
        let boosted: Vec<f64> = value
            .iter()
            .enumerate()
            .map(|(i, v)| if i == j { largest * 1e12 } else { v.max(1e-9) })
            .collect();
        let filled = self.fill(guide, t, shapes, left, &boosted, Balance(0.0), f64::INFINITY);
        let kind = guide.cheapest_kind(&filled.content, available, instance.kinds[t].rate).unwrap_or(t);
        Some((kind, filled.content))
    }
}
