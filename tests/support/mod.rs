//! Small catalogs and workloads for tests, with only the fields that a test is about.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;

use plimsoll::catalog::{Catalog, InstanceType, Provider};
use plimsoll::units::{Bytes, MilliCpu, Rate, ResourceName};
use plimsoll::workload::{PodTemplate, Workload, WorkloadId, WorkloadKind, WorkloadSet};

mod prices;

/// An amd64 type of the family before the dot, at a listed rate.
pub fn machine(name: &str, cpu_millis: u64, memory_mib: u64, rate: &str) -> InstanceType {
    let rate = rate.parse().expect("a rate");
    prices::instance(name, MilliCpu(cpu_millis), Bytes::mib(memory_mib), rate)
}

/// A catalog of these types, sorted by name as catalogs are.
pub fn catalog(provider: Provider, types: Vec<InstanceType>) -> Catalog {
    Catalog { provider, ..prices::catalog(types) }
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
