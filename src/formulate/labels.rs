//! The labels that a node of each type would carry, and which types satisfy a workload's node rules.
//!
//! A condition on a label that no catalog tells (a node pool's, say) is taken to hold and named,
//! for whoever buys the node can set the label; a condition that a bare node satisfies by not
//! carrying the label (`NotIn`, `DoesNotExist`) simply holds.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, InstanceType, Provider};
use crate::workload::{LabelExpression, LabelOperator, NodeSelectorTerm, PlacementRules};

type Labels = BTreeMap<String, String>;

/// The labels that a node of this type would carry by itself.
pub fn node_labels(machine: &InstanceType, catalog: &Catalog) -> Labels {
    let mut labels = Labels::new();
    let mut set = |key: &str, value: String| labels.insert(key.to_owned(), value);
    for prefix in ["kubernetes.io", "beta.kubernetes.io"] {
        set(&format!("{prefix}/arch"), machine.architecture.to_string());
        set(&format!("{prefix}/os"), "linux".to_owned());
    }
    let name = label_name(machine, catalog.provider);
    set("node.kubernetes.io/instance-type", name.clone());
    set("beta.kubernetes.io/instance-type", name);
    set("topology.kubernetes.io/region", catalog.region.clone());
    set("failure-domain.beta.kubernetes.io/region", catalog.region.clone());
    let gpus = machine.extended.get("nvidia.com/gpu").copied().unwrap_or(0);
    if gpus > 0 {
        set("nvidia.com/gpu.present", "true".to_owned());
    }
    match catalog.provider {
        Provider::Aws => karpenter_labels(machine, gpus, &mut set),
        Provider::Gcp => {
            set("cloud.google.com/machine-family", machine.family.clone());
        }
        Provider::Azure | Provider::Other => {}
    }
    labels
}

/// The name that the provider's cloud controller writes on the node.
pub fn label_name(machine: &InstanceType, provider: Provider) -> String {
    match provider {
        Provider::Azure if !machine.name.starts_with("Standard_") => {
            format!("Standard_{}", machine.name.replace(' ', "_"))
        }
        _ => machine.name.clone(),
    }
}

/// Karpenter's labels for EC2 types (aws/karpenter-provider-aws, `labels.go`), those that follow from
/// the catalog. Family `c6gn` is category `c`, generation 6.
fn karpenter_labels<R>(machine: &InstanceType, gpus: u64, set: &mut impl FnMut(&str, String) -> R) {
    let (family, size) = machine.name.split_once('.').unwrap_or((&machine.name, ""));
    let digit = family.find(|c: char| c.is_ascii_digit()).unwrap_or(family.len());
    let category = family[..digit].trim_end_matches('-');
    let generation: String = family[digit..].chars().take_while(char::is_ascii_digit).collect();
    let mut label = |key: &str, value: String| {
        if !value.is_empty() {
            set(&format!("karpenter.k8s.aws/instance-{key}"), value);
        }
    };
    label("family", family.to_owned());
    label("size", size.to_owned());
    // `u-6tb1.56xlarge` is of category `u` and generation 1.
    let high_memory = family.split_once("tb").filter(|(before, _)| before.starts_with("u-"));
    label("category", category.to_owned());
    label("generation", high_memory.map_or(generation, |(_, after)| after.to_owned()));
    label("cpu", (machine.cpu.0 / 1000).to_string());
    label("memory", (machine.memory.0 >> 20).to_string());
    if gpus > 0 {
        label("gpu-count", gpus.to_string());
        label("gpu-manufacturer", "nvidia".to_owned());
    }
    if machine.local_storage.0 > 0 {
        label("local-nvme", (machine.local_storage.0 / 1_000_000_000).to_string());
    }
}

/// Whether the absence of this label on a type is a fact rather than ignorance.
fn is_known_key(key: &str, provider: Provider) -> bool {
    const EVERYWHERE: [&str; 11] = [
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "node.kubernetes.io/instance-type",
        "beta.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/region",
        "nvidia.com/gpu.present",
        // Only control plane nodes carry these, and those are not planned.
        "node-role.kubernetes.io/control-plane",
        "node-role.kubernetes.io/master",
    ];
    const KARPENTER: [&str; 9] = [
        "family",
        "size",
        "category",
        "generation",
        "cpu",
        "memory",
        "gpu-count",
        "gpu-manufacturer",
        "local-nvme",
    ];
    EVERYWHERE.contains(&key)
        || (provider == Provider::Aws
            && key.strip_prefix("karpenter.k8s.aws/instance-").is_some_and(|rest| KARPENTER.contains(&rest)))
        || (provider == Provider::Gcp && key == "cloud.google.com/machine-family")
}

/// Node selector and node affinity of a workload, as the key of a cache.
type NodeRules<'a> = (&'a BTreeMap<String, String>, Vec<&'a [LabelExpression]>);

/// What a workload's node rules come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// One flag per type.
    pub types: Vec<bool>,
    /// Conditions on labels that no catalog tells.
    pub unknown: BTreeSet<String>,
}

