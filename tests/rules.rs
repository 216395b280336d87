//! One scheduling rule each, accepted and refused: decided once from first principles, by trying every
//! placement against the rules as the workloads state them, and once by formulation, solver and verifier.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scheduler;
mod support;

use std::collections::{BTreeMap, HashSet};

use plimsoll::catalog::{Architecture, Catalog, Provider};
use plimsoll::formulate::{self, NodeType, node_labels};
use plimsoll::input::{ReadOptions, Source, read_workloads};
use plimsoll::plan::{Pattern, Plan};
use plimsoll::policy::{
    AllocatableModel, DefaultTypes, MaxPods, NodePool, Policy, PoolLimits, Taint, TaintEffect,
};
use plimsoll::problem::BinTypeId;
use plimsoll::replay::{Cluster, Profile, Scheduler};
use plimsoll::search;
use plimsoll::solver::control::{Budget, Effort, Silent};
use plimsoll::units::{Bytes, ResourceName};
use plimsoll::verify::placement::{self, Standing};
use plimsoll::workload::{Workload, WorkloadSet};
use proptest::prelude::*;
use scheduler::{CASES, Expect};

/// One node that stands: a pool of one.
struct Node {
    pool: NodePool,
    type_name: String,
    room: BTreeMap<ResourceName, u64>,
}

const SLOTS: u64 = 10;
const DISK: u64 = 20 << 30;

fn nodes(text: &str) -> (Vec<Node>, Catalog) {
    let mut types = Vec::new();
    let mut nodes = Vec::new();
    for (place, words) in text.split(';').enumerate() {
        let name = format!("n{place}.large");
        let mut machine = support::machine(&name, 4000, 16 << 10, "0.1");
        machine.limits.volume_attachments = Some(8);
        let limits = PoolLimits { nodes: Some(1), ..PoolLimits::default() };
        let mut pool = NodePool { name: format!("p{place}"), limits, ..NodePool::default() };
        pool.types.include = vec![name.clone()];
        pool.zones = vec!["us-east-1a".to_owned()];
        for word in words.split_whitespace() {
            let (key, value) = word.split_once('=').unwrap();
            let number = || value.parse::<u64>().unwrap();
            match key {
                "z" => pool.zones = vec![format!("us-east-1{value}")],
                "cpu" => machine.cpu.0 = number() * 1000,
                "gpu" => drop(machine.extended.insert("nvidia.com/gpu".to_owned(), number())),
                "vols" => machine.limits.volume_attachments = Some(number()),
                "arch" => machine.architecture = Architecture::Arm64,
                _ if key.starts_with("l:") => drop(pool.labels.insert(key[2..].to_owned(), value.to_owned())),
                _ => {
                    let (value, effect) = value.split_once(':').unwrap();
                    let effect = match effect {
                        "NoSchedule" => TaintEffect::NoSchedule,
                        "NoExecute" => TaintEffect::NoExecute,
                        _ => TaintEffect::PreferNoSchedule,
                    };
                    pool.taints.push(Taint { key: key[2..].to_owned(), value: value.to_owned(), effect });
                }
            }
        }
        let room = BTreeMap::from([
            (ResourceName::Cpu, machine.cpu.0),
            (ResourceName::Memory, machine.memory.0),
            (ResourceName::Pods, SLOTS),
            (ResourceName::EphemeralStorage, DISK),
            (ResourceName::Volumes, machine.limits.volume_attachments.unwrap()),
            (
                ResourceName::Extended("nvidia.com/gpu".to_owned()),
                machine.extended.get("nvidia.com/gpu").copied().unwrap_or(0),
            ),
        ]);
        nodes.push(Node { pool, type_name: name, room });
        types.push(machine);
    }
    (nodes, support::catalog(Provider::Aws, types))
}

