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
//! closed by the cuts times the duals m_i, rounded to integers; the tree of cases with the cuts is the
//! certificate.

use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use rayon::prelude::*;

use crate::plan::{BoundStep, LowerBound, Weight};
use crate::problem::Problem;
use crate::units::Money;

use super::bound::{self, IntegerPrices, Limits, Worth};
use super::cases;
use super::exchange::Pattern;
use super::holding::Holding;
use super::instance::Instance;
use super::knapsack_lp::Columns;
use super::master::{Programme, Sense};
use super::relaxation::Prices;

/// Cost of leaving a cut unmet, in multiples of the first cut's demand. It keeps a case without any
/// plan solvable: its duals then prove a bound far above every incumbent.
const SHORTFALL: f64 = 16.0;
/// Cases that the search for one kind's best pattern may look at.
const PATTERN_STEPS: usize = 400;
/// Cases within cases: where bins cost next to nothing, each could be parted for ever.
const MOST_DEPTH: usize = 4_000;
/// A distance from the next integer that counts as none.
const INTEGRAL: f64 = 1e-5;

struct Cut {
    prices: IntegerPrices,
    /// What all copies are worth.
    demand: i128,
}

/// The cuts that prove a case, times their weights.
struct Sum {
    weights: Vec<Weight>,
    /// The weight that counts as one.
    one: u64,
}

/// One case: limits on the bins and what is proven for it.
struct Case {
    /// The case that it is part of, and which kind's limits it has for itself.
    part_of: Option<(usize, usize)>,
    limits: (u64, Option<u64>),
    proof: Arc<Sum>,
    /// Proven for the case, rounded up to what rates can make.
    bound: i128,
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
    /// Kinds of which a cheaper plan may have a bin.
    may_pay: Vec<bool>,
    holding: Holding<'a>,
    /// Numbers of bins against which nothing can be proven this way, with what they cost.
    promising: BTreeSet<(i128, Vec<u64>)>,
    /// Those of the relaxation, nano-dollars: what a copy left outside counts.
    prices: Vec<f64>,
    /// What all copies are worth under them.
    total: f64,
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
    /// `incumbent` is the cost to beat: kinds of which not even one bin pays are closed at once. `None` where
    /// the prices are too large to compute with.
    pub(super) fn start(
        instance: &'a Instance,
        columns: &'a [Columns],
        prices: &Prices,
        incumbent: i128,
    ) -> Option<Self> {
        let mut tree = Tree {
            instance,
            columns,
            cuts: Vec::new(),
            cases: Vec::new(),
            open: BinaryHeap::new(),
            stuck: None,
            may_pay: vec![true; instance.kinds.len()],
            holding: Holding::new(instance),
            promising: BTreeSet::new(),
            prices: prices.pi.clone(),
            total: instance
                .shapes
                .iter()
                .zip(&prices.pi)
                .map(|(s, p)| s.copies as f64 * p)
                .sum::<f64>()
                .max(1.0),
            work: 0,
        };
        let relaxed = tree.relaxed_prices(&prices.pi);
        tree.take(&relaxed);
        tree.cuts.first()?;
        // Those prices as they are, whatever they were scaled by: the best r counts.
        let whole = Sum { weights: vec![Weight { valuation: 0, weight: 1 }], one: 1 };
        tree.open_case(None, (0, None), Arc::new(whole));
        for kind in 0..instance.kinds.len() {
            let current = tree.cases.len() - 1;
            let mut one_more = tree.limits(current);
            one_more[kind].0 = 1;
            if tree.prove(&tree.cases[current].proof, &one_more) >= incumbent {
                tree.may_pay[kind] = false;
                tree.open.clear();
                tree.split(current, kind, 0);
                // The case without this kind comes last, to be split further.
                tree.open.clear();
                let open = tree.cases.len() - 1;
                tree.open.push(std::cmp::Reverse((tree.cases[open].bound, open)));
            }
        }
        Some(tree)
    }

    /// The lower bound over all cases.
    pub(super) fn bound(&self) -> i128 {
        let open = self.open.peek().map(|std::cmp::Reverse((b, _))| *b);
        // Closed cases lie at or above the incumbent; the least leaf is the bound of the tree.
        let leaves = self.cases.iter().filter(|c| c.split.is_none()).map(|c| c.bound).min();
        leaves.or(open).unwrap_or(0)
    }

