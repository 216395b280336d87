//! The plan's nodes as groups of equal ones, for the tools that make and scale nodes.
//!
//! A group is a type in a pool, and in a zone where the plan tells zones apart. Names that only the
//! owner of the cluster knows stand in the output as `FILL-IN-...`, or as variables without a default.

pub mod cluster_autoscaler;
pub mod eksctl;
pub mod karpenter;
pub mod terraform;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Format;
use super::build::EKS_BOTTLEROCKET;
use super::kubernetes::comment;
use super::view::{ExtraNodesRow, NodeGroupRow, PlanReport, PlannedPool};
use crate::catalog::{Architecture, Provider};
use crate::policy::TaintEffect;
use crate::units::ResourceName;

/// Before the names of groups, some of which the whole cluster shares.
const PREFIX: &str = "plimsoll-";
/// The longest name that every tool takes, names of EKS node groups and values of labels, less what makes a
/// prefix of it.
const LONGEST_NAME: usize = 63 - cluster_autoscaler::PREFIX_END.len();
/// More pods than any kubelet is told to take mean that the plan does not bound them.
const MOST_PODS: u64 = 10_000;

/// Why there are no node groups.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeGroupsError {
    /// The tool makes nodes of another provider.
    #[error("{format} describes nodes of {wanted}, and this plan buys from {provider}")]
    Provider {
        /// Which format was asked for.
        format: Format,
        /// Whose nodes it describes.
        wanted: &'static str,
        /// Whose the plan's are.
        provider: Provider,
    },
    /// A pool has a label that the tool may not set.
    #[error(
        "{format} may not set the label {label} of pool {pool}; labels of this domain come from the provider or the kubelet"
    )]
    Label {
        /// Which format was asked for.
        format: Format,
        /// The label's key.
        label: String,
        /// The pool's name.
        pool: String,
    },
    /// A saved plan of before pools were written down, or one that was changed by hand.
    #[error("the plan does not name its pools; plan again with this version")]
    NoPools,
    /// A saved plan that was changed by hand.
    #[error("`{0}` is no taint; write key=value:NoSchedule")]
    Taint(String),
}

/// Looks whether a format can describe nodes of a provider, before anything is planned.
///
/// # Errors
/// It cannot.
pub fn check(format: Format, provider: Provider) -> Result<(), NodeGroupsError> {
    let wanted = match (format, provider) {
        (Format::Karpenter | Format::Eksctl | Format::Terraform, p) if p != Provider::Aws => "aws",
        (Format::ClusterAutoscaler, Provider::Other) => "aws, gcp or azure",
        _ => return Ok(()),
    };
    Err(NodeGroupsError::Provider { format, wanted, provider })
}

/// Equal nodes under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NodeGroup<'a> {
    name: String,
    instance_type: &'a str,
    /// The node pool of the policy; empty for none.
    node_pool: &'a str,
    /// The plan's pool.
    pool: &'a str,
    zone: Option<&'a str>,
    architecture: Architecture,
    labels: BTreeMap<String, String>,
    taints: Vec<Taint>,
    /// The plan's nodes, with those that measures add: what must be there for all pods to run.
    least: u64,
    /// With the room for updates and drains, which may come and go.
    most: u64,
    /// Of one node, as the price list states it.
    vcpus: u64,
    memory: u64,
    disk: Option<u64>,
    pods: Option<u64>,
    gpus: bool,
    spot: bool,
}

/// The groups of a plan, in the order of the report.
fn groups(report: &PlanReport) -> Result<Vec<NodeGroup<'_>>, NodeGroupsError> {
    if report.pools.is_empty() && !report.nodes.is_empty() {
        return Err(NodeGroupsError::NoPools);
    }
    let mut groups: Vec<NodeGroup<'_>> = Vec::new();
    for pool in &report.pools {
        let row = report.nodes.iter().find(|row| row.planned_pool == pool.pool);
        let row = row.ok_or(NodeGroupsError::NoPools)?;
        let whole = group(pool, row, pool.own_label(&report.pools))?;
        if pool.zones.is_empty() {
            groups.push(whole.clone());
        }
        groups.extend(pool.zones.iter().map(|zone| NodeGroup {
            zone: Some(&zone.zone),
            least: zone.nodes,
            most: zone.nodes,
            ..whole.clone()
        }));
    }
    let replay = report.replay.as_ref();
    let measures = replay.and_then(|r| r.measures.as_ref());
    for extra in measures.iter().flat_map(|m| &m.extra_nodes) {
        add(&mut groups, extra, true);
    }
    for extra in replay.and_then(|r| r.life.as_ref()).iter().flat_map(|life| &life.extra_nodes) {
        add(&mut groups, extra, false);
    }
    name(&mut groups);
    Ok(groups)
}

