//! `plimsoll diff`: what changed between two saved plans.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use plimsoll::input::Fault;
use plimsoll::report::{Format, diff, json, render_diff};

use super::args::{MessageArgs, TEMPLATE};
use super::threshold::DiffThreshold;
use super::{Ending, Failure, files, output, say};

/// Show what changed between two saved plans: money, node types, workloads, commitments
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll diff before.json after.json
  plimsoll diff before.json after.json -f markdown | gh pr comment --body-file -
  plimsoll diff before.json after.json --fail-on 'monthly_increase>500'
",
    after_help = "\
Exit codes:
  0  the difference is printed
  2  invalid input or usage; every fault is listed, nothing is written
  4  a --fail-on threshold is missed; the difference is printed all the same"
)]
pub struct DiffArgs {
    /// What `plimsoll plan -f json` wrote before, or - for standard input
    #[arg(value_name = "BEFORE.JSON")]
    pub before: PathBuf,
    /// What it wrote after
    #[arg(value_name = "AFTER.JSON")]
    pub after: PathBuf,
    /// table: for people. markdown: a comment on a pull request. json: everything (see `plimsoll schema diff`)
    #[arg(short, long, value_enum, default_value_t = DiffFormatArg::Table, help_heading = "Output")]
    pub format: DiffFormatArg,
    /// Write to FILE instead of standard output, in one piece or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Tables without lines and without wrapping, for grep and awk
    #[arg(long, help_heading = "Output")]
    pub plain: bool,
    /// Tables in ASCII only
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,
    /// Exit with 4 when the second plan misses a threshold: monthly_increase, on_demand_increase (money or
    /// a percentage) or nodes_increase, with < or >. monthly_increase is of what is paid, amortised
    #[arg(long, value_name = "CONDITION", help_heading = "Output")]
    pub fail_on: Vec<DiffThreshold>,
}

/// How a difference is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffFormatArg {
    Table,
    Markdown,
    Json,
}

impl From<DiffFormatArg> for Format {
    fn from(arg: DiffFormatArg) -> Self {
        match arg {
            DiffFormatArg::Table => Format::Table,
            DiffFormatArg::Markdown => Format::Markdown,
            DiffFormatArg::Json => Format::Json,
        }
    }
}

/// Reads both plans, prints what changed, and judges it.
pub fn run(args: &DiffArgs, messages: MessageArgs) -> Result<Ending, Failure> {
    if args.before.as_os_str() == "-" && args.after.as_os_str() == "-" {
        let fault = Fault::new("-", "standard input is named twice, but can be read only once");
        return Err(vec![fault].into());
    }
    let read = |path| files::read_one(path).and_then(|source| json::read(&source));
    let (before, after) = files::both(read(&args.before), read(&args.after))?;
    let found = diff::diff(&before, &after).map_err(|error| vec![Fault::new("diff", error.to_string())])?;
    let options = output::drawn(args.output.is_none(), args.plain, args.ascii, messages);
    let bytes = render_diff(&found, args.format.into(), &options).expect("these formats show differences");
    files::write(args.output.as_deref(), &bytes)?;
    let missed: Vec<&DiffThreshold> = args.fail_on.iter().filter(|limit| limit.is_missed(&found)).collect();
    for threshold in missed.iter().filter(|_| !messages.quiet) {
        say(&format!("--fail-on {threshold}: {}", threshold.describe(&found)));
    }
    Ok(if missed.is_empty() { Ending::Done } else { Ending::ThresholdMissed })
}
