//! Packing everything into exactly these bins: tabu search over moves that lower the overflow.
//!
//! The state holds every copy in some bin, bins may be overfull, and the search moves or swaps copies
//! until none is. It finds packings that leave almost nothing free, where filling bin after bin ends
//! with a few copies too many.

use fastrand::Rng;

use super::instance::{Bin, Instance};

/// Bins that a step looks for swaps in, beside the overfull one.
const PARTNERS: usize = 6;
/// Shapes of a bin that a step tries to swap.
const TRIED: usize = 24;
/// Steps that a copy just moved stays where it is: at least this many, and up to twice as many.
const TABU: u64 = 8;

/// Packs `pool` (copies per shape) into exactly these bins (number per kind), or `None` if no way was
/// found within the steps. `start` says what some of the bins hold at first; it may overfill them, and
/// what it leaves out is put wherever it may lie.
pub(super) fn fit(
    instance: &Instance,
    pool: &[u64],
    bins: &[u64],
    start: &[Bin],
    rng: &mut Rng,
    steps: u64,
    work: &mut u64,
) -> Option<Vec<Bin>> {
    let mut state = State::new(instance, pool, bins, start)?;
    state.place_rest()?;
    for step in 0..steps {
        let overfull: Vec<usize> = (0..state.bins.len()).filter(|&b| state.bins[b].overflow > 0.0).collect();
        if overfull.is_empty() {
            break;
        }
        let from = overfull[rng.usize(..overfull.len())];
        let Some(change) = state.best_change(from, step, rng, work) else { continue };
        state.apply(&change, step, rng);
    }
    state.finish()
}

/// Shapes are numbered as they stand in the pool.
struct State<'a> {
    instance: &'a Instance,
    /// The instance's shapes in the pool.
    shapes: Vec<usize>,
    /// For each shape those in the pool that never share a bin with it.
    conflicts: Vec<Vec<usize>>,
    bins: Vec<Loaded>,
    left: Vec<u64>,
}

struct Loaded {
    kind: usize,
    counts: Vec<u64>,
    load: Vec<u64>,
    /// Sum over dimensions of what is beyond capacity, as shares of it.
    overflow: f64,
    /// Until which step a copy of the shape may not enter again.
    tabu: Vec<u64>,
}

/// A copy of `out` goes from `from` to `to`, and one of `back`, if any, the other way.
struct Change {
    from: usize,
    to: usize,
    out: usize,
    back: Option<usize>,
    delta: f64,
}

impl<'a> State<'a> {
    fn new(instance: &'a Instance, pool: &[u64], bins: &[u64], start: &[Bin]) -> Option<Self> {
        let shapes: Vec<usize> = (0..pool.len()).filter(|&j| pool[j] > 0).collect();
        let local = |j: &usize| shapes.binary_search(j).ok();
        let conflicts =
            shapes.iter().map(|&j| instance.shapes[j].conflicts.iter().filter_map(local).collect()).collect();
        let mut left: Vec<u64> = shapes.iter().map(|&j| pool[j]).collect();
        let mut room = bins.to_vec();
        let mut loaded = Vec::new();
        let empty = |kind: usize| Loaded {
            kind,
            counts: vec![0; shapes.len()],
            load: vec![0; instance.dims],
            overflow: 0.0,
            tabu: vec![0; shapes.len()],
        };
        for bin in start {
            for _ in 0..bin.copies {
                room[bin.kind] = room[bin.kind].checked_sub(1)?;
                let mut one = empty(bin.kind);
                for &(j, n) in &bin.content {
                    let n = n.min(instance.fits[bin.kind][j]);
                    let j = local(&j)?;
                    one.counts[j] = n;
                    left[j] = left[j].checked_sub(n)?;
                    for (load, d) in one.load.iter_mut().zip(&instance.shapes[shapes[j]].demand) {
                        *load += d * n;
                    }
                }
                loaded.push(one);
            }
        }
        for (kind, &more) in room.iter().enumerate() {
            loaded.extend((0..more).map(|_| empty(kind)));
        }
        let mut state = State { instance, shapes, conflicts, bins: loaded, left };
        for b in 0..state.bins.len() {
            state.bins[b].overflow = state.overflow_with(b, None, None);
        }
        Some(state)
    }

    fn demand(&self, j: usize) -> &[u64] {
        &self.instance.shapes[self.shapes[j]].demand
    }

    /// Whether a rule, apart from capacity, lets the bin take one more copy of the shape once a copy of
    /// `leaving` is gone.
    fn may_enter(&self, b: usize, j: usize, leaving: Option<usize>) -> bool {
        let bin = &self.bins[b];
        let fits = self.instance.fits[bin.kind][self.shapes[j]];
        let held = |i: usize| bin.counts[i] - u64::from(leaving == Some(i));
        fits > 0
            && (!self.instance.shapes[self.shapes[j]].capped || held(j) < fits)
            && self.conflicts[j].iter().all(|&i| held(i) == 0)
    }

    /// Overflow of a bin after one copy of `enters` came and one of `leaves` went.
    fn overflow_with(&self, b: usize, enters: Option<usize>, leaves: Option<usize>) -> f64 {
        let bin = &self.bins[b];
        let capacity = &self.instance.kinds[bin.kind].capacity;
        let demand = |j: Option<usize>, k: usize| j.map_or(0, |j| self.demand(j)[k]);
        let mut sum = 0.0;
        for (k, &cap) in capacity.iter().enumerate() {
            let load = bin.load[k] + demand(enters, k) - demand(leaves, k);
            if load > cap {
                sum += (load - cap) as f64 / cap.max(1) as f64;
            }
        }
        sum
    }

