//! A NodePool and an EC2NodeClass for each group, narrow enough that Karpenter can make no other nodes.
//!
//! Karpenter on its own defaults takes the largest types that hold a batch of pods and does not come
//! near the plan. A NodePool of one type, with limits of as many nodes as planned, leaves it no choice.
//! Fields by the CRDs `karpenter.sh/v1` and `karpenter.k8s.aws/v1` (aws/karpenter-provider-aws,
//! `pkg/apis/crds`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{NodeGroup, NodeGroupsError, Taint, bottlerocket, check, comments, groups, head};
use crate::report::Format;
use crate::report::kubernetes::document;
use crate::report::view::PlanReport;

/// Names that only the owner of the cluster knows.
const ROLE: &str = "FILL-IN-NODE-ROLE";
const CLUSTER: &str = "FILL-IN-CLUSTER";
const VERSION: &str = "FILL-IN-VERSION";
/// The tag by which Karpenter's guides let it find subnets and security groups.
const DISCOVERY: &str = "karpenter.sh/discovery";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<S> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Named,
    spec: S,
}

#[derive(Serialize)]
struct Named {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeClass {
    role: &'static str,
    ami_selector_terms: [Alias; 1],
    subnet_selector_terms: [Tags; 1],
    security_group_selector_terms: [Tags; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    kubelet: Option<Kubelet>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    block_device_mappings: Vec<Device>,
}

#[derive(Serialize)]
struct Alias {
    alias: String,
}

#[derive(Serialize)]
struct Tags {
    tags: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kubelet {
    max_pods: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    device_name: &'static str,
    root_volume: bool,
    ebs: Disk,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Disk {
    volume_size: String,
    volume_type: &'static str,
}

#[derive(Serialize)]
struct NodePool<'a> {
    template: Template<'a>,
    disruption: Disruption,
    limits: Limits,
}

#[derive(Serialize)]
struct Template<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Labels<'a>>,
    spec: NodeSpec<'a>,
}

#[derive(Serialize)]
struct Labels<'a> {
    labels: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeSpec<'a> {
    node_class_ref: NodeClassRef<'a>,
    requirements: Vec<Requirement<'a>>,
    #[serde(skip_serializing_if = "<[Taint]>::is_empty")]
    taints: &'a [Taint],
    expire_after: &'static str,
}

#[derive(Serialize)]
struct NodeClassRef<'a> {
    group: &'static str,
    kind: &'static str,
    name: &'a str,
}

#[derive(Serialize)]
struct Requirement<'a> {
    key: &'static str,
    operator: &'static str,
    values: [&'a str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Disruption {
    consolidation_policy: &'static str,
    consolidate_after: &'static str,
    budgets: [Budget; 1],
}

#[derive(Serialize)]
struct Budget {
    nodes: &'static str,
}

#[derive(Serialize)]
struct Limits {
    cpu: String,
    memory: String,
}

/// Writes the objects.
///
/// # Errors
/// A plan for another provider, or a pool with a label that NodePools may not set.
pub fn render(report: &PlanReport) -> Result<String, NodeGroupsError> {
    check(Format::Karpenter, report.catalog.provider)?;
    let groups = groups(report)?;
    for group in &groups {
        if let Some(label) = group.labels.keys().find(|key| restricted(key)) {
            let (label, pool) = (label.clone(), group.node_pool.to_owned());
            return Err(NodeGroupsError::Label { format: Format::Karpenter, label, pool });
        }
    }
    let mut lines = head(report, "Karpenter NodePools");
    lines.extend([
        String::new(),
        format!("Fill in before applying: {ROLE}, {CLUSTER}, {VERSION} (a release of the AMI)."),
        "Limits stop Karpenter at the planned nodes; raise them by one node while it replaces drifted ones."
            .to_owned(),
        "With static capacity (feature gate StaticCapacity) spec.replicas buys the nodes ahead of the pods:"
            .to_owned(),
    ]);
    lines.extend(groups.iter().map(|group| format!("  {}: replicas {}", group.name, group.most)));
    let mut out = comments(&lines);
    for group in &groups {
        document(&mut out, &node_class(group, bottlerocket(report)));
        document(&mut out, &node_pool(group));
    }
    Ok(out)
}

fn node_class(group: &NodeGroup<'_>, bottlerocket: bool) -> Object<NodeClass> {
    let discovery = || [Tags { tags: BTreeMap::from([(DISCOVERY, CLUSTER)]) }];
    // Bottlerocket keeps containers on its second disk.
    let (family, device_name) =
        if bottlerocket { ("bottlerocket", "/dev/xvdb") } else { ("al2023", "/dev/xvda") };
    let device = |gib: u64| Device {
        device_name,
        root_volume: true,
        ebs: Disk { volume_size: format!("{gib}Gi"), volume_type: "gp3" },
    };
    Object {
        api_version: "karpenter.k8s.aws/v1",
        kind: "EC2NodeClass",
        metadata: Named { name: group.name.clone() },
        spec: NodeClass {
            role: ROLE,
            ami_selector_terms: [Alias { alias: format!("{family}@{VERSION}") }],
            subnet_selector_terms: discovery(),
            security_group_selector_terms: discovery(),
            kubelet: group.pods.map(|max_pods| Kubelet { max_pods }),
            block_device_mappings: group.disk_gib().map(device).into_iter().collect(),
        },
    }
}

