//! The two problems of one input: the one to pack, in which every rule is held, some by restriction,
//! and the one for its bound, without the restrictions and over the same pods.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use crate::catalog::Catalog;
use crate::policy::Policy;
use crate::problem::{BinSet, Problem};
use crate::units::{ResourceName, Resources};
use crate::workload::{Workload, WorkloadSet};

use super::demand::PodDemand;
use super::labels::{NodeMatcher, is_zone_key};
use super::legend::{Dimension, ItemMembers, Legend};
use super::merge::{self, Rules};
use super::nodes::{self, Nodes};
use super::note::{FormulateError, Note, Obstacle, ObstacleReason, RestrictionKind};
use super::places::Places;
use super::relations::{Domain, Relations};
use super::together::{self, Left, Unit};
use super::zones::{self, Facts, Portion};

/// What both problems are made of. Workloads are those that run any pod.
pub struct Input<'a> {
    /// Everything that was asked for.
    pub set: &'a WorkloadSet,
    /// What can be bought.
    pub catalog: &'a Catalog,
    /// How to plan.
    pub policy: &'a Policy,
    /// The workloads that run any pod.
    pub workloads: &'a [&'a Workload],
    /// What one pod of each takes.
    pub demands: &'a [PodDemand],
    /// Whether equal shapes of different workloads stay apart in the problem to pack.
    pub by_workload: bool,
}

/// The problem to pack. Workloads are named by their place in [`Input::workloads`].
pub struct Built {
    /// The problem.
    pub problem: Problem,
    /// What it stands for.
    pub legend: Legend,
    /// What is not in it.
    pub obstacles: Vec<Obstacle>,
    /// Pods of each workload that are in it.
    pub placed: Vec<u64>,
    /// What a reader must know.
    pub notes: Vec<Note>,
    /// The rules that it holds by restriction, with the workloads that have them.
    pub restrictions: BTreeMap<RestrictionKind, Vec<usize>>,
}

/// Makes the problem to pack.
pub fn build(input: &Input<'_>, places: &Places, relations: &Relations) -> Result<Built, FormulateError> {
    let Input { workloads, demands, .. } = *input;
    let nodes = nodes::nodes(input.set, input.catalog, input.policy, places, &demanded(input))?;
    let mut matcher = NodeMatcher::new(input.catalog, &nodes.places, false);
    let eligible: Vec<BinSet> = intern(
        (0..workloads.len()).map(|w| eligible(w, workloads[w], relations, &nodes, &mut matcher, true)),
    );
    let mut restrictions: BTreeMap<RestrictionKind, Vec<usize>> = BTreeMap::new();
    let mut restricted = |kind, workloads: Vec<usize>| {
        if !workloads.is_empty() {
            restrictions.insert(kind, workloads);
        }
    };
    if places.label_sets_restricted {
        restricted(RestrictionKind::LabelSets, labelled(workloads, places));
    }

    let dealt = |w: &Workload| w.pod.rules.spot.is_some_and(|part| part.groups > 1);
    restricted(
        RestrictionKind::SpotTypesDealt,
        (0..workloads.len()).filter(|&w| dealt(workloads[w])).collect(),
    );

    let together = together::units(workloads, relations);
    let mut follow = together.restricted;
    // Where DaemonSets and workloads are selected, the DaemonSets' nodes are taken.
    follow.extend((0..workloads.len()).filter(|&w| {
        let near = relations.near[w].as_ref();
        near.is_some_and(|n| n.domain == Domain::Node && !n.daemon_sets.is_empty() && !n.workloads.is_empty())
    }));
    restricted(RestrictionKind::TogetherDecided, follow);

    // By workload, where it has a spread over zones.
    let labelled: Vec<Vec<bool>> = (0..workloads.len())
        .map(|w| match relations.zone_spreads[w].as_slice() {
            [] => Vec::new(),
            _ => matcher.by_labels(&workloads[w].pod.rules),
        })
        .collect();
    let split = split_zones(together.units, input, relations, &nodes, &eligible, &labelled);
    if nodes.places.zones.len() > 1 {
        restricted(RestrictionKind::ZonesDecided, split.decided);
    }
    let (caps, others, capped) = node_rules(workloads, relations);
    restricted(RestrictionKind::SpreadAsCap, capped);

    let by_workload = input.by_workload;
    let rules = Rules { workloads, demands, eligible: &eligible, caps: &caps, others: &others, by_workload };
    let rows = merge::rows(split.portions, &rules, &nodes);
    let excluding = |w: usize| {
        let mut rules = matcher.excluding(&workloads[w].pod.rules);
        let daemons = relations.daemon_sets[w].values().chain(relations.zone_daemon_sets[w].values());
        rules.extend(daemons.map(|rule| format!("{rule} of a DaemonSet")));
        rules
    };
    let mut obstacles = merge::obstacles(&rows, workloads, &nodes, input.catalog, excluding);
    add_left(together.left.into_iter().chain(split.left), workloads, &mut obstacles);
    let (items, conflicts, members) = merge::items(rows, &caps);
    let mut placed = vec![0u64; workloads.len()];
    members.iter().flat_map(|m| &m.workloads).for_each(|&(w, pods)| placed[w] += pods);

    let mut notes = nodes.notes.clone();
    let cap = max_types(input.policy, &nodes.places);
    if let Some(most) = cap.filter(|most| Some(*most) != input.policy.max_types) {
        notes.push(Note::MaxTypesByPlace { most });
    }
    let names = nodes.dimensions.iter().map(Dimension::name).collect();
    let problem = Problem::new(names, items, nodes.bins.clone(), conflicts, cap)?
        .with_bin_limits(nodes.limits.clone())?;
    if !problem.bin_limits().is_empty() {
        restrictions.insert(RestrictionKind::PoolLimits, Vec::new());
    }
    let legend = legend(nodes, members, input.policy);
    Ok(Built { problem, legend, obstacles, placed, notes, restrictions })
}

