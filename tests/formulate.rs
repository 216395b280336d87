//! From workloads to a packing problem, in small cases worked out by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use plimsoll::catalog::{Architecture, Burst, Catalog, Provider};
use plimsoll::formulate::{
    FormulateError, Formulation, Measure, Note, ObstacleReason, RestrictionKind, formulate,
};
use plimsoll::input::catalog_file;
use plimsoll::policy::{
    AllocatableModel, BurstableCpu, DefaultTypes, MaxPods, NodePool, PackingBasis, Policy, PoolLimits,
};
use plimsoll::problem::{BinTypeId, ItemTypeId};
use plimsoll::search::search;
use plimsoll::solver::control::{Budget, Silent};
use plimsoll::units::{Bytes, MilliCpu, PartsPerMillion, ResourceName};
use plimsoll::workload::*;
use support::{catalog, daemon_set, deployment, machine, workloads};

const MIB: u64 = 1 << 20;
const HOST: &str = "kubernetes.io/hostname";

/// Nodes as the price list states them.
fn plain() -> Policy {
    Policy { allocatable: AllocatableModel::None, ..Policy::default_for(Provider::Other) }
}

/// `a.large` 2 cores 8 GiB at 0.1, `b.xlarge` arm64 4 cores 8 GiB at 0.15.
fn two_types() -> Catalog {
    let mut b = machine("b.xlarge", 4000, 8192, "0.15");
    b.architecture = Architecture::Arm64;
    catalog(Provider::Aws, vec![machine("a.large", 2000, 8192, "0.1"), b])
}

fn run(list: Vec<Workload>) -> Formulation {
    formulate(&workloads(list), &two_types(), &plain()).unwrap()
}

fn eligible(f: &Formulation, item: u32) -> Vec<bool> {
    f.problem.item(ItemTypeId(item)).eligible.as_slice().to_vec()
}

fn anti(selector: &str) -> PodAffinityTerm {
    PodAffinityTerm { topology_key: HOST.into(), selector: app(selector), namespaces: vec!["default".into()] }
}

fn app(value: &str) -> LabelSelector {
    LabelSelector { expressions: vec![expression("app", LabelOperator::In, &[value])] }
}

fn expression(key: &str, operator: LabelOperator, values: &[&str]) -> LabelExpression {
    LabelExpression { key: key.into(), operator, values: values.iter().map(|&v| v.into()).collect() }
}

fn on(key: &str, value: &str, mut workload: Workload) -> Workload {
    workload.pod.rules.node_selector.insert(key.into(), value.into());
    workload
}

/// Every EC2 node has a hypervisor, and no catalog says which: whoever asks is told so, whatever the operator.
#[test]
fn conditions_on_labels_of_instances_that_no_catalog_tells_never_hold() {
    use LabelOperator::*;
    let hypervisor = "karpenter.k8s.aws/instance-hypervisor";
    let asked = [
        expression(hypervisor, In, &["nitro"]),
        expression(hypervisor, NotIn, &["xen"]),
        expression(hypervisor, Exists, &[]),
        // These the catalog tells: neither type has one.
        expression("karpenter.k8s.aws/instance-gpu-name", In, &["t4"]),
        expression("karpenter.k8s.aws/instance-accelerator-count", Gt, &["0"]),
    ];
    for expression in asked {
        let key = expression.key.clone();
        let f = run(vec![affinity(&[&[expression]], deployment("w", 1, 1, 1))]);
        assert_eq!(f.obstacles.len(), 1, "{key}");
        assert!(f.obstacles[0].to_string().contains(&key), "{}", f.obstacles[0]);
    }
}

