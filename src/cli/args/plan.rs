//! The options of `plan`: workloads, what may be lost, spot, what the plan is set beside.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use plimsoll::bill::OfferKey;
use plimsoll::catalog::InterruptionBand;
use plimsoll::input::AutoscaledReplicas;
use plimsoll::policy::{FailureScope, Survive};
use plimsoll::units::{Money, PartsPerMillion};

use super::super::accounts::AccountArgs;
use super::super::commit::CommitArgs;
use super::super::demand::DemandArgs;
use super::super::threshold::Threshold;
use super::super::tightness::TightnessArg;
use super::super::usage::UsageArgs;
use super::values::{money, offer_key, share};
use super::{EXIT_CODES, NodeArgs, OutputArgs, PriceArgs, SearchArgs, TEMPLATE, TypeArgs};

/// Plan which nodes to buy for a set of workloads, what they cost and what that saves
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll plan workloads/qbox-2016.yaml
  helm template my-release ./chart | plimsoll plan -
  kubectl get pods,daemonsets -A -o json | plimsoll plan - --region eu-west-1 --headroom 10%
  kubectl get nodes,pods,poddisruptionbudgets -A -o json | plimsoll plan --cluster -
  plimsoll plan ./manifests extra.csv --family 'm*' --exclude '*.metal' --max-vcpu 32
  plimsoll plan ./manifests -f json -o plan.json
  plimsoll plan ./manifests --fail-on 'saving<30%' --fail-on 'gap>1%'
",
    after_help = EXIT_CODES
)]
pub struct PlanArgs {
    /// Workloads: files, folders (read recursively: *.yaml *.yml *.json *.csv), or - for standard input
    #[arg(required = true, value_name = "FILES")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub prices: PriceArgs,
    #[command(flatten)]
    pub types: TypeArgs,
    #[command(flatten)]
    pub nodes: NodeArgs,
    /// FILES are a cluster that runs, `kubectl get nodes,pods,... -A -o json`: show it as it is beside
    /// what it could be
    #[arg(long, conflicts_with = "survive", help_heading = "Workloads")]
    pub cluster: bool,
    /// With --cluster, what a step of the migration saves a month at least
    #[arg(
        long,
        value_name = "MONEY",
        default_value = "0",
        value_parser = money,
        requires = "cluster",
        help_heading = "Workloads"
    )]
    pub min_saving: Money,
    /// Which replicas count where a HorizontalPodAutoscaler scales: declared, min or max [default: declared]
    #[arg(long, value_enum, help_heading = "Workloads")]
    pub autoscaled: Option<AutoscaledArg>,
    /// Labels that say who owns a workload, for the report [default: team, owner, cost-center, ...]
    #[arg(long, value_name = "LABEL", value_delimiter = ',', help_heading = "Workloads")]
    pub owner_label: Vec<String>,
    #[command(flatten)]
    pub spot: SpotArgs,
    #[command(flatten)]
    pub usage: UsageArgs,
    /// The commitment that the headline counts with, such as reserved-standard/1y/no-upfront
    /// [default: the one that covers most]; every other is compared with it
    #[arg(long, value_name = "KIND/TERM/PAYMENT", value_parser = offer_key, help_heading = "Prices")]
    pub purchase: Option<OfferKey>,
    #[command(flatten)]
    pub demand: DemandArgs,
    #[command(flatten)]
    pub accounts: AccountArgs,
    #[command(flatten)]
    pub commit: CommitArgs,
    #[command(flatten)]
    pub survive: SurviveArgs,
    #[command(flatten)]
    pub search: SearchArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    /// Write the proof of the lower bound to FILE, for `plimsoll check`
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub certificate: Option<PathBuf>,
    /// What the plan is set beside. On very large inputs the tools take longer than the plan itself
    #[arg(long, value_enum, default_value_t = BaselinesArg::All, help_heading = "Output")]
    pub baselines: BaselinesArg,
    /// Whether the plan is replayed at once: does the scheduler bring it about, and with which measures?
    /// `plimsoll replay` does more of it
    #[arg(long, value_enum, default_value_t = ReplayArg::Auto, help_heading = "Output")]
    pub replay: ReplayArg,
    /// Whether the plan's cost is told for 0 to 50 % of every node kept free, each level packed quickly
    #[arg(long, value_enum, default_value_t = TightnessArg::Auto, help_heading = "Output")]
    pub tightness: TightnessArg,
    /// Exit with 4 when the plan misses a threshold: saving, gap (percentages) or cost (per month), with < or >
    #[arg(long, value_name = "CONDITION", help_heading = "Output")]
    pub fail_on: Vec<Threshold>,
}

/// What may run on spot capacity.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Spot")]
pub struct SpotArgs {
    /// Share of the replicas of each workload that may run on spot nodes, rounded down; what a workload says
    /// itself wins (spotShare, or the annotation plimsoll/spot-share) [default: 0%]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub spot: Option<PartsPerMillion>,
    /// Spread the pods of a workload on spot nodes over at least so many instance types
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub spot_types: Option<u32>,
    /// No spot nodes of types that are interrupted more often: <5%, 5-10%, 10-15%, 15-20%, >20%
    #[arg(long, value_name = "BAND")]
    pub spot_interruption: Option<InterruptionBand>,
}

/// What the plan must survive.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Resilience")]
pub struct SurviveArgs {
    /// After the loss of any one node, or of any one zone, every pod still fits on what remains
    #[arg(long, value_enum, value_name = "WHAT")]
    pub survive: Option<SurviveArg>,
    /// Only pods of this priority and above must; others may have to make room
    #[arg(long, value_name = "N", requires = "survive", allow_negative_numbers = true)]
    pub survive_priority: Option<i32>,
}

/// What may be lost, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SurviveArg {
    /// Any one node
    Node,
    /// All nodes of any one zone
    Zone,
}

impl SurviveArgs {
    /// As the policy has it.
    pub fn wanted(&self) -> Option<Survive> {
        let scope = match self.survive? {
            SurviveArg::Node => FailureScope::Node,
            SurviveArg::Zone => FailureScope::Zone,
        };
        Some(Survive { scope, priority: self.survive_priority })
    }
}

/// Whether a plan is replayed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReplayArg {
    /// Pooled plans of up to 20,000 pods on up to 500 nodes
    Auto,
    /// Any plan
    Always,
    /// No plan
    None,
}

/// Which other plans are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BaselinesArg {
    /// One VM per replica, and what the tools that people run would buy
    All,
    /// One VM per replica alone, which savings are counted from
    Before,
    /// Nothing: the report states no saving
    None,
}

/// Which replica count autoscaled workloads have, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AutoscaledArg {
    /// What the workload itself says
    Declared,
    /// minReplicas
    Min,
    /// maxReplicas
    Max,
}

impl From<AutoscaledArg> for AutoscaledReplicas {
    fn from(arg: AutoscaledArg) -> Self {
        match arg {
            AutoscaledArg::Declared => AutoscaledReplicas::Declared,
            AutoscaledArg::Min => AutoscaledReplicas::Min,
            AutoscaledArg::Max => AutoscaledReplicas::Max,
        }
    }
}
