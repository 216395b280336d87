//! The search held against brute force: every set of measures that tiny clusters have.

use super::classes::{Ranking, classes, distinct_sizes, prioritised};
use super::*;
use crate::replay::cluster::{Node, Pool, Replicated, Rules};
use crate::units::{Rate, ResourceName};
use crate::workload::WorkloadKind;

/// Random clusters, each of a few nodes that a plan fills to the last pod.
const CLUSTERS: u64 = 400;
/// With so many nodes more per pool brute force gives up where the search has found nothing.
const MOST_PER_POOL: u64 = 2;

/// What makes one set of measures better than another one.
type Key = (Money, usize, usize, usize);

fn pick<T: Copy>(random: &mut fastrand::Rng, of: &[T]) -> T {
    of[random.usize(..of.len())]
}

/// Two or three pools of one to three nodes, three to six workloads: some whole in one pool, some split, some with
/// a priority of their own, some bound by a rule.
fn tiny(seed: u64) -> Cluster {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut shapes = [(4u64, 8u64), (4, 16), (4, 32), (8, 16), (8, 32), (16, 32)];
    random.shuffle(&mut shapes);
    let mut cluster = Cluster {
        resources: vec![ResourceName::Cpu, ResourceName::Memory, ResourceName::Pods],
        zones: ["a", "b"].map(str::to_owned).to_vec(),
        pools: Vec::new(),
        nodes: Vec::new(),
        workloads: Vec::new(),
        limits: Vec::new(),
    };
    for &(cpu, memory) in &shapes[..random.usize(2..=3)] {
        let pool = cluster.pools.len();
        cluster.pools.push(Pool {
            name: format!("c{cpu}m{memory}"),
            instance_type: format!("c{cpu}m{memory}"),
            allocatable: vec![cpu * 1000, memory << 30, 20],
            taken: vec![0; 3],
            rate: Rate::from_nanos(cpu * 40_000_000 + memory * 5_000_000),
        });
        (0..random.usize(1..=3)).for_each(|n| cluster.nodes.push(Node { pool, zone: n % 2 }));
    }
    let pools = cluster.pools.len();
    let homes: Vec<Option<usize>> =
        (0..random.usize(3..=6)).map(|_| (random.u8(..4) > 0).then(|| random.usize(..pools))).collect();
    for (index, _) in homes.iter().enumerate() {
        let max_per_node = (random.u8(..6) == 0).then_some(1);
        cluster.workloads.push(Replicated {
            id: format!("default/Deployment/w{index}"),
            kind: pick(&mut random, &[WorkloadKind::Deployment, WorkloadKind::Deployment, WorkloadKind::Job]),
            pods: 0,
            requests: vec![
                pick(&mut random, &[500, 1000, 1500, 2000, 3000, 4000]),
                pick(&mut random, &[1, 2, 3, 4, 6, 8, 16]) << 30,
                1,
            ],
            priority: pick(&mut random, &[0, 0, 0, 0, 0, 1000, -5]),
            planned: Vec::new(),
            update: None,
            rules: Rules { max_per_node, ..Rules::default() },
        });
    }
    // Nodes are filled until nothing fits.
    let mut planned = vec![vec![0u64; pools]; homes.len()];
    for node in &cluster.nodes {
        let mut free = cluster.pools[node.pool].allocatable.clone();
        let mut here = vec![0u64; homes.len()];
        loop {
            let fits = |w: &usize| {
                let workload = &cluster.workloads[*w];
                homes[*w].is_none_or(|home| home == node.pool)
                    && workload.requests.iter().zip(&free).all(|(wanted, free)| wanted <= free)
                    && workload.rules.max_per_node.is_none_or(|most| here[*w] < most)
            };
            let fitting: Vec<usize> = (0..homes.len()).filter(fits).collect();
            if fitting.is_empty() {
                break;
            }
            let w = pick(&mut random, &fitting);
            free.iter_mut().zip(&cluster.workloads[w].requests).for_each(|(free, wanted)| *free -= wanted);
            here[w] += 1;
            planned[w][node.pool] += 1;
        }
    }
    for (workload, planned) in cluster.workloads.iter_mut().zip(planned) {
        workload.pods = planned.iter().sum();
        workload.planned = planned.into_iter().enumerate().filter(|&(_, pods)| pods > 0).collect();
    }
    cluster
}

fn help(seed: u64) -> Help {
    Help {
        profiles: if seed.is_multiple_of(2) { vec![Profile::Default] } else { Profile::ALL.to_vec() },
        seeds: vec![0, 1],
        ..Help::default()
    }
}

