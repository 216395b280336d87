//! What others would buy for the same workloads: one VM per replica, today's VMs, and the tools that
//! people run, each packed on its own problem and passed by the same verifier as the plan.

use rayon::prelude::*;

use crate::catalog::Catalog;
use crate::formulate::{FormulateError, Formulation, Note, Obstacle, variants};
use crate::policy::{PackingBasis, Policy, PoolLimits};
use crate::solver::baseline::{BaselineError, Method, pack};
use crate::units::Money;
use crate::verify::{VerifiedPlan, Violation, verify_plan};
use crate::workload::WorkloadSet;

/// Arrival batches at which the real Karpenter was measured; `None` is all pods at once.
pub const KARPENTER_BATCHES: [Option<u64>; 6] = [Some(5), Some(10), Some(20), Some(50), Some(200), None];

/// Which practice or tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BaselineKind {
    /// A VM for every replica: the cheapest type whose raw size holds its requests.
    OneVmByRequests,
    /// A VM for every replica: the cheapest type whose raw size holds its limits.
    OneVmByLimits,
    /// A VM for every replica: the type that the input names.
    CurrentTypes,
    /// Supergiant's packing.
    Supergiant,
    /// Karpenter's policy, for one size of arrival batch; `None` for all pods at once.
    Karpenter {
        /// How many pending pods one solve sees.
        batch: Option<u64>,
    },
    /// cluster-autoscaler's policy with the least-waste expander.
    ClusterAutoscaler,
}

impl BaselineKind {
    /// A stable name for machine-readable output, such as `karpenter-batch-20`.
    pub fn id(self) -> String {
        match self {
            BaselineKind::OneVmByRequests => "one-vm-by-requests".to_owned(),
            BaselineKind::OneVmByLimits => "one-vm-by-limits".to_owned(),
            BaselineKind::CurrentTypes => "current-types".to_owned(),
            BaselineKind::Supergiant => "supergiant".to_owned(),
            BaselineKind::Karpenter { batch: Some(n) } => format!("karpenter-batch-{n}"),
            BaselineKind::Karpenter { batch: None } => "karpenter-all-at-once".to_owned(),
            BaselineKind::ClusterAutoscaler => "cluster-autoscaler".to_owned(),
        }
    }

    /// What it is, in a few words.
    pub fn label(self) -> String {
        match self {
            BaselineKind::OneVmByRequests => "one VM per replica, by requests".to_owned(),
            BaselineKind::OneVmByLimits => "one VM per replica, by limits".to_owned(),
            BaselineKind::CurrentTypes => "one VM per replica, today's types".to_owned(),
            BaselineKind::Supergiant => "Supergiant-style".to_owned(),
            BaselineKind::Karpenter { batch: Some(n) } => {
                format!("Karpenter-style, {n} at a time")
            }
            BaselineKind::Karpenter { batch: None } => "Karpenter-style, all at once".to_owned(),
            BaselineKind::ClusterAutoscaler => "cluster-autoscaler-style".to_owned(),
        }
    }

    /// How it is made, and what a reader should keep in mind.
    fn method(self) -> &'static str {
        match self {
            BaselineKind::OneVmByRequests => {
                "the cheapest allowed type whose size on the price list holds one replica's requests; nothing reserved, no lower limit on size"
            }
            BaselineKind::OneVmByLimits => {
                "the cheapest allowed type whose size on the price list holds one replica's limits (requests where there is none); nothing reserved, no lower limit on size"
            }
            BaselineKind::CurrentTypes => {
                "the instance type that the input names for each workload, one per replica"
            }
            BaselineKind::Supergiant => {
                "our re-implementation of Supergiant: limits (requests where there is none) in input order, first fit into the dearest type, each node cut down to the cheapest that holds it; nothing reserved, no DaemonSets, 11 volumes per node; placement rules are kept, which Supergiant did not know"
            }
            BaselineKind::Karpenter { .. } => {
                "our re-implementation of Karpenter on the plan's own nodes: pods in seeded random order of arrival, consolidation N to none or N to one at the end"
            }
            BaselineKind::ClusterAutoscaler => {
                "our re-implementation of cluster-autoscaler on the plan's own nodes: every type that no cheaper one dominates is a node group; one group per step by least waste, first fit decreasing"
            }
        }
    }

    /// All that make sense for some workloads: today's types only where the input names any.
    pub fn usual(set: &WorkloadSet) -> Vec<BaselineKind> {
        let pods: u128 = set.workloads.iter().map(|w| u128::from(w.replicas)).sum();
        let mut kinds = vec![BaselineKind::OneVmByRequests, BaselineKind::OneVmByLimits];
        if set.workloads.iter().any(|w| w.current_type.is_some()) {
            kinds.push(BaselineKind::CurrentTypes);
        }
        kinds.push(BaselineKind::Supergiant);
        // Many small batches over many pods take seconds: there, the two ends and the middle.
        let few = [Some(20), Some(200), None];
        let batches = if pods > MANY_PODS { &few[..] } else { &KARPENTER_BATCHES };
        kinds.extend(batches.iter().map(|&batch| BaselineKind::Karpenter { batch }));
        kinds.push(BaselineKind::ClusterAutoscaler);
        kinds
    }
}

