//! Laws of packing, on random problems: what must hold between the answers to related problems, and
//! between the parts of one answer, whatever the search does.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use plimsoll::check::check_certificate;
use plimsoll::formulate::formulate;
use plimsoll::input::problem_file::{Bin, Format, Item, ProblemFile};
use plimsoll::plan::{
    BoundStep, Certificate, Outcome, Pattern, Plan, ProgressPoint, StopReason, Valuation, ValueProof,
    ValueStep, relative_gap,
};
use plimsoll::problem::{BinTypeId, ItemTypeId, Problem};
use plimsoll::solver::control::{Budget, Event, Observer, Silent};
use plimsoll::solver::solve;
use plimsoll::units::{Money, Rate};
use plimsoll::verify::{Violation, verify, verify_plan};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::Index;

#[path = "../benches/common/mod.rs"]
mod common;

use common::clusters::{Variant, cluster};

/// Enough for most problems here to be proved optimal.
const WORK: u64 = 200_000;

/// A small problem with every feature. Some have no plan.
fn problems() -> impl Strategy<Value = ProblemFile> {
    (1..4usize, 1..4usize).prop_flat_map(|(dimensions, bins)| {
        let demand = vec(prop_oneof![1 => Just(0u64), 5 => 1..20u64], dimensions);
        let eligible = weighted(0.2, vec(0..bins as u32, 1..=bins));
        let item = (demand, 1..8u64, weighted(0.25, 1..4u64), eligible).prop_map(
            |(demand, copies, max_per_bin, eligible)| Item { demand, copies, max_per_bin, eligible },
        );
        let rate = prop_oneof![(1..40u64).prop_map(|r| r * 1_000_000), 1..50_000_000u64];
        let bin = (vec(10..60u64, dimensions), rate, weighted(0.15, 0..6u64))
            .prop_map(|(capacity, rate, stock)| Bin { capacity, rate: Rate::from_nanos(rate), stock });
        let conflicts = prop_oneof![3 => Just(Vec::new()), 1 => vec((any::<Index>(), any::<Index>()), 1..4)];
        (vec(item, 1..7), vec(bin, bins), conflicts, weighted(0.15, 1..3u32)).prop_map(
            move |(items, bins, conflicts, max_bin_types)| {
                let count = items.len();
                let pair = |(a, b): (Index, Index)| [a.index(count) as u32, b.index(count) as u32];
                let conflicts = conflicts.into_iter().map(pair).filter(|[a, b]| a != b).collect();
                let dimensions = (0..dimensions).map(|k| format!("d{k}")).collect();
                ProblemFile { format: Format::V1, dimensions, items, bins, conflicts, max_bin_types }
            },
        )
    })
}

fn problem(file: &ProblemFile) -> Problem {
    file.to_problem("generated").expect("the parts agree")
}

fn packed(problem: &Problem) -> Option<Outcome> {
    let budget = Budget { work_limit: Some(WORK), ..Budget::default() };
    solve(problem, &budget, 1, &Silent).ok()
}

/// Every plan of `dear` is worth a plan of `cheap` at `factor` times the cost of it, or less: no bound
/// of `cheap` may say otherwise, nor a plan that is said to be optimal.
fn never_dearer(cheap: &Problem, dear: &Problem, factor: i128) -> Result<(), TestCaseError> {
    let Some(dear_outcome) = packed(dear) else { return Ok(()) };
    let cost = dear_outcome.incumbent.hourly_cost(dear).checked_mul(factor).expect("small numbers");
    // Without a plan there is no bound; that one is missing is for the comparison with brute force.
    let Some(outcome) = packed(cheap) else { return Ok(()) };
    prop_assert!(outcome.lower_bound.value <= cost, "bound {} above {cost}", outcome.lower_bound.value);
    if outcome.stop == StopReason::Optimal {
        prop_assert!(outcome.incumbent.hourly_cost(cheap) <= cost);
    }
    Ok(())
}

/// The same up to names: what one may do the other may.
fn alike(a: &Problem, b: &Problem) -> Result<(), TestCaseError> {
    never_dearer(a, b, 1)?;
    never_dearer(b, a, 1)
}

