//! Pods that wait for a node get one before anything else: room on nodes that run, and new nodes for what
//! finds none.

use std::collections::BTreeMap;

use crate::plan::Plan;
use crate::problem::{BinTypeId, ItemTypeId};
use crate::units::{Money, Resources};

use super::check::{self, Flaw, Ground};
use super::exchange::place;
use super::fleet::{Content, Fleet, minus};
use super::search::largest_share;
use super::{Arrival, NodeId, Settings, Step};

/// The solver's work for pods that wait.
const WORK: u64 = 20_000_000;

/// The cluster once nobody waits who need not.
pub struct Arrived<'a> {
    /// Its nodes.
    pub fleet: Fleet<'a>,
    /// How it comes about, where anybody waits.
    pub step: Option<Step>,
    /// Bin types of the nodes that it adds.
    pub added: Vec<BinTypeId>,
}

/// Finds nodes for the pods that wait. Workloads that a rule between pods leaves no place go on waiting.
pub fn arrive<'a>(start: &Fleet<'a>, ground: &Ground<'_>, settings: &Settings<'_>) -> Arrived<'a> {
    let mut pool: Content = start.standing.waiting.iter().copied().collect();
    while !pool.is_empty() {
        let mut fleet = start.clone();
        let left = into_rooms(&mut fleet, &pool);
        if !place(&mut fleet, &left, WORK, settings) {
            // As many as there is room for; the others wait on.
            pool = minus(&pool, &left);
            continue;
        }
        let (step, added) = step(start, &fleet);
        match check::replay(ground, &added, std::slice::from_ref(&step)) {
            Ok(_) => return Arrived { fleet, step: Some(step), added },
            Err(Flaw::Rule(breach)) => {
                let items = &start.standing.legend.items;
                let of = |item: &ItemTypeId| &ground.set.workloads[items[item.index()].workloads[0].0].id;
                let before = pool.len();
                pool.retain(|item, _| *of(item) != breach.workload);
                if pool.len() == before {
                    // Somebody else's rule: no telling who is in the way.
                    break;
                }
            }
            Err(_) => break,
        }
    }
    Arrived { fleet: start.clone(), step: None, added: Vec::new() }
}

/// Fills room of nodes that run, the largest pods first, each on the fullest node that takes it; what is
/// left over.
fn into_rooms(fleet: &mut Fleet<'_>, pool: &Content) -> Content {
    let problem = fleet.problem();
    let mut rooms: Vec<Resources> = (0..fleet.nodes.len()).map(|n| fleet.room(n)).collect();
    let mut left = pool.clone();
    let whole = |n: usize, fleet: &Fleet<'_>| problem.bin(fleet.nodes[n].bin).capacity.clone();
    let Some(first) = fleet.there().next() else { return left };
    let scale = whole(first, fleet);
    let mut order: Vec<ItemTypeId> = pool.keys().copied().collect();
    order.sort_by_key(|&item| (std::cmp::Reverse(largest_share(&problem.item(item).demand, &scale)), item));
    for item in order {
        let demand = &problem.item(item).demand;
        while let Some(&pods) = left.get(&item) {
            let takes = |&n: &usize| {
                fleet.nodes[n].open
                    && demand.fits_in(&rooms[n])
                    && fleet.allowed(n, item, &fleet.nodes[n].content) > 0
            };
            let target =
                fleet.there().filter(takes).min_by_key(|&n| (largest_share(&rooms[n], &whole(n, fleet)), n));
            let Some(target) = target else { break };
            let allowed = fleet.allowed(target, item, &fleet.nodes[target].content);
            let n = demand.copies_in(&rooms[target]).min(pods).min(allowed);
            *fleet.nodes[target].content.entry(item).or_default() += n;
            for (free, &taken) in rooms[target].as_mut_slice().iter_mut().zip(demand.as_slice()) {
                *free -= taken * n;
            }
            left = minus(&left, &Content::from([(item, n)]));
        }
    }
    left
}

/// The step from one fleet to another that holds more.
fn step(start: &Fleet<'_>, end: &Fleet<'_>) -> (Step, Vec<BinTypeId>) {
    let running = start.nodes.len();
    let empty = Content::new();
    let mut arrivals = Vec::new();
    for (n, live) in end.nodes.iter().enumerate() {
        let before = start.nodes.get(n).map_or(&empty, |node| &node.content);
        let more = minus(&live.content, before);
        arrivals.extend(more.into_iter().map(|(item, pods)| Arrival { item, to: NodeId(n), pods }));
    }
    let added: Vec<BinTypeId> = end.nodes[running..].iter().map(|node| node.bin).collect();
    let cost: i128 = (running..end.nodes.len()).map(|n| end.rate(n)).sum();
    let step = Step {
        add: (running..end.nodes.len()).map(NodeId).collect(),
        remove: Vec::new(),
        arrivals,
        waves: Vec::new(),
        saving: Money::ZERO - Money::from_nanos(cost),
    };
    (step, added)
}

/// Pods that wait still after some steps.
pub fn waiting(start: &[(ItemTypeId, u64)], steps: &[Step]) -> Vec<(ItemTypeId, u64)> {
    let mut left: BTreeMap<ItemTypeId, u64> = start.iter().copied().collect();
    for arrival in steps.iter().flat_map(|step| &step.arrivals) {
        if let Some(pods) = left.get_mut(&arrival.item) {
            *pods = pods.saturating_sub(arrival.pods);
        }
    }
    left.into_iter().filter(|&(_, pods)| pods > 0).collect()
}

/// What nodes hold, as a plan.
pub fn as_plan(patterns: Vec<crate::plan::Pattern>) -> Plan {
    patterns.into_iter().map(|pattern| (pattern, 1)).collect()
}
