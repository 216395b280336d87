//! What an observed cluster has beside workloads: nodes and disruption budgets, and which pod lies where.

use std::collections::{HashMap, HashSet};

use super::cluster::Cluster;
use super::manifest::read_identity;
use super::placement::read_selector;
use super::update::read_amount;
use super::view::View;
use crate::observed::{BoundPod, BudgetRule, DisruptionBudget, ObservedCluster, ObservedNode, PodsHere};
use crate::policy::{Taint, TaintEffect};
use crate::units::ResourceName;
use crate::workload::{Amount, LabelSelector, ResourceList, Workload};

/// Where a pod lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// As [`Observing::node`] numbers it; none for a pod that waits.
    pub node: Option<u32>,
    /// Whether nobody may move it.
    pub held: bool,
}

/// Nodes and budgets read so far.
#[derive(Default)]
pub(super) struct Observing {
    /// Numbers of all nodes that are named anywhere.
    numbers: HashMap<String, u32>,
    /// Those that were read, with their numbers.
    nodes: Vec<(u32, ObservedNode)>,
    read: HashSet<u32>,
    budgets: Vec<DisruptionBudget>,
    /// Pods that stay with their nodes, by kind of pod.
    bound: Vec<(BoundPod, Vec<Place>)>,
    bound_by_pod: HashMap<BoundPod, usize>,
}

impl Observing {
    /// The number of a node, given at its first mention.
    pub fn node(&mut self, name: &str) -> u32 {
        match self.numbers.get(name) {
            Some(&number) => number,
            None => {
                let number = self.numbers.len() as u32;
                self.numbers.insert(name.to_owned(), number);
                number
            }
        }
    }

    /// How many nodes were read.
    pub fn node_count(&self) -> u64 {
        self.nodes.len() as u64
    }

    /// Takes pods of a DaemonSet, or static ones.
    pub fn bind(&mut self, pod: BoundPod, places: Vec<Place>) {
        match self.bound_by_pod.get(&pod) {
            Some(&at) => self.bound[at].1.extend(places),
            None => {
                self.bound_by_pod.insert(pod.clone(), self.bound.len());
                self.bound.push((pod, places));
            }
        }
    }

    /// Puts pods onto nodes. `placed` are the pods of each workload of the set.
    pub fn finish(self, placed: Vec<Vec<Place>>, warnings: &mut Vec<String>) -> ObservedCluster {
        let mut of_number: HashMap<u32, usize> = HashMap::new();
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (number, node) in self.nodes {
            of_number.insert(number, nodes.len());
            nodes.push(node);
        }
        let mut lost = 0u64;
        let mut waiting = Vec::new();
        for (workload, places) in placed.into_iter().enumerate() {
            let mut here: HashMap<usize, PodsHere> = HashMap::new();
            let mut without = 0;
            for place in places {
                let node = place.node.and_then(|number| of_number.get(&number));
                lost += u64::from(place.node.is_some() && node.is_none());
                let Some(&node) = node else {
                    without += 1;
                    continue;
                };
                let entry = here.entry(node).or_insert(PodsHere { workload, pods: 0, held: 0 });
                entry.pods += 1;
                entry.held += u64::from(place.held);
            }
            if without > 0 {
                waiting.push((workload, without));
            }
            here.into_iter().for_each(|(node, pods)| nodes[node].pods.push(pods));
        }
        let mut bound = Vec::with_capacity(self.bound.len());
        for (kind, (pod, places)) in self.bound.into_iter().enumerate() {
            let mut here: HashMap<usize, u64> = HashMap::new();
            for place in places {
                if let Some(&node) = place.node.and_then(|number| of_number.get(&number)) {
                    *here.entry(node).or_default() += 1;
                }
            }
            here.into_iter().for_each(|(node, pods)| nodes[node].bound.push((kind, pods)));
            bound.push(pod);
        }
        for node in &mut nodes {
            node.pods.sort_by_key(|p| p.workload);
            node.bound.sort_unstable();
        }
        if lost > 0 {
            warnings.push(format!(
                "{lost} pods lie on nodes that are not in the input; they count as waiting for a node"
            ));
        }
        ObservedCluster { nodes, bound, waiting, budgets: self.budgets }
    }
}

