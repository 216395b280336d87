//! What is read of a cluster that runs: nodes, which pod lies where, budgets.

use plimsoll::input::{ReadOptions, Source, read_cluster};
use plimsoll::observed::{BudgetRule, CapacityType, ObservedCluster, PodsHere};
use plimsoll::units::ResourceName;
use plimsoll::workload::{Amount, WorkloadSet};
use serde_json::json;

mod dump;
#[path = "support/workbook.rs"]
mod workbook;
use dump::Dump;

fn read(dump: &Dump) -> (WorkloadSet, ObservedCluster) {
    let source = Source { name: "dump.json".to_owned(), bytes: dump.text().into_bytes() };
    read_cluster(&[source], &ReadOptions::default()).expect("a readable dump")
}

#[test]
fn pods_lie_where_the_scheduler_put_them() {
    let dump = Dump::new()
        .node("a", "m5.large", "1930m", "7000Mi")
        .node("b", "m5.large", "1930m", "7000Mi")
        .with(|node| node["spec"]["unschedulable"] = json!(true))
        .pods("web", 2, "500m", "1Gi", "a")
        .pods("web", 1, "500m", "1Gi", "b")
        .pods("web", 1, "500m", "1Gi", "")
        .pods("db", 1, "100m", "1Gi", "b")
        .with(|pod| pod["metadata"]["annotations"] = json!({"karpenter.sh/do-not-disrupt": "true"}))
        .owned("agent", "DaemonSet", 1, "100m", "100Mi", "a")
        .owned("agent", "DaemonSet", 1, "100m", "100Mi", "b");
    let (set, observed) = read(&dump);
    let names: Vec<String> = set.workloads.iter().map(|w| format!("{} {}", w.id, w.replicas)).collect();
    assert_eq!(names, ["default/ReplicaSet/web 4", "default/ReplicaSet/db 1"]);
    assert_eq!(set.daemon_sets.len(), 1);
    let here = |workload, pods, held| PodsHere { workload, pods, held };
    let [a, b] = &observed.nodes[..] else { panic!("two nodes") };
    assert_eq!((a.pods.as_slice(), a.bound.as_slice()), (&[here(0, 2, 0)][..], &[(0, 1)][..]));
    assert_eq!((b.pods.as_slice(), b.bound.as_slice()), (&[here(0, 1, 0), here(1, 1, 1)][..], &[(0, 1)][..]));
    assert_eq!(observed.waiting, [(0, 1)]);
    assert_eq!((a.unschedulable, b.unschedulable), (false, true));
    assert_eq!((a.instance_type(), a.zone()), (Some("m5.large"), Some("us-east-1a")));
    assert_eq!(a.allocatable[&ResourceName::Cpu], 1930);
    assert_eq!(a.allocatable[&ResourceName::Volumes], 25);
    assert_eq!(observed.home().map(|(provider, region)| (provider.to_string(), region)), {
        Some(("aws".to_owned(), "us-east-1".to_owned()))
    });
}

#[test]
fn running_pods_count_before_their_controllers() {
    // The Deployment asks for five replicas; two run, and a sidecar was injected into them.
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 5, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
            {"name": "main", "resources": {"requests": {"cpu": "500m"}}}]}}},
    });
    let dump = Dump::new()
        .node("a", "m5.large", "1930m", "7000Mi")
        .object(deployment)
        .owned("web-5d4f", "ReplicaSet", 2, "600m", "1Gi", "a")
        .each_pod("web-5d4f", |pod| {
            pod["metadata"]["labels"] = json!({"app": "web", "pod-template-hash": "5d4f"});
        });
    let (set, observed) = read(&dump);
    let [web] = &set.workloads[..] else { panic!("one workload") };
    assert_eq!((web.id.to_string().as_str(), web.replicas), ("default/Deployment/web", 2));
    assert_eq!(web.pod.requests[&ResourceName::Cpu], 600);
    assert_eq!(observed.nodes[0].pods, [PodsHere { workload: 0, pods: 2, held: 0 }]);
}