#[test]
fn gpus_are_asked_for_by_karpenters_name() {
    let catalog = catalog_file::by_name("aws-2026-05-us-east-1").expect("it is bundled").read();
    let policy = Policy { default_types: DefaultTypes::All, ..Policy::default_for(Provider::Aws) };
    for (key, value, family) in [
        ("gpu-name", "t4", "g4dn"),
        ("gpu-name", "radeon-pro-v520", "g4ad"),
        ("accelerator-name", "inferentia", "inf1"),
    ] {
        let workload = on(&format!("karpenter.k8s.aws/instance-{key}"), value, deployment("w", 1, 100, 100));
        let f = formulate(&workloads(vec![workload]), &catalog, &policy).unwrap();
        let types = f.problem.bin_ids().filter(|&bin| f.problem.items()[0].eligible.contains(bin));
        let families: BTreeSet<&str> = types
            .map(|bin| catalog.types[f.legend.nodes[bin.index()].catalog_type].family.as_str())
            .collect();
        assert_eq!(families.into_iter().collect::<Vec<_>>(), [family], "{value}");
    }
}

fn affinity(terms: &[&[LabelExpression]], mut workload: Workload) -> Workload {
    workload.pod.rules.node_affinity =
        terms.iter().map(|t| NodeSelectorTerm { expressions: t.to_vec() }).collect();
    workload
}

#[test]
fn equal_pods_share_a_row_and_the_legend_tells_them_apart() {
    let f = run(vec![
        deployment("web", 3, 500, 512),
        deployment("cache", 1, 250, 1024),
        deployment("api", 2, 500, 512),
    ]);
    assert_eq!(f.problem.dimensions(), ["cpu", "memory"]);
    let rows: Vec<_> = f.problem.items().iter().map(|i| (i.demand.as_slice(), i.copies)).collect();
    assert_eq!(rows, [(&[500, 512 * MIB][..], 5), (&[250, 1024 * MIB][..], 1)]);
    // By name: api before web.
    assert_eq!(f.legend.items[0].workloads, [(2, 2), (0, 3)]);
    assert_eq!(f.legend.items[1].workloads, [(1, 1)]);
    assert_eq!(f.problem.bins()[0].capacity.as_slice(), [2000, 8192 * MIB]);
    assert_eq!((f.obstacles.len(), f.notes.len()), (0, 0));
}

#[test]
fn only_what_is_demanded_is_a_dimension() {
    let mut web = deployment("web", 1, 500, 0);
    web.pod.requests.remove(&ResourceName::Memory);
    let mut policy = plain();
    assert_eq!(
        formulate(&workloads(vec![web.clone()]), &two_types(), &policy).unwrap().problem.dimensions(),
        ["cpu"]
    );
    policy.max_pods = MaxPods::Fixed(10);
    let f = formulate(&workloads(vec![web]), &two_types(), &policy).unwrap();
    assert_eq!(f.problem.dimensions(), ["cpu", "pods"]);
    // Memory is broken down all the same.
    assert_eq!(f.legend.nodes[0].capacity[&ResourceName::Memory].for_pods, 8192 * MIB);
}

