//! The five-way mix of Karpenter's own benchmark, 20,000 pods on 400 types: how soon and how far above its
//! bound a plan is. The target is one percent in less than ten seconds; the first line says what is reached.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use plimsoll::plan::relative_gap;
use plimsoll::search::{self, Found};
use plimsoll::solver::control::{Budget, Effort, Silent};

mod common;

use common::clusters::Cluster;

/// What must be reached, as a share of the plan's cost.
const GAP: f64 = 0.01;
/// From the workloads in memory to the verified plan.
const LIMIT: Duration = Duration::from_secs(10);

fn plan(cluster: &Cluster) -> Found {
    let formulation = cluster.formulate();
    // The clock is the limit, not the work.
    let budget = Budget { effort: Effort::Thorough, gap: GAP, time_limit: Some(LIMIT), ..Budget::default() };
    search::search(&formulation, &budget, 0, &Silent).expect("a plan")
}

fn gap(found: &Found) -> f64 {
    relative_gap(found.outcome.plan().hourly_cost(), found.outcome.lower_bound().value)
}

fn five_way(c: &mut Criterion) {
    let cluster = common::five_way::five_way(20_000, 400, 1);
    let started = Instant::now();
    let formulation = cluster.formulate();
    let formulated = started.elapsed();
    let found = plan(&cluster);
    let whole = started.elapsed() - formulated;
    eprintln!(
        "{} shapes, {} bin types; formulated in {:.2} s; planned in {:.2} s: {} nodes at {} an hour, bound {}, gap {:.3} %, {:?}",
        formulation.problem.items().len(),
        formulation.problem.bins().len(),
        formulated.as_secs_f64(),
        whole.as_secs_f64(),
        found.outcome.plan().plan().bin_count(),
        found.outcome.plan().hourly_cost(),
        found.outcome.lower_bound().value,
        gap(&found) * 100.0,
        found.outcome.stop(),
    );
    let reached = whole <= LIMIT && gap(&found) <= GAP;
    eprintln!("the target is {}", if reached { "reached" } else { "missed" });
    let breaches = search::breaches(&cluster.workloads, &cluster.catalog, &formulation, found.outcome.plan());
    assert_eq!(breaches, [], "the plan breaks a rule");
    let mut group = c.benchmark_group("five-way mix");
    group.sample_size(10);
    group.bench_function("20,000 pods on 400 types", |b| b.iter(|| plan(black_box(&cluster))));
    group.finish();
}

criterion_group!(benches, five_way);
criterion_main!(benches);
