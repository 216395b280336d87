//! Checks pods on nodes against the scheduling rules as the workloads state them, from first principles:
//! no item types, no conflicts, no decision made in advance, only labels, taints and pods.
//!
//! What is checked is the finished state. An order in which the scheduler gets there is the replay's
//! matter.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use crate::catalog::Catalog;
use crate::formulate::{Legend, is_spot_node, node_labels};
use crate::plan::Plan;
use crate::policy::Taint;
use crate::workload::{
    HostPort, LabelOperator, LabelSelector, NodeSelectorTerm, PlacementRules, PodAffinityTerm,
    TopologySpread, Workload, WorkloadId, WorkloadKind,
};

/// Equal nodes with what lies on each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// How many such nodes there are.
    pub nodes: u64,
    /// Their labels but for the hostname, which tells them apart.
    pub labels: BTreeMap<String, String>,
    /// Their taints.
    pub taints: Vec<Taint>,
    /// Workloads, by place, with the pods of each on one node.
    pub pods: Vec<(usize, u64)>,
}

/// A rule that a placement breaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// The workload whose rule it is.
    pub workload: WorkloadId,
    /// What is wrong.
    pub rule: BrokenRule,
}

/// Which rule is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum BrokenRule {
    /// Node selector or required node affinity.
    NodeLabels,
    /// A taint that is not tolerated.
    Taint(String),
    /// Pods that may not lie on a spot node.
    Spot,
    /// More pods on spot nodes than the workload's share allows: how many, of how many allowed.
    SpotShare(u64, u64),
    /// A volume in another zone.
    VolumeZone(String),
    /// Two pods with one port.
    HostPort(u16),
    /// Required anti-affinity over this topology key.
    AntiAffinity(String),
    /// Required affinity over this topology key.
    Affinity(String),
    /// A spread over this topology key that counts the workload's own pods only.
    Spread(String),
    /// A spread over this topology key that counts other workloads too: these may have come later, so
    /// that the scheduler may have got here all the same.
    SpreadWithOthers(String),
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.workload)?;
        match &self.rule {
            BrokenRule::NodeLabels => write!(f, "its node selector or node affinity does not match its node"),
            BrokenRule::Taint(taint) => write!(f, "it does not tolerate {taint}"),
            BrokenRule::Spot => write!(f, "it may not lie on a spot node"),
            BrokenRule::SpotShare(pods, most) => {
                write!(f, "{pods} of its pods lie on spot nodes, where {most} may")
            }
            BrokenRule::VolumeZone(zone) => write!(f, "its volume lies in zone {zone}"),
            BrokenRule::HostPort(port) => write!(f, "port {port} of its node is taken twice"),
            BrokenRule::AntiAffinity(key) => write!(f, "a pod that it refuses is in the same {key}"),
            BrokenRule::Affinity(key) => write!(f, "no pod that it must lie with is in the same {key}"),
            BrokenRule::Spread(key) | BrokenRule::SpreadWithOthers(key) => {
                write!(f, "it is spread too unevenly over {key}")
            }
        }
    }
}

/// The nodes of a plan with their labels and pods.
pub fn standing(legend: &Legend, catalog: &Catalog, plan: &Plan) -> Vec<Standing> {
    let mut by_bin: HashMap<usize, BTreeMap<String, String>> = HashMap::new();
    legend
        .assign(plan)
        .into_iter()
        .map(|group| {
            let node = &legend.nodes[group.bin_type.index()];
            let pool = &legend.pools[node.pool];
            let labels = by_bin.entry(group.bin_type.index()).or_insert_with(|| {
                let mut labels = node_labels(&catalog.types[node.catalog_type], catalog);
                for key in ZONE_LABELS {
                    labels.extend(node.zone.iter().map(|zone| (key.to_owned(), zone.clone())));
                }
                labels.extend(pool.labels.clone());
                labels
            });
            Standing {
                nodes: group.nodes,
                labels: labels.clone(),
                taints: pool.taints.clone(),
                pods: group.pods,
            }
        })
        .collect()
}

