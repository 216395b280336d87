//! Workloads, a catalog and a policy become a packing problem, with a legend that tells what its
//! numbers stand for.
//!
//! Nothing here depends on the order of the input: bin types come in the catalog's order, item types
//! by what they are, and the workloads of an item type by their names.

pub mod allocatable;
pub mod calibration;
mod demand;
mod labels;
mod legend;
mod merge;
mod nodes;
mod note;
mod places;
mod pooled;
mod relations;
mod spot;
mod stage;
pub mod standing;
mod together;
pub mod variants;
mod zones;

pub use labels::node_labels;
pub use legend::{
    Breakdown, Dimension, ItemMembers, Legend, Measure, NodeGroup, NodeType, Pool, place_name, pool_name,
};
pub use note::{FormulateError, Note, Obstacle, ObstacleReason, Restriction, RestrictionKind, Shortfall};
pub use pooled::{Pooled, pooled};
pub use spot::{is_spot_label, is_spot_node, split_spot, spot_labels, spot_taint};

use std::collections::BTreeMap;

use crate::catalog::{Catalog, InstanceType};
use crate::policy::{CostUnit, PackingBasis, Policy};
use crate::problem::{Problem, ProblemError};
use crate::units::{PartsPerMillion, Rate, ResourceName};
use crate::workload::{Workload, WorkloadId, WorkloadSet};

use demand::{PodDemand, pod_demand};
use stage::Input;

/// What a node of a type costs an hour in all: on demand, with surplus credits and what the policy says
/// that it costs beside.
pub fn node_rate(machine: &InstanceType, policy: &Policy, spot: bool) -> Rate {
    nodes::rate(machine, base_rate(machine, spot), policy).0
}

/// What the instance of a node costs an hour: on demand, or spot for spot nodes.
pub fn base_rate(machine: &InstanceType, spot: bool) -> Rate {
    // Types without a spot rate have no spot nodes.
    machine.spot.as_ref().filter(|_| spot).unwrap_or(&machine.on_demand).rate
}

/// A packing problem, what it stands for, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formulation {
    /// The problem to solve.
    pub problem: Problem,
    /// What its numbers stand for.
    pub legend: Legend,
    /// Workloads that fit nowhere and are therefore not in the problem, in input order.
    pub obstacles: Vec<Obstacle>,
    /// What a reader must know, assumptions above all.
    pub notes: Vec<Note>,
    /// Where the problem is stricter than the rules: the problem without these restrictions, over the
    /// same pods. What it cannot undercut, no plan that keeps the rules can; a bound of the problem
    /// itself would only hold for plans that keep the restrictions too. `None`: the problem is exact.
    pub relaxed: Option<Relaxed>,
    /// Which rules the problem holds by restriction; empty exactly where `relaxed` is `None`.
    pub restrictions: Vec<Restriction>,
}

/// A problem that every plan within the rules solves, with what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relaxed {
    /// To be solved for its bound.
    pub problem: Problem,
    /// What its numbers stand for; its bin types may be others than the problem's.
    pub legend: Legend,
}

/// Makes the packing problem of a set of workloads on the types that a policy allows.
///
/// # Errors
/// A policy that contradicts itself or leaves no type, and amounts out of range. A workload that fits
/// nowhere is no error but an [`Obstacle`].
pub fn formulate(
    set: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
) -> Result<Formulation, Vec<FormulateError>> {
    made(set, catalog, policy, false)
}

/// The same, with workloads told apart in every item type where `by_workload`; the relaxed problem is
/// then left out, for it is the one of the problem without that.
fn made(
    set: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
    by_workload: bool,
) -> Result<Formulation, Vec<FormulateError>> {
    check(policy)?;
    let one = |e| vec![e];
    let active: Vec<usize> = (0..set.workloads.len()).filter(|&w| set.workloads[w].replicas > 0).collect();
    let workloads: Vec<&Workload> = active.iter().map(|&w| &set.workloads[w]).collect();
    if workloads.iter().try_fold(0u64, |sum, w| sum.checked_add(w.replicas)).is_none() {
        return Err(vec![FormulateError::Problem(ProblemError::Range("pods".to_owned()))]);
    }
    let demands: Vec<PodDemand> = workloads.iter().map(|w| pod_demand(&w.pod, policy)).collect();
    let input = Input { set, catalog, policy, workloads: &workloads, demands: &demands, by_workload };
    let places = places::places(&workloads, &set.daemon_sets, catalog, policy).map_err(one)?;
    let relations = relations::relations(&workloads, &set.daemon_sets);
    let stage::Built { problem, legend, mut obstacles, placed, mut notes, restrictions } =
        stage::build(&input, &places, &relations).map_err(one)?;
    let relaxed = if restrictions.is_empty() || by_workload {
        None
    } else {
        Some(stage::relax(&input, &places, &relations, &restrictions, &placed).map_err(one)?)
    };

    notes.extend(places.notes.iter().cloned());
    notes.extend(remarks(set, &workloads, policy, &legend.dimensions));
    let restrictions = name_restrictions(&restrictions, &workloads);
    // From places among the workloads that run pods to places in the set.
    obstacles.iter_mut().for_each(|o| o.workload = active[o.workload]);
    let in_set = |mut legend: Legend| {
        let pairs = legend.items.iter_mut().flat_map(|m| m.workloads.iter_mut().chain(&mut m.bundle));
        pairs.for_each(|(w, _)| *w = active[*w]);
        legend
    };
    let relaxed = relaxed.map(|(problem, legend)| Relaxed { problem, legend: in_set(legend) });
    Ok(Formulation { problem, legend: in_set(legend), obstacles, notes, relaxed, restrictions })
}

