//! What the solver answers: a plan of patterns, a lower bound with its certificate, and why it stopped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::problem::{BinTypeId, ItemTypeId, Problem, RoundedDimension};
use crate::units::Money;

/// What one bin holds: a bin type and the item types in it with their counts.
/// Canonical: sorted by item type, counts at least one, so that equal bins are equal values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    bin_type: BinTypeId,
    content: Vec<(ItemTypeId, u64)>,
}

impl Pattern {
    /// Sorts, merges and drops zero counts.
    pub fn new(bin_type: BinTypeId, content: impl IntoIterator<Item = (ItemTypeId, u64)>) -> Self {
        let mut merged: BTreeMap<ItemTypeId, u64> = BTreeMap::new();
        for (item, count) in content {
            if count > 0 {
                *merged.entry(item).or_default() += count;
            }
        }
        Pattern { bin_type, content: merged.into_iter().collect() }
    }

    /// The bin's type.
    pub fn bin_type(&self) -> BinTypeId {
        self.bin_type
    }

    /// Item types and counts, by item type ascending.
    pub fn content(&self) -> &[(ItemTypeId, u64)] {
        &self.content
    }
}

/// Bins to have, as patterns with their number; equal bins are stored once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    bins: BTreeMap<Pattern, u64>,
}

impl Plan {
    /// An empty plan.
    pub fn new() -> Self {
        Plan::default()
    }

    /// Adds `copies` bins that hold `pattern`.
    pub fn add(&mut self, pattern: Pattern, copies: u64) {
        if copies > 0 {
            *self.bins.entry(pattern).or_default() += copies;
        }
    }

    /// Patterns and how many bins hold each, in canonical order.
    pub fn bins(&self) -> impl ExactSizeIterator<Item = (&Pattern, u64)> {
        self.bins.iter().map(|(p, &n)| (p, n))
    }

    /// How many bins there are in all.
    pub fn bin_count(&self) -> u128 {
        self.bins.values().map(|&n| u128::from(n)).sum()
    }

    /// How many bins of each type there are.
    pub fn bins_by_type(&self) -> BTreeMap<BinTypeId, u64> {
        let mut counts = BTreeMap::new();
        for (pattern, copies) in self.bins() {
            *counts.entry(pattern.bin_type).or_default() += copies;
        }
        counts
    }

    /// What all bins cost for one hour at the problem's rates.
    pub fn hourly_cost(&self, problem: &Problem) -> Money {
        self.bins().map(|(pattern, copies)| problem.bin(pattern.bin_type).rate.for_hours(copies)).sum()
    }
}

impl FromIterator<(Pattern, u64)> for Plan {
    fn from_iter<I: IntoIterator<Item = (Pattern, u64)>>(iter: I) -> Self {
        let mut plan = Plan::new();
        for (pattern, copies) in iter {
            plan.add(pattern, copies);
        }
        plan
    }
}

/// How a lower bound is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BoundKind {
    /// Follows from the certificate in integer arithmetic alone; anybody can recheck it.
    Certified,
    /// The word of a MIP solver in floating point, above the certified bound.
    SolverReported,
}

/// Why no pattern of one bin type is worth more than the stated value at the item prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ValueProof {
    /// Resource prices, the k-th being the k-th numerator over the denominator and at least zero, give
    /// value = floor(lambda . W + sum_j u_j max(0, pi_j - lambda . w_j)),
    /// where u_j is the most copies of item type j that one bin holds on its own, and item types of
    /// equal demand together count at most as many copies, the dearest first, as such copies fit.
    ResourcePrices {
        /// One per dimension.
        numerators: Vec<u64>,
        /// Common to all, at least one.
        denominator: u64,
    },
    /// An exhaustive integer search found no better pattern; a checker repeats it.
    Exhaustive,
    /// Cases that together leave out no pattern, each with resource prices of its own.
    Cases {
        /// Of all resource prices in the list, at least one.
        denominator: u64,
        /// The whole first; after each split first all of its side with fewer copies, then the other.
        steps: Vec<ValueStep>,
    },
}

/// One step of a proof by cases.
///
/// In a case item type j has between l_j and u_j copies: none and the most that one bin holds, or what
/// the splits above it say; none where an item type in conflict with it has a copy at least. With
/// F = W - sum_j l_j w_j, and u_j lowered to l_j + the copies that fit into F alone, no pattern of the
/// case is worth more than
/// floor(sum_j l_j pi_j + lambda . F + sum_j (u_j - l_j) max(0, pi_j - lambda . w_j)),
/// and there is none if F is negative or l_j > u_j. Item types of equal demand that a split names
/// together count as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum ValueStep {
    /// Either at most `copies` of these item types together, or at least one more.
    Split {
        /// Item types of equal demand, as their indices in the problem.
        items: Vec<u32>,
        /// Where the cases part.
        copies: u64,
    },
    /// The end of a case.
    Prices {
        /// Resource prices: one per dimension.
        numerators: Vec<u64>,
    },
}

/// Proven: a pattern of this bin type holds items worth at most `value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PatternValue {
    /// The bin type, as its index in the problem.
    pub bin_type: u32,
    /// Upper bound on the value of a pattern, in the units of the item prices.
    pub value: u64,
    /// Why that is so.
    pub proof: ValueProof,
}

/// A bin type that an optimal plan can do without: the other one is no smaller in any dimension, no
/// dearer, unlimited, and allowed for every item type that this one may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Dominance {
    /// The bin type left out, as its index in the problem.
    pub bin_type: u32,
    /// The bin type that stands in for it; itself not left out.
    pub by: u32,
}

