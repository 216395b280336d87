//! The clusters that the real scheduler was measured on (`tests/data/scheduler`).

use plimsoll::replay::{Cluster, Node, Pool, Replicated, Rules};
use plimsoll::units::ResourceName;
use plimsoll::workload::WorkloadKind;

const WORKLOAD: &str = include_str!("../data/scheduler/workload.csv");
const TYPES: &str = include_str!("../data/scheduler/types.csv");
/// What it left pending.
#[allow(dead_code, reason = "not every test that shares this file reads it")]
pub const REPLAYS: &str = include_str!("../data/scheduler/replays.csv");

/// The rows of a CSV file without quotes.
pub fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

/// `m5.large:68 m5.2xlarge:34`: nodes in that order, in three zones in turn.
pub fn cluster(nodes: &str) -> Cluster {
    let groups: Vec<(&str, usize)> = nodes
        .split(' ')
        .map(|group| group.split_once(':').map(|(name, count)| (name, count.parse().unwrap())).unwrap())
        .collect();
    let pool = |name: &str| {
        let row = rows(TYPES).find(|row| row[0] == name).unwrap();
        let amount = |k: usize| row[k].parse::<u64>().unwrap();
        Pool {
            name: name.to_owned(),
            instance_type: name.to_owned(),
            allocatable: vec![amount(1), amount(2) << 20, amount(3)],
            taken: vec![0; 3],
            rate: row[4].parse().unwrap(),
        }
    };
    let kinds = groups.iter().enumerate().flat_map(|(k, &(_, count))| vec![k; count]);
    Cluster {
        resources: vec![ResourceName::Cpu, ResourceName::Memory, ResourceName::Pods],
        zones: ["a", "b", "c"].map(str::to_owned).to_vec(),
        pools: groups.iter().map(|&(name, _)| pool(name)).collect(),
        nodes: kinds.enumerate().map(|(k, pool)| Node { pool, zone: k % 3 }).collect(),
        limits: Vec::new(),
        workloads: rows(WORKLOAD)
            .map(|row| Replicated {
                id: format!("default/Deployment/{}", row[0]),
                kind: WorkloadKind::Deployment,
                pods: row[1].parse().unwrap(),
                requests: vec![row[2].parse().unwrap(), row[3].parse::<u64>().unwrap() << 20, 1],
                priority: 0,
                planned: Vec::new(),
                update: None,
                rules: Rules::default(),
            })
            .collect(),
    }
}
