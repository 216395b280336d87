//! Clusters of a few nodes, by hand.

use plimsoll::replay::{Cluster, Node, Pool, Replicated, Rules};
use plimsoll::units::{Rate, ResourceName};
use plimsoll::workload::WorkloadKind;

/// Nodes of so many cores and GiB each, at a dollar per core and hour, in the zones given.
pub fn cluster(nodes: &[(u64, u64, usize)]) -> Cluster {
    let mut pools: Vec<(u64, u64)> = nodes.iter().map(|&(cpu, memory, _)| (cpu, memory)).collect();
    pools.dedup();
    let place = |n: &(u64, u64, usize)| pools.iter().position(|&p| p == (n.0, n.1)).unwrap();
    let pool = |&(cpu, memory): &(u64, u64)| Pool {
        name: format!("c{cpu}m{memory}"),
        instance_type: format!("c{cpu}m{memory}"),
        allocatable: vec![cpu * 1000, memory << 30, 20],
        taken: vec![0; 3],
        rate: Rate::from_nanos(cpu * 1_000_000_000),
    };
    Cluster {
        resources: vec![ResourceName::Cpu, ResourceName::Memory, ResourceName::Pods],
        zones: ["a", "b", "c"].map(str::to_owned).to_vec(),
        pools: pools.iter().map(pool).collect(),
        nodes: nodes.iter().map(|n| Node { pool: place(n), zone: n.2 }).collect(),
        workloads: Vec::new(),
        limits: Vec::new(),
    }
}

/// Adds a Deployment of so many pods with so many millicores and MiB each, and gives its place.
pub fn deploy(cluster: &mut Cluster, pods: u64, cpu: u64, memory: u64, rules: Rules) -> usize {
    let index = cluster.workloads.len();
    cluster.workloads.push(Replicated {
        id: format!("default/Deployment/w{index}"),
        kind: WorkloadKind::Deployment,
        pods,
        requests: vec![cpu, memory << 20, 1],
        priority: 0,
        planned: Vec::new(),
        update: None,
        rules,
    });
    index
}
