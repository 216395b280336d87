//! How long a plan of 5,000 nodes, all of them different, takes in each format.

use criterion::{Criterion, criterion_group, criterion_main};
use plimsoll::report::{Format, RenderOptions, json, render};

#[path = "../tests/plan_fixture/mod.rs"]
mod plan_fixture;

fn rendering(c: &mut Criterion) {
    let report = plan_fixture::large(5_000);
    let options = RenderOptions::default();
    let mut group = c.benchmark_group("rendering 5,000 nodes");
    group.sample_size(10);
    for format in Format::ALL {
        // What a plan without accounts, replay or pools has nothing for.
        if let Err(error) = render(&report, format, &options) {
            eprintln!("{format} is left out: {error}");
            continue;
        }
        group.bench_function(format.name(), |b| {
            b.iter(|| render(&report, format, &options).expect("it renders"));
        });
    }
    let saved = json::render(&report);
    group.bench_function("parse json", |b| b.iter(|| json::parse(&saved).expect("it is ours")));
    group.finish();
}

criterion_group!(benches, rendering);
criterion_main!(benches);
