//! What pods' rules say about each other: who keeps away from whom, who must lie with whom, who spreads
//! with whom. Over nodes, zones and the region; selectors are looked up in an index of labels.
//!
//! Anti-affinity is symmetric, as in the scheduler: a pod also keeps away from nodes whose pods
//! refuse it.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::workload::{HostPort, LabelExpression, LabelOperator, LabelSelector, PodAffinityTerm, Workload};

use super::labels::is_zone_key;

/// The domains of a rule between pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// Single nodes.
    Node,
    /// Zones.
    Zone,
    /// The region, in which all nodes stand.
    Region,
    /// Values of a label that pods are not planned over.
    Other(String),
}

impl Domain {
    /// The domains that a topology key names.
    pub fn of(key: &str) -> Self {
        match key {
            "kubernetes.io/hostname" => Domain::Node,
            "topology.kubernetes.io/region" | "failure-domain.beta.kubernetes.io/region" => Domain::Region,
            key if is_zone_key(key) => Domain::Zone,
            other => Domain::Other(other.to_owned()),
        }
    }
}

/// Required pod affinity of one workload: in the narrowest of its domains there must be a pod that all
/// of its terms select, the scheduler counts no others.
#[derive(Debug, Clone)]
pub struct Near {
    /// The narrowest domain that a term names.
    pub domain: Domain,
    /// The workloads that all terms select, ascending; the workload itself may be among them.
    pub workloads: Vec<u32>,
    /// The DaemonSets that all terms select.
    pub daemon_sets: Vec<usize>,
}

/// A spread constraint of one workload.
#[derive(Debug, Clone)]
pub struct Spread {
    /// The most by which a domain may exceed the emptiest one.
    pub max_skew: u64,
    /// With fewer domains than this the emptiest counts as zero.
    pub min_domains: u64,
    /// The workloads whose pods are counted, ascending; the workload itself may be among them.
    pub counted: Rc<[u32]>,
}

/// What the rules between pods come to. Numbers name workloads by their place in the given slice.
#[derive(Debug, Default)]
pub struct Relations {
    /// Whether a node may hold one pod of a workload at most.
    pub alone: Vec<bool>,
    /// The workloads that a workload must not share a node with, ascending, never itself.
    pub others: Vec<Vec<u32>>,
    /// The DaemonSets that a workload must not share a node with, with the rule that says so.
    pub daemon_sets: Vec<BTreeMap<usize, String>>,
    /// The DaemonSets that a workload must not share a zone with, with the rule that says so.
    pub zone_daemon_sets: Vec<BTreeMap<usize, String>>,
    /// The workloads that a workload must not share a zone with, ascending; itself among them where
    /// its own pods refuse each other.
    pub zone_others: Vec<Vec<u32>>,
    /// The same for the region.
    pub region_others: Vec<Vec<u32>>,
    /// Required pod affinity.
    pub near: Vec<Option<Near>>,
    /// Spreads over nodes.
    pub node_spreads: Vec<Vec<Spread>>,
    /// Spreads over zones.
    pub zone_spreads: Vec<Vec<Spread>>,
    /// Rules over domains that pods are not planned over: they leave the workload out.
    pub out_of_scope: Vec<Option<String>>,
}

/// Works out who stands in which relation. `workloads` are those that run any pod.
pub fn relations(workloads: &[&Workload], daemon_sets: &[Workload]) -> Relations {
    let count = workloads.len();
    let everybody: Vec<&Workload> = workloads.iter().copied().chain(daemon_sets).collect();
    let mut relations = Relations {
        alone: vec![false; count],
        others: vec![Vec::new(); count],
        daemon_sets: vec![BTreeMap::new(); count],
        zone_daemon_sets: vec![BTreeMap::new(); count],
        zone_others: vec![Vec::new(); count],
        region_others: vec![Vec::new(); count],
        near: vec![None; count],
        node_spreads: vec![Vec::new(); count],
        zone_spreads: vec![Vec::new(); count],
        out_of_scope: vec![None; count],
    };
    let mut index = Index::new(&everybody);
    for (me, workload) in everybody.iter().enumerate() {
        for term in &workload.pod.rules.pod_anti_affinity {
            let selected = index.select_term(term, workload);
            relations.keep_apart(me, workload, count, &Domain::of(&term.topology_key), &selected);
        }
        // A DaemonSet has one pod on every node that it may run on, wherever else its pods would lie.
        if me < count {
            relations.near[me] = near(&mut index, workload, count);
            if let Some(Near { domain: Domain::Other(key), .. }) = &relations.near[me] {
                relations.out_of_scope[me] = Some(format!("required pod affinity over {key}"));
            }
            for spread in &workload.pod.rules.topology_spread {
                let namespaces = std::slice::from_ref(&workload.id.namespace);
                let counted = index.select(&spread.selector, namespaces);
                let counted: Rc<[u32]> = counted.iter().copied().filter(|&i| (i as usize) < count).collect();
                let spread_over = Spread {
                    max_skew: u64::from(spread.max_skew.max(1)),
                    min_domains: u64::from(spread.min_domains.unwrap_or(1)),
                    counted,
                };
                match Domain::of(&spread.topology_key) {
                    Domain::Node => relations.node_spreads[me].push(spread_over),
                    Domain::Zone => relations.zone_spreads[me].push(spread_over),
                    // With one domain there is nothing to balance.
                    Domain::Region if spread_over.min_domains <= 1 => {}
                    Domain::Region => {
                        relations.out_of_scope[me] = Some("topology spread over several regions".to_owned());
                    }
                    Domain::Other(key) => {
                        relations.out_of_scope[me] = Some(format!("topology spread over {key}"));
                    }
                }
            }
        }
    }
    relations.host_ports(&everybody, count);
    for lists in [&mut relations.others, &mut relations.zone_others, &mut relations.region_others] {
        for list in lists {
            list.sort_unstable();
            list.dedup();
        }
    }
    relations
}

