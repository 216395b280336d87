//! Bins topped up from what is left outside: a copy goes in, alone or for one or two that are worth less.
//!
//! Filling bins copy by copy ends where nothing fits any more. What a bin then lacks is less than any copy,
//! but hardly less than what some copy outside is larger than one inside.

use smallvec::SmallVec;

use super::guide::Guide;
use super::instance::Instance;

/// Of two copies that leave together, one is of the so many shapes of the bin that are worth least.
const SMALL: usize = 4;
/// Worth less, a change does not count: rounding could turn it back.
const LEAST_GAIN: f64 = 1.0;
/// Changes per bin.
const MOST_CHANGES: usize = 1_000;

/// A bin and the room that is left in it.
struct Open {
    kind: usize,
    content: Vec<(usize, u64)>,
    free: SmallVec<[u64; 8]>,
}

impl Open {
    fn put(&mut self, instance: &Instance, j: usize) {
        for (free, d) in self.free.iter_mut().zip(&instance.shapes[j].demand) {
            *free -= d;
        }
        match self.content.iter_mut().find(|(i, _)| *i == j) {
            Some((_, n)) => *n += 1,
            None => self.content.push((j, 1)),
        }
    }

    fn take(&mut self, instance: &Instance, j: usize) {
        for (free, d) in self.free.iter_mut().zip(&instance.shapes[j].demand) {
            *free += d;
        }
        if let Some(at) = self.content.iter().position(|&(i, _)| i == j) {
            self.content[at].1 -= 1;
            if self.content[at].1 == 0 {
                self.content.swap_remove(at);
            }
        }
    }
}

/// What may come into bins.
pub(super) struct TopUp<'a> {
    guide: &'a Guide<'a>,
    /// Shapes with what a copy is worth, those worth most first.
    order: Vec<(f64, usize)>,
    /// Work done.
    pub work: u64,
}

/// One or two copies that leave for one that comes, or none.
#[derive(Clone, Copy)]
struct Change {
    out: [Option<usize>; 2],
    into: usize,
    gain: f64,
}

impl<'a> TopUp<'a> {
    /// From copies of these shapes.
    pub(super) fn new(guide: &'a Guide<'a>, shapes: &[usize]) -> Self {
        let mut order: Vec<(f64, usize)> = shapes.iter().map(|&j| (guide.pi[j], j)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        TopUp { guide, order, work: 0 }
    }

    /// Makes what a bin holds worth more as long as there is a way; `left` is outside of it. Returns what it
    /// holds then.
    pub(super) fn top_up(
        &mut self,
        kind: usize,
        content: Vec<(usize, u64)>,
        left: &mut [u64],
    ) -> Vec<(usize, u64)> {
        let instance = self.guide.instance;
        let free = SmallVec::from_slice(&instance.kinds[kind].capacity);
        let mut bin = Open { kind, content, free };
        for &(j, n) in &bin.content {
            bin.free.iter_mut().zip(&instance.shapes[j].demand).for_each(|(free, d)| *free -= d * n);
        }
        for _ in 0..MOST_CHANGES {
            let Some(change) = self.best_change(&bin, left) else { break };
            for j in change.out.into_iter().flatten() {
                bin.take(instance, j);
                left[j] += 1;
            }
            bin.put(instance, change.into);
            left[change.into] -= 1;
        }
        bin.content.sort_unstable();
        bin.content
    }

    /// The change that gains most of those where no copy or one leaves, else of those where two do.
    fn best_change(&mut self, bin: &Open, left: &[u64]) -> Option<Change> {
        let mut best = self.better(bin, left, [None; 2], None);
        for &(j, _) in &bin.content {
            best = self.better(bin, left, [Some(j), None], best);
        }
        if best.is_some() {
            return best;
        }
        let mut inside = bin.content.clone();
        inside.sort_by(|a, b| self.guide.pi[a.0].total_cmp(&self.guide.pi[b.0]).then(a.0.cmp(&b.0)));
        for (a, &(first, n)) in inside.iter().enumerate() {
            let others = inside[..a].iter().map(|&(j, _)| j).chain((n > 1).then_some(first));
            for second in others.take(SMALL) {
                best = self.better(bin, left, [Some(first), Some(second)], best);
            }
        }
        best
    }

    /// The best change where these leave, if it gains more than the best so far.
    fn better(
        &mut self,
        bin: &Open,
        left: &[u64],
        out: [Option<usize>; 2],
        best: Option<Change>,
    ) -> Option<Change> {
        let instance = self.guide.instance;
        let leaving = || out.into_iter().flatten();
        let lambda = &self.guide.lambda[bin.kind];
        let mut free = bin.free.clone();
        for j in leaving() {
            free.iter_mut().zip(&instance.shapes[j].demand).for_each(|(free, d)| *free += d);
        }
        let room: f64 = free.iter().zip(lambda).map(|(&free, price)| free as f64 * price).sum();
        let worth: f64 = leaving().map(|j| self.guide.pi[j]).sum();
        let least = worth + best.map_or(LEAST_GAIN, |best| best.gain);
        // Hardly any copy is worth more than the room that it takes.
        let from = self.order.partition_point(|&(p, _)| p > room * (1.0 + 1e-9));
        for &(p, j) in &self.order[from..] {
            self.work += 1;
            if p <= least {
                break;
            }
            let fits = || instance.shapes[j].demand.iter().zip(&free).all(|(d, f)| d <= f);
            if left[j] > 0 && fits() && may_join(instance, bin.kind, j, &bin.content, out) {
                return Some(Change { out, into: j, gain: p - worth });
            }
        }
        best
    }
}

/// Whether the rules let one more copy into a bin of this kind once those of `out` have left.
pub(super) fn may_join(
    instance: &Instance,
    kind: usize,
    j: usize,
    content: &[(usize, u64)],
    out: [Option<usize>; 2],
) -> bool {
    let most = instance.fits[kind][j];
    let conflicts = &instance.shapes[j].conflicts;
    most > 0
        && content.iter().all(|&(i, n)| {
            let stay = n - out.iter().filter(|&&o| o == Some(i)).count() as u64;
            if i == j { stay < most } else { stay == 0 || conflicts.binary_search(&i).is_err() }
        })
}

#[cfg(test)]
mod tests {
    use super::super::instance::Bin;
    use super::super::pricing::tests::instance;
    use super::super::relaxation::Prices;
    use super::*;

