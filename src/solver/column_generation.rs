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
//! filled greedily and searched by branch and bound. Every set of prices tried gives a true lower
//! bound, by what the searches prove even where they were cut short.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::plan::ValueProof;

use super::bound::{self, IntegerPrices};
use super::cases;
use super::greedy::{Balance, Filler, Guide};
use super::instance::{Bin, Instance};
use super::knapsack_lp::Columns;
use super::master::{Programme, Sense};
use super::pricing;
use super::relaxation::Prices;
use super::rounding;

/// Weight of the last round's prices against the master's.
const SMOOTHING: f64 = 0.8;
/// Cases that one pricing search may look at, at first and when nothing else helps.
const SEARCH_STEPS: (usize, usize) = (400, 10_000);
/// Rounds that prices have to come close to the master's before searches are made longer.
const STALLED: u32 = 8;
/// Patterns of one kind that are filled one after the other from the same copies.
const COMPLEMENTS: usize = 8;
/// Nodes of an enumeration that take about as long as a case.
const ENUMERATED_PER_CASE: u64 = 1_000;
/// Bins that hold fewer copies on average are enumerated before they are searched by cases.
const SHORT: f64 = 8.0;
/// Up to this many pairs of kind and shape, a second look at other prices costs less than a master, and what
/// it brings saves some.
const SECOND_LOOK: usize = 50_000;
/// Below this relative distance of master and bound the linear programme counts as solved.
const CLOSED: f64 = 2e-6;
/// The pool of patterns and the best prices found.
pub(super) struct PatternLp<'a> {
    instance: &'a Instance,
    columns: &'a [Columns],
    pool: Vec<(usize, Vec<(usize, u64)>)>,
    known: HashSet<(usize, Vec<(usize, u64)>)>,
    /// Prices with the best bound so far.
    pub best: Prices,
    pub best_integer: IntegerPrices,
    pub best_bound: i128,
    /// Prices of the last round: long before they bound anything they say what to pack.
    pub latest: Prices,
    /// Value of the last master: an upper bound on the programme's.
    pub master_value: f64,
    /// Patterns with their number in the last master.
    pub solution: Vec<(usize, f64)>,
    /// Work done since it was last taken.
    pub work: u64,
    /// The prices of the last round.
    smoothed: Vec<f64>,
    /// Per pattern of the last master: its cost above its worth, as a share.
    margin: Vec<f64>,
    /// Rounds in a row without a new pattern or a better bound.
    stalled: u32,
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
            pool: Vec::new(),
            known: HashSet::new(),
            best_bound: integer.bound(instance, &bound::stock_limits(instance)),
            best: prices.clone(),
            latest: prices.clone(),
            best_integer: integer,
            master_value: f64::INFINITY,
            solution: Vec::new(),
            work: 0,
            smoothed: prices.pi.clone(),
            margin: Vec::new(),
            stalled: 0,
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

    /// The last master's solution as a basic one: at most as many patterns as there are rows, so that
    /// most numbers are large. The master's own where the simplex method does not find one.
    pub(super) fn basic_solution(&self) -> Vec<(usize, f64)> {
        let lp = rounding::covering(self.instance, self.solution.iter().map(|&(p, _)| self.pattern(p)));
        match lp.solve_basic() {
            Ok(x) => {
                let counts = self.solution.iter().zip(x).map(|(&(p, _), count)| (p, count));
                counts.filter(|&(_, count)| count > 1e-6).collect()
            }
            Err(_) => self.solution.clone(),
        }
    }

    pub(super) fn pattern(&self, p: usize) -> (usize, &[(usize, u64)]) {
        (self.pool[p].0, &self.pool[p].1)
    }

    fn add(&mut self, kind: usize, content: Vec<(usize, u64)>) -> bool {
        if content.is_empty() || !self.known.insert((kind, content.clone())) {
            return false;
        }
        self.pool.push((kind, content));
        true
    }

    /// One master, priced between its duals and those of the rounds before, near to either.
    pub(super) fn round(&mut self) -> Round {
        let Some((master, mu)) = self.solve_master() else { return Round::Closed };
        let before = self.best_bound;
        let pi: Vec<f64> =
            master.iter().zip(&self.smoothed).map(|(m, s)| SMOOTHING * s + (1.0 - SMOOTHING) * m).collect();
        self.smoothed.clone_from(&pi);
        let mut changed = self.price(&pi, &master, &mu);
        if self.instance.kinds.len() * self.instance.shapes.len() <= SECOND_LOOK {
            let between: Vec<f64> = master.iter().zip(&pi).map(|(m, s)| 0.5 * (m + s)).collect();
            changed |= self.price(&between, &master, &mu);
        }
        if self.master_value - self.best_bound as f64 <= CLOSED * self.master_value {
            return Round::Closed;
        }
        if changed || self.best_bound > before {
            self.stalled = 0;
            return Round::Progress;
        }
        // The smoothed prices yield nothing; they are on their way to the master's own.
        self.stalled += 1;
        if self.stalled < STALLED {
            return Round::Progress;
        }
        self.stalled = 0;
        if self.steps < SEARCH_STEPS.1 {
            self.steps *= 5;
            return Round::Progress;
        }
        Round::Closed
    }

    fn solve_master(&mut self) -> Option<(Vec<f64>, Vec<f64>)> {
        self.forget();
        let instance = self.instance;
        let total = (self.best_bound as f64).max(1.0);
        let mut lp = Programme::default();
        let mut cover: Vec<Vec<(usize, f64)>> = vec![Vec::new(); instance.shapes.len()];
        let mut stock: Vec<Vec<(usize, f64)>> = vec![Vec::new(); instance.kinds.len()];
        // Variables count money as a share of the total; bins that are free count by a token rate.
        let token = |t: usize| (instance.kinds[t].rate as f64).max(total * 1e-9);
        for (t, content) in &self.pool {
            let v = lp.add_variable(instance.kinds[*t].rate as f64 / token(*t));
            for &(j, n) in content {
                cover[j].push((v, n as f64 * total / token(*t) / instance.shapes[j].copies as f64));
            }
            stock[*t].push((v, total / token(*t)));
        }
        let cover: Vec<usize> =
            cover.into_iter().map(|terms| lp.add_row(terms, Sense::AtLeast, 1.0)).collect();
        let mut stock_rows = vec![None; instance.kinds.len()];
        for (t, terms) in stock.into_iter().enumerate() {
            if let (Some(s), false) = (instance.kinds[t].stock, terms.is_empty()) {
                let scale = 1.0 / (s.max(1) as f64);
                let terms = terms.into_iter().map(|(v, a)| (v, a * scale)).collect();
                stock_rows[t] = Some((lp.add_row(terms, Sense::AtMost, s as f64 * scale), scale));
            }
        }
        self.work += lp.work();
        let solution = lp.solve_lp().ok()?;
        self.master_value = solution.x.iter().zip(&lp.cost).map(|(x, c)| x.max(0.0) * c).sum::<f64>() * total;
        self.solution = (0..self.pool.len())
            .map(|p| (p, solution.x[p] * total / token(self.pool[p].0)))
            .filter(|&(_, count)| count > 1e-6)
            .collect();
        let pi: Vec<f64> = cover
            .iter()
            .zip(&instance.shapes)
            .map(|(&r, s)| (solution.dual[r] * total / s.copies as f64).max(0.0))
            .collect();
        let mu: Vec<f64> = stock_rows
            .iter()
            .map(|row| row.map_or(0.0, |(r, scale)| (solution.dual[r] * total * scale).min(0.0)))
            .collect();
        self.margin = self
            .pool
            .iter()
            .map(|(t, content)| {
                let worth: f64 = content.iter().map(|&(j, n)| pi[j] * n as f64).sum();
                1.0 - (worth + mu[*t]) / instance.kinds[*t].rate.max(1) as f64
            })
            .collect();
        Some((pi, mu))
    }

    /// Drops the patterns that the last master wanted least, once there are many.
    fn forget(&mut self) {
        let shapes = self.instance.shapes.len();
        let (most, keep) = (5 * shapes + 200, 3 * shapes + 100);
        if self.pool.len() <= most {
            return;
        }
        // Those added since are kept.
        let mut order: Vec<usize> = (0..self.margin.len()).collect();
        order.sort_by(|&a, &b| self.margin[a].total_cmp(&self.margin[b]).then(a.cmp(&b)));
        let mut kept = vec![true; self.pool.len()];
        for &p in order.iter().skip(keep) {
            kept[p] = false;
            self.known.remove(&self.pool[p]);
        }
        // Whatever names patterns by number goes along, for the next master may fail.
        let mut now: Vec<Option<usize>> = Vec::with_capacity(kept.len());
        let mut count = 0;
        for &keep in &kept {
            now.push(keep.then_some(count));
            count += usize::from(keep);
        }
        let place = |p: usize| now.get(p).copied().flatten();
        self.solution = self.solution.iter().filter_map(|&(p, n)| Some((place(p)?, n))).collect();
        let mut keep = kept.iter();
        self.margin.retain(|_| keep.next().copied().unwrap_or(true));
        let mut keep = kept.iter();
        self.pool.retain(|_| keep.next().copied().unwrap_or(true));
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
        let prices = relaxation::solve(&instance, &columns).unwrap();
        let integer = bound::integer_prices(&instance, &prices.pi, &prices.lambda);
        let mut lp = PatternLp::start(&instance, &columns, &prices, integer);
        // The start has the pattern of 400 already; the worst come first, so that they are what goes.
        lp.pool.clear();
        lp.known.clear();
        for n in 1..=400 {
            lp.add(0, vec![(0, n)]);
        }
        lp.solve_master().expect("a covering programme has a solution");
        // An interior point leaves dust on patterns beside the best.
        let named = |lp: &PatternLp<'_>| -> Vec<(usize, u64)> {
            let used = lp.solution.iter().filter(|&&(_, count)| count > 0.1);
            used.map(|&(p, _)| lp.pattern(p)).map(|(t, content)| (t, content[0].1)).collect()
        };
        let before = named(&lp);
        assert_eq!(before, [(0, 400)], "full bins are the cheapest cover");
        lp.forget();
        // 3 shapes' worth and 100 of the 400 stay.
        assert_eq!((lp.pool.len(), lp.margin.len()), (103, 103));
        assert_eq!(named(&lp), before);
        assert!(lp.basic_solution().iter().all(|&(p, _)| p < lp.pool.len()));
    }
}