#[test]
fn node_rules_leave_the_types_whose_labels_satisfy_them() {
    use LabelOperator::*;
    let arch = "kubernetes.io/arch";
    let cpu = "karpenter.k8s.aws/instance-cpu";
    let cases: Vec<(Workload, [bool; 2])> = vec![
        (on(arch, "arm64", deployment("w", 1, 1, 1)), [false, true]),
        (on("beta.kubernetes.io/arch", "amd64", deployment("w", 1, 1, 1)), [true, false]),
        (on("node.kubernetes.io/instance-type", "a.large", deployment("w", 1, 1, 1)), [true, false]),
        (on("kubernetes.io/os", "linux", deployment("w", 1, 1, 1)), [true, true]),
        (on("topology.kubernetes.io/region", "us-east-1", deployment("w", 1, 1, 1)), [true, true]),
        (affinity(&[&[expression(arch, NotIn, &["arm64"])]], deployment("w", 1, 1, 1)), [true, false]),
        (affinity(&[&[expression(cpu, Gt, &["2"])]], deployment("w", 1, 1, 1)), [false, true]),
        (affinity(&[&[expression(cpu, Lt, &["4"])]], deployment("w", 1, 1, 1)), [true, false]),
        (affinity(&[&[expression(arch, Exists, &[])]], deployment("w", 1, 1, 1)), [true, true]),
        (
            affinity(
                &[&[expression("karpenter.k8s.aws/instance-gpu-count", DoesNotExist, &[])]],
                deployment("w", 1, 1, 1),
            ),
            [true, true],
        ),
        // Terms are alternatives, expressions of one term hold together.
        (
            affinity(
                &[
                    &[expression(arch, In, &["amd64"]), expression(cpu, Gt, &["2"])],
                    &[expression("karpenter.k8s.aws/instance-family", In, &["b", "c"])],
                ],
                deployment("w", 1, 1, 1),
            ),
            [false, true],
        ),
    ];
    for (workload, expected) in cases {
        let rules = workload.pod.rules.clone();
        let f = run(vec![workload]);
        assert_eq!(eligible(&f, 0), expected, "{rules:?}");
        assert_eq!(f.notes, [], "{rules:?}");
    }
}

#[test]
fn a_label_that_no_catalog_tells_makes_nodes_of_their_own() {
    let f = run(vec![on("pool", "batch", deployment("w", 1, 1, 1))]);
    // Without the label and with it, of each type.
    assert_eq!(eligible(&f, 0), [false, true, false, true]);
    let pools: Vec<&str> = f.legend.pools.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(pools, ["", "pool=batch"]);
    assert_eq!(f.notes, [Note::LabelsAssumed { labels: "pool=batch".into(), workloads: 1 }]);
    assert_eq!(f.relaxed, None, "nodes with other labels would hold nothing more");
    // What a node satisfies by not having the label needs no word.
    let absent = expression("type", LabelOperator::NotIn, &["virtual-kubelet"]);
    assert_eq!(run(vec![affinity(&[&[absent]], deployment("w", 1, 1, 1))]).notes, []);
}

#[test]
fn pods_that_ask_for_different_labels_may_share_a_node_that_has_both() {
    let label = |key: &str, name: &str| on(key, "yes", deployment(name, 1, 1, 1));
    let f = run(vec![label("ssd", "a"), label("gpu", "b"), on("ssd", "no", deployment("c", 1, 1, 1))]);
    let pools: Vec<&str> = f.legend.pools.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(pools, ["", "gpu=yes", "gpu=yes,ssd=no", "gpu=yes,ssd=yes", "ssd=no", "ssd=yes"]);
    assert_eq!(f.relaxed, None);
}

#[test]
fn a_workload_that_fits_nowhere_says_what_it_lacks_against_the_nearest_type() {
    let f = run(vec![deployment("big", 2, 5000, 4096), deployment("web", 1, 100, 100)]);
    assert_eq!(f.problem.items().len(), 1);
    let [obstacle] = f.obstacles.as_slice() else { panic!("{:?}", f.obstacles) };
    assert_eq!((obstacle.workload, obstacle.replicas), (0, 2));
    assert_eq!(
        obstacle.to_string(),
        "default/Deployment/big (2 pods): fits no allowed type; the nearest, b.xlarge, lacks cpu (needs 5, offers 4)"
    );
}

#[test]
fn rules_that_exclude_every_type_are_named() {
    let f = run(vec![on("kubernetes.io/os", "windows", deployment("iis", 1, 1, 1))]);
    let excluded =
        ObstacleReason::RulesExcludeAll { rules: vec!["node selector kubernetes.io/os=windows".into()] };
    assert_eq!(f.obstacles[0].reason, excluded);
    // Each holds on some type, both on none.
    let both = on(
        "node.kubernetes.io/instance-type",
        "a.large",
        on("kubernetes.io/arch", "arm64", deployment("odd", 1, 1, 1)),
    );
    let ObstacleReason::RulesExcludeAll { rules } = run(vec![both]).obstacles.remove(0).reason else {
        panic!("not by rules")
    };
    assert_eq!(rules.len(), 2);
}