/// Makes the problem for the bound: over the pods that the other one places, without its restrictions.
/// What follows for nodes from rules over zones stays.
pub fn relax(
    input: &Input<'_>,
    places: &Places,
    relations: &Relations,
    restrictions: &BTreeMap<RestrictionKind, Vec<usize>>,
    placed: &[u64],
) -> Result<(Problem, Legend), FormulateError> {
    let Input { workloads, demands, .. } = *input;
    // The cap counts places, of which the plan has more.
    let cap = max_types(input.policy, places);
    let mut places = places.clone();
    if !exact_zones(input) {
        places = places.without_zones();
    }
    let lenient = restrictions.contains_key(&RestrictionKind::LabelSets);
    if lenient {
        places = places.without_label_sets();
    }
    let nodes = nodes::nodes(input.set, input.catalog, input.policy, &places, &demanded(input))?;
    let mut matcher = NodeMatcher::new(input.catalog, &nodes.places, lenient);
    let eligible: Vec<BinSet> = intern(
        (0..workloads.len()).map(|w| eligible(w, workloads[w], relations, &nodes, &mut matcher, false)),
    );
    let mut others = relations.others.clone();
    let mut caps: Vec<Option<u64>> = relations.alone.iter().map(|&alone| alone.then_some(1)).collect();
    for w in 0..workloads.len() {
        for &v in relations.zone_others[w].iter().chain(&relations.region_others[w]) {
            if v as usize == w { caps[w] = Some(1) } else { others[w].push(v) }
        }
        others[w].sort_unstable();
        others[w].dedup();
    }
    let portions = (0..workloads.len())
        .filter(|&w| placed[w] > 0)
        .map(|w| Portion { unit: Unit { pods: vec![(w, 1)], copies: placed[w] }, zone: None });
    let rules =
        Rules { workloads, demands, eligible: &eligible, caps: &caps, others: &others, by_workload: false };
    let rows = merge::rows(portions.collect(), &rules, &nodes);
    let (items, conflicts, members) = merge::items(rows, &caps);
    let names = nodes.dimensions.iter().map(Dimension::name).collect();
    let problem = Problem::new(names, items, nodes.bins.clone(), conflicts, cap)?;
    Ok((problem, legend(nodes, members, input.policy)))
}

fn legend(nodes: Nodes, items: Vec<ItemMembers>, policy: &Policy) -> Legend {
    Legend {
        dimensions: nodes.dimensions,
        nodes: nodes.types,
        items,
        pools: nodes.places.pools,
        cost_names: policy.node_costs.iter().map(|cost| cost.name.clone()).collect(),
    }
}

/// The resources that any pod takes, each with the sum over all pods.
pub fn demanded(input: &Input<'_>) -> BTreeMap<ResourceName, u64> {
    let mut sums: BTreeMap<ResourceName, u64> = BTreeMap::new();
    for (workload, demand) in input.workloads.iter().zip(input.demands) {
        for (resource, &amount) in demand.demand.iter().filter(|&(_, &amount)| amount > 0) {
            let all = amount.saturating_mul(workload.replicas);
            match sums.get_mut(resource) {
                Some(sum) => *sum = sum.saturating_add(all),
                None => drop(sums.insert(resource.clone(), all)),
            }
        }
    }
    sums
}

