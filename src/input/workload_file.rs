//! The native workload file: components with replicas, requests, limits, placement rules, owners
//! and the machine each replica has today. `docs/workload-file.md` documents it.
//!
//! The types here are its form for writing and for the JSON Schema; reading walks the document
//! instead, so that every fault is named at once. A test keeps the two in step.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::cluster::Cluster;
use super::demand::{DemandFields, ScenarioFields, read_demand, read_scenarios};
use super::document::{Node, Value};
use super::policy_file;
use super::scalars::{Quantity, Share, read_share_of_all};
use super::view::View;
use crate::units::ResourceName;
use crate::workload::{PodTemplate, ResourceList, VolumeClaim, Workload, WorkloadId, WorkloadKind};

mod placement;

use placement::{Own, read_placement};
pub use placement::{Placement, PodTerm, SpreadTerm, Term, Terms};
pub(super) use placement::{own_replicas, topology_key};

/// The key that every workload file has, whose value is the format's version.
pub const MARKER: &str = "plimsoll";
/// The version of the format that this program reads and writes.
pub const VERSION: &str = "workloads/v1";

/// A workload file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadFile {
    /// `workloads/v1`.
    pub plimsoll: FormatVersion,
    /// What the file describes.
    pub name: String,
    /// Where the figures come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// What a reader should know, assumptions above all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The bundled catalog whose prices the file is meant for; what the user names instead wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
    /// How demand may turn out, with weights; as stated, for certain, where none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<ScenarioFields>,
    /// What has to be placed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// What runs once on every node that it is eligible for; `replicas` has no meaning here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub daemon_sets: Vec<Component>,
}

/// The format's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub enum FormatVersion {
    /// The first one.
    #[default]
    #[serde(rename = "workloads/v1")]
    V1,
}

/// A number of equal pods, VMs or processes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    /// Its name, unique within namespace and kind.
    pub name: String,
    /// `default` where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What it is in Kubernetes; `Component` where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<WorkloadKind>,
    /// How many run at once; the peak of `demand.hourlyReplicas`, or 1, where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u64>,
    /// How the replicas vary over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<DemandFields>,
    /// What each replica asks for, by resource name, as Kubernetes quantities.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, Quantity>,
    /// What each replica may use at most. A limit without a request is also the request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Quantity>,
    /// Labels, which selectors of other components look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Who owns it: `team`, `costCenter` and the like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<String, String>,
    /// The instance type that each replica has for itself today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_instance_type: Option<String>,
    /// Persistent volumes of each replica: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<u64>,
    /// Pod priority; 0 where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The share of the replicas that may run on spot capacity, such as `50%`, rounded down; the policy's
    /// where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_share: Option<Share>,
    /// Where replicas may lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
}

/// The JSON Schema of the format.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(WorkloadFile)
}

/// A workload file as YAML.
pub fn to_yaml(file: &WorkloadFile) -> String {
    serde_yaml::to_string(file).expect("a workload file has only strings, numbers, lists and maps")
}

/// Whether a document calls itself one of ours.
pub(super) fn is_native(node: &Node<'_>) -> bool {
    node.get(MARKER).is_some()
}

const FILE_KEYS: [&str; 8] =
    [MARKER, "name", "sources", "notes", "catalog", "scenarios", "components", "daemonSets"];
const COMPONENT_KEYS: [&str; 14] = [
    "name",
    "namespace",
    "kind",
    "replicas",
    "demand",
    "requests",
    "limits",
    "labels",
    "owners",
    "currentInstanceType",
    "volumes",
    "priority",
    "spotShare",
    "placement",
];
/// Reads a workload file's root into the cluster.
pub(super) fn read(root: View<'_>, cluster: &mut Cluster<'_>) {
    if let Some(version) = root.get(MARKER)
        && version.node.as_str() == Some(policy_file::VERSION)
    {
        return version.fault_with_help("this is a policy, where workloads belong", "give it with --policy");
    }
    root.only_keys(&FILE_KEYS);
    if let Some(version) = root.get(MARKER)
        && let Some(text) = version.text()
        && text != VERSION
    {
        let help = format!("this program reads `{VERSION}`");
        version.fault_with_help(format!("unknown format `{text}`"), help);
    }
    root.required("name").and_then(|name| name.text());
    for key in ["sources", "notes"] {
        root.get(key).map(|list| list.strings());
    }
    if let Some(catalog) = root.get("catalog")
        && let Some(name) = catalog.text()
        && let Err(message) = cluster.name_catalog(name, catalog.place())
    {
        catalog.fault_with_help(message, "leave the key out of one of the files");
    }
    if let Some(scenarios) = root.get("scenarios") {
        read_scenarios(scenarios, cluster);
    }
    for (key, daemons) in [("components", false), ("daemonSets", true)] {
        if let Some(list) = root.get(key) {
            list.each_item(|item| read_component(item, daemons, cluster));
        }
    }
}

