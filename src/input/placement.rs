//! The scheduling rules of a pod spec, as Kubernetes writes them.

use super::scalars::read_share_of_all;
use super::view::View;
use crate::units::PartsPerMillion;
use crate::workload::{
    HostPort, LabelExpression, LabelOperator, LabelSelector, NodeSelectorTerm, PlacementRules,
    PodAffinityTerm, Toleration, TopologySpread,
};
use std::collections::BTreeMap;

/// A namespace selector of a pod affinity term: which namespaces it means is known only when all
/// inputs are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct NamespaceSelector {
    pub anti: bool,
    /// Index of the term among the pod's (anti-)affinity terms.
    pub term: usize,
    pub selector: LabelSelector,
}

/// The pod that rules belong to.
pub(super) struct Owner<'a> {
    pub namespace: &'a str,
    pub labels: &'a BTreeMap<String, String>,
}

/// The annotation, or label, by which an object or its pod template says which share of its pods may run on
/// spot capacity: `50%` or, where percent signs are not allowed, `0.5`.
pub(super) const SPOT_SHARE: &str = "plimsoll/spot-share";

/// The share that metadata names, if it does; the annotation before the label.
pub(super) fn spot_share_of(metadata: View<'_>) -> Option<PartsPerMillion> {
    for key in ["annotations", "labels"] {
        if let Some(map) = metadata.get(key)
            && let Some(share) = map.get(SPOT_SHARE)
        {
            return read_share_of_all(share);
        }
    }
    None
}

/// Reads `nodeSelector`, `affinity`, `tolerations` and `topologySpreadConstraints` of a pod spec.
pub(super) fn read_rules(
    spec: View<'_>,
    owner: &Owner<'_>,
    rules: &mut PlacementRules,
    pending: &mut Vec<NamespaceSelector>,
) {
    if let Some(selector) = spec.get("nodeSelector") {
        rules.node_selector = selector.string_map();
    }
    if let Some(affinity) = spec.get("affinity") {
        if let Some(node) = affinity.get("nodeAffinity") {
            read_node_affinity(node, rules);
        }
        for (key, anti) in [("podAffinity", false), ("podAntiAffinity", true)] {
            if let Some(pods) = affinity.get(key) {
                read_pod_affinity(pods, anti, owner, rules, pending);
            }
        }
    }
    if let Some(tolerations) = spec.get("tolerations") {
        tolerations.each_item(|item| rules.tolerations.extend(read_toleration(item)));
    }
    if let Some(spreads) = spec.get("topologySpreadConstraints") {
        spreads.each_item(|item| read_spread(item, owner, rules));
    }
}

fn read_node_affinity(node: View<'_>, rules: &mut PlacementRules) {
    if let Some(required) = node.get("requiredDuringSchedulingIgnoredDuringExecution")
        && let Some(terms) = required.required("nodeSelectorTerms")
    {
        terms.each_item(|term| rules.node_affinity.push(read_node_term(term)));
    }
    if let Some(preferred) = node.get("preferredDuringSchedulingIgnoredDuringExecution") {
        preferred.each_item(|item| {
            rules.preferred_rules += 1;
            rules.preferred.node.extend(item.get("preference").map(read_node_term));
        });
    }
}

/// One term: `matchExpressions` and `matchFields`, all of which must hold.
pub(super) fn read_node_term(term: View<'_>) -> NodeSelectorTerm {
    let mut expressions = Vec::new();
    for key in ["matchExpressions", "matchFields"] {
        if let Some(list) = term.get(key) {
            list.each_item(|item| expressions.extend(read_expression(item, true)));
        }
    }
    NodeSelectorTerm { expressions }
}