/// Adds the pods of DaemonSets, the workloads from `first` on, to the nodes that their own rules allow.
pub fn add_daemon_sets(everybody: &[Workload], first: usize, standing: &mut [Standing]) {
    for (place, daemon) in everybody.iter().enumerate().skip(first) {
        for group in &mut *standing {
            let alone = Standing { pods: vec![(0, 1)], ..group.clone() };
            if check(std::slice::from_ref(daemon), &[alone]).is_empty() {
                group.pods.push((place, 1));
            }
        }
    }
}

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE_LABELS: [&str; 2] = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];

/// Checks every rule of every pod; each breach once.
pub fn check(workloads: &[Workload], standing: &[Standing]) -> Vec<Breach> {
    let checker = Checker::new(workloads, standing);
    let mut breaches = on_spot(workloads, standing);
    for (place, group) in standing.iter().enumerate() {
        for &(w, _) in &group.pods {
            checker.pod(w, place, &mut breaches);
        }
    }
    breaches.into_iter().collect()
}

/// Pods on spot nodes that may not lie there, and workloads of which too many do.
fn on_spot(workloads: &[Workload], standing: &[Standing]) -> BTreeSet<Breach> {
    let mut breaches = BTreeSet::new();
    let mut pods_of: BTreeMap<(&str, String), (u64, u64, WorkloadId)> = BTreeMap::new();
    for group in standing.iter().filter(|group| is_spot_node(&group.labels)) {
        for &(w, pods) in &group.pods {
            let workload = &workloads[w];
            let Some(part) = workload.pod.rules.spot else {
                // What runs on every node does so on these.
                if workload.id.kind != WorkloadKind::DaemonSet {
                    breaches.insert(Breach { workload: workload.id.clone(), rule: BrokenRule::Spot });
                }
                continue;
            };
            let id = &workload.id;
            let whole = format!("{}/{}", id.kind, id.whole_name());
            let most = part.share.floor_of(part.of);
            let sum = pods_of.entry((&id.namespace, whole)).or_insert_with(|| (0, most, id.clone()));
            sum.0 += pods * group.nodes;
        }
    }
    for (pods, most, workload) in pods_of.into_values().filter(|(pods, most, _)| pods > most) {
        breaches.insert(Breach { workload, rule: BrokenRule::SpotShare(pods, most) });
    }
    breaches
}

/// How many pods have a preferred rule that holds for them, and how many have one at all, rule by rule.
/// Preferred rules and spreads that schedule anyway do not bind a plan.
pub fn preferred(workloads: &[Workload], standing: &[Standing]) -> (u64, u64) {
    let checker = Checker::new(workloads, standing);
    let (mut held, mut all) = (0, 0);
    for (place, group) in standing.iter().enumerate() {
        for &(w, pods) in &group.pods {
            let pods = pods * group.nodes;
            let rules = &workloads[w].pod.rules.preferred;
            let holds = |holds: bool| if holds { pods } else { 0 };
            for term in &rules.node {
                (held, all) = (held + holds(term.matches(&group.labels)), all + pods);
            }
            for term in &rules.near {
                let near = checker.near(w, std::slice::from_ref(term), place).is_none();
                (held, all) = (held + holds(near), all + pods);
            }
            for term in &rules.apart {
                (held, all) = (held + holds(checker.apart(w, term, place)), all + pods);
            }
            for spread in &rules.spread {
                (held, all) = (held + holds(checker.balanced(w, spread, place)), all + pods);
            }
        }
    }
    (held, all)
}

struct Checker<'a> {
    workloads: &'a [Workload],
    standing: &'a [Standing],
    by_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// Pods by topology key, by the key's value, by workload.
    domains: HashMap<&'a str, HashMap<&'a str, HashMap<usize, u64>>>,
    totals: HashMap<usize, u64>,
}

