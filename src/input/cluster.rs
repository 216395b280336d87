//! Objects of all inputs, as they come: controllers, pods grouped by owner and shape, and what other
//! objects say about them. `assemble` makes the workloads when everything is read.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::ReadOptions;
use super::observed::{Observing, Place};
use super::pod::Draft;
use super::view::View;
use crate::demand::{Demand, Scenario};
use crate::workload::{UpdateStrategy, Workload, WorkloadId, WorkloadKind};

/// An object that makes pods.
pub(super) struct Controller {
    pub namespace: String,
    pub kind: WorkloadKind,
    pub name: String,
    /// None where the manifest leaves the number to a default or an autoscaler.
    pub replicas: Option<u64>,
    pub draft: Draft,
    pub owners: BTreeMap<String, String>,
    pub owner: Option<OwnerReference>,
    /// A Job that is over.
    pub finished: bool,
}

/// A pod that runs or waits.
pub(super) struct RunningPod {
    pub namespace: String,
    pub name: String,
    pub owner: Option<OwnerReference>,
    pub template_hash: Option<String>,
    pub draft: Draft,
    /// Claims under the names that this pod has them by.
    pub claims: Vec<String>,
    pub owners: BTreeMap<String, String>,
    /// The node that it lies on.
    pub node: Option<String>,
    /// Whether nobody may move it.
    pub held: bool,
}

/// The controlling entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct OwnerReference {
    pub kind: String,
    pub name: String,
}

/// A HorizontalPodAutoscaler.
pub(super) struct Autoscaler {
    pub namespace: String,
    pub kind: String,
    pub name: String,
    pub min: u64,
    pub max: u64,
}

/// Namespace, kind and name.
pub(super) type ObjectKey = (String, String, String);

/// Pods of one owner and one shape.
pub(super) struct PodGroup {
    /// Place in the input order.
    pub order: usize,
    pub first_name: String,
    pub template_hash: Option<String>,
    pub owners: BTreeMap<String, String>,
    pub count: u64,
    /// What the pods' volumes claim under their own names, for pods that have volumes.
    pub claims: Vec<Vec<String>>,
    /// Where each of them lies, where the cluster is observed.
    pub places: Vec<Place>,
    pub warnings: Vec<String>,
}

/// Everything read so far.
pub(super) struct Cluster<'o> {
    pub options: &'o ReadOptions,
    pub warnings: Vec<String>,
    pub finished_pods: u64,
    pub autoscalers: Vec<Autoscaler>,
    pub priority_classes: HashMap<String, i32>,
    pub default_priority: i32,
    /// Zone of the volume behind a claim, by namespace and claim.
    pub claim_zones: HashMap<(String, String), String>,
    /// Labels of namespaces.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    pub skipped_kinds: BTreeMap<String, u64>,
    pub controllers: Vec<(usize, Controller)>,
    /// Where each object stands, to name both places of a duplicate.
    pub seen: HashMap<ObjectKey, String>,
    seen_pods: HashMap<String, HashSet<String>>,
    /// Shapes by owner; pods without one are grouped by namespace.
    pub pods: HashMap<ObjectKey, HashMap<Draft, PodGroup>>,
    pub ready: Vec<(usize, Workload)>,
    /// The catalog that a native file names, and where it does.
    pub catalog: Option<(String, String)>,
    /// How workloads vary over time.
    pub demands: BTreeMap<WorkloadId, Demand>,
    /// How controllers replace their pods.
    pub updates: BTreeMap<WorkloadId, UpdateStrategy>,
    /// The scenarios that a native file names, and where it does.
    pub scenarios: Option<(Vec<Scenario>, String)>,
    /// Nodes and budgets, where the cluster is read as it runs.
    pub observing: Option<Observing>,
    order: usize,
}

impl<'o> Cluster<'o> {
    pub fn new(options: &'o ReadOptions) -> Self {
        Cluster {
            options,
            warnings: Vec::new(),
            finished_pods: 0,
            autoscalers: Vec::new(),
            priority_classes: HashMap::from([
                ("system-cluster-critical".to_owned(), 2_000_000_000),
                ("system-node-critical".to_owned(), 2_000_001_000),
            ]),
            default_priority: 0,
            claim_zones: HashMap::new(),
            namespaces: BTreeMap::new(),
            skipped_kinds: BTreeMap::new(),
            controllers: Vec::new(),
            seen: HashMap::new(),
            seen_pods: HashMap::new(),
            pods: HashMap::new(),
            ready: Vec::new(),
            catalog: None,
            demands: BTreeMap::new(),
            updates: BTreeMap::new(),
            scenarios: None,
            observing: None,
            order: 0,
        }
    }

