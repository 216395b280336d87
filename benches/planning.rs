//! How long it takes to formulate stored workloads, to find a first plan for them, and to verify it.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use plimsoll::catalog::Catalog;
use plimsoll::formulate::{Formulation, formulate};
use plimsoll::input::{ReadOptions, Source, catalog_file, read_workloads};
use plimsoll::plan::Plan;
use plimsoll::policy::Policy;
use plimsoll::solver::control::{Budget, Silent};
use plimsoll::solver::solve;
use plimsoll::verify::verify_plan;
use plimsoll::workload::WorkloadSet;

mod generate;

/// A workload with what is made of it on the way to a plan.
struct Case {
    name: &'static str,
    workloads: WorkloadSet,
    catalog: Catalog,
    policy: Policy,
    formulation: Formulation,
    plan: Plan,
}

impl Case {
    fn new(name: &'static str, text: String, catalog: (&str, &[u8])) -> Self {
        let source = Source { name: name.to_owned(), bytes: text.into_bytes() };
        let workloads = read_workloads(&[source], &ReadOptions::default()).expect("valid workloads");
        let catalog = catalog_file::parse(catalog.0, catalog.1).expect("a valid catalog");
        let policy = Policy::default_for(catalog.provider);
        let formulation = formulate(&workloads, &catalog, &policy).expect("a problem");
        let plan = first_plan(&formulation);
        Case { name, workloads, catalog, policy, formulation, plan }
    }
}

/// The relaxation and the greedy by its duals: no work is left for anything further.
fn first_plan(formulation: &Formulation) -> Plan {
    let budget = Budget { work_limit: Some(0), ..Budget::default() };
    solve(&formulation.problem, &budget, 0, &Silent).expect("there is a plan").incumbent
}

fn planning(c: &mut Criterion) {
    let now = ("aws-2026-05-us-east-1", &include_bytes!("../catalogs/aws-2026-05-us-east-1.yaml")[..]);
    let then = ("aws-2016-09-27-us-east-1", &include_bytes!("../catalogs/aws-2016-09-27-us-east-1.yaml")[..]);
    let cases = [
        Case::new("online boutique", include_str!("../workloads/online-boutique.yaml").to_owned(), now),
        Case::new("aks cluster a", include_str!("../workloads/aks-cluster-a.yaml").to_owned(), now),
        Case::new("qbox 2016", include_str!("../workloads/qbox-2016.yaml").to_owned(), then),
        Case::new("10,000 pods in 200 shapes", generate::kubectl_pods(10_000, 200), now),
    ];
    let mut group = c.benchmark_group("formulating");
    for case in &cases {
        group.bench_function(case.name, |b| {
            b.iter(|| formulate(black_box(&case.workloads), &case.catalog, &case.policy).expect("a problem"));
        });
    }
    group.finish();
    let mut group = c.benchmark_group("greedy");
    group.sample_size(10);
    for case in &cases {
        group.bench_function(case.name, |b| b.iter(|| first_plan(black_box(&case.formulation))));
    }
    group.finish();
    let mut group = c.benchmark_group("verifying");
    for case in &cases {
        group.bench_function(case.name, |b| {
            b.iter_batched(
                || case.plan.clone(),
                |plan| verify_plan(&case.formulation.problem, plan).expect("a correct plan"),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, planning);
criterion_main!(benches);
