//! Where a result goes, and how it looks.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
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
    #[arg(short, long, value_parser = format(), default_value_t = Format::Table)]
    pub format: Format,
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

/// A format by its name.
fn format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name))
        .map(|name| name.parse().expect("the names of formats are all that is possible"))
}
