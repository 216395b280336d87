//! A cluster as it runs: its nodes with what lies on them, and how many pods may be away at once.
//!
//! `input` makes this from what the API server lists. Workloads are named by their place in the
//! [`WorkloadSet`] that was read along with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Provider;
use crate::policy::Taint;
use crate::workload::{Amount, LabelSelector, PodTemplate, ResourceList, Workload, WorkloadId, WorkloadSet};

/// Everything that runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObservedCluster {
    /// The nodes, in input order.
    pub nodes: Vec<ObservedNode>,
    /// What stays with its node: pods of DaemonSets and static pods; equal ones are one entry.
    pub bound: Vec<BoundPod>,
    /// Pods that lie on no node of the input: index into the set's workloads, and how many.
    pub waiting: Vec<(usize, u64)>,
    /// PodDisruptionBudgets, in input order.
    pub budgets: Vec<DisruptionBudget>,
}

impl ObservedCluster {
    /// The nodes for which `keep` is true, with the pods that lie on them, and the pods that wait.
    pub fn only(&self, set: &WorkloadSet, keep: &[bool]) -> (WorkloadSet, ObservedCluster) {
        let kept = || self.nodes.iter().zip(keep).filter(|&(_, &keep)| keep).map(|(node, _)| node);
        let mut pods = vec![0u64; set.workloads.len()];
        for here in kept().flat_map(|node| &node.pods) {
            pods[here.workload] += here.pods;
        }
        self.waiting.iter().for_each(|&(workload, waiting)| pods[workload] += waiting);
        let mut places = vec![0; pods.len()];
        let mut workloads = Vec::new();
        for ((workload, &replicas), place) in set.workloads.iter().zip(&pods).zip(&mut places) {
            *place = workloads.len();
            if replicas > 0 {
                workloads.push(Workload { replicas, ..workload.clone() });
            }
        }
        let nodes = kept().cloned().map(|mut node| {
            node.pods.iter_mut().for_each(|here| here.workload = places[here.workload]);
            node
        });
        let observed = ObservedCluster {
            nodes: nodes.collect(),
            bound: self.bound.clone(),
            waiting: self.waiting.iter().map(|&(workload, pods)| (places[workload], pods)).collect(),
            budgets: self.budgets.clone(),
        };
        (WorkloadSet { workloads, ..set.clone() }, observed)
    }

    /// The zones that nodes stand in, sorted.
    pub fn zones(&self) -> Vec<String> {
        let zones: BTreeSet<&str> = self.nodes.iter().filter_map(ObservedNode::zone).collect();
        zones.into_iter().map(str::to_owned).collect()
    }

    /// Whose machines most nodes are, by the scheme of their provider id, and in which region.
    pub fn home(&self) -> Option<(Provider, String)> {
        let mut found: BTreeMap<(Provider, &str), usize> = BTreeMap::new();
        for node in &self.nodes {
            let scheme = node.provider_id.as_deref().and_then(|id| id.split_once("://"));
            let provider = match scheme {
                Some(("aws", _)) => Provider::Aws,
                Some(("gce", _)) => Provider::Gcp,
                Some(("azure", _)) => Provider::Azure,
                _ => continue,
            };
            *found.entry((provider, node.region()?)).or_default() += 1;
        }
        let ((provider, region), _) = found.into_iter().max_by_key(|(_, nodes)| *nodes)?;
        Some((provider, region.to_owned()))
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObservedNode {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its taints.
    pub taints: Vec<Taint>,
    /// Whether it takes no more pods (`kubectl cordon`).
    pub unschedulable: bool,
    /// What the kubelet sees of the machine, in base units.
    pub capacity: ResourceList,
    /// What pods may fill, in base units.
    pub allocatable: ResourceList,
    /// The provider's name of the machine.
    pub provider_id: Option<String>,
    /// Pods that may lie elsewhere as well, by workload ascending.
    pub pods: Vec<PodsHere>,
    /// Pods that stay with the node: index into [`ObservedCluster::bound`], and how many.
    pub bound: Vec<(usize, u64)>,
}

/// Pods of one workload on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodsHere {
    /// Index into the set's workloads.
    pub workload: usize,
    /// How many.
    pub pods: u64,
    /// How many of them nobody may move: without a controller that would make them again, or marked
    /// `karpenter.sh/do-not-disrupt` or `cluster-autoscaler.kubernetes.io/safe-to-evict: "false"`.
    pub held: u64,
}

/// A pod that stays with its node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BoundPod {
    /// What made it.
    pub id: WorkloadId,
    /// What it takes.
    pub pod: PodTemplate,
}

