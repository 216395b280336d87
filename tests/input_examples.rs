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
    assert_eq!(set.catalog.as_deref(), Some("aws-2016-09-27-us-east-1"));
    assert!(set.warnings.is_empty(), "{:?}", set.warnings);
}

#[test]
fn files_for_different_catalogs_are_told_apart() {
    let file = |name: &str, catalog: &str| Source {
        name: name.to_owned(),
        bytes: format!("plimsoll: workloads/v1\nname: {name}\ncatalog: {catalog}\ncomponents: []\n")
            .into_bytes(),
    };
    let sources = [file("a.yaml", "one"), file("b.yaml", "one"), file("c.yaml", "two")];
    let faults = read_workloads(&sources, &ReadOptions::default()).unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "c.yaml:3: catalog: catalog `two`, where `one` was named at a.yaml:3; leave the key out of one of the files"
    );
}
