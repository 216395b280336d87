//! Prints what `kubectl get pods -o json` would for a large cluster:
//! `cargo run --release --example generate_pods -- 100000 2000 > pods.json`.

#[path = "../benches/generate/mod.rs"]
mod generate;

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let (pods, shapes) = match numbers[..] {
        [pods, shapes] => (pods, shapes),
        _ => (100_000, 2_000),
    };
    print!("{}", generate::kubectl_pods(pods, shapes));
}
