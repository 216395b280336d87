//! A Kubernetes pod spec into what one pod takes and where it may lie.

use std::collections::BTreeMap;

use super::document::Value;
use super::effective::{Container, PodResources};
use super::placement::{self, NamespaceSelector, Owner};
use super::view::{View, clip};
use crate::workload::{LabelExpression, PlacementRules, PodTemplate, VolumeClaim};

/// A pod template some of whose facts stand in other objects: the value of its priority class, the
/// namespaces of its selectors, the zones of its volumes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Draft {
    pub pod: PodTemplate,
    /// A class whose value the manifest does not give.
    pub priority_class: Option<String>,
    pub namespace_selectors: Vec<NamespaceSelector>,
}

/// Labels that differ from pod to pod of one controller and that nothing schedules by.
const PER_POD_LABELS: [&str; 4] = [
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "pod-template-generation",
];

/// Labels that tell revisions of one controller apart; dropped unless the pod's own rules use them.
const REVISION_LABELS: [&str; 2] = ["pod-template-hash", "controller-revision-hash"];

/// Reads a pod template: `metadata.labels` and `spec` of a Pod or of a controller's template.
pub(super) fn read_template(template: View<'_>, namespace: &str, warnings: &mut Vec<String>) -> Draft {
    let mut draft = Draft::default();
    if let Some(metadata) = template.get("metadata") {
        if let Some(labels) = metadata.get("labels") {
            draft.pod.labels = labels.string_map();
        }
        draft.pod.rules.spot_share = placement::spot_share_of(metadata);
    }
    let Some(spec) = template.required("spec") else { return draft };
    read_resources(spec, &mut draft.pod, warnings);
    let owner = Owner { namespace, labels: &draft.pod.labels };
    placement::read_rules(spec, &owner, &mut draft.pod.rules, &mut draft.namespace_selectors);
    if let Some(volumes) = spec.get("volumes") {
        read_volumes(volumes, &mut draft.pod.rules);
    }
    match spec.get("priority") {
        Some(priority) => draft.pod.priority = priority.integer().unwrap_or_default(),
        None => {
            draft.priority_class =
                spec.get("priorityClassName").and_then(|class| class.text().map(str::to_owned));
        }
    }
    draft
}

fn read_resources(spec: View<'_>, pod: &mut PodTemplate, warnings: &mut Vec<String>) {
    let host_network = spec.get("hostNetwork").and_then(|flag| flag.boolean()).unwrap_or(false);
    let mut parts = PodResources::default();
    if let Some(containers) = spec.required("containers") {
        containers.each_item(|item| {
            placement::read_host_ports(item, host_network, &mut pod.rules.host_ports);
            parts.containers.push(read_container(item, warnings));
        });
        if matches!(&containers.node.value, Value::Sequence(items) if items.is_empty()) {
            containers.fault("a pod needs at least one container");
        }
    }
    if let Some(containers) = spec.get("initContainers") {
        containers.each_item(|item| {
            let mut container = read_container(item, warnings);
            if let Some(policy) = item.get("restartPolicy") {
                let text = policy.text();
                container.sidecar = text == Some("Always");
                if let Some(unknown) = text.filter(|text| !["Always", "OnFailure", "Never"].contains(text)) {
                    policy.fault(format!("`{}` is none of Always, OnFailure, Never", clip(unknown)));
                }
            }
            if container.sidecar {
                placement::read_host_ports(item, host_network, &mut pod.rules.host_ports);
            }
            parts.init_containers.push(container);
        });
    }
    if let Some(resources) = spec.get("resources") {
        parts.pod_requests = resources.get("requests").map(|r| r.resource_list(warnings)).unwrap_or_default();
        parts.pod_limits = resources.get("limits").map(|r| r.resource_list(warnings)).unwrap_or_default();
    }
    parts.overhead = spec.get("overhead").map(|o| o.resource_list(warnings)).unwrap_or_default();
    match parts.effective() {
        Ok(effective) => {
            pod.requests = effective.requests;
            pod.limits = effective.limits;
        }
        Err(overflow) => spec.fault(format!("the sum of {} is out of range", overflow.0)),
    }
    pod.rules.host_ports.sort();
    pod.rules.host_ports.dedup();
}

