//! Adds spare nodes until every failure is survived, and takes away those that turn out unneeded.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::failure::{Loss, Replaced, by_size, replace};
use super::{Failed, Inputs};
use crate::plan::{Pattern, Plan};
use crate::policy::FailureScope;
use crate::problem::BinTypeId;
use crate::replay::{Cluster, Node, Profile, Scheduler};
use crate::search::SearchError;
use crate::verify::{self, VerifiedPlan};

/// Rounds of adding before giving up.
const MOST_ROUNDS: usize = 400;
/// How many kinds of nodes are tried for one failure, the cheapest first.
const MOST_TRIED: usize = 8;

/// A cluster that gets spare nodes.
pub(super) struct Growing<'a> {
    inputs: &'a Inputs<'a>,
    start: &'a VerifiedPlan,
    /// Nodes with what the plan puts on each, then spare ones.
    cluster: Cluster,
    bins: Vec<BinTypeId>,
    pods: Vec<Vec<(usize, u64)>>,
    /// What may be added, and how the cluster has it.
    offered: Vec<(BinTypeId, Node)>,
    /// Equal nodes, where single nodes are lost.
    classes: Vec<Class>,
    must: Vec<bool>,
    largest_first: Vec<usize>,
    may_go: Vec<usize>,
}

/// A failure, and all failures that are alike.
#[derive(Debug, Clone)]
struct Class {
    nodes: Vec<usize>,
    alike: u64,
}

impl<'a> Growing<'a> {
    /// The nodes of a plan.
    ///
    /// # Errors
    /// A plan that the verifier refuses, which is a bug of ours.
    pub(super) fn new(inputs: &'a Inputs<'a>, start: &'a VerifiedPlan) -> Result<Self, SearchError> {
        let (problem, legend) = (&inputs.formulation.problem, &inputs.formulation.legend);
        // One empty node of everything on offer makes the cluster know what each is like.
        let wanted = offers(inputs, start);
        let mut with_offers = start.plan().clone();
        wanted.iter().for_each(|&bin| with_offers.add(Pattern::new(bin, []), 1));
        let with_offers = verify::verify_plan(problem, with_offers).map_err(SearchError::Refused)?;
        let mut cluster =
            Cluster::of_plan(inputs.set, inputs.catalog, inputs.policy, inputs.formulation, &with_offers);
        let mut of_bin: BTreeMap<BinTypeId, Vec<Node>> = BTreeMap::new();
        let mut nodes = cluster.nodes.drain(..);
        for (bin, count) in with_offers.plan().bins_by_type() {
            of_bin.insert(bin, nodes.by_ref().take(count as usize).collect());
        }
        drop(nodes);
        let mut offered = Vec::new();
        for bin in wanted {
            let node = of_bin.get_mut(&bin).and_then(Vec::pop).expect("one was added");
            offered.push((bin, node));
        }
        offered.sort_by_key(|&(bin, _)| (problem.bin(bin).rate, bin));
        let mut growing = Growing {
            inputs,
            start,
            cluster,
            bins: Vec::new(),
            pods: Vec::new(),
            offered,
            classes: Vec::new(),
            must: (0..inputs.set.workloads.len()).map(|w| inputs.must_survive(w)).collect(),
            largest_first: Vec::new(),
            may_go: Vec::new(),
        };
        let zoned = legend.nodes.iter().any(|node| node.zone.is_some());
        for group in legend.assign(start.plan()) {
            let mut alike: BTreeMap<usize, Class> = BTreeMap::new();
            for _ in 0..group.nodes {
                let node = of_bin.get_mut(&group.bin_type).and_then(Vec::pop).expect("the plan's own node");
                let place = growing.push(group.bin_type, node, group.pods.clone());
                // Zones that are not told apart make no difference to any pod.
                let zone = if zoned { node.zone } else { 0 };
                alike.entry(zone).or_insert(Class { nodes: vec![place], alike: 0 }).alike += 1;
            }
            if inputs.wanted.scope == FailureScope::Node && !group.pods.is_empty() {
                growing.classes.extend(alike.into_values());
            }
        }
        if inputs.pooling.is_some() {
            growing.lead();
        }
        growing.order();
        Ok(growing)
    }