#[test]
fn an_extended_resource_is_a_dimension_that_few_types_offer() {
    let mut gpu = machine("g.xlarge", 4000, 16_384, "0.5");
    gpu.extended.insert("nvidia.com/gpu".into(), 1);
    let list = catalog(Provider::Aws, vec![gpu, machine("a.large", 2000, 8192, "0.1")]);
    let mut train = deployment("train", 1, 1000, 1024);
    train.pod.requests.insert("nvidia.com/gpu".into(), 1);
    let f = formulate(&workloads(vec![train.clone()]), &list, &plain()).unwrap();
    assert_eq!(f.problem.dimensions(), ["cpu", "memory", "nvidia.com/gpu"]);
    let offers: Vec<u64> = f.problem.bins().iter().map(|b| b.capacity[2]).collect();
    assert_eq!(offers, [0, 1]);
    train.pod.requests.insert("amd.com/gpu".into(), 1);
    let f = formulate(&workloads(vec![train]), &list, &plain()).unwrap();
    assert!(f.obstacles[0].to_string().contains("amd.com/gpu (needs 1, offers 0)"), "{}", f.obstacles[0]);
}

#[test]
fn daemon_sets_take_their_share_of_the_nodes_that_they_run_on() {
    let mut set = workloads(vec![deployment("web", 1, 100, 100)]);
    set.daemon_sets = vec![
        daemon_set("logs", 100, 200),
        on("kubernetes.io/arch", "arm64", daemon_set("arm-agent", 50, 50)),
        on("kubernetes.io/os", "windows", daemon_set("win-agent", 9000, 50)),
    ];
    let policy = Policy { max_pods: MaxPods::Fixed(10), ..plain() };
    let f = formulate(&set, &two_types(), &policy).unwrap();
    let capacities: Vec<_> = f.problem.bins().iter().map(|b| b.capacity.as_slice()).collect();
    assert_eq!(capacities, [&[1900, 7992 * MIB, 9], &[3850, 7942 * MIB, 8]]);
    let memory = f.legend.nodes[1].capacity[&ResourceName::Memory];
    assert_eq!((memory.daemon_sets, memory.allocatable()), (250 * MIB, 8192 * MIB));
}

#[test]
fn a_daemon_set_that_needs_a_gpu_runs_where_there_is_one() {
    let mut gpu = machine("g.xlarge", 4000, 16_384, "0.5");
    gpu.extended.insert("nvidia.com/gpu".into(), 2);
    let list = catalog(Provider::Aws, vec![gpu, machine("a.large", 2000, 8192, "0.1")]);
    let mut monitor = daemon_set("gpu-monitor", 500, 0);
    monitor.pod.requests.insert("nvidia.com/gpu".into(), 1);
    let mut set = workloads(vec![deployment("web", 1, 100, 100)]);
    set.daemon_sets.push(monitor);
    let f = formulate(&set, &list, &plain()).unwrap();
    let cpu: Vec<u64> = f.problem.bins().iter().map(|b| b.capacity[0]).collect();
    assert_eq!(cpu, [2000, 3500]);
}

#[test]
fn types_that_daemon_sets_fill_are_left_out() {
    let mut set = workloads(vec![deployment("web", 1, 100, 100)]);
    set.daemon_sets = vec![daemon_set("heavy", 3000, 100)];
    let f = formulate(&set, &two_types(), &plain()).unwrap();
    assert_eq!(f.legend.nodes.len(), 1);
    assert_eq!(f.notes, [Note::TypesTooSmall { count: 1, example: "a.large".into() }]);
    set.daemon_sets = vec![daemon_set("heavy", 5000, 100)];
    let errors = formulate(&set, &two_types(), &plain()).unwrap_err();
    assert_eq!(errors, [FormulateError::NothingLeft { count: 2, example: "a.large".into() }]);
}

