//! Spot capacity from workloads to the bill: hand-worked splits, what may lie where, and what it saves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use assert_cmd::Command;
use plimsoll::bill::{Fleet, FleetError, Purchase};
use plimsoll::catalog::{Catalog, InterruptionBand, ListedRate, Provenance, Provider};
use plimsoll::formulate::{RestrictionKind, formulate, is_spot_node, split_spot};
use plimsoll::policy::{AllocatableModel, Policy, SpotPolicy};
use plimsoll::search;
use plimsoll::solver::control::{Budget, Effort, Silent};
use plimsoll::units::{Money, PartsPerMillion};
use plimsoll::verify::placement::{self, BrokenRule};
use plimsoll::workload::{WorkloadId, WorkloadSet};
use proptest::prelude::*;
use support::{catalog, daemon_set, deployment, machine, rate, workloads};

fn plain() -> Policy {
    Policy { allocatable: AllocatableModel::None, ..Policy::default_for(Provider::Other) }
}

fn share(percent: u32) -> SpotPolicy {
    SpotPolicy { share: PartsPerMillion(percent * 10_000), ..SpotPolicy::default() }
}

/// Types of 2 cores and 4 GiB at 0.10, and of 4 and 8 at 0.20; on spot at 0.03 and 0.08.
fn two_types() -> Catalog {
    let mut types = vec![machine("a.large", 2000, 4096, "0.10"), machine("b.xlarge", 4000, 8192, "0.20")];
    for (machine, spot) in types.iter_mut().zip(["0.03", "0.08"]) {
        machine.spot = Some(ListedRate { rate: rate(spot), provenance: Provenance::Listed });
    }
    catalog(Provider::Other, types)
}

fn solved(
    set: &WorkloadSet,
    catalog: &Catalog,
    policy: &Policy,
) -> (plimsoll::formulate::Formulation, search::Found) {
    let formulation = formulate(set, catalog, policy).unwrap();
    let budget = Budget { effort: Effort::Quick, ..Budget::default() };
    let found = search::search(&formulation, &budget, 0, &Silent).unwrap();
    assert_eq!(search::breaches(set, catalog, &formulation, found.outcome.plan()), []);
    (formulation, found)
}

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

#[test]
fn half_of_five_is_two_and_costs_what_two_cost() {
    // Five pods fill a node of a.large each. Two may lie on spot nodes: 3 x 0.10 + 2 x 0.03.
    let set = split_spot(&workloads(vec![deployment("web", 5, 2000, 4096)]), &share(50), Provider::Other);
    let (formulation, found) = solved(&set, &two_types(), &plain());
    assert_eq!(found.outcome.plan().hourly_cost(), money("0.36"));
    assert_eq!(found.outcome.lower_bound().value, money("0.36"));
    let standing = placement::standing(&formulation.legend, &two_types(), found.outcome.plan().plan());
    let on_spot: u64 = standing
        .iter()
        .filter(|group| is_spot_node(&group.labels))
        .map(|group| group.nodes * group.pods.iter().map(|(_, n)| n).sum::<u64>())
        .sum();
    assert_eq!(on_spot, 2);
}

#[test]
fn the_verifier_finds_what_lies_on_spot_nodes_and_may_not() {
    let set = split_spot(&workloads(vec![deployment("web", 5, 2000, 4096)]), &share(50), Provider::Other);
    let (formulation, found) = solved(&set, &two_types(), &plain());
    let good = placement::standing(&formulation.legend, &two_types(), found.outcome.plan().plan());
    let rules = |standing: &[placement::Standing]| -> Vec<BrokenRule> {
        placement::check(&set.workloads, standing).into_iter().map(|breach| breach.rule).collect()
    };
    assert_eq!(rules(&good), []);
    let spot = good.iter().position(|group| is_spot_node(&group.labels)).unwrap();
    // A pod of the part that stays, though it would tolerate the taint.
    let mut wrong = good.clone();
    wrong[spot].pods = vec![(0, 1)];
    wrong[spot].taints.clear();
    assert_eq!(rules(&wrong), [BrokenRule::Spot]);
    // One more than the share allows.
    let mut many = good.clone();
    many[spot].nodes += 1;
    assert_eq!(rules(&many), [BrokenRule::SpotShare(3, 2)]);
}

