//! The mix of Karpenter's own scheduling benchmark (kubernetes-sigs/karpenter,
//! `pkg/controllers/provisioning/scheduling/scheduling_benchmark_test.go`): a fifth each of pods without
//! rules, spread over zones, spread over nodes, near their own kind in a zone, and apart over nodes.
//!
//! Cpu and memory of each pod are drawn from its lists, as are the labels that its spreads and affinities
//! select. Equal pods make one Deployment. Types are real ones at real prices.

use std::collections::BTreeMap;

use fastrand::Rng;
use plimsoll::catalog::Provider;
use plimsoll::input::catalog_file;
use plimsoll::policy::{DefaultTypes, Policy};
use plimsoll::units::ResourceName;
use plimsoll::workload::{
    LabelExpression, LabelOperator, LabelSelector, PlacementRules, PodAffinityTerm, PodTemplate,
    TopologySpread, Workload, WorkloadId, WorkloadKind, WorkloadSet,
};

use super::clusters::{CATALOG, Cluster};

const MILLICORES: [u64; 5] = [100, 250, 500, 1000, 1500];
const MEBIBYTES: [u64; 6] = [100, 256, 512, 1024, 2048, 4096];
const LABELS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// What a pod asks for beside its resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Generic,
    SpreadOverZones,
    SpreadOverNodes,
    NearInZone,
    ApartOnNodes,
}

const KINDS: [Kind; 5] =
    [Kind::Generic, Kind::SpreadOverZones, Kind::SpreadOverNodes, Kind::NearInZone, Kind::ApartOnNodes];

/// So many pods, a fifth of each kind, on so many current types of the catalog.
pub fn five_way(pods: u64, types: usize, seed: u64) -> Cluster {
    let mut catalog = catalog_file::by_name(CATALOG).expect("it is bundled").read();
    catalog.types.retain(|t| !t.bare_metal && t.current_generation != Some(false));
    // Every so many, so that all families and sizes stay.
    let all = catalog.types.len();
    assert!(types <= all, "the catalog has {all} such types");
    let mut place = 0;
    catalog.types.retain(|_| {
        place += 1;
        place * types / all > (place - 1) * types / all
    });
    assert_eq!(catalog.types.len(), types);
    let policy = Policy { default_types: DefaultTypes::All, ..Policy::default_for(Provider::Aws) };
    let mut rng = Rng::with_seed(seed);
    let mut counts: BTreeMap<(Kind, &str, u64, u64), u64> = BTreeMap::new();
    for pod in 0..pods {
        let kind = KINDS[(pod * KINDS.len() as u64 / pods) as usize];
        let label = match kind {
            Kind::Generic | Kind::ApartOnNodes => "",
            _ => LABELS[rng.usize(..LABELS.len())],
        };
        let (cpu, memory) = (MILLICORES[rng.usize(..5)], MEBIBYTES[rng.usize(..6)]);
        *counts.entry((kind, label, cpu, memory)).or_default() += 1;
    }
    let workloads = counts
        .into_iter()
        .map(|((kind, label, cpu, memory), replicas)| workload(kind, label, cpu, memory, replicas))
        .collect();
    Cluster { workloads: WorkloadSet { workloads, ..WorkloadSet::default() }, catalog, policy }
}

fn workload(kind: Kind, label: &str, cpu: u64, memory: u64, replicas: u64) -> Workload {
    let (group, key, value) = match kind {
        Kind::Generic => ("generic", "my-label", "none"),
        Kind::SpreadOverZones => ("zones", "my-label", label),
        Kind::SpreadOverNodes => ("nodes", "my-host-label", label),
        Kind::NearInZone => ("near", "my-affinity", label),
        Kind::ApartOnNodes => ("apart", "app", "nginx"),
    };
    let selector = || LabelSelector {
        expressions: vec![LabelExpression {
            key: key.to_owned(),
            operator: LabelOperator::In,
            values: vec![value.to_owned()],
        }],
    };
    let term = |topology_key: &str| PodAffinityTerm {
        topology_key: topology_key.to_owned(),
        selector: selector(),
        namespaces: Vec::new(),
    };
    let spread = |topology_key: &str| TopologySpread {
        topology_key: topology_key.to_owned(),
        max_skew: 1,
        min_domains: None,
        selector: selector(),
    };
    let mut rules = PlacementRules::default();
    match kind {
        Kind::Generic => {}
        Kind::SpreadOverZones => rules.topology_spread.push(spread(ZONE)),
        Kind::SpreadOverNodes => rules.topology_spread.push(spread(HOSTNAME)),
        Kind::NearInZone => rules.pod_affinity.push(term(ZONE)),
        Kind::ApartOnNodes => rules.pod_anti_affinity.push(term(HOSTNAME)),
    }
    Workload {
        id: WorkloadId {
            namespace: "default".to_owned(),
            kind: WorkloadKind::Deployment,
            name: format!("{group}{label}-{cpu}m-{memory}mi"),
        },
        replicas,
        pod: PodTemplate {
            requests: BTreeMap::from([(ResourceName::Cpu, cpu), (ResourceName::Memory, memory << 20)]),
            labels: BTreeMap::from([(key.to_owned(), value.to_owned())]),
            rules,
            ..PodTemplate::default()
        },
        owners: BTreeMap::new(),
        current_type: None,
    }
}