    fn push(&mut self, bin: BinTypeId, node: Node, pods: Vec<(usize, u64)>) -> usize {
        self.cluster.nodes.push(node);
        self.bins.push(bin);
        self.pods.push(pods);
        self.bins.len() - 1
    }

    fn push_spare(&mut self, bin: BinTypeId, node: Node, count: u64) {
        for _ in 0..count {
            self.push(bin, node, Vec::new());
        }
    }

    /// Each workload may use only the pool that it lies in, as its nodeSelector will say.
    fn lead(&mut self) {
        for (w, pool) in self.cluster.whole_in().into_iter().enumerate() {
            let Some(pool) = pool else { continue };
            let count = self.cluster.pools.len();
            let rules = &mut self.cluster.workloads[w].rules;
            let allowed = |k: usize| rules.pools.as_ref().is_none_or(|pools| pools[k]);
            rules.pools = Some((0..count).map(|k| k == pool && allowed(k)).collect());
        }
    }

    fn order(&mut self) {
        let cluster = &self.cluster;
        let count = cluster.nodes.len().max(1) as u128;
        let mut sums = vec![0u128; cluster.resources.len()];
        for node in &cluster.nodes {
            let room = cluster.pools[node.pool].allocatable.iter();
            sums.iter_mut().zip(room).for_each(|(sum, &amount)| *sum += u128::from(amount));
        }
        let average: Vec<u64> =
            sums.iter().map(|&sum| u64::try_from(sum / count).unwrap_or(u64::MAX)).collect();
        let requests: Vec<&[u64]> = cluster.workloads.iter().map(|w| w.requests.as_slice()).collect();
        self.largest_first = by_size(&requests, &average);
        let mut may_go: Vec<usize> = (0..self.must.len()).filter(|&w| !self.must[w]).collect();
        may_go.sort_by_key(|&w| (cluster.workloads[w].priority, w));
        self.may_go = may_go;
    }

