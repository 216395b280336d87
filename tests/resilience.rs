//! Plans that survive: hand-worked costs, honest refusals, and every promised re-placement found again by
//! brute force over the rules themselves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use plimsoll::catalog::{Catalog, Provider};
use plimsoll::formulate::{self, Formulation};
use plimsoll::policy::{
    AllocatableModel, DefaultTypes, FailureScope, MaxPods, NodePool, PlanForm, Policy, PoolLimits, Survive,
};
use plimsoll::resilience::{Inputs, Resilient, survive};
use plimsoll::search;
use plimsoll::solver::control::{Budget, Effort, Silent};
use plimsoll::units::Money;
use plimsoll::verify::placement::{self, Standing};
use plimsoll::workload::{
    LabelExpression, LabelOperator, LabelSelector, PodAffinityTerm, VolumeClaim, Workload, WorkloadSet,
};
use proptest::prelude::*;
use support::{deployment, machine, workloads};

struct Planned {
    catalog: Catalog,
    set: WorkloadSet,
    formulation: Formulation,
    made: Resilient,
}

fn plan(
    types: &[(&str, u64, u64, &str)],
    pods: Vec<Workload>,
    scope: FailureScope,
    priority: Option<i32>,
) -> Planned {
    plan_as(PlanForm::Free, types, pods, scope, priority)
}

fn plan_as(
    form: PlanForm,
    types: &[(&str, u64, u64, &str)],
    pods: Vec<Workload>,
    scope: FailureScope,
    priority: Option<i32>,
) -> Planned {
    plan_in(&[], form, types, pods, Survive { scope, priority })
}

/// In these node pools.
fn plan_in(
    pools: &[NodePool],
    form: PlanForm,
    types: &[(&str, u64, u64, &str)],
    pods: Vec<Workload>,
    wanted: Survive,
) -> Planned {
    let types =
        types.iter().map(|&(name, cpu, gib, rate)| machine(name, cpu * 1000, gib << 10, rate)).collect();
    let catalog = support::catalog(Provider::Aws, types);
    let policy = Policy {
        allocatable: AllocatableModel::None,
        hypervisor_memory: plimsoll::units::PartsPerMillion(0),
        max_pods: MaxPods::Fixed(20),
        default_types: DefaultTypes::All,
        survive: Some(wanted),
        pools: pools.to_vec(),
        ..Policy::default_for(Provider::Aws)
    };
    let set = workloads(pods);
    let free = formulate::formulate(&set, &catalog, &policy).unwrap();
    let pooled =
        (form == PlanForm::Pooled).then(|| formulate::pooled(&set, &catalog, &policy, &free).unwrap());
    let budget = Budget { effort: Effort::Quick, work_limit: Some(500_000), ..Budget::default() };
    let found = match &pooled {
        Some(pooled) => search::search_pooled(&free, pooled, &budget, 1, &Silent),
        None => search::search(&free, &budget, 1, &Silent),
    };
    let found = found.unwrap();
    let pooling = pooled.as_ref().map(|pooled| pooled.pooling.clone());
    let formulation = pooled.map_or(free, |pooled| pooled.formulation);
    let inputs = Inputs {
        set: &set,
        catalog: &catalog,
        policy: &policy,
        formulation: &formulation,
        pooling: pooling.as_ref(),
        wanted,
    };
    let made = survive(&inputs, &found.outcome, &budget, 1).unwrap();
    assert_eq!(made.survival.without, found.outcome.plan().hourly_cost());
    assert_eq!(made.outcome.lower_bound(), found.outcome.lower_bound());
    let broken = search::breaches(&set, &catalog, &formulation, made.outcome.plan());
    assert_eq!(broken, [], "the plan breaks a rule before anything fails");
    Planned { catalog, set, formulation, made }
}

fn cost(planned: &Planned) -> Money {
    planned.made.outcome.plan().hourly_cost()
}

fn dollars(text: &str) -> Money {
    text.parse().unwrap()
}

