//! cluster-autoscaler's rule (`estimator/binpacking_estimator.go`, `expander/waste`): each step scales
//! up one node group, the one that wastes least of its cpu and memory on the pods that it would take.
//!
//! Every bin type that no cheaper one dominates counts as a node group. Pods go by their share of the
//! group's cpu plus its share of memory, descending, first fit into copies of its template.

use crate::plan::{Pattern, Plan};
use crate::problem::{BinTypeId, ItemTypeId, Problem};
use crate::units::Resources;

use super::yard::{Partners, add_to};
use super::{BaselineError, WORK_LIMIT, dimension, undominated};

/// The most nodes that one scale-up adds (`--max-nodes-per-scaleup`).
const MOST_NODES_PER_STEP: u64 = 1_000;

/// Scales up one node group after the other until nothing is pending.
pub fn pack(problem: &Problem) -> Result<Plan, BaselineError> {
    let groups = undominated(problem);
    let partners = Partners::new(problem);
    let resources = [dimension(problem, "cpu"), dimension(problem, "memory")];
    let mut pending: Vec<u64> = problem.items().iter().map(|i| i.copies).collect();
    let mut plan = Plan::new();
    let mut work = 0;
    while let Some(first) = pending.iter().position(|&n| n > 0) {
        let mut best: Option<(f64, Estimate)> = None;
        for &group in &groups {
            let estimate = estimate(problem, &partners, &pending, group, resources, &mut work);
            if work > WORK_LIMIT {
                return Err(BaselineError::WorkLimit(work));
            }
            let Some(estimate) = estimate else { continue };
            let waste = estimate.waste(problem, resources);
            // Groups come by rate, so that of two alike the cheaper one is taken.
            if best.as_ref().is_none_or(|(least, _)| waste < *least) {
                best = Some((waste, estimate));
            }
        }
        let Some((_, estimate)) = best else {
            return Err(BaselineError::Unplaceable(ItemTypeId(first as u32)));
        };
        for class in estimate.classes {
            for &(item, count) in &class.content {
                pending[item.index()] -= count * class.nodes;
            }
            plan.add(Pattern::new(estimate.group, class.content), class.nodes);
        }
    }
    Ok(plan)
}

/// Nodes of one group in a row that hold the same.
#[derive(Debug, Clone)]
struct Class {
    nodes: u64,
    free: Resources,
    content: Vec<(ItemTypeId, u64)>,
}

/// What scaling up one group would do.
struct Estimate {
    group: BinTypeId,
    classes: Vec<Class>,
}

impl Estimate {
    /// The shares of cpu and of memory that would stay empty, added.
    fn waste(&self, problem: &Problem, resources: [Option<usize>; 2]) -> f64 {
        let capacity = &problem.bin(self.group).capacity;
        let nodes: u64 = self.classes.iter().map(|c| c.nodes).sum();
        let share = |k: usize| {
            let empty: f64 = self.classes.iter().map(|c| c.free[k] as f64 * c.nodes as f64).sum();
            let total = capacity[k] as f64 * nodes as f64;
            if total > 0.0 { empty / total } else { 0.0 }
        };
        resources.into_iter().flatten().map(share).sum()
    }
}

/// First fit, decreasing, into copies of one group's template; `None` when no pending pod fits it.
fn estimate(
    problem: &Problem,
    partners: &Partners,
    pending: &[u64],
    group: BinTypeId,
    resources: [Option<usize>; 2],
    work: &mut u64,
) -> Option<Estimate> {
    let capacity = &problem.bin(group).capacity;
    let fits = |id: &ItemTypeId| {
        pending[id.index()] > 0
            && problem.item(*id).eligible.contains(group)
            && problem.item(*id).demand.fits_in(capacity)
    };
    let score = |id: &ItemTypeId| -> f64 {
        let share = |k: usize| problem.item(*id).demand[k] as f64 / capacity[k].max(1) as f64;
        resources.into_iter().flatten().map(share).sum()
    };
    let mut order: Vec<(f64, ItemTypeId)> =
        problem.item_ids().filter(fits).map(|id| (score(&id), id)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    if order.is_empty() {
        return None;
    }
    let mut classes: Vec<Class> = Vec::new();
    let mut nodes = 0;
    for (_, item) in order {
        let demand = &problem.item(item).demand;
        let mut left = pending[item.index()];
        let mut next: Vec<(usize, Class)> = Vec::new();
        for (place, class) in classes.iter_mut().enumerate() {
            if left == 0 {
                break;
            }
            *work += 1;
            if !demand.fits_in(&class.free) {
                continue;
            }
            let most = demand.copies_in(&class.free).min(partners.room(problem, &class.content, item));
            if most == 0 {
                continue;
            }
            let full = (left / most).min(class.nodes);
            let rest = if full < class.nodes { left - full * most } else { 0 };
            left -= full * most + rest;
            // Nodes of the class are filled one after the other: full ones, one partly, untouched ones.
            let untouched = class.nodes - full - u64::from(rest > 0);
            let parts = [(full, most), (u64::from(rest > 0), rest), (untouched, 0)];
            let before = class.clone();
            let mut parts = parts
                .into_iter()
                .filter(|&(n, _)| n > 0)
                .map(|(n, count)| before.with(problem, n, item, count));
            *class = parts.next().expect("a class has nodes");
            next.extend(parts.map(|part| (place + 1, part)));
        }
        // Later places first, so that earlier ones stay where they are.
        for (place, class) in next.into_iter().rev() {
            classes.insert(place, class);
        }
        let empty = Class { nodes: 0, free: capacity.clone(), content: Vec::new() };
        let most = demand.copies_in(capacity).min(problem.item(item).max_per_bin.unwrap_or(u64::MAX));
        for (count, most) in [(left / most, most), (u64::from(!left.is_multiple_of(most)), left % most)] {
            let count = count.min(MOST_NODES_PER_STEP - nodes);
            if count > 0 {
                classes.push(empty.with(problem, count, item, most));
                nodes += count;
            }
        }
    }
    Some(Estimate { group, classes })
}

impl Class {
    /// So many nodes like these with `count` more copies of `item` in each.
    fn with(&self, problem: &Problem, nodes: u64, item: ItemTypeId, count: u64) -> Class {
        let mut class = Class { nodes, ..self.clone() };
        if count > 0 {
            add_to(&mut class.content, item, count);
            let demand = problem.item(item).demand.as_slice();
            for (free, &amount) in class.free.as_mut_slice().iter_mut().zip(demand) {
                *free -= amount * count;
            }
        }
        class
    }
}