impl<'a> Checker<'a> {
    fn new(workloads: &'a [Workload], standing: &'a [Standing]) -> Self {
        let mut by_label: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        let mut keys: BTreeSet<&str> = BTreeSet::new();
        for (w, workload) in workloads.iter().enumerate() {
            for (key, value) in &workload.pod.labels {
                by_label.entry((key, value)).or_default().push(w);
            }
            let PlacementRules { pod_affinity, pod_anti_affinity, topology_spread, preferred, .. } =
                &workload.pod.rules;
            let terms =
                pod_affinity.iter().chain(pod_anti_affinity).chain(&preferred.near).chain(&preferred.apart);
            keys.extend(terms.map(|t| t.topology_key.as_str()));
            keys.extend(topology_spread.iter().chain(&preferred.spread).map(|s| s.topology_key.as_str()));
        }
        keys.remove(HOSTNAME);
        let mut domains: HashMap<&str, HashMap<&str, HashMap<usize, u64>>> = HashMap::new();
        let mut totals: HashMap<usize, u64> = HashMap::new();
        for group in standing {
            for &(w, pods) in &group.pods {
                *totals.entry(w).or_default() += pods * group.nodes;
            }
            for &key in &keys {
                let Some(value) = group.labels.get(key) else { continue };
                let domain = domains.entry(key).or_default().entry(value).or_default();
                for &(w, pods) in &group.pods {
                    *domain.entry(w).or_default() += pods * group.nodes;
                }
            }
        }
        Checker { workloads, standing, by_label, domains, totals }
    }

    fn pod(&self, w: usize, place: usize, breaches: &mut BTreeSet<Breach>) {
        let workload = &self.workloads[w];
        let group = &self.standing[place];
        let rules = &workload.pod.rules;
        let mut breach = |rule| {
            breaches.insert(Breach { workload: workload.id.clone(), rule });
        };
        if !self.admits(rules, &group.labels) {
            breach(BrokenRule::NodeLabels);
        }
        for taint in group.taints.iter().filter(|t| t.keeps_off(&rules.tolerations)) {
            breach(BrokenRule::Taint(taint.to_string()));
        }
        for zone in rules.volumes.iter().filter_map(|v| v.zone.as_ref()) {
            if group.labels.get(ZONE_LABELS[0]) != Some(zone) {
                breach(BrokenRule::VolumeZone(zone.clone()));
            }
        }
        for port in &rules.host_ports {
            let takers = group.pods.iter().map(|&(other, pods)| {
                let ports = &self.workloads[other].pod.rules.host_ports;
                pods * u64::from(ports.iter().any(|p| clash(p, port)))
            });
            if takers.sum::<u64>() > 1 {
                breach(BrokenRule::HostPort(port.port));
            }
        }
        for term in &rules.pod_anti_affinity {
            if !self.apart(w, term, place) {
                breach(BrokenRule::AntiAffinity(term.topology_key.clone()));
            }
        }
        if let Some(key) = self.near(w, &rules.pod_affinity, place) {
            breach(BrokenRule::Affinity(key));
        }
        for spread in &rules.topology_spread {
            if !self.balanced(w, spread, place) {
                let namespaces = std::slice::from_ref(&workload.id.namespace);
                let key = spread.topology_key.clone();
                breach(match self.selected(&spread.selector, namespaces)[..] {
                    [only] if only == w => BrokenRule::Spread(key),
                    _ => BrokenRule::SpreadWithOthers(key),
                });
            }
        }
    }

    fn admits(&self, rules: &PlacementRules, labels: &BTreeMap<String, String>) -> bool {
        let terms: &[NodeSelectorTerm] = &rules.node_affinity;
        rules.node_selector.iter().all(|(key, value)| labels.get(key) == Some(value))
            && (terms.is_empty() || terms.iter().any(|term| term.matches(labels)))
    }

