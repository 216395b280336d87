//! How the planner is told to plan: which types, how much of a node counts, what is kept free.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, InstanceType, InterruptionBand, Provider};
use crate::units::{Bytes, MilliCpu, PartsPerMillion, Rate, ResourceName};
use crate::workload::{ResourceList, Toleration};

mod owned;
mod types;

pub use owned::{OwnedCommitment, OwnedScope};
pub use types::{InvalidGlob, TypeFilter, TypeMatcher};

/// All settings of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Which types may be bought.
    pub types: TypeFilter,
    /// How much of a node pods may fill.
    pub allocatable: AllocatableModel,
    /// What nodes of a type were seen to let pods have, by the type's name in the catalog: cpu, memory,
    /// ephemeral storage and pod slots. It wins over the model.
    pub measured: BTreeMap<String, ResourceList>,
    /// How many pods a node takes.
    pub max_pods: MaxPods,
    /// Share of memory that the hypervisor keeps before the kernel sees it.
    pub hypervisor_memory: PartsPerMillion,
    /// Share of allocatable that stays free, per resource.
    pub headroom: BTreeMap<ResourceName, PartsPerMillion>,
    /// The sum of limits on a node may be at most this share of allocatable (1,000,000 = 1:1), per
    /// resource. No entry: unbounded, and reported.
    pub overcommit: BTreeMap<ResourceName, PartsPerMillion>,
    /// Disk of every node for ephemeral storage, before what the kubelet keeps of it. `None`: unknown,
    /// so that requests for ephemeral storage are not bounded, and reported.
    pub node_storage: Option<Bytes>,
    /// What pods are packed by.
    pub basis: PackingBasis,
    /// What a pod is taken to ask for of a resource that it does not request, as a LimitRange's
    /// `defaultRequest` would; at most its limit.
    pub default_requests: ResourceList,
    /// How cpu of burstable types counts.
    pub burstable: BurstableCpu,
    /// The most distinct instance types in a plan.
    pub max_types: Option<u32>,
    /// Which plans are looked for.
    pub form: PlanForm,
    /// The most pools of a pooled plan; `None` for [`DEFAULT_MAX_POOLS`], or as many as the workloads'
    /// rules need.
    pub max_pools: Option<u32>,
    /// What the plan must survive, if anything.
    pub survive: Option<Survive>,
    /// Which types are meant where the filter names neither types nor families.
    pub default_types: DefaultTypes,
    /// Node pools; without any, nodes carry whatever labels the pods ask for, and no taints.
    pub pools: Vec<NodePool>,
    /// Zones that nodes may stand in; empty for the first three of the region, which count only
    /// where some pod has a rule over zones.
    pub zones: Vec<String>,
    /// What a node costs beside its instance.
    pub node_costs: Vec<NodeCost>,
    /// What the cluster costs an hour whatever its nodes are: its control plane's fee.
    pub cluster_fee: Rate,
}

/// Which pods may run on spot capacity, and on which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpotPolicy {
    /// The share of replicas of every workload that says nothing itself.
    pub share: PartsPerMillion,
    /// At least over so many instance types the pods of a workload are dealt out, if it has as many; at
    /// least one.
    pub min_types: Option<u32>,
    /// Without types that are interrupted more often; types of which the catalog says nothing stay.
    pub max_interruption: Option<InterruptionBand>,
}

/// A failure after which pods must still find a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Survive {
    /// What may be lost.
    pub scope: FailureScope,
    /// The lowest priority of the pods that must find a node; `None` for all pods.
    pub priority: Option<i32>,
}

/// What may be lost at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureScope {
    /// Any one node.
    Node,
    /// All nodes of any one zone.
    Zone,
}

/// The most pools of a pooled plan unless the policy says otherwise: what people still maintain, and
/// enough for plans that cost hardly more than with any number.
pub const DEFAULT_MAX_POOLS: u32 = 10;

/// Which plans are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlanForm {
    /// Any: what is cheapest to pack, whether or not the scheduler finds it.
    #[default]
    Free,
    /// Every workload whole in one pool of equal nodes, to which labels lead the scheduler.
    Pooled,
}