impl Relations {
    fn keep_apart(
        &mut self,
        me: usize,
        workload: &Workload,
        count: usize,
        domain: &Domain,
        selected: &[u32],
    ) {
        for &other in selected {
            let other = other as usize;
            match domain {
                Domain::Node => {
                    let rule = || format!("pod anti-affinity of {} over nodes", workload.id);
                    self.separate(me, other, count, rule);
                }
                Domain::Zone => match (me < count, other < count) {
                    (true, true) => {
                        self.zone_others[me].push(other as u32);
                        self.zone_others[other].push(me as u32);
                    }
                    (false, false) => {}
                    (one, _) => {
                        let (pod, daemon) = if one { (me, other) } else { (other, me) };
                        let rule = format!("pod anti-affinity of {} over zones", workload.id);
                        self.zone_daemon_sets[pod].insert(daemon - count, rule);
                    }
                },
                Domain::Region => match (me < count, other < count) {
                    (true, true) => {
                        self.region_others[me].push(other as u32);
                        self.region_others[other].push(me as u32);
                    }
                    (false, false) => {}
                    (one, _) => {
                        let pod = if one { me } else { other };
                        let rule = "pod anti-affinity over the region, in which a DaemonSet runs";
                        self.out_of_scope[pod] = Some(rule.to_owned());
                    }
                },
                Domain::Other(key) => {
                    for w in [me, other].into_iter().filter(|&w| w < count) {
                        self.out_of_scope[w] = Some(format!("pod anti-affinity over {key}"));
                    }
                }
            }
        }
    }

    /// Keeps `a` and `b` on different nodes; from `count` on, numbers are DaemonSets.
    fn separate(&mut self, a: usize, b: usize, count: usize, rule: impl Fn() -> String) {
        match (a < count, b < count) {
            (true, true) if a == b => self.alone[a] = true,
            (true, true) => {
                self.others[a].push(b as u32);
                self.others[b].push(a as u32);
            }
            (true, false) => {
                self.daemon_sets[a].entry(b - count).or_insert_with(rule);
            }
            (false, true) => {
                self.daemon_sets[b].entry(a - count).or_insert_with(rule);
            }
            // Two DaemonSets that refuse each other: which of them runs is not the plan's to say, and
            // both are counted.
            (false, false) => {}
        }
    }

    /// Two pods that take the same port of the same address cannot share a node.
    fn host_ports(&mut self, everybody: &[&Workload], count: usize) {
        let mut takers: BTreeMap<(u16, &str), Vec<(usize, &HostPort)>> = BTreeMap::new();
        for (me, workload) in everybody.iter().enumerate() {
            for port in &workload.pod.rules.host_ports {
                takers.entry((port.port, &port.protocol)).or_default().push((me, port));
            }
        }
        let any =
            |port: &HostPort| port.host_ip.is_empty() || port.host_ip == "0.0.0.0" || port.host_ip == "::";
        for ((number, protocol), takers) in takers {
            for (i, &(a, port)) in takers.iter().enumerate() {
                for &(b, other) in &takers[i..] {
                    if any(port) || any(other) || port.host_ip == other.host_ip {
                        self.separate(a, b, count, || format!("host port {number}/{protocol}"));
                    }
                }
            }
        }
    }
}

