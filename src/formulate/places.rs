//! Where nodes may stand: the candidates (instance type, node pool, zone) that a plan may buy, and the
//! labels and taints of each.
//!
//! Zones are told apart only where somebody asks for one. Without pools in the policy, whoever buys the
//! nodes sets the labels that pods ask for and no catalog tells: there is one pool for every combination
//! of such labels that pods can share, and one without any.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, Provider};
use crate::policy::{FailureScope, NodePool, Policy, PoolLimits, Taint};
use crate::units::ResourceName;
use crate::workload::{LabelExpression, LabelOperator, PlacementRules, Workload};

use super::labels::{is_known_key, is_undetermined, is_zone_key};
use super::legend::Pool;
use super::nodes::allowed_types;
use super::note::{FormulateError, Note};
use super::spot::{self, is_spot_label, spot_labels, spot_taint};

/// Something that a plan may buy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Index into the catalog's types.
    pub catalog_type: usize,
    /// Index into [`Places::pools`].
    pub pool: usize,
    /// Index into [`Places::zones`], where zones are told apart.
    pub zone: Option<usize>,
}

/// All candidates, and what they have in common.
#[derive(Debug, Clone)]
pub struct Places {
    /// By type in the catalog's order, then by pool, then by zone.
    pub candidates: Vec<Candidate>,
    /// The pools; at least one.
    pub pools: Vec<Pool>,
    /// Their limits.
    pub limits: Vec<PoolLimits>,
    /// The pool that each is a part of: a spot pool's is the one that it stands beside.
    pub whole: Vec<usize>,
    /// The zones; empty where they are not told apart.
    pub zones: Vec<String>,
    /// Whether labels were chosen from fewer combinations than pods could share.
    pub label_sets_restricted: bool,
    /// What a reader must know.
    pub notes: Vec<Note>,
}

/// Beyond this many combinations of labels, only those that single workloads name are offered.
const MOST_LABEL_SETS: usize = 24;

