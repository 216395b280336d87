//! Walks the document of a policy file, setting by setting, and records what is wrong where it stands.

use std::collections::BTreeMap;

use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::super::document::Value;
use super::super::scalars::{read_part, read_ratio, read_share_of_all};
use super::super::view::{View, clip};
use super::{PolicyFile, PurchaseChoice, VERSION, commitments, discounts, owned, pools};
use crate::catalog::Architecture;
use crate::input::{AutoscaledReplicas, workload_file};
use crate::policy::{AllocatableModel, FailureScope, MaxPods, PackingBasis, SpotPolicy, Survive};
use crate::units::{Bytes, MilliCpu, PartsPerMillion, ResourceName};
use crate::workload::ResourceList;

pub(super) const KEYS: [&str; 30] = [
    "plimsoll",
    "provider",
    "region",
    "catalog",
    "types",
    "maxTypes",
    "form",
    "maxPools",
    "survive",
    "allocatable",
    "measured",
    "maxPods",
    "hypervisorMemory",
    "nodeStorage",
    "headroom",
    "overcommit",
    "basis",
    "defaultRequests",
    "burstable",
    "purchase",
    "commitments",
    "autoscaled",
    "pools",
    "zones",
    "nodeCosts",
    "clusterFee",
    "owned",
    "spot",
    "discounts",
    "estimateComputeSavingsPlans",
];
pub(super) const SPOT_KEYS: [&str; 3] = ["share", "minTypes", "maxInterruption"];
pub(super) const TYPE_KEYS: [&str; 9] = [
    "include",
    "exclude",
    "families",
    "architectures",
    "minCpu",
    "maxCpu",
    "maxMemory",
    "currentGeneration",
    "all",
];

pub(super) fn read(root: View<'_>) -> PolicyFile {
    let mut policy = PolicyFile::default();
    if let Some(version) = root.get("plimsoll")
        && version.node.as_str() == Some(workload_file::VERSION)
    {
        version.fault_with_help("this is a workload file, where a policy belongs", "plan it by name alone");
        return policy;
    }
    root.only_keys(&KEYS);
    if !matches!(root.node.value, Value::Mapping(_)) {
        return policy;
    }
    if let Some(version) = root.get("plimsoll")
        && let Some(text) = version.text()
        && text != VERSION
    {
        version
            .fault_with_help(format!("unknown format `{text}`"), format!("this program reads `{VERSION}`"));
    }
    let text = |key: &str| root.get(key).and_then(|value| value.text().map(str::to_owned));
    policy.provider = root.get("provider").and_then(read_word);
    policy.region = text("region");
    policy.catalog = text("catalog");
    if let Some(types) = root.get("types") {
        read_types(types, &mut policy);
    }
    policy.max_types = root.get("maxTypes").and_then(read_positive);
    policy.form = root.get("form").and_then(read_word);
    policy.max_pools = root.get("maxPools").and_then(read_positive);
    policy.survive = root.get("survive").and_then(read_survive);
    policy.allocatable = root.get("allocatable").and_then(read_allocatable);
    policy.measured = root.get("measured").map(read_measured);
    policy.max_pods = root.get("maxPods").and_then(read_max_pods);
    policy.hypervisor_memory = root.get("hypervisorMemory").and_then(read_part);
    policy.node_storage = root.get("nodeStorage").and_then(read_memory);
    policy.headroom = root.get("headroom").map(|map| read_shares(map, read_part));
    policy.overcommit = root.get("overcommit").map(|map| read_shares(map, read_ratio));
    policy.basis = root.get("basis").and_then(read_basis);
    policy.default_requests = root.get("defaultRequests").map(|list| list.resource_list(&mut Vec::new()));
    policy.burstable = root.get("burstable").and_then(read_word);
    policy.autoscaled = root.get("autoscaled").and_then(read_autoscaled);
    policy.pools = root.get("pools").map(pools::read_pools);
    policy.zones = root.get("zones").map(|list| {
        let zones = list.strings();
        let twice = zones.iter().enumerate().filter(|&(at, zone)| zones[..at].contains(zone));
        twice.for_each(|(_, zone)| list.fault(format!("zone `{}` stands twice", clip(zone))));
        zones
    });
    policy.node_costs = root.get("nodeCosts").map(pools::read_costs);
    policy.cluster_fee = root.get("clusterFee").and_then(pools::read_rate);
    policy.discounts = root.get("discounts").map(discounts::read);
    policy.estimate_compute_savings_plans =
        root.get("estimateComputeSavingsPlans").and_then(|flag| flag.boolean());
    if let (Some(zones), Some(list)) = (&policy.zones, root.get("pools")) {
        pools::check_zones(list, zones);
    }
    policy.owned = root.get("owned").map(owned::read_owned);
    policy.spot = root.get("spot").map(read_spot);
    policy.commitments = root.get("commitments").map(commitments::read_commitments);
    policy.purchase = root.get("purchase").map(|list| {
        let mut choices = Vec::new();
        list.each_item(|item| {
            choices.extend(item.text().and_then(|text| match text.parse::<PurchaseChoice>() {
                Ok(choice) => Some(choice),
                Err(message) => {
                    item.fault_with_help(
                        message,
                        "such as on-demand or reserved-standard/1y/partial-upfront",
                    );
                    None
                }
            }));
        });
        choices
    });
    policy
}

