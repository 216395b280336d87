//! Branching on how many bins of each kind there are: the bound for small clusters.
//!
//! Prices pi with pattern values V_t say that any plan has `sum_t V_t y_t >= sum_j q_j pi_j`: the
//! bins must be worth what they hold. A pool of such cuts gives a small programme over the numbers
//! of bins alone,
//!
//! ```text
//! min  sum_t c_t y_t
//! s.t. sum_t V^i_t y_t >= sum_j q_j pi^i_j      for each cut i       (dual m_i >= 0)
//!      l_t <= y_t <= h_t
//! ```
//!
//! which is branched on to integers, cheapest open case first. Where its solution is integral, the
//! compact programme with those bins either holds the demand (fractionally: nothing more can be
//! proven this way; the packer gets a try at exactly those bins, then other numbers) or yields a new cut. A case is
//! closed by the prices `sum_i m_i pi^i` and the resource prices `sum_i m_i lambda^i`, which
//! [`bound`](super::bound) checks in integers; the tree of cases is the certificate.

use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::plan::BoundProof;
use crate::problem::Problem;

use super::bound::{self, IntegerPrices, Limits};
use super::instance::Instance;
use super::knapsack_lp::Columns;
use super::master::{Programme, Sense};
use super::relaxation::{CompactPart, Prices};

/// Cost of leaving a cut unmet, in multiples of the first cut's demand. It keeps a case without any
/// plan solvable: its duals then prove a bound far above every incumbent.
const SHORTFALL: f64 = 16.0;
/// Kinds closed at the start and cases within cases: a certificate nests as deep, and readers of JSON
/// stop at 128 levels.
const MOST_CLOSED: usize = 50;
const DEEPEST: usize = 100;
/// A distance from the next integer that counts as none.
const INTEGRAL: f64 = 1e-5;

struct Cut {
    pi: Vec<f64>,
    lambda: Vec<Vec<f64>>,
    value: Vec<f64>,
    demand: f64,
}

/// One case: limits on the bins and what is proven for it.
struct Case {
    limits: Limits,
    prices: Arc<IntegerPrices>,
    /// Proven for the case, rounded up to what rates can make.
    bound: i128,
    depth: usize,
    split: Option<Split>,
}

struct Split {
    kind: usize,
    bins: u64,
    at_most: usize,
    at_least: usize,
}

/// The tree of cases and the cuts.
pub(super) struct Tree<'a> {
    instance: &'a Instance,
    columns: &'a [Columns],
    cuts: Vec<Cut>,
    cases: Vec<Case>,
    /// Open cases, least bound first, then the older one.
    open: BinaryHeap<std::cmp::Reverse<(i128, usize)>>,
    /// Least bound among cases against which nothing can be proven this way.
    stuck: Option<i128>,
    /// Numbers of bins that hold the demand fractionally and were handed out already.
    tried: HashSet<Vec<u64>>,
    pub work: u64,
}

/// What came of looking at one case.
pub(super) enum Step {
    /// The case was closed, split or sharpened.
    Going,
    /// These numbers of bins hold the demand fractionally: worth an attempt to pack.
    Promising(Vec<u64>),
    /// No case is open.
    Finished,
}

struct NodeSolution {
    bins: Vec<f64>,
    weights: Vec<f64>,
}