#[test]
fn patterns_that_match_no_type_are_told() {
    let mut policy = plain();
    policy.types.families = vec!["a".into(), "c7*".into()];
    policy.types.exclude = vec!["b.metal".into()];
    let f = formulate(&workloads(vec![deployment("web", 1, 100, MIB)]), &two_types(), &policy).unwrap();
    assert_eq!(f.notes, [Note::NothingMatches { patterns: vec!["b.metal".into(), "c7*".into()] }]);
}

#[test]
fn headroom_rounds_up_and_overcommit_bounds_the_sum_of_limits() {
    let mut web = deployment("web", 4, 100, 100);
    web.pod.limits.insert(ResourceName::Cpu, 700);
    let policy = Policy {
        headroom: BTreeMap::from([(ResourceName::Cpu, PartsPerMillion(333_333))]),
        overcommit: BTreeMap::from([(ResourceName::Cpu, PartsPerMillion(1_500_000))]),
        ..plain()
    };
    let mut set = workloads(vec![web]);
    let mut agent = daemon_set("agent", 100, 0);
    agent.pod.limits.insert(ResourceName::Cpu, 250);
    set.daemon_sets.push(agent);
    let f = formulate(&set, &two_types(), &policy).unwrap();
    assert_eq!(f.problem.dimensions(), ["cpu", "memory", "limits.cpu"]);
    assert_eq!(f.legend.dimensions[2].measure, Measure::Limits { ratio: PartsPerMillion(1_500_000) });
    assert_eq!(f.problem.items()[0].demand.as_slice(), [100, 100 * MIB, 700]);
    // cpu 2000 - 100 of the DaemonSet - ceil(666.666); limits 1.5 x 2000 - 250.
    assert_eq!(f.problem.bins()[0].capacity.as_slice(), [1233, 8192 * MIB, 2750]);
}

#[test]
fn limits_without_a_ratio_are_reported_as_unbounded() {
    let mut web = deployment("web", 4, 100, 100);
    web.pod.limits.insert(ResourceName::Cpu, 700);
    let set = workloads(vec![web]);
    let f = formulate(&set, &two_types(), &plain()).unwrap();
    assert_eq!(f.notes, [Note::LimitsUnbounded { resource: ResourceName::Cpu }]);
    let f = formulate(&set, &two_types(), &Policy { basis: PackingBasis::Limits, ..plain() }).unwrap();
    assert_eq!(f.problem.items()[0].demand.as_slice(), [700, 100 * MIB]);
    assert_eq!(f.notes.len(), 1, "{:?}", f.notes);
    assert!(matches!(&f.notes[0], Note::WithoutLimits { resource: ResourceName::Memory, .. }));
}

#[test]
fn pods_without_requests_take_a_slot_and_are_reported() {
    let mut idle = deployment("idle", 3, 0, 0);
    idle.pod.requests.clear();
    let policy = Policy { max_pods: MaxPods::Fixed(2), ..plain() };
    let set = workloads(vec![idle]);
    let f = formulate(&set, &two_types(), &policy).unwrap();
    assert_eq!(f.problem.dimensions(), ["pods"]);
    assert!(
        matches!(&f.notes[0], Note::WithoutRequests { defaulted: false, workloads } if workloads[0].1 == 3)
    );
    let policy = Policy { default_requests: BTreeMap::from([(ResourceName::Cpu, 100)]), ..policy };
    let f = formulate(&set, &two_types(), &policy).unwrap();
    assert_eq!(f.problem.items()[0].demand.as_slice(), [100, 1]);
    assert!(matches!(&f.notes[0], Note::WithoutRequests { defaulted: true, .. }));
}

