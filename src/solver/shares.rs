//! A first plan along the relaxation: every kind gets the copies that the relaxation puts on it.
//!
//! A greedy that takes the best bin first uses up what mixes well, and ends with bins that nobody would
//! buy. The relaxation knows the right mix for each kind of bin: as many bins as it buys stand open from
//! the start, the largest copies go first, each where it evens out what is left; then each bin is topped up
//! from all that is still to be packed. What finds no room is packed by prices.

use super::greedy::Filler;
use super::guide::Guide;
use super::instance::{Bin, Instance};
use super::relaxation::Prices;
use super::rounding::Partial;
use super::top_up::{TopUp, may_join};

/// Bins that are looked at for each copy.
const OPEN_AT_ONCE: u64 = 120;
/// Resources weigh half by their price and half by how full they get.
const THETA: f64 = 0.5;
/// How much emptier bins are preferred, beside those that a copy evens out.
const EMPTIER: f64 = 0.2;

/// Packs each kind's share by itself, then the rest. `None` where the stock does not suffice.
pub(super) fn pack(guide: &Guide<'_>, prices: &Prices, filler: &mut Filler) -> Option<Vec<Bin>> {
    let instance = guide.instance;
    let mut partial = Partial::new(instance);
    let mut kinds: Vec<usize> =
        (0..instance.kinds.len()).filter(|&t| guide.may_open(t) && !prices.assigned[t].is_empty()).collect();
    kinds.sort_by_key(|&t| (std::cmp::Reverse(instance.kinds[t].rate), t));
    let every: Vec<usize> = (0..instance.shapes.len()).collect();
    let mut top_up = TopUp::new(guide, &every);
    for (&t, share) in kinds.iter().zip(whole_shares(instance, prices, &kinds)) {
        // Bins that cost nothing may be bought without number.
        let copies = share.iter().fold(0u64, |sum, &n| sum.saturating_add(n));
        let bins = (prices.bins[t].round() as u64).min(partial.available[t]).min(copies);
        let parts = bins.div_ceil(OPEN_AT_ONCE);
        let mut offered = vec![0u64; share.len()];
        for part in 0..parts {
            let open = bins * (part + 1) / parts - bins * part / parts;
            deal(&share, part, parts, &mut offered);
            // Other bins may have been topped up with some of it.
            for (offered, &left) in offered.iter_mut().zip(&partial.left) {
                *offered = left.min(*offered);
            }
            let (contents, work) = spread(guide, t, open as usize, &offered);
            filler.work += work;
            let mut outside = partial.left.clone();
            for &(j, n) in contents.iter().flatten() {
                outside[j] -= n;
            }
            for content in contents {
                let content = top_up.top_up(t, content, &mut outside);
                for &(j, n) in &content {
                    offered[j] = offered[j].saturating_sub(n);
                }
                partial.take(&Bin { kind: t, content, copies: 1 }, 1);
            }
        }
    }
    filler.work += top_up.work;
    partial.finish(guide, filler, f64::INFINITY)
}

/// Adds what one part of several is dealt: every so many-th copy of all in their order, so that each part has
/// as much of everything as the others, however few copies there are of each shape.
fn deal(copies: &[u64], part: u64, parts: u64, offered: &mut [u64]) {
    let upto = |end: u64| (end + parts - 1 - part) / parts;
    let mut at = 0u64;
    for (&n, offered) in copies.iter().zip(offered) {
        *offered += upto(at.saturating_add(n)) - upto(at);
        at = at.saturating_add(n);
    }
}

