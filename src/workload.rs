//! What has to run: workloads with replicas, effective requests, limits, placement rules and owners.
//!
//! `input` makes these from files; nothing here parses text. Requests are *effective*: containers,
//! init containers, sidecars, pod-level resources and overhead are already folded into one amount
//! per resource and pod.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::demand::{Demand, Scenario};
use crate::units::{PartsPerMillion, ResourceName};

/// An amount per resource, in base units: millicores, bytes, or counts.
pub type ResourceList = BTreeMap<ResourceName, u64>;

/// What kind of object a workload came from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum WorkloadKind {
    /// A component of the native workload file or of a CSV row.
    Component,
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` ReplicaSet that no Deployment of the input owns.
    ReplicaSet,
    /// `v1` ReplicationController.
    ReplicationController,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` DaemonSet: one pod on every eligible node, so an overhead of nodes.
    DaemonSet,
    /// `batch/v1` Job.
    Job,
    /// `batch/v1` CronJob.
    CronJob,
    /// A pod that no controller of the input owns.
    Pod,
}

impl WorkloadKind {
    /// Every kind.
    pub const ALL: [WorkloadKind; 9] = [
        WorkloadKind::Component,
        WorkloadKind::Deployment,
        WorkloadKind::ReplicaSet,
        WorkloadKind::ReplicationController,
        WorkloadKind::StatefulSet,
        WorkloadKind::DaemonSet,
        WorkloadKind::Job,
        WorkloadKind::CronJob,
        WorkloadKind::Pod,
    ];
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            WorkloadKind::Component => "Component",
            WorkloadKind::Deployment => "Deployment",
            WorkloadKind::ReplicaSet => "ReplicaSet",
            WorkloadKind::ReplicationController => "ReplicationController",
            WorkloadKind::StatefulSet => "StatefulSet",
            WorkloadKind::DaemonSet => "DaemonSet",
            WorkloadKind::Job => "Job",
            WorkloadKind::CronJob => "CronJob",
            WorkloadKind::Pod => "Pod",
        })
    }
}

/// Identifies a workload within one input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadId {
    /// Kubernetes namespace; `default` where the input gives none.
    pub namespace: String,
    /// What it is.
    pub kind: WorkloadKind,
    /// Its name, unique within namespace and kind.
    pub name: String,
}

/// What stands between the name of a workload and that of a part of it that may lie on spot nodes; no
/// Kubernetes name has it.
pub const SPOT_MARK: &str = "@spot";

impl WorkloadId {
    /// The name in the input of the workload that this is, or is a part of.
    pub fn whole_name(&self) -> &str {
        self.name.rfind(SPOT_MARK).map_or(self.name.as_str(), |at| &self.name[..at])
    }
}

impl fmt::Display for WorkloadId {
    /// `namespace/Kind/name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.kind, self.name)
    }
}

/// A number of equal pods.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Workload {
    /// Its identity.
    pub id: WorkloadId,
    /// How many pods run at once. Ignored for DaemonSets.
    pub replicas: u64,
    /// What each of them takes and where it may lie.
    pub pod: PodTemplate,
    /// Who owns it: team, cost centre, namespace and the like.
    pub owners: BTreeMap<String, String>,
    /// The instance type that each replica has for itself today, where the input says so.
    pub current_type: Option<String>,
}

/// What one pod takes and where it may lie.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct PodTemplate {
    /// Effective requests. A resource that is not requested has no entry.
    pub requests: ResourceList,
    /// Effective limits. A resource without a limit has no entry (unbounded).
    pub limits: ResourceList,
    /// Labels of the pod, which selectors of other pods look at.
    pub labels: BTreeMap<String, String>,
    /// Scheduling rules.
    pub rules: PlacementRules,
    /// Value of the pod's PriorityClass; zero by default.
    pub priority: i32,
}

impl PodTemplate {
    /// Whether neither cpu nor memory is requested.
    pub fn has_no_requests(&self) -> bool {
        !self.requests.contains_key(&ResourceName::Cpu) && !self.requests.contains_key(&ResourceName::Memory)
    }
}