    /// For a cluster that is read as it runs.
    pub fn observing(options: &'o ReadOptions) -> Self {
        Cluster { observing: Some(Observing::default()), ..Cluster::new(options) }
    }

    /// Counts an object that a plan does not need.
    pub fn skip(&mut self, kind: &str) {
        match self.skipped_kinds.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.skipped_kinds.insert(kind.to_owned(), 1)),
        }
    }

    /// Takes the catalog that a file at `place` is meant for: the same for all files that name one.
    pub fn name_catalog(&mut self, name: &str, place: String) -> Result<(), String> {
        match &self.catalog {
            Some((other, first)) if other != name => {
                Err(format!("catalog `{name}`, where `{other}` was named at {first}"))
            }
            Some(_) => Ok(()),
            None => {
                self.catalog = Some((name.to_owned(), place));
                Ok(())
            }
        }
    }

    /// Takes a workload of a native file or a CSV row; `view` or `place` says where it stands.
    pub fn add_ready(&mut self, workload: Workload, place: String) -> Result<(), String> {
        let id = &workload.id;
        let key = (id.namespace.clone(), id.kind.to_string(), id.name.clone());
        self.claim_name(key, place)?;
        self.order += 1;
        self.ready.push((self.order, workload));
        Ok(())
    }

    /// Takes a controller, or faults it where one of that name was read already.
    pub fn add_controller(&mut self, controller: Controller, object: View<'_>) {
        let key = (controller.namespace.clone(), controller.kind.to_string(), controller.name.clone());
        if let Err(message) = self.claim_name(key, object.place()) {
            return object.fault(message);
        }
        self.order += 1;
        self.controllers.push((self.order, controller));
    }

    fn claim_name(&mut self, key: ObjectKey, place: String) -> Result<(), String> {
        if key.2.is_empty() {
            // Faulted already, for want of a name.
            return Ok(());
        }
        match self.seen.entry(key) {
            Entry::Occupied(earlier) => {
                let (namespace, kind, name) = earlier.key();
                Err(format!("{namespace}/{kind}/{name} stands twice; first at {}", earlier.get()))
            }
            Entry::Vacant(entry) => {
                entry.insert(place);
                Ok(())
            }
        }
    }

    /// Takes a pod as one more copy of its owner's shape.
    pub fn add_pod(&mut self, pod: RunningPod, warnings: Vec<String>, object: View<'_>) {
        let names = self.seen_pods.entry(pod.namespace.clone()).or_default();
        if !pod.name.is_empty() && !names.insert(pod.name.clone()) {
            return object.fault(format!("{}/Pod/{} stands twice", pod.namespace, pod.name));
        }
        let claims = (!pod.claims.is_empty()).then_some(pod.claims);
        let place = self.observing.as_mut().map(|observing| Place {
            node: pod.node.as_deref().map(|name| observing.node(name)),
            held: pod.held,
        });
        let owner = pod.owner.unwrap_or(OwnerReference { kind: String::new(), name: String::new() });
        let shapes = self.pods.entry((pod.namespace, owner.kind, owner.name)).or_default();
        match shapes.get_mut(&pod.draft) {
            Some(group) => {
                group.count += 1;
                group.claims.extend(claims);
                group.places.extend(place);
            }
            None => {
                self.order += 1;
                let group = PodGroup {
                    order: self.order,
                    first_name: pod.name,
                    template_hash: pod.template_hash,
                    owners: pod.owners,
                    count: 1,
                    claims: claims.into_iter().collect(),
                    places: place.into_iter().collect(),
                    warnings,
                };
                shapes.insert(pod.draft, group);
            }
        }
    }

    /// Whether nothing with pods was read, finished ones included, nor any node that is observed.
    pub fn is_empty(&self) -> bool {
        self.controllers.is_empty()
            && self.pods.is_empty()
            && self.ready.is_empty()
            && self.finished_pods == 0
            && self.observing.as_ref().is_none_or(|observing| observing.node_count() == 0)
    }
}
