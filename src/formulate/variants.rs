//! The same workloads as other policies see them: the problems that baselines are packed on.
//!
//! A baseline covers the workloads that the plan itself places, so that costs compare; the others
//! have no replicas in its set. Workloads keep their places, so that legends read alike.

use crate::catalog::Catalog;
use crate::policy::{
    AllocatableModel, BurstableCpu, DefaultTypes, MaxPods, NodePool, PackingBasis, Policy, PoolLimits,
    TypeFilter,
};
use crate::problem::{BinType, ItemTypeId, Problem};
use crate::units::{PartsPerMillion, ResourceName};
use crate::workload::{PlacementRules, ResourceList, Workload, WorkloadSet};

use super::labels::label_name;
use super::note::{FormulateError, Note, Obstacle, ObstacleReason};
use super::{Formulation, formulate};

/// Volumes that Supergiant lets a node attach (`capacity_service.go`).
const SUPERGIANT_VOLUMES: u64 = 11;

/// The workloads that a formulation places, every other one without replicas, and no DaemonSets.
fn placed(set: &WorkloadSet, plan: &Formulation) -> WorkloadSet {
    let mut workloads = set.workloads.clone();
    // What others would buy is bought on demand.
    workloads.iter_mut().for_each(|w| w.pod.rules.spot = None);
    for obstacle in &plan.obstacles {
        workloads[obstacle.workload].replicas -= obstacle.replicas;
    }
    WorkloadSet { workloads, ..WorkloadSet::default() }
}

/// Sizes as the price list states them: nothing reserved, no headroom, no overcommit.
fn raw(policy: &Policy, basis: PackingBasis, max_pods: MaxPods) -> Policy {
    Policy {
        allocatable: AllocatableModel::None,
        measured: Default::default(),
        hypervisor_memory: PartsPerMillion(0),
        headroom: Default::default(),
        overcommit: Default::default(),
        max_pods,
        basis,
        max_types: None,
        pools: without_limits(&policy.pools),
        ..policy.clone()
    }
}

/// How large a node pool may become is no part of what others would buy: their methods know no such limit, and
/// under one a baseline would not cover what the plan does.
fn without_limits(pools: &[NodePool]) -> Vec<NodePool> {
    pools.iter().map(|pool| NodePool { limits: PoolLimits::default(), ..pool.clone() }).collect()
}

/// One VM per replica: raw sizes that hold one pod each. A lower limit on node size is dropped, for it
/// would make this baseline dearer than anybody's practice.
///
/// # Errors
/// As for [`formulate`].
pub fn one_vm_per_replica(
    set: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
    plan: &Formulation,
    basis: PackingBasis,
) -> Result<Formulation, Vec<FormulateError>> {
    let mut set = placed(set, plan);
    set.workloads.iter_mut().for_each(|w| keep_node_rules(&mut w.pod.rules));
    let mut policy = raw(policy, basis, MaxPods::Fixed(1));
    policy.types.min_cpu = None;
    // What people give one VM to each are small machines of any family.
    policy.default_types = DefaultTypes::All;
    formulate(&set, catalog, &policy)
}

/// Rules between pods say nothing where every pod has a VM of its own.
fn keep_node_rules(rules: &mut PlacementRules) {
    rules.pod_anti_affinity.clear();
    rules.pod_affinity.clear();
    rules.topology_spread.clear();
    rules.host_ports.clear();
}

