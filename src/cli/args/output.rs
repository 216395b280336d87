//! Where a result goes, and how it looks.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use plimsoll::report::{Format, csv};

use super::values::date;

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
