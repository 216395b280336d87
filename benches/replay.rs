//! How long one arrival of all pods takes, and how long measures are looked for.

#[path = "../tests/support/measured.rs"]
#[allow(clippy::unwrap_used, reason = "the data are part of the repository")]
mod measured;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use plimsoll::replay::{Help, Order, Profile, measures, run};

fn arrivals(c: &mut Criterion) {
    let mut group = c.benchmark_group("replay/1000-pods");
    let cluster = measured::cluster("m5.2xlarge:77");
    for profile in Profile::ALL {
        for order in [Order::ByWorkload, Order::Random] {
            group.bench_function(format!("{profile}/{order}"), |b| {
                b.iter(|| black_box(run(&cluster, profile, order, 1)));
            });
        }
    }
    group.finish();

    // Ten times as many nodes and pods.
    let mut group = c.benchmark_group("replay/10000-pods");
    group.sample_size(10);
    let mut large = measured::cluster("m5.2xlarge:770");
    large.workloads.iter_mut().for_each(|w| w.pods *= 10);
    group.bench_function("default/random", |b| {
        b.iter(|| black_box(run(&large, Profile::Default, Order::Random, 1)));
    });
    group.finish();
}

fn help(c: &mut Criterion) {
    let mut group = c.benchmark_group("replay/measures");
    group.sample_size(10);
    let cluster = measured::cluster("m5.8xlarge:19");
    group.bench_function("classes", |b| b.iter(|| black_box(measures(&cluster, &Help::default()))));
    group.finish();
}

criterion_group!(benches, arrivals, help);
criterion_main!(benches);
