//! Small catalogs and workloads for tests, with only the fields that a test is about.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;

use plimsoll::catalog::{Architecture, Catalog, InstanceType, ListedRate, NodeLimits, Provenance, Provider};
use plimsoll::units::{Bytes, MilliCpu, Rate, ResourceName};
use plimsoll::workload::{PodTemplate, Workload, WorkloadId, WorkloadKind, WorkloadSet};

/// An amd64 type of the family before the dot, at a listed rate.
pub fn machine(name: &str, cpu_millis: u64, memory_mib: u64, rate: &str) -> InstanceType {
    InstanceType {
        name: name.into(),
        family: name.split('.').next().unwrap_or(name).into(),
        current_generation: None,
        category: "General purpose".into(),
        cpu: MilliCpu(cpu_millis),
        memory: Bytes::mib(memory_mib),
        architecture: Architecture::Amd64,
        bare_metal: false,
        extended: BTreeMap::new(),
        accelerator: None,
        local_storage: Bytes(0),
        limits: NodeLimits::default(),
        burst: None,
        on_demand: ListedRate { rate: rate.parse().expect("a rate"), provenance: Provenance::Listed },
        spot: None,
        interruption: None,
        sustained_use: None,
        offers: vec![],
        normalized_units: None,
        marks: vec![],
        sku: None,
    }
}

/// A catalog of these types, sorted by name as catalogs are.
pub fn catalog(provider: Provider, mut types: Vec<InstanceType>) -> Catalog {
    types.sort_by(|a, b| a.name.cmp(&b.name));
    Catalog {
        name: "test".into(),
        provider,
        region: "us-east-1".into(),
        currency: "USD".into(),
        price_date: "2026-05".into(),
        sources: vec![],
        licence_note: String::new(),
        rules: Default::default(),
        marks: BTreeMap::new(),
        notes: vec![],
        types,
    }
}

/// A Deployment in namespace `default` whose pods carry the label `app` with its name.
pub fn deployment(name: &str, replicas: u64, cpu_millis: u64, memory_mib: u64) -> Workload {
    Workload {
        id: WorkloadId { namespace: "default".into(), kind: WorkloadKind::Deployment, name: name.into() },
        replicas,
        pod: PodTemplate {
            requests: BTreeMap::from([
                (ResourceName::Cpu, cpu_millis),
                (ResourceName::Memory, memory_mib << 20),
            ]),
            labels: BTreeMap::from([("app".into(), name.into())]),
            ..PodTemplate::default()
        },
        owners: BTreeMap::new(),
        current_type: None,
    }
}

/// A DaemonSet in namespace `default`.
pub fn daemon_set(name: &str, cpu_millis: u64, memory_mib: u64) -> Workload {
    let mut workload = deployment(name, 0, cpu_millis, memory_mib);
    workload.id.kind = WorkloadKind::DaemonSet;
    workload
}

/// These workloads and nothing else.
pub fn workloads(workloads: Vec<Workload>) -> WorkloadSet {
    WorkloadSet { workloads, ..WorkloadSet::default() }
}

/// A rate from a decimal.
pub fn rate(text: &str) -> Rate {
    text.parse().expect("a decimal")
}
