//! The linear programme over patterns, by column generation (Gilmore and Gomory 1961).
//!
//! ```text
//! min  sum_p c_p x_p
//! s.t. sum_p a_jp x_p >= q_j              for each shape j               (dual pi_j >= 0)
//!      sum_{p of kind t} x_p <= s_t       where kind t has a stock       (dual mu_t <= 0)
//! ```
//!
//! A pattern of kind t enters when pi . a + mu_t > c_t; duals are smoothed over the rounds (Neame
//! 1999). Kinds are screened by the knapsack's linear relaxation; those that it does not rule out are
//! filled greedily and searched by branch and bound; patterns in use are varied ([`exchange`]). Every
//! set of prices tried gives a true lower bound, by what the searches prove even where they were cut
//! short.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::plan::ValueProof;

use super::bound::{self, IntegerPrices};
use super::cases;
use super::exchange::{self, Pattern};
use super::greedy::{Balance, Filler};
use super::guide::Guide;
use super::instance::{Bin, Instance, Kind};
use super::knapsack_lp::Columns;
use super::master::Sense;
use super::pricing;
use super::relaxation::Prices;
use super::simplex::Simplex;

/// Weight of the last round's prices against the master's.
const SMOOTHING: f64 = 0.9;
/// Cases that one pricing search may look at, at first and when nothing else helps.
const SEARCH_STEPS: (usize, usize) = (80, 10_000);
/// Patterns of one kind that are filled one after the other from the same copies.
const COMPLEMENTS: usize = 8;
/// Nodes of an enumeration that take about as long as a case.
const ENUMERATED_PER_CASE: u64 = 1_000;
/// Bins that hold fewer copies on average are enumerated before they are searched by cases.
const SHORT: f64 = 8.0;
/// Below this relative distance of master and bound the linear programme counts as solved.
const CLOSED: f64 = 2e-6;
/// Pivots that one master may take, per shape.
const PIVOTS: usize = 30;

/// The pool of patterns and the best prices found.
pub(super) struct PatternLp<'a> {
    instance: &'a Instance,
    columns: &'a [Columns],
    lp: Simplex,
    pool: Vec<Pattern>,
    known: HashSet<Pattern>,
    /// Prices with the best bound so far.
    pub best: Prices,
    pub best_integer: IntegerPrices,
    pub best_bound: i128,
    /// Prices of the last round: long before they bound anything they say what to pack.
    pub latest: Prices,
    /// Value of the last master: an upper bound on the programme's.
    pub master_value: f64,
    /// Work done since it was last taken.
    pub work: u64,
    /// The prices of the last round.
    smoothed: Vec<f64>,
    steps: usize,
    /// Kinds that are not looked at: where only plans are wanted, those that are far from paying.
    passed_over: Vec<bool>,
    /// Whether patterns are short.
    pub short: bool,
}

/// What a round brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// The bound rose or columns entered.
    Progress,
    /// Master and bound meet, or nothing more can be proven.
    Closed,
}

struct KindPriced {
    value: u64,
    proof: ValueProof,
    lambda: Vec<f64>,
    relaxed: f64,
    patterns: Vec<Vec<(usize, u64)>>,
    work: u64,
}

impl<'a> PatternLp<'a> {
    /// Starts from the relaxation's prices.
    pub(super) fn start(
        instance: &'a Instance,
        columns: &'a [Columns],
        prices: &Prices,
        integer: IntegerPrices,
    ) -> Self {
        let copies: f64 = instance.shapes.iter().map(|s| s.copies as f64).sum();
        let mut lp = PatternLp {
            instance,
            columns,
            lp: programme(instance, &prices.pi),
            pool: Vec::new(),
            known: HashSet::new(),
            best_bound: integer.bound(instance, &bound::stock_limits(instance)),
            best: prices.clone(),
            latest: prices.clone(),
            best_integer: integer,
            master_value: f64::INFINITY,
            work: 0,
            smoothed: prices.pi.clone(),
            steps: SEARCH_STEPS.0,
            passed_over: vec![false; instance.kinds.len()],
            short: copies / prices.bins.iter().sum::<f64>().max(1.0) <= SHORT,
        };
        // Every shape can be covered from the start, at a price.
        for j in 0..instance.shapes.len() {
            let cheapest = (0..instance.kinds.len()).filter(|&t| instance.fits[t][j] > 0).min_by_key(|&t| {
                (instance.kinds[t].stock.is_some(), instance.kinds[t].rate / instance.fits[t][j], t)
            });
            if let Some(t) = cheapest {
                lp.add(t, vec![(j, instance.fits[t][j])]);
            }
        }
        lp
    }

