//! A replay in reports: what is saved suffices to replay again, and the manifests are what they say.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/small.rs"]
mod small;

mod plan_fixture;
#[path = "support/planned.rs"]
mod planned;
#[path = "support/workbook.rs"]
mod workbook;

use plimsoll::replay::{
    Cluster, Help, Life, Order, Profile, Rules, Settings, Spread, measures, replay, room,
};
use plimsoll::report::view::{PlanReport, Replayed, Scheduling, WorkloadRow};
use plimsoll::report::{Format, RenderOptions, csv, json, kubernetes, render};
use plimsoll::units::Money;
use plimsoll::workload::WorkloadKind;
use serde_json::Value;
use small::{cluster, deploy};

/// Small pods first leave no room for large ones on the first kind of node; the second has its own pods.
fn stranded() -> Cluster {
    let mut cluster = cluster(&[(8, 8, 0), (8, 8, 1), (2, 32, 0), (2, 32, 1)]);
    deploy(&mut cluster, 8, 1000, 1024, Rules::default());
    deploy(&mut cluster, 1, 8000, 7 * 1024, Rules::default());
    deploy(&mut cluster, 8, 500, 8192, Rules::default());
    for (workload, planned) in [(0, (0, 8)), (1, (0, 1)), (2, (1, 8))] {
        cluster.workloads[workload].planned = vec![planned];
    }
    cluster
}

/// A report of these workloads that was replayed.
fn report(cluster: &Cluster, help: &Help) -> PlanReport {
    let mut report = plan_fixture::report(None);
    let row = report.workloads[0].clone();
    let rows = cluster.workloads.iter().map(|w| {
        let mut parts = w.id.splitn(3, '/');
        let namespace = parts.next().unwrap().to_owned();
        let name = parts.nth(1).unwrap().to_owned();
        WorkloadRow { workload: w.id.clone(), namespace, kind: w.kind, name, ..row.clone() }
    });
    report.workloads = rows.collect();
    report.scheduling = Some(Scheduling::of(cluster));
    let runs = replay(cluster, &Settings::default());
    let found = measures(cluster, help);
    let room = room(&found.cluster, &Life::default());
    report.replay = Some(Replayed::of(cluster, &runs, Some(&found), Some(&room)));
    report
}

/// The documents of a YAML stream.
fn documents(yaml: &str) -> Vec<Value> {
    yaml.split("---\n").skip(1).map(serde_yaml_parse).collect()
}

fn serde_yaml_parse(document: &str) -> Value {
    serde_yaml::from_str(document).unwrap_or_else(|error| panic!("{error}: {document}"))
}

#[test]
fn what_is_saved_replays_alike() {
    let mut planned = stranded();
    planned.workloads[0].rules = Rules {
        pools: Some(vec![true, false]),
        zones: Some(vec![true, true, false]),
        max_per_node: Some(5),
        apart_on_node: vec![2],
        apart_in_zone: vec![],
        near_on_node: vec![],
        near_in_zone: vec![vec![0, 1]],
        spread: vec![Spread { zones: true, max_skew: 2, min_domains: Some(2), counts: vec![0] }],
        own_spread: true,
    };
    planned.pools[0].taken = vec![100, 1 << 20, 2];
    planned.pools[1].allocatable[2] = u64::MAX;
    let saved = serde_json::to_vec(&Scheduling::of(&planned)).unwrap();
    let read: Scheduling = serde_json::from_slice(&saved).unwrap();
    let again = read.cluster().unwrap();
    assert_eq!(Scheduling::of(&again), Scheduling::of(&planned));
    let all = Settings::default();
    assert_eq!(replay(&again, &all), replay(&planned, &all));
}

#[test]
fn a_plan_that_contradicts_itself_is_refused() {
    let mut rows = Scheduling::of(&stranded());
    rows.workloads[0].planned = vec![(7, 8)];
    assert!(rows.cluster().is_err());
    let mut rows = Scheduling::of(&stranded());
    rows.workloads[1].requests.pop();
    assert!(rows.cluster().is_err());
}

#[test]
fn a_plan_that_was_not_replayed_says_so_and_has_no_manifests() {
    let report = plan_fixture::report(None);
    let table =
        String::from_utf8(render(&report, Format::Table, &RenderOptions::default()).unwrap()).unwrap();
    assert!(table.contains("Replay   not done"), "{table}");
    let error = kubernetes::render(&report).unwrap_err();
    assert!(error.to_string().contains("plimsoll replay"));
}

