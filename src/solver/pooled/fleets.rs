//! Few bins: which bins to buy is enumerated, the cheapest first, and the groups are fitted into them.
//!
//! With one or two bins in a pool the cost of a pool is a staircase that annealing sees no way down:
//! almost every move changes nothing. So the bins come first here. A fleet is a number of bins for one to
//! three pools that costs less than the best plan and has room for everything in sum. Groups are shared
//! out over its pools by tabu search on what goes beyond them by the bounds of `model.rs`; where nothing
//! does, the pools are packed for real.

use fastrand::Rng;

use super::model::Model;
use super::state::{add, raise};

/// The group that moves, the pool that it moves to, and the group that comes back for it.
type Change = (usize, usize, Option<usize>);

/// Bins of one to three pools.
#[derive(Debug, Clone)]
pub(super) struct Fleet {
    /// Nano-dollars per hour.
    pub cost: f64,
    /// Candidates, and how many bins of each.
    pub pools: Vec<(usize, u64)>,
    /// The least share of room over demand, over dimensions.
    room: f64,
}

/// What fleets are enumerated within.
pub(super) struct Within<'a> {
    /// A fleet costs less.
    pub below: f64,
    /// The most pools.
    pub most: usize,
    /// The most bin types that its pools have in all.
    pub most_bin_types: usize,
    /// The most fleets.
    pub count: usize,
    /// Candidates that three pools are looked for in.
    pub preferred: &'a [usize],
}

/// Fleets worth a try, the cheapest first. Of too many at about the same cost those stay that have the
/// most room.
pub(super) fn fleets(model: &Model<'_>, within: &Within<'_>) -> Vec<Fleet> {
    let demand = demand(model);
    let capacity: Vec<Vec<f64>> = (0..model.candidates.len()).map(|c| capacity(model, c)).collect();
    let mut found = Vec::new();
    let all: Vec<usize> = (0..model.candidates.len()).collect();
    let mut sets: Vec<Vec<usize>> = all.iter().map(|&c| vec![c]).collect();
    if within.most >= 2 {
        sets.extend(all.iter().flat_map(|&a| all[a + 1..].iter().map(move |&b| vec![a, b])));
    }
    if within.most >= 3 {
        let few = within.preferred;
        for (i, &a) in few.iter().enumerate() {
            for (j, &b) in few.iter().enumerate().skip(i + 1) {
                sets.extend(few[j + 1..].iter().map(|&c| vec![a, b, c]));
            }
        }
    }
    for set in sets {
        let types: usize = set.iter().map(|&c| model.candidates[c].bins.len()).sum();
        let covered = (0..model.groups()).all(|g| set.iter().any(|&c| model.may(c, g)));
        if types <= within.most_bin_types && covered {
            let mut counts = Vec::with_capacity(set.len());
            extend(model, &set, &mut counts, within.below, &demand, &capacity, &mut found);
        }
    }
    found.sort_by(|a, b| a.cost.total_cmp(&b.cost).then_with(|| a.pools.cmp(&b.pools)));
    let stride = found.len().div_ceil(within.count.max(1)).max(1);
    let roomiest = |near: &[Fleet]| {
        let best = near.iter().max_by(|a, b| a.room.total_cmp(&b.room).then_with(|| b.pools.cmp(&a.pools)));
        best.expect("a chunk is not empty").clone()
    };
    found.chunks(stride).map(roomiest).collect()
}

/// Counts for the pools of a set from the next one on: at least one bin of each, and of the last as many
/// as there must be and more.
fn extend(
    model: &Model<'_>,
    set: &[usize],
    counts: &mut Vec<u64>,
    left: f64,
    demand: &[f64],
    capacity: &[Vec<f64>],
    found: &mut Vec<Fleet>,
) {
    let at = counts.len();
    let candidate = &model.candidates[set[at]];
    let rate = candidate.rate.max(1e-3);
    // Others still to come take a bin each.
    let others: f64 = set[at + 1..].iter().map(|&c| model.candidates[c].rate.max(1e-3)).sum();
    let offered = |k: usize, counts: &[u64]| -> f64 {
        counts.iter().zip(set).map(|(&n, &c)| n as f64 * capacity[c][k]).sum()
    };
    let last = at + 1 == set.len();
    let mut least = 1;
    if last {
        for (k, &all) in demand.iter().enumerate() {
            let missing = all - offered(k, counts);
            if missing > 0.0 && capacity[set[at]][k] <= 0.0 {
                return;
            }
            if missing > 0.0 {
                least = least.max((missing / capacity[set[at]][k]).ceil() as u64);
            }
        }
    }
    let mut n = least;
    while (n as f64) * rate + others < left && n as f64 <= candidate.stock && n <= MOST_BINS {
        counts.push(n);
        if last {
            let room = |(k, &all): (usize, &f64)| {
                if all > 0.0 { offered(k, counts) / all } else { f64::INFINITY }
            };
            let pools: Vec<(usize, u64)> = set.iter().copied().zip(counts.iter().copied()).collect();
            let cost = pools.iter().map(|&(c, n)| n as f64 * model.candidates[c].rate).sum();
            let room = demand.iter().enumerate().map(room).fold(f64::INFINITY, f64::min);
            found.push(Fleet { cost, pools, room });
        } else {
            extend(model, set, counts, left - n as f64 * rate, demand, capacity, found);
        }
        counts.pop();
        n += 1;
    }
}

