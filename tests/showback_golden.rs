//! Published figures about allocation, each with its working and its source; and that showbacks sum.

mod machines;

use std::collections::BTreeMap;

use machines::{money, rate};
use plimsoll::bill::EffectiveCost;
use plimsoll::bill::showback::{
    BasePrices, IdleSharing, Part, PartUse, ShowbackNodes, UNALLOCATED, blended, efficiency, showback,
};
use plimsoll::units::{Money, Rate};
use proptest::prelude::*;

fn cost(text: &str) -> EffectiveCost {
    EffectiveCost::new(money(text))
}

fn all_used(capacity: u64, owner: usize) -> PartUse {
    PartUse { capacity, pods: vec![(owner, capacity)], ..PartUse::default() }
}

fn owners(names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| Some((*name).to_owned())).collect()
}

/// OC-NORM, OpenCost specification 0.1, appendix A: a node of 35 a month with one GPU, one CPU and one
/// GB at base prices of 30, 30 and 10 is 15, 15 and 5: each times 35 / 70.
#[test]
fn base_prices_are_normalised_to_the_node() {
    let prices = BasePrices { cpu: rate("30"), memory: rate("10"), accelerator: rate("30") };
    let parts = BTreeMap::from([
        (Part::Cpu, all_used(1_000, 0)),
        (Part::Memory, all_used(1_024, 0)),
        (Part::Accelerator, all_used(1, 0)),
    ]);
    let nodes = [ShowbackNodes { cost: cost("35"), parts }];
    let bill = showback(&nodes, &owners(&["a"]), &prices, IdleSharing::Cluster, cost("0"), cost("0"));
    let row = &bill.owners[0];
    assert_eq!((row.accelerator, row.cpu, row.memory), (cost("15"), cost("15"), cost("5")));
}

/// EKS-SPLIT, AWS split cost allocation data: an m5.xlarge at 1.00 an hour, 4 vCPU and 16 GB, at 9 to
/// 1: 9 / 52 = 0.1731 per vCPU and 1 / 52 = 0.01923 per GB (the documentation rounds to 0.17 and 0.02).
#[test]
fn an_eks_node_is_split_nine_to_one() {
    let quarter = |capacity: u64| PartUse {
        capacity,
        pods: (0..4).map(|owner| (owner, capacity / 4)).collect(),
        ..PartUse::default()
    };
    let parts = BTreeMap::from([(Part::Cpu, quarter(4_000)), (Part::Memory, quarter(16 * 1_024))]);
    let nodes = [ShowbackNodes { cost: cost("1"), parts }];
    let names = owners(&["a", "b", "c", "d"]);
    let bill = showback(&nodes, &names, &BasePrices::DEFAULT, IdleSharing::Cluster, cost("0"), cost("0"));
    // One owner has 1 vCPU and 4 GB.
    assert_eq!(bill.owners[3].cpu, cost("0.173076923"));
    assert_eq!(bill.owners[3].memory, cost("0.076923077"), "4 x 0.01923");
}

/// KC-EFF, Kubecost documentation: 2 CPU and 1 GB requested, 0.5 and 0.5 used, at 10 and 1:
/// (0.5 x 10 + 0.5 x 1) / (2 x 10 + 1 x 1) = 5.5 / 21 = 26 %.
#[test]
fn efficiency_is_weighted_by_cost() {
    let result = efficiency(&[(500, 2_000, rate("10")), (500, 1_000, rate("1"))]);
    assert_eq!(result.map(|r| r.percent(0)), Some("26".to_owned()));
}