#[test]
fn pods_without_a_controller_stay_and_static_pods_belong_to_their_nodes() {
    let dump = Dump::new()
        .node("a", "m5.large", "1930m", "7000Mi")
        .node("b", "m5.large", "1930m", "7000Mi")
        .pods("bare", 1, "100m", "1Gi", "a")
        .each_pod("bare", |pod| drop(pod["metadata"]["ownerReferences"].take()))
        .owned("a", "Node", 1, "50m", "50Mi", "a")
        .with(|pod| pod["metadata"]["name"] = json!("proxy-a"))
        .owned("b", "Node", 1, "50m", "50Mi", "b")
        .with(|pod| pod["metadata"]["name"] = json!("proxy-b"))
        .owned("a", "Node", 1, "250m", "500Mi", "a")
        .with(|pod| pod["metadata"]["name"] = json!("etcd-a"));
    let (set, observed) = read(&dump);
    assert_eq!(observed.nodes[0].pods, [PodsHere { workload: 0, pods: 1, held: 1 }]);
    let of = |node: usize| -> Vec<&str> {
        observed.nodes[node].bound.iter().map(|&(b, _)| observed.bound[b].id.name.as_str()).collect()
    };
    assert_eq!(of(0).len(), 2);
    assert_eq!(of(1), ["proxy"]);
    // What half of the nodes or more run, every new node will run.
    let daemons: Vec<&str> = set.daemon_sets.iter().map(|d| d.id.name.as_str()).collect();
    assert_eq!(daemons, ["proxy", "etcd"]);
}

#[test]
fn budgets_are_numbers_or_shares() {
    let dump = Dump::new()
        .node("a", "m5.large", "1930m", "7000Mi")
        .pods("web", 2, "500m", "1Gi", "a")
        .budget("web", "minAvailable", json!("50%"))
        .budget("db", "maxUnavailable", json!(1));
    let (set, observed) = read(&dump);
    let rules: Vec<BudgetRule> = observed.budgets.iter().map(|b| b.rule).collect();
    let half = Amount::Share("50%".parse().unwrap());
    assert_eq!(rules, [BudgetRule::MinAvailable(half), BudgetRule::MaxUnavailable(Amount::Pods(1))]);
    assert!(observed.budgets[0].covers(&set.workloads[0]));
    assert!(!observed.budgets[1].covers(&set.workloads[0]));
}

#[test]
fn spot_is_told_and_a_dump_without_nodes_is_refused() {
    let dump = Dump::new().node_in(
        "a",
        "m5.large",
        "2",
        "8Gi",
        "us-east-1a",
        &[("karpenter.sh/capacity-type", "spot")],
    );
    let (_, observed) = read(&dump.pods("web", 1, "1", "1Gi", "a"));
    assert_eq!(observed.nodes[0].capacity_type(), CapacityType::Spot);
    let bytes = Dump::new().pods("web", 1, "1", "1Gi", "a").text().into_bytes();
    let faults = read_cluster(&[Source { name: "dump.json".to_owned(), bytes }], &ReadOptions::default());
    let message = faults.unwrap_err()[0].to_string();
    assert!(message.starts_with("dump.json: holds no node; "), "{message}");
}