/// What a workload's pods are when they stay with their nodes.
pub(super) fn bound_pod(workload: &Workload) -> BoundPod {
    BoundPod { id: workload.id.clone(), pod: workload.pod.clone() }
}

/// Pods that no place is known for: a controller that has none yet.
pub(super) fn unplaced(workload: &Workload) -> Vec<Place> {
    let count = usize::try_from(workload.replicas).unwrap_or(usize::MAX).min(MOST_UNPLACED);
    vec![Place { node: None, held: false }; count]
}

/// Beyond this many, pods of a controller that has none are not told one by one.
const MOST_UNPLACED: usize = 10_000_000;

/// Reads a `Node`.
pub(super) fn read_node(object: View<'_>, cluster: &mut Cluster<'_>) {
    let (_, name) = read_identity(object);
    let mut node = ObservedNode { name, ..ObservedNode::default() };
    if let Some(metadata) = object.get("metadata")
        && let Some(labels) = metadata.get("labels")
    {
        node.labels = labels.string_map();
    }
    if let Some(spec) = object.get("spec") {
        node.provider_id = spec.get("providerID").and_then(|id| id.text().map(str::to_owned));
        node.unschedulable = spec.get("unschedulable").and_then(|flag| flag.boolean()).unwrap_or(false);
        if let Some(taints) = spec.get("taints") {
            taints.each_item(|taint| node.taints.extend(read_taint(taint)));
        }
    }
    if let Some(status) = object.required("status") {
        let list = |key: &str| status.required(key).map(amounts).unwrap_or_default();
        node.capacity = list("capacity");
        node.allocatable = list("allocatable");
    }
    let Some(observing) = &mut cluster.observing else { return };
    let number = observing.node(&node.name);
    if !observing.read.insert(number) {
        return object.fault(format!("Node/{} stands twice", node.name));
    }
    observing.nodes.push((number, node));
}

fn read_taint(taint: View<'_>) -> Option<Taint> {
    let key = taint.required("key").and_then(|key| key.text().map(str::to_owned));
    let value = taint.get("value").and_then(|value| value.string()).unwrap_or_default();
    let effect = taint.required("effect").and_then(|effect| match effect.text()? {
        "NoSchedule" => Some(TaintEffect::NoSchedule),
        "PreferNoSchedule" => Some(TaintEffect::PreferNoSchedule),
        "NoExecute" => Some(TaintEffect::NoExecute),
        other => {
            effect.fault(format!("unknown effect `{other}`"));
            None
        }
    });
    Some(Taint { key: key?, value, effect: effect? })
}

/// A node's amounts. Kubelets report some that no pod asks for by name, such as
/// `attachable-volumes-aws-ebs`.
fn amounts(list: View<'_>) -> ResourceList {
    let mut found = ResourceList::new();
    list.each_entry(|key, value| {
        let resource = match key {
            _ if key.starts_with("attachable-volumes") => ResourceName::Volumes,
            _ => ResourceName::from(key),
        };
        if let Some(amount) = value.quantity(&resource, &mut Vec::new()) {
            found.insert(resource, amount);
        }
    });
    found
}

/// Reads a `PodDisruptionBudget`.
pub(super) fn read_budget(object: View<'_>, cluster: &mut Cluster<'_>) {
    let (namespace, name) = read_identity(object);
    let Some(spec) = object.required("spec") else { return };
    // No selector selects nothing (policy/v1); an empty one selects every pod.
    let Some(selector) = spec.get("selector") else { return };
    let selector = LabelSelector { expressions: read_selector(selector) };
    let rule = match (spec.get("minAvailable"), spec.get("maxUnavailable")) {
        (Some(least), None) => read_amount(least).map(BudgetRule::MinAvailable),
        (None, Some(most)) => read_amount(most).map(BudgetRule::MaxUnavailable),
        // What the API server takes for a budget that says nothing.
        (None, None) => Some(BudgetRule::MinAvailable(Amount::Pods(1))),
        (Some(_), Some(_)) => {
            spec.fault("has both minAvailable and maxUnavailable");
            None
        }
    };
    if let (Some(rule), Some(observing)) = (rule, &mut cluster.observing) {
        observing.budgets.push(DisruptionBudget { namespace, name, selector, rule });
    }
}