    /// Looks only at so many kinds, those that nearest pay, and not long: for plans, not for the bound.
    pub(super) fn for_plans(&mut self, most_kinds: usize) {
        /// Cases that find what is worth having.
        const STEPS: usize = 60;
        let ratio = |t: usize| self.best.pattern_value[t] / self.instance.kinds[t].rate.max(1) as f64;
        let mut order: Vec<usize> = (0..self.instance.kinds.len()).collect();
        order.sort_by(|&a, &b| ratio(b).total_cmp(&ratio(a)).then(a.cmp(&b)));
        for &t in order.iter().skip(most_kinds) {
            self.passed_over[t] = true;
        }
        self.steps = STEPS;
    }

    /// Adds the patterns of a plan.
    pub(super) fn add_plan(&mut self, bins: &[Bin]) {
        for bin in bins {
            self.add(bin.kind, bin.content.clone());
        }
    }

    /// All patterns at hand.
    pub(super) fn patterns(&self) -> Vec<Bin> {
        let bin = |(kind, content): &Pattern| Bin { kind: *kind, content: content.clone(), copies: 1 };
        self.pool.iter().map(bin).collect()
    }

    /// The last master's solution: at most as many patterns as there are rows, so that most numbers are
    /// large.
    pub(super) fn solution(&self) -> Vec<(Bin, f64)> {
        let counts = (0..self.pool.len()).map(|p| self.lp.value(p));
        self.patterns().into_iter().zip(counts).filter(|&(_, count)| count > 1e-6).collect()
    }

    fn add(&mut self, kind: usize, content: Vec<(usize, u64)>) -> bool {
        if content.is_empty() || !self.known.insert((kind, content.clone())) {
            return false;
        }
        add_pattern(&mut self.lp, self.instance, kind, &content);
        self.pool.push((kind, content));
        true
    }

    /// One master, priced between its duals and those of the rounds before, near to either.
    pub(super) fn round(&mut self) -> Round {
        let Some((master, mu)) = self.solve_master() else { return Round::Closed };
        let settled = self.smoothed == master;
        let pi: Vec<f64> =
            master.iter().zip(&self.smoothed).map(|(m, s)| SMOOTHING * s + (1.0 - SMOOTHING) * m).collect();
        self.smoothed.clone_from(&pi);
        let exchanged = self.exchange(&pi, &master);
        let changed = self.price(&pi, &master, &mu) || exchanged;
        if self.master_value - self.best_bound as f64 <= CLOSED * self.master_value {
            return Round::Closed;
        }
        if changed {
            return Round::Progress;
        }
        if !settled {
            // Nothing pays at the smoothed prices: next, the master's own.
            self.smoothed = master;
            return Round::Progress;
        }
        if self.steps < SEARCH_STEPS.1 {
            self.steps *= 5;
            return Round::Progress;
        }
        Round::Closed
    }

    fn solve_master(&mut self) -> Option<(Vec<f64>, Vec<f64>)> {
        let shapes = self.instance.shapes.len();
        let pivots = self.lp.solve(PIVOTS * shapes + 1_000);
        self.work += pivots as u64 * self.lp.work_per_pivot();
        self.master_value = self.lp.cost();
        let (pi, mu) = self.lp.dual().split_at(shapes);
        if !self.master_value.is_finite() || !pi.iter().chain(mu).all(|y| y.is_finite()) {
            return None;
        }
        let mut mu = mu.iter();
        let stocked = |kind: &Kind| kind.stock.and_then(|_| mu.next().copied()).unwrap_or(0.0).min(0.0);
        let mu = self.instance.kinds.iter().map(stocked).collect();
        let pi = pi.iter().map(|p| p.max(0.0)).collect();
        self.forget();
        Some((pi, mu))
    }

