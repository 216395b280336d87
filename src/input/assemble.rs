//! Workloads from everything that was read: owned objects dropped, pods given back to their
//! controllers by name, priorities, zones and namespaces filled in.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::AutoscaledReplicas;
use super::cluster::{Autoscaler, Cluster, Controller, ObjectKey, PodGroup};
use super::observed::{Observing, Place, bound_pod, unplaced};
use super::pod::Draft;
use crate::demand::Autoscaled;
use crate::observed::ObservedCluster;
use crate::workload::{PodTemplate, Workload, WorkloadId, WorkloadKind, WorkloadSet};

/// Workloads with their place in the input order.
type Ordered = Vec<Drafted>;

/// A workload before it has its final name.
struct Drafted {
    /// Place in the input order.
    order: usize,
    workload: Workload,
    /// Where its pods lie, where the cluster is observed; empty for a controller without pods.
    places: Vec<Place>,
}

/// One shape of a DaemonSet's pods: place in the input order, number of pods, the workload, and whether
/// they are static pods.
type DaemonShape = (usize, u64, Workload, bool);

/// Puts everything together; the second is what was observed, where the cluster is read as it runs.
pub(super) fn assemble(mut cluster: Cluster<'_>) -> (WorkloadSet, Option<ObservedCluster>) {
    name_all_namespaces(&mut cluster);
    let from_kubernetes = !cluster.controllers.is_empty() || !cluster.pods.is_empty();
    let ready = std::mem::take(&mut cluster.ready).into_iter();
    let mut workloads: Ordered =
        ready.map(|(order, workload)| Drafted { order, workload, places: Vec::new() }).collect();
    if cluster.observing.is_some() {
        drop_controllers_with_pods(&mut cluster);
    }
    add_controllers(&mut cluster, &mut workloads);
    let owned_pods = add_pods(&mut cluster, &mut workloads);
    workloads.sort_by_key(|drafted| drafted.order);

    let mut set = WorkloadSet {
        catalog: cluster.catalog.take().map(|(name, _)| name),
        demands: std::mem::take(&mut cluster.demands),
        updates: std::mem::take(&mut cluster.updates),
        scenarios: cluster.scenarios.take().map(|(scenarios, _)| scenarios).unwrap_or_default(),
        owned_pods,
        finished_pods: cluster.finished_pods,
        from_kubernetes,
        ..WorkloadSet::default()
    };
    let mut taken = HashSet::new();
    let mut idle = 0_u64;
    let observes = cluster.observing.is_some();
    let mut placed: Vec<Vec<Place>> = Vec::new();
    for Drafted { mut workload, places, .. } in workloads {
        if workload.replicas == 0 {
            idle += 1;
            continue;
        }
        make_unique(&mut workload.id, &mut taken);
        let daemon = workload.id.kind == WorkloadKind::DaemonSet;
        if observes && !daemon {
            placed.push(if places.is_empty() { unplaced(&workload) } else { places });
        }
        if daemon { &mut set.daemon_sets } else { &mut set.workloads }.push(workload);
    }
    if idle > 0 {
        cluster.warnings.push(format!("{idle} workloads are scaled to zero or suspended and hold nothing"));
    }
    let observed = cluster.observing.take().map(|o: Observing| o.finish(placed, &mut cluster.warnings));
    set.skipped_kinds = cluster.skipped_kinds;
    set.warnings = cluster.warnings;
    (set, observed)
}

/// Where pods run, these say what there is; DaemonSets excepted, of which every node has one.
fn drop_controllers_with_pods(cluster: &mut Cluster<'_>) {
    let mut running: HashSet<ObjectKey> = HashSet::new();
    for ((namespace, owner_kind, owner_name), shapes) in &cluster.pods {
        running.insert((namespace.clone(), owner_kind.clone(), owner_name.clone()));
        for group in shapes.values() {
            let hash = group.template_hash.as_deref();
            let (kind, name) = presumed_controller(owner_kind, owner_name, hash, group);
            running.insert((namespace.clone(), kind.to_string(), name));
        }
    }
    cluster.controllers.retain(|(_, c)| {
        c.kind == WorkloadKind::DaemonSet
            || !running.contains(&(c.namespace.clone(), c.kind.to_string(), c.name.clone()))
    });
}

