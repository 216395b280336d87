//! Large-neighbourhood search: free a few bins, pool what they hold, pack it again.
//!
//! Bins that pay worst under the prices (rate less the value of their content) are freed first.
//! A round frees several disjoint neighbourhoods, repacks them in parallel and takes the results in
//! index order, so that the outcome does not depend on the number of threads. Some of them are packed
//! anew; such a repacking is taken when it is cheaper, or costs the same and leaves its slack in fewer
//! bins, where a later round can make it pay. In others one to three bins are traded for others that
//! cost less, and the content shifted until it fits. What saves most for its work is tried most
//! often. The longer nothing is saved, the larger the neighbourhoods become.

use fastrand::Rng;
use rayon::prelude::*;

use super::fit::fit;
use super::greedy::{Balance, Filler};
use super::guide::Guide;
use super::instance::{Bin, Instance};

/// Neighbourhoods freed at once; fixed, so that the result is the same at any number of threads.
const PER_ROUND: usize = 16;

/// Bins that the search works on; of larger plans the rest stays as it is.
const MOST_NODES: u64 = 50_000;

/// A way to repack, with what it saved for its work of late.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    /// Nano-dollars.
    saved: f64,
    work: f64,
}

/// Per round, what the ways did before counts so much less.
const FADING: f64 = 0.995;

/// One in so many bins is drawn, and of those the most wasteful freed: of many bins only few are still worth it.
const DRAWN: usize = 20;
/// But not more than these.
const MOST_DRAWN: usize = 50;

/// The least share of the neighbourhoods that every way has, in terms of the best way's.
const LEAST_SHARE: f64 = 0.1;

impl Way {
    fn rate(self) -> f64 {
        self.saved / self.work.max(1.0)
    }

    fn saw(&mut self, saved: i128, work: u64) {
        self.saved += saved as f64;
        self.work += work as f64;
    }
}

/// A single bin with what it wastes under the prices.
#[derive(Debug, Clone)]
struct Node {
    kind: usize,
    content: Vec<(usize, u64)>,
    waste: f64,
}

/// The state of the search between rounds.
pub(super) struct Improver<'a> {
    /// Opinions on what copies are worth: the first says which bins waste, each has its share of packings.
    guides: Vec<&'a Guide<'a>>,
    nodes: Vec<Node>,
    /// Bins beyond what the search works on.
    frozen: Vec<Bin>,
    available: Vec<u64>,
    /// Trading, then packing anew by each guide.
    ways: Vec<Way>,
    rng: Rng,
    /// Rounds since the last that saved anything.
    pub idle: u64,
    /// Work done since it was last taken.
    pub work: u64,
    /// Whether it remembers what it makes.
    pub remembers: bool,
    /// Bins of repackings that it took.
    pub made: Vec<Bin>,
}

/// Bins freed together, and what is tried on them.
struct Neighbourhood {
    members: Vec<usize>,
    /// Which of the ways.
    way: usize,
}

impl<'a> Improver<'a> {
    pub(super) fn new(guides: &[&'a Guide<'a>], bins: &[Bin], seed: u64) -> Self {
        let guide = guides[0];
        let mut available: Vec<u64> =
            guide.instance.kinds.iter().map(|k| k.stock.unwrap_or(u64::MAX)).collect();
        let mut nodes = Vec::new();
        let mut frozen = Vec::new();
        let per_pattern = (MOST_NODES / bins.len().max(1) as u64).max(1);
        for bin in bins {
            if available[bin.kind] != u64::MAX {
                available[bin.kind] -= bin.copies;
            }
            let waste = waste(guide, bin.kind, &bin.content);
            let worked_on = bin.copies.min(per_pattern);
            for _ in 0..worked_on {
                nodes.push(Node { kind: bin.kind, content: bin.content.clone(), waste });
            }
            if bin.copies > worked_on {
                frozen.push(Bin { copies: bin.copies - worked_on, ..bin.clone() });
            }
        }
        Improver {
            guides: guides.to_vec(),
            nodes,
            frozen,
            available,
            ways: vec![Way::default(); guides.len() + 1],
            rng: Rng::with_seed(seed),
            idle: 0,
            work: 0,
            remembers: false,
            made: Vec::new(),
        }
    }

    /// How many bins it works on.
    pub(super) fn size(&self) -> u64 {
        self.nodes.len() as u64
    }

