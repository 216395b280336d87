//! Limits over several bin types together: so many bins, or so much of what they are, in all.
//!
//! A stock caps one bin type. A limit caps a weighted sum over several: all nodes of a pool with its types
//! in its zones, or their cpu. Solvers and bounds know stocks alone; `search` holds limits by stocks that
//! keep them, and what checks a plan sums them up.

use super::{BinType, BinTypeId, Problem, ProblemError};

/// The sum over bins of some types, each with its weight, is at most so much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinLimit {
    /// What it is about, for messages.
    pub name: String,
    /// Bin types with the weight of one bin; every type at most once, weights above zero.
    pub weights: Vec<(BinTypeId, u64)>,
    /// The most in all.
    pub most: u64,
}

impl Problem {
    /// The same problem under these limits instead of those that it has.
    ///
    /// # Errors
    /// A limit that names a bin type that does not exist.
    pub fn with_bin_limits(mut self, limits: Vec<BinLimit>) -> Result<Self, ProblemError> {
        let mut named = limits.iter().flat_map(|limit| &limit.weights);
        if let Some((bin, _)) = named.find(|(bin, _)| bin.index() >= self.bins.len()) {
            return Err(ProblemError::Limit(bin.0));
        }
        self.bin_limits = limits;
        Ok(self)
    }

    /// Limits over several bin types together.
    pub fn bin_limits(&self) -> &[BinLimit] {
        &self.bin_limits
    }

    /// The same problem with other stocks, one for each bin type, and no limits over several.
    pub fn with_stocks(&self, stocks: &[Option<u64>]) -> Problem {
        let bins = self.bins.iter().zip(stocks).map(|(bin, &stock)| BinType { stock, ..bin.clone() });
        Problem { bins: bins.collect(), bin_limits: Vec::new(), ..self.clone() }
    }
}