fn read_spot(view: View<'_>) -> SpotPolicy {
    view.only_keys(&SPOT_KEYS);
    if !matches!(view.node.value, Value::Mapping(_)) {
        return SpotPolicy::default();
    }
    SpotPolicy {
        share: view.get("share").and_then(read_share_of_all).unwrap_or_default(),
        min_types: view.get("minTypes").and_then(read_positive),
        max_interruption: view.get("maxInterruption").and_then(read_word),
    }
}

pub(super) fn read_types(types: View<'_>, policy: &mut PolicyFile) {
    types.only_keys(&TYPE_KEYS);
    if !matches!(types.node.value, Value::Mapping(_)) {
        return;
    }
    let globs = |key: &str| {
        types.get(key).map(|list| {
            let mut globs = Vec::new();
            list.each_item(|item| {
                let Some(text) = item.text() else { return };
                match globset::Glob::new(text) {
                    Ok(_) => globs.push(text.to_owned()),
                    Err(error) => item.fault(format!("`{text}` is no pattern: {}", error.kind())),
                }
            });
            globs
        })
    };
    policy.include = globs("include");
    policy.exclude = globs("exclude");
    policy.families = globs("families");
    policy.architectures = types.get("architectures").map(|list| {
        let mut architectures = Vec::new();
        list.each_item(|item| architectures.extend(read_word::<Architecture>(item)));
        architectures
    });
    let cpu =
        |key: &str| types.get(key).and_then(|value| value.quantity(&ResourceName::Cpu, &mut Vec::new()));
    policy.min_cpu = cpu("minCpu").map(MilliCpu);
    policy.max_cpu = cpu("maxCpu").map(MilliCpu);
    if let (Some(min), Some(max)) = (policy.min_cpu, policy.max_cpu)
        && min > max
    {
        types.fault(format!("minCpu {min} is more than maxCpu {max}"));
    }
    policy.max_memory = types.get("maxMemory").and_then(read_memory);
    policy.current_generation = types.get("currentGeneration").and_then(|flag| flag.boolean());
    policy.all_types = types.get("all").and_then(|flag| flag.boolean());
}

pub(super) fn read_positive(view: View<'_>) -> Option<u32> {
    let number = view.whole_up_to(u64::from(u32::MAX))?;
    if number == 0 {
        view.fault("must be at least 1");
    }
    u32::try_from(number).ok()
}

/// `node`, `zone`, or one of them with the lowest priority that it is for.
fn read_survive(view: View<'_>) -> Option<Survive> {
    let Value::Mapping(_) = view.node.value else {
        return read_word(view).map(|scope| Survive { scope, priority: None });
    };
    view.only_keys(&["scope", "priority"]);
    let scope = view.required("scope").and_then(read_word::<FailureScope>)?;
    let priority = match view.get("priority") {
        None => None,
        Some(value) => match value.quantity_text()?.parse() {
            Ok(priority) => Some(priority),
            Err(_) => {
                value.fault("is no priority; write a whole number");
                return None;
            }
        },
    };
    Some(Survive { scope, priority })
}

/// A word of an enum that serde knows by its names.
pub(super) fn read_word<T: for<'de> serde::Deserialize<'de>>(view: View<'_>) -> Option<T> {
    match word(view.text()?) {
        Ok(value) => Some(value),
        Err(message) => {
            view.fault(message);
            None
        }
    }
}

pub(super) fn read_memory(view: View<'_>) -> Option<Bytes> {
    let mut warnings = Vec::new();
    let bytes = view.quantity(&ResourceName::Memory, &mut warnings)?;
    if !warnings.is_empty() {
        view.fault_with_help(format!("{bytes} bytes is no node"), "write it with a unit, such as `64Gi`");
    }
    Some(Bytes(bytes))
}

