//! How long purchases take: a year of 8,760 distinct hours, 40 families and 300 offers, from a seed. The
//! promise is ten seconds on two cores.

#[path = "../tests/support/market.rs"]
mod market;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use fastrand::Rng;
use plimsoll::purchase::{Options, optimise};

const PROMISE: Duration = Duration::from_secs(10);

fn year(c: &mut Criterion) {
    let mut rng = Rng::with_seed(2026);
    let catalog = market::catalog(&mut rng, 40, 1, true, true);
    let offers: usize = catalog.types.iter().map(|t| t.offers.len()).sum();
    assert!(offers >= 300, "{offers}");
    let scenarios = market::certain(market::usage(&mut rng, &catalog, 8_760, 8_760, 60));
    let started = Instant::now();
    optimise(&catalog, &scenarios, &[], &Options::default()).expect("purchases");
    // The promise is of what is shipped, which is optimised.
    assert!(cfg!(debug_assertions) || started.elapsed() <= PROMISE, "{:?}", started.elapsed());
    let mut group = c.benchmark_group("commitments");
    group.sample_size(10).measurement_time(Duration::from_secs(60));
    group.bench_function("a year of 8,760 hours, 40 families, 320 offers", |b| {
        b.iter(|| optimise(&catalog, &scenarios, &[], &Options::default()).expect("purchases"));
    });
    group.finish();
}

criterion_group!(benches, year);
criterion_main!(benches);