/// Hears everything.
#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Observer for Recorder {
    fn on(&self, event: &Event) {
        self.0.lock().expect("nobody panics here").push(*event);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_input_changes_nothing(
        file in problems(),
        order in any::<u64>(),
    ) {
        let mut rng = fastrand::Rng::with_seed(order);
        let mut items: Vec<usize> = (0..file.items.len()).collect();
        rng.shuffle(&mut items);
        let mut bins: Vec<usize> = (0..file.bins.len()).collect();
        rng.shuffle(&mut bins);
        let place = |order: &[usize], old: u32| {
            order.iter().position(|&o| o == old as usize).expect("it is a permutation") as u32
        };
        let mut shuffled = file.clone();
        shuffled.items = items.iter().map(|&j| file.items[j].clone()).collect();
        shuffled.bins = bins.iter().map(|&t| file.bins[t].clone()).collect();
        for eligible in shuffled.items.iter_mut().filter_map(|item| item.eligible.as_mut()) {
            eligible.iter_mut().for_each(|t| *t = place(&bins, *t));
        }
        for pair in &mut shuffled.conflicts {
            *pair = pair.map(|j| place(&items, j));
        }
        alike(&problem(&file), &problem(&shuffled))?;
    }

    #[test]
    fn a_further_bin_type_makes_nothing_dearer(
        file in problems(),
        size in 5..80u64,
        rate in 0..60_000_000u64,
    ) {
        let mut more = file.clone();
        let capacity = vec![size; file.dimensions.len()];
        more.bins.push(Bin { capacity, rate: Rate::from_nanos(rate), stock: None });
        never_dearer(&problem(&more), &problem(&file), 1)?;
    }

    #[test]
    fn a_copy_less_makes_nothing_dearer(file in problems(), which in any::<Index>()) {
        let mut fewer = file.clone();
        let which = which.index(file.items.len());
        prop_assume!(fewer.items[which].copies > 1);
        fewer.items[which].copies -= 1;
        never_dearer(&problem(&fewer), &problem(&file), 1)?;
    }

    #[test]
    fn a_rule_less_makes_nothing_dearer(file in problems()) {
        let mut free = file.clone();
        free.conflicts.clear();
        free.max_bin_types = None;
        for item in &mut free.items {
            item.max_per_bin = None;
            item.eligible = None;
        }
        for bin in &mut free.bins {
            bin.stock = None;
        }
        never_dearer(&problem(&free), &problem(&file), 1)?;
    }

    #[test]
    fn rates_times_seven_cost_seven_times_as_much(file in problems()) {
        let mut dear = file.clone();
        for bin in &mut dear.bins {
            bin.rate = Rate::from_nanos(bin.rate.nanos() * 7);
        }
        let (file, dear) = (problem(&file), problem(&dear));
        never_dearer(&dear, &file, 7)?;
        if let (Some(a), Some(b)) = (packed(&file), packed(&dear)) {
            let sevenfold = a.lower_bound.value.checked_mul(7).expect("small numbers");
            prop_assert!(sevenfold <= b.incumbent.hourly_cost(&dear));
        }
    }

    #[test]
    fn another_unit_changes_nothing(file in problems(), shift in 1..40u32) {
        let mut fine = file.clone();
        fine.items.iter_mut().flat_map(|item| &mut item.demand).for_each(|d| *d <<= shift);
        fine.bins.iter_mut().flat_map(|bin| &mut bin.capacity).for_each(|c| *c <<= shift);
        alike(&problem(&file), &problem(&fine))?;
    }

    #[test]
    fn an_item_type_in_two_parts_is_the_same(file in problems(), which in any::<Index>()) {
        let which = which.index(file.items.len());
        let item = file.items[which].clone();
        // A cap per bin or a conflict holds for an item type, so that its parts would be freer.
        let named = file.conflicts.iter().flatten().any(|&j| j as usize == which);
        prop_assume!(item.copies > 1 && item.max_per_bin.is_none() && !named);
        let mut split = file.clone();
        split.items[which].copies = 1;
        split.items.push(Item { copies: item.copies - 1, ..item });
        alike(&problem(&file), &problem(&split))?;
    }

    #[test]
    fn a_dimension_that_nobody_asks_for_changes_nothing(file in problems(), offered in any::<u64>()) {
        let mut idle = file.clone();
        idle.dimensions.push("idle".to_owned());
        idle.items.iter_mut().for_each(|item| item.demand.push(0));
        idle.bins.iter_mut().for_each(|bin| bin.capacity.push(offered));
        let (a, b) = (packed(&problem(&file)), packed(&problem(&idle)));
        let answer = |o: Option<Outcome>| o.map(|o| (o.incumbent, o.lower_bound.value, o.stop));
        prop_assert_eq!(answer(a), answer(b));
    }

    #[test]
    fn plans_get_cheaper_and_bounds_higher_and_the_last_ones_are_the_answer(file in problems()) {
        let problem = problem(&file);
        let recorder = Recorder::default();
        let budget = Budget { work_limit: Some(WORK), ..Budget::default() };
        let Ok(outcome) = solve(&problem, &budget, 1, &recorder) else { return Ok(()) };
        let events = recorder.0.into_inner().expect("nobody panics here");
        let costs: Vec<Money> =
            events.iter().filter_map(|e| if let Event::Incumbent(c) = e { Some(*c) } else { None }).collect();
        let bounds: Vec<Money> =
            events.iter().filter_map(|e| if let Event::Bound(b) = e { Some(*b) } else { None }).collect();
        prop_assert!(costs.windows(2).all(|w| w[1] < w[0]), "{costs:?}");
        prop_assert!(bounds.windows(2).all(|w| w[1] > w[0]), "{bounds:?}");
        let cost = outcome.incumbent.hourly_cost(&problem);
        prop_assert_eq!(costs.last(), Some(&cost));
        if let Some(last) = bounds.last() {
            prop_assert_eq!(last, &outcome.lower_bound.value);
        }
        let later = |w: &[ProgressPoint]| {
            w[0].work <= w[1].work
                && w[0].millis <= w[1].millis
                && w[0].lower_bound <= w[1].lower_bound
                && w[0].incumbent.is_none_or(|a| w[1].incumbent.is_some_and(|b| b <= a))
        };
        prop_assert!(outcome.progress.windows(2).all(later), "{:?}", outcome.progress);
        let last = outcome.progress.last().expect("a plan was found");
        prop_assert_eq!((last.incumbent, last.lower_bound), (Some(cost), outcome.lower_bound.value));
    }

    #[test]
    fn the_word_for_the_end_is_true(file in problems(), gap in 0.0..0.3f64) {
        let problem = problem(&file);
        let budget = Budget { work_limit: Some(WORK), gap, ..Budget::default() };
        let Ok(outcome) = solve(&problem, &budget, 1, &Silent) else { return Ok(()) };
        let (cost, bound) = (outcome.incumbent.hourly_cost(&problem), outcome.lower_bound.value);
        prop_assert!(bound <= cost);
        prop_assert!(outcome.lower_bound.certified <= bound);
        prop_assert_eq!(outcome.stop == StopReason::Optimal, bound == cost);
        prop_assert!(outcome.stop != StopReason::GapReached || relative_gap(cost, bound) <= gap);
        prop_assert!(!matches!(outcome.stop, StopReason::TimeLimit | StopReason::Interrupted));
        prop_assert!(verify(&problem, outcome).is_ok());
    }

    #[test]
    fn a_plan_changed_in_one_place_is_refused(file in problems(), change in 0..6u8, which in any::<Index>()) {
        let problem = problem(&file);
        let Some(outcome) = packed(&problem) else { return Ok(()) };
        let bins: Vec<(Pattern, u64)> = outcome.incumbent.bins().map(|(p, n)| (p.clone(), n)).collect();
        let (pattern, copies) = bins[which.index(bins.len())].clone();
        let (item, _) = *pattern.content().first().expect("no bin is empty");
        let with = |instead: Option<Pattern>, further: u64| -> Plan {
            let others = bins.iter().filter(|(p, _)| *p != pattern).cloned();
            let rest = (pattern.clone(), copies - u64::from(instead.is_some() || further == 0));
            others.chain([rest]).chain(instead.map(|p| (p, 1))).chain([(pattern.clone(), further)]).collect()
        };
        let content = || pattern.content().iter().copied();
        let changed = match change {
            // A copy too many, one too few, a bin too few, a bin too many.
            0 => with(Some(Pattern::new(pattern.bin_type(), content().chain([(item, 1)]))), 0),
            1 => {
                let less = content().map(|(j, n)| (j, n - u64::from(j == item)));
                with(Some(Pattern::new(pattern.bin_type(), less)), 0)
            }
            2 => with(None, 0),
            3 => with(None, 1),
            4 => with(Some(Pattern::new(BinTypeId(problem.bins().len() as u32), content())), 0),
            _ => {
                let beyond = ItemTypeId(problem.items().len() as u32);
                with(Some(Pattern::new(pattern.bin_type(), content().chain([(beyond, 1)]))), 0)
            }
        };
        let violations = verify_plan(&problem, changed).expect_err("it is not a plan of the problem");
        prop_assert!(violations.iter().any(|violation| match change {
            0..=3 => matches!(violation, Violation::Copies { .. }),
            4 => matches!(violation, Violation::UnknownBinType(_)),
            _ => matches!(violation, Violation::UnknownItemType(_)),
        }), "{violations:?}");
    }

    #[test]
    fn a_plan_is_refused_once_the_problem_allows_less(file in problems(), rule in 0..5u8) {
        let problem = problem(&file);
        let Some(outcome) = packed(&problem) else { return Ok(()) };
        let (pattern, _) = outcome.incumbent.bins().next().expect("a plan has bins");
        let t = pattern.bin_type().index();
        let (item, count) = pattern.content()[0];
        let mut strict = file.clone();
        let expected: fn(&Violation) -> bool = match rule {
            0 => {
                let used = |k: usize| -> u64 {
                    pattern.content().iter().map(|&(j, n)| n * problem.item(j).demand[k]).sum()
                };
                let Some(k) = (0..file.dimensions.len()).find(|&k| used(k) > 0) else { return Ok(()) };
                strict.bins[t].capacity[k] = used(k) - 1;
                |v| matches!(v, Violation::Capacity { .. })
            }
            1 => {
                strict.items[item.index()].max_per_bin = Some(count - 1);
                |v| matches!(v, Violation::PerBin { .. })
            }
            2 => {
                let others = (0..file.bins.len() as u32).filter(|&other| other as usize != t);
                strict.items[item.index()].eligible = Some(others.collect());
                |v| matches!(v, Violation::Eligibility { .. })
            }
            3 => {
                let Some(&(other, _)) = pattern.content().get(1) else { return Ok(()) };
                strict.conflicts.push([item.0, other.0]);
                |v| matches!(v, Violation::Conflict { .. })
            }
            _ => {
                let used = outcome.incumbent.bins_by_type()[&pattern.bin_type()];
                strict.bins[t].stock = Some(used - 1);
                |v| matches!(v, Violation::Stock { .. })
            }
        };
        let strict = self::problem(&strict);
        let violations = verify_plan(&strict, outcome.incumbent).expect_err("a rule is broken");
        prop_assert!(violations.iter().any(expected), "{violations:?}");
    }

    #[test]
    fn a_changed_certificate_proves_nothing_false(file in problems(), change in any::<u64>()) {
        let problem = problem(&file);
        let Some(outcome) = packed(&problem) else { return Ok(()) };
        let cost = outcome.incumbent.hourly_cost(&problem);
        let mut rng = fastrand::Rng::with_seed(change);
        for _ in 0..20 {
            let mut certificate = outcome.lower_bound.certificate.clone();
            tamper(&mut rng, &mut certificate);
            if let Ok(proven) = check_certificate(&problem, &certificate) {
                prop_assert!(proven <= cost, "{proven} is proven, the plan costs {cost}");
            }
        }
    }

    #[test]
    fn a_certificate_is_no_proof_for_another_problem(
        file in problems(),
        which in any::<Index>(),
        larger in 2..4u64,
        cheaper in 2..4u64,
    ) {
        let Some(outcome) = packed(&problem(&file)) else { return Ok(()) };
        let mut other = file.clone();
        let bin = &mut other.bins[which.index(file.bins.len())];
        bin.capacity.iter_mut().for_each(|c| *c *= larger);
        bin.rate = Rate::from_nanos(bin.rate.nanos() / cheaper);
        let other = problem(&other);
        // What the check lets pass must be true of the other problem as well.
        if let (Ok(proven), Some(plan)) =
            (check_certificate(&other, &outcome.lower_bound.certificate), packed(&other))
        {
            prop_assert!(proven <= plan.incumbent.hourly_cost(&other));
        }
    }
}

