//! Laws of reading: quantities against exact fractions, order of input, and no input that panics.

use plimsoll::input::quantity::{QuantityError, parse_cpu, parse_memory};
use plimsoll::input::{ReadOptions, Source, read_workloads};
use plimsoll::workload::WorkloadSet;
use proptest::prelude::*;

/// Suffixes with the fraction that they multiply by.
const SUFFIXES: [(&str, u128, u128); 17] = [
    ("n", 1, 1_000_000_000),
    ("u", 1, 1_000_000),
    ("m", 1, 1_000),
    ("", 1, 1),
    ("k", 1_000, 1),
    ("M", 1_000_000, 1),
    ("G", 1_000_000_000, 1),
    ("T", 1_000_000_000_000, 1),
    ("P", 1_000_000_000_000_000, 1),
    ("Ki", 1 << 10, 1),
    ("Mi", 1 << 20, 1),
    ("Gi", 1 << 30, 1),
    ("Ti", 1 << 40, 1),
    ("Pi", 1 << 50, 1),
    ("e2", 100, 1),
    ("E-3", 1, 1_000),
    ("e0", 1, 1),
];

fn read(name: &str, text: &str) -> Result<WorkloadSet, usize> {
    let source = Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() };
    read_workloads(&[source], &ReadOptions::default()).map_err(|faults| faults.len())
}

const SAMPLES: [&str; 4] = [
    include_str!("../workloads/online-boutique-manifests.yaml"),
    include_str!("../workloads/kube-prometheus.yaml"),
    include_str!("../workloads/opentelemetry-demo.csv"),
    r#"{"apiVersion": "v1", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}], "tolerations": [{"operator": "Exists"}]}}],
        "kind": "List"}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn quantities_are_exact_and_round_up(
        whole in 0_u64..1_000_000_000,
        fraction in 0_u64..1_000_000,
        suffix in 0..SUFFIXES.len(),
    ) {
        let (suffix, times, per) = SUFFIXES[suffix];
        let text = format!("{whole}.{fraction:06}{suffix}");
        let millionths = u128::from(whole) * 1_000_000 + u128::from(fraction);
        let expected = |scale: u128| u64::try_from((millionths * times * scale).div_ceil(1_000_000 * per)).ok();
        match (parse_memory(&text), expected(1)) {
            (Ok(bytes), Some(expected)) => prop_assert_eq!(bytes.0, expected),
            (Err(QuantityError::Range(_)), None) => {}
            other => prop_assert!(false, "{}: {:?}", text, other),
        }
        match (parse_cpu(&text), expected(1000)) {
            (Ok(cpu), Some(expected)) => prop_assert_eq!(cpu.0, expected),
            (Err(QuantityError::Range(_)), None) => {}
            other => prop_assert!(false, "{}: {:?}", text, other),
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = read("t", &text);
    }

    #[test]
    fn no_yaml_like_text_panics(text in "([a-z{}\\[\\]:,&*|>'\"#%@!?~ \n-]|plimsoll: |kind: |items: |- ){0,60}") {
        let _ = read("t", &text);
    }

    #[test]
    fn no_damaged_sample_panics(
        sample in 0..SAMPLES.len(),
        cut in 0.0..1.0_f64,
        damage in prop::collection::vec((0.0..1.0_f64, prop::sample::select(vec!['x', '-', '{', '"', '\n', ' ', '9', ':'])), 0..4),
    ) {
        let mut text: Vec<char> = SAMPLES[sample].chars().collect();
        let length = text.len();
        for (place, character) in damage {
            text[(place * length as f64) as usize] = character;
        }
        text.truncate(length - (cut * cut * length as f64) as usize);
        let _ = read("t", &text.into_iter().collect::<String>());
    }

    #[test]
    fn the_order_of_documents_changes_only_the_order(seed in any::<u64>()) {
        let mut documents: Vec<&str> = SAMPLES[0].split("\n---\n").collect();
        let sorted = |documents: &[&str]| {
            let mut set = read("t", &documents.join("\n---\n")).expect("a sound sample");
            set.workloads.sort_by(|a, b| a.id.cmp(&b.id));
            set
        };
        let before = sorted(&documents);
        let length = documents.len();
        for i in 0..length {
            documents.swap(i, (seed.rotate_left(i as u32 * 5) % length as u64) as usize);
        }
        prop_assert_eq!(before, sorted(&documents));
    }
}