    /// The workloads that a selector selects in these namespaces.
    fn selected(&self, selector: &LabelSelector, namespaces: &[String]) -> Vec<usize> {
        let one =
            selector.expressions.iter().find(|e| e.operator == LabelOperator::In && e.values.len() == 1);
        let matches = |&w: &usize| {
            let workload = &self.workloads[w];
            namespaces.contains(&workload.id.namespace) && selector.matches(&workload.pod.labels)
        };
        match one {
            Some(e) => {
                let found = self.by_label.get(&(e.key.as_str(), e.values[0].as_str()));
                found.into_iter().flatten().copied().filter(matches).collect()
            }
            None => (0..self.workloads.len()).filter(matches).collect(),
        }
    }

    fn of_term(&self, w: usize, term: &PodAffinityTerm) -> Vec<usize> {
        let own = std::slice::from_ref(&self.workloads[w].id.namespace);
        let namespaces = if term.namespaces.is_empty() { own } else { &term.namespaces };
        self.selected(&term.selector, namespaces)
    }

    /// Pods of these workloads in the domain that a node of a group stands in; none where it has no
    /// such label.
    fn count(&self, key: &str, place: usize, workloads: &[usize]) -> Option<u64> {
        let group = &self.standing[place];
        if key == HOSTNAME {
            let here = group.pods.iter().filter(|(w, _)| workloads.contains(w));
            return Some(here.map(|&(_, pods)| pods).sum());
        }
        let domain = &self.domains.get(key)?[group.labels.get(key)?.as_str()];
        Some(workloads.iter().filter_map(|w| domain.get(w)).sum())
    }

    fn apart(&self, w: usize, term: &PodAffinityTerm, place: usize) -> bool {
        let refused = self.of_term(w, term);
        let itself = u64::from(refused.contains(&w));
        self.count(&term.topology_key, place, &refused).is_none_or(|pods| pods <= itself)
    }

    /// The topology key of an affinity term that does not hold. Only pods that all terms select count;
    /// the first of a workload's own needs no other.
    fn near(&self, w: usize, terms: &[PodAffinityTerm], place: usize) -> Option<String> {
        let (first, rest) = terms.split_first()?;
        let mut wanted = self.of_term(w, first);
        for term in rest {
            let also = self.of_term(w, term);
            wanted.retain(|v| also.contains(v));
        }
        let all: u64 = wanted.iter().filter_map(|v| self.totals.get(v)).sum();
        let itself = u64::from(wanted.contains(&w));
        let holds = |term: &&PodAffinityTerm| match self.count(&term.topology_key, place, &wanted) {
            None => false,
            Some(pods) => pods > itself || (itself == 1 && all == 1),
        };
        terms.iter().find(|term| !holds(term)).map(|term| term.topology_key.clone())
    }

    fn balanced(&self, w: usize, spread: &TopologySpread, place: usize) -> bool {
        let workload = &self.workloads[w];
        let counted = self.selected(&spread.selector, std::slice::from_ref(&workload.id.namespace));
        let Some(here) = self.count(&spread.topology_key, place, &counted) else { return false };
        let admitted = (0..self.standing.len()).filter(|&p| {
            self.admits(&workload.pod.rules, &self.standing[p].labels) && self.standing[p].nodes > 0
        });
        let (mut domains, mut least, mut seen) = (0u64, u64::MAX, BTreeSet::new());
        for p in admitted {
            let Some(pods) = self.count(&spread.topology_key, p, &counted) else { continue };
            least = least.min(pods);
            if spread.topology_key == HOSTNAME {
                domains += self.standing[p].nodes;
            } else if seen.insert(&self.standing[p].labels[&spread.topology_key]) {
                domains += 1;
            }
        }
        if domains < u64::from(spread.min_domains.unwrap_or(1)) {
            least = 0;
        }
        here <= least.saturating_add(u64::from(spread.max_skew))
    }
}

fn clash(a: &HostPort, b: &HostPort) -> bool {
    let any = |port: &HostPort| matches!(port.host_ip.as_str(), "" | "0.0.0.0" | "::");
    a.port == b.port && a.protocol == b.protocol && (any(a) || any(b) || a.host_ip == b.host_ip)
}
