//! Values for cluster-autoscaler's Helm chart: its node groups with their smallest and largest size.
//!
//! The chart (kubernetes/autoscaler, `charts/cluster-autoscaler`) reads `name`, `minSize` and `maxSize`
//! of each entry and no more; what else stands there tells people how to make the group.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{NodeGroup, NodeGroupsError, Taint, check, comments, groups, head};
use crate::catalog::Provider;
use crate::report::Format;
use crate::report::view::PlanReport;

/// What ends a name that is a prefix: cluster-autoscaler would take `n2-standard-48` for a group of the prefix
/// `n2-standard-4`, and give it that one's sizes.
pub(super) const PREFIX_END: &str = "-mig";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Values<'a> {
    cloud_provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_discovery: Option<AutoDiscovery>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    autoscaling_groups: Vec<Entry<'a>>,
    // The chart's own spelling.
    #[serde(rename = "autoscalingGroupsnamePrefix", skip_serializing_if = "Vec::is_empty")]
    name_prefixes: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AutoDiscovery {
    cluster_name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    name: String,
    min_size: u64,
    max_size: u64,
    desired_size: u64,
    instance_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    taints: Vec<String>,
}

/// Writes the values.
///
/// # Errors
/// A plan for a provider that the chart does not know.
pub fn render(report: &PlanReport) -> Result<String, NodeGroupsError> {
    check(Format::ClusterAutoscaler, report.catalog.provider)?;
    let groups = groups(report)?;
    let mut entries: Vec<Entry<'_>> = groups.iter().map(entry).collect();
    let mut lines = head(report, "Values of the cluster-autoscaler chart");
    lines.push(String::new());
    let provider = report.catalog.provider;
    lines.extend(made_by(provider).iter().map(|&line| line.to_owned()));
    lines.push("The chart reads name, minSize and maxSize; the rest says what the group must be.".to_owned());
    let values = match provider {
        Provider::Gcp => {
            entries.iter_mut().for_each(|entry| entry.name += PREFIX_END);
            Values {
                cloud_provider: "gce",
                aws_region: None,
                auto_discovery: Some(AutoDiscovery { cluster_name: "FILL-IN-CLUSTER" }),
                autoscaling_groups: Vec::new(),
                name_prefixes: entries,
            }
        }
        _ => Values {
            cloud_provider: if provider == Provider::Azure { "azure" } else { "aws" },
            aws_region: (provider == Provider::Aws).then_some(report.catalog.region.as_str()),
            auto_discovery: None,
            autoscaling_groups: entries,
            name_prefixes: Vec::new(),
        },
    };
    let text = serde_yaml::to_string(&values).expect("maps, strings and integers are YAML");
    Ok(comments(&lines) + &text + if text.ends_with('\n') { "" } else { "\n" })
}

fn entry<'a>(group: &'a NodeGroup<'_>) -> Entry<'a> {
    let taint = |t: &Taint| {
        let equals = if t.value.is_empty() { "" } else { "=" };
        format!("{}{equals}{}:{}", t.key, t.value, t.effect.as_str())
    };
    Entry {
        name: group.name.clone(),
        min_size: group.least,
        max_size: group.most,
        desired_size: group.most,
        instance_type: group.instance_type,
        zone: group.zone,
        labels: &group.labels,
        taints: group.taints.iter().map(taint).collect(),
    }
}

/// Whose groups the names are.
fn made_by(provider: Provider) -> &'static [&'static str] {
    match provider {
        Provider::Gcp => &[
            "Names are prefixes of managed instance groups. GKE scales its node pools itself: give the same sizes to",
            "  gcloud container node-pools create NAME --num-nodes --min-nodes --max-nodes --enable-autoscaling",
        ],
        Provider::Azure => &[
            "Names are those of virtual machine scale sets. AKS scales its node pools itself: give the same sizes to",
            "  az aks nodepool add --node-count --min-count --max-count --enable-cluster-autoscaler",
        ],
        _ => &[
            "Names are those of Auto Scaling groups. EKS names those of its managed node groups itself:",
            "  aws eks describe-nodegroup --query nodegroup.resources.autoScalingGroups",
        ],
    }
}