#[test]
fn anti_affinity_within_a_workload_is_a_cap_of_one() {
    let mut db = deployment("db", 3, 500, 512);
    db.pod.rules.pod_anti_affinity.push(anti("db"));
    let f = run(vec![db.clone(), deployment("web", 3, 500, 512)]);
    let caps: BTreeSet<_> = f.problem.items().iter().map(|i| (i.copies, i.max_per_bin)).collect();
    assert_eq!(caps, BTreeSet::from([(3, None), (3, Some(1))]));
    assert_eq!(f.problem.conflicts().len(), 0);
    // A single replica has nothing to keep apart from.
    db.replicas = 1;
    let f = run(vec![db, deployment("web", 3, 500, 512)]);
    assert_eq!(f.problem.items().len(), 1);
}

#[test]
fn two_capped_workloads_of_one_shape_stay_two_rows() {
    let capped = |name: &str| {
        let mut w = deployment(name, 3, 500, 512);
        w.pod.rules.pod_anti_affinity.push(anti(name));
        w
    };
    let f = run(vec![capped("a"), capped("b")]);
    assert_eq!(f.problem.items().len(), 2, "a and b may share a node");
}

#[test]
fn anti_affinity_between_workloads_is_a_conflict_both_ways() {
    let mut db = deployment("db", 2, 500, 512);
    db.pod.rules.pod_anti_affinity.push(anti("batch"));
    let mut elsewhere = deployment("batch", 1, 100, 100);
    elsewhere.id.namespace = "other".into();
    let f = run(vec![db, deployment("batch", 2, 250, 512), elsewhere, deployment("web", 1, 50, 50)]);
    let demand = |i: ItemTypeId| f.problem.item(i).demand[0];
    let pairs: Vec<_> = f.problem.conflicts().iter().map(|&(a, b)| (demand(a), demand(b))).collect();
    assert_eq!(pairs, [(500, 250)]);
}

#[test]
fn workloads_that_all_refuse_each_other_share_a_row_with_a_cap_of_one() {
    let tier = |name: &str, cpu| {
        let mut w = deployment(name, 2, cpu, 512);
        w.pod.labels.insert("tier".into(), "db".into());
        let selector = LabelSelector { expressions: vec![expression("tier", LabelOperator::In, &["db"])] };
        w.pod.rules.pod_anti_affinity.push(PodAffinityTerm { selector, ..anti("") });
        w
    };
    let f = run(vec![tier("a", 500), tier("b", 500), tier("c", 400)]);
    let rows: Vec<_> = f.problem.items().iter().map(|i| (i.demand[0], i.copies, i.max_per_bin)).collect();
    assert_eq!(rows, [(500, 4, Some(1)), (400, 2, Some(1))]);
    assert_eq!(f.problem.conflicts().len(), 1);
}

#[test]
fn host_ports_clash_within_between_and_with_daemon_sets() {
    let port = |number, ip: &str| HostPort { port: number, protocol: "TCP".into(), host_ip: ip.into() };
    let mut a = deployment("a", 2, 300, 100);
    a.pod.rules.host_ports.push(port(80, ""));
    let mut b = deployment("b", 2, 200, 100);
    b.pod.rules.host_ports.push(port(80, "10.0.0.1"));
    let mut c = deployment("c", 2, 100, 100);
    c.pod.rules.host_ports.push(port(80, "10.0.0.2"));
    let f = run(vec![a.clone(), b, c]);
    let caps: Vec<_> = f.problem.items().iter().map(|i| i.max_per_bin).collect();
    assert_eq!(caps, [Some(1), Some(1), Some(1)]);
    let pairs: Vec<_> = f.problem.conflicts().iter().map(|&(x, y)| (x.0, y.0)).collect();
    assert_eq!(pairs, [(0, 1), (0, 2)], "b and c have addresses of their own");

    let mut agent = daemon_set("ingress", 10, 10);
    agent.pod.rules.host_ports.push(port(80, ""));
    let mut set = workloads(vec![a]);
    set.daemon_sets = vec![on("kubernetes.io/arch", "arm64", agent)];
    let f = formulate(&set, &two_types(), &plain()).unwrap();
    assert_eq!(eligible(&f, 0), [true, false]);
    set.daemon_sets[0].pod.rules.node_selector.clear();
    let f = formulate(&set, &two_types(), &plain()).unwrap();
    let reason = f.obstacles[0].reason.to_string();
    assert_eq!(reason, "no allowed type satisfies host port 80/TCP of a DaemonSet");
}