fn read_container(item: View<'_>, warnings: &mut Vec<String>) -> Container {
    let mut container = Container::default();
    let Some(resources) = item.get("resources") else { return container };
    if let Some(requests) = resources.get("requests") {
        container.requests = requests.resource_list(warnings);
    }
    if let Some(limits) = resources.get("limits") {
        container.limits = limits.resource_list(warnings);
    }
    for (resource, request) in &container.requests {
        if container.limits.get(resource).is_some_and(|limit| limit < request) {
            resources.fault(format!("the request of {resource} exceeds its limit"));
        }
    }
    container
}

/// Volumes that are attached to the node: claims, and the in-tree cloud disks.
fn read_volumes(volumes: View<'_>, rules: &mut PlacementRules) {
    volumes.each_item(|item| {
        let name = item.get("name").and_then(|name| name.text().map(str::to_owned)).unwrap_or_default();
        if let Some(claim) = item.get("persistentVolumeClaim") {
            let claim = claim.required("claimName").and_then(|name| name.text().map(str::to_owned));
            rules.volumes.extend(claim.map(|name| VolumeClaim { name, zone: None }));
            return;
        }
        let disks = ["ephemeral", "awsElasticBlockStore", "gcePersistentDisk", "azureDisk"];
        if disks.iter().any(|kind| item.get(kind).is_some()) {
            rules.volumes.push(VolumeClaim { name, zone: None });
        }
    });
}

/// Adds the claims that a StatefulSet makes for each of its pods.
pub(super) fn read_claim_templates(templates: View<'_>, rules: &mut PlacementRules) {
    templates.each_item(|item| {
        let name = item.get("metadata").and_then(|metadata| {
            let name = metadata.get("name")?;
            name.text().map(str::to_owned)
        });
        rules.volumes.push(VolumeClaim { name: name.unwrap_or_default(), zone: None });
    });
}

/// Removes what distinguishes the pods of one controller from each other without meaning anything
/// to a plan, so that equal pods become copies of one workload.
pub(super) fn forget_identity(draft: &mut Draft, pod_name: &str, of_daemon_set: bool) {
    let pod = &mut draft.pod;
    for label in PER_POD_LABELS {
        pod.labels.remove(label);
    }
    let used = |label: &str, rules: &PlacementRules| {
        let in_selector = |expressions: &[LabelExpression]| expressions.iter().any(|e| e.key == label);
        let affinity = rules.pod_affinity.iter().chain(&rules.pod_anti_affinity);
        affinity.map(|term| &term.selector).any(|s| in_selector(&s.expressions))
            || rules.topology_spread.iter().any(|spread| in_selector(&spread.selector.expressions))
    };
    for label in REVISION_LABELS {
        if pod.labels.contains_key(label) && !used(label, &pod.rules) {
            pod.labels.remove(label);
        }
    }
    // A StatefulSet's claims are called `<template>-<pod>`, those of ephemeral volumes `<pod>-<volume>`.
    for volume in &mut pod.rules.volumes {
        let template = volume.name.strip_suffix(pod_name).and_then(|name| name.strip_suffix('-'));
        if let Some(template) = template.filter(|t| !t.is_empty() && volume.zone.is_none()) {
            volume.name = template.to_owned();
        }
    }
    if of_daemon_set {
        // The controller pins each of its pods to one node by name.
        for term in &mut pod.rules.node_affinity {
            term.expressions.retain(|e| e.key != "metadata.name");
        }
        pod.rules.node_affinity.retain(|term| !term.expressions.is_empty());
    }
}

/// The labels among `wanted` that say who owns an object.
pub(super) fn read_owners(metadata: View<'_>, wanted: &[String]) -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    if let Some(labels) = metadata.get("labels") {
        labels.each_entry(|key, value| {
            if wanted.iter().any(|w| w == key)
                && let Some(value) = value.string()
            {
                owners.insert(key.to_owned(), value);
            }
        });
    }
    owners
}