    /// The bins as they are now, equal ones together.
    pub(super) fn bins(&self) -> Vec<Bin> {
        let mut sorted: Vec<&Node> = self.nodes.iter().collect();
        sorted.sort_unstable_by(|a, b| (a.kind, &a.content).cmp(&(b.kind, &b.content)));
        let mut bins: Vec<Bin> = Vec::new();
        for node in sorted {
            match bins.last_mut() {
                Some(last) if last.kind == node.kind && last.content == node.content => last.copies += 1,
                _ => bins.push(Bin { kind: node.kind, content: node.content.clone(), copies: 1 }),
            }
        }
        bins.extend(self.frozen.iter().cloned());
        bins
    }

    /// One round. Returns the nano-dollars saved.
    pub(super) fn round(&mut self) -> i128 {
        let instance = self.guides[0].instance;
        let neighbourhoods = self.choose();
        let steps = 100 + 2 * self.idle.min(200);
        let seeds: Vec<u64> = neighbourhoods.iter().map(|_| self.rng.u64(..)).collect();
        // Stock that is not in use is shared out to the first neighbourhood that could take it.
        let (guide, nodes) = (self.guides[0], &self.nodes);
        let guides = &self.guides;
        let stocked = instance.kinds.iter().any(|k| k.stock.is_some());
        let available = &self.available;
        let results: Vec<(Option<Repacked>, u64)> = neighbourhoods
            .par_iter()
            .zip(&seeds)
            .enumerate()
            .map(|(i, (Neighbourhood { members, way }, &seed))| {
                let mut free = available.clone();
                if stocked && i > 0 {
                    for (kind, free) in instance.kinds.iter().zip(&mut free) {
                        if kind.stock.is_some() {
                            *free = 0;
                        }
                    }
                }
                match way.checked_sub(1) {
                    None => trade_bins(guide, nodes, members, &free, seed, steps),
                    Some(by) => repack(guide, guides[by], nodes, members, free, seed),
                }
            })
            .collect();
        let mut saved = 0;
        let mut dropped: Vec<usize> = Vec::new();
        for way in &mut self.ways {
            way.saved *= FADING;
            way.work *= FADING;
        }
        for (Neighbourhood { members, way }, (repacked, work)) in neighbourhoods.iter().zip(results) {
            self.work += work;
            self.ways[*way].saw(repacked.as_ref().map_or(0, |r| r.saved), work);
            let Some(repacked) = repacked else { continue };
            saved += repacked.saved;
            for &m in members {
                let kind = self.nodes[m].kind;
                self.available[kind] = self.available[kind].saturating_add(1);
            }
            let mut slots = members.iter().copied();
            for bin in repacked.bins {
                let waste = waste(guide, bin.kind, &bin.content);
                if self.available[bin.kind] != u64::MAX {
                    self.available[bin.kind] -= bin.copies;
                }
                for _ in 0..bin.copies {
                    let node = Node { kind: bin.kind, content: bin.content.clone(), waste };
                    match slots.next() {
                        Some(slot) => self.nodes[slot] = node,
                        None => self.nodes.push(node),
                    }
                }
                if self.remembers {
                    self.made.push(bin);
                }
            }
            dropped.extend(slots);
        }
        self.idle = if saved > 0 { 0 } else { self.idle + 1 };
        dropped.sort_unstable();
        for slot in dropped.into_iter().rev() {
            self.nodes.swap_remove(slot);
        }
        saved
    }

    /// Whether two bins could hold each other's content, as far as single copies go.
    fn may_trade(&self, a: usize, b: usize) -> bool {
        let fits = &self.guides[0].instance.fits;
        let could = |from: &Node, to: &Node| from.content.iter().all(|&(j, _)| fits[to.kind][j] > 0);
        could(&self.nodes[a], &self.nodes[b]) || could(&self.nodes[b], &self.nodes[a])
    }

