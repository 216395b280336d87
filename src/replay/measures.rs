//! The cheapest help under which no pod stays pending: pins, PriorityClasses by size, extra nodes.
//!
//! Pins and classes cost nothing but their upkeep, nodes cost money; so the search goes from no help
//! over pins, then as few classes as suffice, to as few extra nodes as suffice. Then all that is better
//! is tried where that is quick, and else what is near by: the scheduler is not monotone, so that more
//! classes or nodes may leave pods pending where fewer do not.

#[cfg(test)]
mod brute;
mod classes;
mod extra;
mod refine;
mod trials;

use super::cluster::Cluster;
use super::{Order, Profile, Run, Settings, replay};
use crate::units::Money;
use classes::{Ranking, classes, distinct_sizes, prioritised};
pub(super) use extra::extra_nodes;
use extra::{shortfall, with_extra};
use refine::{LOOKS, refine};
use trials::Trials;

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

impl Help {
    /// The runs that must suffice under a profile.
    fn settings(&self, profile: Profile) -> Settings {
        Settings { profiles: vec![profile], orders: self.orders.clone(), seeds: self.seeds.clone() }
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
    /// Whether there are none better: all that are were tried, and none suffices.
    pub proven: bool,
}

/// What makes measures better, the smaller the better: premium, classes, pins, and the place of the profile.
type Rank = (Money, usize, usize, usize);

impl Measures {
    /// With the runs before and after, of a planned cluster and what became of it.
    fn of(
        planned: &Cluster,
        help: &Help,
        profile: Profile,
        pins: Vec<(usize, usize)>,
        classes: Vec<PriorityClass>,
        cluster: Cluster,
    ) -> Self {
        let settings = help.settings(profile);
        let extra_nodes = extra_nodes(planned, &cluster);
        Measures {
            profile,
            pins,
            classes,
            before: replay(planned, &settings),
            after: replay(&cluster, &settings),
            premium: extra_nodes.iter().map(|e| e.cost).sum(),
            extra_nodes,
            cluster,
            proven: false,
        }
    }

    /// Whether nothing is asked of anybody: the first profile, and no help beyond pins that are there anyway.
    fn is_none(&self, help: &Help) -> bool {
        help.profiles.first() == Some(&self.profile)
            && (help.pinned || self.pins.is_empty())
            && self.classes.is_empty()
            && self.extra_nodes.is_empty()
    }

    /// Whether no run leaves a pod pending.
    pub fn settled(&self) -> bool {
        self.after.iter().all(|run| run.pending.is_empty())
    }
}

/// Searches the cheapest measures: of the least premium, then of the fewest classes, then of the fewest pins.
///
/// Where every better set can be tried in a fraction of a second, it is, and the result is the cheapest that
/// there is: [`Measures::proven`]. Sets are all profiles allowed, pins of all workloads or none, the classes of
/// every ranking and number that are known here, and any nodes more of each pool. Otherwise it is the cheapest
/// that was found, and nothing is proven of it: in large clusters that is what to expect.
///
/// Workloads can be pinned only where the plan has each of them whole in one pool. Workloads with a
/// priority of their own keep it.
///
/// # Panics
/// Without any profile.
pub fn measures(cluster: &Cluster, help: &Help) -> Measures {
    within(cluster, help, LOOKS)
}

/// With so many looks at nodes to spend on measures that are better than the first found.
fn within(cluster: &Cluster, help: &Help, looks: u64) -> Measures {
    let trials = Trials::new(help);
    let found = help
        .profiles
        .iter()
        .map(|&profile| search(cluster, help, profile, &trials))
        .min_by_key(|m| {
            let pending: u64 = m.after.iter().map(Run::pending_pods).sum();
            (pending, m.premium, m.classes.len(), m.pins.len())
        })
        .expect("some profile is allowed");
    refine(cluster, help, found, &trials, looks)
}

fn search(cluster: &Cluster, help: &Help, profile: Profile, trials: &Trials) -> Measures {
    let settings = help.settings(profile);
    let before = trials.replay(cluster, &settings);
    let mut found = Measures {
        profile,
        pins: Vec::new(),
        classes: Vec::new(),
        extra_nodes: Vec::new(),
        after: before.clone(),
        before,
        cluster: cluster.clone(),
        premium: Money::ZERO,
        proven: false,
    };
    if help.pinned {
        found.pins = pins_of_whole(cluster);
    }
    if found.settled() {
        return found;
    }
    let fails = |cluster: &Cluster| !trials.settles(cluster, profile);

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
                let short = |&(by, most): &(Ranking, usize)| shortfall(&with(by, most).0, &settings, trials);
                rankings.iter().copied().min_by_key(short).expect("sizes alone are always tried")
            }
        };
        (found.cluster, found.classes) = with(by, count);
        if help.nodes && enough.is_none() {
            let nodes = with_extra(&found.cluster, &settings, trials).nodes;
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
        found.cluster = with_extra(&found.cluster, &settings, trials);
    }
    found.extra_nodes = extra_nodes(cluster, &found.cluster);
    found.premium = found.extra_nodes.iter().map(|e| e.cost).sum();
    found.after = trials.replay(&found.cluster, &settings);
    found
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