fn read_expression(item: View<'_>, of_nodes: bool) -> Option<LabelExpression> {
    let key = item.required("key").and_then(|key| key.text().map(str::to_owned));
    let operator = item.required("operator").and_then(|operator| {
        let known = match operator.text()? {
            "In" => LabelOperator::In,
            "NotIn" => LabelOperator::NotIn,
            "Exists" => LabelOperator::Exists,
            "DoesNotExist" => LabelOperator::DoesNotExist,
            "Gt" if of_nodes => LabelOperator::Gt,
            "Lt" if of_nodes => LabelOperator::Lt,
            other => {
                let known = if of_nodes { ", Gt, Lt" } else { "" };
                operator.fault_with_help(
                    format!("unknown operator `{other}`"),
                    format!("known are In, NotIn, Exists, DoesNotExist{known}"),
                );
                return None;
            }
        };
        Some(known)
    });
    let mut values = item.get("values").map(|values| values.strings()).unwrap_or_default();
    let operator = operator?;
    match operator {
        LabelOperator::In | LabelOperator::NotIn if values.is_empty() => {
            item.fault(format!("operator {operator:?} needs values"));
        }
        LabelOperator::Gt | LabelOperator::Lt
            if values.len() != 1 || values.iter().any(|v| v.parse::<i64>().is_err()) =>
        {
            item.fault(format!("operator {operator:?} needs one value, a whole number in quotes"));
        }
        LabelOperator::Exists | LabelOperator::DoesNotExist if !values.is_empty() => {
            item.fault(format!("operator {operator:?} takes no values"));
        }
        _ => {}
    }
    values.sort();
    Some(LabelExpression { key: key?, operator, values })
}

fn read_pod_affinity(
    pods: View<'_>,
    anti: bool,
    owner: &Owner<'_>,
    rules: &mut PlacementRules,
    pending: &mut Vec<NamespaceSelector>,
) {
    if let Some(required) = pods.get("requiredDuringSchedulingIgnoredDuringExecution") {
        required.each_item(|item| {
            let list = if anti { &mut rules.pod_anti_affinity } else { &mut rules.pod_affinity };
            let Some(term) = read_pod_term(item, owner) else { return };
            if let Some(selector) = item.get("namespaceSelector") {
                let selector = LabelSelector { expressions: read_selector(selector) };
                pending.push(NamespaceSelector { anti, term: list.len(), selector });
            }
            list.push(term);
        });
    }
    if let Some(preferred) = pods.get("preferredDuringSchedulingIgnoredDuringExecution") {
        preferred.each_item(|item| {
            rules.preferred_rules += 1;
            let list = if anti { &mut rules.preferred.apart } else { &mut rules.preferred.near };
            // Which namespaces a selector means is looked up for binding rules only.
            let term = item.get("podAffinityTerm").filter(|term| term.get("namespaceSelector").is_none());
            list.extend(term.and_then(|term| read_pod_term(term, owner)));
        });
    }
}

/// Topology key, selector and namespaces of one term; the namespaces of a selector come later.
fn read_pod_term(item: View<'_>, owner: &Owner<'_>) -> Option<PodAffinityTerm> {
    let topology_key = item.required("topologyKey").and_then(|key| key.text().map(str::to_owned))?;
    let mut namespaces = item.get("namespaces").map(|n| n.strings()).unwrap_or_default();
    if item.get("namespaceSelector").is_none() && namespaces.is_empty() {
        namespaces.push(owner.namespace.to_owned());
    }
    Some(PodAffinityTerm { topology_key, selector: read_pod_selector(item, owner), namespaces })
}

/// `labelSelector` with `matchLabelKeys` and `mismatchLabelKeys`, which stand for the pod's own
/// values of these labels. Without a selector no pod is meant.
fn read_pod_selector(item: View<'_>, owner: &Owner<'_>) -> LabelSelector {
    let Some(selector) = item.get("labelSelector") else {
        let nothing = LabelExpression { key: String::new(), operator: LabelOperator::In, values: Vec::new() };
        return LabelSelector { expressions: vec![nothing] };
    };
    let mut expressions = read_selector(selector);
    for (keys, operator) in
        [("matchLabelKeys", LabelOperator::In), ("mismatchLabelKeys", LabelOperator::NotIn)]
    {
        if let Some(keys) = item.get(keys) {
            for key in keys.strings() {
                // A key that the pod does not carry is ignored, as the API server does.
                if let Some(value) = owner.labels.get(&key) {
                    expressions.push(LabelExpression { key, operator, values: vec![value.clone()] });
                }
            }
        }
    }
    expressions.sort();
    expressions.dedup();
    LabelSelector { expressions }
}