#[test]
fn equal_nodes_need_one_more() {
    // Eight pods of a core fill four nodes of two; any one of them is lost: a fifth takes its two pods.
    let planned =
        plan(&[("t.large", 2, 8, "0.1")], vec![deployment("web", 8, 1000, 64)], FailureScope::Node, None);
    assert!(planned.made.survival.holds());
    assert_eq!((planned.made.survival.without, cost(&planned)), (dollars("0.4"), dollars("0.5")));
    let spare: u64 = planned.made.survival.spare.iter().map(|&(_, nodes)| nodes).sum();
    assert_eq!(spare, 1);
    // Four equal nodes are one failure, which moves two pods.
    let failures = &planned.made.survival.failures;
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].alike, failures[0].pods), (4, 2));
    assert_eq!(failures[0].moved.iter().map(|&(_, _, pods)| pods).sum::<u64>(), 2);
}

#[test]
fn spare_nodes_keep_the_limits_of_their_pool_over_its_types() {
    // Four nodes for eight pods of a core, and a fifth for the loss of one. Where four is the most that the pool
    // may have in all, a fifth of the other type is none either, though of that one there is none yet.
    let types = [("t.large", 2, 8, "0.1"), ("u.large", 2, 16, "0.15")];
    let with = |nodes| {
        let limits = PoolLimits { nodes: Some(nodes), ..PoolLimits::default() };
        let pool = NodePool { name: "web".into(), limits, ..NodePool::default() };
        let wanted = Survive { scope: FailureScope::Node, priority: None };
        plan_in(&[pool], PlanForm::Free, &types, vec![deployment("web", 8, 1000, 64)], wanted)
    };
    let five = with(5);
    assert!(five.made.survival.holds());
    assert_eq!(cost(&five), dollars("0.5"));
    let four = with(4);
    assert!(!four.made.survival.holds());
    assert_eq!(cost(&four), dollars("0.4"));
}

#[test]
fn room_that_is_there_costs_nothing() {
    // Four pods of 2 GiB in nodes of 8 GiB, 100m of 2000m each, at most one a node: any node takes another's
    // pod but for the rule; without the rule one node holds all, and a second one is the twin.
    let planned =
        plan(&[("t.large", 2, 8, "0.1")], vec![deployment("web", 4, 100, 2048)], FailureScope::Node, None);
    assert_eq!((planned.made.survival.without, cost(&planned)), (dollars("0.1"), dollars("0.2")));
    // Six pods of 2 GiB need two nodes, which have room for two more; losing the fuller one needs four.
    let planned =
        plan(&[("t.large", 2, 8, "0.1")], vec![deployment("web", 6, 100, 2048)], FailureScope::Node, None);
    assert_eq!((planned.made.survival.without, cost(&planned)), (dollars("0.2"), dollars("0.3")));
}

#[test]
fn smaller_nodes_are_bought_where_a_second_large_one_is_dearer() {
    // Eight pods of a core: one node of eight at 0.8, or four of two at 0.21. Surviving costs another 0.8, or
    // another 0.21: 4 x 0.21 + 0.21 = 1.05.
    let types = [("big.2xlarge", 8, 64, "0.8"), ("small.large", 2, 16, "0.21")];
    let planned = plan(&types, vec![deployment("web", 8, 1000, 64)], FailureScope::Node, None);
    assert!(planned.made.survival.holds());
    assert_eq!((planned.made.survival.without, cost(&planned)), (dollars("0.8"), dollars("1.05")));
}

#[test]
fn a_spare_node_may_be_smaller_than_the_lost_one() {
    // One pod of six cores needs the large node; the plan has it for that pod alone, and two pods of a
    // core fill it up. Losing it needs a large one again: nothing smaller holds six cores.
    let types = [("big.2xlarge", 8, 64, "0.8"), ("small.large", 2, 16, "0.21")];
    let mixed = vec![deployment("big", 1, 6000, 64), deployment("web", 2, 1000, 64)];
    let planned = plan(&types, mixed, FailureScope::Node, None);
    assert!(planned.made.survival.holds());
    assert_eq!(cost(&planned), dollars("1.6"));
    // Where the large pod need not survive, its node's other pods take a small spare one.
    let mut important = deployment("web", 2, 1000, 64);
    important.pod.priority = 100;
    let planned =
        plan(&types, vec![deployment("big", 1, 6000, 64), important], FailureScope::Node, Some(100));
    assert!(planned.made.survival.holds());
    assert_eq!(cost(&planned), dollars("1.01"));
    assert_eq!(planned.made.survival.failures[0].waiting, [(0, 1)]);
}