#[test]
fn a_type_without_a_spot_rate_has_no_spot_nodes() {
    let mut catalog = two_types();
    catalog.types.iter_mut().for_each(|t| t.spot = None);
    let set = split_spot(&workloads(vec![deployment("web", 4, 2000, 4096)]), &share(100), Provider::Other);
    let (formulation, found) = solved(&set, &catalog, &plain());
    assert_eq!(formulation.problem.bins().len(), 2);
    assert_eq!(found.outcome.plan().hourly_cost(), money("0.40"));
    // Pods that ask for spot nodes by label find none.
    let mut asking = deployment("batch", 1, 1000, 1024);
    asking.pod.rules.node_selector.insert("karpenter.sh/capacity-type".to_owned(), "spot".to_owned());
    let set = split_spot(&workloads(vec![asking]), &share(0), Provider::Other);
    assert_eq!(formulate(&set, &catalog, &plain()).unwrap().obstacles.len(), 1);
    let (_, found) = solved(&set, &two_types(), &plain());
    assert_eq!(found.outcome.plan().hourly_cost(), money("0.03"));
}

#[test]
fn types_that_are_interrupted_more_often_are_left_out_and_unknown_ones_stay() {
    let mut catalog = two_types();
    catalog.types[0].interruption = Some(InterruptionBand::From15);
    let policy = SpotPolicy { max_interruption: Some(InterruptionBand::From5), ..share(100) };
    let set = split_spot(&workloads(vec![deployment("web", 2, 2000, 4096)]), &policy, Provider::Other);
    // a.large at 0.03 is out; b.xlarge of unknown band holds both.
    let (_, found) = solved(&set, &catalog, &plain());
    assert_eq!(found.outcome.plan().hourly_cost(), money("0.08"));
}

#[test]
fn two_types_at_least_share_the_pods_and_the_bound_knows_nothing_of_it() {
    let policy = SpotPolicy { min_types: Some(2), ..share(100) };
    let set = split_spot(&workloads(vec![deployment("web", 8, 2000, 4096)]), &policy, Provider::Other);
    let (formulation, found) = solved(&set, &two_types(), &plain());
    // By price of a vCPU: a.large is of the first group, b.xlarge of the second: 4 x 0.03 + 2 x 0.08.
    assert_eq!(found.outcome.plan().hourly_cost(), money("0.28"));
    // All eight on a.large would cost 0.24.
    assert_eq!(found.outcome.lower_bound().value, money("0.24"));
    let kinds: Vec<RestrictionKind> = formulation.restrictions.iter().map(|r| r.kind).collect();
    assert_eq!(kinds, [RestrictionKind::SpotTypesDealt]);
}

#[test]
fn daemon_sets_take_their_room_on_spot_nodes_too() {
    let mut set = workloads(vec![deployment("web", 1, 1500, 1024)]);
    set.daemon_sets = vec![daemon_set("agent", 600, 128)];
    let set = split_spot(&set, &share(100), Provider::Other);
    // 1,500 and 600 millicores do not fit into 2,000.
    let (_, found) = solved(&set, &two_types(), &plain());
    assert_eq!(found.outcome.plan().hourly_cost(), money("0.08"));
}

#[test]
fn replicas_that_refuse_each_other_do_so_over_both_parts() {
    let mut web = deployment("web", 4, 100, 128);
    let selector = plimsoll::workload::LabelSelector {
        expressions: vec![plimsoll::workload::LabelExpression {
            key: "app".to_owned(),
            operator: plimsoll::workload::LabelOperator::In,
            values: vec!["web".to_owned()],
        }],
    };
    web.pod.rules.pod_anti_affinity = vec![plimsoll::workload::PodAffinityTerm {
        topology_key: "kubernetes.io/hostname".to_owned(),
        selector,
        namespaces: vec!["default".to_owned()],
    }];
    let set = split_spot(&workloads(vec![web]), &share(50), Provider::Other);
    let (_, found) = solved(&set, &two_types(), &plain());
    // Four nodes, two of them spot: 2 x 0.10 + 2 x 0.03.
    assert_eq!(found.outcome.plan().hourly_cost(), money("0.26"));
}

