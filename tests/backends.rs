//! The bounds that either LP backend must lead to: the same within the tolerance of the linear programmes.
//!
//! `cargo test --test backends` runs Clarabel and microlp, `cargo test --test backends --features highs`
//! HiGHS. The bounds were recorded with the default ones; a better search may raise them, and
//! `-- --nocapture` prints what it finds.

use plimsoll::check::check_certificate;
use plimsoll::problem::Problem;
use plimsoll::solver::control::{Budget, Silent};
use plimsoll::solver::solve;
use plimsoll::verify::verify;

#[path = "../benches/common/mod.rs"]
mod common;

use common::clusters::{Variant, cluster};
use common::literature::Spec;

/// Relative; both backends stop at about 1e-8, and prices are rounded down to whole nano-dollars.
const TOLERANCE: f64 = 1e-4;

/// The bound reached within a small limit of work, in nano-dollars an hour, proven by its certificate.
fn bound(problem: &Problem, work: u64) -> i128 {
    let budget = Budget { work_limit: Some(work), ..Budget::default() };
    let outcome = solve(problem, &budget, 1, &Silent).expect("there is a plan");
    let lower = outcome.lower_bound.clone();
    let proven = check_certificate(problem, &lower.certificate).expect("the certificate holds");
    assert!(proven >= lower.certified);
    let cost = outcome.incumbent.hourly_cost(problem);
    assert!(lower.value <= cost, "bound {} above cost {cost}", lower.value);
    verify(problem, outcome).expect("the plan is valid");
    lower.value.nanos()
}

#[test]
fn clusters_have_the_same_bound_under_both() {
    let recorded = [
        (Variant::Plain, 12_486_280_000i128),
        (Variant::SmallTypes, 12_530_370_000),
        (Variant::Apart, 12_582_744_000),
        (Variant::Gpu, 24_658_118_000),
    ];
    for (variant, recorded) in recorded {
        let found = bound(&cluster(1_000, 50, variant, 1).formulate().problem, 2_000_000);
        println!("{}: {found}, recorded {recorded}", variant.name());
        let least = recorded - (recorded as f64 * TOLERANCE) as i128;
        assert!(found >= least, "{}: {found} instead of {recorded}", variant.name());
    }
}

#[test]
fn vector_packing_has_the_same_number_of_bins_under_both() {
    // Whole bins leave nothing to tolerate.
    let recorded = [(1, 2, 14), (4, 2, 7), (6, 2, 21), (6, 5, 24), (7, 2, 20), (9, 3, 21), (10, 2, 17)];
    for (class, dimensions, recorded) in recorded {
        let found =
            bound(&Spec { class, dimensions, items: 50, number: 1 }.problem(), 20_000_000) / 1_000_000_000;
        println!("class {class}, {dimensions} dimensions: {found}, recorded {recorded}");
        assert!(found >= recorded, "class {class}, {dimensions} dimensions: {found} instead of {recorded}");
    }
}
