//! Some nodes are given up for whatever holds their pods at less cost: themselves, free room on the
//! other nodes, and new nodes. The solver decides which.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::plan::Pattern;
use crate::problem::{BinSet, BinType, BinTypeId, ItemType, ItemTypeId, Problem};
use crate::solver::control::{Budget, Event, Observer};
use crate::solver::solve;
use crate::units::{Rate, Resources};
use crate::verify::verify_plan;

use super::Settings;
use super::fleet::{Content, Fleet, overlap, plus};

/// The most other nodes whose room is offered.
const ROOMS: usize = 24;
/// From so many nodes on, those of one type are taken to be equal though the memory that they report
/// differs by a little: their capacity is rounded down to this many bytes.
const MANY: usize = 8;
const GRAIN: u64 = 16 << 20;

/// What stands behind a bin of the small problem.
enum Behind {
    /// Nodes that are given up and may be had back.
    Own(Vec<usize>),
    /// Nodes that stay and have room.
    Room(Vec<usize>),
    /// A type that can be bought.
    New(BinTypeId),
}

/// Finds the cheapest way to hold the movable pods of `chosen` nodes, and goes it if that saves
/// `least` nano-dollars an hour.
pub fn exchange(
    fleet: &mut Fleet<'_>,
    chosen: &[usize],
    least: i128,
    work: u64,
    settings: &Settings<'_>,
) -> bool {
    let mut pool = Content::new();
    for &node in chosen {
        pool = plus(&pool, &fleet.movable(node));
    }
    let before: i128 =
        chosen.iter().filter(|&&n| fleet.nodes[n].held.is_empty()).map(|&n| fleet.rate(n)).sum();
    hold(fleet, chosen, &pool, before - least, work, settings)
}

/// Finds the cheapest way to hold pods that lie on no node yet, and goes it, late or not.
pub fn place(fleet: &mut Fleet<'_>, pool: &Content, work: u64, settings: &Settings<'_>) -> bool {
    let settings = Settings { deadline: None, ..*settings };
    pool.is_empty() || hold(fleet, &[], pool, i128::MAX, work, &settings)
}

/// Holds these pods on the chosen nodes and others, if that costs no more than `most`, leaves no more
/// instance types than there may be, and goes beyond no limit over several.
fn hold(
    fleet: &mut Fleet<'_>,
    chosen: &[usize],
    pool: &Content,
    most: i128,
    work: u64,
    settings: &Settings<'_>,
) -> bool {
    let Some(most_types) = fleet.most_types() else {
        return match cheapest(fleet, chosen, pool, None, (most, work), settings) {
            Some(found) if found.cost <= most => {
                let mut after = fleet.clone();
                let kept = apply(&mut after, chosen, found) && after.keeps_limits();
                if kept {
                    *fleet = after;
                }
                kept
            }
            _ => false,
        };
    };
    // The types that stay whatever is found; if these are too many already, nothing else is bought.
    let given_up = chosen.iter().copied().filter(|&n| fleet.nodes[n].held.is_empty()).collect();
    let stay = fleet.types(&given_up);
    let mut only = (stay.len() >= most_types).then(|| stay.clone());
    for _ in 0..2 {
        let Some(found) = cheapest(fleet, chosen, pool, only.as_ref(), (most, work), settings) else {
            return false;
        };
        if found.cost > most {
            return false;
        }
        let costs = found.cost_by_type(fleet);
        let mut after = fleet.clone();
        if !apply(&mut after, chosen, found) || !after.keeps_limits() {
            return false;
        }
        if after.types(&BTreeSet::new()).len() <= most_types {
            *fleet = after;
            return true;
        }
        // Once more with the types alone that most of the money goes to.
        let mut dearest: Vec<(i128, usize)> = costs.into_iter().map(|(kind, cost)| (cost, kind)).collect();
        dearest.sort_by_key(|&(cost, kind)| (std::cmp::Reverse(cost), kind));
        let new = dearest.into_iter().map(|(_, kind)| kind).filter(|kind| !stay.contains(kind));
        only = Some(new.take(most_types.saturating_sub(stay.len())).chain(stay.iter().copied()).collect());
    }
    false
}

/// A way to hold pods.
struct Found {
    behind: Vec<Behind>,
    patterns: Vec<(usize, Content)>,
    /// What it costs an hour, in nano-dollars.
    cost: i128,
}