fn pods(text: &str) -> WorkloadSet {
    let (mut components, mut daemons, mut pins) = (String::new(), String::new(), Vec::new());
    for pod in text.split(';') {
        let (words, placement) = pod.split_once('{').unwrap_or((pod, "}"));
        let mut words = words.split_whitespace();
        let (name, replicas) = words.next().unwrap().split_once('*').unwrap();
        let (list, name) = match name.strip_prefix("ds:") {
            Some(name) => (&mut daemons, name),
            None => (&mut components, name),
        };
        let (mut cpu, mut requests, mut labels, mut more) =
            ("1", String::new(), format!("app: {name}"), String::new());
        for word in words {
            let (key, value) = word.split_once('=').unwrap();
            match key {
                "cpu" => cpu = value,
                "mem" => requests += &format!(", memory: {value}"),
                "gpu" => requests += &format!(", nvidia.com/gpu: {value}"),
                "disk" => requests += &format!(", ephemeral-storage: {value}"),
                "vols" => more += &format!(", volumes: {value}"),
                "ns" => more += &format!(", namespace: {value}"),
                "pin" => pins.push((name.to_owned(), format!("us-east-1{value}"))),
                _ => labels += &format!(", {}: {value}", &key[2..]),
            }
        }
        *list += &format!(
            "  - {{name: {name}, replicas: {replicas}, requests: {{cpu: {cpu}{requests}}}, \
             labels: {{{labels}}}{more}, placement: {{{placement}}}\n"
        );
    }
    let mut file = "plimsoll: workloads/v1\nname: case\n".to_owned();
    for (key, list) in [("components", components), ("daemonSets", daemons)] {
        if !list.is_empty() {
            file += &format!("{key}:\n{list}");
        }
    }
    let source = Source { name: "case.yaml".into(), bytes: file.clone().into_bytes() };
    let mut set = read_workloads(&[source], &ReadOptions::default())
        .unwrap_or_else(|faults| panic!("{file}\n{faults:#?}"));
    for workload in &mut set.workloads {
        for (_, zone) in pins.iter().filter(|(name, _)| *name == workload.id.name) {
            workload.pod.rules.volumes.iter_mut().for_each(|v| v.zone = Some(zone.clone()));
        }
    }
    set
}

/// Tries every placement.
fn by_rules(nodes: &[Node], catalog: &Catalog, set: &WorkloadSet) -> bool {
    let mut standing: Vec<Standing> = nodes
        .iter()
        .map(|node| {
            let mut labels = node_labels(catalog.find(&node.type_name).unwrap(), catalog);
            labels.insert("topology.kubernetes.io/zone".to_owned(), node.pool.zones[0].clone());
            labels.extend(node.pool.labels.clone());
            Standing { nodes: 1, labels, taints: node.pool.taints.clone(), pods: Vec::new() }
        })
        .collect();
    let everybody: Vec<Workload> = set.workloads.iter().chain(&set.daemon_sets).cloned().collect();
    placement::add_daemon_sets(&everybody, set.workloads.len(), &mut standing);
    let pods: Vec<usize> = (0..set.workloads.len())
        .flat_map(|w| std::iter::repeat_n(w, usize::try_from(set.workloads[w].replicas).unwrap()))
        .collect();
    try_all(&everybody, nodes, &mut standing, &pods, 0)
}

/// Equal pods lie on nodes in ascending order, from `first` on.
fn try_all(
    everybody: &[Workload],
    nodes: &[Node],
    standing: &mut Vec<Standing>,
    pods: &[usize],
    first: usize,
) -> bool {
    let Some((&w, rest)) = pods.split_first() else {
        return placement::check(everybody, standing).is_empty();
    };
    for place in first..nodes.len() {
        let before = standing[place].pods.clone();
        match standing[place].pods.iter_mut().find(|(v, _)| *v == w) {
            Some((_, count)) => *count += 1,
            None => standing[place].pods.push((w, 1)),
        }
        let next = if rest.first() == Some(&w) { place } else { 0 };
        if fits(everybody, &nodes[place], &standing[place]) && try_all(everybody, nodes, standing, rest, next)
        {
            return true;
        }
        standing[place].pods = before;
    }
    false
}

