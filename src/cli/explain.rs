//! `plimsoll explain`: why a workload lies where it does, and what would bring a type into the plan.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use plimsoll::input::certificate_file::{self, Certified};
use plimsoll::input::{Fault, Source};
use plimsoll::report::explain::{self, ExplainError};
use plimsoll::report::view::PlanReport;
use plimsoll::report::{Format, json, render_explained};

use super::args::{MessageArgs, PlanArgs, TEMPLATE};
use super::progress::Progress;
use super::{Ending, Failure, Planned, Want, files, make_plan, output};

/// Ask why: where a workload lies and what one replica more costs, or what would bring a type into the plan
#[derive(Debug, Subcommand)]
pub enum ExplainCommand {
    Workload(ExplainArgs),
    #[command(
        about = "Where a type is used, what its nodes are worth, and at which price it would enter the plan"
    )]
    Type(ExplainArgs),
}

/// On which nodes a workload lies, what binds there, and what one replica more costs
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll explain workload shop/web ./manifests
  plimsoll explain type m7g.xlarge ./manifests --region eu-west-1
  plimsoll plan ./manifests -f json -o plan.json --certificate proof.json
  plimsoll explain workload shop/web plan.json --proof proof.json
"
)]
pub struct ExplainArgs {
    /// A workload (name, namespace/name or namespace/Kind/name), or an instance type
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What `plan --certificate` wrote; FILES is then the saved plan, and nothing is planned again
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub proof: Option<PathBuf>,
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Explains from a saved plan, or plans first.
pub fn run(command: &ExplainCommand, messages: MessageArgs) -> Result<Ending, Failure> {
    let (ExplainCommand::Workload(args) | ExplainCommand::Type(args)) = command;
    let format = args.plan.output.format;
    if !matches!(format, Format::Table | Format::Json) {
        return Err(vec![Fault::new("-f", "an explanation is a table or json")].into());
    }
    let (report, proof) = match saved(args)? {
        Some((report, proof)) => (report, proof),
        None => {
            let progress = Progress::start(messages);
            let Planned { report, certificate } = make_plan(&args.plan, &progress, Want::Explanation)?;
            let read = |text: String| {
                certificate_file::read(&Source { name: "the proof".to_owned(), bytes: text.into_bytes() })
            };
            (report, certificate.map(read).transpose()?)
        }
    };
    let fault = |error: ExplainError| {
        let fault = Fault::new(&args.name, error.to_string());
        vec![match nearest(&report, &args.name) {
            Some(near) if matches!(error, ExplainError::NoSuchWorkload(_)) => {
                fault.help(format!("did you mean `{near}`?"))
            }
            _ => fault,
        }]
    };
    let explained = match command {
        ExplainCommand::Workload(_) => explain::Explained::Workload(
            explain::workload(&report, proof.as_ref(), &args.name).map_err(fault)?,
        ),
        ExplainCommand::Type(_) => explain::Explained::Type(
            explain::instance_type(&report, proof.as_ref(), &args.name).map_err(fault)?,
        ),
    };
    let out = &args.plan.output;
    let options = output::drawn(out.output.is_none(), out.plain, out.ascii, messages);
    let bytes = render_explained(&explained, format == Format::Json, &options);
    files::write(out.output.as_deref(), &bytes)?;
    Ok(Ending::Done)
}

/// The saved plan, where FILES is one: then it is not read as workloads.
fn saved(args: &ExplainArgs) -> Result<Option<(PlanReport, Option<Certified>)>, Failure> {
    let [path] = args.plan.inputs.as_slice() else {
        return match args.proof {
            Some(_) => {
                Err(vec![Fault::new("--proof", "goes with one saved plan, not with several files")].into())
            }
            None => Ok(None),
        };
    };
    let json_file = path.extension().is_some_and(|extension| extension == "json");
    if args.proof.is_none() && !json_file {
        return Ok(None);
    }
    let source = files::read_one(path)?;
    let is_plan = serde_json::from_slice::<serde_json::Value>(&source.bytes)
        .is_ok_and(|value| value.get("schema_version").is_some() && value.get("headline").is_some());
    if args.proof.is_none() && !is_plan {
        return Ok(None);
    }
    let proof = args
        .proof
        .as_deref()
        .map(|path| files::read_one(path).and_then(|source| certificate_file::read(&source)));
    let (report, proof) = files::both(json::read(&source), proof.transpose())?;
    Ok(Some((report, proof)))
}

/// The workload whose name is most like it.
fn nearest<'a>(report: &'a PlanReport, name: &str) -> Option<&'a str> {
    let likeness = |row: &plimsoll::report::view::WorkloadRow| {
        let short = strsim::jaro_winkler(&row.name, name);
        short.max(strsim::jaro_winkler(&row.workload, name))
    };
    let best = report.workloads.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) > 0.75).then_some(best.workload.as_str())
}
