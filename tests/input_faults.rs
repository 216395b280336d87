//! Bad input: every fault of every file at once, each located.

use plimsoll::input::{Fault, ReadOptions, Source, read_workloads};

fn faults_of(files: &[(&str, &[u8])]) -> Vec<Fault> {
    let sources: Vec<Source> = files
        .iter()
        .map(|(name, bytes)| Source { name: (*name).to_owned(), bytes: bytes.to_vec() })
        .collect();
    read_workloads(&sources, &ReadOptions::default()).expect_err("this input is bad")
}

fn shown(files: &[(&str, &[u8])]) -> Vec<String> {
    faults_of(files).iter().map(ToString::to_string).collect()
}

const GOOD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\nspec: {containers: [{name: c}]}\n";

#[test]
fn every_fault_of_every_file_is_named() {
    let manifests = b"\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: -1
  template:
    spec:
      containers:
        - name: c
          resources:
            requests:
              cpu: abc
              memory: 64MB
            limits: {memory: [1]}
---
kind: Deployment
apiVersion: apps/v1
metadata: {namespace: x}
spec:
  replicas: '3'
  template: {spec: {containers: c}}
---
a: [1
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers: [{name: c}]
  nodeSelector: {gpu: true}
";
    let native = b"\
plimsoll: workloads/v1\nname: n\ncomponents:\n  - {name: a, replicas: 1.5, colour: red}\n  - {name: a}\n";
    insta::assert_snapshot!(shown(&[("m.yaml", manifests), ("n.yaml", native)]).join("\n"));
}

#[test]
fn json_faults_name_line_and_path() {
    let text = br#"{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
   "spec": {"containers": [
     {"name": "c", "resources": {"requests": {
       "cpu": "1x"}}}]}},
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"},
   "spec": {"containers": [{"name": "c"}],
     "priority": "high"}}
]}"#;
    insta::assert_snapshot!(shown(&[("pods.json", text)]).join("\n"));
}

#[test]
fn truncated_json_says_where_it_ends() {
    let text = br#"{"apiVersion": "v1", "items": [
 {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"contai"#;
    assert_eq!(
        shown(&[("t.json", text)]),
        ["t.json:2: EOF while parsing a string; the file may have been cut short"]
    );
}

#[test]
fn what_is_no_text_or_empty_is_refused() {
    let mut broken = GOOD.as_bytes().to_vec();
    broken.extend(b"# caf\xe9\n");
    assert_eq!(shown(&[("b.yaml", &broken)]), ["b.yaml:5: is not UTF-8 text"]);
    assert_eq!(shown(&[("u.yaml", b"\xff\xfea\0")]), ["u.yaml: is UTF-16; save it as UTF-8"]);
    assert_eq!(shown(&[("e.yaml", b""), ("g.yaml", GOOD.as_bytes())]), ["e.yaml: is empty"]);
    // A template that rendered to nothing is no fault beside others, and no input by itself.
    let rendered = ("c.yaml", &b"# Source: chart/x.yaml\n---\n"[..]);
    assert_eq!(
        shown(&[rendered]),
        ["c.yaml: holds no workload; give a workload file, Kubernetes manifests or a CSV table"]
    );
    assert_eq!(
        shown(&[]),
        ["-: there is no input; give a workload file, Kubernetes manifests or a CSV table"]
    );
}

#[test]
fn files_without_workloads_say_what_they_hold() {
    let text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n";
    assert_eq!(
        shown(&[("c.yaml", text)]),
        [
            "c.yaml: holds no workload, only ConfigMap (1), Service (1); give a workload file, Kubernetes manifests or a CSV table"
        ]
    );
    let faults = shown(&[("values.yaml", b"image: nginx\nreplicas: 3\n")]);
    assert_eq!(
        faults,
        [
            "values.yaml:1: is neither a workload file nor a Kubernetes object; a workload file begins with `plimsoll: workloads/v1`"
        ]
    );
}

#[test]
fn duplicates_name_both_places() {
    let faults = shown(&[("a.yaml", GOOD.as_bytes()), ("b.yaml", GOOD.as_bytes())]);
    assert_eq!(faults, ["b.yaml:1: default/Pod/good stands twice"]);
    let deployment = b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: [{name: c}]}}}\n";
    let faults = shown(&[("a.yaml", deployment), ("b.yaml", deployment)]);
    assert_eq!(faults, ["b.yaml:1: default/Deployment/d stands twice; first at a.yaml:1"]);
}