fn name_restrictions(
    restrictions: &BTreeMap<RestrictionKind, Vec<usize>>,
    workloads: &[&Workload],
) -> Vec<Restriction> {
    let named = |(&kind, places): (&RestrictionKind, &Vec<usize>)| {
        let mut names: Vec<WorkloadId> = places.iter().map(|&w| workloads[w].id.clone()).collect();
        names.sort();
        names.dedup();
        Restriction { kind, workloads: names }
    };
    restrictions.iter().map(named).collect()
}

/// Settings that leave nothing to plan, all at once.
fn check(policy: &Policy) -> Result<(), Vec<FormulateError>> {
    let mut errors = Vec::new();
    for (resource, &share) in &policy.headroom {
        if share >= PartsPerMillion::ONE {
            errors.push(FormulateError::Headroom { resource: resource.clone(), share });
        }
    }
    for (resource, &ratio) in &policy.overcommit {
        if ratio.0 == 0 {
            errors.push(FormulateError::Overcommit(resource.clone()));
        }
    }
    if policy.node_storage.is_none() {
        let by_disk = policy.node_costs.iter().filter(|cost| cost.per == CostUnit::StorageGib);
        errors.extend(by_disk.map(|cost| FormulateError::CostWithoutStorage(cost.name.clone())));
    }
    if policy.hypervisor_memory >= PartsPerMillion::ONE {
        errors.push(FormulateError::Hypervisor(policy.hypervisor_memory));
    }
    match policy.basis {
        PackingBasis::Blend(share) if share > PartsPerMillion::ONE => {
            errors.push(FormulateError::Blend(share));
        }
        _ => {}
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// What a reader must know about requests, limits and settings.
fn remarks(
    set: &WorkloadSet,
    workloads: &[&Workload],
    policy: &Policy,
    dimensions: &[Dimension],
) -> Vec<Note> {
    let mut notes = Vec::new();
    let those = |which: &dyn Fn(&Workload) -> bool| -> Vec<(WorkloadId, u64)> {
        workloads.iter().filter(|w| which(w)).map(|w| (w.id.clone(), w.replicas)).collect()
    };
    let without = those(&|w| w.pod.has_no_requests());
    if !without.is_empty() {
        let defaulted = !policy.default_requests.is_empty();
        notes.push(Note::WithoutRequests { workloads: without, defaulted });
    }
    for resource in [ResourceName::Cpu, ResourceName::Memory] {
        let bounded = policy.overcommit.contains_key(&resource);
        if bounded || policy.basis != PackingBasis::Requests {
            let without = those(&|w| !w.pod.limits.contains_key(&resource));
            if !without.is_empty() {
                notes.push(Note::WithoutLimits { resource: resource.clone(), workloads: without });
            }
        }
        let exceeds = |w: &&Workload| {
            w.pod.limits.get(&resource).is_some_and(|&l| w.pod.requests.get(&resource).is_none_or(|&r| l > r))
        };
        if !bounded && policy.basis != PackingBasis::Limits && workloads.iter().any(exceeds) {
            notes.push(Note::LimitsUnbounded { resource });
        }
    }
    for resource in policy.headroom.keys().chain(policy.overcommit.keys()) {
        if !dimensions.iter().any(|d| d.resource == *resource) {
            notes.push(Note::SettingWithoutEffect { resource: resource.clone() });
        }
    }
    // Divided workloads say so of their parts.
    let undivided =
        |w: &&&Workload| w.pod.rules.spot.is_none() && w.pod.rules.spot_share.is_some_and(|s| s.0 > 0);
    let undivided = workloads.iter().filter(undivided).count();
    if undivided > 0 {
        notes.push(Note::SpotNotPlanned { workloads: undivided });
    }
    let preferred = workloads.iter().filter(|w| w.pod.rules.preferred_rules > 0).count();
    if preferred > 0 {
        notes.push(Note::PreferredRules { workloads: preferred });
    }
    let idle = set.workloads.len() - workloads.len();
    if idle > 0 {
        notes.push(Note::NoReplicas { workloads: idle });
    }
    notes
}