/// Equal sets share their memory.
pub fn intern(sets: impl Iterator<Item = Vec<bool>>) -> Vec<BinSet> {
    let mut known: HashMap<Vec<bool>, BinSet> = HashMap::new();
    sets.map(|flags| known.entry(flags).or_insert_with_key(|flags| BinSet::new(flags.clone())).clone())
        .collect()
}

/// The bin types that may hold a pod: by node rules, taints and the DaemonSets that it keeps away from
/// or must lie with. `strictly` also where other pods would satisfy the last.
pub fn eligible<'a>(
    w: usize,
    workload: &'a Workload,
    relations: &Relations,
    nodes: &Nodes,
    matcher: &mut NodeMatcher<'a>,
    strictly: bool,
) -> Vec<bool> {
    let mut flags = matcher.matched(&workload.pod.rules);
    // Tolerating the taint is not enough to lie on spot nodes.
    for (flag, c) in flags.iter_mut().zip(&nodes.places.candidates) {
        *flag &= match (nodes.places.pools[c.pool].spot, &workload.pod.rules.spot) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(group), Some(part)) => !strictly || group == part.group,
        };
    }
    for &daemon in relations.daemon_sets[w].keys() {
        flags.iter_mut().zip(&nodes.daemon_sets[daemon]).for_each(|(flag, &runs)| *flag &= !runs);
    }
    if !nodes.places.zones.is_empty() {
        for &daemon in relations.zone_daemon_sets[w].keys() {
            let zones = daemon_zones(nodes, daemon);
            let candidates = flags.iter_mut().zip(&nodes.places.candidates);
            candidates.for_each(|(flag, c)| *flag &= c.zone.is_none_or(|zone| !zones[zone]));
        }
    }
    if let Some(near) = &relations.near[w]
        && near.domain == Domain::Node
        && !near.daemon_sets.is_empty()
        && (strictly || near.workloads.is_empty())
    {
        for (bin, flag) in flags.iter_mut().enumerate() {
            *flag &= near.daemon_sets.iter().any(|&daemon| nodes.daemon_sets[daemon][bin]);
        }
    }
    flags
}

/// The zones in which a DaemonSet runs on some type.
fn daemon_zones(nodes: &Nodes, daemon: usize) -> Vec<bool> {
    let mut zones = vec![false; nodes.places.zones.len().max(1)];
    for (c, &runs) in nodes.places.candidates.iter().zip(&nodes.daemon_sets[daemon]) {
        zones[c.zone.unwrap_or(0)] |= runs;
    }
    zones
}

fn split_zones(
    units: Vec<Unit>,
    input: &Input<'_>,
    relations: &Relations,
    nodes: &Nodes,
    eligible: &[BinSet],
    labelled: &[Vec<bool>],
) -> zones::Split {
    let zones = nodes.places.zones.len().max(1);
    let known: RefCell<HashMap<(Resources, BinSet), Vec<bool>>> = RefCell::new(HashMap::new());
    let fits = |unit: &Unit| {
        let key = (merge::demand(unit, input.demands, nodes), merge::eligible(unit, eligible));
        let found = known.borrow().get(&key).cloned();
        found.unwrap_or_else(|| {
            let mut flags = vec![false; zones];
            for ((c, bin), &may) in nodes.places.candidates.iter().zip(&nodes.bins).zip(key.1.as_slice()) {
                flags[c.zone.unwrap_or(0)] |= may && key.0.fits_in(&bin.capacity);
            }
            // What fits nowhere is told apart later, with what it lacks.
            if !flags.contains(&true) {
                flags.fill(true);
            }
            known.borrow_mut().insert(key, flags.clone());
            flags
        })
    };
    let domains = |w: usize| {
        let mut flags = vec![false; zones];
        for (c, &may) in nodes.places.candidates.iter().zip(&labelled[w]) {
            flags[c.zone.unwrap_or(0)] |= may;
        }
        flags
    };
    let sums = demanded(input);
    let totals: Vec<u64> = nodes.dimensions.iter().map(|d| sums[&d.resource].max(1)).collect();
    let weight = |unit: &Unit| {
        let demand = merge::demand(unit, input.demands, nodes);
        // A millionth of all that is asked for, summed over the dimensions.
        let shares = demand.as_slice().iter().zip(&totals);
        let sum: u128 = shares.map(|(&d, &t)| u128::from(d) * 1_000_000_000 / u128::from(t)).sum();
        u64::try_from(sum).unwrap_or(u64::MAX)
    };
    let mut order: Vec<usize> = (0..input.workloads.len()).collect();
    order.sort_by_key(|&w| (&input.workloads[w].id, w));
    let mut rank = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &w)| rank[w] = place);
    let daemon_zones = |daemon: usize| daemon_zones(nodes, daemon);
    let facts = Facts {
        zones,
        fits: &fits,
        domains: &domains,
        daemon_zones: &daemon_zones,
        weight: &weight,
        rank: &rank,
    };
    let mut split = zones::split(units, relations, &facts);
    if nodes.places.zones.is_empty() {
        // There was one zone that stood for all.
        split.portions.iter_mut().for_each(|p| p.zone = None);
    }
    split
}

