//! Plans that survive the loss of any one node, or of any one zone: every pod of a named priority and
//! above still fits on the nodes that remain, by the scheduler's filters.
//!
//! The plan keeps its pods where they are and gets spare nodes. Each distinct failure (equal nodes with
//! equal pods are one) is carried out: its pods are put onto the remaining nodes; where some find no
//! place, the cheapest nodes that help are added, and all failures are tried again. What is left over at
//! the end is taken away again. Since the room to keep is about that of the largest node, plans without
//! the largest nodes are tried too, and the cheapest result counts. A re-placement that was found is a
//! proof; that none was found is not one, so a plan may have more room than it needs, never less.

mod failure;
mod grow;
mod variants;

use rayon::prelude::*;

use crate::catalog::Catalog;
use crate::formulate::Formulation;
use crate::plan::{Outcome, Plan, StopReason};
use crate::policy::{FailureScope, Policy, Survive};
use crate::problem::{BinTypeId, Pooling, Problem};
use crate::search::SearchError;
use crate::solver::control::Budget;
use crate::units::Money;
use crate::verify::{self, VerifiedOutcome, VerifiedPlan};
use crate::workload::WorkloadSet;
use grow::Growing;

/// A plan made to survive, and how it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resilient {
    /// The plan with its spare nodes, under the bound of the plan without.
    pub outcome: VerifiedOutcome,
    /// How it survives.
    pub survival: Survival,
}

/// What each failure brings about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survival {
    /// What was asked for.
    pub wanted: Survive,
    /// What the plan without resilience costs an hour.
    pub without: Money,
    /// Nodes that hold no pod until one fails, by bin type.
    pub spare: Vec<(BinTypeId, u64)>,
    /// One for each distinct failure, in the order of the plan's nodes or zones.
    pub failures: Vec<Failed>,
}

impl Survival {
    /// Whether every failure leaves no pod of the named priority without a node.
    pub fn holds(&self) -> bool {
        self.failures.iter().all(|f| f.pending.is_empty())
    }
}

/// The loss of a node, or of all nodes of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The lost node's type; `None` for a zone.
    pub bin_type: Option<BinTypeId>,
    /// The zone that is lost or that the node stands in, where zones are told apart.
    pub zone: Option<String>,
    /// How many equal nodes there are, any one of which this is the loss of; 1 for a zone.
    pub alike: u64,
    /// How many nodes are lost at once.
    pub nodes: u64,
    /// Pods that ran there, of every priority.
    pub pods: u64,
    /// Where pods of the named priority and above went: workload, bin type, pods.
    pub moved: Vec<(usize, BinTypeId, u64)>,
    /// Pods below the named priority that made room and found none elsewhere, or that ran on what was
    /// lost and found none: workload, pods.
    pub waiting: Vec<(usize, u64)>,
    /// Pods of the named priority and above that find no node: workload, pods. Empty for a failure that
    /// the plan survives.
    pub pending: Vec<(usize, u64)>,
}

/// What plans are made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What runs.
    pub set: &'a WorkloadSet,
    /// The prices.
    pub catalog: &'a Catalog,
    /// The settings.
    pub policy: &'a Policy,
    /// The problem of the plan, with zones told apart where one may be lost.
    pub formulation: &'a Formulation,
    /// The pools, where each workload is led to one; its pods go nowhere else after a loss either.
    pub pooling: Option<&'a Pooling>,
    /// What must be survived.
    pub wanted: Survive,
}

/// Other plans are made where surviving costs more than one part in this many of the plan.
const WORTH_OTHERS: i128 = 100;

