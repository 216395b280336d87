//! Nodes that run already as bins of which there is one each, beside what can be bought: the problem
//! that consolidation is searched on.
//!
//! An item type is one workload, or its pods in one zone where a rule over zones concerns it: these stay
//! in their zones, so that what holds over zones goes on to hold. What the running cluster does against
//! its own rules (a pod that its node's labels no longer suit, more pods on a node than a spread would
//! put there) is taken as it is; only new places are held to the rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalog::Catalog;
use crate::observed::{ObservedCluster, ObservedNode};
use crate::plan::{Pattern, Plan};
use crate::policy::Policy;
use crate::problem::{BinSet, BinType, BinTypeId, ItemType, ItemTypeId, Problem};
use crate::units::Resources;
use crate::workload::{Workload, WorkloadId, WorkloadSet};

use super::demand::{PodDemand, pod_demand};
use super::labels::NodeMatcher;
use super::legend::{Breakdown, Dimension, ItemMembers, Legend, Measure, Pool};
use super::nodes::{self, Nodes};
use super::note::FormulateError;
use super::places::{self, Candidate, Places};
use super::relations::{Domain, Relations};
use super::{merge, relations, stage};

mod priced;
mod running;

pub use priced::{SetAside, assess, types_by_label};

/// The problem of a running cluster with what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Bin types that can be bought, then one with a stock of one for each node.
    pub problem: Problem,
    /// What its numbers stand for.
    pub legend: Legend,
    /// The running nodes, in the order of the observed cluster.
    pub nodes: Vec<StandingNode>,
    /// Pods that lie on no node, by item type ascending; those that no node to buy would hold are no part
    /// of the problem.
    pub waiting: Vec<(ItemTypeId, u64)>,
    /// Workloads whose pods are left where they are, with the reason.
    pub fixed: Vec<(WorkloadId, &'static str)>,
    /// The most instance types that nodes may have, where that is bounded.
    pub max_types: Option<u32>,
}

/// The problem without some pods: item types of which none is left have no number in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remainder {
    /// The smaller problem.
    pub problem: Problem,
    /// What its numbers stand for.
    pub legend: Legend,
    /// By item type of the whole problem, its number here.
    names: Vec<Option<ItemTypeId>>,
}

impl Remainder {
    /// A plan of the whole problem that leaves those pods out, in this one's numbers.
    pub fn plan(&self, plan: &Plan) -> Plan {
        let named = |(pattern, copies): (&Pattern, u64)| {
            let content =
                pattern.content().iter().filter_map(|&(item, n)| Some((self.names[item.index()]?, n)));
            (Pattern::new(pattern.bin_type(), content), copies)
        };
        plan.bins().map(named).collect()
    }
}

/// A node that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingNode {
    /// Its name.
    pub name: String,
    /// Its bin type.
    pub bin: BinTypeId,
    /// What lies on it, by item type ascending.
    pub content: Vec<(ItemTypeId, u64)>,
    /// Of that, what stays there as long as the node does, and the node with it.
    pub held: Vec<(ItemTypeId, u64)>,
    /// Whether it takes more pods.
    pub open: bool,
}

impl Standing {
    /// The cluster as it is, as a plan of the problem.
    pub fn as_is(&self) -> Plan {
        self.nodes.iter().map(|n| (Pattern::new(n.bin, n.content.iter().copied()), 1)).collect()
    }

