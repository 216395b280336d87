//! Problems at the edge of what can be asked: neither a panic nor an overflow, and the answer is right.

use std::time::Duration;

use plimsoll::check::check_certificate;
use plimsoll::plan::{Outcome, StopReason};
use plimsoll::problem::{BinSet, BinType, ItemType, ItemTypeId, Problem};
use plimsoll::solver::control::{Budget, Silent};
use plimsoll::solver::{SolveError, solve};
use plimsoll::units::{Money, Rate};
use plimsoll::verify::verify;

fn item(demand: &[u64], copies: u64) -> ItemType {
    ItemType {
        demand: demand.iter().copied().collect(),
        copies,
        max_per_bin: None,
        // The length is set with the bins.
        eligible: BinSet::all(0),
    }
}

fn bin(capacity: &[u64], nanos: u64) -> BinType {
    BinType { capacity: capacity.iter().copied().collect(), rate: Rate::from_nanos(nanos), stock: None }
}

fn problem(items: Vec<ItemType>, bins: Vec<BinType>) -> Problem {
    with_rules(items, bins, &[], None)
}

fn with_rules(
    mut items: Vec<ItemType>,
    bins: Vec<BinType>,
    conflicts: &[(u32, u32)],
    max_types: Option<u32>,
) -> Problem {
    let dimensions =
        bins.first().map_or_else(|| items.first().map_or(0, |i| i.demand.len()), |b| b.capacity.len());
    items.iter_mut().for_each(|item| item.eligible = BinSet::all(bins.len()));
    let names = (0..dimensions).map(|k| format!("d{k}")).collect();
    let conflicts = conflicts.iter().map(|&(a, b)| (ItemTypeId(a), ItemTypeId(b)));
    Problem::new(names, items, bins, conflicts, max_types).expect("the parts agree")
}

/// The answer within a small budget, after everything that can be said about it has been checked.
fn answer(problem: &Problem) -> Outcome {
    let budget = Budget {
        work_limit: Some(2_000_000),
        time_limit: Some(Duration::from_secs(20)),
        ..Budget::default()
    };
    let outcome = solve(problem, &budget, 1, &Silent).expect("there is a plan");
    let cost = outcome.incumbent.hourly_cost(problem);
    let bound = &outcome.lower_bound;
    assert!(bound.value <= cost, "bound {} above cost {cost}", bound.value);
    assert_eq!(outcome.stop == StopReason::Optimal, bound.value == cost);
    let proven = check_certificate(problem, &bound.certificate).expect("the certificate holds");
    assert!(proven >= bound.certified && proven <= cost, "{proven} is proven of {}", bound.certified);
    verify(problem, outcome.clone()).expect("the plan is valid");
    outcome
}

fn cost(problem: &Problem) -> i128 {
    answer(problem).incumbent.hourly_cost(problem).nanos()
}

/// The plan costs this much and is proved optimal.
fn optimal(problem: &Problem, nanos: i128) {
    let outcome = answer(problem);
    assert_eq!(outcome.incumbent.hourly_cost(problem), Money::from_nanos(nanos));
    assert_eq!(outcome.stop, StopReason::Optimal, "bound {}", outcome.lower_bound.value);
}

fn error(problem: &Problem) -> SolveError {
    solve(problem, &Budget::default(), 1, &Silent).expect_err("there is no plan")
}

#[test]
fn one_pod_on_one_type() {
    optimal(&problem(vec![item(&[1, 1], 1)], vec![bin(&[1, 1], 7)]), 7);
}

#[test]
fn nothing_to_place_costs_nothing() {
    optimal(&problem(vec![], vec![bin(&[4], 7)]), 0);
    optimal(&problem(vec![], vec![]), 0);
}

#[test]
fn nothing_to_place_it_on() {
    assert_eq!(error(&problem(vec![item(&[1], 1)], vec![])), SolveError::Unplaceable(vec![ItemTypeId(0)]));
    let small = problem(vec![item(&[1], 1), item(&[9], 1)], vec![bin(&[8], 1)]);
    assert_eq!(error(&small), SolveError::Unplaceable(vec![ItemTypeId(1)]));
    let never = ItemType { max_per_bin: Some(0), ..item(&[1], 1) };
    assert_eq!(
        error(&problem(vec![never], vec![bin(&[8], 1)])),
        SolveError::Unplaceable(vec![ItemTypeId(0)])
    );
}

