//! Plans of small inputs as the program makes them, with the sections that plans have when more is asked for.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::process::Command;

use plimsoll::report::json;
use plimsoll::report::view::PlanReport;

/// Two shifts a day of one family, with scenarios, and two reservations owned until October.
const SHIFTS: &str = "\
plimsoll: workloads/v1
name: Two shifts
scenarios:
  - {name: low, weight: 25%, share: 75%}
  - {name: expected, weight: 75%}
components:
  - name: web
    requests: {cpu: 1, memory: 2Gi}
    owners: {team: shop}
    demand:
      hourlyReplicas: [2, 2, 2, 2, 2, 2, 4, 4, 8, 8, 12, 12, 12, 12, 12, 12, 8, 8, 8, 8, 4, 4, 2, 2]
  - name: db
    replicas: 2
    requests: {cpu: 1, memory: 6Gi}
    owners: {team: data}
    placement: {antiAffinity: hostname}
";

const OWNED: &str = "\
plimsoll: policy/v1
owned:
  - {id: ri-old, offer: reserved-standard/1y/no-upfront, type: m6i.large, quantity: 2, start: 2025-10-01, upfront: 0, recurring: 0.06}
";

/// What the program prints as JSON for these files and arguments.
fn planned(files: &[(&str, &str)], arguments: &str) -> PlanReport {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).expect("a file");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("plan").args(arguments.split_whitespace()).current_dir(folder.path());
    command.args(["-f", "json", "-q", "--effort", "quick"]);
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    json::parse(&output.stdout).expect("what it writes, it reads")
}

/// Demand over time with owned and proposed commitments, their accounts, and the bill by team.
pub fn committed() -> PlanReport {
    planned(
        &[("shifts.yaml", SHIFTS), ("policy.yaml", OWNED)],
        "shifts.yaml --policy policy.yaml --family m6i --max-vcpu 4 --baselines none --levels 2 --horizon 12 \
         --commit --commit-kind reserved-standard --commit-payment partial-upfront --as-of 2026-08-03 \
         --accounts --showback team",
    )
}

/// Pods on spot nodes, and measured use with plans for other requests.
pub fn on_spot_and_measured() -> PlanReport {
    let app = "\
plimsoll: workloads/v1
name: measured
components:
  - {name: web, replicas: 12, requests: {cpu: 1, memory: 4Gi}, limits: {memory: 4Gi}, owners: {team: shop}}
  - {name: db, replicas: 2, requests: {cpu: 2, memory: 8Gi}}
";
    let usage = "\
namespace,workload,cpu_mean,cpu_p95,cpu_max,memory_mean,memory_p95,memory_max
default,web,100m,250m,800m,700Mi,1Gi,4500Mi
";
    planned(
        &[("app.yaml", app), ("usage.csv", usage)],
        "app.yaml --provider gcp --family n2,e2 --max-vcpu 8 --baselines before --spot 50% --spot-types 2 --usage usage.csv \
         --right-size p95+15% --showback team --accounts",
    )
}

/// Kubernetes objects in pools, replayed, that survive the loss of a node.
pub fn kubernetes() -> PlanReport {
    let deployment = |name: &str, replicas: u32, cpu: &str, memory: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop, labels: {{team: {name}s}}}}\n\
             spec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n\
             \x20   spec:\n      containers:\n        - {{name: main, image: a, resources: {{requests: {{cpu: {cpu}, memory: {memory}}}, limits: {{memory: {memory}}}}}}}\n"
        )
    };
    let all = [
        deployment("web", 6, "500m", "1Gi"),
        deployment("db", 2, "1", "6Gi"),
        deployment("job", 3, "2", "2Gi"),
    ];
    planned(
        &[("objects.yaml", &all.concat())],
        "objects.yaml --family m6i,c6i --max-vcpu 8 --survive node --showback namespace --max-types 2",
    )
}

/// A cluster of three nodes that run, with pods that fit on two; one pod may not be moved, and a fourth node
/// is a spot node, which stays.
pub fn running() -> PlanReport {
    let node = |name: &str, class: &str, capacity: &str| {
        format!(
            "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: {name}\n  labels: {{node.kubernetes.io/instance-type: {class}, \
             topology.kubernetes.io/region: us-east-1, topology.kubernetes.io/zone: us-east-1a, kubernetes.io/arch: amd64, \
             kubernetes.io/os: linux{capacity}}}\nspec: {{providerID: 'aws:///us-east-1a/i-{name}'}}\nstatus:\n  \
             capacity: {{cpu: '4', memory: 16Gi, pods: '58'}}\n  allocatable: {{cpu: 3920m, memory: 14Gi, pods: '58'}}\n"
        )
    };
    let pod = |name: &str, node: &str, owner: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: shop\n{owner}spec:\n  nodeName: {node}\n  \
             containers: [{{name: main, image: a, resources: {{requests: {{cpu: 500m, memory: 2Gi}}}}}}]\nstatus: {{phase: Running}}\n"
        )
    };
    let owner = "  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: u1, controller: true}]\n";
    let all = [
        node("one", "m5.xlarge", ""),
        node("two", "m5.xlarge", ""),
        node("three", "m5.xlarge", ""),
        node("four", "m5.xlarge", ", karpenter.sh/capacity-type: spot"),
        pod("web-a", "one", owner),
        pod("web-b", "one", owner),
        pod("web-c", "two", owner),
        pod("web-d", "three", owner),
        pod("alone", "two", ""),
        pod("web-e", "four", owner),
    ];
    planned(&[("running.yaml", &all.concat())], "--cluster running.yaml --family m5 --max-vcpu 8")
}