#[test]
fn every_format_says_whether_it_was_replayed_and_with_which_counts() {
    let plain = plan_fixture::report(None);
    let replayed = PlanReport { replay: report(&stranded(), &Help::default()).replay, ..plain.clone() };
    let worst = replayed.replay.as_ref().unwrap().worst_before();
    assert!(worst > 0);
    let counts = format!("up to {worst} of 17 pods stay pending; none with 3 pins and 1 size class");
    let options = |table| RenderOptions {
        csv_table: table,
        start: Some("2026-08-01".to_owned()),
        width: 200,
        ..RenderOptions::default()
    };
    let text = |report: &PlanReport, format| {
        let bytes = render(report, format, &options(csv::Table::Replay));
        String::from_utf8(bytes.unwrap_or_else(|error| panic!("{format}: {error}"))).unwrap()
    };
    let whole = [Format::Table, Format::Html, Format::Markdown, Format::Focus];
    let nodes = [Format::Karpenter, Format::Eksctl, Format::ClusterAutoscaler, Format::Terraform];
    for format in whole.into_iter().chain(nodes).chain([Format::Kubernetes]) {
        assert!(text(&replayed, format).contains(&counts), "{format}: {}", text(&replayed, format));
    }
    for format in whole {
        assert!(text(&plain, format).contains("not done"), "{format}");
    }
    for format in nodes {
        assert!(text(&plain, format).contains("was not replayed"), "{format}");
    }
    let csv = text(&replayed, Format::Csv);
    let most = csv.lines().filter(|line| line.starts_with("plan,default,")).filter_map(|line| {
        assert!(line.contains(",17,3,"), "{line}");
        line.rsplit(',').next()?.parse::<u64>().ok()
    });
    assert_eq!(most.max(), Some(worst));
    assert_eq!(
        csv.lines().filter(|line| line.starts_with("with-measures,default,")).count(),
        Order::ALL.len()
    );
    assert!(text(&plain, Format::Csv).contains("not-replayed"));
    let book = |report: &PlanReport| {
        let bytes = render(report, Format::Xlsx, &options(csv::Table::Nodes)).unwrap();
        let cells = workbook::sheet(&bytes, "Summary").into_values();
        cells.map(|cell| cell.value).collect::<Vec<_>>().join("\n")
    };
    assert!(book(&replayed).contains(&counts));
    assert!(book(&plain).contains("not done"));
}

