//! One Kubernetes object at a time: what kind it is and what of it a plan needs.

use super::cluster::{Autoscaler, Cluster, Controller, OwnerReference, RunningPod};
use super::document::STAYS;
use super::observed;
use super::placement;
use super::pod;
use super::update::read_update;
use super::view::{View, clip};
use crate::workload::{NodeSelectorTerm, WorkloadId, WorkloadKind};

/// Reads an object, or each object of a list, into the cluster. `list_kind` is the kind of the list
/// that the object stands in, for items that do not say their own.
pub(super) fn read_object(object: View<'_>, list_kind: Option<&str>, cluster: &mut Cluster<'_>) {
    let own_kind = object.get("kind").and_then(|kind| kind.text());
    let implied = list_kind.and_then(|list| list.strip_suffix("List")).filter(|kind| !kind.is_empty());
    let Some(kind) = own_kind.or(implied) else {
        object.required("kind");
        return;
    };
    if object.get("items").is_some() && kind.ends_with("List") {
        if let Some(items) = object.get("items") {
            items.each_item(|item| read_object(item, Some(kind), cluster));
        }
        return;
    }
    let version = object.get("apiVersion").and_then(|version| version.text()).unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let own_group = matches!(
        group,
        "" | "apps"
            | "extensions"
            | "batch"
            | "autoscaling"
            | "scheduling.k8s.io"
            | "policy"
            | "storage.k8s.io"
    );
    match kind {
        _ if !own_group => cluster.skip(kind),
        "Pod" => read_pod(object, cluster),
        "Deployment" => read_controller(object, WorkloadKind::Deployment, cluster),
        "ReplicaSet" => read_controller(object, WorkloadKind::ReplicaSet, cluster),
        "ReplicationController" => read_controller(object, WorkloadKind::ReplicationController, cluster),
        "StatefulSet" => read_controller(object, WorkloadKind::StatefulSet, cluster),
        "DaemonSet" => read_controller(object, WorkloadKind::DaemonSet, cluster),
        "Job" => read_controller(object, WorkloadKind::Job, cluster),
        "CronJob" => read_controller(object, WorkloadKind::CronJob, cluster),
        "HorizontalPodAutoscaler" => read_autoscaler(object, cluster),
        "PriorityClass" => read_priority_class(object, cluster),
        "PersistentVolume" => read_volume(object, cluster),
        "Namespace" => read_namespace(object, cluster),
        "Node" if cluster.observing.is_some() => observed::read_node(object, cluster),
        "PodDisruptionBudget" if cluster.observing.is_some() => observed::read_budget(object, cluster),
        other => cluster.skip(&clip(other)),
    }
}

/// Namespace and name. An object without a name is faulted and read on, for its other faults.
pub(super) fn read_identity(object: View<'_>) -> (String, String) {
    let Some(metadata) = object.required("metadata") else { return Default::default() };
    let name = match (metadata.get("name"), metadata.get("generateName")) {
        (None, Some(prefix)) => prefix.text(),
        _ => metadata.required("name").and_then(|name| name.text()),
    };
    let namespace = metadata.get("namespace").and_then(|namespace| namespace.text());
    (namespace.unwrap_or("default").to_owned(), name.unwrap_or_default().to_owned())
}

/// The object that controls this one.
fn read_controller_reference(object: View<'_>) -> Option<OwnerReference> {
    let metadata = object.get("metadata")?;
    let references = metadata.get("ownerReferences")?;
    let mut owner = None;
    references.each_item(|reference| {
        let controls = reference.get("controller").and_then(|flag| flag.boolean()).unwrap_or(false);
        let text = |key: &str| reference.required(key).and_then(|value| value.text().map(str::to_owned));
        if controls && let (Some(kind), Some(name)) = (text("kind"), text("name")) {
            owner = Some(OwnerReference { kind, name });
        }
    });
    owner
}

