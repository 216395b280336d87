//! What a reader must know about a formulation: workloads that fit nowhere, rules held
//! by restriction, and assumptions made.

use std::fmt;

use crate::units::{Bytes, PartsPerMillion, ResourceName};
use crate::workload::WorkloadId;

use super::legend::Measure;

/// A workload that no allowed instance type can hold; it is not in the problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Index into the set's workloads.
    pub workload: usize,
    /// Its identity.
    pub id: WorkloadId,
    /// How many pods are left out.
    pub replicas: u64,
    /// Why.
    pub reason: ObstacleReason,
}

/// Why a workload fits nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObstacleReason {
    /// Its rules leave types, but none of them is large enough.
    TooLarge {
        /// Index of the nearest type in the catalog.
        nearest: usize,
        /// Its name.
        nearest_name: String,
        /// What it lacks.
        lacks: Vec<Shortfall>,
    },
    /// No allowed type satisfies its rules.
    RulesExcludeAll {
        /// The rules that no type satisfies, or all of them where only their combination excludes.
        rules: Vec<String>,
    },
    /// Rules between pods leave no place for some or all of its pods.
    PodRules {
        /// Which rules.
        rule: String,
    },
    /// The input names no instance type that each replica has today.
    NoCurrentType,
    /// The instance type that each replica has today has no rate in this catalog.
    CurrentTypeUnknown {
        /// The name that the input gives.
        name: String,
    },
}

/// What a node type lacks for one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// Of which resource.
    pub resource: ResourceName,
    /// Demand, or limits under an overcommit ratio.
    pub measure: Measure,
    /// What one pod takes, in base units.
    pub needed: u64,
    /// What one node offers to pods, in base units.
    pub available: u64,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} pods): {}", self.id, self.replicas, self.reason)
    }
}

impl fmt::Display for ObstacleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ObstacleReason::TooLarge { nearest_name, lacks, .. } => {
                write!(f, "fits no allowed type; the nearest, {nearest_name}, lacks ")?;
                write_joined(f, lacks, ", ")
            }
            ObstacleReason::RulesExcludeAll { rules } => {
                write!(f, "no allowed type satisfies ")?;
                write_joined(f, rules, " and ")
            }
            ObstacleReason::PodRules { rule } => write!(f, "no place is left by {rule}"),
            ObstacleReason::NoCurrentType => write!(f, "the input names no instance type that it has today"),
            ObstacleReason::CurrentTypeUnknown { name } => {
                write!(f, "its instance type of today, `{name}`, has no rate in this catalog")
            }
        }
    }
}

impl fmt::Display for Shortfall {
    /// `cpu (needs 64, offers 15890m)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = if self.measure == Measure::Demand { "" } else { "limits of " };
        write!(
            f,
            "{limits}{} (needs {}, offers {})",
            self.resource,
            self.resource.display(self.needed),
            self.resource.display(self.available)
        )
    }
}

/// Rules that the problem holds by being stricter than they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Restriction {
    /// How.
    pub kind: RestrictionKind,
    /// The workloads whose rules these are, by name.
    pub workloads: Vec<WorkloadId>,
}

/// How rules are held by restriction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestrictionKind {
    /// Rules over zones: which copies lie in which zone was decided before the search.
    ZonesDecided,
    /// Spreads over nodes: at most `maxSkew` pods on a node, as if some node had none.
    SpreadAsCap,
    /// Required affinity over nodes: which copies lie together was decided before the search.
    TogetherDecided,
    /// Labels that pods ask nodes for: the combinations that nodes may carry were decided before.
    LabelSets,
    /// Pods on spot nodes: which of them may lie on which types was dealt out before the search.
    SpotTypesDealt,
    /// Limits of a node pool over several types or zones: how much each may have was dealt out in the search.
    PoolLimits,
    /// Every workload lies in one pool of equal nodes whole.
    Pooled,
}

impl fmt::Display for RestrictionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RestrictionKind::ZonesDecided => {
                "rules over zones are held by deciding beforehand which copies lie in which zone"
            }
            RestrictionKind::SpreadAsCap => {
                "topology spread over nodes is held as at most maxSkew pods per node"
            }
            RestrictionKind::TogetherDecided => {
                "required pod affinity over nodes is held by deciding beforehand which copies lie together"
            }
            RestrictionKind::LabelSets => {
                "labels that pods ask nodes for are held by the combinations that pods name, not by all"
            }
            RestrictionKind::SpotTypesDealt => {
                "pods on spot nodes are spread over instance types by dealing out beforehand who may lie on which"
            }
            RestrictionKind::PoolLimits => {
                "limits of node pools over several types or zones are held together; the bound holds each type to them"
            }
            RestrictionKind::Pooled => "every workload lies whole in one pool of equal nodes",
        })
    }
}

