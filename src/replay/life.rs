//! Life after day one: rolling updates of every Deployment in turn, and the drain of any one node.
//!
//! A rolling update follows the Deployment controller: new pods up to `maxSurge` beyond the replicas,
//! old ones deleted as long as `maxUnavailable` allows, again until none is left. The new ReplicaSet is
//! spread by itself, and pods in surplus go from the node with most of them first. A StatefulSet
//! replaces one pod after the other, each from its own freed room at the worst. What a manifest says of
//! this holds for its workload, also that all old pods go before new ones come.

use super::cluster::{Cluster, Replicated};
use super::measures::{ExtraNodes, extra_nodes};
use super::scheduler::Scheduler;
use super::{Order, Profile, order};
use crate::units::{Money, PartsPerMillion};
use crate::workload::{Amount, UpdateStrategy, WorkloadKind};

/// What is replayed after the pods have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// How the scheduler is configured.
    pub profile: Profile,
    /// In which order the pods arrived.
    pub order: Order,
    /// Seed of arrival and of ties.
    pub seed: u64,
    /// Pods that may come beyond a Deployment's replicas where it does not say so itself; a share is rounded
    /// up.
    pub max_surge: Amount,
    /// Replicas of it that may be missing, likewise; a share is rounded down.
    pub max_unavailable: Amount,
}

impl Default for Life {
    /// The defaults of a Deployment, 25 % each, after arrival by workload.
    fn default() -> Self {
        let quarter = Amount::Share(PartsPerMillion(250_000));
        Life {
            profile: Profile::Default,
            order: Order::ByWorkload,
            seed: 0,
            max_surge: quarter,
            max_unavailable: quarter,
        }
    }
}

/// What could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hindered {
    /// Pods that were pending before anything changed.
    pub pending: u64,
    /// Workloads whose update got stuck, with the new pods that did not find a node.
    pub updates: Vec<(usize, u64)>,
    /// Nodes whose drain leaves pods pending, and how many.
    pub drains: Vec<(usize, u64)>,
}

impl Hindered {
    /// Whether everything went through.
    pub fn is_none(&self) -> bool {
        self.pending == 0 && self.updates.is_empty() && self.drains.is_empty()
    }
}

/// The room that updates and drains need beyond the nodes that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// What is hindered without it.
    pub without: Hindered,
    /// What is hindered with it.
    pub with: Hindered,
    /// The nodes, by pool ascending.
    pub extra_nodes: Vec<ExtraNodes>,
    /// What they cost an hour.
    pub premium: Money,
    /// The cluster with them.
    pub cluster: Cluster,
}

/// Updates every Deployment in turn, then drains every node by itself from where the updates ended.
pub fn live(cluster: &Cluster, life: &Life) -> Hindered {
    let mut scheduler = Scheduler::new(cluster, life.profile, life.seed);
    let mut hindered = Hindered::default();
    for workload in order::queue(cluster, life.order, life.seed) {
        hindered.pending += u64::from(scheduler.place(workload).is_none());
    }
    for workload in 0..cluster.workloads.len() {
        let left = match strategy(&cluster.workloads[workload], life) {
            Some(UpdateStrategy::Rolling { max_surge, max_unavailable }) => {
                roll(&mut scheduler, cluster, workload, max_surge, max_unavailable)
            }
            Some(UpdateStrategy::Recreate) => {
                in_place(&mut scheduler, cluster, workload, Amount::Share(PartsPerMillion::ONE))
            }
            Some(UpdateStrategy::InPlace { max_unavailable }) => {
                in_place(&mut scheduler, cluster, workload, max_unavailable)
            }
            None => 0,
        };
        if left > 0 {
            hindered.updates.push((workload, left));
        }
    }
    for node in 0..cluster.nodes.len() {
        let left = drain(scheduler.clone(), cluster, node);
        if left > 0 {
            hindered.drains.push((node, left));
        }
    }
    hindered
}

/// How a workload's pods are replaced; `None` where nobody does it.
fn strategy(workload: &Replicated, life: &Life) -> Option<UpdateStrategy> {
    let by_kind = match workload.kind {
        WorkloadKind::Deployment | WorkloadKind::Component => {
            UpdateStrategy::Rolling { max_surge: life.max_surge, max_unavailable: life.max_unavailable }
        }
        WorkloadKind::StatefulSet => UpdateStrategy::InPlace { max_unavailable: Amount::Pods(1) },
        _ => return None,
    };
    Some(workload.update.unwrap_or(by_kind))
}

/// The nodes to add so that updates and drains go through: one more of a pool at a time, of the pool
/// whose pods are hindered most.
pub fn room(cluster: &Cluster, life: &Life) -> Room {
    let without = live(cluster, life);
    let (mut grown, mut with) = (cluster.clone(), without.clone());
    // A pool grows by half at the most, and by what its limits allow; what does not go through then is not a
    // matter of room.
    for _ in 0..cluster.nodes.len().div_ceil(2) + cluster.pools.len() {
        if with.is_none() {
            break;
        }
        let Some(pool) = hindered_most(&grown, &with) else { break };
        grown = grown.with_more(pool, 1);
        with = live(&grown, life);
    }
    let extra_nodes = extra_nodes(cluster, &grown);
    let premium = extra_nodes.iter().map(|e| e.cost).sum();
    Room { without, with, extra_nodes, premium, cluster: grown }
}

