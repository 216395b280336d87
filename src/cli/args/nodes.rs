//! How much of a node pods may fill, and which form the plan has.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use plimsoll::input::quantity;
use plimsoll::policy::{AllocatableModel, BurstableCpu, MaxPods, PackingBasis, PlanForm};
use plimsoll::units::{Bytes, DecimalError, PartsPerMillion, ResourceName};

use super::values::{explain, memory, resource};

/// How much of a node pods may fill.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Nodes")]
pub struct NodeArgs {
    /// A policy file; options given here win over it (see `plimsoll schema policy`)
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// What `plimsoll calibrate` saved: nodes of those types offer what they were seen to offer
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
    /// What the system keeps of a node [default: the provider's managed Kubernetes]
    #[arg(long, value_enum)]
    pub allocatable: Option<AllocatableArg>,
    /// Pods per node: model, eni, prefix, unlimited or a number [default: model]
    #[arg(long, value_name = "MODE|N")]
    pub max_pods: Option<MaxPodsArg>,
    /// Share of memory that the hypervisor keeps [default: 7.5% on AWS, else 0%]
    #[arg(long, value_name = "SHARE")]
    pub hypervisor_memory: Option<PartsPerMillion>,
    /// Share of allocatable to keep free: 10% of cpu and memory, or cpu=10%,memory=5%
    #[arg(long, value_name = "SHARE", value_delimiter = ',')]
    pub headroom: Vec<ShareArg>,
    /// Limits on a node up to this many times allocatable: 1.5, or cpu=4,memory=1 [default: unbounded]
    #[arg(long, value_name = "RATIO", value_delimiter = ',')]
    pub overcommit: Vec<ShareArg>,
    /// Pack pods by requests, limits, or blend:SHARE of the way from requests to limits [default: requests]
    #[arg(long, value_name = "BASIS")]
    pub basis: Option<BasisArg>,
    /// What a pod is taken to ask for where it requests nothing, such as cpu=100m,memory=200Mi
    #[arg(long, value_name = "RESOURCE=QUANTITY", value_delimiter = ',')]
    pub default_request: Vec<QuantityArg>,
    /// Disk of every node for ephemeral storage, such as 100Gi [default: unknown, not bounded]
    #[arg(long, value_name = "QUANTITY", value_parser = memory)]
    pub node_storage: Option<Bytes>,
    /// How vCPUs of burstable types count [default: baseline]
    #[arg(long, value_enum)]
    pub burstable: Option<BurstableArg>,
    /// Any type of the catalog, not only those that a careful operator allows: of EC2, current types
    /// of the categories c, m and r that are no bare metal
    #[arg(long)]
    pub all_types: bool,
    /// pooled: every workload whole in one pool of equal nodes, to which labels lead the scheduler.
    /// free: the cheapest packing of any form [default: pooled for Kubernetes objects, else free]
    #[arg(long, value_enum)]
    pub form: Option<FormArg>,
    /// No more than this many pools in a pooled plan [default: 10, or as many as the rules need]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_pools: Option<u32>,
    /// No more than this many different instance types in the plan
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_types: Option<u32>,
}

/// How allocatable follows from capacity, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AllocatableArg {
    /// EKS on Amazon Linux 2023
    Eks,
    /// EKS on Bottlerocket
    EksBottlerocket,
    /// GKE
    Gke,
    /// AKS from Kubernetes 1.29 on
    Aks,
    /// AKS before Kubernetes 1.29
    #[value(name = "aks-before-1.29")]
    AksBefore129,
    /// Pods may fill the whole node
    None,
}

impl From<AllocatableArg> for AllocatableModel {
    fn from(arg: AllocatableArg) -> Self {
        match arg {
            AllocatableArg::Eks => AllocatableModel::Eks,
            AllocatableArg::EksBottlerocket => AllocatableModel::EksBottlerocket,
            AllocatableArg::Gke => AllocatableModel::Gke,
            AllocatableArg::Aks => AllocatableModel::Aks,
            AllocatableArg::AksBefore129 => AllocatableModel::AksBefore129,
            AllocatableArg::None => AllocatableModel::None,
        }
    }
}

/// How vCPUs of burstable types count, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BurstableArg {
    /// At the baseline that the price buys
    Baseline,
    /// Such types are not bought
    Exclude,
    /// In full, with the surplus credits as part of the rate
    FullWithSurplus,
}

impl From<BurstableArg> for BurstableCpu {
    fn from(arg: BurstableArg) -> Self {
        match arg {
            BurstableArg::Baseline => BurstableCpu::Baseline,
            BurstableArg::Exclude => BurstableCpu::Exclude,
            BurstableArg::FullWithSurplus => BurstableCpu::FullWithSurplus,
        }
    }
}

/// Which form of plan, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormArg {
    /// Any packing
    Free,
    /// Every workload whole in one pool of equal nodes
    Pooled,
}

impl From<FormArg> for PlanForm {
    fn from(arg: FormArg) -> Self {
        match arg {
            FormArg::Free => PlanForm::Free,
            FormArg::Pooled => PlanForm::Pooled,
        }
    }
}

/// `--max-pods`: a mode or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPodsArg(pub MaxPods);

impl FromStr for MaxPodsArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(MaxPodsArg(match text {
            "model" => MaxPods::Model,
            "eni" => MaxPods::Eni,
            "prefix" => MaxPods::PrefixDelegation,
            "unlimited" => MaxPods::Unlimited,
            number => match number.parse() {
                Ok(n) if n > 0 => MaxPods::Fixed(n),
                _ => return Err("write model, eni, prefix, unlimited or a number of pods".to_owned()),
            },
        }))
    }
}

/// `--basis`: what a pod's size is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasisArg(pub PackingBasis);

impl FromStr for BasisArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(BasisArg(match text.split_once(':') {
            None if text == "requests" => PackingBasis::Requests,
            None if text == "limits" => PackingBasis::Limits,
            Some(("blend", share)) => match share.parse() {
                Ok(share) if share <= PartsPerMillion::ONE => PackingBasis::Blend(share),
                Ok(_) => return Err(format!("`{share}` is more than the whole way to the limits")),
                Err(error) => return Err(error.to_string()),
            },
            _ => return Err("write requests, limits or blend:50%".to_owned()),
        }))
    }
}

/// A share for one resource (`cpu=10%`), or for cpu and memory alike (`10%`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareArg {
    /// `None` for cpu and memory.
    pub resource: Option<ResourceName>,
    /// The share or ratio.
    pub share: PartsPerMillion,
}

impl FromStr for ShareArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (resource, share) = match text.split_once('=') {
            Some((name, share)) => (Some(resource(name)?), share),
            None => (None, text),
        };
        Ok(ShareArg { resource, share: share.parse().map_err(|e: DecimalError| e.to_string())? })
    }
}

impl ShareArg {
    /// The resources that it stands for.
    pub fn resources(&self) -> Vec<ResourceName> {
        match &self.resource {
            Some(one) => vec![one.clone()],
            None => vec![ResourceName::Cpu, ResourceName::Memory],
        }
    }
}

/// An amount of one resource: `cpu=100m`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantityArg {
    /// Of what.
    pub resource: ResourceName,
    /// In base units.
    pub amount: u64,
}

impl FromStr for QuantityArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, amount) = text.split_once('=').ok_or("write cpu=100m,memory=200Mi")?;
        let resource = resource(name)?;
        let amount = quantity::parse(&resource, amount).map_err(explain)?;
        Ok(QuantityArg { resource, amount })
    }
}