impl Found {
    /// What goes to each instance type.
    fn cost_by_type(&self, fleet: &Fleet<'_>) -> BTreeMap<usize, i128> {
        let mut costs = BTreeMap::new();
        for (bin, _) in &self.patterns {
            let bin = match &self.behind[*bin] {
                Behind::Own(nodes) => fleet.nodes[nodes[0]].bin,
                Behind::Room(_) => continue,
                Behind::New(bin) => *bin,
            };
            let rate = i128::from(fleet.problem().bin(bin).rate.nanos());
            *costs.entry(fleet.type_of(bin)).or_default() += rate;
        }
        costs
    }
}

/// Ends a search once nothing that costs no more than `most` can be found, or the time is over.
struct Watch<'a> {
    over: AtomicBool,
    most: i128,
    settings: &'a Settings<'a>,
}

impl Observer for Watch<'_> {
    fn on(&self, event: &Event) {
        let hopeless = matches!(event, Event::Bound(bound) if bound.nanos() > self.most);
        if hopeless || self.settings.over() {
            self.over.store(true, Ordering::Relaxed);
        }
    }
}

/// The cheapest way that the solver finds, where one may cost no more than `most`; only nodes of some types
/// are bought or kept, where these are named.
fn cheapest(
    fleet: &Fleet<'_>,
    chosen: &[usize],
    pool: &Content,
    only: Option<&BTreeSet<usize>>,
    (most, work): (i128, u64),
    settings: &Settings<'_>,
) -> Option<Found> {
    let items: Vec<ItemTypeId> = pool.keys().copied().collect();
    let (bins, behind) = bins(fleet, chosen, &items, pool, only);
    let problem = small_problem(fleet, &items, pool, &bins)?;
    let watch = Watch { over: AtomicBool::new(false), most, settings };
    let budget = Budget {
        effort: settings.effort,
        work_limit: Some(work),
        cancel: Some(&watch.over),
        ..Budget::default()
    };
    let outcome = solve(&problem, &budget, settings.seed, &watch).ok()?;
    let plan = verify_plan(&problem, outcome.incumbent).ok()?;
    let patterns = plan
        .plan()
        .bins()
        .flat_map(|(pattern, copies)| std::iter::repeat_n(global(pattern, &items), copies as usize))
        .collect();
    Some(Found { behind, patterns, cost: plan.hourly_cost().nanos() })
}

/// A pattern in the fleet's item types.
fn global(pattern: &Pattern, items: &[ItemTypeId]) -> (usize, Content) {
    let content = pattern.content().iter().map(|&(item, n)| (items[item.index()], n)).collect();
    (pattern.bin_type().index(), content)
}

/// A bin before the problem is made.
struct Draft {
    capacity: Resources,
    rate: Rate,
    stock: Option<u64>,
    /// One flag per item of the small problem.
    takes: Vec<bool>,
}

