//! Patterns that local search came by: the programme over patterns begins with the best of them.
//!
//! A single plan has few patterns, and they suit each other; those of thousands of repackings are as good and
//! differ. From them the programme starts near its optimum, and is solved in half the time.

use super::instance::{Bin, Instance};

/// Patterns kept, per shape.
const PER_SHAPE: usize = 4;

/// The patterns that are worth most for their rate.
pub(super) struct Harvest<'a> {
    instance: &'a Instance,
    /// What a copy of each shape is worth.
    pi: Vec<f64>,
    /// Nano-dollars of worth per nano-dollar.
    patterns: Vec<(f64, Bin)>,
}

impl<'a> Harvest<'a> {
    pub(super) fn new(instance: &'a Instance, pi: &[f64]) -> Self {
        Harvest { instance, pi: pi.to_vec(), patterns: Vec::new() }
    }

    /// Adds patterns.
    pub(super) fn extend(&mut self, bins: impl IntoIterator<Item = Bin>) {
        let worth = |bin: &Bin| -> f64 { bin.content.iter().map(|&(j, n)| self.pi[j] * n as f64).sum() };
        let rate = |bin: &Bin| self.instance.kinds[bin.kind].rate.max(1) as f64;
        let bins = bins.into_iter();
        self.patterns.extend(bins.map(|bin| (worth(&bin) / rate(&bin), Bin { copies: 1, ..bin })));
        if self.patterns.len() > 2 * PER_SHAPE * self.instance.shapes.len() {
            self.keep_the_best();
        }
    }

    /// What is kept, the best first.
    pub(super) fn into_patterns(mut self) -> Vec<Bin> {
        self.keep_the_best();
        self.patterns.into_iter().map(|(_, bin)| bin).collect()
    }

    fn keep_the_best(&mut self) {
        self.patterns.sort_unstable_by(|(a, one), (b, other)| b.total_cmp(a).then(one.cmp(other)));
        self.patterns.dedup_by(|(_, one), (_, other)| one == other);
        self.patterns.truncate(PER_SHAPE * self.instance.shapes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::pricing::tests::instance;

    /// Two shapes: the eight patterns that are worth most stay, each once, however many come.
    #[test]
    fn the_best_stay_each_once() {
        let instance = instance(&[([1, 1], 99), ([2, 1], 99)], [100, 100], &[]);
        let bin = |n: u64| Bin { kind: 0, content: vec![(0, n)], copies: 3 };
        let mut harvest = Harvest::new(&instance, &[1.0, 1.0]);
        for round in 0..5 {
            harvest.extend((1..=10).map(|n| bin(n + round)));
        }
        let kept: Vec<(u64, u64)> =
            harvest.into_patterns().iter().map(|bin| (bin.content[0].1, bin.copies)).collect();
        assert_eq!(kept, (7..=14).rev().map(|n| (n, 1)).collect::<Vec<_>>());
    }
}
