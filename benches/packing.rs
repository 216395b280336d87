//! How long the rungs of the search take, each on an instance where it matters, and how fast a bound is
//! proven again.
//!
//! The rungs are not public: each is timed from the event that announces it to the next one, within a
//! whole search under a fixed limit of work.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use plimsoll::check::check_certificate;
use plimsoll::formulate::variants;
use plimsoll::problem::Problem;
use plimsoll::solver::baseline::{Method, pack};
use plimsoll::solver::control::{Budget, Event, Observer, Phase, Silent};
use plimsoll::solver::solve;

mod common;

use common::clusters::{Variant, cluster};
use common::literature::Spec;

/// Adds up the time between the events of one search. `last` ends the search when its phase is over.
struct Clock<'a> {
    last: Phase,
    cancel: &'a AtomicBool,
    state: Mutex<(Option<&'static str>, Instant, BTreeMap<&'static str, Duration>)>,
}

impl<'a> Clock<'a> {
    fn start(last: Phase, cancel: &'a AtomicBool) -> Self {
        Clock { last, cancel, state: Mutex::new((None, Instant::now(), BTreeMap::new())) }
    }

    fn turn(&self, next: Option<&'static str>) {
        let mut state = self.state.lock().expect("nobody panics here");
        if let Some(phase) = state.0 {
            let spent = state.1.elapsed();
            *state.2.entry(phase).or_default() += spent;
            if phase == self.last.name() && next != state.0 {
                self.cancel.store(true, Ordering::Relaxed);
            }
        }
        state.0 = next;
        state.1 = Instant::now();
    }

    fn spent(self) -> Duration {
        self.turn(None);
        let state = self.state.into_inner().expect("nobody panics here");
        // A rung that the search left out takes no time, which criterion cannot divide by.
        state.2.get(self.last.name()).copied().unwrap_or_default().max(Duration::from_nanos(1))
    }
}

impl Observer for Clock<'_> {
    fn on(&self, event: &Event) {
        if let Event::Phase(phase) = event {
            self.turn(Some(phase.name()));
        }
    }
}

/// The time that one search of so much work spends in a phase, up to the end of its first run.
fn time_in(phase: Phase, problem: &Problem, work: u64) -> Duration {
    let cancel = AtomicBool::new(false);
    let clock = Clock::start(phase, &cancel);
    let budget = Budget { work_limit: Some(work), cancel: Some(&cancel), ..Budget::default() };
    // No plan within the work allowed is an answer as well.
    let _ = solve(problem, &budget, 1, &clock);
    clock.spent()
}

fn rungs(c: &mut Criterion) {
    let plain = |pods, shapes| cluster(pods, shapes, Variant::Plain, 1).formulate().problem;
    let packing = |class, dimensions, items| Spec { class, dimensions, items, number: 0 }.problem();
    let clusters = [
        ("1,000 pods in 50 shapes", plain(1_000, 50)),
        ("10,000 pods in 200 shapes", plain(10_000, 200)),
        ("10,000 pods in 500 shapes", plain(10_000, 500)),
    ];
    let vectors = [
        ("class 1, 3 dimensions, 250 items", packing(1, 3, 250)),
        ("class 6, 5 dimensions, 100 items", packing(6, 5, 100)),
    ];
    type Named = (&'static str, Problem);
    let cases: [(Phase, &[Named], u64); 6] = [
        (Phase::Reduce, &clusters, 1_000_000),
        (Phase::Relaxation, &clusters, 1_000_000),
        (Phase::Greedy, &clusters, 1_000_000),
        (Phase::Improvement, &clusters, 200_000_000),
        (Phase::Branching, &clusters[..1], 50_000_000),
        (Phase::ColumnGeneration, &vectors, 20_000_000),
    ];
    for (phase, problems, work) in cases {
        let mut group = c.benchmark_group(phase.name());
        group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
        for (name, problem) in problems {
            group.bench_function(*name, |b| {
                b.iter_custom(|runs| (0..runs).map(|_| time_in(phase, problem, work)).sum());
            });
        }
        group.finish();
    }
}

fn checks(c: &mut Criterion) {
    let mut group = c.benchmark_group("check of a certificate");
    group.sample_size(10);
    for (pods, shapes) in [(1_000, 50), (10_000, 500)] {
        let problem = cluster(pods, shapes, Variant::Plain, 1).formulate().problem;
        let budget = Budget { work_limit: Some(5_000_000), ..Budget::default() };
        let outcome = solve(&problem, &budget, 1, &Silent).expect("every shape fits some type");
        let certificate = outcome.lower_bound.certificate;
        group.bench_function(format!("{pods} pods in {shapes} shapes"), |b| {
            b.iter(|| check_certificate(&problem, &certificate).expect("it holds"));
        });
    }
    group.finish();
}

fn others(c: &mut Criterion) {
    let formulation = cluster(10_000, 200, Variant::Plain, 1).formulate();
    let arrivals = variants::input_order(&formulation);
    let mut group = c.benchmark_group("baselines, 10,000 pods in 200 shapes");
    group.sample_size(10);
    let methods = [
        ("Karpenter-style, 20 pods at a time", Method::Karpenter { batch: Some(20), seed: 1 }),
        ("cluster-autoscaler-style", Method::ClusterAutoscaler),
        ("Supergiant-style", Method::FirstFitMerge),
    ];
    for (name, method) in methods {
        group.bench_function(name, |b| {
            b.iter(|| pack(&formulation.problem, &arrivals, method).expect("it ends within its limit"));
        });
    }
    group.finish();
}

criterion_group!(benches, rungs, checks, others);
criterion_main!(benches);