    /// Drops the patterns that the last master wanted least, once there are many.
    fn forget(&mut self) {
        let shapes = self.instance.shapes.len();
        let (most, keep) = (5 * shapes + 200, 3 * shapes + 100);
        if self.pool.len() <= most {
            return;
        }
        let margin: Vec<f64> = (0..self.pool.len()).map(|p| self.lp.margin(p)).collect();
        let mut sorted = margin.clone();
        sorted.sort_by(f64::total_cmp);
        let stays = self.lp.retain(|p| margin[p] < sorted[keep]);
        let mut stays = stays.iter();
        let known = &mut self.known;
        self.pool.retain(|pattern| {
            let stays = stays.next().copied().unwrap_or(true);
            if !stays {
                known.remove(pattern);
            }
            stays
        });
    }

    /// Adds patterns that come of those in use by an exchange and pay, as many as there are shapes at most.
    fn exchange(&mut self, pi: &[f64], master: &[f64]) -> bool {
        /// What is used less stands in the solution by rounding alone.
        const USED: f64 = 1e-9;
        let used: Vec<&Pattern> = self
            .pool
            .iter()
            .enumerate()
            .filter(|&(p, (kind, _))| self.lp.value(p) > USED && !self.passed_over[*kind])
            .map(|(_, pattern)| pattern)
            .collect();
        let (made, work) = exchange::patterns(self.instance, &used, master, pi, self.instance.shapes.len());
        self.work += work;
        made.into_iter().fold(false, |changed, (kind, content)| self.add(kind, content) || changed)
    }

    /// Prices every kind at `pi`; adds columns that pay under the master's own duals too; takes the
    /// prices if their bound is the best so far. Says whether the master has changed.
    fn price(&mut self, pi: &[f64], master: &[f64], mu: &[f64]) -> bool {
        let instance = self.instance;
        let guide_prices = Prices { pi: pi.to_vec(), ..self.latest.clone() };
        let integer_pi = bound::round_down(pi);
        let every = vec![true; instance.kinds.len()];
        let guide = Guide::new(instance, &guide_prices, &every);
        let priced: Vec<KindPriced> = (0..instance.kinds.len())
            .into_par_iter()
            .map(|t| self.price_kind(t, &guide, pi, &integer_pi, mu[t]))
            .collect();
        let mut changed = false;
        for (t, kind) in priced.iter().enumerate() {
            self.work += kind.work;
            for content in &kind.patterns {
                let worth: f64 = content.iter().map(|&(j, n)| master[j] * n as f64).sum();
                if worth + mu[t] > instance.kinds[t].rate as f64 * (1.0 + 1e-7) {
                    changed |= self.add(t, content.clone());
                }
            }
        }
        let integer = IntegerPrices {
            pi: integer_pi,
            value: priced.iter().map(|k| k.value).collect(),
            proof: priced.iter().map(|k| k.proof.clone()).collect(),
        };
        self.latest.pi = pi.to_vec();
        self.latest.pattern_value = priced.iter().map(|k| k.relaxed).collect();
        self.latest.lambda = priced.into_iter().map(|k| k.lambda).collect();
        let bound = integer.bound(instance, &bound::stock_limits(instance));
        if bound > self.best_bound {
            self.best_bound = bound;
            self.best_integer = integer;
            self.best = self.latest.clone();
        }
        changed
    }