impl<'a> Tree<'a> {
    /// `incumbent` is the cost to beat: kinds of which not even one bin pays are closed at once.
    pub(super) fn start(
        instance: &'a Instance,
        columns: &'a [Columns],
        prices: &Prices,
        incumbent: i128,
    ) -> Self {
        let limits = bound::stock_limits(instance);
        let mut tree = Tree {
            instance,
            columns,
            cuts: Vec::new(),
            cases: Vec::new(),
            open: BinaryHeap::new(),
            stuck: None,
            tried: HashSet::new(),
            work: 0,
        };
        tree.add_cut(&prices.pi);
        let integer = Arc::new(bound::integer_prices(instance, &prices.pi, &prices.lambda));
        tree.open_case(limits, integer, 0);
        for kind in 0..instance.kinds.len() {
            let current = tree.cases.len() - 1;
            if tree.cases[current].depth >= MOST_CLOSED {
                break;
            }
            let mut one_more = tree.cases[current].limits.clone();
            one_more[kind].0 = 1;
            let prices = &tree.cases[current].prices;
            if bound::round_up(instance, prices.bound(instance, &one_more)) >= incumbent {
                tree.open.clear();
                tree.split(current, kind, 0);
                // The case without this kind comes last, to be split further.
                tree.open.clear();
                let open = tree.cases.len() - 1;
                tree.open.push(std::cmp::Reverse((tree.cases[open].bound, open)));
            }
        }
        tree
    }

    /// The lower bound over all cases.
    pub(super) fn bound(&self) -> i128 {
        let open = self.open.peek().map(|std::cmp::Reverse((b, _))| *b);
        // Closed cases lie at or above the incumbent; the least leaf is the bound of the tree.
        let leaves = self.cases.iter().filter(|c| c.split.is_none()).map(|c| c.bound).min();
        leaves.or(open).unwrap_or(0)
    }

    /// Whether looking at further cases cannot raise the bound.
    pub(super) fn is_stuck(&self) -> bool {
        let next = self.open.peek().map(|std::cmp::Reverse((bound, _))| *bound);
        matches!((self.stuck, next), (Some(stuck), Some(next)) if next >= stuck)
    }

    /// Looks at the cheapest open case. `incumbent` is the cost to beat, nano-dollars.
    pub(super) fn step(&mut self, incumbent: i128) -> Step {
        let Some(std::cmp::Reverse((known, c))) = self.open.pop() else { return Step::Finished };
        if known >= incumbent {
            return Step::Going;
        }
        // Without an answer from the programme the case keeps the bound that it has.
        let Some(solution) = self.solve_node(&self.cases[c].limits) else { return Step::Going };
        self.sharpen(c, &solution.weights);
        if self.cases[c].bound >= incumbent {
            return Step::Going;
        }
        let rate = |t: usize| self.instance.kinds[t].rate as f64;
        let fraction = |y: f64| (y - y.round()).abs();
        let fractional =
            (0..solution.bins.len()).filter(|&t| fraction(solution.bins[t]) > INTEGRAL).max_by(|&a, &b| {
                let score = |t: usize| fraction(solution.bins[t]) * rate(t);
                score(a).total_cmp(&score(b)).then(b.cmp(&a))
            });
        match fractional {
            Some(_) if self.cases[c].depth >= DEEPEST => Step::Going,
            Some(t) => {
                self.split(c, t, solution.bins[t].floor().max(0.0) as u64);
                Step::Going
            }
            None => {
                let bins: Vec<u64> = solution.bins.iter().map(|y| y.round().max(0.0) as u64).collect();
                match self.separate(&bins) {
                    Some(pi) => {
                        self.add_cut(&pi);
                        let bound = self.cases[c].bound;
                        self.open.push(std::cmp::Reverse((bound, c)));
                        Step::Going
                    }
                    None => {
                        let bound = self.cases[c].bound;
                        self.stuck = Some(self.stuck.map_or(bound, |s| s.min(bound)));
                        self.leave_out(c, &bins);
                        if self.tried.insert(bins.clone()) { Step::Promising(bins) } else { Step::Going }
                    }
                }
            }
        }
    }