/// The rules by which the scheduler filters nodes for a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct PlacementRules {
    /// Labels that the node must carry.
    pub node_selector: BTreeMap<String, String>,
    /// Required node affinity: one of the terms must match. Empty means no rule.
    pub node_affinity: Vec<NodeSelectorTerm>,
    /// Taints that the pod tolerates.
    pub tolerations: Vec<Toleration>,
    /// Required pod anti-affinity.
    pub pod_anti_affinity: Vec<PodAffinityTerm>,
    /// Required pod affinity.
    pub pod_affinity: Vec<PodAffinityTerm>,
    /// Topology spread constraints with `DoNotSchedule`.
    pub topology_spread: Vec<TopologySpread>,
    /// Ports taken on the node.
    pub host_ports: Vec<HostPort>,
    /// Persistent volumes per pod.
    pub volumes: Vec<VolumeClaim>,
    /// The share of the replicas that may run on spot capacity; `None` for the policy's.
    pub spot_share: Option<PartsPerMillion>,
    /// Set on the pods that may lie on spot nodes; `formulate::split_spot` sets it. Other pods never do.
    pub spot: Option<SpotPart>,
    /// How many preferred rules there are (preferred affinities, `ScheduleAnyway`): they only score.
    pub preferred_rules: u32,
    /// These rules themselves, as far as they were read: a plan is not held to them.
    pub preferred: PreferredRules,
}

/// What makes pods those of a workload that may lie on spot nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpotPart {
    /// Replicas of the whole workload.
    pub of: u64,
    /// The share of them that may lie on spot nodes, rounded down to pods.
    pub share: PartsPerMillion,
    /// From 0: the group of instance types whose spot nodes may hold these pods.
    pub group: u32,
    /// Into how many groups the instance types are dealt.
    pub groups: u32,
    /// The most often interrupted types that may be bought, by their band's place; `None` for any.
    pub most_interrupted: Option<u8>,
}

/// Rules by which the scheduler scores nodes for a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct PreferredRules {
    /// Preferred node affinity.
    pub node: Vec<NodeSelectorTerm>,
    /// Preferred pod affinity.
    pub near: Vec<PodAffinityTerm>,
    /// Preferred pod anti-affinity.
    pub apart: Vec<PodAffinityTerm>,
    /// Topology spread constraints with `ScheduleAnyway`.
    pub spread: Vec<TopologySpread>,
}

/// Expressions that must all hold for a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct NodeSelectorTerm {
    /// Expressions over labels (`metadata.name` as a field counts as the label `metadata.name`).
    pub expressions: Vec<LabelExpression>,
}

/// A condition on one label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelExpression {
    /// The label's key.
    pub key: String,
    /// How it is compared.
    pub operator: LabelOperator,
    /// With what; one whole number for `Gt` and `Lt`, empty for `Exists` and `DoesNotExist`.
    pub values: Vec<String>,
}

/// The six operators of node affinity; label selectors of pods know the first four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LabelOperator {
    /// The label is there and has one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The label is a whole number greater than the value.
    Gt,
    /// The label is a whole number less than the value.
    Lt,
}

impl LabelExpression {
    /// Whether a set of labels satisfies it.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.holds(labels.get(&self.key))
    }

    /// Whether the label's value satisfies it; `None` for no such label.
    pub fn holds(&self, label: Option<&String>) -> bool {
        let compare = |wanted: fn(&i64, &i64) -> bool| {
            let have = label.and_then(|l| l.parse().ok());
            let want = self.values.first().and_then(|v| v.parse().ok());
            matches!((have, want), (Some(h), Some(w)) if self.values.len() == 1 && wanted(&h, &w))
        };
        match self.operator {
            LabelOperator::In => label.is_some_and(|l| self.values.contains(l)),
            LabelOperator::NotIn => label.is_none_or(|l| !self.values.contains(l)),
            LabelOperator::Exists => label.is_some(),
            LabelOperator::DoesNotExist => label.is_none(),
            LabelOperator::Gt => compare(i64::gt),
            LabelOperator::Lt => compare(i64::lt),
        }
    }
}

impl NodeSelectorTerm {
    /// Whether a node with these labels satisfies the term. An empty term matches nothing.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        !self.expressions.is_empty() && self.expressions.iter().all(|e| e.matches(labels))
    }
}

/// Selects pods by their labels. Without expressions it selects every pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct LabelSelector {
    /// `matchLabels` as `In` with one value, and `matchExpressions`.
    pub expressions: Vec<LabelExpression>,
}

impl LabelSelector {
    /// Whether a pod with these labels is selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.expressions.iter().all(|e| e.matches(labels))
    }
}

