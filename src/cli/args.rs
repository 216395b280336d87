//! The command line: subcommands, options, and help texts that open with examples.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use plimsoll::bill::OfferKey;
use plimsoll::catalog::{Architecture, InterruptionBand, Provider};
use plimsoll::input::AutoscaledReplicas;
use plimsoll::input::policy_file::PurchaseChoice;
use plimsoll::input::quantity::{self, QuantityError};
use plimsoll::policy::{
    AllocatableModel, BurstableCpu, FailureScope, MaxPods, PackingBasis, PlanForm, Survive,
};
use plimsoll::replay::{Order, Profile};
use plimsoll::report::{Format, csv};
use plimsoll::units::{Bytes, DecimalError, MilliCpu, Money, PartsPerMillion, ResourceName};

use super::accounts::AccountArgs;
use super::commit::CommitArgs;
use super::demand::DemandArgs;
use super::diff::DiffArgs;
use super::explain::ExplainCommand;
use super::fetch::FetchArgs;
use super::import::ImportArgs;
use super::shell::{CompletionsArgs, ManArgs};
use super::sweep::SweepArgs;
use super::threshold::Threshold;
use super::usage::UsageArgs;

/// Examples stand before the usage line: most readers look for one to copy.
pub const TEMPLATE: &str = "\
{about-with-newline}
Examples:
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

const EXIT_CODES: &str = "\
Exit codes:
  0    the plan is printed
  1    unexpected error, such as a full disk
  2    invalid input or usage; every fault is listed, nothing is written
  3    some workload fits no allowed instance type, or not all pods survive what --survive names; the
       rest is planned and printed
  4    a --fail-on threshold is missed; the plan is printed all the same
  130  interrupted by Ctrl-C; the best verified plan so far is printed";

/// Packs workload requests onto priced instance types at least cost, and proves how far the plan
/// is from the cheapest possible.
#[derive(Debug, Parser)]
#[command(
    name = "plimsoll",
    version,
    help_template = TEMPLATE,
    before_help = "  plimsoll plan workloads/qbox-2016.yaml
  kubectl get pods,daemonsets -A -o json | plimsoll plan - --region eu-west-1
  plimsoll plan ./manifests -f json -o plan.json && plimsoll report plan.json
  plimsoll catalog list
",
    after_help = EXIT_CODES
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub messages: MessageArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Plan(Box<PlanArgs>),
    Report(ReportArgs),
    Diff(DiffArgs),
    #[command(subcommand)]
    Explain(Box<ExplainCommand>),
    Replay(ReplayArgs),
    Calibrate(CalibrateArgs),
    Sweep(Box<SweepArgs>),
    Check(CheckArgs),
    Solve(SolveArgs),
    #[command(subcommand)]
    Catalog(CatalogCommand),
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// What is said on standard error, and in which colours.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Messages")]
pub struct MessageArgs {
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say on standard error what is read, assumed and found
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// No colours; also with NO_COLOR set, with TERM=dumb, and when the output is no terminal
    #[arg(long, global = true)]
    pub no_color: bool,
}

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

/// Print a saved plan again in any format, without planning again
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll report plan.json
  plimsoll report plan.json -f csv --table purchase-options
  plimsoll report plan.json -f csv -o tables/
  plimsoll report plan.json -f focus --as-of 2026-08-01 -o focus.csv
"
)]
pub struct ReportArgs {
    /// What `plimsoll plan -f json` wrote, or - for standard input
    #[arg(value_name = "PLAN.JSON")]
    pub plan: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Put a saved plan's pods onto its nodes as the default scheduler would, and find what helps it
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll plan ./manifests -f json -o plan.json
  plimsoll replay plan.json
  plimsoll replay plan.json --profile default --order random --seeds 10
  plimsoll replay plan.json -f kubernetes -o scheduling.yaml
"
)]
pub struct ReplayArgs {
    /// What `plimsoll plan -f json` wrote, or - for standard input
    #[arg(value_name = "PLAN.JSON")]
    pub plan: PathBuf,
    #[command(flatten)]
    pub settings: ReplaySettings,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How a plan is replayed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Replay")]
pub struct ReplaySettings {
    /// How the scheduler is configured: default, most-allocated
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "default,most-allocated")]
    pub profile: Vec<Profile>,
    /// How pods arrive: by-workload, random, big-first, small-first
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "by-workload,random,big-first,small-first"
    )]
    pub order: Vec<Order>,
    /// Runs for each profile and order
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub seeds: u16,
    /// What may be done so that nothing stays pending
    #[arg(long, value_enum, value_delimiter = ',', default_value = "pins,classes,nodes")]
    pub measures: Vec<MeasureArg>,
    /// Without rolling updates and drains, and without the room that they need
    #[arg(long)]
    pub no_updates: bool,
}

