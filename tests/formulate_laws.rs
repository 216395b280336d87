//! Laws of formulating, on random workloads: order does not matter, more types never hurt, and the
//! legend accounts for every pod and every byte.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use plimsoll::catalog::{Architecture, Catalog, Provider};
use plimsoll::formulate::{Formulation, formulate};
use plimsoll::policy::{MaxPods, Policy};
use plimsoll::problem::{BinTypeId, ItemTypeId};
use plimsoll::units::{PartsPerMillion, ResourceName};
use plimsoll::workload::*;
use proptest::prelude::*;
use support::{catalog, daemon_set, deployment, machine};

const APPS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A workload of few distinct shapes and rules, so that merging, conflicts and caps all happen.
fn workload(index: usize) -> impl Strategy<Value = Workload> {
    let anti = prop::option::weighted(0.4, 0..APPS.len());
    (0u64..4, 1u64..5, 1u64..6, 0..APPS.len(), anti, any::<bool>(), 0u8..6, any::<bool>()).prop_map(
        move |(replicas, cpu, memory, app, anti, arm, port, volume)| {
            let mut w = deployment(&format!("w{index}"), replicas, cpu * 700, memory * 1500);
            w.pod.labels.insert("app".into(), APPS[app].into());
            if let Some(other) = anti {
                let expressions = vec![LabelExpression {
                    key: "app".into(),
                    operator: LabelOperator::In,
                    values: vec![APPS[other].into()],
                }];
                w.pod.rules.pod_anti_affinity.push(PodAffinityTerm {
                    topology_key: "kubernetes.io/hostname".into(),
                    selector: LabelSelector { expressions },
                    namespaces: vec!["default".into()],
                });
            }
            if arm {
                w.pod.rules.node_selector.insert("kubernetes.io/arch".into(), "arm64".into());
            }
            if port == 0 {
                let port = HostPort { port: 80, protocol: "TCP".into(), host_ip: String::new() };
                w.pod.rules.host_ports.push(port);
            }
            if volume {
                w.pod.rules.volumes.push(VolumeClaim { name: "data".into(), zone: None });
                w.pod.limits.insert(ResourceName::Cpu, cpu * 900);
            }
            w
        },
    )
}

fn set() -> impl Strategy<Value = WorkloadSet> {
    let workloads: Vec<_> = (0..10).map(workload).collect();
    (workloads, 1usize..=10, any::<bool>()).prop_map(|(mut workloads, count, daemon)| {
        workloads.truncate(count);
        let daemon_sets = if daemon { vec![daemon_set("agent", 100, 128)] } else { vec![] };
        WorkloadSet { workloads, daemon_sets, ..WorkloadSet::default() }
    })
}

fn types() -> Catalog {
    let mut arm = machine("g.large", 2000, 8192, "0.08");
    arm.architecture = Architecture::Arm64;
    arm.limits.volume_attachments = Some(4);
    let types = vec![
        machine("c.large", 2000, 4096, "0.085"),
        machine("m.large", 2000, 8192, "0.096"),
        machine("m.xlarge", 4000, 16_384, "0.192"),
        arm,
    ];
    catalog(Provider::Aws, types)
}

fn policy() -> Policy {
    Policy {
        max_pods: MaxPods::Fixed(20),
        headroom: BTreeMap::from([(ResourceName::Memory, PartsPerMillion(50_000))]),
        overcommit: BTreeMap::from([(ResourceName::Cpu, PartsPerMillion(1_200_000))]),
        ..Policy::default_for(Provider::Aws)
    }
}

/// Item types with the names of what they stand for.
fn named(f: &Formulation, set: &WorkloadSet) -> Vec<(String, Vec<(String, u64)>)> {
    let members = f
        .legend
        .items
        .iter()
        .map(|m| m.workloads.iter().map(|&(w, n)| (set.workloads[w].id.to_string(), n)).collect());
    f.problem.items().iter().map(|i| format!("{i:?}")).zip(members).collect()
}

