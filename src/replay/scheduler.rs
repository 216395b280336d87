//! One scheduling cycle after the other: filter, score, choose; with all counts kept up to date.

mod filter;

use std::collections::BTreeMap;

use super::cluster::{CPU, Cluster, MEMORY};
use super::score::{self, Load, Profile, SPREAD_WEIGHT};
use crate::workload::WorkloadKind;
use filter::has_rules;

/// Below this many nodes all are looked at (kube-scheduler, `minFeasibleNodesToFind`).
const LEAST_FEASIBLE: usize = 100;
/// The least share of nodes that is looked at, in percent.
const LEAST_PERCENT: usize = 5;
/// Scores are remembered per shape of pod and node up to this many pairs (8 bytes each).
const MOST_REMEMBERED: usize = 1 << 25;

/// A scheduler with what it knows of the nodes.
#[derive(Debug, Clone)]
pub struct Scheduler<'a> {
    cluster: &'a Cluster,
    profile: Profile,
    random: fastrand::Rng,
    /// Nodes in the scheduler's list, and where it goes on.
    list: Vec<usize>,
    start: usize,
    enough: usize,
    nodes: Vec<NodeState>,
    /// What pods still find free, resources of one node side by side.
    free: Vec<u64>,
    /// Shape of each workload, and the load of each shape.
    shape: Vec<usize>,
    loads: Vec<Load>,
    /// Score by shape and node, with the version of the node that it was made for.
    remembered: Vec<(u32, i32)>,
    /// Pods by workload and node, and by workload and zone.
    on_node: Vec<u32>,
    in_zone: Vec<u32>,
    /// Of them those of a revision that a rolling update brings in, which are spread by themselves.
    fresh: Option<Fresh>,
    has_rules: Vec<bool>,
    spreads: Vec<bool>,
    /// Of one cycle: nodes that pass, with their scores.
    feasible: Vec<(u32, i32)>,
    spread_scores: Vec<i64>,
}

#[derive(Debug, Clone)]
struct NodeState {
    pool: usize,
    zone: usize,
    load: Load,
    version: u32,
    cordoned: bool,
    lost: bool,
}

#[derive(Debug, Clone)]
struct Fresh {
    workload: usize,
    on_node: Vec<u32>,
    in_zone: Vec<u32>,
}

impl<'a> Scheduler<'a> {
    /// All nodes without pods. The seed decides between nodes of equal score.
    ///
    /// # Panics
    /// When the parts of the cluster contradict each other, see [`Cluster::check`].
    pub fn new(cluster: &'a Cluster, profile: Profile, seed: u64) -> Self {
        cluster.check().expect("a cluster whose parts fit together");
        let count = cluster.nodes.len();
        let mut free = Vec::with_capacity(count * cluster.resources.len());
        let mut nodes = Vec::with_capacity(count);
        for node in &cluster.nodes {
            let pool = &cluster.pools[node.pool];
            free.extend(
                pool.allocatable.iter().zip(&pool.taken).map(|(&all, &taken)| all.saturating_sub(taken)),
            );
            let taken = [pool.taken[CPU], pool.taken[MEMORY]];
            let load = Load { real: taken, assumed: taken };
            // Version 1 on: what is remembered starts at 0 and so matches nothing.
            nodes.push(NodeState {
                pool: node.pool,
                zone: node.zone,
                load,
                version: 1,
                cordoned: false,
                lost: false,
            });
        }
        let mut shapes: BTreeMap<&[u64], usize> = BTreeMap::new();
        let mut loads = Vec::new();
        let shape = cluster
            .workloads
            .iter()
            .map(|w| {
                *shapes.entry(&w.requests).or_insert_with(|| {
                    loads.push(Load::of_pod(&w.requests));
                    loads.len() - 1
                })
            })
            .collect();
        let pairs = loads.len() * count;
        let workloads = cluster.workloads.len();
        Scheduler {
            cluster,
            profile,
            random: fastrand::Rng::with_seed(seed ^ 0x5ced_u64),
            list: cluster.listed(),
            start: 0,
            enough: enough(count),
            nodes,
            free,
            shape,
            remembered: vec![(0, 0); if pairs <= MOST_REMEMBERED { pairs } else { 0 }],
            loads,
            on_node: vec![0; workloads * count],
            in_zone: vec![0; workloads * cluster.zones.len()],
            fresh: None,
            has_rules: cluster.workloads.iter().map(|w| has_rules(&w.rules)).collect(),
            spreads: cluster.workloads.iter().map(|w| !w.rules.own_spread && is_spread(w.kind)).collect(),
            feasible: Vec::new(),
            spread_scores: Vec::new(),
        }
    }

