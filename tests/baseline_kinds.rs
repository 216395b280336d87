//! Baselines from workloads to verified plans, worked out by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use plimsoll::baselines::{Baseline, BaselineKind, SkipReason, Skipped, baselines};
use plimsoll::catalog::{Catalog, Provider};
use plimsoll::formulate::{Note, ObstacleReason, formulate};
use plimsoll::policy::{MaxPods, NodePool, Policy, PoolLimits};
use plimsoll::units::ResourceName;
use plimsoll::workload::*;
use support::{catalog, daemon_set, deployment, machine, workloads};

fn types() -> Catalog {
    catalog(
        Provider::Aws,
        vec![
            machine("m.large", 2000, 8192, "0.1"),
            machine("m.xlarge", 4000, 16_384, "0.2"),
            machine("m.2xlarge", 8000, 32_768, "0.4"),
        ],
    )
}

fn policy() -> Policy {
    Policy { max_pods: MaxPods::Fixed(30), ..Policy::default_for(Provider::Aws) }
}

fn run(set: &WorkloadSet, kind: BaselineKind) -> Result<Baseline, Skipped> {
    let plan = formulate(set, &types(), &policy()).unwrap();
    baselines(set, &types(), &policy(), &plan, &[kind], 1).remove(0)
}

/// What is bought, as `type x nodes: workload x pods per node`.
fn bought(set: &WorkloadSet, baseline: &Baseline) -> Vec<String> {
    let f = &baseline.formulation;
    f.legend
        .assign(baseline.plan.plan())
        .into_iter()
        .map(|group| {
            let ty = &types().types[f.legend.nodes[group.bin_type.index()].catalog_type].name;
            let pods: Vec<String> =
                group.pods.iter().map(|&(w, n)| format!("{} x {n}", set.workloads[w].id.name)).collect();
            format!("{ty} x {}: {}", group.nodes, pods.join(", "))
        })
        .collect()
}

fn with_limit(mut workload: Workload, cpu: u64) -> Workload {
    workload.pod.limits.insert(ResourceName::Cpu, cpu);
    workload
}

#[test]
fn one_vm_per_replica_goes_by_raw_sizes_without_daemon_sets_or_rules_between_pods() {
    // 2000m fits m.large as the price list states it, though not its allocatable.
    let mut spread = deployment("spread", 2, 2000, 1024);
    spread.pod.rules.host_ports.push(HostPort { port: 80, protocol: "TCP".into(), host_ip: String::new() });
    let mut set = workloads(vec![spread, with_limit(deployment("bursty", 3, 500, 1024), 3000)]);
    set.daemon_sets.push(daemon_set("agent", 500, 500));
    let by_requests = run(&set, BaselineKind::OneVmByRequests).unwrap();
    assert_eq!(bought(&set, &by_requests), ["m.large x 2: spread x 1", "m.large x 3: bursty x 1"]);
    assert_eq!(by_requests.hourly_cost().to_string(), "0.5");
    let by_limits = run(&set, BaselineKind::OneVmByLimits).unwrap();
    assert_eq!(bought(&set, &by_limits), ["m.large x 2: spread x 1", "m.xlarge x 3: bursty x 1"]);
    assert_eq!(by_limits.hourly_cost().to_string(), "0.8");
}

#[test]
fn a_lower_limit_on_node_size_does_not_make_the_baseline_dearer() {
    let set = workloads(vec![deployment("web", 1, 100, 100)]);
    let mut policy = policy();
    policy.types.min_cpu = Some(plimsoll::units::MilliCpu(8000));
    let plan = formulate(&set, &types(), &policy).unwrap();
    let found = baselines(&set, &types(), &policy, &plan, &[BaselineKind::OneVmByRequests], 1).remove(0);
    assert_eq!(found.unwrap().hourly_cost().to_string(), "0.1");
}

#[test]
fn limits_that_fit_no_type_leave_the_baseline_incomplete() {
    let set =
        workloads(vec![with_limit(deployment("wild", 1, 100, 100), 64_000), deployment("web", 1, 100, 100)]);
    let found = run(&set, BaselineKind::OneVmByLimits).unwrap();
    assert!(!found.is_complete());
    assert_eq!(found.missing()[0].id.name, "wild");
    assert_eq!(plimsoll::baselines::cheapest([&found]), None);
}

