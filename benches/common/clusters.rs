//! Clusters of any size: lognormal requests on all on-demand EC2 types of one region, less what EKS
//! keeps for itself.
//!
//! Cpu has median 250m and sigma 1.1, memory median 512 MiB and sigma 1.2, correlated by 0.6; requests
//! are whole multiples of 10m and 16 MiB, as people write them. Replicas are lognormal too (sigma 1.3).

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use plimsoll::catalog::{Catalog, Provider};
use plimsoll::formulate::{Formulation, formulate};
use plimsoll::input::catalog_file;
use plimsoll::policy::{DefaultTypes, Policy};
use plimsoll::units::{MilliCpu, ResourceName};
use plimsoll::workload::{
    LabelExpression, LabelOperator, LabelSelector, PodAffinityTerm, PodTemplate, Workload, WorkloadId,
    WorkloadKind, WorkloadSet,
};

use super::{lognormal, normal};

/// The catalog that all clusters are priced by.
pub const CATALOG: &str = "aws-2026-05-us-east-1";

/// What is special about a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Requests alone, every instance type.
    Plain,
    /// Instance types up to 16 vCPU.
    SmallTypes,
    /// Pods of a fifth of the shapes keep apart from each other over nodes.
    Apart,
    /// One shape in twelve, with few replicas each, asks for GPUs.
    Gpu,
}

impl Variant {
    /// All of them.
    pub const ALL: [Variant; 4] = [Variant::Plain, Variant::SmallTypes, Variant::Apart, Variant::Gpu];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Plain => "plain",
            Variant::SmallTypes => "16vcpu",
            Variant::Apart => "apart",
            Variant::Gpu => "gpu",
        }
    }
}

/// Everything that a plan starts from.
pub struct Cluster {
    pub workloads: WorkloadSet,
    pub catalog: Catalog,
    pub policy: Policy,
}

impl Cluster {
    /// The packing problem with its legend.
    pub fn formulate(&self) -> Formulation {
        let formulation =
            formulate(&self.workloads, &self.catalog, &self.policy).expect("the policy is the default one");
        assert!(formulation.obstacles.is_empty(), "every shape fits some type");
        formulation
    }
}

/// A cluster of exactly so many pods in exactly so many shapes.
pub fn cluster(pods: u64, shapes: usize, variant: Variant, seed: u64) -> Cluster {
    assert!(shapes as u64 <= pods, "a shape has at least one pod");
    let catalog = catalog_file::by_name(CATALOG).expect("it is bundled").read();
    let mut policy = Policy { default_types: DefaultTypes::All, ..Policy::default_for(Provider::Aws) };
    if variant == Variant::SmallTypes {
        policy.types.max_cpu = Some(MilliCpu(16_000));
    }
    let mut rng = Rng::with_seed(seed ^ pods.rotate_left(32) ^ shapes as u64);
    let requests = requests(&mut rng, shapes);
    let gpu = |shape: usize| variant == Variant::Gpu && shape % 12 == 5;
    let weights: Vec<f64> = (0..shapes)
        .map(|shape| lognormal(1.0, 1.3, normal(&mut rng)) * if gpu(shape) { 0.1 } else { 1.0 })
        .collect();
    let replicas = share_out(pods, &weights);
    let workloads = requests
        .into_iter()
        .zip(replicas)
        .enumerate()
        .map(|(shape, ((cpu, memory), replicas))| {
            let mut workload = deployment(shape, replicas, cpu, memory);
            if variant == Variant::Apart && shape % 5 == 2 {
                keep_apart(&mut workload);
            }
            if gpu(shape) {
                let name = ResourceName::Extended("nvidia.com/gpu".to_owned());
                workload.pod.requests.insert(name, [1, 1, 1, 1, 2, 4][rng.usize(..6)]);
            }
            workload
        })
        .collect();
    let workloads = WorkloadSet { workloads, ..WorkloadSet::default() };
    Cluster { workloads, catalog, policy }
}

/// Distinct requests in millicores and bytes. The largest still fits a type of 16 vCPU.
fn requests(rng: &mut Rng, shapes: usize) -> BTreeSet<(u64, u64)> {
    let mut found = BTreeSet::new();
    while found.len() < shapes {
        let shared = normal(rng);
        let own = normal(rng);
        let cpu = lognormal(250.0, 1.1, shared).clamp(10.0, 14_000.0);
        let memory = lognormal(512.0, 1.2, 0.6 * shared + 0.8 * own).clamp(16.0, 98_304.0);
        found.insert(((cpu / 10.0).ceil() as u64 * 10, ((memory / 16.0).ceil() as u64 * 16) << 20));
    }
    found
}

/// Splits `total` in proportion to the weights, at least one each.
fn share_out(total: u64, weights: &[f64]) -> Vec<u64> {
    let spare = total - weights.len() as u64;
    let sum: f64 = weights.iter().sum();
    let mut shares: Vec<u64> = weights.iter().map(|w| 1 + (spare as f64 * w / sum).floor() as u64).collect();
    let rest = total - shares.iter().sum::<u64>();
    let count = shares.len();
    (0..rest as usize).for_each(|i| shares[i % count] += 1);
    shares
}

fn deployment(shape: usize, replicas: u64, cpu: u64, memory: u64) -> Workload {
    let name = format!("app-{shape:05}");
    Workload {
        id: WorkloadId {
            namespace: "default".to_owned(),
            kind: WorkloadKind::Deployment,
            name: name.clone(),
        },
        replicas,
        pod: PodTemplate {
            requests: BTreeMap::from([(ResourceName::Cpu, cpu), (ResourceName::Memory, memory)]),
            labels: BTreeMap::from([("app".to_owned(), name)]),
            ..PodTemplate::default()
        },
        owners: BTreeMap::new(),
        current_type: None,
    }
}

fn keep_apart(workload: &mut Workload) {
    let own = LabelExpression {
        key: "app".to_owned(),
        operator: LabelOperator::In,
        values: vec![workload.id.name.clone()],
    };
    workload.pod.rules.pod_anti_affinity.push(PodAffinityTerm {
        topology_key: "kubernetes.io/hostname".to_owned(),
        selector: LabelSelector { expressions: vec![own] },
        namespaces: Vec::new(),
    });
}