    /// Disjoint sets of bins: a seed that wastes much, and others at random or wasting much.
    fn choose(&mut self) -> Vec<Neighbourhood> {
        let n = self.nodes.len();
        let mut used = vec![false; n];
        let mut sets = Vec::new();
        let best = self.ways.iter().map(|w| w.rate()).fold(0.0, f64::max);
        let weights: Vec<f64> = self
            .ways
            .iter()
            .map(|w| if best > 0.0 { (w.rate() / best).max(LEAST_SHARE) } else { 1.0 })
            .collect();
        let total: f64 = weights.iter().sum();
        let few = (n / DRAWN).clamp(3, MOST_DRAWN);
        let rounds = PER_ROUND.min(n.div_ceil(2)).max(1);
        for _ in 0..rounds {
            let mut drawn = self.rng.f64() * total;
            let way = weights.iter().position(|w| {
                drawn -= w;
                drawn < 0.0
            });
            let way = way.unwrap_or(0);
            let size = if way == 0 {
                4 + self.rng.usize(..12 + self.idle.min(200) as usize / 8)
            } else {
                2 + self.rng.usize(..7)
            };
            // Never so large that the others find nothing left.
            let size = size.min(n.div_ceil(2)).max(2).min(n);
            let mut members = Vec::with_capacity(size);
            let mut tries = 0;
            while members.len() < size && tries < 4 * size + 8 {
                tries += 1;
                // The most wasteful of some random bins; one in three at random.
                let draws = if members.is_empty() { 2 * few } else { [1, few, 2 * few][self.rng.usize(..3)] };
                let pick = (0..draws)
                    .map(|_| self.rng.usize(..n))
                    .max_by(|&a, &b| self.nodes[a].waste.total_cmp(&self.nodes[b].waste).then(b.cmp(&a)))
                    .unwrap_or(0);
                let strange = tries <= 3 * size && members.first().is_some_and(|&m| !self.may_trade(m, pick));
                if !used[pick] && !strange {
                    used[pick] = true;
                    members.push(pick);
                }
            }
            if !members.is_empty() {
                members.sort_unstable();
                sets.push(Neighbourhood { members, way });
            }
        }
        sets
    }
}

/// Rate less the value of the content: what the bin costs beyond what its items are worth.
fn waste(guide: &Guide<'_>, kind: usize, content: &[(usize, u64)]) -> f64 {
    let value: f64 = content.iter().map(|&(j, n)| guide.pi[j] * n as f64).sum();
    guide.instance.kinds[kind].rate as f64 - value
}

struct Repacked {
    bins: Vec<Bin>,
    saved: i128,
}

/// How unevenly slack is spread: the sum of squared shares of rate that each bin wastes.
fn concentration(guide: &Guide<'_>, bins: impl Iterator<Item = (usize, f64)>) -> f64 {
    bins.map(|(kind, waste)| waste * waste / (guide.instance.kinds[kind].rate as f64).max(1.0)).sum()
}

/// What all the members hold, per shape.
fn pooled(instance: &Instance, nodes: &[Node], members: &[usize]) -> Vec<u64> {
    let mut pool = vec![0u64; instance.shapes.len()];
    for &(j, n) in members.iter().flat_map(|&m| &nodes[m].content) {
        pool[j] += n;
    }
    pool
}

/// What each member of a neighbourhood becomes; `None`: nothing, its bin is dropped.
type Trade = Vec<(usize, Option<usize>)>;

/// Trades one to three of the bins for others, or for none, that cost less in all, and shifts the
/// content until nothing is overfull.
fn trade_bins(
    guide: &Guide<'_>,
    nodes: &[Node],
    members: &[usize],
    free: &[u64],
    seed: u64,
    steps: u64,
) -> (Option<Repacked>, u64) {
    const ATTEMPTS: usize = 6;
    let instance: &Instance = guide.instance;
    let rate = |kind: usize| i128::from(instance.kinds[kind].rate);
    let mut rng = Rng::with_seed(seed);
    let mut work = 0;
    let pool = pooled(instance, nodes, members);
    let cost: i128 = members.iter().map(|&m| rate(nodes[m].kind)).sum();
    for _ in 0..ATTEMPTS {
        work += (members.len() * 40) as u64;
        let Some(next) = draw_trade(guide, nodes, members, free, &pool, &mut rng) else { continue };
        let mut bins = vec![0u64; instance.kinds.len()];
        let mut start = Vec::with_capacity(next.len());
        for (m, kind) in next {
            if let Some(kind) = kind {
                bins[kind] += 1;
                start.push(Bin { kind, content: nodes[m].content.clone(), copies: 1 });
            }
        }
        if let Some(bins) = fit(instance, &pool, &bins, &start, &mut rng, steps, &mut work) {
            let now: i128 = bins.iter().map(|b| rate(b.kind)).sum();
            return (Some(Repacked { bins, saved: cost - now }), work);
        }
    }
    (None, work)
}