/// Makes the candidates for the workloads that run any pod.
///
/// # Errors
/// A filter that cannot be read, or no type left.
pub fn places(
    workloads: &[&Workload],
    daemon_sets: &[Workload],
    catalog: &Catalog,
    policy: &Policy,
) -> Result<Places, FormulateError> {
    let (allowed, mut notes) = allowed_types(catalog, policy)?;
    notes.extend(idle_patterns(catalog, policy)?);
    let rules = || workloads.iter().copied().chain(daemon_sets).map(|w| &w.pod.rules);
    let lost = policy.survive.is_some_and(|survive| survive.scope == FailureScope::Zone);
    let zones = if lost || policy.zones.len() == 1 || rules().any(asks_for_zones) {
        zone_names(workloads, catalog, policy)
    } else {
        Vec::new()
    };
    let mut label_sets_restricted = false;
    let derived: Vec<NodePool>;
    let pools = if policy.pools.is_empty() {
        let (sets, complete) = label_sets(workloads, catalog.provider);
        label_sets_restricted = !complete;
        derived = sets.into_iter().map(of_labels).collect();
        notes.extend(derived.iter().filter(|p| !p.labels.is_empty()).map(|p| {
            let asking = |w: &&&Workload| mentions(&w.pod.rules, &p.labels);
            Note::LabelsAssumed { labels: p.name.clone(), workloads: workloads.iter().filter(asking).count() }
        }));
        &derived
    } else {
        &policy.pools
    };
    let extended: BTreeSet<&String> = workloads
        .iter()
        .flat_map(|w| w.pod.requests.keys().chain(w.pod.limits.keys()))
        .filter_map(|resource| match resource {
            ResourceName::Extended(name) => Some(name),
            _ => None,
        })
        .collect();
    let mut candidates = Vec::new();
    let spot_terms = spot::terms(workloads.iter().copied());
    let spot_groups = spot_terms.map(|terms| spot::groups(catalog, &allowed, terms)).unwrap_or_default();
    let group_count = spot_terms.map_or(0, |terms| terms.groups);
    let filters = pools
        .iter()
        .map(|p| p.types.matcher().map_err(|e| FormulateError::Filter(e.to_string())))
        .collect::<Result<Vec<_>, _>>()?;
    for &catalog_type in &allowed {
        for (pool, filter) in filters.iter().enumerate() {
            let machine = &catalog.types[catalog_type];
            let named = policy.types.names_types() || pools[pool].types.names_types();
            let asked = || machine.extended.iter().any(|(name, &n)| n > 0 && extended.contains(name));
            let meant = named || policy.default_types.allow(machine, catalog) || asked();
            if !meant || !filter.matches(machine) {
                continue;
            }
            let in_pool = |zone: &String| pools[pool].zones.is_empty() || pools[pool].zones.contains(zone);
            let mut offer = |pool: usize| {
                if zones.is_empty() {
                    candidates.push(Candidate { catalog_type, pool, zone: None });
                }
                for zone in (0..zones.len()).filter(|&z| in_pool(&zones[z])) {
                    candidates.push(Candidate { catalog_type, pool, zone: Some(zone) });
                }
            };
            offer(pool);
            if let Some(&group) = spot_groups.get(&catalog_type) {
                // Spot pools stand behind all others, group by group for each.
                offer(pools.len() + pool * group_count as usize + group as usize);
            }
        }
        // By pool, then by zone.
        let of_type = candidates.partition_point(|c: &Candidate| c.catalog_type < catalog_type);
        candidates[of_type..].sort_by_key(|c| (c.pool, c.zone));
    }
    if candidates.is_empty() {
        return Err(FormulateError::NoTypes(catalog.types.len()));
    }
    let base = |pool: usize| match pool.checked_sub(pools.len()) {
        None => pool,
        Some(spot) => spot / group_count.max(1) as usize,
    };
    for (i, pool) in pools.iter().enumerate() {
        let count = candidates.iter().filter(|c| base(c.pool) == i).count();
        if count == 0 {
            notes.push(Note::PoolWithoutTypes { pool: pool.name.clone() });
        }
    }
    let legend = |p: &NodePool| Pool {
        name: p.name.clone(),
        labels: p.labels.clone(),
        taints: p.taints.clone(),
        spot: None,
    };
    let on_spot = |p: &NodePool, group: u32| {
        let mut name = if p.name.is_empty() { "spot".to_owned() } else { format!("{}-spot", p.name) };
        if group_count > 1 {
            name += &format!("-{}", group + 1);
        }
        let mut pool = Pool { name, spot: Some(group), ..legend(p) };
        pool.labels.extend(spot_labels(catalog.provider));
        pool.taints.push(spot_taint(catalog.provider));
        pool
    };
    let spot_pools = || pools.iter().flat_map(|p| (0..group_count).map(move |group| (p, group)));
    Ok(Places {
        candidates,
        pools: pools.iter().map(legend).chain(spot_pools().map(|(p, g)| on_spot(p, g))).collect(),
        limits: pools.iter().map(|p| p.limits).chain(spot_pools().map(|(p, _)| p.limits)).collect(),
        whole: (0..pools.len() * (1 + group_count as usize)).map(base).collect(),
        zones,
        label_sets_restricted,
        notes,
    })
}

/// Patterns of the policy and its pools that match nothing.
fn idle_patterns(catalog: &Catalog, policy: &Policy) -> Result<Option<Note>, FormulateError> {
    let mut patterns: Vec<String> = Vec::new();
    for filter in policy.pools.iter().map(|pool| &pool.types).chain([&policy.types]) {
        let idle = filter.idle_globs(&catalog.types).map_err(|e| FormulateError::Filter(e.to_string()))?;
        patterns.extend(idle.into_iter().map(str::to_owned));
    }
    patterns.sort();
    patterns.dedup();
    Ok((!patterns.is_empty()).then_some(Note::NothingMatches { patterns }))
}

