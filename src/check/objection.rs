//! Why a certificate does not prove what it should.

use std::fmt;

use crate::plan::Pattern;
use crate::problem::{BinTypeId, ItemTypeId};

/// One reason why a certificate does not prove what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// A bin type that the problem does not have.
    UnknownBinType(BinTypeId),
    /// A set of item types of which a bin may hold more than one copy.
    FalseClique(usize),
    /// The rounded dimension at this place is of no dimension of the problem, or divided by zero.
    FalseRounding(usize),
    /// Not one price per item type.
    PriceCount {
        /// Prices given.
        found: usize,
        /// Item types of the problem.
        expected: usize,
    },
    /// A bin type is left out, and the one named does not stand in for it.
    FalseDominance {
        /// The bin type left out.
        bin_type: BinTypeId,
        /// The one that should stand in for it.
        by: BinTypeId,
        /// What it lacks.
        flaw: DominanceFlaw,
    },
    /// No pattern value for a bin type that items with a price may use.
    MissingBinType(BinTypeId),
    /// Two pattern values for one bin type.
    RepeatedBinType(BinTypeId),
    /// Not one resource price per dimension, or a denominator of zero.
    ResourcePrices(BinTypeId),
    /// The resource prices prove less than is stated.
    ValueTooSmall {
        /// Whose patterns.
        bin_type: BinTypeId,
        /// What they are worth at most, as stated.
        stated: u64,
        /// What the resource prices prove.
        proven: u128,
    },
    /// A pattern is worth more than the stated value.
    BetterPattern {
        /// The pattern.
        pattern: Pattern,
        /// What patterns of the type are worth at most, as stated.
        stated: u64,
        /// What this one is worth.
        worth: u128,
    },
    /// The search for a better pattern was not done within the limit: nothing is refuted or proven.
    NotRechecked {
        /// Whose patterns.
        bin_type: BinTypeId,
        /// Steps allowed.
        steps: u64,
    },
    /// The cases of a pattern value leave something out, overlap, or count unequal item types together.
    Cases(BinTypeId),
    /// The branches above a leaf leave no number of bins.
    ContradictoryBranch {
        /// Whose number.
        bin_type: BinTypeId,
        /// At least so many.
        at_least: u64,
        /// At most so many.
        at_most: u64,
    },
    /// A leaf counts with a valuation that is not there.
    UnknownValuation(u32),
    /// The step at this place belongs to no branch.
    StrayStep(usize),
    /// So many cases have no steps.
    UnfinishedProof(usize),
    /// A sum or product beyond what the check computes with.
    Overflow(&'static str),
}

/// Why one bin type does not stand in for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DominanceFlaw {
    /// It is left out itself.
    LeftOutItself,
    /// There is a limited number of it.
    Limited,
    /// It costs more.
    Dearer,
    /// It is smaller in a dimension that items demand.
    Smaller(String),
    /// It may not hold this item type, which the other may.
    NotEligible(ItemTypeId),
}

impl fmt::Display for DominanceFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DominanceFlaw::LeftOutItself => write!(f, "it is left out itself"),
            DominanceFlaw::Limited => write!(f, "its number is limited"),
            DominanceFlaw::Dearer => write!(f, "it costs more"),
            DominanceFlaw::Smaller(dimension) => write!(f, "it is smaller in dimension `{dimension}`"),
            DominanceFlaw::NotEligible(item) => write!(f, "item type {} may not lie on it", item.0),
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objection::UnknownBinType(bin) => write!(f, "bin type {} does not exist", bin.0),
            Objection::FalseClique(place) => {
                write!(f, "a bin may hold several copies of the item types of clique {place}")
            }
            Objection::FalseRounding(place) => {
                write!(f, "rounded dimension {place} is none of the problem's, or divided by zero")
            }
            Objection::PriceCount { found, expected } => {
                write!(f, "{found} item prices where there are {expected} item types")
            }
            Objection::FalseDominance { bin_type, by, flaw } => {
                write!(f, "bin type {} does not stand in for bin type {}: {flaw}", by.0, bin_type.0)
            }
            Objection::MissingBinType(bin) => write!(f, "no pattern value for bin type {}", bin.0),
            Objection::RepeatedBinType(bin) => write!(f, "two pattern values for bin type {}", bin.0),
            Objection::ResourcePrices(bin) => {
                write!(f, "the resource prices of bin type {} do not match the dimensions", bin.0)
            }
            Objection::ValueTooSmall { bin_type, stated, proven } => write!(
                f,
                "patterns of bin type {} are stated to be worth at most {stated} and proven to be worth at most {proven}",
                bin_type.0
            ),
            Objection::BetterPattern { pattern, stated, worth } => write!(
                f,
                "a pattern of bin type {} is worth {worth}, above the stated {stated}",
                pattern.bin_type().0
            ),
            Objection::NotRechecked { bin_type, steps } => {
                write!(f, "the search over bin type {} did not end within {steps} steps", bin_type.0)
            }
            Objection::Cases(bin) => {
                write!(f, "the cases that prove the pattern value of bin type {} are no whole", bin.0)
            }
            Objection::ContradictoryBranch { bin_type, at_least, at_most } => {
                write!(
                    f,
                    "a branch has at least {at_least} and at most {at_most} bins of type {}",
                    bin_type.0
                )
            }
            Objection::UnknownValuation(place) => write!(f, "there is no valuation {place}"),
            Objection::StrayStep(place) => write!(f, "step {place} belongs to no branch"),
            Objection::UnfinishedProof(cases) => write!(f, "the steps end with {cases} case(s) unproven"),
            Objection::Overflow(what) => write!(f, "{what} is too large to compute with"),
        }
    }
}
