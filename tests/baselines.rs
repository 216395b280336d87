//! The re-implemented policies against the real Karpenter's figures, and in hand-worked cases.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use plimsoll::plan::{Pattern, Plan};
use plimsoll::problem::{BinSet, BinType, BinTypeId, ItemType, ItemTypeId, Problem};
use plimsoll::solver::baseline::{BaselineError, Method, pack};
use plimsoll::units::{Rate, Resources};
use plimsoll::verify::verify_plan;
use proptest::prelude::*;

fn rows(text: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    reader.records().map(Result::unwrap).collect()
}

/// The cluster that the real Karpenter was run on, with types up to so many vCPUs.
fn karpenters_cluster(max_vcpu: u64) -> Problem {
    let number = |row: &csv::StringRecord, i: usize| row[i].parse::<u64>().unwrap();
    let types: Vec<_> = rows(include_str!("fixtures/karpenter_types.csv"))
        .into_iter()
        .filter(|r| number(r, 1) <= max_vcpu)
        .map(|r| BinType {
            capacity: Resources::from_iter([number(&r, 2), number(&r, 3), number(&r, 4)]),
            rate: r[5].parse().unwrap(),
            stock: None,
        })
        .collect();
    let mut shapes: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for row in rows(include_str!("fixtures/karpenter_workload.csv")) {
        *shapes.entry((number(&row, 2), number(&row, 3))).or_default() += number(&row, 1);
    }
    let all = BinSet::all(types.len());
    let items = shapes
        .into_iter()
        .map(|((cpu, memory), copies)| ItemType {
            demand: Resources::from_iter([cpu, memory, 1]),
            copies,
            max_per_bin: None,
            eligible: all.clone(),
        })
        .collect();
    Problem::new(["cpu", "memory", "pods"].map(str::to_owned).to_vec(), items, types, [], None).unwrap()
}

/// Cost of a method's plan in dollars per hour, and its bins.
fn cost(problem: &Problem, method: Method) -> (f64, u128) {
    let arrivals: Vec<_> = problem.item_ids().map(|i| (i, problem.item(i).copies)).collect();
    let packed = pack(problem, &arrivals, method).unwrap();
    let plan = verify_plan(problem, packed.plan).unwrap();
    (plan.hourly_cost().nanos() as f64 / 1e9, plan.plan().bin_count())
}

/// All pods at once leave nothing to chance: the same nodes at the same cost, before and after
/// consolidation. Other batches depend on the order of arrival: the median of five orders is near.
#[test]
fn karpenters_policy_lies_near_the_real_karpenter() {
    for row in rows(include_str!("fixtures/karpenter_runs.csv")).iter().filter(|r| &r[3] == "yes") {
        let problem = karpenters_cluster(row[1].parse().unwrap_or(u64::MAX));
        let batch = row[2].parse().ok();
        let (real, nodes, bound): (f64, u128, f64) =
            (row[4].parse().unwrap(), row[5].parse().unwrap(), row[6].parse().unwrap());
        let mut ours: Vec<_> = (0..5).map(|seed| cost(&problem, Method::Karpenter { batch, seed })).collect();
        ours.sort_by(|a, b| a.0.total_cmp(&b.0));
        let median = ours[2];
        assert!(ours[0].0 >= bound, "{row:?}: {ours:?}");
        if batch.is_none() {
            assert!((median.0 - real).abs() < 0.00005 && median.1 == nodes, "{row:?}: {median:?}");
        } else {
            assert!((median.0 / real - 1.0).abs() < 0.06, "{row:?}: {median:?}");
        }
    }
}

/// The other policies on the same cluster never undercut what is proven least.
#[test]
fn the_other_policies_cost_more_than_the_proven_bound() {
    let problem = karpenters_cluster(u64::MAX);
    let small = karpenters_cluster(16);
    for method in [Method::OnePerBin, Method::FirstFitMerge, Method::ClusterAutoscaler] {
        assert!(cost(&problem, method).0 > 18.2884 && cost(&small, method).0 > 18.3849, "{method:?}");
    }
}

/// Items `[cpu, memory]` x copies, in order of arrival; types `[cpu, memory]` at a rate.
fn problem(
    items: &[([u64; 2], u64, Option<u64>)],
    types: &[([u64; 2], u64)],
    conflicts: &[(u32, u32)],
) -> Problem {
    let items = items
        .iter()
        .map(|&(demand, copies, max_per_bin)| ItemType {
            demand: Resources::from_iter(demand),
            copies,
            max_per_bin,
            eligible: BinSet::all(types.len()),
        })
        .collect();
    let bins = types
        .iter()
        .map(|&(capacity, rate)| BinType {
            capacity: Resources::from_iter(capacity),
            rate: Rate::from_nanos(rate),
            stock: None,
        })
        .collect();
    let conflicts = conflicts.iter().map(|&(a, b)| (ItemTypeId(a), ItemTypeId(b)));
    Problem::new(vec!["cpu".into(), "memory".into()], items, bins, conflicts, None).unwrap()
}