fn fits(everybody: &[Workload], node: &Node, standing: &Standing) -> bool {
    node.room.iter().all(|(resource, &room)| {
        let taken = standing.pods.iter().map(|&(w, pods)| {
            let pod = &everybody[w].pod;
            pods * match resource {
                ResourceName::Pods => 1,
                ResourceName::Volumes => pod.rules.volumes.len() as u64,
                other => pod.requests.get(other).copied().unwrap_or(0),
            }
        });
        taken.sum::<u64>() <= room
    })
}

fn policy(nodes: &[Node]) -> Policy {
    let mut zones: Vec<String> = nodes.iter().flat_map(|n| n.pool.zones.clone()).collect();
    zones.sort();
    zones.dedup();
    Policy {
        allocatable: AllocatableModel::None,
        hypervisor_memory: plimsoll::units::PartsPerMillion(0),
        max_pods: MaxPods::Fixed(SLOTS),
        node_storage: Some(Bytes(DISK)),
        default_types: DefaultTypes::All,
        pools: nodes.iter().map(|n| n.pool.clone()).collect(),
        zones,
        ..Policy::default_for(Provider::Aws)
    }
}

/// Formulates, solves and verifies; whether every pod is placed.
fn by_plan(nodes: &[Node], catalog: &Catalog, set: &WorkloadSet) -> bool {
    let formulation = formulate::formulate(set, catalog, &policy(nodes)).unwrap();
    if !formulation.obstacles.is_empty() {
        return false;
    }
    let budget = Budget { effort: Effort::Quick, work_limit: Some(2_000_000), ..Budget::default() };
    let Ok(found) = search::search(&formulation, &budget, 1, &Silent) else { return false };
    let breaches = search::breaches(set, catalog, &formulation, found.outcome.plan());
    assert_eq!(breaches, [], "the plan breaks a rule");
    true
}

/// Lets the pods arrive one after the other in every order, each on every node that the replayed
/// scheduler's filters let it onto; whether some order places all.
fn by_replay(nodes: &[Node], catalog: &Catalog, set: &WorkloadSet) -> bool {
    let policy = policy(nodes);
    let formulation = formulate::formulate(set, catalog, &policy).unwrap();
    let legend = &formulation.legend;
    let bin = |node: &Node| {
        let of_pool = |n: &NodeType| legend.pools[n.pool].name == node.pool.name;
        BinTypeId(legend.nodes.iter().position(of_pool).unwrap() as u32)
    };
    let plan = Plan::from_iter(nodes.iter().map(|node| (Pattern::new(bin(node), []), 1)));
    let cluster = Cluster::of_nodes(set, catalog, &policy, &formulation, &plan);
    let mut left: Vec<u64> = set.workloads.iter().map(|w| w.replicas).collect();
    let mut seen = HashSet::new();
    arrive(&mut Scheduler::new(&cluster, Profile::Default, 0), &mut left, &mut seen)
}

fn arrive(scheduler: &mut Scheduler<'_>, left: &mut Vec<u64>, seen: &mut HashSet<Vec<u64>>) -> bool {
    if left.iter().all(|&pods| pods == 0) {
        return true;
    }
    let nodes = scheduler.node_count();
    let state = (0..left.len()).flat_map(|w| (0..nodes).map(move |n| (w, n)));
    if !seen.insert(state.map(|(w, n)| scheduler.pods_on(w, n)).collect()) {
        return false;
    }
    for w in 0..left.len() {
        for n in 0..nodes {
            if left[w] == 0 || !scheduler.fits(w, n) {
                continue;
            }
            scheduler.put(w, n);
            left[w] -= 1;
            if arrive(scheduler, left, seen) {
                return true;
            }
            left[w] += 1;
            scheduler.remove(w, n);
        }
    }
    false
}

