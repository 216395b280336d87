//! EKS managed node groups as Terraform's JSON (`.tf.json`): one `aws_eks_node_group` for each group.
//!
//! JSON and not HCL, so that no name of the input can break out of its string. Arguments by the
//! documentation of terraform-provider-aws (`website/docs/r/eks_node_group.html.markdown`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{NodeGroup, NodeGroupsError, Taint, bottlerocket, check, groups, head, managed_labels};
use crate::catalog::Architecture;
use crate::policy::TaintEffect;
use crate::report::Format;
use crate::report::view::PlanReport;

#[derive(Serialize)]
struct Configuration<'a> {
    #[serde(rename = "//")]
    comment: String,
    variable: BTreeMap<&'static str, Variable>,
    resource: BTreeMap<&'static str, BTreeMap<&'a str, Resource<'a>>>,
}

#[derive(Serialize)]
struct Variable {
    #[serde(rename = "type")]
    kind: &'static str,
    description: &'static str,
}

#[derive(Serialize)]
struct Resource<'a> {
    cluster_name: &'static str,
    node_group_name: &'a str,
    node_role_arn: &'static str,
    subnet_ids: String,
    ami_type: &'static str,
    capacity_type: &'static str,
    instance_types: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_size: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    taint: Vec<TaintBlock>,
    scaling_config: Scaling,
    update_config: Update,
}

#[derive(Serialize)]
struct TaintBlock {
    key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    effect: &'static str,
}

#[derive(Serialize)]
struct Scaling {
    min_size: u64,
    max_size: u64,
    desired_size: u64,
}

#[derive(Serialize)]
struct Update {
    max_unavailable: u64,
}

/// Writes the configuration.
///
/// # Errors
/// A plan for another provider, or a pool with a label that EKS may not set.
pub fn render(report: &PlanReport) -> Result<String, NodeGroupsError> {
    check(Format::Terraform, report.catalog.provider)?;
    let groups = groups(report)?;
    let mut lines = head(report, "EKS managed node groups");
    lines.push("Save as *.tf.json. Pods per node are EKS's own default for the type: where the plan counts with others, give the group a launch template.".to_owned());
    let by_zone = groups.iter().any(|group| group.zone.is_some());
    let mut variable = BTreeMap::from([
        ("cluster_name", Variable { kind: "string", description: "Name of the EKS cluster" }),
        ("node_role_arn", Variable { kind: "string", description: "ARN of the IAM role of the nodes" }),
    ]);
    if by_zone {
        let description = "Subnets of the nodes by zone, such as {us-east-1a = [\"subnet-...\"]}";
        variable.insert("subnet_ids_by_zone", Variable { kind: "map(list(string))", description });
    }
    if groups.iter().any(|group| group.zone.is_none()) {
        let description = "Subnets of the nodes, in every zone that they may stand in";
        variable.insert("subnet_ids", Variable { kind: "list(string)", description });
    }
    let bottlerocket = bottlerocket(report);
    let region = report.catalog.region.as_str();
    let resources: Result<_, _> =
        groups.iter().map(|g| Ok((g.name.as_str(), resource(g, region, bottlerocket)?))).collect();
    let configuration = Configuration {
        comment: literal(&lines.join(" ")),
        variable,
        resource: BTreeMap::from([("aws_eks_node_group", resources?)]),
    };
    Ok(serde_json::to_string_pretty(&configuration).expect("maps, strings and integers are JSON") + "\n")
}

fn resource<'a>(
    group: &'a NodeGroup<'_>,
    region: &str,
    bottlerocket: bool,
) -> Result<Resource<'a>, NodeGroupsError> {
    let labels = managed_labels(group, region, Format::Terraform)?;
    let taint = |t: &Taint| TaintBlock {
        key: literal(&t.key),
        value: literal(&t.value),
        effect: match t.effect {
            TaintEffect::NoSchedule => "NO_SCHEDULE",
            TaintEffect::PreferNoSchedule => "PREFER_NO_SCHEDULE",
            TaintEffect::NoExecute => "NO_EXECUTE",
        },
    };
    Ok(Resource {
        cluster_name: "${var.cluster_name}",
        node_group_name: &group.name,
        node_role_arn: "${var.node_role_arn}",
        subnet_ids: match group.zone {
            Some(zone) => {
                format!("${{var.subnet_ids_by_zone[\"{}\"]}}", zone.replace(['"', '\\', '$', '%'], ""))
            }
            None => "${var.subnet_ids}".to_owned(),
        },
        ami_type: ami_type(group, bottlerocket),
        capacity_type: if group.spot { "SPOT" } else { "ON_DEMAND" },
        instance_types: [group.instance_type],
        disk_size: group.disk_gib(),
        labels: labels.iter().map(|(key, value)| (literal(key), literal(value))).collect(),
        taint: group.taints.iter().map(taint).collect(),
        scaling_config: Scaling { min_size: group.least, max_size: group.most, desired_size: group.most },
        update_config: Update { max_unavailable: 1 },
    })
}

/// The AMI by operating system, architecture and accelerator (EKS API reference, `Nodegroup.amiType`).
fn ami_type(group: &NodeGroup<'_>, bottlerocket: bool) -> &'static str {
    let arm = group.architecture == Architecture::Arm64;
    match (bottlerocket, arm, group.gpus) {
        (false, false, false) => "AL2023_x86_64_STANDARD",
        (false, false, true) => "AL2023_x86_64_NVIDIA",
        (false, true, false) => "AL2023_ARM_64_STANDARD",
        (false, true, true) => "AL2023_ARM_64_NVIDIA",
        (true, false, false) => "BOTTLEROCKET_x86_64",
        (true, false, true) => "BOTTLEROCKET_x86_64_NVIDIA",
        (true, true, false) => "BOTTLEROCKET_ARM_64",
        (true, true, true) => "BOTTLEROCKET_ARM_64_NVIDIA",
    }
}

/// Text that Terraform takes as it is, without expressions in it.
fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}
