//! Equal pods become one item type, across workloads; what fits nowhere is told apart.
//!
//! Workloads share a row when nothing in the problem can tell them apart: equal demand, equal types
//! that may hold them, and equal partners that they keep apart from. A cap per node counts the pods
//! of one workload only, so that capped workloads stay by themselves, except where all of them also
//! keep apart from each other: then at most one copy of the whole row lies on a node.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::catalog::Catalog;
use crate::problem::{BinSet, BinTypeId, ItemType, ItemTypeId};
use crate::units::Resources;
use crate::workload::Workload;

use super::apart::Apart;
use super::demand::PodDemand;
use super::labels::NodeMatcher;
use super::legend::{ItemMembers, Measure};
use super::nodes::Nodes;
use super::note::{Obstacle, ObstacleReason, Shortfall};

/// Workloads that nothing in the problem can tell apart.
#[derive(Debug)]
pub struct Shape {
    demand: Resources,
    eligible: BinSet,
    max_per_bin: Option<u64>,
    /// Workloads that no member shares a node with, ascending; the members themselves are in it when
    /// they keep apart from each other.
    others: Vec<u32>,
    /// Places of the workloads, by name.
    members: Vec<usize>,
    /// Copies of each member.
    copies: Vec<u64>,
    /// Whether any type can hold one copy.
    fits: bool,
}

/// What must be equal for two workloads to share a row.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    demand: Resources,
    /// Place in the list of distinct sets of types.
    eligible: usize,
    max_per_bin: Option<u64>,
    others: Vec<u32>,
    /// Set for a workload that must stay by itself.
    alone: Option<usize>,
}

/// Merges workloads into shapes, in an order that does not depend on the input's.
pub fn shapes<'a>(
    workloads: &[&'a Workload],
    demands: &[PodDemand],
    nodes: &Nodes,
    apart: &Apart,
    matcher: &mut NodeMatcher<'a>,
) -> Vec<Shape> {
    let mut sets: HashMap<Vec<bool>, usize> = HashMap::new();
    let mut distinct: Vec<BinSet> = Vec::new();
    let mut rows: HashMap<Key, Vec<usize>> = HashMap::new();
    for (w, workload) in workloads.iter().enumerate() {
        let mut types = matcher.matched(&workload.pod.rules).types.clone();
        for &daemon in apart.daemon_sets[w].keys() {
            types.iter_mut().zip(&nodes.daemon_sets[daemon]).for_each(|(t, &runs)| *t &= !runs);
        }
        let eligible = *sets.entry(types).or_insert_with_key(|types| {
            distinct.push(BinSet::new(types.clone()));
            distinct.len() - 1
        });
        let (max_per_bin, others, alone) = rules(w, workload, apart);
        let demand = vector(&demands[w], nodes);
        rows.entry(Key { demand, eligible, max_per_bin, others, alone }).or_default().push(w);
    }
    let mut shapes: Vec<Shape> = rows
        .into_iter()
        .map(|(key, mut members)| {
            members.sort_by(|&a, &b| (&workloads[a].id, a).cmp(&(&workloads[b].id, b)));
            let eligible = distinct[key.eligible].clone();
            let fits = nodes
                .bins
                .iter()
                .zip(eligible.as_slice())
                .any(|(bin, &may)| may && key.demand.fits_in(&bin.capacity));
            Shape {
                copies: members.iter().map(|&w| workloads[w].replicas).collect(),
                demand: key.demand,
                eligible,
                max_per_bin: key.max_per_bin,
                others: key.others,
                members,
                fits,
            }
        })
        .collect();
    shapes.sort_by(|a, b| {
        let name = |s: &Shape| &workloads[s.members[0]].id;
        let key = |s: &Shape| (Reverse(s.demand.clone()), s.max_per_bin);
        key(a).cmp(&key(b)).then_with(|| name(a).cmp(name(b)))
    });
    shapes
}

/// Cap per node, partners to keep apart from, and whether the workload must stay by itself.
fn rules(w: usize, workload: &Workload, apart: &Apart) -> (Option<u64>, Vec<u32>, Option<usize>) {
    let mut others = apart.others[w].clone();
    let cap = apart.max_per_node[w];
    if others.is_empty() {
        // A cap that the copies cannot reach says nothing.
        let cap = cap.filter(|&most| most < workload.replicas);
        return (cap, others, cap.map(|_| w));
    }
    if cap == Some(1) {
        let me = w as u32;
        if let Err(place) = others.binary_search(&me) {
            others.insert(place, me);
        }
        return (cap, others, None);
    }
    let cap = cap.filter(|&most| most < workload.replicas);
    (cap, others, cap.map(|_| w))
}