impl Places {
    /// The same without rules over zones: candidates of one zone stand for all.
    pub fn without_zones(&self) -> Places {
        let mut candidates: Vec<Candidate> =
            self.candidates.iter().map(|&c| Candidate { zone: None, ..c }).collect();
        candidates.dedup();
        Places { candidates, zones: Vec::new(), notes: Vec::new(), ..self.clone() }
    }

    /// The same with nodes that carry every label that pods may ask for.
    pub fn without_label_sets(&self) -> Places {
        let spot = self.pools.iter().find(|pool| pool.spot.is_some());
        let merged = |c: &Candidate| usize::from(self.pools[c.pool].spot.is_some());
        let mut candidates: Vec<Candidate> =
            self.candidates.iter().map(|&c| Candidate { pool: merged(&c), ..c }).collect();
        candidates.sort_by_key(|c| (c.catalog_type, c.pool, c.zone));
        candidates.dedup();
        // Of a spot pool's labels, all but those that say so may be asked for.
        let spot = spot.map(|pool| {
            let mut pool = pool.clone();
            pool.labels.retain(|key, _| is_spot_label(key));
            pool.taints.retain(|taint| is_spot_label(&taint.key));
            pool
        });
        let pools: Vec<Pool> = [Pool::default()].into_iter().chain(spot).collect();
        Places {
            candidates,
            limits: vec![PoolLimits::default(); pools.len()],
            whole: (0..pools.len()).collect(),
            pools,
            notes: Vec::new(),
            ..self.clone()
        }
    }

    /// The taints of a candidate's pool that keep a pod with these rules off.
    pub fn repelling<'a>(
        &'a self,
        pool: usize,
        rules: &'a PlacementRules,
    ) -> impl Iterator<Item = &'a Taint> + 'a {
        self.pools[pool].taints.iter().filter(|taint| taint.keeps_off(&rules.tolerations))
    }
}

/// Whether a rule needs to know which zone a node stands in.
fn asks_for_zones(rules: &PlacementRules) -> bool {
    let near = rules.pod_affinity.iter().chain(&rules.pod_anti_affinity).map(|t| &t.topology_key);
    let spread = rules.topology_spread.iter().map(|s| &s.topology_key);
    let expressions = rules.node_affinity.iter().flat_map(|t| &t.expressions).map(|e| &e.key);
    rules.volumes.iter().any(|v| v.zone.is_some())
        || near.chain(spread).chain(expressions).chain(rules.node_selector.keys()).any(|k| is_zone_key(k))
}

/// The policy's zones; else those of the region that workloads name, filled up to three.
fn zone_names(workloads: &[&Workload], catalog: &Catalog, policy: &Policy) -> Vec<String> {
    if !policy.zones.is_empty() {
        return policy.zones.clone();
    }
    let region = &catalog.region;
    let mut names = BTreeSet::new();
    for rules in workloads.iter().map(|w| &w.pod.rules) {
        names.extend(rules.volumes.iter().filter_map(|v| v.zone.clone()));
        names.extend(rules.node_selector.iter().filter(|(k, _)| is_zone_key(k)).map(|(_, v)| v.clone()));
        for e in rules.node_affinity.iter().flat_map(|t| &t.expressions).filter(|e| is_zone_key(&e.key)) {
            names.extend(e.values.iter().cloned());
        }
    }
    names.retain(|name| name.starts_with(region.as_str()));
    // The letters that regions usually start with; Azure numbers its zones.
    let usual = match catalog.provider {
        Provider::Aws | Provider::Other => ["a", "b", "c"].map(|z| format!("{region}{z}")),
        Provider::Gcp => ["a", "b", "c"].map(|z| format!("{region}-{z}")),
        Provider::Azure => ["1", "2", "3"].map(|z| format!("{region}-{z}")),
    };
    for name in usual {
        if names.len() < 3 {
            names.insert(name);
        }
    }
    names.into_iter().collect()
}

fn of_labels(labels: BTreeMap<String, String>) -> NodePool {
    let name: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    NodePool { name: name.join(","), labels, ..NodePool::default() }
}

