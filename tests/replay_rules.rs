//! Each filter of the replayed scheduler on a few nodes, worked out by hand: what it lets through and
//! what it refuses.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/small.rs"]
mod small;

use plimsoll::replay::{Cluster, Order, Profile, Rules, Scheduler, Spread, run};
use small::{cluster, deploy};

/// Two equal nodes in two zones.
fn two() -> Cluster {
    cluster(&[(4, 16, 0), (4, 16, 1)])
}

/// Pods left pending, which is the same in both profiles, all orders and three seeds.
fn pending(cluster: &Cluster) -> u64 {
    let mut found = Vec::new();
    for profile in Profile::ALL {
        for order in Order::ALL {
            found.extend((0..3).map(|seed| run(cluster, profile, order, seed).pending_pods()));
        }
    }
    found.dedup();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

#[test]
fn resources_bound_the_pods_of_a_node() {
    // Eight pods of a core and one more than two nodes of four cores hold.
    let mut cluster = two();
    deploy(&mut cluster, 9, 1000, 64, Rules::default());
    assert_eq!(pending(&cluster), 1);
    // 16 GiB hold sixteen pods of one GiB; 20 pod slots do not bind.
    let mut cluster = two();
    deploy(&mut cluster, 33, 10, 1024, Rules::default());
    assert_eq!(pending(&cluster), 1);
    // Pod slots: 20 a node.
    let mut cluster = two();
    deploy(&mut cluster, 42, 0, 0, Rules::default());
    assert_eq!(pending(&cluster), 2);
}

#[test]
fn daemon_sets_are_there_before_any_pod() {
    let mut cluster = two();
    cluster.pools[0].taken = vec![1000, 0, 1];
    deploy(&mut cluster, 8, 1000, 64, Rules::default());
    assert_eq!(pending(&cluster), 2);
}

#[test]
fn an_extended_resource_is_a_resource() {
    let mut cluster = cluster(&[(4, 16, 0), (8, 16, 1)]);
    cluster.resources.push("nvidia.com/gpu".into());
    for (pool, gpus) in cluster.pools.iter_mut().zip([0, 2]) {
        pool.allocatable.push(gpus);
        pool.taken.push(0);
    }
    deploy(&mut cluster, 3, 100, 64, Rules::default());
    cluster.workloads[0].requests.push(1);
    assert_eq!(pending(&cluster), 1);
}

#[test]
fn pods_go_only_where_their_node_rules_allow() {
    let mut cluster = cluster(&[(4, 16, 0), (8, 16, 1)]);
    deploy(&mut cluster, 6, 1000, 64, Rules { pools: Some(vec![true, false]), ..Rules::default() });
    assert_eq!(pending(&cluster), 2);
    cluster.workloads[0].rules = Rules { zones: Some(vec![false, true, true]), ..Rules::default() };
    assert_eq!(pending(&cluster), 0);
    cluster.workloads[0].rules.pools = Some(vec![true, false]);
    assert_eq!(pending(&cluster), 6);
}

#[test]
fn anti_affinity_keeps_pods_apart_on_nodes_and_in_zones() {
    let mut apart = two();
    deploy(&mut apart, 3, 100, 64, Rules { apart_on_node: vec![0], ..Rules::default() });
    assert_eq!(pending(&apart), 1);
    // Three nodes in two zones: a pod in each zone.
    let mut zones = cluster(&[(4, 16, 0), (4, 16, 1), (4, 16, 1)]);
    deploy(&mut zones, 3, 100, 64, Rules { apart_in_zone: vec![0], ..Rules::default() });
    assert_eq!(pending(&zones), 1);
    // Two workloads that refuse each other on one node.
    let mut others = cluster(&[(4, 16, 0)]);
    deploy(&mut others, 1, 100, 64, Rules { apart_on_node: vec![1], ..Rules::default() });
    deploy(&mut others, 1, 100, 64, Rules { apart_on_node: vec![0], ..Rules::default() });
    assert_eq!(pending(&others), 1);
}

#[test]
fn a_cap_per_node_holds() {
    let mut cluster = two();
    deploy(&mut cluster, 5, 100, 64, Rules { max_per_node: Some(2), ..Rules::default() });
    assert_eq!(pending(&cluster), 1);
}

#[test]
fn affinity_gathers_pods_around_the_first() {
    // Four pods of a core that want each other's node fill it; the fifth finds no room there.
    let mut cluster = two();
    deploy(&mut cluster, 5, 1000, 64, Rules { near_on_node: vec![vec![0]], ..Rules::default() });
    assert_eq!(pending(&cluster), 1);
    cluster.workloads[0].rules = Rules { near_in_zone: vec![vec![0]], ..Rules::default() };
    assert_eq!(pending(&cluster), 1);
    // To be near a workload that never runs is impossible; the exception is for its own kind only.
    cluster.workloads[0].rules = Rules { near_on_node: vec![vec![1]], ..Rules::default() };
    deploy(&mut cluster, 0, 100, 64, Rules::default());
    assert_eq!(pending(&cluster), 5);
}

#[test]
fn a_spread_holds_its_skew() {
    let spread = |zones, max_skew, min_domains| Rules {
        spread: vec![Spread { zones, max_skew, min_domains, counts: vec![0] }],
        own_spread: true,
        ..Rules::default()
    };
    // Room for four in zone 0 and eight in zone 1: with skew 1 four and five.
    let mut cluster = cluster(&[(4, 16, 0), (8, 16, 1)]);
    deploy(&mut cluster, 10, 1000, 64, spread(true, 1, None));
    assert_eq!(pending(&cluster), 1);
    cluster.workloads[0].rules = spread(false, 2, None);
    assert_eq!(pending(&cluster), 0);
    // Two zones where three are wanted: the missing one counts as empty.
    cluster.workloads[0].rules = spread(true, 1, Some(3));
    assert_eq!(pending(&cluster), 8);
    // A zone that the pod may not use is no domain.
    cluster.workloads[0].rules = Rules { zones: Some(vec![false, true, false]), ..spread(true, 1, None) };
    assert_eq!(pending(&cluster), 2);
}

#[test]
fn higher_priority_goes_first_whatever_the_order_of_arrival() {
    // Small pods spread over both nodes leave no room for the large one, unless it goes first.
    let mut cluster = two();
    deploy(&mut cluster, 4, 1000, 64, Rules::default());
    deploy(&mut cluster, 1, 4000, 64, Rules::default());
    assert_eq!(run(&cluster, Profile::Default, Order::ByWorkload, 0).pending, [(1, 1)]);
    assert_eq!(run(&cluster, Profile::Default, Order::BigFirst, 0).pending, []);
    cluster.workloads[1].priority = 10;
    assert_eq!(pending(&cluster), 0);
}

#[test]
fn the_default_profile_spreads_and_the_other_packs() {
    let mut cluster = two();
    deploy(&mut cluster, 2, 1000, 4096, Rules::default());
    // A bare pod has no ReplicaSet that its spreading could go by.
    cluster.workloads[0].kind = plimsoll::workload::WorkloadKind::Pod;
    let used = |profile| {
        let mut scheduler = Scheduler::new(&cluster, profile, 0);
        let nodes = [scheduler.place(0).unwrap(), scheduler.place(0).unwrap()];
        usize::from(nodes[0] != nodes[1]) + 1
    };
    assert_eq!((used(Profile::Default), used(Profile::MostAllocated)), (2, 1));
}

#[test]
fn what_is_taken_off_a_node_leaves_room() {
    let mut cluster = cluster(&[(4, 16, 0)]);
    deploy(&mut cluster, 2, 3000, 64, Rules::default());
    let mut scheduler = Scheduler::new(&cluster, Profile::Default, 0);
    assert_eq!((scheduler.place(0), scheduler.place(0)), (Some(0), None));
    scheduler.remove(0, 0);
    scheduler.cordon(0, true);
    assert_eq!(scheduler.place(0), None);
    scheduler.cordon(0, false);
    assert_eq!((scheduler.place(0), scheduler.pods_on(0, 0)), (Some(0), 1));
}
