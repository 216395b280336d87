//! Cheaper measures than those found: all that there are where that is quick, else such as are like them.
//!
//! A set of measures is a profile, pins or none, classes, and nodes more of each pool. It is better than another
//! one by its premium, then by fewer classes, then by fewer pins, then by the earlier profile.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::classes::{Ranking, classes, distinct_sizes, prioritised};
use super::extra::with_extra;
use super::trials::{Trials, looks};
use super::{Help, Measures, PriorityClass, Rank, pinned, pins};
use crate::replay::Profile;
use crate::replay::cluster::Cluster;
use crate::units::Money;

/// Looks at nodes that are spent in any case: about a quarter of a second.
pub(super) const LOOKS: u64 = 20_000_000;
/// Of what finding the first measures took, the part that may be spent on better ones.
const PART: u64 = 8;
/// Runs that adding nodes to a cluster takes, about.
const RUNS_TO_ADD_NODES: u64 = 100;
/// Sets of nodes of one price that are looked at together.
const MOST_ALIKE: usize = 10_000;

/// What there is beside nodes.
#[derive(Debug)]
struct Variant {
    base: usize,
    profile: Profile,
    classes: Vec<PriorityClass>,
    /// Classes, pins, and the place of the profile.
    rank: (usize, usize, usize),
}

/// A variant with so many nodes more of each pool.
#[derive(Debug, Clone)]
struct Set {
    variant: usize,
    extra: Vec<u64>,
    premium: Money,
}

struct Space<'a> {
    help: &'a Help,
    trials: &'a Trials,
    /// The cluster as it is, and pinned.
    bases: Vec<(Cluster, Vec<(usize, usize)>)>,
    /// The best first.
    variants: Vec<Variant>,
}

/// The best measures that are found in reasonable time, which is so many looks or a part of what was spent before;
/// at least as good as those found. With whether there are provably none better, for all were tried.
pub(super) fn refine(
    cluster: &Cluster,
    help: &Help,
    found: Measures,
    trials: &Trials,
    spend: u64,
) -> Measures {
    if found.settled() && found.is_none(help) {
        return Measures { proven: true, ..found };
    }
    let most = trials.looks().saturating_add(spend.max(trials.looks() / PART));
    if trials.looks().saturating_add(looks(cluster)) > most {
        return found;
    }
    let space = Space::of(cluster, help, &found, trials);
    let begun = space.set_of(cluster, &found);
    let mut best = found.settled().then(|| begun.clone());
    let mut alternatives = space.alternatives(&begun);
    let proven = loop {
        if space.are_few_below(best.as_ref(), most) {
            break space.all_below(&mut best, most);
        }
        let better = alternatives.pop().map(|variant| space.with_nodes(variant, most));
        match better {
            Some(Some(set)) if best.as_ref().is_none_or(|best| space.rank(&set) < space.rank(best)) => {
                best = Some(set);
            }
            Some(_) => {}
            None => match best.as_ref().and_then(|best| space.near(best, most)) {
                Some(set) => best = Some(set),
                None => break false,
            },
        }
    };
    let unchanged = best.as_ref().is_none_or(|best| space.rank(best) == space.rank(&begun));
    match best {
        Some(best) if !(unchanged && found.settled()) => {
            Measures { proven, ..space.measures(cluster, &best) }
        }
        _ => Measures { proven, ..found },
    }
}