/// A measure on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MeasureArg {
    /// Nothing: only say what stays pending
    None,
    /// Workloads pinned to their instance type
    Pins,
    /// PriorityClasses by size
    Classes,
    /// Nodes beyond the plan
    Nodes,
    /// A scheduler profile that packs (MostAllocated)
    Profile,
}

/// Compare what nodes that run let pods have with the model, and save it for `plan --calibration`
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  kubectl get nodes -o json | plimsoll calibrate -
  plimsoll calibrate dump.json -o calibration.yaml
  plimsoll plan ./manifests --calibration calibration.yaml
"
)]
pub struct CalibrateArgs {
    /// A cluster that runs, `kubectl get nodes -o json`, or - for standard input
    #[arg(required = true, value_name = "FILES")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub prices: PriceArgs,
    #[command(flatten)]
    pub nodes: NodeArgs,
    /// Write what was measured to FILE, as a part of a policy
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
}

/// Recheck a saved plan and the proof of its lower bound, without the solver; exits with 2 if refused
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll plan ./manifests -f json -o plan.json --certificate proof.json
  plimsoll check plan.json --certificate proof.json
"
)]
pub struct CheckArgs {
    /// What `plimsoll plan -f json` or `plimsoll solve -f json` wrote
    #[arg(value_name = "PLAN.JSON")]
    pub plan: PathBuf,
    /// What `--certificate` wrote beside it
    #[arg(long, value_name = "FILE")]
    pub certificate: PathBuf,
}

/// Pack a problem from a file: the project's own JSON, or a VPSolver .vbp instance
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll solve instance.vbp
  plimsoll solve problem.json --effort thorough --time-limit 60s
  plimsoll solve problem.json -f json -o solution.json --certificate proof.json
  plimsoll schema problem
",
    after_help = EXIT_CODES
)]
pub struct SolveArgs {
    /// A problem, or - for standard input
    #[arg(value_name = "FILE")]
    pub problem: PathBuf,
    #[command(flatten)]
    pub search: SearchArgs,
    /// table: for people. json: every bin with its content
    #[arg(short, long, value_enum, default_value_t = SolveFormatArg::Table, help_heading = "Output")]
    pub format: SolveFormatArg,
    /// Write to FILE instead of standard output, in one piece or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Write the proof of the lower bound to FILE, for `plimsoll check`
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub certificate: Option<PathBuf>,
}

/// How `solve` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SolveFormatArg {
    Table,
    Json,
}

/// See what can be bought at which prices, or import prices of your own
#[derive(Debug, Subcommand)]
pub enum CatalogCommand {
    List(ListArgs),
    Show(ShowArgs),
    Import(ImportArgs),
    Fetch(FetchArgs),
}

/// List the bundled catalogs, or the instance types of one
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll catalog list
  plimsoll catalog list aws-2026-05-us-east-1 --family 'm7*' --max-vcpu 32
  plimsoll catalog list --provider gcp --region europe-west1 --arch arm64
  plimsoll catalog list ./our-prices.yaml --exclude '*.metal'
"
)]
pub struct ListArgs {
    /// A bundled catalog or a catalog file: its instance types are listed instead
    #[arg(value_name = "NAME|FILE", conflicts_with_all = ["provider", "region", "catalog"])]
    pub name: Option<String>,
    #[command(flatten)]
    pub prices: PriceArgs,
    #[command(flatten)]
    pub types: TypeArgs,
}

/// Show one instance type with all its rates, or a whole catalog as a file
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll catalog show m5.large
  plimsoll catalog show n2-standard-4 --provider gcp --region europe-west1
  plimsoll catalog show aws-2026-05-us-east-1 > our-prices.yaml
"
)]
pub struct ShowArgs {
    /// An instance type, or a bundled catalog
    #[arg(value_name = "TYPE|CATALOG")]
    pub name: String,
    #[command(flatten)]
    pub prices: PriceArgs,
}

/// Print the JSON Schema of a file format
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll schema workload > workload.schema.json
"
)]
pub struct SchemaArgs {
    /// Which format
    #[arg(value_enum)]
    pub name: SchemaArg,
}