#[test]
fn pods_of_lower_priority_make_room() {
    // Two nodes of two cores, four pods: the important two can always take a core of the others.
    let mut important = deployment("important", 2, 1000, 64);
    important.pod.priority = 1000;
    let pods = vec![important, deployment("batch", 2, 1000, 64)];
    let planned = plan(&[("t.large", 2, 8, "0.1")], pods.clone(), FailureScope::Node, Some(1000));
    assert!(planned.made.survival.holds());
    assert_eq!(cost(&planned), planned.made.survival.without);
    let waiting: u64 = planned.made.survival.failures.iter().flat_map(|f| &f.waiting).map(|&(_, n)| n).sum();
    assert!(waiting > 0, "{:?}", planned.made.survival.failures);
    // All pods: a third node.
    let planned = plan(&[("t.large", 2, 8, "0.1")], pods, FailureScope::Node, None);
    assert_eq!(cost(&planned), dollars("0.3"));
}

#[test]
fn any_two_of_three_zones_hold_everything() {
    // Twelve pods, two a node: six nodes, two in each zone. Two zones must hold twelve pods, so three nodes
    // in each zone: 0.9.
    let planned =
        plan(&[("t.large", 2, 8, "0.1")], vec![deployment("web", 12, 1000, 64)], FailureScope::Zone, None);
    assert!(planned.made.survival.holds());
    assert_eq!((planned.made.survival.without, cost(&planned)), (dollars("0.6"), dollars("0.9")));
    assert_eq!(planned.made.survival.failures.len(), 3);
    assert!(planned.made.survival.failures.iter().all(|f| f.zone.is_some() && f.nodes == 3));
}

#[test]
fn pods_of_a_pool_stay_in_it() {
    // Four pods of a core and 1 GiB fill two nodes of 2 cores, four of 100m and 8 GiB one of 32 GiB. Each pool
    // gets a second or third node: 3 x 0.1 + 2 x 0.2. Free, a node of the second kind could stand in for both.
    let types = [("c.large", 2, 4, "0.1"), ("r.large", 1, 32, "0.2")];
    let pods = vec![deployment("web", 4, 1000, 1024), deployment("cache", 4, 100, 8192)];
    let planned = plan_as(PlanForm::Pooled, &types, pods, FailureScope::Node, None);
    assert!(planned.made.survival.holds());
    assert_eq!((planned.made.survival.without, cost(&planned)), (dollars("0.4"), dollars("0.7")));
    for failure in &planned.made.survival.failures {
        assert!(!failure.moved.is_empty());
        assert!(failure.moved.iter().all(|&(_, bin, _)| Some(bin) == failure.bin_type), "{failure:?}");
    }
}

#[test]
fn what_no_node_helps_is_said() {
    let mut tied = deployment("db", 1, 1000, 64);
    tied.pod.rules.volumes.push(VolumeClaim { name: "data".into(), zone: Some("us-east-1a".into()) });
    let planned = plan(
        &[("t.large", 2, 8, "0.1")],
        vec![tied, deployment("web", 2, 500, 64)],
        FailureScope::Zone,
        None,
    );
    assert!(!planned.made.survival.holds());
    let pending: Vec<_> = planned.made.survival.failures.iter().flat_map(|f| f.pending.clone()).collect();
    assert_eq!(pending, [(0, 1)]);
}

#[test]
fn pods_that_keep_apart_need_a_node_of_their_own() {
    // Three pods apart on three nodes; the lost one's pod may join neither of the others.
    let planned = plan(&[("t.large", 2, 8, "0.1")], vec![apart("web", 3, 500)], FailureScope::Node, None);
    assert!(planned.made.survival.holds());
    assert_eq!((planned.made.survival.without, cost(&planned)), (dollars("0.3"), dollars("0.4")));
}

