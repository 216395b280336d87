//! How long reading takes: the large pod list, a stream of manifests, the example fleet.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plimsoll::input::{ReadOptions, Source, read_workloads};

mod generate;

fn reading(c: &mut Criterion) {
    let qbox = include_str!("../workloads/qbox-2016.yaml").to_owned();
    let cases = [
        ("kubectl json, 10,000 pods in 200 shapes", generate::kubectl_pods(10_000, 200)),
        ("helm yaml, 1,000 deployments", generate::manifests(1_000)),
        ("native yaml, 510 components", qbox),
    ];
    let mut group = c.benchmark_group("reading");
    group.sample_size(10);
    for (name, text) in cases {
        let source = [Source { name: name.to_owned(), bytes: text.into_bytes() }];
        group.throughput(Throughput::Bytes(source[0].bytes.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| read_workloads(&source, &ReadOptions::default()).expect("the generator is valid"));
        });
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
