//! Branch and bound on the copies of one shape at a time, for the pricing problem of [`pricing`](super::pricing)
//! where patterns are long.
//!
//! Every case is bounded by the duals of its continuous knapsack, rounded to integers; copies are
//! clipped to the room that is left, so that large shapes stop counting where they no longer fit. The
//! case with the highest bound comes first, and from each the search plunges into the side with more
//! copies. Wherever it is cut short, the cases so far prove how much a pattern may be worth at most.

use std::collections::BinaryHeap;

use smallvec::SmallVec;

use crate::plan::{ValueProof, ValueStep};

use super::instance::Instance;
use super::knapsack_lp::{Basis, BoxedLp, Scratch};

/// What a search found.
#[derive(Debug, Clone)]
pub(super) struct Cases {
    /// No pattern is worth more.
    pub value: u64,
    /// Why.
    pub proof: ValueProof,
    /// Patterns worth more than the threshold, the best first.
    pub patterns: Vec<Vec<(usize, u64)>>,
    /// Work done.
    pub work: u64,
}

/// Patterns kept.
const MOST_PATTERNS: usize = 12;

/// Searches patterns of `kind` worth more than `threshold` under integer prices `pi` until there are
/// no more than those found, or `limit` cases have been looked at.
pub(super) fn search(instance: &Instance, kind: usize, pi: &[u64], threshold: u64, limit: usize) -> Cases {
    let mut search = Search::new(instance, kind, pi, threshold);
    search.run(limit);
    search.finish()
}

struct Candidate<'a> {
    shape: usize,
    price: u64,
    most: u64,
    demand: &'a [u64],
    /// Candidates that may not share the bin.
    conflicts: Vec<usize>,
}

struct Case {
    parent: usize,
    /// Candidate and whether at least `.1 + 1` or at most `.1` copies of it.
    split: Option<(usize, u64, bool)>,
    children: Option<(usize, usize)>,
    bound: u64,
    numerators: SmallVec<[u64; 4]>,
    basis: Basis,
    /// Where to part it: candidate and copies.
    branch: Option<(usize, u64)>,
}

struct Search<'a> {
    capacity: &'a [u64],
    candidates: Vec<Candidate<'a>>,
    lp: BoxedLp,
    worth: Vec<f64>,
    scratch: Scratch,
    denominator: u64,
    cases: Vec<Case>,
    open: BinaryHeap<(u64, std::cmp::Reverse<usize>)>,
    /// Patterns worth no more are of no use.
    floor: u64,
    /// The floor, or the best pattern so far.
    threshold: u64,
    found: Vec<(u64, Vec<(usize, u64)>)>,
    least: Vec<u64>,
    most: Vec<u64>,
    free: Vec<u64>,
    order: Vec<usize>,
    work: u64,
}

impl<'a> Search<'a> {
    fn new(instance: &'a Instance, kind: usize, pi: &[u64], threshold: u64) -> Self {
        let capacity = &instance.kinds[kind].capacity[..];
        let shapes: Vec<usize> =
            (0..instance.shapes.len()).filter(|&j| instance.fits[kind][j] > 0 && pi[j] > 0).collect();
        let candidates: Vec<Candidate<'a>> = shapes
            .iter()
            .map(|&j| {
                let shape = &instance.shapes[j];
                let conflicts = shape.conflicts.iter().filter_map(|c| shapes.binary_search(c).ok()).collect();
                Candidate {
                    shape: j,
                    price: pi[j],
                    most: instance.fits[kind][j],
                    demand: &shape.demand,
                    conflicts,
                }
            })
            .collect();
        let lp = BoxedLp::new(capacity, candidates.iter().map(|c| c.demand));
        let worth: Vec<f64> = candidates.iter().map(|c| c.price as f64).collect();
        let all = candidates
            .iter()
            .fold(1u128, |sum, c| sum.saturating_add(u128::from(c.price) * u128::from(c.most)));
        // Room for the worth of everything and what it takes, both times the denominator, and for the
        // price of a unit, which is hardly above that of the dearest copy.
        let dearest = candidates.iter().map(|c| c.price).max().unwrap_or(1);
        let bits = (122 - (128 - all.leading_zeros()).min(122)).min(dearest.leading_zeros()).min(44);
        let n = candidates.len();
        Search {
            capacity,
            candidates,
            lp,
            denominator: 1 << bits,
            cases: Vec::new(),
            open: BinaryHeap::new(),
            floor: threshold,
            threshold,
            found: Vec::new(),
            least: vec![0; n],
            most: vec![0; n],
            free: vec![0; capacity.len()],
            worth,
            scratch: Scratch::default(),
            order: Vec::new(),
            work: 0,
        }
    }