    /// The problem without some of the pods.
    pub fn without(&self, pods: &[(ItemTypeId, u64)]) -> Remainder {
        let mut left: Vec<u64> = self.problem.items().iter().map(|item| item.copies).collect();
        pods.iter().for_each(|&(item, n)| left[item.index()] -= n);
        let numbered = left.iter().scan(0u32, |next, &left| {
            Some((left > 0).then(|| {
                *next += 1;
                ItemTypeId(*next - 1)
            }))
        });
        let names: Vec<Option<ItemTypeId>> = numbered.collect();
        let stay = || left.iter().enumerate().filter(|(_, left)| **left > 0);
        let items = stay().map(|(at, &copies)| ItemType { copies, ..self.problem.items()[at].clone() });
        let pairs = self.problem.conflicts().iter();
        let conflicts = pairs.filter_map(|&(a, b)| Some((names[a.index()]?, names[b.index()]?)));
        let conflicts: Vec<(ItemTypeId, ItemTypeId)> = conflicts.collect();
        let (dimensions, bins) = (self.problem.dimensions().to_vec(), self.problem.bins().to_vec());
        let limits = self.problem.bin_limits().to_vec();
        let problem = Problem::new(dimensions, items.collect(), bins, conflicts, None)
            .and_then(|problem| problem.with_bin_limits(limits))
            .expect("fewer pods of a valid problem are one");
        let members = stay().map(|(at, &left)| {
            let members = &self.legend.items[at];
            let workloads = members.workloads.iter().map(|&(w, _)| (w, left)).collect();
            ItemMembers { workloads, ..members.clone() }
        });
        let legend = Legend { items: members.collect(), ..self.legend.clone() };
        Remainder { problem, legend, names }
    }

    /// The number of bin types that can be bought; they come before the nodes.
    pub fn buyable(&self) -> usize {
        self.problem.bins().len() - self.nodes.len()
    }
}

/// Pods of one workload, in one zone where zones matter to it.
type ItemKey = (usize, Option<String>);