/// Every namespace that occurs can be selected, at least by the label that the API server sets.
fn name_all_namespaces(cluster: &mut Cluster<'_>) {
    let of_controllers = cluster.controllers.iter().map(|(_, c)| &c.namespace);
    let of_pods = cluster.pods.keys().map(|(namespace, _, _)| namespace);
    let of_ready = cluster.ready.iter().map(|(_, w)| &w.id.namespace);
    let occurring: HashSet<String> = of_controllers.chain(of_pods).chain(of_ready).cloned().collect();
    for name in occurring {
        cluster.namespaces.entry(name).or_default();
    }
    for (name, labels) in &mut cluster.namespaces {
        labels.insert("kubernetes.io/metadata.name".to_owned(), name.clone());
    }
}

fn add_controllers(cluster: &mut Cluster<'_>, workloads: &mut Ordered) {
    for (order, controller) in std::mem::take(&mut cluster.controllers) {
        let owned = controller.owner.as_ref().is_some_and(|owner| {
            cluster.seen.contains_key(&(controller.namespace.clone(), owner.kind.clone(), owner.name.clone()))
        });
        if owned {
            // A Deployment's ReplicaSet, a CronJob's Job: its owner speaks for it.
            cluster.skip(&controller.kind.to_string());
        } else if controller.finished {
            cluster.skip(&format!("{} (finished)", controller.kind));
        } else {
            add_controller(cluster, order, controller, workloads);
        }
    }
}

fn add_controller(cluster: &mut Cluster<'_>, order: usize, controller: Controller, workloads: &mut Ordered) {
    let Controller { namespace, kind, name, replicas, draft, owners, .. } = controller;
    let id = WorkloadId { namespace, kind, name };
    let replicas = match kind {
        WorkloadKind::DaemonSet => 1,
        _ => count_replicas(cluster, &id, replicas),
    };
    let claims: Vec<Vec<String>> = match kind {
        // The claims of replica i are called `<template>-<set>-<i>`.
        WorkloadKind::StatefulSet
            if !draft.pod.rules.volumes.is_empty() && !cluster.claim_zones.is_empty() =>
        {
            (0..replicas.min(MOST_NAMED_CLAIMS))
                .map(|i| {
                    draft.pod.rules.volumes.iter().map(|v| format!("{}-{}-{i}", v.name, id.name)).collect()
                })
                .collect()
        }
        _ => Vec::new(),
    };
    let template = Workload { pod: complete(cluster, draft, &id), id, replicas, owners, current_type: None };
    split_by_zone(cluster, order, template, &claims, &[], workloads);
}

/// Beyond this many replicas, volumes are not looked up one by one.
const MOST_NAMED_CLAIMS: u64 = 100_000;

fn count_replicas(cluster: &mut Cluster<'_>, id: &WorkloadId, declared: Option<u64>) -> u64 {
    let kind = id.kind.to_string();
    let scaler = cluster
        .autoscalers
        .iter()
        .find(|a| a.namespace == id.namespace && a.kind == kind && a.name == id.name);
    match scaler {
        // An autoscaler leaves alone what was scaled to zero by hand.
        Some(Autoscaler { min, max, .. }) if declared != Some(0) => {
            let count = match cluster.options.autoscaled {
                AutoscaledReplicas::Declared => declared.unwrap_or(*min),
                AutoscaledReplicas::Min => *min,
                AutoscaledReplicas::Max => *max,
            };
            let message =
                format!("{id} is autoscaled between {min} and {max} replicas; counted with {count}");
            cluster.warnings.push(message);
            let limits = Autoscaled { min: *min, max: *max };
            cluster.demands.entry(id.clone()).or_default().autoscaled = Some(limits);
            count
        }
        _ => declared.unwrap_or(1),
    }
}

