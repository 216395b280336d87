//! What prices say about packing: how each resource weighs in a kind of bin, which kinds are worth opening, and
//! which is the cheapest that holds a content.

use super::instance::Instance;
use super::relaxation::Prices;

/// A resource that the relaxation prices at nothing still weighs this much of the bin, or free
/// riders would fill it up.
const LEAST_WEIGHT: f64 = 0.02;
/// The most kinds considered for each bin.
const OPENED: usize = 12;

/// What does not change between bins: weights of resources per kind, kinds by rate.
#[derive(Clone)]
pub(super) struct Guide<'a> {
    pub instance: &'a Instance,
    /// Value per copy of each shape.
    pub pi: &'a [f64],
    /// Per kind and dimension, the relaxation's price.
    pub lambda: &'a [Vec<f64>],
    /// `weight[kind][k]`: share of the bin's price that dimension k makes up; sums to one.
    weight: Vec<Vec<f64>>,
    /// Weight of each dimension by how full the relaxation's bins are in it; sums to one.
    fullness: Vec<f64>,
    /// Kinds in order of rate, then index: the first that holds a content is the cheapest.
    pub by_rate: Vec<usize>,
    /// Kinds worth opening, best value for money first; those that the relaxation buys lead.
    pub candidates: Vec<usize>,
    /// How many of the candidates the relaxation buys.
    bought: usize,
}

impl<'a> Guide<'a> {
    /// From prices; only kinds that `allowed` names are ever opened.
    pub(super) fn new(instance: &'a Instance, prices: &'a Prices, allowed: &[bool]) -> Self {
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
                    .zip(&kind.capacity)
                    .map(|(r, &c)| {
                        if c == 0 {
                            0.0
                        } else if total > 0.0 {
                            (r / total).max(LEAST_WEIGHT)
                        } else {
                            1.0
                        }
                    })
                    .collect();
                let sum: f64 = floored.iter().sum();
                floored.iter().map(|f| f / sum.max(f64::MIN_POSITIVE)).collect()
            })
            .collect();
        let mut by_rate: Vec<usize> = (0..instance.kinds.len()).filter(|&t| allowed[t]).collect();
        by_rate.sort_by_key(|&t| (instance.kinds[t].rate, t));
        let ratio = |t: usize| {
            let bought = if prices.bins[t] > 1e-6 { 1.0 } else { 0.0 };
            bought + prices.pattern_value[t] / instance.kinds[t].rate.max(1) as f64
        };
        let mut candidates = by_rate.clone();
        candidates.sort_by(|&a, &b| ratio(b).total_cmp(&ratio(a)).then(a.cmp(&b)));
        let bought = candidates.iter().filter(|&&t| prices.bins[t] > 1e-6).count();
        let fullness = fullness(instance, prices);
        Guide {
            instance,
            pi: &prices.pi,
            lambda: &prices.lambda,
            weight,
            fullness,
            by_rate,
            candidates,
            bought,
        }
    }

    /// Weight of each dimension of a kind, between prices (0) and fullness (1).
    pub(super) fn weights(&self, kind: usize, theta: f64) -> Vec<f64> {
        self.weight[kind].iter().zip(&self.fullness).map(|(w, f)| (1.0 - theta) * w + theta * f).collect()
    }

    /// Whether bins of a kind may be opened at all.
    pub(super) fn may_open(&self, kind: usize) -> bool {
        self.by_rate.contains(&kind)
    }

    /// The kinds that a packing considers for each bin.
    pub(super) fn opening(&self) -> &[usize] {
        &self.candidates[..self.candidates.len().min(OPENED)]
    }

    /// The kinds that the relaxation buys, while there is far more to place than they hold.
    pub(super) fn bulk_kinds(&self) -> (&[usize], f64) {
        let bulk = &self.candidates[..self.bought];
        let largest = bulk.iter().map(|&t| self.instance.kinds[t].rate).max().unwrap_or(0);
        (bulk, 3.0 * largest as f64)
    }

    /// The cheapest kind below a rate that holds `content` and of which one more is available.
    pub(super) fn cheapest_kind(
        &self,
        content: &[(usize, u64)],
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
            available[t] > 0
                && need.iter().zip(&instance.kinds[t].capacity).all(|(n, c)| n <= c)
                && content.iter().all(|&(j, n)| n <= instance.fits[t][j])
        })
    }
}

/// A dimension that is nearly full where the relaxation puts things matters although its price may
/// be zero: bins that leave it unused make it run out elsewhere.
fn fullness(instance: &Instance, prices: &Prices) -> Vec<f64> {
    const SHARPNESS: i32 = 6;
    let mut used = vec![0.0; instance.dims];
    let mut offered = vec![0.0; instance.dims];
    for (t, assigned) in prices.assigned.iter().enumerate() {
        for k in 0..instance.dims {
            offered[k] += prices.bins[t] * instance.kinds[t].capacity[k] as f64;
            for (amount, shape) in assigned.iter().zip(&instance.shapes) {
                used[k] += amount * shape.demand[k] as f64;
            }
        }
    }
    let raw: Vec<f64> = used
        .iter()
        .zip(&offered)
        .map(|(u, o)| if *o > 0.0 { (u / o).min(1.0).powi(SHARPNESS) } else { 0.0 }.max(LEAST_WEIGHT))
        .collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|r| r / sum.max(f64::MIN_POSITIVE)).collect()
}
