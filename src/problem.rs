//! The packing problem as the solver sees it: items, bins and rules as validated, immutable integers.
//!
//! Nothing here knows Kubernetes or a cloud. An item type is a shape with a number of copies, a bin
//! type a capacity with a price; `formulate` makes both from workloads and a catalog.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::units::{Rate, Resources};

mod cliques;
mod limits;
mod pooling;
mod rounded;

pub use limits::BinLimit;
pub use pooling::{PoolId, Pooling, PoolingError};
pub use rounded::RoundedDimension;

/// Names an item type: its index in [`Problem::items`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemTypeId(pub u32);

/// Names a bin type: its index in [`Problem::bins`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BinTypeId(pub u32);

impl ItemTypeId {
    /// As an index into [`Problem::items`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl BinTypeId {
    /// As an index into [`Problem::bins`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A set of bin types of one problem, shared between the item types that have the same rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BinSet(Arc<[bool]>);

impl BinSet {
    /// The bin types for which `allowed` is true, in the problem's order.
    pub fn new(allowed: Vec<bool>) -> Self {
        BinSet(allowed.into())
    }

    /// All of `bins` bin types.
    pub fn all(bins: usize) -> Self {
        BinSet(vec![true; bins].into())
    }

    /// Whether `bin` is in the set.
    pub fn contains(&self, bin: BinTypeId) -> bool {
        self.0[bin.index()]
    }

    /// One flag per bin type, in the problem's order.
    pub fn as_slice(&self) -> &[bool] {
        &self.0
    }
}

/// A shape to be packed, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemType {
    /// What one copy takes of each dimension, in base units, rounded up.
    pub demand: Resources,
    /// How many copies there are; at least one.
    pub copies: u64,
    /// The most copies that one bin may hold; `None` for no rule beyond capacity.
    pub max_per_bin: Option<u64>,
    /// The bin types that may hold it.
    pub eligible: BinSet,
}

/// A kind of bin that can be bought, or of which some stand there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinType {
    /// What one bin offers to items in each dimension, in base units, rounded down.
    pub capacity: Resources,
    /// What one more bin costs per hour.
    pub rate: Rate,
    /// How many there are at most; `None` for as many as one likes.
    pub stock: Option<u64>,
}

/// A validated packing problem. Two item types in [`Problem::conflicts`] never share a bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    dimensions: Vec<String>,
    items: Vec<ItemType>,
    bins: Vec<BinType>,
    conflicts: BTreeSet<(ItemTypeId, ItemTypeId)>,
    max_bin_types: Option<u32>,
    bin_limits: Vec<BinLimit>,
}

/// What is wrong with the parts of a problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemError {
    /// A vector has another number of dimensions than the problem.
    #[error("{what} has {found} dimensions where the problem has {expected}")]
    Dimensions {
        /// Which item or bin.
        what: String,
        /// What it has.
        found: usize,
        /// What it should have.
        expected: usize,
    },
    /// An item type without copies.
    #[error("item type {0} has no copies")]
    NoCopies(u32),
    /// A set of eligible bin types of the wrong length.
    #[error("item type {item} names {found} bin types where the problem has {expected}")]
    Eligibility {
        /// Which item type.
        item: u32,
        /// Flags in its set.
        found: usize,
        /// Bin types in the problem.
        expected: usize,
    },
    /// A conflict of an item type with itself (that is `max_per_bin: 1`) or with one that does not exist.
    #[error("conflict between item types {0} and {1} is not between two different item types of the problem")]
    Conflict(u32, u32),
    /// More item or bin types than ids.
    #[error("more than 4294967295 item or bin types")]
    TooMany,
    /// An amount beyond what sums in 128 bits can hold safely.
    #[error("the total demand in dimension `{0}` is out of range")]
    Range(String),
    /// A limit over bin types that names one that does not exist.
    #[error("a limit names bin type {0}, which does not exist")]
    Limit(u32),
    /// No bin type may be used at all.
    #[error("the cap on bin types is zero")]
    NoBinTypes,
}

