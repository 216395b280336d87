//! The policy file: which types may be bought, how much of a node counts, what is kept free and how
//! the bill is paid. Everything in it is optional. `docs/policy-file.md` documents it.
//!
//! [`PolicyDocument`] is the form for the JSON Schema; reading walks the document, so that every
//! fault is named at once. A test keeps the two in step.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::document::{Node, Value, parse_yaml};
use super::scalars::{read_part, read_ratio, read_share_of_all};
use super::view::{Sink, View, clip};
use super::{AutoscaledReplicas, Fault};
use crate::catalog::{Architecture, Discount, OfferKind, Payment, Provider, Term};
use crate::policy::{
    AllocatableModel, BurstableCpu, DefaultTypes, FailureScope, MaxPods, NodeCost, NodePool, OwnedCommitment,
    PackingBasis, PlanForm, Policy, SpotPolicy, Survive,
};
use crate::units::{Bytes, MilliCpu, PartsPerMillion, Rate, ResourceName};
use crate::workload::ResourceList;

mod commitments;
mod discounts;
mod form;
mod owned;
mod pools;

pub use commitments::{CommitmentPolicy, CommitmentsDocument};
pub use form::{
    AllocatableDocument, BasisDocument, BurstableDocument, NumberOrWord, PolicyDocument, SpotDocument,
    SurviveDocument, TypesDocument,
};

/// The version of the format, the value of the file's `plimsoll` key.
pub const VERSION: &str = "policy/v1";

/// What a policy file sets; what it leaves out stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyFile {
    /// Whose price list.
    pub provider: Option<Provider>,
    /// Which region.
    pub region: Option<String>,
    /// Name of a bundled catalog, or path of one's own.
    pub catalog: Option<String>,
    /// Globs over type names that may be bought.
    pub include: Option<Vec<String>>,
    /// Globs over type names that may not.
    pub exclude: Option<Vec<String>>,
    /// Globs over families.
    pub families: Option<Vec<String>>,
    /// Architectures.
    pub architectures: Option<Vec<Architecture>>,
    /// The smallest node.
    pub min_cpu: Option<MilliCpu>,
    /// The largest node.
    pub max_cpu: Option<MilliCpu>,
    /// The most memory of a node.
    pub max_memory: Option<Bytes>,
    /// Only current types.
    pub current_generation: Option<bool>,
    /// Whether types that nobody names are bought too.
    pub all_types: Option<bool>,
    /// Node pools.
    pub pools: Option<Vec<NodePool>>,
    /// Zones that nodes may stand in.
    pub zones: Option<Vec<String>>,
    /// What a node costs beside its instance.
    pub node_costs: Option<Vec<NodeCost>>,
    /// What the cluster costs an hour.
    pub cluster_fee: Option<Rate>,
    /// The most distinct types in a plan.
    pub max_types: Option<u32>,
    /// Which form of plan.
    pub form: Option<PlanForm>,
    /// The most pools of a pooled plan.
    pub max_pools: Option<u32>,
    /// Failures after which pods must still find a node.
    pub survive: Option<Survive>,
    /// How allocatable follows from capacity.
    pub allocatable: Option<AllocatableModel>,
    /// What nodes of a type let pods have.
    pub measured: Option<BTreeMap<String, ResourceList>>,
    /// Pods per node.
    pub max_pods: Option<MaxPods>,
    /// Share of memory that the hypervisor keeps.
    pub hypervisor_memory: Option<PartsPerMillion>,
    /// Disk of every node.
    pub node_storage: Option<Bytes>,
    /// Share of allocatable that stays free.
    pub headroom: Option<BTreeMap<ResourceName, PartsPerMillion>>,
    /// Limits over allocatable.
    pub overcommit: Option<BTreeMap<ResourceName, PartsPerMillion>>,
    /// What pods are packed by.
    pub basis: Option<PackingBasis>,
    /// What pods without requests ask for.
    pub default_requests: Option<ResourceList>,
    /// How cpu of burstable types counts.
    pub burstable: Option<BurstableCpu>,
    /// Which replica count autoscaled workloads have.
    pub autoscaled: Option<AutoscaledReplicas>,
    /// Ways of paying that the bill compares.
    pub purchase: Option<Vec<PurchaseChoice>>,
    /// Commitments that were bought before; no setting of the plan, but a part of its bill.
    pub owned: Option<Vec<OwnedCommitment>>,
    /// Which pods may run on spot capacity.
    pub spot: Option<SpotPolicy>,
    /// Limits on what is proposed to commit to.
    pub commitments: Option<CommitmentPolicy>,
    /// Discounts negotiated with the provider.
    pub discounts: Option<Vec<Discount>>,
    /// Whether Compute Savings Plans are estimated where the prices have none.
    pub estimate_compute_savings_plans: Option<bool>,
}

