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
use super::placement;
use super::scalars::{Quantity, Share, read_share_of_all};
use super::view::View;
use crate::units::ResourceName;
use crate::workload::{
    HostPort, LabelExpression, LabelOperator, LabelSelector, PlacementRules, PodAffinityTerm, PodTemplate,
    ResourceList, TopologySpread, VolumeClaim, Workload, WorkloadId, WorkloadKind,
};

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

/// Placement rules. `nodeAffinity` and `tolerations` are written as in a pod spec.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Placement {
    /// Labels that the node must carry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// One of the terms must match; each has `matchExpressions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node_affinity: Vec<BTreeMap<String, serde_json::Value>>,
    /// Taints that are tolerated, with `key`, `operator`, `value`, `effect`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<BTreeMap<String, serde_json::Value>>,
    /// From what replicas keep away; `hostname` puts the component's own replicas on different nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anti_affinity: Option<Terms<PodTerm>>,
    /// To what replicas keep close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Terms<PodTerm>>,
    /// Over what replicas spread evenly; `zone` spreads the component's own replicas over zones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Terms<SpreadTerm>>,
    /// TCP ports that each replica takes of its node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_ports: Vec<u16>,
}

/// One word, or a list of words and full terms.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Terms<T> {
    /// A topology key, `hostname` or `zone`, for the component's own replicas.
    Word(String),
    /// Several rules, all of which hold.
    List(Vec<Term<T>>),
}

/// One rule of a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Term<T> {
    /// A topology key, `hostname` or `zone`, for the component's own replicas.
    Word(String),
    /// A rule in full.
    Full(T),
}

/// Other pods within a domain.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodTerm {
    /// The node label whose values are the domains, or `hostname` or `zone` for short.
    pub topology_key: String,
    /// Labels of the pods that are meant; none means this component's own replicas.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// In which namespaces; the component's own where none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
}

/// An even spread over domains.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpreadTerm {
    /// The node label whose values are the domains, or `hostname` or `zone` for short.
    pub topology_key: String,
    /// The most by which a domain may exceed the emptiest one; 1 where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_skew: Option<u32>,
    /// With fewer domains than this the emptiest counts as zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_domains: Option<u32>,
    /// Labels of the pods that are counted; none means this component's own replicas.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
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

/// The label by which a component's own replicas are selected.
const SELF_LABEL: &str = "plimsoll/component";

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
const PLACEMENT_KEYS: [&str; 7] =
    ["nodeSelector", "nodeAffinity", "tolerations", "antiAffinity", "affinity", "spread", "hostPorts"];
const TERM_KEYS: [&str; 3] = ["topologyKey", "matchLabels", "namespaces"];
const SPREAD_KEYS: [&str; 4] = ["topologyKey", "maxSkew", "minDomains", "matchLabels"];
/// Reads a workload file's root into the cluster.
pub(super) fn read(root: View<'_>, cluster: &mut Cluster<'_>) {
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

/// The component that rules belong to.
struct Own<'a> {
    namespace: &'a str,
    name: &'a str,
}

fn read_placement(view: View<'_>, own: &Own<'_>, pod: &mut PodTemplate) {
    view.only_keys(&PLACEMENT_KEYS);
    let PodTemplate { rules, labels, .. } = pod;
    if let Some(selector) = view.get("nodeSelector") {
        rules.node_selector = selector.string_map();
    }
    if let Some(terms) = view.get("nodeAffinity") {
        terms.each_item(|term| {
            term.only_keys(&["matchExpressions"]);
            rules.node_affinity.push(placement::read_node_term(term));
        });
    }
    if let Some(tolerations) = view.get("tolerations") {
        tolerations.each_item(|item| {
            item.only_keys(&["key", "operator", "value", "effect"]);
            rules.tolerations.extend(placement::read_toleration(item));
        });
    }
    if let Some(terms) = view.get("antiAffinity") {
        rules.pod_anti_affinity = read_terms(terms, own, labels);
    }
    if let Some(terms) = view.get("affinity") {
        rules.pod_affinity = read_terms(terms, own, labels);
    }
    if let Some(terms) = view.get("spread") {
        read_spreads(terms, own, labels, rules);
    }
    if let Some(ports) = view.get("hostPorts") {
        ports.each_item(|item| {
            let number = item.whole_up_to(u64::from(u16::MAX)).and_then(|port| u16::try_from(port).ok());
            rules.host_ports.extend(number.map(|port| HostPort {
                port,
                protocol: "TCP".to_owned(),
                host_ip: String::new(),
            }));
        });
        rules.host_ports.sort();
        rules.host_ports.dedup();
    }
}