/// A required affinity to, or anti-affinity from, other pods.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PodAffinityTerm {
    /// The node label whose values are the domains, `kubernetes.io/hostname` for nodes.
    pub topology_key: String,
    /// Which pods.
    pub selector: LabelSelector,
    /// In which namespaces; the pod's own where the manifest names none.
    pub namespaces: Vec<String>,
}

/// A topology spread constraint with `DoNotSchedule`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TopologySpread {
    /// The node label whose values are the domains.
    pub topology_key: String,
    /// The most by which a domain may exceed the emptiest one.
    pub max_skew: u32,
    /// With fewer domains than this the emptiest counts as zero.
    pub min_domains: Option<u32>,
    /// Which pods of the namespace are counted.
    pub selector: LabelSelector,
}

/// A taint's counterpart on a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Toleration {
    /// The taint's key; `None` tolerates every key.
    pub key: Option<String>,
    /// The value that must be equal; `None` for the operator `Exists`.
    pub value: Option<String>,
    /// The effect; `None` for every effect.
    pub effect: Option<String>,
}

/// A port on the node's own address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// Port number.
    pub port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// The address; empty and `0.0.0.0` clash with every address.
    pub host_ip: String,
}

/// A persistent volume that each pod attaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VolumeClaim {
    /// The claim or claim template.
    pub name: String,
    /// The zone that an existing volume pins the pod to.
    pub zone: Option<String>,
}

/// A number of pods, or a share of them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// Pods.
    Pods(u64),
    /// Parts per million of all that are expected.
    Share(PartsPerMillion),
}

impl Amount {
    /// How many of `pods` that is, a share rounded up.
    pub fn ceil_of(self, pods: u64) -> u64 {
        match self {
            Amount::Pods(n) => n,
            Amount::Share(share) => share.ceil_of(pods),
        }
    }

    /// How many of `pods` that is, a share rounded down.
    pub fn floor_of(self, pods: u64) -> u64 {
        match self {
            Amount::Pods(n) => n,
            Amount::Share(share) => share.floor_of(pods),
        }
    }
}

/// How a controller replaces its pods by those of a new template.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum UpdateStrategy {
    /// Step by step, as Deployments do unless told otherwise.
    Rolling {
        /// Pods that may come beyond the replicas; a share is rounded up.
        max_surge: Amount,
        /// Replicas that may be missing; a share is rounded down.
        max_unavailable: Amount,
    },
    /// All old pods go before the first new one comes (`Recreate`).
    Recreate,
    /// So many pods at a time go and come again, as those of a StatefulSet do.
    InPlace {
        /// Pods that may be missing; a share is rounded up.
        max_unavailable: Amount,
    },
}

/// Everything that the inputs ask for, with what was read but does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkloadSet {
    /// What has to be placed, in input order. No DaemonSets.
    pub workloads: Vec<Workload>,
    /// The catalog whose prices the input is meant for, by name, where it names one.
    pub catalog: Option<String>,
    /// How replicas vary over time, of the workloads that say so. A workload whose limits are an
    /// autoscaler's is here even if nothing says when it has how many.
    pub demands: BTreeMap<WorkloadId, Demand>,
    /// How demand may turn out; empty where nothing is said.
    pub scenarios: Vec<Scenario>,
    /// How controllers replace their pods, of those that say so.
    pub updates: BTreeMap<WorkloadId, UpdateStrategy>,
    /// Overhead of every node that they are eligible for.
    pub daemon_sets: Vec<Workload>,
    /// Whether Kubernetes objects are among what was read.
    pub from_kubernetes: bool,
    /// Objects of other kinds, by kind: counted and skipped.
    pub skipped_kinds: BTreeMap<String, u64>,
    /// Pods that belong to a controller in the same input.
    pub owned_pods: u64,
    /// Pods that are done (`Succeeded`, `Failed`) and hold nothing.
    pub finished_pods: u64,
    /// What a reader should look at, with where it stands.
    pub warnings: Vec<String>,
}

impl WorkloadSet {
    /// How the pods of a workload are replaced, where its manifest says so. Parts of a workload (those on spot
    /// nodes, those of one zone's volumes) are replaced as the whole is.
    pub fn update_of(&self, id: &WorkloadId) -> Option<UpdateStrategy> {
        let name = id.whole_name();
        let whole = |name: &str| WorkloadId { name: name.to_owned(), ..id.clone() };
        let found = self.updates.get(&whole(name));
        found.or_else(|| self.updates.get(&whole(&name[..name.rfind('#')?]))).copied()
    }
}