fn apart(name: &str, replicas: u64, cpu: u64) -> Workload {
    let mut workload = deployment(name, replicas, cpu, 64);
    workload.pod.rules.pod_anti_affinity.push(PodAffinityTerm {
        topology_key: "kubernetes.io/hostname".into(),
        selector: LabelSelector {
            expressions: vec![LabelExpression {
                key: "app".into(),
                operator: LabelOperator::In,
                values: vec![name.into()],
            }],
        },
        namespaces: vec![],
    });
    workload
}

/// Single nodes with what each offers to pods.
fn nodes(planned: &Planned) -> Vec<(Standing, Vec<u64>)> {
    let plan = planned.made.outcome.plan().plan();
    let (legend, problem) = (&planned.formulation.legend, &planned.formulation.problem);
    let standing = placement::standing(legend, &planned.catalog, plan);
    let mut single = Vec::new();
    for (group, bin) in standing.into_iter().zip(legend.assign(plan)) {
        let room = problem.bin(bin.bin_type).capacity.as_slice()[..2].to_vec();
        for _ in 0..group.nodes {
            single.push((Standing { nodes: 1, ..group.clone() }, room.clone()));
        }
    }
    single
}

/// Whether the pods find places, one after the other in any order of nodes.
fn find(set: &WorkloadSet, nodes: &mut Vec<(Standing, Vec<u64>)>, pods: &[usize]) -> bool {
    let Some((&w, rest)) = pods.split_first() else { return true };
    for place in 0..nodes.len() {
        let before = nodes[place].0.pods.clone();
        match nodes[place].0.pods.iter_mut().find(|(v, _)| *v == w) {
            Some((_, count)) => *count += 1,
            None => nodes[place].0.pods.push((w, 1)),
        }
        let used = |k: usize| -> u64 {
            let amount = |v: usize| *set.workloads[v].pod.requests.values().nth(k).unwrap();
            nodes[place].0.pods.iter().map(|&(v, count)| amount(v) * count).sum()
        };
        let standing: Vec<Standing> = nodes.iter().map(|(standing, _)| standing.clone()).collect();
        let fits = (0..2).all(|k| used(k) <= nodes[place].1[k]);
        if fits && placement::check(&set.workloads, &standing).is_empty() && find(set, nodes, rest) {
            return true;
        }
        nodes[place].0.pods = before;
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is lost, the pods find a place among the nodes that remain; and it costs no more than a
    /// second node of the dearest kind for each one.
    #[test]
    fn every_promise_is_kept(
        shapes in prop::collection::vec((1u64..4, 1u64..5, any::<bool>()), 1..4),
        rates in (1u64..9, 1u64..9),
    ) {
        let pods: Vec<Workload> = shapes
            .iter()
            .enumerate()
            .map(|(k, &(replicas, quarters, keeps_apart))| {
                let name = format!("w{k}");
                let cpu = quarters * 500;
                if keeps_apart { apart(&name, replicas, cpu) } else { deployment(&name, replicas, cpu, 64) }
            })
            .collect();
        let (small, large) = (format!("0.0{}", rates.0), format!("0.1{}", rates.1));
        let types = [("s.large", 2, 8, small.as_str()), ("l.xlarge", 4, 16, large.as_str())];
        let planned = plan(&types, pods, FailureScope::Node, None);
        prop_assert!(planned.made.survival.holds());
        prop_assert!(cost(&planned) >= planned.made.survival.without);
        let all = nodes(&planned);
        for lost in 0..all.len() {
            let mut left = all.clone();
            let (gone, _) = left.remove(lost);
            let pods: Vec<usize> = gone
                .pods
                .iter()
                .flat_map(|&(w, count)| std::iter::repeat_n(w, count as usize))
                .collect();
            prop_assert!(find(&planned.set, &mut left, &pods), "node {lost} of {all:?}");
        }
    }
}
