//! Equal copies become one item type, across workloads; what fits nowhere is told apart.
//!
//! Copies share a row when nothing in the problem can tell them apart: equal demand, equal types
//! that may hold them, and equal partners that they keep apart from. A cap per node counts the pods
//! of one workload only, so that capped workloads stay by themselves, except where all of them also
//! keep apart from each other: then at most one copy of the whole row lies on a node. For plans that
//! keep workloads whole, workloads stay apart in any case.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalog::Catalog;
use crate::problem::{BinSet, BinTypeId, ItemType, ItemTypeId};
use crate::units::Resources;
use crate::workload::Workload;

use super::demand::PodDemand;
use super::legend::{ItemMembers, Measure};
use super::nodes::Nodes;
use super::note::{Obstacle, ObstacleReason, Shortfall};
use super::together::Unit;
use super::zones::Portion;

/// The rules that a row is made by; all lists by workload.
pub struct Rules<'a> {
    /// The workloads that run any pod.
    pub workloads: &'a [&'a Workload],
    /// What one pod of each takes.
    pub demands: &'a [PodDemand],
    /// The candidates that may hold a pod of each.
    pub eligible: &'a [BinSet],
    /// The most pods of each that a node may hold.
    pub caps: &'a [Option<u64>],
    /// The workloads that each must not share a node with, ascending, never itself.
    pub others: &'a [Vec<u32>],
    /// Whether equal copies of different workloads stay apart, so that each workload can be found again.
    pub by_workload: bool,
}

/// Copies that nothing in the problem can tell apart.
#[derive(Debug)]
pub struct Row {
    demand: Resources,
    eligible: BinSet,
    max_per_bin: Option<u64>,
    /// Workloads that no member shares a node with, ascending; the members themselves are in it when
    /// they keep apart from each other.
    others: Vec<u32>,
    /// By the names of their workloads.
    members: Vec<Portion>,
    /// Whether any type can hold one copy.
    fits: bool,
}

/// What must be equal for two portions to share a row.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    demand: Resources,
    eligible: BinSet,
    max_per_bin: Option<u64>,
    others: Vec<u32>,
    /// Set for a portion that must stay by itself.
    alone: Option<usize>,
    /// Set where workloads stay apart.
    workload: Option<usize>,
}

/// What one copy of a unit takes, in the problem's dimensions.
pub fn demand(unit: &Unit, demands: &[PodDemand], nodes: &Nodes) -> Resources {
    let pods = |w: usize| -> Vec<u64> { vector(&demands[w], nodes) };
    let mut sum = vec![0u64; nodes.dimensions.len()];
    for &(w, count) in &unit.pods {
        for (sum, amount) in sum.iter_mut().zip(pods(w)) {
            *sum = sum.saturating_add(amount.saturating_mul(count));
        }
    }
    sum.into_iter().collect()
}

/// The candidates that may hold a copy of a unit.
pub fn eligible(unit: &Unit, eligible: &[BinSet]) -> BinSet {
    match unit.pods.as_slice() {
        [(w, _)] => eligible[*w].clone(),
        pods => {
            let mut flags = vec![true; eligible.first().map_or(0, |set| set.as_slice().len())];
            for &(w, _) in pods {
                flags.iter_mut().zip(eligible[w].as_slice()).for_each(|(flag, &may)| *flag &= may);
            }
            BinSet::new(flags)
        }
    }
}

