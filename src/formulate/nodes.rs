//! Bin types from instance types: capacity less reserves, DaemonSets and headroom, per dimension.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, InstanceType};
use crate::policy::{BurstableCpu, Policy, PoolLimits};
use crate::problem::{BinLimit, BinType, BinTypeId};
use crate::units::{Rate, ResourceName, Resources};
use crate::workload::WorkloadSet;

use super::allocatable::{NodeCapacity, node_capacity};
use super::demand::{PodDemand, pod_demand};
use super::labels::NodeMatcher;
use super::legend::{Breakdown, Dimension, Measure, NodeType, Pool};
use super::note::{FormulateError, Note};
use super::places::{Candidate, Places};

/// The types that a plan may buy, as bin types and as what they stand for.
#[derive(Debug)]
pub struct Nodes {
    /// Dimensions whose amount per node is known for some type.
    pub dimensions: Vec<Dimension>,
    /// For the problem.
    pub bins: Vec<BinType>,
    /// For the legend, in the same order.
    pub types: Vec<NodeType>,
    /// Where these types stand, in the same order.
    pub places: Places,
    /// What the types of a pool may be used together, where a limit stands over several.
    pub limits: Vec<BinLimit>,
    /// On which of these types each DaemonSet runs.
    pub daemon_sets: Vec<Vec<bool>>,
    /// What a reader must know.
    pub notes: Vec<Note>,
}

/// The types that the policy allows, as indices into the catalog.
///
/// # Errors
/// An unreadable filter, or no type left.
pub fn allowed_types(catalog: &Catalog, policy: &Policy) -> Result<(Vec<usize>, Vec<Note>), FormulateError> {
    let matcher = policy.types.matcher().map_err(|e| FormulateError::Filter(e.to_string()))?;
    let mut no_surplus = Examples::default();
    let allowed: Vec<usize> = (0..catalog.types.len())
        .filter(|&i| {
            let machine = &catalog.types[i];
            matcher.matches(machine)
                && match (policy.burstable, machine.burst) {
                    (BurstableCpu::Exclude, Some(_)) => false,
                    (BurstableCpu::FullWithSurplus, Some(burst)) if burst.surplus_rate.is_none() => {
                        no_surplus.add(machine);
                        false
                    }
                    _ => true,
                }
        })
        .collect();
    if allowed.is_empty() {
        return Err(FormulateError::NoTypes(catalog.types.len()));
    }
    let notes = no_surplus.note(|count, example| Note::NoSurplusRate { count, example });
    Ok((allowed, notes.into_iter().collect()))
}

/// Makes bin types of the allowed types. `demanded` are the resources that any pod takes, with the
/// sum over all pods.
///
/// # Errors
/// When nothing is left of any type.
pub fn nodes(
    set: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
    places: &Places,
    demanded: &BTreeMap<ResourceName, u64>,
) -> Result<Nodes, FormulateError> {
    let mut allowed: Vec<usize> = places.candidates.iter().map(|c| c.catalog_type).collect();
    allowed.dedup();
    let by_type: BTreeMap<usize, NodeCapacity> =
        allowed.iter().map(|&i| (i, node_capacity(&catalog.types[i], catalog.provider, policy))).collect();
    let daemons = Daemons::new(set, catalog, policy, places);
    let machine = |k: usize| &catalog.types[places.candidates[k].catalog_type];
    let available = |k: usize, resource: &ResourceName| {
        available(machine(k), &by_type[&places.candidates[k].catalog_type], resource)
    };
    let mut notes = assumptions(&by_type, catalog);

    let mut known: BTreeSet<&ResourceName> = BTreeSet::new();
    for resource in demanded.keys() {
        let mut unknown = Examples::default();
        for k in 0..places.candidates.len() {
            match available(k, resource) {
                Some(_) => drop(known.insert(resource)),
                None => unknown.add(machine(k)),
            }
        }
        // No limit on pod slots is a setting, not ignorance.
        if *resource != ResourceName::Pods {
            let resource = resource.clone();
            notes.extend(unknown.note(|count, example| Note::ResourceUnknown { resource, count, example }));
        }
    }
    let mut dimensions: Vec<Dimension> = known
        .iter()
        .map(|&resource| Dimension { resource: resource.clone(), measure: Measure::Demand })
        .collect();
    // Pod slots and volumes have no limits.
    let limited =
        |r: &ResourceName| known.contains(r) && !matches!(r, ResourceName::Pods | ResourceName::Volumes);
    for (resource, &ratio) in policy.overcommit.iter().filter(|(r, _)| limited(r)) {
        let measure = Measure::Limits { ratio };
        dimensions.push(Dimension { resource: resource.clone(), measure });
    }

    let mut too_small = Examples::default();
    let mut kept = Vec::new();
    let (mut bins, mut types) = (Vec::new(), Vec::new());
    for (k, &Candidate { catalog_type, pool, zone }) in places.candidates.iter().enumerate() {
        let breakdowns = [ResourceName::Cpu, ResourceName::Memory]
            .iter()
            .chain(known.iter().copied())
            .filter_map(|resource| {
                let before = available(k, resource)?;
                let taken = daemons.demand(k, resource);
                Some(share_out(before, taken, policy, resource).map(|b| (resource.clone(), b)))
            })
            .collect::<Option<BTreeMap<_, _>>>();
        let Some(breakdowns) = breakdowns.filter(|b| b.values().any(|b| b.for_pods > 0)) else {
            too_small.add(machine(k));
            continue;
        };
        let capacity = dimensions.iter().map(|d| match d.measure {
            Measure::Demand => breakdowns.get(&d.resource).map_or(demanded[&d.resource], |b| b.for_pods),
            Measure::Limits { ratio } => available(k, &d.resource)
                .map_or(0, |b| ratio.floor_of(b.for_pods).saturating_sub(daemons.limits(k, &d.resource))),
        });
        let capacity: Resources = capacity.collect();
        let base = match places.pools[pool].spot {
            None => machine(k).on_demand.rate,
            // Candidates without a spot rate are not made.
            Some(_) => machine(k).spot.as_ref().map_or(machine(k).on_demand.rate, |spot| spot.rate),
        };
        let (rate, surplus, costs) = rate(machine(k), base, policy);
        bins.push(BinType { capacity, rate, stock: stock(&places.limits[pool], machine(k)) });
        let zone = zone.map(|z| places.zones[z].clone());
        types.push(NodeType { catalog_type, pool, zone, capacity: breakdowns, surplus, costs });
        kept.push(k);
    }
    if kept.is_empty() {
        return Err(FormulateError::NothingLeft { count: allowed.len(), example: machine(0).name.clone() });
    }
    notes.extend(too_small.note(|count, example| Note::TypesTooSmall { count, example }));
    let daemon_sets = daemons.runs.iter().map(|runs| kept.iter().map(|&k| runs[k]).collect()).collect();
    let kept_places =
        Places { candidates: kept.iter().map(|&k| places.candidates[k]).collect(), ..places.clone() };
    let limits = limits(&kept_places, catalog, 2, &|_| Vec::new());
    Ok(Nodes { dimensions, bins, types, places: kept_places, limits, daemon_sets, notes })
}