/// Multisets of nodes that cost at most so much, or without such a limit have at most so many of each pool.
fn multisets(cluster: &Cluster, most: Option<Money>) -> Vec<(Money, Vec<u64>)> {
    let mut all = vec![(Money::ZERO, Vec::new())];
    for pool in &cluster.pools {
        let mut longer = Vec::new();
        for (cost, counts) in all {
            for count in 0.. {
                let cost: Money = [cost, pool.rate.for_hours(count)].into_iter().sum();
                if most.map_or(count > MOST_PER_POOL, |most| cost > most) {
                    break;
                }
                longer.push((cost, [counts.as_slice(), &[count]].concat()));
            }
        }
        all = longer;
    }
    all.sort();
    all
}

/// The best of all there are.
fn brute_force(cluster: &Cluster, help: &Help, most: Option<Money>) -> Option<Key> {
    let mut bases = vec![(cluster.clone(), 0)];
    bases.extend(pins(cluster).map(|pins| (pinned(cluster, &pins), pins.len())));
    let mut variants: Vec<(usize, usize, usize, Cluster)> = Vec::new();
    for (base, pins) in bases {
        let split = pins > 0;
        for profile in 0..help.profiles.len() {
            variants.push((0, pins, profile, base.clone()));
            for by in Ranking::worth_a_try(&base) {
                for count in 1..=help.classes.min(distinct_sizes(&base, by.lead, split)) {
                    let classes = classes(&base, count, by, split);
                    variants.push((classes.len(), pins, profile, prioritised(&base, &classes)));
                }
            }
        }
    }
    variants.sort_by_key(|&(classes, pins, profile, _)| (classes, pins, profile));
    let mut best: Option<Key> = None;
    // What stranded a pod last is tried first.
    let mut runs: Vec<(Order, u64)> = Vec::new();
    for &order in &help.orders {
        runs.extend(help.seeds.iter().map(|&seed| (order, seed)));
    }
    for (cost, counts) in multisets(cluster, most) {
        for (classes, pins, profile, variant) in &variants {
            let key = (cost, *classes, *pins, *profile);
            if best.is_some_and(|best| best <= key) {
                continue;
            }
            let grown = counts.iter().enumerate();
            let grown = grown.fold(variant.clone(), |grown, (pool, &more)| grown.with_more(pool, more));
            let strands = |&(order, seed): &(Order, u64)| {
                !crate::replay::run(&grown, help.profiles[*profile], order, seed).pending.is_empty()
            };
            match runs.iter().position(strands) {
                Some(failed) => runs[..=failed].rotate_right(1),
                None => best = Some(key),
            }
        }
    }
    best
}

fn key(help: &Help, found: &Measures) -> Key {
    let profile = help.profiles.iter().position(|&p| p == found.profile).expect("one of those allowed");
    (found.premium, found.classes.len(), found.pins.len(), profile)
}

/// Clusters that need measures, that settle only with nodes, and what of them is equal to the best of all.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    needed: u32,
    paid: u32,
    equal: u32,
    as_cheap: u32,
    proven: u32,
}

/// With the clusters on which the two differ.
fn compared(clusters: std::ops::Range<u64>, looks: u64) -> (Count, Vec<String>) {
    let mut count = Count::default();
    let mut worse = Vec::new();
    for seed in clusters {
        let (cluster, help) = (tiny(seed), help(seed));
        let found = within(&cluster, &help, looks);
        let best = brute_force(&cluster, &help, found.settled().then_some(found.premium));
        let ours = found.settled().then(|| key(&help, &found));
        // What is said to be proven is, and nothing is cheaper than the cheapest.
        assert!(!found.proven || ours == best, "{seed}: {ours:?} for {best:?}");
        assert!(found.after.iter().all(|run| run.pending.is_empty()) || ours.is_none());
        count.needed += u32::from(best.is_none_or(|best| best > (Money::ZERO, 0, 0, 0)));
        count.paid += u32::from(best.is_some_and(|best| best.0 > Money::ZERO));
        count.equal += u32::from(ours == best);
        count.as_cheap += u32::from(ours.map(|key| key.0) == best.map(|key| key.0));
        count.proven += u32::from(found.proven);
        if ours != best {
            worse.push(format!("{seed}: {ours:?} for {best:?}"));
        }
    }
    (count, worse)
}

#[test]
fn measures_are_the_cheapest_there_are_on_tiny_clusters() {
    let (count, worse) = compared(0..CLUSTERS, LOOKS);
    assert!(worse.is_empty(), "{worse:?}");
    let all = CLUSTERS as u32;
    assert_eq!((count.equal, count.proven), (all, all));
    // The clusters are such that there is something to find.
    assert!(count.needed > all / 2 && count.paid > all / 5, "{count:?}");
}

/// As in large clusters, where not everything can be tried.
#[test]
fn measures_near_by_are_better_than_the_first_found() {
    let first = compared(0..CLUSTERS, 0).0;
    let near = compared(0..CLUSTERS, 60_000).0;
    assert!(near.equal < CLUSTERS as u32 && near.as_cheap > first.as_cheap && near.equal > first.equal);
}