/// Whether rules name any of these labels.
fn mentions(rules: &PlacementRules, labels: &BTreeMap<String, String>) -> bool {
    let expressions = rules.node_affinity.iter().flat_map(|t| &t.expressions).map(|e| &e.key);
    rules.node_selector.keys().chain(expressions).any(|key| labels.contains_key(key))
}

type LabelSet = BTreeMap<String, String>;

/// The combinations of labels beyond those that catalogs tell, so that every workload finds nodes that
/// carry what it asks for; closed under what pods may share a node with, if that is not too much.
/// The empty combination comes first.
fn label_sets(workloads: &[&Workload], provider: Provider) -> (Vec<LabelSet>, bool) {
    let mut named: BTreeSet<LabelSet> = BTreeSet::from([LabelSet::new()]);
    let mut complete = true;
    let mut seen: BTreeSet<Vec<LabelSet>> = BTreeSet::new();
    for workload in workloads {
        let (sets, all) = asked(&workload.pod.rules, provider);
        complete &= all;
        if seen.insert(sets.clone()) {
            named.extend(sets);
        }
    }
    let mut closed = named.clone();
    loop {
        let mut more = BTreeSet::new();
        for a in &closed {
            for b in &named {
                more.extend(union(a, b).filter(|u| !closed.contains(u)));
            }
        }
        if more.is_empty() {
            return (closed.into_iter().collect(), complete);
        }
        if closed.len() + more.len() > MOST_LABEL_SETS.max(named.len()) {
            return (named.into_iter().collect(), false);
        }
        closed.extend(more);
    }
}

/// Both together, unless they name one label with two values.
fn union(a: &LabelSet, b: &LabelSet) -> Option<LabelSet> {
    if b.iter().any(|(k, v)| a.get(k).is_some_and(|other| other != v)) {
        return None;
    }
    Some(a.iter().chain(b).map(|(k, v)| (k.clone(), v.clone())).collect())
}

/// The smallest sets of unknown labels that satisfy node rules, and whether these are all.
fn asked(rules: &PlacementRules, provider: Provider) -> (Vec<LabelSet>, bool) {
    const MOST: usize = 8;
    let unknown = |key: &str| !is_known_key(key, provider) && !is_undetermined(key, provider);
    let selector: LabelSet =
        rules.node_selector.iter().filter(|(k, _)| unknown(k)).map(|(k, v)| (k.clone(), v.clone())).collect();
    if rules.node_affinity.is_empty() {
        return (vec![selector], true);
    }
    let mut found = Vec::new();
    let mut all = true;
    for term in &rules.node_affinity {
        let mut sets = vec![selector.clone()];
        for expression in term.expressions.iter().filter(|e| unknown(&e.key)) {
            let values = values(expression);
            if values.is_empty() {
                continue;
            }
            let with = |set: &LabelSet, value: &String| {
                union(set, &LabelSet::from([(expression.key.clone(), value.clone())]))
            };
            sets = sets.iter().flat_map(|set| values.iter().filter_map(|v| with(set, v))).collect();
            all &= sets.len() <= MOST;
            sets.truncate(MOST);
        }
        found.extend(sets);
    }
    all &= found.len() <= MOST;
    found.truncate(MOST);
    (found, all)
}

/// Values of a label that an expression asks for; none where a bare node satisfies it.
fn values(expression: &LabelExpression) -> Vec<String> {
    let number = |step: i64| {
        let value = expression.values.first().and_then(|v| v.parse::<i64>().ok());
        value.and_then(|v| v.checked_add(step)).map(|v| v.to_string()).into_iter().collect()
    };
    match expression.operator {
        LabelOperator::In => expression.values.clone(),
        LabelOperator::Exists => vec!["true".to_owned()],
        LabelOperator::Gt => number(1),
        LabelOperator::Lt => number(-1),
        LabelOperator::NotIn | LabelOperator::DoesNotExist => Vec::new(),
    }
}