    /// Puts a pod of a workload onto the best of the nodes that may take it, and tells which that is;
    /// `None` leaves it pending.
    pub fn place(&mut self, workload: usize) -> Option<usize> {
        self.find_feasible(workload);
        let chosen = match self.feasible.as_slice() {
            [] => return None,
            // A single node is taken unseen.
            [(only, _)] => *only as usize,
            _ => self.best(workload),
        };
        self.put(workload, chosen);
        Some(chosen)
    }

    /// Puts a pod onto a node that may take it, without asking which is best.
    pub fn put(&mut self, workload: usize, node: usize) {
        self.change(workload, node, true);
    }

    /// Takes a pod of a workload off a node.
    ///
    /// # Panics
    /// When no pod of the workload is there.
    pub fn remove(&mut self, workload: usize, node: usize) {
        self.change(workload, node, false);
    }

    /// Lets a node take no more pods, or lets it again.
    pub fn cordon(&mut self, node: usize, cordoned: bool) {
        self.nodes[node].cordoned = cordoned;
        self.nodes[node].version += 1;
    }

    /// Takes a node out of the cluster, so that it counts as no domain either, or puts it back. Its pods
    /// are to be removed before.
    pub fn lose(&mut self, node: usize, lost: bool) {
        self.nodes[node].lost = lost;
        self.cordon(node, lost);
    }

    /// Whether a node is lost.
    pub fn is_lost(&self, node: usize) -> bool {
        self.nodes[node].lost
    }

    /// How many nodes there are, lost ones included.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Whether every filter lets a pod of a workload onto a node.
    pub fn fits(&self, workload: usize, node: usize) -> bool {
        self.has_room(workload, node)
            && (!self.has_rules[workload] || self.allows(workload, node, &self.reach(workload)))
    }

    /// Of the nodes that every filter lets a pod of a workload onto, the one of the least cost.
    pub fn fitting(&self, workload: usize, cost: impl Fn(&Self, usize) -> u64) -> Option<usize> {
        let reach = self.has_rules[workload].then(|| self.reach(workload));
        (0..self.nodes.len())
            .filter(|&n| self.has_room(workload, n))
            .filter(|&n| reach.as_ref().is_none_or(|reach| self.allows(workload, n, reach)))
            .min_by_key(|&n| cost(self, n))
    }

    /// What a node would have left beside one more pod of a workload: the mean of the shares of what it
    /// offers, in millionths.
    pub fn left_over(&self, workload: usize, node: usize) -> u64 {
        let requests = &self.cluster.workloads[workload].requests;
        let free = &self.free[node * requests.len()..(node + 1) * requests.len()];
        let offered = &self.cluster.pools[self.nodes[node].pool].allocatable;
        let (mut sum, mut counted) = (0u64, 0u64);
        for ((&wanted, &free), &all) in requests.iter().zip(free).zip(offered) {
            if all > 0 && all != u64::MAX {
                sum += (u128::from(free.saturating_sub(wanted)) * 1_000_000 / u128::from(all)) as u64;
                counted += 1;
            }
        }
        sum.checked_div(counted).unwrap_or(0)
    }