/// The VM that each replica has today by the input's word, whatever the pod asks for: it runs there.
///
/// # Errors
/// As for [`formulate`].
pub fn current_types(
    set: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
    plan: &Formulation,
) -> Result<Formulation, Vec<FormulateError>> {
    let mut today = placed(set, plan);
    let mut obstacles = Vec::new();
    let mut notes = Vec::new();
    for (place, workload) in today.workloads.iter_mut().enumerate().filter(|(_, w)| w.replicas > 0) {
        let reason = match &workload.current_type {
            None => Some(ObstacleReason::NoCurrentType),
            Some(name) => match catalog.find(name) {
                None => Some(ObstacleReason::CurrentTypeUnknown { name: name.clone() }),
                Some(machine) => {
                    let exceeds =
                        |r: &ResourceName, has: u64| workload.pod.requests.get(r).is_some_and(|&n| n > has);
                    if exceeds(&ResourceName::Cpu, machine.cpu.0)
                        || exceeds(&ResourceName::Memory, machine.memory.0)
                    {
                        let instance_type = name.clone();
                        notes.push(Note::ExceedsCurrentType { workload: workload.id.clone(), instance_type });
                    }
                    pin(workload, label_name(machine, catalog.provider));
                    None
                }
            },
        };
        if let Some(reason) = reason {
            obstacles.push(Obstacle {
                workload: place,
                id: workload.id.clone(),
                replicas: workload.replicas,
                reason,
            });
            workload.replicas = 0;
        }
    }
    let policy = Policy {
        types: TypeFilter::default(),
        default_types: DefaultTypes::All,
        pools: Vec::new(),
        zones: Vec::new(),
        burstable: BurstableCpu::Baseline,
        default_requests: ResourceList::new(),
        ..raw(policy, PackingBasis::Requests, MaxPods::Fixed(1))
    };
    let mut formulation = formulate(&today, catalog, &policy)?;
    obstacles.append(&mut formulation.obstacles);
    Ok(Formulation { obstacles, notes, ..formulation })
}

/// Leaves of a pod nothing but its slot on nodes of one type.
fn pin(workload: &mut Workload, instance_type: String) {
    workload.pod.requests.clear();
    workload.pod.limits.clear();
    workload.pod.rules = PlacementRules::default();
    workload.pod.rules.node_selector.insert("node.kubernetes.io/instance-type".to_owned(), instance_type);
}

/// What Supergiant sees: limits on raw sizes with eleven volumes each; no reserve, no DaemonSets.
///
/// # Errors
/// As for [`formulate`].
pub fn supergiant(
    set: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
    plan: &Formulation,
) -> Result<Formulation, Vec<FormulateError>> {
    let mut catalog = catalog.clone();
    for machine in &mut catalog.types {
        machine.limits.volume_attachments = Some(SUPERGIANT_VOLUMES);
    }
    let policy = raw(policy, PackingBasis::Limits, MaxPods::Unlimited);
    formulate(&placed(set, plan), &catalog, &policy)
}

/// The plan's own problem, for autoscalers, which know no cap on the number of types and no limits of pools but
/// that a type is too large for one.
///
/// # Errors
/// None in fact, for the problem was valid before.
pub fn same_nodes(plan: &Formulation) -> Result<Formulation, Vec<FormulateError>> {
    let p = &plan.problem;
    let unlimited = |bin: &BinType| BinType { stock: bin.stock.filter(|&most| most == 0), ..bin.clone() };
    let problem = Problem::new(
        p.dimensions().to_vec(),
        p.items().to_vec(),
        p.bins().iter().map(unlimited).collect(),
        p.conflicts().iter().copied(),
        None,
    )
    .map_err(|e| vec![FormulateError::Problem(e)])?;
    Ok(Formulation {
        problem,
        legend: plan.legend.clone(),
        obstacles: Vec::new(),
        notes: Vec::new(),
        relaxed: None,
        restrictions: Vec::new(),
    })
}

/// Copies in the order in which the input lists their workloads.
pub fn input_order(formulation: &Formulation) -> Vec<(ItemTypeId, u64)> {
    let mut order: Vec<(usize, ItemTypeId, u64)> = (0u32..)
        .zip(&formulation.legend.items)
        .flat_map(|(item, members)| {
            let item = ItemTypeId(item);
            // Copies of several pods come with the first of their workloads.
            let copies = formulation.problem.item(item).copies;
            let whole = members.workloads.first().map(|&(w, _)| (w, item, copies));
            let bundled = !members.bundle.is_empty();
            let pods = members.workloads.iter().map(move |&(w, n)| (w, item, n));
            whole.into_iter().filter(move |_| bundled).chain(pods.filter(move |_| !bundled))
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, item, n)| (item, n)).collect()
}
