//! Supergiant's rule: merge into the first bin of the largest size, then cut every bin down.

use crate::plan::{Pattern, Plan};
use crate::problem::{BinTypeId, ItemTypeId, Problem};

use super::yard::{OpenBin, Partners, Yard};
use super::{BaselineError, WORK_LIMIT, by_rate};

/// First fit in order of arrival, then the cheapest size that holds each bin.
pub fn pack(problem: &Problem, arrivals: &[(ItemTypeId, u64)]) -> Result<Plan, BaselineError> {
    let types = by_rate(problem);
    let partners = Partners::new(problem);
    let mut yard = Yard::new(problem, &partners);
    for &(id, copies) in arrivals {
        let item = problem.item(id);
        let holds =
            |b: &BinTypeId| item.eligible.contains(*b) && item.demand.fits_in(&problem.bin(*b).capacity);
        // Sizes stand by price in its configuration, and the last is the one it projects.
        let largest = types.iter().rev().copied().find(holds).ok_or(BaselineError::Unplaceable(id))?;
        let mut left = yard.fill(id, copies, |_, _| {});
        while left > 0 {
            let place = yard.open(largest, Vec::new());
            let count = yard.room(place, id).min(left);
            yard.put(place, id, count);
            left -= count;
        }
        if yard.work > WORK_LIMIT {
            return Err(BaselineError::WorkLimit(yard.work));
        }
    }
    Ok(yard.bins.iter().map(|bin| (cut_down(problem, &types, bin), 1)).collect())
}

/// The bin's content in the cheapest type that holds it.
fn cut_down(problem: &Problem, types: &[BinTypeId], bin: &OpenBin) -> Pattern {
    let used = problem
        .bin(bin.bin_type)
        .capacity
        .checked_sub(&bin.free)
        .expect("free space stays within the capacity");
    let holds = |b: &BinTypeId| {
        used.fits_in(&problem.bin(*b).capacity)
            && bin.content.iter().all(|&(i, _)| problem.item(i).eligible.contains(*b))
    };
    let cheapest = types.iter().copied().find(holds).unwrap_or(bin.bin_type);
    Pattern::new(cheapest, bin.content.iter().copied())
}
