//! Renders a [`view::PlanReport`]: each format is a pure function of it.

pub mod accounts;
mod build;
mod chart;
mod cluster;
pub mod committed;
pub mod csv;
pub mod diff;
pub mod explain;
pub mod focus;
mod html;
pub mod json;
pub mod kubernetes;
pub mod markdown;
pub mod node_groups;
mod number;
mod over_time;
pub mod pool_limits;
mod pools;
mod purchase;
pub mod recheck;
mod replayed;
mod scheduling;
pub mod showback;
pub mod solution;
mod spot;
pub mod steady;
mod survival;
pub mod sweep;
mod table;
mod tightness;
pub mod usage;
pub mod view;
mod xlsx;

use std::fmt;
use std::str::FromStr;

use view::PlanReport;
pub use xlsx::XlsxFailure;

/// The formats that a plan renders to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people, in a terminal.
    Table,
    /// For people, in a browser: one page without network, script or further files.
    Html,
    /// The contract: everything, read again by [`json::parse`].
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// One tidy table for spreadsheets; [`RenderOptions::csv_table`] says which.
    Csv,
    /// A workbook with live formulas and checks; binary.
    Xlsx,
    /// FOCUS 1.2 rows of the planned cost. Needs a first day, see [`RenderOptions::start`].
    Focus,
    /// FOCUS 1.4 ContractCommitment rows of what the plan proposes to buy; needs accounts and a first day.
    FocusCommitments,
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
    pub const ALL: [Format; 13] = [
        Format::Table,
        Format::Html,
        Format::Json,
        Format::Markdown,
        Format::Csv,
        Format::Xlsx,
        Format::Focus,
        Format::FocusCommitments,
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
            Format::Html => "html",
            Format::Json => "json",
            Format::Markdown => "markdown",
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
            Format::Focus => "focus",
            Format::FocusCommitments => "focus-commitments",
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
    /// A workbook has so many rows and no more.
    #[error(transparent)]
    Xlsx(#[from] XlsxFailure),
}

/// Renders a report.
///
/// # Errors
/// FOCUS can fail: without a first day, or with names that a spreadsheet would run as formulas; and
/// manifests of a plan that was not replayed; node groups for a provider that their tool does not know; and
/// workbooks of more rows than a sheet has.
pub fn render(report: &PlanReport, format: Format, options: &RenderOptions) -> Result<Vec<u8>, RenderError> {
    Ok(match format {
        Format::Table => table::render(report, options).into_bytes(),
        Format::Html => html::render(report).into_bytes(),
        Format::Json => json::render(report),
        Format::Markdown => markdown::render(report).into_bytes(),
        Format::Csv => csv::render(report, options.csv_table),
        Format::Xlsx => xlsx::render(report)?,
        Format::Focus => focus::render(report, options.start.as_deref())?,
        Format::FocusCommitments => focus::contracts::render(report, options.start.as_deref())?,
        Format::Kubernetes => kubernetes::render(report)?.into_bytes(),
        Format::Karpenter => node_groups::karpenter::render(report)?.into_bytes(),
        Format::Eksctl => node_groups::eksctl::render(report)?.into_bytes(),
        Format::ClusterAutoscaler => node_groups::cluster_autoscaler::render(report)?.into_bytes(),
        Format::Terraform => node_groups::terraform::render(report)?.into_bytes(),
    })
}

/// Renders the difference of two plans; `None` for a format that it does not have.
pub fn render_diff(diff: &diff::PlanDiff, format: Format, options: &RenderOptions) -> Option<Vec<u8>> {
    Some(match format {
        Format::Table => table::diff::diff(diff, options).into_bytes(),
        Format::Json => diff.to_json().into_bytes(),
        Format::Markdown => markdown::diff(diff).into_bytes(),
        _ => return None,
    })
}

/// Renders an explanation, for people or as JSON.
pub fn render_explained(explained: &explain::Explained, as_json: bool, options: &RenderOptions) -> Vec<u8> {
    let text = match (explained, as_json) {
        (explain::Explained::Workload(workload), true) => pretty(workload),
        (explain::Explained::Workload(workload), false) => table::explain::workload(workload, options),
        (explain::Explained::Type(of_type), true) => pretty(of_type),
        (explain::Explained::Type(of_type), false) => table::explain::instance_type(of_type, options),
    };
    text.into_bytes()
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("strings, numbers and lists are plain JSON") + "\n"
}