/// Makes the problem of a cluster all of whose nodes are priced; `types` is the catalog's type of each.
///
/// # Errors
/// As for [`formulate`](super::formulate()).
pub fn standing(
    set: &WorkloadSet,
    observed: &ObservedCluster,
    types: &[usize],
    catalog: &Catalog,
    policy: &Policy,
) -> Result<Standing, Vec<FormulateError>> {
    super::check(policy)?;
    let one = |e| vec![e];
    let workloads: Vec<&Workload> = set.workloads.iter().collect();
    let demands: Vec<PodDemand> = workloads.iter().map(|w| pod_demand(&w.pod, policy)).collect();
    let input =
        stage::Input { set, catalog, policy, workloads: &workloads, demands: &demands, by_workload: false };
    let demanded = stage::demanded(&input);
    let places = places::places(&workloads, &set.daemon_sets, catalog, policy).map_err(one)?;
    let buyable = nodes::nodes(set, catalog, policy, &places, &demanded).map_err(one)?;
    let relations = relations::relations(&workloads, &set.daemon_sets);
    let vectors: Vec<Resources> =
        demands.iter().map(|d| merge::vector(d, &buyable).into_iter().collect()).collect();

    let running = running::nodes(set, observed, types, &buyable, catalog, policy, &demands);
    let mut to_buy = NodeMatcher::new(catalog, &buyable.places, false);
    let mut to_keep = NodeMatcher::new(catalog, &running.places, false);
    let by_workload: Vec<BinSet> = stage::intern((0..workloads.len()).map(|w| {
        let mut flags = stage::eligible(w, workloads[w], &relations, &buyable, &mut to_buy, true);
        flags.extend(stage::eligible(w, workloads[w], &relations, &running, &mut to_keep, false));
        flags
    }));

    let (zonal, fixed) = bound(&relations, workloads.len());
    let zone_of = |node: &ObservedNode| node.zone().map(str::to_owned);
    let mut copies: BTreeMap<ItemKey, u64> = BTreeMap::new();
    let key = |w: usize, node: &ObservedNode| (w, zone_of(node).filter(|_| zonal[w]));
    for node in &observed.nodes {
        for here in &node.pods {
            *copies.entry(key(here.workload, node)).or_default() += here.pods;
        }
    }
    let new =
        Waiting { observed, relations: &relations, buyable: &buyable, may: &by_workload, vectors: &vectors };
    let waiting: BTreeMap<ItemKey, u64> = new.keys(&zonal);
    for (key, &pods) in &waiting {
        *copies.entry(key.clone()).or_default() += pods;
    }
    let ids: HashMap<ItemKey, ItemTypeId> =
        copies.keys().cloned().zip(0u32..).map(|(key, id)| (key, ItemTypeId(id))).collect();

    let first = buyable.bins.len();
    let mut standing_nodes = Vec::with_capacity(observed.nodes.len());
    for (at, node) in observed.nodes.iter().enumerate() {
        let item = |w: usize| ids[&key(w, node)];
        let content = node.pods.iter().map(|p| (item(p.workload), p.pods)).collect();
        let held = |p: &crate::observed::PodsHere| if fixed[p.workload].is_some() { p.pods } else { p.held };
        let held = node.pods.iter().map(|p| (item(p.workload), held(p))).filter(|&(_, n)| n > 0).collect();
        let bin = BinTypeId(u32::try_from(first + at).unwrap_or(u32::MAX));
        let open = !node.unschedulable;
        standing_nodes.push(StandingNode { name: node.name.clone(), bin, content, held, open });
    }

    let (caps, others, _) = stage::node_rules(&workloads, &relations);
    let items = items(&copies, &standing_nodes, &vectors, &by_workload, &caps, &buyable, &running);
    let conflicts = conflicts(&copies, &ids, &others, &standing_nodes);
    let mut bins = buyable.bins.clone();
    bins.extend(running.bins.iter().cloned());
    grow_to_content(&mut bins[first..], &standing_nodes, &items);
    let names = buyable.dimensions.iter().map(Dimension::name).collect();
    let of_pool = |pool: &Pool| {
        let carries =
            |node: &ObservedNode| pool.labels.iter().all(|(key, v)| node.labels.get(key) == Some(v));
        let own = standing_nodes.iter().zip(&observed.nodes).zip(types);
        let own = own.filter(|((_, node), _)| !pool.labels.is_empty() && carries(node));
        own.map(|((standing, _), &machine)| (standing.bin, &catalog.types[machine])).collect()
    };
    let mut limits = nodes::limits(&buyable.places, catalog, 1, &of_pool);
    for limit in &mut limits {
        // What runs already may be beyond its limit; it only grows no further.
        let running = limit.weights.iter().filter(|(bin, _)| bin.index() >= first).map(|(_, weight)| weight);
        limit.most = limit.most.max(running.fold(0, |sum: u64, &weight| sum.saturating_add(weight)));
    }
    let problem = Problem::new(names, items, bins, conflicts, None)
        .and_then(|problem| problem.with_bin_limits(limits))
        .map_err(|e| vec![FormulateError::Problem(e)])?;

    let fixed = (0..workloads.len()).filter_map(|w| Some((workloads[w].id.clone(), fixed[w]?))).collect();
    let legend = legend(&buyable, running, &copies, &problem, first, policy);
    let waiting = waiting.into_iter().map(|(key, pods)| (ids[&key], pods)).collect();
    let max_types = policy.max_types;
    Ok(Standing { problem, legend, nodes: standing_nodes, waiting, fixed, max_types })
}

/// Pods that lie on no node, and what is known of where they may.
struct Waiting<'a> {
    observed: &'a ObservedCluster,
    relations: &'a Relations,
    buyable: &'a Nodes,
    may: &'a [BinSet],
    vectors: &'a [Resources],
}

