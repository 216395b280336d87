//! Which pods must not share a node: anti-affinity and spreads over nodes, and host ports.
//!
//! Anti-affinity is symmetric, as in the scheduler: a pod also keeps away from nodes whose pods
//! refuse it. Selectors are looked up in an index of labels, never against every workload.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::workload::{HostPort, LabelExpression, LabelOperator, LabelSelector, Workload};

use super::note::{Note, Unhonoured, UnhonouredRule};

/// The topology key whose domains are single nodes.
const HOSTNAME: &str = "kubernetes.io/hostname";

/// What the rules between pods come to. Numbers name workloads by their place in the given slice.
#[derive(Debug, Default)]
pub struct Apart {
    /// The most pods of a workload that one node may hold.
    pub max_per_node: Vec<Option<u64>>,
    /// The workloads that a workload must not share a node with, ascending, never itself.
    pub others: Vec<Vec<u32>>,
    /// The DaemonSets that a workload must not share a node with, with the rule that says so.
    pub daemon_sets: Vec<BTreeMap<usize, String>>,
    /// What a reader must know.
    pub notes: Vec<Note>,
}

/// Works out who keeps apart from whom. `workloads` are those that run any pod.
pub fn keep_apart(workloads: &[&Workload], daemon_sets: &[Workload]) -> Apart {
    let count = workloads.len();
    let everybody: Vec<&Workload> = workloads.iter().copied().chain(daemon_sets).collect();
    let mut apart = Apart {
        max_per_node: vec![None; count],
        others: vec![Vec::new(); count],
        daemon_sets: vec![BTreeMap::new(); count],
        notes: Vec::new(),
    };
    let mut index = Index::new(&everybody);
    for (me, workload) in everybody.iter().enumerate() {
        for term in &workload.pod.rules.pod_anti_affinity {
            if term.topology_key != HOSTNAME {
                let topology_key = term.topology_key.clone();
                apart.unhonoured(workload, UnhonouredRule::PodAntiAffinity { topology_key });
                continue;
            }
            let own = std::slice::from_ref(&workload.id.namespace);
            let namespaces = if term.namespaces.is_empty() { own } else { &term.namespaces };
            for &other in index.select(&term.selector, namespaces).iter() {
                apart.separate(me, other as usize, count, || {
                    format!("pod anti-affinity of {} over nodes", workload.id)
                });
            }
        }
        for term in &workload.pod.rules.pod_affinity {
            let topology_key = term.topology_key.clone();
            apart.unhonoured(workload, UnhonouredRule::PodAffinity { topology_key });
        }
        for volume in &workload.pod.rules.volumes {
            if let Some(zone) = &volume.zone {
                let rule = UnhonouredRule::VolumeZone { claim: volume.name.clone(), zone: zone.clone() };
                apart.unhonoured(workload, rule);
            }
        }
        // A DaemonSet has one pod per node, so that a spread over nodes says nothing.
        if me < count {
            spread(&mut apart, &mut index, me, workload);
        }
    }
    host_ports(&mut apart, &everybody, count);
    for others in &mut apart.others {
        others.sort_unstable();
        others.dedup();
    }
    apart
}

impl Apart {
    fn unhonoured(&mut self, workload: &Workload, rule: UnhonouredRule) {
        let note = Note::Unhonoured(Unhonoured { workload: workload.id.clone(), rule });
        // A workload's rules come one after the other, and two of them may read alike.
        if !self.notes.iter().rev().take(8).any(|n| *n == note) {
            self.notes.push(note);
        }
    }

    /// Keeps `a` and `b` apart; from `count` on, numbers are DaemonSets.
    fn separate(&mut self, a: usize, b: usize, count: usize, rule: impl Fn() -> String) {
        match (a < count, b < count) {
            (true, true) if a == b => self.cap(a, 1),
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

    fn cap(&mut self, workload: usize, most: u64) {
        let cap = &mut self.max_per_node[workload];
        *cap = Some(cap.map_or(most, |c| c.min(most)));
    }
}

/// A spread over nodes becomes a cap of `maxSkew` pods per node. That is stricter: it holds whatever
/// the emptiest node has, and with any `minDomains`.
fn spread(apart: &mut Apart, index: &mut Index<'_>, me: usize, workload: &Workload) {
    for spread in &workload.pod.rules.topology_spread {
        let max_skew = spread.max_skew;
        if spread.topology_key != HOSTNAME {
            let topology_key = spread.topology_key.clone();
            apart.unhonoured(workload, UnhonouredRule::TopologySpread { topology_key, max_skew });
            continue;
        }
        let namespaces = std::slice::from_ref(&workload.id.namespace);
        let counted = index.select(&spread.selector, namespaces);
        let max_per_node = u64::from(max_skew.max(1));
        let counts_itself = counted.contains(&(me as u32));
        if counts_itself && workload.replicas > max_per_node {
            apart.cap(me, max_per_node);
            apart.notes.push(Note::SpreadAsCap { workload: workload.id.clone(), max_per_node });
        }
        if counted.len() > usize::from(counts_itself) {
            apart.unhonoured(workload, UnhonouredRule::SpreadAcrossWorkloads { max_skew });
        }
    }
}

/// Two pods that take the same port of the same address cannot share a node.
fn host_ports(apart: &mut Apart, everybody: &[&Workload], count: usize) {
    let mut takers: BTreeMap<(u16, &str), Vec<(usize, &HostPort)>> = BTreeMap::new();
    for (me, workload) in everybody.iter().enumerate() {
        for port in &workload.pod.rules.host_ports {
            takers.entry((port.port, &port.protocol)).or_default().push((me, port));
        }
    }
    let any = |port: &HostPort| port.host_ip.is_empty() || port.host_ip == "0.0.0.0" || port.host_ip == "::";
    for ((number, protocol), takers) in takers {
        for (i, &(a, port)) in takers.iter().enumerate() {
            for &(b, other) in &takers[i..] {
                if any(port) || any(other) || port.host_ip == other.host_ip {
                    apart.separate(a, b, count, || format!("host port {number}/{protocol}"));
                }
            }
        }
    }
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
            !w.pod.rules.pod_anti_affinity.is_empty() || !w.pod.rules.topology_spread.is_empty()
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