    /// Puts every copy that is still outside where it overflows least, large ones first.
    fn place_rest(&mut self) -> Option<()> {
        let instance = self.instance;
        let largest: Vec<f64> = (0..instance.dims)
            .map(|k| instance.kinds.iter().map(|t| t.capacity[k]).max().unwrap_or(1).max(1) as f64)
            .collect();
        let size = |j: usize| {
            let shares = self.demand(j).iter().zip(&largest);
            shares.map(|(&d, c)| d as f64 / c).fold(0.0, f64::max)
        };
        let mut order: Vec<usize> = (0..self.left.len()).filter(|&j| self.left[j] > 0).collect();
        order.sort_by(|&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
        for j in order {
            while self.left[j] > 0 {
                let growth = |b: &usize| self.overflow_with(*b, Some(j), None) - self.bins[*b].overflow;
                let b = (0..self.bins.len())
                    .filter(|&b| self.may_enter(b, j, None))
                    .min_by(|a, b| growth(a).total_cmp(&growth(b)).then(a.cmp(b)))?;
                self.left[j] -= 1;
                self.put(b, j);
            }
        }
        Some(())
    }

    fn put(&mut self, b: usize, j: usize) {
        self.bins[b].overflow = self.overflow_with(b, Some(j), None);
        self.bins[b].counts[j] += 1;
        for (load, d) in self.bins[b].load.iter_mut().zip(&self.instance.shapes[self.shapes[j]].demand) {
            *load += d;
        }
    }

    fn take(&mut self, b: usize, j: usize) {
        self.bins[b].overflow = self.overflow_with(b, None, Some(j));
        self.bins[b].counts[j] -= 1;
        for (load, d) in self.bins[b].load.iter_mut().zip(&self.instance.shapes[self.shapes[j]].demand) {
            *load -= d;
        }
    }

    /// The change at an overfull bin that lowers the overflow most, or raises it least.
    fn best_change(&self, from: usize, step: u64, rng: &mut Rng, work: &mut u64) -> Option<Change> {
        let held = |b: usize| -> Vec<usize> {
            (0..self.left.len()).filter(|&j| self.bins[b].counts[j] > 0).collect()
        };
        let mut ours = held(from);
        rng.shuffle(&mut ours);
        let mut best: Option<Change> = None;
        let mut consider = |change: Change| {
            if best.as_ref().is_none_or(|b| change.delta < b.delta) {
                best = Some(change);
            }
        };
        let others = self.bins.len() - 1;
        let partner = |i: usize| if i >= from { i + 1 } else { i };
        for &out in &ours {
            let without = self.overflow_with(from, None, Some(out)) - self.bins[from].overflow;
            for to in (0..others).map(partner) {
                if self.bins[to].tabu[out] > step || !self.may_enter(to, out, None) {
                    continue;
                }
                *work += 1;
                let delta = without + self.overflow_with(to, Some(out), None) - self.bins[to].overflow;
                consider(Change { from, to, out, back: None, delta });
            }
        }
        ours.truncate(TRIED);
        for _ in 0..PARTNERS.min(others) {
            let to = partner(rng.usize(..others));
            let mut theirs = held(to);
            rng.shuffle(&mut theirs);
            theirs.truncate(TRIED);
            for &out in ours.iter().filter(|&&j| self.bins[to].tabu[j] <= step) {
                for &back in theirs.iter().filter(|&&j| j != out && self.bins[from].tabu[j] <= step) {
                    if !self.may_enter(to, out, Some(back)) || !self.may_enter(from, back, Some(out)) {
                        continue;
                    }
                    *work += 1;
                    let delta = self.overflow_with(from, Some(back), Some(out)) - self.bins[from].overflow
                        + self.overflow_with(to, Some(out), Some(back))
                        - self.bins[to].overflow;
                    consider(Change { from, to, out, back: Some(back), delta });
                }
            }
        }
        best
    }

    fn apply(&mut self, change: &Change, step: u64, rng: &mut Rng) {
        let Change { from, to, out, back, .. } = *change;
        self.take(from, out);
        if let Some(back) = back {
            self.take(to, back);
            self.put(from, back);
            self.bins[to].tabu[back] = step + TABU + rng.u64(..TABU);
        }
        self.put(to, out);
        self.bins[from].tabu[out] = step + TABU + rng.u64(..TABU);
    }

    /// The bins, if none is overfull.
    fn finish(self) -> Option<Vec<Bin>> {
        let holds = |bin: &Loaded| {
            bin.load.iter().zip(&self.instance.kinds[bin.kind].capacity).all(|(load, cap)| load <= cap)
        };
        if self.left.iter().any(|&l| l > 0) || !self.bins.iter().all(holds) {
            return None;
        }
        let content = |bin: &Loaded| -> Vec<(usize, u64)> {
            let counts = self.shapes.iter().copied().zip(bin.counts.iter().copied());
            counts.filter(|&(_, n)| n > 0).collect()
        };
        let bins = self.bins.iter().map(|bin| Bin { kind: bin.kind, content: content(bin), copies: 1 });
        Some(bins.filter(|bin| !bin.content.is_empty()).collect())
    }
}