/// A file format with a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaArg {
    /// What `plan` reads
    Workload,
    /// What `plan -f json` prints
    Plan,
    /// What `diff -f json` prints
    Diff,
    /// Prices
    Catalog,
    /// Settings for `plan --policy`
    Policy,
    /// What `solve` reads
    Problem,
    /// What `solve -f json` prints
    Solution,
    /// What `--certificate` writes
    Certificate,
    /// What `sweep -f json` prints
    Sweep,
}

/// Whose prices hold.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Prices")]
pub struct PriceArgs {
    /// Provider whose newest bundled prices are used [default: the workload file's, or aws]
    #[arg(long, value_enum)]
    pub provider: Option<ProviderArg>,
    /// Region of the bundled prices [default: the workload file's, or the provider's first]
    #[arg(long)]
    pub region: Option<String>,
    /// A bundled catalog by name (see `plimsoll catalog list`), or your own catalog file
    #[arg(long, value_name = "NAME|FILE", conflicts_with_all = ["provider", "region"])]
    pub catalog: Option<String>,
    /// Estimate Compute Savings Plans where the prices have none; every estimate is marked as one (AWS)
    #[arg(long)]
    pub estimate_compute_savings_plans: bool,
}

impl PriceArgs {
    /// Whether any option is given.
    pub fn names_any(&self) -> bool {
        self.provider.is_some() || self.region.is_some() || self.catalog.is_some()
    }
}

/// Whose bundled prices, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProviderArg {
    Aws,
    Gcp,
    Azure,
}

impl From<ProviderArg> for Provider {
    fn from(arg: ProviderArg) -> Self {
        match arg {
            ProviderArg::Aws => Provider::Aws,
            ProviderArg::Gcp => Provider::Gcp,
            ProviderArg::Azure => Provider::Azure,
        }
    }
}

/// Which instance types may be bought.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Instance types")]
pub struct TypeArgs {
    /// Only types whose name matches one of these globs
    #[arg(long = "type", value_name = "GLOB", value_delimiter = ',')]
    pub include: Vec<String>,
    /// No types whose name matches one of these globs; exclusion wins
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Only families that match one of these globs, such as 'm5*'
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub family: Vec<String>,
    /// Only these processor architectures
    #[arg(long, value_enum, value_delimiter = ',')]
    pub arch: Vec<ArchArg>,
    /// No node with more vCPUs
    #[arg(long, value_name = "N", value_parser = vcpus)]
    pub max_vcpu: Option<MilliCpu>,
    /// No node with fewer vCPUs
    #[arg(long, value_name = "N", value_parser = vcpus)]
    pub min_vcpu: Option<MilliCpu>,
    /// No node with more memory, such as 256Gi
    #[arg(long, value_name = "QUANTITY", value_parser = memory)]
    pub max_memory: Option<Bytes>,
    /// No types that the provider calls previous generation
    #[arg(long)]
    pub current_generation: bool,
}

/// A processor architecture on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ArchArg {
    Amd64,
    Arm64,
}

impl From<ArchArg> for Architecture {
    fn from(arg: ArchArg) -> Self {
        match arg {
            ArchArg::Amd64 => Architecture::Amd64,
            ArchArg::Arm64 => Architecture::Arm64,
        }
    }
}

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

pub fn vcpus(text: &str) -> Result<MilliCpu, String> {
    quantity::parse_cpu(text).map_err(explain)
}

pub fn memory(text: &str) -> Result<Bytes, String> {
    match quantity::suspicious_memory(text) {
        Some(why) => Err(format!("`{text}`: {why}")),
        None => quantity::parse_memory(text).map_err(explain),
    }
}

fn explain(error: QuantityError) -> String {
    match error.advice() {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    }
}

/// A resource by its Kubernetes name; extended ones have a domain, so that a slip is no new resource.
fn resource(name: &str) -> Result<ResourceName, String> {
    match ResourceName::from(name) {
        ResourceName::Extended(other) if !other.contains('/') && !other.starts_with("hugepages-") => Err(
            format!("`{other}` is no resource; write cpu, memory, ephemeral-storage, pods or domain/name"),
        ),
        known => Ok(known),
    }
}