    fn has_room(&self, workload: usize, node: usize) -> bool {
        let requests = &self.cluster.workloads[workload].requests;
        let free = &self.free[node * requests.len()..(node + 1) * requests.len()];
        !self.nodes[node].cordoned && requests.iter().zip(free).all(|(wanted, free)| wanted <= free)
    }

    /// How many pods of a workload a node holds.
    pub fn pods_on(&self, workload: usize, node: usize) -> u64 {
        u64::from(self.on_node[workload * self.nodes.len() + node])
    }

    /// From now on pods of a workload belong to a new revision, which is spread without regard to the
    /// old one, as a Deployment's new ReplicaSet is.
    pub fn begin_revision(&mut self, workload: usize) {
        let (nodes, zones) = (self.nodes.len(), self.cluster.zones.len());
        self.fresh = Some(Fresh { workload, on_node: vec![0; nodes], in_zone: vec![0; zones] });
    }

    /// How many pods of the revision before a node still holds.
    pub fn old_pods_on(&self, workload: usize, node: usize) -> u64 {
        let fresh = self.fresh.as_ref().filter(|f| f.workload == workload).map_or(0, |f| f.on_node[node]);
        self.pods_on(workload, node) - u64::from(fresh)
    }

    /// All pods of the workload are of the new revision.
    pub fn end_revision(&mut self) {
        self.fresh = None;
    }

    /// Takes off a pod of the revision before.
    pub fn remove_old(&mut self, workload: usize, node: usize) {
        let fresh = self.fresh.take();
        self.change(workload, node, false);
        self.fresh = fresh;
    }

    fn change(&mut self, workload: usize, node: usize, add: bool) {
        let load = self.loads[self.shape[workload]];
        let requests = &self.cluster.workloads[workload].requests;
        let state = &mut self.nodes[node];
        state.version += 1;
        let from = node * requests.len();
        let free = &mut self.free[from..from + requests.len()];
        let (row, cell) = (workload * self.cluster.nodes.len(), workload * self.cluster.zones.len());
        let step = |count: &mut u32| {
            *count =
                if add { *count + 1 } else { count.checked_sub(1).expect("only a pod that lies there goes") };
        };
        step(&mut self.on_node[row + node]);
        step(&mut self.in_zone[cell + state.zone]);
        if let Some(fresh) = self.fresh.as_mut().filter(|f| f.workload == workload) {
            step(&mut fresh.on_node[node]);
            step(&mut fresh.in_zone[state.zone]);
        }
        if add {
            state.load = state.load.plus(load);
            free.iter_mut().zip(requests).for_each(|(free, &amount)| *free -= amount);
        } else {
            state.load = state.load.minus(load);
            free.iter_mut().zip(requests).for_each(|(free, &amount)| *free += amount);
        }
    }

    /// The nodes that pass every filter, from where the last cycle stopped until enough are found.
    fn find_feasible(&mut self, workload: usize) {
        self.feasible.clear();
        let count = self.list.len();
        let mut looked_at = 0;
        let ruled = self.has_rules[workload];
        let reach = if ruled { Some(self.reach(workload)) } else { None };
        for k in 0..count {
            let place = if self.start + k < count { self.start + k } else { self.start + k - count };
            let node = self.list[place];
            looked_at += 1;
            let score = self.score(workload, node);
            if score < 0 || reach.as_ref().is_some_and(|reach| !self.allows(workload, node, reach)) {
                continue;
            }
            self.feasible.push((node as u32, score));
            if self.feasible.len() == self.enough {
                break;
            }
        }
        if count > 0 {
            self.start = (self.start + looked_at) % count;
        }
    }