fn read_controller(object: View<'_>, kind: WorkloadKind, cluster: &mut Cluster<'_>) {
    let (namespace, name) = read_identity(object);
    let owners = object
        .get("metadata")
        .map(|m| pod::read_owners(m, &cluster.options.owner_labels))
        .unwrap_or_default();
    let Some(spec) = object.required("spec") else { return };
    let job_spec = match kind {
        WorkloadKind::CronJob => spec.required("jobTemplate"),
        _ => None,
    };
    let pod_spec = match &job_spec {
        Some(template) => template.required("spec"),
        None if kind == WorkloadKind::CronJob => None,
        None => Some(spec),
    };
    let Some(pod_spec) = pod_spec else { return };
    let Some(template) = pod_spec.required("template") else { return };
    let mut draft = pod::read_template(template, &namespace, &mut cluster.warnings);
    if draft.pod.rules.spot_share.is_none() {
        draft.pod.rules.spot_share = object.get("metadata").and_then(placement::spot_share_of);
    }
    if kind == WorkloadKind::StatefulSet
        && let Some(templates) = spec.get("volumeClaimTemplates")
    {
        // A volume of the pod that names a claim template is that template's claim.
        let claimed = draft.pod.rules.volumes.len();
        pod::read_claim_templates(templates, &mut draft.pod.rules);
        let made: Vec<_> = draft.pod.rules.volumes.split_off(claimed);
        draft.pod.rules.volumes.retain(|volume| !made.iter().any(|m| m.name == volume.name));
        draft.pod.rules.volumes.extend(made);
    }
    let whole = |view: View<'_>, key: &str| view.get(key).and_then(|number| number.whole());
    let replicas = match kind {
        WorkloadKind::Job | WorkloadKind::CronJob => {
            let at_once = whole(pod_spec, "parallelism").unwrap_or(1);
            // No more pods run than are still to be completed.
            Some(at_once.min(whole(pod_spec, "completions").unwrap_or(at_once)))
        }
        _ => whole(spec, "replicas"),
    };
    if let Some(update) = read_update(kind, spec) {
        let id = WorkloadId { namespace: namespace.clone(), kind, name: name.clone() };
        cluster.updates.insert(id, update);
    }
    let suspended = spec.get("suspend").and_then(|flag| flag.boolean()).unwrap_or(false);
    let finished = kind == WorkloadKind::Job && job_is_finished(object);
    cluster.add_controller(
        Controller {
            namespace,
            kind,
            name,
            replicas: if suspended { Some(0) } else { replicas },
            draft,
            owners,
            owner: read_controller_reference(object),
            finished,
        },
        object,
    );
}

/// Whether a Job's status says that it is complete or has failed for good.
fn job_is_finished(object: View<'_>) -> bool {
    let mut finished = false;
    if let Some(status) = object.get("status")
        && let Some(conditions) = status.get("conditions")
    {
        conditions.each_item(|condition| {
            let is = |key: &str, wanted: &[&str]| {
                condition.get(key).and_then(|value| value.text()).is_some_and(|text| wanted.contains(&text))
            };
            finished |= is("type", &["Complete", "Failed"]) && is("status", &["True"]);
        });
    }
    finished
}

fn read_pod(object: View<'_>, cluster: &mut Cluster<'_>) {
    let (namespace, name) = read_identity(object);
    if let Some(status) = object.get("status")
        && let Some(phase) = status.get("phase")
        && matches!(phase.text(), Some("Succeeded" | "Failed"))
    {
        cluster.finished_pods += 1;
        return;
    }
    let owner = read_controller_reference(object);
    let mut warnings = Vec::new();
    let mut draft = pod::read_template(object, &namespace, &mut warnings);
    // `<deployment>-<hash>` is the name of a ReplicaSet that a Deployment made.
    let template_hash = draft.pod.labels.get("pod-template-hash").cloned();
    let claims = draft.pod.rules.volumes.iter().map(|volume| volume.name.clone()).collect();
    if let Some(owner) = &owner {
        pod::forget_identity(&mut draft, &name, owner.kind == "DaemonSet");
    }
    let owners = object
        .get("metadata")
        .map(|m| pod::read_owners(m, &cluster.options.owner_labels))
        .unwrap_or_default();
    let observed = cluster.observing.is_some();
    let node = object.get("spec").filter(|_| observed).and_then(|spec| {
        let name = spec.get("nodeName")?;
        name.text().map(str::to_owned)
    });
    // Without a controller nobody makes the pod again elsewhere.
    let held = observed && (owner.is_none() || is_marked_to_stay(object));
    cluster.add_pod(
        RunningPod { namespace, name, owner, template_hash, draft, claims, owners, node, held },
        warnings,
        object,
    );
}