/// Answers which types satisfy node rules, once per distinct rule set and expression.
pub struct NodeMatcher<'a> {
    provider: Provider,
    labels: Vec<Labels>,
    expressions: BTreeMap<LabelExpression, Vec<bool>>,
    rules: BTreeMap<NodeRules<'a>, Matched>,
}

impl<'a> NodeMatcher<'a> {
    /// For nodes of these types of the catalog, in this order.
    pub fn new(catalog: &Catalog, types: &[usize]) -> Self {
        NodeMatcher {
            provider: catalog.provider,
            labels: types.iter().map(|&i| node_labels(&catalog.types[i], catalog)).collect(),
            expressions: BTreeMap::new(),
            rules: BTreeMap::new(),
        }
    }

    /// Which types satisfy node selector and required node affinity.
    pub fn matched(&mut self, rules: &'a PlacementRules) -> &Matched {
        let terms = rules.node_affinity.iter().map(|t| t.expressions.as_slice()).collect();
        let key: NodeRules<'a> = (&rules.node_selector, terms);
        if !self.rules.contains_key(&key) {
            let matched = self.evaluate(&rules.node_selector, &rules.node_affinity);
            self.rules.insert(key.clone(), matched);
        }
        &self.rules[&key]
    }

    /// The rules, each by itself, that no type satisfies; all of them where only together they
    /// exclude every type.
    pub fn excluding(&mut self, rules: &PlacementRules) -> Vec<String> {
        let none = |matched: Matched| !matched.types.contains(&true);
        let mut single = Vec::new();
        let mut all = Vec::new();
        for (key, value) in &rules.node_selector {
            let text = format!("node selector {key}={value}");
            if none(self.evaluate(&BTreeMap::from([(key.clone(), value.clone())]), &[])) {
                single.push(text.clone());
            }
            all.push(text);
        }
        if !rules.node_affinity.is_empty() {
            let terms: Vec<String> = rules.node_affinity.iter().map(display_term).collect();
            let text = format!("node affinity {}", terms.join(" or "));
            if none(self.evaluate(&BTreeMap::new(), &rules.node_affinity)) {
                single.push(text.clone());
            }
            all.push(text);
        }
        if single.is_empty() { all } else { single }
    }

    fn evaluate(&mut self, selector: &BTreeMap<String, String>, affinity: &[NodeSelectorTerm]) -> Matched {
        let mut matched = Matched { types: vec![true; self.labels.len()], unknown: BTreeSet::new() };
        for (key, value) in selector {
            let expression = LabelExpression {
                key: key.clone(),
                operator: LabelOperator::In,
                values: vec![value.clone()],
            };
            self.and(&expression, &mut matched.types, &mut matched.unknown);
        }
        if affinity.is_empty() {
            return matched;
        }
        let mut any = vec![false; self.labels.len()];
        for term in affinity.iter().filter(|t| !t.expressions.is_empty()) {
            let mut all = vec![true; self.labels.len()];
            for expression in &term.expressions {
                self.and(expression, &mut all, &mut matched.unknown);
            }
            any.iter_mut().zip(&all).for_each(|(any, &all)| *any |= all);
        }
        matched.types.iter_mut().zip(&any).for_each(|(t, &any)| *t &= any);
        matched
    }

    /// Clears the flags of types that do not satisfy an expression.
    fn and(&mut self, expression: &LabelExpression, types: &mut [bool], unknown: &mut BTreeSet<String>) {
        if !is_known_key(&expression.key, self.provider) {
            if !matches!(expression.operator, LabelOperator::NotIn | LabelOperator::DoesNotExist) {
                unknown.insert(display_expression(expression));
            }
            return;
        }
        if !self.expressions.contains_key(expression) {
            let holds = self.labels.iter().map(|labels| expression.matches(labels)).collect();
            self.expressions.insert(expression.clone(), holds);
        }
        types.iter_mut().zip(&self.expressions[expression]).for_each(|(t, &holds)| *t &= holds);
    }
}

/// `key=value`, `key in (a, b)`, `!key` and so on, as kubectl writes selectors.
fn display_expression(expression: &LabelExpression) -> String {
    let LabelExpression { key, operator, values } = expression;
    let list = values.join(", ");
    match operator {
        LabelOperator::In if values.len() == 1 => format!("{key}={list}"),
        LabelOperator::In => format!("{key} in ({list})"),
        LabelOperator::NotIn if values.len() == 1 => format!("{key}!={list}"),
        LabelOperator::NotIn => format!("{key} notin ({list})"),
        LabelOperator::Exists => key.clone(),
        LabelOperator::DoesNotExist => format!("!{key}"),
        LabelOperator::Gt => format!("{key} > {list}"),
        LabelOperator::Lt => format!("{key} < {list}"),
    }
}

fn display_term(term: &NodeSelectorTerm) -> String {
    let conditions: Vec<String> = term.expressions.iter().map(display_expression).collect();
    format!("({})", conditions.join(", "))
}