    fn run(&mut self, limit: usize) {
        let basis = self.lp.slack_basis(self.candidates.len());
        let root = self.add_case(0, None, u64::MAX, &basis);
        let mut next = Some(root).filter(|&c| self.cases[c].branch.is_some());
        loop {
            let case = match next.take() {
                Some(case) => case,
                None => match self.open.pop() {
                    Some((_, std::cmp::Reverse(case))) => case,
                    None => break,
                },
            };
            let (bound, basis) = (self.cases[case].bound, self.cases[case].basis.clone());
            if bound <= self.threshold {
                continue;
            }
            if self.cases.len() + 2 > limit {
                break;
            }
            let (candidate, at) = self.cases[case].branch.expect("only cases that can be parted are open");
            let below = self.add_case(case, Some((candidate, at, false)), bound, &basis);
            let above = self.add_case(case, Some((candidate, at, true)), bound, &basis);
            self.cases[case].children = Some((below, above));
            for child in [below, above] {
                let worthwhile =
                    self.cases[child].branch.is_some() && self.cases[child].bound > self.threshold;
                if !worthwhile {
                    continue;
                }
                if child == above {
                    next = Some(child);
                } else {
                    self.open.push((self.cases[child].bound, std::cmp::Reverse(child)));
                }
            }
        }
    }

    /// Bounds a case and says where to part it. The first is the whole.
    fn add_case(
        &mut self,
        parent: usize,
        split: Option<(usize, u64, bool)>,
        inherited: u64,
        basis: &Basis,
    ) -> usize {
        let index = self.cases.len();
        let mut case = Case {
            parent,
            split,
            children: None,
            bound: 0,
            numerators: SmallVec::from_elem(0, self.capacity.len()),
            basis: basis.clone(),
            branch: None,
        };
        if self.enter(parent, split) {
            let lambda =
                self.lp.solve(&self.worth, &self.least, &self.most, &mut case.basis, &mut self.scratch);
            let denominator = self.denominator as f64;
            // Lower prices than those of the optimum prove less, and nothing false.
            case.numerators = lambda.iter().map(|l| (l * denominator).ceil().min(9e18) as u64).collect();
            case.bound = self.bound(&case.numerators);
            if case.bound > inherited {
                // Its own prices prove less than those of the case that it is part of.
                case.numerators = self.cases[parent].numerators.clone();
                case.bound = self.bound(&case.numerators);
            }
            if case.bound > self.threshold {
                case.branch = self.branch_at();
                if case.branch.is_none() || index.is_multiple_of(4) {
                    self.round();
                }
            }
        }
        self.cases.push(case);
        index
    }

    /// Limits of the case, and the room that its least copies leave. False where nothing belongs to it.
    fn enter(&mut self, parent: usize, split: Option<(usize, u64, bool)>) -> bool {
        for (i, c) in self.candidates.iter().enumerate() {
            self.least[i] = 0;
            self.most[i] = c.most;
        }
        let mut step = split;
        let mut at = parent;
        while let Some((candidate, copies, above)) = step {
            if above {
                self.least[candidate] = self.least[candidate].max(copies + 1);
            } else {
                self.most[candidate] = self.most[candidate].min(copies);
            }
            step = self.cases[at].split;
            at = self.cases[at].parent;
        }
        self.free.copy_from_slice(self.capacity);
        for i in 0..self.candidates.len() {
            let n = self.least[i];
            if n == 0 {
                continue;
            }
            for (free, &d) in self.free.iter_mut().zip(self.candidates[i].demand) {
                match d.checked_mul(n).and_then(|taken| free.checked_sub(taken)) {
                    Some(rest) => *free = rest,
                    None => return false,
                }
            }
            for &c in &self.candidates[i].conflicts {
                self.most[c] = 0;
            }
        }
        for i in 0..self.candidates.len() {
            if self.least[i] > self.most[i] {
                return false;
            }
            let more = self.most[i] - self.least[i];
            for (&free, &d) in self.free.iter().zip(self.candidates[i].demand) {
                if d > 0 && more.checked_mul(d).is_none_or(|all| all > free) {
                    self.most[i] = self.most[i].min(self.least[i] + free / d);
                }
            }
        }
        self.work += self.candidates.len() as u64;
        true
    }