/// Required pod affinity: only pods that every term selects count (`podMatchesAllAffinityTerms`).
fn near(index: &mut Index<'_>, workload: &Workload, count: usize) -> Option<Near> {
    let terms = &workload.pod.rules.pod_affinity;
    let (first, rest) = terms.split_first()?;
    let mut selected: Vec<u32> = index.select_term(first, workload).to_vec();
    let mut domain = Domain::of(&first.topology_key);
    for term in rest {
        let also = index.select_term(term, workload);
        selected.retain(|w| also.binary_search(w).is_ok());
        domain = match (domain, Domain::of(&term.topology_key)) {
            (Domain::Other(key), _) | (_, Domain::Other(key)) => Domain::Other(key),
            (Domain::Node, _) | (_, Domain::Node) => Domain::Node,
            (Domain::Zone, _) | (_, Domain::Zone) => Domain::Zone,
            (Domain::Region, Domain::Region) => Domain::Region,
        };
    }
    let daemon_sets = selected.iter().map(|&i| i as usize).filter(|&i| i >= count).map(|i| i - count);
    Some(Near {
        domain,
        daemon_sets: daemon_sets.collect(),
        workloads: selected.iter().copied().filter(|&i| (i as usize) < count).collect(),
    })
}

/// A selector's expressions and the namespaces that it looks in.
type Selection = (Vec<LabelExpression>, Vec<String>);

/// Finds the pods that a selector selects.
struct Index<'a> {
    everybody: &'a [&'a Workload],
    by_label: HashMap<&'a str, HashMap<&'a str, Vec<u32>>>,
    by_namespace: HashMap<&'a str, Vec<u32>>,
    known: HashMap<Selection, Rc<[u32]>>,
}

impl<'a> Index<'a> {
    fn new(everybody: &'a [&'a Workload]) -> Self {
        let mut index = Index {
            everybody,
            by_label: HashMap::new(),
            by_namespace: HashMap::new(),
            known: HashMap::new(),
        };
        let rules = |w: &&Workload| {
            let rules = &w.pod.rules;
            !(rules.pod_anti_affinity.is_empty()
                && rules.pod_affinity.is_empty()
                && rules.topology_spread.is_empty())
        };
        if everybody.iter().any(rules) {
            for (i, workload) in (0u32..).zip(everybody) {
                index.by_namespace.entry(&workload.id.namespace).or_default().push(i);
                for (key, value) in &workload.pod.labels {
                    index.by_label.entry(key).or_default().entry(value).or_default().push(i);
                }
            }
        }
        index
    }

    /// The pods that a term of a workload selects; its own namespace where it names none.
    fn select_term(&mut self, term: &PodAffinityTerm, of: &Workload) -> Rc<[u32]> {
        let own = std::slice::from_ref(&of.id.namespace);
        let namespaces = if term.namespaces.is_empty() { own } else { &term.namespaces };
        self.select(&term.selector, namespaces)
    }

    /// The pods of these namespaces that the selector matches, ascending.
    fn select(&mut self, selector: &LabelSelector, namespaces: &[String]) -> Rc<[u32]> {
        let key = (selector.expressions.clone(), namespaces.to_vec());
        if let Some(found) = self.known.get(&key) {
            return found.clone();
        }
        let mut candidates = self.candidates(selector, namespaces);
        candidates.retain(|&i| {
            let workload = self.everybody[i as usize];
            namespaces.contains(&workload.id.namespace) && selector.matches(&workload.pod.labels)
        });
        candidates.sort_unstable();
        candidates.dedup();
        let found: Rc<[u32]> = candidates.into();
        self.known.insert(key, found.clone());
        found
    }

    /// A superset of what the selector matches: the rarest of its `In` conditions.
    fn candidates(&self, selector: &LabelSelector, namespaces: &[String]) -> Vec<u32> {
        let rarest = selector
            .expressions
            .iter()
            .filter(|e| e.operator == LabelOperator::In)
            .min_by_key(|e| e.values.iter().map(|v| self.labelled(e, v).len()).sum::<usize>());
        match rarest {
            Some(e) => e.values.iter().flat_map(|v| self.labelled(e, v)).copied().collect(),
            None => namespaces
                .iter()
                .filter_map(|n| self.by_namespace.get(n.as_str()))
                .flatten()
                .copied()
                .collect(),
        }
    }

    /// The pods that carry this value of an expression's label.
    fn labelled(&self, expression: &LabelExpression, value: &str) -> &[u32] {
        let values = self.by_label.get(expression.key.as_str());
        values.and_then(|values| values.get(value)).map_or(&[], Vec::as_slice)
    }
}