#[test]
fn a_line_of_ten_megabytes_is_read_or_refused_briefly() {
    let long = format!("{GOOD}# {}\n", "x".repeat(10 << 20));
    let source = Source { name: "l.yaml".into(), bytes: long.into_bytes() };
    assert!(read_workloads(&[source], &ReadOptions::default()).is_ok(), "a comment");

    let text = GOOD.replace(
        "{name: c}",
        &format!("{{name: c, resources: {{requests: {{cpu: '{}'}}}}}}", "9".repeat(10 << 20)),
    );
    let faults = shown(&[("l.yaml", text.as_bytes())]);
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].len() < 400 && faults[0].contains("out of range") || faults[0].contains("bytes)"),
        "{}",
        faults[0].len()
    );

    let text = format!("{{\"kind\": \"{}\"}}", "k".repeat(10 << 20));
    assert!(shown(&[("l.json", text.as_bytes())])[0].len() < 400);
}

#[test]
fn an_alias_bomb_is_a_fault_of_its_document() {
    let mut text = String::from(GOOD);
    text.push_str("---\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", "));
    }
    let faults = faults_of(&[("bomb.yaml", text.as_bytes())]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].document, Some(2));
    assert!(faults[0].line.is_some());
}

#[test]
fn a_misspelt_resource_is_no_extended_one() {
    let native = b"plimsoll: workloads/v1\nname: fleet\ncomponents:\n  - {name: a, requests: {mem: 1Gi, nvidia.com/gpu: 1}}\n";
    assert_eq!(
        shown(&[("w.yaml", native)]),
        [
            "w.yaml:4: components[0].requests.mem: unknown resource `mem`; known are cpu, memory, ephemeral-storage, \
          hugepages-*, and extended ones such as nvidia.com/gpu"
        ]
    );
}

#[test]
fn templates_are_recognised() {
    let text = b"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Values.name }}\n";
    let faults = shown(&[("t.yaml", text)]);
    assert!(faults[0].contains("helm template"), "{faults:?}");
}

#[test]
fn deep_nesting_is_refused() {
    let text = format!("a: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(faults_of(&[("d.yaml", text.as_bytes())]).len(), 1);
    let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(faults_of(&[("d.json", text.as_bytes())]).len(), 1);
}

#[test]
fn what_belongs_elsewhere_is_called_by_its_name() {
    let cases: [(&str, &[u8], &str); 8] = [
        ("a.yaml.gz", b"\x1f\x8b\x08rest", "is compressed by gzip"),
        ("a.xlsx", b"PK\x03\x04rest", "is a zip archive or a workbook"),
        ("p.yaml", b"plimsoll: policy/v1\nprovider: aws\n", "this is a policy, where workloads belong; give it"),
        ("p.json", br#"{"schema_version": 1, "tool": {}}"#, "is a saved plan, where workloads belong"),
        ("d.yaml", b"plimsoll: workloads/v1\nname: a\nname: b\n", "d.yaml:3: `name` stands twice"),
        ("n.yaml", b"plimsoll: workloads/v1\nname: .inf\n", "n.yaml:2: `.inf` is no finite number"),
        ("q.json", b"{'kind': 'Pod'}", "expected a key in double quotes; JSON has no comments"),
        (
            "r.yaml",
            b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: c}]\n  initContainers: [{name: i, restartPolicy: Sometimes}]\n",
            "initContainers[0].restartPolicy: `Sometimes` is none of Always, OnFailure, Never",
        ),
    ];
    for (name, bytes, words) in cases {
        let faults = shown(&[(name, bytes)]);
        assert!(faults.len() == 1 && faults[0].contains(words), "{name}: {faults:?}");
    }
}