/// A way of paying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurchaseChoice {
    /// As used.
    OnDemand,
    /// As used, with the provider's automatic discount.
    SustainedUse,
    /// Under a commitment.
    Commitment {
        /// Which instrument.
        kind: OfferKind,
        /// How long.
        term: Term,
        /// How it is paid.
        payment: Payment,
    },
}

impl FromStr for PurchaseChoice {
    type Err = String;
    /// Reads `on-demand`, `sustained-use` or `reserved-standard/1y/partial-upfront`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "on-demand" => return Ok(PurchaseChoice::OnDemand),
            "sustained-use" => return Ok(PurchaseChoice::SustainedUse),
            _ => {}
        }
        let parts: Vec<&str> = text.split('/').collect();
        let [kind, term, payment] = parts[..] else {
            return Err(format!("`{text}` is not of the form INSTRUMENT/TERM/PAYMENT"));
        };
        Ok(PurchaseChoice::Commitment { kind: word(kind)?, term: word(term)?, payment: word(payment)? })
    }
}

/// A word as serde names an enum's variants; the error lists what is known.
fn word<T: for<'de> serde::Deserialize<'de>>(text: &str) -> Result<T, String> {
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

impl PolicyFile {
    /// The policy with everything that the file sets.
    pub fn apply_to(self, mut policy: Policy) -> Policy {
        fn set<T>(target: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *target = value;
            }
        }
        let types = &mut policy.types;
        set(&mut types.include, self.include);
        set(&mut types.exclude, self.exclude);
        set(&mut types.families, self.families);
        set(&mut types.architectures, self.architectures);
        set(&mut types.min_cpu, self.min_cpu.map(Some));
        set(&mut types.max_cpu, self.max_cpu.map(Some));
        set(&mut types.max_memory, self.max_memory.map(Some));
        set(&mut types.current_generation, self.current_generation);
        let all = |all| if all { DefaultTypes::All } else { DefaultTypes::Careful };
        set(&mut policy.default_types, self.all_types.map(all));
        set(&mut policy.pools, self.pools);
        set(&mut policy.zones, self.zones);
        set(&mut policy.node_costs, self.node_costs);
        set(&mut policy.cluster_fee, self.cluster_fee);
        set(&mut policy.max_types, self.max_types.map(Some));
        set(&mut policy.form, self.form);
        set(&mut policy.max_pools, self.max_pools.map(Some));
        set(&mut policy.survive, self.survive.map(Some));
        set(&mut policy.allocatable, self.allocatable);
        set(&mut policy.measured, self.measured);
        set(&mut policy.max_pods, self.max_pods);
        set(&mut policy.hypervisor_memory, self.hypervisor_memory);
        set(&mut policy.node_storage, self.node_storage.map(Some));
        set(&mut policy.headroom, self.headroom);
        set(&mut policy.overcommit, self.overcommit);
        set(&mut policy.basis, self.basis);
        set(&mut policy.default_requests, self.default_requests);
        set(&mut policy.burstable, self.burstable);
        policy
    }
}

