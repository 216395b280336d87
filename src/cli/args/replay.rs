//! The options of `replay`, and of `calibrate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use plimsoll::replay::{Order, Profile};

use super::{NodeArgs, OutputArgs, PriceArgs, TEMPLATE};

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
