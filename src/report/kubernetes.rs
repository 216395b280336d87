//! What the cluster needs for the plan to come true: PriorityClasses, and a patch for each workload.
//!
//! Every name goes through the YAML writer, never into the text by hand; comments are stripped of
//! control characters, so that no input can break out of one.

use std::collections::BTreeMap;

use serde::Serialize;

use super::pools::TYPE_LABEL;
use super::view::{MeasuresRow, PinRow, PlanReport, WorkloadRow};
use crate::workload::{SPOT_MARK, WorkloadKind};

/// Before the names of PriorityClasses, which the whole cluster shares.
const PREFIX: &str = "plimsoll-";

/// Why there are no manifests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KubernetesError {
    /// Nobody has looked what the scheduler needs.
    #[error("the plan was not replayed, so what it needs is not known; `plimsoll replay` tells")]
    NotReplayed,
    /// It was replayed without looking for what helps.
    #[error(
        "the plan was replayed without measures; `plimsoll replay` without `--measures none` finds what helps"
    )]
    NoMeasures,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PriorityClass<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
    value: i32,
    global_default: bool,
    preemption_policy: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Patch<'a, S> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
    spec: S,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    node_selector: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority_class_name: Option<String>,
}

#[derive(Serialize)]
struct Template<S> {
    template: S,
}