#[test]
fn no_dimensions() {
    // Everything shares one bin of the cheaper type.
    optimal(&problem(vec![item(&[], 5), item(&[], 3)], vec![bin(&[], 9), bin(&[], 4)]), 4);
}

#[test]
fn no_dimensions_and_one_copy_per_bin() {
    let alone = ItemType { max_per_bin: Some(1), ..item(&[], 3) };
    optimal(&problem(vec![alone, item(&[], 10)], vec![bin(&[], 4)]), 12);
}

#[test]
fn no_demand_at_all_and_one_copy_per_bin() {
    let alone = ItemType { max_per_bin: Some(1), ..item(&[0], 3) };
    optimal(&problem(vec![alone], vec![bin(&[5], 4)]), 12);
}

#[test]
fn a_demand_of_zero() {
    // The zeros ride along with the two that fill a bin each.
    optimal(&problem(vec![item(&[0, 0], 1_000), item(&[4, 1], 2)], vec![bin(&[4, 4], 3)]), 6);
    optimal(&problem(vec![item(&[0, 0], 1_000)], vec![bin(&[4, 4], 3), bin(&[0, 0], 2)]), 2);
}

#[test]
fn a_demand_of_zero_as_often_as_can_be_counted() {
    let all = problem(vec![item(&[0], u64::MAX), item(&[0], u64::MAX), item(&[1], 3)], vec![bin(&[1], 3)]);
    optimal(&all, 9);
}

#[test]
fn a_dimension_that_no_bin_offers() {
    optimal(&problem(vec![item(&[3, 0], 2)], vec![bin(&[3, 0], 5)]), 10);
}

#[test]
fn equal_prices_for_unequal_types() {
    let bins = (1..40).map(|size| bin(&[size, 40 - size], 5)).collect();
    // The third type holds 3 and 37 and so on: two of (13, 20) fit type 26 = (26, 14)? No: 40 > 14. One each.
    optimal(&problem(vec![item(&[13, 20], 6)], bins), 30);
}

#[test]
fn equal_types_at_equal_prices() {
    let bins = vec![bin(&[10], 5); 60];
    optimal(&problem(vec![item(&[5], 7), item(&[3], 3)], bins), 25);
}

#[test]
fn free_bins() {
    optimal(&problem(vec![item(&[2], 9)], vec![bin(&[3], 0), bin(&[9], 1)]), 0);
    let mut few = bin(&[3], 0);
    few.stock = Some(2);
    // Two copies lie on free bins, seven cost one bin of nine (four copies) each.
    optimal(&problem(vec![item(&[2], 9)], vec![few, bin(&[9], 1)]), 2);
}

#[test]
fn a_milliard_copies() {
    // Four to a bin.
    optimal(&problem(vec![item(&[1, 2], 1_000_000_000)], vec![bin(&[4, 8], 10)]), 2_500_000_000);
    let two = problem(
        vec![item(&[3, 1], 1_000_000_000), item(&[1, 3], 1_000_000_000)],
        vec![bin(&[4, 4], 100), bin(&[3, 3], 80)],
    );
    optimal(&two, 100_000_000_000);
}

#[test]
fn a_milliard_copies_of_many_shapes() {
    let mut rng = fastrand::Rng::with_seed(2);
    let items = (0..40).map(|_| item(&[rng.u64(1..4_000), rng.u64(1..16_000)], 1_000_000_000)).collect();
    let bins = (1..20).map(|n| bin(&[n * 2_000, n * 8_000], n * 1_000_000_000 + n % 3)).collect();
    let outcome = answer(&problem(items, bins));
    assert!(outcome.incumbent.bin_count() > 1_000_000_000);
}

#[test]
fn dear_bins_by_the_milliard() {
    let dear = problem(vec![item(&[1], 1_000_000_000)], vec![bin(&[1], u64::MAX)]);
    optimal(&dear, i128::from(u64::MAX) * 1_000_000_000);
}

#[test]
fn capacities_near_two_to_the_sixty() {
    let unit = 1u64 << 60;
    // Two of the large fit a bin, and three bins take six; the odd units leave no room for a third.
    let large = problem(
        vec![item(&[unit / 2 - 1, 3], 6), item(&[1, 1], 3)],
        vec![bin(&[unit, 10], 1_000_000_007), bin(&[unit - 3, 1 << 59], 1_000_000_000)],
    );
    assert_eq!(cost(&large), 3_000_000_021);
    let capacities = [unit - 1, unit, unit + 1, u64::MAX];
    for capacity in capacities {
        optimal(&problem(vec![item(&[capacity], 3)], vec![bin(&[capacity], 5)]), 15);
        optimal(&problem(vec![item(&[1], 3)], vec![bin(&[capacity], 5)]), 5);
    }
}