impl PlanForm {
    /// Its name: `free`, `pooled`.
    pub fn as_str(self) -> &'static str {
        match self {
            PlanForm::Free => "free",
            PlanForm::Pooled => "pooled",
        }
    }
}

impl fmt::Display for PlanForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The types that are meant where nobody names any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultTypes {
    /// Those that a careful operator allows: no bare metal and no previous generation; of EC2 the
    /// categories c, m and r from generation 3 on, as Karpenter's documentation of NodePools
    /// recommends. Types with an extended resource that some pod asks for are allowed too. Where the
    /// catalog tells no generations, all types.
    Careful,
    /// Every type of the catalog.
    All,
}

impl DefaultTypes {
    /// Whether a type of this catalog is meant.
    pub fn allow(self, machine: &InstanceType, catalog: &Catalog) -> bool {
        // Of 2016's prices nobody says which were current.
        if self == DefaultTypes::All || catalog.types.iter().all(|t| t.current_generation.is_none()) {
            return true;
        }
        let usual = || {
            let category = machine.family.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
            let rest = machine.family[category.len()..].chars();
            let number: String = rest.take_while(char::is_ascii_digit).collect();
            matches!(category, "c" | "m" | "r") && number.parse::<u32>().is_ok_and(|n| n > 2)
        };
        !machine.bare_metal
            && machine.current_generation != Some(false)
            && (catalog.provider != Provider::Aws || usual())
    }

    /// What it allows, for people.
    pub fn describe(self, provider: Provider) -> &'static str {
        match (self, provider) {
            (DefaultTypes::All, _) => "all of the catalog",
            (DefaultTypes::Careful, Provider::Aws) => {
                "current c, m and r from generation 3 on, no bare metal (--all-types: all)"
            }
            (DefaultTypes::Careful, _) => "no bare metal, no previous generation (--all-types: all)",
        }
    }
}

/// Nodes that are bought with the same labels and taints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodePool {
    /// Its name, unique in the policy.
    pub name: String,
    /// Which of the types that the policy allows.
    pub types: TypeFilter,
    /// Labels of its nodes, beside those that type and zone give them.
    pub labels: BTreeMap<String, String>,
    /// What its nodes keep pods off that do not tolerate it.
    pub taints: Vec<Taint>,
    /// The zones that it has nodes in; empty for all.
    pub zones: Vec<String>,
    /// How large it may become.
    pub limits: PoolLimits,
}

/// How large a node pool may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolLimits {
    /// The most nodes.
    pub nodes: Option<u64>,
    /// The most cpu of all nodes, as the price list states it.
    pub cpu: Option<MilliCpu>,
    /// The most memory of all nodes, as the price list states it.
    pub memory: Option<Bytes>,
}

/// What a node keeps pods off with, unless they tolerate it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value; empty for none.
    pub value: String,
    /// What it does.
    pub effect: TaintEffect,
}

/// What a taint does to pods that do not tolerate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaintEffect {
    /// They are not placed.
    NoSchedule,
    /// They are placed elsewhere where that is possible, so that it does not bind.
    PreferNoSchedule,
    /// They are not placed, and those that run are evicted.
    NoExecute,
}

impl TaintEffect {
    /// As Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            TaintEffect::NoSchedule => "NoSchedule",
            TaintEffect::PreferNoSchedule => "PreferNoSchedule",
            TaintEffect::NoExecute => "NoExecute",
        }
    }
}

impl Taint {
    /// Whether a toleration covers it (Kubernetes `ToleratesTaint`).
    pub fn is_tolerated_by(&self, toleration: &Toleration) -> bool {
        toleration.effect.as_deref().is_none_or(|effect| effect == self.effect.as_str())
            && toleration.key.as_ref().is_none_or(|key| *key == self.key)
            && toleration.value.as_ref().is_none_or(|value| *value == self.value)
    }

    /// Whether it keeps a pod with these tolerations off its node.
    pub fn keeps_off(&self, tolerations: &[Toleration]) -> bool {
        self.effect != TaintEffect::PreferNoSchedule && !tolerations.iter().any(|t| self.is_tolerated_by(t))
    }
}

impl fmt::Display for Taint {
    /// `key=value:NoSchedule`, as kubectl writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let equals = if self.value.is_empty() { "" } else { "=" };
        write!(f, "{}{equals}{}:{}", self.key, self.value, self.effect.as_str())
    }
}