impl Problem {
    /// Checks the parts and joins them. `conflicts` may name a pair in any order.
    ///
    /// # Errors
    /// The first part that contradicts another, as [`ProblemError`] lists them.
    pub fn new(
        dimensions: Vec<String>,
        items: Vec<ItemType>,
        bins: Vec<BinType>,
        conflicts: impl IntoIterator<Item = (ItemTypeId, ItemTypeId)>,
        max_bin_types: Option<u32>,
    ) -> Result<Self, ProblemError> {
        if u32::try_from(items.len()).is_err() || u32::try_from(bins.len()).is_err() {
            return Err(ProblemError::TooMany);
        }
        if max_bin_types == Some(0) {
            return Err(ProblemError::NoBinTypes);
        }
        let expected = dimensions.len();
        let check = |what: String, found: usize| {
            if found == expected { Ok(()) } else { Err(ProblemError::Dimensions { what, found, expected }) }
        };
        let mut totals = vec![0u128; expected];
        for (id, item) in (0u32..).zip(&items) {
            check(format!("item type {id}"), item.demand.len())?;
            if item.copies == 0 {
                return Err(ProblemError::NoCopies(id));
            }
            if item.eligible.as_slice().len() != bins.len() {
                let found = item.eligible.as_slice().len();
                return Err(ProblemError::Eligibility { item: id, found, expected: bins.len() });
            }
            for (total, &amount) in totals.iter_mut().zip(item.demand.as_slice()) {
                *total = total.saturating_add(u128::from(amount) * u128::from(item.copies));
            }
        }
        if let Some(k) = totals.iter().position(|&t| t > u128::from(u64::MAX) << 32) {
            return Err(ProblemError::Range(dimensions[k].clone()));
        }
        for (id, bin) in bins.iter().enumerate() {
            check(format!("bin type {id}"), bin.capacity.len())?;
        }
        let conflicts = conflicts
            .into_iter()
            .map(|(a, b)| {
                if a == b || a.index() >= items.len() || b.index() >= items.len() {
                    Err(ProblemError::Conflict(a.0, b.0))
                } else {
                    Ok((a.min(b), a.max(b)))
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Problem { dimensions, items, bins, conflicts, max_bin_types, bin_limits: Vec::new() })
    }

    /// The names of the dimensions, in the order of every [`Resources`] of the problem.
    pub fn dimensions(&self) -> &[String] {
        &self.dimensions
    }

    /// All item types; an [`ItemTypeId`] is an index here.
    pub fn items(&self) -> &[ItemType] {
        &self.items
    }

    /// All bin types; a [`BinTypeId`] is an index here.
    pub fn bins(&self) -> &[BinType] {
        &self.bins
    }

    /// Pairs of item types (smaller id first) that never share a bin.
    pub fn conflicts(&self) -> &BTreeSet<(ItemTypeId, ItemTypeId)> {
        &self.conflicts
    }

    /// The most distinct bin types that a plan may use; `None` for no cap.
    pub fn max_bin_types(&self) -> Option<u32> {
        self.max_bin_types
    }

    /// The item type with this id.
    pub fn item(&self, id: ItemTypeId) -> &ItemType {
        &self.items[id.index()]
    }

    /// The bin type with this id.
    pub fn bin(&self, id: BinTypeId) -> &BinType {
        &self.bins[id.index()]
    }

    /// All item type ids, ascending.
    pub fn item_ids(&self) -> impl ExactSizeIterator<Item = ItemTypeId> + use<> {
        (0..self.items.len() as u32).map(ItemTypeId)
    }

    /// All bin type ids, ascending.
    pub fn bin_ids(&self) -> impl ExactSizeIterator<Item = BinTypeId> + use<> {
        (0..self.bins.len() as u32).map(BinTypeId)
    }

    /// The most copies of `item` that one bin of type `bin` can hold on its own: capacity, the rule
    /// per bin, the copies there are, and zero where it is not eligible.
    pub fn copies_per_bin(&self, item: ItemTypeId, bin: BinTypeId) -> u64 {
        let it = self.item(item);
        if !it.eligible.contains(bin) {
            return 0;
        }
        it.demand.copies_in(&self.bin(bin).capacity).min(it.max_per_bin.unwrap_or(u64::MAX)).min(it.copies)
    }

    /// Copies of all item types together.
    pub fn total_copies(&self) -> u128 {
        self.items.iter().map(|i| u128::from(i.copies)).sum()
    }
}
