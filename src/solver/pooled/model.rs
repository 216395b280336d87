//! How many bins of a pool a set of groups needs, as an estimate that is quick to update.
//!
//! ```text
//! bins of pool p for a set S of groups  >=  max( max_f sum_{g in S} F_f(p, g),
//!                                               sum_b max( max_k R_bk(p, S), max_{g in S} need_b(p, g) ),
//!                                               max_{g in S} need(p, g) )
//! ```
//!
//! F are dual feasible functions of the items' shares of a bin (the share itself, and three that count
//! large items by how few of them share a bin, after Fekete and Schepers 2001); R is what items take that
//! may lie on one bin type b of the pool alone (a zone), and need is copies over the most that one bin
//! holds. All are lower bounds. What packing takes beyond them grows with how coarse the items are: one
//! more term, the grain sum_{copies} (largest share)^2, says how coarse (`estimate.rs` by how much). Items of
//! which a bin holds a whole number exactly lose nothing there.

use crate::problem::{BinTypeId, ItemTypeId, PoolId, Pooling, Problem};

/// What sums of shares may be beyond a bin by rounding.
const DUST: f64 = 1e-9;
/// The dual feasible functions beside the identity: u(m), m = 1 to this.
const STEPS: u64 = 3;

/// A pool that may be used.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub id: PoolId,
    pub bins: Vec<BinTypeId>,
    /// Nano-dollars per hour and bin, of the cheapest bin type.
    pub rate: f64,
    /// Bins there are of all its types together.
    pub stock: f64,
}

/// What does not change while groups move between pools.
pub(super) struct Model<'a> {
    pub problem: &'a Problem,
    pub pooling: &'a Pooling,
    pub candidates: Vec<Candidate>,
    /// Additive terms of one group: functions over all bins, restricted loads per bin type, the grain.
    pub terms: usize,
    /// Of them the functions.
    functions: usize,
    /// Dimensions that anybody demands.
    dims: usize,
    /// Bin types of the largest pool, and one place more for what no bin type restricts.
    pub needs: usize,
    /// Row-major by candidate and group.
    load: Vec<f64>,
    need: Vec<f64>,
    may: Vec<bool>,
    /// By candidate and function, whether all that counts there fills bins exactly, as GPUs and pod slots do.
    exact: Vec<bool>,
}

impl<'a> Model<'a> {
    /// For these pools.
    pub(super) fn new(problem: &'a Problem, pooling: &'a Pooling, pools: &[PoolId]) -> Self {
        let dims: Vec<usize> = (0..problem.dimensions().len())
            .filter(|&k| problem.items().iter().any(|item| item.demand[k] > 0))
            .collect();
        let candidates: Vec<Candidate> = pools.iter().map(|&id| candidate(problem, pooling, id)).collect();
        let widest = candidates.iter().map(|c| c.bins.len()).max().unwrap_or(1);
        // Where no item takes a quarter of any bin, the functions say no more than the shares.
        let coarse: Vec<bool> = dims
            .iter()
            .map(|&k| {
                let largest = problem.items().iter().map(|i| i.demand[k]).max().unwrap_or(0);
                let bins = candidates.iter().flat_map(|c| &c.bins).map(|&b| problem.bin(b).capacity[k]);
                bins.filter(|&c| c > 0).min().is_some_and(|least| largest > least / (STEPS + 1))
            })
            .collect();
        let functions: usize = coarse.iter().map(|&c| if c { 1 + STEPS as usize } else { 1 }).sum();
        let restricted = if widest > 1 { widest * dims.len() } else { 0 };
        let terms = functions + restricted + 1;
        let needs = if widest > 1 { widest + 1 } else { 1 };
        let groups = pooling.groups().len();
        let mut model = Model {
            problem,
            pooling,
            terms,
            functions,
            dims: dims.len(),
            needs,
            load: vec![0.0; candidates.len() * groups * terms],
            need: vec![0.0; candidates.len() * groups * needs],
            may: vec![false; candidates.len() * groups],
            exact: vec![true; candidates.len() * functions],
            candidates,
        };
        for c in 0..model.candidates.len() {
            for g in 0..groups {
                model.fill(c, g, &dims, &coarse);
            }
        }
        model
    }

    fn fill(&mut self, c: usize, g: usize, dims: &[usize], coarse: &[bool]) {
        let (problem, pooling) = (self.problem, self.pooling);
        let group = &pooling.groups()[g];
        let row = c * pooling.groups().len() + g;
        if !pooling.may_hold(problem, self.candidates[c].id, group) {
            return;
        }
        self.may[row] = true;
        let bins = &self.candidates[c].bins;
        let load = &mut self.load[row * self.terms..(row + 1) * self.terms];
        let need = &mut self.need[row * self.needs..(row + 1) * self.needs];
        for &id in group {
            let item = problem.item(id);
            let copies = item.copies as f64;
            let fitting = || bins.iter().enumerate().filter(|&(_, &b)| problem.copies_per_bin(id, b) > 0);
            let most = fitting().map(|(_, &b)| problem.copies_per_bin(id, b)).max().unwrap_or(1);
            let only = if self.needs > 1 && fitting().count() == 1 {
                fitting().next().map(|(i, _)| i)
            } else {
                None
            };
            let bins_needed = (copies / most as f64).ceil();
            let all = need.len() - 1;
            need[all] = need[all].max(bins_needed);
            if let Some(bin) = only {
                need[bin] = need[bin].max(bins_needed);
            }
            let mut f = 0;
            let mut largest: f64 = 0.0;
            for (place, (&k, &coarse)) in dims.iter().zip(coarse).enumerate() {
                let demand = item.demand[k];
                let capacity = fitting().map(|(_, &b)| problem.bin(b).capacity[k]).max().unwrap_or(1).max(1);
                let share = demand as f64 / capacity as f64;
                let begun = f;
                load[f] += copies * share;
                f += 1;
                if coarse {
                    for m in 1..=STEPS {
                        load[f] += copies * step(m, demand, capacity, share);
                        f += 1;
                    }
                }
                // What fills a bin exactly leaves nothing.
                if demand > 0 && capacity % demand != 0 {
                    largest = largest.max(share);
                    self.exact[c * self.functions + begun..c * self.functions + f].fill(false);
                }
                if let Some(bin) = only {
                    load[self.functions + bin * dims.len() + place] += copies * share;
                }
            }
            let grain = load.len() - 1;
            load[grain] += copies * largest * largest;
        }
    }