fn node_pool<'a>(group: &'a NodeGroup<'_>) -> Object<NodePool<'a>> {
    let requires = |key, value| Requirement { key, operator: "In", values: [value] };
    let mut requirements = vec![
        requires("node.kubernetes.io/instance-type", group.instance_type),
        requires("karpenter.sh/capacity-type", if group.spot { "spot" } else { "on-demand" }),
        requires("kubernetes.io/arch", group.architecture.as_str()),
        requires("kubernetes.io/os", "linux"),
    ];
    requirements.extend(group.zone.map(|zone| requires("topology.kubernetes.io/zone", zone)));
    // What a requirement says already is no label of the template's.
    let labels: BTreeMap<&str, &str> = group
        .labels
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .filter(|(key, _)| requirements.iter().all(|r| r.key != *key))
        .collect();
    Object {
        api_version: "karpenter.sh/v1",
        kind: "NodePool",
        metadata: Named { name: group.name.clone() },
        spec: NodePool {
            template: Template {
                metadata: (!labels.is_empty()).then_some(Labels { labels }),
                spec: NodeSpec {
                    node_class_ref: NodeClassRef {
                        group: "karpenter.k8s.aws",
                        kind: "EC2NodeClass",
                        name: &group.name,
                    },
                    requirements,
                    taints: &group.taints,
                    // Karpenter's default, said aloud: every node is replaced once a month.
                    expire_after: "720h",
                },
            },
            // Underutilized nodes hold the room that the plan keeps on purpose; one node at a time is
            // what drains are planned for.
            disruption: Disruption {
                consolidation_policy: "WhenEmpty",
                consolidate_after: "10m",
                budgets: [Budget { nodes: "1" }],
            },
            limits: Limits {
                cpu: (group.most * group.vcpus).to_string(),
                memory: format!(
                    "{}Mi",
                    (u128::from(group.most) * u128::from(group.memory)).div_ceil(1 << 20)
                ),
            },
        },
    }
}

/// Whether the NodePool CRD refuses a label, by its validation rules (aws/karpenter-provider-aws,
/// `karpenter.sh_nodepools.yaml`, v1 of 2025).
fn restricted(key: &str) -> bool {
    const ALLOWED: [&str; 11] = [
        "beta.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/region",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "node.kubernetes.io/windows-build",
        "karpenter.sh/capacity-type",
    ];
    /// Of the domain `karpenter.k8s.aws`, after `instance-`.
    const OF_INSTANCES: [&str; 20] = [
        "encryption-in-transit-supported",
        "category",
        "hypervisor",
        "family",
        "generation",
        "local-nvme",
        "size",
        "cpu",
        "cpu-manufacturer",
        "cpu-sustained-clock-speed-mhz",
        "memory",
        "ebs-bandwidth",
        "network-bandwidth",
        "gpu-name",
        "gpu-manufacturer",
        "gpu-count",
        "gpu-memory",
        "accelerator-name",
        "accelerator-manufacturer",
        "accelerator-count",
    ];
    // The rules look at what stands before the first slash: at the whole key where there is none.
    let (domain, name) = key.split_once('/').unwrap_or((key, ""));
    let instance = name.strip_prefix("instance-").filter(|_| domain == "karpenter.k8s.aws");
    if ALLOWED.contains(&key) || instance.is_some_and(|name| OF_INSTANCES.contains(&name)) {
        return false;
    }
    let open = ["node.kubernetes.io", "node-restriction.kubernetes.io", "kops.k8s.io"];
    let closed = ["kubernetes.io", "k8s.io", "karpenter.sh", "karpenter.k8s.aws"];
    !open.iter().any(|end| domain.ends_with(end)) && closed.iter().any(|end| domain.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::restricted;

    #[test]
    fn labels_of_other_owners_are_refused() {
        for key in
            ["node-role.kubernetes.io/web", "karpenter.sh/nodepool", "x.k8s.io/y", "kubernetes.io/hostname"]
                .into_iter()
                .chain(["karpenter.k8s.aws/made-up", "my.k8s.io"])
        {
            assert!(restricted(key), "{key}");
        }
        for key in ["tier", "example.com/tier", "node.kubernetes.io/x", "kubernetes.io/arch", "kops.k8s.io/z"]
            .into_iter()
            .chain(["karpenter.k8s.aws/instance-category", "karpenter.sh/capacity-type"])
        {
            assert!(!restricted(key), "{key}");
        }
    }
}