/// Changes one number of a certificate.
fn tamper(rng: &mut fastrand::Rng, certificate: &mut Certificate) {
    if rng.u8(0..4) == 0 {
        let step = rng.usize(0..certificate.proof.len());
        match &mut certificate.proof[step] {
            BoundStep::Branch { bins, .. } => *bins = bins.wrapping_add(1),
            BoundStep::Leaf { weights } => {
                for weight in weights {
                    weight.weight = weight.weight.saturating_mul(rng.u64(0..4));
                }
            }
        }
        return;
    }
    let count = certificate.valuations.len();
    if count == 0 {
        return;
    }
    let Valuation { item_prices, pattern_values } = &mut certificate.valuations[rng.usize(0..count)];
    if pattern_values.is_empty() || item_prices.is_empty() {
        return;
    }
    let v = rng.usize(0..pattern_values.len());
    match rng.u8(0..4) {
        0 => {
            let j = rng.usize(0..item_prices.len());
            item_prices[j] = item_prices[j].saturating_mul(2).saturating_add(1);
        }
        1 => pattern_values[v].value = pattern_values[v].value / 10 * rng.u64(5..10),
        2 => drop(pattern_values.remove(v)),
        _ => match &mut pattern_values[v].proof {
            ValueProof::ResourcePrices { numerators, denominator } => {
                numerators.iter_mut().for_each(|n| *n /= 2);
                *denominator = denominator.saturating_mul(rng.u64(1..3));
            }
            ValueProof::Exhaustive => pattern_values[v].value = 0,
            ValueProof::Cases { steps, .. } => {
                let s = rng.usize(0..steps.len());
                match &mut steps[s] {
                    ValueStep::Split { copies, .. } => *copies += 1,
                    ValueStep::Prices { numerators } => numerators.iter_mut().for_each(|n| *n /= 2),
                }
            }
        },
    }
}

