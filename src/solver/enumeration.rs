//! The cheapest plan of a tiny problem: every maximal pattern, and every choice among them that may
//! still be cheaper.

use std::collections::HashMap;

use super::instance::{Bin, Instance, Kind};
use super::relaxation::Prices;

/// All patterns to which no item can be added, or `None` if there are more than `most` or they are
/// too long to find.
pub(super) fn all_maximal_patterns(instance: &Instance, most: usize) -> Option<Vec<Bin>> {
    let mut patterns = Vec::new();
    for kind in 0..instance.kinds.len() {
        let free = instance.kinds[kind].capacity.clone();
        let mut search = Enumeration { instance, kind, free, content: Vec::new(), patterns, most, steps: 0 };
        search.extend(0)?;
        patterns = search.patterns;
    }
    Some(patterns)
}

struct Enumeration<'a> {
    instance: &'a Instance,
    kind: usize,
    free: Vec<u64>,
    content: Vec<(usize, u64)>,
    patterns: Vec<Bin>,
    most: usize,
    steps: u32,
}

impl Enumeration<'_> {
    /// Every number of copies of shape j and of those after it.
    fn extend(&mut self, j: usize) -> Option<()> {
        const MOST_STEPS: u32 = 20_000;
        self.steps += 1;
        if self.steps > MOST_STEPS || self.patterns.len() > self.most {
            return None;
        }
        if j == self.instance.shapes.len() {
            if !self.content.is_empty() && is_maximal(self.instance, self.kind, &self.free, &self.content) {
                self.patterns.push(Bin { kind: self.kind, content: self.content.clone(), copies: 1 });
            }
            return Some(());
        }
        self.extend(j + 1)?;
        let shape = &self.instance.shapes[j];
        if self.content.iter().any(|(i, _)| shape.conflicts.binary_search(i).is_ok()) {
            return Some(());
        }
        let mut taken = 0;
        while taken < self.instance.fits[self.kind][j]
            && self.free.iter().zip(&shape.demand).all(|(f, d)| f >= d)
        {
            for (f, d) in self.free.iter_mut().zip(&shape.demand) {
                *f -= d;
            }
            taken += 1;
            self.content.push((j, taken));
            self.extend(j + 1)?;
            self.content.pop();
        }
        for (f, d) in self.free.iter_mut().zip(&shape.demand) {
            *f += d * taken;
        }
        Some(())
    }
}

fn is_maximal(instance: &Instance, kind: usize, free: &[u64], content: &[(usize, u64)]) -> bool {
    instance.shapes.iter().enumerate().all(|(j, shape)| {
        let held = content.iter().find(|(i, _)| *i == j).map_or(0, |(_, n)| *n);
        held >= instance.fits[kind][j]
            || free.iter().zip(&shape.demand).any(|(f, d)| f < d)
            || content.iter().any(|(i, _)| shape.conflicts.binary_search(i).is_ok())
    })
}

/// Steps after which the search gives up.
const MOST_STEPS: u64 = 50_000;

/// What the search came to.
pub(super) struct Found {
    pub bins: Option<Vec<Bin>>,
    /// Whether every choice was looked at: then nothing is cheaper than the bins found, or than the
    /// plan that there was.
    pub complete: bool,
    /// Elementary steps.
    pub work: u64,
}

/// The cheapest choice among all maximal patterns that covers every copy, if it costs less than
/// `below` (nano-dollars). The search ends after a fixed number of steps.
pub(super) fn cheapest_choice(instance: &Instance, patterns: &[Bin], prices: &Prices, below: i128) -> Found {
    // Scaled so that no pattern is worth more than its bin costs, what is left is a lower bound.
    let scale = instance
        .kinds
        .iter()
        .zip(&prices.pattern_value)
        .filter(|(_, value)| **value > 0.0)
        .map(|(kind, value)| kind.rate as f64 / value)
        .fold(1.0, f64::min)
        // Prices are floats: a bound a little lower than they say.
        * (1.0 - 1e-9);
    let mut choice = Choice {
        instance,
        patterns,
        pi: prices.pi.iter().map(|p| p * scale).collect(),
        left: instance.shapes.iter().map(|s| s.copies).collect(),
        available: instance.stock(),
        bought: vec![0; instance.kinds.len()],
        chosen: Vec::new(),
        best: below,
        best_chosen: None,
        seen: HashMap::new(),
        steps: 0,
    };
    choice.extend(0);
    let bins = choice.best_chosen.map(|chosen| trimmed(instance, patterns, &chosen));
    Found { bins, complete: choice.steps <= MOST_STEPS, work: choice.steps * patterns.len() as u64 }
}