impl Waiting<'_> {
    /// What each of them is, those left out that no node to buy would hold. Of workloads whose pods stay in
    /// their zones, a pod goes where fewest of its kind are, or where most are that it must be near.
    fn keys(&self, zonal: &[bool]) -> BTreeMap<ItemKey, u64> {
        let mut keys = BTreeMap::new();
        for &(w, pods) in &self.observed.waiting {
            if !zonal[w] {
                if self.holds(w, None) {
                    *keys.entry((w, None)).or_default() += pods;
                }
                continue;
            }
            let near = self.relations.near[w].as_ref().filter(|near| near.domain == Domain::Zone);
            let counted: Vec<usize> = match near {
                Some(near) => near.workloads.iter().map(|&v| v as usize).chain([w]).collect(),
                None => vec![w],
            };
            let zones = self.buyable.places.zones.iter().enumerate();
            let mut open: Vec<(u64, &String)> = zones
                .filter(|&(z, _)| self.holds(w, Some(z)))
                .map(|(_, zone)| (self.pods_in(zone, &counted), zone))
                .collect();
            for _ in 0..pods {
                let place = match near {
                    Some(_) => open.iter_mut().rev().max_by_key(|(count, _)| *count),
                    None => open.iter_mut().min_by_key(|(count, _)| *count),
                };
                let Some((count, zone)) = place else { break };
                *count += 1;
                *keys.entry((w, Some(zone.clone()))).or_default() += 1;
            }
        }
        keys
    }

    /// Whether some node that can be bought would hold a pod; in a zone, where one is named.
    fn holds(&self, w: usize, zone: Option<usize>) -> bool {
        let candidates = self.buyable.places.candidates.iter().zip(&self.buyable.bins);
        candidates.zip(self.may[w].as_slice()).any(|((candidate, bin), &may)| {
            may && (zone.is_none() || candidate.zone == zone) && self.vectors[w].fits_in(&bin.capacity)
        })
    }

    fn pods_in(&self, zone: &str, workloads: &[usize]) -> u64 {
        let nodes = self.observed.nodes.iter().filter(|node| node.zone() == Some(zone));
        nodes.flat_map(|node| &node.pods).filter(|p| workloads.contains(&p.workload)).map(|p| p.pods).sum()
    }
}

/// Which workloads stay in their zones, and which stay where they are, with the reason.
fn bound(relations: &Relations, count: usize) -> (Vec<bool>, Vec<Option<&'static str>>) {
    let mut zonal = vec![false; count];
    let mut fixed: Vec<Option<&'static str>> = vec![None; count];
    for w in 0..count {
        zonal[w] |= !relations.zone_others[w].is_empty() || !relations.zone_daemon_sets[w].is_empty();
        for spread in &relations.zone_spreads[w] {
            zonal[w] = true;
            spread.counted.iter().for_each(|&v| zonal[v as usize] = true);
        }
        if let Some(near) = &relations.near[w] {
            let everybody = near.workloads.iter().map(|&v| v as usize).chain([w]);
            match near.domain {
                Domain::Zone => everybody.for_each(|v| zonal[v] = true),
                Domain::Node => {
                    everybody.for_each(|v| fixed[v] = Some("a required pod affinity over nodes"));
                }
                Domain::Region | Domain::Other(_) => {}
            }
        }
        if relations.out_of_scope[w].is_some() {
            fixed[w] = Some("a rule over domains that are not planned");
        }
    }
    (zonal, fixed)
}

fn items(
    copies: &BTreeMap<ItemKey, u64>,
    standing: &[StandingNode],
    vectors: &[Resources],
    by_workload: &[BinSet],
    caps: &[Option<u64>],
    buyable: &Nodes,
    running: &Nodes,
) -> Vec<ItemType> {
    let first = buyable.bins.len();
    // Where pods lie, and how many at most on one node.
    let mut lying: Vec<Vec<usize>> = vec![Vec::new(); copies.len()];
    let mut most = vec![0u64; copies.len()];
    for node in standing {
        for &(item, n) in &node.content {
            lying[item.index()].push(node.bin.index());
            most[item.index()] = most[item.index()].max(n);
        }
    }
    let mut known: HashMap<(usize, Option<String>), BinSet> = HashMap::new();
    let mut items = Vec::with_capacity(copies.len());
    for (at, ((w, zone), &copies)) in copies.iter().enumerate() {
        let mut eligible = match zone {
            None => by_workload[*w].clone(),
            Some(name) => known
                .entry((*w, zone.clone()))
                .or_insert_with(|| {
                    let in_zone =
                        |places: &Places, c: &Candidate| c.zone.is_some_and(|z| places.zones[z] == *name);
                    let new = buyable.places.candidates.iter().map(|c| in_zone(&buyable.places, c));
                    let old = running.places.candidates.iter().map(|c| in_zone(&running.places, c));
                    let flags = by_workload[*w].as_slice().iter().zip(new.chain(old));
                    BinSet::new(flags.map(|(&may, there)| may && there).collect())
                })
                .clone(),
        };
        if lying[at].iter().any(|&bin| !eligible.as_slice()[bin]) {
            let mut flags = eligible.as_slice().to_vec();
            lying[at].iter().for_each(|&bin| flags[bin] = true);
            eligible = BinSet::new(flags);
        }
        debug_assert!(first <= eligible.as_slice().len());
        let max_per_bin = caps[*w].map(|cap| cap.max(most[at]));
        items.push(ItemType { demand: vectors[*w].clone(), copies, max_per_bin, eligible });
    }
    items
}

