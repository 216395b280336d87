//! Plans from patterns: whole patterns first and the rest packed by prices, or the integer programme
//! over some of them.

use fastrand::Rng;

use super::fit;
use super::greedy::{Balance, Filler};
use super::guide::Guide;
use super::instance::{Bin, Instance};
use super::master::{Programme, Sense};

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
    let mut partial = Partial::new(instance);
    for (pattern, count) in solution {
        partial.take(pattern, count.floor() as u64);
    }
    let mut order: Vec<(f64, usize)> =
        solution.iter().enumerate().map(|(i, (_, count))| (count.fract() * (0.5 + rng.f64()), i)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (chance, i) in order {
        if chance > 0.5 {
            partial.take(&solution[i].0, 1);
        }
    }
    filler.lean = [0.0, 0.01, 0.03][rng.usize(..3)];
    let balance = Balance([0.0, 0.0, 0.5, 1.0][rng.usize(..4)]);
    partial.finish_by(guide, filler, balance, give_up)
}

/// Bins taken so far, and what is left.
#[derive(Clone)]
pub(super) struct Partial<'a> {
    instance: &'a Instance,
    pub bins: Vec<Bin>,
    pub left: Vec<u64>,
    pub available: Vec<u64>,
}

impl<'a> Partial<'a> {
    pub(super) fn new(instance: &'a Instance) -> Self {
        let left = instance.shapes.iter().map(|s| s.copies).collect();
        Partial { instance, bins: Vec::new(), left, available: instance.stock() }
    }

    /// Takes a pattern as often as wanted, as long as its items and bins last; returns how often.
    pub(super) fn take(&mut self, pattern: &Bin, wanted: u64) -> u64 {
        let most = pattern.content.iter().map(|&(j, n)| self.left[j] / n).min().unwrap_or(0);
        let copies = wanted.min(most).min(self.available[pattern.kind]);
        if copies > 0 {
            for &(j, n) in &pattern.content {
                self.left[j] -= n * copies;
            }
            if self.available[pattern.kind] != u64::MAX {
                self.available[pattern.kind] -= copies;
            }
            self.bins.push(Bin { copies, ..pattern.clone() });
        }
        copies
    }

    /// The bins taken, and the rest packed into all bins that are left, in a few attempts of so many steps. Every
    /// kind must have a stock.
    pub(super) fn fit(&self, steps: u64, rng: &mut Rng, work: &mut u64) -> Option<Vec<Bin>> {
        const ATTEMPTS: usize = 4;
        debug_assert!(self.instance.kinds.iter().all(|k| k.stock.is_some()), "bins without number");
        let rest = (0..ATTEMPTS)
            .find_map(|_| fit::fit(self.instance, &self.left, &self.available, &[], rng, steps, work))?;
        Some(self.bins.iter().cloned().chain(rest).collect())
    }

    /// What the bins taken cost, nano-dollars.
    pub(super) fn cost(&self) -> f64 {
        self.bins.iter().map(|b| self.instance.kinds[b.kind].rate as f64 * b.copies as f64).sum()
    }

    /// The bins taken, and the rest packed by the guide.
    pub(super) fn finish(&self, guide: &Guide<'_>, filler: &mut Filler, give_up: f64) -> Option<Vec<Bin>> {
        self.finish_by(guide, filler, Balance(0.0), give_up)
    }

    fn finish_by(
        &self,
        guide: &Guide<'_>,
        filler: &mut Filler,
        balance: Balance,
        give_up: f64,
    ) -> Option<Vec<Bin>> {
        let (mut left, mut available) = (self.left.clone(), self.available.clone());
        let limit = give_up - self.cost();
        let rest =
            filler.pack(guide, &mut left, guide.pi, balance, guide.opening(), &mut available, limit)?;
        Some(self.bins.iter().cloned().chain(rest).collect())
    }
}

/// How often to take each of these patterns, so that every copy is covered and no stock exceeded.
pub(super) fn covering<'a>(
    instance: &Instance,
    patterns: impl Iterator<Item = (usize, &'a [(usize, u64)])>,
) -> Programme {
    let scale = instance.kinds.iter().map(|k| k.rate).max().unwrap_or(1).max(1) as f64;
    let mut programme = Programme::default();
    let mut cover = vec![Vec::new(); instance.shapes.len()];
    let mut stock = vec![Vec::new(); instance.kinds.len()];
    for (kind, content) in patterns {
        let v = programme.add_variable(instance.kinds[kind].rate as f64 / scale);
        for &(j, n) in content {
            cover[j].push((v, n as f64));
        }
        stock[kind].push((v, 1.0));
    }
    for (terms, shape) in cover.into_iter().zip(&instance.shapes) {
        programme.add_row(terms, Sense::AtLeast, shape.copies as f64);
    }
    for (terms, kind) in stock.into_iter().zip(&instance.kinds) {
        if let (Some(most), false) = (kind.stock, terms.is_empty()) {
            programme.add_row(terms, Sense::AtMost, most as f64);
        }
    }
    programme
}

/// The cheapest choice among these patterns that covers every copy, by a MIP solver within a time
/// limit; surplus copies are taken out again.
pub(super) fn choose_patterns(instance: &Instance, patterns: &[Bin], seconds: f64) -> Option<Vec<Bin>> {
    let programme = covering(instance, patterns.iter().map(|p| (p.kind, &p.content[..])));
    let copies = instance.shapes.iter().map(|s| s.copies).max().unwrap_or(1);
    let counts = programme.solve_integer(copies, seconds).ok()?;
    let mut left: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
    let mut available = instance.stock();
    let mut bins = Vec::new();
    for (pattern, &count) in patterns.iter().zip(&counts) {
        for _ in 0..count {
            let content: Vec<(usize, u64)> =
                pattern.content.iter().map(|&(j, n)| (j, n.min(left[j]))).filter(|&(_, n)| n > 0).collect();
            if content.is_empty() {
                continue;
            }
            available[pattern.kind] = match available[pattern.kind] {
                u64::MAX => u64::MAX,
                some => some.checked_sub(1)?,
            };
            for &(j, n) in &content {
                left[j] -= n;
            }
            bins.push(Bin { kind: pattern.kind, content, copies: 1 });
        }
    }
    left.iter().all(|&l| l == 0).then_some(bins)
}