    fn price_kind(&self, t: usize, guide: &Guide<'_>, pi: &[f64], integer_pi: &[u64], mu: f64) -> KindPriced {
        let instance = self.instance;
        let rate = instance.kinds[t].rate;
        if self.passed_over[t] {
            let lambda = vec![0.0; instance.dims];
            let (value, proof) = bound::prove_by_prices(instance, t, integer_pi, &lambda);
            return KindPriced { value, proof, relaxed: 0.0, lambda, patterns: Vec::new(), work: 0 };
        }
        // Prices that ruled the kind out before mostly do so again.
        let lambda = &self.latest.lambda[t];
        let (value, proof) = bound::prove_by_prices(instance, t, integer_pi, lambda);
        if value as f64 <= (rate as f64 - mu) * (1.0 - 1e-9) {
            let (lambda, patterns, work) = (lambda.clone(), Vec::new(), 3 * instance.shapes.len() as u64);
            return KindPriced { value, proof, relaxed: value as f64, lambda, patterns, work };
        }
        let relaxed = self.columns[t].solve(pi);
        let (value, proof) = bound::prove_by_prices(instance, t, integer_pi, &relaxed.lambda);
        let mut priced = KindPriced {
            value,
            proof,
            relaxed: relaxed.value,
            lambda: relaxed.lambda,
            patterns: Vec::new(),
            work: 20 * instance.shapes.len() as u64,
        };
        let target = rate as f64 - mu;
        if priced.relaxed <= target * (1.0 + 1e-7) {
            return priced;
        }
        let shapes: Vec<usize> = (0..instance.shapes.len()).collect();
        let copies: Vec<u64> = instance.shapes.iter().map(|s| s.copies).collect();
        let mut filler = Filler::default();
        // Patterns that leave each other their items enter together.
        for theta in [0.0, 0.3] {
            let mut left = copies.clone();
            for _ in 0..COMPLEMENTS {
                let content =
                    filler.fill(guide, t, &shapes, &left, pi, Balance(theta), f64::INFINITY).content;
                let pays = worth(integer_pi, &content) as f64 > target;
                content.iter().for_each(|&(j, n)| left[j] -= n);
                priced.patterns.push(content);
                if !pays {
                    break;
                }
            }
        }
        let known = priced.patterns.iter().map(|c| worth(integer_pi, c)).max().unwrap_or(0);
        priced.work += filler.work;
        if self.short {
            // With the target itself as threshold, a proof that nothing is worth more is as good as one
            // at the optimum.
            let threshold = known.max(target as u64);
            let limit = ENUMERATED_PER_CASE * self.steps as u64;
            let found = pricing::search(instance, t, integer_pi, &priced.lambda, threshold, limit);
            priced.work += found.work;
            let best = found.pattern.as_ref().map_or(threshold, |(_, v)| *v);
            priced.patterns.extend(found.pattern.map(|(content, _)| content));
            if found.complete {
                if best < priced.value {
                    priced.value = best;
                    priced.proof = ValueProof::Exhaustive;
                }
                return priced;
            }
        }
        let found = cases::search(instance, t, integer_pi, target as u64, self.steps);
        priced.work += found.work;
        if found.value < priced.value {
            priced.value = found.value;
            priced.proof = found.proof;
        }
        priced.patterns.extend(found.patterns);
        priced
    }
}

fn worth(pi: &[u64], content: &[(usize, u64)]) -> u64 {
    content.iter().map(|&(j, n)| pi[j].saturating_mul(n)).fold(0, u64::saturating_add)
}

/// The master without patterns: a row per shape, then one per kind in stock.
fn programme(instance: &Instance, pi: &[f64]) -> Simplex {
    /// What covers a shape in want of bins is so much dearer than the shape's price.
    const DEAR: f64 = 1.1;
    /// And no less than this share of what a copy costs that has a bin for itself and its like: a relaxation may
    /// have no price for a shape, and what stands in for its bins must still become too dear.
    const LEAST: f64 = 1e-3;
    let dear: Vec<f64> = (0..instance.shapes.len())
        .map(|j| {
            let kinds = instance.kinds.iter().zip(&instance.fits).filter(|(_, fits)| fits[j] > 0);
            let per_copy = kinds.map(|(kind, fits)| kind.rate.max(1) as f64 / fits[j] as f64);
            let alone = per_copy.fold(f64::INFINITY, f64::min);
            if pi[j] > 0.0 { (DEAR * pi[j]).max(LEAST * alone).min(alone) } else { alone }
        })
        .collect();
    let cover = instance.shapes.iter().zip(&dear).map(|(s, &dear)| (Sense::AtLeast, s.copies as f64, dear));
    let stock = instance
        .kinds
        .iter()
        .filter_map(|kind| Some((Sense::AtMost, kind.stock? as f64, kind.rate.max(1) as f64)));
    Simplex::new(&cover.chain(stock).collect::<Vec<_>>())
}