/// Pods whose controller is not in the input become copies of a workload that stands for it.
/// Returns the number of the others.
fn add_pods(cluster: &mut Cluster<'_>, workloads: &mut Ordered) -> u64 {
    let mut owned_pods = 0;
    let mut by_owner: Vec<(ObjectKey, Vec<(Draft, PodGroup)>)> = Vec::new();
    for (key, shapes) in std::mem::take(&mut cluster.pods) {
        let mut shapes: Vec<(Draft, PodGroup)> = shapes.into_iter().collect();
        shapes.sort_by_key(|(_, group)| group.order);
        by_owner.push((key, shapes));
    }
    by_owner.sort_by_key(|(_, shapes)| shapes.first().map(|(_, group)| group.order));

    let mut daemons: BTreeMap<(String, String), Vec<DaemonShape>> = BTreeMap::new();
    for ((namespace, owner_kind, owner_name), shapes) in by_owner {
        let is_static = owner_kind == "Node";
        for (draft, group) in shapes {
            let hash = group.template_hash.as_deref();
            let (kind, name) = presumed_controller(&owner_kind, &owner_name, hash, &group);
            let is_read = |kind: &str, name: &str| {
                cluster.seen.contains_key(&(namespace.clone(), kind.to_owned(), name.to_owned()))
            };
            let owned = is_read(&owner_kind, &owner_name) || is_read(&kind.to_string(), &name);
            if owned {
                owned_pods += group.count;
            }
            // In a cluster that is observed, pods tell more than their controllers.
            if owned && cluster.observing.is_none() {
                continue;
            }
            cluster.warnings.extend(group.warnings);
            let id = WorkloadId { namespace: namespace.clone(), kind, name };
            let workload = Workload {
                pod: complete(cluster, draft, &id),
                replicas: group.count,
                owners: group.owners,
                current_type: None,
                id,
            };
            if kind == WorkloadKind::DaemonSet
                && let Some(observing) = &mut cluster.observing
            {
                observing.bind(bound_pod(&workload), group.places);
                if owned {
                    continue;
                }
                let key = (workload.id.namespace.clone(), workload.id.name.clone());
                daemons.entry(key).or_default().push((group.order, group.count, workload, is_static));
            } else if kind == WorkloadKind::DaemonSet {
                let key = (workload.id.namespace.clone(), workload.id.name.clone());
                daemons.entry(key).or_default().push((group.order, group.count, workload, is_static));
            } else {
                split_by_zone(cluster, group.order, workload, &group.claims, &group.places, workloads);
            }
        }
    }
    for (_, shapes) in daemons {
        add_daemon(cluster, shapes, workloads);
    }
    owned_pods
}

/// A DaemonSet seen by its pods only. During a rollout these differ; the shape that most nodes have
/// counts, once. In a cluster that is observed, static pods of few nodes are these nodes' own.
fn add_daemon(cluster: &mut Cluster<'_>, pods: Vec<DaemonShape>, workloads: &mut Ordered) {
    let static_pods: u64 = pods.iter().filter(|(_, _, _, is_static)| *is_static).map(|(_, n, _, _)| n).sum();
    if static_pods > 0 && cluster.observing.as_ref().is_some_and(|o| static_pods * 2 < o.node_count()) {
        return;
    }
    let mut shapes: Vec<DaemonShape> = Vec::new();
    for (order, count, workload, is_static) in pods {
        // Static pods are one group per node, however alike.
        match shapes.iter_mut().find(|(_, _, other, _)| other.pod == workload.pod) {
            Some((_, total, _, _)) => *total += count,
            None => shapes.push((order, count, workload, is_static)),
        }
    }
    let differing = shapes.len();
    let most = shapes.into_iter().max_by_key(|(order, count, _, _)| (*count, std::cmp::Reverse(*order)));
    if let Some((order, _, mut workload, _)) = most {
        if differing > 1 {
            let message = format!("{} has pods of {differing} shapes; the commonest counts", workload.id);
            cluster.warnings.push(message);
        }
        workload.replicas = 1;
        workloads.push(Drafted { order, workload, places: Vec::new() });
    }
}

/// What made a pod, as far as its owner reference tells.
fn presumed_controller(
    owner_kind: &str,
    owner_name: &str,
    template_hash: Option<&str>,
    group: &PodGroup,
) -> (WorkloadKind, String) {
    let owner = || owner_name.to_owned();
    match owner_kind {
        "ReplicaSet" => {
            // A Deployment's ReplicaSet is called `<deployment>-<pod-template-hash>`.
            let deployment = template_hash
                .and_then(|hash| owner_name.strip_suffix(hash))
                .and_then(|name| name.strip_suffix('-'))
                .filter(|name| !name.is_empty());
            match deployment {
                Some(name) => (WorkloadKind::Deployment, name.to_owned()),
                None => (WorkloadKind::ReplicaSet, owner()),
            }
        }
        "Deployment" => (WorkloadKind::Deployment, owner()),
        "ReplicationController" => (WorkloadKind::ReplicationController, owner()),
        "StatefulSet" => (WorkloadKind::StatefulSet, owner()),
        "DaemonSet" => (WorkloadKind::DaemonSet, owner()),
        "Job" => (WorkloadKind::Job, owner()),
        "CronJob" => (WorkloadKind::CronJob, owner()),
        // A static pod is its node's own: `<name>-<node>`, one on every node of its kind.
        "Node" => {
            let name = group.first_name.strip_suffix(owner_name).and_then(|name| name.strip_suffix('-'));
            (WorkloadKind::DaemonSet, name.unwrap_or(&group.first_name).to_owned())
        }
        "" if group.count > 1 => (WorkloadKind::Pod, format!("{} (+{})", group.first_name, group.count - 1)),
        "" => (WorkloadKind::Pod, group.first_name.clone()),
        // Somebody's custom controller; its pods are known by its name.
        _ => (WorkloadKind::Pod, owner()),
    }
}

