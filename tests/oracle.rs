//! Tiny random problems against brute force: plans are valid and never below the optimum, bounds never
//! above it, certificates prove what they say, and nearly every plan is the cheapest.
//!
//! `ORACLE_PROBLEMS=20000 ORACLE_FROM=4000 cargo test --test oracle -- --nocapture` runs others;
//! `ORACLE_SHOW=4` shows one, `ORACLE_UNUSUAL=4` one with unusual numbers.

use fastrand::Rng;
use plimsoll::check::check_certificate;
use plimsoll::formulate::{Formulation, Legend};
use plimsoll::input::problem_file;
use plimsoll::plan::{BoundKind, Outcome, StopReason};
use plimsoll::problem::{BinLimit, BinTypeId, Problem};
use plimsoll::search::{SearchError, search};
use plimsoll::solver::control::{Budget, Effort, Silent};
use plimsoll::solver::{self, SolveError};
use plimsoll::units::Money;
use plimsoll::verify::{Violation, verify, verify_plan};
use rayon::prelude::*;

#[path = "support/tiny.rs"]
mod tiny;

type Generator = fn(&mut Rng) -> Problem;

/// How one problem went.
#[derive(Debug, Default)]
struct Finding {
    seed: u64,
    infeasible: bool,
    /// Features that the problem has: stock, a cap on types, conflicts, a cap per bin, eligibility, items
    /// that take nothing.
    features: [bool; 6],
    proved: bool,
    /// The bound is the optimum.
    tight: bool,
    /// A plan above the optimum, or none where there is one.
    dearer: Option<String>,
    /// A plan, a bound or a certificate that is wrong.
    wrong: Vec<String>,
}

fn examine(seed: u64, generate: Generator) -> Finding {
    let problem = generate(&mut Rng::with_seed(seed));
    let optimum = tiny::optimum(&problem).map(|nanos| Money::from_nanos(nanos.into()));
    let items = problem.items();
    let mut finding = Finding {
        seed,
        infeasible: optimum.is_none(),
        features: [
            problem.bins().iter().any(|b| b.stock.is_some()),
            problem.max_bin_types().is_some(),
            !problem.conflicts().is_empty(),
            items.iter().any(|i| i.max_per_bin.is_some()),
            items.iter().any(|i| i.eligible.as_slice().contains(&false)),
            items.iter().any(|i| i.demand.as_slice().iter().all(|&d| d == 0)),
        ],
        ..Finding::default()
    };
    match (solver::solve(&problem, &Budget::default(), 7, &Silent), optimum) {
        (Ok(outcome), Some(optimum)) => judge(&problem, outcome, optimum, &mut finding),
        (Ok(_), None) => finding.wrong.push("a plan where brute force finds none".to_owned()),
        (Err(_), None) => {}
        (Err(SolveError::NoPlanFound), Some(optimum)) => {
            finding.dearer = Some(format!("no plan instead of {optimum}"));
        }
        (Err(error), Some(_)) => finding.wrong.push(error.to_string()),
    }
    finding
}