/// `matchLabels` and `matchExpressions` of a label selector, sorted.
pub(super) fn read_selector(selector: View<'_>) -> Vec<LabelExpression> {
    let mut expressions = Vec::new();
    if let Some(labels) = selector.get("matchLabels") {
        for (key, value) in labels.string_map() {
            expressions.push(LabelExpression { key, operator: LabelOperator::In, values: vec![value] });
        }
    }
    if let Some(list) = selector.get("matchExpressions") {
        list.each_item(|item| expressions.extend(read_expression(item, false)));
    }
    expressions.sort();
    expressions
}

/// Reads one toleration.
pub(super) fn read_toleration(item: View<'_>) -> Option<Toleration> {
    let text = |key: &str| item.get(key).and_then(|v| v.string()).filter(|v| !v.is_empty());
    let (key, effect) = (text("key"), text("effect"));
    if let Some(effect) = &effect
        && !matches!(effect.as_str(), "NoSchedule" | "NoExecute" | "PreferNoSchedule")
    {
        item.fault_with_help(
            format!("unknown effect `{effect}`"),
            "known are NoSchedule, PreferNoSchedule, NoExecute",
        );
    }
    let value = match text("operator").as_deref() {
        Some("Exists") => {
            if text("value").is_some() {
                item.fault("operator Exists takes no value");
            }
            None
        }
        Some("Equal") | None => Some(item.get("value").and_then(|v| v.string()).unwrap_or_default()),
        Some(other) => {
            item.fault_with_help(format!("unknown operator `{other}`"), "known are Exists, Equal");
            return None;
        }
    };
    if key.is_none() && value.is_some() {
        item.fault("without a key the operator must be Exists");
        return None;
    }
    Some(Toleration { key, value, effect })
}

fn read_spread(item: View<'_>, owner: &Owner<'_>, rules: &mut PlacementRules) {
    let mut binds = true;
    match item.required("whenUnsatisfiable").and_then(|v| v.text()) {
        Some("ScheduleAnyway") => {
            rules.preferred_rules += 1;
            binds = false;
        }
        Some("DoNotSchedule") | None => {}
        Some(other) => item.fault_with_help(
            format!("unknown whenUnsatisfiable `{other}`"),
            "known are DoNotSchedule, ScheduleAnyway",
        ),
    }
    let limit = u64::from(u32::MAX);
    let max_skew = item.required("maxSkew").and_then(|skew| {
        let number = skew.whole_up_to(limit)?;
        if number == 0 {
            skew.fault("maxSkew must be at least 1");
        }
        u32::try_from(number).ok()
    });
    let min_domains =
        item.get("minDomains").and_then(|v| v.whole_up_to(limit)).and_then(|v| u32::try_from(v).ok());
    let topology_key = item.required("topologyKey").and_then(|key| key.text().map(str::to_owned));
    let selector = read_pod_selector(item, owner);
    if let (Some(max_skew), Some(topology_key)) = (max_skew, topology_key) {
        let list = if binds { &mut rules.topology_spread } else { &mut rules.preferred.spread };
        list.push(TopologySpread { topology_key, max_skew, min_domains, selector });
    }
}

/// Reads the ports of a container that are taken on the node itself. With `hostNetwork` every
/// container port is one, as the API server's defaulting makes it.
pub(super) fn read_host_ports(container: View<'_>, host_network: bool, ports: &mut Vec<HostPort>) {
    let Some(list) = container.get("ports") else { return };
    list.each_item(|item| {
        let number = |key: &str| item.get(key).and_then(|port| port.whole_up_to(u64::from(u16::MAX)));
        let host_port = match number("hostPort") {
            Some(0) | None if host_network => number("containerPort"),
            port => port,
        };
        let Some(port) = host_port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0) else {
            return;
        };
        let text = |key: &str| item.get(key).and_then(|value| value.text().map(str::to_owned));
        ports.push(HostPort {
            port,
            protocol: text("protocol").unwrap_or_else(|| "TCP".to_owned()),
            host_ip: text("hostIP").unwrap_or_default(),
        });
    });
}
