//! Re-implementations of what people do and what the tools that they run would buy, on the same
//! problem that the solver sees. They are there to be compared with, never to be recommended.
//!
//! All of them group equal pods, so that their cost grows with shapes and bins rather than pods, but
//! place exactly what the pod-by-pod rule would.

mod cluster_autoscaler;
mod first_fit;
mod karpenter;
mod one_per_bin;
mod yard;

use crate::plan::Plan;
use crate::problem::{BinTypeId, ItemTypeId, Problem};

/// By which rule bins are bought and filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// A bin for every copy, each of the cheapest type that holds it.
    OnePerBin,
    /// Supergiant (v0.5 - 1.1, `capacity_service.go`): copies in order of arrival, first fit into bins of
    /// the dearest type that holds them, and at the end each bin is cut down to the cheapest type that
    /// holds it.
    FirstFitMerge,
    /// Karpenter's scheduler (`scheduling/scheduler.go`, `queue.go`, `nodeclaim.go`) with its
    /// consolidation at the end.
    Karpenter {
        /// How many pending pods one solve sees; `None` for all at once.
        batch: Option<u64>,
        /// Of the random order of arrival.
        seed: u64,
    },
    /// cluster-autoscaler's estimator with the least-waste expander, one node group per step.
    ClusterAutoscaler,
}

/// What a method bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The bins with what is in them.
    pub plan: Plan,
    /// Whether consolidation ran until nothing more could be gained; true for methods without any.
    pub consolidated: bool,
}

/// Why a method gave no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// No bin type without stock can hold a copy of this item type.
    #[error("item type {} fits no bin type", .0.0)]
    Unplaceable(ItemTypeId),
    /// It would take too long.
    #[error("{0} pods are more than this method is run on")]
    TooMany(u128),
    /// The work allowed did not suffice.
    #[error("stopped after {0} steps without an end")]
    WorkLimit(u64),
}

/// The most copies that the methods which treat them one by one are run on.
const MOST_COPIES: u128 = 2_000_000;

/// Steps (a bin or a bin type looked at) that one method may take: a few seconds.
const WORK_LIMIT: u64 = 2_000_000_000;

/// Buys bins for all copies by a method. `arrivals` is the order in which copies come, for the methods
/// to which it matters; it must name every copy of the problem once. Bin types with stock are not
/// bought, and a cap on the number of bin types is not kept, for none of these methods knows one.
///
/// # Errors
/// [`BaselineError`] when an item fits nowhere or the work would be too much.
pub fn pack(
    problem: &Problem,
    arrivals: &[(ItemTypeId, u64)],
    method: Method,
) -> Result<Packed, BaselineError> {
    let finished = |plan| Packed { plan, consolidated: true };
    match method {
        Method::OnePerBin => one_per_bin::pack(problem).map(finished),
        Method::FirstFitMerge => first_fit::pack(problem, arrivals).map(finished),
        Method::Karpenter { batch, seed } => karpenter::pack(problem, batch, seed),
        Method::ClusterAutoscaler => cluster_autoscaler::pack(problem).map(finished),
    }
}

/// The bin types that can be bought in any number, by rate ascending.
fn by_rate(problem: &Problem) -> Vec<BinTypeId> {
    let mut types: Vec<BinTypeId> = problem.bin_ids().filter(|&b| problem.bin(b).stock.is_none()).collect();
    types.sort_by_key(|&b| (problem.bin(b).rate, b));
    types
}

/// Bin types by rate, without those that a cheaper or equal one matches in every dimension and for
/// every item: nobody would buy them, and what fits them fits the other.
fn undominated(problem: &Problem) -> Vec<BinTypeId> {
    let mut sets: Vec<&[bool]> = problem.items().iter().map(|i| i.eligible.as_slice()).collect();
    sets.sort_unstable();
    sets.dedup();
    let mut kept: Vec<BinTypeId> = Vec::new();
    for b in by_rate(problem) {
        let dominates = |&k: &BinTypeId| {
            problem.bin(b).capacity.fits_in(&problem.bin(k).capacity)
                && sets.iter().all(|set| !set[b.index()] || set[k.index()])
        };
        if !kept.iter().any(dominates) {
            kept.push(b);
        }
    }
    kept
}

/// The dimension of this name, if the problem has it.
fn dimension(problem: &Problem, name: &str) -> Option<usize> {
    problem.dimensions().iter().position(|d| d == name)
}
