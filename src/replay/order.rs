//! The queue: orders of arrival, sorted by priority as the scheduler's active queue is.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use super::cluster::{CPU, Cluster, MEMORY};

/// In which order pods arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// All pods of the first workload, then of the next.
    ByWorkload,
    /// Shuffled by the seed.
    Random,
    /// By the larger share of the nodes' cpu or memory, falling.
    BigFirst,
    /// By that share, rising.
    SmallFirst,
}

impl Order {
    /// All orders.
    pub const ALL: [Order; 4] = [Order::ByWorkload, Order::Random, Order::BigFirst, Order::SmallFirst];

    /// As an option value names it.
    pub fn name(self) -> &'static str {
        match self {
            Order::ByWorkload => "by-workload",
            Order::Random => "random",
            Order::BigFirst => "big-first",
            Order::SmallFirst => "small-first",
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Order {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Order::ALL
            .into_iter()
            .find(|order| order.name() == text)
            .ok_or_else(|| "write by-workload, random, big-first or small-first".to_owned())
    }
}

/// Workloads of all pods in the order in which the scheduler takes them: higher priority first, then
/// by arrival.
pub(super) fn queue(cluster: &Cluster, order: Order, seed: u64) -> Vec<usize> {
    let mut pods = arrivals(cluster, order, seed);
    pods.sort_by_key(|&w| Reverse(cluster.workloads[w].priority));
    pods
}

fn arrivals(cluster: &Cluster, order: Order, seed: u64) -> Vec<usize> {
    let mut workloads: Vec<usize> = (0..cluster.workloads.len()).collect();
    match order {
        Order::BigFirst => {
            let sizes = sizes(cluster);
            workloads.sort_by_key(|&w| Reverse(sizes[w]));
        }
        Order::SmallFirst => {
            let sizes = sizes(cluster);
            workloads.sort_by_key(|&w| sizes[w]);
        }
        Order::ByWorkload | Order::Random => {}
    }
    let mut pods = Vec::new();
    for workload in workloads {
        pods.extend((0..cluster.workloads[workload].pods).map(|_| workload));
    }
    if order == Order::Random {
        fastrand::Rng::with_seed(seed).shuffle(&mut pods);
    }
    pods
}

/// The larger of cpu / all cpu and memory / all memory of the nodes, times both totals: whole numbers.
fn sizes(cluster: &Cluster) -> Vec<u128> {
    let total = |resource: usize| -> u128 {
        let all = cluster.nodes.iter().map(|n| u128::from(cluster.pools[n.pool].allocatable[resource]));
        all.sum::<u128>().max(1)
    };
    let (cpu, memory) = (total(CPU), total(MEMORY));
    let size = |requests: &[u64]| {
        let by_cpu = u128::from(requests[CPU]).saturating_mul(memory);
        by_cpu.max(u128::from(requests[MEMORY]).saturating_mul(cpu))
    };
    cluster.workloads.iter().map(|w| size(&w.requests)).collect()
}
