//! The cheapest help under which no pod stays pending: pins, PriorityClasses by size, extra nodes.
//!
//! Pins and classes cost nothing but their upkeep, nodes cost money; so the search goes from no help
//! over pins, then as few classes as suffice, to as few extra nodes as suffice.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rayon::prelude::*;

use super::cluster::{Cluster, Rules};
use super::scheduler::Scheduler;
use super::{Order, Profile, Run, Settings, combinations, order, replay};
use crate::units::{Money, ResourceName};

/// What may be done, and for which runs it must suffice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    /// How the scheduler may be configured; the cheapest help wins, among equals the first profile.
    pub profiles: Vec<Profile>,
    /// The orders of arrival that must end without pending pods.
    pub orders: Vec<Order>,
    /// The seeds for which they must.
    pub seeds: Vec<u64>,
    /// Whether workloads may be pinned to their pool by a nodeSelector.
    pub pins: bool,
    /// Whether they are from the start, being pins part of the plan: that of a pooled one.
    pub pinned: bool,
    /// The most PriorityClasses; zero for none.
    pub classes: usize,
    /// Whether nodes may be added.
    pub nodes: bool,
}

impl Default for Help {
    /// Pins, up to 64 classes and nodes, with the scheduler as it comes, in every order, for three seeds.
    fn default() -> Self {
        Help {
            profiles: vec![Profile::Default],
            orders: Order::ALL.to_vec(),
            seeds: vec![0, 1, 2],
            pins: true,
            pinned: false,
            classes: 64,
            nodes: true,
        }
    }
}

/// A priority for pods of about one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriorityClass {
    /// Its name.
    pub name: String,
    /// Its value: larger pods higher. Low enough to stay below classes that people make themselves.
    pub value: i32,
    /// The workloads that belong to it; those of no class stay at zero.
    pub workloads: Vec<usize>,
}

/// Nodes beyond the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtraNodes {
    /// Index into the cluster's pools.
    pub pool: usize,
    /// How many.
    pub nodes: u64,
    /// What they cost an hour.
    pub cost: Money,
}

/// What was found to help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measures {
    /// How the scheduler is configured.
    pub profile: Profile,
    /// Workload and the pool that it is pinned to; empty for no pins.
    pub pins: Vec<(usize, usize)>,
    /// Highest first; empty for no classes.
    pub classes: Vec<PriorityClass>,
    /// By pool ascending; empty for none.
    pub extra_nodes: Vec<ExtraNodes>,
    /// Runs of the cluster as it was, in the profile that was found.
    pub before: Vec<Run>,
    /// The same runs with all measures.
    pub after: Vec<Run>,
    /// The cluster with all measures.
    pub cluster: Cluster,
    /// What the extra nodes cost an hour.
    pub premium: Money,
}

impl Measures {
    /// Whether no run leaves a pod pending.
    pub fn settled(&self) -> bool {
        self.after.iter().all(|run| run.pending.is_empty())
    }
}

/// Rounds of adding nodes before giving up; each adds at least half of what was added before.
const MOST_ROUNDS: usize = 16;
/// Distance between the values of two classes.
const CLASS_STEP: i32 = 10;

/// Searches the cheapest measures.
///
/// Workloads can be pinned only where the plan has each of them whole in one pool. Workloads with a
/// priority of their own keep it.
///
/// # Panics
/// Without any profile.
pub fn measures(cluster: &Cluster, help: &Help) -> Measures {
    help.profiles
        .iter()
        .map(|&profile| search(cluster, help, profile))
        .min_by_key(|m| {
            let pending: u64 = m.after.iter().map(Run::pending_pods).sum();
            (pending, m.premium, m.classes.len(), m.pins.len())
        })
        .expect("some profile is allowed")
}