fn bins(
    fleet: &Fleet<'_>,
    chosen: &[usize],
    items: &[ItemTypeId],
    pool: &Content,
    only: Option<&BTreeSet<usize>>,
) -> (Vec<Draft>, Vec<Behind>) {
    let problem = fleet.problem();
    let mut drafts = Vec::new();
    let mut behind: Vec<Behind> = Vec::new();
    let mut known: HashMap<(bool, Resources, Rate, Vec<bool>), usize> = HashMap::new();
    let mut add = |own: bool, node: usize, capacity: Resources, rate: Rate, takes: Vec<bool>| {
        let key = (own, capacity, rate, takes);
        if let Some(&at) = known.get(&key) {
            let draft: &mut Draft = &mut drafts[at];
            draft.stock = draft.stock.map(|stock| stock + 1);
            match &mut behind[at] {
                Behind::Own(nodes) | Behind::Room(nodes) => nodes.push(node),
                Behind::New(_) => unreachable!("only nodes are looked up"),
            }
            return;
        }
        known.insert(key.clone(), drafts.len());
        let (_, capacity, rate, takes) = key;
        drafts.push(Draft { capacity, rate, stock: Some(1), takes });
        behind.push(if own { Behind::Own(vec![node]) } else { Behind::Room(vec![node]) });
    };
    // All copies may come, or none: the cap of an item type is the same for every bin.
    let takes = |node: usize, content: &Content| -> Vec<bool> {
        let live = &fleet.nodes[node];
        let enough = |&item: &ItemTypeId| {
            let most = problem.item(item).max_per_bin.unwrap_or(u64::MAX).min(pool[&item]);
            (live.open || live.content.get(&item).is_some_and(|&here| pool[&item] <= here))
                && fleet.allowed(node, item, content) >= most
        };
        items.iter().map(enough).collect()
    };
    let wanted = |bin: BinTypeId| only.is_none_or(|types| types.contains(&fleet.type_of(bin)));
    for &node in chosen.iter().filter(|&&n| !fleet.nodes[n].held.is_empty() || wanted(fleet.nodes[n].bin)) {
        let live = &fleet.nodes[node];
        let capacity = &problem.bin(live.bin).capacity;
        let mut left =
            capacity.checked_sub(&fleet.used(&live.held)).unwrap_or_else(|| Resources::zero(capacity.len()));
        if chosen.len() > MANY {
            left.as_mut_slice()
                .iter_mut()
                .filter(|amount| **amount > GRAIN)
                .for_each(|amount| *amount -= *amount % GRAIN);
        }
        let rate = if live.held.is_empty() { problem.bin(live.bin).rate } else { Rate::ZERO };
        add(true, node, left, rate, takes(node, &live.held));
    }
    let given_up: BTreeSet<usize> = chosen.iter().copied().collect();
    let mut rooms: Vec<(u64, usize, Resources)> = Vec::new();
    for node in fleet.there().filter(|n| !given_up.contains(n) && fleet.nodes[*n].open) {
        let room = fleet.room(node);
        let capacity = &problem.bin(fleet.nodes[node].bin).capacity;
        let shares = room.as_slice().iter().zip(capacity.as_slice());
        let least =
            shares.map(|(&room, &all)| (u128::from(room) * 1_000_000 / u128::from(all.max(1))) as u64);
        rooms.push((least.min().unwrap_or(0), node, room));
    }
    rooms.sort_by_key(|&(share, node, _)| (std::cmp::Reverse(share), node));
    // What a node may take is looked at only until enough are found.
    let rooms = rooms.into_iter().filter_map(|(_, node, room)| {
        let takes = takes(node, &fleet.nodes[node].content);
        let holds = |(&item, &takes): (&ItemTypeId, &bool)| takes && problem.item(item).demand.fits_in(&room);
        items.iter().zip(&takes).any(holds).then_some((node, room, takes))
    });
    for (node, room, takes) in rooms.take(ROOMS).collect::<Vec<_>>() {
        add(false, node, room, Rate::ZERO, takes);
    }
    let mut bought: BTreeMap<BinTypeId, u64> = BTreeMap::new();
    for node in fleet.there().filter(|&n| n >= fleet.running()) {
        *bought.entry(fleet.nodes[node].bin).or_default() += 1;
    }
    // One type alone keeps to its limits; whether several do is looked at once all is found.
    let stay: Vec<BinTypeId> = fleet
        .there()
        .filter(|n| !given_up.contains(n) || !fleet.nodes[*n].held.is_empty())
        .map(|n| fleet.nodes[n].bin)
        .collect();
    let left: Vec<u128> = fleet
        .limits
        .iter()
        .map(|limit| limit.most.saturating_sub(limit.used(stay.iter().copied())))
        .collect();
    for bin in problem.bin_ids().take(fleet.standing.buyable()) {
        let within = fleet.limits.iter().zip(&left).filter(|(limit, _)| limit.weights[bin.index()] > 0);
        let most = within.map(|(limit, left)| left / u128::from(limit.weights[bin.index()])).min();
        let most = most.map(|most| u64::try_from(most).unwrap_or(u64::MAX));
        let takes: Vec<bool> = items.iter().map(|&item| problem.item(item).eligible.contains(bin)).collect();
        let it = problem.bin(bin);
        let stock = it.stock.map(|stock| stock.saturating_sub(bought.get(&bin).copied().unwrap_or(0)));
        let stock = stock.into_iter().chain(most).min();
        if takes.contains(&true) && stock != Some(0) && wanted(bin) {
            drafts.push(Draft { capacity: it.capacity.clone(), rate: it.rate, stock, takes });
            behind.push(Behind::New(bin));
        }
    }
    (drafts, behind)
}

