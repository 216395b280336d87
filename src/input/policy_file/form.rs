//! The form of the policy file for its JSON Schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::scalars::{Quantity, Share};
use super::commitments::CommitmentsDocument;
use super::{owned, pools};
use crate::catalog::{Architecture, Discount, InterruptionBand, Provider};
use crate::policy::{BurstableCpu, FailureScope, PlanForm};

/// A policy file as its schema describes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyDocument {
    /// `policy/v1`.
    pub plimsoll: Option<String>,
    /// Whose price list.
    pub provider: Option<Provider>,
    /// Which region of it.
    pub region: Option<String>,
    /// Name of a bundled catalog, or path of one's own.
    pub catalog: Option<String>,
    /// Which types may be bought.
    pub types: Option<TypesDocument>,
    /// The most distinct instance types in a plan.
    pub max_types: Option<u32>,
    /// `free` or `pooled`; Kubernetes objects are planned in pools unless told otherwise.
    pub form: Option<PlanForm>,
    /// The most pools of a pooled plan.
    pub max_pools: Option<u32>,
    /// What may be lost, any one `node` or any one `zone`, after which every pod must still find a node; with
    /// the lowest priority of such pods where not all must.
    pub survive: Option<SurviveDocument>,
    /// `eks`, `eks-bottlerocket`, `gke`, `aks`, `aks-before-1.29`, `none`, or explicit amounts.
    pub allocatable: Option<AllocatableDocument>,
    /// What nodes of a type let pods have, by instance type and resource, as `plimsoll calibrate` writes
    /// it; it wins over the model.
    #[serde(default)]
    pub measured: BTreeMap<String, BTreeMap<String, Quantity>>,
    /// `model`, `eni`, `prefix-delegation`, `unlimited`, or a number.
    pub max_pods: Option<NumberOrWord>,
    /// Share of memory that the hypervisor keeps, such as `7.5%`.
    pub hypervisor_memory: Option<Share>,
    /// Disk of every node, for requests of ephemeral storage.
    pub node_storage: Option<Quantity>,
    /// Share of allocatable that stays free, by resource.
    #[serde(default)]
    pub headroom: BTreeMap<String, Share>,
    /// The most that limits may sum to, as a share of allocatable, by resource; unbounded where not given.
    #[serde(default)]
    pub overcommit: BTreeMap<String, Share>,
    /// `requests`, `limits`, or a blend of both.
    pub basis: Option<BasisDocument>,
    /// What a pod is taken to ask for of a resource that it does not request.
    #[serde(default)]
    pub default_requests: BTreeMap<String, Quantity>,
    /// How cpu of burstable types counts.
    #[schemars(with = "Option<BurstableDocument>")]
    pub burstable: Option<BurstableCpu>,
    /// Ways of paying that the bill compares: `on-demand`, `sustained-use`, or
    /// `INSTRUMENT/TERM/PAYMENT` such as `reserved-standard/1y/partial-upfront`.
    #[serde(default)]
    pub purchase: Vec<String>,
    /// Limits on commitments that `plan --commit` proposes.
    pub commitments: Option<CommitmentsDocument>,
    /// Which replica count autoscaled workloads have: `declared`, `min` or `max`.
    pub autoscaled: Option<String>,
    /// Node pools; without any, nodes carry the labels that pods ask for, and no taints.
    #[serde(default)]
    pub pools: Vec<pools::PoolDocument>,
    /// Zones that nodes may stand in; the first three of the region where none are given.
    #[serde(default)]
    pub zones: Vec<String>,
    /// What every node costs beside its instance.
    #[serde(default)]
    pub node_costs: Vec<pools::NodeCostDocument>,
    /// Discounts negotiated with the provider; of several that match a rate, the first one holds.
    #[serde(default)]
    pub discounts: Vec<Discount>,
    /// Whether Compute Savings Plans are estimated where the prices have none; every estimate is marked.
    pub estimate_compute_savings_plans: Option<bool>,
    /// What the cluster costs an hour, whatever its nodes are, in the catalog's currency.
    pub cluster_fee: Option<Quantity>,
    /// Commitments that were bought before: they apply first, and what of them is unused is shown.
    #[serde(default)]
    pub owned: Vec<owned::OwnedDocument>,
    /// Which pods may run on spot capacity, and on which types; none where not given.
    pub spot: Option<SpotDocument>,
}

/// What may run on spot capacity, as the schema describes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpotDocument {
    /// The share of the replicas of every workload that says nothing itself; 0 where not given.
    pub share: Option<Share>,
    /// The pods of a workload on spot capacity are spread over at least so many instance types.
    pub min_types: Option<u32>,
    /// Without types that are interrupted more often; those of which the catalog says nothing stay.
    pub max_interruption: Option<InterruptionBand>,
}

/// Which types may be bought, as the schema describes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TypesDocument {
    /// Globs over type names; empty allows all.
    #[serde(default)]
    pub include: Vec<String>,
    /// Globs over type names; exclusion wins.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Globs over families.
    #[serde(default)]
    pub families: Vec<String>,
    /// Architectures; empty allows all.
    #[serde(default)]
    pub architectures: Vec<Architecture>,
    /// The smallest node's cpu.
    pub min_cpu: Option<Quantity>,
    /// The largest node's cpu.
    pub max_cpu: Option<Quantity>,
    /// The most memory of a node.
    pub max_memory: Option<Quantity>,
    /// Only types that the provider calls current.
    pub current_generation: Option<bool>,
    /// Where neither `include` nor `families` is given: whether all types are meant, and not only those
    /// that a careful operator allows.
    pub all: Option<bool>,
}

/// What must be survived, as the schema describes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SurviveDocument {
    /// By every pod.
    Scope(FailureScope),
    /// By pods of a priority and above.
    Least {
        /// What may be lost.
        scope: FailureScope,
        /// The lowest priority of the pods that must find a node.
        priority: Option<i32>,
    },
}

/// An allocatable model, as the schema describes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum AllocatableDocument {
    /// A provider's model by name.
    Model(String),
    /// What every node keeps for itself.
    #[serde(rename_all = "camelCase")]
    Explicit {
        /// CPU for system daemons.
        reserved_cpu: Quantity,
        /// Memory for system daemons and eviction.
        reserved_memory: Quantity,
    },
}

/// A packing basis, as the schema describes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum BasisDocument {
    /// `requests` or `limits`.
    Word(String),
    /// requests + share x (limits - requests).
    Blend {
        /// The share.
        blend: Share,
    },
}

/// How cpu of burstable types counts, as the schema describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BurstableDocument {
    /// At the baseline that the price buys.
    Baseline,
    /// Such types are not bought.
    Exclude,
    /// All vCPUs, with surplus credits in the rate.
    FullWithSurplus,
}

/// A number, or a word.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum NumberOrWord {
    /// A number.
    Number(u64),
    /// A word.
    Word(String),
}