#[test]
fn nothing_that_is_bought_in_advance_covers_spot_nodes() {
    let catalog = two_types();
    let fleet =
        Fleet::with_spot(&catalog, [(0, 3, rate("0.11"), true), (0, 1, rate("0.10"), false)]).unwrap();
    assert_eq!(fleet.list(1).money(), money("0.43"));
    let bill = fleet.bill(Purchase::OnDemand);
    assert_eq!(bill.effective(10).money(), money("4.3"));
    let lines: BTreeMap<bool, u64> = fleet.lines().iter().map(|l| (l.spot, l.nodes)).collect();
    assert_eq!(lines, BTreeMap::from([(false, 1), (true, 3)]));
    let mut without = catalog.clone();
    without.types[0].spot = None;
    let error = Fleet::with_spot(&without, [(0, 1, rate("0.03"), true)]).unwrap_err();
    assert!(matches!(error, FleetError::NoSpotRate { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Where spot rates are lower, a plan that may use them never costs more than the optimum without them;
    /// and no more pods lie on spot nodes than the shares allow (`solved` verifies that).
    #[test]
    fn spot_never_makes_a_plan_dearer(
        pods in prop::collection::vec((1u64..6, 1u64..4, 1u64..8), 1..4),
        percent in 0u32..=100,
        types in 1u32..3,
    ) {
        let list = pods.iter().enumerate().map(|(i, &(n, cpu, memory))| {
            deployment(&format!("w{i}"), n, cpu * 500, memory * 512)
        });
        let set = workloads(list.collect());
        let (_, without) = solved(&set, &two_types(), &plain());
        let policy = SpotPolicy { min_types: Some(types), ..share(percent) };
        let divided = split_spot(&set, &policy, Provider::Other);
        let pods = |set: &WorkloadSet| set.workloads.iter().map(|w| w.replicas).sum::<u64>();
        prop_assert_eq!(pods(&divided), pods(&set));
        let (_, with) = solved(&divided, &two_types(), &plain());
        // Quick searches of tiny problems are exact; where pods are dealt out over types, rounding may cost.
        if types == 1 {
            prop_assert!(with.outcome.plan().hourly_cost() <= without.outcome.plan().hourly_cost());
        }
        prop_assert!(with.outcome.lower_bound().value <= with.outcome.plan().hourly_cost());
    }
}

fn plimsoll() -> Command {
    let mut command = Command::cargo_bin("plimsoll").unwrap();
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").env("TERM", "dumb");
    command
}

const FILE: &str = "plimsoll: workloads/v1
name: spot
components:
  - {name: web, replicas: 41, requests: {cpu: 1, memory: 4Gi}, spotShare: 50%}
  - {name: db, replicas: 1, requests: {cpu: 1, memory: 4Gi}}
";

/// The same as Deployments: the share as an annotation of the object, and as a label of the template.
const MANIFEST: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {plimsoll/spot-share: 50%}}
spec:
  replicas: 41
  template:
    spec: {containers: [{name: c, resources: {requests: {cpu: 1, memory: 4Gi}}}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  replicas: 1
  template:
    metadata: {labels: {plimsoll/spot-share: '0'}}
    spec: {containers: [{name: c, resources: {requests: {cpu: 1, memory: 4Gi}}}]}
";

#[test]
fn a_share_in_a_file_an_annotation_and_an_option_come_to_the_same_and_every_report_tells() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |name: &str, text: &str, options: &[&str]| -> serde_json::Value {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mut command = plimsoll();
        command.arg("plan").arg(&path).args(["-q", "--effort", "quick", "--form", "free", "-f", "json"]);
        command.args(["--type", "m5.2xlarge"]);
        let out = command.args(["--baselines", "none"]).args(options).assert().success();
        serde_json::from_slice(&out.get_output().stdout).unwrap()
    };
    let native = plan("a.yaml", FILE, &[]);
    let spot = &native["spot"];
    assert_eq!(spot["pods_allowed"], 20, "{spot}");
    let on_spot = spot["workloads"][0]["on_spot"].as_u64().unwrap();
    assert!((1..=20).contains(&on_spot), "{spot}");
    let annotated = plan("b.yaml", MANIFEST, &["--spot", "100%"]);
    assert_eq!(annotated["spot"]["spot_month"], spot["spot_month"]);
    assert_eq!(annotated["headline"]["packed_month"], native["headline"]["packed_month"]);
    // Fallback: the spot nodes at on-demand rates instead.
    let of = |value: &serde_json::Value| -> Money { value.as_str().unwrap().parse().unwrap() };
    let instead = of(&native["headline"]["packed_month"]) + of(&spot["saving_month"]);
    assert_eq!(instead, of(&spot["fallback_month"]));
    assert_eq!(of(&spot["on_demand_month"]) - of(&spot["spot_month"]), of(&spot["saving_month"]));

    let path = folder.path().join("plan.json");
    std::fs::write(&path, serde_json::to_vec(&native).unwrap()).unwrap();
    let rendered = |options: &[&str]| -> String {
        let out = plimsoll().arg("report").arg(&path).args(options).assert().success();
        String::from_utf8(out.get_output().stdout.clone()).unwrap()
    };
    assert!(rendered(&[]).contains("is taken away and replaced on demand"), "{}", rendered(&[]));
    let focus = rendered(&["-f", "focus", "--as-of", "2026-08-01"]);
    let mut rows = csv::Reader::from_reader(focus.as_bytes());
    let place = |name: &str, rows: &mut csv::Reader<&[u8]>| {
        rows.headers().unwrap().iter().position(|h| h == name).unwrap()
    };
    let (category, status) =
        (place("PricingCategory", &mut rows), place("CommitmentDiscountStatus", &mut rows));
    let dynamic: Vec<csv::StringRecord> =
        rows.records().map(Result::unwrap).filter(|row| &row[category] == "Dynamic").collect();
    assert!(!dynamic.is_empty());
    assert!(dynamic.iter().all(|row| matches!(&row[status], "" | "null")));
    let karpenter = rendered(&["-f", "karpenter"]);
    assert!(karpenter.contains("- spot") && karpenter.contains("karpenter.sh/capacity-type"), "{karpenter}");
    assert!(rendered(&["-f", "terraform"]).contains("\"SPOT\""));
    assert!(rendered(&["-f", "eksctl"]).contains("spot: true"));
    assert!(rendered(&["-f", "csv", "--table", "spot-workloads"]).contains("default/Component/web,41,20,"));
}

#[test]
fn faults_of_shares_have_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    std::fs::write(&path, FILE.replace("50%", "150%")).unwrap();
    let refused = |options: &[&str]| {
        let out = plimsoll().arg("plan").arg(&path).args(options).assert().code(2);
        String::from_utf8_lossy(&out.get_output().stderr).into_owned()
    };
    let said = refused(&[]);
    assert!(said.contains("a.yaml:4") && said.contains("more than all"), "{said}");
    assert!(refused(&["--spot", "200%"]).contains("more than all"));
    assert!(refused(&["--spot-interruption", "7%"]).contains("no band of interruptions"));
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, "spot: {share: 50%, minTypes: 0, maxInterruption: often, more: 1}\n").unwrap();
    let said = refused(&["--policy", policy.to_str().unwrap()]);
    for words in ["minTypes", "maxInterruption", "more"] {
        assert!(said.contains(words), "{words} is not in:\n{said}");
    }
}

#[test]
fn parts_know_the_name_of_the_whole() {
    let id = WorkloadId { name: "web@spot-2".to_owned(), ..deployment("x", 1, 1, 1).id };
    assert_eq!(id.whole_name(), "web");
}

/// A share of one pod is no pod: that nothing comes of `--spot` is told.
#[test]
fn a_share_that_is_no_whole_pod_anywhere_is_told() {
    let input = "workloads/online-boutique.yaml";
    let mut command = plimsoll();
    command.args(["plan", input, "-q", "--effort", "quick", "--baselines", "none", "--spot", "10%"]);
    let text = String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap();
    assert!(text.contains("nothing may lie on spot nodes"), "{text}");
}
