//! From a formulation to a verified plan with an honest bound: the plan solves the problem with every
//! rule, the bound is that of the problem without restrictions, where the two differ. A pooled plan is
//! searched beside the free one, whose bound it shares.

mod lift;
mod limits;
mod start;

pub use start::{PooledStart, Start};

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::catalog::Catalog;
use crate::formulate::{Formulation, ItemMembers, Legend, Pooled};
use crate::plan::{BoundKind, Certificate, LowerBound, Outcome, Pattern, Plan, ProgressPoint};
use crate::problem::{BinSet, ItemTypeId, Problem};
use crate::solver::control::{Budget, Event, Observer, Silent};
use crate::solver::{self, SolveError};
use crate::units::{Money, Resources};
use crate::verify::placement::{self, Breach, BrokenRule};
use crate::verify::{self, VerifiedOutcome, VerifiedPlan, Violation};
use crate::workload::{Workload, WorkloadSet};

mod few_types;

/// A plan with its bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The plan of the formulation's problem. Its bound is that of the relaxed problem, where there is one,
    /// and so is the bound's certificate.
    pub outcome: VerifiedOutcome,
    /// The cheapest plan found for the relaxed problem: what it costs less than the plan is what the
    /// restricted rules cost, as far as the search knows.
    pub relaxed: Option<VerifiedPlan>,
    /// Where the plan is pooled: the cheapest free plan found, of the free plan's problem.
    pub free: Option<VerifiedPlan>,
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