    /// floor((d pi . least + n . free + sum of (most - least) max(0, d pi - n . w)) / d).
    fn bound(&self, numerators: &[u64]) -> u64 {
        let dot = |amounts: &[u64]| -> u128 {
            numerators.iter().zip(amounts).map(|(&n, &a)| u128::from(n) * u128::from(a)).sum()
        };
        let d = u128::from(self.denominator);
        let mut total = dot(&self.free);
        for (i, c) in self.candidates.iter().enumerate() {
            total += d * u128::from(c.price) * u128::from(self.least[i]);
            let more = self.most[i] - self.least[i];
            if more > 0 {
                total += (d * u128::from(c.price)).saturating_sub(dot(c.demand)) * u128::from(more);
            }
        }
        u64::try_from(total / d).unwrap_or(u64::MAX)
    }

    /// The candidate whose copies are furthest from a whole number, by worth; where all are whole, one
    /// that is in conflict with another.
    fn branch_at(&self) -> Option<(usize, u64)> {
        let mut best: Option<(f64, usize)> = None;
        for (i, c) in self.candidates.iter().enumerate() {
            let part = self.scratch.amounts[i].fract();
            let away = part.min(1.0 - part);
            // What is settled can look broken only by rounding.
            if away > 1e-6 && self.most[i] > self.least[i] {
                let score = away * c.price as f64;
                if best.is_none_or(|(s, _)| score > s) {
                    best = Some((score, i));
                }
            }
        }
        if let Some((_, i)) = best {
            let at = self.scratch.amounts[i].floor() as u64;
            return Some((i, at.clamp(self.least[i], self.most[i].saturating_sub(1))));
        }
        let present = |i: usize| self.scratch.amounts[i] > 0.5;
        (0..self.candidates.len())
            .find(|&i| {
                present(i) && self.least[i] == 0 && self.candidates[i].conflicts.iter().any(|&c| present(c))
            })
            .map(|i| (i, 0))
    }

    /// The whole copies of the continuous optimum, filled up with what fits, dearest per room first.
    fn round(&mut self) {
        if self.order.is_empty() {
            self.order = self.lp.by_density(&self.worth);
        }
        let mut free: SmallVec<[u64; 8]> = SmallVec::from_slice(self.capacity);
        let mut content: Vec<(usize, u64)> = Vec::new();
        let mut taken = vec![0u64; self.candidates.len()];
        let mut barred = vec![false; self.candidates.len()];
        let mut worth = 0u64;
        for pass in 0..2 {
            for &i in &self.order {
                let c = &self.candidates[i];
                let wanted = if pass == 0 { (self.scratch.amounts[i] + 1e-6) as u64 } else { c.most };
                if barred[i] || wanted <= taken[i] {
                    continue;
                }
                let mut n = wanted - taken[i];
                for (&f, &d) in free.iter().zip(c.demand) {
                    if d > f {
                        n = 0;
                        break;
                    }
                    if n > 1 && d > 0 {
                        n = n.min(f / d);
                    }
                }
                if n == 0 {
                    continue;
                }
                for (f, &d) in free.iter_mut().zip(c.demand) {
                    *f -= d * n;
                }
                for &other in &c.conflicts {
                    barred[other] = true;
                }
                taken[i] += n;
                worth = worth.saturating_add(c.price.saturating_mul(n));
            }
        }
        self.work += self.candidates.len() as u64;
        let full = self.found.len() >= MOST_PATTERNS;
        if worth <= self.floor || full && self.found.last().is_some_and(|(least, _)| worth <= *least) {
            return;
        }
        for (i, &n) in taken.iter().enumerate() {
            if n > 0 {
                content.push((self.candidates[i].shape, n));
            }
        }
        self.keep(worth, content);
    }