fn search(cluster: &Cluster, help: &Help, profile: Profile) -> Measures {
    let settings =
        Settings { profiles: vec![profile], orders: help.orders.clone(), seeds: help.seeds.clone() };
    let before = replay(cluster, &settings);
    let mut found = Measures {
        profile,
        pins: Vec::new(),
        classes: Vec::new(),
        extra_nodes: Vec::new(),
        after: before.clone(),
        before,
        cluster: cluster.clone(),
        premium: Money::ZERO,
    };
    if help.pinned {
        found.pins = pins_of_whole(cluster);
    }
    if found.settled() {
        return found;
    }
    let fails = |cluster: &Cluster| !settles(cluster, &settings);

    if help.pins
        && !help.pinned
        && let Some(pins) = pins(cluster)
    {
        found.cluster = pinned(&found.cluster, &pins);
        found.pins = pins;
    }
    if fails(&found.cluster) && help.classes > 0 {
        let (base, split) = (found.cluster.clone(), !found.pins.is_empty());
        let with = |by: Ranking, count: usize| {
            let classes = classes(&base, count, by, split);
            (prioritised(&base, &classes), classes)
        };
        let rankings: Vec<(Ranking, usize)> = Ranking::worth_a_try(&base)
            .map(|by| (by, help.classes.min(distinct_sizes(&base, by.lead, split))))
            .collect();
        let tried = rankings.iter().map(|&(by, most)| (by, fewest(most, |n| !fails(&with(by, n).0))));
        let enough = tried.filter_map(|(by, n)| Some((by, n?))).min_by_key(|&(_, n)| n);
        let (by, mut count) = match enough {
            Some(found) => found,
            // None suffices: the one that leaves least to nodes.
            None => {
                let short = |&(by, most): &(Ranking, usize)| shortfall(&with(by, most).0, &settings);
                rankings.iter().copied().min_by_key(short).expect("sizes alone are always tried")
            }
        };
        (found.cluster, found.classes) = with(by, count);
        if help.nodes && enough.is_none() {
            let nodes = with_extra(&found.cluster, &settings).nodes;
            let grown = |n: usize| {
                let (cluster, classes) = with(by, n);
                (Cluster { nodes: nodes.clone(), ..cluster }, classes)
            };
            // With the nodes that it takes, fewer classes may do.
            count = fewest(count, |n| !fails(&grown(n).0)).unwrap_or(count);
            (found.cluster, found.classes) = grown(count);
        }
    }
    if help.nodes && fails(&found.cluster) {
        found.cluster = with_extra(&found.cluster, &settings);
    }
    found.extra_nodes = extra_nodes(cluster, &found.cluster);
    found.premium = found.extra_nodes.iter().map(|e| e.cost).sum();
    found.after = replay(&found.cluster, &settings);
    found
}

/// Whether no run leaves a pod pending; stops at the first that does.
fn settles(cluster: &Cluster, settings: &Settings) -> bool {
    combinations(settings).into_par_iter().all(|(profile, order, seed)| {
        let mut scheduler = Scheduler::new(cluster, profile, seed);
        order::queue(cluster, order, seed).into_iter().all(|workload| scheduler.place(workload).is_some())
    })
}