/// What copies are worth, and what patterns are worth at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Valuation {
    /// Nano-dollars per hour and copy of each item type of the problem.
    pub item_prices: Vec<u64>,
    /// One for every bin type that any item type with a price may use and that is not left out.
    pub pattern_values: Vec<PatternValue>,
}

/// A valuation in a weighted sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Weight {
    /// Place of the valuation in the certificate's list.
    pub valuation: u32,
    /// How often it counts.
    pub weight: u64,
}

/// One step of the proof of a lower bound.
///
/// In a leaf every bin type t that is not left out has between l_t and h_t bins, from the branches
/// above it (l_t = 0 and h_t = stock, or unlimited, where none says otherwise). Let pi_j >= 0 and V_t be
/// the sums of the item prices and of the pattern values of its valuations, each times its weight: as no
/// pattern is worth more than V_t, with any r >= 0 with r V_t <= c_t for every unlimited t, every
/// plan costs at least
/// r sum_j q_j pi_j + sum_t l_t max(0, c_t - r V_t) - sum_t h_t max(0, r V_t - c_t)
/// (Farley 1990 where nothing is limited and one valuation counts). The best r counts. Where no type with
/// V_t > 0 is unlimited and sum_t V_t h_t < sum_j q_j pi_j, no plan belongs to the leaf: it proves any bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum BoundStep {
    /// Either at most `bins` bins of the type, or at least one more.
    Branch {
        /// The bin type, as its index in the problem.
        bin_type: u32,
        /// Where the cases part.
        bins: u64,
    },
    /// A bound by a weighted sum of valuations.
    Leaf {
        /// Those that count. Without any, l_t bins of each type cost what they cost.
        weights: Vec<Weight>,
    },
}

/// Everything needed to recompute a lower bound with integers alone. The bound is the least over the
/// leaves, rounded up to a multiple of the greatest common divisor of all rates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Certificate {
    /// Sets of item types of which a bin holds one copy at most, because each refuses itself and all the
    /// others. For the proof each is one more dimension after those of the problem, of which a bin has
    /// one and each copy takes one.
    pub cliques: Vec<Vec<u32>>,
    /// Dimensions of the problem once more, divided and rounded down: what fits a bin fits it in these as
    /// well. For the proof they are further dimensions after those of the cliques.
    pub rounded: Vec<RoundedDimension>,
    /// Bin types left out.
    pub dominated: Vec<Dominance>,
    /// What the leaves count with.
    pub valuations: Vec<Valuation>,
    /// The proof for what is left: the whole first; after each branch first all of the case with fewer
    /// bins, then the other.
    pub proof: Vec<BoundStep>,
}

impl Default for Certificate {
    /// Proves that no plan costs less than nothing.
    fn default() -> Self {
        let proof = vec![BoundStep::Leaf { weights: Vec::new() }];
        Certificate {
            cliques: Vec::new(),
            rounded: Vec::new(),
            dominated: Vec::new(),
            valuations: Vec::new(),
            proof,
        }
    }
}

/// A number that no plan can undercut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LowerBound {
    /// For one hour.
    pub value: Money,
    /// Certified or solver-reported.
    pub kind: BoundKind,
    /// Certified part: the value that follows from `certificate`, at most `value`.
    pub certified: Money,
    /// The proof of `certified`.
    pub certificate: Certificate,
}

/// Why the solver stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// The plan costs as much as the lower bound: nothing cheaper exists.
    Optimal,
    /// The gap that was asked for is reached.
    GapReached,
    /// The plan is the cheapest among those that keep the restrictions by which some rules are held; the
    /// bound, which is for plans without these, lies below.
    BestUnderRestrictions,
    /// No step of the search saved anything for long.
    Exhausted,
    /// The work that the effort allows is done.
    WorkLimit,
    /// The time limit was reached.
    TimeLimit,
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

/// The solver's answer, before it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The cheapest plan found.
    pub incumbent: Plan,
    /// What no plan can undercut.
    pub lower_bound: LowerBound,
    /// Why the search ended.
    pub stop: StopReason,
    /// How the search went: one entry for each better plan or bound, in order.
    pub progress: Vec<ProgressPoint>,
}

impl Outcome {
    /// The same plan under the bound of a relaxed problem. Bounds of the problem itself hold for its
    /// restrictions only and go.
    pub fn under(mut self, problem: &Problem, bound: LowerBound) -> Outcome {
        let cost = self.incumbent.hourly_cost(problem);
        self.stop = match self.stop {
            _ if cost == bound.value => StopReason::Optimal,
            StopReason::Optimal => StopReason::BestUnderRestrictions,
            other => other,
        };
        for point in &mut self.progress {
            point.lower_bound = point.lower_bound.min(bound.value);
        }
        self.lower_bound = bound;
        self
    }
}

/// A better plan or bound, and when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressPoint {
    /// Deterministic work done until then, in the solver's units.
    pub work: u64,
    /// Milliseconds since the start: for people, never for data that must not change.
    pub millis: u64,
    /// Hourly cost of the best plan, if there is one.
    pub incumbent: Option<Money>,
    /// Best lower bound for an hour.
    pub lower_bound: Money,
}

/// The relative distance of a cost from its lower bound, (cost - bound) / cost, as a fraction.
/// Zero when both are equal, also at cost zero.
pub fn relative_gap(cost: Money, bound: Money) -> f64 {
    if cost == bound { 0.0 } else { (cost - bound).ratio_to(cost).unwrap_or(0.0) }
}