/// The model's words; `explicit` is a mapping instead.
const MODELS: [(&str, AllocatableModel); 6] = [
    ("eks", AllocatableModel::Eks),
    ("eks-bottlerocket", AllocatableModel::EksBottlerocket),
    ("gke", AllocatableModel::Gke),
    ("aks", AllocatableModel::Aks),
    ("aks-before-1.29", AllocatableModel::AksBefore129),
    ("none", AllocatableModel::None),
];

/// The allocatable model of this name, as files and flags name it.
pub fn allocatable_model(name: &str) -> Option<AllocatableModel> {
    MODELS.iter().find(|(known, _)| *known == name).map(|(_, model)| model.clone())
}

fn read_allocatable(view: View<'_>) -> Option<AllocatableModel> {
    if let Value::Mapping(_) = view.node.value {
        view.only_keys(&["reservedCpu", "reservedMemory"]);
        let cpu = view
            .required("reservedCpu")
            .and_then(|value| value.quantity(&ResourceName::Cpu, &mut Vec::new()))
            .map(MilliCpu);
        let memory = view
            .required("reservedMemory")
            .and_then(|value| value.quantity(&ResourceName::Memory, &mut Vec::new()).map(Bytes));
        return Some(AllocatableModel::Explicit { reserved_cpu: cpu?, reserved_memory: memory? });
    }
    let text = view.text()?;
    let model = allocatable_model(text);
    if model.is_none() {
        let known = MODELS.map(|(name, _)| name).join(", ");
        view.fault_with_help(
            format!("unknown allocatable model `{text}`"),
            format!("known are {known}, or reservedCpu and reservedMemory"),
        );
    }
    model
}

fn read_measured(map: View<'_>) -> BTreeMap<String, ResourceList> {
    let mut measured = BTreeMap::new();
    map.each_entry(|name, list| {
        list.only_keys(&["cpu", "memory", "ephemeral-storage", "pods"]);
        measured.insert(name.to_owned(), list.resource_list(&mut Vec::new()));
    });
    measured
}

/// The maximum of pods of this name, as files and flags name it: `model`, `eni`,
/// `prefix-delegation`, `unlimited` or a number.
pub fn max_pods(text: &str) -> Option<MaxPods> {
    Some(match text {
        "model" => MaxPods::Model,
        "eni" => MaxPods::Eni,
        "prefix-delegation" => MaxPods::PrefixDelegation,
        "unlimited" => MaxPods::Unlimited,
        number => MaxPods::Fixed(number.parse().ok().filter(|pods| *pods > 0)?),
    })
}

fn read_max_pods(view: View<'_>) -> Option<MaxPods> {
    let text = view.quantity_text()?;
    let mode = max_pods(text);
    if mode.is_none() {
        view.fault_with_help(
            format!("unknown maxPods `{text}`"),
            "known are model, eni, prefix-delegation, unlimited, or a number of at least 1",
        );
    }
    mode
}

fn read_shares(
    map: View<'_>,
    read: impl Fn(View<'_>) -> Option<PartsPerMillion>,
) -> BTreeMap<ResourceName, PartsPerMillion> {
    let mut shares = BTreeMap::new();
    map.each_entry(|key, value| {
        if let (Some(resource), Some(share)) = (value.resource_name(key), read(value)) {
            shares.insert(resource, share);
        }
    });
    shares
}

fn read_basis(view: View<'_>) -> Option<PackingBasis> {
    if let Value::Mapping(_) = view.node.value {
        view.only_keys(&["blend"]);
        return view.required("blend").and_then(read_share_of_all).map(PackingBasis::Blend);
    }
    match view.text()? {
        "requests" => Some(PackingBasis::Requests),
        "limits" => Some(PackingBasis::Limits),
        other => {
            view.fault_with_help(
                format!("unknown basis `{other}`"),
                "known are requests, limits, {blend: 50%}",
            );
            None
        }
    }
}

fn read_autoscaled(view: View<'_>) -> Option<AutoscaledReplicas> {
    match view.text()? {
        "declared" => Some(AutoscaledReplicas::Declared),
        "min" => Some(AutoscaledReplicas::Min),
        "max" => Some(AutoscaledReplicas::Max),
        other => {
            view.fault_with_help(format!("unknown choice `{other}`"), "known are declared, min, max");
            None
        }
    }
}

/// A word as serde names an enum's variants; the error lists what is known.
pub(super) fn word<T: for<'de> serde::Deserialize<'de>>(text: &str) -> Result<T, String> {
    let deserializer: StrDeserializer<'_, ValueError> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|error| {
        // serde names what it calls variants in one line, known ones last.
        let message = error.to_string();
        match message.rsplit_once("expected ") {
            Some((_, known)) => format!("`{}` is not {}", clip(text), known.replacen("one of", "any of", 1)),
            None => message,
        }
    })
}