fn judge(problem: &Problem, outcome: Outcome, optimum: Money, finding: &mut Finding) {
    let wrong = &mut finding.wrong;
    let bound = outcome.lower_bound.clone();
    if bound.value > optimum {
        wrong.push(format!("bound {} above the optimum {optimum}", bound.value));
    }
    if bound.kind == BoundKind::Certified && bound.certified != bound.value {
        wrong.push(format!("certified {} is not {}", bound.certified, bound.value));
    }
    match check_certificate(problem, &bound.certificate) {
        Ok(proven) if proven < bound.certified => {
            wrong.push(format!("proven {proven}, stated {}", bound.certified));
        }
        Ok(proven) if proven > optimum => {
            wrong.push(format!("proven {proven} above the optimum {optimum}"));
        }
        Ok(_) => {}
        Err(objections) => wrong.push(objections[0].to_string()),
    }
    let cost = outcome.incumbent.hourly_cost(problem);
    if (outcome.stop == StopReason::Optimal) != (bound.value == cost) {
        wrong.push(format!("{:?} at cost {cost} and bound {}", outcome.stop, bound.value));
    }
    if cost > optimum {
        finding.dearer = Some(format!("{cost} instead of {optimum}"));
    }
    finding.proved = outcome.stop == StopReason::Optimal;
    finding.tight = bound.value == optimum;
    if let Err(violations) = verify(problem, outcome) {
        wrong.extend(violations.iter().map(ToString::to_string));
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Examines a batch; fails on anything wrong. Plans are sought, not enumerated: some may miss the
/// optimum, and some optima may stay unproved.
fn examine_all(generate: Generator, problems: u64, most_dearer_percent: u64, least_proved_percent: u64) {
    let from = number("ORACLE_FROM").unwrap_or(0);
    let count = number("ORACLE_PROBLEMS").unwrap_or(problems);
    let findings: Vec<Finding> =
        (from..from + count).into_par_iter().map(|seed| examine(seed, generate)).collect();
    let share = |what: &dyn Fn(&Finding) -> bool| findings.iter().filter(|f| what(f)).count() as u64;
    // The generator reaches what it is meant for.
    for feature in 0..6 {
        assert!(count < 500 || share(&|f| f.features[feature]) >= count / 20, "feature {feature} is rare");
    }
    let feasible = count - share(&|f| f.infeasible);
    assert!(feasible >= count / 3 && feasible < count, "{feasible} of {count} are feasible");

    let show = |seed: u64| problem_file::write(&generate(&mut Rng::with_seed(seed)));
    let mut dearer = 0;
    for finding in &findings {
        if let Some(dear) = &finding.dearer {
            dearer += 1;
            println!("seed {}: {dear}", finding.seed);
        }
    }
    println!(
        "{count} problems, {feasible} feasible, {} proved optimal, {} bounds tight, {dearer} plans above the optimum",
        share(&|f| f.proved),
        share(&|f| f.tight),
    );
    let wrong: Vec<String> = findings
        .iter()
        .filter(|f| !f.wrong.is_empty())
        .map(|f| format!("seed {}: {}\n{}", f.seed, f.wrong.join("; "), show(f.seed)))
        .collect();
    assert!(wrong.is_empty(), "{} problems went wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(
        dearer * 100 <= feasible * most_dearer_percent,
        "{dearer} of {feasible} plans are above the optimum"
    );
    assert!(share(&|f| f.proved) * 100 >= feasible * least_proved_percent, "few plans are proved optimal");
}

#[test]
fn tiny_problems_end_at_the_optimum() {
    examine_all(tiny::problem, 2_000, 0, 90);
}

#[test]
fn tiny_problems_with_unusual_numbers_end_at_the_optimum() {
    examine_all(tiny::unusual_problem, 1_000, 0, 75);
}

/// Prints one problem with its optimum, the outcome and what the check proves.
#[test]
fn shows_a_problem_by_number() {
    let plain = number("ORACLE_SHOW").map(|seed| (seed, tiny::problem as Generator));
    let unusual = number("ORACLE_UNUSUAL").map(|seed| (seed, tiny::unusual_problem as Generator));
    let Some((seed, generate)) = plain.or(unusual) else { return };
    let problem = generate(&mut Rng::with_seed(seed));
    println!("{}", problem_file::write(&problem));
    println!("optimum {:?}", tiny::optimum(&problem));
    let outcome = solver::solve(&problem, &Budget::default(), 7, &Silent);
    println!("{outcome:#?}");
    if let Ok(outcome) = outcome {
        println!("{:?}", check_certificate(&problem, &outcome.lower_bound.certificate));
    }
}

/// A tiny problem of two or three bin types under a limit over all of them: so many bins, or so much of what
/// they weigh.
fn tiny_limited(rng: &mut Rng) -> Option<Problem> {
    let problem = tiny::problem(rng);
    if problem.bins().len() < 2 {
        return None;
    }
    let by_weight = rng.bool();
    let weight = |bin: BinTypeId| if by_weight { problem.bin(bin).capacity.as_slice()[0].max(1) } else { 1 };
    let weights: Vec<(BinTypeId, u64)> = problem.bin_ids().map(|bin| (bin, weight(bin))).collect();
    let largest = weights.iter().map(|&(_, weight)| weight).max()?;
    let limit = BinLimit { name: "all bins".to_owned(), weights, most: rng.u64(largest..=3 * largest) };
    problem.with_bin_limits(vec![limit]).ok()
}

/// The least cost within the limits: every stock that keeps them and leaves no room for one bin more.
fn optimum_within(problem: &Problem) -> Option<u64> {
    let [limit] = problem.bin_limits() else { panic!("one limit") };
    let most = |t: usize| {
        let stock = problem.bins()[t].stock.unwrap_or(u64::MAX);
        stock.min(limit.most / limit.weights[t].1)
    };
    let mut stocks = vec![vec![]];
    for t in 0..problem.bins().len() {
        let longer =
            |head: &Vec<u64>| (0..=most(t)).map(|n| [head.as_slice(), &[n]].concat()).collect::<Vec<_>>();
        stocks = stocks.iter().flat_map(longer).collect();
    }
    let weight = |stock: &[u64]| stock.iter().zip(&limit.weights).map(|(n, (_, w))| n * w).sum::<u64>();
    let full = |stock: &Vec<u64>| {
        let left = limit.most.checked_sub(weight(stock));
        left.is_some_and(|left| (0..stock.len()).all(|t| stock[t] == most(t) || limit.weights[t].1 > left))
    };
    let optimum = |stock: Vec<u64>| {
        let stock: Vec<Option<u64>> = stock.into_iter().map(Some).collect();
        tiny::optimum(&problem.with_stocks(&stock))
    };
    stocks.into_iter().filter(full).filter_map(optimum).min()
}

#[test]
fn limits_over_several_bin_types_are_held_and_seldom_cost_more_than_they_must() {
    const PROBLEMS: u64 = 200;
    let budget = Budget { effort: Effort::Quick, ..Budget::default() };
    // Whether the limit refuses the plan that is the cheapest without it; whether the plan is the cheapest.
    let found: Vec<(bool, bool)> = (0..PROBLEMS)
        .into_par_iter()
        .filter_map(|seed| {
            let problem = tiny_limited(&mut Rng::with_seed(seed))?;
            let best = optimum_within(&problem).map(|nanos| Money::from_nanos(nanos.into()));
            let formulation = Formulation {
                problem: problem.clone(),
                legend: Legend::default(),
                obstacles: Vec::new(),
                notes: Vec::new(),
                relaxed: None,
                restrictions: Vec::new(),
            };
            let free = solver::solve(&problem, &budget, 7, &Silent).ok()?;
            let broken = verify_plan(&problem, free.incumbent)
                .is_err_and(|broken| broken.iter().all(|v| matches!(v, Violation::Limit { .. })));
            Some(match (search(&formulation, &budget, 7, &Silent), best) {
                (Ok(found), Some(best)) => {
                    let outcome = found.outcome;
                    assert!(outcome.lower_bound().value <= best, "problem {seed}: a false bound");
                    assert!(outcome.plan().hourly_cost() >= best, "problem {seed}: below the optimum");
                    (broken, outcome.plan().hourly_cost() == best)
                }
                (Ok(_), None) => panic!("problem {seed}: a plan where brute force finds none"),
                (Err(SearchError::Solve(_)), Some(_)) => (broken, false),
                (Err(error), Some(_)) => panic!("problem {seed}: {error}"),
                (Err(_), None) => (broken, true),
            })
        })
        .collect();
    let broken = found.iter().filter(|(broken, _)| *broken).count();
    let missed = found.iter().filter(|(_, cheapest)| !cheapest).count();
    assert!(broken >= 20, "only {broken} of {} limits matter", found.len());
    assert!(missed * 20 <= found.len(), "{missed} of {} are dearer than they must be", found.len());
}