/// The smallest number from 1 to `most` that suffices, by doubling and bisecting, as if with one every
/// larger number sufficed too; `None` if `most` does not.
fn fewest(most: usize, suffices: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut low, mut high) = (0, 1);
    loop {
        if high >= most {
            high = most;
            if most == 0 || !suffices(most) {
                return None;
            }
            break;
        }
        if suffices(high) {
            break;
        }
        low = high;
        high *= 2;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if suffices(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// Every workload with the pool that it lies in; `None` where one is split, or where there is nothing
/// to choose.
fn pins(cluster: &Cluster) -> Option<Vec<(usize, usize)>> {
    let running = |&(w, _): &(usize, Option<usize>)| cluster.workloads[w].pods > 0;
    let whole = cluster.whole_in().into_iter().enumerate().filter(running);
    let pins: Vec<(usize, usize)> = whole.map(|(w, pool)| Some((w, pool?))).collect::<Option<_>>()?;
    (cluster.pools.len() > 1).then_some(pins)
}

/// The pool of every workload that lies in one whole, where there are several.
fn pins_of_whole(cluster: &Cluster) -> Vec<(usize, usize)> {
    let whole = cluster.whole_in().into_iter().enumerate();
    let pins = whole.filter_map(|(w, pool)| Some((w, pool.filter(|_| cluster.workloads[w].pods > 0)?)));
    if cluster.pools.len() > 1 { pins.collect() } else { Vec::new() }
}

/// The cluster of a pooled plan, whose workloads are led to their pools.
pub fn led_to_pools(cluster: &Cluster) -> Cluster {
    pinned(cluster, &pins_of_whole(cluster))
}

fn pinned(cluster: &Cluster, pins: &[(usize, usize)]) -> Cluster {
    let mut cluster = cluster.clone();
    for &(workload, pool) in pins {
        // The selector names the instance type, and a label where several pools share it.
        let count = cluster.pools.len();
        let rules = &mut cluster.workloads[workload].rules;
        let allowed = |k: usize| rules.pools.as_ref().is_none_or(|pools| pools[k]);
        rules.pools = Some((0..count).map(|k| k == pool && allowed(k)).collect());
    }
    cluster
}

/// How sizes are cut into classes. Neither is better everywhere, so both are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Into parts of about as much demand.
    Demand,
    /// Into steps of size of about the same height.
    Size,
}

/// Which pods go before which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// Larger ones.
    Size,
    /// Those that a rule binds to nodes, zones or other pods, then the others; larger ones of either: what
    /// few nodes suit finds these taken otherwise.
    Rules,
}

/// How pods are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ranking {
    lead: Lead,
    cut: Cut,
}

impl Ranking {
    fn worth_a_try(cluster: &Cluster) -> impl Iterator<Item = Ranking> {
        let of = |lead| [Cut::Demand, Cut::Size].map(|cut| Ranking { lead, cut });
        let any = cluster.workloads.iter().any(|w| is_bound(&w.rules));
        of(Lead::Size).into_iter().chain(any.then(|| of(Lead::Rules)).into_iter().flatten())
    }
}

/// Whether fewer nodes suit a pod the more pods there are.
fn is_bound(rules: &Rules) -> bool {
    rules.max_per_node.is_some()
        || rules.zones.is_some()
        || [&rules.apart_on_node, &rules.apart_in_zone].iter().any(|list| !list.is_empty())
        || [&rules.near_on_node, &rules.near_in_zone].iter().any(|list| !list.is_empty())
        || !rules.spread.is_empty()
}

/// A workload that a class may be given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sized {
    /// Whether it comes after all that are bound by rules.
    after: bool,
    /// The largest share that one of its pods has of what all of them together request.
    size: Reverse<u128>,
    workload: usize,
}

/// Sizes are shares in units of 10^-12.
const WHOLE: u128 = 1_000_000_000_000;

/// Workloads that a class may be given to, largest first, by pool where pods are pinned to pools.
fn by_size(cluster: &Cluster, lead: Lead, split: bool) -> Vec<Vec<Sized>> {
    let mut groups: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (w, workload) in cluster.workloads.iter().enumerate() {
        if workload.priority == 0 && workload.pods > 0 {
            let pool = workload.planned.first().map(|&(pool, _)| pool);
            groups.entry(if split { pool } else { None }).or_default().push(w);
        }
    }
    let group = |members: Vec<usize>| {
        // The share of a node told sizes apart less well in the measurements.
        let mut totals = vec![0u128; cluster.resources.len()];
        for &w in &members {
            let workload = &cluster.workloads[w];
            for (total, &amount) in totals.iter_mut().zip(&workload.requests) {
                *total += u128::from(amount) * u128::from(workload.pods);
            }
        }
        let size = |w: usize| {
            let shares = cluster.workloads[w].requests.iter().zip(&totals).zip(&cluster.resources);
            let counted = shares.filter(|&((_, &total), name)| total > 0 && *name != ResourceName::Pods);
            counted.map(|((&amount, &total), _)| u128::from(amount) * WHOLE / total).max().unwrap_or(0)
        };
        let after = |w: usize| lead == Lead::Rules && !is_bound(&cluster.workloads[w].rules);
        let sized = members.into_iter().map(|workload| Sized {
            after: after(workload),
            size: Reverse(size(workload)),
            workload,
        });
        let mut sized: Vec<Sized> = sized.collect();
        sized.sort();
        sized
    };
    groups.into_values().map(group).collect()
}

