//! The labels that a node of each type would carry, and which types satisfy a workload's node rules.
//!
//! A node has the labels of its type and region, of its zone, and of its pool; the pool's win.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, InstanceType, Provider};
use crate::workload::{LabelExpression, LabelOperator, NodeSelectorTerm, PlacementRules};

use super::places::{Candidate, Places};

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
        Provider::Aws => {
            // Plans buy on demand; whoever asks for spot finds no node.
            set("karpenter.sh/capacity-type", "on-demand".to_owned());
            set("eks.amazonaws.com/capacityType", "ON_DEMAND".to_owned());
            karpenter_labels(machine, &mut set);
        }
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
fn karpenter_labels<R>(machine: &InstanceType, set: &mut impl FnMut(&str, String) -> R) {
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
    for (resource, what, manufacturer) in [
        ("nvidia.com/gpu", "gpu", "nvidia"),
        ("amd.com/gpu", "gpu", "amd"),
        ("aws.amazon.com/neuron", "accelerator", "aws"),
    ] {
        let count = machine.extended.get(resource).copied().unwrap_or(0);
        if count > 0 {
            label(&format!("{what}-count"), count.to_string());
            label(&format!("{what}-manufacturer"), manufacturer.to_owned());
            label(&format!("{what}-name"), machine.accelerator.clone().unwrap_or_default());
        }
    }
    if machine.local_storage.0 > 0 {
        label("local-nvme", (machine.local_storage.0 / 1_000_000_000).to_string());
    }
}

/// Whether the absence of this label on a type is a fact rather than ignorance.
pub fn is_known_key(key: &str, provider: Provider) -> bool {
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
    const CAPACITY: [&str; 5] = [
        "karpenter.sh/capacity-type",
        "eks.amazonaws.com/capacityType",
        "cloud.google.com/gke-spot",
        "cloud.google.com/gke-preemptible",
        "kubernetes.azure.com/scalesetpriority",
    ];
    EVERYWHERE.contains(&key)
        || CAPACITY.contains(&key)
        || is_zone_key(key)
        || of_instance(key, provider).is_some_and(|rest| KARPENTER.contains(&rest))
        || (provider == Provider::Gcp && key == "cloud.google.com/machine-family")
}

/// Of Karpenter's labels of instances those that follow from the catalog.
const KARPENTER: [&str; 13] = [
    "family",
    "size",
    "category",
    "generation",
    "cpu",
    "memory",
    "gpu-count",
    "gpu-manufacturer",
    "gpu-name",
    "accelerator-count",
    "accelerator-manufacturer",
    "accelerator-name",
    "local-nvme",
];

/// What Karpenter's label says of an instance, where it is one.
fn of_instance(key: &str, provider: Provider) -> Option<&str> {
    key.strip_prefix("karpenter.k8s.aws/instance-").filter(|_| provider == Provider::Aws)
}

/// Whether every node of a type has a value of this label by what the type is, and the catalog does not tell
/// which: no condition on it can be judged, and none is taken to hold.
pub fn is_undetermined(key: &str, provider: Provider) -> bool {
    of_instance(key, provider).is_some_and(|rest| !KARPENTER.contains(&rest))
}

/// Node selector and node affinity of a workload, as the key of a cache.
type NodeRules<'a> = (&'a BTreeMap<String, String>, Vec<&'a [LabelExpression]>);

/// Answers which candidates satisfy node rules, once per distinct rule set and expression.
pub struct NodeMatcher<'a> {
    provider: Provider,
    /// Labels by candidate type; equal types share one entry.
    types: Vec<Labels>,
    /// Place of each candidate's type in `types`.
    type_of: Vec<usize>,
    places: &'a Places,
    /// Whether conditions on labels that neither catalog nor pool tells are taken to hold.
    lenient: bool,
    expressions: BTreeMap<LabelExpression, Vec<bool>>,
    rules: BTreeMap<NodeRules<'a>, Vec<bool>>,
}

impl<'a> NodeMatcher<'a> {
    /// For nodes at these places, in the order of the candidates. `lenient` takes conditions on labels
    /// that neither the catalog nor the node's pool tells to hold.
    pub fn new(catalog: &Catalog, places: &'a Places, lenient: bool) -> Self {
        let mut types: Vec<Labels> = Vec::new();
        let mut last = None;
        let type_of = places
            .candidates
            .iter()
            .map(|c| {
                if last != Some(c.catalog_type) {
                    types.push(node_labels(&catalog.types[c.catalog_type], catalog));
                    last = Some(c.catalog_type);
                }
                types.len() - 1
            })
            .collect();
        NodeMatcher {
            provider: catalog.provider,
            types,
            type_of,
            places,
            lenient,
            expressions: BTreeMap::new(),
            rules: BTreeMap::new(),
        }
    }

