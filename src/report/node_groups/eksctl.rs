//! A ClusterConfig of eksctl with a managed node group for each group.
//!
//! Fields by eksctl's own schema (eksctl-io/eksctl, `pkg/apis/eksctl.io/v1alpha5/assets/schema.json`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{NodeGroup, NodeGroupsError, Taint, bottlerocket, check, comments, groups, head, managed_labels};
use crate::report::Format;
use crate::report::kubernetes::document;
use crate::report::view::PlanReport;

const CLUSTER: &str = "FILL-IN-CLUSTER";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterConfig<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    managed_node_groups: Vec<ManagedNodeGroup<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'static str,
    region: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManagedNodeGroup<'a> {
    name: &'a str,
    ami_family: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_type: Option<&'a str>,
    /// Spot groups name their types as a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_types: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    spot: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    availability_zones: Vec<&'a str>,
    min_size: u64,
    max_size: u64,
    desired_capacity: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_pods_per_node: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_size: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "<[Taint]>::is_empty")]
    taints: &'a [Taint],
    #[serde(rename = "propagateASGTags")]
    propagate_asg_tags: bool,
    update_config: UpdateConfig,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UpdateConfig {
    max_unavailable: u64,
}

/// Writes the ClusterConfig.
///
/// # Errors
/// A plan for another provider, or a pool with a label that EKS may not set.
pub fn render(report: &PlanReport) -> Result<String, NodeGroupsError> {
    check(Format::Eksctl, report.catalog.provider)?;
    let groups = groups(report)?;
    let mut lines = head(report, "Managed node groups");
    lines.extend([
        String::new(),
        format!("Fill in before applying: {CLUSTER}. For a cluster that exists:"),
        "  eksctl create nodegroup -f FILE".to_owned(),
    ]);
    let mut out = comments(&lines);
    let bottlerocket = bottlerocket(report);
    let region = report.catalog.region.as_str();
    let managed: Result<_, _> = groups.iter().map(|group| managed(group, region, bottlerocket)).collect();
    document(
        &mut out,
        &ClusterConfig {
            api_version: "eksctl.io/v1alpha5",
            kind: "ClusterConfig",
            metadata: Metadata { name: CLUSTER, region },
            managed_node_groups: managed?,
        },
    );
    Ok(out)
}

fn managed<'a>(
    group: &'a NodeGroup<'_>,
    region: &str,
    bottlerocket: bool,
) -> Result<ManagedNodeGroup<'a>, NodeGroupsError> {
    Ok(ManagedNodeGroup {
        name: &group.name,
        ami_family: if bottlerocket { "Bottlerocket" } else { "AmazonLinux2023" },
        instance_type: (!group.spot).then_some(group.instance_type),
        instance_types: group.spot.then_some([group.instance_type]),
        spot: group.spot,
        availability_zones: group.zone.into_iter().collect(),
        min_size: group.least,
        max_size: group.most,
        desired_capacity: group.most,
        max_pods_per_node: group.pods,
        volume_size: group.disk_gib(),
        labels: managed_labels(group, region, Format::Eksctl)?,
        taints: &group.taints,
        // An autoscaler sees labels and taints of a group without nodes by these tags.
        propagate_asg_tags: true,
        update_config: UpdateConfig { max_unavailable: 1 },
    })
}