/// Whether an annotation forbids to move a pod.
fn is_marked_to_stay(pod: View<'_>) -> bool {
    let Some(metadata) = pod.get("metadata") else { return false };
    let Some(annotations) = metadata.get("annotations") else { return false };
    let marked = |&(key, value): &(&str, &str)| {
        annotations.get(key).is_some_and(|found| found.node.as_str() == Some(value))
    };
    STAYS.iter().any(marked)
}

fn read_autoscaler(object: View<'_>, cluster: &mut Cluster<'_>) {
    let (namespace, _) = read_identity(object);
    let Some(spec) = object.required("spec") else { return };
    let Some(target) = spec.required("scaleTargetRef") else { return };
    let text = |key: &str| target.required(key).and_then(|value| value.text().map(str::to_owned));
    let (kind, name) = (text("kind"), text("name"));
    let min = spec.get("minReplicas").and_then(|number| number.whole()).unwrap_or(1);
    let max = spec.required("maxReplicas").and_then(|number| number.whole());
    if let (Some(kind), Some(name), Some(max)) = (kind, name, max) {
        if max < min {
            spec.fault(format!("maxReplicas {max} is less than minReplicas {min}"));
        }
        cluster.autoscalers.push(Autoscaler { namespace, kind, name, min, max });
    }
}

fn read_priority_class(object: View<'_>, cluster: &mut Cluster<'_>) {
    let (_, name) = read_identity(object);
    if let Some(value) = object.required("value").and_then(|value| value.integer()) {
        if object.get("globalDefault").and_then(|flag| flag.boolean()) == Some(true) {
            cluster.default_priority = value;
        }
        cluster.priority_classes.insert(name, value);
    }
}

/// The zone of a volume, by the claim that is bound to it.
fn read_volume(object: View<'_>, cluster: &mut Cluster<'_>) {
    const ZONE_KEYS: [&str; 6] = [
        "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/zone",
        "topology.ebs.csi.aws.com/zone",
        "topology.gke.io/zone",
        "topology.disk.csi.azure.com/zone",
        "failure-domain.kubernetes.io/zone",
    ];
    let Some(spec) = object.required("spec") else { return };
    let Some(claim) = spec.get("claimRef") else { return };
    let text = |key: &str| claim.required(key).and_then(|value| value.text().map(str::to_owned));
    let (Some(namespace), Some(name)) = (text("namespace"), text("name")) else { return };
    let mut terms: Vec<NodeSelectorTerm> = Vec::new();
    if let Some(affinity) = spec.get("nodeAffinity")
        && let Some(required) = affinity.get("required")
        && let Some(list) = required.get("nodeSelectorTerms")
    {
        list.each_item(|term| terms.push(placement::read_node_term(term)));
    }
    let zones =
        terms.iter().flat_map(|term| &term.expressions).filter(|e| ZONE_KEYS.contains(&e.key.as_str()));
    let mut zones: Vec<&String> = zones.flat_map(|expression| &expression.values).collect();
    zones.sort();
    zones.dedup();
    // A regional disk lies in several zones and pins its pod to none of them alone.
    if let [zone] = zones[..] {
        cluster.claim_zones.insert((namespace, name), zone.clone());
    }
}

fn read_namespace(object: View<'_>, cluster: &mut Cluster<'_>) {
    let (_, name) = read_identity(object);
    let labels = object.get("metadata").and_then(|m| m.get("labels").map(|labels| labels.string_map()));
    cluster.namespaces.insert(name, labels.unwrap_or_default());
}
