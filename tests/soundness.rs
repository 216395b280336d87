//! Random problems of middling size with every rule: too large for brute force, but every plan must pass
//! the verifier, every certificate the check, and no bound may exceed a plan of any run.
//!
//! `SOUNDNESS_PROBLEMS=2000 SOUNDNESS_FROM=100 cargo test --test soundness -- --nocapture` runs others.

use fastrand::Rng;
use plimsoll::check::check_certificate;
use plimsoll::input::problem_file::{self, Bin, Format, Item, ProblemFile};
use plimsoll::plan::StopReason;
use plimsoll::problem::Problem;
use plimsoll::solver::control::{Budget, Silent};
use plimsoll::solver::{SolveError, solve};
use plimsoll::units::{Money, Rate};
use plimsoll::verify::verify;
use rayon::prelude::*;

/// Up to 30 item types on up to 12 bin types.
fn problem(seed: u64) -> Problem {
    let mut rng = Rng::with_seed(seed);
    let rng = &mut rng;
    let dimensions = rng.usize(1..6);
    let bin_count = rng.u32(1..13);
    let unit = [1u64, 1, 1 << 20, 1 << 40][rng.usize(..4)];
    let size = rng.u64(20..200);
    // Few copies of middling size, many small ones, or many of which a bin holds one or two.
    let (most, copies, largest) =
        [(size / 2, 8, 5), (size / 8, 100, 5), (size * 3 / 4, 300, 2)][rng.usize(..3)];
    let bins = (0..bin_count)
        .map(|_| {
            let scale = rng.u64(1..largest);
            let capacity: Vec<u64> =
                (0..dimensions).map(|_| rng.u64(size * scale / 2..=size * scale) * unit).collect();
            let rate = Rate::from_nanos(scale * rng.u64(70_000_000..130_000_000));
            let stock = (rng.u8(0..6) == 0).then(|| rng.u64(0..20));
            Bin { capacity, rate, stock }
        })
        .collect();
    let items: Vec<Item> = (0..rng.usize(1..31))
        .map(|_| {
            let demand = (0..dimensions)
                .map(|_| if rng.u8(0..8) == 0 { 0 } else { rng.u64(1..=most) * unit })
                .collect();
            let eligible: Vec<u32> = (0..bin_count).filter(|_| rng.u8(0..5) > 0).collect();
            Item {
                demand,
                copies: rng.u64(1..=copies),
                max_per_bin: (rng.u8(0..5) == 0).then(|| rng.u64(1..6)),
                eligible: (rng.u8(0..5) == 0).then_some(eligible),
            }
        })
        .collect();
    let mut conflicts = Vec::new();
    for _ in 0..if rng.u8(0..3) == 0 { rng.usize(..20) } else { 0 } {
        let (a, b) = (rng.u32(..items.len() as u32), rng.u32(..items.len() as u32));
        if a != b {
            conflicts.push([a, b]);
        }
    }
    let max_bin_types = (rng.u8(0..6) == 0).then(|| rng.u32(1..4));
    let dimensions = (0..dimensions).map(|k| format!("d{k}")).collect();
    let file = ProblemFile { format: Format::V1, dimensions, items, bins, conflicts, max_bin_types };
    file.to_problem("generated").expect("the parts agree")
}

/// What came of one problem.
struct Examined {
    seed: u64,
    planned: bool,
    /// Whether a certificate has rounded dimensions.
    rounded: bool,
    wrong: Vec<String>,
}

fn examine(seed: u64) -> Examined {
    let problem = problem(seed);
    let mut wrong = Vec::new();
    let mut cheapest: Option<Money> = None;
    let mut highest = Money::ZERO;
    let mut rounded = false;
    for (run, work) in [(1, 100_000), (2, 1_000_000)] {
        let budget = Budget { work_limit: Some(work), ..Budget::default() };
        let outcome = match solve(&problem, &budget, run, &Silent) {
            Ok(outcome) => outcome,
            Err(SolveError::NoPlanFound | SolveError::Unplaceable(_)) => continue,
        };
        let cost = outcome.incumbent.hourly_cost(&problem);
        let lower = outcome.lower_bound.clone();
        rounded |= !lower.certificate.rounded.is_empty();
        if (outcome.stop == StopReason::Optimal) != (lower.value == cost) {
            wrong.push(format!("{:?} at cost {cost} and bound {}", outcome.stop, lower.value));
        }
        match check_certificate(&problem, &lower.certificate) {
            Ok(proven) if proven < lower.certified => {
                wrong.push(format!("{proven} proven of {}", lower.certified));
            }
            Ok(proven) => highest = highest.max(proven),
            Err(objections) => wrong.push(objections[0].to_string()),
        }
        if let Err(violations) = verify(&problem, outcome) {
            wrong.extend(violations.iter().map(ToString::to_string));
        }
        highest = highest.max(lower.value);
        cheapest = Some(cheapest.map_or(cost, |least| least.min(cost)));
    }
    if let Some(cheapest) = cheapest.filter(|&least| least < highest) {
        wrong.push(format!("bound {highest} above a plan of {cheapest}"));
    }
    Examined { seed, planned: cheapest.is_some(), rounded, wrong }
}

#[test]
fn whatever_the_search_says_is_true() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let from = number("SOUNDNESS_FROM").unwrap_or(0);
    let count = number("SOUNDNESS_PROBLEMS").unwrap_or(30);
    let found: Vec<Examined> = (from..from + count).into_par_iter().map(examine).collect();
    let planned = found.iter().filter(|e| e.planned).count() as u64;
    let rounded = found.iter().filter(|e| e.rounded).count() as u64;
    println!("{planned} of {count} problems have a plan, {rounded} a certificate with rounded dimensions");
    assert!(planned * 2 > count, "the generator makes too few problems with a plan");
    assert!(rounded > 0, "the generator makes no problem in which large copies count");
    let wrong: Vec<String> = found
        .iter()
        .filter(|e| !e.wrong.is_empty())
        .map(|e| {
            format!("seed {}: {}\n{}", e.seed, e.wrong.join("; "), problem_file::write(&problem(e.seed)))
        })
        .collect();
    assert!(wrong.is_empty(), "{} problems went wrong\n{}", wrong.len(), wrong.join("\n"));
}