/// The most bins of one pool.
const MOST_BINS: u64 = 40;

/// What all items take, dimension by dimension.
fn demand(model: &Model<'_>) -> Vec<f64> {
    let dims = model.problem.dimensions().len();
    (0..dims)
        .map(|k| model.problem.items().iter().map(|i| i.copies as f64 * i.demand[k] as f64).sum())
        .collect()
}

/// What a bin of the candidate offers at most, dimension by dimension.
fn capacity(model: &Model<'_>, c: usize) -> Vec<f64> {
    let bins = &model.candidates[c].bins;
    let dims = model.problem.dimensions().len();
    let most = |k: usize| bins.iter().map(|&b| model.problem.bin(b).capacity[k]).max().unwrap_or(0);
    (0..dims).map(|k| most(k) as f64).collect()
}

/// Candidate of each group within a fleet, so that nothing goes beyond its pools by the bounds; `None`
/// where the steps do not suffice. `margin` is the share of each pool to leave free.
pub(super) fn share_out(
    model: &Model<'_>,
    fleet: &Fleet,
    margin: f64,
    steps: u64,
    rng: &mut Rng,
    work: &mut u64,
) -> Option<Vec<usize>> {
    let mut shared = Shared::start(model, fleet, margin, rng)?;
    for step in 0..steps {
        let over: Vec<usize> = (0..shared.pools.len()).filter(|&p| shared.pools[p].over > 0.0).collect();
        if over.is_empty() {
            break;
        }
        let from = over[rng.usize(..over.len())];
        if let Some((g, to, back)) = shared.best_change(from, step, rng, work) {
            shared.apply(g, from, to, back, step, rng);
        }
    }
    let fits = shared.pools.iter().all(|pool| pool.over <= 0.0);
    fits.then(|| shared.of.iter().map(|&p| shared.pools[p].candidate).collect())
}

struct Pool {
    candidate: usize,
    bins: f64,
    members: Vec<usize>,
    load: Vec<f64>,
    need: Vec<f64>,
    over: f64,
}

/// All groups in the pools of a fleet, which may hold too much.
struct Shared<'a> {
    model: &'a Model<'a>,
    pools: Vec<Pool>,
    of: Vec<usize>,
    /// Until which step a group may not go back to a pool; row-major by group.
    tabu: Vec<u64>,
}

/// Steps that a group stays out of the pool that it left, at least, and up to twice as many.
const TENURE: u64 = 6;
/// Pairs that a step tries to exchange.
const PAIRS: usize = 40;

impl<'a> Shared<'a> {
    /// Large groups first, each where it goes beyond least, else where most room is left.
    fn start(model: &'a Model<'a>, fleet: &Fleet, margin: f64, rng: &mut Rng) -> Option<Self> {
        let empty = |&(candidate, n): &(usize, u64)| Pool {
            candidate,
            bins: n as f64 * (1.0 - margin),
            members: Vec::new(),
            load: vec![0.0; model.terms],
            need: vec![0.0; model.needs],
            over: 0.0,
        };
        let pools: Vec<Pool> = fleet.pools.iter().map(empty).collect();
        let groups = model.groups();
        let tabu = vec![0; groups * pools.len()];
        let mut shared = Shared { model, of: vec![usize::MAX; groups], tabu, pools };
        let noise: Vec<f64> = (0..groups).map(|_| 0.7 + 0.6 * rng.f64()).collect();
        let size = |g: usize| {
            let of = |p: &Pool| model.bins(model.load(p.candidate, g), model.need(p.candidate, g)) / p.bins;
            shared.pools.iter().filter(|p| model.may(p.candidate, g)).map(of).fold(0.0, f64::max) * noise[g]
        };
        let mut order: Vec<(f64, usize)> = (0..groups).map(|g| (size(g), g)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, g) in order {
            let fill = |p: &usize| {
                let pool = &shared.pools[*p];
                let (load, need) = shared.with(*p, &[g], &[]);
                let beyond = model.overflow(&load, &need, pool.bins);
                // Beyond first; then how full the pool gets.
                1e3 * (beyond - pool.over) + model.bins(&load, &need) / pool.bins
            };
            let may = |p: &usize| model.may(shared.pools[*p].candidate, g);
            let to = (0..shared.pools.len())
                .filter(may)
                .map(|p| (fill(&p), p))
                .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?
                .1;
            shared.enter(g, to);
        }
        Some(shared)
    }