#[test]
fn every_case_is_decided_alike_by_the_rules_the_planner_and_the_replay() {
    let mut wrong = Vec::new();
    for &(name, node_text, pod_text, expect) in CASES {
        let (nodes, catalog) = nodes(node_text);
        let set = pods(pod_text);
        let found = (
            by_rules(&nodes, &catalog, &set),
            by_plan(&nodes, &catalog, &set),
            by_replay(&nodes, &catalog, &set),
        );
        let wanted = match expect {
            Expect::Accepted => (true, true, true),
            Expect::Refused => (false, false, false),
            Expect::Unreachable => (true, false, false),
            Expect::Stricter => (true, false, true),
        };
        if found != wanted {
            let (rules, plan, replay) = found;
            wrong.push(format!(
                "{name}: by the rules {rules}, by the plan {plan}, by the replay {replay}, expected {expect:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

#[test]
fn there_are_enough_cases_with_names_of_their_own() {
    let mut names: Vec<&str> = CASES.iter().map(|case| case.0).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CASES.len());
    assert!(CASES.len() >= 80, "{}", CASES.len());
    let refused = CASES.iter().filter(|case| case.3 == Expect::Refused).count();
    assert!(refused >= 40 && CASES.len() - refused >= 40, "{refused} of {}", CASES.len());
}

/// Rules for a pod of the workload `me` beside one of the workload `other`, as the cases write them.
fn placement(kind: usize, me: &str, other: &str) -> String {
    let near = |key: &str, app: &str| format!("{{topologyKey: {key}, matchLabels: {{app: {app}}}}}");
    match kind {
        1 => "nodeSelector: {t: x}".to_owned(),
        2 => "nodeSelector: {topology.kubernetes.io/zone: us-east-1b}".to_owned(),
        3 => "antiAffinity: hostname".to_owned(),
        4 => "antiAffinity: zone".to_owned(),
        5 => format!("antiAffinity: [{}]", near("hostname", other)),
        6 => format!("antiAffinity: [{}]", near("zone", other)),
        7 => format!("affinity: [{}]", near("hostname", other)),
        8 => format!("affinity: [{}]", near("zone", other)),
        9 => format!("affinity: [{}]", near("hostname", me)),
        10 => "spread: zone".to_owned(),
        11 => "spread: [{topologyKey: hostname, maxSkew: 1}]".to_owned(),
        12 => "spread: [{topologyKey: hostname, maxSkew: 2}]".to_owned(),
        13 => format!("nodeSelector: {{t: x}}, antiAffinity: [{}]", near("hostname", me)),
        _ => String::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// What the planner places can be placed, by trying everything, and the scheduler gets there. What it
    /// does not place cannot be placed, or it says by which restriction it holds a rule.
    #[test]
    fn random_rules_are_decided_as_by_trying_everything(
        nodes_drawn in prop::collection::vec((0usize..3, 1u64..4, any::<bool>()), 1..4),
        pods_drawn in prop::collection::vec((1u64..3, 1u64..3, 0usize..16), 1..4),
    ) {
        let names = ["a", "b", "c"];
        let node_text: Vec<String> = nodes_drawn
            .iter()
            .map(|&(zone, cpu, labelled)| {
                format!("z={} cpu={cpu}{}", names[zone], if labelled { " l:t=x" } else { "" })
            })
            .collect();
        let count = pods_drawn.len();
        let pod_text: Vec<String> = pods_drawn
            .iter()
            .enumerate()
            .map(|(k, &(replicas, cpu, kind))| {
                let rules = placement(kind, names[k], names[(k + 1) % count]);
                format!("{}*{replicas} cpu={cpu} {{{rules}}}", names[k])
            })
            .collect();
        let (node_text, pod_text) = (node_text.join(";"), pod_text.join(";"));
        let (nodes, catalog) = nodes(&node_text);
        let set = pods(&pod_text);
        let rules = by_rules(&nodes, &catalog, &set);
        let plan = by_plan(&nodes, &catalog, &set);
        let replay = by_replay(&nodes, &catalog, &set);
        let case = format!("{node_text} | {pod_text}: by the rules {rules}, plan {plan}, replay {replay}");
        prop_assert!(!plan || (rules && replay), "{}", case);
        if rules && replay && !plan {
            let formulation = formulate::formulate(&set, &catalog, &policy(&nodes)).unwrap();
            let said = !formulation.restrictions.is_empty();
            prop_assert!(said, "{}", case);
        }
    }
}