    /// Numbers of bins below a cost that may hold everything, cheapest first.
    pub(super) fn promising(&self, below: i128) -> Vec<&[u64]> {
        let cheaper = self.promising.iter().take_while(|(cost, _)| *cost < below);
        cheaper.map(|(_, bins)| &bins[..]).collect()
    }

    /// Whether looking at further cases cannot raise the bound.
    pub(super) fn is_stuck(&self) -> bool {
        let next = self.open.peek().map(|std::cmp::Reverse((bound, _))| *bound);
        matches!((self.stuck, next), (Some(stuck), Some(next)) if next >= stuck)
    }

    /// Looks at the cheapest open case. `incumbent` is the cost to beat; `stop` says whether so much work is too much.
    pub(super) fn step(&mut self, incumbent: i128, stop: &dyn Fn(u64) -> bool) -> Step {
        let Some(std::cmp::Reverse((known, c))) = self.open.pop() else { return Step::Finished };
        if known >= incumbent {
            return Step::Going;
        }
        if self.depth(c) > MOST_DEPTH {
            self.stuck = Some(self.stuck.map_or(known, |s| s.min(known)));
            return Step::Going;
        }
        let limits = self.limits(c);
        // Without an answer from the programme the case keeps the bound that it has.
        let Some(solution) = self.solve_node(&limits) else { return Step::Going };
        self.sharpen(c, &limits, &solution.weights);
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
            Some(t) => {
                self.split(c, t, solution.bins[t].floor().max(0.0) as u64);
                Step::Going
            }
            None => {
                let bins: Vec<u64> = solution.bins.iter().map(|y| y.round().max(0.0) as u64).collect();
                match self.cut_off(&bins, stop) {
                    true => {
                        let bound = self.cases[c].bound;
                        self.open.push(std::cmp::Reverse((bound, c)));
                        Step::Going
                    }
                    false => {
                        let bound = self.cases[c].bound;
                        self.stuck = Some(self.stuck.map_or(bound, |s| s.min(bound)));
                        self.leave_out(c, &bins);
                        match self.promising.insert((self.instance.cost(&bins), bins.clone())) {
                            true => Step::Promising(bins),
                            false => Step::Going,
                        }
                    }
                }
            }
        }
    }

    /// Splits a case so that in one half these numbers of bins no longer occur: nothing can be proven
    /// against them, but others of the same case may be packed more easily.
    fn leave_out(&mut self, c: usize, bins: &[u64]) {
        let limits = self.limits(c);
        let rate = |t: &usize| self.instance.kinds[*t].rate;
        let above = |t: &usize| limits[*t].1.is_none_or(|most| most > bins[*t]);
        let below = |t: &usize| limits[*t].0 < bins[*t];
        let used = || (0..bins.len()).filter(|&t| bins[t] > 0);
        if let Some(t) = used().filter(below).max_by_key(rate) {
            self.split(c, t, bins[t] - 1);
        } else if let Some(t) = (0..bins.len()).filter(above).min_by_key(rate) {
            self.split(c, t, bins[t]);
        }
    }

    /// Adds a cut, unless its prices are too large to compute with.
    pub(super) fn take(&mut self, prices: &IntegerPrices) {
        if self.cuts.iter().all(|cut| cut.prices.pi != prices.pi)
            && let Some(demand) = prices.worth_of_all(self.instance)
        {
            self.cuts.push(Cut { prices: prices.clone(), demand });
        }
    }

    /// The patterns at hand.
    pub(super) fn known(&self) -> impl Iterator<Item = &Pattern> {
        self.holding.known()
    }

    /// Takes patterns to have at hand.
    pub(super) fn learn(&mut self, patterns: impl IntoIterator<Item = Pattern>) {
        self.holding.learn(patterns);
    }

    /// Adds a cut that these numbers of bins do not meet, if there is one.
    fn cut_off(&mut self, bins: &[u64], stop: &dyn Fn(u64) -> bool) -> bool {
        let by_resources = self.holding.separate_by_resources(bins, &self.prices);
        self.work += std::mem::take(&mut self.holding.work);
        if let Some(pi) = by_resources {
            let prices = self.relaxed_prices(&pi);
            if self.add_cut(prices, bins) {
                return true;
            }
        }
        let pi = self.holding.separate_by_patterns(bins, &self.prices, PATTERN_STEPS, stop);
        self.work += std::mem::take(&mut self.holding.work);
        let Some(pi) = pi else { return false };
        let prices = self.exact_prices(&pi);
        self.add_cut(prices, bins)
    }

    /// Adds a cut if it says of these numbers of bins that they are too few, and not by rounding alone.
    fn add_cut(&mut self, prices: IntegerPrices, bins: &[u64]) -> bool {
        /// Of the demand, below which the programme may take a cut for met.
        const MARGIN: f64 = 1e-7;
        let Some(demand) = prices.worth_of_all(self.instance) else { return false };
        let held: f64 = bins.iter().zip(&prices.value).map(|(&n, &v)| n as f64 * v as f64).sum();
        let cuts = held < demand as f64 * (1.0 - MARGIN);
        if cuts {
            self.cuts.push(Cut { prices, demand });
        }
        cuts
    }

    /// Prices with resource prices for each kind, large enough to be rounded to integers.
    fn scaled(&mut self, pi: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        /// What the best pattern of all is worth at least.
        const WORTH: f64 = (1u64 << 36) as f64;
        let solved: Vec<_> = self.columns.par_iter().map(|c| c.solve(pi)).collect();
        self.work += 20 * (self.columns.len() * self.instance.shapes.len()) as u64;
        let best = solved.iter().map(|s| s.value).fold(0.0, f64::max);
        let scale = if best > 0.0 { (WORTH / best).max(1.0) } else { 1.0 };
        let times = |prices: &[f64]| prices.iter().map(|p| p * scale).collect::<Vec<_>>();
        (times(pi), solved.iter().map(|s| times(&s.lambda)).collect())
    }

    /// Integer prices with the values of the best patterns of all kinds that may pay.
    fn exact_prices(&mut self, pi: &[f64]) -> IntegerPrices {
        let instance = self.instance;
        let (pi, lambda) = self.scaled(pi);
        let pi = bound::round_down(&pi);
        let found: Vec<_> = (0..instance.kinds.len())
            .into_par_iter()
            .map(|t| {
                if self.may_pay[t] {
                    let found = cases::search(instance, t, &pi, 0, PATTERN_STEPS);
                    (found.value, found.proof, found.work)
                } else {
                    let (value, proof) = bound::prove_by_prices(instance, t, &pi, &lambda[t]);
                    (value, proof, 0)
                }
            })
            .collect();
        let mut prices = IntegerPrices { pi, value: Vec::new(), proof: Vec::new() };
        for (value, proof, work) in found {
            prices.value.push(value);
            prices.proof.push(proof);
            self.work += work;
        }
        prices
    }

    /// Integer prices with values by resource prices.
    fn relaxed_prices(&mut self, pi: &[f64]) -> IntegerPrices {
        let (pi, lambda) = self.scaled(pi);
        bound::integer_prices(self.instance, &pi, &lambda)
    }

    fn depth(&self, c: usize) -> usize {
        std::iter::successors(Some(c), |&c| self.cases[c].part_of.map(|(whole, _)| whole)).count()
    }

    /// How many bins of each kind a case has at least and at most.
    fn limits(&self, c: usize) -> Limits {
        let mut limits = bound::stock_limits(self.instance);
        let mut case = &self.cases[c];
        while let Some((parent, kind)) = case.part_of {
            let (least, most) = &mut limits[kind];
            *least = case.limits.0.max(*least);
            *most = [case.limits.1, *most].into_iter().flatten().min();
            case = &self.cases[parent];
        }
        limits
    }

    fn open_case(
        &mut self,
        part_of: Option<(usize, usize)>,
        limits: (u64, Option<u64>),
        proof: Arc<Sum>,
    ) -> usize {
        let id = self.cases.len();
        self.cases.push(Case { part_of, limits, proof, bound: 0, split: None });
        let bound = self.prove(&self.cases[id].proof, &self.limits(id));
        self.cases[id].bound = bound;
        self.open.push(std::cmp::Reverse((bound, id)));
        id
    }

    fn split(&mut self, c: usize, kind: usize, bins: u64) {
        let proof = self.cases[c].proof.clone();
        let at_least = self.open_case(Some((c, kind)), (bins + 1, None), proof.clone());
        let at_most = self.open_case(Some((c, kind)), (0, Some(bins)), proof);
        self.cases[c].split = Some(Split { kind, bins, at_most, at_least });
    }

    /// What the cuts prove for a case, rounded up to what rates can make.
    fn prove(&self, sum: &Sum, limits: &Limits) -> i128 {
        let mut worth = Worth { all: 0, values: vec![0; self.instance.kinds.len()], one: sum.one };
        for &Weight { valuation, weight } in &sum.weights {
            let cut = &self.cuts[valuation as usize];
            let Some(demand) = cut.demand.checked_mul(weight.into()) else { return 0 };
            worth.all = worth.all.saturating_add(demand);
            for (sum, value) in worth.values.iter_mut().zip(&cut.prices.value) {
                // A value that is too low would prove too much.
                let Some(more) = value.checked_mul(weight).and_then(|v| sum.checked_add(v)) else { return 0 };
                *sum = more;
            }
        }
        bound::round_up(self.instance, worth.bound(self.instance, limits))
    }

    /// Takes the duals as weights for the case if they prove more than it has.
    fn sharpen(&mut self, c: usize, limits: &Limits, duals: &[f64]) {
        /// What values times weights come to.
        const ROOM: f64 = (1u64 << 61) as f64;
        let used = || self.cuts.iter().zip(duals).filter(|(_, m)| **m > 0.0);
        let value = |t: usize| used().map(|(cut, m)| m * cut.prices.value[t] as f64).sum::<f64>();
        let largest = (0..self.instance.kinds.len()).map(value).fold(0.0, f64::max);
        let one = (ROOM / largest).clamp(1.0, ROOM) as u64;
        let weights =
            (0u32..).zip(duals).map(|(valuation, m)| Weight { valuation, weight: (m * one as f64) as u64 });
        let weights: Vec<Weight> = weights.filter(|w| w.weight > 0).collect();
        self.work += (self.instance.kinds.len() * (1 + weights.len())) as u64;
        let proof = Sum { weights, one };
        let bound = self.prove(&proof, limits);
        if bound > self.cases[c].bound {
            self.cases[c].bound = bound;
            self.cases[c].proof = Arc::new(proof);
        }
    }

    fn solve_node(&mut self, limits: &Limits) -> Option<NodeSolution> {
        let instance = self.instance;
        let total = self.total;
        let mut lp = Programme::default();
        // Variables are bins beyond the least number; a kind that is used up has none.
        let y: Vec<Option<usize>> = instance
            .kinds
            .iter()
            .zip(limits)
            .map(|(k, &(least, most))| (most != Some(least)).then(|| lp.add_variable(k.rate as f64 / total)))
            .collect();
        for cut in &self.cuts {
            let (demand, value) = (cut.demand as f64, |t: usize| cut.prices.value[t] as f64);
            let scale = demand.max(1.0);
            let held: f64 = limits.iter().enumerate().map(|(t, l)| l.0 as f64 * value(t)).sum();
            let terms = y.iter().enumerate().filter_map(|(t, v)| Some(((*v)?, value(t) / scale)));
            let mut terms: Vec<(usize, f64)> = terms.collect();
            terms.push((lp.add_variable(SHORTFALL), 1.0));
            lp.add_row(terms, Sense::AtLeast, (demand - held) / scale);
        }
        for (&v, &(least, most)) in y.iter().zip(limits) {
            if let (Some(most), Some(v)) = (most, v) {
                lp.add_row(vec![(v, 1.0)], Sense::AtMost, most.checked_sub(least)? as f64);
            }
        }
        self.work += lp.work();
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
                .map(|(cut, d)| d.max(0.0) * total / (cut.demand as f64).max(1.0))
                .collect(),
        })
    }

    /// The tree as a proof, branches whose cases were never looked at included.
    pub(super) fn certified(&self, problem: &Problem, value: Money) -> LowerBound {
        let mut steps = Vec::new();
        let mut open = vec![0];
        while let Some(c) = open.pop() {
            let case = &self.cases[c];
            let Some(split) = &case.split else {
                steps.push(BoundStep::Leaf { weights: case.proof.weights.clone() });
                continue;
            };
            let bin_type = self.instance.kinds[split.kind].id;
            // More bins than there are: a case that a proof does not name.
            if problem.bin(bin_type).stock.is_none_or(|stock| stock > split.bins) {
                steps.push(BoundStep::Branch { bin_type: bin_type.0, bins: split.bins });
                open.push(split.at_least);
            }
            open.push(split.at_most);
        }
        let valuations = self.cuts.iter().map(|cut| cut.prices.valuation(problem, self.instance)).collect();
        bound::proven(self.instance, value, valuations, steps)
    }
}