/// As [`search()`], from a plan of other settings: what of it holds here is where the search begins, beside the
/// plans that it makes itself.
///
/// # Errors
/// As [`search()`].
pub fn search_from(
    formulation: &Formulation,
    (catalog, start): (&Catalog, &Start<'_>),
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Found, SearchError> {
    let (problem, legend) = match &formulation.relaxed {
        Some(relaxed) => (&relaxed.problem, &relaxed.legend),
        None => (&formulation.problem, &formulation.legend),
    };
    let start = start.for_problem(problem, legend, catalog);
    begin(formulation, start.as_ref(), budget, seed, observer)
}

/// Solves a formulation; of a time limit, a part is for the relaxed problem, where there is one. Its plan is
/// where the search for the plan starts.
///
/// # Errors
/// No plan, or an answer of the solver that does not pass the verifier.
pub fn search(
    formulation: &Formulation,
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Found, SearchError> {
    begin(formulation, None, budget, seed, observer)
}

/// Solves the relaxed problem, where there is one, from the start, if there is one.
fn begin(
    formulation: &Formulation,
    start: Option<&Plan>,
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Found, SearchError> {
    let problem = &formulation.problem;
    let begun = Instant::now();
    let whole = budget;
    let budget = &limits::first(problem, budget);
    let again = |problem: &Problem, budget: &Budget<'_>| {
        let outcome = solver::solve(problem, budget, seed, &Silent)?;
        Ok(few_types::improve(problem, outcome, budget, seed))
    };
    let first = |problem: &Problem, budget: &Budget<'_>, observer: &dyn Observer| match start {
        Some(start) => solver::solve_from(problem, start, Money::ZERO, budget, seed, observer),
        None => solver::solve(problem, budget, seed, observer),
    };
    let Some(relaxed) = &formulation.relaxed else {
        let outcome = first(problem, budget, observer)?;
        let outcome = few_types::improve(problem, outcome, budget, seed);
        let outcome = limits::within(problem, outcome, (whole, begun), &again)?;
        let outcome = verify::verify(problem, outcome).map_err(SearchError::Refused)?;
        return Ok(Found { outcome, relaxed: None, free: None });
    };
    let started = Instant::now();
    let part = Budget {
        time_limit: budget.time_limit.map(|limit: Duration| limit.mul_f64(RELAXED_SHARE)),
        // What both searches leave open adds up.
        gap: budget.gap / 4.0,
        ..*budget
    };
    // Two searches on one progress line would contradict each other.
    let (outcome, relaxed) = match first(&relaxed.problem, &part, &BoundsOnly(observer)) {
        Ok(outcome) => {
            let alike = counterparts(&relaxed.legend, &formulation.legend);
            let places = lift::equal_bins(&relaxed.problem, problem);
            let start = lift::lift(&outcome.incumbent, problem, &places, alike);
            let rest = budget.time_limit.map(|limit| limit.saturating_sub(started.elapsed()));
            let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let rest = Budget { time_limit: rest, ..*budget };
            let known = outcome.lower_bound.value;
            let plan = solver::solve_from(problem, &start, known, &rest, seed, observer)?;
            let verified = verify::verify(&relaxed.problem, outcome).map_err(SearchError::Refused)?;
            let bound = verified.lower_bound().clone();
            let mut plan = plan.under(problem, bound);
            plan.progress = after(verified.progress(), millis, plan.progress);
            (plan, Some(verified.plan().clone()))
        }
        // Without an answer nothing is known but that no plan is paid for.
        Err(SolveError::NoPlanFound) => {
            let rest = budget.time_limit.map(|limit| limit.saturating_sub(started.elapsed()));
            let rest = Budget { time_limit: rest, ..*budget };
            (solver::solve(problem, &rest, seed, observer)?.under(problem, unknown()), None)
        }
        Err(error) => return Err(error.into()),
    };
    let outcome = few_types::improve(problem, outcome, budget, seed);
    let outcome = limits::within(problem, outcome, (whole, begun), &again)?;
    let outcome = verify::verify(problem, outcome).map_err(SearchError::Refused)?;
    Ok(Found { outcome, relaxed, free: None })
}

/// For each item type of one legend those of the other that stand for the same workloads.
fn counterparts(from: &Legend, to: &Legend) -> Vec<Vec<ItemTypeId>> {
    let mut of_workload: HashMap<usize, Vec<ItemTypeId>> = HashMap::new();
    for (j, members) in (0u32..).zip(&to.items) {
        for &(w, _) in &members.workloads {
            of_workload.entry(w).or_default().push(ItemTypeId(j));
        }
    }
    let counterparts = |members: &ItemMembers| -> Vec<ItemTypeId> {
        let ids = members.workloads.iter().filter_map(|(w, _)| of_workload.get(w)).flatten();
        ids.copied().collect::<BTreeSet<_>>().into_iter().collect()
    };
    from.items.iter().map(counterparts).collect()
}

/// First the bounds of the relaxed problem as they came, under no plan yet; then the plans, under the last
/// of them.
fn after(bounds: &[ProgressPoint], millis: u64, plans: Vec<ProgressPoint>) -> Vec<ProgressPoint> {
    let mut points: Vec<ProgressPoint> = Vec::new();
    for point in bounds {
        if points.last().map_or(Money::ZERO, |last| last.lower_bound) < point.lower_bound {
            points.push(ProgressPoint { incumbent: None, ..*point });
        }
    }
    let (work, bound) = points.last().map_or((0, Money::ZERO), |last| (last.work, last.lower_bound));
    let shifted = plans.into_iter().filter(|p| p.incumbent.is_some()).map(|point| ProgressPoint {
        work: work + point.work,
        millis: millis + point.millis,
        incumbent: point.incumbent,
        lower_bound: bound,
    });
    points.extend(shifted);
    points
}

/// Solves a problem by itself, and keeps its limits over several bin types.
///
/// # Errors
/// As [`solver::solve`].
pub fn solve_within_limits(problem: &Problem, budget: &Budget<'_>, seed: u64) -> Result<Outcome, SolveError> {
    let begun = Instant::now();
    let again = |problem: &Problem, budget: &Budget<'_>| solver::solve(problem, budget, seed, &Silent);
    let outcome = again(problem, &limits::first(problem, budget))?;
    limits::within(problem, outcome, (budget, begun), &again)
}

/// The share of a time limit that the relaxed problem has, whose plan is a start for the other.
const RELAXED_SHARE: f64 = 0.3;

/// The share of a time limit that the search for a pooled plan has; the rest is for the free plan, whose
/// bound is that of both.
const POOLED_SHARE: f64 = 0.4;

/// Solves both forms of plan: what is found is the pooled plan, under the bound of the free one.
///
/// # Errors
/// No plan of either form, or an answer of the solver that does not pass the verifier.
pub fn search_pooled(
    free: &Formulation,
    pooled: &Pooled,
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Found, SearchError> {
    begin_pooled((free, pooled), None, budget, seed, observer)
}

/// As [`search_pooled`], from plans of other settings: each form begins with what holds here of its own.
///
/// # Errors
/// As [`search_pooled`].
pub fn search_pooled_from(
    (free, pooled): (&Formulation, &Pooled),
    (catalog, starts): (&Catalog, &PooledStart<'_>),
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Found, SearchError> {
    begin_pooled((free, pooled), Some((catalog, starts)), budget, seed, observer)
}

fn begin_pooled(
    (free, pooled): (&Formulation, &Pooled),
    start: Option<(&Catalog, &PooledStart<'_>)>,
    budget: &Budget<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Found, SearchError> {
    let started = Instant::now();
    let problem = &pooled.formulation.problem;
    let first = start.and_then(|(catalog, starts)| {
        starts.pooled.for_problem(problem, &pooled.formulation.legend, catalog)
    });
    let part = Budget { time_limit: budget.time_limit.map(|t| t.mul_f64(POOLED_SHARE)), ..*budget };
    let first = first.unwrap_or_default();
    let begun = limits::first(problem, &part);
    let outcome = solver::solve_pooled_from(problem, &pooled.pooling, &first, &begun, seed, observer)?;
    let again = |problem: &Problem, budget: &Budget<'_>| {
        solver::solve_pooled_from(problem, &pooled.pooling, &first, budget, seed, &Silent)
    };
    let outcome = limits::within(problem, outcome, (&part, started), &again)?;
    let rest = budget.time_limit.map(|limit| limit.saturating_sub(started.elapsed()));
    // A free plan's cost on the same progress line would look like the pooled one's.
    let bounds = BoundsOnly(observer);
    let rest = Budget { time_limit: rest, ..*budget };
    let found = match start {
        Some((catalog, starts)) => search_from(free, (catalog, &starts.free), &rest, seed, &bounds)?,
        None => search(free, &rest, seed, &bounds)?,
    };
    let bound = found.outcome.lower_bound().clone();
    let cost = outcome.incumbent.hourly_cost(problem);
    let mut outcome = outcome.under(problem, bound);
    outcome.progress = joined(&outcome, found.outcome.progress());
    let outcome = verify::verify(problem, outcome).map_err(SearchError::Refused)?;
    verify::verify_pools(&pooled.pooling, outcome.plan().plan()).map_err(SearchError::Refused)?;
    let free_plan = found.outcome.plan();
    let free_plan = if cost < free_plan.hourly_cost() {
        // The pooled plan is a plan of the free problem too.
        let merged = merged(free, pooled, outcome.plan().plan());
        verify::verify_plan(&free.problem, merged).map_err(SearchError::Refused)?
    } else {
        free_plan.clone()
    };
    Ok(Found { outcome, relaxed: found.relaxed, free: Some(free_plan) })
}

/// The same bins in terms of the free plan's item types.
fn merged(free: &Formulation, pooled: &Pooled, plan: &Plan) -> Plan {
    // Bin types are the same; item types of one workload, demand and set of bin types are one.
    let mut by_form: HashMap<(&Resources, &BinSet, usize), ItemTypeId> = HashMap::new();
    for (id, members) in free.problem.item_ids().zip(&free.legend.items) {
        let item = free.problem.item(id);
        for &(w, _) in &members.workloads {
            by_form.insert((&item.demand, &item.eligible, w), id);
        }
    }
    let names: Vec<ItemTypeId> = pooled
        .formulation
        .problem
        .items()
        .iter()
        .zip(&pooled.formulation.legend.items)
        .map(|(item, members)| by_form[&(&item.demand, &item.eligible, members.workloads[0].0)])
        .collect();
    plan.bins()
        .map(|(pattern, copies)| {
            let content = pattern.content().iter().map(|&(item, n)| (names[item.index()], n));
            (Pattern::new(pattern.bin_type(), content), copies)
        })
        .collect()
}

/// First the pooled plans as they came, under no bound yet; then the bounds, under the last plan.
fn joined(pooled: &Outcome, free: &[ProgressPoint]) -> Vec<ProgressPoint> {
    let mut points = pooled.progress.clone();
    let (work, millis, incumbent) = match points.last() {
        Some(last) => (last.work, last.millis, last.incumbent),
        None => (0, 0, None),
    };
    let mut best = Money::ZERO;
    for point in free.iter().filter(|p| p.lower_bound > Money::ZERO) {
        if point.lower_bound > best {
            best = point.lower_bound;
            points.push(ProgressPoint {
                work: work + point.work,
                millis: millis + point.millis,
                incumbent,
                lower_bound: best,
            });
        }
    }
    points
}

/// Passes on everything but plans.
struct BoundsOnly<'a>(&'a dyn Observer);

impl Observer for BoundsOnly<'_> {
    fn on(&self, event: &Event) {
        if !matches!(event, Event::Incumbent(_)) {
            self.0.on(event);
        }
    }
}

fn unknown() -> LowerBound {
    LowerBound {
        value: Money::ZERO,
        kind: BoundKind::Certified,
        certified: Money::ZERO,
        certificate: Certificate::default(),
    }
}