/// The most classes that differ: one size of each pool stays without.
fn distinct_sizes(cluster: &Cluster, lead: Lead, split: bool) -> usize {
    let groups = by_size(cluster, lead, split);
    groups.iter().map(|sized| sized.chunk_by(alike).count() - 1).max().unwrap_or(0)
}

fn alike(a: &Sized, b: &Sized) -> bool {
    (a.after, a.size) == (b.after, b.size)
}

/// Up to so many classes: with the pods of none they cut every group into one part more.
fn classes(cluster: &Cluster, count: usize, by: Ranking, split: bool) -> Vec<PriorityClass> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for sized in by_size(cluster, by.lead, split) {
        let demand = |part: &[Sized]| -> u128 {
            part.iter().map(|s| s.size.0 * u128::from(cluster.workloads[s.workload].pods)).sum()
        };
        let whole = demand(&sized);
        // The smallest stay without a class, and a group of one size needs none.
        let sizes = sized.chunk_by(alike).count();
        let last = count.min(sizes.saturating_sub(1));
        let sizes_of = || sized.iter().map(|s| s.size.0);
        let (Some(largest), Some(smallest)) = (sizes_of().max(), sizes_of().min()) else { continue };
        let range = largest - smallest;
        // Those that come after have steps of their own.
        let ranges = if by.lead == Lead::Rules { 2 } else { 1 };
        let mut seen = 0;
        // Workloads of one size stay together.
        for equal in sized.chunk_by(alike) {
            let (above, of) = match by.cut {
                Cut::Demand => (seen, whole),
                Cut::Size => {
                    let before = if equal[0].after { range } else { 0 };
                    (before + largest - equal[0].size.0, ranges * range)
                }
            };
            let part = (above * (last as u128 + 1)).checked_div(of).unwrap_or(0) as usize;
            if part < last {
                members[part].extend(equal.iter().map(|s| s.workload));
            }
            seen += demand(equal);
        }
    }
    members.retain(|workloads| !workloads.is_empty());
    let count = members.len();
    let class = |(rank, mut workloads): (usize, Vec<usize>)| {
        workloads.sort_unstable();
        PriorityClass {
            name: format!("size-{:02}", rank + 1),
            value: CLASS_STEP * i32::try_from(count - rank).expect("classes are few"),
            workloads,
        }
    };
    members.into_iter().enumerate().map(class).collect()
}

fn prioritised(cluster: &Cluster, classes: &[PriorityClass]) -> Cluster {
    let mut cluster = cluster.clone();
    for class in classes {
        class.workloads.iter().for_each(|&w| cluster.workloads[w].priority = class.value);
    }
    cluster
}