#[test]
fn amounts_of_every_magnitude() {
    let mut rng = fastrand::Rng::with_seed(4);
    let amounts = |rng: &mut fastrand::Rng| [1 << rng.u32(0..58), rng.u64(1..100), 0, 1 << rng.u32(0..20)];
    let items = (0..30).map(|_| item(&amounts(&mut rng), rng.u64(1..30))).collect();
    let bins = (0..10u64).map(|n| bin(&[1 << 60, 400 + n, n, 1 << (20 + n)], 900 + 13 * n)).collect();
    answer(&problem(items, bins));
}

#[test]
fn many_types() {
    let bins =
        (0..3_000u64).map(|n| bin(&[1 + n % 64, 1 + n / 64], 100 + 7 * (n % 64) + 5 * (n / 64))).collect();
    let items = (1..30).map(|n| item(&[n % 7 + 1, n % 11 + 1], n)).collect();
    answer(&problem(items, bins));
}

#[test]
fn many_dimensions() {
    let mut rng = fastrand::Rng::with_seed(6);
    let mut amounts = |most: u64| -> Vec<u64> { (0..40).map(|_| rng.u64(0..most)).collect() };
    let items = (0..20).map(|n| item(&amounts(300), n + 1)).collect();
    let bins = (1..5u64).map(|n| bin(&[1_000 * n; 40], 1_000 * n)).collect();
    answer(&problem(items, bins));
}

#[test]
fn stock_of_none() {
    let none = |size: u64, rate| BinType { stock: Some(0), ..bin(&[size], rate) };
    let gone = problem(vec![item(&[2], 3)], vec![none(4, 1), none(8, 1)]);
    assert!(matches!(error(&gone), SolveError::NoPlanFound | SolveError::Unplaceable(_)));
    optimal(&problem(vec![item(&[2], 3)], vec![none(8, 1), bin(&[4], 5)]), 10);
}

#[test]
fn stock_that_suffices_exactly() {
    let exact = BinType { stock: Some(3), ..bin(&[4], 5) };
    optimal(&problem(vec![item(&[2], 6)], vec![exact.clone()]), 15);
    assert_eq!(error(&problem(vec![item(&[2], 7)], vec![exact])), SolveError::NoPlanFound);
}

#[test]
fn stock_without_end() {
    let endless = BinType { stock: Some(u64::MAX), ..bin(&[4], 5) };
    optimal(&problem(vec![item(&[2], 6)], vec![endless]), 15);
}

#[test]
fn caps_beyond_what_there_is() {
    let loose = ItemType { max_per_bin: Some(u64::MAX), ..item(&[2], 6) };
    optimal(&with_rules(vec![loose], vec![bin(&[4], 5)], &[], Some(u32::MAX)), 15);
}

#[test]
fn everybody_keeps_apart_from_everybody() {
    let count = 60;
    let items = (0..count).map(|_| item(&[1], 1)).collect();
    let pairs: Vec<(u32, u32)> = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect();
    // One bin each: a clique.
    let clique = with_rules(items, vec![bin(&[1_000], 7)], &pairs, None);
    assert_eq!(cost(&clique), 7 * i128::from(count));
}

#[test]
fn budgets_of_nothing() {
    let small = problem(vec![item(&[3, 1], 50), item(&[1, 3], 50)], vec![bin(&[8, 8], 10)]);
    let budgets = [
        Budget { work_limit: Some(0), ..Budget::default() },
        Budget { time_limit: Some(Duration::ZERO), ..Budget::default() },
        Budget { gap: 1.0, ..Budget::default() },
        Budget { gap: f64::NAN, work_limit: Some(100_000), ..Budget::default() },
        Budget { gap: -1.0, work_limit: Some(100_000), ..Budget::default() },
        Budget { time_limit: Some(Duration::MAX), work_limit: Some(100_000), ..Budget::default() },
    ];
    for budget in budgets {
        let outcome = solve(&small, &budget, u64::MAX, &Silent).expect("the first plan comes in any case");
        verify(&small, outcome).expect("it is valid");
    }
}