fn group<'a>(
    pool: &'a PlannedPool,
    row: &'a NodeGroupRow,
    label: Option<(String, String)>,
) -> Result<NodeGroup<'a>, NodeGroupsError> {
    let of = |name: &ResourceName| {
        let name = name.to_string();
        row.resources.iter().find(move |r| r.resource == name)
    };
    let capacity = |name| of(name).map(|r| r.capacity);
    let taint = |text: &String| Taint::parse(text).ok_or_else(|| NodeGroupsError::Taint(text.clone()));
    Ok(NodeGroup {
        name: String::new(),
        instance_type: &pool.instance_type,
        node_pool: pool.node_pool.as_deref().unwrap_or_default(),
        pool: &pool.pool,
        zone: None,
        architecture: row.architecture,
        labels: pool.labels.iter().map(|(key, value)| (key.clone(), value.clone())).chain(label).collect(),
        taints: pool.taints.iter().map(taint).collect::<Result<_, _>>()?,
        least: pool.nodes,
        most: pool.nodes,
        vcpus: capacity(&ResourceName::Cpu).unwrap_or(0).div_ceil(1000),
        memory: capacity(&ResourceName::Memory).unwrap_or(0),
        disk: capacity(&ResourceName::EphemeralStorage).filter(|&disk| disk > 0),
        pods: of(&ResourceName::Pods).map(|r| r.allocatable).filter(|&pods| pods < MOST_PODS),
        spot: pool.spot,
        gpus: row.resources.iter().any(|r| r.resource == "nvidia.com/gpu" && r.capacity > 0),
    })
}

/// A taint as the tools' YAML has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Taint {
    key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    effect: TaintEffect,
}

impl Taint {
    /// Reads `key=value:NoSchedule`.
    fn parse(text: &str) -> Option<Taint> {
        let (what, effect) = text.rsplit_once(':')?;
        let (key, value) = what.split_once('=').unwrap_or((what, ""));
        let all = [TaintEffect::NoSchedule, TaintEffect::PreferNoSchedule, TaintEffect::NoExecute];
        let effect = all.into_iter().find(|e| e.as_str() == effect)?;
        Some(Taint { key: key.to_owned(), value: value.to_owned(), effect })
    }
}

