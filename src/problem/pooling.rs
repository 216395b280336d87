//! Pools: which item types lie together whole, and which bin types make up the pools to choose from.
//!
//! A plan is pooled when all item types of each group lie in bins of one pool and at most so many pools
//! are used. Every pooled plan is a plan of the problem; a bound of the problem holds for it too.

use serde::{Deserialize, Serialize};

use super::{BinTypeId, ItemTypeId, Problem};

/// Names a pool that a plan may use: its index in [`Pooling::pools`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PoolId(pub u32);

impl PoolId {
    /// As an index into [`Pooling::pools`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Groups of item types, and the pools that each may lie in whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooling {
    groups: Vec<Vec<ItemTypeId>>,
    pools: Vec<Vec<BinTypeId>>,
    pool_of: Vec<Option<PoolId>>,
    max_pools: u32,
}

/// What is wrong with the parts of a pooling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolingError {
    /// An item type that is in no group, in several, or not in the problem.
    #[error("item type {0} is not in exactly one group")]
    Item(u32),
    /// A bin type that is in several pools, or not in the problem.
    #[error("bin type {0} is in several pools, or not in the problem")]
    Bin(u32),
    /// No pool may be used at all.
    #[error("the cap on pools is zero")]
    NoPools,
}

impl Pooling {
    /// Checks the parts: every item type in exactly one group, every bin type in at most one pool; bin
    /// types in none are not used.
    ///
    /// # Errors
    /// The first part that contradicts the problem or another part.
    pub fn new(
        problem: &Problem,
        groups: Vec<Vec<ItemTypeId>>,
        pools: Vec<Vec<BinTypeId>>,
        max_pools: u32,
    ) -> Result<Self, PoolingError> {
        let mut seen = vec![false; problem.items().len()];
        for &item in groups.iter().flatten() {
            match seen.get_mut(item.index()) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err(PoolingError::Item(item.0)),
            }
        }
        if let Some(item) = seen.iter().position(|&seen| !seen) {
            return Err(PoolingError::Item(item as u32));
        }
        let mut pool_of = vec![None; problem.bins().len()];
        for (pool, bins) in (0u32..).zip(&pools) {
            for &bin in bins {
                match pool_of.get_mut(bin.index()) {
                    Some(slot @ None) => *slot = Some(PoolId(pool)),
                    _ => return Err(PoolingError::Bin(bin.0)),
                }
            }
        }
        if max_pools == 0 {
            return Err(PoolingError::NoPools);
        }
        Ok(Pooling { groups, pools, pool_of, max_pools })
    }

    /// The groups; each lies in one pool whole.
    pub fn groups(&self) -> &[Vec<ItemTypeId>] {
        &self.groups
    }

    /// The bin types of each pool; a [`PoolId`] is an index here.
    pub fn pools(&self) -> &[Vec<BinTypeId>] {
        &self.pools
    }

    /// The pool that a bin type belongs to; `None` for one that a pooled plan does not use.
    pub fn pool_of(&self, bin: BinTypeId) -> Option<PoolId> {
        self.pool_of[bin.index()]
    }

    /// The most pools that a plan may use.
    pub fn max_pools(&self) -> u32 {
        self.max_pools
    }

    /// Whether a pool can hold a group whole: each of its item types fits some bin type of the pool.
    pub fn may_hold(&self, problem: &Problem, pool: PoolId, group: &[ItemTypeId]) -> bool {
        group
            .iter()
            .all(|&item| self.pools[pool.index()].iter().any(|&bin| problem.copies_per_bin(item, bin) > 0))
    }
}
