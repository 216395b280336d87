//! From a formulation to a verified plan with an honest bound: the plan solves the problem with every
//! rule, the bound is that of the problem without restrictions, where the two differ.

use std::time::Duration;

use crate::catalog::Catalog;
use crate::formulate::Formulation;
use crate::plan::{BoundKind, Certificate, LowerBound};
use crate::solver::control::{Budget, Observer, Silent};
use crate::solver::{self, SolveError};
use crate::units::Money;
use crate::verify::placement::{self, Breach, BrokenRule};
use crate::verify::{self, VerifiedOutcome, VerifiedPlan, Violation};
use crate::workload::{Workload, WorkloadSet};

/// A plan with its bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The plan of the formulation's problem. Its bound is that of the relaxed problem, where there is one,
    /// and so is the bound's certificate.
    pub outcome: VerifiedOutcome,
    /// The cheapest plan found for the relaxed problem: what it costs less than the plan is what the
    /// restricted rules cost, as far as the search knows.
    pub relaxed: Option<VerifiedPlan>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The solver found none.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The solver's answer is not valid, which is a bug of ours.
    #[error("the solver's answer failed verification: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Violation>),
}

/// The rules of the input that a plan breaks, checked from first principles on its nodes: none, or the
/// formulation is wrong.
pub fn breaches(
    set: &WorkloadSet,
    catalog: &Catalog,
    formulation: &Formulation,
    plan: &VerifiedPlan,
) -> Vec<Breach> {
    let mut standing = placement::standing(&formulation.legend, catalog, plan.plan());
    let everybody: Vec<Workload> = set.workloads.iter().chain(&set.daemon_sets).cloned().collect();
    placement::add_daemon_sets(&everybody, set.workloads.len(), &mut standing);
    let mut breaches = placement::check(&everybody, &standing);
    let daemon = |breach: &Breach| set.daemon_sets.iter().any(|d| d.id == breach.workload);
    breaches.retain(|b| !daemon(b) && !matches!(b.rule, BrokenRule::SpreadWithOthers(_)));
    breaches
}

/// Solves a formulation; of a time limit, half is for the relaxed problem, where there is one.
///
/// # Errors
/// No plan, or an answer of the solver that does not pass the verifier.
pub fn search(
    formulation: &Formulation,
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Found, SearchError> {
    let problem = &formulation.problem;
    let Some(relaxed) = &formulation.relaxed else {
        let outcome = solver::solve(problem, budget, seed, observer)?;
        let outcome = verify::verify(problem, outcome).map_err(SearchError::Refused)?;
        return Ok(Found { outcome, relaxed: None });
    };
    let half = Budget { time_limit: budget.time_limit.map(|limit: Duration| limit / 2), ..*budget };
    let plan = solver::solve(problem, &half, seed, observer)?;
    // Two searches on one progress line would contradict each other.
    let (bound, relaxed) = match solver::solve(&relaxed.problem, &half, seed, &Silent) {
        Ok(outcome) => {
            let verified = verify::verify(&relaxed.problem, outcome).map_err(SearchError::Refused)?;
            (verified.lower_bound().clone(), Some(verified.plan().clone()))
        }
        // Without an answer nothing is known but that no plan is paid for.
        Err(SolveError::NoPlanFound) => (unknown(), None),
        Err(error) => return Err(error.into()),
    };
    let outcome = verify::verify(problem, plan.under(problem, bound)).map_err(SearchError::Refused)?;
    Ok(Found { outcome, relaxed })
}

fn unknown() -> LowerBound {
    LowerBound {
        value: Money::ZERO,
        kind: BoundKind::Certified,
        certified: Money::ZERO,
        certificate: Certificate::default(),
    }
}