/// Adds nodes of a replayed pool, which knows no zones, each to the group that has fewest.
fn add(groups: &mut [NodeGroup<'_>], extra: &ExtraNodesRow, always: bool) {
    for _ in 0..extra.nodes {
        let of_pool = groups.iter_mut().filter(|g| g.pool == extra.pool);
        let Some(group) = of_pool.min_by_key(|g| g.most) else { return };
        group.most += 1;
        group.least += u64::from(always);
    }
}

/// Gives each group a name of its own, of letters, digits and hyphens.
fn name(groups: &mut [NodeGroup<'_>]) {
    let mut taken = BTreeSet::new();
    for group in groups {
        let parts = [group.node_pool, group.instance_type, group.zone.unwrap_or_default()];
        let mut wanted = PREFIX.trim_end_matches('-').to_owned();
        for c in parts.iter().filter(|part| !part.is_empty()).flat_map(|p| ['-'].into_iter().chain(p.chars()))
        {
            let c = c.to_ascii_lowercase();
            let c = if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
            if c != '-' || !wanted.ends_with('-') {
                wanted.push(c);
            }
        }
        let mut found = cut(&wanted, LONGEST_NAME);
        for number in 2.. {
            if taken.insert(found.clone()) {
                break;
            }
            let suffix = format!("-{number}");
            found = cut(&wanted, LONGEST_NAME - suffix.len()) + &suffix;
        }
        group.name = found;
    }
}

/// At most so many of the letters, without a hyphen at the end.
fn cut(name: &str, most: usize) -> String {
    name[..name.len().min(most)].trim_end_matches('-').to_owned()
}

/// The labels that EKS is to set on the nodes of managed node groups, without those that they carry of
/// themselves.
///
/// # Errors
/// A label that the EKS API refuses: "Label cannot contain reserved prefixes [kubernetes.io/, k8s.io/,
/// eks.amazonaws.com/]" (eksctl-io/eksctl, issue 4007).
fn managed_labels(
    group: &NodeGroup<'_>,
    region: &str,
    format: Format,
) -> Result<BTreeMap<String, String>, NodeGroupsError> {
    const RESERVED: [&str; 3] = ["kubernetes.io/", "k8s.io/", "eks.amazonaws.com/"];
    let own = |key: &str| match key {
        "node.kubernetes.io/instance-type" | "beta.kubernetes.io/instance-type" => Some(group.instance_type),
        "kubernetes.io/arch" | "beta.kubernetes.io/arch" => Some(group.architecture.as_str()),
        "kubernetes.io/os" | "beta.kubernetes.io/os" => Some("linux"),
        "topology.kubernetes.io/zone" | "failure-domain.beta.kubernetes.io/zone" => group.zone,
        "topology.kubernetes.io/region" | "failure-domain.beta.kubernetes.io/region" => Some(region),
        "eks.amazonaws.com/capacityType" => Some(if group.spot { "SPOT" } else { "ON_DEMAND" }),
        _ => None,
    };
    let mut labels = group.labels.clone();
    labels.retain(|key, value| own(key) != Some(value));
    match labels.keys().find(|key| RESERVED.iter().any(|prefix| key.contains(prefix))) {
        None => Ok(labels),
        Some(label) => {
            Err(NodeGroupsError::Label { format, label: label.clone(), pool: group.node_pool.to_owned() })
        }
    }
}

impl NodeGroup<'_> {
    /// The disk in GiB, rounded up.
    fn disk_gib(&self) -> Option<u64> {
        self.disk.map(|bytes| bytes.div_ceil(1 << 30))
    }
}

/// Whether nodes run Bottlerocket, else Amazon Linux 2023.
fn bottlerocket(report: &PlanReport) -> bool {
    report.policy.iter().any(|s| s.name == "allocatable" && s.value == EKS_BOTTLEROCKET)
}

/// What every such file says first, as lines without comment signs.
fn head(report: &PlanReport, what: &str) -> Vec<String> {
    let mut lines =
        vec![format!("{what} for the plan \"{}\" ({}).", report.scenario.name, report.scenario.id)];
    let replay = report.replay.as_ref();
    lines.push(match replay {
        None => "The plan was not replayed, so it is not known which pods stay pending; `plimsoll replay` tells, and finds what helps.".to_owned(),
        Some(_) => format!("Replay: {}.", super::table::replay::line(report)),
    });
    match replay.and_then(|r| r.measures.as_ref()) {
        None => {}
        Some(measures) => {
            if !measures.settled {
                lines.push(super::table::replay::named(measures));
            }
            if !measures.pins.is_empty() || !measures.classes.is_empty() {
                lines.push(format!(
                    "Workloads need what `-f kubernetes` writes: {} nodeSelectors and {} PriorityClasses.",
                    measures.pins.len(),
                    measures.classes.len()
                ));
            }
        }
    }
    let pinned = replay.and_then(|r| r.measures.as_ref()).is_some_and(|m| !m.pins.is_empty());
    if report.pools.len() > 1 && !pinned {
        lines.push(
            "No workload is led to its pool: pods may go to any group that their own rules allow.".to_owned(),
        );
    }
    if replay.and_then(|r| r.life.as_ref()).is_some_and(|life| !life.extra_nodes.is_empty()) {
        lines.push("The most nodes of a group include the room for rolling updates and drains.".to_owned());
    }
    lines
}

/// The lines as comments of YAML.
fn comments(lines: &[String]) -> String {
    lines.iter().map(|line| comment(line)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn bare<'a>(node_pool: &'a str, instance_type: &'a str, zone: Option<&'a str>) -> NodeGroup<'a> {
        NodeGroup {
            name: String::new(),
            instance_type,
            node_pool,
            pool: instance_type,
            zone,
            architecture: Architecture::Amd64,
            labels: BTreeMap::new(),
            taints: Vec::new(),
            least: 1,
            most: 1,
            vcpus: 2,
            memory: 8 << 30,
            disk: None,
            pods: None,
            gpus: false,
            spot: false,
        }
    }

    #[test]
    fn names_are_dns_labels_and_differ() {
        let long = "x".repeat(80);
        let mut groups = [
            bare("", "m5.xlarge", None),
            bare("Disk=SSD, fast", "m5.xlarge", Some("us-east-1a")),
            bare(&long, "m5.large", None),
            bare(&long, "m5.xlarge", None),
            bare("m5", "xlarge", None),
        ];
        name(&mut groups);
        let names: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names[0], "plimsoll-m5-xlarge");
        assert_eq!(names[1], "plimsoll-disk-ssd-fast-m5-xlarge-us-east-1a");
        assert_eq!(names[2], format!("plimsoll-{}", "x".repeat(50)));
        assert_eq!(names[3], format!("plimsoll-{}-2", "x".repeat(48)));
        assert_eq!(names[4], "plimsoll-m5-xlarge-2");
    }

    #[test]
    fn taints_are_read_as_kubectl_writes_them() {
        let taint = Taint::parse("dedicated=batch:NoSchedule").unwrap();
        assert_eq!((taint.key.as_str(), taint.value.as_str()), ("dedicated", "batch"));
        let bare = Taint::parse("gpu:NoExecute").unwrap();
        assert_eq!((bare.value.as_str(), bare.effect), ("", TaintEffect::NoExecute));
        assert_eq!(Taint::parse("gpu:Never"), None);
    }

    #[test]
    fn extra_nodes_go_where_fewest_are() {
        let mut groups = [bare("", "p", Some("a")), bare("", "p", Some("b")), bare("", "t", None)];
        groups[0].least = 3;
        groups[0].most = 3;
        let extra = ExtraNodesRow { pool: "p".into(), nodes: 3, cost_hour: crate::units::Money::ZERO };
        add(&mut groups, &extra, true);
        add(&mut groups, &ExtraNodesRow { nodes: 1, ..extra.clone() }, false);
        let counts: Vec<(u64, u64)> = groups.iter().map(|g| (g.least, g.most)).collect();
        // b: 1 -> 3, then a by its place: 4; the room to b.
        assert_eq!(counts, [(4, 4), (3, 4), (1, 1)]);
    }
}