#[test]
fn a_spread_over_nodes_is_a_cap_and_says_so() {
    let mut web = deployment("web", 5, 100, 100);
    web.pod.rules.topology_spread.push(TopologySpread {
        topology_key: HOST.into(),
        max_skew: 2,
        min_domains: None,
        selector: app("web"),
    });
    let f = run(vec![web]);
    assert_eq!(f.problem.items()[0].max_per_bin, Some(2));
    let kinds: Vec<_> = f.restrictions.iter().map(|r| (r.kind, r.workloads.len())).collect();
    assert_eq!(kinds, [(RestrictionKind::SpreadAsCap, 1)]);
    assert_eq!(f.relaxed.unwrap().problem.items()[0].max_per_bin, None);
}

#[test]
fn volume_attachments_bind_where_the_catalog_tells_them() {
    let mut list = two_types();
    list.types[0].limits.volume_attachments = Some(3);
    let mut db = deployment("db", 4, 100, 100);
    let claim = |n: &str| VolumeClaim { name: n.into(), zone: None };
    db.pod.rules.volumes = vec![claim("data"), claim("log")];
    let f = formulate(&workloads(vec![db]), &list, &plain()).unwrap();
    assert_eq!(f.problem.dimensions(), ["cpu", "memory", "attachable-volumes"]);
    assert_eq!(f.problem.items()[0].demand[2], 2);
    // Unknown on b.xlarge: as many as all pods together attach, so that it never binds.
    assert_eq!((f.problem.bins()[0].capacity[2], f.problem.bins()[1].capacity[2]), (3, 8));
}

#[test]
fn ephemeral_storage_binds_once_the_disk_is_known() {
    let mut web = deployment("web", 1, 100, 100);
    web.pod.requests.insert(ResourceName::EphemeralStorage, 1 << 30);
    let set = workloads(vec![web]);
    let f = formulate(&set, &two_types(), &plain()).unwrap();
    assert!(matches!(&f.notes[..], [Note::ResourceUnknown { resource: ResourceName::EphemeralStorage, .. }]));
    let policy = Policy { node_storage: Some(Bytes(20 << 30)), ..plain() };
    let f = formulate(&set, &two_types(), &policy).unwrap();
    assert_eq!(f.problem.dimensions(), ["cpu", "memory", "ephemeral-storage"]);
    assert_eq!(f.problem.bins()[0].capacity[2], 20 << 30);
}

#[test]
fn burstable_types_count_at_baseline_go_or_cost_their_surplus() {
    let mut t3 = machine("t3.large", 2000, 8192, "0.0832");
    t3.burst = Some(Burst { baseline: PartsPerMillion(300_000), surplus_rate: Some(support::rate("0.05")) });
    let list = catalog(Provider::Aws, vec![machine("a.large", 2000, 8192, "0.1"), t3.clone()]);
    let set = workloads(vec![deployment("web", 1, 100, 100)]);
    let with = |burstable| formulate(&set, &list, &Policy { burstable, ..plain() }).unwrap();
    let bin = |f: &Formulation| f.problem.bin(BinTypeId(1)).clone();
    let baseline = with(BurstableCpu::Baseline);
    assert_eq!((bin(&baseline).capacity[0], bin(&baseline).rate), (600, support::rate("0.0832")));
    assert_eq!(with(BurstableCpu::Exclude).problem.bins().len(), 1);
    // 2 vCPUs x 70 % x 0.05 = 0.07 more per hour.
    let full = with(BurstableCpu::FullWithSurplus);
    assert_eq!((bin(&full).capacity[0], bin(&full).rate), (2000, support::rate("0.1532")));
    assert_eq!(full.legend.nodes[1].surplus, support::rate("0.07"));
    t3.burst = Some(Burst { baseline: PartsPerMillion(300_000), surplus_rate: None });
    let list = catalog(Provider::Aws, vec![machine("a.large", 2000, 8192, "0.1"), t3]);
    let f = formulate(&set, &list, &Policy { burstable: BurstableCpu::FullWithSurplus, ..plain() }).unwrap();
    assert_eq!(f.notes, [Note::NoSurplusRate { count: 1, example: "t3.large".into() }]);
}