/// How long to search.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Search")]
pub struct SearchArgs {
    /// How much work to spend on a cheaper plan and a tighter bound
    #[arg(long, value_enum, default_value_t = EffortArg::Normal)]
    pub effort: EffortArg,
    /// Stop after this time, such as 500ms, 10s or 2m, with the best plan so far
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub time_limit: Option<Duration>,
    /// Stop as soon as the plan is proved to be within this share of the cheapest, such as 0.5%
    #[arg(long, value_name = "SHARE", value_parser = gap)]
    pub gap: Option<PartsPerMillion>,
    /// Seed of the randomised parts: the same seed gives the same plan
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Threads to use [default: one per core]; the plan does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EffortArg {
    Quick,
    Normal,
    Thorough,
}

/// Where the result goes, and how it looks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// table: for people. html: the same as one page with charts. json: everything, read again by
    /// `plimsoll report`. markdown: a comment on a pull request. csv: tidy tables. xlsx: a workbook
    /// with live formulas (needs -o FILE). focus: FOCUS 1.2 rows of the planned cost. kubernetes:
    /// PriorityClasses and patches that a replayed plan needs. karpenter, eksctl,
    /// cluster-autoscaler, terraform: the plan's nodes for the tool that makes them
    #[arg(short, long, value_enum, default_value_t = FormatArg::Table)]
    pub format: FormatArg,
    /// Write to FILE instead of standard output, in one piece or not at all
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Which table csv prints; with `-o FOLDER/` every table becomes a file there [default: nodes]
    #[arg(long, value_name = "NAME")]
    pub table: Option<csv::Table>,
    /// Every node group in tables, however many there are
    #[arg(long)]
    pub all_nodes: bool,
    /// First day of the planned cost, such as 2026-08-01; focus needs it, the clock is never read
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub as_of: Option<String>,
    /// Tables without lines and without wrapping, for grep and awk
    #[arg(long)]
    pub plain: bool,
    /// Tables and bars in ASCII only
    #[arg(long)]
    pub ascii: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    Table,
    Html,
    Json,
    Markdown,
    Csv,
    Xlsx,
    Focus,
    FocusCommitments,
    Kubernetes,
    Karpenter,
    Eksctl,
    ClusterAutoscaler,
    Terraform,
}

impl From<FormatArg> for Format {
    fn from(arg: FormatArg) -> Self {
        match arg {
            FormatArg::Table => Format::Table,
            FormatArg::Html => Format::Html,
            FormatArg::Json => Format::Json,
            FormatArg::Markdown => Format::Markdown,
            FormatArg::Csv => Format::Csv,
            FormatArg::Xlsx => Format::Xlsx,
            FormatArg::Focus => Format::Focus,
            FormatArg::FocusCommitments => Format::FocusCommitments,
            FormatArg::Kubernetes => Format::Kubernetes,
            FormatArg::Karpenter => Format::Karpenter,
            FormatArg::Eksctl => Format::Eksctl,
            FormatArg::ClusterAutoscaler => Format::ClusterAutoscaler,
            FormatArg::Terraform => Format::Terraform,
        }
    }
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

/// Reads `reserved-standard/1y/partial-upfront`.
pub fn offer_key(text: &str) -> Result<OfferKey, String> {
    match text.parse()? {
        PurchaseChoice::Commitment { kind, term, payment } => Ok(OfferKey { kind, term, payment }),
        _ => Err("the plan on demand is in every report; name a commitment".to_owned()),
    }
}

/// Reads a share of at most all.
pub fn share(text: &str) -> Result<PartsPerMillion, String> {
    match text.parse() {
        Ok(share) if share <= PartsPerMillion::ONE => Ok(share),
        Ok(share) => Err(format!("{share} is more than all")),
        Err(error) => Err(DecimalError::to_string(&error)),
    }
}

/// Reads an amount of money, not negative.
pub fn money(text: &str) -> Result<Money, String> {
    let amount: Money = text.parse().map_err(|error: DecimalError| error.to_string())?;
    if amount < Money::ZERO { Err(format!("`{text}` is negative")) } else { Ok(amount) }
}

/// Reads a gap, a share of the plan's cost.
fn gap(text: &str) -> Result<PartsPerMillion, String> {
    let share: PartsPerMillion = text.parse().map_err(|error: DecimalError| error.to_string())?;
    if share > PartsPerMillion::ONE {
        Err(format!("`{text}` is more than the whole cost"))
    } else {
        Ok(share)
    }
}

/// Reads a day of the calendar.
fn date(text: &str) -> Result<String, String> {
    let day: jiff::civil::Date =
        text.parse().map_err(|_| format!("`{text}` is no day; write it like 2026-08-01"))?;
    Ok(day.to_string())
}

/// Reads `500ms`, `10s`, `1m 30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let signed: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is no duration; write 500ms, 10s or 2m"))?;
    Duration::try_from(signed).map_err(|_| format!("`{text}` is negative"))
}
