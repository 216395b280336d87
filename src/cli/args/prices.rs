//! Whose prices hold, which instance types may be bought, and the commands of the catalog.

use clap::{Args, Subcommand, ValueEnum};
use plimsoll::catalog::{Architecture, Provider};
use plimsoll::units::{Bytes, MilliCpu};

use super::super::fetch::FetchArgs;
use super::super::import::ImportArgs;
use super::TEMPLATE;
use super::values::{memory, vcpus};

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