fn add_pattern(lp: &mut Simplex, instance: &Instance, kind: usize, content: &[(usize, u64)]) {
    let rate = instance.kinds[kind].rate as f64;
    let mut terms: Vec<(usize, f64)> = content.iter().map(|&(j, n)| (j, n as f64)).collect();
    if instance.kinds[kind].stock.is_some() {
        let row = instance.kinds[..kind].iter().filter(|k| k.stock.is_some()).count();
        terms.push((instance.shapes.len() + row, 1.0));
    }
    lp.add(rate, rate.max(1.0), &terms);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{BinSet, BinType, ItemType, Problem};
    use crate::solver::relaxation;
    use crate::units::{Rate, Resources};

    /// One shape of 1,000 copies, of which a bin holds 400: so many patterns that most are forgotten.
    #[test]
    fn a_solution_names_the_same_patterns_after_others_are_forgotten() {
        let item = ItemType {
            demand: Resources::from_iter([1]),
            copies: 1_000,
            max_per_bin: None,
            eligible: BinSet::all(1),
        };
        let bin =
            BinType { capacity: Resources::from_iter([400]), rate: Rate::from_nanos(1_000), stock: None };
        let problem = Problem::new(vec!["cpu".into()], vec![item], vec![bin], [], None).unwrap();
        let instance = Instance::reduce(&problem).unwrap();
        let columns = relaxation::all_columns(&instance);
        let prices = relaxation::solve(&instance, &columns, &[]).unwrap();
        let integer = bound::integer_prices(&instance, &prices.pi, &prices.lambda);
        let mut lp = PatternLp::start(&instance, &columns, &prices, integer);
        // The start has the pattern of 400 already; the worst come first, so that they are what goes.
        lp.pool.clear();
        lp.known.clear();
        lp.lp = programme(&instance, &prices.pi);
        for n in 1..=400 {
            lp.add(0, vec![(0, n)]);
        }
        lp.solve_master().expect("a covering programme has a solution");
        // 3 shapes' worth and 100 of the 400 stay.
        assert_eq!(lp.pool.len(), 103);
        let named: Vec<(usize, u64, f64)> =
            lp.solution().into_iter().map(|(bin, count)| (bin.kind, bin.content[0].1, count)).collect();
        assert_eq!(named, [(0, 400, 2.5)], "full bins are the cheapest cover");
        lp.add(0, vec![(0, 1)]);
        assert_eq!(lp.pool.len(), 104, "what was forgotten may come again");
    }

    /// Copies of 9 and 10 on bins of 16 need a bin each, whatever prices the programme starts from.
    #[test]
    fn a_shape_without_a_price_at_first_has_one_in_the_end() {
        let item = |demand: u64| ItemType {
            demand: Resources::from_iter([demand]),
            copies: 20,
            max_per_bin: None,
            eligible: BinSet::all(1),
        };
        let rate = Rate::from_nanos(1_000_000_000);
        let bin = BinType { capacity: Resources::from_iter([16]), rate, stock: None };
        let problem = Problem::new(vec!["cpu".into()], vec![item(9), item(10)], vec![bin], [], None).unwrap();
        let instance = Instance::reduce(&problem).unwrap();
        let columns = relaxation::all_columns(&instance);
        let mut prices = relaxation::solve(&instance, &columns, &[]).unwrap();
        prices.pi[0] = 1.0;
        let integer = bound::integer_prices(&instance, &prices.pi, &prices.lambda);
        let mut lp = PatternLp::start(&instance, &columns, &prices, integer);
        while lp.round() != Round::Closed {}
        assert_eq!(bound::round_up(&instance, lp.best_bound), 40_000_000_000);
    }
}
