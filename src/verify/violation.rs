//! The ways in which an answer may contradict its problem, in words.

use std::fmt;

use crate::plan::Pattern;
use crate::problem::{BinTypeId, ItemTypeId, PoolId};
use crate::units::Money;

/// One way in which an answer contradicts its problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// The plan names a bin type that the problem does not have.
    UnknownBinType(BinTypeId),
    /// The plan names an item type that the problem does not have.
    UnknownItemType(ItemTypeId),
    /// Not exactly all copies of an item type are placed.
    Copies {
        /// Which item type.
        item: ItemTypeId,
        /// How many copies the plan places.
        placed: u128,
        /// How many there are.
        wanted: u64,
    },
    /// A bin holds more than its type offers.
    Capacity {
        /// The bin's content.
        pattern: Pattern,
        /// Name of the dimension.
        dimension: String,
        /// What the content takes.
        used: u128,
        /// What the bin offers.
        capacity: u64,
    },
    /// A bin holds more copies of an item type than one bin may.
    PerBin {
        /// The bin's content.
        pattern: Pattern,
        /// Which item type.
        item: ItemTypeId,
        /// Copies in the bin.
        count: u64,
        /// The most allowed.
        limit: u64,
    },
    /// An item type lies on a bin type that may not hold it.
    Eligibility {
        /// Which item type.
        item: ItemTypeId,
        /// On which bin type.
        bin_type: BinTypeId,
    },
    /// Two item types that must not share a bin do.
    Conflict {
        /// The bin's content.
        pattern: Pattern,
        /// The item type with the smaller id.
        first: ItemTypeId,
        /// The other.
        second: ItemTypeId,
    },
    /// More bins of a type than there are.
    Stock {
        /// Which bin type.
        bin_type: BinTypeId,
        /// Bins in the plan.
        used: u128,
        /// Bins there are.
        stock: u64,
    },
    /// More of several bin types together than their limit allows.
    Limit {
        /// What the limit is about.
        name: String,
        /// What the plan uses of it.
        used: u128,
        /// The most allowed.
        most: u64,
    },
    /// More distinct bin types than allowed.
    BinTypes {
        /// Distinct types in the plan.
        used: usize,
        /// The most allowed.
        limit: u32,
    },
    /// A group that must lie in one pool whole does not.
    Split {
        /// Which group, as its place in the pooling.
        group: usize,
        /// The pools that it lies in; `None` stands for bin types of no pool.
        pools: Vec<Option<PoolId>>,
    },
    /// More pools than allowed.
    Pools {
        /// Pools in the plan.
        used: usize,
        /// The most allowed.
        limit: u32,
    },
    /// The cost of the plan is beyond what is held as money.
    CostOutOfRange,
    /// The lower bound is above the cost of a plan that exists, so it is false.
    BoundAboveCost {
        /// The bound.
        bound: Money,
        /// The plan's cost.
        cost: Money,
    },
    /// The certified part of the bound is above the bound itself.
    CertifiedAboveBound {
        /// The certified part.
        certified: Money,
        /// The bound.
        bound: Money,
    },
    /// The answer calls itself optimal though its cost is above its bound.
    FalselyOptimal {
        /// The bound.
        bound: Money,
        /// The plan's cost.
        cost: Money,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::UnknownBinType(bin) => write!(f, "bin type {} does not exist", bin.0),
            Violation::UnknownItemType(item) => write!(f, "item type {} does not exist", item.0),
            Violation::Copies { item, placed, wanted } => {
                write!(f, "item type {}: {placed} copies are placed where there are {wanted}", item.0)
            }
            Violation::Capacity { pattern, dimension, used, capacity } => write!(
                f,
                "a bin of type {} holds {used} in dimension `{dimension}` and offers {capacity}",
                pattern.bin_type().0
            ),
            Violation::PerBin { pattern, item, count, limit } => write!(
                f,
                "a bin of type {} holds {count} copies of item type {} where {limit} are allowed",
                pattern.bin_type().0,
                item.0
            ),
            Violation::Eligibility { item, bin_type } => {
                write!(f, "item type {} may not lie on bin type {}", item.0, bin_type.0)
            }
            Violation::Conflict { pattern, first, second } => write!(
                f,
                "a bin of type {} holds item types {} and {}, which conflict",
                pattern.bin_type().0,
                first.0,
                second.0
            ),
            Violation::Stock { bin_type, used, stock } => {
                write!(f, "{used} bins of type {} are used where there are {stock}", bin_type.0)
            }
            Violation::Limit { name, used, most } => {
                write!(f, "{used} are used of {name}, where {most} are allowed")
            }
            Violation::BinTypes { used, limit } => {
                write!(f, "{used} distinct bin types are used where {limit} are allowed")
            }
            Violation::Split { group, pools } => {
                write!(f, "group {group} does not lie in one pool whole but in {}", pools.len())
            }
            Violation::Pools { used, limit } => {
                write!(f, "{used} pools are used where {limit} are allowed")
            }
            Violation::CostOutOfRange => write!(f, "the plan's cost is out of range"),
            Violation::BoundAboveCost { bound, cost } => {
                write!(f, "the lower bound {bound} is above the plan's cost {cost}")
            }
            Violation::CertifiedAboveBound { certified, bound } => {
                write!(f, "the certified bound {certified} is above the bound {bound}")
            }
            Violation::FalselyOptimal { bound, cost } => {
                write!(f, "called optimal at cost {cost} above the bound {bound}")
            }
        }
    }
}