    /// The nodes with their pods.
    fn scheduler(&self) -> Scheduler<'_> {
        let mut scheduler = Scheduler::new(&self.cluster, Profile::Default, 0);
        for (node, pods) in self.pods.iter().enumerate() {
            for &(workload, count) in pods {
                (0..count).for_each(|_| scheduler.put(workload, node));
            }
        }
        scheduler
    }

    fn carry_out(&self, scheduler: &mut Scheduler<'_>, class: &Class) -> Replaced {
        let loss = Loss {
            nodes: &class.nodes,
            must: &self.must,
            largest_first: &self.largest_first,
            may_go: &self.may_go,
        };
        replace(scheduler, &loss)
    }

    /// Every failure; of zones with the spare nodes that stand there by now.
    fn losses(&self) -> Vec<Class> {
        match self.inputs.wanted.scope {
            FailureScope::Node => self.classes.clone(),
            FailureScope::Zone => zones(&self.cluster),
        }
    }

    /// What every failure brings about.
    fn all(&self) -> Vec<Replaced> {
        let scheduler = self.scheduler();
        self.losses()
            .par_iter()
            .map_init(|| scheduler.clone(), |scheduler, class| self.carry_out(scheduler, class))
            .collect()
    }

    /// Whether no failure leaves more pods pending than nodes can help.
    fn holds(&self, hopeless: &BTreeMap<usize, u64>) -> bool {
        let scheduler = self.scheduler();
        self.losses()
            .par_iter()
            .enumerate()
            .map_init(|| scheduler.clone(), |scheduler, (k, class)| (k, self.carry_out(scheduler, class)))
            .all(|(k, replaced)| pending(&replaced) <= hopeless.get(&k).copied().unwrap_or(0))
    }

    /// Adds nodes and takes back those without which every failure is survived as well.
    pub(super) fn settle(&mut self) {
        let mut hopeless: BTreeMap<usize, u64> = BTreeMap::new();
        let mut rounds = 0;
        loop {
            let failing = self.all().into_iter().enumerate();
            let failing = failing.filter(|(k, r)| pending(r) > hopeless.get(k).copied().unwrap_or(0));
            let mut failing: Vec<usize> = failing.map(|(k, _)| k).collect();
            if failing.is_empty() || rounds == MOST_ROUNDS {
                break;
            }
            let problem = &self.inputs.formulation.problem;
            let losses = self.losses();
            let lost = |k: usize| -> u128 {
                losses[k].nodes.iter().map(|&n| u128::from(problem.bin(self.bins[n]).rate.nanos())).sum()
            };
            // The dearest first: room for it is room for others too.
            failing.sort_by_key(|&k| (std::cmp::Reverse(lost(k)), k));
            let mut from = 0;
            while rounds < MOST_ROUNDS
                && let Some((at, replaced)) = self.first_failing(&failing[from..], &hopeless)
            {
                rounds += 1;
                let worst = failing[from + at];
                let class = self.losses().swap_remove(worst);
                from += at;
                if !self.help(&class, &replaced) {
                    hopeless.insert(worst, pending(&replaced));
                    from += 1;
                }
            }
            // A node more is one more place that spreads count, so that what held may hold no longer.
        }
        self.prune(&hopeless);
    }

    /// The first of these failures that leaves more pods pending than nodes can help.
    fn first_failing(
        &self,
        failures: &[usize],
        hopeless: &BTreeMap<usize, u64>,
    ) -> Option<(usize, Replaced)> {
        let scheduler = self.scheduler();
        let losses = self.losses();
        failures
            .par_iter()
            .enumerate()
            .map_init(
                || scheduler.clone(),
                |scheduler, (at, &k)| {
                    let replaced = self.carry_out(scheduler, &losses[k]);
                    (pending(&replaced) > hopeless.get(&k).copied().unwrap_or(0)).then_some((at, replaced))
                },
            )
            .find_map_first(|failed| failed)
    }

    /// Adds nodes that leave fewer pods pending after a failure; tells whether there are such nodes.
    fn help(&mut self, class: &Class, replaced: &Replaced) -> bool {
        let before = pending(replaced);
        let zone = (self.inputs.wanted.scope == FailureScope::Zone)
            .then(|| class.nodes.first().map(|&n| self.cluster.nodes[n].zone))
            .flatten();
        let mut tried = 0;
        for (bin, node, wanted) in self.candidates(replaced, zone) {
            let count = match zone {
                // Many nodes are lost: half of what seems needed at a time.
                Some(_) => wanted.div_ceil(2),
                None => 1,
            };
            let count = count.min(self.free_stock(bin));
            if count == 0 {
                continue;
            }
            let length = self.bins.len();
            self.push_spare(bin, node, count);
            let after = pending(&self.carry_out(&mut self.scheduler(), class));
            // For a node, what helps only in part is tried last, as a second one of its kind.
            let own = zone.is_none() && class.nodes.iter().any(|&n| self.bins[n] == bin);
            if after == 0 || (after < before && (own || zone.is_some())) {
                return true;
            }
            self.drop_from(length);
            tried += 1;
            if tried == MOST_TRIED && !own {
                break;
            }
        }
        self.second(class, before)
    }

    /// A second node of each kind that is lost, which holds what it held.
    fn second(&mut self, class: &Class, before: u64) -> bool {
        if self.inputs.wanted.scope == FailureScope::Zone {
            return false;
        }
        let lost = class.nodes[0];
        let (bin, node) = (self.bins[lost], self.cluster.nodes[lost]);
        if self.free_stock(bin) == 0 {
            return false;
        }
        let length = self.bins.len();
        self.push(bin, node, Vec::new());
        if pending(&self.carry_out(&mut self.scheduler(), class)) < before {
            return true;
        }
        self.drop_from(length);
        false
    }

    fn drop_from(&mut self, length: usize) {
        self.cluster.nodes.truncate(length);
        self.bins.truncate(length);
        self.pods.truncate(length);
    }

    /// How many more of a bin type there may be.
    fn free_stock(&self, bin: BinTypeId) -> u64 {
        let stock = self.inputs.formulation.problem.bin(bin).stock;
        let used = self.bins.iter().filter(|&&b| b == bin).count() as u64;
        let by_stock = stock.map_or(u64::MAX, |stock| stock.saturating_sub(used));
        let by_limit = self.inputs.formulation.problem.bin_limits().iter().filter_map(|limit| {
            let weight = |bin: BinTypeId| limit.weights.iter().find(|(b, _)| *b == bin).map(|&(_, w)| w);
            let taken: u64 = self.bins.iter().filter_map(|&b| weight(b)).sum();
            Some(limit.most.saturating_sub(taken) / weight(bin)?)
        });
        by_limit.min().map_or(by_stock, |by_limit| by_limit.min(by_stock))
    }

    /// What is on offer and can take what stays pending: a node of it must hold all (after the loss of a
    /// node), or as many nodes as it takes (of a zone); cheapest first.
    fn candidates(&self, replaced: &Replaced, lost_zone: Option<usize>) -> Vec<(BinTypeId, Node, u64)> {
        let cluster = &self.cluster;
        let mut sums = vec![0u128; cluster.resources.len()];
        for (&w, &pods) in &replaced.pending {
            for (sum, &amount) in sums.iter_mut().zip(&cluster.workloads[w].requests) {
                *sum += u128::from(amount) * u128::from(pods);
            }
        }
        let nodes_for = |node: &Node| -> u64 {
            let pool = &cluster.pools[node.pool];
            let room =
                pool.allocatable.iter().zip(&pool.taken).map(|(&all, &taken)| all.saturating_sub(taken));
            let counts = sums.iter().zip(room).filter(|&(&sum, _)| sum > 0);
            let counts = counts.map(|(&sum, room)| sum.div_ceil(u128::from(room.max(1))));
            u64::try_from(counts.max().unwrap_or(1)).unwrap_or(u64::MAX)
        };
        let may_use = |w: usize, node: &Node| {
            let (rules, pool) = (&cluster.workloads[w].rules, &cluster.pools[node.pool]);
            let room =
                pool.allocatable.iter().zip(&pool.taken).map(|(&all, &taken)| all.saturating_sub(taken));
            rules.pools.as_ref().is_none_or(|pools| pools[node.pool])
                && rules.zones.as_ref().is_none_or(|zones| zones[node.zone])
                && cluster.workloads[w].requests.iter().zip(room).all(|(&amount, room)| amount <= room)
        };
        let mut in_zone = vec![0u64; cluster.zones.len()];
        cluster.nodes.iter().for_each(|node| in_zone[node.zone] += 1);
        let problem = &self.inputs.formulation.problem;
        let mut found: Vec<(u128, u64, BinTypeId, Node, u64)> = Vec::new();
        for &(bin, node) in &self.offered {
            if lost_zone == Some(node.zone) {
                continue;
            }
            let usable = replaced.pending.keys().filter(|&&w| may_use(w, &node)).count();
            let count = nodes_for(&node);
            let suits = match lost_zone {
                None => usable == replaced.pending.len() && count == 1,
                Some(_) => usable > 0,
            };
            if suits {
                let cost = u128::from(problem.bin(bin).rate.nanos()) * u128::from(count);
                found.push((cost, in_zone[node.zone], bin, node, count));
            }
        }
        found.sort_by_key(|&(cost, crowd, bin, _, _)| (cost, crowd, bin));
        found.into_iter().map(|(_, _, bin, node, count)| (bin, node, count)).collect()
    }

    /// Takes spare nodes away, dearest first, as long as every failure is survived without them.
    fn prune(&mut self, hopeless: &BTreeMap<usize, u64>) {
        let planned = self.start.plan().bin_count() as usize;
        let mut spare: BTreeMap<BinTypeId, (Node, u64)> = BTreeMap::new();
        for place in planned..self.bins.len() {
            spare.entry(self.bins[place]).or_insert((self.cluster.nodes[place], 0)).1 += 1;
        }
        let problem = &self.inputs.formulation.problem;
        let mut dearest: Vec<BinTypeId> = spare.keys().copied().collect();
        dearest.sort_by_key(|&bin| (std::cmp::Reverse(problem.bin(bin).rate), bin));
        for bin in dearest {
            // From none, taken to be too few until shown otherwise, to what is known to suffice.
            let (mut least, mut most) = (0, spare[&bin].1);
            while least < most {
                let middle = least + (most - least) / 2;
                spare.get_mut(&bin).expect("it is spare").1 = middle;
                self.with_spare(planned, &spare);
                if self.holds(hopeless) { most = middle } else { least = middle + 1 }
            }
            spare.get_mut(&bin).expect("it is spare").1 = most;
        }
        self.with_spare(planned, &spare);
    }

    fn with_spare(&mut self, planned: usize, spare: &BTreeMap<BinTypeId, (Node, u64)>) {
        self.drop_from(planned);
        for (&bin, &(node, count)) in spare {
            self.push_spare(bin, node, count);
        }
    }

    /// The plan with its spare nodes.
    pub(super) fn plan(&self) -> Plan {
        let mut plan = self.start.plan().clone();
        for &bin in &self.bins[self.start.plan().bin_count() as usize..] {
            plan.add(Pattern::new(bin, []), 1);
        }
        plan
    }

    /// What every failure brings about.
    pub(super) fn failures(&self) -> Vec<Failed> {
        let losses = self.losses();
        let zoned = self.inputs.formulation.legend.nodes.iter().any(|node| node.zone.is_some());
        let one = |(class, replaced): (&Class, Replaced)| {
            let first = *class.nodes.first()?;
            let mut moved: BTreeMap<(usize, BinTypeId), u64> = BTreeMap::new();
            for ((workload, node), pods) in replaced.moved {
                *moved.entry((workload, self.bins[node])).or_default() += pods;
            }
            Some(Failed {
                bin_type: (self.inputs.wanted.scope == FailureScope::Node).then_some(self.bins[first]),
                zone: zoned.then(|| self.cluster.zones[self.cluster.nodes[first].zone].clone()),
                alike: class.alike,
                nodes: class.nodes.len() as u64,
                pods: replaced.lost,
                moved: moved.into_iter().map(|((workload, bin), pods)| (workload, bin, pods)).collect(),
                waiting: replaced.waiting.into_iter().collect(),
                pending: replaced.pending.into_iter().collect(),
            })
        };
        losses.iter().zip(self.all()).filter_map(one).collect()
    }
}