/// Everything about an outcome but the clock.
fn bytes(outcome: &Outcome) -> String {
    let progress: Vec<ProgressPoint> =
        outcome.progress.iter().map(|p| ProgressPoint { millis: 0, ..*p }).collect();
    format!("{:?} {:?} {:?} {progress:?}", outcome.incumbent, outcome.lower_bound, outcome.stop)
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    for (variant, seed) in Variant::ALL.into_iter().zip(1..) {
        let problem = cluster(300, 20, variant, seed).formulate().problem;
        let mut answers = BTreeMap::new();
        for threads in [1, 2, 4] {
            let budget = Budget { work_limit: Some(3_000_000), ..Budget::default() };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let outcome = pool.install(|| solve(&problem, &budget, 3, &Silent)).expect("a plan");
            answers.insert(bytes(&outcome), threads);
        }
        assert_eq!(
            answers.len(),
            1,
            "{}: answers differ, by threads: {:?}",
            variant.name(),
            answers.values()
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_workloads_may_come_in_any_order() {
    let mut cluster = cluster(400, 25, Variant::Apart, 5);
    let budget = Budget { work_limit: Some(3_000_000), ..Budget::default() };
    let run = |problem: &Problem| bytes(&solve(problem, &budget, 9, &Silent).expect("a plan"));
    let first = run(&cluster.formulate().problem);
    assert_eq!(first, run(&cluster.formulate().problem));
    cluster.workloads.workloads.reverse();
    let reversed = formulate(&cluster.workloads, &cluster.catalog, &cluster.policy).expect("a problem");
    assert_eq!(first, run(&reversed.problem));
}

#[test]
fn what_is_cancelled_before_it_starts_still_gives_a_valid_answer() {
    let problem = cluster(300, 20, Variant::Plain, 1).formulate().problem;
    let cancel = AtomicBool::new(true);
    let budget = Budget { cancel: Some(&cancel), ..Budget::default() };
    if let Ok(outcome) = solve(&problem, &budget, 1, &Silent) {
        assert!(matches!(outcome.stop, StopReason::Interrupted | StopReason::Optimal), "{:?}", outcome.stop);
        assert!(verify(&problem, outcome).is_ok());
    }
}