    /// Splits a case so that in one half these numbers of bins no longer occur: nothing can be proven
    /// against them, but others of the same case may be packed more easily.
    fn leave_out(&mut self, c: usize, bins: &[u64]) {
        let case = &self.cases[c];
        if case.depth >= DEEPEST {
            return;
        }
        let rate = |t: &usize| self.instance.kinds[*t].rate;
        let above = |t: &usize| case.limits[*t].1.is_none_or(|most| most > bins[*t]);
        let below = |t: &usize| case.limits[*t].0 < bins[*t];
        let used = || (0..bins.len()).filter(|&t| bins[t] > 0);
        if let Some(t) = used().filter(below).max_by_key(rate) {
            self.split(c, t, bins[t] - 1);
        } else if let Some(t) = (0..bins.len()).filter(above).min_by_key(rate) {
            self.split(c, t, bins[t]);
        }
    }

    fn add_cut(&mut self, pi: &[f64]) {
        let solved: Vec<_> = self.columns.par_iter().map(|c| c.solve(pi)).collect();
        self.work += 20 * (self.columns.len() * self.instance.shapes.len()) as u64;
        self.cuts.push(Cut {
            pi: pi.to_vec(),
            value: solved.iter().map(|s| s.value).collect(),
            lambda: solved.into_iter().map(|s| s.lambda).collect(),
            demand: self.instance.shapes.iter().zip(pi).map(|(s, p)| s.copies as f64 * p).sum(),
        });
    }

    fn open_case(&mut self, limits: Limits, prices: Arc<IntegerPrices>, depth: usize) -> usize {
        let bound = bound::round_up(self.instance, prices.bound(self.instance, &limits));
        let id = self.cases.len();
        self.cases.push(Case { limits, prices, bound, depth, split: None });
        self.open.push(std::cmp::Reverse((bound, id)));
        id
    }

    fn split(&mut self, c: usize, kind: usize, bins: u64) {
        let case = &self.cases[c];
        let (mut below, mut above, prices) = (case.limits.clone(), case.limits.clone(), case.prices.clone());
        let depth = case.depth + 1;
        below[kind].1 = Some(bins);
        above[kind].0 = bins + 1;
        let at_least = self.open_case(above, prices.clone(), depth);
        let at_most = self.open_case(below, prices, depth);
        self.cases[c].split = Some(Split { kind, bins, at_most, at_least });
    }

    /// Takes the combined prices for the case if they prove more than it has.
    fn sharpen(&mut self, c: usize, weights: &[f64]) {
        let instance = self.instance;
        let mut pi = vec![0.0; instance.shapes.len()];
        let mut lambda = vec![vec![0.0; instance.dims]; instance.kinds.len()];
        for (cut, &w) in self.cuts.iter().zip(weights).filter(|(_, w)| **w > 0.0) {
            for (sum, p) in pi.iter_mut().zip(&cut.pi) {
                *sum += w * p;
            }
            for (sums, prices) in lambda.iter_mut().zip(&cut.lambda) {
                for (sum, p) in sums.iter_mut().zip(prices) {
                    *sum += w * p;
                }
            }
        }
        self.work += 10 * (instance.kinds.len() * instance.shapes.len()) as u64;
        let prices = bound::integer_prices(instance, &pi, &lambda);
        let case = &mut self.cases[c];
        let bound = bound::round_up(instance, prices.bound(instance, &case.limits));
        if bound > case.bound {
            case.bound = bound;
            case.prices = Arc::new(prices);
        }
    }