/// Makes a plan survive.
///
/// # Errors
/// An answer that the verifier refuses, which is a bug of ours.
pub fn survive(
    inputs: &Inputs<'_>,
    found: &VerifiedOutcome,
    budget: &Budget<'_>,
    seed: u64,
) -> Result<Resilient, SearchError> {
    let (wanted, problem) = (inputs.wanted, &inputs.formulation.problem);
    let (plan, failures) = plan(inputs, found.plan(), budget, seed)?;
    let bins = plan.plan().bins();
    let spare = bins.filter(|(pattern, _)| pattern.content().is_empty());
    let spare = spare.map(|(pattern, count)| (pattern.bin_type(), count)).collect();
    let outcome = verify::verify(problem, instead(found, plan.plan().clone(), problem))
        .map_err(SearchError::Refused)?;
    let without = found.plan().hourly_cost();
    Ok(Resilient { outcome, survival: Survival { wanted, without, spare, failures } })
}

/// The cheapest plan found that survives, made from this one and others, with what each failure brings
/// about. If none survives all failures, the one that leaves fewest pods pending.
///
/// # Errors
/// An answer that the verifier refuses, which is a bug of ours.
pub fn plan(
    inputs: &Inputs<'_>,
    base: &VerifiedPlan,
    budget: &Budget<'_>,
    seed: u64,
) -> Result<(VerifiedPlan, Vec<Failed>), SearchError> {
    let problem = &inputs.formulation.problem;
    let start = |plan: VerifiedPlan| match inputs.wanted.scope {
        FailureScope::Node => Ok(plan),
        FailureScope::Zone => variants::balanced(inputs.formulation, &plan),
    };
    let grow = |start: &VerifiedPlan| -> Result<(Plan, Vec<Failed>), SearchError> {
        let mut growing = Growing::new(inputs, start)?;
        growing.settle();
        Ok((growing.plan(), growing.failures()))
    };
    let pending = |failures: &[Failed]| -> u64 {
        failures.iter().flat_map(|f| &f.pending).map(|&(_, pods)| pods).sum()
    };
    let first = grow(&start(base.clone())?)?;
    // Other plans save at most what this one pays to survive.
    let paid = (first.0.hourly_cost(problem) - base.hourly_cost()).nanos();
    let others = if pending(&first.1) > 0 || paid.saturating_mul(WORTH_OTHERS) > base.hourly_cost().nanos() {
        variants::without_large_nodes(inputs, base, budget, seed)
    } else {
        Vec::new()
    };
    let others: Vec<VerifiedPlan> = others.into_iter().map(start).collect::<Result<_, _>>()?;
    let mut grown: Vec<(Plan, Vec<Failed>)> = vec![first];
    grown.extend(others.par_iter().map(grow).collect::<Result<Vec<_>, SearchError>>()?);
    let best =
        grown.into_iter().min_by_key(|(plan, failures)| (pending(failures), plan.hourly_cost(problem)));
    let (plan, failures) = best.expect("the plan itself is a start");
    let plan = verify::verify_plan(problem, plan).map_err(SearchError::Refused)?;
    if let Some(pooling) = inputs.pooling {
        verify::verify_pools(pooling, plan.plan()).map_err(SearchError::Refused)?;
    }
    Ok((plan, failures))
}

impl Inputs<'_> {
    /// Whether a workload must find a node after a failure.
    fn must_survive(&self, workload: usize) -> bool {
        let priority = self.set.workloads[workload].pod.priority;
        self.wanted.priority.is_none_or(|least| priority >= least)
    }
}

/// The search's answer with another plan. Its bound holds for every plan; that nothing cheaper exists
/// is not known of a plan with spare nodes.
fn instead(found: &VerifiedOutcome, plan: Plan, problem: &Problem) -> Outcome {
    let cost = plan.hourly_cost(problem);
    let lower_bound = found.lower_bound().clone();
    let stop = match found.stop() {
        StopReason::Optimal | StopReason::BestUnderRestrictions if cost == lower_bound.value => {
            StopReason::Optimal
        }
        StopReason::Optimal | StopReason::BestUnderRestrictions => StopReason::Exhausted,
        other => other,
    };
    Outcome { incumbent: plan, lower_bound, stop, progress: found.progress().to_vec() }
}
