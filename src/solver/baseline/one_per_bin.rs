//! A bin for every copy, each of the cheapest type that holds it.

use crate::plan::{Pattern, Plan};
use crate::problem::Problem;

use super::{BaselineError, by_rate};

/// One bin per copy.
pub fn pack(problem: &Problem) -> Result<Plan, BaselineError> {
    let types = by_rate(problem);
    let mut plan = Plan::new();
    for id in problem.item_ids() {
        let item = problem.item(id);
        let holds = |b: &_| item.eligible.contains(*b) && item.demand.fits_in(&problem.bin(*b).capacity);
        let cheapest = types.iter().copied().find(holds).ok_or(BaselineError::Unplaceable(id))?;
        plan.add(Pattern::new(cheapest, [(id, 1)]), item.copies);
    }
    Ok(plan)
}
