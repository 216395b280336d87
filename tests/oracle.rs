//! Tiny random problems against brute force: plans are valid and never below the optimum, bounds never
//! above it, certificates prove what they say, and nearly every plan is the cheapest.

use fastrand::Rng;
use plimsoll::check::check_certificate;
use plimsoll::plan::{BoundKind, StopReason};
use plimsoll::problem::Problem;
use plimsoll::solver::control::{Budget, Effort, Silent};
use plimsoll::solver::{self, SolveError};
use plimsoll::units::Money;
use plimsoll::verify::verify;

#[path = "support/tiny.rs"]
mod tiny;

/// How a batch of problems went.
#[derive(Debug, Default)]
struct Tally {
    problems: u32,
    infeasible: u32,
    stocked: u32,
    capped_types: u32,
    conflicts: u32,
    /// Solved to a cost above the optimum.
    dearer: Vec<String>,
    /// Proved optimal.
    proved: u32,
    /// The bound is the optimum.
    tight: u32,
    /// No plan found where there is one.
    missed: Vec<String>,
    /// A plan, a bound or a certificate that is wrong.
    wrong: Vec<String>,
}

fn examine(name: &str, problem: &Problem, tally: &mut Tally) {
    let optimum = tiny::optimum(problem).map(|nanos| Money::from_nanos(nanos.into()));
    tally.problems += 1;
    tally.infeasible += u32::from(optimum.is_none());
    tally.stocked += u32::from(problem.bins().iter().any(|b| b.stock.is_some()));
    tally.capped_types += u32::from(problem.max_bin_types().is_some());
    tally.conflicts += u32::from(!problem.conflicts().is_empty());
    let budget = Budget { effort: Effort::Normal, ..Budget::default() };
    let outcome = match (solver::solve(problem, &budget, 7, &Silent), optimum) {
        (Ok(outcome), _) => outcome,
        (Err(_), None) => return,
        (Err(SolveError::NoPlanFound), Some(_)) => return tally.missed.push(name.to_owned()),
        (Err(error), Some(_)) => return tally.wrong.push(format!("{name}: {error}")),
    };
    let Some(optimum) = optimum else {
        return tally.wrong.push(format!("{name}: a plan where brute force finds none"));
    };
    let bound = outcome.lower_bound.clone();
    if bound.value > optimum {
        tally.wrong.push(format!("{name}: bound {} above the optimum {optimum}", bound.value));
    }
    match check_certificate(problem, &bound.certificate) {
        Ok(proven) if proven < bound.certified => {
            tally.wrong.push(format!("{name}: proven {proven}, stated {}", bound.certified));
        }
        Ok(proven) if proven > optimum => {
            tally.wrong.push(format!("{name}: proven {proven} above the optimum {optimum}"));
        }
        Ok(_) => {}
        Err(objections) => tally.wrong.push(format!("{name}: {}", objections[0])),
    }
    if bound.kind == BoundKind::Certified && bound.certified != bound.value {
        tally.wrong.push(format!("{name}: certified {} is not {}", bound.certified, bound.value));
    }
    let optimal = outcome.stop == StopReason::Optimal;
    match verify(problem, outcome) {
        Err(violations) => tally.wrong.push(format!("{name}: {}", violations[0])),
        Ok(verified) => {
            let cost = verified.plan().hourly_cost();
            tally.proved += u32::from(optimal);
            tally.tight += u32::from(bound.value == optimum);
            if cost > optimum {
                tally.dearer.push(format!("{name}: {cost} instead of {optimum}"));
            }
        }
    }
}

#[test]
fn tiny_problems_end_at_the_optimum() {
    let mut tally = Tally::default();
    let count: u64 = std::env::var("ORACLE_PROBLEMS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let from: u64 = std::env::var("ORACLE_FROM").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    for seed in from..from + count {
        let problem = tiny::problem(&mut Rng::with_seed(seed));
        examine(&seed.to_string(), &problem, &mut tally);
    }
    println!("{tally:#?}");
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
}

/// Shows one problem: `ORACLE_SHOW=4 cargo test --test oracle shows -- --nocapture`.
#[test]
fn shows_a_problem_by_number() {
    let Some(seed) = std::env::var("ORACLE_SHOW").ok().and_then(|n| n.parse().ok()) else { return };
    let problem = tiny::problem(&mut Rng::with_seed(seed));
    println!("{}", plimsoll::input::problem_file::write(&problem));
    println!("optimum {:?}", tiny::optimum(&problem));
    let outcome = solver::solve(&problem, &Budget::default(), 7, &Silent);
    println!("{outcome:#?}");
    if let Ok(outcome) = outcome {
        println!("{:?}", check_certificate(&problem, &outcome.lower_bound.certificate));
    }
}
