//! What nodes that run let pods have: found by type, saved, and used by a plan.

use assert_cmd::Command;
use predicates::prelude::*;
use serde_json::Value;

mod dump;
use dump::Dump;

fn plimsoll() -> Command {
    let mut command = Command::cargo_bin("plimsoll").expect("the binary");
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

#[test]
fn factors_are_printed_saved_and_taken_by_a_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    let saved = folder.path().join("calibration.yaml");
    // EKS's model leaves 1930m of an m5.large and 110 - 81 = 29 pod slots.
    let nodes = Dump::new()
        .node("a", "m5.large", "1930m", "7000Mi")
        .node("b", "m5.large", "1900m", "7100Mi")
        .node("c", "who-knows", "1900m", "7100Mi");
    plimsoll()
        .args(["calibrate", "-", "-o"])
        .arg(&saved)
        .write_stdin(nodes.text())
        .assert()
        .success()
        .stdout(predicate::str::contains("m5.large      2  cpu         1930m     1900m    1930m  0.9845"));
    let text = std::fs::read_to_string(&saved).expect("what was saved");
    assert!(
        text.contains("  m5.large: # 2 nodes\n    cpu: 1900m # x 0.9845\n    memory: 7340032000 # x "),
        "{text}"
    );

    let workload = "plimsoll: workloads/v1\nname: one\ncomponents:\n  - {name: web, replicas: 1, requests: {cpu: 100m, memory: 100Mi}}\n";
    let plan = |more: &[&str]| -> Value {
        let output = plimsoll()
            .args([
                "plan",
                "-",
                "--type",
                "m5.large",
                "--effort",
                "quick",
                "-f",
                "json",
                "--baselines",
                "none",
            ])
            .args(more)
            .write_stdin(workload)
            .output()
            .expect("a run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a report")
    };
    let allocatable = |report: &Value| {
        let resources = report["nodes"][0]["resources"].as_array().expect("resources").clone();
        let of =
            |name: &str| resources.iter().find(|r| r["resource"] == name).map(|r| r["allocatable"].as_u64());
        (of("cpu"), of("memory"))
    };
    let path = saved.to_str().expect("a plain path");
    assert_eq!(allocatable(&plan(&["--calibration", path])), (Some(Some(1900)), Some(Some(7_340_032_000))));
    assert_eq!(allocatable(&plan(&["--policy", path])), (Some(Some(1900)), Some(Some(7_340_032_000))));
    assert_ne!(allocatable(&plan(&[])), (Some(Some(1900)), Some(Some(7_340_032_000))));
}

#[test]
fn nodes_that_agree_have_no_column_for_what_they_report_at_most() {
    let nodes = Dump::new().node("a", "m5.large", "1900m", "7000Mi").node("b", "m5.large", "1900m", "7000Mi");
    plimsoll()
        .args(["calibrate", "-"])
        .write_stdin(nodes.text())
        .assert()
        .success()
        .stdout(predicate::str::contains("TYPE      NODES  RESOURCE    MODEL  MEASURED  FACTOR"))
        .stdout(predicate::str::contains("m5.large      2  cpu         1930m     1900m  0.9845"));
}

#[test]
fn a_calibration_is_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, "measured: {m5.large: {cpu: 1900m}}\nmaxTypes: 1\n").expect("a file");
    plimsoll()
        .args(["plan", "workloads/online-boutique.yaml", "--calibration"])
        .arg(&path)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("sets more than what was measured; give it as --policy"));
}

#[test]
fn types_that_no_catalog_has_are_said() {
    let nodes = Dump::new().node("c", "who-knows", "1900m", "7100Mi");
    plimsoll()
        .args(["calibrate", "-"])
        .write_stdin(nodes.text())
        .assert()
        .code(2)
        .stderr(predicate::str::contains("no node is of a type that aws-2026-05-us-east-1 has"));
}