/// Of some random trades that cost less and do not lack
/// capacity in all, the one with most room in its scarcest dimension.
fn draw_trade(
    guide: &Guide<'_>,
    nodes: &[Node],
    members: &[usize],
    free: &[u64],
    pool: &[u64],
    rng: &mut Rng,
) -> Option<Trade> {
    const DRAWS: usize = 40;
    let instance = guide.instance;
    let mut used = vec![0u128; instance.dims];
    for (&n, shape) in pool.iter().zip(&instance.shapes).filter(|(n, _)| **n > 0) {
        for (used, &d) in used.iter_mut().zip(&shape.demand) {
            *used += u128::from(n) * u128::from(d);
        }
    }
    let rate = |kind: usize| i128::from(instance.kinds[kind].rate);
    let cost: i128 = members.iter().map(|&m| rate(nodes[m].kind)).sum();
    let own = |t: usize| members.iter().filter(|&&m| nodes[m].kind == t).count() as u64;
    let mut best: Option<(f64, Trade)> = None;
    for _ in 0..DRAWS {
        let mut next: Trade = members.iter().map(|&m| (m, Some(nodes[m].kind))).collect();
        let reach = guide.candidates.len().min([6, 12, 40][rng.usize(..3)]);
        for i in 0..1 + rng.usize(..3.min(members.len())) {
            let other = rng.usize(i..next.len());
            next.swap(i, other);
            next[i].1 = (rng.u8(..8) > 0).then(|| guide.candidates[rng.usize(..reach)]);
        }
        let kinds = || next.iter().filter_map(|(_, kind)| *kind);
        if kinds().map(rate).sum::<i128>() >= cost {
            continue;
        }
        let room = (0..instance.dims)
            .filter(|&k| used[k] > 0)
            .map(|k| {
                let offered: u128 = kinds().map(|t| u128::from(instance.kinds[t].capacity[k])).sum();
                offered as f64 / used[k] as f64
            })
            .fold(f64::INFINITY, f64::min);
        let bought = |t: usize| kinds().filter(|&other| other == t).count() as u64;
        let in_stock = || kinds().all(|t| bought(t) <= free[t].saturating_add(own(t)));
        if room >= 1.0 && best.as_ref().is_none_or(|(r, _)| room > *r) && in_stock() {
            best = Some((room, next));
        }
    }
    best.map(|(_, next)| next)
}

fn repack(
    guide: &Guide<'_>,
    by: &Guide<'_>,
    nodes: &[Node],
    members: &[usize],
    mut free: Vec<u64>,
    seed: u64,
) -> (Option<Repacked>, u64) {
    let instance: &Instance = guide.instance;
    let mut rng = Rng::with_seed(seed);
    let pool = pooled(instance, nodes, members);
    let mut cost = 0i128;
    for &m in members {
        let kind = nodes[m].kind;
        cost += i128::from(instance.kinds[kind].rate);
        free[kind] = free[kind].saturating_add(1);
    }
    let before = concentration(guide, members.iter().map(|&m| (nodes[m].kind, nodes[m].waste)));
    let mut filler = Filler::default();
    let mut value = vec![0.0; pool.len()];
    let mut best: Option<(Repacked, f64)> = None;
    for _ in 0..3 {
        let balance = Balance([0.0, 0.0, 0.5, 1.0][rng.usize(..4)]);
        filler.lean = [0.0, 0.01, 0.03, 0.1][rng.usize(..4)];
        let noise = [0.0, 0.02, 0.05, 0.1][rng.usize(..4)];
        for (j, value) in value.iter_mut().enumerate().filter(|&(j, _)| pool[j] > 0) {
            *value = by.pi[j].max(1.0) * (1.0 + noise * (rng.f64() - 0.5));
        }
        // Kinds to open: those freed, and a few of the best for the prices.
        let mut open: Vec<usize> = Vec::new();
        if rng.bool() {
            open.extend(members.iter().map(|&m| nodes[m].kind));
        }
        let reach = by.candidates.len().min(if rng.bool() { 4 } else { 24 });
        for _ in 0..3 {
            open.push(by.candidates[rng.usize(..reach)]);
        }
        open.sort_unstable();
        open.dedup();
        let mut left = pool.clone();
        let mut available = free.clone();
        let limit = best.as_ref().map_or(cost, |(b, _)| cost - b.saved) as f64 + 0.5;
        let Some(bins) = filler.pack(by, &mut left, &value, balance, &open, &mut available, limit) else {
            continue;
        };
        let now = instance.cost_of(&bins);
        let spread = concentration(
            guide,
            bins.iter()
                .flat_map(|b| (0..b.copies).map(move |_| b))
                .map(|b| (b.kind, waste(guide, b.kind, &b.content))),
        );
        let saved = cost - now;
        let better = match &best {
            None => saved > 0 || (saved == 0 && spread > before * (1.0 + 1e-9)),
            Some((b, s)) => saved > b.saved || (saved == b.saved && spread > *s),
        };
        if better {
            best = Some((Repacked { bins, saved }, spread));
        }
    }
    (best.map(|(b, _)| b), filler.work)
}
