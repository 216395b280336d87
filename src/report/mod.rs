//! Renders a [`view::PlanReport`]: each format is a pure function of it.

mod build;
mod cluster;
pub mod csv;
pub mod focus;
pub mod json;
pub mod kubernetes;
pub mod node_groups;
mod number;
mod over_time;
mod pools;
pub mod recheck;
mod replayed;
mod scheduling;
pub mod solution;
mod survival;
pub mod sweep;
mod table;
pub mod view;

use std::fmt;
use std::str::FromStr;

use view::PlanReport;

/// The formats that a plan renders to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people, in a terminal.
    Table,
    /// The contract: everything, read again by [`json::parse`].
    Json,
    /// One tidy table for spreadsheets; [`RenderOptions::csv_table`] says which.
    Csv,
    /// FOCUS 1.2 rows of the planned cost. Needs a first day, see [`RenderOptions::start`].
    Focus,
    /// What a replayed plan needs in the cluster: PriorityClasses and patches, as YAML.
    Kubernetes,
    /// Karpenter's NodePools and EC2NodeClasses, as YAML.
    Karpenter,
    /// A ClusterConfig of eksctl, as YAML.
    Eksctl,
    /// Values for the Helm chart of cluster-autoscaler, as YAML.
    ClusterAutoscaler,
    /// EKS managed node groups, as Terraform's JSON.
    Terraform,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 9] = [
        Format::Table,
        Format::Json,
        Format::Csv,
        Format::Focus,
        Format::Kubernetes,
        Format::Karpenter,
        Format::Eksctl,
        Format::ClusterAutoscaler,
        Format::Terraform,
    ];

    /// As an option value names it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Focus => "focus",
            Format::Kubernetes => "kubernetes",
            Format::Karpenter => "karpenter",
            Format::Eksctl => "eksctl",
            Format::ClusterAutoscaler => "cluster-autoscaler",
            Format::Terraform => "terraform",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no format; write {list}", list = Format::ALL.map(Format::name).join(", "))]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Format::ALL.into_iter().find(|f| f.name() == text).ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// How a format is drawn. Nothing here changes a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderOptions {
    /// Columns of the terminal; tables never need more than 80.
    pub width: usize,
    /// Whether to colour tables.
    pub color: bool,
    /// ASCII only in tables.
    pub ascii: bool,
    /// Tables without lines, one row per line whatever its length.
    pub plain: bool,
    /// Every node group in tables, however many.
    pub all_nodes: bool,
    /// Which table `csv` writes.
    pub csv_table: csv::Table,
    /// First day of the FOCUS rows, `YYYY-MM-DD`; the report's own start where absent.
    pub start: Option<String>,
}

impl Default for RenderOptions {
    fn default() -> Self {
        RenderOptions {
            width: 80,
            color: false,
            ascii: false,
            plain: false,
            all_nodes: false,
            csv_table: csv::Table::Nodes,
            start: None,
        }
    }
}

/// Why a report cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// FOCUS rows lie in months, so they need a first day.
    #[error(transparent)]
    Focus(#[from] focus::FocusError),
    /// Manifests follow from a replay.
    #[error(transparent)]
    Kubernetes(#[from] kubernetes::KubernetesError),
    /// Tools make nodes of some providers only.
    #[error(transparent)]
    NodeGroups(#[from] node_groups::NodeGroupsError),
}

/// Renders a report.
///
/// # Errors
/// FOCUS can fail: without a first day, or with names that a spreadsheet would run as formulas; and
/// manifests of a plan that was not replayed; and node groups for a provider that their tool does not know.
pub fn render(report: &PlanReport, format: Format, options: &RenderOptions) -> Result<Vec<u8>, RenderError> {
    Ok(match format {
        Format::Table => table::render(report, options).into_bytes(),
        Format::Json => json::render(report),
        Format::Csv => csv::render(report, options.csv_table),
        Format::Focus => focus::render(report, options.start.as_deref())?,
        Format::Kubernetes => kubernetes::render(report)?.into_bytes(),
        Format::Karpenter => node_groups::karpenter::render(report)?.into_bytes(),
        Format::Eksctl => node_groups::eksctl::render(report)?.into_bytes(),
        Format::ClusterAutoscaler => node_groups::cluster_autoscaler::render(report)?.into_bytes(),
        Format::Terraform => node_groups::terraform::render(report)?.into_bytes(),
    })
}