/// Fills in what other objects say about a pod.
fn complete(cluster: &mut Cluster<'_>, draft: Draft, id: &WorkloadId) -> PodTemplate {
    let Draft { mut pod, priority_class, namespace_selectors } = draft;
    match priority_class {
        Some(class) => match cluster.priority_classes.get(&class) {
            Some(value) => pod.priority = *value,
            None => {
                let message =
                    format!("{id}: PriorityClass {class} is not in the input; its priority counts as 0");
                cluster.warnings.push(message);
            }
        },
        None if pod.priority == 0 => pod.priority = cluster.default_priority,
        None => {}
    }
    for pending in namespace_selectors {
        let selected = cluster.namespaces.iter().filter(|(_, labels)| pending.selector.matches(labels));
        let rules = &mut pod.rules;
        let terms = if pending.anti { &mut rules.pod_anti_affinity } else { &mut rules.pod_affinity };
        let namespaces = &mut terms[pending.term].namespaces;
        namespaces.extend(selected.map(|(name, _)| name.clone()));
        namespaces.sort();
        namespaces.dedup();
    }
    pod
}

/// Pins copies to the zones of their volumes: one workload per combination of zones. `claims` are
/// those of each copy; without them all copies share the claims that the pod names. `places` are where
/// the copies lie, if that is known.
fn split_by_zone(
    cluster: &Cluster<'_>,
    order: usize,
    workload: Workload,
    claims: &[Vec<String>],
    places: &[Place],
    workloads: &mut Ordered,
) {
    let zone_of =
        |claim: &String| cluster.claim_zones.get(&(workload.id.namespace.clone(), claim.clone())).cloned();
    let shared: Vec<String> = workload.pod.rules.volumes.iter().map(|volume| volume.name.clone()).collect();
    if workload.replicas == 0 {
        workloads.push(Drafted { order, workload, places: Vec::new() });
        return;
    }
    // By zones: place of the first copy, number of copies, and where they lie.
    let mut by_zones: HashMap<Vec<Option<String>>, (usize, u64, Vec<Place>)> = HashMap::new();
    let named = claims.len() as u64;
    for (index, claims) in claims.iter().enumerate() {
        let zones = claims.iter().map(zone_of).collect();
        let (_, copies, lying) = by_zones.entry(zones).or_insert((index, 0, Vec::new()));
        *copies += 1;
        lying.extend(places.get(index));
    }
    if workload.replicas > named {
        let zones = shared.iter().map(zone_of).collect();
        let (_, copies, lying) = by_zones.entry(zones).or_insert((claims.len(), 0, Vec::new()));
        *copies += workload.replicas - named;
        lying.extend(places.iter().skip(claims.len()));
    }
    let mut parts: Vec<_> = by_zones.into_iter().collect();
    parts.sort_by_key(|(_, (index, _, _))| *index);
    for (zones, (_, copies, places)) in parts {
        let mut part = workload.clone();
        part.replicas = copies;
        for (volume, zone) in part.pod.rules.volumes.iter_mut().zip(zones) {
            volume.zone = zone;
        }
        workloads.push(Drafted { order, workload: part, places });
    }
}

/// Gives a workload that shares its name, because its pods differ in shape or zone, a name of its own.
fn make_unique(id: &mut WorkloadId, taken: &mut HashSet<WorkloadId>) {
    let name = id.name.clone();
    let mut number = 1;
    while !taken.insert(id.clone()) {
        number += 1;
        id.name = format!("{name}#{number}");
    }
}