/// A topology key, with the two usual ones in short.
pub(super) fn topology_key(text: &str) -> String {
    match text {
        "hostname" => "kubernetes.io/hostname".to_owned(),
        "zone" => "topology.kubernetes.io/zone".to_owned(),
        other => other.to_owned(),
    }
}

type Labels = BTreeMap<String, String>;

/// `hostname`, or a list of such words and of full terms.
fn read_terms(view: View<'_>, own: &Own<'_>, labels: &mut Labels) -> Vec<PodAffinityTerm> {
    let mut terms = Vec::new();
    each_term(view, |item| {
        let mut namespaces = Vec::new();
        let (key, selector) = read_term(item, &TERM_KEYS, own, labels);
        if matches!(item.node.value, Value::Mapping(_))
            && let Some(list) = item.get("namespaces")
        {
            namespaces = list.strings();
        }
        if namespaces.is_empty() {
            namespaces.push(own.namespace.to_owned());
        }
        terms.extend(key.map(|topology_key| PodAffinityTerm { topology_key, selector, namespaces }));
    });
    terms
}

fn read_spreads(view: View<'_>, own: &Own<'_>, labels: &mut Labels, rules: &mut PlacementRules) {
    each_term(view, |item| {
        let (key, selector) = read_term(item, &SPREAD_KEYS, own, labels);
        let number = |name: &str| {
            if !matches!(item.node.value, Value::Mapping(_)) {
                return None;
            }
            let view = item.get(name)?;
            let number = view.whole_up_to(u64::from(u32::MAX))?;
            if number == 0 {
                view.fault("must be at least 1");
            }
            u32::try_from(number).ok()
        };
        let (max_skew, min_domains) = (number("maxSkew").unwrap_or(1), number("minDomains"));
        rules.topology_spread.extend(key.map(|topology_key| TopologySpread {
            topology_key,
            max_skew,
            min_domains,
            selector,
        }));
    });
}

fn each_term(view: View<'_>, mut visit: impl FnMut(View<'_>)) {
    match view.node.value {
        Value::String(_) => visit(view),
        _ => view.each_item(visit),
    }
}

/// The topology key and the selector of a term; a term that is one word means the component itself.
fn read_term(
    item: View<'_>,
    keys: &[&str],
    own: &Own<'_>,
    labels: &mut Labels,
) -> (Option<String>, LabelSelector) {
    let mut match_labels = Labels::new();
    let key = if matches!(item.node.value, Value::Mapping(_)) {
        item.only_keys(keys);
        if let Some(selector) = item.get("matchLabels") {
            match_labels = selector.string_map();
        }
        item.required("topologyKey").and_then(|key| key.text().map(topology_key))
    } else {
        item.text().map(topology_key)
    };
    if match_labels.is_empty() {
        return (key, own_replicas(own.name, labels));
    }
    let expressions = match_labels
        .into_iter()
        .map(|(key, value)| LabelExpression { key, operator: LabelOperator::In, values: vec![value] })
        .collect();
    (key, LabelSelector { expressions })
}

/// Selects a component's own replicas, by a label that they get for it.
pub(super) fn own_replicas(name: &str, labels: &mut Labels) -> LabelSelector {
    labels.insert(SELF_LABEL.to_owned(), name.to_owned());
    let values = vec![name.to_owned()];
    let expression = LabelExpression { key: SELF_LABEL.to_owned(), operator: LabelOperator::In, values };
    LabelSelector { expressions: vec![expression] }
}

#[cfg(test)]
mod tests {
    use super::super::demand::{AUTOSCALED_KEYS, DEMAND_KEYS, SCENARIO_KEYS};
    use super::*;

    #[test]
    fn the_schema_knows_the_keys_that_the_reader_knows() {
        let schema = serde_json::to_value(schema()).unwrap();
        let keys = |value: &serde_json::Value| {
            let mut keys: Vec<String> = value["properties"].as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let sorted = |known: &[&str]| {
            let mut known: Vec<String> = known.iter().map(ToString::to_string).collect();
            known.sort();
            known
        };
        assert_eq!(keys(&schema), sorted(&FILE_KEYS));
        let definitions = &schema["$defs"];
        assert_eq!(keys(&definitions["Component"]), sorted(&COMPONENT_KEYS));
        assert_eq!(keys(&definitions["DemandFields"]), sorted(&DEMAND_KEYS));
        assert_eq!(keys(&definitions["AutoscaledFields"]), sorted(&AUTOSCALED_KEYS));
        assert_eq!(keys(&definitions["ScenarioFields"]), sorted(&SCENARIO_KEYS));
        assert_eq!(keys(&definitions["Placement"]), sorted(&PLACEMENT_KEYS));
        assert_eq!(keys(&definitions["PodTerm"]), sorted(&TERM_KEYS));
        assert_eq!(keys(&definitions["SpreadTerm"]), sorted(&SPREAD_KEYS));
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