/// How a machine was bought, as its node's labels tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CapacityType {
    /// No label says otherwise.
    OnDemand,
    /// Spare capacity that the provider may take away.
    Spot,
}

impl CapacityType {
    /// As Karpenter's label writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            CapacityType::OnDemand => "on-demand",
            CapacityType::Spot => "spot",
        }
    }
}

/// Labels that say spot, with the value that does: Karpenter, EKS, GKE (two), AKS.
const SPOT: [(&str, &str); 6] = [
    ("karpenter.sh/capacity-type", "spot"),
    ("eks.amazonaws.com/capacityType", "SPOT"),
    ("cloud.google.com/gke-spot", "true"),
    ("cloud.google.com/gke-preemptible", "true"),
    ("kubernetes.azure.com/scalesetpriority", "spot"),
    ("node.kubernetes.io/lifecycle", "spot"),
];

impl ObservedNode {
    fn label(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|&key| self.labels.get(key)).map(String::as_str)
    }

    /// The instance type, where a label tells.
    pub fn instance_type(&self) -> Option<&str> {
        self.label(&["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"])
    }

    /// The zone, where a label tells.
    pub fn zone(&self) -> Option<&str> {
        self.label(&["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"])
    }

    /// The region, where a label tells.
    pub fn region(&self) -> Option<&str> {
        self.label(&["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"])
    }

    /// How it was bought.
    pub fn capacity_type(&self) -> CapacityType {
        let spot = |&(key, value): &(&str, &str)| self.labels.get(key).is_some_and(|have| have == value);
        if SPOT.iter().any(spot) { CapacityType::Spot } else { CapacityType::OnDemand }
    }

    /// Whether it runs the control plane.
    pub fn is_control_plane(&self) -> bool {
        ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"]
            .iter()
            .any(|&key| self.labels.contains_key(key))
    }
}

/// How many pods of a selection must be there, or may be away, at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisruptionBudget {
    /// Its namespace, which its pods share.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Which pods.
    pub selector: LabelSelector,
    /// How many.
    pub rule: BudgetRule,
}

/// What a budget asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetRule {
    /// So many are there.
    MinAvailable(Amount),
    /// So many are away at most.
    MaxUnavailable(Amount),
}

impl DisruptionBudget {
    /// Whether it is about the pods of a workload.
    pub fn covers(&self, workload: &Workload) -> bool {
        self.namespace == workload.id.namespace && self.selector.matches(&workload.pod.labels)
    }

    /// How many of `pods` pods, all of them healthy, may be away at once.
    pub fn disruptions(&self, pods: u64) -> u64 {
        match self.rule {
            BudgetRule::MinAvailable(least) => pods.saturating_sub(least.ceil_of(pods)),
            BudgetRule::MaxUnavailable(most) => most.ceil_of(pods).min(pods),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::PartsPerMillion;

    fn budget(rule: BudgetRule) -> DisruptionBudget {
        let selector = LabelSelector::default();
        DisruptionBudget { namespace: "shop".to_owned(), name: "web".to_owned(), selector, rule }
    }

    #[test]
    fn shares_round_up_on_either_side() {
        let half = Amount::Share(PartsPerMillion(500_000));
        // Of 7 pods 4 must be there; or 4 may be away (policy/v1: both round up).
        assert_eq!(budget(BudgetRule::MinAvailable(half)).disruptions(7), 3);
        assert_eq!(budget(BudgetRule::MaxUnavailable(half)).disruptions(7), 4);
        assert_eq!(budget(BudgetRule::MinAvailable(Amount::Pods(9))).disruptions(7), 0);
        assert_eq!(budget(BudgetRule::MaxUnavailable(Amount::Pods(0))).disruptions(7), 0);
    }

    #[test]
    fn each_provider_says_spot_in_its_own_words() {
        for (key, value) in SPOT {
            let labels = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            let node = ObservedNode { labels, ..ObservedNode::default() };
            assert_eq!(node.capacity_type(), CapacityType::Spot, "{key}");
        }
        assert_eq!(ObservedNode::default().capacity_type(), CapacityType::OnDemand);
    }
}