/// Spreads copies over so many bins of a kind, large ones first; some may stay outside. The second part
/// is the work done.
fn spread(guide: &Guide<'_>, t: usize, bins: usize, offered: &[u64]) -> (Vec<Vec<(usize, u64)>>, u64) {
    let instance = guide.instance;
    let dims = instance.dims;
    let capacity = &instance.kinds[t].capacity;
    let parts = |j: usize| -> Vec<f64> {
        let demand = instance.shapes[j].demand.iter().zip(capacity);
        demand.map(|(&d, &c)| if d == 0 { 0.0 } else { d as f64 / c as f64 }).collect()
    };
    let weight = guide.weights(t, THETA);
    let weighted = |parts: &[f64]| parts.iter().zip(&weight).map(|(p, w)| p * w).sum::<f64>();
    // Large copies have few places; those that keep apart need one in so many of the bins.
    let bins_needed = |j: usize| offered[j] as f64 / (instance.fits[t][j] * bins as u64).max(1) as f64;
    let mut order: Vec<(f64, f64, usize)> = (0..offered.len())
        .filter(|&j| offered[j] > 0 && instance.fits[t][j] > 0)
        .map(|j| (weighted(&parts(j)), j))
        .map(|(mean, j)| (mean.max(bins_needed(j)), mean, j))
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
    let mut free: Vec<u64> = capacity.repeat(bins);
    let mut room = vec![1.0f64; bins * dims];
    let mut content: Vec<Vec<(usize, u64)>> = vec![Vec::new(); bins];
    let mut work = 0;
    for (_, mean, j) in order {
        let need = parts(j);
        let demand = &instance.shapes[j].demand;
        // A copy that takes much of one resource goes where there is more of it than of the others.
        let pull: Vec<f64> = need.iter().zip(&weight).map(|(n, w)| w * (n - mean + EMPTIER * mean)).collect();
        for _ in 0..offered[j] {
            work += bins as u64;
            let mut best: Option<(f64, usize)> = None;
            for (b, inside) in content.iter().enumerate() {
                let at = b * dims..(b + 1) * dims;
                let score: f64 = pull.iter().zip(&room[at.clone()]).map(|(p, r)| p * r).sum();
                if best.is_none_or(|(s, _)| score > s)
                    && demand.iter().zip(&free[at]).all(|(d, f)| d <= f)
                    && may_join(instance, t, j, inside, [None; 2])
                {
                    best = Some((score, b));
                }
            }
            let Some((_, b)) = best else { break };
            for k in 0..dims {
                free[b * dims + k] -= demand[k];
                room[b * dims + k] -= need[k];
            }
            match content[b].last_mut() {
                Some((last, n)) if *last == j => *n += 1,
                _ => content[b].push((j, 1)),
            }
        }
    }
    for content in &mut content {
        content.sort_unstable();
    }
    (content, work)
}

/// Whole copies of each shape for each of the kinds, by largest remainder.
fn whole_shares(instance: &Instance, prices: &Prices, kinds: &[usize]) -> Vec<Vec<u64>> {
    let mut shares = vec![vec![0u64; instance.shapes.len()]; kinds.len()];
    for (j, shape) in instance.shapes.iter().enumerate() {
        let amount = |i: usize| prices.assigned[kinds[i]][j];
        let mut left = shape.copies;
        for (i, share) in shares.iter_mut().enumerate() {
            share[j] = (amount(i) as u64).min(left);
            left -= share[j];
        }
        let mut order: Vec<usize> = (0..kinds.len()).filter(|&i| amount(i) > 1e-6).collect();
        order.sort_by(|&a, &b| amount(b).fract().total_cmp(&amount(a).fract()).then(a.cmp(&b)));
        for &i in order.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            shares[i][j] += 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seven copies of one shape, one of a second and four of a third over five parts: the copies go round, 12 of
    /// them, so that each part has two or three, and rare shapes do not all lie in the first.
    #[test]
    fn every_part_is_dealt_as_much_as_the_others() {
        let dealt = |part| {
            let mut offered = [0; 3];
            deal(&[7, 1, 4], part, 5, &mut offered);
            offered
        };
        let parts: Vec<[u64; 3]> = (0..5).map(dealt).collect();
        assert_eq!(parts, [[2, 0, 1], [2, 0, 1], [1, 1, 0], [1, 0, 1], [1, 0, 1]]);
    }
}