    fn solve_node(&self, limits: &Limits) -> Option<NodeSolution> {
        let instance = self.instance;
        let total = self.cuts.first().map_or(1.0, |c| c.demand).max(1.0);
        let mut lp = Programme::default();
        // Variables are bins beyond the least number; a kind that is used up has none.
        let y: Vec<Option<usize>> = instance
            .kinds
            .iter()
            .zip(limits)
            .map(|(k, &(least, most))| (most != Some(least)).then(|| lp.add_variable(k.rate as f64 / total)))
            .collect();
        for cut in &self.cuts {
            let scale = cut.demand.max(1.0);
            let held: f64 = limits.iter().zip(&cut.value).map(|(l, v)| l.0 as f64 * v).sum();
            let terms =
                y.iter().zip(&cut.value).filter_map(|(v, value)| Some(((*v)?, value / scale))).collect();
            let mut terms: Vec<(usize, f64)> = terms;
            terms.push((lp.add_variable(SHORTFALL), 1.0));
            lp.add_row(terms, Sense::AtLeast, (cut.demand - held) / scale);
        }
        for (&v, &(least, most)) in y.iter().zip(limits) {
            if let (Some(most), Some(v)) = (most, v) {
                lp.add_row(vec![(v, 1.0)], Sense::AtMost, most.checked_sub(least)? as f64);
            }
        }
        let solution = lp.solve_lp().ok()?;
        Some(NodeSolution {
            bins: y
                .iter()
                .zip(limits)
                .map(|(v, l)| v.map_or(0.0, |v| solution.x[v].max(0.0)) + l.0 as f64)
                .collect(),
            weights: self
                .cuts
                .iter()
                .zip(&solution.dual)
                .map(|(cut, d)| d.max(0.0) * total / cut.demand.max(1.0))
                .collect(),
        })
    }

    /// Prices under which these bins are worth less than the demand, if there are any.
    fn separate(&mut self, bins: &[u64]) -> Option<Vec<f64>> {
        let instance = self.instance;
        let total = self.cuts.first().map_or(1.0, |c| c.demand).max(1.0);
        let mut lp = Programme::default();
        let mut cover: Vec<Vec<(usize, f64)>> = vec![Vec::new(); instance.shapes.len()];
        let mut fixed = Vec::new();
        for (t, &n) in bins.iter().enumerate().filter(|(_, n)| **n > 0) {
            let part = CompactPart::add(&mut lp, instance, t, total, &mut cover);
            lp.cost[part.bins] = 0.0;
            fixed.push((part.bins, n as f64 * part.scaled_rate));
        }
        for (v, most) in fixed {
            lp.add_row(vec![(v, 1.0)], Sense::AtMost, most);
        }
        // What is left uncovered costs its value under the first cut's prices.
        let first = self.cuts.first()?;
        let mut rows = Vec::with_capacity(cover.len());
        for ((mut terms, shape), price) in cover.into_iter().zip(&instance.shapes).zip(&first.pi) {
            let share = (shape.copies as f64 * price / total).max(1e-9);
            let missing = lp.add_variable(share);
            terms.push((missing, 1.0));
            rows.push(lp.add_row(terms, Sense::AtLeast, 1.0));
        }
        self.work += lp.work();
        let solution = lp.solve_lp().ok()?;
        let uncovered: f64 = solution.x.iter().zip(&lp.cost).map(|(x, c)| x.max(0.0) * c).sum();
        if uncovered < 1e-7 {
            return None;
        }
        let pi = rows
            .iter()
            .zip(&instance.shapes)
            .map(|(&r, s)| (solution.dual[r] * total / s.copies as f64).max(0.0))
            .collect();
        Some(pi)
    }

    /// The tree as a proof, branches whose cases were never looked at included.
    pub(super) fn proof(&self, problem: &Problem) -> BoundProof {
        self.proof_of(problem, 0)
    }

    fn proof_of(&self, problem: &Problem, c: usize) -> BoundProof {
        let case = &self.cases[c];
        match &case.split {
            None => case.prices.proof(problem, self.instance),
            Some(split) => {
                let bin_type = self.instance.kinds[split.kind].id;
                let at_most = self.proof_of(problem, split.at_most);
                // More bins than there are: a case that a proof does not name.
                if problem.bin(bin_type).stock.is_some_and(|stock| stock <= split.bins) {
                    return at_most;
                }
                BoundProof::Branch {
                    bin_type: bin_type.0,
                    bins: split.bins,
                    at_most: Box::new(at_most),
                    at_least: Box::new(self.proof_of(problem, split.at_least)),
                }
            }
        }
    }
}