/// With as few further nodes as leave nothing pending, pool by pool; unchanged where none help. Where limits allow
/// fewer, as few as leave no more pending than all that they allow.
fn with_extra(cluster: &Cluster, settings: &Settings) -> Cluster {
    let grown = |extra: &[u64]| {
        let pools = extra.iter().enumerate().filter(|&(_, &count)| count > 0);
        pools.fold(cluster.clone(), |grown, (pool, &count)| grown.with_more(pool, count))
    };
    let pending = |runs: &[Run]| -> u64 { runs.iter().map(Run::pending_pods).sum() };
    let mut extra = vec![0u64; cluster.pools.len()];
    let mut begun = None;
    let mut left = 0;
    for round in 0.. {
        let now = grown(&extra);
        let runs = replay(&now, settings);
        left = pending(&runs);
        begun = begun.or(Some(left));
        if left == 0 {
            break;
        }
        let missing = missing(&now, &runs);
        let mut room = now.clone();
        for (pool, nodes) in missing.into_iter().enumerate().filter(|&(_, nodes)| nodes > 0) {
            let more = nodes.max(extra[pool] / 2).min(room.may_add(pool));
            if more > 0 {
                room = room.with_more(pool, more);
                extra[pool] += more;
            }
        }
        let stuck = room.nodes.len() == now.nodes.len();
        if stuck && left < begun.unwrap_or(0) && !cluster.limits.is_empty() {
            break;
        }
        if stuck || round == MOST_ROUNDS {
            return cluster.clone();
        }
    }
    let suffice = |cluster: &Cluster| match left {
        0 => settles(cluster, settings),
        left => pending(&replay(cluster, settings)) <= left,
    };
    // Dear pools first: a node less there saves most.
    let mut pools: Vec<usize> = (0..extra.len()).filter(|&p| extra[p] > 0).collect();
    pools.sort_by_key(|&p| Reverse(cluster.pools[p].rate));
    for pool in pools {
        // From none, taken to be too few until shown otherwise, to what is known to suffice.
        let (mut least, mut most) = (0, extra[pool]);
        while least < most {
            extra[pool] = least + (most - least) / 2;
            if suffice(&grown(&extra)) { most = extra[pool] } else { least = extra[pool] + 1 }
        }
        extra[pool] = most;
    }
    grown(&extra)
}

/// What the nodes would cost that hold what stays pending in the worst run, if it were poured in.
fn shortfall(cluster: &Cluster, settings: &Settings) -> Money {
    let missing = missing(cluster, &replay(cluster, settings));
    missing.iter().zip(&cluster.pools).map(|(&nodes, pool)| pool.rate.for_hours(nodes)).sum()
}

/// Nodes of each pool that would hold what stays pending in the worst run, if it were poured in.
fn missing(cluster: &Cluster, runs: &[Run]) -> Vec<u64> {
    let mut worst = vec![0u64; cluster.pools.len()];
    for run in runs {
        let mut amounts = vec![vec![0u128; cluster.resources.len()]; cluster.pools.len()];
        for &(w, pods) in &run.pending {
            if let Some(pool) = cheapest(cluster, w) {
                for (sum, &amount) in amounts[pool].iter_mut().zip(&cluster.workloads[w].requests) {
                    *sum += u128::from(amount) * u128::from(pods);
                }
            }
        }
        for (pool, amounts) in amounts.iter().enumerate() {
            let room = room(cluster, pool);
            let nodes = amounts.iter().zip(room).filter(|&(&amount, _)| amount > 0);
            let nodes = nodes.map(|(&amount, room)| amount.div_ceil(u128::from(room.max(1)))).max();
            worst[pool] = worst[pool].max(u64::try_from(nodes.unwrap_or(0)).unwrap_or(u64::MAX));
        }
    }
    worst
}

/// The cheapest pool whose nodes may hold a pod of a workload, and of which there may be more.
fn cheapest(cluster: &Cluster, workload: usize) -> Option<usize> {
    let w = &cluster.workloads[workload];
    let fits = |&pool: &usize| {
        w.rules.pools.as_ref().is_none_or(|pools| pools[pool])
            && w.requests.iter().zip(room(cluster, pool)).all(|(&amount, room)| amount <= room)
            && cluster.may_add(pool) > 0
    };
    (0..cluster.pools.len()).filter(fits).min_by_key(|&pool| cluster.pools[pool].rate)
}

fn room(cluster: &Cluster, pool: usize) -> impl Iterator<Item = u64> + '_ {
    let pool = &cluster.pools[pool];
    pool.allocatable.iter().zip(&pool.taken).map(|(&all, &taken)| all.saturating_sub(taken))
}

/// What one cluster has beyond another one of the same pools.
pub(super) fn extra_nodes(planned: &Cluster, grown: &Cluster) -> Vec<ExtraNodes> {
    let counts = planned.nodes_by_pool().into_iter().zip(grown.nodes_by_pool()).enumerate();
    counts
        .filter(|&(_, (before, after))| after > before)
        .map(|(pool, (before, after))| {
            let nodes = after - before;
            ExtraNodes { pool, nodes, cost: planned.pools[pool].rate.for_hours(nodes) }
        })
        .collect()
}