    pub(super) fn groups(&self) -> usize {
        self.pooling.groups().len()
    }

    pub(super) fn items(&self, g: usize) -> &'a [ItemTypeId] {
        &self.pooling.groups()[g]
    }

    /// Whether candidate `c` may hold group `g` whole.
    pub(super) fn may(&self, c: usize, g: usize) -> bool {
        self.may[c * self.groups() + g]
    }

    pub(super) fn load(&self, c: usize, g: usize) -> &[f64] {
        let row = c * self.groups() + g;
        &self.load[row * self.terms..(row + 1) * self.terms]
    }

    pub(super) fn need(&self, c: usize, g: usize) -> &[f64] {
        let row = c * self.groups() + g;
        &self.need[row * self.needs..(row + 1) * self.needs]
    }

    /// By how much sums and needs go beyond so many bins, over all functions: zero where the bounds see
    /// no reason why these should not do.
    pub(super) fn overflow(&self, load: &[f64], need: &[f64], bins: f64) -> f64 {
        let beyond: f64 = load[..self.functions].iter().map(|&f| (f - bins).max(0.0)).sum();
        let whole = self.bins(load, need) - bins;
        (beyond + whole.max(0.0) - DUST).max(0.0)
    }

    /// Bins for summed terms and largest needs, fractional.
    pub(super) fn bins(&self, load: &[f64], need: &[f64]) -> f64 {
        let most = load[..self.functions].iter().fold(need[self.needs - 1], |most, &f| most.max(f));
        most.max(self.restricted(load, need))
    }

    /// The same in two parts: what no packing exceeds by itself, and what packing takes more than.
    pub(super) fn exact_and_poured(&self, c: usize, load: &[f64], need: &[f64]) -> (f64, f64) {
        let (mut exact, mut poured) = (need[self.needs - 1], self.restricted(load, need));
        let exactly = &self.exact[c * self.functions..(c + 1) * self.functions];
        for (&f, &is_exact) in load[..self.functions].iter().zip(exactly) {
            if is_exact {
                exact = exact.max(f);
            } else {
                poured = poured.max(f);
            }
        }
        (exact, poured)
    }

    /// Bins for what may lie on one bin type of the pool alone.
    fn restricted(&self, load: &[f64], need: &[f64]) -> f64 {
        if self.needs == 1 {
            return 0.0;
        }
        let of_bin = |bin: usize| {
            let start = self.functions + bin * self.dims;
            let loads = &load[start..start + self.dims];
            loads.iter().fold(need[bin], |most, &l| most.max((l - 1e-9).ceil()))
        };
        (0..self.needs - 1).map(of_bin).sum()
    }
}

/// u(m) of Fekete and Schepers: items of more than 1/(m+1) count as at least 1/m.
fn step(m: u64, demand: u64, capacity: u64, share: f64) -> f64 {
    let scaled = u128::from(demand) * u128::from(m + 1);
    let capacity = u128::from(capacity);
    if scaled % capacity == 0 { share } else { (scaled / capacity) as f64 / m as f64 }
}

fn candidate(problem: &Problem, pooling: &Pooling, id: PoolId) -> Candidate {
    let bins = pooling.pools()[id.index()].clone();
    let rate = bins.iter().map(|&b| problem.bin(b).rate.nanos()).min().unwrap_or(0) as f64;
    let stock = bins.iter().map(|&b| problem.bin(b).stock.map_or(f64::INFINITY, |s| s as f64)).sum();
    Candidate { id, bins, rate, stock }
}

/// The pools that some group may lie in, without those that another one stands in for: no dearer and no
/// smaller, unlimited, and allowed for everything, bin type by bin type.
pub(super) fn undominated(problem: &Problem, pooling: &Pooling) -> Vec<PoolId> {
    let mut sets: Vec<_> = problem.items().iter().map(|i| i.eligible.clone()).collect();
    sets.sort_unstable();
    sets.dedup();
    let all: Vec<PoolId> = (0..pooling.pools().len() as u32)
        .map(PoolId)
        .filter(|&p| pooling.groups().iter().any(|g| pooling.may_hold(problem, p, g)))
        .collect();
    let stands_in = |b: PoolId, a: PoolId| {
        let (bins_b, bins_a) = (&pooling.pools()[b.index()], &pooling.pools()[a.index()]);
        bins_a.len() == bins_b.len()
            && bins_b.iter().zip(bins_a).all(|(&b, &a)| {
                let (bin_b, bin_a) = (problem.bin(b), problem.bin(a));
                bin_b.rate <= bin_a.rate
                    && bin_b.stock.is_none()
                    && bin_a.capacity.fits_in(&bin_b.capacity)
                    && sets.iter().all(|set| !set.contains(a) || set.contains(b))
            })
    };
    let dropped = |&a: &PoolId| all.iter().any(|&b| b != a && stands_in(b, a) && (b < a || !stands_in(a, b)));
    all.iter().copied().filter(|a| !dropped(a)).collect()
}
