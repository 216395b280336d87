//! The placement rules of a component: their form and how they are read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::document::Value;
use super::super::placement;
use super::super::view::View;
use crate::workload::{
    HostPort, LabelExpression, LabelOperator, LabelSelector, PlacementRules, PodAffinityTerm, PodTemplate,
    TopologySpread,
};

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

/// The label by which a component's own replicas are selected.
const SELF_LABEL: &str = "plimsoll/component";

pub(super) const PLACEMENT_KEYS: [&str; 7] =
    ["nodeSelector", "nodeAffinity", "tolerations", "antiAffinity", "affinity", "spread", "hostPorts"];
pub(super) const TERM_KEYS: [&str; 3] = ["topologyKey", "matchLabels", "namespaces"];
pub(super) const SPREAD_KEYS: [&str; 4] = ["topologyKey", "maxSkew", "minDomains", "matchLabels"];

/// The component that rules belong to.
pub(super) struct Own<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
}

/// The rules of a component; its own replicas are selected by a label that they get for it.
pub(super) fn read_placement(view: View<'_>, own: &Own<'_>, pod: &mut PodTemplate) {
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
pub(in crate::input) fn topology_key(text: &str) -> String {
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
pub(in crate::input) fn own_replicas(name: &str, labels: &mut Labels) -> LabelSelector {
    labels.insert(SELF_LABEL.to_owned(), name.to_owned());
    let values = vec![name.to_owned()];
    let expression = LabelExpression { key: SELF_LABEL.to_owned(), operator: LabelOperator::In, values };
    LabelSelector { expressions: vec![expression] }
}