impl fmt::Display for Restriction {
    /// `rules over zones ... (3 workloads, such as default/Deployment/web)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.workloads.as_slice() {
            [] => write!(f, "{}", self.kind),
            [one] => write!(f, "{} ({one})", self.kind),
            [first, ..] => write!(f, "{} ({} workloads, such as {first})", self.kind, self.workloads.len()),
        }
    }
}

/// Something that a reader of the plan should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Labels that no catalog tells and that pods ask for: the plan's nodes are bought with them.
    LabelsAssumed {
        /// As `key=value`, joined by commas.
        labels: String,
        /// How many workloads name one of them.
        workloads: usize,
    },
    /// Patterns of the policy that match no type of the catalog.
    NothingMatches {
        /// The patterns.
        patterns: Vec<String>,
    },
    /// A node pool of the policy for which the filters leave no type.
    PoolWithoutTypes {
        /// Its name.
        pool: String,
    },
    /// The cap on types, where types stand in several pools or zones: it counts each of these.
    MaxTypesByPlace {
        /// The most combinations of type, pool and zone.
        most: u32,
    },
    /// Workloads part of which may run on spot capacity, in a plan that buys on demand alone.
    SpotNotPlanned {
        /// How many.
        workloads: usize,
    },
    /// Workloads of a pooled plan that no pool may hold whole.
    InSeveralPools {
        /// Which.
        workloads: Vec<WorkloadId>,
    },
    /// Pods that request neither cpu nor memory.
    WithoutRequests {
        /// Which workloads, and how many pods each.
        workloads: Vec<(WorkloadId, u64)>,
        /// Whether the policy's default requests stand in for them.
        defaulted: bool,
    },
    /// Pods packed by limits, or under an overcommit ratio, that have no limit: their request counts.
    WithoutLimits {
        /// Of which resource.
        resource: ResourceName,
        /// Which workloads, and how many pods each.
        workloads: Vec<(WorkloadId, u64)>,
    },
    /// No overcommit ratio is set for a resource whose limits exceed the requests.
    LimitsUnbounded {
        /// Which resource.
        resource: ResourceName,
    },
    /// Types that were left out because nothing is left on them after reserves and DaemonSets.
    TypesTooSmall {
        /// How many.
        count: usize,
        /// The first of them.
        example: String,
    },
    /// Burstable types left out because the catalog has no price for their surplus credits.
    NoSurplusRate {
        /// How many.
        count: usize,
        /// The first of them.
        example: String,
    },
    /// Types whose pod limit the catalog does not tell; the kubelet's usual number stands in.
    PodLimitAssumed {
        /// How many.
        count: usize,
        /// The first of them.
        example: String,
        /// What is assumed for it.
        assumed: u64,
    },
    /// Core counts between or beyond those that AKS publishes its cpu reservation for.
    AksInterpolated {
        /// How many types.
        count: usize,
        /// The first of them.
        example: String,
    },
    /// A resource is requested of which nobody told how much some types have; there it is not bounded.
    ResourceUnknown {
        /// Which resource.
        resource: ResourceName,
        /// How many types.
        count: usize,
        /// The first of them.
        example: String,
    },
    /// Headroom or an overcommit ratio is set for a resource that no pod asks for.
    SettingWithoutEffect {
        /// Which resource.
        resource: ResourceName,
    },
    /// Preferred rules only score, so a plan need not honour them.
    PreferredRules {
        /// Workloads that have any.
        workloads: usize,
    },
    /// Workloads with no replicas.
    NoReplicas {
        /// How many workloads.
        workloads: usize,
    },
    /// A workload asks for more than the instance type it is said to have today.
    ExceedsCurrentType {
        /// Which workload.
        workload: WorkloadId,
        /// The type.
        instance_type: String,
    },
    /// Free text of a baseline: how it was made, or what it leaves out.
    Method(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::LabelsAssumed { labels, workloads } => {
                let s = if *workloads == 1 { "workload asks" } else { "workloads ask" };
                write!(
                    f,
                    "{workloads} {s} for nodes labelled {labels}; such nodes are planned apart from others"
                )
            }
            Note::NothingMatches { patterns } => {
                write!(f, "no instance type of the catalog matches `{}`", patterns.join("`, `"))
            }
            Note::PoolWithoutTypes { pool } => write!(f, "no allowed type belongs to node pool {pool}"),
            Note::MaxTypesByPlace { most } => write!(
                f,
                "the cap on types counts a type in each pool and zone by itself: at most {most} of these"
            ),
            Note::SpotNotPlanned { workloads } => write!(
                f,
                "{workloads} workloads may run on spot capacity in part; here all of them are planned on demand"
            ),
            Note::InSeveralPools { workloads } => {
                let names: Vec<String> = workloads.iter().take(3).map(ToString::to_string).collect();
                write!(
                    f,
                    "no pool may hold all pods of {} workloads, whose parts may lie in different pools ({}{})",
                    workloads.len(),
                    names.join(", "),
                    if workloads.len() > names.len() { ", ..." } else { "" }
                )
            }
            Note::WithoutRequests { workloads, defaulted } => {
                let pods: u64 = workloads.iter().map(|(_, n)| n).sum();
                let how = if *defaulted {
                    "the default requests stand in"
                } else {
                    "they take a pod slot and nothing else"
                };
                write!(
                    f,
                    "{pods} pods of {} workloads request neither cpu nor memory; {how}",
                    workloads.len()
                )
            }
            Note::WithoutLimits { resource, workloads } => {
                let pods: u64 = workloads.iter().map(|(_, n)| n).sum();
                write!(
                    f,
                    "{pods} pods of {} workloads have no {resource} limit; their request counts instead",
                    workloads.len()
                )
            }
            Note::LimitsUnbounded { resource } => write!(
                f,
                "{resource} limits exceed requests and no overcommit ratio bounds their sum on a node"
            ),
            Note::TypesTooSmall { count, example } => write!(
                f,
                "{count} types (such as {example}) are left out: reserves and DaemonSets take all of them"
            ),
            Note::NoSurplusRate { count, example } => write!(
                f,
                "{count} burstable types (such as {example}) are left out: no price for surplus credits"
            ),
            Note::PodLimitAssumed { count, example, assumed } => write!(
                f,
                "the catalog tells no pod limit for {count} types; one is assumed, such as {assumed} for {example}"
            ),
            Note::AksInterpolated { count, example } => write!(
                f,
                "AKS publishes no cpu reservation for the core count of {count} types (such as {example}); interpolated linearly"
            ),
            Note::ResourceUnknown { resource, count, example } => write!(
                f,
                "nothing tells how much {resource} {count} types (such as {example}) have; there it is not bounded"
            ),
            Note::SettingWithoutEffect { resource } => {
                write!(f, "headroom or overcommit for {resource} has no effect: no pod asks for it")
            }
            Note::PreferredRules { workloads } => {
                let plural = if *workloads == 1 { "" } else { "s" };
                write!(
                    f,
                    "preferred rules of {workloads} workload{plural} only score and are not planned for"
                )
            }
            Note::NoReplicas { workloads: 1 } => f.write_str("1 workload has no replicas"),
            Note::NoReplicas { workloads } => write!(f, "{workloads} workloads have no replicas"),
            Note::ExceedsCurrentType { workload, instance_type } => {
                write!(f, "{workload} asks for more than {instance_type}, its type of today, has")
            }
            Note::Method(text) => f.write_str(text),
        }
    }
}