    /// Which candidates satisfy node selector, required node affinity and the zones of volumes, and
    /// have no taint that is not tolerated.
    pub fn matched(&mut self, rules: &'a PlacementRules) -> Vec<bool> {
        let terms = rules.node_affinity.iter().map(|t| t.expressions.as_slice()).collect();
        let key: NodeRules<'a> = (&rules.node_selector, terms);
        if !self.rules.contains_key(&key) {
            let matched = self.evaluate(&rules.node_selector, &rules.node_affinity);
            self.rules.insert(key.clone(), matched);
        }
        let mut matched = self.rules[&key].clone();
        for zone in rules.volumes.iter().filter_map(|v| v.zone.as_ref()) {
            self.in_zone(zone, &mut matched);
        }
        let repels: Vec<bool> = (0..self.places.pools.len())
            .map(|pool| self.places.repelling(pool, rules).next().is_some())
            .collect();
        if repels.contains(&true) {
            matched.iter_mut().zip(&self.places.candidates).for_each(|(m, c)| *m &= !repels[c.pool]);
        }
        matched
    }

    /// Which candidates satisfy node selector and required node affinity: the domains of a spread, for
    /// which taints do not count (`nodeTaintsPolicy: Ignore`, the default).
    pub fn by_labels(&mut self, rules: &PlacementRules) -> Vec<bool> {
        self.evaluate(&rules.node_selector, &rules.node_affinity)
    }

    fn in_zone(&self, zone: &String, flags: &mut [bool]) {
        for (flag, candidate) in flags.iter_mut().zip(&self.places.candidates) {
            *flag &= candidate.zone.is_none_or(|z| self.places.zones[z] == *zone);
        }
    }

    /// The rules, each by itself, that no candidate satisfies; all of them where only together they
    /// exclude every candidate.
    pub fn excluding(&mut self, rules: &PlacementRules) -> Vec<String> {
        let none = |matched: Vec<bool>| !matched.contains(&true);
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
        for volume in &rules.volumes {
            let Some(zone) = &volume.zone else { continue };
            let text = format!("volume claim {} in zone {zone}", volume.name);
            let mut matched = vec![true; self.type_of.len()];
            self.in_zone(zone, &mut matched);
            if none(matched) {
                single.push(text.clone());
            }
            all.push(text);
        }
        let mut taints: Vec<String> = Vec::new();
        for pool in 0..self.places.pools.len() {
            taints.extend(self.places.repelling(pool, rules).map(|t| format!("toleration of {t}")));
        }
        taints.sort();
        taints.dedup();
        if (0..self.places.pools.len()).all(|pool| self.places.repelling(pool, rules).next().is_some()) {
            single.extend(taints.iter().cloned());
        }
        all.extend(taints);
        if single.is_empty() { all } else { single }
    }

    fn evaluate(&mut self, selector: &BTreeMap<String, String>, affinity: &[NodeSelectorTerm]) -> Vec<bool> {
        let mut matched = vec![true; self.type_of.len()];
        for (key, value) in selector {
            let expression = LabelExpression {
                key: key.clone(),
                operator: LabelOperator::In,
                values: vec![value.clone()],
            };
            self.and(&expression, &mut matched);
        }
        if affinity.is_empty() {
            return matched;
        }
        let mut any = vec![false; self.type_of.len()];
        for term in affinity.iter().filter(|t| !t.expressions.is_empty()) {
            let mut all = vec![true; self.type_of.len()];
            for expression in &term.expressions {
                self.and(expression, &mut all);
            }
            any.iter_mut().zip(&all).for_each(|(any, &all)| *any |= all);
        }
        matched.iter_mut().zip(&any).for_each(|(t, &any)| *t &= any);
        matched
    }

    /// Clears the flags of candidates that do not satisfy an expression.
    fn and(&mut self, expression: &LabelExpression, flags: &mut [bool]) {
        if !self.expressions.contains_key(expression) {
            let holds = self.holds(expression);
            self.expressions.insert(expression.clone(), holds);
        }
        flags.iter_mut().zip(&self.expressions[expression]).for_each(|(t, &holds)| *t &= holds);
    }

    /// Which candidates satisfy an expression: by the pool's label, else by the zone's, else the type's.
    fn holds(&self, expression: &LabelExpression) -> Vec<bool> {
        let key = &expression.key;
        let told = !is_undetermined(key, self.provider);
        let by_type: Vec<bool> = self.types.iter().map(|l| told && expression.holds(l.get(key))).collect();
        let assumed = self.lenient && !is_known_key(key, self.provider);
        let by_pool: Vec<Option<bool>> = self
            .places
            .pools
            .iter()
            .map(|p| p.labels.get(key).map(|value| expression.holds(Some(value))))
            .collect();
        let by_zone: Option<Vec<bool>> = is_zone_key(key)
            .then(|| self.places.zones.iter().map(|zone| expression.holds(Some(zone))).collect());
        let candidates = self.places.candidates.iter().zip(&self.type_of);
        let flag = |(c, &t): (&Candidate, &usize)| match (by_pool[c.pool], &by_zone, c.zone) {
            (Some(holds), _, _) => holds,
            (None, Some(by_zone), Some(zone)) => by_zone[zone],
            // Zones are not told apart: somewhere there is one that fits.
            (None, Some(_), None) => true,
            (None, None, _) => by_type[t] || assumed,
        };
        candidates.map(flag).collect()
    }
}

/// The labels of a node's zone, under every key that names it.
pub const ZONE_KEYS: [&str; 5] = [
    "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/zone",
    "topology.ebs.csi.aws.com/zone",
    "topology.gke.io/zone",
    "topology.disk.csi.azure.com/zone",
];

/// Whether a label names a node's zone.
pub fn is_zone_key(key: &str) -> bool {
    ZONE_KEYS.contains(&key)
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
