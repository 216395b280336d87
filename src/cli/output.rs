//! Renders a report as the options say and writes it where they say.

use std::io::IsTerminal;
use std::path::Path;

use plimsoll::catalog::Provider;
use plimsoll::input::Fault;
use plimsoll::report::focus::FocusError;
use plimsoll::report::kubernetes::KubernetesError;
use plimsoll::report::view::PlanReport;
use plimsoll::report::{self, Format, RenderError, RenderOptions, csv, node_groups};

use super::args::{MessageArgs, OutputArgs, ReplayArg};
use super::{Failure, files};

/// Columns of a table that goes into a file or a pipe.
const WIDTH: usize = 80;

/// A report in its final form, and where it goes.
pub enum Rendered<'a> {
    /// One file, or standard output.
    One(Option<&'a Path>, Vec<u8>),
    /// Every CSV table as a file of its own.
    Tables(&'a Path, Vec<(csv::Table, Vec<u8>)>),
}

impl Rendered<'_> {
    /// Writes it, each file in one piece or not at all.
    ///
    /// # Errors
    /// A place that cannot be written.
    pub fn write(&self) -> Result<(), Failure> {
        match self {
            Rendered::One(path, bytes) => files::write(*path, bytes)?,
            Rendered::Tables(folder, tables) => {
                files::make_folder(folder)?;
                for (table, bytes) in tables {
                    let path = folder.join(format!("{}.csv", table.name()));
                    files::write(Some(&path), bytes)?;
                }
            }
        }
        Ok(())
    }
}

/// Looks whether a new plan can be printed as is asked, before the work is done.
///
/// # Errors
/// A format that needs what is not given or that cannot describe nodes of the provider, or options
/// that contradict each other.
pub fn check(args: &OutputArgs, replay: ReplayArg, provider: Option<Provider>) -> Result<(), Vec<Fault>> {
    match (args.format, provider) {
        (Format::Focus | Format::FocusCommitments, _) if args.as_of.is_none() => {
            return Err(vec![fault(&FocusError::NoStart.into())]);
        }
        (Format::Kubernetes, _) if replay == ReplayArg::None => {
            return Err(vec![fault(&KubernetesError::NotReplayed.into())]);
        }
        (format, Some(provider)) => {
            node_groups::check(format, provider).map_err(|e| vec![fault(&e.into())])?;
        }
        _ => {}
    }
    check_table(args)
}

fn check_table(args: &OutputArgs) -> Result<(), Vec<Fault>> {
    match args.table {
        Some(_) if args.format != Format::Csv => {
            Err(vec![Fault::new("--table", "names a table of csv").help("add -f csv")])
        }
        _ if args.format == Format::Xlsx && args.output.is_none() => {
            Err(vec![Fault::new("-f xlsx", "is binary and needs a file").help("add -o plan.xlsx")])
        }
        _ => Ok(()),
    }
}

/// Renders the report.
///
/// # Errors
/// A format that needs what is not given, or options that contradict each other.
pub fn render<'a>(
    report: &PlanReport,
    args: &'a OutputArgs,
    messages: MessageArgs,
) -> Result<Rendered<'a>, Failure> {
    check_table(args)?;
    let options = options(args, messages);
    match args.output.as_deref() {
        Some(folder) if args.format == Format::Csv && args.table.is_none() && is_folder(folder) => {
            let tables = csv::Table::ALL.into_iter().map(|table| (table, csv::render(report, table)));
            Ok(Rendered::Tables(folder, tables.collect()))
        }
        path => {
            let bytes = report::render(report, args.format, &options).map_err(|error| vec![fault(&error)])?;
            Ok(Rendered::One(path, bytes))
        }
    }
}

fn fault(error: &RenderError) -> Fault {
    let fault = Fault::new("-f", error.to_string());
    match error {
        RenderError::Focus(_) => fault.help("see --as-of"),
        RenderError::Kubernetes(_) | RenderError::NodeGroups(_) | RenderError::Xlsx(_) => fault,
    }
}

/// There is a folder of that name, or it ends like one.
fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

fn options(args: &OutputArgs, messages: MessageArgs) -> RenderOptions {
    RenderOptions {
        all_nodes: args.all_nodes,
        csv_table: args.table.unwrap_or(csv::Table::Nodes),
        start: args.as_of.clone(),
        ..drawn(args.output.is_none(), args.plain, args.ascii, messages)
    }
}

/// How tables are drawn: as the terminal allows, where standard output is one and the result goes there.
pub fn drawn(to_stdout: bool, plain: bool, ascii: bool, messages: MessageArgs) -> RenderOptions {
    let to_terminal = to_stdout && std::io::stdout().is_terminal();
    let size = terminal_size::terminal_size_of(std::io::stdout()).filter(|_| to_terminal);
    RenderOptions {
        width: size.map_or(WIDTH, |(columns, _)| usize::from(columns.0)),
        color: to_terminal && colors_wanted(messages),
        ascii,
        plain,
        ..RenderOptions::default()
    }
}

/// By the conventions of no-color.org and of terminals that know no colours.
fn colors_wanted(messages: MessageArgs) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    !messages.no_color && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}