#[test]
fn todays_types_come_from_the_input() {
    let on = |name: &str, replicas, ty: Option<&str>| {
        let mut w = deployment(name, replicas, 3000, 1024);
        w.current_type = ty.map(str::to_owned);
        w
    };
    let set = workloads(vec![
        on("a", 2, Some("m.2xlarge")),
        on("tight", 1, Some("m.large")),
        on("unsaid", 1, None),
        on("gone", 1, Some("x9.metal")),
    ]);
    let found = run(&set, BaselineKind::CurrentTypes).unwrap();
    assert_eq!(bought(&set, &found), ["m.2xlarge x 2: a x 1", "m.large x 1: tight x 1"]);
    let reasons: Vec<_> = found.missing().iter().map(|o| (o.workload, o.reason.clone())).collect();
    let unknown = ObstacleReason::CurrentTypeUnknown { name: "x9.metal".into() };
    assert_eq!(reasons, [(2, ObstacleReason::NoCurrentType), (3, unknown)]);
    let exceeds =
        |n: &&Note| matches!(n, Note::ExceedsCurrentType { workload, .. } if workload.name == "tight");
    assert_eq!(found.notes.iter().filter(exceeds).count(), 1);

    let set = workloads(vec![on("unsaid", 1, None)]);
    let skipped = run(&set, BaselineKind::CurrentTypes).unwrap_err();
    assert!(matches!(skipped.reason, SkipReason::Nothing(ref missing) if missing.len() == 1));
}

#[test]
fn supergiant_packs_limits_on_raw_sizes_in_input_order() {
    // Dearest is m.2xlarge: 6 + 2 cores of limits fill it exactly; the next 3 open another, cut to m.xlarge.
    let set = workloads(vec![
        with_limit(deployment("z", 1, 100, 1024), 6000),
        with_limit(deployment("y", 1, 100, 1024), 2000),
        with_limit(deployment("x", 1, 100, 1024), 3000),
    ]);
    let found = run(&set, BaselineKind::Supergiant).unwrap();
    assert_eq!(bought(&set, &found), ["m.2xlarge x 1: z x 1, y x 1", "m.xlarge x 1: x x 1"]);
}

#[test]
fn supergiant_attaches_eleven_volumes_to_a_node() {
    let mut db = deployment("db", 12, 100, 100);
    db.pod.rules.volumes.push(VolumeClaim { name: "data".into(), zone: None });
    let found = run(&workloads(vec![db]), BaselineKind::Supergiant).unwrap();
    assert_eq!(found.plan.plan().bin_count(), 2);
}

#[test]
fn autoscalers_see_the_plans_own_nodes() {
    let mut set = workloads(vec![deployment("web", 4, 900, 1024)]);
    set.daemon_sets.push(daemon_set("agent", 500, 500));
    let plan = formulate(&set, &types(), &Policy { max_types: Some(1), ..policy() }).unwrap();
    let kinds = [BaselineKind::Karpenter { batch: None }, BaselineKind::ClusterAutoscaler];
    for found in baselines(&set, &types(), &policy(), &plan, &kinds, 1) {
        let found = found.unwrap();
        assert_eq!(found.formulation.problem.bins(), plan.problem.bins());
        assert_eq!(found.formulation.problem.max_bin_types(), None);
        assert!(found.is_complete());
    }
}

/// The plan is 2 m.xlarge, each with three pods of 1000m; one VM each would be 6 of a pool of 2.
#[test]
fn limits_of_a_pool_leave_no_baseline_out() {
    let set = workloads(vec![deployment("web", 6, 1000, 1024)]);
    let limits = PoolLimits { nodes: Some(2), cpu: Some(plimsoll::units::MilliCpu(9000)), memory: None };
    let pool = NodePool { limits, ..NodePool::default() };
    let policy = Policy { pools: vec![pool], ..policy() };
    let plan = formulate(&set, &types(), &policy).unwrap();
    let kinds = BaselineKind::usual(&set);
    for found in baselines(&set, &types(), &policy, &plan, &kinds, 1) {
        let found = found.unwrap();
        assert!(found.is_complete(), "{:?}", found.kind);
        assert!(found.notes.iter().any(|note| note.to_string().contains("limits of node pools")));
    }
}

#[test]
fn what_the_plan_cannot_place_is_in_no_baseline() {
    let mut odd = deployment("odd", 1, 100, 100);
    odd.pod.rules.node_selector.insert("kubernetes.io/os".into(), "windows".into());
    let set = workloads(vec![odd, deployment("web", 1, 100, 100)]);
    for kind in BaselineKind::usual(&set) {
        let found = run(&set, kind).unwrap();
        assert!(found.is_complete(), "{kind:?}");
        assert_eq!(found.formulation.problem.total_copies(), 1, "{kind:?}");
    }
}

#[test]
fn every_kind_has_its_own_name() {
    let mut set = workloads(vec![deployment("web", 1, 100, 100)]);
    set.workloads[0].current_type = Some("m.large".into());
    let mut ids: Vec<String> = BaselineKind::usual(&set).into_iter().map(BaselineKind::id).collect();
    assert_eq!(ids.len(), 11);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 11);
}