/// Bin type, content of item types with counts, and number of such bins.
type Bought = (u32, Vec<(u32, u64)>, u64);

fn packed(problem: &Problem, method: Method) -> Vec<Bought> {
    let arrivals: Vec<_> = problem.item_ids().map(|i| (i, problem.item(i).copies)).collect();
    let plan = verify_plan(problem, pack(problem, &arrivals, method).unwrap().plan).unwrap();
    let content = |p: &Pattern| p.content().iter().map(|(i, n)| (i.0, *n)).collect();
    plan.plan().bins().map(|(p, n)| (p.bin_type().0, content(p), n)).collect()
}

#[test]
fn one_vm_per_replica_takes_the_cheapest_that_holds_it() {
    let p = problem(&[([1, 2], 3, None), ([3, 1], 2, None)], &[([2, 2], 5), ([4, 4], 8), ([1, 2], 6)], &[]);
    assert_eq!(packed(&p, Method::OnePerBin), [(0, vec![(0, 1)], 3), (1, vec![(1, 1)], 2)]);
}

#[test]
fn supergiant_merges_in_order_of_arrival_and_cuts_down() {
    // Largest (4, 8). 3 + 1 fill the first, the second 3 opens another, the last 2 a third, which is
    // cut down to (2, 4).
    let p = problem(
        &[([3, 1], 1, None), ([1, 1], 1, None), ([3, 2], 1, None), ([2, 1], 1, None)],
        &[([2, 4], 5), ([4, 8], 9)],
        &[],
    );
    let expected = [(0, vec![(3, 1)], 1), (1, vec![(0, 1), (1, 1)], 1), (1, vec![(2, 1)], 1)];
    assert_eq!(packed(&p, Method::FirstFitMerge), expected);
}

#[test]
fn karpenter_fills_claims_by_fewest_pods_and_looks_at_the_price_last() {
    // Queue 3, 3, 1, 1 by cpu. No type holds two 3s, so that each opens a claim. The first 1 joins the
    // first claim, the second 1 the other, which has fewer pods. Only (4, 8) is left for both.
    let p = problem(&[([1, 1], 2, None), ([3, 1], 2, None)], &[([3, 4], 5), ([4, 8], 9)], &[]);
    let method = Method::Karpenter { batch: None, seed: 0 };
    assert_eq!(packed(&p, method), [(1, vec![(0, 1), (1, 1)], 2)]);
}

#[test]
fn karpenter_consolidates_two_nodes_into_a_cheaper_one() {
    // One pod per batch: four nodes (1, 1) at 5 each; one (4, 4) at 8 holds all four pods.
    let p = problem(&[([1, 1], 4, None)], &[([1, 1], 5), ([4, 4], 8)], &[]);
    assert_eq!(packed(&p, Method::Karpenter { batch: Some(1), seed: 7 }), [(1, vec![(0, 4)], 1)]);
}

#[test]
fn cluster_autoscaler_takes_the_group_that_wastes_least_whatever_it_costs() {
    // Three pods (2, 2). On (2, 2): nothing wasted, 3 x 5. On (4, 4): half of the second node, 2 x 6.
    let p = problem(&[([2, 2], 3, None)], &[([2, 2], 5), ([4, 4], 6)], &[]);
    assert_eq!(packed(&p, Method::ClusterAutoscaler), [(0, vec![(0, 1)], 3)]);
}

#[test]
fn cluster_autoscaler_fills_by_first_fit_decreasing() {
    // One group (4, 4): 3 opens a node each; of the three 1s the first goes to the first node, the next to
    // the second, the last opens a node.
    let p = problem(&[([1, 1], 3, None), ([3, 3], 2, None)], &[([4, 4], 6)], &[]);
    let expected = [(0, vec![(0, 1)], 1), (0, vec![(0, 1), (1, 1)], 2)];
    assert_eq!(packed(&p, Method::ClusterAutoscaler), expected);
}

#[test]
fn what_fits_nowhere_is_an_error() {
    let p = problem(&[([1, 1], 1, None), ([9, 1], 1, None)], &[([4, 4], 6)], &[]);
    for method in METHODS {
        let arrivals = [(ItemTypeId(0), 1), (ItemTypeId(1), 1)];
        assert_eq!(pack(&p, &arrivals, method), Err(BaselineError::Unplaceable(ItemTypeId(1))), "{method:?}");
    }
}

const METHODS: [Method; 6] = [
    Method::OnePerBin,
    Method::FirstFitMerge,
    Method::Karpenter { batch: None, seed: 1 },
    Method::Karpenter { batch: Some(1), seed: 2 },
    Method::Karpenter { batch: Some(5), seed: 3 },
    Method::ClusterAutoscaler,
];