/// One rolling update. Gives the new pods that stay without a node.
fn roll(
    scheduler: &mut Scheduler<'_>,
    cluster: &Cluster,
    workload: usize,
    max_surge: Amount,
    max_unavailable: Amount,
) -> u64 {
    let nodes = cluster.nodes.len();
    let running = |s: &Scheduler<'_>| -> u64 { (0..nodes).map(|n| s.pods_on(workload, n)).sum() };
    let old_pods = |s: &Scheduler<'_>| -> u64 { (0..nodes).map(|n| s.old_pods_on(workload, n)).sum() };
    // A pod that was pending before is none of the update's.
    let replicas = running(scheduler);
    if replicas == 0 {
        return 0;
    }
    let surge = max_surge.ceil_of(replicas);
    let mut missing = max_unavailable.floor_of(replicas).min(replicas);
    if surge == 0 && missing == 0 {
        // Both at zero would never end; Kubernetes lets one be missing.
        missing = 1;
    }
    scheduler.begin_revision(workload);
    let left = loop {
        let (old, all) = (old_pods(scheduler), running(scheduler));
        let new = all - old;
        if old == 0 && new == replicas {
            break 0;
        }
        let wanted = (replicas + surge).saturating_sub(all).min(replicas - new);
        let placed = (0..wanted).take_while(|_| scheduler.place(workload).is_some()).count() as u64;
        let spare = (all + placed).saturating_sub(replicas - missing).min(old);
        for _ in 0..spare {
            let fullest = (0..nodes)
                .filter(|&n| scheduler.old_pods_on(workload, n) > 0)
                .max_by_key(|&n| (scheduler.pods_on(workload, n), std::cmp::Reverse(n)));
            scheduler.remove_old(workload, fullest.expect("an old pod lies on some node"));
        }
        if placed == 0 && spare == 0 {
            break replicas - new;
        }
    };
    scheduler.end_revision();
    left
}

/// So many pods go and come again before the next do. Gives those that do not come again.
fn in_place(
    scheduler: &mut Scheduler<'_>,
    cluster: &Cluster,
    workload: usize,
    max_unavailable: Amount,
) -> u64 {
    let nodes = cluster.nodes.len();
    let places: Vec<usize> =
        (0..nodes).flat_map(|n| vec![n; scheduler.pods_on(workload, n) as usize]).collect();
    let at_once = max_unavailable.ceil_of(places.len() as u64).clamp(1, (places.len() as u64).max(1));
    let mut left = 0;
    for gone in places.chunks(at_once as usize) {
        gone.iter().for_each(|&node| scheduler.remove(workload, node));
        left += gone.iter().filter(|_| scheduler.place(workload).is_none()).count() as u64;
    }
    left
}

/// The pods of a node come again elsewhere, by priority. Gives those that stay pending.
fn drain(mut scheduler: Scheduler<'_>, cluster: &Cluster, node: usize) -> u64 {
    scheduler.cordon(node, true);
    let mut evicted = Vec::new();
    for workload in 0..cluster.workloads.len() {
        for _ in 0..scheduler.pods_on(workload, node) {
            scheduler.remove(workload, node);
            evicted.push(workload);
        }
    }
    evicted.sort_by_key(|&w| std::cmp::Reverse(cluster.workloads[w].priority));
    evicted.into_iter().filter(|&w| scheduler.place(w).is_none()).count() as u64
}

/// The pool that most hindered pods could use; a drained node's pods could use its own.
fn hindered_most(cluster: &Cluster, hindered: &Hindered) -> Option<usize> {
    let mut pods = vec![0u64; cluster.pools.len()];
    for &(node, left) in &hindered.drains {
        let pool = cluster.nodes[node].pool;
        if cluster.may_add(pool) > 0 {
            pods[pool] += left;
        }
    }
    for &(workload, left) in &hindered.updates {
        let w = &cluster.workloads[workload];
        let fits = |&pool: &usize| {
            let p = &cluster.pools[pool];
            let room = p.allocatable.iter().zip(&p.taken).map(|(&all, &taken)| all.saturating_sub(taken));
            w.rules.pools.as_ref().is_none_or(|pools| pools[pool])
                && w.requests.iter().zip(room).all(|(&amount, room)| amount <= room)
                && cluster.may_add(pool) > 0
        };
        if let Some(pool) = (0..pods.len()).filter(fits).min_by_key(|&p| cluster.pools[p].rate) {
            pods[pool] += left;
        }
    }
    (0..pods.len()).filter(|&p| pods[p] > 0).max_by_key(|&p| (pods[p], std::cmp::Reverse(p)))
}