#[test]
fn settings_that_leave_nothing_are_refused_all_at_once() {
    let policy = Policy {
        headroom: BTreeMap::from([(ResourceName::Cpu, PartsPerMillion::ONE)]),
        overcommit: BTreeMap::from([(ResourceName::Memory, PartsPerMillion(0))]),
        hypervisor_memory: PartsPerMillion::ONE,
        basis: PackingBasis::Blend(PartsPerMillion(1_000_001)),
        ..plain()
    };
    let set = workloads(vec![deployment("web", 1, 1, 1)]);
    assert_eq!(formulate(&set, &two_types(), &policy).unwrap_err().len(), 4);
    let mut policy = plain();
    policy.types.include = vec!["z*".into()];
    assert_eq!(formulate(&set, &two_types(), &policy).unwrap_err(), [FormulateError::NoTypes(2)]);
}

#[test]
fn replicas_past_64_bits_are_refused() {
    let set = workloads(vec![deployment("a", u64::MAX, 1, 1), deployment("b", 1, 1, 1)]);
    assert_eq!(formulate(&set, &two_types(), &plain()).unwrap_err().len(), 1);
}

/// Six pods of a core each in a pool of both types with six cores in all; without the limit two `b.xlarge` would do,
/// or three `a.large`.
#[test]
fn limits_of_a_pool_hold_over_all_of_its_types() {
    let mut policy = plain();
    let limits = PoolLimits { cpu: Some(MilliCpu(6_000)), ..PoolLimits::default() };
    policy.pools = vec![NodePool { name: "cheap".into(), limits, ..NodePool::default() }];
    let web = |pods| workloads(vec![deployment("web", pods, 1_000, 64)]);
    let f = formulate(&web(6), &two_types(), &policy).unwrap();
    let [limit] = f.problem.bin_limits() else { panic!("one limit") };
    assert_eq!(limit.name, "millicores of node pool cheap");
    assert_eq!(limit.weights, [(BinTypeId(0), 2_000), (BinTypeId(1), 4_000)]);
    assert_eq!(limit.most, 6_000);
    // By themselves three of the one and one of the other, which the relaxed problem keeps to.
    assert_eq!(f.problem.bins().iter().map(|b| b.stock).collect::<Vec<_>>(), [Some(3), Some(1)]);
    let kinds: Vec<RestrictionKind> = f.restrictions.iter().map(|r| r.kind).collect();
    assert_eq!(kinds, [RestrictionKind::PoolLimits]);
    assert!(f.relaxed.as_ref().unwrap().problem.bin_limits().is_empty());

    let budget = Budget::default();
    let found = search(&f, &budget, 1, &Silent).unwrap();
    // One of each for 0.25, or three of the first for 0.3.
    assert_eq!(found.outcome.plan().hourly_cost().to_string(), "0.25");
    // Seven pods are within what each type may have, 3 x 2 and 4 cores, and beyond the pool.
    let f = formulate(&web(7), &two_types(), &policy).unwrap();
    assert!(search(&f, &budget, 1, &Silent).is_err());
}