proptest! {
    #[test]
    fn the_order_of_the_input_changes_nothing(set in set(), seed in any::<u64>()) {
        let mut shuffled = set.clone();
        let key = |w: &Workload| w.id.name.bytes().fold(seed | 1, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        shuffled.workloads.sort_by_key(key);
        let a = formulate(&set, &types(), &policy()).unwrap();
        let b = formulate(&shuffled, &types(), &policy()).unwrap();
        prop_assert_eq!(&a.problem, &b.problem);
        prop_assert_eq!(named(&a, &set), named(&b, &shuffled));
        prop_assert_eq!(&a.legend.nodes, &b.legend.nodes);
        let texts = |f: &Formulation| {
            let mut texts: Vec<String> = f.obstacles.iter().map(ToString::to_string).collect();
            texts.extend(f.notes.iter().map(ToString::to_string));
            texts.sort();
            texts
        };
        prop_assert_eq!(texts(&a), texts(&b));
    }

    #[test]
    fn one_more_type_never_takes_a_place_away(set in set()) {
        let before = formulate(&set, &types(), &policy()).unwrap();
        let mut more = types();
        more.types.push(machine("z.2xlarge", 8000, 32_768, "0.4"));
        let after = formulate(&set, &more, &policy()).unwrap();
        prop_assert!(after.obstacles.len() <= before.obstacles.len());
        // The new type is last, so that the old ones keep their ids.
        for w in 0..set.workloads.len() {
            let places = |f: &Formulation| -> Vec<bool> {
                let bins = before.problem.bins().len();
                let on = |b: usize| f.legend.items_of(w).any(|i| f.problem.copies_per_bin(i, BinTypeId(b as u32)) > 0);
                (0..bins).map(on).collect()
            };
            for (old, new) in places(&before).into_iter().zip(places(&after)) {
                prop_assert!(new || !old);
            }
        }
    }

    #[test]
    fn every_pod_is_in_the_problem_or_an_obstacle(set in set()) {
        let f = formulate(&set, &types(), &policy()).unwrap();
        let mut pods: BTreeMap<usize, u64> = BTreeMap::new();
        for (item, members) in f.problem.items().iter().zip(&f.legend.items) {
            prop_assert_eq!(item.copies, members.workloads.iter().map(|(_, n)| n).sum::<u64>());
            for &(w, n) in &members.workloads {
                *pods.entry(w).or_default() += n;
            }
        }
        for obstacle in &f.obstacles {
            prop_assert!(pods.insert(obstacle.workload, obstacle.replicas).is_none());
        }
        for (w, workload) in set.workloads.iter().enumerate() {
            prop_assert_eq!(pods.get(&w).copied().unwrap_or(0), workload.replicas);
        }
        for (node, bin) in f.legend.nodes.iter().zip(f.problem.bins()) {
            for b in node.capacity.values() {
                prop_assert_eq!(b.raw, b.hypervisor + b.beyond_baseline + b.reserved + b.allocatable());
            }
            let cpu = f.legend.demand_dimension(&ResourceName::Cpu);
            if let Some(k) = cpu {
                prop_assert_eq!(bin.capacity[k], node.capacity[&ResourceName::Cpu].for_pods);
            }
        }
    }

    /// Against the rules as they stand in the input, pair by pair.
    #[test]
    fn merged_rules_forbid_what_the_workloads_forbid_and_nothing_else(set in set()) {
        let f = formulate(&set, &types(), &policy()).unwrap();
        let refuses = |a: &Workload, b: &Workload| {
            a.pod.rules.pod_anti_affinity.iter().any(|t| t.selector.matches(&b.pod.labels))
                || !a.pod.rules.host_ports.is_empty() && !b.pod.rules.host_ports.is_empty()
        };
        let rows: Vec<(ItemTypeId, usize)> = f.problem.item_ids().zip(&f.legend.items)
            .flat_map(|(i, m)| m.workloads.iter().map(move |&(w, _)| (i, w))).collect();
        for &(i, a) in &rows {
            for &(j, b) in &rows {
                let (wa, wb) = (&set.workloads[a], &set.workloads[b]);
                let forbidden = if i == j { f.problem.item(i).max_per_bin == Some(1) }
                    else { f.problem.conflicts().contains(&(i.min(j), i.max(j))) };
                let asked = refuses(wa, wb) || refuses(wb, wa);
                // A single copy cannot meet itself.
                if a != b || wa.replicas > 1 {
                    prop_assert_eq!(forbidden, asked, "{} {}", wa.id, wb.id);
                }
            }
        }
    }
}