/// The patterns chosen, without copies beyond those that there are.
fn trimmed(instance: &Instance, patterns: &[Bin], chosen: &[usize]) -> Vec<Bin> {
    let mut left: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
    let mut bins = Vec::new();
    for &p in chosen {
        let take = |&(j, n): &(usize, u64)| (j, n.min(left[j]));
        let content: Vec<(usize, u64)> =
            patterns[p].content.iter().map(take).filter(|&(_, n)| n > 0).collect();
        for &(j, n) in &content {
            left[j] -= n;
        }
        if !content.is_empty() {
            bins.push(Bin { kind: patterns[p].kind, content, copies: 1 });
        }
    }
    bins
}

struct Choice<'a> {
    instance: &'a Instance,
    patterns: &'a [Bin],
    pi: Vec<f64>,
    left: Vec<u64>,
    available: Vec<u64>,
    bought: Vec<u64>,
    chosen: Vec<usize>,
    best: i128,
    best_chosen: Option<Vec<usize>>,
    /// Least cost at which the same copies were left with the same bins bought of limited kinds.
    seen: HashMap<(Vec<u64>, Vec<u64>), i128>,
    steps: u64,
}

impl Choice<'_> {
    /// What of the bins bought matters for the rest: how many of limited kinds, and where the number of
    /// kinds is capped, which.
    fn past(&self) -> Vec<u64> {
        let counts = self.instance.max_kinds.is_some();
        let matters = |(kind, &n): (&Kind, &u64)| match kind.stock {
            Some(_) => n,
            None => u64::from(counts && n > 0),
        };
        self.instance.kinds.iter().zip(&self.bought).map(matters).collect()
    }

    fn extend(&mut self, cost: i128) {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return;
        }
        let rest: f64 = self.left.iter().zip(&self.pi).map(|(&n, p)| n as f64 * p).sum();
        if cost + rest.floor() as i128 >= self.best {
            return;
        }
        // The shape that fewest patterns hold comes first.
        let holding = |j: usize| self.patterns.iter().filter(move |p| p.content.iter().any(|&(i, _)| i == j));
        let open = (0..self.left.len()).filter(|&j| self.left[j] > 0);
        let Some(next) = open.min_by_key(|&j| (holding(j).count(), j)) else {
            self.best = cost;
            self.best_chosen = Some(self.chosen.clone());
            return;
        };
        let cap = self.instance.max_kinds;
        let state = (self.left.clone(), self.past());
        if self.seen.get(&state).is_some_and(|&known| known <= cost) {
            return;
        }
        self.seen.insert(state, cost);
        for p in 0..self.patterns.len() {
            let Bin { kind, content, .. } = &self.patterns[p];
            let kind = *kind;
            if self.available[kind] == 0 || !content.iter().any(|&(j, _)| j == next) {
                continue;
            }
            let kinds = self.bought.iter().filter(|&&n| n > 0).count();
            if self.bought[kind] == 0 && cap.is_some_and(|most| kinds >= most) {
                continue;
            }
            let before = self.left.clone();
            for &(j, n) in content {
                self.left[j] = self.left[j].saturating_sub(n);
            }
            // Unlimited ones stay so: a tiny problem takes few of the 2^64.
            self.available[kind] -= 1;
            self.bought[kind] += 1;
            self.chosen.push(p);
            self.extend(cost + i128::from(self.instance.kinds[kind].rate));
            self.chosen.pop();
            self.bought[kind] -= 1;
            self.available[kind] = self.available[kind].saturating_add(1);
            self.left = before;
        }
    }
}
