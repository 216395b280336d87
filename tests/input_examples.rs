//! The workloads that come with the program are readable and hold what their headers say.

use plimsoll::input::{ReadOptions, Source, read_workloads};
use plimsoll::workload::WorkloadSet;

fn read(name: &str) -> WorkloadSet {
    let path = format!("{}/workloads/{name}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).expect("an example file");
    let source = Source { name: name.to_owned(), bytes };
    read_workloads(&[source], &ReadOptions::default()).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn pods(set: &WorkloadSet) -> u64 {
    set.workloads.iter().map(|workload| workload.replicas).sum()
}

#[test]
fn online_boutique_has_twelve_services() {
    let set = read("online-boutique.yaml");
    assert_eq!((set.workloads.len(), pods(&set)), (12, 12));
}

#[test]
fn qbox_has_five_hundred_tenants() {
    let set = read("qbox-2016.yaml");
    assert_eq!(set.workloads.len(), 510);
    assert!(set.warnings.is_empty(), "{:?}", set.warnings);
}