/// Something that every node costs beside its instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCost {
    /// For people: `root volume`, `monitoring agent`.
    pub name: String,
    /// For one unit and hour.
    pub rate: Rate,
    /// What it is charged by.
    pub per: CostUnit,
}

/// What a cost beside the instance is charged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostUnit {
    /// One node.
    Node,
    /// One vCPU as the price list states it.
    Vcpu,
    /// One GiB of memory as the price list states it.
    MemoryGib,
    /// One GiB of the node's disk, whose size the policy gives.
    StorageGib,
}

impl NodeCost {
    /// What it adds to the rate of a type, rounded up. `storage` is the disk of every node; unknown
    /// counts as none.
    pub fn of(&self, machine: &InstanceType, storage: Option<Bytes>) -> Rate {
        let (amount, unit) = match self.per {
            CostUnit::Node => (1, 1),
            CostUnit::Vcpu => (machine.cpu.0, 1000),
            CostUnit::MemoryGib => (machine.memory.0, 1 << 30),
            CostUnit::StorageGib => (storage.map_or(0, |disk| disk.0), 1 << 30),
        };
        let nanos = (u128::from(self.rate.nanos()) * u128::from(amount)).div_ceil(unit);
        Rate::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// How allocatable follows from capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllocatableModel {
    /// EKS on Amazon Linux 2023.
    Eks,
    /// EKS on Bottlerocket.
    EksBottlerocket,
    /// GKE.
    Gke,
    /// AKS from 1.29 on.
    Aks,
    /// AKS before 1.29.
    AksBefore129,
    /// Everything that the type has.
    None,
    /// Explicit amounts per node.
    Explicit {
        /// Kept for system daemons.
        reserved_cpu: MilliCpu,
        /// Kept for system daemons and eviction.
        reserved_memory: Bytes,
    },
}

impl AllocatableModel {
    /// What a provider's managed Kubernetes does.
    pub fn default_for(provider: Provider) -> Self {
        match provider {
            Provider::Aws => AllocatableModel::Eks,
            Provider::Gcp => AllocatableModel::Gke,
            Provider::Azure => AllocatableModel::Aks,
            Provider::Other => AllocatableModel::None,
        }
    }
}

/// How many pods a node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxPods {
    /// The allocatable model's own default for the type.
    Model,
    /// AWS VPC CNI with secondary addresses.
    Eni,
    /// AWS VPC CNI with prefix delegation.
    PrefixDelegation,
    /// The same number on every node.
    Fixed(u64),
    /// No limit.
    Unlimited,
}

/// What a pod's size is taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackingBasis {
    /// Its requests, as the scheduler does.
    Requests,
    /// Its limits; requests where there is no limit.
    Limits,
    /// requests + share x (limits - requests).
    Blend(PartsPerMillion),
}

/// How cpu of burstable types counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BurstableCpu {
    /// At the baseline that the price buys.
    Baseline,
    /// Such types are not bought.
    Exclude,
    /// All vCPUs, and the surplus credits that full use costs are part of the rate.
    FullWithSurplus,
}

impl Policy {
    /// The defaults for a provider.
    pub fn default_for(provider: Provider) -> Self {
        Policy {
            types: TypeFilter::default(),
            allocatable: AllocatableModel::default_for(provider),
            measured: BTreeMap::new(),
            max_pods: MaxPods::Model,
            // Karpenter's default for EC2; users measured 1.7 to 5.3 %.
            hypervisor_memory: PartsPerMillion(if provider == Provider::Aws { 75_000 } else { 0 }),
            headroom: BTreeMap::new(),
            overcommit: BTreeMap::new(),
            node_storage: None,
            basis: PackingBasis::Requests,
            default_requests: ResourceList::new(),
            burstable: BurstableCpu::Baseline,
            max_types: None,
            form: PlanForm::default(),
            max_pools: None,
            survive: None,
            default_types: DefaultTypes::Careful,
            pools: Vec::new(),
            zones: Vec::new(),
            node_costs: Vec::new(),
            cluster_fee: Rate::ZERO,
        }
    }
}