/// Merges portions into rows, in an order that does not depend on the input's.
pub fn rows(portions: Vec<Portion>, rules: &Rules<'_>, nodes: &Nodes) -> Vec<Row> {
    // Equal sets share their memory.
    let mut distinct: HashMap<BinSet, BinSet> = HashMap::new();
    let mut merged: HashMap<Key, Vec<Portion>> = HashMap::new();
    for (place, portion) in portions.into_iter().enumerate() {
        let unit = &portion.unit;
        let mut set = eligible(unit, rules.eligible);
        if let Some(zone) = portion.zone {
            let candidates = nodes.places.candidates.iter().zip(set.as_slice());
            set = BinSet::new(candidates.map(|(c, &may)| may && c.zone.is_none_or(|z| z == zone)).collect());
        }
        let set = distinct.entry(set.clone()).or_insert(set);
        let (max_per_bin, others, alone) = keeping(unit, rules);
        let key = Key {
            demand: demand(unit, rules.demands, nodes),
            eligible: set.clone(),
            max_per_bin,
            others,
            alone: alone.then_some(place),
            workload: rules.by_workload.then(|| unit.pods[0].0),
        };
        merged.entry(key).or_default().push(portion);
    }
    let name = |portion: &Portion| -> (&Workload, usize) {
        let w = portion.unit.pods[0].0;
        (rules.workloads[w], w)
    };
    let by_name = |a: &Portion, b: &Portion| {
        let ((a, i), (b, j)) = (name(a), name(b));
        (&a.id, i).cmp(&(&b.id, j))
    };
    let mut rows: Vec<Row> = merged
        .into_iter()
        .map(|(key, mut members)| {
            members.sort_by(|a, b| {
                by_name(a, b).then(a.zone.cmp(&b.zone)).then(a.unit.copies.cmp(&b.unit.copies))
            });
            // More pods that lie together than one node may hold fit nowhere.
            let fits = key.max_per_bin != Some(0)
                && nodes
                    .bins
                    .iter()
                    .zip(key.eligible.as_slice())
                    .any(|(bin, &may)| may && key.demand.fits_in(&bin.capacity));
            Row {
                demand: key.demand,
                eligible: key.eligible,
                max_per_bin: key.max_per_bin,
                others: key.others,
                members,
                fits,
            }
        })
        .collect();
    rows.sort_by(|a, b| {
        let key = |row: &Row| (Reverse(row.demand.clone()), row.max_per_bin);
        let first = |row: &Row| row.members[0].zone;
        key(a)
            .cmp(&key(b))
            .then_with(|| name(&a.members[0]).0.id.cmp(&name(&b.members[0]).0.id))
            .then_with(|| first(a).cmp(&first(b)))
            .then_with(|| a.members[0].unit.pods.cmp(&b.members[0].unit.pods))
    });
    rows
}

/// Cap per node, partners to keep apart from, and whether the portion must stay by itself.
fn keeping(unit: &Unit, rules: &Rules<'_>) -> (Option<u64>, Vec<u32>, bool) {
    if let [(w, 1)] = unit.pods[..] {
        let mut others = rules.others[w].clone();
        let cap = rules.caps[w];
        if cap == Some(1) && !others.is_empty() {
            let me = w as u32;
            if let Err(place) = others.binary_search(&me) {
                others.insert(place, me);
            }
            return (cap, others, false);
        }
        // A cap that the copies cannot reach says nothing, unless others of the workload count too.
        let cap = cap.filter(|&most| most < rules.workloads[w].replicas);
        return (cap, others, cap.is_some());
    }
    let caps = unit.pods.iter().filter_map(|&(w, pods)| Some(rules.caps[w]? / pods));
    let mut others: Vec<u32> = unit.pods.iter().flat_map(|&(w, _)| &rules.others[w]).copied().collect();
    others.sort_unstable();
    others.dedup();
    (caps.min(), others, true)
}

/// A pod's demand in the problem's dimensions.
pub fn vector(demand: &PodDemand, nodes: &Nodes) -> Vec<u64> {
    nodes
        .dimensions
        .iter()
        .map(|d| {
            let amounts = match d.measure {
                Measure::Demand => &demand.demand,
                Measure::Limits { .. } => &demand.limits,
            };
            amounts.get(&d.resource).copied().unwrap_or(0)
        })
        .collect()
}

/// The workloads whose pods fit no type, each with what they lack; `excluding` names the rules that
/// leave a workload no type.
pub fn obstacles(
    rows: &[Row],
    workloads: &[&Workload],
    nodes: &Nodes,
    catalog: &Catalog,
    mut excluding: impl FnMut(usize) -> Vec<String>,
) -> Vec<Obstacle> {
    let mut obstacles: BTreeMap<usize, Obstacle> = BTreeMap::new();
    for row in rows.iter().filter(|r| !r.fits) {
        let nearest = if row.max_per_bin == Some(0) {
            let rule = "required pod affinity over nodes beside a spread over nodes".to_owned();
            Some(ObstacleReason::PodRules { rule })
        } else {
            nearest(row, nodes, catalog)
        };
        for portion in &row.members {
            for &(w, pods) in &portion.unit.pods {
                let replicas = pods * portion.unit.copies;
                let mut reason = || {
                    nearest.clone().unwrap_or_else(|| ObstacleReason::RulesExcludeAll { rules: excluding(w) })
                };
                match obstacles.entry(w) {
                    std::collections::btree_map::Entry::Occupied(mut known) => {
                        known.get_mut().replicas += replicas;
                    }
                    std::collections::btree_map::Entry::Vacant(entry) => {
                        let id = workloads[w].id.clone();
                        entry.insert(Obstacle { workload: w, id, replicas, reason: reason() });
                    }
                }
            }
        }
    }
    obstacles.into_values().collect()
}