/// Why no problem could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormulateError {
    /// The policy's filters leave no instance type of the catalog.
    #[error("the policy allows none of the {0} instance types of the catalog")]
    NoTypes(usize),
    /// Headroom of everything or more.
    #[error("headroom of {share} for {resource} leaves nothing for pods")]
    Headroom {
        /// For which resource.
        resource: ResourceName,
        /// The setting.
        share: PartsPerMillion,
    },
    /// Reserves and DaemonSets leave nothing of any allowed type.
    #[error(
        "reserves and DaemonSets leave nothing for pods on any of the {count} allowed types, such as {example}"
    )]
    NothingLeft {
        /// How many types the policy allows.
        count: usize,
        /// The first of them.
        example: String,
    },
    /// The hypervisor keeps everything.
    #[error("a hypervisor share of {0} leaves no memory")]
    Hypervisor(PartsPerMillion),
    /// A ratio of zero.
    #[error("an overcommit ratio of zero for {0} lets no pod run")]
    Overcommit(ResourceName),
    /// A blend beyond the limits.
    #[error("a blend of {0} lies beyond the limits; at most 100 % makes sense")]
    Blend(PartsPerMillion),
    /// The root volume is smaller than what is reserved of it.
    #[error("a node storage of {0} is smaller than what the kubelet keeps of it")]
    NodeStorage(Bytes),
    /// A cost by the size of a disk that is not given.
    #[error("`{0}` is charged by the GiB of a node's disk, whose size is not set (node storage)")]
    CostWithoutStorage(String),
    /// A pattern of the type filter cannot be read.
    #[error("type filter: {0}")]
    Filter(String),
    /// The amounts are out of range.
    #[error(transparent)]
    Problem(#[from] crate::problem::ProblemError),
}

/// Writes items with a separator between them.
fn write_joined<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T], separator: &str) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        let before = if i == 0 { "" } else { separator };
        write!(f, "{before}{item}")?;
    }
    Ok(())
}
