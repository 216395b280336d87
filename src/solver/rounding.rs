//! Plans from the pattern programme: whole patterns first, the rest packed by prices.

use fastrand::Rng;

use super::greedy::{Balance, Filler, Guide};
use super::instance::Bin;

/// Rounds fractional pattern counts to a plan: each pattern is taken as often as its whole part
/// says, then once more with the probability of its fraction, as long as its items are still there;
/// what is left is packed by the guide. `None` where the stock does not suffice.
pub(super) fn round(
    guide: &Guide<'_>,
    filler: &mut Filler,
    solution: &[(Bin, f64)],
    rng: &mut Rng,
    give_up: f64,
) -> Option<Vec<Bin>> {
    let instance = guide.instance;
    let mut left: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
    let mut available: Vec<u64> = instance.kinds.iter().map(|k| k.stock.unwrap_or(u64::MAX)).collect();
    let mut bins = Vec::new();
    let mut take = |pattern: &Bin, wanted: u64, bins: &mut Vec<Bin>| {
        let most = pattern.content.iter().map(|&(j, n)| left[j] / n).min().unwrap_or(0);
        let copies = wanted.min(most).min(available[pattern.kind]);
        if copies > 0 {
            for &(j, n) in &pattern.content {
                left[j] -= n * copies;
            }
            if available[pattern.kind] != u64::MAX {
                available[pattern.kind] -= copies;
            }
            bins.push(Bin { copies, ..pattern.clone() });
        }
    };
    for (pattern, count) in solution {
        take(pattern, count.floor() as u64, &mut bins);
    }
    let mut order: Vec<(f64, usize)> =
        solution.iter().enumerate().map(|(i, (_, count))| (count.fract() * (0.5 + rng.f64()), i)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (chance, i) in order {
        if chance > 0.5 {
            take(&solution[i].0, 1, &mut bins);
        }
    }
    let spent: f64 = bins.iter().map(|b| instance.kinds[b.kind].rate as f64 * b.copies as f64).sum();
    let open = guide.opening();
    let rest =
        filler.pack(guide, &mut left, guide.pi, Balance(0.0), open, &mut available, give_up - spent)?;
    bins.extend(rest);
    Some(bins)
}