/// What a node of a type costs an hour in all, the surplus credits in it, and what it costs beside; `base` is
/// what the instance itself costs.
pub fn rate(machine: &InstanceType, base: Rate, policy: &Policy) -> (Rate, Rate, Vec<Rate>) {
    let surplus = surplus(machine, policy);
    let costs: Vec<Rate> =
        policy.node_costs.iter().map(|cost| cost.of(machine, policy.node_storage)).collect();
    let add = |sum: Rate, more: &Rate| sum.checked_add(*more).unwrap_or(Rate::from_nanos(u64::MAX));
    (costs.iter().fold(add(base, &surplus), add), surplus, costs)
}

/// The most nodes of one type that a pool's limits allow.
fn stock(limits: &PoolLimits, machine: &InstanceType) -> Option<u64> {
    let by_cpu = limits.cpu.map(|most| most.0 / machine.cpu.0.max(1));
    let by_memory = limits.memory.map(|most| most.0 / machine.memory.0.max(1));
    [limits.nodes, by_cpu, by_memory].into_iter().flatten().min()
}

/// The limits of pools over all of their types in all zones, with `more` nodes of each where there are so many
/// types at least: one type in one zone keeps them by its stock.
pub(super) fn limits<'a>(
    places: &Places,
    catalog: &'a Catalog,
    least: usize,
    more: &dyn Fn(&Pool) -> Vec<(BinTypeId, &'a InstanceType)>,
) -> Vec<BinLimit> {
    let mut found = Vec::new();
    for (pool, of) in places.limits.iter().enumerate().filter(|&(pool, _)| places.whole[pool] == pool) {
        let members: Vec<(BinTypeId, &InstanceType)> = (0u32..)
            .zip(&places.candidates)
            .filter(|(_, c)| places.whole[c.pool] == pool)
            .map(|(bin, c)| (BinTypeId(bin), &catalog.types[c.catalog_type]))
            .chain(more(&places.pools[pool]))
            .collect();
        if members.len() < least {
            continue;
        }
        let name = &places.pools[pool].name;
        let mut add = |what: &str, most: Option<u64>, weight: &dyn Fn(&InstanceType) -> u64| {
            if let Some(most) = most {
                let weights = members.iter().map(|&(bin, machine)| (bin, weight(machine).max(1))).collect();
                found.push(BinLimit { name: format!("{what} of node pool {name}"), weights, most });
            }
        };
        add("nodes", of.nodes, &|_| 1);
        add("millicores", of.cpu.map(|most| most.0), &|machine| machine.cpu.0);
        add("bytes of memory", of.memory.map(|most| most.0), &|machine| machine.memory.0);
    }
    found
}

