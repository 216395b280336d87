//! Which nodes to give up together: single ones whose pods find room elsewhere, then groups that grow,
//! those that waste most first, and all of them where they are not too many.

use std::collections::BTreeMap;

use crate::problem::{BinTypeId, ItemTypeId};
use crate::solver::control::Effort;
use crate::units::Resources;

use super::exchange::exchange;
use super::fleet::{Content, Fleet, overlap};
use super::{Settings, least_saving};

/// The most nodes that are given up together.
const TOGETHER: usize = 160;
/// Sizes of the groups that are tried.
const SIZES: [usize; 8] = [1, 2, 3, 5, 8, 16, 40, 100];

/// How much is tried: groups in all, and the solver's work for a group of few nodes and for all nodes.
struct Patience {
    groups: usize,
    small: u64,
    large: u64,
}

impl Patience {
    fn of(effort: Effort) -> Self {
        match effort {
            Effort::Quick => Patience { groups: 16, small: 1_000_000, large: 10_000_000 },
            Effort::Normal => Patience { groups: 60, small: 3_000_000, large: 60_000_000 },
            Effort::Thorough => Patience { groups: 300, small: 10_000_000, large: 600_000_000 },
        }
    }
}

/// The cheapest fleet found for the same pods.
pub fn search<'a>(start: &Fleet<'a>, settings: &Settings<'_>) -> Fleet<'a> {
    let worth = worth(start);
    let patience = Patience::of(settings.effort);
    let least = least_saving(settings);
    let step_by_step = improve(start.clone(), &worth, &patience, settings);
    let mut best = step_by_step;
    // From the other end: everything anew, as far as that is one problem.
    for from in [start.clone(), best.clone()] {
        if settings.over() {
            break;
        }
        let mut anew = from;
        let all: Vec<usize> = wasteful_first(&anew, &worth, true).into_iter().take(TOGETHER).collect();
        if exchange(&mut anew, &all, least, patience.large, settings) {
            let anew = improve(anew, &worth, &Patience { groups: patience.groups / 4, ..patience }, settings);
            if best.cost() - anew.cost() >= least {
                best = anew;
            }
        }
    }
    let mut settled = best.clone();
    settle(start, &mut settled);
    // Nodes that trade places may count in other pools.
    if settled.keeps_limits() { settled } else { best }
}

/// Drains what can be drained, then gives up groups as long as that saves enough.
fn improve<'a>(
    mut fleet: Fleet<'a>,
    worth: &[u64],
    patience: &Patience,
    settings: &Settings<'_>,
) -> Fleet<'a> {
    let least = least_saving(settings);
    drain(&mut fleet, worth, least);
    let mut left = patience.groups;
    let mut random = fastrand::Rng::with_seed(settings.seed ^ 0x6d69_6772);
    let nodes = fleet.there().count();
    let sizes: Vec<usize> = SIZES.into_iter().filter(|&size| size <= nodes).collect();
    let share = patience.groups / sizes.len().max(1);
    for size in sizes {
        let mut tries = share.min(left).max(1);
        let mut from = 0;
        while tries > 0 && left > 0 {
            let order = wasteful_first(&fleet, worth, false);
            if order.len() < size {
                break;
            }
            // The worst together, then the next worst; after one round, any.
            let chosen: Vec<usize> = if from + size <= order.len() {
                order[from..from + size].to_vec()
            } else if size > 1 {
                let mut any = order.clone();
                random.shuffle(&mut any);
                any.truncate(size);
                any
            } else {
                break;
            };
            (tries, left) = (tries - 1, left - 1);
            if exchange(&mut fleet, &chosen, least, patience.small * size as u64, settings) {
                from = 0;
            } else {
                from += size;
            }
            if settings.over() {
                return fleet;
            }
        }
    }
    drain(&mut fleet, worth, least);
    fleet
}

