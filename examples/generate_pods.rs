//! Prints what `kubectl get pods -A -o json` would for a large cluster:
//! `cargo run --release --example generate_pods -- 100000 2000 > pods.json`.
//!
//! `--nodes 2500` lists nodes as well, on which the pods lie in turn; `--fat` adds what real pods have
//! beside what a plan needs (managedFields, env, probes), some 6 kB a pod.

use std::io::Write;

#[path = "../benches/generate/mod.rs"]
#[allow(dead_code, reason = "it has more than is printed here")]
mod generate;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().skip_while(|a| *a != name).nth(1);
    let nodes = after("--nodes").and_then(|n| n.parse().ok()).unwrap_or(0);
    let numbers: Vec<usize> = arguments.iter().map_while(|argument| argument.parse().ok()).collect();
    let (pods, shapes) = match numbers[..] {
        [pods, shapes] => (pods, shapes),
        _ => (100_000, 2_000),
    };
    let fat = arguments.iter().any(|argument| argument == "--fat");
    let mut stdout = std::io::stdout().lock();
    let mut text = String::new();
    let mut failed = None;
    generate::write_cluster(&mut text, &generate::Size { pods, shapes, nodes, fat }, &mut |text| {
        if text.len() > 1 << 20 {
            failed = failed.take().or(stdout.write_all(text.as_bytes()).err());
            text.clear();
        }
    });
    match failed {
        Some(error) => Err(error),
        None => stdout.write_all(text.as_bytes()),
    }
}
