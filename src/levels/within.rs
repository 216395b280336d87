//! Levels of a demand that limits leave no plan for: as many of the pods that nothing else may hold as find a
//! plan, the others named.

use crate::formulate::Formulation;
use crate::solver::SolveError;

use super::PackError;

/// Parts into which the pods of each workload are cut.
const PARTS: u64 = 64;

/// Solves a level by `solve`; where limits leave no plan, with so large a part of the pods that only limited
/// nodes may hold that there is one. Tells the pods of each workload that it is without.
///
/// # Errors
/// What `solve` says where limits are not to blame, or where not even without all those pods there is a plan.
pub(super) fn limits<T>(
    formulation: &Formulation,
    replicas: &[u64],
    solve: &dyn Fn(&[u64]) -> Result<T, PackError>,
) -> Result<(T, Vec<(usize, u64)>), PackError> {
    let error = match solve(replicas) {
        Ok(found) => return Ok((found, Vec::new())),
        Err(error @ PackError::Solve { error: SolveError::NoPlanFound, .. }) => error,
        Err(error) => return Err(error),
    };
    let limited = limited(formulation, replicas.len());
    if !limited.contains(&true) {
        return Err(error);
    }
    let part = |parts: u64| -> Vec<u64> {
        let of = |(&n, &limited): (&u64, &bool)| if limited { n * parts / PARTS } else { n };
        replicas.iter().zip(&limited).map(of).collect()
    };
    let (mut fits, mut most) = (0, PARTS);
    let mut found = solve(&part(0))?;
    while most - fits > 1 {
        let middle = fits + (most - fits) / 2;
        match solve(&part(middle)) {
            Ok(more) => (fits, found) = (middle, more),
            Err(PackError::Solve { error: SolveError::NoPlanFound, .. }) => most = middle,
            Err(error) => return Err(error),
        }
    }
    let without = replicas.iter().zip(part(fits)).map(|(all, some)| all - some).enumerate();
    Ok((found, without.filter(|&(_, pods)| pods > 0).collect()))
}

/// Which workloads only nodes may hold whose number is limited.
fn limited(formulation: &Formulation, workloads: usize) -> Vec<bool> {
    let problem = &formulation.problem;
    let mut bins: Vec<bool> = problem.bins().iter().map(|bin| bin.stock.is_some()).collect();
    for (bin, _) in problem.bin_limits().iter().flat_map(|limit| &limit.weights) {
        bins[bin.index()] = true;
    }
    let within = |w: usize| {
        let mut items = formulation.legend.items_of(w).peekable();
        let only = |bins_of: &[bool]| bins_of.iter().zip(&bins).all(|(&may, &limited)| !may || limited);
        items.peek().is_some() && items.all(|item| only(problem.item(item).eligible.as_slice()))
    };
    (0..workloads).map(within).collect()
}
