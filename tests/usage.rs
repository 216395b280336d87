//! Measured use beside a plan, from outside: slack, fitted requests, packing to a chance, and faults.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use assert_cmd::Command;
use plimsoll::units::Money;

fn plimsoll() -> Command {
    let mut command = Command::cargo_bin("plimsoll").unwrap();
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").env("TERM", "dumb");
    command
}

/// Forty pods that ask for four times what they use, and two of which nothing was measured.
const FILE: &str = "plimsoll: workloads/v1
name: measured
components:
  - {name: web, replicas: 40, requests: {cpu: 1, memory: 4Gi}, limits: {memory: 4Gi}}
  - {name: db, replicas: 2, requests: {cpu: 2, memory: 8Gi}}
";
const USAGE: &str = "namespace,workload,cpu_mean,cpu_p95,cpu_max,memory_mean,memory_p95,memory_max
default,web,100m,250m,800m,700Mi,1Gi,1500Mi
default,gone,1,1,1,1Gi,1Gi,1Gi
";

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new(usage: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("app.yaml"), FILE).unwrap();
        std::fs::write(folder.path().join("usage.csv"), usage).unwrap();
        Case { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = plimsoll();
        command.arg("plan").arg(self.path("app.yaml")).arg("--usage").arg(self.path("usage.csv"));
        command
            .args(["-q", "--effort", "quick", "--baselines", "none", "--type", "m5.2xlarge"])
            .args(options);
        command
    }

    fn json(&self, options: &[&str]) -> serde_json::Value {
        let out = self.command(&[&["-f", "json"], options].concat()).assert().success();
        serde_json::from_slice(&out.get_output().stdout).unwrap()
    }
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn slack_is_a_share_of_the_plan_and_fitted_requests_need_fewer_nodes() {
    let case = Case::new(USAGE);
    let plan = case.json(&["--right-size", "p95+15%"]);
    let usage = &plan["usage"];
    assert_eq!(usage["measured"], 1);
    assert_eq!(usage["unmeasured"][0], "default/Component/db");
    assert_eq!(usage["unmatched"][0], "default/gone");
    // By hand, in OpenCost's prices: web asks for 40 x (0.031611 + 4 x 0.004237) = 1.94236 and does not use
    // 40 x (0.75 x 0.031611 + 3 x 0.004237) = 1.45677; db asks for 2 x (2 x 0.031611 + 8 x 0.004237) =
    // 0.194236. So slack is 1.45677 / 2.136596 = 68.18 % of the plan.
    assert!((number(&usage["slack"]) - 0.6818).abs() < 0.0001, "{}", usage["slack"]);
    let rows = usage["plans"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["cost_month"], plan["headline"]["packed_month"]);
    assert!(rows[1]["nodes"].as_u64() < rows[0]["nodes"].as_u64());
    let month = |row: &serde_json::Value| -> Money { row["cost_month"].as_str().unwrap().parse().unwrap() };
    let change: Money = rows[1]["change_month"].as_str().unwrap().parse().unwrap();
    assert_eq!(month(&rows[1]) - month(&rows[0]), change);
    // 1 GiB and 15 % are less than the 1,500 MiB once used.
    assert_eq!(rows[1]["memory_max_above_request"], 1);
    // The plan by requests has room for all that was ever used.
    assert_eq!(number(&rows[0]["risk"]["worst_simulated"]), 0.0);
}

#[test]
fn packing_to_a_chance_keeps_it_by_the_model_and_by_drawing() {
    let case = Case::new(USAGE);
    for model in ["normal", "empirical"] {
        let plan = case.json(&["--risk", "1%", "--risk-model", model]);
        let row = &plan["usage"]["plans"][1];
        assert_eq!((row["plan"].as_str(), row["risk"]["model"].as_str()), (Some("chance"), Some(model)));
        let (normal, drawn) = (number(&row["risk"]["worst_normal"]), number(&row["risk"]["worst_simulated"]));
        assert!(if model == "normal" { normal <= 0.01 } else { drawn <= 0.01 }, "{row}");
        assert!(drawn < 0.02, "{row}");
        assert!(row["nodes"].as_u64() <= plan["usage"]["plans"][0]["nodes"].as_u64());
    }
}

#[test]
fn the_same_bytes_at_any_number_of_threads_and_again_from_the_saved_plan() {
    let case = Case::new(USAGE);
    let run = |threads: &str| {
        let options = ["-f", "json", "--right-size", "max", "--risk", "5%", "--threads", threads];
        case.command(&options).assert().success().get_output().stdout.clone()
    };
    let one = run("1");
    assert_eq!(one, run("3"));
    let saved = case.path("plan.json");
    std::fs::write(&saved, &one).unwrap();
    let rendered = |options: &[&str]| {
        let out = plimsoll().arg("report").arg(&saved).args(options).assert().success();
        String::from_utf8(out.get_output().stdout.clone()).unwrap()
    };
    assert_eq!(rendered(&["-f", "json"]).into_bytes(), one);
    let table = rendered(&[]);
    assert!(table.contains("Other requests") && table.contains("fit to max"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let usage = rendered(&["-f", "csv", "--table", "usage"]);
    assert!(usage.contains("default/Component/web,40,memory,bytes,4294967296,"), "{usage}");
    assert_eq!(rendered(&["-f", "csv", "--table", "what-if"]).lines().count(), 4);
}

#[test]
fn faults_of_the_file_and_of_options_are_told_together() {
    let case = Case::new("namespace,workload,cpu_mean,cpu_p95\ndefault,web,x,1\ndefault,db,1\n");
    let out = case.command(&["--risk", "0%"]).assert().code(2).stdout("");
    let said = String::from_utf8_lossy(&out.get_output().stderr).into_owned();
    for words in ["usage.csv:2: cpu_mean", "usage.csv:3: has 3 cells", "--risk: no chance at all"] {
        assert!(said.contains(words), "{words} is not in:\n{said}");
    }
    let case = Case::new(USAGE);
    let out = case.command(&["--risk", "1%", "--basis", "limits"]).assert().code(2);
    assert!(String::from_utf8_lossy(&out.get_output().stderr).contains("leave --basis out"));
    case.command(&["--right-size", "p99"]).assert().code(2);
}
