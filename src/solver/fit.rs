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
        let overfull: Vec<usize> =
            (0..state.bins.len()).filter(|&b| state.bins[b].overflow > ROUNDING).collect();
        if overfull.is_empty() {
            break;
        }
        let from = overfull[rng.usize(..overfull.len())];
        let Some(change) = state.best_change(from, step, rng, work) else { continue };
        state.apply(&change, step, rng);
    }
    state.finish()
}

/// Dimensions that are added and compared together.
const LANES: usize = 4;
/// Shares of capacity in some dimensions; what is left over of the last block is always zero.
type Block = [f64; LANES];
/// Below this, an overflow may be an error of floating-point sums; whole numbers decide at the end.
const ROUNDING: f64 = 1e-12;

/// Shapes are numbered as they stand in the pool.
struct State<'a> {
    instance: &'a Instance,
    /// The instance's shapes in the pool.
    shapes: Vec<usize>,
    /// For each shape those in the pool that never share a bin with it.
    conflicts: Vec<Vec<usize>>,
    /// Shapes that capacity alone keeps out of a bin.
    plain: Vec<bool>,
    /// How many blocks the dimensions make up.
    blocks: usize,
    /// Per kind in use, the demand of each shape as shares of the kind's capacity.
    shares: Vec<Vec<Block>>,
    /// A demand of nothing.
    nothing: Vec<Block>,
    bins: Vec<Loaded>,
    left: Vec<u64>,
}

struct Loaded {
    kind: usize,
    /// The kind's place among those in use.
    slot: usize,
    counts: Vec<u64>,
    /// Shares of capacity that are taken.
    load: Vec<Block>,
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

/// What is beyond capacity once `plus` came and `minus` went.
fn overflow(load: &[Block], plus: &[Block], minus: &[Block]) -> f64 {
    let mut sum = [0.0; LANES];
    for ((load, plus), minus) in load.iter().zip(plus).zip(minus) {
        for k in 0..LANES {
            sum[k] += (load[k] + plus[k] - minus[k] - 1.0).max(0.0);
        }
    }
    sum.iter().sum()
}

/// Demands as shares of a kind's capacity, shape by shape.
fn shares(instance: &Instance, kind: usize, shapes: &[usize], blocks: usize) -> Vec<Block> {
    let mut all = vec![[0.0; LANES]; shapes.len() * blocks];
    for (i, &j) in shapes.iter().enumerate() {
        for (k, (&d, &c)) in instance.shapes[j].demand.iter().zip(&instance.kinds[kind].capacity).enumerate()
        {
            all[i * blocks + k / LANES][k % LANES] = d as f64 / c.max(1) as f64;
        }
    }
    all
}

impl<'a> State<'a> {
    fn new(instance: &'a Instance, pool: &[u64], bins: &[u64], start: &[Bin]) -> Option<Self> {
        let shapes: Vec<usize> = (0..pool.len()).filter(|&j| pool[j] > 0).collect();
        let local = |j: &usize| shapes.binary_search(j).ok();
        let conflicts: Vec<Vec<usize>> =
            shapes.iter().map(|&j| instance.shapes[j].conflicts.iter().filter_map(local).collect()).collect();
        let plain =
            shapes.iter().zip(&conflicts).map(|(&j, c)| !instance.shapes[j].capped && c.is_empty()).collect();
        let blocks = instance.dims.div_ceil(LANES).max(1);
        let mut left: Vec<u64> = shapes.iter().map(|&j| pool[j]).collect();
        let mut room = bins.to_vec();
        let mut loaded = Vec::new();
        let empty = |kind: usize| Loaded {
            kind,
            slot: 0,
            counts: vec![0; shapes.len()],
            load: vec![[0.0; LANES]; blocks],
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
                }
                loaded.push(one);
            }
        }
        for (kind, &more) in room.iter().enumerate() {
            loaded.extend((0..more).map(|_| empty(kind)));
        }
        let mut kinds: Vec<usize> = loaded.iter().map(|bin| bin.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let shares = kinds.iter().map(|&kind| shares(instance, kind, &shapes, blocks)).collect();
        let nothing = vec![[0.0; LANES]; blocks];
        let mut state =
            State { instance, shapes, conflicts, plain, blocks, shares, nothing, bins: loaded, left };
        for b in 0..state.bins.len() {
            state.bins[b].slot = kinds.binary_search(&state.bins[b].kind).ok()?;
            for j in 0..state.shapes.len() {
                state.load(b, j, state.bins[b].counts[j] as f64);
            }
        }
        Some(state)
    }

    /// The demand of a shape as shares of the capacity of a bin.
    fn share(&self, b: usize, j: usize) -> &[Block] {
        &self.shares[self.bins[b].slot][j * self.blocks..(j + 1) * self.blocks]
    }

    /// Adds so many copies to what a bin has taken.
    fn load(&mut self, b: usize, j: usize, copies: f64) {
        let bin = &mut self.bins[b];
        let shares = &self.shares[bin.slot][j * self.blocks..(j + 1) * self.blocks];
        for (load, share) in bin.load.iter_mut().zip(shares) {
            for k in 0..LANES {
                load[k] += share[k] * copies;
            }
        }
        bin.overflow = overflow(&bin.load, &self.nothing, &self.nothing);
    }