/// A pod's demand in the problem's dimensions.
fn vector(demand: &PodDemand, nodes: &Nodes) -> Resources {
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

/// The workloads that fit no type, in input order, each with what it lacks.
pub fn obstacles(
    shapes: &[Shape],
    workloads: &[&Workload],
    nodes: &Nodes,
    catalog: &Catalog,
    apart: &Apart,
    matcher: &mut NodeMatcher<'_>,
) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    for shape in shapes.iter().filter(|s| !s.fits) {
        let nearest = nearest(shape, nodes, catalog);
        for &w in &shape.members {
            let workload = workloads[w];
            let reason = nearest.clone().unwrap_or_else(|| {
                let mut rules = matcher.excluding(&workload.pod.rules);
                rules.extend(apart.daemon_sets[w].values().map(|rule| format!("{rule} of a DaemonSet")));
                ObstacleReason::RulesExcludeAll { rules }
            });
            obstacles.push(Obstacle {
                workload: w,
                id: workload.id.clone(),
                replicas: workload.replicas,
                reason,
            });
        }
    }
    obstacles.sort_by_key(|o| o.workload);
    obstacles
}

/// What the nearest type lacks: the one that lacks the fewest resources, and of the worst of them the
/// smallest share; the cheaper of two alike. `None` when the rules leave no type.
fn nearest(shape: &Shape, nodes: &Nodes, catalog: &Catalog) -> Option<ObstacleReason> {
    let lacks = |bin: usize| -> Vec<usize> {
        let capacity = nodes.bins[bin].capacity.as_slice();
        (0..capacity.len()).filter(|&k| shape.demand[k] > capacity[k]).collect()
    };
    // needed / available of the worst resource, in thousandths; a type without any is farthest.
    let worst = |bin: usize, lacking: &[usize]| -> u128 {
        let ratio = |&k: &usize| {
            let available = u128::from(nodes.bins[bin].capacity[k]);
            (u128::from(shape.demand[k]) * 1000).checked_div(available).unwrap_or(u128::MAX)
        };
        lacking.iter().map(ratio).max().unwrap_or(0)
    };
    let (bin, lacking) = (0..nodes.bins.len())
        .filter(|&bin| shape.eligible.contains(BinTypeId(bin as u32)))
        .map(|bin| (bin, lacks(bin)))
        .min_by_key(|(bin, lacking)| (lacking.len(), worst(*bin, lacking), nodes.bins[*bin].rate))?;
    let nearest = nodes.types[bin].catalog_type;
    let lacks = lacking
        .into_iter()
        .map(|k| Shortfall {
            resource: nodes.dimensions[k].resource.clone(),
            measure: nodes.dimensions[k].measure,
            needed: shape.demand[k],
            available: nodes.bins[bin].capacity[k],
        })
        .collect();
    Some(ObstacleReason::TooLarge { nearest, nearest_name: catalog.types[nearest].name.clone(), lacks })
}

/// Item types, pairs that never share a bin, and what each item type stands for.
pub type Items = (Vec<ItemType>, BTreeSet<(ItemTypeId, ItemTypeId)>, Vec<ItemMembers>);

/// Makes item types of the shapes that fit.
pub fn items(shapes: Vec<Shape>) -> Items {
    let shapes: Vec<Shape> = shapes.into_iter().filter(|s| s.fits).collect();
    let mut row_of: HashMap<u32, u32> = HashMap::new();
    for (row, shape) in (0u32..).zip(&shapes).filter(|(_, s)| !s.others.is_empty()) {
        row_of.extend(shape.members.iter().map(|&w| (w as u32, row)));
    }
    let mut conflicts = BTreeSet::new();
    for (row, shape) in (0u32..).zip(&shapes) {
        let rows: BTreeSet<u32> = shape.others.iter().filter_map(|w| row_of.get(w).copied()).collect();
        conflicts.extend(rows.into_iter().filter(|&r| r > row).map(|r| (ItemTypeId(row), ItemTypeId(r))));
    }
    let (items, members) = shapes
        .into_iter()
        .map(|shape| {
            // All replicas together fit in 64 bits, or `formulate` would have refused them.
            let copies = shape.copies.iter().sum();
            let item = ItemType {
                demand: shape.demand,
                copies,
                max_per_bin: shape.max_per_bin.filter(|&most| most < copies),
                eligible: shape.eligible,
            };
            let workloads = shape.members.into_iter().zip(shape.copies).collect();
            (item, ItemMembers { workloads, bundle: Vec::new() })
        })
        .unzip();
    (items, conflicts, members)
}