/// No format is forgotten: each of them, with what it says of a plan that was replayed, and of one that was not.
/// Manifests of a plan that was not replayed are refused.
#[test]
fn no_format_leaves_open_whether_the_plan_was_replayed() {
    let plain = PlanReport { replay: None, ..planned::committed() };
    let replayed = PlanReport { replay: report(&stranded(), &Help::default()).replay, ..plain.clone() };
    let worst = replayed.replay.as_ref().unwrap().worst_before();
    let counts = format!("up to {worst} of 17 pods stay pending; none with 3 pins and 1 size class");
    let most = format!(r#""most": {worst}"#);
    let options = RenderOptions { csv_table: csv::Table::Replay, width: 200, ..RenderOptions::default() };
    for format in Format::ALL {
        let (with, without) = match format {
            Format::Table
            | Format::Html
            | Format::Markdown
            | Format::Xlsx
            | Format::Focus
            | Format::FocusCommitments => (counts.as_str(), "not done (plimsoll replay)"),
            Format::Json => (most.as_str(), r#""replay": null"#),
            Format::Csv => (",17,3,", "not-replayed"),
            Format::Karpenter | Format::Eksctl | Format::ClusterAutoscaler | Format::Terraform => {
                (counts.as_str(), "was not replayed")
            }
            Format::Kubernetes => (counts.as_str(), "the plan was not replayed"),
        };
        let text = |report: &PlanReport| match render(report, format, &options) {
            Ok(bytes) if format == Format::Xlsx => {
                let sheets = workbook::sheets(&bytes).into_iter();
                let cells = sheets.flat_map(|(_, cells)| cells.into_values());
                cells.map(|cell| cell.value).collect::<Vec<_>>().join("\n")
            }
            Ok(bytes) => String::from_utf8(bytes).unwrap(),
            Err(error) => error.to_string(),
        };
        assert!(text(&replayed).contains(with), "{format}: no {with:?} in {}", text(&replayed));
        assert!(!text(&plain).contains(with), "{format}");
        assert!(text(&plain).contains(without), "{format}: no {without:?} in {}", text(&plain));
        assert!(!text(&replayed).contains(without), "{format}");
    }
    // Every row says so, not only some.
    let rows = |report: &PlanReport| {
        let bytes = render(report, Format::FocusCommitments, &options).unwrap();
        let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
        reader
            .deserialize()
            .map(|row| row.unwrap())
            .collect::<Vec<std::collections::BTreeMap<String, String>>>()
    };
    assert!(
        !rows(&replayed).is_empty() && rows(&replayed).iter().all(|row| row["x_Replay"].contains(&counts))
    );
    assert!(rows(&plain).iter().all(|row| row["x_Replay"].starts_with("not done")));
}

/// The price of what the plan's cost does not have stands beside that cost, everywhere.
#[test]
fn nodes_beyond_the_plan_are_named_with_their_price() {
    let report = report(&stranded(), &Help::default());
    let life = report.replay.as_ref().unwrap().life.as_ref().unwrap();
    assert!(!life.extra_nodes.is_empty());
    let text = |format| {
        let options =
            RenderOptions { csv_table: csv::Table::Measures, width: 200, ..RenderOptions::default() };
        String::from_utf8(render(&report, format, &options).unwrap()).unwrap()
    };
    for format in [Format::Table, Format::Html, Format::Markdown] {
        assert!(text(format).contains("for rolling updates and drains, not in the plan"), "{format}");
        // Four nodes: everything better could be tried.
        assert!(text(format).contains("; all cheaper ones were tried"), "{format}: {}", text(format));
    }
    let csv = text(Format::Csv);
    let rows = csv.lines().filter(|line| line.starts_with("room-for-updates-and-drains,"));
    let month: Money = rows.map(|line| line.rsplit(',').next().unwrap().parse::<Money>().unwrap()).sum();
    assert_eq!(month, life.premium_month);
    assert_eq!(csv.lines().filter(|line| line.starts_with("pin,")).count(), 3);
    let manifests = kubernetes::render(&report).unwrap();
    assert!(manifests.contains("Room for rolling updates and drains"), "{manifests}");
}

#[test]
fn manifests_of_a_plan_replayed_without_measures_say_that() {
    let mut report = report(&stranded(), &Help::default());
    report.replay.as_mut().unwrap().measures = None;
    assert!(kubernetes::render(&report).unwrap_err().to_string().contains("without measures"));
}

#[test]
fn the_manifests_hold_classes_and_a_patch_for_each_workload_that_needs_one() {
    let report = report(&stranded(), &Help::default());
    let found = report.replay.as_ref().unwrap().measures.as_ref().unwrap();
    assert!(found.settled && found.extra_nodes.is_empty(), "{found:?}");
    assert_eq!((found.pins.len(), found.classes.len()), (3, 1));

    let documents = documents(&kubernetes::render(&report).unwrap());
    let class = &documents[0];
    assert_eq!(class["apiVersion"], "scheduling.k8s.io/v1");
    assert_eq!(class["kind"], "PriorityClass");
    assert_eq!(class["preemptionPolicy"], "Never");
    assert_eq!((&class["globalDefault"], &class["value"]), (&Value::Bool(false), &Value::from(10)));
    let name = class["metadata"]["name"].as_str().unwrap();

    let patches = &documents[1..];
    assert_eq!(patches.len(), 3);
    for (place, patch) in patches.iter().enumerate() {
        assert_eq!((&patch["apiVersion"], &patch["kind"]), (&"apps/v1".into(), &"Deployment".into()));
        assert_eq!(patch["metadata"]["name"], format!("w{place}"));
        assert_eq!(patch["metadata"]["namespace"], "default");
        let spec = &patch["spec"]["template"]["spec"];
        let wanted = if place == 2 { "c2m32" } else { "c8m8" };
        assert_eq!(spec["nodeSelector"]["node.kubernetes.io/instance-type"], wanted);
        // The large pods of the first pool alone have a class.
        let class = if place == 1 { Value::from(name) } else { Value::Null };
        assert_eq!(spec["priorityClassName"], class);
    }
}

#[test]
fn the_patch_of_each_kind_reaches_its_pod_template() {
    let mut cluster = stranded();
    for (kind, version, path) in [
        (WorkloadKind::StatefulSet, "apps/v1", "/spec/template/spec"),
        (WorkloadKind::Job, "batch/v1", "/spec/template/spec"),
        (WorkloadKind::CronJob, "batch/v1", "/spec/jobTemplate/spec/template/spec"),
        (WorkloadKind::ReplicationController, "v1", "/spec/template/spec"),
        (WorkloadKind::Pod, "v1", "/spec"),
    ] {
        cluster.workloads[1].kind = kind;
        let report = report(&cluster, &Help::default());
        let documents = documents(&kubernetes::render(&report).unwrap());
        let patch = documents.iter().find(|d| d["metadata"]["name"] == "w1").unwrap();
        assert_eq!((&patch["apiVersion"], &patch["kind"]), (&version.into(), &kind.to_string().into()));
        let spec = patch.pointer(path).unwrap();
        assert!(spec["nodeSelector"].is_object(), "{patch}");
    }
}

/// `w0@spot` is no name that Kubernetes takes; the part is a Deployment of its own.
#[test]
fn a_part_on_spot_nodes_is_an_object_with_a_name_of_its_own() {
    let mut cluster = stranded();
    cluster.workloads[1].id = "default/Deployment/w0@spot".to_owned();
    let mut report = report(&cluster, &Help::default());
    let names = |report: &PlanReport| -> Vec<String> {
        let patches = documents(&kubernetes::render(report).unwrap());
        let patches = patches.iter().filter(|document| document["kind"] == "Deployment");
        patches.map(|patch| patch["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&report), ["w0", "w0-spot", "w2"]);
    let manifests = kubernetes::render(&report).unwrap();
    assert!(!manifests.contains('@'), "{manifests}");
    assert!(manifests.contains("#   default/Deployment/w0-spot: a copy of w0, replicas "), "{manifests}");
    assert!(manifests.contains("#   default/Deployment/w0: replicas "), "{manifests}");
    // A Deployment of that name that is there already is another one.
    report.workloads[2].name = "w0-spot".to_owned();
    report.workloads[2].workload = "default/Deployment/w0-spot".to_owned();
    report.replay.as_mut().unwrap().measures.as_mut().unwrap().pins[2].workload =
        "default/Deployment/w0-spot".to_owned();
    assert_eq!(names(&report), ["w0", "w0-spot-part", "w0-spot"]);
}

#[test]
fn names_from_outside_break_out_of_nothing() {
    let mut cluster = stranded();
    let evil = "a: b\n---\nkind: Secret\u{2028}# \"'{{";
    cluster.workloads[1].id = format!("default/Deployment/{evil}");
    cluster.pools[0].name = evil.to_owned();
    cluster.pools[0].instance_type = "yes".to_owned();
    let mut report = report(&cluster, &Help::default());
    report.scenario.name = format!("x\r\n{evil}\u{85}");
    let yaml = kubernetes::render(&report).unwrap();
    let marks = yaml.lines().filter(|line| *line == "---").count();
    // The name's own `---` stands inside a quoted string, where it is text.
    let stream: Vec<&str> = yaml.split("\n---\n").collect();
    assert_eq!((marks, stream.len()), (4, 5), "{yaml}");
    let patch = stream[1..].iter().map(|d| serde_yaml_parse(d)).find(|d| d["metadata"]["name"] == evil);
    let patch = patch.unwrap();
    let pinned = &patch["spec"]["template"]["spec"]["nodeSelector"]["node.kubernetes.io/instance-type"];
    assert_eq!(*pinned, "yes");
    for line in stream[0].lines() {
        assert!(line.starts_with('#'), "{line:?}");
    }
}

#[test]
fn a_replay_is_saved_with_the_report_and_read_again() {
    let report = report(&stranded(), &Help { profiles: vec![Profile::Default], ..Help::default() });
    assert_eq!(json::parse(&json::render(&report)).unwrap(), report);
    let rows = &report.replay.as_ref().unwrap().before;
    assert_eq!(rows.len(), Profile::ALL.len() * Order::ALL.len());
    let table =
        String::from_utf8(render(&report, Format::Table, &RenderOptions::default()).unwrap()).unwrap();
    assert!(table.contains("3 pins and 1 size class"), "{table}");
    let life = report.replay.as_ref().unwrap().life.as_ref().unwrap();
    // A full cluster has no room for the pods of a drained node.
    assert!(life.updates_stuck > 0 && life.drains_stuck > 0 && !life.extra_nodes.is_empty(), "{life:?}");
    assert!(table.contains("Without more room"), "{table}");
}