    fn keep(&mut self, worth: u64, content: Vec<(usize, u64)>) {
        if self.found.iter().any(|(w, c)| *w == worth && *c == content) {
            return;
        }
        let at = self.found.partition_point(|(w, _)| *w >= worth);
        self.found.insert(at, (worth, content));
        self.found.truncate(MOST_PATTERNS);
        self.threshold = self.threshold.max(worth);
    }

    fn finish(self) -> Cases {
        let leaf_bound = |c: &Case| if c.children.is_none() { c.bound } else { 0 };
        let value = self.cases.iter().map(leaf_bound).max().unwrap_or(0);
        let mut steps = Vec::with_capacity(self.cases.len());
        let mut open = vec![0];
        while let Some(at) = open.pop() {
            let case = &self.cases[at];
            match case.children {
                Some((below, above)) => {
                    let (candidate, copies, _) = self.cases[below].split.expect("a child splits its parent");
                    steps.push(ValueStep::Split {
                        items: vec![self.candidates[candidate].shape as u32],
                        copies,
                    });
                    open.push(above);
                    open.push(below);
                }
                None => steps.push(ValueStep::Prices { numerators: case.numerators.to_vec() }),
            }
        }
        Cases {
            value,
            proof: ValueProof::Cases { denominator: self.denominator, steps },
            patterns: self.found.into_iter().map(|(_, content)| content).collect(),
            work: self.work + self.scratch.work,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pricing::tests::{brute_force, instance};
    use super::*;

    fn random(rng: &mut fastrand::Rng, most: u64) -> (Instance, Vec<u64>) {
        let n = rng.usize(1..7);
        let items: Vec<([u64; 2], u64)> =
            (0..n).map(|_| ([rng.u64(0..most), rng.u64(1..most)], rng.u64(1..4))).collect();
        let conflicts: Vec<(u32, u32)> =
            if n > 2 && rng.bool() { vec![(0, 1), (1, n as u32 - 1)] } else { vec![] };
        let capacity = [rng.u64(most - 1..2 * most), rng.u64(most - 1..2 * most)];
        let instance = instance(&items, capacity, &conflicts);
        let pi: Vec<u64> = instance.shapes.iter().map(|_| rng.u64(0..20)).collect();
        (instance, pi)
    }

    #[test]
    fn agrees_with_brute_force() {
        let mut rng = fastrand::Rng::with_seed(7);
        for case in 0..4000 {
            let (instance, pi) = random(&mut rng, [7, 40][case % 2]);
            let want = brute_force(&instance, &pi, 0, &instance.kinds[0].capacity, &mut Vec::new());
            let found = search(&instance, 0, &pi, 0, usize::MAX);
            let worth = |c: &Vec<(usize, u64)>| c.iter().map(|&(j, n)| pi[j] * n).sum::<u64>();
            assert_eq!(found.patterns.first().map_or(0, worth), want, "case {case}");
            assert_eq!(found.value, want, "case {case}: {:?}", found.proof);
            let above = search(&instance, 0, &pi, want, usize::MAX);
            assert!(above.patterns.is_empty() && above.value <= want, "case {case}");
        }
    }

    #[test]
    fn cut_short_it_still_bounds() {
        let mut rng = fastrand::Rng::with_seed(8);
        for case in 0..1000 {
            let (instance, pi) = random(&mut rng, 40);
            let want = brute_force(&instance, &pi, 0, &instance.kinds[0].capacity, &mut Vec::new());
            assert!(search(&instance, 0, &pi, 0, rng.usize(1..8)).value >= want, "case {case}");
        }
    }
}
