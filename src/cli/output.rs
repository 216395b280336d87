//! Renders a report as the options say and writes it where they say.

use std::io::IsTerminal;
use std::path::Path;

use plimsoll::catalog::Provider;
use plimsoll::input::Fault;
use plimsoll::report::view::PlanReport;
use plimsoll::report::{self, Format, RenderError, RenderOptions, csv, node_groups};

use super::args::{FormatArg, MessageArgs, OutputArgs};
use super::{Failure, files};

/// Columns of a table that goes into a file or a pipe.
const WIDTH: usize = 80;

/// Writes the report.
///
/// # Errors
/// A format that needs what is not given, options that contradict each other, or a place that cannot
/// be written.
pub fn write(report: &PlanReport, args: &OutputArgs, messages: MessageArgs) -> Result<(), Failure> {
    let options = options(args, messages);
    match &args.output {
        Some(folder) if args.format == FormatArg::Csv && args.table.is_none() && is_folder(folder) => {
            write_tables(report, folder)
        }
        output => {
            let bytes = report::render(report, Format::from(args.format), &options)
                .map_err(|error| vec![fault(&error)])?;
            Ok(files::write(output.as_deref(), &bytes)?)
        }
    }
}

/// Looks whether the format can describe nodes of a provider, before the work is done.
///
/// # Errors
/// It cannot.
pub fn check(args: &OutputArgs, provider: Provider) -> Result<(), Failure> {
    node_groups::check(Format::from(args.format), provider).map_err(|e| vec![fault(&e.into())].into())
}

fn fault(error: &RenderError) -> Fault {
    let fault = Fault::new("-f", error.to_string());
    match error {
        RenderError::Focus(_) => fault.help("see --as-of"),
        RenderError::Kubernetes(_) | RenderError::NodeGroups(_) => fault,
    }
}

/// Every CSV table as a file of its own.
fn write_tables(report: &PlanReport, folder: &Path) -> Result<(), Failure> {
    files::make_folder(folder)?;
    for table in csv::Table::ALL {
        let path = folder.join(format!("{}.csv", table.name()));
        files::write(Some(&path), &csv::render(report, table))?;
    }
    Ok(())
}

/// There is a folder of that name, or it ends like one.
fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

fn options(args: &OutputArgs, messages: MessageArgs) -> RenderOptions {
    let to_terminal = args.output.is_none() && std::io::stdout().is_terminal();
    let size = terminal_size::terminal_size_of(std::io::stdout()).filter(|_| to_terminal);
    RenderOptions {
        width: size.map_or(WIDTH, |(columns, _)| usize::from(columns.0)),
        color: to_terminal && colors_wanted(messages),
        ascii: args.ascii,
        plain: args.plain,
        all_nodes: args.all_nodes,
        csv_table: args.table.unwrap_or(csv::Table::Nodes),
        start: args.as_of.clone(),
    }
}

/// By the conventions of no-color.org and of terminals that know no colours.
fn colors_wanted(messages: MessageArgs) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    !messages.no_color && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}