/// The table has one column more where pods wait.
#[test]
fn what_a_cluster_could_be_fits_a_terminal() {
    let names = ["a", "b", "c", "d"];
    let dump = names.iter().fold(Dump::new(), |dump, name| {
        dump.node(name, "m5.24xlarge", "1930m", "7000Mi").pods("web", 2, "450m", "1600Mi", name)
    });
    let dump = dump.pods("new", 3, "450m", "1600Mi", "");
    let mut command = assert_cmd::Command::cargo_bin("plimsoll").expect("the binary");
    command.args(["plan", "--cluster", "-", "--effort", "quick", "--baselines", "none", "--replay", "none"]);
    let output = command.write_stdin(dump.text()).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).expect("UTF-8");
    assert!(text.contains("3 pods wait"), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

/// Two nodes on demand of which one would do, and with them two spot nodes with a rate and one without.
fn with_spot_nodes(spot: bool) -> Dump {
    let spot_node = [("karpenter.sh/capacity-type", "spot")];
    let zone = "us-east-1a";
    let dump = ["a", "b"].iter().fold(Dump::new(), |dump, name| {
        dump.node(name, "m5.xlarge", "3920m", "14Gi").pods("web", 2, "450m", "1600Mi", name)
    });
    if !spot {
        return dump;
    }
    let kinds = [("s1", "m5.xlarge"), ("s2", "m5.xlarge"), ("s3", "c8ine.xlarge")];
    kinds.iter().fold(dump, |dump, (name, kind)| {
        dump.node_in(name, kind, "3920m", "14Gi", zone, &spot_node).pods("batch", 2, "1", "1Gi", name)
    })
}

/// What `plan --cluster` prints of it.
fn planned(dump: &Dump, arguments: &[&str]) -> String {
    let mut command = assert_cmd::Command::cargo_bin("plimsoll").expect("the binary");
    command.args(["plan", "--cluster", "-", "--effort", "quick", "--baselines", "none", "--replay", "none"]);
    command.args(["--family", "m5"]).args(arguments);
    let output = command.write_stdin(dump.text()).assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("UTF-8")
}

/// m5.xlarge costs 0.192 on demand and 0.06986 spot: two of each are 280.32 and 101.9956 for 730 hours,
/// 382.3156 together.
#[test]
fn spot_nodes_have_the_average_rate_of_the_catalog_and_are_in_no_saving() {
    let dump = with_spot_nodes(true);
    let json: serde_json::Value = serde_json::from_str(&planned(&dump, &["-f", "json"])).expect("JSON");
    let cluster = &json["cluster"];
    let expected = json!({
        "nodes": 3, "nodes_without_rate": 1, "pods": 6, "spot_month": "101.9956", "as_is_month": "382.3156",
    });
    assert_eq!(cluster["spot"], expected);
    assert_eq!(cluster["plans"][0]["list_month"], "280.32");
    let of = |node: usize, field: &str| cluster["nodes"][node].get(field).cloned().unwrap_or_default();
    assert_eq!((of(0, "list_rate"), of(0, "spot_rate")), (json!("0.192"), json!(null)));
    assert_eq!((of(2, "list_rate"), of(2, "spot_rate")), (json!(null), json!("0.06986")));
    assert_eq!(of(2, "spot_month"), "50.9978");
    // Without a spot rate there is no price, and never the one on demand.
    assert_eq!((of(4, "list_rate"), of(4, "spot_rate")), (json!(null), json!(null)));
    assert!(of(2, "set_aside").as_str().is_some_and(|why| why.contains("not what was paid")));
    assert!(of(4, "set_aside").as_str().is_some_and(|why| why.contains("has no spot rate")));

    // Every state but for the spot nodes is what it is without any: nothing is saved by setting prices on demand
    // against spot prices.
    let without: serde_json::Value =
        serde_json::from_str(&planned(&with_spot_nodes(false), &["-f", "json"])).expect("JSON");
    assert_eq!(cluster["plans"], without["cluster"]["plans"]);
    assert_eq!(cluster["plans"][1]["nodes"], 1);
    assert!(without["cluster"].get("spot").is_none());
}

#[test]
fn every_format_says_whose_price_spot_nodes_have() {
    let dump = with_spot_nodes(true);
    let report = plimsoll::report::json::parse(planned(&dump, &["-f", "json"]).as_bytes()).expect("JSON");
    for format in ["table", "html", "markdown"] {
        let text = planned(&dump, &["-f", format]).replace("&#39;", "'").replace('\\', "");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in ["$102.00 a month by the catalog's average spot rate", "not what was paid"] {
            assert!(text.contains(words), "{format}: no {words:?} in {text}");
        }
    }
    let table = planned(&dump, &["-f", "table"]);
    for words in ["spot: $51.00", "spot: unknown", "as it is $382.32 in all"] {
        let text = table.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "no {words:?} in {table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let nodes = planned(&dump, &["-f", "csv", "--table", "cluster-nodes"]);
    assert!(nodes.contains("\ns1,m5.xlarge,us-east-1a,spot,USD,,,0.06986,50.9978,"), "{nodes}");
    assert!(nodes.contains("\ns3,c8ine.xlarge,us-east-1a,spot,USD,,,,,"), "{nodes}");
    let plans = planned(&dump, &["-f", "csv", "--table", "cluster-plans"]);
    assert!(plans.lines().skip(1).all(|line| line.ends_with(",101.9956")), "{plans}");
    let notices = plimsoll::report::render(
        &report,
        plimsoll::report::Format::Xlsx,
        &plimsoll::report::RenderOptions::default(),
    );
    let words = workbook::sheets(&notices.expect("a workbook"));
    let mut cells = words.iter().flat_map(|(_, cells)| cells.values());
    assert!(cells.any(|cell| cell.value.contains("$102.00 a month by the catalog's average spot rate")));
}