/// Caps per node, partners to keep apart from, and the workloads whose spread over nodes that holds.
///
/// A spread counts at most `maxSkew` pods more than the emptiest node has, which here is taken to have
/// none: then its own pods are capped, and others that it counts keep away.
pub fn node_rules(
    workloads: &[&Workload],
    relations: &Relations,
) -> (Vec<Option<u64>>, Vec<Vec<u32>>, Vec<usize>) {
    let mut caps: Vec<Option<u64>> = relations.alone.iter().map(|&alone| alone.then_some(1)).collect();
    let mut others = relations.others.clone();
    let mut capped = Vec::new();
    for (w, spreads) in relations.node_spreads.iter().enumerate() {
        for spread in spreads {
            let counted = spread.counted.iter().map(|&v| workloads[v as usize].replicas);
            // All of them on one node would still be within the skew.
            if counted.fold(0u64, u64::saturating_add) <= spread.max_skew {
                continue;
            }
            capped.push(w);
            if spread.counted.binary_search(&(w as u32)).is_ok() {
                caps[w] = Some(caps[w].map_or(spread.max_skew, |cap| cap.min(spread.max_skew)));
            }
            for &v in spread.counted.iter().filter(|&&v| v as usize != w) {
                others[w].push(v);
                others[v as usize].push(w as u32);
            }
        }
    }
    for list in &mut others {
        list.sort_unstable();
        list.dedup();
    }
    capped.dedup();
    (caps, others, capped)
}

/// Pods that rules between pods leave no place, as obstacles; a workload has one.
fn add_left(left: impl Iterator<Item = Left>, workloads: &[&Workload], obstacles: &mut Vec<Obstacle>) {
    for Left { workload, pods, rule } in left {
        match obstacles.iter_mut().find(|o| o.workload == workload) {
            Some(obstacle) => obstacle.replicas += pods,
            None => obstacles.push(Obstacle {
                workload,
                id: workloads[workload].id.clone(),
                replicas: pods,
                reason: ObstacleReason::PodRules { rule },
            }),
        }
    }
    obstacles.sort_by_key(|o| o.workload);
}

/// The cap on bin types: a type counts once for each pool and zone that it may stand in.
fn max_types(policy: &Policy, places: &Places) -> Option<u32> {
    let mut most = 1usize;
    let mut run = 0;
    let mut last = None;
    // Once on demand and once on spot: that is how node groups are counted.
    for candidate in places.candidates.iter().filter(|c| places.pools[c.pool].spot.is_none()) {
        run = if last == Some(candidate.catalog_type) { run + 1 } else { 1 };
        last = Some(candidate.catalog_type);
        most = most.max(run);
    }
    policy.max_types.map(|k| k.saturating_mul(u32::try_from(most).unwrap_or(u32::MAX)))
}

/// Whether any rule names zones, so that these are told apart in the bound too.
fn exact_zones(input: &Input<'_>) -> bool {
    let everybody = input.workloads.iter().copied().chain(&input.set.daemon_sets);
    let names = |w: &Workload| {
        let rules = &w.pod.rules;
        let expressions = rules.node_affinity.iter().flat_map(|t| &t.expressions).map(|e| &e.key);
        rules.volumes.iter().any(|v| v.zone.is_some())
            || expressions.chain(rules.node_selector.keys()).any(|key| is_zone_key(key))
    };
    everybody.into_iter().any(names) || input.policy.pools.iter().any(|pool| !pool.zones.is_empty())
}

/// The workloads that ask for labels of a derived pool.
fn labelled(workloads: &[&Workload], places: &Places) -> Vec<usize> {
    let known = |key: &String| places.pools.iter().any(|p| p.labels.contains_key(key));
    let asks = |w: &&Workload| {
        let rules = &w.pod.rules;
        let expressions = rules.node_affinity.iter().flat_map(|t| &t.expressions).map(|e| &e.key);
        rules.node_selector.keys().chain(expressions).any(known)
    };
    (0..workloads.len()).filter(|&w| asks(&workloads[w])).collect()
}
