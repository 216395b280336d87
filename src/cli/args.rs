//! The command line: subcommands, options, and help texts that open with examples.

mod nodes;
mod output;
mod plan;
mod prices;
mod replay;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use plimsoll::units::PartsPerMillion;

use super::diff::DiffArgs;
use super::explain::ExplainCommand;
use super::shell::{CompletionsArgs, ManArgs};
use super::sweep::SweepArgs;
pub use nodes::{BasisArg, NodeArgs, ShareArg};
pub use output::OutputArgs;
pub use plan::{AutoscaledArg, BaselinesArg, PlanArgs, ReplayArg, SpotArgs, SurviveArgs};
pub use prices::{ArchArg, CatalogCommand, ListArgs, PriceArgs, ProviderArg, ShowArgs, TypeArgs};
pub use replay::{CalibrateArgs, MeasureArg, ReplayArgs, ReplaySettings};
pub use values::{date, memory, money, offer_key, share, vcpus};
use values::{duration, gap};

/// Examples stand before the usage line: most readers look for one to copy.
pub const TEMPLATE: &str = "\
{about-with-newline}
Examples:
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

pub const EXIT_CODES: &str = "\
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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EffortArg {
    Quick,
    Normal,
    Thorough,
}