    /// Worth what they take of the bin, at one for each unit of either resource.
    fn by_size(instance: &Instance) -> Prices {
        Prices {
            pi: instance.shapes.iter().map(|s| 100.0 * s.demand.iter().sum::<u64>() as f64).collect(),
            pattern_value: vec![0.0],
            lambda: vec![vec![100.0; instance.dims]],
            bins: vec![1.0],
            assigned: vec![Vec::new()],
        }
    }

    /// A bin of (10, 10) holds (6, 6) and (3, 2), so that (1, 2) are free. Outside are (4, 4), which fits for
    /// the (3, 2), and (1, 1), which fits beside: the exchange gains 3 and fills the bin, the other gains 2.
    #[test]
    fn what_gains_most_comes_in() {
        let instance = instance(&[([6, 6], 1), ([3, 2], 1), ([4, 4], 1), ([1, 1], 1)], [10, 10], &[]);
        let shape = |demand: [u64; 2]| {
            instance.shapes.iter().position(|s| s.demand[..] == demand).expect("each has a shape")
        };
        let prices = by_size(&instance);
        let guide = Guide::new(&instance, &prices, &[true]);
        let mut left = vec![0; 4];
        left[shape([4, 4])] = 1;
        left[shape([1, 1])] = 1;
        let content = vec![(shape([6, 6]), 1), (shape([3, 2]), 1)];
        let full = TopUp::new(&guide, &[0, 1, 2, 3]).top_up(0, content, &mut left);
        let mut want = [(shape([6, 6]), 1), (shape([4, 4]), 1)];
        want.sort_unstable();
        assert_eq!(full, want);
        assert_eq!((left[shape([3, 2])], left[shape([4, 4])], left[shape([1, 1])]), (1, 0, 1));
    }

    #[test]
    fn no_copy_is_lost_no_rule_broken_and_no_single_change_would_gain() {
        let mut rng = fastrand::Rng::with_seed(5);
        for case in 0..2_000 {
            let n = rng.usize(2..9);
            let items: Vec<([u64; 2], u64)> =
                (0..n).map(|_| ([rng.u64(1..30), rng.u64(1..30)], rng.u64(1..4))).collect();
            let conflicts: &[(u32, u32)] = if rng.bool() { &[(0, 1)] } else { &[] };
            let instance = instance(&items, [40, 40], conflicts);
            let prices = by_size(&instance);
            let guide = Guide::new(&instance, &prices, &[true]);
            let copies: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
            let holds = |content: &[(usize, u64)]| {
                instance.holds(&Bin { kind: 0, content: content.to_vec(), copies: 1 })
            };
            let mut left = copies.clone();
            let mut content = Vec::new();
            for (j, left) in left.iter_mut().enumerate() {
                if rng.bool() && holds(&[&content[..], &[(j, 1)]].concat()) {
                    content.push((j, 1));
                    *left -= 1;
                }
            }
            let worth =
                |content: &[(usize, u64)]| content.iter().map(|&(j, n)| prices.pi[j] * n as f64).sum::<f64>();
            let before = worth(&content);
            let shapes: Vec<usize> = (0..copies.len()).collect();
            let content = TopUp::new(&guide, &shapes).top_up(0, content, &mut left);
            assert!(holds(&content) && worth(&content) >= before, "case {case}");
            let mut all = left.clone();
            content.iter().for_each(|&(j, n)| all[j] += n);
            assert_eq!(all, copies, "case {case}");
            for into in (0..copies.len()).filter(|&j| left[j] > 0) {
                for out in std::iter::once(None).chain(content.iter().map(|&(j, _)| Some(j))) {
                    let mut counts = vec![0; copies.len()];
                    content.iter().for_each(|&(j, n)| counts[j] = n);
                    counts[into] += 1;
                    out.into_iter().for_each(|j: usize| counts[j] -= 1);
                    let changed: Vec<(usize, u64)> =
                        counts.into_iter().enumerate().filter(|&(_, n)| n > 0).collect();
                    assert!(!holds(&changed) || worth(&changed) <= worth(&content), "case {case}");
                }
            }
        }
    }
}