/// Random small problems with caps, conflicts and partial eligibility, where every item fits some type.
fn any_problem() -> impl Strategy<Value = Problem> {
    let item = (0u64..4, 0u64..4, 1u64..12, prop::option::of(1u64..3), any::<[bool; 3]>());
    let items = prop::collection::vec(item, 1..7);
    (items, prop::collection::vec((0u32..7, 0u32..7), 0..5), 1u64..20).prop_map(|(items, pairs, rate)| {
        let types = [([3, 3], rate), ([6, 4], rate * 2 - 1), ([8, 8], rate * 3)];
        let count = items.len() as u32;
        let items = items
            .into_iter()
            .map(|(cpu, memory, copies, max_per_bin, mut eligible)| {
                eligible[2] |= !eligible[0] && !eligible[1];
                ItemType {
                    demand: Resources::from_iter([cpu, memory]),
                    copies,
                    max_per_bin,
                    eligible: BinSet::new(eligible.to_vec()),
                }
            })
            .collect();
        let bins = types.map(|(capacity, rate)| BinType {
            capacity: Resources::from_iter(capacity),
            rate: Rate::from_nanos(rate),
            stock: None,
        });
        let conflicts = pairs.into_iter().filter(|&(a, b)| a != b && a < count && b < count);
        let conflicts = conflicts.map(|(a, b)| (ItemTypeId(a), ItemTypeId(b)));
        Problem::new(vec!["cpu".into(), "memory".into()], items, bins.to_vec(), conflicts, None).unwrap()
    })
}

/// First fit by the book, pod by pod.
fn plain_first_fit(
    problem: &Problem,
    arrivals: &[(ItemTypeId, u64)],
    bin: BinTypeId,
) -> Vec<BTreeMap<ItemTypeId, u64>> {
    let mut bins: Vec<BTreeMap<ItemTypeId, u64>> = Vec::new();
    let fits = |content: &BTreeMap<ItemTypeId, u64>| {
        let pattern = Pattern::new(bin, content.iter().map(|(&i, &n)| (i, n)));
        let missing = verify_plan(problem, Plan::from_iter([(pattern, 1)])).err().unwrap_or_default();
        missing.iter().all(|v| matches!(v, plimsoll::verify::Violation::Copies { .. }))
    };
    for &(item, copies) in arrivals {
        for _ in 0..copies {
            let place = bins.iter().position(|content| {
                let mut more = content.clone();
                *more.entry(item).or_default() += 1;
                fits(&more)
            });
            let place = place.unwrap_or_else(|| {
                bins.push(BTreeMap::new());
                bins.len() - 1
            });
            *bins[place].entry(item).or_default() += 1;
        }
    }
    bins
}

proptest! {
    #[test]
    fn every_plan_passes_the_verifier(problem in any_problem()) {
        let arrivals: Vec<_> = problem.item_ids().map(|i| (i, problem.item(i).copies)).collect();
        for method in METHODS {
            let packed = pack(&problem, &arrivals, method).unwrap();
            prop_assert!(packed.consolidated);
            let verified = verify_plan(&problem, packed.plan);
            prop_assert!(verified.is_ok(), "{:?}: {:?}", method, verified);
        }
    }

    /// Grouping pods and the tree over bins change nothing against looking at every bin for every pod.
    #[test]
    fn first_fit_places_what_pod_by_pod_would(problem in any_problem()) {
        // With one type there is nothing to cut down.
        let items = problem.items().iter().map(|i| ItemType { eligible: BinSet::all(1), ..i.clone() }).collect();
        let bins = vec![problem.bins()[2].clone()];
        let one = Problem::new(problem.dimensions().to_vec(), items, bins, problem.conflicts().clone(), None).unwrap();
        let arrivals: Vec<_> = one.item_ids().map(|i| (i, one.item(i).copies)).collect();
        let expected = plain_first_fit(&one, &arrivals, BinTypeId(0));
        let expected: Plan = expected.into_iter().map(|c| (Pattern::new(BinTypeId(0), c), 1)).collect();
        prop_assert_eq!(pack(&one, &arrivals, Method::FirstFitMerge).unwrap().plan, expected);
    }

    /// The same for the classes of equal nodes of the other estimator, in its own order.
    #[test]
    fn the_estimator_places_what_pod_by_pod_would(problem in any_problem()) {
        let items = problem.items().iter().map(|i| ItemType { eligible: BinSet::all(1), ..i.clone() }).collect();
        let bins = vec![problem.bins()[2].clone()];
        let one = Problem::new(problem.dimensions().to_vec(), items, bins, problem.conflicts().clone(), None).unwrap();
        let mut arrivals: Vec<_> = one.item_ids().map(|i| (i, one.item(i).copies)).collect();
        arrivals.sort_by_key(|(i, _)| (std::cmp::Reverse(one.item(*i).demand[0] + one.item(*i).demand[1]), *i));
        let expected = plain_first_fit(&one, &arrivals, BinTypeId(0));
        let expected: Plan = expected.into_iter().map(|c| (Pattern::new(BinTypeId(0), c), 1)).collect();
        prop_assert_eq!(pack(&one, &arrivals, Method::ClusterAutoscaler).unwrap().plan, expected);
    }
}
