//! The workloads that come with the program are readable, hold what their headers say and keep to
//! the schema.

#[path = "../examples/qbox_2016.rs"]
#[allow(dead_code, reason = "its main prints what render returns")]
mod qbox_2016;
#[path = "support/schema.rs"]
mod schema;

use std::collections::BTreeSet;

use plimsoll::input::{ReadOptions, Source, read_cluster, read_workloads, workload_file};
use plimsoll::observed::ObservedNode;
use plimsoll::units::ResourceName::{Cpu, Memory};
use plimsoll::workload::{WorkloadKind, WorkloadSet};
use schema::check;
use serde_json::Value;

fn text_of(name: &str) -> String {
    let path = format!("{}/workloads/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("an example file")
}

fn read(name: &str) -> WorkloadSet {
    let source = Source { name: name.to_owned(), bytes: text_of(name).into_bytes() };
    read_workloads(&[source], &ReadOptions::default()).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn pods(set: &WorkloadSet) -> u64 {
    set.workloads.iter().map(|workload| workload.replicas).sum()
}

#[test]
fn every_example_is_known_here() {
    let folder = format!("{}/workloads", env!("CARGO_MANIFEST_DIR"));
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found: BTreeSet<String> = names.collect();
    let known = [
        "aks-cluster-a-running.yaml",
        "aks-cluster-a.yaml",
        "deathstarbench-social-network.yaml",
        "kube-prometheus.yaml",
        "online-boutique-manifests.yaml",
        "online-boutique.yaml",
        "opentelemetry-demo.csv",
        "qbox-2016.yaml",
        "shop-by-the-hour.yaml",
        "two-shifts.yaml",
    ];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), known);
    for name in known {
        let expected: &[&str] = match name {
            "online-boutique-manifests.yaml" => {
                &["shop/Deployment/frontend is autoscaled between 2 and 6 replicas; counted with 3"]
            }
            _ => &[],
        };
        assert_eq!(read(name).warnings, expected, "{name}");
    }
}

#[test]
fn the_running_aks_cluster_has_the_same_pods_on_five_nodes() {
    let source =
        Source { name: "running".to_owned(), bytes: text_of("aks-cluster-a-running.yaml").into_bytes() };
    let (set, observed) = read_cluster(&[source], &ReadOptions::default()).expect("a readable dump");
    assert_eq!((pods(&set), pods(&read("aks-cluster-a.yaml"))), (85, 85));
    let here = |node: &ObservedNode| {
        let moving: u64 = node.pods.iter().map(|p| p.pods).sum();
        moving + node.bound.iter().map(|&(_, n)| n).sum::<u64>()
    };
    // Rows of the source by node.
    assert_eq!(observed.nodes.iter().map(here).collect::<Vec<_>>(), [25, 24, 26, 29, 31]);
}

#[test]
fn online_boutique_has_twelve_services() {
    let set = read("online-boutique.yaml");
    assert_eq!((set.workloads.len(), pods(&set)), (12, 12));
    let cpu: u64 = set.workloads.iter().map(|w| w.pod.requests[&Cpu]).sum();
    let memory: u64 = set.workloads.iter().map(|w| w.pod.requests[&Memory]).sum();
    // By hand: 8 x 100 + 2 x 200 + 70 + 300; 8 x 64 + 180 + 200 + 256 + 220, in MiB.
    assert_eq!((cpu, memory >> 20), (1570, 1368));
}

#[test]
fn the_same_services_as_manifests() {
    let set = read("online-boutique-manifests.yaml");
    assert_eq!((set.workloads.len(), pods(&set)), (12, 18));
    assert_eq!(set.skipped_kinds.into_iter().collect::<Vec<_>>(), [("Service".to_owned(), 1)]);
    let native = read("online-boutique.yaml");
    for workload in &set.workloads {
        let same =
            native.workloads.iter().find(|w| w.id.name == workload.id.name).expect("the same services");
        assert_eq!((&workload.pod.requests, &workload.pod.limits), (&same.pod.requests, &same.pod.limits));
    }
}

#[test]
fn kube_prometheus_has_a_daemon_set() {
    let set = read("kube-prometheus.yaml");
    assert_eq!((set.workloads.len(), pods(&set), set.daemon_sets.len()), (7, 11, 1));
    let stateful = set.workloads.iter().filter(|w| w.id.kind == WorkloadKind::StatefulSet);
    assert_eq!(stateful.map(|w| w.replicas).sum::<u64>(), 5, "three Alertmanagers and two Prometheis");
}

#[test]
fn deathstarbench_has_twenty_seven_equal_services() {
    let set = read("deathstarbench-social-network.yaml");
    assert_eq!((set.workloads.len(), pods(&set)), (27, 27));
    assert!(set.workloads.iter().all(|w| w.pod.requests == set.workloads[0].pod.requests));
}