    /// Whether a rule, apart from capacity, lets the bin take one more copy of the shape once a copy of
    /// `leaving` is gone.
    fn may_enter(&self, b: usize, j: usize, leaving: Option<usize>) -> bool {
        let bin = &self.bins[b];
        let fits = self.instance.fits[bin.kind][self.shapes[j]];
        if self.plain[j] {
            return fits > 0;
        }
        let held = |i: usize| bin.counts[i] - u64::from(leaving == Some(i));
        fits > 0
            && (!self.instance.shapes[self.shapes[j]].capped || held(j) < fits)
            && self.conflicts[j].iter().all(|&i| held(i) == 0)
    }

    /// By how much the overflow of a bin grows once a copy of `enters` came and one of `leaves` went.
    fn growth(&self, b: usize, enters: Option<usize>, leaves: Option<usize>) -> f64 {
        let share = |j: Option<usize>| j.map_or(&self.nothing[..], |j| self.share(b, j));
        overflow(&self.bins[b].load, share(enters), share(leaves)) - self.bins[b].overflow
    }

    /// Puts every copy that is still outside where it overflows least, large ones first.
    fn place_rest(&mut self) -> Option<()> {
        let instance = self.instance;
        let largest: Vec<f64> = (0..instance.dims)
            .map(|k| instance.kinds.iter().map(|t| t.capacity[k]).max().unwrap_or(1).max(1) as f64)
            .collect();
        let size = |j: usize| {
            let shares = instance.shapes[self.shapes[j]].demand.iter().zip(&largest);
            shares.map(|(&d, c)| d as f64 / c).fold(0.0, f64::max)
        };
        let mut order: Vec<usize> = (0..self.left.len()).filter(|&j| self.left[j] > 0).collect();
        order.sort_by(|&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
        for j in order {
            while self.left[j] > 0 {
                let growth = |b: &usize| self.growth(*b, Some(j), None);
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
        self.bins[b].counts[j] += 1;
        self.load(b, j, 1.0);
    }

    fn take(&mut self, b: usize, j: usize) {
        self.bins[b].counts[j] -= 1;
        self.load(b, j, -1.0);
    }

    /// The change at an overfull bin that lowers the overflow most, or raises it least.
    fn best_change(&self, from: usize, step: u64, rng: &mut Rng, work: &mut u64) -> Option<Change> {
        let held = |b: usize| -> Vec<usize> {
            (0..self.left.len()).filter(|&j| self.bins[b].counts[j] > 0).collect()
        };
        let mut ours = held(from);
        rng.shuffle(&mut ours);
        // What relieves the bin most comes first: nothing after it can do better than it relieves.
        let mut moved: Vec<(f64, usize)> =
            ours.into_iter().map(|out| (self.growth(from, None, Some(out)), out)).collect();
        let mut swapped = moved[..moved.len().min(TRIED)].to_vec();
        moved.sort_by(|a, b| a.0.total_cmp(&b.0));
        swapped.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut best: Option<Change> = None;
        let others = self.bins.len() - 1;
        let partner = |i: usize| if i >= from { i + 1 } else { i };
        for &(without, out) in &moved {
            if best.as_ref().is_some_and(|b| without >= b.delta) {
                break;
            }
            for to in (0..others).map(partner) {
                if self.bins[to].tabu[out] > step || !self.may_enter(to, out, None) {
                    continue;
                }
                *work += 1;
                let delta = without + self.growth(to, Some(out), None);
                if best.as_ref().is_none_or(|b| delta < b.delta) {
                    best = Some(Change { from, to, out, back: None, delta });
                }
            }
        }
        for _ in 0..PARTNERS.min(others) {
            let to = partner(rng.usize(..others));
            let mut theirs = held(to);
            rng.shuffle(&mut theirs);
            theirs.truncate(TRIED);
            theirs.retain(|&back| self.bins[from].tabu[back] <= step);
            let most = -self.bins[to].overflow;
            for &(without, out) in swapped.iter().filter(|&&(_, j)| self.bins[to].tabu[j] <= step) {
                if best.as_ref().is_some_and(|b| without + most >= b.delta) {
                    break;
                }
                for &back in theirs.iter().filter(|&&j| j != out) {
                    if !self.may_enter(to, out, Some(back)) || !self.may_enter(from, back, Some(out)) {
                        continue;
                    }
                    *work += 1;
                    let delta =
                        self.growth(from, Some(back), Some(out)) + self.growth(to, Some(out), Some(back));
                    if best.as_ref().is_none_or(|b| delta < b.delta) {
                        best = Some(Change { from, to, out, back: Some(back), delta });
                    }
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

    /// The bins, if none is overfull in whole numbers.
    fn finish(self) -> Option<Vec<Bin>> {
        if self.left.iter().any(|&l| l > 0) {
            return None;
        }
        let bins = self.bins.iter().map(|bin| {
            let counts = self.shapes.iter().copied().zip(bin.counts.iter().copied());
            Bin { kind: bin.kind, content: counts.filter(|&(_, n)| n > 0).collect(), copies: 1 }
        });
        let bins: Vec<Bin> = bins.filter(|bin| !bin.content.is_empty()).collect();
        bins.iter().all(|bin| self.instance.holds(bin)).then_some(bins)
    }
}