/// What one pod of each kind costs an hour where it is bought best, in nano-dollars: its largest share
/// of a node, at that node's rate.
fn worth(fleet: &Fleet<'_>) -> Vec<u64> {
    let problem = fleet.problem();
    let cost = |item: ItemTypeId, bin: BinTypeId| -> u64 {
        let (demand, it) = (&problem.item(item).demand, problem.bin(bin));
        let shares = demand.as_slice().iter().zip(it.capacity.as_slice()).filter(|&(&d, _)| d > 0);
        let most = shares.map(|(&d, &all)| match all {
            0 => u64::MAX,
            _ => u64::try_from(u128::from(it.rate.nanos()) * u128::from(d) / u128::from(all))
                .unwrap_or(u64::MAX),
        });
        most.max().unwrap_or(0)
    };
    let best = |item: ItemTypeId| {
        let eligible = &problem.item(item).eligible;
        let bins = problem.bin_ids().take(fleet.standing.buyable()).filter(|&bin| eligible.contains(bin));
        bins.map(|bin| cost(item, bin)).min().unwrap_or(0)
    };
    problem.item_ids().map(best).collect()
}

/// Nodes by what they cost beyond what their pods are worth, most first.
fn wasteful_first(fleet: &Fleet<'_>, worth: &[u64], held_too: bool) -> Vec<usize> {
    let waste = |node: usize| {
        let content = fleet.nodes[node].content.iter();
        let value: i128 = content.map(|(&item, &n)| i128::from(worth[item.index()]) * i128::from(n)).sum();
        fleet.rate(node) - value
    };
    let mut order: Vec<(i128, usize)> = fleet
        .there()
        .filter(|&n| held_too || fleet.nodes[n].held.is_empty())
        .map(|n| (waste(n), n))
        .collect();
    order.sort_by_key(|&(waste, node)| (std::cmp::Reverse(waste), node));
    order.into_iter().map(|(_, node)| node).collect()
}

/// Removes every node whose pods find room on the others.
fn drain(fleet: &mut Fleet<'_>, worth: &[u64], least: i128) {
    let mut rooms: Vec<Resources> = (0..fleet.nodes.len()).map(|n| fleet.room(n)).collect();
    // Most nodes of a large cluster have no room for anything.
    let smallest = smallest(fleet);
    let takes =
        |fleet: &Fleet<'_>, rooms: &[Resources], n: usize| fleet.nodes[n].open && smallest.fits_in(&rooms[n]);
    let mut roomy: Vec<usize> = fleet.there().filter(|&n| takes(fleet, &rooms, n)).collect();
    for (tried, node) in wasteful_first(fleet, worth, false).into_iter().enumerate() {
        if fleet.rate(node) < least {
            continue;
        }
        if tried % 64 == 0 {
            roomy.retain(|&n| fleet.nodes[n].there && takes(fleet, &rooms, n));
        }
        let Some(changes) = elsewhere(fleet, node, &rooms, &roomy) else { continue };
        for (target, (content, room)) in changes {
            fleet.nodes[target].content = content;
            rooms[target] = room;
        }
        let live = &mut fleet.nodes[node];
        live.there = false;
        live.content.clear();
    }
}

/// The least that any kind of pod takes, dimension by dimension.
fn smallest(fleet: &Fleet<'_>) -> Resources {
    let mut items = fleet.problem().items().iter().map(|item| &item.demand);
    let mut least = match items.next() {
        Some(first) => first.clone(),
        None => return Resources::zero(fleet.problem().dimensions().len()),
    };
    for demand in items {
        least.as_mut_slice().iter_mut().zip(demand.as_slice()).for_each(|(l, &d)| *l = (*l).min(d));
    }
    least
}

/// The largest share of what a node has, in parts per million.
pub fn largest_share(amounts: &Resources, whole: &Resources) -> u64 {
    let shares = amounts.as_slice().iter().zip(whole.as_slice());
    let parts = shares.map(|(&a, &all)| (u128::from(a) * 1_000_000 / u128::from(all.max(1))) as u64);
    parts.max().unwrap_or(0)
}