/// What a node has of a resource before DaemonSets and headroom; `None` where nobody tells.
fn available(machine: &InstanceType, capacity: &NodeCapacity, resource: &ResourceName) -> Option<Breakdown> {
    let plain = |n: u64| Breakdown { raw: n, for_pods: n, ..Breakdown::default() };
    match resource {
        ResourceName::Cpu => Some(capacity.cpu),
        ResourceName::Memory => Some(capacity.memory),
        ResourceName::EphemeralStorage => capacity.storage,
        ResourceName::Pods => capacity.pods.map(plain),
        ResourceName::Volumes => machine.limits.volume_attachments.map(plain),
        ResourceName::Extended(name) => Some(plain(machine.extended.get(name).copied().unwrap_or(0))),
    }
}

/// Takes DaemonSets and headroom off; `None` when the DaemonSets alone do not fit.
fn share_out(before: Breakdown, daemons: u64, policy: &Policy, resource: &ResourceName) -> Option<Breakdown> {
    let left = before.for_pods.checked_sub(daemons)?;
    let headroom = policy.headroom.get(resource).map_or(0, |share| share.ceil_of(before.for_pods)).min(left);
    Some(Breakdown { daemon_sets: daemons, headroom, for_pods: left - headroom, ..before })
}

/// What full use of a burstable type's vCPUs costs beyond its rate, rounded up.
fn surplus(machine: &InstanceType, policy: &Policy) -> Rate {
    let (BurstableCpu::FullWithSurplus, Some(burst)) = (policy.burstable, machine.burst) else {
        return Rate::ZERO;
    };
    let Some(rate) = burst.surplus_rate else { return Rate::ZERO };
    let beyond = 1_000_000u128.saturating_sub(u128::from(burst.baseline.0));
    let nanos = (u128::from(rate.nanos()) * u128::from(machine.cpu.0) * beyond).div_ceil(1_000_000_000);
    Rate::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Where a figure of a type had to be assumed.
fn assumptions(by_type: &BTreeMap<usize, NodeCapacity>, catalog: &Catalog) -> Vec<Note> {
    let (mut pods, mut cpu) = (Examples::default(), Examples::default());
    let mut assumed = 0;
    for (&i, capacity) in by_type {
        if capacity.pods_assumed {
            if pods.first.is_none() {
                assumed = capacity.pods.unwrap_or(0);
            }
            pods.add(&catalog.types[i]);
        }
        if capacity.cpu_interpolated {
            cpu.add(&catalog.types[i]);
        }
    }
    let pods = pods.note(|count, example| Note::PodLimitAssumed { count, example, assumed });
    let cpu = cpu.note(|count, example| Note::AksInterpolated { count, example });
    pods.into_iter().chain(cpu).collect()
}

/// Counts types and remembers the first.
#[derive(Debug, Default)]
struct Examples {
    names: BTreeSet<String>,
    first: Option<String>,
}

impl Examples {
    fn add(&mut self, machine: &InstanceType) {
        if !self.names.contains(&machine.name) {
            self.names.insert(machine.name.clone());
        }
        self.first.get_or_insert_with(|| machine.name.clone());
    }

    fn note(self, make: impl FnOnce(usize, String) -> Note) -> Option<Note> {
        self.first.map(|example| make(self.names.len(), example))
    }
}

/// What DaemonSets take of the nodes of each type.
struct Daemons {
    demands: Vec<PodDemand>,
    /// Per DaemonSet, one flag per candidate.
    runs: Vec<Vec<bool>>,
}

impl Daemons {
    fn new(set: &WorkloadSet, catalog: &Catalog, policy: &Policy, places: &Places) -> Self {
        // Where the policy tells no pools, nodes may carry labels that nobody has told: a DaemonSet
        // that asks for one is counted, for an overhead too many is safe.
        let mut matcher = NodeMatcher::new(catalog, places, policy.pools.is_empty());
        let mut daemons = Daemons { demands: Vec::new(), runs: Vec::new() };
        for workload in &set.daemon_sets {
            let demand = pod_demand(&workload.pod, policy);
            let mut runs = matcher.matched(&workload.pod.rules);
            for (resource, &amount) in &demand.demand {
                if let ResourceName::Extended(name) = resource {
                    for (runs, c) in runs.iter_mut().zip(&places.candidates) {
                        *runs &=
                            catalog.types[c.catalog_type].extended.get(name).copied().unwrap_or(0) >= amount;
                    }
                }
            }
            daemons.demands.push(demand);
            daemons.runs.push(runs);
        }
        daemons
    }

    fn sum(&self, k: usize, amount: impl Fn(&PodDemand) -> Option<u64>) -> u64 {
        self.demands
            .iter()
            .zip(&self.runs)
            .filter(|(_, runs)| runs[k])
            .filter_map(|(demand, _)| amount(demand))
            .fold(0, u64::saturating_add)
    }

    fn demand(&self, k: usize, resource: &ResourceName) -> u64 {
        self.sum(k, |d| d.demand.get(resource).copied())
    }

    fn limits(&self, k: usize, resource: &ResourceName) -> u64 {
        self.sum(k, |d| d.limits.get(resource).copied())
    }
}