impl<'a> Space<'a> {
    fn of(cluster: &Cluster, help: &'a Help, found: &Measures, trials: &'a Trials) -> Self {
        let mut bases = vec![(cluster.clone(), if help.pinned { found.pins.clone() } else { Vec::new() })];
        if help.pins
            && !help.pinned
            && let Some(pins) = pins(cluster)
        {
            bases.push((pinned(cluster, &pins), pins));
        }
        let mut variants: Vec<Variant> = Vec::new();
        for (base, (cluster, pins)) in bases.iter().enumerate() {
            let split = !pins.is_empty();
            let mut sets = vec![Vec::new()];
            for by in Ranking::worth_a_try(cluster) {
                let most = help.classes.min(distinct_sizes(cluster, by.lead, split));
                sets.extend((1..=most).map(|count| classes(cluster, count, by, split)));
            }
            sets.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| of(a).cmp(of(b))));
            sets.dedup();
            for (place, &profile) in help.profiles.iter().enumerate() {
                variants.extend(sets.iter().map(|classes| Variant {
                    base,
                    profile,
                    rank: (classes.len(), pins.len(), place),
                    classes: classes.clone(),
                }));
            }
        }
        variants.sort_by_key(|variant| variant.rank);
        Space { help, trials, bases, variants }
    }

    fn set_of(&self, cluster: &Cluster, found: &Measures) -> Set {
        let is = |v: &Variant| {
            v.profile == found.profile && v.classes == found.classes && self.bases[v.base].1 == found.pins
        };
        let variant = self.variants.iter().position(is).expect("all that is found is one of all");
        let mut extra = vec![0; cluster.pools.len()];
        found.extra_nodes.iter().for_each(|e| extra[e.pool] = e.nodes);
        Set { variant, extra, premium: found.premium }
    }

    fn rank(&self, set: &Set) -> Rank {
        let (classes, pins, profile) = self.variants[set.variant].rank;
        (set.premium, classes, pins, profile)
    }

    fn without_nodes(&self, variant: usize) -> Cluster {
        let Variant { base, ref classes, .. } = self.variants[variant];
        prioritised(&self.bases[base].0, classes)
    }

    fn cluster(&self, set: &Set) -> Cluster {
        let pools = set.extra.iter().enumerate().filter(|&(_, &count)| count > 0);
        pools.fold(self.without_nodes(set.variant), |grown, (pool, &count)| grown.with_more(pool, count))
    }

    fn settles(&self, set: &Set) -> bool {
        self.trials.settles(&self.cluster(set), self.variants[set.variant].profile)
    }

    fn measures(&self, planned: &Cluster, set: &Set) -> Measures {
        let Variant { base, profile, ref classes, .. } = self.variants[set.variant];
        let cluster = self.cluster(set);
        Measures::of(planned, self.help, profile, self.bases[base].1.clone(), classes.clone(), cluster)
    }

    /// Whether all that is better than a set may well be tried without spending more.
    fn are_few_below(&self, best: Option<&Set>, most: u64) -> bool {
        let once = looks(&self.bases[0].0);
        let affordable = most.saturating_sub(self.trials.looks()) / once;
        let Some(best) = best else {
            // The cheapest first until the time is up: none is known to suffice.
            return affordable > 0;
        };
        let sets = affordable / (self.variants.len() as u64).max(1);
        let cheaper = self.nodes().take_while(|(premium, _)| *premium <= best.premium);
        let cheaper = cheaper.take(usize::try_from(sets).unwrap_or(usize::MAX).saturating_add(1)).count();
        // With no nodes at all only the variants before this one are better.
        if best.premium == Money::ZERO && cheaper == 1 {
            return best.variant as u64 <= affordable;
        }
        cheaper as u64 <= sets
    }

    /// Tries all sets from the cheapest on until one suffices: that is the best there is. Whether it came to an
    /// end, for one sufficed or all were tried.
    fn all_below(&self, best: &mut Option<Set>, most: u64) -> bool {
        let mut nodes = self.nodes().peekable();
        while let Some((premium, first)) = nodes.next() {
            if best.as_ref().is_some_and(|best| best.premium < premium) {
                return true;
            }
            let mut alike = vec![first];
            while let Some((_, more)) = nodes.next_if(|&(next, _)| next == premium) {
                alike.push(more);
                if alike.len() > MOST_ALIKE {
                    return false;
                }
            }
            for variant in 0..self.variants.len() {
                for extra in &alike {
                    let set = Set { variant, extra: extra.clone(), premium };
                    if best.as_ref().is_some_and(|best| self.rank(best) <= self.rank(&set)) {
                        return true;
                    }
                    if self.trials.looks() >= most {
                        return false;
                    }
                    if self.settles(&set) {
                        *best = Some(set);
                        return true;
                    }
                }
            }
        }
        true
    }

    /// Variants to begin anew from: those without classes.
    fn alternatives(&self, begun: &Set) -> Vec<usize> {
        if !self.help.nodes || begun.premium == Money::ZERO {
            return Vec::new();
        }
        let own = &self.variants[begun.variant];
        let bare = |v: &Variant| v.classes.is_empty() && v.profile == own.profile;
        let found = (0..self.variants.len()).filter(|&v| v != begun.variant && bare(&self.variants[v]));
        found.collect()
    }

    fn with_nodes(&self, variant: usize, most: u64) -> Option<Set> {
        let cluster = self.without_nodes(variant);
        if self.trials.looks().saturating_add(looks(&cluster) * RUNS_TO_ADD_NODES) > most {
            return None;
        }
        let profile = self.variants[variant].profile;
        let grown = with_extra(&cluster, &self.help.settings(profile), self.trials);
        let counts = cluster.nodes_by_pool().into_iter().zip(grown.nodes_by_pool());
        let extra: Vec<u64> = counts.map(|(before, after)| after - before).collect();
        let set = Set { variant, premium: premium(&cluster, &extra), extra };
        self.settles(&set).then_some(set)
    }

    /// A better set that differs in one node, one pair of nodes or the variant; `None` where none suffices, or the
    /// time is up.
    fn near(&self, best: &Set, most: u64) -> Option<Set> {
        let mut tried = self.fewer_nodes(best);
        // Those with almost as many classes are the likeliest to suffice.
        let variants = (0..best.variant).rev();
        tried.extend(variants.map(|variant| Set { variant, ..best.clone() }));
        tried.into_iter().take_while(|_| self.trials.looks() < most).find(|set| self.settles(set))
    }

    /// The sets of cheaper nodes: one less, one for a cheaper one or two, or two for one.
    fn fewer_nodes(&self, best: &Set) -> Vec<Set> {
        let pools = &self.bases[0].0.pools;
        let mut found = Vec::new();
        let changed = |pool: usize, less: u64, into: Option<(usize, u64)>| {
            let mut extra = best.extra.clone();
            extra[pool] = extra[pool].checked_sub(less)?;
            if let Some((other, more)) = into {
                extra[other] += more;
            }
            let premium = premium(&self.bases[0].0, &extra);
            let set = Set { variant: best.variant, extra, premium };
            (premium < best.premium && self.allows(&set.extra)).then_some(set)
        };
        for pool in 0..pools.len() {
            found.extend([1, 2].into_iter().filter_map(|less| changed(pool, less, None)));
            for other in (0..pools.len()).filter(|&other| other != pool) {
                let ways = [(1, 1), (1, 2), (2, 1)].into_iter();
                found.extend(ways.filter_map(|(less, more)| changed(pool, less, Some((other, more)))));
            }
        }
        // What saves least is the likeliest to suffice.
        found.sort_by(|a, b| b.premium.cmp(&a.premium).then_with(|| a.extra.cmp(&b.extra)));
        found
    }

    fn allows(&self, extra: &[u64]) -> bool {
        let cluster = &self.bases[0].0;
        let nodes: Vec<u64> = cluster.nodes_by_pool().iter().zip(extra).map(|(n, more)| n + more).collect();
        extra.iter().all(|&more| more == 0) || cluster.limits.iter().all(|limit| limit.holds(&nodes))
    }

    /// Nodes that may be added, of every pool so many, the cheapest sets first.
    fn nodes(&self) -> impl Iterator<Item = (Money, Vec<u64>)> + '_ {
        let cluster = &self.bases[0].0;
        let pools = cluster.pools.len();
        let mut ahead = BinaryHeap::from([Reverse((Money::ZERO, vec![0u64; pools]))]);
        std::iter::from_fn(move || {
            let Reverse((premium_so_far, extra)) = ahead.pop()?;
            if self.help.nodes {
                // Every set comes from one other: by a node of its last pool.
                let last = extra.iter().rposition(|&count| count > 0).unwrap_or(0);
                for pool in last..pools {
                    let mut more = extra.clone();
                    more[pool] += 1;
                    if self.allows(&more) {
                        ahead.push(Reverse((premium(cluster, &more), more)));
                    }
                }
            }
            Some((premium_so_far, extra))
        })
    }
}

fn of(classes: &[PriorityClass]) -> impl Iterator<Item = &[usize]> {
    classes.iter().map(|class| class.workloads.as_slice())
}

fn premium(cluster: &Cluster, extra: &[u64]) -> Money {
    cluster.pools.iter().zip(extra).map(|(pool, &count)| pool.rate.for_hours(count)).sum()
}