/// Where the pods of a node would find room, the largest first, each on the fullest of some nodes that
/// takes it: what those nodes would hold and still offer.
fn elsewhere(
    fleet: &Fleet<'_>,
    node: usize,
    rooms: &[Resources],
    targets: &[usize],
) -> Option<BTreeMap<usize, (Content, Resources)>> {
    let problem = fleet.problem();
    let whole = &problem.bin(fleet.nodes[node].bin).capacity;
    let share = |amounts: &Resources| largest_share(amounts, whole);
    let mut changes: BTreeMap<usize, (Content, Resources)> = BTreeMap::new();
    let mut pods: Vec<(ItemTypeId, u64)> = fleet.nodes[node].content.iter().map(|(&i, &n)| (i, n)).collect();
    pods.sort_by_key(|&(item, _)| (std::cmp::Reverse(share(&problem.item(item).demand)), item));
    for (item, mut left) in pods {
        let demand = &problem.item(item).demand;
        while left > 0 {
            let now = |n: usize| match changes.get(&n) {
                Some((content, room)) => (content, room),
                None => (&fleet.nodes[n].content, &rooms[n]),
            };
            let takes = |&n: &usize| {
                let (content, room) = now(n);
                n != node
                    && fleet.nodes[n].there
                    && fleet.nodes[n].open
                    && demand.fits_in(room)
                    && fleet.allowed(n, item, content) > 0
            };
            let target = targets.iter().copied().filter(takes).min_by_key(|&n| (share(now(n).1), n))?;
            let (content, room) = now(target);
            let n = demand.copies_in(room).min(left).min(fleet.allowed(target, item, content));
            let (mut content, mut room) = (content.clone(), room.clone());
            *content.entry(item).or_default() += n;
            for (free, &taken) in room.as_mut_slice().iter_mut().zip(demand.as_slice()) {
                *free -= taken * n;
            }
            changes.insert(target, (content, room));
            left -= n;
        }
    }
    Some(changes)
}

/// Nodes of one type trade places, so that as many pods as possible lie where they lie now; and a node
/// that runs stays instead of a new one of its type.
fn settle(start: &Fleet<'_>, end: &mut Fleet<'_>) {
    let legend = &end.standing.legend;
    let kind = |fleet: &Fleet<'_>, n: usize| {
        let bin = fleet.nodes[n].bin;
        (legend.nodes[bin.index()].catalog_type, fleet.problem().bin(bin).rate)
    };
    let mut kinds: Vec<_> = (0..end.nodes.len()).map(|n| kind(end, n)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let running = start.nodes.len();
    for wanted in kinds {
        // Who holds a pod that may not be moved stays who it is.
        let free = |n: &usize| kind(end, *n) == wanted && end.nodes[*n].held.is_empty();
        let slots: Vec<usize> = (0..running).filter(free).collect();
        let from: Vec<usize> = end.there().filter(free).collect();
        if slots.len() > 400 || slots.is_empty() || from.is_empty() {
            continue;
        }
        let mut pairs: Vec<(u64, bool, usize, usize)> = Vec::new();
        for &node in &from {
            for &slot in &slots {
                let both = overlap(&start.nodes[slot].content, &end.nodes[node].content);
                pairs.push((both, node == slot, slot, node));
            }
        }
        pairs.sort_by_key(|&(both, same, slot, node)| (std::cmp::Reverse((both, same)), slot, node));
        let mut slot_of: BTreeMap<usize, usize> = BTreeMap::new();
        let mut taken = std::collections::BTreeSet::new();
        for (_, _, slot, node) in pairs {
            if !slot_of.contains_key(&node)
                && !taken.contains(&slot)
                && start.may_hold(slot, &end.nodes[node].content)
            {
                slot_of.insert(node, slot);
                taken.insert(slot);
            }
        }
        // Each node that runs and keeps pods needs a slot, or nothing changes.
        if from.iter().any(|n| *n < running && !slot_of.contains_key(n)) {
            continue;
        }
        let contents: Vec<(usize, Content)> =
            slot_of.iter().map(|(&node, &slot)| (slot, end.nodes[node].content.clone())).collect();
        for node in slot_of.keys() {
            end.nodes[*node].there = false;
            end.nodes[*node].content.clear();
        }
        for (slot, content) in contents {
            end.nodes[slot].there = true;
            end.nodes[slot].content = content;
        }
    }
}