/// Beyond this many pods, [`BaselineKind::usual`] leaves out some of Karpenter's batches.
const MANY_PODS: u128 = 20_000;

/// A baseline that passed the verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// Which one.
    pub kind: BaselineKind,
    /// Its own problem with its legend. The legend's workloads are those of the set. Obstacles are
    /// workloads that the plan places and this baseline cannot, so that its cost does not compare.
    pub formulation: Formulation,
    /// What it buys.
    pub plan: VerifiedPlan,
    /// How it was made and what it leaves out.
    pub notes: Vec<Note>,
}

impl Baseline {
    /// What its nodes cost for one hour.
    pub fn hourly_cost(&self) -> Money {
        self.plan.hourly_cost()
    }

    /// Whether it covers every workload that the plan places.
    pub fn is_complete(&self) -> bool {
        self.formulation.obstacles.is_empty()
    }

    /// Workloads that the plan places and this baseline cannot.
    pub fn missing(&self) -> &[Obstacle] {
        &self.formulation.obstacles
    }
}

/// Why there is no such baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", kind.label())]
pub struct Skipped {
    /// Which one.
    pub kind: BaselineKind,
    /// Why.
    pub reason: SkipReason,
}

/// Why a baseline was left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// Its problem could not be made.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Formulate(Vec<FormulateError>),
    /// Its method gave up.
    #[error(transparent)]
    Method(#[from] BaselineError),
    /// None of the workloads can be part of it.
    #[error("it covers none of the workloads{}", .0.first().map(|o| format!(": {o}")).unwrap_or_default())]
    Nothing(Vec<Obstacle>),
    /// Its plan did not pass the verifier, which is a bug of ours.
    #[error("its plan breaks a rule ({})", .0.first().map(ToString::to_string).unwrap_or_default())]
    Refused(Vec<Violation>),
}

/// Packs the baselines asked for, in parallel, in the order asked for. `plan` is the formulation that
/// the plan itself was solved on; `seed` sets Karpenter's order of arrival.
pub fn baselines(
    set: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
    plan: &Formulation,
    kinds: &[BaselineKind],
    seed: u64,
) -> Vec<Result<Baseline, Skipped>> {
    kinds
        .par_iter()
        .map(|&kind| {
            baseline(set, catalog, policy, plan, kind, seed).map_err(|reason| Skipped { kind, reason })
        })
        .collect()
}

/// Of those that cover every workload, the cheapest.
pub fn cheapest<'a>(baselines: impl IntoIterator<Item = &'a Baseline>) -> Option<&'a Baseline> {
    baselines.into_iter().filter(|b| b.is_complete()).min_by_key(|b| b.hourly_cost())
}

fn baseline(
    set: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
    plan: &Formulation,
    kind: BaselineKind,
    seed: u64,
) -> Result<Baseline, SkipReason> {
    let one_vm = |basis| variants::one_vm_per_replica(set, catalog, policy, plan, basis);
    let (formulation, method) = match kind {
        BaselineKind::OneVmByRequests => (one_vm(PackingBasis::Requests), Method::OnePerBin),
        BaselineKind::OneVmByLimits => (one_vm(PackingBasis::Limits), Method::OnePerBin),
        BaselineKind::CurrentTypes => {
            (variants::current_types(set, catalog, policy, plan), Method::OnePerBin)
        }
        BaselineKind::Supergiant => (variants::supergiant(set, catalog, policy, plan), Method::FirstFitMerge),
        BaselineKind::Karpenter { batch } => (variants::same_nodes(plan), Method::Karpenter { batch, seed }),
        BaselineKind::ClusterAutoscaler => (variants::same_nodes(plan), Method::ClusterAutoscaler),
    };
    let formulation = formulation.map_err(SkipReason::Formulate)?;
    if formulation.problem.items().is_empty() && !formulation.obstacles.is_empty() {
        return Err(SkipReason::Nothing(formulation.obstacles));
    }
    let packed = pack(&formulation.problem, &variants::input_order(&formulation), method)?;
    let mut notes = vec![Note::Method(kind.method().to_owned())];
    if !packed.consolidated {
        notes.push(Note::Method("consolidation was stopped at its work limit".to_owned()));
    }
    if policy.pools.iter().any(|pool| pool.limits != PoolLimits::default()) {
        notes.push(Note::Method("limits of node pools are not kept".to_owned()));
    }
    let exceeding = formulation.notes.iter().filter(|n| matches!(n, Note::ExceedsCurrentType { .. }));
    notes.extend(exceeding.cloned());
    let plan = verify_plan(&formulation.problem, packed.plan).map_err(SkipReason::Refused)?;
    Ok(Baseline { kind, formulation, plan, notes })
}
