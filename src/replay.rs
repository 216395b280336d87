//! Does the default scheduler bring a plan about? Its filters and scores, re-implemented, put the
//! pods onto the planned nodes one at a time and tell which stay pending.
//!
//! What is re-implemented is kube-scheduler v1.36 with its default plugins and weights: the filters
//! of resources, node selection, pod (anti-)affinity and topology spread; the scores
//! `NodeResourcesFit` (1), `NodeResourcesBalancedAllocation` (1) and `PodTopologySpread` with the
//! system's default constraints (2); sampling of feasible nodes; the queue by priority. Scores that
//! are alike on every planned node (images, preferred affinities) change no decision and are left
//! out. `docs/realizability.md` has how closely it follows the real one, and where it does not.

mod build;
pub mod cluster;
mod life;
mod measures;
mod order;
mod scheduler;
mod score;

pub use cluster::{Cluster, ClusterError, Node, NodeLimit, Pool, Replicated, Rules, Spread};
pub use life::{Hindered, Life, Room, live, room};
pub use measures::{ExtraNodes, Help, Measures, PriorityClass, led_to_pools, measures};
pub use order::Order;
pub use scheduler::Scheduler;
pub use score::Profile;

use rayon::prelude::*;

/// Which runs make a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How the scheduler is configured.
    pub profiles: Vec<Profile>,
    /// In which orders pods arrive.
    pub orders: Vec<Order>,
    /// One run for each: it decides between equal scores, and the random order.
    pub seeds: Vec<u64>,
}

impl Default for Settings {
    /// Both profiles, all orders, three seeds.
    fn default() -> Self {
        Settings { profiles: Profile::ALL.to_vec(), orders: Order::ALL.to_vec(), seeds: vec![0, 1, 2] }
    }
}

/// How one arrival of all pods ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How the scheduler was configured.
    pub profile: Profile,
    /// In which order the pods arrived.
    pub order: Order,
    /// Which seed.
    pub seed: u64,
    /// Pods left pending: index into the cluster's workloads, and how many; by index ascending.
    pub pending: Vec<(usize, u64)>,
}

impl Run {
    /// Pods left pending, of all workloads.
    pub fn pending_pods(&self) -> u64 {
        self.pending.iter().map(|&(_, pods)| pods).sum()
    }
}

/// Lets all pods arrive once on the empty nodes.
pub fn run(cluster: &Cluster, profile: Profile, order: Order, seed: u64) -> Run {
    let mut scheduler = Scheduler::new(cluster, profile, seed);
    let mut pending = vec![0; cluster.workloads.len()];
    for workload in order::queue(cluster, order, seed) {
        if scheduler.place(workload).is_none() {
            pending[workload] += 1;
        }
    }
    let pending = pending.into_iter().enumerate().filter(|&(_, pods)| pods > 0).collect();
    Run { profile, order, seed, pending }
}

/// Every run of the settings, by profile, order and seed as they list them.
pub fn replay(cluster: &Cluster, settings: &Settings) -> Vec<Run> {
    combinations(settings)
        .into_par_iter()
        .map(|(profile, order, seed)| run(cluster, profile, order, seed))
        .collect()
}

fn combinations(settings: &Settings) -> Vec<(Profile, Order, u64)> {
    let mut all = Vec::new();
    for &profile in &settings.profiles {
        for &order in &settings.orders {
            all.extend(settings.seeds.iter().map(|&seed| (profile, order, seed)));
        }
    }
    all
}