/// Pairs that keep apart, but for those that share a node already.
fn conflicts(
    copies: &BTreeMap<ItemKey, u64>,
    ids: &HashMap<ItemKey, ItemTypeId>,
    others: &[Vec<u32>],
    standing: &[StandingNode],
) -> BTreeSet<(ItemTypeId, ItemTypeId)> {
    let mut of_workload: HashMap<usize, Vec<ItemTypeId>> = HashMap::new();
    for key in copies.keys() {
        of_workload.entry(key.0).or_default().push(ids[key]);
    }
    let mut pairs = BTreeSet::new();
    for (w, partners) in others.iter().enumerate() {
        for &v in partners.iter().filter(|&&v| v as usize > w) {
            for &a in of_workload.get(&w).into_iter().flatten() {
                for &b in of_workload.get(&(v as usize)).into_iter().flatten() {
                    pairs.insert((a.min(b), a.max(b)));
                }
            }
        }
    }
    if !pairs.is_empty() {
        for node in standing {
            for (k, &(a, _)) in node.content.iter().enumerate() {
                for &(b, _) in &node.content[k + 1..] {
                    pairs.remove(&(a.min(b), a.max(b)));
                }
            }
        }
    }
    pairs
}

/// A node offers what its pods take, whatever the policy would leave free.
fn grow_to_content(bins: &mut [BinType], standing: &[StandingNode], items: &[ItemType]) {
    for (bin, node) in bins.iter_mut().zip(standing) {
        let mut used = Resources::zero(bin.capacity.len());
        for &(item, n) in &node.content {
            used = used.checked_add_times(&items[item.index()].demand, n).unwrap_or(used);
        }
        for (offered, &taken) in bin.capacity.as_mut_slice().iter_mut().zip(used.as_slice()) {
            *offered = taken.max(*offered);
        }
    }
}

fn legend(
    buyable: &Nodes,
    running: Nodes,
    copies: &BTreeMap<ItemKey, u64>,
    problem: &Problem,
    first: usize,
    policy: &Policy,
) -> Legend {
    let mut pools = buyable.places.pools.clone();
    let offset = pools.len();
    pools.extend(running.places.pools);
    let mut nodes = buyable.types.clone();
    for (at, mut node) in running.types.into_iter().enumerate() {
        node.pool += offset;
        for (dimension, &offered) in
            buyable.dimensions.iter().zip(problem.bins()[first + at].capacity.as_slice())
        {
            if dimension.measure == Measure::Demand
                && let Some(b) = node.capacity.get_mut(&dimension.resource)
            {
                make_room(b, offered);
            }
        }
        nodes.push(node);
    }
    let items = copies
        .iter()
        .map(|((w, _), &n)| ItemMembers { workloads: vec![(*w, n)], bundle: Vec::new() })
        .collect();
    let cost_names = policy.node_costs.iter().map(|cost| cost.name.clone()).collect();
    Legend { dimensions: buyable.dimensions.clone(), nodes, items, pools, cost_names }
}

/// Lets pods have what they hold: from headroom, from what is beyond the baseline, and where even that
/// is not enough the node has more than it says.
fn make_room(b: &mut Breakdown, offered: u64) {
    let mut lacking = offered.saturating_sub(b.for_pods);
    for part in [&mut b.headroom, &mut b.beyond_baseline, &mut b.reserved] {
        let taken = lacking.min(*part);
        *part -= taken;
        lacking -= taken;
    }
    b.raw += lacking;
    b.for_pods = offered.max(b.for_pods);
}
