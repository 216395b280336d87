//! Rolling updates and drains on a few nodes, worked out by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/small.rs"]
mod small;

use plimsoll::replay::{Life, Rules, live, room};
use plimsoll::units::PartsPerMillion;
use plimsoll::workload::{Amount, UpdateStrategy, WorkloadKind};
use small::{cluster, deploy};

#[test]
fn an_update_needs_room_for_its_surge_where_no_pod_may_be_missing() {
    // Two pods of two cores fill a node; a quarter of two is one pod of surge and none that is missing.
    let mut cluster = cluster(&[(4, 16, 0)]);
    deploy(&mut cluster, 2, 2000, 64, Rules::default());
    let found = live(&cluster, &Life::default());
    assert_eq!((found.pending, found.updates), (0, vec![(0, 2)]));
    // With half of them missing, or with one to be missing, it goes through.
    let half = Life { max_unavailable: Amount::Share(PartsPerMillion(500_000)), ..Life::default() };
    assert_eq!(live(&cluster, &half).updates, []);
    // Four of one core: one in surge finds no room, one may be missing, so that it goes step by step.
    cluster.workloads.clear();
    deploy(&mut cluster, 4, 1000, 64, Rules::default());
    assert_eq!(live(&cluster, &Life::default()).updates, []);
}

#[test]
fn a_stateful_set_takes_its_own_room_again() {
    let mut cluster = cluster(&[(4, 16, 0), (4, 16, 1)]);
    deploy(&mut cluster, 4, 2000, 64, Rules::default());
    cluster.workloads[0].kind = WorkloadKind::StatefulSet;
    assert_eq!(live(&cluster, &Life::default()).updates, []);
}

#[test]
fn what_a_manifest_says_of_its_update_holds_for_its_workload() {
    // Two pods of two cores fill a node, as above.
    let mut cluster = cluster(&[(4, 16, 0)]);
    deploy(&mut cluster, 2, 2000, 64, Rules::default());
    let stuck = |cluster: &plimsoll::replay::Cluster| live(cluster, &Life::default()).updates;
    assert_eq!(stuck(&cluster), [(0, 2)]);
    let rolling = |surge, missing| UpdateStrategy::Rolling {
        max_surge: Amount::Pods(surge),
        max_unavailable: Amount::Pods(missing),
    };
    let allowed = [
        rolling(0, 1),
        UpdateStrategy::Recreate,
        UpdateStrategy::InPlace { max_unavailable: Amount::Pods(2) },
    ];
    for update in allowed {
        cluster.workloads[0].update = Some(update);
        assert_eq!(stuck(&cluster), [], "{update:?}");
    }
    // Four pods of one core have a quarter, one pod, missing; none may be with this strategy.
    cluster.workloads.clear();
    deploy(&mut cluster, 4, 1000, 64, Rules::default());
    assert_eq!(stuck(&cluster), []);
    cluster.workloads[0].update = Some(rolling(2, 0));
    assert_eq!(stuck(&cluster), [(0, 4)]);
}

#[test]
fn a_drain_needs_a_node_s_room_elsewhere() {
    // Both nodes hold two of four cores' worth: either fits beside the other.
    let mut cluster = cluster(&[(4, 16, 0), (4, 16, 1)]);
    deploy(&mut cluster, 4, 1000, 64, Rules::default());
    assert!(live(&cluster, &Life::default()).is_none());
    // Two more, and three of a drained node find room for one.
    cluster.workloads[0].pods = 6;
    let found = live(&cluster, &Life::default());
    assert_eq!((found.updates, found.drains), (vec![], vec![(0, 2), (1, 2)]));
    // Pods that refuse to share a node have nowhere to go.
    cluster.workloads[0].pods = 2;
    cluster.workloads[0].rules = Rules { apart_on_node: vec![0], ..Rules::default() };
    assert_eq!(live(&cluster, &Life::default()).drains, [(0, 1), (1, 1)]);
}

#[test]
fn the_room_is_priced_in_nodes() {
    let mut cluster = cluster(&[(4, 16, 0), (4, 16, 1)]);
    deploy(&mut cluster, 8, 1000, 64, Rules::default());
    let found = room(&cluster, &Life::default());
    assert!(!found.without.is_none() && found.with.is_none(), "{found:?}");
    // One more node of four cores takes what any of them holds.
    let nodes: Vec<_> = found.extra_nodes.iter().map(|e| (e.pool, e.nodes)).collect();
    assert_eq!((nodes, found.premium.to_string()), (vec![(0, 1)], "4".to_owned()));
    let enough = room(&cluster.with_more(0, 1), &Life::default());
    assert!(enough.without.is_none() && enough.extra_nodes.is_empty());
}