fn read_component(item: View<'_>, daemon: bool, cluster: &mut Cluster<'_>) {
    item.only_keys(&COMPONENT_KEYS);
    if !matches!(item.node.value, Value::Mapping(_)) {
        return;
    }
    let text = |key: &str| item.get(key).and_then(|value| value.text().map(str::to_owned));
    let name = item.required("name").and_then(|name| name.text().map(str::to_owned));
    let namespace = text("namespace").unwrap_or_else(|| "default".to_owned());
    let kind = if daemon { WorkloadKind::DaemonSet } else { read_kind(item) };
    let demand = item.get("demand").map(|demand| {
        if daemon {
            demand.fault("a DaemonSet has one pod on every node, whatever the hour");
        }
        read_demand(demand, cluster)
    });
    let stated = item.get("replicas").and_then(|replicas| replicas.whole());
    // Without a number of its own a component has what its profile needs at most.
    let peak = || demand.as_ref()?.profile.as_ref()?.peak();
    let replicas = stated.or_else(peak).unwrap_or(1);
    let mut pod = PodTemplate::default();
    (pod.requests, pod.limits) = read_amounts(item, &mut cluster.warnings);
    if let Some(labels) = item.get("labels") {
        pod.labels = labels.string_map();
    }
    let owners = item.get("owners").map(|owners| owners.string_map()).unwrap_or_default();
    if let Some(volumes) = item.get("volumes").and_then(|count| count.whole_up_to(MOST_VOLUMES)) {
        pod.rules.volumes =
            (0..volumes).map(|i| VolumeClaim { name: format!("volume-{i}"), zone: None }).collect();
    }
    pod.priority = item.get("priority").and_then(|priority| priority.integer()).unwrap_or_default();
    if let (Some(placement), Some(name)) = (item.get("placement"), &name) {
        let own = Own { namespace: &namespace, name };
        read_placement(placement, &own, &mut pod);
    }
    if let Some(share) = item.get("spotShare") {
        pod.rules.spot_share = read_share_of_all(share);
    }
    let current_type = text("currentInstanceType");
    let Some(name) = name else { return };
    let id = WorkloadId { namespace, kind, name };
    if let Some(demand) = demand {
        cluster.demands.insert(id.clone(), demand);
    }
    let workload = Workload { id, replicas: if daemon { 1 } else { replicas }, pod, owners, current_type };
    if let Err(message) = cluster.add_ready(workload, item.place()) {
        item.fault(message);
    }
}

/// More volumes than any machine attaches.
const MOST_VOLUMES: u64 = 1000;

fn read_kind(item: View<'_>) -> WorkloadKind {
    let Some(kind) = item.get("kind") else { return WorkloadKind::Component };
    let Some(text) = kind.text() else { return WorkloadKind::Component };
    let kinds = || WorkloadKind::ALL.into_iter().filter(|kind| *kind != WorkloadKind::DaemonSet);
    let known = kinds().find(|known| known.to_string() == text);
    if known.is_none() {
        let help = match text {
            "DaemonSet" => "list it under `daemonSets`".to_owned(),
            _ => format!("known are {}", kinds().map(|kind| kind.to_string()).collect::<Vec<_>>().join(", ")),
        };
        kind.fault_with_help(format!("unknown kind `{text}`"), help);
    }
    known.unwrap_or(WorkloadKind::Component)
}

/// Requests and limits of a component. A limit without a request is also the request.
fn read_amounts(item: View<'_>, warnings: &mut Vec<String>) -> (ResourceList, ResourceList) {
    let mut requests = item.get("requests").map(|list| list.resource_list(warnings)).unwrap_or_default();
    let limits = item.get("limits").map(|list| list.resource_list(warnings)).unwrap_or_default();
    for (resource, limit) in &limits {
        let request = requests.entry(resource.clone()).or_insert(*limit);
        if *request > *limit {
            item.fault(format!("the request of {resource} exceeds its limit"));
        }
    }
    for reserved in [ResourceName::Pods, ResourceName::Volumes] {
        if requests.contains_key(&reserved) {
            item.fault_with_help(format!("`{reserved}` cannot be requested"), "use `replicas` and `volumes`");
        }
    }
    (requests, limits)
}

#[cfg(test)]
mod tests {
    use super::super::demand::{AUTOSCALED_KEYS, DEMAND_KEYS, SCENARIO_KEYS};
    use super::super::form::assert_keys;
    use super::placement::{PLACEMENT_KEYS, SPREAD_KEYS, TERM_KEYS};
    use super::*;

    #[test]
    fn the_schema_knows_the_keys_that_the_reader_knows() {
        let schema = serde_json::to_value(schema()).unwrap();
        assert_keys(&schema, &FILE_KEYS);
        let definitions = &schema["$defs"];
        assert_keys(&definitions["Component"], &COMPONENT_KEYS);
        assert_keys(&definitions["DemandFields"], &DEMAND_KEYS);
        assert_keys(&definitions["AutoscaledFields"], &AUTOSCALED_KEYS);
        assert_keys(&definitions["ScenarioFields"], &SCENARIO_KEYS);
        assert_keys(&definitions["Placement"], &PLACEMENT_KEYS);
        assert_keys(&definitions["PodTerm"], &TERM_KEYS);
        assert_keys(&definitions["SpreadTerm"], &SPREAD_KEYS);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let component = Component {
            name: "a".to_owned(),
            replicas: Some(2),
            requests: [("cpu".to_owned(), Quantity("250m".to_owned()))].into(),
            placement: Some(Placement {
                anti_affinity: Some(Terms::List(vec![Term::Full(PodTerm {
                    topology_key: "hostname".to_owned(),
                    ..PodTerm::default()
                })])),
                ..Placement::default()
            }),
            ..Component::default()
        };
        let file = WorkloadFile {
            plimsoll: FormatVersion::V1,
            name: "yes".to_owned(),
            sources: Vec::new(),
            notes: Vec::new(),
            catalog: None,
            scenarios: Vec::new(),
            components: vec![component],
            daemon_sets: Vec::new(),
        };
        let source = crate::input::Source { name: "w".to_owned(), bytes: to_yaml(&file).into_bytes() };
        let set = crate::input::read_workloads(&[source], &crate::input::ReadOptions::default()).unwrap();
        assert_eq!(set.workloads[0].replicas, 2);
        assert_eq!(set.workloads[0].pod.requests[&ResourceName::Cpu], 250);
        assert_eq!(set.workloads[0].pod.rules.pod_anti_affinity.len(), 1);
    }
}