#[derive(Serialize)]
struct Spec<S> {
    spec: S,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobTemplate<S> {
    job_template: S,
}

/// Writes the manifests.
///
/// # Errors
/// A plan that was not replayed, or without looking for measures.
pub fn render(report: &PlanReport) -> Result<String, KubernetesError> {
    let replay = report.replay.as_ref().ok_or(KubernetesError::NotReplayed)?;
    let measures = replay.measures.as_ref().ok_or(KubernetesError::NoMeasures)?;
    let mut out = head(report, measures);
    for class in &measures.classes {
        document(
            &mut out,
            &PriorityClass {
                api_version: "scheduling.k8s.io/v1",
                kind: "PriorityClass",
                metadata: Metadata { name: format!("{PREFIX}{}", class.name), namespace: None },
                value: class.value,
                global_default: false,
                preemption_policy: "Never",
                description: "Larger pods are scheduled first, so that small ones do not take their room.",
            },
        );
    }
    let mut selectors: BTreeMap<&str, BTreeMap<String, String>> =
        measures.pins.iter().map(|pin| (pin.workload.as_str(), selector(report, pin))).collect();
    let classes: BTreeMap<&str, &str> = measures
        .classes
        .iter()
        .flat_map(|class| class.workloads.iter().map(|w| (w.as_str(), class.name.as_str())))
        .collect();
    for row in &report.workloads {
        let pod = PodSpec {
            node_selector: selectors.remove(row.workload.as_str()).unwrap_or_default(),
            priority_class_name: classes.get(row.workload.as_str()).map(|name| format!("{PREFIX}{name}")),
        };
        if !pod.node_selector.is_empty() || pod.priority_class_name.is_some() {
            patch(&mut out, report, row, pod);
        }
    }
    Ok(out)
}

/// What a pinned workload selects its nodes by.
fn selector(report: &PlanReport, pin: &PinRow) -> BTreeMap<String, String> {
    let named = pin.pool.as_ref().and_then(|name| report.pools.iter().find(|pool| pool.pool == *name));
    match named {
        Some(pool) => pool.selector(&report.pools, &pin.instance_type),
        None => BTreeMap::from([(TYPE_LABEL.to_owned(), pin.instance_type.clone())]),
    }
}

/// The name of a workload's object: its part on spot nodes is a second one, under a name that Kubernetes
/// takes and no other object has.
fn object_name(report: &PlanReport, row: &WorkloadRow) -> String {
    if !row.name.contains(SPOT_MARK) {
        return row.name.clone();
    }
    let mut name = row.name.replace(SPOT_MARK, "-spot");
    let taken = |name: &str| {
        report.workloads.iter().any(|w| w.namespace == row.namespace && w.kind == row.kind && w.name == name)
    };
    while taken(&name) {
        name += "-part";
    }
    name
}

fn patch(out: &mut String, report: &PlanReport, row: &WorkloadRow, pod: PodSpec) {
    let api_version = match row.kind {
        WorkloadKind::Deployment | WorkloadKind::ReplicaSet | WorkloadKind::StatefulSet => "apps/v1",
        WorkloadKind::Job | WorkloadKind::CronJob => "batch/v1",
        WorkloadKind::ReplicationController | WorkloadKind::Pod => "v1",
        // A component of the native format has no object that could be patched; what its pods need is
        // written as a Deployment, which it most likely is.
        WorkloadKind::Component => "apps/v1",
        WorkloadKind::DaemonSet => return,
    };
    let kind = if row.kind == WorkloadKind::Component { WorkloadKind::Deployment } else { row.kind };
    let kind = kind.to_string();
    let metadata = Metadata { name: object_name(report, row), namespace: Some(&row.namespace) };
    let kind = kind.as_str();
    match row.kind {
        WorkloadKind::Pod => document(out, &Patch { api_version, kind, metadata, spec: pod }),
        WorkloadKind::CronJob => {
            let spec = JobTemplate { job_template: Spec { spec: Template { template: Spec { spec: pod } } } };
            document(out, &Patch { api_version, kind, metadata, spec });
        }
        _ => {
            let spec = Template { template: Spec { spec: pod } };
            document(out, &Patch { api_version, kind, metadata, spec });
        }
    }
}

/// Adds a YAML document.
pub(super) fn document(out: &mut String, value: &impl Serialize) {
    out.push_str("---\n");
    out.push_str(&serde_yaml::to_string(value).expect("maps, strings and integers are YAML"));
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

/// What the manifests are for, and the nodes that must be there.
fn head(report: &PlanReport, measures: &MeasuresRow) -> String {
    let mut lines = vec![
        format!("What the scheduler needs to bring the plan \"{}\" about.", report.scenario.name),
        format!("Replay: {}.", super::table::replay::line(report)),
        String::new(),
        "Apply it onto the workloads as they are; only the fields below change:".to_owned(),
        "  kubectl apply --server-side --field-manager=plimsoll -f FILE".to_owned(),
        "The template of a Job and the spec of a Pod cannot be changed in place; create those anew."
            .to_owned(),
    ];
    if report.workloads.iter().any(|row| row.kind == WorkloadKind::Component) {
        lines.push("Components of a workload file are written as Deployments of their name.".to_owned());
    }
    lines.extend(parts(report));
    if measures.profile != "default" {
        lines.push(format!("The scheduler must run with NodeResourcesFit set to {}.", measures.profile));
    }
    if !measures.settled {
        lines.push(super::table::replay::named(measures));
    }
    lines.push(String::new());
    lines.push("Nodes that must be there:".to_owned());
    for pool in report.scheduling.iter().flat_map(|s| &s.pools) {
        let planned: u64 = pool.nodes.iter().sum();
        let extra: u64 = measures.extra_nodes.iter().filter(|e| e.pool == pool.pool).map(|e| e.nodes).sum();
        let more = if extra > 0 { format!(", {extra} of them beyond the plan") } else { String::new() };
        let named = report.pools.iter().find(|p| p.pool == pool.pool);
        let label = named.and_then(|p| p.own_label(&report.pools));
        let label = label.map_or_else(String::new, |(key, value)| format!(", labelled {key}={value}"));
        lines.push(format!("  {} x {}{more}{label}", planned + extra, pool.pool));
    }
    let life = report.replay.as_ref().and_then(|replay| replay.life.as_ref());
    let room: Vec<String> = life
        .iter()
        .flat_map(|life| &life.extra_nodes)
        .map(|extra| format!("  {} x {}", extra.nodes, extra.pool))
        .collect();
    if !room.is_empty() {
        lines.push("Room for rolling updates and drains, which may come and go:".to_owned());
        lines.extend(room);
    }
    lines.iter().map(|line| comment(line)).collect()
}

/// Which second objects there must be before the patches apply.
fn parts(report: &PlanReport) -> Vec<String> {
    let mut lines = Vec::new();
    for row in report.workloads.iter().filter(|row| row.name.contains(SPOT_MARK)) {
        if lines.is_empty() {
            lines.extend([
                String::new(),
                "Parts on spot nodes are objects of their own. Before applying, copy the workload under the name"
                    .to_owned(),
                "below, give selector and pods of the copy one label more, and both the replicas of the plan:"
                    .to_owned(),
            ]);
        }
        let pool = report.pools.iter().find(|pool| pool.spot && row.pool.as_ref() == Some(&pool.pool));
        let taints = pool.map(|pool| pool.taints.join(", ")).filter(|taints| !taints.is_empty());
        let tolerates = taints.map(|taints| format!(", tolerates {taints}")).unwrap_or_default();
        lines.push(format!(
            "  {}/{}/{}: a copy of {}, replicas {}{tolerates}",
            row.namespace,
            row.kind,
            object_name(report, row),
            row.name.split(SPOT_MARK).next().unwrap_or_default(),
            row.replicas,
        ));
    }
    let split = |row: &&WorkloadRow| {
        !row.name.contains(SPOT_MARK)
            && report.workloads.iter().any(|part| {
                (&part.namespace, part.kind) == (&row.namespace, row.kind)
                    && part.name.split_once(SPOT_MARK).is_some_and(|(whole, _)| whole == row.name)
            })
    };
    for row in report.workloads.iter().filter(split) {
        lines.push(format!("  {}/{}/{}: replicas {}", row.namespace, row.kind, row.name, row.replicas));
    }
    lines
}

/// One line of comment, whatever the text holds.
pub(super) fn comment(text: &str) -> String {
    // Line and paragraph separators end a comment in YAML as control characters do.
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    let clean: String = text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect();
    if clean.is_empty() { "#\n".to_owned() } else { format!("# {clean}\n") }
}