/// Reads a policy file, YAML or JSON.
///
/// # Errors
/// Every fault of the file, in order of lines.
pub fn parse(name: &str, text: &str) -> Result<PolicyFile, Vec<Fault>> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let node = match parse_yaml(text) {
        Ok(Node { value: Value::Null, .. }) => return Err(vec![Fault::new(name, "is empty")]),
        Ok(node) => node,
        Err(error) => {
            let fault = Fault { line: error.line, ..Fault::new(name, error.message) };
            return Err(vec![fault]);
        }
    };
    let sink = Sink::new(name, text);
    let policy = read(View::root(&node, None, &sink));
    let mut faults = sink.into_faults();
    faults.sort_by_key(|fault| fault.line);
    if faults.is_empty() { Ok(policy) } else { Err(faults) }
}

const KEYS: [&str; 30] = [
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
const SPOT_KEYS: [&str; 3] = ["share", "minTypes", "maxInterruption"];
const TYPE_KEYS: [&str; 9] = [
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

fn read(root: View<'_>) -> PolicyFile {
    root.only_keys(&KEYS);
    let mut policy = PolicyFile::default();
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
    policy.zones = root.get("zones").map(|list| list.strings());
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

fn read_types(types: View<'_>, policy: &mut PolicyFile) {
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

fn read_positive(view: View<'_>) -> Option<u32> {
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
fn read_word<T: for<'de> serde::Deserialize<'de>>(view: View<'_>) -> Option<T> {
    match word(view.text()?) {
        Ok(value) => Some(value),
        Err(message) => {
            view.fault(message);
            None
        }
    }
}

fn read_memory(view: View<'_>) -> Option<Bytes> {
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

/// The JSON Schema of the format.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(PolicyDocument)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::OwnedScope;

    const FULL: &str = "\
plimsoll: policy/v1
provider: aws
region: us-east-1
types: {include: ['m5*'], exclude: ['*.metal'], families: [m5], architectures: [arm64], minCpu: 2, maxCpu: 32, maxMemory: 128Gi, currentGeneration: true, all: true}
maxTypes: 3
form: pooled
maxPools: 5
survive: {scope: zone, priority: -5}
allocatable: {reservedCpu: 100m, reservedMemory: 1Gi}
measured: {m5.large: {cpu: 1930m, memory: 7Gi, pods: 29}}
maxPods: 110
hypervisorMemory: 7.5%
nodeStorage: 100Gi
headroom: {cpu: 10%, memory: 0.05}
overcommit: {memory: 150%}
basis: {blend: 50%}
defaultRequests: {cpu: 100m, memory: 200Mi}
burstable: exclude
purchase: [on-demand, reserved-standard/1y/partial-upfront]
autoscaled: max
zones: [us-east-1a, us-east-1b]
clusterFee: 0.1
nodeCosts:
  - {name: root volume, perMonth: 0.0876, per: storage-gib}
  - {name: agent, perHour: 0.01, per: vcpu}
pools:
  - {name: general}
  - name: batch
    types: {families: ['c*'], all: true}
    labels: {tier: batch}
    taints: [{key: dedicated, value: batch, effect: NoSchedule}, {key: spot, effect: NoExecute}]
    zones: [us-east-1b]
    limits: {nodes: 5, cpu: 100, memory: 1Ti}
owned:
  - {id: r1, offer: reserved-standard/1y/all-upfront, type: m5.large, zone: us-east-1a, quantity: 3, start: 2026-01-01, end: 2026-09-01, upfront: 300}
  - {offer: instance-savings-plan/3y/no-upfront, family: c5, hourly: 2.5, start: 2025-06-15}
  - {offer: resource-commitment/1y/no-upfront, family: n2, cpu: 40, memory: 160Gi, start: 2026-02-01, recurring: 1.5}
";

    #[test]
    fn every_setting_reaches_the_policy() {
        let file = parse("p.yaml", FULL).unwrap();
        assert_eq!(file.provider, Some(Provider::Aws));
        assert_eq!(file.autoscaled, Some(AutoscaledReplicas::Max));
        let commitment = PurchaseChoice::Commitment {
            kind: OfferKind::ReservedStandard,
            term: Term::OneYear,
            payment: Payment::PartialUpfront,
        };
        assert_eq!(file.purchase, Some(vec![PurchaseChoice::OnDemand, commitment]));
        let policy = file.apply_to(Policy::default_for(Provider::Aws));
        assert_eq!(policy.types.max_memory, Some(Bytes(128 << 30)));
        assert_eq!(policy.types.min_cpu, Some(MilliCpu(2000)));
        assert_eq!(policy.max_types, Some(3));
        assert_eq!((policy.form, policy.max_pools), (PlanForm::Pooled, Some(5)));
        assert_eq!(policy.survive, Some(Survive { scope: FailureScope::Zone, priority: Some(-5) }));
        assert_eq!(policy.max_pods, MaxPods::Fixed(110));
        assert_eq!(policy.measured["m5.large"][&ResourceName::Memory], 7 << 30);
        assert_eq!(policy.hypervisor_memory, PartsPerMillion(75_000));
        assert_eq!(policy.headroom[&ResourceName::Memory], PartsPerMillion(50_000));
        assert_eq!(policy.overcommit[&ResourceName::Memory], PartsPerMillion(1_500_000));
        assert_eq!(policy.basis, PackingBasis::Blend(PartsPerMillion(500_000)));
        assert_eq!(policy.burstable, BurstableCpu::Exclude);
        assert_eq!(policy.default_requests[&ResourceName::Cpu], 100);
        assert_eq!(policy.default_types, DefaultTypes::All);
        assert_eq!(policy.zones, ["us-east-1a", "us-east-1b"]);
        assert_eq!(policy.cluster_fee, "0.1".parse().unwrap());
        // 0.0876 / 730 = 0.00012 an hour.
        let costs: Vec<String> =
            policy.node_costs.iter().map(|c| format!("{} {:?}", c.rate, c.per)).collect();
        assert_eq!(costs, ["0.00012 StorageGib", "0.01 Vcpu"]);
        let batch = &policy.pools[1];
        assert_eq!(
            (batch.types.families.as_slice(), batch.labels["tier"].as_str()),
            (&["c*".to_owned()][..], "batch")
        );
        let taints: Vec<String> = batch.taints.iter().map(ToString::to_string).collect();
        assert_eq!(taints, ["dedicated=batch:NoSchedule", "spot:NoExecute"]);
        assert_eq!(batch.limits.cpu, Some(MilliCpu(100_000)));
    }

    #[test]
    fn owned_commitments_are_read_with_dates_and_prices() {
        let owned = parse("p.yaml", FULL).unwrap().owned.unwrap();
        let facts = |index: usize| (owned[index].quantity, owned[index].start.to_string());
        assert_eq!(facts(0), (3, "2026-01-01".to_owned()));
        assert_eq!((owned[0].place.as_str(), owned[0].id.as_deref()), ("p.yaml:35", Some("r1")));
        assert_eq!((owned[0].upfront, owned[0].recurring), (Some("300".parse().unwrap()), None));
        let zonal =
            OwnedScope::Type { instance_type: "m5.large".to_owned(), zone: Some("us-east-1a".to_owned()) };
        assert_eq!(owned[0].scope, zonal);
        let plan = OwnedScope::Spend { family: Some("c5".to_owned()), hourly: "2.5".parse().unwrap() };
        assert_eq!((facts(1).0, &owned[1].scope, owned[1].end), (1, &plan, None));
        let cud = OwnedScope::Resources {
            series: "n2".to_owned(),
            cpu: MilliCpu(40_000),
            memory: Bytes(160 << 30),
        };
        assert_eq!((owned[2].scope.clone(), owned[2].recurring), (cud, Some("1.5".parse().unwrap())));
    }

    #[test]
    fn faults_of_owned_commitments_stand_where_they_are() {
        let text = "owned:\n\
                    - {offer: on-demand, start: 2026-01-01}\n\
                    - {offer: reserved-standard/1y/no-upfront, start: 2026-01-01}\n\
                    - {offer: compute-savings-plan/1y/no-upfront, type: m5.large, hourly: 1, start: 2026-01-01}\n\
                    - {offer: compute-savings-plan/1y/no-upfront, hourly: 1, start: 1 May}\n\
                    - {offer: compute-savings-plan/1y/no-upfront, hourly: 1, start: 2026-01-01, end: 2025-01-01}\n\
                    - {offer: compute-savings-plan/1y/no-upfront, hourly: 1, start: 2026-01-01, quantity: 0}\n\
                    - {offer: compute-savings-plan/1y/no-upfront, hourly: 1, start: 2026-01-01, upfront: -3}\n";
        let faults = parse("p.yaml", text).unwrap_err();
        let lines: Vec<_> = faults.iter().filter_map(|f| f.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8], "{faults:#?}");
    }

    /// As far as `--min-coverage` and `--cvar` take them.
    #[test]
    fn shares_of_commitments_go_from_nothing_to_all() {
        let read = |text: &str| parse("p.yaml", &format!("commitments:\n  {text}\n"));
        for (text, share) in [("0%", 0), ("40%", 400_000), ("100%", 1_000_000), ("1.0", 1_000_000)] {
            let limits = read(&format!("minCoverage: {text}")).unwrap().commitments.unwrap();
            assert_eq!(limits.min_coverage, Some(PartsPerMillion(share)), "{text}");
        }
        let all = read("{cvarShare: 100%, cvarWeight: 0%}").unwrap().commitments.unwrap();
        assert_eq!((all.cvar_share, all.cvar_weight), (Some(PartsPerMillion::ONE), Some(PartsPerMillion(0))));
        for text in
            ["minCoverage: 101%", "{cvarShare: 0%, cvarWeight: 30%}", "{cvarShare: 10%, cvarWeight: 101%}"]
        {
            let faults = read(text).unwrap_err();
            assert_eq!((faults.len(), faults[0].line), (1, Some(2)), "{faults:#?}");
        }
    }

    #[test]
    fn what_a_file_leaves_out_stays() {
        let before = Policy::default_for(Provider::Gcp);
        let after = parse("p.yaml", "region: europe-west1\n").unwrap().apply_to(before.clone());
        assert_eq!(after, before);
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let text = "provder: aws\nprovider: ibm\ntypes:\n  minCpu: 8\n  maxCpu: 4\n  include: ['m5[']\n\
                    headroom: {cpu: 10}\novercommit: {memory: 0}\nmaxPods: 0\nbasis: request\n\
                    purchase: [reserved/1y]\nallocatable: eks2\nmaxTypes: -1\nburstable: [x]\n";
        let faults = parse("p.yaml", text).unwrap_err();
        let lines: Vec<_> = faults.iter().filter_map(|f| f.line).collect();
        assert_eq!(lines, [1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14], "{faults:#?}");
    }

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
        assert_eq!(keys(&schema), sorted(&KEYS));
        assert_eq!(keys(&schema["$defs"]["TypesDocument"]), sorted(&TYPE_KEYS));
        assert_eq!(keys(&schema["$defs"]["SpotDocument"]), sorted(&SPOT_KEYS));
        assert_eq!(keys(&schema["$defs"]["CommitmentsDocument"]), sorted(&commitments::COMMITMENT_KEYS));
        assert_eq!(keys(&schema["$defs"]["PoolDocument"]), sorted(&pools::POOL_KEYS));
        assert_eq!(keys(&schema["$defs"]["TaintDocument"]), sorted(&pools::TAINT_KEYS));
        assert_eq!(keys(&schema["$defs"]["LimitsDocument"]), sorted(&pools::LIMIT_KEYS));
        assert_eq!(keys(&schema["$defs"]["NodeCostDocument"]), sorted(&pools::COST_KEYS));
        assert_eq!(keys(&schema["$defs"]["OwnedDocument"]), sorted(&owned::OWNED_KEYS));
    }
}