/// KC-IDLE, Kubecost documentation: two nodes of 6 with w1 to w4 on the one and w5 on the other, each
/// of cost 1. By node, 2 of idle are shared by w1 to w4 and 5 go to w5; by cluster, 7 by all five.
#[test]
fn idle_cost_is_shared_by_node_or_by_cluster() {
    let node = |owners: std::ops::Range<usize>| {
        let pods: Vec<(usize, u64)> = owners.map(|owner| (owner, 1_000)).collect();
        let idle = 6_000 - 1_000 * pods.len() as u64;
        let cpu = PartUse { capacity: 6_000, pods, idle, ..PartUse::default() };
        ShowbackNodes { cost: cost("6"), parts: BTreeMap::from([(Part::Cpu, cpu)]) }
    };
    let nodes = [node(0..4), node(4..5)];
    let names = owners(&["w1", "w2", "w3", "w4", "w5"]);
    let of = |sharing| showback(&nodes, &names, &BasePrices::DEFAULT, sharing, cost("0"), cost("0"));
    let shared = |sharing| of(sharing).owners.iter().map(|o| o.shared).collect::<Vec<_>>();
    assert_eq!(of(IdleSharing::Node).idle, cost("7"));
    assert_eq!(shared(IdleSharing::Node), [cost("0.5"), cost("0.5"), cost("0.5"), cost("0.5"), cost("5")]);
    assert_eq!(shared(IdleSharing::Cluster), [cost("1.4"); 5]);
    assert!(of(IdleSharing::Node).owners.iter().all(|o| o.direct() == cost("1")), "idle stays apart");
}

/// The four residuals, the centre's lines and pods without the label, worked out by hand: a node of
/// 10 with cpu only, 10 vCPU: 1 system, 2 DaemonSets, 1 headroom, 3 and 2 of pods, 1 idle.
#[test]
fn everything_that_no_pod_asked_for_has_its_own_line() {
    let cpu = PartUse {
        capacity: 10_000,
        system: 1_000,
        daemon_sets: 2_000,
        headroom: 1_000,
        pods: vec![(0, 3_000), (1, 1_500), (2, 500)],
        idle: 1_000,
    };
    let nodes = [ShowbackNodes { cost: cost("10"), parts: BTreeMap::from([(Part::Cpu, cpu)]) }];
    let names = [Some("web".to_owned()), None, None];
    let bill = showback(&nodes, &names, &BasePrices::DEFAULT, IdleSharing::Cluster, cost("4"), cost("0.1"));
    let rows: Vec<(&str, EffectiveCost)> =
        bill.owners.iter().map(|o| (o.owner.as_str(), o.direct())).collect();
    assert_eq!(rows, [("web", cost("3")), (UNALLOCATED, cost("2"))]);
    assert_eq!((bill.system, bill.daemon_sets), (cost("1"), cost("2")));
    assert_eq!((bill.headroom, bill.idle), (cost("1"), cost("1")));
    assert_eq!((bill.unused_commitment, bill.overhead, bill.total), (cost("4"), cost("0.1"), cost("14.1")));
}

/// A commitment that covers one of two equal nodes makes neither of their owners pay less.
#[test]
fn a_family_shares_its_commitments() {
    let groups = [
        ("m5".to_owned(), cost("60"), money("100")),
        ("m5".to_owned(), cost("100"), money("100")),
        ("c5".to_owned(), cost("50"), money("50")),
    ];
    assert_eq!(blended(&groups), [cost("80"), cost("80"), cost("50")]);
}

proptest! {
    /// The function asserts that its lines sum to the bill; here it meets awkward amounts.
    #[test]
    fn lines_sum_to_the_bill(
        costs in prop::collection::vec(0i128..10i128.pow(15), 1..6),
        amounts in prop::collection::vec(prop::collection::vec(0u64..1_000_000, 6), 6),
        by_node in any::<bool>(),
    ) {
        let names = [Some("a".to_owned()), Some("b".to_owned()), None];
        let nodes: Vec<ShowbackNodes> = costs.iter().zip(&amounts).map(|(&nanos, a)| {
            let part = |shift: usize| {
                let at = |i: usize| a[(i + shift) % 6];
                let pods = vec![(shift % 3, at(3)), (2, at(4))];
                let capacity = (0..6).map(at).sum();
                PartUse { capacity, system: at(0), daemon_sets: at(1), headroom: at(2), pods, idle: at(5) }
            };
            let parts = BTreeMap::from([(Part::Cpu, part(0)), (Part::Memory, part(1))]);
            ShowbackNodes { cost: EffectiveCost::new(Money::from_nanos(nanos)), parts }
        }).collect();
        let sharing = if by_node { IdleSharing::Node } else { IdleSharing::Cluster };
        let prices = BasePrices { cpu: Rate::from_nanos(7), memory: Rate::from_nanos(3), ..BasePrices::DEFAULT };
        let bill = showback(&nodes, &names, &prices, sharing, cost("1.000000001"), cost("0"));
        prop_assert_eq!(bill.sum(), bill.total);
    }
}