    /// The resource score of a node, or -1 where the pod does not fit.
    fn score(&mut self, workload: usize, node: usize) -> i32 {
        let shape = self.shape[workload];
        let state = &self.nodes[node];
        let place = shape * self.nodes.len() + node;
        if let Some(&(version, score)) = self.remembered.get(place)
            && version == state.version
        {
            return score;
        }
        let requests = &self.cluster.workloads[workload].requests;
        let free = &self.free[node * requests.len()..(node + 1) * requests.len()];
        let score = if state.cordoned || requests.iter().zip(free).any(|(wanted, free)| wanted > free) {
            -1
        } else {
            let allocatable = &self.cluster.pools[state.pool].allocatable;
            let capacity = [allocatable[CPU], allocatable[MEMORY]];
            score::resources(self.profile, state.load, self.loads[shape], capacity) as i32
        };
        if let Some(entry) = self.remembered.get_mut(place) {
            *entry = (state.version, score);
        }
        score
    }

    /// The feasible node of the highest score; the seed decides between equals.
    fn best(&mut self, workload: usize) -> usize {
        self.spread_scores.clear();
        let (mut least, mut most) = (i64::MAX, 0);
        if self.spreads[workload] {
            let (nodes, zones) = (self.nodes.len(), self.cluster.zones.len());
            let fresh = self.fresh.as_ref().filter(|f| f.workload == workload);
            let (on_node, in_zone) = match fresh {
                Some(fresh) => (fresh.on_node.as_slice(), fresh.in_zone.as_slice()),
                None => (
                    &self.on_node[workload * nodes..(workload + 1) * nodes],
                    &self.in_zone[workload * zones..(workload + 1) * zones],
                ),
            };
            let mut seen = 0u64;
            for &(node, _) in &self.feasible {
                seen |= 1 << self.nodes[node as usize].zone.min(63);
            }
            let node_weight = score::spread_weight(self.feasible.len());
            let zone_weight = score::spread_weight(seen.count_ones() as usize);
            for &(node, _) in &self.feasible {
                let zone = self.nodes[node as usize].zone;
                let score = score::spread(on_node[node as usize], in_zone[zone], node_weight, zone_weight);
                least = least.min(score);
                most = most.max(score);
                self.spread_scores.push(score);
            }
        }
        let (mut best, mut chosen, mut equals) = (i64::MIN, 0, 0);
        for (k, &(node, score)) in self.feasible.iter().enumerate() {
            let spread = self.spread_scores.get(k).map_or(0, |&s| score::normalised(s, least, most));
            let total = i64::from(score) + SPREAD_WEIGHT * spread;
            if total > best {
                (best, chosen, equals) = (total, node, 1);
            } else if total == best {
                equals += 1;
                if self.random.u32(..equals) == 0 {
                    chosen = node;
                }
            }
        }
        chosen as usize
    }
}

/// How many feasible nodes are looked for (kube-scheduler, `numFeasibleNodesToFind`).
fn enough(nodes: usize) -> usize {
    let percent = 50usize.saturating_sub(nodes / 125).max(LEAST_PERCENT);
    if nodes < LEAST_FEASIBLE { nodes } else { (nodes * percent / 100).max(LEAST_FEASIBLE) }
}

/// The default constraints select by the pod's ReplicaSet, StatefulSet or replication controller; a
/// component of the native format is taken for a Deployment.
fn is_spread(kind: WorkloadKind) -> bool {
    match kind {
        WorkloadKind::Component
        | WorkloadKind::Deployment
        | WorkloadKind::ReplicaSet
        | WorkloadKind::ReplicationController
        | WorkloadKind::StatefulSet => true,
        WorkloadKind::DaemonSet | WorkloadKind::Job | WorkloadKind::CronJob | WorkloadKind::Pod => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_nodes_are_looked_at_as_the_cluster_grows() {
        // 111 nodes: 50 % would be 55, 100 is the least; 1,000 nodes: 50 - 8 = 42 %; 10,000: 5 %.
        assert_eq!([99, 100, 111, 1000, 10_000].map(enough), [99, 100, 100, 420, 500]);
    }
}