fn small_problem(fleet: &Fleet<'_>, items: &[ItemTypeId], pool: &Content, bins: &[Draft]) -> Option<Problem> {
    let all = fleet.problem();
    let mut sets: HashMap<Vec<bool>, BinSet> = HashMap::new();
    let item_types = items.iter().enumerate().map(|(at, &item)| {
        let it = all.item(item);
        let flags: Vec<bool> = bins.iter().map(|bin| bin.takes[at]).collect();
        let eligible = sets.entry(flags).or_insert_with_key(|flags| BinSet::new(flags.clone())).clone();
        ItemType { demand: it.demand.clone(), copies: pool[&item], max_per_bin: it.max_per_bin, eligible }
    });
    let item_types: Vec<ItemType> = item_types.collect();
    let local: HashMap<ItemTypeId, ItemTypeId> =
        items.iter().zip(0u32..).map(|(&item, at)| (item, ItemTypeId(at))).collect();
    let conflicts: Vec<(ItemTypeId, ItemTypeId)> = items
        .iter()
        .flat_map(|&a| fleet.apart[a.index()].iter().map(move |&b| (a, b)))
        .filter(|(a, b)| a < b)
        .filter_map(|(a, b)| Some((*local.get(&a)?, *local.get(&b)?)))
        .collect();
    let bins =
        bins.iter().map(|d| BinType { capacity: d.capacity.clone(), rate: d.rate, stock: d.stock }).collect();
    Problem::new(all.dimensions().to_vec(), item_types, bins, conflicts, None).ok()
}

/// Carries out what the solver found. Nothing changes where some node may not hold what it would get.
fn apply(fleet: &mut Fleet<'_>, chosen: &[usize], found: Found) -> bool {
    let Found { behind, patterns, .. } = found;
    let mut by_bin: Vec<Vec<Content>> = behind.iter().map(|_| Vec::new()).collect();
    patterns.into_iter().for_each(|(bin, content)| by_bin[bin].push(content));
    // What each node gets beside what it keeps.
    let mut gets: BTreeMap<usize, Content> = BTreeMap::new();
    let mut to_buy: Vec<(BinTypeId, Content)> = Vec::new();
    for (behind, contents) in behind.iter().zip(by_bin) {
        match behind {
            Behind::New(bin) => to_buy.extend(contents.into_iter().map(|content| (*bin, content))),
            Behind::Room(nodes) => gets.extend(nodes.iter().copied().zip(contents)),
            Behind::Own(nodes) => gets.extend(by_overlap(fleet, nodes, contents)),
        }
    }
    let legend = &fleet.standing.legend;
    let mut idle: Vec<usize> = chosen.iter().copied().filter(|n| !gets.contains_key(n)).collect();
    // Rather the node that is there than a new one of its type.
    let mut buy: Vec<(BinTypeId, Content)> = Vec::new();
    for (bin, content) in to_buy {
        let same = |&n: &usize| {
            let own = fleet.nodes[n].bin;
            legend.nodes[own.index()].catalog_type == legend.nodes[bin.index()].catalog_type
                && fleet.problem().bin(own).rate <= fleet.problem().bin(bin).rate
                && fleet.may_hold(n, &plus(&fleet.nodes[n].held, &content))
        };
        match idle.iter().position(same) {
            Some(at) => drop(gets.insert(idle.remove(at), content)),
            None => buy.push((bin, content)),
        }
    }
    let given_up: BTreeSet<usize> = chosen.iter().copied().collect();
    let after: Vec<(usize, Content)> = gets
        .iter()
        .map(|(&node, content)| {
            let live = &fleet.nodes[node];
            let stays = if given_up.contains(&node) { &live.held } else { &live.content };
            (node, plus(stays, content))
        })
        .collect();
    let fine = after.iter().all(|(node, content)| fleet.may_hold(*node, content))
        && buy.iter().all(|(bin, content)| fleet.suits(*bin, content));
    if !fine {
        return false;
    }
    for (node, content) in after {
        fleet.nodes[node].content = content;
    }
    for node in idle {
        let live = &mut fleet.nodes[node];
        live.there = !live.held.is_empty();
        live.content = live.held.clone();
    }
    for (bin, content) in buy {
        let live = super::fleet::Live { bin, content, held: Content::new(), open: true, there: true };
        fleet.nodes.push(live);
    }
    true
}

/// Nodes that are alike get what they have most of already.
fn by_overlap(fleet: &Fleet<'_>, nodes: &[usize], contents: Vec<Content>) -> Vec<(usize, Content)> {
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (at, content) in contents.iter().enumerate() {
        for (place, &node) in nodes.iter().enumerate() {
            pairs.push((overlap(&fleet.nodes[node].content, content), place, at));
        }
    }
    pairs.sort_by_key(|&(pods, place, at)| (std::cmp::Reverse(pods), place, at));
    let mut taken = vec![false; nodes.len()];
    let mut given: Vec<Option<usize>> = vec![None; contents.len()];
    for (_, place, at) in pairs {
        if !taken[place] && given[at].is_none() {
            taken[place] = true;
            given[at] = Some(nodes[place]);
        }
    }
    let node = |node: Option<usize>| node.expect("a plan uses no more bins than there are");
    given.into_iter().zip(contents).map(|(n, content)| (node(n), content)).collect()
}