/// What may be added: what the plan uses and, where nothing leads pods to pools and any number of types
/// may be used, everything that is no dearer than its dearest node.
fn offers(inputs: &Inputs<'_>, start: &VerifiedPlan) -> Vec<BinTypeId> {
    let problem = &inputs.formulation.problem;
    let used = start.plan().bins_by_type();
    let dearest = used.keys().map(|&bin| problem.bin(bin).rate).max();
    let any = inputs.pooling.is_none() && problem.max_bin_types().is_none();
    let kinds: BTreeSet<(usize, usize)> = used.keys().map(|&bin| kind(inputs, bin)).collect();
    let offered = |&bin: &BinTypeId| {
        let there = used.get(&bin).copied().unwrap_or(0);
        (kinds.contains(&kind(inputs, bin)) || (any && Some(problem.bin(bin).rate) <= dearest))
            && problem.bin(bin).stock.is_none_or(|stock| stock > there)
            && (there > 0 || problem.max_bin_types().is_none())
    };
    problem.bin_ids().filter(offered).collect()
}

/// Type and pool of a bin type, which its twins in other zones share.
fn kind(inputs: &Inputs<'_>, bin: BinTypeId) -> (usize, usize) {
    let node = &inputs.formulation.legend.nodes[bin.index()];
    (node.catalog_type, node.pool)
}

/// The loss of each zone, also of those without nodes.
fn zones(cluster: &Cluster) -> Vec<Class> {
    let in_zone = |zone: usize| (0..cluster.nodes.len()).filter(|&n| cluster.nodes[n].zone == zone).collect();
    (0..cluster.zones.len()).map(|zone| Class { nodes: in_zone(zone), alike: 1 }).collect()
}

fn pending(replaced: &Replaced) -> u64 {
    replaced.pending.values().sum()
}