    /// Sums and needs of a pool after some groups came and others went.
    fn with(&self, p: usize, enter: &[usize], leave: &[usize]) -> (Vec<f64>, Vec<f64>) {
        let pool = &self.pools[p];
        let mut load = pool.load.clone();
        leave.iter().for_each(|&g| add(&mut load, self.model.load(pool.candidate, g), -1.0));
        let mut need = if leave.is_empty() { pool.need.clone() } else { vec![0.0; self.model.needs] };
        if !leave.is_empty() {
            let stay = pool.members.iter().filter(|g| !leave.contains(g));
            stay.for_each(|&g| raise(&mut need, self.model.need(pool.candidate, g)));
        }
        for &g in enter {
            add(&mut load, self.model.load(pool.candidate, g), 1.0);
            raise(&mut need, self.model.need(pool.candidate, g));
        }
        (load, need)
    }

    /// What a pool would go beyond by.
    fn over(&self, p: usize, enter: &[usize], leave: &[usize]) -> f64 {
        let (load, need) = self.with(p, enter, leave);
        self.model.overflow(&load, &need, self.pools[p].bins)
    }

    fn enter(&mut self, g: usize, p: usize) {
        let (load, need) = self.with(p, &[g], &[]);
        self.set(p, load, need);
        self.pools[p].members.push(g);
        self.of[g] = p;
    }

    fn leave(&mut self, g: usize, p: usize) {
        let (load, need) = self.with(p, &[], &[g]);
        self.set(p, load, need);
        self.pools[p].members.retain(|&other| other != g);
    }

    fn set(&mut self, p: usize, load: Vec<f64>, need: Vec<f64>) {
        let over = self.model.overflow(&load, &need, self.pools[p].bins);
        let pool = &mut self.pools[p];
        (pool.load, pool.need, pool.over) = (load, need, over);
    }

    fn free(&self, g: usize, p: usize, step: u64) -> bool {
        self.tabu[g * self.pools.len() + p] <= step && self.model.may(self.pools[p].candidate, g)
    }

    /// The group of a pool that is too full to move, where to, and which one to take back for it.
    fn best_change(&self, from: usize, step: u64, rng: &mut Rng, work: &mut u64) -> Option<Change> {
        let terms = self.model.terms as u64;
        let mut best: Option<(f64, Change)> = None;
        let mut consider = |delta: f64, change: Change| {
            if best.as_ref().is_none_or(|(least, _)| delta < *least) {
                best = Some((delta, change));
            }
        };
        let ours = &self.pools[from].members;
        for &g in ours {
            let without = self.over(from, &[], &[g]) - self.pools[from].over;
            for to in (0..self.pools.len()).filter(|&to| to != from && self.free(g, to, step)) {
                *work += terms;
                consider(without + self.over(to, &[g], &[]) - self.pools[to].over, (g, to, None));
            }
        }
        for _ in 0..PAIRS {
            let to = rng.usize(..self.pools.len());
            if to == from || ours.is_empty() || self.pools[to].members.is_empty() {
                continue;
            }
            let g = ours[rng.usize(..ours.len())];
            let theirs = &self.pools[to].members;
            let back = theirs[rng.usize(..theirs.len())];
            if self.free(g, to, step) && self.free(back, from, step) {
                *work += 2 * terms;
                let delta = self.over(from, &[back], &[g]) - self.pools[from].over
                    + self.over(to, &[g], &[back])
                    - self.pools[to].over;
                consider(delta, (g, to, Some(back)));
            }
        }
        best.map(|(_, change)| change)
    }

    fn apply(&mut self, g: usize, from: usize, to: usize, back: Option<usize>, step: u64, rng: &mut Rng) {
        let pools = self.pools.len();
        self.leave(g, from);
        if let Some(back) = back {
            self.leave(back, to);
            self.enter(back, from);
            self.tabu[back * pools + to] = step + TENURE + rng.u64(..TENURE);
        }
        self.enter(g, to);
        self.tabu[g * pools + from] = step + TENURE + rng.u64(..TENURE);
    }
}