#[test]
fn aks_cluster_a_has_its_135_pods() {
    let set = read("aks-cluster-a.yaml");
    // Ten DaemonSets had a pod on each of the five nodes.
    assert_eq!((pods(&set), set.daemon_sets.len()), (85, 10));
    assert_eq!(pods(&set) + 10 * 5, 135);
    let without: u64 = set.workloads.iter().filter(|w| w.pod.has_no_requests()).map(|w| w.replicas).sum();
    let daemons = set.daemon_sets.iter().filter(|w| w.pod.has_no_requests()).count() as u64;
    assert_eq!(without + daemons * 5, 17);
}

#[test]
fn the_opentelemetry_demo_is_a_table() {
    let set = read("opentelemetry-demo.csv");
    assert_eq!((set.workloads.len(), pods(&set)), (24, 24));
    assert_eq!(set.workloads.iter().filter(|w| w.pod.requests.contains_key(&Cpu)).count(), 1);
}

#[test]
fn qbox_is_what_its_generator_writes() {
    assert!(text_of("qbox-2016.yaml") == qbox_2016::render(), "run the example qbox_2016 again");
}

#[test]
fn qbox_keeps_to_its_assumptions() {
    let set = read("qbox-2016.yaml");
    assert_eq!(set.workloads.len(), 510);
    assert_eq!(set.catalog.as_deref(), Some("aws-2016-09-27-us-east-1"));
    for workload in &set.workloads {
        let pod = &workload.pod;
        assert_eq!(pod.requests[&Memory], pod.limits[&Memory]);
        assert!(pod.requests[&Cpu] < pod.limits[&Cpu]);
        assert_eq!(pod.rules.volumes.len(), 1);
        assert_eq!(pod.rules.pod_anti_affinity.len(), usize::from(workload.replicas > 1));
        let burstable = workload.current_type.as_ref().is_some_and(|name| name.starts_with("t2."));
        assert_eq!(burstable, workload.replicas == 1, "{}", workload.id);
    }
    let of_size = |mib: u64| set.workloads.iter().filter(|w| w.pod.requests[&Memory] == mib << 20).count();
    assert_eq!([512, 1024, 32768, 65536].map(of_size), [256, 128, 4, 2]);
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

#[test]
fn native_examples_keep_to_the_schema() {
    let schema = serde_json::to_value(workload_file::schema()).unwrap();
    for name in [
        "aks-cluster-a.yaml",
        "deathstarbench-social-network.yaml",
        "kube-prometheus.yaml",
        "online-boutique.yaml",
        "qbox-2016.yaml",
    ] {
        let value: Value = serde_yaml::from_str(&text_of(name)).unwrap();
        check(&schema, &schema, &value, name).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// The example of `docs/workload-file.md`, which uses every key.
fn documented() -> String {
    let path = format!("{}/docs/workload-file.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the format's documentation");
    let (_, rest) = text.split_once("```yaml\n").expect("an example");
    rest.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn the_documented_example_keeps_to_the_schema_and_is_read() {
    let schema = serde_json::to_value(workload_file::schema()).unwrap();
    let text = documented();
    let value: Value = serde_yaml::from_str(&text).unwrap();
    check(&schema, &schema, &value, "docs").unwrap_or_else(|error| panic!("{error}"));
    let source = Source { name: "docs".to_owned(), bytes: text.into_bytes() };
    let set = read_workloads(&[source], &ReadOptions::default()).unwrap();
    insta::assert_debug_snapshot!(set);
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = serde_json::to_value(workload_file::schema()).unwrap();
    let file = |component: &str| format!("plimsoll: workloads/v1\nname: fleet\ncomponents: [{component}]\n");
    let cases = [
        ("{name: a}", true),
        ("{name: a, replicas: 2, requests: {cpu: 1, memory: 1Gi}}", true),
        ("{name: a, placement: {antiAffinity: hostname}}", true),
        ("{name: a, placement: {antiAffinity: [hostname, {topologyKey: zone}]}}", true),
        ("{replicas: 1}", false),
        ("{name: a, colour: red}", false),
        ("{name: a, replicas: two}", false),
        ("{name: a, requests: [1]}", false),
        ("{name: a, placement: {antiAffinity: [{key: zone}]}}", false),
        ("{name: a, placement: {near: zone}}", false),
        ("{name: a, kind: Gadget}", false),
    ];
    for (component, sound) in cases {
        let text = file(component);
        let value: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(check(&schema, &schema, &value, "").is_ok(), sound, "schema: {component}");
        let source = Source { name: "n".to_owned(), bytes: text.into_bytes() };
        assert_eq!(read_workloads(&[source], &ReadOptions::default()).is_ok(), sound, "reader: {component}");
    }
}