/// What the nearest type lacks: the one that lacks the fewest resources, and of the worst of them the
/// smallest share; the cheaper of two alike. `None` when the rules leave no type.
fn nearest(row: &Row, nodes: &Nodes, catalog: &Catalog) -> Option<ObstacleReason> {
    let lacks = |bin: usize| -> Vec<usize> {
        let capacity = nodes.bins[bin].capacity.as_slice();
        (0..capacity.len()).filter(|&k| row.demand[k] > capacity[k]).collect()
    };
    // needed / available of the worst resource, in thousandths; a type without any is farthest.
    let worst = |bin: usize, lacking: &[usize]| -> u128 {
        let ratio = |&k: &usize| {
            let available = u128::from(nodes.bins[bin].capacity[k]);
            (u128::from(row.demand[k]) * 1000).checked_div(available).unwrap_or(u128::MAX)
        };
        lacking.iter().map(ratio).max().unwrap_or(0)
    };
    let (bin, lacking) = (0..nodes.bins.len())
        .filter(|&bin| row.eligible.contains(BinTypeId(bin as u32)))
        .map(|bin| (bin, lacks(bin)))
        .min_by_key(|(bin, lacking)| (lacking.len(), worst(*bin, lacking), nodes.bins[*bin].rate))?;
    let nearest = nodes.types[bin].catalog_type;
    let lacks = lacking
        .into_iter()
        .map(|k| Shortfall {
            resource: nodes.dimensions[k].resource.clone(),
            measure: nodes.dimensions[k].measure,
            needed: row.demand[k],
            available: nodes.bins[bin].capacity[k],
        })
        .collect();
    Some(ObstacleReason::TooLarge { nearest, nearest_name: catalog.types[nearest].name.clone(), lacks })
}

/// Item types, pairs that never share a bin, and what each item type stands for.
pub type Items = (Vec<ItemType>, BTreeSet<(ItemTypeId, ItemTypeId)>, Vec<ItemMembers>);

/// Makes item types of the rows that fit.
pub fn items(rows: Vec<Row>, caps: &[Option<u64>]) -> Items {
    let rows: Vec<Row> = rows.into_iter().filter(|r| r.fits).collect();
    let mut rows_of: HashMap<u32, Vec<u32>> = HashMap::new();
    for (place, row) in (0u32..).zip(&rows) {
        for w in row.members.iter().flat_map(|p| &p.unit.pods).map(|&(w, _)| w as u32) {
            let places = rows_of.entry(w).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }
    let meet = |a: u32, b: u32| {
        let (a, b) = (rows[a as usize].eligible.as_slice(), rows[b as usize].eligible.as_slice());
        a.iter().zip(b).any(|(&a, &b)| a && b)
    };
    let mut conflicts = BTreeSet::new();
    for (place, row) in (0u32..).zip(&rows) {
        let others = row.others.iter().filter_map(|w| rows_of.get(w)).flatten();
        let later: BTreeSet<u32> = others.copied().filter(|&r| r > place).collect();
        conflicts.extend(later.into_iter().map(|r| (ItemTypeId(place), ItemTypeId(r))));
    }
    // The cap of a workload counts its pods in every row.
    for (_, places) in rows_of.iter().filter(|(w, _)| caps[**w as usize].is_some()) {
        for (i, &a) in places.iter().enumerate() {
            let later = places[i + 1..].iter().filter(|&&b| meet(a, b));
            conflicts.extend(later.map(|&b| (ItemTypeId(a), ItemTypeId(b))));
        }
    }
    let (items, members) = rows
        .into_iter()
        .map(|row| {
            // All replicas together fit in 64 bits, or `formulate` would have refused them.
            let copies = row.members.iter().map(|p| p.unit.copies).sum();
            let bundle = match row.members.as_slice() {
                [one] if one.unit.pods.len() > 1 || one.unit.pods[0].1 > 1 => one.unit.pods.clone(),
                _ => Vec::new(),
            };
            let mut workloads: Vec<(usize, u64)> = Vec::new();
            for portion in &row.members {
                for &(w, pods) in &portion.unit.pods {
                    match workloads.last_mut() {
                        Some((last, sum)) if *last == w => *sum += pods * portion.unit.copies,
                        _ => workloads.push((w, pods * portion.unit.copies)),
                    }
                }
            }
            let item = ItemType {
                demand: row.demand,
                copies,
                max_per_bin: row.max_per_bin.filter(|&most| most < copies),
                eligible: row.eligible,
            };
            (item, ItemMembers { workloads, bundle })
        })
        .unzip();
    (items, conflicts, members)
}
